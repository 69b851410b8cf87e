//! Everybody, name by name, in order: pages of what is kept here, merged with what live directories list.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use throng_core::directory::Directory;
use throng_core::filter::Filter;
use throng_core::group::Member;
use throng_core::id::DirectoryId;
use throng_core::member::{Closure, Limits};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::preview::{GroupGraph, Groups, Occupant};
use throng_core::registry::Nesting;
use throng_core::store::Namesakes;
use throng_core::user::User;

use super::shapes::{Scope, Shapes};
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
    few: Option<BTreeSet<Key>>,
}

/// A directory that lists its users itself.
struct Live {
    id: DirectoryId,
    port: Arc<dyn Directory>,
    waiting: VecDeque<User>,
    next: Option<PageRequest>,
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
                    numbers: BTreeMap::new(),
                }),
                Via::Detached => drop(unlisted.insert(id)),
                Via::Internal(_) | Via::Delegated(_) | Via::Mirrored(_) => {}
            }
        }
        let few = match shapes.scope() {
            Scope::Everybody => None,
            Scope::Names(names) => Some(names.clone()),
            Scope::Nobody => Some(BTreeSet::new()),
        };
        Ok(Self { throng, stored: shapes.stored(), live, unlisted, after: None, is_stored_over: false, few })
    }

    /// Directories that could not be listed.
    pub(super) fn unlisted(&self) -> Vec<DirectoryId> {
        self.unlisted.iter().copied().collect()
    }

    /// The next names with everybody who has them; none when there are no more.
    pub(super) async fn next_page(&mut self) -> Result<Option<Vec<Namesakes<Occupant>>>, Error> {
        if let Some(few) = self.few.take() {
            self.is_stored_over = true;
            let mut found = Vec::with_capacity(few.len());
            for key in few {
                found.push(self.of_name(&key).await?);
            }
            // Nobody else is listed; the directories are still asked for groups.
            self.live.iter_mut().for_each(|live| live.next = None);
            return Ok((!found.is_empty()).then_some(found));
        }
        let mut names: BTreeMap<Key, Vec<(DirectoryId, Occupant)>> = BTreeMap::new();
        if !self.is_stored_over {
            let page = self.throng.0.store.occupants(&self.stored, self.after.as_ref(), PAGE).await?;
            self.is_stored_over = page.is_empty();
            names.extend(page.into_iter().map(|namesakes| (namesakes.key, namesakes.holders)));
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
        for live in &mut self.live {
            while let Some(user) =
                live.waiting.pop_front_if(|user| boundary.as_ref().is_none_or(|end| user.key() <= end))
            {
                names.entry(user.key().clone()).or_default().push((live.id, occupant(user)));
            }
        }
        if names.is_empty() {
            return Ok(None);
        }
        self.after = boundary.or_else(|| names.last_key_value().map(|(key, _)| key.clone()));
        Ok(Some(names.into_iter().map(|(key, holders)| Namesakes { key, holders }).collect()))
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
                        live.waiting.extend(page.items);
                    }
                    Heard::Silent => drop(self.unlisted.insert(live.id)),
                }
            }
        }
        Ok(())
    }

    /// Everybody of one name.
    pub(super) async fn of_name(&mut self, key: &Key) -> Result<Namesakes<Occupant>, Error> {
        let store = &self.throng.0.store;
        let mut holders = Vec::new();
        for namesakes in store.namesakes(&self.stored, std::slice::from_ref(key)).await? {
            for (directory, user) in namesakes.holders {
                holders.push((directory, stored_occupant(self.throng, directory, user).await?));
            }
        }
        let name = Username::new(key.as_str())?;
        for live in &self.live {
            match hear(self.throng.0.deadline, live.id, live.port.user(&name)).await? {
                Heard::Said(user) => holders.extend(user.map(|user| (live.id, occupant(user)))),
                Heard::Silent => drop(self.unlisted.insert(live.id)),
            }
        }
        Ok(Namesakes { key: key.clone(), holders })
    }

    /// The same occupants with the groups that live directories tell of them.
    pub(super) async fn with_groups(
        &mut self,
        occupants: &[(DirectoryId, Occupant)],
        groups: &mut BTreeMap<DirectoryId, Groups>,
    ) -> Result<Vec<(DirectoryId, Occupant)>, Error> {
        let mut known = occupants.to_vec();
        for (directory, occupant) in &mut known {
            let Some(live) = self.live.iter_mut().find(|live| live.id == *directory) else { continue };
            occupant.groups = live.groups_of(self.throng, &occupant.name, groups).await?;
        }
        Ok(known)
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

/// A user of a stored directory with the groups that directly hold it.
pub(super) async fn stored_occupant(
    throng: &Throng,
    directory: DirectoryId,
    user: User,
) -> Result<Occupant, Error> {
    let graph = throng.0.store.group_graph(directory).await?;
    let groups = numbers(&graph, &direct(throng, directory, &user.name).await?);
    Ok(Occupant { groups, ..occupant(user) })
}

/// The groups of a stored directory that directly hold a user.
async fn direct(throng: &Throng, directory: DirectoryId, name: &Username) -> Result<Vec<GroupName>, Error> {
    let member = Member::User(name.clone());
    let (mut parents, mut request) = (Vec::new(), PageRequest::first(PageRequest::MAX_LIMIT));
    loop {
        let page = throng.0.store.parents(directory, &member, &request).await?;
        parents.extend(page.items);
        match page.next {
            Some(next) => request = advance(&request, next)?,
            None => return Ok(parents),
        }
    }
}

fn numbers(graph: &GroupGraph, names: &[GroupName]) -> Vec<u64> {
    let mut numbers: Vec<u64> =
        graph.groups.iter().filter(|(_, group)| names.contains(group)).map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    numbers
}
