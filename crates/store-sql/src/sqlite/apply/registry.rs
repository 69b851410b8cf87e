//! Changes of directories and applications.

use sqlx::query;
use throng_core::change::LoggedEntry;
use throng_core::consumer::{ConsumerCredential, ConsumerRecord};
use throng_core::error::StoreError;
use throng_core::id::{ApplicationId, DirectoryId};
use throng_core::moves::Move;
use throng_core::registry::{ApplicationRecord, DirectoryRecord};

use super::{Work, conflict, missing};
use crate::fault::{DriverFault, Intent, Told};
use crate::sqlite::statements::{read, write};
use crate::sqlite::{Statement, lists, rows};

const DIRECTORY: Intent = Intent::Do("directory");
const APPLICATION: Intent = Intent::Do("application");
const CONSUMER: Intent = Intent::Do("consumer");
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
        for row in self.all(query(read::MOVES)).await.told(DIRECTORY)? {
            let record: Move = rows::json(&row, 0, "move").told(DIRECTORY)?;
            if record.concerns(id) && record.state.can_be_reverted() {
                return Err(conflict("move"));
            }
        }
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

    pub(super) async fn put_consumer(&mut self, record: &ConsumerRecord) -> Result<(), StoreError> {
        let statement = query(write::CONSUMER_VERSION).bind(record.application.as_bytes().as_slice());
        let row = self.one(statement).await.told(CONSUMER)?;
        let row = row.ok_or_else(|| missing("application"))?;
        let before = rows::unsigned(&row, 1).told(CONSUMER)?;
        if before.checked_add(1) != Some(record.version) {
            return Err(conflict("consumer version"));
        }
        let statement = put_consumer(record).told(CONSUMER)?;
        self.one(statement).await.told(CONSUMER)?;
        self.entries.push(LoggedEntry::ConsumerPut(record.application));
        Ok(())
    }

    pub(super) async fn expire_passwords(&mut self, directory: DirectoryId) -> Result<(), StoreError> {
        let bytes = directory.as_bytes().as_slice();
        let there = self.one(query(write::DIRECTORY_THERE).bind(bytes)).await.told(DIRECTORY)?;
        there.ok_or_else(|| missing("directory"))?;
        self.one(query(write::EXPIRE_PASSWORDS).bind(bytes)).await.told(Intent::Do("credential"))?;
        self.entries.push(LoggedEntry::PasswordsExpired(directory));
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
        .bind(lists::to_json(record.plan.rules())?)
        .bind(lists::to_json(&record.administrators)?))
}

fn put_consumer(record: &ConsumerRecord) -> Result<Statement, DriverFault> {
    let version = i64::try_from(record.version).map_err(|_| DriverFault::Driver)?;
    let (drawn, chosen) = match &record.credential {
        Some(ConsumerCredential::Drawn(digest)) => (Some(digest.to_vec()), None),
        Some(ConsumerCredential::Chosen(hash)) => (None, Some(hash.expose().to_owned())),
        None => (None, None),
    };
    Ok(query(write::PUT_CONSUMER)
        .bind(record.application.as_bytes().as_slice())
        .bind(version)
        .bind(drawn)
        .bind(chosen)
        .bind(lists::to_json(&record.addresses)?)
        .bind(lists::to_json(&record.webhooks)?))
}

/// Pairs of directory and settings, in order.
fn seats(record: &ApplicationRecord) -> Result<String, DriverFault> {
    let seats = record.plan.seats().iter();
    let seats: Result<Vec<(String, String)>, DriverFault> =
        seats.map(|seat| Ok((lists::hex(seat.directory.as_bytes()), lists::to_json(seat)?))).collect();
    lists::to_json(&seats?)
}
