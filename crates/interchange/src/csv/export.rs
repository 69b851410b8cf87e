//! Writing lines of cells.

use std::borrow::Cow;
use std::io::{BufWriter, Write};

use super::record::line_breaks;
use super::{CsvError, CsvFault, Delimiter, MAX_LINE_BYTES, MAX_ROWS, cell};

const LINE_END: &str = "\r\n";

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Export<W: Write, const COLUMNS: usize> {
    writer: BufWriter<W>,
    delimiter: char,
    /// The line that the next row begins on.
    line: u64,
    rows: usize,
}

impl<W: Write, const COLUMNS: usize> Export<W, COLUMNS> {
    /// Writes the header.
    pub(super) fn open(writer: W, delimiter: Delimiter, columns: [&str; COLUMNS]) -> Result<Self, CsvError> {
        let mut export = Self {
            writer: BufWriter::new(writer),
            delimiter: char::from(delimiter.byte()),
            line: 1,
            rows: 0,
        };
        export.write_line(&columns.map(Cow::from))?;
        Ok(export)
    }

    /// The line that the next row begins on.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Writes a row.
    pub(super) fn write(&mut self, cells: [Cow<'_, str>; COLUMNS]) -> Result<(), CsvError> {
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(CsvFault::TooManyRows.at(self.line));
        }
        self.write_line(&cells.map(cell::guard))
    }

    /// Writes what is left.
    pub(super) fn close(mut self) -> Result<(), CsvError> {
        self.writer.flush().map_err(|error| CsvFault::Io(error.kind()).at(self.line))
    }

    fn write_line(&mut self, cells: &[Cow<'_, str>; COLUMNS]) -> Result<(), CsvError> {
        let mut text = String::new();
        for (n, cell) in cells.iter().enumerate() {
            if cell.contains('\0') {
                return Err(CsvFault::NulByte.at(self.line));
            }
            if n > 0 {
                text.push(self.delimiter);
            }
            if cell.contains(['"', '\r', '\n', self.delimiter]) {
                text.push('"');
                text.push_str(&cell.replace('"', "\"\""));
                text.push('"');
            } else {
                text.push_str(cell);
            }
        }
        if text.len() > MAX_LINE_BYTES {
            return Err(CsvFault::LineTooLong.at(self.line));
        }
        text.push_str(LINE_END);
        self.writer.write_all(text.as_bytes()).map_err(|error| CsvFault::Io(error.kind()).at(self.line))?;
        self.line += line_breaks(text.as_bytes());
        Ok(())
    }
}
