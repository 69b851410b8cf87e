//! What rounds doubt: improbable deletions, entries that cannot be taken over, and who is who.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod common;
mod mirror;

use std::time::Duration;

use throng_core::directory::Directory;
use throng_core::group::{Group, Member};
use throng_core::id::ExternalId;
use throng_core::name::Key;
use throng_core::sync::{
    Batch, Completeness, EntryKind, FullBecause, Gone, Held, Item, MirroredSettings, Mode, Next, Outcome,
    Part, PlanHash, Position, Unreadable,
};
use throng_core::user::{Profile, User};
use throng_engine::error::{Conflict, Error};
use throng_testkit::script::Cursors;

use mirror::*;

#[tokio::test]
async fn an_emptied_source_deletes_nothing_until_somebody_approves_t59() {
    let mirrored = Mirrored::of(populated(30)).await;
    mirrored.sync().await;
    let before = mirrored.contents().await;
    mirrored.source.state_instead((0..3).map(|_| everything(vec![])));
    let round = mirrored.full().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::HeldForApproval));
    let held = round.held.unwrap();
    assert_eq!((held.users, held.groups), (30, 2));
    assert_eq!(held.why, [Held::Everything { live: 30 }, Held::Everything { live: 2 }]);
    assert_eq!(held.such_as.len(), 20);
    assert_eq!(mirrored.contents().await, before);
    assert!(mirrored.app.find_user("u1").await.is_ok());

    let wrong = PlanHash::parse("00");
    let stale = mirrored.world.throng.approve_deletions(mirrored.mirror, &wrong).await;
    assert!(matches!(stale, Err(Error::Conflict(Conflict::PlanStale))));
    mirrored.world.throng.approve_deletions(mirrored.mirror, &held.hash).await.unwrap();
    // The word holds for a day.
    mirrored.world.clock.advance(Duration::from_secs(25 * 60 * 60));
    let late = mirrored.sync().await;
    assert_eq!(late.full_because, Some(FullBecause::NoCursor));
    assert_eq!(late.held.map(|held| held.hash), Some(held.hash.clone()));
    mirrored.world.throng.approve_deletions(mirrored.mirror, &held.hash).await.unwrap();
    let round = mirrored.sync().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete));
    assert_eq!((round.counts.users_removed, round.counts.groups_removed), (30, 2));
    assert_eq!(mirrored.contents().await, [] as [String; 0]);
    let mirror = mirrored.world.throng.mirror(mirrored.mirror).await.unwrap();
    assert_eq!((mirror.approval, mirror.state.held_in_a_row), (None, 0));
}

/// An approval is for the deletions that were shown, and for no others.
#[tokio::test]
async fn other_deletions_than_those_approved_are_held_again_t59() {
    let source = populated(200);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    for number in 1..=21 {
        source.drop_user(&id(&format!("i{number}"))).unwrap();
    }
    let held = mirrored.sync().await.held.unwrap();
    assert_eq!(held.why, [Held::TooMany { deletes: 21, allowed: 20 }]);
    mirrored.world.throng.approve_deletions(mirrored.mirror, &held.hash).await.unwrap();
    source.drop_user(&id("i22")).unwrap();
    let again = mirrored.sync().await;
    assert_eq!(again.ended.map(|(_, outcome)| outcome), Some(Outcome::HeldForApproval));
    assert_ne!(again.held.unwrap().hash, held.hash);
    assert!(mirrored.user("u0").await.is_some());
}

#[tokio::test]
async fn additions_and_changes_go_on_while_deletions_are_held_t59() {
    let source = populated(200);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    for number in 1..=50 {
        source.drop_user(&id(&format!("i{number}"))).unwrap();
    }
    source.put("late").unwrap();
    source.put_member(&group_name("some"), &user_in("late")).unwrap();
    source.change(&id("i60"), &renamed("Ursula")).unwrap();
    for round in [mirrored.sync().await, mirrored.full().await] {
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::HeldForApproval), "{round:?}");
        assert_eq!(round.held.as_ref().map(|held| held.users), Some(50));
    }
    assert!(mirrored.members("some").await.contains(&"late".to_owned()));
    assert!(mirrored.members("all").await.contains(&"u10".to_owned()), "whoever is held keeps the groups");
    assert_eq!(mirrored.user("u60").await.unwrap().profile.display_name, "Ursula");
}

/// Small losses count together over a week.
#[tokio::test]
async fn repeated_losses_are_seen_t59() {
    let source = populated(200);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let mut held = None;
    for number in (1..=60).step_by(12) {
        for number in number..number + 12 {
            source.drop_user(&id(&format!("i{number}"))).unwrap();
        }
        held = mirrored.sync().await.held;
        if held.is_some() {
            break;
        }
    }
    assert_eq!(held.unwrap().why, [Held::TooManyInAWeek { deletes: 48, allowed: 40 }]);
}

#[tokio::test]
async fn protected_users_and_groups_are_never_deleted_unasked() {
    let settings = MirroredSettings {
        protected_users: vec![username("U3")],
        protected_groups: vec![group_name("SOME")],
        ..MirroredSettings::default()
    };
    let source = populated(60);
    let mirrored = Mirrored::with(source.clone(), settings).await;
    mirrored.sync().await;
    source.drop_user(&id("i3")).unwrap();
    let round = mirrored.sync().await;
    assert_eq!(round.held.map(|held| held.why), Some(vec![Held::Protected]));
    assert!(mirrored.user("u3").await.is_some());
    source.put_user(user("i3", "u3")).unwrap();
    source.put_member(&group_name("all"), &user_in("u3")).unwrap();
    assert_eq!(mirrored.sync().await.held, None);
    source.drop_group(&group_name("some")).unwrap();
    assert_eq!(mirrored.full().await.held.map(|held| held.groups), Some(1));
}

#[tokio::test]
async fn a_group_that_loses_most_of_its_members_keeps_them_until_approved_t59() {
    for cursors in [Cursors::Given, Cursors::None] {
        let source = populated(60);
        source.give_cursors(cursors);
        let mirrored = Mirrored::of(source.clone()).await;
        mirrored.sync().await;
        for number in 0..40 {
            source.drop_member(&group_name("all"), &user_in(&format!("u{number}"))).unwrap();
        }
        source.put("late").unwrap();
        source.put_member(&group_name("all"), &user_in("late")).unwrap();
        let round = mirrored.sync().await;
        assert_eq!(round.mode, Mode::Full, "only a full round can hold what a group would lose");
        let held = round.held.unwrap();
        assert_eq!((held.users, held.memberships), (0, 40));
        assert_eq!(held.why, [Held::MostOfAGroup { members: 61, leaving: 40 }]);
        let members = mirrored.members("all").await;
        assert!(members.contains(&"u3".to_owned()) && members.contains(&"late".to_owned()));
        mirrored.world.throng.approve_deletions(mirrored.mirror, &held.hash).await.unwrap();
        mirrored.sync().await;
        mirrored.is_like_its_source().await;
    }
}

#[tokio::test]
async fn an_unproven_pull_deletes_nothing_t59() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    source.drop_user(&id("i3")).unwrap();
    source.put("late").unwrap();
    source.doubt(Some("a limit of the server"));
    let round = mirrored.full().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Unproven));
    assert_eq!(round.failure.as_deref(), Some("a limit of the server"));
    assert!(mirrored.user("u3").await.is_some() && mirrored.user("late").await.is_some());
    source.doubt(None);
    let round = mirrored.sync().await;
    assert_eq!((round.mode, round.full_because), (Mode::Full, Some(FullBecause::Failed)));
    mirrored.is_like_its_source().await;
}

#[tokio::test]
async fn entries_that_cannot_be_taken_over_are_set_aside_and_the_round_goes_on_t67() {
    let mirrored = Mirrored::of(populated(0)).await;
    let unreadable = Unreadable::new(EntryKind::User, "a\u{7}b", Some(id("7")), "a control character");
    let items = vec![
        Item::User(user("1", "anna")),
        Item::User(user("2", "ａｎｎａ")),
        Item::User(user("3", "twice")),
        Item::User(user("3", "once more")),
        Item::User(user("4", "repeated")),
        Item::User(user("4", "repeated")),
        Item::User(user("5", "ad\u{200b}min")),
        Item::User(User {
            profile: Profile { email: "x".repeat(300), ..Profile::default() },
            ..user("6", "long")
        }),
        Item::Unreadable(unreadable),
        Item::User(user("8", "bob")),
        Item::Group(group("staff")),
        Item::Group(Group { description: "other".into(), ..group("STAFF") }),
        Item::Group(group("ops")),
        Item::Members {
            group: group_name("staff"),
            members: vec![
                user_in("anna"),
                user_in("nobody"),
                Member::Group(group_name("staff")),
                Member::Group(group_name("none")),
                Member::Group(group_name("ops")),
                user_in("ANNA"),
            ],
            part: Part::Last,
        },
        Item::Members { group: group_name("none"), members: vec![user_in("anna")], part: Part::Last },
        Item::Members {
            group: group_name("ops"),
            members: vec![Member::Group(group_name("staff"))],
            part: Part::Last,
        },
    ];
    // Enough others that the bad ones are few.
    let others = (100..500).map(|number| Item::User(user(&number.to_string(), &format!("u{number}"))));
    let items: Vec<Item> = others.chain(items).collect();
    mirrored.source.state_instead([everything(items)]);
    let round = mirrored.sync().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
    let aside: Vec<(&str, &str)> =
        round.set_aside.iter().map(|aside| (aside.name.as_str(), aside.why.as_str())).collect();
    let names: Vec<&str> = aside.iter().map(|(name, _)| *name).collect();
    let expected = [
        "once more",
        "ad\u{200b}min",
        "long",
        "a\\u{7}b",
        "ａｎｎａ",
        "STAFF",
        "nobody in staff",
        "staff in staff",
        "none in staff",
        "none",
    ];
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let mut expected_sorted = expected.to_vec();
    expected_sorted.sort_unstable();
    assert_eq!(sorted, expected_sorted, "{aside:?}");
    assert_eq!(mirrored.user("anna").await.map(|user| user.external_id), Some(id("1")));
    assert_eq!(mirrored.user("twice").await, None, "an id of two users is nobody's (T68)");
    assert_eq!(mirrored.user("once more").await, None);
    assert!(mirrored.user("repeated").await.is_some());
    assert_eq!(mirrored.members("staff").await, ["anna", "ops"]);
    assert_eq!(mirrored.members("ops").await, ["staff"], "a circle is kept, and reading ends (R410)");
    let anna = mirrored.app.find_user("anna").await.unwrap();
    let groups = mirrored.app.groups_of(&anna, throng_engine::application::Depth::Nested).await.unwrap();
    assert_eq!(groups.len(), 2);
}

/// The id of somebody who is known is stated for a second user: nobody's name moves by that (T68).
#[tokio::test]
async fn a_duplicated_id_takes_no_name_over_t68() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let anna = mirrored.app.find_user("u3").await.unwrap();
    let identity = mirrored.app.identity(&anna).await.unwrap();
    for order in [["mallory", "u3"], ["u3", "mallory"]] {
        let others = (0..30).filter(|number| *number != 3);
        let others = others.map(|number| Item::User(user(&format!("i{number}"), &format!("u{number}"))));
        let twice = order.map(|name| Item::User(user("i3", name)));
        let groups = ["all", "some"].map(|name| Item::Group(group(name)));
        source.state_instead([everything(others.chain(twice).chain(groups).collect())]);
        let round = mirrored.full().await;
        assert_eq!(round.counts.set_aside, 1, "{round:?}");
        assert_eq!(mirrored.user("mallory").await, None);
        let found = mirrored.app.find_user("u3").await.unwrap();
        assert_eq!(mirrored.app.identity(&found).await.unwrap(), identity);
    }
}

#[tokio::test]
async fn too_many_unreadable_entries_fail_the_round_before_it_deletes_t67() {
    let source = populated(60);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let users = (0..50).map(|number| Item::User(user(&format!("i{number}"), &format!("u{number}"))));
    let unreadable = (0..10)
        .map(|number| Item::Unreadable(Unreadable::new(EntryKind::User, &format!("x{number}"), None, "bad")));
    let groups = ["all", "some"].map(|name| Item::Group(group(name)));
    source.state_instead([everything(users.chain(unreadable).chain(groups).collect())]);
    let round = mirrored.full().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Failed), "{round:?}");
    assert!(mirrored.user("u55").await.is_some());
}

/// A source that breaks the rules of the port is not believed.
#[tokio::test]
async fn a_source_that_contradicts_itself_fails_the_round() {
    let more = |items, position: &str| Batch {
        items,
        cursor: None,
        next: Next::More(Position::new(position).unwrap()),
    };
    let members =
        |group: &str, part| Item::Members { group: group_name(group), members: vec![user_in("a")], part };
    let pulls: Vec<Vec<Batch>> = vec![
        vec![everything(vec![Item::Group(group("g")), Item::User(user("1", "a"))])],
        vec![everything(vec![members("g", Part::Last), Item::Group(group("g"))])],
        vec![everything(vec![Item::GroupGone(group_name("g"))])],
        vec![everything(vec![
            Item::User(user("1", "a")),
            Item::Group(group("g")),
            Item::Group(group("h")),
            members("g", Part::More),
            members("h", Part::Last),
        ])],
        vec![Batch { items: vec![], cursor: None, next: Next::Expired }],
        vec![everything((0..2_001).map(|n| Item::User(user(&n.to_string(), &format!("n{n}")))).collect())],
        vec![more(vec![Item::User(user("1", "a"))], "x"), more(vec![Item::GroupGone(group_name("g"))], "y")],
    ];
    for batches in pulls {
        let mirrored = Mirrored::of(populated(1)).await;
        mirrored.source.state_instead(batches.clone());
        let round = mirrored.sync().await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Failed), "{batches:?}");
    }
}

/// Two thousand nestings in one circle: kept, read to the end, and compared without a word.
#[tokio::test]
async fn a_circle_of_many_groups_is_mirrored_r410() {
    const LENGTH: usize = 2_000;
    let mirrored = Mirrored::of(populated(1)).await;
    let groups = (0..LENGTH).map(|n| Item::Group(group(&format!("g{n}"))));
    let members = (0..LENGTH).map(|n| Item::Members {
        group: group_name(&format!("g{n}")),
        members: vec![Member::Group(group_name(&format!("g{}", (n + 1) % LENGTH)))],
        part: Part::Last,
    });
    let items: Vec<Item> = groups.chain(members).collect();
    let batches = || {
        let parts: Vec<Vec<Item>> = items.chunks(1_000).map(<[Item]>::to_vec).collect();
        let last = parts.len() - 1;
        let next = move |at: usize| match at == last {
            true => Next::End(Completeness::Proven),
            false => Next::More(Position::new("next").unwrap()),
        };
        parts.into_iter().enumerate().map(move |(at, items)| Batch { items, cursor: None, next: next(at) })
    };
    mirrored.source.state_instead(batches());
    let round = mirrored.sync().await;
    assert_eq!(round.counts.memberships_added, u64::try_from(LENGTH).unwrap());
    mirrored.source.state_instead(batches());
    assert_eq!(mirrored.full().await.counts.written(), 0);
}

/// A source that begins to tell ids, and one that forgets them: the same people (R314, R624).
#[tokio::test]
async fn accounts_known_by_name_and_by_id_are_the_same() {
    let mirrored = Mirrored::of(populated(0)).await;
    let by_name =
        |name: &str| User { external_id: ExternalId::of_name(&Key::of(name)).unwrap(), ..user("x", name) };
    let names: Vec<String> = (0..30).map(|number| format!("u{number}")).collect();
    let weak = || names.iter().map(|name| Item::User(by_name(name))).collect::<Vec<_>>();
    let strong =
        || names.iter().map(|name| Item::User(user(&format!("id-{name}"), name))).collect::<Vec<_>>();
    mirrored.source.state_instead([everything(weak())]);
    mirrored.sync().await;
    let identity = mirrored.app.identity(&mirrored.app.find_user("u3").await.unwrap()).await.unwrap();
    for items in [strong(), weak(), strong()] {
        mirrored.source.state_instead([everything(items)]);
        let round = mirrored.full().await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
        assert_eq!((round.counts.users_added, round.counts.users_removed), (0, 0));
        let found = mirrored.app.find_user("u3").await.unwrap();
        assert_eq!(found.value().external_id, id("id-u3"));
        assert_eq!(mirrored.app.identity(&found).await.unwrap(), identity);
    }
}

/// A name that somebody else has by now, whose former holder is not stated: only everything tells (T05).
#[tokio::test]
async fn a_name_that_changed_hands_unsaid_is_looked_at_in_full_t05() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    source.drop_user(&id("i3")).unwrap();
    source.rename(&id("i4"), &username("u3")).unwrap();
    source.state_instead([everything(vec![
        Item::User(user("i4", "u3")),
        Item::UserGone(Gone::Name(username("u4"))),
    ])]);
    let round = mirrored.sync().await;
    assert_eq!((round.mode, round.full_because), (Mode::Full, Some(FullBecause::Ambiguous)), "{round:?}");
    mirrored.is_like_its_source().await;
}

/// A group that is gone and there again holds nobody of those who were in the former one (T05).
#[tokio::test]
async fn a_group_made_anew_keeps_no_members_t05() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    source.drop_group(&group_name("some")).unwrap();
    source.put_group("some", "").unwrap();
    source.put_member(&group_name("some"), &user_in("u1")).unwrap();
    let round = mirrored.sync().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
    mirrored.is_like_its_source().await;
    assert_eq!(mirrored.members("some").await, ["u1"]);
}

/// An account that is gone and there again, known by nothing but its name, is another one (T05, R314).
#[tokio::test]
async fn an_account_made_anew_under_its_name_inherits_nothing_t05() {
    let source = populated(30);
    let by_name =
        |name: &str| User { external_id: ExternalId::of_name(&Key::of(name)).unwrap(), ..user("x", name) };
    source.put_user(by_name("anna")).unwrap();
    source.put_member(&group_name("some"), &user_in("anna")).unwrap();
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    mirrored.app.identity(&mirrored.app.find_user("anna").await.unwrap()).await.unwrap();
    source.state_instead([everything(vec![
        Item::UserGone(Gone::Name(username("anna"))),
        Item::User(by_name("anna")),
        Item::Joined(group_name("all"), user_in("anna")),
    ])]);
    let round = mirrored.sync().await;
    assert_eq!(round.mode, Mode::Incremental, "{round:?}");
    assert_eq!((round.counts.users_removed, round.counts.users_added), (1, 1), "{round:?}");
    assert!(!mirrored.members("some").await.contains(&"anna".to_owned()));
    assert!(mirrored.members("all").await.contains(&"anna".to_owned()));
    let refused = mirrored.app.find_user("anna").await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(Conflict::OwnershipChanged(_))), "{refused}");
}

/// A removal that is told again, when somebody else has the name here already, takes nothing from him: ids other than
/// names are given once.
#[tokio::test]
async fn a_removal_that_is_told_again_takes_nothing_from_the_successor() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let identity = mirrored.app.identity(&mirrored.app.find_user("u3").await.unwrap()).await.unwrap();
    source.state_instead([everything(vec![
        Item::UserGone(Gone::Name(username("u3"))),
        Item::User(user("i3", "u3")),
    ])]);
    let round = mirrored.sync().await;
    assert_eq!(round.mode, Mode::Incremental, "{round:?}");
    assert_eq!((round.counts.users_removed, round.counts.users_added), (0, 0), "{round:?}");
    let kept = mirrored.app.find_user("u3").await.unwrap();
    assert_eq!(mirrored.app.identity(&kept).await.unwrap(), identity);
}

/// Names with quotes, and names that are too long for a report, find their copies (T67).
#[tokio::test]
async fn the_copy_of_an_entry_is_found_by_its_whole_name_t67() {
    let long = "x".repeat(150);
    let names = ["o'brien", "a\\b", long.as_str()];
    let by_name =
        |name: &str| User { external_id: ExternalId::of_name(&Key::of(name)).unwrap(), ..user("x", name) };
    let others = || (0..40).map(|number| Item::User(user(&format!("i{number}"), &format!("u{number}"))));
    for id in [None, Some(id("unknown"))] {
        let mirrored = Mirrored::of(populated(0)).await;
        let everybody = others().chain(names.map(|name| Item::User(by_name(name))));
        let everybody = everybody.chain(names[..2].iter().map(|name| Item::Group(group(name))));
        mirrored.source.state_instead([everything(everybody.collect())]);
        mirrored.sync().await;
        let before = mirrored.contents().await;
        let unreadable = |kind, name: &&str| Item::Unreadable(Unreadable::new(kind, name, id.clone(), "bad"));
        let doubtful = others().chain(names.iter().map(|name| unreadable(EntryKind::User, name)));
        let doubtful = doubtful.chain(names[..2].iter().map(|name| unreadable(EntryKind::Group, name)));
        mirrored.source.state_instead([everything(doubtful.collect())]);
        let round = mirrored.full().await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
        assert_eq!(mirrored.contents().await, before);
    }
}

/// What is stated and cannot be read is there: its copy stays with all that it is in and holds, whatever of it could be
/// read (T67).
#[tokio::test]
async fn the_copy_of_an_entry_that_cannot_be_read_stays_t67() {
    let mirrored = Mirrored::of(populated(0)).await;
    let users = || (0..40).map(|number| Item::User(user(&format!("i{number}"), &format!("u{number}"))));
    let members = |group: &str| Item::Members {
        group: group_name(group),
        members: vec![user_in("u3"), user_in("u4"), user_in("anna"), user_in("bob")],
        part: Part::Last,
    };
    let people = [user("a", "anna"), user("b", "bob")].map(Item::User);
    let groups = [Item::Group(group("staff")), Item::Group(group("ops"))];
    let memberships = [members("staff"), members("ops")];
    let items = users().chain(people).chain(groups).chain(memberships).collect();
    let unreadable = |kind, name, id| Item::Unreadable(Unreadable::new(kind, name, id, "it is too long"));
    let people =
        [unreadable(EntryKind::User, "somebody", Some(id("a"))), unreadable(EntryKind::User, "BOB", None)];
    let staff = ExternalId::of_name(&Key::of("staff")).unwrap();
    let groups = [unreadable(EntryKind::Group, "", Some(staff)), unreadable(EntryKind::Group, "Ops", None)];
    let memberships = [members("staff"), members("ops")];
    let doubtful = users().chain(people).chain(groups).chain(memberships).collect();
    mirrored.source.state_instead([everything(items), everything(doubtful)]);
    mirrored.full().await;
    let before = mirrored.contents().await;
    assert!(before.iter().any(|line| line.contains("ops") && line.contains("bob")), "{before:?}");
    let round = mirrored.full().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
    assert_eq!((round.counts.users_removed, round.counts.groups_removed), (0, 0), "{round:?}");
    assert_eq!(mirrored.contents().await, before);
}

/// A round that goes on in full counts what it finds then: what is doubted later is measured by that, and what its
/// changes had made doubtful does not outlast them (T59).
#[tokio::test]
async fn a_round_that_goes_on_in_full_counts_nothing_twice_t59() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let impossible = Item::Joined(group_name("none"), user_in("new"));
    source.put_user(user("new", "new")).unwrap();
    source.put_group("more", "").unwrap();
    let made = source.group(&group_name("more")).await.unwrap().unwrap();
    source.state_instead([everything(vec![
        Item::User(user("new", "new")),
        Item::Group(made),
        impossible.clone(),
    ])]);
    let round = mirrored.sync().await;
    assert_eq!((round.mode, round.full_because), (Mode::Full, Some(FullBecause::Impossible)), "{round:?}");
    assert_eq!((round.counts.users_added, round.counts.groups_added), (1, 1), "{round:?}");
    let state = mirrored.world.throng.mirror(mirrored.mirror).await.unwrap().state;
    assert_eq!((state.users, state.groups), (31, 3));

    let gone = (0..30).map(|number| Item::UserGone(Gone::Id(id(&format!("i{number}")))));
    source.state_instead([everything(gone.chain([impossible]).collect())]);
    let round = mirrored.sync().await;
    assert_eq!(round.mode, Mode::Full, "{round:?}");
    assert_eq!(
        (round.ended.map(|(_, outcome)| outcome), round.held),
        (Some(Outcome::Complete), None),
        "everybody was there"
    );
    mirrored.is_like_its_source().await;
}

/// What a full pull may leave unread is measured by that pull, whatever the changes before it held (T67).
#[tokio::test]
async fn what_cannot_be_read_is_measured_by_the_full_pull_alone_t67() {
    let users = |count: usize| {
        (0..count).map(|number| Item::User(user(&format!("i{number}"), &format!("u{number}"))))
    };
    let bad = |count: usize| {
        let entry = |number: usize| Unreadable::new(EntryKind::User, &format!("x{number}"), None, "bad");
        (0..count).map(move |number| Item::Unreadable(entry(number)))
    };
    let groups = || ["all", "some"].map(|name| Item::Group(group(name)));
    let impossible = || [Item::Joined(group_name("none"), user_in("u1"))];
    // Changes that read many, and changes of which several could not be read.
    for (changes, unreadable, outcome) in
        [(users(60).collect::<Vec<_>>(), 6, Outcome::Failed), (bad(4).collect(), 4, Outcome::Complete)]
    {
        let source = populated(60);
        let mirrored = Mirrored::of(source.clone()).await;
        mirrored.sync().await;
        let everybody = users(60).chain(bad(unreadable)).chain(groups()).collect();
        source.state_instead([
            everything(changes.into_iter().chain(impossible()).collect()),
            everything(everybody),
        ]);
        let round = mirrored.sync().await;
        assert_eq!(round.mode, Mode::Full, "{round:?}");
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(outcome), "{:?}", round.failure);
    }
}
