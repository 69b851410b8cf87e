//! Whether users are who they say, without a session.

use throng_engine::application::Authenticated;
use throng_wire::PasswordBody;

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::entity::{Detail, Entities};
use crate::refusal::{About, Refusal};

/// Checks a password. Unknown and wrong are one answer, to the byte (T42).
pub(crate) async fn check(call: &Call) -> Outcome {
    let name = call.query.required("username")?;
    let body: PasswordBody = call.document()?;
    let who = authenticate(call, name, Some(&body)).await?;
    shown(call, &who)
}

/// Takes note that the application has authenticated a user itself (R215).
pub(crate) async fn notify(call: &Call) -> Outcome {
    let name = call.query.required("username")?;
    let who = call.app.vouch_for(name).await.map_err(About::Authentication.refuse())?;
    shown(call, &who)
}

/// Checks a password; an empty or impossible one is a wrong one.
pub(crate) async fn authenticate(
    call: &Call,
    name: &str,
    password: Option<&PasswordBody>,
) -> Result<Authenticated, Refusal> {
    let password = password.and_then(|body| body.value.as_ref().ok()).map_or("", |secret| secret.expose());
    call.app.authenticate(name, password).await.map_err(About::Authentication.refuse())
}

fn shown(call: &Call, who: &Authenticated) -> Outcome {
    let entities = Entities { base: call.base.clone(), detail: Detail::Full };
    answer::document(call.format, &entities.resolved_user(who.user()))
}
