//! `throng directory`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use throng::core::directory::{Directory as Port, Powers};
use throng::core::filter::Filter;
use throng::core::id::DirectoryId;
use throng::core::page::PageRequest;
use throng::core::registry::{DirectoryKind, DirectoryRecord};
use throng::{Recovery, Throng};

use super::sync::{self, Sync};
use crate::arguments::{List, Where};
use crate::change::{Disable, Enable, Making, RemoveDirectory, Reorder, make};
use crate::failure::{Code, Failure};
use crate::output::{Output, Row, note, yes_or_no};
use crate::place::{Place, closed, directory};

#[derive(Debug, Subcommand)]
pub(crate) enum Directory {
    /// List the directories, and who asks them
    #[command(after_help = "Example:\n  throng directory list --database users.db --json")]
    List(List),
    /// Add an internal directory
    ///
    /// A mirror is described by the configuration file. A directory of another kind needs an adapter of a host program.
    #[command(after_help = "Example:\n  throng directory add Guests --database users.db")]
    Add(AddDirectory),
    /// Ask a directory, and tell how fast it answers and what it can do
    ///
    /// Ends with 0 if it answers, 4 if it is silent or was never synchronised, and 1 if its answers make no sense.
    #[command(after_help = "Example:\n  throng directory test Crowd --config throng.toml")]
    Test(TestDirectory),
    /// Put the directories of an application into another order
    ///
    /// Shows who changes, and makes the change with `--yes` only.
    #[command(after_help = "Example:\n  throng directory order jira Crowd Users --database users.db --yes")]
    Order(Making<Reorder>),
    /// Switch a directory off; it keeps everything
    ///
    /// Shows who changes, and makes the change with `--yes` only.
    #[command(after_help = "Example:\n  throng directory disable Crowd --database users.db --yes")]
    Disable(Making<Disable>),
    /// Switch a directory on
    ///
    /// Shows who changes, and makes the change with `--yes` only.
    #[command(after_help = "Example:\n  throng directory enable Crowd --database users.db --yes")]
    Enable(Making<Enable>),
    /// Remove a directory with everybody in it
    ///
    /// Shows who changes, and makes the change with `--yes` only. Names of those who are gone stay theirs.
    #[command(after_help = "Example:\n  throng directory remove Crowd --database users.db --yes")]
    Remove(Making<RemoveDirectory>),
    /// Make a mirror like its source; the same as `throng sync`
    #[command(after_help = "Example:\n  throng directory sync Crowd --config throng.toml")]
    Sync(Sync),
}

#[derive(Debug, Args)]
pub(crate) struct AddDirectory {
    /// The name of the directory
    name: String,
    #[command(flatten)]
    at: Where,
    /// What it is made of
    #[arg(long, value_name = "KIND", default_value = "internal")]
    kind: Kind,
}

/// What a directory is made of.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Internal,
    Mirrored,
    Delegated,
    Live,
}

#[derive(Debug, Args)]
pub(crate) struct TestDirectory {
    /// The directory
    directory: String,
    #[command(flatten)]
    at: Where,
}

pub(crate) async fn run(arguments: Directory, output: &Output) -> Result<Code, Failure> {
    let done = match arguments {
        Directory::List(arguments) => list(&arguments, output).await,
        Directory::Add(arguments) => add(&arguments, output).await,
        Directory::Test(arguments) => test(&arguments, output).await,
        Directory::Order(what) => make(&what, output).await,
        Directory::Disable(what) => make(&what, output).await,
        Directory::Enable(what) => make(&what, output).await,
        Directory::Remove(what) => make(&what, output).await,
        Directory::Sync(arguments) => return sync::run(arguments, output).await,
    };
    done.map(|()| Code::Done)
}

/// One directory in the list.
#[derive(Serialize)]
struct Listed {
    name: String,
    id: DirectoryId,
    kind: &'static str,
    active: bool,
    /// Up to which moment a mirror is like its source.
    complete_as_of: Option<String>,
    asked_by: Vec<String>,
}

impl Row for Listed {
    const SEVERAL: &'static str = "directories";
    const COLUMNS: &'static [&'static str] = &["directory", "kind", "active", "complete as of", "asked by"];

    fn cells(&self) -> Vec<String> {
        let never = if self.kind == "mirrored" { "never" } else { "" };
        let complete = self.complete_as_of.clone().unwrap_or_else(|| never.to_owned());
        let active = yes_or_no(self.active);
        vec![self.name.clone(), self.kind.to_owned(), active, complete, self.asked_by.join(", ")]
    }
}

async fn list(arguments: &List, output: &Output) -> Result<(), Failure> {
    let place = Place::find(&arguments.at)?;
    let throng = place.open().await?;
    let mut listed = Vec::new();
    if place.config.has_recovery() {
        let everybody = throng.applications().into_iter().map(|app| Ok(app.record()?.name.to_string()));
        listed.push(Listed {
            name: Recovery::LABEL.to_owned(),
            id: Recovery::DIRECTORY,
            kind: "recovery",
            active: true,
            complete_as_of: None,
            asked_by: everybody.collect::<Result<_, Failure>>()?,
        });
    }
    for record in throng.directories() {
        listed.push(row(&throng, &record).await?);
    }
    output.list(&listed)
}

async fn row(throng: &Throng, record: &DirectoryRecord) -> Result<Listed, Failure> {
    let complete_as_of = match record.kind {
        DirectoryKind::Mirrored(_) => throng.mirror(record.id).await?.state.complete_as_of,
        DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) | DirectoryKind::Live => None,
    };
    let mut asked_by = Vec::new();
    for application in throng.applications() {
        let application = application.record()?;
        if application.plan.rank(record.id).is_some() {
            asked_by.push(application.name.to_string());
        }
    }
    Ok(Listed {
        name: record.name.to_string(),
        id: record.id,
        kind: kind(&record.kind),
        active: record.active,
        complete_as_of: complete_as_of.map(|moment| moment.to_string()),
        asked_by,
    })
}

fn kind(kind: &DirectoryKind) -> &'static str {
    match kind {
        DirectoryKind::Internal(_) => "internal",
        DirectoryKind::Delegated(_) => "delegated",
        DirectoryKind::Mirrored(_) => "mirrored",
        DirectoryKind::Live => "live",
    }
}

/// What was added.
#[derive(Serialize)]
struct Added<'a> {
    name: &'a str,
    id: DirectoryId,
}

async fn add(arguments: &AddDirectory, output: &Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    match arguments.kind {
        Kind::Internal => {}
        Kind::Mirrored => {
            let words = "a mirror is described by the configuration file: `throng apply` makes it";
            return Err(Failure::Refused(words.to_owned()));
        }
        Kind::Delegated | Kind::Live => {
            let words = "a directory of this kind needs an adapter, which only a host program can attach";
            return Err(Failure::Refused(words.to_owned()));
        }
    }
    let throng = Place::find(&arguments.at)?.open().await?;
    if throng.directory(name).is_ok() {
        return Err(Failure::Present { what: "directory", name: name.to_owned() });
    }
    let id = throng.internal_directory(name).await?;
    output.answer(&format_args!("the internal directory {name:?} is made"), &Added { name, id })
}

/// What a directory answered.
#[derive(Serialize)]
struct Tested {
    directory: String,
    kind: &'static str,
    /// What was asked: the directory itself, or the source of a mirror.
    asked: &'static str,
    latency: Latency,
    milliseconds: u64,
    can: Vec<&'static str>,
}

impl Row for Tested {
    const SEVERAL: &'static str = "answers";
    const COLUMNS: &'static [&'static str] = &["directory", "kind", "asked", "answers", "can"];

    fn cells(&self) -> Vec<String> {
        let answers = format!("{} ({} ms)", self.latency.word(), self.milliseconds);
        let can = if self.can.is_empty() { "read".to_owned() } else { self.can.join(", ") };
        vec![self.directory.clone(), self.kind.to_owned(), self.asked.to_owned(), answers, can]
    }
}

/// How fast a directory answers: a login asks several of them, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Latency {
    /// Below 20 ms: not felt.
    Fast,
    /// Below 200 ms: felt where several are asked.
    Moderate,
    /// Below 2 s: felt at each login.
    Slow,
    /// Beyond.
    VerySlow,
}

impl Latency {
    fn of(took: Duration) -> Self {
        match took.as_millis() {
            0..20 => Self::Fast,
            20..200 => Self::Moderate,
            200..2_000 => Self::Slow,
            _ => Self::VerySlow,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Moderate => "moderately fast",
            Self::Slow => "slowly",
            Self::VerySlow => "very slowly",
        }
    }
}

async fn test(arguments: &TestDirectory, output: &Output) -> Result<(), Failure> {
    let place = Place::find(&arguments.at)?;
    let throng = place.open_with_sources().await?;
    let record = directory(&throng, &arguments.directory)?;
    let asked = match record.kind {
        DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) => "the records here",
        DirectoryKind::Mirrored(_) => "the copy here",
        DirectoryKind::Live => "the directory",
    };
    let mut tested = Vec::new();
    match (throng.open(record.id), &record.kind) {
        (Ok(port), _) => tested.push(ask(&throng, &record, asked, &*port).await?),
        (Err(_), DirectoryKind::Mirrored(_)) => {
            note(&"there is no whole copy yet: it was never synchronised")
        }
        (Err(_), _) => return Err(closed(&record)),
    }
    if let DirectoryKind::Mirrored(_) = record.kind {
        let sources = place.config.sources()?;
        match sources.iter().find(|(name, _)| name.key() == record.name.key()) {
            Some((_, source)) => tested.push(ask(&throng, &record, "the source", source).await?),
            None => note(&"its source is not asked: no configuration file says where that is"),
        }
    }
    if tested.is_empty() {
        return Err(closed(&record));
    }
    output.list(&tested)
}

async fn ask(
    throng: &Throng,
    record: &DirectoryRecord,
    asked: &'static str,
    port: &dyn Port,
) -> Result<Tested, Failure> {
    let began = throng.clock().now();
    let found = port.find_users(&Filter::everything(), &PageRequest::first(1)).await;
    let took = throng.clock().now().since(began);
    found.map_err(|error| Failure::Directory { name: record.name.to_string(), error })?;
    Ok(Tested {
        directory: record.name.to_string(),
        kind: kind(&record.kind),
        asked,
        latency: Latency::of(took),
        milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        can: able(port.powers()),
    })
}

/// What a directory can do beyond answering, in words.
fn able(powers: Powers<'_>) -> Vec<&'static str> {
    let Powers { users, groups, members, passwords, sync, hashes } = powers;
    [
        (users.is_some(), "change users"),
        (groups.is_some(), "change groups"),
        (members.is_some(), "change members"),
        (passwords.is_some(), "set passwords"),
        (sync.is_some(), "be mirrored"),
        (hashes.is_some(), "take hashes"),
    ]
    .into_iter()
    .filter_map(|(can, word)| can.then_some(word))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_has_a_class() {
        for (milliseconds, class) in [
            (0, Latency::Fast),
            (20, Latency::Moderate),
            (200, Latency::Slow),
            (1_999, Latency::Slow),
            (2_000, Latency::VerySlow),
        ] {
            assert_eq!(Latency::of(Duration::from_millis(milliseconds)), class, "{milliseconds}");
        }
    }
}
