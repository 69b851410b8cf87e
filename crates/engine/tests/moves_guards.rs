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
