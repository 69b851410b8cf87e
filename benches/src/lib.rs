//! What all benchmarks print: tables, the bars beside what was reached, and the machine.
//!
//! The benchmarks themselves are beside this folder.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::num::NonZeroUsize;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

/// What has to hold for the figures to be worth anything, each beside what was reached.
#[derive(Debug)]
pub struct Bars(Table);

impl Default for Bars {
    fn default() -> Self {
        Self(table(&["bar", "reached", "shall be"]))
    }
}

impl Bars {
    /// What was reached must not be more.
    pub fn at_most(&mut self, what: &str, reached: f64, most: f64) {
        self.row(what, reached, reached <= most, &format!("≤ {most:.1}"));
    }

    /// What was reached must not be less.
    pub fn at_least(&mut self, what: &str, reached: f64, least: f64) {
        self.row(what, reached, reached >= least, &format!("≥ {least:.1}"));
    }

    /// Prints them, and which were missed.
    pub fn print(mut self) {
        right(&mut self.0, &[1, 2]);
        println!("{}", self.0);
    }

    fn row(&mut self, what: &str, reached: f64, holds: bool, bar: &str) {
        let missed = if holds { "" } else { "  MISSED" };
        self.0.add_row([what, &format!("{reached:.2}{missed}"), bar]);
    }
}

/// The middle one of the values; not a number if there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median over the rounds of the ratio to a reference in the same round.
pub fn median_ratio(times: &[f64], reference: &[f64]) -> f64 {
    median(times.iter().zip(reference).map(|(time, reference)| time / reference).collect())
}

/// Says that a run proves nothing whose reference differs from itself.
pub fn doubt(same: f64) {
    if !(0.92..=1.08).contains(&same) {
        println!("VOID: the reference against itself is {same:.2}; the machine was too busy");
    }
}

/// The cores, the processor and the load, in words.
pub fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let load = read("/proc/loadavg");
    format!(
        "{cores} cores,{}; load {}",
        model.trim_start_matches([' ', '\t', ':']).replace("  ", " "),
        load.trim()
    )
}

/// A table with this header.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(header);
    table
}

/// Aligns columns of numbers.
pub fn right(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
