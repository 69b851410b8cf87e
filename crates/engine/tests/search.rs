//! Searches over several directories: merging, shadowing, silence and paging.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use throng_core::filter::{Filter, Property, Test};
use throng_core::name::Key;
use throng_core::page::PageRequest;
use throng_core::plan::{Plan, SeatPolicy};
use throng_core::user::{Profile, User};
use throng_engine::Application;
use throng_testkit::script::{Behaviour, Call, ScriptedDirectory};
use world::{World, is_unavailable, live, modes, policy, spelled};

async fn everybody(app: &Application, limit: usize) -> Vec<String> {
    all(app, &Filter::everything(), limit).await
}

/// All pages of a search, one after the other.
async fn all(app: &Application, filter: &Filter, limit: usize) -> Vec<String> {
    let (mut names, mut request) = (Vec::new(), PageRequest::first(limit));
    loop {
        let page = app.search_users(filter, &request).await.unwrap();
        assert!(page.items.len() <= limit, "a page of {limit}");
        names.extend(spelled(&page));
        match page.next {
            Some(next) => request = request.after(next),
            None => return names,
        }
    }
}

fn put_email(directory: &ScriptedDirectory, name: &str, email: &str) -> User {
    let mut user = directory.put(name).unwrap();
    directory.drop_user(&user.external_id).unwrap();
    user.profile.email = email.into();
    directory.put_user(user.clone()).unwrap();
    user
}

#[tokio::test]
async fn q04_a_filter_that_matches_the_shadowed_copy_alone_finds_nothing_by_default() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(3, plan).await;
        world.put_email(ids[0], "Anna", "new@example.org").await;
        world.put_email(ids[1], "ANNA", "old@example.org").await;
        world.put_email(ids[2], "anna", "older@example.org").await;
        for (email, shown_by_crowd) in [("old@example.org", ids[1]), ("older@example.org", ids[2])] {
            let found = app.search_users(&Filter::email(email), &PageRequest::default()).await.unwrap();
            match mode {
                "throng" => assert!(found.items.is_empty(), "Q04"),
                _ => assert_eq!(found.items[0].directory, shown_by_crowd, "R244"),
            }
        }
        let both = app.search_users(&Filter::name_starts_with("AN"), &PageRequest::default()).await.unwrap();
        assert_eq!(spelled(&both), ["Anna"], "R240, R241 {mode}");
        assert_eq!(both.items[0].directory, ids[0], "R241 {mode}");
    }
}

#[tokio::test]
async fn q04_a_live_directory_shadows_what_is_stored_below_it() {
    for (mode, plan) in modes() {
        let remote = live(1);
        put_email(&remote, "anna", "new@example.org");
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        world.put_email(local, "anna", "old@example.org").await;
        world.put_email(local, "berta", "berta@example.org").await;
        let old = app.search_users(&Filter::email("old@example.org"), &PageRequest::default()).await.unwrap();
        match mode {
            "throng" => assert!(old.items.is_empty(), "Q04"),
            _ => assert_eq!(old.items[0].directory, local, "R244"),
        }
        assert_eq!(everybody(&app, 10).await, ["anna", "berta"], "{mode}");
    }
}

#[tokio::test]
async fn q04_a_stored_directory_shadows_a_live_one_below_it() {
    for (mode, plan) in modes() {
        let remote = live(1);
        put_email(&remote, "anna", "old@example.org");
        put_email(&remote, "carl", "carl@example.org");
        let (world, app, local) = World::live_below(&[&remote], plan).await;
        world.put_email(local, "ANNA", "new@example.org").await;
        let old = app.search_users(&Filter::email("old@example.org"), &PageRequest::default()).await.unwrap();
        assert_eq!(spelled(&old).len(), usize::from(mode == "crowd"), "Q04, R244");
        assert_eq!(everybody(&app, 10).await, ["ANNA", "carl"], "R241 {mode}");
    }
}

#[tokio::test]
async fn q04_a_live_directory_shadows_another_live_one() {
    let (upper, lower) = (live(1), live(2));
    put_email(&upper, "anna", "new@example.org");
    put_email(&lower, "anna", "old@example.org");
    let (_world, app, _) = World::live_above(&[&upper, &lower], Plan::new()).await;
    let old = app.search_users(&Filter::email("old@example.org"), &PageRequest::default()).await.unwrap();
    assert!(old.items.is_empty());
}

#[tokio::test]
async fn q04_negations_look_at_the_canonical_occurrence_too() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put_email(ids[0], "anna", "anna@example.org").await;
    world.put(ids[1], "anna").await;
    let without = Filter::term(Property::Email, Test::Missing);
    let with = Filter::negate(without.clone()).unwrap();
    assert!(all(&app, &without, 10).await.is_empty(), "the copy without an address is shadowed");
    assert_eq!(all(&app, &with, 10).await, ["anna"]);
}

#[tokio::test(start_paused = true)]
async fn r243_a_silent_directory_fails_the_search_in_both_modes() {
    for (mode, plan) in modes() {
        for how in [Behaviour::Silent, Behaviour::Hanging, Behaviour::Slow(Duration::from_secs(3_600))] {
            let remote = live(1);
            let (world, app, local) = World::live_below(&[&remote], plan.clone()).await;
            world.put(local, "anna").await;
            remote.behave(how);
            let found = app.search_users(&Filter::everything(), &PageRequest::default()).await;
            assert!(is_unavailable(&found), "{mode} {how:?}: {found:?}");
            assert!(found.unwrap_err().is_retryable());
            let groups = app.search_groups(&Filter::everything(), &PageRequest::default()).await;
            assert!(is_unavailable(&groups), "{mode} {how:?}");
            // No policy turns a part into the whole.
            policy(&app, SeatPolicy { lookup: throng_core::plan::OnSilence::Pass, ..SeatPolicy::CROWD })
                .await;
            let found = app.search_users(&Filter::everything(), &PageRequest::default()).await;
            assert!(is_unavailable(&found), "{mode} {how:?}");
        }
    }
}

#[tokio::test]
async fn r243_silence_only_about_a_namesake_above_fails_the_search_too() {
    let remote = live(1);
    let (world, app, local) = World::live_above(&[&remote], Plan::new()).await;
    world.put(local, "anna").await;
    remote.behave_on(Call::User, Behaviour::Silent);
    let found = app.search_users(&Filter::everything(), &PageRequest::default()).await;
    assert!(is_unavailable(&found), "whether anna is shadowed cannot be said");
}

#[tokio::test]
async fn r243_a_detached_directory_is_silent() {
    let remote = live(1);
    let (world, _, local) = World::live_below(&[&remote], Plan::new()).await;
    world.put(local, "anna").await;
    let store = std::sync::Arc::clone(&world.store) as std::sync::Arc<dyn throng_core::store::Store>;
    let without = throng_engine::Throng::over(store).build().await.unwrap();
    let app = without.application("wiki").unwrap();
    assert!(is_unavailable(&app.search_users(&Filter::everything(), &PageRequest::default()).await));
    assert!(is_unavailable(&app.find_user("nobody").await), "R204");
    assert_eq!(app.find_user("anna").await.unwrap().directory(), local, "the holder is above");
}

#[tokio::test]
async fn r240_pages_of_any_size_give_what_one_page_gives() {
    for (mode, plan) in modes() {
        let (upper, lower) = (live(1), live(2));
        let (world, app, local) = World::live_above(&[&upper, &lower], plan).await;
        for n in 0..23 {
            let name = |kind: &str| format!("{kind}{n:02}");
            for (directory, every) in [(&upper, 3), (&lower, 2)] {
                if n % every == 0 {
                    directory.put(&name("U")).unwrap();
                }
            }
            world.put(local, &name("u")).await;
            if n % 5 == 0 {
                upper.put(&name("x")).unwrap();
                lower.put(&name("y")).unwrap();
            }
        }
        let whole = everybody(&app, 1_000).await;
        assert_eq!(whole.len(), 23 + 5 + 5, "each name once {mode}");
        let keys: Vec<Key> = whole.iter().map(|name| Key::of(name)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "in the order of names {mode}");
        for limit in [1, 2, 3, 7, 33, 34] {
            assert_eq!(everybody(&app, limit).await, whole, "{mode}, pages of {limit}");
        }
    }
}

#[tokio::test]
async fn r246_a_limit_beyond_the_greatest_is_held() {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    for n in 0..1_003 {
        world.put(ids[0], &format!("u{n:04}")).await;
    }
    let page = app.search_users(&Filter::everything(), &PageRequest::first(usize::MAX)).await.unwrap();
    assert_eq!(page.items.len(), PageRequest::MAX_LIMIT);
    assert_eq!(page.next, Some(Key::of("u0999")));
}

#[tokio::test]
async fn a_page_continues_after_the_last_name_whatever_is_made_or_removed_meanwhile() {
    for (mode, plan) in modes() {
        let remote = live(1);
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        for name in ["b", "d", "f", "h", "j"] {
            world.put(local, name).await;
        }
        let first = app.search_users(&Filter::everything(), &PageRequest::first(2)).await.unwrap();
        assert_eq!(spelled(&first), ["b", "d"]);
        // Before, at and after the place where the page ended; above and below.
        for name in ["a", "c", "D", "e"] {
            remote.put(name).unwrap();
        }
        world.put(local, "cc").await;
        let gone = world.held(local, "b").await.unwrap();
        world.drop_user(local, &gone).await;
        let request = PageRequest::first(2).after(first.next.unwrap());
        let second = app.search_users(&Filter::everything(), &request).await.unwrap();
        assert_eq!(spelled(&second), ["e", "f"], "nothing repeats, nothing is left out {mode}");
        let third =
            app.search_users(&Filter::everything(), &request.after(second.next.unwrap())).await.unwrap();
        assert_eq!((spelled(&third), third.next), (vec!["h".to_owned(), "j".to_owned()], None), "{mode}");
    }
}

#[tokio::test]
async fn a_page_may_continue_after_a_name_that_is_gone_or_never_was() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    for (directory, name) in [(ids[0], "a"), (ids[1], "c")] {
        world.put(directory, name).await;
    }
    let request = PageRequest::first(10).after(Key::of("b"));
    let page = app.search_users(&Filter::everything(), &request).await.unwrap();
    assert_eq!(spelled(&page), ["c"]);
    let beyond = PageRequest::first(10).after(Key::of("zzz"));
    assert!(app.search_users(&Filter::everything(), &beyond).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn t81_wildcards_are_letters() {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    for name in ["%", "_", "a%b", "axb", "*"] {
        world.put(ids[0], name).await;
    }
    for (text, expected) in [("%", vec!["%"]), ("_", vec!["_"]), ("a%", vec!["a%b"]), ("*", vec!["*"])] {
        assert_eq!(all(&app, &Filter::name_starts_with(text), 10).await, expected, "N51, N52");
    }
}

#[tokio::test]
async fn text_is_compared_by_key() {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    let profile = Profile { display_name: "Ｇｒüne Straße".into(), ..Profile::default() };
    world.put_profile(ids[0], "gina", profile).await;
    for text in ["grüne strasse", "GRU\u{308}NE STRASSE"] {
        let filter = Filter::term(Property::DisplayName, Test::Equals(Key::of(text)));
        assert_eq!(all(&app, &filter, 10).await, ["gina"], "T15: {text}");
    }
}

#[tokio::test]
async fn r230_a_search_for_groups_looks_at_the_canonical_group() {
    for (mode, plan) in modes() {
        let remote = live(1);
        remote.put_group("staff", "upper").unwrap();
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        world.put_group(local, "Staff", &[]).await;
        world.put_group(local, "wheel", &[]).await;
        let page = app.search_groups(&Filter::everything(), &PageRequest::default()).await.unwrap();
        let found: Vec<_> =
            page.items.iter().map(|item| (item.directory, item.value.name.as_str())).collect();
        assert_eq!(found, [(remote_id(&remote), "staff"), (local, "wheel")], "{mode}");
        let plain = Filter::term(Property::Description, Test::Missing);
        let page = app.search_groups(&plain, &PageRequest::default()).await.unwrap();
        let names: Vec<_> = page.items.iter().map(|item| item.value.name.as_str()).collect();
        match mode {
            "throng" => assert_eq!(names, ["wheel"], "Q04"),
            _ => assert_eq!(names, ["Staff", "wheel"], "R244"),
        }
    }
}

fn remote_id(remote: &ScriptedDirectory) -> throng_core::id::DirectoryId {
    use throng_core::directory::Directory;
    remote.id()
}

#[tokio::test]
async fn r293_an_inactive_directory_is_not_searched_and_shadows_nobody() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        world.put_email(ids[0], "anna", "new@example.org").await;
        world.put_email(ids[1], "anna", "old@example.org").await;
        world.put(ids[0], "only above").await;
        world.switch_off(ids[0]).await;
        let page = app.search_users(&Filter::everything(), &PageRequest::default()).await.unwrap();
        assert_eq!(spelled(&page), ["anna"], "{mode}");
        assert_eq!(page.items[0].directory, ids[1], "{mode}");
    }
}

#[tokio::test]
async fn a_corrupt_directory_below_spoils_no_explanation() {
    let remote = live(1);
    let (world, app, local) = World::live_below(&[&remote], Plan::new()).await;
    world.put(local, "anna").await;
    for how in [Behaviour::Broken, Behaviour::Lying(throng_testkit::script::Lie::Name)] {
        remote.behave(how);
        assert_eq!(app.find_user("anna").await.unwrap().directory(), local);
        let explained = app.explain("anna").await;
        assert!(explained.is_ok(), "the state is what `find_user` answers, {how:?}: {explained:?}");
    }
}

#[tokio::test]
async fn t17_a_live_directory_that_answers_for_another_name_is_believed_by_nobody() {
    for (mode, plan) in modes() {
        let remote = live(1);
        remote.put("anna").unwrap();
        remote.put_group("staff", "").unwrap();
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        world.put(local, "anna").await;
        world.put(local, "berta").await;
        world.put_group(local, "staff", &[]).await;
        remote.behave(Behaviour::Lying(throng_testkit::script::Lie::Name));
        for name in ["anna", "berta"] {
            let found = app.find_user(name).await;
            assert!(matches!(found, Err(throng_engine::Error::Broken(_))), "{mode} {name}: {found:?}");
        }
        let found = app.find_group("staff").await;
        assert!(matches!(found, Err(throng_engine::Error::Broken(_))), "{mode}: {found:?}");
    }
}
