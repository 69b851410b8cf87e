//! Importing users and groups into one stored directory: everything or nothing.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use throng_core::change::{Change, OnCycle};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::import::{GroupRow, UserRow};
use throng_core::member::Limits;
use throng_core::name::{GroupName, InvalidName, Key, Username};
use throng_core::password::{Credential, CredentialState, EncodedHash, HashTooLong};
use throng_core::registry::{DirectoryKind, Nesting};
use throng_core::user::{InvalidProfile, User};
use throng_passwords::hasher::HasherError;
use throng_passwords::scheme::{HashError, StoredHash};

use crate::directory::{Delegated, Mount};
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// A row that cannot be imported. Nothing was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ImportError {
    /// Of which rows it is one: users and groups may come from two files.
    pub kind: RowKind,
    /// The line in the source, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: RowFault,
}

/// Of which rows one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// Those of users.
    User,
    /// Those of groups.
    Group,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// The name of a user or group.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The words that people see.
    #[error(transparent)]
    Profile(#[from] InvalidProfile),
    /// The name is that of an earlier row, or of somebody in the directory; spelled alike or folding together.
    #[error("the name is taken {}", taken_by(*by))]
    NameTaken {
        /// The earlier row.
        by: Option<u64>,
    },
    /// The hash is longer than any.
    #[error(transparent)]
    Hash(#[from] HashTooLong),
    /// A directory that checks passwords elsewhere keeps none.
    #[error("this directory keeps no passwords")]
    NoPasswordsHere,
    /// A description is too long or holds control characters.
    #[error("the description is too long or holds control characters")]
    Description,
    /// The directory knows no groups in groups (R402).
    #[error("this directory knows no groups in groups")]
    NoNesting,
    /// The groups would contain each other.
    #[error("the groups contain each other")]
    Cycle,
    /// The groups are nested deeper than is followed.
    #[error("groups are nested deeper than {0}")]
    TooDeep(usize),
}

/// Whether an import writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// Everything is read and checked, and nothing is written.
    DryRun,
    /// Everything is written, or nothing.
    Apply,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// The users, in the order of the rows.
    pub users: Vec<ImportedUser>,
    /// The groups that were made, in the order of their names.
    pub groups: Vec<GroupName>,
}

/// A user that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedUser {
    /// The line in the source.
    pub line: u64,
    /// The name.
    pub name: Username,
    /// What became of the password.
    pub password: ImportedPassword,
}

/// What became of an imported password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportedPassword {
    /// There was none.
    None,
    /// The hash is kept as it is: the password works as before.
    Kept,
    /// The hash was weak and is kept inside Argon2id: the password works as before (T57).
    Wrapped,
    /// The hash cannot be verified. The user is there and cannot log in; the hash is kept for an operator.
    Quarantined(HashError),
}

impl Throng {
    /// Imports users and groups into a directory whose records are in the store.
    ///
    /// 1. All rows or none; the report of a dry run is that of the run that follows.
    /// 2. An [`ImportError`] names the first row that cannot be imported: a bad name, a name that folds onto
    ///    another's, a circle of groups.
    /// 3. Groups that rows name are made when missing.
    /// 4. Passwords come along: strong hashes as they are, weak ones wrapped in Argon2id, and one that cannot be
    ///    verified quarantines that user's password and nothing else.
    /// 5. All rows are checked before the first hash is computed; wrapping uses the hashing pool, and logins go on
    ///    beside it.
    pub async fn import(
        &self,
        directory: DirectoryId,
        users: &[UserRow],
        groups: &[GroupRow],
        mode: ImportMode,
    ) -> Result<ImportReport, Error> {
        self.import_watched(directory, users, groups, mode, &|_| {}).await
    }

    /// Imports as [`Throng::import`] does, and tells how far it has come: wrapping weak hashes takes tens of
    /// milliseconds for each user.
    pub async fn import_watched(
        &self,
        directory: DirectoryId,
        users: &[UserRow],
        groups: &[GroupRow],
        mode: ImportMode,
        watch: &(dyn Fn(ImportProgress) + Sync),
    ) -> Result<ImportReport, Error> {
        let mount = self.config().mount(directory).cloned().ok_or_else(|| Error::not_found("directory"))?;
        match mount.record.kind {
            DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) => {}
            // What is imported into a copy would be gone with the next round.
            DirectoryKind::Mirrored(_) | DirectoryKind::Live => return Err(Error::Forbidden("directory")),
        }
        let mut import = Import { throng: self, directory, changes: Vec::new() };
        let made = import.groups(&mount, users, groups).await?;
        let names = import.names(users).await?;
        let passwords = import.passwords(&mount, users, mode, watch).await?;
        let users = import.users(&mount, users, names, passwords)?;
        if mode == ImportMode::Apply && !import.changes.is_empty() {
            self.apply(import.changes, Conflict::Stale).await?;
        }
        Ok(ImportReport { users, groups: made })
    }
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    /// Users whose passwords are ready.
    pub done: usize,
    /// All users of the import.
    pub total: usize,
}

struct Import<'t> {
    throng: &'t Throng,
    directory: DirectoryId,
    changes: Vec<Change>,
}

impl Import<'_> {
    async fn groups(
        &mut self,
        mount: &Mount,
        users: &[UserRow],
        rows: &[GroupRow],
    ) -> Result<Vec<GroupName>, Error> {
        let mut wanted: BTreeMap<Key, (GroupName, String)> = BTreeMap::new();
        let mut edges: Vec<Edge> = Vec::new();
        let mut lines: BTreeMap<Key, u64> = BTreeMap::new();
        for row in rows {
            let name = row.gives(GroupName::for_creation(&row.name))?;
            if let Some(&by) = lines.get(name.key()) {
                return Err(row.fault(RowFault::NameTaken { by: Some(by) }));
            }
            lines.insert(name.key().clone(), row.line);
            if !Group::may_describe(&row.description) {
                return Err(row.fault(RowFault::Description));
            }
            if !row.parents.is_empty() && mount.nesting() == Nesting::Direct {
                return Err(row.fault(RowFault::NoNesting));
            }
            wanted.insert(name.key().clone(), (name.clone(), row.description.clone()));
            for parent in &row.parents {
                let parent = row.gives(GroupName::for_creation(parent))?;
                edges.push((row.line, name.clone(), parent));
            }
        }
        for (_, _, parent) in &edges {
            wanted.entry(parent.key().clone()).or_insert_with(|| (parent.clone(), String::new()));
        }
        for row in users {
            for group in &row.groups {
                let group = row.gives(GroupName::for_creation(group))?;
                wanted.entry(group.key().clone()).or_insert_with(|| (group.clone(), String::new()));
            }
        }
        // What the rows make wrong by themselves is told before the store is asked about each group of them.
        check_nesting(&edges, &[])?;
        let mut present = BTreeSet::new();
        for (key, (name, _)) in &wanted {
            let holders = self.throng.0.store.locate_groups(key).await?;
            if holders.iter().any(|(directory, _)| *directory == self.directory) {
                present.insert(name.clone());
            }
        }
        let there = self.edges_there(&edges, &present).await?;
        check_nesting(&edges, &there)?;
        let mut made = Vec::new();
        for (key, (name, description)) in wanted {
            if present.contains(&key) {
                if let Some(&line) = lines.get(&key) {
                    return Err(group_fault(line, RowFault::NameTaken { by: None }));
                }
                continue;
            }
            let group = Group {
                external_id: ExternalId::random("", &*self.throng.0.entropy),
                name: name.clone(),
                description,
                origin: Origin::Local,
                attributes: Default::default(),
            };
            self.changes.push(Change::AddGroup { directory: self.directory, group, free_in: vec![] });
            made.push(name);
        }
        let mut seen = BTreeSet::new();
        for (_, child, parent) in edges {
            if seen.insert((child.key().clone(), parent.key().clone())) {
                self.join(parent, Member::Group(child));
            }
        }
        Ok(made)
    }

    /// The nestings of the directory that the new ones join, at the groups of them that are present.
    async fn edges_there(&self, edges: &[Edge], present: &BTreeSet<GroupName>) -> Result<Vec<Edge>, Error> {
        let concerned: BTreeSet<&GroupName> = edges
            .iter()
            .flat_map(|(_, child, parent)| [child, parent])
            .filter(|&group| present.contains(group))
            .collect();
        let (store, limit) = (&self.throng.0.store, Limits::default().edges);
        let mut there = BTreeSet::new();
        for group in concerned {
            let member = Member::Group(group.clone());
            let above = store.above(self.directory, &member, limit).await?;
            there.extend(above.direct.into_iter().map(|parent| (group.clone(), parent)));
            there.extend(above.edges);
            let below = store.below(self.directory, group.key(), limit).await?;
            there.extend(below.direct.into_iter().map(|child| (child, group.clone())));
            there.extend(below.edges.into_iter().map(|(nearer, farther)| (farther, nearer)));
        }
        Ok(there.into_iter().map(|(child, parent)| (0, child, parent)).collect())
    }

    /// The names of the rows, each checked, and free both here and among the rows before it.
    async fn names(&self, rows: &[UserRow]) -> Result<Vec<Username>, Error> {
        let names: Vec<_> = rows.iter().map(|row| Username::for_creation(&row.name)).collect();
        let keys: Vec<Key> = names.iter().flatten().map(|name| name.key().clone()).collect();
        let mut taken = BTreeSet::new();
        for keys in keys.chunks(NAMES_AT_ONCE) {
            let namesakes = self.throng.0.store.namesakes(&[self.directory], keys).await?;
            taken.extend(namesakes.into_iter().map(|namesakes| namesakes.key));
        }
        let mut lines: BTreeMap<Key, u64> = BTreeMap::new();
        let mut free = Vec::with_capacity(rows.len());
        for (row, name) in rows.iter().zip(names) {
            let name = row.gives(name)?;
            row.gives(row.profile.check())?;
            let by = lines.insert(name.key().clone(), row.line);
            if by.is_some() || taken.contains(name.key()) {
                return Err(row.fault(RowFault::NameTaken { by }));
            }
            free.push(name);
        }
        Ok(free)
    }

    /// What is kept of each row's password, in the order of the rows, as many at once as the pool computes.
    async fn passwords(
        &self,
        mount: &Mount,
        rows: &[UserRow],
        mode: ImportMode,
        watch: &(dyn Fn(ImportProgress) + Sync),
    ) -> Result<Vec<(CredentialState, ImportedPassword)>, Error> {
        let hashes = rows.iter().map(|row| self.given(mount, row)).collect::<Result<Vec<_>, Error>>()?;
        let mut kept = Vec::with_capacity(rows.len());
        let at_once = self.throng.0.hasher.parallel_hashes();
        let mut ready =
            stream::iter(hashes.into_iter().map(|given| self.keep(given, mode))).buffered(at_once);
        while let Some(password) = ready.next().await {
            kept.push(password?);
            watch(ImportProgress { done: kept.len(), total: rows.len() });
        }
        Ok(kept)
    }

    fn users(
        &mut self,
        mount: &Mount,
        rows: &[UserRow],
        names: Vec<Username>,
        passwords: Vec<(CredentialState, ImportedPassword)>,
    ) -> Result<Vec<ImportedUser>, Error> {
        let prefix = match mount.record.kind {
            DirectoryKind::Delegated(_) => Delegated::UNBOUND,
            DirectoryKind::Internal(_) | DirectoryKind::Mirrored(_) | DirectoryKind::Live => "",
        };
        let mut imported = Vec::with_capacity(rows.len());
        for ((row, name), (state, password)) in rows.iter().zip(names).zip(passwords) {
            let credential = (password != ImportedPassword::None).then(|| Credential {
                hash: state,
                history: vec![],
                changed_at: self.throng.0.clock.now(),
                failed_attempts: 0,
                must_change: false,
            });
            let user = User {
                external_id: ExternalId::random(prefix, &*self.throng.0.entropy),
                name: name.clone(),
                profile: row.profile.clone(),
                active: row.active,
                attributes: Default::default(),
            };
            let directory = self.directory;
            self.changes.push(Change::AddUser { directory, user, free_in: vec![], credential });
            let mut joined = BTreeSet::new();
            for group in &row.groups {
                let group = row.gives(GroupName::for_creation(group))?;
                if joined.insert(group.key().clone()) {
                    self.join(group, Member::User(name.clone()));
                }
            }
            imported.push(ImportedUser { line: row.line, name, password });
        }
        Ok(imported)
    }

    /// The hash that a row brings along.
    fn given(&self, mount: &Mount, row: &UserRow) -> Result<Option<EncodedHash>, Error> {
        let Some(text) = row.password_hash.as_ref().filter(|text| !text.is_empty()) else { return Ok(None) };
        if !matches!(mount.record.kind, DirectoryKind::Internal(_)) {
            return Err(row.fault(RowFault::NoPasswordsHere));
        }
        row.gives(EncodedHash::new(text.clone())).map(Some)
    }

    async fn keep(
        &self,
        given: Option<EncodedHash>,
        mode: ImportMode,
    ) -> Result<(CredentialState, ImportedPassword), Error> {
        let Some(hash) = given else { return Ok((CredentialState::Absent, ImportedPassword::None)) };
        let parsed = match StoredHash::parse(&hash) {
            Ok(parsed) => parsed,
            Err(why) => {
                return Ok((CredentialState::Quarantined(hash), ImportedPassword::Quarantined(why)));
            }
        };
        if !parsed.strength().is_weak() {
            return Ok((CredentialState::Usable(hash), ImportedPassword::Kept));
        }
        if mode == ImportMode::DryRun {
            return Ok((CredentialState::Usable(hash), ImportedPassword::Wrapped));
        }
        // The pool turns work away rather than let logins wait; an import comes back for its turn.
        loop {
            match self.throng.0.hasher.wrap(&hash).await {
                Ok(wrapped) => return Ok((CredentialState::Usable(wrapped), ImportedPassword::Wrapped)),
                Err(HasherError::Overloaded { retry_after }) => tokio::time::sleep(retry_after).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn join(&mut self, group: GroupName, member: Member) {
        self.changes.push(Change::AddMember {
            directory: self.directory,
            group,
            member,
            cycle: OnCycle::Refuse,
        });
    }
}

/// Names looked up by one statement.
const NAMES_AT_ONCE: usize = 1_000;

/// A group in a group, and the line that says so; 0 for one that is there already.
type Edge = (u64, GroupName, GroupName);

/// Refuses circles, and chains longer than are ever followed, with the line of an edge that makes them.
fn check_nesting(new: &[Edge], there: &[Edge]) -> Result<(), Error> {
    let max = Limits::default().depth;
    let edges = || new.iter().chain(there);
    let new_line = || new.first().map_or(0, |(line, ..)| *line);
    let mut above: BTreeMap<&Key, Vec<(u64, &Key)>> = BTreeMap::new();
    let mut waiting: BTreeMap<&Key, usize> = BTreeMap::new();
    for (line, child, parent) in edges() {
        above.entry(child.key()).or_default().push((*line, parent.key()));
        waiting.entry(child.key()).or_default();
        *waiting.entry(parent.key()).or_default() += 1;
    }
    // From the groups that nobody stands in upwards: what a circle holds never gets its turn.
    let mut ready: Vec<&Key> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(key, _)| *key).collect();
    let mut depth: BTreeMap<&Key, usize> = BTreeMap::new();
    while let Some(group) = ready.pop() {
        waiting.remove(group);
        let level = depth.get(group).copied().unwrap_or(0) + 1;
        for &(line, parent) in above.get(group).into_iter().flatten() {
            let deepest = depth.entry(parent).or_default();
            *deepest = (*deepest).max(level);
            if *deepest > max {
                return Err(group_fault(if line == 0 { new_line() } else { line }, RowFault::TooDeep(max)));
            }
            if let Some(count) = waiting.get_mut(parent) {
                *count -= 1;
                if *count == 0 {
                    ready.push(parent);
                }
            }
        }
    }
    // What only stands above a circle is not of it: taken away from the top downwards.
    let mut circular: BTreeSet<&Key> = waiting.into_keys().collect();
    let mut below: BTreeMap<&Key, Vec<&Key>> = BTreeMap::new();
    let mut leading_on: BTreeMap<&Key, usize> = BTreeMap::new();
    for (_, child, parent) in edges() {
        if circular.contains(child.key()) && circular.contains(parent.key()) {
            below.entry(parent.key()).or_default().push(child.key());
            *leading_on.entry(child.key()).or_default() += 1;
        }
    }
    let mut tops: Vec<&Key> = circular.iter().copied().filter(|key| !leading_on.contains_key(key)).collect();
    while let Some(top) = tops.pop() {
        circular.remove(top);
        for &child in below.get(top).into_iter().flatten() {
            if let Some(count) = leading_on.get_mut(child) {
                *count -= 1;
                if *count == 0 {
                    tops.push(child);
                }
            }
        }
    }
    let of_it = |edge: &&Edge| circular.contains(edge.1.key()) && circular.contains(edge.2.key());
    match new.iter().find(of_it) {
        Some((line, ..)) => Err(group_fault(*line, RowFault::Cycle)),
        None => Ok(()),
    }
}

fn taken_by(line: Option<u64>) -> String {
    line.map_or_else(|| "in the directory".to_owned(), |line| format!("by line {line}"))
}

/// A row that something is wrong with.
pub(crate) trait Row {
    const KIND: RowKind;

    fn line(&self) -> u64;

    fn fault(&self, fault: RowFault) -> Error {
        ImportError { kind: Self::KIND, line: self.line(), fault }.into()
    }

    /// What the row gives, or what is wrong with it.
    fn gives<T, E: Into<RowFault>>(&self, outcome: Result<T, E>) -> Result<T, Error> {
        outcome.map_err(|why| self.fault(why.into()))
    }
}

impl Row for UserRow {
    const KIND: RowKind = RowKind::User;

    fn line(&self) -> u64 {
        self.line
    }
}

impl Row for GroupRow {
    const KIND: RowKind = RowKind::Group;

    fn line(&self) -> u64 {
        self.line
    }
}

/// What is wrong with groups, by the line of the row of one of them.
fn group_fault(line: u64, fault: RowFault) -> Error {
    ImportError { kind: RowKind::Group, line, fault }.into()
}
