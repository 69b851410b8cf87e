//! Who is there, lean and in order; and what the log says before a set is applied.

use throng_core::change::{Change, OnCycle};
use throng_core::directory::UserPatch;
use throng_core::error::Fault;
use throng_core::name::Key;
use throng_core::preview::Holders;
use throng_core::store::Store;

use super::scene::*;

/// `Census::holders`: every directory asked about that holds each name, in the order of keys.
pub async fn holders_are_everybody_in_the_order_of_keys(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let other = scene.directory("other").await;
    let names = ["zoe", "Anna", "#nul", "o'brien %_\\", "Çağla", "\u{1f600}"];
    scene.users(east, names).await;
    scene.users(west, ["anna", "bela"]).await;
    scene.users(other, ["anna", "cleo"]).await;
    let found = done(store.holders(&[west, east], None, 100).await);
    let of: Vec<_> = found.iter().map(|holders| holders.key.clone()).collect();
    let mut sorted = keys(names);
    sorted.extend(keys(["bela"]));
    sorted.sort();
    assert_eq!(of, sorted);
    for holders in found {
        let mut directories = holders.directories;
        directories.sort();
        let mut expected = match holders.key.as_str() {
            "anna" => vec![east, west],
            "bela" => vec![west],
            _ => vec![east],
        };
        expected.sort();
        assert_eq!(directories, expected, "{}", holders.key);
    }
    assert_eq!(done(store.holders(&[], None, 100).await), []);
}

/// `Census::holders`: whatever the limit, each name comes whole and once.
pub async fn holders_are_paged_by_whole_names(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.users(east, ["a", "b", "c", "d", "e"]).await;
    scene.users(west, ["b", "c", "e", "f"]).await;
    let all = done(store.holders(&[east, west], None, 100).await);
    assert_eq!(all.len(), 6);
    let count = |holders: &Holders| holders.directories.len();
    for limit in 1..12 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = done(store.holders(&[east, west], after.as_ref(), limit).await);
            let Some(last) = page.last() else { break };
            assert!(page.iter().map(count).sum::<usize>() <= limit.max(3), "a page keeps its limit");
            after = Some(last.key.clone());
            found.extend(page);
        }
        assert_eq!(found, all, "{limit}");
    }
}

/// `Census::occupants`: what counts of each user asked for, in the place where it was asked for.
pub async fn occupants_come_where_they_were_asked_for(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.users(east, ["zoe", "Anna", "o'brien %_\\", "Çağla"]).await;
    scene.users(west, ["anna", "bela"]).await;
    scene.groups(east, ["b", "a", "c"]).await;
    scene.members(east, &[("c", user_in("anna")), ("a", user_in("anna")), ("b", group_in("a"))]).await;
    let inactive = UserPatch { active: Some(false), ..UserPatch::default() };
    scene.change(patch_user(&subject(west, "bela"), inactive)).await;
    let asked = [
        (west, "bela"),
        (east, "anna"),
        (east, "bela"),
        (west, "anna"),
        (east, "o'brien %_\\"),
        (east, "çağla"),
    ];
    let asked = asked.map(|(directory, name)| (directory, Key::of(name)));
    let found = done(store.occupants(&asked).await);
    let told: Vec<_> = found
        .iter()
        .map(|found| found.as_ref().map(|it| (it.name.as_str(), it.external_id.as_str(), it.active)))
        .collect();
    let expected = [
        Some(("bela", "id-bela", false)),
        Some(("Anna", "id-Anna", true)),
        None,
        Some(("anna", "id-anna", true)),
        Some(("o'brien %_\\", "id-o'brien %_\\", true)),
        Some(("Çağla", "id-Çağla", true)),
    ];
    assert_eq!(told, expected);
    for (found, (_, key)) in found.iter().zip(&asked) {
        assert!(found.as_ref().is_none_or(|found| found.name.key() == key));
    }
    let graph = done(store.group_graph(east).await);
    let number = |name: &str| graph.number(&group_name(name)).expect("it is there");
    let mut both = vec![number("a"), number("c")];
    both.sort_unstable();
    let groups = |at: usize| found[at].as_ref().map(|it| it.groups.clone());
    assert_eq!((groups(1), groups(3)), (Some(both), Some(vec![])));
    assert_eq!(done(store.occupants(&[]).await), []);
}

/// `Census::claims_on`: each claim in the place where it was asked for, those of the dead too.
pub async fn claims_come_where_they_were_asked_for(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (wiki, crm) = (scene.application("wiki", &[east]).await, scene.application("crm", &[east]).await);
    scene.users(east, ["anna", "bela", "Çağla"]).await;
    for name in ["anna", "Çağla"] {
        scene.claim(wiki, name, &subject(east, name)).await;
    }
    scene.change(remove_user(&subject(east, "anna"))).await;
    let asked = keys(["bela", "çağla", "anna"]);
    for application in [wiki, crm] {
        let mut expected = Vec::new();
        for key in &asked {
            expected.push(done(store.claim(application, key).await));
        }
        assert_eq!(done(store.claims_on(application, &asked).await), expected);
        let there: Vec<bool> = expected.iter().map(Option::is_some).collect();
        assert_eq!(there, if application == wiki { [false, true, true] } else { [false; 3] });
    }
    assert_eq!(done(store.claims_on(wiki, &[]).await), []);
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
