//! Single sign-on: sessions that applications open, share by a cookie, and validate.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use throng_core::id::{ApplicationId, Subject};
use throng_core::resolve::Resolved;
use throng_core::secret::Secret;
use throng_core::session::{Binding, Session};
use throng_core::user::User;
use throng_engine::Error;
use throng_engine::application::{OpenSession, SessionTerms, binding_of};
use throng_engine::error::Denial;
use throng_wire::{AuthenticationContext, CookieConfig, Reason, SessionEntity, ValidationFactors};

use crate::answer::{self, Outcome};
use crate::authentication::authenticate;
use crate::call::{Call, encoded};
use crate::config::CookieTransport;
use crate::entity::{Detail, Entities};
use crate::refusal::{About, Refusal};

/// Opens a session, or tells the token of the live one of the same user with the same factors (R26).
pub(crate) async fn open(call: &Call) -> Outcome {
    let body: AuthenticationContext = call.document()?;
    let idle = call.query.number("duration")?.map(|seconds| Duration::from_secs(seconds.into()));
    let who = match call.query.flag("validate-password")? {
        Some(false) => {
            let who = call.app.vouch_for(&body.username).await;
            who.map_err(About::Authentication.refuse())?
        }
        Some(true) | None => authenticate(call, &body.username, body.password.as_ref()).await?,
    };
    let admission = call.app.admission(who.user()).await.map_err(About::Authentication.refuse())?;
    if !admission.is_admitted() {
        let message = "The user has no access to the application";
        return Err(Refusal::new(StatusCode::FORBIDDEN, Reason::ApplicationAccessDenied, message));
    }
    let binding = bound_to(&body.factors);
    let key = (call.app.id(), who.user().subject(), binding);
    if let Some(token) = call.served.tokens.find(&key)
        && let Some(open) = live(call, &token, &binding, idle).await?
    {
        let location = location(call, token.expose());
        return answer::created(call.format, &location, Some(&entity(call, &open, token, detail(call))));
    }
    let terms = SessionTerms { binding, idle };
    let new = call.app.open_session_with(&who, terms).await.map_err(About::Session.refuse())?;
    let token = Secret::new(new.token.expose()).map_err(|_| Refusal::unexpected())?;
    call.served.tokens.keep(key, token.clone());
    let open = OpenSession { session: new.session, user: who.user().clone() };
    let location = location(call, token.expose());
    answer::created(call.format, &location, Some(&entity(call, &open, token, detail(call))))
}

/// Looks at a session, without the factors and without using it; the user is told in full.
pub(crate) async fn look(call: &Call) -> Outcome {
    let open = call.app.look_at_session(&call.target).await;
    let open = open.map_err(|error| no_session(error, StatusCode::BAD_REQUEST))?;
    shown(call, &open, Detail::Full)
}

/// Validates a session by its factors, and lets it go on.
pub(crate) async fn validate(call: &Call) -> Outcome {
    let factors: Option<ValidationFactors> = call.optional_document()?;
    let binding = bound_to(&factors.unwrap_or_default());
    let open = call.app.validate_session(&call.target, &binding).await;
    let open = open.map_err(|error| no_session(error, StatusCode::NOT_FOUND))?;
    shown(call, &open, detail(call))
}

/// Ends a session. One that is not there, or another application's, is no session, and that is no fault (R26, T13).
pub(crate) async fn close(call: &Call) -> Outcome {
    match call.app.look_at_session(&call.target).await {
        Ok(_) => call.app.close_session(&call.target).await.map_err(About::Session.refuse())?,
        Err(Error::Denied { why: Denial::Session, .. }) => {}
        Err(error) => return Err(About::Session.refuse()(error)),
    }
    answer::nothing()
}

/// Ends the sessions of a user, but for one.
pub(crate) async fn close_all(call: &Call) -> Outcome {
    let user = call.user_named(call.query.required("username")?).await?;
    let except = call.query.value("exclude").filter(|token| !token.is_empty());
    let subject = user.subject();
    call.app.close_sessions(&subject, except).await.map_err(About::Session.refuse())?;
    answer::nothing()
}

/// The cookie that applications share.
pub(crate) async fn cookie(call: &Call) -> Outcome {
    let cookie = &call.served.config.cookie;
    let document = CookieConfig {
        domain: cookie.domain.clone(),
        secure: cookie.secure == CookieTransport::TlsOnly,
        name: cookie.name.clone(),
    };
    answer::document(call.format, &document)
}

/// Tokens that were given out by this process, so that the same user with the same factors is given the same one.
///
/// The store knows digests only (T71): after a restart, and by another process, another token is given.
pub(crate) struct Tokens(Mutex<HashMap<TokenKey, Secret>>);

/// What the same token is given for.
type TokenKey = (ApplicationId, Subject, Binding);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Tokens {
    /// Most tokens that are held. Beyond it all are let go: whoever logs in again is given another.
    const MAX_HELD: usize = 10_000;

    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    fn find(&self, key: &TokenKey) -> Option<Secret> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: TokenKey, token: Secret) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= Self::MAX_HELD {
            held.clear();
        }
        held.insert(key, token);
    }
}

/// The session that a token opens still, if it is no longer than what is asked for now.
async fn live(
    call: &Call,
    token: &Secret,
    binding: &Binding,
    idle: Option<Duration>,
) -> Result<Option<OpenSession>, Refusal> {
    match call.app.validate_session(token.expose(), binding).await {
        Ok(open) if idle.is_none_or(|idle| open.session.idle <= idle) => Ok(Some(open)),
        Ok(_) | Err(Error::Denied { .. }) => Ok(None),
        Err(error) => Err(About::Session.refuse()(error)),
    }
}

fn bound_to(factors: &ValidationFactors) -> Binding {
    binding_of(factors.factors.iter().map(|factor| (factor.name.as_str(), factor.value.as_str())))
}

fn shown(call: &Call, open: &OpenSession, detail: Detail) -> Outcome {
    let token = Secret::new(call.target.as_str()).map_err(|_| Refusal::unexpected())?;
    answer::document(call.format, &entity(call, open, token, detail))
}

fn entity(call: &Call, open: &OpenSession, token: Secret, detail: Detail) -> SessionEntity {
    let OpenSession { session, user } = open;
    let session: &Session = session;
    let user: &Resolved<User> = user;
    let entities = Entities { base: call.base.clone(), detail };
    SessionEntity {
        link: Secret::new(location(call, token.expose())).ok(),
        token,
        user: entities.resolved_user(user),
        created: Some(session.created_at),
        expiry: Some(call.app.end_of_session(session)),
    }
}

fn location(call: &Call, token: &str) -> String {
    let mut url = call.url("/session/", &[]);
    url.extend(encoded(token));
    url
}

fn detail(call: &Call) -> Detail {
    if call.query.expands("user") { Detail::Full } else { Detail::Short }
}

/// Whatever is wrong with a token, it is the same answer (R35).
fn no_session(error: Error, status: StatusCode) -> Refusal {
    match error {
        Error::Denied { .. } => Refusal::new(status, Reason::InvalidSsoToken, "Token does not validate."),
        error => About::Session.refuse()(error),
    }
}
