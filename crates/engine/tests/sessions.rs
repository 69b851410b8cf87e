//! Sessions: what opens them, what ends them, and what is stored of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use throng_core::directory::{Credence, Directory, Powers};
use throng_core::error::DirectoryError;
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::plan::{Access, Plan, Seat};
use throng_core::registry::{Aliases, DelegatedSettings};
use throng_core::secret::Secret;
use throng_core::session::TokenDigest;
use throng_core::store::Sessions;
use throng_core::user::User;
use throng_engine::application::{Admission, Switch};
use throng_engine::error::{Conflict, Denial};
use throng_engine::{Application, SessionLimits};
use throng_testkit::script::{Behaviour, ScriptedDirectory, ScriptedVerifier};
use tokio::sync::Notify;
use world::{
    OTHER, RIGHT, World, change_seats, conflict, denial, find, group_name, has_ended, is_missing,
    is_unavailable, live, modes, username,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const MICRO: Duration = Duration::from_micros(1);

/// A delegated directory "Staff" that lets anybody in, so that a login costs no hash.
async fn open_house(limits: SessionLimits) -> (World, Application, DirectoryId) {
    let verifier = Arc::new(ScriptedVerifier::accepting_anybody());
    let world = World::with(|builder| builder.verifier("Staff", verifier).sessions(limits)).await;
    let staff = world.throng.delegated_directory("Staff", DelegatedSettings::default()).await.unwrap();
    let app = world.app("wiki", Plan::new().seat(staff).unwrap()).await;
    (world, app, staff)
}

async fn token_of(app: &Application, name: &str) -> String {
    app.log_in(name, RIGHT).await.unwrap().token.expose().to_owned()
}

fn digest(token: &str) -> TokenDigest {
    TokenDigest::new(Sha256::digest(token.as_bytes()).into())
}

#[tokio::test]
async fn t71_only_the_digest_of_a_token_is_stored() {
    let (world, app, _) = open_house(SessionLimits::default()).await;
    let logged_in = app.log_in("anna", RIGHT).await.unwrap();
    let token = logged_in.token.expose();
    assert_eq!(token.len(), 43, "256 bits");
    assert!(token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    let kept = world.store.session(&digest(token)).await.unwrap().unwrap();
    assert_eq!((kept.application, &kept.subject), (app.id(), &logged_in.who.user().subject()));
    let everything = format!("{:?} {:?} {logged_in:?}", world.store, world.throng);
    assert!(!everything.contains(token), "nothing shows it");
    assert_eq!(app.session(token).await.unwrap().session, kept);
}

#[tokio::test]
async fn t73_each_login_makes_a_new_token_and_none_is_ever_taken_over() {
    let (world, app, _) = open_house(SessionLimits::default()).await;
    let who = app.authenticate("anna", RIGHT).await.unwrap();
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(app.open_session(&who).await.unwrap().expose().to_owned());
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 20);
    // A token that a client brings along opens nothing, however often it is shown.
    let planted = "A".repeat(43);
    for _ in 0..2 {
        assert!(has_ended(&app.session(&planted).await));
        token_of(&app, "anna").await;
    }
    assert!(world.store.session(&digest(&planted)).await.unwrap().is_none());
}

#[tokio::test]
async fn r35_whatever_is_no_token_is_refused_alike() {
    let (world, app, staff) = open_house(SessionLimits::default()).await;
    let other = world.app("forge", Plan::new().seat(staff).unwrap()).await;
    let token = token_of(&app, "anna").await;
    let swapped: String =
        token.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c }).collect();
    let disabled = token_of(&app, "berta").await;
    let berta = world.held(staff, "berta").await.unwrap();
    world.deactivate(staff, &berta).await;
    let expected = app.session("").await.unwrap_err().to_string();
    for bad in [
        "a".to_owned(),
        "a".repeat(10 << 20),
        format!("{token} "),
        format!(" {token}"),
        format!("{token}="),
        token[..42].to_owned(),
        swapped,
        "é".repeat(21) + "a",
        "\0".repeat(43),
        token_of(&other, "anna").await,
        disabled,
    ] {
        let outcome = app.session(&bad).await;
        assert!(has_ended(&outcome), "{outcome:?}");
        assert_eq!(outcome.unwrap_err().to_string(), expected, "the same words");
        app.close_session(&bad).await.unwrap();
    }
    assert!(app.session(&token).await.is_ok(), "closing what is no token closes nothing");
}

#[tokio::test]
async fn t13_a_session_counts_in_its_own_application_only() {
    for (mode, plan) in modes() {
        let upper = live(1);
        upper.put_with_password("admin", OTHER).unwrap();
        let lower = live(2);
        lower.put_with_password("admin", RIGHT).unwrap();
        let (world, _, _) = World::live_above(&[&upper, &lower], plan.clone()).await;
        let x = world.app("x", plan.clone().seat(lower.id()).unwrap()).await;
        let y = world.app("y", plan.clone().seat(upper.id()).unwrap()).await;
        let both = world.app("z", plan.seat(lower.id()).unwrap().seat(upper.id()).unwrap()).await;
        let who = x.authenticate("admin", RIGHT).await.unwrap();
        for other in [&y, &both] {
            assert_eq!(denial(other.open_session(&who).await), Denial::Session, "{mode}");
            let token = x.open_session(&who).await.unwrap();
            assert!(has_ended(&other.session(token.expose()).await), "{mode}");
            assert!(x.session(token.expose()).await.is_ok(), "{mode}");
        }
    }
}

#[tokio::test]
async fn an_idle_session_ends() {
    let (world, app, _) = open_house(SessionLimits::default()).await;
    let token = token_of(&app, "anna").await;
    world.clock.advance(HOUR);
    assert!(app.session(&token).await.is_ok(), "at the limit, not beyond");
    world.clock.advance(HOUR + MICRO);
    assert!(has_ended(&app.session(&token).await));
    world.clock.set(world::START);
    assert!(app.session(&token).await.is_ok(), "a clock that went wrong has ended nothing for good");
}

#[tokio::test]
async fn a_session_ends_in_the_end_whatever_is_done_with_it() {
    let (world, app, _) = open_house(SessionLimits::default()).await;
    let token = token_of(&app, "anna").await;
    for _ in 0..47 {
        world.clock.advance(30 * MINUTE);
        assert!(app.session(&token).await.is_ok());
    }
    world.clock.advance(30 * MINUTE - MICRO);
    assert!(app.session(&token).await.is_ok());
    world.clock.advance(MICRO);
    assert!(has_ended(&app.session(&token).await), "24 hours are the limit");
}

#[tokio::test]
async fn a_session_in_use_is_written_once_in_the_interval() {
    let (world, app, _) = open_house(SessionLimits::default()).await;
    let token = token_of(&app, "anna").await;
    let used_at = async || world.store.session(&digest(&token)).await.unwrap().unwrap().used_at;
    let head = world.head().await;
    for _ in 0..5 {
        world.clock.advance(11 * Duration::from_secs(1));
        app.session(&token).await.unwrap();
        assert_eq!(used_at().await, world::START, "not yet");
    }
    world.clock.advance(5 * Duration::from_secs(1));
    let open = app.session(&token).await.unwrap();
    assert_eq!(used_at().await, world::START.plus(MINUTE));
    assert_eq!(open.session.used_at, world::START.plus(MINUTE));
    assert_eq!(world.head().await, head, "and nothing is logged");
}

#[tokio::test]
async fn a_session_in_use_is_not_idle_however_the_limits_are_set() {
    let limits = SessionLimits { idle: Duration::from_secs(30), ..SessionLimits::default() };
    let (world, app, _) = open_house(limits).await;
    let token = token_of(&app, "anna").await;
    for second in (10..=120).step_by(10) {
        world.clock.advance(Duration::from_secs(10));
        assert!(app.session(&token).await.is_ok(), "used every ten seconds, after {second}");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_ends_nothing() {
    let (world, app, _) = open_house(SessionLimits::default()).await;
    let token = token_of(&app, "anna").await;
    world.clock.advance(30 * MINUTE);
    app.session(&token).await.unwrap();
    world.clock.set(world::START);
    assert!(app.session(&token).await.is_ok());
    let kept = world.store.session(&digest(&token)).await.unwrap().unwrap();
    assert_eq!(kept.used_at, world::START.plus(30 * MINUTE), "a use is never moved back");
}

#[tokio::test]
async fn sessions_that_have_ended_are_forgotten_by_maintenance() {
    let (world, app, _) = open_house(SessionLimits::default()).await;
    let token = token_of(&app, "anna").await;
    let who = app.authenticate("anna", RIGHT).await.unwrap();
    world.throng.maintain().await.unwrap();
    assert!(app.session(&token).await.is_ok());
    assert_eq!(world.throng.clone().maintain().await.ok(), Some(()), "twice is as good as once");
    world.clock.advance(25 * HOUR);
    world.throng.maintain().await.unwrap();
    assert!(world.store.session(&digest(&token)).await.unwrap().is_none());
    assert_eq!(app.last_login(&who.user().subject()).await.unwrap(), Some(world::START), "noted by now");
}

#[tokio::test]
async fn a_closed_session_stays_closed() {
    let (_world, app, _) = open_house(SessionLimits::default()).await;
    let (token, other) = (token_of(&app, "anna").await, token_of(&app, "anna").await);
    app.close_session(&token).await.unwrap();
    app.close_session(&token).await.unwrap();
    assert!(has_ended(&app.session(&token).await));
    assert!(app.session(&other).await.is_ok(), "the other one is another one");
}

// What ends the sessions of an account (T72).

#[tokio::test]
async fn t72_disabling_ends_sessions_for_good() {
    for (mode, plan) in modes() {
        let remote = live(1);
        remote.put_with_password("live", RIGHT).unwrap();
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        world.put_with_password(local, "stored", RIGHT).await;
        for name in ["live", "stored"] {
            let token = token_of(&app, name).await;
            let user = find(&app, name).await;
            let active =
                |active| throng_core::directory::UserPatch { active: Some(active), ..Default::default() };
            app.update_user(&user, active(false)).await.unwrap();
            assert!(has_ended(&app.session(&token).await), "{mode} {name}");
            app.update_user(&user, active(true)).await.unwrap();
            assert!(has_ended(&app.session(&token).await), "not revived {mode} {name}");
            assert!(app.log_in(name, RIGHT).await.is_ok(), "{mode} {name}");
        }
    }
}

#[tokio::test]
async fn t72_a_new_password_ends_sessions() {
    for (mode, plan) in modes() {
        let remote = live(1);
        remote.put_with_password("live", RIGHT).unwrap();
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        world.put_with_password(local, "stored", RIGHT).await;
        for name in ["live", "stored"] {
            let token = token_of(&app, name).await;
            let user = find(&app, name).await;
            assert!(app.set_password(&user, "short").await.is_err(), "{mode} {name}");
            assert!(app.session(&token).await.is_ok(), "a refused password ends nothing {mode} {name}");
            app.set_password(&user, OTHER).await.unwrap();
            assert!(has_ended(&app.session(&token).await), "{mode} {name}");
            assert!(app.log_in(name, RIGHT).await.is_err(), "{mode} {name}");
            assert!(app.log_in(name, OTHER).await.is_ok(), "{mode} {name}");
        }
    }
}

#[tokio::test]
async fn t72_ending_all_sessions_ends_those_of_one_account_in_all_applications() {
    let (world, app, staff) = open_house(SessionLimits::default()).await;
    let other = world.app("forge", Plan::new().seat(staff).unwrap()).await;
    let tokens = [token_of(&app, "anna").await, token_of(&app, "anna").await];
    let elsewhere = token_of(&other, "anna").await;
    let berta = token_of(&app, "berta").await;
    app.end_sessions(&find(&app, "anna").await).await.unwrap();
    for token in &tokens {
        assert!(has_ended(&app.session(token).await));
    }
    assert!(has_ended(&other.session(&elsewhere).await));
    assert!(app.session(&berta).await.is_ok());
}

#[tokio::test]
async fn t72_removing_and_recycling_ends_sessions() {
    for (mode, plan) in modes() {
        let remote = live(1);
        remote.put_with_password("live", RIGHT).unwrap();
        let (world, app, local) = World::live_above(&[&remote], plan).await;
        world.put_with_password(local, "stored", RIGHT).await;
        for name in ["live", "stored"] {
            let token = token_of(&app, name).await;
            app.remove_user(&find(&app, name).await).await.unwrap();
            assert!(has_ended(&app.session(&token).await), "{mode} {name}");
            match name {
                "live" => drop(remote.put_with_password(name, RIGHT).unwrap()),
                _ => drop(world.put_with_password(local, name, RIGHT).await),
            }
            assert!(has_ended(&app.session(&token).await), "T05 {mode} {name}");
        }
    }
}

#[tokio::test]
async fn t72_what_a_live_directory_says_now_counts() {
    let remote = live(1);
    let mut anna = remote.put_with_password("anna", RIGHT).unwrap();
    let (_world, app, _) = World::live_above(&[&remote], Plan::new()).await;
    let token = token_of(&app, "anna").await;
    remote.drop_user(&anna.external_id).unwrap();
    assert!(has_ended(&app.session(&token).await), "gone there");
    anna.active = false;
    remote.put_user(anna.clone()).unwrap();
    assert!(has_ended(&app.session(&token).await), "inactive there");
    remote.drop_user(&anna.external_id).unwrap();
    remote.put("anna").unwrap();
    assert!(has_ended(&app.session(&token).await), "T05: somebody else there");
}

#[tokio::test]
async fn t01_a_namesake_put_above_does_not_get_the_session() {
    for (mode, plan) in modes() {
        let (world, app, ids) = World::internal(2, plan).await;
        world.put_with_password(ids[1], "anna", RIGHT).await;
        let token = token_of(&app, "anna").await;
        let namesake = world.put(ids[0], "Anna").await;
        assert!(has_ended(&app.session(&token).await), "{mode}");
        app.reorder(&[ids[1], ids[0]]).await.unwrap();
        assert!(app.session(&token).await.is_ok(), "the name means the same account again {mode}");
        app.reorder(&[ids[0], ids[1]]).await.unwrap();
        world.drop_user(ids[0], &namesake).await;
        assert_eq!(app.session(&token).await.unwrap().user.directory(), ids[1], "{mode}");
    }
}

#[tokio::test]
async fn t08_a_directory_or_an_application_that_is_off_lets_nobody_on() {
    let (world, app, staff) = open_house(SessionLimits::default()).await;
    let token = token_of(&app, "anna").await;
    let anna = find(&app, "anna").await;
    app.switch(Switch::Off).await.unwrap();
    assert!(has_ended(&app.session(&token).await));
    assert_eq!(app.admission(&anna).await.unwrap(), Admission::Closed, "R220");
    assert_eq!(denial(app.log_in("anna", RIGHT).await), Denial::ApplicationClosed);
    app.switch(Switch::On).await.unwrap();
    assert!(app.session(&token).await.is_ok());
    world.switch_off(staff).await;
    assert!(has_ended(&app.session(&token).await), "R293");
    world.throng.remove_directory(staff).await.unwrap();
    assert!(has_ended(&app.session(&token).await), "T12");
    world.throng.remove_application(app.id()).await.unwrap();
    assert!(app.session(&token).await.is_err());
    assert!(world.store.session(&digest(&token)).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn silence_ends_no_session_and_opens_none() {
    for (mode, plan) in modes() {
        for how in [Behaviour::Silent, Behaviour::Hanging] {
            let remote = live(1);
            let (world, app, local) = World::live_above(&[&remote], plan.clone()).await;
            world.put_with_password(local, "anna", RIGHT).await;
            let token = token_of(&app, "anna").await;
            remote.behave(how);
            assert!(is_unavailable(&app.session(&token).await), "{mode} {how:?}");
            remote.behave(Behaviour::Answering);
            assert!(app.session(&token).await.is_ok(), "{mode} {how:?}");
        }
    }
}

#[tokio::test]
async fn a_rename_is_a_change_of_what_the_name_means() {
    let (world, app, staff) = open_house(SessionLimits::default()).await;
    let token = token_of(&app, "anna").await;
    let anna = app.rename_user(&find(&app, "anna").await, "ANNA").await.unwrap();
    assert_eq!(app.session(&token).await.unwrap().user.value().name.as_str(), "ANNA", "R255: spelling only");
    app.rename_user(&anna, "anna.b").await.unwrap();
    assert!(has_ended(&app.session(&token).await));
    world.put(staff, "anna").await;
    assert!(has_ended(&app.session(&token).await), "T05: and nobody else gets it");
}

#[tokio::test]
async fn a_session_made_under_an_alias_is_the_accounts_own() {
    let (_world, app, _) = open_house(SessionLimits::default()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    app.allow_aliases(Aliases::On).await.unwrap();
    let anna = find(&app, "anna").await;
    app.set_alias(&anna, "boss").await.unwrap();
    let token = token_of(&app, "boss").await;
    app.remove_alias(&anna).await.unwrap();
    assert_eq!(app.session(&token).await.unwrap().user.subject(), anna.subject());
}

// Between the check of a credential and the session.

#[tokio::test]
async fn t72_sessions_ended_after_the_check_of_a_credential_are_not_opened_by_it() {
    let remote = live(1);
    remote.put_with_password("live", RIGHT).unwrap();
    let (world, app, local) = World::live_above(&[&remote], Plan::new()).await;
    world.put_with_password(local, "stored", RIGHT).await;
    for name in ["live", "stored"] {
        let user = find(&app, name).await;
        let before = app.authenticate(name, RIGHT).await.unwrap();
        app.end_sessions(&user).await.unwrap();
        assert_eq!(conflict(app.open_session(&before).await), Conflict::Stale, "{name}");
        let before = app.authenticate(name, RIGHT).await.unwrap();
        app.set_password(&user, OTHER).await.unwrap();
        assert_eq!(conflict(app.open_session(&before).await), Conflict::Stale, "{name}");
        let after = app.authenticate(name, OTHER).await.unwrap();
        assert!(app.open_session(&after).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn an_account_that_went_after_the_check_of_its_credential_gets_no_session() {
    let (world, app, staff) = open_house(SessionLimits::default()).await;
    let who = app.authenticate("anna", RIGHT).await.unwrap();
    let anna = world.held(staff, "anna").await.unwrap();
    world.drop_user(staff, &anna).await;
    let outcome = app.open_session(&who).await;
    assert!(is_missing(&outcome) || matches!(conflict(outcome), Conflict::Stale));
}

/// Checks a password, and hands the answer over only when it is let go.
#[derive(Debug)]
struct Sluggish {
    inner: ScriptedDirectory,
    checked: Notify,
    go: Notify,
}

#[async_trait]
impl Directory for Sluggish {
    fn id(&self) -> DirectoryId {
        self.inner.id()
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        self.inner.user(name).await
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        self.inner.group(name).await
    }

    async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError> {
        self.inner.find_users(filter, page).await
    }

    async fn find_groups(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        self.inner.find_groups(filter, page).await
    }

    async fn parents_of(&self, of: &Member, page: &PageRequest) -> Result<Page<GroupName>, DirectoryError> {
        self.inner.parents_of(of, page).await
    }

    async fn children_of(&self, of: &GroupName, page: &PageRequest) -> Result<Page<Member>, DirectoryError> {
        self.inner.children_of(of, page).await
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        let credence = self.inner.authenticate(name, secret).await;
        self.checked.notify_one();
        self.go.notified().await;
        credence
    }

    fn powers(&self) -> Powers<'_> {
        self.inner.powers()
    }
}

#[tokio::test]
async fn t72_sessions_ended_while_a_live_directory_checks_are_not_opened_afterwards() {
    let inner = live(1);
    inner.put_with_password("anna", RIGHT).unwrap();
    let slow = Arc::new(Sluggish { inner, checked: Notify::new(), go: Notify::new() });
    let attached = Arc::clone(&slow);
    let world = World::with(|builder| builder.directory("Remote", attached)).await;
    let app = world.app("wiki", Plan::new().seat(slow.id()).unwrap()).await;
    // The claim and the account are known from before.
    app.identity(&find(&app, "anna").await).await.unwrap();
    let login = tokio::spawn({
        let app = app.clone();
        async move { app.log_in("anna", RIGHT).await }
    });
    slow.checked.notified().await;
    app.set_password(&find(&app, "anna").await, OTHER).await.unwrap();
    slow.go.notify_one();
    let outcome = login.await.unwrap();
    assert!(outcome.is_err(), "the old password was right before, and has opened a session since");
}

/// Of a stored account, the epoch counts that stood before its password was checked, which takes a second here.
#[tokio::test(start_paused = true)]
async fn t72_sessions_ended_while_a_stored_account_is_checked_are_not_opened_afterwards() {
    let verifier = ScriptedVerifier::accepting_anybody();
    let attached = Arc::new(verifier.clone());
    let world = World::with(|builder| builder.verifier("Staff", attached)).await;
    let staff = world.throng.delegated_directory("Staff", DelegatedSettings::default()).await.unwrap();
    let app = world.app("wiki", Plan::new().seat(staff).unwrap()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    let anna = find(&app, "anna").await;
    verifier.behave(Behaviour::Slow(Duration::from_secs(1)));
    let (who, ended) = tokio::join!(app.authenticate("anna", RIGHT), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        app.end_sessions(&anna).await
    });
    ended.unwrap();
    assert_eq!(conflict(app.open_session(&who.unwrap()).await), Conflict::Stale);
}

#[tokio::test]
async fn r220_who_is_not_admitted_gets_no_session() {
    let (world, app, staff) = open_house(SessionLimits::default()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    world.put_group(staff, "readers", &[]).await;
    change_seats(&app, |seat| Seat { access: Access::Groups([group_name("readers")].into()), ..seat }).await;
    let refused = app.log_in("anna", RIGHT).await;
    let words = refused.as_ref().unwrap_err().to_string();
    assert_eq!(denial(refused), Denial::NotAdmitted);
    assert_eq!(words, "this account has no access here", "R217: told only after the right password");
    assert!(app.authenticate("anna", RIGHT).await.is_ok(), "R217");
    world.put_group(staff, "readers", &["anna"]).await;
    assert!(app.log_in("anna", RIGHT).await.is_ok());
    assert_eq!(world.held(staff, "anna").await.unwrap().name, username("anna"));
}
