use std::fmt;

use crate::name::{Key, Username};

/// What a name looks like: the skeleton of Unicode Technical Standard 39 §4, folded like a [`Key`].
///
/// 1. Names of one skeleton are easily taken for each other, whatever their keys (N27, N28).
/// 2. It only warns. It is no key: a skeleton is not shown, and nothing is found or refused by it.
/// 3. It is not stored: its data follow the newest Unicode, whatever [`FOLD_VERSION`](crate::name::FOLD_VERSION) is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Skeleton(Key);

impl Skeleton {
    /// What a text looks like.
    pub fn of(text: &str) -> Self {
        Self(Key::of(&unicode_security::skeleton(text).collect::<String>()))
    }

    /// What a name looks like: as it is folded, and where that looks otherwise, as it is spelled. `AIice` with a great
    /// I folds to `aiice`, and is read as `Alice`.
    pub fn of_name(name: &Username) -> impl Iterator<Item = Self> {
        let folded = Self::of(name.key().as_str());
        let is_spelled_so = name.as_str() == name.key().as_str();
        let spelled = (!is_spelled_so).then(|| Self::of(name.as_str())).filter(|spelled| *spelled != folded);
        std::iter::once(folded).chain(spelled)
    }

    /// The text, for comparing.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Skeleton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> bool {
        let (a, b) = (Username::new(a).unwrap(), Username::new(b).unwrap());
        assert_ne!(a, b, "they are not the same name");
        Skeleton::of_name(&a).any(|one| Skeleton::of_name(&b).any(|other| one == other))
    }

    #[test]
    fn names_that_are_taken_for_each_other_have_one_skeleton_n25_n27_n28() {
        for (a, b) in [
            ("\u{430}dmin", "admin"),
            ("\u{410}DMIN", "admin"),
            ("adm\u{131}n", "admin"),
            ("\u{455}\u{441}\u{43e}\u{440}\u{435}", "scope"),
            ("paypa1", "paypal"),
            ("AIice", "alice"),
            ("rnary", "Mary"),
            ("0scar", "OSCAR"),
        ] {
            assert!(alike(a, b), "{a} {b}");
        }
    }

    #[test]
    fn names_that_read_differently_have_not() {
        for (a, b) in [("mail", "mall"), ("anna", "hanna"), ("jose", "jos\u{e9}"), ("\u{430}dmin", "adm")] {
            assert!(!alike(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_spelling_without_a_look_of_its_own_is_not_looked_at_twice() {
        for (name, looks) in [("anna", 1), ("Anna", 1), ("AIice", 2)] {
            assert_eq!(Skeleton::of_name(&Username::new(name).unwrap()).count(), looks, "{name}");
        }
    }
}
