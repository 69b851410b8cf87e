//! The command as a process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// How the command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the command to its end.
pub(crate) fn throng<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>, input: &str) -> Ended {
    run(command(arguments), input)
}

/// Runs the command over a database.
pub(crate) fn over(database: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut command = command(arguments);
    command.arg("--database").arg(database);
    run(command, input)
}

/// Runs the command with a configuration file.
pub(crate) fn with(config: &Path, arguments: &[&str]) -> Ended {
    let mut command = command(arguments);
    command.arg("--config").arg(config);
    run(command, "")
}

pub(crate) fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throng"));
    command.args(arguments).env_remove("THRONG_DATABASE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn run(mut command: Command, input: &str) -> Ended {
    let mut child = command.spawn().unwrap();
    // Whoever does not read its input closes the pipe.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A server that is ended when the test ends, however that does.
pub(crate) struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) url: String,
}

impl Serving {
    /// Starts `throng serve` and reads where it listens.
    pub(crate) fn start(arguments: &[&OsStr]) -> Self {
        let mut command = command([OsStr::new("serve")].iter().chain(arguments));
        command.stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap_or_default().to_owned();
        assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"), "{line:?}");
        Self { child, stdout, url }
    }

    /// Sends SIGTERM and waits: what it still wrote, and how it ended.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> (Option<i32>, String) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
