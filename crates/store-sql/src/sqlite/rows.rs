//! Rows as what they stand for. What cannot be read is a fault, never a panic and never left out.

use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use throng_core::attribute::Attributes;
use throng_core::claim::Claim;
use throng_core::group::{Group, Origin};
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, Id, Subject};
use throng_core::name::{GroupName, Key, Username};
use throng_core::store::Holder;
use throng_core::time::Timestamp;
use throng_core::user::{Profile, User};

use super::lists::from_json;
use crate::fault::DriverFault;

/// What a reading function gives.
pub(crate) type Read<T> = Result<T, DriverFault>;

/// How many columns a claim has.
pub(crate) const CLAIM_COLUMNS: usize = 5;
/// How many columns a user has.
pub(crate) const USER_COLUMNS: usize = 11;

/// How many columns a group has.
pub(crate) const GROUP_COLUMNS: usize = 7;

/// No attributes, which most users have, are not parsed.
pub(crate) const NO_ATTRIBUTES: &str = "{}";

pub(crate) fn text(row: &SqliteRow, at: usize) -> Read<&str> {
    Ok(row.try_get(at)?)
}

pub(crate) fn optional_text(row: &SqliteRow, at: usize) -> Read<Option<&str>> {
    Ok(row.try_get(at)?)
}

pub(crate) fn bytes(row: &SqliteRow, at: usize) -> Read<Vec<u8>> {
    Ok(row.try_get(at)?)
}

pub(crate) fn integer(row: &SqliteRow, at: usize) -> Read<i64> {
    Ok(row.try_get(at)?)
}

pub(crate) fn optional_integer(row: &SqliteRow, at: usize) -> Read<Option<i64>> {
    Ok(row.try_get(at)?)
}

pub(crate) fn unsigned(row: &SqliteRow, at: usize) -> Read<u64> {
    u64::try_from(integer(row, at)?).map_err(|_| DriverFault::Unreadable("number"))
}

pub(crate) fn flag(row: &SqliteRow, at: usize) -> Read<bool> {
    Ok(integer(row, at)? != 0)
}

pub(crate) fn time(row: &SqliteRow, at: usize) -> Read<Timestamp> {
    integer(row, at).map(Timestamp::from_micros)
}

pub(crate) fn id<K>(row: &SqliteRow, at: usize) -> Read<Id<K>> {
    let bytes: &[u8] = row.try_get(at)?;
    let bytes = bytes.try_into().map_err(|_| DriverFault::Unreadable("identifier"))?;
    Ok(Id::from_bytes(bytes))
}

/// 32 bytes.
pub(crate) fn digest(row: &SqliteRow, at: usize) -> Read<[u8; 32]> {
    let bytes: &[u8] = row.try_get(at)?;
    bytes.try_into().map_err(|_| DriverFault::Unreadable("digest"))
}

/// Whether an outer join brought nothing here.
pub(crate) fn is_null(row: &SqliteRow, at: usize) -> Read<bool> {
    let value: Option<&[u8]> = row.try_get(at)?;
    Ok(value.is_none())
}

/// Whether there is no text.
pub(crate) fn is_null_text(row: &SqliteRow, at: usize) -> Read<bool> {
    let value: Option<&str> = row.try_get(at)?;
    Ok(value.is_none())
}

pub(crate) fn json<T: DeserializeOwned>(row: &SqliteRow, at: usize, what: &'static str) -> Read<T> {
    from_json(text(row, at)?, what)
}

pub(crate) fn external_id(row: &SqliteRow, at: usize) -> Read<ExternalId> {
    ExternalId::new(text(row, at)?).map_err(|_| DriverFault::Unreadable("external id"))
}

/// A spelling and its key.
pub(crate) fn username(row: &SqliteRow, at: usize) -> Read<Username> {
    Ok(Username::from_stored(text(row, at)?, key_text(row, at + 1)?))
}

/// A spelling and its key.
pub(crate) fn group_name(row: &SqliteRow, at: usize) -> Read<GroupName> {
    Ok(GroupName::from_stored(text(row, at)?, key_text(row, at + 1)?))
}

pub(crate) fn key(row: &SqliteRow, at: usize) -> Read<Key> {
    // A stored key is a key already, and the key of a key is that key.
    key_text(row, at).map(Key::of)
}

pub(crate) fn subject(row: &SqliteRow, at: usize) -> Read<Subject> {
    Ok(Subject { directory: id(row, at)?, external_id: external_id(row, at + 1)? })
}

/// The columns of `user_columns!`, from `at`.
pub(crate) fn holder(row: &SqliteRow, at: usize) -> Read<Holder> {
    let user = User {
        external_id: external_id(row, at + 1)?,
        name: username(row, at + 2)?,
        profile: Profile {
            first_name: text(row, at + 4)?.to_owned(),
            last_name: text(row, at + 5)?.to_owned(),
            display_name: text(row, at + 6)?.to_owned(),
            email: text(row, at + 7)?.to_owned(),
        },
        active: flag(row, at + 8)?,
        attributes: attributes(row, at + 9)?,
    };
    Ok(Holder { directory: id(row, at)?, user, epoch: unsigned(row, at + 10)? })
}

/// A user with its directory.
pub(crate) fn user(row: &SqliteRow) -> Read<(DirectoryId, User)> {
    let Holder { directory, user, .. } = holder(row, 0)?;
    Ok((directory, user))
}

/// The columns of `group_columns!`.
pub(crate) fn group(row: &SqliteRow) -> Read<(DirectoryId, Group)> {
    let group = Group {
        external_id: external_id(row, 1)?,
        name: group_name(row, 2)?,
        description: text(row, 4)?.to_owned(),
        origin: if flag(row, 5)? { Origin::Imported } else { Origin::Local },
        attributes: attributes(row, 6)?,
    };
    Ok((id(row, 0)?, group))
}

/// The columns of `claim_columns!`.
pub(crate) fn claim(row: &SqliteRow, application: ApplicationId, key: Key) -> Read<Claim> {
    Ok(Claim {
        application,
        key,
        identity: id(row, 0)?,
        subject: subject(row, 1)?,
        tombstoned_at: optional_integer(row, 3)?.map(Timestamp::from_micros),
        made_at: time(row, 4)?,
    })
}

pub(crate) fn attributes(row: &SqliteRow, at: usize) -> Read<Attributes> {
    match text(row, at)? {
        NO_ATTRIBUTES => Ok(Attributes::new()),
        text => from_json(text, "attributes"),
    }
}

fn key_text(row: &SqliteRow, at: usize) -> Read<&str> {
    let bytes: &[u8] = row.try_get(at)?;
    std::str::from_utf8(bytes).map_err(|_| DriverFault::Unreadable("key"))
}
