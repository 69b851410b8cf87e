//! What went wrong in a database, without any value that it holds.

use sqlx::error::ErrorKind;
use throng_core::error::{Fault, StoreError};

/// Why a database did not do what it was told.
///
/// It is the source of the store's errors. It holds codes and kinds only: the message of a driver may carry
/// what is stored (T101), and nothing is ever decided by it (T93).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DriverFault {
    /// A second of something there may be one of.
    #[error("a unique value was there already")]
    Taken,
    /// A reference to something that is not there.
    #[error("a reference leads nowhere")]
    Dangling,
    /// Another rule of the schema.
    #[error("a rule of the schema was broken")]
    Constraint,
    /// A code of the engine; for SQLite, its extended result code.
    #[error("the engine reports code {0}")]
    Code(i32),
    /// No connection came free in time.
    #[error("no connection came free in time")]
    NoConnection,
    /// The connection to the engine is gone.
    #[error("the connection is gone")]
    Disconnected,
    /// The file was deleted, or another one is in its place.
    #[error("the file is not in its place any more")]
    Replaced,
    /// What is stored does not have the form that it was written in; the word says what it is.
    #[error("the stored {0} cannot be read")]
    Unreadable(&'static str),
    /// Anything else in the driver.
    #[error("the driver failed")]
    Driver,
}

impl DriverFault {
    /// What kind of fault it is where nobody violated a rule of the schema: whether it may pass.
    pub fn fault(self) -> Fault {
        of_cause(self)
    }
}

impl From<sqlx::Error> for DriverFault {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => match error.kind() {
                ErrorKind::UniqueViolation => Self::Taken,
                // What is looked up by the statement itself and not found arrives as NULL.
                ErrorKind::ForeignKeyViolation | ErrorKind::NotNullViolation => Self::Dangling,
                ErrorKind::CheckViolation => Self::Constraint,
                _ => match error.code().and_then(|code| code.parse().ok()) {
                    Some(code) => Self::Code(code),
                    None => Self::Driver,
                },
            },
            sqlx::Error::PoolTimedOut => Self::NoConnection,
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => Self::Disconnected,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Unreadable("column"),
            _ => Self::Driver,
        }
    }
}

/// What the caller was about, which decides what a violated constraint means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Intent {
    /// To make or change something: what is taken conflicts, what is referred to may be missing.
    Make(&'static str),
    /// Anything that cannot violate a constraint unless the store is broken.
    Do(&'static str),
}

/// Turns a database's fault into a store's.
pub(crate) trait Told<T> {
    fn told(self, intent: Intent) -> Result<T, StoreError>;
}

impl<T, E: Into<DriverFault>> Told<T> for Result<T, E> {
    fn told(self, intent: Intent) -> Result<T, StoreError> {
        self.map_err(|error| {
            let cause = error.into();
            let (fault, subject) = match (intent, cause) {
                (Intent::Make(subject), DriverFault::Taken) => (Fault::Conflict, subject),
                (Intent::Make(subject), DriverFault::Dangling) => (Fault::Missing, subject),
                (Intent::Make(subject) | Intent::Do(subject), cause) => (of_cause(cause), subject),
            };
            StoreError::new(fault, subject).caused_by(cause)
        })
    }
}

fn of_cause(cause: DriverFault) -> Fault {
    match cause {
        DriverFault::Code(code) => of_code(code),
        DriverFault::NoConnection
        | DriverFault::Disconnected
        | DriverFault::Replaced
        | DriverFault::Driver => Fault::Unavailable,
        DriverFault::Taken | DriverFault::Dangling | DriverFault::Constraint | DriverFault::Unreadable(_) => {
            Fault::Broken
        }
    }
}

/// The low byte of SQLite's code is the class of the fault.
fn of_code(code: i32) -> Fault {
    const ERROR: i32 = 1;
    const CORRUPT: i32 = 11;
    const TOO_BIG: i32 = 18;
    const CONSTRAINT: i32 = 19;
    const MISMATCH: i32 = 20;
    const NOT_A_DATABASE: i32 = 26;
    match code & 0xff {
        TOO_BIG => Fault::Invalid,
        ERROR | CORRUPT | CONSTRAINT | MISMATCH | NOT_A_DATABASE => Fault::Broken,
        // Busy, locked, out of memory or disk, read-only, interrupted, failed input or output: it may pass.
        _ => Fault::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_intent_decides_what_a_violation_means_t93() {
        let fault = |cause: DriverFault, intent| Err::<(), _>(cause).told(intent).unwrap_err().fault();
        assert_eq!(fault(DriverFault::Taken, Intent::Make("user")), Fault::Conflict);
        assert_eq!(fault(DriverFault::Dangling, Intent::Make("user")), Fault::Missing);
        assert_eq!(fault(DriverFault::Taken, Intent::Do("log")), Fault::Broken);
    }

    #[test]
    fn a_full_disk_may_pass_and_a_corrupt_file_does_not_g07() {
        for (code, fault) in [
            (13, Fault::Unavailable),
            (5, Fault::Unavailable),
            (10 | (3 << 8), Fault::Unavailable),
            (8, Fault::Unavailable),
            (11, Fault::Broken),
            (26, Fault::Broken),
            (18, Fault::Invalid),
        ] {
            assert_eq!(of_code(code), fault, "{code}");
        }
    }

    #[test]
    fn nothing_of_a_driver_s_message_is_kept_t101() {
        let error = sqlx::Error::Protocol("canary".into());
        let error = Err::<(), _>(error).told(Intent::Do("user")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
