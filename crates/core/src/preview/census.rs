use std::fmt;

use async_trait::async_trait;

use crate::claim::Claim;
use crate::error::StoreError;
use crate::id::{ApplicationId, DirectoryId, ExternalId};
use crate::name::{GroupName, Key, Username};

/// Who is there, read lean and in order, for questions about everybody.
#[async_trait]
pub trait Census: fmt::Debug + Send + Sync {
    /// Which directories hold the names that follow one, in the order of keys.
    ///
    /// 1. Every one of `directories` that holds each name given; at most `limit` occurrences, and all of at least one
    ///    name if there is any.
    /// 2. Empty when no name follows.
    async fn holders(
        &self,
        directories: &[DirectoryId],
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Holders>, StoreError>;

    /// The users of names in directories, each in the place where it was asked for; `None` where nobody has the name.
    async fn occupants(&self, of: &[(DirectoryId, Key)]) -> Result<Vec<Option<Occupant>>, StoreError>;

    /// The claims on names in an application, each in the place where it was asked for.
    async fn claims_on(
        &self,
        application: ApplicationId,
        keys: &[Key],
    ) -> Result<Vec<Option<Claim>>, StoreError>;

    /// The groups of a stored directory with the numbers that [`Occupant::groups`] names them by, and their nestings.
    async fn group_graph(&self, directory: DirectoryId) -> Result<GroupGraph, StoreError>;
}

/// Who holds a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// The name.
    pub key: Key,
    /// The directories that hold it, in no order that counts.
    pub directories: Vec<DirectoryId>,
}

/// One directory's user of a name, as far as a question about everybody needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// The account.
    pub external_id: ExternalId,
    /// The spelling.
    pub name: Username,
    /// Whether it may log in.
    pub active: bool,
    /// The groups that directly hold it, by number, in ascending order.
    pub groups: Vec<u64>,
}

/// The groups of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupGraph {
    /// Each group with its number, in the order of keys.
    pub groups: Vec<(u64, GroupName)>,
    /// Which group stands in which: the one inside, and the one that holds it.
    pub nestings: Vec<(u64, u64)>,
}
