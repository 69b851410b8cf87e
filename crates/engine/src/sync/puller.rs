//! Reading a source, batch by batch.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use throng_core::directory::Directory;
use throng_core::sync::{Batch, Next, Position, Pull, SyncSource};
use tokio::sync::mpsc;
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
                if batch.is_too_large() {
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

/// Reads a full pull in a task of its own, ahead of the round: parsing takes longer than comparing, and another core
/// may do it meanwhile. It ends with this.
#[derive(Debug)]
pub(super) struct Ahead {
    batches: mpsc::Receiver<Result<Batch, Halt>>,
    reading: JoinSet<()>,
}

impl Ahead {
    pub(super) fn read(source: &Arc<dyn Directory>, stop: &Stop) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let (source, stop) = (Arc::clone(source), stop.clone());
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut position = None;
            loop {
                let batch = match sync_source(&*source) {
                    Ok(source) => {
                        Puller { source, pull: Pull::Full, stop: &stop }.next(position.as_ref()).await
                    }
                    Err(halt) => Err(halt),
                };
                let next = batch.as_ref().ok().map(|batch| batch.next.clone());
                // Nobody takes it when the round is over.
                let taken = sender.send(batch).await.is_ok();
                match next {
                    Some(Next::More(next)) if taken => position = Some(next),
                    Some(Next::More(_) | Next::End(_) | Next::Expired) | None => return,
                }
            }
        });
        Self { batches, reading }
    }

    /// The next batch.
    pub(super) async fn batch(&mut self) -> Result<Batch, Halt> {
        if let Some(batch) = self.batches.recv().await {
            return batch;
        }
        match self.reading.join_next().await {
            // As if it had been read here.
            Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
            Some(Err(error)) => Err(Halt::failed(error)),
            Some(Ok(())) | None => Err(Halt::failed("the pull is over")),
        }
    }
}

/// Batches that are read before they are asked for: enough that neither side waits for the other's next turn of the
/// processor.
const AHEAD: usize = 4;

/// The power of a directory to be mirrored.
pub(super) fn sync_source(source: &dyn Directory) -> Result<&dyn SyncSource, Halt> {
    source.powers().sync.ok_or_else(|| Halt::failed("the source cannot be mirrored"))
}
