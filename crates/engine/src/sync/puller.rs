//! Reading a source, batch by batch.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use throng_core::directory::Directory;
use throng_core::sync::{Batch, Position, Pull, SyncSource};
use tokio::task::JoinSet;

use super::request::Stop;
use super::round::Halt;

/// How long a source may take for one batch: what a search of a large directory is given (R670).
const DEADLINE: Duration = Duration::from_secs(120);

/// Reads one pull.
#[derive(Debug, Clone, Copy)]
pub(super) struct Puller<'p> {
    pub(super) source: &'p dyn SyncSource,
    pub(super) pull: Pull<'p>,
    pub(super) stop: &'p Stop,
}

impl Puller<'_> {
    /// Reads the next batch.
    pub(super) async fn next(&self, position: Option<&Position>) -> Result<Batch, Halt> {
        let pulling = tokio::time::timeout(DEADLINE, self.source.pull(self.pull, position));
        let stopping = self.stop.wait();
        match select(std::pin::pin!(pulling), std::pin::pin!(stopping)).await {
            Either::Left((Ok(Ok(batch)), _)) => {
                if batch.items.len() > Batch::MAX_ITEMS {
                    return Err(Halt::failed("the source gave a batch that is too large"));
                }
                Ok(batch)
            }
            Either::Left((Ok(Err(error)), _)) => Err(Halt::failed(error)),
            Either::Left((Err(_), _)) => Err(Halt::failed("the source does not answer within the deadline")),
            Either::Right(((), _)) => Err(Halt::Cancelled),
        }
    }
}

/// Reads a full pull in tasks of its own, a batch ahead of the round: parsing takes longer than comparing, and another
/// core may do it meanwhile. What is being read ends with this.
#[derive(Debug)]
pub(super) struct Ahead {
    source: Arc<dyn Directory>,
    stop: Stop,
    reading: JoinSet<Result<Batch, Halt>>,
}

impl Ahead {
    pub(super) fn of(source: &Arc<dyn Directory>, stop: &Stop) -> Self {
        Self { source: Arc::clone(source), stop: stop.clone(), reading: JoinSet::new() }
    }

    /// Begins to read the batch at a position, or the first.
    pub(super) fn begin(&mut self, position: Option<Position>) {
        let (source, stop) = (Arc::clone(&self.source), self.stop.clone());
        self.reading.spawn(async move {
            let source = sync_source(&*source)?;
            Puller { source, pull: Pull::Full, stop: &stop }.next(position.as_ref()).await
        });
    }

    /// Waits for the batch that was begun.
    pub(super) async fn batch(&mut self) -> Result<Batch, Halt> {
        match self.reading.join_next().await {
            Some(Ok(batch)) => batch,
            // As if it had been read here.
            Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
            Some(Err(error)) => Err(Halt::failed(error)),
            None => Err(Halt::failed("no batch was begun")),
        }
    }
}

/// The power of a directory to be mirrored.
pub(super) fn sync_source(source: &dyn Directory) -> Result<&dyn SyncSource, Halt> {
    source.powers().sync.ok_or_else(|| Halt::failed("the source cannot be mirrored"))
}
