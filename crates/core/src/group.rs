//! Groups and what belongs to them.

use crate::attribute::Attributes;
use crate::id::ExternalId;
use crate::name::{GroupName, Key, Username};

/// A group as a directory knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The directory's own id of the group.
    pub external_id: ExternalId,
    /// The name, as the directory spells it.
    pub name: GroupName,
    /// What it is for; may be empty, at most [`Group::MAX_DESCRIPTION_CHARS`] code points.
    pub description: String,
    /// Where it was made.
    pub origin: Origin,
    /// Whatever applications or the directory attach.
    pub attributes: Attributes,
}

impl Group {
    /// Longest description.
    pub const MAX_DESCRIPTION_CHARS: usize = 4_000;

    /// A group that a source has, of which nothing is known but the id and the name.
    pub fn imported(external_id: ExternalId, name: GroupName) -> Self {
        let (description, attributes) = (String::new(), Attributes::new());
        Self { external_id, name, description, origin: Origin::Imported, attributes }
    }

    /// What the name is compared by.
    pub fn key(&self) -> &Key {
        self.name.key()
    }

    /// Whether a text keeps the limits of a description: its length, and no control characters.
    pub fn may_describe(text: &str) -> bool {
        text.chars().count() <= Self::MAX_DESCRIPTION_CHARS && !text.chars().any(char::is_control)
    }
}

/// Where a group was made. In a directory fed from elsewhere, only local groups may be changed here (R120, R125).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Made here.
    Local,
    /// Imported from the directory's source.
    Imported,
}

/// One direct member of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Member {
    /// A user.
    User(Username),
    /// A group inside the group.
    Group(GroupName),
}

impl Member {
    /// What the member's name is compared by.
    pub fn key(&self) -> &Key {
        match self {
            Self::User(name) => name.key(),
            Self::Group(name) => name.key(),
        }
    }
}

impl std::fmt::Display for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => std::fmt::Display::fmt(name, f),
            Self::Group(name) => std::fmt::Display::fmt(name, f),
        }
    }
}
