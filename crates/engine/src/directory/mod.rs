//! The kinds of directory whose records are in our store, put together from ports.

mod delegated;
mod fed;
mod internal;
mod mirrored;
mod mount;
mod records;
mod recovery;

pub use delegated::Delegated;
pub use fed::Fed;
pub use internal::Internal;
pub use mirrored::Mirrored;
pub use recovery::{Recovery, RecoveryStatus};

pub(crate) use internal::Guesses;

pub(crate) use mount::{Mount, Via};
pub(crate) use records::{Followed, RecordsOf};
pub(crate) use recovery::{Listed, RecoveryAdmin};

use async_trait::async_trait;
use throng_core::directory::{Credence, Directory};
use throng_core::error::{DirectoryError, StoreError};
use throng_core::moves::Capture;
use throng_core::name::Username;
use throng_core::plan::Rules;
use throng_core::registry::Nesting;
use throng_core::secret::Secret;
use throng_core::user::User;
use throng_passwords::hasher::HasherError;

use crate::error::Error;

/// A directory whose records are in our store, so that who it holds is known before it is asked.
#[async_trait]
pub(crate) trait Stored: Directory {
    /// Whether a login may make a user whom the records lack.
    fn creates_at_login(&self) -> bool;

    /// Whether groups may stand in groups.
    fn nesting(&self) -> Nesting;

    /// Checks a password for the user that the records hold, or for nobody.
    async fn log_in(&self, login: &Login<'_>, known: Option<&User>) -> Result<Checked, LoginFault>;
}

/// A login as a stored directory sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Login<'l> {
    pub(crate) name: &'l Username,
    pub(crate) secret: &'l Secret,
    pub(crate) rules: &'l Rules,
}

/// What a stored directory says about a credential, and what saying so cost.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) credence: Credence,
    pub(crate) spent: Spent,
    /// The password that the account waits for, where it has none of its own.
    pub(crate) waits_for: Option<Box<Capture>>,
}

impl Checked {
    pub(crate) fn new(credence: Credence, spent: Spent) -> Self {
        Self { credence, spent, waits_for: None }
    }
}

/// Whether a login has paid for one hash at the current cost (T43).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spent {
    AHash,
    Nothing,
}

/// Why a stored directory could not say. Only silence of the verifier or the source is the directory's own: a failing
/// store or a full queue must never hand the login to the next directory.
#[derive(Debug)]
pub(crate) enum LoginFault {
    Verifier(DirectoryError),
    Store(StoreError),
    Hasher(HasherError),
}

impl LoginFault {
    /// As the error of a login that nobody could decide.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Verifier(error) => Error::fault_of(error),
            Self::Store(error) => error.into(),
            Self::Hasher(error) => error.into(),
        }
    }
}

impl From<StoreError> for LoginFault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<HasherError> for LoginFault {
    fn from(error: HasherError) -> Self {
        Self::Hasher(error)
    }
}

impl From<LoginFault> for DirectoryError {
    fn from(fault: LoginFault) -> Self {
        use throng_core::error::Fault;
        match fault {
            LoginFault::Verifier(error) => error,
            LoginFault::Store(error) => error.into(),
            LoginFault::Hasher(error @ HasherError::Overloaded { .. }) => {
                Self::new(Fault::Unavailable, "password hashing").caused_by(error)
            }
            LoginFault::Hasher(error) => Self::new(Fault::Broken, "password hashing").caused_by(error),
        }
    }
}
