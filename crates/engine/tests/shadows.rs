//! The shadow report: what it says of a small house, of a large one, and of directories that cannot be listed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use throng_core::change::Change;
use throng_core::directory::Directory;
use throng_core::id::{ApplicationId, DirectoryId, ExternalId};
use throng_core::name::Username;
use throng_core::plan::Plan;
use throng_core::user::User;
use throng_engine::shadows::{Finding, ShadowReport, ShadowScope, Surfaces, Unlistable};
use throng_engine::{Application, Throng};
use throng_testkit::script::{Behaviour, Call, ScriptedDirectory};
use world::odd::Endless;
use world::{RIGHT, World, find, is_missing, live, subject};

async fn shadows(world: &World, app: &Application) -> ShadowReport {
    world.throng.shadows(ShadowScope::Application(app.id())).await.unwrap()
}

fn names(report: &ShadowReport) -> Vec<&str> {
    report.names.iter().map(|name| name.name.as_str()).collect()
}

fn missing(report: &ShadowReport) -> Vec<(&str, Unlistable)> {
    report.scan.unlisted.iter().map(|missing| (&*missing.label, missing.why)).collect()
}

fn user(name: &str) -> User {
    User::named(ExternalId::new(format!("id of {name}")).unwrap(), Username::new(name).unwrap())
}

/// So many users in a directory at once.
async fn fill(world: &World, directory: DirectoryId, count: usize) {
    let add =
        |n| Change::AddUser { directory, user: user(&format!("p{n:05}")), free_in: vec![], credential: None };
    world.apply((0..count).map(add).collect()).await;
}

#[tokio::test]
async fn a_report_reads_like_this_p3() {
    let (world, app, dirs) = World::internal(3, Plan::new()).await;
    world.put_with_password(dirs[0], "Anna", RIGHT).await;
    let below = world.put_email(dirs[1], "ANNA", "anna@example.com").await;
    world.put_email(dirs[2], "\u{430}nna", "Anna@Example.com").await;
    world.deactivate(dirs[1], &below).await;
    app.log_in("anna", RIGHT).await.unwrap();
    let report = shadows(&world, &app).await;
    let text = report.to_string();
    let expected = "3 accounts seen by \"wiki\"\n\
        name \"anna\"\n  1. D1: as \"Anna\"\n  2. D2: as \"ANNA\", inactive\n  \
        => means the account in \"D1\"; shadowed: \"D2\"\n  \
        were it gone: the account in \"D2\", once it is adopted\n\
        e-mail address \"anna@example.com\" (2 accounts)\n  2. D2: as \"ANNA\", inactive\n  \
        3. D3: as \"\u{430}nna\" (\\u{430}\\u{6e}\\u{6e}\\u{61})\n\
        easily confused (2 names)\n  1. D1: as \"Anna\"\n  2. D2: as \"ANNA\", inactive\n  \
        3. D3: as \"\u{430}nna\" (\\u{430}\\u{6e}\\u{6e}\\u{61})\n";
    assert_eq!(text, expected);
}

#[tokio::test]
async fn what_surfaces_follows_from_the_claim_t02() {
    let (world, app, dirs) = World::internal(2, Plan::new()).await;
    let above = world.put(dirs[0], "anna").await;
    let below = world.put(dirs[1], "anna").await;
    let surfaces = async || shadows(&world, &app).await.names[0].surfaces.clone().unwrap();
    assert_eq!(surfaces().await, Surfaces::AtOnce(subject(dirs[1], &below)), "nobody claims the name");
    app.identity(&find(&app, "anna").await).await.unwrap();
    assert_eq!(surfaces().await, Surfaces::OnceAdopted(subject(dirs[1], &below)));
    app.reorder(&[dirs[1], dirs[0]]).await.unwrap();
    assert_eq!(surfaces().await, Surfaces::TheOwner(subject(dirs[0], &above)));
}

#[tokio::test]
async fn nothing_is_lost_or_told_twice_over_many_pages() {
    let remote = live(7);
    let (world, app, local) = World::live_above(&[&remote], Plan::new()).await;
    fill(&world, local, 2_500).await;
    for n in (0..2_500).step_by(2) {
        remote.put_user(user(&format!("p{n:05}"))).unwrap();
    }
    for n in (0..2_500).step_by(3) {
        app.identity(&find(&app, &format!("p{n:05}")).await).await.unwrap();
    }
    let report = shadows(&world, &app).await;
    let expected: Vec<String> = (0..2_500).step_by(2).map(|n| format!("p{n:05}")).collect();
    assert_eq!((names(&report), report.scan.users), (expected.iter().map(String::as_str).collect(), 3_750));
    let ids: Vec<&str> = report.external_ids.iter().map(|id| &*id.value).collect();
    assert_eq!(ids.len(), 1_250);
    let claimed: Vec<bool> = report.names.iter().map(|name| name.claim.is_some()).collect();
    assert_eq!(claimed, (0..2_500).step_by(2).map(|n| n % 3 == 0).collect::<Vec<_>>());
    // Ones and the letter l, noughts and the letter o: none of those here.
    assert_eq!(report.confusable, []);
}

#[tokio::test]
async fn findings_are_told_while_it_is_read() {
    let (world, app, dirs) = World::internal(2, Plan::new()).await;
    for directory in &dirs {
        world.put_email(*directory, "anna", "a@example.com").await;
    }
    let mut told = Vec::new();
    let scan = world.throng.shadows_each(ShadowScope::Application(app.id()), |finding| {
        told.push(match finding {
            Finding::Name(name) => format!("name {}", name.name),
            Finding::Email(value) => format!("e-mail {}", value.value),
            Finding::ExternalId(_) | Finding::Confusable(_) => panic!("none of those"),
        });
    });
    assert_eq!(scan.await.unwrap().users, 2);
    assert_eq!(told, ["name anna", "e-mail a@example.com"]);
}

#[tokio::test]
async fn directories_that_cannot_be_listed_are_named_and_silent_t03() {
    let (silent, broken, gone) = (live(7), live(8), live(9));
    let (world, app, local) = World::live_above(&[&silent, &broken, &gone], Plan::new()).await;
    let lowest = world.throng.internal_directory("Lowest").await.unwrap();
    app.change_plan(|plan| plan.seat(lowest)).await.unwrap();
    world.put(local, "anna").await;
    world.put(lowest, "anna").await;
    silent.behave(Behaviour::Silent);
    broken.behave(Behaviour::Broken);
    let report = shadows(&world, &app).await;
    assert_eq!(missing(&report), [("Remote0", Unlistable::Silent), ("Remote1", Unlistable::Broken)]);
    let [name] = report.names.as_slice() else { panic!("one name") };
    assert_eq!(name.state, Some(app.explain("anna").await.unwrap().state), "no namesake wins by an outage");
    assert!(matches!(name.surfaces, Some(Surfaces::CannotBeSaid(_))));

    // Another start, without the adapters.
    let later = Throng::over(world.store.clone()).build().await.unwrap();
    let report = later.shadows(ShadowScope::AllDirectories).await.unwrap();
    let not_attached = Unlistable::NotAttached;
    assert_eq!(
        missing(&report),
        [("Remote0", not_attached), ("Remote1", not_attached), ("Remote2", not_attached)]
    );
}

#[tokio::test]
async fn a_directory_that_falls_silent_midway_is_silent_about_the_rest_t03() {
    let remote = live(7);
    let (world, app, local) = World::live_above(&[&remote], Plan::new()).await;
    let lowest = world.throng.internal_directory("Lowest").await.unwrap();
    app.change_plan(|plan| plan.seat(lowest)).await.unwrap();
    for directory in [local, lowest] {
        world.put(directory, "a").await;
        world.put(directory, "z").await;
    }
    for n in 0..1_500 {
        remote.put_user(user(&format!("p{n:05}"))).unwrap();
    }
    remote.behave_once(Call::FindUsers, 2, Behaviour::Silent);
    let report = shadows(&world, &app).await;
    assert_eq!(missing(&report), [("Remote0", Unlistable::Silent)]);
    let decided: Vec<bool> = report.names.iter().map(|name| name.state != Some(undecided(&remote))).collect();
    assert_eq!((names(&report), decided), (vec!["a", "z"], vec![true, false]));
}

fn undecided(directory: &ScriptedDirectory) -> throng_engine::application::NameState {
    throng_engine::application::NameState::Undecided { silent: vec![directory.id()] }
}

#[tokio::test]
async fn pages_that_do_not_go_on_are_not_read_for_ever_t26() {
    let endless = Arc::new(Endless { inner: live(7), pages: AtomicU64::new(0) });
    endless.inner.put("anna").unwrap();
    let attached = Arc::clone(&endless);
    let world = World::with(|builder| builder.directory("Endless", attached)).await;
    let app = world.app("wiki", Plan::new().seat(endless.id()).unwrap()).await;
    assert_eq!(missing(&shadows(&world, &app).await), [("Endless", Unlistable::Broken)]);
}

#[tokio::test]
async fn all_directories_are_those_that_are_switched_off_too() {
    let (world, app, dirs) = World::internal(2, Plan::new()).await;
    for directory in &dirs {
        world.put(*directory, "anna").await;
    }
    world.switch_off(dirs[1]).await;
    assert_eq!(names(&shadows(&world, &app).await), Vec::<&str>::new());
    let all = world.throng.shadows(ShadowScope::AllDirectories).await.unwrap();
    assert_eq!(names(&all), ["anna"]);
    assert!(all.names[0].state.is_none() && all.names[0].holders.iter().all(|held| held.rank.is_none()));
    let nowhere = ShadowScope::Application(ApplicationId::from_bytes([9; 16]));
    assert!(is_missing(&world.throng.shadows(nowhere).await));
}
