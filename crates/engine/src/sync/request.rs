//! What is asked of a round, and how it is watched and stopped.

use std::time::Duration;

use futures_util::{Stream, stream};
use throng_core::sync::Progress;
use tokio::sync::watch;

/// What is asked of a round.
#[derive(Debug, Clone, Default)]
pub struct SyncRequest {
    pub(super) wanted: Wanted,
    pub(super) deadline: Option<Duration>,
    pub(super) stop: Stop,
    pub(super) watch: Option<ProgressWatch>,
}

/// What a round shall read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// What changed, or everything where that is needed.
    #[default]
    WhatChanged,
    /// Everything.
    Everything,
}

impl SyncRequest {
    /// A round that reads everything (R605, Q13).
    pub fn full() -> Self {
        Self { wanted: Wanted::Everything, ..Self::default() }
    }

    /// Ends the round after this time, where that is earlier than the mirror's settings say. What is written by then
    /// stays.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Lets the round be stopped from elsewhere.
    #[must_use]
    pub fn stopped_by(self, stop: &Stop) -> Self {
        Self { stop: stop.clone(), ..self }
    }

    /// Lets the round be watched from elsewhere.
    #[must_use]
    pub fn watched_by(self, watch: &ProgressWatch) -> Self {
        Self { watch: Some(watch.clone()), ..self }
    }
}

/// Stops what runs, at the next place where nothing is left half-written. Clones stop the same.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Something that nobody has stopped yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops it.
    pub fn set(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was stopped.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is stopped.
    pub async fn wait(&self) {
        // The sender lives in this value, so that waiting ends by its word only.
        drop(self.0.subscribe().wait_for(|set| *set).await);
    }
}

/// Shows how far rounds are to whoever looks. Clones show the same.
#[derive(Debug, Clone, Default)]
pub struct ProgressWatch(watch::Sender<Option<Progress>>);

impl ProgressWatch {
    /// A watch that nothing is shown on yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was shown last.
    pub fn latest(&self) -> Option<Progress> {
        *self.0.borrow()
    }

    /// What is shown from now on, each time the latest; it ends with the round.
    ///
    /// Whoever looks slowly misses what was shown between two looks, and never the end.
    pub fn stream(&self) -> impl Stream<Item = Progress> + Send + use<> {
        let receiver = self.0.subscribe();
        stream::unfold(Some(receiver), |receiver| async {
            let mut receiver = receiver?;
            loop {
                receiver.changed().await.ok()?;
                let latest = *receiver.borrow_and_update();
                if let Some(progress) = latest {
                    let next = progress.outcome.is_none().then_some(receiver);
                    return Some((progress, next));
                }
            }
        })
    }

    pub(super) fn show(&self, progress: Progress) {
        self.0.send_replace(Some(progress));
    }
}
