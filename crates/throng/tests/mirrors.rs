//! Servers that mirror each other, and rounds whose calls and writes fail, over real connections.
#![cfg(all(feature = "client", feature = "server", feature = "sqlite"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod house;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use throng::client::Writes;
use throng::core::directory::{Directory, GroupPatch, NewGroup, NewUser, UserPatch};
use throng::core::group::Member;
use throng::core::name::{GroupName, Username};
use throng::core::store::Store;
use throng::core::sync::{MirroredSettings, Mode, Outcome, Round};
use throng::core::user::Profile;
use throng::sqlite::SqliteStore;
use throng::sync::SyncRequest;
use throng_testkit::faulty::{FaultyStore, Moment};
use throng_testkit::memory::MemoryStore;

use house::{Failing, House, listener, remote};

const PASSWORD: &str = "between two houses";

/// Two houses, of which each mirrors the other.
async fn two() -> [House; 2] {
    let (first, second) = (listener().await, listener().await);
    let at = [first.local_addr().unwrap(), second.local_addr().unwrap()];
    let over = |peer: usize| {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        House::over(store, Some(remote(at[peer], PASSWORD, Writes::Never)), MirroredSettings::default())
    };
    let (mut one, mut other) = (over(1).await, over(0).await);
    one.serve(first, PASSWORD).await;
    other.serve(second, PASSWORD).await;
    [one, other]
}

#[derive(Debug, Clone)]
enum Event {
    Add(u8),
    Change(u8, u8),
    Rename(u8, u8),
    Remove(u8),
    AddGroup(u8),
    Describe(u8, u8),
    RemoveGroup(u8),
    Join(u8, u8),
    Leave(u8, u8),
    Nest(u8, u8),
    Sync,
    Full,
}

fn events() -> impl Strategy<Value = Vec<(bool, Event)>> {
    let two = || (any::<u8>(), any::<u8>());
    let event = prop_oneof![
        4 => any::<u8>().prop_map(Event::Add),
        2 => two().prop_map(|(a, b)| Event::Change(a, b)),
        2 => two().prop_map(|(a, b)| Event::Rename(a, b)),
        2 => any::<u8>().prop_map(Event::Remove),
        2 => any::<u8>().prop_map(Event::AddGroup),
        1 => two().prop_map(|(a, b)| Event::Describe(a, b)),
        1 => any::<u8>().prop_map(Event::RemoveGroup),
        3 => two().prop_map(|(a, b)| Event::Join(a, b)),
        1 => two().prop_map(|(a, b)| Event::Leave(a, b)),
        1 => two().prop_map(|(a, b)| Event::Nest(a, b)),
        3 => Just(Event::Sync),
        1 => Just(Event::Full),
    ];
    vec((any::<bool>(), event), 1..40)
}

fn name(number: u8) -> Username {
    Username::new(format!("u{}", number % 6)).unwrap()
}

fn group(number: u8) -> GroupName {
    GroupName::new(format!("g{}", number % 3)).unwrap()
}

async fn add(open: &dyn Directory, name: Username) {
    let new =
        NewUser { name, profile: Profile { display_name: "x".into(), ..Profile::default() }, active: true };
    drop(open.powers().users.unwrap().add_user(&new).await);
}

async fn happen(house: &House, event: &Event) {
    let open = house.open();
    let powers = open.powers();
    let (users, groups, members) = (powers.users.unwrap(), powers.groups.unwrap(), powers.members.unwrap());
    let found = async |number: u8| open.user(&name(number)).await.unwrap();
    match *event {
        Event::Add(a) => add(&*open, name(a)).await,
        Event::Change(a, b) => {
            if let Some(user) = found(a).await {
                let profile =
                    Profile { display_name: "x".into(), email: format!("{b}@x"), ..Profile::default() };
                let room = if b % 2 == 0 { vec![] } else { vec![format!("{b}")] };
                let attributes = vec![("room".into(), room)];
                let patch = UserPatch { profile: Some(profile), active: Some(b % 3 != 0), attributes };
                users.update_user(&user.external_id, &patch).await.unwrap();
            }
        }
        Event::Rename(a, b) => {
            if let Some(user) = found(a).await {
                drop(users.rename_user(&user.external_id, &name(b)).await);
            }
        }
        Event::Remove(a) => {
            if let Some(user) = found(a).await {
                users.remove_user(&user.external_id).await.unwrap();
            }
        }
        Event::AddGroup(a) => {
            drop(groups.add_group(&NewGroup { name: group(a), description: String::new() }).await);
        }
        Event::Describe(a, b) => {
            let patch = GroupPatch { description: Some(format!("{b}")), attributes: vec![] };
            drop(groups.update_group(&group(a), &patch).await);
        }
        Event::RemoveGroup(a) => drop(groups.remove_group(&group(a)).await),
        Event::Join(a, b) => drop(members.add_member(&group(a), &Member::User(name(b))).await),
        Event::Leave(a, b) => drop(members.remove_member(&group(a), &Member::User(name(b))).await),
        Event::Nest(a, b) => drop(members.add_member(&group(a), &Member::Group(group(b))).await),
        Event::Sync => drop(sync(house, SyncRequest::default()).await),
        Event::Full => drop(sync(house, SyncRequest::full()).await),
    }
}

/// A round, and an approval of whatever it holds.
async fn sync(house: &House, request: SyncRequest) -> Round {
    let round = house.sync(request).await;
    if let Some(held) = &round.held {
        house.throng.approve_deletions(house.mirror, &held.hash).await.unwrap();
    }
    round
}

/// Rounds until nothing is held.
async fn settle(house: &House) {
    for _ in 0..4 {
        let round = sync(house, SyncRequest::default()).await;
        let outcome = round.ended.map(|(_, outcome)| outcome);
        assert!(outcome.is_some_and(Outcome::is_complete), "{round:?}");
        if outcome == Some(Outcome::Complete) {
            return;
        }
    }
    panic!("deletions stay held");
}

fn converge(events: &[(bool, Event)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let houses = two().await;
        for (first, event) in events {
            happen(&houses[usize::from(!first)], event).await;
        }
        for _ in 0..2 {
            for house in &houses {
                settle(house).await;
            }
        }
        let [one, other] = &houses;
        for (mirroring, mirrored) in [(one, other), (other, one)] {
            let own = mirrored.contents(mirrored.people).await;
            assert_eq!(mirroring.contents(mirroring.mirror).await, own);
            let full = mirroring.sync(SyncRequest::full()).await;
            assert_eq!(full.counts.written(), 0, "{full:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two servers that mirror each other end with each other's people, and hand nobody back; deletions included.
    #[test]
    fn two_that_mirror_each_other_converge(events in events()) {
        converge(&events);
    }
}

/// A peer with people, and a house over a faulty store that has mirrored them once; then the peer changes.
async fn scene() -> (House, House, Arc<FaultyStore<SqliteStore>>) {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut peer = House::over(memory, None, MirroredSettings::default()).await;
    for number in 0..12 {
        add(&*peer.open(), Username::new(format!("p{number}")).unwrap()).await;
    }
    for number in 0..3 {
        happen(&peer, &Event::AddGroup(number)).await;
        for user in 0..12 {
            let open = peer.open();
            let member = Member::User(Username::new(format!("p{user}")).unwrap());
            open.powers().members.unwrap().add_member(&group(number), &member).await.unwrap();
        }
    }
    peer.serve(listener, PASSWORD).await;
    let store = Arc::new(FaultyStore::over(SqliteStore::in_memory().await.unwrap()));
    let shared: Arc<dyn Store> = Arc::clone(&store) as _;
    let house =
        House::over(shared, Some(remote(address, PASSWORD, Writes::Never)), MirroredSettings::default())
            .await;
    let round = house.sync(SyncRequest::default()).await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
    let open = peer.open();
    let powers = open.powers();
    let (users, members) = (powers.users.unwrap(), powers.members.unwrap());
    let id = async |name: &str| open.user(&Username::new(name).unwrap()).await.unwrap().unwrap().external_id;
    users.remove_user(&id("p1").await).await.unwrap();
    users.rename_user(&id("p2").await, &Username::new("second").unwrap()).await.unwrap();
    let patch = UserPatch { active: Some(false), ..UserPatch::default() };
    users.update_user(&id("p3").await, &patch).await.unwrap();
    add(&*open, Username::new("late").unwrap()).await;
    let late = Member::User(Username::new("late").unwrap());
    members.add_member(&group(0), &late).await.unwrap();
    let p4 = Member::User(Username::new("p4").unwrap());
    members.remove_member(&group(1), &p4).await.unwrap();
    powers.groups.unwrap().remove_group(&group(2)).await.unwrap();
    (peer, house, store)
}

/// What stays the same in a round that fails, and how the next one ends.
async fn look_after(peer: &House, house: &House, round: &Round, what: &str) {
    let outcome = round.ended.map(|(_, outcome)| outcome).unwrap();
    // One of each was removed at the peer, and only a round that read everything removes it here.
    let most = u64::from(outcome == Outcome::Complete);
    let removed = (round.counts.users_removed, round.counts.groups_removed);
    assert!(removed.0 <= most && removed.1 <= most, "{what}: {round:?}");
    let next = house.sync(SyncRequest::default()).await;
    assert_eq!(next.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{what}: {next:?}");
    let own = peer.contents(peer.people).await;
    assert_eq!(house.contents(house.mirror).await, own, "{what}");
}

/// The n-th call of a round fails, for each n: nothing is deleted, and the next round ends as an undisturbed one does.
#[tokio::test]
async fn whichever_call_of_a_round_fails_the_next_round_mends_it() {
    for failing in [Failing::Refused, Failing::CutOff, Failing::Emptied] {
        for full in [SyncRequest::full(), SyncRequest::default()] {
            for nth in 1.. {
                let (peer, house, _) = scene().await;
                let before = peer.faults().requests();
                peer.faults().fail(nth, failing);
                let round = house.sync(full.clone()).await;
                let met = peer.faults().requests() - before >= nth;
                peer.faults().mend();
                look_after(&peer, &house, &round, &format!("{failing:?} call {nth}")).await;
                if !met {
                    break;
                }
            }
        }
    }
}

/// The n-th write of a round fails, before or after it was made, for each n.
#[tokio::test]
async fn whichever_write_of_a_round_fails_the_next_round_mends_it() {
    for moment in [Moment::Before, Moment::After] {
        for full in [SyncRequest::full(), SyncRequest::default()] {
            let mut forgotten = 0;
            for nth in 1.. {
                let (peer, house, store) = scene().await;
                let before = store.writes();
                store.fail_once(nth, moment);
                house.clock.advance(std::time::Duration::from_secs(600));
                let outcome = house.throng.sync(house.mirror, full.clone()).await;
                let met = store.writes() - before >= nth;
                store.mend();
                let what = format!("{moment:?} write {nth}");
                // The lease of a process that could not give it back ends by itself.
                house.clock.advance(std::time::Duration::from_secs(120));
                match outcome {
                    Ok(round) => {
                        forgotten += u32::from(!look_after_write(&peer, &house, &round, &what).await);
                    }
                    Err(_) => {
                        let next = house.sync(SyncRequest::default()).await;
                        assert!(
                            next.ended.is_some_and(|(_, outcome)| outcome == Outcome::Complete),
                            "{what}"
                        );
                        assert_eq!(house.contents(house.mirror).await, peer.contents(peer.people).await);
                    }
                }
                if !met {
                    break;
                }
            }
            assert!(forgotten <= 1, "only a lost memory forgets: {forgotten}");
        }
    }
}

/// Deletions are made at the end of a round, and a write that is reported as failed may have been made. Gives whether
/// all that were made are remembered against the next.
async fn look_after_write(peer: &House, house: &House, round: &Round, what: &str) -> bool {
    let next = house.sync(SyncRequest::default()).await;
    assert!(
        next.ended.is_some_and(|(_, outcome)| outcome == Outcome::Complete),
        "{what}: {round:?} {next:?}"
    );
    assert_eq!(house.contents(house.mirror).await, peer.contents(peer.people).await, "{what}");
    let state = house.throng.mirror(house.mirror).await.unwrap().state;
    let deleted = state.recent_users.map_or(0, |recent| recent.deleted);
    for round in house.throng.rounds(house.mirror, 10).await.unwrap() {
        assert!(round.ended.is_some(), "no round runs for ever: {round:?}");
    }
    deleted == round.counts.users_removed + next.counts.users_removed
}

/// A round that finds nothing to change writes its lease and its journal, however many there are.
#[tokio::test]
async fn a_round_without_a_change_writes_no_row_of_the_mirror() {
    let mut writes = Vec::new();
    for users in [1, 30] {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        let mut peer = House::over(Arc::new(MemoryStore::new()), None, MirroredSettings::default()).await;
        for number in 0..users {
            add(&*peer.open(), Username::new(format!("p{number}")).unwrap()).await;
            happen(&peer, &Event::AddGroup(number)).await;
            let member = Member::User(Username::new(format!("p{number}")).unwrap());
            let open = peer.open();
            open.powers().members.unwrap().add_member(&group(number), &member).await.unwrap();
        }
        peer.serve(listener, PASSWORD).await;
        let store = Arc::new(FaultyStore::over(SqliteStore::in_memory().await.unwrap()));
        let shared: Arc<dyn Store> = Arc::clone(&store) as _;
        let source = remote(address, PASSWORD, Writes::Never);
        let house = House::over(shared, Some(source), MirroredSettings::default()).await;
        for request in [SyncRequest::default(), SyncRequest::full()] {
            let round = house.sync(request).await;
            assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
        }
        let before = store.writes();
        let round = house.sync(SyncRequest::full()).await;
        assert_eq!((round.counts.written(), round.counts.users_read), (0, u64::from(users)), "{round:?}");
        writes.push(store.writes() - before);
    }
    assert_eq!(writes[0], writes[1]);
}

/// The mode of the rounds above, so that both are what they are meant to be.
#[tokio::test]
async fn a_round_of_changes_is_one() {
    let (peer, house, _) = scene().await;
    let round = house.sync(SyncRequest::default()).await;
    assert_eq!((round.mode, round.full_because), (Mode::Incremental, None), "{round:?}");
    assert_eq!(house.contents(house.mirror).await, peer.contents(peer.people).await);
}
