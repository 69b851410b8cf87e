//! How scripted ports answer.

use std::collections::BTreeMap;
use std::future;
use std::time::Duration;

use throng_core::directory::Refusal;
use throng_core::error::{DirectoryError, Fault};

/// How a call of a scripted port goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behaviour {
    /// It answers as documented.
    #[default]
    Answering,
    /// It fails with [`Fault::Unavailable`], and changes nothing.
    Silent,
    /// It never ends, so that the caller's deadline fires; for paused time.
    Hanging,
    /// It answers as documented after a while; for paused time.
    Slow(Duration),
    /// It answers with somebody else: calls that give users, groups or accounts lie, the others answer.
    Lying(Lie),
    /// It fails with [`Fault::Broken`], and changes nothing.
    Broken,
    /// Whoever is there is refused; calls that check no password answer.
    Refusing(Refusal),
    /// It does as documented, and its answer is lost on the way: whoever asked hears [`Fault::Unavailable`], and cannot
    /// know.
    Losing,
}

/// What a lie is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// The name given has another key than the one asked for (T17), and a stranger is given where nobody is.
    Name,
    /// The external id given is that of nobody.
    ExternalId,
}

/// A call of a scripted port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `Directory::user`.
    User,
    /// `Directory::group`.
    Group,
    /// `Directory::find_users`.
    FindUsers,
    /// `Directory::find_groups`.
    FindGroups,
    /// `Directory::parents_of`.
    ParentsOf,
    /// `Directory::children_of`.
    ChildrenOf,
    /// `Directory::authenticate`.
    Authenticate,
    /// `WriteUsers::add_user`.
    AddUser,
    /// `TakeHashes::add_user_with_hash`.
    AddUserWithHash,
    /// `WriteUsers::update_user`.
    UpdateUser,
    /// `WriteUsers::rename_user`.
    RenameUser,
    /// `WriteUsers::remove_user`.
    RemoveUser,
    /// `WriteGroups::add_group`.
    AddGroup,
    /// `WriteGroups::update_group`.
    UpdateGroup,
    /// `WriteGroups::remove_group`.
    RemoveGroup,
    /// `WriteMembers::add_member`.
    AddMember,
    /// `WriteMembers::remove_member`.
    RemoveMember,
    /// `SetPasswords::set_password`.
    SetPassword,
    /// `SyncSource::pull`.
    Pull,
    /// `Verifier::verify`.
    Verify,
    /// `Verifier::account`.
    Account,
}

/// The behaviours and the counts of one scripted port.
#[derive(Debug, Default)]
pub(super) struct Script {
    always: Behaviour,
    on: BTreeMap<Call, Behaviour>,
    calls: BTreeMap<Call, u64>,
    /// For one call, by how many there will have been.
    once: BTreeMap<(Call, u64), Behaviour>,
    /// For all calls, whatever they are, once so many more were made.
    from: Option<(u64, Behaviour)>,
}

/// What is left to do once a call was not stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Honest,
    Lying(Lie),
    Refusing(Refusal),
    Losing,
}

impl Manner {
    /// What whoever asked hears of an outcome.
    pub(super) fn answer<T>(self, outcome: Result<T, DirectoryError>) -> Result<T, DirectoryError> {
        match self {
            Self::Losing => Err(unavailable()),
            Self::Honest | Self::Lying(_) | Self::Refusing(_) => outcome,
        }
    }
}

impl Script {
    pub(super) fn behave(&mut self, behaviour: Behaviour) {
        self.always = behaviour;
        self.on.clear();
        self.from = None;
    }

    pub(super) fn behave_on(&mut self, call: Call, behaviour: Behaviour) {
        self.on.insert(call, behaviour);
    }

    pub(super) fn behave_once(&mut self, call: Call, nth: u64, behaviour: Behaviour) {
        self.once.insert((call, self.calls(call) + nth), behaviour);
    }

    pub(super) fn behave_from(&mut self, nth: u64, behaviour: Behaviour) {
        self.from = nth.checked_sub(1).map(|before| (before, behaviour));
    }

    pub(super) fn calls(&self, call: Call) -> u64 {
        self.calls.get(&call).copied().unwrap_or(0)
    }

    pub(super) fn all_calls(&self) -> u64 {
        self.calls.values().sum()
    }

    pub(super) fn forget_calls(&mut self) {
        self.calls.clear();
    }

    /// Counts a call and tells how it goes.
    pub(super) fn count(&mut self, call: Call) -> Behaviour {
        let count = self.calls.entry(call).or_default();
        *count += 1;
        let once = self.once.remove(&(call, *count));
        let from = match &mut self.from {
            Some((0, behaviour)) => Some(*behaviour),
            Some((before, _)) => {
                *before -= 1;
                None
            }
            None => None,
        };
        once.or(from).or_else(|| self.on.get(&call).copied()).unwrap_or(self.always)
    }
}

impl Behaviour {
    /// Waits or fails as the behaviour says; no lock may be held meanwhile.
    pub(super) async fn perform(self) -> Result<Manner, DirectoryError> {
        match self {
            Self::Answering => Ok(Manner::Honest),
            Self::Silent => Err(unavailable()),
            Self::Hanging => future::pending().await,
            Self::Slow(wait) => {
                tokio::time::sleep(wait).await;
                Ok(Manner::Honest)
            }
            Self::Lying(lie) => Ok(Manner::Lying(lie)),
            Self::Broken => Err(DirectoryError::new(Fault::Broken, "scripted directory")),
            Self::Refusing(refusal) => Ok(Manner::Refusing(refusal)),
            Self::Losing => Ok(Manner::Losing),
        }
    }
}

fn unavailable() -> DirectoryError {
    DirectoryError::new(Fault::Unavailable, "scripted directory")
}
