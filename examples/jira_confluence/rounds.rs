//! Rounds of synchronisation, watched while they run.

use futures_util::StreamExt;
use throng::core::id::DirectoryId;
use throng::core::sync::{Outcome as Ended, Round};
use throng::sync::{ProgressWatch, SyncRequest};

use crate::Outcome;
use crate::product::Product;

/// Makes a mirror like its source, with a line for each phase, and fails if the round does not end as it shall.
pub(crate) async fn run(product: &Product, mirror: DirectoryId, shall: Ended) -> Outcome<Round> {
    let watch = ProgressWatch::new();
    let mut shown = std::pin::pin!(watch.stream());
    let request = SyncRequest::default().watched_by(&watch);
    let mut round = std::pin::pin!(product.throng.sync(mirror, request));
    let mut phase = None;
    let round = loop {
        tokio::select! {
            biased;
            Some(progress) = shown.next() => {
                // A phase is shown many times where there is much to read.
                if progress.outcome.is_none() && phase.replace(progress.phase) != Some(progress.phase) {
                    let counts = progress.counts;
                    println!("    {}: {} read, {} written", progress.phase, counts.read(), counts.written());
                }
            }
            round = &mut round => break round?,
        }
    };
    let because = round.full_because.map(|because| format!(", because {because}")).unwrap_or_default();
    let Some((_, outcome)) = round.ended else { return Err("the round has not ended".into()) };
    let written = round.counts.written();
    println!(
        "  {}, round {}: {outcome}; {}{because}; {written} written",
        product.name(),
        round.number,
        round.mode
    );
    if outcome == shall {
        Ok(round)
    } else {
        Err(format!("the round shall end as {shall}: {round:?}").into())
    }
}
