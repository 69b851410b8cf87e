//! A full round: everything is read, compared by marks while the next batch is read, and only what differs is written.

use std::sync::Arc;

use throng_core::change::{Change, Logging};
use throng_core::directory::Directory;
use throng_core::id::ExternalId;
use throng_core::name::Key;
use throng_core::sync::{
    Batch, Completeness, Cursor, EntryKind, Imprint, Item, Next, Outcome, Phase, SyncSource, Unreadable,
    bears_unreadable,
};
use throng_core::user::User;

use super::index::{Beginning, Index, Size, Stated, count};
use super::members::{Members, Whole};
use super::names::Waiting;
use super::puller::{Ahead, sync_source};
use super::round::{Halt, Read, Step, Work};

/// What a round knows of the mirror and has not written yet.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) beginning: Beginning,
    pub(super) index: Index,
    /// Changes that are written together next.
    pub(super) ready: Vec<Change>,
    /// Users whose marks differ, to be compared with what is kept of them.
    pub(super) changed: Vec<User>,
    /// Users who cannot have their names yet.
    pub(super) waiting: Vec<Waiting>,
    pub(super) members: Members,
    /// Those who are gone, where that is known without a look at everybody.
    pub(super) gone: Option<Vec<ExternalId>>,
}

impl Work<'_> {
    /// Reads everything.
    pub(super) async fn read_everything(&mut self, source: &Arc<dyn Directory>) -> Step<Read> {
        if self.is_first() {
            self.logging = Logging::Deferred;
        }
        let index = Index::load(&*self.throng.0.store, self.directory()).await?;
        let beginning = self.beginning(index.size());
        let mut comparison = Comparison { beginning, index, ..Comparison::default() };
        let mut ahead = Ahead::read(source, self.stop());
        let mut batch = self.waiting_for(ahead.batch()).await?;
        let cursor = batch.cursor.take();
        let completeness = loop {
            match batch.next.clone() {
                Next::More(_) => {
                    self.take(&mut comparison, batch).await?;
                    batch = self.waiting_for(ahead.batch()).await?;
                }
                Next::End(completeness) => {
                    self.take(&mut comparison, batch).await?;
                    break completeness;
                }
                Next::Expired => return Err(Halt::failed("the source ended a full pull as if it were none")),
            }
        };
        let mut read = self.finish(comparison, completeness, cursor).await?;
        if read.outcome.is_complete()
            && let Some(cursor) = read.cursor.clone()
        {
            self.catch_up(sync_source(&**source)?, &cursor, &mut read).await?;
        }
        Ok(read)
    }

    /// Reads what changed while everything was read, so that nothing older stays in place of it until the next round
    /// (R621). Members who were stated before they had their names are in their groups afterwards: what they are in is
    /// not stated again (T63).
    async fn catch_up(&mut self, source: &dyn SyncSource, cursor: &Cursor, read: &mut Read) -> Step<()> {
        let held = self.round.held.take();
        let beginning = self.beginning(read.size);
        let caught_up = match self.read_changes(source, cursor, beginning).await {
            Ok(changes) => changes,
            Err(Halt::Aborted) => return Err(Halt::Aborted),
            // Everything was read; the next round goes on from where this one began.
            Err(Halt::Full(_) | Halt::Failed(_) | Halt::Cancelled | Halt::TooLong) => {
                self.round.held = held;
                read.size = beginning.size_at(&self.round.counts);
                return Ok(());
            }
        };
        let mut comparison = Comparison::default();
        for (group, member) in std::mem::take(&mut self.unknown) {
            self.join_late(&mut comparison, &group, &member).await?;
        }
        self.write_members(&mut comparison).await?;
        self.round.held = self.round.held.take().or(held);
        (read.size, read.cursor) = (caught_up.size, caught_up.cursor);
        if self.round.held.is_some() {
            read.outcome = Outcome::HeldForApproval;
        }
        Ok(())
    }

    async fn take(&mut self, comparison: &mut Comparison, batch: Batch) -> Step<()> {
        self.go_on().await?;
        for item in batch.items {
            match item {
                Item::User(user) => {
                    if self.round.phase() > Phase::Users {
                        return Err(Halt::failed("the source stated a user after its groups"));
                    }
                    self.enter(Phase::Users).await?;
                    self.take_user(comparison, user).await?;
                }
                Item::Group(group) => {
                    if self.round.phase() < Phase::Groups {
                        self.end_users(comparison).await?;
                    }
                    if self.round.phase() > Phase::Groups {
                        return Err(Halt::failed("the source stated a group after memberships"));
                    }
                    self.enter(Phase::Groups).await?;
                    self.take_group(comparison, group).await?;
                }
                Item::Members { group, members, part } => {
                    self.begin_memberships(comparison).await?;
                    self.take_members(comparison, group, members, part).await?;
                }
                Item::Unreadable(entry) => self.take_unreadable(comparison, &entry).await?,
                Item::UserGone(_)
                | Item::GroupGone(_)
                | Item::Joined(..)
                | Item::Left(..)
                | Item::MemberOf(..) => {
                    return Err(Halt::failed("the source stated a change in a full pull"));
                }
            }
        }
        Ok(())
    }

    /// Reports an entry that cannot be read. It is there, so that its copy stays: the one of its id or, where that is
    /// nobody's here, the one of its name.
    pub(super) async fn take_unreadable(
        &mut self,
        comparison: &mut Comparison,
        entry: &Unreadable,
    ) -> Step<()> {
        self.round.set_aside(entry.kind, &entry.name, &entry.why);
        let index = &mut comparison.index;
        // An id that stands for a name tells more than what else may be known of it.
        let named = entry.id.as_ref().and_then(ExternalId::stands_for).map(Key::of);
        let key = named.as_ref().unwrap_or(&entry.key);
        match entry.kind {
            EntryKind::User => {
                let stated = entry.id.as_ref().map(Imprint::of_id).filter(|id| index.users.contains_key(id));
                let id = match stated {
                    Some(id) => Some(id),
                    None => {
                        let named = self.records.store.user(self.directory(), key).await?;
                        named.map(|user| Imprint::of_id(&user.external_id))
                    }
                };
                if let Some(known) = id.and_then(|id| index.users.get_mut(&id))
                    && known.stated == Stated::No
                {
                    known.stated = Stated::Unreadable;
                }
            }
            EntryKind::Group => {
                // Groups are known by name.
                if let Some(known) = index.groups.get_mut(key)
                    && known.stated == Stated::No
                {
                    known.stated = Stated::Unreadable;
                }
            }
            EntryKind::Membership => {}
        }
        Ok(())
    }

    /// Writes what is left of the users, and gives names to those who wait for them.
    async fn end_users(&mut self, comparison: &mut Comparison) -> Step<()> {
        self.write_users(comparison).await?;
        self.give_names(comparison).await
    }

    async fn begin_memberships(&mut self, comparison: &mut Comparison) -> Step<()> {
        if self.round.phase() >= Phase::Memberships {
            return Ok(());
        }
        if self.round.phase() < Phase::Groups {
            self.end_users(comparison).await?;
        }
        self.write_groups(comparison).await?;
        comparison.members.expect(&comparison.waiting);
        comparison.members.everybody = if comparison.index.is_all_stated() { Whole::Yes } else { Whole::No };
        self.enter(Phase::Memberships).await
    }

    /// Deletes what is gone, if that is proven and probable, and takes over what waited for it.
    async fn finish(
        &mut self,
        mut comparison: Comparison,
        completeness: Completeness,
        cursor: Option<Cursor>,
    ) -> Step<Read> {
        self.begin_memberships(&mut comparison).await?;
        self.write_members(&mut comparison).await?;
        // Memberships of those who are missing tell nothing that the missing do not.
        let counts = self.round.counts.since(&comparison.beginning.counts);
        if !bears_unreadable(counts.users_read + counts.groups_read, counts.entries_set_aside) {
            return Err(Halt::failed("too many entries cannot be read"));
        }
        self.enter(Phase::Settling).await?;
        let outcome = match completeness {
            Completeness::Proven => self.delete(&mut comparison).await?,
            Completeness::Unproven(why) => {
                self.round.failure = Some(why.to_owned());
                Outcome::Unproven
            }
        };
        self.settle(&mut comparison).await?;
        Ok(self.read(&comparison, outcome, cursor))
    }

    /// Takes over what waited for deletions, and sets aside what cannot be.
    pub(super) async fn settle(&mut self, comparison: &mut Comparison) -> Step<()> {
        self.give_names(comparison).await?;
        self.set_aside_waiting(comparison).await?;
        comparison.members.expect(&comparison.waiting);
        self.take_postponed(comparison).await?;
        self.write_members(comparison).await
    }

    pub(super) fn read(&self, comparison: &Comparison, outcome: Outcome, cursor: Option<Cursor>) -> Read {
        Read { outcome, cursor, size: comparison.beginning.size_at(&self.round.counts) }
    }

    /// A part of the round that begins now, when the mirror is so large.
    pub(super) fn beginning(&self, size: Size) -> Beginning {
        Beginning { size, counts: self.round.counts }
    }
}

impl Comparison {
    /// How many changes wait to be written.
    pub(super) fn ready(&self) -> u64 {
        count(self.ready.len() + self.changed.len())
    }
}
