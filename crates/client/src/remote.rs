//! The directory: what is asked of the server, and what its answers mean.

use std::sync::Arc;

use async_trait::async_trait;
use throng_core::directory::{Credence, Directory, Powers};
use throng_core::entropy::Entropy;
use throng_core::error::DirectoryError;
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::secret::Secret;
use throng_core::sync::{EntryKind, Unreadable};
use throng_core::user::User;
use throng_wire::{EntityKind, GroupEntity, Reason, Restriction, UserEntity};

use crate::builder::{Builder, Writes};
use crate::entry::{self, BadEntry};
use crate::exchange::{Call, Exchange, Reply};
use crate::fault::RemoteFault;
use crate::listing::{self, Keyed, List, Listed, Selection};
use crate::sync::Pulls;

/// A remote Crowd, Jira or Throng server.
///
/// 1. It knows what the server lets the application see, and asks each time. Nesting is computed elsewhere: only direct
///    memberships are asked for.
/// 2. An account's external id is the key that the server gives (R314 where it gives none). Groups have no keys; their
///    names stand in.
/// 3. A server that cannot be asked, fails, or does not let the application in is `Unavailable` (R212). An answer that
///    contradicts itself or is none of a user server is `Broken`. The cause of either is a [`RemoteFault`].
/// 4. An entry that breaks a limit of this side is `Broken` where it was asked for, left out of a search with a warning
///    in the log, and reported by a pull.
/// 5. The powers to write are there if [`Writes::Allowed`] or [`Writes::AllowedWithHashes`]; whatever the server then
///    does not let the application do is `Forbidden`. The power to synchronise is always there.
#[derive(Debug)]
pub struct RemoteDirectory {
    id: DirectoryId,
    pub(crate) exchange: Exchange,
    writes: Writes,
    pub(crate) entropy: Option<Arc<dyn Entropy>>,
    pub(crate) pulls: Pulls,
}

impl RemoteDirectory {
    /// Describes the server at an address, which is asked under the name and the password of an application that it
    /// knows. The address is the one that people open, such as `https://crowd.example.com/crowd`, without `/rest`.
    pub fn builder(
        id: DirectoryId,
        address: impl Into<String>,
        application: impl Into<String>,
        password: Secret,
    ) -> Builder {
        Builder::new(id, address.into(), application.into(), password)
    }

    pub(crate) fn new(
        id: DirectoryId,
        exchange: Exchange,
        writes: Writes,
        entropy: Option<Arc<dyn Entropy>>,
    ) -> Self {
        Self { id, exchange, writes, entropy, pulls: Pulls::default() }
    }

    /// The user of a name, as the server gives it; one of another key is not the one that was asked for (T17).
    pub(crate) async fn look_up(&self, name: &Username) -> Result<Option<User>, RemoteFault> {
        let found = self.entity::<UserEntity>(UserEntity::NAMED_BY, name.as_str()).await?;
        let user = found.map(|entity| entry::user(entity).map_err(BadEntry::fault)).transpose()?;
        Ok(user.filter(|user| user.name == *name))
    }

    /// The group of a name, as [`RemoteDirectory::look_up`] finds users.
    pub(crate) async fn look_up_group(&self, name: &GroupName) -> Result<Option<Group>, RemoteFault> {
        let found = self.entity::<GroupEntity>(GroupEntity::NAMED_BY, name.as_str()).await?;
        let group = found.map(|entity| entry::group(entity).map_err(BadEntry::fault)).transpose()?;
        Ok(group.filter(|group| group.name == *name))
    }

    /// What the server gives for a parameter, attributes included; none if it says for the one reason, and for no
    /// other, that there is none.
    pub(crate) async fn entity<E: Listed>(
        &self,
        parameter: &'static str,
        value: &str,
    ) -> Result<Option<E>, RemoteFault> {
        let call = Call::read(E::WORD).with(parameter, value).with("expand", "attributes");
        match self.exchange.fetch::<E>(&call).await?.reply {
            Reply::Done(entity) => Ok(Some(entity)),
            Reply::Declined(declined) if declined.is(&E::MISSING) => Ok(None),
            Reply::Declined(declined) => Err(declined.fault()),
        }
    }

    /// Chooses from a list what belongs on a page. Empty if the server says for this reason that there is nothing to
    /// list.
    async fn choose<L: Listed, T: Keyed>(
        &self,
        call: &Call,
        missing: Option<&Reason>,
        page: &PageRequest,
        mut read: impl FnMut(L) -> Result<Option<T>, Unreadable>,
    ) -> Result<Page<T>, RemoteFault> {
        let stream = match self.exchange.open(call).await?.reply {
            Reply::Done(stream) => stream,
            Reply::Declined(declined) if missing.is_some_and(|reason| declined.is(reason)) => {
                return Ok(Page::whole(Vec::new()));
            }
            Reply::Declined(declined) => return Err(declined.fault()),
        };
        let mut selection = Selection::new(page);
        let mut list = List::<L>::new(stream, &self.exchange);
        while let Some(entry) = list.next().await? {
            match entry.map_err(|bad| listing::report(L::KIND, &bad)).and_then(&mut read) {
                Ok(Some(item)) => selection.offer(item),
                Ok(None) => {}
                Err(entry) => {
                    let Unreadable { kind, name, why, .. } = entry;
                    tracing::warn!(directory = %self.id, ?kind, name, why, "an entry is left out");
                }
            }
        }
        Ok(selection.into_page())
    }

    async fn members(&self, group: &GroupName, page: &PageRequest) -> Result<Page<Member>, RemoteFault> {
        let list = |path: &str| Call::read(path).with("groupname", group.as_str()).listing(0, listing::ALL);
        let missing = Some(&Reason::GroupNotFound);
        let users = list("group/user/direct");
        let users = self.choose(&users, missing, page, |user: UserEntity| {
            entry::username(EntryKind::Membership, &user.name).map(|name| Some(Member::User(name)))
        });
        let users = users.await?;
        let groups = list("group/child-group/direct");
        let groups = self.choose(&groups, missing, page, |group: GroupEntity| {
            entry::group_name(EntryKind::Membership, &group.name).map(|name| Some(Member::Group(name)))
        });
        Ok(listing::merge(users, groups.await?, page.limit()))
    }
}

#[async_trait]
impl Directory for RemoteDirectory {
    fn id(&self) -> DirectoryId {
        self.id
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        self.exchange.in_time(self.look_up(name)).await.map_err(|fault| fault.about("user"))
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        self.exchange.in_time(self.look_up_group(name)).await.map_err(|fault| fault.about("group"))
    }

    async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError> {
        let call = listing::found::<UserEntity>(&Restriction::narrowing(filter, EntityKind::User));
        let users = self.choose(&call, None, page, |entity: UserEntity| {
            let user = entry::user(entity).map_err(BadEntry::unreadable)?;
            Ok(filter.matches_user(&user).then_some(user))
        });
        self.exchange.in_time(users).await.map_err(|fault| fault.about("search of users"))
    }

    async fn find_groups(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        let call = listing::found::<GroupEntity>(&Restriction::narrowing(filter, EntityKind::Group));
        let groups = self.choose(&call, None, page, |entity: GroupEntity| {
            let group = entry::group(entity).map_err(BadEntry::unreadable)?;
            Ok(filter.matches_group(&group).then_some(group))
        });
        self.exchange.in_time(groups).await.map_err(|fault| fault.about("search of groups"))
    }

    async fn parents_of(
        &self,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, DirectoryError> {
        let (call, missing) = match member {
            Member::User(name) => {
                (Call::read("user/group/direct").with("username", name.as_str()), Reason::UserNotFound)
            }
            Member::Group(name) => (
                Call::read("group/parent-group/direct").with("groupname", name.as_str()),
                Reason::GroupNotFound,
            ),
        };
        let call = call.listing(0, listing::ALL);
        let parents = self.choose(&call, Some(&missing), page, |group: GroupEntity| {
            entry::group_name(EntryKind::Membership, &group.name).map(Some)
        });
        self.exchange.in_time(parents).await.map_err(|fault| fault.about("groups of a member"))
    }

    async fn children_of(
        &self,
        group: &GroupName,
        page: &PageRequest,
    ) -> Result<Page<Member>, DirectoryError> {
        self.exchange
            .in_time(self.members(group, page))
            .await
            .map_err(|fault| fault.about("members of a group"))
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        self.exchange.in_time(self.check(name, secret)).await.map_err(|fault| fault.about("password"))
    }

    fn powers(&self) -> Powers<'_> {
        let all = Powers {
            users: Some(self),
            groups: Some(self),
            members: Some(self),
            passwords: Some(self),
            sync: Some(self),
            hashes: None,
        };
        match self.writes {
            Writes::Never => Powers { sync: Some(self), ..Powers::NONE },
            Writes::Allowed => all,
            Writes::AllowedWithHashes => Powers { hashes: Some(self), ..all },
        }
    }
}
