//! Changes of claims and aliases.

use sqlx::query;
use throng_core::change::LoggedEntry;
use throng_core::claim::Claim;
use throng_core::error::StoreError;
use throng_core::id::{ApplicationId, DirectoryId, Subject};
use throng_core::name::Username;

use super::{Work, conflict, missing};
use crate::fault::{Intent, Told};
use crate::sqlite::statements::write;
use crate::sqlite::{Statement, rows};

const CLAIM: Intent = Intent::Do("claim");
const MAKE_CLAIM: Intent = Intent::Make("claim");
const ALIAS: Intent = Intent::Do("alias");

impl Work<'_> {
    pub(super) async fn make_claim(&mut self, claim: &Claim) -> Result<(), StoreError> {
        self.one(insert(claim)).await.told(MAKE_CLAIM)?;
        self.entries.push(LoggedEntry::ClaimPut(claim.application, claim.key.clone()));
        Ok(())
    }

    pub(super) async fn replace_claim(&mut self, expected: &Claim, claim: &Claim) -> Result<(), StoreError> {
        self.expect_claim(expected).await?;
        self.one(about(write::DELETE_CLAIM, expected)).await.told(CLAIM)?;
        self.one(insert(claim)).await.told(MAKE_CLAIM)?;
        if (expected.application, &expected.key) != (claim.application, &claim.key) {
            self.entries.push(LoggedEntry::ClaimReleased(expected.application, expected.key.clone()));
        }
        self.entries.push(LoggedEntry::ClaimPut(claim.application, claim.key.clone()));
        Ok(())
    }

    pub(super) async fn release_claim(&mut self, claim: &Claim) -> Result<(), StoreError> {
        self.expect_claim(claim).await?;
        self.one(about(write::DELETE_CLAIM, claim)).await.told(CLAIM)?;
        self.entries.push(LoggedEntry::ClaimReleased(claim.application, claim.key.clone()));
        Ok(())
    }

    pub(super) async fn set_alias(
        &mut self,
        application: ApplicationId,
        subject: &Subject,
        alias: &Username,
        free_in: &[DirectoryId],
    ) -> Result<(), StoreError> {
        let (user, _) = self.account(subject).await?;
        self.expect_free(alias.key(), free_in, None).await?;
        let bytes = application.as_bytes().as_slice();
        let former = query(write::DELETE_ALIAS).bind(bytes).bind(user);
        self.one(former).await.told(ALIAS)?;
        let statement = query(write::INSERT_ALIAS)
            .bind(bytes)
            .bind(user)
            .bind(alias.key().as_bytes())
            .bind(alias.as_str());
        self.one(statement).await.told(Intent::Make("alias"))?;
        self.entries.push(LoggedEntry::AliasSet(application, subject.clone()));
        Ok(())
    }

    pub(super) async fn remove_alias(
        &mut self,
        application: ApplicationId,
        subject: &Subject,
    ) -> Result<(), StoreError> {
        let (user, _) = self.account(subject).await?;
        let statement = query(write::DELETE_ALIAS).bind(application.as_bytes().as_slice()).bind(user);
        let removed = self.one(statement).await.told(ALIAS)?;
        removed.ok_or_else(|| missing("alias"))?;
        self.entries.push(LoggedEntry::AliasRemoved(application, subject.clone()));
        Ok(())
    }

    /// Runs a statement that changes claims and returns (application, key) of each, and logs them.
    pub(super) async fn tell_of_claims(
        &mut self,
        statement: Statement,
        intent: Intent,
    ) -> Result<(), StoreError> {
        for row in self.all(statement).await.told(intent)? {
            let application = rows::id(&row, 0).told(CLAIM)?;
            let key = rows::key(&row, 1).told(CLAIM)?;
            self.entries.push(LoggedEntry::ClaimPut(application, key));
        }
        Ok(())
    }

    async fn expect_claim(&mut self, expected: &Claim) -> Result<(), StoreError> {
        let row = self.one(about(write::STANDING_CLAIM, expected)).await.told(CLAIM)?;
        let standing = row.map(|row| rows::claim(&row, expected.application, expected.key.clone()));
        match standing.transpose().told(CLAIM)? {
            Some(standing) if standing == *expected => Ok(()),
            _ => Err(conflict("claim")),
        }
    }
}

fn about(text: &'static str, claim: &Claim) -> Statement {
    query(text).bind(claim.application.as_bytes().as_slice()).bind(claim.key.as_bytes())
}

fn insert(claim: &Claim) -> Statement {
    about(write::INSERT_CLAIM, claim)
        .bind(claim.identity.as_bytes().as_slice())
        .bind(claim.subject.directory.as_bytes().as_slice())
        .bind(claim.subject.external_id.as_str())
        .bind(claim.tombstoned_at.map(|at| at.as_micros()))
        .bind(claim.made_at.as_micros())
}
