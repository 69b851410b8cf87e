//! Rounds of synchronisation: what is read and written, and how rounds end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod common;
mod mirror;

use std::time::Duration;

use futures_util::StreamExt;
use throng_core::change::{Change, ChangeSet, LoggedEntry, OnCycle};
use throng_core::directory::{Directory, GroupPatch, UserPatch};
use throng_core::group::Group;
use throng_core::id::ExternalId;
use throng_core::store::{ChangeLog, Mirrors, Records};
use throng_core::sync::{
    Batch, FullBecause, Item, MirroredSettings, Mode, Next, Outcome, Part, Phase, Position, Progress, Round,
    Schedule,
};
use throng_engine::error::{Conflict, Error};
use throng_engine::sync::{ProgressWatch, Stop, SyncRequest};
use throng_testkit::script::{Behaviour, Call, Cursors, ScriptedDirectory};

use common::World;
use mirror::*;

#[tokio::test]
async fn a_first_round_makes_the_mirror_like_its_source_and_is_one_entry_of_the_log() {
    let mirrored = Mirrored::of(populated(25)).await;
    let silent = mirrored.app.find_user("u3").await.unwrap_err();
    assert!(
        matches!(silent, Error::Unavailable { .. }),
        "a mirror that was never complete is silent: {silent}"
    );
    let head = mirrored.world.store.head().await.unwrap();
    let round = mirrored.sync().await;
    assert_eq!((round.mode, round.full_because), (Mode::Full, Some(FullBecause::First)));
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete));
    assert_eq!((round.counts.users_added, round.counts.groups_added), (25, 2));
    assert_eq!(round.counts.memberships_added, 25 + 3 + 1);
    mirrored.is_like_its_source().await;
    let logged = mirrored.world.store.batches(head, 10).await.unwrap();
    assert_eq!(logged.len(), 1);
    assert_eq!(logged[0].entries, [LoggedEntry::DirectoryReset(mirrored.mirror)]);
    let found = mirrored.app.find_user("U3").await.unwrap();
    assert_eq!(found.directory(), mirrored.mirror);
    let trail = found.trail().to_string();
    assert!(trail.contains("mirror, as of 2023-11-14T22:14:20Z"), "the age of the data is told: {trail}");
    let journal = mirrored.world.throng.rounds(mirrored.mirror, 5).await.unwrap();
    assert_eq!(journal, [round]);
    let phases: Vec<Phase> = journal[0].phases.iter().map(|(phase, _)| *phase).collect();
    let expected = [
        Phase::Beginning,
        Phase::Users,
        Phase::Groups,
        Phase::Memberships,
        Phase::Settling,
        Phase::Changes,
        Phase::Over,
    ];
    assert_eq!(phases, expected);
}

#[tokio::test]
async fn an_unchanged_source_is_read_and_nothing_is_written() {
    let mirrored = Mirrored::of(populated(25)).await;
    mirrored.sync().await;
    let head = mirrored.world.store.head().await.unwrap();
    let round = mirrored.full().await;
    assert_eq!((round.counts.written(), round.counts.users_read), (0, 25));
    let round = mirrored.sync().await;
    assert_eq!((round.mode, round.counts.read(), round.counts.written()), (Mode::Incremental, 0, 0));
    assert_eq!(mirrored.world.store.head().await.unwrap(), head);
}

/// Both modes make the mirror like its source; a full round after an incremental one finds nothing to write.
#[tokio::test]
async fn changes_of_every_kind_follow_in_both_modes() {
    for cursors in [Cursors::Given, Cursors::None] {
        let source = populated(60);
        source.give_cursors(cursors);
        let mirrored = Mirrored::of(source.clone()).await;
        mirrored.sync().await;
        source.change(&id("i3"), &renamed("Ursula")).unwrap();
        let patch = UserPatch { active: Some(false), ..UserPatch::default() };
        source.change(&id("i4"), &patch).unwrap();
        source.rename(&id("i5"), &username("newname")).unwrap();
        source.rename(&id("i6"), &username("U4")).unwrap_err();
        source.rename(&id("i6"), &username("U6-ß")).unwrap();
        source.drop_user(&id("i7")).unwrap();
        source.put("late").unwrap();
        source.put_group("new group", "made").unwrap();
        source.put_member(&group_name("new group"), &user_in("late")).unwrap();
        source.put_member(&group_name("some"), &user_in("late")).unwrap();
        source.drop_member(&group_name("some"), &user_in("u10")).unwrap();
        let patch = GroupPatch { description: Some("changed".into()), ..GroupPatch::default() };
        source.change_group(&group_name("all"), &patch).unwrap();
        let round = mirrored.sync().await;
        let mode = if cursors == Cursors::Given { Mode::Incremental } else { Mode::Full };
        assert_eq!(round.mode, mode);
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
        mirrored.is_like_its_source().await;
        assert!(!mirrored.user("u4").await.unwrap().active);
        let again = mirrored.full().await;
        assert_eq!(again.counts.written(), 0, "{again:?}");
        source.drop_group(&group_name("new group")).unwrap();
        mirrored.sync().await;
        mirrored.is_like_its_source().await;
    }
}

/// Names that change hands: each account keeps its id, its groups and its claim (R315, T04).
#[tokio::test]
async fn names_that_change_hands_follow_their_accounts() {
    for cursors in [Cursors::Given, Cursors::None] {
        let source = populated(60);
        source.give_cursors(cursors);
        let mirrored = Mirrored::of(source.clone()).await;
        mirrored.sync().await;
        let identity = mirrored.app.identity(&mirrored.app.find_user("u10").await.unwrap()).await.unwrap();
        let rename =
            |id: &str, name: &str| source.rename(&ExternalId::new(id).unwrap(), &username(name)).unwrap();
        // u10 and u11 swap; u20, u21, u22 go round; u30 takes the name of u31, who is gone.
        rename("i10", "x");
        rename("i11", "u10");
        rename("i10", "u11");
        rename("i20", "y");
        rename("i22", "u20");
        rename("i21", "u22");
        rename("i20", "u21");
        source.drop_user(&id("i31")).unwrap();
        rename("i30", "u31");
        let round = mirrored.sync().await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
        assert_eq!(round.set_aside, []);
        mirrored.is_like_its_source().await;
        let moved = mirrored.app.find_user("u11").await.unwrap();
        assert_eq!(moved.value().external_id, id("i10"));
        assert_eq!(mirrored.app.identity(&moved).await.unwrap(), identity, "the claim follows the account");
        assert!(mirrored.members("some").await.contains(&"u11".to_owned()), "and so do the groups");
        let again = mirrored.full().await;
        assert_eq!(again.counts.written(), 0, "{again:?}");
    }
}

/// A name that somebody new has, whose former owner is gone: the mirror follows, and nothing is inherited (Q11).
#[tokio::test]
async fn a_recycled_name_inherits_nothing_t05() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let former = mirrored.app.find_user("u10").await.unwrap();
    mirrored.app.identity(&former).await.unwrap();
    source.drop_user(&former.value().external_id).unwrap();
    let successor = source.put("u10").unwrap();
    let round = mirrored.sync().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
    assert_eq!(mirrored.user("u10").await.unwrap().external_id, successor.external_id);
    assert!(!mirrored.members("all").await.contains(&"u10".to_owned()));
    let refused = mirrored.app.find_user("u10").await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(Conflict::OwnershipChanged(_))), "{refused}");
}

/// Whatever call fails, in whatever way: nothing is deleted on the way, and the next round ends as if nothing had been.
#[tokio::test(start_paused = true)]
async fn a_round_that_fails_leaves_a_committed_state_and_the_next_one_mends_it() {
    for behaviour in [Behaviour::Silent, Behaviour::Broken, Behaviour::Hanging] {
        for cursors in [Cursors::Given, Cursors::None] {
            for nth in 1.. {
                let source = populated(24);
                source.give_cursors(cursors);
                let mirrored = Mirrored::of(source.clone()).await;
                mirrored.sync().await;
                source.drop_user(&id("i3")).unwrap();
                source.rename(&id("i5"), &username("u3")).unwrap();
                source.put("late").unwrap();
                source.put_member(&group_name("some"), &user_in("late")).unwrap();
                source.behave_once(Call::Pull, nth, behaviour);
                let before = source.calls(Call::Pull);
                let round = mirrored.sync().await;
                let outcome = round.ended.map(|(_, outcome)| outcome).unwrap();
                if source.calls(Call::Pull) - before < nth {
                    assert_eq!(outcome, Outcome::Complete);
                    break;
                }
                assert_eq!(outcome, Outcome::Failed, "call {nth}");
                assert!(round.failure.is_some());
                assert_eq!(round.counts.users_removed, 0);
                let mirror = mirrored.world.throng.mirror(mirrored.mirror).await.unwrap();
                assert_eq!((mirror.lease, mirror.state.failed_in_a_row), (None, 1));
                let round = mirrored.sync().await;
                assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
                mirrored.is_like_its_source().await;
            }
        }
    }
}

/// What cannot have happened is looked at in full, in the same round (CWD-2714, CWD-3188, R611).
#[tokio::test]
async fn an_impossible_change_is_looked_at_in_full() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    for item in [
        Item::Joined(group_name("all"), user_in("nobody")),
        Item::Joined(group_name("none"), user_in("u1")),
        Item::MemberOf(user_in("nobody"), vec![group_name("all")]),
    ] {
        source.state_instead([everything(vec![item.clone()])]);
        let round = mirrored.sync().await;
        assert_eq!((round.mode, round.full_because), (Mode::Full, Some(FullBecause::Impossible)), "{item:?}");
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete));
    }
    mirrored.is_like_its_source().await;
}

/// What is stated again, or is done already, changes nothing (T69).
#[tokio::test]
async fn changes_are_applied_whatever_of_them_is_applied_already_t69() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let before = mirrored.contents().await;
    let items = vec![
        Item::Joined(group_name("all"), user_in("u1")),
        Item::Left(group_name("some"), user_in("u1")),
        Item::Left(group_name("none"), user_in("u1")),
        Item::Left(group_name("all"), user_in("nobody")),
        Item::UserGone(throng_core::sync::Gone::Name(username("nobody"))),
        Item::UserGone(throng_core::sync::Gone::Id(id("nobody"))),
        Item::GroupGone(group_name("none")),
        Item::MemberOf(user_in("u10"), vec![group_name("some"), group_name("all")]),
        Item::User(user("i1", "u1")),
        Item::Group(Group { description: "everybody".into(), ..group("all") }),
        // Made and gone again between two rounds.
        Item::User(user("77", "short")),
        Item::Joined(group_name("all"), user_in("short")),
        Item::UserGone(throng_core::sync::Gone::Name(username("short"))),
        // Renamed: the former name is gone, and whoever had it is not.
        Item::User(user("i20", "new name")),
        Item::UserGone(throng_core::sync::Gone::Name(username("u20"))),
        Item::User(user("i20", "u20")),
    ];
    for _ in 0..2 {
        source.state_instead([everything(items.clone())]);
        let round = mirrored.sync().await;
        assert_eq!(round.mode, Mode::Incremental, "{round:?}");
        assert_eq!(round.counts.written(), 0, "{round:?}");
        assert_eq!(mirrored.contents().await, before);
    }
}

#[tokio::test]
async fn a_round_reads_everything_when_it_must_and_says_why() {
    let source = populated(3);
    let mirrored = Mirrored::of(source.clone()).await;
    let why = |round: &Round| (round.mode, round.full_because);
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::First)));
    assert_eq!(why(&mirrored.sync().await), (Mode::Incremental, None));
    assert_eq!(why(&mirrored.full().await), (Mode::Full, Some(FullBecause::Asked)));
    source.forget_cursors();
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::Expired)));
    mirrored.world.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::Old)));
    let record = mirrored.world.throng.directory("Jira").unwrap();
    let mut record = (*record).clone();
    let settings = MirroredSettings { left_out: vec!["phone".into()], ..MirroredSettings::default() };
    record.kind = throng_core::registry::DirectoryKind::Mirrored(Box::new(settings));
    mirrored.world.throng.update_directory(record).await.unwrap();
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::Settings)));
    source.give_cursors(Cursors::None);
    mirrored.full().await;
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::NoCursor)));
}

/// The cursor is from before the read: what changes while a full round reads is caught up with at its end (T63, Q15).
#[tokio::test]
async fn a_change_behind_the_reader_s_back_is_not_lost_t63() {
    let source = populated(10);
    let mirrored = Mirrored::of(source.clone()).await;
    // The cursor stands for this moment.
    let now =
        throng_core::sync::SyncSource::pull(&source, throng_core::sync::Pull::Full, None).await.unwrap();
    let all = (0..10).map(|number| Item::User(user(&format!("i{number}"), &format!("u{number}"))));
    let stale = Batch { cursor: now.cursor, ..everything(all.collect()) };
    for caught_up in [false, true] {
        source.state_instead([stale.clone()]);
        source.change(&id("i0"), &renamed("Ursula")).unwrap();
        if !caught_up {
            // The source fails just then: the next round goes on from where this one began.
            source.behave_once(Call::Pull, 2, Behaviour::Silent);
        }
        let round = mirrored.full().await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
        let name = mirrored.user("u0").await.unwrap().profile.display_name;
        assert_eq!(name, if caught_up { "Ursula" } else { "" });
        let round = mirrored.sync().await;
        assert_eq!(round.mode, Mode::Incremental);
        assert_eq!(mirrored.user("u0").await.unwrap().profile.display_name, "Ursula");
    }
}

#[tokio::test]
async fn a_stopped_round_ends_and_the_next_one_goes_on() {
    let mirrored = Mirrored::of(populated(40)).await;
    let stop = Stop::new();
    stop.set();
    let request = SyncRequest::full().stopped_by(&stop);
    let round = mirrored.world.throng.sync(mirrored.mirror, request).await.unwrap();
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Cancelled));
    let round = mirrored.sync().await;
    assert_eq!(round.number, 2);
    mirrored.is_like_its_source().await;
}

/// A source that does not answer is not waited for once somebody stops the round.
#[tokio::test(start_paused = true)]
async fn a_round_can_be_stopped_while_its_source_hangs() {
    let mirrored = Mirrored::of(populated(4)).await;
    mirrored.source.behave_on(Call::Pull, Behaviour::Hanging);
    let stop = Stop::new();
    let request = SyncRequest::full().stopped_by(&stop);
    let (round, ()) =
        futures_util::future::join(mirrored.world.throng.sync(mirrored.mirror, request), async {
            stop.set();
        })
        .await;
    assert_eq!(round.unwrap().ended.map(|(_, outcome)| outcome), Some(Outcome::Cancelled));
}

#[tokio::test]
async fn a_round_has_a_deadline_q16() {
    let mirrored = Mirrored::of(populated(40)).await;
    let request = SyncRequest::full().deadline(Duration::ZERO);
    let round = mirrored.world.throng.sync(mirrored.mirror, request).await.unwrap();
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::TooLong));
}

#[tokio::test(start_paused = true)]
async fn one_round_of_a_mirror_runs_at_a_time_t70() {
    let mirrored = Mirrored::of(populated(4)).await;
    mirrored.source.behave_on(Call::Pull, Behaviour::Slow(Duration::from_secs(1)));
    let sync = || mirrored.world.throng.sync(mirrored.mirror, SyncRequest::default());
    let (first, second) = futures_util::future::join(sync(), sync()).await;
    assert!(first.is_ok());
    assert!(matches!(second, Err(Error::Conflict(Conflict::Synchronising))));
    assert_eq!(mirrored.world.throng.rounds(mirrored.mirror, 9).await.unwrap().len(), 1);
}

/// A process that lost its lease writes nothing more, and its round is aborted (T65, T66).
#[tokio::test]
async fn a_round_that_was_taken_over_stops_writing_t65() {
    let mirrored = Mirrored::of(populated(40)).await;
    let other = throng_core::id::Id::from_bytes([5; 16]);
    let now = throng_core::time::Clock::now(&*mirrored.world.clock);
    let until = now.plus(Duration::from_secs(60));
    let lease = mirrored.world.store.take_lease(mirrored.mirror, other, now, until).await.unwrap();
    let busy = mirrored.world.throng.sync(mirrored.mirror, SyncRequest::default()).await;
    assert!(matches!(busy, Err(Error::Conflict(Conflict::Synchronising))));
    let running = Round::begin(mirrored.mirror, 1, Mode::Full, now);
    mirrored.world.store.put_round(lease.fence, &running).await.unwrap();
    // The other is gone; its lease is over.
    mirrored.world.clock.advance(Duration::from_secs(61));
    let round = mirrored.world.throng.sync(mirrored.mirror, SyncRequest::default()).await.unwrap();
    assert_eq!((round.number, round.ended.map(|(_, outcome)| outcome)), (2, Some(Outcome::Complete)));
    let rounds = mirrored.world.throng.rounds(mirrored.mirror, 9).await.unwrap();
    assert_eq!(rounds[1].ended.map(|(_, outcome)| outcome), Some(Outcome::Aborted));
}

/// A round whose lease is taken while it runs writes nothing from then on, whether it finds that out when it renews the
/// lease or when it writes (T65).
#[tokio::test(start_paused = true)]
async fn a_running_round_stops_writing_when_its_lease_is_taken_t65() {
    for renews in [true, false] {
        let mirrored = Mirrored::of(populated(4)).await;
        mirrored.sync().await;
        let store = &mirrored.world.store;
        for number in 0..4 {
            mirrored.source.change(&id(&format!("i{number}")), &renamed("Ursula")).unwrap();
        }
        mirrored.source.behave_on(Call::Pull, Behaviour::Slow(Duration::from_secs(1)));
        let watch = ProgressWatch::new();
        let other = throng_core::id::Id::from_bytes([5; 16]);
        let taking = async {
            let read = |progress: &Progress| std::future::ready(progress.counts.users_read > 0);
            std::pin::pin!(watch.stream().filter(read)).next().await.unwrap();
            let now = throng_core::time::Clock::now(&*mirrored.world.clock);
            let later = now.plus(Duration::from_secs(61));
            let until = later.plus(Duration::from_secs(60));
            let lease = store.take_lease(mirrored.mirror, other, later, until).await.unwrap();
            if renews {
                mirrored.world.clock.set(later);
            }
            (lease, mirrored.contents().await, store.mirror(mirrored.mirror).await.unwrap())
        };
        let request = SyncRequest::full().watched_by(&watch);
        let round = mirrored.world.throng.sync(mirrored.mirror, request);
        let (round, (lease, contents, mirror)) = futures_util::future::join(round, taking).await;
        assert_eq!(round.unwrap().ended.map(|(_, outcome)| outcome), Some(Outcome::Aborted), "{renews}");
        assert_eq!(mirrored.contents().await, contents);
        assert_eq!(store.mirror(mirrored.mirror).await.unwrap(), mirror, "neither state nor lease");
        assert_eq!(mirror.lease, Some(lease));
        let journal = mirrored.world.throng.rounds(mirrored.mirror, 1).await.unwrap();
        assert_eq!(journal[0].ended.map(|(_, outcome)| outcome), Some(Outcome::Aborted));
    }
}

#[tokio::test]
async fn progress_is_shown_to_whoever_looks() {
    let mirrored = Mirrored::of(populated(40)).await;
    let watch = ProgressWatch::new();
    let request = SyncRequest::full().watched_by(&watch);
    let shown = watch.stream().collect::<Vec<_>>();
    let (round, shown) =
        futures_util::future::join(mirrored.world.throng.sync(mirrored.mirror, request), shown).await;
    let round = round.unwrap();
    let last = shown.last().unwrap();
    assert_eq!((last.outcome, last.counts, last.number), (Some(Outcome::Complete), round.counts, 1));
    assert_eq!(watch.latest(), Some(*last));
}

#[tokio::test]
async fn rounds_run_when_they_are_due_and_wait_after_failures() {
    let hour = Duration::from_secs(60 * 60);
    let settings =
        MirroredSettings { schedule: Schedule::Every { interval: hour }, ..MirroredSettings::default() };
    let mirrored = Mirrored::with(populated(4), settings).await;
    let throng = &mirrored.world.throng;
    let due = async || throng.sync_due(&SyncRequest::default()).await.len();
    assert_eq!(due().await, 1);
    assert_eq!(due().await, 0);
    mirrored.world.clock.advance(hour);
    mirrored.source.behave_on(Call::Pull, Behaviour::Silent);
    assert_eq!(due().await, 1);
    assert_eq!(due().await, 0);
    mirrored.world.clock.advance(Duration::from_secs(60));
    assert_eq!(due().await, 1, "a minute after the first failure");
    mirrored.world.clock.advance(Duration::from_secs(60));
    assert_eq!(due().await, 0, "two minutes after the second");
    mirrored.source.behave_on(Call::Pull, Behaviour::Answering);
    mirrored.world.clock.advance(Duration::from_secs(60));
    assert_eq!(due().await, 1);
    assert_eq!(throng.mirror(mirrored.mirror).await.unwrap().state.failed_in_a_row, 0);
    let bad = MirroredSettings {
        schedule: Schedule::Every { interval: Duration::ZERO },
        ..MirroredSettings::default()
    };
    assert!(matches!(throng.mirrored_directory("Bad", bad).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn what_is_not_a_mirror_is_not_synchronised() {
    let world = World::new().await;
    let people = world.throng.internal_directory("People").await.unwrap();
    let refused = world.throng.sync(people, SyncRequest::default()).await;
    assert!(matches!(refused, Err(Error::Conflict(Conflict::DirectoryKind))));
    let mirror = world.throng.mirrored_directory("Jira", MirroredSettings::default()).await.unwrap();
    let silent = world.throng.sync(mirror, SyncRequest::default()).await;
    assert!(matches!(silent, Err(Error::Unavailable { .. })), "no source is attached");
}

/// Whoever is renamed while everything is read keeps the groups (T63).
#[tokio::test]
async fn a_rename_amid_a_full_round_loses_no_membership_t63() {
    let source = ScriptedDirectory::new(SOURCE).stating_in_batches_of(3);
    source.put_user(user("i1", "bela")).unwrap();
    source.put_user(user("i2", "other")).unwrap();
    source.put_group("staff", "").unwrap();
    source.put_member(&group_name("staff"), &user_in("bela")).unwrap();
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let now =
        throng_core::sync::SyncSource::pull(&source, throng_core::sync::Pull::Full, None).await.unwrap();
    source.rename(&id("i1"), &username("zoe")).unwrap();
    let items = vec![
        Item::User(user("i1", "bela")),
        Item::User(user("i2", "other")),
        Item::Group(source.group(&group_name("staff")).await.unwrap().unwrap()),
        Item::Members { group: group_name("staff"), members: vec![user_in("zoe")], part: Part::Last },
    ];
    source.state_instead([Batch { cursor: now.cursor, ..everything(items) }]);
    let round = mirrored.full().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
    mirrored.is_like_its_source().await;
    assert_eq!(mirrored.members("staff").await, ["zoe"]);
    assert_eq!(
        mirrored.sync().await.counts.read(),
        0,
        "the next round goes on from where this one caught up"
    );
}

/// A host that ends waits for no round: one that is under way is stopped with the rest.
#[tokio::test(start_paused = true)]
async fn stopping_ends_the_round_that_is_under_way() {
    let mirrored = Mirrored::of(populated(4)).await;
    mirrored.source.behave_on(Call::Pull, Behaviour::Hanging);
    let (stop, mut ended) = (Stop::new(), Vec::new());
    let keeping =
        mirrored.world.throng.keep_in_sync(&stop, |directory, round| ended.push((directory, round)));
    let stopping = async {
        while mirrored.source.calls(Call::Pull) == 0 {
            tokio::task::yield_now().await;
        }
        stop.set();
    };
    futures_util::future::join(keeping, stopping).await;
    let [(directory, Ok(round))] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!(
        (*directory, round.ended.map(|(_, outcome)| outcome)),
        (mirrored.mirror, Some(Outcome::Cancelled))
    );
}

/// A mirror whose source is not attached is told once, and tried again a minute later: not as fast as it fails.
#[tokio::test(start_paused = true)]
async fn a_round_that_cannot_begin_is_tried_again_after_a_while() {
    let world = World::new().await;
    let mirror = world.throng.mirrored_directory("Far", MirroredSettings::default()).await.unwrap();
    let (stop, told) = (Stop::new(), std::sync::Mutex::new(Vec::new()));
    let count = || told.lock().unwrap().len();
    let keeping = world.throng.keep_in_sync(&stop, |directory, round| {
        assert!(matches!(round, Err(Error::Unavailable { .. })), "{round:?}");
        told.lock().unwrap().push(directory);
    });
    let watching = async {
        while count() == 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(count(), 1);
        world.clock.advance(Duration::from_secs(61));
        tokio::time::sleep(Duration::from_secs(30)).await;
        stop.set();
    };
    futures_util::future::join(keeping, watching).await;
    assert_eq!(told.into_inner().unwrap(), [mirror, mirror]);
}

/// Members count one each, so that no batch is large by what a few items hold.
#[tokio::test]
async fn a_batch_that_weighs_too_much_fails_the_round() {
    let of = |group: &str, members: usize| Item::Members {
        group: group_name(group),
        members: (0..members).map(|number| user_in(&format!("u{number}"))).collect(),
        part: Part::Last,
    };
    for (last, outcome) in [(1_000, Outcome::HeldForApproval), (1_001, Outcome::Failed)] {
        let mirrored = Mirrored::of(populated(30)).await;
        mirrored.sync().await;
        mirrored.source.state_instead([everything(vec![of("all", 1_000), of("some", last)])]);
        let round = mirrored.full().await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(outcome), "{:?}", round.failure);
    }
}

/// Runs a full round over a source that states these batches, and does something else as soon as the round has read
/// memberships.
async fn full_beside(mirrored: &Mirrored, batches: Vec<Vec<Item>>, beside: Change) -> Round {
    let last = batches.len() - 1;
    mirrored.source.behave_on(Call::Pull, Behaviour::Slow(Duration::from_secs(1)));
    mirrored.source.state_instead(batches.into_iter().enumerate().map(|(at, items)| Batch {
        next: if at < last { Next::More(Position::new("next").unwrap()) } else { everything(vec![]).next },
        ..everything(items)
    }));
    let watch = ProgressWatch::new();
    let request = SyncRequest::full().watched_by(&watch);
    let set = ChangeSet::one(throng_core::time::Clock::now(&*mirrored.world.clock), beside);
    let beside = async {
        let read = |progress: &Progress| progress.counts.memberships_read > 0;
        let reached = watch.stream().filter(|progress| std::future::ready(read(progress)));
        std::pin::pin!(reached).next().await.unwrap();
        mirrored.world.store.apply(&set).await.unwrap();
    };
    let round = mirrored.world.throng.sync(mirrored.mirror, request);
    let (round, ()) = futures_util::future::join(round, beside).await;
    mirrored.source.behave_on(Call::Pull, Behaviour::Answering);
    round.unwrap()
}

/// What a login changes in a group after the round has read it is found by the next round.
#[tokio::test(start_paused = true)]
async fn a_group_that_others_change_meanwhile_is_compared_again_r622() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    source.drop_member(&group_name("some"), &user_in("u10")).unwrap();
    let users = (0..30).map(|number| Item::User(user(&format!("i{number}"), &format!("u{number}"))));
    let groups = ["all", "some"].map(|name| Item::Group(group(name)));
    let some = Item::Members {
        group: group_name("some"),
        members: vec![user_in("u0"), user_in("u20")],
        part: Part::Last,
    };
    let joins = Change::AddMember {
        directory: mirrored.mirror,
        group: group_name("some"),
        member: user_in("u5"),
        cycle: OnCycle::Keep,
    };
    full_beside(&mirrored, vec![users.chain(groups).collect(), vec![some], vec![], vec![]], joins).await;
    assert_eq!(mirrored.members("some").await, ["u0", "u20", "u5"], "the round had read the group before");
    mirrored.full().await;
    mirrored.is_like_its_source().await;
}
