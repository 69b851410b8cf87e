//! Changes of directories and applications.

use sqlx::query;
use throng_core::change::LoggedEntry;
use throng_core::error::StoreError;
use throng_core::id::{ApplicationId, DirectoryId};
use throng_core::registry::{ApplicationRecord, DirectoryRecord};

use super::{Work, conflict, missing};
use crate::fault::{DriverFault, Intent, Told};
use crate::sqlite::statements::write;
use crate::sqlite::{Statement, lists, rows};

const DIRECTORY: Intent = Intent::Do("directory");
const APPLICATION: Intent = Intent::Do("application");
const SEAT: Intent = Intent::Make("seat");

impl Work<'_> {
    pub(super) async fn put_directory(&mut self, record: &DirectoryRecord) -> Result<(), StoreError> {
        let statement = put_directory(record).told(DIRECTORY)?;
        self.one(statement).await.told(Intent::Make("directory"))?;
        self.entries.push(LoggedEntry::DirectoryPut(record.id));
        Ok(())
    }

    pub(super) async fn remove_directory(&mut self, id: DirectoryId) -> Result<(), StoreError> {
        let bytes = id.as_bytes().as_slice();
        let plans = self.all(query(write::NEXT_PLANS).bind(bytes)).await.told(DIRECTORY)?;
        let removed = self.one(query(write::DELETE_DIRECTORY).bind(bytes)).await;
        removed.told(DIRECTORY)?.ok_or_else(|| missing("directory"))?;
        self.entries.push(LoggedEntry::DirectoryRemoved(id));
        for plan in plans {
            let application = rows::id(&plan, 0).told(APPLICATION)?;
            self.entries.push(LoggedEntry::ApplicationPut(application));
        }
        let statement = query(write::BURY_CLAIMS_OF_DIRECTORY).bind(bytes).bind(self.at.as_micros());
        self.tell_of_claims(statement, Intent::Do("claim")).await
    }

    pub(super) async fn put_application(&mut self, record: &ApplicationRecord) -> Result<(), StoreError> {
        let id = record.id.as_bytes().as_slice();
        let row = self.one(query(write::PLAN_VERSION).bind(id)).await;
        let before = match row.told(APPLICATION)? {
            Some(row) => rows::unsigned(&row, 0).told(APPLICATION)?,
            None => 0,
        };
        if before.checked_add(1) != Some(record.plan.version()) {
            return Err(conflict("plan version"));
        }
        let statement = put_application(record).told(APPLICATION)?;
        self.one(statement).await.told(Intent::Make("application"))?;
        self.one(query(write::DELETE_SEATS).bind(id)).await.told(APPLICATION)?;
        let seats = seats(record).told(APPLICATION)?;
        self.one(query(write::INSERT_SEATS).bind(id).bind(seats)).await.told(SEAT)?;
        self.entries.push(LoggedEntry::ApplicationPut(record.id));
        Ok(())
    }

    pub(super) async fn remove_application(&mut self, id: ApplicationId) -> Result<(), StoreError> {
        let statement = query(write::DELETE_APPLICATION).bind(id.as_bytes().as_slice());
        let removed = self.one(statement).await.told(APPLICATION)?;
        removed.ok_or_else(|| missing("application"))?;
        self.entries.push(LoggedEntry::ApplicationRemoved(id));
        Ok(())
    }
}

fn put_directory(record: &DirectoryRecord) -> Result<Statement, DriverFault> {
    Ok(query(write::PUT_DIRECTORY)
        .bind(record.id.as_bytes().as_slice())
        .bind(record.name.as_str())
        .bind(record.name.key().as_bytes())
        .bind(i64::from(record.active))
        .bind(i64::from(record.kind.is_stored()))
        .bind(lists::to_json(&record.permissions)?)
        .bind(lists::to_json(&record.kind)?))
}

fn put_application(record: &ApplicationRecord) -> Result<Statement, DriverFault> {
    let version = i64::try_from(record.plan.version()).map_err(|_| DriverFault::Driver)?;
    Ok(query(write::PUT_APPLICATION)
        .bind(record.id.as_bytes().as_slice())
        .bind(record.name.as_str())
        .bind(record.name.key().as_bytes())
        .bind(i64::from(record.active))
        .bind(lists::to_json(&record.aliases)?)
        .bind(version)
        .bind(lists::to_json(&record.plan.memberships())?)
        .bind(lists::to_json(record.plan.rules())?))
}

/// Pairs of directory and settings, in order.
fn seats(record: &ApplicationRecord) -> Result<String, DriverFault> {
    let seats = record.plan.seats().iter();
    let seats: Result<Vec<(String, String)>, DriverFault> =
        seats.map(|seat| Ok((lists::hex(seat.directory.as_bytes()), lists::to_json(seat)?))).collect();
    lists::to_json(&seats?)
}
