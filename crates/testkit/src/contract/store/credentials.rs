//! Passwords and login times.

use std::time::Duration;

use throng_core::change::Change;
use throng_core::error::Fault;
use throng_core::id::DirectoryId;
use throng_core::password::{Credential, CredentialState};
use throng_core::store::{Replaced, Store};

use super::scene::*;

/// [`Change::SetCredential`] keeps every part of every kind of credential, and replaces what was there.
pub async fn a_credential_is_kept_whole(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let anna = scene.user(east, "anna").await;
    assert_eq!(done(store.credential(&anna).await), None, "nothing was ever set");
    let longest = "$".repeat(throng_core::password::EncodedHash::MAX_BYTES);
    let states = [
        CredentialState::Usable(hash("$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA")),
        CredentialState::Quarantined(hash("'\"%_\\ ünknown")),
        CredentialState::Usable(hash(&longest)),
        CredentialState::Absent,
    ];
    for (number, state) in states.into_iter().enumerate() {
        let set = Credential {
            hash: state,
            history: ["newest", "older", "newest", "oldest"][..number]
                .iter()
                .map(|&text| hash(text))
                .collect(),
            changed_at: scene.now(),
            failed_attempts: u32::try_from(number).expect("a small number"),
            must_change: number % 2 == 1,
        };
        scene.change(set_credential(&anna, set.clone())).await;
        assert_eq!(done(store.credential(&anna).await), Some(set));
    }
    assert_eq!(done(store.credential(&subject(east, "nobody")).await), None);
}

/// `Change::SetCredential`: `Missing` when there is no such account, `Conflict` when one of `free_in` holds
/// its key.
pub async fn a_password_of_nobody_or_of_a_shadowed_account_is_refused(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.user(east, "anna").await;
    let shadowed = scene.user(west, "Anna").await;
    let nobody = set_credential(&subject(east, "nobody"), credential("h1"));
    scene.refused(nobody, Fault::Missing).await;
    let set = Change::SetCredential {
        subject: shadowed.clone(),
        credential: credential("h1"),
        free_in: vec![east],
    };
    scene.refused(set, Fault::Conflict).await;
    assert_eq!(done(store.credential(&shadowed).await), None);
}

/// `Change::SetCredential` ends the sessions (T72).
pub async fn a_new_password_ends_the_sessions_t72(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let (anna, bela) = (scene.user(east, "anna").await, scene.user(east, "bela").await);
    scene.session(wiki, &anna, 1).await;
    scene.session(wiki, &bela, 2).await;
    scene.change(set_credential(&anna, credential("h1"))).await;
    assert!(!scene.is_live(1).await);
    assert!(scene.is_live(2).await);
    assert_eq!(done(store.epoch(&anna).await), 1);
}

/// [`Credentials::count_failure`] counts up from what is there, 0 without a credential; `clear_failures` sets
/// 0 (R702).
///
/// [`Credentials::count_failure`]: throng_core::store::Credentials::count_failure
pub async fn failures_are_counted_and_cleared_r702(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (anna, bela) = (scene.user(east, "anna").await, scene.user(east, "bela").await);
    let set = Credential { failed_attempts: 2, ..credential("h1") };
    scene.change(set_credential(&anna, set.clone())).await;
    assert_eq!(done(store.count_failure(&anna).await), 3);
    assert_eq!(done(store.count_failure(&anna).await), 4);
    done(store.clear_failures(&anna).await);
    let cleared = Credential { failed_attempts: 0, ..set };
    assert_eq!(done(store.credential(&anna).await), Some(cleared));
    assert_eq!(done(store.count_failure(&anna).await), 1);
    for without in [bela, subject(east, "nobody")] {
        assert_eq!(done(store.count_failure(&without).await), 0);
        done(store.clear_failures(&without).await);
        assert_eq!(done(store.credential(&without).await), None);
    }
}

/// [`Credentials::upgrade_hash`] 1 and 2: only in place of the hash it was made from, and nothing else
/// changes (T56).
///
/// [`Credentials::upgrade_hash`]: throng_core::store::Credentials::upgrade_hash
pub async fn a_hash_is_upgraded_only_in_place_of_its_former_t56(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let (anna, bela) = (scene.user(east, "anna").await, scene.user(east, "bela").await);
    let set = Credential {
        history: vec![hash("h0")],
        failed_attempts: 3,
        must_change: true,
        ..credential("Hash1")
    };
    scene.change(set_credential(&anna, set.clone())).await;
    scene.session(wiki, &anna, 1).await;
    for other in ["hash1", "h0", "Hash1 ", "h2"] {
        let answer = done(store.upgrade_hash(&anna, &hash(other), &hash("h2")).await);
        assert_eq!(answer, Replaced::No, "{other:?} is not the stored hash");
        assert_eq!(done(store.credential(&anna).await), Some(set.clone()));
    }
    assert_eq!(done(store.upgrade_hash(&anna, &hash("Hash1"), &hash("h2")).await), Replaced::Yes);
    let upgraded = Credential { hash: CredentialState::Usable(hash("h2")), ..set };
    assert_eq!(done(store.credential(&anna).await), Some(upgraded));
    assert!(scene.is_live(1).await, "an upgrade ends no session");
    for without in [bela, subject(east, "nobody")] {
        assert_eq!(done(store.upgrade_hash(&without, &hash("h1"), &hash("h2")).await), Replaced::No);
        assert_eq!(done(store.credential(&without).await), None);
    }
}

/// [`Credentials::note_logins`] never moves a time back, and leaves accounts out that are gone.
///
/// [`Credentials::note_logins`]: throng_core::store::Credentials::note_logins
pub async fn login_times_only_go_forward(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (anna, bela) = (scene.user(east, "anna").await, scene.user(east, "bela").await);
    let gone = subject(east, "gone");
    let (early, late) = (scene.now(), scene.now().plus(Duration::from_micros(1)));
    assert_eq!(done(store.last_login(&anna).await), None);
    done(store.note_logins(&[]).await);
    let notes = [(anna.clone(), late), (gone.clone(), late), (bela.clone(), early)];
    done(store.note_logins(&notes).await);
    done(store.note_logins(&[(anna.clone(), early), (bela.clone(), late)]).await);
    assert_eq!(done(store.last_login(&anna).await), Some(late));
    assert_eq!(done(store.last_login(&bela).await), Some(late));
    assert_eq!(done(store.last_login(&gone).await), None);
    let later = late.plus(Duration::from_micros(1));
    done(store.note_logins(&[(anna.clone(), later), (anna.clone(), early)]).await);
    assert_eq!(done(store.last_login(&anna).await), Some(later));
}

/// [`Change::ExpirePasswords`] marks every password of the directory and nothing else; `Missing` for no directory
/// (R732).
pub async fn the_passwords_of_a_directory_expire_r732(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let bela = scene.user(east, "bela").await;
    let cleo = scene.user(east, "cleo").await;
    let other = scene.user(west, "anna").await;
    let absent = Credential { hash: CredentialState::Absent, ..credential("h0") };
    for (subject, kept) in [(&anna, credential("h1")), (&bela, absent.clone()), (&other, credential("h2"))] {
        let change =
            Change::SetCredential { subject: subject.clone(), credential: kept, free_in: Vec::new() };
        scene.change(change).await;
    }
    scene.session(wiki, &anna, 1).await;
    scene.change(Change::ExpirePasswords(east)).await;
    let expired = Credential { must_change: true, ..credential("h1") };
    assert_eq!(done(store.credential(&anna).await), Some(expired));
    assert_eq!(done(store.credential(&bela).await), Some(absent), "there is nothing to change");
    assert_eq!(done(store.credential(&cleo).await), None);
    assert_eq!(done(store.credential(&other).await), Some(credential("h2")));
    assert!(scene.is_live(1).await, "sessions go on");
    let unknown = DirectoryId::from_bytes([9; 16]);
    scene.refused(Change::ExpirePasswords(unknown), Fault::Missing).await;
}

/// None of the `Credentials` methods is logged.
pub async fn what_is_done_to_credentials_is_not_logged(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let anna = scene.user(east, "anna").await;
    scene.change(set_credential(&anna, credential("h1"))).await;
    let head = done(store.head().await);
    done(store.count_failure(&anna).await);
    done(store.clear_failures(&anna).await);
    done(store.upgrade_hash(&anna, &hash("h1"), &hash("h2")).await);
    done(store.note_logins(&[(anna.clone(), scene.now())]).await);
    assert_eq!(done(store.head().await), head);
    assert_eq!(done(store.batches(head, 10).await), []);
}
