//! Reading everything.

use std::collections::VecDeque;

use throng_core::group::Member;
use throng_core::name::GroupName;
use throng_core::sync::{Completeness, Cursor, EntryKind, Item, Part, Unreadable};
use throng_wire::{
    BadEntry, GroupEntity, Membership, MembershipPart, MembershipReader, Reason, Restriction, UserEntity,
};

use super::{Items, token};
use crate::RemoteDirectory;
use crate::entry;
use crate::exchange::{Call, Exchange, Reply, Said, Stream};
use crate::fault::RemoteFault;
use crate::identity::Identity;
use crate::listing::{self, List, Listed};

/// A full pull that has begun.
pub(super) struct Reading {
    /// Who answered first.
    identity: Identity,
    /// The event token as it was before anything was read.
    token: Option<String>,
    phase: Phase,
    /// What was read and has not been stated yet.
    waiting: VecDeque<Item>,
    /// How many groups there were.
    groups: u64,
    /// Why the pull cannot be complete any more.
    doubt: Option<&'static str>,
}

/// What is being read.
enum Phase {
    Users(List<UserEntity>),
    Groups(List<GroupEntity>),
    Dump(Dump),
    /// The groups whose members are still to be asked for.
    Each(VecDeque<String>),
    Over,
}

impl Reading {
    /// Asks for the event token, before anything else (T63), and opens the list of users.
    pub(super) async fn begin(directory: &RemoteDirectory) -> Result<(Self, Option<Cursor>), RemoteFault> {
        let (identity, token) = directory.event_token().await?;
        let cursor = token.as_deref().and_then(|token| Cursor::new(token).ok());
        let mut reading =
            Self { identity, token, phase: Phase::Over, waiting: VecDeque::new(), groups: 0, doubt: None };
        reading.phase = Phase::Users(reading.list(&directory.exchange).await?);
        Ok((reading, cursor))
    }

    /// States what comes next until the batch is full. Says how complete the pull was once it is over.
    pub(super) async fn fill(
        &mut self,
        directory: &RemoteDirectory,
        items: &mut Items,
    ) -> Result<Option<Completeness>, RemoteFault> {
        loop {
            if !items.take(&mut self.waiting) || items.is_full() {
                return Ok(None);
            }
            match &mut self.phase {
                Phase::Users(list) => match list.next().await? {
                    Some(user) => {
                        self.waiting.push_back(stated(user, |user| entry::user(user).map(Item::User)))
                    }
                    None => {
                        let count = list.count();
                        self.look_beyond::<UserEntity>(directory, count).await?;
                        self.phase = Phase::Groups(self.list(&directory.exchange).await?);
                    }
                },
                Phase::Groups(list) => match list.next().await? {
                    Some(group) => {
                        self.waiting.push_back(stated(group, |group| entry::group(group).map(Item::Group)))
                    }
                    None => {
                        self.groups = list.count();
                        self.look_beyond::<GroupEntity>(directory, self.groups).await?;
                        self.phase = self.memberships(&directory.exchange).await?;
                    }
                },
                Phase::Dump(dump) => match dump.next().await? {
                    Some(part) => state(&part.members, part_of(part.part), &mut self.waiting),
                    None => {
                        if dump.groups < self.groups {
                            self.doubt("the memberships do not name every group");
                        }
                        self.phase = Phase::Over;
                    }
                },
                Phase::Each(groups) => match groups.pop_front() {
                    Some(group) => {
                        items.asked += 1;
                        self.members(directory, group).await?;
                    }
                    None => self.phase = Phase::Over,
                },
                Phase::Over => return self.conclude(directory).await.map(Some),
            }
        }
    }

    fn doubt(&mut self, why: &'static str) {
        self.doubt.get_or_insert(why);
    }

    /// An answer of the server that answered first, or the pull is over.
    fn same<T>(&self, said: Said<T>) -> Result<Reply<T>, RemoteFault> {
        self.recognise(said.identity)?;
        Ok(said.reply)
    }

    fn recognise(&self, now: Identity) -> Result<(), RemoteFault> {
        if now == self.identity {
            Ok(())
        } else {
            Err(RemoteFault::IdentityChanged { before: Box::new(self.identity.clone()), now: Box::new(now) })
        }
    }

    fn done<T>(&self, said: Said<T>) -> Result<T, RemoteFault> {
        match self.same(said)? {
            Reply::Done(answer) => Ok(answer),
            Reply::Declined(declined) => Err(declined.fault()),
        }
    }

    /// Opens the list of everything of a kind.
    async fn list<T: Listed>(&self, exchange: &Exchange) -> Result<List<T>, RemoteFault> {
        let said = exchange.open(&listing::found::<T>(&Restriction::Everything)).await?;
        Ok(List::new(self.done(said)?, exchange))
    }

    /// Asks for one more than there was: a server that caps its answers without a word has it (T59).
    async fn look_beyond<T: Listed>(
        &mut self,
        directory: &RemoteDirectory,
        count: u64,
    ) -> Result<(), RemoteFault> {
        let call = listing::search::<T>(&Restriction::Everything).listing(count, 1);
        let call = call.with("expand", T::WORD);
        if self.holds_any::<T>(&directory.exchange, &call).await? {
            self.doubt("the server does not give everything at once");
        }
        Ok(())
    }

    async fn holds_any<T: Listed>(&self, exchange: &Exchange, call: &Call) -> Result<bool, RemoteFault> {
        let said = exchange.open(call).await?;
        Ok(List::<T>::new(self.done(said)?, exchange).next().await?.is_some())
    }

    /// Opens the dump of all memberships or, where the server has none, lists the groups to ask for.
    async fn memberships(&mut self, exchange: &Exchange) -> Result<Phase, RemoteFault> {
        let said = exchange.open(&Call::read("group/membership")).await?;
        match self.same(said)? {
            Reply::Done(stream) => return Ok(Phase::Dump(Dump::new(stream, exchange))),
            Reply::Declined(declined) if declined.is_not_offered() => {}
            Reply::Declined(declined) => return Err(declined.fault()),
        }
        let call = listing::search::<GroupEntity>(&Restriction::Everything).listing(0, listing::ALL);
        let said = exchange.open(&call.with("expand", GroupEntity::WORD)).await?;
        let mut list = List::<GroupEntity>::new(self.done(said)?, exchange);
        let mut names = VecDeque::new();
        while let Some(group) = list.next().await? {
            match group {
                // What is not a name must not be sent (CWD-2474): such a group was reported with the groups.
                Ok(group) if GroupName::new(&group.name).is_ok() => names.push_back(group.name),
                Ok(_) | Err(_) => self.doubt("the members of a group cannot be asked for"),
            }
        }
        if list.count() != self.groups {
            self.doubt("the groups changed while they were read");
        }
        Ok(Phase::Each(names))
    }

    /// Asks for the members of one group.
    async fn members(&mut self, directory: &RemoteDirectory, group: String) -> Result<(), RemoteFault> {
        let users = self.named::<UserEntity>(directory, "group/user/direct", &group).await?;
        let groups = self.named::<GroupEntity>(directory, "group/child-group/direct", &group).await?;
        match (users, groups) {
            (Some(users), Some(groups)) => {
                let users = users.into_iter().map(|user| user.name).collect();
                let groups = groups.into_iter().map(|group| group.name).collect();
                state(&Membership { group, users, groups }, Part::Last, &mut self.waiting);
            }
            (None, _) | (_, None) => self.doubt("a group went away while it was read"),
        }
        Ok(())
    }

    /// The members of a kind that a group has; `None` when it is gone.
    async fn named<T: Listed>(
        &mut self,
        directory: &RemoteDirectory,
        path: &str,
        group: &str,
    ) -> Result<Option<Vec<T>>, RemoteFault> {
        let exchange = &directory.exchange;
        let call = |start, most| Call::read(path).with("groupname", group).listing(start, most);
        let said = exchange.open(&call(0, listing::ALL)).await?;
        let stream = match self.same(said)? {
            Reply::Done(stream) => stream,
            Reply::Declined(declined) if declined.is(&Reason::GroupNotFound) => return Ok(None),
            Reply::Declined(declined) => return Err(declined.fault()),
        };
        let mut list = List::<T>::new(stream, exchange);
        let mut found = Vec::new();
        while let Some(entry) = list.next().await? {
            match entry {
                Ok(entry) => found.push(entry),
                Err(bad) => {
                    self.waiting.push_back(Item::Unreadable(listing::report(EntryKind::Membership, &bad)));
                }
            }
        }
        if list.count() > 0 && self.holds_any::<T>(exchange, &call(list.count(), 1)).await? {
            self.doubt("the server does not give everything at once");
        }
        Ok(Some(found))
    }

    /// Says whether everything was stated, now that nothing is left to read.
    async fn conclude(&mut self, directory: &RemoteDirectory) -> Result<Completeness, RemoteFault> {
        let (identity, now) = directory.event_token().await?;
        self.recognise(identity)?;
        let instance = |token: &Option<String>| token.as_deref().and_then(token::instance).map(str::to_owned);
        match (instance(&self.token), instance(&now)) {
            (before, now) if before == now => {}
            (Some(_), Some(_)) => return Err(RemoteFault::InstanceChanged),
            (None, _) | (_, None) => self.doubt("the server tells events only sometimes"),
        }
        Ok(self.doubt.map_or(Completeness::Proven, Completeness::Unproven))
    }
}

/// The dump of all memberships, while it is read.
struct Dump {
    stream: Stream,
    reader: Option<MembershipReader>,
    ready: VecDeque<MembershipPart>,
    /// How many groups it had so far.
    groups: u64,
    most: u64,
}

impl Dump {
    fn new(stream: Stream, exchange: &Exchange) -> Self {
        Self {
            stream,
            reader: Some(MembershipReader::new(exchange.wire_limits())),
            ready: VecDeque::new(),
            groups: 0,
            most: exchange.limits().entries,
        }
    }

    /// The next part; none at the proven end of the dump.
    async fn next(&mut self) -> Result<Option<MembershipPart>, RemoteFault> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                if part.part == throng_wire::Part::Last {
                    self.groups += 1;
                }
                if self.groups > self.most {
                    return Err(RemoteFault::TooLarge);
                }
                return Ok(Some(part));
            }
            let Some(reader) = &mut self.reader else { return Ok(None) };
            match self.stream.piece().await? {
                Some(piece) => self.ready.extend(reader.feed(&piece)?),
                None => {
                    let reader = self.reader.take();
                    reader.map_or(Ok(()), MembershipReader::finish)?;
                }
            }
        }
    }
}

fn part_of(part: throng_wire::Part) -> Part {
    match part {
        throng_wire::Part::More => Part::More,
        throng_wire::Part::Last => Part::Last,
    }
}

/// An entry as an item, whether it can be used or not.
fn stated<T: Listed>(
    entry: Result<T, BadEntry>,
    take: impl FnOnce(T) -> Result<Item, entry::BadEntry>,
) -> Item {
    match entry.map_err(|bad| listing::report(T::KIND, &bad)) {
        Ok(entity) => take(entity).unwrap_or_else(|bad| Item::Unreadable(bad.unreadable())),
        Err(unreadable) => Item::Unreadable(unreadable),
    }
}

/// States members of a group, in parts that fit into a batch.
fn state(membership: &Membership, part: Part, waiting: &mut VecDeque<Item>) {
    let group = match entry::group_name(EntryKind::Membership, &membership.group) {
        Ok(group) => group,
        Err(unreadable) => return waiting.push_back(Item::Unreadable(unreadable)),
    };
    let users =
        membership.users.iter().map(|name| entry::username(EntryKind::Membership, name).map(Member::User));
    let groups = membership
        .groups
        .iter()
        .map(|name| entry::group_name(EntryKind::Membership, name).map(Member::Group));
    let (members, bad): (Vec<_>, Vec<_>) = users.chain(groups).partition(Result::is_ok);
    waiting.extend(bad.into_iter().filter_map(Result::err).map(|bad: Unreadable| Item::Unreadable(bad)));
    let mut members: Vec<Member> = members.into_iter().filter_map(Result::ok).collect();
    while members.len() > Items::MAX_MEMBERS {
        let rest = members.split_off(Items::MAX_MEMBERS);
        waiting.push_back(Item::Members { group: group.clone(), members, part: Part::More });
        members = rest;
    }
    waiting.push_back(Item::Members { group, members, part });
}
