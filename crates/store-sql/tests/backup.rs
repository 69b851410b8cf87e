//! Copies of a store in a file (T103).
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{add_user, apply, put_directory, user};
use throng_core::store::ChangeLog;
use throng_store_sql::{BackupFault, SqliteStore};

#[tokio::test]
async fn a_copy_is_of_one_moment_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("throng.db")).await.unwrap();
    apply(&store, vec![put_directory(1)]).await.unwrap();
    let (copy, other) = (folder.path().join("copy.db"), store.clone());
    let writing = tokio::spawn(async move {
        for number in 0..50 {
            apply(&other, vec![add_user(1, user(&format!("user{number}")))]).await.unwrap();
        }
    });
    let at_least = store.head().await.unwrap();
    store.backup(&copy).await.unwrap();
    writing.await.unwrap();
    let copied = SqliteStore::open(&copy).await.unwrap();
    let head = copied.head().await.unwrap();
    assert!((at_least..=51).contains(&head), "{head}");
    assert_eq!(copied.batches(0, 100).await.unwrap().len() as u64, head, "no batch is half there");
    assert_eq!(copied.examine().await.unwrap().damage, [""; 0]);
    assert_eq!(store.backup(&copy).await.unwrap_err().fault, BackupFault::Exists);
    let memory = SqliteStore::in_memory().await.unwrap();
    let nowhere = folder.path().join("nowhere.db");
    assert_eq!(memory.backup(&nowhere).await.unwrap_err().fault, BackupFault::InMemory);
    assert!(!nowhere.exists());
}

#[tokio::test]
async fn a_database_in_use_is_not_taken_for_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("throng.db");
    let store = SqliteStore::open(&path).await.unwrap();
    apply(&store, vec![put_directory(1)]).await.unwrap();
    let to = folder.path().join("new.db");
    assert_eq!(SqliteStore::restore(&path, &to).await.unwrap_err().fault, BackupFault::InUse);
    assert!(!to.exists());
}
