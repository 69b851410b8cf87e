//! Internal and delegated directories keep the contract of directories.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod common;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use throng_core::directory::{Account, Directory, NewGroup, NewUser, Refusal, UserPatch, Verifier, Vouched};
use throng_core::error::DirectoryError;
use throng_core::id::ExternalId;
use throng_core::name::Username;
use throng_core::registry::DelegatedSettings;
use throng_core::secret::Secret;
use throng_core::user::User;
use throng_testkit::contract::directory::World;
use throng_testkit::directory_contract;

/// Fills a directory through its own powers.
async fn fill(directory: &dyn Directory, world: &World) {
    let powers = directory.powers();
    for inhabitant in &world.users {
        let profile = inhabitant.profile.clone();
        let new = NewUser { name: inhabitant.name.clone(), profile, active: true };
        let user = powers.users.unwrap().add_user(&new).await.unwrap();
        if let (Some(passwords), Some(secret)) = (powers.passwords, &inhabitant.password) {
            passwords.set_password(&user.external_id, secret).await.unwrap();
        }
        if !inhabitant.active {
            let patch = UserPatch { active: Some(false), ..UserPatch::default() };
            powers.users.unwrap().update_user(&user.external_id, &patch).await.unwrap();
        }
    }
    for team in &world.groups {
        let new = NewGroup { name: team.name.clone(), description: team.description.clone() };
        powers.groups.unwrap().add_group(&new).await.unwrap();
    }
    for team in &world.groups {
        for member in &team.members {
            powers.members.unwrap().add_member(&team.name, member).await.unwrap();
        }
    }
}

async fn internal(world: &World) -> Arc<dyn Directory> {
    let throngs = common::World::new().await;
    let id = throngs.throng.internal_directory("People").await.unwrap();
    let directory = throngs.throng.open(id).unwrap();
    fill(&*directory, world).await;
    directory
}

/// Vouches for whoever the records hold, with the passwords of the world: a source that is always in step.
#[derive(Debug, Default)]
struct InStep {
    records: OnceLock<Arc<dyn Directory>>,
    passwords: Mutex<HashMap<ExternalId, Secret>>,
}

#[async_trait::async_trait]
impl Verifier for InStep {
    async fn verify(&self, name: &Username, secret: &Secret) -> Result<Vouched, DirectoryError> {
        let Some(user) = self.records.get().unwrap().user(name).await? else { return Ok(Vouched::Unknown) };
        let passwords = self.passwords.lock().unwrap();
        let right = passwords.get(&user.external_id).is_some_and(|known| known.expose() == secret.expose());
        if !right {
            return Ok(Vouched::Refused(Refusal::WrongPassword));
        }
        let User { external_id, name, profile, .. } = user;
        Ok(Vouched::Accepted(Box::new(Account { external_id, name, profile, groups: None })))
    }

    async fn account(&self, _: &ExternalId) -> Result<Option<Account>, DirectoryError> {
        Ok(None)
    }
}

async fn delegated(world: &World) -> Arc<dyn Directory> {
    let verifier = Arc::new(InStep::default());
    let (throngs, _, staff) =
        common::delegated(Arc::clone(&verifier) as Arc<dyn Verifier>, DelegatedSettings::default()).await;
    let directory = throngs.throng.open(staff).unwrap();
    fill(&*directory, world).await;
    for inhabitant in &world.users {
        let user = directory.user(&inhabitant.name).await.unwrap().unwrap();
        if let Some(secret) = &inhabitant.password {
            verifier.passwords.lock().unwrap().insert(user.external_id, secret.clone());
        }
    }
    verifier.records.set(Arc::clone(&directory)).unwrap();
    directory
}

directory_contract!(internal_directory, internal, powers = [users, groups, members, passwords]);
directory_contract!(delegated_directory, delegated, powers = [users, groups, members]);
