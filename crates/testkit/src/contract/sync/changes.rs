//! What is changed at the source is stated: since the cursor where there is one, and in the next full pull.

use std::collections::BTreeSet;

use throng_core::directory::{NewGroup, UserPatch};
use throng_core::id::ExternalId;
use throng_core::name::Key;
use throng_core::sync::{Completeness, Cursor, Item, Pull};

use super::edit::Edit;
use super::fixture::SyncFixture;
use super::steps::*;
use crate::likeness::Likeness;

fn id_of(likeness: &Likeness, name: &str) -> String {
    let user = likeness.user(&Key::of(name));
    user.unwrap_or_else(|| unreachable!("{name:?} is stated")).external_id.to_string()
}

/// [`Item::User`]: a user who was added, whole.
pub async fn an_added_user_is_stated(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::AddUser(new_user("Fritz"))).await;
    let now = watch.follow().await;
    let fritz = now.user(&Key::of("fritz")).expect("he is stated");
    assert_eq!((fritz.name.as_str(), &fritz.profile, fritz.active), ("Fritz", &profile(), true));
}

/// `Item::User`: a user whose profile was changed.
pub async fn an_updated_user_is_stated(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    let patch = UserPatch { profile: Some(profile()), ..UserPatch::default() };
    watch.edit(Edit::UpdateUser(username("anna"), patch)).await;
    let now = watch.follow().await;
    assert_eq!(now.user(&Key::of("anna")).map(|anna| &anna.profile), Some(&profile()));
    assert_eq!(members(&now, "devs"), ["anna", "çağla"]);
}

/// `Item::User`: a user who may not log in any more, and one who may again.
pub async fn a_switched_user_is_stated(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    for (name, active) in [("anna", false), ("dora", true)] {
        let patch = UserPatch { active: Some(active), ..UserPatch::default() };
        watch.edit(Edit::UpdateUser(username(name), patch)).await;
        let now = watch.follow().await;
        assert_eq!(now.user(&Key::of(name)).map(|user| user.active), Some(active), "{name}");
    }
}

/// `Item::User`: a renamed user has the same id, no former name, and its groups.
pub async fn a_renamed_user_is_the_same_account(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    let before = present(fixture.source()).await;
    watch.edit(Edit::RenameUser(username("anna"), username("Annika"))).await;
    let now = watch.follow().await;
    assert_eq!(now.user(&Key::of("anna")), None);
    assert_eq!(id_of(&now, "annika"), id_of(&before, "anna"));
    assert_eq!(members(&now, "devs"), ["Annika", "çağla"]);
    watch.edit(Edit::RenameUser(username("annika"), username("ANNIKA"))).await;
    let now = watch.follow().await;
    assert_eq!(now.user(&Key::of("annika")).map(|user| user.name.to_string()).as_deref(), Some("ANNIKA"));
}

/// [`Item::UserGone`]: a user who was removed, with its memberships.
pub async fn a_removed_user_is_gone(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::RemoveUser(username("anna"))).await;
    let now = watch.follow().await;
    assert_eq!(now.user(&Key::of("anna")), None);
    assert_eq!(members(&now, "devs"), ["çağla"]);
}

/// `Item::UserGone`: who comes under the name of somebody removed is another account, in none of its groups (T05).
pub async fn a_successor_of_a_removed_user_is_another_account_t05(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    let before = present(fixture.source()).await;
    watch.edit(Edit::RemoveUser(username("anna"))).await;
    watch.edit(Edit::AddUser(new_user("anna"))).await;
    let now = watch.follow().await;
    assert_ne!(id_of(&now, "anna"), id_of(&before, "anna"));
    assert_eq!(members(&now, "devs"), ["çağla"]);
}

/// A name that two users exchange within one pull.
pub async fn exchanged_names_are_stated(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    let before = present(fixture.source()).await;
    for (from, to) in [("anna", "between"), ("emil", "anna"), ("between", "emil")] {
        watch.edit(Edit::RenameUser(username(from), username(to))).await;
    }
    let now = watch.follow().await;
    assert_eq!((id_of(&now, "anna"), id_of(&now, "emil")), (id_of(&before, "emil"), id_of(&before, "anna")));
    assert_eq!(members(&now, "devs"), ["emil", "çağla"]);
}

/// [`SyncSource::pull`](throng_core::sync::SyncSource::pull) 4: several changes of the same user within one pull, of
/// which the last word counts.
pub async fn many_changes_of_a_user_are_stated_as_they_end(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::AddUser(new_user("Fritz"))).await;
    watch.edit(Edit::RenameUser(username("fritz"), username("Fritzi"))).await;
    let patch = UserPatch { active: Some(false), ..UserPatch::default() };
    watch.edit(Edit::UpdateUser(username("fritzi"), patch)).await;
    watch.edit(Edit::AddUser(new_user("Gerda"))).await;
    watch.edit(Edit::RemoveUser(username("gerda"))).await;
    let now = watch.follow().await;
    assert_eq!(now.user(&Key::of("fritzi")).map(|fritzi| fritzi.active), Some(false));
    assert_eq!((now.user(&Key::of("fritz")), now.user(&Key::of("gerda"))), (None, None));
}

/// `SyncSource::pull` 4: a pull since the same cursor may be repeated, and states the same and what came after.
pub async fn an_old_pull_may_be_repeated(fixture: &SyncFixture) {
    let source = fixture.source();
    let course = run(source, Pull::Full).await;
    let before = likeness(&course.items());
    fixture.edit(Edit::RenameUser(username("anna"), username("Annika"))).await;
    let mut moments = vec![present(source).await];
    if let Some(cursor) = course.cursor() {
        for _ in 0..2 {
            moments.push(changed(fixture, &before, cursor).await);
        }
        fixture.edit(Edit::RemoveUser(username("bela"))).await;
        let after = changed(fixture, &before, cursor).await;
        assert_eq!(after.differences(&present(source).await), [""; 0], "since a cursor that was used before");
    }
    for moment in &moments {
        assert_eq!(moment.differences(&moments[0]), [""; 0], "the same pull again");
    }
    assert!(moments[0].user(&Key::of("annika")).is_some());
}

async fn changed(fixture: &SyncFixture, before: &Likeness, cursor: &Cursor) -> Likeness {
    let course = run(fixture.source(), Pull::Since(cursor)).await;
    assert_eq!(course.end, Completeness::Proven);
    let mut kept = before.clone();
    kept.take(&course.items()).unwrap_or_else(|contradiction| unreachable!("{contradiction}"));
    kept
}

/// `SyncSource::pull` 3: a pull that is proven complete has left nobody out who was there all the time, whatever
/// happened to names meanwhile (T59).
pub async fn who_is_renamed_amid_a_pull_is_not_left_out_t59(fixture: &SyncFixture) {
    let before = present(fixture.source()).await;
    let names = [("anna", "zoe"), ("bela", "Zora"), ("o'brien", "Aaron"), ("ops", "Abel")];
    let renames = names.map(|(from, to)| Edit::RenameUser(username(from), username(to))).to_vec();
    let watch = Watch::begin_amid(fixture, |item| matches!(item, Item::User(_)), renames).await;
    let stated: BTreeSet<&ExternalId> = watch.kept.users().map(|user| &user.external_id).collect();
    for user in before.users() {
        assert!(stated.contains(&user.external_id), "{user:?} was there all the time");
    }
}

/// The cursor is from before the reading: what happens to users in the middle of a pull is stated by it or since (T63).
pub async fn users_changed_amid_a_pull_are_not_missed_t63(fixture: &SyncFixture) {
    // Some come before and some after what the first batch may have reached, in whatever order there is.
    let edits = vec![
        Edit::RemoveUser(username("anna")),
        Edit::RemoveUser(username("ops")),
        Edit::RenameUser(username("bela"), username("Zoe")),
        Edit::RenameUser(username("o'brien"), username("Aaron")),
        Edit::AddUser(new_user("Aa")),
        Edit::AddUser(new_user("zz")),
    ];
    let mut watch = Watch::begin_amid(fixture, |item| matches!(item, Item::User(_)), edits).await;
    let now = watch.follow().await;
    for (name, is_there) in [
        ("anna", false),
        ("ops", false),
        ("bela", false),
        ("zoe", true),
        ("aaron", true),
        ("aa", true),
        ("zz", true),
    ] {
        assert_eq!(now.user(&Key::of(name)).is_some(), is_there, "{name}");
    }
    assert_eq!(members(&now, "staff"), ["Zoe", "Devs", "Ops"]);
}

/// [`Item::Group`]: a group that was made, whole.
pub async fn an_added_group_is_stated(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    let group = NewGroup { name: group_name("Neue Gruppe"), description: "made 'here'".into() };
    watch.edit(Edit::AddGroup(group)).await;
    let now = watch.follow().await;
    let made = now.group(&Key::of("neue gruppe")).expect("it is stated");
    assert_eq!((made.name.as_str(), made.description.as_str()), ("Neue Gruppe", "made 'here'"));
}

/// `Item::Group`: a group that was described otherwise keeps its members.
pub async fn an_updated_group_is_stated(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::DescribeGroup(group_name("devs"), "who still write".into())).await;
    let now = watch.follow().await;
    let devs = now.group(&Key::of("devs")).map(|devs| devs.description.as_str());
    assert_eq!(devs, Some("who still write"));
    assert_eq!(members(&now, "devs"), ["anna", "çağla"]);
}

/// [`Item::GroupGone`]: a group that was removed, with its memberships upwards and
/// downwards.
pub async fn a_removed_group_is_gone(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::RemoveGroup(group_name("Ops"))).await;
    let now = watch.follow().await;
    assert_eq!(now.group(&Key::of("ops")), None);
    assert_eq!(members(&now, "staff"), ["Bela", "ops", "Devs"], "the user of the same name stays");
}

/// `Item::GroupGone`: a group that is made anew within the same pull has none of its former members (T05). A source
/// that knows what is there and not what was may say that it cannot tell.
pub async fn a_group_that_is_made_anew_is_empty_t05(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::RemoveGroup(group_name("devs"))).await;
    let anew = NewGroup { name: group_name("devs"), description: "anew".into() };
    watch.edit(Edit::AddGroup(anew)).await;
    let now = watch.follow_or_begin_again().await;
    assert_eq!(now.group(&Key::of("devs")).map(|devs| devs.description.as_str()), Some("anew"));
    assert_eq!(members(&now, "devs"), [""; 0]);
    assert_eq!(members(&now, "staff"), ["Bela", "ops", "Ops"]);
}

/// What happens to groups in the middle of a pull is stated by it or since (T63).
pub async fn groups_changed_amid_a_pull_are_not_missed_t63(fixture: &SyncFixture) {
    let new_group = |name: &str| NewGroup { name: group_name(name), description: String::new() };
    let edits = vec![
        Edit::RemoveGroup(group_name("devs")),
        Edit::DescribeGroup(group_name("staff"), "some".into()),
        Edit::AddGroup(new_group("aa")),
        Edit::AddGroup(new_group("zz")),
    ];
    let mut watch = Watch::begin_amid(fixture, |item| matches!(item, Item::Group(_)), edits).await;
    let now = watch.follow().await;
    let names: Vec<String> = now.groups().map(|group| group.name.to_string()).collect();
    assert_eq!(names, ["aa", "leere Gruppe", "Ops", "staff", "zz"]);
    assert_eq!(now.group(&Key::of("staff")).map(|staff| staff.description.as_str()), Some("some"));
}

/// [`Item::Joined`] or [`Item::MemberOf`]: a user
/// in one more group.
pub async fn a_member_who_joined_is_stated(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::Join(group_name("leere gruppe"), user("anna"))).await;
    let now = watch.follow().await;
    assert_eq!(members(&now, "leere gruppe"), ["anna"]);
    assert_eq!(members(&now, "devs"), ["anna", "çağla"]);
}

/// [`Item::Left`] or `Item::MemberOf`: a user in one group less.
pub async fn a_member_who_left_is_stated(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::Leave(group_name("staff"), user("ops"))).await;
    let now = watch.follow().await;
    assert_eq!(members(&now, "staff"), ["Bela", "Devs", "Ops"]);
    assert_eq!(members(&now, "ops"), ["ops"], "the same user, in another group");
}

/// `Item::Joined`, `Item::Left` or `Item::MemberOf`: a group that joins one group and leaves another, beside a user of
/// the same name.
pub async fn a_group_that_moved_is_stated(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::Join(group_name("leere gruppe"), group("ops"))).await;
    watch.edit(Edit::Leave(group_name("staff"), group("ops"))).await;
    let now = watch.follow().await;
    assert_eq!(members(&now, "leere gruppe"), ["Ops"]);
    assert_eq!(members(&now, "staff"), ["Bela", "ops", "Devs"]);
}

/// `SyncSource::pull` 4: the last word about a membership counts.
pub async fn who_left_and_joined_again_is_a_member(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    watch.edit(Edit::Leave(group_name("devs"), user("anna"))).await;
    watch.edit(Edit::Join(group_name("devs"), user("anna"))).await;
    watch.edit(Edit::Join(group_name("leere gruppe"), user("anna"))).await;
    watch.edit(Edit::Leave(group_name("leere gruppe"), user("anna"))).await;
    let now = watch.follow().await;
    assert_eq!(members(&now, "devs"), ["anna", "çağla"]);
    assert_eq!(members(&now, "leere gruppe"), [""; 0]);
}

/// What happens to memberships in the middle of a pull is stated by it or since (T63).
pub async fn members_changed_amid_a_pull_are_not_missed_t63(fixture: &SyncFixture) {
    let edits = vec![
        Edit::Leave(group_name("staff"), user("bela")),
        Edit::Leave(group_name("devs"), user("çağla")),
        Edit::Join(group_name("devs"), user("bela")),
        Edit::Join(group_name("leere gruppe"), group("devs")),
    ];
    let mut watch = Watch::begin_amid(fixture, |item| matches!(item, Item::Members { .. }), edits).await;
    let now = watch.follow().await;
    assert_eq!(members(&now, "staff"), ["ops", "Devs", "Ops"]);
    assert_eq!(members(&now, "devs"), ["anna", "Bela"]);
    assert_eq!(members(&now, "leere gruppe"), ["Devs"]);
}
