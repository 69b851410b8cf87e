//! Changes of users.

use throng_core::change::Change;
use throng_core::directory::UserPatch;
use throng_core::error::Fault;
use throng_core::id::{DirectoryId, Subject};
use throng_core::store::Store;
use throng_core::user::{Profile, User};

use super::scene::*;

fn nobody(directory: DirectoryId) -> Subject {
    subject(directory, "nobody")
}

/// [`Change::AddUser`] keeps all of the user: what is odd, what is empty, what is as long as it may be.
pub async fn an_added_user_is_kept_whole(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let mut odd = user("Odd");
    odd.active = false;
    odd.profile = Profile {
        display_name: "Jose\u{301} \u{202e}👩‍👩‍👧 '\"`;--%_\\".into(),
        first_name: " spaces at the ends ".into(),
        last_name: "\u{10348}".repeat(Profile::MAX_CHARS),
        email: "<a&b>@example.com".into(),
    };
    let longest = "x".repeat(4_000);
    odd.attributes = attributes(&[
        ("phone", &["2", "1", "02"]),
        ("Phone", &["other"]),
        ("e\u{301}", &["composed not"]),
        ("é", &["composed"]),
        ("'; DROP TABLE attributes; --", &["\n\t\u{1b}", "{\"json\": [1]}", "%_\\", &longest]),
        ("empty", &[""]),
        ("trailing ", &["a ", "a"]),
    ]);
    scene.change(add_user(east, odd.clone())).await;
    let kept = scene.find(east, "odd").await.expect("it was added");
    assert_eq!(kept, odd);
    assert_eq!(kept.name.as_str(), "Odd");
    scene.change(add_user(east, user("plain"))).await;
    assert_eq!(scene.find(east, "plain").await, Some(user("plain")));
}

/// `Change::AddUser`: `Missing` when there is no such directory.
pub async fn a_user_needs_a_directory(store: &dyn Store) {
    let scene = Scene::on(store);
    let unknown = DirectoryId::from_bytes([9; 16]);
    scene.refused(add_user(unknown, user("anna")), Fault::Missing).await;
}

/// `Change::AddUser`: `Conflict` when the key or the external id is taken in the directory; elsewhere both
/// are free.
pub async fn a_user_has_its_key_and_id_alone_in_a_directory(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.user(east, "anna").await;
    let same_key = User { external_id: external_id("other"), ..user("ANNA") };
    let same_id = User { name: username("other"), ..user("anna") };
    scene.refused(add_user(east, same_key.clone()), Fault::Conflict).await;
    scene.refused(add_user(east, same_id.clone()), Fault::Conflict).await;
    scene.apply(vec![add_user(west, same_key), add_user(west, same_id)]).await;
}

/// `Change::AddUser`: `Conflict` when one of `free_in` holds the key; other directories do not matter (R250,
/// T09).
pub async fn a_user_is_added_only_where_others_lack_the_name_t09(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let north = scene.directory("north").await;
    scene.user(west, "Anna").await;
    let add = |free_in: Vec<DirectoryId>| Change::AddUser {
        directory: east,
        user: user("anna"),
        free_in,
        credential: None,
    };
    scene.refused(add(vec![north, west]), Fault::Conflict).await;
    scene.groups(north, ["anna"]).await;
    scene.change(add(vec![north])).await;
}

/// `Change::AddUser` keeps the password with the user, or none.
pub async fn a_user_is_added_with_its_password_or_none(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let add = |name: &str, credential| Change::AddUser {
        directory: east,
        user: user(name),
        free_in: Vec::new(),
        credential,
    };
    scene.apply(vec![add("anna", Some(credential("h1"))), add("bela", None)]).await;
    let kept = done(store.credential(&subject(east, "anna")).await);
    assert_eq!(kept, Some(credential("h1")));
    assert_eq!(done(store.credential(&subject(east, "bela")).await), None);
}

/// [`Change::UpdateUser`] changes the named fields and no others.
pub async fn an_update_changes_the_named_fields_only(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let mut anna = user("Anna");
    anna.profile.email = "anna@example.com".into();
    anna.attributes = attributes(&[("a", &["1", "2"]), ("b", &["3"]), ("c", &["4"])]);
    scene.change(add_user(east, anna.clone())).await;
    let subject = subject(east, "Anna");
    scene.change(patch_user(&subject, UserPatch::default())).await;
    assert_eq!(scene.find(east, "anna").await, Some(anna.clone()));

    anna.profile = Profile { display_name: "Anna B.".into(), ..Profile::default() };
    let profile = UserPatch { profile: Some(anna.profile.clone()), ..UserPatch::default() };
    scene.change(patch_user(&subject, profile)).await;
    assert_eq!(scene.find(east, "anna").await, Some(anna.clone()));

    anna.attributes = attributes(&[("a", &["2", "1"]), ("c", &["4"]), ("d", &["5", "6"])]);
    let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    let patch = UserPatch {
        attributes: vec![
            ("a".into(), values(&["2", "1", "2"])),
            ("b".into(), values(&[])),
            ("d".into(), values(&["5", "6"])),
            ("never there".into(), values(&[])),
        ],
        ..UserPatch::default()
    };
    scene.change(patch_user(&subject, patch)).await;
    assert_eq!(scene.find(east, "anna").await, Some(anna));
}

/// `Change::UpdateUser`: `Missing` when there is no such account, `Conflict` when one of `free_in` holds its
/// key.
pub async fn an_update_of_nobody_or_of_a_shadowed_account_is_refused(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.user(east, "anna").await;
    let shadowed = scene.user(west, "ANNA").await;
    let patch = UserPatch { active: Some(false), ..UserPatch::default() };
    scene.refused(patch_user(&nobody(east), patch.clone()), Fault::Missing).await;
    let update = Change::UpdateUser { subject: shadowed, patch, free_in: vec![east] };
    scene.refused(update, Fault::Conflict).await;
    assert_eq!(scene.find(west, "anna").await, Some(user("ANNA")));
}

/// `Change::UpdateUser` ends the sessions when it deactivates, and only then (T72).
pub async fn deactivation_ends_the_sessions_t72(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let bela = scene.user(east, "bela").await;
    scene.session(wiki, &anna, 1).await;
    scene.session(wiki, &bela, 2).await;
    let set_active = |active| UserPatch { active: Some(active), ..UserPatch::default() };
    scene.change(patch_user(&anna, UserPatch::default())).await;
    scene.change(patch_user(&anna, set_active(true))).await;
    assert!(scene.is_live(1).await, "an update of something else ends no session");
    scene.change(patch_user(&anna, set_active(false))).await;
    assert_eq!(scene.find(east, "anna").await.map(|user| user.active), Some(false));
    assert!(!scene.is_live(1).await);
    assert!(scene.is_live(2).await, "somebody else's session goes on");
    scene.change(patch_user(&anna, set_active(true))).await;
    assert!(!scene.is_live(1).await, "activation revives no session");
}

/// [`Change::RenameUser`]: id, password, groups and sessions stay; nothing is left under the old name.
pub async fn a_renamed_user_keeps_everything_else(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    scene.groups(east, ["staff"]).await;
    scene.members(east, &[("staff", user_in("anna"))]).await;
    scene.change(set_credential(&anna, credential("h1"))).await;
    scene.session(wiki, &anna, 1).await;
    done(store.note_logins(&[(anna.clone(), scene.now())]).await);
    let login = done(store.last_login(&anna).await);
    scene.change(rename(&anna, "Annika")).await;
    assert_eq!(scene.find(east, "anna").await, None);
    let renamed = scene.find(east, "annika").await.expect("she has the new name");
    assert_eq!((renamed.name.as_str(), &renamed.external_id), ("Annika", &anna.external_id));
    assert_eq!(done(store.credential(&anna).await), Some(credential("h1")));
    assert_eq!(scene.children(east, "staff").await, ["Annika"]);
    assert_eq!(done(store.last_login(&anna).await), login);
    assert!(scene.is_live(1).await);
    scene.change(add_user(east, User { external_id: external_id("new"), ..user("anna") })).await;
    assert!(scene.parents(east, &user_in("anna")).await.is_empty());
}

/// `Change::RenameUser` may change the spelling alone (R255).
pub async fn a_rename_may_change_the_spelling_alone_r255(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let claim = scene.claim(wiki, "anna", &anna).await;
    scene.change(rename(&anna, "ANNA")).await;
    let spelled = scene.find(east, "anna").await.map(|user| user.name.to_string());
    assert_eq!(spelled.as_deref(), Some("ANNA"));
    assert_eq!(scene.standing(wiki, "anna").await, Some(claim));
}

/// `Change::RenameUser`: claims on the account follow to the new name, with their identities (T03).
pub async fn claims_follow_a_rename(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (wiki, shop) = (scene.application("wiki", &[east]).await, scene.application("shop", &[east]).await);
    let anna = scene.user(east, "anna").await;
    let bela = scene.user(east, "bela").await;
    let claims = [scene.claim(wiki, "anna", &anna).await, scene.claim(shop, "anna", &anna).await];
    let other = scene.claim(wiki, "bela", &bela).await;
    scene.change(rename(&anna, "Annika")).await;
    for claim in claims {
        assert_eq!(scene.standing(claim.application, "anna").await, None);
        let followed = scene.standing(claim.application, "annika").await.expect("it followed");
        assert_eq!((followed.identity, &followed.subject), (claim.identity, &anna));
        assert_eq!(followed.tombstoned_at, None);
    }
    assert_eq!(scene.standing(wiki, "bela").await, Some(other));
}

/// `Change::RenameUser`: `Missing`, and `Conflict` with another account of the directory or of `free_in`.
pub async fn a_rename_of_nobody_or_onto_somebody_is_refused(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let anna = scene.user(east, "anna").await;
    scene.user(east, "bela").await;
    scene.user(west, "dora").await;
    scene.refused(rename(&nobody(east), "new"), Fault::Missing).await;
    scene.refused(rename(&anna, "BELA"), Fault::Conflict).await;
    let onto = |free_in| Change::RenameUser { subject: anna.clone(), name: username("Dora"), free_in };
    scene.refused(onto(vec![west]), Fault::Conflict).await;
    assert_eq!(scene.find(east, "anna").await, Some(user("anna")));
    scene.change(onto(vec![])).await;
    assert!(scene.find(east, "dora").await.is_some());
}

/// `Change::RenameUser`: `Conflict` with another's claim, or its tombstone, where the account has one too
/// (T02, T03).
pub async fn a_rename_onto_anothers_claim_is_refused_t02(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (wiki, shop) = (scene.application("wiki", &[east]).await, scene.application("shop", &[east]).await);
    let anna = scene.user(east, "anna").await;
    let bela = scene.user(east, "bela").await;
    let claim = scene.claim(wiki, "anna", &anna).await;
    let former = scene.claim(wiki, "bela", &bela).await;
    scene.change(remove_user(&bela)).await;
    scene.refused(rename(&anna, "bela"), Fault::Conflict).await;
    assert_eq!(scene.standing(wiki, "anna").await, Some(claim.clone()));

    scene.change(Change::ReleaseClaim(claim)).await;
    scene.claim(shop, "anna", &anna).await;
    scene.change(rename(&anna, "bela")).await;
    let tombstone = scene.standing(wiki, "bela").await;
    assert_eq!(tombstone.map(|claim| claim.identity), Some(former.identity));
    assert_eq!(scene.standing(shop, "bela").await.map(|claim| claim.subject), Some(anna));
}

/// [`Change::ReplaceExternalId`]: the account is found by the new id, with its groups, password and claims; its
/// sessions end.
pub async fn a_replaced_id_takes_everything_but_sessions_along(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    scene.groups(east, ["staff"]).await;
    scene.members(east, &[("staff", user_in("anna"))]).await;
    scene.change(set_credential(&anna, credential("h1"))).await;
    scene.session(wiki, &anna, 1).await;
    let claim = scene.claim(wiki, "anna", &anna).await;
    let replace = |subject: &Subject, to: &str| Change::ReplaceExternalId {
        subject: subject.clone(),
        external_id: external_id(to),
    };
    scene.change(replace(&anna, "new")).await;
    let now = Subject { directory: east, external_id: external_id("new") };
    assert_eq!(done(store.user_by_id(&anna).await), None);
    assert_eq!(done(store.user_by_id(&now).await), scene.find(east, "anna").await);
    assert_eq!(scene.find(east, "anna").await.map(|user| user.external_id), Some(external_id("new")));
    assert_eq!(scene.children(east, "staff").await, ["anna"]);
    assert_eq!(done(store.credential(&now).await), Some(credential("h1")));
    assert_eq!(done(store.credential(&anna).await), None);
    let followed = scene.standing(wiki, "anna").await.expect("the claim followed");
    assert_eq!((followed.identity, followed.subject), (claim.identity, now));
    assert!(!scene.is_live(1).await, "a session is of the account that it names");
}

/// `Change::ReplaceExternalId`: `Missing` when there is no such account, `Conflict` when the id is taken.
pub async fn a_taken_id_is_not_given_again(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let anna = scene.user(east, "anna").await;
    scene.user(east, "bela").await;
    scene.user(west, "dora").await;
    let replace = |subject: &Subject, to: &str| Change::ReplaceExternalId {
        subject: subject.clone(),
        external_id: external_id(to),
    };
    scene.refused(replace(&nobody(east), "new"), Fault::Missing).await;
    scene.refused(replace(&anna, "id-bela"), Fault::Conflict).await;
    scene.change(replace(&anna, "id-dora")).await;
}

/// [`Change::RemoveUser`]: memberships, password, aliases and login times go, and a successor inherits none
/// (T05).
pub async fn a_removed_user_leaves_nothing_to_a_successor_t05(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    scene.groups(east, ["staff"]).await;
    scene.members(east, &[("staff", user_in("anna"))]).await;
    let alias = Change::SetAlias {
        application: wiki,
        subject: anna.clone(),
        alias: username("ann"),
        free_in: Vec::new(),
    };
    scene.apply(vec![set_credential(&anna, credential("h1")), alias]).await;
    scene.session(wiki, &anna, 1).await;
    done(store.note_logins(&[(anna.clone(), scene.now())]).await);
    scene.change(remove_user(&anna)).await;
    assert_eq!(scene.find(east, "anna").await, None);
    for successor in [false, true] {
        if successor {
            scene.change(add_user(east, user("anna"))).await;
        }
        assert!(scene.children(east, "staff").await.is_empty());
        assert!(scene.parents(east, &user_in("anna")).await.is_empty());
        assert_eq!(done(store.credential(&anna).await), None);
        assert_eq!(done(store.last_login(&anna).await), None);
        assert_eq!(done(store.alias_of(wiki, &anna).await), None);
        assert_eq!(done(store.alias(wiki, &throng_core::name::Key::of("ann")).await), None);
        assert!(!scene.is_live(1).await, "successor: {successor}");
    }
}

/// `Change::RemoveUser`: claims on the account become tombstones at the time of the set, others stay (T02,
/// T05).
pub async fn claims_of_a_removed_user_become_tombstones_t02(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let bela = scene.user(east, "bela").await;
    let claim = scene.claim(wiki, "anna", &anna).await;
    let other = scene.claim(wiki, "bela", &bela).await;
    scene.change(remove_user(&anna)).await;
    let removed_at = scene.last_batch().await.at;
    let mut tombstone = claim;
    tombstone.tombstoned_at = Some(removed_at);
    assert_eq!(scene.standing(wiki, "anna").await, Some(tombstone.clone()));
    assert_eq!(scene.standing(wiki, "bela").await, Some(other));
    scene.change(add_user(east, user("anna"))).await;
    scene.change(remove_user(&anna)).await;
    assert_eq!(scene.standing(wiki, "anna").await, Some(tombstone), "a tombstone keeps its time");
}

/// `Change::RemoveUser`: `Missing` when there is no such account, `Conflict` when one of `free_in` holds its
/// key.
pub async fn a_removal_of_nobody_or_of_a_shadowed_account_is_refused(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.user(east, "anna").await;
    let shadowed = scene.user(west, "Anna").await;
    scene.refused(remove_user(&nobody(east)), Fault::Missing).await;
    let remove = Change::RemoveUser { subject: shadowed, free_in: vec![east] };
    scene.refused(remove, Fault::Conflict).await;
    assert!(scene.find(west, "anna").await.is_some());
}
