//! Rules for keeping a copy of somebody else's users and groups: the port it is fed through, what a refresh changes, and
//! when deleting is doubted.

mod guard;
mod refresh;
mod source;

pub use guard::{Deletions, Held, guard};
pub use refresh::{Emptiness, GroupRefresh, refresh_groups};
pub use source::{
    Batch, Completeness, Cursor, EntryKind, Gone, InvalidMark, Item, Next, Part, Position, Pull, SyncSource,
    Unreadable,
};
