//! What holds for every text, and what another parser says of it.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use super::escape;
use super::lexer::{Lexer, Token, attributes};
use super::parse;
use crate::document::Limits;

/// A document as one text: tags with their attributes, and the text between them in one piece each.
fn told_by_us(text: &str) -> Option<Vec<String>> {
    parse(text.as_bytes(), &Limits::REQUEST).ok()?;
    let mut lexer = Lexer::new(Limits::REQUEST);
    lexer.feed(text.as_bytes());
    let mut told = Vec::new();
    while let Some(token) = lexer.token().ok()? {
        match token {
            Token::Start { name, attributes } => tell(&mut told, started(name, attributes)?),
            Token::Empty { name, attributes } => {
                tell(&mut told, started(name, attributes)?);
                tell(&mut told, format!("/{name}"));
            }
            Token::End { name } => tell(&mut told, format!("/{name}")),
            Token::Text(raw) => escape::read_text(raw, said(&mut told))?,
            Token::CData(raw) => escape::line_ends(raw, said(&mut told)),
            Token::Declaration(_) | Token::Skipped => {}
        }
    }
    Some(told)
}

fn started(name: &str, text: &str) -> Option<String> {
    let mut told = name.to_owned();
    attributes(text, |name, raw| {
        told.push_str(&format!(" {name}="));
        let _ = escape::read_attribute(raw, &mut told);
        Ok(())
    })
    .ok()??;
    Some(told)
}

fn told_by_the_crate(text: &str) -> Result<Vec<String>, quick_xml::Error> {
    let mut reader = Reader::from_str(text);
    let mut told = Vec::new();
    loop {
        match reader.read_event()? {
            Event::Start(tag) => tell(&mut told, theirs(&tag)?),
            Event::Empty(tag) => {
                tell(&mut told, theirs(&tag)?);
                tell(&mut told, format!("/{}", tag.name().as_ref()));
            }
            Event::End(tag) => tell(&mut told, format!("/{}", tag.name().as_ref())),
            Event::Text(text) => said(&mut told).push_str(&text.xml10_content()),
            Event::CData(text) => said(&mut told).push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = &*reference;
                match reference.resolve_char_ref()? {
                    Some(c) => said(&mut told).push(c),
                    None => said(&mut told).push_str(resolve_predefined_entity(name).unwrap_or("?")),
                }
            }
            Event::Eof => return Ok(told),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn theirs(tag: &quick_xml::events::BytesStart<'_>) -> Result<String, quick_xml::Error> {
    let mut told = tag.name().as_ref().to_owned();
    for attribute in tag.attributes() {
        let attribute = attribute?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0)?;
        told.push_str(&format!(" {}={value}", attribute.key.as_ref()));
    }
    Ok(told)
}

fn tell(told: &mut Vec<String>, tag: String) {
    said(told);
    told.push(tag);
    told.push(String::new());
}

/// The text that is being told.
fn said(told: &mut Vec<String>) -> &mut String {
    if told.is_empty() {
        told.push(String::new());
    }
    let last = told.len() - 1;
    &mut told[last]
}

/// Documents most of which are good.
fn document() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        4 => "[a é\r\n\t]{0,3}",
        1 => Just("&amp;&#65;&#x42;&lt;".to_owned()),
        1 => "<!\\[CDATA\\[[a<&>\\]\r]{0,3}\\]\\]>",
        1 => "<!--[a<&>]{0,3}-->",
        1 => "<\\?p[ a<]{0,3}\\?>",
        1 => "[<>&;\\]\"'/!-]{0,2}",
    ];
    let attribute = prop_oneof![
        3 => "[abc]=\"[a>é'\r\n\t]{0,3}\"",
        2 => "[abc] = '(&quot;|&#10;|[a\"])?'",
        1 => "[a=\"'<]{0,4}",
    ];
    let attributes = prop::collection::vec(attribute, 0..3).prop_map(|attributes| attributes.join(" "));
    let leaf = (attributes.clone(), text.clone())
        .prop_map(|(attributes, text)| format!("<u {attributes}>{text}</u >"));
    let element = leaf.prop_recursive(3, 12, 3, move |inner| {
        let inside = prop::collection::vec(inner, 0..3).prop_map(|elements| elements.concat());
        prop_oneof![
            inside.prop_map(|inside| format!("<v>\n{inside}</v>")),
            attributes.clone().prop_map(|attributes| format!("<w {attributes}/>")),
        ]
    });
    let head = prop::sample::select(vec!["", "<?xml version='1.0'?>", "\n<!-- x -->"]);
    (head, element, "[\n ]{0,2}").prop_map(|(head, element, tail)| format!("{head}{element}{tail}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Where this parser accepts a document, the crate `quick-xml` reads the same.
    #[test]
    fn the_crate_reads_the_same(text in document()) {
        if let Some(ours) = told_by_us(&text) {
            let theirs = told_by_the_crate(&text);
            prop_assert!(theirs.is_ok(), "{theirs:?} of {text}");
            // What stands around the root is no text of it.
            let ours = &ours[1..ours.len() - 1];
            let theirs = theirs.unwrap_or_default();
            prop_assert_eq!(ours, &theirs[1..theirs.len() - 1]);
        }
    }

    #[test]
    fn escapes_come_back(text in "[^\0-\u{8}\u{B}\u{C}\u{E}-\u{1F}\u{FFFE}\u{FFFF}]{0,12}|[<>&\"'\\]\r\n\t ]{0,8}") {
        let (mut written, mut read) = (String::new(), String::new());
        escape::text(&mut written, &text);
        prop_assert!(escape::read_text(&written, &mut read).is_some());
        prop_assert_eq!(&read, &text);
        let (mut written, mut read) = (String::new(), String::new());
        escape::attribute(&mut written, &text);
        prop_assert!(escape::read_attribute(&written, &mut read).is_some());
        prop_assert_eq!(read, text);
    }
}

#[test]
fn most_documents_of_the_comparison_are_good() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let documents = (0..500).filter_map(|_| document().new_tree(&mut runner).ok());
    let good = documents.filter(|tree| told_by_us(&tree.current()).is_some()).count();
    assert!(good > 150, "{good}");
}

#[test]
fn what_xml_cannot_hold_is_replaced() {
    let mut written = String::new();
    escape::text(&mut written, "a\u{1}b\0\u{FFFF}");
    assert_eq!(written, "a\u{FFFD}b\u{FFFD}\u{FFFD}");
}
