//! Mirrors: marks, rewriting, leases and the journal of rounds.

use std::time::Duration;

use throng_core::change::{Change, ChangeSet, LoggedEntry, Logging, OnCycle};
use throng_core::directory::{GroupPatch, UserPatch};
use throng_core::error::{Fault, StoreError};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, Id};
use throng_core::name::{GroupName, Key};
use throng_core::registry::{DirectoryKind, DirectoryRecord};
use throng_core::store::{GroupMarks, Store};
use throng_core::sync::{
    Approval, Counts, Cursor, Did, EntryKind, Fence, FullBecause, Held, HeldPlan, Mark, Mirror, MirrorState,
    MirroredSettings, Mode, NodeId, Outcome, Phase, PlanHash, RecentDeletions, Round,
};
use throng_core::time::Timestamp;
use throng_core::user::{Profile, User};

use super::scene::*;

const MINUTE: Duration = Duration::from_secs(60);

fn node(number: u8) -> NodeId {
    Id::from_bytes([number; 16])
}

async fn mirror(scene: &Scene<'_>, name: &str) -> DirectoryId {
    let kind = DirectoryKind::Mirrored(Box::new(MirroredSettings::crowd()));
    let record = DirectoryRecord { kind, ..scene.directory_record(name) };
    let id = record.id;
    scene.change(Change::PutDirectory(record.clone())).await;
    assert!(done(scene.store.directories().await).contains(&record), "a mirror is kept with its settings");
    id
}

async fn marks_of_users(store: &dyn Store, directory: DirectoryId) -> Vec<(String, Mark)> {
    let marks = done(store.user_marks(directory, None, 1_000).await);
    marks.into_iter().map(|(id, mark)| (id.to_string(), mark)).collect()
}

async fn members_mark(store: &dyn Store, directory: DirectoryId, group: &str) -> Option<Mark> {
    let groups = done(store.group_marks(directory, None, 1_000).await);
    groups.into_iter().find(|marks| marks.name.key() == &Key::of(group)).and_then(|marks| marks.members)
}

/// `Records::users_by_id`: those of the ids in that directory, and nobody for the others.
pub async fn users_are_found_by_their_ids(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.users(east, ["Anna", "Bela", "Cleo"]).await;
    scene.users(west, ["Dora"]).await;
    let ids = ["id-Cleo", "id-Anna", "id-Dora", "id-anna", "id-Anna\"", "name:ä"].map(external_id);
    let mut found = done(store.users_by_id(east, &ids).await);
    found.sort_by(|one, other| one.key().cmp(other.key()));
    assert_eq!(found, [user("Anna"), user("Cleo")]);
    assert_eq!(done(store.users_by_id(east, &[]).await), []);
}

/// `Mirrors::user_marks` 2: the mark is that of the user as it is kept, whatever way it was written.
pub async fn marks_are_those_of_users_as_they_are_kept(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    // Enough of them for a store that writes many at once.
    scene.users(east, ["Anna", "Bela", "Cleo", "Dora", "Emil"]).await;
    scene.user(east, "Fritz").await;
    let profile = Profile { email: "a@b".into(), ..Profile::default() };
    let patch = UserPatch { profile: Some(profile), ..UserPatch::default() };
    let patched = UserPatch { attributes: vec![("phone".into(), vec!["1".into()])], ..UserPatch::default() };
    scene.change(patch_user(&subject(east, "Anna"), patch)).await;
    scene.change(patch_user(&subject(east, "Anna"), patched)).await;
    let inactive = UserPatch { active: Some(false), ..UserPatch::default() };
    scene.change(patch_user(&subject(east, "Bela"), inactive)).await;
    scene.change(rename(&subject(east, "Cleo"), "Kleo")).await;
    let replaced =
        Change::ReplaceExternalId { subject: subject(east, "Dora"), external_id: external_id("other") };
    scene.change(replaced).await;
    let mut expected = Vec::new();
    for name in ["Anna", "Bela", "Kleo", "Dora", "Emil", "Fritz"] {
        let kept = scene.find(east, name).await.expect("the user is there");
        expected.push((kept.external_id.to_string(), Mark::of_user(&kept)));
    }
    expected.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(marks_of_users(store, east).await, expected);
}

/// `Mirrors::user_marks` 1: by the bytes of the ids, after one, at most the limit.
pub async fn user_marks_are_paged_by_id(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.users(east, ["b", "B1", "a", "é", "z"]).await;
    scene.users(west, ["c"]).await;
    let mut after = None;
    let mut found = Vec::new();
    loop {
        let page = done(store.user_marks(east, after.as_ref(), 2).await);
        assert!(page.len() <= 2, "a page has at most the limit");
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        found.extend(page.into_iter().map(|(id, _)| id.to_string()));
    }
    assert_eq!(found, ["id-B1", "id-a", "id-b", "id-z", "id-é"]);
}

/// `Mirrors::group_marks`: in the order of keys, with the mark of the group as it is kept.
pub async fn groups_are_marked_by_key(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    scene.groups(east, ["beta", "Alpha", "gamma", "delta", "epsilon"]).await;
    scene.groups(west, ["zeta"]).await;
    let imported = Group { origin: Origin::Imported, ..group("Omega") };
    scene.change(add_group(east, imported)).await;
    let patch = GroupPatch { description: Some("for".into()), ..GroupPatch::default() };
    scene.change(Change::UpdateGroup { directory: east, group: group_name("ALPHA"), patch }).await;
    let first = done(store.group_marks(east, None, 4).await);
    let rest = done(store.group_marks(east, first.last().map(|marks| marks.name.key()), 4).await);
    let names: Vec<&str> = first.iter().chain(&rest).map(|marks| marks.name.as_str()).collect();
    assert_eq!(names, ["Alpha", "beta", "delta", "epsilon", "gamma", "Omega"]);
    for marks in first.iter().chain(&rest) {
        let kept = scene.find_group(east, marks.name.as_str()).await.expect("the group is there");
        let expected = GroupMarks {
            name: kept.name.clone(),
            origin: kept.origin,
            mark: Mark::of_group(&kept),
            members: None,
        };
        assert_eq!(*marks, expected);
    }
}

/// `Mirrors::group_marks` 1: nothing that touches a group's members leaves the mark of former ones.
pub async fn a_members_mark_ends_with_any_change_of_them(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    scene.users(east, ["a", "b", "c", "d", "e", "f"]).await;
    scene.groups(east, ["g", "sub", "other"]).await;
    let mark = Mark::from_bits(-7);
    let note = || Change::MarkMembers { directory: east, group: GroupName::clone(&group_name("G")), mark };
    let head = done(store.head().await);
    scene.change(note()).await;
    assert_eq!(members_mark(store, east, "g").await, Some(mark));
    assert_eq!(done(store.head().await), head, "marks are not logged");
    let missing = Change::MarkMembers { directory: east, group: group_name("none"), mark };
    scene.refused(missing, Fault::Missing).await;

    let changes: Vec<(&str, Vec<Change>)> = vec![
        ("a member joins", vec![add_member(east, "g", &user_in("a"), OnCycle::Refuse)]),
        (
            "many join",
            ["b", "c", "d", "e"].map(|name| add_member(east, "g", &user_in(name), OnCycle::Keep)).to_vec(),
        ),
        ("a group joins", vec![add_member(east, "g", &group_in("sub"), OnCycle::Refuse)]),
        ("a member leaves", vec![remove_member(east, "g", user_in("a"))]),
        ("many leave", ["b", "c", "d", "e"].map(|name| remove_member(east, "g", user_in(name))).to_vec()),
        ("another joins", vec![add_member(east, "g", &user_in("f"), OnCycle::Refuse)]),
        ("a member is renamed", vec![rename(&subject(east, "f"), "ff")]),
        ("a member is removed", vec![remove_user(&subject(east, "f"))]),
        ("a group inside is removed", vec![remove_group(east, "sub")]),
    ];
    for (what, changes) in changes {
        scene.change(note()).await;
        scene.apply(changes).await;
        assert_eq!(members_mark(store, east, "g").await, None, "{what}");
    }
    scene.change(note()).await;
    scene.apply(vec![add_member(east, "other", &user_in("a"), OnCycle::Refuse)]).await;
    assert_eq!(members_mark(store, east, "g").await, Some(mark), "other groups are none of its business");
}

/// `Change::RewriteUser`: everything but the name follows, and sessions stay.
pub async fn a_rewritten_user_keeps_its_name_and_sessions(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let kept = User { attributes: attributes(&[("old", &["1"]), ("same", &["1"])]), ..user("Anna") };
    scene.change(add_user(east, kept)).await;
    let anna = subject(east, "Anna");
    scene.session(wiki, &anna, 1).await;
    let rewritten = User {
        name: username("somebody else"),
        profile: Profile { display_name: "A".into(), email: "a@b".into(), ..Profile::default() },
        attributes: attributes(&[("same", &["2"]), ("new", &["3"])]),
        ..user("Anna")
    };
    scene.change(Change::RewriteUser { directory: east, user: rewritten.clone() }).await;
    let expected = User { name: username("Anna"), ..rewritten.clone() };
    let found = scene.find(east, "anna").await;
    assert_eq!(found, Some(expected.clone()));
    assert_eq!(found.map(|user| user.name.as_str().to_owned()), Some("Anna".to_owned()));
    assert!(scene.is_live(1).await);
    assert_eq!(scene.last_batch().await.entries, [LoggedEntry::UserUpdated(anna.clone(), username("Anna"))]);
    assert_eq!(marks_of_users(store, east).await, [("id-Anna".to_owned(), Mark::of_user(&expected))]);
    let nobody = Change::RewriteUser { directory: east, user: user("Nobody") };
    scene.refused(nobody, Fault::Missing).await;
}

/// `Change::RewriteUser`: whoever becomes inactive loses the sessions, alone or among others (T72).
pub async fn a_rewrite_that_deactivates_ends_the_sessions_t72(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let names = ["a", "b", "c", "d", "e", "f"];
    scene.users(east, names).await;
    for (number, name) in (1..).zip(names) {
        scene.session(wiki, &subject(east, name), number).await;
    }
    let rewrite = |name: &&str| Change::RewriteUser {
        directory: east,
        user: User { active: **name != *"c", ..user(name) },
    };
    scene.apply(names.iter().map(rewrite).collect()).await;
    for (number, name) in (1..).zip(names) {
        assert_eq!(scene.is_live(number).await, name != "c", "{name}");
    }
    let ended = LoggedEntry::SessionsEnded(subject(east, "c"));
    assert!(scene.last_batch().await.entries.contains(&ended));
}

/// Rewrites and leaves in one set are all made, logged one by one, or all undone.
pub async fn many_rewrites_and_leaves_at_once_mean_what_they_mean_alone(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let names = ["a", "b", "c", "d", "e", "f"];
    scene.users(east, names).await;
    scene.users(west, names).await;
    scene.groups(east, ["g"]).await;
    scene.groups(west, ["g"]).await;
    let members = names.map(|name| ("g", user_in(name)));
    scene.members(east, &members).await;
    scene.members(west, &members).await;
    let named = |name: &str| User {
        profile: Profile { email: format!("{name}@\u{e9}"), ..Profile::default() },
        ..user(name)
    };
    let rewrites = names.map(|name| Change::RewriteUser { directory: east, user: named(name) });
    let leaves = ["a", "b", "c", "d", "e"].map(|name| remove_member(east, "G", user_in(name)));
    let all: Vec<Change> = rewrites.iter().chain(&leaves).cloned().collect();

    for spoilt in [
        Change::RewriteUser { directory: east, user: user("nobody") },
        remove_member(east, "g", user_in("nobody")),
        remove_member(east, "g", user_in("a")),
    ] {
        let mut set = all.clone();
        set.push(spoilt);
        assert_eq!(fault(store.apply(&ChangeSet::new(scene.now(), set)).await), Fault::Missing);
        assert_eq!(scene.find(east, "a").await, Some(user("a")), "nothing of a refused set is kept");
        assert_eq!(scene.children(east, "g").await, names);
    }
    scene.apply(all).await;
    for name in names {
        assert_eq!(scene.find(east, name).await, Some(named(name)));
        assert_eq!(scene.find(west, name).await, Some(user(name)), "other directories are not touched");
    }
    assert_eq!(scene.children(east, "g").await, ["f"]);
    assert_eq!(scene.children(west, "g").await, names);
    let updated = names.map(|name| LoggedEntry::UserUpdated(subject(east, name), username(name)));
    let left = ["a", "b", "c", "d", "e"]
        .map(|name| LoggedEntry::MemberRemoved(east, group_name("g"), Member::User(username(name))));
    let entries: Vec<LoggedEntry> = updated.into_iter().chain(left).collect();
    assert_eq!(scene.last_batch().await.entries, entries);
}

/// `Mirrors::mirror`: what was put is there, in all its parts, and nothing of it is logged.
pub async fn what_is_remembered_of_a_mirror_is_kept_whole(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (mirror(&scene, "east").await, mirror(&scene, "west").await);
    assert_eq!(done(store.mirror(east).await), Mirror::default());
    let head = done(store.head().await);
    let state = MirrorState {
        cursor: Some(Cursor::new("a:\"1").expect("a cursor")),
        complete_as_of: Some(Timestamp::from_micros(3)),
        full_as_of: Some(Timestamp::from_micros(2)),
        settings: u64::MAX,
        users: 7,
        groups: 8,
        recent_users: Some(RecentDeletions { since: Timestamp::from_micros(1), live: 9, deleted: 2 }),
        recent_groups: None,
        held_in_a_row: 1,
        failed_in_a_row: 2,
        ended_at: Some(Timestamp::from_micros(4)),
    };
    let put = |state: MirrorState| Change::PutMirror { directory: east, state: Box::new(state) };
    let approval = Approval { plan: PlanHash::of(5, 6), until: Timestamp::from_micros(10) };
    let approve = |approval| Change::ApproveDeletions { directory: east, approval };
    scene.apply(vec![approve(Some(approval.clone())), put(state.clone())]).await;
    let kept = done(store.mirror(east).await);
    assert_eq!(kept, Mirror { state: state.clone(), approval: Some(approval), lease: None });
    scene.apply(vec![put(MirrorState { cursor: None, ..state.clone() }), approve(None)]).await;
    let kept = done(store.mirror(east).await);
    assert_eq!(kept, Mirror { state: MirrorState { cursor: None, ..state }, approval: None, lease: None });
    assert_eq!(done(store.mirror(west).await), Mirror::default());
    assert_eq!(done(store.head().await), head);
    let nowhere = DirectoryId::from_bytes([9; 16]);
    let put = Change::PutMirror { directory: nowhere, state: Box::default() };
    scene.refused(put, Fault::Missing).await;
}

/// `Change::RewriteUser` and `Change::MarkMembers`: twice for one thing among many, the last counts.
pub async fn the_last_of_two_changes_of_one_thing_counts(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = mirror(&scene, "east").await;
    let names = ["a", "b", "c", "d", "e"];
    scene.users(east, names).await;
    scene.groups(east, names).await;
    for order in [[1, 2], [2, 1]] {
        for number in order {
            let called = |number: i64| {
                move |name: &str| {
                    let profile = Profile { display_name: format!("{name}{number}"), ..Profile::default() };
                    Change::RewriteUser { directory: east, user: User { profile, ..user(name) } }
                }
            };
            let marked = |number: i64| {
                move |name: &str| Change::MarkMembers {
                    directory: east,
                    group: group_name(name),
                    mark: Mark::from_bits(number),
                }
            };
            let rewrites = names.map(called(3 - number)).into_iter().chain(names.map(called(number)));
            let marks = names.map(marked(3 - number)).into_iter().chain(names.map(marked(number)));
            scene.apply(rewrites.chain(marks).collect()).await;
            for name in names {
                let kept = scene.find(east, name).await.expect("the user is there");
                assert_eq!(kept.profile.display_name, format!("{name}{number}"));
                assert_eq!(members_mark(store, east, name).await, Some(Mark::from_bits(number)));
            }
        }
    }
}

/// `Mirrors::take_lease` 1: another process waits for the end, and the same one need not.
pub async fn a_lease_is_one_process_s_at_a_time_t65(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = mirror(&scene, "east").await;
    let now = scene.now();
    let until = now.plus(MINUTE);
    let first = done(store.take_lease(east, node(1), now, until).await);
    assert_eq!((first.owner, first.until, first.fence.directory), (node(1), until, east));
    assert_eq!(done(store.mirror(east).await).lease, Some(first));
    assert_eq!(fault(store.take_lease(east, node(2), now, until).await), Fault::Conflict);
    let again = done(store.take_lease(east, node(1), now, until).await);
    assert!(again.fence.epoch > first.fence.epoch, "each taking has an epoch of its own");
    done(store.renew_lease(again.fence, until.plus(MINUTE)).await);
    assert_eq!(fault(store.take_lease(east, node(2), until, until.plus(MINUTE)).await), Fault::Conflict);
    let later = until.plus(MINUTE);
    let taken = done(store.take_lease(east, node(2), later, later.plus(MINUTE)).await);
    assert!(taken.fence.epoch > again.fence.epoch);
    assert_eq!(fault(store.renew_lease(again.fence, later.plus(MINUTE)).await), Fault::Conflict);
    done(store.release_lease(again.fence).await);
    assert_eq!(fault(store.take_lease(east, node(3), later, later.plus(MINUTE)).await), Fault::Conflict);
    done(store.release_lease(taken.fence).await);
    assert_eq!(done(store.mirror(east).await).lease, None);
    let next = done(store.take_lease(east, node(3), later, later.plus(MINUTE)).await);
    assert!(next.fence.epoch > taken.fence.epoch, "epochs never come back");
    let nowhere = DirectoryId::from_bytes([9; 16]);
    assert_eq!(fault(store.take_lease(nowhere, node(1), now, until).await), Fault::Missing);
}

fn is_lost<T: std::fmt::Debug>(outcome: &Result<T, StoreError>) {
    let lost = outcome.as_ref().is_err_and(|error| error.fault() == Fault::Conflict && error.is_lost_lease());
    assert!(lost, "{outcome:?}");
}

/// `Mirrors::take_lease` 2: a set under an epoch that is over changes nothing (T65).
pub async fn nothing_is_written_under_a_lost_lease_t65(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (mirror(&scene, "east").await, mirror(&scene, "west").await);
    let now = scene.now();
    let lost = done(store.take_lease(east, node(1), now, now.plus(MINUTE)).await);
    let set = |name: &str| ChangeSet::one(now, add_user(east, user(name)));
    done(store.apply(&set("a").under(lost.fence)).await);
    let later = now.plus(2 * MINUTE);
    let taken = done(store.take_lease(east, node(2), later, later.plus(MINUTE)).await);
    is_lost(&store.apply(&set("b").under(lost.fence)).await);
    assert_eq!(scene.find(east, "b").await, None);
    done(store.apply(&set("c").under(taken.fence)).await);
    let elsewhere = Fence { directory: west, epoch: taken.fence.epoch };
    is_lost(&store.apply(&set("d").under(elsewhere)).await);
    done(store.apply(&set("e")).await);
    let round = Round::begin(east, 1, Mode::Full, now);
    is_lost(&store.put_round(lost.fence, &round).await);
    is_lost(&store.renew_lease(lost.fence, later.plus(MINUTE)).await);
    let twice = set("c").under(taken.fence);
    let refused = store.apply(&twice).await.err();
    assert!(refused.is_some_and(|error| !error.is_lost_lease()), "a contradiction is another conflict");
}

/// `Mirrors::put_round`, `rounds` and `take_lease` 3: kept whole, newest first, and no round runs for ever (T66).
pub async fn rounds_are_journalled_and_abort_with_their_lease_t66(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (mirror(&scene, "east").await, mirror(&scene, "west").await);
    let now = scene.now();
    let lease = done(store.take_lease(east, node(1), now, now.plus(MINUTE)).await);
    assert_eq!(done(store.rounds(east, 10).await), []);
    let mut first = Round::begin(east, 1, Mode::Full, now);
    done(store.put_round(lease.fence, &first).await);
    first.full_because = Some(FullBecause::First);
    first.phases.push((Phase::Users, scene.now()));
    first.note(Did::Added, EntryKind::User, "Anna \"x\"");
    first.set_aside(EntryKind::Group, "g", "why");
    first.counts = Counts { users_read: 3, ..first.counts };
    first.held = Some(HeldPlan {
        hash: PlanHash::of(u128::MAX, 2),
        users: 1,
        groups: 1,
        memberships: 0,
        why: vec![Held::Protected, Held::TooMany { deletes: 3, allowed: 2 }],
        such_as: vec![(EntryKind::User, "b".into())],
    });
    first.ended = Some((scene.now(), Outcome::HeldForApproval));
    done(store.put_round(lease.fence, &first).await);
    assert_eq!(done(store.rounds(east, 10).await), [first.clone()]);
    let second = Round::begin(east, 2, Mode::Incremental, scene.now());
    done(store.put_round(lease.fence, &second).await);
    assert_eq!(done(store.rounds(east, 1).await), std::slice::from_ref(&second));

    let later = now.plus(2 * MINUTE);
    done(store.take_lease(east, node(2), later, later.plus(MINUTE)).await);
    let aborted = Round { ended: Some((later, Outcome::Aborted)), ..second };
    assert_eq!(done(store.rounds(east, 10).await), [aborted, first]);
    assert_eq!(done(store.rounds(west, 10).await), []);
}

/// `Logging::Deferred` and `Change::ResetDirectory`: a first full round is one entry.
pub async fn a_deferred_set_is_logged_as_one_reset(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = mirror(&scene, "east").await;
    let head = done(store.head().await);
    let set = ChangeSet::new(scene.now(), vec![add_user(east, user("a")), add_group(east, group("g"))]);
    done(store.apply(&set.logging(Logging::Deferred)).await);
    assert_eq!(done(store.head().await), head);
    scene.change(Change::ResetDirectory(east)).await;
    assert_eq!(scene.last_batch().await.entries, [LoggedEntry::DirectoryReset(east)]);
    assert!(scene.find(east, "a").await.is_some());
}

/// `Change::RemoveDirectory` takes what is remembered of the mirror along.
pub async fn a_removed_directory_takes_its_mirror_along(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = mirror(&scene, "east").await;
    let now = scene.now();
    let lease = done(store.take_lease(east, node(1), now, now.plus(MINUTE)).await);
    done(store.put_round(lease.fence, &Round::begin(east, 1, Mode::Full, now)).await);
    scene.change(Change::RemoveDirectory(east)).await;
    assert_eq!(done(store.mirror(east).await), Mirror::default());
    assert_eq!(done(store.rounds(east, 10).await), []);
    let set = ChangeSet::new(now, vec![]).under(lease.fence);
    assert_eq!(fault(store.apply(&set).await), Fault::Conflict);
}
