//! Words that the cases of the contract of sources are told in.

use throng_core::directory::NewUser;
use throng_core::error::{DirectoryError, Fault};
use throng_core::group::Member;
use throng_core::name::{GroupName, Key, Username};
use throng_core::sync::{Batch, Completeness, Cursor, Item, Next, Position, Pull, SyncSource};
use throng_core::user::Profile;

use super::edit::Edit;
use super::fixture::SyncFixture;
use crate::likeness::Likeness;

/// More batches than any world of the contract needs: a pull that goes on beyond does not end.
const MOST_BATCHES: usize = 10_000;

/// A pull from its beginning to its end.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) batches: Vec<Batch>,
    pub(super) end: Completeness,
}

impl Course {
    /// Everything that was stated, in order.
    pub(super) fn items(&self) -> Vec<Item> {
        self.batches.iter().flat_map(|batch| batch.items.iter().cloned()).collect()
    }

    pub(super) fn cursor(&self) -> Option<&Cursor> {
        self.batches.first().and_then(|batch| batch.cursor.as_ref())
    }
}

/// Pulls to the end. Fails where a batch cannot be read, where positions go round in a circle, and on
/// [`Next::Expired`].
pub(super) async fn run(source: &dyn SyncSource, pull: Pull<'_>) -> Course {
    let course = run_with(source, pull, async |_| {}).await;
    course.unwrap_or_else(|error| unreachable!("a pull is read to its end: {error:?}"))
}

/// Pulls to the end, and does something after each batch.
async fn run_with(
    source: &dyn SyncSource,
    pull: Pull<'_>,
    mut meanwhile: impl AsyncFnMut(&Batch),
) -> Result<Course, DirectoryError> {
    let (mut batches, mut positions): (Vec<Batch>, Vec<Position>) = (Vec::new(), Vec::new());
    loop {
        let batch = source.pull(pull, positions.last()).await?;
        meanwhile(&batch).await;
        let next = batch.next.clone();
        batches.push(batch);
        match next {
            Next::More(position) => {
                assert!(!positions.contains(&position), "{position:?} was named before in the same pull");
                assert!(batches.len() < MOST_BATCHES, "a pull of {MOST_BATCHES} batches does not end");
                positions.push(position);
            }
            Next::End(end) => return Ok(Course { batches, end }),
            Next::Expired => unreachable!("{pull:?} expired"),
        }
    }
}

/// What a full pull says is there now.
pub(super) async fn present(source: &dyn SyncSource) -> Likeness {
    likeness(&run(source, Pull::Full).await.items())
}

pub(super) fn likeness(items: &[Item]) -> Likeness {
    let likeness = Likeness::of(items);
    likeness.unwrap_or_else(|contradiction| unreachable!("a full pull contradicts itself: {contradiction}"))
}

/// Somebody who keeps a copy of the source.
#[derive(Debug)]
pub(super) struct Watch<'f> {
    fixture: &'f SyncFixture,
    /// What is known so far.
    pub(super) kept: Likeness,
    cursor: Option<Cursor>,
}

impl<'f> Watch<'f> {
    /// Copies what is there now.
    pub(super) async fn begin(fixture: &'f SyncFixture) -> Self {
        let course = run(fixture.source(), Pull::Full).await;
        Self { fixture, kept: likeness(&course.items()), cursor: course.cursor().cloned() }
    }

    /// Copies what is there while it is changed, after the first batch that holds something of the kind that is
    /// changed.
    pub(super) async fn begin_amid(
        fixture: &'f SyncFixture,
        kind: impl Fn(&Item) -> bool,
        edits: Vec<Edit>,
    ) -> Self {
        let mut edits = Some(edits);
        let course = run_with(fixture.source(), Pull::Full, async |batch| {
            if batch.items.iter().any(&kind) {
                for edit in edits.take().into_iter().flatten() {
                    fixture.edit(edit).await;
                }
            }
        });
        let course = course.await;
        assert_eq!(edits, None, "a full pull states something of each kind");
        match course {
            Ok(course) if course.end == Completeness::Proven => {
                Self { fixture, kept: likeness(&course.items()), cursor: course.cursor().cloned() }
            }
            // Nothing is concluded from a pull that may have left something out.
            Ok(_) => Self::begin(fixture).await,
            // A source may give up when it changes while it is read: whoever pulls begins again.
            Err(error) => {
                assert_eq!(error.fault(), Fault::Unavailable, "{error:?}");
                Self::begin(fixture).await
            }
        }
    }

    pub(super) async fn edit(&self, edit: Edit) {
        self.fixture.edit(edit).await;
    }

    /// As [`Watch::follow`], and begins again where the source says that it cannot tell what has changed.
    pub(super) async fn follow_or_begin_again(&mut self) -> Likeness {
        let source = self.fixture.source();
        if let Some(cursor) = &self.cursor
            && done(source.pull(Pull::Since(cursor), None).await).next == Next::Expired
        {
            *self = Self::begin(self.fixture).await;
        }
        self.follow().await
    }

    /// Takes over what has changed, as far as the source tells it, and asserts that it is all that has. Gives what is
    /// there now.
    pub(super) async fn follow(&mut self) -> Likeness {
        let source = self.fixture.source();
        let Some(cursor) = &self.cursor else {
            self.kept = present(source).await;
            return self.kept.clone();
        };
        let course = run(source, Pull::Since(cursor)).await;
        assert_eq!(course.end, Completeness::Proven, "changes are told to their end, or not at all");
        let items = course.items();
        let now = present(source).await;
        take(&mut self.kept, &items);
        assert_eq!(self.kept.differences(&now), [""; 0], "the copy after {items:#?}");
        // What is stated is true at the end of the pull: whoever knows that already learns nothing.
        let mut known = now.clone();
        take(&mut known, &items);
        assert_eq!(known.differences(&now), [""; 0], "what was known already, after {items:#?}");
        self.cursor = Some(course.cursor().expect("a pull since a cursor gives the next one").clone());
        now
    }
}

fn take(likeness: &mut Likeness, items: &[Item]) {
    if let Err(contradiction) = likeness.take(items) {
        unreachable!("{contradiction}, by {items:#?}");
    }
}

/// The answer of a call that must not fail.
#[track_caller]
pub(super) fn done<T>(answer: Result<T, DirectoryError>) -> T {
    answer.expect("the source does what it documents")
}

/// The names of a group's direct members: users, then groups, each in the order of keys.
pub(super) fn members(likeness: &Likeness, group: &str) -> Vec<String> {
    likeness.members(&Key::of(group)).iter().map(ToString::to_string).collect()
}

pub(super) fn username(name: &str) -> Username {
    Username::new(name).expect("a user name")
}

pub(super) fn group_name(name: &str) -> GroupName {
    GroupName::new(name).expect("a group name")
}

pub(super) fn user(name: &str) -> Member {
    Member::User(username(name))
}

pub(super) fn group(name: &str) -> Member {
    Member::Group(group_name(name))
}

pub(super) fn new_user(name: &str) -> NewUser {
    NewUser { name: username(name), profile: profile(), active: true }
}

pub(super) fn profile() -> Profile {
    Profile {
        display_name: "Fritz 'F' Neu".into(),
        first_name: "Fritz".into(),
        last_name: "Neu".into(),
        email: "fritz@example.com".into(),
    }
}
