//! `throng backup` and `throng restore`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use throng::sqlite::{BackupError, BackupFault, SqliteStore};

use crate::arguments::Where;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::Place;
use crate::signals::Signals;

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// A file that does not exist yet; its owner alone can read it
    file: PathBuf,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// A backup
    file: PathBuf,
    /// The database to make, which does not exist yet
    #[arg(long, value_name = "FILE")]
    database: PathBuf,
}

/// A copy that was made.
#[derive(Serialize)]
struct Copied<'a> {
    from: &'a Path,
    to: &'a Path,
}

pub(crate) async fn backup(arguments: &Backup, output: &Output) -> Result<(), Failure> {
    let place = Place::find(&arguments.at)?;
    let (_, store) = place.open_store().await?;
    let _signals = Signals::listen()?;
    store.backup(&arguments.file).await.map_err(|error| missing(error, None))?;
    let words = format_args!("{} holds everything that was in the database", arguments.file.display());
    output.answer(&words, &Copied { from: &place.database, to: &arguments.file })
}

pub(crate) async fn restore(arguments: &Restore, output: &Output) -> Result<(), Failure> {
    let _signals = Signals::listen()?;
    let restored = SqliteStore::restore(&arguments.file, &arguments.database).await;
    restored.map_err(|error| missing(error, Some(&arguments.file)))?;
    let words = format_args!("{} is a database again", arguments.database.display());
    output.answer(&words, &Copied { from: &arguments.file, to: &arguments.database })
}

/// Says which file is not there where the operating system says only that something is not.
fn missing(error: BackupError, backup: Option<&Path>) -> Failure {
    match error.fault {
        BackupFault::Io(ErrorKind::NotFound) if backup == Some(error.place.as_path()) => {
            Failure::Refused(format!("there is no backup {}", error.place.display()))
        }
        BackupFault::Io(ErrorKind::NotFound) => {
            Failure::Refused(format!("there is no folder for the file {}", error.place.display()))
        }
        _ => error.into(),
    }
}
