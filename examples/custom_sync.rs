//! A source of one's own, mirrored: it states what it holds, checks passwords, and passes the exported contract.
#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use throng::core::directory::{Authority, Credence, Refusal};
use throng::core::error::{DirectoryError, Fault};
use throng::core::group::{Group, Member};
use throng::core::id::ExternalId;
use throng::core::name::{GroupName, Username};
use throng::core::secret::Secret;
use throng::core::sync::{
    Batch, Completeness, Item, MirroredSettings, Next, Part, Position, Pull, SyncSource,
};
use throng::core::user::User;
use throng::{Plan, Throng, sqlite::SqliteStore, sync::SyncRequest};

/// Everybody, as the personnel office sends it: users, then groups, then members.
#[derive(Debug)]
struct Roster(Vec<Item>, BTreeMap<Username, String>);

#[async_trait]
impl SyncSource for Roster {
    async fn pull(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, DirectoryError> {
        if let Pull::Since(_) = pull {
            // It has no history, and must not say that nothing has changed.
            return Ok(Batch { items: vec![], cursor: None, next: Next::Expired });
        }
        // A position says everything about itself, so that it outlives this process.
        let at = position.map_or(Some(0), |position| position.as_str().parse::<usize>().ok());
        let forgotten = DirectoryError::new(Fault::Unavailable, "position");
        let rest = at.and_then(|at| self.0.get(at..)).ok_or(forgotten)?;
        let (items, rest) = rest.split_at(rest.len().min(2));
        let next = match Position::new((self.0.len() - rest.len()).to_string()) {
            Ok(position) if !rest.is_empty() => Next::More(position),
            _ => Next::End(Completeness::Proven),
        };
        Ok(Batch { items: items.to_vec(), cursor: None, next })
    }
}

#[async_trait]
impl Authority for Roster {
    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        let user = self.0.iter().find_map(|item| match item {
            Item::User(user) if user.name == *name => Some(user.clone()),
            _ => None,
        });
        Ok(match user {
            None => Credence::Unknown,
            // Here a real one asks whatever keeps the passwords.
            Some(user) if self.1.get(name).is_some_and(|known| known == secret.expose()) => {
                Credence::Accepted(user)
            }
            Some(_) => Credence::Refused(Refusal::WrongPassword),
        })
    }
}

fn roster(people: Vec<User>, teams: Vec<(Group, Vec<Member>)>) -> Roster {
    let mut items: Vec<Item> = people.into_iter().map(Item::User).collect();
    items.extend(teams.iter().map(|(group, _)| Item::Group(group.clone())));
    let part = Part::Last;
    items.extend(teams.into_iter().map(|(group, members)| Item::Members {
        group: group.name,
        members,
        part,
    }));
    Roster(items, BTreeMap::new())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (ada, founders) = (Username::new("ada")?, GroupName::new("founders")?);
    let group = Group::imported(ExternalId::of_name(founders.key())?, founders);
    let people = vec![User::named(ExternalId::new("1815")?, ada.clone())];
    let mut personnel = roster(people, vec![(group, vec![Member::User(ada.clone())])]);
    personnel.1.insert(ada, "looms weave patterns".to_owned());

    let store = SqliteStore::in_memory().await?;
    let throng = Throng::builder(store).fed("Personnel", Arc::new(personnel)).build().await?;
    let mirror = throng.mirrored_directory("Personnel", MirroredSettings::default()).await?;
    let wiki = throng.ensure_application("wiki", Plan::new().seat(mirror)?).await?;
    let round = throng.sync(mirror, SyncRequest::default()).await?;
    println!("round {}: {:?}", round.number, round.counts);
    let login = wiki.authenticate("ADA", "looms weave patterns").await?;
    println!("{}", login.user().trail());
    Ok(())
}

#[cfg(test)]
#[path = "custom_sync/contract.rs"]
mod contract;
