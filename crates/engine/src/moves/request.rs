//! What is asked of a move, and how it is watched and stopped.

use std::fmt;
use std::sync::Arc;

use throng_core::filter::Filter;
use throng_core::id::{DirectoryId, Subject};
use throng_core::import::{GroupRow, UserRow};
use throng_core::moves::{MoveId, Options};

use crate::sync::Stop;

/// Whom to move, and how.
#[derive(Debug, Clone)]
pub struct MoveRequest {
    /// Where the users come from.
    pub source: MoveSource,
    /// Where they go to.
    pub target: DirectoryId,
    /// Whom.
    pub selection: Selection,
    /// How.
    pub options: Options,
    /// Who asks for it, so that the plan says what becomes of that account.
    pub acting: Option<Subject>,
}

impl MoveRequest {
    /// Everybody of one directory into another, with default options.
    pub fn new(source: DirectoryId, target: DirectoryId) -> Self {
        Self {
            source: MoveSource::Directory(source),
            target,
            selection: Selection::Everybody,
            options: Options::default(),
            acting: None,
        }
    }

    /// Everybody of a file into a directory, with default options. The label is what the journal calls the file.
    pub fn from_file(
        label: impl Into<String>,
        users: Vec<UserRow>,
        groups: Vec<GroupRow>,
        target: DirectoryId,
    ) -> Self {
        let source = MoveSource::File { label: label.into(), users, groups };
        Self { source, ..Self::new(target, target) }
    }

    /// Moves these only.
    #[must_use]
    pub fn select(self, selection: Selection) -> Self {
        Self { selection, ..self }
    }

    /// Moves them so.
    #[must_use]
    pub fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Says who asks.
    #[must_use]
    pub fn acting(self, subject: Subject) -> Self {
        Self { acting: Some(subject), ..self }
    }
}

/// Where users come from.
#[derive(Debug, Clone)]
pub enum MoveSource {
    /// A directory.
    Directory(DirectoryId),
    /// The rows of a file.
    File {
        /// What the journal calls it.
        label: String,
        /// Its users.
        users: Vec<UserRow>,
        /// Its groups.
        groups: Vec<GroupRow>,
    },
}

/// Whom a move concerns.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// All users.
    Everybody,
    /// The users of these names.
    Users(Vec<String>),
    /// The users in these groups, and in groups inside them.
    Groups(Vec<String>),
    /// The users that a filter matches.
    Matching {
        /// What the journal calls the filter.
        label: String,
        /// The filter.
        filter: Filter,
    },
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("everybody"),
            Self::Users(names) => write!(f, "{} named users", names.len()),
            Self::Groups(names) => write!(f, "the users in {}", names.join(", ")),
            Self::Matching { label, .. } => write!(f, "the users that match {label}"),
        }
    }
}

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveProgress {
    /// The move; none before it has begun.
    pub id: Option<MoveId>,
    /// Users that were dealt with.
    pub done: u64,
    /// All users of the move.
    pub total: u64,
}

/// Watches work on a move, and stops it.
///
/// What is stopped ends at the next place where nothing is left half-done, and can be resumed.
#[derive(Clone, Default)]
pub struct MoveControl {
    stop: Stop,
    watch: Option<Arc<dyn Fn(MoveProgress) + Send + Sync>>,
}

impl MoveControl {
    /// Nothing is watched, and nobody stops it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the work be stopped from elsewhere.
    #[must_use]
    pub fn stopped_by(self, stop: &Stop) -> Self {
        Self { stop: stop.clone(), ..self }
    }

    /// Tells how far it has come, after each user.
    #[must_use]
    pub fn watched_by(self, watch: impl Fn(MoveProgress) + Send + Sync + 'static) -> Self {
        Self { watch: Some(Arc::new(watch)), ..self }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    pub(super) fn show(&self, progress: MoveProgress) {
        if let Some(watch) = &self.watch {
            watch(progress);
        }
    }
}

impl fmt::Debug for MoveControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MoveControl").field("stop", &self.stop).finish_non_exhaustive()
    }
}
