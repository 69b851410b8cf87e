//! CSV files of users and groups.
//!
//! 1. The format is RFC 4180 in UTF-8, with or without a byte order mark. Lines end with LF, CRLF or CR, mixed as they
//!    come. A quote that opens a cell is closed before the next delimiter or line end, and quotes in a cell that has
//!    none around it are refused. Blank lines are skipped.
//! 2. The first line names the columns, in any order; case and spaces around a name make no difference. Nothing is
//!    silently left out: a column that is not known is refused, and so is a row with a cell too many or too few.
//! 3. Cells are taken as they are, spaces included.
//! 4. A cell that lists groups separates them by `|`. In it, `\|` stands for a bar and `\\` for a backslash; any other
//!    backslash stands for itself, so that `CORP\staff` reads as it looks. An empty cell lists none.
//! 5. A cell that a spreadsheet would take for a formula, because it begins with `=`, `+`, `-`, `@`, a tab or a line
//!    break, is written with a `'` before it and read without (T91). So that rows read back equal to what was written,
//!    a cell that begins with any number of `'` and then a formula is written with one more, and read with one less.
//! 6. What is read is bounded: [`MAX_LINE_BYTES`], [`MAX_COLUMNS`], [`MAX_ROWS`]. Beyond the rows that it returns, a
//!    reader holds no more than one line.
//!
//! ```
//! use throng_interchange::csv::{CsvOptions, read_users};
//!
//! let file = "username,email,groups\njane,jane@example.org,staff|admins\n";
//! let users = read_users(file.as_bytes(), CsvOptions::default())?;
//! assert_eq!(users[0].line, 2);
//! assert_eq!(users[0].groups, ["staff", "admins"]);
//! # Ok::<(), throng_interchange::csv::CsvError>(())
//! ```

mod cell;
mod export;
#[cfg(test)]
mod laws;
mod record;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::io;

use throng_core::import::{GroupRow, UserRow};

use crate::flag::flag;
use export::Export;
use table::{Row, Table};

/// Longest line in bytes, its end not counted; line breaks inside quotes belong to the line (T91).
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Most columns: several times what is known here, so that it is the name of a column that is complained about.
pub const MAX_COLUMNS: usize = 64;

/// Most lines below the header, blank ones counted: an import holds all its rows in memory and writes them in one
/// transaction, and a file that never ends is refused too.
pub const MAX_ROWS: usize = 1_000_000;

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`, which spreadsheets write where the comma is the decimal separator.
    Semicolon,
    /// A tab.
    Tab,
}

impl Delimiter {
    const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
        })
    }
}

/// What a file does not say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CsvOptions {
    /// What stands between two cells.
    pub delimiter: Delimiter,
}

/// A file that cannot be read, or rows that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct CsvError {
    /// The line of the file, counted from 1 as an editor counts.
    pub line: u64,
    /// What is wrong there.
    pub fault: CsvFault,
}

/// What is wrong with a file. Apart from the name of an unknown column, no fault repeats what the file says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsvFault {
    /// There is no header: no line, or blank ones only.
    #[error("there is no header")]
    Empty,
    /// The header does not name a column that must be there. A file with another delimiter, or without a header, is
    /// told by this.
    #[error("the header, with the {delimiter} as delimiter, has no column `{column}`")]
    MissingColumn {
        /// The column.
        column: &'static str,
        /// What the header was split at.
        delimiter: Delimiter,
    },
    /// The header names a column that is not known; of a long name, the beginning.
    #[error("there is no column {0:?} here")]
    UnknownColumn(String),
    /// The header names a column twice, by the same or by another of its names.
    #[error("the header has column `{0}` twice")]
    DuplicateColumn(&'static str),
    /// More than [`MAX_COLUMNS`] cells in a line.
    #[error("there are more than {MAX_COLUMNS} columns")]
    TooManyColumns,
    /// More than [`MAX_ROWS`] lines below the header.
    #[error("there are more than {MAX_ROWS} rows")]
    TooManyRows,
    /// A line has more or fewer cells than the header.
    #[error("the line has {found} cells, and the header has {expected}")]
    WrongFieldCount {
        /// The columns of the header.
        expected: usize,
        /// The cells of this line.
        found: usize,
    },
    /// The line that begins here is longer than [`MAX_LINE_BYTES`].
    #[error("the line is longer than {MAX_LINE_BYTES} bytes")]
    LineTooLong,
    /// The quote that opens here is never closed.
    #[error("a quote is not closed")]
    UnclosedQuote,
    /// A quote inside a cell that does not begin with one, or text between a closing quote and the delimiter.
    #[error("a quote stands inside a cell")]
    StrayQuote,
    /// A NUL.
    #[error("there is a NUL byte")]
    NulByte,
    /// The bytes are not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// Neither of `true`, `yes`, `1`, `false`, `no`, `0`.
    #[error("`{0}` is neither true nor false")]
    BadFlag(&'static str),
    /// A list with nothing before, between or after its bars.
    #[error("a name in `{0}` is empty")]
    EmptyItem(&'static str),
    /// Reading or writing failed.
    #[error("reading or writing failed: {0}")]
    Io(io::ErrorKind),
}

impl CsvFault {
    fn at(self, line: u64) -> CsvError {
        CsvError { line, fault: self }
    }
}

/// Reads users.
///
/// 1. The columns are `username` (or `name`, or `user`), which must be there, and `display_name`, `first_name`,
///    `last_name`, `email`, `active`, `groups` and `password_hash`, which may.
/// 2. `active` is `true`, `yes` or `1`, or `false`, `no` or `0`, in any case. Users are active when the cell is empty
///    or the column is not there.
/// 3. `groups` lists the groups that directly hold the user, separated by `|`.
/// 4. An empty `password_hash` is none.
/// 5. A user's `line` is the one that it begins on.
///
/// The first thing wrong is the error; no rows are returned then.
pub fn read_users(reader: impl io::Read, options: CsvOptions) -> Result<Vec<UserRow>, CsvError> {
    let mut table = Table::open(reader, options.delimiter, &UserColumn::NAMES)?;
    let mut rows = Vec::new();
    while let Some(Row { line, cells }) = table.next_row()? {
        let mut row = UserRow { line, active: true, ..UserRow::default() };
        for (column, text) in cells {
            match column {
                UserColumn::Username => row.name = text,
                UserColumn::DisplayName => row.profile.display_name = text,
                UserColumn::FirstName => row.profile.first_name = text,
                UserColumn::LastName => row.profile.last_name = text,
                UserColumn::Email => row.profile.email = text,
                UserColumn::Active if text.is_empty() => {}
                UserColumn::Active => {
                    row.active = flag(&text).ok_or_else(|| CsvFault::BadFlag("active").at(line))?;
                }
                UserColumn::Groups => {
                    row.groups = cell::split(&text).ok_or_else(|| CsvFault::EmptyItem("groups").at(line))?;
                }
                UserColumn::PasswordHash => row.password_hash = Some(text).filter(|text| !text.is_empty()),
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Reads groups.
///
/// 1. The columns are `name` (or `group`), which must be there, and `description` and `parents`, which may.
/// 2. `parents` lists the groups that directly hold the group, separated by `|`.
/// 3. A group's `line` is the one that it begins on.
///
/// The first thing wrong is the error; no rows are returned then.
pub fn read_groups(reader: impl io::Read, options: CsvOptions) -> Result<Vec<GroupRow>, CsvError> {
    let mut table = Table::open(reader, options.delimiter, &GroupColumn::NAMES)?;
    let mut rows = Vec::new();
    while let Some(Row { line, cells }) = table.next_row()? {
        let mut row = GroupRow { line, ..GroupRow::default() };
        for (column, text) in cells {
            match column {
                GroupColumn::Name => row.name = text,
                GroupColumn::Description => row.description = text,
                GroupColumn::Parents => {
                    row.parents =
                        cell::split(&text).ok_or_else(|| CsvFault::EmptyItem("parents").at(line))?;
                }
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Writes users, without their password hashes, as [`read_users`] reads them.
///
/// 1. All columns but `password_hash` are written, below a header; lines end with CRLF.
/// 2. Cells that a spreadsheet would take for formulas are written with a `'` before them (T91).
/// 3. Rows are written as they come and none is kept, so that an export need not fit in memory.
///
/// What could not be read back is not written: a row with a NUL, an empty name of a group, or more than
/// [`MAX_LINE_BYTES`], and the row after [`MAX_ROWS`]. The error has the line on which the row would have begun; the
/// rows before it may have been written.
pub fn write_users(
    writer: impl io::Write,
    rows: impl IntoIterator<Item: Borrow<UserRow>>,
    options: CsvOptions,
) -> Result<(), CsvError> {
    let mut export = Export::open(writer, options.delimiter, USER_COLUMNS)?;
    for row in rows {
        let cells = user_cells(row.borrow(), export.line())?;
        export.write(cells)?;
    }
    export.close()
}

/// Writes users with their password hashes, in all else like [`write_users`].
///
/// What is written opens accounts to whoever computes long enough: it belongs where nobody else can read it (T103).
pub fn write_users_with_hashes(
    writer: impl io::Write,
    rows: impl IntoIterator<Item: Borrow<UserRow>>,
    options: CsvOptions,
) -> Result<(), CsvError> {
    let [a, b, c, d, e, f, g] = USER_COLUMNS;
    let mut export = Export::open(writer, options.delimiter, [a, b, c, d, e, f, g, "password_hash"])?;
    for row in rows {
        let row = row.borrow();
        let [a, b, c, d, e, f, g] = user_cells(row, export.line())?;
        let hash = Cow::from(row.password_hash.as_deref().unwrap_or_default());
        export.write([a, b, c, d, e, f, g, hash])?;
    }
    export.close()
}

const USER_COLUMNS: [&str; 7] =
    ["username", "display_name", "first_name", "last_name", "email", "active", "groups"];

fn user_cells(row: &UserRow, line: u64) -> Result<[Cow<'_, str>; 7], CsvError> {
    let groups = cell::join(&row.groups).ok_or_else(|| CsvFault::EmptyItem("groups").at(line))?;
    Ok([
        Cow::from(&row.name),
        Cow::from(&row.profile.display_name),
        Cow::from(&row.profile.first_name),
        Cow::from(&row.profile.last_name),
        Cow::from(&row.profile.email),
        Cow::from(if row.active { "true" } else { "false" }),
        Cow::from(groups),
    ])
}

/// Writes groups as [`read_groups`] reads them, in all else like [`write_users`].
pub fn write_groups(
    writer: impl io::Write,
    rows: impl IntoIterator<Item: Borrow<GroupRow>>,
    options: CsvOptions,
) -> Result<(), CsvError> {
    let mut export = Export::open(writer, options.delimiter, ["name", "description", "parents"])?;
    for row in rows {
        let row = row.borrow();
        let parents =
            cell::join(&row.parents).ok_or_else(|| CsvFault::EmptyItem("parents").at(export.line()))?;
        export.write([Cow::from(&row.name), Cow::from(&row.description), Cow::from(parents)])?;
    }
    export.close()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UserColumn {
    Username,
    DisplayName,
    FirstName,
    LastName,
    Email,
    Active,
    Groups,
    PasswordHash,
}

impl UserColumn {
    const NAMES: [(&'static str, Self); 10] = [
        ("username", Self::Username),
        ("name", Self::Username),
        ("user", Self::Username),
        ("display_name", Self::DisplayName),
        ("first_name", Self::FirstName),
        ("last_name", Self::LastName),
        ("email", Self::Email),
        ("active", Self::Active),
        ("groups", Self::Groups),
        ("password_hash", Self::PasswordHash),
    ];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GroupColumn {
    Name,
    Description,
    Parents,
}

impl GroupColumn {
    const NAMES: [(&'static str, Self); 4] = [
        ("name", Self::Name),
        ("group", Self::Name),
        ("description", Self::Description),
        ("parents", Self::Parents),
    ];
}
