//! Who gets in once a move is over: whom applications admit, whose names it overtakes, and who could administer.

use std::collections::BTreeSet;

use throng_core::group::Member;
use throng_core::id::{DirectoryId, Subject};
use throng_core::member::{Closure, Limits};
use throng_core::moves::{Belongings, Note, PasswordFate};
use throng_core::name::{GroupName, Key};
use throng_core::plan::{Access, OnSilence, Plan, Seat};
use throng_core::preview::Proposal;

use super::plan::{Ordered, PlannedUser, Planner};
use super::reader::Reader;
use crate::error::Error;
use crate::preview::{Leader, Leading};

impl Planner<'_> {
    /// What is worth knowing of who gets in: the user no more, or not as somebody else who has the name today.
    pub(super) async fn access_notes(
        &self,
        before: &Belongings,
        target: Option<&Belongings>,
    ) -> Result<Vec<Note>, Error> {
        let (source, goal) = (self.origin.id(), self.goal.id());
        let mut notes = Vec::new();
        let is_active = target.is_none_or(|target| target.user.active);
        if before.user.active && !is_active {
            notes.push(Note::Inactive);
        }
        for order in self.orders.iter().filter(|order| order.after.rank(goal).is_some()) {
            let today = self.holders(order, before, target).await?;
            match self.winner(&order.before, &today) {
                Some(winner) if winner == source => {
                    let (was, will) = (access(&order.before, source), access(&order.after, goal));
                    let is_shut_out = self.admits(was, before, None).await?
                        && !self.admits(will, before, Some(target)).await?;
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

    /// Who has the name today, as far as it is kept here or known of the move.
    pub(super) async fn holders(
        &self,
        order: &Ordered,
        before: &Belongings,
        target: Option<&Belongings>,
    ) -> Result<BTreeSet<DirectoryId>, Error> {
        let located = self.throng.0.store.locate(order.application, before.user.key()).await?;
        let mut holders: BTreeSet<DirectoryId> =
            located.users.into_iter().map(|holder| holder.directory).collect();
        if self.origin.mount().is_some() {
            holders.insert(self.origin.id());
        }
        holders.extend(target.map(|_| self.goal.id()));
        Ok(holders)
    }

    /// Whether a seat's access admits a user: at the source, or with `moved` in the target, together with whom it is
    /// linked with there.
    async fn admits(
        &self,
        access: Option<&Access>,
        before: &Belongings,
        moved: Option<Option<&Belongings>>,
    ) -> Result<bool, Error> {
        let wanted = match access {
            None => return Ok(false),
            Some(Access::Everyone) => return Ok(true),
            Some(Access::Groups(wanted)) => wanted,
        };
        let groups = match moved {
            None => self.groups_at_source(before).await?,
            Some(target) => self.groups_in_target(before, target).await?,
        };
        Ok(wanted.iter().any(|group| groups.contains(group.key())))
    }

    async fn groups_at_source(&self, before: &Belongings) -> Result<BTreeSet<Key>, Error> {
        let mut closure = Closure::from(before.groups.iter().cloned(), Limits::default())?;
        while let Some(next) = closure.next_to_follow() {
            let above = self.origin.parents(&next).await?;
            closure.hear(&next, above)?;
        }
        Ok(closure.groups().map(|reached| reached.group.key().clone()).collect())
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
        groups.extend(closed(&self.goal.reader, direct.cloned()).await?);
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
        let stops = |plan: &Plan, directory: DirectoryId| -> Vec<DirectoryId> {
            let before = plan.seats().iter().take_while(|seat| seat.directory != directory);
            let before = before.filter(|seat| seat.policy.login != OnSilence::Pass);
            before.map(|seat| seat.directory).filter(|id| silent.contains(id)).collect()
        };
        let known = stops(&order.before, self.origin.id());
        stops(&order.after, self.goal.id()).iter().any(|id| !known.contains(id))
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

async fn closed(
    reader: &Reader,
    direct: impl IntoIterator<Item = GroupName>,
) -> Result<BTreeSet<Key>, Error> {
    let mut closure = Closure::from(direct, Limits::default())?;
    while let Some(next) = closure.next_to_follow() {
        let above = reader.parents(&Member::Group(next.clone())).await?;
        closure.hear(&next, above)?;
    }
    Ok(closure.groups().map(|reached| reached.group.key().clone()).collect())
}
