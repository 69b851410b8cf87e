//! What a memory store keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use throng_core::claim::Claim;
use throng_core::consumer::ConsumerRecord;
use throng_core::group::Member;
use throng_core::id::{ApplicationId, DirectoryId, Subject};
use throng_core::moves::{Capture, Move, MoveEntry, MoveId};
use throng_core::name::{Key, Username};
use throng_core::password::Credential;
use throng_core::registry::{ApplicationRecord, DirectoryRecord};
use throng_core::session::{Session, TokenDigest};
use throng_core::store::Namesakes;
use throng_core::sync::{Mark, Mirror, Round};
use throng_core::time::Timestamp;
use throng_core::user::User;

use crate::population::Population;

/// Everything but the log. Populations are shared between copies until one of them changes.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) directories: BTreeMap<DirectoryId, DirectoryRecord>,
    pub(super) populations: BTreeMap<DirectoryId, Arc<Population>>,
    pub(super) credentials: BTreeMap<Subject, Credential>,
    pub(super) logins: BTreeMap<Subject, Timestamp>,
    pub(super) epochs: BTreeMap<Subject, u64>,
    pub(super) sessions: HashMap<TokenDigest, Session>,
    pub(super) applications: BTreeMap<ApplicationId, ApplicationRecord>,
    pub(super) consumers: BTreeMap<ApplicationId, ConsumerRecord>,
    pub(super) claims: BTreeMap<(ApplicationId, Key), Claim>,
    pub(super) aliases: BTreeMap<(ApplicationId, Subject), Username>,
    pub(super) mirrors: BTreeMap<DirectoryId, KeptMirror>,
    pub(super) moves: BTreeMap<MoveId, (Move, BTreeMap<u64, MoveEntry>)>,
    pub(super) captures: BTreeMap<Subject, Capture>,
    /// The mark of a group's members with whom it was noted for: it is true while they are the same.
    pub(super) members_marks: BTreeMap<(DirectoryId, Key), (Vec<String>, Mark)>,
}

/// What is kept of a mirror.
#[derive(Debug, Clone, Default)]
pub(super) struct KeptMirror {
    pub(super) mirror: Mirror,
    pub(super) epoch: u64,
    pub(super) rounds: BTreeMap<u64, Round>,
}

impl State {
    pub(super) fn population(&self, directory: DirectoryId) -> Option<&Population> {
        self.populations.get(&directory).map(Arc::as_ref)
    }

    pub(super) fn populations(&self) -> impl Iterator<Item = (DirectoryId, &Population)> {
        self.populations.iter().map(|(&id, population)| (id, population.as_ref()))
    }

    pub(super) fn account(&self, subject: &Subject) -> Option<&User> {
        self.population(subject.directory)?.user_by_id(&subject.external_id)
    }

    /// Whether the account is stored, or of a live directory, which alone could tell.
    pub(super) fn may_exist(&self, subject: &Subject) -> bool {
        let live = |record: &DirectoryRecord| !record.kind.is_stored();
        self.account(subject).is_some() || self.directories.get(&subject.directory).is_some_and(live)
    }

    pub(super) fn epoch(&self, subject: &Subject) -> u64 {
        self.epochs.get(subject).copied().unwrap_or(0)
    }

    pub(super) fn alias_holder(&self, application: ApplicationId, alias: &Key) -> Option<&Subject> {
        let mut aliases = self.aliases.iter();
        let found = aliases.find(|((of, _), name)| *of == application && name.key() == alias);
        found.map(|((_, subject), _)| subject)
    }

    /// Who is in a group, in words that change when any of them does: accounts by their ids and names.
    pub(super) fn member_words(&self, directory: DirectoryId, group: &Key) -> Vec<String> {
        let Some(population) = self.population(directory) else {
            return Vec::new();
        };
        let word = |member: Member| match member {
            Member::User(name) => {
                let id = population.user(name.key()).map(|user| user.external_id.to_string());
                format!("user {name:?} {id:?}")
            }
            Member::Group(name) => format!("group {name:?}"),
        };
        population.children(group).into_iter().map(word).collect()
    }

    /// The names that `select` finds in any of the directories.
    pub(super) fn keys(
        &self,
        directories: &[DirectoryId],
        select: impl Fn(&Population) -> Vec<Key>,
    ) -> BTreeSet<Key> {
        directories.iter().filter_map(|&directory| self.population(directory)).flat_map(select).collect()
    }

    /// Every occurrence of a name in the directories.
    pub(super) fn namesakes<T>(
        &self,
        directories: &[DirectoryId],
        key: Key,
        find: impl Fn(&Population, &Key) -> Option<T>,
    ) -> Namesakes<T> {
        let holders = self
            .populations()
            .filter(|(directory, _)| directories.contains(directory))
            .filter_map(|(directory, population)| Some((directory, find(population, &key)?)))
            .collect();
        Namesakes { key, holders }
    }
}
