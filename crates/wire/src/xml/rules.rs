//! The rules of XML 1.0 that `quick-xml` leaves to whoever reads with it.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::attributes::{Attribute, Attributes};
use quick_xml::events::{BytesDecl, BytesRef, BytesStart};

use super::escape::is_allowed;
use crate::document::Limits;
use crate::error::DocumentError;
use crate::node::{self, Fields, Name, Node};

/// Longest reference in a text, with `&` and `;`: `&#x10FFFF;` with some leading zeros.
pub(super) const MAX_REFERENCE_BYTES: usize = 32;

/// Checks that all characters are such as XML can hold.
pub(super) fn check_characters(text: &str, position: u64) -> Result<(), DocumentError> {
    if text.chars().all(is_allowed) {
        Ok(())
    } else if text.contains('\0') {
        // UTF-16 that passes for UTF-8.
        Err(DocumentError::Encoding)
    } else {
        Err(DocumentError::Syntax { position })
    }
}

/// Checks the text between two tags as it stands.
pub(super) fn check_text(text: &str, position: u64) -> Result<(), DocumentError> {
    if is_plain_without(text, b'>') {
        Ok(())
    } else if text.contains("]]>") {
        Err(DocumentError::Syntax { position })
    } else {
        check_characters(text, position)
    }
}

/// Checks what stands in a tag.
pub(super) fn check_tag(tag: &str, position: u64) -> Result<(), DocumentError> {
    if is_plain_without(tag, b'<') {
        Ok(())
    } else if tag.contains('<') {
        Err(DocumentError::Syntax { position })
    } else {
        check_characters(tag, position)
    }
}

/// The name of an element or an attribute.
pub(super) fn name(text: &str, limits: &Limits, position: u64) -> Result<Name, DocumentError> {
    match node::name(text) {
        // One that is known is good.
        name @ Cow::Borrowed(_) => Ok(name),
        Cow::Owned(_) if text.len() > limits.name_bytes => Err(DocumentError::NameTooLong),
        name @ Cow::Owned(_) if is_name(text) => Ok(name),
        Cow::Owned(_) => Err(DocumentError::Syntax { position }),
    }
}

/// Checks the target of an instruction. The name `xml` is that of the declaration, in any case.
pub(super) fn check_target(target: &str, position: u64) -> Result<(), DocumentError> {
    if is_name(target) && !target.eq_ignore_ascii_case("xml") {
        Ok(())
    } else {
        Err(DocumentError::Syntax { position })
    }
}

/// Checks the declaration of XML, which stands at the beginning only.
pub(super) fn check_declaration(declaration: &BytesDecl<'_>, position: u64) -> Result<(), DocumentError> {
    let syntax = DocumentError::Syntax { position };
    if position > 0 {
        return Err(syntax);
    }
    let name = "xml".len();
    check_quotes(declaration.get(name..).unwrap_or_default(), position)?;
    let mut expected = ["version", "encoding", "standalone"].into_iter();
    let mut count = 0;
    for attribute in Attributes::new(declaration, name) {
        let Attribute { key, value } = attribute.map_err(|_| syntax)?;
        let is_next = expected.any(|next| next == key.as_ref());
        if !is_next || (count == 0) != (key.as_ref() == "version") {
            return Err(syntax);
        }
        count += 1;
        match key.as_ref() {
            "version" if value != "1.0" => return Err(syntax),
            "encoding" if !value.eq_ignore_ascii_case("utf-8") => return Err(DocumentError::Encoding),
            _ => {}
        }
    }
    if count == 0 { Err(syntax) } else { Ok(()) }
}

/// The character of a reference: one of the five that XML has, or a number.
pub(super) fn character(reference: &BytesRef<'_>, position: u64) -> Result<char, DocumentError> {
    let syntax = DocumentError::Syntax { position };
    if reference.len() + "&;".len() > MAX_REFERENCE_BYTES {
        return Err(syntax);
    }
    let number = reference.resolve_char_ref().map_err(|_| syntax)?;
    number.or_else(|| resolve_xml_entity(reference)?.chars().next()).filter(|&c| is_allowed(c)).ok_or(syntax)
}

/// The attributes of a tag, as fields.
pub(super) fn attributes(
    tag: &BytesStart<'_>,
    limits: &Limits,
    position: u64,
) -> Result<Fields, DocumentError> {
    let syntax = DocumentError::Syntax { position };
    let mut fields = Fields::default();
    let raw = tag.attributes_raw();
    if raw.is_empty() {
        return Ok(fields);
    }
    // To find duplicates itself, the iterator would allocate for every tag.
    for (count, attribute) in tag.attributes().with_checks(false).enumerate() {
        if count == limits.attributes {
            return Err(DocumentError::TooManyAttributes);
        }
        if count == 1 {
            check_quotes(raw, position)?;
        }
        let attribute = attribute.map_err(|_| syntax)?;
        let name = name(attribute.key.as_ref(), limits, position)?;
        if fields.has(&name) {
            return Err(DocumentError::DuplicateKey);
        }
        let value = attribute
            .normalized_value_with(XmlVersion::Explicit1_0, 1, resolve_xml_entity)
            .map_err(|_| syntax)?;
        if let Cow::Owned(value) = &value
            && !value.chars().all(is_allowed)
        {
            return Err(syntax);
        }
        fields.push(name, Node::Text(value.into_owned()));
    }
    Ok(fields)
}

/// Whether all characters are such as XML can hold, and none is that one; some texts of which it is so are missed.
/// Without a way out in between, many bytes are looked at at once.
fn is_plain_without(text: &str, special: u8) -> bool {
    text.bytes().fold(true, |is_plain, byte| {
        let is_control = (byte < b' ') & !matches!(byte, b'\t' | b'\n' | b'\r');
        // U+FFFE and U+FFFF begin with 0xEF.
        is_plain & !is_control & (byte < 0xEF) & (byte != special)
    })
}

/// Checks that attributes stand apart: white space follows the quote that ends a value.
fn check_quotes(raw: &str, position: u64) -> Result<(), DocumentError> {
    let bytes = raw.as_bytes();
    let mut open = None;
    for at in memchr::memchr2_iter(b'"', b'\'', bytes) {
        let quote = bytes.get(at);
        if open.is_none() {
            open = quote;
        } else if open == quote {
            open = None;
            if bytes.get(at + 1).is_some_and(|next| !next.is_ascii_whitespace()) {
                return Err(DocumentError::Syntax { position });
            }
        }
    }
    Ok(())
}

/// The names of XML 1.0 but for some letters beyond ASCII, which are all let through.
fn is_name(name: &str) -> bool {
    let starts = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || !byte.is_ascii();
    let goes_on = |byte: u8| starts(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    name.bytes().next().is_some_and(starts) && name.bytes().all(goes_on)
}
