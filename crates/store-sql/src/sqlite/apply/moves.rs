//! Changes of moves, and what they presuppose.

use sqlx::query;
use throng_core::change::LoggedEntry;
use throng_core::error::StoreError;
use throng_core::id::Subject;
use throng_core::moves::{Belongings, Capture, Move, MoveEntry, MoveId, Source};
use throng_core::time::Timestamp;

use super::{Work, conflict, missing};
use crate::fault::{Intent, Told};
use crate::sqlite::lists;
use crate::sqlite::moves;
use crate::sqlite::records::of;
use crate::sqlite::statements::{read, write};

const ACCOUNT: Intent = Intent::Do("account");
const CREDENTIAL: Intent = Intent::Do("credential");
const MOVE: Intent = Intent::Make("move");
const CAPTURE: Intent = Intent::Do("capture");
/// An account that is not there cannot wait.
const WAITING: Intent = Intent::Make("user");

impl Work<'_> {
    pub(super) async fn clear_credential(&mut self, subject: &Subject) -> Result<(), StoreError> {
        let (id, user) = self.account(subject).await?;
        if self.one(query(write::DELETE_CREDENTIAL).bind(id)).await.told(CREDENTIAL)?.is_some() {
            self.entries.push(LoggedEntry::PasswordSet(subject.clone(), user.name));
            self.end(id, subject).await?;
        }
        Ok(())
    }

    pub(super) async fn note_login(&mut self, subject: &Subject, at: Timestamp) -> Result<(), StoreError> {
        let (id, _) = self.account(subject).await?;
        self.one(query(write::NOTE_LOGIN).bind(id).bind(at.as_micros())).await.told(ACCOUNT)?;
        Ok(())
    }

    pub(super) async fn expect_belongings(
        &mut self,
        subject: &Subject,
        expected: &Belongings,
    ) -> Result<(), StoreError> {
        let row = self.one(of(read::BELONGINGS, subject)).await.told(ACCOUNT)?;
        let row = row.ok_or_else(|| missing("user"))?;
        let found = moves::belongings(&row, subject).told(ACCOUNT)?;
        if found.is_as(expected) { Ok(()) } else { Err(conflict("account")) }
    }

    pub(super) async fn put_capture(&mut self, capture: &Capture) -> Result<(), StoreError> {
        let statement = of(write::PUT_CAPTURE, &capture.subject)
            .bind(capture.by.as_bytes().as_slice())
            .bind(capture.source.as_bytes().as_slice())
            .bind(capture.name.as_str())
            .bind(capture.name.key().as_bytes())
            .bind(capture.external_id.as_str())
            .bind(capture.until.as_micros());
        self.one(statement).await.told(WAITING)?;
        Ok(())
    }

    pub(super) async fn drop_capture(&mut self, capture: &Capture) -> Result<(), StoreError> {
        let row = self.one(of(read::CAPTURE, &capture.subject)).await.told(CAPTURE)?;
        let there = row.map(|row| moves::capture(&row)).transpose().told(CAPTURE)?;
        if there.as_ref() != Some(capture) {
            return Err(conflict("capture"));
        }
        self.end_waiting(&capture.subject).await
    }

    /// Lets an account wait for its password no longer.
    pub(super) async fn end_waiting(&mut self, subject: &Subject) -> Result<(), StoreError> {
        self.one(of(write::DELETE_CAPTURE, subject)).await.told(CAPTURE)?;
        Ok(())
    }

    pub(super) async fn put_move(&mut self, record: &Move) -> Result<(), StoreError> {
        // None that was stored can be one less than what the column cannot hold.
        let version = i64::try_from(record.version).map_err(|_| conflict("move"))?;
        let source = match &record.source {
            Source::Directory(source) => Some(*source),
            Source::File(_) => None,
        };
        for directory in [Some(record.target), source].into_iter().flatten().filter(|_| version == 1) {
            let statement = query(read::IS_DIRECTORY).bind(directory.as_bytes().as_slice().to_vec());
            self.one(statement).await.told(MOVE)?.ok_or_else(|| missing("directory"))?;
        }
        let statement = query(write::PUT_MOVE)
            .bind(record.id.as_bytes().as_slice())
            .bind(record.began_at.as_micros())
            .bind(version)
            .bind(lists::to_json(record).told(MOVE)?);
        let row = self.one(statement).await.told(MOVE)?;
        row.map(|_| ()).ok_or_else(|| conflict("move"))
    }

    pub(super) async fn put_move_entries(
        &mut self,
        by: MoveId,
        entries: &[MoveEntry],
    ) -> Result<(), StoreError> {
        let id = by.as_bytes().as_slice();
        if self.one(query(read::IS_MOVE).bind(id)).await.told(MOVE)?.is_none() {
            return Err(missing("move"));
        }
        let rows = entries.iter().map(moves::written).collect::<Result<Vec<_>, _>>().told(MOVE)?;
        let statement = query(write::PUT_MOVE_ENTRIES).bind(id).bind(lists::to_json(&rows).told(MOVE)?);
        self.one(statement).await.told(MOVE)?;
        Ok(())
    }

    pub(super) async fn drop_move_entries(&mut self, by: MoveId) -> Result<(), StoreError> {
        self.one(query(write::DELETE_MOVE_ENTRIES).bind(by.as_bytes().as_slice())).await.told(MOVE)?;
        Ok(())
    }
}
