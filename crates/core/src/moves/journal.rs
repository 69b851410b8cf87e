//! What is written down about a move, and the port that keeps it.

use std::fmt;

use async_trait::async_trait;

use crate::attribute::Attributes;
use crate::error::StoreError;
use crate::id::{ApplicationId, DirectoryId, ExternalId, Id, Subject};
use crate::moves::{Belongings, Capture, Fate, Options};
use crate::name::{GroupName, Username};
use crate::time::Timestamp;

/// Names a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveKind {}

/// Names a move.
pub type MoveId = Id<MoveKind>;

/// A move as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Move {
    /// Its id.
    pub id: MoveId,
    /// Grows by one each time it is written, so that two who write see each other.
    pub version: u64,
    /// Where the users come from.
    pub source: Source,
    /// Where they go to.
    pub target: DirectoryId,
    /// Whom it moves, in words.
    pub selection: String,
    /// How.
    pub options: Options,
    /// How far it has come.
    pub state: MoveState,
    /// How many users it concerns: there is an entry for each.
    pub users: u64,
    /// When it began.
    pub began_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// The groups that the users take along.
    pub groups: Vec<MovedGroup>,
    /// The orders that it changed.
    pub orders: Vec<MovedOrder>,
}

impl Move {
    /// Whether users come from a directory, or go to it.
    pub fn concerns(&self, directory: DirectoryId) -> bool {
        self.target == directory || self.source == Source::Directory(directory)
    }
}

/// Where users come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Source {
    /// A directory of ours.
    Directory(DirectoryId),
    /// A file, by the name that whoever read it gave it. Its rows are in the journal, so that it is not needed again.
    File(String),
}

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum MoveState {
    /// Users are being moved, or were when it was interrupted: it can be resumed or reverted.
    Running,
    /// Every user was moved, skipped, or failed and was left where it was.
    Moved,
    /// Somebody has accepted the outcome.
    Finished,
    /// Users are being put back, or were when that was interrupted.
    Reverting,
    /// Everybody is back.
    Reverted,
    /// What reverting needs has been deleted.
    Purged,
}

impl MoveState {
    /// Whether a move in this state can be taken back: as long as it can, both directories are needed.
    pub fn can_be_reverted(self) -> bool {
        match self {
            Self::Running | Self::Moved | Self::Finished | Self::Reverting => true,
            Self::Reverted | Self::Purged => false,
        }
    }

    /// Whether a move in this state is worked on, or was when it was interrupted.
    pub fn is_under_way(self) -> bool {
        match self {
            Self::Running | Self::Reverting => true,
            Self::Moved | Self::Finished | Self::Reverted | Self::Purged => false,
        }
    }
}

impl fmt::Display for MoveState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Moved => "moved",
            Self::Finished => "finished",
            Self::Reverting => "reverting",
            Self::Reverted => "reverted",
            Self::Purged => "purged",
        })
    }
}

/// A group that users take along.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MovedGroup {
    /// Its name.
    pub name: GroupName,
    /// What it is for.
    pub description: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// Whether it is in the target because of the move.
    pub made: Made,
    /// The groups into which the move puts it: those that it is in at the source and was not in at the target.
    pub joined: Vec<GroupName>,
}

/// Whether something is in the target because of the move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Made {
    /// The move made it.
    ByTheMove,
    /// It was there.
    Before,
}

/// An order that a move changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MovedOrder {
    /// The application.
    pub application: ApplicationId,
    /// The order before.
    pub before: Vec<DirectoryId>,
    /// The version of the plan that the move made: another one since is somebody else's.
    pub version: u64,
}

/// One user of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MoveEntry {
    /// The place in the order of the move, counted from 0.
    pub position: u64,
    /// The account in the source.
    pub subject: Subject,
    /// Its name there.
    pub name: Username,
    /// How far it has come.
    pub state: EntryState,
    /// What becomes of it: as planned, and then as done.
    pub fate: Fate,
    /// What belonged to it in the source.
    pub before: Option<Box<Belongings>>,
    /// What belonged to the account of the target that it was linked with.
    pub target_before: Option<Box<Belongings>>,
    /// Where it arrived.
    pub landed: Option<Landed>,
    /// What went wrong, in words for operators, if something did.
    pub failure: Option<String>,
}

/// How far one user of a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum EntryState {
    /// Nothing was done yet.
    Planned,
    /// It is written down what will be done in a target that is not in our store, and perhaps it was done.
    Begun,
    /// It is in the target.
    Moved,
    /// It stays where it is, as planned.
    Skipped,
    /// It stays where it is, because something went wrong.
    Failed,
    /// It was put back.
    Reverted,
}

impl fmt::Display for EntryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planned => "planned",
            Self::Begun => "begun",
            Self::Moved => "moved",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Reverted => "reverted",
        })
    }
}

/// Where a user of a move arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Landed {
    /// The account in the target.
    pub external_id: ExternalId,
    /// Whether the move made it.
    pub made: Made,
    /// The groups of the target into which the move put it.
    pub joined: Vec<GroupName>,
    /// When the target's password was set, if it has one since the move: a later moment means that somebody set
    /// another.
    pub password_set_at: Option<Timestamp>,
}

/// The journal of moves, and the passwords that come later. Changed by
/// [`Records::apply`](crate::store::Records::apply) only, in the transaction of what it speaks of.
#[async_trait]
pub trait Moves: fmt::Debug + Send + Sync {
    /// Everything that belongs to a stored account, read at one moment; `None` when there is no such account.
    async fn belongings(&self, subject: &Subject) -> Result<Option<Belongings>, StoreError>;

    /// All moves, the latest first.
    async fn moves(&self) -> Result<Vec<Move>, StoreError>;

    /// The move of an id.
    async fn move_of(&self, id: MoveId) -> Result<Option<Move>, StoreError>;

    /// The entries of a move in the order of their positions, from one position on, at most `limit`. Empty for a move
    /// that is not there, and for one that was purged.
    async fn move_entries(&self, id: MoveId, from: u64, limit: usize) -> Result<Vec<MoveEntry>, StoreError>;

    /// The password that an account waits for.
    async fn capture(&self, subject: &Subject) -> Result<Option<Capture>, StoreError>;

    /// The passwords that a move's accounts wait for, in the order of their subjects, after one of them, at most
    /// `limit`.
    async fn captures(
        &self,
        by: MoveId,
        after: Option<&Subject>,
        limit: usize,
    ) -> Result<Vec<Capture>, StoreError>;
}
