//! A read-only directory over an application of another Throng in the same process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use throng::core::directory::{Credence, Directory, Powers, Refusal};
use throng::core::error::{DirectoryError, Fault};
use throng::core::filter::Filter;
use throng::core::group::{Group, Member};
use throng::core::id::{DirectoryId, ExternalId};
use throng::core::name::{GroupName, Username};
use throng::core::page::{Page, PageRequest};
use throng::core::secret::Secret;
use throng::core::user::User;
use throng::error::Denial;
use throng::{Application, Depth, Error};

/// Another application's users and groups, as it resolves them. It can be switched off, as a server can.
#[derive(Debug, Clone)]
pub(crate) struct InProcess {
    id: DirectoryId,
    server: Application,
    on: Arc<AtomicBool>,
}

impl InProcess {
    pub(crate) fn new(id: DirectoryId, server: Application) -> Self {
        Self { id, server, on: Arc::new(AtomicBool::new(true)) }
    }

    pub(crate) fn switch_off(&self) {
        self.on.store(false, Ordering::SeqCst);
    }

    pub(crate) fn switch_on(&self) {
        self.on.store(true, Ordering::SeqCst);
    }

    fn server(&self) -> Result<&Application, DirectoryError> {
        let off = || DirectoryError::new(Fault::Unavailable, "the server is switched off");
        if self.on.load(Ordering::SeqCst) { Ok(&self.server) } else { Err(off()) }
    }
}

/// The server's own directories do not matter here: its account ids carry them along.
fn exported(directory: DirectoryId, user: User) -> Result<User, DirectoryError> {
    let id = ExternalId::new(format!("{directory}:{}", user.external_id));
    let external_id =
        id.map_err(|cause| DirectoryError::new(Fault::Broken, "external id").caused_by(cause))?;
    Ok(User { external_id, ..user })
}

fn fault(error: Error) -> DirectoryError {
    let fault = if error.is_retryable() { Fault::Unavailable } else { Fault::Broken };
    DirectoryError::new(fault, "the server").caused_by(error)
}

/// What is not found is a fact and no fault.
fn found<T>(outcome: Result<T, Error>) -> Result<Option<T>, DirectoryError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(fault(error)),
    }
}

#[async_trait]
impl Directory for InProcess {
    fn id(&self) -> DirectoryId {
        self.id
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        let user = found(self.server()?.find_user(name.as_str()).await)?;
        user.map(|user| exported(user.directory(), user.into_value())).transpose()
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        let group = found(self.server()?.find_group(name.as_str()).await)?;
        Ok(group.map(|group| group.into_value()))
    }

    async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError> {
        let page = self.server()?.search_users(filter, page).await.map_err(fault)?;
        let users = page.items.into_iter().map(|user| exported(user.directory, user.value));
        Ok(Page { items: users.collect::<Result<_, _>>()?, next: page.next })
    }

    async fn find_groups(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        let page = self.server()?.search_groups(filter, page).await.map_err(fault)?;
        Ok(page.map(|group| group.value))
    }

    async fn parents_of(
        &self,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, DirectoryError> {
        let server = self.server()?;
        let memberships = match member {
            Member::User(name) => match found(server.find_user(name.as_str()).await)? {
                Some(user) => found(server.groups_of(&user, Depth::Direct).await)?,
                None => None,
            },
            Member::Group(name) => found(server.groups_of_group(name.as_str(), Depth::Direct).await)?,
        };
        let groups = memberships.unwrap_or_default().into_iter().map(|membership| membership.group);
        let groups = groups.filter(|group| page.reaches(group.key())).collect();
        Ok(Page::cut(groups, page.limit(), GroupName::key))
    }

    async fn children_of(
        &self,
        group: &GroupName,
        page: &PageRequest,
    ) -> Result<Page<Member>, DirectoryError> {
        let server = self.server()?;
        let users = found(server.members_of(group.as_str(), Depth::Direct, page).await)?;
        let Some(users) = users else { return Ok(Page::whole(vec![])) };
        let groups = found(server.groups_in(group.as_str(), Depth::Direct).await)?.unwrap_or_default();
        let reaches = |group: &GroupName| {
            page.reaches(group.key()) && users.next.as_ref().is_none_or(|next| group.key() <= next)
        };
        let mut members: Vec<Member> = groups.into_iter().filter(reaches).map(Member::Group).collect();
        members.extend(users.items.into_iter().map(|user| Member::User(user.value.name)));
        members.sort_by(|a, b| a.key().cmp(b.key()).then_with(|| a.cmp(b)));
        // A user and a group of the same key stay on one page.
        let mut length = page.limit().min(members.len());
        if length < members.len() && members[length].key() == members[length - 1].key() {
            length += 1;
        }
        let cut = Page::cut(members, length, Member::key);
        Ok(Page { next: cut.next.or(users.next), items: cut.items })
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        match self.server()?.authenticate(name.as_str(), secret.expose()).await {
            Ok(who) => {
                let user = who.user();
                Ok(Credence::Accepted(exported(user.directory(), user.value().clone())?))
            }
            Err(Error::Denied { why: Denial::Refused { why, .. }, .. }) => Ok(Credence::Refused(why)),
            Err(Error::Denied { why: Denial::Unknown, .. }) => Ok(Credence::Unknown),
            Err(Error::Denied { .. }) => Ok(Credence::Refused(Refusal::WrongPassword)),
            Err(error) => Err(fault(error)),
        }
    }

    fn powers(&self) -> Powers<'_> {
        Powers::NONE
    }
}
