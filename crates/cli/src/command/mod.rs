//! The subcommands, a file each.

mod application;
mod explain;
mod init;
mod serve;
mod sync;
mod user;

use crate::arguments::{Application, Command, User};
use crate::failure::{Code, Failure};
use crate::output::Output;

/// Does what was asked.
pub(crate) async fn run(command: Command, output: &Output) -> Result<Code, Failure> {
    let done = match command {
        Command::Init(arguments) => init::run(&arguments, output).await,
        Command::Serve(arguments) => serve::run(&arguments, output).await,
        Command::Application(Application::Add(arguments)) => application::add(&arguments, output).await,
        Command::Application(Application::List(arguments)) => application::list(&arguments, output).await,
        Command::User(User::Add(arguments)) => user::add(&arguments, output).await,
        Command::User(User::List(arguments)) => user::list(&arguments, output).await,
        Command::Explain(arguments) => explain::run(&arguments, output).await,
        Command::Sync(arguments) => return sync::run(arguments, output).await,
        Command::Approve(arguments) => sync::approve(&arguments, output).await,
        Command::Rounds(arguments) => sync::rounds(&arguments, output).await,
    };
    done.map(|()| Code::Done)
}
