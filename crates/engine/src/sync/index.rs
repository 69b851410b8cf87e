//! What a round remembers of the mirror: a few bytes for each user, and the groups by name.

use std::collections::{BTreeMap, HashMap, HashSet};

use throng_core::error::StoreError;
use throng_core::group::Origin;
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Key};
use throng_core::store::Store;
use throng_core::sync::{Counts, Imprint, Mark};

/// How many marks are read at once.
const PAGE: usize = 10_000;

/// The mirror as it was when the round began, and what was stated of it since.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) users: HashMap<Imprint, KnownUser>,
    pub(super) groups: BTreeMap<Key, KnownGroup>,
    /// The users, by key, who are in the mirror and were stated under the name that they have there.
    pub(super) names: HashSet<Imprint>,
}

/// A user of the mirror.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownUser {
    pub(super) mark: Mark,
    pub(super) stated: Stated,
}

/// Whether and how something was stated in this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stated {
    /// Not yet: if a proven pull ends so, it is gone.
    No,
    /// It was, and was there.
    Known,
    /// It was, and this round makes it.
    New,
    /// It could not be read, and stays as it is.
    Unreadable,
}

/// A group of the mirror.
#[derive(Debug, Clone)]
pub(super) struct KnownGroup {
    pub(super) name: GroupName,
    pub(super) origin: Origin,
    pub(super) mark: Mark,
    pub(super) members: Option<Mark>,
    pub(super) stated: Stated,
}

impl Index {
    /// Reads the marks of a mirror.
    pub(super) async fn load(store: &dyn Store, directory: DirectoryId) -> Result<Self, StoreError> {
        let mut index = Self::default();
        let mut after = None;
        loop {
            let page = store.user_marks(directory, after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let whole = page.len() >= PAGE;
            for (id, mark) in page {
                index.users.insert(Imprint::of_id(&id), KnownUser { mark, stated: Stated::No });
            }
            if !whole {
                break;
            }
        }
        let mut after: Option<Key> = None;
        loop {
            let page = store.group_marks(directory, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.key().clone());
            let whole = page.len() >= PAGE;
            for marks in page {
                let group = KnownGroup {
                    origin: marks.origin,
                    mark: marks.mark,
                    members: marks.members,
                    stated: Stated::No,
                    name: marks.name,
                };
                index.groups.insert(group.name.key().clone(), group);
            }
            if !whole {
                break;
            }
        }
        Ok(index)
    }

    /// How many users and groups of the source are in it.
    pub(super) fn size(&self) -> Size {
        let groups = self.groups.values().filter(|group| group.origin == Origin::Imported);
        Size { users: count(self.users.len()), groups: count(groups.count()) }
    }

    /// How many users were not stated.
    pub(super) fn users_gone(&self) -> u64 {
        count(self.users.values().filter(|user| user.stated == Stated::No).count())
    }

    /// The groups of the source that were not stated.
    pub(super) fn groups_gone(&self) -> impl Iterator<Item = &GroupName> {
        let gone = |group: &&KnownGroup| group.origin == Origin::Imported && group.stated == Stated::No;
        self.groups.values().filter(gone).map(|group| &group.name)
    }
}

/// How many users and groups of the source a mirror has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    pub(super) users: u64,
    pub(super) groups: u64,
}

/// Where a part of a round began. A round has several where it goes on in full or catches up, and each finds what those
/// before it have written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beginning {
    pub(super) size: Size,
    /// What the round had counted by then.
    pub(super) counts: Counts,
}

impl Beginning {
    /// How large the mirror is by now.
    pub(super) fn size_at(&self, counts: &Counts) -> Size {
        let since = counts.since(&self.counts);
        let now = |before: u64, added: u64, removed: u64| (before + added).saturating_sub(removed);
        Size {
            users: now(self.size.users, since.users_added, since.users_removed),
            groups: now(self.size.groups, since.groups_added, since.groups_removed),
        }
    }
}

pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
