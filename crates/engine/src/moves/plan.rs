//! What a move will do: every user's outcome, before anything is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use throng_core::attribute::Attributes;
use throng_core::group::Member;
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, Subject};
use throng_core::moves::{
    Belongings, Block, Facts, Fate, GivenPassword, Landing, Made, MoveId, MovedGroup, Note, Options,
    OrderChange, Overtaking, TargetPasswords, decide,
};
use throng_core::name::{GroupName, Key, Username};
use throng_core::permission::Operation;
use throng_core::plan::{Access, InvalidPlan, Plan, Seat};
use throng_core::preview::{Proposal, Totals};
use throng_core::user::User;

use super::goal::{Capability, Goal};
use super::origin::{Afterwards, Origin};
use super::request::MoveRequest;
use crate::config::Config;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// What a move will do.
#[derive(Debug, Clone)]
pub struct MovePlan {
    pub(super) request: MoveRequest,
    /// What it needs, and whether that is to be had.
    pub capabilities: Vec<Capability>,
    /// The users with what becomes of them, in the order of their names.
    pub users: Vec<PlannedUser>,
    /// The groups that they take along, in the order of their names.
    pub groups: Vec<MovedGroup>,
    /// The orders that it will change.
    pub orders: Vec<PlannedOrder>,
    /// Why it cannot be run as it is; empty when it can.
    pub obstacles: Vec<Obstacle>,
}

impl MovePlan {
    /// Whether it can be run.
    pub fn is_clear(&self) -> bool {
        self.obstacles.is_empty()
    }

    /// What it was asked for.
    pub fn request(&self) -> &MoveRequest {
        &self.request
    }
}

/// A user of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedUser {
    /// The account at the source.
    pub subject: Subject,
    /// Its name.
    pub name: Username,
    /// What becomes of it.
    pub fate: Fate,
}

/// An order that a move changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedOrder {
    /// The application.
    pub application: ApplicationId,
    /// Its name.
    pub name: String,
    /// The order now.
    pub before: Vec<DirectoryId>,
    /// The order then.
    pub after: Vec<DirectoryId>,
    /// Whom the application admits from the target, where it asks it only because of the move: others of the target
    /// come in, too.
    pub opens: Option<Access>,
    /// What the order alone changes, before anybody is moved.
    pub totals: Totals,
}

/// Why a move cannot be run as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Source and target are one directory.
    SameDirectory,
    /// A move of one of the directories is not over: it must be resumed or reverted first.
    MoveOpen(MoveId),
    /// The selection is of nobody.
    Nobody,
    /// There is no user of this name at the source.
    NoSuchUser(String),
    /// There is no group of this name at the source.
    NoSuchGroup(String),
    /// The target is switched off: nobody would find who was moved.
    SwitchedOff(DirectoryId),
    /// A directory cannot or may not do what is needed (P10).
    ReadOnly {
        /// The directory.
        directory: DirectoryId,
        /// What is needed.
        operation: Operation,
    },
    /// Somebody administers the application today, and nobody could afterwards (T105): by the order, because an
    /// administrator would have no password or no access, or because the groups do not go along.
    LastAdministrator {
        /// The application.
        application: String,
    },
    /// The application asks the source, and the target not at all: it would find nobody who was moved.
    NotSeated {
        /// The application.
        application: String,
    },
    /// The source keeps its accounts, or makes them at login, and stands before the target: it would go on to decide.
    SourceDecides {
        /// The application.
        application: String,
    },
    /// These users of the target have the names of users who are moved.
    NamesTaken(u64),
    /// These users' names would mean others afterwards.
    NamesShadowed(u64),
    /// These users' names mean others today, and would mean the users.
    NamesOvertaken(u64),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameDirectory => f.write_str("source and target are the same directory"),
            Self::MoveOpen(id) => {
                write!(f, "the move {id} of one of these directories is not over: resume or revert it first")
            }
            Self::Nobody => f.write_str("nobody is selected"),
            Self::NoSuchUser(name) => write!(f, "the source has no user {name:?}"),
            Self::NoSuchGroup(name) => write!(f, "the source has no group {name:?}"),
            Self::SwitchedOff(directory) => {
                write!(f, "directory {directory} is switched off, and nobody would find who was moved")
            }
            Self::ReadOnly { directory, operation } => {
                write!(f, "directory {directory} cannot or may not do this: {}", words(*operation))
            }
            Self::LastAdministrator { application } => {
                write!(f, "nobody could administer {application:?} any more")
            }
            Self::NotSeated { application } => {
                write!(f, "the application {application:?} asks the source and not the target")
            }
            Self::SourceDecides { application } => {
                write!(
                    f,
                    "the source goes on to open accounts, and is asked before the target in {application:?}"
                )
            }
            Self::NamesTaken(count) => {
                write!(
                    f,
                    "the target has the names of {count} of the users, and may mean somebody else by them"
                )
            }
            Self::NamesOvertaken(count) => {
                write!(
                    f,
                    "the names of {count} of the users mean somebody else today, in an application that asks the target"
                )
            }
            Self::NamesShadowed(count) => {
                write!(f, "the names of {count} of the users would mean somebody else afterwards")
            }
        }
    }
}

fn words(operation: Operation) -> &'static str {
    match operation {
        Operation::CreateUser => "make users",
        Operation::UpdateUser => "change users",
        Operation::DeleteUser => "remove users",
        Operation::UpdateUserAttribute => "change attributes of users",
        Operation::CreateGroup => "make groups",
        Operation::UpdateGroup => "change members of groups",
        Operation::DeleteGroup => "remove groups",
        Operation::UpdateGroupAttribute => "change attributes of groups",
    }
}

/// What a move makes of an application's order.
#[derive(Debug, Clone)]
pub(super) struct Ordered {
    pub(super) application: ApplicationId,
    pub(super) name: String,
    pub(super) before: Plan,
    /// While users are moved.
    pub(super) meanwhile: Plan,
    /// Once all were.
    pub(super) after: Plan,
}

impl Ordered {
    pub(super) fn changes(&self) -> bool {
        self.before.seats() != self.after.seats()
    }
}

/// What is known of a move between the reading of its users.
pub(super) struct Planner<'p> {
    pub(super) throng: &'p Throng,
    pub(super) config: Arc<Config>,
    pub(super) origin: Origin,
    pub(super) goal: Goal,
    pub(super) options: Options,
    pub(super) acting: Option<Subject>,
    /// Every application that asks the source or the target.
    pub(super) orders: Vec<Ordered>,
}

/// A user who is to be moved, with what was read of both sides.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) before: Belongings,
    pub(super) target: Option<Belongings>,
    pub(super) fate: Fate,
}

impl<'p> Planner<'p> {
    pub(super) fn new(
        throng: &'p Throng,
        origin: Origin,
        goal: Goal,
        options: Options,
        acting: Option<Subject>,
    ) -> Result<Self, Error> {
        let config = throng.config_now();
        let orders = orders(&config, &origin, &goal, options.order)?;
        Ok(Self { throng, config, origin, goal, options, acting, orders })
    }

    /// Reads everything about one user on both sides, and decides. `None` when the source has lost it.
    pub(super) async fn candidate(
        &self,
        id: &ExternalId,
        name: &Username,
    ) -> Result<Option<Candidate>, Error> {
        let Some(before) = self.origin.belongings(self.throng, id, name).await? else { return Ok(None) };
        let target = match self.goal.user(&before.user.name).await? {
            Some(user) => self.goal.belongings(self.throng, &user).await?,
            None => None,
        };
        let holders = self.holders(&before, target.as_ref()).await?;
        let facts = Facts {
            user: &before.user,
            password: self.given(&before),
            taken: target.as_ref().map(|taken| self.goal.taken(taken)),
            target: self.goal.passwords(),
            shadowed: self.shadowed(&holders),
            notes: self.notes(&before, target.as_ref(), &holders).await?,
        };
        let fate = decide(&self.options, &facts);
        Ok(Some(Candidate { before, target, fate }))
    }

    fn given(&self, before: &Belongings) -> GivenPassword {
        self.origin.given(before)
    }

    /// The application in which the name means the user today and would mean another afterwards.
    fn shadowed(&self, holders: &[BTreeSet<DirectoryId>]) -> Option<(ApplicationId, DirectoryId)> {
        let source = self.origin.id();
        let asked = |(order, _): &(&Ordered, _)| order.before.rank(source).is_some();
        for (order, today) in self.orders.iter().zip(holders).filter(asked) {
            if self.winner(&order.before, today) != Some(source) {
                continue;
            }
            let mut then = today.clone();
            then.insert(self.goal.id());
            if self.origin.afterwards() == Afterwards::Gone {
                then.remove(&source);
            }
            match self.winner(&order.after, &then) {
                Some(winner) if winner == self.goal.id() => {}
                // That the target is not asked, or not first, is told of the application and not of each user.
                Some(winner) if winner == source => {}
                None => {}
                Some(winner) => return Some((order.application, winner)),
            }
        }
        None
    }

    pub(super) fn winner(&self, plan: &Plan, holders: &BTreeSet<DirectoryId>) -> Option<DirectoryId> {
        let is_active = |id: DirectoryId| self.config.mount(id).is_some_and(|mount| mount.record.active);
        plan.seats().iter().map(|seat| seat.directory).find(|id| holders.contains(id) && is_active(*id))
    }

    async fn notes(
        &self,
        before: &Belongings,
        target: Option<&Belongings>,
        holders: &[BTreeSet<DirectoryId>],
    ) -> Result<Vec<Note>, Error> {
        let subject = Subject { directory: self.origin.id(), external_id: before.user.external_id.clone() };
        let mut notes = Vec::new();
        if self.acting.as_ref() == Some(&subject) {
            notes.push(Note::IsActing);
        }
        for (application, alias) in &before.aliases {
            let has_one =
                target.is_some_and(|target| target.aliases.iter().any(|(app, _)| app == application));
            if !self.goal.is_kept() || has_one {
                notes.push(Note::AliasLost(*application, alias.clone()));
            }
        }
        let own = target.map(|target| self.goal.subject(&target.user.external_id));
        for order in &self.orders {
            let claim = self.throng.0.store.claim(order.application, before.user.key()).await?;
            if let Some(claim) =
                claim.filter(|claim| claim.subject != subject && Some(&claim.subject) != own.as_ref())
            {
                notes.push(Note::NameOfAnother(order.application, claim.subject));
            }
        }
        notes.extend(self.access_notes(before, target, holders).await?);
        Ok(notes)
    }

    /// The groups that users take along, with those above them.
    pub(super) async fn groups(&self, direct: BTreeMap<Key, GroupName>) -> Result<Carried, Error> {
        let mut wanted: BTreeMap<Key, (GroupName, Vec<GroupName>)> = BTreeMap::new();
        let mut waiting: Vec<GroupName> = direct.into_values().collect();
        let limit = throng_core::member::Limits::default().edges;
        let mut edges = 0;
        while let Some(name) = waiting.pop() {
            if wanted.contains_key(name.key()) {
                continue;
            }
            let parents = self.origin.parents(&name).await?;
            edges += parents.len();
            if edges > limit {
                return Err(Error::Invalid(crate::error::Invalid::TooMany("nestings of groups")));
            }
            waiting.extend(parents.iter().cloned());
            wanted.insert(name.key().clone(), (name, parents));
        }
        let mut carried = Carried::default();
        let mut above = Above::new(&self.goal);
        for (name, parents) in wanted.into_values() {
            let there = self.goal.group(&name).await?;
            let mut joined = Vec::new();
            let has = if there.is_some() { above.of(&name).await?.clone() } else { Vec::new() };
            for parent in parents {
                if has.contains(&parent) {
                    continue;
                }
                if !self.goal.nests() || above.reaches(&parent, &name).await? {
                    carried.lost.push((name.clone(), parent));
                } else {
                    above.join(&name, &parent);
                    joined.push(parent);
                }
            }
            let made = if there.is_some() { Made::Before } else { Made::ByTheMove };
            let at_source = self.origin.group(&name).await?;
            let (description, attributes) = match at_source {
                Some(group) => (group.description, group.attributes),
                None => (String::new(), Attributes::new()),
            };
            let name = there.map_or(name, |there| there.name);
            carried.groups.push(MovedGroup { name, description, attributes, made, joined });
        }
        Ok(carried)
    }
}

/// The groups that users take along, and nestings that the target will not have.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) groups: Vec<MovedGroup>,
    /// A group, and the one above it.
    pub(super) lost: Vec<(GroupName, GroupName)>,
}

/// The groups above groups in the target, as they are and as a move will make them.
struct Above<'g> {
    goal: &'g Goal,
    known: BTreeMap<Key, Vec<GroupName>>,
}

impl<'g> Above<'g> {
    fn new(goal: &'g Goal) -> Self {
        Self { goal, known: BTreeMap::new() }
    }

    async fn of(&mut self, group: &GroupName) -> Result<&Vec<GroupName>, Error> {
        if !self.known.contains_key(group.key()) {
            let parents = self.goal.reader.parents(&Member::Group(group.clone())).await?;
            self.known.insert(group.key().clone(), parents);
        }
        Ok(&self.known[group.key()])
    }

    fn join(&mut self, group: &GroupName, parent: &GroupName) {
        self.known.entry(group.key().clone()).or_default().push(parent.clone());
    }

    /// Whether a group stands in another, so that the other in it would close a circle (T25).
    async fn reaches(&mut self, from: &GroupName, to: &GroupName) -> Result<bool, Error> {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(next) = waiting.pop() {
            if next == *to {
                return Ok(true);
            }
            if seen.insert(next.key().clone()) {
                waiting.extend(self.of(&next).await?.iter().cloned());
            }
        }
        Ok(false)
    }
}

impl Throng {
    /// Says what a move will do, and changes nothing.
    ///
    /// 1. Every selected user has an outcome, with what becomes of the password; every stored hash is decoded, so that
    ///    one that cannot be checked is seen here and not at the first login.
    /// 2. What stops the move is listed, and not raised: a target that is read-only, applications that would not find
    ///    who was moved, names that the target has (P10).
    /// 3. [`Error::NotFound`] when there is no such directory, [`Error::Unavailable`] when one that must be read does
    ///    not answer.
    pub async fn plan_move(&self, request: MoveRequest) -> Result<MovePlan, Error> {
        self.reload().await?;
        let config = self.config_now();
        let origin = Origin::of(self, &config, &request.source)?;
        let goal = Goal::of(self, &config, request.target)?;
        let mut obstacles = standing(&origin, &goal);
        if obstacles.contains(&Obstacle::SameDirectory) {
            let (capabilities, users, groups, orders) = (goal.capabilities(), vec![], vec![], vec![]);
            return Ok(MovePlan { request, capabilities, users, groups, orders, obstacles });
        }
        let open = self.open_move_near(goal.id(), &origin.source()).await?;
        obstacles.extend(open.map(Obstacle::MoveOpen));
        let (selected, missing) = origin.selected(&request.selection).await?;
        obstacles.extend(missing);
        let planner = Planner::new(self, origin, goal, request.options.clone(), request.acting.clone())?;
        obstacles.extend(planner.seating());
        let (mut users, mut direct) = (Vec::with_capacity(selected.len()), BTreeMap::new());
        for User { external_id, name, .. } in selected {
            let Some(candidate) = planner.candidate(&external_id, &name).await? else { continue };
            if candidate.fate.is_moved() {
                let groups = candidate.before.groups.into_iter();
                direct.extend(groups.map(|group| (group.key().clone(), group)));
            }
            let subject = Subject { directory: planner.origin.id(), external_id };
            users.push(PlannedUser { subject, name, fate: candidate.fate });
        }
        // Who asks is moved last, so that whatever goes wrong before does not end that session.
        users.sort_by_key(|user| user.fate.notes.contains(&Note::IsActing));
        if users.is_empty() {
            obstacles.push(Obstacle::Nobody);
        }
        obstacles.extend(blocked(&users));
        if planner.options.overtaking == Overtaking::Stop {
            let overtakes = |user: &&PlannedUser| {
                let mut notes = user.fate.notes.iter();
                user.fate.is_moved() && notes.any(|note| matches!(note, Note::Overtakes(..)))
            };
            let count = users.iter().filter(overtakes).count();
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            obstacles.extend((count > 0).then_some(Obstacle::NamesOvertaken(count)));
        }
        let carried = planner.groups(direct).await?;
        note_lost(&mut users, &carried);
        let mut orders = Vec::new();
        for order in planner.orders.iter().filter(|order| order.changes()) {
            orders.push(self.planned_order(order, planner.goal.id()).await?);
        }
        let alone = planner.left_alone(&users).await?;
        obstacles.extend(alone.into_iter().map(|application| Obstacle::LastAdministrator { application }));
        let mut capabilities = planner.goal.capabilities();
        capabilities.extend(removing(&planner.origin));
        for capability in capabilities.iter().filter(|capability| !(capability.can && capability.may)) {
            let needs_groups =
                matches!(capability.operation, Operation::CreateGroup) && !makes_groups(&carried.groups);
            let needs_members =
                matches!(capability.operation, Operation::UpdateGroup) && carried.groups.is_empty();
            let needs_update = matches!(capability.operation, Operation::UpdateUser)
                && !users.iter().any(|user| matches!(user.fate.landing, Landing::Linked(_)));
            if !needs_groups && !needs_members && !needs_update {
                let Capability { directory, operation, .. } = *capability;
                obstacles.push(Obstacle::ReadOnly { directory, operation });
            }
        }
        Ok(MovePlan { request, capabilities, users, groups: carried.groups, orders, obstacles })
    }
}

impl Throng {
    /// An order that a move changes with what that means.
    async fn planned_order(&self, order: &Ordered, target: DirectoryId) -> Result<PlannedOrder, Error> {
        let ids = |plan: &Plan| plan.seats().iter().map(|seat| seat.directory).collect();
        let (application, plan) = (order.application, order.after.clone());
        let preview = self.preview(Proposal::Plan { application, plan }).await?;
        let added = order.after.seats().iter().find(|seat| seat.directory == target);
        let added = added.filter(|_| order.before.rank(target).is_none());
        Ok(PlannedOrder {
            application,
            name: order.name.clone(),
            before: ids(&order.before),
            after: ids(&order.after),
            opens: added.map(|seat| seat.access.clone()),
            totals: preview.totals,
        })
    }
}

impl Planner<'_> {
    /// The applications that would not find who was moved.
    fn seating(&self) -> Vec<Obstacle> {
        let (source, target) = (self.origin.id(), self.goal.id());
        let mut obstacles = Vec::new();
        for order in self.orders.iter().filter(|order| order.before.rank(source).is_some()) {
            let application = order.name.clone();
            match (order.after.rank(target), order.after.rank(source)) {
                (None, _) => obstacles.push(Obstacle::NotSeated { application }),
                (Some(target), Some(source)) if target > source && self.origin.goes_on() => {
                    obstacles.push(Obstacle::SourceDecides { application });
                }
                (Some(_), _) => {}
            }
        }
        obstacles
    }
}

/// What stands in the way whoever is moved.
fn standing(origin: &Origin, goal: &Goal) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    if origin.mount().is_some_and(|mount| mount.record.id == goal.id()) {
        obstacles.push(Obstacle::SameDirectory);
    }
    if !goal.mount.record.active {
        obstacles.push(Obstacle::SwitchedOff(goal.id()));
    }
    obstacles
}

/// Whether users may be taken away at the source.
fn removing(origin: &Origin) -> Option<Capability> {
    let mount = origin.mount().filter(|_| origin.afterwards() == Afterwards::Gone)?;
    Some(Capability {
        directory: mount.record.id,
        operation: Operation::DeleteUser,
        can: mount.abilities().users,
        may: mount.record.permissions.allows(Operation::DeleteUser),
    })
}

fn makes_groups(groups: &[MovedGroup]) -> bool {
    groups.iter().any(|group| group.made == Made::ByTheMove)
}

fn blocked(users: &[PlannedUser]) -> Vec<Obstacle> {
    let (mut taken, mut shadowed) = (0, 0);
    for user in users {
        match &user.fate.landing {
            Landing::Blocked(Block::NameTaken(_)) => taken += 1,
            Landing::Blocked(Block::Shadowed(..)) => shadowed += 1,
            Landing::Made | Landing::Linked(_) | Landing::Skipped(_) => {}
        }
    }
    let taken = (taken > 0).then_some(Obstacle::NamesTaken(taken));
    let shadowed = (shadowed > 0).then_some(Obstacle::NamesShadowed(shadowed));
    taken.into_iter().chain(shadowed).collect()
}

/// Tells nestings that are lost to the first user, as they concern whoever is moved.
fn note_lost(users: &mut [PlannedUser], carried: &Carried) {
    let lost: BTreeMap<&Key, &GroupName> =
        carried.lost.iter().map(|(_, parent)| (parent.key(), parent)).collect();
    if let Some(user) = users.iter_mut().find(|user| user.fate.is_moved()) {
        user.fate.notes.extend(lost.into_values().map(|group| Note::NestingLost(group.clone())));
    }
}

/// The orders of all applications that ask the source or the target: now, while users are moved, and once all were.
fn orders(config: &Config, origin: &Origin, goal: &Goal, change: OrderChange) -> Result<Vec<Ordered>, Error> {
    let (source, target) = (origin.id(), goal.id());
    let mut orders = Vec::new();
    for application in config.applications() {
        let Some(app) = config.in_use(application) else { continue };
        let before = app.record.plan.clone();
        if before.rank(source).is_none() && before.rank(target).is_none() {
            continue;
        }
        let (meanwhile, after) = match (change, before.rank(source), before.rank(target)) {
            (OrderChange::TargetFirst, Some(source), at) if at.is_none_or(|at| at > source) => {
                let after = beside(&before, source, target, Side::Before)?;
                // Whoever is not moved yet, or is under way, is who the source says, unless that goes on to decide
                // about those who were.
                let meanwhile = match origin.goes_on() {
                    true => after.clone(),
                    false => beside(&before, source, target, Side::Behind)?,
                };
                (meanwhile, after)
            }
            _ => (before.clone(), before.clone()),
        };
        let name = app.record.name.to_string();
        orders.push(Ordered { application, name, before, meanwhile, after });
    }
    Ok(orders)
}

/// Where a seat is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    Behind,
}

/// The plan with a directory right before a seat, or right behind it. One that had no seat admits whom that one
/// admits.
pub(super) fn beside(
    plan: &Plan,
    place: usize,
    directory: DirectoryId,
    side: Side,
) -> Result<Plan, InvalidPlan> {
    let seats = plan.seats();
    let own = plan.rank(directory).and_then(|rank| seats.get(rank)).cloned();
    let Some(fixed) = seats.get(place) else { return Ok(plan.clone()) };
    let moved = own.unwrap_or_else(|| Seat { directory, ..fixed.clone() });
    let mut next = plan.filter_map_seats(|_| None);
    for seat in seats.iter().filter(|seat| seat.directory != directory) {
        let is_fixed = seat.directory == fixed.directory;
        if is_fixed && side == Side::Before {
            next = next.push(moved.clone())?;
        }
        next = next.push(seat.clone())?;
        if is_fixed && side == Side::Behind {
            next = next.push(moved.clone())?;
        }
    }
    Ok(next)
}

/// Refuses what a plan that is run must not have.
pub(super) fn refuse_obstacles(plan: &MovePlan) -> Result<(), Error> {
    if plan.is_clear() { Ok(()) } else { Err(Error::Conflict(Conflict::MoveBlocked(plan.obstacles.clone()))) }
}

/// What the target does with passwords, for whoever writes them.
pub(super) fn keeps_hashes(target: TargetPasswords) -> bool {
    matches!(target, TargetPasswords::Kept)
}
