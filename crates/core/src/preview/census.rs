use std::fmt;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::id::{DirectoryId, ExternalId};
use crate::name::{GroupName, Key, Username};
use crate::store::Namesakes;

/// Who is there, read lean and in order, for questions about everybody.
#[async_trait]
pub trait Census: fmt::Debug + Send + Sync {
    /// Everybody of the names that follow one, in the order of keys.
    ///
    /// 1. Every occurrence in `directories` of each name given; at most `limit` occurrences, and all of at least one
    ///    name if there is any.
    /// 2. Empty when no name follows.
    async fn occupants(
        &self,
        directories: &[DirectoryId],
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Namesakes<Occupant>>, StoreError>;

    /// The groups of a stored directory with the numbers that [`Occupant::groups`] names them by, and their nestings.
    async fn group_graph(&self, directory: DirectoryId) -> Result<GroupGraph, StoreError>;
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
