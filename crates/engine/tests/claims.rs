//! To whom a name belongs: claims against insertion, recycling, resurfacing and reordering (T01 to T05, T12).
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Mode, PW1, PW2, World, delegated};
use throng_core::directory::UserPatch;
use throng_core::id::DirectoryId;
use throng_core::page::PageRequest;
use throng_core::plan::Plan;
use throng_core::registry::DelegatedSettings;
use throng_core::store::ChangeLog;
use throng_engine::Error;
use throng_engine::application::{Adoption, NameState, NewAccount};
use throng_engine::error::{Conflict, Denial};
use throng_testkit::script::{Power, ScriptedDirectory, ScriptedVerifier};

fn changed<T: std::fmt::Debug>(outcome: Result<T, Error>) -> throng_core::claim::OwnershipChange {
    match outcome {
        Err(Error::Conflict(Conflict::OwnershipChanged(change))) => *change,
        other => panic!("expected a change of ownership, got {other:?}"),
    }
}

#[tokio::test]
async fn reading_never_claims_and_a_login_does() {
    let (world, app, ids) = World::with_internal(&["D1"], Mode::Default).await;
    world.put_with_password(ids[0], "alice", PW1).await;
    app.find_user("alice").await.unwrap();
    app.explain("alice").await.unwrap();
    assert!(app.claims(&PageRequest::default()).await.unwrap().items.is_empty());
    let identity = app.authenticate("alice", PW1).await.unwrap().identity();
    let claims = app.claims(&PageRequest::default()).await.unwrap().items;
    assert_eq!((claims.len(), claims[0].identity), (1, identity));
    let alice = app.find_user("ALICE").await.unwrap();
    assert_eq!(app.identity(&alice).await.unwrap(), identity, "the same ever after");
}

/// T01: somebody who can write the directory above makes a namesake there.
#[tokio::test]
async fn an_inserted_namesake_inherits_nothing_until_adopted() {
    for mode in Mode::BOTH {
        let remote = ScriptedDirectory::new(DirectoryId::from_bytes([1; 16]));
        let (world, app, local) = World::with_remote(&remote, mode).await;
        world.put_with_password(local, "alice", PW1).await;
        let owner = app.authenticate("alice", PW1).await.unwrap();
        let impostor = remote.put_with_password("Alice", PW2).unwrap();

        if mode == Mode::Crowd {
            let followed = app.authenticate("alice", PW2).await.unwrap();
            assert_eq!(followed.user().directory(), DirectoryId::from_bytes([1; 16]), "the order decides");
            continue;
        }
        let change = changed(app.authenticate("alice", PW2).await);
        assert_eq!(change.claim.subject, owner.user().subject());
        assert_eq!(change.found.external_id, impostor.external_id);
        changed(app.find_user("alice").await);
        let explained = app.explain("alice").await.unwrap();
        assert!(matches!(explained.state, NameState::OwnershipChanged { .. }), "{explained}");
        assert!(explained.to_string().contains("must be adopted first"), "{explained}");

        let adopted = app.adopt("alice", Adoption::SamePerson).await.unwrap();
        assert_eq!(adopted, owner.identity(), "content stays attached");
        let now = app.authenticate("alice", PW2).await.unwrap();
        assert_eq!((now.identity(), now.user().directory()), (adopted, DirectoryId::from_bytes([1; 16])));
    }
}

/// T02, T05: the leaver's name under a new account, and a namesake that surfaces.
#[tokio::test]
async fn a_recycled_name_inherits_nothing() {
    let (world, app, ids) = World::with_internal(&["D1", "D2"], Mode::Default).await;
    world.put_with_password(ids[1], "jsmith", PW2).await;
    let leaver = world.put_with_password(ids[0], "jsmith", PW1).await;
    let before = app.authenticate("jsmith", PW1).await.unwrap();
    assert_eq!(before.user().value().external_id, leaver.external_id);
    let removed = app.remove_user(before.user()).await.unwrap();
    assert_eq!(removed.surfaced.unwrap().directory, ids[1]);

    let change = changed(app.authenticate("jsmith", PW2).await);
    assert!(change.claim.tombstoned_at.is_some(), "the claim is a tombstone");
    changed(app.find_user("jsmith").await);

    world.put_with_password(ids[0], "JSmith", PW2).await;
    changed(app.authenticate("jsmith", PW2).await);
    let newcomer = app.adopt("jsmith", Adoption::NewPerson).await.unwrap();
    assert_ne!(newcomer, before.identity(), "another person has another identity");
    assert_eq!(app.authenticate("jsmith", PW2).await.unwrap().identity(), newcomer);
}

/// T05: the tombstone stands also when the source makes the account again under the id that it had.
#[tokio::test]
async fn an_account_that_comes_back_under_its_old_id_inherits_nothing() {
    let remote = ScriptedDirectory::new(DirectoryId::from_bytes([1; 16])).with_powers(&[Power::Users]);
    let (_world, app, _) = World::with_remote(&remote, Mode::Default).await;
    let alice = remote.put_with_password("alice", PW1).unwrap();
    let before = app.authenticate("alice", PW1).await.unwrap();
    app.remove_user(before.user()).await.unwrap();
    remote.put_user(alice.clone()).unwrap();
    remote.put_password(&alice.external_id, PW1);

    let change = changed(app.authenticate("alice", PW1).await);
    assert!(change.claim.tombstoned_at.is_some());
    assert_eq!(change.found, change.claim.subject, "the very same account");
    changed(app.find_user("alice").await);
    assert_eq!(app.adopt("alice", Adoption::SamePerson).await.unwrap(), before.identity());
    assert_eq!(app.authenticate("alice", PW1).await.unwrap().identity(), before.identity());
}

#[tokio::test]
async fn the_claim_is_per_application() {
    let (world, wiki, ids) = World::with_internal(&["D1", "D2"], Mode::Default).await;
    world.put_with_password(ids[0], "alice", PW1).await;
    world.put_with_password(ids[1], "alice", PW2).await;
    let plan = Plan::new().seat(ids[1]).unwrap();
    let jira = world.throng.ensure_application("jira", plan).await.unwrap();
    let (one, two) =
        (wiki.authenticate("alice", PW1).await.unwrap(), jira.authenticate("alice", PW2).await.unwrap());
    assert_ne!(one.identity(), two.identity());
    assert_ne!(one.user().subject(), two.user().subject());
}

#[tokio::test]
async fn reordering_does_not_change_who_somebody_is() {
    let (world, app, ids) = World::with_internal(&["D1", "D2"], Mode::Default).await;
    world.put_with_password(ids[0], "alice", PW1).await;
    world.put_with_password(ids[1], "alice", PW2).await;
    app.authenticate("alice", PW1).await.unwrap();
    app.reorder(&[ids[1], ids[0]]).await.unwrap();
    changed(app.authenticate("alice", PW2).await);
    app.reorder(&[ids[0], ids[1]]).await.unwrap();
    assert!(app.authenticate("alice", PW1).await.is_ok());
}

#[tokio::test]
async fn a_rename_keeps_the_identity_and_a_claimed_name_is_not_taken_over_t04() {
    let (world, app, ids) = World::with_internal(&["D1"], Mode::Default).await;
    world.put_with_password(ids[0], "anna", PW1).await;
    world.put_with_password(ids[0], "bob", PW2).await;
    let anna = app.authenticate("anna", PW1).await.unwrap();
    let bob = app.authenticate("bob", PW2).await.unwrap();
    let renamed = app.rename_user(anna.user(), "anna.bell").await.unwrap();
    assert_eq!(app.identity(&renamed).await.unwrap(), anna.identity());

    app.remove_user(&renamed).await.unwrap();
    let head = world.store.head().await.unwrap();
    let refused = app.rename_user(bob.user(), "anna.bell").await;
    assert!(matches!(refused, Err(Error::Conflict(Conflict::NameReserved))), "{refused:?}");
    assert_eq!(world.store.head().await.unwrap(), head, "nothing changed");
}

/// T12: removing a directory leaves its names claimed.
#[tokio::test]
async fn a_removed_directory_frees_no_name() {
    let (world, app, ids) = World::with_internal(&["D1", "D2"], Mode::Default).await;
    world.put_with_password(ids[0], "alice", PW1).await;
    app.authenticate("alice", PW1).await.unwrap();
    let still_active = world.throng.remove_directory(ids[0]).await;
    assert!(matches!(still_active, Err(Error::Conflict(Conflict::DirectoryActive))), "R293");
    let mut record = (*world.throng.directory("D1").unwrap()).clone();
    record.active = false;
    world.throng.update_directory(record).await.unwrap();
    world.throng.remove_directory(ids[0]).await.unwrap();
    world.put_with_password(ids[1], "alice", PW2).await;
    let change = changed(app.authenticate("alice", PW2).await);
    assert!(change.claim.tombstoned_at.is_some());
}

#[tokio::test]
async fn two_first_logins_at_once_get_one_identity() {
    let verifier = ScriptedVerifier::new();
    verifier.put("anna", PW1).unwrap();
    let (_world, app, _) = delegated(Arc::new(verifier), DelegatedSettings::default()).await;
    let logins = (0..16).map(|_| app.authenticate("anna", PW1));
    let outcomes = futures_util::future::join_all(logins).await;
    let identities: std::collections::BTreeSet<_> =
        outcomes.into_iter().map(|who| who.unwrap().identity()).collect();
    assert_eq!(identities.len(), 1);
}

#[tokio::test]
async fn an_identity_of_what_was_resolved_before_is_checked_again_t10() {
    let remote = ScriptedDirectory::new(DirectoryId::from_bytes([1; 16]));
    let (world, app, local) = World::with_remote(&remote, Mode::Default).await;
    world.put(local, "anna").await;
    let anna = app.find_user("anna").await.unwrap();
    remote.put("anna").unwrap();
    assert!(matches!(app.identity(&anna).await, Err(Error::Conflict(Conflict::Stale))));
    let patch = UserPatch { active: Some(false), ..UserPatch::default() };
    assert!(matches!(app.update_user(&anna, patch).await, Err(Error::Conflict(Conflict::Stale))));
}

#[tokio::test]
async fn a_session_ends_when_the_name_comes_to_mean_somebody_else_t13() {
    let remote = ScriptedDirectory::new(DirectoryId::from_bytes([1; 16]));
    let (world, app, local) = World::with_remote(&remote, Mode::Default).await;
    world.put_with_password(local, "anna", PW1).await;
    let logged_in = app.log_in("anna", PW1).await.unwrap();
    let token = logged_in.token.expose();
    assert_eq!(app.session(token).await.unwrap().user.subject(), logged_in.who.user().subject());
    remote.put("anna").unwrap();
    let outcome = app.session(token).await;
    assert!(matches!(outcome, Err(Error::Denied { why: Denial::Session, .. })), "{outcome:?}");
    world.clock.advance(Duration::from_secs(1));
}

#[tokio::test]
async fn a_tombstoned_name_is_given_again_only_when_released() {
    let (world, app, _) = World::with_internal(&["D1"], Mode::Default).await;
    let anna = app.create_user(NewAccount::named("anna").password(PW1)).await.unwrap();
    let former = app.identity(&anna).await.unwrap();
    assert!(matches!(app.release("anna").await, Err(Error::Conflict(Conflict::NameTaken))), "still hers");
    app.remove_user(&anna).await.unwrap();
    let head = world.store.head().await.unwrap();
    let refused = app.create_user(NewAccount::named("Anna").password(PW2)).await;
    assert!(matches!(refused, Err(Error::Conflict(Conflict::NameReserved))), "{refused:?}");
    assert_eq!(world.store.head().await.unwrap(), head, "nothing changed");
    app.release("anna").await.unwrap();
    app.create_user(NewAccount::named("Anna").password(PW2)).await.unwrap();
    assert_ne!(app.authenticate("anna", PW2).await.unwrap().identity(), former, "and inherits nothing");
    assert!(matches!(app.release("nobody").await, Err(Error::NotFound { .. })));
}

/// An owner whom another directory shadows is not gone.
#[tokio::test]
async fn a_shadowed_owners_name_is_not_released() {
    let (world, app, ids) = World::with_internal(&["D1", "D2"], Mode::Default).await;
    world.put_with_password(ids[1], "sam", PW1).await;
    let owner = app.authenticate("sam", PW1).await.unwrap();
    world.put_with_password(ids[0], "sam", PW2).await;
    assert!(matches!(app.release("sam").await, Err(Error::Conflict(Conflict::NameTaken))));
    changed(app.authenticate("sam", PW2).await);
    assert_eq!(app.claims(&PageRequest::default()).await.unwrap().items[0].identity, owner.identity());
}

/// The right present password of a namesake below must not set the password of the account that the name means.
#[tokio::test]
async fn an_expired_password_changes_its_own_account_only() {
    use throng_core::plan::{OnRefusal, Seat, SeatPolicy};
    let (world, app, ids) = World::with_internal(&["D1", "D2"], Mode::Default).await;
    let above = world.put_with_password(ids[0], "sam", PW1).await;
    world.settle(ids[1], |settings| settings.password_policy.max_age_days = Some(1)).await;
    world.put_with_password(ids[1], "sam", PW2).await;
    world.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    app.change_plan(|plan| {
        let pass =
            |seat: Seat| Seat { policy: SeatPolicy { on_refusal: OnRefusal::Pass, ..seat.policy }, ..seat };
        let first = |seat: Seat| if seat.directory == ids[0] { pass(seat) } else { seat };
        Ok::<_, Error>(plan.filter_map_seats(|seat| Some(first(seat))))
    })
    .await
    .unwrap();
    let outcome = app.change_password("sam", PW2, "a third pass phrase").await;
    assert!(matches!(outcome, Err(Error::Conflict(Conflict::Stale))), "{outcome:?}");
    let still = app.authenticate("sam", PW1).await.unwrap();
    assert_eq!(still.user().value().external_id, above.external_id);
}

#[tokio::test]
async fn an_expired_password_can_be_changed_by_who_knows_it() {
    let (world, app, ids) = World::with_internal(&["D1"], Mode::Default).await;
    world.settle(ids[0], |settings| settings.password_policy.max_age_days = Some(1)).await;
    world.put_with_password(ids[0], "sam", PW1).await;
    world.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    assert!(app.change_password("sam", PW2, "a third pass phrase").await.is_err());
    app.change_password("sam", PW1, "a third pass phrase").await.unwrap();
    assert!(app.authenticate("sam", "a third pass phrase").await.is_ok());
}
