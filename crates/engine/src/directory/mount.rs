//! How a directory stands in a plan that is in use.

use std::sync::Arc;

use throng_core::directory::Directory;
use throng_core::registry::{DirectoryRecord, Nesting};
use throng_core::route::Abilities;

use super::{Delegated, Internal, Stored};

/// A directory as the engine reaches it.
#[derive(Debug, Clone)]
pub(crate) struct Mount {
    pub(crate) record: Arc<DirectoryRecord>,
    pub(crate) via: Via,
}

/// What is asked, and what is known without asking.
#[derive(Debug, Clone)]
pub(crate) enum Via {
    /// Records and passwords are in the store.
    Internal(Arc<Internal>),
    /// Records are in the store; passwords are checked by a verifier.
    Delegated(Arc<Delegated>),
    /// Everything is asked each time.
    Live(Arc<dyn Directory>),
    /// The host has not attached the adapter: silent about everything.
    Detached,
}

impl Mount {
    /// The stored directory, if its records are in the store.
    pub(crate) fn stored(&self) -> Option<&dyn Stored> {
        match &self.via {
            Via::Internal(directory) => Some(&**directory),
            Via::Delegated(directory) => Some(&**directory),
            Via::Live(_) | Via::Detached => None,
        }
    }

    /// What the directory is able to do.
    pub(crate) fn abilities(&self) -> Abilities {
        let (powers, nesting) = match &self.via {
            Via::Internal(directory) => (directory.powers(), directory.nesting()),
            Via::Delegated(directory) => (directory.powers(), directory.nesting()),
            Via::Live(directory) => (directory.powers(), Nesting::Allowed),
            Via::Detached => (throng_core::directory::Powers::NONE, Nesting::Direct),
        };
        Abilities {
            users: powers.users.is_some(),
            groups: powers.groups.is_some(),
            members: powers.members.is_some(),
            passwords: powers.passwords.is_some(),
            nesting: nesting == Nesting::Allowed,
        }
    }

    /// Whether groups in groups count here.
    pub(crate) fn nesting(&self) -> Nesting {
        self.stored().map_or(Nesting::Allowed, Stored::nesting)
    }
}
