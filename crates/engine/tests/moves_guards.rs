//! What moves need while they can be taken back, what is told of them, and what an order that they change opens.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeSet;

use throng_core::directory::Directory;
use throng_core::plan::{Access, Plan, Seat};
use throng_engine::error::Conflict;
use throng_engine::moves::{
    MoveControl, MoveId, MoveRequest, MoveState, Obstacle, Options, OrderChange, PasswordFate,
    PasswordStrategy, Wrong,
};
use throng_engine::preview::{Proposal, Unlisted};
use throng_engine::sync::Stop;
use throng_testkit::script::Power;
use world::*;

fn target_first() -> Options {
    Options { order: OrderChange::TargetFirst, ..Options::default() }
}

/// Moves as many users, and is stopped.
async fn run_partly(world: &World, request: MoveRequest, users: u64) -> MoveId {
    let plan = world.throng.plan_move(request).await.unwrap();
    assert_eq!(plan.obstacles, []);
    let stop = Stop::new();
    let seen = stop.clone();
    let control = MoveControl::new().stopped_by(&stop).watched_by(move |at| {
        if at.done >= users {
            seen.set();
        }
    });
    assert_eq!(conflict(world.throng.run_move(plan, &control).await), Conflict::MoveStopped);
    world.throng.moves().await.unwrap()[0].id
}

/// A directory that users came from, or went to, is not removed as long as they could be put back.
#[tokio::test]
async fn a_directory_stays_while_a_move_needs_it() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put_with_password(ids[0], "bela", RIGHT).await;
    let id = run_partly(&world, MoveRequest::new(ids[0], ids[1]), 1).await;
    let refused = |outcome| assert_eq!(conflict::<()>(outcome), Conflict::MoveUnpurged(id));
    let look = |directory| world.throng.preview(Proposal::RemoveDirectory { directory });
    for directory in [ids[0], ids[1]] {
        refused(look(directory).await.map(drop));
        world.switch_off(directory).await;
        refused(world.throng.remove_directory(directory).await);
        let record = world.record(directory);
        world
            .throng
            .update_directory(throng_core::registry::DirectoryRecord { active: true, ..record })
            .await
            .unwrap();
    }
    let moved = world.throng.resume_move(id, &MoveControl::new()).await.unwrap();
    assert_eq!(moved.state, MoveState::Moved);
    refused(look(ids[0]).await.map(drop));
    world.throng.finish_move(id).await.unwrap();
    refused(look(ids[0]).await.map(drop));
    world.throng.purge_move(id).await.unwrap();
    let seen = look(ids[0]).await.unwrap();
    world.throng.apply_preview(&seen, Unlisted::Refuse).await.unwrap();
    assert_eq!(world.users_in(ids[1]).await, ["anna", "bela"]);
}

/// A preview that was made before a move began does not take its directories away.
#[tokio::test]
async fn a_removal_that_was_seen_before_the_move_is_refused_t10() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[0], "anna").await;
    let seen = world.throng.preview(Proposal::RemoveDirectory { directory: ids[1] }).await.unwrap();
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1])).await.unwrap();
    let id = world.throng.run_move(plan, &MoveControl::new()).await.unwrap().id;
    let outcome = world.throng.apply_preview(&seen, Unlisted::Refuse).await;
    assert_eq!(conflict(outcome), Conflict::MoveUnpurged(id));
    assert_eq!(world.users_in(ids[1]).await, ["anna"]);
}

/// The same move once more is told of the one that is not over, and not of the names that it took.
#[tokio::test]
async fn a_move_that_is_not_over_is_named_i04() {
    let (world, _, ids) = World::internal(3, Plan::new()).await;
    for name in ["anna", "bela", "cleo"] {
        world.put(ids[0], name).await;
    }
    let id = run_partly(&world, MoveRequest::new(ids[0], ids[1]), 2).await;
    for (source, target) in [(ids[0], ids[1]), (ids[0], ids[2]), (ids[2], ids[1])] {
        let plan = world.throng.plan_move(MoveRequest::new(source, target)).await.unwrap();
        assert_eq!(plan.obstacles.first(), Some(&Obstacle::MoveOpen(id)));
    }
    world.throng.resume_move(id, &MoveControl::new()).await.unwrap();
    let plan = world.throng.plan_move(MoveRequest::new(ids[1], ids[2])).await.unwrap();
    assert!(!plan.obstacles.contains(&Obstacle::MoveOpen(id)));
}

/// Whoever is half-way is told by a verification, and so is whoever is not where a reversal left it.
#[tokio::test]
async fn a_verification_tells_who_was_not_dealt_with() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    for name in ["anna", "bela", "cleo"] {
        world.put(ids[0], name).await;
    }
    let id = run_partly(&world, MoveRequest::new(ids[0], ids[1]), 2).await;
    let told = |found: Vec<throng_engine::moves::Mismatch>| {
        found.into_iter().map(|it| (it.name.to_string(), it.what)).collect::<Vec<_>>()
    };
    let verify = async || told(world.throng.verify_move(id).await.unwrap());
    assert_eq!(verify().await, [("cleo".to_owned(), Wrong::NotDealtWith)]);
    world.throng.revert_move(id, &MoveControl::new()).await.unwrap();
    assert_eq!(verify().await, []);
    let anna = world.held(ids[0], "anna").await.unwrap();
    world.drop_user(ids[0], &anna).await;
    assert_eq!(verify().await, [("anna".to_owned(), Wrong::NotAtSource)]);
}

/// Who cannot log in any more is told by name when it is over, and not by the plan alone.
#[tokio::test]
async fn whoever_needs_a_new_password_is_told_by_name() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put(ids[0], "bela").await;
    let options = Options { passwords: PasswordStrategy::Reset, ..Options::default() };
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1]).options(options)).await.unwrap();
    let id = world.throng.run_move(plan, &MoveControl::new()).await.unwrap().id;
    let report = world.throng.move_report(id).await.unwrap();
    assert_eq!((report.counts.moved, report.counts.reset, report.counts.quarantined), (2, 1, 0));
    assert_eq!(report.closed, [(username("anna"), PasswordFate::Reset)]);
    world.throng.revert_move(id, &MoveControl::new()).await.unwrap();
    let report = world.throng.move_report(id).await.unwrap();
    assert_eq!((report.counts.reset, report.closed.len()), (0, 0));
}

/// A source that stays: the target must be asked first.
async fn far_source()
-> (World, throng_engine::Application, throng_core::id::DirectoryId, throng_core::id::DirectoryId) {
    let far = live(7).with_powers(&[Power::Users]);
    far.put_with_password("anna", RIGHT).unwrap();
    let (world, _, local) = World::live_above(&[&far], Plan::new()).await;
    let access = Access::Groups(BTreeSet::from([group_name("staff")]));
    let plan = Plan::new().push(Seat { access, ..Seat::new(far.id()) }).unwrap();
    let shop = world.app("shop", plan).await;
    (world, shop, far.id(), local)
}

/// An order that a move gives a seat says so, and whom that lets in besides.
#[tokio::test]
async fn a_seat_that_a_move_adds_is_told_with_what_it_opens() {
    let (world, shop, far, local) = far_source().await;
    world.put_group(local, "staff", &[]).await;
    world.put(local, "zoe").await;
    let request = MoveRequest::new(far, local).options(target_first());
    let plan = world.throng.plan_move(request).await.unwrap();
    let order = plan.orders.iter().find(|order| order.application == shop.id()).unwrap();
    assert_eq!((order.before.clone(), order.after.clone()), (vec![far], vec![local, far]));
    assert_eq!(order.opens, Some(Access::Groups(BTreeSet::from([group_name("staff")]))));
    assert_eq!((order.totals.owners, order.totals.changed), (1, 1), "zoe would be found: {:?}", order.totals);
    let wiki = plan.orders.iter().find(|order| order.application != shop.id()).unwrap();
    assert_eq!((wiki.opens.clone(), wiki.totals.owners), (None, 0));
}

/// No move takes the last administrator away (T105).
#[tokio::test]
async fn an_order_of_a_move_leaves_an_administrator_t105() {
    let far = live(7).with_powers(&[Power::Users]);
    far.put_with_password("anna", RIGHT).unwrap();
    far.put_with_password("root", RIGHT).unwrap();
    far.put_group("admins", "").unwrap();
    far.put_member(&group_name("admins"), &member("root")).unwrap();
    let (world, app, local) = World::live_above(&[&far], Plan::new()).await;
    world.put(local, "root").await;
    app.set_administrators(group_names(&["admins"])).await.unwrap();
    let request = MoveRequest::new(far.id(), local).options(target_first());
    let request = request.select(throng_engine::moves::Selection::Users(vec!["anna".to_owned()]));
    let plan = world.throng.plan_move(request).await.unwrap();
    let application = app.record().unwrap().name.to_string();
    assert_eq!(plan.obstacles, [Obstacle::LastAdministrator { application }]);
}

/// Whoever administers goes on to, or nobody is moved: without a password, without access, or behind a namesake who may
/// not log in, nobody administers (T105).
#[tokio::test]
async fn no_move_takes_the_last_administrator_away_t105() {
    let alone = |app: &throng_engine::Application| Obstacle::LastAdministrator {
        application: app.record().unwrap().name.to_string(),
    };
    for (case, is_refused) in
        [("carried", false), ("reset", true), ("no access", true), ("inactive", true), ("switched off", true)]
    {
        let (world, app, ids) = World::internal(2, Plan::new()).await;
        world.put_with_password(ids[0], "anna", RIGHT).await;
        world.put_group(ids[0], "admins", &["anna"]).await;
        app.set_administrators(group_names(&["admins"])).await.unwrap();
        let mut options = Options::default();
        let mut expected = vec![alone(&app)];
        match case {
            "reset" => options.passwords = PasswordStrategy::Reset,
            "no access" => {
                let staff = Access::Groups(BTreeSet::from([group_name("staff")]));
                change_seats(&app, |seat| match seat.directory == ids[1] {
                    true => Seat { access: staff.clone(), ..seat },
                    false => seat,
                })
                .await;
            }
            "inactive" => {
                let namesake = world.put_with_password(ids[1], "anna", OTHER).await;
                world.deactivate(ids[1], &namesake).await;
                options.on_taken = throng_engine::moves::OnTaken::Link;
            }
            "switched off" => {
                world.switch_off(ids[1]).await;
                expected = vec![Obstacle::SwitchedOff(ids[1])];
            }
            _ => {}
        }
        let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1]).options(options)).await.unwrap();
        let notes: Vec<_> = plan.users[0].fate.notes.clone();
        match case {
            "no access" => assert_eq!(notes, [throng_engine::moves::Note::NotAdmitted(app.id())]),
            "inactive" => assert_eq!(notes, [throng_engine::moves::Note::Inactive]),
            _ => {}
        }
        if is_refused {
            assert_eq!(plan.obstacles, expected, "{case}");
        } else {
            assert_eq!(plan.obstacles, [], "{case}");
        }
    }
}

/// A name that means somebody else today is told, where it would mean the user.
#[tokio::test]
async fn whoever_is_overtaken_is_told_p9() {
    let (world, _, ids) = World::internal(3, Plan::new()).await;
    let shop = world.app("shop", Plan::new().seat(ids[1]).unwrap().seat(ids[2]).unwrap()).await;
    world.put(ids[0], "anna").await;
    world.put(ids[2], "anna").await;
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1])).await.unwrap();
    let notes = &plan.users[0].fate.notes;
    assert_eq!(*notes, [throng_engine::moves::Note::Overtakes(shop.id(), ids[2])]);
    assert_eq!(plan.obstacles, [Obstacle::NamesOvertaken(1)]);
    let options = Options { overtaking: throng_engine::moves::Overtaking::Allow, ..Options::default() };
    let request = MoveRequest::new(ids[0], ids[1]).options(options);
    assert_eq!(world.throng.plan_move(request.clone()).await.unwrap().obstacles, []);
    // The one who is overtaken was the only administrator.
    let anna = world.held(ids[2], "anna").await.unwrap();
    world.drop_user(ids[2], &anna).await;
    world.put_with_password(ids[2], "anna", RIGHT).await;
    world.put_group(ids[2], "admins", &["anna"]).await;
    shop.set_administrators(group_names(&["admins"])).await.unwrap();
    let application = "shop".to_owned();
    let obstacles = world.throng.plan_move(request).await.unwrap().obstacles;
    assert_eq!(obstacles, [Obstacle::LastAdministrator { application }]);
}

/// Nobody administers from behind a directory that is silent (T03, T105); and nobody is put back where nobody gets in.
#[tokio::test]
async fn moves_do_not_end_behind_silence_or_in_a_directory_that_is_off_t105() {
    let far = live(7);
    far.behave(throng_testkit::script::Behaviour::Silent);
    let world = World::with(|builder| builder.directory("Far", std::sync::Arc::new(far.clone()))).await;
    let one = world.throng.internal_directory("One").await.unwrap();
    let two = world.throng.internal_directory("Two").await.unwrap();
    let plan = Plan::new().seat(one).unwrap().seat(far.id()).unwrap().seat(two).unwrap();
    let app = world.app("wiki", plan).await;
    world.put_with_password(one, "anna", RIGHT).await;
    world.put_group(one, "admins", &["anna"]).await;
    app.set_administrators(group_names(&["admins"])).await.unwrap();
    let plan = world.throng.plan_move(MoveRequest::new(one, two)).await.unwrap();
    assert_eq!(plan.obstacles, [Obstacle::LastAdministrator { application: "wiki".to_owned() }]);
    let plan = world.throng.plan_move(MoveRequest::new(one, two).options(target_first())).await.unwrap();
    assert_eq!(plan.obstacles, []);
    let id = world.throng.run_move(plan, &MoveControl::new()).await.unwrap().id;
    world.switch_off(one).await;
    let refused = conflict(world.throng.revert_move(id, &MoveControl::new()).await);
    assert_eq!(refused, Conflict::MoveBlocked(vec![Obstacle::SwitchedOff(one)]));
}

/// What somebody took away since is not given back, and whoever was removed stays removed (T103).
#[tokio::test]
async fn a_reversal_undoes_nobodys_decision_t103() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    for name in ["anna", "bela", "cleo", "dora"] {
        world.put_with_password(ids[0], name, RIGHT).await;
    }
    world.put_group(ids[0], "staff", &["anna", "bela", "cleo", "dora"]).await;
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1])).await.unwrap();
    let id = world.throng.run_move(plan, &MoveControl::new()).await.unwrap().id;
    let held = async |name: &str| world.held(ids[1], name).await.unwrap();
    world.deactivate(ids[1], &held("bela").await).await;
    let staff = group_name("staff");
    world.open(ids[1]).powers().members.unwrap().remove_member(&staff, &member("cleo")).await.unwrap();
    world.drop_user(ids[1], &held("dora").await).await;
    let reverted = world.throng.revert_move(id, &MoveControl::new()).await.unwrap();
    assert_eq!(reverted.state, MoveState::Reverted);
    assert_eq!(world.users_in(ids[0]).await, ["anna", "bela", "cleo"]);
    app.authenticate("anna", RIGHT).await.unwrap();
    assert!(app.authenticate("bela", RIGHT).await.is_err());
    assert_eq!(world.members(ids[0], "staff").await, ["anna", "bela"]);
    let report = world.throng.move_report(id).await.unwrap();
    assert_eq!((report.counts.reverted, report.counts.failed), (3, 1));
    assert!(report.failed[0].1.contains("stays removed"), "{:?}", report.failed);
}

/// Whoever was in the target before stays who it is, in the applications that ask the target (T01).
#[tokio::test]
async fn a_linked_account_keeps_what_it_was_given_t01() {
    let (world, wiki, ids) = World::internal(2, Plan::new()).await;
    let jira = world.app("jira", Plan::new().seat(ids[1]).unwrap()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put_with_password(ids[1], "anna", OTHER).await;
    let options = Options { on_taken: throng_engine::moves::OnTaken::Link, ..target_first() };
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1]).options(options)).await.unwrap();
    let id = world.throng.run_move(plan, &MoveControl::new()).await.unwrap().id;
    let identity = jira.authenticate("anna", OTHER).await.unwrap().identity();
    wiki.authenticate("anna", OTHER).await.unwrap();
    world.throng.revert_move(id, &MoveControl::new()).await.unwrap();
    assert_eq!(jira.authenticate("anna", OTHER).await.unwrap().identity(), identity);
    wiki.authenticate("anna", RIGHT).await.unwrap();
}

/// The seat that a move added goes with it, whoever has changed the order since.
#[tokio::test]
async fn an_added_seat_is_taken_away_again() {
    let (world, _, ids) = World::internal(3, Plan::new()).await;
    let shop = world.app("shop", Plan::new().seat(ids[0]).unwrap().seat(ids[1]).unwrap()).await;
    world.put(ids[0], "anna").await;
    world.put(ids[2], "ulf").await;
    let request = MoveRequest::new(ids[0], ids[2]).options(target_first());
    let plan = world.throng.plan_move(request).await.unwrap();
    let id = world.throng.run_move(plan, &MoveControl::new()).await.unwrap().id;
    shop.change_plan(|plan| {
        Ok::<_, throng_engine::Error>(
            plan.filter_map_seats(|seat| (seat.directory != ids[1]).then_some(seat)),
        )
    })
    .await
    .unwrap();
    shop.find_user("ulf").await.unwrap();
    world.throng.revert_move(id, &MoveControl::new()).await.unwrap();
    let seats: Vec<_> = shop.record().unwrap().plan.seats().iter().map(|seat| seat.directory).collect();
    assert_eq!(seats, [ids[0]]);
    assert!(is_missing(&shop.find_user("ulf").await));
}

/// The order waits for whoever stays because something went wrong: a newcomer of the target does not get the name.
#[tokio::test]
async fn a_name_taken_meanwhile_stays_with_whom_it_was_t01() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    for name in ["anna", "zed"] {
        world.put_with_password(ids[0], name, RIGHT).await;
    }
    let request = MoveRequest::new(ids[0], ids[1]).options(target_first());
    let plan = world.throng.plan_move(request).await.unwrap();
    world.put_with_password(ids[1], "zed", OTHER).await;
    let id = world.throng.run_move(plan, &MoveControl::new()).await.unwrap().id;
    assert_eq!(world.throng.move_report(id).await.unwrap().counts.failed, 1);
    app.authenticate("zed", RIGHT).await.unwrap();
    app.authenticate("anna", RIGHT).await.unwrap();
}

/// As long as somebody waits for a password, the directory that checks it stays, and does so while it is in service.
#[tokio::test]
async fn a_source_stays_while_passwords_are_waited_for_p7() {
    let (world, app, far, local) = far_source().await;
    let request = MoveRequest::new(far, local).options(target_first());
    let plan = world.throng.plan_move(request).await.unwrap();
    let id = world.throng.run_move(plan, &MoveControl::new()).await.unwrap().id;
    world.throng.finish_move(id).await.unwrap();
    world.throng.purge_move(id).await.unwrap();
    let remove = Proposal::RemoveDirectory { directory: far };
    assert_eq!(conflict(world.throng.preview(remove.clone()).await), Conflict::PasswordsPending(1));
    let off = Proposal::SwitchDirectory { directory: far, state: throng_engine::preview::Switched::Off };
    assert_eq!(world.throng.preview(off).await.unwrap().waiting, 1);
    let wiki = world.throng.application("wiki").unwrap();
    let told = wiki.explain("anna").await.unwrap().to_string();
    assert!(told.contains("the directory that it came from"), "{told}");
    world.switch_off(far).await;
    assert!(is_unavailable(&wiki.authenticate("anna", RIGHT).await));
    let record = world.record(far);
    world
        .throng
        .update_directory(throng_core::registry::DirectoryRecord { active: true, ..record })
        .await
        .unwrap();
    wiki.authenticate("anna", RIGHT).await.unwrap();
    world.throng.preview(remove).await.unwrap();
    drop(app);
}
