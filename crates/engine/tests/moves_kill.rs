//! A move that is killed at every write of the store, before it and after it, is resumed and ends as one that was not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use throng_core::change::{Change, ChangeSet, OnCycle};
use throng_core::directory::{Directory, Verifier};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId, Id, Subject};
use throng_core::moves::Moves;
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::plan::Plan;
use throng_core::registry::{DelegatedSettings, UnknownUser};
use throng_core::store::{Records, Store};
use throng_core::time::{Clock, Timestamp};
use throng_core::user::{Profile, User};
use throng_engine::Throng;
use throng_engine::moves::{MoveControl, MoveId, MoveRequest, MoveState, Options, OrderChange};
use throng_testkit::clock::{ManualClock, SeededEntropy};
use throng_testkit::faulty::{FaultyStore, Moment};
use throng_testkit::memory::MemoryStore;
use throng_testkit::script::{Power, ScriptedDirectory, ScriptedVerifier};

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// The four kinds of move that are swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    InternalToInternal,
    InternalToDelegated,
    RemoteToInternal,
    InternalToRemote,
}

/// How many users and groups are moved. The full size of every sweep is that of the first kind; what is checked after
/// each kill grows with the square of it.
const USERS: usize = 200;
const GROUPS: usize = 50;

struct House {
    kind: Kind,
    users: usize,
    groups: usize,
    store: Arc<FaultyStore<MemoryStore>>,
    throng: Throng,
    far: ScriptedDirectory,
    verifier: ScriptedVerifier,
    source: DirectoryId,
    target: DirectoryId,
}

fn hash() -> EncodedHash {
    // Nobody logs in here: what is compared is where the hash is.
    EncodedHash::new(
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI",
    )
    .unwrap()
}

fn name(number: usize) -> Username {
    Username::new(format!("User{number:03}")).unwrap()
}

fn group(number: usize) -> GroupName {
    GroupName::new(format!("group{number:02}")).unwrap()
}

impl House {
    async fn new(kind: Kind, users: usize, groups: usize) -> Self {
        let store = Arc::new(FaultyStore::over(MemoryStore::new()));
        let far = ScriptedDirectory::new(DirectoryId::from_bytes([7; 16])).with_powers(&[
            Power::Users,
            Power::Groups,
            Power::Members,
            Power::Passwords,
        ]);
        let verifier = ScriptedVerifier::new();
        let throng = throng(&store, &far, &verifier).await;
        let one = throng.internal_directory("One").await.unwrap();
        let (source, target) = match kind {
            Kind::InternalToInternal => (one, throng.internal_directory("Two").await.unwrap()),
            Kind::InternalToDelegated => {
                let settings = DelegatedSettings {
                    unknown_user: UnknownUser::StaysUnknown,
                    ..DelegatedSettings::default()
                };
                (one, throng.delegated_directory("Staff", settings).await.unwrap())
            }
            Kind::RemoteToInternal => (far.id(), one),
            Kind::InternalToRemote => (one, far.id()),
        };
        let plan = Plan::new().seat(source).unwrap().seat(target).unwrap();
        throng.ensure_application("wiki", plan).await.unwrap();
        let house = Self { kind, users, groups, store, throng, far, verifier, source, target };
        house.fill().await;
        house
    }

    async fn fill(&self) {
        for number in 0..self.users {
            self.verifier.put(name(number).as_str(), "a password").unwrap();
        }
        if self.kind == Kind::RemoteToInternal {
            for number in 0..self.groups {
                self.far.put_group(group(number).as_str(), "").unwrap();
            }
            for number in 0..self.users {
                self.far.put_with_password(name(number).as_str(), "a password").unwrap();
                self.far.put_member(&group(number % self.groups), &Member::User(name(number))).unwrap();
            }
            return;
        }
        let mut changes = Vec::new();
        let directory = self.source;
        for number in 0..self.groups {
            let group = Group {
                external_id: ExternalId::new(format!("g{number}")).unwrap(),
                name: group(number),
                description: format!("the {number}th"),
                origin: Origin::Local,
                attributes: Default::default(),
            };
            changes.push(Change::AddGroup { directory, group, free_in: vec![] });
        }
        let add =
            |group: GroupName, member| Change::AddMember { directory, group, member, cycle: OnCycle::Refuse };
        for number in 1..self.groups {
            changes.push(add(group(number / 2), Member::Group(group(number))));
        }
        let application = self.throng.application("wiki").unwrap().id();
        for number in 0..self.users {
            let profile = Profile { email: format!("{number}@example.org"), ..Profile::default() };
            let id = ExternalId::new(format!("u{number}")).unwrap();
            let user = User { profile, ..User::named(id.clone(), name(number)) };
            let credential = Some(Credential {
                hash: CredentialState::Usable(hash()),
                history: vec![],
                changed_at: START,
                failed_attempts: 0,
                must_change: false,
            });
            changes.push(Change::AddUser { directory, user, free_in: vec![], credential });
            changes.push(add(group(number % self.groups), Member::User(name(number))));
            changes.push(Change::MakeClaim(throng_core::claim::Claim {
                application,
                key: name(number).key().clone(),
                identity: Id::from_bytes(u128::try_from(number).unwrap().to_be_bytes()),
                subject: Subject { directory, external_id: id },
                tombstoned_at: None,
                made_at: START,
            }));
        }
        self.store.apply(&ChangeSet::new(START, changes)).await.unwrap();
    }

    fn request(&self) -> MoveRequest {
        let options = Options { order: OrderChange::TargetFirst, ..Options::default() };
        MoveRequest::new(self.source, self.target).options(options)
    }

    /// Everything that a move concerns, by name, so that ids drawn on the way do not count.
    async fn outcome(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for (label, directory) in [("source", self.source), ("target", self.target)] {
            let port = self.throng.open(directory).unwrap();
            for user in
                port.find_users(&Filter::everything(), &PageRequest::first(1_000)).await.unwrap().items
            {
                let member = Member::User(user.name.clone());
                let parents = port.parents_of(&member, &PageRequest::first(1_000)).await.unwrap().items;
                let subject = Subject { directory, external_id: user.external_id.clone() };
                let belongings = self.store.belongings(&subject).await.unwrap();
                let credential = belongings.as_ref().and_then(|it| it.credential.clone());
                let application = self.throng.application("wiki").unwrap().id();
                let claims = self.store.locate(application, user.key()).await.unwrap().claim;
                let owner = claims.map(|claim| (claim.identity, claim.subject == subject));
                let waits = self.store.capture(&subject).await.unwrap().is_some();
                let words = format!(
                    "{:?} {:?} {parents:?} {:?} {owner:?} {waits}",
                    user.profile,
                    user.active,
                    credential.map(|it| it.hash == CredentialState::Usable(hash()))
                );
                all.insert(format!("{label} {}", user.name), words);
            }
            for group in
                port.find_groups(&Filter::everything(), &PageRequest::first(1_000)).await.unwrap().items
            {
                let members = port.children_of(&group.name, &PageRequest::first(1_000)).await.unwrap().items;
                all.insert(format!("{label} @{}", group.name), format!("{} {members:?}", group.description));
            }
        }
        all
    }

    /// Every password opens its account somewhere: the hash is kept, or whoever checks it can be asked.
    async fn every_password_opens_something(&self) -> bool {
        for number in 0..self.users {
            let mut opens = false;
            for directory in [self.source, self.target] {
                let far = directory == self.far.id();
                if far {
                    let there = self.far.user(&name(number)).await.unwrap();
                    // What is made there has no password until it is set: only the source of a move counts.
                    opens |= there.is_some()
                        && (self.kind == Kind::RemoteToInternal || !self.is_kept(number).await);
                    continue;
                }
                let Some(user) = self.store.user(directory, name(number).key()).await.unwrap() else {
                    continue;
                };
                let subject = Subject { directory, external_id: user.external_id };
                let credential = self.store.belongings(&subject).await.unwrap().and_then(|it| it.credential);
                opens |= credential.is_some_and(|it| it.hash == CredentialState::Usable(hash()));
                opens |= self.kind == Kind::InternalToDelegated && directory == self.target;
            }
            if !opens {
                return false;
            }
        }
        true
    }

    async fn is_kept(&self, number: usize) -> bool {
        self.store.user(self.source, name(number).key()).await.unwrap().is_some()
    }

    /// The throng as another process would put it together over the same store.
    async fn again(&self) -> Throng {
        throng(&self.store, &self.far, &self.verifier).await
    }
}

async fn throng(
    store: &Arc<FaultyStore<MemoryStore>>,
    far: &ScriptedDirectory,
    verifier: &ScriptedVerifier,
) -> Throng {
    let clock = Arc::new(ManualClock::at(START.as_micros()));
    Throng::over(Arc::clone(store) as Arc<dyn Store>)
        .clock(clock as Arc<dyn Clock>)
        .entropy(Arc::new(SeededEntropy::new(11)))
        .directory("Far", Arc::new(far.clone()))
        .verifier("Staff", Arc::new(verifier.clone()) as Arc<dyn Verifier>)
        .build()
        .await
        .unwrap()
}

/// Kills a move at one write, lets another process resume it or take it back, and compares.
async fn kill(
    kind: Kind,
    users: usize,
    groups: usize,
    nth: u64,
    moment: Moment,
    expected: &Expected,
) -> Killed {
    let house = House::new(kind, users, groups).await;
    let plan = house.throng.plan_move(house.request()).await.unwrap();
    house.store.fail_from(nth, moment);
    let outcome = house.throng.run_move(plan, &MoveControl::new()).await;
    house.store.mend();
    if outcome.is_ok() && house.store.failed() == 0 {
        return Killed::Never;
    }
    assert!(
        house.every_password_opens_something().await,
        "{kind:?} {nth} {moment:?}: a password opens nothing"
    );
    let again = house.again().await;
    // The leases of a process that was killed are free once their time is over; here, it gives them back at once.
    release(&house).await;
    let Some(record) = again.moves().await.unwrap().pop() else {
        assert_eq!(
            house.outcome().await,
            expected.before,
            "{kind:?} {nth} {moment:?}: begun without a journal"
        );
        return Killed::Before;
    };
    if nth.is_multiple_of(2) {
        let resumed = again.resume_move(record.id, &MoveControl::new()).await.unwrap();
        assert_eq!(resumed.state, MoveState::Moved);
        assert_eq!(house.outcome().await, expected.after, "{kind:?} {nth} {moment:?}: resumed");
        assert_eq!(again.verify_move(record.id).await.unwrap(), []);
    } else {
        let reverted = again.revert_move(record.id, &MoveControl::new()).await.unwrap();
        assert_eq!(reverted.state, MoveState::Reverted);
        assert_eq!(house.outcome().await, expected.before, "{kind:?} {nth} {moment:?}: taken back");
    }
    Killed::Midway
}

/// Takes the leases over as somebody would a minute later.
async fn release(house: &House) {
    let later = START.plus(std::time::Duration::from_secs(120));
    for directory in [house.source, house.target] {
        let node = Id::from_bytes([5; 16]);
        let lease =
            throng_core::store::Mirrors::take_lease(&*house.store, directory, node, later, later).await;
        throng_core::store::Mirrors::release_lease(&*house.store, lease.unwrap().fence).await.unwrap();
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Killed {
    Never,
    Before,
    Midway,
}

struct Expected {
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
    writes: u64,
}

async fn uninterrupted(kind: Kind, users: usize, groups: usize) -> Expected {
    let house = House::new(kind, users, groups).await;
    let before = house.outcome().await;
    let plan = house.throng.plan_move(house.request()).await.unwrap();
    assert_eq!(plan.obstacles, []);
    let writes = house.store.writes();
    let record = house.throng.run_move(plan, &MoveControl::new()).await.unwrap();
    let (after, writes) = (house.outcome().await, house.store.writes() - writes);
    assert_ne!(before, after);
    house.throng.revert_move(record.id, &MoveControl::new()).await.unwrap();
    assert_eq!(house.outcome().await, before, "{kind:?}: reverting is the identity");
    Expected { before, after, writes }
}

/// Every write, or with a step each so manyeth one.
async fn sweep(kind: Kind, users: usize, groups: usize, step: usize) {
    let expected = uninterrupted(kind, users, groups).await;
    let mut midway = 0;
    for nth in (1..=expected.writes).step_by(step) {
        for moment in [Moment::Before, Moment::After] {
            match kill(kind, users, groups, nth, moment, &expected).await {
                Killed::Never => panic!("{kind:?} {nth} {moment:?}: nothing failed"),
                Killed::Before => {}
                Killed::Midway => midway += 1,
            }
        }
    }
    assert!(midway * step >= users, "{midway} points of {}", expected.writes);
    drop::<(Option<MoveId>, Option<Key>)>((None, None));
}

#[tokio::test]
async fn internal_to_internal_of_200_users_and_50_groups() {
    sweep(Kind::InternalToInternal, USERS, GROUPS, 9).await;
}

#[tokio::test]
async fn internal_to_internal() {
    sweep(Kind::InternalToInternal, 12, 5, 1).await;
}

#[tokio::test]
async fn internal_to_delegated() {
    sweep(Kind::InternalToDelegated, 12, 5, 1).await;
}

#[tokio::test]
async fn remote_to_internal() {
    sweep(Kind::RemoteToInternal, 12, 5, 1).await;
}

#[tokio::test]
async fn internal_to_remote() {
    sweep(Kind::InternalToRemote, 12, 5, 1).await;
}
