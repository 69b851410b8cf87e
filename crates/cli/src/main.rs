//! The `throng` command.
//!
//! Reading order: `arguments.rs` (what can be asked), `place.rs` (where it happens), `config.rs` and `config/` (the
//! file and what it comes to), `command/` (a file for each command), `change.rs` (what is looked at before it is made),
//! `output.rs`, `seat.rs` and `failure.rs` (what people and programs are told).

mod arguments;
mod change;
mod command;
mod config;
mod failure;
mod output;
mod password;
mod place;
mod progress;
mod seat;
mod signals;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::arguments::Arguments;
use crate::failure::{Code, Failure};
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return unparsed(&answer),
    };
    let output = Output::new(arguments.form());
    let outcome = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command::run(arguments.command, &output)),
        Err(error) => Err(Failure::Runtime(error)),
    };
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            output.failure(failure.code(), &failure.told());
            failure.code().into()
        }
    }
}

/// Answers a command line that is wrong, or that asks for help.
fn unparsed(answer: &clap::Error) -> ExitCode {
    let code = if answer.use_stderr() { Code::Usage } else { Code::Done };
    let output = Output::new(arguments::form_of_line(std::env::args_os().skip(1)));
    if code == Code::Usage && output.is_for_programs() {
        if answer.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            output.failure(code, "a subcommand is missing: `--help` lists them");
            return code.into();
        }
        let words = answer.render().to_string();
        // How the command is used follows in paragraphs of its own, for people.
        let fault = words.split("\n\n").next().unwrap_or_default();
        output.failure(code, fault.strip_prefix("error: ").unwrap_or(fault));
        return code.into();
    }
    match answer.print() {
        Ok(()) => code.into(),
        Err(_) => Code::Failed.into(),
    }
}
