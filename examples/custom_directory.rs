//! A directory of one's own: a team kept in a list, read-only, that passes the exported contract.
#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use throng::core::attribute::Attributes;
use throng::core::directory::{Credence, Directory, Powers, Refusal};
use throng::core::error::{DirectoryError, Fault};
use throng::core::filter::Filter;
use throng::core::group::{Group, Member, Origin};
use throng::core::id::{DirectoryId, ExternalId};
use throng::core::name::{GroupName, Key, Username};
use throng::core::page::{Page, PageRequest};
use throng::core::password::EncodedHash;
use throng::core::secret::Secret;
use throng::core::user::{Profile, User};
use throng::passwords::hasher::{Hasher, HasherConfig, Verification};
use throng::sqlite::SqliteStore;
use throng::system::SystemEntropy;
use throng::{Plan, Throng};

/// Everybody of a team, with hashed passwords, and their groups.
#[derive(Debug)]
struct Team {
    id: DirectoryId,
    hasher: Hasher,
    users: BTreeMap<Key, (User, Option<EncodedHash>)>,
    groups: BTreeMap<Key, (Group, BTreeSet<Member>)>,
}

impl Team {
    fn new(id: DirectoryId) -> Self {
        let hasher = Hasher::new(HasherConfig::new(NonZeroUsize::MIN), Arc::new(SystemEntropy));
        Self { id, hasher, users: BTreeMap::new(), groups: BTreeMap::new() }
    }

    async fn add(&mut self, user: User, password: Option<&Secret>) -> Result<(), Box<dyn std::error::Error>> {
        let hash = match password {
            Some(secret) => Some(self.hasher.hash(secret).await?),
            None => None,
        };
        self.users.insert(user.key().clone(), (user, hash));
        Ok(())
    }

    fn add_group(&mut self, group: Group, members: impl IntoIterator<Item = Member>) {
        self.groups.insert(group.key().clone(), (group, members.into_iter().collect()));
    }
}

/// One page of what is in the order of keys.
fn page_of<'t, T: Clone + 't>(
    items: impl Iterator<Item = &'t T>,
    key: impl Fn(&T) -> &Key,
    page: &PageRequest,
) -> Page<T> {
    let reached = items.filter(|item| page.reaches(key(item))).take(page.limit() + 1).cloned();
    Page::cut(reached.collect(), page.limit(), key)
}

#[async_trait]
impl Directory for Team {
    fn id(&self) -> DirectoryId {
        self.id
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        Ok(self.users.get(name.key()).map(|(user, _)| user.clone()))
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        Ok(self.groups.get(name.key()).map(|(group, _)| group.clone()))
    }

    async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError> {
        let users = self.users.values().map(|(user, _)| user);
        Ok(page_of(users.filter(|user| filter.matches_user(user)), User::key, page))
    }

    async fn find_groups(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        let groups = self.groups.values().map(|(group, _)| group);
        Ok(page_of(groups.filter(|group| filter.matches_group(group)), Group::key, page))
    }

    async fn parents_of(
        &self,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, DirectoryError> {
        let holding = self.groups.values().filter(|(_, members)| members.contains(member));
        Ok(page_of(holding.map(|(group, _)| &group.name), GroupName::key, page))
    }

    async fn children_of(
        &self,
        group: &GroupName,
        page: &PageRequest,
    ) -> Result<Page<Member>, DirectoryError> {
        let members = self.groups.get(group.key()).map(|(_, members)| members);
        let mut members: Vec<_> = members.into_iter().flatten().filter(|m| page.reaches(m.key())).collect();
        members.sort_by_key(|member| (member.key(), matches!(member, Member::Group(_))));
        // A user and a group of the same key stay on one page.
        let mut length = page.limit().min(members.len());
        if length < members.len() && members[length].key() == members[length - 1].key() {
            length += 1;
        }
        Ok(Page::cut(members.into_iter().cloned().collect(), length, Member::key))
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        let busy = |cause| DirectoryError::new(Fault::Unavailable, "password hashing").caused_by(cause);
        let Some((user, hash)) = self.users.get(name.key()) else { return Ok(Credence::Unknown) };
        let Some(hash) = hash else { return Ok(Credence::Refused(Refusal::NoPassword)) };
        // `Ok` states a fact, also that the password is wrong; `Err` says that nothing can be said.
        Ok(match self.hasher.verify(secret, hash).await.map_err(busy)? {
            Verification::Matches { .. } if user.active => Credence::Accepted(user.clone()),
            Verification::Matches { .. } => Credence::Refused(Refusal::Inactive),
            Verification::Differs | Verification::TooLong { .. } => Credence::Refused(Refusal::WrongPassword),
        })
    }

    fn powers(&self) -> Powers<'_> {
        Powers::NONE
    }
}

fn user(id: &str, name: &Username, profile: Profile) -> Result<User, Box<dyn std::error::Error>> {
    let (external_id, name) = (ExternalId::new(id)?, name.clone());
    Ok(User { external_id, name, profile, active: true, attributes: Attributes::new() })
}

fn group(name: &GroupName, description: &str) -> Result<Group, Box<dyn std::error::Error>> {
    let (external_id, name) = (ExternalId::new(name.as_str())?, name.clone());
    let (description, attributes) = (description.to_owned(), Attributes::new());
    Ok(Group { external_id, name, description, origin: Origin::Local, attributes })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut team = Team::new(DirectoryId::from_bytes(*b"the founders' id"));
    let (ada, founders) = (Username::new("ada")?, GroupName::new("founders")?);
    team.add(user("1", &ada, Profile::default())?, Some(&Secret::new("looms weave patterns")?)).await?;
    team.add_group(group(&founders, "who began")?, [Member::User(ada)]);

    let builder = Throng::builder(SqliteStore::in_memory().await?).directory("Founders", Arc::new(team));
    let throng = builder.build().await?;
    let people = throng.internal_directory("People").await?;
    let plan = Plan::new().seat(throng.directory("Founders")?.id)?.seat(people)?;
    let wiki = throng.ensure_application("wiki", plan).await?;
    wiki.authenticate("Ada", "looms weave patterns").await?;
    println!("{}", wiki.explain("ada").await?);
    Ok(())
}

/// One named test for each documented behaviour: `cargo test --example custom_directory`.
#[cfg(test)]
mod contract {
    use throng_testkit::contract::directory::World;

    use super::*;

    async fn team(world: &World) -> Team {
        let mut team = Team::new(DirectoryId::from_bytes([7; 16]));
        for person in &world.users {
            let entry = user(person.name.as_str(), &person.name, person.profile.clone()).unwrap();
            team.add(User { active: person.active, ..entry }, person.password.as_ref()).await.unwrap();
        }
        for entry in &world.groups {
            team.add_group(group(&entry.name, &entry.description).unwrap(), entry.members.iter().cloned());
        }
        team
    }

    throng_testkit::directory_contract!(team_directory, team, powers = []);
}
