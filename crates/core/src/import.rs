//! Rows of an import: users and groups as a file or another system gives them, before anything is checked.

use std::fmt;

use crate::user::Profile;

/// A user to be imported.
///
/// Its `Debug` leaves the password hash out.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct UserRow {
    /// Where the row stands in its source, counted from 1, for messages.
    pub line: u64,
    /// The name, not checked yet.
    pub name: String,
    /// What people see.
    pub profile: Profile,
    /// Whether the account may log in.
    pub active: bool,
    /// The groups that directly hold the user; made when missing.
    pub groups: Vec<String>,
    /// The stored password hash, in whatever scheme it is.
    pub password_hash: Option<String>,
}

impl fmt::Debug for UserRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, name, profile, active, groups, password_hash } = self;
        f.debug_struct("UserRow")
            .field("line", line)
            .field("name", name)
            .field("profile", profile)
            .field("active", active)
            .field("groups", groups)
            .field("has_password_hash", &password_hash.is_some())
            .finish()
    }
}

/// A group to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupRow {
    /// Where the row stands in its source, counted from 1, for messages.
    pub line: u64,
    /// The name, not checked yet.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The groups that directly hold this group.
    pub parents: Vec<String>,
}
