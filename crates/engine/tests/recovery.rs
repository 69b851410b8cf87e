//! The recovery administrator: off by default, first in every order while it is on, and gone without a trace (R909).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use throng_core::directory::{Directory, Refusal, UserPatch};
use throng_core::filter::Filter;
use throng_core::id::DirectoryId;
use throng_core::page::PageRequest;
use throng_core::plan::{MembershipScheme, Plan};
use throng_core::registry::Aliases;
use throng_core::secret::Secret;
use throng_core::store::{ChangeLog, Store};
use throng_core::time::Clock;
use throng_engine::application::{Admission, Adoption, Depth, NameState, Switch};
use throng_engine::error::{Conflict, Denial, Invalid};
use throng_engine::shadows::ShadowScope;
use throng_engine::{Application, Error, Recovery, Throng};
use throng_testkit::clock::{ManualClock, SeededEntropy};
use throng_testkit::memory::MemoryStore;
use throng_testkit::script::{Behaviour, ScriptedDirectory};
use world::{
    OTHER, RIGHT, START, WRONG, World, aggregate, conflict, denial, find, has_ended, is_forbidden,
    is_missing, is_unavailable, live, modes, patient, refusal, spelled, subject,
};

const NAME: &str = Recovery::NAME;
const SECRET: &str = "the key behind the glass";

fn recovery() -> Recovery {
    Recovery::new(Secret::new(SECRET).unwrap())
}

/// Another start over the same store, with or without recovery.
async fn start(world: &World, recovery: Option<Recovery>) -> Result<Throng, Error> {
    let builder = Throng::over(Arc::clone(&world.store) as Arc<dyn Store>)
        .clock(Arc::clone(&world.clock) as Arc<dyn Clock>)
        .entropy(Arc::new(SeededEntropy::new(12)))
        .hashing(patient());
    match recovery {
        Some(recovery) => builder.recovery(recovery).build().await,
        None => builder.build().await,
    }
}

/// The application "wiki" over D1 and D2 with recovery on.
async fn recovering(plan: Plan) -> (World, Application, Vec<DirectoryId>) {
    let (mut world, _, dirs) = World::internal(2, plan).await;
    world.throng = start(&world, Some(recovery())).await.unwrap();
    let app = world.throng.application("wiki").unwrap();
    (world, app, dirs)
}

#[tokio::test]
async fn it_is_off_unless_it_is_switched_on_r909() {
    let (world, app, _) = World::internal(1, Plan::new()).await;
    assert_eq!(world.throng.recovery(), None);
    assert_eq!(denial(app.authenticate(NAME, SECRET).await), Denial::Unknown);
    assert!(is_missing(&app.find_user(NAME).await));
}

#[tokio::test]
async fn it_logs_in_though_every_directory_is_silent_or_off_r911() {
    for (_, plan) in modes() {
        let (above, store) = (live(7), Arc::new(MemoryStore::new()));
        let clock = Arc::new(ManualClock::at(START.as_micros()));
        let builder = Throng::over(Arc::clone(&store) as Arc<dyn Store>).clock(clock);
        let builder = builder.entropy(Arc::new(SeededEntropy::new(1)));
        let throng = builder.directory("Remote", Arc::new(above.clone())).recovery(recovery()).build();
        let throng = throng.await.unwrap();
        let local = throng.internal_directory("Local").await.unwrap();
        let plan = plan.seat(above.id()).unwrap().seat(local).unwrap();
        let app = throng.ensure_application("wiki", plan).await.unwrap();
        above.behave(Behaviour::Silent);
        for scheme in [MembershipScheme::Canonical, MembershipScheme::Aggregated] {
            aggregate(&app, scheme).await;
            let logged_in = app.log_in("Recovery-ADMIN", SECRET).await.unwrap();
            assert_eq!(logged_in.admission, Admission::Everyone);
            assert_eq!(logged_in.who.user().directory(), Recovery::DIRECTORY);
            assert_eq!(app.groups_of(logged_in.who.user(), Depth::Nested).await.unwrap(), []);
            let open = app.session(logged_in.token.expose()).await.unwrap();
            assert_eq!(open.session.subject.directory, Recovery::DIRECTORY, "a session shows whose it is");
        }
        for record in throng.directories() {
            let off = throng_core::registry::DirectoryRecord { active: false, ..(*record).clone() };
            throng.update_directory(off).await.unwrap();
        }
        app.log_in(NAME, SECRET).await.unwrap();
        // What is switched off as a whole stays so.
        app.switch(Switch::Off).await.unwrap();
        assert_eq!(denial(app.log_in(NAME, SECRET).await), Denial::ApplicationClosed);
    }
}

#[tokio::test]
async fn everybody_else_goes_on_as_before_r909() {
    for (_, plan) in modes() {
        let (world, plain, dirs) = World::internal(2, plan).await;
        world.put_with_password(dirs[0], "anna", RIGHT).await;
        world.put_with_password(dirs[1], "anna", OTHER).await;
        world.put_with_password(dirs[1], "ben", OTHER).await;
        world.put_group(dirs[1], "writers", &["ben"]).await;
        let identity = plain.authenticate("anna", RIGHT).await.unwrap().identity();
        let throng = start(&world, Some(recovery())).await.unwrap();
        let app = throng.application("wiki").unwrap();
        let hashes = throng.hashes_run();
        assert_eq!(app.authenticate("anna", RIGHT).await.unwrap().identity(), identity);
        assert_eq!(refusal(app.authenticate("anna", OTHER).await), Refusal::WrongPassword);
        assert_eq!(denial(app.authenticate("nobody", OTHER).await), Denial::Unknown);
        assert_eq!(throng.hashes_run() - hashes, 3, "a hash each, as before");
        let ben = find(&app, "ben").await;
        assert_eq!(app.groups_of(&ben, Depth::Nested).await.unwrap().len(), 1);
        let made = app.create_user(throng_engine::application::NewAccount::named("carl")).await.unwrap();
        assert_eq!(made.directory(), dirs[0]);
        let group = app.create_group("readers", "").await.unwrap();
        assert_eq!(group.directory(), dirs[0]);
        app.add_user_to_group(&made, "readers").await.unwrap();
        app.remove_user(&made).await.unwrap();
        assert_eq!(app.record().unwrap().plan.seats().len(), 2, "what is configured is what is stored");
        app.reorder(&[dirs[1], dirs[0]]).await.unwrap();
        assert_eq!(throng.directories().len(), 2);
        assert_eq!(plain.record().unwrap().plan.rank(Recovery::DIRECTORY), None);
    }
}

#[tokio::test]
async fn it_is_visible_everywhere_while_it_is_on() {
    let (world, app, _) = recovering(Plan::new()).await;
    let explained = app.explain(NAME).await.unwrap();
    let first = &explained.occurrences[0];
    assert_eq!((first.rank, &*first.label, first.directory), (1, Recovery::LABEL, Recovery::DIRECTORY));
    assert!(
        matches!(&explained.state, NameState::Means { subject, .. } if subject.directory == Recovery::DIRECTORY)
    );
    assert_eq!(explained.identity, Some(Recovery::IDENTITY));
    assert!(explained.to_string().contains("the password that recovery was switched on with"));
    let ordinary = app.explain("anna").await.unwrap();
    assert_eq!(&*ordinary.occurrences[0].label, Recovery::LABEL, "for every name");
    let everybody = app.search_users(&Filter::everything(), &PageRequest::default()).await.unwrap();
    assert_eq!(spelled(&everybody), [NAME]);
    app.log_in(NAME, SECRET).await.unwrap();
    let _ = app.log_in(NAME, WRONG).await;
    let status = world.throng.recovery().unwrap();
    let counts = (status.logins, status.sessions, status.failed_attempts, status.last_login);
    assert_eq!(counts, (1, 1, 1, Some(world.clock.now())));
    assert_eq!((status.name.as_str(), status.directory, status.until), (NAME, Recovery::DIRECTORY, None));
    assert_eq!(status.to_string(), "recovery administrator \"recovery-admin\" is on: 1 logins, 1 sessions");
}

#[tokio::test]
async fn nothing_of_it_is_kept() {
    let (world, app, _) = recovering(Plan::new()).await;
    let before = format!("{:?}", world.store);
    let logged_in = app.log_in(NAME, SECRET).await.unwrap();
    assert_eq!(logged_in.who.identity(), Recovery::IDENTITY);
    assert_eq!(app.identity(logged_in.who.user()).await.unwrap(), Recovery::IDENTITY);
    let token = logged_in.token.expose();
    world.clock.advance(Duration::from_secs(120));
    app.session(token).await.unwrap();
    world.throng.maintain().await.unwrap();
    assert_eq!(format!("{:?}", world.store), before);

    // Another start without it, and one with it again, as after an emergency of another day.
    let later = start(&world, None).await.unwrap().application("wiki").unwrap();
    assert!(has_ended(&later.session(token).await));
    assert_eq!(denial(later.authenticate(NAME, SECRET).await), Denial::Unknown);
    let again = start(&world, Some(recovery())).await.unwrap().application("wiki").unwrap();
    assert!(has_ended(&again.session(token).await));
}

#[tokio::test]
async fn its_sessions_are_sessions_like_others() {
    let (world, app, _) = recovering(Plan::new()).await;
    let other = world.throng.ensure_application("chat", Plan::new()).await.unwrap();
    let open = async || app.log_in(NAME, SECRET).await.unwrap().token;
    let (first, second, third) = (open().await, open().await, open().await);
    assert!(has_ended(&other.session(first.expose()).await), "T13");
    app.close_session(first.expose()).await.unwrap();
    assert!(has_ended(&app.session(first.expose()).await));
    let who = app.session(second.expose()).await.unwrap().user;
    assert_eq!(app.close_sessions(&who.subject(), Some(third.expose())).await.unwrap(), 1);
    assert!(has_ended(&app.session(second.expose()).await));
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(50 * 60));
        app.session(third.expose()).await.unwrap();
    }
    world.clock.advance(Duration::from_secs(61 * 60));
    assert!(has_ended(&app.session(third.expose()).await), "idle");
    let fourth = open().await;
    app.end_sessions(&who).await.unwrap();
    assert!(has_ended(&app.session(fourth.expose()).await), "T72");
    open().await;
    world.clock.advance(Duration::from_secs(25 * 60 * 60));
    world.throng.maintain().await.unwrap();
    assert_eq!(world.throng.recovery().unwrap().sessions, 0);
}

#[tokio::test]
async fn it_ends_at_its_moment_with_its_sessions() {
    let (mut world, ..) = World::internal(1, Plan::new()).await;
    let until = world.clock.now().plus(Duration::from_secs(600));
    world.throng = start(&world, Some(recovery().named("Rescue").until(until))).await.unwrap();
    let app = world.throng.application("wiki").unwrap();
    let logged_in = app.log_in("rescue", SECRET).await.unwrap();
    let open = app.session(logged_in.token.expose()).await.unwrap();
    assert_eq!((open.session.expires_at, app.end_of_session(&open.session)), (until, until));
    world.clock.advance(Duration::from_secs(599));
    app.session(logged_in.token.expose()).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    assert!(has_ended(&app.session(logged_in.token.expose()).await));
    assert_eq!(denial(app.authenticate("rescue", SECRET).await), Denial::Unknown);
    assert!(is_missing(&app.find_account(&open.session.subject).await));
    assert_eq!(world.throng.recovery(), None);
    assert_eq!(app.explain("rescue").await.unwrap().occurrences.len(), 1, "its directory is gone, too");
    let passed = start(&world, Some(recovery().until(until))).await;
    assert!(matches!(passed, Err(Error::Invalid(Invalid::Setting(_)))));
}

#[tokio::test]
async fn nobody_is_taken_over_r909() {
    let taken = async |world: &World| match start(world, Some(recovery())).await {
        Err(Error::Conflict(Conflict::RecoveryName { held_by })) => held_by,
        other => panic!("expected a conflict, got {other:?}"),
    };
    // In any stored directory, seated or not, on or off, however it is spelled.
    let (world, ..) = World::internal(1, Plan::new()).await;
    let apart = world.throng.internal_directory("Apart").await.unwrap();
    let held = world.put(apart, "Recovery-Admin").await;
    assert_eq!(taken(&world).await, "Apart");
    world.switch_off(apart).await;
    assert_eq!(taken(&world).await, "Apart");
    assert!(start(&world, Some(recovery().named("rescue"))).await.is_ok(), "another name is free");
    world.drop_user(apart, &held).await;
    assert!(start(&world, Some(recovery())).await.is_ok());

    // A claim, also of somebody who is gone.
    let (world, app, dirs) = World::internal(1, Plan::new()).await;
    let user = world.put(dirs[0], NAME).await;
    app.identity(&find(&app, NAME).await).await.unwrap();
    world.drop_user(dirs[0], &user).await;
    assert_eq!(taken(&world).await, "wiki");

    // An alias.
    let (world, app, dirs) = World::internal(1, Plan::new()).await;
    app.allow_aliases(Aliases::On).await.unwrap();
    world.put(dirs[0], "anna").await;
    app.set_alias(&find(&app, "anna").await, NAME).await.unwrap();
    assert_eq!(taken(&world).await, "wiki");
}

#[tokio::test]
async fn who_comes_by_its_name_meanwhile_is_shadowed_and_told_apart_t03() {
    let (world, app, dirs) = recovering(Plan::new()).await;
    assert_eq!(
        conflict(app.create_user(throng_engine::application::NewAccount::named(NAME)).await),
        Conflict::NameTaken
    );
    // Behind everybody's back, as a round of a mirror does.
    let namesake = world.put_with_password(dirs[0], NAME, RIGHT).await;
    assert_eq!(refusal(app.authenticate(NAME, RIGHT).await), Refusal::WrongPassword);
    let token = app.log_in(NAME, SECRET).await.unwrap().token;
    let report = world.throng.shadows(ShadowScope::Application(app.id())).await.unwrap();
    assert_eq!(report.names[0].holders[0].label, Recovery::LABEL);
    // Without recovery the name is the namesake's, and nothing of the one is the other's.
    let later = start(&world, None).await.unwrap().application("wiki").unwrap();
    assert!(has_ended(&later.session(token.expose()).await));
    let who = later.authenticate(NAME, RIGHT).await.unwrap();
    assert_eq!(who.user().subject(), subject(dirs[0], &namesake));
    assert_ne!(who.identity(), Recovery::IDENTITY);
    // A claim that stands by now does not keep the administrator of this process out.
    let logged_in = app.log_in(NAME, SECRET).await.unwrap();
    assert_eq!(logged_in.who.identity(), Recovery::IDENTITY);
    assert_eq!(app.explain(NAME).await.unwrap().identity, Some(Recovery::IDENTITY));
    app.session(logged_in.token.expose()).await.unwrap();
}

#[tokio::test]
async fn it_is_let_in_by_its_password_alone() {
    let (world, app, _) = recovering(Plan::new()).await;
    assert_eq!(refusal(app.vouch_for(NAME).await), Refusal::NoPassword);
    let hashes = world.throng.hashes_run();
    let mut refusals = Vec::new();
    for _ in 0..13 {
        let guesses = (0..8).map(|_| app.authenticate(NAME, WRONG));
        refusals.extend(join_all(guesses).await.into_iter().map(refusal));
    }
    let looked_at = refusals.iter().filter(|why| **why == Refusal::WrongPassword).count();
    assert_eq!(looked_at, 100, "many at once overshoot nothing (T44)");
    assert_eq!(refusal(app.authenticate(NAME, SECRET).await), Refusal::Locked, "R702");
    assert_eq!(world.throng.hashes_run() - hashes, 105, "one hash each (T43)");
    assert!(start(&world, Some(recovery())).await.is_ok(), "the next start begins anew");
    let weak = Recovery::new(Secret::new("recovery-admin").unwrap());
    assert!(matches!(start(&world, Some(weak)).await, Err(Error::Invalid(Invalid::Policy(_)))));
}

#[tokio::test]
async fn its_name_costs_what_any_name_costs_t43() {
    let above = live(7);
    let world =
        World::with(|builder| builder.directory("Remote", Arc::new(above.clone())).recovery(recovery()));
    let world = world.await;
    let app = world.app("wiki", Plan::new().seat(above.id()).unwrap()).await;
    for name in [NAME, "nobody"] {
        let hashes = world.throng.hashes_run();
        denial(app.authenticate(name, WRONG).await);
        assert_eq!(world.throng.hashes_run() - hashes, 1, "{name}");
    }
}

#[tokio::test]
async fn nobody_can_change_it() {
    let (world, app, dirs) = recovering(Plan::new()).await;
    world.put_group(dirs[0], "writers", &[]).await;
    app.allow_aliases(Aliases::On).await.unwrap();
    let user = find(&app, NAME).await;
    let head = world.store.head().await.unwrap();
    assert!(is_forbidden(
        &app.update_user(&user, UserPatch { active: Some(false), ..UserPatch::default() }).await
    ));
    assert!(is_forbidden(&app.rename_user(&user, "other").await));
    assert!(is_forbidden(&app.remove_user(&user).await));
    assert!(is_forbidden(&app.set_password(&user, OTHER).await));
    assert!(is_forbidden(&app.clear_password(&user).await));
    assert!(is_forbidden(&app.set_alias(&user, "alias").await));
    assert!(is_forbidden(&app.adopt(NAME, Adoption::SamePerson).await));
    assert!(app.add_user_to_group(&user, "writers").await.is_err());
    assert!(is_missing(&world.throng.open(Recovery::DIRECTORY)));
    let seated = app.change_plan(|plan| plan.seat(Recovery::DIRECTORY)).await;
    assert!(seated.is_err(), "no stored plan has a seat for it");
    let attached = Throng::over(Arc::new(MemoryStore::new()) as Arc<dyn Store>)
        .directory("Posing", Arc::new(ScriptedDirectory::new(Recovery::DIRECTORY)));
    assert_eq!(conflict(attached.build().await), Conflict::DirectoryKind, "nobody stands for it");
    assert_eq!(world.store.head().await.unwrap(), head);
    app.log_in(NAME, SECRET).await.unwrap();
}

/// Whoever asks for it by its name can let it in; whoever lists people gets nobody to copy.
#[tokio::test]
async fn others_find_it_by_its_name_and_in_no_list() {
    let (_, app, _) = recovering(Plan::new()).await;
    let exported = app.exported();
    exported.find_user(NAME).await.unwrap();
    assert_eq!(exported.authenticate(NAME, SECRET).await.unwrap().identity(), Recovery::IDENTITY);
    assert_eq!(refusal(exported.authenticate(NAME, WRONG).await), Refusal::WrongPassword);
    let everybody = exported.search_users(&Filter::everything(), &PageRequest::default()).await.unwrap();
    assert_eq!(everybody.items, []);
    assert_eq!(
        spelled(&app.search_users(&Filter::everything(), &PageRequest::default()).await.unwrap()),
        [NAME]
    );
    let token = exported.log_in(NAME, SECRET).await.unwrap().token;
    exported.session(token.expose()).await.unwrap();
}

#[tokio::test]
async fn a_silent_directory_below_it_is_as_silent_as_before_t03() {
    let above = live(7);
    let world =
        World::with(|builder| builder.directory("Remote", Arc::new(above.clone())).recovery(recovery()));
    let world = world.await;
    let local = world.throng.internal_directory("Local").await.unwrap();
    let app = world.app("wiki", Plan::new().seat(above.id()).unwrap().seat(local).unwrap()).await;
    world.put_with_password(local, "anna", RIGHT).await;
    above.behave(Behaviour::Silent);
    assert!(is_unavailable(&app.authenticate("anna", RIGHT).await));
}
