//! What holds for every file and all rows.

use proptest::prelude::*;
use throng_core::user::Profile;

use super::record::{Records, line_breaks};
use super::*;

fn options() -> impl Strategy<Value = CsvOptions> {
    prop::sample::select(vec![Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab])
        .prop_map(|delimiter| CsvOptions { delimiter })
}

/// Texts of what matters to the format, and any others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a,;\t|\\\\\"'=+@\r\n -]{0,6}", "[^\0]{0,6}"]
}

fn items() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text().prop_filter("names are not empty", |item| !item.is_empty()), 0..4)
}

prop_compose! {
    fn user()(
        (name, display_name, first_name, last_name, email) in (text(), text(), text(), text(), text()),
        active: bool,
        groups in items(),
        password_hash in prop::option::of(text()),
    ) -> UserRow {
        let profile = Profile { display_name, first_name, last_name, email };
        UserRow { line: 0, name, profile, active, groups, password_hash }
    }
}

prop_compose! {
    fn group()(name in text(), description in text(), parents in items()) -> GroupRow {
        GroupRow { line: 0, name, description, parents }
    }
}

/// Bytes that may mean something.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let header =
        prop::sample::select(vec!["", "\u{FEFF}", "username\n", "name,parents\n", "user;active;groups\r"]);
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..8),
        "[a1,;\t|\\\\\"'\r\n]{0,8}".prop_map(String::into_bytes),
    ];
    (header, prop::collection::vec(piece, 0..12))
        .prop_map(|(header, pieces)| [header.as_bytes(), &pieces.concat()].concat())
}

/// Files most of which are good.
fn file() -> impl Strategy<Value = String> {
    let cell = prop_oneof![
        3 => "[ab ]{0,2}",
        3 => "[ab,\r\n\"]{0,3}".prop_map(|text| format!("\"{}\"", text.replace('"', "\"\""))),
        1 => "[a\"]{0,3}",
    ];
    let end = prop::sample::select(vec![",", ",", ",", "\n", "\r\n", "\r", ""]);
    prop::collection::vec((cell, end), 0..8)
        .prop_map(|cells| cells.into_iter().map(|(cell, end)| cell + end).collect())
}

proptest! {
    /// T91: every file has an answer, and an error names a line of the file or the one after.
    #[test]
    fn reading_is_total(file in bytes(), options in options()) {
        let lines = line_breaks(&file) + 1;
        if let Err(error) = read_users(&file[..], options) {
            prop_assert!((1..=lines).contains(&error.line), "{error} of {lines}");
        }
        match read_groups(&file[..], options) {
            Err(error) => prop_assert!((1..=lines).contains(&error.line), "{error} of {lines}"),
            Ok(rows) => prop_assert!(rows.windows(2).all(|pair| pair[0].line < pair[1].line)),
        }
    }

    /// Where this parser accepts a file, the crate `csv` reads the same.
    #[test]
    fn the_crate_reads_the_same(file in file()) {
        let mut records = Records::open(file.as_bytes(), Delimiter::Comma).unwrap();
        let ours: Result<Vec<_>, _> = std::iter::from_fn(|| records.next_record().transpose()).collect();
        if let Ok(ours) = ours {
            let cells = ours.into_iter().map(|record| record.cells);
            let ours: Vec<_> = cells.filter(|cells| !cells.is_empty()).collect();
            let mut reader = ::csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(file.as_bytes());
            let theirs: Vec<Vec<String>> = reader.deserialize().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(ours, theirs);
        }
    }

    /// What is written is read back equal, but for hashes and lines, and no cell begins like a formula.
    #[test]
    fn users_come_back(rows in prop::collection::vec(user(), 0..8), options in options()) {
        let mut file = Vec::new();
        write_users(&mut file, &rows, options).unwrap();
        let mut read = read_users(&file[..], options).unwrap();
        let mut theirs = ::csv::ReaderBuilder::new()
            .delimiter(options.delimiter.byte())
            .from_reader(&file[..]);
        for record in theirs.records() {
            let record = record.unwrap();
            for cell in &record {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
            }
        }
        for row in &mut read {
            row.line = 0;
        }
        let expected: Vec<UserRow> =
            rows.into_iter().map(|row| UserRow { password_hash: None, ..row }).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn groups_come_back(rows in prop::collection::vec(group(), 0..8), options in options()) {
        let mut file = Vec::new();
        write_groups(&mut file, &rows, options).unwrap();
        let mut read = read_groups(&file[..], options).unwrap();
        for row in &mut read {
            row.line = 0;
        }
        prop_assert_eq!(read, rows);
    }
}
