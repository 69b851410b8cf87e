//! Applying changes, all or none.

mod batch;
mod claims;
mod groups;
mod mirrors;
mod moves;
mod registry;
mod users;

use std::sync::atomic::AtomicU64;

use sqlx::query;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Acquire, Transaction};
use throng_core::change::{Applied, Change, ChangeSet, LoggedEntry, Logging};
use throng_core::error::{Fault, StoreError};
use throng_core::id::DirectoryId;
use throng_core::name::Key;
use throng_core::time::Timestamp;

use super::statements::{read, write};
use super::{SqliteStore, Statement, count, lists, rows};
use crate::fault::{DriverFault, Intent, Told};

const LOG: Intent = Intent::Do("change log");
const BATCH: Intent = Intent::Do("batch");
const TRANSACTION: Intent = Intent::Do("transaction");

/// Applies changes in one transaction with their batch in the log.
pub(crate) async fn apply(store: &SqliteStore, set: &ChangeSet) -> Result<Applied, StoreError> {
    let mut work = Work::begin(store, set.at).await?;
    work.logging = set.logging;
    if let Some(fence) = set.fence {
        work.expect_lease(fence).await?;
    }
    let mut rest = set.changes.as_slice();
    while !rest.is_empty() {
        let run = batch::first_run(rest);
        match work.attempt(&run).await.told(BATCH)? {
            Some(done) => rest = rest.split_at(done).1,
            None => {
                let (alone, others) = rest.split_at(run.len().max(1));
                for change in alone {
                    work.apply(change).await?;
                }
                rest = others;
            }
        }
    }
    match set.logging {
        Logging::Each => {}
        Logging::Deferred => work.entries.clear(),
    }
    let sequence = work.log().await?;
    work.commit().await?;
    Ok(Applied { sequence })
}

/// A transaction that writes. Dropping it undoes it.
pub(crate) struct Work<'s> {
    transaction: Transaction<'static, Sqlite>,
    statements: &'s AtomicU64,
    at: Timestamp,
    logging: Logging,
    entries: Vec<LoggedEntry>,
}

impl<'s> Work<'s> {
    /// Begins immediately: a transaction that read first and wrote later could fail in between.
    pub(crate) async fn begin(store: &'s SqliteStore, at: Timestamp) -> Result<Self, StoreError> {
        store.check_place().told(TRANSACTION)?;
        let transaction = store.writer.begin_with("BEGIN IMMEDIATE").await.told(TRANSACTION)?;
        let (logging, entries) = (Logging::Each, Vec::new());
        Ok(Self { transaction, statements: &store.statements, at, logging, entries })
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await.told(TRANSACTION)
    }

    /// Runs a statement and returns its last row.
    pub(crate) async fn one(&mut self, statement: Statement) -> Result<Option<SqliteRow>, DriverFault> {
        Ok(self.all(statement).await?.pop())
    }

    async fn all(&mut self, statement: Statement) -> Result<Vec<SqliteRow>, DriverFault> {
        count(self.statements);
        Ok(statement.fetch_all(&mut *self.transaction).await?)
    }

    /// Makes the changes at the beginning of a run at once and tells how many, or none of them and tells
    /// none.
    ///
    /// Which of them was wrong is not asked: they are then applied one by one, and the first that fails says
    /// so. In this way a batch means what its changes mean. After any other fault than a violated constraint,
    /// though, the engine may have ended the whole transaction, and there is nothing to go on with.
    async fn attempt(&mut self, run: &batch::Run<'_>) -> Result<Option<usize>, DriverFault> {
        let Some((batch, done)) = run.batch() else {
            return Ok(None);
        };
        let mut savepoint = self.transaction.begin().await?;
        for statement in batch {
            count(self.statements);
            let rows = statement.fetch_all(&mut *savepoint).await.map_err(DriverFault::from);
            match rows {
                Ok(rows) if rows.is_empty() => {}
                Ok(_) | Err(DriverFault::Taken | DriverFault::Dangling | DriverFault::Constraint) => {
                    savepoint.rollback().await?;
                    return Ok(None);
                }
                Err(fault) => return Err(fault),
            }
        }
        savepoint.commit().await?;
        match self.logging {
            Logging::Each => self.entries.extend(run.entries(done)),
            Logging::Deferred => {}
        }
        Ok(Some(done))
    }

    async fn apply(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::PutDirectory(record) => self.put_directory(record).await,
            Change::RemoveDirectory(id) => self.remove_directory(*id).await,
            Change::PutApplication(record) => self.put_application(record).await,
            Change::RemoveApplication(id) => self.remove_application(*id).await,
            Change::PutConsumer(record) => self.put_consumer(record).await,
            Change::ExpirePasswords(directory) => self.expire_passwords(*directory).await,
            Change::AddUser { directory, user, free_in, credential } => {
                self.add_user(*directory, user, free_in, credential.as_ref()).await
            }
            Change::UpdateUser { subject, patch, free_in } => self.update_user(subject, patch, free_in).await,
            Change::RenameUser { subject, name, free_in } => self.rename_user(subject, name, free_in).await,
            Change::ReplaceExternalId { subject, external_id } => {
                self.replace_external_id(subject, external_id).await
            }
            Change::RemoveUser { subject, free_in } => self.remove_user(subject, free_in).await,
            Change::SetCredential { subject, credential, free_in } => {
                self.set_credential(subject, credential, free_in).await
            }
            Change::RewriteUser { directory, user } => self.rewrite_user(*directory, user).await,
            Change::EndSessions(subject) => self.end_sessions(subject).await,
            Change::ClearCredential(subject) => self.clear_credential(subject).await,
            Change::NoteLogin { subject, at } => self.note_login(subject, *at).await,
            Change::ExpectBelongings { subject, belongings } => {
                self.expect_belongings(subject, belongings).await
            }
            Change::PutCapture(capture) => self.put_capture(capture).await,
            Change::DropCapture(capture) => self.drop_capture(capture).await,
            Change::PutMove(record) => self.put_move(record).await,
            Change::PutMoveEntries { by, entries } => self.put_move_entries(*by, entries).await,
            Change::DropMoveEntries(by) => self.drop_move_entries(*by).await,
            Change::AddGroup { directory, group, free_in } => {
                self.add_group(*directory, group, free_in).await
            }
            Change::UpdateGroup { directory, group, patch } => {
                self.update_group(*directory, group, patch).await
            }
            Change::RemoveGroup { directory, group } => self.remove_group(*directory, group).await,
            Change::AddMember { directory, group, member, cycle } => {
                self.add_member(*directory, group, member, *cycle).await
            }
            Change::RemoveMember { directory, group, member } => {
                self.remove_member(*directory, group, member).await
            }
            Change::MarkMembers { directory, group, mark } => {
                self.mark_members(*directory, group, *mark).await
            }
            Change::PutMirror { directory, state } => self.put_mirror(*directory, state).await,
            Change::ApproveDeletions { directory, approval } => {
                self.approve(*directory, approval.as_ref()).await
            }
            Change::ExpectHead(expected) => self.expect_head(*expected).await,
            Change::ResetDirectory(directory) => {
                self.entries.push(LoggedEntry::DirectoryReset(*directory));
                Ok(())
            }
            Change::MakeClaim(claim) => self.make_claim(claim).await,
            Change::ReplaceClaim { expected, claim } => self.replace_claim(expected, claim).await,
            Change::ReleaseClaim(claim) => self.release_claim(claim).await,
            Change::SetAlias { application, subject, alias, free_in } => {
                self.set_alias(*application, subject, alias, free_in).await
            }
            Change::RemoveAlias { application, subject } => self.remove_alias(*application, subject).await,
        }
    }

    /// Fails when anything was logged since.
    async fn expect_head(&mut self, expected: u64) -> Result<(), StoreError> {
        let row = self.one(query(read::HEAD)).await.told(LOG)?;
        let row = row.ok_or(DriverFault::Driver).told(LOG)?;
        if rows::unsigned(&row, 0).told(LOG)? == expected { Ok(()) } else { Err(conflict("change log")) }
    }

    /// Writes the batch and returns its sequence number, or that of the one before when there is nothing to
    /// write.
    async fn log(&mut self) -> Result<u64, StoreError> {
        let statement = if self.entries.is_empty() {
            query(read::HEAD)
        } else {
            let entries = lists::to_json(&self.entries).told(LOG)?;
            query(write::APPEND).bind(self.at.as_micros()).bind(entries)
        };
        let row = self.one(statement).await.told(LOG)?;
        let row = row.ok_or(DriverFault::Driver).told(LOG)?;
        rows::unsigned(&row, 0).told(LOG)
    }

    /// Fails when a user other than `except` holds the key in one of the directories.
    async fn expect_free(
        &mut self,
        key: &Key,
        directories: &[DirectoryId],
        except: Option<i64>,
    ) -> Result<(), StoreError> {
        if directories.is_empty() {
            return Ok(());
        }
        let statement = query(write::KEY_HELD)
            .bind(key.as_bytes())
            .bind(lists::directories(directories))
            .bind(except.unwrap_or(NOBODY));
        expect_none(self.one(statement).await.told(Intent::Do("user"))?, "name")
    }
}

/// No row has this number.
const NOBODY: i64 = 0;

fn missing(subject: &'static str) -> StoreError {
    StoreError::new(Fault::Missing, subject)
}

fn conflict(subject: &'static str) -> StoreError {
    StoreError::new(Fault::Conflict, subject)
}

fn expect_none(row: Option<SqliteRow>, subject: &'static str) -> Result<(), StoreError> {
    row.map_or(Ok(()), |_| Err(conflict(subject)))
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Executor};
    use throng_core::change::{Change, ChangeSet};
    use throng_core::error::Fault;
    use throng_core::id::DirectoryId;
    use throng_core::permission::Permissions;
    use throng_core::registry::{DirectoryKind, DirectoryRecord, Label};
    use throng_core::store::{ChangeLog, Records, Registry};
    use throng_core::time::Timestamp;

    use crate::SqliteStore;

    fn directories(names: &str, count: u8) -> ChangeSet {
        let put = |number: u8| {
            Change::PutDirectory(DirectoryRecord {
                id: DirectoryId::from_bytes([number; 16]),
                name: Label::new(format!("{names}{number} {}", "x".repeat(200))).unwrap(),
                active: true,
                permissions: Permissions::ALL,
                kind: DirectoryKind::Live,
            })
        };
        ChangeSet::new(Timestamp::from_micros(1), (0..count).map(put).collect())
    }

    /// After a full disk SQLite may have ended the transaction by itself: nothing may be committed alone from
    /// then on, and the writer must be of use again.
    #[tokio::test]
    async fn a_full_disk_is_unavailable_and_passes_g07() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("throng.db")).await.unwrap();
        store.apply(&directories("a", 3)).await.unwrap();
        for _ in 0..3 {
            // A page more than there is, so that the fault comes in the middle of a set.
            let limit = "PRAGMA max_page_count = 1";
            store.writer.execute(AssertSqlSafe(limit)).await.unwrap();
            let error = store.apply(&directories("b", 250)).await.unwrap_err();
            assert_eq!(error.fault(), Fault::Unavailable);
            assert_eq!(store.directories().await.unwrap().len(), 3);
            assert_eq!(store.head().await.unwrap(), 1);
            let limit = "PRAGMA max_page_count = 1000000";
            store.writer.execute(AssertSqlSafe(limit)).await.unwrap();
        }
        assert_eq!(store.apply(&directories("c", 250)).await.unwrap().sequence, 2);
        assert_eq!(store.directories().await.unwrap().len(), 250);
    }
}
