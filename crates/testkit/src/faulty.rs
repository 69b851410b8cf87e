//! A store whose writes fail as a test wants them to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use throng_core::change::{Applied, ChangeSet, LoggedBatch};
use throng_core::claim::Claim;
use throng_core::consumer::ConsumerRecord;
use throng_core::error::{Fault, StoreError};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, InstanceId, SessionId, Subject};
use throng_core::moves::{Belongings, Capture, Move, MoveEntry, MoveId, Moves};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::password::{Credential, EncodedHash};
use throng_core::preview::{Census, GroupGraph, Holders, Occupant};
use throng_core::registry::{ApplicationRecord, DirectoryRecord};
use throng_core::session::{Session, TokenDigest};
use throng_core::store::{
    ChangeLog, Credentials, GroupMarks, Located, Mirrors, Namesakes, Nesting, Records, Registry, Replaced,
    Sessions, Store,
};
use throng_core::sync::{Fence, Lease, Mark, Mirror, NodeId, Round};
use throng_core::time::Timestamp;
use throng_core::user::User;

/// A store in front of another that fails some of its writes with [`Fault::Unavailable`], as one does whose machine or
/// connection goes away.
///
/// 1. Every method that may change something is a write, in the order of the calls, also one that changes nothing or
///    is refused. Reading never fails.
/// 2. A write that fails [`Moment::Before`] was not made. One that fails [`Moment::After`] was, and its answer is lost,
///    whatever it was.
/// 3. Share it by `Arc`: whoever holds it says what fails, and counts.
///
/// ```
/// # use std::sync::Arc;
/// use throng_testkit::faulty::{FaultyStore, Moment};
/// use throng_testkit::memory::MemoryStore;
///
/// let store = Arc::new(FaultyStore::over(MemoryStore::new()));
/// // The third write from now on is made, and nobody is told.
/// store.fail_once(3, Moment::After);
/// ```
#[derive(Debug)]
pub struct FaultyStore<S> {
    store: S,
    faults: Mutex<Faults>,
}

/// When a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Before it was made: nothing has changed.
    Before,
    /// After it was made: everything has, and whoever asked cannot know.
    After,
}

/// What fails, by the number of the write.
#[derive(Debug, Default)]
struct Faults {
    writes: u64,
    failed: u64,
    first: Option<(u64, Moment)>,
    lasting: Lasting,
}

/// How many writes fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Lasting {
    #[default]
    Once,
    Ever,
}

impl<S: Store> FaultyStore<S> {
    /// A store that fails nothing yet.
    pub fn over(store: S) -> Self {
        Self { store, faults: Mutex::default() }
    }

    /// Fails one write: the `nth` from now on, where 1 is the next and 0 none. In place of what was to fail before.
    pub fn fail_once(&self, nth: u64, moment: Moment) {
        self.arm(nth, moment, Lasting::Once);
    }

    /// Fails every write from the `nth` from now on, where 1 is the next and 0 none, until [`FaultyStore::mend`]. In
    /// place of what was to fail before.
    pub fn fail_from(&self, nth: u64, moment: Moment) {
        self.arm(nth, moment, Lasting::Ever);
    }

    /// Fails nothing any more.
    pub fn mend(&self) {
        self.faults().first = None;
    }

    /// How many writes were asked for, those that failed included.
    pub fn writes(&self) -> u64 {
        self.faults().writes
    }

    /// How many writes failed because they were told to: a test that expects a fault sees whether there was one.
    pub fn failed(&self) -> u64 {
        self.faults().failed
    }

    fn arm(&self, nth: u64, moment: Moment, lasting: Lasting) {
        let mut faults = self.faults();
        let first = faults.writes.saturating_add(nth);
        faults.first = (nth > 0).then_some((first, moment));
        faults.lasting = lasting;
    }

    /// Counts a write, makes it unless it fails before, and loses its answer if it fails after.
    async fn write<T>(&self, write: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let failing = self.faults().count();
        match failing {
            None => write.await,
            Some(Moment::Before) => Err(unavailable()),
            Some(Moment::After) => {
                drop(write.await);
                Err(unavailable())
            }
        }
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Faults {
    fn count(&mut self) -> Option<Moment> {
        self.writes += 1;
        let (first, moment) = self.first?;
        let fails = match self.lasting {
            Lasting::Once => self.writes == first,
            Lasting::Ever => self.writes >= first,
        };
        self.failed += u64::from(fails);
        fails.then_some(moment)
    }
}

fn unavailable() -> StoreError {
    StoreError::new(Fault::Unavailable, "faulty store")
}

/// Hands methods on: those that read as they are, those that write through [`FaultyStore::write`].
macro_rules! hand_on {
    ($Port:ident {
        reads { $(fn $read:ident($($read_arg:ident: $ReadArg:ty),* $(,)?) -> $Read:ty;)* }
        writes { $(fn $write:ident($($write_arg:ident: $WriteArg:ty),* $(,)?) -> $Write:ty;)* }
    }) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<S: Store> $Port for FaultyStore<S> {
            $(async fn $read(&self, $($read_arg: $ReadArg),*) -> Result<$Read, StoreError> {
                self.store.$read($($read_arg),*).await
            })*
            $(async fn $write(&self, $($write_arg: $WriteArg),*) -> Result<$Write, StoreError> {
                self.write(self.store.$write($($write_arg),*)).await
            })*
        }
    };
}

hand_on!(Records {
    reads {
        fn locate(application: ApplicationId, key: &Key) -> Located;
        fn locate_groups(key: &Key) -> Vec<(DirectoryId, Group)>;
        fn user(directory: DirectoryId, key: &Key) -> Option<User>;
        fn user_by_id(subject: &Subject) -> Option<User>;
        fn users_by_id(directory: DirectoryId, ids: &[ExternalId]) -> Vec<User>;
        fn search_users(
            directories: &[DirectoryId],
            filter: &Filter,
            page: &PageRequest,
        ) -> Page<Namesakes<User>>;
        fn namesakes(directories: &[DirectoryId], keys: &[Key]) -> Vec<Namesakes<User>>;
        fn search_groups(
            directories: &[DirectoryId],
            filter: &Filter,
            page: &PageRequest,
        ) -> Page<Namesakes<Group>>;
        fn parents(directory: DirectoryId, member: &Member, page: &PageRequest) -> Page<GroupName>;
        fn children(directory: DirectoryId, group: &Key, page: &PageRequest) -> Page<Member>;
        fn above(directory: DirectoryId, member: &Member, limit: usize) -> Nesting;
        fn below(directory: DirectoryId, group: &Key, limit: usize) -> Nesting;
        fn users_in(directory: DirectoryId, groups: &[Key], page: &PageRequest) -> Page<User>;
    }
    writes {
        fn apply(changes: &ChangeSet) -> Applied;
    }
});

hand_on!(Credentials {
    reads {
        fn credential(subject: &Subject) -> Option<Credential>;
        fn last_login(subject: &Subject) -> Option<Timestamp>;
    }
    writes {
        fn count_failure(subject: &Subject) -> u32;
        fn clear_failures(subject: &Subject) -> ();
        fn upgrade_hash(subject: &Subject, from: &EncodedHash, to: &EncodedHash) -> Replaced;
        fn note_logins(logins: &[(Subject, Timestamp)]) -> ();
    }
});

hand_on!(Sessions {
    reads {
        fn epoch(subject: &Subject) -> u64;
        fn session(token: &TokenDigest) -> Option<Session>;
    }
    writes {
        fn open_session(token: &TokenDigest, session: &Session) -> ();
        fn touch_session(id: SessionId, used_at: Timestamp) -> ();
        fn close_session(token: &TokenDigest) -> ();
        fn close_sessions(application: ApplicationId, subject: &Subject, except: Option<&TokenDigest>) -> u64;
        fn purge_sessions(ended_before: Timestamp) -> u64;
    }
});

hand_on!(Registry {
    reads {
        fn directories() -> Vec<DirectoryRecord>;
        fn applications() -> Vec<ApplicationRecord>;
        fn consumers() -> Vec<ConsumerRecord>;
        fn claim(application: ApplicationId, key: &Key) -> Option<Claim>;
        fn claims(application: ApplicationId, page: &PageRequest) -> Page<Claim>;
        fn alias(application: ApplicationId, alias: &Key) -> Option<(Subject, Username)>;
        fn alias_of(application: ApplicationId, subject: &Subject) -> Option<Username>;
    }
    writes {}
});

hand_on!(Mirrors {
    reads {
        fn user_marks(
            directory: DirectoryId,
            after: Option<&ExternalId>,
            limit: usize,
        ) -> Vec<(ExternalId, Mark)>;
        fn group_marks(directory: DirectoryId, after: Option<&Key>, limit: usize) -> Vec<GroupMarks>;
        fn mirror(directory: DirectoryId) -> Mirror;
        fn rounds(directory: DirectoryId, limit: usize) -> Vec<Round>;
    }
    writes {
        fn take_lease(directory: DirectoryId, owner: NodeId, now: Timestamp, until: Timestamp) -> Lease;
        fn renew_lease(fence: Fence, until: Timestamp) -> ();
        fn release_lease(fence: Fence) -> ();
        fn put_round(fence: Fence, round: &Round) -> ();
    }
});

hand_on!(Moves {
    reads {
        fn belongings(subject: &Subject) -> Option<Belongings>;
        fn moves() -> Vec<Move>;
        fn move_of(id: MoveId) -> Option<Move>;
        fn move_entries(id: MoveId, from: u64, limit: usize) -> Vec<MoveEntry>;
        fn capture(subject: &Subject) -> Option<Capture>;
        fn captures(by: MoveId, after: Option<&Subject>, limit: usize) -> Vec<Capture>;
    }
    writes {}
});

hand_on!(Census {
    reads {
        fn holders(directories: &[DirectoryId], after: Option<&Key>, limit: usize) -> Vec<Holders>;
        fn occupants(of: &[(DirectoryId, Key)]) -> Vec<Option<Occupant>>;
        fn claims_on(application: ApplicationId, keys: &[Key]) -> Vec<Option<Claim>>;
        fn group_graph(directory: DirectoryId) -> GroupGraph;
    }
    writes {}
});

hand_on!(ChangeLog {
    reads {
        fn instance() -> InstanceId;
        fn head() -> u64;
        fn batches(after: u64, limit: usize) -> Vec<LoggedBatch>;
    }
    writes {}
});
