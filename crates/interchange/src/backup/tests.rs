//! Backups good and bad, each with what is said of it.

use std::io::{Cursor, Read};

use throng_core::user::Profile;

use super::*;

const JIRA: &str = include_str!("../../tests/files/jira_entities.xml");
const CROWD: &str = include_str!("../../tests/files/crowd_backup.xml");

/// A backup of Jira with an internal directory, and more rows.
fn jira(rows: &str) -> String {
    let directory = "<Directory id='1' directoryName='Internal' active='1' type='INTERNAL'/>";
    format!("<entity-engine-xml>{directory}\n{rows}</entity-engine-xml>")
}

fn read_all(file: impl AsRef<[u8]>) -> Result<Backup, BackupError> {
    read(file.as_ref(), &BackupOptions::of(1))
}

fn fault(file: impl AsRef<[u8]>) -> (u64, BackupFault) {
    let error = read_all(file).unwrap_err();
    (error.line, error.fault)
}

fn doubts(file: &str) -> Vec<(u64, BackupDoubtKind)> {
    let options = BackupOptions { on_dangling: OnDangling::Report, ..BackupOptions::of(1) };
    let backup = read(file.as_bytes(), &options).unwrap();
    backup.doubts.into_iter().map(|doubt| (doubt.line, doubt.kind)).collect()
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
        profile: Profile { display_name, first_name, last_name, email },
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
fn directories_are_listed() {
    let directory = |line, id, name: &str, kind, active, users, groups| {
        let name = name.to_owned();
        BackupDirectory { line, id, name, kind, active, users, groups }
    };
    let expected = [
        directory(11, 1, "Jira Internal Directory", BackupDirectoryKind::Internal, true, 2, 2),
        directory(12, 10100, "LDAP & friends", BackupDirectoryKind::Connector, true, 1, 1),
    ];
    assert_eq!(list_directories(JIRA.as_bytes()).unwrap(), expected);
    let expected = [
        directory(16, 32769, "People", BackupDirectoryKind::Internal, true, 2, 2),
        directory(30, 32770, "Corporate LDAP", BackupDirectoryKind::Delegating, false, 1, 0),
    ];
    assert_eq!(list_directories(CROWD.as_bytes()).unwrap(), expected);
    assert_eq!(list_directories("<crowd/>".as_bytes()), Ok(vec![]));
}

/// R721, R722, R724.
#[test]
fn a_backup_of_jira_is_read() {
    let backup = read_all(JIRA).unwrap();
    let legacy = "{ATLASSIAN-SHA1}uQieO/1CGMUIXXftw3ynrsaYLShI+GTcPS4LdUGWbIusFvHPfUzD7CZvms6yMMvA8I7FViHVEqr6Mj4pCLKAFQ==";
    let expected = [
        row(
            28,
            "anna",
            ["Anna Berg", "Anna", "Berg <O'Hara>", "anna@example.org"],
            true,
            &["jira-administrators"],
            Some("{PKCS5S2}DQIXJU038u4P7FdsuFTY/+35bm41kfjZa57UrdxHp2Mu3qF2uy+ooD+jF5t1tb8J"),
        ),
        // The membership has the wrong number and the right name.
        row(29, "tal", ["Tal", "", "", ""], false, &["Editors"], Some(legacy)),
    ];
    assert_eq!(backup.users, expected);
    let expected = [
        group(17, "jira-administrators", "", &["Editors"]),
        group(18, "Editors", "Who may edit\nand publish", &[]),
    ];
    assert_eq!(backup.groups, expected);
    assert_eq!(backup.doubts, []);
    assert_eq!(backup.directory.line, 11);
}

/// R728: elsewhere than in internal directories there are no passwords.
#[test]
fn a_directory_is_chosen_by_its_name_too() {
    let backup = read(JIRA.as_bytes(), &BackupOptions::of("ldap & FRIENDS")).unwrap();
    let expected =
        [row(30, "anna", ["Anna of LDAP", "", "", "anna@ldap.example.org"], true, &["editors"], None)];
    assert_eq!(backup.users, expected);
    assert_eq!(backup.groups, [group(22, "editors", "", &[])]);
    assert_eq!(backup.doubts, []);

    let late = "<entity-engine-xml><User id='1' directoryId='7' userName='a' active='1'/>\
                <User id='2' directoryId='8' userName='b' active='1'/>\
                <Group id='1' directoryId='8' groupName='g'/>\
                <Membership directoryId='7' parentName='g' childName='b'/>\
                <Directory id='7' directoryName='One' active='0' type='INTERNAL'/>\
                <Directory id='8' directoryName='Two' active='1' type='INTERNAL'/></entity-engine-xml>";
    let backup = read(late.as_bytes(), &BackupOptions::of("two")).unwrap();
    assert_eq!(backup.users, [row(1, "b", [""; 4], true, &[], None)]);
}

#[test]
fn a_backup_of_crowd_is_read() {
    let backup = read(CROWD.as_bytes(), &BackupOptions::of("People")).unwrap();
    let hash = "{PKCS5S2}Tdl0jlvcysmT9PiRWkZZ1Hr4uHO2OJHvkd3siXt/8OnL7GczWsyzB1tMwkJlI2eX";
    let expected = [
        row(44, "Anna", ["Anna & Berg", "Anna", "Berg", "anna@example.org"], true, &["staff"], Some(hash)),
        row(66, "tal", [""; 4], false, &["admins"], None),
    ];
    assert_eq!(backup.users, expected);
    let expected = [group(82, "staff", "Everybody", &[]), group(89, "admins", "", &["staff"])];
    assert_eq!(backup.groups, expected);
    let kind = BackupDoubtKind::PasswordNotHashed;
    assert_eq!(backup.doubts, [BackupDoubt { line: 66, kind }]);

    let backup = read(CROWD.as_bytes(), &BackupOptions::of(32770)).unwrap();
    assert_eq!(backup.users, [row(73, "kim", [""; 4], true, &[], None)]);
}

#[test]
fn only_rows_of_a_section_are_its_rows() {
    let file = "<crowd><users><record><directoryId>7</directoryId></record></users>\
                <user><directoryId>7</directoryId></user><users><user><user/><x><name>b</name></x></user></users></crowd>";
    assert_eq!(fault(file), (1, BackupFault::MissingValue("directoryId")));
    let file = "<crowd><users><record/></users><user/><groups><user/></groups></crowd>";
    assert_eq!(fault(file), (1, BackupFault::NoSuchDirectory));
}

/// I03: what is secret is dropped, and shown nowhere.
#[test]
fn secrets_are_dropped_i03() {
    for file in [JIRA, CROWD] {
        for directory in list_directories(file.as_bytes()).unwrap() {
            let backup = read(file.as_bytes(), &BackupOptions::of(directory.id)).unwrap();
            let hashes: Vec<&str> =
                backup.users.iter().filter_map(|user| user.password_hash.as_deref()).collect();
            let shown = format!("{directory:?} {backup:?}");
            for secret in ["bind-secret", "mail-secret", "application-secret", "old-secret", "letmein"] {
                assert!(file == JIRA || file.contains("letmein"));
                assert!(!shown.contains(secret), "{secret}");
                assert!(!hashes.contains(&secret));
            }
            assert!(hashes.iter().all(|hash| !shown.contains(hash)));
        }
    }
}

/// I03: document types, whatever they would bring (T78).
#[test]
fn document_types_are_refused_i03_t78() {
    let bomb = "<?xml version='1.0'?>\n<!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;'>]>\n";
    assert_eq!(fault(format!("{bomb}{}", jira(""))), (2, BackupFault::Doctype));
    assert_eq!(fault("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><crowd/>"), (1, BackupFault::Doctype));
    assert_eq!(fault("<!DOCTYPE"), (1, BackupFault::Doctype));
    assert_eq!(fault(jira("<!DOCTYPE a>")), (2, BackupFault::Doctype));
    assert_eq!(fault(jira("<x>&lol;</x>")), (2, BackupFault::Syntax));
    assert_eq!(fault(jira("<User userName='&lol;'/>")), (2, BackupFault::Syntax));
}

/// I03: an unknown type of directory.
#[test]
fn unknown_types_of_directories_are_listed_and_not_read_i03() {
    let odd = format!("<Directory id='2' directoryName='Odd' active='1' type='{}'/>", "Ö".repeat(100));
    let file = jira(&odd);
    let kind = "Ö".repeat(64);
    let listed = list_directories(file.as_bytes()).unwrap();
    assert_eq!(listed[1].kind, BackupDirectoryKind::Unknown(kind.clone()));
    assert!(read_all(&file).is_ok());
    let error = read(file.as_bytes(), &BackupOptions::of(2)).unwrap_err();
    assert_eq!(error, BackupFault::UnknownDirectoryType(kind).at(2));
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let error = |choice: DirectoryChoice| {
        let second = "<Directory id='2' directoryName='INTERNAL' active='1' type='CROWD'/>\n\n";
        let error = read(jira(second).as_bytes(), &BackupOptions::of(choice)).unwrap_err();
        (error.line, error.fault)
    };
    assert_eq!(error(3.into()), (4, BackupFault::NoSuchDirectory));
    assert_eq!(error("nowhere".into()), (4, BackupFault::NoSuchDirectory));
    assert_eq!(error("internal".into()), (2, BackupFault::AmbiguousDirectory));
}

/// I03: rows that name what is not there.
#[test]
fn dangling_rows_are_refused_or_told_i03() {
    let member = |parent: &str, child: &str, kind: &str| {
        jira(&format!(
            "<User id='1' directoryId='1' userName='a' active='1'/><Group id='1' directoryId='1' groupName='g'/>\n\
             <Membership directoryId='1' parentName='{parent}' childName='{child}'{kind}/>"
        ))
    };
    let (user, subgroup) = (" membershipType='GROUP_USER'", " membershipType='GROUP_GROUP'");
    let missing_directory = jira("<User id='1' directoryId='9' userName='a' active='1'/>");
    let cases = [
        (member("h", "a", user), 3, BackupFault::MissingGroup, BackupDoubtKind::MissingGroup),
        (member("g", "b", user), 3, BackupFault::MissingUser, BackupDoubtKind::MissingUser),
        (member("g", "b", ""), 3, BackupFault::MissingUser, BackupDoubtKind::MissingUser),
        (member("g", "g", user), 3, BackupFault::MissingUser, BackupDoubtKind::MissingUser),
        (member("g", "a", subgroup), 3, BackupFault::MissingGroup, BackupDoubtKind::MissingGroup),
        (missing_directory, 2, BackupFault::MissingDirectory(9), BackupDoubtKind::MissingDirectory(9)),
    ];
    for (file, line, fault_of_it, kind) in cases {
        assert_eq!(fault(&file), (line, fault_of_it), "{file}");
        assert_eq!(doubts(&file), [(line, kind)], "{file}");
        assert!(list_directories(file.as_bytes()).is_ok());
    }
    for kind in [user, ""] {
        assert_eq!(read_all(member("G", "A", kind)).unwrap().users[0].groups, ["g"]);
    }
    assert_eq!(read_all(member("g", "g", "")).unwrap().groups[0].parents, ["g"]);
    // What is wrong elsewhere does not matter here.
    let elsewhere = "<Directory id='2' directoryName='x' active='1' type='CROWD'/>\
                     <Membership directoryId='2' parentName='x' childName='y' membershipType='GROUP_USER'/>";
    assert_eq!(doubts(&jira(elsewhere)), []);
}

#[test]
fn a_membership_that_could_mean_two_is_not_guessed() {
    let file = jira(
        "<User id='1' directoryId='1' userName='a' active='1'/><Group id='1' directoryId='1' groupName='a'/>\n\
         <Membership directoryId='1' parentName='a' childName='a'/>",
    );
    assert_eq!(fault(&file), (3, BackupFault::MissingUser));
}

#[test]
fn a_group_is_had_once() {
    let rows =
        "<User id='1' directoryId='1' userName='a' active='1'/><Group id='1' directoryId='1' groupName='g'/>";
    let membership = "<Membership directoryId='1' parentName='g' childName='a' membershipType='GROUP_USER'/>";
    let backup = read_all(jira(&format!("{rows}{membership}{membership}"))).unwrap();
    assert_eq!(backup.users[0].groups, ["g"]);
}

/// I03: duplicate ids.
#[test]
fn numbers_are_had_once_i03() {
    for row in [
        "<Directory id='1' directoryName='a' active='1' type='CROWD'/>",
        "<User id='5' directoryId='1' userName='a' active='1'/>\n<User id='5' directoryId='1' userName='b' active='1'/>",
        "<User id='5' directoryId='1' userName='a' active='1'/>\n<User id='5' directoryId='2' userName='a' active='1'/>",
        "<Group id='5' directoryId='1' groupName='a'/>\n<Group id='5' directoryId='1' groupName='b'/>",
    ] {
        let line = if row.contains('\n') { 3 } else { 2 };
        assert_eq!(fault(jira(row)), (line, BackupFault::DuplicateId), "{row}");
    }
    let alike =
        "<User id='5' directoryId='1' userName='a' active='1'/><Group id='5' directoryId='1' groupName='b'/>";
    assert!(read_all(jira(alike)).is_ok());
}

#[test]
fn rows_are_checked() {
    for (row, expected) in [
        ("<User id='1' userName='a' active='1'/>", BackupFault::MissingValue("directoryId")),
        ("<User id='1' directoryId='1' active='1'/>", BackupFault::MissingValue("name")),
        ("<User id='1' directoryId='1' userName=' ' active='1'/>", BackupFault::MissingValue("name")),
        ("<User id='1' directoryId='1' userName='a'/>", BackupFault::MissingValue("active")),
        ("<User id='1' directoryId='1' userName='a' active='x'/>", BackupFault::BadValue("active")),
        ("<User id='-1' directoryId='1' userName='a' active='1'/>", BackupFault::BadValue("id")),
        ("<User id='1' directoryId='x' userName='a' active='1'/>", BackupFault::BadValue("directoryId")),
        (
            "<User id='1' directoryId='1' userName='a' active='1'><active>0</active></User>",
            BackupFault::TwoValues,
        ),
        (
            "<User directoryId='1' email='a' emailAddress='b' userName='a' active='1'/>",
            BackupFault::TwoValues,
        ),
        ("<User id='1' id='1' directoryId='1' userName='a' active='1'/>", BackupFault::Syntax),
        ("<Group id='1' directoryId='1'/>", BackupFault::MissingValue("name")),
        ("<Directory id='2' directoryName='x' active='1'/>", BackupFault::MissingValue("type")),
        ("<Membership directoryId='1' childName='a'/>", BackupFault::MissingValue("parentName")),
        ("<Membership directoryId='1' parentName='a'/>", BackupFault::MissingValue("childName")),
        (
            "<Membership directoryId='1' parentName='a' childName='b' membershipType='USER_USER'/>",
            BackupFault::BadValue("membershipType"),
        ),
    ] {
        assert_eq!(fault(jira(row)), (2, expected), "{row}");
    }
}

#[test]
fn documents_are_checked() {
    for (file, line, expected) in [
        ("", 1, BackupFault::Empty),
        ("\u{FEFF} \n", 2, BackupFault::Empty),
        ("<?xml version='1.0'?>", 1, BackupFault::Empty),
        ("<html></html>", 1, BackupFault::NoBackup),
        ("PK\u{3}\u{4}", 1, BackupFault::Syntax),
        ("username,email\n", 1, BackupFault::Syntax),
        ("<crowd>", 1, BackupFault::Truncated),
        ("<crowd>\n<users>\n</users>\n", 4, BackupFault::Truncated),
        ("<crowd>\n<users", 2, BackupFault::Truncated),
        ("<crowd>\n<![CDATA[", 2, BackupFault::Truncated),
        ("<crowd></users></crowd>", 1, BackupFault::Syntax),
        ("</crowd>", 1, BackupFault::Syntax),
        ("<crowd/>\n<crowd/>", 2, BackupFault::Syntax),
        ("<crowd/>a", 1, BackupFault::Syntax),
        ("<crowd>&a</crowd>", 1, BackupFault::Syntax),
        ("<crowd>&#0;</crowd>", 1, BackupFault::Syntax),
        ("<?xml version='1.0' encoding='utf-7'?><crowd/>", 1, BackupFault::NotUtf8),
    ] {
        assert_eq!(fault(file), (line, expected.clone()), "{file}");
        let listed = list_directories(file.as_bytes()).unwrap_err();
        assert_eq!(listed, expected.at(line), "{file}");
    }
    assert_eq!(fault(b"<crowd>\n\xFF</crowd>"), (1, BackupFault::NotUtf8));
}

/// T79: deep, wide and long documents.
#[test]
fn bombs_end_at_their_limit_t79() {
    assert_eq!(fault(jira(&"<a>".repeat(100_000))), (2, BackupFault::TooDeep));
    let attributes: String = (0..80_000).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(fault(jira(&format!("<User{attributes}/>"))), (2, BackupFault::TooManyAttributes));
    assert!(read_all(jira(&format!("<x{attributes}/>"))).is_ok());
    let long = "a".repeat(MAX_VALUE_BYTES + 1);
    assert_eq!(fault(jira(&format!("<User userName='{long}'/>"))), (2, BackupFault::ValueTooLong));
    assert_eq!(fault(jira(&format!("<User><name>{long}</name></User>"))), (2, BackupFault::ValueTooLong));
    let parts = "<![CDATA[a]]>&amp;".repeat(MAX_VALUE_BYTES);
    assert_eq!(fault(jira(&format!("<User><name>{parts}</name></User>"))), (2, BackupFault::ValueTooLong));
    let directories: String = (2..2 + MAX_DIRECTORIES)
        .map(|n| format!("<Directory id='{n}' directoryName='{n}' active='1' type='CROWD'/>"))
        .collect();
    assert_eq!(fault(jira(&directories)), (2, BackupFault::TooManyDirectories));
}

#[test]
fn broken_readers_are_told() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let reset = BackupFault::Io(io::ErrorKind::ConnectionReset);
    for (file, line) in [("", 1), ("<crowd>\n<us", 2), ("<crowd>\na", 1)] {
        let error = list_directories(Cursor::new(file).chain(Broken)).unwrap_err();
        assert_eq!(error, reset.clone().at(line), "{file}");
    }
}
