//! What internal and delegated directories share: their records.

use std::sync::Arc;

use throng_core::change::{Change, ChangeSet, OnCycle};
use throng_core::directory::{GroupPatch, NewGroup, NewUser, UserPatch};
use throng_core::entropy::Entropy;
use throng_core::error::{DirectoryError, Fault};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId, Subject};
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::registry::Nesting;
use throng_core::store::{Namesakes, Store};
use throng_core::time::Clock;
use throng_core::user::User;

/// The records of one directory in the store.
#[derive(Debug, Clone)]
pub(crate) struct RecordsOf {
    pub(crate) directory: DirectoryId,
    /// How the external ids drawn here begin.
    pub(crate) drawn: &'static str,
    /// Whether groups may stand in groups.
    pub(crate) nesting: Nesting,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl RecordsOf {
    pub(crate) fn subject(&self, id: &ExternalId) -> Subject {
        Subject { directory: self.directory, external_id: id.clone() }
    }

    pub(crate) async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        Ok(self.store.user(self.directory, name.key()).await?)
    }

    pub(crate) async fn user_by_id(&self, id: &ExternalId) -> Result<Option<User>, DirectoryError> {
        Ok(self.store.user_by_id(&self.subject(id)).await?)
    }

    pub(crate) async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        let groups = self.store.locate_groups(name.key()).await?;
        Ok(groups.into_iter().find(|(directory, _)| *directory == self.directory).map(|(_, group)| group))
    }

    pub(crate) async fn find_users(
        &self,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<User>, DirectoryError> {
        let (mut found, mut request) = (Vec::new(), page.clone());
        loop {
            let part = self.store.search_users(&[self.directory], filter, &request).await?;
            found.extend(own(part.items).filter(|user| filter.matches_user(user)));
            match part.next {
                Some(next) if found.len() <= page.limit() => request = request.after(next),
                _ => return Ok(Page::cut(found, page.limit(), User::key)),
            }
        }
    }

    pub(crate) async fn find_groups(
        &self,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Group>, DirectoryError> {
        let (mut found, mut request) = (Vec::new(), page.clone());
        loop {
            let part = self.store.search_groups(&[self.directory], filter, &request).await?;
            found.extend(own(part.items).filter(|group| filter.matches_group(group)));
            match part.next {
                Some(next) if found.len() <= page.limit() => request = request.after(next),
                _ => return Ok(Page::cut(found, page.limit(), Group::key)),
            }
        }
    }

    pub(crate) async fn parents_of(
        &self,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, DirectoryError> {
        Ok(self.store.parents(self.directory, member, page).await?)
    }

    pub(crate) async fn children_of(
        &self,
        group: &GroupName,
        page: &PageRequest,
    ) -> Result<Page<Member>, DirectoryError> {
        Ok(self.store.children(self.directory, group.key(), page).await?)
    }

    pub(crate) async fn apply(&self, change: Change) -> Result<(), DirectoryError> {
        self.store.apply(&ChangeSet::one(self.clock.now(), change)).await?;
        Ok(())
    }

    /// A user as it will be kept, with an id drawn here (R312).
    pub(crate) fn new_user(&self, user: &NewUser) -> User {
        User {
            external_id: ExternalId::random(self.drawn, &*self.entropy),
            name: user.name.clone(),
            profile: user.profile.clone(),
            active: user.active,
            attributes: Default::default(),
        }
    }

    /// A local group as it will be kept.
    pub(crate) fn new_group(&self, group: &NewGroup) -> Group {
        Group {
            external_id: ExternalId::random("", &*self.entropy),
            name: group.name.clone(),
            description: group.description.clone(),
            origin: Origin::Local,
            attributes: Default::default(),
        }
    }

    pub(crate) async fn add_user(&self, user: &NewUser) -> Result<User, DirectoryError> {
        let user = self.new_user(user);
        let change = Change::AddUser {
            directory: self.directory,
            user: user.clone(),
            free_in: vec![],
            credential: None,
        };
        self.apply(change).await?;
        Ok(user)
    }

    pub(crate) async fn update_user(
        &self,
        id: &ExternalId,
        patch: &UserPatch,
    ) -> Result<User, DirectoryError> {
        let change = Change::UpdateUser { subject: self.subject(id), patch: patch.clone(), free_in: vec![] };
        self.apply(change).await?;
        self.kept_user(id).await
    }

    pub(crate) async fn rename_user(&self, id: &ExternalId, name: &Username) -> Result<User, DirectoryError> {
        let change = Change::RenameUser { subject: self.subject(id), name: name.clone(), free_in: vec![] };
        self.apply(change).await?;
        self.kept_user(id).await
    }

    pub(crate) async fn remove_user(&self, id: &ExternalId) -> Result<(), DirectoryError> {
        self.apply(Change::RemoveUser { subject: self.subject(id), free_in: vec![] }).await
    }

    pub(crate) async fn add_group(&self, group: &NewGroup) -> Result<Group, DirectoryError> {
        let group = self.new_group(group);
        let change = Change::AddGroup { directory: self.directory, group: group.clone(), free_in: vec![] };
        self.apply(change).await?;
        Ok(group)
    }

    pub(crate) async fn update_group(
        &self,
        name: &GroupName,
        patch: &GroupPatch,
    ) -> Result<Group, DirectoryError> {
        let change =
            Change::UpdateGroup { directory: self.directory, group: name.clone(), patch: patch.clone() };
        self.apply(change).await?;
        self.group(name).await?.ok_or_else(|| DirectoryError::new(Fault::Missing, "group"))
    }

    pub(crate) async fn remove_group(&self, name: &GroupName) -> Result<(), DirectoryError> {
        self.apply(Change::RemoveGroup { directory: self.directory, group: name.clone() }).await
    }

    pub(crate) async fn add_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
        if matches!(member, Member::Group(_)) && self.nesting == Nesting::Direct {
            return Err(DirectoryError::new(Fault::Forbidden, "group in a group"));
        }
        self.apply(Change::AddMember {
            directory: self.directory,
            group: group.clone(),
            member: member.clone(),
            cycle: OnCycle::Refuse,
        })
        .await
    }

    pub(crate) async fn remove_member(
        &self,
        group: &GroupName,
        member: &Member,
    ) -> Result<(), DirectoryError> {
        self.apply(Change::RemoveMember {
            directory: self.directory,
            group: group.clone(),
            member: member.clone(),
        })
        .await
    }

    async fn kept_user(&self, id: &ExternalId) -> Result<User, DirectoryError> {
        self.user_by_id(id).await?.ok_or_else(|| DirectoryError::new(Fault::Missing, "user"))
    }
}

/// Searches of one directory give one holder for each name.
fn own<T>(items: Vec<Namesakes<T>>) -> impl Iterator<Item = T> {
    items.into_iter().flat_map(|namesakes| namesakes.holders).map(|(_, value)| value)
}

/// Implements the reading half of [`Directory`](throng_core::directory::Directory), and the powers over records, by a
/// field `records`.
macro_rules! records_as_directory {
    ($Kind:ty) => {
        #[async_trait::async_trait]
        impl throng_core::directory::WriteUsers for $Kind {
            async fn add_user(&self, user: &NewUser) -> Result<User, DirectoryError> {
                self.records.add_user(user).await
            }
            async fn update_user(&self, id: &ExternalId, patch: &UserPatch) -> Result<User, DirectoryError> {
                self.records.update_user(id, patch).await
            }
            async fn rename_user(&self, id: &ExternalId, name: &Username) -> Result<User, DirectoryError> {
                self.records.rename_user(id, name).await
            }
            async fn remove_user(&self, id: &ExternalId) -> Result<(), DirectoryError> {
                self.records.remove_user(id).await
            }
        }

        #[async_trait::async_trait]
        impl throng_core::directory::WriteGroups for $Kind {
            async fn add_group(&self, group: &NewGroup) -> Result<Group, DirectoryError> {
                self.records.add_group(group).await
            }
            async fn update_group(
                &self,
                name: &GroupName,
                patch: &GroupPatch,
            ) -> Result<Group, DirectoryError> {
                self.records.update_group(name, patch).await
            }
            async fn remove_group(&self, name: &GroupName) -> Result<(), DirectoryError> {
                self.records.remove_group(name).await
            }
        }

        #[async_trait::async_trait]
        impl throng_core::directory::WriteMembers for $Kind {
            async fn add_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
                self.records.add_member(group, member).await
            }
            async fn remove_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
                self.records.remove_member(group, member).await
            }
        }

        #[async_trait::async_trait]
        impl throng_core::directory::Directory for $Kind {
            fn id(&self) -> DirectoryId {
                self.records.directory
            }
            async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
                self.records.user(name).await
            }
            async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
                self.records.group(name).await
            }
            async fn find_users(
                &self,
                filter: &Filter,
                page: &PageRequest,
            ) -> Result<Page<User>, DirectoryError> {
                self.records.find_users(filter, page).await
            }
            async fn find_groups(
                &self,
                filter: &Filter,
                page: &PageRequest,
            ) -> Result<Page<Group>, DirectoryError> {
                self.records.find_groups(filter, page).await
            }
            async fn parents_of(
                &self,
                member: &Member,
                page: &PageRequest,
            ) -> Result<Page<GroupName>, DirectoryError> {
                self.records.parents_of(member, page).await
            }
            async fn children_of(
                &self,
                group: &GroupName,
                page: &PageRequest,
            ) -> Result<Page<Member>, DirectoryError> {
                self.records.children_of(group, page).await
            }
            async fn authenticate(
                &self,
                name: &Username,
                secret: &Secret,
            ) -> Result<Credence, DirectoryError> {
                let known = self.records.user(name).await?;
                let login = Login { name, secret, rules: &Rules::DEFAULT };
                Ok(self.log_in(&login, known.as_ref()).await?.credence)
            }
            fn powers(&self) -> Powers<'_> {
                self.own_powers()
            }
        }
    };
}

pub(crate) use records_as_directory;
