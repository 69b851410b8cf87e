//! The store on SQLite.

mod apply;
mod backup;
mod census;
mod change_log;
mod credentials;
mod lists;
mod mirrors;
mod moves;
mod narrow;
mod open;
mod place;
mod records;
mod registry;
mod rows;
mod sessions;
mod statements;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqlitePool, SqliteRow};

use crate::fault::DriverFault;
use place::Place;

pub use backup::{BackupError, BackupFault, Examination};
pub use open::{OpenError, OpenFault, SqliteOptions};

/// A store in an SQLite file, or in memory.
///
/// 1. All ports: [`Records`], [`Credentials`], [`Sessions`], [`Registry`], [`Mirrors`], [`Moves`], [`Census`] and
///    [`ChangeLog`].
/// 2. One connection writes, in transactions that begin immediately; several read meanwhile (WAL), each
///    seeing whatever was committed before.
/// 3. Every commit is on the disk when it is reported (`synchronous = FULL`).
/// 4. Dropping a future leaves its call done or not done: an open transaction is rolled back before its
///    connection is used again (T97).
/// 5. The tables and indexes are named `throng_...`, so that they can stand in a file of the host. Never run
///    ANALYZE or `PRAGMA optimize` on it: statistics make SQLite prepare a statement anew for each value.
/// 6. When the file is deleted or another one takes its place, every call is `Unavailable` until it is back (on Unix).
/// 7. Clones share the connections.
///
/// [`Records`]: throng_core::store::Records
/// [`Credentials`]: throng_core::store::Credentials
/// [`Sessions`]: throng_core::store::Sessions
/// [`Registry`]: throng_core::store::Registry
/// [`Mirrors`]: throng_core::store::Mirrors
/// [`Moves`]: throng_core::moves::Moves
/// [`Census`]: throng_core::preview::Census
/// [`ChangeLog`]: throng_core::store::ChangeLog
#[derive(Debug, Clone)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: SqlitePool,
    /// None in memory.
    place: Option<Arc<Place>>,
    statements: Arc<AtomicU64>,
}

/// A statement with its values.
type Statement = Query<'static, Sqlite, SqliteArguments>;

impl SqliteStore {
    /// Opens or makes a store in a file, with the default options.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(SqliteOptions::new(path.as_ref())).await
    }

    /// Opens or makes a store in a file.
    ///
    /// 1. A new file can be read and written by its owner only (mode 0600).
    /// 2. A file of an older schema is migrated, in one transaction.
    /// 3. A call that fails has changed nothing: see [`OpenFault`] for why it may.
    pub async fn open_with(options: SqliteOptions) -> Result<Self, OpenError> {
        open::file(&options).await
    }

    /// Makes a store that is gone with its last clone. It has one connection, for reading and writing.
    pub async fn in_memory() -> Result<Self, OpenError> {
        open::memory().await
    }

    /// How many statements were run for calls of the ports since the store was opened, beginnings and ends of
    /// transactions apart.
    pub fn statements_run(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// The connections that read, for a host's own queries on the same file. They refuse to write, except in
    /// memory.
    pub fn read_pool(&self) -> &SqlitePool {
        &self.readers
    }

    /// Closes all connections, once the calls that run have ended.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    fn new(readers: SqlitePool, writer: SqlitePool, place: Option<Place>) -> Self {
        Self { readers, writer, place: place.map(Arc::new), statements: Arc::default() }
    }

    /// Fails when the file is not in its place any more.
    fn check_place(&self) -> Result<(), DriverFault> {
        self.place.as_deref().map_or(Ok(()), Place::check)
    }

    async fn ask(&self, statement: Statement) -> Result<Vec<SqliteRow>, DriverFault> {
        self.check_place()?;
        count(&self.statements);
        Ok(statement.fetch_all(&self.readers).await?)
    }

    async fn ask_one(&self, statement: Statement) -> Result<Option<SqliteRow>, DriverFault> {
        self.check_place()?;
        count(&self.statements);
        Ok(statement.fetch_optional(&self.readers).await?)
    }

    /// Runs a statement that is a transaction by itself, and returns the row that it returns.
    ///
    /// All rows are taken, since a statement that is left early commits late.
    async fn tell(&self, statement: Statement) -> Result<Option<SqliteRow>, DriverFault> {
        self.check_place()?;
        count(&self.statements);
        Ok(statement.fetch_all(&self.writer).await?.pop())
    }

    /// Runs a statement that is a transaction by itself, and returns how many rows it changed.
    async fn change(&self, statement: Statement) -> Result<u64, DriverFault> {
        self.check_place()?;
        count(&self.statements);
        Ok(statement.execute(&self.writer).await?.rows_affected())
    }
}

fn count(statements: &AtomicU64) {
    statements.fetch_add(1, Ordering::Relaxed);
}
