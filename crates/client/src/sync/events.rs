//! Reading what changed.

use std::collections::VecDeque;

use throng_core::group::Member;
use throng_core::name::{GroupName, Key};
use throng_core::sync::{Completeness, Cursor, EntryKind, Gone, Item, Unreadable};
use throng_wire::{DocumentError, Event, Events, GroupEntity, Operation, Reason, UserEntity};

use super::{Items, token};
use crate::RemoteDirectory;
use crate::entry;
use crate::exchange::{Call, Declined, Reply, encoded};
use crate::fault::RemoteFault;
use crate::listing::Listed;

/// Most events that are told at once (T69). Whoever missed more reads everything.
pub(super) const MAX_EVENTS: usize = 10_000;

/// A pull since a cursor that has begun.
pub(super) struct Changes {
    events: VecDeque<Event>,
    waiting: VecDeque<Item>,
}

impl Changes {
    /// Asks for the events since a cursor; `None` when the server cannot tell, or tells what is not understood.
    pub(super) async fn since(
        directory: &RemoteDirectory,
        cursor: &Cursor,
    ) -> Result<Option<(Self, Cursor)>, RemoteFault> {
        let since = cursor.as_str();
        // In a path these mean another path.
        if matches!(since, "." | "..") {
            return Ok(None);
        }
        let call = Call::read(format!("event/{}", encoded(since)));
        let events = match directory.exchange.fetch::<Events>(&call).await {
            Ok(said) => match said.reply {
                Reply::Done(events) => events,
                Reply::Declined(declined) if cannot_tell(&declined) => return Ok(None),
                Reply::Declined(declined) => return Err(declined.fault()),
            },
            Err(RemoteFault::TooLarge) => return Ok(None),
            Err(RemoteFault::Document(fault)) if !is_broken(fault) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let Some(next) = events.new_token.filter(|_| events.incremental) else { return Ok(None) };
        if token::instance(&next) != token::instance(since)
            || events.events.len() > MAX_EVENTS
            || !events.events.iter().all(can_be_stated)
        {
            return Ok(None);
        }
        let Ok(next) = Cursor::new(next) else { return Ok(None) };
        Ok(Some((Self { events: events.events.into(), waiting: VecDeque::new() }, next)))
    }

    /// States what comes next until the batch is full. Once it is over, every event was told.
    pub(super) async fn fill(
        &mut self,
        directory: &RemoteDirectory,
        items: &mut Items,
    ) -> Result<Option<Completeness>, RemoteFault> {
        loop {
            if !items.take(&mut self.waiting) || items.is_full() {
                return Ok(None);
            }
            match self.events.pop_front() {
                Some(event) => self.state(directory, event, items).await?,
                None => return Ok(Some(Completeness::Proven)),
            }
        }
    }

    async fn state(
        &mut self,
        directory: &RemoteDirectory,
        event: Event,
        items: &mut Items,
    ) -> Result<(), RemoteFault> {
        match event {
            Event::User { operation: Operation::Deleted, user, .. } => {
                let name = entry::username(EntryKind::User, &user.name);
                let gone = name.map_or_else(Item::Unreadable, |name| Item::UserGone(Gone::Name(name)));
                self.waiting.push_back(gone);
            }
            Event::User { operation: Operation::Created | Operation::Updated, user, .. } => {
                let item = current_user(directory, user, items).await?;
                self.waiting.push_back(item);
            }
            Event::Group { operation: Operation::Deleted, group, .. } => {
                let name = entry::group_name(EntryKind::Group, &group.name);
                self.waiting.push_back(name.map_or_else(Item::Unreadable, Item::GroupGone));
            }
            Event::Group { operation: Operation::Created | Operation::Updated, group, .. } => {
                let item = current_group(directory, group, items).await?;
                self.waiting.push_back(item);
            }
            Event::UserMembership { operation, user, parents, absolute } => {
                let operation = if absolute == Some(true) { Operation::Updated } else { operation };
                let user = entry::username(EntryKind::Membership, &user.name).map(Member::User);
                self.join(operation, user, &parents);
            }
            Event::GroupMembership { operation, group, parents, children } => {
                let name = entry::group_name(EntryKind::Membership, &group.name);
                self.hold(operation, &name, &children);
                self.join(operation, name.map(Member::Group), &parents);
            }
        }
        Ok(())
    }

    /// A member joined groups, left them, or is in these now and in no others.
    fn join(&mut self, operation: Operation, member: Result<Member, Unreadable>, parents: &[GroupEntity]) {
        let member = match member {
            Ok(member) => member,
            Err(bad) => return self.waiting.push_back(Item::Unreadable(bad)),
        };
        let mut groups = Vec::new();
        for parent in parents {
            match entry::group_name(EntryKind::Membership, &parent.name) {
                Ok(group) => groups.push(group),
                Err(bad) => self.waiting.push_back(Item::Unreadable(bad)),
            }
        }
        match operation {
            Operation::Created => {
                self.waiting.extend(groups.into_iter().map(|group| Item::Joined(group, member.clone())));
            }
            Operation::Deleted => {
                self.waiting.extend(groups.into_iter().map(|group| Item::Left(group, member.clone())));
            }
            Operation::Updated => self.waiting.push_back(Item::MemberOf(member, groups)),
        }
    }

    /// A group took other groups in, or let them go.
    fn hold(
        &mut self,
        operation: Operation,
        group: &Result<GroupName, Unreadable>,
        children: &[GroupEntity],
    ) {
        let Ok(group) = group else { return };
        for child in children {
            let item = match (operation, entry::group_name(EntryKind::Membership, &child.name)) {
                (_, Err(bad)) => Item::Unreadable(bad),
                (Operation::Deleted, Ok(child)) => Item::Left(group.clone(), Member::Group(child)),
                (Operation::Created | Operation::Updated, Ok(child)) => {
                    Item::Joined(group.clone(), Member::Group(child))
                }
            };
            self.waiting.push_back(item);
        }
    }
}

/// Whether a server says that it tells no events, or none since a token.
pub(super) fn cannot_tell(declined: &Declined) -> bool {
    declined.is_not_offered()
        || declined.is(&Reason::EventTokenExpired)
        || declined.is(&Reason::IncrementalSyncNotAvailable)
}

/// Whether a document that cannot be read is broken, rather than one that says what this side does not know.
fn is_broken(fault: DocumentError) -> bool {
    !matches!(fault, DocumentError::Missing(_) | DocumentError::Invalid(_) | DocumentError::Duplicate(_))
}

/// Whether an event can be said in items. All that a group holds now cannot, where only its groups are told.
fn can_be_stated(event: &Event) -> bool {
    match event {
        Event::GroupMembership { operation: Operation::Updated, children, .. } => children.is_empty(),
        Event::GroupMembership { operation: Operation::Created | Operation::Deleted, .. }
        | Event::User { .. }
        | Event::Group { .. }
        | Event::UserMembership { .. } => true,
    }
}

/// The user of an event, asked for where the event does not give attributes: they may have been left out.
async fn current_user(
    directory: &RemoteDirectory,
    user: UserEntity,
    items: &mut Items,
) -> Result<Item, RemoteFault> {
    let user = if user.detail.as_ref().is_some_and(|detail| !detail.attributes.attributes.is_empty()) {
        user
    } else {
        let name = match entry::username(EntryKind::User, &user.name) {
            Ok(name) => name,
            Err(unreadable) => return Ok(Item::Unreadable(unreadable)),
        };
        items.asked += 1;
        let found = directory.entity::<UserEntity>(UserEntity::NAMED_BY, name.as_str()).await?;
        match found.filter(|found| Key::of(&found.name) == *name.key()) {
            Some(user) => user,
            None => return Ok(Item::UserGone(Gone::Name(name))),
        }
    };
    Ok(entry::user(user).map_or_else(|bad| Item::Unreadable(bad.unreadable()), Item::User))
}

/// The group of an event, as [`current_user`] finds users.
async fn current_group(
    directory: &RemoteDirectory,
    group: GroupEntity,
    items: &mut Items,
) -> Result<Item, RemoteFault> {
    let group = if group.detail.as_ref().is_some_and(|detail| !detail.attributes.attributes.is_empty()) {
        group
    } else {
        let name = match entry::group_name(EntryKind::Group, &group.name) {
            Ok(name) => name,
            Err(unreadable) => return Ok(Item::Unreadable(unreadable)),
        };
        items.asked += 1;
        let found = directory.entity::<GroupEntity>(GroupEntity::NAMED_BY, name.as_str()).await?;
        match found.filter(|found| Key::of(&found.name) == *name.key()) {
            Some(group) => group,
            None => return Ok(Item::GroupGone(name)),
        }
    };
    Ok(entry::group(group).map_or_else(|bad| Item::Unreadable(bad.unreadable()), Item::Group))
}
