//! Records below a header that names their columns.

use std::io::Read;

use super::record::{Record, Records};
use super::{CsvError, CsvFault, Delimiter, MAX_ROWS, cell};

/// Most characters of an unknown column's name that an error repeats.
const MAX_NAME_CHARS: usize = 64;

/// A file whose header has been read.
#[derive(Debug)]
pub(super) struct Table<R, C> {
    records: Records<R>,
    columns: Vec<C>,
    lines: usize,
}

/// A row, each cell with its column.
#[derive(Debug)]
pub(super) struct Row<C> {
    /// The line that it begins on.
    pub(super) line: u64,
    pub(super) cells: Vec<(C, String)>,
}

impl<R: Read, C: Copy + PartialEq> Table<R, C> {
    /// Reads the header. Of the columns' names, the first is that of the column that must be there, and the first of
    /// each column is the one that errors say.
    pub(super) fn open(
        reader: R,
        delimiter: Delimiter,
        names: &[(&'static str, C)],
    ) -> Result<Self, CsvError> {
        let mut table = Self { records: Records::open(reader, delimiter)?, columns: Vec::new(), lines: 0 };
        let Some(header) = table.next_filled()? else {
            return Err(CsvFault::Empty.at(1));
        };
        table.columns = columns(&header, delimiter, names)?;
        table.lines = 0;
        Ok(table)
    }

    /// The next row; `None` at the end of the file.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<C>>, CsvError> {
        let Some(record) = self.next_filled()? else {
            return Ok(None);
        };
        let (expected, found) = (self.columns.len(), record.cells.len());
        if found != expected {
            return Err(CsvFault::WrongFieldCount { expected, found }.at(record.line));
        }
        let texts = record.cells.into_iter().map(cell::unguard);
        Ok(Some(Row { line: record.line, cells: self.columns.iter().copied().zip(texts).collect() }))
    }

    fn next_filled(&mut self) -> Result<Option<Record>, CsvError> {
        while let Some(record) = self.records.next_record()? {
            self.lines += 1;
            if self.lines > MAX_ROWS {
                return Err(CsvFault::TooManyRows.at(record.line));
            }
            if !record.cells.is_empty() {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

fn columns<C: Copy + PartialEq>(
    header: &Record,
    delimiter: Delimiter,
    names: &[(&'static str, C)],
) -> Result<Vec<C>, CsvError> {
    let found: Vec<_> = header.cells.iter().map(|text| (text, named(text, names))).collect();
    // This goes first: where a file without a header has a password hash, no error may repeat it as an unknown column.
    if let Some(&(name, column)) = names.first()
        && !found.iter().any(|(_, known)| *known == Some(column))
    {
        let missing = CsvFault::MissingColumn { column: name, delimiter };
        return Err(missing.at(header.line));
    }
    let mut columns = Vec::with_capacity(found.len());
    for (text, known) in found {
        let Some(column) = known else {
            let name = text.trim().chars().take(MAX_NAME_CHARS).collect();
            return Err(CsvFault::UnknownColumn(name).at(header.line));
        };
        if columns.contains(&column) {
            let name = names.iter().find(|(_, other)| *other == column);
            return Err(CsvFault::DuplicateColumn(name.map_or("", |(name, _)| name)).at(header.line));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn named<C: Copy>(text: &str, names: &[(&'static str, C)]) -> Option<C> {
    let is = |name: &str| name.eq_ignore_ascii_case(text.trim());
    names.iter().find(|(name, _)| is(name)).map(|(_, column)| *column)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, repeat};

    use super::*;

    /// T91: a file that never ends, whose rows are all good.
    #[test]
    fn rows_are_counted() {
        let file = Cursor::new("name\na\n").chain(repeat(b'\n'));
        let mut table = Table::open(file, Delimiter::Comma, &[("name", ())]).unwrap();
        assert!(table.next_row().unwrap().is_some());
        let error = table.next_row().map(|_| ()).unwrap_err();
        assert_eq!(error, CsvFault::TooManyRows.at(2 + MAX_ROWS as u64));
    }

    #[test]
    fn the_most_rows_are_read() {
        let rows = |count: u64| Cursor::new("name\n").chain(Cursor::new(b"a\n".repeat(count as usize)));
        let max = MAX_ROWS as u64;
        for (count, last) in [(max, Ok(max)), (max + 1, Err(CsvFault::TooManyRows.at(max + 2)))] {
            let mut table = Table::open(rows(count), Delimiter::Comma, &[("name", ())]).unwrap();
            let mut read = 0;
            let end = loop {
                match table.next_row().map(|row| row.is_some()) {
                    Ok(true) => read += 1,
                    Ok(false) => break Ok(read),
                    Err(error) => break Err(error),
                }
            };
            assert_eq!(end, last);
        }
    }
}
