//! `cargo xtask sweep`: the tests that are too long for every day, with a seed and a budget.

use crate::run::{self, Report};

/// Where random cases begin, and how many of them each property gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) seed: u64,
    pub(crate) cases: u32,
}

impl Default for Budget {
    /// About twenty minutes on two cores.
    fn default() -> Self {
        Self { seed: 1, cases: 20_000 }
    }
}

/// Crates whose properties are worth more cases. The everyday run gives each of them a few hundred.
const PROPERTIES: [&str; 4] = ["throng-core", "throng-passwords", "throng-interchange", "throng-engine"];

/// Moves of full size, killed at every point where they can be. Each sweep tells at how many it was.
const KILLS: [&str; 9] = [
    "test",
    "--release",
    "--package",
    "throng-engine",
    "--test",
    "moves_kill",
    "--",
    "--ignored",
    "--nocapture",
];

/// Runs the exhaustive laws over four directories, the kills of moves, and every property, with
/// the budget.
pub(crate) fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    report.step("every world of four directories", || {
        let arguments =
            ["test", "--release", "--package", "throng-core", "--lib", "--", "--ignored", "--nocapture"];
        run::shown(run::cargo(&arguments))
    });
    let step = format!("kills of moves: at most {} points each, seed {}", budget.cases, budget.seed);
    report.step(step, || {
        let mut command = run::cargo(&KILLS);
        command.env("THRONG_SWEEP_CASES", budget.cases.to_string());
        command.env("THRONG_SWEEP_SEED", budget.seed.to_string());
        run::shown(command)
    });
    for package in PROPERTIES {
        let step = format!("{package}: {} cases a property, seed {}", budget.cases, budget.seed);
        report.step(step, || {
            let mut command = run::cargo(&["test", "--release", "--package", package, "--lib", "--tests"]);
            command.env("PROPTEST_CASES", budget.cases.to_string());
            command.env("PROPTEST_RNG_SEED", budget.seed.to_string());
            run::shown(command)
        });
    }
    report
}
