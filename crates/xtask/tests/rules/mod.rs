//! The rules, and the project as they see it.

pub(crate) mod code;
pub(crate) mod documents;
pub(crate) mod files;
pub(crate) mod manifests;
pub(crate) mod source;

use source::Source;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// Relative to the root, with slashes.
    pub(crate) file: String,
    /// From 1; 0 where the file as a whole is meant.
    pub(crate) line: usize,
    /// The rule, in words that say what to do.
    pub(crate) rule: String,
}

impl Violation {
    pub(crate) fn new(file: &str, line: usize, rule: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            rule: rule.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.rule),
            line => write!(f, "{}:{line}: {}", self.file, self.rule),
        }
    }
}

/// The files that belong to the project.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    /// Relative to the root, with slashes, sorted.
    pub(crate) files: Vec<String>,
}

impl Project {
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("we are in crates/xtask");
        let mut files = listed_by_git(root).unwrap_or_else(|| {
            let mut found = Vec::new();
            walk(root, root, &mut found);
            found
        });
        // git also lists what was deleted and not yet committed.
        files.retain(|file| root.join(file).symlink_metadata().is_ok());
        files.sort();
        files.dedup();
        assert!(
            files.iter().any(|file| file == "Cargo.toml"),
            "no files were found at {}",
            root.display()
        );
        Self {
            root: root.to_path_buf(),
            files,
        }
    }

    /// The text of a file, unless it is not text or not a file.
    pub(crate) fn text(&self, file: &str) -> Option<String> {
        let path = self.root.join(file);
        path.symlink_metadata().ok().filter(fs::Metadata::is_file)?;
        String::from_utf8(fs::read(path).ok()?).ok()
    }

    /// Every text file whose name ends so, with its text.
    pub(crate) fn texts<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, String)> + 'a {
        let files = self.files.iter().filter(move |file| file.ends_with(ending));
        files.filter_map(|file| Some((file.as_str(), self.text(file)?)))
    }

    /// Every hand-written Rust file.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> + '_ {
        let written = self
            .texts(".rs")
            .filter(|(_, text)| !text.lines().take(3).any(is_generated));
        written.map(|(file, text)| Source::new(file, &text))
    }
}

fn is_generated(line: &str) -> bool {
    line.starts_with("//") && line.contains("@generated")
}

/// What git tracks, and what it would take if asked to add everything.
fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let files: Vec<String> = String::from_utf8(output.stdout)
        .ok()?
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    (!files.is_empty()).then_some(files)
}

/// Stands in for git where the project is no clone or git refuses to read somebody else's.
fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder)
        .expect("the project can be read")
        .map_while(Result::ok)
    {
        let (name, path) = (entry.file_name(), entry.path());
        if name == ".git" || name == "target" {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(root, &path, found);
        } else if let Some(file) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            found.push(file.replace('\\', "/"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_and_the_walk_see_this_file() {
        let project = Project::read();
        let own = "crates/xtask/tests/rules/mod.rs".to_owned();
        let mut walked = Vec::new();
        walk(&project.root, &project.root, &mut walked);
        assert!(project.files.contains(&own));
        assert!(walked.contains(&own));
    }

    #[test]
    fn a_violation_names_file_line_and_rule() {
        assert_eq!(Violation::new("a.rs", 3, "no").to_string(), "a.rs:3: no");
        assert_eq!(Violation::new("a.rs", 0, "no").to_string(), "a.rs: no");
    }

    #[test]
    fn only_a_marked_comment_makes_a_file_generated() {
        assert!(is_generated("// @generated by something"));
        assert!(!is_generated("let mark = \"@generated\";"));
    }
}
