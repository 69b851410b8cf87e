use crate::id::{DirectoryId, ExternalId, Subject};
use crate::moves::MoveId;
use crate::name::Username;
use crate::time::Timestamp;

/// A password that comes later: until an account has logged in once, its former directory checks the password, and what
/// it accepted is kept from then on.
///
/// 1. It counts only while the account has no password of its own; setting one ends it.
/// 2. Only the account that was moved is asked for: another one under its name at the source is refused (T05).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Capture {
    /// The account that waits for its password.
    pub subject: Subject,
    /// Where the password is checked until then.
    pub source: DirectoryId,
    /// What the account is called there.
    pub name: Username,
    /// The account there.
    pub external_id: ExternalId,
    /// The move that left it so.
    pub by: MoveId,
    /// Until when it is waited for; afterwards the account has no password.
    pub until: Timestamp,
}
