//! The scripted directory as a source that states what it holds.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use throng_core::error::{DirectoryError, Fault};
use throng_core::group::{Group, Member};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::Key;
use throng_core::page::PageRequest;
use throng_core::sync::{
    Batch, Completeness, Cursor, Gone, Item, Next, Part as PartOf, Position, Pull, SyncSource,
};
use throng_core::user::User;

use super::behaviour::{Call, Manner};
use super::directory::ScriptedDirectory;
use crate::population::{Population, page_of};

/// What a scripted source remembers of pulls.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    /// What the directory held at each cursor.
    moments: BTreeMap<u64, Population>,
    places: BTreeMap<u64, Place>,
    drawn: u64,
    doubt: Option<&'static str>,
    cursors: Cursors,
    /// What is answered in place of what is there.
    canned: VecDeque<Batch>,
}

/// Whether a scripted source gives cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cursors {
    /// It does, and can tell what changed since.
    #[default]
    Given,
    /// Every pull is a full one.
    None,
}

/// Where a pull goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The users after one, by external ids: a rename in between moves nobody out of sight (T59).
    Users(Option<ExternalId>),
    Groups(Option<Key>),
    /// The groups after one, whose members are stated.
    Members(Option<Key>),
    /// The members of a group after one of them.
    Inside(Key, Member),
    /// What changed between two moments, after so many items.
    Changes {
        from: u64,
        to: u64,
        stated: usize,
    },
}

/// What goes into a batch, and what is left of its room.
struct Filling {
    items: Vec<Item>,
    room: usize,
}

/// Setting up, without counting as a call.
impl ScriptedDirectory {
    /// The same directory, which states everything it holds in batches of at most so many items.
    ///
    /// A full pull reads what is there at the time of each batch. What changed since a cursor is the difference between
    /// two moments: accounts by external id, groups by key, each membership by itself.
    #[must_use]
    pub fn stating_in_batches_of(mut self, items: usize) -> Self {
        self.batch = Some(items.clamp(1, Batch::MAX_WEIGHT));
        self
    }

    /// Forgets all cursors: pulls since them are [`Next::Expired`].
    pub fn forget_cursors(&self) {
        self.scripted().pulls.moments.clear();
    }

    /// Forgets all positions: pulls in progress fail.
    pub fn forget_positions(&self) {
        self.scripted().pulls.places.clear();
    }

    /// Ends full pulls as unproven for a reason from now on, or as proven again.
    pub fn doubt(&self, reason: Option<&'static str>) {
        self.scripted().pulls.doubt = reason;
    }

    /// Whether cursors are given from now on.
    pub fn give_cursors(&self, cursors: Cursors) {
        self.scripted().pulls.cursors = cursors;
    }

    /// Answers the next pulls with these batches, one after the other, whatever is there and whatever was asked.
    pub fn state_instead(&self, batches: impl IntoIterator<Item = Batch>) {
        self.scripted().pulls.canned.extend(batches);
    }
}

#[async_trait]
impl SyncSource for ScriptedDirectory {
    async fn pull(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, DirectoryError> {
        let manner = self.begin(Call::Pull).await?;
        manner.answer(self.state(manner, pull, position))
    }
}

impl ScriptedDirectory {
    fn state(
        &self,
        manner: Manner,
        pull: Pull<'_>,
        position: Option<&Position>,
    ) -> Result<Batch, DirectoryError> {
        let room = self.batch.unwrap_or(Batch::MAX_WEIGHT);
        let mut scripted = self.scripted();
        let scripted = &mut *scripted;
        let (pulls, population) = (&mut scripted.pulls, &scripted.population);
        if let Some(batch) = pulls.canned.pop_front() {
            return Ok(batch);
        }
        let (place, cursor) = match (pull, position) {
            (Pull::Full, None) => (Place::Users(None), Some(pulls.remember(population))),
            (Pull::Since(cursor), None) => match pulls.moment(cursor, self.id) {
                Some(from) => {
                    let to = pulls.remember(population);
                    (Place::Changes { from, to, stated: 0 }, Some(to))
                }
                None => return Ok(Batch { items: Vec::new(), cursor: None, next: Next::Expired }),
            },
            (Pull::Full | Pull::Since(_), Some(position)) => {
                let place = position.as_str().parse().ok().and_then(|drawn| pulls.places.get(&drawn));
                let place = place.filter(|place| place.is_of(pull));
                (place.ok_or_else(|| forgotten("position"))?.clone(), None)
            }
        };
        let mut filling = Filling { items: Vec::new(), room };
        let next = match place {
            Place::Changes { from, to, stated } => filling.add_changes(&pulls.moments, (from, to), stated)?,
            place => filling.add_what_is_there(population, place),
        };
        if let Manner::Lying(lie) = manner {
            filling.items = filling.items.into_iter().map(|item| lie.about_item(item)).collect();
        }
        Ok(Batch {
            items: filling.items,
            cursor: cursor
                .filter(|_| pulls.cursors == Cursors::Given)
                .map(|moment| mark(Cursor::new(format!("{}:{moment}", self.id))))
                .transpose()?,
            next: match (next, pull) {
                (Some(place), _) => Next::More(mark(Position::new(pulls.keep(place).to_string()))?),
                (None, Pull::Full) => {
                    Next::End(pulls.doubt.map_or(Completeness::Proven, Completeness::Unproven))
                }
                (None, Pull::Since(_)) => Next::End(Completeness::Proven),
            },
        })
    }
}

impl Pulls {
    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
    }

    fn remember(&mut self, population: &Population) -> u64 {
        let moment = self.draw();
        self.moments.insert(moment, population.clone());
        moment
    }

    fn keep(&mut self, place: Place) -> u64 {
        let drawn = self.draw();
        self.places.insert(drawn, place);
        drawn
    }

    /// The moment that a cursor of this directory names, if it is remembered.
    fn moment(&self, cursor: &Cursor, id: DirectoryId) -> Option<u64> {
        let (directory, moment) = cursor.as_str().rsplit_once(':')?;
        let moment = moment.parse().ok()?;
        (directory == id.to_string() && self.moments.contains_key(&moment)).then_some(moment)
    }
}

impl Place {
    fn is_of(&self, pull: Pull<'_>) -> bool {
        match (self, pull) {
            (Self::Users(_) | Self::Groups(_) | Self::Members(_) | Self::Inside(..), Pull::Full) => true,
            (Self::Changes { .. }, Pull::Since(_)) => true,
            (Self::Users(_) | Self::Groups(_) | Self::Members(_) | Self::Inside(..), Pull::Since(_)) => false,
            (Self::Changes { .. }, Pull::Full) => false,
        }
    }
}

impl Filling {
    fn add_what_is_there(&mut self, population: &Population, place: Place) -> Option<Place> {
        match place {
            Place::Users(after) => {
                let mut users: Vec<&User> = population.users().collect();
                users.retain(|user| after.as_ref().is_none_or(|after| user.external_id > *after));
                users.sort_by(|one, other| one.external_id.cmp(&other.external_id));
                let more = users.len() > self.room;
                users.truncate(self.room);
                let last = users.last().filter(|_| more).map(|user| user.external_id.clone());
                self.items.extend(users.into_iter().cloned().map(Item::User));
                Some(last.map_or(Place::Groups(None), |last| Place::Users(Some(last))))
            }
            Place::Groups(after) => {
                let page = page_of(population.groups().cloned(), &self.page(after), Group::key);
                self.items.extend(page.items.into_iter().map(Item::Group));
                Some(page.next.map_or(Place::Members(None), |next| Place::Groups(Some(next))))
            }
            Place::Members(after) => self.add_members(population, after),
            Place::Inside(group, after) => match population.group(&group) {
                Some(inside) => match self.add_group_members(population, inside, Some(&after)) {
                    Some(after) => Some(Place::Inside(group, after)),
                    None => self.add_members(population, Some(group)),
                },
                None => self.add_members(population, Some(group)),
            },
            Place::Changes { .. } => None,
        }
    }

    fn add_members(&mut self, population: &Population, mut done: Option<Key>) -> Option<Place> {
        let reached = |group: &&Group| done.as_ref().is_none_or(|done| group.key() > done);
        let groups: Vec<&Group> = population.groups().filter(reached).collect();
        for group in groups {
            if self.room == 0 {
                return Some(Place::Members(done));
            }
            if let Some(after) = self.add_group_members(population, group, None) {
                return Some(Place::Inside(group.key().clone(), after));
            }
            done = Some(group.key().clone());
        }
        None
    }

    /// Adds a part of a group's members and tells after which the next part begins, if one does.
    fn add_group_members(
        &mut self,
        population: &Population,
        group: &Group,
        after: Option<&Member>,
    ) -> Option<Member> {
        let mut members = population.children(group.key());
        members.retain(|member| after.is_none_or(|after| place_of(member) > place_of(after)));
        let more = members.len() > self.room;
        members.truncate(self.room);
        // A group without members takes some room too, so that a batch of them ends.
        self.room = self.room.saturating_sub(members.len().max(1));
        let last = if more { members.last().cloned() } else { None };
        let part = if more { PartOf::More } else { PartOf::Last };
        self.items.push(Item::Members { group: group.name.clone(), members, part });
        last
    }

    fn add_changes(
        &mut self,
        moments: &BTreeMap<u64, Population>,
        (from, to): (u64, u64),
        stated: usize,
    ) -> Result<Option<Place>, DirectoryError> {
        let (Some(before), Some(now)) = (moments.get(&from), moments.get(&to)) else {
            return Err(forgotten("cursor"));
        };
        let changes = changes(before, now);
        let stated_now = changes.len().min(stated + self.room);
        let more = stated_now < changes.len();
        self.items.extend(changes.into_iter().take(stated_now).skip(stated));
        Ok(more.then_some(Place::Changes { from, to, stated: stated_now }))
    }

    fn page(&self, after: Option<Key>) -> PageRequest {
        let page = PageRequest::first(self.room);
        match after {
            Some(after) => page.after(after),
            None => page,
        }
    }
}

/// What has to be stated for one population to become another.
fn changes(before: &Population, now: &Population) -> Vec<Item> {
    let mut items = Vec::new();
    for user in before.users().filter(|user| now.user_by_id(&user.external_id).is_none()) {
        items.push(Item::UserGone(Gone::Id(user.external_id.clone())));
    }
    // Ids are drawn once, so that a group of another id was made anew.
    let same = |group: &Group, other: Option<&Group>| {
        other.is_some_and(|other| other.external_id == group.external_id)
    };
    for group in before.groups().filter(|group| !same(group, now.group(group.key()))) {
        items.push(Item::GroupGone(group.name.clone()));
    }
    for user in now.users() {
        let former = before.user_by_id(&user.external_id);
        if former.is_none_or(|former| former != user || former.name.as_str() != user.name.as_str()) {
            items.push(Item::User(user.clone()));
        }
    }
    for group in now.groups().filter(|group| before.group(group.key()) != Some(*group)) {
        items.push(Item::Group(group.clone()));
    }
    for group in now.groups() {
        let former = before.group(group.key()).filter(|former| former.external_id == group.external_id);
        let was = former.map(|former| before.children(former.key())).unwrap_or_default();
        let was: Vec<Member> = was.into_iter().filter_map(|member| today(before, now, member)).collect();
        let is = now.children(group.key());
        let left = was.iter().filter(|member| !is.contains(member));
        items.extend(left.map(|member| Item::Left(group.name.clone(), member.clone())));
        let joined = is.iter().filter(|member| !was.contains(member));
        items.extend(joined.map(|member| Item::Joined(group.name.clone(), member.clone())));
    }
    items
}

/// A member of before as it is called now; nothing when it is gone, which takes its memberships along.
fn today(before: &Population, now: &Population, member: Member) -> Option<Member> {
    match member {
        Member::User(name) => {
            let id = &before.user(name.key())?.external_id;
            now.user_by_id(id).map(|user| Member::User(user.name.clone()))
        }
        Member::Group(name) => {
            let id = &before.group(name.key())?.external_id;
            let group = now.group(name.key()).filter(|group| group.external_id == *id)?;
            Some(Member::Group(group.name.clone()))
        }
    }
}

/// Where a member stands among those of its group.
fn place_of(member: &Member) -> (&Key, bool) {
    (member.key(), matches!(member, Member::Group(_)))
}

fn mark<T>(mark: Result<T, throng_core::sync::InvalidMark>) -> Result<T, DirectoryError> {
    mark.map_err(|cause| DirectoryError::new(Fault::Broken, "cursor").caused_by(cause))
}

fn forgotten(what: &'static str) -> DirectoryError {
    DirectoryError::new(Fault::Unavailable, what)
}
