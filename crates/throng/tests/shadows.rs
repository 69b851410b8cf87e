//! The shadow report against a naive model, over the memory store and SQLite.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use throng::core::change::{Change, ChangeSet};
use throng::core::directory::Directory;
use throng::core::id::{DirectoryId, ExternalId, Subject};
use throng::core::name::{Key, Username};
use throng::core::page::PageRequest;
use throng::core::shadow::Skeleton;
use throng::core::store::Store;
use throng::core::user::{Profile, User};
use throng::shadows::{HeldBy, ShadowReport, ShadowScope, SharedValue, Surfaces, Unlistable};
use throng::sqlite::SqliteStore;
use throng::{Application, NameState, Plan, Throng};
use throng_testkit::memory::MemoryStore;
use throng_testkit::script::{Behaviour, ScriptedDirectory};

/// Names of which some are the same, and some look so.
const NAMES: [&str; 13] = [
    "anna",
    "Anna",
    "\u{430}nna",
    "bill",
    "bi11",
    "BILL",
    "AIice",
    "\u{410}Iice",
    "alice",
    "al\u{456}ce",
    "rnary",
    "mary",
    "zoe",
];
const EMAILS: [&str; 5] = ["", "a@example.com", "A@Example.com ", "b@example.com", "\u{e9}@example.com"];
const IDS: [&str; 6] = ["1", "2", "3", "4", "name:anna", "name:bill"];

#[derive(Debug, Clone)]
struct Account {
    place: usize,
    name: usize,
    email: usize,
    id: usize,
    active: bool,
}

#[derive(Debug, Clone)]
struct World {
    accounts: Vec<Account>,
    /// Names that are claimed before anything changes.
    claimed: Vec<usize>,
    /// Accounts that are removed afterwards, by number.
    removed: Vec<usize>,
    reversed: bool,
    crowd: bool,
    silent: bool,
}

fn worlds() -> impl Strategy<Value = World> {
    let account = (0..4_usize, 0..NAMES.len(), 0..EMAILS.len(), 0..IDS.len(), any::<bool>());
    let account =
        account.prop_map(|(place, name, email, id, active)| Account { place, name, email, id, active });
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (vec(account, 0..24), vec(0..NAMES.len(), 0..6), vec(0..24_usize, 0..3), flags).prop_map(
        |(accounts, claimed, removed, (reversed, crowd, silent))| World {
            accounts,
            claimed,
            removed,
            reversed,
            crowd,
            silent,
        },
    )
}

/// Three directories that an application asks, of which the second is live, and one that it does not.
struct House {
    throng: Throng,
    store: Arc<dyn Store>,
    app: Application,
    directories: [DirectoryId; 4],
    live: ScriptedDirectory,
}

impl House {
    async fn build(store: Arc<dyn Store>, world: &World) -> Self {
        let live = ScriptedDirectory::new(DirectoryId::from_bytes([9; 16]));
        let throng = Throng::over(Arc::clone(&store)).directory("B live", Arc::new(live.clone()));
        let throng = throng.build().await.unwrap();
        let first = throng.internal_directory("A first").await.unwrap();
        let third = throng.internal_directory("C third").await.unwrap();
        let apart = throng.internal_directory("D apart").await.unwrap();
        let plan = if world.crowd { Plan::crowd() } else { Plan::new() };
        let plan = plan.seat(first).unwrap().seat(live.id()).unwrap().seat(third).unwrap();
        let app = throng.ensure_application("wiki", plan).await.unwrap();
        let directories = [first, live.id(), third, apart];
        let house = Self { throng, store, app, directories, live };
        for account in &world.accounts {
            house.add(account).await;
        }
        for name in &world.claimed {
            if let Ok(user) = house.app.find_user(NAMES[*name]).await {
                house.app.identity(&user).await.unwrap();
            }
        }
        for number in &world.removed {
            if let Some(account) = world.accounts.get(*number) {
                house.remove(account.place, &Username::new(NAMES[account.name]).unwrap()).await;
            }
        }
        if world.reversed {
            house.app.reorder(&[third, house.live.id(), first]).await.unwrap();
        }
        house
    }

    /// Adds an account, unless its name or its id is taken there.
    async fn add(&self, account: &Account) {
        let user = User {
            external_id: ExternalId::new(IDS[account.id]).unwrap(),
            name: Username::new(NAMES[account.name]).unwrap(),
            profile: Profile { email: EMAILS[account.email].into(), ..Profile::default() },
            active: account.active,
            attributes: Default::default(),
        };
        let directory = self.directories[account.place];
        if directory == self.live.id() {
            let _ = self.live.put_user(user);
        } else {
            let change = Change::AddUser { directory, user, free_in: vec![], credential: None };
            let _ = self.store.apply(&ChangeSet::one(self.throng.clock().now(), change)).await;
        }
    }

    async fn remove(&self, place: usize, name: &Username) {
        let open = self.throng.open(self.directories[place]).unwrap();
        if let Some(user) = open.user(name).await.unwrap() {
            open.powers().users.unwrap().remove_user(&user.external_id).await.unwrap();
        }
    }

    /// Everybody in a directory.
    async fn users(&self, directory: DirectoryId) -> Vec<User> {
        let everything = throng::core::filter::Filter::everything();
        let open = self.throng.open(directory).unwrap();
        open.find_users(&everything, &PageRequest::default()).await.unwrap().items
    }
}

/// All accounts of some directories, in the order of the directories.
type Everybody = Vec<(DirectoryId, User)>;

fn subjects<'a>(held: impl IntoIterator<Item = &'a HeldBy>) -> Vec<Subject> {
    held.into_iter().map(|held| held.subject.clone()).collect()
}

/// What the model says of a property: the accounts of each value that several directories hold.
fn shared(everybody: &Everybody, of: impl Fn(&User) -> Option<String>) -> BTreeMap<String, Vec<Subject>> {
    let mut values: BTreeMap<String, Vec<(Key, Subject)>> = BTreeMap::new();
    for (directory, user) in everybody {
        let subject = Subject { directory: *directory, external_id: user.external_id.clone() };
        if let Some(value) = of(user) {
            values.entry(value).or_default().push((user.key().clone(), subject));
        }
    }
    values.retain(|_, held| held.iter().any(|(_, other)| other.directory != held[0].1.directory));
    let only = |held: Vec<(Key, Subject)>| held.into_iter().map(|(_, subject)| subject).collect();
    values.into_iter().map(|(value, held)| (value, only(held))).collect()
}

fn told(values: &[SharedValue]) -> BTreeMap<String, Vec<Subject>> {
    assert!(values.iter().all(|value| value.count == u64::try_from(value.holders.len()).unwrap()));
    values.iter().map(|value| (value.value.clone(), subjects(&value.holders))).collect()
}

fn pairs(names: &[Key]) -> BTreeSet<(Key, Key)> {
    let pair = |a: &Key, b: &Key| (a < b).then(|| (a.clone(), b.clone()));
    names.iter().flat_map(|a| names.iter().filter_map(move |b| pair(a, b))).collect()
}

/// What the model says of looks: pairs of names of which some spellings have a look in common.
fn look_alikes(everybody: &Everybody) -> BTreeSet<(Key, Key)> {
    let mut looks: BTreeMap<Key, BTreeSet<Skeleton>> = BTreeMap::new();
    for (_, user) in everybody {
        looks.entry(user.key().clone()).or_default().extend(Skeleton::of_name(&user.name));
    }
    let names: Vec<Key> = looks.keys().cloned().collect();
    pairs(&names).into_iter().filter(|(a, b)| !looks[a].is_disjoint(&looks[b])).collect()
}

fn check_values(report: &ShadowReport, everybody: &Everybody) {
    assert_eq!(report.scan.users, u64::try_from(everybody.len()).unwrap());
    let email =
        |user: &User| Some(Key::of(user.profile.email.trim()).to_string()).filter(|key| !key.is_empty());
    assert_eq!(told(&report.emails), shared(everybody, email), "e-mail addresses");
    let id = |user: &User| Some(user.external_id.to_string()).filter(|id| !id.starts_with("name:"));
    assert_eq!(told(&report.external_ids), shared(everybody, id), "external ids");
    let names: BTreeMap<String, Vec<Subject>> =
        report.names.iter().map(|name| (name.name.to_string(), subjects(&name.holders))).collect();
    assert_eq!(names, shared(everybody, |user| Some(user.key().to_string())), "names");
    let families = report.confusable.iter();
    let families: Vec<Vec<Key>> =
        families.map(|found| found.names.iter().map(|held| held.name.clone()).collect()).collect();
    assert!(families.iter().all(|names| names.len() > 1 && names.is_sorted_by(|a, b| a < b)), "{families:?}");
    let found: BTreeSet<(Key, Key)> = families.iter().flat_map(|names| pairs(names)).collect();
    assert_eq!(found, look_alikes(everybody), "confusable names");
    assert_eq!(families.iter().collect::<BTreeSet<_>>().len(), families.len(), "no family twice");
}

async fn check_names(house: &House, report: &ShadowReport) {
    let claims = house.app.claims(&PageRequest::default()).await.unwrap().items;
    for name in &report.names {
        let explained = house.app.explain(name.name.as_str()).await.unwrap();
        assert_eq!(name.state.as_ref(), Some(&explained.state), "{:?}", name.name);
        let ranks: Vec<_> = name.holders.iter().map(|held| held.rank.unwrap()).collect();
        assert!(ranks.is_sorted(), "in the order of the application");
        let claim = claims.iter().find(|claim| claim.key == name.name);
        assert_eq!(
            name.claim.as_ref().map(|claim| (&claim.subject, claim.identity, claim.tombstoned_at)),
            claim.map(|claim| (&claim.subject, claim.identity, claim.tombstoned_at)),
        );
        // What is predicted is what happens.
        let first = match &explained.state {
            NameState::Means { subject, .. } | NameState::OwnershipChanged { found: subject, .. } => subject,
            NameState::Unknown | NameState::Undecided { .. } => {
                assert!(matches!(name.surfaces, Some(Surfaces::CannotBeSaid(_))));
                continue;
            }
        };
        let place = house.directories.iter().position(|directory| *directory == first.directory).unwrap();
        if name.surfaces.is_none() || (place == 1 && !report.scan.unlisted.is_empty()) {
            continue;
        }
        house.remove(place, &Username::new(name.name.as_str()).unwrap()).await;
        let owner = |subject: &Subject| {
            claim.is_some_and(|claim| claim.subject == *subject && claim.tombstoned_at.is_none())
        };
        let after = match house.app.explain(name.name.as_str()).await.unwrap().state {
            NameState::Means { subject, .. } if owner(&subject) => Surfaces::TheOwner(subject),
            NameState::Means { subject, .. } => Surfaces::AtOnce(subject),
            NameState::OwnershipChanged { found, .. } => Surfaces::OnceAdopted(found),
            NameState::Unknown => Surfaces::Nobody,
            NameState::Undecided { silent } => Surfaces::CannotBeSaid(silent),
        };
        assert_eq!(name.surfaces.as_ref(), Some(&after), "{:?}", name.name);
    }
}

async fn check(store: Arc<dyn Store>, world: &World) {
    let house = House::build(store, world).await;
    let mut everybody: BTreeMap<DirectoryId, Vec<User>> = BTreeMap::new();
    for directory in house.directories {
        everybody.insert(directory, house.users(directory).await);
    }
    if world.silent {
        house.live.behave(Behaviour::Silent);
        everybody.remove(&house.live.id());
    }
    let of = |directories: Vec<DirectoryId>| -> Everybody {
        let users =
            |id: DirectoryId| everybody.get(&id).into_iter().flatten().map(move |user| (id, user.clone()));
        directories.into_iter().flat_map(users).collect()
    };
    let all = house.throng.shadows(ShadowScope::AllDirectories).await.unwrap();
    check_values(&all, &of(house.directories.to_vec()));
    assert!(all.names.iter().all(|name| name.state.is_none() && name.surfaces.is_none()));
    let report = house.throng.shadows(ShadowScope::Application(house.app.id())).await.unwrap();
    let seats = house.app.record().unwrap().plan.seats().iter().map(|seat| seat.directory).collect();
    check_values(&report, &of(seats));
    for scan in [&all.scan, &report.scan] {
        let missing: Vec<_> = scan.unlisted.iter().map(|missing| (&*missing.label, missing.why)).collect();
        assert_eq!(missing, if world.silent { vec![("B live", Unlistable::Silent)] } else { vec![] });
    }
    check_names(&house, &report).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_report_is_what_a_naive_reading_says_and_what_it_predicts_happens(world in worlds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            check(Arc::new(MemoryStore::new()), &world).await;
            check(Arc::new(SqliteStore::in_memory().await.unwrap()), &world).await;
        });
    }
}
