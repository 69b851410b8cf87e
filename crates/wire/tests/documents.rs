//! Every document as it is recorded, written and read in both formats.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use throng_core::secret::{Secret, SecretError};
use throng_core::time::Timestamp;
use throng_core::user::Profile;
use throng_wire::Format::{Json, Xml};
use throng_wire::*;

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Both texts are written for the document, and each is read as it.
fn golden<T: Document + PartialEq + std::fmt::Debug>(document: &T, xml: &str, json: &str) {
    assert_eq!(write(Xml, document), format!("{DECLARATION}{xml}"));
    assert_eq!(write(Json, document), json);
    assert_eq!(read::<T>(Xml, xml.as_bytes()).as_ref(), Ok(document));
    assert_eq!(read::<T>(Json, json.as_bytes()).as_ref(), Ok(document));
}

/// Both texts are read.
fn reads<T: Document>(xml: &str, json: &str) -> (T, T) {
    (read(Xml, xml.as_bytes()).unwrap(), read(Json, json.as_bytes()).unwrap())
}

fn time(millis: i64) -> Option<Timestamp> {
    Some(Timestamp::from_micros(millis * 1_000))
}

fn user(attributes: AttributesEntity) -> UserEntity {
    UserEntity {
        name: "anna".into(),
        link: Some(Link::own("http://h/user?username=anna&x=1")),
        detail: Some(UserDetail {
            profile: Profile {
                display_name: "Anna \"A\" Berg".into(),
                first_name: "Anna".into(),
                last_name: "<Berg>".into(),
                email: "anna@example.org".into(),
            },
            password: Some(Link::edit("http://h/user/password?username=anna")),
            key: Some("1:af7c631c".into()),
            created: time(1_362_965_082_672),
            updated: None,
            active: true,
            attributes,
        }),
    }
}

fn attributes() -> AttributesEntity {
    AttributesEntity {
        link: Some(Link::own("http://h/user/attribute?username=anna")),
        attributes: vec![
            AttributeEntity {
                link: Some(Link::own("http://h/a")),
                name: "phone".into(),
                values: vec!["1".into(), "".into()],
            },
            AttributeEntity { link: None, name: "none".into(), values: vec![] },
        ],
    }
}

#[test]
fn a_user_in_full() {
    golden(
        &user(AttributesEntity { attributes: vec![], ..attributes() }),
        concat!(
            r#"<user expand="attributes" name="anna"><link rel="self" href="http://h/user?username=anna&amp;x=1"/>"#,
            r#"<first-name>Anna</first-name><last-name>&lt;Berg&gt;</last-name>"#,
            r#"<display-name>Anna "A" Berg</display-name><email>anna@example.org</email>"#,
            r#"<password><link rel="edit" href="http://h/user/password?username=anna"/></password>"#,
            r#"<key>1:af7c631c</key><created-date>2013-03-11T01:24:42.672+00:00</created-date><active>true</active>"#,
            r#"<attributes><link rel="self" href="http://h/user/attribute?username=anna"/></attributes></user>"#,
        ),
        concat!(
            r#"{"expand":"attributes","name":"anna","link":{"rel":"self","href":"http://h/user?username=anna&x=1"},"#,
            r#""first-name":"Anna","last-name":"<Berg>","display-name":"Anna \"A\" Berg","email":"anna@example.org","#,
            r#""password":{"link":{"rel":"edit","href":"http://h/user/password?username=anna"}},"#,
            r#""key":"1:af7c631c","created-date":1362965082672,"active":true,"#,
            r#""attributes":{"link":{"rel":"self","href":"http://h/user/attribute?username=anna"},"attributes":[]}}"#,
        ),
    );
    let full = user(attributes());
    assert_eq!(read(Xml, write(Xml, &full).as_bytes()), Ok(full.clone()));
    assert_eq!(read(Json, write(Json, &full).as_bytes()), Ok(full));
}

#[test]
fn attributes_with_and_without_links() {
    golden(
        &attributes(),
        concat!(
            r#"<attributes><link rel="self" href="http://h/user/attribute?username=anna"/>"#,
            r#"<attribute name="phone"><link rel="self" href="http://h/a"/>"#,
            r#"<values><value>1</value><value></value></values></attribute>"#,
            r#"<attribute name="none"><values/></attribute></attributes>"#,
        ),
        concat!(
            r#"{"link":{"rel":"self","href":"http://h/user/attribute?username=anna"},"attributes":["#,
            r#"{"name":"phone","link":{"rel":"self","href":"http://h/a"},"values":["1",""]},"#,
            r#"{"name":"none","values":[]}]}"#,
        ),
    );
    let (xml, json) = reads::<AttributesEntity>(
        "<attributes><attribute name='a'><values><value>v</value></values></attribute></attributes>",
        r#"{"attribute":[{"name":"a","values":["v"]}]}"#,
    );
    assert_eq!(xml, json);
    assert_eq!(xml.to_attributes().unwrap().values("a"), ["v"]);
    let twice = r#"{"attributes":[{"name":"a","values":["v"]},{"name":"a","values":[]}]}"#;
    assert_eq!(read::<AttributesEntity>(Json, twice.as_bytes()), Err(DocumentError::Duplicate("attribute")));
}

#[test]
fn groups() {
    golden(
        &GroupEntity {
            name: "staff".into(),
            link: Some(Link::own("http://h/g")),
            detail: Some(GroupDetail {
                description: String::new(),
                active: false,
                attributes: AttributesEntity::default(),
            }),
        },
        concat!(
            r#"<group expand="attributes" name="staff"><link rel="self" href="http://h/g"/><description></description>"#,
            r#"<type>GROUP</type><active>false</active><attributes/></group>"#,
        ),
        concat!(
            r#"{"expand":"attributes","name":"staff","link":{"rel":"self","href":"http://h/g"},"description":"","#,
            r#""type":"GROUP","active":false,"attributes":{"attributes":[]}}"#,
        ),
    );
    golden(
        &GroupBody { name: "staff".into(), description: Some("All".into()), active: Some(true) },
        "<group name=\"staff\"><description>All</description><type>GROUP</type><active>true</active></group>",
        r#"{"name":"staff","description":"All","type":"GROUP","active":true}"#,
    );
    golden(&GroupReference { name: "a".into() }, "<group name=\"a\"/>", r#"{"name":"a"}"#);
    let role = r#"{"name":"a","type":"LEGACY_ROLE"}"#;
    assert_eq!(read::<GroupBody>(Json, role.as_bytes()), Err(DocumentError::Invalid("type")));
}

#[test]
fn lists_hold_short_and_full_items_and_are_never_self_closing() {
    let short = UserEntity::short("bob", Some(Link::own("http://h/b")));
    golden(
        &Users { users: vec![short, UserEntity::short("c", None)] },
        concat!(
            r#"<users expand="user"><user name="bob"><link rel="self" href="http://h/b"/></user>"#,
            r#"<user name="c"></user></users>"#,
        ),
        r#"{"expand":"user","users":[{"name":"bob","link":{"rel":"self","href":"http://h/b"}},{"name":"c"}]}"#,
    );
    golden(&Users::default(), r#"<users expand="user"/>"#, r#"{"expand":"user","users":[]}"#);
    golden(
        &Groups { groups: vec![GroupEntity::short("g", None)] },
        r#"<groups expand="group"><group name="g"></group></groups>"#,
        r#"{"expand":"group","groups":[{"name":"g"}]}"#,
    );
    let (xml, json) =
        reads::<Groups>("<groups><group name='g'/></groups>", r#"{"group":[{"groupName":"g"}]}"#);
    assert_eq!(xml, json);
    assert_eq!(read::<Users>(Json, b"{}"), Err(DocumentError::Missing("users")));
}

#[test]
fn a_user_who_may_not_be_known_to_be_active_is_no_user() {
    for (format, text) in [
        (Xml, "<user name='a'><email>a@b</email></user>"),
        (Json, r#"{"name":"a","display-name":"A"}"#),
        (Json, r#"{"name":"a","active":null,"display-name":"A"}"#),
    ] {
        assert_eq!(read::<UserEntity>(format, text.as_bytes()), Err(DocumentError::Missing("active")));
    }
    let group = r#"{"name":"a","description":"A"}"#;
    assert_eq!(read::<GroupEntity>(Json, group.as_bytes()), Err(DocumentError::Missing("active")));
}

#[test]
fn passwords_come_in_and_never_show() {
    let (xml, json) =
        reads::<PasswordBody>("<password><value><![CDATA[a&]]>b</value></password>", r#"{"value":"a&b"}"#);
    assert_eq!(xml.value.as_ref().unwrap().expose(), "a&b");
    assert_eq!(json.value.as_ref().unwrap().expose(), "a&b");
    assert_eq!(write(Json, &xml), r#"{"value":"a&b"}"#);
    assert_eq!(write(Xml, &xml), format!("{DECLARATION}<password><value>a&amp;b</value></password>"));
    assert!(!format!("{xml:?}").contains("a&b"));
    let other: PasswordBody = read(Xml, b"<credential><value>x</value></credential>").unwrap();
    assert_eq!(other.value.unwrap().expose(), "x");
    let empty: PasswordBody = read(Json, br#"{"value":""}"#).unwrap();
    assert_eq!(empty.value.unwrap_err(), SecretError::Empty);
    let long: PasswordBody = read(Json, format!(r#"{{"value":"{}"}}"#, "x".repeat(513)).as_bytes()).unwrap();
    assert_eq!(long.value.unwrap_err(), SecretError::TooLong);
    assert_eq!(read::<PasswordBody>(Json, b"{}").unwrap_err(), DocumentError::Missing("value"));
}

/// T82: whatever a GET answered may be sent back, and what must not matter is not there.
#[test]
fn a_whole_entity_may_be_sent_back() {
    let whole = user(attributes());
    for format in [Json, Xml] {
        let text = write(format, &whole);
        let update: UserUpdate = read(format, text.as_bytes()).unwrap();
        let detail = whole.detail.clone().unwrap();
        let said = UserUpdate {
            name: "anna".into(),
            profile: ProfileChange::whole(&detail.profile),
            active: Some(true),
        };
        assert_eq!(update, said);
        assert_eq!(read::<UserReference>(format, text.as_bytes()).unwrap().name, "anna");
        let new: NewUser = read(format, text.as_bytes()).unwrap();
        assert!(new.password.is_none());
        assert_eq!(new.attributes, detail.attributes);
    }
    golden(
        &UserUpdate { name: "a".into(), profile: ProfileChange::default(), active: None },
        r#"<user name="a"/>"#,
        r#"{"name":"a"}"#,
    );
}

#[test]
fn a_new_user() {
    let (xml, json) = reads::<NewUser>(
        "<user><name>anna</name><display-name>A</display-name><password><value>pw</value></password>\
         <active> TRUE </active><attributes><attribute name='a'><values><value>1</value></values></attribute>\
         </attributes></user>",
        r#"{"userName":"anna","displayName":"A","password":{"value":"pw"},"active":"true","key":"k","id":7,
            "attributes":[{"name":"a","values":["1"]}]}"#,
    );
    for new in [xml, json] {
        assert_eq!((new.name.as_str(), new.active), ("anna", Some(true)));
        assert_eq!(new.profile, ProfileChange { display_name: Some("A".into()), ..Default::default() });
        assert_eq!(new.password.as_ref().unwrap().value.as_ref().unwrap().expose(), "pw");
        assert_eq!(new.attributes.attributes[0].values, ["1"]);
        assert_eq!(
            write(Xml, &new),
            format!(
                "{DECLARATION}<user name=\"anna\"><display-name>A</display-name><password><value>pw</value>\
                 </password><active>true</active><attributes><attribute name=\"a\"><values><value>1</value>\
                 </values></attribute></attributes></user>"
            )
        );
    }
}

#[test]
fn a_new_name() {
    golden(&NewName { name: "b".into() }, "<rename><new-name>b</new-name></rename>", r#"{"new-name":"b"}"#);
    let other: NewName = read(Xml, b"<user><new-name>b</new-name></user>").unwrap();
    assert_eq!(other.name, "b");
}

#[test]
fn what_opens_a_session() {
    let (xml, json) = reads::<AuthenticationContext>(
        "<authentication-context><username>anna</username><password>pw</password><validation-factors>\
         <validation-factor><name>remote_address</name><value>::1</value></validation-factor>\
         </validation-factors></authentication-context>",
        r#"{"username":"anna","password":"pw","validation-factors":{"validationFactors":
            {"name":"remote_address","value":"::1"}}}"#,
    );
    let factors = ValidationFactors {
        factors: vec![ValidationFactor { name: "remote_address".into(), value: "::1".into() }],
    };
    for context in [xml, json] {
        assert_eq!(context.username, "anna");
        assert_eq!(context.password.as_ref().unwrap().value.as_ref().unwrap().expose(), "pw");
        assert_eq!(context.factors, factors);
        assert!(!format!("{context:?}").contains("pw"));
        assert_eq!(
            write(Json, &context),
            concat!(
                r#"{"username":"anna","password":"pw","validation-factors":{"validationFactors":["#,
                r#"{"name":"remote_address","value":"::1"}]}}"#
            )
        );
    }
    golden(
        &factors,
        concat!(
            "<validation-factors><validation-factor><name>remote_address</name><value>::1</value>",
            "</validation-factor></validation-factors>"
        ),
        r#"{"validationFactors":[{"name":"remote_address","value":"::1"}]}"#,
    );
    for (format, text) in [
        (Json, "{}"),
        (Json, r#"{"validationFactors":[]}"#),
        (Json, r#"{"validationFactors":null}"#),
        (Xml, "<validation-factors/>"),
    ] {
        assert_eq!(read::<ValidationFactors>(format, text.as_bytes()), Ok(ValidationFactors::default()));
    }
    let bare: AuthenticationContext = read(Json, br#"{"username":"anna"}"#).unwrap();
    assert!(bare.password.is_none() && bare.factors.factors.is_empty());
    let newer = br#"{"username":"a","validation-factors":{"validation-factor":[{"name":"n","value":"v"}]}}"#;
    assert_eq!(read::<AuthenticationContext>(Json, newer).unwrap().factors.factors.len(), 1);
    let many = format!("[{}]", vec![r#"{"name":"n","value":"v"}"#; 65].join(","));
    assert_eq!(
        read::<ValidationFactors>(Json, format!(r#"{{"validationFactors":{many}}}"#).as_bytes()),
        Err(DocumentError::Invalid("validation-factors"))
    );
}

#[test]
fn a_session_begins_with_its_token_and_its_user() {
    let session = SessionEntity {
        token: Secret::new("tokentokentoken").unwrap(),
        user: UserEntity::short("anna", Some(Link::own("http://h/u"))),
        link: Some(Secret::new("http://h/session/tokentokentoken").unwrap()),
        created: time(0),
        expiry: time(1_800_000),
    };
    let xml = concat!(
        r#"<session expand="user"><token>tokentokentoken</token>"#,
        r#"<user name="anna"><link rel="self" href="http://h/u"/></user>"#,
        r#"<link rel="self" href="http://h/session/tokentokentoken"/>"#,
        "<created-date>1970-01-01T00:00:00.000+00:00</created-date>",
        "<expiry-date>1970-01-01T00:30:00.000+00:00</expiry-date></session>",
    );
    let json = concat!(
        r#"{"expand":"user","token":"tokentokentoken","#,
        r#""user":{"name":"anna","link":{"rel":"self","href":"http://h/u"}},"#,
        r#""link":{"rel":"self","href":"http://h/session/tokentokentoken"},"#,
        r#""created-date":0,"expiry-date":1800000}"#,
    );
    assert_eq!(write(Xml, &session), format!("{DECLARATION}{xml}"));
    assert_eq!(write(Json, &session), json);
    assert!(!format!("{session:?}").contains("tokentoken"));
    let (from_xml, from_json) = reads::<SessionEntity>(xml, json);
    for read in [from_xml, from_json] {
        assert_eq!(write(Json, &read), json);
    }
}

#[test]
fn the_cookie_keeps_its_order() {
    golden(
        &CookieConfig { domain: Some(".example.com".into()), secure: false, name: "crowd.token_key".into() },
        "<cookie-config><domain>.example.com</domain><secure>false</secure><name>crowd.token_key</name></cookie-config>",
        r#"{"domain":".example.com","secure":false,"name":"crowd.token_key"}"#,
    );
    let empty: CookieConfig = read(Json, br#"{"domain":"","secure":true,"name":"c"}"#).unwrap();
    assert_eq!(empty, CookieConfig { domain: None, secure: true, name: "c".into() });
    assert_eq!(read::<CookieConfig>(Json, br#"{"name":"c"}"#), Err(DocumentError::Missing("secure")));
}

#[test]
fn errors() {
    golden(
        &ErrorEntity::new(Reason::UserNotFound, "User <x> does not exist"),
        "<error><reason>USER_NOT_FOUND</reason><message>User &lt;x&gt; does not exist</message></error>",
        r#"{"reason":"USER_NOT_FOUND","message":"User <x> does not exist"}"#,
    );
    let bare: ErrorEntity = read(Json, br#"{"reason":"FROM_THE_FUTURE"}"#).unwrap();
    assert_eq!(bare.reason.as_str(), "FROM_THE_FUTURE");
}

#[test]
fn webhooks() {
    let (xml, json) = reads::<Webhook>(
        "<webhook><id>7</id><endpointUrl>http://h</endpointUrl><token>secret</token></webhook>",
        r#"{"id":7,"endpointUrl":"http://h","token":"secret"}"#,
    );
    for hook in [xml, json] {
        assert_eq!(write(Json, &hook), r#"{"id":"7","endpointUrl":"http://h","token":"secret"}"#);
        assert!(!format!("{hook:?}").contains("secret"));
    }
    let bare: Webhook = read(Json, br#"{"endpointUrl":"http://h","token":""}"#).unwrap();
    assert!(bare.id.is_none() && bare.token.is_none());
}

#[test]
fn events_keep_their_order() {
    let group = |name: &str| GroupEntity::short(name, None);
    let events = Events {
        new_token: Some("1:12".into()),
        incremental: true,
        events: vec![
            Event::UserMembership {
                operation: Operation::Created,
                user: UserEntity::short("anna", None),
                parents: vec![group("a"), group("b")],
                absolute: Some(false),
            },
            Event::User {
                operation: Operation::Deleted,
                user: UserEntity::short("anna", None),
                stored: AttributesEntity::default(),
                deleted: AttributesEntity::default(),
            },
            Event::GroupMembership {
                operation: Operation::Updated,
                group: group("a"),
                parents: vec![],
                children: vec![group("c")],
            },
            Event::Group {
                operation: Operation::Updated,
                group: group("a"),
                stored: AttributesEntity { link: None, ..attributes() },
                deleted: AttributesEntity::default(),
            },
        ],
    };
    let text = write(Xml, &events);
    assert!(
        text.starts_with(&format!(
            "{DECLARATION}<events newEventToken=\"1:12\" incrementalSynchronisationAvailable=\"true\">\
             <userMembershipEvent><operation>CREATED</operation><childUser name=\"anna\"/><parentGroups>\
             <group name=\"a\"></group><group name=\"b\"></group></parentGroups><absolute>false</absolute>\
             </userMembershipEvent><userEvent><operation>DELETED</operation><user name=\"anna\"/>\
             <storedAttributes/><deletedAttributes/></userEvent><groupMembershipEvent>"
        )),
        "{text}"
    );
    assert_eq!(read(Xml, text.as_bytes()), Ok(events.clone()));
    let text = write(Json, &events);
    assert!(
        text.starts_with(r#"{"newEventToken":"1:12","incrementalSynchronisationAvailable":true,"events":["#)
    );
    assert_eq!(read(Json, text.as_bytes()), Ok(events));
    golden(
        &Events { new_token: Some("T".into()), incremental: true, events: vec![] },
        r#"<events newEventToken="T" incrementalSynchronisationAvailable="true"/>"#,
        r#"{"newEventToken":"T","incrementalSynchronisationAvailable":true,"events":[]}"#,
    );
    assert_eq!(read(Json, b"{}"), Ok(Events::default()));
}

#[test]
fn an_event_that_is_not_known_is_not_passed_over() {
    for (format, text) in [
        (Xml, "<events><aliasEvent><operation>CREATED</operation></aliasEvent></events>"),
        (Json, r#"{"events":[{"type":"aliasEvent","operation":"CREATED"}]}"#),
    ] {
        assert_eq!(read::<Events>(format, text.as_bytes()), Err(DocumentError::Invalid("events")));
    }
    let odd = "<events><userEvent><operation>MOVED</operation><user name='a'/></userEvent></events>";
    assert_eq!(read::<Events>(Xml, odd.as_bytes()), Err(DocumentError::Invalid("operation")));
}

#[test]
fn restrictions() {
    let property = |mode, value: &str| {
        Restriction::Property(PropertyRestriction {
            name: "email".into(),
            kind: PropertyType::String,
            mode,
            value: value.into(),
        })
    };
    golden(
        &property(MatchMode::Contains, "x"),
        concat!(
            "<property-search-restriction><property><name>email</name><type>STRING</type></property>",
            "<match-mode>CONTAINS</match-mode><value>x</value></property-search-restriction>"
        ),
        concat!(
            r#"{"restriction-type":"property-search-restriction","property":{"name":"email","type":"STRING"},"#,
            r#""match-mode":"CONTAINS","value":"x"}"#
        ),
    );
    golden(
        &Restriction::All(vec![Restriction::Any(vec![Restriction::Everything])]),
        concat!(
            r#"<boolean-search-restriction boolean-logic="and"><restrictions>"#,
            r#"<boolean-search-restriction boolean-logic="or"><restrictions>"#,
            "<null-search-restriction></null-search-restriction></restrictions></boolean-search-restriction>",
            "</restrictions></boolean-search-restriction>"
        ),
        concat!(
            r#"{"restriction-type":"boolean-search-restriction","boolean-logic":"and","restrictions":["#,
            r#"{"restriction-type":"boolean-search-restriction","boolean-logic":"or","restrictions":["#,
            r#"{"restriction-type":"null-search-restriction"}]}]}"#
        ),
    );
    golden(
        &Restriction::Everything,
        "<null-search-restriction/>",
        r#"{"restriction-type":"null-search-restriction"}"#,
    );
    let newer = br#"{"restriction-type":"property-search-restriction","property":{"name":"email"},
        "matchMode":"contains","value":"x"}"#;
    assert_eq!(read(Json, newer), Ok(property(MatchMode::Contains, "x")));
    let flag = br#"{"restriction-type":"property-search-restriction",
        "property":{"name":"active","type":"BOOLEAN"},"match-mode":"EXACTLY_MATCHES","value":true}"#;
    let Restriction::Property(flag) = read::<Restriction>(Json, flag).unwrap() else { panic!("no property") };
    assert_eq!((flag.kind, flag.value.as_str()), (PropertyType::Boolean, "true"));
    assert_eq!(read::<Restriction>(Json, b"{}"), Err(DocumentError::Missing("restriction-type")));
    assert_eq!(read::<Restriction>(Xml, b"<user name='a'/>"), Err(DocumentError::Root("search-restriction")));
}
