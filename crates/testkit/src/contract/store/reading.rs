//! Finding users and groups by name and by id.

use throng_core::change::Change;
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, Subject};
use throng_core::name::{Key, Username};
use throng_core::registry::DirectoryRecord;
use throng_core::store::{Located, Store};
use throng_core::user::Profile;

use super::scene::*;

/// [`Records::locate`] 1: every directory that holds the key, in a plan or not, active or not.
///
/// [`Records::locate`]: throng_core::store::Records::locate
pub async fn locate_finds_everybody_of_a_name(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let asleep = DirectoryRecord { active: false, ..scene.directory_record("asleep") };
    scene.change(Change::PutDirectory(asleep.clone())).await;
    let application = scene.application("wiki", &[east]).await;
    scene.user(east, "anna").await;
    scene.user(east, "bela").await;
    scene.user(west, "Anna").await;
    scene.user(asleep.id, "ANNA").await;
    let located = done(store.locate(application, &Key::of("aNNa")).await);
    let mut found: Vec<(DirectoryId, String)> =
        located.users.iter().map(|holder| (holder.directory, holder.user.name.to_string())).collect();
    found.sort();
    let mut expected =
        vec![(east, "anna".to_owned()), (west, "Anna".to_owned()), (asleep.id, "ANNA".to_owned())];
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(located.claim, None);
}

/// `Records::locate` 1: the user comes whole.
pub async fn locate_gives_the_whole_user(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let mut anna = user("anna");
    anna.profile = Profile {
        display_name: "Anna".into(),
        first_name: "A".into(),
        last_name: "N".into(),
        email: "anna@example.com".into(),
    };
    anna.active = false;
    anna.attributes = attributes(&[("office", &["Wien", "Graz"]), ("phone", &["1"])]);
    scene.change(add_user(east, anna.clone())).await;
    let located = done(store.locate(ApplicationId::from_bytes([9; 16]), &Key::of("anna")).await);
    assert_eq!(located.users.len(), 1);
    assert_eq!(located.users[0].user, anna);
}

/// `Records::locate` 2: the claim is told with and without holders, a tombstone too.
pub async fn locate_tells_the_claim_also_when_nobody_holds_the_name(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (wiki, shop) = (scene.application("wiki", &[east]).await, scene.application("shop", &[east]).await);
    let anna = scene.user(east, "anna").await;
    let claim = scene.claim(wiki, "anna", &anna).await;
    let located = done(store.locate(wiki, &Key::of("Anna")).await);
    assert_eq!((located.users.len(), located.claim), (1, Some(claim.clone())));
    let elsewhere = done(store.locate(shop, &Key::of("anna")).await);
    assert_eq!((elsewhere.users.len(), elsewhere.claim), (1, None));
    scene.change(remove_user(&anna)).await;
    let located = done(store.locate(wiki, &Key::of("anna")).await);
    assert_eq!(located.users, []);
    assert_eq!(located.claim.map(|left| left.identity), Some(claim.identity));
}

/// `Records::locate` 1 and 2: nobody and no claim is an answer.
pub async fn locate_finds_nobody(store: &dyn Store) {
    let scene = Scene::on(store);
    let unknown = ApplicationId::from_bytes([9; 16]);
    assert_eq!(done(store.locate(unknown, &Key::of("anna")).await), Located::default());
    let east = scene.directory("east").await;
    scene.user(east, "anna").await;
    assert_eq!(done(store.locate(unknown, &Key::of("ann")).await), Located::default());
}

/// `Holder::epoch` is the account's (T72).
pub async fn locate_tells_the_epoch_t72(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    scene.session(wiki, &anna, 1).await;
    for expected in 0..3 {
        let located = done(store.locate(wiki, &Key::of("anna")).await);
        assert_eq!(located.users[0].epoch, expected);
        scene.change(Change::EndSessions(anna.clone())).await;
    }
}

/// [`Records::locate_groups`] finds the groups of a name in all directories.
///
/// [`Records::locate_groups`]: throng_core::store::Records::locate_groups
pub async fn locate_groups_finds_all_of_a_name(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.groups(east, ["staff", "devs"]).await;
    scene.groups(west, ["Staff"]).await;
    scene.user(west, "devs").await;
    let mut found = done(store.locate_groups(&Key::of("STAFF")).await);
    found.sort_by_key(|(directory, _)| *directory);
    let mut expected = vec![(east, group("staff")), (west, group("Staff"))];
    expected.sort_by_key(|(directory, _)| *directory);
    assert_eq!(found, expected);
    assert_eq!(done(store.locate_groups(&Key::of("devs")).await).len(), 1);
    assert_eq!(done(store.locate_groups(&Key::of("nobody")).await), []);
}

/// [`Records::user`] looks in one directory only.
///
/// [`Records::user`]: throng_core::store::Records::user
pub async fn a_user_is_found_by_key_in_its_directory_only(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.user(east, "Anna").await;
    assert_eq!(scene.find(east, "aNNA").await, Some(user("Anna")));
    assert_eq!(scene.find(west, "anna").await, None);
    assert_eq!(scene.find(DirectoryId::from_bytes([9; 16]), "anna").await, None);
}

/// [`Records::user_by_id`] compares ids byte for byte, within one directory (T06).
///
/// [`Records::user_by_id`]: throng_core::store::Records::user_by_id
pub async fn a_user_is_found_by_its_id_byte_for_byte_t06(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let longest = "\u{10348}".repeat(ExternalId::MAX_BYTES / 4);
    let ids = ["a1", "A1", "a1 ", " a1", "á1", "a\u{301}1", "'; DROP TABLE users; --", "%", "_", &longest];
    for (number, id) in ids.into_iter().enumerate() {
        for directory in [east, west] {
            let mut user = user(&format!("user{number}"));
            user.external_id = external_id(id);
            scene.change(add_user(directory, user)).await;
        }
    }
    for (number, id) in ids.into_iter().enumerate() {
        let subject = Subject { directory: west, external_id: external_id(id) };
        let found = done(store.user_by_id(&subject).await).map(|user| user.name.to_string());
        assert_eq!(found, Some(format!("user{number}")), "id {id:?}");
    }
    let unknown = Subject { directory: west, external_id: external_id("a2") };
    assert_eq!(done(store.user_by_id(&unknown).await), None);
}

/// Keys alone decide which names are the same: case, width and composition do not, all else does (R301, T19).
pub async fn names_are_the_same_by_key_alone_r301_t19(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let same = [
        ("Anna", "aNNA"),
        ("José", "JOSE\u{301}"),
        ("ＷＩＤＥ", "wide"),
        ("Straße", "STRASSE"),
        ("ÇAĞLA", "çağla"),
        ("İpek", "i\u{307}pek"),
        ("Ωmega", "ωMEGA"),
        ("soft\u{ad}hyphen", "softhyphen"),
    ];
    for (kept, asked) in same {
        scene.user(east, kept).await;
        let found = scene.find(east, asked).await.map(|user| user.name.to_string());
        assert_eq!(found.as_deref(), Some(kept), "{asked:?} finds {kept:?}, as it is spelled");
        let mut second = user(asked);
        second.external_id = external_id(&format!("second {asked}"));
        scene.refused(add_user(east, second), throng_core::error::Fault::Conflict).await;
    }
    for other in ["ana", "jose", "anna ", "ipek", "ıpek", "аnna", "cagla", "soft hyphen"] {
        assert_eq!(scene.find(east, other).await, None, "{other:?} is another name");
        scene.user(east, other).await;
    }
}

/// Every text is data: nothing in a name means anything to the store (T80).
pub async fn odd_names_are_only_names_t80(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let odd = [
        "'; DROP TABLE users; --",
        "%",
        "_",
        "a%b",
        "a_b",
        "\\",
        "\\%",
        "\"quoted\"",
        "`tick`",
        "o'brien",
        "a b",
        "?",
        "$1",
        ":name",
        "*",
        "[a]",
        "👩‍👩‍👧",
        "שלום",
        "null",
    ];
    for name in odd {
        scene.user(east, name).await;
        scene.groups(east, [name]).await;
        scene.members(east, &[(name, user_in(name))]).await;
    }
    for name in odd {
        let spelled = scene.find(east, name).await.map(|user| user.name.to_string());
        assert_eq!(spelled.as_deref(), Some(name));
        let group = scene.find_group(east, name).await.map(|group| group.name.to_string());
        assert_eq!(group.as_deref(), Some(name));
        assert_eq!(scene.children(east, name).await, [name]);
        assert_eq!(scene.parents(east, &user_in(name)).await, [name]);
        let found = done(store.user_by_id(&subject(east, name)).await);
        assert!(found.is_some(), "the id of {name:?}");
    }
    for name in odd {
        scene.change(remove_user(&subject(east, name))).await;
        assert_eq!(scene.find(east, name).await, None);
    }
}

/// Names, ids and keys of the greatest length are kept and told apart in their last character (T20).
pub async fn the_longest_names_are_kept_apart_t20(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let stem = "\u{10348}".repeat(Username::MAX_CHARS - 1);
    let id_stem = "\u{10348}".repeat(ExternalId::MAX_BYTES / 4 - 1);
    let ends = ["\u{10348}", "\u{10349}"];
    for end in ends {
        let (name, id) = (format!("{stem}{end}"), external_id(&format!("{id_stem}{end}")));
        let mut longest = user("any");
        longest.name = username(&name);
        longest.external_id = id.clone();
        let mut set = group("any");
        set.name = group_name(&name);
        set.external_id = id;
        scene.apply(vec![add_user(east, longest), add_group(east, set)]).await;
        scene.members(east, &[(&name, user_in(&name))]).await;
    }
    for end in ends {
        let name = format!("{stem}{end}");
        let found = scene.find(east, &name).await.expect("it was added");
        assert!(found.external_id.as_str().ends_with(end));
        assert_eq!(found.name.as_str(), name);
        assert_eq!(scene.children(east, &name).await, [name]);
    }
}
