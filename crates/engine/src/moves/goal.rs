//! Where users go to: what it is able to do, may do, and holds already.

use serde::Serialize;
use throng_core::directory::{WriteGroups, WriteMembers, WriteUsers};
use throng_core::error::DirectoryError;
use throng_core::group::{Group, Member};
use throng_core::id::{DirectoryId, ExternalId, Subject};
use throng_core::moves::{Belongings, GivenPassword, Taken, TargetPasswords};
use throng_core::name::{GroupName, Username};
use throng_core::permission::Operation;
use throng_core::registry::Nesting;
use throng_core::user::User;

use super::origin::given;
use super::reader::Reader;
use crate::config::Config;
use crate::directory::{Delegated, Mount, Via};
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// Where users go to.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) mount: Mount,
    pub(super) reader: Reader,
}

/// Something that a move needs of a directory, and whether it is to be had (P10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capability {
    /// The directory.
    pub directory: DirectoryId,
    /// What is needed.
    pub operation: Operation,
    /// Whether the directory is able to do it.
    pub can: bool,
    /// Whether configuration allows it.
    pub may: bool,
}

impl Goal {
    pub(super) fn of(throng: &Throng, config: &Config, id: DirectoryId) -> Result<Self, Error> {
        let mount = config.mount(id).cloned().ok_or_else(|| Error::not_found("directory"))?;
        Ok(Self { reader: Reader::new(throng.open(id)?, throng.0.deadline), mount })
    }

    pub(super) fn id(&self) -> DirectoryId {
        self.mount.record.id
    }

    /// Whether changes of it are a matter of the store alone.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.mount.via, Via::Internal(_) | Via::Delegated(_))
    }

    pub(super) fn passwords(&self) -> TargetPasswords {
        match &self.mount.via {
            Via::Internal(_) => TargetPasswords::Kept,
            Via::Delegated(_) => TargetPasswords::CheckedElsewhere,
            Via::Mirrored(_) | Via::Live(_) | Via::Detached => match self.reader.port().powers().hashes {
                Some(_) => TargetPasswords::HashesTaken,
                None => TargetPasswords::NoHashesTaken,
            },
        }
    }

    pub(super) fn nests(&self) -> bool {
        self.mount.nesting() == Nesting::Allowed
    }

    /// What is needed to make users with groups, each with whether it is to be had.
    pub(super) fn capabilities(&self) -> Vec<Capability> {
        let can = self.mount.abilities();
        [
            (Operation::CreateUser, can.users),
            (Operation::UpdateUser, can.users),
            (Operation::CreateGroup, can.groups),
            (Operation::UpdateGroup, can.members),
        ]
        .map(|(operation, can)| Capability {
            directory: self.id(),
            operation,
            can,
            may: self.mount.record.permissions.allows(operation),
        })
        .into()
    }

    pub(super) async fn user(&self, name: &Username) -> Result<Option<User>, Error> {
        self.reader.user(name).await
    }

    /// Everything that belongs to an account of it.
    pub(super) async fn belongings(&self, throng: &Throng, user: &User) -> Result<Option<Belongings>, Error> {
        if self.is_kept() {
            return Ok(throng.0.store.belongings(&self.subject(&user.external_id)).await?);
        }
        let groups = self.reader.parents(&Member::User(user.name.clone())).await?;
        Ok(Some(Belongings { groups, ..Belongings::of(user.clone()) }))
    }

    /// Who has a name in it.
    pub(super) fn taken(&self, belongings: &Belongings) -> Taken {
        let password = match self.passwords() {
            TargetPasswords::Kept => given(belongings.credential.as_ref()),
            TargetPasswords::CheckedElsewhere
            | TargetPasswords::HashesTaken
            | TargetPasswords::NoHashesTaken => GivenPassword::Withheld,
        };
        Taken { external_id: belongings.user.external_id.clone(), password }
    }

    pub(super) fn subject(&self, id: &ExternalId) -> Subject {
        Subject { directory: self.id(), external_id: id.clone() }
    }

    /// The id of an account that is made in it: the one that it has at the source, where that is free and means
    /// something here.
    pub(super) async fn id_for(&self, throng: &Throng, user: &User) -> Result<ExternalId, Error> {
        let entropy = &*throng.0.entropy;
        if !matches!(self.mount.via, Via::Internal(_)) {
            // Whoever checks passwords for it gives its own id at the first login.
            return Ok(ExternalId::random(Delegated::UNBOUND, entropy));
        }
        let id = &user.external_id;
        let is_free = throng.0.store.user_by_id(&self.subject(id)).await?.is_none();
        let is_fit = !id.is_of_name() && !id.as_str().starts_with(Delegated::UNBOUND);
        Ok(if is_free && is_fit { id.clone() } else { ExternalId::random("", entropy) })
    }

    pub(super) async fn group(&self, name: &GroupName) -> Result<Option<Group>, Error> {
        self.reader.group(name).await
    }

    pub(super) fn writes_users(&self) -> Result<&dyn WriteUsers, Error> {
        self.reader.port().powers().users.ok_or(Error::Forbidden("user"))
    }

    pub(super) fn writes_groups(&self) -> Result<&dyn WriteGroups, Error> {
        self.reader.port().powers().groups.ok_or(Error::Forbidden("group"))
    }

    pub(super) fn writes_members(&self) -> Result<&dyn WriteMembers, Error> {
        self.reader.port().powers().members.ok_or(Error::Forbidden("membership"))
    }

    /// Waits for it to do what it is told.
    pub(super) async fn told<T>(
        &self,
        throng: &Throng,
        answer: impl Future<Output = Result<T, DirectoryError>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(throng.0.deadline, answer).await {
            Ok(answer) => {
                answer.map_err(|error| Error::from_directory(error, self.id(), Conflict::NameTaken))
            }
            Err(_) => Err(Error::silent(self.id())),
        }
    }
}
