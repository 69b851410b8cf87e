//! A source of one's own: a roster that Throng keeps a mirror of, which passes the exported contract.
#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use throng::core::directory::{Credence, Directory, Powers, Refusal};
use throng::core::error::{DirectoryError, Fault};
use throng::core::filter::Filter;
use throng::core::group::{Group, Member, Origin};
use throng::core::id::{DirectoryId, ExternalId};
use throng::core::name::{GroupName, Username};
use throng::core::page::{Page, PageRequest};
use throng::core::password::EncodedHash;
use throng::core::secret::Secret;
use throng::core::sync::{
    Batch, Completeness, Item, MirroredSettings, Next, Part, Position, Pull, SyncSource,
};
use throng::core::user::{Profile, User};
use throng::passwords::hasher::{Hasher, HasherConfig, Verification};
use throng::sqlite::SqliteStore;
use throng::sync::SyncRequest;
use throng::system::SystemEntropy;
use throng::{Plan, Throng};

/// Everybody, as the personnel office sends it. It never changes: each report is a roster of its own.
#[derive(Debug)]
struct Roster {
    hasher: Hasher,
    /// Users, then groups, then memberships, each one item: a batch is so many of them.
    items: Vec<Item>,
    hashes: BTreeMap<Username, EncodedHash>,
}

impl Roster {
    /// Small, so that even an example has several.
    const BATCH: usize = 5;

    fn new(users: Vec<User>, groups: Vec<(Group, Vec<Member>)>) -> Self {
        let mut items: Vec<Item> = users.into_iter().map(Item::User).collect();
        items.extend(groups.iter().map(|(group, _)| Item::Group(group.clone())));
        for (Group { name: group, .. }, members) in groups {
            let one_by_one = members.into_iter().map(|member| (vec![member], Part::More));
            let parts = one_by_one.chain([(Vec::new(), Part::Last)]);
            items.extend(parts.map(|(members, part)| Item::Members { group: group.clone(), members, part }));
        }
        let hasher = Hasher::new(HasherConfig::new(NonZeroUsize::MIN), Arc::new(SystemEntropy));
        Self { hasher, items, hashes: BTreeMap::new() }
    }
}

#[async_trait]
impl SyncSource for Roster {
    async fn pull(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, DirectoryError> {
        if let Pull::Since(_) = pull {
            // It has no history. A cursor is not its own, and nothing may be said of what changed since.
            return Ok(Batch { items: Vec::new(), cursor: None, next: Next::Expired });
        }
        // A position says everything about itself, so that it outlives this process.
        let begin = match position {
            Some(position) => position.as_str().strip_prefix("after ").and_then(|count| count.parse().ok()),
            None => Some(0),
        };
        let unknown = DirectoryError::new(Fault::Unavailable, "position");
        let rest = begin.and_then(|begin: usize| self.items.get(begin..)).ok_or(unknown)?;
        let (items, rest) = rest.split_at(rest.len().min(Self::BATCH));
        let next = if rest.is_empty() {
            Next::End(Completeness::Proven)
        } else {
            let position = Position::new(format!("after {}", self.items.len() - rest.len()));
            Next::More(
                position.map_err(|cause| DirectoryError::new(Fault::Broken, "position").caused_by(cause))?,
            )
        };
        Ok(Batch { items: items.to_vec(), cursor: None, next })
    }
}

/// What the mirror asks for beside: passwords, and the groups of whoever logs in.
#[async_trait]
impl Directory for Roster {
    fn id(&self) -> DirectoryId {
        DirectoryId::from_bytes(*b"the roster's id.")
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        Ok(self.items.iter().find_map(|item| {
            let Item::User(user) = item else { return None };
            (user.name == *name).then(|| user.clone())
        }))
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        Ok(self.items.iter().find_map(|item| {
            let Item::Group(group) = item else { return None };
            (group.name == *name).then(|| group.clone())
        }))
    }

    async fn parents_of(
        &self,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, DirectoryError> {
        let holding = self.items.iter().filter_map(|item| {
            let Item::Members { group, members, .. } = item else { return None };
            members.contains(member).then(|| group.clone())
        });
        let mut parents: Vec<GroupName> = holding.filter(|group| page.reaches(group.key())).collect();
        parents.sort();
        Ok(Page::cut(parents, page.limit(), GroupName::key))
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        let busy = |cause| DirectoryError::new(Fault::Unavailable, "password hashing").caused_by(cause);
        let Some(user) = self.user(name).await? else { return Ok(Credence::Unknown) };
        let Some(hash) = self.hashes.get(name) else { return Ok(Credence::Refused(Refusal::NoPassword)) };
        Ok(match self.hasher.verify(secret, hash).await.map_err(busy)? {
            Verification::Matches { .. } if user.active => Credence::Accepted(user),
            Verification::Matches { .. } => Credence::Refused(Refusal::Inactive),
            Verification::Differs | Verification::TooLong { .. } => Credence::Refused(Refusal::WrongPassword),
        })
    }

    async fn find_users(&self, _: &Filter, _: &PageRequest) -> Result<Page<User>, DirectoryError> {
        Err(not_searched())
    }

    async fn find_groups(&self, _: &Filter, _: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        Err(not_searched())
    }

    async fn children_of(&self, _: &GroupName, _: &PageRequest) -> Result<Page<Member>, DirectoryError> {
        Err(not_searched())
    }

    fn powers(&self) -> Powers<'_> {
        Powers { sync: Some(self), ..Powers::NONE }
    }
}

/// A mirror searches its copy, never its source. No answer is no "nobody".
fn not_searched() -> DirectoryError {
    DirectoryError::new(Fault::Unavailable, "search of a roster")
}

fn user(number: &str, name: Username, active: bool) -> Result<User, Box<dyn Error>> {
    let profile = Profile { display_name: format!("{name} (no. {number})"), ..Profile::default() };
    Ok(User { external_id: ExternalId::new(number)?, name, profile, active, attributes: Default::default() })
}

fn group(name: GroupName, description: &str) -> Result<Group, Box<dyn Error>> {
    let (external_id, description) = (ExternalId::of_name(name.key())?, description.to_owned());
    Ok(Group { external_id, name, description, origin: Origin::Imported, attributes: Default::default() })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (ada, bob) = (Username::new("ada")?, Username::new("bob")?);
    let users = vec![user("1815", ada.clone(), true)?, user("1912", bob.clone(), false)?];
    let members = vec![Member::User(ada.clone()), Member::User(bob.clone())];
    let mut roster = Roster::new(users, vec![(group(GroupName::new("founders")?, "who began")?, members)]);
    for (name, password) in [(ada, "looms weave patterns"), (bob, "machines may think")] {
        let hash = roster.hasher.hash(&Secret::new(password)?).await?;
        roster.hashes.insert(name, hash);
    }

    let store = SqliteStore::in_memory().await?;
    let throng = Throng::builder(store).source("Personnel", Arc::new(roster)).build().await?;
    let mirror = throng.mirrored_directory("Personnel", MirroredSettings::default()).await?;
    let wiki = throng.ensure_application("wiki", Plan::new().seat(mirror)?).await?;

    let round = throng.sync(mirror, SyncRequest::default()).await?;
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "round",
        "read",
        "ended",
        "users",
        "groups",
        "memberships",
    ]);
    table.add_row([
        round.number.to_string(),
        round.mode.to_string(),
        round.ended.map_or("never".to_owned(), |(_, outcome)| outcome.to_string()),
        round.counts.users_added.to_string(),
        round.counts.groups_added.to_string(),
        round.counts.memberships_added.to_string(),
    ]);
    println!("{table}");

    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["who", "logs in"]);
    for (name, password) in [
        ("ADA", "looms weave patterns"),
        ("ada", "wrong"),
        ("bob", "machines may think"),
        ("eve", "let me in"),
    ] {
        let outcome = wiki.authenticate(name, password).await;
        table
            .add_row([name.to_owned(), outcome.map_or_else(|error| error.to_string(), |_| "yes".to_owned())]);
    }
    println!("{table}");
    Ok(())
}

/// One named test for each documented behaviour: `cargo test --example custom_sync`.
#[cfg(test)]
mod contract {
    use throng_testkit::contract::directory::World;
    use throng_testkit::contract::sync::SyncFixture;

    use super::*;

    async fn roster(world: &World) -> SyncFixture {
        let users = world.users.iter().map(|person| {
            let user = user(person.name.as_str(), person.name.clone(), person.active).unwrap();
            User { profile: person.profile.clone(), ..user }
        });
        let groups = world
            .groups
            .iter()
            .map(|team| (group(team.name.clone(), &team.description).unwrap(), team.members.clone()));
        SyncFixture::new(Roster::new(users.collect(), groups.collect())).in_batches_of(Roster::BATCH)
    }

    throng_testkit::sync_contract!(roster_source, roster, with = []);
}
