//! What both formats are read into: one tree, so that a document means the same in either (T80).

use std::borrow::Cow;

use throng_core::time::Timestamp;

use crate::date;
use crate::error::DocumentError;

/// The name of a field. Those that documents have are not allocated: a long answer has millions of them.
pub(crate) type Name = Cow<'static, str>;

/// So few fields are compared each with each, which costs less than sorting them.
const FEW: usize = 16;

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// JSON's null: as good as not there.
    Null,
    /// JSON's true and false.
    Flag(bool),
    /// A whole number of JSON.
    Integer(i64),
    /// Any other number of JSON. No field holds one.
    Number,
    /// A string of JSON, or an attribute of XML.
    Text(String),
    /// An array of JSON.
    List(Vec<Node>),
    /// An object of JSON.
    Object(Fields),
    /// An element of XML.
    Element(Fields),
}

/// The fields of an object or an element: keys, attributes and child elements alike.
///
/// Fields that nobody takes are ignored, so that a whole entity may be sent back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    entries: Vec<(Name, Node)>,
    text: String,
    has_children: bool,
}

impl Node {
    pub(crate) fn into_text(self, field: &'static str) -> Result<String, DocumentError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Element(fields) if !fields.has_children => Ok(fields.text),
            Self::Null
            | Self::Flag(_)
            | Self::Integer(_)
            | Self::Number
            | Self::List(_)
            | Self::Object(_)
            | Self::Element(_) => Err(DocumentError::Invalid(field)),
        }
    }

    pub(crate) fn into_fields(self, field: &'static str) -> Result<Fields, DocumentError> {
        match self {
            Self::Object(fields) | Self::Element(fields) => Ok(fields),
            Self::Null | Self::Flag(_) | Self::Integer(_) | Self::Number | Self::Text(_) | Self::List(_) => {
                Err(DocumentError::Invalid(field))
            }
        }
    }
}

impl Fields {
    pub(crate) fn push(&mut self, name: Name, node: Node) {
        self.entries.push((name, node));
    }

    pub(crate) fn push_child(&mut self, name: Name, child: Self) {
        self.has_children = true;
        self.entries.push((name, Node::Element(child)));
    }

    /// The text, to add to.
    pub(crate) fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    pub(crate) fn has_children(&self) -> bool {
        self.has_children
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(own, _)| own == name)
    }

    pub(crate) fn has_duplicates(&self) -> bool {
        if self.entries.len() < FEW {
            let mut rest = self.entries.as_slice();
            while let [(name, _), others @ ..] = rest {
                if others.iter().any(|(other, _)| other == name) {
                    return true;
                }
                rest = others;
            }
            return false;
        }
        let mut names: Vec<&str> = self.entries.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// Whether there is text beside child elements.
    pub(crate) fn is_mixed(&self) -> bool {
        self.has_children && !self.text.trim_ascii().is_empty()
    }

    /// Whether there is nothing in it that could be a value.
    pub(crate) fn is_blank(&self) -> bool {
        !self.has_children && self.text.trim_ascii().is_empty()
    }

    pub(crate) fn into_entries(self) -> Vec<(Name, Node)> {
        self.entries
    }

    /// The text of the first field of any of these names, left in its place.
    pub(crate) fn peek(&self, names: &[&str]) -> Option<&str> {
        let (_, node) = self.entries.iter().find(|(own, _)| names.contains(&&**own))?;
        match node {
            Node::Text(text) => Some(text),
            Node::Element(fields) if !fields.has_children => Some(&fields.text),
            Node::Null
            | Node::Flag(_)
            | Node::Integer(_)
            | Node::Number
            | Node::List(_)
            | Node::Object(_)
            | Node::Element(_) => None,
        }
    }

    /// Takes a field under any of its names; null counts as absent.
    pub(crate) fn take(&mut self, names: &[&'static str]) -> Result<Option<Node>, DocumentError> {
        let is_one = |(name, _): &(Name, Node)| names.contains(&&**name);
        let Some(at) = self.entries.iter().position(is_one) else { return Ok(None) };
        let (_, node) = self.entries.remove(at);
        if self.entries.iter().any(is_one) {
            return Err(DocumentError::Duplicate(first(names)));
        }
        Ok(Some(node).filter(|node| *node != Node::Null))
    }

    pub(crate) fn text(&mut self, names: &[&'static str]) -> Result<Option<String>, DocumentError> {
        self.take(names)?.map(|node| node.into_text(first(names))).transpose()
    }

    pub(crate) fn required_text(&mut self, names: &[&'static str]) -> Result<String, DocumentError> {
        self.text(names)?.ok_or(DocumentError::Missing(first(names)))
    }

    /// A flag, also as the text `true` or `false` in any case.
    pub(crate) fn flag(&mut self, names: &[&'static str]) -> Result<Option<bool>, DocumentError> {
        match self.take(names)? {
            None => Ok(None),
            Some(Node::Flag(flag)) => Ok(Some(flag)),
            Some(node) => {
                let text = node.into_text(first(names))?;
                match text.trim_ascii() {
                    text if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
                    text if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
                    _ => Err(DocumentError::Invalid(first(names))),
                }
            }
        }
    }

    /// A moment: milliseconds since the epoch, or a date with a time and an offset.
    pub(crate) fn time(&mut self, names: &[&'static str]) -> Result<Option<Timestamp>, DocumentError> {
        let invalid = DocumentError::Invalid(first(names));
        match self.take(names)? {
            None => Ok(None),
            Some(Node::Integer(millis)) => date::from_millis(millis).map(Some).ok_or(invalid),
            Some(node) => date::parse(node.into_text(first(names))?.trim_ascii()).map(Some).ok_or(invalid),
        }
    }

    pub(crate) fn part(&mut self, names: &[&'static str]) -> Result<Option<Self>, DocumentError> {
        self.take(names)?.map(|node| node.into_fields(first(names))).transpose()
    }

    /// The items of a list: what an array of JSON holds, or all child elements of one name. A single object stands for
    /// a list of one. `None` when there is no field of these names.
    pub(crate) fn items(&mut self, names: &[&'static str]) -> Result<Option<Vec<Node>>, DocumentError> {
        let mut used: Option<Name> = None;
        let mut items = Vec::new();
        for (name, node) in self.entries.extract_if(.., |(name, _)| names.contains(&&**name)) {
            let repeats = used.is_some();
            match node {
                Node::Null => continue,
                Node::Element(_) if used.as_deref().is_none_or(|used| *used == *name) => items.push(node),
                Node::Object(_) if !repeats => items.push(node),
                Node::List(list) if !repeats => items = list,
                Node::Element(_) | Node::Object(_) | Node::List(_) => {
                    return Err(DocumentError::Duplicate(first(names)));
                }
                Node::Flag(_) | Node::Integer(_) | Node::Number | Node::Text(_) => {
                    return Err(DocumentError::Invalid(first(names)));
                }
            }
            used = Some(name);
        }
        Ok(used.map(|_| items))
    }

    /// The items of a list, as fields.
    pub(crate) fn parts(&mut self, names: &[&'static str]) -> Result<Vec<Self>, DocumentError> {
        let items = self.items(names)?.unwrap_or_default();
        items.into_iter().map(|node| node.into_fields(first(names))).collect()
    }
}

macro_rules! known {
    ($($name:literal)*) => {
        /// A name as it is kept.
        pub(crate) fn name(text: &str) -> Name {
            match text {
                $($name => Cow::Borrowed($name),)*
                _ => Cow::Owned(text.to_owned()),
            }
        }
    };
}

known! {
    "name" "user" "link" "rel" "href" "value" "group" "values" "attribute" "attributes" "expand" "active" "email"
    "first-name" "last-name" "display-name" "password" "key" "created-date" "updated-date" "description" "type"
    "users" "groups" "membership"
}

fn first(names: &[&'static str]) -> &'static str {
    names.first().copied().unwrap_or_default()
}
