//! Directories, applications, claims and aliases: reading.

use async_trait::async_trait;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use throng_core::claim::Claim;
use throng_core::consumer::{ConsumerCredential, ConsumerRecord};
use throng_core::error::StoreError;
use throng_core::id::{ApplicationId, Subject};
use throng_core::name::{Key, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::password::EncodedHash;
use throng_core::plan::Plan;
use throng_core::registry::{ApplicationRecord, DirectoryRecord, Label};
use throng_core::store::Registry;

use super::SqliteStore;
use super::narrow::first_of;
use super::records::count;
use super::rows::{self, CLAIM_COLUMNS, Read};
use super::statements::read;
use crate::fault::{DriverFault, Intent, Told};

const DIRECTORY: Intent = Intent::Do("directory");
const APPLICATION: Intent = Intent::Do("application");
const CONSUMER: Intent = Intent::Do("consumer");
const CLAIM: Intent = Intent::Do("claim");
const ALIAS: Intent = Intent::Do("alias");

#[async_trait]
impl Registry for SqliteStore {
    async fn directories(&self) -> Result<Vec<DirectoryRecord>, StoreError> {
        let rows = self.ask(query(read::DIRECTORIES)).await.told(DIRECTORY)?;
        rows.iter().map(directory).collect::<Read<_>>().told(DIRECTORY)
    }

    async fn applications(&self) -> Result<Vec<ApplicationRecord>, StoreError> {
        let rows = self.ask(query(read::APPLICATIONS)).await.told(APPLICATION)?;
        applications(&rows).told(APPLICATION)
    }

    async fn consumers(&self) -> Result<Vec<ConsumerRecord>, StoreError> {
        let rows = self.ask(query(read::CONSUMERS)).await.told(CONSUMER)?;
        rows.iter().map(consumer).collect::<Read<_>>().told(CONSUMER)
    }

    async fn claim(&self, application: ApplicationId, key: &Key) -> Result<Option<Claim>, StoreError> {
        let statement = query(read::CLAIM).bind(application.as_bytes().as_slice()).bind(key.as_bytes());
        let row = self.ask_one(statement).await.told(CLAIM)?;
        row.map(|row| rows::claim(&row, application, key.clone())).transpose().told(CLAIM)
    }

    async fn claims(
        &self,
        application: ApplicationId,
        page: &PageRequest,
    ) -> Result<Page<Claim>, StoreError> {
        let statement = query(read::CLAIMS)
            .bind(application.as_bytes().as_slice())
            .bind(first_of(page))
            .bind(count(page.limit() + 1));
        let rows = self.ask(statement).await.told(CLAIM)?;
        let claims: Vec<Claim> = rows
            .iter()
            .map(|row| rows::claim(row, application, rows::key(row, CLAIM_COLUMNS)?))
            .collect::<Read<_>>()
            .told(CLAIM)?;
        Ok(Page::cut(claims, page.limit(), |claim| &claim.key))
    }

    async fn alias(
        &self,
        application: ApplicationId,
        alias: &Key,
    ) -> Result<Option<(Subject, Username)>, StoreError> {
        let statement = query(read::ALIAS).bind(application.as_bytes().as_slice()).bind(alias.as_bytes());
        let row = self.ask_one(statement).await.told(ALIAS)?;
        row.map(|row| Ok::<_, DriverFault>((rows::subject(&row, 0)?, rows::username(&row, 2)?)))
            .transpose()
            .told(ALIAS)
    }

    async fn alias_of(
        &self,
        application: ApplicationId,
        subject: &Subject,
    ) -> Result<Option<Username>, StoreError> {
        let statement = query(read::ALIAS_OF)
            .bind(application.as_bytes().as_slice())
            .bind(subject.directory.as_bytes().as_slice())
            .bind(subject.external_id.as_str());
        let row = self.ask_one(statement).await.told(ALIAS)?;
        row.map(|row| rows::username(&row, 0)).transpose().told(ALIAS)
    }
}

fn directory(row: &SqliteRow) -> Read<DirectoryRecord> {
    Ok(DirectoryRecord {
        id: rows::id(row, 0)?,
        name: label(row, 1)?,
        active: rows::flag(row, 2)?,
        permissions: rows::json(row, 3, "permissions")?,
        kind: rows::json(row, 4, "directory")?,
    })
}

fn consumer(row: &SqliteRow) -> Read<ConsumerRecord> {
    let chosen = |text: &str| EncodedHash::new(text).map_err(|_| DriverFault::Unreadable("hash"));
    let credential = match (rows::is_null(row, 2)?, rows::optional_text(row, 3)?) {
        (false, _) => Some(ConsumerCredential::Drawn(rows::digest(row, 2)?)),
        (true, Some(text)) => Some(ConsumerCredential::Chosen(chosen(text)?)),
        (true, None) => None,
    };
    Ok(ConsumerRecord {
        application: rows::id(row, 0)?,
        version: rows::unsigned(row, 1)?,
        credential,
        addresses: rows::json(row, 4, "addresses")?,
        webhooks: rows::json(row, 5, "webhooks")?,
    })
}

/// Puts rows, one for each seat and one for an application without seats, together by application.
fn applications(rows: &[SqliteRow]) -> Read<Vec<ApplicationRecord>> {
    let mut found: Vec<ApplicationRecord> = Vec::new();
    for row in rows {
        let id = rows::id(row, 0)?;
        let mut application = match found.pop_if(|last| last.id == id) {
            Some(application) => application,
            None => application_without_seats(row)?,
        };
        if !rows::is_null(row, SETTINGS)? {
            let seat = rows::json(row, SETTINGS, "seat")?;
            let plan = application.plan.push(seat);
            application.plan = plan.map_err(|_| DriverFault::Unreadable("plan"))?;
        }
        found.push(application);
    }
    Ok(found)
}

/// The column of a seat's settings.
const SETTINGS: usize = 7;
const ADMINISTRATORS: usize = 8;

fn application_without_seats(row: &SqliteRow) -> Read<ApplicationRecord> {
    let plan = Plan::new()
        .with_version(rows::unsigned(row, 4)?)
        .with_memberships(rows::json(row, 5, "plan")?)
        .with_rules(rows::json(row, 6, "plan")?);
    Ok(ApplicationRecord {
        id: rows::id(row, 0)?,
        name: label(row, 1)?,
        active: rows::flag(row, 2)?,
        plan,
        aliases: rows::json(row, 3, "application")?,
        administrators: rows::json(row, ADMINISTRATORS, "application")?,
    })
}

fn label(row: &SqliteRow, at: usize) -> Read<Label> {
    Label::new(rows::text(row, at)?).map_err(|_| DriverFault::Unreadable("label"))
}
