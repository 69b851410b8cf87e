//! How a directory stands in a plan that is in use.

use std::sync::Arc;

use throng_core::directory::Directory;
use throng_core::plan::AsOf;
use throng_core::registry::{DirectoryRecord, Nesting};
use throng_core::route::Abilities;

use super::{Delegated, Internal, Mirrored, Stored};

/// A directory as the engine reaches it.
#[derive(Debug, Clone)]
pub(crate) struct Mount {
    pub(crate) record: Arc<DirectoryRecord>,
    pub(crate) via: Via,
    /// How old its knowledge is.
    pub(crate) as_of: AsOf,
}

/// What is asked, and what is known without asking.
#[derive(Debug, Clone)]
pub(crate) enum Via {
    /// Records and passwords are in the store.
    Internal(Arc<Internal>),
    /// Records are in the store; passwords are checked by a verifier.
    Delegated(Arc<Delegated>),
    /// Records are copies in the store; passwords are checked, and changes made, at their source.
    Mirrored(Arc<Mirrored>),
    /// Everything is asked each time.
    Live(Arc<dyn Directory>),
    /// The host has not attached the adapter, or the mirror was never complete: silent about everything.
    Detached,
}

impl Mount {
    /// The stored directory, if its records are in the store.
    pub(crate) fn stored(&self) -> Option<&dyn Stored> {
        match &self.via {
            Via::Internal(directory) => Some(&**directory),
            Via::Delegated(directory) => Some(&**directory),
            Via::Mirrored(directory) => Some(&**directory),
            Via::Live(_) | Via::Detached => None,
        }
    }

    /// The directory, if changes of it are not a matter of the store alone, so that it must be told itself.
    pub(crate) fn told(&self) -> Option<&dyn Directory> {
        match &self.via {
            Via::Live(directory) => Some(&**directory),
            Via::Mirrored(directory) => Some(&**directory),
            Via::Internal(_) | Via::Delegated(_) | Via::Detached => None,
        }
    }

    /// What the directory is able to do.
    pub(crate) fn abilities(&self) -> Abilities {
        let (powers, nesting) = match &self.via {
            Via::Internal(directory) => (directory.powers(), directory.nesting()),
            Via::Delegated(directory) => (directory.powers(), directory.nesting()),
            Via::Mirrored(directory) => (directory.powers(), directory.nesting()),
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
