//! Atomic sets and the change log.

use throng_core::change::{Change, ChangeSet, LoggedEntry, OnCycle};
use throng_core::directory::{GroupPatch, UserPatch};
use throng_core::error::Fault;
use throng_core::name::Key;
use throng_core::store::Store;

use super::scene::*;

/// [`ChangeLog::head`] is 0 at first, and grows by one with each set (R901).
///
/// [`ChangeLog::head`]: throng_core::store::ChangeLog::head
pub async fn the_log_is_numbered_from_one_without_gaps(store: &dyn Store) {
    let scene = Scene::on(store);
    assert_eq!(done(store.head().await), 0);
    assert_eq!(done(store.batches(0, 10).await), []);
    let east = scene.directory("east").await;
    for number in 2..=5 {
        let applied = scene.change(add_user(east, user(&format!("user{number}")))).await;
        assert_eq!(applied.sequence, number);
        assert_eq!(done(store.head().await), number);
        scene.refused(add_user(east, user("user2")), Fault::Conflict).await;
    }
    let sequences: Vec<u64> = done(store.batches(0, 10).await).iter().map(|batch| batch.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
}

/// [`ChangeLog::batches`] gives those after a number, in order, at most the limit.
///
/// [`ChangeLog::batches`]: throng_core::store::ChangeLog::batches
pub async fn batches_continue_after_a_number(store: &dyn Store) {
    let scene = Scene::on(store);
    for number in 0..7 {
        scene.directory(&format!("directory {number}")).await;
    }
    for (after, limit, expected) in
        [(0, 3, vec![1, 2, 3]), (3, 3, vec![4, 5, 6]), (6, 3, vec![7]), (7, 3, vec![]), (99, 3, vec![])]
    {
        let batches = done(store.batches(after, limit).await);
        let sequences: Vec<u64> = batches.iter().map(|batch| batch.sequence).collect();
        assert_eq!(sequences, expected, "after {after}");
    }
}

/// [`Records::apply`] 1: no batch when nothing is logged; the number before is given.
///
/// [`Records::apply`]: throng_core::store::Records::apply
pub async fn a_set_of_nothing_is_not_logged(store: &dyn Store) {
    let scene = Scene::on(store);
    assert_eq!(scene.apply(vec![]).await.sequence, 0);
    scene.directory("east").await;
    assert_eq!(scene.apply(vec![]).await.sequence, 1);
    assert_eq!(done(store.head().await), 1);
}

/// `Records::apply` 1: one batch holds what the set's changes touched, in their order, at the set's time.
pub async fn a_set_is_one_batch_in_its_order(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let set = ChangeSet::new(
        scene.now(),
        vec![
            add_group(east, group("Staff")),
            add_user(east, user("Anna")),
            add_member(east, "staff", &user_in("anna"), OnCycle::Refuse),
        ],
    );
    let applied = done(store.apply(&set).await);
    let batch = scene.last_batch().await;
    assert_eq!((batch.sequence, batch.at), (applied.sequence, set.at));
    let expected = [
        LoggedEntry::GroupAdded(east, group_name("Staff")),
        LoggedEntry::UserAdded(subject(east, "Anna"), username("Anna")),
        LoggedEntry::MemberAdded(east, group_name("Staff"), user_in("Anna")),
    ];
    assert_eq!(batch.entries, expected);
}

/// Each kind of change leaves the entry that tells of it.
pub async fn every_change_leaves_its_entry(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory_record("east");
    let wiki = scene.application_record("wiki", &[east.id]);
    let (east_id, wiki_id) = (east.id, wiki.id);
    let anna = subject(east_id, "anna");
    let staff = group_name("staff");
    let claim = scene.claim_on(wiki_id, "anna", &anna);
    let adopted = throng_core::claim::Claim { made_at: scene.now(), ..claim.clone() };
    let changes = vec![
        (Change::PutDirectory(east), LoggedEntry::DirectoryPut(east_id)),
        (Change::PutApplication(wiki), LoggedEntry::ApplicationPut(wiki_id)),
        (Change::PutConsumer(consumer(wiki_id, 1)), LoggedEntry::ConsumerPut(wiki_id)),
        (Change::ExpirePasswords(east_id), LoggedEntry::PasswordsExpired(east_id)),
        (add_user(east_id, user("anna")), LoggedEntry::UserAdded(anna.clone(), username("anna"))),
        (
            patch_user(&anna, UserPatch { active: Some(true), ..UserPatch::default() }),
            LoggedEntry::UserUpdated(anna.clone(), username("anna")),
        ),
        (set_credential(&anna, credential("h1")), LoggedEntry::PasswordSet(anna.clone(), username("anna"))),
        (Change::EndSessions(anna.clone()), LoggedEntry::SessionsEnded(anna.clone())),
        (add_group(east_id, group("staff")), LoggedEntry::GroupAdded(east_id, staff.clone())),
        (
            Change::UpdateGroup {
                directory: east_id,
                group: staff.clone(),
                patch: GroupPatch { description: Some("all".into()), ..GroupPatch::default() },
            },
            LoggedEntry::GroupUpdated(east_id, staff.clone()),
        ),
        (
            add_member(east_id, "staff", &user_in("anna"), OnCycle::Refuse),
            LoggedEntry::MemberAdded(east_id, staff.clone(), user_in("anna")),
        ),
        (
            remove_member(east_id, "staff", user_in("anna")),
            LoggedEntry::MemberRemoved(east_id, staff.clone(), user_in("anna")),
        ),
        (remove_group(east_id, "staff"), LoggedEntry::GroupRemoved(east_id, staff)),
        (Change::MakeClaim(claim.clone()), LoggedEntry::ClaimPut(wiki_id, Key::of("anna"))),
        (
            Change::ReplaceClaim { expected: claim, claim: adopted.clone() },
            LoggedEntry::ClaimPut(wiki_id, Key::of("anna")),
        ),
        (Change::ReleaseClaim(adopted), LoggedEntry::ClaimReleased(wiki_id, Key::of("anna"))),
        (
            Change::SetAlias {
                application: wiki_id,
                subject: anna.clone(),
                alias: username("ann"),
                free_in: vec![],
            },
            LoggedEntry::AliasSet(wiki_id, anna.clone()),
        ),
        (
            Change::RemoveAlias { application: wiki_id, subject: anna.clone() },
            LoggedEntry::AliasRemoved(wiki_id, anna.clone()),
        ),
        (
            rename(&anna, "Annika"),
            LoggedEntry::UserRenamed(anna.clone(), username("anna"), username("annika")),
        ),
        (remove_user(&anna), LoggedEntry::UserRemoved(anna.clone(), username("annika"))),
        (Change::RemoveApplication(wiki_id), LoggedEntry::ApplicationRemoved(wiki_id)),
        (Change::RemoveDirectory(east_id), LoggedEntry::DirectoryRemoved(east_id)),
    ];
    for (change, entry) in changes {
        let text = format!("{change:?}");
        let before = done(store.head().await);
        let applied = scene.change(change).await;
        assert_eq!(applied.sequence, before + 1, "{text}");
        let batch = scene.last_batch().await;
        assert!(batch.entries.contains(&entry), "{text} left {:?}", batch.entries);
    }
}

/// [`ChangeLog::instance`] is the same ever after.
///
/// [`ChangeLog::instance`]: throng_core::store::ChangeLog::instance
pub async fn a_store_keeps_its_instance(store: &dyn Store) {
    let scene = Scene::on(store);
    let instance = done(store.instance().await);
    assert_ne!(instance.as_bytes(), &[0; 16]);
    scene.directory("east").await;
    assert_eq!(done(store.instance().await), instance);
}

/// Claims that follow a rename or become tombstones are logged with what moved them.
pub async fn claims_that_move_or_die_are_logged(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    scene.claim(wiki, "anna", &anna).await;
    let put = LoggedEntry::ClaimPut(wiki, Key::of("annika"));
    scene.change(rename(&anna, "annika")).await;
    assert!(scene.last_batch().await.entries.contains(&put), "moved");
    scene.change(remove_user(&anna)).await;
    assert!(scene.last_batch().await.entries.contains(&put), "buried with its account");
    let bela = scene.user(east, "bela").await;
    scene.claim(wiki, "bela", &bela).await;
    scene.change(Change::RemoveDirectory(east)).await;
    let put = LoggedEntry::ClaimPut(wiki, Key::of("bela"));
    assert!(scene.last_batch().await.entries.contains(&put), "buried with its directory");
}

/// A replaced external id is logged.
pub async fn a_replaced_id_is_logged(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let anna = scene.user(east, "anna").await;
    let head = done(store.head().await);
    let replace = Change::ReplaceExternalId { subject: anna, external_id: external_id("new") };
    assert_eq!(scene.change(replace).await.sequence, head + 1);
    assert_ne!(scene.last_batch().await.entries, []);
}

/// `Records::apply` 2: when the last change of a set fails, nothing of the others is there, whatever they
/// were.
pub async fn a_failing_change_leaves_nothing_of_the_others(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let record = scene.application_record("wiki", &[east]);
    let wiki = record.id;
    scene.change(Change::PutApplication(record.clone())).await;
    let (anna, bela) = (scene.user(east, "anna").await, scene.user(east, "bela").await);
    scene.groups(east, ["staff", "old"]).await;
    scene.members(east, &[("staff", user_in("anna"))]).await;
    let claim = scene.claim(wiki, "anna", &anna).await;
    scene.session(wiki, &bela, 1).await;
    let head = done(store.head().await);
    let moved = Change::PutApplication(throng_core::registry::ApplicationRecord {
        active: false,
        plan: record.plan.clone().with_version(2),
        ..record.clone()
    });
    let update = UserPatch {
        active: Some(false),
        attributes: vec![("a".into(), vec!["1".into()])],
        ..UserPatch::default()
    };
    let changes = vec![
        moved,
        add_user(east, user("dora")),
        patch_user(&bela, update),
        set_credential(&bela, credential("h1")),
        rename(&anna, "annika"),
        add_group(east, group("new")),
        remove_group(east, "old"),
        add_member(east, "staff", &user_in("bela"), OnCycle::Refuse),
        Change::SetAlias {
            application: wiki,
            subject: bela.clone(),
            alias: username("bee"),
            free_in: vec![],
        },
        remove_user(&anna),
        Change::RemoveApplication(wiki),
        remove_group(east, "no such group"),
    ];
    let set = ChangeSet::new(scene.now(), changes);
    assert_eq!(fault(store.apply(&set).await), Fault::Missing);
    assert_eq!(done(store.head().await), head);
    assert_eq!(done(store.batches(head, 10).await), []);
    assert_eq!(done(store.applications().await), [record]);
    assert_eq!(scene.find(east, "dora").await, None);
    assert_eq!(scene.find(east, "annika").await, None);
    assert_eq!(scene.find(east, "anna").await, Some(user("anna")));
    assert_eq!(scene.find(east, "bela").await, Some(user("bela")));
    assert_eq!(done(store.credential(&bela).await), None);
    assert_eq!(scene.find_group(east, "new").await, None);
    assert!(scene.find_group(east, "old").await.is_some());
    assert_eq!(scene.children(east, "staff").await, ["anna"]);
    assert_eq!(scene.standing(wiki, "anna").await, Some(claim));
    assert_eq!(done(store.alias_of(wiki, &bela).await), None);
    assert!(scene.is_live(1).await);
}

/// A change sees what the ones before it in its set have done.
pub async fn changes_of_a_set_build_on_each_other(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory_record("east");
    let id = east.id;
    let anna = subject(id, "anna");
    scene
        .apply(vec![
            Change::PutDirectory(east),
            add_user(id, user("anna")),
            rename(&anna, "annika"),
            add_user(id, throng_core::user::User { external_id: external_id("2"), ..user("anna") }),
            add_group(id, group("staff")),
            add_member(id, "staff", &user_in("annika"), OnCycle::Refuse),
            remove_member(id, "staff", user_in("annika")),
            add_member(id, "staff", &user_in("anna"), OnCycle::Refuse),
            remove_user(&anna),
        ])
        .await;
    assert_eq!(scene.find(id, "annika").await, None);
    assert_eq!(scene.children(id, "staff").await, ["anna"]);
}
