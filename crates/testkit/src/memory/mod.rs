//! A store that forgets everything when it is dropped: the reference that other stores are held against.

mod apply;
mod census;
mod kept;
mod mirrors;
mod moves;
mod state;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use throng_core::change::{Applied, Change, ChangeSet, LoggedBatch, Logging};
use throng_core::claim::Claim;
use throng_core::consumer::ConsumerRecord;
use throng_core::error::{Fault, StoreError};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, InstanceId, SessionId, Subject};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::registry::{ApplicationRecord, DirectoryRecord};
use throng_core::session::{Session, TokenDigest};
use throng_core::store::{
    ChangeLog, Credentials, Holder, Located, Namesakes, Nesting, Records, Registry, Replaced, Sessions,
};
use throng_core::time::Timestamp;
use throng_core::user::User;

use self::kept::Kept;
use self::state::State;
use crate::population::{Part, Population, page_of};

/// An implementation of all store ports in memory, simple enough to be seen to be right.
///
/// 1. Each call holds one lock; `apply` changes a copy and puts it in place at the end, where nothing has failed.
/// 2. Clones share what is kept.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    kept: Arc<Mutex<Kept>>,
    instance: InstanceId,
}

impl Default for MemoryStore {
    fn default() -> Self {
        // Counted, not drawn: a memory store is told from every other of its process, and outlives none.
        static MADE: AtomicU64 = AtomicU64::new(1);
        let number = u128::from(MADE.fetch_add(1, Ordering::Relaxed));
        Self { kept: Arc::default(), instance: InstanceId::from_bytes(number.to_be_bytes()) }
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another store that keeps the same now, log and instance too, and shares nothing with this one from then on: what
    /// a copy of the files of a database is.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { kept: Arc::new(Mutex::new(self.kept().copy())), instance: self.instance }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, StoreError> {
        Ok(read(self.kept().state()))
    }

    fn in_directory<T: Default>(
        &self,
        directory: DirectoryId,
        read: impl FnOnce(&Population) -> T,
    ) -> Result<T, StoreError> {
        self.read(|state| state.population(directory).map_or_else(T::default, read))
    }
}

fn whole_page<T>(found: Option<Page<T>>) -> Page<T> {
    found.unwrap_or_else(|| Page::whole(Vec::new()))
}

#[async_trait]
impl Records for MemoryStore {
    async fn locate(&self, application: ApplicationId, key: &Key) -> Result<Located, StoreError> {
        self.read(|state| {
            let holder = |(directory, population): (DirectoryId, &Population)| {
                let user = population.user(key)?.clone();
                let subject = Subject { directory, external_id: user.external_id.clone() };
                let epoch = state.epoch(&subject);
                Some(Holder { directory, user, epoch })
            };
            Located {
                users: state.populations().filter_map(holder).collect(),
                claim: state.claims.get(&(application, key.clone())).cloned(),
            }
        })
    }

    async fn locate_groups(&self, key: &Key) -> Result<Vec<(DirectoryId, Group)>, StoreError> {
        self.read(|state| {
            state
                .populations()
                .filter_map(|(directory, population)| Some((directory, population.group(key)?.clone())))
                .collect()
        })
    }

    async fn user(&self, directory: DirectoryId, key: &Key) -> Result<Option<User>, StoreError> {
        self.in_directory(directory, |population| population.user(key).cloned())
    }

    async fn user_by_id(&self, subject: &Subject) -> Result<Option<User>, StoreError> {
        self.in_directory(subject.directory, |population| {
            population.user_by_id(&subject.external_id).cloned()
        })
    }

    async fn users_by_id(&self, directory: DirectoryId, ids: &[ExternalId]) -> Result<Vec<User>, StoreError> {
        self.in_directory(directory, |population| {
            population.users().filter(|user| ids.contains(&user.external_id)).cloned().collect()
        })
    }

    async fn search_users(
        &self,
        directories: &[DirectoryId],
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Namesakes<User>>, StoreError> {
        self.read(|state| {
            let passing = |population: &Population| {
                let passing = population.users().filter(|user| filter.matches_user(user));
                passing.map(|user| user.key().clone()).collect()
            };
            let keys = state.keys(directories, passing);
            page_of(keys.into_iter(), page, |key| key)
                .map(|key| state.namesakes(directories, key, |population, key| population.user(key).cloned()))
        })
    }

    async fn namesakes(
        &self,
        directories: &[DirectoryId],
        keys: &[Key],
    ) -> Result<Vec<Namesakes<User>>, StoreError> {
        self.read(|state| {
            let mut keys = keys.to_vec();
            keys.sort();
            keys.dedup();
            keys.into_iter()
                .map(|key| state.namesakes(directories, key, |population, key| population.user(key).cloned()))
                .filter(|namesakes| !namesakes.holders.is_empty())
                .collect()
        })
    }

    async fn search_groups(
        &self,
        directories: &[DirectoryId],
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Namesakes<Group>>, StoreError> {
        self.read(|state| {
            let passing = |population: &Population| {
                let passing = population.groups().filter(|group| filter.matches_group(group));
                passing.map(|group| group.key().clone()).collect()
            };
            let keys = state.keys(directories, passing);
            page_of(keys.into_iter(), page, |key| key).map(|key| {
                state.namesakes(directories, key, |population, key| population.group(key).cloned())
            })
        })
    }

    async fn parents(
        &self,
        directory: DirectoryId,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, StoreError> {
        self.in_directory(directory, |population| {
            let parents = population.parents(&Part::of(member));
            Some(page_of(parents.into_iter(), page, GroupName::key))
        })
        .map(whole_page)
    }

    async fn children(
        &self,
        directory: DirectoryId,
        group: &Key,
        page: &PageRequest,
    ) -> Result<Page<Member>, StoreError> {
        self.in_directory(directory, |population| Some(population.children_page(group, page))).map(whole_page)
    }

    async fn above(
        &self,
        directory: DirectoryId,
        member: &Member,
        limit: usize,
    ) -> Result<Nesting, StoreError> {
        self.in_directory(directory, |population| population.above(&Part::of(member), limit))
    }

    async fn below(&self, directory: DirectoryId, group: &Key, limit: usize) -> Result<Nesting, StoreError> {
        self.in_directory(directory, |population| population.below(group, limit))
    }

    async fn users_in(
        &self,
        directory: DirectoryId,
        groups: &[Key],
        page: &PageRequest,
    ) -> Result<Page<User>, StoreError> {
        self.in_directory(directory, |population| {
            let inside = |user: &&User| {
                let parents = population.parents(&Part::of(&Member::User(user.name.clone())));
                parents.iter().any(|parent| groups.contains(parent.key()))
            };
            Some(page_of(population.users().filter(inside).cloned(), page, User::key))
        })
        .map(whole_page)
    }

    async fn apply(&self, changes: &ChangeSet) -> Result<Applied, StoreError> {
        let mut kept = self.kept();
        if let Some(fence) = changes.fence {
            kept.state().expect_lease(fence)?;
        }
        let head = kept.head();
        let mut entries = kept.change(|state| {
            let mut entries = Vec::new();
            for change in &changes.changes {
                if let Change::ExpectHead(expected) = change
                    && *expected != head
                {
                    return Err(StoreError::new(Fault::Conflict, "change log"));
                }
                state.apply(changes.at, change, &mut entries)?;
            }
            Ok(entries)
        })?;
        match changes.logging {
            Logging::Each => {}
            Logging::Deferred => entries.clear(),
        }
        if !entries.is_empty() {
            let sequence = kept.head() + 1;
            kept.log.push(LoggedBatch { sequence, at: changes.at, entries });
        }
        Ok(Applied { sequence: kept.head() })
    }
}

#[async_trait]
impl Credentials for MemoryStore {
    async fn credential(&self, subject: &Subject) -> Result<Option<Credential>, StoreError> {
        self.read(|state| state.credentials.get(subject).cloned())
    }

    async fn count_failure(&self, subject: &Subject) -> Result<u32, StoreError> {
        let mut kept = self.kept();
        Ok(kept.state_mut().credentials.get_mut(subject).map_or(0, |credential| {
            credential.failed_attempts = credential.failed_attempts.saturating_add(1);
            credential.failed_attempts
        }))
    }

    async fn clear_failures(&self, subject: &Subject) -> Result<(), StoreError> {
        if let Some(credential) = self.kept().state_mut().credentials.get_mut(subject) {
            credential.failed_attempts = 0;
        }
        Ok(())
    }

    async fn upgrade_hash(
        &self,
        subject: &Subject,
        from: &EncodedHash,
        to: &EncodedHash,
    ) -> Result<Replaced, StoreError> {
        match self.kept().state_mut().credentials.get_mut(subject) {
            Some(credential) if credential.hash == CredentialState::Usable(from.clone()) => {
                credential.hash = CredentialState::Usable(to.clone());
                Ok(Replaced::Yes)
            }
            _ => Ok(Replaced::No),
        }
    }

    async fn note_logins(&self, logins: &[(Subject, Timestamp)]) -> Result<(), StoreError> {
        let mut kept = self.kept();
        for (subject, at) in logins {
            if kept.state().may_exist(subject) {
                let noted = kept.state_mut().logins.entry(subject.clone()).or_insert(*at);
                *noted = (*noted).max(*at);
            }
        }
        Ok(())
    }

    async fn last_login(&self, subject: &Subject) -> Result<Option<Timestamp>, StoreError> {
        self.read(|state| state.logins.get(subject).copied())
    }
}

#[async_trait]
impl Sessions for MemoryStore {
    async fn epoch(&self, subject: &Subject) -> Result<u64, StoreError> {
        self.read(|state| state.epoch(subject))
    }

    async fn open_session(&self, token: &TokenDigest, session: &Session) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let state = kept.state_mut();
        if !state.may_exist(&session.subject) || !state.applications.contains_key(&session.application) {
            return Err(StoreError::new(Fault::Missing, "session's account"));
        }
        let id_taken = state.sessions.values().any(|other| other.id == session.id);
        let epoch = state.epoch(&session.subject);
        if id_taken || state.sessions.contains_key(token) || epoch != session.epoch {
            return Err(StoreError::new(Fault::Conflict, "session"));
        }
        state.sessions.insert(*token, session.clone());
        Ok(())
    }

    async fn session(&self, token: &TokenDigest) -> Result<Option<Session>, StoreError> {
        self.read(|state| {
            let session = state.sessions.get(token)?;
            let live = state.may_exist(&session.subject) && state.epoch(&session.subject) == session.epoch;
            live.then(|| session.clone())
        })
    }

    async fn touch_session(&self, id: SessionId, used_at: Timestamp) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let found = kept.state_mut().sessions.values_mut().find(|session| session.id == id);
        if let Some(session) = found {
            session.used_at = session.used_at.max(used_at);
        }
        Ok(())
    }

    async fn close_session(&self, token: &TokenDigest) -> Result<(), StoreError> {
        self.kept().state_mut().sessions.remove(token);
        Ok(())
    }

    async fn close_sessions(
        &self,
        application: ApplicationId,
        subject: &Subject,
        except: Option<&TokenDigest>,
    ) -> Result<u64, StoreError> {
        let mut kept = self.kept();
        let sessions = &mut kept.state_mut().sessions;
        let before = sessions.len();
        sessions.retain(|token, session| {
            session.application != application || session.subject != *subject || Some(token) == except
        });
        Ok(u64::try_from(before - sessions.len()).unwrap_or(u64::MAX))
    }

    async fn purge_sessions(&self, ended_before: Timestamp) -> Result<u64, StoreError> {
        let mut kept = self.kept();
        let sessions = &mut kept.state_mut().sessions;
        let before = sessions.len();
        sessions.retain(|_, session| session.expires_at >= ended_before);
        Ok(u64::try_from(before - sessions.len()).unwrap_or(u64::MAX))
    }
}

#[async_trait]
impl Registry for MemoryStore {
    async fn directories(&self) -> Result<Vec<DirectoryRecord>, StoreError> {
        self.read(|state| {
            let mut directories: Vec<_> = state.directories.values().cloned().collect();
            directories.sort_by_key(|record| record.name.key());
            directories
        })
    }

    async fn applications(&self) -> Result<Vec<ApplicationRecord>, StoreError> {
        self.read(|state| {
            let mut applications: Vec<_> = state.applications.values().cloned().collect();
            applications.sort_by_key(|record| record.name.key());
            applications
        })
    }

    async fn consumers(&self) -> Result<Vec<ConsumerRecord>, StoreError> {
        self.read(|state| state.consumers.values().cloned().collect())
    }

    async fn claim(&self, application: ApplicationId, key: &Key) -> Result<Option<Claim>, StoreError> {
        self.read(|state| state.claims.get(&(application, key.clone())).cloned())
    }

    async fn claims(
        &self,
        application: ApplicationId,
        page: &PageRequest,
    ) -> Result<Page<Claim>, StoreError> {
        self.read(|state| {
            let claims = state.claims.values();
            let own = claims.filter(|claim| claim.application == application).cloned();
            page_of(own, page, |claim| &claim.key)
        })
    }

    async fn alias(
        &self,
        application: ApplicationId,
        alias: &Key,
    ) -> Result<Option<(Subject, Username)>, StoreError> {
        self.read(|state| {
            let subject = state.alias_holder(application, alias)?;
            let user = state.account(subject)?;
            Some((subject.clone(), user.name.clone()))
        })
    }

    async fn alias_of(
        &self,
        application: ApplicationId,
        subject: &Subject,
    ) -> Result<Option<Username>, StoreError> {
        self.read(|state| state.aliases.get(&(application, subject.clone())).cloned())
    }
}

#[async_trait]
impl ChangeLog for MemoryStore {
    async fn instance(&self) -> Result<InstanceId, StoreError> {
        Ok(self.instance)
    }

    async fn head(&self) -> Result<u64, StoreError> {
        Ok(self.kept().head())
    }

    async fn batches(&self, after: u64, limit: usize) -> Result<Vec<LoggedBatch>, StoreError> {
        let kept = self.kept();
        let later = kept.log.iter().filter(|batch| batch.sequence > after);
        Ok(later.take(limit).cloned().collect())
    }
}
