//! What a mirror is fed from, put together from a source that states everything and whoever checks its passwords.

use std::sync::Arc;

use async_trait::async_trait;
use throng_core::directory::{Authority, Credence, Directory, Powers};
use throng_core::error::{DirectoryError, Fault};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::secret::Secret;
use throng_core::sync::SyncSource;
use throng_core::user::User;

/// A source that is read in rounds and asked for nothing but passwords.
///
/// 1. Feeds mirrors, and has no other power.
/// 2. Whatever else a directory is asked for, it cannot say: `Unavailable`. A mirror reads its copy; of a login, the
///    groups follow with the next round
///    ([`RefreshAtLogin::Never`](throng_core::sync::RefreshAtLogin::Never) says so without a warning).
#[derive(Debug)]
pub struct Fed {
    id: DirectoryId,
    source: Arc<dyn SyncSource>,
    authority: Arc<dyn Authority>,
}

impl Fed {
    /// Puts both together. The id names the source, and no directory of an application.
    pub fn new(id: DirectoryId, source: Arc<dyn SyncSource>, authority: Arc<dyn Authority>) -> Self {
        Self { id, source, authority }
    }
}

fn unasked<T>(what: &'static str) -> Result<T, DirectoryError> {
    Err(DirectoryError::new(Fault::Unavailable, what))
}

#[async_trait]
impl Directory for Fed {
    fn id(&self) -> DirectoryId {
        self.id
    }

    async fn user(&self, _: &Username) -> Result<Option<User>, DirectoryError> {
        unasked("user of a source")
    }

    async fn group(&self, _: &GroupName) -> Result<Option<Group>, DirectoryError> {
        unasked("group of a source")
    }

    async fn find_users(&self, _: &Filter, _: &PageRequest) -> Result<Page<User>, DirectoryError> {
        unasked("users of a source")
    }

    async fn find_groups(&self, _: &Filter, _: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        unasked("groups of a source")
    }

    async fn parents_of(&self, _: &Member, _: &PageRequest) -> Result<Page<GroupName>, DirectoryError> {
        unasked("memberships of a source")
    }

    async fn children_of(&self, _: &GroupName, _: &PageRequest) -> Result<Page<Member>, DirectoryError> {
        unasked("members of a source")
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        self.authority.authenticate(name, secret).await
    }

    fn powers(&self) -> Powers<'_> {
        Powers { sync: Some(&*self.source), ..Powers::NONE }
    }
}
