//! New names.

use crate::document::Body;
use crate::error::DocumentError;
use crate::node::Fields;
use crate::writer::Writer;

/// The new name of a user.
///
/// Any root element that has a `new-name` is read, since the recorded clients do not agree on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewName {
    /// The name, not checked.
    pub name: String,
}

impl Body for NewName {
    const ROOT: &'static str = "rename";

    fn is_root(_name: &str) -> bool {
        true
    }

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        Ok(Self { name: fields.required_text(&["new-name", "newName"])? })
    }

    fn put(&self, out: &mut Writer) {
        out.text("new-name", &self.name);
    }
}
