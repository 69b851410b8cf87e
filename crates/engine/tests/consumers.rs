//! Applications that ask over the network, accounts that are vouched for, and sessions on terms.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::net::IpAddr;
use std::time::Duration;

use throng_core::consumer::{ConsumerRecord, Webhook};
use throng_core::directory::Refusal;
use throng_core::id::{DirectoryId, ExternalId, Subject, WebhookId};
use throng_core::permission::Operation;
use throng_core::plan::{Plan, SeatPolicy};
use throng_core::session::Binding;
use throng_core::store::Registry;
use throng_engine::application::{NewSession, SessionTerms, Switch, binding_of};
use throng_engine::error::{Denial, Invalid, Outage};
use throng_engine::{Attempts, Error, Verified};
use throng_testkit::script::Behaviour;
use world::{
    OTHER, RIGHT, WRONG, World, denial, find, has_ended, is_forbidden, is_missing, is_unavailable, live,
    policy, refusal, subject, without,
};

const MINUTE: Duration = Duration::from_secs(60);

fn here() -> IpAddr {
    "127.0.0.1".parse().unwrap()
}

fn away(n: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, n])
}

#[tokio::test]
async fn t46_a_chosen_password_opens_and_nothing_else_does() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    let shop = world.app("shop", Plan::new()).await;
    world.throng.set_application_password(wiki.id(), RIGHT).await.unwrap();
    let opened = world.throng.authenticate_application("WIKI", RIGHT, here()).await.unwrap();
    assert_eq!(opened.id(), wiki.id());
    let longest = "x".repeat(600);
    for (name, password) in [
        ("wiki", WRONG),
        ("wiki", ""),
        ("wiki", "\0"),
        ("wiki", &longest),
        ("shop", RIGHT),
        ("nobody", RIGHT),
        ("", RIGHT),
        (" wiki", RIGHT),
        ("wiki ", RIGHT),
        (&longest, RIGHT),
    ] {
        let outcome = world.throng.authenticate_application(name, password, away(1)).await;
        assert_eq!(denial(outcome), Denial::Consumer, "{name} {password}");
        world.clock.advance(Attempts::LONGEST);
    }
    assert_eq!(shop.id(), world.throng.application("shop").unwrap().id());
    assert!(!format!("{:?} {:?}", world.throng, world.store).contains(RIGHT));
}

#[tokio::test]
async fn t46_a_drawn_secret_opens_until_it_is_replaced_or_removed() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    let first = wiki.draw_password().await.unwrap();
    let before = world.throng.hashes_run();
    world.throng.authenticate_application("wiki", first.expose(), here()).await.unwrap();
    assert_eq!(world.throng.hashes_run(), before, "256 random bits need no slow hash");
    assert!(!format!("{:?}", world.store).contains(first.expose()));
    let second = wiki.draw_password().await.unwrap();
    assert!(world.throng.authenticate_application("wiki", first.expose(), here()).await.is_err());
    world.throng.authenticate_application("wiki", second.expose(), here()).await.unwrap();
    wiki.remove_password().await.unwrap();
    let outcome = world.throng.authenticate_application("wiki", second.expose(), here()).await;
    assert_eq!(denial(outcome), Denial::Consumer);
}

#[tokio::test]
async fn t46_what_an_attempt_costs_depends_on_what_is_shown_alone() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    let drawn = world.app("drawn", Plan::new()).await;
    let off = world.app("off", Plan::new()).await;
    world.throng.set_application_password(wiki.id(), RIGHT).await.unwrap();
    let stray = drawn.draw_password().await.unwrap();
    drawn.draw_password().await.unwrap();
    world.throng.set_application_password(off.id(), RIGHT).await.unwrap();
    off.switch(Switch::Off).await.unwrap();
    for (password, cost) in [(WRONG, 1), (stray.expose(), 0)] {
        for name in ["wiki", "drawn", "off", "nobody"] {
            let before = world.throng.hashes_run();
            let outcome = world.throng.authenticate_application(name, password, here()).await;
            let text = outcome.as_ref().unwrap_err().to_string();
            assert_eq!(text, "the name or the password is wrong");
            assert_eq!(denial(outcome), Denial::Consumer, "{name}");
            assert_eq!(world.throng.hashes_run() - before, cost, "{name}");
        }
    }
    let before = world.throng.hashes_run();
    assert!(world.throng.authenticate_application("off", RIGHT, here()).await.is_err());
    assert_eq!(world.throng.hashes_run() - before, 1);
}

#[tokio::test]
async fn t46_a_right_password_is_remembered_for_a_minute_and_no_longer() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    world.throng.set_application_password(wiki.id(), RIGHT).await.unwrap();
    let cost = async |password: &str| {
        let before = world.throng.hashes_run();
        let outcome = world.throng.authenticate_application("wiki", password, here()).await;
        (world.throng.hashes_run() - before, outcome.is_ok())
    };
    assert_eq!(cost(RIGHT).await, (1, true));
    assert_eq!(cost(RIGHT).await, (0, true));
    assert_eq!(cost(WRONG).await, (1, false));
    world.clock.advance(Verified::LASTS);
    assert_eq!(cost(RIGHT).await, (1, true));
    world.throng.set_application_password(wiki.id(), OTHER).await.unwrap();
    assert_eq!(cost(RIGHT).await, (1, false), "another credential ends it at once");
    assert_eq!(cost(OTHER).await, (1, true));
    wiki.switch(Switch::Off).await.unwrap();
    assert_eq!(cost(OTHER).await, (1, false), "so does switching off");
}

#[tokio::test]
async fn t46_failures_slow_one_source_down_and_nobody_else() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    world.throng.set_application_password(wiki.id(), RIGHT).await.unwrap();
    let attempt = async |password: &str, from| {
        world.throng.authenticate_application("wiki", password, from).await.map(drop)
    };
    for _ in 0..Attempts::FREE {
        assert_eq!(denial(attempt(WRONG, away(1)).await), Denial::Consumer);
    }
    let before = world.throng.hashes_run();
    for password in [WRONG, RIGHT] {
        match attempt(password, away(1)).await {
            Err(Error::Unavailable { why: Outage::Overloaded { retry_after }, .. }) => {
                assert_eq!(retry_after, Duration::from_secs(1));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.throng.hashes_run(), before, "nothing is looked at meanwhile");
    attempt(RIGHT, away(2)).await.unwrap();
    attempt(RIGHT, away(1)).await.unwrap();
    world.clock.advance(Verified::LASTS + MINUTE);
    attempt(RIGHT, away(1)).await.unwrap();
    assert_eq!(denial(attempt(WRONG, away(1)).await), Denial::Consumer, "a success forgives");
}

#[tokio::test]
async fn t50_whoever_tries_many_names_is_slowed_down_too() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    world.throng.set_application_password(wiki.id(), RIGHT).await.unwrap();
    let mut refused = 0;
    for n in 0..2 * Attempts::FREE_OF_ALL {
        let outcome = world.throng.authenticate_application(&format!("app {n}"), WRONG, away(1)).await;
        refused += u32::from(matches!(outcome, Err(Error::Denied { .. })));
    }
    assert_eq!(refused, Attempts::FREE_OF_ALL);
    assert!(is_unavailable(&world.throng.authenticate_application("wiki", RIGHT, away(1)).await));
    world.throng.authenticate_application("wiki", RIGHT, away(2)).await.unwrap();
    world.clock.advance(Attempts::LONGEST);
    world.throng.authenticate_application("wiki", RIGHT, away(1)).await.unwrap();
}

#[tokio::test]
async fn t45_nobody_makes_a_drawn_secret_wait() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    let secret = wiki.draw_password().await.unwrap();
    for _ in 0..2 * Attempts::FREE {
        assert!(world.throng.authenticate_application("wiki", WRONG, away(1)).await.is_err());
    }
    let outcome = world.throng.authenticate_application("wiki", WRONG, away(1)).await;
    assert!(is_unavailable(&outcome));
    world.throng.authenticate_application("wiki", secret.expose(), away(1)).await.unwrap();
}

#[tokio::test]
async fn t44_many_at_once_overshoot_nothing_and_a_right_password_is_hashed_once() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    world.throng.set_application_password(wiki.id(), RIGHT).await.unwrap();
    for (password, right, cost) in [(RIGHT, 50, 1), (WRONG, 0, u64::from(Attempts::FREE))] {
        let before = world.throng.hashes_run();
        let attempts = (0..50).map(|_| {
            let throng = world.throng.clone();
            tokio::spawn(
                async move { throng.authenticate_application("wiki", password, here()).await.is_ok() },
            )
        });
        let mut opened = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            opened += usize::from(attempt.await.unwrap());
        }
        assert_eq!((opened, world.throng.hashes_run() - before), (right, cost), "{password}");
    }
}

#[tokio::test]
async fn weak_and_drawn_looking_passwords_are_refused() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    let drawn = wiki.draw_password().await.unwrap();
    for weak in ["", "short", "password", "wiki", drawn.expose()] {
        let outcome = world.throng.set_application_password(wiki.id(), weak).await;
        assert!(matches!(outcome, Err(Error::Invalid(_))), "{weak}");
    }
    world.throng.authenticate_application("wiki", drawn.expose(), here()).await.unwrap();
}

#[tokio::test]
async fn r803_addresses_are_this_machine_at_first_and_nothing_denies_everybody() {
    let (_, wiki, _) = World::internal(1, Plan::new()).await;
    let admits = |text: &str| wiki.admits_address(text.parse().unwrap()).unwrap();
    assert!(admits("127.0.0.1") && admits("::1") && admits("::ffff:127.0.0.1"));
    assert!(!admits("192.0.2.1"));
    wiki.allow_addresses(vec!["192.0.2.0/24".parse().unwrap()]).await.unwrap();
    assert!(admits("192.0.2.9") && !admits("127.0.0.1"));
    wiki.allow_addresses(vec![]).await.unwrap();
    assert!(!admits("192.0.2.9") && !admits("127.0.0.1"));
    let many = vec!["::1".parse().unwrap(); ConsumerRecord::MAX_ADDRESSES + 1];
    let outcome = wiki.allow_addresses(many).await;
    assert!(matches!(outcome, Err(Error::Invalid(Invalid::TooMany("addresses")))));
}

#[tokio::test]
async fn r810_webhooks_are_the_applications_own_and_bounded() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    let shop = world.app("shop", Plan::new()).await;
    let hook = wiki.add_webhook("https://example.org/a", Some("t")).await.unwrap();
    assert_eq!(wiki.add_webhook("https://example.org/a", Some("t")).await.unwrap(), hook, "one of a kind");
    assert!(is_missing(&shop.remove_webhook(hook.id).await));
    assert!(matches!(
        wiki.add_webhook("ftp://a", None).await,
        Err(Error::Invalid(Invalid::Text("endpoint")))
    ));
    let long = "x".repeat(Webhook::MAX_CHARS + 1);
    assert!(matches!(
        wiki.add_webhook("http://a", Some(&long)).await,
        Err(Error::Invalid(Invalid::Text("token")))
    ));
    let adding = (1..ConsumerRecord::MAX_WEBHOOKS).map(|n| {
        let wiki = wiki.clone();
        tokio::spawn(async move { wiki.add_webhook(&format!("http://a/{n}"), None).await.map(drop) })
    });
    for added in adding.collect::<Vec<_>>() {
        added.await.unwrap().unwrap();
    }
    assert_eq!(wiki.webhooks().unwrap().len(), ConsumerRecord::MAX_WEBHOOKS, "none was lost to another");
    let outcome = wiki.add_webhook("http://b", None).await;
    assert!(matches!(outcome, Err(Error::Invalid(Invalid::TooMany("webhooks")))));
    wiki.remove_webhook(hook.id).await.unwrap();
    assert!(is_missing(&wiki.remove_webhook(hook.id).await));
    assert!(is_missing(&wiki.remove_webhook(WebhookId::from_bytes([9; 16])).await));
    assert_eq!(world.store.consumers().await.unwrap().len(), 1);
}

#[tokio::test]
async fn r215_who_is_vouched_for_is_found_in_order_and_never_inactive() {
    let (world, wiki, ids) = World::internal(2, Plan::new()).await;
    let upper = world.put(ids[0], "anna").await;
    world.put(ids[1], "anna").await;
    world.put(ids[1], "bela").await;
    let before = world.throng.hashes_run();
    let who = wiki.vouch_for("ANNA").await.unwrap();
    assert_eq!(who.user().subject(), subject(ids[0], &upper));
    assert_eq!(wiki.vouch_for("bela").await.unwrap().user().directory(), ids[1]);
    assert_eq!(world.throng.hashes_run(), before);
    assert_eq!(denial(wiki.vouch_for("nobody").await), Denial::Unknown);
    assert!(matches!(denial(wiki.vouch_for("").await), Denial::Name(_)));
    world.deactivate(ids[0], &upper).await;
    assert_eq!(refusal(wiki.vouch_for("anna").await), Refusal::Inactive, "no namesake stands in");
    wiki.switch(Switch::Off).await.unwrap();
    assert_eq!(denial(wiki.vouch_for("bela").await), Denial::ApplicationClosed);
}

#[tokio::test]
async fn r215_a_silent_directory_vouches_for_nobody_unless_it_is_passed() {
    let remote = live(1);
    let (world, wiki, local) = World::live_above(&[&remote], Plan::new()).await;
    world.put(local, "anna").await;
    remote.behave(Behaviour::Silent);
    assert!(is_unavailable(&wiki.vouch_for("anna").await));
    policy(&wiki, SeatPolicy::CROWD).await;
    assert_eq!(wiki.vouch_for("anna").await.unwrap().user().directory(), local);
}

#[tokio::test]
async fn t72_who_is_vouched_for_gets_sessions_of_the_present_epoch() {
    let (world, wiki, ids) = World::internal(1, Plan::new()).await;
    world.put(ids[0], "anna").await;
    let who = wiki.vouch_for("anna").await.unwrap();
    let token = wiki.open_session(&who).await.unwrap();
    wiki.end_sessions(&find(&wiki, "anna").await).await.unwrap();
    assert!(has_ended(&wiki.session(token.expose()).await));
    assert!(wiki.open_session(&who).await.is_err(), "the word was given before");
    let who = wiki.vouch_for("anna").await.unwrap();
    wiki.open_session(&who).await.unwrap();
}

#[tokio::test]
async fn r233_an_account_is_found_by_what_it_is_only_where_it_is_canonical() {
    let (world, wiki, ids) = World::internal(2, Plan::new()).await;
    let lower = subject(ids[1], &world.put(ids[1], "anna").await);
    let found = wiki.find_account(&lower).await.unwrap();
    assert_eq!((found.subject(), found.value().name.as_str()), (lower.clone(), "anna"));
    let renamed = wiki.rename_user(&found, "annika").await.unwrap();
    assert_eq!(wiki.find_account(&lower).await.unwrap().value().name, renamed.value().name);
    world.put(ids[0], "annika").await;
    assert!(is_missing(&wiki.find_account(&lower).await), "shadowed");
    let nobody = Subject { external_id: ExternalId::new("nobody").unwrap(), ..lower.clone() };
    assert!(is_missing(&wiki.find_account(&nobody).await));
    let elsewhere = Subject { directory: DirectoryId::from_bytes([9; 16]), ..lower };
    assert!(is_missing(&wiki.find_account(&elsewhere).await));
}

#[tokio::test]
async fn r233_an_account_of_a_live_directory_is_never_said_not_to_be_there() {
    let remote = live(1);
    let (_, wiki, _) = World::live_above(&[&remote], Plan::new()).await;
    let account =
        Subject { directory: DirectoryId::from_bytes([1; 16]), external_id: ExternalId::new("7").unwrap() };
    assert!(is_unavailable(&wiki.find_account(&account).await));
}

#[tokio::test]
async fn r732_passwords_expire_where_users_may_be_changed() {
    let (world, wiki, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put_with_password(ids[1], "bela", RIGHT).await;
    world.mask(ids[1], without(Operation::UpdateUser)).await;
    wiki.expire_passwords().await.unwrap();
    assert_eq!(refusal(wiki.authenticate("anna", RIGHT).await), Refusal::PasswordExpired);
    wiki.authenticate("bela", RIGHT).await.unwrap();
    world.mask(ids[0], without(Operation::UpdateUser)).await;
    assert!(is_forbidden(&wiki.expire_passwords().await));
}

#[test]
fn t74_a_binding_is_that_of_the_set_and_no_other() {
    let one = binding_of([("remote_address", "10.0.0.1"), ("agent", "x")]);
    assert_eq!(one, binding_of([("agent", "x"), ("remote_address", "10.0.0.1"), ("agent", "x")]));
    assert_eq!(binding_of([]), Binding::NOTHING);
    let sets: [&[(&str, &str)]; 9] = [
        &[],
        &[("", "")],
        &[("a", "bc")],
        &[("ab", "c")],
        &[("a", "b"), ("c", "")],
        &[("a", ""), ("b", "c")],
        &[("A", "bc")],
        &[("bc", "a")],
        &[("a", "bc"), ("a", "bd")],
    ];
    for (at, one) in sets.iter().enumerate() {
        for other in &sets[at + 1..] {
            assert_ne!(
                binding_of(one.iter().copied()),
                binding_of(other.iter().copied()),
                "{one:?} {other:?}"
            );
        }
    }
}

#[tokio::test]
async fn r809_a_session_is_validated_by_what_it_was_bound_to() {
    let (world, wiki, ids) = World::internal(1, Plan::new()).await;
    world.put(ids[0], "anna").await;
    let who = wiki.vouch_for("anna").await.unwrap();
    let bound = binding_of([("remote_address", "10.0.0.1")]);
    let terms = SessionTerms { binding: bound, idle: None };
    let NewSession { token, session } = wiki.open_session_with(&who, terms).await.unwrap();
    let open = wiki.validate_session(token.expose(), &bound).await.unwrap();
    assert_eq!(open.session, session);
    for other in [Binding::NOTHING, binding_of([("remote_address", "10.0.0.2")])] {
        assert!(has_ended(&wiki.validate_session(token.expose(), &other).await));
    }
    wiki.look_at_session(token.expose()).await.unwrap();
    let free = wiki.open_session(&who).await.unwrap();
    wiki.validate_session(free.expose(), &Binding::NOTHING).await.unwrap();
    assert!(has_ended(&wiki.validate_session(free.expose(), &bound).await), "no facts are facts, too");
}

#[tokio::test]
async fn a_session_may_be_shorter_than_the_limit_and_never_longer() {
    let (world, wiki, ids) = World::internal(1, Plan::new()).await;
    world.put(ids[0], "anna").await;
    let who = wiki.vouch_for("anna").await.unwrap();
    for (idle, lasts) in [(Some(MINUTE), MINUTE), (Some(Duration::MAX), 60 * MINUTE), (None, 60 * MINUTE)] {
        let terms = SessionTerms { idle, ..SessionTerms::default() };
        let NewSession { token, session } = wiki.open_session_with(&who, terms).await.unwrap();
        assert_eq!(wiki.end_of_session(&session), session.used_at.plus(lasts));
        world.clock.advance(lasts);
        let used = wiki.session(token.expose()).await.unwrap().session;
        assert_eq!(wiki.end_of_session(&used), used.used_at.plus(lasts), "a use makes it go on");
        assert!(used.used_at > session.used_at);
        world.clock.advance(lasts / 2);
        wiki.look_at_session(token.expose()).await.unwrap();
        world.clock.advance(lasts / 2 + Duration::from_micros(1));
        assert!(has_ended(&wiki.look_at_session(token.expose()).await), "a look does not");
        assert!(has_ended(&wiki.session(token.expose()).await));
    }
}

#[tokio::test]
async fn the_other_sessions_of_an_account_are_closed() {
    let (world, wiki, ids) = World::internal(1, Plan::new()).await;
    let shop = world.app("shop", Plan::new().seat(ids[0]).unwrap()).await;
    world.put(ids[0], "anna").await;
    let who = wiki.vouch_for("anna").await.unwrap();
    let (mine, other) = (wiki.open_session(&who).await.unwrap(), wiki.open_session(&who).await.unwrap());
    let elsewhere = shop.open_session(&shop.vouch_for("anna").await.unwrap()).await.unwrap();
    let account = who.user().subject();
    assert_eq!(wiki.close_sessions(&account, Some(mine.expose())).await.unwrap(), 1);
    assert!(wiki.session(mine.expose()).await.is_ok() && has_ended(&wiki.session(other.expose()).await));
    assert_eq!(wiki.close_sessions(&account, Some("no token of ours")).await.unwrap(), 1);
    assert!(has_ended(&wiki.session(mine.expose()).await));
    shop.session(elsewhere.expose()).await.unwrap();
}

#[tokio::test]
async fn clones_share_what_is_remembered() {
    let (world, wiki, _) = World::internal(1, Plan::new()).await;
    world.throng.set_application_password(wiki.id(), RIGHT).await.unwrap();
    let clone = world.throng.clone();
    clone.authenticate_application("wiki", RIGHT, here()).await.unwrap();
    let before = world.throng.hashes_run();
    world.throng.authenticate_application("wiki", RIGHT, here()).await.unwrap();
    assert_eq!(world.throng.hashes_run(), before);
}
