//! `throng move`.
//!
//! Reading order: here what is asked and done; `query.rs` is how a query selects; `told.rs` is what people and programs
//! read of it.

mod query;
mod told;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use throng::core::filter::Filter;
use throng::error::Conflict;
use throng::moves::{
    Move as Record, MoveControl, MoveId, MovePlan, MoveProgress, MoveRequest, MoveState, OnTaken, Options,
    OrderChange, Overtaking, PasswordStrategy, Selection,
};
use throng::{Error, Throng};

use self::query::Query;
use super::import::{Between, read, read_backup, read_ldif};
use crate::arguments::{List, Where};
use crate::failure::{Code, Failure};
use crate::output::{Output, note};
use crate::place::{Names, Place, directory};
use crate::progress::Progress;
use crate::signals::Signals;

#[derive(Debug, Subcommand)]
pub(crate) enum Move {
    /// Say what becomes of every user, and do nothing
    ///
    /// Ends with 3 where something stands in the way.
    #[command(
        after_help = "Example:\n  throng move plan --from Confluence --to Jira --database users.db --all"
    )]
    Plan(What),
    /// Move users: plan, dry run, and run
    ///
    /// Nothing is done where something stands in the way. SIGINT ends it after the user who is under way; what is left
    /// is moved by `throng move resume`. Ends with 1 if somebody stayed because something went wrong.
    #[command(after_help = "\
Example:
  throng move run --from Confluence --to Jira --group staff --on-taken link --database users.db
  throng move run --from Confluence --to Jira --query 'email = \"*@example.org\"' --database users.db
  throng move run --from-file users.csv --to Jira --database users.db")]
    Run(What),
    /// Show what became of a move
    #[command(after_help = "\
Example:
  throng move status 2f1c0f0e-6a1b-4a4e-9d0c-5f0f3f0e8a11 --database users.db")]
    Status(One),
    /// List all moves, the latest first
    #[command(after_help = "Example:\n  throng move list --database users.db")]
    List(List),
    /// Go on with a move that was interrupted
    #[command(after_help = "\
Example:
  throng move resume 2f1c0f0e-6a1b-4a4e-9d0c-5f0f3f0e8a11 --database users.db")]
    Resume(One),
    /// Compare everybody who was moved with what the journal says
    ///
    /// Ends with 5 if something is not as it should be.
    #[command(after_help = "\
Example:
  throng move verify 2f1c0f0e-6a1b-4a4e-9d0c-5f0f3f0e8a11 --database users.db")]
    Verify(One),
    /// Accept the outcome of a move; it can still be reverted
    #[command(after_help = "\
Example:
  throng move finish 2f1c0f0e-6a1b-4a4e-9d0c-5f0f3f0e8a11 --database users.db")]
    Finish(One),
    /// Take a move back: accounts, passwords, groups, names and orders are what they were
    #[command(after_help = "\
Example:
  throng move revert 2f1c0f0e-6a1b-4a4e-9d0c-5f0f3f0e8a11 --database users.db")]
    Revert(One),
    /// Delete what reverting a move needs: from then on it cannot be taken back
    #[command(after_help = "\
Example:
  throng move purge 2f1c0f0e-6a1b-4a4e-9d0c-5f0f3f0e8a11 --database users.db")]
    Purge(One),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["from", "from_file"])))]
#[command(group(ArgGroup::new("selection").args(["users", "groups", "name_prefix", "query"])))]
pub(crate) struct What {
    #[command(flatten)]
    at: Where,
    /// The directory that the users come from
    #[arg(long, value_name = "DIRECTORY")]
    from: Option<String>,
    /// A file that the users come from: LDIF if it ends in .ldif, a backup of Crowd or Jira if in .xml, or else CSV
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// A CSV file with the groups of that CSV file
    #[arg(long, value_name = "FILE", requires = "from_file")]
    groups_file: Option<PathBuf>,
    /// The directory of a backup that is meant; may be left out where there is only one
    #[arg(long, value_name = "NAME", requires = "from_file")]
    backup_directory: Option<String>,
    /// The directory that they go to
    #[arg(long, value_name = "DIRECTORY")]
    to: String,
    /// Move this user only; several add up
    #[arg(long = "user", value_name = "NAME")]
    users: Vec<String>,
    /// Move the users in this group only, nested ones too; several add up
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// Move the users only whose names begin so
    #[arg(long, value_name = "TEXT")]
    name_prefix: Option<String>,
    /// Move the users only that match this query, in the search language of Crowd, such as `email = "*@example.org"`
    #[arg(long, value_name = "CQL")]
    query: Option<Query>,
    /// What becomes of a user whose name somebody in the target has
    #[arg(long, value_name = "WHAT", default_value = "stop")]
    on_taken: Taken,
    /// What becomes of passwords
    #[arg(long, value_name = "WHAT", default_value = "best")]
    passwords: Passwords,
    /// How many days a password that is not given out is waited for: it is taken over at the next login
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..))]
    capture_days: u16,
    /// Move users although their names mean, or would be mixed with, others of another directory
    #[arg(long)]
    allow_namesakes: bool,
    /// Put the target before the source wherever the source is asked
    #[arg(long)]
    target_first: bool,
    /// List everybody, and not only the first
    #[arg(long)]
    all: bool,
}

/// What becomes of a user whose name is taken.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Taken {
    /// Nothing is moved at all
    Stop,
    /// Both are the same person, and become one
    Link,
    /// The user stays
    Skip,
}

/// What becomes of passwords.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Passwords {
    /// The best that the source gives: the hash, or the password at the next login
    Best,
    /// Everybody must set a new one
    Reset,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The move, as `throng move list` names it
    id: MoveId,
    #[command(flatten)]
    at: Where,
}

impl What {
    async fn plan(&self, throng: &Throng) -> Result<MovePlan, Failure> {
        let plan = throng.plan_move(self.request(throng)?).await;
        match &self.from_file {
            Some(file) => plan.map_err(|error| Failure::of_rows(error, file, self.groups_file.as_deref())),
            None => Ok(plan?),
        }
    }

    fn request(&self, throng: &Throng) -> Result<MoveRequest, Failure> {
        let target = directory(throng, &self.to)?.id;
        let request = match (&self.from, &self.from_file) {
            (Some(from), _) => MoveRequest::new(directory(throng, from)?.id, target),
            (None, Some(file)) => {
                let (users, groups) = match file.extension().and_then(OsStr::to_str) {
                    Some("ldif") => read_ldif(file)?,
                    Some("xml") => read_backup(file, self.backup_directory.as_deref())?,
                    _ => read(file, self.groups_file.as_deref(), Between::Comma.options())?,
                };
                MoveRequest::from_file(file.display().to_string(), users, groups, target)
            }
            (None, None) => return Err(Failure::Usage("say where the users come from".to_owned())),
        };
        let selection = if !self.users.is_empty() {
            Selection::Users(self.users.clone())
        } else if !self.groups.is_empty() {
            Selection::Groups(self.groups.clone())
        } else if let Some(prefix) = &self.name_prefix {
            let label = format!("the name prefix {prefix:?}");
            Selection::Matching { label, filter: Filter::name_starts_with(prefix) }
        } else if let Some(Query { text, filter }) = &self.query {
            Selection::Matching { label: format!("the query `{text}`"), filter: filter.clone() }
        } else {
            Selection::Everybody
        };
        let options = Options {
            on_taken: match self.on_taken {
                Taken::Stop => OnTaken::Stop,
                Taken::Link => OnTaken::Link,
                Taken::Skip => OnTaken::Skip,
            },
            passwords: match self.passwords {
                Passwords::Best => PasswordStrategy::Best,
                Passwords::Reset => PasswordStrategy::Reset,
            },
            capture_for: Duration::from_secs(u64::from(self.capture_days) * 24 * 60 * 60),
            order: if self.target_first { OrderChange::TargetFirst } else { OrderChange::Keep },
            overtaking: if self.allow_namesakes { Overtaking::Allow } else { Overtaking::Stop },
        };
        Ok(request.select(selection).options(options))
    }
}

pub(crate) async fn run(arguments: Move, output: &Output) -> Result<Code, Failure> {
    match &arguments {
        Move::Plan(what) => plan(what, output).await,
        Move::Run(what) => run_planned(what, output).await,
        Move::Status(one) => {
            let (_, throng) = open(&one.at).await?;
            told::report(&throng, one.id, output).await.map(|_| Code::Done)
        }
        Move::List(arguments) => {
            let (_, throng) = open(&arguments.at).await?;
            told::list(&throng, output).await.map(|()| Code::Done)
        }
        Move::Resume(one) => work(one, Work::Resume, output).await,
        Move::Revert(one) => work(one, Work::Revert, output).await,
        Move::Verify(one) => {
            let (_, throng) = open(&one.at).await?;
            let wrong = throng.verify_move(one.id).await?;
            told::verified(one.id, &wrong, output)?;
            Ok(if wrong.is_empty() { Code::Done } else { Code::Found })
        }
        Move::Finish(one) => {
            let (_, throng) = open(&one.at).await?;
            told::stands(&throng.finish_move(one.id).await?, output)
        }
        Move::Purge(one) => {
            let (_, throng) = open(&one.at).await?;
            told::stands(&throng.purge_move(one.id).await?, output)
        }
    }
}

async fn open(at: &Where) -> Result<(Place, Throng), Failure> {
    let place = Place::find(at)?;
    let throng = place.open_with_sources().await?;
    Ok((place, throng))
}

async fn plan(what: &What, output: &Output) -> Result<Code, Failure> {
    let (_, throng) = open(&what.at).await?;
    let plan = what.plan(&throng).await?;
    told::plan(&throng, &plan, what.all, output)?;
    Ok(if plan.is_clear() { Code::Done } else { Code::Refused })
}

async fn run_planned(what: &What, output: &Output) -> Result<Code, Failure> {
    let (place, throng) = open(&what.at).await?;
    let moving = Moving::begin(&place, &what.at, Work::Resume)?;
    let plan = tokio::select! {
        plan = look(what, &throng) => plan?,
        () = moving.signals.stop.wait() => return Err(Failure::StoppedEarly),
    };
    let record =
        moving.watch(&throng, "moving", async |control| throng.run_move(plan, &control).await).await?;
    ended(&place, &record, output).await
}

/// A plan that stands up to a dry run; nothing is written.
async fn look(what: &What, throng: &Throng) -> Result<MovePlan, Failure> {
    let plan = what.plan(throng).await?;
    refuse(throng, &plan)?;
    let dry = throng.dry_run_move(&plan).await?;
    match dry.changed.first() {
        Some((name, becomes)) => {
            let words = format!("{name:?} has changed since the plan ({becomes}): plan again");
            Err(Failure::Refused(words))
        }
        None => Ok(plan),
    }
}

/// Tells everything that stands in the way of a plan.
fn refuse(throng: &Throng, plan: &MovePlan) -> Result<(), Failure> {
    if plan.is_clear() {
        return Ok(());
    }
    let names = Names::of(throng)?;
    let obstacles: Vec<String> =
        plan.obstacles.iter().map(|obstacle| format!("  {}", names.spelled(&obstacle.to_string()))).collect();
    Err(Failure::Refused(format!("the move cannot be run:\n{}", obstacles.join("\n"))))
}

/// What is done with a move that is there.
#[derive(Debug, Clone, Copy)]
enum Work {
    Resume,
    Revert,
}

async fn work(one: &One, what: Work, output: &Output) -> Result<Code, Failure> {
    let (place, throng) = open(&one.at).await?;
    let moving = Moving::begin(&place, &one.at, what)?;
    let id = one.id;
    let record = match what {
        Work::Resume => {
            moving.watch(&throng, "moving", async |control| throng.resume_move(id, &control).await).await?
        }
        Work::Revert => {
            let words = "putting back";
            moving.watch(&throng, words, async |control| throng.revert_move(id, &control).await).await?
        }
    };
    ended(&place, &record, output).await
}

/// Tells how a move ended.
async fn ended(place: &Place, record: &Record, output: &Output) -> Result<Code, Failure> {
    let throng = place.open().await?;
    let counts = told::report(&throng, record.id, output).await?;
    for application in place.config.other_orders(&throng) {
        note(&format_args!(
            "the configuration file names another order of {application:?} than there is now: change it before the \
             next `throng serve`, `throng sync` or `throng apply`"
        ));
    }
    // Who stayed from the beginning is where a reverted move leaves everybody.
    let is_well = counts.failed == 0 || record.state == MoveState::Reverted;
    Ok(if is_well && record.state != MoveState::Reverting { Code::Done } else { Code::Failed })
}

/// Work on a move that people watch, and that a signal ends at the next safe place.
struct Moving {
    signals: Signals,
    id: Arc<Mutex<Option<MoveId>>>,
    /// What goes on with it.
    work: Work,
    /// Where it is, as the command that goes on says it.
    at: String,
}

impl Moving {
    fn begin(place: &Place, at: &Where, work: Work) -> Result<Self, Failure> {
        let config = at.config.as_ref().map(|file| format!(" --config {file:?}")).unwrap_or_default();
        let at = format!("--database {:?}{config}", place.database);
        Ok(Self { signals: Signals::listen()?, id: Arc::default(), work, at })
    }

    async fn watch(
        &self,
        throng: &Throng,
        words: &'static str,
        work: impl AsyncFnOnce(MoveControl) -> Result<Record, Error>,
    ) -> Result<Record, Failure> {
        let (bar, seen) = (Progress::of(words), Arc::clone(&self.id));
        let control =
            MoveControl::new().stopped_by(&self.signals.stop).watched_by(move |at: MoveProgress| {
                bar.show(at.done, at.total);
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                if let (None, Some(id)) = (*seen, at.id) {
                    note(&format_args!("move {id}: {} users", at.total));
                    *seen = Some(id);
                }
            });
        let outcome = tokio::select! {
            outcome = work(control) => outcome,
            () = self.signals.force.wait() => return Err(Failure::Interrupted),
        };
        outcome.map_err(|error| self.halted(throng, error))
    }

    /// Why the work ended before its end, with the command that goes on where something was begun.
    fn halted(&self, throng: &Throng, error: Error) -> Failure {
        let Some(id) = *self.id.lock().unwrap_or_else(PoisonError::into_inner) else { return error.into() };
        let verb = match self.work {
            Work::Resume => "resume",
            Work::Revert => "revert",
        };
        let command = format!("throng move {verb} {id} {}", self.at);
        if let Error::Conflict(Conflict::MoveStopped) = error {
            return Failure::Stopped(command);
        }
        let failure = Failure::from(error);
        let (why, code) = (failure.told(), failure.code());
        let why = Names::of(throng).map(|names| names.spelled(&why)).unwrap_or(why);
        Failure::Halted { why, command, code }
    }
}
