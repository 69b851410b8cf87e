//! An order among stored hashes by what a guess costs somebody who has stolen them.

use throng_core::password::EncodedHash;

use crate::cost::Cost;
use crate::scheme::{HashError, StoredHash};

/// How dear one guess at a stolen hash is.
///
/// 1. The kind decides first: an unsalted digest, a salted one, a stretched one, and Argon2id at or above OWASP's
///    floor. Argon2id below the floor is merely stretched (P14).
/// 2. Within a kind, the work decides, in millionths of what OWASP's Password Storage Cheat Sheet asks of the scheme.
/// 3. A wrapped hash is as strong as the Argon2id around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Strength {
    kind: Kind,
    millionths: u64,
}

impl Strength {
    /// Whether it falls short of Argon2id at OWASP's floor, so that a stolen hash should be wrapped or replaced.
    pub fn is_weak(self) -> bool {
        self.kind < Kind::MemoryHard
    }

    pub(crate) const UNSALTED: Self = Self { kind: Kind::Unsalted, millionths: 0 };
    pub(crate) const SALTED: Self = Self { kind: Kind::Salted, millionths: 0 };

    pub(crate) const fn stretched(millionths: u64) -> Self {
        Self { kind: Kind::Stretched, millionths }
    }
}

impl Cost {
    /// The strength of a hash made at this cost.
    pub fn strength(self) -> Strength {
        let kind = if self.meets_floor() { Kind::MemoryHard } else { Kind::Stretched };
        Strength { kind, millionths: self.millionths_of_floor() }
    }
}

/// Refuses to replace a stored hash by a weaker one (T53, P14).
///
/// 1. A stored hash that cannot be verified may be replaced by any that can.
/// 2. [`ReplacementError::Hash`] when the offered one cannot be verified, [`ReplacementError::Weaker`] when it is
///    weaker.
pub fn check_replacement(stored: &EncodedHash, offered: &EncodedHash) -> Result<(), ReplacementError> {
    let offered = StoredHash::parse(offered)?.strength();
    match StoredHash::parse(stored).map(|hash| hash.strength()) {
        Ok(stored) if offered < stored => Err(ReplacementError::Weaker { stored, offered }),
        _ => Ok(()),
    }
}

/// Why a hash may not take the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplacementError {
    /// It is weaker than the one it would replace.
    #[error("the password hash is weaker than the stored one")]
    Weaker {
        /// The strength of the one that is kept.
        stored: Strength,
        /// The strength of the one that was offered.
        offered: Strength,
    },
    /// It could never be verified.
    #[error(transparent)]
    Hash(#[from] HashError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Unsalted,
    Salted,
    Stretched,
    MemoryHard,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> EncodedHash {
        EncodedHash::new(text).unwrap()
    }

    #[test]
    fn schemes_are_ordered_by_what_a_guess_costs_t53() {
        let rising = [
            "{SHA}/ja/ITBjsynrMPdut2pKR2+ypJc=",
            "{SSHA}WUahTLONzbZXMAXJD4DMyykym/0AAQID",
            "$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$pS1hVkdZMSIpPNEGIeDF+fE4XgVRsNSqabdf7tKJOn8",
            "$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$VDVIZYo3/PUBAAPzZXekbNtfKX/qtUUTm9x5UyDSiBM",
            "{PKCS5S2}AAECAwQFBgcICQoLDA0OD/FJ/qHQeBCqlGpN8rA5Dp5UtaxNcWSiBB1n+IlnIQR9",
            "$2b$04$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
            "$argon2id$v=19$m=19456,t=3,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
        ];
        let strengths = rising.map(|text| StoredHash::parse(&hash(text)).unwrap().strength());
        assert!(strengths.is_sorted_by(|a, b| a < b), "{strengths:?}");
        assert_eq!(strengths.map(Strength::is_weak), [true, true, true, true, true, true, false, false]);
    }

    #[test]
    fn a_write_never_lowers_strength_t53_p14() {
        let strong = hash(
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
        );
        let equal = hash(
            "$argon2id$v=19$m=7168,t=5,p=1$AAECAwQFBgcICQoLDA0ODw$EY0XeWE0W+03Unm9bqjtBMvwf7Vk0SSwA8qQfM/OzQg",
        );
        let weak = hash(
            "$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$pS1hVkdZMSIpPNEGIeDF+fE4XgVRsNSqabdf7tKJOn8",
        );
        assert!(matches!(check_replacement(&strong, &weak), Err(ReplacementError::Weaker { .. })));
        assert_eq!(check_replacement(&strong, &equal), Ok(()));
        assert_eq!(check_replacement(&weak, &strong), Ok(()));
        assert_eq!(check_replacement(&hash("{CRYPT}!"), &weak), Ok(()));
        assert_eq!(check_replacement(&weak, &hash("x")), Err(ReplacementError::Hash(HashError::Unsupported)));
    }
}
