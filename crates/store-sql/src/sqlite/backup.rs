//! Copies of a store in a file, and examining one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions, Connection, Row, query};
use throng_core::error::StoreError;

use super::open::{self, OpenFault};
use super::statements::read;
use super::{SqliteStore, rows};
use crate::fault::{DriverFault, Intent, Told};

/// A copy could not be made, or not be taken back. The file at its target is not there, or is what it was.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", .place.display())]
pub struct BackupError {
    /// The file.
    pub place: PathBuf,
    /// Why not.
    pub fault: BackupFault,
}

/// Why a copy could not be made, or not be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupFault {
    /// There is something already: a copy replaces nothing.
    #[error("it exists already")]
    Exists,
    /// A database in memory has no file.
    #[error("a database in memory has no file")]
    InMemory,
    /// It is a database, and not one of ours.
    #[error("it is not a Throng database")]
    NotOurs,
    /// The file is in use, or was not closed in order: a part of it may be in a log beside it.
    #[error("it is in use, or was not closed in order: make a backup of it first")]
    InUse,
    /// It cannot be opened.
    #[error("{0}")]
    Open(OpenFault),
    /// The operating system does not do it.
    #[error("{0}")]
    Io(ErrorKind),
    /// The database does not do it.
    #[error("{0}")]
    Database(DriverFault),
}

/// What was found in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// The version of the schema.
    pub schema: i64,
    /// The version of the function that folded its names.
    pub folding: String,
    /// What is damaged, in words for operators; empty when nothing is.
    pub damage: Vec<String>,
}

/// How much damage is told.
const MOST_DAMAGE: usize = 100;

impl SqliteStore {
    /// Writes everything into a new file, as it is at one moment, while others read and write.
    ///
    /// 1. Its owner alone can read it (mode 0600): it holds password hashes (T103).
    /// 2. [`BackupFault::Exists`] when there is a file already; nothing is replaced.
    /// 3. When it returns, the copy is on the disk.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<(), BackupError> {
        let to = to.as_ref();
        let at = |fault| BackupError { place: to.into(), fault };
        if self.place.is_none() {
            return Err(at(BackupFault::InMemory));
        }
        let name = to.to_str().ok_or_else(|| at(BackupFault::Io(ErrorKind::InvalidFilename)))?;
        let file = private(to).map_err(|error| at(of_io(&error)))?;
        let copied = self.copy_into(name).await.map_err(BackupFault::Database);
        match copied.and_then(|()| file.sync_all().map_err(|error| of_io(&error))) {
            Ok(()) => Ok(()),
            Err(fault) => {
                remove(to);
                Err(at(fault))
            }
        }
    }

    async fn copy_into(&self, name: &str) -> Result<(), DriverFault> {
        self.check_place()?;
        // A connection of its own: neither readers nor the writer wait for it.
        let options = self.readers.connect_options();
        let mut connection = (*options).clone().pragma("query_only", "OFF").connect().await?;
        let copied = query("VACUUM INTO ?1").bind(name.to_owned()).execute(&mut connection).await;
        connection.close().await?;
        copied?;
        Ok(())
    }

    /// Makes a new database file out of a copy.
    ///
    /// 1. [`BackupFault::NotOurs`] when the copy is of something else, and [`BackupFault::Open`] when it is of an
    ///    unknown schema, damaged or no database at all.
    /// 2. [`BackupFault::Exists`] when there is a file at the target: nothing is replaced.
    /// 3. The copy stays as it is. An older schema is migrated when the new file is opened.
    pub async fn restore(copy: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), BackupError> {
        let (copy, to) = (copy.as_ref(), to.as_ref());
        let from = |fault| BackupError { place: copy.into(), fault };
        let length = match fs::metadata(copy) {
            Ok(found) if found.is_file() => found.len(),
            Ok(_) => return Err(from(BackupFault::Open(OpenFault::NotAFile))),
            Err(error) => return Err(from(of_io(&error))),
        };
        open::check_header(copy, length).map_err(|fault| from(BackupFault::Open(fault)))?;
        if fs::metadata(open::beside(copy, "-wal")).is_ok_and(|log| log.len() > 0) {
            return Err(from(BackupFault::InUse));
        }
        let at = |fault| BackupError { place: to.into(), fault };
        let mut file = private(to).map_err(|error| at(of_io(&error)))?;
        let copied = File::open(copy).and_then(|mut source| io::copy(&mut source, &mut file));
        let copied = copied.and_then(|_| file.sync_all());
        drop(file);
        let outcome = match copied {
            Ok(()) => recognise(to).await.map_err(from),
            Err(error) => Err(at(of_io(&error))),
        };
        if outcome.is_err() {
            remove(to);
        }
        outcome
    }

    /// Looks for damage: pages that contradict each other, and references that lead nowhere. Reads all of the file.
    pub async fn examine(&self) -> Result<Examination, StoreError> {
        self.look_for_damage().await.told(Intent::Do("database"))
    }

    async fn look_for_damage(&self) -> Result<Examination, DriverFault> {
        self.check_place()?;
        let mut connection = self.readers.acquire().await?;
        let mut damage = Vec::new();
        for row in query("PRAGMA quick_check(100)").fetch_all(&mut *connection).await? {
            let told: String = row.try_get(0)?;
            if told != "ok" {
                damage.push(told);
            }
        }
        for row in query("PRAGMA foreign_key_check").fetch_all(&mut *connection).await? {
            let (table, parent): (String, String) = (row.try_get(0)?, row.try_get(2)?);
            damage.push(["a row of ", &table, " refers to nothing in ", &parent].concat());
            if damage.len() >= MOST_DAMAGE {
                break;
            }
        }
        let applied = query(read::MIGRATIONS).fetch_all(&mut *connection).await?;
        let schema = applied.last().map(|row| rows::integer(row, 0)).transpose()?.unwrap_or_default();
        let folding = query(read::FOLDING).fetch_one(&mut *connection).await?;
        Ok(Examination { schema, folding: rows::text(&folding, 0)?.to_owned(), damage })
    }
}

/// Whether a file is a whole database of ours, of a schema that is known.
async fn recognise(path: &Path) -> Result<(), BackupFault> {
    if open::recognise(path).await.map_err(BackupFault::Open)? { Ok(()) } else { Err(BackupFault::NotOurs) }
}

/// A new file that its owner alone can read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes away what was begun, with what SQLite puts beside it.
fn remove(path: &Path) {
    for file in [path.to_owned(), open::beside(path, "-wal"), open::beside(path, "-shm")] {
        // What cannot be removed is told by the next try.
        let _ = fs::remove_file(file);
    }
}

fn of_io(error: &io::Error) -> BackupFault {
    match error.kind() {
        ErrorKind::AlreadyExists => BackupFault::Exists,
        kind => BackupFault::Io(kind),
    }
}
