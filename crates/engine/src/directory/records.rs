//! What internal and delegated directories share: their records.

use std::sync::Arc;

use throng_core::change::{Change, ChangeSet, OnCycle};
use throng_core::directory::{GroupPatch, NewGroup, NewUser, UserPatch};
use throng_core::entropy::Entropy;
use throng_core::error::{DirectoryError, Fault, StoreError};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId, Subject};
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::registry::{Nesting, TakenName};
use throng_core::store::{Namesakes, Store};
use throng_core::sync::Fence;
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
    /// Under which lease changes of several at once are made, if they are a round's.
    pub(crate) fence: Option<Fence>,
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
        Ok(self.kept_group(name).await?)
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

    /// The group of a name here.
    pub(crate) async fn kept_group(&self, name: &GroupName) -> Result<Option<Group>, StoreError> {
        let groups = self.store.locate_groups(name.key()).await?;
        Ok(groups.into_iter().find(|(directory, _)| *directory == self.directory).map(|(_, group)| group))
    }

    /// All groups that directly hold a member.
    pub(crate) async fn all_parents(&self, member: &Member) -> Result<Vec<GroupName>, StoreError> {
        let (mut parents, mut request) = (Vec::new(), PageRequest::default());
        loop {
            let page = self.store.parents(self.directory, member, &request).await?;
            parents.extend(page.items);
            match page.next {
                Some(next) => request = request.after(next),
                None => return Ok(parents),
            }
        }
    }

    /// Applies changes together.
    pub(crate) async fn apply_all(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        if !changes.is_empty() {
            let set = ChangeSet { fence: self.fence, ..ChangeSet::new(self.clock.now(), changes) };
            self.store.apply(&set).await?;
        }
        Ok(())
    }

    /// Applies a change whose outcome may stand already.
    pub(crate) async fn tolerate_conflict(&self, change: Change) -> Result<(), StoreError> {
        match self.apply_all(vec![change]).await {
            Err(error) if error.fault() == Fault::Conflict => Ok(()),
            outcome => outcome,
        }
    }

    /// Lets a user follow the new name that its source gave it, unless that is taken here (R315, T04).
    pub(crate) async fn follow_rename(
        &self,
        id: &ExternalId,
        name: &Username,
        taken: TakenName,
    ) -> Result<Followed, StoreError> {
        let rename = Change::RenameUser { subject: self.subject(id), name: name.clone(), free_in: vec![] };
        match self.apply_all(vec![rename.clone()]).await {
            Err(error) if error.fault() == Fault::Conflict => match taken {
                TakenName::Quarantine => Ok(Followed::No),
                TakenName::RenameTheHolder => self.over_holder(rename, name).await,
            },
            outcome => outcome.map(|()| Followed::Yes),
        }
    }

    /// Frees a name by renaming its holder to `name#1`, `name#2` and so on, as Crowd does, for a change that needs it.
    pub(crate) async fn over_holder(&self, needs: Change, name: &Username) -> Result<Followed, StoreError> {
        let Some(holder) = self.store.user(self.directory, name.key()).await? else {
            // The conflict was a claim of somebody else's on the name: no renaming mends that.
            return Ok(Followed::No);
        };
        let subject = self.subject(&holder.external_id);
        for n in 1..=MAX_FORCED_RENAMES {
            let Ok(aside) = Username::new(format!("{}#{n}", holder.name)) else {
                return Ok(Followed::No);
            };
            let aside = Change::RenameUser { subject: subject.clone(), name: aside, free_in: vec![] };
            match self.apply_all(vec![aside, needs.clone()]).await {
                Ok(()) => return Ok(Followed::Yes),
                Err(error) if error.fault() == Fault::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Followed::No)
    }

    async fn kept_user(&self, id: &ExternalId) -> Result<User, DirectoryError> {
        self.user_by_id(id).await?.ok_or_else(|| DirectoryError::new(Fault::Missing, "user"))
    }
}

/// Most names tried for a holder that is renamed aside (R315).
const MAX_FORCED_RENAMES: usize = 1_000;

/// Whether a user followed a rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    Yes,
    /// The name is somebody else's.
    No,
}

/// Searches of one directory give one holder for each name.
fn own<T>(items: Vec<Namesakes<T>>) -> impl Iterator<Item = T> {
    items.into_iter().flat_map(|namesakes| namesakes.holders).map(|(_, value)| value)
}

/// Implements the powers over records by a field `records`.
macro_rules! records_take_writes {
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
    };
}

/// Implements [`Directory`](throng_core::directory::Directory) by a field `records`, a method `log_in` and one
/// `own_powers`.
macro_rules! records_answer {
    ($Kind:ty) => {
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

pub(crate) use {records_answer, records_take_writes};
