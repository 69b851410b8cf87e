//! What others write into a mirror while a round compares it: logins bring copies up to date, and changes are written
//! through.

use std::collections::BTreeSet;

use throng_core::change::{LoggedBatch, LoggedEntry};
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Key};

use super::index::count;
use super::round::{Step, Work};

/// How many batches of the log are looked through: others rarely write so many while a few thousand changes of a round
/// are.
const MOST: usize = 500;

/// The part of the change log that has come since something was read that is yet to be marked.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The head of the log when that was read; nothing while there is nothing to mark.
    since: Option<u64>,
    /// The batches that the round itself has written.
    own: BTreeSet<u64>,
}

impl Beside {
    /// Notes a batch of the round's own.
    pub(super) fn wrote(&mut self, sequence: u64) {
        if self.since.is_some() {
            self.own.insert(sequence);
        }
    }
}

/// Groups whose members others have changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Touched {
    These(BTreeSet<Key>),
    /// Perhaps any.
    Any,
}

impl Work<'_> {
    /// Begins to look at what others write, before something is read that is to be marked.
    pub(super) async fn look_beside(&mut self) -> Step<()> {
        if self.beside.since.is_none() {
            self.beside = Beside { since: Some(self.throng.0.store.head().await?), own: BTreeSet::new() };
        }
        Ok(())
    }

    /// The groups whose members others have changed since the last call, or since the round looks.
    pub(super) async fn touched_beside(&mut self) -> Step<Touched> {
        let Beside { since: Some(since), own } = std::mem::take(&mut self.beside) else {
            return Ok(Touched::These(BTreeSet::new()));
        };
        let log = &self.throng.0.store;
        let head = log.head().await?;
        self.beside.since = Some(head);
        if head <= since + count(own.len()) {
            return Ok(Touched::These(BTreeSet::new()));
        }
        let batches = log.batches(since, MOST).await?;
        if batches.last().is_none_or(|last| last.sequence < head) {
            return Ok(Touched::Any);
        }
        let others = batches.iter().filter(|batch| !own.contains(&batch.sequence));
        Ok(touched(self.directory(), others))
    }
}

fn touched<'b>(directory: DirectoryId, batches: impl Iterator<Item = &'b LoggedBatch>) -> Touched {
    let mut groups = BTreeSet::new();
    for entry in batches.flat_map(|batch| &batch.entries) {
        match entry {
            LoggedEntry::MemberAdded(at, group, _)
            | LoggedEntry::MemberRemoved(at, group, _)
            | LoggedEntry::GroupAdded(at, group) => {
                if *at == directory {
                    groups.insert(GroupName::key(group).clone());
                }
            }
            LoggedEntry::UserRenamed(subject, ..) | LoggedEntry::UserRemoved(subject, _) => {
                if subject.directory == directory {
                    return Touched::Any;
                }
            }
            LoggedEntry::GroupRemoved(at, _)
            | LoggedEntry::DirectoryReset(at)
            | LoggedEntry::DirectoryRemoved(at) => {
                if *at == directory {
                    return Touched::Any;
                }
            }
            LoggedEntry::DirectoryPut(_)
            | LoggedEntry::ApplicationPut(_)
            | LoggedEntry::ApplicationRemoved(_)
            | LoggedEntry::ConsumerPut(_)
            | LoggedEntry::PasswordsExpired(_)
            | LoggedEntry::UserAdded(..)
            | LoggedEntry::UserUpdated(..)
            | LoggedEntry::PasswordSet(..)
            | LoggedEntry::SessionsEnded(_)
            | LoggedEntry::GroupUpdated(..)
            | LoggedEntry::ClaimPut(..)
            | LoggedEntry::ClaimReleased(..)
            | LoggedEntry::AliasSet(..)
            | LoggedEntry::AliasRemoved(..) => {}
        }
    }
    Touched::These(groups)
}
