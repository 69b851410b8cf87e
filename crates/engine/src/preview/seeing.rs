//! Looking at names: whom a change concerns, and what changes about them.

use std::collections::BTreeMap;
use std::ops::Range;

use throng_core::claim::Claim;
use throng_core::error::StoreError;
use throng_core::id::DirectoryId;
use throng_core::name::{Key, Username};
use throng_core::preview::{Difference, Groups, Holding, Occupant, difference, holding};
use throng_core::store::Namesakes;

use super::ahead::Ahead;
use super::shapes::{Shaped, Shapes};
use super::stream::{Names, Page};
use crate::error::Error;
use crate::throng::Throng;

/// What is known while names are looked at.
pub(super) struct Seeing<'s> {
    throng: &'s Throng,
    pub(super) shapes: &'s Shapes,
    pub(super) groups: BTreeMap<DirectoryId, Groups>,
    /// The groups of the one directory in which they change.
    regrouped: Option<(DirectoryId, Groups)>,
}

/// A page of names with whoever of it is being read.
pub(super) struct Asked<'s> {
    page: Page,
    concerned: Vec<Concerned>,
    reading: Ahead<'s, Result<Read, StoreError>>,
}

/// Who was asked for, with who was found, and the claims on the names by application.
struct Read {
    wanted: Vec<(DirectoryId, Key)>,
    people: Vec<Option<Occupant>>,
    claims: Vec<Vec<Option<Claim>>>,
}

/// A name that may mean something else in an application.
struct Concerned {
    /// Its place in the page.
    name: usize,
    /// The application's place among all.
    application: usize,
    /// Its place among the names of the application that are concerned.
    claim: usize,
    /// Who was asked for, among all who were.
    people: Range<usize>,
}

impl<'s> Seeing<'s> {
    pub(super) async fn new(throng: &'s Throng, shapes: &'s Shapes) -> Result<Self, Error> {
        let mut groups = BTreeMap::new();
        for directory in shapes.stored() {
            let graph = throng.0.store.group_graph(directory).await?;
            groups.insert(directory, Groups::of(&graph, shapes.nesting(directory))?);
        }
        let regrouped = match shapes.regrouped() {
            Some((id, graph)) => Some((id, Groups::of(graph, shapes.nesting(id))?)),
            None => None,
        };
        Ok(Self { throng, shapes, groups, regrouped })
    }

    /// Begins to read, of a page of names, whom the change can concern.
    pub(super) async fn ask(&self, page: Page) -> Asked<'s> {
        let regrouped = self.shapes.regrouped().map(|(id, _)| id);
        let applications = self.shapes.all();
        let (mut concerned, mut wanted) = (Vec::new(), Vec::new());
        let mut keys: Vec<Vec<Key>> = vec![Vec::new(); applications.len()];
        let mut needed = Vec::new();
        for (name, holders) in page.holders.iter().enumerate() {
            let (first, from) = (concerned.len(), wanted.len());
            needed.clear();
            for ((application, shaped), keys) in applications.iter().enumerate().zip(&mut keys) {
                if shaped.concerns(&holders.directories, regrouped, &mut needed) {
                    concerned.push(Concerned { name, application, claim: keys.len(), people: from..from });
                    keys.push(holders.key.clone());
                }
            }
            wanted.extend(needed.iter().map(|directory| (*directory, holders.key.clone())));
            let people = from..wanted.len();
            concerned[first..].iter_mut().for_each(|it| it.people = people.clone());
        }
        let store = &self.throng.0.store;
        let reading = Ahead::begin(async move {
            let people = store.occupants(&wanted).await?;
            let mut claims = Vec::with_capacity(keys.len());
            for (shaped, keys) in applications.iter().zip(&keys) {
                claims.push(store.claims_on(shaped.application, keys).await?);
            }
            Ok(Read { wanted, people, claims })
        });
        Asked { page, concerned, reading: reading.await }
    }

    /// What changes about a page of names, in each application.
    pub(super) async fn look(
        &mut self,
        names: &mut Names<'_>,
        asked: Asked<'_>,
    ) -> Result<Vec<Difference>, Error> {
        let Asked { mut page, concerned, reading } = asked;
        let Read { wanted, mut people, claims } = reading.end().await?;
        let mut differences = Vec::new();
        let mut of_name: (Option<usize>, Vec<(DirectoryId, Occupant)>) = (None, Vec::new());
        for it in concerned {
            if of_name.0 != Some(it.name) {
                let asked = wanted[it.people.clone()].iter().zip(&mut people[it.people]);
                // Whoever is kept nowhere here was told by the directory that lists it.
                let found = asked.filter_map(|(asked, found)| {
                    Some((asked.0, found.take().or_else(|| page.said.remove(asked))?))
                });
                let mut here: Vec<_> = found.collect();
                names.add_groups(&mut here, &mut self.groups).await?;
                of_name = (Some(it.name), here);
            }
            let shaped = &self.shapes.all()[it.application];
            let claim = claims[it.application][it.claim].as_ref();
            let stands = self.stands(shaped, &of_name.1, claim);
            let will_stand = self.will_stand(shaped, &of_name.1, claim);
            differences.extend(difference(shaped.application, stands, will_stand));
        }
        Ok(differences)
    }

    /// What changes about one name whose holders change, in each application.
    pub(super) async fn look_at(
        &mut self,
        names: &mut Names<'_>,
        namesakes: &Namesakes<Occupant>,
    ) -> Result<Vec<Difference>, Error> {
        let (mut before, mut after) = (namesakes.holders.clone(), self.shapes.occupants_after(namesakes));
        names.add_groups(&mut before, &mut self.groups).await?;
        names.add_groups(&mut after, &mut self.groups).await?;
        let mut differences = Vec::new();
        for shaped in self.shapes.all() {
            let claim = self.throng.0.store.claim(shaped.application, &namesakes.key).await?;
            let claim =
                self.shapes.claim_after(self.throng, shaped.application, &namesakes.key, claim).await?;
            let stands = self.stands(shaped, &before, claim.before.as_ref());
            let will_stand = self.will_stand(shaped, &after, claim.after.as_ref());
            differences.extend(difference(shaped.application, stands, will_stand));
        }
        Ok(differences)
    }

    pub(super) fn stands<'o>(
        &self,
        shaped: &Shaped,
        occupants: &'o [(DirectoryId, Occupant)],
        claim: Option<&Claim>,
    ) -> Option<(&'o Username, Holding)> {
        holding(&shaped.before, occupants, |id| self.groups.get(&id), claim)
    }

    pub(super) fn will_stand<'o>(
        &self,
        shaped: &Shaped,
        occupants: &'o [(DirectoryId, Occupant)],
        claim: Option<&Claim>,
    ) -> Option<(&'o Username, Holding)> {
        let regrouped = |id| self.regrouped.as_ref().filter(|(of, _)| *of == id).map(|(_, groups)| groups);
        holding(&shaped.after, occupants, |id| regrouped(id).or_else(|| self.groups.get(&id)), claim)
    }
}
