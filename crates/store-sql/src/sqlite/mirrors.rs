//! Mirrors: marks, leases and the journal of rounds.

use async_trait::async_trait;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use throng_core::error::{Fault, StoreError};
use throng_core::group::Origin;
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::Key;
use throng_core::store::{GroupMarks, Mirrors};
use throng_core::sync::{Fence, Lease, Mark, Mirror, NodeId, Outcome, Round};
use throng_core::time::Timestamp;

use super::apply::Work;
use super::records::count;
use super::rows::{self, Read};
use super::statements::{read, write};
use super::{SqliteStore, Statement, lists};
use crate::fault::{DriverFault, Intent, Told};

const MARK: Intent = Intent::Do("mark");
const MIRROR: Intent = Intent::Do("mirror");
const LEASE: Intent = Intent::Make("lease");
const ROUND: Intent = Intent::Make("round");

#[async_trait]
impl Mirrors for SqliteStore {
    async fn user_marks(
        &self,
        directory: DirectoryId,
        after: Option<&ExternalId>,
        limit: usize,
    ) -> Result<Vec<(ExternalId, Mark)>, StoreError> {
        // No external id is empty, so that all come after nothing.
        let statement = query(read::USER_MARKS)
            .bind(directory.as_bytes().as_slice())
            .bind(after.map_or("", ExternalId::as_str).to_owned())
            .bind(count(limit));
        let row = self.ask_one(statement).await.told(MARK)?;
        row.map_or(Ok(Vec::new()), |row| user_marks(&row)).told(MARK)
    }

    async fn group_marks(
        &self,
        directory: DirectoryId,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<GroupMarks>, StoreError> {
        let statement = query(read::GROUP_MARKS)
            .bind(directory.as_bytes().as_slice())
            .bind(after.map_or(Vec::new(), |key| key.as_bytes().to_vec()))
            .bind(count(limit));
        let rows = self.ask(statement).await.told(MARK)?;
        rows.iter().map(group_marks).collect::<Read<_>>().told(MARK)
    }

    async fn mirror(&self, directory: DirectoryId) -> Result<Mirror, StoreError> {
        let statement = query(read::MIRROR).bind(directory.as_bytes().as_slice());
        match self.ask_one(statement).await.told(MIRROR)? {
            Some(row) => mirror(&row, directory).told(MIRROR),
            None => Ok(Mirror::default()),
        }
    }

    async fn take_lease(
        &self,
        directory: DirectoryId,
        owner: NodeId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        let mut work = Work::begin(self, now).await?;
        let statement = query(write::TAKE_LEASE)
            .bind(directory.as_bytes().as_slice())
            .bind(owner.as_bytes().as_slice())
            .bind(now.as_micros())
            .bind(until.as_micros());
        let row = work.one(statement).await.told(LEASE)?;
        let row = row.ok_or_else(|| StoreError::new(Fault::Conflict, "lease"))?;
        let epoch = rows::unsigned(&row, 0).told(LEASE)?;
        let aborted = query(write::ABORT_ROUNDS).bind(directory.as_bytes().as_slice()).bind(now.as_micros());
        work.one(aborted).await.told(ROUND)?;
        work.commit().await?;
        Ok(Lease { owner, fence: Fence { directory, epoch }, until })
    }

    async fn renew_lease(&self, fence: Fence, until: Timestamp) -> Result<(), StoreError> {
        let statement = fenced(write::RENEW_LEASE, fence).told(LEASE)?.bind(until.as_micros());
        let row = self.tell(statement).await.told(LEASE)?;
        row.map(|_| ()).ok_or_else(StoreError::lost_lease)
    }

    async fn release_lease(&self, fence: Fence) -> Result<(), StoreError> {
        self.tell(fenced(write::RELEASE_LEASE, fence).told(LEASE)?).await.told(LEASE)?;
        Ok(())
    }

    async fn put_round(&self, fence: Fence, round: &Round) -> Result<(), StoreError> {
        let number = i64::try_from(round.number).map_err(|_| DriverFault::Driver).told(ROUND)?;
        let statement = fenced(write::PUT_ROUND, fence)
            .told(ROUND)?
            .bind(number)
            .bind(i64::from(round.ended.is_none()))
            .bind(lists::to_json(round).told(ROUND)?);
        let row = self.tell(statement).await.told(ROUND)?;
        row.ok_or_else(StoreError::lost_lease)?;
        if round.ended.is_some() {
            let forget = query(write::FORGET_ROUNDS).bind(fence.directory.as_bytes().as_slice()).bind(number);
            self.tell(forget).await.told(ROUND)?;
        }
        Ok(())
    }

    async fn rounds(&self, directory: DirectoryId, limit: usize) -> Result<Vec<Round>, StoreError> {
        let statement = query(read::ROUNDS).bind(directory.as_bytes().as_slice()).bind(count(limit));
        let rows = self.ask(statement).await.told(ROUND)?;
        rows.iter().map(round).collect::<Read<_>>().told(ROUND)
    }
}

fn fenced(text: &'static str, fence: Fence) -> Result<Statement, DriverFault> {
    let epoch = i64::try_from(fence.epoch).map_err(|_| DriverFault::Driver)?;
    Ok(query(text).bind(fence.directory.as_bytes().as_slice()).bind(epoch))
}

fn user_marks(row: &SqliteRow) -> Read<Vec<(ExternalId, Mark)>> {
    if rows::is_null_text(row, 0)? {
        return Ok(Vec::new());
    }
    let mark = |line: &str| {
        let (id, bits) = line.split_once('\t')?;
        Some((ExternalId::new(id).ok()?, Mark::from_bits(bits.parse().ok()?)))
    };
    let marks: Option<Vec<_>> = rows::text(row, 0)?.split('\n').map(mark).collect();
    let mut marks = marks.ok_or(DriverFault::Unreadable("mark"))?;
    // SQLite gathers them as they come, and does not promise to.
    marks.sort_unstable_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    Ok(marks)
}

fn group_marks(row: &SqliteRow) -> Read<GroupMarks> {
    Ok(GroupMarks {
        name: rows::group_name(row, 0)?,
        origin: if rows::flag(row, 2)? { Origin::Imported } else { Origin::Local },
        mark: Mark::from_bits(rows::integer(row, 3)?),
        members: rows::optional_integer(row, 4)?.map(Mark::from_bits),
    })
}

fn mirror(row: &SqliteRow, directory: DirectoryId) -> Read<Mirror> {
    let fence = Fence { directory, epoch: rows::unsigned(row, 3)? };
    let lease = if rows::is_null(row, 2)? {
        None
    } else {
        Some(Lease { owner: rows::id(row, 2)?, fence, until: rows::time(row, 4)? })
    };
    let approval = if rows::is_null_text(row, 1)? { None } else { Some(rows::json(row, 1, "approval")?) };
    Ok(Mirror { state: rows::json(row, 0, "mirror")?, approval, lease })
}

fn round(row: &SqliteRow) -> Read<Round> {
    let mut round: Round = rows::json(row, 0, "round")?;
    if let (None, Some(at)) = (round.ended, rows::optional_integer(row, 1)?) {
        round.ended = Some((Timestamp::from_micros(at), Outcome::Aborted));
    }
    Ok(round)
}
