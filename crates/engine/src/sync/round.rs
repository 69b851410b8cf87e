//! One round: the lease, the journal, what is read, and how it ends.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use sha2::{Digest, Sha256};
use throng_core::change::{Change, ChangeSet, Logging};
use throng_core::directory::Directory;
use throng_core::error::StoreError;
use throng_core::group::Member;
use throng_core::id::DirectoryId;
use throng_core::name::GroupName;
use throng_core::registry::DirectoryKind;
use throng_core::sync::{
    Cursor, FullBecause, Lease, Mirror, MirrorState, MirroredSettings, Mode, Outcome, Phase, Progress,
    RecentDeletions, Round,
};
use throng_core::time::Timestamp;

use super::beside::Beside;
use super::index::Size;
use super::puller::sync_source;
use super::request::{SyncRequest, Wanted};
use crate::config::records_of;
use crate::directory::RecordsOf;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// How long a lease lasts without being renewed, and after how much of it it is (T65).
const LEASE: Duration = Duration::from_secs(60);
const RENEW: Duration = Duration::from_secs(15);
/// The third round in a row whose deletions are held is an alarm.
const ALARM: u32 = 3;

/// Why a round does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// The source or the store failed, in words for operators.
    Failed(String),
    Cancelled,
    TooLong,
    /// Another process has taken the mirror over.
    Aborted,
    /// What the source stated cannot be told from what changed alone.
    Full(FullBecause),
}

impl Halt {
    pub(super) fn failed(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let cause = cause.into();
        let mut words = cause.to_string();
        let mut source = cause.source();
        while let Some(next) = source {
            words = format!("{words}: {next}");
            source = next.source();
        }
        Self::Failed(words)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        if error.is_lost_lease() { Self::Aborted } else { Self::failed(error) }
    }
}

/// What goes on in a round, or ends it.
pub(super) type Step<T> = Result<T, Halt>;

/// A round at work.
pub(super) struct Work<'w> {
    pub(super) throng: &'w Throng,
    pub(super) records: RecordsOf,
    pub(super) settings: &'w MirroredSettings,
    pub(super) round: Round,
    /// The mirror as it was remembered when the round began.
    pub(super) mirror: Mirror,
    /// What the log says of what is written now.
    pub(super) logging: Logging,
    /// Deletions of the last days, this round's among them.
    pub(super) recent: Recent,
    /// Memberships of members who had not been stated, the first of them.
    pub(super) unknown: Vec<(GroupName, Member)>,
    /// What others write meanwhile.
    pub(super) beside: Beside,
    request: &'w SyncRequest,
    lease: Lease,
    renewed_at: Timestamp,
    ends_at: Timestamp,
}

/// What was deleted within the last days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recent {
    pub(super) users: Option<RecentDeletions>,
    pub(super) groups: Option<RecentDeletions>,
}

/// How a pull ended that read everything or everything that changed.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) outcome: Outcome,
    /// Where the next round goes on from.
    pub(super) cursor: Option<Cursor>,
    /// How large the mirror is now.
    pub(super) size: Size,
}

/// Runs a round to its end.
pub(super) async fn run(
    throng: &Throng,
    directory: DirectoryId,
    request: SyncRequest,
) -> Result<Round, Error> {
    let config = throng.config_now();
    let mount = config.mount(directory).ok_or_else(|| Error::not_found("directory"))?;
    let DirectoryKind::Mirrored(settings) = &mount.record.kind else {
        return Err(Error::Conflict(Conflict::DirectoryKind));
    };
    let source = throng.0.attached.sources.of(&mount.record).ok_or_else(|| Error::silent(directory))?;
    let _place = throng.0.rounds.place().await;
    let now = throng.0.clock.now();
    let taken = throng.0.store.take_lease(directory, throng.0.node, now, now.plus(LEASE)).await;
    let lease = taken.map_err(|error| Error::from_store(error, Conflict::Synchronising))?;
    let mirror = throng.0.store.mirror(directory).await?;
    let last = throng.0.store.rounds(directory, 1).await?.pop();
    let number = last.as_ref().map_or(0, |last| last.number) + 1;
    let (mode, because) = mode(&request, settings, &mirror.state, last.as_ref(), now);
    let mut round = Round::begin(directory, number, mode, now);
    round.full_because = because;
    let lasts = request.deadline.map_or(settings.round_deadline, |asked| asked.min(settings.round_deadline));
    let mut work = Work {
        throng,
        records: RecordsOf { fence: Some(lease.fence), ..records_of(&throng.0, &mount.record) },
        settings,
        round,
        recent: Recent { users: mirror.state.recent_users, groups: mirror.state.recent_groups },
        mirror,
        logging: Logging::Each,
        unknown: Vec::new(),
        beside: Beside::default(),
        request: &request,
        lease,
        renewed_at: now,
        ends_at: now.plus(lasts),
    };
    let outcome = work.through(&source).await;
    work.end(outcome).await;
    let round = work.round;
    // A mirror that has become complete, or older knowledge that is new now, is put to use.
    throng.reload().await?;
    Ok(round)
}

/// What a round reads, and why everything if it does.
fn mode(
    request: &SyncRequest,
    settings: &MirroredSettings,
    state: &MirrorState,
    last: Option<&Round>,
    now: Timestamp,
) -> (Mode, Option<FullBecause>) {
    let held = last.is_some_and(|last| last.held.is_some());
    let broken_off = last.is_some_and(|last| {
        last.mode == Mode::Full && last.ended.is_none_or(|(_, outcome)| !outcome.is_complete())
    });
    let because = match (state.full_as_of, &state.cursor) {
        _ if request.wanted == Wanted::Everything => Some(FullBecause::Asked),
        (None, _) => Some(FullBecause::First),
        (Some(_), None) => Some(FullBecause::NoCursor),
        _ if state.settings != digest(settings) => Some(FullBecause::Settings),
        (Some(full), _) if now.since(full) >= settings.full_every => Some(FullBecause::Old),
        _ if broken_off => Some(FullBecause::Failed),
        _ if held => Some(FullBecause::Held),
        _ => None,
    };
    (because.map_or(Mode::Incremental, |_| Mode::Full), because)
}

/// What settings are known by from one round to the next.
fn digest(settings: &MirroredSettings) -> u64 {
    let digest: [u8; 32] = Sha256::digest(format!("{settings:?}").as_bytes()).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl Work<'_> {
    pub(super) fn directory(&self) -> DirectoryId {
        self.records.directory
    }

    pub(super) fn now(&self) -> Timestamp {
        self.throng.0.clock.now()
    }

    /// Whether the mirror was never complete, so that nobody has seen what is in it.
    pub(super) fn is_first(&self) -> bool {
        self.mirror.state.full_as_of.is_none()
    }

    async fn through(&mut self, source: &Arc<dyn Directory>) -> Step<Read> {
        let sync = sync_source(&**source)?;
        self.journal().await?;
        if self.round.mode == Mode::Incremental
            && let Some(cursor) = self.mirror.state.cursor.clone()
        {
            let size = Size { users: self.mirror.state.users, groups: self.mirror.state.groups };
            match self.read_changes(sync, &cursor, self.beginning(size)).await {
                Err(Halt::Full(because)) => {
                    self.round.mode = Mode::Full;
                    self.round.full_because = Some(because);
                    // What was doubted so far is doubted anew, or was no loss.
                    self.round.held = None;
                    self.enter(Phase::Beginning).await?;
                }
                outcome => return outcome,
            }
        }
        self.read_everything(source).await
    }

    /// Enters a phase, and writes down that it did.
    pub(super) async fn enter(&mut self, phase: Phase) -> Step<()> {
        if self.round.phase() != phase {
            let now = self.now();
            self.round.phases.push((phase, now));
            self.journal().await?;
        }
        Ok(())
    }

    /// Looks whether the round may go on, and keeps the lease. Called between batches.
    pub(super) async fn go_on(&mut self) -> Step<()> {
        self.show(None);
        let now = self.now();
        if self.request.stop.is_set() {
            return Err(Halt::Cancelled);
        }
        if now >= self.ends_at {
            return Err(Halt::TooLong);
        }
        if now.since(self.renewed_at) >= RENEW {
            self.keep_lease().await?;
            self.journal().await?;
        }
        Ok(())
    }

    /// Waits for something and keeps the lease meanwhile: a source may take longer for one batch than a lease lasts.
    pub(super) async fn waiting_for<T>(&mut self, what: impl Future<Output = Step<T>>) -> Step<T> {
        let mut what = std::pin::pin!(what);
        loop {
            let pause = std::pin::pin!(tokio::time::sleep(RENEW));
            match select(what.as_mut(), pause).await {
                Either::Left((outcome, _)) => return outcome,
                Either::Right(((), _)) => self.keep_lease().await?,
            }
        }
    }

    /// Renews the lease, and finds out when another process has taken it.
    async fn keep_lease(&mut self) -> Step<()> {
        let now = self.now();
        self.throng.0.store.renew_lease(self.lease.fence, now.plus(LEASE)).await?;
        self.renewed_at = now;
        Ok(())
    }

    async fn journal(&self) -> Step<()> {
        Ok(self.throng.0.store.put_round(self.lease.fence, &self.round).await?)
    }

    fn show(&self, outcome: Option<Outcome>) {
        if let Some(watch) = &self.request.watch {
            watch.show(Progress {
                directory: self.directory(),
                number: self.round.number,
                mode: self.round.mode,
                phase: self.round.phase(),
                counts: self.round.counts,
                expected_users: self.mirror.state.users,
                outcome,
            });
        }
    }

    pub(super) fn stop(&self) -> &super::Stop {
        &self.request.stop
    }

    /// A set of changes under the round's lease.
    pub(super) fn set(&self, changes: Vec<Change>) -> ChangeSet {
        ChangeSet::new(self.now(), changes).under(self.lease.fence).logging(self.logging)
    }

    /// Ends the round: remembers what the next one needs, together with what this one wrote last, and writes down how
    /// it ended.
    async fn end(&mut self, read: Step<Read>) {
        let began = self.round.began_at;
        let mut state = self.mirror.state.clone();
        state.ended_at = Some(self.now());
        let outcome = match read {
            Ok(read) => {
                if read.outcome.is_complete() {
                    state.complete_as_of = Some(began);
                    state.cursor = read.cursor;
                    (state.users, state.groups) = (read.size.users, read.size.groups);
                    if self.round.mode == Mode::Full {
                        state.full_as_of = Some(began);
                        state.settings = digest(self.settings);
                    }
                    state.failed_in_a_row = 0;
                } else {
                    state.failed_in_a_row = state.failed_in_a_row.saturating_add(1);
                }
                read.outcome
            }
            Err(halt) => {
                let (outcome, why) = match halt {
                    Halt::Failed(why) => (Outcome::Failed, Some(why)),
                    Halt::Cancelled => (Outcome::Cancelled, None),
                    Halt::TooLong => (Outcome::TooLong, None),
                    Halt::Aborted => (Outcome::Aborted, None),
                    Halt::Full(because) => (Outcome::Failed, Some(because.to_string())),
                };
                self.round.failure = why;
                state.failed_in_a_row = state.failed_in_a_row.saturating_add(1);
                outcome
            }
        };
        let held = self.round.held.is_some();
        state.held_in_a_row = if held { state.held_in_a_row.saturating_add(1) } else { 0 };
        let outcome = match self.remember(state.clone(), outcome).await {
            Ok(()) => outcome,
            Err(Halt::Aborted) => Outcome::Aborted,
            Err(halt) => {
                if let Halt::Failed(why) = halt {
                    self.round.failure = Some(why);
                }
                Outcome::Failed
            }
        };
        let directory = self.directory();
        if held && state.held_in_a_row >= ALARM {
            tracing::error!(%directory, rounds = state.held_in_a_row, "deletions have been held for several rounds");
        }
        let now = self.now();
        self.round.phases.push((Phase::Over, now));
        self.round.ended = Some((now, outcome));
        // Whoever has taken the mirror over has written down that this round was aborted.
        if let Err(cause) = self.throng.0.store.put_round(self.lease.fence, &self.round).await {
            tracing::warn!(%directory, %cause, "the end of a round could not be written down");
        }
        if let Err(cause) = self.throng.0.store.release_lease(self.lease.fence).await {
            tracing::warn!(%directory, %cause, "a lease could not be given back");
        }
        self.show(Some(outcome));
    }

    async fn remember(&mut self, mut state: MirrorState, outcome: Outcome) -> Step<()> {
        let directory = self.directory();
        let mut changes = Vec::new();
        if outcome.is_complete() && self.is_first() {
            changes.push(Change::ResetDirectory(directory));
        }
        // Also those of a round that failed afterwards: what is gone is gone.
        state.recent_users = self.recent.users;
        state.recent_groups = self.recent.groups;
        if outcome.is_complete() && self.mirror.approval.is_some() && self.round.held.is_none() {
            changes.push(Change::ApproveDeletions { directory, approval: None });
        }
        changes.push(Change::PutMirror { directory, state: Box::new(state) });
        self.logging = Logging::Each;
        self.throng.0.store.apply(&self.set(changes)).await?;
        Ok(())
    }
}
