//! Rounds of synchronisation: a mirror is compared with what its source states, and made like it.
//!
//! Follow one round from `Throng::sync`: `round.rs` takes the lease, keeps the journal and decides what is read;
//! `full.rs` reads everything, `changes.rs` what changed; `users.rs`, `groups.rs` and `members.rs` compare and write;
//! `deletions.rs` says what may go.

mod beside;
mod changes;
mod deletions;
mod full;
mod groups;
mod index;
mod members;
mod names;
mod puller;
mod request;
mod round;
mod schedule;
mod users;
mod write;

pub use request::{ProgressWatch, Stop, SyncRequest, Wanted};
pub use schedule::check_schedule;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::future::{Either, join_all, select};
use futures_util::stream::FuturesUnordered;
use throng_core::change::Change;
use throng_core::id::DirectoryId;
use throng_core::registry::DirectoryKind;
use throng_core::sync::{Approval, Mirror, MirroredSettings, PlanHash, Round};
use throng_core::time::Timestamp;

use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// How many rounds run in one process at once (T70): more would only wait for the one writer of the store.
const MOST_AT_ONCE: usize = 2;

impl Throng {
    /// Makes a mirror like its source.
    ///
    /// 1. Reads what changed since the round before, or everything where that cannot be said, is too long ago or is
    ///    asked for; a full round writes only what differs.
    /// 2. Deletes only what a pull proved to be gone, and nothing improbable without approval (T59):
    ///    [`Throng::approve_deletions`].
    /// 3. What cannot be taken over is set aside, named in the round and tried again in the next one (T67).
    /// 4. Ends as the round says. A round that did not end well leaves the mirror at a committed batch and without a
    ///    deletion on the way; the next round begins again and finds what was written.
    /// 5. [`Conflict::Synchronising`] while another round of the mirror runs, here or in another process.
    pub async fn sync(&self, directory: DirectoryId, request: SyncRequest) -> Result<Round, Error> {
        let _running = self.0.rounds.begin(directory).ok_or(Error::Conflict(Conflict::Synchronising))?;
        round::run(self, directory, request).await
    }

    /// Runs the rounds that are due, each as it is asked for, and tells how each ended. A mirror that somebody else
    /// synchronises now is passed over. For the host to call now and then; [`Throng::keep_in_sync`] does.
    pub async fn sync_due(&self, request: &SyncRequest) -> Vec<(DirectoryId, Result<Round, Error>)> {
        let due = self.due(&BTreeSet::new(), &BTreeMap::new()).await;
        let rounds = due.into_iter().map(|(directory, due)| self.when_due(directory, due, request));
        join_all(rounds).await.into_iter().flatten().collect()
    }

    /// Runs rounds as they become due, until it is stopped, and tells how each ended. For the host to spawn. A round
    /// that is under way is stopped, too, at the next place where nothing is left half-written. A source that is slow
    /// holds up its own mirror only.
    pub async fn keep_in_sync(&self, stop: &Stop, mut ended: impl FnMut(DirectoryId, Result<Round, Error>)) {
        let request = SyncRequest::default().stopped_by(stop);
        let (mut running, mut rounds) = (BTreeSet::new(), FuturesUnordered::new());
        // A round that could not begin leaves no trace from which the next one could be reckoned.
        let mut resting: BTreeMap<DirectoryId, Timestamp> = BTreeMap::new();
        let mut tell = |directory: DirectoryId, outcome: Result<Round, Error>| {
            let could_begin = outcome.is_ok();
            match &outcome {
                Ok(round) => tracing::info!(%directory, number = round.number, "a round has ended"),
                Err(cause) => tracing::warn!(%directory, %cause, "a round could not begin"),
            }
            ended(directory, outcome);
            could_begin
        };
        while !stop.is_set() {
            let now = self.0.clock.now();
            resting.retain(|_, until| *until > now);
            for (directory, due) in self.due(&running, &resting).await {
                running.insert(directory);
                let request = &request;
                rounds.push(async move { (directory, self.when_due(directory, due, request).await) });
            }
            let (sleep, stopped) = (pin!(tokio::time::sleep(schedule::LOOK)), pin!(stop.wait()));
            let pause = select(sleep, stopped);
            // With no round under way, the next one is waited for alone.
            let next = async {
                match rounds.next().await {
                    Some(round) => round,
                    None => std::future::pending().await,
                }
            };
            if let Either::Left(((directory, outcome), _)) = select(pin!(next), pause).await {
                running.remove(&directory);
                if outcome.is_some_and(|(directory, outcome)| !tell(directory, outcome)) {
                    resting.insert(directory, self.0.clock.now().plus(schedule::AFTER_A_FAILURE));
                }
            }
        }
        while let Some((_, outcome)) = rounds.next().await {
            if let Some((directory, outcome)) = outcome {
                tell(directory, outcome);
            }
        }
    }

    /// The mirrors whose rounds are due, and those of which that cannot be said.
    async fn due(
        &self,
        running: &BTreeSet<DirectoryId>,
        resting: &BTreeMap<DirectoryId, Timestamp>,
    ) -> Vec<(DirectoryId, Result<(), Error>)> {
        let mut due = Vec::new();
        for record in self.directories() {
            let DirectoryKind::Mirrored(settings) = &record.kind else { continue };
            let is_busy = running.contains(&record.id) || resting.contains_key(&record.id);
            if !record.active || is_busy {
                continue;
            }
            match self.next_round(record.id, settings).await {
                Ok(Some(next)) if next <= self.0.clock.now() => due.push((record.id, Ok(()))),
                Ok(_) => {}
                Err(error) => due.push((record.id, Err(error))),
            }
        }
        due
    }

    async fn when_due(
        &self,
        directory: DirectoryId,
        due: Result<(), Error>,
        request: &SyncRequest,
    ) -> Option<(DirectoryId, Result<Round, Error>)> {
        if request.stop.is_set() {
            return None;
        }
        match due {
            Ok(()) => match self.sync(directory, request.clone()).await {
                Err(Error::Conflict(Conflict::Synchronising)) => None,
                outcome => Some((directory, outcome)),
            },
            Err(error) => Some((directory, Err(error))),
        }
    }

    /// When the next round of a mirror is due; `None` when it runs on request only.
    async fn next_round(
        &self,
        directory: DirectoryId,
        settings: &MirroredSettings,
    ) -> Result<Option<Timestamp>, Error> {
        let state = self.0.store.mirror(directory).await?.state;
        schedule::next(&settings.schedule, &state, directory)
    }

    /// A mirror between and during rounds: how old it is, what waits for approval, who synchronises it.
    pub async fn mirror(&self, directory: DirectoryId) -> Result<Mirror, Error> {
        self.expect_mirror(directory)?;
        Ok(self.0.store.mirror(directory).await?)
    }

    /// The latest rounds of a mirror, the newest first, at most `limit`.
    pub async fn rounds(&self, directory: DirectoryId, limit: usize) -> Result<Vec<Round>, Error> {
        self.expect_mirror(directory)?;
        Ok(self.0.store.rounds(directory, limit).await?)
    }

    /// Lets the next full round make the deletions of one plan, which the last round held.
    ///
    /// 1. The word holds for [`Approval::LASTS`], and for exactly the deletions that were shown: if others would be
    ///    made by then, they are held again.
    /// 2. [`Conflict::PlanStale`] when the latest round holds no such plan.
    pub async fn approve_deletions(&self, directory: DirectoryId, plan: &PlanHash) -> Result<(), Error> {
        self.expect_mirror(directory)?;
        let latest = self.0.store.rounds(directory, 1).await?.pop();
        if latest.and_then(|round| round.held).is_none_or(|held| held.hash != *plan) {
            return Err(Error::Conflict(Conflict::PlanStale));
        }
        let approval = Approval { plan: plan.clone(), until: self.0.clock.now().plus(Approval::LASTS) };
        tracing::info!(%directory, %plan, "held deletions were approved");
        let change = Change::ApproveDeletions { directory, approval: Some(approval) };
        self.apply(vec![change], Conflict::Stale).await
    }

    fn expect_mirror(&self, directory: DirectoryId) -> Result<(), Error> {
        match self.config().mount(directory).map(|mount| &mount.record.kind) {
            Some(DirectoryKind::Mirrored(_)) => Ok(()),
            Some(DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) | DirectoryKind::Live) => {
                Err(Error::Conflict(Conflict::DirectoryKind))
            }
            None => Err(Error::not_found("directory")),
        }
    }
}

/// The mirrors that are synchronised in this process now.
#[derive(Debug)]
pub(crate) struct Rounds {
    running: Mutex<BTreeSet<DirectoryId>>,
    places: tokio::sync::Semaphore,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { running: Mutex::default(), places: tokio::sync::Semaphore::new(MOST_AT_ONCE) }
    }
}

impl Rounds {
    fn begin(&self, directory: DirectoryId) -> Option<Running<'_>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Made only when it is true: what is made is dropped, and dropping it ends somebody's round.
        running.insert(directory).then(|| Running { rounds: self, directory })
    }

    /// Waits until few enough rounds run.
    async fn place(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // The semaphore is never closed; if it were, rounds would run without it.
        self.places.acquire().await.ok()
    }
}

/// A round that runs; it counts until it is dropped.
struct Running<'r> {
    rounds: &'r Rounds,
    directory: DirectoryId,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.rounds.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.directory);
    }
}
