//! What is written down about a round.

use std::fmt;

use crate::id::DirectoryId;
use crate::sync::guard::Held;
use crate::sync::mirror::PlanHash;
use crate::sync::source::EntryKind;
use crate::time::Timestamp;

/// One round of synchronisation, as it stands or as it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Round {
    /// The mirror.
    pub directory: DirectoryId,
    /// Counted from 1 for each mirror.
    pub number: u64,
    /// What was read.
    pub mode: Mode,
    /// Why everything was read, if it was.
    pub full_because: Option<FullBecause>,
    /// The phases so far with their beginnings; the last is the present one.
    pub phases: Vec<(Phase, Timestamp)>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended, and how. `None` while it runs.
    pub ended: Option<(Timestamp, Outcome)>,
    /// What was read and written.
    pub counts: Counts,
    /// Whom it changed, the first [`Round::MOST_LISTED`] of them.
    pub changed: Vec<(Did, EntryKind, String)>,
    /// What it set aside, the first [`Round::MOST_LISTED`] of them.
    pub set_aside: Vec<SetAside>,
    /// The deletions that wait for approval.
    pub held: Option<HeldPlan>,
    /// What failed, in words for operators, if something did.
    pub failure: Option<String>,
}

impl Round {
    /// How many entries a round lists by name. The counts are exact; a list of everybody would be a second directory.
    pub const MOST_LISTED: usize = 1_000;

    /// A round that begins.
    pub fn begin(directory: DirectoryId, number: u64, mode: Mode, at: Timestamp) -> Self {
        Self {
            directory,
            number,
            mode,
            full_because: None,
            phases: vec![(Phase::Beginning, at)],
            began_at: at,
            ended: None,
            counts: Counts::default(),
            changed: Vec::new(),
            set_aside: Vec::new(),
            held: None,
            failure: None,
        }
    }

    /// The present phase, or the last.
    pub fn phase(&self) -> Phase {
        self.phases.last().map_or(Phase::Beginning, |(phase, _)| *phase)
    }

    /// Notes a change of an entry.
    pub fn note(&mut self, did: Did, kind: EntryKind, name: impl fmt::Display) {
        self.counts.count(did, kind);
        if kind != EntryKind::Membership && self.changed.len() < Self::MOST_LISTED {
            self.changed.push((did, kind, name.to_string()));
        }
    }

    /// Notes an entry that was set aside.
    pub fn set_aside(&mut self, kind: EntryKind, name: impl fmt::Display, why: impl fmt::Display) {
        self.counts.set_aside += 1;
        if kind != EntryKind::Membership {
            self.counts.entries_set_aside += 1;
        }
        if self.set_aside.len() < Self::MOST_LISTED {
            self.set_aside.push(SetAside { kind, name: name.to_string(), why: why.to_string() });
        }
    }
}

/// An entry that a round could not take over, and why. It is tried again in every round.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SetAside {
    /// What it is.
    pub kind: EntryKind,
    /// What it is called.
    pub name: String,
    /// Why.
    pub why: String,
}

macro_rules! words {
    ($($(#[$doc:meta])* $Name:ident { $($(#[$variant_doc:meta])* $Variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
        pub enum $Name { $($(#[$variant_doc])* $Variant,)* }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$Variant => $text,)* })
            }
        }
    )*};
}

words! {
    /// What a round reads.
    Mode {
        /// Everything.
        Full = "full",
        /// What changed since the round before.
        Incremental = "incremental",
    }
    /// Why a round reads everything.
    FullBecause {
        /// Somebody asked for it.
        Asked = "it was asked for",
        /// The mirror was never complete.
        First = "the mirror was never complete",
        /// The source gives no cursor.
        NoCursor = "the source cannot tell changes",
        /// The source cannot go on from the cursor.
        Expired = "the source no longer knows the last cursor",
        /// The settings were changed since the last full round.
        Settings = "the settings have changed",
        /// The last full round is too long ago.
        Old = "the last full round is too long ago",
        /// The round before failed or was broken off.
        Failed = "the round before did not end well",
        /// The source stated a change that contradicts the mirror (CWD-2714).
        Impossible = "the source stated an impossible change",
        /// What changed cannot be told from the changes alone: a name or a group is another's by now.
        Ambiguous = "changes alone do not tell who is who",
        /// Deletions wait for approval: only a full round can say what they are now.
        Held = "deletions wait for approval",
    }
    /// What a round is doing.
    Phase {
        /// It reads what the mirror holds.
        Beginning = "beginning",
        /// It reads users.
        Users = "users",
        /// It reads groups.
        Groups = "groups",
        /// It deletes what is gone, and takes over what waited for a name.
        Settling = "settling",
        /// It reads memberships.
        Memberships = "memberships",
        /// It reads changes.
        Changes = "changes",
        /// It is over.
        Over = "over",
    }
    /// How a round ended.
    Outcome {
        /// The mirror is like its source.
        Complete = "complete",
        /// It is, but for deletions that wait for approval.
        HeldForApproval = "held for approval",
        /// The source did not prove that it stated everything: nothing was deleted.
        Unproven = "unproven",
        /// The source or the store failed. What was written stays, and nothing was deleted on the way.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// It took too long.
        TooLong = "too long",
        /// The process that ran it is gone, or another took it over.
        Aborted = "aborted",
    }
    /// What a round did to an entry.
    Did {
        /// It made it.
        Added = "added",
        /// It changed it.
        Updated = "updated",
        /// It gave it another name.
        Renamed = "renamed",
        /// It deleted it.
        Removed = "removed",
    }
}

impl Outcome {
    /// Whether the mirror knows as much as its source did when the round began.
    pub fn is_complete(self) -> bool {
        match self {
            Self::Complete => true,
            // Those who are held are known too well, which closes more than it opens.
            Self::HeldForApproval => true,
            Self::Unproven | Self::Failed | Self::Cancelled | Self::TooLong | Self::Aborted => false,
        }
    }
}

/// What a round read and wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Counts {
    /// Users read.
    pub users_read: u64,
    /// Users added.
    pub users_added: u64,
    /// Users changed.
    pub users_updated: u64,
    /// Users renamed.
    pub users_renamed: u64,
    /// Users deleted.
    pub users_removed: u64,
    /// Groups read.
    pub groups_read: u64,
    /// Groups added.
    pub groups_added: u64,
    /// Groups changed.
    pub groups_updated: u64,
    /// Groups deleted.
    pub groups_removed: u64,
    /// Memberships read.
    pub memberships_read: u64,
    /// Memberships added.
    pub memberships_added: u64,
    /// Memberships ended.
    pub memberships_removed: u64,
    /// Entries and memberships set aside.
    pub set_aside: u64,
    /// Users and groups among them.
    pub entries_set_aside: u64,
}

impl Counts {
    /// How many entries and memberships were written.
    pub fn written(&self) -> u64 {
        [
            self.users_added,
            self.users_updated,
            self.users_renamed,
            self.users_removed,
            self.groups_added,
            self.groups_updated,
            self.groups_removed,
            self.memberships_added,
            self.memberships_removed,
        ]
        .into_iter()
        .sum()
    }

    /// How many entries and memberships were read.
    pub fn read(&self) -> u64 {
        self.users_read + self.groups_read + self.memberships_read
    }

    /// What was counted since an earlier moment of the same round.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = *self;
        for (now, before) in since.each().into_iter().zip({ *earlier }.each()) {
            *now = now.saturating_sub(*before);
        }
        since
    }

    fn each(&mut self) -> [&mut u64; 14] {
        [
            &mut self.users_read,
            &mut self.users_added,
            &mut self.users_updated,
            &mut self.users_renamed,
            &mut self.users_removed,
            &mut self.groups_read,
            &mut self.groups_added,
            &mut self.groups_updated,
            &mut self.groups_removed,
            &mut self.memberships_read,
            &mut self.memberships_added,
            &mut self.memberships_removed,
            &mut self.set_aside,
            &mut self.entries_set_aside,
        ]
    }

    fn count(&mut self, did: Did, kind: EntryKind) {
        *match (kind, did) {
            (EntryKind::User, Did::Added) => &mut self.users_added,
            (EntryKind::User, Did::Updated) => &mut self.users_updated,
            (EntryKind::User, Did::Renamed) => &mut self.users_renamed,
            (EntryKind::User, Did::Removed) => &mut self.users_removed,
            (EntryKind::Group, Did::Added) => &mut self.groups_added,
            (EntryKind::Group, Did::Updated | Did::Renamed) => &mut self.groups_updated,
            (EntryKind::Group, Did::Removed) => &mut self.groups_removed,
            (EntryKind::Membership, Did::Added | Did::Updated | Did::Renamed) => &mut self.memberships_added,
            (EntryKind::Membership, Did::Removed) => &mut self.memberships_removed,
        } += 1;
    }
}

/// Deletions that wait for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HeldPlan {
    /// What an approval names.
    pub hash: PlanHash,
    /// Users that would be deleted.
    pub users: u64,
    /// Groups that would be deleted.
    pub groups: u64,
    /// Memberships that would end by themselves.
    pub memberships: u64,
    /// Why, each reason once.
    pub why: Vec<Held>,
    /// Some of what would go, at most [`HeldPlan::MOST_LISTED`].
    pub such_as: Vec<(EntryKind, String)>,
}

impl HeldPlan {
    /// How much of a plan is named.
    pub const MOST_LISTED: usize = 20;
}

/// How far a round is, for whoever watches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Progress {
    /// The mirror.
    pub directory: DirectoryId,
    /// Which round.
    pub number: u64,
    /// What it reads.
    pub mode: Mode,
    /// What it is doing.
    pub phase: Phase,
    /// What it has read and written.
    pub counts: Counts,
    /// How many users the mirror had at the last complete round: a guess of how many will be read.
    pub expected_users: u64,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
}
