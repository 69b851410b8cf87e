//! Stored passwords and the rules they are kept by, as data. The checking of both is in the `passwords` crate.

use std::fmt;

use zeroize::Zeroizing;

use crate::time::Timestamp;

/// A password hash in its stored text form.
///
/// 1. Whatever text it is, it is data: nothing here tells whether the scheme is known or its cost bearable.
/// 2. It has no `Display` and no serialisation; its `Debug` shows the scheme's tag at most.
/// 3. At most [`EncodedHash::MAX_BYTES`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodedHash(Zeroizing<String>);

impl EncodedHash {
    /// Longest stored hash. The longest known form, PBKDF2-SHA512 in PHC form with a 64-byte salt, needs under 250.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a hash as it was stored or imported.
    pub fn new(text: impl Into<String>) -> Result<Self, HashTooLong> {
        let text = Zeroizing::new(text.into());
        if text.len() > Self::MAX_BYTES {
            return Err(HashTooLong);
        }
        Ok(Self(text))
    }

    /// The text, for the one place that verifies it and the one place that stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EncodedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = ["$argon2id$", "{PKCS5S2}", "{SSHA}", "{SHA}", "$2b$", "$6$", "pbkdf2_sha256$"];
        let tag = known.into_iter().find(|tag| self.0.starts_with(tag)).unwrap_or("?");
        write!(f, "EncodedHash({tag}..)")
    }
}

/// The text is longer than any password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored password hash has at most {max} bytes", max = EncodedHash::MAX_BYTES)]
pub struct HashTooLong;

/// What a store keeps about the password of one user of an internal directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The hash, or why there is none that can be checked.
    pub hash: CredentialState,
    /// Former hashes, newest first; the current one is not among them.
    pub history: Vec<EncodedHash>,
    /// When the password was last set.
    pub changed_at: Timestamp,
    /// Consecutive failed attempts since the last success (R702, R703).
    pub failed_attempts: u32,
    /// Whether the password must be changed before it opens anything (R704).
    pub must_change: bool,
}

/// The password of a user, as far as there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialState {
    /// A hash that can be verified.
    Usable(EncodedHash),
    /// A hash that arrived in a form that cannot be verified. The user exists and cannot log in; an operator sees why.
    Quarantined(EncodedHash),
    /// No password: mirrored, delegated or never set (R705).
    Absent,
}

/// The password rules of an internal directory (R710).
///
/// Composition rules are left out on purpose: NIST SP 800-63B-4 §3.1.1.2 forbids them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default)
)]
pub struct PasswordPolicy {
    /// Fewest Unicode code points. Default 8: the least that NIST SP 800-63B-4 and ASVS 6.2.1 accept beside a second
    /// factor.
    pub min_length: u32,
    /// Passwords refused as a whole, compared by folded text, beside the built-in list of common ones.
    pub blocklist: Vec<String>,
    /// How many latest passwords may not be used again; `n` counts the current one (Q17), so 1 refuses only the current
    /// password and 0 allows any.
    pub history: u32,
    /// Days until a password must be changed, or none. Default none: NIST forbids routine expiry (R704).
    pub max_age_days: Option<u32>,
    /// Consecutive failures after which even the right password is refused until a new one is set, or none (R702).
    /// Default 100, the most that NIST SP 800-63B §3.2.2 allows.
    pub max_attempts: Option<u32>,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 8, blocklist: Vec::new(), history: 0, max_age_days: None, max_attempts: Some(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_shows_its_scheme_at_most() {
        let hash = EncodedHash::new("{SSHA}c2VjcmV0").unwrap();
        assert_eq!(format!("{hash:?}"), "EncodedHash({SSHA}..)");
        assert_eq!(format!("{:?}", EncodedHash::new("secret").unwrap()), "EncodedHash(?..)");
        assert!(EncodedHash::new("x".repeat(EncodedHash::MAX_BYTES + 1)).is_err());
    }
}
