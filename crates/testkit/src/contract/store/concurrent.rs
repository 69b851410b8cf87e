//! Calls at the same time.

use std::sync::Arc;

use throng_core::change::{Applied, Change, ChangeSet, OnCycle};
use throng_core::error::Fault;
use throng_core::registry::ApplicationRecord;
use throng_core::store::{Replaced, Store};
use throng_core::time::Timestamp;

use super::scene::*;

/// How many tasks try at once.
const TASKS: usize = 16;

/// Applies sets from a task each, all at once, and gives their answers in the order of the sets.
async fn race(store: &Arc<dyn Store>, changes: Vec<Change>) -> Vec<Result<Applied, Fault>> {
    let tasks: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let set = ChangeSet::one(Timestamp::from_micros(1), change);
                store.apply(&set).await.map_err(|error| error.fault())
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("the store does not panic"));
    }
    answers
}

fn wins(answers: &[Result<Applied, Fault>]) -> usize {
    let lost = answers.iter().filter(|answer| **answer == Err(Fault::Conflict)).count();
    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won + lost, answers.len(), "whoever loses meets a conflict: {answers:?}");
    won
}

/// `Records::apply` 3: of users of one name added to different directories that must not hold it, one is
/// (T09).
pub async fn one_of_many_namesakes_is_added_t09(store: &Arc<dyn Store>) {
    let scene = Scene::on(&**store);
    let mut directories = Vec::new();
    for number in 0..TASKS {
        directories.push(scene.directory(&format!("directory {number}")).await);
    }
    let changes = directories.iter().map(|&directory| Change::AddUser {
        directory,
        user: user("anna"),
        free_in: directories.iter().copied().filter(|&other| other != directory).collect(),
        credential: None,
    });
    assert_eq!(wins(&race(store, changes.collect()).await), 1);
    let wiki = throng_core::id::ApplicationId::from_bytes([9; 16]);
    let located = done(store.locate(wiki, &throng_core::name::Key::of("anna")).await);
    assert_eq!(located.users.len(), 1);
}

/// `Records::apply` 3: of users of one name added to one directory, one is (T09).
pub async fn one_of_many_users_of_a_name_is_added(store: &Arc<dyn Store>) {
    let scene = Scene::on(&**store);
    let east = scene.directory("east").await;
    let changes = (0..TASKS).map(|number| {
        let mut anna = user("anna");
        anna.external_id = external_id(&number.to_string());
        add_user(east, anna)
    });
    assert_eq!(wins(&race(store, changes.collect()).await), 1);
}

/// `Records::apply` 3: A in B and B in A at the same time never leave a cycle (T25).
pub async fn opposite_nestings_never_make_a_cycle_t25(store: &Arc<dyn Store>) {
    let scene = Scene::on(&**store);
    let east = scene.directory("east").await;
    for round in 0..TASKS {
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        scene.groups(east, [&a, &b]).await;
        let one = add_member(east, &a, &group_in(&b), OnCycle::Refuse);
        let other = add_member(east, &b, &group_in(&a), OnCycle::Refuse);
        assert_eq!(wins(&race(store, vec![one, other]).await), 1, "round {round}");
        let kept = scene.children(east, &a).await.len() + scene.children(east, &b).await.len();
        assert_eq!(kept, 1, "round {round}");
    }
}

/// `Records::apply` 3: a ring of nestings tried at once is never closed (T25).
pub async fn a_ring_of_nestings_is_never_closed_t25(store: &Arc<dyn Store>) {
    let scene = Scene::on(&**store);
    let east = scene.directory("east").await;
    let names: Vec<String> = (0..TASKS).map(|number| format!("g{number}")).collect();
    scene.apply(names.iter().map(|name| add_group(east, group(name))).collect()).await;
    let next = names.iter().cycle().skip(1);
    let changes = names
        .iter()
        .zip(next)
        .map(|(parent, child)| add_member(east, parent, &group_in(child), OnCycle::Refuse));
    assert_eq!(wins(&race(store, changes.collect()).await), TASKS - 1);
}

/// `Change::PutApplication`: of edits of one version, one is kept.
pub async fn one_of_many_edits_of_a_plan_is_kept(store: &Arc<dyn Store>) {
    let scene = Scene::on(&**store);
    let record = scene.application_record("wiki", &[]);
    scene.change(Change::PutApplication(record.clone())).await;
    let changes = (0..TASKS).map(|number| {
        Change::PutApplication(ApplicationRecord {
            name: label(&format!("wiki {number}")),
            plan: record.plan.clone().with_version(2),
            ..record.clone()
        })
    });
    let answers = race(store, changes.collect()).await;
    assert_eq!(wins(&answers), 1);
    let won = answers.iter().position(Result::is_ok).expect("one won");
    let kept = done(store.applications().await);
    assert_eq!(kept[0].name.as_str(), format!("wiki {won}"));
}

/// `Change::MakeClaim`: of claims on one name, one is made (T01).
pub async fn one_of_many_claims_on_a_name_is_made_t01(store: &Arc<dyn Store>) {
    let scene = Scene::on(&**store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let claims: Vec<_> =
        (0..TASKS).map(|number| scene.claim_on(wiki, "anna", &subject(east, &number.to_string()))).collect();
    let changes = claims.iter().cloned().map(Change::MakeClaim).collect();
    let answers = race(store, changes).await;
    assert_eq!(wins(&answers), 1);
    let won = answers.iter().position(Result::is_ok).expect("one won");
    assert_eq!(scene.standing(wiki, "anna").await, Some(claims[won].clone()));
}

/// `Records::apply` 1: sets at the same time get one number each, without gaps.
pub async fn sets_at_the_same_time_are_logged_without_gaps(store: &Arc<dyn Store>) {
    let scene = Scene::on(&**store);
    let east = scene.directory("east").await;
    let changes = (0..4 * TASKS).map(|number| add_user(east, user(&format!("u{}", number / 2))));
    let answers = race(store, changes.collect()).await;
    assert_eq!(wins(&answers), 2 * TASKS);
    let mut given: Vec<u64> = answers.iter().flatten().map(|applied| applied.sequence).collect();
    given.sort_unstable();
    let logged: Vec<u64> = done(store.batches(1, 1_000).await).iter().map(|batch| batch.sequence).collect();
    let last = u64::try_from(2 * TASKS + 1).expect("a small number");
    let expected: Vec<u64> = (2..=last).collect();
    assert_eq!((given, logged), (expected.clone(), expected));
    assert_eq!(done(store.head().await), last);
}

/// `Credentials::count_failure` loses no attempt (R702).
pub async fn failures_at_the_same_time_are_all_counted_r702(store: &Arc<dyn Store>) {
    let scene = Scene::on(&**store);
    let east = scene.directory("east").await;
    let anna = scene.user(east, "anna").await;
    scene.change(set_credential(&anna, credential("h1"))).await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (store, anna) = (Arc::clone(store), anna.clone());
            tokio::spawn(async move { done(store.count_failure(&anna).await) })
        })
        .collect();
    let mut counts = Vec::new();
    for task in tasks {
        counts.push(task.await.expect("the store does not fail"));
    }
    counts.sort_unstable();
    let last = u32::try_from(TASKS).expect("a small number");
    assert_eq!(counts, (1..=last).collect::<Vec<u32>>());
}

/// `Credentials::upgrade_hash` 1: of upgrades of one hash, one happens (T56).
pub async fn one_of_many_upgrades_of_a_hash_happens_t56(store: &Arc<dyn Store>) {
    let scene = Scene::on(&**store);
    let east = scene.directory("east").await;
    let anna = scene.user(east, "anna").await;
    scene.change(set_credential(&anna, credential("h1"))).await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| {
            let (store, anna) = (Arc::clone(store), anna.clone());
            let to = hash(&format!("upgraded {number}"));
            tokio::spawn(async move { done(store.upgrade_hash(&anna, &hash("h1"), &to).await) })
        })
        .collect();
    let mut replaced = 0;
    for task in tasks {
        if task.await.expect("the store does not fail") == Replaced::Yes {
            replaced += 1;
        }
    }
    assert_eq!(replaced, 1);
}
