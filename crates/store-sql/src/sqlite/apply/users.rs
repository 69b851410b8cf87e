//! Changes of users.

use sqlx::query;
use throng_core::attribute::Attributes;
use throng_core::change::LoggedEntry;
use throng_core::directory::UserPatch;
use throng_core::error::{Fault, StoreError};
use throng_core::id::{DirectoryId, ExternalId, Subject};
use throng_core::name::{Key, Username};
use throng_core::password::Credential;
use throng_core::sync::Mark;
use throng_core::user::{Profile, User};

use super::{Work, missing};
use crate::fault::{DriverFault, Intent, Told};
use crate::sqlite::credentials::Bound;
use crate::sqlite::records::of;
use crate::sqlite::rows::{self, NO_ATTRIBUTES, USER_COLUMNS};
use crate::sqlite::statements::write;
use crate::sqlite::{Statement, lists};

const USER: Intent = Intent::Do("user");
const MAKE_USER: Intent = Intent::Make("user");
const CREDENTIAL: Intent = Intent::Do("credential");
const SESSION: Intent = Intent::Do("session");

impl Work<'_> {
    pub(super) async fn add_user(
        &mut self,
        directory: DirectoryId,
        user: &User,
        free_in: &[DirectoryId],
        credential: Option<&Credential>,
    ) -> Result<(), StoreError> {
        self.expect_free(user.key(), free_in, None).await?;
        let row = self.one(insert(directory, user).told(USER)?).await.told(MAKE_USER)?;
        let row = row.ok_or(DriverFault::Driver).told(USER)?;
        if let Some(credential) = credential {
            let id = rows::integer(&row, 0).told(USER)?;
            let statement = Bound::of(credential).told(CREDENTIAL)?.put(id);
            self.one(statement).await.told(CREDENTIAL)?;
        }
        self.entries.push(added(directory, user));
        Ok(())
    }

    pub(super) async fn update_user(
        &mut self,
        subject: &Subject,
        patch: &UserPatch,
        free_in: &[DirectoryId],
    ) -> Result<(), StoreError> {
        let (id, user) = self.account(subject).await?;
        self.expect_free(user.key(), free_in, Some(id)).await?;
        let updated = User {
            profile: patch.profile.clone().unwrap_or(user.profile),
            active: patch.active.unwrap_or(user.active),
            attributes: patched(user.attributes, &patch.attributes)?,
            ..user
        };
        self.one(update(id, &updated).told(USER)?).await.told(USER)?;
        self.entries.push(LoggedEntry::UserUpdated(subject.clone(), updated.name));
        match patch.active {
            Some(false) => self.end(id, subject).await,
            Some(true) | None => Ok(()),
        }
    }

    pub(super) async fn rewrite_user(
        &mut self,
        directory: DirectoryId,
        user: &User,
    ) -> Result<(), StoreError> {
        let subject = Subject { directory, external_id: user.external_id.clone() };
        let (id, kept) = self.account(&subject).await?;
        let rewritten = User { name: kept.name, ..user.clone() };
        self.one(update(id, &rewritten).told(USER)?).await.told(USER)?;
        self.entries.push(LoggedEntry::UserUpdated(subject.clone(), rewritten.name));
        if kept.active && !user.active {
            self.end(id, &subject).await?;
        }
        Ok(())
    }

    pub(super) async fn rename_user(
        &mut self,
        subject: &Subject,
        name: &Username,
        free_in: &[DirectoryId],
    ) -> Result<(), StoreError> {
        let (id, user) = self.account(subject).await?;
        let former = user.name.clone();
        self.expect_free(name.key(), free_in, Some(id)).await?;
        let renamed = User { name: name.clone(), ..user };
        let statement = query(write::RENAME_USER)
            .bind(id)
            .bind(name.as_str())
            .bind(name.key().as_bytes())
            .bind(Mark::of_user(&renamed).bits());
        self.one(statement).await.told(MAKE_USER)?;
        self.one(query(write::FORGET_MARKS_OF_USER).bind(id)).await.told(USER)?;
        self.entries.push(LoggedEntry::UserRenamed(subject.clone(), former, name.clone()));
        let statement = of(write::MOVE_CLAIMS, subject).bind(name.key().as_bytes());
        self.tell_of_claims(statement, Intent::Make("claim")).await
    }

    pub(super) async fn replace_external_id(
        &mut self,
        subject: &Subject,
        external_id: &ExternalId,
    ) -> Result<(), StoreError> {
        let (id, user) = self.account(subject).await?;
        let user = User { external_id: external_id.clone(), ..user };
        let mark = Mark::of_user(&user).bits();
        let statement = query(write::REPLACE_EXTERNAL_ID).bind(id).bind(external_id.as_str()).bind(mark);
        self.one(statement).await.told(MAKE_USER)?;
        // Nobody may come upon the sessions of the former subject by being given its external id.
        self.one(of(write::DELETE_SESSIONS, subject)).await.told(SESSION)?;
        let successor = Subject { directory: subject.directory, external_id: external_id.clone() };
        self.entries.push(LoggedEntry::UserUpdated(successor, user.name));
        let claims = of(write::HAND_CLAIMS_ON, subject).bind(external_id.as_str());
        self.tell_of_claims(claims, Intent::Do("claim")).await
    }

    pub(super) async fn remove_user(
        &mut self,
        subject: &Subject,
        free_in: &[DirectoryId],
    ) -> Result<(), StoreError> {
        let (id, user) = self.account(subject).await?;
        self.expect_free(user.key(), free_in, Some(id)).await?;
        let aliases = self.all(query(write::DELETE_ALIASES).bind(id)).await.told(USER)?;
        self.one(query(write::FORGET_MARKS_OF_USER).bind(id)).await.told(USER)?;
        self.one(query(write::DELETE_USER).bind(id)).await.told(USER)?;
        self.one(of(write::DELETE_SESSIONS, subject)).await.told(SESSION)?;
        self.entries.push(LoggedEntry::UserRemoved(subject.clone(), user.name));
        for alias in aliases {
            let application = rows::id(&alias, 0).told(USER)?;
            self.entries.push(LoggedEntry::AliasRemoved(application, subject.clone()));
        }
        let statement = of(write::BURY_CLAIMS, subject).bind(self.at.as_micros());
        self.tell_of_claims(statement, Intent::Do("claim")).await
    }

    pub(super) async fn set_credential(
        &mut self,
        subject: &Subject,
        credential: &Credential,
        free_in: &[DirectoryId],
    ) -> Result<(), StoreError> {
        let (id, user) = self.account(subject).await?;
        self.expect_free(user.key(), free_in, Some(id)).await?;
        let statement = Bound::of(credential).told(CREDENTIAL)?.put(id);
        self.one(statement).await.told(CREDENTIAL)?;
        self.end_waiting(subject).await?;
        self.entries.push(LoggedEntry::PasswordSet(subject.clone(), user.name));
        self.end(id, subject).await
    }

    /// Ends sessions by the epoch, also when none is stored: one that is being opened just now must not
    /// outlive this.
    pub(super) async fn end_sessions(&mut self, subject: &Subject) -> Result<(), StoreError> {
        if let Some(row) = self.one(of(write::ACCOUNT, subject)).await.told(USER)? {
            let id = rows::integer(&row, USER_COLUMNS).told(USER)?;
            return self.end(id, subject).await;
        }
        match self.one(of(write::NEXT_LIVE_EPOCH, subject)).await.told(SESSION)? {
            Some(_) => self.forget_sessions(subject).await,
            None => Ok(()),
        }
    }

    /// The number and the record of an account that must be there.
    pub(super) async fn account(&mut self, subject: &Subject) -> Result<(i64, User), StoreError> {
        let row = self.one(of(write::ACCOUNT, subject)).await.told(USER)?;
        let row = row.ok_or_else(|| missing("user"))?;
        let id = rows::integer(&row, USER_COLUMNS).told(USER)?;
        let (_, user) = rows::user(&row).told(USER)?;
        Ok((id, user))
    }

    pub(super) async fn end(&mut self, id: i64, subject: &Subject) -> Result<(), StoreError> {
        self.one(query(write::NEXT_EPOCH).bind(id)).await.told(SESSION)?;
        self.forget_sessions(subject).await
    }

    async fn forget_sessions(&mut self, subject: &Subject) -> Result<(), StoreError> {
        self.one(of(write::DELETE_SESSIONS, subject)).await.told(SESSION)?;
        self.entries.push(LoggedEntry::SessionsEnded(subject.clone()));
        Ok(())
    }
}

/// What the log says of a user that was made.
pub(super) fn added(directory: DirectoryId, user: &User) -> LoggedEntry {
    let subject = Subject { directory, external_id: user.external_id.clone() };
    LoggedEntry::UserAdded(subject, user.name.clone())
}

/// What the log says of a user that was rewritten.
pub(super) fn rewritten(directory: DirectoryId, user: &User) -> LoggedEntry {
    let subject = Subject { directory, external_id: user.external_id.clone() };
    LoggedEntry::UserUpdated(subject, user.name.clone())
}

/// What an e-mail address is found by.
pub(super) fn email_key(profile: &Profile) -> Option<Key> {
    (!profile.email.is_empty()).then(|| Key::of(&profile.email))
}

pub(super) fn attributes_text(attributes: &Attributes) -> Result<String, DriverFault> {
    if attributes.is_empty() {
        return Ok(NO_ATTRIBUTES.to_owned());
    }
    lists::to_json(attributes)
}

/// Attributes with some of them replaced.
pub(super) fn patched(
    mut attributes: Attributes,
    patch: &[(String, Vec<String>)],
) -> Result<Attributes, StoreError> {
    for (name, values) in patch {
        attributes
            .set(name, values.clone())
            .map_err(|error| StoreError::new(Fault::Invalid, "attribute").caused_by(error))?;
    }
    Ok(attributes)
}

fn insert(directory: DirectoryId, user: &User) -> Result<Statement, DriverFault> {
    let profile = &user.profile;
    Ok(query(write::INSERT_USER)
        .bind(directory.as_bytes().as_slice())
        .bind(user.external_id.as_str())
        .bind(user.name.as_str())
        .bind(user.key().as_bytes())
        .bind(profile.first_name.as_str())
        .bind(profile.last_name.as_str())
        .bind(profile.display_name.as_str())
        .bind(profile.email.as_str())
        .bind(email_key(profile).map(|key| key.as_bytes().to_vec()))
        .bind(i64::from(user.active))
        .bind(attributes_text(&user.attributes)?)
        .bind(Mark::of_user(user).bits()))
}

fn update(id: i64, user: &User) -> Result<Statement, DriverFault> {
    let profile = &user.profile;
    Ok(query(write::UPDATE_USER)
        .bind(id)
        .bind(profile.first_name.as_str())
        .bind(profile.last_name.as_str())
        .bind(profile.display_name.as_str())
        .bind(profile.email.as_str())
        .bind(email_key(profile).map(|key| key.as_bytes().to_vec()))
        .bind(i64::from(user.active))
        .bind(attributes_text(&user.attributes)?)
        .bind(Mark::of_user(user).bits()))
}
