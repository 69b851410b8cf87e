//! Who is there, lean and in order.

use async_trait::async_trait;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use throng_core::error::StoreError;
use throng_core::id::DirectoryId;
use throng_core::name::Key;
use throng_core::preview::{Census, GroupGraph, Occupant};
use throng_core::store::Namesakes;

use super::records::count;
use super::rows::{self, Read};
use super::statements::read;
use super::{SqliteStore, lists};
use crate::fault::{DriverFault, Intent, Told};

const USER: Intent = Intent::Do("user");
const GROUP: Intent = Intent::Do("group");

#[async_trait]
impl Census for SqliteStore {
    async fn occupants(
        &self,
        directories: &[DirectoryId],
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Namesakes<Occupant>>, StoreError> {
        // One more than a name can have, so that a page never holds a part of one alone.
        let limit = limit.max(directories.len() + 1);
        let statement = query(read::OCCUPANTS)
            .bind(lists::directories(directories))
            .bind(after.map_or(Vec::new(), |key| key.as_bytes().to_vec()))
            .bind(i64::from(after.is_none()))
            .bind(count(limit));
        let rows = self.ask(statement).await.told(USER)?;
        let is_cut = rows.len() >= limit;
        let mut found: Vec<Namesakes<Occupant>> = Vec::new();
        for row in &rows {
            let (directory, occupant) = occupant(row).told(USER)?;
            match found.last_mut().filter(|last| last.key == *occupant.name.key()) {
                Some(last) => last.holders.push((directory, occupant)),
                None => {
                    let key = occupant.name.key().clone();
                    found.push(Namesakes { key, holders: vec![(directory, occupant)] });
                }
            }
        }
        if is_cut {
            // Others of the last name may follow.
            found.pop();
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

fn occupant(row: &SqliteRow) -> Read<(DirectoryId, Occupant)> {
    let mut groups = Vec::new();
    if let Some(text) = rows::optional_text(row, 5)? {
        for number in text.split(',') {
            groups.push(number.parse().map_err(|_| DriverFault::Unreadable("membership"))?);
        }
        groups.sort_unstable();
    }
    let occupant = Occupant {
        external_id: rows::external_id(row, 1)?,
        name: rows::username(row, 2)?,
        active: rows::flag(row, 4)?,
        groups,
    };
    Ok((rows::id(row, 0)?, occupant))
}
