//! The mails that the protocol can ask for.

use std::fmt;

use async_trait::async_trait;
use axum::http::StatusCode;
use throng_core::resolve::Resolved;
use throng_core::user::User;
use throng_engine::Application;
use throng_wire::Reason;

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::refusal::Refusal;

/// Sends the mails that an application asks for. A host that has mail provides it.
#[async_trait]
pub trait Mail: fmt::Debug + Send + Sync {
    /// Sends a user, to the address that is kept and no other, what lets him set a new password once (T77).
    async fn send_reset(&self, application: &Application, user: &Resolved<User>) -> Result<(), MailFailed>;

    /// Sends whoever has an address the names under which it is known. Nothing is to be told to the caller of who there
    /// is, nor by how long it takes.
    async fn send_usernames(&self, application: &Application, address: &str) -> Result<(), MailFailed>;
}

/// A mail could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the mail could not be sent")]
pub struct MailFailed;

/// Lets a user have a mail to set a new password with.
pub(crate) async fn send_reset(call: &Call) -> Outcome {
    let mail = call.served.config.mail.as_ref().ok_or_else(no_mail)?;
    let user = call.user().await?;
    let address = &user.value().profile.email;
    if !address.contains('@') {
        let message = "The user has no address that a mail can go to";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, Reason::InvalidEmail, message));
    }
    mail.send_reset(&call.app, &user).await.map_err(failed)?;
    answer::nothing()
}

/// Lets whoever has an address have a mail with his names. The answer is the same whoever has it.
pub(crate) async fn send_usernames(call: &Call) -> Outcome {
    let mail = call.served.config.mail.as_ref().ok_or_else(no_mail)?;
    mail.send_usernames(&call.app, call.query.required("email")?).await.map_err(failed)?;
    answer::nothing()
}

fn no_mail() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, Reason::UnsupportedOperation, "This server sends no mails")
}

fn failed(error: MailFailed) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Reason::OperationFailed, error.to_string())
}
