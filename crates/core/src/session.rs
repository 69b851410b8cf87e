//! Sessions as they are stored.

use std::fmt;
use std::time::Duration;

use crate::id::{ApplicationId, SessionId, Subject};
use crate::name::Username;
use crate::time::Timestamp;

/// A session as it is stored. The token that opens it is not: only its digest is (T71).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names the session in lists and logs.
    pub id: SessionId,
    /// The application that it was made for (T13).
    pub application: ApplicationId,
    /// Whose it is.
    pub subject: Subject,
    /// The name under which it was made.
    pub name: Username,
    /// The account's epoch when the credential was checked.
    pub epoch: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to within the touch interval.
    pub used_at: Timestamp,
    /// When it ends, whatever is done with it.
    pub expires_at: Timestamp,
    /// How long it lasts without use, where that is shorter than the limit in force.
    pub idle: Duration,
    /// What it was bound to when it was made.
    pub binding: Binding,
}

/// What a session is bound to: a digest of the facts that whoever uses it must state alike (R809). They come from the
/// application, so that they only bind and prove nothing (T75).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binding([u8; 32]);

impl Binding {
    /// Bound to no fact at all, which is a binding like any other: whoever states a fact is turned away.
    pub const NOTHING: Self = Self([0; 32]);

    /// Wraps a digest.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The SHA-256 digest of a session token. A token has 256 random bits, so that a plain digest suffices (ASVS 6.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Wraps a digest.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    /// Shows four bytes, enough to tell sessions apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "TokenDigest({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}
