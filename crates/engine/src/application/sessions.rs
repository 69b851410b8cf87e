//! Sessions: made from a login, opened by a token that is nowhere stored.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use throng_core::id::{SessionId, Subject};
use throng_core::plan::Purpose;
use throng_core::resolve::Resolved;
use throng_core::session::{Binding, Session, TokenDigest};
use throng_core::time::Timestamp;
use throng_core::user::User;

use super::find::own;
use super::{Admission, Application, Authenticated};
use crate::directory::{Recovery, RecoveryAdmin};
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

/// On what terms a session is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTerms {
    /// What whoever uses it must state alike; see [`binding_of`].
    pub binding: Binding,
    /// How long it lasts without use, if that is to be shorter than [`SessionLimits::idle`](crate::SessionLimits);
    /// longer makes no difference.
    pub idle: Option<Duration>,
}

impl Default for SessionTerms {
    /// Bound to nothing, with the limits in force.
    fn default() -> Self {
        Self { binding: Binding::NOTHING, idle: None }
    }
}

/// What a set of facts binds a session to (R809).
///
/// 1. Their order makes no difference, nor does stating one twice.
/// 2. Name and value count byte for byte, each with its length, so that no two sets are taken for each other (T74).
/// 3. No facts are [`Binding::NOTHING`].
pub fn binding_of<'f>(facts: impl IntoIterator<Item = (&'f str, &'f str)>) -> Binding {
    let facts: BTreeSet<(&str, &str)> = facts.into_iter().collect();
    if facts.is_empty() {
        return Binding::NOTHING;
    }
    let mut digest = Sha256::new();
    for text in facts.into_iter().flat_map(|(name, value)| [name, value]) {
        digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(text.as_bytes());
    }
    Binding::new(digest.finalize().into())
}

/// A session that was opened just now.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// What opens it.
    pub token: SessionToken,
    /// The session.
    pub session: Session,
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
        Ok(self.open_session_with(who, SessionTerms::default()).await?.token)
    }

    /// Opens a session on terms of its own, with the behaviours of [`Application::open_session`].
    pub async fn open_session_with(
        &self,
        who: &Authenticated,
        terms: SessionTerms,
    ) -> Result<NewSession, Error> {
        if who.application() != self.id {
            return Err(Error::denied(Denial::Session));
        }
        let mut bytes = [0; 32];
        self.throng.0.entropy.fill(&mut bytes);
        let token = SessionToken(URL_SAFE_NO_PAD.encode(bytes));
        let now = self.throng.0.clock.now();
        let mut session = Session {
            id: self.throng.draw::<_>(),
            application: self.id,
            subject: who.user().subject(),
            name: who.user().value().name.clone(),
            epoch: who.epoch(),
            created_at: now,
            used_at: now,
            expires_at: now.plus(self.throng.0.sessions.overall),
            idle: terms.idle.unwrap_or(Duration::MAX).min(self.throng.0.sessions.idle),
            binding: terms.binding,
        };
        if let Some(recovery) = self.recovery_of(&session.subject) {
            recovery.open_session(digest(&token.0), &mut session);
            return Ok(NewSession { token, session });
        }
        let opened = self.throng.0.store.open_session(&digest(&token.0), &session).await;
        opened.map_err(|error| Error::from_store(error, Conflict::Stale))?;
        Ok(NewSession { token, session })
    }

    /// Finds the session that a token opens.
    ///
    /// 1. [`Error::Denied`] when there is none, it was idle too long or has ended, its account was disabled, got
    ///    another password or lost its sessions, or it is of another application (T13, T72).
    /// 2. The name is resolved anew and must still mean the same account; [`Error::Unavailable`] when that cannot be
    ///    said now.
    /// 3. Access is not decided again: ask [`Application::admission`] where losing a group must end a visit.
    /// 4. Writes at most once in the touch interval.
    /// 5. What the session is bound to is not asked: see [`Application::validate_session`].
    pub async fn session(&self, token: &str) -> Result<OpenSession, Error> {
        let OpenSession { session, user } = self.look_at_session(token).await?;
        let session = self.touch(session).await?;
        Ok(OpenSession { session, user })
    }

    /// Finds the session that a token opens for whoever states what it is bound to, with the behaviours of
    /// [`Application::session`]; another binding is no session.
    pub async fn validate_session(&self, token: &str, binding: &Binding) -> Result<OpenSession, Error> {
        let OpenSession { session, user } = self.look_at_session(token).await?;
        if session.binding != *binding {
            return Err(Error::denied(Denial::Session));
        }
        let session = self.touch(session).await?;
        Ok(OpenSession { session, user })
    }

    /// Finds the session that a token opens, with the behaviours of [`Application::session`], and does not use it: its
    /// idle time runs on.
    pub async fn look_at_session(&self, token: &str) -> Result<OpenSession, Error> {
        let ended = || Error::denied(Denial::Session);
        // Tokens made here have one length; anything else is not worth a look (T35, R35).
        if token.len() != TOKEN_CHARS {
            return Err(ended());
        }
        let digest = digest(token);
        let kept = self.throng.0.recovery.as_ref().and_then(|recovery| recovery.session(&digest));
        let session = match kept {
            Some(session) => session,
            None => self.throng.0.store.session(&digest).await?.ok_or_else(ended)?,
        };
        let now = self.throng.0.clock.now();
        let idle = now.since(session.used_at) > self.idle_limit(&session);
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
        Ok(OpenSession { session, user })
    }

    /// When a session ends if it is not used any more.
    pub fn end_of_session(&self, session: &Session) -> Timestamp {
        session.used_at.plus(self.idle_limit(session)).min(session.expires_at)
    }

    /// Ends the sessions of an account in this application, but for the one that a token opens, and tells how many.
    /// Those in other applications go on: see [`Application::end_sessions`].
    pub async fn close_sessions(&self, subject: &Subject, except: Option<&str>) -> Result<u64, Error> {
        let except = except.map(digest);
        if let Some(recovery) = self.recovery_of(subject) {
            return Ok(recovery.close_sessions(Some(self.id), except.as_ref()));
        }
        Ok(self.throng.0.store.close_sessions(self.id, subject, except.as_ref()).await?)
    }

    /// Ends the session that a token opens; nothing happens when there is none.
    pub async fn close_session(&self, token: &str) -> Result<(), Error> {
        let digest = digest(token);
        if let Some(recovery) = &self.throng.0.recovery {
            recovery.close_session(&digest);
        }
        Ok(self.throng.0.store.close_session(&digest).await?)
    }

    /// The recovery administrator, whose sessions are kept in memory, if a subject is that.
    pub(super) fn recovery_of(&self, subject: &Subject) -> Option<&Arc<RecoveryAdmin>> {
        self.throng.0.recovery.as_ref().filter(|_| subject.directory == Recovery::DIRECTORY)
    }

    /// The shorter of the session's own limit and that in force.
    fn idle_limit(&self, session: &Session) -> Duration {
        session.idle.min(self.throng.0.sessions.idle)
    }

    async fn touch(&self, mut session: Session) -> Result<Session, Error> {
        let now = self.throng.0.clock.now();
        // A touch interval longer than the idle limit would end sessions that are in use.
        if now.since(session.used_at) >= self.throng.0.sessions.touch.min(self.idle_limit(&session) / 2) {
            let id: SessionId = session.id;
            match self.recovery_of(&session.subject) {
                Some(recovery) => recovery.touch_session(id, now),
                None => self.throng.0.store.touch_session(id, now).await?,
            }
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
