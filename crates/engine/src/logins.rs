//! Times of last logins that are still to be written down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use throng_core::error::StoreError;
use throng_core::id::Subject;
use throng_core::store::Store;
use throng_core::time::Timestamp;

/// Last logins since they were last written down, so that an unchanged successful login writes nothing.
#[derive(Debug, Default)]
pub(crate) struct RecentLogins(Mutex<HashMap<Subject, Timestamp>>);

impl RecentLogins {
    /// Most accounts that are held. Beyond it times are let go: they are for display, and memory is not to grow with a
    /// host that never writes them down.
    const MAX_HELD: usize = 100_000;

    pub(crate) fn note(&self, subject: &Subject, at: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() < Self::MAX_HELD || held.contains_key(subject) {
            held.insert(subject.clone(), at);
        }
    }

    pub(crate) fn latest(&self, subject: &Subject) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(subject).copied()
    }

    pub(crate) async fn write_down(&self, store: &dyn Store) -> Result<(), StoreError> {
        let held = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if held.is_empty() {
            return Ok(());
        }
        let logins: Vec<_> = held.into_iter().collect();
        let outcome = store.note_logins(&logins).await;
        if outcome.is_err() {
            for (subject, at) in &logins {
                if self.latest(subject).is_none() {
                    self.note(subject, *at);
                }
            }
        }
        outcome
    }
}
