//! Running commands, and the report of what came of them.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

/// The result of one step; the error is what a reader needs to know beyond the output of the step itself.
pub(crate) type Outcome = Result<(), String>;

/// The steps of one subcommand, in the order in which they ran. Its `Display` is the closing table.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    step: String,
    verdict: Verdict,
}

#[derive(Debug)]
enum Verdict {
    Passed,
    Failed(String),
    Ignored(String),
}

impl Report {
    /// Runs a step and records its outcome. A failed step does not keep the next from running: one run shows
    /// everything that is wrong.
    pub(crate) fn step(&mut self, name: impl Into<String>, body: impl FnOnce() -> Outcome) {
        let step = name.into();
        println!("==> {step}");
        let verdict = match body() {
            Ok(()) => Verdict::Passed,
            Err(complaint) => {
                eprintln!("{complaint}");
                Verdict::Failed(complaint)
            }
        };
        self.rows.push(Row { step, verdict });
    }

    /// Records a step that cannot run here, with what is missing. It neither passed nor failed.
    pub(crate) fn ignore(&mut self, name: impl Into<String>, reason: impl Into<String>) {
        let (step, reason) = (name.into(), reason.into());
        println!("==> {step}: ignored: {reason}");
        self.rows.push(Row { step, verdict: Verdict::Ignored(reason) });
    }

    /// Whether no step failed.
    pub(crate) fn passed(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row.verdict, Verdict::Failed(_)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.step.chars().count()).max().unwrap_or(0);
        writeln!(f)?;
        for Row { step, verdict } in &self.rows {
            match verdict {
                Verdict::Passed => writeln!(f, "  {step:width$}  passed")?,
                Verdict::Failed(complaint) => {
                    writeln!(
                        f,
                        "  {step:width$}  FAILED    {}",
                        complaint.lines().next().unwrap_or_default()
                    )?;
                }
                Verdict::Ignored(reason) => {
                    let reason = reason.lines().next().unwrap_or_default();
                    writeln!(f, "  {step:width$}  ignored   {reason}")?;
                }
            }
        }
        Ok(())
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The cargo that started us, at the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Whether cargo has the subcommand, which it asks of `cargo-<name>` on the path.
pub(crate) fn has_subcommand(name: &str) -> bool {
    cargo(&[name, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a command whose output goes straight to the terminal.
pub(crate) fn shown(mut command: Command) -> Outcome {
    let line = spelled(&command);
    println!("    {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}`: {status}")),
        Err(error) => Err(format!("`{line}` could not be started: {error}")),
    }
}

/// Runs a command and returns its standard output; what it wrote to standard error is shown if it fails.
pub(crate) fn captured(mut command: Command) -> Result<String, String> {
    let line = spelled(&command);
    let output = command.output().map_err(|error| format!("`{line}` could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{line}`: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{line}` wrote something that is not UTF-8"))
}

/// A directory of our own that goes away with the value.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty directory under the system's temporary one. Two of the same name cannot exist at once.
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("throng-xtask-{}-{name}", process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}

fn spelled(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_report_and_the_rest_still_run() {
        let mut report = Report::default();
        report.step("first", || Err("it broke\nin two lines".to_owned()));
        report.step("second", || Ok(()));
        report.ignore("third", "no such tool\nhere");
        assert!(!report.passed());
        assert_eq!(
            report.to_string(),
            "\n  first   FAILED    it broke\n  second  passed\n  third   ignored   no such tool\n"
        );
    }

    #[test]
    fn an_ignored_step_is_not_a_failure() {
        let mut report = Report::default();
        report.ignore("only", "no such tool");
        assert!(report.passed());
    }

    #[test]
    fn the_root_is_the_workspace() {
        assert!(root().join("crates/xtask/Cargo.toml").is_file());
    }

    #[test]
    fn a_command_that_fails_is_named_in_the_complaint() {
        let complaint = captured(cargo(&["no-such-subcommand-here"])).unwrap_err();
        assert!(complaint.starts_with("`cargo no-such-subcommand-here`"), "{complaint}");
    }

    #[test]
    fn scratch_goes_away_with_the_value() {
        let scratch = Scratch::new("unit").unwrap();
        let path = scratch.path().to_path_buf();
        assert!(path.is_dir());
        drop(scratch);
        assert!(!path.exists());
    }
}
