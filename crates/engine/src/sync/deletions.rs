//! Deleting what is gone, if that is probable or approved.

use throng_core::change::Change;
use throng_core::id::ExternalId;
use throng_core::name::GroupName;
use throng_core::sync::{
    Deletions, Did, EntryKind, Held, HeldPlan, Imprint, Outcome, PlanHash, RecentDeletions, guard,
};
use throng_core::user::User;

use super::full::Comparison;
use super::index::{Stated, count};
use super::round::{Recent, Step, Work};

/// How many ids are looked at, and how many entries deleted, at once.
const PAGE: usize = 500;

impl Work<'_> {
    /// Deletes what was not stated, where a pull has proven that it is gone.
    ///
    /// Improbable deletions are held, all of users and groups together and those from a group by itself, and named in
    /// the round; what was approved is made (T59).
    pub(super) async fn delete(&mut self, comparison: &mut Comparison) -> Step<Outcome> {
        let users = match &comparison.gone {
            Some(gone) => count(gone.len()),
            None => comparison.index.users_gone(),
        };
        let groups: Vec<GroupName> = comparison.index.groups_gone().cloned().collect();
        let doubted = std::mem::take(&mut comparison.members.doubted);
        if users == 0 && groups.is_empty() && doubted.is_empty() {
            return Ok(Outcome::Complete);
        }
        let mut why = self.doubts(comparison, users, &groups).await?;
        let mut plan = Plan::default();
        if !why.is_empty() {
            self.list_gone(comparison, &groups, &mut plan).await?;
        }
        let entries_are_held = !why.is_empty();
        for (group, members, held) in &doubted {
            why.push(*held);
            members.iter().for_each(|member| {
                plan.add(Imprint::of_group(group.key()), Imprint::of_member(member));
                plan.list(EntryKind::Membership, super::write::membership(member, group));
            });
        }
        let memberships = doubted.iter().map(|(_, members, _)| count(members.len())).sum();
        let approved = !why.is_empty() && self.is_approved(&plan.hash());
        if !entries_are_held || approved {
            self.delete_users(comparison).await?;
            self.delete_groups(comparison, &groups).await?;
        }
        if approved {
            for (group, members, _) in doubted {
                for member in members {
                    let leaving = self.leaving(&group, member);
                    comparison.members.leave(leaving);
                }
            }
        }
        if why.is_empty() || approved {
            return Ok(Outcome::Complete);
        }
        why.dedup();
        let (users, groups) = if entries_are_held { (users, count(groups.len())) } else { (0, 0) };
        let such_as = std::mem::take(&mut plan.such_as);
        let held = HeldPlan { hash: plan.hash(), users, groups, memberships, why, such_as };
        tracing::warn!(directory = %self.directory(), plan = %held.hash, "deletions wait for approval");
        self.round.held = Some(held);
        Ok(Outcome::HeldForApproval)
    }

    fn is_approved(&self, plan: &PlanHash) -> bool {
        let approval = self.mirror.approval.as_ref();
        approval.is_some_and(|approval| approval.plan == *plan && self.now() < approval.until)
    }

    /// Why deletions of users and groups are improbable, counted against the last complete round.
    async fn doubts(&mut self, comparison: &Comparison, users: u64, groups: &[GroupName]) -> Step<Vec<Held>> {
        let now = self.now();
        let state = &self.mirror.state;
        let (live_users, live_groups) = match state.full_as_of {
            Some(_) => (state.users, state.groups),
            None => (comparison.beginning.size.users, comparison.beginning.size.groups),
        };
        let recent_users = RecentDeletions::at(self.recent.users, now, live_users);
        let recent_groups = RecentDeletions::at(self.recent.groups, now, live_groups);
        self.recent = Recent { users: Some(recent_users), groups: Some(recent_groups) };
        let mut why = Vec::new();
        for (live, deletes, recent) in
            [(live_users, users, recent_users), (live_groups, count(groups.len()), recent_groups)]
        {
            if deletes > 0 {
                why.extend(guard(Deletions { live, deletes }).and_then(|()| recent.guard(deletes)).err());
            }
        }
        if groups.iter().any(|group| self.settings.protected_groups.contains(group)) {
            why.push(Held::Protected);
        }
        for name in &self.settings.protected_users {
            if let Some(user) = self.records.store.user(self.directory(), name.key()).await?
                && comparison.is_gone(&user.external_id)
            {
                why.push(Held::Protected);
            }
        }
        Ok(why)
    }

    /// Finds out what exactly would go, without keeping all of it.
    async fn list_gone(
        &mut self,
        comparison: &Comparison,
        groups: &[GroupName],
        plan: &mut Plan,
    ) -> Step<()> {
        let mut after = None;
        while let Some(page) = self.gone_after(comparison, &mut after).await? {
            page.iter().for_each(|id| plan.add(Imprint::of_id(id), Imprint::of_id(id)));
            if plan.such_as.len() < HeldPlan::MOST_LISTED {
                let listed: Vec<ExternalId> = page.into_iter().take(HeldPlan::MOST_LISTED).collect();
                for user in self.records.store.users_by_id(self.directory(), &listed).await? {
                    plan.list(EntryKind::User, user.name.to_string());
                }
            }
        }
        for group in groups {
            plan.add(Imprint::of_group(group.key()), Imprint::of_group(group.key()));
            plan.list(EntryKind::Group, group.to_string());
        }
        Ok(())
    }

    /// The next ids of those who are gone; `None` at the end.
    async fn gone_after(
        &mut self,
        comparison: &Comparison,
        after: &mut Option<ExternalId>,
    ) -> Step<Option<Vec<ExternalId>>> {
        self.go_on().await?;
        if let Some(gone) = &comparison.gone {
            let mut rest: Vec<&ExternalId> =
                gone.iter().filter(|id| after.as_ref().is_none_or(|after| *id > after)).collect();
            rest.sort();
            let page: Vec<ExternalId> = rest.into_iter().take(PAGE).cloned().collect();
            if let Some(last) = page.last() {
                *after = Some(last.clone());
            }
            return Ok((!page.is_empty()).then_some(page));
        }
        loop {
            let page = self.records.store.user_marks(self.directory(), after.as_ref(), 10 * PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(None) };
            *after = Some(last.clone());
            let gone: Vec<ExternalId> =
                page.into_iter().map(|(id, _)| id).filter(|id| comparison.is_gone(id)).collect();
            if !gone.is_empty() {
                return Ok(Some(gone));
            }
        }
    }

    async fn delete_users(&mut self, comparison: &mut Comparison) -> Step<()> {
        let mut after = None;
        while let Some(page) = self.gone_after(comparison, &mut after).await? {
            for part in page.chunks(PAGE) {
                let users: Vec<User> = self.records.store.users_by_id(self.directory(), part).await?;
                let removal = |user: &User| Change::RemoveUser {
                    subject: self.records.subject(&user.external_id),
                    free_in: vec![],
                };
                let refused = self.write(users.iter().map(removal).collect()).await?;
                // Those who are refused were removed meanwhile, by whoever changed the mirror beside the round.
                drop(refused);
                for user in &users {
                    self.round.note(Did::Removed, EntryKind::User, &user.name);
                    comparison.index.users.remove(&Imprint::of_id(&user.external_id));
                }
                if let Some(recent) = &mut self.recent.users {
                    recent.deleted += count(users.len());
                }
            }
        }
        Ok(())
    }

    async fn delete_groups(&mut self, comparison: &mut Comparison, groups: &[GroupName]) -> Step<()> {
        for part in groups.chunks(PAGE) {
            let directory = self.directory();
            let removals = part.iter().map(|group| Change::RemoveGroup { directory, group: group.clone() });
            drop(self.write(removals.collect()).await?);
            for group in part {
                comparison.index.groups.remove(group.key());
            }
            if let Some(recent) = &mut self.recent.groups {
                recent.deleted += count(part.len());
            }
        }
        Ok(())
    }
}

impl Comparison {
    /// Whether an account of the mirror is gone from the source.
    pub(super) fn is_gone(&self, id: &ExternalId) -> bool {
        match &self.gone {
            Some(gone) => gone.contains(id),
            None => {
                let known = self.index.users.get(&Imprint::of_id(id));
                known.is_some_and(|known| known.stated == Stated::No)
            }
        }
    }
}

/// What would be deleted: a sum that the order does not change, and some of the names.
#[derive(Debug, Default)]
struct Plan {
    sum: u128,
    count: u64,
    such_as: Vec<(EntryKind, String)>,
}

impl Plan {
    fn add(&mut self, one: Imprint, other: Imprint) {
        // The odd factor keeps a membership apart from the same two the other way round.
        let both = one.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) ^ other.bits();
        self.sum = self.sum.wrapping_add(both);
        self.count += 1;
    }

    fn list(&mut self, kind: EntryKind, name: String) {
        if self.such_as.len() < HeldPlan::MOST_LISTED {
            self.such_as.push((kind, name));
        }
    }

    fn hash(&self) -> PlanHash {
        PlanHash::of(self.sum, self.count)
    }
}
