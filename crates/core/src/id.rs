//! Typed identifiers: [`Id`] over UUIDs, and the [`Subject`] that an account is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::Uuid;

use crate::entropy::Entropy;
use crate::name::Key;

/// An identifier of one kind of thing. An `Id` of one kind cannot be used where another kind is asked for (T06).
///
/// 1. Written as a hyphenated UUID, and parsed from one in any of its usual forms.
/// 2. Equality, order and hash are those of the 16 bytes.
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident as $alias:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kind {}

        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// Names a directory.
    DirectoryKind as DirectoryId;
    /// Names an application.
    ApplicationKind as ApplicationId;
    /// Names the stable identity that a host's content refers to.
    IdentityKind as IdentityId;
    /// Names a session.
    SessionKind as SessionId;
    /// Names a webhook.
    WebhookKind as WebhookId;
    /// Names a store from its making on, so that what one says of itself is not taken for another's.
    InstanceKind as InstanceId;
}

impl<K> Id<K> {
    /// Draws a random (version 4) identifier.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self::from_uuid(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Wraps a UUID that was stored or configured.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }

    /// Wraps 16 bytes that were stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_uuid(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.uuid.as_bytes()
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uuid, f)
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uuid, f)
    }
}

/// The text is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier")]
pub struct NotAnId;

impl<K> FromStr for Id<K> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        Uuid::parse_str(text).map(Self::from_uuid).map_err(|_| NotAnId)
    }
}

#[cfg(feature = "serde")]
impl<K> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.uuid.serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de, K> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::from_uuid)
    }
}

/// The identifier by which a directory knows one of its accounts or groups, whatever it is called today.
///
/// 1. Opaque: it is compared byte for byte, and never read as an identifier of ours (T06).
/// 2. 1 to [`ExternalId::MAX_BYTES`] bytes, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct ExternalId(Box<str>);

impl ExternalId {
    /// Longest external id. Crowd keeps 255 characters (R308), which are at most this many bytes.
    pub const MAX_BYTES: usize = 1020;

    /// Accepts an id as a directory gave it.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidExternalId> {
        let text = text.into();
        if text.is_empty() || text.len() > Self::MAX_BYTES || text.chars().any(char::is_control) {
            return Err(InvalidExternalId);
        }
        Ok(Self(text.into_boxed_str()))
    }

    /// Draws an id for something made here (R312), behind a short prefix.
    pub fn random(prefix: &'static str, entropy: &dyn Entropy) -> Self {
        Self(format!("{prefix}{}", Id::<IdentityKind>::random(entropy)).into_boxed_str())
    }

    /// The id of an entry whose directory has no ids: its name stands in, so that a rename looks like somebody else
    /// (R314).
    pub fn of_name(key: &Key) -> Result<Self, InvalidExternalId> {
        Self::new(format!("{}{}", Self::NAMED, key.as_str()))
    }

    /// Whether the id was made by [`ExternalId::of_name`].
    pub fn is_of_name(&self) -> bool {
        self.0.starts_with(Self::NAMED)
    }

    /// The folded name that the id stands for, if it was made by [`ExternalId::of_name`].
    pub fn stands_for(&self) -> Option<&str> {
        self.0.strip_prefix(Self::NAMED)
    }

    /// How the ids begin that names stand in for.
    const NAMED: &str = "name:";

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ExternalId {
    type Error = InvalidExternalId;

    fn try_from(text: String) -> Result<Self, InvalidExternalId> {
        Self::new(text)
    }
}

impl From<ExternalId> for String {
    fn from(id: ExternalId) -> Self {
        id.0.into_string()
    }
}

/// The text cannot be an external id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an external id has 1 to {max} bytes and no control characters", max = ExternalId::MAX_BYTES)]
pub struct InvalidExternalId;

/// An account: which directory, and which of its entries. A name only selects a subject (decision 1 of the threat
/// list).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Subject {
    /// The directory that holds the account.
    pub directory: DirectoryId,
    /// The directory's own id of the account.
    pub external_id: ExternalId,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.directory, self.external_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = DirectoryId::from_bytes([7; 16]);
        assert_eq!(id.to_string().parse::<DirectoryId>().unwrap(), id);
        assert_eq!("admin".parse::<DirectoryId>(), Err(NotAnId));
    }

    #[test]
    fn an_id_of_a_name_tells_the_name() {
        let id = ExternalId::of_name(&Key::of("Anna")).unwrap();
        assert_eq!((id.is_of_name(), id.stands_for()), (true, Some("anna")));
        assert_eq!(ExternalId::new("32769:anna").unwrap().stands_for(), None);
    }

    #[test]
    fn an_external_id_is_bounded_and_printable() {
        assert!(ExternalId::new("").is_err());
        assert!(ExternalId::new("a\u{0}").is_err());
        assert!(ExternalId::new("x".repeat(ExternalId::MAX_BYTES)).is_ok());
        assert!(ExternalId::new("x".repeat(ExternalId::MAX_BYTES + 1)).is_err());
    }
}
