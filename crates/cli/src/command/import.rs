//! `throng import`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use throng::backup::{self, BackupOptions, OnDangling};
use throng::core::import::{GroupRow, UserRow};
use throng::core::name::{GroupName, Username};
use throng::csv::{CsvError, CsvOptions, Delimiter, read_groups, read_users};
use throng::import::{ImportMode, ImportReport, ImportedPassword};
use throng::ldif::{self, LdifOptions};

use super::user::refuse_overtaking;
use crate::arguments::Where;
use crate::failure::Failure;
use crate::output::{Output, Row, note};
use crate::place::{Place, directory};
use crate::progress::Progress;
use crate::signals::Signals;

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A CSV file of users; its first line names the columns
    file: PathBuf,
    #[command(flatten)]
    at: Where,
    /// The directory
    #[arg(long, value_name = "NAME")]
    directory: String,
    /// A CSV file of groups
    #[arg(long, value_name = "FILE")]
    groups: Option<PathBuf>,
    /// What stands between two cells
    #[arg(long, value_name = "WHAT", default_value = "comma")]
    delimiter: Between,
    /// Check everything, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Import users although their names mean, or belong to, others in an application
    #[arg(long)]
    allow_namesakes: bool,
}

/// What stands between two cells.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Between {
    Comma,
    Semicolon,
    Tab,
}

impl Between {
    pub(super) fn options(self) -> CsvOptions {
        let delimiter = match self {
            Self::Comma => Delimiter::Comma,
            Self::Semicolon => Delimiter::Semicolon,
            Self::Tab => Delimiter::Tab,
        };
        CsvOptions { delimiter }
    }
}

/// What an import did, or would do.
#[derive(Serialize)]
struct Told<'r> {
    users: usize,
    groups: &'r [GroupName],
    kept: usize,
    wrapped: usize,
    without_password: usize,
    quarantined: Vec<Quarantined<'r>>,
    written: bool,
}

/// A user whose password came in a form that cannot be checked.
#[derive(Serialize)]
struct Quarantined<'r> {
    line: u64,
    name: &'r Username,
    why: String,
}

/// A count.
#[derive(Serialize)]
struct Count {
    what: &'static str,
    number: usize,
}

impl Row for Count {
    const SEVERAL: &'static str = "rows";
    const COLUMNS: &'static [&'static str] = &["what", "number"];

    fn cells(&self) -> Vec<String> {
        vec![self.what.to_owned(), self.number.to_string()]
    }
}

impl Row for Quarantined<'_> {
    const SEVERAL: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &["line", "user", "cannot log in because"];

    fn cells(&self) -> Vec<String> {
        vec![self.line.to_string(), self.name.as_str().to_owned(), self.why.clone()]
    }
}

pub(crate) async fn run(arguments: &Import, output: &Output) -> Result<(), Failure> {
    let (users, groups) = read(&arguments.file, arguments.groups.as_deref(), arguments.delimiter.options())?;
    let throng = Place::find(&arguments.at)?.open().await?;
    let record = directory(&throng, &arguments.directory)?;
    if !arguments.allow_namesakes {
        // A name that is none is told with its line by the import.
        let names: Vec<Username> = users.iter().filter_map(|row| Username::new(&row.name).ok()).collect();
        refuse_overtaking(&throng, &record, &names, "--allow-namesakes").await?;
    }
    let into = record.id;
    let mode = if arguments.dry_run { ImportMode::DryRun } else { ImportMode::Apply };
    let progress = Progress::of("importing");
    let shown = progress.clone();
    let watch = move |at: throng::import::ImportProgress| {
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        shown.show(number(at.done), number(at.total));
    };
    // What is under way is written whole or not at all: a signal ends it before that.
    let signals = Signals::listen()?;
    let report = tokio::select! {
        report = throng.import_watched(into, &users, &groups, mode, &watch) => report.map_err(|error| {
            Failure::of_rows(error, &arguments.file, arguments.groups.as_deref())
        })?,
        () = signals.stop.wait() => return Err(Failure::Interrupted),
    };
    drop(progress);
    tell(&report, mode, output)
}

/// Users and groups of a file.
pub(super) type Rows = (Vec<UserRow>, Vec<GroupRow>);

/// Reads the rows of an import.
pub(super) fn read(users: &Path, groups: Option<&Path>, options: CsvOptions) -> Result<Rows, Failure> {
    let users = rows(users, |file| read_users(file, options))?;
    let groups = groups.map(|path| rows(path, |file| read_groups(file, options))).transpose()?;
    Ok((users, groups.unwrap_or_default()))
}

/// Reads what an LDAP server wrote out, and says what of it is left out.
pub(super) fn read_ldif(path: &Path) -> Result<Rows, Failure> {
    let read = ldif::read(open(path)?, &LdifOptions::default());
    let ldif = read.map_err(|error| Failure::Ldif { path: path.into(), error })?;
    doubt(&ldif.doubts, ldif.unlisted_doubts);
    Ok((ldif.users, ldif.groups))
}

/// Reads one directory of a backup of Crowd or Jira, and says what of it is left out.
pub(super) fn read_backup(path: &Path, directory: Option<&str>) -> Result<Rows, Failure> {
    let failed = |error| Failure::Rows { path: path.into(), error };
    let directory = match directory {
        Some(name) => name.to_owned(),
        None => {
            let listed = backup::list_directories(open(path)?).map_err(failed)?;
            match <[_; 1]>::try_from(listed) {
                Ok([only]) => only.name,
                Err(several) => {
                    let names: Vec<_> = several.iter().map(|directory| directory.name.as_str()).collect();
                    let names = names.join(", ");
                    return Err(Failure::Usage(format!(
                        "say which directory by `--backup-directory`: {names}"
                    )));
                }
            }
        }
    };
    let options = BackupOptions { on_dangling: OnDangling::Report, ..BackupOptions::of(directory.as_str()) };
    let backup = backup::read(open(path)?, &options).map_err(failed)?;
    doubt(&backup.doubts, backup.unlisted_doubts);
    Ok((backup.users, backup.groups))
}

/// Says what of a file is left out.
fn doubt(doubts: &[impl std::fmt::Display], unlisted: usize) {
    for doubt in doubts {
        note(&format_args!("left out: {doubt}"));
    }
    if unlisted > 0 {
        note(&format_args!("left out: {unlisted} more"));
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::File { path: path.into(), error })
}

fn rows<T>(path: &Path, read: impl FnOnce(Box<dyn Read>) -> Result<T, CsvError>) -> Result<T, Failure> {
    read(Box::new(open(path)?)).map_err(|error| Failure::Csv { path: path.into(), error })
}

fn tell(report: &ImportReport, mode: ImportMode, output: &Output) -> Result<(), Failure> {
    let count = |wanted: &dyn Fn(&ImportedPassword) -> bool| {
        report.users.iter().filter(|user| wanted(&user.password)).count()
    };
    let quarantined = report.users.iter().filter_map(|user| match &user.password {
        ImportedPassword::Quarantined(why) => {
            Some(Quarantined { line: user.line, name: &user.name, why: why.to_string() })
        }
        ImportedPassword::None | ImportedPassword::Kept | ImportedPassword::Wrapped => None,
    });
    let told = Told {
        users: report.users.len(),
        groups: &report.groups,
        kept: count(&|password| *password == ImportedPassword::Kept),
        wrapped: count(&|password| *password == ImportedPassword::Wrapped),
        without_password: count(&|password| *password == ImportedPassword::None),
        quarantined: quarantined.collect(),
        written: mode == ImportMode::Apply,
    };
    output.table(&[
        Count { what: "users", number: told.users },
        Count { what: "groups made", number: told.groups.len() },
        Count { what: "passwords kept as they are", number: told.kept },
        Count { what: "passwords kept inside Argon2id", number: told.wrapped },
        Count { what: "passwords that cannot be checked", number: told.quarantined.len() },
        Count { what: "without a password", number: told.without_password },
    ])?;
    if !told.quarantined.is_empty() {
        output.table(&told.quarantined)?;
    }
    if mode == ImportMode::DryRun {
        note(&"nothing was written");
    }
    output.value(&told)
}
