//! XML backups of Crowd and Jira: the users and groups of one of their directories.
//!
//! 1. What Crowd's own backup wrote is read, and the `entities.xml` of what Jira's wrote; the file itself, not the
//!    archive that it comes in. The product is told by the root.
//! 2. A backup holds several directories. [`list_directories`] says which; [`read`] reads one.
//! 3. Nothing else of a backup is kept: no directory's bind password, no application's, no token, no content. Users
//!    bring their password hash if the directory is an internal one; elsewhere there is none (R728).
//! 4. Document types are refused, and entities beyond the five of XML (T78). What is read is bounded by
//!    [`MAX_VALUE_BYTES`], [`MAX_ROWS`], [`MAX_MEMBERSHIPS`] and the size of an element; of what is not asked for, no
//!    more than one element is held (T79).
//!
//! Jira writes what a row holds as attributes, and Crowd as elements; both are read wherever they stand. The format
//! is not documented by its makers: it is read as backups show it.
//!
//! ```
//! use throng_interchange::backup::{BackupOptions, list_directories, read};
//!
//! let file = r#"<entity-engine-xml>
//!     <Directory id="1" directoryName="Jira Internal Directory" active="1" type="INTERNAL"/>
//!     <User id="10000" directoryId="1" userName="anna" active="1" emailAddress="anna@example.org"/>
//!     <Group id="10100" directoryId="1" groupName="staff" active="1"/>
//!     <Membership id="10200" directoryId="1" parentName="staff" childName="anna" membershipType="GROUP_USER"/>
//! </entity-engine-xml>"#;
//! let directories = list_directories(file.as_bytes())?;
//! let backup = read(file.as_bytes(), &BackupOptions::of(directories[0].id))?;
//! assert_eq!(backup.users[0].groups, ["staff"]);
//! # Ok::<(), throng_interchange::backup::BackupError>(())
//! ```

mod collection;
#[cfg(test)]
mod laws;
mod rows;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use throng_core::import::{GroupRow, UserRow};

use collection::{Collection, Listing};
use rows::Rows;

/// Longest value in bytes, of those that are asked for.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Most users and groups of all directories: an import holds all its rows in memory and writes them in one
/// transaction.
pub const MAX_ROWS: usize = 1_000_000;

/// Most memberships of all directories.
pub const MAX_MEMBERSHIPS: usize = 4_000_000;

/// Most directories.
pub const MAX_DIRECTORIES: usize = 1_000;

/// Most doubts that are listed one by one; the others are counted.
pub const MAX_DOUBTS: usize = 10_000;

/// A directory of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupDirectory {
    /// The line on which it begins.
    pub line: u64,
    /// Its number in the backup.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// What it was connected to.
    pub kind: BackupDirectoryKind,
    /// Whether it was in use.
    pub active: bool,
    /// How many users it has, disabled ones included.
    pub users: u64,
    /// How many groups it has.
    pub groups: u64,
}

/// What a directory was connected to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BackupDirectoryKind {
    /// Nothing: users and password hashes are its own.
    Internal,
    /// LDAP, which was copied.
    Connector,
    /// LDAP, which checked passwords.
    Delegating,
    /// Another Crowd or Jira.
    Crowd,
    /// Azure Active Directory.
    AzureAd,
    /// What somebody wrote for it.
    Custom,
    /// A type that is not known here, of a long one the beginning. Such a directory is listed and cannot be read.
    Unknown(String),
}

impl fmt::Display for BackupDirectoryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "internal",
            Self::Connector => "connector",
            Self::Delegating => "delegating",
            Self::Crowd => "crowd",
            Self::AzureAd => "azure ad",
            Self::Custom => "custom",
            Self::Unknown(kind) => kind,
        })
    }
}

/// Which directory of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DirectoryChoice {
    /// The one with this number.
    Id(u64),
    /// The one with this name, compared as names are.
    Name(String),
}

impl From<u64> for DirectoryChoice {
    fn from(id: u64) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for DirectoryChoice {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

/// What happens when a row names a directory, a group or a user that the backup does not have. A backup that was made
/// while the product ran may have such rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnDangling {
    /// The backup is refused.
    #[default]
    Refuse,
    /// The row is left out and told in [`Backup::doubts`].
    Report,
}

/// What is read of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupOptions {
    /// From which directory.
    pub directory: DirectoryChoice,
    /// What happens when a row names what is not there. Default [`OnDangling::Refuse`].
    pub on_dangling: OnDangling,
}

impl BackupOptions {
    /// Reads that directory, with everything else at its default.
    pub fn of(directory: impl Into<DirectoryChoice>) -> Self {
        Self { directory: directory.into(), on_dangling: OnDangling::default() }
    }
}

/// What a directory of a backup holds.
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// Rows are of a directory that the backup does not have; the first of them is told.
    #[error("there is no directory {0}")]
    MissingDirectory(u64),
    /// A membership is in a group that the directory does not have, or of one.
    #[error("the directory has no such group")]
    MissingGroup,
    /// A membership is of a user that the directory does not have.
    #[error("the directory has no such user")]
    MissingUser,
    /// A credential is no hash that is known, and is not taken: it may be the password itself. The user has no
    /// password then.
    #[error("a password is not a hash that is known and is not taken")]
    PasswordNotHashed,
}

/// A backup that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct BackupError {
    /// The line of the file, counted from 1 as an editor counts.
    pub line: u64,
    /// What is wrong there.
    pub fault: BackupFault,
}

/// What is wrong with a backup. Apart from the type of a directory, no fault repeats a text of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupFault {
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// The root is that of neither product.
    #[error("this is no backup of Crowd and no `entities.xml` of Jira")]
    NoBackup,
    /// The file ends before the root does.
    #[error("the end of the file is missing")]
    Truncated,
    /// The document has a type (T78).
    #[error("document types are refused")]
    Doctype,
    /// This is not XML 1.0.
    #[error("this is not well-formed XML")]
    Syntax,
    /// The text is not UTF-8, or says that it is not.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// Elements are in each other more deeply than any backup has them.
    #[error("elements are in each other too deeply")]
    TooDeep,
    /// A row has more attributes than any.
    #[error("a row has too many attributes")]
    TooManyAttributes,
    /// A tag or a text is longer than any.
    #[error("an element is too long")]
    TooLong,
    /// A value is longer than [`MAX_VALUE_BYTES`].
    #[error("a value is longer than {MAX_VALUE_BYTES} bytes")]
    ValueTooLong,
    /// More than [`MAX_DIRECTORIES`].
    #[error("there are more than {MAX_DIRECTORIES} directories")]
    TooManyDirectories,
    /// More than [`MAX_ROWS`].
    #[error("there are more than {MAX_ROWS} users and groups")]
    TooManyRows,
    /// More than [`MAX_MEMBERSHIPS`].
    #[error("there are more than {MAX_MEMBERSHIPS} memberships")]
    TooManyMemberships,
    /// A row says the same twice.
    #[error("a row has a value twice")]
    TwoValues,
    /// A row does not say what it must.
    #[error("a row has no {0}")]
    MissingValue(&'static str),
    /// The value of this is none that it may have.
    #[error("the {0} of a row is none that it may have")]
    BadValue(&'static str),
    /// The directory that is to be read is of a type that is not known; of a long one, the beginning.
    #[error("directories of type {0:?} are not known")]
    UnknownDirectoryType(String),
    /// Two directories, users or groups have one number.
    #[error("a row of the same kind has the same number")]
    DuplicateId,
    /// The directory that is to be read is not there; told with the last line.
    #[error("there is no such directory")]
    NoSuchDirectory,
    /// Several directories have the name that was given. Their numbers differ.
    #[error("another directory has the same name")]
    AmbiguousDirectory,
    /// Rows are of a directory that the backup does not have.
    #[error("there is no directory {0}")]
    MissingDirectory(u64),
    /// A membership is in a group that the directory does not have, or of one.
    #[error("the directory has no such group")]
    MissingGroup,
    /// A membership is of a user that the directory does not have.
    #[error("the directory has no such user")]
    MissingUser,
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(io::ErrorKind),
}

impl BackupFault {
    fn at(self, line: u64) -> BackupError {
        BackupError { line, fault: self }
    }
}

/// Lists the directories of a backup, as they come.
///
/// Rows of directories that are not there are not complained about here. The first thing wrong is the error.
pub fn list_directories(reader: impl io::Read) -> Result<Vec<BackupDirectory>, BackupError> {
    let mut rows = Rows::open(reader);
    let mut listing = Listing::default();
    while let Some(row) = rows.next_row()? {
        listing.take(row)?;
    }
    Ok(listing.finish())
}

/// Reads the users and groups of one directory.
///
/// 1. Whoever is disabled stays disabled.
/// 2. The password hash is what the credential says: `{PKCS5S2}…` and other tagged ones as they are, and what the
///    legacy encoder wrote with the tag `{ATLASSIAN-SHA1}`, which it lacks there (R721, R722, R724). A credential
///    that is neither is told as [`BackupDoubtKind::PasswordNotHashed`], and never kept.
/// 3. Memberships are found by names within the directory, since the numbers that Jira writes there may be wrong. One
///    that does not say of what kind it is, is of the user or the group that has the name, if only one of them has.
/// 4. A row's `line` is the one that it begins on. Each user and group has a group once.
/// 5. Numbers are checked in all directories; other values only where a row may be of the one that is read.
///
/// The first thing wrong is the error; no rows are returned then.
pub fn read(reader: impl io::Read, options: &BackupOptions) -> Result<Backup, BackupError> {
    let mut rows = Rows::open(reader);
    let mut collection = Collection::new(options);
    while let Some(row) = rows.next_row()? {
        collection.take(row)?;
    }
    collection.finish(rows.line())
}
