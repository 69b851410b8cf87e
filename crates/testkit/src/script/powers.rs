//! The powers of the scripted directory.

use async_trait::async_trait;
use throng_core::attribute::Attributes;
use throng_core::change::OnCycle;
use throng_core::directory::{
    GroupPatch, NewGroup, NewUser, SetPasswords, TakeHashes, UserPatch, WriteGroups, WriteMembers, WriteUsers,
};
use throng_core::error::{DirectoryError, Fault};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Username};
use throng_core::password::EncodedHash;
use throng_core::secret::Secret;
use throng_core::user::User;

use super::behaviour::{Call, Manner};
use super::directory::{Password, ScriptedDirectory};
use crate::population::Population;

impl ScriptedDirectory {
    /// Does what a call asks for, unless the behaviour stops it, and loses the answer if that is how it behaves.
    async fn act<T>(
        &self,
        call: Call,
        act: impl FnOnce(Manner) -> Result<T, DirectoryError> + Send,
    ) -> Result<T, DirectoryError> {
        let manner = self.begin(call).await?;
        manner.answer(act(manner))
    }

    fn make(&self, user: &NewUser, manner: Manner) -> Result<User, DirectoryError> {
        let made = User {
            external_id: self.draw_id("u"),
            name: match manner {
                Manner::Lying(lie) => lie.about_name(&user.name),
                Manner::Honest | Manner::Refusing(_) | Manner::Losing => user.name.clone(),
            },
            profile: user.profile.clone(),
            active: user.active,
            attributes: Attributes::new(),
        };
        self.scripted().population.add_user(made.clone()).map_err(on("user"))?;
        Ok(made)
    }
}

#[async_trait]
impl WriteUsers for ScriptedDirectory {
    async fn add_user(&self, user: &NewUser) -> Result<User, DirectoryError> {
        self.act(Call::AddUser, |manner| self.make(user, manner)).await
    }

    async fn update_user(&self, id: &ExternalId, patch: &UserPatch) -> Result<User, DirectoryError> {
        let update = |_| {
            let mut scripted = self.scripted();
            scripted.population.update_user(id, patch).map_err(on("user"))?;
            account(&scripted.population, id)
        };
        self.act(Call::UpdateUser, update).await
    }

    async fn rename_user(&self, id: &ExternalId, name: &Username) -> Result<User, DirectoryError> {
        let rename = |_| {
            let mut scripted = self.scripted();
            scripted.population.rename_user(id, name).map_err(on("user"))?;
            account(&scripted.population, id)
        };
        self.act(Call::RenameUser, rename).await
    }

    async fn remove_user(&self, id: &ExternalId) -> Result<(), DirectoryError> {
        self.act(Call::RemoveUser, |_| self.drop_user(id).map(drop).map_err(on("user"))).await
    }
}

#[async_trait]
impl WriteGroups for ScriptedDirectory {
    async fn add_group(&self, group: &NewGroup) -> Result<Group, DirectoryError> {
        let add = |_| {
            let made = Group {
                external_id: self.draw_id("g"),
                name: group.name.clone(),
                description: group.description.clone(),
                origin: Origin::Local,
                attributes: Attributes::new(),
            };
            self.scripted().population.add_group(made.clone()).map_err(on("group"))?;
            Ok(made)
        };
        self.act(Call::AddGroup, add).await
    }

    async fn update_group(&self, name: &GroupName, patch: &GroupPatch) -> Result<Group, DirectoryError> {
        let update = |_| {
            let population = &mut self.scripted().population;
            population.update_group(name.key(), patch).map_err(on("group"))?;
            let group = population.group(name.key()).cloned();
            group.ok_or(DirectoryError::new(Fault::Missing, "group"))
        };
        self.act(Call::UpdateGroup, update).await
    }

    async fn remove_group(&self, name: &GroupName) -> Result<(), DirectoryError> {
        self.act(Call::RemoveGroup, |_| self.drop_group(name).map_err(on("group"))).await
    }
}

#[async_trait]
impl WriteMembers for ScriptedDirectory {
    async fn add_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
        let add = |_| {
            let population = &mut self.scripted().population;
            population.add_member(group.key(), member, OnCycle::Refuse).map_err(on("membership"))
        };
        self.act(Call::AddMember, add).await
    }

    async fn remove_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
        let remove = |_| self.drop_member(group, member).map_err(on("membership"));
        self.act(Call::RemoveMember, remove).await
    }
}

#[async_trait]
impl SetPasswords for ScriptedDirectory {
    async fn set_password(&self, id: &ExternalId, secret: &Secret) -> Result<(), DirectoryError> {
        let set = |_| {
            let mut scripted = self.scripted();
            if scripted.population.user_by_id(id).is_none() {
                return Err(DirectoryError::new(Fault::Missing, "user"));
            }
            if secret.expose().chars().count() < Self::MIN_PASSWORD_CHARS {
                return Err(DirectoryError::new(Fault::Invalid, "password"));
            }
            scripted.passwords.insert(id.clone(), Password::new(secret.expose()));
            Ok(())
        };
        self.act(Call::SetPassword, set).await
    }
}

#[async_trait]
impl TakeHashes for ScriptedDirectory {
    async fn add_user_with_hash(&self, user: &NewUser, hash: &EncodedHash) -> Result<User, DirectoryError> {
        let add = |manner| {
            let known = self.scripted().hashes.iter().find(|(known, _)| known == hash).cloned();
            let (_, password) = known.ok_or(DirectoryError::new(Fault::Invalid, "password"))?;
            let made = self.make(user, manner)?;
            self.put_password(&made.external_id, &password);
            Ok(made)
        };
        self.act(Call::AddUserWithHash, add).await
    }
}

fn account(population: &Population, id: &ExternalId) -> Result<User, DirectoryError> {
    let user = population.user_by_id(id).cloned();
    user.ok_or(DirectoryError::new(Fault::Missing, "user"))
}

fn on(subject: &'static str) -> impl Fn(Fault) -> DirectoryError {
    move |fault| DirectoryError::new(fault, subject)
}
