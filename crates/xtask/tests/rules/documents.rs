//! What documents name must exist.

use super::{Project, Violation};
use std::collections::BTreeSet;
use std::path::{Component, Path};

/// A word that ends so is the name of a file, wherever it stands.
const ENDINGS: [&str; 4] = [".rs", ".md", ".toml", ".sql"];

/// What stands for something that the reader fills in.
const PLACEHOLDERS: [&str; 4] = ["NNNN", "...", "…", "::"];

/// Every file that a document names exists.
pub(crate) fn named_files(project: &Project) -> Vec<Violation> {
    let index = Index::new(&project.files);
    project.texts(".md").flat_map(|(file, text)| check(file, &text, &index)).collect()
}

/// Every file and folder of the project.
struct Index<'a> {
    paths: BTreeSet<&'a str>,
}

impl<'a> Index<'a> {
    fn new(files: &'a [String]) -> Self {
        let mut paths = BTreeSet::from([""]);
        for file in files {
            paths.extend(file.match_indices('/').map(|(at, _)| &file[..at]));
            paths.insert(file);
        }
        Self { paths }
    }

    fn holds(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Whether something at any depth goes by this name, as `system.rs` for a file of the engine.
    fn holds_below(&self, name: &str) -> bool {
        let ending = format!("/{name}");
        self.holds(name) || self.paths.iter().any(|path| path.ends_with(&ending))
    }

    fn has_folder_at_top(&self, name: &str) -> bool {
        let start = format!("{name}/");
        self.paths.range(start.as_str()..).next().is_some_and(|path| path.starts_with(&start))
    }
}

fn check(file: &str, text: &str, index: &Index<'_>) -> Vec<Violation> {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            fenced = !fenced;
        } else if !fenced {
            let linked = links(line).filter(|target| !exists(folder, target, index));
            let quoted = quotes(line).filter(|name| is_path(name, index));
            let quoted = quoted
                .map(without_position)
                .filter(|name| !exists(folder, name, index) && !index.holds_below(name.trim_matches('/')));
            found.extend(
                linked.chain(quoted).map(|name| {
                    Violation::new(file, number, format!("names `{name}`, which does not exist"))
                }),
            );
        }
    }
    found
}

/// The targets of links in a line, but for addresses and places in the same document.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, _)| {
        let rest = &line[at + 2..];
        let target = rest[..rest.find([')', ' '])?].split('#').next()?;
        (!target.is_empty() && !target.contains(':')).then_some(target)
    })
}

/// What is between back-ticks in a line.
fn quotes(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn is_path(name: &str, index: &Index<'_>) -> bool {
    let plain = name.chars().all(|character| character.is_alphanumeric() || "-_./:#…".contains(character));
    if !plain || name.starts_with('/') || PLACEHOLDERS.iter().any(|placeholder| name.contains(placeholder)) {
        return false;
    }
    // A slash alone does not make a path: `application/json` is none. Its first part must be a folder of ours.
    ENDINGS.iter().any(|ending| without_position(name).ends_with(ending) && name.len() > ending.len())
        || name
            .split_once('/')
            .is_some_and(|(first, _)| index.has_folder_at_top(first) || first.starts_with('.'))
}

/// The path without a line number or a section.
fn without_position(name: &str) -> &str {
    name.split([':', '#']).next().unwrap_or(name)
}

/// Whether the path exists, seen from the folder of the document or from the root.
fn exists(folder: &str, path: &str, index: &Index<'_>) -> bool {
    let from = |folder: &str| normal(&format!("{folder}/{path}")).is_some_and(|path| index.holds(&path));
    from(folder) || from("")
}

fn normal(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for component in Path::new(path.trim_start_matches('/')).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => drop(parts.pop()?),
            _ => {}
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<(usize, String)> {
        let files = ["README.md", "docs/a.md", "docs/b/c.md", "crates/core/src/name.rs", ".ci/run"];
        let files = files.map(str::to_owned);
        let found = check("docs/a.md", text, &Index::new(&files));
        found.into_iter().map(|violation| (violation.line, violation.rule)).collect()
    }

    fn missing(line: usize, name: &str) -> (usize, String) {
        (line, format!("names `{name}`, which does not exist"))
    }

    #[test]
    fn a_file_that_does_not_exist_is_caught() {
        assert_eq!(named("see\n`crates/core/src/nome.rs`"), [missing(2, "crates/core/src/nome.rs")]);
        assert_eq!(
            named("`nome.rs` and `crates/corn/`"),
            [missing(1, "nome.rs"), missing(1, "crates/corn/")]
        );
        assert_eq!(
            named("[a](b/d.md#part) [b](../LICENSE)"),
            [missing(1, "b/d.md"), missing(1, "../LICENSE")]
        );
        assert_eq!(named("`../../README.md`"), [missing(1, "../../README.md")]);
    }

    #[test]
    fn what_exists_and_what_is_no_file_is_let_through() {
        assert_eq!(
            named("`name.rs`, `core/src/name.rs`, `crates/core/`, `b/c.md`, `../README.md`, `.ci/run`"),
            []
        );
        assert_eq!(
            named("`crates/core/src/name.rs:12` [a](b/c.md) [b](#part) [c](https://example.org/d.md)"),
            []
        );
        assert_eq!(
            named("`application/json`, `/rest/user`, `docs/*.md`, `docs/NNNN-title.md`, `a <b/c.rs>`"),
            []
        );
        assert_eq!(named("```\n`docs/none.md`\n```\n"), []);
    }
}
