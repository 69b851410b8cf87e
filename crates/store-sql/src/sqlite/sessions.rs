//! Sessions.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use throng_core::error::{Fault, StoreError};
use throng_core::id::{ApplicationId, SessionId, Subject};
use throng_core::session::{Binding, Session, TokenDigest};
use throng_core::store::Sessions;
use throng_core::time::Timestamp;

use super::SqliteStore;
use super::apply::Work;
use super::records::of;
use super::rows::{self, Read};
use super::statements::{read, write};
use crate::fault::{DriverFault, Intent, Told};

const SESSION: Intent = Intent::Do("session");

#[async_trait]
impl Sessions for SqliteStore {
    async fn epoch(&self, subject: &Subject) -> Result<u64, StoreError> {
        let row = self.ask_one(of(read::EPOCH, subject)).await.told(SESSION)?;
        let row = row.ok_or(DriverFault::Driver).told(SESSION)?;
        rows::unsigned(&row, 0).told(SESSION)
    }

    async fn open_session(&self, token: &TokenDigest, session: &Session) -> Result<(), StoreError> {
        let mut work = Work::begin(self, session.created_at).await?;
        let standing = work.one(of(read::STANDING, &session.subject)).await.told(SESSION)?;
        let standing = standing.ok_or_else(|| StoreError::new(Fault::Missing, "directory"))?;
        let epoch = current_epoch(&standing).told(SESSION)?;
        let epoch = epoch.ok_or_else(|| StoreError::new(Fault::Missing, "user"))?;
        let given = i64::try_from(session.epoch).ok();
        if given != Some(epoch) {
            return Err(StoreError::new(Fault::Conflict, "epoch"));
        }
        let statement = query(write::INSERT_SESSION)
            .bind(token.as_bytes().as_slice())
            .bind(session.id.as_bytes().as_slice())
            .bind(session.application.as_bytes().as_slice())
            .bind(session.subject.directory.as_bytes().as_slice())
            .bind(session.subject.external_id.as_str())
            .bind(session.name.as_str())
            .bind(session.name.key().as_bytes())
            .bind(epoch)
            .bind(session.created_at.as_micros())
            .bind(session.used_at.as_micros())
            .bind(session.expires_at.as_micros())
            .bind(i64::try_from(session.idle.as_micros()).unwrap_or(i64::MAX))
            .bind(session.binding.as_bytes().as_slice());
        // The directory is there: what may be missing is the application.
        work.one(statement).await.told(Intent::Make("session"))?;
        work.commit().await
    }

    async fn session(&self, token: &TokenDigest) -> Result<Option<Session>, StoreError> {
        let statement = query(read::SESSION).bind(token.as_bytes().as_slice());
        let row = self.ask_one(statement).await.told(SESSION)?;
        row.map(|row| session(&row)).transpose().told(SESSION)
    }

    async fn touch_session(&self, id: SessionId, used_at: Timestamp) -> Result<(), StoreError> {
        let statement = query(write::TOUCH_SESSION).bind(id.as_bytes().as_slice()).bind(used_at.as_micros());
        self.tell(statement).await.told(SESSION)?;
        Ok(())
    }

    async fn close_session(&self, token: &TokenDigest) -> Result<(), StoreError> {
        let statement = query(write::CLOSE_SESSION).bind(token.as_bytes().as_slice());
        self.tell(statement).await.told(SESSION)?;
        Ok(())
    }

    async fn close_sessions(
        &self,
        application: ApplicationId,
        subject: &Subject,
        except: Option<&TokenDigest>,
    ) -> Result<u64, StoreError> {
        let statement = query(write::CLOSE_SESSIONS)
            .bind(application.as_bytes().as_slice())
            .bind(subject.directory.as_bytes().as_slice())
            .bind(subject.external_id.as_str())
            .bind(except.map(|token| token.as_bytes().as_slice()));
        self.change(statement).await.told(SESSION)
    }

    async fn purge_sessions(&self, ended_before: Timestamp) -> Result<u64, StoreError> {
        let statement = query(write::PURGE_SESSIONS).bind(ended_before.as_micros());
        self.change(statement).await.told(SESSION)
    }
}

/// The epoch that a session of the account must have; none when a stored directory does not hold it.
fn current_epoch(standing: &SqliteRow) -> Read<Option<i64>> {
    if rows::flag(standing, 0)? {
        rows::optional_integer(standing, 1)
    } else {
        rows::integer(standing, 2).map(Some)
    }
}

fn session(row: &SqliteRow) -> Read<Session> {
    Ok(Session {
        id: rows::id(row, 0)?,
        application: rows::id(row, 1)?,
        subject: rows::subject(row, 2)?,
        name: rows::username(row, 4)?,
        epoch: rows::unsigned(row, 6)?,
        created_at: rows::time(row, 7)?,
        used_at: rows::time(row, 8)?,
        expires_at: rows::time(row, 9)?,
        idle: Duration::from_micros(rows::unsigned(row, 10)?),
        binding: Binding::new(rows::digest(row, 11)?),
    })
}
