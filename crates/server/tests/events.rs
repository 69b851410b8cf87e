//! What has changed, told over the API: whoever applies it ends where whoever reads everything is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use common::{House, JSON, OTHER, XML, names};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use throng_core::change::{Change, ChangeSet};
use throng_core::directory::UserPatch;
use throng_core::id::WebhookId;
use throng_core::plan::{MembershipScheme, Plan};
use throng_core::registry::{Aliases, DirectoryKind, DirectoryRecord};
use throng_core::secret::Secret;
use throng_core::store::Records;
use throng_core::sync::{Export, MirroredSettings};
use throng_core::time::Clock;
use throng_engine::application::NewAccount;
use throng_engine::error::Conflict;
use throng_engine::{Application, Error};
use throng_server::{Ping, ServerConfig};
use throng_wire::{Event, Events, Format, GroupEntity, MembershipReader, Operation, UserEntity, read_within};

/// A copy of what an application sees, as a client keeps it: by name, in the spelling of the server.
#[derive(Debug, Clone, Default, PartialEq)]
struct Copied {
    users: BTreeMap<String, UserEntity>,
    groups: BTreeMap<String, GroupEntity>,
    /// Pairs of group and member, in lower case.
    users_in: BTreeSet<(String, String)>,
    groups_in: BTreeSet<(String, String)>,
}

fn low(name: &str) -> String {
    name.to_ascii_lowercase()
}

impl Copied {
    /// Reads everything, as after an expired token.
    async fn of(house: &House) -> Self {
        let mut copied = Self::default();
        let users: throng_wire::Users = list(house, "user").await;
        let groups: throng_wire::Groups = list(house, "group").await;
        copied.users = users.users.into_iter().map(|user| (low(&user.name), user)).collect();
        copied.groups = groups.groups.into_iter().map(|group| (low(&group.name), group)).collect();
        let dump = house.get("/group/membership").await;
        let mut reader = MembershipReader::new(throng_wire::Limits::ANSWER);
        for part in reader.feed(dump.is(200).body.as_bytes()).unwrap() {
            let group = low(&part.members.group);
            copied.users_in.extend(part.members.users.iter().map(|user| (group.clone(), low(user))));
            copied.groups_in.extend(part.members.groups.iter().map(|child| (group.clone(), low(child))));
        }
        reader.finish().unwrap();
        copied
    }

    /// Applies one event, and complains of what a client could not apply.
    fn apply(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::User { operation: Operation::Deleted, user, .. } => {
                let name = low(&user.name);
                self.users.remove(&name);
                self.users_in.retain(|(_, member)| *member != name);
            }
            Event::User { user, .. } => {
                self.users.insert(low(&user.name), user.clone());
            }
            Event::Group { operation: Operation::Deleted, group, .. } => {
                let name = low(&group.name);
                self.groups.remove(&name);
                self.users_in.retain(|(group, _)| *group != name);
                self.groups_in.retain(|(group, child)| *group != name && *child != name);
            }
            Event::Group { group, .. } => {
                self.groups.insert(low(&group.name), group.clone());
            }
            Event::UserMembership { operation, user, parents, .. } => {
                let member = low(&user.name);
                if *operation == Operation::Updated {
                    self.users_in.retain(|(_, other)| *other != member);
                }
                for parent in parents {
                    let pair = (low(&parent.name), member.clone());
                    if *operation == Operation::Deleted {
                        self.users_in.remove(&pair);
                    } else if self.groups.contains_key(&pair.0) && self.users.contains_key(&member) {
                        self.users_in.insert(pair);
                    } else {
                        return Err(format!("{pair:?} before its ends"));
                    }
                }
            }
            Event::GroupMembership { operation, group, parents, children } => {
                assert!(children.is_empty());
                for parent in parents {
                    let pair = (low(&parent.name), low(&group.name));
                    if *operation == Operation::Deleted {
                        self.groups_in.remove(&pair);
                        continue;
                    }
                    if !self.groups.contains_key(&pair.0) || !self.groups.contains_key(&pair.1) {
                        return Err(format!("{pair:?} before its ends"));
                    }
                    self.groups_in.insert(pair);
                    if self.has_circle() {
                        return Err(format!("a circle after {group:?} in {parent:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn has_circle(&self) -> bool {
        self.groups.keys().any(|start| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![start.clone()]);
            while let Some(group) = next.pop() {
                for (_, child) in self.groups_in.iter().filter(|(parent, _)| *parent == group) {
                    if child == start {
                        return true;
                    }
                    if seen.insert(child.clone()) {
                        next.push(child.clone());
                    }
                }
            }
            false
        })
    }
}

async fn list<T: throng_wire::Document>(house: &House, kind: &str) -> T {
    let path = format!("/search?entity-type={kind}&max-results=-1&expand={kind},attributes");
    let reply = house.get(&path).await;
    read_within(Format::Xml, reply.is(200).body.as_bytes(), &throng_wire::Limits::ANSWER).unwrap()
}

/// The events since a token, in both formats, which must be the same; or that the token has expired.
async fn events(house: &House, token: &str) -> Option<Events> {
    let path = format!("/event/{}", token.replace(':', "%3A"));
    let reply = house.request("GET", &path).accept(JSON).send().await;
    if reply.status == 410 {
        reply.refuses(410, "EVENT_TOKEN_EXPIRED");
        return None;
    }
    let read = |format, body: &str| -> Events {
        read_within(format, body.as_bytes(), &throng_wire::Limits::ANSWER).unwrap()
    };
    let events = read(Format::Json, &reply.is(200).body);
    let xml = house.request("GET", &path).accept(XML).send().await;
    assert_eq!(read(Format::Xml, &xml.is(200).body), events);
    Some(events)
}

async fn token(house: &House) -> String {
    let now = house.json("/event").await;
    assert_eq!(now["incrementalSynchronisationAvailable"], true);
    now["newEventToken"].as_str().unwrap().to_owned()
}

/// Brings a copy up to date; tells whether that was done by events.
async fn follow(house: &House, copied: &mut Copied, at: &mut String) -> bool {
    let Some(told) = events(house, at).await else {
        *at = token(house).await;
        *copied = Copied::of(house).await;
        return false;
    };
    for event in &told.events {
        copied.apply(event).unwrap_or_else(|why| panic!("{why}: {:#?}", told.events));
    }
    let once = copied.clone();
    for event in &told.events {
        copied.apply(event).unwrap();
    }
    assert_eq!(*copied, once, "a second time changes nothing");
    *at = told.new_token.unwrap();
    true
}

#[tokio::test]
async fn nothing_is_told_when_nothing_changed() {
    let house = House::furnished().await;
    let first = token(&house).await;
    let told = events(&house, &first).await.unwrap();
    assert_eq!((told.events.len(), told.new_token.as_deref(), told.incremental), (0, Some(&*first), true));
    house.wiki.authenticate("anna", common::RIGHT).await.unwrap();
    let told = events(&house, &first).await.unwrap();
    assert_eq!(told.events.len(), 0, "a login changes nobody");
}

#[tokio::test]
async fn what_was_touched_is_told_as_it_is_now() {
    let house = House::furnished().await;
    let (mut copied, mut at) = (Copied::of(&house).await, token(&house).await);
    house.put("/user?username=anna", r#"{"name":"anna","email":"new@b.c"}"#).await.is(204);
    house
        .post("/user/attribute?username=anna", r#"{"attributes":[{"name":"x","values":["1"]}]}"#)
        .await
        .is(204);
    house.post("/user/rename?username=bela", r#"{"new-name":"béla"}"#).await.is(200);
    house.post("/user", r#"{"name":"cleo"}"#).await.is(201);
    house.post("/group/user/direct?groupname=staff", r#"{"name":"cleo"}"#).await.is(201);
    house.delete("/group/user/direct?groupname=staff&username=anna").await.is(204);
    house.delete("/group?groupname=everybody").await.is(204);
    house.post("/group", r#"{"name":"crew"}"#).await.is(201);
    house.post("/group/child-group/direct?groupname=crew", r#"{"name":"staff"}"#).await.is(201);
    let told = events(&house, &at).await.unwrap();
    let words: Vec<String> = told.events.iter().map(word).collect();
    assert_eq!(
        words,
        [
            "UPDATED group crew",
            "UPDATED user Anna",
            "UPDATED user béla",
            "UPDATED user cleo",
            "DELETED Anna in Staff",
            "DELETED group everybody",
            "DELETED user bela",
            "UPDATED béla in",
            "UPDATED cleo in Staff",
            "CREATED group Staff in crew",
        ]
    );
    let Some(Event::User { user, stored, .. }) = told.events.get(1) else { panic!("{told:?}") };
    assert_eq!(user.detail.as_ref().unwrap().profile.email, "new@b.c");
    assert_eq!(stored.attributes[0].name, "x");
    assert!(follow(&house, &mut copied, &mut at).await);
    assert_eq!(copied, Copied::of(&house).await);
}

fn word(event: &Event) -> String {
    let joined =
        |groups: &[GroupEntity]| groups.iter().map(|group| format!(" {}", group.name)).collect::<String>();
    match event {
        Event::User { operation, user, .. } => format!("{} user {}", operation.as_str(), user.name),
        Event::Group { operation, group, .. } => format!("{} group {}", operation.as_str(), group.name),
        Event::UserMembership { operation, user, parents, .. } => {
            format!("{} {} in{}", operation.as_str(), user.name, joined(parents))
        }
        Event::GroupMembership { operation, group, parents, .. } => {
            format!("{} group {} in{}", operation.as_str(), group.name, joined(parents))
        }
    }
}

#[tokio::test]
async fn a_namesake_that_surfaces_brings_its_own_groups_and_no_others() {
    let house = House::with(2, ServerConfig::default()).await;
    let (upper, lower) = apart(&house).await;
    lower.create_user(NewAccount::named("anna").email("low@b.c")).await.unwrap();
    lower.create_group("below", "").await.unwrap();
    lower.add_user_to_group(&lower.find_user("anna").await.unwrap(), "below").await.unwrap();
    upper.create_user(NewAccount::named("anna").email("high@b.c")).await.unwrap();
    upper.create_group("above", "").await.unwrap();
    upper.add_user_to_group(&upper.find_user("anna").await.unwrap(), "above").await.unwrap();
    let (mut copied, mut at) = (Copied::of(&house).await, token(&house).await);
    assert_eq!(copied.users_in, BTreeSet::from([("above".to_owned(), "anna".to_owned())]));
    upper.remove_user(&upper.find_user("anna").await.unwrap()).await.unwrap();
    let words: Vec<_> = events(&house, &at).await.unwrap().events.iter().map(word).collect();
    assert_eq!(words, ["DELETED user anna", "UPDATED user anna", "UPDATED anna in below"]);
    assert!(follow(&house, &mut copied, &mut at).await);
    assert_eq!(copied, Copied::of(&house).await);
    assert_eq!(copied.users["anna"].detail.as_ref().unwrap().profile.email, "low@b.c");
}

/// Whoever knows accounts by their keys would have two of one name otherwise (T05).
#[tokio::test]
async fn who_is_removed_is_told_before_the_name_is_anothers_t05() {
    let house = House::with(2, ServerConfig::default()).await;
    let (upper, lower) = apart(&house).await;
    for name in ["anna", "bela", "cleo", "dora"] {
        upper.create_user(NewAccount::named(name)).await.unwrap();
    }
    lower.create_user(NewAccount::named("anna")).await.unwrap();
    let at = token(&house).await;
    let remove = async |app: &Application, name: &str| {
        app.remove_user(&app.find_user(name).await.unwrap()).await.unwrap();
    };
    let rename = async |name: &str, to: &str| {
        upper.rename_user(&upper.find_user(name).await.unwrap(), to).await.unwrap();
    };
    // Somebody shadowed goes: nobody who was seen.
    remove(&lower, "anna").await;
    // A name is given to another account, one that is new and one that was called otherwise before.
    remove(&upper, "bela").await;
    upper.create_user(NewAccount::named("bela")).await.unwrap();
    rename("cleo", "cora").await;
    remove(&upper, "cora").await;
    rename("dora", "cleo").await;
    let mut words: Vec<_> = events(&house, &at).await.unwrap().events.iter().map(word).collect();
    words.retain(|word| word.contains(" user "));
    assert_eq!(
        words,
        [
            "UPDATED user anna",
            "DELETED user bela",
            "UPDATED user bela",
            "DELETED user cleo",
            "UPDATED user cleo",
            "DELETED user cora",
            "DELETED user dora",
        ]
    );
    let at = token(&house).await;
    for (name, to) in [("bela", "between"), ("cleo", "bela"), ("between", "cleo")] {
        rename(name, to).await;
    }
    let words: Vec<_> = events(&house, &at).await.unwrap().events.iter().map(word).collect();
    assert_eq!(words[..2], ["UPDATED user bela", "UPDATED user cleo"], "nobody went: {words:?}");
}

#[tokio::test]
async fn a_group_that_was_made_anew_or_has_a_namesake_is_read_anew() {
    let house = House::with(2, ServerConfig::default()).await;
    let (upper, lower) = apart(&house).await;
    upper.create_group("staff", "").await.unwrap();
    let at = token(&house).await;
    upper.remove_group("staff").await.unwrap();
    assert_eq!(events(&house, &at).await.unwrap().events.len(), 1);
    upper.create_group("staff", "").await.unwrap();
    assert!(events(&house, &at).await.is_none(), "who was in it is not known");
    let at = token(&house).await;
    lower.create_group("staff", "").await.unwrap();
    assert!(events(&house, &at).await.is_none(), "what is seen depends on both");
}

/// Two applications that have one of the directories each.
async fn apart(house: &House) -> (Application, Application) {
    let mut apps = Vec::new();
    for (name, directory) in ["upper", "lower"].into_iter().zip(&house.directories) {
        let plan = Plan::new().seat(*directory).unwrap();
        apps.push(house.throng.ensure_application(name, plan).await.unwrap());
    }
    let lower = apps.pop().unwrap();
    (apps.pop().unwrap(), lower)
}

#[tokio::test]
async fn what_changes_all_that_is_seen_expires_the_token_r655() {
    let house = House::with(2, ServerConfig::default()).await;
    house.wiki.create_user(NewAccount::named("anna")).await.unwrap();
    house.wiki.allow_aliases(Aliases::On).await.unwrap();
    let record = |house: &House, active| {
        let record = house
            .throng
            .directories()
            .iter()
            .find(|record| record.id == house.directories[1])
            .unwrap()
            .clone();
        DirectoryRecord { active, ..(*record).clone() }
    };
    for step in 0..5 {
        let at = token(&house).await;
        assert!(events(&house, &at).await.is_some());
        match step {
            0 => house.wiki.reorder(&[house.directories[1], house.directories[0]]).await.unwrap(),
            1 => house.throng.update_directory(record(&house, false)).await.unwrap(),
            2 => house.throng.remove_directory(house.directories[1]).await.unwrap(),
            3 => {
                let anna = house.wiki.find_user("anna").await.unwrap();
                house.wiki.set_alias(&anna, "annie").await.unwrap();
            }
            _ => house
                .wiki
                .change_plan(|plan| Ok::<_, Error>(plan.with_memberships(MembershipScheme::Aggregated)))
                .await
                .unwrap(),
        }
        assert!(events(&house, &at).await.is_none(), "step {step}");
    }
    // A mirror whose users are handed on no more is gone for whoever asks, though the plan is the same.
    let settings = |export| MirroredSettings { export, ..MirroredSettings::default() };
    let mirror = house.throng.mirrored_directory("mirror", settings(Export::Always)).await.unwrap();
    house.wiki.change_plan(|plan| plan.seat(mirror)).await.unwrap();
    for export in [Export::Never, Export::Always] {
        let at = token(&house).await;
        assert!(events(&house, &at).await.is_some());
        let record = (*house.throng.directory("mirror").unwrap()).clone();
        let kind = DirectoryKind::Mirrored(Box::new(settings(export)));
        house.throng.update_directory(DirectoryRecord { kind, ..record }).await.unwrap();
        assert!(events(&house, &at).await.is_none(), "{export:?}");
    }
    let at = token(&house).await;
    let elsewhere = house.throng.internal_directory("elsewhere").await.unwrap();
    let plan = Plan::new().seat(elsewhere).unwrap();
    let other = house.throng.ensure_application("other", plan).await.unwrap();
    other.create_user(NewAccount::named("nobody of ours")).await.unwrap();
    assert_eq!(events(&house, &at).await.unwrap().events.len(), 0, "what is others' is not told");
}

/// Somebody of that very name who turned up later has events as everybody has (R653, T07).
#[tokio::test]
async fn a_name_that_is_anothers_alias_has_events_too_t07() {
    let house = House::with(2, ServerConfig::default()).await;
    let (_, lower) = apart(&house).await;
    house.wiki.allow_aliases(Aliases::On).await.unwrap();
    let anna = house.wiki.create_user(NewAccount::named("anna")).await.unwrap();
    house.wiki.set_alias(&anna, "annie").await.unwrap();
    house.wiki.find_user("annie").await.unwrap();
    let (mut copied, mut at) = (Copied::of(&house).await, token(&house).await);
    let annie = lower.create_user(NewAccount::named("annie")).await.unwrap();
    lower.create_group("staff", "").await.unwrap();
    lower.add_user_to_group(&annie, "staff").await.unwrap();
    let ambiguous = house.wiki.find_user("annie").await;
    assert!(matches!(ambiguous, Err(Error::Conflict(Conflict::AmbiguousName))), "{ambiguous:?}");
    assert!(follow(&house, &mut copied, &mut at).await);
    assert_eq!(copied, Copied::of(&house).await);
    assert_eq!(copied.users_in, BTreeSet::from([("staff".to_owned(), "annie".to_owned())]));
}

#[tokio::test]
async fn a_token_that_was_not_given_out_here_is_expired_and_never_an_empty_delta_r39() {
    let house = House::furnished().await;
    house.clock.advance(std::time::Duration::from_secs(1));
    house.wiki.create_group("latest", "").await.unwrap();
    let (other, good) = (House::furnished().await, token(&house).await);
    let (fingerprint, rest) = good.split_once(':').unwrap();
    let (sequence, stamp) = rest.split_once('.').unwrap();
    let number: u64 = sequence.parse().unwrap();
    let shop = Plan::new().seat(house.directories[0]).unwrap();
    let shop = house.throng.ensure_application("shop", shop).await.unwrap();
    let secret = shop.draw_password().await.unwrap();
    let foreign = house.request("GET", "/event").shown_as("shop", secret.expose()).accept(JSON).send().await;
    let foreign: Value = serde_json::from_str(&foreign.is(200).body).unwrap();
    for bad in [
        token(&other).await,
        foreign["newEventToken"].as_str().unwrap().to_owned(),
        format!("{fingerprint}:{}.{stamp}", number + 1_000),
        format!("{fingerprint}:{}.{stamp}", number - 1),
        format!("{fingerprint}:0.{stamp}"),
        format!("{fingerprint}:{number}.0"),
        format!("{fingerprint}:0{number}.{stamp}"),
        format!("{fingerprint}:{number}"),
        format!("{fingerprint}:18446744073709551616.{stamp}"),
        format!("0{fingerprint}:{number}.{stamp}"),
        ":".to_owned(),
        "x".to_owned(),
        "8047511070899496297:12".to_owned(),
        "x".repeat(60_000),
    ] {
        assert!(events(&house, &bad).await.is_none(), "{}", &bad[..bad.len().min(80)]);
    }
    assert!(events(&house, &good).await.is_some());
}

#[tokio::test]
async fn more_than_so_many_changes_are_read_anew_t69() {
    let house = House::furnished().await;
    let at = token(&house).await;
    let anna = house.wiki.find_user("anna").await.unwrap().subject();
    let touch = |name: String| {
        let new = throng_core::user::User {
            external_id: throng_core::id::ExternalId::new(name.as_str()).unwrap(),
            name: throng_core::name::Username::new(&name).unwrap(),
            profile: Default::default(),
            active: true,
            attributes: Default::default(),
        };
        Change::AddUser { directory: house.directories[0], user: new, free_in: vec![], credential: None }
    };
    let users = (0..10_001).map(|n| touch(format!("u{n}"))).collect();
    house.store.apply(&ChangeSet::new(house.clock.now(), users)).await.unwrap();
    assert!(events(&house, &at).await.is_none());
    let at = token(&house).await;
    let update = Change::UpdateUser { subject: anna, patch: UserPatch::default(), free_in: vec![] };
    for _ in 0..1_100 {
        house.store.apply(&ChangeSet::one(house.clock.now(), update.clone())).await.unwrap();
    }
    assert_eq!(events(&house, &at).await.unwrap().events.len(), 1, "touched often, told once");
}

#[tokio::test]
async fn a_directory_that_is_asked_each_time_has_no_events_r657() {
    let remote =
        throng_testkit::script::ScriptedDirectory::new(throng_core::id::DirectoryId::from_bytes([7; 16]));
    let store = Arc::new(throng_testkit::memory::MemoryStore::new());
    let throng = throng_engine::Throng::over(store as Arc<dyn throng_core::store::Store>)
        .directory("Remote", Arc::new(remote))
        .build()
        .await
        .unwrap();
    let house = House::new().await;
    let plan = Plan::new().seat(throng.directory("Remote").unwrap().id).unwrap();
    let wiki = throng.ensure_application("wiki", plan).await.unwrap();
    let secret = wiki.draw_password().await.unwrap();
    let router = throng_server::UserServer::new(throng, ServerConfig::default()).unwrap().router();
    let ask = |path| house.request("GET", path).shown_as("wiki", secret.expose()).accept(JSON);
    let now: Value = serde_json::from_str(&ask("/event").send_to(router.clone()).await.is(200).body).unwrap();
    assert_eq!(now["incrementalSynchronisationAvailable"], false);
    let path = format!("/event/{}", now["newEventToken"].as_str().unwrap());
    ask(&path).send_to(router).await.refuses(410, "INCREMENTAL_SYNC_NOT_AVAILABLE");
}

#[tokio::test]
async fn no_circle_stands_for_a_moment_while_a_client_follows() {
    let house = House::new().await;
    for group in ["a", "b", "x"] {
        house.wiki.create_group(group, "").await.unwrap();
    }
    house.wiki.add_group_to_group("x", "a").await.unwrap();
    house.wiki.add_group_to_group("b", "x").await.unwrap();
    let (mut copied, mut at) = (Copied::of(&house).await, token(&house).await);
    house.wiki.remove_group("x").await.unwrap();
    house.wiki.add_group_to_group("a", "b").await.unwrap();
    assert!(follow(&house, &mut copied, &mut at).await);
    house.wiki.remove_group_from_group("a", "b").await.unwrap();
    house.wiki.add_group_to_group("b", "a").await.unwrap();
    assert!(follow(&house, &mut copied, &mut at).await);
    assert_eq!(copied, Copied::of(&house).await);
}

/// What is done in a run, through either directory alone or through both.
#[derive(Debug, Clone)]
enum Step {
    AddUser(usize, usize),
    RemoveUser(usize, usize),
    Rename(usize, usize, usize),
    Email(usize, usize, usize),
    AddGroup(usize, usize),
    RemoveGroup(usize, usize),
    Describe(usize, usize, usize),
    Join(usize, usize, usize),
    Leave(usize, usize, usize),
    Nest(usize, usize, usize),
    Unnest(usize, usize, usize),
    Follow,
}

const USERS: [&str; 4] = ["anna", "bela", "cleo", "dora"];
const GROUPS: [&str; 4] = ["staff", "crew", "admins", "all"];

fn step() -> impl Strategy<Value = Step> {
    let (app, user, group) = (0..3_usize, 0..USERS.len(), 0..GROUPS.len());
    prop_oneof![
        4 => (app.clone(), user.clone()).prop_map(|(a, u)| Step::AddUser(a, u)),
        2 => (app.clone(), user.clone()).prop_map(|(a, u)| Step::RemoveUser(a, u)),
        2 => (app.clone(), user.clone(), user.clone()).prop_map(|(a, u, v)| Step::Rename(a, u, v)),
        2 => (app.clone(), user.clone(), 0..9_usize).prop_map(|(a, u, n)| Step::Email(a, u, n)),
        4 => (app.clone(), group.clone()).prop_map(|(a, g)| Step::AddGroup(a, g)),
        1 => (app.clone(), group.clone()).prop_map(|(a, g)| Step::RemoveGroup(a, g)),
        1 => (app.clone(), group.clone(), 0..9_usize).prop_map(|(a, g, n)| Step::Describe(a, g, n)),
        5 => (app.clone(), user.clone(), group.clone()).prop_map(|(a, u, g)| Step::Join(a, u, g)),
        2 => (app.clone(), user, group.clone()).prop_map(|(a, u, g)| Step::Leave(a, u, g)),
        4 => (app.clone(), group.clone(), group.clone()).prop_map(|(a, g, h)| Step::Nest(a, g, h)),
        2 => (app, group.clone(), group).prop_map(|(a, g, h)| Step::Unnest(a, g, h)),
        3 => Just(Step::Follow),
    ]
}

/// Does a step, as far as it can be done.
async fn take(apps: &[Application], step: &Step) {
    let email = |n: usize| throng_core::user::Profile { email: format!("{n}@b.c"), ..Default::default() };
    match *step {
        Step::AddUser(a, u) => drop(apps[a].create_user(NewAccount::named(USERS[u])).await),
        Step::RemoveUser(a, u) => {
            if let Ok(user) = apps[a].find_user(USERS[u]).await {
                drop(apps[a].remove_user(&user).await);
            }
        }
        Step::Rename(a, u, v) => {
            if let Ok(user) = apps[a].find_user(USERS[u]).await {
                drop(apps[a].rename_user(&user, USERS[v]).await);
            }
        }
        Step::Email(a, u, n) => {
            if let Ok(user) = apps[a].find_user(USERS[u]).await {
                let patch = UserPatch { profile: Some(email(n)), ..UserPatch::default() };
                drop(apps[a].update_user(&user, patch).await);
            }
        }
        Step::AddGroup(a, g) => drop(apps[a].create_group(GROUPS[g], "").await),
        Step::RemoveGroup(a, g) => drop(apps[a].remove_group(GROUPS[g]).await),
        Step::Describe(a, g, n) => {
            let patch =
                throng_core::directory::GroupPatch { description: Some(n.to_string()), ..Default::default() };
            drop(apps[a].update_group(GROUPS[g], patch).await);
        }
        Step::Join(a, u, g) => {
            if let Ok(user) = apps[a].find_user(USERS[u]).await {
                drop(apps[a].add_user_to_group(&user, GROUPS[g]).await);
            }
        }
        Step::Leave(a, u, g) => {
            if let Ok(user) = apps[a].find_user(USERS[u]).await {
                drop(apps[a].remove_user_from_group(&user, GROUPS[g]).await);
            }
        }
        Step::Nest(a, g, h) => drop(apps[a].add_group_to_group(GROUPS[g], GROUPS[h]).await),
        Step::Unnest(a, g, h) => drop(apps[a].remove_group_from_group(GROUPS[g], GROUPS[h]).await),
        Step::Follow => {}
    }
}

#[test]
fn whoever_follows_ends_where_whoever_reads_everything_is() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let followed = std::cell::Cell::new(0);
    let strategy = (prop::collection::vec(step(), 1..60), prop::bool::ANY);
    let outcome = runner.run(&strategy, |(steps, aggregated)| {
        runtime.block_on(async {
            let house = House::with(2, ServerConfig::default()).await;
            if aggregated {
                let scheme = MembershipScheme::Aggregated;
                house.wiki.change_plan(|plan| Ok::<_, Error>(plan.with_memberships(scheme))).await.unwrap();
            }
            let (upper, lower) = apart(&house).await;
            let apps = [house.wiki.clone(), upper, lower];
            let (mut copied, mut at) = (Copied::of(&house).await, token(&house).await);
            for step in steps.iter().chain([&Step::Follow]) {
                take(&apps, step).await;
                if matches!(step, Step::Follow) {
                    followed.set(followed.get() + usize::from(follow(&house, &mut copied, &mut at).await));
                    assert_eq!(copied, Copied::of(&house).await, "{steps:#?}");
                }
            }
        });
        Ok(())
    });
    outcome.unwrap();
    assert!(followed.get() > 60, "most tokens do not expire: {}", followed.get());
}

/// Notes who was told.
#[derive(Debug, Default)]
struct Bell(Mutex<Vec<String>>);

#[async_trait]
impl Ping for Bell {
    async fn ping(&self, endpoint: &str, token: Option<&Secret>) {
        let token = token.map_or("-", Secret::expose);
        self.0.lock().unwrap().push(format!("{endpoint} {token}"));
    }
}

#[tokio::test]
async fn webhooks_are_kept_for_their_application_and_told_of_changes_r810() {
    let bell = Arc::new(Bell::default());
    let ping = Some(Arc::clone(&bell) as Arc<dyn Ping>);
    let house = House::with(1, ServerConfig { ping, ..ServerConfig::default() }).await;
    let reply = house.post("/webhook", r#"{"endpointUrl":"https://a.example/x","token":"s3cret"}"#).await;
    let hook: Value = serde_json::from_str(&reply.is(201).body).unwrap();
    let id = hook["id"].as_str().unwrap();
    assert!(reply.header("location").ends_with(&format!("/webhook/{id}")));
    assert!(!reply.body.contains("s3cret"));
    house
        .request("POST", "/webhook")
        .body(XML, "<webhook><endpointUrl>http://b.example/</endpointUrl></webhook>")
        .send()
        .await
        .is(201);
    assert_eq!(house.json(&format!("/webhook/{id}")).await["endpointUrl"], "https://a.example/x");
    for bad in ["ftp://a", "/x", "http://u@a/", ""] {
        house
            .post("/webhook", &format!("{{\"endpointUrl\":\"{bad}\"}}"))
            .await
            .refuses(400, "ILLEGAL_ARGUMENT");
    }
    let shop = house.throng.ensure_application("shop", Plan::new()).await.unwrap();
    let secret = shop.draw_password().await.unwrap();
    for method in ["GET", "DELETE"] {
        let asking = house.request(method, &format!("/webhook/{id}")).shown_as("shop", secret.expose());
        asking.accept(JSON).send().await.refuses(404, "WEBHOOK_NOT_FOUND");
    }
    house.server.announce().await.unwrap();
    house.server.announce().await.unwrap();
    assert!(bell.0.lock().unwrap().is_empty(), "nothing has changed since");
    house.wiki.create_user(NewAccount::named("anna").password(OTHER)).await.unwrap();
    house.server.announce().await.unwrap();
    let mut told = std::mem::take(&mut *bell.0.lock().unwrap());
    told.sort();
    assert_eq!(told, ["http://b.example/ -", "https://a.example/x s3cret"]);
    house.delete(&format!("/webhook/{id}")).await.is(204);
    house.delete(&format!("/webhook/{id}")).await.refuses(404, "WEBHOOK_NOT_FOUND");
    let unknown = WebhookId::from_bytes([9; 16]);
    house
        .request("GET", &format!("/webhook/{unknown}"))
        .accept(JSON)
        .send()
        .await
        .refuses(404, "WEBHOOK_NOT_FOUND");
    assert!(names(&house.json("/search?entity-type=user").await).contains(&"anna".to_owned()));
}
