//! Long answers, in pieces of any size.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use throng_core::user::Profile;
use throng_wire::Format::{Json, Xml};
use throng_wire::*;

const LIMITS: Limits = Limits { entry_bytes: 4_096, ..Limits::ANSWER };

fn full(name: &str) -> UserEntity {
    UserEntity {
        name: name.into(),
        link: Some(Link::own(format!("http://h/user?username={name}"))),
        detail: Some(UserDetail {
            profile: Profile { display_name: "A & \"B\" ]]> é".into(), ..Profile::default() },
            password: None,
            key: Some("1:2".into()),
            created: None,
            updated: None,
            active: true,
            attributes: AttributesEntity {
                link: None,
                attributes: vec![AttributeEntity {
                    link: None,
                    name: "a".into(),
                    values: vec!["[{\\\"".into()],
                }],
            },
        }),
    }
}

fn users() -> Vec<UserEntity> {
    vec![full("anna"), UserEntity::short("bob", None), full("zoë")]
}

fn written<T: Entry>(format: Format, entries: &[T]) -> String {
    let mut writer = ListWriter::new(format);
    let begin = writer.begin();
    let middle: String = entries.iter().map(|entry| writer.entry(entry)).collect();
    begin + &middle + &writer.end()
}

/// Feeds a list in two pieces.
fn fed<T: Entry>(format: Format, bytes: &[u8], split: usize) -> Result<Vec<T>, DocumentError> {
    let mut reader = ListReader::new(format, LIMITS);
    let (first, second) = bytes.split_at(split);
    let mut entries = reader.feed(first)?;
    entries.extend(reader.feed(second)?);
    reader.finish().map(|()| entries)
}

fn dump() -> Vec<Membership> {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    vec![
        Membership {
            group: "a & b".into(),
            users: names(&["anna", "\"bob\"", "zoë"]),
            groups: names(&["c"]),
        },
        Membership { group: "empty".into(), users: vec![], groups: vec![] },
        Membership { group: "c".into(), users: vec![], groups: names(&["d\n", "<e>"]) },
    ]
}

fn dumped(memberships: Vec<Membership>) -> String {
    let mut writer = MembershipWriter::new();
    let begin = writer.begin();
    let middle: String = memberships
        .into_iter()
        .map(|membership| writer.part(&MembershipPart { members: membership, part: Part::Last }).unwrap())
        .collect();
    begin + &middle + &writer.end().unwrap()
}

fn fed_dump(bytes: &[u8], size: usize) -> Result<Vec<MembershipPart>, DocumentError> {
    let mut reader = MembershipReader::new(LIMITS);
    let mut parts = Vec::new();
    for piece in bytes.chunks(size.max(1)) {
        parts.extend(reader.feed(piece)?);
    }
    reader.finish().map(|()| parts)
}

/// The parts of each group put together again.
fn joined(parts: Vec<MembershipPart>) -> Vec<Membership> {
    let mut whole: Vec<Membership> = Vec::new();
    let mut goes_on = false;
    for MembershipPart { members, part } in parts {
        match whole.last_mut().filter(|_| goes_on) {
            Some(last) => {
                assert_eq!(last.group, members.group);
                last.users.extend(members.users);
                last.groups.extend(members.groups);
            }
            None => whole.push(members),
        }
        goes_on = part == Part::More;
    }
    assert!(!goes_on);
    whole
}

#[test]
fn a_streamed_list_is_the_whole_one() {
    for format in [Json, Xml] {
        let whole = write(format, &Users { users: users() });
        assert_eq!(written(format, &users()), whole);
        assert_eq!(read_within::<Users>(format, whole.as_bytes(), &LIMITS).unwrap().users, users());
        let none = written::<GroupEntity>(format, &[]);
        assert_eq!(fed::<GroupEntity>(format, none.as_bytes(), 3), Ok(vec![]));
        assert_eq!(read::<Groups>(format, none.as_bytes()), Ok(Groups::default()));
    }
}

#[test]
fn a_whole_document_has_its_own_limit() {
    let users: Vec<_> = (0..100).map(|n| full(&format!("user{n}"))).collect();
    for format in [Json, Xml] {
        let text = written(format, &users);
        assert!(text.len() > LIMITS.entry_bytes);
        assert_eq!(read_within::<Users>(format, text.as_bytes(), &LIMITS).unwrap().users, users);
        let short = Limits { bytes: text.len() - 1, ..LIMITS };
        assert_eq!(read_within::<Users>(format, text.as_bytes(), &short), Err(DocumentError::TooLong));
    }
}

#[test]
fn it_makes_no_difference_where_pieces_end() {
    for format in [Json, Xml] {
        let text = written(format, &users());
        for split in 0..=text.len() {
            assert_eq!(fed(format, text.as_bytes(), split), Ok(users()), "{split}");
        }
    }
    let text = dumped(dump());
    for size in 1..=text.len() {
        assert_eq!(joined(fed_dump(text.as_bytes(), size).unwrap()), dump(), "{size}");
    }
}

#[test]
fn a_cut_answer_is_an_error_at_every_byte() {
    for format in [Json, Xml] {
        let text = written(format, &users());
        for end in 0..text.len() {
            let read = fed::<UserEntity>(format, &text.as_bytes()[..end], end / 2);
            assert_eq!(read, Err(DocumentError::Truncated), "{end}");
        }
    }
    let text = dumped(dump());
    for end in 0..text.len() {
        assert_eq!(fed_dump(&text.as_bytes()[..end], 7), Err(DocumentError::Truncated), "{end}");
    }
}

#[test]
fn members_come_in_parts() {
    let names = |count: usize, letter: &str| (0..count).map(|n| format!("{letter}{n}")).collect::<Vec<_>>();
    for (users, groups, sizes) in [
        (0, 0, vec![0]),
        (1_000, 0, vec![1_000]),
        (1_001, 0, vec![1_000, 1]),
        (999, 1_002, vec![1_000, 1_000, 1]),
    ] {
        let group = Membership { group: "g".into(), users: names(users, "u"), groups: names(groups, "g") };
        let text = dumped(vec![group.clone()]);
        let parts = fed_dump(text.as_bytes(), 1_000).unwrap();
        let found: Vec<_> =
            parts.iter().map(|part| part.members.users.len() + part.members.groups.len()).collect();
        assert_eq!(found, sizes);
        let mut writer = MembershipWriter::new();
        let begin = writer.begin();
        let again: String = parts.iter().map(|part| writer.part(part).unwrap()).collect();
        assert_eq!(begin + &again + &writer.end().unwrap(), text);
        assert_eq!(joined(parts), [group]);
    }
    let long = Membership {
        group: "g".into(),
        users: (0..200).map(|_| "x".repeat(4_000)).collect(),
        groups: vec![],
    };
    let parts = fed_dump(dumped(vec![long.clone()]).as_bytes(), 1_000).unwrap();
    let bytes = |part: &MembershipPart| part.members.users.iter().map(String::len).sum::<usize>();
    assert!(parts.iter().all(|part| bytes(part) <= MembershipReader::MAX_PART_BYTES));
    assert_eq!(joined(parts), [long]);
}

#[test]
fn parts_are_written_in_their_order() {
    let part = |group: &str, users: &[&str], groups: &[&str], part| MembershipPart {
        members: Membership {
            group: group.into(),
            users: users.iter().map(|&name| name.into()).collect(),
            groups: groups.iter().map(|&name| name.into()).collect(),
        },
        part,
    };
    let mut writer = MembershipWriter::new();
    writer.part(&part("a", &[], &["b"], Part::More)).unwrap();
    assert_eq!(writer.part(&part("a", &["c"], &[], Part::Last)), Err(PartOutOfOrder));
    let mut writer = MembershipWriter::new();
    writer.part(&part("a", &[], &[], Part::More)).unwrap();
    assert_eq!(writer.part(&part("b", &[], &[], Part::Last)), Err(PartOutOfOrder));
    let mut writer = MembershipWriter::new();
    writer.part(&part("a", &[], &[], Part::More)).unwrap();
    assert_eq!(writer.end(), Err(PartOutOfOrder));
}

/// A byte order mark is one at the beginning of a document only, and not at that of a piece.
#[test]
fn a_mark_that_begins_a_piece_is_text() {
    let text = "<users><user><name>\u{FEFF}a</name></user></users>";
    for split in 0..=text.len() {
        assert_eq!(
            fed(Xml, text.as_bytes(), split),
            Ok(vec![UserEntity::short("\u{FEFF}a", None)]),
            "{split}"
        );
    }
    for split in 0..=3 {
        assert_eq!(
            fed::<UserEntity>(Xml, "\u{FEFF}<users/>".as_bytes(), split),
            Err(DocumentError::Encoding),
            "{split}"
        );
    }
}

/// Clients depend on both lists being there, and on items that are not self-closing.
#[test]
fn the_dump_has_its_recorded_form() {
    assert_eq!(
        dumped(dump()),
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?><memberships>"#,
            r#"<membership group="a &amp; b"><users><user name="anna"></user><user name="&quot;bob&quot;"></user>"#,
            r#"<user name="zoë"></user></users><groups><group name="c"></group></groups></membership>"#,
            r#"<membership group="empty"><users></users><groups></groups></membership>"#,
            r#"<membership group="c"><users></users><groups><group name="d&#10;"></group>"#,
            r#"<group name="&lt;e&gt;"></group></groups></membership></memberships>"#,
        )
    );
    let other = "<memberships>\n <membership group='g'>\n  <link href='x'/>\n  <groups/>\n  <users>\n   <user name='u'>\
                 <link/></user><!-- c --></users><future><thing/></future>\n </membership>\n</memberships>\n";
    let expected = Membership { group: "g".into(), users: vec!["u".into()], groups: vec![] };
    assert_eq!(joined(fed_dump(other.as_bytes(), 3).unwrap()), [expected]);
    assert_eq!(fed_dump(b"<memberships/>", 2), Ok(vec![]));
}

#[test]
fn a_bad_answer_stays_bad() {
    for (text, fault) in [
        ("<users/>", DocumentError::Root("memberships")),
        ("<memberships><group/>", DocumentError::Invalid("memberships")),
        ("<memberships><membership/>", DocumentError::Missing("group")),
        ("<memberships><membership group='g'><users><group name='a'/>", DocumentError::Invalid("users")),
        ("<memberships><membership group='g'><users><user/>", DocumentError::Missing("name")),
        ("<memberships/><memberships/>", DocumentError::Trailing),
        ("<!DOCTYPE m>", DocumentError::Doctype),
    ] {
        let mut reader = MembershipReader::new(LIMITS);
        assert_eq!(reader.feed(text.as_bytes()), Err(fault), "{text}");
        assert_eq!(reader.feed(b""), Err(fault));
        assert_eq!(reader.finish(), Err(fault));
    }
    let syntax = |position| DocumentError::Syntax { position };
    for (format, text, fault) in [
        (Xml, "<groups>", DocumentError::Root("users")),
        (Xml, "<users>x</users>", syntax(7)),
        (Xml, "<users><user name='a'/><user/>", DocumentError::Missing("name")),
        (Json, "[", syntax(0)),
        (Json, "\u{FEFF}{", DocumentError::Encoding),
        (Json, "{\"users\":[{\"name\":\"a\"},]", syntax(23)),
        (Json, "{\"users\":[{\"name\":\"a\"}{", syntax(22)),
        (Json, "{\"users\":[{\"name\":\"a\",\"name\":\"b\"}", DocumentError::DuplicateKey),
        (Json, "{\"users\":[{}", DocumentError::Missing("name")),
        (Json, "{\"users\":[1,", DocumentError::Invalid("user")),
        (Json, "{\"users\":\"x\"", DocumentError::Invalid("user")),
        (Json, "{\"users\":[],\"users\"", DocumentError::DuplicateKey),
        (Json, "{\"users\":[],\"user\":[", DocumentError::Duplicate("users")),
        (Json, "{\"users\":[]} x", DocumentError::Trailing),
        (Json, "{\"x\":tru,", syntax(8)),
        (Json, "{,", syntax(1)),
    ] {
        let mut reader = ListReader::<UserEntity>::new(format, LIMITS);
        assert_eq!(reader.feed(text.as_bytes()), Err(fault), "{text}");
        assert_eq!(reader.feed(b""), Err(fault));
        assert_eq!(reader.finish(), Err(fault));
    }
    let mut reader = ListReader::<UserEntity>::new(Json, LIMITS);
    reader.feed(b"{\"expand\":\"user\"}").unwrap();
    assert_eq!(reader.finish(), Err(DocumentError::Missing("users")));
}

/// Memory is bounded by the entry, however the answer goes on.
#[test]
fn an_endless_entry_is_given_up() {
    let piece = [b'a'; 1_024];
    for (format, begin) in [
        (Xml, "<users><user name='"),
        (Xml, "<users><user name='a'><email>"),
        (Xml, "<users><!--"),
        (Xml, "<users><user"),
        (Xml, "<users><x><![CDATA["),
        (Json, "{\""),
        (Json, "{\"x\":\""),
        (Json, "{\"users\":[\""),
    ] {
        let mut reader = ListReader::<UserEntity>::new(format, LIMITS);
        reader.feed(begin.as_bytes()).unwrap();
        let faults = (0..6).filter_map(|_| reader.feed(&piece).err());
        assert_eq!(faults.last(), Some(DocumentError::TooLong), "{begin}");
    }
    for piece in ["<email>a</email>", "<!-- -->", "<?a?>", "<a/>a"] {
        let mut reader = ListReader::<UserEntity>::new(Xml, LIMITS);
        reader.feed(b"<users><x>").unwrap();
        let faults = (0..1_000).filter_map(|_| reader.feed(piece.as_bytes()).err());
        assert!(matches!(faults.last(), Some(DocumentError::TooLong)), "{piece}");
    }
    let mut reader = MembershipReader::new(LIMITS);
    reader.feed(b"<memberships><membership group='g'><users>").unwrap();
    let parts = (0..5_000).map(|n| reader.feed(format!("<user name='{n}'/>").as_bytes()).unwrap());
    assert_eq!(parts.flatten().count(), 4);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a&<>\"' \r\n\t\\]\\[{},:é]{1,8}", "[^\0-\u{1F}\u{FFFE}\u{FFFF}]{1,6}"]
}

prop_compose! {
    fn membership()(
        group in name(),
        users in prop::collection::vec(name(), 0..5),
        groups in prop::collection::vec(name(), 0..3),
    ) -> Membership {
        Membership { group, users, groups }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dumps_come_back(memberships in prop::collection::vec(membership(), 0..5), size in 1_usize..64) {
        let text = dumped(memberships.clone());
        prop_assert_eq!(joined(fed_dump(text.as_bytes(), size).unwrap()), memberships);
    }

    /// A list in pieces says what the whole one says, good or bad.
    #[test]
    fn lists_come_back_in_pieces(names in prop::collection::vec(name(), 0..6), split in any::<prop::sample::Index>()) {
        let users: Vec<_> = names.iter().map(|name| full(name)).collect();
        for format in [Json, Xml] {
            let text = written(format, &users);
            let read = fed(format, text.as_bytes(), split.index(text.len()));
            prop_assert_eq!(read.as_ref(), Ok(&users));
        }
    }

    #[test]
    fn any_bytes_are_answered_alike_in_any_pieces(
        text in "(<users>|<user name='a'/>|<user>|</user>|</users>|<!--|-->|<!\\[CDATA\\[|\\]\\]>|<\\?a|\\?>|&amp;|&#6|[<>&;'\"x é\u{FEFF}])*",
        size in 1_usize..9,
    ) {
        let text = format!("<users>{text}</users>");
        let read = |size: usize| {
            let mut reader = ListReader::<UserEntity>::new(Xml, LIMITS);
            let mut entries = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                entries.extend(reader.feed(piece)?);
            }
            reader.finish().map(|()| entries)
        };
        // Which of several faults is met first depends on how much is looked at at once.
        prop_assert_eq!(read(size).ok(), read(text.len()).ok());
    }
}
