//! Opening a file, or refusing to without having touched it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqlSafeStr, query};
use throng_core::name::FOLD_VERSION;

use super::place::Place;
use super::statements::{read, write};
use super::{SqliteStore, rows};
use crate::fault::DriverFault;

/// How a store in a file is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    path: PathBuf,
    readers: u32,
    busy_timeout: Duration,
}

impl SqliteOptions {
    /// The default options: four connections that read, and five seconds of waiting for another process that
    /// writes.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), readers: 4, busy_timeout: Duration::from_secs(5) }
    }

    /// The most connections that read, at least one. They are opened as they are needed.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long a call waits for another process that writes, before it is `Unavailable`; at most an hour.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(Duration::from_secs(60 * 60));
        self
    }
}

/// A store could not be opened. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[error("cannot open {}: {fault}", .place.display())]
pub struct OpenError {
    /// The file.
    pub place: PathBuf,
    /// Why not.
    pub fault: OpenFault,
}

/// Why a store could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenFault {
    /// The directory in which the file should be is not there.
    #[error("its directory does not exist")]
    MissingParent,
    /// The place is a directory, a symbolic link or anything else but a file.
    #[error("it is not a plain file")]
    NotAFile,
    /// The file or its directory cannot be written.
    #[error("it, or its directory, is read-only")]
    ReadOnly,
    /// Everybody on the machine may write the file (mode `o+w`).
    #[error("everybody may write it")]
    Exposed,
    /// The operating system does not let this process near it.
    #[error("the operating system refuses access")]
    Refused,
    /// The file is something else than an SQLite database.
    #[error("it is not an SQLite database")]
    NotADatabase,
    /// The database keeps its texts in UTF-16: a name would have another key there.
    #[error("its texts are not in UTF-8")]
    OtherEncoding,
    /// A part of the database is missing or spoilt.
    #[error("the database is damaged or truncated")]
    Damaged,
    /// A newer Throng has migrated the database to this version.
    #[error("its schema has version {0}, which is newer than this program")]
    NewerSchema(i64),
    /// A migration of the database was begun and not ended.
    #[error("migration {0} was left half-way")]
    HalfMigrated(i64),
    /// The database was made by another text of this migration, or one that never was ours.
    #[error("migration {0} is not the one that this program has")]
    ChangedMigration(i64),
    /// The keys were folded by another function (T16): `throng_core::name::FOLD_VERSION` differs.
    #[error("its names were folded by another version")]
    OtherFolding,
    /// Anything else that the database says.
    #[error("{0}")]
    Database(DriverFault),
}

/// Opens a file.
pub(super) async fn file(options: &SqliteOptions) -> Result<SqliteStore, OpenError> {
    let at = |fault| OpenError { place: options.path.clone(), fault };
    let origin = look(&options.path).map_err(at)?;
    let mut waited = Duration::ZERO;
    loop {
        match attempt(options).await {
            // Another process opens it too. SQLite does not wait by itself where one of them changes the
            // journal mode.
            Err(OpenFault::Database(DriverFault::Code(code)))
                if code & 0xff == BUSY && waited < options.busy_timeout =>
            {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
            Err(fault) => {
                if origin == Origin::Made {
                    unmake(&options.path);
                }
                return Err(at(fault));
            }
            Ok(store) => return Ok(store),
        }
    }
}

async fn attempt(options: &SqliteOptions) -> Result<SqliteStore, OpenFault> {
    match inspect(options).await? {
        State::Current => {}
        State::Behind => set_up(options).await?,
    }
    connect(options).await
}

/// What was not there before shall not be there after, unless somebody else has begun to use it.
fn unmake(path: &Path) {
    if fs::metadata(path).is_ok_and(|found| found.len() == 0) {
        // If this fails, what stays is an empty file, which opens the next time.
        let _ = fs::remove_file(path);
    }
}

/// Makes a store in memory.
pub(super) async fn memory() -> Result<SqliteStore, OpenError> {
    let at = |fault| OpenError { place: PathBuf::from(IN_MEMORY), fault };
    let connection = SqliteConnectOptions::new().foreign_keys(true).disable_statement_logging();
    let pool = lasting(1).connect_with(connection).await.map_err(of_driver).map_err(at)?;
    let mut held = pool.acquire().await.map_err(of_driver).map_err(at)?;
    migrate(&mut held).await.map_err(at)?;
    drop(held);
    Ok(SqliteStore::new(pool.clone(), pool, None))
}

/// SQLite's class of codes for what another connection holds.
const BUSY: i32 = 5;
const PAUSE: Duration = Duration::from_millis(10);

/// 16 MiB, in the negative KiB that SQLite takes: the pages of the indexes that many new rows are spread over. With the
/// default of 2 MiB they are read anew for each batch.
const WRITER_CACHE: &str = "-16384";

const IN_MEMORY: &str = ":memory:";

/// The name keeps us off the host's own migrations.
const MIGRATIONS: &str = "throng_migrations";

/// One transaction for all that opening writes, and nobody else's in between.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// The migrations in order.
const TEXTS: [(i64, &str, &str); 5] = [
    (1, "initial", include_str!("../../migrations/sqlite/0001_initial.sql")),
    (2, "sync", include_str!("../../migrations/sqlite/0002_sync.sql")),
    (3, "consumers", include_str!("../../migrations/sqlite/0003_consumers.sql")),
    (4, "moves", include_str!("../../migrations/sqlite/0004_moves.sql")),
    (5, "administrators", include_str!("../../migrations/sqlite/0005_administrators.sql")),
];

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER: usize = 100;

/// Where the file came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Made,
    Found,
}

/// What an existing file holds.
enum State {
    Current,
    Behind,
}

fn migrations() -> Migrator {
    let migration = |(version, name, text): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(TEXTS.into_iter().map(migration).collect());
    migrator.dangerous_set_table_name(MIGRATIONS);
    migrator
}

/// Looks at the file from outside, and makes it when there is none.
fn look(path: &Path) -> Result<Origin, OpenFault> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match fs::metadata(parent) {
        Ok(found) if !found.is_dir() => return Err(OpenFault::MissingParent),
        Ok(found) if found.permissions().readonly() => return Err(OpenFault::ReadOnly),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(OpenFault::MissingParent),
        Err(error) => return Err(of_io(&error)),
    }
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(OpenFault::NotAFile),
        Ok(found) if found.permissions().readonly() => Err(OpenFault::ReadOnly),
        Ok(found) if is_exposed(&found) => Err(OpenFault::Exposed),
        Ok(found) => check_header(path, found.len()).map(|()| Origin::Found),
        Err(error) if error.kind() == ErrorKind::NotFound => make(path),
        Err(error) => Err(of_io(&error)),
    }
}

fn make(path: &Path) -> Result<Origin, OpenFault> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(Origin::Made),
        // Another process was quicker; the file is looked at like any other.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Origin::Found),
        Err(error) => Err(of_io(&error)),
    }
}

#[cfg(unix)]
fn is_exposed(found: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o002 != 0
}

#[cfg(not(unix))]
fn is_exposed(_: &fs::Metadata) -> bool {
    false
}

/// Tells a foreign file from a cut one by the header, before SQLite sees either.
pub(super) fn check_header(path: &Path, length: u64) -> Result<(), OpenFault> {
    if length == 0 {
        return Ok(());
    }
    let mut header = Vec::with_capacity(HEADER);
    let file = File::open(path).map_err(|error| of_io(&error))?;
    let most = u64::try_from(HEADER).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut header).map_err(|error| of_io(&error))?;
    if !header.starts_with(MAGIC) {
        return Err(OpenFault::NotADatabase);
    }
    let &[first, second] = header.get(16..18).unwrap_or_default() else {
        return Err(OpenFault::Damaged);
    };
    let page = match u16::from_be_bytes([first, second]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let &[a, b, c, d] = header.get(28..32).unwrap_or_default() else {
        return Err(OpenFault::Damaged);
    };
    let pages = u64::from(u32::from_be_bytes([a, b, c, d]));
    // A log beside the file may hold the pages that the file lacks.
    let whole = length >= pages.saturating_mul(page) || beside(path, "-wal").exists();
    if page < 512 || header.len() < HEADER || !whole {
        return Err(OpenFault::Damaged);
    }
    Ok(())
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Looks at what the file holds, without a statement that writes. Opened for reading alone, SQLite could
/// neither roll back what a crash left nor take the files away that it puts beside the database.
async fn inspect(options: &SqliteOptions) -> Result<State, OpenFault> {
    let mut connection = refusing_to_write(options).connect().await.map_err(of_driver)?;
    let state = state(&mut connection).await;
    connection.close().await.map_err(of_driver)?;
    state
}

async fn state(connection: &mut SqliteConnection) -> Result<State, OpenFault> {
    let encoding = query("PRAGMA encoding").fetch_one(&mut *connection).await.map_err(of_driver)?;
    if rows::text(&encoding, 0).map_err(OpenFault::Database)? != "UTF-8" {
        return Err(OpenFault::OtherEncoding);
    }
    let known = query(read::KNOWN).fetch_optional(&mut *connection).await;
    if known.map_err(of_driver)?.is_none() {
        return Ok(State::Behind);
    }
    let applied = query(read::MIGRATIONS).fetch_all(&mut *connection).await;
    let applied = applied.map_err(of_driver)?;
    let migrator = migrations();
    let newest = migrator.iter().map(|migration| migration.version).max();
    for row in &applied {
        let version = rows::integer(row, 0).map_err(OpenFault::Database)?;
        let checksum: Vec<u8> = rows::bytes(row, 2).map_err(OpenFault::Database)?;
        if Some(version) > newest {
            return Err(OpenFault::NewerSchema(version));
        }
        if !rows::flag(row, 1).map_err(OpenFault::Database)? {
            return Err(OpenFault::HalfMigrated(version));
        }
        let ours = migrator.iter().find(|migration| migration.version == version);
        if ours.is_none_or(|ours| *ours.checksum != *checksum) {
            return Err(OpenFault::ChangedMigration(version));
        }
    }
    if applied.is_empty() {
        return Ok(State::Behind);
    }
    check_folding(connection).await?;
    if applied.len() == migrator.iter().count() { Ok(State::Current) } else { Ok(State::Behind) }
}

async fn check_folding(connection: &mut SqliteConnection) -> Result<(), OpenFault> {
    let row = query(read::FOLDING).fetch_optional(connection).await.map_err(of_driver)?;
    let row = row.ok_or(OpenFault::Damaged)?;
    if rows::text(&row, 0).map_err(OpenFault::Database)? == FOLD_VERSION {
        Ok(())
    } else {
        Err(OpenFault::OtherFolding)
    }
}

/// Whether a file holds a store of a schema that is known, by reading it alone.
pub(super) async fn recognise(path: &Path) -> Result<bool, OpenFault> {
    let options = SqliteOptions::new(path);
    let mut connection = refusing_to_write(&options).connect().await.map_err(of_driver)?;
    let recognised = async {
        let known = query(read::KNOWN).fetch_optional(&mut connection).await.map_err(of_driver)?;
        state(&mut connection).await?;
        Ok(known.is_some())
    }
    .await;
    connection.close().await.map_err(of_driver)?;
    recognised
}

/// Migrates a file, in the journal mode that it has: the change to WAL would remain if the migration failed.
async fn set_up(options: &SqliteOptions) -> Result<(), OpenFault> {
    let mut connection = plain(options).connect().await.map_err(of_driver)?;
    let done = migrate(&mut connection).await;
    connection.close().await.map_err(of_driver)?;
    done
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), OpenFault> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(of_driver)?;
    run(&migrations(), &mut *transaction).await?;
    query(write::NOTE_FOLDING).bind(FOLD_VERSION).execute(&mut *transaction).await.map_err(of_driver)?;
    check_folding(&mut transaction).await?;
    transaction.commit().await.map_err(of_driver)
}

async fn run(migrator: &Migrator, connection: &mut impl Migrate) -> Result<(), OpenFault> {
    migrator.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => of_driver(error),
        MigrateError::VersionMissing(version) => OpenFault::NewerSchema(version),
        MigrateError::VersionMismatch(version) => OpenFault::ChangedMigration(version),
        MigrateError::Dirty(version) => OpenFault::HalfMigrated(version),
        _ => OpenFault::Database(DriverFault::Driver),
    })
}

/// The writer's connection is replaced when the driver believes it to be in a transaction: after a full disk
/// SQLite has ended that itself, and the driver's own end of it has failed.
async fn connect(options: &SqliteOptions) -> Result<SqliteStore, OpenFault> {
    let writing = plain(options).journal_mode(SqliteJournalMode::Wal).pragma("cache_size", WRITER_CACHE);
    let writer = lasting(1)
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .connect_with(writing)
        .await
        .map_err(of_driver)?;
    let reading = refusing_to_write(options);
    let readers = lasting(options.readers).connect_with(reading).await.map_err(of_driver)?;
    let place = Place::of(&options.path).map_err(|error| of_io(&error))?;
    Ok(SqliteStore::new(readers, writer, Some(place)))
}

fn plain(options: &SqliteOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&options.path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.busy_timeout)
        .disable_statement_logging()
}

fn refusing_to_write(options: &SqliteOptions) -> SqliteConnectOptions {
    plain(options).pragma("query_only", "ON")
}

/// Connections to a file do not go stale, so that they need neither tests nor an end.
fn lasting(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
}

fn of_io(error: &io::Error) -> OpenFault {
    match error.kind() {
        ErrorKind::PermissionDenied => OpenFault::Refused,
        ErrorKind::ReadOnlyFilesystem => OpenFault::ReadOnly,
        ErrorKind::NotADirectory => OpenFault::MissingParent,
        _ => OpenFault::Database(DriverFault::Disconnected),
    }
}

fn of_driver(error: sqlx::Error) -> OpenFault {
    const PERM: i32 = 3;
    const READONLY: i32 = 8;
    const CORRUPT: i32 = 11;
    const CANTOPEN: i32 = 14;
    const AUTH: i32 = 23;
    const NOTADB: i32 = 26;
    match DriverFault::from(error) {
        DriverFault::Code(code) => match code & 0xff {
            PERM | CANTOPEN | AUTH => OpenFault::Refused,
            READONLY => OpenFault::ReadOnly,
            CORRUPT => OpenFault::Damaged,
            NOTADB => OpenFault::NotADatabase,
            _ => OpenFault::Database(DriverFault::Code(code)),
        },
        fault => OpenFault::Database(fault),
    }
}
