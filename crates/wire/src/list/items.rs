//! The items of an array in an object of JSON, as they arrive.

use crate::document::Limits;
use crate::error::DocumentError;
use crate::json;
use crate::node::Node;

/// Most keys beside the array.
const MAX_KEYS: usize = 64;

/// Splits `{"key":[item,item],…}` and parses each item on its own.
#[derive(Debug)]
pub(super) struct Items {
    names: [&'static str; 2],
    limits: Limits,
    place: Place,
    value: Value,
    value_start: u64,
    keys: Vec<String>,
    found: bool,
    position: u64,
}

/// Where in the object the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    /// Before a key or, if the object may end here, its end.
    Key {
        may_end: bool,
    },
    InKey,
    Colon,
    /// Before the value of a key: the array or another one.
    Field {
        is_array: bool,
    },
    InField,
    AfterField,
    /// Before an item or, if the array may end here, its end.
    Item {
        may_end: bool,
    },
    InItem,
    AfterItem,
    End,
}

/// A value whose end is looked for.
#[derive(Debug, Default)]
struct Value {
    bytes: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// Whether a byte ends a value, and whether it belongs to it.
enum End {
    NotYet,
    With,
    Before,
}

impl Items {
    pub(super) fn new(names: [&'static str; 2], limits: Limits) -> Self {
        Self {
            names,
            limits,
            place: Place::Start,
            value: Value::default(),
            value_start: 0,
            keys: Vec::new(),
            found: false,
            position: 0,
        }
    }

    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Node) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            let plain = if self.is_inside() { self.value.take_plain(rest) } else { 0 };
            if plain > 0 {
                self.position += plain as u64;
                self.check_length()?;
                rest = rest.get(plain..).unwrap_or_default();
                continue;
            }
            self.take(byte, &mut each)?;
            self.position += 1;
            rest = after;
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), DocumentError> {
        match self.place {
            Place::End if self.found => Ok(()),
            Place::End => Err(DocumentError::Missing(self.names[0])),
            Place::Start
            | Place::Key { .. }
            | Place::InKey
            | Place::Colon
            | Place::Field { .. }
            | Place::InField
            | Place::AfterField
            | Place::Item { .. }
            | Place::InItem
            | Place::AfterItem => Err(DocumentError::Truncated),
        }
    }

    fn take(
        &mut self,
        byte: u8,
        each: &mut impl FnMut(Node) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        if self.is_inside() {
            match self.value.take(byte) {
                End::NotYet => return self.check_length(),
                End::With => return self.end_value(each),
                End::Before => self.end_value(each)?,
            }
        }
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return Ok(());
        }
        self.place = match (self.place, byte) {
            (Place::Start, b'{') => Place::Key { may_end: true },
            (Place::Start, 0xEF | 0xFE | 0xFF) => return Err(DocumentError::Encoding),
            (Place::Key { may_end: true }, b'}') => Place::End,
            (Place::Key { .. }, b'"') => self.begin_value(byte, Place::InKey),
            (Place::Colon, b':') => Place::Field { is_array: self.is_array() },
            (Place::Field { is_array: true }, b'[') => {
                if self.found {
                    return Err(DocumentError::Duplicate(self.names[0]));
                }
                self.found = true;
                Place::Item { may_end: true }
            }
            (Place::Field { .. }, byte) if begins_value(byte) => self.begin_value(byte, Place::InField),
            (Place::AfterField, b',') => Place::Key { may_end: false },
            (Place::AfterField, b'}') => Place::End,
            (Place::Item { may_end: true }, b']') => Place::AfterField,
            (Place::Item { .. }, byte) if begins_value(byte) => self.begin_value(byte, Place::InItem),
            (Place::AfterItem, b',') => Place::Item { may_end: false },
            (Place::AfterItem, b']') => Place::AfterField,
            (Place::End, _) => return Err(DocumentError::Trailing),
            (
                Place::Start
                | Place::Key { .. }
                | Place::InKey
                | Place::Colon
                | Place::Field { .. }
                | Place::InField
                | Place::AfterField
                | Place::Item { .. }
                | Place::InItem
                | Place::AfterItem,
                _,
            ) => return Err(DocumentError::Syntax { position: self.position }),
        };
        Ok(())
    }

    /// Whether the next byte is one of a value.
    fn is_inside(&self) -> bool {
        matches!(self.place, Place::InKey | Place::InField | Place::InItem)
    }

    fn begin_value(&mut self, byte: u8, place: Place) -> Place {
        self.value = Value { bytes: std::mem::take(&mut self.value.bytes), ..Value::default() };
        self.value.bytes.clear();
        self.value_start = self.position;
        // A first byte ends nothing: it opens a string or a nesting, or is a part of a word.
        let _ = self.value.take(byte);
        place
    }

    fn end_value(
        &mut self,
        each: &mut impl FnMut(Node) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        self.check_length()?;
        let node = json::parse(&self.value.bytes, &self.limits).map_err(|fault| match fault {
            DocumentError::Syntax { position } => {
                DocumentError::Syntax { position: self.value_start + position }
            }
            // It is the value that is cut short, by what follows it.
            DocumentError::Truncated | DocumentError::Trailing => {
                DocumentError::Syntax { position: self.position }
            }
            fault => fault,
        })?;
        self.place = match self.place {
            Place::InItem => {
                each(node)?;
                Place::AfterItem
            }
            Place::InKey => {
                let key = node.into_text("key")?;
                if key.len() > self.limits.name_bytes {
                    return Err(DocumentError::NameTooLong);
                }
                if self.keys.contains(&key) {
                    return Err(DocumentError::DuplicateKey);
                }
                if self.keys.len() == MAX_KEYS {
                    return Err(DocumentError::TooManyElements);
                }
                self.keys.push(key);
                Place::Colon
            }
            Place::InField => {
                if self.is_array() && node != Node::Null {
                    // A single object stands for a list of one, as in a whole document.
                    if self.found {
                        return Err(DocumentError::Duplicate(self.names[0]));
                    }
                    self.found = true;
                    each(node)?;
                }
                Place::AfterField
            }
            place @ (Place::Start
            | Place::Key { .. }
            | Place::Colon
            | Place::Field { .. }
            | Place::AfterField
            | Place::Item { .. }
            | Place::AfterItem
            | Place::End) => place,
        };
        Ok(())
    }

    /// Whether the last key is that of the array.
    fn is_array(&self) -> bool {
        self.keys.last().is_some_and(|key| self.names.contains(&key.as_str()))
    }

    fn check_length(&self) -> Result<(), DocumentError> {
        if self.value.bytes.len() > self.limits.entry_bytes { Err(DocumentError::TooLong) } else { Ok(()) }
    }
}

impl Value {
    /// Takes the bytes up to the next that means something, and says how many.
    fn take_plain(&mut self, bytes: &[u8]) -> usize {
        if self.escaped || (self.depth == 0 && !self.in_string) {
            return 0;
        }
        let means = |byte: &u8| match byte {
            b'"' => true,
            b'\\' => self.in_string,
            b'{' | b'}' | b'[' | b']' => !self.in_string,
            _ => false,
        };
        let length = bytes.iter().position(means).unwrap_or(bytes.len());
        self.bytes.extend_from_slice(bytes.get(..length).unwrap_or_default());
        length
    }

    fn take(&mut self, byte: u8) -> End {
        let is_word = self.depth == 0 && !self.in_string;
        if is_word
            && !self.bytes.is_empty()
            && matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r')
        {
            return End::Before;
        }
        self.bytes.push(byte);
        if self.in_string {
            let ends = byte == b'"' && !self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            self.in_string = !ends;
            return if ends && self.depth == 0 { End::With } else { End::NotYet };
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return End::With;
                }
            }
            _ => {}
        }
        End::NotYet
    }
}

fn begins_value(byte: u8) -> bool {
    matches!(byte, b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}
