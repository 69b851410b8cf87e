//! Passwords on their way in.

use throng_core::secret::{Secret, SecretError};

use crate::document::Body;
use crate::error::DocumentError;
use crate::node::Fields;
use crate::writer::Writer;

/// A password in the body of a request. None ever stands in an answer.
///
/// Any root element that has a `value` is read.
#[derive(Debug, Clone)]
pub struct PasswordBody {
    /// The password, or why the text cannot be one: an empty one fails as a wrong one does (T29), not as a bad request.
    pub value: Result<Secret, SecretError>,
}

impl PasswordBody {
    /// Takes a text for a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self { value: Secret::new(text) }
    }

    /// The clear text, which is empty when it cannot be a password.
    pub(crate) fn clear(&self) -> &str {
        self.value.as_ref().map_or("", Secret::expose)
    }

    /// Takes the value of a field that may hold just a link.
    pub(crate) fn take_field(fields: &mut Fields) -> Result<Option<Self>, DocumentError> {
        let Some(mut password) = fields.part(&["password"])? else { return Ok(None) };
        Ok(password.text(&["value"])?.map(Self::new))
    }
}

impl From<Secret> for PasswordBody {
    fn from(secret: Secret) -> Self {
        Self { value: Ok(secret) }
    }
}

impl Body for PasswordBody {
    const ROOT: &'static str = "password";

    fn is_root(_name: &str) -> bool {
        true
    }

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        fields.required_text(&["value"]).map(Self::new)
    }

    fn put(&self, out: &mut Writer) {
        out.text("value", self.clear());
    }
}
