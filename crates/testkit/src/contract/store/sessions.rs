//! Sessions and epochs.

use std::time::Duration;

use throng_core::change::Change;
use throng_core::error::Fault;
use throng_core::id::{ApplicationId, DirectoryId, SessionId};
use throng_core::session::{Binding, Session};
use throng_core::store::Store;

use super::scene::*;

/// [`Sessions::open_session`] keeps the session whole under its token's digest; no other digest finds it
/// (T71).
///
/// [`Sessions::open_session`]: throng_core::store::Sessions::open_session
pub async fn a_session_is_found_by_its_token_only_t71(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let session = Session {
        name: username("Änna '%_\\"),
        idle: Duration::from_micros(1_234_567),
        binding: Binding::new([0xfe; 32]),
        ..scene.new_session(wiki, &anna, 0)
    };
    done(store.open_session(&token(1), &session).await);
    let found = done(store.session(&token(1)).await).expect("it was opened");
    assert_eq!(found, session);
    assert_eq!(found.name.as_str(), session.name.as_str());
    assert_eq!(done(store.session(&token(2)).await), None);
    let second = scene.session(wiki, &anna, 2).await;
    assert_eq!(done(store.session(&token(2)).await), Some(second));
    assert!(scene.is_live(1).await, "an account may have several");
}

/// `Sessions::open_session`: `Conflict` when the digest or the id is taken, or the epoch is another (T72).
pub async fn a_session_of_another_epoch_or_id_or_token_is_refused_t72(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let first = scene.session(wiki, &anna, 1).await;
    let fresh = scene.new_session(wiki, &anna, 0);
    assert_eq!(fault(store.open_session(&token(1), &fresh).await), Fault::Conflict);
    let same_id = Session { id: first.id, ..fresh.clone() };
    assert_eq!(fault(store.open_session(&token(2), &same_id).await), Fault::Conflict);
    let ahead = Session { epoch: 1, ..fresh.clone() };
    assert_eq!(fault(store.open_session(&token(2), &ahead).await), Fault::Conflict);
    scene.change(Change::EndSessions(anna)).await;
    assert_eq!(fault(store.open_session(&token(2), &fresh).await), Fault::Conflict);
    assert!(!scene.is_live(2).await);
    done(store.open_session(&token(2), &ahead).await);
    assert!(scene.is_live(2).await);
}

/// `Sessions::open_session`: `Missing` without the account, the application or the directory.
pub async fn a_session_needs_an_account_and_an_application(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let unknown = DirectoryId::from_bytes([9; 16]);
    for session in [
        scene.new_session(wiki, &subject(east, "nobody"), 0),
        scene.new_session(wiki, &subject(unknown, "anna"), 0),
        scene.new_session(ApplicationId::from_bytes([9; 16]), &anna, 0),
    ] {
        assert_eq!(fault(store.open_session(&token(1), &session).await), Fault::Missing);
        assert!(!scene.is_live(1).await);
    }
}

/// A session of a live directory's account is live while its directory is there and its epoch is the
/// account's.
pub async fn an_account_of_a_live_directory_has_sessions_too(store: &dyn Store) {
    let scene = Scene::on(store);
    let west = scene.live_directory("west").await;
    let wiki = scene.application("wiki", &[west]).await;
    let (anna, bela) = (subject(west, "anna"), subject(west, "bela"));
    assert_eq!(done(store.epoch(&anna).await), 0);
    scene.session(wiki, &anna, 1).await;
    scene.session(wiki, &bela, 2).await;
    assert!(scene.is_live(1).await);
    scene.change(Change::EndSessions(anna.clone())).await;
    assert!(!scene.is_live(1).await);
    assert_eq!(done(store.epoch(&anna).await), 1);
    assert!(scene.is_live(2).await);
    scene.change(Change::RemoveDirectory(west)).await;
    assert!(!scene.is_live(2).await);
}

/// [`Change::EndSessions`] ends all sessions of the account, in every application, and those of nobody else
/// (T72).
pub async fn ended_sessions_are_dead_at_once_t72(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let (wiki, shop) = (scene.application("wiki", &[east]).await, scene.application("shop", &[east]).await);
    let (anna, bela) = (scene.user(east, "anna").await, scene.user(east, "bela").await);
    let namesake = scene.user(west, "anna").await;
    for (number, application, subject) in
        [(1, wiki, &anna), (2, shop, &anna), (3, wiki, &bela), (4, wiki, &namesake)]
    {
        scene.session(application, subject, number).await;
    }
    scene.change(Change::EndSessions(anna.clone())).await;
    assert!(!scene.is_live(1).await);
    assert!(!scene.is_live(2).await);
    assert!(scene.is_live(3).await);
    assert!(scene.is_live(4).await);
    assert_eq!(done(store.epoch(&anna).await), 1);
    assert_eq!(done(store.epoch(&namesake).await), 0);
    scene.session(wiki, &anna, 5).await;
    assert!(scene.is_live(5).await, "a new login opens a session again");
}

/// `Change::EndSessions` is no fault when there are no sessions or no account, and stops a login that is
/// under way.
pub async fn ending_no_sessions_is_no_fault(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let nobody = subject(east, "nobody");
    let unknown = subject(DirectoryId::from_bytes([9; 16]), "anna");
    for none in [nobody, unknown] {
        scene.change(Change::EndSessions(none.clone())).await;
        assert_eq!(done(store.epoch(&none).await), 0);
    }
    let under_way = scene.new_session(wiki, &anna, 0);
    scene.change(Change::EndSessions(anna.clone())).await;
    assert_eq!(fault(store.open_session(&token(1), &under_way).await), Fault::Conflict);
    assert_eq!(done(store.epoch(&anna).await), 1);
}

/// A session dies with its account, and stays dead when the external id comes back (T05, T72).
pub async fn a_session_dies_with_its_account_t72(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    scene.session(wiki, &anna, 1).await;
    scene.change(remove_user(&anna)).await;
    assert!(!scene.is_live(1).await);
    scene.change(add_user(east, user("anna"))).await;
    assert!(!scene.is_live(1).await);
}

/// [`Sessions::touch_session`] moves the time forward only, and does nothing when there is no session.
///
/// [`Sessions::touch_session`]: throng_core::store::Sessions::touch_session
pub async fn a_touch_only_goes_forward(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let session = scene.session(wiki, &anna, 1).await;
    let other = scene.session(wiki, &anna, 2).await;
    let later = session.used_at.plus(Duration::from_micros(1));
    done(store.touch_session(session.id, later).await);
    done(store.touch_session(session.id, session.used_at).await);
    done(store.touch_session(SessionId::from_bytes([9; 16]), later).await);
    let touched = Session { used_at: later, ..session };
    assert_eq!(done(store.session(&token(1)).await), Some(touched));
    assert_eq!(done(store.session(&token(2)).await), Some(other));
}

/// [`Sessions::close_session`] ends one session, and does nothing when there is none.
///
/// [`Sessions::close_session`]: throng_core::store::Sessions::close_session
pub async fn a_closed_session_is_gone(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    scene.session(wiki, &anna, 1).await;
    scene.session(wiki, &anna, 2).await;
    done(store.close_session(&token(1)).await);
    done(store.close_session(&token(1)).await);
    done(store.close_session(&token(3)).await);
    assert!(!scene.is_live(1).await);
    assert!(scene.is_live(2).await);
    assert_eq!(done(store.epoch(&anna).await), 0, "the others go on");
}

/// [`Sessions::close_sessions`] ends those of the account in the application, but for one, and no others.
///
/// [`Sessions::close_sessions`]: throng_core::store::Sessions::close_sessions
pub async fn the_sessions_of_an_account_are_closed_but_for_one(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let (wiki, shop) = (scene.application("wiki", &[east]).await, scene.application("shop", &[east]).await);
    let (anna, bela) = (scene.user(east, "anna").await, scene.user(east, "bela").await);
    let namesake = scene.user(west, "anna").await;
    for (number, application, subject) in [
        (1, wiki, &anna),
        (2, wiki, &anna),
        (3, wiki, &anna),
        (4, shop, &anna),
        (5, wiki, &bela),
        (6, wiki, &namesake),
    ] {
        scene.session(application, subject, number).await;
    }
    assert_eq!(done(store.close_sessions(wiki, &anna, Some(&token(2))).await), 2);
    for (number, live) in [(1, false), (2, true), (3, false), (4, true), (5, true), (6, true)] {
        assert_eq!(scene.is_live(number).await, live, "session {number}");
    }
    assert_eq!(done(store.close_sessions(wiki, &anna, Some(&token(5))).await), 1);
    assert_eq!(done(store.close_sessions(wiki, &anna, None).await), 0);
    assert!(scene.is_live(5).await, "another's session is no exception");
    assert_eq!(done(store.epoch(&anna).await), 0);
}

/// [`Sessions::purge_sessions`] removes those that ended before the moment, and tells how many.
///
/// [`Sessions::purge_sessions`]: throng_core::store::Sessions::purge_sessions
pub async fn a_purge_removes_what_has_ended(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let moment = scene.now().plus(Duration::from_secs(100_000));
    let ends = [1, 2, 3, 4].map(|second| moment.plus(Duration::from_secs(second)));
    for (number, expires_at) in (1..).zip(ends) {
        let session = Session { expires_at, ..scene.new_session(wiki, &anna, 0) };
        done(store.open_session(&token(number), &session).await);
    }
    assert_eq!(done(store.purge_sessions(moment).await), 0);
    let between = ends[1].plus(Duration::from_micros(1));
    assert_eq!(done(store.purge_sessions(between).await), 2);
    assert_eq!(done(store.purge_sessions(between).await), 0);
    for (number, live) in [(1, false), (2, false), (3, true), (4, true)] {
        assert_eq!(scene.is_live(number).await, live, "session {number}");
    }
}

/// Nothing that is done to sessions is logged.
pub async fn what_is_done_to_sessions_is_not_logged(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let head = done(store.head().await);
    let session = scene.session(wiki, &anna, 1).await;
    done(store.touch_session(session.id, scene.now()).await);
    done(store.close_session(&token(1)).await);
    done(store.purge_sessions(scene.now()).await);
    assert_eq!(done(store.head().await), head);
}
