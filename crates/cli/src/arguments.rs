//! What can be asked of the command: its subcommands, and what several of them are asked alike. The arguments of each
//! stand beside what it does, under `command/`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command::application::Application;
use crate::command::apply::Apply;
use crate::command::backup::{Backup, Restore};
use crate::command::completions::Completions;
use crate::command::directory::Directory;
use crate::command::explain::Explain;
use crate::command::export::Export;
use crate::command::group::Group;
use crate::command::import::Import;
use crate::command::init::Init;
use crate::command::moves::Move;
use crate::command::preview::Preview;
use crate::command::serve::Serve;
use crate::command::shadows::Shadows;
use crate::command::sync::{Approve, Rounds, Sync};
use crate::command::user::User;
use crate::command::why::Why;
use crate::output::Form;

/// Several user directories for one application, in the application's own order, with reasons.
#[derive(Debug, Parser)]
#[command(name = "throng", version, after_help = CODES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Write JSON for programs in place of words and tables for people
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    pub(crate) fn form(&self) -> Form {
        if self.json { Form::Programs } else { Form::People }
    }
}

/// For whom answers are, by a command line that may be wrong otherwise.
pub(crate) fn form_of_line(line: impl IntoIterator<Item = OsString>) -> Form {
    let mut options = line.into_iter().take_while(|word| word != "--");
    if options.any(|word| word == "--json") { Form::Programs } else { Form::People }
}

const CODES: &str = "\
Exit codes:
  0  done, or shown where nothing was to be done
  1  failed: something is broken, or the work did not end well
  2  the command line or the configuration file is wrong
  3  refused: it is not there, it is there already, or it is not allowed
  4  not now: the same may succeed later
  5  found: what was looked at is not as it should be
With --json, a failure is a JSON object on standard error.

Example:
  throng init --database users.db
  throng application add jira --database users.db --directory Users
  throng serve --database users.db";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a database with one internal directory; twice is harmless
    #[command(after_help = "Example:\n  throng init --database users.db --directory Users")]
    Init(Init),
    /// Serve as a Crowd REST user server until SIGINT or SIGTERM
    ///
    /// The first line on standard output says the address that is really listened on. HTTP without TLS: put a proxy in
    /// front. A second signal ends at once, without an answer to what is under way.
    #[command(after_help = "\
Example:
  throng serve --database users.db --listen 127.0.0.1:8095
  throng serve --config throng.toml")]
    Serve(Serve),
    /// Directories, and the order in which applications ask them
    #[command(subcommand, after_help = "Example:\n  throng directory list --database users.db")]
    Directory(Directory),
    /// Applications that may ask
    #[command(subcommand, after_help = "Example:\n  throng application list --database users.db")]
    Application(Application),
    /// Users of one directory
    #[command(subcommand, after_help = "Example:\n  throng user list --database users.db")]
    User(User),
    /// Groups of one directory
    #[command(subcommand, after_help = "Example:\n  throng group list --database users.db")]
    Group(Group),
    /// Tell what every directory says about a name, who wins and why
    #[command(after_help = "Example:\n  throng explain anna --application jira --database users.db")]
    Explain(Explain),
    /// Tell why a name can use an application, or cannot
    ///
    /// Ends with 0 if it can, 3 if it cannot, and 4 if that cannot be said now.
    #[command(after_help = "Example:\n  throng why anna can-use jira --database users.db")]
    Why(Why),
    /// Tell what several directories hold alike, who wins, who would surface, and which names look alike
    #[command(after_help = "Example:\n  throng shadows --application jira --database users.db")]
    Shadows(Shadows),
    /// Show who would change if something were changed, and change nothing
    #[command(
        subcommand,
        after_help = "Example:\n  throng preview reorder jira Users Crowd --database users.db"
    )]
    Preview(Preview),
    /// Make the database as the configuration file says
    ///
    /// Shows who changes, and makes the changes with `--yes` only. A second time there is nothing to change.
    #[command(after_help = "\
Example:
  throng apply --config throng.toml --dry-run
  throng apply --config throng.toml --yes")]
    Apply(Apply),
    /// Move users from one directory to another with everything that belongs to them
    #[command(
        subcommand,
        after_help = "Example:\n  throng move plan --from Confluence --to Jira --database users.db"
    )]
    Move(Move),
    /// Import users and groups from CSV files into a directory: all rows or none
    ///
    /// Passwords come along as hashes: strong ones as they are, weak ones inside Argon2id. One that cannot be checked
    /// leaves that user without a password.
    #[command(
        after_help = "Example:\n  throng import users.csv --directory Users --database users.db --dry-run"
    )]
    Import(Import),
    /// Export the users of a directory as CSV, to standard output or into a new file
    #[command(
        after_help = "Example:\n  throng export --directory Users --output users.csv --database users.db"
    )]
    Export(Export),
    /// Make a mirror like its source: one round
    ///
    /// Ends with 0 if the mirror is like its source, 3 if deletions wait for approval, 4 if another process
    /// synchronises it, and 1 otherwise.
    #[command(after_help = "Example:\n  throng sync Crowd --config throng.toml --full")]
    Sync(Sync),
    /// Let the next round delete what the latest one held
    ///
    /// The hash is the one that `throng sync` and `throng rounds --json` show with the deletions. If others would be
    /// made by then, they are held again. The word holds for a day.
    #[command(after_help = "Example:\n  throng approve Crowd 8a4be0-21 --database users.db")]
    Approve(Approve),
    /// Show the latest rounds of a mirror
    #[command(after_help = "Example:\n  throng rounds Crowd --database users.db")]
    Rounds(Rounds),
    /// Look for what is not as it should be: damage, passwords that cannot be checked, names of nobody
    ///
    /// Ends with 0 if everything is as it should be, and 5 if something is not.
    #[command(after_help = "Example:\n  throng check --database users.db")]
    Check(List),
    /// Copy the database into a new file, while others use it
    #[command(after_help = "Example:\n  throng backup users-2027-01-31.db --database users.db")]
    Backup(Backup),
    /// Make a new database out of a backup
    #[command(after_help = "Example:\n  throng restore users-2027-01-31.db --database users.db")]
    Restore(Restore),
    /// Write what a shell needs to complete commands and options
    #[command(after_help = "Example:\n  throng completions bash > /etc/bash_completion.d/throng")]
    Completions(Completions),
}

/// Where the database is: said by `--database`, or else by the file.
#[derive(Debug, Args)]
pub(crate) struct Where {
    /// The database; goes before the one that the configuration file names
    #[arg(long, value_name = "FILE", env = "THRONG_DATABASE", required_unless_present = "config")]
    pub(crate) database: Option<PathBuf>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Nothing but where the database is.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) at: Where,
}

/// One directory, which needs no name where there is only one.
#[derive(Debug, Args)]
pub(crate) struct InDirectory {
    #[command(flatten)]
    pub(crate) at: Where,
    /// The directory; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    pub(crate) directory: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_contradict_nothing() {
        Arguments::command().debug_assert();
    }
}
