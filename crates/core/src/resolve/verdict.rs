use crate::directory::Refusal;
use crate::id::{DirectoryId, Subject};
use crate::resolve::trail::Trail;
use crate::user::User;

/// What a plan says about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<T> {
    /// A directory holds the name and decides.
    Resolved(Resolved<T>),
    /// A directory holds the name and refused the credential.
    Refused {
        /// The directory that decided.
        by: DirectoryId,
        /// Why.
        why: Refusal,
        /// What was asked and what was said.
        trail: Trail,
    },
    /// Everybody answered and nobody holds the name.
    Unknown(Trail),
    /// Somebody was silent and nobody decided.
    Undecided(Trail),
}

impl<T> Verdict<T> {
    /// What was asked and what was said.
    pub fn trail(&self) -> &Trail {
        match self {
            Self::Resolved(resolved) => resolved.trail(),
            Self::Refused { trail, .. } | Self::Unknown(trail) | Self::Undecided(trail) => trail,
        }
    }
}

/// A value that a plan resolved a name to, with where it came from and why.
///
/// Built only by this module, so that whoever holds one knows that the rules of the plan were applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<T> {
    value: T,
    directory: DirectoryId,
    trail: Trail,
}

impl<T> Resolved<T> {
    pub(super) fn new(value: T, directory: DirectoryId, trail: Trail) -> Self {
        Self { value, directory, trail }
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The directory that it came from.
    pub fn directory(&self) -> DirectoryId {
        self.directory
    }

    /// What was asked and what was said.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Gives the value up.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl Resolved<User> {
    /// The account.
    pub fn subject(&self) -> Subject {
        Subject { directory: self.directory, external_id: self.value.external_id.clone() }
    }
}
