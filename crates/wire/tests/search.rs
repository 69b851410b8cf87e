//! Searches: what the language means, what is refused, and what a remote server is asked.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use throng_core::filter::{Filter, Node, Property, Term, Test};
use throng_core::name::Key;
use throng_wire::cql::{MAX_BYTES, parse};
use throng_wire::{EntityKind, MatchMode, PropertyRestriction, PropertyType, QueryError, Restriction};

fn users(text: &str) -> Result<Filter, QueryError> {
    parse(text, EntityKind::User)
}

fn term(property: Property, test: Test) -> Filter {
    Filter::term(property, test)
}

fn equals(property: Property, text: &str) -> Filter {
    term(property, Test::Equals(Key::of(text)))
}

fn name(text: &str) -> Filter {
    equals(Property::Name, text)
}

fn all(parts: Vec<Filter>) -> Filter {
    Filter::all(parts).unwrap()
}

fn any(parts: Vec<Filter>) -> Filter {
    Filter::any(parts).unwrap()
}

#[test]
fn the_language_is_read() {
    let active = || term(Property::Active, Test::Is(true));
    let starts = |text: &str| term(Property::Name, Test::StartsWith(Key::of(text)));
    for (text, expected) in [
        ("", Filter::everything()),
        (" \t\n", Filter::everything()),
        ("email=a@b.example", equals(Property::Email, "a@b.example")),
        ("name = \"x y\"", name("x y")),
        ("'name'='x'", name("x")),
        (
            "name = \"adm*\" and active = false",
            all(vec![starts("adm"), term(Property::Active, Test::Is(false))]),
        ),
        ("active=TRUE", active()),
        ("firstName=Foo", equals(Property::FirstName, "foo")),
        (
            "lastName=a OR displayName=b",
            any(vec![equals(Property::LastName, "a"), equals(Property::DisplayName, "b")]),
        ),
        (
            "name=a or name=b and name=c or name=d",
            any(vec![name("a"), all(vec![name("b"), name("c")]), name("d")]),
        ),
        ("(name=a or name=b)and(name=c)", all(vec![any(vec![name("a"), name("b")]), name("c")])),
        ("((((name=a))))", name("a")),
        ("shoe=44", equals(Property::Attribute("shoe".into()), "44")),
        ("and=1", equals(Property::Attribute("and".into()), "1")),
        ("name=or", name("or")),
        ("name=\"\"", term(Property::Name, Test::Missing)),
    ] {
        assert_eq!(users(text), Ok(expected), "{text}");
    }
    let groups = |text| parse(text, EntityKind::Group);
    assert_eq!(groups("description=x"), Ok(equals(Property::Description, "x")));
    assert_eq!(groups("email=x"), Ok(equals(Property::Attribute("email".into()), "x")));
    assert_eq!(EntityKind::of("GROUP"), Some(EntityKind::Group));
    assert_eq!(EntityKind::of("role"), None);
}

/// T81: only a star at an end is a wild card.
#[test]
fn stars_at_the_ends_are_wild_and_all_else_is_literal_t81() {
    let test = |test: Test| term(Property::Name, test);
    for (text, expected) in [
        ("name=a*", test(Test::StartsWith(Key::of("a")))),
        ("name=*a", test(Test::EndsWith(Key::of("a")))),
        ("name=*a*", test(Test::Contains(Key::of("a")))),
        ("name=\"*a b*\"", test(Test::Contains(Key::of("a b")))),
        ("name=*", test(Test::Contains(Key::of("")))),
        ("name=**", test(Test::Contains(Key::of("")))),
        ("name=a*b", name("a*b")),
        ("name=\"a\\*\"", name("a*")),
        ("name=\"\\*\"", name("*")),
        ("name=%", name("%")),
        ("name=_*", test(Test::StartsWith(Key::of("_")))),
        ("name=\"a\\\"b\\\\\"", name("a\"b\\")),
        ("name='a\"b'", name("a\"b")),
    ] {
        assert_eq!(users(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_malformed_is_told_with_its_place_r23_r26() {
    for (text, position) in [
        ("name = ", 7),
        ("name", 4),
        ("name =", 6),
        ("= a", 0),
        ("name = a name = b", 9),
        ("name = a and", 12),
        ("name = a or or name = b", 15),
        ("(name = a", 9),
        ("name = a)", 8),
        ("()", 1),
        ("name = \"a", 9),
        ("name = \"a\\", 10),
        ("name == a", 6),
        ("name <> a", 6),
        ("name!=a", 5),
        ("name! = a", 6),
        ("name < a", 5),
        ("active = maybe", 9),
        ("active = t*", 9),
        ("\"\" = a", 0),
        ("n* = a", 0),
        ("name = a\\b", 8),
        ("name = a\"b\"", 8),
        ("name = \"a\" or \"1\"=\"1\"x", 21),
        ("name = a andname = b", 9),
    ] {
        assert_eq!(users(text), Err(QueryError::Syntax { position }), "{text}");
    }
    assert_eq!(users("name = \"a\\\" or \"1\"=\"1\""), Err(QueryError::Syntax { position: 16 }));
}

#[test]
fn dates_are_told_to_be_unsupported() {
    for text in ["createdDate > 2010-12", "name=a or createdDate = \"2010-12-01\"", "createdDate < x"] {
        assert_eq!(users(text), Err(QueryError::Unsupported("createdDate")), "{text}");
    }
    assert_eq!(users("updatedDate < 2010"), Err(QueryError::Unsupported("updatedDate")));
}

#[test]
fn bombs_end_at_their_limit_r24_r25_t81() {
    for text in [
        "(".repeat(100_000),
        "(".repeat(MAX_BYTES),
        format!("{}name=a{}", "(".repeat(32), ")".repeat(32)),
        "name=a or ".repeat(10_000) + "name=a",
        vec!["a=b"; 257].join(" or "),
        format!("name={}", "a".repeat(MAX_BYTES)),
        "(a=b or a=b and ".repeat(31) + "a=b" + &")".repeat(31),
    ] {
        assert_eq!(users(&text), Err(QueryError::TooComplex), "{}", text.len());
    }
    assert!(users(&vec!["a=b"; 256].join(" or ")).is_ok());
    assert_eq!(users(&format!("{}name=a{}", "(".repeat(31), ")".repeat(31))), Ok(name("a")));
}

#[test]
fn bodies_become_filters() {
    let property = |name: &str, mode, value: &str| {
        Restriction::Property(PropertyRestriction {
            name: name.into(),
            kind: PropertyType::String,
            mode,
            value: value.into(),
        })
    };
    let filter = |restriction: &Restriction| restriction.to_filter(EntityKind::User);
    let email = |test: Test| Ok(term(Property::Email, test));
    assert_eq!(filter(&Restriction::Everything), Ok(Filter::everything()));
    for (mode, expected) in [
        (MatchMode::Contains, email(Test::Contains(Key::of("a*%")))),
        (MatchMode::StartsWith, email(Test::StartsWith(Key::of("a*%")))),
        (MatchMode::EndsWith, email(Test::EndsWith(Key::of("a*%")))),
        (MatchMode::ExactlyMatches, email(Test::Equals(Key::of("a*%")))),
        (MatchMode::Null, email(Test::Missing)),
        (MatchMode::LessThan, Err(QueryError::Syntax { position: 0 })),
    ] {
        assert_eq!(filter(&property("email", mode, "A*%")), expected, "{mode:?}");
    }
    let parts = vec![property("active", MatchMode::ExactlyMatches, "true"), Restriction::Any(vec![])];
    let expected = all(vec![term(Property::Active, Test::Is(true)), any(vec![])]);
    assert_eq!(filter(&Restriction::All(parts)), Ok(expected));
    let odd = vec![
        Restriction::Everything,
        property("a", MatchMode::Null, ""),
        property("active", MatchMode::Null, ""),
    ];
    assert_eq!(filter(&Restriction::All(odd)), Err(QueryError::Syntax { position: 1 }));
    assert_eq!(
        filter(&property("createdDate", MatchMode::GreaterThan, "2010")),
        Err(QueryError::Unsupported("createdDate"))
    );
    let wide = vec![property("email", MatchMode::Contains, "a"); 257];
    assert_eq!(filter(&Restriction::Any(wide)), Err(QueryError::TooComplex));
    let mut deep = Restriction::Everything;
    for _ in 0..40 {
        deep = Restriction::All(vec![deep]);
    }
    assert_eq!(filter(&deep), Err(QueryError::TooComplex));
}

#[test]
fn a_remote_is_asked_for_what_it_can_tell() {
    let narrow = |filter: &Filter| Restriction::narrowing(filter, EntityKind::User);
    let property = |name: &str, mode, value: &str| {
        Restriction::Property(PropertyRestriction {
            name: name.into(),
            kind: PropertyType::String,
            mode,
            value: value.into(),
        })
    };
    let contains = |text: &str| property("name", MatchMode::Contains, text);
    for (text, expected) in [
        ("", Restriction::Everything),
        ("name=Anna", property("name", MatchMode::ExactlyMatches, "anna")),
        ("email=a@b*", property("email", MatchMode::StartsWith, "a@b")),
        ("name=*x", contains("x")),
        ("name=mas*", property("name", MatchMode::StartsWith, "ma")),
        ("name=mas", property("name", MatchMode::ExactlyMatches, "mas")),
        ("name=*sa", contains("a")),
        ("name=*", Restriction::Everything),
        ("name=Strauß", property("name", MatchMode::StartsWith, "strau")),
        ("name=strauss*", property("name", MatchMode::StartsWith, "strau")),
        ("name=asssb", property("name", MatchMode::StartsWith, "a")),
        ("name=müller", contains("ller")),
        ("name=ß", Restriction::Everything),
        ("name=\"\"", Restriction::Everything),
        ("shoe=44", property("shoe", MatchMode::ExactlyMatches, "44")),
        ("name=a and name=\"\"", property("name", MatchMode::ExactlyMatches, "a")),
        ("name=a or name=\"\"", Restriction::Everything),
        (
            "name=a or name=b",
            Restriction::Any(vec![
                property("name", MatchMode::ExactlyMatches, "a"),
                property("name", MatchMode::ExactlyMatches, "b"),
            ]),
        ),
    ] {
        assert_eq!(narrow(&users(text).unwrap()), expected, "{text}");
    }
    let active = users("active=false").unwrap();
    let Restriction::Property(asked) = narrow(&active) else { panic!("nothing is asked") };
    assert_eq!((asked.kind, asked.mode), (PropertyType::Boolean, MatchMode::ExactlyMatches));
    assert_eq!(asked.value, "false");
    assert_eq!(Restriction::narrowing(&active, EntityKind::Group), Restriction::Everything);
    assert_eq!(narrow(&Filter::negate(name("a")).unwrap()), Restriction::Everything);
    assert_eq!(narrow(&any(vec![])), Restriction::Everything);
    let namesake = equals(Property::Attribute("email".into()), "a");
    assert_eq!(narrow(&namesake), Restriction::Everything);
}

/// Texts of what matters to the language, and any others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a*=<>()\"'\\\\ ]{0,20}",
        "((name|active|and|or|=|\\(|\\)|\"a b\"|true|\\*) ?){0,12}",
        "\\PC{0,30}"
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z ßéİ]{0,5}", "[as]{1,4}", "[asß]{1,4}"]
}

fn restriction() -> impl Strategy<Value = Restriction> {
    let leaf = (
        prop::sample::select(vec!["name", "email", "firstName", "shoe"]),
        prop::sample::select(vec![MatchMode::Contains, MatchMode::StartsWith, MatchMode::ExactlyMatches]),
        value(),
    );
    let leaf = leaf.prop_map(|(name, mode, value)| {
        Restriction::Property(PropertyRestriction {
            name: name.into(),
            kind: PropertyType::String,
            mode,
            value,
        })
    });
    prop_oneof![4 => leaf, 1 => Just(Restriction::Everything)].prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Restriction::All),
            prop::collection::vec(inner, 0..3).prop_map(Restriction::Any),
        ]
    })
}

/// Whether a server that compares by its own lower case passes a user of these words.
fn server_passes(restriction: &Restriction, words: &[(&str, String)]) -> bool {
    match restriction {
        Restriction::Everything => true,
        Restriction::All(parts) => parts.iter().all(|part| server_passes(part, words)),
        Restriction::Any(parts) => parts.iter().any(|part| server_passes(part, words)),
        Restriction::Property(property) => {
            let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
            let wanted = lower(&property.value);
            let mut own =
                words.iter().filter(|(name, _)| *name == property.name).map(|(_, word)| lower(word));
            own.any(|word| match property.mode {
                MatchMode::Contains => word.contains(&wanted),
                MatchMode::StartsWith => word.starts_with(&wanted),
                MatchMode::ExactlyMatches => word == wanted,
                _ => false,
            })
        }
    }
}

/// Whether a filter passes the same user.
fn filter_passes(node: &Node, words: &[(&str, String)]) -> bool {
    match node {
        Node::Everything => true,
        Node::All(parts) => parts.iter().all(|part| filter_passes(part, words)),
        Node::Any(parts) => parts.iter().any(|part| filter_passes(part, words)),
        Node::Not(part) => !filter_passes(part, words),
        Node::Term(Term { property, test }) => {
            let name = match property {
                Property::Name => "name",
                Property::Email => "email",
                Property::FirstName => "firstName",
                Property::Attribute(name) => name,
                _ => return false,
            };
            let word = words.iter().find(|(own, _)| *own == name).map(|(_, word)| Key::of(word));
            word.is_some_and(|word| match test {
                Test::Equals(key) => word == *key,
                Test::StartsWith(key) => word.as_str().starts_with(key.as_str()),
                Test::EndsWith(key) => word.as_str().ends_with(key.as_str()),
                Test::Contains(key) => word.as_str().contains(key.as_str()),
                Test::Missing => word.as_str().is_empty(),
                Test::Is(_) => false,
            })
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_has_an_answer(text in text()) {
        match users(&text) {
            Err(QueryError::Syntax { position }) => prop_assert!(position <= text.len()),
            Ok(_) | Err(QueryError::TooComplex | QueryError::Unsupported(_)) => {}
        }
    }

    /// Whatever passes the filter is in the answer of a server that was asked the narrowing.
    #[test]
    fn a_narrowing_loses_nobody(
        restriction in restriction(),
        name in value(),
        email in value(),
        first in value(),
        shoe in value(),
    ) {
        let words = [("name", name), ("email", email), ("firstName", first), ("shoe", shoe)];
        let filter = restriction.to_filter(EntityKind::User).unwrap();
        let asked = Restriction::narrowing(&filter, EntityKind::User);
        if filter_passes(filter.node(), &words) {
            prop_assert!(server_passes(&asked, &words), "{asked:?}");
        }
    }
}
