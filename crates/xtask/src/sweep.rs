//! `cargo xtask sweep`: the tests that are too long for every day, with a seed and a budget.

use crate::run::{self, Report};

/// Where random cases begin, and how many of them each property gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) seed: u64,
    pub(crate) cases: u32,
}

impl Default for Budget {
    /// About ten minutes on two cores.
    fn default() -> Self {
        Self { seed: 1, cases: 20_000 }
    }
}

/// Crates whose properties are worth more cases. The everyday run gives each of them a few hundred.
const PROPERTIES: [&str; 4] = ["throng-core", "throng-passwords", "throng-interchange", "throng-engine"];

/// Runs the exhaustive laws over four directories, and every property with the budget.
pub(crate) fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    report.step("every world of four directories", || {
        let arguments =
            ["test", "--release", "--package", "throng-core", "--lib", "--", "--ignored", "--nocapture"];
        run::shown(run::cargo(&arguments))
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
