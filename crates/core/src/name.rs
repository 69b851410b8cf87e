//! Names and their keys: the one place that decides when two names are the same.

use std::borrow::Borrow;
use std::fmt;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::Profile;

/// The version of the folding function and of its Unicode data, recorded in every store.
///
/// A store that was written under another version is not opened: the keys in it may differ from those computed now, so
/// a change is a checked migration with a report of collisions (R303, T16). A test pins the data by a digest.
pub const FOLD_VERSION: &str = "nfkc-casefold/17.0";

/// What names are compared by: the bytes of Unicode's toNFKC_Casefold of the spelling.
///
/// 1. Total: every string has a key.
/// 2. Idempotent: the key of a key is that key.
/// 3. Case, width, compatibility letters, composition and default-ignorable characters (zero-width, soft hyphen, bidi
///    marks) make no difference; accents, spaces, dotless i and letters of other scripts do.
/// 4. Equality, order and hash are those of the bytes, here and in every store: no database collation takes part (T19).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "String", into = "String")
)]
pub struct Key(Box<str>);

impl Key {
    /// Folds a text.
    pub fn of(text: &str) -> Self {
        if text.is_ascii() { Self(text.to_ascii_lowercase().into_boxed_str()) } else { Self(fold(text)) }
    }

    /// The bytes to store and compare.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0.into_string()
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $Name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// 1. The spelling is kept; equality, order and hash are those of the [`Key`].
        /// 2. `new` accepts what a look-up may ask for; `for_creation` accepts what may be made here.
        #[derive(Clone)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "String", into = "String"))]
        pub struct $Name {
            spelling: Box<str>,
            key: Key,
        }

        impl $Name {
            /// Most Unicode code points in a name (R308).
            pub const MAX_CHARS: usize = MAX_CHARS;
            /// Most bytes in a name, and in its key.
            pub const MAX_BYTES: usize = MAX_BYTES;

            /// Accepts a name to look for, or one that a directory holds already.
            ///
            /// Refuses what is empty, blank, too long, or holds control characters.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidName> {
                let text = text.as_ref();
                let key = lookup_key(text)?;
                Ok(Self { spelling: text.into(), key })
            }

            /// Accepts a name to be made here: RFC 8265 UsernameCaseMapped, with single inner spaces allowed (R306).
            pub fn for_creation(text: impl AsRef<str>) -> Result<Self, InvalidName> {
                let name = Self::new(text)?;
                check_creatable(&name.spelling)?;
                Ok(name)
            }

            /// Whether the name could be made here.
            pub(crate) fn check_creatable(&self) -> Result<(), InvalidName> {
                check_creatable(&self.spelling)
            }

            /// Rebuilds a name from a store, whose key was computed by this function before.
            pub fn from_stored(spelling: impl Into<Box<str>>, key: impl Into<Box<str>>) -> Self {
                Self { spelling: spelling.into(), key: Key(key.into()) }
            }

            /// The spelling.
            pub fn as_str(&self) -> &str {
                &self.spelling
            }

            /// What it is compared by.
            pub fn key(&self) -> &Key {
                &self.key
            }
        }

        impl PartialEq for $Name {
            fn eq(&self, other: &Self) -> bool {
                self.key == other.key
            }
        }

        impl Eq for $Name {}

        impl PartialOrd for $Name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $Name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.key.cmp(&other.key)
            }
        }

        impl std::hash::Hash for $Name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.key.hash(state);
            }
        }

        impl Borrow<Key> for $Name {
            fn borrow(&self) -> &Key {
                &self.key
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.spelling)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.spelling, f)
            }
        }

        impl TryFrom<String> for $Name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$Name> for String {
            fn from(name: $Name) -> Self {
                name.spelling.into_string()
            }
        }
    )*};
}

names! {
    /// The name of a user, as somebody spells it.
    Username;
    /// The name of a group, as somebody spells it.
    GroupName;
}

/// Crowd's columns hold 255 characters (R308); the limit is the same in every store (T20).
const MAX_CHARS: usize = 255;
/// 255 code points of four bytes. Keys that grow beyond it when folded are refused too, so that every engine can
/// index them.
const MAX_BYTES: usize = 4 * MAX_CHARS;

/// Why a text cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid name: {0}")]
pub struct InvalidName(#[from] pub NameFault);

/// The rule that a name broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// No characters at all.
    #[error("it is empty")]
    Empty,
    /// Nothing that can be seen.
    #[error("it is blank")]
    Blank,
    /// More than 255 code points, or more than 1,020 bytes as spelled or folded.
    #[error("it is longer than {MAX_CHARS} characters")]
    TooLong,
    /// A control character, such as a line break or NUL.
    #[error("it holds a control character")]
    Control,
    /// White space at either end.
    #[error("it begins or ends with white space")]
    EdgeSpace,
    /// Two spaces in a row, or white space other than the plain space.
    #[error("only single plain spaces may stand inside it")]
    InnerSpace,
    /// A character that nobody sees: zero-width, soft hyphen, byte order mark, variation selector.
    #[error("it holds an invisible character")]
    Invisible,
    /// A character that turns the direction of text, or letters of both directions mixed against RFC 5893.
    #[error("it mixes or overrides the direction of text")]
    Bidi,
    /// A look-alike of another letter, kept in Unicode for old character sets only.
    #[error("it holds a compatibility character")]
    Compatibility,
    /// A code point without a meaning: unassigned, private or a surrogate's place.
    #[error("it holds an unassigned character")]
    Unassigned,
    /// A symbol that RFC 8264's IdentifierClass leaves out, such as an emoji.
    #[error("it holds a character that names may not have")]
    Disallowed,
}

/// Folds by repeating (drop default ignorables, full case folding, NFKC) until nothing changes, which is how Unicode
/// derives NFKC_Casefold. Four rounds have been enough for every scalar value and for all strings tried; the bound only
/// guards against a future table that would not settle.
fn fold(text: &str) -> Box<str> {
    const MAX_ROUNDS: usize = 16;
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let compose = ComposingNormalizerBorrowed::new_nfkc();
    let mut folded = text.to_owned();
    for _ in 0..MAX_ROUNDS {
        let visible: String = folded.chars().filter(|&c| !ignorable.contains(c)).collect();
        let next =
            compose.normalize(&CaseMapper::new().fold_string(&compose.normalize(&visible))).into_owned();
        if next == folded {
            break;
        }
        folded = next;
    }
    folded.into_boxed_str()
}

fn lookup_key(text: &str) -> Result<Key, InvalidName> {
    if text.is_empty() {
        return Err(NameFault::Empty.into());
    }
    // The cheap length goes first, so that ten mebibytes are refused without being walked or copied (N34).
    if text.len() > MAX_BYTES || text.chars().count() > MAX_CHARS {
        return Err(NameFault::TooLong.into());
    }
    if text.chars().all(char::is_whitespace) {
        return Err(NameFault::Blank.into());
    }
    if text.chars().any(char::is_control) {
        return Err(NameFault::Control.into());
    }
    let key = Key::of(text);
    if key.0.trim().is_empty() {
        return Err(NameFault::Blank.into());
    }
    if key.0.len() > MAX_BYTES {
        return Err(NameFault::TooLong.into());
    }
    Ok(key)
}

fn check_creatable(text: &str) -> Result<(), InvalidName> {
    // What nearly every name of a directory is made of breaks none of the rules.
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    check_each_rule(text)
}

fn check_each_rule(text: &str) -> Result<(), InvalidName> {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(NameFault::EdgeSpace.into());
    }
    if text.contains(is_bidi_control) {
        return Err(NameFault::Bidi.into());
    }
    if text.contains(|c| ignorable.contains(c)) {
        return Err(NameFault::Invisible.into());
    }
    if text.contains("  ") || text.contains(|c: char| c.is_whitespace() && c != ' ') {
        return Err(NameFault::InnerSpace.into());
    }
    text.split(' ').try_for_each(check_word)
}

fn check_word(word: &str) -> Result<(), InvalidName> {
    let category = CodePointMapData::<GeneralCategory>::new();
    for c in word.chars() {
        if matches!(category.get(c), GeneralCategory::Unassigned | GeneralCategory::PrivateUse) {
            return Err(NameFault::Unassigned.into());
        }
        if !is_wide_or_narrow(c) && has_compatibility_form(c) {
            return Err(NameFault::Compatibility.into());
        }
    }
    match UsernameCaseMapped::new().enforce(word) {
        Ok(_) => Ok(()),
        // What is left after the checks above is a disallowed symbol or RFC 5893's rule about directions.
        Err(_) if word.chars().any(is_right_to_left) => Err(NameFault::Bidi.into()),
        Err(_) => Err(NameFault::Disallowed.into()),
    }
}

/// Whether a text holds characters that are not seen or that turn others around, so that it is not what it looks like.
pub(crate) fn deceives(text: &str) -> bool {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    text.contains(|c| is_bidi_control(c) || ignorable.contains(c))
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_right_to_left(c: char) -> bool {
    use icu_properties::props::BidiClass;
    matches!(CodePointMapData::<BidiClass>::new().get(c), BidiClass::RightToLeft | BidiClass::ArabicLetter)
}

/// RFC 8265 maps these to their plain forms, so they are the one kind of compatibility letter that a name may have.
fn is_wide_or_narrow(c: char) -> bool {
    matches!(c, '\u{FF01}'..='\u{FFEE}')
}

fn has_compatibility_form(c: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    ComposingNormalizerBorrowed::new_nfkc().normalize(text) != text
}

#[cfg(test)]
mod golden;
