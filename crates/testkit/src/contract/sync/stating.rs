//! What every source states.

use std::collections::BTreeSet;

use throng_core::error::Fault;
use throng_core::group::Member;
use throng_core::sync::{Batch, Completeness, Item, Next, Part, Position, Pull};

use super::fixture::{Batches, SyncFixture};
use super::steps::*;
use crate::contract::directory::World;

/// What the source has is what is listed: cursors in both directions, and ways to edit it where they are listed.
pub async fn what_is_listed_is_there(fixture: &SyncFixture, listed: &[&str]) {
    let first = done(fixture.source().pull(Pull::Full, None).await);
    let cursors = listed.contains(&"cursors");
    assert_eq!(first.cursor.is_some(), cursors, "cursors given, and cursors listed");
    assert!(!cursors || fixture.foreign_cursor().is_some(), "tell a cursor of another source of the kind");
    let edits = listed.iter().any(|word| *word != "cursors");
    assert!(!edits || fixture.can_be_edited(), "tell how the source is edited");
}

/// [`SyncSource::pull`](throng_core::sync::SyncSource::pull) 1: it begins without a position and goes on with exactly
/// the one named, each only once in a pull, to an end.
pub async fn a_pull_goes_on_from_the_position_named(fixture: &SyncFixture) {
    let course = run(fixture.source(), Pull::Full).await;
    match fixture.batches() {
        Batches::One => assert_eq!(course.batches.len(), 1, "the world in one batch"),
        Batches::Several(_) => assert!(
            course.batches.len() > 1,
            "a world in one batch tries no position: make batches smaller, or tell that they are not"
        ),
    }
}

/// `SyncSource::pull` 1: whoever pulls may begin again at any time.
pub async fn a_pull_begins_again_without_a_position(fixture: &SyncFixture) {
    let whole = present(fixture.source()).await;
    let first = done(fixture.source().pull(Pull::Full, None).await);
    if let Next::More(position) = &first.next {
        // The position may be forgotten by the pull that begins after it, and is not asked for again.
        done(fixture.source().pull(Pull::Full, Some(position)).await);
    }
    assert_eq!(present(fixture.source()).await.differences(&whole), [""; 0]);
}

/// `SyncSource::pull` 1: a position that the source does not know is `Unavailable`, and never an end.
pub async fn a_forgotten_position_is_a_fault_and_no_end(fixture: &SyncFixture) {
    for text in ["no such position".to_owned(), "'; --".to_owned(), "x".repeat(4_096)] {
        let position = Position::new(text).expect("a position");
        match fixture.source().pull(Pull::Full, Some(&position)).await {
            Err(error) => assert_eq!(error.fault(), Fault::Unavailable, "{position:?}: {error:?}"),
            Ok(batch) => unreachable!("{position:?} is nobody's, and answered by {batch:?}"),
        }
    }
    let whole = present(fixture.source()).await;
    assert_eq!(whole.users().count(), World::standard().users.len(), "a pull that begins after it");
}

/// [`Batch::MAX_WEIGHT`], or the limit that the fixture tells.
pub async fn a_batch_keeps_its_limit(fixture: &SyncFixture) {
    let most = match fixture.batches() {
        Batches::One => Batch::MAX_WEIGHT,
        Batches::Several(most) => most.min(Batch::MAX_WEIGHT),
    };
    for batch in &run(fixture.source(), Pull::Full).await.batches {
        assert!(batch.weight() <= most, "more than {most} in {batch:#?}");
    }
}

/// `SyncSource::pull` 2: the cursor comes with the first batch, before anything else can have been read (T63).
pub async fn the_first_batch_alone_carries_the_cursor_t63(fixture: &SyncFixture) {
    let course = run(fixture.source(), Pull::Full).await;
    for batch in course.batches.iter().skip(1) {
        assert_eq!(batch.cursor, None, "a cursor of a later batch");
    }
}

/// `SyncSource::pull` 3: every user, every group and every membership, whole, and nothing beside them.
pub async fn a_full_pull_states_exactly_what_is_there(fixture: &SyncFixture) {
    let stated = present(fixture.source()).await;
    let world = World::standard();
    for expected in &world.users {
        let user = stated.user(expected.name.key());
        let user = user.unwrap_or_else(|| unreachable!("{:?} is stated", expected.name));
        assert_eq!(user.name.as_str(), expected.name.as_str(), "a name is given as it is spelled");
        let profile = expected.shown(fixture.display_names());
        assert_eq!((&user.profile, user.active), (&profile, expected.active), "{:?}", user.name);
    }
    for expected in &world.groups {
        let group = stated.group(expected.name.key());
        let group = group.unwrap_or_else(|| unreachable!("{:?} is stated", expected.name));
        assert_eq!(group.name.as_str(), expected.name.as_str(), "a name is given as it is spelled");
        assert_eq!(group.description, expected.description, "{:?}", group.name);
        let members: BTreeSet<Member> = expected.members.iter().cloned().collect();
        assert_eq!(stated.members(group.key()), members, "{:?}", group.name);
    }
    let counts = (stated.users().count(), stated.groups().count());
    assert_eq!(counts, (world.users.len(), world.groups.len()), "{stated:#?}");
    assert_eq!(stated.strangers(), [], "memberships of nobody");
}

/// `SyncSource::pull` 3: each user and each group is stated once, and none is unreadable.
pub async fn everybody_is_stated_once(fixture: &SyncFixture) {
    let (mut ids, mut users, mut groups) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for item in run(fixture.source(), Pull::Full).await.items() {
        match item {
            Item::User(user) => {
                assert!(ids.insert(user.external_id.clone()), "the id of {user:?} is another's too");
                assert!(users.insert(user.key().clone()), "{user:?} is stated twice");
            }
            Item::Group(group) => {
                assert!(groups.insert(group.key().clone()), "{group:?} is stated twice");
            }
            Item::Unreadable(entry) => unreachable!("everything in the world can be read, also {entry:?}"),
            Item::Members { .. }
            | Item::UserGone(_)
            | Item::GroupGone(_)
            | Item::Joined(..)
            | Item::Left(..)
            | Item::MemberOf(..) => {}
        }
    }
}

/// `SyncSource::pull` 3: users, then groups, then members.
pub async fn users_come_before_groups_and_groups_before_members(fixture: &SyncFixture) {
    let mut reached = 0;
    for item in run(fixture.source(), Pull::Full).await.items() {
        let phase = match item {
            Item::User(_) => 0,
            Item::Group(_) => 1,
            Item::Members { .. } => 2,
            Item::Unreadable(_)
            | Item::UserGone(_)
            | Item::GroupGone(_)
            | Item::Joined(..)
            | Item::Left(..)
            | Item::MemberOf(..) => continue,
        };
        assert!(phase >= reached, "{item:?} comes too late");
        reached = phase;
    }
}

/// [`Item::Members`]: the members of every group, also of one that has none; the parts of one group follow one another,
/// and the last says that it is.
pub async fn the_parts_of_a_group_follow_one_another(fixture: &SyncFixture) {
    let (mut open, mut closed) = (None, BTreeSet::new());
    let items = run(fixture.source(), Pull::Full).await.items();
    for item in items {
        let Item::Members { group, members, part } = item else {
            assert_eq!(open, None, "a group whose members are not all stated yet, before {item:?}");
            continue;
        };
        if let Some(open) = &open {
            assert_eq!(open, &group, "the parts of a group are interrupted by another");
        }
        assert!(!closed.contains(&group), "{group:?} is stated again after its last part");
        let each: BTreeSet<&Member> = members.iter().collect();
        assert_eq!(each.len(), members.len(), "a member is stated twice in {group:?}");
        open = match part {
            Part::More => Some(group),
            Part::Last => {
                closed.insert(group);
                None
            }
        };
    }
    assert_eq!(open, None, "the pull ends before the last part of a group");
    let groups: BTreeSet<_> = World::standard().groups.iter().map(|team| team.name.clone()).collect();
    assert_eq!(closed, groups, "groups whose members were stated");
}

/// `SyncSource::pull` 3: the end is proven, or says why it is not, as the fixture tells (T59).
pub async fn a_full_pull_ends_as_it_promises_t59(fixture: &SyncFixture) {
    let course = run(fixture.source(), Pull::Full).await;
    assert_eq!(&course.end, fixture.completeness());
    if let Completeness::Unproven(reason) = course.end {
        assert!(!reason.is_empty(), "an operator is told why");
    }
}

/// [`Item`]: changes are stated in pulls since a cursor only.
pub async fn a_full_pull_states_no_change(fixture: &SyncFixture) {
    for item in run(fixture.source(), Pull::Full).await.items() {
        let is_change = match &item {
            Item::User(_) | Item::Group(_) | Item::Members { .. } | Item::Unreadable(_) => false,
            Item::UserGone(_)
            | Item::GroupGone(_)
            | Item::Joined(..)
            | Item::Left(..)
            | Item::MemberOf(..) => true,
        };
        assert!(!is_change, "{item:?} in a full pull");
    }
}

/// `SyncSource::pull` 3: a full pull that is repeated states the same.
pub async fn a_full_pull_may_be_repeated(fixture: &SyncFixture) {
    let (first, second) = (present(fixture.source()).await, present(fixture.source()).await);
    assert_eq!(second.differences(&first), [""; 0]);
}
