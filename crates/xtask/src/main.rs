//! `cargo xtask`: everything this workspace automates, as plain Rust.
//!
//! Each subcommand is a module; [`run`] holds what they share. None of them depends on a crate of ours, so that
//! the automation still builds when a crate does not.
#![expect(clippy::print_stdout, reason = "a command-line tool answers on standard output")]
#![expect(clippy::print_stderr, reason = "a command-line tool complains on standard error")]

mod advisories;
mod clients;
mod run;
mod sweep;
mod test;
mod verify;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <command>

  test              run every test: unit, integration, documentation, examples, features, packages;
                    and real clients, where Python or Node can install them
  verify            check format, lints, tidiness, licences and documentation; writes nothing
  fix               format and apply what clippy can fix by itself
  sweep [SEED [CASES]]
                    run the exhaustive and random tests that are too long for every day, and
                    kill moves of full size wherever they can be killed
  advisories PATH   check dependencies against a local copy of the RustSec advisory database
  help              print this text
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Test,
    Verify,
    Fix,
    Sweep(sweep::Budget),
    Advisories(PathBuf),
    Help,
}

impl Command {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["test"] => Ok(Self::Test),
            ["verify"] => Ok(Self::Verify),
            ["fix"] => Ok(Self::Fix),
            ["sweep", numbers @ ..] if numbers.len() <= 2 => sweep_budget(numbers).map(Self::Sweep),
            ["advisories", path] if !path.starts_with('-') => Ok(Self::Advisories(PathBuf::from(path))),
            ["advisories", ..] => Err("`advisories` takes one path".to_owned()),
            ["help" | "--help" | "-h"] => Ok(Self::Help),
            [] => Err("no command given".to_owned()),
            [known @ ("test" | "verify" | "fix"), ..] => Err(format!("`{known}` takes no arguments")),
            [unknown, ..] => Err(format!("unknown command `{unknown}`")),
        }
    }
}

fn sweep_budget(numbers: &[&str]) -> Result<sweep::Budget, String> {
    let mut budget = sweep::Budget::default();
    if let Some(seed) = numbers.first() {
        budget.seed = seed.parse().map_err(|_| format!("`{seed}` is no seed"))?;
    }
    if let Some(cases) = numbers.get(1) {
        budget.cases = cases.parse().map_err(|_| format!("`{cases}` is no number of cases"))?;
    }
    Ok(budget)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let report = match Command::parse(&arguments) {
        Ok(Command::Test) => test::run(),
        Ok(Command::Verify) => verify::check(),
        Ok(Command::Fix) => verify::fix(),
        Ok(Command::Sweep(budget)) => sweep::run(budget),
        Ok(Command::Advisories(path)) => advisories::run(&path),
        Ok(Command::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(complaint) => {
            eprint!("{complaint}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    print!("{report}");
    if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn every_command_is_understood() {
        assert_eq!(parse("test"), Ok(Command::Test));
        assert_eq!(parse("verify"), Ok(Command::Verify));
        assert_eq!(parse("fix"), Ok(Command::Fix));
        assert_eq!(parse("advisories some/path"), Ok(Command::Advisories(PathBuf::from("some/path"))));
        assert_eq!(parse("--help"), Ok(Command::Help));
        assert_eq!(parse("sweep"), Ok(Command::Sweep(sweep::Budget::default())));
        assert_eq!(parse("sweep 7 30"), Ok(Command::Sweep(sweep::Budget { seed: 7, cases: 30 })));
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        assert_eq!(parse(""), Err("no command given".to_owned()));
        assert_eq!(parse("tset"), Err("unknown command `tset`".to_owned()));
        assert_eq!(parse("test now"), Err("`test` takes no arguments".to_owned()));
        assert_eq!(parse("advisories"), Err("`advisories` takes one path".to_owned()));
        assert_eq!(parse("sweep now"), Err("`now` is no seed".to_owned()));
        assert_eq!(parse("advisories --help"), Err("`advisories` takes one path".to_owned()));
    }
}
