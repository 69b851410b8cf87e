//! The exported contract of the store ports, held against SQLite in memory and in a file.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use throng_store_sql::SqliteStore;
use throng_testkit::contract::store::StoreFixture;

throng_testkit::store_contract!(memory, || async { SqliteStore::in_memory().await.unwrap() });

throng_testkit::store_contract!(file, || async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("throng.db")).await.unwrap();
    StoreFixture::new(store).standing_on(folder)
});
