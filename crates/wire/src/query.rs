//! What both ways to ask for a search share: whom it is about, and how it fails.

use throng_core::attribute::Attributes;
use throng_core::filter::{Filter, FilterTooComplex, Property, Test};
use throng_core::name::Key;

/// What a search looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntityKind {
    /// Users.
    User,
    /// Groups.
    Group,
}

/// Why a search is refused. Nothing of it is repeated but a known property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It is not in the language.
    #[error("the search is malformed at byte {position}")]
    Syntax {
        /// Where it was noticed, in bytes from the beginning; in the body of a request, the number of the term.
        position: usize,
    },
    /// It is longer, deeper or has more terms than is searched (T81).
    #[error("the search is too complex")]
    TooComplex,
    /// It asks for a property that no directory here keeps.
    #[error("searching by `{0}` is not supported")]
    Unsupported(&'static str),
}

impl From<FilterTooComplex> for QueryError {
    fn from(_: FilterTooComplex) -> Self {
        Self::TooComplex
    }
}

impl EntityKind {
    /// The kind that the parameter `entity-type` names, in any case.
    pub fn of(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("user") {
            Some(Self::User)
        } else if text.eq_ignore_ascii_case("group") {
            Some(Self::Group)
        } else {
            None
        }
    }
}

/// How a value is compared, before it is known with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equals,
    StartsWith,
    EndsWith,
    Contains,
    Missing,
    /// Before or after a moment.
    Ordered,
}

/// One term. Dates are not kept, and everything else has no order.
pub(crate) fn term(
    kind: EntityKind,
    key: &str,
    comparison: Comparison,
    value: &str,
    position: usize,
) -> Result<Filter, QueryError> {
    let property = property(kind, key, position)?;
    if property == Property::Active {
        let flag = match (comparison, value) {
            (Comparison::Equals, value) if value.eq_ignore_ascii_case("true") => true,
            (Comparison::Equals, value) if value.eq_ignore_ascii_case("false") => false,
            _ => return Err(QueryError::Syntax { position }),
        };
        return Ok(Filter::term(property, Test::Is(flag)));
    }
    let test = match comparison {
        Comparison::Equals if value.is_empty() => Test::Missing,
        Comparison::Equals => Test::Equals(Key::of(value)),
        Comparison::StartsWith => Test::StartsWith(Key::of(value)),
        Comparison::EndsWith => Test::EndsWith(Key::of(value)),
        Comparison::Contains => Test::Contains(Key::of(value)),
        Comparison::Missing => Test::Missing,
        Comparison::Ordered => return Err(QueryError::Syntax { position }),
    };
    Ok(Filter::term(property, test))
}

/// The property that a word names; any word that names none is an attribute.
pub(crate) fn property(kind: EntityKind, key: &str, position: usize) -> Result<Property, QueryError> {
    match (kind, key) {
        (_, "name") => Ok(Property::Name),
        (_, "active") => Ok(Property::Active),
        (_, "createdDate") => Err(QueryError::Unsupported("createdDate")),
        (_, "updatedDate") => Err(QueryError::Unsupported("updatedDate")),
        (EntityKind::User, "firstName") => Ok(Property::FirstName),
        (EntityKind::User, "lastName") => Ok(Property::LastName),
        (EntityKind::User, "displayName") => Ok(Property::DisplayName),
        (EntityKind::User, "email") => Ok(Property::Email),
        (EntityKind::Group, "description") => Ok(Property::Description),
        (EntityKind::User | EntityKind::Group, "") => Err(QueryError::Syntax { position }),
        (EntityKind::User | EntityKind::Group, name) if name.chars().count() > Attributes::MAX_NAME_CHARS => {
            Err(QueryError::Syntax { position })
        }
        (EntityKind::User | EntityKind::Group, name) => Ok(Property::Attribute(name.to_owned())),
    }
}
