//! Passwords and times of login.

use async_trait::async_trait;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use throng_core::error::StoreError;
use throng_core::id::Subject;
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::store::{Credentials, Replaced};
use throng_core::time::Timestamp;

use super::records::of;
use super::rows::{self, Read};
use super::statements::{read, write};
use super::{SqliteStore, Statement, lists};
use crate::fault::{DriverFault, Intent, Told};

const CREDENTIAL: Intent = Intent::Do("credential");
const LAST_LOGIN: Intent = Intent::Do("last login");

/// Most logins noted by one statement: what is many is many short transactions, between which others may
/// write.
const LOGINS_AT_ONCE: usize = 1_000;

#[async_trait]
impl Credentials for SqliteStore {
    async fn credential(&self, subject: &Subject) -> Result<Option<Credential>, StoreError> {
        let row = self.ask_one(of(read::CREDENTIAL, subject)).await.told(CREDENTIAL)?;
        row.map(|row| credential(&row, 0)).transpose().told(CREDENTIAL)
    }

    async fn count_failure(&self, subject: &Subject) -> Result<u32, StoreError> {
        let row = self.tell(of(write::COUNT_FAILURE, subject)).await.told(CREDENTIAL)?;
        row.map_or(Ok(0), |row| attempts(&row, 0)).told(CREDENTIAL)
    }

    async fn clear_failures(&self, subject: &Subject) -> Result<(), StoreError> {
        self.tell(of(write::CLEAR_FAILURES, subject)).await.told(CREDENTIAL)?;
        Ok(())
    }

    async fn upgrade_hash(
        &self,
        subject: &Subject,
        from: &EncodedHash,
        to: &EncodedHash,
    ) -> Result<Replaced, StoreError> {
        let statement = of(write::UPGRADE_HASH, subject).bind(from.expose()).bind(to.expose());
        let row = self.tell(statement).await.told(CREDENTIAL)?;
        Ok(row.map_or(Replaced::No, |_| Replaced::Yes))
    }

    async fn note_logins(&self, logins: &[(Subject, Timestamp)]) -> Result<(), StoreError> {
        for some in logins.chunks(LOGINS_AT_ONCE) {
            let list: Vec<(String, String, i64)> = some
                .iter()
                .map(|(subject, at)| {
                    let external_id = lists::hex(subject.external_id.as_str().as_bytes());
                    (lists::hex(subject.directory.as_bytes()), external_id, at.as_micros())
                })
                .collect();
            let list = lists::to_json(&list).told(LAST_LOGIN)?;
            self.tell(query(write::NOTE_LOGINS).bind(list)).await.told(LAST_LOGIN)?;
        }
        Ok(())
    }

    async fn last_login(&self, subject: &Subject) -> Result<Option<Timestamp>, StoreError> {
        let row = self.ask_one(of(read::LAST_LOGIN, subject)).await.told(LAST_LOGIN)?;
        row.map(|row| rows::time(&row, 0)).transpose().told(LAST_LOGIN)
    }
}

/// A credential as it is bound: its columns but for whose it is.
#[derive(serde::Serialize)]
pub(crate) struct Bound<'c>(
    pub(crate) &'static str,
    pub(crate) Option<&'c str>,
    pub(crate) String,
    pub(crate) i64,
    pub(crate) u32,
    pub(crate) bool,
);

impl<'c> Bound<'c> {
    pub(crate) fn of(credential: &'c Credential) -> Result<Self, DriverFault> {
        let (state, hash) = match &credential.hash {
            CredentialState::Usable(hash) => (USABLE, Some(hash.expose())),
            CredentialState::Quarantined(hash) => (QUARANTINED, Some(hash.expose())),
            CredentialState::Absent => (ABSENT, None),
        };
        let history: Vec<&str> = credential.history.iter().map(EncodedHash::expose).collect();
        Ok(Self(
            state,
            hash,
            lists::to_json(&history)?,
            credential.changed_at.as_micros(),
            credential.failed_attempts,
            credential.must_change,
        ))
    }

    /// The statement that puts it in place of what the user had.
    pub(crate) fn put(self, user: i64) -> Statement {
        let Self(state, hash, history, changed_at, failed_attempts, must_change) = self;
        query(write::PUT_CREDENTIAL)
            .bind(user)
            .bind(state)
            .bind(hash.map(str::to_owned))
            .bind(history)
            .bind(changed_at)
            .bind(i64::from(failed_attempts))
            .bind(i64::from(must_change))
    }
}

const USABLE: &str = "usable";
const QUARANTINED: &str = "quarantined";
const ABSENT: &str = "absent";

/// The six columns of a credential, from `at`.
pub(crate) fn credential(row: &SqliteRow, at: usize) -> Read<Credential> {
    kept(Kept(
        rows::text(row, at)?.to_owned(),
        rows::optional_text(row, at + 1)?.map(str::to_owned),
        rows::text(row, at + 2)?.to_owned(),
        rows::integer(row, at + 3)?,
        attempts(row, at + 4)?,
        rows::flag(row, at + 5)?,
    ))
}

/// A credential that was written as [`Bound`].
pub(crate) fn from_text(text: &str) -> Read<Credential> {
    kept(lists::from_json(text, "credential")?)
}

/// A credential as it is read.
#[derive(serde::Deserialize)]
struct Kept(String, Option<String>, String, i64, u32, bool);

fn kept(Kept(state, hash, history, changed_at, failed_attempts, must_change): Kept) -> Read<Credential> {
    let hash = hash.as_deref().map(encoded).transpose()?;
    let hash = match (state.as_str(), hash) {
        (USABLE, Some(hash)) => CredentialState::Usable(hash),
        (QUARANTINED, Some(hash)) => CredentialState::Quarantined(hash),
        (ABSENT, None) => CredentialState::Absent,
        _ => return Err(DriverFault::Unreadable("credential")),
    };
    let history: Vec<String> = lists::from_json(&history, "credential")?;
    Ok(Credential {
        hash,
        history: history.iter().map(|text| encoded(text)).collect::<Read<_>>()?,
        changed_at: Timestamp::from_micros(changed_at),
        failed_attempts,
        must_change,
    })
}

fn encoded(text: &str) -> Read<EncodedHash> {
    EncodedHash::new(text).map_err(|_| DriverFault::Unreadable("credential"))
}

fn attempts(row: &SqliteRow, at: usize) -> Read<u32> {
    u32::try_from(rows::integer(row, at)?).map_err(|_| DriverFault::Unreadable("credential"))
}
