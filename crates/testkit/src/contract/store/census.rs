//! Who is there, lean and in order; and what the log says before a set is applied.

use throng_core::change::{Change, OnCycle};
use throng_core::directory::UserPatch;
use throng_core::error::Fault;
use throng_core::name::Key;
use throng_core::preview::Occupant;
use throng_core::store::{Namesakes, Store};

use super::scene::*;

/// `Census::occupants`: every occurrence in the directories asked about, in the order of keys, with what counts of it.
pub async fn occupants_are_everybody_in_the_order_of_keys(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let other = scene.directory("other").await;
    scene.users(east, ["zoe", "Anna", "#nul", "o'brien %_\\"]).await;
    scene.users(west, ["anna", "bela"]).await;
    scene.users(other, ["anna", "cleo"]).await;
    scene.groups(east, ["b", "a", "c"]).await;
    scene.members(east, &[("c", user_in("anna")), ("a", user_in("anna")), ("b", group_in("a"))]).await;
    let inactive = UserPatch { active: Some(false), ..UserPatch::default() };
    scene.change(patch_user(&subject(west, "bela"), inactive)).await;
    let found = done(store.occupants(&[west, east], None, 100).await);
    let names: Vec<_> = found.iter().map(|namesakes| namesakes.key.clone()).collect();
    let mut sorted = keys(["zoe", "anna", "#nul", "o'brien %_\\", "bela"]);
    sorted.sort();
    assert_eq!(names, sorted);
    let of =
        |name: &str| found.iter().find(|it| it.key == Key::of(name)).cloned().expect("the name is there");
    let mut anna = of("anna").holders;
    anna.sort_by_key(|(directory, _)| *directory != east);
    let spelled: Vec<_> =
        anna.iter().map(|(id, it)| (*id, it.name.as_str(), it.external_id.as_str())).collect();
    assert_eq!(spelled, [(east, "Anna", "id-Anna"), (west, "anna", "id-anna")]);
    let graph = done(store.group_graph(east).await);
    let number = |name: &str| graph.groups.iter().find(|(_, it)| it.as_str() == name).expect("it is there").0;
    let mut both = vec![number("a"), number("c")];
    both.sort_unstable();
    assert_eq!(anna.iter().map(|(_, it)| it.groups.clone()).collect::<Vec<_>>(), [both, vec![]]);
    assert_eq!(of("bela").holders.iter().map(|(_, it)| it.active).collect::<Vec<_>>(), [false]);
    assert_eq!(done(store.occupants(&[], None, 100).await), []);
}

/// `Census::occupants`: whatever the limit, each name comes whole and once.
pub async fn occupants_are_paged_by_whole_names(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.users(east, ["a", "b", "c", "d", "e"]).await;
    scene.users(west, ["b", "c", "e", "f"]).await;
    let all = done(store.occupants(&[east, west], None, 100).await);
    assert_eq!(all.len(), 6);
    let count = |namesakes: &Namesakes<Occupant>| namesakes.holders.len();
    for limit in 1..12 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = done(store.occupants(&[east, west], after.as_ref(), limit).await);
            let Some(last) = page.last() else { break };
            assert!(page.iter().map(count).sum::<usize>() <= limit.max(3), "a page keeps its limit");
            after = Some(last.key.clone());
            found.extend(page);
        }
        assert_eq!(found, all, "{limit}");
    }
}

/// `Census::group_graph`: groups in the order of keys, and each nesting once; empty for a directory that is not there.
pub async fn a_group_graph_tells_every_nesting_once(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.groups(east, ["b", "A", "c"]).await;
    scene.groups(west, ["a"]).await;
    let nest =
        |group: &'static str, inside: &'static str| add_member(east, group, &group_in(inside), OnCycle::Keep);
    scene.apply(vec![nest("a", "b"), nest("b", "a"), nest("c", "a")]).await;
    let graph = done(store.group_graph(east).await);
    let names: Vec<_> = graph.groups.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["A", "b", "c"]);
    let name = |number: u64| graph.groups.iter().find(|(it, _)| *it == number).expect("a group").1.as_str();
    let mut nestings: Vec<_> =
        graph.nestings.iter().map(|(inside, holder)| (name(*inside), name(*holder))).collect();
    nestings.sort_unstable();
    assert_eq!(nestings, [("A", "b"), ("A", "c"), ("b", "A")]);
    scene.change(Change::RemoveDirectory(east)).await;
    assert_eq!(done(store.group_graph(east).await), Default::default());
}

/// [`Change::ExpectHead`]: `Conflict` when anything was logged since.
pub async fn a_set_may_expect_that_nothing_was_logged_since(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let head = done(store.head().await);
    scene.apply(vec![Change::ExpectHead(head), add_user(east, user("anna"))]).await;
    scene.refused(Change::ExpectHead(head), Fault::Conflict).await;
    scene.refused(Change::ExpectHead(head + 2), Fault::Conflict).await;
    let now = done(store.head().await);
    assert_eq!(now, head + 1);
    assert_eq!(scene.apply(vec![Change::ExpectHead(now)]).await.sequence, now, "it is not logged itself");
}
