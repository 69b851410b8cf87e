//! The public error: what a stranger may read, what an operator may read, and nothing secret in either.

use std::fmt;
use std::time::Duration;

use throng_core::attribute::InvalidAttribute;
use throng_core::claim::OwnershipChange;
use throng_core::directory::Refusal;
use throng_core::error::{DirectoryError, Fault, StoreError};
use throng_core::filter::FilterTooComplex;
use throng_core::id::DirectoryId;
use throng_core::member::LimitExceeded;
use throng_core::name::InvalidName;
use throng_core::password::HashTooLong;
use throng_core::plan::InvalidPlan;
use throng_core::registry::InvalidLabel;
use throng_core::resolve::Trail;
use throng_core::route::NoRoute;
use throng_core::secret::SecretError;
use throng_core::user::InvalidProfile;
use throng_passwords::hasher::HasherError;
use throng_passwords::policy::PolicyViolations;

use crate::import::ImportError;
use crate::moves::{MoveId, MoveState, Obstacle};

/// Why a call did not do what it was asked.
///
/// `Display` is what a stranger may read: [`Error::Denied`] reads the same for an unknown name, a wrong password and an
/// inactive account (T42). What an operator may read is in the fields, in [`Error::trail`] and in the source.
#[derive(Debug)]
pub enum Error {
    /// Every directory answered and none holds it.
    NotFound {
        /// What was asked for, in a word.
        what: &'static str,
        /// Who was asked and what was said, when directories were.
        trail: Option<Box<Trail>>,
    },
    /// The credential or the session opens nothing.
    Denied {
        /// Why, for operators.
        why: Denial,
        /// Who was asked and what was said, when directories were.
        trail: Option<Box<Trail>>,
    },
    /// It cannot be said now; later it may.
    Unavailable {
        /// What is missing.
        why: Outage,
        /// Who was asked and what was said, when directories were.
        trail: Option<Box<Trail>>,
    },
    /// It would contradict what is there.
    Conflict(Conflict),
    /// Neither powers nor permissions allow it anywhere that it concerns.
    Forbidden(&'static str),
    /// The input itself is wrong.
    Invalid(Invalid),
    /// Something that is stored or was answered contradicts itself.
    Broken(Broken),
}

impl Error {
    /// Who was asked and what was said, for operators.
    pub fn trail(&self) -> Option<&Trail> {
        match self {
            Self::NotFound { trail, .. } | Self::Denied { trail, .. } | Self::Unavailable { trail, .. } => {
                trail.as_deref()
            }
            Self::Conflict(_) | Self::Forbidden(_) | Self::Invalid(_) | Self::Broken(_) => None,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::NotFound { .. }
            | Self::Denied { .. }
            | Self::Conflict(_)
            | Self::Forbidden(_)
            | Self::Invalid(_)
            | Self::Broken(_) => false,
        }
    }

    pub(crate) fn not_found(what: &'static str) -> Self {
        Self::NotFound { what, trail: None }
    }

    pub(crate) fn denied(why: Denial) -> Self {
        Self::Denied { why, trail: None }
    }

    pub(crate) fn broken(what: &'static str) -> Self {
        Self::Broken(Broken { what, source: None })
    }

    pub(crate) fn silent(directory: DirectoryId) -> Self {
        Self::Unavailable { why: Outage::Directories(vec![directory]), trail: None }
    }

    /// A fault of the store, told by what the caller intended with it.
    pub(crate) fn from_store(error: StoreError, on_conflict: Conflict) -> Self {
        match error.fault() {
            Fault::Conflict => Self::Conflict(on_conflict),
            _ => error.into(),
        }
    }

    /// A fault of a directory that was asked. Only silence has a meaning of its own: whatever else a question meets
    /// is a contradiction that nobody may take for an answer.
    pub(crate) fn fault_of(error: DirectoryError) -> Self {
        Self::Broken(Broken { what: error.subject(), source: Some(error.into()) })
    }

    /// A fault of a directory that was told to change something.
    pub(crate) fn from_directory(
        error: DirectoryError,
        directory: DirectoryId,
        on_conflict: Conflict,
    ) -> Self {
        match error.fault() {
            Fault::Missing => Self::not_found(error.subject()),
            Fault::Conflict => Self::Conflict(on_conflict),
            Fault::Forbidden => Self::Forbidden(error.subject()),
            Fault::Invalid => Self::Invalid(Invalid::RefusedByDirectory(error.subject())),
            Fault::Unavailable => Self::silent(directory),
            Fault::Broken => Self::Broken(Broken { what: error.subject(), source: Some(error.into()) }),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { what, .. } => write!(f, "there is no such {what}"),
            Self::Denied { why: Denial::NotAdmitted, .. } => f.write_str("this account has no access here"),
            Self::Denied { why: Denial::Session, .. } => f.write_str("the session has ended"),
            Self::Denied { .. } => f.write_str("the name or the password is wrong"),
            Self::Unavailable { why: Outage::Overloaded { .. }, .. } => {
                f.write_str("too much is going on; please try again")
            }
            Self::Unavailable { .. } => {
                f.write_str("this cannot be answered at the moment; please try again")
            }
            Self::Conflict(conflict) => fmt::Display::fmt(conflict, f),
            Self::Forbidden(what) => write!(f, "changing this {what} is not allowed"),
            Self::Invalid(invalid) => fmt::Display::fmt(invalid, f),
            Self::Broken(broken) => fmt::Display::fmt(broken, f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Invalid(invalid) => Some(invalid),
            Self::Broken(broken) => broken.source.as_deref().map(|source| source as _),
            Self::NotFound { .. }
            | Self::Denied { .. }
            | Self::Unavailable { .. }
            | Self::Conflict(_)
            | Self::Forbidden(_) => None,
        }
    }
}

/// Why a credential or a session opens nothing. For operators and the audit only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The name cannot be anybody's.
    Name(InvalidName),
    /// The password cannot be anybody's: it is empty or too long, and reached no directory (T29, T51).
    Password(SecretError),
    /// Nobody has the name.
    Unknown,
    /// The name is somebody's, and somebody else's alias: it is nobody's until an administrator decides (T07).
    Ambiguous,
    /// A directory holds the name and refused.
    Refused {
        /// The directory.
        by: DirectoryId,
        /// Why.
        why: Refusal,
    },
    /// The application is inactive or has no directories (R202, R801).
    ApplicationClosed,
    /// The account is none that the application admits (R220).
    NotAdmitted,
    /// An application that asks over the network is unknown, inactive or without a credential, or showed a wrong one.
    Consumer,
    /// There is no such session, it has ended, or its account is not the one that the name means any more.
    Session,
}

/// What is missing for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outage {
    /// These directories did not answer, and nobody else could decide.
    Directories(Vec<DirectoryId>),
    /// The store did not answer.
    Store(&'static str),
    /// Too many passwords are being hashed.
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
}

/// What a call would have contradicted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The name is taken, by somebody of this application or as an alias in it.
    #[error("the name is taken")]
    NameTaken,
    /// The name is somebody's, and somebody else's alias (T07).
    #[error("the name belongs to two accounts; an administrator must decide")]
    AmbiguousName,
    /// The name was somebody's who is gone, or is claimed by an account elsewhere: it must be released first (T05).
    #[error("the name belonged to somebody else; an administrator must release it")]
    NameReserved,
    /// Another account has turned up under a claimed name; see [`OwnershipChange`].
    #[error("the name belongs to somebody else; an administrator must decide")]
    OwnershipChanged(Box<OwnershipChange>),
    /// The user was renamed, and a namesake in a directory above has the new name: it shadows the user from now on.
    /// Only where the plan's rules copy Crowd (R255).
    #[error("the user was renamed and is shadowed by somebody of that name")]
    Shadowed,
    /// It is a member already.
    #[error("it is a member already")]
    AlreadyMember,
    /// The groups would stand in each other in a circle (R287).
    #[error("the groups would contain each other")]
    Cycle,
    /// What was resolved is not what the name means any more: it changed meanwhile (T10).
    #[error("this has changed meanwhile; look again")]
    Stale,
    /// The configuration was changed by somebody else meanwhile.
    #[error("the configuration has changed meanwhile; look again")]
    PlanStale,
    /// The directory's id or name is used by another kind of directory.
    #[error("a directory of this name exists and is of another kind")]
    DirectoryKind,
    /// A round of the mirror runs, here or in another process (R602).
    #[error("the mirror is being synchronised")]
    Synchronising,
    /// Somebody has the name that the recovery administrator is to have: it must have another one.
    #[error("the recovery administrator needs another name: this one is somebody's in {held_by:?}")]
    RecoveryName {
        /// The directory that holds the name, or the application in which it is claimed or an alias.
        held_by: String,
    },
    /// The directory is active; it must be switched off first (R293).
    #[error("the directory must be switched off first")]
    DirectoryActive,
    /// Others would change than the preview said, or otherwise: look again.
    #[error("others would change than the preview said; look again")]
    PreviewStale,
    /// The application would be left without anybody who can administer it (T105).
    #[error("the application {0:?} would be left without anybody who can administer it")]
    LastAdministrator(String),
    /// These directories could not be listed, so that nobody can say who of them changes.
    #[error("not all directories could be listed, so that nobody can say who changes")]
    NotListed(Vec<DirectoryId>),
    /// A move cannot be run as it is planned.
    #[error("the move cannot be run: {}", listed(.0))]
    MoveBlocked(Vec<Obstacle>),
    /// Another process works on one of the directories: a move, or a round of a mirror. One that was killed counts as
    /// working until its lease is over, a minute at most.
    #[error(
        "another process works on one of these directories, or was killed within the last minute: try again then"
    )]
    Moving,
    /// A move of one of the directories is not over: it must be resumed or reverted first.
    #[error("the move {0} of one of these directories is not over: it must be resumed or reverted first")]
    MoveOpen(MoveId),
    /// A move from or to the directory can still be taken back, and could not without it: it must be purged first.
    #[error("the move {0} needs the directory as long as it can be taken back: it must be purged first")]
    MoveUnpurged(MoveId),
    /// Accounts that came from the directory wait for their passwords, which it alone can check until their first login
    /// or their deadline: give them new ones first.
    #[error(
        "{0} accounts wait for their passwords, which this directory checks until they have logged in once"
    )]
    PasswordsPending(u64),
    /// The move is in a state in which this cannot be done.
    #[error("the move is {0}")]
    MoveState(MoveState),
    /// The work on a move was stopped, and can be resumed.
    #[error("the move was stopped; it can be resumed")]
    MoveStopped,
}

/// What is wrong with an input.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// A name of a user or group.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// A name of a directory or an application.
    #[error(transparent)]
    Label(#[from] InvalidLabel),
    /// The words that people see.
    #[error(transparent)]
    Profile(#[from] InvalidProfile),
    /// An attribute.
    #[error(transparent)]
    Attribute(#[from] InvalidAttribute),
    /// A password that is none.
    #[error(transparent)]
    Password(#[from] SecretError),
    /// A new password against the policy; all broken rules together (R711).
    #[error("{0}")]
    Policy(PolicyViolations),
    /// A new password that was used before.
    #[error("the password was used before")]
    PasswordReused,
    /// A stored hash that is none.
    #[error(transparent)]
    Hash(#[from] HashTooLong),
    /// A search.
    #[error(transparent)]
    Filter(#[from] FilterTooComplex),
    /// A plan.
    #[error(transparent)]
    Plan(#[from] InvalidPlan),
    /// Groups beyond what is followed.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// A description or another text is too long or holds control characters.
    #[error("the {0} is too long or holds control characters")]
    Text(&'static str),
    /// The directory knows no groups in groups (R402).
    #[error("the directory knows no groups in groups")]
    NoNesting,
    /// A directory refused what it was given.
    #[error("the directory refused this {0}")]
    RefusedByDirectory(&'static str),
    /// A row of an import.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A setting with which nothing would work (G03).
    #[error("{0} must be longer than nothing")]
    Setting(&'static str),
    /// A schedule of rounds that names no moments (G03).
    #[error("{0}")]
    Schedule(&'static str),
    /// More of something than an application can have.
    #[error("there are too many {0}")]
    TooMany(&'static str),
    /// The application allows no aliases.
    #[error("this application has no aliases")]
    NoAliases,
}

/// Something contradicts itself; an operator must look.
#[derive(Debug)]
pub struct Broken {
    /// What, in a few words.
    pub what: &'static str,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an internal fault: {}", self.what)
    }
}

fn listed(obstacles: &[Obstacle]) -> String {
    obstacles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

macro_rules! invalid_from {
    ($($Source:ty),* $(,)?) => {$(
        impl From<$Source> for Error {
            fn from(source: $Source) -> Self {
                Self::Invalid(source.into())
            }
        }
    )*};
}

invalid_from!(
    InvalidName,
    InvalidLabel,
    InvalidProfile,
    InvalidAttribute,
    SecretError,
    FilterTooComplex,
    InvalidPlan,
    LimitExceeded,
    ImportError,
);

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error.fault() {
            Fault::Missing => Self::not_found(error.subject()),
            Fault::Conflict => Self::Conflict(Conflict::Stale),
            Fault::Forbidden => Self::Forbidden(error.subject()),
            Fault::Unavailable => Self::Unavailable { why: Outage::Store(error.subject()), trail: None },
            Fault::Invalid | Fault::Broken => {
                Self::Broken(Broken { what: error.subject(), source: Some(error.into()) })
            }
        }
    }
}

impl From<HasherError> for Error {
    fn from(error: HasherError) -> Self {
        match error {
            HasherError::Overloaded { retry_after } => {
                Self::Unavailable { why: Outage::Overloaded { retry_after }, trail: None }
            }
            HasherError::Hash(_) | HasherError::Workspace(_) | HasherError::Interrupted => {
                Self::Broken(Broken { what: "password hashing", source: Some(error.into()) })
            }
        }
    }
}

impl From<NoRoute> for Error {
    fn from(why: NoRoute) -> Self {
        match why {
            NoRoute::Undecided(directory) => Self::silent(directory),
            NoRoute::Taken(_) => Self::Conflict(Conflict::NameTaken),
            NoRoute::Forbidden => Self::Forbidden("entry"),
            NoRoute::Missing => Self::not_found("user or group"),
            NoRoute::GroupMissing => Self::not_found("group"),
            NoRoute::AlreadyMember => Self::Conflict(Conflict::AlreadyMember),
            NoRoute::NotMember => Self::not_found("membership"),
            NoRoute::NoNesting => Self::Invalid(Invalid::NoNesting),
        }
    }
}
