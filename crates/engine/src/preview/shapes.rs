//! What a proposal makes of applications, directories and names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use throng_core::claim::Claim;
use throng_core::group::Member;
use throng_core::id::{ApplicationId, DirectoryId, Subject};
use throng_core::name::{GroupName, Key, Username};
use throng_core::permission::Operation;
use throng_core::plan::{Access, AsOf, MembershipScheme, OnOwnershipChange, Plan, RenameScope, Seat};
use throng_core::preview::{Copies, GroupGraph, Occupant, PasswordSource, Proposal, Shape, Switched};
use throng_core::registry::{ApplicationRecord, DirectoryKind, DirectoryRecord, Nesting};
use throng_core::store::Namesakes;
use throng_core::time::Timestamp;
use throng_core::user::User;

use super::{ClaimChange, PolicyChange};
use crate::config::Config;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// What a proposal makes of everything that it concerns.
#[derive(Debug)]
pub(crate) struct Shapes {
    pub(super) config: Arc<Config>,
    pub(super) change: Change,
    applications: Vec<Shaped>,
    directories: BTreeSet<DirectoryId>,
    scope: Scope,
    at: Timestamp,
}

/// An application as it stands and would stand.
#[derive(Debug)]
pub(super) struct Shaped {
    pub(super) application: ApplicationId,
    pub(super) name: String,
    pub(super) administrators: Vec<GroupName>,
    /// Whether memberships of several directories combine in another way, or of others.
    merges_otherwise: bool,
    pub(super) before: Shape,
    pub(super) after: Shape,
}

/// What is changed.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// The plan of an application.
    Plan(Box<ApplicationRecord>),
    /// Whether a directory is in service.
    Directory(Box<DirectoryRecord>),
    /// A directory is removed; it is switched off first where it is on.
    RemoveDirectory(Box<DirectoryRecord>),
    /// Accounts are removed.
    Remove(Vec<(Subject, Username)>),
    /// An account is renamed.
    Rename {
        subject: Subject,
        from: Username,
        to: Username,
        /// The account as it stands.
        account: Box<Occupant>,
        /// Other directories that must not hold the new name.
        free_in: Vec<DirectoryId>,
    },
    /// An account may log in no more, or again.
    Activity { subject: Subject, state: Switched },
    /// A user is in a group no more.
    Leave { subject: Subject, name: Username, group: GroupName, number: u64 },
    /// A group is in another one no more, or is no more itself.
    Groups { directory: DirectoryId, group: GroupName, inside: Option<GroupName>, after: GroupGraph },
}

/// Which names a change concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All that anybody has.
    Everybody,
    /// These.
    Names(BTreeSet<Key>),
    /// None: it changes what an outage means.
    Nobody,
}

impl Shaped {
    /// Whether a name can mean anything else afterwards, told from who holds it alone; whoever must be known to say
    /// what, is added. `regrouped` is the directory whose groups change.
    pub(super) fn concerns(
        &self,
        holders: &[DirectoryId],
        regrouped: Option<DirectoryId>,
        needed: &mut Vec<DirectoryId>,
    ) -> bool {
        let (stands, will_stand) = (decider(&self.before, holders), decider(&self.after, holders));
        let is_meant_otherwise = match (stands, will_stand) {
            (Some(one), Some(other)) => one.directory != other.directory || one.access != other.access,
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        };
        let merges = self.merges();
        let is_regrouped = regrouped.is_some_and(|id| match merges {
            true => holders.contains(&id),
            false => stands.is_some_and(|seat| seat.directory == id),
        });
        // Memberships of one directory combine with none.
        let is_merged_otherwise = holders.len() > 1 && self.merges_otherwise;
        if !is_meant_otherwise && !is_regrouped && !is_merged_otherwise {
            return false;
        }
        let mut need = |directory: DirectoryId| {
            if !needed.contains(&directory) {
                needed.push(directory);
            }
        };
        if merges {
            holders.iter().copied().for_each(&mut need);
        } else {
            [stands, will_stand].into_iter().flatten().for_each(|seat| need(seat.directory));
        }
        true
    }

    /// Whether memberships of several directories count.
    fn merges(&self) -> bool {
        let merges = |shape: &Shape| shape.plan.memberships() == MembershipScheme::Aggregated;
        merges(&self.before) || merges(&self.after)
    }

    fn of(application: ApplicationId, record: &ApplicationRecord, before: Shape, after: Shape) -> Self {
        let (name, administrators) = (record.name.to_string(), record.administrators.clone());
        let asked = |shape: &Shape| -> BTreeSet<DirectoryId> {
            shape.plan.seats().iter().map(|seat| seat.directory).collect()
        };
        let mut shaped = Self { application, name, administrators, merges_otherwise: false, before, after };
        // Under the aggregated scheme, who else is asked counts too.
        shaped.merges_otherwise = shaped.before.plan.memberships() != shaped.after.plan.memberships()
            || (shaped.merges() && asked(&shaped.before) != asked(&shaped.after));
        shaped
    }
}

/// The seat that decides about a name.
fn decider<'s>(shape: &'s Shape, holders: &[DirectoryId]) -> Option<&'s Seat> {
    shape.plan.seats().iter().find(|seat| holders.contains(&seat.directory))
}

impl Shapes {
    pub(super) async fn of(throng: &Throng, proposal: &Proposal) -> Result<Self, Error> {
        let config = throng.config_now();
        let (change, scope) = change(throng, &config, proposal).await?;
        let mut applications = Vec::new();
        for id in config.applications() {
            let Some(app) = config.in_use(id) else { continue };
            let record = &app.record;
            let after = match &change {
                Change::Plan(next) if next.id == id => shape(&config, next, &next.plan, |_| None),
                Change::Plan(_) => continue,
                Change::Directory(directory) | Change::RemoveDirectory(directory) => {
                    if record.plan.rank(directory.id).is_none() {
                        continue;
                    }
                    let is_on = directory.active && !matches!(change, Change::RemoveDirectory(_));
                    shape(&config, record, &record.plan, |other| (other == directory.id).then_some(is_on))
                }
                Change::Remove(_)
                | Change::Rename { .. }
                | Change::Activity { .. }
                | Change::Leave { .. }
                | Change::Groups { .. } => shape(&config, record, &record.plan, |_| None),
            };
            let before = shape(&config, record, &record.plan, |_| None);
            applications.push(Shaped::of(id, record, before, after));
        }
        let directories = applications
            .iter()
            .flat_map(|shaped| [&shaped.before, &shaped.after])
            .flat_map(|shape| shape.plan.seats().iter().map(|seat| seat.directory))
            .collect();
        let at = throng.0.clock.now();
        Ok(Self { config, change, applications, directories, scope, at })
    }

    pub(super) fn all(&self) -> &[Shaped] {
        &self.applications
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The directory whose groups change, with what they will be.
    pub(super) fn regrouped(&self) -> Option<(DirectoryId, &GroupGraph)> {
        match &self.change {
            Change::Groups { directory, after, .. } => Some((*directory, after)),
            _ => None,
        }
    }

    pub(super) fn directories(&self) -> impl Iterator<Item = DirectoryId> {
        self.directories.iter().copied()
    }

    /// Those whose records are kept here.
    pub(super) fn stored(&self) -> Vec<DirectoryId> {
        // A mirror that was never complete holds a part, and a part is not counted for the whole.
        let is_stored =
            |id: &DirectoryId| self.config.mount(*id).is_some_and(|mount| mount.stored().is_some());
        self.directories.iter().copied().filter(is_stored).collect()
    }

    /// What a preview stands on besides names: orders, schemes and policies as they are.
    pub(super) fn ground(&self) -> Vec<String> {
        let ground = |shaped: &Shaped| {
            let plan = &shaped.before.plan;
            // How old a copy is grows with the time, and changes nobody.
            let seat = |seat: &Seat| Seat { as_of: AsOf::Now, ..seat.clone() };
            format!(
                "{} {:?} {:?} {}",
                shaped.application,
                plan.seats().iter().map(seat).collect::<Vec<_>>(),
                plan.memberships(),
                shaped.before.is_open
            )
        };
        self.applications.iter().map(ground).collect()
    }

    /// Whether directories are concerned whose users are not kept here.
    pub(super) fn asks_others(&self) -> bool {
        self.directories.len() != self.stored().len()
    }

    pub(super) fn nesting(&self, directory: DirectoryId) -> Nesting {
        self.config.mount(directory).map_or(Nesting::Allowed, |mount| mount.nesting())
    }

    /// Who will have a name that these have now.
    pub(super) fn occupants_after(&self, namesakes: &Namesakes<Occupant>) -> Vec<(DirectoryId, Occupant)> {
        let mut after = namesakes.holders.clone();
        let is = |subject: &Subject, directory: DirectoryId, occupant: &Occupant| {
            (subject.directory, &subject.external_id) == (directory, &occupant.external_id)
        };
        match &self.change {
            Change::Remove(removed) => {
                after.retain(|(directory, occupant)| {
                    !removed.iter().any(|(subject, _)| is(subject, *directory, occupant))
                });
            }
            Change::Rename { subject, from, to, .. } if from.key() == to.key() => {
                for (directory, occupant) in &mut after {
                    if is(subject, *directory, occupant) {
                        occupant.name = to.clone();
                    }
                }
            }
            Change::Rename { subject, from, .. } if namesakes.key == *from.key() => {
                after.retain(|(directory, occupant)| !is(subject, *directory, occupant));
            }
            Change::Rename { subject, to, account, .. } if namesakes.key == *to.key() => {
                after.push((subject.directory, Occupant { name: to.clone(), ..(**account).clone() }));
            }
            Change::Activity { subject, state } => {
                for (directory, occupant) in &mut after {
                    if is(subject, *directory, occupant) {
                        occupant.active = *state == Switched::On;
                    }
                }
            }
            Change::Leave { subject, number, .. } => {
                for (directory, occupant) in &mut after {
                    if is(subject, *directory, occupant) {
                        occupant.groups.retain(|group| group != number);
                    }
                }
            }
            Change::Plan(_)
            | Change::Directory(_)
            | Change::RemoveDirectory(_)
            | Change::Rename { .. }
            | Change::Groups { .. } => {}
        }
        after
    }

    /// The claim on a name as it will stand.
    pub(super) async fn claim_after(
        &self,
        throng: &Throng,
        application: ApplicationId,
        key: &Key,
        before: Option<Claim>,
    ) -> Result<ClaimChange, Error> {
        let mut after = before.clone();
        match &self.change {
            Change::Remove(removed) => {
                if let Some(claim) = &mut after
                    && removed.iter().any(|(subject, _)| *subject == claim.subject)
                {
                    claim.tombstoned_at.get_or_insert(self.at);
                }
            }
            Change::Rename { subject, from, to, .. } if from.key() != to.key() => {
                let is_own = |claim: &Claim| claim.subject == *subject && claim.tombstoned_at.is_none();
                if key == from.key() {
                    after = after.filter(|claim| !is_own(claim));
                } else if after.is_none() {
                    let own = throng.0.store.claim(application, from.key()).await?;
                    after = own.filter(is_own).map(|claim| Claim { key: key.clone(), ..claim });
                }
            }
            Change::Plan(_)
            | Change::Directory(_)
            | Change::RemoveDirectory(_)
            | Change::Rename { .. }
            | Change::Activity { .. }
            | Change::Leave { .. }
            | Change::Groups { .. } => {}
        }
        Ok(ClaimChange { before, after })
    }

    /// What outages would mean.
    pub(super) fn policies(&self) -> Vec<PolicyChange> {
        let mut changes = Vec::new();
        for shaped in &self.applications {
            for seat in shaped.before.plan.seats() {
                let after = shaped.after.plan.seats().iter().find(|other| other.directory == seat.directory);
                if let Some(after) = after.filter(|after| after.policy != seat.policy) {
                    changes.push(PolicyChange {
                        application: shaped.name.clone(),
                        directory: seat.label.clone(),
                        before: seat.policy,
                        after: after.policy,
                    });
                }
            }
        }
        changes
    }
}

/// The plan with the directories in service, by what `state` says of them or else as they are.
fn shape(
    config: &Config,
    application: &ApplicationRecord,
    plan: &Plan,
    state: impl Fn(DirectoryId) -> Option<bool>,
) -> Shape {
    let mut passwords = BTreeMap::new();
    let plan = plan.filter_map_seats(|mut seat| {
        let mount = config.mount(seat.directory)?;
        if !state(seat.directory).unwrap_or(mount.record.active) {
            return None;
        }
        seat.label = mount.record.name.to_string();
        passwords.insert(seat.directory, PasswordSource::of(&mount.record.kind));
        Some(seat)
    });
    Shape { application: application.id, is_open: application.active, plan: Arc::new(plan), passwords }
}

/// What a proposal changes, and whom that can concern.
async fn change(throng: &Throng, config: &Config, proposal: &Proposal) -> Result<(Change, Scope), Error> {
    let application = |id: &ApplicationId| {
        let app = config.in_use(*id).ok_or_else(|| Error::not_found("application"))?;
        Ok::<_, Error>(app.record.clone())
    };
    let directory = |id: &DirectoryId| {
        let mount = config.mount(*id).ok_or_else(|| Error::not_found("directory"))?;
        Ok::<_, Error>((*mount.record).clone())
    };
    let planned = |record: ApplicationRecord, plan: Plan| {
        let plan = plan.with_version(record.plan.version() + 1);
        Change::Plan(Box::new(ApplicationRecord { plan, ..record }))
    };
    let seated = |record: &ApplicationRecord, id: DirectoryId, with: &dyn Fn(Seat) -> Seat| {
        record.plan.rank(id).ok_or_else(|| Error::not_found("directory of the application"))?;
        let change = |seat: Seat| if seat.directory == id { with(seat) } else { seat };
        Ok::<_, Error>(record.plan.filter_map_seats(|seat| Some(change(seat))))
    };
    Ok(match proposal {
        Proposal::Reorder { application: id, order } => {
            let record = application(id)?;
            let plan = record.plan.reorder(order)?;
            (planned(record, plan), Scope::Everybody)
        }
        Proposal::AddSeat { application: id, directory: added, at } => {
            let record = application(id)?;
            directory(added)?;
            let longer = record.plan.clone().seat(*added)?;
            let mut order: Vec<_> = record.plan.seats().iter().map(|seat| seat.directory).collect();
            order.insert((*at).min(order.len()), *added);
            let plan = longer.reorder(&order)?;
            (planned(record, plan), Scope::Everybody)
        }
        Proposal::RemoveSeat { application: id, directory: removed } => {
            let record = application(id)?;
            record.plan.rank(*removed).ok_or_else(|| Error::not_found("directory of the application"))?;
            let plan = record.plan.filter_map_seats(|seat| (seat.directory != *removed).then_some(seat));
            (planned(record, plan), Scope::Everybody)
        }
        Proposal::SwitchDirectory { directory: id, state } => {
            let record = DirectoryRecord { active: *state == Switched::On, ..directory(id)? };
            (Change::Directory(Box::new(record)), Scope::Everybody)
        }
        Proposal::RemoveDirectory { directory: id } => {
            throng.refuse_while_moves_need(*id).await?;
            (Change::RemoveDirectory(Box::new(directory(id)?)), Scope::Everybody)
        }
        Proposal::Memberships { application: id, scheme } => {
            let record = application(id)?;
            let plan = record.plan.clone().with_memberships(*scheme);
            (planned(record, plan), Scope::Everybody)
        }
        Proposal::Access { application: id, directory, access } => {
            let record = application(id)?;
            let plan = seated(&record, *directory, &|seat| Seat { access: Access::clone(access), ..seat })?;
            (planned(record, plan), Scope::Everybody)
        }
        Proposal::Policy { application: id, directory, policy } => {
            let record = application(id)?;
            let plan = seated(&record, *directory, &|seat| Seat { policy: *policy, ..seat })?;
            (planned(record, plan), Scope::Nobody)
        }
        Proposal::Plan { application: id, plan } => {
            let record = application(id)?;
            for seat in plan.seats() {
                directory(&seat.directory)?;
            }
            (planned(record, plan.clone()), Scope::Everybody)
        }
        Proposal::DeleteUser { subject, copies } => {
            let user = account(throng, config, subject, Operation::DeleteUser).await?;
            let mut removed = vec![(subject.clone(), user.name.clone())];
            if *copies == Copies::Removed {
                // Copies of others' users would be back with the next round.
                let own = config.directories();
                let own = own.iter().filter(|record| is_own(&record.kind));
                let all: Vec<DirectoryId> = own.map(|record| record.id).collect();
                for namesakes in throng.0.store.namesakes(&all, &[user.key().clone()]).await? {
                    for (directory, user) in namesakes.holders {
                        let copy = Subject { directory, external_id: user.external_id };
                        if copy != *subject {
                            removed.push((copy, user.name));
                        }
                    }
                }
            }
            (Change::Remove(removed), Scope::Names(BTreeSet::from([user.key().clone()])))
        }
        Proposal::RenameUser { subject, name } => {
            let to = Username::for_creation(name.as_str())?;
            let user = account(throng, config, subject, Operation::UpdateUser).await?;
            if to.key() != user.key() {
                let port = throng.open(subject.directory)?;
                if port.user(&to).await.map_err(Error::fault_of)?.is_some() {
                    return Err(Error::Conflict(Conflict::NameTaken));
                }
            }
            let names = BTreeSet::from([user.key().clone(), to.key().clone()]);
            let from = user.name.clone();
            let account = Box::new(occupant(throng, subject, &user).await?);
            let free_in = free_in(throng, config, subject, &to).await?;
            (Change::Rename { subject: subject.clone(), from, to, account, free_in }, Scope::Names(names))
        }
        Proposal::SwitchUser { subject, state } => {
            let user = account(throng, config, subject, Operation::UpdateUser).await?;
            let names = Scope::Names(BTreeSet::from([user.key().clone()]));
            (Change::Activity { subject: subject.clone(), state: *state }, names)
        }
        Proposal::LeaveGroup { directory: id, group, member } => {
            let graph = group_graph(throng, config, *id, Operation::UpdateGroup).await?;
            let holder = graph.number(group).ok_or_else(|| Error::not_found("group"))?;
            let not_a_member = || Error::not_found("membership");
            match member {
                Member::User(name) => {
                    let found = throng.0.store.occupants(&[(*id, name.key().clone())]).await?.pop().flatten();
                    let user = found.filter(|user| user.groups.contains(&holder)).ok_or_else(not_a_member)?;
                    let subject = Subject { directory: *id, external_id: user.external_id };
                    let names = Scope::Names(BTreeSet::from([user.name.key().clone()]));
                    let group = group.clone();
                    (Change::Leave { subject, name: user.name, group, number: holder }, names)
                }
                Member::Group(inside) => {
                    let number = graph.number(inside).ok_or_else(not_a_member)?;
                    if !graph.nestings.contains(&(number, holder)) {
                        return Err(not_a_member());
                    }
                    let after = graph.without_nesting(number, holder);
                    let (group, inside) = (group.clone(), Some(inside.clone()));
                    (Change::Groups { directory: *id, group, inside, after }, Scope::Everybody)
                }
            }
        }
        Proposal::RemoveGroup { directory: id, group } => {
            let graph = group_graph(throng, config, *id, Operation::DeleteGroup).await?;
            let number = graph.number(group).ok_or_else(|| Error::not_found("group"))?;
            let (group, after) = (group.clone(), graph.without_group(number));
            (Change::Groups { directory: *id, group, inside: None, after }, Scope::Everybody)
        }
    })
}

/// The groups of a directory that decides about its own.
async fn group_graph(
    throng: &Throng,
    config: &Config,
    directory: DirectoryId,
    operation: Operation,
) -> Result<GroupGraph, Error> {
    let mount = config.mount(directory).ok_or_else(|| Error::not_found("directory"))?;
    if !is_own(&mount.record.kind) || !mount.record.permissions.allows(operation) {
        return Err(Error::Forbidden("group"));
    }
    Ok(throng.0.store.group_graph(directory).await?)
}

/// An account with the groups that directly hold it.
async fn occupant(throng: &Throng, subject: &Subject, user: &User) -> Result<Occupant, Error> {
    let found = throng.0.store.occupants(&[(subject.directory, user.key().clone())]).await?.pop().flatten();
    found.filter(|it| it.external_id == subject.external_id).ok_or_else(|| Error::not_found("user"))
}

/// The account of a subject, in a directory that decides about its own users. One that others decide about is
/// administered where they do.
async fn account(
    throng: &Throng,
    config: &Config,
    subject: &Subject,
    operation: Operation,
) -> Result<User, Error> {
    let mount = config.mount(subject.directory).ok_or_else(|| Error::not_found("directory"))?;
    if !is_own(&mount.record.kind) || !mount.record.permissions.allows(operation) {
        return Err(Error::Forbidden("user"));
    }
    throng.0.store.user_by_id(subject).await?.ok_or_else(|| Error::not_found("user"))
}

/// Whether changes of users of a kind of directory are a matter of ours alone.
fn is_own(kind: &DirectoryKind) -> bool {
    matches!(kind, DirectoryKind::Internal(_) | DirectoryKind::Delegated(_))
}

/// Where a new name must be free besides the account's own directory, as the rules of the applications say; refused
/// where it is somebody's other name, or reserved for somebody.
async fn free_in(
    throng: &Throng,
    config: &Config,
    subject: &Subject,
    to: &Username,
) -> Result<Vec<DirectoryId>, Error> {
    let mut directories = BTreeSet::new();
    for id in config.applications() {
        let Some(app) = config.in_use(id).filter(|app| app.plan.rank(subject.directory).is_some()) else {
            continue;
        };
        if app.plan.rules().rename == RenameScope::EveryDirectory {
            directories.extend(app.stored.iter().copied().filter(|other| *other != subject.directory));
        }
        if throng.0.store.alias(id, to.key()).await?.is_some_and(|(of, _)| of != *subject) {
            return Err(Error::Conflict(Conflict::NameTaken));
        }
        let claim = throng.0.store.claim(id, to.key()).await?;
        let follows = app.plan.rules().on_ownership_change == OnOwnershipChange::Follow;
        if !follows && claim.is_some_and(|claim| claim.subject != *subject) {
            return Err(Error::Conflict(Conflict::NameReserved));
        }
    }
    let directories: Vec<DirectoryId> = directories.into_iter().collect();
    if !throng.0.store.namesakes(&directories, &[to.key().clone()]).await?.is_empty() {
        return Err(Error::Conflict(Conflict::NameTaken));
    }
    Ok(directories)
}
