//! Who is there, in memory.

use async_trait::async_trait;
use throng_core::claim::Claim;
use throng_core::error::StoreError;
use throng_core::group::Member;
use throng_core::id::{ApplicationId, DirectoryId};
use throng_core::name::Key;
use throng_core::preview::{Census, GroupGraph, Holders, Occupant};
use throng_core::user::User;

use super::MemoryStore;
use crate::population::{Part, Population};

#[async_trait]
impl Census for MemoryStore {
    async fn holders(
        &self,
        directories: &[DirectoryId],
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Holders>, StoreError> {
        self.read(|state| {
            let keys = state.keys(directories, |population| {
                let users = population.users().map(User::key);
                users.filter(|key| after.is_none_or(|after| *key > after)).cloned().collect()
            });
            let mut found: Vec<Holders> = Vec::new();
            let mut count = 0;
            for key in keys {
                let holders =
                    state.namesakes(directories, key, |population, key| population.user(key).map(drop));
                count += holders.holders.len();
                if count > limit && !found.is_empty() {
                    break;
                }
                let directories = holders.holders.into_iter().map(|(directory, ())| directory).collect();
                found.push(Holders { key: holders.key, directories });
            }
            found
        })
    }

    async fn occupants(&self, of: &[(DirectoryId, Key)]) -> Result<Vec<Option<Occupant>>, StoreError> {
        self.read(|state| {
            let one = |(directory, key): &(DirectoryId, Key)| {
                let population = state.population(*directory)?;
                population.user(key).map(|user| occupant(population, user))
            };
            of.iter().map(one).collect()
        })
    }

    async fn claims_on(
        &self,
        application: ApplicationId,
        keys: &[Key],
    ) -> Result<Vec<Option<Claim>>, StoreError> {
        self.read(|state| {
            keys.iter().map(|key| state.claims.get(&(application, key.clone())).cloned()).collect()
        })
    }

    async fn group_graph(&self, directory: DirectoryId) -> Result<GroupGraph, StoreError> {
        self.read(|state| state.population(directory).map(graph).unwrap_or_default())
    }
}

/// Groups are numbered in the order of their keys.
fn number(population: &Population, key: &Key) -> Option<u64> {
    population.groups().position(|group| group.key() == key).and_then(|at| u64::try_from(at).ok())
}

fn occupant(population: &Population, user: &User) -> Occupant {
    let groups = population.parents(&Part::user(user.key()));
    Occupant {
        external_id: user.external_id.clone(),
        name: user.name.clone(),
        active: user.active,
        groups: groups.iter().filter_map(|group| number(population, group.key())).collect(),
    }
}

fn graph(population: &Population) -> GroupGraph {
    let groups =
        population.groups().filter_map(|group| Some((number(population, group.key())?, group.name.clone())));
    let mut graph = GroupGraph { groups: groups.collect(), nestings: Vec::new() };
    for (holder, name) in &graph.groups {
        for member in population.children(name.key()) {
            if let Member::Group(inside) = member
                && let Some(inside) = number(population, inside.key())
            {
                graph.nestings.push((inside, *holder));
            }
        }
    }
    graph.nestings.sort_unstable();
    graph
}
