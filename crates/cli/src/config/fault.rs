//! What can be wrong with the configuration file.

use std::fmt;
use std::io;
use std::path::PathBuf;

use throng::client::{ConfigError as SourceFault, InvalidCertificate};
use throng::core::name::InvalidName;
use throng::core::plan::InvalidPlan;
use throng::core::registry::InvalidLabel;

use crate::password::PasswordFault;

/// The configuration file cannot be used. Nothing has changed.
#[derive(Debug)]
pub(crate) struct ConfigError {
    /// The file.
    pub(crate) path: PathBuf,
    /// The line, counted from 1, if it is one that is wrong.
    pub(crate) line: Option<usize>,
    /// What is wrong.
    pub(crate) fault: Box<ConfigFault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

impl std::error::Error for ConfigError {}

/// What is wrong. No text of the file is in it but names and keys: a line may hold a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigFault {
    /// A file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file is longer than any configuration.
    #[error("is longer than {0} bytes")]
    TooLong(u64),
    /// It is no TOML, has a key that there is not, or a value that does not fit its key.
    #[error("{0}")]
    Syntax(String),
    /// A name of a directory or an application cannot be one.
    #[error(transparent)]
    Label(#[from] InvalidLabel),
    /// Two directories have one name.
    #[error("the directory {0:?} is named twice")]
    DirectoryTwice(String),
    /// Two applications have one name.
    #[error("the application {0:?} is named twice")]
    ApplicationTwice(String),
    /// An order names a directory twice.
    #[error("the order names the directory {0:?} twice")]
    TwiceInOrder(String),
    /// A directory has two seats.
    #[error("there are two seats of the directory {0:?}")]
    SeatTwice(String),
    /// An order names a directory that there is not, in the file or in the database.
    #[error("the order names the directory {0:?}, which does not exist")]
    UnknownDirectory(String),
    /// A directory of the name is there, and of another kind.
    #[error("there is a directory {0:?} of another kind")]
    OtherKind(String),
    /// The application asks in another order already.
    #[error("the application {0:?} asks its directories in another order, which is not changed by serving")]
    OtherOrder(String),
    /// An order names more directories than an application can have.
    #[error(transparent)]
    Plan(#[from] InvalidPlan),
    /// A seat is of a directory that the order does not name.
    #[error("the order does not name the directory {0:?} of this seat")]
    SeatNotInOrder(String),
    /// The application is there, and something else is configured of it.
    #[error(
        "the application {0:?} differs from the file: `throng apply` shows who that changes, and changes it"
    )]
    Differs(String),
    /// A name of a group cannot be one.
    #[error(transparent)]
    Group(#[from] InvalidName),
    /// It is no meaning of silence.
    #[error("silence means `stop`, `pass`, or a span of time such as `2h`")]
    Silence,
    /// It is said twice who is admitted.
    #[error("say either `everyone` or `groups`")]
    TwoAccesses,
    /// It is no moment.
    #[error("a moment is written as `2027-01-31T08:00:00Z`")]
    Moment,
    /// A password stands in the file.
    #[error("a password does not belong into this file: name its place by `password-env` or `password-file`")]
    OpenPassword,
    /// It is not said where the password is.
    #[error("say where the password is, by `password-env` or `password-file`")]
    NoPassword,
    /// It is said twice where the password is.
    #[error("say either `password-env` or `password-file`")]
    TwoPasswords,
    /// The password cannot be read from where it should be.
    #[error("the password {0}")]
    Password(#[from] PasswordFault),
    /// The source cannot be asked.
    #[error(transparent)]
    Source(#[from] SourceFault),
    /// The certificates are none.
    #[error(transparent)]
    Certificates(#[from] InvalidCertificate),
    /// It is no span of time.
    #[error("a span of time is written as `90s`, `15m`, `2h` or `7d`")]
    Span,
    /// Both kinds of schedule are given.
    #[error("say either `interval` or `cron`")]
    TwoSchedules,
    /// The schedule names no moments.
    #[error("{0}")]
    Schedule(throng::Error),
}
