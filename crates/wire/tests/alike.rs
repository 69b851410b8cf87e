//! T80: a document means the same in either format, and what is written is read back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use throng_core::time::Timestamp;
use throng_core::user::Profile;
use throng_wire::Format::{Json, Xml};
use throng_wire::*;

/// What both formats can hold: XML has no control characters but tabs and line ends.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a&<>\"' \r\n\t\\]\\\\;#é]{0,8}", "[^\0-\u{8}\u{B}\u{C}\u{E}-\u{1F}\u{FFFE}\u{FFFF}]{0,6}"]
}

fn link() -> impl Strategy<Value = Option<Link>> {
    prop::option::of(prop_oneof![text().prop_map(Link::own), text().prop_map(Link::edit)])
}

fn time() -> impl Strategy<Value = Option<Timestamp>> {
    let millis = 0..253_402_300_799_999_i64;
    prop::option::of(millis.prop_map(|millis| Timestamp::from_micros(millis * 1_000)))
}

fn attributes() -> impl Strategy<Value = AttributesEntity> {
    let named = prop::collection::btree_map(text(), (link(), prop::collection::vec(text(), 0..3)), 0..3);
    (link(), named).prop_map(|(link, named)| AttributesEntity {
        link,
        attributes: named
            .into_iter()
            .map(|(name, (link, values))| AttributeEntity { link, name, values })
            .collect(),
    })
}

prop_compose! {
    fn profile()(display_name in text(), first_name in text(), last_name in text(), email in text()) -> Profile {
        Profile { display_name, first_name, last_name, email }
    }
}

prop_compose! {
    fn user_detail()(
        profile in profile(),
        password in link(),
        key in prop::option::of(text()),
        created in time(),
        updated in time(),
        active: bool,
        attributes in attributes(),
    ) -> UserDetail {
        UserDetail { profile, password, key, created, updated, active, attributes }
    }
}

prop_compose! {
    fn user()(name in text(), link in link(), detail in prop::option::of(user_detail())) -> UserEntity {
        UserEntity { name, link, detail }
    }
}

prop_compose! {
    fn group()(
        name in text(),
        link in link(),
        detail in prop::option::of((text(), any::<bool>(), attributes())),
    ) -> GroupEntity {
        let detail = detail.map(|(description, active, attributes)| GroupDetail { description, active, attributes });
        GroupEntity { name, link, detail }
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    prop::sample::select(vec![Operation::Created, Operation::Updated, Operation::Deleted])
}

fn event() -> impl Strategy<Value = Event> {
    let groups = || prop::collection::vec(group(), 0..3);
    prop_oneof![
        (operation(), user(), attributes(), attributes())
            .prop_map(|(operation, user, stored, deleted)| Event::User { operation, user, stored, deleted }),
        (operation(), group(), attributes(), attributes()).prop_map(|(operation, group, stored, deleted)| {
            Event::Group { operation, group, stored, deleted }
        }),
        (operation(), user(), groups(), any::<Option<bool>>()).prop_map(
            |(operation, user, parents, absolute)| {
                Event::UserMembership { operation, user, parents, absolute }
            }
        ),
        (operation(), group(), groups(), groups()).prop_map(|(operation, group, parents, children)| {
            Event::GroupMembership { operation, group, parents, children }
        }),
    ]
}

fn restriction() -> impl Strategy<Value = Restriction> {
    let modes =
        [MatchMode::Contains, MatchMode::GreaterThanOrEqual, MatchMode::Null, MatchMode::ExactlyMatches];
    let kinds = [PropertyType::String, PropertyType::Boolean, PropertyType::Date];
    let leaf = (text(), prop::sample::select(kinds.to_vec()), prop::sample::select(modes.to_vec()), text());
    let leaf = leaf.prop_map(|(name, kind, mode, value)| {
        Restriction::Property(PropertyRestriction { name, kind, mode, value })
    });
    prop_oneof![4 => leaf, 1 => Just(Restriction::Everything)].prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Restriction::All),
            prop::collection::vec(inner, 0..3).prop_map(Restriction::Any),
        ]
    })
}

fn comes_back<T: Document + PartialEq + std::fmt::Debug>(document: &T) -> Result<(), TestCaseError> {
    for format in [Json, Xml] {
        let text = write(format, document);
        let read = read::<T>(format, text.as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(document), "{}", text);
    }
    Ok(())
}

/// A user as a caller may write one: texts, flags and attributes under any of their names.
#[derive(Debug, Clone)]
struct Said {
    fields: Vec<(&'static str, Value)>,
}

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Attributes(Vec<(String, Vec<String>)>),
    Password(String),
}

fn said() -> impl Strategy<Value = Said> {
    let names = prop::sample::select(vec![
        "name",
        "userName",
        "first-name",
        "firstName",
        "last-name",
        "display-name",
        "displayName",
        "email",
        "active",
        "key",
        "expand",
        "unknown",
        "created-date",
    ]);
    let value = prop_oneof![text(), Just("true".to_owned()), Just("False".to_owned())].prop_map(Value::Text);
    let values = prop::collection::vec((text(), prop::collection::vec(text(), 0..3)), 0..3);
    let field = prop_oneof![
        8 => (names, value),
        1 => values.prop_map(|values| ("attributes", Value::Attributes(values))),
        1 => text().prop_map(|text| ("password", Value::Password(text))),
    ];
    let name = text().prop_map(|name| ("name", Value::Text(name)));
    (prop::option::weighted(0.9, name), prop::collection::btree_map(0..9, field, 0..7)).prop_map(
        |(name, fields)| {
            let mut fields: Vec<_> = name.into_iter().chain(fields.into_values()).collect();
            // Both formats refuse a field that stands twice, but not by the same rule.
            let mut seen = std::collections::BTreeSet::new();
            fields.retain(|(name, _)| seen.insert(*name));
            Said { fields }
        },
    )
}

impl Said {
    fn json(&self) -> String {
        let text = |text: &str| serde_json::to_string(text).unwrap();
        let fields = self.fields.iter().map(|(name, value)| match value {
            Value::Text(value) => format!("\"{name}\":{}", text(value)),
            Value::Password(value) => format!("\"{name}\":{{\"value\":{}}}", text(value)),
            Value::Attributes(list) => {
                let items = list.iter().map(|(name, values)| {
                    let values: Vec<_> = values.iter().map(|value| text(value)).collect();
                    format!("{{\"name\":{},\"values\":[{}]}}", text(name), values.join(","))
                });
                format!("\"{name}\":{{\"attributes\":[{}]}}", items.collect::<Vec<_>>().join(","))
            }
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }

    fn xml(&self) -> String {
        let text = |text: &str| quick_xml::escape::escape(text).replace('\r', "&#13;");
        let fields = self.fields.iter().map(|(name, value)| match value {
            Value::Text(value) => format!("<{name}>{}</{name}>", text(value)),
            Value::Password(value) => format!("<{name}><value>{}</value></{name}>", text(value)),
            Value::Attributes(list) => {
                let items = list.iter().map(|(name, values)| {
                    let values: String =
                        values.iter().map(|value| format!("<value>{}</value>", text(value))).collect();
                    format!("<attribute><name>{}</name><values>{values}</values></attribute>", text(name))
                });
                format!("<{name}>{}</{name}>", items.collect::<String>())
            }
        });
        format!("<user>{}</user>", fields.collect::<String>())
    }
}

/// What was read, as far as it can be compared.
fn shown(read: Result<NewUser, DocumentError>) -> Result<String, DocumentError> {
    read.map(|user| {
        let password = user.password.as_ref().map(|password| match &password.value {
            Ok(secret) => secret.expose().to_owned(),
            Err(fault) => fault.to_string(),
        });
        format!("{:?} {password:?}", NewUser { password: None, ..user })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn users_come_back(user in user()) {
        comes_back(&user)?;
        comes_back(&Users { users: vec![user.clone(), user] })?;
    }

    #[test]
    fn groups_come_back(group in group()) {
        comes_back(&group)?;
        comes_back(&Groups { groups: vec![group] })?;
    }

    #[test]
    fn events_come_back(events in prop::collection::vec(event(), 0..4), token in "[a-z0-9:]{1,9}", incremental: bool) {
        comes_back(&Events { new_token: Some(token), incremental, events })?;
    }

    #[test]
    fn restrictions_come_back(restriction in restriction()) {
        comes_back(&restriction)?;
    }

    #[test]
    fn small_documents_come_back(a in text(), b in text(), secure: bool) {
        comes_back(&NewName { name: a.clone() })?;
        comes_back(&ErrorEntity { reason: Reason::InvalidUser, message: a.clone() })?;
        comes_back(&CookieConfig { domain: Some(format!(".{b}")), secure, name: a.clone() })?;
        comes_back(&ValidationFactors { factors: vec![ValidationFactor { name: a, value: b }] })?;
    }

    /// The same request means the same in either format, also when it is refused.
    #[test]
    fn requests_mean_the_same_t80(said in said()) {
        let (xml, json) = (said.xml(), said.json());
        prop_assert_eq!(shown(read(Xml, xml.as_bytes())), shown(read(Json, json.as_bytes())));
        let updates = (read::<UserUpdate>(Xml, xml.as_bytes()), read::<UserUpdate>(Json, json.as_bytes()));
        prop_assert_eq!(updates.0, updates.1);
        let users = (read::<UserEntity>(Xml, xml.as_bytes()), read::<UserEntity>(Json, json.as_bytes()));
        prop_assert_eq!(users.0, users.1);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[<>/&;'\"=!\\[\\]{}:,a?-]{0,40}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            for format in [Json, Xml] {
                let _ = read::<UserEntity>(format, bytes);
                let _ = read::<Restriction>(format, bytes);
                let _ = read::<Events>(format, bytes);
            }
        }
    }
}
