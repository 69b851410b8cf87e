//! The directory ports: what an adapter is asked for, and what it can do beyond answering.
//!
//! Adapters state facts. They never decide precedence, never expand nested groups, and never guess: `Ok` is what the
//! directory knows, including that it has no such user or that the password is wrong; `Err` means that it could not
//! say.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::DirectoryError;
use crate::filter::Filter;
use crate::group::{Group, Member};
use crate::id::{DirectoryId, ExternalId};
use crate::name::{GroupName, Username};
use crate::page::{Page, PageRequest};
use crate::password::EncodedHash;
use crate::secret::Secret;
use crate::sync::SyncSource;
use crate::user::{Profile, User};

/// A place that knows users and groups.
///
/// Each method's numbered behaviours are cases of the exported `directory_contract!`.
#[async_trait]
pub trait Directory: fmt::Debug + Send + Sync {
    /// The directory's id; the same in every call.
    fn id(&self) -> DirectoryId;

    /// Looks a user up by name.
    ///
    /// 1. Finds by key: any spelling with the same key finds the same user.
    /// 2. `None` when there is no such user.
    /// 3. The user's own name has the key that was asked for (T17).
    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError>;

    /// Looks a group up by name, with the behaviours of [`Directory::user`].
    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError>;

    /// Searches users.
    ///
    /// 1. Exactly those that [`Filter::matches_user`] accepts.
    /// 2. In the order of keys, after the page's start, at most its limit.
    /// 3. `next` is set if and only if more follow.
    async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError>;

    /// Searches groups, with the behaviours of [`Directory::find_users`].
    async fn find_groups(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Group>, DirectoryError>;

    /// The groups that directly hold a member.
    ///
    /// 1. Direct ones only; nesting is computed once, outside.
    /// 2. Empty for a member that is not there.
    /// 3. Pages as in [`Directory::find_users`].
    async fn parents_of(
        &self,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, DirectoryError>;

    /// The direct members of a group.
    ///
    /// 1. Users and groups together, in the order of keys, a user before a group of the same key.
    /// 2. Empty for a group that is not there.
    /// 3. Pages as in [`Directory::find_users`]; a page never parts a user from a group of the same key.
    async fn children_of(
        &self,
        group: &GroupName,
        page: &PageRequest,
    ) -> Result<Page<Member>, DirectoryError>;

    /// Checks a password.
    ///
    /// 1. [`Credence::Unknown`] when there is no such user; nothing else may mean that.
    /// 2. [`Credence::Refused`] when there is and the credential does not open the account.
    /// 3. [`Credence::Accepted`] carries the user as the directory knows it now.
    /// 4. A failed check counts towards the directory's own limit; one that could not be made does not.
    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError>;

    /// What the directory can do beyond answering. The same powers in every call.
    fn powers(&self) -> Powers<'_>;
}

/// What a directory says about a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credence {
    /// It opens the account.
    Accepted(User),
    /// There is no such account.
    Unknown,
    /// There is one, and the credential does not open it.
    Refused(Refusal),
}

/// Why a credential does not open an account. For operators: a stranger is never told which (T42).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Refusal {
    /// The password is wrong.
    WrongPassword,
    /// The account is inactive.
    Inactive,
    /// The password is right and must be changed before it opens anything (R704).
    PasswordExpired,
    /// Too many failures; a new password must be set (R702).
    Locked,
    /// There is no password to check (R705).
    NoPassword,
    /// The stored hash cannot be verified; an operator must look.
    HashQuarantined,
    /// The account is kept here and gone where its password is checked.
    GoneAtSource,
    /// The account clashes with another and is set aside until an operator decides (T04, T05).
    AccountQuarantined,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongPassword => "wrong password",
            Self::Inactive => "inactive account",
            Self::PasswordExpired => "the password must be changed",
            Self::Locked => "locked after too many failures",
            Self::NoPassword => "no password is set",
            Self::HashQuarantined => "the stored password hash cannot be verified",
            Self::GoneAtSource => "the account is gone where its password is checked",
            Self::AccountQuarantined => "the account is quarantined",
        })
    }
}

/// What a directory can do beyond answering, as things to call: a power that is not there cannot be called by mistake,
/// and one that is there cannot be denied by a flag.
#[derive(Clone, Copy)]
pub struct Powers<'d> {
    /// Make, change, rename and remove users.
    pub users: Option<&'d dyn WriteUsers>,
    /// Make, change and remove groups.
    pub groups: Option<&'d dyn WriteGroups>,
    /// Add and remove direct members.
    pub members: Option<&'d dyn WriteMembers>,
    /// Set passwords.
    pub passwords: Option<&'d dyn SetPasswords>,
    /// State everything it holds, so that it can be mirrored.
    pub sync: Option<&'d dyn SyncSource>,
    /// Take password hashes of others.
    pub hashes: Option<&'d dyn TakeHashes>,
}

impl Powers<'_> {
    /// No powers.
    pub const NONE: Self =
        Self { users: None, groups: None, members: None, passwords: None, sync: None, hashes: None };
}

impl fmt::Debug for Powers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            ("users", self.users.is_some()),
            ("groups", self.groups.is_some()),
            ("members", self.members.is_some()),
            ("passwords", self.passwords.is_some()),
            ("sync", self.sync.is_some()),
            ("hashes", self.hashes.is_some()),
        ];
        f.debug_set().entries(names.iter().filter(|(_, can)| *can).map(|(name, _)| name)).finish()
    }
}

/// The power over users. An account is named by its external id, so that a rename in between cannot redirect a write.
#[async_trait]
pub trait WriteUsers: fmt::Debug + Send + Sync {
    /// Makes a user and returns it as the directory keeps it.
    ///
    /// 1. `Conflict` when the key is taken, and nothing changed.
    /// 2. The user returned has the key that was asked for (T11).
    async fn add_user(&self, user: &NewUser) -> Result<User, DirectoryError>;

    /// Changes the named fields of a user, and no others. `Missing` when there is no such account.
    async fn update_user(&self, id: &ExternalId, patch: &UserPatch) -> Result<User, DirectoryError>;

    /// Renames a user.
    ///
    /// 1. `Conflict` when another user has the key; a change of spelling alone is allowed (R255).
    /// 2. Groups, password and external id stay.
    async fn rename_user(&self, id: &ExternalId, name: &Username) -> Result<User, DirectoryError>;

    /// Removes a user with its memberships. `Missing` when there is no such account.
    async fn remove_user(&self, id: &ExternalId) -> Result<(), DirectoryError>;
}

/// The power over groups.
#[async_trait]
pub trait WriteGroups: fmt::Debug + Send + Sync {
    /// Makes a group. `Conflict` when the key is taken.
    async fn add_group(&self, group: &NewGroup) -> Result<Group, DirectoryError>;

    /// Changes the named fields of a group. `Missing` when there is none.
    async fn update_group(&self, name: &GroupName, patch: &GroupPatch) -> Result<Group, DirectoryError>;

    /// Removes a group with its memberships. `Missing` when there is none.
    async fn remove_group(&self, name: &GroupName) -> Result<(), DirectoryError>;
}

/// The power over direct memberships.
#[async_trait]
pub trait WriteMembers: fmt::Debug + Send + Sync {
    /// Adds a direct member.
    ///
    /// 1. `Missing` when the group or the member is not there.
    /// 2. `Conflict` when it is a member already.
    async fn add_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError>;

    /// Removes a direct member. `Missing` when it is none.
    async fn remove_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError>;
}

/// The power over passwords.
#[async_trait]
pub trait SetPasswords: fmt::Debug + Send + Sync {
    /// Sets a password.
    ///
    /// 1. `Missing` when there is no such account.
    /// 2. `Invalid` when the directory's policy refuses it; the former password stays.
    /// 3. Afterwards the new password is accepted and the former one is not.
    async fn set_password(&self, id: &ExternalId, secret: &Secret) -> Result<(), DirectoryError>;
}

/// The power to take password hashes that were made elsewhere.
#[async_trait]
pub trait TakeHashes: fmt::Debug + Send + Sync {
    /// Makes a user with a password hash and returns it as the directory keeps it.
    ///
    /// 1. As [`WriteUsers::add_user`], and afterwards the password of the hash is accepted.
    /// 2. `Invalid` when the hash is of no scheme that the directory takes, and nothing changed.
    async fn add_user_with_hash(&self, user: &NewUser, hash: &EncodedHash) -> Result<User, DirectoryError>;
}

/// Checks passwords for a directory that keeps everything else itself (R501): the one thing that a delegated directory
/// borrows from LDAP or anywhere else.
#[async_trait]
pub trait Verifier: fmt::Debug + Send + Sync {
    /// Checks a password.
    ///
    /// 1. [`Vouched::Accepted`] carries the account under the name that the verifier itself spells; its key is the one
    ///    asked for (T17).
    /// 2. `Err` when the verifier could not say; that never counts as a failed guess.
    async fn verify(&self, name: &Username, secret: &Secret) -> Result<Vouched, DirectoryError>;

    /// Finds where an account is today, whatever it is called; `None` when it is gone (R521).
    async fn account(&self, id: &ExternalId) -> Result<Option<Account>, DirectoryError>;
}

/// Checks passwords for a mirror whose source states everything it holds and answers nothing else: the one thing that
/// such a mirror asks for at a login.
#[async_trait]
pub trait Authority: fmt::Debug + Send + Sync {
    /// Checks a password, with the behaviours of [`Directory::authenticate`].
    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError>;
}

/// What a [`Verifier`] says about a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouched {
    /// It opens the account.
    Accepted(Box<Account>),
    /// There is no such account.
    Unknown,
    /// There is one, and the credential does not open it.
    Refused(Refusal),
}

/// An account as a [`Verifier`] knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The verifier's own id of the account.
    pub external_id: ExternalId,
    /// The name, as the verifier spells it.
    pub name: Username,
    /// What people see.
    pub profile: Profile,
    /// The groups that directly hold the account, and those above them as edges (R530, R531); `None` when the verifier
    /// was not asked for groups or could not tell.
    pub groups: Option<AccountGroups>,
}

/// The groups of an [`Account`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountGroups {
    /// The groups that directly hold the account.
    pub direct: Vec<GroupName>,
    /// Groups inside groups: child, then parent.
    pub nested: Vec<(GroupName, GroupName)>,
}

/// A user to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The name.
    pub name: Username,
    /// What people see.
    pub profile: Profile,
    /// Whether the account may log in.
    pub active: bool,
}

/// Changes of a user: what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserPatch {
    /// What people see.
    pub profile: Option<Profile>,
    /// Whether the account may log in.
    pub active: Option<bool>,
    /// Attributes to replace; an empty list removes one.
    pub attributes: Vec<(String, Vec<String>)>,
}

/// A group to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// The name.
    pub name: GroupName,
    /// What it is for.
    pub description: String,
}

/// Changes of a group: what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupPatch {
    /// What it is for.
    pub description: Option<String>,
    /// Attributes to replace; an empty list removes one.
    pub attributes: Vec<(String, Vec<String>)>,
}

macro_rules! forward {
    ($($pointer:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<D: Directory + ?Sized> Directory for $pointer<D> {
            fn id(&self) -> DirectoryId {
                (**self).id()
            }
            async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
                (**self).user(name).await
            }
            async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
                (**self).group(name).await
            }
            async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError> {
                (**self).find_users(filter, page).await
            }
            async fn find_groups(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Group>, DirectoryError> {
                (**self).find_groups(filter, page).await
            }
            async fn parents_of(&self, member: &Member, page: &PageRequest) -> Result<Page<GroupName>, DirectoryError> {
                (**self).parents_of(member, page).await
            }
            async fn children_of(&self, group: &GroupName, page: &PageRequest) -> Result<Page<Member>, DirectoryError> {
                (**self).children_of(group, page).await
            }
            async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
                (**self).authenticate(name, secret).await
            }
            fn powers(&self) -> Powers<'_> {
                (**self).powers()
            }
        }
    )*};
}

forward!(Arc, Box);
