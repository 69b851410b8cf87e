//! What people and programs read. Standard output carries answers, standard error everything else.

use std::fmt::Display;
use std::io::{self, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::failure::{Code, Failure};

/// For whom answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Words and tables.
    People,
    /// One JSON value on one line.
    Programs,
}

/// One line of a table, and one object of an array.
pub(crate) trait Row: Serialize {
    /// What several rows are called, where people are told that there are none.
    const SEVERAL: &'static str;

    /// The heads of the columns.
    const COLUMNS: &'static [&'static str];

    /// The cells, one for each column.
    fn cells(&self) -> Vec<String>;
}

/// Why there is no answer, for programs.
#[derive(Serialize)]
struct Failed<'f> {
    error: &'f str,
    kind: Code,
    code: u8,
}

/// Writes answers to standard output.
///
/// A pipe that nobody reads any more is a [`Failure`], never a panic: what is written may be a password that is shown
/// once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    form: Form,
}

impl Output {
    pub(crate) fn new(form: Form) -> Self {
        Self { form }
    }

    /// Whether programs read the answers.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.form == Form::Programs
    }

    /// Tells why there is no answer, on standard error. Where nobody reads it, nothing is lost.
    pub(crate) fn failure(&self, code: Code, words: &str) {
        match self.form {
            Form::People => note(&format_args!("throng: {words}")),
            Form::Programs => {
                let failed = Failed { error: words, kind: code, code: code as u8 };
                let mut line = serde_json::to_vec(&failed).unwrap_or_default();
                line.push(b'\n');
                drop(io::stderr().lock().write_all(&line));
            }
        }
    }

    /// Answers with words for people, or with a value for programs.
    pub(crate) fn answer(&self, words: &dyn Display, value: &impl Serialize) -> Result<(), Failure> {
        self.words(words)?;
        self.value(value)
    }

    /// Answers with a table, or with an array of objects.
    pub(crate) fn list<R: Row>(&self, rows: &[R]) -> Result<(), Failure> {
        self.table(rows)?;
        self.value(&rows)
    }

    /// Words for people; programs are told by a value.
    pub(crate) fn words(&self, words: &dyn Display) -> Result<(), Failure> {
        match self.form {
            Form::People => write(|out| writeln!(out, "{}", plain(words))),
            Form::Programs => Ok(()),
        }
    }

    /// A table for people, or words where it would be empty; programs are told by a value.
    pub(crate) fn table<R: Row>(&self, rows: &[R]) -> Result<(), Failure> {
        if self.form == Form::Programs {
            return Ok(());
        }
        if rows.is_empty() {
            return self.words(&format_args!("no {}", R::SEVERAL));
        }
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(R::COLUMNS);
        for row in rows {
            table.add_row(row.cells().iter().map(|cell| plain(cell)));
        }
        write(|out| writeln!(out, "{table}"))
    }

    /// The value for programs; people are told by words and tables.
    pub(crate) fn value(&self, value: &impl Serialize) -> Result<(), Failure> {
        match self.form {
            Form::People => Ok(()),
            Form::Programs => json(value),
        }
    }
}

/// Words that people are told for yes and no.
pub(crate) fn yes_or_no(state: bool) -> String {
    if state { "yes" } else { "no" }.to_owned()
}

/// Tells people something beside the answer. Where nobody reads it, nothing is lost.
pub(crate) fn note(words: &dyn Display) {
    drop(writeln!(io::stderr().lock(), "{}", plain(words)));
}

/// What a terminal shows and does not obey: names and reasons may come from other servers.
fn plain(words: &dyn Display) -> String {
    let obeyed = |c: char| c.is_control() && c != '\n';
    words.to_string().chars().fold(String::new(), |mut text, c| {
        if obeyed(c) {
            text.extend(c.escape_default())
        } else {
            text.push(c)
        }
        text
    })
}

fn json(value: &impl Serialize) -> Result<(), Failure> {
    write(|out| {
        serde_json::to_writer(&mut *out, value)?;
        writeln!(out)
    })
}

/// Writes to standard output, all of it or a [`Failure`].
pub(crate) fn write(answer: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    answer(&mut out).and_then(|()| out.flush()).map_err(Failure::Output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_others_wrote() {
        assert_eq!(plain(&"a\u{1b}]0;x\u{7}\nç\u{9b}"), "a\\u{1b}]0;x\\u{7}\nç\\u{9b}");
    }
}
