//! The internal directory: records and passwords, both here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use throng_core::change::Change;
use throng_core::directory::{
    Credence, GroupPatch, NewGroup, NewUser, Powers, Refusal, SetPasswords, UserPatch,
};
use throng_core::error::{DirectoryError, Fault};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::{DirectoryId, ExternalId, Subject};
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::plan::{Rules, TellInactive};
use throng_core::registry::{InternalSettings, Nesting};
use throng_core::secret::Secret;
use throng_core::store::Replaced;
use throng_core::user::User;
use throng_passwords::hasher::{Hasher, HasherError, Reuse, Verification};
use throng_passwords::policy::{check_new_password, is_expired, is_locked};
use throng_passwords::scheme::StoredHash;

use super::records::{records_answer, records_take_writes};
use super::{Checked, Login, LoginFault, RecordsOf, Spent, Stored};
use crate::error::{Error, Invalid};

/// A directory that keeps users, groups and passwords in the store.
#[derive(Debug)]
pub struct Internal {
    records: RecordsOf,
    settings: InternalSettings,
    hasher: Hasher,
    guesses: Guesses,
}

/// Guesses that are being checked now, so that many at once cannot overshoot the limit (T44). Shared by all
/// directories, and kept when the configuration is read anew.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guesses(Arc<Mutex<HashMap<Subject, u32>>>);

records_answer!(Internal);
records_take_writes!(Internal);

impl Internal {
    pub(crate) fn new(
        records: RecordsOf,
        settings: InternalSettings,
        hasher: Hasher,
        guesses: Guesses,
    ) -> Self {
        Self { records, settings, hasher, guesses }
    }

    /// A user as this directory would keep it.
    pub(crate) fn new_user(&self, user: &NewUser) -> User {
        self.records.new_user(user)
    }

    fn own_powers(&self) -> Powers<'_> {
        Powers {
            users: Some(self),
            groups: Some(self),
            members: Some(self),
            passwords: Some(self),
            ..Powers::NONE
        }
    }

    /// Checks a new password against the policy and the history, and makes what is to be stored (R707).
    pub(crate) async fn new_credential(&self, user: &User, secret: &Secret) -> Result<Credential, Error> {
        let policy = &self.settings.password_policy;
        let context = [user.name.as_str(), &user.profile.email, &user.profile.display_name];
        let context: Vec<&str> = context.into_iter().filter(|word| !word.is_empty()).collect();
        check_new_password(policy, secret, &context)
            .map_err(|broken| Error::Invalid(Invalid::Policy(broken)))?;
        let former = self.records.store.credential(&self.records.subject(&user.external_id)).await?;
        if let Some(former) = &former
            && self.hasher.check_history(policy, secret, former).await? == Reuse::Reused
        {
            return Err(Error::Invalid(Invalid::PasswordReused));
        }
        Ok(Credential {
            hash: CredentialState::Usable(self.hasher.hash(secret).await?),
            history: former.map(|former| remembered(former, policy.history)).unwrap_or_default(),
            changed_at: self.records.clock.now(),
            failed_attempts: 0,
            must_change: false,
        })
    }

    /// What is kept of a hash that was made elsewhere: a weak one inside Argon2id (T57).
    pub(crate) async fn brought_credential(&self, hash: &EncodedHash) -> Result<Credential, Error> {
        let is_weak = StoredHash::parse(hash).is_ok_and(|parsed| parsed.strength().is_weak());
        let kept = if is_weak { self.hasher.wrap(hash).await? } else { hash.clone() };
        Ok(Credential {
            hash: CredentialState::Usable(kept),
            history: vec![],
            changed_at: self.records.clock.now(),
            failed_attempts: 0,
            must_change: false,
        })
    }

    async fn check(&self, user: &User, secret: &Secret, subject: &Subject) -> Result<Checked, LoginFault> {
        // Counted before the stored count is read: of guesses that read the same count, each sees the others.
        let guess = self.guesses.begin(subject);
        let credential = self.records.store.credential(subject).await?;
        let said = |credence| Ok(Checked::new(credence, Spent::AHash));
        let refuse = |why| said(Credence::Refused(why));
        let Some(credential) = credential else {
            return self.without_password(subject, secret).await;
        };
        let hash = match &credential.hash {
            CredentialState::Usable(hash) => hash,
            CredentialState::Quarantined(_) => {
                self.hasher.spend(secret).await?;
                return refuse(Refusal::HashQuarantined);
            }
            CredentialState::Absent => return self.without_password(subject, secret).await,
        };
        let policy = &self.settings.password_policy;
        if is_locked(policy, credential.failed_attempts.saturating_add(guess.others)) {
            self.hasher.spend(secret).await?;
            return refuse(Refusal::Locked);
        }
        match self.hasher.verify(secret, hash).await {
            Ok(Verification::Matches { upgrade }) => {
                if credential.failed_attempts > 0 {
                    self.records.store.clear_failures(subject).await?;
                }
                if let Some(upgrade) = upgrade {
                    self.upgrade(subject, hash, &upgrade).await;
                }
                let expired = credential.must_change
                    || is_expired(policy, credential.changed_at, self.records.clock.now());
                if !user.active {
                    refuse(Refusal::Inactive)
                } else if expired {
                    refuse(Refusal::PasswordExpired)
                } else {
                    said(Credence::Accepted(user.clone()))
                }
            }
            Ok(Verification::Differs | Verification::TooLong { .. }) => {
                self.records.store.count_failure(subject).await?;
                refuse(Refusal::WrongPassword)
            }
            Err(HasherError::Hash(cause)) => {
                tracing::warn!(account = %subject, %cause, "a stored password hash cannot be verified");
                refuse(Refusal::HashQuarantined)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// An account may wait for its password since a move; whoever asks then pays for the hash that keeps it.
    async fn without_password(&self, subject: &Subject, secret: &Secret) -> Result<Checked, LoginFault> {
        let credence = Credence::Refused(Refusal::NoPassword);
        if let Some(capture) = self.records.store.capture(subject).await? {
            let waits_for = Some(Box::new(capture));
            return Ok(Checked { waits_for, ..Checked::new(credence, Spent::Nothing) });
        }
        self.hasher.spend(secret).await?;
        Ok(Checked::new(credence, Spent::AHash))
    }

    /// Keeps the better hash. That it could not be kept never fails the login (T56).
    async fn upgrade(&self, subject: &Subject, from: &EncodedHash, to: &EncodedHash) {
        match self.records.store.upgrade_hash(subject, from, to).await {
            Ok(Replaced::Yes) => tracing::info!(account = %subject, "a password hash was upgraded"),
            Ok(Replaced::No) => {
                tracing::info!(account = %subject, "a password was changed while its hash was upgraded")
            }
            Err(cause) => tracing::warn!(account = %subject, %cause, "a password hash could not be upgraded"),
        }
    }
}

/// The former hashes that the policy still compares with, the replaced one first.
fn remembered(former: Credential, history: u32) -> Vec<EncodedHash> {
    let current = match former.hash {
        CredentialState::Usable(hash) | CredentialState::Quarantined(hash) => Some(hash),
        CredentialState::Absent => None,
    };
    // The new password will be the first of the `history` latest, so that one fewer is kept behind it.
    let kept = usize::try_from(history).unwrap_or(usize::MAX).saturating_sub(1);
    current.into_iter().chain(former.history).take(kept).collect()
}

impl Guesses {
    pub(super) fn begin(&self, account: &Subject) -> Guess {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(account.clone()).or_default();
        let others = *count;
        *count += 1;
        Guess { guesses: self.clone(), account: account.clone(), others }
    }
}

/// A guess that is being checked; it counts until it is dropped.
#[derive(Debug)]
pub(super) struct Guess {
    guesses: Guesses,
    account: Subject,
    pub(super) others: u32,
}

impl Drop for Guess {
    fn drop(&mut self) {
        let mut running = self.guesses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.account);
            }
        }
    }
}

#[async_trait]
impl Stored for Internal {
    fn creates_at_login(&self) -> bool {
        false
    }

    fn nesting(&self) -> Nesting {
        self.settings.nesting
    }

    async fn log_in(&self, login: &Login<'_>, known: Option<&User>) -> Result<Checked, LoginFault> {
        let Some(user) = known else {
            return Ok(Checked::new(Credence::Unknown, Spent::Nothing));
        };
        if !user.active && login.rules.tell_inactive == TellInactive::BeforePassword {
            return Ok(Checked::new(Credence::Refused(Refusal::Inactive), Spent::Nothing));
        }
        self.check(user, login.secret, &self.records.subject(&user.external_id)).await
    }
}

#[async_trait]
impl SetPasswords for Internal {
    async fn set_password(&self, id: &ExternalId, secret: &Secret) -> Result<(), DirectoryError> {
        let user = self.records.user_by_id(id).await?;
        let user = user.ok_or_else(|| DirectoryError::new(Fault::Missing, "user"))?;
        let credential = self.new_credential(&user, secret).await.map_err(|error| match error {
            Error::Invalid(cause) => DirectoryError::new(Fault::Invalid, "password").caused_by(cause),
            Error::Unavailable { .. } => DirectoryError::new(Fault::Unavailable, "password").caused_by(error),
            other => DirectoryError::new(Fault::Broken, "password").caused_by(other),
        })?;
        let subject = self.records.subject(id);
        self.records.apply(Change::SetCredential { subject, credential, free_in: vec![] }).await
    }
}
