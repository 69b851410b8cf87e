//! Memberships: both schemes, nesting inside a directory, circles, limits, and live directories.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use throng_core::directory::Directory;
use throng_core::filter::Filter;
use throng_core::group::Member;
use throng_core::id::DirectoryId;
use throng_core::member::LimitExceeded;
use throng_core::name::GroupName;
use throng_core::page::PageRequest;
use throng_core::permission::{Operation, Permissions};
use throng_core::plan::{Access, MembershipScheme, OnSilence, Plan, Seat, SeatPolicy};
use throng_core::registry::Nesting;
use throng_engine::application::{Admission, Depth};
use throng_engine::error::{Conflict, Invalid};
use throng_engine::{Application, Error};
use throng_testkit::script::{Behaviour, Call, ScriptedDirectory};
use world::odd::{Endless, Tower};
use world::{
    World, about, aggregate, allow, change_seats, conflict, find, group_name, groups, is_forbidden,
    is_missing, is_unavailable, kept_member, live, member, members, modes, named, new_group, policy, spelled,
    username, without,
};

const SCHEMES: [MembershipScheme; 2] = [MembershipScheme::Canonical, MembershipScheme::Aggregated];

fn limit<T: std::fmt::Debug>(outcome: Result<T, Error>) -> LimitExceeded {
    match outcome {
        Err(Error::Invalid(Invalid::Limit(limit))) => limit,
        other => panic!("expected a limit, got {other:?}"),
    }
}

#[tokio::test]
async fn r271_the_canonical_scheme_counts_the_users_own_directory_only() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        for (directory, group) in [(ids[0], "one"), (ids[1], "two")] {
            world.put(directory, "anna").await;
            world.put_group(directory, group, &["anna"]).await;
        }
        world.put(ids[1], "berta").await;
        world.put_group(ids[1], "two", &["berta"]).await;
        assert_eq!(groups(&app, "anna", Depth::Nested).await, ["one"], "{mode}");
        assert_eq!(members(&app, "two", Depth::Nested).await, ["berta"], "{mode}");
        assert!(
            !app.is_member(&find(&app, "anna").await, "two", Depth::Nested).await.unwrap(),
            "R274 {mode}"
        );
    }
}

#[tokio::test]
async fn r272_r276_the_aggregated_scheme_is_the_union_and_takes_effect_at_once() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        for (directory, group) in [(ids[0], "one"), (ids[1], "two")] {
            world.put(directory, "anna").await;
            world.put_group(directory, group, &["anna"]).await;
        }
        aggregate(&app, MembershipScheme::Aggregated).await;
        assert_eq!(groups(&app, "anna", Depth::Direct).await, ["one", "two"], "R272 {mode}");
        assert_eq!(members(&app, "TWO", Depth::Direct).await, ["anna"], "R272 {mode}");
        let page = app.members_of("two", Depth::Direct, &PageRequest::default()).await.unwrap();
        assert_eq!(page.items[0].directory, ids[1], "the occurrence that is in it {mode}");
        assert!(app.is_member(&find(&app, "anna").await, "two", Depth::Direct).await.unwrap(), "R274 {mode}");
        aggregate(&app, MembershipScheme::Canonical).await;
        assert_eq!(groups(&app, "anna", Depth::Direct).await, ["one"], "R276 {mode}");
    }
}

#[tokio::test]
async fn r273_groups_in_groups_count_where_the_child_is_canonical() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        world.put_group(ids[0], "child", &[]).await;
        world.put_group(ids[0], "upper", &["@child"]).await;
        for group in ["child", "own"] {
            world.put_group(ids[1], group, &[]).await;
        }
        world.put_group(ids[1], "lower", &["@child", "@own"]).await;
        let above = app.groups_of_group("child", Depth::Nested).await.unwrap();
        assert_eq!(named(&above), ["upper"], "{mode}");
        let children = |names: Vec<GroupName>| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(children(app.groups_in("lower", Depth::Direct).await.unwrap()), ["own"], "{mode}");
        aggregate(&app, MembershipScheme::Aggregated).await;
        let above = app.groups_of_group("child", Depth::Nested).await.unwrap();
        assert_eq!(named(&above), ["lower", "upper"], "{mode}");
        assert_eq!(
            children(app.groups_in("lower", Depth::Direct).await.unwrap()),
            ["child", "own"],
            "{mode}"
        );
    }
}

#[tokio::test]
async fn r275_q08_nesting_never_crosses_directories() {
    for (mode, plan) in modes() {
        for scheme in SCHEMES {
            let (world, app, ids) = World::internal(2, plan.clone()).await;
            aggregate(&app, scheme).await;
            world.put_group(ids[0], "b", &[]).await;
            world.put_group(ids[0], "a", &["@b"]).await;
            world.put(ids[1], "anna").await;
            world.put_group(ids[1], "b", &["anna"]).await;
            assert_eq!(groups(&app, "anna", Depth::Nested).await, ["b"], "{mode} {scheme:?}");
            assert!(members(&app, "a", Depth::Nested).await.is_empty(), "{mode} {scheme:?}");
            assert!(!app.is_member(&find(&app, "anna").await, "a", Depth::Nested).await.unwrap());
        }
    }
}

#[tokio::test]
async fn r403_r410_a_stored_circle_ends_and_gives_each_group_once() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        world.put(ids[0], "anna").await;
        world.put_group(ids[0], "c", &["anna"]).await;
        for name in ["a", "b"] {
            world.put_group(ids[0], name, &[]).await;
        }
        let circle = [("a", "@b"), ("b", "@c"), ("c", "@a")];
        world.apply(circle.iter().map(|(group, text)| kept_member(ids[0], group, text)).collect()).await;
        assert_eq!(groups(&app, "anna", Depth::Nested).await, ["a", "b", "c"], "{mode}");
        assert_eq!(groups(&app, "anna", Depth::Direct).await, ["c"], "{mode}");
        assert_eq!(members(&app, "a", Depth::Nested).await, ["anna"], "{mode}");
        let above = app.groups_of_group("c", Depth::Nested).await.unwrap();
        assert_eq!(named(&above), ["a", "b"], "R405, R408: never itself {mode}");
        let below = app.groups_in("c", Depth::Nested).await.unwrap();
        assert_eq!(below, world::group_names(&["a", "b"]), "R405 {mode}");
    }
}

#[tokio::test]
async fn r403_a_group_that_holds_itself_does_no_harm() {
    let remote = live(1);
    let a = remote.put_group("a", "").unwrap().name;
    remote.put("anna").unwrap();
    remote.put_member(&a, &Member::Group(a.clone())).unwrap();
    remote.put_member(&a, &member("anna")).unwrap();
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["a"]);
    assert_eq!(members(&app, "a", Depth::Nested).await, ["anna"]);
    assert!(app.groups_of_group("a", Depth::Nested).await.unwrap().is_empty(), "R405");
    assert!(app.groups_in("a", Depth::Nested).await.unwrap().is_empty(), "R405");
}

#[tokio::test]
async fn a_membership_tells_the_way_it_came_about() {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    world.put(ids[0], "anna").await;
    for (group, inside) in [("long1", "anna"), ("long2", "@long1"), ("short", "anna")] {
        world.put_group(ids[0], group, &[inside]).await;
    }
    world.put_group(ids[0], "top", &["@long2", "@short"]).await;
    let memberships = app.groups_of(&find(&app, "anna").await, Depth::Nested).await.unwrap();
    let top = memberships.iter().find(|membership| membership.group == group_name("top")).unwrap();
    assert_eq!(top.path, world::group_names(&["short", "top"]), "a shortest way");
    assert_eq!(top.directory, ids[0]);
}

#[tokio::test]
async fn r402_a_directory_without_nesting_counts_direct_membership_only() {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put_group(ids[0], "inner", &["anna"]).await;
    world.put_group(ids[0], "outer", &["@inner"]).await;
    assert_eq!(members(&app, "outer", Depth::Nested).await, ["anna"], "while nesting is on");
    world.settle(ids[0], |settings| settings.nesting = Nesting::Direct).await;
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["inner"]);
    assert!(!app.is_member(&find(&app, "anna").await, "outer", Depth::Nested).await.unwrap());
    assert!(members(&app, "outer", Depth::Nested).await.is_empty(), "the same answer both ways");
    assert!(app.groups_of_group("inner", Depth::Nested).await.unwrap().is_empty(), "R402");
    assert!(app.groups_in("outer", Depth::Direct).await.unwrap().is_empty(), "R402");
}

/// A chain of groups in a stored directory: anna is in g000, which is in g001, and so on.
async fn chain(length: usize) -> (World, Application) {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    world.put(ids[0], "anna").await;
    let name = |n: usize| format!("g{n:03}");
    let mut changes: Vec<_> = (0..length).map(|n| new_group(ids[0], &name(n))).collect();
    changes.push(kept_member(ids[0], &name(0), "anna"));
    changes.extend((1..length).map(|n| kept_member(ids[0], &name(n), &format!("@{}", name(n - 1)))));
    world.apply(changes).await;
    (world, app)
}

#[tokio::test]
async fn t26_sixty_four_levels_are_followed_and_one_more_is_refused_whole() {
    let (_world, app) = chain(65).await;
    assert_eq!(groups(&app, "anna", Depth::Nested).await.len(), 65);
    assert_eq!(members(&app, "g064", Depth::Nested).await, ["anna"], "the same answer both ways");

    let (world, app) = chain(66).await;
    let anna = find(&app, "anna").await;
    let deep = LimitExceeded::Depth(64);
    assert_eq!(limit(app.groups_of(&anna, Depth::Nested).await), deep);
    assert_eq!(limit(app.is_member(&anna, "g001", Depth::Nested).await), deep, "no partial answer");
    assert_eq!(groups(&app, "anna", Depth::Direct).await, ["g000"], "direct membership needs no way");
    let restricted = |seat: Seat| Seat { access: Access::Groups([group_name("g001")].into()), ..seat };
    change_seats(&app, restricted).await;
    let admission = app.admission(&anna).await;
    assert_eq!(limit(admission), deep, "R222: admits nobody");
    drop(world);
}

#[tokio::test]
async fn t26_a_thousand_stored_levels_are_refused_both_ways() {
    let (_world, app) = chain(1_000).await;
    let anna = find(&app, "anna").await;
    let deep = LimitExceeded::Depth(64);
    assert_eq!(limit(app.groups_of(&anna, Depth::Nested).await), deep);
    let page = PageRequest::default();
    assert_eq!(limit(app.members_of("g999", Depth::Nested, &page).await), deep);
    assert_eq!(limit(app.groups_of_group("g000", Depth::Nested).await), deep);
    assert_eq!(limit(app.groups_in("g999", Depth::Nested).await), deep);
}

#[tokio::test]
async fn t26_a_directory_whose_pages_never_advance_is_not_believed_for_ever() {
    let inner = live(1);
    inner.put("anna").unwrap();
    let staff = inner.put_group("staff", "").unwrap().name;
    inner.put_member(&staff, &member("anna")).unwrap();
    let endless = Arc::new(Endless { inner, pages: AtomicU64::new(0) });
    let attached = Arc::clone(&endless);
    let world = World::with(|builder| builder.directory("Endless", attached)).await;
    let app = world.app("wiki", Plan::new().seat(endless.id()).unwrap()).await;
    let anna = find(&app, "anna").await;
    let page = PageRequest::default();
    let pages = || endless.pages.swap(0, Ordering::SeqCst);
    let _ = app.groups_of(&anna, Depth::Nested).await;
    assert!(pages() < Endless::PATIENCE, "groups of a user");
    let _ = app.members_of("staff", Depth::Nested, &page).await;
    assert!(pages() < Endless::PATIENCE, "members of a group");
    let _ = app.search_users(&Filter::everything(), &page).await;
    assert!(pages() < Endless::PATIENCE, "a search");
    let _ = app.search_groups(&Filter::everything(), &page).await;
    assert!(pages() < Endless::PATIENCE, "a search for groups");
}

async fn tower(height: u64) -> Application {
    let anna = live(0).put("anna").unwrap();
    let id = DirectoryId::from_bytes([9; 16]);
    let tower = Arc::new(Tower { id, height, anna });
    let world = World::with(|builder| builder.directory("Tower", tower)).await;
    world.app("wiki", Plan::new().seat(id).unwrap()).await
}

#[tokio::test]
async fn t26_a_live_chain_of_a_hundred_thousand_is_refused_whole() {
    let app = tower(100_000).await;
    let anna = find(&app, "anna").await;
    let deep = LimitExceeded::Depth(64);
    assert_eq!(limit(app.groups_of(&anna, Depth::Nested).await), deep);
    assert_eq!(limit(app.is_member(&anna, "g5", Depth::Nested).await), deep);
    assert_eq!(limit(app.members_of("g99999", Depth::Nested, &PageRequest::default()).await), deep);
    assert_eq!(limit(app.groups_in("g99999", Depth::Nested).await), deep);
    assert_eq!(members(&app, "g64", Depth::Nested).await, ["anna"], "a low part is fine");
}

#[tokio::test]
async fn t26_a_live_chain_within_the_limit_is_followed() {
    let app = tower(65).await;
    assert_eq!(groups(&app, "anna", Depth::Nested).await.len(), 65);
    assert_eq!(members(&app, "g64", Depth::Nested).await, ["anna"]);
}

/// Twenty layers of two groups, each in both groups of the next: 2^20 ways, 80 nestings.
fn diamond(mut add: impl FnMut(Option<&str>, &str)) {
    let name = |layer: usize, side: usize| format!("l{layer:02}-{side}");
    for layer in 0..20 {
        for side in 0..2 {
            add(None, &name(layer, side));
        }
        for (below, above) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            match layer.checked_sub(1) {
                Some(lower) => add(Some(&name(layer, above)), &format!("@{}", name(lower, below))),
                None if below == above => add(Some(&name(0, above)), "anna"),
                None => {}
            }
        }
    }
}

#[tokio::test]
async fn t26_a_million_ways_through_a_few_groups_are_walked_once() {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    world.put(ids[0], "anna").await;
    let mut changes = Vec::new();
    diamond(|group, text| {
        changes.push(match group {
            None => new_group(ids[0], text),
            Some(group) => kept_member(ids[0], group, text),
        })
    });
    world.apply(changes).await;
    assert_eq!(groups(&app, "anna", Depth::Nested).await.len(), 40);
    assert_eq!(members(&app, "l19-0", Depth::Nested).await, ["anna"]);
    assert_eq!(app.groups_in("l19-1", Depth::Nested).await.unwrap().len(), 38);
}

#[tokio::test]
async fn t26_a_live_directory_is_asked_once_for_each_group() {
    let remote = live(1);
    remote.put("anna").unwrap();
    diamond(|group, text| match group {
        None => drop(remote.put_group(text, "").unwrap()),
        Some(group) => remote.put_member(&group_name(group), &member(text)).unwrap(),
    });
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    remote.forget_calls();
    assert_eq!(groups(&app, "anna", Depth::Nested).await.len(), 40);
    assert_eq!(remote.calls(Call::ParentsOf), 41, "anna and each of the 40 groups");
    assert_eq!(members(&app, "l19-0", Depth::Nested).await, ["anna"]);
}

#[tokio::test]
async fn groups_of_a_live_directory_are_followed_page_by_page() {
    let remote = live(1);
    remote.put("anna").unwrap();
    let big = remote.put_group("big", "").unwrap().name;
    for n in 0..1_205 {
        let group = remote.put_group(&format!("g{n:04}"), "").unwrap().name;
        remote.put_member(&group, &member("anna")).unwrap();
        let user = remote.put(&format!("u{n:04}")).unwrap();
        remote.put_member(&big, &Member::User(user.name)).unwrap();
    }
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    assert_eq!(groups(&app, "anna", Depth::Direct).await.len(), 1_205);
    let page = app.members_of("big", Depth::Nested, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.len(), 1_000);
    let rest = PageRequest::default().after(page.next.unwrap());
    let page = app.members_of("big", Depth::Nested, &rest).await.unwrap();
    assert_eq!((page.items.len(), page.next), (205, None));
}

#[tokio::test]
async fn pages_of_members_give_what_one_page_gives() {
    for scheme in SCHEMES {
        let remote = live(1);
        let (world, app, local) = World::live_above(&[&remote], Plan::new()).await;
        aggregate(&app, scheme).await;
        world.put_group(local, "inner", &[]).await;
        world.put_group(local, "all", &["@inner"]).await;
        let all = remote.put_group("ALL", "").unwrap().name;
        for n in 0..13 {
            let name = format!("u{n:02}");
            world.put(local, &name).await;
            world.put_group(local, if n % 2 == 0 { "all" } else { "inner" }, &[&name]).await;
            if n % 3 == 0 {
                remote.put(&name).unwrap();
            }
            if n % 6 == 0 {
                remote.put_member(&all, &member(&name)).unwrap();
            }
        }
        let whole = members(&app, "all", Depth::Nested).await;
        let expected = match scheme {
            // Shadowed ones count only if their canonical self is in the group there: u00, u06 and u12.
            MembershipScheme::Canonical => 13 - 2,
            MembershipScheme::Aggregated => 13,
        };
        assert_eq!(whole.len(), expected, "{scheme:?}");
        for limit in [1, 2, 5, 11, 12] {
            let (mut paged, mut request) = (Vec::new(), PageRequest::first(limit));
            loop {
                let page = app.members_of("all", Depth::Nested, &request).await.unwrap();
                assert!(page.items.len() <= limit);
                paged.extend(spelled(&page));
                let Some(next) = page.next else { break };
                request = request.after(next);
            }
            assert_eq!(paged, whole, "{scheme:?}, pages of {limit}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_never_a_missing_membership() {
    for (mode, plan) in modes() {
        for (scheme, how) in [
            (SCHEMES[0], Behaviour::Silent),
            (SCHEMES[0], Behaviour::Hanging),
            (SCHEMES[1], Behaviour::Silent),
            (SCHEMES[1], Behaviour::Hanging),
        ] {
            let remote = live(1);
            let staff = remote.put_group("staff", "").unwrap().name;
            remote.put("anna").unwrap();
            remote.put_member(&staff, &member("anna")).unwrap();
            let (world, app, local) = World::live_above(&[&remote], plan.clone()).await;
            aggregate(&app, scheme).await;
            world.put(local, "anna").await;
            world.put_group(local, "staff", &[]).await;
            let anna = find(&app, "anna").await;
            remote.behave(how);
            let case = format!("{mode} {scheme:?} {how:?}");
            assert!(is_unavailable(&app.groups_of(&anna, Depth::Nested).await), "{case}");
            assert!(is_unavailable(&app.is_member(&anna, "staff", Depth::Nested).await), "R222, T27 {case}");
            let page = PageRequest::default();
            assert!(is_unavailable(&app.members_of("staff", Depth::Nested, &page).await), "{case}");
            assert!(is_unavailable(&app.groups_in("staff", Depth::Nested).await), "{case}");
            assert!(is_unavailable(&app.groups_of_group("staff", Depth::Nested).await), "{case}");
        }
    }
}

#[tokio::test]
async fn a_silent_directory_that_may_be_passed_is_passed_both_ways() {
    for scheme in SCHEMES {
        let remote = live(1);
        let (world, app, local) = World::live_above(&[&remote], Plan::new()).await;
        aggregate(&app, scheme).await;
        world.put(local, "anna").await;
        world.put_group(local, "staff", &["anna"]).await;
        let pass = OnSilence::Pass;
        policy(&app, SeatPolicy { lookup: pass, authorise: pass, ..SeatPolicy::DEFAULT }).await;
        remote.behave(Behaviour::Silent);
        let anna = find(&app, "anna").await;
        assert!(app.is_member(&anna, "staff", Depth::Nested).await.unwrap(), "{scheme:?}");
        assert_eq!(members(&app, "staff", Depth::Nested).await, ["anna"], "the same both ways, {scheme:?}");
    }
}

#[tokio::test]
async fn a_group_that_nobody_holds_is_missing_and_silence_is_not() {
    for (mode, plan) in modes() {
        let remote = live(1);
        let (_world, app, _) = World::live_above(&[&remote], plan).await;
        let page = PageRequest::default();
        assert!(is_missing(&app.members_of("nobody", Depth::Nested, &page).await), "{mode}");
        assert!(is_missing(&app.groups_in("nobody", Depth::Nested).await), "{mode}");
        assert!(is_missing(&app.groups_of_group("nobody", Depth::Nested).await), "{mode}");
        remote.behave(Behaviour::Silent);
        assert!(is_unavailable(&app.members_of("nobody", Depth::Nested, &page).await), "R204 {mode}");
    }
}

#[tokio::test]
async fn t27_access_looks_at_the_complete_graph_of_the_accounts_own_directory() {
    let remote = live(1);
    for (name, inside) in [("b", "anna"), ("a", "@b")] {
        if name == "b" {
            remote.put("anna").unwrap();
        }
        let group = remote.put_group(name, "").unwrap().name;
        remote.put_member(&group, &member(inside)).unwrap();
    }
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    change_seats(&app, |seat| Seat { access: Access::Groups([group_name("A")].into()), ..seat }).await;
    let anna = find(&app, "anna").await;
    let way = world::group_names(&["b", "a"]);
    assert_eq!(app.admission(&anna).await.unwrap(), Admission::Through(way));
    remote.behave_on(Call::ParentsOf, Behaviour::Silent);
    assert!(is_unavailable(&app.admission(&anna).await), "R222");
}

#[tokio::test]
async fn t28_a_removal_counts_at_once() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        world.put(ids[0], "anna").await;
        world.put_group(ids[0], "admins", &["anna"]).await;
        let anna = find(&app, "anna").await;
        assert!(app.is_member(&anna, "admins", Depth::Nested).await.unwrap());
        app.remove_user_from_group(&anna, "admins").await.unwrap();
        assert!(!app.is_member(&anna, "admins", Depth::Nested).await.unwrap(), "{mode}");
    }
}

#[tokio::test]
async fn r301_groups_are_met_by_key() {
    let remote = live(1);
    let staff = remote.put_group("Staff", "").unwrap().name;
    remote.put("Anna").unwrap();
    remote.put_member(&staff, &member("Anna")).unwrap();
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    let anna = find(&app, "ＡＮＮＡ").await;
    assert!(app.is_member(&anna, "ｓｔａｆｆ", Depth::Direct).await.unwrap(), "Q10");
    assert_eq!(members(&app, "STAFF", Depth::Direct).await, ["Anna"]);
}

#[tokio::test]
async fn a_member_whom_the_directory_does_not_know_is_nobody() {
    let remote: ScriptedDirectory = live(1);
    let staff = remote.put_group("staff", "").unwrap().name;
    let anna = remote.put("anna").unwrap();
    remote.put("berta").unwrap();
    for name in ["anna", "berta"] {
        remote.put_member(&staff, &member(name)).unwrap();
    }
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    assert_eq!(members(&app, "staff", Depth::Direct).await, ["anna", "berta"]);
    remote.drop_user(&anna.external_id).unwrap();
    assert_eq!(members(&app, "staff", Depth::Direct).await, ["berta"]);
    assert!(is_missing(&app.find_user(username("anna").as_str()).await));
}

// Where memberships are written.

#[tokio::test]
async fn r280_a_member_is_added_in_the_users_own_directory() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        for &id in &ids {
            world.put(id, "anna").await;
        }
        world.put_group(ids[1], "Staff", &["anna"]).await;
        app.update_group("staff", about("all of us")).await.unwrap();
        let anna = find(&app, "anna").await;
        app.add_user_to_group(&anna, "STAFF").await.expect("R271: only the own directory counts");
        let made = world.held_group(ids[0], "staff").await.unwrap();
        assert_eq!((made.name.as_str(), made.description.as_str()), ("Staff", "all of us"), "R283 {mode}");
        assert_eq!(conflict(app.add_user_to_group(&anna, "staff").await), Conflict::AlreadyMember, "{mode}");
        assert!(is_missing(&app.add_user_to_group(&anna, "nobody").await), "{mode}");

        for (group, mask) in [("made", Operation::CreateGroup), ("there", Operation::UpdateGroup)] {
            world.put_group(ids[1], "made", &[]).await;
            world.put_group(ids[0], "there", &[]).await;
            allow(&app, ids[0], without(mask)).await;
            let head = world.head().await;
            assert!(is_forbidden(&app.add_user_to_group(&anna, group).await), "{mode} {group}");
            assert_eq!(world.head().await, head, "{mode}");
        }
    }
}

#[tokio::test]
async fn r281_r282_r283_an_aggregated_addition_prefers_where_the_group_is() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(3, plan).await;
        aggregate(&app, MembershipScheme::Aggregated).await;
        world.put(ids[0], "anna").await;
        world.put(ids[1], "anna").await;
        for &id in &ids[1..] {
            world.put_group(id, "staff", &[]).await;
        }
        let anna = find(&app, "anna").await;
        app.add_user_to_group(&anna, "staff").await.unwrap();
        assert_eq!(world.members(ids[1], "staff").await, ["anna"], "R283: the first that has both {mode}");
        assert!(world.held_group(ids[0], "staff").await.is_none(), "{mode}");
        assert_eq!(conflict(app.add_user_to_group(&anna, "staff").await), Conflict::AlreadyMember, "R282");

        world.put_group(ids[2], "wheel", &[]).await;
        allow(&app, ids[0], without(Operation::CreateGroup)).await;
        app.add_user_to_group(&anna, "wheel").await.unwrap();
        assert_eq!(world.members(ids[1], "wheel").await, ["anna"], "R283: made where it may be {mode}");
        assert!(is_missing(&app.add_user_to_group(&anna, "nobody").await), "{mode}");
    }
}

#[tokio::test]
async fn r284_a_canonical_removal_looks_at_the_users_own_directory() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        for &id in &ids {
            world.put(id, "anna").await;
        }
        world.put_group(ids[1], "staff", &["anna"]).await;
        let anna = find(&app, "anna").await;
        let head = world.head().await;
        assert!(
            is_missing(&app.remove_user_from_group(&anna, "staff").await),
            "R284: group elsewhere {mode}"
        );
        world.put_group(ids[0], "staff", &[]).await;
        assert!(is_missing(&app.remove_user_from_group(&anna, "staff").await), "no member here {mode}");
        assert_eq!(world.head().await, head + 1, "{mode}");
        world.put_group(ids[0], "staff", &["anna"]).await;
        allow(&app, ids[0], without(Operation::UpdateGroup)).await;
        assert!(is_forbidden(&app.remove_user_from_group(&anna, "staff").await), "R113 {mode}");
        allow(&app, ids[0], Permissions::ALL).await;
        app.remove_user_from_group(&anna, "staff").await.unwrap();
        assert!(world.members(ids[0], "staff").await.is_empty(), "{mode}");
        assert_eq!(world.members(ids[1], "staff").await, ["anna"], "{mode}");
    }
}

#[tokio::test]
async fn r285_an_aggregated_removal_is_from_all_or_none() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(3, plan).await;
        aggregate(&app, MembershipScheme::Aggregated).await;
        for &id in &ids[..2] {
            world.put(id, "anna").await;
            world.put_group(id, "staff", &["anna"]).await;
        }
        let anna = find(&app, "anna").await;
        world.mask(ids[1], Permissions::READ_ONLY).await;
        let head = world.head().await;
        assert!(is_forbidden(&app.remove_user_from_group(&anna, "staff").await), "{mode}");
        assert_eq!(world.head().await, head, "{mode}");
        world.mask(ids[1], Permissions::ALL).await;
        app.remove_user_from_group(&anna, "staff").await.unwrap();
        assert!(groups(&app, "anna", Depth::Direct).await.is_empty(), "{mode}");
    }
}

#[tokio::test]
async fn r287_circles_are_refused_whatever_their_length() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(1, plan).await;
        for n in 0..10 {
            world.put_group(ids[0], &format!("g{n}"), &[]).await;
        }
        for n in 0..9 {
            app.add_group_to_group(&format!("g{n}"), &format!("g{}", n + 1)).await.unwrap();
        }
        let head = world.head().await;
        for (child, parent) in [("g0", "G0"), ("g1", "g0"), ("g9", "g0"), ("G9", "ｇ5")] {
            let refused = app.add_group_to_group(child, parent).await;
            assert_eq!(conflict(refused), Conflict::Cycle, "R287, Q10, R38 {mode} {child} in {parent}");
        }
        assert_eq!(world.head().await, head, "{mode}");
        app.remove_group_from_group("g0", "g1").await.unwrap();
        app.add_group_to_group("g1", "g0").await.unwrap();
        assert!(is_missing(&app.remove_group_from_group("g0", "g1").await), "R38 {mode}");
    }
}

#[tokio::test]
async fn r287_circles_over_two_directories_are_refused_by_the_applications_scheme() {
    for (mode, plan) in modes() {
        // Aggregated: b stands in a in the upper directory; a may not be put into b in the lower one.
        let (world, app, ids) = World::internal(2, plan.clone()).await;
        aggregate(&app, MembershipScheme::Aggregated).await;
        for &id in &ids {
            world.put_group(id, "b", &[]).await;
            world.put_group(id, "a", &[]).await;
        }
        world.put_group(ids[0], "a", &["@b"]).await;
        allow(&app, ids[0], Permissions::READ_ONLY).await;
        let outcome = app.add_group_to_group("a", "b").await;
        assert_eq!(conflict(outcome), Conflict::Cycle, "aggregated, {mode}");

        // Canonical: p is canonical below, where it stands in c; c, canonical above, may not be put into p.
        let (world, app, ids) = World::internal(2, plan).await;
        world.put_group(ids[0], "c", &[]).await;
        world.put_group(ids[1], "p", &[]).await;
        world.put_group(ids[1], "c", &["@p"]).await;
        let outcome = app.add_group_to_group("c", "p").await;
        assert_eq!(conflict(outcome), Conflict::Cycle, "canonical, {mode}");
    }
}

#[tokio::test]
async fn r287_a_circle_inside_one_directory_is_a_circle_where_the_parent_is_canonical_elsewhere() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan.clone()).await;
        world.put_group(ids[0], "p", &[]).await;
        world.put_group(ids[1], "p", &[]).await;
        world.put_group(ids[1], "c", &["@p"]).await;
        let head = world.head().await;
        assert_eq!(conflict(app.add_group_to_group("c", "p").await), Conflict::Cycle, "stored, {mode}");
        assert_eq!(world.head().await, head, "{mode}");

        let remote = live(1);
        let (world, app, local) = World::live_below(&[&remote], plan).await;
        let [p, c] = ["p", "c"].map(|name| remote.put_group(name, "").unwrap().name);
        remote.put_member(&c, &Member::Group(p)).unwrap();
        world.put_group(local, "p", &[]).await;
        assert_eq!(conflict(app.add_group_to_group("c", "p").await), Conflict::Cycle, "live, {mode}");
    }
}

#[tokio::test]
async fn r288_groups_are_nested_where_the_child_is_canonical_and_nesting_is_known() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        world.put_group(ids[0], "child", &[]).await;
        world.put_group(ids[1], "child", &[]).await;
        world.put_group(ids[1], "parent", &[]).await;
        app.add_group_to_group("child", "parent").await.unwrap();
        assert_eq!(world.members(ids[0], "parent").await, ["@child"], "R288: made on demand {mode}");
        assert!(world.members(ids[1], "parent").await.is_empty(), "{mode}");
        assert_eq!(conflict(app.add_group_to_group("child", "parent").await), Conflict::AlreadyMember);
        assert!(is_missing(&app.add_group_to_group("nobody", "parent").await), "{mode}");
        assert!(is_missing(&app.add_group_to_group("child", "nobody").await), "{mode}");

        world.put_group(ids[0], "other", &[]).await;
        world.settle(ids[0], |settings| settings.nesting = Nesting::Direct).await;
        let refused = app.add_group_to_group("other", "parent").await;
        assert!(matches!(refused, Err(Error::Invalid(Invalid::NoNesting))), "R402 {mode}");
    }
}

#[tokio::test]
async fn memberships_in_a_live_directory_are_written_there() {
    for (mode, plan) in modes() {
        let remote = live(1);
        remote.put("anna").unwrap();
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        world.put_group(local, "staff", &[]).await;
        let anna = find(&app, "anna").await;
        app.add_user_to_group(&anna, "staff").await.unwrap();
        assert_eq!(groups(&app, "anna", Depth::Direct).await, ["staff"], "R280 {mode}");
        assert_eq!(remote.calls(Call::AddMember), 1, "{mode}");
        assert!(world.members(local, "staff").await.is_empty(), "{mode}");
        app.remove_user_from_group(&anna, "staff").await.unwrap();
        assert!(remote.put_member(&group_name("staff"), &member("anna")).is_ok(), "it was gone {mode}");
        remote.behave_on(Call::RemoveMember, Behaviour::Hanging);
        tokio::time::pause();
        assert!(is_unavailable(&app.remove_user_from_group(&anna, "staff").await), "{mode}");
        tokio::time::resume();
    }
}

/// A nesting that could be stored and not be read would take the groups of everybody below it away (T26).
#[tokio::test]
async fn t26_no_chain_is_built_that_is_deeper_than_what_is_followed() {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    world.put(ids[0], "anna").await;
    for half in ["low", "high"] {
        for n in 0..33 {
            world.put_group(ids[0], &format!("{half}{n}"), &[]).await;
        }
        for n in 0..32 {
            app.add_group_to_group(&format!("{half}{n}"), &format!("{half}{}", n + 1)).await.unwrap();
        }
    }
    let anna = find(&app, "anna").await;
    app.add_user_to_group(&anna, "low0").await.unwrap();
    let refused = app.add_group_to_group("low32", "high0").await;
    assert!(matches!(refused, Err(Error::Invalid(Invalid::Limit(_)))), "65 steps: {refused:?}");
    app.add_group_to_group("low32", "high1").await.unwrap();
    assert_eq!(app.groups_of(&anna, Depth::Nested).await.unwrap().len(), 33 + 32);
}
