//! A faulty store is its store while nothing fails, and fails exactly what it is told to.

use throng_core::change::{Change, ChangeSet};
use throng_core::error::{Fault, StoreError};
use throng_core::group::{Group, Origin};
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, SessionId, Subject};
use throng_core::name::{GroupName, Key, Username};
use throng_core::password::EncodedHash;
use throng_core::permission::Permissions;
use throng_core::registry::{DirectoryKind, DirectoryRecord, InternalSettings, Label};
use throng_core::session::{Binding, Session, TokenDigest};
use throng_core::store::{ChangeLog, Credentials, Mirrors, Records, Registry, Sessions};
use throng_core::sync::{Fence, Mode, NodeId, Round};
use throng_core::time::Timestamp;
use throng_testkit::faulty::{FaultyStore, Moment};
use throng_testkit::memory::MemoryStore;
use throng_testkit::store_contract;

store_contract!(faultless, || async { FaultyStore::over(MemoryStore::new()) });

const DIRECTORY: DirectoryId = DirectoryId::from_bytes([1; 16]);
const START: Timestamp = Timestamp::from_micros(0);

fn faulty() -> FaultyStore<MemoryStore> {
    FaultyStore::over(MemoryStore::new())
}

/// A set that makes the directory of a number.
fn making(number: u8) -> ChangeSet {
    let record = DirectoryRecord {
        id: DirectoryId::from_bytes([number; 16]),
        name: Label::new(format!("directory {number}")).expect("a name"),
        active: true,
        permissions: Permissions::ALL,
        kind: DirectoryKind::Internal(InternalSettings::default()),
    };
    ChangeSet::new(START, vec![Change::PutDirectory(record)])
}

async fn make(store: &FaultyStore<MemoryStore>, number: u8) -> Result<(), Fault> {
    fault(store.apply(&making(number)).await)
}

fn fault<T>(answer: Result<T, StoreError>) -> Result<(), Fault> {
    answer.map(drop).map_err(|error| error.fault())
}

#[tokio::test]
async fn a_write_that_fails_before_was_not_made_and_one_that_fails_after_was() {
    let store = faulty();
    store.fail_once(1, Moment::Before);
    assert_eq!(make(&store, 1).await, Err(Fault::Unavailable));
    assert_eq!(store.directories().await.unwrap().len(), 0);
    store.fail_once(1, Moment::After);
    assert_eq!(make(&store, 1).await, Err(Fault::Unavailable));
    assert_eq!(store.directories().await.unwrap().len(), 1);
    assert_eq!(store.head().await.unwrap(), 1);
    assert_eq!((store.writes(), store.failed()), (2, 2));
}

#[tokio::test]
async fn one_write_fails_or_every_one_from_then_on() {
    let store = faulty();
    make(&store, 1).await.unwrap();
    store.fail_once(2, Moment::Before);
    let outcomes = [make(&store, 2).await, make(&store, 3).await, make(&store, 4).await];
    assert_eq!(outcomes, [Ok(()), Err(Fault::Unavailable), Ok(())]);
    store.fail_from(2, Moment::Before);
    let outcomes = [make(&store, 5).await, make(&store, 6).await, make(&store, 7).await];
    assert_eq!(outcomes, [Ok(()), Err(Fault::Unavailable), Err(Fault::Unavailable)]);
    assert_eq!((store.writes(), store.failed()), (7, 3));
    store.mend();
    make(&store, 8).await.unwrap();
    store.fail_from(1, Moment::Before);
    store.fail_once(0, Moment::Before);
    make(&store, 9).await.unwrap();
    assert_eq!((store.writes(), store.failed()), (9, 3));
}

/// An answer that is lost says nothing, not even that the write was refused.
#[tokio::test]
async fn a_refusal_is_lost_like_any_other_answer() {
    let store = faulty();
    make(&store, 1).await.unwrap();
    let group = Change::AddGroup { directory: DIRECTORY, group: group(), free_in: vec![] };
    let twice = ChangeSet::new(START, vec![group]);
    store.apply(&twice).await.unwrap();
    assert_eq!(fault(store.apply(&twice).await), Err(Fault::Conflict));
    store.fail_once(1, Moment::After);
    assert_eq!(fault(store.apply(&twice).await), Err(Fault::Unavailable));
}

fn group() -> Group {
    Group {
        external_id: ExternalId::new("g").expect("an id"),
        name: GroupName::new("g").expect("a name"),
        description: String::new(),
        origin: Origin::Local,
        attributes: Default::default(),
    }
}

#[tokio::test]
async fn every_method_that_writes_fails_and_none_that_reads_does() {
    let store = faulty();
    make(&store, 1).await.unwrap();
    let before = store.writes();
    let subject = Subject { directory: DIRECTORY, external_id: ExternalId::new("u").unwrap() };
    let application = ApplicationId::from_bytes([2; 16]);
    let (hash, token) = (EncodedHash::new("hash").unwrap(), TokenDigest::new([3; 32]));
    let session = Session {
        id: SessionId::from_bytes([4; 16]),
        application,
        subject: subject.clone(),
        name: Username::new("u").unwrap(),
        epoch: 0,
        created_at: START,
        used_at: START,
        expires_at: START,
        idle: std::time::Duration::ZERO,
        binding: Binding::NOTHING,
    };
    let fence = Fence { directory: DIRECTORY, epoch: 1 };
    let round = Round::begin(DIRECTORY, 1, Mode::Full, START);

    store.fail_from(1, Moment::Before);
    let outcomes = [
        fault(store.apply(&making(2)).await),
        fault(store.count_failure(&subject).await),
        fault(store.clear_failures(&subject).await),
        fault(store.upgrade_hash(&subject, &hash, &hash).await),
        fault(store.note_logins(&[(subject.clone(), START)]).await),
        fault(store.open_session(&token, &session).await),
        fault(store.touch_session(session.id, START).await),
        fault(store.close_session(&token).await),
        fault(store.close_sessions(application, &subject, None).await),
        fault(store.purge_sessions(START).await),
        fault(store.take_lease(DIRECTORY, NodeId::from_bytes([5; 16]), START, START).await),
        fault(store.renew_lease(fence, START).await),
        fault(store.release_lease(fence).await),
        fault(store.put_round(fence, &round).await),
    ];
    assert_eq!(outcomes, [Err(Fault::Unavailable); 14]);
    assert_eq!((store.writes() - before, store.failed()), (14, 14));

    let key = Key::of("u");
    assert_eq!(store.locate(application, &key).await.unwrap().users.len(), 0);
    assert_eq!(store.user(DIRECTORY, &key).await.unwrap(), None);
    assert_eq!(store.credential(&subject).await.unwrap(), None);
    assert_eq!(store.epoch(&subject).await.unwrap(), 0);
    assert_eq!(store.session(&token).await.unwrap(), None);
    assert_eq!(store.claim(application, &key).await.unwrap(), None);
    assert_eq!(store.mirror(DIRECTORY).await.unwrap(), Default::default());
    assert_eq!(store.rounds(DIRECTORY, 1).await.unwrap(), []);
    assert_eq!(store.head().await.unwrap(), 1);
    assert_eq!(store.writes() - before, 14, "reading is no write");
}
