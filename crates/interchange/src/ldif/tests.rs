//! Files good and bad, each with what is said of it.

use std::cell::Cell;
use std::io::{self, Cursor, Read, repeat};

use super::*;
use LdifDoubtKind::*;

/// What `slapcat` of OpenLDAP 2.5.13 wrote.
const SLAPCAT: &str = include_str!("../../tests/files/slapcat.ldif");

/// As `ldapsearch` writes what Active Directory holds.
const ACTIVE_DIRECTORY: &str = include_str!("../../tests/files/active_directory.ldif");

/// Limits that are reached soon.
const SMALL: Limits = Limits { entry_bytes: 1_000_000, entries: 30, members: 50, doubts: 20 };

fn ldif(file: impl AsRef<[u8]>) -> Ldif {
    read(file.as_ref(), &LdifOptions::default()).unwrap()
}

fn fault(file: impl AsRef<[u8]>) -> (u64, LdifFault) {
    let error = read(file.as_ref(), &LdifOptions::default()).unwrap_err();
    (error.line, error.fault)
}

fn doubts(ldif: &Ldif) -> Vec<(u64, LdifDoubtKind)> {
    ldif.doubts.iter().map(|doubt| (doubt.line, doubt.kind)).collect()
}

/// The one user of a file that holds nothing else.
fn user(lines: &str) -> UserRow {
    let ldif = ldif(format!("dn: uid=a\nobjectClass: account\nuid: a\n{lines}\n"));
    assert_eq!((ldif.users.len(), ldif.groups.len(), ldif.others), (1, 0, 0));
    ldif.users.into_iter().next().unwrap()
}

fn row(
    line: u64,
    name: &str,
    profile: [&str; 4],
    active: bool,
    groups: &[&str],
    hash: Option<&str>,
) -> UserRow {
    let [display_name, first_name, last_name, email] = profile.map(str::to_owned);
    UserRow {
        line,
        name: name.to_owned(),
        profile: throng_core::user::Profile { display_name, first_name, last_name, email },
        active,
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        password_hash: hash.map(str::to_owned),
    }
}

fn group(line: u64, name: &str, description: &str, parents: &[&str]) -> GroupRow {
    let parents = parents.iter().map(|&parent| parent.to_owned()).collect();
    GroupRow { line, name: name.to_owned(), description: description.to_owned(), parents }
}

#[test]
fn what_slapcat_wrote_is_read_as_it_is() {
    let read = ldif(SLAPCAT);
    let long = "Anna Berg (Operations and everything that a long display name needs to be folded)";
    let crypt =
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1";
    let expected = [
        row(
            34,
            "anna",
            [long, "Anna", "Berg", "anna@example.org"],
            true,
            &["staff", "wheel"],
            Some("{SSHA}Xk2LAIaLSKCGkq8QMRuBU1mAhpnjv0p2"),
        ),
        row(
            52,
            "jörg",
            ["Jörg Müller", "Jörg", "Müller", "joerg@example.org"],
            true,
            &["admins"],
            Some(crypt),
        ),
        row(74, "john", ["Doe, John", "John", "Doe", "john@example.org"], false, &["staff"], None),
    ];
    assert_eq!(read.users, expected);
    assert_eq!(
        read.groups,
        [
            group(91, "staff", "Everybody who works here", &[]),
            group(106, "admins", "", &["staff"]),
            group(119, "wheel", "", &[])
        ]
    );
    assert_eq!(read.others, 3);
    assert_eq!(doubts(&read), [(81, PasswordNotHashed), (110, MemberNowhere)]);
    // Windows tools and copies by mail end lines with CRLF.
    assert_eq!(ldif(SLAPCAT.replace('\n', "\r\n")), read);
    assert_eq!(ldif(format!("\u{FEFF}# by hand\n\nversion: 1\n{SLAPCAT}")).users.len(), 3);
}

#[test]
fn accounts_of_active_directory_are_read() {
    let read = ldif(ACTIVE_DIRECTORY);
    assert_eq!(
        read.users,
        [
            row(
                3,
                "aberg",
                ["Berg, Anna", "Anna", "Berg", "anna.berg@example.org"],
                true,
                &["Editors"],
                None
            ),
            row(19, "tberg", ["Berg, Tal", "", "", ""], false, &["Editors"], None),
        ]
    );
    let expected = [group(45, "Editors", "Who may edit", &["Everybody"]), group(54, "Everybody", "", &[])];
    assert_eq!(read.groups, expected);
    assert_eq!(read.others, 2);
    assert_eq!(doubts(&read), [(58, MembersCut), (59, MembersCut), (59, MemberNowhere)]);
}

#[test]
fn names_are_where_the_options_say() {
    let options = LdifOptions {
        user_names: vec!["commonName".to_owned(), "mail".to_owned()],
        group_names: vec!["sAMAccountName".to_owned(), "cn".to_owned()],
    };
    let read = read(ACTIVE_DIRECTORY.as_bytes(), &options).unwrap();
    assert_eq!(read.users[0].name, "Anna Berg");
    assert_eq!((read.groups[0].name.as_str(), read.groups[1].name.as_str()), ("editors-2", "Everybody"));
    assert_eq!(read.users[0].groups, ["editors-2"]);
}

#[test]
fn of_several_names_that_of_the_entry_counts() {
    let file = |dn: &str| {
        format!("dn: {dn}\nobjectClass: account\nuid: \nuid: a\nuid;lang-de: c\nuid: b\nmail: x\nmail: y\n")
    };
    assert_eq!(ldif(file("uid=b,o=x")).users[0].name, "b");
    assert_eq!(ldif(file("UserID=b+cn=c,o=x")).users[0].name, "b");
    assert_eq!(ldif(file("cn=b,o=x")).users[0].name, "a");
    assert_eq!(ldif(file("uid=c,o=x")).users[0].name, "a");
    assert_eq!(ldif(file("uid=b,o=x")).users[0].profile.email, "x");
}

#[test]
fn disabled_stays_disabled() {
    let active = |lines: &str| user(lines).active;
    assert!(active("userAccountControl: 512\nnsAccountLock: false"));
    assert!(!active("userAccountControl: 514"));
    assert!(!active("useraccountcontrol:: NTE0"));
    assert!(!active("nsAccountLock: TRUE"));
    assert!(!active("pwdAccountLockedTime: 20260101000000Z"));
    let file = |line: &str| format!("dn: uid=a\nobjectClass: account\nuid: a\n{line}\n");
    assert_eq!(fault(file("userAccountControl: x")), (4, LdifFault::BadValue("userAccountControl")));
    assert_eq!(fault(file("nsAccountLock: 1")), (4, LdifFault::BadValue("nsAccountLock")));
}

/// T52, T54: what is not a hash may be the password, and stays behind.
#[test]
fn passwords_that_are_no_hashes_are_not_kept() {
    let file = "dn: uid=a\nobjectClass: account\nuid: a\nuserPassword: letmein\nuserPassword: {CLEARTEXT}letmein\n\
                userPassword: {ssha}abcd\nuserPassword:: /w==\nuserPassword: {SASL}letmein@here\n";
    let read = ldif(file);
    assert_eq!(read.users[0].password_hash.as_deref(), Some("{SSHA}abcd"));
    let expected = [4, 5, 7, 8].map(|line| (line, PasswordNotHashed));
    assert_eq!(doubts(&read), expected);
    assert!(!format!("{read:?}").contains("letmein"));
    assert!(!format!("{read:?}").contains("abcd"));
}

#[test]
fn members_are_found_however_they_are_named() {
    let people = "dn: cn=Doe\\, John+uid=a,o=x\nobjectClass: account\nuid: a\nuid: a2\n\n\
                  dn: uid=b,o=x\nobjectClass: account\nuid: b\n\ndn: uid=b,o=y\nobjectClass: account\nuid: B\n\n";
    let group = |members: &str| {
        let read = ldif(format!(
            "{people}dn: cn=g\nobjectClass: groupOfNames\nobjectClass: posixGroup\ncn: g\n{members}\n"
        ));
        let holds: String =
            read.users.iter().filter(|user| user.groups == ["g"]).map(|user| user.name.as_str()).collect();
        (holds, doubts(&read).into_iter().map(|(_, kind)| kind).collect::<Vec<_>>())
    };
    assert_eq!(group("member: UID=A + CN=doe\\2c  john , O=X"), ("a".into(), vec![]));
    assert_eq!(group("uniqueMember: uid=b,o=y#'0101'B"), ("B".into(), vec![]));
    assert_eq!(group("memberUid: A2\nmemberUid: a\nmember: uid=b,o=x"), ("ab".into(), vec![]));
    assert_eq!(group("memberUid: b"), (String::new(), vec![MemberAmbiguous]));
    assert_eq!(group("memberUid: c"), (String::new(), vec![MemberNowhere]));
    assert_eq!(group("member: uid=c,o=x\nmember: b\nmember: "), (String::new(), vec![MemberNowhere; 3]));
    assert_eq!(group("member;range=0-*: uid=b,o=y"), ("B".into(), vec![]));
    assert_eq!(group("member;Range=0-9: uid=b,o=y"), ("B".into(), vec![MembersCut]));
}

#[test]
fn what_makes_no_row_is_told() {
    let read = ldif(
        "dn: cn=a\nobjectClass: person\ncn: a\n\ndn: ou=b\nobjectClass: group\nou: b\nmember: cn=a\n\n\
         dn: cn=c\nobjectClass: account\nobjectClass: posixGroup\nuid: c\ncn: c\nmember: cn=a\n",
    );
    assert_eq!((read.users.len(), read.groups.len()), (0, 1));
    assert_eq!(doubts(&read), [(1, Unnamed), (5, Unnamed), (10, TwoKinds), (15, MemberNowhere)]);
    assert_eq!(read.doubts[0].to_string(), "line 1: a user or a group has no name");
}

#[test]
fn lines_are_unfolded_and_counted() {
    let read = ldif(
        "# a comment that\n  goes on\n\nvers\n ion: 1\ndn: uid\r\n =a\n# one inside\n   of an entry: x\nobject\n Class: acc\n \n \
         ount\nuid:\n :\n  Y\n Q=\n =\njpegPhoto:: !!!\n !!!\nmail:   x \n",
    );
    let expected = row(6, "a", ["", "", "", "x "], true, &[], None);
    assert_eq!(read.users, [expected]);
    assert_eq!(fault("\n\n x"), (3, LdifFault::StrayContinuation));
    assert_eq!(fault("dn: uid=a\n\n\tb\n"), (3, LdifFault::StrayContinuation));
    assert_eq!(fault("dn: uid=a\nuid: a\n b\nc\n"), (4, LdifFault::Malformed));
}

/// T91: records of changes, and values that stand elsewhere.
#[test]
fn changes_and_urls_are_refused_t91() {
    assert_eq!(fault("dn: uid=a\nchangetype: delete\n"), (2, LdifFault::ChangeRecord));
    assert_eq!(fault("dn: uid=a\nCONTROL: 1.2.3 true\nchangetype: add\n"), (2, LdifFault::ChangeRecord));
    assert_eq!(fault("dn: uid=a\nuid:< file:///etc/passwd\n"), (2, LdifFault::ByUrl));
    assert_eq!(fault("dn: uid=a\njpegPhoto:< file:///etc/passwd\n"), (2, LdifFault::ByUrl));
    assert_eq!(fault("dn: uid=a\njpegPhoto:\n <\n file:///etc/passwd\n"), (2, LdifFault::ByUrl));
    assert_eq!(fault("dn:< file:///etc/passwd\n"), (1, LdifFault::ByUrl));
}

#[test]
fn entries_are_checked() {
    assert_eq!(fault(""), (1, LdifFault::Empty));
    assert_eq!(fault("\u{FEFF}# nothing\n\n\r\n"), (1, LdifFault::Empty));
    assert_eq!(fault("version: 1\n"), (1, LdifFault::Empty));
    assert_eq!(fault("\nversion: 2\ndn: uid=a\n"), (2, LdifFault::UnsupportedVersion));
    assert_eq!(fault("version: 1\nversion: 1\n"), (2, LdifFault::NoDn));
    assert_eq!(fault("uid: a\n"), (1, LdifFault::NoDn));
    assert_eq!(fault("dn: uid=a\n\nsearch: 2\nresult: 0 Success\n"), (3, LdifFault::NoDn));
    assert_eq!(fault("dn: anna\n"), (1, LdifFault::BadDn));
    assert_eq!(fault("dn:: /w==\n"), (1, LdifFault::NotUtf8));
    assert_eq!(fault("dn: uid=a\nuid: a\ndn: uid=b\n"), (3, LdifFault::NoBlankLine));
    assert_eq!(fault("dn: uid=a\n\ndn: UID = A\n"), (3, LdifFault::DuplicateDn { first: 1 }));
    assert_eq!(fault("username,email\n"), (1, LdifFault::Malformed));
    assert_eq!(fault("dn: uid=a\nu id: a\n"), (2, LdifFault::Malformed));
    assert_eq!(fault("dn: uid=a\n: a\n"), (2, LdifFault::Malformed));
    assert_eq!(fault("dn: uid=a\rb: c\n\rd"), (2, LdifFault::Malformed));
    assert_eq!(fault("dn: uid=a\nuid:: a\n"), (2, LdifFault::BadBase64));
    let class = "dn: uid=a\nobjectClass: account\nuid: a\n";
    assert_eq!(fault([class.as_bytes(), b"mail: \xFF\n"].concat()), (4, LdifFault::NotUtf8));
    assert_eq!(fault(format!("{class}mail:: /w==\n")), (4, LdifFault::NotUtf8));
    assert_eq!(fault(format!("{class}x: a\0b\n")), (4, LdifFault::NulByte));
    let utf_16: Vec<u8> = class.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(fault(utf_16), (1, LdifFault::NulByte));
    // Nobody asks what a photograph says.
    assert_eq!(ldif([class.as_bytes(), b"photo: \xFF\nphoto:: /w\n"].concat()).users.len(), 1);
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

/// T91: what never ends is refused once it is too long, and not read to its end.
#[test]
fn endless_lines_are_refused_t91() {
    let class = "dn: uid=a\nobjectClass: account\nuid: ";
    let cases = [
        ("", "a", MAX_LINE_BYTES, LdifFault::LineTooLong.at(1)),
        (class, "a", MAX_LINE_BYTES, LdifFault::LineTooLong.at(3)),
        (class, "a\n ", 3 * MAX_LINE_BYTES, LdifFault::LineTooLong.at(3)),
        ("dn: ", ",", MAX_LINE_BYTES, LdifFault::LineTooLong.at(1)),
        (class, "\0", 0, LdifFault::NulByte.at(3)),
    ];
    for (head, rest, bytes, error) in cases {
        let read_bytes = Cell::new(0);
        let file =
            Counted(Cursor::new(head).chain(Cursor::new(rest.repeat(100_000).into_bytes())), &read_bytes);
        assert_eq!(read(file.chain(repeat(b'a')), &LdifOptions::default()), Err(error));
        assert!(read_bytes.get() <= bytes + 32 * 1024, "{} bytes were read", read_bytes.get());
    }
}

/// T91: neither are skipped values, comments, blank lines or an entry of many values read for ever.
#[test]
fn endless_entries_are_refused_t91() {
    let limits = Limits { entry_bytes: 100_000, ..SMALL };
    let line = "member: uid=gone\n";
    for (head, rest) in
        [("dn: uid=a\nphoto:: ", "a"), ("# ", "a"), ("", "\n"), ("#\n", "\n"), ("dn: uid=a\n", line)]
    {
        let read_bytes = Cell::new(0);
        let file = Cursor::new(head).chain(Cursor::new(rest.repeat(200_000)));
        let error = read_within(limits, Counted(file, &read_bytes), &LdifOptions::default()).unwrap_err();
        assert_eq!(error.fault, LdifFault::EntryTooLong);
        assert!(read_bytes.get() <= limits.entry_bytes + 32 * 1024, "{} bytes were read", read_bytes.get());
    }
    // What was long before does not count.
    let entry = |n| format!("dn: uid={n}\nphoto: {}\n\n", "a".repeat(60_000));
    let file: String = (0..5).map(entry).collect();
    assert_eq!(read_within(limits, file.as_bytes(), &LdifOptions::default()).map(|read| read.others), Ok(5));
}

#[test]
fn entries_and_members_are_counted_t91() {
    let entries = |count: usize| (0..count).map(|n| format!("dn: uid={n}\n\n")).collect::<String>();
    let read = |file: String| read_within(SMALL, file.as_bytes(), &LdifOptions::default());
    assert_eq!(read(entries(SMALL.entries)).map(|read| read.others), Ok(SMALL.entries));
    let line = 2 * SMALL.entries as u64 + 1;
    assert_eq!(read(entries(SMALL.entries + 1)), Err(LdifFault::TooManyEntries.at(line)));

    let members = |count: usize| {
        format!("dn: cn=g\nobjectClass: group\ncn: g\nmember: cn=g\n{}", "memberUid: a\n".repeat(count - 1))
    };
    let read_all = read(members(SMALL.members)).unwrap();
    assert_eq!(
        (read_all.doubts.len(), read_all.unlisted_doubts),
        (SMALL.doubts, SMALL.members - 1 - SMALL.doubts)
    );
    assert_eq!(read_all.groups[0].parents, ["g"]);
    let line = 3 + SMALL.members as u64 + 1;
    assert_eq!(read(members(SMALL.members + 1)), Err(LdifFault::TooManyMembers.at(line)));
}

#[test]
fn the_longest_line_is_read() {
    let file =
        |length: usize| format!("dn: uid=a\nobjectClass: account\nuid: a\nmail: {}\n", "m".repeat(length));
    let longest = MAX_LINE_BYTES - "mail: ".len();
    assert_eq!(ldif(file(longest)).users[0].profile.email.len(), longest);
    assert_eq!(fault(file(longest + 1)), (4, LdifFault::LineTooLong));
}

#[test]
fn broken_readers_are_told() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let broken =
        |file: &'static str| read(Cursor::new(file).chain(Broken), &LdifOptions::default()).unwrap_err();
    let reset = LdifFault::Io(io::ErrorKind::ConnectionReset);
    assert_eq!(broken(""), reset.clone().at(1));
    assert_eq!(broken("dn: uid=a\nuid"), reset.at(2));
}
