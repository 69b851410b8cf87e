//! Writing what a round found out, as much of it as can be.

use throng_core::change::{Applied, Change, Logging};
use throng_core::error::{Fault, StoreError};
use throng_core::group::Member;
use throng_core::sync::{Did, EntryKind};

use super::round::{Halt, Step, Work};

/// How many changes are written at once: a transaction that pays for its commit, and that nobody waits long for.
const BATCH: usize = 1_000;
/// How many while a mirror is filled for the first time: each transaction writes the pages of the indexes that it
/// touches, of which larger ones share more, and nobody looks at the mirror yet.
const FIRST_BATCH: usize = 10_000;

impl Work<'_> {
    /// How many changes are written at once.
    pub(super) fn batch(&self) -> usize {
        if self.is_first() { FIRST_BATCH } else { BATCH }
    }

    /// Writes changes in order, and gives back those that contradict what is there. Halves are tried until each of
    /// those is found: one bad entry costs a few transactions, and the others are written all the same.
    pub(super) async fn write(&mut self, changes: Vec<Change>) -> Step<Vec<Change>> {
        let mut refused = Vec::new();
        let mut parts = vec![changes];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            self.go_on().await?;
            let mut set = self.set(part);
            match self.throng.0.store.apply(&set).await {
                Ok(applied) => {
                    self.wrote(applied);
                    self.note(&set.changes);
                }
                Err(error) if is_refusal(&error) => {
                    let second = set.changes.split_off(set.changes.len() / 2);
                    let first = set.changes;
                    if first.is_empty() {
                        refused.extend(second);
                    } else {
                        parts.push(second);
                        parts.push(first);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(refused)
    }

    /// Writes changes of which all or none must be made; tells whether they were.
    pub(super) async fn write_together(&mut self, changes: Vec<Change>) -> Step<Written> {
        let set = self.set(changes);
        match self.throng.0.store.apply(&set).await {
            Ok(applied) => {
                self.wrote(applied);
                self.note(&set.changes);
                Ok(Written::Yes)
            }
            Err(error) if is_refusal(&error) => Ok(Written::No),
            Err(error) => Err(Halt::from(error)),
        }
    }

    fn wrote(&mut self, applied: Applied) {
        // Otherwise the number is that of somebody else's batch.
        if self.logging == Logging::Each {
            self.beside.wrote(applied.sequence);
        }
    }

    /// Notes what was written in the report of the round.
    pub(super) fn note(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::AddUser { user, .. } => self.round.note(Did::Added, EntryKind::User, &user.name),
                Change::RewriteUser { user, .. } => {
                    self.round.note(Did::Updated, EntryKind::User, &user.name);
                }
                Change::RenameUser { name, .. } => self.round.note(Did::Renamed, EntryKind::User, name),
                Change::AddGroup { group, .. } => self.round.note(Did::Added, EntryKind::Group, &group.name),
                Change::UpdateGroup { group, .. } => self.round.note(Did::Updated, EntryKind::Group, group),
                Change::RemoveGroup { group, .. } => self.round.note(Did::Removed, EntryKind::Group, group),
                Change::AddMember { group, .. } => self.round.note(Did::Added, EntryKind::Membership, group),
                Change::RemoveMember { group, .. } => {
                    self.round.note(Did::Removed, EntryKind::Membership, group);
                }
                // Removed users are noted by name by whoever removes them; the others are none of a round's news.
                _ => {}
            }
        }
    }
}

/// Whether changes were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Yes,
    No,
}

/// Whether a store refused changes for what they are: they contradict what is there.
fn is_refusal(error: &StoreError) -> bool {
    matches!(error.fault(), Fault::Conflict | Fault::Missing) && !error.is_lost_lease()
}

/// What a member is called in a report.
pub(super) fn membership(member: &Member, group: &throng_core::name::GroupName) -> String {
    format!("{member} in {group}")
}
