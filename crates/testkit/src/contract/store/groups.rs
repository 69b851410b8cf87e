//! Changes of groups and memberships.

use throng_core::change::{Change, OnCycle};
use throng_core::directory::GroupPatch;
use throng_core::error::Fault;
use throng_core::group::{Group, Origin};
use throng_core::name::Key;
use throng_core::store::Store;

use super::scene::*;

/// [`Change::AddGroup`] keeps all of the group.
pub async fn an_added_group_is_kept_whole(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let mut odd = group("Ödd '\"%_\\ group");
    odd.description = "\u{10348}".repeat(Group::MAX_DESCRIPTION_CHARS);
    odd.origin = Origin::Imported;
    odd.attributes = attributes(&[("a", &["2", "1"]), ("A", &["\n"]), ("empty", &[""])]);
    scene.apply(vec![add_group(east, odd.clone()), add_group(east, group("plain"))]).await;
    let kept = scene.find_group(east, "ödd '\"%_\\ GROUP").await.expect("it was added");
    assert_eq!(kept, odd);
    assert_eq!(kept.name.as_str(), odd.name.as_str());
    assert_eq!(scene.find_group(east, "plain").await, Some(group("plain")));
}

/// `Change::AddGroup`: `Conflict` when the key or the id is taken in the directory, or a group of `free_in`
/// has the key.
pub async fn a_group_has_its_key_and_id_alone_in_a_directory(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.groups(east, ["staff"]).await;
    scene.users(east, ["devs", "ops"]).await;
    let same_key = Group { external_id: external_id("other"), ..group("STAFF") };
    let same_id = Group { name: group_name("other"), ..group("staff") };
    scene.refused(add_group(east, same_key.clone()), Fault::Conflict).await;
    scene.refused(add_group(east, same_id.clone()), Fault::Conflict).await;
    let add = |group| Change::AddGroup { directory: west, group, free_in: vec![east] };
    scene.refused(add(same_key.clone()), Fault::Conflict).await;
    scene.apply(vec![add_group(west, same_key), add_group(west, same_id)]).await;
    scene.apply(vec![add(group("devs")), add_group(east, group("ops"))]).await;
}

/// [`Change::UpdateGroup`] changes the named fields and no others; `Missing` when there is none.
pub async fn an_update_of_a_group_changes_the_named_fields_only(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let mut staff = group("Staff");
    staff.description = "all".into();
    staff.attributes = attributes(&[("a", &["1"]), ("b", &["2"])]);
    scene.change(add_group(east, staff.clone())).await;
    let update = |name: &str, patch| Change::UpdateGroup { directory: east, group: group_name(name), patch };
    scene.change(update("STAFF", GroupPatch::default())).await;
    assert_eq!(scene.find_group(east, "staff").await, Some(staff.clone()));
    staff.description = String::new();
    let describe = GroupPatch { description: Some(String::new()), ..GroupPatch::default() };
    scene.change(update("staff", describe)).await;
    assert_eq!(scene.find_group(east, "staff").await, Some(staff.clone()));
    staff.attributes = attributes(&[("b", &["3", "2"])]);
    let replace = GroupPatch {
        attributes: vec![("a".into(), vec![]), ("b".into(), vec!["3".into(), "2".into()])],
        ..GroupPatch::default()
    };
    scene.change(update("staff", replace)).await;
    let kept = scene.find_group(east, "staff").await.expect("it is there");
    assert_eq!(kept, staff);
    assert_eq!(kept.name.as_str(), "Staff", "an update respells nothing");
    scene.refused(update("no such", GroupPatch::default()), Fault::Missing).await;
}

/// [`Change::RemoveGroup`] takes the memberships along, upwards and downwards, and nobody else; `Missing` for
/// none.
pub async fn a_removed_group_leaves_no_membership(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["anna", "devs"]).await;
    scene.groups(east, ["staff", "devs", "core"]).await;
    let pairs = [
        ("staff", group_in("devs")),
        ("staff", user_in("devs")),
        ("devs", group_in("core")),
        ("devs", user_in("anna")),
    ];
    scene.members(east, &pairs).await;
    scene.change(remove_group(east, "DEVS")).await;
    assert_eq!(scene.find_group(east, "devs").await, None);
    for again in [false, true] {
        if again {
            scene.groups(east, ["devs"]).await;
        }
        assert!(scene.children(east, "devs").await.is_empty());
        assert_eq!(scene.children(east, "staff").await, ["devs"], "the user of the same name stays");
        assert!(scene.parents(east, &group_in("devs")).await.is_empty());
        assert!(scene.parents(east, &group_in("core")).await.is_empty());
        assert!(scene.parents(east, &user_in("anna")).await.is_empty());
    }
    assert!(scene.find(east, "anna").await.is_some());
    scene.refused(remove_group(east, "no such"), Fault::Missing).await;
}

/// [`Change::AddMember`]: `Missing` when the group or the member is not there, also when it is elsewhere.
pub async fn a_membership_needs_both_ends(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.user(east, "anna").await;
    scene.groups(east, ["staff"]).await;
    scene.user(west, "bela").await;
    scene.groups(west, ["devs"]).await;
    let add = |group: &str, member| add_member(east, group, &member, OnCycle::Refuse);
    for (group, member) in [
        ("devs", user_in("anna")),
        ("anna", user_in("anna")),
        ("staff", user_in("bela")),
        ("staff", user_in("staff")),
        ("staff", group_in("devs")),
        ("staff", group_in("anna")),
    ] {
        scene.refused(add(group, member), Fault::Missing).await;
    }
    scene.change(add("STAFF", user_in("ANNA"))).await;
    assert_eq!(scene.children(east, "staff").await, ["anna"]);
}

/// `Change::AddMember`: `Conflict` when it is a member already, under any spelling; a user and a group of one
/// name are two members.
pub async fn a_member_is_added_once(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.user(east, "ops").await;
    scene.groups(east, ["staff", "ops"]).await;
    let add = |group: &str, member| add_member(east, group, &member, OnCycle::Keep);
    scene.change(add("staff", user_in("ops"))).await;
    scene.refused(add("Staff", user_in("OPS")), Fault::Conflict).await;
    scene.change(add("staff", group_in("ops"))).await;
    scene.refused(add("Staff", group_in("OPS")), Fault::Conflict).await;
    assert_eq!(scene.children(east, "staff").await, ["ops", "ops"]);
}

/// `Change::AddMember`: an edge that closes a cycle is refused with [`OnCycle::Refuse`] (R403, T25).
pub async fn a_cycle_of_groups_is_refused_t25(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.groups(east, ["a", "b", "c", "d"]).await;
    scene.groups(west, ["a", "b"]).await;
    scene.members(west, &[("a", group_in("b"))]).await;
    let add = |group: &str, member: &str| add_member(east, group, &group_in(member), OnCycle::Refuse);
    scene.refused(add("a", "A"), Fault::Conflict).await;
    scene.apply(vec![add("b", "a"), add("c", "b"), add("c", "a"), add("d", "a")]).await;
    scene.refused(add("a", "b"), Fault::Conflict).await;
    scene.refused(add("A", "C"), Fault::Conflict).await;
    scene.change(add("c", "d")).await;
    assert!(scene.children(east, "a").await.is_empty());
    let both = throng_core::change::ChangeSet::new(
        scene.now(),
        vec![remove_member(east, "d", group_in("a")), add("a", "d"), add("d", "a")],
    );
    assert_eq!(fault(store.apply(&both).await), Fault::Conflict, "a cycle within one set");
    assert_eq!(scene.children(east, "d").await, ["a"]);
}

/// `Change::AddMember`: an edge that closes a cycle is kept with [`OnCycle::Keep`] (R410).
pub async fn a_cycle_of_groups_is_kept_for_a_source_r410(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.groups(east, ["a", "b"]).await;
    let pairs = [("a", group_in("b")), ("b", group_in("a")), ("a", group_in("a"))];
    scene.members(east, &pairs).await;
    assert_eq!(scene.children(east, "a").await, ["a", "b"]);
    assert_eq!(scene.children(east, "b").await, ["a"]);
    let user_edge = add_member(east, "a", &user_in("anna"), OnCycle::Refuse);
    scene.user(east, "anna").await;
    scene.change(user_edge).await;
}

/// [`Change::RemoveMember`] takes one membership and no other; `Missing` when there is none.
pub async fn a_removed_member_is_out_of_that_group_only(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["ops", "anna"]).await;
    scene.groups(east, ["staff", "ops", "devs"]).await;
    let pairs = [
        ("staff", user_in("ops")),
        ("staff", group_in("ops")),
        ("devs", user_in("ops")),
        ("staff", user_in("anna")),
    ];
    scene.members(east, &pairs).await;
    scene.change(remove_member(east, "STAFF", user_in("Ops"))).await;
    let page =
        done(store.children(east, &Key::of("staff"), &throng_core::page::PageRequest::default()).await);
    assert_eq!(page.items, [user_in("anna"), group_in("ops")]);
    assert_eq!(scene.children(east, "devs").await, ["ops"]);
    for (group, member) in [
        ("staff", user_in("ops")),
        ("devs", user_in("anna")),
        ("devs", group_in("ops")),
        ("no such", user_in("anna")),
        ("staff", user_in("nobody")),
    ] {
        scene.refused(remove_member(east, group, member), Fault::Missing).await;
    }
}
