//! JSON, read into the tree that both formats share.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::document::Limits;
use crate::error::DocumentError;
use crate::node::{self, Fields, Node};

/// Reads one value, and nothing after it.
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Node, DocumentError> {
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::Encoding)?;
    if text.starts_with('\u{FEFF}') {
        return Err(DocumentError::Encoding);
    }
    check_ahead(text, limits)?;
    let state = State { limits, values: Cell::new(0), fault: Cell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let node = Seed(&state).deserialize(&mut deserializer).map_err(|error| {
        state.fault.get().unwrap_or_else(|| match error.classify() {
            serde_json::error::Category::Eof => DocumentError::Truncated,
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Data => DocumentError::Syntax { position: position(text, &error) },
        })
    })?;
    deserializer.end().map_err(|_| DocumentError::Trailing)?;
    Ok(node)
}

struct State<'a> {
    limits: &'a Limits,
    values: Cell<usize>,
    /// The reason of ours why reading ends.
    fault: Cell<Option<DocumentError>>,
}

impl State<'_> {
    fn fail<E: serde::de::Error>(&self, fault: DocumentError) -> E {
        self.fault.set(Some(fault));
        E::custom("refused")
    }
}

#[derive(Clone, Copy)]
struct Seed<'a>(&'a State<'a>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let values = self.0.values.get() + 1;
        self.0.values.set(values);
        if values > self.0.limits.elements {
            return Err(self.0.fail(DocumentError::TooManyElements));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(i64::try_from(number).map_or(Node::Number, Node::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = entries.next_key::<Cow<'_, str>>()? {
            if key.len() > self.0.limits.name_bytes {
                return Err(self.0.fail(DocumentError::NameTooLong));
            }
            fields.push(node::name(&key), entries.next_value_seed(self)?);
        }
        if fields.has_duplicates() {
            return Err(self.0.fail(DocumentError::DuplicateKey));
        }
        Ok(Node::Object(fields))
    }
}

/// Finds, before anything recurses, what is nested too deeply (R11), and halves of surrogate pairs (N35).
fn check_ahead(text: &str, limits: &Limits) -> Result<(), DocumentError> {
    let bytes = text.as_bytes();
    let (mut depth, mut in_string, mut at) = (0_usize, false, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match (in_string, byte) {
            (true, b'"') => in_string = false,
            (true, b'\\') => {
                at += 1;
                if bytes.get(at - 1) == Some(&b'u') {
                    match unit(bytes, at) {
                        Some(0xD800..=0xDBFF) => {
                            let pairs = bytes.get(at + 4..at + 6) == Some(b"\\u")
                                && matches!(unit(bytes, at + 6), Some(0xDC00..=0xDFFF));
                            if !pairs {
                                return Err(DocumentError::Encoding);
                            }
                            at += 10;
                        }
                        Some(0xDC00..=0xDFFF) => return Err(DocumentError::Encoding),
                        Some(_) | None => {}
                    }
                }
            }
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > limits.json_depth {
                    return Err(DocumentError::TooDeep);
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (false, _) => {}
        }
    }
    Ok(())
}

/// The UTF-16 unit that four digits stand for.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = std::str::from_utf8(bytes.get(at..at + 4)?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

/// The position of an error that has a line and a column.
fn position(text: &str, error: &serde_json::Error) -> u64 {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let before: usize = lines.map(str::len).sum();
    (before + error.column().saturating_sub(1)) as u64
}
