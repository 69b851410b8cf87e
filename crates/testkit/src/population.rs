//! The users, groups and direct memberships of one directory, which the memory store and the scripted
//! directory share.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use throng_core::attribute::Attributes;
use throng_core::change::OnCycle;
use throng_core::directory::{GroupPatch, UserPatch};
use throng_core::error::Fault;
use throng_core::group::{Group, Member};
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::store::Nesting;
use throng_core::user::User;

/// Everybody and everything in one directory, by key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Population {
    users: BTreeMap<Key, User>,
    groups: BTreeMap<Key, Group>,
    members: BTreeMap<Key, BTreeSet<Part>>,
}

/// A member by key, so that a change of spelling touches no membership. A user sorts before a group of the
/// same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    key: Key,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    User,
    Group,
}

impl Part {
    pub(crate) fn of(member: &Member) -> Self {
        let kind = match member {
            Member::User(_) => Kind::User,
            Member::Group(_) => Kind::Group,
        };
        Self { key: member.key().clone(), kind }
    }

    pub(crate) fn user(key: &Key) -> Self {
        Self { key: key.clone(), kind: Kind::User }
    }

    fn group(key: &Key) -> Self {
        Self { key: key.clone(), kind: Kind::Group }
    }
}

/// Reading.
impl Population {
    pub(crate) fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    pub(crate) fn user(&self, key: &Key) -> Option<&User> {
        self.users.get(key)
    }

    pub(crate) fn user_by_id(&self, id: &ExternalId) -> Option<&User> {
        self.users.values().find(|user| user.external_id == *id)
    }

    pub(crate) fn group(&self, key: &Key) -> Option<&Group> {
        self.groups.get(key)
    }

    /// The groups that directly hold a member, in the order of keys.
    pub(crate) fn parents(&self, part: &Part) -> Vec<GroupName> {
        let holds = |group: &&Group| self.members.get(group.key()).is_some_and(|parts| parts.contains(part));
        self.groups().filter(holds).map(|group| group.name.clone()).collect()
    }

    /// The direct members of a group in the order of keys, as they are spelled now.
    pub(crate) fn children(&self, group: &Key) -> Vec<Member> {
        self.parts(group).filter_map(|part| self.spelled(part)).collect()
    }

    /// A page of the direct members of a group; it never parts a user from a group of the same key.
    pub(crate) fn children_page(&self, group: &Key, page: &PageRequest) -> Page<Member> {
        let mut items = self.children(group);
        items.retain(|member| page.reaches(member.key()));
        let mut length = page.limit().min(items.len());
        if length < items.len() && items[length].key() == items[length - 1].key() {
            length += 1;
        }
        Page::cut(items, length, Member::key)
    }

    /// All nestings above a member, with at most `limit` edges.
    pub(crate) fn above(&self, part: &Part, limit: usize) -> Nesting {
        nesting(self.parents(part), limit, |group| self.parents(&Part::group(group)))
    }

    /// All nestings below a group, with at most `limit` edges.
    pub(crate) fn below(&self, group: &Key, limit: usize) -> Nesting {
        nesting(self.groups_in(group), limit, |group| self.groups_in(group))
    }

    fn parts(&self, group: &Key) -> impl Iterator<Item = &Part> {
        self.members.get(group).into_iter().flatten()
    }

    fn spelled(&self, part: &Part) -> Option<Member> {
        match part.kind {
            Kind::User => self.user(&part.key).map(|user| Member::User(user.name.clone())),
            Kind::Group => self.group(&part.key).map(|group| Member::Group(group.name.clone())),
        }
    }

    fn groups_in(&self, group: &Key) -> Vec<GroupName> {
        self.children(group)
            .into_iter()
            .filter_map(|member| match member {
                Member::User(_) => None,
                Member::Group(name) => Some(name),
            })
            .collect()
    }
}

/// Writing: each method checks first and changes nothing when it fails.
impl Population {
    pub(crate) fn add_user(&mut self, user: User) -> Result<(), Fault> {
        if self.users.contains_key(user.key()) || self.user_by_id(&user.external_id).is_some() {
            return Err(Fault::Conflict);
        }
        self.users.insert(user.key().clone(), user);
        Ok(())
    }

    pub(crate) fn update_user(&mut self, id: &ExternalId, patch: &UserPatch) -> Result<(), Fault> {
        let user = self.user_mut(id)?;
        let attributes = patched(&user.attributes, &patch.attributes)?;
        user.attributes = attributes;
        if let Some(profile) = &patch.profile {
            user.profile = profile.clone();
        }
        if let Some(active) = patch.active {
            user.active = active;
        }
        Ok(())
    }

    /// Renames a user and returns the former name.
    pub(crate) fn rename_user(&mut self, id: &ExternalId, name: &Username) -> Result<Username, Fault> {
        let former = self.user_by_id(id).ok_or(Fault::Missing)?.name.clone();
        if former != *name && self.users.contains_key(name.key()) {
            return Err(Fault::Conflict);
        }
        if let Some(mut user) = self.users.remove(former.key()) {
            user.name = name.clone();
            self.users.insert(name.key().clone(), user);
        }
        for parts in self.members.values_mut() {
            if parts.remove(&Part::user(former.key())) {
                parts.insert(Part::user(name.key()));
            }
        }
        Ok(former)
    }

    pub(crate) fn replace_external_id(&mut self, id: &ExternalId, to: &ExternalId) -> Result<(), Fault> {
        if id != to && self.user_by_id(to).is_some() {
            return Err(Fault::Conflict);
        }
        self.user_mut(id)?.external_id = to.clone();
        Ok(())
    }

    pub(crate) fn remove_user(&mut self, id: &ExternalId) -> Result<User, Fault> {
        let key = self.user_by_id(id).ok_or(Fault::Missing)?.key().clone();
        let user = self.users.remove(&key).ok_or(Fault::Missing)?;
        self.leave_all(&Part::user(&key));
        Ok(user)
    }

    pub(crate) fn add_group(&mut self, group: Group) -> Result<(), Fault> {
        let id_taken = self.groups().any(|other| other.external_id == group.external_id);
        if id_taken || self.groups.contains_key(group.key()) {
            return Err(Fault::Conflict);
        }
        self.groups.insert(group.key().clone(), group);
        Ok(())
    }

    pub(crate) fn update_group(&mut self, key: &Key, patch: &GroupPatch) -> Result<(), Fault> {
        let group = self.groups.get_mut(key).ok_or(Fault::Missing)?;
        group.attributes = patched(&group.attributes, &patch.attributes)?;
        if let Some(description) = &patch.description {
            group.description.clone_from(description);
        }
        Ok(())
    }

    pub(crate) fn remove_group(&mut self, key: &Key) -> Result<(), Fault> {
        self.groups.remove(key).ok_or(Fault::Missing)?;
        self.members.remove(key);
        self.leave_all(&Part::group(key));
        Ok(())
    }

    pub(crate) fn add_member(&mut self, group: &Key, member: &Member, cycle: OnCycle) -> Result<(), Fault> {
        let part = Part::of(member);
        if self.group(group).is_none() || self.spelled(&part).is_none() {
            return Err(Fault::Missing);
        }
        let closes = part.kind == Kind::Group && self.leads(&part.key, group);
        if closes && cycle == OnCycle::Refuse {
            return Err(Fault::Conflict);
        }
        if self.members.entry(group.clone()).or_default().insert(part) {
            Ok(())
        } else {
            Err(Fault::Conflict)
        }
    }

    pub(crate) fn remove_member(&mut self, group: &Key, member: &Member) -> Result<(), Fault> {
        let parts = self.members.get_mut(group).ok_or(Fault::Missing)?;
        if parts.remove(&Part::of(member)) { Ok(()) } else { Err(Fault::Missing) }
    }

    fn user_mut(&mut self, id: &ExternalId) -> Result<&mut User, Fault> {
        self.users.values_mut().find(|user| user.external_id == *id).ok_or(Fault::Missing)
    }

    fn leave_all(&mut self, part: &Part) {
        for parts in self.members.values_mut() {
            parts.remove(part);
        }
    }

    /// Whether `to` is `from` or below it.
    fn leads(&self, from: &Key, to: &Key) -> bool {
        let below = self.below(from, usize::MAX);
        let reached = below.direct.iter().chain(below.edges.iter().map(|(_, group)| group));
        from == to || reached.into_iter().any(|group| group.key() == to)
    }
}

/// Cuts a page from items in the order of keys.
pub(crate) fn page_of<T>(
    items: impl Iterator<Item = T>,
    page: &PageRequest,
    key: impl Fn(&T) -> &Key,
) -> Page<T> {
    let items = items.filter(|item| page.reaches(key(item))).take(page.limit() + 1).collect();
    Page::cut(items, page.limit(), key)
}

fn nesting(direct: Vec<GroupName>, limit: usize, next: impl Fn(&Key) -> Vec<GroupName>) -> Nesting {
    let mut reached: BTreeSet<Key> = direct.iter().map(|group| group.key().clone()).collect();
    let mut frontier: VecDeque<GroupName> = direct.iter().cloned().collect();
    let mut edges = Vec::new();
    while let Some(from) = frontier.pop_front() {
        for to in next(from.key()) {
            if edges.len() >= limit {
                return Nesting { direct, edges };
            }
            if reached.insert(to.key().clone()) {
                frontier.push_back(to.clone());
            }
            edges.push((from.clone(), to));
        }
    }
    Nesting { direct, edges }
}

fn patched(attributes: &Attributes, patch: &[(String, Vec<String>)]) -> Result<Attributes, Fault> {
    let mut attributes = attributes.clone();
    for (name, values) in patch {
        attributes.set(name.clone(), values.clone()).map_err(|_| Fault::Invalid)?;
    }
    Ok(attributes)
}
