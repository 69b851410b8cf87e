//! Documents that must be refused, each with the rule that it breaks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use throng_wire::Format::{Json, Xml};
use throng_wire::*;

fn xml(text: impl AsRef<[u8]>) -> Result<UserReference, DocumentError> {
    read(Xml, text.as_ref())
}

fn json(text: impl AsRef<[u8]>) -> Result<UserReference, DocumentError> {
    read(Json, text.as_ref())
}

fn name(read: Result<UserReference, DocumentError>) -> String {
    read.unwrap().name
}

fn syntax<T>(read: &Result<T, DocumentError>) -> bool {
    matches!(read, Err(DocumentError::Syntax { .. }))
}

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

#[test]
fn document_types_are_refused_r01_r02_r03_t78() {
    let laughs = "<!DOCTYPE u [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><user name='&b;'/>";
    for text in [
        laughs,
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><user name='a'/>",
        "<?xml version='1.0'?>\n<!doctype u><user name='a'/>",
        "<!ENTITY % p SYSTEM \"http://h\"><user name='a'/>",
        "<!-- x --><!DOCTYPE u><user name='a'/>",
        "<user name='a'><!ENTITY b 'c'></user>",
        "<user name='a'/><!DOCTYPE u>",
    ] {
        assert_eq!(xml(text), Err(DocumentError::Doctype), "{text}");
    }
}

#[test]
fn only_utf_8_is_read_r04_r15_r18_n35_n36() {
    let doctype = "<!DOCTYPE a><user name='a'/>";
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        for text in [doctype, &format!("\u{FEFF}{doctype}"), "<user name='a'/>"] {
            let read = xml(utf16(text, order));
            assert!(matches!(read, Err(DocumentError::Encoding | DocumentError::Syntax { .. })), "{read:?}");
        }
    }
    for text in [
        b"\xEF\xBB\xBF<user name='a'/>".as_slice(),
        b"<user name='\xFF\xFEA'/>",
        b"<user name='\xC0\xBC'/>",
        b"<user name='\xED\xA0\x80'/>",
        b"<?xml version='1.0' encoding='UTF-16'?><user name='a'/>",
        b"<?xml version='1.0' encoding='utf-7'?><user name='a'/>",
        b"<user name='a\0'/>",
    ] {
        assert_eq!(xml(text), Err(DocumentError::Encoding), "{text:?}");
    }
    for text in [
        b"\xEF\xBB\xBF{\"name\":\"a\"}".as_slice(),
        b"{\"name\":\"\xFF\xFEA\"}",
        br#"{"name":"\ud800"}"#,
        br#"{"name":"\udc00\ud800"}"#,
        br#"{"name":"\ud800\u0041"}"#,
        br#"{"name":"\ud800x"}"#,
        br#"{"\ud800":"a"}"#,
    ] {
        assert_eq!(json(text), Err(DocumentError::Encoding), "{text:?}");
    }
    assert_eq!(name(json(br#"{"name":"\ud83d\ude00"}"#)), "\u{1F600}");
    assert_eq!(name(json(br#"{"name":"\\ud800"}"#)), "\\ud800");
}

#[test]
fn bombs_end_at_their_limit_r05_r06_r07_r08_r11_t79() {
    let attributes: String = (0..80_000).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(xml(format!("<user{attributes}/>")), Err(DocumentError::TooManyAttributes));
    let namespaces: String = (0..100_000).map(|n| format!(" xmlns:a{n}='u'")).collect();
    assert_eq!(xml(format!("<user{namespaces}/>")), Err(DocumentError::TooManyAttributes));
    let open = "<a>".repeat(600_000);
    assert_eq!(xml(&open), Err(DocumentError::TooDeep));
    assert_eq!(xml("<a>".repeat(1_000_000)), Err(DocumentError::TooLong));
    let wide = Limits { bytes: usize::MAX, ..Limits::REQUEST };
    let endless = "<a>".repeat(1_000_000);
    assert_eq!(read_within::<UserReference>(Xml, endless.as_bytes(), &wide), Err(DocumentError::TooDeep));
    let flat = format!("<users>{}</users>", "<user/>".repeat(100_000));
    assert_eq!(read::<Users>(Xml, flat.as_bytes()), Err(DocumentError::TooManyElements));
    let flat = format!("{{\"users\":[{}0]}}", "0,".repeat(100_000));
    assert_eq!(read::<Users>(Json, flat.as_bytes()), Err(DocumentError::TooManyElements));
    assert_eq!(json("[".repeat(100_000)), Err(DocumentError::TooDeep));
    assert_eq!(json("{\"a\":".repeat(100_000)), Err(DocumentError::TooDeep));
    assert_eq!(xml(format!("<{0}/>", "n".repeat(257))), Err(DocumentError::NameTooLong));
    assert_eq!(xml(format!("<user {0}=''/>", "n".repeat(257))), Err(DocumentError::NameTooLong));
    assert_eq!(json(format!("{{\"{0}\":1}}", "n".repeat(257))), Err(DocumentError::NameTooLong));
}

#[test]
fn limits_are_reached_and_not_passed() {
    let nested =
        |levels: usize| format!("<user name='a'>{}{}</user>", "<b>".repeat(levels), "</b>".repeat(levels));
    assert_eq!(name(xml(nested(31))), "a");
    assert_eq!(xml(nested(32)), Err(DocumentError::TooDeep));
    let nested =
        |levels: usize| format!("{{\"name\":\"a\",\"b\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(name(json(nested(63))), "a");
    assert_eq!(json(nested(64)), Err(DocumentError::TooDeep));
    let attributes = |count: usize| -> String { (0..count).map(|n| format!(" a{n}='{n}'")).collect() };
    assert_eq!(name(xml(format!("<user name='a'{}/>", attributes(63)))), "a");
    assert_eq!(xml(format!("<user name='a'{}/>", attributes(64))), Err(DocumentError::TooManyAttributes));
    let flat = |count: usize| format!("<user name='a'>{}</user>", "<b/>".repeat(count));
    assert_eq!(name(xml(flat(49_999))), "a");
    assert_eq!(xml(flat(50_000)), Err(DocumentError::TooManyElements));
}

#[test]
fn what_is_not_well_formed_is_refused_r09() {
    for text in [
        "<user name='a'>]]></user>",
        "<user name='a'><![CDATA[x]]>]]></user>",
        "<user name='a'>x<b/></user>",
        "<user name='a'></User>",
        "<user name='a'><b></user></b>",
        "<user name='a' name2=b/>",
        "<user name='a'b='c'/>",
        "<user name='<'/>",
        "<user name=a/>",
        "<user name/>",
        "<user =''/>",
        "<1user/>",
        "< user name='a'/>",
        "<user name='a'><b / ></user>",
        "<user name='a'>&nbsp;</user>",
        "<user name='a'>&</user>",
        "<user name='a'>&#0;</user>",
        "<user name='a'>&#x1;</user>",
        "<user name='a'>&#xFFFF;</user>",
        "<user name='a'>&#+65;</user>",
        "<user name='a'>&#00000000000000000000000000000065;</user>",
        "&amp;<user name='a'/>",
        "<user name='&a'/>",
        "<user name='&#0;'/>",
        "<user name='&#xD800;'/>",
        "<user name='&#x110000;'/>",
        "<user name='&#+65;'/>",
        "<user name='&#;'/>",
        "<user name='&#xFFFF;'/>",
        "<user name='a\u{1}'/>",
        "<user name='a\u{FFFF}'/>",
        "<user name='a'><!-- a -- b --></user>",
        "<user name='a'><!-- a ---></user>",
        "<user name='a'><!-x></user>",
        "<user name='a'><![cdata[x]]></user>",
        "<user name='a'><?xml version='1.0'?></user>",
        " <?xml version='1.0'?><user name='a'/>",
        "<?xml version='1.1'?><user name='a'/>",
        "<?xml encoding='utf-8'?><user name='a'/>",
        "<?xml version='1.0' version='1.0'?><user name='a'/>",
        "<?xml?><user name='a'/>",
        "x<user name='a'/>",
        "<![CDATA[x]]><user name='a'/>",
        "</user>",
        "hello",
    ] {
        assert!(syntax(&xml(text)), "{text}: {:?}", xml(text));
    }
    assert_eq!(xml("<user name='a' name='b'/>"), Err(DocumentError::DuplicateKey));
    for text in [
        "{name:1}",
        "{\"name\":\"a\",}",
        "{\"name\" \"a\"}",
        "'a'",
        "{\"name\":\"\x01\"}",
        "{\"a\":01}",
        "nul!",
    ] {
        assert!(syntax(&json(text)), "{text}: {:?}", json(text));
    }
}

#[test]
fn comments_cdata_and_references_are_one_text() {
    for (text, expected) in [
        ("<user><name>ad<!-- x -->min</name></user>", "admin"),
        ("<user><name>ad<?x y?>min</name></user>", "admin"),
        ("<user><name><![CDATA[ad]]><![CDATA[min]]></name></user>", "admin"),
        ("<user><name><![CDATA[a]]]]><![CDATA[>b]]></name></user>", "a]]>b"),
        ("<user><name><![CDATA[&lt;<b>]]></name></user>", "&lt;<b>"),
        ("<user><name>&#65;&#x42;&amp;&lt;&gt;&quot;&apos;</name></user>", "AB&<>\"'"),
        ("<user name='&#65;&#10;&#x9;\t\n&amp;amp;'/>", "A\n\t  &amp;"),
        ("<user name='a\r\nb\rc'/>", "a b c"),
        ("<user><name>a\r\nb\rc&#13;</name></user>", "a\nb\nc\r"),
        ("<user name = \"a'>b\" />", "a'>b"),
        (
            "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\r\n<!-- c -->\n<user name='a'></user >\n<!-- d -->\n",
            "a",
        ),
    ] {
        assert_eq!(name(xml(text)), expected, "{text}");
    }
}

#[test]
fn nothing_follows_a_document_r10_r14() {
    for text in [
        "<user name='a'/><user name='b'/>",
        "<user name='a'/>x",
        "<user name='a'/><",
        "<user name='a'/></user>",
        "<user name='a'/><![CDATA[]]>",
        "<user name='a'/>\n<!-- ",
    ] {
        assert_eq!(xml(text), Err(DocumentError::Trailing), "{text}");
    }
    for text in ["{\"name\":\"a\"}x", "{\"name\":\"a\"} {}", "{\"name\":\"a\"}\0", "{\"name\":\"a\"}]"] {
        assert_eq!(json(text), Err(DocumentError::Trailing), "{text}");
    }
    assert_eq!(name(json("{\"name\":\"a\"}\r\n\t ")), "a");
}

#[test]
fn a_document_that_is_cut_short_is_no_document() {
    for text in [
        "<user name='a&amp;b'><c>d</c><!-- e --><![CDATA[]]></user>",
        "<?xml version='1.0'?><user name='a'/>",
    ] {
        for end in 0..text.len() {
            assert_eq!(xml(&text[..end]), Err(DocumentError::Truncated), "{}", &text[..end]);
        }
    }
    let text = r#"{"name":"a\u0041","b":[1,{"c":null}],"d":true}"#;
    for end in 0..text.len() {
        assert_eq!(json(&text[..end]), Err(DocumentError::Truncated), "{}", &text[..end]);
    }
}

#[test]
fn keys_stand_once_r12() {
    assert_eq!(json(r#"{"name":"a","name":"b"}"#), Err(DocumentError::DuplicateKey));
    assert_eq!(json(r#"{"name":"a","x":{"y":1,"\u0079":2}}"#), Err(DocumentError::DuplicateKey));
    assert_eq!(json(r#"{"name":"a","userName":"b"}"#), Err(DocumentError::Duplicate("name")));
    assert_eq!(xml("<user name='a'><name>b</name></user>"), Err(DocumentError::Duplicate("name")));
    assert_eq!(xml("<user><name>a</name><name>b</name></user>"), Err(DocumentError::Duplicate("name")));
}

#[test]
fn numbers_that_are_none_are_refused_r13() {
    assert!(syntax(&json(r#"{"name":"a","x":1e400}"#)));
    for number in ["-0", "18446744073709551616", "1.5", "1e3", "9223372036854775807"] {
        assert_eq!(name(json(format!(r#"{{"name":"a","x":{number}}}"#))), "a");
        let user = format!(r#"{{"name":"a","active":true,"created-date":{number}}}"#);
        assert_eq!(
            read::<UserEntity>(Json, user.as_bytes()),
            Err(DocumentError::Invalid("created-date")),
            "{number}"
        );
    }
}

#[test]
fn fields_hold_what_they_must() {
    assert_eq!(json("{}"), Err(DocumentError::Missing("name")));
    assert_eq!(json(r#"{"name":null}"#), Err(DocumentError::Missing("name")));
    assert_eq!(xml("<user/>"), Err(DocumentError::Missing("name")));
    for value in ["1", "true", "[]", "{}"] {
        assert_eq!(json(format!(r#"{{"name":{value}}}"#)), Err(DocumentError::Invalid("name")));
    }
    assert_eq!(xml("<user><name><b/></name></user>"), Err(DocumentError::Invalid("name")));
    for value in ["[]", "1", "null", "\"a\""] {
        assert_eq!(json(value), Err(DocumentError::Invalid("user")), "{value}");
    }
    assert_eq!(xml("<group name='a'/>"), Err(DocumentError::Root("user")));
    for value in ["1", "\"yes\"", "\"\"", "[true]"] {
        let user = format!(r#"{{"name":"a","active":{value}}}"#);
        assert_eq!(
            read::<UserUpdate>(Json, user.as_bytes()),
            Err(DocumentError::Invalid("active")),
            "{value}"
        );
    }
}

/// R17: a body of the other format is not read by chance.
#[test]
fn a_body_of_the_other_format_is_refused_r17() {
    assert!(syntax(&xml(r#"{"name":"a"}"#)));
    assert!(syntax(&json("<user name='a'/>")));
}

#[test]
fn an_error_repeats_nothing_of_the_document() {
    for error in [
        xml("<user name='hunter2'><hunter2></user>").unwrap_err(),
        json(r#"{"hunter2":"a","hunter2":"b"}"#).unwrap_err(),
        json(r#"{"name":["hunter2"]}"#).unwrap_err(),
        xml("<hunter2/>").unwrap_err(),
    ] {
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

/// T79: the same holds inside a restriction, which is the one document that nests.
#[test]
fn restrictions_are_nested_within_limits_t81() {
    let nest = |levels: usize| {
        let open =
            r#"{"restriction-type":"boolean-search-restriction","boolean-logic":"and","restrictions":["#;
        format!(
            "{}{{\"restriction-type\":\"null-search-restriction\"}}{}",
            open.repeat(levels),
            "]}".repeat(levels)
        )
    };
    assert!(read::<Restriction>(Json, nest(31).as_bytes()).is_ok());
    assert_eq!(read::<Restriction>(Json, nest(32).as_bytes()), Err(DocumentError::TooDeep));
    assert_eq!(read::<Restriction>(Json, nest(10_000).as_bytes()), Err(DocumentError::TooDeep));
}
