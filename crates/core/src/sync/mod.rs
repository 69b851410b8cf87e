//! Rules for keeping a copy of somebody else's users and groups: what a refresh changes, and when deleting is doubted.

mod guard;
mod refresh;

pub use guard::{Deletions, Held, guard};
pub use refresh::{Emptiness, GroupRefresh, refresh_groups};
