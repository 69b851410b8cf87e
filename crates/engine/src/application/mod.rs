//! An application: the handle through which a host asks and writes.

mod access;
mod claims;
mod consumer;
mod explain;
mod find;
mod group_writes;
mod login;
mod members;
mod presence;
mod search;
mod sessions;
mod user_writes;

pub use access::Admission;
pub use claims::Adoption;
pub(crate) use explain::judge;
pub use explain::{Explanation, NameState, Occurs, SwitchedOff};
pub use login::Authenticated;
pub use members::{Depth, Membership};
pub use sessions::{LoggedIn, NewSession, OpenSession, SessionTerms, SessionToken, binding_of};
pub use user_writes::{NewAccount, Removed};

use std::sync::Arc;

use throng_core::change::Change;
use throng_core::id::{ApplicationId, DirectoryId};
use throng_core::plan::Plan;
use throng_core::registry::{Aliases, ApplicationRecord};

use crate::config::InUse;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// One application with its own order of directories.
///
/// 1. Cheap to clone. Each call works on the plan as it is when the call begins.
/// 2. Names come in as text, are checked here, and are compared by key.
/// 3. Reading never writes; the first successful login of a name, and asking for an identity, make its claim.
#[derive(Debug, Clone)]
pub struct Application {
    throng: Throng,
    id: ApplicationId,
    view: View,
}

/// Which of its directories an application handle looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// All that are active.
    Own,
    /// Those whose users are handed on to others.
    Exported,
}

impl Application {
    pub(crate) fn new(throng: Throng, id: ApplicationId) -> Self {
        Self { throng, id, view: View::Own }
    }

    /// The same application as a user server shows it to others: without the mirrors whose users are not handed on
    /// ([`Export::Never`](throng_core::sync::Export::Never)), as if they were not in its plan. The recovery
    /// administrator is found by its name, and listed nowhere.
    ///
    /// In this way two servers can mirror each other: neither gives the other's users back, and a password is asked of
    /// the one that keeps it.
    #[must_use]
    pub fn exported(&self) -> Self {
        Self { view: View::Exported, ..self.clone() }
    }

    /// The application's id.
    pub fn id(&self) -> ApplicationId {
        self.id
    }

    /// The application as it is configured.
    pub fn record(&self) -> Result<ApplicationRecord, Error> {
        Ok(self.in_use()?.record.clone())
    }

    /// Changes the plan: order, policies, access, permissions, membership scheme, rules.
    ///
    /// [`Conflict::PlanStale`] when somebody else changed it meanwhile; nothing
    /// changed then.
    pub async fn change_plan<E>(&self, change: impl FnOnce(Plan) -> Result<Plan, E>) -> Result<(), Error>
    where
        Error: From<E>,
    {
        let record = self.own_record()?;
        let version = record.plan.version() + 1;
        let plan = change(record.plan.clone())?.with_version(version);
        self.put(ApplicationRecord { plan, ..record }).await
    }

    /// Puts the directories into another order, which names each of them once.
    pub async fn reorder(&self, order: &[DirectoryId]) -> Result<(), Error> {
        self.change_plan(|plan| plan.reorder(order)).await
    }

    /// Switches aliases on or off. Aliases that exist are kept while they are off.
    pub async fn allow_aliases(&self, aliases: Aliases) -> Result<(), Error> {
        let record = self.own_record()?;
        let plan = record.plan.clone().with_version(record.plan.version() + 1);
        self.put(ApplicationRecord { aliases, plan, ..record }).await
    }

    /// Switches the application on or off: an inactive one admits nobody (R220).
    pub async fn switch(&self, state: Switch) -> Result<(), Error> {
        let record = self.own_record()?;
        let plan = record.plan.clone().with_version(record.plan.version() + 1);
        self.put(ApplicationRecord { active: state == Switch::On, plan, ..record }).await
    }

    /// The application as it is configured, whatever this handle looks at.
    pub(crate) fn own_record(&self) -> Result<ApplicationRecord, Error> {
        Self::new(self.throng.clone(), self.id).record()
    }

    async fn put(&self, record: ApplicationRecord) -> Result<(), Error> {
        self.throng.configure(Change::PutApplication(record), Conflict::PlanStale).await
    }

    pub(crate) fn throng(&self) -> &Throng {
        &self.throng
    }

    fn in_use(&self) -> Result<Arc<InUse>, Error> {
        let in_use = match self.view {
            View::Own => self.throng.in_use(self.id),
            View::Exported => self.throng.exported(self.id),
        };
        in_use.ok_or_else(|| Error::not_found("application"))
    }
}

/// Whether something is in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It is.
    On,
    /// It is not, and keeps everything.
    Off,
}
