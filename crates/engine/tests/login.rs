//! Authentication beyond the skeletons: outages, lies, costs, and what strangers are told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod common;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use common::{Mode, PW1, PW2, WRONG, World, builder, delegated, denial, refusal};
use throng_core::directory::Refusal;
use throng_core::id::DirectoryId;
use throng_core::name::NameFault;
use throng_core::plan::{OnRefusal, OnSilence, Plan, Seat, SeatPolicy};
use throng_core::registry::DelegatedSettings;
use throng_core::resolve::Said;
use throng_core::secret::SecretError;
use throng_core::store::{ChangeLog, Credentials};
use throng_engine::application::Switch;
use throng_engine::error::{Denial, Outage};
use throng_engine::{Error, Throng};
use throng_passwords::hasher::HasherConfig;
use throng_testkit::clock::ManualClock;
use throng_testkit::memory::MemoryStore;
use throng_testkit::script::{Behaviour, Call, Lie, ScriptedDirectory, ScriptedVerifier};

fn live(n: u8) -> ScriptedDirectory {
    ScriptedDirectory::new(DirectoryId::from_bytes([n; 16]))
}

/// Five ways to be unreachable, none of which may hand the name to the directory below (T03).
#[tokio::test(start_paused = true)]
async fn an_unreachable_directory_never_hands_the_name_on() {
    let ways = [
        Behaviour::Silent,
        Behaviour::Hanging,
        Behaviour::Slow(Duration::from_secs(11)),
        Behaviour::Broken,
        Behaviour::Lying(Lie::Name),
    ];
    for way in ways {
        let remote = live(1);
        remote.put_with_password("jsmith", PW1).unwrap();
        let (world, app, local) = World::with_remote(&remote, Mode::Default).await;
        world.put_with_password(local, "jsmith", PW2).await;
        remote.behave(way);
        for password in [PW1, PW2, WRONG] {
            let outcome = app.authenticate("jsmith", password).await;
            match (way, outcome) {
                (Behaviour::Broken | Behaviour::Lying(_), Err(Error::Broken(_))) => {}
                // A liar that refuses is heard as any other: the walk ends there, too.
                (Behaviour::Lying(_), Err(Error::Denied { why: Denial::Refused { by, .. }, .. })) => {
                    assert_eq!(by, remote_id(&remote));
                }
                (_, Err(Error::Unavailable { why: Outage::Directories(silent), trail: Some(trail) })) => {
                    assert_eq!(silent, [remote_id(&remote)]);
                    assert!(matches!(trail.lines()[0].said, Said::Silent(_)));
                    assert_eq!(trail.lines()[1].said, Said::NotAsked);
                }
                (way, outcome) => panic!("{way:?} {password:?}: {outcome:?}"),
            }
        }
        let found = app.find_user("jsmith").await;
        assert!(
            matches!(found, Err(Error::Unavailable { .. } | Error::Broken(_))),
            "a display look-up never shows the namesake either: {way:?} {found:?}"
        );
    }
}

fn remote_id(remote: &ScriptedDirectory) -> DirectoryId {
    throng_core::directory::Directory::id(remote)
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_within_the_deadline_counts() {
    let remote = live(1);
    remote.put_with_password("jsmith", PW1).unwrap();
    let (_world, app, _) = World::with_remote(&remote, Mode::Default).await;
    remote.behave(Behaviour::Slow(Duration::from_secs(9)));
    assert!(app.authenticate("jsmith", PW1).await.is_ok());
}

#[tokio::test]
async fn a_wrong_password_asks_nobody_below() {
    let remote = live(1);
    remote.put_with_password("jsmith", PW1).unwrap();
    let (world, app, local) = World::with_remote(&remote, Mode::Default).await;
    let below = world.put_with_password(local, "jsmith", PW2).await;
    let outcome = app.authenticate("jsmith", PW2).await;
    let Err(error @ Error::Denied { .. }) = &outcome else { panic!("{outcome:?}") };
    let lines = error.trail().unwrap().lines();
    assert_eq!(lines[0].said, Said::Refuses(Refusal::WrongPassword));
    assert_eq!((lines[1].said, lines[1].label), (Said::NotAsked, "Local"));
    let subject = throng_core::id::Subject { directory: local, external_id: below.external_id };
    let kept = world.store.credential(&subject).await.unwrap().unwrap();
    assert_eq!(kept.failed_attempts, 0, "the namesake's counter is untouched (T41)");
}

#[tokio::test]
async fn a_passed_refusal_is_a_named_choice() {
    let remote = live(1);
    remote.put_with_password("jsmith", PW1).unwrap();
    let (world, app, local) = World::with_remote(&remote, Mode::Default).await;
    world.put_with_password(local, "jsmith", PW2).await;
    app.change_plan(|plan: Plan| {
        Ok::<_, Error>(plan.filter_map_seats(|seat| {
            let policy = SeatPolicy { on_refusal: OnRefusal::Pass, login: OnSilence::Pass, ..seat.policy };
            Some(Seat { policy, ..seat })
        }))
    })
    .await
    .unwrap();
    assert_eq!(app.authenticate("jsmith", PW2).await.unwrap().user().directory(), local);
    let refused = app.authenticate("jsmith", WRONG).await;
    let Denial::Refused { by, .. } = denial(refused) else { panic!("refused by the first") };
    assert_eq!(by, remote_id(&remote));
}

/// What a stranger reads is the same in every case; the reason is for operators (T42).
#[tokio::test]
async fn strangers_cannot_tell_why() {
    let (world, app, ids) = World::with_internal(&["D1"], Mode::Default).await;
    world.put_with_password(ids[0], "anna", PW1).await;
    world.put(ids[0], "nopassword").await;
    let inactive = world.put_with_password(ids[0], "left", PW1).await;
    world.deactivate(ids[0], &inactive).await;
    let long = "x".repeat(513);
    let mut texts = Vec::new();
    for (name, password) in [
        ("anna", WRONG),
        ("nobody", PW1),
        ("nopassword", PW1),
        ("left", PW1),
        ("anna", ""),
        ("anna", "\0"),
        ("anna", &long),
        ("", PW1),
        ("an\0na", PW1),
    ] {
        let error = app.authenticate(name, password).await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{name:?}: {error:?}");
        texts.push(error.to_string());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn an_impossible_password_reaches_no_directory_t29() {
    let remote = live(1);
    remote.put_with_password("anna", PW1).unwrap();
    let (_world, app, _) = World::with_remote(&remote, Mode::Default).await;
    remote.forget_calls();
    let megabyte = "x".repeat(1 << 20);
    for (password, fault) in
        [("", SecretError::Empty), ("\0", SecretError::Empty), (megabyte.as_str(), SecretError::TooLong)]
    {
        assert_eq!(denial(app.authenticate("anna", password).await), Denial::Password(fault));
    }
    let name = "x".repeat(10 << 20);
    let Denial::Name(fault) = denial(app.authenticate(&name, PW1).await) else {
        panic!("an impossible name")
    };
    assert_eq!(fault.0, NameFault::TooLong);
    assert_eq!(remote.all_calls(), 0);
}

#[tokio::test]
async fn an_application_without_directories_lets_nobody_in_r202() {
    let world = World::new().await;
    let app = world.throng.ensure_application("empty", Plan::new()).await.unwrap();
    assert_eq!(denial(app.authenticate("anna", PW1).await), Denial::ApplicationClosed);
}

#[tokio::test]
async fn an_inactive_application_and_an_inactive_directory_let_nobody_in() {
    let (world, app, ids) = World::with_internal(&["D1"], Mode::Default).await;
    world.put_with_password(ids[0], "anna", PW1).await;
    app.switch(Switch::Off).await.unwrap();
    assert_eq!(denial(app.authenticate("anna", PW1).await), Denial::ApplicationClosed);
    app.switch(Switch::On).await.unwrap();
    assert!(app.authenticate("anna", PW1).await.is_ok());
    let mut record = (*world.throng.directory("D1").unwrap()).clone();
    record.active = false;
    world.throng.update_directory(record).await.unwrap();
    assert!(app.authenticate("anna", PW1).await.is_err(), "R293");
    assert!(matches!(app.find_user("anna").await, Err(Error::NotFound { .. })), "R293");
}

/// One hash at current cost on every path, counted (T43, G8).
#[tokio::test]
async fn every_path_over_kept_passwords_costs_one_hash() {
    let (world, app, ids) = World::with_internal(&["D1", "D2", "D3"], Mode::Default).await;
    world.put_with_password(ids[0], "first", PW1).await;
    world.put_with_password(ids[2], "last", PW1).await;
    world.put(ids[1], "nopassword").await;
    let inactive = world.put_with_password(ids[0], "left", PW1).await;
    world.deactivate(ids[0], &inactive).await;
    world.settle(ids[1], |settings| settings.password_policy.max_attempts = Some(1)).await;
    world.put_with_password(ids[1], "locked", PW1).await;
    let _ = app.authenticate("locked", WRONG).await;
    for (name, password) in [
        ("first", PW1),
        ("first", WRONG),
        ("last", PW1),
        ("last", WRONG),
        ("nobody", PW1),
        ("nopassword", PW1),
        ("left", PW1),
        ("left", WRONG),
        ("locked", PW1),
        ("im\u{7}possible", PW1),
    ] {
        let before = world.throng.hashes_run();
        let _ = app.authenticate(name, password).await;
        assert_eq!(world.throng.hashes_run() - before, 1, "{name:?} {password:?}");
    }
}

#[tokio::test]
async fn an_unchanged_success_writes_nothing() {
    let (world, app, ids) = World::with_internal(&["D1"], Mode::Default).await;
    let user = world.put_with_password(ids[0], "anna", PW1).await;
    app.authenticate("anna", PW1).await.unwrap();
    let (head, before) = (world.store.head().await.unwrap(), format!("{:?}", world.store));
    world.clock.advance(Duration::from_secs(60));
    let who = app.authenticate("anna", PW1).await.unwrap();
    assert_eq!(world.store.head().await.unwrap(), head);
    assert!(format!("{:?}", world.store) == before, "nothing at all was written");
    assert_eq!(app.last_login(&who.user().subject()).await.unwrap(), Some(who.at()));
    let subject = throng_core::id::Subject { directory: ids[0], external_id: user.external_id };
    assert_eq!(world.store.last_login(&subject).await.unwrap(), None);
    world.throng.maintain().await.unwrap();
    assert_eq!(
        world.store.last_login(&subject).await.unwrap(),
        Some(who.at()),
        "written down when the host asks"
    );
}

/// At most the limit of guesses is ever verified, however many come at once (T44).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_guesses_do_not_overshoot_the_limit() {
    let (world, app, ids) = World::with_internal(&["D1"], Mode::Default).await;
    world.settle(ids[0], |settings| settings.password_policy.max_attempts = Some(5)).await;
    world.put_with_password(ids[0], "anna", PW1).await;
    let guesses = (0..12).map(|_| {
        let app = app.clone();
        tokio::spawn(async move { app.authenticate("anna", WRONG).await })
    });
    let mut verified = 0;
    for guess in futures_util::future::join_all(guesses).await {
        match guess.unwrap() {
            Err(Error::Denied { why: Denial::Refused { why: Refusal::WrongPassword, .. }, .. }) => {
                verified += 1
            }
            Err(Error::Denied { why: Denial::Refused { why: Refusal::Locked, .. }, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!((1..=5).contains(&verified), "{verified} guesses were verified");
}

/// Only failures in a row count: a success forgets those before it.
#[tokio::test]
async fn a_success_forgets_the_failures_before_it() {
    let (world, app, ids) = World::with_internal(&["D1"], Mode::Default).await;
    world.settle(ids[0], |settings| settings.password_policy.max_attempts = Some(3)).await;
    world.put_with_password(ids[0], "anna", PW1).await;
    for _ in 0..2 {
        for _ in 0..2 {
            assert_eq!(refusal(app.authenticate("anna", WRONG).await), Refusal::WrongPassword);
        }
        assert!(app.authenticate("anna", PW1).await.is_ok());
    }
}

/// A full queue is told as such and never passed on, not even where silence is (T50).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_is_typed_and_hands_nobody_on() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::at(0)));
    // One runs and eight wait, so that of forty at once most are turned away.
    let one_core = HasherConfig::new(NonZeroUsize::MIN);
    let throng: Throng = builder(&store, &clock).hashing(one_core).build().await.unwrap();
    let world = World { throng, store, clock };
    let (d1, d2) = (
        world.throng.internal_directory("D1").await.unwrap(),
        world.throng.internal_directory("D2").await.unwrap(),
    );
    let plan = Plan::crowd().seat(d1).unwrap().seat(d2).unwrap();
    let app = world.throng.ensure_application("wiki", plan).await.unwrap();
    world.put_with_password(d1, "anna", PW1).await;
    let logins = (0..40).map(|_| {
        let app = app.clone();
        tokio::spawn(async move { app.authenticate("anna", PW1).await })
    });
    let (mut served, mut shed) = (0, 0);
    for login in futures_util::future::join_all(logins).await {
        match login.unwrap() {
            Ok(who) => {
                assert_eq!(who.user().directory(), d1);
                served += 1;
            }
            Err(Error::Unavailable { why: Outage::Overloaded { .. }, .. }) => shed += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(served >= 1 && shed >= 1, "{served} served, {shed} shed");
}

#[tokio::test(start_paused = true)]
async fn a_silent_verifier_is_an_outage_and_no_failed_guess() {
    for way in [Behaviour::Silent, Behaviour::Hanging] {
        let verifier = ScriptedVerifier::new();
        verifier.put("anna", PW1).unwrap();
        let (_world, app, _) = delegated(Arc::new(verifier.clone()), DelegatedSettings::default()).await;
        app.authenticate("anna", PW1).await.unwrap();
        verifier.behave(way);
        let outcome = app.authenticate("anna", PW1).await;
        assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{way:?} {outcome:?}");
        assert!(app.find_user("anna").await.is_ok(), "the records answer without the verifier");
        assert!(matches!(app.authenticate("stranger", PW1).await, Err(Error::Unavailable { .. })), "{way:?}");
        verifier.behave(Behaviour::Answering);
        assert!(app.authenticate("anna", PW1).await.is_ok());
    }
}

#[tokio::test]
async fn one_bind_per_login() {
    let (a, b) = (live(1), live(2));
    b.put_with_password("anna", PW1).unwrap();
    let world = World::with(|builder| {
        builder.directory("A", Arc::new(a.clone())).directory("B", Arc::new(b.clone()))
    })
    .await;
    let plan = Plan::new().seat(remote_id(&a)).unwrap().seat(remote_id(&b)).unwrap();
    let app = world.throng.ensure_application("wiki", plan).await.unwrap();
    assert_eq!(refusal(app.authenticate("anna", WRONG).await), Refusal::WrongPassword);
    assert_eq!((a.calls(Call::Authenticate), b.calls(Call::Authenticate)), (1, 1));
    assert_eq!(b.all_calls(), 1, "a typo becomes one bind, not several");
}

/// Nothing would work with such settings, and nobody would know why (G03).
#[tokio::test]
async fn settings_of_no_length_are_refused_g03() {
    let (store, clock) = (Default::default(), Default::default());
    let hour = std::time::Duration::from_secs(60 * 60);
    let none =
        |idle, overall| throng_engine::SessionLimits { idle, overall, touch: std::time::Duration::ZERO };
    for builder in [
        common::builder(&store, &clock).deadline(std::time::Duration::ZERO),
        common::builder(&store, &clock).sessions(none(std::time::Duration::ZERO, hour)),
        common::builder(&store, &clock).sessions(none(hour, std::time::Duration::ZERO)),
    ] {
        assert!(matches!(builder.build().await, Err(throng_engine::Error::Invalid(_))));
    }
    assert!(common::builder(&store, &clock).sessions(none(hour, hour)).build().await.is_ok());
}
