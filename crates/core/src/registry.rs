//! Directories and applications as they are configured.

use std::fmt;

use crate::id::{ApplicationId, DirectoryId};
use crate::name::{GroupName, Key, deceives};
use crate::password::PasswordPolicy;
use crate::permission::Permissions;
use crate::plan::Plan;
use crate::sync::MirroredSettings;

/// A directory as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryRecord {
    /// Its id.
    pub id: DirectoryId,
    /// Its name, unique by key (R105).
    pub name: Label,
    /// An inactive directory keeps everything and is recognised by nobody (R293).
    pub active: bool,
    /// What may be changed in it, whatever an application is allowed (R111).
    pub permissions: Permissions,
    /// What it is made of.
    pub kind: DirectoryKind,
}

/// What a directory is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum DirectoryKind {
    /// Users, groups and passwords are here.
    Internal(InternalSettings),
    /// Users and groups are here; passwords are checked by a verifier that the host attaches (R501).
    Delegated(DelegatedSettings),
    /// Users and groups are copied here from a source that the host attaches, which also checks passwords (R102).
    Mirrored(Box<MirroredSettings>),
    /// Nothing is here: an adapter that the host attaches is asked each time.
    Live,
}

impl DirectoryKind {
    /// Whether the records are in our store.
    pub fn is_stored(&self) -> bool {
        match self {
            Self::Internal(_) | Self::Delegated(_) | Self::Mirrored(_) => true,
            Self::Live => false,
        }
    }
}

/// Settings of an internal directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default)
)]
pub struct InternalSettings {
    /// The password rules.
    pub password_policy: PasswordPolicy,
    /// Whether groups may stand in groups (R401).
    pub nesting: Nesting,
}

impl Default for InternalSettings {
    fn default() -> Self {
        Self { password_policy: PasswordPolicy::default(), nesting: Nesting::Allowed }
    }
}

/// Whether groups may stand in groups (R401, R402).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Nesting {
    /// They may, and membership passes upwards.
    Allowed,
    /// They may not; only direct membership counts.
    Direct,
}

/// Settings of a delegated directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default)
)]
pub struct DelegatedSettings {
    /// Whether groups may stand in groups.
    pub nesting: Nesting,
    /// What a login of somebody unknown here does (R511, R522).
    pub unknown_user: UnknownUser,
    /// What a login of somebody known here does to the copy (R510, R523).
    pub known_user: KnownUser,
    /// What a login does to the memberships (R530 to R532).
    pub groups: GroupImport,
    /// Groups that users who log in are put into; made when missing (R540).
    pub default_groups: Vec<GroupName>,
    /// How often they are (Q12).
    pub default_groups_given: DefaultGroupsGiven,
    /// What happens when an account was renamed onto a name that is taken here (R315).
    pub taken_name: TakenName,
    /// What happens when somebody new turns up under the name of an account that is gone (R521, Q11).
    pub recycled_name: RecycledName,
}

impl DelegatedSettings {
    /// Crowd's behaviour with creation and update at login and group import.
    pub fn crowd() -> Self {
        Self {
            default_groups_given: DefaultGroupsGiven::AtEveryLogin,
            taken_name: TakenName::RenameTheHolder,
            recycled_name: RecycledName::Adopt,
            ..Self::default()
        }
    }
}

impl Default for DelegatedSettings {
    fn default() -> Self {
        Self {
            nesting: Nesting::Allowed,
            unknown_user: UnknownUser::CreateAtLogin,
            known_user: KnownUser::UpdateAtLogin,
            groups: GroupImport::AtLogin,
            default_groups: Vec::new(),
            default_groups_given: DefaultGroupsGiven::Once,
            taken_name: TakenName::Quarantine,
            recycled_name: RecycledName::Quarantine,
        }
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $Name:ident { $($(#[$variant_doc:meta])* $Variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
        pub enum $Name { $($(#[$variant_doc])* $Variant,)* }
    )*};
}

choices! {
    /// What a login of somebody unknown to a delegated directory does.
    UnknownUser {
        /// The account is made when the verifier accepts it.
        CreateAtLogin,
        /// The account stays unknown.
        StaysUnknown,
    }
    /// What a login of somebody known to a delegated directory does to the copy.
    KnownUser {
        /// Name and profile follow the verifier; the active flag stays.
        UpdateAtLogin,
        /// The copy stays as it is.
        StaysAsIs,
    }
    /// What a login does to the memberships of a delegated directory.
    GroupImport {
        /// Imported groups follow the verifier; local groups stay.
        AtLogin,
        /// Memberships are kept here only.
        Never,
    }
    /// How often default groups are given.
    DefaultGroupsGiven {
        /// At the first login only, so that a removal lasts.
        Once,
        /// At every login, as in Crowd (R541).
        AtEveryLogin,
    }
    /// What happens when an account was renamed onto a name that is taken.
    TakenName {
        /// The renamed account is set aside; nobody else is touched.
        Quarantine,
        /// The holder is renamed to `name#1` and so on, as in Crowd (R315).
        RenameTheHolder,
    }
    /// What happens when somebody new turns up under the name of an account that is gone.
    RecycledName {
        /// The newcomer is set aside until an operator decides (T05).
        Quarantine,
        /// The newcomer takes the account over, groups and all, as in Crowd (R521).
        Adopt,
    }
}

/// An application as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRecord {
    /// Its id.
    pub id: ApplicationId,
    /// Its name, unique by key.
    pub name: Label,
    /// An inactive application admits nobody (R220).
    pub active: bool,
    /// Its directories in order.
    pub plan: Plan,
    /// Whether users may have other names in it (R806).
    pub aliases: Aliases,
    /// The groups whose members administer it; none when that is not stated. No previewed change leaves it without one
    /// who can (T105).
    pub administrators: Vec<GroupName>,
}

choices! {
    /// Whether users may have other names in an application.
    Aliases {
        /// They may not.
        Off,
        /// An alias works as a second name.
        On,
    }
}

/// The name of a directory or an application.
///
/// 1 to [`Label::MAX_CHARS`] code points without control characters, invisible ones (N12, N16) or white space at the
/// ends; unique by [`Key`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct Label(Box<str>);

impl Label {
    /// Longest label.
    pub const MAX_CHARS: usize = 255;

    /// Accepts a label.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidLabel> {
        let text = text.into();
        let length = text.chars().count();
        if length == 0
            || length > Self::MAX_CHARS
            || text.trim() != text
            || text.chars().any(char::is_control)
            || deceives(&text)
        {
            return Err(InvalidLabel);
        }
        Ok(Self(text.into_boxed_str()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is compared by.
    pub fn key(&self) -> Key {
        Key::of(&self.0)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<String> for Label {
    type Error = InvalidLabel;

    fn try_from(text: String) -> Result<Self, InvalidLabel> {
        Self::new(text)
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0.into_string()
    }
}

/// The text cannot name a directory or an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {max} characters, none of them a control character, invisible, or white space at an end", max = Label::MAX_CHARS)]
pub struct InvalidLabel;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_what_it_looks_like() {
        let longest = "x".repeat(255);
        for good in ["Jira", "ユーザー", "two words", longest.as_str()] {
            assert!(Label::new(good).is_ok(), "{good}");
        }
        let too_long = "x".repeat(256);
        for bad in ["", " a", "a ", "a\n", "a\u{202e}b", "a\u{200b}b", "a\u{ad}b", too_long.as_str()] {
            assert_eq!(Label::new(bad), Err(InvalidLabel), "{bad:?}");
        }
    }
}
