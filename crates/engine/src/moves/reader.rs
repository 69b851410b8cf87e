//! Reads a directory to the end of its pages, within the deadline.

use std::sync::Arc;
use std::time::Duration;

use throng_core::directory::Directory;
use throng_core::error::DirectoryError;
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::user::User;

use crate::ask::{advance, hear};
use crate::error::Error;

/// A directory that is read. Its silence is an error: a part must not pass for the whole.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    port: Arc<dyn Directory>,
    deadline: Duration,
}

impl Reader {
    pub(super) fn new(port: Arc<dyn Directory>, deadline: Duration) -> Self {
        Self { port, deadline }
    }

    pub(super) fn port(&self) -> &dyn Directory {
        &*self.port
    }

    fn id(&self) -> DirectoryId {
        self.port.id()
    }

    async fn heard<T>(&self, answer: impl Future<Output = Result<T, DirectoryError>>) -> Result<T, Error> {
        hear(self.deadline, self.id(), answer).await?.or_unavailable(self.id())
    }

    pub(super) async fn user(&self, name: &Username) -> Result<Option<User>, Error> {
        self.heard(self.port.user(name)).await
    }

    pub(super) async fn group(&self, name: &GroupName) -> Result<Option<Group>, Error> {
        self.heard(self.port.group(name)).await
    }

    pub(super) async fn users(&self, filter: &Filter) -> Result<Vec<User>, Error> {
        self.all(async |page| self.heard(self.port.find_users(filter, &page)).await).await
    }

    pub(super) async fn parents(&self, member: &Member) -> Result<Vec<GroupName>, Error> {
        self.all(async |page| self.heard(self.port.parents_of(member, &page)).await).await
    }

    pub(super) async fn members(&self, group: &GroupName) -> Result<Vec<Member>, Error> {
        self.all(async |page| self.heard(self.port.children_of(group, &page)).await).await
    }

    async fn all<T>(
        &self,
        ask: impl AsyncFn(PageRequest) -> Result<Page<T>, Error>,
    ) -> Result<Vec<T>, Error> {
        let (mut items, mut request) = (Vec::new(), PageRequest::first(PageRequest::MAX_LIMIT));
        loop {
            let page = ask(request.clone()).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => request = advance(&request, next)?,
                None => return Ok(items),
            }
        }
    }
}
