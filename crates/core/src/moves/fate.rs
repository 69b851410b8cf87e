//! What becomes of one user of a move: pure, so that a plan and a run decide alike.

use std::fmt;

use crate::id::{ApplicationId, DirectoryId, ExternalId, Subject};
use crate::moves::{OnTaken, Options, PasswordStrategy};
use crate::name::{GroupName, InvalidName, Username};
use crate::user::{InvalidProfile, User};

/// What is known of a user who is to be moved, and of the target.
#[derive(Debug, Clone)]
pub struct Facts<'f> {
    /// The user in the source.
    pub user: &'f User,
    /// What the source gives of the password.
    pub password: GivenPassword,
    /// Who has the name in the target.
    pub taken: Option<Taken>,
    /// What the target does with passwords.
    pub target: TargetPasswords,
    /// What the name would mean afterwards in an application where it means the user today, if somebody else.
    pub shadowed: Option<(ApplicationId, DirectoryId)>,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
}

/// What a source gives of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenPassword {
    /// There is none.
    None,
    /// A hash that can be checked and is strong enough to be kept.
    Strong,
    /// A hash that can be checked and is too weak to be kept as it is.
    Weak,
    /// A hash that cannot be checked, and why.
    Unknown(String),
    /// None is given out, and the source can go on checking it.
    Checked,
    /// None is given out, and nobody will check it once the user has gone.
    Withheld,
}

/// Somebody of the target who has the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The account.
    pub external_id: ExternalId,
    /// What there is of its password.
    pub password: GivenPassword,
}

/// What a target does with passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetPasswords {
    /// It keeps them here, hashes of others too.
    Kept,
    /// Somebody else checks them for it.
    CheckedElsewhere,
    /// It keeps them elsewhere, and takes hashes of others.
    HashesTaken,
    /// It keeps them elsewhere, and takes no hashes.
    NoHashesTaken,
}

/// What becomes of one user of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fate {
    /// What becomes of the account.
    pub landing: Landing,
    /// What becomes of the password.
    pub password: PasswordFate,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
}

impl Fate {
    /// Whether the user goes to the target.
    pub fn is_moved(&self) -> bool {
        matches!(self.landing, Landing::Made | Landing::Linked(_))
    }
}

/// What becomes of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Landing {
    /// It is made in the target.
    Made,
    /// It becomes one with this account of the target.
    Linked(ExternalId),
    /// It stays where it is.
    Skipped(Skip),
    /// Nothing is moved at all until this is resolved.
    Blocked(Block),
}

/// Why a user stays where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Skip {
    /// Somebody in the target has the name.
    NameTaken,
    /// The target cannot have somebody of this name or with these words, and why.
    Impossible(String),
}

/// What stops a move.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Block {
    /// Somebody in the target has the name, and it is not said whether that is the same person.
    NameTaken(ExternalId),
    /// In an application where the user has the name today, this directory would have it afterwards.
    Shadowed(ApplicationId, DirectoryId),
}

/// What becomes of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum PasswordFate {
    /// It works as before: the hash goes along.
    Carried,
    /// It works as before: the hash goes along inside Argon2id (T57).
    Wrapped,
    /// It works as before: the source checks it until the first login, which keeps it.
    Captured,
    /// It works as before if whoever checks passwords for the target knows it.
    CheckedElsewhere,
    /// The target's own stays.
    TargetsOwn,
    /// There was none, and there is none.
    None,
    /// The hash goes along and cannot be checked: the user cannot log in until a new password is set.
    Quarantined(String),
    /// It is left behind: the user cannot log in until a new password is set.
    Reset,
}

/// What is worth knowing of a user who is moved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Note {
    /// It is who asks for the move: the sessions end.
    IsActing,
    /// The target keeps no other names: this one is lost.
    AliasLost(ApplicationId, Username),
    /// The target takes no groups in groups: what this group grants is lost.
    NestingLost(GroupName),
    /// The name belongs to another account in an application, which stays its owner.
    NameOfAnother(ApplicationId, Subject),
    /// The account of the target that it becomes one with may not log in.
    Inactive,
    /// The application admits the user today, and will not.
    NotAdmitted(ApplicationId),
    /// In an application the name means somebody of this directory today, and will mean the user.
    Overtakes(ApplicationId, DirectoryId),
}

/// Decides what becomes of one user.
///
/// 1. A name that the target does not have is made; a taken one follows [`Options::on_taken`].
/// 2. What the target cannot have is skipped, and nobody else is. A user whose name would mean somebody else
///    afterwards stops the move.
/// 3. The password follows what the source gives and what the target takes, user by user: a linked account keeps its
///    own if that can be checked; a hash goes along, wrapped where it is weak and kept here; one that cannot be
///    checked quarantines this user alone; what the source does not give out is captured at the next login where both
///    sides can, and else must be set anew.
pub fn decide(options: &Options, facts: &Facts<'_>) -> Fate {
    let landing = landing(options, facts);
    let password = match &landing {
        Landing::Made => password(options, facts),
        Landing::Linked(_) => linked_password(options, facts),
        Landing::Skipped(_) | Landing::Blocked(_) => PasswordFate::None,
    };
    Fate { landing, password, notes: facts.notes.clone() }
}

fn landing(options: &Options, facts: &Facts<'_>) -> Landing {
    if let Some((application, directory)) = facts.shadowed {
        return Landing::Blocked(Block::Shadowed(application, directory));
    }
    match (&facts.taken, options.on_taken) {
        (Some(taken), OnTaken::Link) => Landing::Linked(taken.external_id.clone()),
        (Some(_), OnTaken::Skip) => Landing::Skipped(Skip::NameTaken),
        (Some(taken), OnTaken::Stop) => Landing::Blocked(Block::NameTaken(taken.external_id.clone())),
        (None, _) => match possible(facts.user) {
            Ok(()) => Landing::Made,
            Err(why) => Landing::Skipped(Skip::Impossible(why)),
        },
    }
}

fn possible(user: &User) -> Result<(), String> {
    Username::for_creation(user.name.as_str()).map_err(|why: InvalidName| why.to_string())?;
    user.profile.check().map_err(|why: InvalidProfile| why.to_string())
}

fn linked_password(options: &Options, facts: &Facts<'_>) -> PasswordFate {
    let own = facts.taken.as_ref().map(|taken| &taken.password);
    match (facts.target, own) {
        (TargetPasswords::CheckedElsewhere, _) => PasswordFate::CheckedElsewhere,
        (TargetPasswords::HashesTaken | TargetPasswords::NoHashesTaken, _) => PasswordFate::TargetsOwn,
        (TargetPasswords::Kept, Some(GivenPassword::Strong | GivenPassword::Weak)) => {
            PasswordFate::TargetsOwn
        }
        (TargetPasswords::Kept, _) => password(options, facts),
    }
}

fn password(options: &Options, facts: &Facts<'_>) -> PasswordFate {
    use GivenPassword::{Checked, None, Strong, Unknown, Weak, Withheld};
    use TargetPasswords::{CheckedElsewhere, HashesTaken, Kept, NoHashesTaken};
    match (facts.target, &facts.password) {
        (CheckedElsewhere, _) => PasswordFate::CheckedElsewhere,
        (_, None) => PasswordFate::None,
        _ if options.passwords == PasswordStrategy::Reset => PasswordFate::Reset,
        (Kept | HashesTaken, Strong) | (HashesTaken, Weak) => PasswordFate::Carried,
        (Kept, Weak) => PasswordFate::Wrapped,
        (Kept, Unknown(why)) => PasswordFate::Quarantined(why.clone()),
        (Kept, Checked) => PasswordFate::Captured,
        (Kept, Withheld) | (HashesTaken, Unknown(_) | Checked | Withheld) | (NoHashesTaken, _) => {
            PasswordFate::Reset
        }
    }
}

impl fmt::Display for PasswordFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carried => f.write_str("carried"),
            Self::Wrapped => f.write_str("carried inside Argon2id"),
            Self::Captured => f.write_str("captured at the next login"),
            Self::CheckedElsewhere => f.write_str("checked elsewhere"),
            Self::TargetsOwn => f.write_str("the target's own"),
            Self::None => f.write_str("none"),
            Self::Quarantined(why) => write!(f, "cannot be checked: {why}"),
            Self::Reset => f.write_str("must be set anew"),
        }
    }
}
