//! Where writes go, and what they leave alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use throng_core::attribute::Attributes;
use throng_core::directory::{GroupPatch, UserPatch};
use throng_core::permission::{Operation, Permissions};
use throng_core::plan::{Access, Plan, Seat};
use throng_core::registry::{Aliases, DelegatedSettings};
use throng_core::user::Profile;
use throng_engine::application::{Admission, NewAccount};
use throng_engine::error::{Conflict, Denial, Invalid};
use throng_engine::{Application, Error};
use throng_testkit::script::{Behaviour, Call, Lie, Power, ScriptedVerifier};
use world::{
    OTHER, RIGHT, World, about, allow, bad_names, change_seats, conflict, email, find, group_name,
    is_forbidden, is_missing, is_unavailable, live, modes, subject, username, without,
};

const READ_ONLY: Permissions = Permissions::READ_ONLY;

fn attribute(name: &str, value: &str) -> Vec<(String, Vec<String>)> {
    vec![(name.into(), vec![value.into()])]
}

// Users: where they are made.

#[tokio::test]
async fn r250_a_user_is_made_in_the_first_directory_that_may() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(3, plan).await;
        world.mask(ids[0], READ_ONLY).await;
        allow(&app, ids[1], without(Operation::CreateUser)).await;
        let made = app.create_user(NewAccount::named("anna").email("a@example.org")).await.unwrap();
        assert_eq!(made.directory(), ids[2], "both masks count {mode}");
        assert_eq!(made.value().profile.email, "a@example.org");
        allow(&app, ids[2], READ_ONLY).await;
        let head = world.head().await;
        assert!(is_forbidden(&app.create_user(NewAccount::named("berta")).await), "{mode}");
        assert_eq!(world.head().await, head, "{mode}");
    }
}

#[tokio::test]
async fn r250_a_name_must_be_free_in_every_directory() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(3, plan).await;
        for (directory, name) in [(ids[0], "Anna"), (ids[1], "Berta"), (ids[2], "Carl")] {
            world.put(directory, name).await;
        }
        let head = world.head().await;
        for name in ["anna", "BERTA", "ｃａｒｌ"] {
            let taken = app.create_user(NewAccount::named(name)).await;
            assert_eq!(conflict(taken), Conflict::NameTaken, "N18 {mode} {name}");
        }
        world.put(ids[0], "é").await;
        let taken = app.create_user(NewAccount::named("e\u{301}")).await;
        assert_eq!(conflict(taken), Conflict::NameTaken, "N29 {mode}");
        assert_eq!(world.head().await, head + 1, "{mode}");
    }
}

#[tokio::test]
async fn r250_a_silent_directory_may_hold_the_name_and_there_is_no_fallback() {
    for (mode, plan) in modes() {
        for above in [true, false] {
            let remote = live(1);
            let (world, app, local) = match above {
                true => World::live_above(&[&remote], plan.clone()).await,
                false => World::live_below(&[&remote], plan.clone()).await,
            };
            remote.behave(Behaviour::Silent);
            assert!(is_unavailable(&app.create_user(NewAccount::named("anna")).await), "{mode}");
            assert!(is_unavailable(&app.create_group("staff", "").await), "{mode}");
            assert!(world.users_in(local).await.is_empty(), "{mode}");
            remote.behave(Behaviour::Answering);
            remote.behave_on(Call::AddUser, Behaviour::Silent);
            if above {
                assert!(is_unavailable(&app.create_user(NewAccount::named("anna")).await), "{mode}");
                assert!(world.users_in(local).await.is_empty(), "R250: no fallback {mode}");
            }
        }
    }
}

#[tokio::test]
async fn r250_what_an_adapter_cannot_do_is_done_by_the_next() {
    for (mode, plan) in modes() {
        let remote = live(1).with_powers(&[Power::Members]);
        let (_world, app, local) = World::live_above(&[&remote], plan).await;
        assert_eq!(app.create_user(NewAccount::named("anna")).await.unwrap().directory(), local, "{mode}");
        assert_eq!(app.create_group("staff", "").await.unwrap().directory(), local, "{mode}");
    }
}

#[tokio::test]
async fn t11_a_directory_that_makes_somebody_else_is_broken() {
    let remote = live(1);
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    remote.behave_on(Call::AddUser, Behaviour::Lying(Lie::Name));
    let outcome = app.create_user(NewAccount::named("anna")).await;
    assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_password_that_a_live_directory_refuses_makes_no_user() {
    let remote = live(1);
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    let refused = app.create_user(NewAccount::named("anna").password("short")).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    assert!(is_missing(&app.find_user("anna").await), "nothing is made otherwise");
}

#[tokio::test]
async fn a_password_goes_only_where_passwords_are_kept() {
    let verifier = ScriptedVerifier::new();
    let (world, app, _) = World::delegated(verifier, DelegatedSettings::default(), Plan::new()).await;
    let head = world.head().await;
    assert!(is_forbidden(&app.create_user(NewAccount::named("anna").password(RIGHT)).await), "R502");
    assert_eq!(world.head().await, head);
    let anna = app.create_user(NewAccount::named("anna")).await.unwrap();
    assert!(is_forbidden(&app.set_password(&anna, RIGHT).await), "R502");

    let remote = live(1).with_powers(&[Power::Users]);
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    assert!(is_forbidden(&app.create_user(NewAccount::named("anna").password(RIGHT)).await));
    assert!(is_missing(&app.find_user("anna").await), "nothing is made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t09_of_many_who_make_one_name_exactly_one_does() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan.clone()).await;
        let reversed = plan.seat(ids[1]).unwrap().seat(ids[0]).unwrap();
        let other = world.app("forge", reversed).await;
        for round in 0..8 {
            let tasks: Vec<_> = (0..32)
                .map(|n| {
                    let app = if n % 2 == 0 { app.clone() } else { other.clone() };
                    tokio::spawn(async move { app.create_user(NewAccount::named(format!("x{round}"))).await })
                })
                .collect();
            let mut made = 0;
            for task in tasks {
                match task.await.unwrap() {
                    Ok(_) => made += 1,
                    Err(error) => assert!(matches!(error, Error::Conflict(Conflict::NameTaken)), "{error:?}"),
                }
            }
            assert_eq!(made, 1, "{mode}");
        }
        let all = world.users_in(ids[0]).await.len() + world.users_in(ids[1]).await.len();
        assert_eq!(all, 8, "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t25_two_edges_at_once_never_close_a_circle() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        for round in 0..40 {
            let (a, b) = (format!("a{round}"), format!("b{round}"));
            world.put_group(ids[0], &a, &[]).await;
            world.put_group(ids[0], &b, &[]).await;
            let (one, two) = (app.clone(), app.clone());
            let (c, d) = (a.clone(), b.clone());
            let first = tokio::spawn(async move { one.add_group_to_group(&c, &d).await.is_ok() });
            let (c, d) = (a.clone(), b.clone());
            let second = tokio::spawn(async move { two.add_group_to_group(&d, &c).await.is_ok() });
            let both = (first.await.unwrap(), second.await.unwrap());
            assert!(both == (true, false) || both == (false, true), "{mode} {both:?}");
        }
    }
}

// Users: where they are changed.

#[tokio::test]
async fn r252_r253_a_change_goes_to_the_canonical_directory_and_no_other() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        for &id in &ids {
            world.put_with_password(id, "anna", RIGHT).await;
        }
        let anna = find(&app, "ANNA").await;
        let updated = app.update_user(&anna, email("new@example.org")).await.unwrap();
        assert_eq!(updated.value().profile.email, "new@example.org", "{mode}");
        assert_eq!(world.held(ids[1], "anna").await.unwrap().profile.email, "", "{mode}");
        app.set_password(&anna, OTHER).await.unwrap();
        assert_eq!(app.authenticate("anna", OTHER).await.unwrap().user().directory(), ids[0], "{mode}");
        world.mask(ids[0], READ_ONLY).await;
        let head = world.head().await;
        assert!(is_forbidden(&app.update_user(&anna, email("x@example.org")).await), "{mode}");
        assert!(is_forbidden(&app.set_password(&anna, RIGHT).await), "R113 {mode}");
        assert!(is_forbidden(&app.rename_user(&anna, "berta").await), "R113 {mode}");
        assert!(is_forbidden(&app.remove_user(&anna).await), "{mode}");
        assert_eq!(world.head().await, head, "later directories are not tried {mode}");
        let tagged = UserPatch { attributes: attribute("seat", "4"), ..UserPatch::default() };
        let tagged = app.update_user(&anna, tagged).await.unwrap();
        assert_eq!(tagged.value().attributes.values("seat"), ["4"], "R116 {mode}");
    }
}

#[tokio::test]
async fn r111_a_profile_does_not_carry_attributes_past_the_mask() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        world.put(ids[0], "anna").await;
        world.put_group(ids[0], "staff", &[]).await;
        let no_attributes =
            without(Operation::UpdateUserAttribute).and(without(Operation::UpdateGroupAttribute));
        allow(&app, ids[0], no_attributes).await;
        let anna = find(&app, "anna").await;
        let bare = UserPatch { attributes: attribute("role", "boss"), ..UserPatch::default() };
        assert!(is_forbidden(&app.update_user(&anna, bare.clone()).await), "{mode}");
        let both = UserPatch { attributes: attribute("role", "boss"), ..email("a@example.org") };
        assert!(is_forbidden(&app.update_user(&anna, both).await), "R110, R111 {mode}");
        assert!(world.held(ids[0], "anna").await.unwrap().attributes.is_empty(), "{mode}");
        let both = GroupPatch { attributes: attribute("role", "boss"), ..about("all") };
        assert!(is_forbidden(&app.update_group("staff", both).await), "R110, R111 {mode}");
    }
}

#[tokio::test]
async fn r252_a_silent_directory_above_stops_a_change_and_one_below_does_not() {
    for (mode, plan) in modes() {
        let remote = live(1);
        let (world, app, local) = World::live_above(&[&remote], plan.clone()).await;
        world.put(local, "anna").await;
        let anna = find(&app, "anna").await;
        remote.behave(Behaviour::Silent);
        let head = world.head().await;
        assert!(is_unavailable(&app.update_user(&anna, email("x@example.org")).await), "R231 {mode}");
        assert!(is_unavailable(&app.remove_user(&anna).await), "R231 {mode}");
        assert!(is_unavailable(&app.set_password(&anna, RIGHT).await), "R231 {mode}");
        assert!(is_unavailable(&app.rename_user(&anna, "berta").await), "R231 {mode}");
        assert_eq!(world.head().await, head, "{mode}");

        let remote = live(1);
        let (world, app, local) = World::live_below(&[&remote], plan).await;
        world.put(local, "anna").await;
        let anna = find(&app, "anna").await;
        remote.behave(Behaviour::Silent);
        app.update_user(&anna, email("x@example.org")).await.expect(mode);
    }
}

#[tokio::test]
async fn t10_a_stale_subject_changes_nothing() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        world.put_with_password(ids[1], "anna", RIGHT).await;
        world.put_group(ids[1], "staff", &["anna"]).await;
        world.put_group(ids[1], "wheel", &[]).await;
        let anna = find(&app, "anna").await;
        let namesake = world.put(ids[0], "ANNA").await;
        let head = world.head().await;
        assert_eq!(conflict(app.update_user(&anna, email("x@example.org")).await), Conflict::Stale, "{mode}");
        assert_eq!(conflict(app.set_password(&anna, OTHER).await), Conflict::Stale, "{mode}");
        assert_eq!(conflict(app.rename_user(&anna, "berta").await), Conflict::Stale, "{mode}");
        assert_eq!(conflict(app.remove_user(&anna).await), Conflict::Stale, "{mode}");
        assert_eq!(conflict(app.add_user_to_group(&anna, "wheel").await), Conflict::Stale, "{mode}");
        assert_eq!(conflict(app.remove_user_from_group(&anna, "staff").await), Conflict::Stale, "{mode}");
        assert_eq!(conflict(app.identity(&anna).await), Conflict::Stale, "{mode}");
        assert_eq!(world.head().await, head, "nothing changed {mode}");
        world.drop_user(ids[0], &namesake).await;
        assert_eq!(app.update_user(&anna, email("x@example.org")).await.unwrap().subject(), anna.subject());
    }
}

#[tokio::test]
async fn t10_an_account_that_was_renamed_or_removed_or_recycled_is_stale() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        let user = world.put(ids[0], "anna").await;
        let anna = find(&app, "anna").await;
        app.rename_user(&anna, "anna.b").await.unwrap();
        assert_eq!(conflict(app.update_user(&anna, email("x")).await), Conflict::Stale, "{mode}");
        world.drop_user(ids[0], &user).await;
        let newcomer = world.put(ids[0], "anna").await;
        assert_eq!(conflict(app.remove_user(&anna).await), Conflict::Stale, "T05 {mode}");
        assert_eq!(world.held(ids[0], "anna").await.unwrap(), newcomer, "{mode}");
    }
}

#[tokio::test]
async fn t10_a_namesake_in_a_live_directory_above_makes_stale_too() {
    for (mode, plan) in modes() {
        let remote = live(1);
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        world.put(local, "anna").await;
        let anna = find(&app, "anna").await;
        remote.put("anna").unwrap();
        assert_eq!(conflict(app.remove_user(&anna).await), Conflict::Stale, "{mode}");
        assert!(world.held(local, "anna").await.is_some(), "{mode}");
        assert_eq!(remote.calls(Call::RemoveUser), 0, "{mode}");
    }
}

#[tokio::test]
async fn r255_a_change_of_spelling_alone_is_allowed() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        for &id in &ids {
            world.put(id, "anna").await;
        }
        let anna = find(&app, "anna").await;
        let identity = app.identity(&anna).await.unwrap();
        let renamed = app.rename_user(&anna, "ANNA").await.unwrap();
        assert_eq!(renamed.value().name.as_str(), "ANNA", "{mode}");
        assert_eq!(app.identity(&renamed).await.unwrap(), identity, "{mode}");
        assert_eq!(world.held(ids[1], "anna").await.unwrap().name.as_str(), "anna", "{mode}");
    }
}

#[tokio::test]
async fn q06_a_rename_looks_at_every_directory_by_default() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        let anna = world.put(ids[0], "anna").await;
        world.put(ids[0], "same").await;
        world.put(ids[1], "below").await;
        let head = world.head().await;
        let resolved = find(&app, "anna").await;
        assert_eq!(conflict(app.rename_user(&resolved, "SAME").await), Conflict::NameTaken, "R255 {mode}");
        assert_eq!(world.head().await, head, "{mode}");
        let outcome = app.rename_user(&resolved, "Below").await;
        match mode {
            "throng" => {
                assert_eq!(conflict(outcome), Conflict::NameTaken, "Q06");
                assert_eq!(world.head().await, head);
            }
            _ => assert_eq!(outcome.unwrap().subject(), subject(ids[0], &anna), "R255"),
        }
    }
}

#[tokio::test]
async fn r255_a_copied_rename_under_a_namesake_never_answers_with_the_namesake() {
    let (world, app, ids) = World::internal(2, Plan::crowd()).await;
    let above = world.put(ids[0], "berta").await;
    let anna = world.put(ids[1], "anna").await;
    let resolved = find(&app, "anna").await;
    let outcome = app.rename_user(&resolved, "berta").await;
    if let Ok(renamed) = outcome {
        assert_ne!(renamed.subject(), subject(ids[0], &above), "the account renamed is another one");
        assert_eq!(renamed.subject(), subject(ids[1], &anna));
    }
}

#[tokio::test]
async fn t04_a_rename_onto_a_claimed_name_is_refused_whole() {
    for bob_has_a_claim in [true, false] {
        let (world, app, ids) = World::internal(1, Plan::new()).await;
        let leaver = world.put(ids[0], "admin").await;
        app.identity(&find(&app, "admin").await).await.unwrap();
        world.drop_user(ids[0], &leaver).await;
        world.put(ids[0], "bob").await;
        let bob = find(&app, "bob").await;
        if bob_has_a_claim {
            app.identity(&bob).await.unwrap();
        }
        let head = world.head().await;
        let refused = app.rename_user(&bob, "ADMIN").await;
        assert_eq!(conflict(refused), Conflict::NameReserved, "T05, bob has a claim: {bob_has_a_claim}");
        assert_eq!(world.head().await, head, "nothing changed, bob has a claim: {bob_has_a_claim}");
        app.release("admin").await.unwrap();
        assert_eq!(app.rename_user(&bob, "admin").await.unwrap().subject(), bob.subject());
    }
}

#[tokio::test]
async fn t04_a_live_account_is_not_renamed_onto_a_claimed_name() {
    let remote = live(1);
    let (world, app, local) = World::live_above(&[&remote], Plan::new()).await;
    let admin = world.put(local, "admin").await;
    app.identity(&find(&app, "admin").await).await.unwrap();
    world.drop_user(local, &admin).await;
    remote.put("bob").unwrap();
    let bob = find(&app, "bob").await;
    assert!(matches!(app.rename_user(&bob, "admin").await, Err(Error::Conflict(_))));
    assert_eq!(remote.calls(Call::RenameUser), 0, "what is refused is not done first");
}

#[tokio::test]
async fn an_identity_follows_a_rename_stored_or_live() {
    let remote = live(1);
    let (world, app, local) = World::live_above(&[&remote], Plan::new()).await;
    world.put(local, "stored").await;
    remote.put("live").unwrap();
    for (name, renamed) in [("stored", "stored2"), ("live", "live2")] {
        let user = find(&app, name).await;
        let identity = app.identity(&user).await.unwrap();
        let user = app.rename_user(&user, renamed).await.unwrap();
        assert_eq!(user.value().name, username(renamed));
        assert_eq!(app.identity(&user).await.unwrap(), identity, "the claim follows: {name}");
    }
}

#[tokio::test]
async fn q05_r254_removing_tells_who_surfaces() {
    for (mode, plan) in modes() {
        let remote = live(1);
        let (world, app, local) = World::live_below(&[&remote], plan).await;
        let upper = world.put(local, "anna").await;
        let lower = remote.put("anna").unwrap();
        world.put(local, "berta").await;
        let removed = app.remove_user(&find(&app, "anna").await).await.unwrap();
        assert_eq!(removed.subject, subject(local, &upper), "{mode}");
        let surfaced = removed.surfaced.unwrap();
        assert_eq!(surfaced.external_id, lower.external_id, "{mode}");
        assert_eq!(find(&app, "anna").await.subject(), surfaced, "R254 {mode}");
        assert_eq!(app.remove_user(&find(&app, "berta").await).await.unwrap().surfaced, None, "{mode}");
    }
}

#[tokio::test]
async fn t02_a_namesake_that_surfaces_under_a_claim_inherits_nothing() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    for &id in &ids {
        world.put(id, "anna").await;
    }
    let anna = find(&app, "anna").await;
    app.identity(&anna).await.unwrap();
    let removed = app.remove_user(&anna).await.unwrap();
    assert_eq!(removed.surfaced.unwrap().directory, ids[1]);
    assert!(matches!(conflict(app.find_user("anna").await), Conflict::OwnershipChanged(_)));
}

#[tokio::test]
async fn t05_a_name_that_a_tombstone_holds_is_not_given_away() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        let leaver = world.put(ids[0], "anna").await;
        let identity = app.identity(&find(&app, "anna").await).await.unwrap();
        world.drop_user(ids[0], &leaver).await;
        let head = world.head().await;
        let outcome = app.create_user(NewAccount::named("anna")).await;
        match mode {
            "throng" => {
                assert_eq!(conflict(outcome), Conflict::NameReserved);
                assert_eq!(world.head().await, head, "nothing changed");
                app.release("anna").await.unwrap();
                let anna = app.create_user(NewAccount::named("anna")).await.unwrap();
                assert_ne!(app.identity(&anna).await.unwrap(), identity);
            }
            // Copied: the name is free, and claims only warn (R250, R299).
            _ => assert_eq!(app.identity(&outcome.unwrap()).await.unwrap(), identity),
        }
    }
}

// Groups.

#[tokio::test]
async fn r260_q07_a_group_is_made_in_the_first_directory_or_in_each() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(4, plan).await;
        world.mask(ids[0], READ_ONLY).await;
        allow(&app, ids[2], without(Operation::CreateGroup)).await;
        let made = app.create_group("Staff", "all of us").await.unwrap();
        assert_eq!(made.directory(), ids[1], "{mode}");
        let mut held = Vec::new();
        for &id in &ids {
            held.push(world.held_group(id, "staff").await.is_some());
        }
        match mode {
            "throng" => assert_eq!(held, [false, true, false, false], "Q07"),
            _ => assert_eq!(held, [false, true, false, true], "R260"),
        }
        let head = world.head().await;
        assert_eq!(conflict(app.create_group("STAFF", "").await), Conflict::NameTaken, "R260 {mode}");
        for &id in &ids {
            allow(&app, id, READ_ONLY).await;
        }
        let forbidden = app.create_group("wheel", "").await;
        assert!(is_forbidden(&forbidden), "{mode}");
        assert_eq!(world.head().await, head + 4, "only the plan was changed {mode}");
    }
}

#[tokio::test]
async fn r261_r262_groups_are_changed_wherever_they_may_be() {
    for (mode, plan) in modes() {
        let remote = live(1);
        remote.put_group("staff", "remote").unwrap();
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        world.put_group(local, "Staff", &[]).await;
        app.update_group("STAFF", about("new")).await.unwrap();
        assert_eq!(world.held_group(local, "staff").await.unwrap().description, "new", "R261 {mode}");
        assert_eq!(world.held_group(remote_id(&app), "staff").await.unwrap().description, "new", "{mode}");

        allow(&app, remote_id(&app), READ_ONLY).await;
        app.update_group("staff", about("newer")).await.unwrap();
        assert_eq!(world.held_group(remote_id(&app), "staff").await.unwrap().description, "new", "{mode}");
        app.remove_group("staff").await.unwrap();
        assert!(world.held_group(local, "staff").await.is_none(), "{mode}");
        assert_eq!(app.find_group("staff").await.unwrap().directory(), remote_id(&app), "R262 {mode}");
        assert!(is_forbidden(&app.remove_group("staff").await), "R261 {mode}");
        assert!(is_forbidden(&app.update_group("staff", about("x")).await), "R261 {mode}");
        assert!(is_missing(&app.update_group("nobody", about("x")).await), "{mode}");
        assert!(is_missing(&app.remove_group("nobody").await), "{mode}");
        remote.behave(Behaviour::Silent);
        assert!(is_unavailable(&app.remove_group("nobody").await), "R204 {mode}");
    }
}

fn remote_id(app: &Application) -> throng_core::id::DirectoryId {
    app.record().unwrap().plan.seats()[0].directory
}

#[tokio::test]
async fn r223_removing_a_group_takes_the_access_that_it_gave() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan.clone()).await;
        let other = world.app("forge", plan.seat(ids[0]).unwrap()).await;
        world.put(ids[0], "anna").await;
        for &id in &ids {
            world.put_group(id, "staff", &[]).await;
        }
        world.put_group(ids[0], "staff", &["anna"]).await;
        world.put_group(ids[0], "wheel", &["anna"]).await;
        let access = Access::Groups([group_name("STAFF")].into());
        for app in [&app, &other] {
            change_seats(app, |seat| Seat { access: access.clone(), ..seat }).await;
        }
        let anna = find(&app, "anna").await;
        assert!(app.admission(&anna).await.unwrap().is_admitted(), "{mode}");
        allow(&app, ids[1], READ_ONLY).await;
        app.remove_group("staff").await.unwrap();
        for app in [&app, &other] {
            assert_eq!(app.admission(&anna).await.unwrap(), Admission::NotInAnyGroup, "{mode}");
            assert_eq!(app.record().unwrap().plan.seats()[0].access, Access::Groups([].into()), "{mode}");
        }
        assert_eq!(
            app.record().unwrap().plan.seats()[1].access,
            access,
            "the copy that stays gives on {mode}"
        );
        // A new group of the old name gives nothing back.
        world.put_group(ids[0], "staff", &["anna"]).await;
        assert_eq!(app.admission(&anna).await.unwrap(), Admission::NotInAnyGroup, "T24 {mode}");
    }
}

// Aliases, and what is not a name.

#[tokio::test]
async fn t07_an_alias_and_a_name_never_meet() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        world.put(ids[0], "anna").await;
        world.put(ids[1], "berta").await;
        let (anna, berta) = (find(&app, "anna").await, find(&app, "berta").await);
        let off = app.set_alias(&anna, "boss").await;
        assert!(matches!(off, Err(Error::Invalid(Invalid::NoAliases))), "{mode}");
        app.allow_aliases(Aliases::On).await.unwrap();
        assert_eq!(conflict(app.set_alias(&anna, "BERTA").await), Conflict::NameTaken, "{mode}");
        assert_eq!(conflict(app.set_alias(&anna, "anna").await), Conflict::NameTaken, "{mode}");
        app.set_alias(&anna, "boss").await.unwrap();
        assert_eq!(find(&app, "BOSS").await.subject(), anna.subject(), "R806 {mode}");
        let head = world.head().await;
        assert_eq!(conflict(app.set_alias(&berta, "Boss").await), Conflict::NameTaken, "{mode}");
        assert_eq!(conflict(app.create_user(NewAccount::named("boss")).await), Conflict::NameTaken, "{mode}");
        assert_eq!(conflict(app.rename_user(&berta, "ｂｏｓｓ").await), Conflict::NameTaken, "{mode}");
        assert_eq!(world.head().await, head, "{mode}");
        app.set_alias(&anna, "chief").await.unwrap();
        assert!(is_missing(&app.find_user("boss").await), "the former alias is free {mode}");
        app.allow_aliases(Aliases::Off).await.unwrap();
        assert!(is_missing(&app.find_user("chief").await), "{mode}");
        app.allow_aliases(Aliases::On).await.unwrap();
        app.remove_user(&anna).await.unwrap();
        assert!(is_missing(&app.find_user("chief").await), "an alias goes with its account {mode}");
    }
}

#[tokio::test]
async fn t07_an_alias_never_hides_an_account_that_turns_up_later() {
    for (mode, plan) in modes() {
        let remote = live(1);
        let (world, app, local) = World::live_below(&[&remote], plan).await;
        world.put(local, "anna").await;
        app.allow_aliases(Aliases::On).await.unwrap();
        app.set_alias(&find(&app, "anna").await, "boss").await.unwrap();
        remote.put_with_password("boss", RIGHT).unwrap();
        assert_eq!(conflict(app.find_user("boss").await), Conflict::AmbiguousName, "{mode}");
        for password in [RIGHT, "of neither of them"] {
            let refused = app.authenticate("boss", password).await;
            assert!(matches!(refused, Err(Error::Denied { why: Denial::Ambiguous, .. })), "{mode} T42");
        }
    }
}

#[tokio::test]
async fn r806_an_account_of_a_live_directory_has_no_alias() {
    let remote = live(1);
    remote.put("anna").unwrap();
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    app.allow_aliases(Aliases::On).await.unwrap();
    let anna = find(&app, "anna").await;
    assert!(is_forbidden(&app.set_alias(&anna, "boss").await));
}

#[tokio::test]
async fn t14_t18_names_that_nobody_may_have_change_nothing_on_any_entry() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        world.put_group(ids[0], "staff", &[]).await;
        world.put(ids[0], "admin").await;
        world.put(ids[0], "im").await;
        let admin = find(&app, "admin").await;
        app.allow_aliases(Aliases::On).await.unwrap();
        let head = world.head().await;
        for (row, name) in bad_names() {
            let invalid = |outcome: Result<(), Error>| {
                let refused = matches!(outcome, Err(Error::Invalid(Invalid::Name(_))));
                assert!(refused, "{mode} {row}: {outcome:?}");
                assert!(!name.is_empty() && name.len() < 1_000 || outcome.is_err());
            };
            invalid(app.create_user(NewAccount::named(&*name)).await.map(drop));
            invalid(app.rename_user(&admin, &name).await.map(drop));
            invalid(app.set_alias(&admin, &name).await);
            invalid(app.create_group(&name, "").await.map(drop));
            for outcome in [
                app.add_user_to_group(&admin, &name).await,
                app.remove_user_from_group(&admin, &name).await,
                app.add_group_to_group(&name, "staff").await,
                app.add_group_to_group("staff", &name).await,
                app.remove_group(&name).await,
                app.update_group(&name, GroupPatch::default()).await.map(drop),
            ] {
                assert!(outcome.is_err(), "{mode} {row}");
            }
        }
        assert_eq!(world.head().await, head, "{mode}");
    }
}

#[tokio::test]
async fn t14_a_look_up_never_trims_a_name() {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    world.put(ids[0], "admin").await;
    for name in ["admin ", " admin", "admin\u{A0}", "\u{3000}admin", "admin$", "D\\admin", "admin@d"] {
        assert!(app.find_user(name).await.is_err(), "N06 to N09: {name:?}");
    }
}

#[tokio::test]
async fn r306_plain_names_that_look_odd_are_literal() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        let odd =
            ["*", "*)(uid=*", "\\2a", "x,ou=admins", "admin' OR '1'='1", "%", "_", "-rf", "--help", "CON"];
        for name in odd {
            let made = app.create_user(NewAccount::named(name)).await.unwrap();
            assert_eq!(made.value().name.as_str(), name, "N41 to N53, N76 {mode}");
        }
        assert_eq!(world.users_in(ids[0]).await.len(), odd.len(), "{mode}");
    }
}

#[tokio::test]
async fn words_and_attributes_beyond_their_limits_change_nothing() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        world.put(ids[0], "anna").await;
        world.put_group(ids[0], "staff", &[]).await;
        let anna = find(&app, "anna").await;
        let head = world.head().await;
        let long = "x".repeat(Profile::MAX_CHARS + 1);
        assert!(app.update_user(&anna, email(&long)).await.is_err(), "R308 {mode}");
        assert!(app.update_user(&anna, email("a@b\r\nBcc: all")).await.is_err(), "{mode}");
        assert!(app.create_user(NewAccount::named("berta").display_name(&*long)).await.is_err(), "{mode}");
        assert!(app.create_group("wheel", &"x".repeat(4_001)).await.is_err(), "{mode}");
        assert!(app.create_group("wheel", "a\nb").await.is_err(), "{mode}");
        assert!(app.update_group("staff", about("a\0b")).await.is_err(), "{mode}");
        let many = vec!["v".into(); Attributes::MAX_VALUES + 1];
        let patch = UserPatch { attributes: vec![("a".into(), many.clone())], ..UserPatch::default() };
        assert!(app.update_user(&anna, patch).await.is_err(), "{mode}");
        let patch = GroupPatch { attributes: vec![("a".into(), many)], ..GroupPatch::default() };
        assert!(app.update_group("staff", patch).await.is_err(), "{mode}");
        assert_eq!(world.head().await, head, "{mode}");
    }
}
