//! Everybody in several directories, read page by page and put together by name.

use std::collections::VecDeque;
use std::sync::Arc;

use throng_core::directory::Directory;
use throng_core::filter::Filter;
use throng_core::id::DirectoryId;
use throng_core::name::Key;
use throng_core::page::PageRequest;
use throng_core::registry::{DirectoryKind, DirectoryRecord};
use throng_core::user::User;

use super::report::{Unlistable, Unlisted};
use crate::ask::{Heard, advance, hear};
use crate::config::{Config, InUse};
use crate::directory::{Mount, Via};
use crate::error::Error;
use crate::throng::Throng;

/// A directory that is read.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) number: u16,
    /// The place in an application's order, counted from 1.
    pub(super) rank: Option<usize>,
    pub(super) record: Arc<DirectoryRecord>,
    via: Via,
}

/// Everybody of one name.
pub(super) struct Namesakes {
    pub(super) key: Key,
    /// In the order of places.
    pub(super) holders: Vec<Holder>,
}

/// An account and where it is.
pub(super) struct Holder {
    pub(super) place: Arc<Place>,
    pub(super) user: User,
}

/// Reads all users of several directories in the order of their names.
pub(super) struct Reader<'r> {
    throng: &'r Throng,
    stored: Vec<Arc<Place>>,
    records: Part,
    live: Vec<(Arc<Place>, Part)>,
    unlisted: Vec<(Arc<Place>, Unlistable)>,
}

/// What was read of a live directory, or of all stored ones, and is still to be handed out.
struct Part {
    ahead: VecDeque<Namesakes>,
    /// The page to read next; none at the end.
    next: Option<PageRequest>,
}

impl Place {
    pub(super) fn in_application(app: &InUse) -> Vec<Arc<Self>> {
        let seats = app.seats().map(|(rank, _, mount)| (Some(rank + 1), mount));
        Self::numbered(seats)
    }

    pub(super) fn everywhere(config: &Config) -> Vec<Arc<Self>> {
        let records = config.directories();
        Self::numbered(records.iter().filter_map(|record| config.mount(record.id)).map(|mount| (None, mount)))
    }

    fn numbered<'m>(mounts: impl Iterator<Item = (Option<usize>, &'m Mount)>) -> Vec<Arc<Self>> {
        // Nobody has as many directories as there are numbers.
        let places = (0..=u16::MAX).zip(mounts).map(|(number, (rank, mount))| Self {
            number,
            rank,
            record: Arc::clone(&mount.record),
            via: mount.via.clone(),
        });
        places.map(Arc::new).collect()
    }
}

impl<'r> Reader<'r> {
    pub(super) fn new(throng: &'r Throng, places: &[Arc<Place>]) -> Self {
        let (mut stored, mut live, mut unlisted) = (Vec::new(), Vec::new(), Vec::new());
        for place in places.iter().cloned() {
            match &place.via {
                Via::Internal(_) | Via::Delegated(_) | Via::Mirrored(_) => stored.push(place),
                Via::Live(_) => live.push((place, Part::from_the_start())),
                Via::Detached if matches!(place.record.kind, DirectoryKind::Mirrored(_)) => {
                    unlisted.push((place, Unlistable::NeverComplete));
                }
                Via::Detached => unlisted.push((place, Unlistable::NotAttached)),
            }
        }
        let mut records = Part::from_the_start();
        if stored.is_empty() {
            records.next = None;
        }
        Self { throng, stored, records, live, unlisted }
    }

    /// Everybody of the next name; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Namesakes>, Error> {
        self.read_ahead().await?;
        let parts = || std::iter::once(&self.records).chain(self.live.iter().map(|(_, part)| part));
        let Some(key) = parts().filter_map(|part| part.ahead.front()).map(|name| &name.key).min().cloned()
        else {
            return Ok(None);
        };
        let mut holders = Vec::new();
        for part in std::iter::once(&mut self.records).chain(self.live.iter_mut().map(|(_, part)| part)) {
            if let Some(name) = part.ahead.pop_front_if(|name| name.key == key) {
                holders.extend(name.holders);
            }
        }
        holders.sort_by_key(|holder| holder.place.number);
        Ok(Some(Namesakes { key, holders }))
    }

    /// Whether a directory has told everything up to the name that was handed out last.
    pub(super) fn is_listed(&self, directory: DirectoryId) -> bool {
        self.unlisted.iter().all(|(place, _)| place.record.id != directory)
    }

    /// The directories of which something is missing.
    pub(super) fn unlisted(&self) -> Vec<Unlisted> {
        let unlisted = self.unlisted.iter().map(|(place, why)| Unlisted {
            directory: place.record.id,
            label: place.record.name.to_string(),
            why: *why,
        });
        unlisted.collect()
    }

    /// Reads on wherever nothing is ahead, so that the least name of all is among what is.
    async fn read_ahead(&mut self) -> Result<(), Error> {
        let everything = Filter::everything();
        while let Some(page) = self.records.due() {
            let ids: Vec<DirectoryId> = self.stored.iter().map(|place| place.record.id).collect();
            let read = self.throng.0.store.search_users(&ids, &everything, &page).await?;
            self.records.next = read.next.map(|next| advance(&page, next)).transpose()?;
            for name in read.items {
                let at = |id| self.stored.iter().find(|place| place.record.id == id).cloned();
                let holders = name.holders.into_iter().filter_map(|(id, user)| Some((at(id)?, user)));
                let holders = holders.map(|(place, user)| Holder { place, user }).collect();
                self.records.ahead.push_back(Namesakes { key: name.key, holders });
            }
        }
        let mut failed = Vec::new();
        for (place, part) in &mut self.live {
            let Via::Live(live) = &place.via else { continue };
            while let Some(page) = part.due() {
                match list(self.throng, place, &**live, &page).await {
                    Ok((names, next)) => {
                        part.ahead.extend(names);
                        part.next = next;
                    }
                    Err(why) => {
                        part.next = None;
                        failed.push((Arc::clone(place), why));
                    }
                }
            }
        }
        self.unlisted.extend(failed);
        Ok(())
    }
}

impl Part {
    fn from_the_start() -> Self {
        Self { ahead: VecDeque::new(), next: Some(PageRequest::default()) }
    }

    /// The page to be read before anything can be handed out.
    fn due(&self) -> Option<PageRequest> {
        self.next.clone().filter(|_| self.ahead.is_empty())
    }
}

/// One page of a live directory, which must be in order and go on.
async fn list(
    throng: &Throng,
    place: &Arc<Place>,
    live: &dyn Directory,
    page: &PageRequest,
) -> Result<(Vec<Namesakes>, Option<PageRequest>), Unlistable> {
    let everything = Filter::everything();
    let listing = live.find_users(&everything, page);
    let read = match hear(throng.0.deadline, place.record.id, listing).await {
        Ok(Heard::Said(read)) => read,
        Ok(Heard::Silent) => return Err(Unlistable::Silent),
        Err(cause) => return Err(broken(place, &cause)),
    };
    let keys: Vec<&Key> = page.start().into_iter().chain(read.items.iter().map(User::key)).collect();
    let last = keys.last().copied();
    if !keys.is_sorted_by(|a, b| a < b) || read.next.as_ref().is_some_and(|next| Some(next) < last) {
        return Err(broken(place, &Error::broken("users that are not in the order of their names")));
    }
    let next = match read.next.map(|next| advance(page, next)).transpose() {
        Ok(next) => next,
        Err(cause) => return Err(broken(place, &cause)),
    };
    let names = read.items.into_iter().map(|user| Namesakes {
        key: user.key().clone(),
        holders: vec![Holder { place: Arc::clone(place), user }],
    });
    Ok((names.collect(), next))
}

fn broken(place: &Place, cause: &Error) -> Unlistable {
    tracing::warn!(directory = %place.record.id, %cause, "a directory cannot be listed");
    Unlistable::Broken
}
