//! Real clients of user servers: programs of others, installed for the time of one step, against our server.
//!
//! Neither Python nor Node is needed to build or to test Throng. Where one is missing, or its registry cannot be
//! reached, the step is ignored and says so; with `THRONG_REQUIRE_CLIENTS` in the environment it fails.

use crate::run::{self, Outcome, Report, Scratch};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A client, and the test of the facade that drives it.
struct Client {
    step: &'static str,
    test: &'static str,
    /// By which the test is told where the client is.
    variable: &'static str,
    /// Installs the client into an empty folder and tells what the test is to be told.
    install: fn(&Path) -> Result<PathBuf, String>,
}

const CLIENTS: [Client; 2] = [
    Client {
        step: "real clients: Python",
        test: "crowd_for_python",
        variable: "THRONG_CLIENT_PYTHON",
        install: install_for_python,
    },
    Client {
        step: "real clients: Node",
        test: "atlassian_crowd_client_for_node",
        variable: "THRONG_CLIENT_NODE",
        install: install_for_node,
    },
];

/// Turns a client that cannot be installed into a failure.
const REQUIRED: &str = "THRONG_REQUIRE_CLIENTS";

/// One step for each client.
pub(crate) fn run(report: &mut Report) {
    for client in &CLIENTS {
        let scratch = match Scratch::new(client.test) {
            Ok(scratch) => scratch,
            Err(error) => {
                report.step(client.step, || Err(format!("no temporary folder: {error}")));
                continue;
            }
        };
        println!("==> {}: installing", client.step);
        let required = std::env::var_os(REQUIRED).is_some();
        record(report, client.step, (client.install)(scratch.path()), required, |place| drive(client, place));
    }
}

fn record(
    report: &mut Report,
    step: &str,
    installed: Result<PathBuf, String>,
    required: bool,
    drive: impl FnOnce(&Path) -> Outcome,
) {
    match installed {
        Ok(place) => report.step(step, || drive(&place)),
        Err(lack) if required => report.step(step, || Err(lack)),
        Err(lack) => report.ignore(step, lack),
    }
}

/// All of the workspace's features are on, as for the other tests, so that nothing is built twice.
fn drive(client: &Client, place: &Path) -> Outcome {
    let mut test = run::cargo(&["test", "--workspace", "--all-features", "--test", "clients", "--"]);
    test.args(["--ignored", "--exact", "--show-output", client.test]).env(client.variable, place);
    run::shown(test)
}

fn install_for_python(folder: &Path) -> Result<PathBuf, String> {
    let environment = folder.join("environment");
    // Debian's Python needs the package python3-venv for this.
    work("python3", [OsStr::new("-m"), OsStr::new("venv"), environment.as_os_str()])?;
    let programs = environment.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let python = programs.join("python");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"];
    work(&python, pip.into_iter().chain(["--timeout", "20", "crowd==3.1.0"]))
        .map_err(|why| out_of_reach(&why))?;
    Ok(python)
}

fn install_for_node(folder: &Path) -> Result<PathBuf, String> {
    work("node", ["--version"])?;
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    work(npm, ["--version"])?;
    let prefix = [OsStr::new("install"), OsStr::new("--prefix"), folder.as_os_str()];
    let options = [
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--fetch-retries=1",
        "--fetch-timeout=20000",
        "atlassian-crowd-client@2.0.0",
    ];
    work(npm, prefix.into_iter().chain(options.map(OsStr::new))).map_err(|why| out_of_reach(&why))?;
    Ok(folder.to_path_buf())
}

fn out_of_reach(why: &str) -> String {
    format!("the package cannot be installed here\n{why}")
}

/// Runs a command of the installation; what it says is what is missing, if it fails.
fn work(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
    let mut command = Command::new(program);
    command.args(arguments);
    run::captured(command).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(installed: Result<PathBuf, String>, required: bool) -> Report {
        let mut report = Report::default();
        let drive = |place: &Path| if place == Path::new("/here") { Ok(()) } else { Err("lost".to_owned()) };
        record(&mut report, "step", installed, required, drive);
        report
    }

    #[test]
    fn a_client_that_is_not_there_is_ignored_unless_it_is_required() {
        let lacking = || Err("`npm install`: not found".to_owned());
        let report = recorded(lacking(), false);
        assert!(report.passed());
        assert_eq!(report.to_string(), "\n  step  ignored   `npm install`: not found\n");
        assert!(!recorded(lacking(), true).passed());
    }

    #[test]
    fn a_client_that_is_there_is_driven() {
        assert_eq!(recorded(Ok("/here".into()), false).to_string(), "\n  step  passed\n");
        assert!(!recorded(Ok("/elsewhere".into()), false).passed());
    }

    #[test]
    fn what_is_missing_is_named() {
        let lack = work("no-such-program-here", ["--version"]).unwrap_err();
        assert!(lack.starts_with("`no-such-program-here --version` could not be started"), "{lack}");
    }

    #[test]
    fn every_client_names_a_test_that_is_there() {
        let tests = std::fs::read_to_string(run::root().join("crates/throng/tests/clients.rs")).unwrap();
        for client in &CLIENTS {
            assert!(tests.contains(&format!("async fn {}()", client.test)), "{}", client.test);
            assert!(tests.contains(client.variable), "{}", client.variable);
        }
    }
}
