//! The journal at work: the leases, and what is written under them.

use std::time::Duration;

use throng_core::change::{Change, ChangeSet};
use throng_core::error::{Fault, StoreError};
use throng_core::id::DirectoryId;
use throng_core::moves::{EntryState, Move, MoveEntry, MoveId};
use throng_core::sync::Lease;
use throng_core::time::Timestamp;

use super::origin::{Origin, PAGE};
use super::request::{MoveControl, MoveProgress};
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// How long a lease lasts without being renewed, and after how much of it it is.
const LEASE: Duration = Duration::from_secs(60);
const RENEW: Duration = Duration::from_secs(15);

/// A move that is worked on: by this process alone, while it has the leases of both directories.
pub(super) struct Journal<'t> {
    pub(super) throng: &'t Throng,
    pub(super) record: Move,
    pub(super) control: &'t MoveControl,
    leases: Vec<Lease>,
    renewed_at: Timestamp,
    done: u64,
}

/// What became of changes that were to be written together.
#[derive(Debug)]
pub(super) enum Written {
    Yes,
    /// Something that they presuppose is not so any more.
    No(StoreError),
}

impl<'t> Journal<'t> {
    /// Takes the leases of the directories of a move: no round of a mirror and no other move writes there meanwhile.
    ///
    /// [`Conflict::Moving`] when another process has one of them.
    pub(super) async fn open(
        throng: &'t Throng,
        record: Move,
        origin: &Origin,
        control: &'t MoveControl,
    ) -> Result<Self, Error> {
        let now = throng.0.clock.now();
        let mut journal = Self { throng, record, control, leases: Vec::new(), renewed_at: now, done: 0 };
        let source = origin.mount().map(|mount| mount.record.id);
        // The target's comes first: its fence is what everything is written under.
        for directory in [Some(journal.record.target), source].into_iter().flatten() {
            match journal.take(directory, now).await {
                Ok(lease) => journal.leases.push(lease),
                Err(error) => {
                    journal.close().await;
                    return Err(error);
                }
            }
        }
        Ok(journal)
    }

    async fn take(&self, directory: DirectoryId, now: Timestamp) -> Result<Lease, Error> {
        // A process that has a lease gets it anew: a name drawn for this work alone keeps two moves of one process
        // apart.
        let taken = self.throng.0.store.take_lease(directory, self.throng.draw(), now, now.plus(LEASE)).await;
        taken.map_err(|error| Error::from_store(error, Conflict::Moving))
    }

    /// Gives the leases back.
    pub(super) async fn close(&mut self) {
        for lease in self.leases.drain(..) {
            if let Err(cause) = self.throng.0.store.release_lease(lease.fence).await {
                tracing::warn!(directory = %lease.fence.directory, %cause, "a lease could not be given back");
            }
        }
    }

    pub(super) fn id(&self) -> MoveId {
        self.record.id
    }

    pub(super) fn now(&self) -> Timestamp {
        self.throng.0.clock.now()
    }

    /// Looks whether the work may go on, and keeps the leases. Called between users.
    pub(super) async fn go_on(&mut self) -> Result<(), Error> {
        if self.control.is_stopped() {
            return Err(Error::Conflict(Conflict::MoveStopped));
        }
        if self.now().since(self.renewed_at) >= RENEW {
            self.keep().await?;
        }
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), Error> {
        let now = self.now();
        for lease in &self.leases {
            let renewed = self.throng.0.store.renew_lease(lease.fence, now.plus(LEASE)).await;
            renewed.map_err(|error| Error::from_store(error, Conflict::Moving))?;
        }
        self.renewed_at = now;
        Ok(())
    }

    /// Tells how far it has come.
    pub(super) fn count(&mut self, users: u64) {
        self.done += users;
        let progress = MoveProgress { id: Some(self.id()), done: self.done, total: self.record.users };
        self.control.show(progress);
    }

    /// Writes changes together, under the lease. `No` when they contradict what is there now.
    pub(super) async fn write(&mut self, changes: Vec<Change>) -> Result<Written, Error> {
        let mut set = ChangeSet::new(self.now(), changes);
        if let Some(lease) = self.leases.first() {
            set = set.under(lease.fence);
        }
        match self.throng.0.store.apply(&set).await {
            Ok(_) => Ok(Written::Yes),
            Err(error) if matches!(error.fault(), Fault::Conflict | Fault::Missing) => {
                // The lease may be what they contradict.
                self.keep().await?;
                Ok(Written::No(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes changes that nothing contradicts unless somebody works on the same move.
    pub(super) async fn expect(&mut self, changes: Vec<Change>) -> Result<(), Error> {
        match self.write(changes).await? {
            Written::Yes => Ok(()),
            Written::No(error) => Err(Error::from_store(error, Conflict::Moving)),
        }
    }

    /// The move with a change of it, to be written with what belongs to it.
    pub(super) fn next(&self, change: impl FnOnce(&mut Move)) -> Move {
        let mut next = self.record.clone();
        change(&mut next);
        next.version += 1;
        next.changed_at = self.now();
        next
    }

    /// Writes the next version of the move together with other changes.
    pub(super) async fn put(&mut self, next: Move, mut others: Vec<Change>) -> Result<(), Error> {
        others.push(Change::PutMove(Box::new(next.clone())));
        self.expect(others).await?;
        self.record = next;
        Ok(())
    }

    /// Writes an entry together with what it speaks of.
    pub(super) async fn record(
        &mut self,
        mut changes: Vec<Change>,
        entry: &MoveEntry,
    ) -> Result<Written, Error> {
        changes.push(Change::PutMoveEntries { by: self.id(), entries: vec![entry.clone()] });
        self.write(changes).await
    }

    /// Writes down that a user stays where it is.
    pub(super) async fn leave(
        &mut self,
        entry: &MoveEntry,
        state: EntryState,
        failure: Option<String>,
    ) -> Result<(), Error> {
        let entry = MoveEntry { state, failure, ..entry.clone() };
        self.expect(vec![Change::PutMoveEntries { by: self.id(), entries: vec![entry] }]).await
    }

    /// The entries from a position on.
    pub(super) async fn entries(&self, from: u64) -> Result<Vec<MoveEntry>, Error> {
        Ok(self.throng.0.store.move_entries(self.id(), from, PAGE).await?)
    }
}
