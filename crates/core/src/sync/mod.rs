//! Rules for keeping a copy of somebody else's users and groups: the port it is fed through, how the copy is compared
//! with what the source states, when deleting is doubted, and what is written down about a round.

mod accept;
mod guard;
mod mark;
mod mirror;
mod refresh;
mod round;
mod source;

pub use accept::{Unacceptable, acceptable_group, acceptable_user};
pub use guard::{Deletions, Held, RecentDeletions, bears_unreadable, guard, guard_members};
pub use mark::{Imprint, Mark, MembersMark};
pub use mirror::{
    Approval, Export, Fence, Lease, LocalGroups, Mirror, MirrorState, MirrorWrites, MirroredSettings, NodeId,
    NodeKind, PlanHash, RefreshAtLogin, Schedule,
};
pub use refresh::{Emptiness, GroupRefresh, refresh_groups};
pub use round::{Counts, Did, FullBecause, HeldPlan, Mode, Outcome, Phase, Progress, Round, SetAside};
pub use source::{
    Batch, Completeness, Cursor, EntryKind, Gone, InvalidMark, Item, Next, Part, Position, Pull, SyncSource,
    Unreadable,
};
