//! What a source that gives cursors does with them.

use throng_core::sync::{Cursor, Next, Pull};

use super::fixture::SyncFixture;
use super::steps::*;

/// [`SyncSource::pull`](throng_core::sync::SyncSource::pull) 4: where nothing has changed, a pull since a cursor
/// changes nothing, however often it is made, and gives a cursor that is good as well.
pub async fn where_nothing_has_changed_nothing_changes(fixture: &SyncFixture) {
    let mut watch = Watch::begin(fixture).await;
    let before = present(fixture.source()).await;
    for _ in 0..3 {
        assert_eq!(watch.follow().await.differences(&before), [""; 0]);
    }
}

/// `SyncSource::pull` 2: of a pull since a cursor too, the first batch alone carries the next one.
pub async fn a_pull_since_a_cursor_gives_the_next_one(fixture: &SyncFixture) {
    let course = run(fixture.source(), Pull::Full).await;
    let course = run(fixture.source(), Pull::Since(course.cursor().expect("cursors are listed"))).await;
    assert!(course.cursor().is_some());
    assert!(course.batches.iter().skip(1).all(|batch| batch.cursor.is_none()), "a cursor of a later batch");
}

/// [`Next::Expired`] for a cursor that was never given, or only later: never an empty delta (R39).
pub async fn an_unknown_cursor_is_expired_r39(fixture: &SyncFixture) {
    let course = run(fixture.source(), Pull::Full).await;
    let given = course.cursor().expect("cursors are listed").as_str();
    let texts = [
        format!("{given}9"),
        format!("x{given}"),
        format!("{given} "),
        "0".to_owned(),
        "no such cursor".to_owned(),
        "18446744073709551615".to_owned(),
        "-1".to_owned(),
        "\0".to_owned(),
        "' OR '1'='1".to_owned(),
        "../..".to_owned(),
        "x".repeat(4_096),
    ];
    for text in texts {
        if let Ok(cursor) = Cursor::new(text) {
            expect_expired(fixture, &cursor).await;
        }
    }
}

/// [`Next::Expired`] for a cursor that another source of the kind gave: the same number means another moment there
/// (R39).
pub async fn a_cursor_of_another_source_is_expired_r39(fixture: &SyncFixture) {
    let cursor = fixture.foreign_cursor().expect("a cursor of another source of the kind");
    expect_expired(fixture, cursor).await;
}

async fn expect_expired(fixture: &SyncFixture, cursor: &Cursor) {
    let batch = done(fixture.source().pull(Pull::Since(cursor), None).await);
    assert_eq!(batch.next, Next::Expired, "{cursor:?} was never given");
    assert_eq!((batch.items, batch.cursor), (vec![], None), "nothing is said since {cursor:?}");
}
