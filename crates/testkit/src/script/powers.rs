//! The powers of the scripted directory.

use async_trait::async_trait;
use throng_core::attribute::Attributes;
use throng_core::change::OnCycle;
use throng_core::directory::{
    GroupPatch, NewGroup, NewUser, SetPasswords, UserPatch, WriteGroups, WriteMembers, WriteUsers,
};
use throng_core::error::{DirectoryError, Fault};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Username};
use throng_core::secret::Secret;
use throng_core::user::User;

use super::behaviour::{Call, Manner};
use super::directory::{Password, ScriptedDirectory};
use crate::population::Population;

#[async_trait]
impl WriteUsers for ScriptedDirectory {
    async fn add_user(&self, user: &NewUser) -> Result<User, DirectoryError> {
        let manner = self.begin(Call::AddUser).await?;
        let made = User {
            external_id: self.draw_id("u"),
            name: match manner {
                Manner::Lying(lie) => lie.about_name(&user.name),
                Manner::Honest | Manner::Refusing(_) => user.name.clone(),
            },
            profile: user.profile.clone(),
            active: user.active,
            attributes: Attributes::new(),
        };
        let mut scripted = self.scripted();
        scripted.population.add_user(made.clone()).map_err(on("user"))?;
        Ok(made)
    }

    async fn update_user(&self, id: &ExternalId, patch: &UserPatch) -> Result<User, DirectoryError> {
        self.begin(Call::UpdateUser).await?;
        let mut scripted = self.scripted();
        scripted.population.update_user(id, patch).map_err(on("user"))?;
        account(&scripted.population, id)
    }

    async fn rename_user(&self, id: &ExternalId, name: &Username) -> Result<User, DirectoryError> {
        self.begin(Call::RenameUser).await?;
        let mut scripted = self.scripted();
        scripted.population.rename_user(id, name).map_err(on("user"))?;
        account(&scripted.population, id)
    }

    async fn remove_user(&self, id: &ExternalId) -> Result<(), DirectoryError> {
        self.begin(Call::RemoveUser).await?;
        self.drop_user(id).map(drop).map_err(on("user"))
    }
}

#[async_trait]
impl WriteGroups for ScriptedDirectory {
    async fn add_group(&self, group: &NewGroup) -> Result<Group, DirectoryError> {
        self.begin(Call::AddGroup).await?;
        let made = Group {
            external_id: self.draw_id("g"),
            name: group.name.clone(),
            description: group.description.clone(),
            origin: Origin::Local,
            attributes: Attributes::new(),
        };
        let mut scripted = self.scripted();
        scripted.population.add_group(made.clone()).map_err(on("group"))?;
        Ok(made)
    }

    async fn update_group(&self, name: &GroupName, patch: &GroupPatch) -> Result<Group, DirectoryError> {
        self.begin(Call::UpdateGroup).await?;
        let population = &mut self.scripted().population;
        population.update_group(name.key(), patch).map_err(on("group"))?;
        let group = population.group(name.key()).cloned();
        group.ok_or(DirectoryError::new(Fault::Missing, "group"))
    }

    async fn remove_group(&self, name: &GroupName) -> Result<(), DirectoryError> {
        self.begin(Call::RemoveGroup).await?;
        self.drop_group(name).map_err(on("group"))
    }
}

#[async_trait]
impl WriteMembers for ScriptedDirectory {
    async fn add_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
        self.begin(Call::AddMember).await?;
        let population = &mut self.scripted().population;
        population.add_member(group.key(), member, OnCycle::Refuse).map_err(on("membership"))
    }

    async fn remove_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
        self.begin(Call::RemoveMember).await?;
        self.drop_member(group, member).map_err(on("membership"))
    }
}

#[async_trait]
impl SetPasswords for ScriptedDirectory {
    async fn set_password(&self, id: &ExternalId, secret: &Secret) -> Result<(), DirectoryError> {
        self.begin(Call::SetPassword).await?;
        let mut scripted = self.scripted();
        if scripted.population.user_by_id(id).is_none() {
            return Err(DirectoryError::new(Fault::Missing, "user"));
        }
        if secret.expose().chars().count() < Self::MIN_PASSWORD_CHARS {
            return Err(DirectoryError::new(Fault::Invalid, "password"));
        }
        scripted.passwords.insert(id.clone(), Password::new(secret.expose()));
        Ok(())
    }
}

fn account(population: &Population, id: &ExternalId) -> Result<User, DirectoryError> {
    let user = population.user_by_id(id).cloned();
    user.ok_or(DirectoryError::new(Fault::Missing, "user"))
}

fn on(subject: &'static str) -> impl Fn(Fault) -> DirectoryError {
    move |fault| DirectoryError::new(fault, subject)
}
