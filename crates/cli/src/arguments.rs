//! What can be asked of the command: its subcommands, their arguments, and an example of each.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use throng::core::consumer::Network;

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

const CODES: &str = "\
Exit codes:
  0  done
  1  failed: something is broken, or the work did not end well
  2  the command line or the configuration file is wrong
  3  refused: it is not there, it is there already, or it is not allowed
  4  not now: the same may succeed later

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
    /// Applications that may ask
    #[command(subcommand, after_help = "Example:\n  throng application list --database users.db")]
    Application(Application),
    /// Users of one directory
    #[command(subcommand, after_help = "Example:\n  throng user list --database users.db")]
    User(User),
    /// Tell what every directory says about a name, who wins and why
    #[command(after_help = "Example:\n  throng explain anna --application jira --database users.db")]
    Explain(Explain),
    /// Make a mirror like its source: one round
    ///
    /// Ends with 0 if the mirror is like its source, 3 if deletions wait for approval, and 1 otherwise.
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

#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) at: Where,
    /// The name of the internal directory
    #[arg(long, value_name = "NAME", default_value = "Users")]
    pub(crate) directory: String,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) at: Where,
    /// The address to listen on, port 0 for any; goes before the one in the file [default: 127.0.0.1:8095]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Application {
    /// Add an application and print its password, which is never shown again
    #[command(after_help = "\
Example:
  throng application add jira --directory Users --allow-address 10.0.0.0/8 --database users.db")]
    Add(AddApplication),
    /// List the applications with their directories in order
    #[command(after_help = "Example:\n  throng application list --database users.db --json")]
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct AddApplication {
    /// What the application shows itself as
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) at: Where,
    /// A directory that it asks; several in their order
    #[arg(long = "directory", value_name = "NAME", required = true)]
    pub(crate) directories: Vec<String>,
    /// From where it may ask, an address or a network; several add up [default: this machine alone]
    #[arg(long = "allow-address", value_name = "CIDR")]
    pub(crate) addresses: Vec<Network>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) at: Where,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a user, with a password from standard input or a file
    ///
    /// The password is one line. It is not read from a terminal, which would show it.
    #[command(after_help = "Example:\n  throng user add anna --database users.db --password-file anna.txt")]
    Add(AddUser),
    /// List the users of a directory
    #[command(after_help = "Example:\n  throng user list --directory Users --database users.db --json")]
    List(ListUsers),
}

#[derive(Debug, Args)]
pub(crate) struct AddUser {
    /// The name of the user
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) at: Where,
    /// The directory; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    pub(crate) directory: Option<String>,
    /// A file that holds the password, in place of standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The name to show
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) display_name: String,
    /// The e-mail address
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    pub(crate) email: String,
}

#[derive(Debug, Args)]
pub(crate) struct ListUsers {
    #[command(flatten)]
    pub(crate) at: Where,
    /// The directory; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    pub(crate) directory: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The name to explain
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) at: Where,
    /// The application whose order counts
    #[arg(long, value_name = "NAME")]
    pub(crate) application: String,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// The mirror
    pub(crate) directory: String,
    /// The configuration file, which says where its source is
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The database; goes before the one that the configuration file names
    #[arg(long, value_name = "FILE", env = "THRONG_DATABASE")]
    pub(crate) database: Option<PathBuf>,
    /// Read everything, and not only what changed
    #[arg(long)]
    pub(crate) full: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The mirror
    pub(crate) directory: String,
    /// The hash of the deletions
    pub(crate) hash: String,
    #[command(flatten)]
    pub(crate) at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct Rounds {
    /// The mirror
    pub(crate) directory: String,
    #[command(flatten)]
    pub(crate) at: Where,
    /// How many
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) limit: u16,
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
