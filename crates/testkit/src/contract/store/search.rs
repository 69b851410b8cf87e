//! Searching users and groups.

use std::collections::BTreeSet;

use throng_core::filter::{Filter, Property, Test};
use throng_core::group::Group;
use throng_core::id::DirectoryId;
use throng_core::name::Key;
use throng_core::page::{Page, PageRequest};
use throng_core::store::{Namesakes, Store};
use throng_core::user::User;

use super::scene::*;

/// Users of every kind in two directories: the same names with other properties.
async fn people(scene: &Scene<'_>) -> Vec<(DirectoryId, User)> {
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let mut people = Vec::new();
    for (number, name) in ["anna", "Bela", "çağla", "100%", "a_b", "o'brien", "dora"].into_iter().enumerate()
    {
        let mut one = user(name);
        one.profile.display_name = format!("{name} the {number}th");
        one.profile.first_name = ["Anna", "", "Çağla"][number % 3].to_owned();
        one.profile.last_name = "Berg\\Tal".to_owned();
        one.profile.email = format!("{number}@EXAMPLE.com");
        one.active = number % 2 == 0;
        one.attributes = attributes(&[("office", &["Wien", "Straße 100%"]), ("empty", &[""])]);
        people.push((east, one.clone()));
        if number % 2 == 1 {
            let mut namesake = user(name);
            namesake.profile.email = "other@example.org".to_owned();
            namesake.attributes = attributes(&[("Office", &["WIEN"])]);
            people.push((west, namesake));
        }
    }
    for (directory, one) in &people {
        scene.change(add_user(*directory, one.clone())).await;
    }
    people
}

/// All tests of all properties with telling texts, and some of their combinations.
fn filters() -> Vec<Filter> {
    let properties = [
        Property::Name,
        Property::DisplayName,
        Property::FirstName,
        Property::LastName,
        Property::Email,
        Property::Description,
        Property::Active,
        Property::Attribute("office".into()),
        Property::Attribute("Office".into()),
        Property::Attribute("empty".into()),
        Property::Attribute("none' OR 1=1 --".into()),
    ];
    let texts = ["a", "ANNA", "çağla", "100%", "%", "_", "\\", "'", "example.com", "wien", "strasse", ""];
    let mut filters = vec![Filter::everything()];
    for property in properties {
        for text in texts.map(Key::of) {
            for test in [Test::Equals, Test::StartsWith, Test::EndsWith, Test::Contains] {
                filters.push(Filter::term(property.clone(), test(text.clone())));
            }
        }
        for test in [Test::Is(true), Test::Is(false), Test::Missing] {
            filters.push(Filter::term(property.clone(), test));
        }
    }
    for pair in filters.clone().windows(2).step_by(7) {
        filters.extend([
            Filter::all(pair.to_vec()).expect("two terms"),
            Filter::any(pair.to_vec()).expect("two terms"),
            Filter::negate(pair[0].clone()).expect("one term"),
        ]);
    }
    filters.extend([Filter::all(Vec::new()).expect("nothing"), Filter::any(Vec::new()).expect("nothing")]);
    filters
}

/// Follows the pages of a search to its end, holding each of them to the rules.
async fn walk<T, F: Future<Output = Page<Namesakes<T>>>>(
    limit: usize,
    search: impl Fn(PageRequest) -> F,
) -> Vec<Namesakes<T>> {
    let mut request = PageRequest::first(limit);
    let mut found: Vec<Namesakes<T>> = Vec::new();
    loop {
        let page = search(request.clone()).await;
        assert!(page.items.len() <= limit, "a page holds at most its limit of names");
        for namesakes in page.items {
            let last = found.last().map(|namesakes| &namesakes.key);
            assert!(request.reaches(&namesakes.key), "a page begins after its start");
            assert!(last.is_none_or(|last| namesakes.key > *last), "names come in the order of keys");
            found.push(namesakes);
        }
        let Some(next) = page.next else { return found };
        assert!(request.reaches(&next), "pages go on");
        assert!(
            found.last().is_none_or(|namesakes| namesakes.key <= next),
            "a page continues after the last key looked at"
        );
        request = request.after(next);
    }
}

fn names<T>(found: &[Namesakes<T>]) -> Vec<&str> {
    found.iter().map(|namesakes| namesakes.key.as_str()).collect()
}

async fn all_users(
    store: &dyn Store,
    directories: &[DirectoryId],
    filter: &Filter,
    limit: usize,
) -> Vec<Namesakes<User>> {
    walk(limit, |page| async move { done(store.search_users(directories, filter, &page).await) }).await
}

async fn all_groups(
    store: &dyn Store,
    directories: &[DirectoryId],
    filter: &Filter,
    limit: usize,
) -> Vec<Namesakes<Group>> {
    walk(limit, |page| async move { done(store.search_groups(directories, filter, &page).await) }).await
}

/// [`Records::search_users`] 2: no name that passes is left out, whatever the filter (Filter 1, 3 and 4).
///
/// [`Records::search_users`]: throng_core::store::Records::search_users
pub async fn search_users_leaves_out_no_name_that_passes(store: &dyn Store) {
    let scene = Scene::on(store);
    let people = people(&scene).await;
    let directories: Vec<DirectoryId> = people.iter().map(|(directory, _)| *directory).collect();
    let directories = [directories[0], directories[2]];
    for filter in filters() {
        let found = all_users(store, &directories, &filter, 1_000).await;
        let found: BTreeSet<&Key> = found.iter().map(|namesakes| &namesakes.key).collect();
        for (directory, person) in &people {
            let passes = filter.matches_user(person) && directories.contains(directory);
            assert!(!passes || found.contains(person.key()), "{person:?} passes {filter:?}");
        }
    }
}

/// `Records::search_users` 1: the occurrence that does not pass comes along with the one that does.
pub async fn search_users_gives_every_occurrence_of_a_name(store: &dyn Store) {
    let scene = Scene::on(store);
    let people = people(&scene).await;
    let (east, west) = (people[0].0, people[2].0);
    assert_ne!(east, west);
    let filter = Filter::email("other@example.org");
    for namesakes in all_users(store, &[east, west], &filter, 1_000).await {
        let mut holders = namesakes.holders;
        let mut expected: Vec<_> = people.clone();
        expected.retain(|(_, person)| *person.key() == namesakes.key);
        holders.sort_by_key(|(directory, _)| *directory);
        expected.sort_by_key(|(directory, _)| *directory);
        assert_eq!(holders, expected);
    }
}

/// `Records::search_users` looks nowhere but in the directories given.
pub async fn search_users_keeps_to_its_directories(store: &dyn Store) {
    let scene = Scene::on(store);
    let people = people(&scene).await;
    let west = people[2].0;
    let found = all_users(store, &[west], &Filter::everything(), 1_000).await;
    assert_eq!(names(&found), ["100%", "bela", "o'brien"]);
    assert!(found.iter().all(|namesakes| namesakes.holders.len() == 1 && namesakes.holders[0].0 == west));
    assert_eq!(all_users(store, &[], &Filter::everything(), 1_000).await, []);
    let unknown = DirectoryId::from_bytes([9; 16]);
    assert_eq!(all_users(store, &[unknown], &Filter::everything(), 1_000).await, []);
}

/// `Records::search_users` 3: pages of any size give the same whole, in the order of the keys' bytes (T19).
pub async fn search_users_pages_by_key_t19(store: &dyn Store) {
    let scene = Scene::on(store);
    let people = people(&scene).await;
    let directories = [people[0].0, people[2].0];
    for limit in [1, 2, 3, 6, 7, 8, 1_000] {
        let found = all_users(store, &directories, &Filter::everything(), limit).await;
        assert_eq!(
            names(&found),
            ["100%", "a_b", "anna", "bela", "dora", "o'brien", "çağla"],
            "pages of {limit}"
        );
    }
}

/// `Records::search_users` 3: what is added or removed between two pages repeats and hides nothing else
/// (R246).
pub async fn search_pages_survive_changes_between_them(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["b", "d", "f", "h"]).await;
    let everything = Filter::everything();
    let first = PageRequest::first(2);
    let page = done(store.search_users(&[east], &everything, &first).await);
    assert_eq!(names(&page.items), ["b", "d"]);
    scene.change(remove_user(&subject(east, "d"))).await;
    scene.users(east, ["a", "e"]).await;
    let next = first.after(page.next.expect("more follow"));
    let page = done(store.search_users(&[east], &everything, &next).await);
    assert_eq!(names(&page.items), ["e", "f"]);
}

/// `Records::search_users` 3 and `Records::search_groups` 3 hold for a list of names, too.
pub async fn search_finds_listed_names_once_on_pages_of_any_size(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["anna", "bela", "cleo", "dora"]).await;
    for name in ["anna", "bela", "cleo", "dora"] {
        scene.change(add_group(east, group(name))).await;
    }
    let named = ["dora", "nobody", "anna", "cleo", "anna"]
        .map(|name| Filter::term(Property::Name, Test::Equals(Key::of(name))));
    let filter = Filter::any(named.to_vec()).expect("few terms");
    for limit in [1, 2, 3, 4] {
        let users = all_users(store, &[east], &filter, limit).await;
        let groups = all_groups(store, &[east], &filter, limit).await;
        for named in ["anna", "cleo", "dora"] {
            assert_eq!(names(&users).iter().filter(|name| **name == named).count(), 1, "pages of {limit}");
            assert_eq!(names(&groups).iter().filter(|name| **name == named).count(), 1, "pages of {limit}");
        }
    }
}

/// `Records::search_users` bears the widest and the deepest filter there can be (T81).
pub async fn search_bears_the_largest_filter_t81(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["anna", "bela"]).await;
    let term = |number| Filter::name_starts_with(&format!("bel{}", "a".repeat(number % 2)));
    let wide = (0..Filter::MAX_TERMS).map(term).collect();
    let wide = Filter::any(wide).expect("just as many terms as there may be");
    let mut deep = Filter::name_starts_with("bela");
    for _ in 1..Filter::MAX_DEPTH - 1 {
        deep = Filter::negate(deep).expect("not too deep");
    }
    for filter in [wide, deep] {
        let found = all_users(store, &[east], &filter, 1_000).await;
        assert!(names(&found).contains(&"bela"), "the filter that bela passes");
    }
}

/// [`Records::namesakes`]: everybody of the names, in the order of keys, each name once.
///
/// [`Records::namesakes`]: throng_core::store::Records::namesakes
pub async fn namesakes_come_in_the_order_of_keys(store: &dyn Store) {
    let scene = Scene::on(store);
    let people = people(&scene).await;
    let (east, west) = (people[0].0, people[2].0);
    let asked = keys(["çağla", "nobody", "bela", "anna", "bela"]);
    let found = done(store.namesakes(&[east, west], &asked).await);
    assert_eq!(names(&found), ["anna", "bela", "çağla"]);
    let holders: Vec<usize> = found.iter().map(|namesakes| namesakes.holders.len()).collect();
    assert_eq!(holders, [1, 2, 1]);
    assert_eq!(names(&done(store.namesakes(&[west], &asked).await)), ["bela"]);
    assert_eq!(done(store.namesakes(&[east, west], &[]).await), []);
    assert_eq!(done(store.namesakes(&[], &asked).await), []);
}

/// `Records::namesakes` bears as many names as a full page holds.
pub async fn namesakes_of_a_full_page(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let all: Vec<String> = (0..PageRequest::MAX_LIMIT).map(|number| format!("u{number:04}")).collect();
    scene.apply(all.iter().map(|name| add_user(east, user(name))).collect()).await;
    let keys: Vec<Key> = all.iter().map(|name| Key::of(name)).collect();
    assert_eq!(names(&done(store.namesakes(&[east], &keys).await)), all);
    let found = all_users(store, &[east], &Filter::everything(), PageRequest::MAX_LIMIT).await;
    assert_eq!(names(&found), all);
}

async fn teams(scene: &Scene<'_>) -> Vec<(DirectoryId, Group)> {
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let mut teams = Vec::new();
    for (number, name) in ["staff", "Devs", "100%", "çekirdek"].into_iter().enumerate() {
        let mut one = group(name);
        one.description = ["the 100% team", "", "o'clock"][number % 3].to_owned();
        one.attributes = attributes(&[("office", &["Wien"])]);
        teams.push((east, one));
        if number % 2 == 1 {
            teams.push((west, group(name)));
        }
    }
    for (directory, one) in &teams {
        scene.change(add_group(*directory, one.clone())).await;
    }
    teams
}

/// [`Records::search_groups`] 2: no name that passes is left out, whatever the filter.
///
/// [`Records::search_groups`]: throng_core::store::Records::search_groups
pub async fn search_groups_leaves_out_no_name_that_passes(store: &dyn Store) {
    let scene = Scene::on(store);
    let teams = teams(&scene).await;
    let directories = [teams[0].0, teams[2].0];
    for filter in filters() {
        let found = all_groups(store, &directories, &filter, 1_000).await;
        let found: BTreeSet<&Key> = found.iter().map(|namesakes| &namesakes.key).collect();
        for (_, team) in &teams {
            let passes = filter.matches_group(team);
            assert!(!passes || found.contains(team.key()), "{team:?} passes {filter:?}");
        }
    }
}

/// `Records::search_groups` 1: every occurrence in the directories, and in no others.
pub async fn search_groups_gives_every_occurrence_of_a_name(store: &dyn Store) {
    let scene = Scene::on(store);
    let teams = teams(&scene).await;
    let (east, west) = (teams[0].0, teams[2].0);
    let filter = Filter::name_starts_with("dev");
    for (directories, count) in [(vec![east, west], 2), (vec![west], 1), (vec![], 0)] {
        let found = all_groups(store, &directories, &filter, 1_000).await;
        let devs = found.iter().find(|namesakes| namesakes.key == Key::of("devs"));
        assert_eq!(devs.map_or(0, |devs| devs.holders.len()), count);
    }
}

/// `Records::search_groups` 3: pages of any size give the same whole, in the order of keys.
pub async fn search_groups_pages_by_key(store: &dyn Store) {
    let scene = Scene::on(store);
    let teams = teams(&scene).await;
    let directories = [teams[0].0, teams[2].0];
    for limit in [1, 2, 3, 4, 5] {
        let found = all_groups(store, &directories, &Filter::everything(), limit).await;
        assert_eq!(names(&found), ["100%", "devs", "staff", "çekirdek"], "pages of {limit}");
    }
}
