//! How a mirror is kept, and what is remembered of it between rounds.

use std::fmt;
use std::time::Duration;

use crate::id::{DirectoryId, Id};
use crate::name::{GroupName, Username};
use crate::registry::{Nesting, TakenName, UnknownUser};
use crate::sync::guard::RecentDeletions;
use crate::sync::source::Cursor;
use crate::time::Timestamp;

/// Settings of a mirrored directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default)
)]
pub struct MirroredSettings {
    /// Whether groups may stand in groups.
    pub nesting: Nesting,
    /// Whether what is changed here is changed at the source.
    pub writes: MirrorWrites,
    /// Whether groups may be made here that the source does not know (R120 to R123).
    pub local_groups: LocalGroups,
    /// When a round is due.
    pub schedule: Schedule,
    /// How long rounds may go without reading everything (T62).
    pub full_every: Duration,
    /// How long a round may take. What is written by then stays.
    pub round_deadline: Duration,
    /// What a login of somebody whom the mirror lacks does (R660).
    pub unknown_user: UnknownUser,
    /// What a login does to the groups that the mirror holds (R661).
    pub refresh: RefreshAtLogin,
    /// What happens when an account was renamed onto a name that is taken here (R315).
    pub taken_name: TakenName,
    /// Attributes that are not mirrored: those that change with each login would make every round a write.
    pub left_out: Vec<String>,
    /// Whether a user server hands these users on.
    pub export: Export,
    /// Users whom no round deletes without approval.
    pub protected_users: Vec<Username>,
    /// Groups that no round deletes without approval.
    pub protected_groups: Vec<GroupName>,
}

impl Default for MirroredSettings {
    fn default() -> Self {
        let hour = Duration::from_secs(60 * 60);
        Self {
            nesting: Nesting::Allowed,
            writes: MirrorWrites::Never,
            local_groups: LocalGroups::Off,
            schedule: Schedule::Every { interval: hour },
            full_every: 24 * hour,
            round_deadline: hour,
            unknown_user: UnknownUser::CreateAtLogin,
            refresh: RefreshAtLogin::Always,
            taken_name: TakenName::Quarantine,
            left_out: VOLATILE.map(str::to_owned).to_vec(),
            export: Export::Never,
            protected_users: Vec::new(),
            protected_groups: Vec::new(),
        }
    }
}

/// What Crowd writes into attributes of its users as they log in.
const VOLATILE: [&str; 4] =
    ["invalidPasswordAttempts", "lastActive", "lastAuthenticated", "passwordLastChanged"];

impl MirroredSettings {
    /// Crowd's behaviour: a name that is taken frees itself by `name#1` (R315).
    pub fn crowd() -> Self {
        Self { taken_name: TakenName::RenameTheHolder, ..Self::default() }
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $Name:ident { $($(#[$variant_doc:meta])* $Variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
        pub enum $Name { $($(#[$variant_doc])* $Variant,)* }
    )*};
}

choices! {
    /// Whether what is changed in a mirror is changed at its source.
    MirrorWrites {
        /// Nothing that came from the source can be changed here.
        Never,
        /// The source is changed first, where it has the power, then the mirror (R122).
        Through,
    }
    /// Whether a mirror may have groups of its own.
    LocalGroups {
        /// It has the source's groups only.
        Off,
        /// Groups that are made here are local; the source's cannot be changed here (R120).
        On,
    }
    /// What a login does to the groups that a mirror holds of the user (R661).
    RefreshAtLogin {
        /// Nothing: they follow with the next round.
        Never,
        /// They are read when this login made the user.
        Newcomers,
        /// They are read at every login, before access is decided (R664).
        Always,
    }
    /// Whether a user server hands the users of a mirror on.
    Export {
        /// It does not: whoever wants them asks their source. Two servers that mirror each other need this, or each
        /// would hand the other's users back.
        Never,
        /// It does.
        Always,
    }
}

/// When a round of synchronisation is due.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Schedule {
    /// Only when somebody asks for it.
    OnRequest,
    /// So long after the round before (R601), less up to a tenth of it, so that many mirrors do not begin at once.
    Every {
        /// How long.
        interval: Duration,
    },
    /// At the times that a cron expression names, in UTC: minute, hour, day of the month, month, day of the week.
    Cron(String),
}

/// What is remembered of a mirror between rounds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct MirrorState {
    /// Where an incremental round goes on from.
    pub cursor: Option<Cursor>,
    /// The moment up to which the mirror is known to be like its source: the beginning of the last round that ended
    /// well. `None` while it was never complete.
    pub complete_as_of: Option<Timestamp>,
    /// When the last full round began that ended well.
    pub full_as_of: Option<Timestamp>,
    /// A digest of the settings that the last full round went by.
    pub settings: u64,
    /// Users at the end of the last complete round.
    pub users: u64,
    /// Groups at the end of the last complete round.
    pub groups: u64,
    /// Users deleted within the last days.
    pub recent_users: Option<RecentDeletions>,
    /// Groups deleted within the last days.
    pub recent_groups: Option<RecentDeletions>,
    /// How many rounds in a row had deletions held.
    pub held_in_a_row: u32,
    /// How many rounds in a row failed.
    pub failed_in_a_row: u32,
    /// When the last round ended, well or not.
    pub ended_at: Option<Timestamp>,
}

/// An administrator's word that the deletions of one plan may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Approval {
    /// Which plan.
    pub plan: PlanHash,
    /// When the word ends.
    pub until: Timestamp,
}

impl Approval {
    /// How long an approval holds: what was looked at yesterday is looked at again.
    pub const LASTS: Duration = Duration::from_secs(24 * 60 * 60);
}

/// What a plan of held deletions is known by: the same deletions have the same hash, whatever else changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct PlanHash(String);

impl PlanHash {
    /// Reads a hash as somebody typed it. One that is no plan's approves nothing.
    pub fn parse(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The hash of a plan, from the sum of the imprints of what it deletes.
    pub fn of(sum: u128, count: u64) -> Self {
        Self(format!("{sum:032x}-{count}"))
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a process that may synchronise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {}

/// Names a process that may synchronise.
pub type NodeId = Id<NodeKind>;

/// The right to write into a mirror. Whoever takes it over gets a higher epoch, and nothing is written under a lower
/// one (T65).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The mirror.
    pub directory: DirectoryId,
    /// Which holder in the order of holders.
    pub epoch: u64,
}

/// Who holds the right to write into a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The process.
    pub owner: NodeId,
    /// What it writes under.
    pub fence: Fence,
    /// When anybody may take it over.
    pub until: Timestamp,
}

/// A mirror between and during rounds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mirror {
    /// What is remembered.
    pub state: MirrorState,
    /// What was approved.
    pub approval: Option<Approval>,
    /// Who synchronises it, or did last.
    pub lease: Option<Lease>,
}
