//! The sequence of what changed: reading.

use async_trait::async_trait;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use throng_core::change::LoggedBatch;
use throng_core::error::StoreError;
use throng_core::id::InstanceId;
use throng_core::store::ChangeLog;

use super::SqliteStore;
use super::records::count;
use super::rows::{self, Read};
use super::statements::read;
use crate::fault::{DriverFault, Intent, Told};

const LOG: Intent = Intent::Do("change log");

#[async_trait]
impl ChangeLog for SqliteStore {
    async fn instance(&self) -> Result<InstanceId, StoreError> {
        let row = self.ask_one(query(read::INSTANCE)).await.told(LOG)?;
        let row = row.ok_or(DriverFault::Unreadable("instance")).told(LOG)?;
        let id = rows::text(&row, 0).told(LOG)?.parse();
        id.map_err(|_| DriverFault::Unreadable("instance")).told(LOG)
    }

    async fn head(&self) -> Result<u64, StoreError> {
        let row = self.ask_one(query(read::HEAD)).await.told(LOG)?;
        let row = row.ok_or(DriverFault::Driver).told(LOG)?;
        rows::unsigned(&row, 0).told(LOG)
    }

    async fn batches(&self, after: u64, limit: usize) -> Result<Vec<LoggedBatch>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let statement = query(read::BATCHES).bind(after).bind(count(limit));
        let rows = self.ask(statement).await.told(LOG)?;
        rows.iter().map(batch).collect::<Read<_>>().told(LOG)
    }
}

fn batch(row: &SqliteRow) -> Read<LoggedBatch> {
    Ok(LoggedBatch {
        sequence: rows::unsigned(row, 0)?,
        at: rows::time(row, 1)?,
        entries: rows::json(row, 2, "change log")?,
    })
}
