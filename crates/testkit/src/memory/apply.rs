//! Changes, one by one, on a copy that is thrown away when one of them fails.

use std::sync::Arc;

use throng_core::change::{Change, LoggedEntry};
use throng_core::claim::Claim;
use throng_core::consumer::ConsumerRecord;
use throng_core::directory::UserPatch;
use throng_core::error::{Fault, StoreError};
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, Subject};
use throng_core::moves::Capture;
use throng_core::name::{Key, Username};
use throng_core::password::{Credential, CredentialState};
use throng_core::registry::{ApplicationRecord, DirectoryRecord};
use throng_core::time::Timestamp;
use throng_core::user::User;

use super::state::{KeptMirror, State};
use crate::population::Population;

type Done = Result<(), StoreError>;
type Log<'l> = &'l mut Vec<LoggedEntry>;

impl State {
    /// Applies one change and notes what was touched.
    pub(super) fn apply(&mut self, at: Timestamp, change: &Change, log: Log<'_>) -> Done {
        match change {
            Change::PutDirectory(record) => self.put_directory(record, log),
            Change::RemoveDirectory(id) => self.remove_directory(*id, at, log),
            Change::PutApplication(record) => self.put_application(record, log),
            Change::RemoveApplication(id) => self.remove_application(*id, log),
            Change::PutConsumer(record) => self.put_consumer(record, log),
            Change::ExpirePasswords(directory) => self.expire_passwords(*directory, log),
            Change::AddUser { directory, user, free_in, credential } => {
                self.add_user(*directory, user, free_in, credential.as_ref(), log)
            }
            Change::UpdateUser { subject, patch, free_in } => self.update_user(subject, patch, free_in, log),
            Change::RenameUser { subject, name, free_in } => self.rename_user(subject, name, free_in, log),
            Change::ReplaceExternalId { subject, external_id } => {
                self.replace_external_id(subject, external_id, log)
            }
            Change::RemoveUser { subject, free_in } => self.remove_user(subject, free_in, at, log),
            Change::SetCredential { subject, credential, free_in } => {
                self.set_credential(subject, credential, free_in, log)
            }
            Change::ClearCredential(subject) => {
                let name = self.account(subject).ok_or(missing("user"))?.name.clone();
                if self.credentials.remove(subject).is_some() {
                    log.push(LoggedEntry::PasswordSet(subject.clone(), name));
                    self.end_sessions(subject, log);
                }
                Ok(())
            }
            Change::NoteLogin { subject, at } => {
                self.account(subject).ok_or(missing("user"))?;
                let noted = self.logins.entry(subject.clone()).or_insert(*at);
                *noted = (*noted).max(*at);
                Ok(())
            }
            Change::ExpectBelongings { subject, belongings } => self.expect_belongings(subject, belongings),
            Change::PutCapture(capture) => {
                self.account(&capture.subject).ok_or(missing("user"))?;
                self.captures.insert(capture.subject.clone(), capture.clone());
                Ok(())
            }
            Change::DropCapture(capture) => self.drop_capture(capture),
            Change::PutMove(record) => self.put_move(record),
            Change::PutMoveEntries { by, entries } => self.put_move_entries(*by, entries),
            Change::DropMoveEntries(by) => {
                if let Some((_, entries)) = self.moves.get_mut(by) {
                    entries.clear();
                }
                Ok(())
            }
            Change::RewriteUser { directory, user } => self.rewrite_user(*directory, user, log),
            Change::MarkMembers { directory, group, mark } => {
                let there = self.population(*directory).and_then(|population| population.group(group.key()));
                there.ok_or(missing("group"))?;
                let words = self.member_words(*directory, group.key());
                self.members_marks.insert((*directory, group.key().clone()), (words, *mark));
                Ok(())
            }
            Change::PutMirror { directory, state } => {
                self.kept_mirror(*directory)?.mirror.state = (**state).clone();
                Ok(())
            }
            Change::ApproveDeletions { directory, approval } => {
                self.kept_mirror(*directory)?.mirror.approval.clone_from(approval);
                Ok(())
            }
            // Whoever has the log has looked.
            Change::ExpectHead(_) => Ok(()),
            Change::ResetDirectory(directory) => {
                log.push(LoggedEntry::DirectoryReset(*directory));
                Ok(())
            }
            Change::EndSessions(subject) => {
                if self.may_exist(subject) {
                    self.end_sessions(subject, log);
                }
                Ok(())
            }
            Change::MakeClaim(claim) => self.make_claim(claim, log),
            Change::ReplaceClaim { expected, claim } => {
                self.take_claim(expected)?;
                self.make_claim(claim, log)
            }
            Change::ReleaseClaim(claim) => {
                self.take_claim(claim)?;
                log.push(LoggedEntry::ClaimReleased(claim.application, claim.key.clone()));
                Ok(())
            }
            Change::SetAlias { application, subject, alias, free_in } => {
                self.set_alias(*application, subject, alias, free_in, log)
            }
            Change::RemoveAlias { application, subject } => {
                let key = (*application, subject.clone());
                self.aliases.remove(&key).ok_or(missing("alias"))?;
                log.push(LoggedEntry::AliasRemoved(*application, subject.clone()));
                Ok(())
            }
            Change::AddGroup { directory, group, free_in } => {
                let holds = |&other: &DirectoryId| {
                    let population = self.population(other);
                    population.is_some_and(|population| population.group(group.key()).is_some())
                };
                if free_in.iter().any(holds) {
                    return Err(conflict("group"));
                }
                let population = self.population_mut(*directory)?;
                population.add_group(group.clone()).map_err(on("group"))?;
                log.push(LoggedEntry::GroupAdded(*directory, group.name.clone()));
                Ok(())
            }
            Change::UpdateGroup { directory, group, patch } => {
                let population = self.population_mut(*directory)?;
                population.update_group(group.key(), patch).map_err(on("group"))?;
                log.push(LoggedEntry::GroupUpdated(*directory, group.clone()));
                Ok(())
            }
            Change::RemoveGroup { directory, group } => {
                let population = self.population_mut(*directory)?;
                population.remove_group(group.key()).map_err(on("group"))?;
                log.push(LoggedEntry::GroupRemoved(*directory, group.clone()));
                Ok(())
            }
            Change::AddMember { directory, group, member, cycle } => {
                let population = self.population_mut(*directory)?;
                population.add_member(group.key(), member, *cycle).map_err(on("membership"))?;
                log.push(LoggedEntry::MemberAdded(*directory, group.clone(), member.clone()));
                Ok(())
            }
            Change::RemoveMember { directory, group, member } => {
                let population = self.population_mut(*directory)?;
                population.remove_member(group.key(), member).map_err(on("membership"))?;
                log.push(LoggedEntry::MemberRemoved(*directory, group.clone(), member.clone()));
                Ok(())
            }
        }
    }

    fn put_directory(&mut self, record: &DirectoryRecord, log: Log<'_>) -> Done {
        let key = record.name.key();
        let taken = |other: &DirectoryRecord| other.id != record.id && other.name.key() == key;
        if self.directories.values().any(taken) {
            return Err(conflict("directory"));
        }
        if record.kind.is_stored() {
            self.populations.entry(record.id).or_default();
        }
        self.directories.insert(record.id, record.clone());
        log.push(LoggedEntry::DirectoryPut(record.id));
        Ok(())
    }

    fn remove_directory(&mut self, id: DirectoryId, at: Timestamp, log: Log<'_>) -> Done {
        if self.moves.values().any(|(kept, _)| kept.concerns(id) && kept.state.can_be_reverted()) {
            return Err(conflict("move"));
        }
        self.directories.remove(&id).ok_or(missing("directory"))?;
        self.populations.remove(&id);
        self.mirrors.remove(&id);
        self.members_marks.retain(|(directory, _), _| *directory != id);
        log.push(LoggedEntry::DirectoryRemoved(id));
        let elsewhere = |subject: &Subject| subject.directory != id;
        self.credentials.retain(|subject, _| elsewhere(subject));
        self.captures.retain(|subject, _| elsewhere(subject));
        self.logins.retain(|subject, _| elsewhere(subject));
        self.epochs.retain(|subject, _| elsewhere(subject));
        self.sessions.retain(|_, session| elsewhere(&session.subject));
        self.aliases.retain(|(_, subject), _| elsewhere(subject));
        for application in self.applications.values_mut() {
            let plan = &application.plan;
            if plan.rank(id).is_some() {
                let without = plan.filter_map_seats(|seat| (seat.directory != id).then_some(seat));
                application.plan = without.with_version(plan.version() + 1);
                log.push(LoggedEntry::ApplicationPut(application.id));
            }
        }
        self.bury_claims(|subject| subject.directory == id, at, log);
        Ok(())
    }

    fn put_application(&mut self, record: &ApplicationRecord, log: Log<'_>) -> Done {
        let key = record.name.key();
        let taken = |other: &ApplicationRecord| other.id != record.id && other.name.key() == key;
        let stored_version = self.applications.get(&record.id).map_or(0, |stored| stored.plan.version());
        if self.applications.values().any(taken) || record.plan.version() != stored_version + 1 {
            return Err(conflict("application"));
        }
        let seats = record.plan.seats();
        if seats.iter().any(|seat| !self.directories.contains_key(&seat.directory)) {
            return Err(missing("directory"));
        }
        let mut stored = record.clone();
        stored.plan = stored.plan.filter_map_seats(|mut seat| {
            seat.label.clear();
            Some(seat)
        });
        self.applications.insert(record.id, stored);
        log.push(LoggedEntry::ApplicationPut(record.id));
        Ok(())
    }

    fn remove_application(&mut self, id: ApplicationId, log: Log<'_>) -> Done {
        self.applications.remove(&id).ok_or(missing("application"))?;
        self.consumers.remove(&id);
        self.claims.retain(|(of, _), _| *of != id);
        self.aliases.retain(|(of, _), _| *of != id);
        self.sessions.retain(|_, session| session.application != id);
        log.push(LoggedEntry::ApplicationRemoved(id));
        Ok(())
    }

    fn put_consumer(&mut self, record: &ConsumerRecord, log: Log<'_>) -> Done {
        let application = record.application;
        if !self.applications.contains_key(&application) {
            return Err(missing("application"));
        }
        let before = self.consumers.get(&application).map_or(0, |kept| kept.version);
        if before.checked_add(1) != Some(record.version) {
            return Err(conflict("consumer"));
        }
        self.consumers.insert(application, record.clone());
        log.push(LoggedEntry::ConsumerPut(application));
        Ok(())
    }

    fn expire_passwords(&mut self, directory: DirectoryId, log: Log<'_>) -> Done {
        if !self.directories.contains_key(&directory) {
            return Err(missing("directory"));
        }
        for (subject, credential) in &mut self.credentials {
            if subject.directory == directory && credential.hash != CredentialState::Absent {
                credential.must_change = true;
            }
        }
        log.push(LoggedEntry::PasswordsExpired(directory));
        Ok(())
    }

    fn add_user(
        &mut self,
        directory: DirectoryId,
        user: &User,
        free_in: &[DirectoryId],
        credential: Option<&Credential>,
        log: Log<'_>,
    ) -> Done {
        self.must_be_free(user.key(), free_in)?;
        let population = self.population_mut(directory)?;
        population.add_user(user.clone()).map_err(on("user"))?;
        let subject = Subject { directory, external_id: user.external_id.clone() };
        if let Some(credential) = credential {
            self.credentials.insert(subject.clone(), credential.clone());
        }
        log.push(LoggedEntry::UserAdded(subject, user.name.clone()));
        Ok(())
    }

    fn update_user(
        &mut self,
        subject: &Subject,
        patch: &UserPatch,
        free_in: &[DirectoryId],
        log: Log<'_>,
    ) -> Done {
        let name = self.canonical_name(subject, free_in)?;
        let population = self.population_mut(subject.directory)?;
        population.update_user(&subject.external_id, patch).map_err(on("user"))?;
        log.push(LoggedEntry::UserUpdated(subject.clone(), name));
        if patch.active == Some(false) {
            self.end_sessions(subject, log);
        }
        Ok(())
    }

    fn rewrite_user(&mut self, directory: DirectoryId, user: &User, log: Log<'_>) -> Done {
        let subject = Subject { directory, external_id: user.external_id.clone() };
        let kept = self.account(&subject).ok_or(missing("user"))?.clone();
        let gone = kept.attributes.iter().map(|(name, _)| (name.to_owned(), Vec::new()));
        let stated = user.attributes.iter().map(|(name, values)| (name.to_owned(), values.to_vec()));
        let patch = UserPatch {
            profile: Some(user.profile.clone()),
            active: Some(user.active),
            attributes: gone.chain(stated).collect(),
        };
        let population = self.population_mut(directory)?;
        population.update_user(&user.external_id, &patch).map_err(on("user"))?;
        log.push(LoggedEntry::UserUpdated(subject.clone(), kept.name));
        if kept.active && !user.active {
            self.end_sessions(&subject, log);
        }
        Ok(())
    }

    /// What is kept of a mirror whose directory is there.
    pub(super) fn kept_mirror(&mut self, directory: DirectoryId) -> Result<&mut KeptMirror, StoreError> {
        self.directories.get(&directory).ok_or(missing("directory"))?;
        Ok(self.mirrors.entry(directory).or_default())
    }

    fn rename_user(
        &mut self,
        subject: &Subject,
        name: &Username,
        free_in: &[DirectoryId],
        log: Log<'_>,
    ) -> Done {
        self.must_be_free(name.key(), free_in)?;
        let population = self.population_mut(subject.directory)?;
        let former = population.rename_user(&subject.external_id, name).map_err(on("user"))?;
        log.push(LoggedEntry::UserRenamed(subject.clone(), former, name.clone()));
        let own = |claim: &&Claim| {
            claim.subject == *subject && claim.tombstoned_at.is_none() && claim.key != *name.key()
        };
        let followers: Vec<Claim> = self.claims.values().filter(own).cloned().collect();
        for claim in followers {
            self.take_claim(&claim)?;
            let key = name.key().clone();
            self.make_claim(&Claim { key, ..claim }, log)?;
        }
        Ok(())
    }

    fn replace_external_id(&mut self, subject: &Subject, external_id: &ExternalId, log: Log<'_>) -> Done {
        let name = self.account(subject).ok_or(missing("user"))?.name.clone();
        let population = self.population_mut(subject.directory)?;
        population.replace_external_id(&subject.external_id, external_id).map_err(on("user"))?;
        let successor = Subject { directory: subject.directory, external_id: external_id.clone() };
        if let Some(credential) = self.credentials.remove(subject) {
            self.credentials.insert(successor.clone(), credential);
        }
        if let Some(capture) = self.captures.remove(subject) {
            let capture = Capture { subject: successor.clone(), ..capture };
            self.captures.insert(successor.clone(), capture);
        }
        if let Some(login) = self.logins.remove(subject) {
            self.logins.insert(successor.clone(), login);
        }
        if let Some(epoch) = self.epochs.remove(subject) {
            self.epochs.insert(successor.clone(), epoch);
        }
        let applications: Vec<ApplicationId> = self.applications.keys().copied().collect();
        for application in applications {
            if let Some(alias) = self.aliases.remove(&(application, subject.clone())) {
                self.aliases.insert((application, successor.clone()), alias);
            }
        }
        log.push(LoggedEntry::UserUpdated(successor.clone(), name));
        for claim in self.claims.values_mut() {
            if claim.subject == *subject && claim.tombstoned_at.is_none() {
                claim.subject = successor.clone();
                log.push(LoggedEntry::ClaimPut(claim.application, claim.key.clone()));
            }
        }
        // Nobody may come upon the sessions of the former account by being given its external id.
        self.sessions.retain(|_, session| session.subject != *subject);
        Ok(())
    }

    fn remove_user(
        &mut self,
        subject: &Subject,
        free_in: &[DirectoryId],
        at: Timestamp,
        log: Log<'_>,
    ) -> Done {
        let name = self.canonical_name(subject, free_in)?;
        let population = self.population_mut(subject.directory)?;
        population.remove_user(&subject.external_id).map_err(on("user"))?;
        self.credentials.remove(subject);
        self.captures.remove(subject);
        self.logins.remove(subject);
        self.epochs.remove(subject);
        self.sessions.retain(|_, session| session.subject != *subject);
        log.push(LoggedEntry::UserRemoved(subject.clone(), name));
        self.aliases.retain(|(application, of), _| {
            let kept = of != subject;
            if !kept {
                log.push(LoggedEntry::AliasRemoved(*application, subject.clone()));
            }
            kept
        });
        self.bury_claims(|of| of == subject, at, log);
        Ok(())
    }

    fn set_credential(
        &mut self,
        subject: &Subject,
        credential: &Credential,
        free_in: &[DirectoryId],
        log: Log<'_>,
    ) -> Done {
        let name = self.canonical_name(subject, free_in)?;
        self.credentials.insert(subject.clone(), credential.clone());
        self.captures.remove(subject);
        log.push(LoggedEntry::PasswordSet(subject.clone(), name));
        self.end_sessions(subject, log);
        Ok(())
    }

    fn end_sessions(&mut self, subject: &Subject, log: Log<'_>) {
        *self.epochs.entry(subject.clone()).or_default() += 1;
        log.push(LoggedEntry::SessionsEnded(subject.clone()));
    }

    fn make_claim(&mut self, claim: &Claim, log: Log<'_>) -> Done {
        let key = (claim.application, claim.key.clone());
        if !self.applications.contains_key(&claim.application) {
            return Err(missing("application"));
        }
        if self.claims.contains_key(&key) {
            return Err(conflict("claim"));
        }
        self.claims.insert(key, claim.clone());
        log.push(LoggedEntry::ClaimPut(claim.application, claim.key.clone()));
        Ok(())
    }

    fn take_claim(&mut self, expected: &Claim) -> Done {
        let key = (expected.application, expected.key.clone());
        if self.claims.get(&key) != Some(expected) {
            return Err(conflict("claim"));
        }
        self.claims.remove(&key);
        Ok(())
    }

    fn bury_claims(&mut self, dead: impl Fn(&Subject) -> bool, at: Timestamp, log: Log<'_>) {
        for claim in self.claims.values_mut() {
            if dead(&claim.subject) && claim.tombstoned_at.is_none() {
                claim.tombstoned_at = Some(at);
                log.push(LoggedEntry::ClaimPut(claim.application, claim.key.clone()));
            }
        }
    }

    fn set_alias(
        &mut self,
        application: ApplicationId,
        subject: &Subject,
        alias: &Username,
        free_in: &[DirectoryId],
        log: Log<'_>,
    ) -> Done {
        if !self.applications.contains_key(&application) || self.account(subject).is_none() {
            return Err(missing("account"));
        }
        self.must_be_free(alias.key(), free_in)?;
        let holder = self.alias_holder(application, alias.key());
        if holder.is_some_and(|holder| holder != subject) {
            return Err(conflict("alias"));
        }
        self.aliases.insert((application, subject.clone()), alias.clone());
        log.push(LoggedEntry::AliasSet(application, subject.clone()));
        Ok(())
    }

    /// The name of an account, if no directory of `free_in` holds it.
    fn canonical_name(&self, subject: &Subject, free_in: &[DirectoryId]) -> Result<Username, StoreError> {
        let name = self.account(subject).ok_or(missing("user"))?.name.clone();
        self.must_be_free(name.key(), free_in)?;
        Ok(name)
    }

    fn must_be_free(&self, key: &Key, free_in: &[DirectoryId]) -> Done {
        let holds = |&directory: &DirectoryId| {
            let population = self.population(directory);
            population.is_some_and(|population| population.user(key).is_some())
        };
        if free_in.iter().any(holds) {
            return Err(conflict("user"));
        }
        Ok(())
    }

    fn population_mut(&mut self, directory: DirectoryId) -> Result<&mut Population, StoreError> {
        let population = self.populations.get_mut(&directory).ok_or(missing("directory"))?;
        Ok(Arc::make_mut(population))
    }
}

fn on(subject: &'static str) -> impl Fn(Fault) -> StoreError {
    move |fault| StoreError::new(fault, subject)
}

fn missing(subject: &'static str) -> StoreError {
    StoreError::new(Fault::Missing, subject)
}

fn conflict(subject: &'static str) -> StoreError {
    StoreError::new(Fault::Conflict, subject)
}
