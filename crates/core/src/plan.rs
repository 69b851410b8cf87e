//! The order in which an application asks its directories, and the policies that go with each place in it.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::id::DirectoryId;
use crate::name::GroupName;
use crate::permission::Permissions;
use crate::time::Timestamp;

/// The ordered directories of an application.
///
/// 1. A directory occurs once.
/// 2. At most [`Plan::MAX_SEATS`] seats.
/// 3. A plan is a value: changing an order means storing another plan with a higher version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    version: u64,
    seats: Vec<Seat>,
    memberships: MembershipScheme,
    rules: Rules,
}

impl Plan {
    /// Most directories of one application. Nobody has been seen with more than a few dozen; ranks fit one byte with a
    /// value to spare.
    pub const MAX_SEATS: usize = 255;

    /// A plan with Throng's own rules and no directories yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The plan that does as Crowd does: silence is passed except for writes (R206, R230), claims only warn, and the
    /// quirks that Throng mends are copied. New seats take [`SeatPolicy::CROWD`].
    pub fn crowd() -> Self {
        Self { rules: Rules::CROWD, ..Self::default() }
    }

    /// Adds a directory at the end of the order (R804), with the policy that the plan's rules call for.
    pub fn seat(self, directory: DirectoryId) -> Result<Self, InvalidPlan> {
        let policy = self.rules.seat_policy;
        self.push(Seat { policy, ..Seat::new(directory) })
    }

    /// Adds a seat at the end of the order.
    pub fn push(mut self, seat: Seat) -> Result<Self, InvalidPlan> {
        if self.rank(seat.directory).is_some() {
            return Err(InvalidPlan::DirectoryTwice(seat.directory));
        }
        if self.seats.len() >= Self::MAX_SEATS {
            return Err(InvalidPlan::TooManySeats);
        }
        self.seats.push(seat);
        Ok(self)
    }

    /// Adds a seat before all others.
    pub fn push_first(self, seat: Seat) -> Result<Self, InvalidPlan> {
        let mut plan = self.push(seat)?;
        plan.seats.rotate_right(1);
        Ok(plan)
    }

    /// The same seats in another order, which must name each of them once.
    pub fn reorder(&self, order: &[DirectoryId]) -> Result<Self, InvalidPlan> {
        let mut plan = Self { seats: Vec::with_capacity(self.seats.len()), ..self.clone() };
        for &directory in order {
            let seat = self.seats.iter().find(|seat| seat.directory == directory);
            plan = plan.push(seat.ok_or(InvalidPlan::UnknownDirectory(directory))?.clone())?;
        }
        match self.seats.iter().find(|seat| plan.rank(seat.directory).is_none()) {
            Some(missing) => Err(InvalidPlan::DirectoryMissing(missing.directory)),
            None => Ok(plan),
        }
    }

    /// Chooses how memberships of several directories combine.
    #[must_use]
    pub fn with_memberships(mut self, scheme: MembershipScheme) -> Self {
        self.memberships = scheme;
        self
    }

    /// Replaces the seats by those that `keep` accepts, changed as it likes.
    #[must_use]
    pub fn filter_map_seats(&self, keep: impl FnMut(Seat) -> Option<Seat>) -> Self {
        Self { seats: self.seats.iter().cloned().filter_map(keep).collect(), ..self.clone() }
    }

    /// Marks the plan as the successor of the version that is stored.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Chooses the rules.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Grows by one each time the stored plan changes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The seats in order.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// How memberships of several directories combine.
    pub fn memberships(&self) -> MembershipScheme {
        self.memberships
    }

    /// The rules that are not a matter of one seat.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The place of a directory in the order, counted from 0.
    pub fn rank(&self, directory: DirectoryId) -> Option<usize> {
        self.seats.iter().position(|seat| seat.directory == directory)
    }
}

/// Why seats do not make a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlan {
    /// A directory occurs twice.
    #[error("directory {0} occurs twice in the order")]
    DirectoryTwice(DirectoryId),
    /// The order leaves a directory out.
    #[error("directory {0} is missing from the order")]
    DirectoryMissing(DirectoryId),
    /// The order names a directory that is not in the plan.
    #[error("directory {0} is not in the plan")]
    UnknownDirectory(DirectoryId),
    /// There are more than [`Plan::MAX_SEATS`].
    #[error("a plan has at most {max} directories", max = Plan::MAX_SEATS)]
    TooManySeats,
}

/// One entry of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Seat {
    /// The directory that sits here.
    pub directory: DirectoryId,
    /// The directory's name, for people; filled in when a plan is put to use and never stored with it.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub label: String,
    /// How old its knowledge is; filled in when a plan is put to use and never stored with it.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub as_of: AsOf,
    /// What silence and refusal mean here.
    pub policy: SeatPolicy,
    /// Whose logins the application admits from here.
    pub access: Access,
    /// What the application may change here, within what the directory itself allows (R111).
    pub permissions: Permissions,
}

impl Seat {
    /// A seat with the default policy, open to everyone, with every permission that the directory gives.
    pub fn new(directory: DirectoryId) -> Self {
        Self {
            directory,
            label: String::new(),
            as_of: AsOf::Now,
            policy: SeatPolicy::DEFAULT,
            access: Access::Everyone,
            permissions: Permissions::ALL,
        }
    }
}

/// How old the knowledge of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AsOf {
    /// It is what it knows now.
    #[default]
    Now,
    /// It is a copy, which was complete at this moment.
    Mirror(Timestamp),
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => Ok(()),
            Self::Mirror(complete) => write!(f, " (mirror, as of {complete})"),
        }
    }
}

/// Whose logins an application admits from one directory (R220).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Access {
    /// All of its users.
    Everyone,
    /// Those who are nested members of one of these groups in this same directory (R221).
    Groups(BTreeSet<GroupName>),
}

/// How a seat's silence and refusal count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct SeatPolicy {
    /// Silence while somebody logs in.
    pub login: OnSilence,
    /// Silence while access is decided.
    pub authorise: OnSilence,
    /// Silence while a user is looked up to be shown.
    pub lookup: OnSilence,
    /// A refused credential.
    pub on_refusal: OnRefusal,
}

impl SeatPolicy {
    /// Closed unless a mirror complete within the last two hours knew that the name is not there; a wrong password
    /// never reaches the next directory (R205). Two hours are two rounds of the usual hourly synchronisation (R601).
    pub const DEFAULT: Self = {
        let closed = OnSilence::PassIfLacked { max_age: Duration::from_secs(2 * 60 * 60) };
        Self { login: closed, authorise: closed, lookup: closed, on_refusal: OnRefusal::Stop }
    };
    /// Crowd's: silence is passed, a wrong password stops (R203, R206, R230). Authorisation fails closed (R222).
    pub const CROWD: Self = Self {
        login: OnSilence::Pass,
        authorise: OnSilence::Stop,
        lookup: OnSilence::Pass,
        on_refusal: OnRefusal::Stop,
    };

    /// The policy on silence for one purpose. Writes always stop: a name that nobody could check may be taken.
    pub fn on_silence(&self, purpose: Purpose) -> OnSilence {
        match purpose {
            Purpose::Login => self.login,
            Purpose::Authorise => self.authorise,
            Purpose::Lookup => self.lookup,
            Purpose::Write => OnSilence::Stop,
        }
    }
}

impl Default for SeatPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What directories are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To check a password.
    Login,
    /// To decide about access.
    Authorise,
    /// To show somebody.
    Lookup,
    /// To find where a change goes.
    Write,
}

/// What happens when a directory cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum OnSilence {
    /// Nothing is decided.
    Stop,
    /// The next directory is asked if a complete mirror, not older than `max_age`, lacked the name.
    PassIfLacked {
        /// How old the mirror's knowledge may be.
        max_age: Duration,
    },
    /// The next directory is asked, whatever this one may hold.
    Pass,
}

/// What happens when a directory holds the name and refuses the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum OnRefusal {
    /// The login is refused (R205).
    Stop,
    /// The next directory is asked: a namesake below may log in.
    Pass,
}

/// How memberships of several directories combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum MembershipScheme {
    /// Only the directory of the canonical user counts (R271).
    #[default]
    Canonical,
    /// The union over all directories counts; nesting stays inside each (R272, R275).
    Aggregated,
}

/// Rules of a plan that are not a matter of one seat: Throng's own, or Crowd's where it is to be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Rules {
    /// The policy of seats added by [`Plan::seat`].
    pub seat_policy: SeatPolicy,
    /// Another account under a claimed name (T01).
    pub on_ownership_change: OnOwnershipChange,
    /// When an inactive account is told so (Q02).
    pub tell_inactive: TellInactive,
    /// An account that is kept here and gone where its password is checked.
    pub gone_account: GoneAccount,
    /// Which occurrence of a name a search looks at (Q04).
    pub search: SearchScope,
    /// Where a new name must be free when a user is renamed (Q06).
    pub rename: RenameScope,
    /// Where a new group is made (Q07).
    pub new_groups: NewGroups,
}

impl Rules {
    /// The recommended column of Crowd's quirks.
    pub const DEFAULT: Self = Self {
        seat_policy: SeatPolicy::DEFAULT,
        on_ownership_change: OnOwnershipChange::Refuse,
        tell_inactive: TellInactive::AfterPassword,
        gone_account: GoneAccount::Refuse,
        search: SearchScope::Canonical,
        rename: RenameScope::EveryDirectory,
        new_groups: NewGroups::FirstDirectory,
    };
    /// The copied column.
    pub const CROWD: Self = Self {
        seat_policy: SeatPolicy::CROWD,
        on_ownership_change: OnOwnershipChange::Follow,
        tell_inactive: TellInactive::BeforePassword,
        gone_account: GoneAccount::Pass,
        search: SearchScope::AnyOccurrence,
        rename: RenameScope::SameDirectory,
        new_groups: NewGroups::EveryDirectory,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What happens when another account turns up under a claimed name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum OnOwnershipChange {
    /// It gets nothing until an administrator adopts it (T01, T02, T05).
    Refuse,
    /// The order decides, as in Crowd; the change is reported.
    Follow,
}

/// When an inactive account is told so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TellInactive {
    /// Only to somebody who knows the password.
    AfterPassword,
    /// To anybody, as in Crowd (R207).
    BeforePassword,
}

/// What happens when somebody logs in whose account is kept here and gone where its password is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum GoneAccount {
    /// The login is refused: the name still means the account that is kept, and a namesake below does not get it (T41).
    Refuse,
    /// The next directory is asked, as in Crowd (R203, R512).
    Pass,
}

/// Which occurrence of a name a search looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum SearchScope {
    /// The canonical one only.
    Canonical,
    /// The first that matches, shadowed or not, as in Crowd (R244).
    AnyOccurrence,
}

/// Where a new name must be free when a user is renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum RenameScope {
    /// In every directory of the plan.
    EveryDirectory,
    /// In the user's own directory only, as in Crowd (R255).
    SameDirectory,
}

/// Where a new group is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum NewGroups {
    /// In the first directory that may and can.
    FirstDirectory,
    /// In every directory that may and can, as in Crowd (R260).
    EveryDirectory,
}

#[cfg(feature = "serde")]
mod stored {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{MembershipScheme, Plan, Rules, Seat};

    #[derive(Serialize, Deserialize)]
    struct Stored<S> {
        version: u64,
        memberships: MembershipScheme,
        rules: Rules,
        seats: S,
    }

    impl Serialize for Plan {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self { version, seats, memberships, rules } = self;
            Stored { version: *version, memberships: *memberships, rules: *rules, seats }
                .serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Plan {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let stored = Stored::<Vec<Seat>>::deserialize(deserializer)?;
            let plan = Self::new()
                .with_version(stored.version)
                .with_memberships(stored.memberships)
                .with_rules(stored.rules);
            stored.seats.into_iter().try_fold(plan, Self::push).map_err(serde::de::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(n: u8) -> DirectoryId {
        DirectoryId::from_bytes([n; 16])
    }

    #[test]
    fn an_order_names_each_directory_once_g04() {
        let plan = Plan::new().seat(directory(1)).unwrap().seat(directory(2)).unwrap();
        assert_eq!(plan.clone().seat(directory(1)), Err(InvalidPlan::DirectoryTwice(directory(1))));
        assert_eq!(plan.reorder(&[directory(1)]), Err(InvalidPlan::DirectoryMissing(directory(2))));
        assert_eq!(plan.reorder(&[]), Err(InvalidPlan::DirectoryMissing(directory(1))));
        assert_eq!(
            plan.reorder(&[directory(1), directory(2), directory(3)]),
            Err(InvalidPlan::UnknownDirectory(directory(3)))
        );
        let turned = plan.reorder(&[directory(2), directory(1)]).unwrap();
        assert_eq!((turned.rank(directory(2)), turned.rank(directory(1))), (Some(0), Some(1)));
    }

    #[test]
    fn seats_are_limited() {
        let id = |n: u16| {
            DirectoryId::from_bytes(
                [[n.to_be_bytes()[0]; 8], [n.to_be_bytes()[1]; 8]].concat().try_into().unwrap(),
            )
        };
        let full = (0..255).fold(Plan::new(), |plan, n| plan.seat(id(n)).unwrap());
        assert_eq!(full.seat(id(255)), Err(InvalidPlan::TooManySeats));
    }

    #[test]
    fn writes_stop_on_silence_whatever_the_policy() {
        for policy in [SeatPolicy::DEFAULT, SeatPolicy::CROWD] {
            assert_eq!(policy.on_silence(Purpose::Write), OnSilence::Stop);
        }
    }
}
