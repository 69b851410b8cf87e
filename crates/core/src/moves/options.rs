//! How users are to be moved.

use std::time::Duration;

/// How users are to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Options {
    /// What becomes of a user whose name somebody in the target has.
    pub on_taken: OnTaken,
    /// What becomes of passwords.
    pub passwords: PasswordStrategy,
    /// How long a password that comes later is waited for.
    pub capture_for: Duration,
    /// What becomes of the order of applications.
    pub order: OrderChange,
    /// What becomes of a name that means somebody of another directory today.
    pub overtaking: Overtaking,
}

impl Options {
    /// How long a password that comes later is waited for unless something else is asked for: 90 days, so that whoever
    /// logs in once a quarter is not locked out.
    pub const CAPTURE_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);
}

impl Default for Options {
    fn default() -> Self {
        Self {
            on_taken: OnTaken::default(),
            passwords: PasswordStrategy::default(),
            capture_for: Self::CAPTURE_FOR,
            order: OrderChange::default(),
            overtaking: Overtaking::default(),
        }
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $Name:ident { $($(#[$variant_doc:meta])* $Variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
        pub enum $Name { $($(#[$variant_doc])* $Variant,)* }
    )*};
}

choices! {
    /// What becomes of a user whose name somebody in the target has (R902, P4).
    OnTaken {
        /// Nothing is moved at all until an administrator has decided: a namesake may be somebody else.
        #[default]
        Stop,
        /// Both are the same person: groups and attributes are united, the target's values win where both have one,
        /// and the target's password stays if it has one that can be checked.
        Link,
        /// The user stays where it is, and the others are moved.
        Skip,
    }
    /// What becomes of a name that means somebody of another directory today, and would mean a user who is moved (P9).
    Overtaking {
        /// Nothing is moved at all until an administrator has decided: it may be somebody else.
        #[default]
        Stop,
        /// It is meant.
        Allow,
    }
    /// What becomes of passwords.
    PasswordStrategy {
        /// For each user the best that the source gives: the hash as it is, a weak one inside Argon2id, or else the
        /// password at the next login (R726).
        #[default]
        Best,
        /// Everybody must set a new one.
        Reset,
    }
    /// What becomes of the order of applications, where the source keeps its accounts and would go on to decide.
    OrderChange {
        /// Nothing: a move after which the source would still decide is refused.
        #[default]
        Keep,
        /// The target is put in front of the source wherever the source has a seat; reverting puts it back.
        TargetFirst,
    }
}
