//! Opening files, and refusing to (G05, T98).
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{add_user, apply, directory, put_directory, user};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row};
use throng_core::error::Fault;
use throng_core::name::Key;
use throng_core::store::{ChangeLog, Records, Registry};
use throng_store_sql::{DriverFault, OpenFault, SqliteOptions, SqliteStore};

/// Runs a statement on a file, past the store.
async fn tamper(path: &Path, text: &'static str) {
    let mut connection =
        SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A closed store with a user in it.
async fn closed_store(folder: &Path) -> PathBuf {
    let path = folder.join("throng.db");
    let store = SqliteStore::open(&path).await.unwrap();
    apply(&store, vec![put_directory(1), add_user(1, user("anna"))]).await.unwrap();
    store.close().await;
    path
}

/// The files of a folder with what they hold.
fn everything(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let bytes = fs::read(&path).unwrap_or_default();
            (path, bytes)
        })
        .collect()
}

/// Asserts that a place is refused for a reason, named, and left as it was.
async fn refused(path: &Path, fault: OpenFault) {
    let folder = path.parent().unwrap();
    let before = everything(folder);
    let error = SqliteStore::open(path).await.unwrap_err();
    assert_eq!(error.fault, fault);
    assert_eq!(error.place, path);
    let text = error.to_string();
    assert!(text.starts_with("cannot open ") && text.ends_with(&fault.to_string()), "{text}");
    let mut patience = 200;
    while everything(folder) != before && patience > 0 {
        // SQLite's thread may still be closing the file.
        tokio::time::sleep(Duration::from_millis(10)).await;
        patience -= 1;
    }
    assert!(everything(folder) == before, "{fault:?} changed something");
}

#[tokio::test]
async fn what_was_stored_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = closed_store(folder.path()).await;
    let store = SqliteStore::open_with(SqliteOptions::new(&path).readers(1)).await.unwrap();
    let found = store.user(directory(1), &Key::of("ANNA")).await.unwrap();
    assert_eq!(found, Some(user("anna")));
    assert_eq!(store.head().await.unwrap(), 1);
    assert_eq!(store.directories().await.unwrap().len(), 1);
    assert_eq!(apply(&store, vec![put_directory(2)]).await.unwrap().sequence, 2);
}

#[tokio::test]
async fn the_files_are_their_owner_s_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("throng.db");
    let store = SqliteStore::open(&path).await.unwrap();
    apply(&store, vec![put_directory(1)]).await.unwrap();
    let files = everything(folder.path());
    assert_eq!(files.len(), 3, "the database, its log and the index of that");
    for (path, _) in files {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_place_without_a_folder_is_refused_g05() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not/there.db");
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert_eq!(error.fault, OpenFault::MissingParent);
    assert!(everything(folder.path()).is_empty());
}

#[tokio::test]
async fn what_is_no_plain_file_is_refused_g05() {
    let folder = tempfile::tempdir().unwrap();
    let path = closed_store(folder.path()).await;
    let link = folder.path().join("link.db");
    symlink(&path, &link).unwrap();
    refused(&link, OpenFault::NotAFile).await;
    let inner = folder.path().join("folder.db");
    fs::create_dir(&inner).unwrap();
    refused(&inner, OpenFault::NotAFile).await;
}

#[tokio::test]
async fn files_and_folders_with_the_wrong_mode_are_refused_g05() {
    let folder = tempfile::tempdir().unwrap();
    let path = closed_store(folder.path()).await;
    for (mode, fault) in [(0o444, OpenFault::ReadOnly), (0o666, OpenFault::Exposed)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        refused(&path, fault).await;
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    refused(&path, OpenFault::ReadOnly).await;
    refused(&folder.path().join("new.db"), OpenFault::ReadOnly).await;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_is_refused_g05() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["x", "[directories]\nname = \"east\"\n", &"text ".repeat(5_000)] {
        let path = folder.path().join("notes.txt");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        refused(&path, OpenFault::NotADatabase).await;
    }
}

#[tokio::test]
async fn a_truncated_or_spoilt_database_is_refused_g05() {
    let folder = tempfile::tempdir().unwrap();
    let path = closed_store(folder.path()).await;
    let whole = fs::read(&path).unwrap();
    for length in [16, 50, 99, 100, 4_096, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        refused(&path, OpenFault::Damaged).await;
    }
    let mut spoilt = whole.clone();
    spoilt[100..4_096].fill(0xa5);
    fs::write(&path, &spoilt).unwrap();
    refused(&path, OpenFault::Damaged).await;
    fs::write(&path, &whole).unwrap();
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_schema_that_is_not_ours_is_refused_t98() {
    let cases = [
        (
            "INSERT INTO throng_migrations (version, description, success, checksum, execution_time) \
             VALUES (99, 'tomorrow', 1, x'00', 0)",
            OpenFault::NewerSchema(99),
        ),
        ("UPDATE throng_migrations SET success = 0 WHERE version = 1", OpenFault::HalfMigrated(1)),
        ("UPDATE throng_migrations SET checksum = x'00' WHERE version = 1", OpenFault::ChangedMigration(1)),
        (
            "UPDATE throng_meta SET value = 'nfkc-casefold/1.0' WHERE name = 'folding'",
            OpenFault::OtherFolding,
        ),
    ];
    for (statement, fault) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = closed_store(folder.path()).await;
        tamper(&path, statement).await;
        refused(&path, fault).await;
    }
}

/// Bytes of a text are its UTF-8 for this store, and another thing for a file that a host made so.
#[tokio::test]
async fn a_file_of_the_host_in_another_encoding_is_refused() {
    for text in [
        "PRAGMA encoding = 'UTF-16le'; CREATE TABLE user (name TEXT)",
        "PRAGMA encoding = 'UTF-16be'; CREATE TABLE user (name TEXT)",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.db");
        tamper(&path, text).await;
        refused(&path, OpenFault::OtherEncoding).await;
    }
}

#[tokio::test]
async fn the_store_lives_in_a_file_of_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    tamper(
        &path,
        "CREATE TABLE user (name TEXT); CREATE TABLE session (id TEXT); INSERT INTO user VALUES ('theirs')",
    )
    .await;
    let store = SqliteStore::open(&path).await.unwrap();
    apply(&store, vec![put_directory(1)]).await.unwrap();
    let row = sqlx::query("SELECT name FROM user").fetch_one(store.read_pool()).await.unwrap();
    assert_eq!(row.get::<String, _>(0), "theirs");
    let write = sqlx::query("DELETE FROM user").execute(store.read_pool()).await;
    assert!(write.is_err(), "the connections that read refuse to write");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_file_of_the_host_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    tamper(&path, "CREATE TABLE throng_session (theirs TEXT)").await;
    refused(&path, OpenFault::Database(DriverFault::Code(1))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_may_make_the_same_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("throng.db");
    let tasks: Vec<_> = (1..=6)
        .map(|number| {
            let path = path.clone();
            tokio::spawn(async move {
                let store = SqliteStore::open(path).await.unwrap();
                apply(&store, vec![put_directory(number)]).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.directories().await.unwrap().len(), 6);
    assert_eq!(store.head().await.unwrap(), 6);
}

/// SQLite itself would go on with a file that nobody finds again.
#[tokio::test]
async fn a_file_that_was_deleted_or_replaced_is_unavailable_until_it_is_back_g07() {
    let folder = tempfile::tempdir().unwrap();
    let path = closed_store(folder.path()).await;
    let store = SqliteStore::open(&path).await.unwrap();
    let aside = folder.path().join("aside.db");
    for replaced in [false, true] {
        fs::rename(&path, &aside).unwrap();
        if replaced {
            fs::write(&path, "").unwrap();
        }
        let written = apply(&store, vec![put_directory(2)]).await.unwrap_err();
        assert_eq!(written, Fault::Unavailable, "replaced: {replaced}");
        let read = store.user(directory(1), &Key::of("anna")).await.unwrap_err();
        assert_eq!(read.fault(), Fault::Unavailable, "replaced: {replaced}");
        fs::rename(&aside, &path).unwrap();
        assert_eq!(store.user(directory(1), &Key::of("anna")).await.unwrap(), Some(user("anna")));
    }
    assert_eq!(
        apply(&store, vec![put_directory(2)]).await.unwrap().sequence,
        2,
        "nothing was written before"
    );
}

#[tokio::test]
async fn what_is_stored_and_cannot_be_read_is_broken() {
    let statements = [
        "UPDATE throng_user SET attributes = '{\"a\":'",
        "UPDATE throng_user SET attributes = '[1]'",
        "UPDATE throng_user SET name_key = x'ff'",
        "UPDATE throng_user SET external_id = ''",
        "UPDATE throng_user SET epoch = -1",
    ];
    for statement in statements {
        let folder = tempfile::tempdir().unwrap();
        let path = closed_store(folder.path()).await;
        tamper(&path, statement).await;
        let store = SqliteStore::open(&path).await.unwrap();
        let page = throng_core::page::PageRequest::default();
        let everybody = throng_core::filter::Filter::everything();
        let answer = store.search_users(&[directory(1)], &everybody, &page).await;
        let fault = match answer {
            Ok(page) => {
                assert!(page.items.is_empty(), "{statement}");
                Fault::Broken
            }
            Err(error) => error.fault(),
        };
        assert_eq!(fault, Fault::Broken, "{statement}");
    }
}
