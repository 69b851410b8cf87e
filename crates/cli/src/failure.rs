//! Why the command did not do what it was asked, and the exit code that says so.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use throng::core::error::{DirectoryError, Fault};
use throng::csv::{CsvError, CsvFault};
use throng::error::{Conflict, Invalid};
use throng::import::{ImportError, RowKind};
use throng::ldif::{LdifError, LdifFault};
use throng::server::ConfigError as ServerConfigError;
use throng::sqlite::{BackupError, BackupFault, DriverFault, OpenError, OpenFault};

use crate::config::ConfigError;
use crate::password::PasswordFault;

/// What a program is told by the exit code. `throng --help` says it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    /// It is done.
    Done = 0,
    /// Something is broken, or did not end well.
    Failed = 1,
    /// The command line or the configuration file is wrong.
    Usage = 2,
    /// It is not there, is there already, or is not allowed.
    Refused = 3,
    /// The same may succeed later.
    NotNow = 4,
    /// What was looked at is not as it should be.
    Found = 5,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why the command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration file cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server cannot be set up so.
    #[error("the server's setting {0}")]
    Server(#[from] ServerConfigError),
    /// A password cannot be read.
    #[error("the password {0}")]
    Password(#[from] PasswordFault),
    /// Neither the command line nor the file says where the database is.
    #[error("nothing says where the database is: neither `--database` nor the configuration file")]
    NoDatabaseNamed,
    /// There is no database, and only `init` makes one.
    #[error("there is no database {}: `throng init` makes one", .0.display())]
    NoDatabase(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A backup cannot be made, or not be taken back.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// There is nothing of this name.
    #[error("there is no {what} {name:?}")]
    Missing {
        /// What was looked for.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There is one of this name.
    #[error("the {what} {name:?} exists already")]
    Present {
        /// What was to be made.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// One of several directories must be chosen.
    #[error("say which directory by `--directory`: there are {0}")]
    WhichDirectory(usize),
    /// The directory cannot have users with passwords added.
    #[error("users with passwords cannot be added to the directory {0:?}")]
    Closed(String),
    /// The command line is wrong for this database, as the words say.
    #[error("{0}")]
    Usage(String),
    /// It is not done, for a reason that the words say.
    #[error("{0}")]
    Refused(String),
    /// There is nothing here to ask.
    #[error("the directory {0:?} was never synchronised")]
    NoCopy(String),
    /// Directories that must be asked do not answer.
    #[error("no answer from {0}: this cannot be said now")]
    Silent(String),
    /// A directory did not do it.
    #[error("the directory {name:?}: {error}")]
    Directory {
        /// Its name.
        name: String,
        /// What it said.
        error: DirectoryError,
    },
    /// A file cannot be read or written.
    #[error("the file {}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// A CSV file cannot be read or written.
    #[error("the file {}, {error}", .path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        error: CsvError,
    },
    /// An LDIF file cannot be read.
    #[error("the file {}, {error}", .path.display())]
    Ldif {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        error: LdifError,
    },
    /// A backup of Crowd or Jira cannot be read.
    #[error("the file {}, {error}", .path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        error: throng::backup::BackupError,
    },
    /// A row of a file cannot be imported.
    #[error("the file {}, {error}", .path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        error: ImportError,
    },
    /// The engine did not do it.
    #[error(transparent)]
    Engine(#[from] throng::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The listener is broken.
    #[error("cannot serve any more: {0}")]
    Serve(#[source] io::Error),
    /// A second signal came before the end.
    #[error("interrupted")]
    Interrupted,
    /// A move was stopped between two users; this command goes on with it.
    #[error("stopped; this goes on:\n  {0}")]
    Stopped(String),
    /// A move was stopped before anything was begun.
    #[error("stopped while it was planned: nothing was begun")]
    StoppedEarly,
    /// A move ended by a failure after it began; this command goes on with it.
    #[error("{why}; once that is mended, this goes on:\n  {command}")]
    Halted {
        /// What happened, in the words of its causes.
        why: String,
        /// What goes on.
        command: String,
        /// What the failure comes to.
        code: Code,
    },
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] io::Error),
    /// The runtime cannot be started.
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
    /// The answer cannot be written: whoever reads it has gone, or the disk is full.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
}

impl Failure {
    /// A fault of the engine over rows of files, with the file where it is a row's.
    pub(crate) fn of_rows(error: throng::Error, users: &Path, groups: Option<&Path>) -> Self {
        match error {
            throng::Error::Invalid(Invalid::Import(error)) => {
                let path = match error.kind {
                    RowKind::User => users,
                    RowKind::Group => groups.unwrap_or(users),
                };
                Self::Row { path: path.into(), error }
            }
            error => error.into(),
        }
    }

    /// The exit code that says so.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Config(_)
            | Self::Server(_)
            | Self::Password(_)
            | Self::NoDatabaseNamed
            | Self::WhichDirectory(_)
            | Self::Usage(_) => Code::Usage,
            Self::NoDatabase(_)
            | Self::Missing { .. }
            | Self::Present { .. }
            | Self::Closed(_)
            | Self::Refused(_) => Code::Refused,
            Self::Silent(_) | Self::NoCopy(_) => Code::NotNow,
            Self::Directory { error, .. } => match error.fault() {
                Fault::Missing | Fault::Conflict | Fault::Forbidden | Fault::Invalid => Code::Refused,
                Fault::Unavailable => Code::NotNow,
                Fault::Broken => Code::Failed,
            },
            Self::Engine(error) => match error {
                throng::Error::Unavailable { .. }
                | throng::Error::Conflict(
                    Conflict::Synchronising
                    | Conflict::Moving
                    | Conflict::Stale
                    | Conflict::PlanStale
                    | Conflict::PreviewStale,
                ) => Code::NotNow,
                throng::Error::NotFound { .. }
                | throng::Error::Denied { .. }
                | throng::Error::Conflict(_)
                | throng::Error::Forbidden(_)
                | throng::Error::Invalid(_) => Code::Refused,
                throng::Error::Broken(_) => Code::Failed,
            },
            Self::Csv { error, .. } => match error.fault {
                CsvFault::Io(_) => Code::Failed,
                _ => Code::Refused,
            },
            Self::Ldif { error, .. } => match error.fault {
                LdifFault::Io(_) => Code::Failed,
                _ => Code::Refused,
            },
            Self::Rows { error, .. } => match error.fault {
                throng::backup::BackupFault::Io(_) => Code::Failed,
                _ => Code::Refused,
            },
            Self::Row { .. } => Code::Refused,
            Self::File { error, .. } => of_io(error.kind()),
            Self::Backup(error) => match error.fault {
                BackupFault::Exists | BackupFault::InMemory | BackupFault::NotOurs => Code::Refused,
                BackupFault::InUse => Code::NotNow,
                BackupFault::Open(fault) => of_open(fault),
                BackupFault::Io(kind) => of_io(kind),
                BackupFault::Database(fault) => of_driver(fault),
                _ => Code::Failed,
            },
            Self::Open(error) => of_open(error.fault),
            Self::Halted { code, .. } => *code,
            Self::Listen(..)
            | Self::Serve(_)
            | Self::Interrupted
            | Self::Stopped(_)
            | Self::StoppedEarly
            | Self::Signals(_)
            | Self::Runtime(_)
            | Self::Output(_) => Code::Failed,
        }
    }

    /// Everything that an operator may read: what happened, and its causes where they are not said already.
    pub(crate) fn told(&self) -> String {
        let mut told = self.to_string();
        let mut cause = match self {
            Self::Directory { error, .. } => error.source(),
            Self::Engine(error) => error.source(),
            _ => None,
        };
        while let Some(error) = cause {
            let text = error.to_string();
            if !told.ends_with(&text) {
                told = format!("{told}: {text}");
            }
            cause = error.source();
        }
        told
    }
}

fn of_io(kind: io::ErrorKind) -> Code {
    match kind {
        io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists => Code::Refused,
        _ => Code::Failed,
    }
}

fn of_open(fault: OpenFault) -> Code {
    match fault {
        OpenFault::MissingParent => Code::Refused,
        OpenFault::Database(fault) => of_driver(fault),
        _ => Code::Failed,
    }
}

fn of_driver(fault: DriverFault) -> Code {
    match fault.fault() {
        Fault::Unavailable => Code::NotNow,
        Fault::Missing | Fault::Conflict | Fault::Forbidden | Fault::Invalid | Fault::Broken => Code::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLite's code for a file that another process has locked.
    const BUSY: i32 = 5;
    const CORRUPT: i32 = 11;

    #[test]
    fn the_code_says_whether_the_same_may_succeed_later() {
        let engine = |conflict| Failure::Engine(throng::Error::Conflict(conflict));
        let open = |fault| Failure::Open(OpenError { place: "users.db".into(), fault });
        let file = |kind: io::ErrorKind| Failure::File { path: "users.csv".into(), error: kind.into() };
        for (failure, code) in [
            (engine(Conflict::Synchronising), Code::NotNow),
            (engine(Conflict::Stale), Code::NotNow),
            (engine(Conflict::PlanStale), Code::NotNow),
            (engine(Conflict::PreviewStale), Code::NotNow),
            (engine(Conflict::DirectoryActive), Code::Refused),
            (engine(Conflict::NameTaken), Code::Refused),
            (open(OpenFault::Database(DriverFault::Code(BUSY))), Code::NotNow),
            (open(OpenFault::Database(DriverFault::Code(CORRUPT))), Code::Failed),
            (open(OpenFault::Damaged), Code::Failed),
            (open(OpenFault::MissingParent), Code::Refused),
            (file(io::ErrorKind::NotFound), Code::Refused),
            (file(io::ErrorKind::AlreadyExists), Code::Refused),
            (file(io::ErrorKind::IsADirectory), Code::Failed),
            (Failure::NoCopy("Crowd".to_owned()), Code::NotNow),
            (Failure::WhichDirectory(2), Code::Usage),
        ] {
            assert_eq!(failure.code(), code, "{failure:?}");
        }
    }
}
