//! Sessions: made from a login, opened by a token that is nowhere stored.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use throng_core::id::SessionId;
use throng_core::plan::Purpose;
use throng_core::resolve::Resolved;
use throng_core::session::{Session, TokenDigest};
use throng_core::time::Timestamp;
use throng_core::user::User;

use super::find::own;
use super::{Admission, Application, Authenticated};
use crate::error::{Conflict, Denial, Error};

/// What opens a session: 256 random bits as 43 characters of base64url.
///
/// It has no `Display`, and its `Debug` shows nothing of it; [`SessionToken::expose`] is for the cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    /// The text to hand to the client.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}

/// A login that was let in.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Who it is.
    pub who: Authenticated,
    /// Why the application admits them.
    pub admission: Admission,
    /// What opens the session.
    pub token: SessionToken,
}

/// A session that is live, with the user that its name means now.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub user: Resolved<User>,
}

impl Application {
    /// Checks a password, then access, then opens a session.
    pub async fn log_in(&self, name: &str, password: &str) -> Result<LoggedIn, Error> {
        let who = self.authenticate(name, password).await?;
        let admission = self.admit(who.user()).await?;
        let token = self.open_session(&who).await?;
        Ok(LoggedIn { who, admission, token })
    }

    /// Opens a session for somebody whose credential was just checked.
    ///
    /// 1. Each call makes a new token; one that a client brings along is never taken (T73).
    /// 2. Only the token's SHA-256 is stored (T71).
    /// 3. [`Conflict::Stale`] when the sessions of the account were ended since the credential was checked.
    pub async fn open_session(&self, who: &Authenticated) -> Result<SessionToken, Error> {
        if who.application() != self.id {
            return Err(Error::denied(Denial::Session));
        }
        let mut bytes = [0; 32];
        self.throng.0.entropy.fill(&mut bytes);
        let token = SessionToken(URL_SAFE_NO_PAD.encode(bytes));
        let now = self.throng.0.clock.now();
        let session = Session {
            id: self.throng.draw::<_>(),
            application: self.id,
            subject: who.user().subject(),
            name: who.user().value().name.clone(),
            epoch: who.epoch(),
            created_at: now,
            used_at: now,
            expires_at: now.plus(self.throng.0.sessions.overall),
        };
        let opened = self.throng.0.store.open_session(&digest(&token.0), &session).await;
        opened.map_err(|error| Error::from_store(error, Conflict::Stale))?;
        Ok(token)
    }

    /// Finds the session that a token opens.
    ///
    /// 1. [`Error::Denied`] when there is none, it was idle too long or has ended, its account was disabled, got
    ///    another password or lost its sessions, or it is of another application (T13, T72).
    /// 2. The name is resolved anew and must still mean the same account; [`Error::Unavailable`] when that cannot be
    ///    said now.
    /// 3. Access is not decided again: ask [`Application::admission`] where losing a group must end a visit.
    /// 4. Writes at most once in the touch interval.
    pub async fn session(&self, token: &str) -> Result<OpenSession, Error> {
        let ended = || Error::denied(Denial::Session);
        // Tokens made here have one length; anything else is not worth a look (T35, R35).
        if token.len() != TOKEN_CHARS {
            return Err(ended());
        }
        let session = self.throng.0.store.session(&digest(token)).await?.ok_or_else(ended)?;
        let (now, limits) = (self.throng.0.clock.now(), self.throng.0.sessions);
        let idle = now.since(session.used_at) > limits.idle;
        if session.application != self.id || idle || now >= session.expires_at {
            return Err(ended());
        }
        let app = self.in_use()?;
        if !app.record.active {
            return Err(ended());
        }
        let found = self.look_up(&app, &session.name, Purpose::Authorise).await?;
        let user = match own(&app, found) {
            Ok(user) if user.subject() == session.subject && user.value().active => user,
            Ok(_) | Err(Error::NotFound { .. } | Error::Conflict(_)) => return Err(ended()),
            Err(error) => return Err(error),
        };
        let session = self.touch(session, now).await?;
        Ok(OpenSession { session, user })
    }

    /// Ends the session that a token opens; nothing happens when there is none.
    pub async fn close_session(&self, token: &str) -> Result<(), Error> {
        Ok(self.throng.0.store.close_session(&digest(token)).await?)
    }

    async fn touch(&self, mut session: Session, now: Timestamp) -> Result<Session, Error> {
        // A touch interval longer than the idle limit would end sessions that are in use.
        let limits = self.throng.0.sessions;
        if now.since(session.used_at) >= limits.touch.min(limits.idle / 2) {
            let id: SessionId = session.id;
            self.throng.0.store.touch_session(id, now).await?;
            session.used_at = now;
        }
        Ok(session)
    }
}

/// 32 bytes in base64 without padding.
const TOKEN_CHARS: usize = 43;

fn digest(token: &str) -> TokenDigest {
    TokenDigest::new(Sha256::digest(token.as_bytes()).into())
}
