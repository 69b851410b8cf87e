//! The subcommands, a file each: their arguments, and what they do.

pub(crate) mod application;
pub(crate) mod apply;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod directory;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod group;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod moves;
pub(crate) mod preview;
pub(crate) mod serve;
pub(crate) mod shadows;
pub(crate) mod sync;
pub(crate) mod user;
pub(crate) mod why;

use crate::arguments::Command;
use crate::failure::{Code, Failure};
use crate::output::Output;

/// Does what was asked.
pub(crate) async fn run(command: Command, output: &Output) -> Result<Code, Failure> {
    let done = match command {
        Command::Init(arguments) => init::run(&arguments, output).await,
        Command::Serve(arguments) => serve::run(&arguments, output).await,
        Command::Directory(arguments) => return directory::run(arguments, output).await,
        Command::Application(arguments) => application::run(arguments, output).await,
        Command::User(arguments) => user::run(arguments, output).await,
        Command::Group(arguments) => group::run(arguments, output).await,
        Command::Explain(arguments) => explain::run(&arguments, output).await,
        Command::Why(arguments) => return why::run(&arguments, output).await,
        Command::Shadows(arguments) => shadows::run(&arguments, output).await,
        Command::Preview(arguments) => preview::run(arguments, output).await,
        Command::Apply(arguments) => apply::run(arguments, output).await,
        Command::Move(arguments) => return moves::run(arguments, output).await,
        Command::Import(arguments) => import::run(&arguments, output).await,
        Command::Export(arguments) => export::run(&arguments, output).await,
        Command::Sync(arguments) => return sync::run(arguments, output).await,
        Command::Approve(arguments) => sync::approve(&arguments, output).await,
        Command::Rounds(arguments) => sync::rounds(&arguments, output).await,
        Command::Check(arguments) => return check::run(&arguments, output).await,
        Command::Backup(arguments) => backup::backup(&arguments, output).await,
        Command::Restore(arguments) => backup::restore(&arguments, output).await,
        Command::Completions(arguments) => completions::run(&arguments),
    };
    done.map(|()| Code::Done)
}
