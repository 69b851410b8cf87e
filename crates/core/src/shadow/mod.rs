//! What several directories hold alike: the look of names, and values that repeat among more than memory holds.

mod repeat;
mod skeleton;

pub use repeat::{Digests, Gathered, Gathering, Repeated};
pub use skeleton::Skeleton;
