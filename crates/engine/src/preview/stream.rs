//! Everybody, name by name, in order: pages of who is kept here, merged with whom live directories list.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use throng_core::directory::Directory;
use throng_core::error::StoreError;
use throng_core::filter::Filter;
use throng_core::group::Member;
use throng_core::id::DirectoryId;
use throng_core::member::{Closure, Limits};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::preview::{GroupGraph, Groups, Holders, Occupant};
use throng_core::registry::Nesting;
use throng_core::store::Namesakes;
use throng_core::user::User;

use super::ahead::Ahead;
use super::shapes::Shapes;
use crate::ask::{Heard, advance, hear};
use crate::directory::Via;
use crate::error::Error;
use crate::throng::Throng;

/// How many occurrences are read at once.
const PAGE: usize = 5_000;

/// Everybody whom a change may concern.
pub(super) struct Names<'n> {
    throng: &'n Throng,
    stored: Vec<DirectoryId>,
    live: Vec<Live>,
    unlisted: BTreeSet<DirectoryId>,
    after: Option<Key>,
    is_stored_over: bool,
    ahead: Option<Ahead<'n, Result<Vec<Holders>, StoreError>>>,
}

/// Names with who holds them.
pub(super) struct Page {
    pub(super) holders: Vec<Holders>,
    /// What live directories said of them.
    pub(super) said: BTreeMap<(DirectoryId, Key), Occupant>,
}

/// A directory that lists its users itself.
struct Live {
    id: DirectoryId,
    port: Arc<dyn Directory>,
    waiting: VecDeque<User>,
    next: Option<PageRequest>,
    last: Option<Key>,
    /// Numbers given to its groups as they are met.
    numbers: BTreeMap<Key, u64>,
}

impl<'n> Names<'n> {
    pub(super) async fn of(throng: &'n Throng, shapes: &Shapes) -> Result<Self, Error> {
        let (mut live, mut unlisted) = (Vec::new(), BTreeSet::new());
        for id in shapes.directories() {
            let Some(mount) = shapes.config.mount(id) else { continue };
            match &mount.via {
                Via::Live(port) => live.push(Live {
                    id,
                    port: Arc::clone(port),
                    waiting: VecDeque::new(),
                    next: Some(PageRequest::first(PageRequest::MAX_LIMIT)),
                    last: None,
                    numbers: BTreeMap::new(),
                }),
                Via::Detached => drop(unlisted.insert(id)),
                Via::Internal(_) | Via::Delegated(_) | Via::Mirrored(_) => {}
            }
        }
        let stored = shapes.stored();
        Ok(Self { throng, stored, live, unlisted, after: None, is_stored_over: false, ahead: None })
    }

    /// Directories that could not be listed.
    pub(super) fn unlisted(&self) -> Vec<DirectoryId> {
        self.unlisted.iter().copied().collect()
    }

    /// The next names with who holds them; none when there are no more.
    pub(super) async fn next_page(&mut self) -> Result<Option<Page>, Error> {
        let mut names: BTreeMap<Key, Vec<DirectoryId>> = BTreeMap::new();
        if !self.is_stored_over {
            let page = match self.ahead.take() {
                Some(page) => page.end().await?,
                None => self.stored_page(self.after.clone()).await?,
            };
            self.is_stored_over = page.is_empty();
            if self.live.is_empty() {
                return Ok(self.only_stored(page).await);
            }
            names.extend(page.into_iter().map(|holders| (holders.key, holders.directories)));
        }
        self.fill().await?;
        // Up to here everything is known; a live directory may know of more names behind its page.
        let stored =
            (!self.is_stored_over).then(|| names.last_key_value().map(|(key, _)| key.clone())).flatten();
        let listed = self.live.iter().filter(|live| live.next.is_some());
        let listed = listed.filter_map(|live| live.waiting.back().map(|user| user.key().clone()));
        let boundary = stored.into_iter().chain(listed).min();
        if let Some(boundary) = &boundary {
            names.retain(|key, _| key <= boundary);
        }
        let mut said = BTreeMap::new();
        for live in &mut self.live {
            while let Some(user) =
                live.waiting.pop_front_if(|user| boundary.as_ref().is_none_or(|end| user.key() <= end))
            {
                let key = user.key().clone();
                names.entry(key.clone()).or_default().push(live.id);
                said.insert((live.id, key), occupant(user));
            }
        }
        if names.is_empty() {
            return Ok(None);
        }
        self.after = boundary.or_else(|| names.last_key_value().map(|(key, _)| key.clone()));
        let holders = names.into_iter().map(|(key, directories)| Holders { key, directories }).collect();
        Ok(Some(Page { holders, said }))
    }

    /// A page where nobody else is to be asked: the next one is read while this one is looked at.
    async fn only_stored(&mut self, holders: Vec<Holders>) -> Option<Page> {
        let next = self.stored_page(Some(holders.last()?.key.clone()));
        self.ahead = Some(Ahead::begin(next).await);
        Some(Page { holders, said: BTreeMap::new() })
    }

    fn stored_page(
        &self,
        after: Option<Key>,
    ) -> impl Future<Output = Result<Vec<Holders>, StoreError>> + Send + 'n + use<'n> {
        let (store, stored) = (&self.throng.0.store, self.stored.clone());
        async move { store.holders(&stored, after.as_ref(), PAGE).await }
    }

    /// Reads a page of each live directory that has none waiting.
    async fn fill(&mut self) -> Result<(), Error> {
        let everything = Filter::everything();
        for live in &mut self.live {
            while live.waiting.is_empty()
                && let Some(request) = live.next.take()
            {
                let answer = live.port.find_users(&everything, &request);
                match hear(self.throng.0.deadline, live.id, answer).await? {
                    Heard::Said(page) => {
                        live.next = page.next.map(|next| advance(&request, next)).transpose()?;
                        for user in page.items {
                            // Whoever comes late would be left out in silence.
                            if live.last.as_ref().is_some_and(|last| user.key() <= last) {
                                return Err(Error::broken("a directory that lists its users out of order"));
                            }
                            live.last = Some(user.key().clone());
                            live.waiting.push_back(user);
                        }
                    }
                    Heard::Silent => drop(self.unlisted.insert(live.id)),
                }
            }
        }
        Ok(())
    }

    /// Everybody of a few names.
    pub(super) async fn of_names(
        &mut self,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<Vec<Namesakes<Occupant>>, Error> {
        let keys: Vec<Key> = keys.into_iter().collect();
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(PAGE / self.stored.len().max(1) + 1) {
            let stored = &self.stored;
            let asked: Vec<(DirectoryId, Key)> = keys
                .iter()
                .flat_map(|key| stored.iter().map(move |directory| (*directory, key.clone())))
                .collect();
            let mut occupants = self.throng.0.store.occupants(&asked).await?.into_iter();
            for key in keys {
                let here = stored.iter().zip(occupants.by_ref());
                let here = here.filter_map(|(directory, occupant)| Some((*directory, occupant?)));
                found.push(Namesakes { key: key.clone(), holders: here.collect() });
            }
        }
        for namesakes in &mut found {
            let name = Username::new(namesakes.key.as_str())?;
            for live in &self.live {
                match hear(self.throng.0.deadline, live.id, live.port.user(&name)).await? {
                    Heard::Said(user) => {
                        namesakes.holders.extend(user.map(|user| (live.id, occupant(user))));
                    }
                    Heard::Silent => drop(self.unlisted.insert(live.id)),
                }
            }
        }
        Ok(found)
    }

    /// Adds the groups that live directories tell of occupants.
    pub(super) async fn add_groups(
        &mut self,
        occupants: &mut [(DirectoryId, Occupant)],
        groups: &mut BTreeMap<DirectoryId, Groups>,
    ) -> Result<(), Error> {
        if self.live.is_empty() {
            return Ok(());
        }
        for (directory, occupant) in occupants {
            let Some(live) = self.live.iter_mut().find(|live| live.id == *directory) else { continue };
            occupant.groups = live.groups_of(self.throng, &occupant.name, groups).await?;
        }
        Ok(())
    }
}

impl Live {
    /// The groups that hold a user, all of them: nesting is followed at the directory.
    async fn groups_of(
        &mut self,
        throng: &Throng,
        name: &Username,
        groups: &mut BTreeMap<DirectoryId, Groups>,
    ) -> Result<Vec<u64>, Error> {
        let limits = Limits::default();
        let mut closure = Closure::from(self.parents(throng, &Member::User(name.clone())).await?, limits)?;
        while let Some(next) = closure.next_to_follow() {
            let above = self.parents(throng, &Member::Group(next.clone())).await?;
            closure.hear(&next, above)?;
        }
        let mut held = Vec::new();
        let before = self.numbers.len();
        let mut named = Vec::new();
        for reached in closure.groups() {
            let number = u64::try_from(self.numbers.len()).unwrap_or(u64::MAX);
            let number = *self.numbers.entry(reached.group.key().clone()).or_insert(number);
            held.push(number);
            named.push((number, reached.group.clone()));
        }
        if self.numbers.len() > before {
            // Nesting is followed already, so that each group stands for itself alone.
            let own = groups.entry(self.id).or_default();
            let graph = GroupGraph { groups: named, nestings: Vec::new() };
            own.extend(Groups::of(&graph, Nesting::Direct)?);
        }
        held.sort_unstable();
        Ok(held)
    }

    async fn parents(&self, throng: &Throng, member: &Member) -> Result<Vec<GroupName>, Error> {
        let (mut parents, mut request) = (Vec::new(), PageRequest::first(PageRequest::MAX_LIMIT));
        loop {
            let heard = hear(throng.0.deadline, self.id, self.port.parents_of(member, &request)).await?;
            let page = heard.or_unavailable(self.id)?;
            parents.extend(page.items);
            match page.next {
                Some(next) => request = advance(&request, next)?,
                None => return Ok(parents),
            }
        }
    }
}

fn occupant(user: User) -> Occupant {
    Occupant { external_id: user.external_id, name: user.name, active: user.active, groups: Vec::new() }
}
