//! Random histories of a source, with rounds and failures between: the mirror ends like it, and keeps who is who.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use throng_core::directory::{Directory, GroupPatch, UserPatch};
use throng_core::filter::Filter;
use throng_core::group::Member;
use throng_core::id::{DirectoryId, ExternalId, IdentityId};
use throng_core::name::{GroupName, Username};
use throng_core::page::PageRequest;
use throng_core::plan::Plan;
use throng_core::store::Store;
use throng_core::sync::{MirroredSettings, Outcome, Round};
use throng_core::user::{Profile, User};
use throng_engine::Application;
use throng_engine::sync::SyncRequest;
use throng_testkit::script::{Behaviour, Call, Cursors, ScriptedDirectory};

use common::World;

/// What happens next. Numbers choose among few names, so that they meet.
#[derive(Debug, Clone)]
enum Event {
    Add(u8, u8),
    Rename(u8, u8),
    Swap(u8, u8),
    Change(u8, u8),
    Drop(u8),
    AddGroup(u8),
    ChangeGroup(u8, u8),
    DropGroup(u8),
    Join(u8, u8),
    Leave(u8, u8),
    Nest(u8, u8),
    Part(u8, u8),
    Sync,
    Full,
    Fail(u8),
    Forget,
}

const NAMES: u8 = 7;
const GROUPS: u8 = 4;

fn events() -> impl Strategy<Value = Vec<Event>> {
    let two = || (any::<u8>(), any::<u8>());
    let event = prop_oneof![
        4 => two().prop_map(|(a, b)| Event::Add(a, b)),
        3 => two().prop_map(|(a, b)| Event::Rename(a, b)),
        2 => two().prop_map(|(a, b)| Event::Swap(a, b)),
        2 => two().prop_map(|(a, b)| Event::Change(a, b)),
        2 => any::<u8>().prop_map(Event::Drop),
        2 => any::<u8>().prop_map(Event::AddGroup),
        1 => two().prop_map(|(a, b)| Event::ChangeGroup(a, b)),
        1 => any::<u8>().prop_map(Event::DropGroup),
        4 => two().prop_map(|(a, b)| Event::Join(a, b)),
        2 => two().prop_map(|(a, b)| Event::Leave(a, b)),
        2 => two().prop_map(|(a, b)| Event::Nest(a, b)),
        1 => two().prop_map(|(a, b)| Event::Part(a, b)),
        3 => Just(Event::Sync),
        1 => Just(Event::Full),
        1 => any::<u8>().prop_map(Event::Fail),
        1 => Just(Event::Forget),
    ];
    vec(event, 1..40)
}

struct History {
    world: World,
    app: Application,
    source: ScriptedDirectory,
    mirror: DirectoryId,
    /// Who was given which identity.
    identities: BTreeMap<ExternalId, IdentityId>,
}

fn name(number: u8) -> Username {
    Username::new(format!("u{}", number % NAMES)).unwrap()
}

fn group(number: u8) -> GroupName {
    GroupName::new(format!("g{}", number % GROUPS)).unwrap()
}

impl History {
    async fn begin(cursors: Cursors, page: usize) -> Self {
        let source = ScriptedDirectory::new(DirectoryId::from_bytes([9; 16])).feeding();
        source.feed_cursors(cursors);
        source.feed_pages_of(page);
        let world = World::with(|builder| builder.source("Jira", Arc::new(source.clone()))).await;
        let mirror = world.throng.mirrored_directory("Jira", MirroredSettings::default()).await.unwrap();
        let plan = Plan::new().seat(mirror).unwrap();
        let app = world.throng.ensure_application("wiki", plan).await.unwrap();
        Self { world, app, source, mirror, identities: BTreeMap::new() }
    }

    async fn user(&self, number: u8) -> Option<User> {
        self.source.user(&name(number)).await.unwrap()
    }

    async fn happen(&mut self, event: &Event, at: usize) {
        let source = &self.source.clone();
        match *event {
            Event::Add(a, b) => {
                let mut user = User {
                    external_id: ExternalId::new(format!("id{at}")).unwrap(),
                    name: name(a),
                    profile: Profile { display_name: format!("{b}"), ..Profile::default() },
                    active: b % 4 != 0,
                    attributes: Default::default(),
                };
                if b % 3 == 0 {
                    user.attributes.set("room", vec![format!("{b}")]).unwrap();
                }
                let _ = source.put_user(user);
            }
            Event::Rename(a, b) => {
                if let Some(user) = self.user(a).await {
                    let _ = source.rename(&user.external_id, &name(b));
                }
            }
            Event::Swap(a, b) => {
                if let (Some(one), Some(other)) = (self.user(a).await, self.user(b).await)
                    && one.external_id != other.external_id
                {
                    let aside = Username::new("aside").unwrap();
                    source.rename(&one.external_id, &aside).unwrap();
                    source.rename(&other.external_id, &name(a)).unwrap();
                    source.rename(&one.external_id, &name(b)).unwrap();
                }
            }
            Event::Change(a, b) => {
                if let Some(user) = self.user(a).await {
                    let profile = Profile { email: format!("{b}@x"), ..Profile::default() };
                    let room = if b % 2 == 0 { vec![] } else { vec![format!("{b}")] };
                    let patch = UserPatch {
                        profile: Some(profile),
                        active: Some(b % 3 != 0),
                        attributes: vec![("room".into(), room)],
                    };
                    source.change(&user.external_id, &patch).unwrap();
                }
            }
            Event::Drop(a) => {
                if let Some(user) = self.user(a).await {
                    source.drop_user(&user.external_id).unwrap();
                }
            }
            Event::AddGroup(a) => drop(source.put_group(group(a).as_str(), "").unwrap()),
            Event::ChangeGroup(a, b) => {
                let patch = GroupPatch { description: Some(format!("{b}")), attributes: vec![] };
                let _ = source.change_group(&group(a), &patch);
            }
            Event::DropGroup(a) => {
                let _ = source.drop_group(&group(a));
            }
            Event::Join(a, b) => {
                let _ = source.put_member(&group(a), &Member::User(name(b)));
            }
            Event::Leave(a, b) => {
                let _ = source.drop_member(&group(a), &Member::User(name(b)));
            }
            Event::Nest(a, b) if a % GROUPS != b % GROUPS => {
                let _ = source.put_member(&group(a), &Member::Group(group(b)));
            }
            Event::Nest(..) => {}
            Event::Part(a, b) => {
                let _ = source.drop_member(&group(a), &Member::Group(group(b)));
            }
            Event::Sync => drop(self.sync(SyncRequest::default()).await),
            Event::Full => drop(self.sync(SyncRequest::full()).await),
            Event::Fail(nth) => {
                source.behave_once(Call::Pull, u64::from(nth % 4) + 1, Behaviour::Silent);
                self.sync(SyncRequest::default()).await;
                // What was not met by then shall not disturb a later round.
                for _ in 0..4 {
                    drop(
                        throng_core::sync::SyncSource::pull(source, throng_core::sync::Pull::Full, None)
                            .await,
                    );
                }
            }
            Event::Forget => source.forget_cursors(),
        }
    }

    async fn sync(&mut self, request: SyncRequest) -> Round {
        self.world.clock.advance(Duration::from_secs(600));
        let round = self.world.throng.sync(self.mirror, request).await.unwrap();
        if let Some(held) = &round.held {
            self.world.throng.approve_deletions(self.mirror, &held.hash).await.unwrap();
        }
        self.look().await;
        round
    }

    /// Whoever can be found is who he was, whatever he is called now.
    async fn look(&mut self) {
        for number in 0..NAMES {
            let Ok(user) = self.app.find_user(name(number).as_str()).await else { continue };
            let Ok(identity) = self.app.identity(&user).await else { continue };
            let known = *self.identities.entry(user.value().external_id.clone()).or_insert(identity);
            assert_eq!(known, identity, "an identity changed hands");
        }
        let distinct: std::collections::BTreeSet<_> = self.identities.values().collect();
        assert_eq!(distinct.len(), self.identities.len(), "two accounts share an identity");
    }

    /// What is there, in words; `rename` of a claimed name may be refused for ever, so those are left out.
    async fn end(&mut self) {
        let mut round = self.sync(SyncRequest::full()).await;
        for _ in 0..3 {
            if round.held.is_none() && round.ended.is_some_and(|(_, outcome)| outcome == Outcome::Complete) {
                break;
            }
            round = self.sync(SyncRequest::full()).await;
        }
        assert!(round.ended.is_some_and(|(_, outcome)| outcome == Outcome::Complete), "{round:?}");
        let again = self.sync(SyncRequest::full()).await;
        assert_eq!(again.counts.written(), 0, "{again:?}");
        // Names on which a tombstone or another's claim stands are given away by administrators only.
        if round.set_aside.is_empty() {
            assert_eq!(self.mirrored().await, self.stated().await, "{round:?}");
        } else {
            let claimed = "its name is held by another account, or claimed by one";
            let users = round.set_aside.iter().filter(|aside| aside.why == claimed).count();
            assert!(users > 0, "{round:?}");
        }
    }

    async fn mirrored(&self) -> Vec<String> {
        let store: &dyn Store = &*self.world.store;
        let (all, page) = (Filter::everything(), PageRequest::default());
        let mut words = Vec::new();
        for found in store.search_users(&[self.mirror], &all, &page).await.unwrap().items {
            words.extend(found.holders.into_iter().map(|(_, user)| format!("{user:?}")));
        }
        for found in store.search_groups(&[self.mirror], &all, &page).await.unwrap().items {
            for (_, group) in found.holders {
                let members = store.children(self.mirror, group.key(), &page).await.unwrap().items;
                words.push(format!("{:?} {:?} {members:?}", group.name, group.description));
            }
        }
        words
    }

    async fn stated(&self) -> Vec<String> {
        let (all, page) = (Filter::everything(), PageRequest::default());
        let users = self.source.find_users(&all, &page).await.unwrap().items;
        let mut words: Vec<String> = users.into_iter().map(|user| format!("{user:?}")).collect();
        for group in self.source.find_groups(&all, &page).await.unwrap().items {
            let members = self.source.children_of(&group.name, &page).await.unwrap().items;
            words.push(format!("{:?} {:?} {members:?}", group.name, group.description));
        }
        words
    }
}

fn live(events: &[Event], cursors: Cursors, page: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut history = History::begin(cursors, page).await;
        for (at, event) in events.iter().enumerate() {
            history.happen(event, at).await;
        }
        history.end().await;
    });
}

proptest! {
    #[test]
    fn a_mirror_ends_like_its_source_by_changes(events in events(), page in 1..6_usize) {
        live(&events, Cursors::Given, page);
    }

    #[test]
    fn a_mirror_ends_like_its_source_in_full(events in events(), page in 1..6_usize) {
        live(&events, Cursors::None, page);
    }
}
