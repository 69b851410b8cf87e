//! The guide names the commands that there are, and the help of each carries an example.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod process;

use std::collections::BTreeSet;

use process::{Ended, throng, with};

const GUIDE: &str = include_str!("../../../docs/guide/cli.md");
const REFERENCE: &str = include_str!("../../../docs/reference/cli.md");

/// What all commands take, or all that work on a database: said once.
const COMMON: &str = "\
- `--json`: Write JSON for programs in place of words and tables for people
- `--database <FILE>`: The database; goes before the one that the configuration file names [env: THRONG_DATABASE=]
- `--config <FILE>`: The configuration file
";

/// The words that lead to each subcommand, as the help lists them.
fn commands() -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![Vec::<String>::new()]);
    while let Some(path) = open.pop() {
        let below = subcommands(&help(&path).stdout);
        if below.is_empty() {
            found.insert(path.join(" "));
        }
        open.extend(below.into_iter().map(|name| path.iter().cloned().chain([name]).collect()));
    }
    found
}

fn help(path: &[String]) -> Ended {
    throng(path.iter().map(String::as_str).chain(["--help"]), "")
}

fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_help_carries_an_example_that_is_a_command() {
    let commands = commands();
    assert!(commands.len() >= 60, "{commands:?}");
    for command in &commands {
        let path: Vec<String> = command.split(' ').map(str::to_owned).collect();
        for length in 0..=path.len() {
            let help = help(&path[..length]);
            assert_eq!(help.code, Some(0), "{command}");
            let (_, example) = help.stdout.split_once("Example:\n").expect(command);
            for line in example.lines() {
                let line = line.trim().strip_prefix("throng ").expect(command);
                assert!(commands.iter().any(|known| is_of(line, known)), "{line}");
            }
        }
        let help = help(&path).stdout;
        assert!(
            help.contains(&format!("  throng {command} ")),
            "its example is of something else: {command}"
        );
    }
}

#[test]
fn the_guide_names_every_command_and_no_other() {
    let commands = commands();
    let rows = GUIDE.lines().filter_map(|line| line.strip_prefix("| `throng ")?.split('`').next());
    let named: BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(named, commands);
    for line in GUIDE.lines().filter_map(|line| line.strip_prefix("throng ")) {
        assert!(commands.iter().any(|known| is_of(line, known)), "{line}");
    }
    for quoted in GUIDE.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.strip_prefix("throng ")) {
        let is_family = commands.iter().any(|known| is_of(known, quoted));
        let is_command = is_family || commands.iter().any(|known| is_of(quoted, known));
        assert!(quoted.starts_with("--") || is_command, "{quoted}");
    }
}

/// What a page says, however its lines are broken.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the short help of a command says: what it does, and its arguments with what they mean.
fn told(command: &str) -> (String, Vec<(String, String)>) {
    let ended = throng(command.split(' ').chain(["-h"]), "");
    let (about, rest) = ended.stdout.split_once("\n\nUsage: ").expect(command);
    let (arguments, _) = rest.split_once("\nExample:").expect(command);
    let lines = arguments.lines().filter(|line| line.starts_with("  "));
    let split = |line: &str| {
        let (name, meaning) = line.trim_start().split_once("  ").expect(command);
        (name.to_owned(), meaning.trim_start().to_owned())
    };
    (about.to_owned(), lines.map(split).collect())
}

#[test]
fn the_guide_and_the_reference_say_what_the_help_says() {
    let (commands, reference) = (commands(), flowing(REFERENCE));
    for line in COMMON.lines() {
        assert!(REFERENCE.lines().any(|said| said == line), "{line}");
    }
    let sections: BTreeSet<&str> =
        REFERENCE.lines().filter_map(|line| line.strip_prefix("### `throng ")?.strip_suffix('`')).collect();
    assert_eq!(sections, commands.iter().map(String::as_str).collect());
    for command in &commands {
        let (about, arguments) = told(command);
        assert!(GUIDE.contains(&format!("| `throng {command}` | {about} |\n")), "{command}: {about}");
        let mut section = format!("### `throng {command}` {about}");
        for (name, meaning) in arguments {
            let item = format!(" - `{name}`: {meaning}");
            let is_common = COMMON.lines().any(|line| line == item.trim_start());
            if !is_common && name != "-h, --help" {
                section.push_str(&item);
            }
        }
        let section = flowing(&section);
        let said = reference.split_once(&section).map(|(_, rest)| rest);
        assert!(said.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ### ")), "{section}");
    }
}

#[test]
fn the_guide_says_the_exit_codes_of_the_help() {
    let help = help(&[]).stdout;
    for code in 0..=5 {
        let row = GUIDE.lines().find_map(|line| line.strip_prefix(&format!("| {code} | "))).unwrap();
        let line = format!("  {code}  {}", row.trim_end_matches(" |"));
        assert!(help.lines().any(|said| said == line), "{line}");
    }
}

#[test]
fn the_file_of_the_guide_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let (_, file) = GUIDE.split_once("```toml\n").unwrap();
    let (file, _) = file.split_once("```").unwrap();
    let config = folder.path().join("throng.toml");
    std::fs::write(&config, file).unwrap();
    let init = with(&config, &["init"]);
    assert_eq!(init.code, Some(0), "{init:?}");
    assert!(folder.path().join("users.db").exists(), "paths are seen from the folder of the file");
}

fn is_of(line: &str, command: &str) -> bool {
    line == command || line.strip_prefix(command).is_some_and(|rest| rest.starts_with(' '))
}
