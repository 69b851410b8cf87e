//! Who is there, lean and in order.

use std::cmp::Ordering;

use async_trait::async_trait;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use throng_core::claim::Claim;
use throng_core::error::StoreError;
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, Subject};
use throng_core::name::{Key, Username};
use throng_core::preview::{Census, GroupGraph, Holders, Occupant};
use throng_core::time::Timestamp;

use super::records::count;
use super::rows::{self, Read};
use super::statements::read;
use super::{SqliteStore, lists};
use crate::fault::{DriverFault, Intent, Told};

const USER: Intent = Intent::Do("user");
const CLAIM: Intent = Intent::Do("claim");
const GROUP: Intent = Intent::Do("group");

#[async_trait]
impl Census for SqliteStore {
    async fn holders(
        &self,
        directories: &[DirectoryId],
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Holders>, StoreError> {
        // One more than a name can have, so that a page never holds a part of one alone.
        let limit = limit.max(directories.len() + 1);
        let statement = query(read::HOLDERS)
            .bind(lists::directories(directories))
            .bind(after.map_or(Vec::new(), |key| key.as_bytes().to_vec()))
            .bind(i64::from(after.is_none()))
            .bind(count(limit));
        let row = self.ask_one(statement).await.told(USER)?;
        let known: Vec<(String, DirectoryId)> =
            directories.iter().map(|id| (lists::hex(id.as_bytes()), *id)).collect();
        let mut found: Vec<Holders> = Vec::new();
        let mut lines = 0;
        for line in row.iter().flat_map(gathered) {
            lines += 1;
            let (key, directory) = line.and_then(|line| holder(line, &known)).told(USER)?;
            let last = found.last_mut().map(|last| (last.key.as_str().cmp(key), &mut last.directories));
            match last {
                Some((Ordering::Equal, directories)) => directories.push(directory),
                // SQLite gathers them as they come, and does not promise to.
                Some((Ordering::Greater, _)) => return Err(DriverFault::Unreadable("order")).told(USER),
                // A stored key is a key already.
                Some((Ordering::Less, _)) | None => {
                    found.push(Holders { key: Key::of(key), directories: vec![directory] });
                }
            }
        }
        if lines >= limit {
            // Others of the last name may follow.
            found.pop();
        }
        Ok(found)
    }

    async fn occupants(&self, of: &[(DirectoryId, Key)]) -> Result<Vec<Option<Occupant>>, StoreError> {
        let mut found = vec![None; of.len()];
        if of.is_empty() {
            return Ok(found);
        }
        let asked = of.iter().map(|(directory, key)| [directory.as_bytes().as_slice(), key.as_bytes()]);
        let row = self.ask_one(query(read::OCCUPANTS).bind(lists::joined(asked))).await.told(USER)?;
        for line in row.iter().flat_map(gathered) {
            let (at, occupant) = line.and_then(|line| occupant(line, of)).told(USER)?;
            found[at] = Some(occupant);
        }
        Ok(found)
    }

    async fn claims_on(
        &self,
        application: ApplicationId,
        keys: &[Key],
    ) -> Result<Vec<Option<Claim>>, StoreError> {
        let mut found = vec![None; keys.len()];
        if keys.is_empty() {
            return Ok(found);
        }
        let statement =
            query(read::CLAIMS_ON).bind(application.as_bytes().as_slice().to_vec()).bind(lists::keys(keys));
        let row = self.ask_one(statement).await.told(CLAIM)?;
        for line in row.iter().flat_map(gathered) {
            let (at, claim) = line.and_then(|line| claim(line, application, keys)).told(CLAIM)?;
            found[at] = Some(claim);
        }
        Ok(found)
    }

    async fn group_graph(&self, directory: DirectoryId) -> Result<GroupGraph, StoreError> {
        let id = directory.as_bytes().as_slice();
        let groups = self.ask(query(read::GROUP_NUMBERS).bind(id)).await.told(GROUP)?;
        let groups = groups.iter().map(|row| Ok((rows::unsigned(row, 0)?, rows::group_name(row, 1)?)));
        let groups = groups.collect::<Read<Vec<_>>>().told(GROUP)?;
        let nestings = self.ask(query(read::GROUP_NESTINGS).bind(id)).await.told(GROUP)?;
        let nestings = nestings.iter().map(|row| Ok((rows::unsigned(row, 0)?, rows::unsigned(row, 1)?)));
        let mut nestings = nestings.collect::<Read<Vec<_>>>().told(GROUP)?;
        nestings.sort_unstable();
        Ok(GroupGraph { groups, nestings })
    }
}

/// The lines of the one row that gathers them: a row costs as much as reading a dozen of them.
fn gathered(row: &SqliteRow) -> impl Iterator<Item = Read<&str>> {
    let (fault, text) = match rows::optional_text(row, 0) {
        Ok(text) => (None, text),
        Err(fault) => (Some(Err(fault)), None),
    };
    fault.into_iter().chain(text.into_iter().flat_map(|text| text.split('\n')).map(Ok))
}

/// Fields stand between tabs: no name and no id holds one.
fn fields<'l, const N: usize>(line: &'l str, what: &'static str) -> Read<[&'l str; N]> {
    let mut fields = line.split('\t');
    let found: Option<Vec<&str>> = (0..N).map(|_| fields.next()).collect();
    found.and_then(|found| found.try_into().ok()).ok_or(DriverFault::Unreadable(what))
}

/// The place that a line speaks of, in a list of so many.
fn place(text: &str, of: usize) -> Read<usize> {
    text.parse().ok().filter(|at| *at < of).ok_or(DriverFault::Unreadable("place"))
}

fn holder<'l>(line: &'l str, known: &[(String, DirectoryId)]) -> Read<(&'l str, DirectoryId)> {
    let [key, directory] = fields(line, "user")?;
    let directory = known.iter().find(|(digits, _)| digits == directory);
    Ok((key, directory.ok_or(DriverFault::Unreadable("directory"))?.1))
}

fn occupant(line: &str, of: &[(DirectoryId, Key)]) -> Read<(usize, Occupant)> {
    let [at, external_id, name, active, numbers] = fields(line, "user")?;
    let at = place(at, of.len())?;
    let mut groups = Vec::new();
    for number in numbers.split(',').filter(|number| !number.is_empty()) {
        groups.push(number.parse().map_err(|_| DriverFault::Unreadable("membership"))?);
    }
    groups.sort_unstable();
    let occupant = Occupant {
        external_id: ExternalId::new(external_id).map_err(|_| DriverFault::Unreadable("external id"))?,
        name: Username::from_stored(name, of[at].1.as_str()),
        active: active != "0",
        groups,
    };
    Ok((at, occupant))
}

fn claim(line: &str, application: ApplicationId, keys: &[Key]) -> Read<(usize, Claim)> {
    let [at, identity, directory, external_id, tombstoned_at, made_at] = fields(line, "claim")?;
    let unreadable = || DriverFault::Unreadable("claim");
    let time = |text: &str| text.parse().map(Timestamp::from_micros).map_err(|_| unreadable());
    let at = place(at, keys.len())?;
    let subject = Subject {
        directory: lists::id(directory).ok_or_else(unreadable)?,
        external_id: ExternalId::new(external_id).map_err(|_| unreadable())?,
    };
    let claim = Claim {
        application,
        key: keys[at].clone(),
        identity: lists::id(identity).ok_or_else(unreadable)?,
        subject,
        tombstoned_at: (!tombstoned_at.is_empty()).then(|| time(tombstoned_at)).transpose()?,
        made_at: time(made_at)?,
    };
    Ok((at, claim))
}
