//! Memberships and the nestings of groups.

use throng_core::name::{GroupName, Key};
use throng_core::page::PageRequest;
use throng_core::store::{Nesting, Store};

use super::scene::*;

/// Longest chain that is tried; deeper than any engine's default recursion limit.
const CHAIN: usize = 1_000;
const PLENTY: usize = 10_000;

fn sorted(nesting: &Nesting) -> (Vec<&str>, Vec<(&str, &str)>) {
    let mut direct: Vec<&str> = nesting.direct.iter().map(GroupName::as_str).collect();
    let mut edges: Vec<(&str, &str)> =
        nesting.edges.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    direct.sort_unstable();
    edges.sort_unstable();
    (direct, edges)
}

/// [`Records::parents`]: direct groups only, in the order of keys, as they are spelled; none above nobody.
///
/// [`Records::parents`]: throng_core::store::Records::parents
pub async fn parents_are_direct_and_in_the_order_of_keys(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.user(east, "anna").await;
    scene.user(west, "anna").await;
    scene.groups(east, ["Zoo", "all", "Devs", "anna"]).await;
    scene.groups(west, ["other"]).await;
    let (anna, devs) = (user_in("ANNA"), group_in("devs"));
    let pairs =
        [("zoo", anna.clone()), ("DEVS", anna.clone()), ("all", devs.clone()), ("all", group_in("anna"))];
    scene.members(east, &pairs).await;
    scene.members(west, &[("other", anna.clone())]).await;
    assert_eq!(scene.parents(east, &anna).await, ["Devs", "Zoo"]);
    assert_eq!(scene.parents(east, &devs).await, ["all"]);
    assert_eq!(scene.parents(east, &group_in("anna")).await, ["all"]);
    assert!(scene.parents(east, &user_in("nobody")).await.is_empty());
    assert!(scene.parents(east, &user_in("devs")).await.is_empty());
}

/// `Records::parents` pages by key.
pub async fn parents_are_paged(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.user(east, "anna").await;
    scene.groups(east, ["e", "D", "c", "B", "a"]).await;
    let anna = user_in("anna");
    let pairs = ["a", "B", "c", "D", "e"].map(|group| (group, anna.clone()));
    scene.members(east, &pairs).await;
    for limit in 1..=6 {
        let mut request = PageRequest::first(limit);
        let mut found = Vec::new();
        loop {
            let page = done(store.parents(east, &anna, &request).await);
            assert!(page.items.len() <= limit);
            found.extend(spellings(&page));
            let Some(next) = page.next else { break };
            request = request.after(next);
        }
        assert_eq!(found, ["a", "B", "c", "D", "e"], "pages of {limit}");
    }
}

/// [`Records::children`]: users and groups in the order of keys, a user before a group of the same key.
///
/// [`Records::children`]: throng_core::store::Records::children
pub async fn children_are_in_the_order_of_keys_users_first(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["ops", "Zoe", "anna"]).await;
    scene.groups(east, ["staff", "OPS", "Devs"]).await;
    let inside = [group_in("ops"), user_in("zoe"), group_in("devs"), user_in("ops"), user_in("anna")];
    scene.members(east, &inside.map(|member| ("staff", member))).await;
    let page = done(store.children(east, &Key::of("Staff"), &PageRequest::default()).await);
    let expected = [user_in("anna"), group_in("Devs"), user_in("ops"), group_in("OPS"), user_in("Zoe")];
    assert_eq!(page.items, expected);
    assert_eq!(spellings(&page), ["anna", "Devs", "ops", "OPS", "Zoe"]);
    assert_eq!(page.next, None);
    assert!(scene.children(east, "devs").await.is_empty());
    assert!(scene.children(east, "no such group").await.is_empty());
}

/// `Records::children`: a page never parts two of the same key, and may hold one more than its limit for
/// that.
pub async fn children_of_the_same_key_stay_on_one_page(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["a", "b", "c", "d"]).await;
    scene.groups(east, ["staff", "b", "c", "e"]).await;
    let users = ["a", "b", "c", "d"].map(|name| ("staff", user_in(name)));
    let groups = ["b", "c", "e"].map(|name| ("staff", group_in(name)));
    scene.members(east, &users).await;
    scene.members(east, &groups).await;
    for limit in 1..=8 {
        let mut request = PageRequest::first(limit);
        let mut found = Vec::new();
        loop {
            let page = done(store.children(east, &Key::of("staff"), &request).await);
            assert!(page.items.len() <= limit + 1, "a page of {limit}");
            let last = page.items.last().map(|member| member.key().clone());
            assert!(page.next.is_none() || page.next == last);
            found.extend(page.items);
            let Some(next) = page.next else { break };
            request = request.after(next);
        }
        let expected = [
            user_in("a"),
            user_in("b"),
            group_in("b"),
            user_in("c"),
            group_in("c"),
            user_in("d"),
            group_in("e"),
        ];
        assert_eq!(found, expected, "pages of {limit}");
    }
}

/// A member is spelled as its account is today, not as it was when it was added.
pub async fn members_are_spelled_as_they_are_today(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let anna = scene.user(east, "anna").await;
    scene.groups(east, ["Staff"]).await;
    scene.members(east, &[("STAFF", user_in("aNNa"))]).await;
    assert_eq!(scene.children(east, "staff").await, ["anna"]);
    scene.change(rename(&anna, "ANNA")).await;
    assert_eq!(scene.children(east, "staff").await, ["ANNA"]);
    assert_eq!(scene.parents(east, &user_in("anna")).await, ["Staff"]);
}

/// [`Records::above`] 1: direct groups, then an edge for every nesting reached, each once also in a diamond.
///
/// [`Records::above`]: throng_core::store::Records::above
pub async fn above_tells_every_nesting_once(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["anna", "bela"]).await;
    scene.groups(east, ["Left", "right", "top", "roof", "aside"]).await;
    let pairs = [
        ("left", user_in("anna")),
        ("right", user_in("anna")),
        ("top", group_in("left")),
        ("top", group_in("right")),
        ("roof", group_in("top")),
        ("roof", group_in("aside")),
        ("aside", user_in("bela")),
    ];
    scene.members(east, &pairs).await;
    let above = done(store.above(east, &user_in("Anna"), PLENTY).await);
    assert_eq!(
        sorted(&above),
        (vec!["Left", "right"], vec![("Left", "top"), ("right", "top"), ("top", "roof")])
    );
    let above = done(store.above(east, &group_in("left"), PLENTY).await);
    assert_eq!(sorted(&above), (vec!["top"], vec![("top", "roof")]));
    assert_eq!(done(store.above(east, &user_in("left"), PLENTY).await), Nesting::default());
    assert_eq!(done(store.above(east, &user_in("nobody"), PLENTY).await), Nesting::default());
}

/// `Records::above` 2: ends in cycles, a group in itself included, and tells each edge once (R403).
pub async fn above_ends_in_cycles_r403(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.user(east, "anna").await;
    scene.groups(east, ["a", "b", "c"]).await;
    let pairs = [
        ("a", user_in("anna")),
        ("b", group_in("a")),
        ("c", group_in("b")),
        ("a", group_in("c")),
        ("b", group_in("b")),
    ];
    scene.members(east, &pairs).await;
    let edges = vec![("a", "b"), ("b", "b"), ("b", "c"), ("c", "a")];
    let above = done(store.above(east, &user_in("anna"), PLENTY).await);
    assert_eq!(sorted(&above), (vec!["a"], edges.clone()));
    let above = done(store.above(east, &group_in("a"), PLENTY).await);
    assert_eq!(sorted(&above), (vec!["b"], edges));
}

/// [`Records::below`]: the same, the other way.
///
/// [`Records::below`]: throng_core::store::Records::below
pub async fn below_tells_every_nesting_once(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["anna", "left"]).await;
    scene.groups(east, ["top", "Left", "right", "base"]).await;
    let pairs = [
        ("top", group_in("left")),
        ("top", group_in("right")),
        ("top", user_in("left")),
        ("left", group_in("base")),
        ("right", group_in("base")),
        ("base", user_in("anna")),
    ];
    scene.members(east, &pairs).await;
    let below = done(store.below(east, &Key::of("TOP"), PLENTY).await);
    assert_eq!(sorted(&below), (vec!["Left", "right"], vec![("Left", "base"), ("right", "base")]));
    assert_eq!(done(store.below(east, &Key::of("base"), PLENTY).await), Nesting::default());
    assert_eq!(done(store.below(east, &Key::of("no such"), PLENTY).await), Nesting::default());
}

/// `Records::below` ends in cycles (R403).
pub async fn below_ends_in_cycles_r403(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.groups(east, ["a", "b"]).await;
    let pairs = [("a", group_in("b")), ("b", group_in("a")), ("a", group_in("a"))];
    scene.members(east, &pairs).await;
    let below = done(store.below(east, &Key::of("a"), PLENTY).await);
    assert_eq!(sorted(&below), (vec!["a", "b"], vec![("a", "a"), ("a", "b"), ("b", "a")]));
}

/// `Records::above` and `Records::below` follow a chain of a thousand, and stop at their limit with enough to
/// tell that there was more (T26).
pub async fn a_long_chain_is_followed_up_to_the_limit_t26(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let links: Vec<String> = (0..=CHAIN).map(|number| format!("g{number:04}")).collect();
    scene.apply(links.iter().map(|name| add_group(east, group(name))).collect()).await;
    let pairs: Vec<_> = links.windows(2).map(|pair| (pair[1].as_str(), group_in(&pair[0]))).collect();
    scene.members(east, &pairs).await;
    let expected: Vec<(&str, &str)> =
        links[1..].windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let above = done(store.above(east, &group_in("g0000"), PLENTY).await);
    assert_eq!(sorted(&above), (vec!["g0001"], expected));
    let below = done(store.below(east, &Key::of(&links[CHAIN]), PLENTY).await);
    assert_eq!((below.direct.len(), below.edges.len()), (1, CHAIN - 1));
    for limit in [1, 10, CHAIN - 1] {
        let above = done(store.above(east, &group_in("g0000"), limit).await);
        let below = done(store.below(east, &Key::of(&links[CHAIN]), limit).await);
        for nesting in [above, below] {
            assert!(nesting.edges.len() <= limit, "at most {limit} edges");
            assert!(nesting.direct.len() + nesting.edges.len() >= limit, "no fewer than {limit} steps");
        }
    }
}

/// A nesting stays inside its directory, whatever groups of the same names hold elsewhere (R275).
pub async fn nestings_stay_inside_a_directory_r275(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    for directory in [east, west] {
        scene.user(directory, "anna").await;
        scene.groups(directory, ["devs", "staff"]).await;
    }
    scene.members(east, &[("devs", user_in("anna"))]).await;
    scene.members(west, &[("staff", group_in("devs"))]).await;
    let above = done(store.above(east, &user_in("anna"), PLENTY).await);
    assert_eq!(sorted(&above), (vec!["devs"], vec![]));
    assert_eq!(done(store.below(east, &Key::of("staff"), PLENTY).await), Nesting::default());
    assert_eq!(done(store.above(west, &user_in("anna"), PLENTY).await), Nesting::default());
    let request = PageRequest::default();
    let inside = done(store.users_in(west, &keys(["devs", "staff"]), &request).await);
    assert_eq!(inside.items, []);
}

/// [`Records::users_in`]: the users directly in any of the groups, each once, in the order of keys, by pages.
///
/// [`Records::users_in`]: throng_core::store::Records::users_in
pub async fn users_in_groups_come_once_in_the_order_of_keys(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["Zoe", "anna", "bela", "dora"]).await;
    scene.groups(east, ["devs", "ops", "staff", "anna"]).await;
    let pairs = [
        ("devs", user_in("anna")),
        ("devs", user_in("zoe")),
        ("ops", user_in("anna")),
        ("ops", user_in("bela")),
        ("ops", group_in("anna")),
        ("staff", user_in("dora")),
        ("ops", group_in("staff")),
    ];
    scene.members(east, &pairs).await;
    for limit in 1..=4 {
        let mut request = PageRequest::first(limit);
        let mut found = Vec::new();
        loop {
            let page = done(store.users_in(east, &keys(["ops", "no such", "devs"]), &request).await);
            assert!(page.items.len() <= limit);
            found.extend(page.items);
            let Some(next) = page.next else { break };
            request = request.after(next);
        }
        let found: Vec<String> = found.iter().map(|user| user.name.to_string()).collect();
        assert_eq!(found, ["anna", "bela", "Zoe"], "pages of {limit}");
    }
    let none = done(store.users_in(east, &[], &PageRequest::default()).await);
    assert_eq!(none.items, []);
}
