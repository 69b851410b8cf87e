//! Users, groups and what hangs on them.

pub(crate) mod attribute;
pub(crate) mod group;
pub(crate) mod link;
pub(crate) mod password;
pub(crate) mod rename;
pub(crate) mod user;

/// The names of the field that names a user; the second one is of newer documentation.
pub(crate) const USER_NAMES: [&str; 3] = ["name", "userName", "username"];
/// The names of the field that names a group.
pub(crate) const GROUP_NAMES: [&str; 3] = ["name", "groupName", "groupname"];
