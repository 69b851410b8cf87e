//! Everybody in a backup, and what becomes of those in the directory that is wanted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use throng_core::import::{GroupRow, UserRow};
use throng_core::name::Key;
use throng_core::user::Profile;

use super::document::{ENCODER, Row, RowKind};
use super::{
    Backup, BackupDirectory, BackupDirectoryKind, BackupDoubt, BackupDoubtKind, BackupError, BackupFault,
    DirectoryChoice, Limits,
};
use crate::flag::flag;
use crate::hash;

/// What stands where a user has no password here.
const NO_PASSWORD: &str = "nopass";

/// How a directory that does not hash stores passwords (R724).
const PLAIN_TEXT: &str = "plaintext";

/// The rows so far. They hold credentials that were not looked at yet, and there is no `Debug`.
pub(super) struct Census<'c> {
    choice: Option<&'c DirectoryChoice>,
    limits: Limits,
    directories: Vec<BackupDirectory>,
    /// How directories store passwords, by their ids.
    encoders: HashMap<i64, String>,
    users: Kind<UserRow>,
    groups: Kind<(GroupRow, bool)>,
    memberships: Vec<Membership>,
    membership_ids: HashMap<i64, u64>,
}

/// All rows of one kind.
struct Kind<T> {
    rows: Vec<Held<T>>,
    /// Where in `rows` an id is.
    ids: HashMap<i64, usize>,
}

struct Held<T> {
    line: u64,
    directory: i64,
    /// Nothing where it is known already that nobody wants it.
    row: Option<T>,
}

struct Membership {
    line: u64,
    directory: Option<i64>,
    group: End,
    member: End,
    is_nested: bool,
}

/// One end of a membership.
enum End {
    Id(i64),
    Name(Key),
}

impl<'c> Census<'c> {
    pub(super) fn new(choice: Option<&'c DirectoryChoice>, limits: Limits) -> Self {
        Self {
            choice,
            limits,
            directories: Vec::new(),
            encoders: HashMap::new(),
            users: Kind::default(),
            groups: Kind::default(),
            memberships: Vec::new(),
            membership_ids: HashMap::new(),
        }
    }

    /// Takes the next row.
    pub(super) fn take(&mut self, row: Row) -> Result<(), BackupError> {
        match row.kind {
            RowKind::Directory => self.directory(row)?,
            RowKind::Setting => {
                if row.text("name") == Some(ENCODER)
                    && let Some(encoder) = row.text("value")
                {
                    let directory = row.required("directoryId", row.number("directoryId")?)?;
                    self.encoders.insert(directory, encoder.to_owned());
                }
            }
            RowKind::User => {
                let directory = row.required("directoryId", row.number("directoryId")?)?;
                let user = if self.may_be_chosen(directory) { Some(user(&row)?) } else { None };
                self.users.insert(&row, directory, user)?;
            }
            RowKind::Group => {
                let directory = row.required("directoryId", row.number("directoryId")?)?;
                let group = if self.may_be_chosen(directory) { Some(group(&row)?) } else { None };
                self.groups.insert(&row, directory, group)?;
            }
            RowKind::Membership => self.membership(&row)?,
        }
        Ok(())
    }

    /// The directories, once the whole file is read.
    pub(super) fn into_directories(self, end: u64) -> Result<Vec<BackupDirectory>, BackupError> {
        if self.directories.is_empty() {
            Err(BackupFault::NoDirectories.at(end))
        } else {
            Ok(self.directories)
        }
    }

    /// The rows, once the whole file is read.
    pub(super) fn finish(mut self, end: u64) -> Result<Backup, BackupError> {
        if self.directories.is_empty() {
            return Err(BackupFault::NoDirectories.at(end));
        }
        let chosen = self.directories.iter().find(|directory| self.is_chosen(directory)).cloned();
        let chosen = chosen.ok_or(BackupFault::NoSuchDirectory.at(end))?;
        self.check_directories()?;
        let groups_by_name = self.groups.by_name(chosen.id, |(row, _)| &row.name)?;
        let users_by_name = self.users.by_name(chosen.id, |row| &row.name)?;

        let mut doubts = Vec::new();
        for membership in std::mem::take(&mut self.memberships) {
            let line = membership.line;
            let group = self.groups.find(&membership.group, &groups_by_name);
            let directory = membership.directory.or(group.map(|(_, directory)| directory));
            if directory.is_some_and(|directory| directory != chosen.id) {
                continue;
            }
            let here = |found: Option<(usize, i64)>| {
                found.filter(|(_, directory)| *directory == chosen.id).map(|(at, _)| at)
            };
            let parent = here(group).ok_or(BackupFault::MissingGroup.at(line))?;
            let (parent_name, is_active) = match self.groups.row(parent) {
                Some((parent, is_active)) => (parent.name.clone(), *is_active),
                None => return Err(BackupFault::MissingGroup.at(line)),
            };
            let holders = if membership.is_nested {
                let child = here(self.groups.find(&membership.member, &groups_by_name));
                child
                    .and_then(|child| self.groups.row(child))
                    .map(|(child, is_active)| (&mut child.parents, *is_active))
            } else {
                let child = here(self.users.find(&membership.member, &users_by_name));
                child.and_then(|child| self.users.row(child)).map(|child| (&mut child.groups, true))
            };
            let (holders, is_child_active) = holders.ok_or(BackupFault::MissingMember.at(line))?;
            if !is_active || !is_child_active {
                doubts.push(BackupDoubt { line, kind: BackupDoubtKind::MembershipInactive });
            } else if !holders.contains(&parent_name) {
                holders.push(parent_name);
            }
        }

        let is_hashed = self.encoders.get(&chosen.id).is_none_or(|encoder| encoder != PLAIN_TEXT);
        let mut users = Vec::new();
        for mut user in self.users.into_rows(chosen.id) {
            let credential = user.password_hash.take();
            let credential = credential.filter(|text| chosen.kind.holds_passwords() && text != NO_PASSWORD);
            if let Some(text) = credential {
                user.password_hash = hash::from_atlassian(&text).filter(|_| is_hashed);
                if user.password_hash.is_none() {
                    doubts.push(BackupDoubt { line: user.line, kind: BackupDoubtKind::PasswordNotHashed });
                }
            }
            users.push(user);
        }
        let mut groups = Vec::new();
        for (group, is_active) in self.groups.into_rows(chosen.id) {
            if is_active {
                groups.push(group);
            } else {
                doubts.push(BackupDoubt { line: group.line, kind: BackupDoubtKind::GroupInactive });
            }
        }
        doubts.sort_by_key(|doubt| doubt.line);
        let unlisted_doubts = doubts.len().saturating_sub(self.limits.doubts);
        doubts.truncate(self.limits.doubts);
        Ok(Backup { directory: chosen, users, groups, doubts, unlisted_doubts })
    }

    fn directory(&mut self, row: Row) -> Result<(), BackupError> {
        let id = row.required("id", row.number("id")?)?;
        let name = row.required("name", row.first_text(["directoryName", "name"]))?;
        let kind = row.required("type", row.first_text(["directoryType", "type"]))?;
        let kind =
            BackupDirectoryKind::of(kind).ok_or_else(|| row.fault(BackupFault::UnknownDirectoryType))?;
        let directory =
            BackupDirectory { line: row.line, id, name: name.to_owned(), kind, active: is_active(&row)? };
        let key = Key::of(name);
        for BackupDirectory { line: first, id, name, .. } in &self.directories {
            if *id == directory.id {
                return Err(row.fault(BackupFault::DuplicateId { first: *first }));
            }
            if Key::of(name) == key {
                return Err(row.fault(BackupFault::DuplicateName { first: *first }));
            }
        }
        if let Some(encoder) = row.encoder {
            self.encoders.insert(id, encoder);
        }
        self.directories.push(directory);
        self.count(row.line)
    }

    fn membership(&mut self, row: &Row) -> Result<(), BackupError> {
        let end = |id: &'static str, name: &'static str| match (row.number(id)?, row.text(name)) {
            (Some(id), _) => Ok(End::Id(id)),
            (None, Some(name)) => Ok(End::Name(Key::of(name))),
            (None, None) => Err(row.fault(BackupFault::MissingField(name))),
        };
        let kind = row.required("membershipType", row.first_text(["membershipType", "type"]))?;
        let membership = Membership {
            line: row.line,
            directory: row.number("directoryId")?,
            group: end("parentId", "parentName")?,
            member: end("childId", "childName")?,
            is_nested: match kind {
                "GROUP_USER" => false,
                "GROUP_GROUP" => true,
                _ => return Err(row.fault(BackupFault::BadValue("membershipType"))),
            },
        };
        if matches!(membership.group, End::Name(_)) {
            row.required("directoryId", membership.directory)?;
        }
        if let Some(id) = row.number("id")?
            && let Some(first) = self.membership_ids.insert(id, row.line)
        {
            return Err(row.fault(BackupFault::DuplicateId { first }));
        }
        self.memberships.push(membership);
        if self.memberships.len() > self.limits.memberships {
            return Err(row.fault(BackupFault::TooManyMemberships));
        }
        Ok(())
    }
}
