//! Rules about files: where they are, how long, how wide, and what they must not name.

use super::source::Source;
use super::{Project, Violation};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A file that is longer has more than one subject.
const LINES: usize = 800;

/// What fits beside a second file on one screen.
const COLUMNS: usize = 120;

/// What may stand at the top, apart from dot-files.
const TOP: [&str; 12] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "benches",
    "crates",
    "docs",
    "examples",
    "migrations",
    "target",
];

/// The engines whose migrations must agree.
const ENGINES: [&str; 3] = ["mysql", "postgres", "sqlite"];

/// Paths of machines, in pieces so that this file does not break its own rule.
const MACHINES: [&str; 3] = [concat!("/wo", "rk/"), concat!("/tmp/", "bash"), concat!("/fa", "rm/")];

/// One file, one subject.
pub(crate) fn length(source: &Source) -> Vec<Violation> {
    match source.raw.lines().count() {
        lines if lines > LINES => {
            vec![Violation::new(
                &source.file,
                0,
                format!("{lines} lines, and {LINES} is the limit: split it by subject"),
            )]
        }
        _ => Vec::new(),
    }
}

/// A line fits the screen, unless it is an address, a long string, or a row of test vectors.
pub(crate) fn width(source: &Source) -> Vec<Violation> {
    let wide = source.raw.lines().zip(source.lines()).filter(|(raw, (_, code))| {
        raw.chars().count() > COLUMNS && !raw.contains("://") && !is_row(raw) && !is_long_string(raw, code)
    });
    wide.map(|(raw, (number, _))| {
        let rule = format!("{} columns, and {COLUMNS} is the limit", raw.chars().count());
        Violation::new(&source.file, number, rule)
    })
    .collect()
}

/// A reader finds everything behind one of a dozen names.
pub(crate) fn top_level(files: &[String]) -> Vec<Violation> {
    let top: BTreeSet<&str> = files.iter().filter_map(|file| file.split('/').next()).collect();
    top.into_iter()
        .filter(|name| !name.starts_with('.') && !TOP.contains(name))
        .map(|name| Violation::new(name, 0, "does not belong at the top of the repository"))
        .collect()
}

/// Every engine has the same migrations, by name.
pub(crate) fn migrations(files: &[String]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut engines: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in files {
        let Some(rest) = file.strip_prefix("migrations/") else {
            continue;
        };
        match rest.split_once('/') {
            Some((engine, name)) if ENGINES.contains(&engine) && name.ends_with(".sql") => {
                engines.entry(engine).or_default().insert(name);
            }
            _ => found.push(Violation::new(file, 0, "migrations holds only <engine>/<name>.sql")),
        }
    }
    let all: BTreeSet<&str> = engines.values().flatten().copied().collect();
    for (engine, names) in engines {
        let absent = all.difference(&names);
        found.extend(absent.map(|name| {
            Violation::new(&format!("migrations/{engine}/{name}"), 0, "is missing: another engine has it")
        }));
    }
    found
}

/// The published package of the store carries the migrations through a link to them.
pub(crate) fn migrations_link(root: &Path) -> Vec<Violation> {
    let link = "crates/store-sql/migrations";
    match fs::read_link(root.join(link)) {
        Ok(target) if target == Path::new("../../migrations") => Vec::new(),
        Ok(target) => {
            vec![Violation::new(link, 0, format!("must point to ../../migrations, not {}", target.display()))]
        }
        Err(_) => vec![Violation::new(link, 0, "must be a symbolic link to ../../migrations")],
    }
}

/// Nothing names a path that exists on one machine only.
pub(crate) fn machine_paths(project: &Project) -> Vec<Violation> {
    project.texts("").flat_map(|(file, text)| machine_paths_in(file, &text)).collect()
}

fn machine_paths_in(file: &str, text: &str) -> Vec<Violation> {
    let lines = (1..).zip(text.lines());
    let named = lines
        .filter_map(|(number, line)| Some((number, MACHINES.iter().find(|path| line.contains(**path))?)));
    named
        .map(|(number, path)| Violation::new(file, number, format!("names `{path}`, a path of one machine")))
        .collect()
}

/// Whether a line is a row of a table, which rustfmt was told to leave alone.
fn is_row(raw: &str) -> bool {
    let row = raw.trim();
    row.starts_with(['(', '[', '{', '"']) && row.ends_with(',')
}

/// Whether a line is too wide only because of what is between quotes.
fn is_long_string(raw: &str, code: &str) -> bool {
    raw.chars().count() - code.matches('"').count() <= COLUMNS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn named(violations: Vec<Violation>) -> Vec<String> {
        violations.into_iter().map(|violation| violation.file).collect()
    }

    #[test]
    fn a_long_file_is_caught() {
        assert_eq!(length(&Source::new("a.rs", &"\n".repeat(LINES + 1))).len(), 1);
        assert_eq!(length(&Source::new("a.rs", &"\n".repeat(LINES))), []);
    }

    #[test]
    fn a_wide_line_is_caught() {
        let long = "x".repeat(COLUMNS);
        let wide = |text: String| width(&Source::new("a.rs", &text)).len();
        assert_eq!(wide(format!("let a = {long};")), 1);
        assert_eq!(wide(format!("// {long}")), 1);
        assert_eq!(wide(format!("a(); // \"{long}\"")), 1);
        assert_eq!(wide(long.clone()), 0);
        assert_eq!(wide(format!("// see https://example.org/{long}")), 0);
        assert_eq!(wide(format!("let a = \"{long}\";")), 0);
        assert_eq!(wide(format!("    ({long}, {long}),")), 0);
    }

    #[test]
    fn a_stray_file_at_the_top_is_caught() {
        let given =
            files(&["Cargo.toml", ".gitignore", ".ci/run", "crates/a/b.rs", "notes.txt", "tools/x.sh"]);
        assert_eq!(named(top_level(&given)), ["notes.txt", "tools"]);
    }

    #[test]
    fn a_migration_of_one_engine_only_is_caught() {
        let given =
            files(&["migrations/sqlite/1.sql", "migrations/sqlite/2.sql", "migrations/postgres/1.sql"]);
        assert_eq!(named(migrations(&given)), ["migrations/postgres/2.sql"]);
        assert_eq!(migrations(&given[..2]), []);
        assert_eq!(named(migrations(&files(&["migrations/oracle/1.sql"]))), ["migrations/oracle/1.sql"]);
    }

    #[test]
    fn a_missing_link_is_caught() {
        assert_eq!(migrations_link(Path::new("no such folder")).len(), 1);
    }

    #[test]
    fn a_path_of_one_machine_is_caught() {
        let text = format!("fine\nsee {}main\n", MACHINES[0]);
        assert_eq!(machine_paths_in("a.md", &text).first().map(|violation| violation.line), Some(2));
        assert_eq!(machine_paths_in("a.md", "a framework/b"), []);
    }
}
