//! Reading a source, batch by batch.

use std::time::Duration;

use futures_util::future::{Either, select};
use throng_core::sync::{Batch, Position, Pull, SyncSource};

use super::request::Stop;
use super::round::Halt;

/// How long a source may take for one batch: what a search of a large directory is given (R670).
const DEADLINE: Duration = Duration::from_secs(120);

/// Reads one pull. Apart from the round, so that the next batch is read while the present one is compared.
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
