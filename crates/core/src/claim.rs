//! Claims: to whom a name belongs in an application, whatever the order says today.

use crate::id::{ApplicationId, IdentityId, Subject};
use crate::name::Key;
use crate::resolve::{Resolved, Verdict};
use crate::time::Timestamp;
use crate::user::User;

/// The durable tie of (application, name) to an identity and the account that owns it.
///
/// Made at the first successful login, or when the host asks for the identity; reading never makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Claim {
    /// The application in which the name belongs to somebody.
    pub application: ApplicationId,
    /// The name.
    pub key: Key,
    /// What the host's content refers to.
    pub identity: IdentityId,
    /// The account that owns the name.
    pub subject: Subject,
    /// When the account was deleted, if it was: the claim stays, so that a recycled name inherits nothing (T02, T05).
    pub tombstoned_at: Option<Timestamp>,
    /// When the claim was made or last adopted.
    pub made_at: Timestamp,
}

/// A name resolved to another account than the one that owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnershipChange {
    /// The claim that stands against it.
    pub claim: Claim,
    /// The account that the order selects now.
    pub found: Subject,
}

/// A verdict after the claim has been heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The verdict stands.
    Stands(Box<Verdict<User>>),
    /// Another account won under a claimed name; it must be adopted before it is anybody.
    OwnershipChanged {
        /// What changed.
        change: Box<OwnershipChange>,
        /// What the order alone would have said.
        resolved: Box<Resolved<User>>,
    },
}

/// Holds a verdict against the claim on the name.
///
/// 1. Without a claim, or when nobody resolved, the verdict stands.
/// 2. With a claim on the resolved account that is not a tombstone, it stands.
/// 3. Otherwise the ownership has changed, also when the deleted account's external id has come back.
pub fn settle(claim: Option<&Claim>, verdict: Verdict<User>) -> Settled {
    match (claim, verdict) {
        (Some(claim), Verdict::Resolved(resolved)) => {
            let found = resolved.subject();
            if claim.subject == found && claim.tombstoned_at.is_none() {
                return Settled::Stands(Box::new(Verdict::Resolved(resolved)));
            }
            let change = OwnershipChange { claim: claim.clone(), found };
            Settled::OwnershipChanged { change: Box::new(change), resolved: Box::new(resolved) }
        }
        (_, verdict) => Settled::Stands(Box::new(verdict)),
    }
}
