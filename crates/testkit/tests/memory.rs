//! The memory store keeps the contract that other stores are held to.

use throng_core::change::{Change, ChangeSet};
use throng_core::id::DirectoryId;
use throng_core::permission::Permissions;
use throng_core::registry::{DirectoryKind, DirectoryRecord, InternalSettings, Label};
use throng_core::store::{ChangeLog, Records, Registry};
use throng_core::time::Timestamp;
use throng_testkit::memory::MemoryStore;
use throng_testkit::store_contract;

store_contract!(memory, || async { MemoryStore::new() });

#[tokio::test]
async fn a_copy_keeps_the_same_and_shares_nothing() {
    let making = |number| {
        let record = DirectoryRecord {
            id: DirectoryId::from_bytes([number; 16]),
            name: Label::new(format!("directory {number}")).expect("a name"),
            active: true,
            permissions: Permissions::ALL,
            kind: DirectoryKind::Internal(InternalSettings::default()),
        };
        ChangeSet::new(Timestamp::from_micros(0), vec![Change::PutDirectory(record)])
    };
    let store = MemoryStore::new();
    store.apply(&making(1)).await.unwrap();
    let copy = store.copy();
    assert_eq!(copy.instance().await.unwrap(), store.instance().await.unwrap());
    assert_eq!(copy.apply(&making(2)).await.unwrap().sequence, 2);
    store.apply(&making(3)).await.unwrap();
    store.apply(&making(4)).await.unwrap();
    let counts = (store.directories().await.unwrap().len(), copy.directories().await.unwrap().len());
    assert_eq!((counts, store.head().await.unwrap(), copy.head().await.unwrap()), ((3, 2), 3, 2));
}
