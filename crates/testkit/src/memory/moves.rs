//! Moves in memory.

use async_trait::async_trait;
use throng_core::error::{Fault, StoreError};
use throng_core::id::Subject;
use throng_core::moves::{Belongings, Capture, Move, MoveEntry, MoveId, Moves, Source};

use super::MemoryStore;
use super::state::State;
use crate::population::Part;

impl State {
    /// Everything that belongs to a stored account.
    pub(super) fn belongings(&self, subject: &Subject) -> Option<Belongings> {
        let population = self.population(subject.directory)?;
        let user = population.user_by_id(&subject.external_id)?.clone();
        let groups = population.parents(&Part::user(user.key()));
        let own = self.claims.values().filter(|claim| claim.subject == *subject);
        let aliases = self.aliases.iter().filter(|((_, of), _)| of == subject);
        Some(Belongings {
            credential: self.credentials.get(subject).cloned(),
            groups,
            claims: own.filter(|claim| claim.tombstoned_at.is_none()).cloned().collect(),
            aliases: aliases.map(|((application, _), alias)| (*application, alias.clone())).collect(),
            last_login: self.logins.get(subject).copied(),
            user,
        })
    }

    pub(super) fn expect_belongings(
        &self,
        subject: &Subject,
        expected: &Belongings,
    ) -> Result<(), StoreError> {
        let found = self.belongings(subject).ok_or(StoreError::new(Fault::Missing, "user"))?;
        if found.is_as(expected) { Ok(()) } else { Err(StoreError::new(Fault::Conflict, "account")) }
    }

    pub(super) fn put_move(&mut self, record: &Move) -> Result<(), StoreError> {
        let source = match record.source {
            Source::Directory(source) => Some(source),
            Source::File(_) => None,
        };
        let mut directories = [Some(record.target), source].into_iter().flatten();
        if record.version == 1 && directories.any(|id| !self.directories.contains_key(&id)) {
            return Err(StoreError::new(Fault::Missing, "directory"));
        }
        let before = self.moves.get(&record.id).map_or(0, |(kept, _)| kept.version);
        if before.checked_add(1) != Some(record.version) {
            return Err(StoreError::new(Fault::Conflict, "move"));
        }
        self.moves.entry(record.id).or_insert_with(|| (record.clone(), Default::default())).0 =
            record.clone();
        Ok(())
    }

    pub(super) fn put_move_entries(&mut self, by: MoveId, entries: &[MoveEntry]) -> Result<(), StoreError> {
        let (_, kept) = self.moves.get_mut(&by).ok_or(StoreError::new(Fault::Missing, "move"))?;
        kept.extend(entries.iter().map(|entry| (entry.position, entry.clone())));
        Ok(())
    }

    pub(super) fn drop_capture(&mut self, capture: &Capture) -> Result<(), StoreError> {
        if self.captures.get(&capture.subject) != Some(capture) {
            return Err(StoreError::new(Fault::Conflict, "capture"));
        }
        self.captures.remove(&capture.subject);
        Ok(())
    }
}

#[async_trait]
impl Moves for MemoryStore {
    async fn belongings(&self, subject: &Subject) -> Result<Option<Belongings>, StoreError> {
        self.read(|state| state.belongings(subject))
    }

    async fn moves(&self) -> Result<Vec<Move>, StoreError> {
        self.read(|state| {
            let mut moves: Vec<Move> = state.moves.values().map(|(record, _)| record.clone()).collect();
            moves.sort_by_key(|record| std::cmp::Reverse((record.began_at, *record.id.as_bytes())));
            moves
        })
    }

    async fn move_of(&self, id: MoveId) -> Result<Option<Move>, StoreError> {
        self.read(|state| state.moves.get(&id).map(|(record, _)| record.clone()))
    }

    async fn move_entries(&self, id: MoveId, from: u64, limit: usize) -> Result<Vec<MoveEntry>, StoreError> {
        self.read(|state| {
            let entries = state.moves.get(&id).into_iter().flat_map(|(_, entries)| entries.range(from..));
            entries.take(limit).map(|(_, entry)| entry.clone()).collect()
        })
    }

    async fn capture(&self, subject: &Subject) -> Result<Option<Capture>, StoreError> {
        self.read(|state| state.captures.get(subject).cloned())
    }

    async fn captures(
        &self,
        by: MoveId,
        after: Option<&Subject>,
        limit: usize,
    ) -> Result<Vec<Capture>, StoreError> {
        self.read(|state| {
            let later =
                state.captures.values().filter(|capture| after.is_none_or(|after| capture.subject > *after));
            later.filter(|capture| capture.by == by).take(limit).cloned().collect()
        })
    }
}
