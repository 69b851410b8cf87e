//! The lines of a file and the cells in them, each as long as it may be and no longer.
//!
//! The crate `csv` forgives what an import must not: a quote that is never closed swallows the rest of the file, and a
//! stray one joins or splits cells. Telling these apart, with lines and limits, already is the work of a parser; the
//! crate checks this one in the tests.

use std::io::Read;

use super::{CsvError, CsvFault, Delimiter, MAX_COLUMNS, MAX_LINE_BYTES};
use crate::bytes::Bytes;

/// A line of cells. A blank line has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The line that it begins on.
    pub(super) line: u64,
    pub(super) cells: Vec<String>,
}

/// A file, record by record.
#[derive(Debug)]
pub(super) struct Records<R> {
    source: Bytes<R>,
    delimiter: u8,
    /// The line of the next byte.
    line: u64,
}

/// Where in a cell the next byte stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Start,
    Bare,
    Quoted,
    /// After a quote inside quotes: it closed the cell, or is the first of two.
    Closed,
}

impl<R: Read> Records<R> {
    pub(super) fn open(reader: R, delimiter: Delimiter) -> Result<Self, CsvError> {
        let source = Bytes::open(reader).map_err(|kind| CsvFault::Io(kind).at(1))?;
        Ok(Self { source, delimiter: delimiter.byte(), line: 1 })
    }

    /// The next record; `None` at the end of the file.
    pub(super) fn next_record(&mut self) -> Result<Option<Record>, CsvError> {
        let mut record = Record { line: self.line, cells: Vec::new() };
        let mut cell = Cell::new(self.line);
        let mut place = Place::Start;
        let mut length = 0;
        while let Some(byte) = self.next_byte()? {
            let quoted = matches!(place, Place::Quoted);
            if !quoted && matches!(byte, b'\r' | b'\n') {
                if byte == b'\r' && self.peek()? == Some(b'\n') {
                    self.next_byte()?;
                }
                self.line += 1;
                if !(record.cells.is_empty() && matches!(place, Place::Start)) {
                    record.push(cell)?;
                }
                return Ok(Some(record));
            }
            length += 1;
            if length > MAX_LINE_BYTES {
                return Err(CsvFault::LineTooLong.at(record.line));
            }
            if byte == 0 {
                return Err(CsvFault::NulByte.at(self.line));
            }
            place = match (place, byte) {
                (Place::Start, b'"') => Place::Quoted,
                (Place::Quoted, b'"') => Place::Closed,
                (Place::Closed, b'"') => {
                    cell.bytes.push(byte);
                    Place::Quoted
                }
                (Place::Bare, b'"') => return Err(CsvFault::StrayQuote.at(self.line)),
                (Place::Quoted, _) => {
                    if byte == b'\n' || (byte == b'\r' && self.peek()? != Some(b'\n')) {
                        self.line += 1;
                    }
                    cell.bytes.push(byte);
                    Place::Quoted
                }
                (_, byte) if byte == self.delimiter => {
                    record.push(std::mem::replace(&mut cell, Cell::new(self.line)))?;
                    Place::Start
                }
                (Place::Closed, _) => return Err(CsvFault::StrayQuote.at(self.line)),
                (Place::Start | Place::Bare, _) => {
                    cell.bytes.push(byte);
                    Place::Bare
                }
            };
        }
        match place {
            Place::Quoted => Err(CsvFault::UnclosedQuote.at(cell.line)),
            Place::Start if record.cells.is_empty() => Ok(None),
            Place::Start | Place::Bare | Place::Closed => {
                record.push(cell)?;
                Ok(Some(record))
            }
        }
    }

    fn next_byte(&mut self) -> Result<Option<u8>, CsvError> {
        self.source.next_byte().map_err(|kind| CsvFault::Io(kind).at(self.line))
    }

    fn peek(&mut self) -> Result<Option<u8>, CsvError> {
        self.source.peek().map_err(|kind| CsvFault::Io(kind).at(self.line))
    }
}

impl Record {
    fn push(&mut self, cell: Cell) -> Result<(), CsvError> {
        if self.cells.len() == MAX_COLUMNS {
            return Err(CsvFault::TooManyColumns.at(self.line));
        }
        self.cells.push(cell.into_text()?);
        Ok(())
    }
}

/// A cell without its quotes, and the line that it begins on.
struct Cell {
    line: u64,
    bytes: Vec<u8>,
}

impl Cell {
    fn new(line: u64) -> Self {
        Self { line, bytes: Vec::new() }
    }

    fn into_text(self) -> Result<String, CsvError> {
        String::from_utf8(self.bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            CsvFault::NotUtf8.at(self.line + line_breaks(valid))
        })
    }
}

/// How many lines end in a text: with LF, CRLF or CR.
pub(super) fn line_breaks(text: &[u8]) -> u64 {
    let ends = |&(n, byte): &(usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => text.get(n + 1) != Some(&b'\n'),
        _ => false,
    };
    text.iter().enumerate().filter(ends).count() as u64
}
