//! Webhooks.

use throng_core::secret::Secret;

use crate::document::Body;
use crate::error::DocumentError;
use crate::node::{Fields, Node};
use crate::writer::Writer;

/// Where to call when events are waiting.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The id, in an answer.
    pub id: Option<String>,
    /// The URL to call, not checked.
    pub endpoint_url: String,
    /// What the caller proves itself with. An empty one is none.
    pub token: Option<Secret>,
}

impl Body for Webhook {
    const ROOT: &'static str = "webhook";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        let id = match fields.take(&["id"])? {
            Some(Node::Integer(id)) => Some(id.to_string()),
            Some(node) => Some(node.into_text("id")?),
            None => None,
        };
        let token = fields.text(&["token"])?.filter(|token| !token.is_empty());
        let token = token.map(Secret::new).transpose().map_err(|_| DocumentError::Invalid("token"))?;
        Ok(Self { id, endpoint_url: fields.required_text(&["endpointUrl", "endpoint-url"])?, token })
    }

    fn put(&self, out: &mut Writer) {
        out.optional_text("id", self.id.as_deref());
        out.text("endpointUrl", &self.endpoint_url);
        out.optional_text("token", self.token.as_ref().map(Secret::expose));
    }
}
