//! The port that a mirror is fed through.

use std::fmt;

use async_trait::async_trait;

use crate::error::DirectoryError;
use crate::group::{Group, Member};
use crate::id::ExternalId;
use crate::name::{GroupName, Key, Username};
use crate::user::User;

/// A place whose users and groups are mirrored.
///
/// Each numbered behaviour of its method is a case of the exported `sync_contract!`.
#[async_trait]
pub trait SyncSource: fmt::Debug + Send + Sync {
    /// Reads the next batch.
    ///
    /// 1. Without a position it begins; otherwise with exactly the position that the batch before named. A source may
    ///    forget positions: then it answers `Unavailable`, and whoever pulls begins again.
    /// 2. The first batch of a pull carries the cursor as it was before anything was read (T63), if the source has
    ///    one; no other batch does.
    /// 3. A full pull states every user, then every group, then the members of every group. It ends with
    ///    [`Completeness::Proven`] only if nothing can have been left out; anything else may never delete (T59).
    /// 4. A pull since a cursor states what changed, in the order of happening; each item may be stated more than once
    ///    and is true at the end of the pull. [`Next::Expired`] when the source cannot tell what changed since.
    /// 5. An entry that cannot be read is an [`Item::Unreadable`]; it never ends the pull, and is never left out (T67).
    /// 6. `Err` means that the batch could not be read. Nothing is concluded from a pull that did not end.
    async fn pull(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, DirectoryError>;
}

/// What is read from a [`SyncSource`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull<'c> {
    /// Everything.
    Full,
    /// What changed since a cursor.
    Since(&'c Cursor),
}

/// A part of a pull. Its items weigh at most [`Batch::MAX_WEIGHT`]; a source may give fewer, or none, or one item alone
/// that weighs more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What the source states.
    pub items: Vec<Item>,
    /// Where a later pull can go on from: the moment before this pull began to read.
    pub cursor: Option<Cursor>,
    /// What comes after this batch.
    pub next: Next,
}

impl Batch {
    /// Most that the items of one batch weigh: what is read, compared and written stays small, whatever the size of the
    /// directory.
    pub const MAX_WEIGHT: usize = 2_000;

    /// What the items weigh together.
    pub fn weight(&self) -> usize {
        self.items.iter().map(Item::weight).sum()
    }

    /// Whether the items weigh more than a batch may hold.
    pub fn is_too_large(&self) -> bool {
        self.items.len() > 1 && self.weight() > Self::MAX_WEIGHT
    }
}

/// What comes after a [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// More, from this position.
    More(Position),
    /// Nothing: the pull is over.
    End(Completeness),
    /// The source cannot say what changed since the cursor.
    Expired,
}

/// Whether a pull stated everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// It did: what was not stated is not there.
    Proven,
    /// It may have left something out, for this reason. Nothing is deleted then.
    Unproven(&'static str),
}

/// One thing that a source states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// There is this user.
    User(User),
    /// There is this group.
    Group(Group),
    /// These are direct members of a group; with the other parts of the same group, which follow one another, all of
    /// them.
    Members {
        /// The group.
        group: GroupName,
        /// The members, users and groups.
        members: Vec<Member>,
        /// Whether more of them follow.
        part: Part,
    },
    /// There is no such user any more. Only in a pull since a cursor.
    UserGone(Gone),
    /// There is no such group any more. Only in a pull since a cursor.
    GroupGone(GroupName),
    /// A member is in a group. Only in a pull since a cursor.
    Joined(GroupName, Member),
    /// A member is not in a group. Only in a pull since a cursor.
    Left(GroupName, Member),
    /// A member is directly in these groups and in no others. Only in a pull since a cursor.
    MemberOf(Member, Vec<GroupName>),
    /// There is an entry that cannot be read.
    Unreadable(Unreadable),
}

impl Item {
    /// How much of a batch the item takes: as many as it states, and one at least. Members count one each, and so do
    /// the groups that a member is in.
    pub fn weight(&self) -> usize {
        match self {
            Self::Members { members, .. } => members.len().max(1),
            Self::MemberOf(_, groups) => groups.len().max(1),
            Self::User(_)
            | Self::Group(_)
            | Self::UserGone(_)
            | Self::GroupGone(_)
            | Self::Joined(..)
            | Self::Left(..)
            | Self::Unreadable(_) => 1,
        }
    }
}

/// Whether more parts of the same group's members follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// More follow, in the next item or the next batch.
    More,
    /// These were the last.
    Last,
}

/// Which user is gone. An id says more than a name: the name may be another's by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// The one of this id.
    Id(ExternalId),
    /// The one of this name.
    Name(Username),
}

/// An entry that cannot be read, for the report of the round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What it is.
    pub kind: EntryKind,
    /// The name as it came, cut to [`Unreadable::MAX_NAME_CHARS`] code points and with control characters escaped.
    pub name: String,
    /// The key of the name as it came, whole: the entry is there, so that its copy must not be deleted. By this the
    /// copy is found where the id tells nothing.
    pub key: Key,
    /// The id, if it could be read.
    pub id: Option<ExternalId>,
    /// What is wrong with it.
    pub why: String,
}

impl Unreadable {
    /// Longest name that is kept for a report.
    pub const MAX_NAME_CHARS: usize = 100;

    /// An entry that cannot be read.
    pub fn new(kind: EntryKind, name: &str, id: Option<ExternalId>, why: impl fmt::Display) -> Self {
        let mut shown = String::new();
        for char in name.chars().take(Self::MAX_NAME_CHARS) {
            if char.is_control() {
                shown.extend(char.escape_debug());
            } else {
                shown.push(char);
            }
        }
        Self { kind, name: shown, key: Key::of(name), id, why: why.to_string() }
    }
}

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum EntryKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// The membership of something in a group.
    Membership,
}

macro_rules! opaque {
    ($($(#[$doc:meta])* $Name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Opaque to everybody but the source that gave it; 1 to 4,096 bytes.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Serialize, serde::Deserialize),
            serde(try_from = "String", into = "String")
        )]
        pub struct $Name(Box<str>);

        impl $Name {
            /// Wraps a text that the source can read again.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidMark> {
                let text = text.into();
                if text.is_empty() || text.len() > MAX_MARK_BYTES {
                    return Err(InvalidMark);
                }
                Ok(Self(text.into_boxed_str()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $Name {
            type Error = InvalidMark;

            fn try_from(text: String) -> Result<Self, InvalidMark> {
                Self::new(text)
            }
        }

        impl From<$Name> for String {
            fn from(mark: $Name) -> Self {
                mark.0.into_string()
            }
        }
    )*};
}

opaque! {
    /// A moment in the history of a source.
    Cursor;
    /// A place inside one pull.
    Position;
}

/// Longest cursor or position: room for a cookie of any directory server, and still small in a row.
const MAX_MARK_BYTES: usize = 4_096;

/// The text cannot be a cursor or a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor has 1 to {MAX_MARK_BYTES} bytes")]
pub struct InvalidMark;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_bounded() {
        assert_eq!(Cursor::new(""), Err(InvalidMark));
        assert!(Position::new("x".repeat(4_096)).is_ok());
        assert_eq!(Position::new("x".repeat(4_097)), Err(InvalidMark));
    }

    #[test]
    fn a_report_holds_no_control_characters_and_no_endless_name() {
        let entry = Unreadable::new(EntryKind::User, &format!("a\n{}", "x".repeat(5_000)), None, "too long");
        assert!(entry.name.starts_with("a\\nx"), "{}", entry.name);
        assert_eq!(entry.name.len(), Unreadable::MAX_NAME_CHARS + 1);
    }

    #[test]
    fn an_entry_is_found_by_its_whole_name_as_it_came_t67() {
        let entry = Unreadable::new(EntryKind::User, "O'Brien \\ \"Bob\"", None, "no id");
        assert_eq!(entry.name, "O'Brien \\ \"Bob\"");
        assert_eq!(entry.key, Key::of("o'brien \\ \"bob\""));
        let long = "X".repeat(150);
        let entry = Unreadable::new(EntryKind::Group, &long, None, "no id");
        assert_eq!((entry.name.len(), &entry.key), (Unreadable::MAX_NAME_CHARS, &Key::of(&long)));
    }
}
