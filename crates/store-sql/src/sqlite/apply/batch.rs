//! Runs of changes of one kind as one statement: a hop to the engine's thread for each would be most of the
//! work.

use std::collections::{BTreeSet, HashSet};

use sqlx::query;
use throng_core::change::{Change, LoggedEntry, OnCycle};
use throng_core::group::{Group, Member};
use throng_core::id::DirectoryId;
use throng_core::name::Key;
use throng_core::password::Credential;
use throng_core::sync::Mark;
use throng_core::user::User;

use super::groups::is_imported;
use super::users::{added, attributes_text, email_key, rewritten};
use crate::fault::DriverFault;
use crate::sqlite::credentials::Bound;
use crate::sqlite::statements::write;
use crate::sqlite::{Statement, lists};

/// Fewer changes are not worth a savepoint.
const LEAST: usize = 4;
/// Most changes of one statement.
const MOST: usize = 1_000;
/// A statement's list is closed when it is this long, far below what an engine refuses (T92).
const MOST_BYTES: usize = 4 << 20;

/// Changes that follow one another and differ in nothing but what they add.
pub(super) struct Run<'c> {
    kind: Option<Kind<'c>>,
    changes: &'c [Change],
}

/// What a run adds, and where.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind<'c> {
    Users(DirectoryId, &'c [DirectoryId]),
    Groups(DirectoryId, &'c [DirectoryId]),
    UserMembers(DirectoryId),
    GroupMembers(DirectoryId),
    Rewrites(DirectoryId),
    Leavers(DirectoryId),
    MemberMarks(DirectoryId),
}

/// The run at the beginning of some changes.
pub(super) fn first_run(changes: &[Change]) -> Run<'_> {
    let kind = changes.first().and_then(kind);
    let alike =
        changes.iter().take(MOST).take_while(|change| kind.is_some() && self::kind(change) == kind).count();
    Run { kind, changes: changes.split_at(alike).0 }
}

impl<'c> Run<'c> {
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// The statements for as many of the changes as fit, of which each succeeds and returns no row if all the
    /// changes can be made, with the number of changes. None when there are too few, or one that JSON would
    /// spoil.
    pub(super) fn batch(&self) -> Option<(Vec<Statement>, usize)> {
        let kind = self.kind?;
        if self.changes.len() < LEAST {
            return None;
        }
        let mut list = List::default();
        let mut done = 0;
        let mut credentials = false;
        let mut groups: BTreeSet<&Key> = BTreeSet::new();
        let mut leaving: HashSet<(&Key, &Key)> = HashSet::new();
        let mut changing: HashSet<&str> = HashSet::new();
        for change in self.changes {
            // Of two rows for one thing a statement would take any: the second goes with the next.
            let changes = match change {
                Change::RewriteUser { user, .. } => Some(user.external_id.as_str()),
                Change::MarkMembers { group, .. } => Some(group.key().as_str()),
                _ => None,
            };
            if changes.is_some_and(|thing| !changing.insert(thing)) {
                break;
            }
            match change {
                Change::AddMember { group, member, .. } => {
                    groups.insert(group.key());
                    list.push_member(group.key(), member.key())?;
                }
                Change::RemoveMember { group, member, .. } => {
                    groups.insert(group.key());
                    // Leaving twice is a fault, which a statement for both would not see.
                    if !leaving.insert((group.key(), member.key())) {
                        break;
                    }
                    list.push_member(group.key(), member.key())?;
                }
                _ => list.push(&row(change).ok()?)?,
            }
            done += 1;
            credentials |= matches!(change, Change::AddUser { credential: Some(_), .. });
            if list.text.len() > MOST_BYTES {
                break;
            }
        }
        Some((kind.statements(&list.end(), credentials, groups), done))
    }

    /// What the log says of the first changes.
    pub(super) fn entries(&self, done: usize) -> impl Iterator<Item = LoggedEntry> + 'c {
        self.changes.iter().take(done).filter_map(entry)
    }
}

/// How JSON writes the one character that SQLite's JSON ends a text at. It may also be a backslash before
/// harmless letters, which then go one by one without need.
const NUL: &str = "\\u0000";

/// A JSON list while it grows.
#[derive(Default)]
struct List<'c> {
    text: String,
    /// The group whose members are being listed.
    group: Option<&'c Key>,
}

impl<'c> List<'c> {
    /// Adds a row; none when JSON would spoil it.
    fn push(&mut self, row: &str) -> Option<()> {
        self.text.push(if self.text.is_empty() { '[' } else { ',' });
        self.text.push_str(row);
        (!row.contains(NUL)).then_some(())
    }

    /// Adds a member to its group, which is named once for those that follow one another.
    fn push_member(&mut self, group: &'c Key, member: &Key) -> Option<()> {
        if self.group == Some(group) {
            self.text.push(',');
        } else {
            self.end_group();
            self.text.push_str(if self.text.is_empty() { "[[" } else { ",[" });
            self.push_key(group)?;
            self.text.push_str(",[");
            self.group = Some(group);
        }
        self.push_key(member)
    }

    fn push_key(&mut self, key: &Key) -> Option<()> {
        self.text.push_str(&lists::to_json(&key.as_str()).ok()?);
        (!key.as_bytes().contains(&0)).then_some(())
    }

    fn end_group(&mut self) {
        if self.group.take().is_some() {
            self.text.push_str("]]");
        }
    }

    fn end(mut self) -> String {
        self.end_group();
        self.text.push(']');
        self.text
    }
}

impl Kind<'_> {
    fn statements(self, list: &str, credentials: bool, groups: BTreeSet<&Key>) -> Vec<Statement> {
        let forget = |directory: DirectoryId| {
            let statement = query(write::FORGET_MARKS).bind(directory.as_bytes().as_slice());
            statement.bind(lists::keys(groups))
        };
        let insert = |text, directory: DirectoryId| {
            query(text).bind(directory.as_bytes().as_slice()).bind(list.to_owned())
        };
        let held = |text, free_in: &[DirectoryId]| {
            let statement = query(text).bind(list.to_owned());
            statement.bind(lists::directories(free_in))
        };
        let mut statements = Vec::new();
        match self {
            Self::Users(directory, free_in) => {
                if !free_in.is_empty() {
                    statements.push(held(write::ANY_KEY_HELD, free_in));
                }
                statements.push(insert(write::INSERT_USERS, directory));
                if credentials {
                    statements.push(insert(write::INSERT_CREDENTIALS, directory));
                }
            }
            Self::Groups(directory, free_in) => {
                if !free_in.is_empty() {
                    statements.push(held(write::ANY_GROUP_KEY_HELD, free_in));
                }
                statements.push(insert(write::INSERT_GROUPS, directory));
            }
            Self::UserMembers(directory) => {
                statements.push(insert(write::INSERT_USER_MEMBERSHIPS, directory));
                statements.push(forget(directory));
            }
            Self::GroupMembers(directory) => {
                statements.push(insert(write::INSERT_GROUP_MEMBERSHIPS, directory));
                statements.push(forget(directory));
            }
            Self::Rewrites(directory) => {
                statements.push(insert(write::ANY_USER_MISSING, directory));
                statements.push(insert(write::REWRITE_USERS, directory));
            }
            Self::Leavers(directory) => {
                statements.push(insert(write::ANY_MEMBERSHIP_MISSING, directory));
                statements.push(insert(write::DELETE_USER_MEMBERSHIPS, directory));
                statements.push(forget(directory));
            }
            Self::MemberMarks(directory) => {
                statements.push(insert(write::ANY_GROUP_MISSING, directory));
                statements.push(insert(write::MARK_GROUPS, directory));
            }
        }
        statements
    }
}

fn kind(change: &Change) -> Option<Kind<'_>> {
    match change {
        Change::AddUser { directory, free_in, .. } => Some(Kind::Users(*directory, free_in)),
        Change::AddGroup { directory, free_in, .. } => Some(Kind::Groups(*directory, free_in)),
        Change::AddMember { directory, member: Member::User(_), .. } => Some(Kind::UserMembers(*directory)),
        // A nesting that must not close a cycle is looked at by itself.
        Change::AddMember { directory, member: Member::Group(_), cycle: OnCycle::Keep, .. } => {
            Some(Kind::GroupMembers(*directory))
        }
        // Whoever becomes inactive loses the sessions, one by one.
        Change::RewriteUser { directory, user } if user.active => Some(Kind::Rewrites(*directory)),
        Change::RemoveMember { directory, member: Member::User(_), .. } => Some(Kind::Leavers(*directory)),
        Change::MarkMembers { directory, .. } => Some(Kind::MemberMarks(*directory)),
        _ => None,
    }
}

fn row(change: &Change) -> Result<String, DriverFault> {
    match change {
        Change::AddUser { user, credential, .. } => user_row(user, credential.as_ref()),
        Change::AddGroup { group, .. } => group_row(group),
        Change::RewriteUser { user, .. } => rewrite_row(user),
        Change::MarkMembers { group, mark, .. } => lists::to_json(&(group.key().as_str(), mark.bits())),
        _ => Err(DriverFault::Driver),
    }
}

fn entry(change: &Change) -> Option<LoggedEntry> {
    match change {
        Change::AddUser { directory, user, .. } => Some(added(*directory, user)),
        Change::AddGroup { directory, group, .. } => {
            Some(LoggedEntry::GroupAdded(*directory, group.name.clone()))
        }
        Change::AddMember { directory, group, member, .. } => {
            Some(LoggedEntry::MemberAdded(*directory, group.clone(), member.clone()))
        }
        Change::RemoveMember { directory, group, member } => {
            Some(LoggedEntry::MemberRemoved(*directory, group.clone(), member.clone()))
        }
        Change::RewriteUser { directory, user } => Some(rewritten(*directory, user)),
        _ => None,
    }
}

fn user_row(user: &User, credential: Option<&Credential>) -> Result<String, DriverFault> {
    let profile = &user.profile;
    lists::to_json(&(
        user.external_id.as_str(),
        user.name.as_str(),
        user.key().as_str(),
        &profile.first_name,
        &profile.last_name,
        &profile.display_name,
        &profile.email,
        email_key(profile).as_ref().map(Key::as_str),
        i64::from(user.active),
        attributes_text(&user.attributes)?,
        credential.map(Bound::of).transpose()?,
        Mark::of_user(user).bits(),
    ))
}

fn rewrite_row(user: &User) -> Result<String, DriverFault> {
    let profile = &user.profile;
    lists::to_json(&(
        user.external_id.as_str(),
        &profile.first_name,
        &profile.last_name,
        &profile.display_name,
        &profile.email,
        email_key(profile).as_ref().map(Key::as_str),
        i64::from(user.active),
        attributes_text(&user.attributes)?,
        Mark::of_user(user).bits(),
    ))
}

fn group_row(group: &Group) -> Result<String, DriverFault> {
    lists::to_json(&(
        group.external_id.as_str(),
        group.name.as_str(),
        group.key().as_str(),
        &group.description,
        i64::from(is_imported(group)),
        attributes_text(&group.attributes)?,
        Mark::of_group(group).bits(),
    ))
}
