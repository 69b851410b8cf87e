//! Users, groups and memberships: reading.

use async_trait::async_trait;
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use throng_core::change::{Applied, ChangeSet};
use throng_core::error::StoreError;
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, Subject};
use throng_core::name::{GroupName, Key};
use throng_core::page::{Page, PageRequest};
use throng_core::store::{Holder, Located, Namesakes, Nesting, Records};
use throng_core::user::User;

use super::narrow::{self, Narrowed, first_of};
use super::rows::{self, CLAIM_COLUMNS, Read};
use super::statements::read;
use super::{SqliteStore, Statement, apply, lists};
use crate::fault::{Intent, Told};

/// How many names one call of a search looks at when an index cannot tell which of them pass the filter.
const SCAN: usize = 1_000;
/// Beyond so many users, a page of a group's members is read in the order of names: what lies between them, with the
/// users of a million, still costs less than to sort the group.
const LARGE: usize = 50_000;

const USER: Intent = Intent::Do("user");
const GROUP: Intent = Intent::Do("group");
const MEMBERSHIP: Intent = Intent::Do("membership");

#[async_trait]
impl Records for SqliteStore {
    async fn locate(&self, application: ApplicationId, key: &Key) -> Result<Located, StoreError> {
        let statement = query(read::LOCATE).bind(application.as_bytes().as_slice()).bind(key.as_bytes());
        let rows = self.ask(statement).await.told(USER)?;
        located(&rows, application, key).told(USER)
    }

    async fn locate_groups(&self, key: &Key) -> Result<Vec<(DirectoryId, Group)>, StoreError> {
        let rows = self.ask(query(read::LOCATE_GROUPS).bind(key.as_bytes())).await.told(GROUP)?;
        rows.iter().map(rows::group).collect::<Read<_>>().told(GROUP)
    }

    async fn user(&self, directory: DirectoryId, key: &Key) -> Result<Option<User>, StoreError> {
        let row = self.ask_one(named(read::USER, directory, key)).await.told(USER)?;
        only_user(row).told(USER)
    }

    async fn user_by_id(&self, subject: &Subject) -> Result<Option<User>, StoreError> {
        let row = self.ask_one(of(read::USER_BY_ID, subject)).await.told(USER)?;
        only_user(row).told(USER)
    }

    async fn users_by_id(&self, directory: DirectoryId, ids: &[ExternalId]) -> Result<Vec<User>, StoreError> {
        let ids: Vec<&str> = ids.iter().map(ExternalId::as_str).collect();
        let ids = lists::to_json(&ids).told(USER)?;
        let statement = query(read::USERS_BY_ID).bind(directory.as_bytes().as_slice()).bind(ids);
        let rows = self.ask(statement).await.told(USER)?;
        rows.iter().map(|row| rows::user(row).map(|(_, user)| user)).collect::<Read<_>>().told(USER)
    }

    async fn search_users(
        &self,
        directories: &[DirectoryId],
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Namesakes<User>>, StoreError> {
        if let Some(keys) = narrow::listed(filter.node()) {
            let rows = self.ask(listed(read::NAMESAKES, directories, on(page, keys))).await.told(USER)?;
            let found = namesakes(&rows, rows::user, User::key).told(USER)?;
            return Ok(Page::cut(found, page.limit(), |name| &name.key));
        }
        let narrowed = Narrowed::of(filter.node()).on(page);
        let text = match narrowed.email {
            Some(_) => read::SEARCH_USERS_BY_EMAIL,
            None => read::SEARCH_USERS,
        };
        let look = looked_at(&narrowed, page);
        let mut statement = ranged(text, directories, &narrowed, look);
        if let Some(email) = &narrowed.email {
            statement = statement.bind(email.as_bytes());
        }
        let rows = self.ask(statement).await.told(USER)?;
        let found = namesakes(&rows, rows::user, User::key).told(USER)?;
        Ok(select(found, look, page, |user| narrowed.exact || filter.matches_user(user)))
    }

    async fn namesakes(
        &self,
        directories: &[DirectoryId],
        keys: &[Key],
    ) -> Result<Vec<Namesakes<User>>, StoreError> {
        let rows = self.ask(listed(read::NAMESAKES, directories, keys.iter().collect())).await.told(USER)?;
        namesakes(&rows, rows::user, User::key).told(USER)
    }

    async fn search_groups(
        &self,
        directories: &[DirectoryId],
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Namesakes<Group>>, StoreError> {
        if let Some(keys) = narrow::listed(filter.node()) {
            let rows =
                self.ask(listed(read::GROUP_NAMESAKES, directories, on(page, keys))).await.told(GROUP)?;
            let found = namesakes(&rows, rows::group, Group::key).told(GROUP)?;
            return Ok(Page::cut(found, page.limit(), |name| &name.key));
        }
        let mut narrowed = Narrowed::of(filter.node()).on(page);
        // Groups have no e-mail address: the range alone is then more than the filter accepts.
        narrowed.exact &= narrowed.email.is_none();
        let look = looked_at(&narrowed, page);
        let statement = ranged(read::SEARCH_GROUPS, directories, &narrowed, look);
        let rows = self.ask(statement).await.told(GROUP)?;
        let found = namesakes(&rows, rows::group, Group::key).told(GROUP)?;
        Ok(select(found, look, page, |group| narrowed.exact || filter.matches_group(group)))
    }

    async fn parents(
        &self,
        directory: DirectoryId,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, StoreError> {
        let text = match member {
            Member::User(_) => read::PARENTS_OF_USER,
            Member::Group(_) => read::PARENTS_OF_GROUP,
        };
        let statement =
            named(text, directory, member.key()).bind(first_of(page)).bind(count(page.limit() + 1));
        let rows = self.ask(statement).await.told(MEMBERSHIP)?;
        let names: Vec<GroupName> =
            rows.iter().map(|row| rows::group_name(row, 0)).collect::<Read<_>>().told(MEMBERSHIP)?;
        Ok(Page::cut(names, page.limit(), GroupName::key))
    }

    async fn children(
        &self,
        directory: DirectoryId,
        group: &Key,
        page: &PageRequest,
    ) -> Result<Page<Member>, StoreError> {
        let text = match page.start() {
            None => read::CHILDREN,
            Some(_) => {
                let statement = named(read::IS_LARGE, directory, group).bind(count(LARGE));
                match self.ask_one(statement).await.told(MEMBERSHIP)? {
                    None => read::CHILDREN,
                    Some(_) => read::CHILDREN_OF_LARGE,
                }
            }
        };
        // One more for a pair that must not be parted, and one more to know whether anything follows.
        let statement = named(text, directory, group).bind(first_of(page)).bind(count(page.limit() + 2));
        let rows = self.ask(statement).await.told(MEMBERSHIP)?;
        let members: Vec<Member> = rows.iter().map(member).collect::<Read<_>>().told(MEMBERSHIP)?;
        let parted = |at: usize| match (members.get(at - 1), members.get(at)) {
            (Some(last), Some(next)) => last.key() == next.key(),
            _ => false,
        };
        let limit = page.limit() + usize::from(parted(page.limit()));
        Ok(Page::cut(members, limit, Member::key))
    }

    async fn above(
        &self,
        directory: DirectoryId,
        member: &Member,
        limit: usize,
    ) -> Result<Nesting, StoreError> {
        let text = match member {
            Member::User(_) => read::ABOVE_USER,
            Member::Group(_) => read::ABOVE_GROUP,
        };
        let statement = named(text, directory, member.key()).bind(count(limit));
        let rows = self.ask(statement).await.told(MEMBERSHIP)?;
        nesting(&rows).told(MEMBERSHIP)
    }

    async fn below(&self, directory: DirectoryId, group: &Key, limit: usize) -> Result<Nesting, StoreError> {
        let statement = named(read::BELOW, directory, group).bind(count(limit));
        let rows = self.ask(statement).await.told(MEMBERSHIP)?;
        nesting(&rows).told(MEMBERSHIP)
    }

    async fn users_in(
        &self,
        directory: DirectoryId,
        groups: &[Key],
        page: &PageRequest,
    ) -> Result<Page<User>, StoreError> {
        let statement = query(read::USERS_IN)
            .bind(directory.as_bytes().as_slice())
            .bind(distinct(groups.iter().collect()))
            .bind(first_of(page))
            .bind(count(page.limit() + 1));
        let rows = self.ask(statement).await.told(USER)?;
        let users = rows.iter().map(|row| rows::user(row).map(|(_, user)| user));
        let users: Vec<User> = users.collect::<Read<_>>().told(USER)?;
        Ok(Page::cut(users, page.limit(), User::key))
    }

    async fn apply(&self, changes: &ChangeSet) -> Result<Applied, StoreError> {
        apply::apply(self, changes).await
    }
}

/// A limit as the engine counts.
pub(crate) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A statement about a subject.
pub(crate) fn of(text: &'static str, subject: &Subject) -> Statement {
    query(text).bind(subject.directory.as_bytes().as_slice()).bind(subject.external_id.as_str())
}

/// A statement about a name in a directory.
pub(crate) fn named(text: &'static str, directory: DirectoryId, key: &Key) -> Statement {
    query(text).bind(directory.as_bytes().as_slice()).bind(key.as_bytes())
}

fn ranged(text: &'static str, directories: &[DirectoryId], narrowed: &Narrowed, look: usize) -> Statement {
    query(text)
        .bind(lists::directories(directories))
        .bind(narrowed.low.as_slice())
        .bind(narrowed.high.as_slice())
        .bind(count(look + 1))
}

fn looked_at(narrowed: &Narrowed, page: &PageRequest) -> usize {
    if narrowed.exact { page.limit() } else { page.limit().max(SCAN) }
}

/// A statement about names, each once.
fn listed(text: &'static str, directories: &[DirectoryId], keys: Vec<&Key>) -> Statement {
    query(text).bind(lists::directories(directories)).bind(distinct(keys))
}

fn distinct(mut keys: Vec<&Key>) -> String {
    keys.sort_unstable();
    keys.dedup();
    lists::keys(keys)
}

/// The names after the start of a page.
fn on<'k>(page: &PageRequest, mut keys: Vec<&'k Key>) -> Vec<&'k Key> {
    keys.retain(|key| page.reaches(key));
    keys
}

fn located(rows: &[SqliteRow], application: ApplicationId, key: &Key) -> Read<Located> {
    let Some(first) = rows.first() else {
        return Ok(Located::default());
    };
    let claim =
        if rows::is_null(first, 0)? { None } else { Some(rows::claim(first, application, key.clone())?) };
    let mut users: Vec<Holder> = Vec::new();
    for row in rows {
        if !rows::is_null(row, CLAIM_COLUMNS)? {
            users.push(rows::holder(row, CLAIM_COLUMNS)?);
        }
    }
    Ok(Located { users, claim })
}

fn only_user(row: Option<SqliteRow>) -> Read<Option<User>> {
    row.map(|row| rows::user(&row).map(|(_, user)| user)).transpose()
}

/// Puts rows in the order of keys together by name.
fn namesakes<T>(
    rows: &[SqliteRow],
    read: impl Fn(&SqliteRow) -> Read<(DirectoryId, T)>,
    key: impl Fn(&T) -> &Key,
) -> Read<Vec<Namesakes<T>>> {
    let mut found: Vec<Namesakes<T>> = Vec::new();
    for row in rows {
        let (directory, item) = read(row)?;
        match found.last_mut() {
            Some(last) if last.key == *key(&item) => last.holders.push((directory, item)),
            _ => found.push(Namesakes { key: key(&item).clone(), holders: vec![(directory, item)] }),
        }
    }
    Ok(found)
}

/// Leaves out the names that do not pass, and what is beyond the page. `found` has one name more than was to
/// be looked at when there are more.
fn select<T>(
    found: Vec<Namesakes<T>>,
    look: usize,
    page: &PageRequest,
    passes: impl Fn(&T) -> bool,
) -> Page<Namesakes<T>> {
    let looked = Page::cut(found, look, |name| &name.key);
    let kept = looked.items.into_iter().filter(|name| name.holders.iter().any(|(_, item)| passes(item)));
    let cut = Page::cut(kept.collect(), page.limit(), |name| &name.key);
    Page { next: cut.next.or(looked.next), items: cut.items }
}

fn member(row: &SqliteRow) -> Read<Member> {
    if rows::flag(row, 0)? {
        rows::group_name(row, 1).map(Member::Group)
    } else {
        rows::username(row, 1).map(Member::User)
    }
}

fn nesting(rows: &[SqliteRow]) -> Read<Nesting> {
    let mut nesting = Nesting::default();
    for row in rows {
        let farther = rows::group_name(row, 2)?;
        if rows::is_null(row, 1)? {
            nesting.direct.push(farther);
        } else {
            nesting.edges.push((rows::group_name(row, 0)?, farther));
        }
    }
    Ok(nesting)
}
