//! An incremental round: what the source states as changed is applied, whatever of it is applied already.

use std::collections::{BTreeMap, HashMap};

use throng_core::group::{Group, Member, Origin};
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Key};
use throng_core::sync::{
    Completeness, Cursor, FullBecause, Gone, Imprint, Item, Mark, Next, Phase, Pull, SyncSource,
    guard_members,
};
use throng_core::user::User;

use super::full::Comparison;
use super::index::{Beginning, KnownGroup, KnownUser, Stated, count};
use super::puller::Puller;
use super::round::{Halt, Read, Step, Work};

/// Most changes of one round: beyond, reading everything costs less than telling what is left of them (T69).
const MOST_CHANGES: usize = 100_000;
/// Fewer removals than this from one group are never most of a group that is large enough to be doubted.
const FEW_LEAVING: usize = 25;

/// What a pull states of an account.
#[derive(Debug)]
enum Fate {
    Stated(User),
    /// It is gone, and there again under the same id: another account (T05).
    Anew(User),
    Gone,
    /// Its name was given up, by it or by somebody before it.
    NameGone,
}

/// What a pull states of a group.
#[derive(Debug)]
enum GroupFate {
    Stated(Group),
    Gone,
}

/// Where a pull states a member to be and not to be.
#[derive(Debug, Default)]
struct Memberships {
    /// In these and no others, if that was stated.
    exactly: Option<BTreeMap<Key, GroupName>>,
    joined: BTreeMap<Key, GroupName>,
    left: BTreeMap<Key, GroupName>,
}

/// What a pull states, the last word about each thing.
#[derive(Debug, Default)]
struct Changes {
    order: Vec<ExternalId>,
    users: HashMap<ExternalId, Fate>,
    /// Who was stated under a name.
    names: HashMap<Key, ExternalId>,
    groups: BTreeMap<Key, GroupFate>,
    members: BTreeMap<Member, Memberships>,
}

impl Work<'_> {
    /// Reads what changed since a cursor.
    ///
    /// [`Halt::Full`] when the source cannot tell, or states something that contradicts the mirror (CWD-2714,
    /// CWD-3188).
    pub(super) async fn read_changes(
        &mut self,
        source: &dyn SyncSource,
        cursor: &Cursor,
        beginning: Beginning,
    ) -> Step<Read> {
        self.enter(Phase::Changes).await?;
        let stop = self.stop().clone();
        let puller = Puller { source, pull: Pull::Since(cursor), stop: &stop };
        let (mut items, mut position) = (Vec::new(), None);
        let mut next_cursor = None;
        loop {
            self.go_on().await?;
            let batch = self.waiting_for(puller.next(position.as_ref())).await?;
            next_cursor = batch.cursor.or(next_cursor);
            items.extend(batch.items);
            if items.len() > MOST_CHANGES {
                return Err(Halt::Full(FullBecause::Expired));
            }
            match batch.next {
                Next::More(next) => position = Some(next),
                Next::End(Completeness::Proven) => break,
                Next::End(Completeness::Unproven(_)) | Next::Expired => {
                    return Err(Halt::Full(FullBecause::Expired));
                }
            }
        }
        let cursor = next_cursor.or(self.mirror.state.cursor.clone());
        let mut comparison = Comparison { beginning, ..Comparison::default() };
        let changes = self.last_words(&mut comparison, items).await?;
        self.apply_changes(comparison, changes, cursor).await
    }

    /// Goes through what was stated in its order and keeps the last word about each thing.
    async fn last_words(&mut self, comparison: &mut Comparison, items: Vec<Item>) -> Step<Changes> {
        let gone: Vec<Key> = items
            .iter()
            .filter_map(|item| match item {
                Item::UserGone(Gone::Name(name)) => Some(name.key().clone()),
                _ => None,
            })
            .collect();
        let mut holders: HashMap<Key, ExternalId> = HashMap::new();
        for part in gone.chunks(1_000) {
            for namesakes in self.records.store.namesakes(&[self.directory()], part).await? {
                let holder = namesakes.holders.into_iter().next();
                holders.extend(holder.map(|(_, user)| (namesakes.key, user.external_id)));
            }
        }
        let mut changes = Changes::default();
        for item in items {
            match item {
                Item::User(user) => {
                    changes.names.insert(user.key().clone(), user.external_id.clone());
                    let fate = match changes.users.get(&user.external_id) {
                        // Ids other than names are given once: the name went from somebody else, which was told before
                        // or was read already.
                        Some(Fate::NameGone) if !user.external_id.is_of_name() => Fate::Stated,
                        Some(Fate::Gone | Fate::NameGone | Fate::Anew(_)) => Fate::Anew,
                        Some(Fate::Stated(_)) | None => Fate::Stated,
                    };
                    changes.user(user.external_id.clone(), fate(user));
                }
                Item::UserGone(Gone::Id(id)) => {
                    if let Some(Fate::Stated(user) | Fate::Anew(user)) = changes.users.get(&id) {
                        changes.names.remove(user.key());
                        changes.members.remove(&Member::User(user.name.clone()));
                    }
                    changes.user(id, Fate::Gone);
                }
                Item::UserGone(Gone::Name(name)) => {
                    let stated = changes.names.remove(name.key());
                    let id = stated.or_else(|| {
                        // Whoever had the name here may have been stated under another since.
                        let holder = holders.get(name.key())?;
                        (!changes.users.contains_key(holder)).then(|| holder.clone())
                    });
                    if let Some(id) = id {
                        changes.user(id, Fate::NameGone);
                    }
                    changes.members.remove(&Member::User(name));
                }
                Item::Group(group) => {
                    let fate = changes.groups.insert(group.key().clone(), GroupFate::Stated(group));
                    if matches!(fate, Some(GroupFate::Gone)) {
                        // Made anew: who is in it now is for a full round to say, and what it loses to be doubted.
                        return Err(Halt::Full(FullBecause::Ambiguous));
                    }
                }
                Item::GroupGone(name) => {
                    changes.groups.insert(name.key().clone(), GroupFate::Gone);
                    changes.members.remove(&Member::Group(name));
                }
                Item::Joined(group, member) => {
                    let memberships = changes.members.entry(member).or_default();
                    memberships.left.remove(group.key());
                    memberships.joined.insert(group.key().clone(), group);
                }
                Item::Left(group, member) => {
                    let memberships = changes.members.entry(member).or_default();
                    memberships.joined.remove(group.key());
                    memberships.left.insert(group.key().clone(), group);
                }
                Item::MemberOf(member, groups) => {
                    let exactly = groups.into_iter().map(|group| (group.key().clone(), group)).collect();
                    let memberships = Memberships { exactly: Some(exactly), ..Memberships::default() };
                    changes.members.insert(member, memberships);
                }
                Item::Unreadable(entry) => self.take_unreadable(comparison, &entry).await?,
                Item::Members { .. } => return Err(Halt::Full(FullBecause::Impossible)),
            }
        }
        Ok(changes)
    }

    async fn apply_changes(
        &mut self,
        mut comparison: Comparison,
        changes: Changes,
        cursor: Option<Cursor>,
    ) -> Step<Read> {
        let Changes { order, mut users, groups, members, .. } = changes;
        let mut gone = Vec::new();
        for part in order.chunks(1_000) {
            for kept in self.records.store.users_by_id(self.directory(), part).await? {
                match users.get(&kept.external_id) {
                    Some(Fate::Gone | Fate::NameGone) => gone.push(kept.external_id.clone()),
                    Some(Fate::Anew(_)) => {
                        // Nothing is known of the one that is there now: it waits until the former one is deleted.
                        gone.push(kept.external_id.clone());
                        continue;
                    }
                    Some(Fate::Stated(_)) | None => {}
                }
                let known = KnownUser { mark: Mark::of_user(&kept), stated: Stated::No };
                comparison.index.users.insert(Imprint::of_id(&kept.external_id), known);
            }
        }
        comparison.gone = Some(gone);
        for id in order {
            if let Some(Fate::Stated(user) | Fate::Anew(user)) = users.remove(&id) {
                self.take_user(&mut comparison, user).await?;
            }
        }
        self.write_users(&mut comparison).await?;
        self.give_names(&mut comparison).await?;
        self.take_groups(&mut comparison, groups).await?;
        let outcome = self.delete(&mut comparison).await?;
        self.give_names(&mut comparison).await?;
        if self.round.held.is_none() && !comparison.waiting.is_empty() {
            // At the source nobody else has the name, so that its holder here is gone or called otherwise, which was
            // not stated.
            return Err(Halt::Full(FullBecause::Ambiguous));
        }
        self.settle(&mut comparison).await?;
        self.take_memberships(&mut comparison, members).await?;
        self.write_members(&mut comparison).await?;
        Ok(self.read(&comparison, outcome, cursor))
    }

    async fn take_groups(
        &mut self,
        comparison: &mut Comparison,
        groups: BTreeMap<Key, GroupFate>,
    ) -> Step<()> {
        for (key, fate) in groups {
            let kept = self.records.store.locate_groups(&key).await?;
            let kept = kept.into_iter().find(|(at, _)| *at == self.directory()).map(|(_, group)| group);
            if let Some(kept) = kept {
                let known = KnownGroup {
                    mark: Mark::of_group(&kept),
                    origin: kept.origin,
                    name: kept.name,
                    members: None,
                    stated: Stated::No,
                };
                comparison.index.groups.insert(key, known);
            }
            match fate {
                GroupFate::Stated(group) => self.take_group(comparison, group).await?,
                GroupFate::Gone => {}
            }
        }
        self.write_groups(comparison).await
    }

    /// Compares where members are stated to be with where they are.
    async fn take_memberships(
        &mut self,
        comparison: &mut Comparison,
        members: BTreeMap<Member, Memberships>,
    ) -> Step<()> {
        let mut groups: HashMap<Key, Option<Group>> = HashMap::new();
        let mut leaving: BTreeMap<Key, Vec<Member>> = BTreeMap::new();
        for (member, stated) in members {
            self.go_on().await?;
            if self.is_held(comparison, &member).await? {
                continue;
            }
            let Some(member) = self.kept_member(&member).await? else {
                let joins =
                    !stated.joined.is_empty() || stated.exactly.is_some_and(|groups| !groups.is_empty());
                let waits = comparison.waiting.iter().any(|waiting| waiting.user().key() == member.key());
                if joins && !waits {
                    return Err(Halt::Full(FullBecause::Impossible));
                }
                continue;
            };
            let parents = self.records.all_parents(&member).await?;
            let is_in = |key: &Key| parents.iter().any(|parent| parent.key() == key);
            let mut joins: Vec<GroupName> = Vec::new();
            let mut leaves: Vec<GroupName> = Vec::new();
            if let Some(exactly) = &stated.exactly {
                joins.extend(exactly.values().filter(|group| !is_in(group.key())).cloned());
                let others = parents.iter().filter(|parent| {
                    !exactly.contains_key(parent.key()) && !stated.joined.contains_key(parent.key())
                });
                leaves.extend(others.cloned());
            }
            joins.extend(stated.joined.values().filter(|group| !is_in(group.key())).cloned());
            joins.retain(|group| !stated.left.contains_key(group.key()));
            leaves.extend(stated.left.values().filter(|group| is_in(group.key())).cloned());
            for group in joins {
                let Some(kept) = self.kept_group(&mut groups, &group).await? else {
                    // A group that is gone by now was joined before.
                    if comparison.index.groups.contains_key(group.key()) {
                        continue;
                    }
                    return Err(Halt::Full(FullBecause::Impossible));
                };
                let itself = matches!(&member, Member::Group(name) if *name == kept.name);
                if kept.origin == Origin::Imported && !itself {
                    comparison.members.join(self.joining(&kept.name, member.clone()));
                }
            }
            for group in leaves {
                if let Some(kept) = self.kept_group(&mut groups, &group).await?
                    && kept.origin == Origin::Imported
                {
                    leaving.entry(kept.name.key().clone()).or_default().push(member.clone());
                    comparison.members.leave(self.leaving(&kept.name, member.clone()));
                }
            }
        }
        for (group, members) in leaving {
            if members.len() > FEW_LEAVING {
                let kept = count(self.count_members(&group).await?);
                // Only a full round can say what the group is like now, and hold what it would lose.
                guard_members(kept, count(members.len())).map_err(|_| Halt::Full(FullBecause::Held))?;
            }
        }
        Ok(())
    }

    /// Whether somebody is gone from the source and kept here until that is approved, with all memberships.
    async fn is_held(&self, comparison: &Comparison, member: &Member) -> Step<bool> {
        if self.round.held.is_none() {
            return Ok(false);
        }
        match member {
            Member::User(name) => {
                let user = self.records.store.user(self.directory(), name.key()).await?;
                Ok(user.is_some_and(|user| comparison.is_gone(&user.external_id)))
            }
            Member::Group(name) => Ok(comparison.index.groups_gone().any(|gone| gone == name)),
        }
    }

    /// A member as the mirror has it.
    async fn kept_member(&self, member: &Member) -> Step<Option<Member>> {
        let store = &self.records.store;
        Ok(match member {
            Member::User(name) => {
                store.user(self.directory(), name.key()).await?.map(|user| Member::User(user.name))
            }
            Member::Group(name) => {
                self.records.kept_group(name).await?.map(|group| Member::Group(group.name))
            }
        })
    }

    async fn kept_group(
        &self,
        known: &mut HashMap<Key, Option<Group>>,
        name: &GroupName,
    ) -> Step<Option<Group>> {
        if let Some(found) = known.get(name.key()) {
            return Ok(found.clone());
        }
        let found = self.records.kept_group(name).await?;
        known.insert(name.key().clone(), found.clone());
        Ok(found)
    }

    async fn count_members(&self, group: &Key) -> Step<usize> {
        let (mut members, mut request) = (0, throng_core::page::PageRequest::default());
        loop {
            let page = self.records.store.children(self.directory(), group, &request).await?;
            members += page.items.len();
            match page.next {
                Some(next) => request = request.after(next),
                None => return Ok(members),
            }
        }
    }
}

impl Changes {
    fn user(&mut self, id: ExternalId, fate: Fate) {
        if self.users.insert(id.clone(), fate).is_none() {
            self.order.push(id);
        }
    }
}
