//! Who is in which group: closed over nesting inside each directory, combined by the plan's scheme.

use std::collections::{BTreeMap, BTreeSet};

use throng_core::directory::Directory;
use throng_core::group::{Group, Member};
use throng_core::id::DirectoryId;
use throng_core::member::{Closure, Limits};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::plan::{MembershipScheme, OnSilence, Purpose};
use throng_core::registry::Nesting;
use throng_core::resolve::{Answer, Occurrence, Resolved};
use throng_core::user::User;

use super::Application;
use super::search::Searched;
use crate::ask::{advance, hear};
use crate::config::InUse;
use crate::directory::{Mount, Via};
use crate::error::Error;

/// Whether only direct membership counts, or what nesting grants too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Direct membership only.
    Direct,
    /// Membership through groups in groups too, inside each directory (R275).
    Nested,
}

/// A group that somebody is in, and the way it came about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Membership {
    /// The group.
    pub group: GroupName,
    /// The directory in which the membership lies.
    pub directory: DirectoryId,
    /// From the group that directly holds the member to this one, both included.
    pub path: Vec<GroupName>,
}

/// Which way to follow nestings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Application {
    /// The groups of a user, in the order of their names, each once.
    ///
    /// 1. Canonical scheme: those of the user's own directory. Aggregated: the union over all that hold the name (R271,
    ///    R272).
    /// 2. [`Error::Unavailable`] when a directory that counts is silent, unless its seat passes silence: never a part
    ///    that looks like the whole.
    /// 3. [`Invalid::Limit`](crate::error::Invalid::Limit) beyond 64 levels or a million nestings (T26).
    pub async fn groups_of(&self, user: &Resolved<User>, depth: Depth) -> Result<Vec<Membership>, Error> {
        let app = self.in_use()?;
        let member = Member::User(user.value().name.clone());
        let directories = match app.plan.memberships() {
            MembershipScheme::Canonical => vec![user.directory()],
            // Silence of others takes nothing from the recovery administrator.
            MembershipScheme::Aggregated if app.recovery_at(user.directory()).is_some() => {
                vec![user.directory()]
            }
            MembershipScheme::Aggregated => self.directories_with_user(&app, &user.value().name).await?,
        };
        self.memberships(&app, &directories, &member, depth).await
    }

    /// The groups that a group is in, with the behaviours of [`Application::groups_of`]; the group itself is none of
    /// them (R405, R408).
    pub async fn groups_of_group(&self, group: &str, depth: Depth) -> Result<Vec<Membership>, Error> {
        let (app, name) = (self.in_use()?, GroupName::new(group)?);
        let directories = self.directories_with_group(&app, &name).await?;
        let directories = match app.plan.memberships() {
            MembershipScheme::Canonical => directories.into_iter().take(1).collect(),
            MembershipScheme::Aggregated => directories,
        };
        let mut memberships =
            self.memberships(&app, &directories, &Member::Group(name.clone()), depth).await?;
        memberships.retain(|membership| membership.group != name);
        Ok(memberships)
    }

    /// Whether a user is in a group.
    ///
    /// Answers as [`Application::groups_of`] would: what is true of one is true of the other.
    pub async fn is_member(&self, user: &Resolved<User>, group: &str, depth: Depth) -> Result<bool, Error> {
        let group = GroupName::new(group)?;
        let memberships = self.groups_of(user, depth).await?;
        Ok(memberships.iter().any(|membership| membership.group == group))
    }

    /// The users in a group, in the order of their names, each once.
    ///
    /// 1. Canonical scheme: in each directory that holds the group, those of its users who are canonical there.
    ///    Aggregated: the union over all directories (R271, R272).
    /// 2. `NotFound` when no directory holds the group.
    /// 3. Silence and limits as in [`Application::groups_of`].
    pub async fn members_of(
        &self,
        group: &str,
        depth: Depth,
        page: &PageRequest,
    ) -> Result<Page<Occurrence<User>>, Error> {
        let (app, name) = (self.in_use()?, GroupName::new(group)?);
        let directories = self.directories_with_group(&app, &name).await?;
        let (mut found, mut request) = (Vec::new(), page.clone());
        loop {
            let mut boundary: Option<Key> = None;
            let mut by_key: BTreeMap<Key, Vec<(usize, User)>> = BTreeMap::new();
            for &directory in &directories {
                let Some((rank, mount)) = seat(&app, directory) else {
                    continue;
                };
                let part = self.users_below(mount, directory, &name, depth, &request).await?;
                if let Some(next) = part.next {
                    boundary = Some(boundary.map_or(next.clone(), |boundary| boundary.min(next)));
                }
                for user in part.items {
                    by_key.entry(user.key().clone()).or_default().push((rank, user));
                }
            }
            if let Some(boundary) = &boundary {
                by_key.retain(|key, _| key <= boundary);
            }
            self.keep_canonical(&app, by_key, &mut found).await?;
            match boundary {
                Some(next) if found.len() <= page.limit() => request = advance(&request, next)?,
                _ => {
                    return Ok(Page::cut(found, page.limit(), |occurrence| occurrence.value.key()));
                }
            }
        }
    }

    /// The groups in a group, in the order of their names, each once; canonical ones only, where the scheme is
    /// canonical (R273).
    pub async fn groups_in(&self, group: &str, depth: Depth) -> Result<Vec<GroupName>, Error> {
        let (app, name) = (self.in_use()?, GroupName::new(group)?);
        let directories = self.directories_with_group(&app, &name).await?;
        // By name, with the first of the directories in which it was found.
        let mut found: BTreeMap<Key, (usize, GroupName)> = BTreeMap::new();
        for directory in directories {
            let Some((rank, mount)) = seat(&app, directory) else {
                continue;
            };
            for child in self.groups_below(mount, directory, &name, depth).await? {
                found.entry(child.key().clone()).or_insert((rank, child));
            }
        }
        found.remove(name.key());
        if app.plan.memberships() == MembershipScheme::Canonical {
            let canonical = self.canonical_ranks::<Group>(&app, found.values().cloned()).await?;
            found.retain(|key, (rank, _)| canonical.get(key) == Some(rank));
        }
        Ok(found.into_values().map(|(_, child)| child).collect())
    }

    /// The directories that hold a group of a name, in order; none when none does.
    pub async fn holders_of_group(&self, group: &str) -> Result<Vec<DirectoryId>, Error> {
        let (app, name) = (self.in_use()?, GroupName::new(group)?);
        match self.directories_with_group(&app, &name).await {
            Err(Error::NotFound { .. }) => Ok(vec![]),
            outcome => outcome,
        }
    }

    async fn memberships(
        &self,
        app: &InUse,
        directories: &[DirectoryId],
        member: &Member,
        depth: Depth,
    ) -> Result<Vec<Membership>, Error> {
        let mut union: BTreeMap<Key, Membership> = BTreeMap::new();
        for &directory in directories {
            let Some((_, mount)) = seat(app, directory) else {
                continue;
            };
            let closure = self.closure(mount, directory, member, Direction::Up, depth).await?;
            for reached in closure.groups() {
                let key = reached.group.key();
                union.entry(key.clone()).or_insert_with(|| Membership {
                    group: reached.group.clone(),
                    directory,
                    path: closure.path(key).into_iter().cloned().collect(),
                });
            }
        }
        Ok(union.into_values().collect())
    }

    /// The groups below a group, inside one directory.
    pub(super) async fn groups_inside(
        &self,
        mount: &Mount,
        directory: DirectoryId,
        group: &Member,
    ) -> Result<Closure, Error> {
        self.closure(mount, directory, group, Direction::Down, Depth::Nested).await
    }

    /// The groups above a member, inside one directory.
    pub(super) async fn memberships_in(
        &self,
        mount: &Mount,
        directory: DirectoryId,
        member: &Member,
    ) -> Result<Closure, Error> {
        self.closure(mount, directory, member, Direction::Up, Depth::Nested).await
    }

    async fn closure(
        &self,
        mount: &Mount,
        directory: DirectoryId,
        start: &Member,
        direction: Direction,
        depth: Depth,
    ) -> Result<Closure, Error> {
        let limits = Limits::default();
        let nests = mount.nesting() == Nesting::Allowed;
        if !nests && matches!(start, Member::Group(_)) {
            // Groups in groups count nowhere here, whatever is stored (R402).
            return Ok(Closure::from([], limits)?);
        }
        let nested = depth == Depth::Nested && nests;
        if mount.stored().is_some() {
            let store = &self.throng.0.store;
            // One more than is borne tells that there are too many.
            let nesting = match direction {
                Direction::Up => store.above(directory, start, limits.edges + 1).await?,
                Direction::Down => store.below(directory, start.key(), limits.edges + 1).await?,
            };
            let closure = Closure::from(nesting.direct, limits)?;
            return Ok(if nested { closure.follow(&nesting.edges)? } else { closure });
        }
        let live = live(mount, directory)?;
        let mut closure = Closure::from(self.neighbours(live, start, direction).await?, limits)?;
        while let Some(group) = closure.next_to_follow().filter(|_| nested) {
            let next = self.neighbours(live, &Member::Group(group.clone()), direction).await?;
            closure.hear(&group, next)?;
        }
        Ok(closure)
    }

    /// The groups one step away in a live directory.
    async fn neighbours(
        &self,
        live: &dyn Directory,
        member: &Member,
        direction: Direction,
    ) -> Result<Vec<GroupName>, Error> {
        let (deadline, id) = (self.throng.0.deadline, live.id());
        let (mut groups, mut request) = (Vec::new(), PageRequest::default());
        loop {
            let next = match (direction, member) {
                (Direction::Up, member) => {
                    let heard = hear(deadline, id, live.parents_of(member, &request)).await?;
                    let page = heard.or_unavailable(id)?;
                    groups.extend(page.items);
                    page.next
                }
                (Direction::Down, Member::Group(group)) => {
                    let heard = hear(deadline, id, live.children_of(group, &request)).await?;
                    let page = heard.or_unavailable(id)?;
                    groups.extend(page.items.into_iter().filter_map(|child| match child {
                        Member::Group(group) => Some(group),
                        Member::User(_) => None,
                    }));
                    page.next
                }
                (Direction::Down, Member::User(_)) => None,
            };
            match next {
                Some(next) => request = advance(&request, next)?,
                None => return Ok(groups),
            }
        }
    }

    async fn groups_below(
        &self,
        mount: &Mount,
        directory: DirectoryId,
        group: &GroupName,
        depth: Depth,
    ) -> Result<Vec<GroupName>, Error> {
        let start = Member::Group(group.clone());
        let closure = self.closure(mount, directory, &start, Direction::Down, depth).await?;
        Ok(closure.groups().map(|reached| reached.group.clone()).collect())
    }

    async fn users_below(
        &self,
        mount: &Mount,
        directory: DirectoryId,
        group: &GroupName,
        depth: Depth,
        page: &PageRequest,
    ) -> Result<Page<User>, Error> {
        let mut groups = vec![group.clone()];
        if depth == Depth::Nested {
            groups.extend(self.groups_below(mount, directory, group, depth).await?);
        }
        if mount.stored().is_some() {
            let keys: Vec<Key> = groups.iter().map(|group| group.key().clone()).collect();
            return Ok(self.throng.0.store.users_in(directory, &keys, page).await?);
        }
        let live = live(mount, directory)?;
        let mut users: BTreeMap<Key, User> = BTreeMap::new();
        for name in self.names_in(live, &groups, page).await? {
            let heard = self.live_user(live, &name).await?;
            if let Some(user) = heard.or_unavailable(directory)? {
                users.insert(user.key().clone(), user);
            }
            if users.len() > page.limit() {
                break;
            }
        }
        Ok(Page::cut(users.into_values().collect(), page.limit(), User::key))
    }

    /// The names of users directly in any of the groups of a live directory, after the start of a page, in order.
    async fn names_in(
        &self,
        live: &dyn Directory,
        groups: &[GroupName],
        page: &PageRequest,
    ) -> Result<BTreeSet<Username>, Error> {
        let mut names = BTreeSet::new();
        for group in groups {
            let mut request = page.clone();
            loop {
                let heard =
                    hear(self.throng.0.deadline, live.id(), live.children_of(group, &request)).await?;
                let part = heard.or_unavailable(live.id())?;
                names.extend(part.items.into_iter().filter_map(|child| match child {
                    Member::User(name) if page.reaches(name.key()) => Some(name),
                    Member::User(_) | Member::Group(_) => None,
                }));
                match part.next {
                    Some(next) => request = advance(&request, next)?,
                    None => break,
                }
            }
        }
        Ok(names)
    }

    async fn keep_canonical(
        &self,
        app: &InUse,
        members: BTreeMap<Key, Vec<(usize, User)>>,
        found: &mut Vec<Occurrence<User>>,
    ) -> Result<(), Error> {
        let canonical = match app.plan.memberships() {
            MembershipScheme::Aggregated => BTreeMap::new(),
            MembershipScheme::Canonical => {
                let first =
                    |users: &Vec<(usize, User)>| users.first().map(|(rank, user)| (*rank, user.name.clone()));
                self.canonical_ranks::<User>(app, members.values().filter_map(first)).await?
            }
        };
        for (key, users) in members {
            let counted = match app.plan.memberships() {
                MembershipScheme::Aggregated => users.into_iter().min_by_key(|(rank, _)| *rank),
                MembershipScheme::Canonical => {
                    users.into_iter().find(|(rank, _)| canonical.get(&key) == Some(rank))
                }
            };
            if let Some((rank, value)) = counted
                && let Some(seat) = app.plan.seats().get(rank)
            {
                found.push(Occurrence { directory: seat.directory, value });
            }
        }
        Ok(())
    }

    /// The rank of the canonical directory of each name, from the first in which it was found so far: those above it
    /// are asked, and for a name that was found in the first of all there is nobody to ask.
    async fn canonical_ranks<E: Searched>(
        &self,
        app: &InUse,
        found: impl Iterator<Item = (usize, E::Name)> + Send,
    ) -> Result<BTreeMap<Key, usize>, Error> {
        let (mut ranks, mut doubtful) = (BTreeMap::new(), Vec::new());
        for (rank, name) in found {
            ranks.insert(E::key_of(&name).clone(), rank);
            if rank > 0 {
                doubtful.push(name);
            }
        }
        let keys: Vec<Key> = doubtful.iter().map(|name| E::key_of(name).clone()).collect();
        for namesakes in E::namesakes(&*self.throng.0.store, &app.stored, &keys).await? {
            let held = namesakes.holders.iter().filter_map(|(directory, _)| app.plan.rank(*directory));
            if let Some(known) = ranks.get_mut(&namesakes.key) {
                *known = held.fold(*known, usize::min);
            }
        }
        if app.is_all_stored() {
            return Ok(ranks);
        }
        for name in &doubtful {
            let Some(known) = ranks.get_mut(E::key_of(name)) else { continue };
            for (rank, seat, mount) in app.seats().take_while(|(rank, ..)| *rank < *known) {
                if mount.stored().is_some() {
                    continue;
                }
                let answer = E::ask(self, app, seat.directory, name).await?;
                if counts(&answer, seat.policy.on_silence(Purpose::Authorise), seat.directory)? {
                    *known = rank;
                    break;
                }
            }
        }
        Ok(ranks)
    }

    /// All directories that hold a user of the name, in order.
    async fn directories_with_user(&self, app: &InUse, name: &Username) -> Result<Vec<DirectoryId>, Error> {
        let located = self.throng.0.store.locate(self.id, name.key()).await?;
        let mut holders = located.users.into_iter().map(|holder| (holder.directory, holder.user)).collect();
        let mut directories = Vec::new();
        for seat in app.plan.seats() {
            let answer = self.ask_user(app, seat.directory, name, &mut holders).await?;
            if counts(&answer, seat.policy.on_silence(Purpose::Authorise), seat.directory)? {
                directories.push(seat.directory);
            }
        }
        Ok(directories)
    }

    /// All directories that hold a group of the name, in order; `NotFound` when none does.
    async fn directories_with_group(&self, app: &InUse, name: &GroupName) -> Result<Vec<DirectoryId>, Error> {
        let mut holders = self.throng.0.store.locate_groups(name.key()).await?;
        let mut directories = Vec::new();
        for seat in app.plan.seats() {
            let answer = self.ask_group(app, seat.directory, name, &mut holders).await?;
            if counts(&answer, seat.policy.on_silence(Purpose::Authorise), seat.directory)? {
                directories.push(seat.directory);
            }
        }
        if directories.is_empty() { Err(Error::not_found("group")) } else { Ok(directories) }
    }
}

/// Whether a directory holds what was asked for; an error when it is silent and its seat does not pass that.
fn counts<T>(answer: &Answer<T>, on_silence: OnSilence, directory: DirectoryId) -> Result<bool, Error> {
    match answer {
        Answer::Holds(_) => Ok(true),
        Answer::Lacks | Answer::Refuses(_) => Ok(false),
        Answer::Silent(_) if on_silence == OnSilence::Pass => Ok(false),
        Answer::Silent(_) => Err(Error::silent(directory)),
    }
}

fn seat(app: &InUse, directory: DirectoryId) -> Option<(usize, &Mount)> {
    let rank = app.plan.rank(directory)?;
    Some((rank, app.mounts.get(rank)?))
}

fn live(mount: &Mount, directory: DirectoryId) -> Result<&dyn Directory, Error> {
    match &mount.via {
        Via::Live(live) => Ok(&**live),
        Via::Internal(_) | Via::Delegated(_) | Via::Mirrored(_) | Via::Detached => {
            Err(Error::silent(directory))
        }
    }
}
