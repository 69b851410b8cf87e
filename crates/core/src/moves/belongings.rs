use crate::claim::Claim;
use crate::id::ApplicationId;
use crate::name::{GroupName, Username};
use crate::password::Credential;
use crate::time::Timestamp;
use crate::user::User;

/// Everything that belongs to a stored account, so that it can be taken along and put back.
///
/// 1. Lists are in one order, whatever they were written in: groups by key, claims and aliases by application and key.
/// 2. Its serialisation leaves the credential out; a store keeps that apart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Belongings {
    /// The user itself.
    pub user: User,
    /// What is kept about the password.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub credential: Option<Credential>,
    /// The groups of its directory that directly hold it.
    pub groups: Vec<GroupName>,
    /// The names that belong to it, in every application; no tombstones.
    pub claims: Vec<Claim>,
    /// Its other names.
    pub aliases: Vec<(ApplicationId, Username)>,
    /// When it last logged in, if that was noted.
    pub last_login: Option<Timestamp>,
}

impl Belongings {
    /// What somebody owns of whom nothing but the account itself is known.
    pub fn of(user: User) -> Self {
        Self {
            user,
            credential: None,
            groups: Vec::new(),
            claims: Vec::new(),
            aliases: Vec::new(),
            last_login: None,
        }
    }

    /// Whether nobody else changed the account since: everything counts, the spelling of names too, but what a login
    /// notes by itself, which is the time of the latest one and the count of failures.
    pub fn is_as(&self, other: &Self) -> bool {
        let settled = |belongings: &Self| {
            let mut settled = Self { last_login: None, ..belongings.clone() };
            if let Some(credential) = &mut settled.credential {
                credential.failed_attempts = 0;
            }
            settled
        };
        // Names are equal by their keys.
        settled(self) == settled(other) && self.spellings().eq(other.spellings())
    }

    fn spellings(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().map(|(_, alias)| alias.as_str());
        [self.user.name.as_str()].into_iter().chain(aliases).chain(self.groups.iter().map(GroupName::as_str))
    }
}
