//! The state of a memory store, and how it is changed whole or not at all.

use std::{fmt, mem};

use throng_core::change::LoggedBatch;
use throng_core::error::StoreError;

use super::state::State;

/// The log only grows, so it stands outside what is changed whole.
#[derive(Default)]
pub(super) struct Kept {
    state: State,
    /// The same as `state` where it is there: to be changed first, without copying everything each time.
    twin: Option<State>,
    pub(super) log: Vec<LoggedBatch>,
}

impl fmt::Debug for Kept {
    /// Leaves the twin out, which says nothing of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, twin: _, log } = self;
        f.debug_struct("Kept").field("state", state).field("log", log).finish()
    }
}

impl Kept {
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// The state, to be changed by something that cannot fail half-way.
    pub(super) fn state_mut(&mut self) -> &mut State {
        self.twin = None;
        &mut self.state
    }

    /// Makes a change, which must do the same each time to the same state, or leaves everything as it was if it fails.
    pub(super) fn change<T>(
        &mut self,
        change: impl Fn(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut changed = self.twin.take().unwrap_or_else(|| self.state.clone());
        let outcome = change(&mut changed)?;
        let mut former = mem::replace(&mut self.state, changed);
        self.twin = change(&mut former).is_ok().then_some(former);
        Ok(outcome)
    }

    pub(super) fn head(&self) -> u64 {
        self.log.last().map_or(0, |batch| batch.sequence)
    }

    /// What a copy keeps: all but the twin, which would only be dropped.
    pub(super) fn copy(&self) -> Self {
        Self { state: self.state.clone(), twin: None, log: self.log.clone() }
    }
}
