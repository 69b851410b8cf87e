//! The `throng` command.
//!
//! Reading order: `arguments.rs` (what can be asked), `place.rs` (where it happens), `config.rs` and `config/` (the
//! file and what it comes to), `command/` (a file for each command), `change.rs` (what is looked at before it is made),
//! `output.rs` and `failure.rs` (what people and programs are told).

mod arguments;
mod change;
mod command;
mod config;
mod failure;
mod output;
mod password;
mod place;
mod progress;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::failure::{Code, Failure};
use crate::output::{Output, note};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => {
            let code = if answer.use_stderr() { Code::Usage } else { Code::Done };
            return match answer.print() {
                Ok(()) => code.into(),
                Err(_) => Code::Failed.into(),
            };
        }
    };
    let output = Output::new(arguments.form());
    let outcome = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command::run(arguments.command, &output)),
        Err(error) => Err(Failure::Runtime(error)),
    };
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            note(&format_args!("throng: {}", failure.told()));
            failure.code().into()
        }
    }
}
