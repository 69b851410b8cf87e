//! Moves: what belongs to an account, the journal, and passwords that come later.

use async_trait::async_trait;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use throng_core::claim::Claim;
use throng_core::error::StoreError;
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, Id, Subject};
use throng_core::moves::{Belongings, Capture, Move, MoveEntry, MoveId, Moves};
use throng_core::name::{GroupName, Key, Username};
use throng_core::password::Credential;
use throng_core::time::Timestamp;

use super::credentials::{self, Bound};
use super::records::{count, of};
use super::rows::{self, Read, USER_COLUMNS};
use super::statements::read;
use super::{SqliteStore, lists};
use crate::fault::{DriverFault, Intent, Told};

const ACCOUNT: Intent = Intent::Do("account");
const MOVE: Intent = Intent::Do("move");
const CAPTURE: Intent = Intent::Do("capture");

#[async_trait]
impl Moves for SqliteStore {
    async fn belongings(&self, subject: &Subject) -> Result<Option<Belongings>, StoreError> {
        let row = self.ask_one(of(read::BELONGINGS, subject)).await.told(ACCOUNT)?;
        row.map(|row| belongings(&row, subject)).transpose().told(ACCOUNT)
    }

    async fn moves(&self) -> Result<Vec<Move>, StoreError> {
        let rows = self.ask(query(read::MOVES)).await.told(MOVE)?;
        rows.iter().map(|row| rows::json(row, 0, "move")).collect::<Read<_>>().told(MOVE)
    }

    async fn move_of(&self, id: MoveId) -> Result<Option<Move>, StoreError> {
        let row = self.ask_one(query(read::MOVE).bind(id.as_bytes().as_slice())).await.told(MOVE)?;
        row.map(|row| rows::json(&row, 0, "move")).transpose().told(MOVE)
    }

    async fn move_entries(&self, id: MoveId, from: u64, limit: usize) -> Result<Vec<MoveEntry>, StoreError> {
        // No position is beyond what the table can hold.
        let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
        let statement =
            query(read::MOVE_ENTRIES).bind(id.as_bytes().as_slice()).bind(from).bind(count(limit));
        let rows = self.ask(statement).await.told(MOVE)?;
        rows.iter().map(entry).collect::<Read<_>>().told(MOVE)
    }

    async fn capture(&self, subject: &Subject) -> Result<Option<Capture>, StoreError> {
        let row = self.ask_one(of(read::CAPTURE, subject)).await.told(CAPTURE)?;
        row.map(|row| capture(&row)).transpose().told(CAPTURE)
    }

    async fn captures(
        &self,
        by: MoveId,
        after: Option<&Subject>,
        limit: usize,
    ) -> Result<Vec<Capture>, StoreError> {
        let (directory, external_id) = match after {
            Some(after) => (after.directory.as_bytes().to_vec(), after.external_id.as_str().to_owned()),
            None => (Vec::new(), String::new()),
        };
        let statement = query(read::CAPTURES)
            .bind(by.as_bytes().as_slice())
            .bind(directory)
            .bind(external_id)
            .bind(count(limit));
        let rows = self.ask(statement).await.told(CAPTURE)?;
        rows.iter().map(capture).collect::<Read<_>>().told(CAPTURE)
    }
}

/// A name and its key, in hexadecimal digits.
type Named = (String, String);

/// The columns of `BELONGINGS`.
pub(crate) fn belongings(row: &SqliteRow, subject: &Subject) -> Read<Belongings> {
    let (_, user) = rows::user(row)?;
    let at = USER_COLUMNS;
    let credential = match rows::is_null_text(row, at)? {
        true => None,
        false => Some(credentials::credential(row, at)?),
    };
    let groups: Vec<Named> = rows::json(row, at + 7, "memberships")?;
    let mut groups = groups
        .into_iter()
        .map(|(name, key)| Ok(GroupName::from_stored(name, text_of(&key)?)))
        .collect::<Read<Vec<_>>>()?;
    groups.sort_by(|one, other| one.key().cmp(other.key()));
    let claims: Vec<(String, String, String, i64)> = rows::json(row, at + 8, "claims")?;
    let mut claims = claims
        .into_iter()
        .map(|(application, key, identity, made_at)| {
            Ok(Claim {
                application: id_of(&application)?,
                key: Key::of(&text_of(&key)?),
                identity: id_of(&identity)?,
                subject: subject.clone(),
                tombstoned_at: None,
                made_at: Timestamp::from_micros(made_at),
            })
        })
        .collect::<Read<Vec<Claim>>>()?;
    claims.sort_by(|one, other| (one.application, &one.key).cmp(&(other.application, &other.key)));
    let aliases: Vec<(String, String, String)> = rows::json(row, at + 9, "aliases")?;
    let mut aliases = aliases
        .into_iter()
        .map(|(application, alias, key)| {
            Ok((id_of(&application)?, Username::from_stored(alias, text_of(&key)?)))
        })
        .collect::<Read<Vec<(ApplicationId, Username)>>>()?;
    aliases.sort_by(|one, other| (one.0, one.1.key()).cmp(&(other.0, other.1.key())));
    let last_login = rows::optional_integer(row, at + 6)?.map(Timestamp::from_micros);
    Ok(Belongings { user, credential, groups, claims, aliases, last_login })
}

fn bytes_of(hex: &str) -> Read<Vec<u8>> {
    lists::unhex(hex).ok_or(DriverFault::Unreadable("hexadecimal digits"))
}

fn text_of(hex: &str) -> Read<String> {
    String::from_utf8(bytes_of(hex)?).map_err(|_| DriverFault::Unreadable("key"))
}

fn id_of<K>(hex: &str) -> Read<Id<K>> {
    lists::id(hex).ok_or(DriverFault::Unreadable("identifier"))
}

fn entry(row: &SqliteRow) -> Read<MoveEntry> {
    let mut entry: MoveEntry = rows::json(row, 0, "entry of a move")?;
    for (at, belongings) in [(1, &mut entry.before), (2, &mut entry.target_before)] {
        if let (Some(belongings), Some(text)) = (belongings, rows::optional_text(row, at)?) {
            belongings.credential = Some(credentials::from_text(text)?);
        }
    }
    Ok(entry)
}

/// What an entry is written as: its position, its record, and the passwords beside it.
pub(crate) fn written(
    entry: &MoveEntry,
) -> Result<(u64, String, Option<String>, Option<String>), DriverFault> {
    let credential = |belongings: &Option<Box<Belongings>>| {
        let credential = belongings.as_ref().and_then(|belongings| belongings.credential.as_ref());
        credential.map(|credential: &Credential| lists::to_json(&Bound::of(credential)?)).transpose()
    };
    let record = lists::to_json(entry)?;
    Ok((entry.position, record, credential(&entry.before)?, credential(&entry.target_before)?))
}

/// The columns of `CAPTURE`.
pub(crate) fn capture(row: &SqliteRow) -> Read<Capture> {
    let directory: DirectoryId = rows::id(row, 0)?;
    let external_id: ExternalId = rows::external_id(row, 1)?;
    Ok(Capture {
        subject: Subject { directory, external_id },
        by: rows::id(row, 2)?,
        source: rows::id(row, 3)?,
        name: rows::username(row, 4)?,
        external_id: rows::external_id(row, 6)?,
        until: rows::time(row, 7)?,
    })
}

#[cfg(test)]
mod tests {
    use sqlx::Row;
    use throng_core::change::{Change, ChangeSet};
    use throng_core::moves::{EntryState, Fate, Landing, MoveState, Options, PasswordFate, Source};
    use throng_core::password::{CredentialState, EncodedHash};
    use throng_core::permission::Permissions;
    use throng_core::registry::{DirectoryKind, DirectoryRecord, InternalSettings, Label};
    use throng_core::store::Records;
    use throng_core::user::User;

    use super::*;

    #[tokio::test]
    async fn passwords_stand_beside_the_records_of_a_move_and_never_in_them() {
        let store = SqliteStore::in_memory().await.unwrap();
        let target = DirectoryId::from_bytes([1; 16]);
        let at = Timestamp::from_micros(7);
        let directory = DirectoryRecord {
            id: target,
            name: Label::new("east").unwrap(),
            active: true,
            permissions: Permissions::ALL,
            kind: DirectoryKind::Internal(InternalSettings::default()),
        };
        let record = Move {
            id: MoveId::from_bytes([2; 16]),
            version: 1,
            source: Source::File("users.csv".into()),
            target,
            selection: "everybody".into(),
            options: Options::default(),
            state: MoveState::Running,
            users: 1,
            began_at: at,
            changed_at: at,
            groups: vec![],
            orders: vec![],
        };
        let external_id = ExternalId::new("1").unwrap();
        let name = Username::new("anna").unwrap();
        let owned = |canary: &str| {
            let credential = Credential {
                hash: CredentialState::Usable(EncodedHash::new(format!("{canary}-current")).unwrap()),
                history: vec![EncodedHash::new(format!("{canary}-former")).unwrap()],
                changed_at: at,
                failed_attempts: 0,
                must_change: false,
            };
            let user = User::named(external_id.clone(), name.clone());
            Some(Box::new(Belongings { credential: Some(credential), ..Belongings::of(user) }))
        };
        let entry = MoveEntry {
            position: 0,
            subject: Subject { directory: target, external_id: external_id.clone() },
            name: name.clone(),
            state: EntryState::Moved,
            fate: Fate { landing: Landing::Made, password: PasswordFate::Carried, notes: vec![] },
            before: owned("canary-source"),
            target_before: owned("canary-target"),
            landed: None,
            failure: None,
        };
        let put = Change::PutMoveEntries { by: record.id, entries: vec![entry.clone()] };
        let changes = vec![Change::PutDirectory(directory), Change::PutMove(Box::new(record.clone())), put];
        let set = ChangeSet::new(at, changes);
        store.apply(&set).await.unwrap();

        let statement = query(read::MOVE_ENTRIES).bind(record.id.as_bytes().as_slice()).bind(0).bind(9);
        let row = store.ask_one(statement).await.unwrap().unwrap();
        assert!(!row.get::<String, _>(0).contains("canary"), "the record");
        for (at, whose) in [(1, "canary-source"), (2, "canary-target")] {
            let kept: String = row.get(at);
            assert!(kept.contains(&format!("{whose}-current")) && kept.contains(&format!("{whose}-former")));
        }
        let read = store.move_entries(record.id, 0, 9).await.unwrap();
        assert_eq!(read, [entry]);
        for shown in [format!("{set:?}"), format!("{read:?}"), format!("{store:?}")] {
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}
