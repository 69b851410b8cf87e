//! The scripted directory keeps the contract of sources, and the contract finds out who does not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use async_trait::async_trait;
use throng_core::error::{DirectoryError, Fault};
use throng_core::group::Member;
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Username};
use throng_core::sync::{
    Batch, Completeness, Cursor, EntryKind, Item, Next, Part, Position, Pull, SyncSource, Unreadable,
};
use throng_testkit::contract::directory::World;
use throng_testkit::contract::sync::{SyncFixture, changes, cursors, stating};
use throng_testkit::script::{Behaviour, Call, ScriptedDirectory};
use throng_testkit::{directory_contract, sync_contract};

const ID: DirectoryId = DirectoryId::from_bytes([1; 16]);
const OTHER: DirectoryId = DirectoryId::from_bytes([2; 16]);

fn foreign() -> Cursor {
    Cursor::new(format!("{OTHER}:1")).expect("a cursor")
}

fn fixture(source: impl SyncSource + 'static, directory: ScriptedDirectory) -> SyncFixture {
    SyncFixture::new(source).edited_through(directory).cursor_of_another(foreign())
}

async fn in_batches_of(world: &World, items: usize) -> SyncFixture {
    let directory = world.scripted(ID).stating_in_batches_of(items);
    fixture(directory.clone(), directory).in_batches_of(items)
}

sync_contract!(one_by_one, |world| in_batches_of(world, 1), with = [cursors, users, groups, members]);
sync_contract!(three_by_three, |world| in_batches_of(world, 3), with = [cursors, users, groups, members]);
sync_contract!(phase_by_phase, |world| in_batches_of(world, 2_000), with = [cursors, users, groups, members]);

/// A source without a memory.
async fn forgetful(world: &World) -> SyncFixture {
    let directory = world.scripted(ID).stating_in_batches_of(2);
    SyncFixture::new(Flawed::new(directory.clone(), Flaw::NoCursor)).edited_through(directory)
}

sync_contract!(without_cursors, forgetful, with = [users, groups, members]);

/// A source that cannot tell whether it has stated everything.
async fn doubtful(world: &World) -> SyncFixture {
    let directory = world.scripted(ID).stating_in_batches_of(2_000);
    directory.doubt(Some("it is a guess"));
    fixture(directory.clone(), directory).unproven("it is a guess")
}

sync_contract!(without_proof, doubtful, with = [cursors, users, groups, members]);

/// A source that gives everything at once, from a handle that is shared.
#[derive(Debug)]
struct AtOnce(ScriptedDirectory);

#[async_trait]
impl SyncSource for AtOnce {
    async fn pull(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, DirectoryError> {
        let mut whole = self.0.pull(pull, position).await?;
        while let Next::More(position) = whole.next.clone() {
            let batch = self.0.pull(pull, Some(&position)).await?;
            whole.items.extend(batch.items);
            whole.next = batch.next;
        }
        Ok(whole)
    }
}

async fn at_once(world: &World) -> SyncFixture {
    let directory = world.scripted(ID).stating_in_batches_of(5);
    let shared = std::sync::Arc::new(AtOnce(directory.clone()));
    let ground = std::sync::Arc::clone(&shared);
    SyncFixture::shared(shared)
        .edited_by(move |edit| {
            let directory = directory.clone();
            async move { edit.make_at(&directory).await }
        })
        .cursor_of_another(foreign())
        .in_one_batch()
        .standing_on(ground)
}

sync_contract!(in_one_batch, at_once, with = [cursors, users, groups, members]);

directory_contract!(
    mirrored,
    |world| async { world.scripted(ID).stating_in_batches_of(3) },
    powers = [users, groups, members, passwords, sync]
);

/// What is wrong with a [`Flawed`] source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// Nothing: it has no cursors, and says so.
    NoCursor,
    CursorsEverywhere,
    /// The cursor is from after the reading.
    LateCursor,
    NoNextCursor,
    /// What changed since an unknown cursor is nothing.
    EmptyDelta,
    /// A position that is not known is the end.
    EndOfNowhere,
    Circle,
    Doubt,
    OneMember,
    LeavesOut,
    /// It reads by name, and passes over who is renamed to before what was read.
    ReadsByName,
    StatesTwice,
    Unreadable,
    MembersFirst,
    OpenGroup,
    NoEmptyGroup,
    ChangeInFull,
    NoUser,
    NoUserGone,
    NoGroup,
    NoGroupGone,
    NoJoined,
    NoLeft,
    MembersInChanges,
    UnprovenChanges,
}

/// A source with one flaw.
#[derive(Debug)]
struct Flawed {
    source: ScriptedDirectory,
    flaw: Flaw,
    late: Mutex<Option<Cursor>>,
}

impl Flawed {
    fn new(source: ScriptedDirectory, flaw: Flaw) -> Self {
        Self { source, flaw, late: Mutex::default() }
    }

    /// Whether a pull leaves an item out.
    fn hides(&self, pull: Pull<'_>, item: &Item) -> bool {
        let since = pull != Pull::Full;
        match self.flaw {
            Flaw::LeavesOut => matches!(item, Item::User(user) if user.key().as_str() == "emil"),
            Flaw::ReadsByName => matches!(item, Item::User(user) if user.key().as_str() == "aaron"),
            Flaw::NoEmptyGroup => matches!(item, Item::Members { members, .. } if members.is_empty()),
            Flaw::NoUser => since && matches!(item, Item::User(_)),
            Flaw::NoUserGone => matches!(item, Item::UserGone(_)),
            Flaw::NoGroup => since && matches!(item, Item::Group(_)),
            Flaw::NoGroupGone => matches!(item, Item::GroupGone(_)),
            Flaw::NoJoined => matches!(item, Item::Joined(..)),
            Flaw::NoLeft => matches!(item, Item::Left(..)),
            _ => false,
        }
    }

    fn spoil(&self, pull: Pull<'_>, position: Option<&Position>, batch: &mut Batch) {
        let (staff, anna) =
            (GroupName::new("staff").expect("a name"), Username::new("anna").expect("a name"));
        let (first, last) = (position.is_none(), matches!(batch.next, Next::End(_)));
        batch.items.retain(|item| !self.hides(pull, item));
        match (self.flaw, pull) {
            (Flaw::NoCursor, _) => batch.cursor = None,
            (Flaw::NoNextCursor, Pull::Since(_)) => batch.cursor = None,
            (Flaw::CursorsEverywhere, _) => batch.cursor = Some(foreign()),
            (Flaw::Circle, _) if !last => {
                batch.next = position.cloned().map_or(batch.next.clone(), Next::More);
            }
            (Flaw::Doubt, Pull::Full) | (Flaw::UnprovenChanges, Pull::Since(_)) if last => {
                batch.next = Next::End(Completeness::Unproven("it cannot tell"));
            }
            (Flaw::OneMember, Pull::Full) if last => {
                let members = vec![Member::User(Username::new("nobody").expect("a name"))];
                batch.items.push(Item::Members { group: staff, members, part: Part::Last });
            }
            (Flaw::StatesTwice, Pull::Full) if first => batch.items.push(batch.items[0].clone()),
            (Flaw::Unreadable, Pull::Full) if first => {
                let entry = Unreadable::new(EntryKind::User, "emil", None, "it is not liked");
                batch.items.push(Item::Unreadable(entry));
            }
            (Flaw::MembersFirst, Pull::Full) if first => {
                batch.items.insert(0, Item::Members { group: staff, members: vec![], part: Part::Last });
            }
            (Flaw::OpenGroup, Pull::Full) => {
                for item in &mut batch.items {
                    if let Item::Members { part, .. } = item {
                        *part = Part::More;
                    }
                }
            }
            (Flaw::ChangeInFull, Pull::Full) if last => {
                batch.items.push(Item::Joined(staff, Member::User(anna)));
            }
            (Flaw::MembersInChanges, Pull::Since(_)) => {
                batch.items.push(Item::Members { group: staff, members: vec![], part: Part::Last });
            }
            _ => {}
        }
    }
}

#[async_trait]
impl SyncSource for Flawed {
    async fn pull(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, DirectoryError> {
        let late = self.late.lock().expect("no panic").clone();
        let pulled = match (pull, &late) {
            (Pull::Since(_), Some(late)) if self.flaw == Flaw::LateCursor => Pull::Since(late),
            (Pull::Since(_) | Pull::Full, _) => pull,
        };
        let answer = self.source.pull(pulled, position).await;
        let over = |end| Batch { items: vec![], cursor: None, next: Next::End(end) };
        let mut batch = match answer {
            Err(_) if self.flaw == Flaw::EndOfNowhere => return Ok(over(Completeness::Proven)),
            answer => answer?,
        };
        if batch.next == Next::Expired {
            return Ok(if self.flaw == Flaw::EmptyDelta { over(Completeness::Proven) } else { batch });
        }
        self.spoil(pull, position, &mut batch);
        if pull == Pull::Full && batch.next == Next::End(Completeness::Proven) {
            let now = self.source.pull(Pull::Full, None).await?;
            self.late
                .lock()
                .expect("no panic")
                .get_or_insert(now.cursor.expect("the scripted source gives cursors"));
        }
        Ok(batch)
    }
}

/// Whether a case fails against a source with a flaw.
fn fails(flaw: Flaw, case: impl AsyncFnOnce(&SyncFixture)) -> bool {
    let directory = World::standard().scripted(ID).stating_in_batches_of(3);
    let fixture = fixture(Flawed::new(directory.clone(), flaw), directory);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(case(&fixture)))).is_err()
}

macro_rules! assert_caught {
    ($($flaw:ident: $group:ident::$case:ident;)+) => {$(
        assert!(fails(Flaw::$flaw, $group::$case), "{:?} by {}", Flaw::$flaw, stringify!($case));
    )+};
}

#[test]
fn every_flaw_is_caught_by_the_case_that_is_named_for_it() {
    assert_caught! {
        Circle: stating::a_pull_goes_on_from_the_position_named;
        EndOfNowhere: stating::a_forgotten_position_is_a_fault_and_no_end;
        CursorsEverywhere: stating::the_first_batch_alone_carries_the_cursor_t63;
        LeavesOut: stating::a_full_pull_states_exactly_what_is_there;
        OneMember: stating::a_full_pull_states_exactly_what_is_there;
        StatesTwice: stating::everybody_is_stated_once;
        Unreadable: stating::everybody_is_stated_once;
        MembersFirst: stating::users_come_before_groups_and_groups_before_members;
        OpenGroup: stating::the_parts_of_a_group_follow_one_another;
        NoEmptyGroup: stating::the_parts_of_a_group_follow_one_another;
        Doubt: stating::a_full_pull_ends_as_it_promises_t59;
        ChangeInFull: stating::a_full_pull_states_no_change;
        NoNextCursor: cursors::a_pull_since_a_cursor_gives_the_next_one;
        EmptyDelta: cursors::an_unknown_cursor_is_expired_r39;
        EmptyDelta: cursors::a_cursor_of_another_source_is_expired_r39;
        UnprovenChanges: cursors::where_nothing_has_changed_nothing_changes;
        MembersInChanges: cursors::where_nothing_has_changed_nothing_changes;
        NoUser: changes::an_added_user_is_stated;
        NoUser: changes::an_updated_user_is_stated;
        NoUser: changes::a_switched_user_is_stated;
        NoUser: changes::a_renamed_user_is_the_same_account;
        NoUserGone: changes::a_removed_user_is_gone;
        NoUserGone: changes::a_successor_of_a_removed_user_is_another_account_t05;
        NoUser: changes::exchanged_names_are_stated;
        NoUser: changes::an_old_pull_may_be_repeated;
        NoUser: changes::many_changes_of_a_user_are_stated_as_they_end;
        ReadsByName: changes::who_is_renamed_amid_a_pull_is_not_left_out_t59;
        LateCursor: changes::users_changed_amid_a_pull_are_not_missed_t63;
        NoGroup: changes::an_added_group_is_stated;
        NoGroup: changes::an_updated_group_is_stated;
        NoGroupGone: changes::a_removed_group_is_gone;
        NoGroupGone: changes::a_group_that_is_made_anew_is_empty_t05;
        LateCursor: changes::groups_changed_amid_a_pull_are_not_missed_t63;
        NoJoined: changes::a_member_who_joined_is_stated;
        NoLeft: changes::a_member_who_left_is_stated;
        NoJoined: changes::a_group_that_moved_is_stated;
        NoLeft: changes::a_group_that_moved_is_stated;
        LateCursor: changes::members_changed_amid_a_pull_are_not_missed_t63;
    }
}

#[test]
fn a_list_that_says_too_much_or_too_little_is_caught() {
    assert!(
        fails(Flaw::NoCursor, async |fixture| stating::what_is_listed_is_there(fixture, &["cursors"]).await)
    );
    assert!(
        fails(Flaw::LateCursor, async |fixture| stating::what_is_listed_is_there(fixture, &["users"]).await)
    );
    assert!(
        !fails(Flaw::NoCursor, async |fixture| stating::what_is_listed_is_there(fixture, &["users"]).await)
    );
}

#[test]
#[should_panic(expected = "tell how the source is edited")]
fn edits_that_are_listed_and_not_told_are_caught() {
    let source = World::standard().scripted(ID).stating_in_batches_of(3);
    let fixture = SyncFixture::new(source).cursor_of_another(foreign());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(stating::what_is_listed_is_there(&fixture, &["cursors", "groups"]));
}

#[tokio::test]
async fn a_scripted_source_forgets_doubts_and_fails_as_it_is_told() {
    let directory = World::standard().scripted(ID).stating_in_batches_of(3);
    let first = directory.pull(Pull::Full, None).await.unwrap();
    let Next::More(position) = first.next else { unreachable!("three are not all") };
    let cursor = first.cursor.unwrap();
    assert!(
        directory.pull(Pull::Since(&cursor), Some(&position)).await.is_err(),
        "a position of another pull"
    );
    directory.forget_positions();
    let fault = directory.pull(Pull::Full, Some(&position)).await.map_err(|error| error.fault());
    assert_eq!(fault, Err(Fault::Unavailable));
    assert_ne!(directory.pull(Pull::Since(&cursor), None).await.unwrap().next, Next::Expired);
    directory.forget_cursors();
    assert_eq!(directory.pull(Pull::Since(&cursor), None).await.unwrap().next, Next::Expired);
    assert_eq!(directory.calls(Call::Pull), 5);
    directory.behave(Behaviour::Silent);
    assert!(directory.pull(Pull::Full, None).await.is_err());
}
