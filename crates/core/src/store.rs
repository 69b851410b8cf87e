//! The store ports: what is kept, each method atomic, multi-entity work as data.
//!
//! Each numbered behaviour is a case of the exported `store_contract!`.

use std::fmt;

use async_trait::async_trait;

use crate::change::{Applied, ChangeSet, LoggedBatch};
use crate::claim::Claim;
use crate::consumer::ConsumerRecord;
use crate::error::StoreError;
use crate::filter::Filter;
use crate::group::{Group, Member, Origin};
use crate::id::{ApplicationId, DirectoryId, ExternalId, InstanceId, SessionId, Subject};
use crate::moves::Moves;
use crate::name::{GroupName, Key, Username};
use crate::page::{Page, PageRequest};
use crate::password::{Credential, EncodedHash};
use crate::preview::Census;
use crate::registry::{ApplicationRecord, DirectoryRecord};
use crate::session::{Session, TokenDigest};
use crate::sync::{Fence, Lease, Mark, Mirror, NodeId, Round};
use crate::time::Timestamp;
use crate::user::User;

/// Everything that is kept.
pub trait Store: Records + Credentials + Sessions + Registry + Mirrors + Moves + Census + ChangeLog {}

impl<S: Records + Credentials + Sessions + Registry + Mirrors + Moves + Census + ChangeLog + ?Sized> Store
    for S
{
}

/// Users, groups and memberships of the stored directories.
#[async_trait]
pub trait Records: fmt::Debug + Send + Sync {
    /// Everybody of a name, with the claim on it.
    ///
    /// 1. One row for each stored directory that holds the key, in no particular order, whatever any plan says.
    /// 2. The claim of (application, key), if one stands, also when nobody holds the key.
    /// 3. One statement, whose cost does not grow with the number of directories.
    async fn locate(&self, application: ApplicationId, key: &Key) -> Result<Located, StoreError>;

    /// The groups of a name in all stored directories, with the behaviours 1 and 3 of [`Records::locate`].
    async fn locate_groups(&self, key: &Key) -> Result<Vec<(DirectoryId, Group)>, StoreError>;

    /// A user of one directory by key.
    async fn user(&self, directory: DirectoryId, key: &Key) -> Result<Option<User>, StoreError>;

    /// A user of one directory by external id.
    async fn user_by_id(&self, subject: &Subject) -> Result<Option<User>, StoreError>;

    /// The users of one directory that have one of these external ids, in no particular order; ids that nobody has are
    /// left out.
    async fn users_by_id(&self, directory: DirectoryId, ids: &[ExternalId]) -> Result<Vec<User>, StoreError>;

    /// Everybody of the names that a search may concern.
    ///
    /// 1. For each name on the page, every occurrence in `directories`, whether it passes the filter or not: what is
    ///    canonical is for the caller to say.
    /// 2. At least every name of which some occurrence in `directories` passes the filter; names of which none does
    ///    may be among them.
    /// 3. Pages by name: in the order of keys, after the page's start, at most its limit of names; `next` is set if and
    ///    only if more names may follow, and is the last key looked at.
    async fn search_users(
        &self,
        directories: &[DirectoryId],
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Namesakes<User>>, StoreError>;

    /// Everybody of the given names in `directories`, in the order of keys; names that nobody has are left out.
    async fn namesakes(
        &self,
        directories: &[DirectoryId],
        keys: &[Key],
    ) -> Result<Vec<Namesakes<User>>, StoreError>;

    /// The groups that a search may concern, with the behaviours of [`Records::search_users`].
    async fn search_groups(
        &self,
        directories: &[DirectoryId],
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Namesakes<Group>>, StoreError>;

    /// The groups that directly hold a member, in the order of keys. Empty when the member is not there.
    async fn parents(
        &self,
        directory: DirectoryId,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, StoreError>;

    /// The direct members of a group, users and groups, in the order of keys, a user before a group of the same key;
    /// a page never parts two of the same key, and may hold one more than its limit for that.
    async fn children(
        &self,
        directory: DirectoryId,
        group: &Key,
        page: &PageRequest,
    ) -> Result<Page<Member>, StoreError>;

    /// All nestings above a member, at whatever depth.
    ///
    /// 1. `direct` are the groups that directly hold it; `edges` lead from each group reached to each that directly
    ///    holds it.
    /// 2. Ends in any graph; one statement.
    /// 3. At most `limit` edges, of which one more than the caller bears tells that there are too many.
    async fn above(
        &self,
        directory: DirectoryId,
        member: &Member,
        limit: usize,
    ) -> Result<Nesting, StoreError>;

    /// All nestings below a group: `direct` is the groups directly in it, `edges` lead from each group reached to each
    /// group directly in it. With the behaviours 2 and 3 of [`Records::above`].
    async fn below(&self, directory: DirectoryId, group: &Key, limit: usize) -> Result<Nesting, StoreError>;

    /// The users directly in any of the groups, each once, in the order of keys.
    async fn users_in(
        &self,
        directory: DirectoryId,
        groups: &[Key],
        page: &PageRequest,
    ) -> Result<Page<User>, StoreError>;

    /// Applies changes, all or none.
    ///
    /// 1. In one transaction with the log: one batch with the next sequence number, or none when nothing is logged.
    /// 2. When a change's precondition fails, nothing at all has changed; the fault is the one that the change names.
    /// 3. Concurrent calls behave as if one came after the other.
    async fn apply(&self, changes: &ChangeSet) -> Result<Applied, StoreError>;
}

/// What [`Records::locate`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Located {
    /// Who holds the name.
    pub users: Vec<Holder>,
    /// The claim on the name.
    pub claim: Option<Claim>,
}

/// One directory's user of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The directory.
    pub directory: DirectoryId,
    /// The user.
    pub user: User,
    /// How often the sessions of the account were ended; a session of another epoch is dead (T72).
    pub epoch: u64,
}

/// All occurrences of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namesakes<T> {
    /// The name.
    pub key: Key,
    /// Who holds it, by directory, in no particular order.
    pub holders: Vec<(DirectoryId, T)>,
}

/// Nestings of groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nesting {
    /// The groups one step away.
    pub direct: Vec<GroupName>,
    /// Each further step, from the nearer group to the farther one.
    pub edges: Vec<(GroupName, GroupName)>,
}

/// Passwords, apart from the users, so that a hash never rides inside one.
///
/// None of these methods is logged: attempts, upgrades and login times are not changes of who somebody is.
#[async_trait]
pub trait Credentials: fmt::Debug + Send + Sync {
    /// What is kept about an account's password; `None` when there is no such account or nothing was ever set.
    async fn credential(&self, subject: &Subject) -> Result<Option<Credential>, StoreError>;

    /// Counts a failed attempt and returns the new count; 0 when there is no credential.
    async fn count_failure(&self, subject: &Subject) -> Result<u32, StoreError>;

    /// Sets the count of failed attempts to 0.
    async fn clear_failures(&self, subject: &Subject) -> Result<(), StoreError>;

    /// Puts an upgraded hash of the same password in place of the one it was made from.
    ///
    /// 1. Only if the stored hash is still `from` (T56); tells whether it was.
    /// 2. Nothing else of the credential changes, and no session ends.
    async fn upgrade_hash(
        &self,
        subject: &Subject,
        from: &EncodedHash,
        to: &EncodedHash,
    ) -> Result<Replaced, StoreError>;

    /// Notes when accounts last logged in. Never moves a time back; accounts that are gone are left out.
    async fn note_logins(&self, logins: &[(Subject, Timestamp)]) -> Result<(), StoreError>;

    /// When an account last logged in, if it was noted.
    async fn last_login(&self, subject: &Subject) -> Result<Option<Timestamp>, StoreError>;
}

/// Whether a conditional replacement happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// It did.
    Yes,
    /// Something else was there.
    No,
}

/// Sessions. Not logged.
///
/// Each account has an epoch, 0 at first, that grows by one whenever its sessions are ended (by
/// [`Change::EndSessions`], a new password, or deactivation). A session is *live* while it is stored, its account
/// exists or is of a live directory, and its epoch is still the account's: no cache has to be told of a revocation
/// (T72).
///
/// [`Change::EndSessions`]: crate::change::Change::EndSessions
#[async_trait]
pub trait Sessions: fmt::Debug + Send + Sync {
    /// The epoch of an account; 0 for one of a live directory whose sessions were never ended, and for one that is not
    /// there.
    async fn epoch(&self, subject: &Subject) -> Result<u64, StoreError>;

    /// Keeps a session under the digest of its token. `Conflict` when the digest or the id is taken or the account's
    /// epoch is another one; `Missing` when a stored directory does not hold the account, or there is no such
    /// application or directory.
    async fn open_session(&self, token: &TokenDigest, session: &Session) -> Result<(), StoreError>;

    /// Finds a live session.
    async fn session(&self, token: &TokenDigest) -> Result<Option<Session>, StoreError>;

    /// Notes that a session was used. Does nothing when there is none; never moves the time back.
    async fn touch_session(&self, id: SessionId, used_at: Timestamp) -> Result<(), StoreError>;

    /// Ends a session. Does nothing when there is none.
    async fn close_session(&self, token: &TokenDigest) -> Result<(), StoreError>;

    /// Ends the sessions of an account in one application, but for one, and tells how many. The account's epoch stays.
    async fn close_sessions(
        &self,
        application: ApplicationId,
        subject: &Subject,
        except: Option<&TokenDigest>,
    ) -> Result<u64, StoreError>;

    /// Removes sessions that ended before a moment and tells how many.
    async fn purge_sessions(&self, ended_before: Timestamp) -> Result<u64, StoreError>;
}

/// Directories, applications, claims and aliases. Changed by [`Records::apply`] only.
#[async_trait]
pub trait Registry: fmt::Debug + Send + Sync {
    /// All directories, in the order of their names' keys.
    async fn directories(&self) -> Result<Vec<DirectoryRecord>, StoreError>;

    /// All applications, in the order of their names' keys.
    async fn applications(&self) -> Result<Vec<ApplicationRecord>, StoreError>;

    /// What is kept about applications that ask over the network, in the order of their ids.
    async fn consumers(&self) -> Result<Vec<ConsumerRecord>, StoreError>;

    /// The claim on a name.
    async fn claim(&self, application: ApplicationId, key: &Key) -> Result<Option<Claim>, StoreError>;

    /// The claims of an application, in the order of keys.
    async fn claims(&self, application: ApplicationId, page: &PageRequest)
    -> Result<Page<Claim>, StoreError>;

    /// The account that has another name, with the name that its directory knows it by.
    async fn alias(
        &self,
        application: ApplicationId,
        alias: &Key,
    ) -> Result<Option<(Subject, Username)>, StoreError>;

    /// The other name of an account.
    async fn alias_of(
        &self,
        application: ApplicationId,
        subject: &Subject,
    ) -> Result<Option<Username>, StoreError>;
}

/// What mirrors are compared by, who may write into them, and the journal of their rounds. Not logged.
#[async_trait]
pub trait Mirrors: fmt::Debug + Send + Sync {
    /// The marks of the users of a directory as they are kept now.
    ///
    /// 1. In the order of the bytes of their external ids, after one of them, at most `limit`.
    /// 2. A mark is that of the user as it is kept, whatever way it was written.
    async fn user_marks(
        &self,
        directory: DirectoryId,
        after: Option<&ExternalId>,
        limit: usize,
    ) -> Result<Vec<(ExternalId, Mark)>, StoreError>;

    /// The groups of a directory with their marks, in the order of keys, after one of them, at most `limit`.
    ///
    /// 1. `members` is what [`Change::MarkMembers`](crate::change::Change::MarkMembers) noted, and `None` as soon as a
    ///    member joined, left, was renamed or was removed since.
    async fn group_marks(
        &self,
        directory: DirectoryId,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<GroupMarks>, StoreError>;

    /// A mirror; with nothing remembered, approved or leased when there was no round yet.
    async fn mirror(&self, directory: DirectoryId) -> Result<Mirror, StoreError>;

    /// Takes the right to write into a mirror until a moment.
    ///
    /// 1. `Conflict` when another process has it and `now` is before its end; the process that has it gets it anew.
    /// 2. The epoch grows each time. From then on nothing is written under a lower one: [`Records::apply`] under it is
    ///    [`StoreError::lost_lease`] (T65).
    /// 3. Rounds that are written down as running have been broken off: they are [`Outcome::Aborted`] from then on
    ///    (T66).
    /// 4. `Missing` when there is no such directory.
    ///
    /// [`Outcome::Aborted`]: crate::sync::Outcome::Aborted
    async fn take_lease(
        &self,
        directory: DirectoryId,
        owner: NodeId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError>;

    /// Keeps a lease until a later moment. [`StoreError::lost_lease`] when another process has taken it.
    async fn renew_lease(&self, fence: Fence, until: Timestamp) -> Result<(), StoreError>;

    /// Gives a lease back. Does nothing when another process has taken it.
    async fn release_lease(&self, fence: Fence) -> Result<(), StoreError>;

    /// Writes a round down, in place of what was written of it before. [`StoreError::lost_lease`] when the lease is
    /// another's.
    async fn put_round(&self, fence: Fence, round: &Round) -> Result<(), StoreError>;

    /// The latest rounds of a mirror, the newest first, at most `limit`. A store may forget all but the latest hundred.
    async fn rounds(&self, directory: DirectoryId, limit: usize) -> Result<Vec<Round>, StoreError>;
}

/// A group with its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMarks {
    /// The group's name.
    pub name: GroupName,
    /// Where it was made.
    pub origin: Origin,
    /// The mark of the group itself.
    pub mark: Mark,
    /// The mark of its members, if they are as they were when it was noted.
    pub members: Option<Mark>,
}

/// The one durable sequence of everything that changed.
#[async_trait]
pub trait ChangeLog: fmt::Debug + Send + Sync {
    /// The id of the store itself, drawn when it was made and the same ever after: sequence numbers of another store
    /// mean nothing here.
    async fn instance(&self) -> Result<InstanceId, StoreError>;

    /// The sequence number of the latest batch; 0 when there is none.
    async fn head(&self) -> Result<u64, StoreError>;

    /// Batches after a sequence number, in order, at most `limit`.
    async fn batches(&self, after: u64, limit: usize) -> Result<Vec<LoggedBatch>, StoreError>;
}
