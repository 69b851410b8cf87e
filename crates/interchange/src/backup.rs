//! XML backups of Crowd and Jira: one of their directories, with groups, nesting and password hashes.
//!
//! 1. What is read is the XML file itself: what Crowd's backup writes (`<crowd>`), and `entities.xml` from the archive
//!    that Jira's writes (`<entity-engine-xml>`). Text is UTF-8; document types are refused (T78).
//! 2. A backup holds all directories. [`list_directories`] tells which; [`read`] reads one, and checks the ids of all.
//! 3. Only what a move needs is read: of users the names, the address, the active flag and the credential; of groups the
//!    name and the description; who is directly in which group. Settings of directories, such as the passwords for LDAP
//!    servers, are not kept and shown nowhere, and neither are those of applications.
//! 4. A backup that contradicts itself is an error that names the line. What is left out of the rows although the backup
//!    is sound is told in [`Backup::doubts`].
//! 5. What is read is bounded: [`MAX_EVENT_BYTES`], [`MAX_ROW_BYTES`], [`MAX_DEPTH`], [`MAX_ATTRIBUTES`], [`MAX_ROWS`],
//!    [`MAX_MEMBERSHIPS`]. What is of no interest, such as issues, is skipped and not held.
//!
//! ```
//! use throng_interchange::backup::{DirectoryChoice, list_directories, read};
//!
//! let file = r#"<entity-engine-xml>
//!     <Directory id="1" directoryName="Internal" active="1" type="INTERNAL"/>
//!     <Group id="10" groupName="staff" active="1" directoryId="1"/>
//!     <User id="20" directoryId="1" userName="anna" active="1" emailAddress="anna@example.org"/>
//!     <Membership id="30" parentId="10" childId="20" membershipType="GROUP_USER" directoryId="1"/>
//! </entity-engine-xml>"#;
//! let directories = list_directories(file.as_bytes())?;
//! let backup = read(file.as_bytes(), &DirectoryChoice::Id(directories[0].id))?;
//! assert_eq!(backup.users[0].line, 4);
//! assert_eq!(backup.users[0].groups, ["staff"]);
//! # Ok::<(), throng_interchange::backup::BackupError>(())
//! ```

mod census;
mod document;
#[cfg(test)]
mod laws;
mod lines;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use throng_core::import::{GroupRow, UserRow};

use census::Census;
use document::{Document, RowKind};

/// Longest tag or text in bytes, also of what is skipped: a comment on an issue may be long, an attachment is no part of
/// a backup.
pub const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// Most bytes that are kept of one row.
pub const MAX_ROW_BYTES: usize = 64 * 1024;

/// Deepest nesting of elements (T79).
pub const MAX_DEPTH: usize = 32;

/// Most attributes of one row (T79).
pub const MAX_ATTRIBUTES: usize = 64;

/// Most directories, users and groups together, of all directories: an import holds all its rows in memory and writes
/// them in one transaction.
pub const MAX_ROWS: usize = 1_000_000;

/// Most memberships of all directories.
pub const MAX_MEMBERSHIPS: usize = 4_000_000;

/// Most doubts that are listed one by one; the others are counted.
pub const MAX_DOUBTS: usize = 10_000;

/// Which directory of a backup is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryChoice {
    /// By its id in the backup.
    Id(i64),
    /// By its name, in any case.
    Name(String),
}

/// A directory of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupDirectory {
    /// The line that it begins on, counted from 1.
    pub line: u64,
    /// Its id in the backup.
    pub id: i64,
    /// Its name there.
    pub name: String,
    /// What it is.
    pub kind: BackupDirectoryKind,
    /// Whether it was switched on.
    pub active: bool,
}

/// What a directory of a backup is (R101).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackupDirectoryKind {
    /// `INTERNAL`: the only one that holds passwords.
    Internal,
    /// `DELEGATING`: users are there, and passwords are checked by LDAP.
    Delegating,
    /// `CONNECTOR`: a copy of what LDAP holds.
    Connector,
    /// `CROWD`: a copy of what another server holds.
    Crowd,
    /// `AZURE_AD`: a copy of what Entra ID holds.
    AzureAd,
    /// `CUSTOM`: whatever a plugin made of it.
    Custom,
}

impl BackupDirectoryKind {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "INTERNAL" => Self::Internal,
            "DELEGATING" => Self::Delegating,
            "CONNECTOR" => Self::Connector,
            "CROWD" => Self::Crowd,
            "AZURE_AD" => Self::AzureAd,
            "CUSTOM" => Self::Custom,
            _ => return None,
        })
    }
}

impl fmt::Display for BackupDirectoryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "internal",
            Self::Delegating => "delegating",
            Self::Connector => "connector",
            Self::Crowd => "crowd",
            Self::AzureAd => "azure_ad",
            Self::Custom => "custom",
        })
    }
}

/// What one directory of a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The directory.
    pub directory: BackupDirectory,
    /// Its users, as they come.
    pub users: Vec<UserRow>,
    /// Its groups, as they come.
    pub groups: Vec<GroupRow>,
    /// What was left out and why, the first [`MAX_DOUBTS`] of it.
    pub doubts: Vec<BackupDoubt>,
    /// How many doubts were not listed.
    pub unlisted_doubts: usize,
}

/// Something that was left out of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct BackupDoubt {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// What was left out.
    pub kind: BackupDoubtKind,
}

/// What was left out of the rows, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BackupDoubtKind {
    /// A credential is none that is hashed, and is not taken. The user has no password then.
    #[error("a credential is not a hash and is not taken")]
    PasswordNotHashed,
    /// A group was switched off. There is no such switch here, and what the group does not grant there it must not grant
    /// here: it makes no row.
    #[error("the group was inactive and is left out")]
    GroupInactive,
    /// A membership of a group that was switched off.
    #[error("a membership of an inactive group is left out")]
    MembershipInactive,
}

/// A backup that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct BackupError {
    /// The line of the file, counted from 1 as an editor counts; of a tag, where it begins.
    pub line: u64,
    /// What is wrong there.
    pub fault: BackupFault,
}

/// What is wrong with a backup. No fault repeats what the file says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupFault {
    /// The root is neither `<crowd>` nor `<entity-engine-xml>`.
    #[error("this is no backup of Crowd or Jira")]
    NoBackup,
    /// There is no directory: a backup from before Crowd 2 or Jira 4.3.
    #[error("there are no directories")]
    NoDirectories,
    /// No directory has the id or name that was asked for.
    #[error("there is no such directory")]
    NoSuchDirectory,
    /// The file ends before its root does.
    #[error("the file is cut short")]
    Truncated,
    /// A document type (T78).
    #[error("there is a document type")]
    Doctype,
    /// It is not well-formed XML.
    #[error("this is not well-formed XML")]
    Syntax,
    /// The text is not UTF-8, or says that it is not.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// A tag or a text longer than [`MAX_EVENT_BYTES`].
    #[error("a tag or a text is longer than {MAX_EVENT_BYTES} bytes")]
    EventTooLong,
    /// A row of more than [`MAX_ROW_BYTES`].
    #[error("the row is longer than {MAX_ROW_BYTES} bytes")]
    RowTooLong,
    /// Elements nested deeper than [`MAX_DEPTH`].
    #[error("elements are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// A row with more than [`MAX_ATTRIBUTES`].
    #[error("the row has more than {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    /// More than [`MAX_ROWS`].
    #[error("there are more than {MAX_ROWS} directories, users and groups")]
    TooManyRows,
    /// More than [`MAX_MEMBERSHIPS`].
    #[error("there are more than {MAX_MEMBERSHIPS} memberships")]
    TooManyMemberships,
    /// A row lacks what it must have.
    #[error("the row has no `{0}`")]
    MissingField(&'static str),
    /// A row says something twice.
    #[error("the row has `{0}` twice")]
    DuplicateField(&'static str),
    /// A number, a flag or one of a few words is none.
    #[error("the value of `{0}` is none of those it may have")]
    BadValue(&'static str),
    /// A directory is of a type that is not known.
    #[error("the type of the directory is not known")]
    UnknownDirectoryType,
    /// Another row of the same sort has the same id.
    #[error("the row of line {first} has the same id")]
    DuplicateId {
        /// The line of the earlier one.
        first: u64,
    },
    /// Another directory, or another user or group of the directory, has the same name.
    #[error("the row of line {first} has the same name")]
    DuplicateName {
        /// The line of the earlier one.
        first: u64,
    },
    /// A row belongs to a directory that is not there.
    #[error("the directory of the row is not there")]
    MissingDirectory,
    /// A membership is of a group that the directory does not hold.
    #[error("the group of the membership is not there")]
    MissingGroup,
    /// A membership is of a user or a nested group that the directory does not hold.
    #[error("the member of the membership is not there")]
    MissingMember,
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(io::ErrorKind),
}

impl BackupFault {
    fn at(self, line: u64) -> BackupError {
        BackupError { line, fault: self }
    }
}

/// Tells which directories a backup holds, as they come.
///
/// The whole file is read, and errors are those of [`read`] that concern the file and its directories.
pub fn list_directories(reader: impl io::Read) -> Result<Vec<BackupDirectory>, BackupError> {
    let mut census = Census::new(None, LIMITS);
    let mut document = Document::open(reader, LIMITS);
    while let Some(row) = document.next_row()? {
        if matches!(row.kind, RowKind::Directory) {
            census.take(row)?;
        }
    }
    census.into_directories(document.line())
}

/// Reads the users and groups of one directory.
///
/// 1. The order in which directories, users, groups and memberships come makes no difference. Rows are as they come.
/// 2. A user whom the backup does not call active is not active.
/// 3. Credentials are read of internal directories only; others hold none (R728). `{PKCS5S2}…` and others with a scheme in
///    braces are the password hash as they are. Text without one is taken for a legacy hash of Atlassian if it is the
///    base64 of 64 bytes, and gets the tag `{ATLASSIAN-SHA1}` (R722, R724). Anything else, and everything if the directory
///    stored its passwords in plain text, may be the password itself: it is told as
///    [`BackupDoubtKind::PasswordNotHashed`], and never kept. `nopass` stands for none.
/// 4. Memberships are direct. They name group and member by id, or else by name.
/// 5. A row's `line` is the one that its tag begins on.
///
/// Errors: what is wrong with the file; and in a file that is sound, the first id that is there twice, row of a directory
/// that is not there, or membership in the chosen directory of which an end is not there. No rows are returned then.
pub fn read(reader: impl io::Read, choice: &DirectoryChoice) -> Result<Backup, BackupError> {
    read_within(LIMITS, reader, choice)
}

/// What is read at most. Tests of the limits read less.
#[derive(Debug, Clone, Copy)]
struct Limits {
    event_bytes: usize,
    rows: usize,
    memberships: usize,
    doubts: usize,
}

const LIMITS: Limits =
    Limits { event_bytes: MAX_EVENT_BYTES, rows: MAX_ROWS, memberships: MAX_MEMBERSHIPS, doubts: MAX_DOUBTS };

fn read_within(
    limits: Limits,
    reader: impl io::Read,
    choice: &DirectoryChoice,
) -> Result<Backup, BackupError> {
    let mut census = Census::new(Some(choice), limits);
    let mut document = Document::open(reader, limits);
    while let Some(row) = document.next_row()? {
        census.take(row)?;
    }
    census.finish(document.line())
}
