//! Stating everything that the server lets the application see, or what changed since.

mod events;
mod full;
mod token;

use std::collections::VecDeque;
use std::fmt;

use async_trait::async_trait;
use throng_core::error::DirectoryError;
use throng_core::sync::{Batch, Item, Next, Position, Pull, SyncSource};
use throng_wire::Events;
use tokio::sync::Mutex;

use crate::RemoteDirectory;
use crate::exchange::{Call, Reply};
use crate::fault::RemoteFault;
use crate::identity::Identity;

use events::Changes;
use full::Reading;

/// A pull keeps its answer open between two batches, so that nothing of it has to be held.
///
/// 1. One pull is open at a time; another one that begins, and an error, end it. Its positions are forgotten then. One
///    that is abandoned keeps its connection until the next begins.
/// 2. A full pull is proven complete only if each document was closed, nothing lies beyond the end of users and groups
///    (a server that gives at most so many says nothing of the rest), each group had members stated, and the same
///    server and instance answered from the first to the last. Who is not the same is `Broken`.
/// 3. Where the server gives no dump of memberships, each group is asked for its own; the names of the groups are held
///    for that.
/// 4. Events are told in order (R651). An event that does not give all of its user or group makes this side ask for it,
///    so that what is stated is whole. What is not understood is [`Next::Expired`], and so are more than 10,000 events
///    (T69).
#[async_trait]
impl SyncSource for RemoteDirectory {
    async fn pull(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, DirectoryError> {
        self.next_batch(pull, position).await.map_err(|fault| fault.about("synchronisation"))
    }
}

/// The pull that is open.
#[derive(Default)]
pub(crate) struct Pulls(Mutex<Slot>);

#[derive(Default)]
struct Slot {
    /// How many positions were given out.
    given: u64,
    open: Option<Open>,
}

struct Open {
    /// Where the next batch begins. Each position is given out once.
    position: Position,
    course: Course,
}

/// What a pull still has to state.
enum Course {
    Full(Box<Reading>),
    Since(Changes),
}

impl fmt::Debug for Pulls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pulls(..)")
    }
}

impl RemoteDirectory {
    async fn next_batch(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, RemoteFault> {
        let mut slot = self.pulls.0.lock().await;
        // Taken out, so that a pull that fails or is dropped in the middle is gone.
        let open = slot.open.take();
        let (mut course, cursor) = match position {
            Some(position) => {
                let open = open.filter(|open| open.position == *position && open.course.is(pull));
                (open.ok_or(RemoteFault::ForgottenPosition)?.course, None)
            }
            None => match pull {
                Pull::Full => {
                    let (reading, cursor) = Reading::begin(self).await?;
                    (Course::Full(Box::new(reading)), cursor)
                }
                Pull::Since(cursor) => match Changes::since(self, cursor).await? {
                    Some((changes, cursor)) => (Course::Since(changes), Some(cursor)),
                    None => return Ok(Batch { items: Vec::new(), cursor: None, next: Next::Expired }),
                },
            },
        };
        let mut items = Items::default();
        let end = match &mut course {
            Course::Full(reading) => reading.fill(self, &mut items).await?,
            Course::Since(changes) => changes.fill(self, &mut items).await?,
        };
        let next = match end {
            Some(completeness) => Next::End(completeness),
            None => {
                slot.given += 1;
                let position = Position::new(slot.given.to_string());
                let position = position.map_err(|error| RemoteFault::Call(error.into()))?;
                slot.open = Some(Open { position: position.clone(), course });
                Next::More(position)
            }
        };
        Ok(Batch { items: items.items, cursor, next })
    }

    /// Asks for the event token of now, and who answers; none where the server tells no events.
    pub(crate) async fn event_token(&self) -> Result<(Identity, Option<String>), RemoteFault> {
        let said = self.exchange.fetch::<Events>(&Call::read("event")).await?;
        match said.reply {
            Reply::Done(events) => Ok((said.identity, events.new_token.filter(|_| events.incremental))),
            Reply::Declined(declined) if events::cannot_tell(&declined) => Ok((said.identity, None)),
            Reply::Declined(declined) => Err(declined.fault()),
        }
    }
}

impl Course {
    fn is(&self, pull: Pull<'_>) -> bool {
        match (self, pull) {
            (Self::Full(_), Pull::Full) | (Self::Since(_), Pull::Since(_)) => true,
            (Self::Full(_), Pull::Since(_)) | (Self::Since(_), Pull::Full) => false,
        }
    }
}

/// The items of a batch, with what they weigh and what it took to find them.
#[derive(Default)]
struct Items {
    items: Vec<Item>,
    weight: usize,
    /// Things that were asked for one by one.
    asked: usize,
}

impl Items {
    /// Most members of one item: a part of a group is never too large for what is left of many batches.
    const MAX_MEMBERS: usize = 1_000;

    /// Most things that are asked for one by one, with up to four calls each: whoever pulls waits only so long for a
    /// batch, and a far server takes a tenth of a second for a call.
    const MAX_ASKED: usize = 100;

    /// Takes items from the front, as many as the batch still holds. Whether all were taken.
    fn take(&mut self, waiting: &mut VecDeque<Item>) -> bool {
        while let Some(item) = waiting.pop_front() {
            let weight = item.weight();
            if self.weight + weight > Batch::MAX_WEIGHT && !self.items.is_empty() {
                waiting.push_front(item);
                return false;
            }
            self.weight += weight;
            self.items.push(item);
        }
        true
    }

    /// Whether the batch is as heavy, or took as long, as one may.
    fn is_full(&self) -> bool {
        self.weight >= Batch::MAX_WEIGHT || self.asked >= Self::MAX_ASKED
    }
}
