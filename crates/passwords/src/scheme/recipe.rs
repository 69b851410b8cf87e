//! How each scheme gets from a password to its digest, without the digest.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::cost::Cost;
use crate::strength::Strength;
use crate::workspace::{Workspace, WorkspaceError};

/// A scheme with its parameters and salt: all that is needed to compute its digest from a password.
pub(super) enum Recipe {
    Argon2id {
        cost: Cost,
        salt: Vec<u8>,
        length: usize,
    },
    /// The password and then the salt, hashed once.
    Digest {
        function: Function,
        salt: Vec<u8>,
    },
    Pbkdf2 {
        function: Function,
        rounds: u32,
        salt: Vec<u8>,
        length: usize,
    },
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
    },
    Sha256Crypt {
        rounds: u32,
        salt: Vec<u8>,
    },
    Sha512Crypt {
        rounds: u32,
        salt: Vec<u8>,
    },
}

impl Recipe {
    /// Computes the digest. A password that does not [fit](Recipe::fit) gives one, too, which means nothing.
    pub(super) fn digest(
        &self,
        password: &[u8],
        workspace: &mut Workspace,
    ) -> Result<Zeroizing<Vec<u8>>, WorkspaceError> {
        let mut digest = Zeroizing::new(Vec::new());
        match self {
            Self::Argon2id { cost, salt, length } => {
                digest.resize(*length, 0);
                workspace.argon2id(*cost, password, salt, &mut digest)?;
            }
            Self::Digest { function: Function::Sha1, salt } => {
                digest.extend(digest_of::<Sha1>(password, salt))
            }
            Self::Digest { function: Function::Sha256, salt } => {
                digest.extend(digest_of::<Sha256>(password, salt))
            }
            Self::Digest { function: Function::Sha512, salt } => {
                digest.extend(digest_of::<Sha512>(password, salt))
            }
            Self::Pbkdf2 { function, rounds, salt, length } => {
                digest.resize(*length, 0);
                match function {
                    Function::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, *rounds, &mut digest),
                    Function::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, *rounds, &mut digest),
                    Function::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, *rounds, &mut digest),
                }
            }
            Self::Bcrypt { cost, salt } => {
                // bcrypt appends a NUL while there is room, and stores 23 of its 24 bytes.
                let mut padded = Zeroizing::new(password[..password.len().min(BCRYPT_MAX_BYTES)].to_vec());
                padded.push(0);
                padded.truncate(BCRYPT_MAX_BYTES);
                digest.extend_from_slice(&bcrypt::bcrypt(*cost, *salt, &padded)[..23]);
            }
            Self::Sha256Crypt { rounds, salt } => {
                let params = sha_crypt::Params::new(*rounds).map_err(|_| WorkspaceError::Parameters)?;
                digest
                    .extend_from_slice(&Zeroizing::new(sha_crypt::sha256_crypt(password, salt, params))[..]);
            }
            Self::Sha512Crypt { rounds, salt } => {
                let params = sha_crypt::Params::new(*rounds).map_err(|_| WorkspaceError::Parameters)?;
                digest
                    .extend_from_slice(&Zeroizing::new(sha_crypt::sha512_crypt(password, salt, params))[..]);
            }
        }
        Ok(digest)
    }

    /// Whether the scheme tells this password from every other.
    pub(super) fn fit(&self, password: &[u8]) -> Fit {
        match self {
            Self::Bcrypt { .. } if password.len() > BCRYPT_MAX_BYTES => {
                Fit::TooLong { max_bytes: BCRYPT_MAX_BYTES }
            }
            // bcrypt repeats the NUL-terminated password, so "a" and "a\0a" are the same to it.
            Self::Bcrypt { .. } if password.contains(&0) => Fit::Ambiguous,
            // HMAC fills its key up with NULs, so "a" and "a\0" are the same to it.
            Self::Pbkdf2 { .. } if password.ends_with(&[0]) => Fit::Ambiguous,
            _ => Fit::Exact,
        }
    }

    pub(super) fn strength(&self) -> Strength {
        let share = |work: u64, asked: u64| Strength::stretched(work * 1_000_000 / asked);
        match self {
            Self::Argon2id { cost, .. } => cost.strength(),
            Self::Digest { salt, .. } if salt.is_empty() => Strength::UNSALTED,
            Self::Digest { .. } => Strength::SALTED,
            // OWASP's Password Storage Cheat Sheet: 1,400,000, 600,000 and 220,000 rounds; bcrypt with a cost of 10.
            Self::Pbkdf2 { function, rounds, .. } => match function {
                Function::Sha1 => share((*rounds).into(), 1_400_000),
                Function::Sha256 => share((*rounds).into(), 600_000),
                Function::Sha512 => share((*rounds).into(), 220_000),
            },
            Self::Bcrypt { cost, .. } => share(1 << cost, 1 << 10),
            // OWASP does not list SHA-crypt. A round is one hash where a round of PBKDF2 is two.
            Self::Sha256Crypt { rounds, .. } => share((*rounds).into(), 1_200_000),
            Self::Sha512Crypt { rounds, .. } => share((*rounds).into(), 440_000),
        }
    }

    pub(super) fn argon2id_cost(&self) -> Option<Cost> {
        match self {
            Self::Argon2id { cost, .. } => Some(*cost),
            _ => None,
        }
    }

    /// The part of a wrapped hash that tells how to compute the digest inside.
    pub(super) fn encode(&self) -> String {
        let base64 = |salt: &[u8]| STANDARD_NO_PAD.encode(salt);
        match self {
            Self::Argon2id { cost, salt, length } => format!(
                "argon2id,m={},t={},p={},l={length},s={}",
                cost.memory_kib(),
                cost.iterations(),
                cost.parallelism(),
                base64(salt)
            ),
            Self::Digest { function, salt } => format!("{},s={}", function.name(), base64(salt)),
            Self::Pbkdf2 { function, rounds, salt, length } => {
                format!("pbkdf2-{},r={rounds},l={length},s={}", function.name(), base64(salt))
            }
            Self::Bcrypt { cost, salt } => format!("bcrypt,c={cost},s={}", base64(salt)),
            Self::Sha256Crypt { rounds, salt } => format!("sha256-crypt,r={rounds},s={}", base64(salt)),
            Self::Sha512Crypt { rounds, salt } => format!("sha512-crypt,r={rounds},s={}", base64(salt)),
        }
    }
}

/// The hash function inside a scheme.
#[derive(Clone, Copy)]
pub(super) enum Function {
    Sha1,
    Sha256,
    Sha512,
}

impl Function {
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// Whether a scheme can tell a password from every other.
pub(super) enum Fit {
    Exact,
    /// Another password has the same digest, so a match would prove nothing.
    Ambiguous,
    TooLong {
        max_bytes: usize,
    },
}

/// The rounds of `{PKCS5S2}`, which its text does not state (R721).
pub(super) const ATLASSIAN_ROUNDS: u32 = 10_000;

/// The rounds of SHA-crypt when its text does not state them, by its specification.
pub(super) const CRYPT_DEFAULT_ROUNDS: u64 = 5_000;

/// Reads SHA-crypt's own base64 of a digest of `length` bytes, 32 or 64, and puts the bytes back in order.
pub(super) fn decode_crypt(text: &str, length: usize) -> Option<Zeroizing<Vec<u8>>> {
    const ALPHABET: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let order = if length == SHA256_ORDER.len() { &SHA256_ORDER[..] } else { &SHA512_ORDER[..] };
    if text.len() != (length * 8).div_ceil(6) {
        return None;
    }
    let mut digest = Zeroizing::new(vec![0; length]);
    let (mut bits, mut held) = (0_u32, 0);
    let mut places = order.iter();
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|&letter| letter == byte)?;
        bits |= u32::try_from(value).ok()? << held;
        held += 6;
        if held >= 8
            && let Some(&place) = places.next()
        {
            digest[place] = bits.to_le_bytes()[0];
            bits >>= 8;
            held -= 8;
        }
    }
    // Bits left over must be zero: one digest has one text.
    (bits == 0).then_some(digest)
}

/// bcrypt reads 72 bytes. Longer passwords are refused, because those that agree in 72 bytes would open each other
/// (P08).
const BCRYPT_MAX_BYTES: usize = 72;

/// Where SHA-crypt's specification puts the bytes of the digest in the text.
const SHA256_ORDER: [usize; 32] = [
    20, 10, 0, 11, 1, 21, 2, 22, 12, 23, 13, 3, 14, 4, 24, 5, 25, 15, 26, 16, 6, 17, 7, 27, 8, 28, 18, 29,
    19, 9, 30, 31,
];
const SHA512_ORDER: [usize; 64] = [
    42, 21, 0, 1, 43, 22, 23, 2, 44, 45, 24, 3, 4, 46, 25, 26, 5, 47, 48, 27, 6, 7, 49, 28, 29, 8, 50, 51,
    30, 9, 10, 52, 31, 32, 11, 53, 54, 33, 12, 13, 55, 34, 35, 14, 56, 57, 36, 15, 16, 58, 37, 38, 17, 59,
    60, 39, 18, 19, 61, 40, 41, 20, 62, 63,
];

fn digest_of<D: Digest>(password: &[u8], salt: &[u8]) -> impl IntoIterator<Item = u8> {
    D::new().chain_update(password).chain_update(salt).finalize()
}
