//! The guide names the commands that there are, and the help of each carries an example.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod process;

use std::collections::BTreeSet;

use process::{Ended, throng, with};

const GUIDE: &str = include_str!("../../../docs/guide/cli.md");

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
    assert!(commands.len() >= 9, "{commands:?}");
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
        assert!(quoted.starts_with("--") || commands.iter().any(|known| is_of(quoted, known)), "{quoted}");
    }
}

#[test]
fn the_guide_says_the_exit_codes_of_the_help() {
    let help = help(&[]).stdout;
    for code in 0..=4 {
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
