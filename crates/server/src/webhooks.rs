//! Who is told that events are waiting.

use std::fmt;

use async_trait::async_trait;
use throng_core::consumer;
use throng_core::id::WebhookId;
use throng_core::secret::Secret;
use throng_wire::{Reason, Webhook};

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::refusal::{About, Refusal};

/// Tells a webhook that events are waiting. A host that may reach other machines provides it, and decides which: an
/// endpoint is what an application wrote down, and may name anything (T89).
#[async_trait]
pub trait Ping: fmt::Debug + Send + Sync {
    /// Sends an empty POST to the endpoint, with the token if there is one. That it failed is for the port to note:
    /// the next change tells again.
    async fn ping(&self, endpoint: &str, token: Option<&Secret>);
}

/// Adds a webhook of the application.
pub(crate) async fn add(call: &Call) -> Outcome {
    let body: Webhook = call.document()?;
    let token = body.token.as_ref().map(Secret::expose);
    let hook = call.app.add_webhook(&body.endpoint_url, token).await.map_err(About::Webhook.refuse())?;
    let location = call.url(&format!("/webhook/{}", hook.id), &[]);
    answer::created(call.format, &location, Some(&entity(&hook)))
}

/// A webhook of the application. Another's is none (R810).
pub(crate) async fn find(call: &Call) -> Outcome {
    let id = id(call)?;
    let hooks = call.app.webhooks().map_err(About::Webhook.refuse())?;
    let hook = hooks.iter().find(|hook| hook.id == id).ok_or_else(|| missing(&call.target))?;
    answer::document(call.format, &entity(hook))
}

/// Removes a webhook of the application.
pub(crate) async fn remove(call: &Call) -> Outcome {
    call.app.remove_webhook(id(call)?).await.map_err(About::Webhook.refuse())?;
    answer::nothing()
}

/// The token is not told again: whoever made it knows it.
fn entity(hook: &consumer::Webhook) -> Webhook {
    Webhook { id: Some(hook.id.to_string()), endpoint_url: hook.endpoint.clone(), token: None }
}

fn id(call: &Call) -> Result<WebhookId, Refusal> {
    call.target.parse().map_err(|_| missing(&call.target))
}

fn missing(id: &str) -> Refusal {
    let message = format!("Webhook <{id}> does not exist");
    Refusal::new(axum::http::StatusCode::NOT_FOUND, Reason::WebhookNotFound, message)
}
