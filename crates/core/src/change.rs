//! Changes as data: what a store applies all at once or not at all.

use crate::claim::Claim;
use crate::consumer::ConsumerRecord;
use crate::directory::{GroupPatch, UserPatch};
use crate::group::{Group, Member};
use crate::id::{ApplicationId, DirectoryId, ExternalId, Subject};
use crate::moves::{Belongings, Capture, Move, MoveEntry, MoveId};
use crate::name::{GroupName, Key, Username};
use crate::password::Credential;
use crate::registry::{ApplicationRecord, DirectoryRecord};
use crate::sync::{Approval, Fence, Mark, MirrorState};
use crate::time::Timestamp;
use crate::user::User;

/// Changes that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// When the changes were asked for.
    pub at: Timestamp,
    /// The changes, applied in order.
    pub changes: Vec<Change>,
    /// Under which lease they are made, if they are a round's: [`StoreError::lost_lease`] when another holds it by
    /// now (T65).
    ///
    /// [`StoreError::lost_lease`]: crate::error::StoreError::lost_lease
    pub fence: Option<Fence>,
    /// What the log says of them.
    pub logging: Logging,
}

/// What the log says of a [`ChangeSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Logging {
    /// Each change.
    #[default]
    Each,
    /// Nothing: they fill a mirror for the first time, and one [`Change::ResetDirectory`] stands for all of them at
    /// the end.
    Deferred,
}

impl ChangeSet {
    /// A set of changes.
    pub fn new(at: Timestamp, changes: Vec<Change>) -> Self {
        Self { at, changes, fence: None, logging: Logging::Each }
    }

    /// The same set under a lease.
    #[must_use]
    pub fn under(self, fence: Fence) -> Self {
        Self { fence: Some(fence), ..self }
    }

    /// The same set with another logging.
    #[must_use]
    pub fn logging(self, logging: Logging) -> Self {
        Self { logging, ..self }
    }

    /// A set of one change.
    pub fn one(at: Timestamp, change: Change) -> Self {
        Self::new(at, vec![change])
    }
}

/// One change of stored data.
///
/// Accounts and groups are named by what cannot be meant otherwise: an account by its subject, a group and a member by
/// the directory and the name. A change whose precondition does not hold fails the whole set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Makes or replaces a directory. `Conflict` when another directory has its name.
    PutDirectory(DirectoryRecord),
    /// Removes a directory with its users, groups, memberships, passwords and aliases, and its seats; claims on its
    /// accounts become tombstones (T12). `Missing` when there is none; `Conflict` while a move from it or to it can be
    /// taken back.
    RemoveDirectory(DirectoryId),
    /// Makes or replaces an application. `Conflict` when another has its name, or when the stored plan's version is not
    /// one less than the new one's; a new application has version 1. `Missing` when a seat names no directory.
    PutApplication(ApplicationRecord),
    /// Removes an application with its claims, aliases and sessions. `Missing` when there is none.
    RemoveApplication(ApplicationId),
    /// Makes or replaces what is kept about an application that asks over the network. `Missing` when there is no such
    /// application; `Conflict` when the stored version is not one less than the new one's; the first has version 1.
    /// It goes with the application.
    PutConsumer(ConsumerRecord),
    /// Requires every user of a directory who has a password to change it before it opens anything (R732). Nothing else
    /// of the passwords changes, and no session ends. `Missing` when there is no such directory.
    ExpirePasswords(DirectoryId),

    /// Makes a user. `Conflict` when the key or the external id is taken in the directory, or the key is held in one of
    /// `free_in`. `Missing` when there is no such directory.
    AddUser {
        /// The directory.
        directory: DirectoryId,
        /// The user.
        user: User,
        /// Directories that must not hold the key either, checked in the same transaction.
        free_in: Vec<DirectoryId>,
        /// The password, if there is one.
        credential: Option<Credential>,
    },
    /// Changes the named fields of a user. Setting `active` to `false` ends the sessions. `Missing` when there is no
    /// such account; `Conflict` when its key is held in one of `free_in`: it is not canonical any more.
    UpdateUser {
        /// The account.
        subject: Subject,
        /// The fields.
        patch: UserPatch,
        /// Directories that must not hold the user's key.
        free_in: Vec<DirectoryId>,
    },
    /// Renames a user; claims on the account follow to the new name. `Missing` when there is no such account;
    /// `Conflict` when another account of the directory, or one of `free_in`, holds the new key, or another's claim
    /// stands on it in an application in which the account has one.
    RenameUser {
        /// The account.
        subject: Subject,
        /// The new name.
        name: Username,
        /// Directories that must not hold the new key.
        free_in: Vec<DirectoryId>,
    },
    /// Replaces the external id of an account, when its source knows the same person by another one. Claims on the
    /// account follow; its sessions end. `Missing` when there is no such account; `Conflict` when the new id is
    /// taken.
    ReplaceExternalId {
        /// The account.
        subject: Subject,
        /// The new id.
        external_id: ExternalId,
    },
    /// Removes a user with its memberships, password and aliases; claims on the account become tombstones, and its
    /// sessions end. `Missing` when there is no such account; `Conflict` when its key is held in one of `free_in`.
    RemoveUser {
        /// The account.
        subject: Subject,
        /// Directories that must not hold the user's key.
        free_in: Vec<DirectoryId>,
    },
    /// Replaces the password and ends the sessions. `Missing` when there is no such account; `Conflict` when its key is
    /// held in one of `free_in`.
    SetCredential {
        /// The account.
        subject: Subject,
        /// The password.
        credential: Credential,
        /// Directories that must not hold the user's key.
        free_in: Vec<DirectoryId>,
    },
    /// Makes profile, active flag and attributes of the account of the user's id what the user's are; the name stays.
    /// Setting `active` to `false` ends the sessions. `Missing` when there is no such account.
    RewriteUser {
        /// The directory.
        directory: DirectoryId,
        /// The user.
        user: User,
    },
    /// Ends all sessions of an account. Does nothing when there are none.
    EndSessions(Subject),
    /// Takes a password away, as if none had ever been set, and ends the sessions. `Missing` when there is no such
    /// account. Does nothing else when it has none.
    ClearCredential(Subject),
    /// Notes when an account last logged in, where it is brought along. Never moves a time back. Not logged. `Missing`
    /// when there is no such account.
    NoteLogin {
        /// The account.
        subject: Subject,
        /// When.
        at: Timestamp,
    },
    /// Changes nothing, and fails the whole set with `Conflict` when what belongs to an account is not
    /// [as](Belongings::is_as) it was read; `Missing` when there is no such account. Not logged.
    ExpectBelongings {
        /// The account.
        subject: Subject,
        /// What must belong to it.
        belongings: Box<Belongings>,
    },
    /// Makes an account wait for its password, in place of what it waited for before. Not logged. `Missing` when a
    /// stored directory does not hold it.
    PutCapture(Capture),
    /// Lets an account wait no longer. Not logged. `Conflict` when another password is waited for, or none.
    DropCapture(Capture),

    /// Makes a group. `Conflict` when the key or the external id is taken in the directory, or the key is held in one
    /// of
    /// `free_in`.
    AddGroup {
        /// The directory.
        directory: DirectoryId,
        /// The group.
        group: Group,
        /// Directories that must not hold the key either.
        free_in: Vec<DirectoryId>,
    },
    /// Changes the named fields of a group. `Missing` when there is none.
    UpdateGroup {
        /// The directory.
        directory: DirectoryId,
        /// The group.
        group: GroupName,
        /// The fields.
        patch: GroupPatch,
    },
    /// Removes a group with its memberships, upwards and downwards. `Missing` when there is none.
    RemoveGroup {
        /// The directory.
        directory: DirectoryId,
        /// The group.
        group: GroupName,
    },
    /// Adds a direct member. `Missing` when the group or the member is not there; `Conflict` when it is a member
    /// already, and when the edge would close a cycle of groups and `cycle` refuses that.
    AddMember {
        /// The directory.
        directory: DirectoryId,
        /// The group.
        group: GroupName,
        /// The member.
        member: Member,
        /// What a cycle of groups means.
        cycle: OnCycle,
    },
    /// Removes a direct member. `Missing` when it is none.
    RemoveMember {
        /// The directory.
        directory: DirectoryId,
        /// The group.
        group: GroupName,
        /// The member.
        member: Member,
    },

    /// Notes the mark of a group's members as they are now. It is forgotten as soon as any of them joins, leaves, is
    /// renamed or removed. Not logged. `Missing` when there is no such group.
    MarkMembers {
        /// The directory.
        directory: DirectoryId,
        /// The group.
        group: GroupName,
        /// The mark.
        mark: Mark,
    },
    /// Puts what is remembered of a mirror. Not logged. `Missing` when there is no such directory.
    PutMirror {
        /// The mirror.
        directory: DirectoryId,
        /// What is remembered.
        state: Box<MirrorState>,
    },
    /// Puts or takes back an approval of deletions. Not logged. `Missing` when there is no such directory.
    ApproveDeletions {
        /// The mirror.
        directory: DirectoryId,
        /// What is approved.
        approval: Option<Approval>,
    },
    /// Changes nothing, and fails the whole set with `Conflict` when anything was logged since a sequence number.
    ExpectHead(u64),
    /// Notes in the log that anything about a directory may have changed, for changes that were not logged one by one.
    ResetDirectory(DirectoryId),

    /// Writes a move down, in place of what was written of it before. Not logged. `Conflict` when the version that is
    /// stored is not one less than the new one's; the first is 1. `Missing` when it is the first and the target is no
    /// directory; later ones are taken also when it has gone, so that the move can still be purged.
    PutMove(Box<Move>),
    /// Writes users of a move down, in place of what was written of those in the same positions. Not logged. `Missing`
    /// when there is no such move.
    PutMoveEntries {
        /// The move.
        by: MoveId,
        /// The users.
        entries: Vec<MoveEntry>,
    },
    /// Deletes what is written of the users of a move, hashes and all. Not logged. Does nothing when there is none.
    DropMoveEntries(MoveId),

    /// Makes a claim. `Conflict` when there is one on (application, key).
    MakeClaim(Claim),
    /// Puts a claim in place of the one that stands. `Conflict` when another stands than `expected`, or none.
    ReplaceClaim {
        /// The claim that must stand.
        expected: Claim,
        /// The claim that will.
        claim: Claim,
    },
    /// Removes a claim. `Conflict` when another stands, or none.
    ReleaseClaim(Claim),

    /// Gives an account another name in an application, in place of a former one. `Conflict` when the alias is another
    /// account's, or a user of one of `free_in` holds the key.
    SetAlias {
        /// The application.
        application: ApplicationId,
        /// The account.
        subject: Subject,
        /// The other name.
        alias: Username,
        /// Directories that must not hold the alias's key.
        free_in: Vec<DirectoryId>,
    },
    /// Takes an account's other name away. `Missing` when it has none.
    RemoveAlias {
        /// The application.
        application: ApplicationId,
        /// The account.
        subject: Subject,
    },
}

/// What an edge that closes a cycle of groups means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCycle {
    /// It is refused, in the transaction that would add it (T25).
    Refuse,
    /// It is kept: a source says so, and reading ends all the same (R410).
    Keep,
}

/// What applying a [`ChangeSet`] gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The sequence number of the batch in the change log; the one before when nothing was to be logged.
    pub sequence: u64,
}

/// One committed batch of the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedBatch {
    /// Gap-free from 1, in the order of commits.
    pub sequence: u64,
    /// When the changes were asked for.
    pub at: Timestamp,
    /// What changed.
    pub entries: Vec<LoggedEntry>,
}

/// One change in the log: what was touched, and nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum LoggedEntry {
    /// A directory was made or changed.
    DirectoryPut(DirectoryId),
    /// A directory was removed.
    DirectoryRemoved(DirectoryId),
    /// A directory was filled or filled anew: whatever was known of it may be wrong.
    DirectoryReset(DirectoryId),
    /// An application was made or changed.
    ApplicationPut(ApplicationId),
    /// An application was removed.
    ApplicationRemoved(ApplicationId),
    /// What is kept about an application that asks over the network was made or changed.
    ConsumerPut(ApplicationId),
    /// The passwords of a directory must be changed.
    PasswordsExpired(DirectoryId),
    /// A user was made.
    UserAdded(Subject, Username),
    /// A user was changed.
    UserUpdated(Subject, Username),
    /// A user was renamed, from and to.
    UserRenamed(Subject, Username, Username),
    /// A user was removed.
    UserRemoved(Subject, Username),
    /// A password was set.
    PasswordSet(Subject, Username),
    /// Sessions were ended.
    SessionsEnded(Subject),
    /// A group was made.
    GroupAdded(DirectoryId, GroupName),
    /// A group was changed.
    GroupUpdated(DirectoryId, GroupName),
    /// A group was removed.
    GroupRemoved(DirectoryId, GroupName),
    /// A member was added.
    MemberAdded(DirectoryId, GroupName, Member),
    /// A member was removed.
    MemberRemoved(DirectoryId, GroupName, Member),
    /// A claim was made, adopted, moved, or became a tombstone.
    ClaimPut(ApplicationId, Key),
    /// A claim was removed.
    ClaimReleased(ApplicationId, Key),
    /// An alias was given.
    AliasSet(ApplicationId, Subject),
    /// An alias was taken away.
    AliasRemoved(ApplicationId, Subject),
}
