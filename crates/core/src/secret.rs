//! Clear-text secrets.

use std::fmt;

use zeroize::Zeroizing;

/// A clear-text password as somebody typed it.
///
/// 1. It has no `Display` and no serialisation; its `Debug` shows nothing of it, not even its length.
/// 2. Its bytes are overwritten when it is dropped.
/// 3. It holds 1 to [`Secret::MAX_BYTES`] bytes: an empty one is refused here, so that no directory ever sees it (T29),
///    and a longer one is refused before anything is hashed (T51).
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Longest password in bytes: enough for the 64 characters that NIST SP 800-63B asks for in any script, and short
    /// enough that every imported hash scheme stays cheap to check.
    pub const MAX_BYTES: usize = 512;

    /// Takes a password from outside.
    pub fn new(text: impl Into<String>) -> Result<Self, SecretError> {
        let text = Zeroizing::new(text.into());
        if text.is_empty() || text.chars().all(|c| c == '\0') {
            return Err(SecretError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(SecretError::TooLong);
        }
        Ok(Self(text))
    }

    /// The clear text, for the one place that checks or hashes it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a text cannot be a password at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing, or nothing but NUL characters.
    #[error("the password is empty")]
    Empty,
    /// More than [`Secret::MAX_BYTES`] bytes.
    #[error("the password is longer than {max} bytes", max = Secret::MAX_BYTES)]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_oversized_passwords_are_refused_t29_t51() {
        assert_eq!(Secret::new("").unwrap_err(), SecretError::Empty);
        assert_eq!(Secret::new("\0").unwrap_err(), SecretError::Empty);
        assert!(Secret::new("\0secret").is_ok());
        assert!(Secret::new("x".repeat(512)).is_ok());
        assert_eq!(Secret::new("x".repeat(513)).unwrap_err(), SecretError::TooLong);
        assert_eq!(Secret::new("x".repeat(1 << 20)).unwrap_err(), SecretError::TooLong);
    }

    #[test]
    fn a_secret_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2").unwrap()), "Secret(..)");
    }
}
