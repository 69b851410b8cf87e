//! Mirrors in memory.

use async_trait::async_trait;
use throng_core::error::{Fault, StoreError};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::Key;
use throng_core::store::{GroupMarks, Mirrors};
use throng_core::sync::{Fence, Lease, Mark, Mirror, NodeId, Outcome, Round};
use throng_core::time::Timestamp;

use super::MemoryStore;
use super::state::State;

impl State {
    pub(super) fn expect_lease(&self, fence: Fence) -> Result<(), StoreError> {
        let held = self.mirrors.get(&fence.directory).is_some_and(|kept| kept.epoch == fence.epoch);
        if held { Ok(()) } else { Err(StoreError::lost_lease()) }
    }
}

#[async_trait]
impl Mirrors for MemoryStore {
    async fn user_marks(
        &self,
        directory: DirectoryId,
        after: Option<&ExternalId>,
        limit: usize,
    ) -> Result<Vec<(ExternalId, Mark)>, StoreError> {
        self.in_directory(directory, |population| {
            let mut marks: Vec<_> = population
                .users()
                .filter(|user| after.is_none_or(|after| user.external_id > *after))
                .map(|user| (user.external_id.clone(), Mark::of_user(user)))
                .collect();
            marks.sort_by(|(one, _), (other, _)| one.cmp(other));
            marks.truncate(limit);
            marks
        })
    }

    async fn group_marks(
        &self,
        directory: DirectoryId,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<GroupMarks>, StoreError> {
        self.read(|state| {
            let groups = state.population(directory).into_iter().flat_map(|population| population.groups());
            groups
                .filter(|group| after.is_none_or(|after| group.key() > after))
                .take(limit)
                .map(|group| {
                    let noted = state.members_marks.get(&(directory, group.key().clone()));
                    let same =
                        noted.filter(|(words, _)| *words == state.member_words(directory, group.key()));
                    GroupMarks {
                        name: group.name.clone(),
                        origin: group.origin,
                        mark: Mark::of_group(group),
                        members: same.map(|(_, mark)| *mark),
                    }
                })
                .collect()
        })
    }

    async fn mirror(&self, directory: DirectoryId) -> Result<Mirror, StoreError> {
        self.read(|state| state.mirrors.get(&directory).map(|kept| kept.mirror.clone()).unwrap_or_default())
    }

    async fn take_lease(
        &self,
        directory: DirectoryId,
        owner: NodeId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        let mut kept = self.kept();
        let mirror = kept.state_mut().kept_mirror(directory)?;
        if mirror.mirror.lease.is_some_and(|lease| lease.owner != owner && now < lease.until) {
            return Err(StoreError::new(Fault::Conflict, "lease"));
        }
        mirror.epoch += 1;
        let lease = Lease { owner, fence: Fence { directory, epoch: mirror.epoch }, until };
        mirror.mirror.lease = Some(lease);
        for round in mirror.rounds.values_mut() {
            round.ended.get_or_insert((now, Outcome::Aborted));
        }
        Ok(lease)
    }

    async fn renew_lease(&self, fence: Fence, until: Timestamp) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.state().expect_lease(fence)?;
        let mirror = kept.state_mut().kept_mirror(fence.directory)?;
        let lease = mirror.mirror.lease.as_mut().ok_or_else(StoreError::lost_lease)?;
        lease.until = lease.until.max(until);
        Ok(())
    }

    async fn release_lease(&self, fence: Fence) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if kept.state().expect_lease(fence).is_ok() {
            kept.state_mut().kept_mirror(fence.directory)?.mirror.lease = None;
        }
        Ok(())
    }

    async fn put_round(&self, fence: Fence, round: &Round) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.state().expect_lease(fence)?;
        let mirror = kept.state_mut().kept_mirror(fence.directory)?;
        mirror.rounds.insert(round.number, round.clone());
        Ok(())
    }

    async fn rounds(&self, directory: DirectoryId, limit: usize) -> Result<Vec<Round>, StoreError> {
        self.read(|state| {
            let rounds =
                state.mirrors.get(&directory).into_iter().flat_map(|kept| kept.rounds.values().rev());
            rounds.take(limit).cloned().collect()
        })
    }
}
