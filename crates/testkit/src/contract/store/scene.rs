//! The little world that a case of the store contract sets up, and the words it is told in.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use throng_core::attribute::Attributes;
use throng_core::change::{Applied, Change, ChangeSet, LoggedBatch, OnCycle};
use throng_core::claim::Claim;
use throng_core::consumer::ConsumerRecord;
use throng_core::directory::UserPatch;
use throng_core::error::{Fault, StoreError};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, IdentityId, SessionId, Subject};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::permission::Permissions;
use throng_core::plan::Plan;
use throng_core::registry::{
    Aliases, ApplicationRecord, DirectoryKind, DirectoryRecord, InternalSettings, Label,
};
use throng_core::session::{Binding, Session, TokenDigest};
use throng_core::store::Store;
use throng_core::time::Timestamp;
use throng_core::user::{Profile, User};

use crate::clock::SeededEntropy;

/// A store with what a case has put into it so far.
pub(super) struct Scene<'s> {
    pub(super) store: &'s dyn Store,
    entropy: SeededEntropy,
    moment: AtomicI64,
    canaries: AtomicU8,
}

impl<'s> Scene<'s> {
    pub(super) fn on(store: &'s dyn Store) -> Self {
        Self {
            store,
            entropy: SeededEntropy::new(1),
            moment: AtomicI64::new(1_700_000_000_000_000),
            canaries: AtomicU8::new(0),
        }
    }

    /// A later moment with each call, with microseconds that a coarser store would lose.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.moment.fetch_add(1_000_003, Ordering::Relaxed))
    }

    pub(super) fn identity(&self) -> IdentityId {
        IdentityId::random(&self.entropy)
    }

    pub(super) async fn apply(&self, changes: Vec<Change>) -> Applied {
        done(self.store.apply(&ChangeSet::new(self.now(), changes)).await)
    }

    pub(super) async fn change(&self, change: Change) -> Applied {
        self.apply(vec![change]).await
    }

    /// Asserts that a change is refused with a fault, and that what precedes it in the same set is not there
    /// either.
    pub(super) async fn refused(&self, change: Change, fault: Fault) {
        let head = done(self.store.head().await);
        let directories = done(self.store.directories().await);
        let number = self.canaries.fetch_add(1, Ordering::Relaxed);
        let canary = self.directory_record(&format!("canary {number}"));
        let text = format!("{change:?}");
        let set = ChangeSet::new(self.now(), vec![Change::PutDirectory(canary), change]);
        let answer = self.store.apply(&set).await.map_err(|error| error.fault());
        assert_eq!(answer, Err(fault), "{text}");
        assert_eq!(done(self.store.head().await), head, "a refused set was logged: {text}");
        assert_eq!(
            done(self.store.directories().await),
            directories,
            "a part of a refused set was kept: {text}"
        );
    }

    pub(super) fn directory_record(&self, name: &str) -> DirectoryRecord {
        DirectoryRecord {
            id: DirectoryId::random(&self.entropy),
            name: label(name),
            active: true,
            permissions: Permissions::ALL,
            kind: DirectoryKind::Internal(InternalSettings::default()),
        }
    }

    pub(super) async fn directory(&self, name: &str) -> DirectoryId {
        let record = self.directory_record(name);
        let id = record.id;
        self.change(Change::PutDirectory(record)).await;
        id
    }

    pub(super) async fn live_directory(&self, name: &str) -> DirectoryId {
        let record = DirectoryRecord { kind: DirectoryKind::Live, ..self.directory_record(name) };
        let id = record.id;
        self.change(Change::PutDirectory(record)).await;
        id
    }

    pub(super) fn application_record(&self, name: &str, seats: &[DirectoryId]) -> ApplicationRecord {
        let plan = seats.iter().try_fold(Plan::new(), |plan, &seat| plan.seat(seat));
        ApplicationRecord {
            id: ApplicationId::random(&self.entropy),
            name: label(name),
            active: true,
            plan: plan.expect("the seats differ").with_version(1),
            aliases: Aliases::On,
            administrators: Vec::new(),
        }
    }

    pub(super) async fn application(&self, name: &str, seats: &[DirectoryId]) -> ApplicationId {
        let record = self.application_record(name, seats);
        let id = record.id;
        self.change(Change::PutApplication(record)).await;
        id
    }

    /// Adds a user whose external id is `id-` and the name as it is spelled.
    pub(super) async fn user(&self, directory: DirectoryId, name: &str) -> Subject {
        self.change(add_user(directory, user(name))).await;
        subject(directory, name)
    }

    pub(super) async fn users<const N: usize>(&self, directory: DirectoryId, names: [&str; N]) {
        let changes = names.map(|name| add_user(directory, user(name)));
        self.apply(changes.to_vec()).await;
    }

    pub(super) async fn groups<const N: usize>(&self, directory: DirectoryId, names: [&str; N]) {
        let changes = names.map(|name| add_group(directory, group(name)));
        self.apply(changes.to_vec()).await;
    }

    /// Adds members, groups first, with cycles kept.
    pub(super) async fn members(&self, directory: DirectoryId, pairs: &[(&str, Member)]) {
        let add = |(group, member): &(&str, Member)| add_member(directory, group, member, OnCycle::Keep);
        self.apply(pairs.iter().map(add).collect()).await;
    }

    pub(super) fn claim_on(&self, application: ApplicationId, name: &str, subject: &Subject) -> Claim {
        Claim {
            application,
            key: Key::of(name),
            identity: self.identity(),
            subject: subject.clone(),
            tombstoned_at: None,
            made_at: self.now(),
        }
    }

    pub(super) async fn claim(&self, application: ApplicationId, name: &str, subject: &Subject) -> Claim {
        let claim = self.claim_on(application, name, subject);
        self.change(Change::MakeClaim(claim.clone())).await;
        claim
    }

    pub(super) fn new_session(&self, application: ApplicationId, subject: &Subject, epoch: u64) -> Session {
        let now = self.now();
        Session {
            id: SessionId::random(&self.entropy),
            application,
            subject: subject.clone(),
            name: username("Somebody"),
            epoch,
            created_at: now,
            used_at: now,
            expires_at: now.plus(std::time::Duration::from_secs(3_600)),
            idle: std::time::Duration::from_secs(600),
            binding: Binding::NOTHING,
        }
    }

    /// Opens a session in the account's present epoch, under a token that is told by its number.
    pub(super) async fn session(&self, application: ApplicationId, subject: &Subject, number: u8) -> Session {
        let epoch = done(self.store.epoch(subject).await);
        let session = self.new_session(application, subject, epoch);
        done(self.store.open_session(&token(number), &session).await);
        session
    }

    pub(super) async fn is_live(&self, number: u8) -> bool {
        done(self.store.session(&token(number)).await).is_some()
    }

    pub(super) async fn find(&self, directory: DirectoryId, name: &str) -> Option<User> {
        done(self.store.user(directory, &Key::of(name)).await)
    }

    pub(super) async fn find_group(&self, directory: DirectoryId, name: &str) -> Option<Group> {
        let groups = done(self.store.locate_groups(&Key::of(name)).await);
        let mut here = groups.into_iter().filter(|(of, _)| *of == directory);
        here.next().map(|(_, group)| group)
    }

    pub(super) async fn children(&self, directory: DirectoryId, group: &str) -> Vec<String> {
        let page = PageRequest::default();
        let page = done(self.store.children(directory, &Key::of(group), &page).await);
        spellings(&page)
    }

    pub(super) async fn parents(&self, directory: DirectoryId, member: &Member) -> Vec<String> {
        spellings(&done(self.store.parents(directory, member, &PageRequest::default()).await))
    }

    pub(super) async fn standing(&self, application: ApplicationId, name: &str) -> Option<Claim> {
        done(self.store.claim(application, &Key::of(name)).await)
    }

    pub(super) async fn application_now(&self, id: ApplicationId) -> Option<ApplicationRecord> {
        let applications = done(self.store.applications().await);
        applications.into_iter().find(|record| record.id == id)
    }

    pub(super) async fn last_batch(&self) -> LoggedBatch {
        let head = done(self.store.head().await);
        let mut batches = done(self.store.batches(head - 1, 2).await);
        assert_eq!(batches.len(), 1, "one batch follows the last but one");
        batches.remove(0)
    }
}

/// The answer of a call that must not fail.
#[track_caller]
pub(super) fn done<T>(answer: Result<T, StoreError>) -> T {
    answer.expect("the store does what it documents")
}

/// The fault of a call that must fail.
#[track_caller]
pub(super) fn fault<T: Debug>(answer: Result<T, StoreError>) -> Fault {
    answer.expect_err("the store refuses what it documents").fault()
}

pub(super) fn label(name: &str) -> Label {
    Label::new(name).expect("a label")
}

pub(super) fn username(name: &str) -> Username {
    Username::new(name).expect("a user name")
}

pub(super) fn group_name(name: &str) -> GroupName {
    GroupName::new(name).expect("a group name")
}

pub(super) fn external_id(text: &str) -> ExternalId {
    ExternalId::new(text).expect("an external id")
}

pub(super) fn keys<const N: usize>(names: [&str; N]) -> Vec<Key> {
    names.map(Key::of).to_vec()
}

/// The account that [`user`] describes.
pub(super) fn subject(directory: DirectoryId, name: &str) -> Subject {
    Subject { directory, external_id: external_id(&format!("id-{name}")) }
}

pub(super) fn user(name: &str) -> User {
    User {
        external_id: external_id(&format!("id-{name}")),
        name: username(name),
        profile: Profile::default(),
        active: true,
        attributes: Attributes::new(),
    }
}

pub(super) fn group(name: &str) -> Group {
    Group {
        external_id: external_id(&format!("group-id-{name}")),
        name: group_name(name),
        description: String::new(),
        origin: Origin::Local,
        attributes: Attributes::new(),
    }
}

pub(super) fn attributes(pairs: &[(&str, &[&str])]) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, values) in pairs {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        attributes.set(*name, values).expect("the attributes fit");
    }
    attributes
}

pub(super) fn user_in(name: &str) -> Member {
    Member::User(username(name))
}

pub(super) fn group_in(name: &str) -> Member {
    Member::Group(group_name(name))
}

pub(super) fn add_user(directory: DirectoryId, user: User) -> Change {
    Change::AddUser { directory, user, free_in: Vec::new(), credential: None }
}

pub(super) fn patch_user(subject: &Subject, patch: UserPatch) -> Change {
    Change::UpdateUser { subject: subject.clone(), patch, free_in: Vec::new() }
}

pub(super) fn rename(subject: &Subject, name: &str) -> Change {
    Change::RenameUser { subject: subject.clone(), name: username(name), free_in: Vec::new() }
}

pub(super) fn remove_user(subject: &Subject) -> Change {
    Change::RemoveUser { subject: subject.clone(), free_in: Vec::new() }
}

pub(super) fn set_credential(subject: &Subject, credential: Credential) -> Change {
    Change::SetCredential { subject: subject.clone(), credential, free_in: Vec::new() }
}

pub(super) fn add_group(directory: DirectoryId, group: Group) -> Change {
    Change::AddGroup { directory, group, free_in: Vec::new() }
}

pub(super) fn remove_group(directory: DirectoryId, name: &str) -> Change {
    Change::RemoveGroup { directory, group: group_name(name) }
}

pub(super) fn add_member(directory: DirectoryId, group: &str, member: &Member, cycle: OnCycle) -> Change {
    Change::AddMember { directory, group: group_name(group), member: member.clone(), cycle }
}

pub(super) fn remove_member(directory: DirectoryId, group: &str, member: Member) -> Change {
    Change::RemoveMember { directory, group: group_name(group), member }
}

pub(super) fn hash(text: &str) -> EncodedHash {
    EncodedHash::new(text).expect("a short hash")
}

pub(super) fn credential(text: &str) -> Credential {
    Credential {
        hash: CredentialState::Usable(hash(text)),
        history: Vec::new(),
        changed_at: Timestamp::from_micros(1_600_000_000_000_001),
        failed_attempts: 0,
        must_change: false,
    }
}

pub(super) fn consumer(application: ApplicationId, version: u64) -> ConsumerRecord {
    ConsumerRecord { version, ..ConsumerRecord::new(application) }
}

pub(super) fn token(number: u8) -> TokenDigest {
    TokenDigest::new([number; 32])
}

/// What the items of a page are called, as they are spelled.
pub(super) fn spellings<T: ToString>(page: &Page<T>) -> Vec<String> {
    page.items.iter().map(T::to_string).collect()
}
