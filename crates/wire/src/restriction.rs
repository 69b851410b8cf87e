//! Searches as bodies of requests.

use throng_core::filter::{Filter, Node as FilterNode, Property, Test};

use crate::document::Body;
use crate::error::DocumentError;
use crate::format::Format;
use crate::node::{Fields, Node};
use crate::query::{self, Comparison, EntityKind, QueryError};
use crate::writer::Writer;

const NOTHING: &str = "null-search-restriction";
const PROPERTY: &str = "property-search-restriction";
const BOOLEAN: &str = "boolean-search-restriction";

/// What a search asks for.
///
/// Nested deeper than [`Filter::MAX_DEPTH`] it is not read (T81).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restriction {
    /// Everything.
    Everything,
    /// One comparison.
    Property(PropertyRestriction),
    /// All parts hold; everything when there are none.
    All(Vec<Restriction>),
    /// Some part holds; nothing when there are none.
    Any(Vec<Restriction>),
}

/// One comparison of a property with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyRestriction {
    /// The property, or the attribute.
    pub name: String,
    /// What it is.
    pub kind: PropertyType,
    /// How it is compared.
    pub mode: MatchMode,
    /// What it is compared with.
    pub value: String,
}

/// What a property is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PropertyType {
    /// A text.
    String,
    /// A flag.
    Boolean,
    /// A moment.
    Date,
}

/// How a property is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchMode {
    /// The value is in it.
    Contains,
    /// It begins with the value.
    StartsWith,
    /// It ends with the value.
    EndsWith,
    /// It is the value.
    ExactlyMatches,
    /// It is less than the value, or before it.
    LessThan,
    /// It is at most the value.
    LessThanOrEqual,
    /// It is greater than the value, or after it.
    GreaterThan,
    /// It is at least the value.
    GreaterThanOrEqual,
    /// It has no value.
    Null,
}

impl MatchMode {
    const ALL: [Self; 9] = [
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::ExactlyMatches,
        Self::LessThan,
        Self::LessThanOrEqual,
        Self::GreaterThan,
        Self::GreaterThanOrEqual,
        Self::Null,
    ];

    /// The word in the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contains => "CONTAINS",
            Self::StartsWith => "STARTS_WITH",
            Self::EndsWith => "ENDS_WITH",
            Self::ExactlyMatches => "EXACTLY_MATCHES",
            Self::LessThan => "LESS_THAN",
            Self::LessThanOrEqual => "LESS_THAN_OR_EQUAL",
            Self::GreaterThan => "GREATER_THAN",
            Self::GreaterThanOrEqual => "GREATER_THAN_OR_EQUAL",
            Self::Null => "NULL",
        }
    }

    fn comparison(self) -> Comparison {
        match self {
            Self::Contains => Comparison::Contains,
            Self::StartsWith => Comparison::StartsWith,
            Self::EndsWith => Comparison::EndsWith,
            Self::ExactlyMatches => Comparison::Equals,
            Self::LessThan | Self::LessThanOrEqual | Self::GreaterThan | Self::GreaterThanOrEqual => {
                Comparison::Ordered
            }
            Self::Null => Comparison::Missing,
        }
    }
}

impl PropertyType {
    /// The word in the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Boolean => "BOOLEAN",
            Self::Date => "DATE",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::String, Self::Boolean, Self::Date]
            .into_iter()
            .find(|kind| text.trim_ascii().eq_ignore_ascii_case(kind.as_str()))
    }
}

impl Restriction {
    /// The search that is asked for, within the limits of [`Filter`] (T81).
    ///
    /// A value is literal. A term over dates is [`QueryError::Unsupported`]; one with an order, or with a flag that is
    /// none, is [`QueryError::Syntax`] with the number of the term, counted from 0.
    pub fn to_filter(&self, kind: EntityKind) -> Result<Filter, QueryError> {
        self.filter(kind, 1, &mut 0)
    }

    /// The restriction that a remote server can be asked, of which the answer holds all that passes a filter.
    ///
    /// 1. What cannot be said becomes [`Restriction::Everything`]: negation, missing values, descriptions, and whether
    ///    a group is active.
    /// 2. A server compares by its own lower case. So only a run of plain letters that every spelling has is sent, and
    ///    what a key may have folded (`ss` from `ß`, anything beyond ASCII) is left out of it. A value spelled with
    ///    compatibility letters (`ﬁ`, full width), which names made here cannot have, may be missed.
    /// 3. Ends are asked for as contents, since older servers know no `ENDS_WITH`.
    pub fn narrowing(filter: &Filter, kind: EntityKind) -> Self {
        narrow(filter.node(), kind)
    }

    fn filter(&self, kind: EntityKind, depth: usize, terms: &mut usize) -> Result<Filter, QueryError> {
        if depth > Filter::MAX_DEPTH {
            return Err(QueryError::TooComplex);
        }
        let mut each = |parts: &[Self]| -> Result<Vec<Filter>, QueryError> {
            parts.iter().map(|part| part.filter(kind, depth + 1, terms)).collect()
        };
        match self {
            Self::Everything => Ok(Filter::everything()),
            Self::All(parts) => Ok(Filter::all(each(parts)?)?),
            Self::Any(parts) => Ok(Filter::any(each(parts)?)?),
            Self::Property(PropertyRestriction { name, mode, value, kind: _ }) => {
                let position = *terms;
                *terms += 1;
                query::term(kind, name, mode.comparison(), value, position)
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Everything => NOTHING,
            Self::Property(_) => PROPERTY,
            Self::All(_) | Self::Any(_) => BOOLEAN,
        }
    }

    fn take_at(depth: usize, root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        if depth > Filter::MAX_DEPTH {
            return Err(DocumentError::TooDeep);
        }
        let said = fields.text(&["restriction-type", "restrictionType"])?;
        match root.or(said.as_deref()).ok_or(DocumentError::Missing("restriction-type"))? {
            NOTHING => Ok(Self::Everything),
            PROPERTY => PropertyRestriction::take(fields).map(Self::Property),
            BOOLEAN => {
                let logic = fields.required_text(&["boolean-logic", "booleanLogic"])?;
                let parts = take_parts(depth, &mut fields)?;
                match logic.trim_ascii() {
                    logic if logic.eq_ignore_ascii_case("and") => Ok(Self::All(parts)),
                    logic if logic.eq_ignore_ascii_case("or") => Ok(Self::Any(parts)),
                    _ => Err(DocumentError::Invalid("boolean-logic")),
                }
            }
            _ => Err(DocumentError::Invalid("restriction-type")),
        }
    }
}

impl PropertyRestriction {
    fn take(mut fields: Fields) -> Result<Self, DocumentError> {
        let mut property = fields.part(&["property"])?.ok_or(DocumentError::Missing("property"))?;
        let kind = match property.text(&["type"])? {
            None => PropertyType::String,
            Some(text) => PropertyType::of(&text).ok_or(DocumentError::Invalid("type"))?,
        };
        let mode = fields.required_text(&["match-mode", "matchMode"])?;
        let mode = MatchMode::ALL
            .into_iter()
            .find(|known| mode.trim_ascii().eq_ignore_ascii_case(known.as_str()))
            .ok_or(DocumentError::Invalid("match-mode"))?;
        let value = match fields.take(&["value"])? {
            None if mode == MatchMode::Null => String::new(),
            None => return Err(DocumentError::Missing("value")),
            Some(Node::Flag(flag)) => flag.to_string(),
            Some(Node::Integer(number)) => number.to_string(),
            Some(node) => node.into_text("value")?,
        };
        Ok(Self { name: property.required_text(&["name"])?, kind, mode, value })
    }

    fn put(&self, out: &mut Writer) {
        out.part("property");
        out.text("name", &self.name);
        out.text("type", self.kind.as_str());
        out.end();
        out.text("match-mode", self.mode.as_str());
        out.text("value", &self.value);
    }
}

impl Body for Restriction {
    const ROOT: &'static str = "search-restriction";

    fn is_root(name: &str) -> bool {
        [NOTHING, PROPERTY, BOOLEAN].contains(&name)
    }

    fn take(root: Option<&str>, fields: Fields) -> Result<Self, DocumentError> {
        Self::take_at(1, root, fields)
    }

    fn put(&self, out: &mut Writer) {
        let (logic, parts) = match self {
            Self::Everything | Self::Property(_) => ("", [].as_slice()),
            Self::All(parts) => ("and", parts.as_slice()),
            Self::Any(parts) => ("or", parts.as_slice()),
        };
        if out.format() == Format::Json {
            out.text("restriction-type", self.name());
        }
        match self {
            Self::Everything => {}
            Self::Property(property) => property.put(out),
            Self::All(_) | Self::Any(_) => {
                out.attribute("boolean-logic", logic);
                put_parts(parts, out);
            }
        }
    }

    fn put_root(&self, out: &mut Writer) {
        out.root(self.name());
        self.put(out);
        out.end();
    }
}

/// The parts of a boolean restriction: children of an element in XML, an array in JSON.
fn take_parts(depth: usize, fields: &mut Fields) -> Result<Vec<Restriction>, DocumentError> {
    match fields.take(&["restrictions"])? {
        None => Ok(Vec::new()),
        Some(Node::List(items)) => items
            .into_iter()
            .map(|item| Restriction::take_at(depth + 1, None, item.into_fields("restrictions")?))
            .collect(),
        Some(Node::Element(list)) => {
            let parts = list.into_entries().into_iter().filter_map(|(name, node)| match node {
                Node::Element(fields) => Some(Restriction::take_at(depth + 1, Some(&name), fields)),
                Node::Null
                | Node::Flag(_)
                | Node::Integer(_)
                | Node::Number
                | Node::Text(_)
                | Node::List(_)
                | Node::Object(_) => None,
            });
            parts.collect()
        }
        Some(
            Node::Null | Node::Flag(_) | Node::Integer(_) | Node::Number | Node::Text(_) | Node::Object(_),
        ) => Err(DocumentError::Invalid("restrictions")),
    }
}

fn put_parts(parts: &[Restriction], out: &mut Writer) {
    match out.format() {
        Format::Json => out.list("restrictions"),
        Format::Xml => out.part("restrictions"),
    }
    for part in parts {
        out.item(part.name());
        part.put(out);
        out.end();
    }
    out.end();
}

fn narrow(node: &FilterNode, kind: EntityKind) -> Restriction {
    match node {
        FilterNode::Everything | FilterNode::Not(_) => Restriction::Everything,
        FilterNode::Term(term) => narrow_term(&term.property, &term.test, kind)
            .map_or(Restriction::Everything, Restriction::Property),
        FilterNode::All(parts) => {
            let mut parts: Vec<_> = parts.iter().map(|part| narrow(part, kind)).collect();
            parts.retain(|part| *part != Restriction::Everything);
            match parts.len() {
                0 => Restriction::Everything,
                1 => parts.remove(0),
                _ => Restriction::All(parts),
            }
        }
        FilterNode::Any(parts) => {
            let mut parts: Vec<_> = parts.iter().map(|part| narrow(part, kind)).collect();
            match parts.len() {
                1 => parts.remove(0),
                0 => Restriction::Everything,
                _ if parts.contains(&Restriction::Everything) => Restriction::Everything,
                _ => Restriction::Any(parts),
            }
        }
    }
}

fn narrow_term(property: &Property, test: &Test, kind: EntityKind) -> Option<PropertyRestriction> {
    let name = match property {
        Property::Name => "name",
        Property::DisplayName => "displayName",
        Property::FirstName => "firstName",
        Property::LastName => "lastName",
        Property::Email => "email",
        Property::Active => "active",
        Property::Description => return None,
        Property::Attribute(name) => match query::property(kind, name, 0) {
            Ok(Property::Attribute(_)) => name,
            // The server would take it for the property.
            Ok(_) | Err(_) => return None,
        },
    };
    let of_users = matches!(
        property,
        Property::DisplayName | Property::FirstName | Property::LastName | Property::Email | Property::Active
    );
    if of_users && kind == EntityKind::Group {
        return None;
    }
    let (key, opens, closes) = match (property, test) {
        (Property::Active, Test::Is(flag)) => {
            return Some(PropertyRestriction {
                name: name.to_owned(),
                kind: PropertyType::Boolean,
                mode: MatchMode::ExactlyMatches,
                value: flag.to_string(),
            });
        }
        (Property::Active, _) | (_, Test::Is(_) | Test::Missing) => return None,
        (_, Test::Equals(key)) => (key.as_str(), Edge::Closed, Edge::Closed),
        (_, Test::StartsWith(key)) => (key.as_str(), Edge::Closed, Edge::Open),
        (_, Test::EndsWith(key)) => (key.as_str(), Edge::Open, Edge::Closed),
        (_, Test::Contains(key)) => (key.as_str(), Edge::Open, Edge::Open),
    };
    let (at, run) = longest_plain_run(key, opens, closes);
    if run.is_empty() {
        return None;
    }
    let mode = match (opens, closes) {
        (Edge::Closed, Edge::Closed) if run == key => MatchMode::ExactlyMatches,
        (Edge::Closed, _) if at == 0 => MatchMode::StartsWith,
        (Edge::Closed | Edge::Open, _) => MatchMode::Contains,
    };
    Some(PropertyRestriction {
        name: name.to_owned(),
        kind: PropertyType::String,
        mode,
        value: run.to_owned(),
    })
}

/// Whether more may stand beyond an end of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Open,
    Closed,
}

/// The longest part of a key that stands so, but for case, in every usual spelling, and where it begins: ASCII without
/// an `s` that may be half of a `ß`, because it has another one beside it or stands at an open end.
fn longest_plain_run(key: &str, opens: Edge, closes: Edge) -> (usize, &str) {
    let bytes = key.as_bytes();
    let is_plain = |at: usize| match bytes.get(at) {
        Some(b's') => {
            let before = match at.checked_sub(1) {
                Some(before) => bytes.get(before) == Some(&b's'),
                None => opens == Edge::Open,
            };
            let after = match bytes.get(at + 1) {
                Some(byte) => *byte == b's',
                None => closes == Edge::Open,
            };
            !before && !after
        }
        Some(byte) => byte.is_ascii(),
        None => false,
    };
    let (mut longest, mut start) = ((0, ""), 0);
    for at in 0..=bytes.len() {
        if is_plain(at) {
            continue;
        }
        // Both ends are beside ASCII or the ends of the key, so that the part is one of characters.
        if let Some(run) = key.get(start..at).filter(|run| run.len() > longest.1.len()) {
            longest = (start, run);
        }
        start = at + 1;
    }
    longest
}
