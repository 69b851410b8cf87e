//! Who gets in once a move is over: whom applications admit, whose names it overtakes, and who could administer.

use std::collections::BTreeSet;

use throng_core::group::Member;
use throng_core::id::{DirectoryId, Subject};
use throng_core::member::{Closure, Limits};
use throng_core::moves::{Belongings, Note, PasswordFate};
use throng_core::name::{GroupName, Key};
use throng_core::plan::{Access, Plan, Seat};
use throng_core::preview::Proposal;

use super::plan::{Ordered, PlannedUser, Planner};
use crate::error::Error;
use crate::preview::{Leader, Leading, stopping};

impl Planner<'_> {
    /// What is worth knowing of who gets in: the user no more, or not as somebody else who has the name today.
    pub(super) async fn access_notes(
        &self,
        before: &Belongings,
        target: Option<&Belongings>,
        holders: &[BTreeSet<DirectoryId>],
    ) -> Result<Vec<Note>, Error> {
        let (source, goal) = (self.origin.id(), self.goal.id());
        let mut notes = Vec::new();
        let is_active = target.is_none_or(|target| target.user.active);
        if before.user.active && !is_active {
            notes.push(Note::Inactive);
        }
        let asked = |(order, _): &(&Ordered, _)| order.after.rank(goal).is_some();
        for (order, today) in self.orders.iter().zip(holders).filter(asked) {
            match self.winner(&order.before, today) {
                Some(winner) if winner == source => {
                    let (was, will) = (access(&order.before, source), access(&order.after, goal));
                    let is_shut_out = admits(was, self.groups_at_source(before)).await?
                        && !admits(will, self.groups_in_target(before, target)).await?;
                    if is_shut_out && before.user.active {
                        notes.push(Note::NotAdmitted(order.application));
                    }
                }
                Some(winner) if winner != goal => {
                    let then = today.iter().copied().chain([goal]).collect();
                    if self.winner(&order.after, &then) == Some(goal) {
                        notes.push(Note::Overtakes(order.application, winner));
                    }
                }
                Some(_) | None => {}
            }
        }
        Ok(notes)
    }

    /// Who has the name today in each of the orders, as far as it is kept here or known of the move.
    pub(super) async fn holders(
        &self,
        before: &Belongings,
        target: Option<&Belongings>,
    ) -> Result<Vec<BTreeSet<DirectoryId>>, Error> {
        let mut all = Vec::with_capacity(self.orders.len());
        for order in &self.orders {
            let located = self.throng.0.store.locate(order.application, before.user.key()).await?;
            let mut holders: BTreeSet<DirectoryId> =
                located.users.into_iter().map(|holder| holder.directory).collect();
            if self.origin.mount().is_some() {
                holders.insert(self.origin.id());
            }
            holders.extend(target.map(|_| self.goal.id()));
            all.push(holders);
        }
        Ok(all)
    }

    async fn groups_at_source(&self, before: &Belongings) -> Result<BTreeSet<Key>, Error> {
        closed(before.groups.iter().cloned(), async |group| self.origin.parents(group).await).await
    }

    /// The groups of a user in the target: those that go along, with what they grant there where it has groups in
    /// groups, and those of whom the user is linked with.
    async fn groups_in_target(
        &self,
        before: &Belongings,
        target: Option<&Belongings>,
    ) -> Result<BTreeSet<Key>, Error> {
        if !self.goal.nests() {
            let own = target.map(|target| target.groups.as_slice()).unwrap_or_default();
            return Ok(before.groups.iter().chain(own).map(|group| group.key().clone()).collect());
        }
        let mut groups = self.groups_at_source(before).await?;
        let direct = before.groups.iter().chain(target.into_iter().flat_map(|target| &target.groups));
        let reader = &self.goal.reader;
        let parents = async |group: &GroupName| reader.parents(&Member::Group(group.clone())).await;
        groups.extend(closed(direct.cloned(), parents).await?);
        Ok(groups)
    }

    /// The applications that somebody administers today and nobody could afterwards (T105).
    pub(super) async fn left_alone(&self, users: &[PlannedUser]) -> Result<Vec<String>, Error> {
        let mut alone = Vec::new();
        for order in &self.orders {
            let (application, plan) = (order.application, order.after.clone());
            let Leading { before, after, silent } =
                self.throng.leaders(&Proposal::Plan { application, plan }).await?;
            if before.is_empty() {
                continue;
            }
            let moved = |subject: &Subject| {
                users.iter().find(|user| user.subject == *subject && user.fate.is_moved())
            };
            let is_overtaken = |leader: &Leader| {
                let over = Note::Overtakes(order.application, leader.subject.directory);
                let mut namesakes =
                    users.iter().filter(|user| user.name == leader.name && user.fate.is_moved());
                namesakes.any(|user| user.fate.notes.contains(&over))
            };
            let stays = after.iter().any(|leader| moved(&leader.subject).is_none() && !is_overtaken(leader));
            let mut goes = false;
            if !self.is_behind_silence(order, &silent) {
                for leader in &before {
                    if let Some(user) = moved(&leader.subject) {
                        goes = goes || self.leads_on(order, user, &leader.groups).await?;
                    }
                }
            }
            if !stays && !goes {
                alone.push(order.name.clone());
            }
        }
        Ok(alone)
    }

    /// Whether a login gets as far as the target no more where it got as far as the source.
    fn is_behind_silence(&self, order: &Ordered, silent: &[DirectoryId]) -> bool {
        let known = stopping(&order.before, self.origin.id(), silent);
        stopping(&order.after, self.goal.id(), silent).iter().any(|id| !known.contains(id))
    }

    /// Whether somebody who is moved administers an application afterwards.
    async fn leads_on(
        &self,
        order: &Ordered,
        user: &PlannedUser,
        groups: &[GroupName],
    ) -> Result<bool, Error> {
        let has_password = match user.fate.password {
            PasswordFate::Carried
            | PasswordFate::Wrapped
            | PasswordFate::Captured
            | PasswordFate::CheckedElsewhere
            | PasswordFate::TargetsOwn => true,
            PasswordFate::None | PasswordFate::Quarantined(_) | PasswordFate::Reset => false,
        };
        let stands = |note: &Note| *note == Note::Inactive || *note == Note::NotAdmitted(order.application);
        if !has_password || user.fate.notes.iter().any(stands) {
            return Ok(false);
        }
        let Subject { external_id, .. } = &user.subject;
        let Some(before) = self.origin.belongings(self.throng, external_id, &user.name).await? else {
            return Ok(false);
        };
        let target = match self.goal.user(&user.name).await? {
            Some(user) => self.goal.belongings(self.throng, &user).await?,
            None => None,
        };
        let has = self.groups_in_target(&before, target.as_ref()).await?;
        Ok(groups.iter().any(|group| has.contains(group.key())))
    }
}

fn access(plan: &Plan, directory: DirectoryId) -> Option<&Access> {
    plan.rank(directory).and_then(|rank| plan.seats().get(rank)).map(|seat: &Seat| &seat.access)
}

/// Whether a seat's access admits somebody in these groups, which are read only where they count.
async fn admits(
    access: Option<&Access>,
    groups: impl Future<Output = Result<BTreeSet<Key>, Error>>,
) -> Result<bool, Error> {
    match access {
        None => Ok(false),
        Some(Access::Everyone) => Ok(true),
        Some(Access::Groups(wanted)) => {
            let groups = groups.await?;
            Ok(wanted.iter().any(|group| groups.contains(group.key())))
        }
    }
}

/// All groups of somebody who is directly in these.
async fn closed(
    direct: impl IntoIterator<Item = GroupName>,
    parents: impl AsyncFn(&GroupName) -> Result<Vec<GroupName>, Error>,
) -> Result<BTreeSet<Key>, Error> {
    let mut closure = Closure::from(direct, Limits::default())?;
    while let Some(next) = closure.next_to_follow() {
        let above = parents(&next).await?;
        closure.hear(&next, above)?;
    }
    Ok(closure.groups().map(|reached| reached.group.key().clone()).collect())
}
