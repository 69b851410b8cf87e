//! LDIF files: what an LDAP server wrote out, with groups and password hashes.
//!
//! 1. The format is RFC 2849, entries only, in UTF-8. Lines end with LF or CRLF. What `slapcat` and `ldapsearch -LLL`
//!    write is read as it is.
//! 2. A record of changes is refused, and so is a value that is to be read from a URL (T91): nothing but the file
//!    itself is ever read.
//! 3. Whoever an entry is about is told by its classes: users by `person`, `organizationalPerson`, `inetOrgPerson`,
//!    `account`, `posixAccount`, `inetUser` and `user`, but not `computer` and `contact`; groups by `groupOfNames`,
//!    `groupOfUniqueNames`, `groupOfMembers`, `posixGroup` and `group`. All other entries are counted.
//! 4. Members of groups are `member` and `uniqueMember`, which hold the name of an entry, and `memberUid`, which
//!    holds a `uid`. Names of entries are the same whatever their case, spaces and escapes. A group in a group is
//!    nested. `memberOf` is not read: it says the same again. The group that `gidNumber` names is not read either.
//! 5. What makes no row, or less of one, is told in [`Ldif::doubts`]; what cannot be read is an error.
//! 6. What is read is bounded: [`MAX_LINE_BYTES`], [`MAX_ENTRY_BYTES`], [`MAX_ENTRIES`], [`MAX_MEMBERS`]. Values that
//!    are not asked for, such as photographs, are skipped and not held.
//!
//! ```
//! use throng_interchange::ldif::{LdifOptions, read};
//!
//! let file = "dn: uid=anna,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: anna\nmail: anna@example.org\n\n\
//!             dn: cn=staff,dc=example,dc=org\nobjectClass: groupOfNames\ncn: staff\n\
//!             member: UID=Anna, DC=example, DC=org\n";
//! let ldif = read(file.as_bytes(), &LdifOptions::default())?;
//! assert_eq!(ldif.users[0].groups, ["staff"]);
//! assert_eq!(ldif.groups[0].line, 6);
//! # Ok::<(), throng_interchange::ldif::LdifError>(())
//! ```

mod dn;
mod entry;
#[cfg(test)]
mod laws;
mod lines;
#[cfg(test)]
mod tests;
mod tree;

use std::io;

use throng_core::import::{GroupRow, UserRow};

use entry::Entries;
use tree::Tree;

/// Longest line in bytes, unfolded, of those that are asked for (T91).
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Longest entry in bytes, with what stands before it and with what is skipped: a group of half a million members.
pub const MAX_ENTRY_BYTES: usize = 64 * 1024 * 1024;

/// Most entries, of whatever they are about: an import holds all its rows in memory and writes them in one
/// transaction.
pub const MAX_ENTRIES: usize = 1_000_000;

/// Most members of all groups together.
pub const MAX_MEMBERS: usize = 4_000_000;

/// Most doubts that are listed one by one; the others are counted.
pub const MAX_DOUBTS: usize = 10_000;

/// Which attributes hold the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdifOptions {
    /// Where a user's name stands: in the first of these that the entry has. Default `uid`, then `sAMAccountName`.
    pub user_names: Vec<String>,
    /// Where a group's name stands. Default `cn`.
    pub group_names: Vec<String>,
}

impl Default for LdifOptions {
    fn default() -> Self {
        Self {
            user_names: vec!["uid".to_owned(), "sAMAccountName".to_owned()],
            group_names: vec!["cn".to_owned()],
        }
    }
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ldif {
    /// The users, as they come.
    pub users: Vec<UserRow>,
    /// The groups, as they come.
    pub groups: Vec<GroupRow>,
    /// How many entries were about something else.
    pub others: usize,
    /// What was left out and why, the first [`MAX_DOUBTS`] of it.
    pub doubts: Vec<LdifDoubt>,
    /// How many doubts were not listed.
    pub unlisted_doubts: usize,
}

/// Something that was left out of the rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct LdifDoubt {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// What was left out.
    pub kind: LdifDoubtKind,
}

/// What was left out of the rows, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LdifDoubtKind {
    /// An entry is about a user or a group and has none of the attributes that hold its name. It makes no row.
    #[error("a user or a group has no name")]
    Unnamed,
    /// An entry is about a user and a group at once. It makes a group.
    #[error("an entry is of a user and of a group at once")]
    TwoKinds,
    /// A member is nobody of whom the file makes a row.
    #[error("a member of the group is no user and no group of this file")]
    MemberNowhere,
    /// A `memberUid` is that of several users.
    #[error("several users have the uid of a member of the group")]
    MemberAmbiguous,
    /// The server gave a part of the members only, as Active Directory does of long lists.
    #[error("the members of the group are not all here")]
    MembersCut,
    /// A `userPassword` is none that is hashed, and is not taken. The user has no password then.
    #[error("a password is not a hash and is not taken")]
    PasswordNotHashed,
}

/// A file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct LdifError {
    /// The line of the file, counted from 1 as an editor counts; of a folded line, where it begins.
    pub line: u64,
    /// What is wrong there.
    pub fault: LdifFault,
}

/// What is wrong with a file. No fault repeats what the file says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LdifFault {
    /// There is no entry.
    #[error("there is no entry")]
    Empty,
    /// A `version` that is not 1.
    #[error("only version 1 is known")]
    UnsupportedVersion,
    /// What begins here does not begin with the name of an entry.
    #[error("an entry does not begin with `dn`")]
    NoDn,
    /// An entry begins with no blank line before it.
    #[error("an entry begins in the middle of another")]
    NoBlankLine,
    /// The name of the entry is none.
    #[error("the name of the entry is malformed")]
    BadDn,
    /// An entry of this name was there already.
    #[error("the entry of line {first} has the same name")]
    DuplicateDn {
        /// The line of the earlier one.
        first: u64,
    },
    /// A record of changes.
    #[error("this is a record of changes, and only entries are read")]
    ChangeRecord,
    /// A value that is to be read from a URL.
    #[error("the value stands elsewhere, and only this file is read")]
    ByUrl,
    /// The value is not base64.
    #[error("the value is not base64")]
    BadBase64,
    /// Neither an attribute nor a comment.
    #[error("there is no attribute")]
    Malformed,
    /// A line begins with a space and continues nothing.
    #[error("a line goes on where none began")]
    StrayContinuation,
    /// A number, or one of `TRUE` and `FALSE`, is none.
    #[error("the value of `{0}` is none of those it may have")]
    BadValue(&'static str),
    /// A line that is asked for is longer than [`MAX_LINE_BYTES`].
    #[error("the line is longer than {MAX_LINE_BYTES} bytes")]
    LineTooLong,
    /// More than [`MAX_ENTRY_BYTES`] belong to one entry.
    #[error("the entry is longer than {MAX_ENTRY_BYTES} bytes")]
    EntryTooLong,
    /// More than [`MAX_ENTRIES`].
    #[error("there are more than {MAX_ENTRIES} entries")]
    TooManyEntries,
    /// More than [`MAX_MEMBERS`].
    #[error("the groups have more than {MAX_MEMBERS} members together")]
    TooManyMembers,
    /// A NUL; a file in UTF-16 is told by this.
    #[error("there is a NUL byte")]
    NulByte,
    /// The value is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(io::ErrorKind),
}

impl LdifFault {
    fn at(self, line: u64) -> LdifError {
        LdifError { line, fault: self }
    }
}

/// Reads users and groups.
///
/// 1. A user's name is the first that there is of [`LdifOptions::user_names`]. Where an attribute has several values,
///    the one counts that the name of the entry holds, or else the first; values with options, such as those of one
///    language, do not count.
/// 2. `displayName`, or else `cn`, is the display name; `givenName`, `sn` and `mail` are the first name, the last
///    name and the e-mail address.
/// 3. A user is active unless there is a `pwdAccountLockedTime`, whatever it says, bit 2 of `userAccountControl`, or
///    `nsAccountLock: TRUE`.
/// 4. The first `userPassword` that is a hash is the password hash: a scheme in braces, in capitals, and the hash; of
///    `{CRYPT}$6$…`, what follows the braces. One that is no hash is the password itself (RFC 2307 §5.3): it is told
///    as [`LdifDoubtKind::PasswordNotHashed`], and never kept.
/// 5. A row's `line` is the one that its entry begins on. Each user and group has a group once, whatever attributes
///    say so.
///
/// The first thing wrong is the error; no rows are returned then.
pub fn read(reader: impl io::Read, options: &LdifOptions) -> Result<Ldif, LdifError> {
    let limits = Limits {
        entry_bytes: MAX_ENTRY_BYTES,
        entries: MAX_ENTRIES,
        members: MAX_MEMBERS,
        doubts: MAX_DOUBTS,
    };
    read_within(limits, reader, options)
}

/// What is read at most. Tests of the limits read less.
#[derive(Debug, Clone, Copy)]
struct Limits {
    entry_bytes: usize,
    entries: usize,
    members: usize,
    doubts: usize,
}

fn read_within(limits: Limits, reader: impl io::Read, options: &LdifOptions) -> Result<Ldif, LdifError> {
    let names = options.user_names.iter().chain(&options.group_names).map(String::as_str);
    let mut entries = Entries::open(reader, limits, tree::ATTRIBUTES.into_iter().chain(names))?;
    let mut tree = Tree::new(options, limits);
    while let Some(entry) = entries.next_entry()? {
        tree.take(entries.view(&entry))?;
    }
    Ok(tree.finish())
}
