//! Files good and bad, each with what is said of it.

use std::cell::Cell;
use std::io::{self, Cursor, Read, repeat};

use throng_core::user::Profile;

use super::*;

const COMMA: CsvOptions = CsvOptions { delimiter: Delimiter::Comma };
const SEMICOLON: CsvOptions = CsvOptions { delimiter: Delimiter::Semicolon };
const TAB: CsvOptions = CsvOptions { delimiter: Delimiter::Tab };

fn users(file: impl AsRef<[u8]>) -> Result<Vec<UserRow>, CsvError> {
    read_users(file.as_ref(), COMMA)
}

/// Names and lines.
fn names(file: impl AsRef<[u8]>) -> Vec<(String, u64)> {
    let rows = users(file).unwrap().into_iter();
    rows.map(|row| (row.name, row.line)).collect()
}

fn fault(file: impl AsRef<[u8]>) -> (u64, CsvFault) {
    let error = users(file).unwrap_err();
    (error.line, error.fault)
}

fn missing(column: &'static str) -> CsvFault {
    CsvFault::MissingColumn { column, delimiter: Delimiter::Comma }
}

fn jane() -> UserRow {
    UserRow {
        line: 2,
        name: "jane".into(),
        profile: Profile {
            display_name: "Jane \"JD\" Doe, née Roe".into(),
            first_name: "Jane".into(),
            last_name: "Doe".into(),
            email: "jane@example.org".into(),
        },
        active: false,
        groups: vec!["staff".into(), "a|b".into(), r"CORP\x".into()],
        password_hash: None,
    }
}

#[test]
fn every_column_is_read() {
    let file = "Password_Hash, EMAIL ,username,groups,active,last_name,first_name,display_name\n\
                {SSHA}x+/=,jane@example.org,jane,staff|a\\|b|CORP\\x,No,Doe,Jane,\"Jane \"\"JD\"\" Doe, née Roe\"\n";
    let expected = UserRow { password_hash: Some("{SSHA}x+/=".into()), ..jane() };
    assert_eq!(users(file), Ok(vec![expected]));
}

#[test]
fn what_is_not_said_has_its_default() {
    let row = |line, name: &str| UserRow { line, name: name.into(), active: true, ..UserRow::default() };
    for header in ["username", "name", "USER"] {
        assert_eq!(users(format!("{header}\na\nb")), Ok(vec![row(2, "a"), row(3, "b")]));
    }
    assert_eq!(users("user,active,groups,password_hash,email\na,,,,\n"), Ok(vec![row(2, "a")]));
    assert_eq!(users("username"), Ok(vec![]));
}

#[test]
fn groups_are_read() {
    let file = "name,parents,description\nstaff,,Everybody\nadmins,staff|CORP\\ops,\"Two\nlines\"\n";
    let row = |line, name: &str, description: &str, parents: &[&str]| GroupRow {
        line,
        name: name.into(),
        description: description.into(),
        parents: parents.iter().map(|&parent| parent.into()).collect(),
    };
    let expected =
        vec![row(2, "staff", "Everybody", &[]), row(3, "admins", "Two\nlines", &["staff", "CORP\\ops"])];
    assert_eq!(read_groups(file.as_bytes(), COMMA), Ok(expected.clone()));
    assert_eq!(read_groups("username\n".as_bytes(), COMMA), Err(missing("name").at(1)));
    assert_eq!(
        read_groups("name,parents\na,b|\n".as_bytes(), COMMA),
        Err(CsvFault::EmptyItem("parents").at(2))
    );

    let mut file = Vec::new();
    write_groups(&mut file, &expected, COMMA).unwrap();
    assert_eq!(read_groups(&file[..], COMMA), Ok(expected));
}

/// I01: the header.
#[test]
fn headers_are_checked() {
    assert_eq!(fault(""), (1, CsvFault::Empty));
    assert_eq!(fault("\u{FEFF}"), (1, CsvFault::Empty));
    assert_eq!(fault("\n\r\n\r"), (1, CsvFault::Empty));
    assert_eq!(fault("jane,jane@example.org\n"), (1, missing("username")));
    assert_eq!(fault("jane,$2y$10$secret\n"), (1, missing("username")));
    assert_eq!(fault("email\n"), (1, missing("username")));
    assert_eq!(fault("\n\nusername, pass word \n"), (3, CsvFault::UnknownColumn("pass word".into())));
    assert_eq!(fault("username,\n"), (1, CsvFault::UnknownColumn(String::new())));
    assert_eq!(fault(format!("username,{}\n", "é".repeat(65))), (1, CsvFault::UnknownColumn("é".repeat(64))));
    assert_eq!(fault("username,Email,email\n"), (1, CsvFault::DuplicateColumn("email")));
    assert_eq!(fault("username,name\n"), (1, CsvFault::DuplicateColumn("username")));
}

/// I01: 10^6 columns, in the header or below.
#[test]
fn columns_are_counted() {
    assert_eq!(fault("a,".repeat(1_000_000)), (1, CsvFault::TooManyColumns));
    assert_eq!(fault(format!("username\n{}", ",".repeat(1_000_000))), (2, CsvFault::TooManyColumns));
    let wrong = |found| CsvFault::WrongFieldCount { expected: 2, found };
    assert_eq!(fault("user,email\na,b\nc\n"), (3, wrong(1)));
    assert_eq!(fault("user,email\na,b,c\n"), (2, wrong(3)));
    assert_eq!(fault(format!("user,email\na{}\n", ",".repeat(63))), (2, wrong(64)));
    assert_eq!(fault(format!("user,email\na{}\n", ",".repeat(64))), (2, CsvFault::TooManyColumns));
}

/// I01: `;` as the delimiter.
#[test]
fn delimiters_are_chosen() {
    let file = |delimiter: &str| {
        ["username,groups", "a,x|y", "\"b,;\t\",x"]
            .join("\n")
            .replacen(',', delimiter, 2)
            .replace("\",x", &format!("\"{delimiter}x"))
    };
    for (text, options) in [(",", COMMA), (";", SEMICOLON), ("\t", TAB)] {
        let rows = read_users(file(text).as_bytes(), options).unwrap();
        assert_eq!(rows[0].groups, ["x", "y"]);
        assert_eq!(rows[1].name, "b,;\t");
        let mut written = Vec::new();
        write_users(&mut written, &rows, options).unwrap();
        assert_eq!(read_users(&written[..], options), Ok(rows));
    }
    assert_eq!(fault("username;groups\na;b\n"), (1, missing("username")));
    assert_eq!(
        missing("username").to_string(),
        "the header, with the comma as delimiter, has no column `username`"
    );
}

/// I01: line ends of all kinds, and line breaks in quotes; the lines are still those of an editor.
#[test]
fn lines_are_counted() {
    let expected = |rows: &[(&str, u64)]| -> Vec<(String, u64)> {
        rows.iter().map(|&(name, line)| (name.to_owned(), line)).collect()
    };
    assert_eq!(names("username\r\na\nb\rc\r\n\n\r\rd"), expected(&[("a", 2), ("b", 3), ("c", 4), ("d", 8)]));
    assert_eq!(names("username\n\"a\r\nb\rc\n\"\r\nd\n"), expected(&[("a\r\nb\rc\n", 2), ("d", 6)]));
    assert_eq!(names("\u{FEFF}\"username\"\n\"\"\n \n"), expected(&[("", 2), (" ", 3)]));
    // Only the file's own mark is dropped, and only as a whole.
    assert_eq!(fault("\u{FEFF}\u{FEFF}username\n"), (1, missing("username")));
    assert_eq!(fault("\u{FF1D}username\n"), (1, missing("username")));
    assert_eq!(fault(b"\xEF\xBB"), (1, CsvFault::NotUtf8));
}

/// I01: quotes.
#[test]
fn quotes_are_closed() {
    assert_eq!(fault("user,email\na,b\nc,\"d\n"), (3, CsvFault::UnclosedQuote));
    assert_eq!(fault("user,email\n\"a\n\n\",\"b\"\"\nc\n\n"), (4, CsvFault::UnclosedQuote));
    assert_eq!(fault("\""), (1, CsvFault::UnclosedQuote));
    assert_eq!(fault("user\na\"b\n"), (2, CsvFault::StrayQuote));
    assert_eq!(fault("user\n \"a\"\n"), (2, CsvFault::StrayQuote));
    assert_eq!(fault("user\n\"a\nb\" \n"), (3, CsvFault::StrayQuote));
    assert_eq!(names("user\n\"\"\"\"\n"), [("\"".to_owned(), 2)]);
}

/// I01: NUL, and invalid UTF-8 at row 9,999.
#[test]
fn bytes_are_checked() {
    assert_eq!(fault("user\na\nb\0c\n"), (3, CsvFault::NulByte));
    assert_eq!(fault("user\n\"a\n\0\"\n"), (3, CsvFault::NulByte));
    let utf_16: Vec<u8> = "user\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(fault(utf_16), (1, CsvFault::NulByte));

    let mut file = b"user,email\n".to_vec();
    for row in 1..=10_000 {
        let email: &[u8] = if row == 9_999 { b"\xFF" } else { b"x" };
        file.extend_from_slice(b"a,");
        file.extend_from_slice(email);
        file.push(b'\n');
    }
    assert_eq!(fault(file), (10_000, CsvFault::NotUtf8));
    assert_eq!(fault(b"user,email\na,\"\r\n\r\xC3\n\"\n"), (4, CsvFault::NotUtf8));
    // Two halves of a letter do not make one across a delimiter.
    assert_eq!(fault(b"user,email\n\xC3,\xA9\n"), (2, CsvFault::NotUtf8));
}

#[test]
fn words_are_checked() {
    for (word, active) in
        [("TRUE", true), (" yes ", true), ("1", true), ("False", false), ("no", false), ("0", false)]
    {
        assert_eq!(users(format!("user,active\na,{word}\n")).unwrap()[0].active, active);
    }
    for word in ["2", "disabled", " ", "tru"] {
        assert_eq!(fault(format!("user,active\na,1\nb,{word}\n")), (3, CsvFault::BadFlag("active")));
    }
    assert_eq!(fault("user,groups\na,x||y\n"), (2, CsvFault::EmptyItem("groups")));
}

/// Counts what is read.
struct Counted<'c, R>(R, &'c Cell<usize>);

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.set(self.1.get() + count);
        Ok(count)
    }
}

/// I01, T91: a line without an end is refused once it is too long, bare or in quotes, and not read to its end.
#[test]
fn endless_lines_are_refused() {
    let cases = [
        ("username\n", b'a', CsvFault::LineTooLong.at(2)),
        ("username\n\"", b'a', CsvFault::LineTooLong.at(2)),
        ("username\na\n\"", b'\n', CsvFault::LineTooLong.at(3)),
        ("username\n", b'"', CsvFault::LineTooLong.at(2)),
        ("username\n", b',', CsvFault::TooManyColumns.at(2)),
        ("username\n", 0, CsvFault::NulByte.at(2)),
        ("", b'a', CsvFault::LineTooLong.at(1)),
    ];
    for (head, byte, error) in cases {
        let read = Cell::new(0);
        let file = Counted(Cursor::new(head).chain(repeat(byte)), &read);
        assert_eq!(read_users(file, COMMA), Err(error));
        assert!(read.get() <= MAX_LINE_BYTES + 32 * 1024, "{} bytes were read", read.get());
    }
}

#[test]
fn the_longest_line_is_read() {
    let line = "a".repeat(MAX_LINE_BYTES);
    for end in ["", "\n", "\r\n", "\r"] {
        assert_eq!(names(format!("user\n{line}{end}")), [(line.clone(), 2)]);
        assert_eq!(fault(format!("user\n{line}a{end}")), (2, CsvFault::LineTooLong));
    }
}

/// Gives one byte at a time, after an interruption, and in the end breaks.
struct Broken<'f>(&'f [u8], bool);

impl Read for Broken<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match self.0.split_first() {
            Some((&byte, rest)) => {
                buffer[0] = byte;
                self.0 = rest;
                Ok(1)
            }
            None => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}

#[test]
fn broken_readers_and_writers_are_told() {
    let broken = |file: &'static str| read_users(Broken(file.as_bytes(), false), COMMA).unwrap_err();
    let reset = CsvFault::Io(io::ErrorKind::ConnectionReset);
    assert_eq!(broken(""), reset.clone().at(1));
    assert_eq!(broken("\u{FEFF}username\r\na\r\nb"), reset.at(3));

    let mut short = [0; 60];
    let error = write_users(&mut short[..], [jane()], COMMA).unwrap_err();
    assert_eq!(error.fault, CsvFault::Io(io::ErrorKind::WriteZero));
}

/// N65, N66, N67, T91: no cell of an export begins like a formula, and hashes stay behind.
#[test]
fn exports_hold_no_formulas_and_no_hashes() {
    let row = UserRow {
        name: "=HYPERLINK(\"http://e\")".into(),
        profile: Profile {
            display_name: "@SUM(1)".into(),
            first_name: "-1+1".into(),
            last_name: "+1".into(),
            email: "\t=1".into(),
        },
        active: true,
        groups: vec!["=cmd|' /C calc'!A0".into()],
        password_hash: Some("{SSHA}secret".into()),
        ..jane()
    };
    let mut file = Vec::new();
    write_users(&mut file, [&row], COMMA).unwrap();
    assert_eq!(
        String::from_utf8(file.clone()).unwrap(),
        "username,display_name,first_name,last_name,email,active,groups\r\n\
         \"'=HYPERLINK(\"\"http://e\"\")\",'@SUM(1),'-1+1,'+1,'\t=1,true,'=cmd\\|' /C calc'!A0\r\n"
    );
    let expected = UserRow { password_hash: None, ..row };
    assert_eq!(users(file), Ok(vec![expected]));
}

/// Only what was put there is taken away: files of others have formulas without it, and quotes before words.
#[test]
fn files_of_others_keep_their_cells() {
    let cells = ["=1", "+x", "-", "@a", "'a", "'", "''a"];
    for cell in cells {
        assert_eq!(names(format!("user\n{cell}\n")), [(cell.to_owned(), 2)]);
    }
    assert_eq!(names("user\n'=1\n"), [("=1".to_owned(), 2)]);
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let error = |change: fn(&mut UserRow)| {
        let mut before = jane();
        before.profile.email = "a\nb".into();
        let mut row = jane();
        change(&mut row);
        let mut file = Vec::new();
        let error = write_users(&mut file, [before, row], COMMA).unwrap_err();
        assert_eq!(users(file).unwrap().len(), 1);
        (error.line, error.fault)
    };
    assert_eq!(error(|row| row.name.push('\0')), (4, CsvFault::NulByte));
    assert_eq!(error(|row| row.groups.push(String::new())), (4, CsvFault::EmptyItem("groups")));
    assert_eq!(error(|row| row.name = "\"".repeat(MAX_LINE_BYTES / 2)), (4, CsvFault::LineTooLong));
    let longest = GroupRow { name: "a".repeat(MAX_LINE_BYTES - ",,".len()), line: 2, ..GroupRow::default() };
    let mut file = Vec::new();
    write_groups(&mut file, [&longest], COMMA).unwrap();
    assert_eq!(read_groups(&file[..], COMMA), Ok(vec![longest]));
    let many = std::iter::repeat_n(GroupRow::default(), MAX_ROWS + 1);
    assert_eq!(write_groups(io::sink(), many, COMMA), Err(CsvFault::TooManyRows.at(2 + MAX_ROWS as u64)));
}
