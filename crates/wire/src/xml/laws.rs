//! What holds for every text, and what another parser says of it.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use roxmltree::Document;

use super::{escape, parse};
use crate::document::Limits;
use crate::error::DocumentError;
use crate::node::{Fields, Node};

/// An element as one text: its attributes, and what is in it, which is text or elements.
fn told(name: &str, attributes: &[(String, String)], text: &str, children: &[String]) -> String {
    let text = if children.is_empty() { text } else { text.trim_ascii() };
    format!("{name}{attributes:?}{text:?}{children:?}")
}

fn told_by_us(name: &str, mut fields: Fields) -> String {
    let text = std::mem::take(fields.text_mut());
    let (mut attributes, mut children) = (Vec::new(), Vec::new());
    for (name, node) in fields.into_entries() {
        match node {
            Node::Text(value) => attributes.push((name.into_owned(), value)),
            Node::Element(fields) => children.push(told_by_us(&name, fields)),
            node => children.push(format!("{node:?}")),
        }
    }
    told(name, &attributes, &text, &children)
}

fn told_by_the_other(element: roxmltree::Node<'_, '_>) -> String {
    let attributes: Vec<_> = element
        .attributes()
        .map(|attribute| (attribute.name().to_owned(), attribute.value().to_owned()))
        .collect();
    let text: String =
        element.children().filter(|child| child.is_text()).filter_map(|child| child.text()).collect();
    let children: Vec<_> =
        element.children().filter(|child| child.is_element()).map(told_by_the_other).collect();
    told(element.tag_name().name(), &attributes, &text, &children)
}

/// Whether there is text beside elements, which no document has and which is refused.
fn is_mixed(element: roxmltree::Node<'_, '_>) -> bool {
    let is_text = |child: &roxmltree::Node<'_, '_>| {
        child.is_text() && child.text().is_some_and(|text| !text.trim_ascii().is_empty())
    };
    element.children().any(|child| child.is_element()) && element.children().any(|child| is_text(&child))
}

fn read(text: &str) -> Result<String, DocumentError> {
    parse(text.as_bytes(), &Limits::REQUEST).map(|(name, fields)| told_by_us(&name, fields))
}

/// Documents most of which are good.
fn document() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        4 => "[a é\r\n\t]{0,3}",
        1 => Just("&amp;&#65;&#x42;&lt;".to_owned()),
        1 => "<!\\[CDATA\\[[a<&>\\]\r]{0,3}\\]\\]>",
        1 => "<!--[a<&>]{0,3}-->",
        1 => "<\\?p( [ a<]{0,3})?\\?>",
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
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A document is read if it is well-formed and has no text beside elements, and is read as the other one reads it.
    #[test]
    fn another_parser_says_the_same(text in document()) {
        match Document::parse(&text) {
            Ok(other) if other.descendants().any(is_mixed) => prop_assert!(read(&text).is_err(), "{}", text),
            Ok(other) => prop_assert_eq!(read(&text), Ok(told_by_the_other(other.root_element())), "{}", text),
            Err(fault) => prop_assert!(read(&text).is_err(), "{}: {}", text, fault),
        }
    }

    #[test]
    fn escapes_come_back(text in "[^\0-\u{8}\u{B}\u{C}\u{E}-\u{1F}\u{FFFE}\u{FFFF}]{0,12}|[<>&\"'\\]\r\n\t ]{0,8}") {
        let (mut attribute, mut inside) = (String::new(), String::new());
        escape::attribute(&mut attribute, &text);
        escape::text(&mut inside, &text);
        let document = format!("<u a=\"{attribute}\">{inside}</u>");
        prop_assert_eq!(read(&document), Ok(told("u", &[("a".to_owned(), text.clone())], &text, &[])));
    }
}

#[test]
fn most_documents_of_the_comparison_are_good() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let documents = (0..500).filter_map(|_| document().new_tree(&mut runner).ok());
    let good = documents.filter(|tree| read(&tree.current()).is_ok()).count();
    assert!(good > 150, "{good}");
}

#[test]
fn what_xml_cannot_hold_is_replaced() {
    let mut written = String::new();
    escape::text(&mut written, "a\u{1}b\0\u{FFFF}");
    assert_eq!(written, "a\u{FFFD}b\u{FFFD}\u{FFFD}");
}
