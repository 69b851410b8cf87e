//! What the rows of a backup say together.

use std::collections::{BTreeMap, HashMap, HashSet};

use throng_core::import::{GroupRow, UserRow};
use throng_core::name::Key;
use throng_core::user::Profile;

use super::rows::{Field, Row, RowKind};
use super::{
    Backup, BackupDirectory, BackupDirectoryKind, BackupDoubt, BackupDoubtKind, BackupError, BackupFault,
    BackupOptions, DirectoryChoice, MAX_DIRECTORIES, MAX_DOUBTS, MAX_MEMBERSHIPS, MAX_ROWS, OnDangling,
};
use crate::flag::flag;
use crate::hash;

/// Most characters of an unknown type that are repeated.
const MAX_KIND_CHARS: usize = 64;

/// The directories so far.
#[derive(Default)]
pub(super) struct Listing {
    directories: Vec<BackupDirectory>,
    ids: HashSet<u64>,
    rows: usize,
    /// By directory: the first row in it, and how many users and groups there are.
    homes: BTreeMap<u64, Home>,
}

#[derive(Clone, Copy)]
struct Home {
    line: u64,
    users: u64,
    groups: u64,
}

impl Listing {
    /// Takes the next row. Of users and groups, nothing but the directory is looked at.
    pub(super) fn take(&mut self, mut row: Row) -> Result<(), BackupError> {
        match row.kind {
            RowKind::Directory => self.add(row).map(drop),
            RowKind::User | RowKind::Group => self.count(&mut row).map(drop),
            RowKind::Membership => Ok(()),
        }
    }

    /// The directories, with how much is in each.
    pub(super) fn finish(mut self) -> Vec<BackupDirectory> {
        let mut directories = std::mem::take(&mut self.directories);
        directories.iter_mut().for_each(|directory| self.fill(directory));
        directories
    }

    fn fill(&self, directory: &mut BackupDirectory) {
        if let Some(home) = self.homes.get(&directory.id) {
            (directory.users, directory.groups) = (home.users, home.groups);
        }
    }

    fn add(&mut self, mut row: Row) -> Result<&BackupDirectory, BackupError> {
        let line = row.line;
        let directory = BackupDirectory {
            line,
            id: number(&mut row, Field::Id)?,
            name: text(&mut row, Field::Name)?,
            kind: directory_kind(&text(&mut row, Field::Kind)?),
            active: active(&mut row)?,
            users: 0,
            groups: 0,
        };
        if !self.ids.insert(directory.id) {
            return Err(BackupFault::DuplicateId.at(line));
        }
        if self.directories.len() == MAX_DIRECTORIES {
            return Err(BackupFault::TooManyDirectories.at(line));
        }
        Ok(self.directories.push_mut(directory))
    }

    /// Counts a user or a group, and says in which directory it is.
    fn count(&mut self, row: &mut Row) -> Result<u64, BackupError> {
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(BackupFault::TooManyRows.at(row.line));
        }
        let directory = number(row, Field::Directory)?;
        let home = self.homes.entry(directory).or_insert(Home { line: row.line, users: 0, groups: 0 });
        match row.kind {
            RowKind::User => home.users += 1,
            _ => home.groups += 1,
        }
        Ok(directory)
    }
}

/// The rows so far. It has no `Debug`, since credentials are not looked at before the end.
pub(super) struct Collection<'o> {
    options: &'o BackupOptions,
    listing: Listing,
    /// By directory, whether it has the name that is wanted.
    named: HashMap<u64, bool>,
    user_ids: HashSet<u64>,
    group_ids: HashSet<u64>,
    /// Each with its directory.
    users: Vec<(u64, UserRow)>,
    groups: Vec<(u64, GroupRow)>,
    memberships: Vec<Membership>,
    membership_count: usize,
    doubts: Vec<BackupDoubt>,
}

struct Membership {
    line: u64,
    directory: u64,
    parent: Key,
    child: Key,
    kind: Option<Child>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Child {
    User,
    Group,
}

impl<'o> Collection<'o> {
    pub(super) fn new(options: &'o BackupOptions) -> Self {
        Self {
            options,
            listing: Listing::default(),
            named: HashMap::new(),
            user_ids: HashSet::new(),
            group_ids: HashSet::new(),
            users: Vec::new(),
            groups: Vec::new(),
            memberships: Vec::new(),
            membership_count: 0,
            doubts: Vec::new(),
        }
    }

    /// Takes the next row.
    pub(super) fn take(&mut self, mut row: Row) -> Result<(), BackupError> {
        let line = row.line;
        match row.kind {
            RowKind::Directory => {
                let directory = self.listing.add(row)?;
                if let DirectoryChoice::Name(name) = &self.options.directory {
                    self.named.insert(directory.id, Key::of(&directory.name) == Key::of(name));
                }
            }
            RowKind::User => {
                let directory = self.listing.count(&mut row)?;
                own_number(&mut row, &mut self.user_ids)?;
                if self.may_be_wanted(directory) {
                    self.users.push((directory, user(row)?));
                }
            }
            RowKind::Group => {
                let directory = self.listing.count(&mut row)?;
                own_number(&mut row, &mut self.group_ids)?;
                if self.may_be_wanted(directory) {
                    self.groups.push((directory, group(row)?));
                }
            }
            RowKind::Membership => {
                self.membership_count += 1;
                if self.membership_count > MAX_MEMBERSHIPS {
                    return Err(BackupFault::TooManyMemberships.at(line));
                }
                let directory = number(&mut row, Field::Directory)?;
                if self.may_be_wanted(directory) {
                    self.memberships.push(membership(directory, row)?);
                }
            }
        }
        Ok(())
    }

    /// What the directory that is wanted holds, once all rows are there.
    pub(super) fn finish(mut self, last_line: u64) -> Result<Backup, BackupError> {
        let directory = self.chosen(last_line)?;
        let missing = self.listing.homes.iter().filter(|(id, _)| !self.listing.ids.contains(id));
        let kind = BackupDoubtKind::MissingDirectory;
        self.doubts.extend(missing.map(|(id, home)| BackupDoubt { line: home.line, kind: kind(*id) }));

        let own = directory.id;
        let mut users: Vec<UserRow> = rows_of(own, std::mem::take(&mut self.users));
        let mut groups: Vec<GroupRow> = rows_of(own, std::mem::take(&mut self.groups));
        self.join(own, &mut users, &mut groups);
        self.doubts.sort_by_key(|doubt| doubt.line);
        if let (OnDangling::Refuse, Some(doubt)) = (self.options.on_dangling, self.doubts.first()) {
            return Err(fault(doubt.kind).at(doubt.line));
        }
        for user in &mut users {
            let credential = user.password_hash.take();
            if directory.kind == BackupDirectoryKind::Internal {
                user.password_hash = credential.as_deref().and_then(hash::from_atlassian);
                if credential.is_some() && user.password_hash.is_none() {
                    let kind = BackupDoubtKind::PasswordNotHashed;
                    self.doubts.push(BackupDoubt { line: user.line, kind });
                }
            }
        }
        self.doubts.sort_by_key(|doubt| doubt.line);
        let unlisted_doubts = self.doubts.len().saturating_sub(MAX_DOUBTS);
        self.doubts.truncate(MAX_DOUBTS);
        Ok(Backup { directory, users, groups, doubts: self.doubts, unlisted_doubts })
    }

    /// Whether a row of a directory is of the one that is wanted, as far as that can be told now.
    fn may_be_wanted(&self, id: u64) -> bool {
        match &self.options.directory {
            DirectoryChoice::Id(wanted) => id == *wanted,
            DirectoryChoice::Name(_) => self.named.get(&id).copied().unwrap_or(true),
        }
    }

    /// The directory that is wanted.
    fn chosen(&self, last_line: u64) -> Result<BackupDirectory, BackupError> {
        let mut chosen = self.listing.directories.iter().filter(|directory| self.may_be_wanted(directory.id));
        let mut directory =
            chosen.next().cloned().ok_or_else(|| BackupFault::NoSuchDirectory.at(last_line))?;
        if let Some(other) = chosen.next() {
            return Err(BackupFault::AmbiguousDirectory.at(other.line));
        }
        if let BackupDirectoryKind::Unknown(kind) = directory.kind {
            return Err(BackupFault::UnknownDirectoryType(kind).at(directory.line));
        }
        self.listing.fill(&mut directory);
        Ok(directory)
    }

    /// Lets users and groups have the groups that the memberships say.
    fn join(&mut self, own: u64, users: &mut [UserRow], groups: &mut [GroupRow]) {
        let user_numbers = numbers(users.iter().map(|user| &user.name));
        let group_numbers = numbers(groups.iter().map(|group| &group.name));
        let mut seen = HashSet::new();
        for membership in std::mem::take(&mut self.memberships) {
            let Membership { line, directory, parent, child, kind } = membership;
            if directory != own {
                continue;
            }
            let user = user_numbers.get(&child).filter(|_| kind != Some(Child::Group));
            let group = group_numbers.get(&child).filter(|_| kind != Some(Child::User));
            let name =
                group_numbers.get(&parent).and_then(|parent| groups.get(*parent)).map(|row| row.name.clone());
            let missing = match (name, user, group) {
                (None, _, _) => BackupDoubtKind::MissingGroup,
                (Some(name), Some(user), None) => {
                    if seen.insert((true, *user, parent))
                        && let Some(row) = users.get_mut(*user)
                    {
                        row.groups.push(name);
                    }
                    continue;
                }
                (Some(name), None, Some(group)) => {
                    if seen.insert((false, *group, parent))
                        && let Some(row) = groups.get_mut(*group)
                    {
                        row.parents.push(name);
                    }
                    continue;
                }
                (Some(_), _, _) if kind == Some(Child::Group) => BackupDoubtKind::MissingGroup,
                (Some(_), _, _) => BackupDoubtKind::MissingUser,
            };
            self.doubts.push(BackupDoubt { line, kind: missing });
        }
    }
}

fn user(mut row: Row) -> Result<UserRow, BackupError> {
    Ok(UserRow {
        line: row.line,
        name: text(&mut row, Field::Name)?,
        profile: Profile {
            display_name: row.take(Field::DisplayName).unwrap_or_default(),
            first_name: row.take(Field::FirstName).unwrap_or_default(),
            last_name: row.take(Field::LastName).unwrap_or_default(),
            email: row.take(Field::Email).unwrap_or_default(),
        },
        active: active(&mut row)?,
        groups: Vec::new(),
        password_hash: row.take(Field::Credential),
    })
}

fn group(mut row: Row) -> Result<GroupRow, BackupError> {
    Ok(GroupRow {
        line: row.line,
        name: text(&mut row, Field::Name)?,
        description: row.take(Field::Description).unwrap_or_default(),
        parents: Vec::new(),
    })
}

fn membership(directory: u64, mut row: Row) -> Result<Membership, BackupError> {
    let line = row.line;
    let kind = match row.take(Field::Kind).as_deref().map(str::trim) {
        None => None,
        Some("GROUP_USER") => Some(Child::User),
        Some("GROUP_GROUP") => Some(Child::Group),
        Some(_) => return Err(BackupFault::BadValue("membershipType").at(line)),
    };
    let parent = Key::of(&text(&mut row, Field::Parent)?);
    let child = Key::of(&text(&mut row, Field::Child)?);
    Ok(Membership { line, directory, parent, child, kind })
}

fn directory_kind(text: &str) -> BackupDirectoryKind {
    match text.trim() {
        "INTERNAL" => BackupDirectoryKind::Internal,
        "CONNECTOR" => BackupDirectoryKind::Connector,
        "DELEGATING" => BackupDirectoryKind::Delegating,
        "CROWD" => BackupDirectoryKind::Crowd,
        "AZURE_AD" => BackupDirectoryKind::AzureAd,
        "CUSTOM" => BackupDirectoryKind::Custom,
        other => BackupDirectoryKind::Unknown(other.chars().take(MAX_KIND_CHARS).collect()),
    }
}

fn text(row: &mut Row, field: Field) -> Result<String, BackupError> {
    row.take(field).ok_or_else(|| BackupFault::MissingValue(word(field)).at(row.line))
}

fn number(row: &mut Row, field: Field) -> Result<u64, BackupError> {
    text(row, field)?.trim().parse().map_err(|_| BackupFault::BadValue(word(field)).at(row.line))
}

/// Checks the number of a row, if it has one: nobody else of its kind has it.
fn own_number(row: &mut Row, seen: &mut HashSet<u64>) -> Result<(), BackupError> {
    let Some(text) = row.take(Field::Id) else { return Ok(()) };
    let number = text.trim().parse().map_err(|_| BackupFault::BadValue(word(Field::Id)).at(row.line))?;
    if seen.insert(number) { Ok(()) } else { Err(BackupFault::DuplicateId.at(row.line)) }
}

fn active(row: &mut Row) -> Result<bool, BackupError> {
    flag(&text(row, Field::Active)?).ok_or_else(|| BackupFault::BadValue(word(Field::Active)).at(row.line))
}

/// What a field is called in a complaint.
fn word(field: Field) -> &'static str {
    match field {
        Field::Id => "id",
        Field::Name => "name",
        Field::Kind => "type",
        Field::Active => "active",
        Field::Directory => "directoryId",
        Field::DisplayName => "displayName",
        Field::FirstName => "firstName",
        Field::LastName => "lastName",
        Field::Email => "email",
        Field::Credential => "credential",
        Field::Description => "description",
        Field::Parent => "parentName",
        Field::Child => "childName",
    }
}

fn rows_of<T>(directory: u64, rows: Vec<(u64, T)>) -> Vec<T> {
    rows.into_iter().filter(|(own, _)| *own == directory).map(|(_, row)| row).collect()
}

/// Who has a name; of several, the first. That names are taken twice is for the import to tell.
fn numbers<'n>(names: impl Iterator<Item = &'n String>) -> HashMap<Key, usize> {
    let mut numbers = HashMap::new();
    for (number, name) in names.enumerate() {
        numbers.entry(Key::of(name)).or_insert(number);
    }
    numbers
}

fn fault(kind: BackupDoubtKind) -> BackupFault {
    match kind {
        BackupDoubtKind::MissingDirectory(id) => BackupFault::MissingDirectory(id),
        BackupDoubtKind::MissingGroup => BackupFault::MissingGroup,
        BackupDoubtKind::MissingUser => BackupFault::MissingUser,
        BackupDoubtKind::PasswordNotHashed => BackupFault::BadValue("credential"),
    }
}
