//! What a scripted directory states to mirrors.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use throng_core::error::{DirectoryError, Fault};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::ExternalId;
use throng_core::name::Key;
use throng_core::sync::{Batch, Completeness, Cursor, Gone, Item, Next, Part, Position, Pull, SyncSource};
use throng_core::user::User;

use super::behaviour::{Call, Manner};
use super::directory::ScriptedDirectory;
use crate::population::Population;

/// What is fed to mirrors, and how.
#[derive(Debug)]
pub(super) struct Feed {
    /// Items of one batch; the members of a group count one each.
    page: usize,
    cursors: Cursors,
    /// What was held when a cursor was given.
    history: Vec<Population>,
    /// Batches that the next pull gives in place of what is held.
    canned: VecDeque<Batch>,
    completeness: Completeness,
    /// The pull that is read now, cut into batches.
    open: Vec<Vec<Item>>,
    pulls: u64,
}

/// Whether a scripted source gives cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursors {
    /// It does, and can tell what changed since.
    Given,
    /// Every pull is a full one.
    None,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            page: 3,
            cursors: Cursors::Given,
            history: Vec::new(),
            canned: VecDeque::new(),
            completeness: Completeness::Proven,
            open: Vec::new(),
            pulls: 0,
        }
    }
}

/// Scripting what is fed.
impl ScriptedDirectory {
    /// How many items a batch has, at least one. Three at first, so that a small world has several batches.
    pub fn feed_pages_of(&self, items: usize) {
        self.scripted().feed.page = items.max(1);
    }

    /// Whether cursors are given.
    pub fn feed_cursors(&self, cursors: Cursors) {
        self.scripted().feed.cursors = cursors;
    }

    /// How the pulls from now on end.
    pub fn feed_completeness(&self, completeness: Completeness) {
        self.scripted().feed.completeness = completeness;
    }

    /// Gives these batches, one after the other, in place of what is held; the pulls after them are honest again.
    pub fn feed_instead(&self, batches: impl IntoIterator<Item = Batch>) {
        self.scripted().feed.canned.extend(batches);
    }

    /// Forgets all cursors that were given.
    pub fn forget_cursors(&self) {
        self.scripted().feed.history.clear();
    }
}

#[async_trait]
impl SyncSource for ScriptedDirectory {
    async fn pull(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, DirectoryError> {
        let manner = self.begin(Call::Pull).await?;
        let mut scripted = self.scripted();
        let population = scripted.population.clone();
        let feed = &mut scripted.feed;
        if let Some(batch) = feed.canned.pop_front() {
            return Ok(batch);
        }
        if matches!(manner, Manner::Lying(_)) {
            // The worst lie of a source is that nobody is there any more.
            return Ok(Batch { items: Vec::new(), cursor: None, next: Next::End(Completeness::Proven) });
        }
        let at = match position {
            None => {
                let items = match pull {
                    Pull::Full => everything(&population, feed.page),
                    Pull::Since(cursor) => match feed.since(cursor) {
                        Some(former) => changes(former, &population),
                        None => return Ok(Batch { items: Vec::new(), cursor: None, next: Next::Expired }),
                    },
                };
                feed.open = cut(items, feed.page);
                feed.pulls += 1;
                0
            }
            Some(position) => feed.place(position)?,
        };
        let cursor = match (at, feed.cursors) {
            (0, Cursors::Given) => Some(feed.cursor(population)),
            _ => None,
        };
        let items = feed.open.get(at).cloned().unwrap_or_default();
        let next = if at + 1 < feed.open.len() {
            Next::More(mark(format!("{}:{}", feed.pulls, at + 1), |text| Position::new(text).ok())?)
        } else {
            Next::End(feed.completeness.clone())
        };
        Ok(Batch { items, cursor, next })
    }
}

impl Feed {
    fn cursor(&mut self, population: Population) -> Cursor {
        self.history.push(population);
        let text = format!("scripted:{}", self.history.len());
        Cursor::new(text).expect("a number is a cursor")
    }

    fn since(&self, cursor: &Cursor) -> Option<&Population> {
        let number: usize = cursor.as_str().strip_prefix("scripted:")?.parse().ok()?;
        self.history.get(number.checked_sub(1)?)
    }

    /// The batch that a position names, in the pull that is read now and no other.
    fn place(&self, position: &Position) -> Result<usize, DirectoryError> {
        let forgotten = || DirectoryError::new(Fault::Unavailable, "position");
        let (pull, batch) = position.as_str().split_once(':').ok_or_else(forgotten)?;
        let same = pull.parse() == Ok(self.pulls);
        let batch: usize = batch.parse().map_err(|_| forgotten())?;
        if same && batch < self.open.len() { Ok(batch) } else { Err(forgotten()) }
    }
}

fn mark<T>(text: String, make: impl Fn(String) -> Option<T>) -> Result<T, DirectoryError> {
    make(text).ok_or_else(|| DirectoryError::new(Fault::Broken, "position"))
}

/// Cuts items into batches, of which there is at least one.
fn cut(items: Vec<Item>, page: usize) -> Vec<Vec<Item>> {
    let mut batches = vec![Vec::new()];
    let mut size = 0;
    for item in items {
        let weight = match &item {
            Item::Members { members, .. } => members.len().max(1),
            _ => 1,
        };
        if size + weight > page && size > 0 {
            batches.push(Vec::new());
            size = 0;
        }
        size += weight;
        if let Some(batch) = batches.last_mut() {
            batch.push(item);
        }
    }
    batches
}

fn everything(population: &Population, page: usize) -> Vec<Item> {
    let users = population.users().cloned().map(Item::User);
    let groups = population.groups().cloned().map(stated);
    let mut items: Vec<Item> = users.chain(groups).collect();
    for group in population.groups() {
        let members = population.children(group.key());
        let mut parts: Vec<Vec<Member>> = members.chunks(page).map(<[Member]>::to_vec).collect();
        let last = parts.pop().unwrap_or_default();
        let item = |members, part| Item::Members { group: group.name.clone(), members, part };
        items.extend(parts.into_iter().map(|members| item(members, Part::More)));
        items.push(item(last, Part::Last));
    }
    items
}

fn stated(group: Group) -> Item {
    Item::Group(Group { origin: Origin::Imported, ..group })
}

/// What is different between two moments, as statements about the later one.
fn changes(former: &Population, now: &Population) -> Vec<Item> {
    let by_id = |population: &Population| -> BTreeMap<ExternalId, User> {
        population.users().map(|user| (user.external_id.clone(), user.clone())).collect()
    };
    let (former_users, users) = (by_id(former), by_id(now));
    let mut items = Vec::new();
    let differs = |user: &&User| {
        let before = former_users.get(&user.external_id);
        before.is_none_or(|before| before != *user || before.name.as_str() != user.name.as_str())
    };
    items.extend(users.values().filter(differs).cloned().map(Item::User));
    for group in now.groups() {
        if former.group(group.key()) != Some(group) {
            items.push(stated(group.clone()));
        }
    }
    let members = |population: &Population, group: &Key| population.children(group);
    for group in now.groups() {
        let (before, after) = (members(former, group.key()), members(now, group.key()));
        items.extend(
            after
                .iter()
                .filter(|member| !before.contains(member))
                .map(|member| Item::Joined(group.name.clone(), member.clone())),
        );
        items.extend(
            before
                .iter()
                .filter(|member| !after.contains(member))
                .map(|member| Item::Left(group.name.clone(), member.clone())),
        );
        // A namesake of a former member is another member, although the name says nothing of it.
        items.extend(after.iter().filter(|member| before.contains(member)).filter_map(
            |member| match member {
                Member::User(name)
                    if former.user(name.key()).map(|user| &user.external_id)
                        != now.user(name.key()).map(|user| &user.external_id) =>
                {
                    Some(Item::Joined(group.name.clone(), member.clone()))
                }
                Member::User(_) | Member::Group(_) => None,
            },
        ));
    }
    let gone = former_users.keys().filter(|id| !users.contains_key(*id));
    items.extend(gone.map(|id| Item::UserGone(Gone::Id(id.clone()))));
    let gone = former.groups().filter(|group| now.group(group.key()).is_none());
    items.extend(gone.map(|group| Item::GroupGone(group.name.clone())));
    items
}
