//! `cargo xtask verify`, which never writes, and `cargo xtask fix`, which does.

use crate::run::{self, Report};

/// Checks everything that is not a test of behaviour. `--locked` keeps even the lock file as it is.
pub(crate) fn check() -> Report {
    let mut report = Report::default();
    report.step("format", || run::shown(run::cargo(&["fmt", "--all", "--check"])));
    report.step("lints", || {
        run::shown(run::cargo(&[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ]))
    });
    report.step("tidiness", || {
        run::shown(run::cargo(&["test", "--locked", "--quiet", "--package", "xtask", "--test", "tidy"]))
    });
    if run::has_subcommand("deny") {
        report.step("bans, licences, sources", || {
            // The crates of every platform count, also those that no build here has needed.
            run::shown(run::cargo(&["fetch", "--locked", "--quiet"]))?;
            run::shown(run::cargo(&[
                "deny",
                "--offline",
                "--locked",
                "--all-features",
                "--config",
                ".cargo/deny.toml",
                "check",
                "bans",
                "licenses",
                "sources",
            ]))
        });
    } else {
        report.ignore("bans, licences, sources", MISSING_DENY);
    }
    report.step("documentation", || {
        let mut command = run::cargo(&["doc", "--locked", "--workspace", "--no-deps", "--all-features"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        run::shown(command)
    });
    report
}

/// Formats, and lets clippy change what it is sure about.
pub(crate) fn fix() -> Report {
    let mut report = Report::default();
    report.step("clippy --fix", || {
        run::shown(run::cargo(&[
            "clippy",
            "--fix",
            "--allow-dirty",
            "--allow-staged",
            "--workspace",
            "--all-targets",
            "--all-features",
        ]))
    });
    // Last, because what clippy writes is not formatted.
    report.step("format", || run::shown(run::cargo(&["fmt", "--all"])));
    report
}

/// What to say where cargo-deny is asked for and absent.
pub(crate) const MISSING_DENY: &str = "cargo-deny is not installed: `cargo install cargo-deny --locked`";
