//! `throng sync`, `throng approve` and `throng rounds`.

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use throng::core::id::DirectoryId;
use throng::core::registry::{DirectoryKind, DirectoryRecord};
use throng::core::sync::{Counts, HeldPlan, Mode, Outcome, PlanHash, Progress, Round, SetAside};
use throng::core::time::Timestamp;
use throng::error::Conflict;
use throng::sync::{ProgressWatch, SyncRequest};
use throng::{Error, Throng};

use crate::arguments::Where;
use crate::failure::{Code, Failure};
use crate::output::{Output, Row, note};
use crate::place::{Place, directory};
use crate::signals::Signals;

/// How often people are shown how far a round is.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// The mirror
    directory: String,
    /// The configuration file, which says where its source is
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The database; goes before the one that the configuration file names
    #[arg(long, value_name = "FILE", env = "THRONG_DATABASE")]
    database: Option<PathBuf>,
    /// Read everything, and not only what changed
    #[arg(long)]
    full: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The mirror
    directory: String,
    /// The hash of the deletions
    hash: String,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct Rounds {
    /// The mirror
    directory: String,
    #[command(flatten)]
    at: Where,
    /// How many
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
}

/// A round in the list.
#[derive(Serialize)]
struct Listed {
    number: u64,
    mode: Mode,
    began: String,
    ended: Option<String>,
    outcome: Option<Outcome>,
    counts: Counts,
    set_aside: Vec<SetAside>,
    held: Option<HeldPlan>,
    failure: Option<String>,
}

impl From<Round> for Listed {
    fn from(round: Round) -> Self {
        Self {
            number: round.number,
            mode: round.mode,
            began: round.began_at.to_string(),
            ended: round.ended.map(|(at, _): (Timestamp, _)| at.to_string()),
            outcome: round.ended.map(|(_, outcome)| outcome),
            counts: round.counts,
            set_aside: round.set_aside,
            held: round.held,
            failure: round.failure,
        }
    }
}

impl Row for Listed {
    const SEVERAL: &'static str = "rounds";
    const COLUMNS: &'static [&'static str] =
        &["round", "read", "began", "ended", "outcome", "entries read", "written", "set aside"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.mode.to_string(),
            self.began.clone(),
            self.ended.clone().unwrap_or_default(),
            self.outcome.map_or_else(|| "runs".to_owned(), |outcome| outcome.to_string()),
            self.counts.read().to_string(),
            self.counts.written().to_string(),
            self.counts.set_aside.to_string(),
        ]
    }
}

pub(crate) async fn run(arguments: Sync, output: &Output) -> Result<Code, Failure> {
    let at = Where { database: arguments.database, config: Some(arguments.config) };
    let place = Place::find(&at)?;
    let throng = place.open_with_sources().await?;
    place.config.check(&throng)?.apply(&throng).await?;
    let record = mirror_of(&throng, &arguments.directory)?;
    if !place.config.has_source(&record.name) {
        let name = &record.name;
        let words = format!("the configuration file does not say where the source of {name:?} is");
        return Err(Failure::Usage(words));
    }
    let mirror = record.id;
    let signals = Signals::listen()?;
    let request = if arguments.full { SyncRequest::full() } else { SyncRequest::default() };
    let round = watched(&throng, mirror, request.stopped_by(&signals.stop), &signals).await?;
    let outcome = round.ended.map(|(_, outcome)| outcome);
    for aside in &round.set_aside {
        note(&format_args!("set aside: {:?}: {}", aside.name, aside.why));
    }
    if let Some(failure) = &round.failure {
        note(&format_args!("throng: {failure}"));
    }
    if let Some(held) = &round.held {
        tell_held(held, &arguments.directory);
    }
    let words = told(&round);
    output.answer(&words, &Listed::from(round))?;
    Ok(match outcome {
        Some(Outcome::Complete) => Code::Done,
        Some(Outcome::HeldForApproval) => Code::Refused,
        Some(
            Outcome::Unproven | Outcome::Failed | Outcome::Cancelled | Outcome::TooLong | Outcome::Aborted,
        )
        | None => Code::Failed,
    })
}

/// The deletions of a round that wait for somebody, and how to let them be made.
fn tell_held(held: &HeldPlan, mirror: &str) {
    note(&format_args!("deletions wait for approval: {} users, {} groups", held.users, held.groups));
    for why in &held.why {
        note(&format_args!("  because {why}"));
    }
    for (kind, name) in &held.such_as {
        note(&format_args!("  {kind:?} {name:?}"));
    }
    note(&format_args!("`throng approve {mirror:?} {}` lets the next round make them", held.hash));
}

/// What was approved.
#[derive(Serialize)]
struct Approved<'a> {
    directory: &'a str,
    hash: &'a str,
}

pub(crate) async fn approve(arguments: &Approve, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let record = mirror_of(&throng, &arguments.directory)?;
    let (directory, hash) = (record.name.as_str(), arguments.hash.as_str());
    throng.approve_deletions(record.id, &PlanHash::parse(hash)).await.map_err(|error| match error {
        Error::Conflict(Conflict::PlanStale) => Failure::Refused(format!(
            "the latest round of {directory:?} held no deletions of the hash {hash:?}"
        )),
        error => error.into(),
    })?;
    let words = format_args!("the next round of {directory:?} may make these deletions");
    output.answer(&words, &Approved { directory, hash })
}

pub(crate) async fn rounds(arguments: &Rounds, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let mirror = mirror_of(&throng, &arguments.directory)?.id;
    let rounds = throng.rounds(mirror, arguments.limit.into()).await?;
    output.list(&rounds.into_iter().map(Listed::from).collect::<Vec<_>>())
}

/// The mirror of a name.
fn mirror_of(throng: &Throng, name: &str) -> Result<Arc<DirectoryRecord>, Failure> {
    let record = directory(throng, name)?;
    match record.kind {
        DirectoryKind::Mirrored(_) => Ok(record),
        DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) | DirectoryKind::Live => {
            Err(Failure::Refused(format!("the directory {:?} is no mirror", record.name)))
        }
    }
}

/// Runs a round and shows people how far it is.
async fn watched(
    throng: &Throng,
    mirror: DirectoryId,
    request: SyncRequest,
    signals: &Signals,
) -> Result<Round, Failure> {
    let watch = ProgressWatch::new();
    let mut round = std::pin::pin!(throng.sync(mirror, request.watched_by(&watch)));
    let is_seen = stderr().is_terminal();
    let mut shown = None;
    loop {
        tokio::select! {
            round = &mut round => return Ok(round?),
            () = signals.force.wait() => return Err(Failure::Interrupted),
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Some(progress) = watch.latest()
            && (is_seen || shown != Some(progress.phase))
        {
            shown = Some(progress.phase);
            show(&progress);
        }
    }
}

/// One line about where a round is.
fn show(progress: &Progress) {
    let Progress { number, mode, phase, counts, expected_users, .. } = progress;
    let expected = match expected_users {
        0 => String::new(),
        expected => format!(" of about {expected}"),
    };
    note(&format_args!(
        "round {number} ({mode}), {phase}: {} users{expected}, {} groups, {} memberships read; {} written",
        counts.users_read,
        counts.groups_read,
        counts.memberships_read,
        counts.written()
    ));
}

/// How a round ended, in one line.
pub(super) fn in_short(round: &Round) -> String {
    let outcome = round.ended.map_or_else(|| "runs".to_owned(), |(_, outcome)| outcome.to_string());
    let failure = round.failure.as_ref().map_or_else(String::new, |failure| format!(": {failure}"));
    let (read, written) = (round.counts.read(), round.counts.written());
    format!("round {} ({}): {outcome}, {read} read, {written} written{failure}", round.number, round.mode)
}

/// What a round did, for people.
fn told(round: &Round) -> String {
    let Counts {
        users_read,
        users_added,
        users_updated,
        users_renamed,
        users_removed,
        groups_read,
        groups_added,
        groups_updated,
        groups_removed,
        memberships_read,
        memberships_added,
        memberships_removed,
        set_aside,
        entries_set_aside,
    } = round.counts;
    let outcome = round.ended.map_or_else(|| "runs".to_owned(), |(_, outcome)| outcome.to_string());
    let because = round.full_because.map_or_else(String::new, |because| format!(" because {because}"));
    format!(
        "round {} ({}{because}): {outcome}\n\
         users: {users_read} read, {users_added} added, {users_updated} updated, {users_renamed} renamed, \
         {users_removed} removed\n\
         groups: {groups_read} read, {groups_added} added, {groups_updated} updated, {groups_removed} removed\n\
         memberships: {memberships_read} read, {memberships_added} added, {memberships_removed} removed\n\
         set aside: {set_aside}, {entries_set_aside} of them users and groups",
        round.number, round.mode
    )
}
