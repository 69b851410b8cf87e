//! Two directories with an application over them, and a move from one to the other that is killed.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod fill;
mod outcome;
pub(crate) mod sweep;

use std::sync::Arc;
use std::time::Duration;

use throng_core::directory::{Credence, Directory, Refusal, Verifier};
use throng_core::group::Member;
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, Subject};
use throng_core::moves::{EntryState, Landing, MoveEntry, Moves};
use throng_core::name::{GroupName, Username};
use throng_core::password::{CredentialState, EncodedHash};
use throng_core::plan::Plan;
use throng_core::registry::{DelegatedSettings, UnknownUser};
use throng_core::secret::Secret;
use throng_core::store::{Credentials, Records, Store};
use throng_core::time::{Clock, Timestamp};
use throng_engine::Throng;
use throng_engine::moves::{Move, MoveRequest, OnTaken, Options, OrderChange};
use throng_passwords::hasher::HasherConfig;
use throng_testkit::clock::{ManualClock, SeededEntropy};
use throng_testkit::faulty::FaultyStore;
use throng_testkit::memory::MemoryStore;
use throng_testkit::script::{ScriptedDirectory, ScriptedVerifier};

pub(crate) use self::outcome::{Differences, Outcome};

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// After how long somebody goes on with what was killed: the leases of a process that is gone are over.
const LATER: Duration = Duration::from_secs(120);

/// The kinds of move that are swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    InternalToInternal,
    InternalToDelegated,
    RemoteToInternal,
    InternalToRemote,
}

/// What is moved: how many users and groups, and the seed that decides who is in what and has what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) users: usize,
    pub(crate) groups: usize,
    pub(crate) seed: u64,
    pub(crate) hashes: Hashes,
}

/// Which hashes there are at an internal source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hashes {
    /// Strong ones, which go along as they are: nothing is computed.
    Strong,
    /// Weak ones too, which are wrapped.
    Mixed,
    /// Some that a far target does not take: their users are moved, and must set a new password.
    SomeRefused,
}

/// Which half of the users tries to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Even,
    Odd,
}

/// A password, and the hash of it.
const STRONG: (&str, &str) = (
    "Grüne Äpfel 7",
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
);
/// A strong hash that nothing opens, and that the far directory does not take.
const REFUSED: (&str, &str) = (
    "nothing that anybody knows",
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI",
);
const WEAK: (&str, &str) = ("a lantern in the fog", "{SSHA}ud5iXyrT0YD877BQBnOiVUuuc7VzYWx0");

/// Everything that a move concerns, as it was before a process began and as another will find it.
pub(crate) struct House {
    pub(crate) kind: Kind,
    pub(crate) size: Size,
    memory: MemoryStore,
    pub(crate) store: Arc<FaultyStore<MemoryStore>>,
    pub(crate) far: ScriptedDirectory,
    verifier: ScriptedVerifier,
    source: DirectoryId,
    target: DirectoryId,
    application: ApplicationId,
}

pub(crate) fn name(number: usize) -> Username {
    Username::new(format!("User{number:03}")).unwrap()
}

fn group(number: usize) -> GroupName {
    GroupName::new(format!("group{number:02}")).unwrap()
}

impl House {
    pub(crate) async fn new(kind: Kind, size: Size) -> Self {
        let memory = MemoryStore::new();
        let mut far = ScriptedDirectory::new(DirectoryId::from_bytes([7; 16]));
        for (password, hash) in [STRONG, WEAK] {
            far = far.taking_hash(&EncodedHash::new(hash).unwrap(), password);
        }
        let id = far.id();
        let mut house = Self {
            kind,
            size,
            store: Arc::new(FaultyStore::over(memory.clone())),
            memory,
            far,
            verifier: ScriptedVerifier::new(),
            source: id,
            target: id,
            application: ApplicationId::from_bytes([0; 16]),
        };
        let throng = house.throng(1, Duration::ZERO).await;
        let one = throng.internal_directory("One").await.unwrap();
        (house.source, house.target) = match kind {
            Kind::InternalToInternal => (one, throng.internal_directory("Two").await.unwrap()),
            Kind::InternalToDelegated => {
                let settings = DelegatedSettings {
                    unknown_user: UnknownUser::StaysUnknown,
                    ..DelegatedSettings::default()
                };
                (one, throng.delegated_directory("Staff", settings).await.unwrap())
            }
            Kind::RemoteToInternal => (id, one),
            Kind::InternalToRemote => (one, id),
        };
        let plan = Plan::new().seat(house.source).unwrap().seat(house.target).unwrap();
        house.application = throng.ensure_application("wiki", plan).await.unwrap().id();
        house.fill().await;
        house
    }

    /// Another house where everything is as it is in this one now, and where nothing fails.
    pub(crate) fn copy(&self) -> Self {
        let memory = self.memory.copy();
        Self {
            store: Arc::new(FaultyStore::over(memory.clone())),
            memory,
            far: self.far.copy(),
            verifier: self.verifier.clone(),
            ..*self
        }
    }

    /// The throng as a process puts it together that draws from a seed and is so much later.
    async fn throng(&self, seed: u64, later: Duration) -> Throng {
        let clock = ManualClock::at(START.plus(later).as_micros());
        let mut hashing = HasherConfig::new(std::num::NonZeroUsize::MIN);
        hashing.queue_deadline = Duration::from_secs(600);
        Throng::over(Arc::clone(&self.store) as Arc<dyn Store>)
            .clock(Arc::new(clock) as Arc<dyn Clock>)
            .entropy(Arc::new(SeededEntropy::new(seed)))
            .hashing(hashing)
            .directory("Far", Arc::new(self.far.clone()))
            .verifier("Staff", Arc::new(self.verifier.clone()) as Arc<dyn Verifier>)
            .build()
            .await
            .unwrap()
    }

    /// The process that is killed.
    pub(crate) async fn first(&self) -> Throng {
        self.throng(2, Duration::ZERO).await
    }

    /// The process that goes on.
    pub(crate) async fn next(&self) -> Throng {
        self.throng(3, LATER).await
    }

    pub(crate) fn request(&self) -> MoveRequest {
        let options =
            Options { order: OrderChange::TargetFirst, on_taken: OnTaken::Link, ..Options::default() };
        MoveRequest::new(self.source, self.target).options(options)
    }

    /// The move that was begun, if it came so far.
    pub(crate) async fn begun(&self) -> Option<Move> {
        self.memory.moves().await.unwrap().pop()
    }

    fn hash_of(&self, number: usize) -> (&'static str, &'static str) {
        match self.size.hashes {
            Hashes::Mixed if number % 6 == 1 => WEAK,
            Hashes::SomeRefused if self.is_refused(number) => REFUSED,
            Hashes::Strong | Hashes::Mixed | Hashes::SomeRefused => STRONG,
        }
    }

    fn is_refused(&self, number: usize) -> bool {
        self.size.hashes == Hashes::SomeRefused && number % 4 == 1
    }

    fn password(&self, number: usize) -> &'static str {
        self.hash_of(number).0
    }

    /// Users whose password opens nothing now: no place that has them keeps their hash, asks somebody who knows them,
    /// or waits for a password that its source accepts.
    pub(crate) async fn locked_out(&self) -> Vec<Username> {
        let mut out = Vec::new();
        for number in (0..self.size.users).filter(|&number| !self.is_refused(number)) {
            if !(self.opens(self.source, number).await || self.opens(self.target, number).await) {
                out.push(name(number));
            }
        }
        out
    }

    async fn opens(&self, directory: DirectoryId, number: usize) -> bool {
        if directory == self.far.id() {
            return self.opens_far(number).await;
        }
        let Some(user) = self.memory.user(directory, name(number).key()).await.unwrap() else { return false };
        if self.kind == Kind::InternalToDelegated && directory == self.target {
            // Everybody is known to the verifier.
            return true;
        }
        let subject = Subject { directory, external_id: user.external_id };
        let credential = self.memory.credential(&subject).await.unwrap();
        if let Some(CredentialState::Usable(hash)) = credential.map(|it| it.hash) {
            let (_, own) = self.hash_of(number);
            // A weak one may stand inside Argon2id by now: that it opens is seen by logging in.
            return hash.expose() == own || own == WEAK.1;
        }
        self.memory.capture(&subject).await.unwrap().is_some() && self.opens_far(number).await
    }

    async fn opens_far(&self, number: usize) -> bool {
        let secret = Secret::new(self.password(number)).unwrap();
        let credence = self.far.authenticate(&name(number), &secret).await.unwrap();
        matches!(credence, Credence::Accepted(_) | Credence::Refused(Refusal::Inactive))
    }

    /// Active users who cannot log in now. Logging in changes what is kept, so that a copy of the house is tried.
    pub(crate) async fn cannot_log_in(&self, who: Who) -> Vec<String> {
        let wiki = self.copy().next().await.application("wiki").unwrap();
        let waiting = self.stood_in_the_way_of().await;
        let mut turned_away = Vec::new();
        let tried =
            (0..self.size.users).filter(|number| who == if number % 2 == 0 { Who::Even } else { Who::Odd });
        for number in tried.filter(|&number| self.is_active(number) && !waiting.contains(&name(number))) {
            let login = wiki.authenticate(name(number).as_str(), self.password(number)).await;
            turned_away.extend(login.err().map(|error| format!("{}: {error:?}", name(number))));
        }
        turned_away
    }

    /// Users whose name means an account of the target already and who are not there yet, because the source keeps its
    /// accounts and the target must be asked first: those who are linked. Their passwords open their accounts at the
    /// source, and the application asks the others until the move goes on. A source that lets go stands in no way.
    async fn stood_in_the_way_of(&self) -> Vec<Username> {
        if self.kind != Kind::RemoteToInternal {
            return Vec::new();
        }
        let Some(record) = self.begun().await else { return Vec::new() };
        let entries = self.memory.move_entries(record.id, 0, usize::MAX).await.unwrap();
        let is_between = |entry: &&MoveEntry| match entry.state {
            EntryState::Begun => true,
            EntryState::Planned => matches!(entry.fate.landing, Landing::Linked(_)),
            _ => false,
        };
        entries.iter().filter(is_between).map(|entry| entry.name.clone()).collect()
    }
}

fn own_id(number: usize) -> ExternalId {
    ExternalId::new(format!("u{number}")).unwrap()
}

fn member(number: usize) -> Member {
    Member::User(name(number))
}
