//! Directories that behave in ways of their own.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use throng_core::directory::{Credence, Directory, Powers};
use throng_core::error::{DirectoryError, Fault};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::secret::Secret;
use throng_core::user::User;
use throng_testkit::script::ScriptedDirectory;

use super::{group_name, live};

/// Each of so many groups stands in the next one; anna stands in the first. Nothing of it is kept.
#[derive(Debug)]
pub(crate) struct Tower {
    pub(crate) id: DirectoryId,
    pub(crate) height: u64,
    pub(crate) anna: User,
}

impl Tower {
    fn floor(&self, name: &GroupName) -> Option<u64> {
        let floor = name.key().as_str().strip_prefix('g')?.parse().ok()?;
        (floor < self.height).then_some(floor)
    }

    fn group(floor: u64) -> GroupName {
        group_name(&format!("g{floor}"))
    }
}

#[async_trait]
impl Directory for Tower {
    fn id(&self) -> DirectoryId {
        self.id
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        Ok((*name == self.anna.name).then(|| self.anna.clone()))
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        let found = self.floor(name).map(|_| {
            let scripted = live(0);
            scripted.put_group(name.as_str(), "").unwrap()
        });
        Ok(found)
    }

    async fn find_users(&self, _: &Filter, _: &PageRequest) -> Result<Page<User>, DirectoryError> {
        Ok(Page::whole(vec![self.anna.clone()]))
    }

    async fn find_groups(&self, _: &Filter, _: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        Ok(Page::whole(vec![]))
    }

    async fn parents_of(&self, of: &Member, _: &PageRequest) -> Result<Page<GroupName>, DirectoryError> {
        let above = match of {
            Member::User(_) => Some(0),
            Member::Group(name) => self.floor(name).map(|floor| floor + 1).filter(|up| *up < self.height),
        };
        Ok(Page::whole(above.map(Self::group).into_iter().collect()))
    }

    async fn children_of(&self, group: &GroupName, _: &PageRequest) -> Result<Page<Member>, DirectoryError> {
        let below = match self.floor(group) {
            Some(0) => Some(Member::User(self.anna.name.clone())),
            floor => floor.map(|floor| Member::Group(Self::group(floor - 1))),
        };
        Ok(Page::whole(below.into_iter().collect()))
    }

    async fn authenticate(&self, _: &Username, _: &Secret) -> Result<Credence, DirectoryError> {
        Ok(Credence::Unknown)
    }

    fn powers(&self) -> Powers<'_> {
        Powers::NONE
    }
}

/// A directory whose every page says that more follows, from the same place on. It gives up after a while, so that
/// whoever believes it can be told from who does not.
#[derive(Debug)]
pub(crate) struct Endless {
    pub(crate) inner: ScriptedDirectory,
    pub(crate) pages: AtomicU64,
}

impl Endless {
    pub(crate) const PATIENCE: u64 = 200;

    fn turn<T>(&self, mut page: Page<T>, request: &PageRequest) -> Result<Page<T>, DirectoryError> {
        if self.pages.fetch_add(1, Ordering::SeqCst) >= Self::PATIENCE {
            return Err(DirectoryError::new(Fault::Unavailable, "endless directory"));
        }
        page.next = Some(request.start().cloned().unwrap_or(Key::of("a")));
        Ok(page)
    }
}

#[async_trait]
impl Directory for Endless {
    fn id(&self) -> DirectoryId {
        self.inner.id()
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        self.inner.user(name).await
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        self.inner.group(name).await
    }

    async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError> {
        self.turn(self.inner.find_users(filter, page).await?, page)
    }

    async fn find_groups(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        self.turn(self.inner.find_groups(filter, page).await?, page)
    }

    async fn parents_of(&self, of: &Member, page: &PageRequest) -> Result<Page<GroupName>, DirectoryError> {
        self.turn(self.inner.parents_of(of, page).await?, page)
    }

    async fn children_of(&self, of: &GroupName, page: &PageRequest) -> Result<Page<Member>, DirectoryError> {
        self.turn(self.inner.children_of(of, page).await?, page)
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        self.inner.authenticate(name, secret).await
    }

    fn powers(&self) -> Powers<'_> {
        self.inner.powers()
    }
}

/// A directory that lists its users the last one first.
#[derive(Debug)]
pub(crate) struct Backwards(pub(crate) ScriptedDirectory);

#[async_trait]
impl Directory for Backwards {
    fn id(&self) -> DirectoryId {
        self.0.id()
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        self.0.user(name).await
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        self.0.group(name).await
    }

    async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError> {
        let mut page = self.0.find_users(filter, page).await?;
        page.items.reverse();
        Ok(page)
    }

    async fn find_groups(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        self.0.find_groups(filter, page).await
    }

    async fn parents_of(&self, of: &Member, page: &PageRequest) -> Result<Page<GroupName>, DirectoryError> {
        self.0.parents_of(of, page).await
    }

    async fn children_of(&self, of: &GroupName, page: &PageRequest) -> Result<Page<Member>, DirectoryError> {
        self.0.children_of(of, page).await
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        self.0.authenticate(name, secret).await
    }

    fn powers(&self) -> Powers<'_> {
        self.0.powers()
    }
}
