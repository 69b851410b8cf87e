//! The recovery administrator: somebody who can log in when nobody else can.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::Serialize;
use throng_core::directory::{Credence, Directory, Powers, Refusal};
use throng_core::error::DirectoryError;
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, IdentityId, SessionId, Subject};
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::password::{EncodedHash, PasswordPolicy};
use throng_core::permission::Permissions;
use throng_core::plan::{AsOf, Seat};
use throng_core::registry::{ApplicationRecord, DirectoryKind, DirectoryRecord, Label};
use throng_core::secret::Secret;
use throng_core::session::{Session, TokenDigest};
use throng_core::time::{Clock, Timestamp};
use throng_core::user::{Profile, User};
use throng_passwords::hasher::{Hasher, Verification};
use throng_passwords::policy::{check_new_password, is_locked};

use super::internal::Guesses;
use super::{Checked, LoginFault, Mount, Spent, Via};
use crate::error::{Error, Invalid};

/// A recovery administrator, as [`Builder::recovery`](crate::Builder::recovery) switches one on (R909).
///
/// 1. Stands in a directory of its own before all others in every application, for as long as this process runs, or
///    until the moment that is given. Nothing of it is stored; only a hash of the password is kept, in memory.
/// 2. Is admitted by every application that is switched on, and is in its administrators' groups. It holds no powers
///    over itself: nobody can change it, give it another name, or put it into a group.
/// 3. Claims nothing: its identity is [`Recovery::IDENTITY`] everywhere, and inherits from nobody. It is let in by its
///    password alone: [`Application::vouch_for`](crate::Application::vouch_for) refuses it.
/// 4. Is found by its name alone where users are handed on to others, and is in none of their lists
///    ([`Application::exported`](crate::Application::exported)): whoever asks for it can let it in, and nobody copies
///    it.
/// 5. Wrong guesses are counted and limited by the default [`PasswordPolicy`], until the process ends (R702).
#[derive(Debug, Clone)]
pub struct Recovery {
    name: String,
    secret: Secret,
    until: Option<Timestamp>,
}

impl Recovery {
    /// The directory in which the administrator stands. No stored directory has this id, no plan a seat for it; a
    /// session of this directory is the recovery administrator's.
    pub const DIRECTORY: DirectoryId = DirectoryId::from_bytes(*b"throng:recovery\0");
    /// Whom the host's content refers to that the administrator makes.
    pub const IDENTITY: IdentityId = IdentityId::from_bytes(*b"throng:recovery\0");
    /// What the administrator is called unless told otherwise.
    pub const NAME: &str = "recovery-admin";
    /// What the directory is called.
    pub const LABEL: &str = "Recovery (virtual)";

    /// An administrator called [`Recovery::NAME`], with a password, for as long as the process runs.
    pub fn new(password: Secret) -> Self {
        Self { name: Self::NAME.to_owned(), secret: password, until: None }
    }

    /// With another name, which must pass the rules for new names.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Not beyond a moment: from then on it is as if the administrator had never been.
    #[must_use]
    pub fn until(mut self, moment: Timestamp) -> Self {
        self.until = Some(moment);
        self
    }
}

/// The recovery administrator, while it is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecoveryStatus {
    /// What it is called.
    pub name: Username,
    /// The directory in which it stands.
    pub directory: DirectoryId,
    /// What that directory is called.
    pub label: &'static str,
    /// When it ends, if it does before the process.
    pub until: Option<Timestamp>,
    /// How often it was let in.
    pub logins: u64,
    /// When it was let in last.
    pub last_login: Option<Timestamp>,
    /// Sessions that it has open.
    pub sessions: usize,
    /// Wrong guesses since the latest login.
    pub failed_attempts: u32,
}

impl fmt::Display for RecoveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recovery administrator {:?} is on", self.name)?;
        if let Some(until) = self.until {
            write!(f, " until {until}")?;
        }
        write!(f, ": {} logins, {} sessions", self.logins, self.sessions)
    }
}

/// The recovery administrator as the engine keeps it: in memory only.
#[derive(Debug)]
pub(crate) struct RecoveryAdmin {
    user: User,
    hash: EncodedHash,
    until: Option<Timestamp>,
    record: Arc<DirectoryRecord>,
    hasher: Hasher,
    clock: Arc<dyn Clock>,
    guesses: Guesses,
    failures: AtomicU32,
    logins: AtomicU64,
    last_login: Mutex<Option<Timestamp>>,
    sessions: Mutex<HashMap<TokenDigest, Session>>,
}

impl RecoveryAdmin {
    /// Hashes the password. [`Invalid::Policy`] when it is too weak; [`Invalid::Setting`] when the end has passed.
    pub(crate) async fn new(
        recovery: Recovery,
        hasher: &Hasher,
        clock: &Arc<dyn Clock>,
        guesses: &Guesses,
    ) -> Result<Self, Error> {
        let name = Username::for_creation(&recovery.name)?;
        let id = ExternalId::of_name(name.key())
            .map_err(|_| Error::Invalid(Invalid::Text("name of the recovery administrator")))?;
        if recovery.until.is_some_and(|until| until <= clock.now()) {
            return Err(Error::Invalid(Invalid::Setting("the time until recovery ends")));
        }
        check_new_password(&PasswordPolicy::default(), &recovery.secret, &[name.as_str()])
            .map_err(|broken| Error::Invalid(Invalid::Policy(broken)))?;
        let hash = hasher.hash(&recovery.secret).await?;
        let record = DirectoryRecord {
            id: Recovery::DIRECTORY,
            name: Label::new(Recovery::LABEL)?,
            active: true,
            permissions: Permissions::NONE,
            kind: DirectoryKind::Live,
        };
        let profile = Profile { display_name: "Recovery administrator".to_owned(), ..Profile::default() };
        Ok(Self {
            user: User { profile, ..User::named(id, name) },
            hash,
            until: recovery.until,
            record: Arc::new(record),
            hasher: hasher.clone(),
            clock: Arc::clone(clock),
            guesses: guesses.clone(),
            failures: AtomicU32::new(0),
            logins: AtomicU64::new(0),
            last_login: Mutex::new(None),
            sessions: Mutex::default(),
        })
    }

    pub(crate) fn name(&self) -> &Username {
        &self.user.name
    }

    /// Whether the end has not come yet.
    pub(crate) fn is_on(&self) -> bool {
        self.until.is_none_or(|until| self.clock.now() < until)
    }

    pub(crate) fn status(&self) -> RecoveryStatus {
        RecoveryStatus {
            name: self.user.name.clone(),
            directory: Recovery::DIRECTORY,
            label: Recovery::LABEL,
            until: self.until,
            logins: self.logins.load(Ordering::SeqCst),
            last_login: *self.last_login.lock().unwrap_or_else(PoisonError::into_inner),
            sessions: self.sessions().len(),
            failed_attempts: self.failures.load(Ordering::SeqCst),
        }
    }

    /// The first seat of an application, with what sits there.
    pub(crate) fn seat(self: &Arc<Self>, application: &ApplicationRecord, listed: Listed) -> (Seat, Mount) {
        let groups = administrators_of(application);
        let directory = RecoveryDirectory { admin: Arc::clone(self), groups, listed };
        let mount =
            Mount { record: Arc::clone(&self.record), via: Via::Live(Arc::new(directory)), as_of: AsOf::Now };
        let seat = Seat { label: Recovery::LABEL.to_owned(), ..Seat::new(Recovery::DIRECTORY) };
        (Seat { permissions: Permissions::NONE, ..seat }, mount)
    }

    /// Checks a password, at the cost of one hash whenever the name is the administrator's.
    pub(crate) async fn log_in(&self, name: &Username, secret: &Secret) -> Result<Checked, LoginFault> {
        if *name != self.user.name || !self.is_on() {
            return Ok(Checked::new(Credence::Unknown, Spent::Nothing));
        }
        let credence = self.check(secret).await?;
        Ok(Checked::new(credence, Spent::AHash))
    }

    async fn check(&self, secret: &Secret) -> Result<Credence, LoginFault> {
        let guess = self.guesses.begin(&self.subject());
        let counted = self.failures.load(Ordering::SeqCst).saturating_add(guess.others);
        if is_locked(&PasswordPolicy::default(), counted) {
            self.hasher.spend(secret).await?;
            tracing::warn!(name = %self.user.name, "the recovery administrator is locked after too many guesses");
            return Ok(Credence::Refused(Refusal::Locked));
        }
        match self.hasher.verify(secret, &self.hash).await {
            Ok(Verification::Matches { .. }) => {
                self.failures.store(0, Ordering::SeqCst);
                Ok(Credence::Accepted(self.user.clone()))
            }
            Ok(Verification::Differs | Verification::TooLong { .. }) => {
                self.failures.fetch_add(1, Ordering::SeqCst);
                tracing::warn!(name = %self.user.name, "a wrong password for the recovery administrator");
                Ok(Credence::Refused(Refusal::WrongPassword))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes that it was let in somewhere.
    pub(crate) fn note_login(&self, application: ApplicationId, at: Timestamp) {
        self.logins.fetch_add(1, Ordering::SeqCst);
        *self.last_login.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
        tracing::warn!(name = %self.user.name, %application, "the recovery administrator was let in");
    }

    /// Keeps a session, no longer than the administrator itself.
    pub(crate) fn open_session(&self, token: TokenDigest, session: &mut Session) {
        if let Some(until) = self.until {
            session.expires_at = session.expires_at.min(until);
        }
        self.sessions().insert(token, session.clone());
    }

    pub(crate) fn session(&self, token: &TokenDigest) -> Option<Session> {
        self.sessions().get(token).cloned()
    }

    pub(crate) fn touch_session(&self, id: SessionId, at: Timestamp) {
        if let Some(session) = self.sessions().values_mut().find(|session| session.id == id) {
            session.used_at = session.used_at.max(at);
        }
    }

    pub(crate) fn close_session(&self, token: &TokenDigest) {
        self.sessions().remove(token);
    }

    /// Ends its sessions, in one application or in all, but for one; tells how many.
    pub(crate) fn close_sessions(
        &self,
        application: Option<ApplicationId>,
        except: Option<&TokenDigest>,
    ) -> u64 {
        let mut sessions = self.sessions();
        let before = sessions.len();
        sessions.retain(|token, session| {
            application.is_some_and(|application| application != session.application) || Some(token) == except
        });
        u64::try_from(before - sessions.len()).unwrap_or(u64::MAX)
    }

    pub(crate) fn purge_sessions(&self, ended_before: Timestamp) {
        self.sessions().retain(|_, session| session.expires_at >= ended_before);
    }

    fn subject(&self) -> Subject {
        Subject { directory: Recovery::DIRECTORY, external_id: self.user.external_id.clone() }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<TokenDigest, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The groups of an application that administer it, in which the recovery administrator is.
fn administrators_of(application: &ApplicationRecord) -> Vec<GroupName> {
    application.administrators.clone()
}

/// The directory of the recovery administrator, as one application sees it.
///
/// It knows in which groups the administrator is, and holds none: a group is what the other directories say it is.
#[derive(Debug)]
struct RecoveryDirectory {
    admin: Arc<RecoveryAdmin>,
    groups: Vec<GroupName>,
    listed: Listed,
}

/// Whether the administrator is among the users that are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// It is: whoever looks shall see that it is on.
    Yes,
    /// It is not: whoever lists users may keep a copy of them.
    No,
}

impl RecoveryDirectory {
    fn holds(&self, name: &Username) -> bool {
        *name == self.admin.user.name && self.admin.is_on()
    }
}

#[async_trait]
impl Directory for RecoveryDirectory {
    fn id(&self) -> DirectoryId {
        Recovery::DIRECTORY
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        Ok(self.holds(name).then(|| self.admin.user.clone()))
    }

    async fn group(&self, _: &GroupName) -> Result<Option<Group>, DirectoryError> {
        Ok(None)
    }

    async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError> {
        let user = &self.admin.user;
        let is_shown = self.listed == Listed::Yes && self.admin.is_on();
        let found = is_shown && page.reaches(user.key()) && filter.matches_user(user);
        Ok(Page::whole(found.then(|| user.clone()).into_iter().collect()))
    }

    async fn find_groups(&self, _: &Filter, _: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        Ok(Page::whole(Vec::new()))
    }

    async fn parents_of(
        &self,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, DirectoryError> {
        let groups = match member {
            Member::User(name) if self.holds(name) => self.groups.as_slice(),
            Member::User(_) | Member::Group(_) => &[],
        };
        let mut groups: Vec<GroupName> =
            groups.iter().filter(|group| page.reaches(group.key())).cloned().collect();
        groups.sort_unstable();
        Ok(Page::cut(groups, page.limit(), GroupName::key))
    }

    async fn children_of(&self, _: &GroupName, _: &PageRequest) -> Result<Page<Member>, DirectoryError> {
        Ok(Page::whole(Vec::new()))
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        Ok(self.admin.log_in(name, secret).await?.credence)
    }

    fn powers(&self) -> Powers<'_> {
        Powers::NONE
    }
}
