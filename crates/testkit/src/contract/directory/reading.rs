//! What every directory answers.

use std::collections::BTreeSet;

use throng_core::directory::{Credence, Directory, Powers, Refusal};
use throng_core::filter::{Filter, Property, Test};
use throng_core::name::Key;
use throng_core::page::{Page, PageRequest};

use super::fixture::DirectoryFixture;
use super::steps::*;
use super::world::*;

/// The powers reported are the powers listed, in both directions.
pub async fn the_powers_are_those_listed(directory: &dyn Directory, listed: &[&str]) {
    let listed: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(reported(directory.powers()), listed, "powers reported, and powers listed");
}

fn reported(powers: Powers<'_>) -> BTreeSet<&'static str> {
    let Powers { users, groups, members, passwords, sync, hashes } = powers;
    let powers = [
        ("users", users.is_some()),
        ("groups", groups.is_some()),
        ("members", members.is_some()),
        ("passwords", passwords.is_some()),
        ("sync", sync.is_some()),
        ("hashes", hashes.is_some()),
    ];
    powers.into_iter().filter(|(_, can)| *can).map(|(name, _)| name).collect()
}

/// [`Directory::id`] and [`Directory::powers`] are the same in every call.
pub async fn the_id_and_the_powers_never_change(directory: &dyn Directory) {
    let (id, powers) = (directory.id(), reported(directory.powers()));
    let _ = find(directory, "anna").await;
    assert_eq!((directory.id(), reported(directory.powers())), (id, powers));
}

/// [`Directory::user`] 1 and 3: any spelling of the key finds the user, whose name has that key (T17).
pub async fn a_user_is_found_by_any_spelling_t17(directory: &dyn Directory) {
    for (asked, spelled) in [
        ("anna", "anna"),
        ("ANNA", "anna"),
        ("ａｎｎａ", "anna"),
        ("bela", "Bela"),
        ("ÇAĞLA", "çağla"),
        ("c\u{327}ag\u{306}la", "çağla"),
        ("O'Brien", "o'brien"),
    ] {
        let found = find(directory, asked).await;
        let found = found.unwrap_or_else(|| unreachable!("{asked:?} finds {spelled:?}"));
        assert_eq!(found.key(), &Key::of(asked));
        assert_eq!(found.name.as_str(), spelled, "a name is given as it is spelled");
    }
}

/// `Directory::user`: the user comes with what people see and whether it is active.
pub async fn a_user_comes_whole(fixture: &DirectoryFixture) {
    let directory = fixture.directory();
    for expected in &World::standard().users {
        let found = find(directory, expected.name.as_str()).await;
        let found = found.unwrap_or_else(|| unreachable!("{:?} is there", expected.name));
        assert_eq!(found.profile, expected.shown(fixture.display_names()));
        assert_eq!(found.active, expected.active, "{:?}", expected.name);
    }
}

/// `Directory::user` 2: nobody is found by another name, whatever signs are in it (T17, T80).
pub async fn nobody_is_found_by_another_name_t17(directory: &dyn Directory) {
    for asked in [
        "nobody",
        "ann",
        "anna2",
        "annaa",
        "cagla",
        "staff",
        "*",
        "an*",
        "ann_",
        "%",
        "anna)(uid=*",
        "anna\\",
        "' OR '1'='1",
        "anna@example.com",
        "anna --",
    ] {
        assert_eq!(find(directory, asked).await, None, "{asked:?}");
    }
}

/// [`Directory::group`]: by any spelling, whole, and none by another name.
pub async fn a_group_is_found_by_any_spelling(directory: &dyn Directory) {
    for (asked, spelled) in
        [("staff", "staff"), ("STAFF", "staff"), ("devs", "Devs"), ("Leere gruppe", "leere Gruppe")]
    {
        let found = find_group(directory, asked).await;
        let found = found.unwrap_or_else(|| unreachable!("{asked:?} finds {spelled:?}"));
        assert_eq!(found.name.as_str(), spelled);
        let team = World::standard().groups.iter().find(|team| team.name == found.name);
        assert_eq!(team.map(|team| &team.description), Some(&found.description));
    }
    for asked in ["dev", "devs2", "anna", "*", "staf_", "%", "staff)(cn=*", "' OR '1'='1"] {
        assert_eq!(find_group(directory, asked).await, None, "{asked:?}");
    }
}

fn filters() -> Vec<Filter> {
    let properties = [
        Property::Name,
        Property::DisplayName,
        Property::FirstName,
        Property::LastName,
        Property::Email,
        Property::Description,
        Property::Active,
        Property::Attribute("no such attribute".into()),
    ];
    let texts = ["a", "ANNA", "Ops", "çağla", "100%", "%", "_", "*", "'", "example.com", ")(uid=*", ""];
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
    for pair in filters.clone().windows(2).step_by(5) {
        filters.extend([
            Filter::all(pair.to_vec()).expect("two terms"),
            Filter::any(pair.to_vec()).expect("two terms"),
            Filter::negate(pair[0].clone()).expect("one term"),
        ]);
    }
    filters
}

/// [`Directory::find_users`] 1: exactly those who pass, whatever the filter (Filter 1, 3 and 4).
pub async fn exactly_the_users_who_pass_are_found(directory: &dyn Directory) {
    let everybody = all_users(directory).await;
    let names: Vec<&str> = everybody.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["anna", "Bela", "dora", "emil", "o'brien", "ops", "çağla"]);
    for filter in filters() {
        let page = done(directory.find_users(&filter, &PageRequest::default()).await);
        let mut expected = everybody.clone();
        expected.retain(|user| filter.matches_user(user));
        assert_eq!(page.items, expected, "{filter:?}");
    }
}

/// `Directory::find_users` 2 and 3: pages of any size give the same whole, in the order of keys.
pub async fn found_users_are_paged_by_key(directory: &dyn Directory) {
    let everybody = all_users(directory).await;
    let some = Filter::term(Property::Active, Test::Is(true));
    for limit in 1..=8 {
        for filter in [Filter::everything(), some.clone()] {
            let mut expected = everybody.clone();
            expected.retain(|user| filter.matches_user(user));
            let page_at = |page| {
                let filter = &filter;
                async move { done(directory.find_users(filter, &page).await) }
            };
            let found = walk(limit, 0, page_at, |user| user.key().clone()).await;
            assert_eq!(found, expected, "pages of {limit}");
        }
    }
}

/// [`Directory::find_groups`] 1: exactly those that pass, whatever the filter.
pub async fn exactly_the_groups_that_pass_are_found(directory: &dyn Directory) {
    let all = done(directory.find_groups(&Filter::everything(), &PageRequest::default()).await).items;
    let names: Vec<&str> = all.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["Devs", "leere Gruppe", "Ops", "staff"]);
    for filter in filters() {
        let page = done(directory.find_groups(&filter, &PageRequest::default()).await);
        let mut expected = all.clone();
        expected.retain(|group| filter.matches_group(group));
        assert_eq!(page.items, expected, "{filter:?}");
    }
}

/// `Directory::find_groups` 2 and 3: pages of any size give the same whole, in the order of keys.
pub async fn found_groups_are_paged_by_key(directory: &dyn Directory) {
    let everything = Filter::everything();
    let all = done(directory.find_groups(&everything, &PageRequest::default()).await).items;
    for limit in 1..=5 {
        let page_at = |page| {
            let filter = &everything;
            async move { done(directory.find_groups(filter, &page).await) }
        };
        let found = walk(limit, 0, page_at, |group| group.key().clone()).await;
        assert_eq!(found, all, "pages of {limit}");
    }
}

/// [`Directory::parents_of`] 1 and 2: direct groups only, and none of who is not there.
pub async fn parents_are_direct(directory: &dyn Directory) {
    for (member, expected) in [
        (user("ANNA"), vec!["Devs"]),
        (user("bela"), vec!["staff"]),
        (user("ops"), vec!["Ops", "staff"]),
        (group("ops"), vec!["staff"]),
        (group("DEVS"), vec!["staff"]),
        (group("staff"), vec![]),
        (user("emil"), vec![]),
        (user("nobody"), vec![]),
        (user("devs"), vec![]),
        (group("anna"), vec![]),
    ] {
        assert_eq!(parents(directory, &member).await, expected, "{member:?}");
    }
}

/// `Directory::parents_of` 3: paged by key.
pub async fn parents_are_paged_by_key(directory: &dyn Directory) {
    let ops = user("ops");
    for limit in 1..=3 {
        let page_at = |page| {
            let ops = &ops;
            async move { done(directory.parents_of(ops, &page).await) }
        };
        let found = walk(limit, 0, page_at, |group| group.key().clone()).await;
        assert_eq!(found, [group_name("Ops"), group_name("staff")], "pages of {limit}");
    }
}

/// [`Directory::children_of`] 1 and 2: users and groups in the order of keys, a user first; none of a group
/// that is not there.
pub async fn children_are_direct_and_in_the_order_of_keys(directory: &dyn Directory) {
    for team in &World::standard().groups {
        let page = done(directory.children_of(&team.name, &PageRequest::default()).await);
        assert_eq!(page.items, team.members, "{:?}", team.name);
        assert_eq!(page.next, None);
    }
    assert_eq!(children(directory, "STAFF").await, ["Bela", "Devs", "ops", "Ops"]);
    assert!(children(directory, "no such group").await.is_empty());
    assert!(children(directory, "anna").await.is_empty());
}

/// `Directory::children_of` 3: paged by key, and a user is never parted from a group of the same key.
pub async fn children_of_the_same_key_stay_on_one_page(directory: &dyn Directory) {
    let staff = group_name("staff");
    for limit in 1..=5 {
        let page_at = |page| {
            let staff = &staff;
            async move { done(directory.children_of(staff, &page).await) }
        };
        let found = walk(limit, 1, page_at, |member| member.key().clone()).await;
        assert_eq!(found, [user("Bela"), group("Devs"), user("ops"), group("Ops")], "pages of {limit}");
    }
}

/// [`Directory::authenticate`] 1: who is not there is unknown, whatever the password.
pub async fn who_is_not_there_is_unknown(directory: &dyn Directory) {
    for name in ["nobody", "ann", "staff", "*", "anna)(uid=*", "' OR '1'='1"] {
        let credence = log_in(directory, name, World::ANNAS_PASSWORD).await;
        assert_eq!(credence, Credence::Unknown, "{name:?}");
    }
}

/// `Directory::authenticate` 2: a wrong password is refused and never taken for nobody, also another's, and
/// also for who has none.
pub async fn a_wrong_password_is_refused(directory: &dyn Directory) {
    for wrong in ["wrong", "Correct horse battery", "correct horse battery ", "two Blue stones", "*"] {
        let credence = log_in(directory, "anna", wrong).await;
        assert_eq!(credence, Credence::Refused(Refusal::WrongPassword), "{wrong:?}");
    }
    let credence = log_in(directory, "emil", "anything at all").await;
    assert!(matches!(credence, Credence::Refused(_)), "emil has no password: {credence:?}");
}

/// `Directory::authenticate` 2: who is inactive is refused with the right password.
pub async fn who_is_inactive_is_refused(directory: &dyn Directory) {
    let credence = log_in(directory, "dora", "door is closed").await;
    assert_eq!(credence, Credence::Refused(Refusal::Inactive));
}

/// `Directory::authenticate` 3: the right password opens the account under any spelling, and the user comes
/// along as looking it up gives it.
pub async fn the_right_password_gives_the_user(directory: &dyn Directory) {
    for inhabitant in &World::standard().users {
        let Some(password) = inhabitant.password.as_ref().filter(|_| inhabitant.active) else {
            continue;
        };
        let found = find(directory, inhabitant.name.as_str()).await.expect("it is there");
        let credence = log_in(directory, inhabitant.name.as_str(), password.expose()).await;
        assert_eq!(credence, Credence::Accepted(found), "{:?}", inhabitant.name);
    }
    let credence = log_in(directory, "ANNA", World::ANNAS_PASSWORD).await;
    assert!(matches!(&credence, Credence::Accepted(user) if user.name.as_str() == "anna"), "{credence:?}");
}

/// `Directory::authenticate` 4: a failed check counts towards the limit that the fixture told, or a few are
/// borne (R702).
pub async fn failed_checks_count_towards_the_limit_r702(fixture: &DirectoryFixture) {
    const BORNE: u32 = 3;
    let directory = fixture.directory();
    for _ in 0..fixture.locks_after().unwrap_or(BORNE) {
        let credence = log_in(directory, "anna", "wrong").await;
        assert_eq!(credence, Credence::Refused(Refusal::WrongPassword));
    }
    let credence = log_in(directory, "anna", World::ANNAS_PASSWORD).await;
    match fixture.locks_after() {
        Some(_) => assert_eq!(credence, Credence::Refused(Refusal::Locked)),
        None => assert!(matches!(credence, Credence::Accepted(_)), "{credence:?}"),
    }
    let other = log_in(directory, "bela", "two Blue stones").await;
    assert!(matches!(other, Credence::Accepted(_)), "another account has its own count");
}

/// Each account has an external id of its own, the same however it is found.
pub async fn accounts_have_ids_of_their_own(directory: &dyn Directory) {
    let everybody = all_users(directory).await;
    let ids: BTreeSet<&str> = everybody.iter().map(|user| user.external_id.as_str()).collect();
    assert_eq!(ids.len(), everybody.len());
    for listed in &everybody {
        let found = find(directory, listed.name.as_str()).await;
        assert_eq!(found.map(|user| user.external_id), Some(listed.external_id.clone()));
    }
    let all = done(directory.find_groups(&Filter::everything(), &PageRequest::default()).await).items;
    let ids: BTreeSet<&str> = all.iter().map(|group| group.external_id.as_str()).collect();
    assert_eq!(ids.len(), all.len());
}

/// Follows pages to their end, holding each of them to the rules; a page may hold `spare` items more than its
/// limit.
async fn walk<T, F: Future<Output = Page<T>>>(
    limit: usize,
    spare: usize,
    page_at: impl Fn(PageRequest) -> F,
    key: impl Fn(&T) -> Key,
) -> Vec<T> {
    let mut request = PageRequest::first(limit);
    let mut found = Vec::new();
    loop {
        let page = page_at(request.clone()).await;
        assert!(page.items.len() <= limit + spare, "a page of {limit} is too long");
        assert!(page.items.iter().all(|item| request.reaches(&key(item))), "a page begins after its start");
        let last = page.items.last().map(&key);
        found.extend(page.items);
        let Some(next) = page.next else { return found };
        assert_eq!(Some(&next), last.as_ref(), "`next` is set only if more follow the last item");
        request = request.after(next);
        let rest = page_at(request.clone()).await;
        assert!(!rest.items.is_empty(), "`next` is set only if more follow");
    }
}
