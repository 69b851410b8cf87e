//! What has changed, for clients that keep a copy.
//!
//! An answer does not tell what happened but what holds now, for everything that was touched since: a client that
//! applies it more than once, or that asked while something was being changed, ends in the same state all the same
//! (R653). What cannot be told in this way is [`Reason::EventTokenExpired`], and the client reads everything anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use axum::http::StatusCode;
use sha2::{Digest, Sha256};
use throng_core::change::{LoggedBatch, LoggedEntry};
use throng_core::filter::{Filter, Property, Test};
use throng_core::group::{Group, Member};
use throng_core::id::{DirectoryId, InstanceId, Subject};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::plan::Plan;
use throng_core::registry::ApplicationRecord;
use throng_core::resolve::Occurrence;
use throng_core::user::User;
use throng_engine::Error;
use throng_engine::application::{Depth, Membership};
use throng_engine::error::Conflict;
use throng_wire::{AttributesEntity, Event, Events, GroupEntity, Operation, Reason, UserEntity};

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::entity::{Detail, Entities};
use crate::refusal::{About, Refusal};

/// Most events of an answer, and most names that are looked at for one; beyond it everything is read anew (R655, T69).
const MAX_EVENTS: usize = 10_000;
/// Batches of the change log that are read at once.
const BATCHES_AT_ONCE: usize = 500;

/// Where the events stand now.
pub(crate) async fn now(call: &Call) -> Outcome {
    let incremental = is_incremental(call).map_err(About::Search.refuse())?;
    let token = latest(call).await.map_err(About::Search.refuse())?;
    let events = Events { new_token: Some(token.to_string()), incremental, events: Vec::new() };
    answer::document(call.format, &events)
}

/// What holds of whatever was touched since a token.
pub(crate) async fn since(call: &Call) -> Outcome {
    if !is_incremental(call).map_err(About::Search.refuse())? {
        let message = "A directory of the application is asked each time, and tells of no changes";
        return Err(Refusal::new(StatusCode::GONE, Reason::IncrementalSyncNotAvailable, message));
    }
    let expired = || {
        Refusal::new(StatusCode::GONE, Reason::EventTokenExpired, "The event token is unknown or has expired")
    };
    let asked: Token = call.target.parse().map_err(|NotAToken| expired())?;
    match read(call, &asked).await {
        Ok((touched, token)) => match state(call, touched).await {
            Ok(events) => {
                let events = Events { new_token: Some(token.to_string()), incremental: true, events };
                answer::document(call.format, &events)
            }
            Err(Fault::Expired) => Err(expired()),
            Err(Fault::Engine(error)) => Err(About::Search.refuse()(*error)),
        },
        Err(Fault::Expired) => Err(expired()),
        Err(Fault::Engine(error)) => Err(About::Search.refuse()(*error)),
    }
}

/// Where a client stands: of which store and plan, and after which batch.
///
/// Written as `fingerprint:sequence.stamp`. The stamp is the time of the batch, so that a store that was put back to an
/// earlier state and has gone on from there is not taken for the one that the token is from (R39).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token {
    fingerprint: u64,
    sequence: u64,
    stamp: u64,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}:{}.{:x}", self.fingerprint, self.sequence, self.stamp)
    }
}

/// The text is no token of ours.
struct NotAToken;

impl FromStr for Token {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let (fingerprint, rest) = text.split_once(':').ok_or(NotAToken)?;
        let (sequence, stamp) = rest.split_once('.').ok_or(NotAToken)?;
        let token = Self {
            fingerprint: u64::from_str_radix(fingerprint, 16).map_err(|_| NotAToken)?,
            sequence: sequence.parse().map_err(|_| NotAToken)?,
            stamp: u64::from_str_radix(stamp, 16).map_err(|_| NotAToken)?,
        };
        // One spelling each: whatever else reads alike was not given out here.
        if token.to_string() == text { Ok(token) } else { Err(NotAToken) }
    }
}

/// Why there are no events.
enum Fault {
    /// Everything has to be read anew.
    Expired,
    /// The engine could not say.
    Engine(Box<Error>),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Engine(Box::new(error))
    }
}

/// What was touched, by the names by which clients know it.
#[derive(Debug, Default)]
struct Touched {
    users: BTreeMap<Key, TouchedUser>,
    groups: BTreeMap<Key, TouchedGroup>,
    /// Groups in groups: child, then parent.
    nestings: BTreeMap<Key, (GroupName, BTreeSet<GroupName>)>,
    /// Accounts that were removed and not made again.
    removed: BTreeSet<Subject>,
}

#[derive(Debug)]
struct TouchedUser {
    name: Username,
    what: BTreeSet<UserPart>,
    /// Groups in which he was put, or that he was taken out of.
    groups: BTreeSet<GroupName>,
    /// What became of the name first in each directory, which says who had it there before.
    first: BTreeMap<DirectoryId, First>,
}

/// What became of a name first.
#[derive(Debug)]
enum First {
    /// Somebody took it: it was nobody's.
    Taken,
    /// This account lost it.
    Lost(Subject),
}

/// What of a user was touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum UserPart {
    /// What people see of him.
    Profile,
    /// Who has the name, and with it all memberships.
    Account,
}

#[derive(Debug)]
struct TouchedGroup {
    name: GroupName,
    added: bool,
    removed: bool,
}

impl Touched {
    fn len(&self) -> usize {
        let in_groups: usize = self.users.values().map(|user| user.groups.len()).sum();
        let nestings: usize = self.nestings.values().map(|(_, parents)| parents.len()).sum();
        self.users.len() + self.groups.len() + in_groups + nestings
    }

    fn user(&mut self, name: &Username) -> &mut TouchedUser {
        self.users.entry(name.key().clone()).or_insert_with(|| TouchedUser {
            name: name.clone(),
            what: BTreeSet::new(),
            groups: BTreeSet::new(),
            first: BTreeMap::new(),
        })
    }

    fn taken(&mut self, subject: &Subject, name: &Username) {
        self.removed.remove(subject);
        let user = self.user(name);
        user.what.insert(UserPart::Account);
        user.first.entry(subject.directory).or_insert(First::Taken);
    }

    fn lost(&mut self, subject: &Subject, name: &Username) {
        let user = self.user(name);
        user.what.insert(UserPart::Account);
        user.first.entry(subject.directory).or_insert_with(|| First::Lost(subject.clone()));
    }

    fn group(&mut self, name: &GroupName) -> &mut TouchedGroup {
        self.groups.entry(name.key().clone()).or_insert_with(|| TouchedGroup {
            name: name.clone(),
            added: false,
            removed: false,
        })
    }

    fn member(&mut self, group: &GroupName, member: &Member) {
        match member {
            Member::User(name) => {
                self.user(name).groups.insert(group.clone());
            }
            Member::Group(name) => {
                let nesting = self.nestings.entry(name.key().clone());
                nesting.or_insert_with(|| (name.clone(), BTreeSet::new())).1.insert(group.clone());
            }
        }
    }

    /// Takes note of an entry of the log; [`Fault::Expired`] for what changes all that is seen.
    fn note(&mut self, entry: &LoggedEntry, record: &ApplicationRecord) -> Result<(), Fault> {
        let is_seated = |directory: &DirectoryId| record.plan.rank(*directory).is_some();
        match entry {
            LoggedEntry::DirectoryPut(directory)
            | LoggedEntry::DirectoryRemoved(directory)
            | LoggedEntry::DirectoryReset(directory)
                if is_seated(directory) =>
            {
                Err(Fault::Expired)
            }
            // An alias is another name by which users are known (R807).
            LoggedEntry::ApplicationPut(id)
            | LoggedEntry::ApplicationRemoved(id)
            | LoggedEntry::AliasSet(id, _)
            | LoggedEntry::AliasRemoved(id, _)
                if *id == record.id =>
            {
                Err(Fault::Expired)
            }
            LoggedEntry::UserAdded(subject, name) if is_seated(&subject.directory) => {
                self.taken(subject, name);
                Ok(())
            }
            LoggedEntry::UserRemoved(subject, name) if is_seated(&subject.directory) => {
                self.lost(subject, name);
                self.removed.insert(subject.clone());
                Ok(())
            }
            LoggedEntry::UserRenamed(subject, from, to) if is_seated(&subject.directory) => {
                self.lost(subject, from);
                self.taken(subject, to);
                Ok(())
            }
            LoggedEntry::UserUpdated(subject, name) if is_seated(&subject.directory) => {
                self.user(name).what.insert(UserPart::Profile);
                Ok(())
            }
            LoggedEntry::GroupAdded(directory, name) if is_seated(directory) => {
                self.group(name).added = true;
                Ok(())
            }
            LoggedEntry::GroupUpdated(directory, name) if is_seated(directory) => {
                self.group(name);
                Ok(())
            }
            LoggedEntry::GroupRemoved(directory, name) if is_seated(directory) => {
                self.group(name).removed = true;
                Ok(())
            }
            LoggedEntry::MemberAdded(directory, group, member)
            | LoggedEntry::MemberRemoved(directory, group, member)
                if is_seated(directory) =>
            {
                self.member(group, member);
                Ok(())
            }
            LoggedEntry::DirectoryPut(_)
            | LoggedEntry::DirectoryReset(_)
            | LoggedEntry::DirectoryRemoved(_)
            | LoggedEntry::ApplicationPut(_)
            | LoggedEntry::ApplicationRemoved(_)
            | LoggedEntry::ConsumerPut(_)
            | LoggedEntry::PasswordsExpired(_)
            | LoggedEntry::UserAdded(..)
            | LoggedEntry::UserUpdated(..)
            | LoggedEntry::UserRenamed(..)
            | LoggedEntry::UserRemoved(..)
            | LoggedEntry::PasswordSet(..)
            | LoggedEntry::SessionsEnded(_)
            | LoggedEntry::GroupAdded(..)
            | LoggedEntry::GroupUpdated(..)
            | LoggedEntry::GroupRemoved(..)
            | LoggedEntry::MemberAdded(..)
            | LoggedEntry::MemberRemoved(..)
            | LoggedEntry::ClaimPut(..)
            | LoggedEntry::ClaimReleased(..)
            | LoggedEntry::AliasSet(..)
            | LoggedEntry::AliasRemoved(..) => Ok(()),
        }
    }
}

/// Whether every directory of the plan tells of its changes (R657).
fn is_incremental(call: &Call) -> Result<bool, Error> {
    let plan = call.app.record()?.plan;
    let directories = call.served.throng.directories();
    let mut live = directories.iter().filter(|record| record.active && !record.kind.is_stored());
    Ok(!live.any(|record| plan.rank(record.id).is_some()))
}

/// The token of the present moment.
async fn latest(call: &Call) -> Result<Token, Error> {
    let throng = &call.served.throng;
    let fingerprint = fingerprint(call.served.instance().await?, &call.app.record()?);
    let sequence = throng.latest_change().await?;
    let stamp = match sequence.checked_sub(1) {
        Some(before) => throng.changes_after(before, 1).await?.first().map_or(0, stamp),
        None => 0,
    };
    Ok(Token { fingerprint, sequence, stamp })
}

/// What was touched after a token, and the token to ask with the next time.
async fn read(call: &Call, asked: &Token) -> Result<(Touched, Token), Fault> {
    let record = call.app.record()?;
    let fingerprint = fingerprint(call.served.instance().await?, &record);
    if asked.fingerprint != fingerprint {
        return Err(Fault::Expired);
    }
    let (mut touched, mut latest) = (Touched::default(), *asked);
    // The batch of the token itself is read again: it must be there still, and be the same.
    let mut after = asked.sequence.saturating_sub(1);
    let mut known = asked.sequence == 0;
    if known && asked.stamp != 0 {
        return Err(Fault::Expired);
    }
    loop {
        let batches = call.served.throng.changes_after(after, BATCHES_AT_ONCE).await?;
        let is_last = batches.len() < BATCHES_AT_ONCE;
        for batch in &batches {
            if batch.sequence != after + 1 {
                return Err(Fault::Expired);
            }
            after = batch.sequence;
            if !known {
                if stamp(batch) != asked.stamp {
                    return Err(Fault::Expired);
                }
                known = true;
                continue;
            }
            for entry in &batch.entries {
                touched.note(entry, &record)?;
            }
            latest = Token { fingerprint, sequence: batch.sequence, stamp: stamp(batch) };
        }
        // Not after each batch: to count is to go through all that was touched.
        if touched.len() > MAX_EVENTS {
            return Err(Fault::Expired);
        }
        if is_last {
            return if known { Ok((touched, latest)) } else { Err(Fault::Expired) };
        }
    }
}

impl TouchedUser {
    /// Whether the account that was seen under the name before is removed, now that one of this directory is seen. A
    /// client that knows accounts by their keys must hear of it before the name is another's (T05).
    fn was_of(&self, removed: &BTreeSet<Subject>, plan: &Plan, now: DirectoryId) -> bool {
        for seat in plan.seats() {
            match self.first.get(&seat.directory) {
                Some(First::Lost(subject)) => return removed.contains(subject),
                Some(First::Taken) => {}
                // Untouched: who is seen there now was seen before.
                None if seat.directory == now => return false,
                None => {}
            }
        }
        false
    }
}

/// What holds now, in an order in which a client may apply it one by one: what there is comes first, so that
/// memberships find both ends; then what is over, memberships before whom they were of, so that no circle of groups
/// stands for a moment; then what is new.
#[derive(Default)]
struct Telling {
    there: Vec<Event>,
    left: Vec<Event>,
    gone: Vec<Event>,
    joined: Vec<Event>,
}

impl Telling {
    fn in_order(self) -> Result<Vec<Event>, Fault> {
        let events = [self.there, self.left, self.gone, self.joined].concat();
        if events.len() > MAX_EVENTS { Err(Fault::Expired) } else { Ok(events) }
    }
}

async fn state(call: &Call, touched: Touched) -> Result<Vec<Event>, Fault> {
    let mut telling = Telling::default();
    let entities = Entities { base: call.base.clone(), detail: Detail::WithAttributes };
    let mut gone_groups = BTreeSet::new();
    let plan = call.app.record()?.plan;
    for (key, group) in touched.groups {
        match seen_group(call, &key).await? {
            // Who was in it is not known any more: the log tells of the group alone.
            Some(_) if group.removed => return Err(Fault::Expired),
            // What of two groups of a name is seen depends on both.
            Some(_) if group.added && has_namesake(call, &group.name).await? => return Err(Fault::Expired),
            Some(found) => telling.there.push(group_event(Operation::Updated, entities.group(&found))),
            None => {
                let named = GroupEntity::short(group.name.as_str(), None);
                telling.gone.push(group_event(Operation::Deleted, named));
                gone_groups.insert(key);
            }
        }
    }
    let gone = Gone { accounts: touched.removed, groups: gone_groups, plan };
    for (key, user) in touched.users {
        tell_user(call, &entities, &mut telling, &key, user, &gone).await?;
    }
    for (child, parents) in touched.nestings.into_values() {
        let now = match call.app.groups_of_group(child.as_str(), Depth::Direct).await {
            Err(Error::NotFound { .. }) => continue,
            now => now?,
        };
        let (joined, left) = parted(parents, &now, &gone.groups);
        let event = |operation, parents: Vec<GroupName>| Event::GroupMembership {
            operation,
            group: entities.group_named(child.as_str()),
            parents: parents.iter().map(|parent| entities.group_named(parent.as_str())).collect(),
            children: Vec::new(),
        };
        telling.joined.extend(joined.map(|parents| event(Operation::Created, parents)));
        telling.left.extend(left.map(|parents| event(Operation::Deleted, parents)));
    }
    telling.in_order()
}

/// What went away, and the order in which it was seen.
struct Gone {
    accounts: BTreeSet<Subject>,
    groups: BTreeSet<Key>,
    plan: Plan,
}

async fn tell_user(
    call: &Call,
    entities: &Entities,
    telling: &mut Telling,
    key: &Key,
    user: TouchedUser,
    gone: &Gone,
) -> Result<(), Fault> {
    let deleted = || user_event(Operation::Deleted, UserEntity::short(user.name.as_str(), None));
    let Some(found) = seen_user(call, key).await? else {
        // A membership of somebody who is not seen tells nothing.
        if !user.what.is_empty() {
            telling.gone.push(deleted());
        }
        return Ok(());
    };
    if user.was_of(&gone.accounts, &gone.plan, found.directory) {
        telling.there.push(deleted());
    }
    if !user.what.is_empty() {
        telling.there.push(user_event(Operation::Updated, entities.found_user(&found)));
    }
    let whole = user.what.contains(&UserPart::Account);
    if !whole && user.groups.is_empty() {
        return Ok(());
    }
    // By the account, since its name may be another's alias, too.
    let subject = Subject { directory: found.directory, external_id: found.value.external_id.clone() };
    let resolved = match call.app.find_account(&subject).await {
        // Gone since, or somebody else's name: the next look at everything tells.
        Err(Error::NotFound { .. } | Error::Conflict(Conflict::OwnershipChanged(_))) => {
            return Err(Fault::Expired);
        }
        resolved => resolved?,
    };
    let now = call.app.groups_of(&resolved, Depth::Direct).await?;
    let event = |operation, parents: Vec<GroupName>, absolute| Event::UserMembership {
        operation,
        user: Entities { detail: Detail::Short, ..entities.clone() }.found_user(&found),
        parents: parents.iter().map(|parent| entities.group_named(parent.as_str())).collect(),
        absolute,
    };
    if whole {
        let all = now.into_iter().map(|membership| membership.group).collect();
        telling.joined.push(event(Operation::Updated, all, Some(true)));
        return Ok(());
    }
    let (joined, left) = parted(user.groups, &now, &gone.groups);
    telling.joined.extend(joined.map(|parents| event(Operation::Created, parents, None)));
    telling.left.extend(left.map(|parents| event(Operation::Deleted, parents, None)));
    Ok(())
}

/// Groups that hold a member now, and those that do not; none of either is none to tell of. Of groups that are gone
/// nothing is told.
fn parted(
    groups: BTreeSet<GroupName>,
    now: &[Membership],
    gone: &BTreeSet<Key>,
) -> (Option<Vec<GroupName>>, Option<Vec<GroupName>>) {
    let there = groups.into_iter().filter(|group| !gone.contains(group.key()));
    let holds = |group: &GroupName| now.iter().any(|membership| membership.group == *group);
    let (joined, left): (Vec<_>, Vec<_>) = there.partition(holds);
    let some = |groups: Vec<GroupName>| (!groups.is_empty()).then_some(groups);
    (some(joined), some(left))
}

/// The user of a name as searches show it, which is what a client that reads everything would have.
async fn seen_user(call: &Call, key: &Key) -> Result<Option<Occurrence<User>>, Error> {
    let filter = Filter::term(Property::Name, Test::Equals(key.clone()));
    Ok(call.app.search_users(&filter, &PageRequest::first(1)).await?.items.pop())
}

async fn seen_group(call: &Call, key: &Key) -> Result<Option<Group>, Error> {
    let filter = Filter::term(Property::Name, Test::Equals(key.clone()));
    let mut page = call.app.search_groups(&filter, &PageRequest::first(1)).await?;
    Ok(page.items.pop().map(|found| found.value))
}

/// Whether more than one directory of the plan holds a group of the name.
async fn has_namesake(call: &Call, name: &GroupName) -> Result<bool, Error> {
    let explained = call.app.holders_of_group(name.as_str()).await?;
    Ok(explained.len() > 1)
}

/// Of the store, the application, its plan, and which seats of it are handed on: a directory that is handed on no more
/// is none of the record, and what is logged of it none of ours.
fn fingerprint(instance: InstanceId, record: &ApplicationRecord) -> u64 {
    let mut digest = Sha256::new();
    digest.update(instance.as_bytes());
    digest.update(record.id.as_bytes());
    digest.update(record.plan.version().to_be_bytes());
    for seat in record.plan.seats() {
        digest.update(seat.directory.as_bytes());
    }
    let digest: [u8; 32] = digest.finalize().into();
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn stamp(batch: &LoggedBatch) -> u64 {
    batch.at.as_micros().cast_unsigned()
}

fn user_event(operation: Operation, user: UserEntity) -> Event {
    let stored = user.detail.as_ref().map(|detail| detail.attributes.clone()).unwrap_or_default();
    Event::User { operation, user, stored, deleted: AttributesEntity::default() }
}

fn group_event(operation: Operation, group: GroupEntity) -> Event {
    let stored = group.detail.as_ref().map(|detail| detail.attributes.clone()).unwrap_or_default();
    Event::Group { operation, group, stored, deleted: AttributesEntity::default() }
}
