//! Users.

use crate::attribute::Attributes;
use crate::id::ExternalId;
use crate::name::{Key, Username};

/// A user as a directory knows it. It never holds anything of the password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct User {
    /// The directory's own id of the account; with the directory it makes the [`Subject`](crate::id::Subject).
    pub external_id: ExternalId,
    /// The name, as the directory spells it.
    pub name: Username,
    /// What people see.
    pub profile: Profile,
    /// Whether the account may log in.
    pub active: bool,
    /// Whatever applications or the directory attach.
    pub attributes: Attributes,
}

impl User {
    /// An active user of whom nothing is known but the id and the name.
    pub fn named(external_id: ExternalId, name: Username) -> Self {
        let (profile, attributes) = (Profile::default(), Attributes::new());
        Self { external_id, name, profile, active: true, attributes }
    }

    /// What the name is compared by.
    pub fn key(&self) -> &Key {
        self.name.key()
    }
}

/// The words that people see of a user. Each field is empty when it is not known.
///
/// Fields hold at most [`Profile::MAX_CHARS`] code points and no control characters; [`Profile::check`] tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Profile {
    /// The name to show.
    pub display_name: String,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// The e-mail address: unverified data, never used to find who somebody is (T07).
    pub email: String,
}

impl Profile {
    /// Longest field (R308).
    pub const MAX_CHARS: usize = 255;

    /// Tells whether all fields keep their limits.
    pub fn check(&self) -> Result<(), InvalidProfile> {
        let fields = [
            ("display name", &self.display_name),
            ("first name", &self.first_name),
            ("last name", &self.last_name),
            ("e-mail address", &self.email),
        ];
        match fields
            .into_iter()
            .find(|(_, text)| text.chars().count() > Self::MAX_CHARS || text.chars().any(char::is_control))
        {
            Some((field, _)) => Err(InvalidProfile { field }),
            None => Ok(()),
        }
    }
}

/// A field of a [`Profile`] breaks its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {field} has more than {max} characters or a control character", max = Profile::MAX_CHARS)]
pub struct InvalidProfile {
    /// The field, in words.
    pub field: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_bounded() {
        let mut profile = Profile { display_name: "x".repeat(255), ..Profile::default() };
        assert_eq!(profile.check(), Ok(()));
        profile.email = "a@b\r\nBcc: everybody".into();
        assert_eq!(profile.check(), Err(InvalidProfile { field: "e-mail address" }));
        profile.display_name.push('x');
        assert_eq!(profile.check(), Err(InvalidProfile { field: "display name" }));
    }
}
