//! Stored hashes, from text to a typed value, with every cost checked before it can be spent.

mod recipe;

use std::fmt;

use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD, STANDARD_NO_PAD};
use subtle::ConstantTimeEq;
use throng_core::password::EncodedHash;
use zeroize::Zeroizing;

use crate::cost::Cost;
use crate::strength::Strength;
use crate::workspace::{Workspace, WorkspaceError};
use recipe::{Fit, Function, Recipe};

/// A stored hash whose scheme is known and whose cost is bearable.
///
/// 1. The scheme is told by its tag alone, byte for byte; a text that fails under its tag is never tried as anything
///    else (T54, against R722).
/// 2. Costs above the caps of [`Parameter`] are refused here, before anything is computed (T52).
/// 3. Its `Debug` shows the scheme only.
pub struct StoredHash {
    scheme: Scheme,
    recipe: Recipe,
    /// Argon2id around the recipe's output (T57). `digest` is then the outer tag.
    seal: Option<Seal>,
    digest: Zeroizing<Vec<u8>>,
}

impl StoredHash {
    /// Reads a hash.
    ///
    /// 1. [`HashError::Unsupported`] for an unknown tag or none: `plaintext`, `{CRYPT}!`, `*`, an empty text, `{ssha}`.
    /// 2. [`HashError::Limits`] for a cost, salt or output outside its range.
    /// 3. [`HashError::Malformed`] for anything else that the scheme does not allow, such as 47 bytes after
    ///    `{PKCS5S2}`.
    pub fn parse(hash: &EncodedHash) -> Result<Self, HashError> {
        let text = hash.expose();
        let (tag, scheme) =
            TAGS.into_iter().find(|(tag, _)| text.starts_with(tag)).ok_or(HashError::Unsupported)?;
        let text = Text { scheme, rest: &text[tag.len()..] };
        match scheme {
            Scheme::Argon2id => text.argon2id(),
            Scheme::Wrapped => text.wrapped(),
            Scheme::AtlassianPbkdf2 => text.atlassian_pbkdf2(),
            Scheme::AtlassianSha1 | Scheme::LdapSha512 => text.unsalted(Function::Sha512),
            Scheme::LdapSha1 => text.unsalted(Function::Sha1),
            Scheme::LdapSha256 => text.unsalted(Function::Sha256),
            Scheme::LdapSaltedSha1 => text.salted(Function::Sha1),
            Scheme::LdapSaltedSha256 => text.salted(Function::Sha256),
            Scheme::LdapSaltedSha512 => text.salted(Function::Sha512),
            Scheme::Bcrypt => text.bcrypt(),
            Scheme::Pbkdf2Sha256 => text.pbkdf2(Function::Sha256),
            Scheme::Pbkdf2Sha512 => text.pbkdf2(Function::Sha512),
            Scheme::DjangoPbkdf2Sha256 => text.django(),
            Scheme::Sha256Crypt | Scheme::Sha512Crypt => text.sha_crypt(),
        }
    }

    /// The scheme that its tag names.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// What a guess at it costs; of a wrapped hash, what the Argon2id around it costs.
    pub fn strength(&self) -> Strength {
        match self.argon2id_cost() {
            Some(cost) => cost.strength(),
            None => self.recipe.strength(),
        }
    }

    /// The cost of the outermost Argon2id, or none when there is none at all.
    pub(crate) fn argon2id_cost(&self) -> Option<Cost> {
        self.seal.as_ref().map(|seal| seal.cost).or_else(|| self.recipe.argon2id_cost())
    }

    /// The most memory that checking it takes at any time, in KiB.
    pub(crate) fn memory_kib(&self) -> u32 {
        let costs = [self.argon2id_cost(), self.recipe.argon2id_cost()];
        costs.into_iter().flatten().map(Cost::memory_kib).max().unwrap_or(0)
    }

    /// Compares with one form of a password, in constant time.
    ///
    /// The work is the same for passwords that the scheme cannot represent, so that they tell nothing about the
    /// account.
    pub(crate) fn check(&self, form: &[u8], workspace: &mut Workspace) -> Result<Check, WorkspaceError> {
        let mut answer = self.recipe.digest(form, workspace)?;
        if let Some(seal) = &self.seal {
            let mut tag = Zeroizing::new(vec![0; self.digest.len()]);
            workspace.argon2id(seal.cost, &answer, &seal.salt, &mut tag)?;
            answer = tag;
        }
        let equal = bool::from(answer.ct_eq(&self.digest));
        Ok(match self.recipe.fit(form) {
            Fit::Exact if equal => Check::Matches,
            Fit::TooLong { max_bytes } => Check::TooLong { max_bytes },
            Fit::Exact | Fit::Ambiguous => Check::Differs,
        })
    }

    /// Puts Argon2id around a legacy hash, whose own digest then is not in the result.
    pub(crate) fn sealed(
        &self,
        cost: Cost,
        salt: &[u8],
        workspace: &mut Workspace,
    ) -> Result<EncodedHash, WorkspaceError> {
        let mut tag = Zeroizing::new(vec![0; TAG_BYTES]);
        workspace.argon2id(cost, &self.digest, salt, &mut tag)?;
        let recipe = self.recipe.encode();
        encoded(format!("{WRAPPED_TAG}{recipe}{}", argon2id_text(cost, salt, &tag)))
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredHash({})", self.scheme)
    }
}

/// How a password was turned into what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `$argon2id$v=19$…`, RFC 9106 in PHC form: what is written here.
    Argon2id,
    /// `$throng-wrap$…`: Argon2id over the output of a legacy scheme, whose parameters stand before it (T57).
    Wrapped,
    /// `{PKCS5S2}`: 16 bytes of salt and 32 of PBKDF2-HMAC-SHA1 with 10,000 rounds (R721).
    AtlassianPbkdf2,
    /// `{ATLASSIAN-SHA1}`, a tag of ours over the untagged unsalted SHA-512 that Atlassian calls SHA1 (R724).
    AtlassianSha1,
    /// `{SHA}`, unsalted.
    LdapSha1,
    /// `{SHA256}`, unsalted.
    LdapSha256,
    /// `{SHA512}`, unsalted.
    LdapSha512,
    /// `{SSHA}`.
    LdapSaltedSha1,
    /// `{SSHA256}`.
    LdapSaltedSha256,
    /// `{SSHA512}`.
    LdapSaltedSha512,
    /// `$2a$`, `$2b$` and `$2y$`, which differ only in defects that they are free of here.
    Bcrypt,
    /// `$pbkdf2-sha256$`, in PHC form or in passlib's.
    Pbkdf2Sha256,
    /// `$pbkdf2-sha512$`, in PHC form or in passlib's.
    Pbkdf2Sha512,
    /// `pbkdf2_sha256$`, as Django stores it.
    DjangoPbkdf2Sha256,
    /// `$5$`, SHA-crypt.
    Sha256Crypt,
    /// `$6$`, SHA-crypt.
    Sha512Crypt,
}

impl Scheme {
    /// Whether equal passwords have different hashes. An import takes unsalted ones only when told to (T52).
    pub fn is_salted(self) -> bool {
        !matches!(self, Self::AtlassianSha1 | Self::LdapSha1 | Self::LdapSha256 | Self::LdapSha512)
    }
}

impl fmt::Display for Scheme {
    /// Writes the tag; of several tags, the first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = TAGS.into_iter().find(|(_, scheme)| scheme == self).map_or("", |(tag, _)| tag);
        f.write_str(tag)
    }
}

/// Tags untagged legacy Atlassian text, which an importer must have been told to expect (R722, R724, T54).
///
/// 1. The text is the base64 of 64 bytes of SHA-512, with padding: 88 characters.
/// 2. [`HashError::Malformed`] for any other.
pub fn legacy_atlassian(text: &str) -> Result<EncodedHash, HashError> {
    let malformed = HashError::Malformed { scheme: Scheme::AtlassianSha1 };
    let hash = EncodedHash::new(format!("{ATLASSIAN_SHA1_TAG}{text}")).map_err(|_| malformed)?;
    StoredHash::parse(&hash).map(|_| hash)
}

/// Why a stored hash cannot be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Its tag names no scheme that is known here, or it has none.
    #[error("the password hash is of an unknown scheme")]
    Unsupported,
    /// It asks for more than may be spent on it, or is too small to be a hash.
    #[error("the {parameter} of the password hash is {value}, which is not within {min} to {max}")]
    Limits {
        /// What is out of range.
        parameter: Parameter,
        /// The value; [`u64::MAX`] stands for larger ones, too.
        value: u64,
        /// The least that is accepted.
        min: u64,
        /// The most that is accepted.
        max: u64,
    },
    /// Its tag is known, and what follows is not what the scheme stores.
    #[error("the password hash is not a well-formed {scheme}")]
    Malformed {
        /// The scheme of its tag.
        scheme: Scheme,
    },
}

/// A number in a stored hash. Who can write a hash can otherwise make its verification take hours or all memory (T52).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// Argon2id memory in KiB: 8 (RFC 9106's least) to 262,144, which is 256 MiB, four times RFC 9106's setting for
    /// constrained machines.
    Memory,
    /// Argon2id passes: 1 to 16, as kanidm clamps them.
    Passes,
    /// Argon2id lanes: 1 to 8, twice what RFC 9106 recommends.
    Lanes,
    /// Salt in bytes: 8 (RFC 9106's least) to 64.
    Salt,
    /// Salt of an LDAP digest in bytes: 4, which is the 32 bits of NIST SP 800-63B and what OpenLDAP used to draw, to
    /// 64.
    LdapSalt,
    /// Salt of SHA-crypt in characters: 1 to the 16 that its specification reads.
    CryptSalt,
    /// Output in bytes: 16, below which guessing the output competes with guessing the password, to 64, which is
    /// SHA-512.
    Output,
    /// bcrypt's exponent: 4 (its least) to 14, about a second.
    BcryptCost,
    /// PBKDF2 rounds: 1 to 10,000,000, seven times OWASP's highest recommendation.
    Pbkdf2Rounds,
    /// SHA-crypt rounds: 1,000 (its least) to 1,000,000, which admits passlib's default of 656,000 and takes about a
    /// second, against 999,999,999 in its specification.
    CryptRounds,
}

impl Parameter {
    /// The least and the most that are accepted.
    pub const fn range(self) -> (u64, u64) {
        match self {
            Self::Memory => (8, 262_144),
            Self::Passes => (1, 16),
            Self::Lanes => (1, 8),
            Self::Salt => (8, 64),
            Self::LdapSalt => (4, 64),
            Self::CryptSalt => (1, 16),
            Self::Output => (16, 64),
            Self::BcryptCost => (4, 14),
            Self::Pbkdf2Rounds => (1, 10_000_000),
            Self::CryptRounds => (1_000, 1_000_000),
        }
    }

    pub(crate) fn check(self, value: u64) -> Result<u32, HashError> {
        let (min, max) = self.range();
        match u32::try_from(value) {
            Ok(small) if (min..=max).contains(&value) => Ok(small),
            _ => Err(HashError::Limits { parameter: self, value, min, max }),
        }
    }

    fn check_len(self, bytes: &[u8]) -> Result<(), HashError> {
        self.check(bytes.len() as u64).map(|_| ())
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory (KiB)",
            Self::Passes => "number of passes",
            Self::Lanes => "number of lanes",
            Self::Salt | Self::LdapSalt | Self::CryptSalt => "salt length",
            Self::Output => "output length",
            Self::BcryptCost => "cost",
            Self::Pbkdf2Rounds | Self::CryptRounds => "number of rounds",
        })
    }
}

/// What comparing one form of a password with a stored hash says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    Matches,
    Differs,
    TooLong { max_bytes: usize },
}

/// Bytes of the tags that are made here: 256 bits, as RFC 9106 §4 recommends.
pub(crate) const TAG_BYTES: usize = 32;

/// Writes an Argon2id hash in PHC form.
pub(crate) fn encode_argon2id(cost: Cost, salt: &[u8], tag: &[u8]) -> Result<EncodedHash, WorkspaceError> {
    encoded(argon2id_text(cost, salt, tag))
}

struct Seal {
    cost: Cost,
    salt: Vec<u8>,
}

const WRAPPED_TAG: &str = "$throng-wrap$";
const ATLASSIAN_SHA1_TAG: &str = "{ATLASSIAN-SHA1}";

/// No tag is the beginning of another, so the order tells nothing.
const TAGS: [(&str, Scheme); 18] = [
    ("$argon2id$", Scheme::Argon2id),
    (WRAPPED_TAG, Scheme::Wrapped),
    ("{PKCS5S2}", Scheme::AtlassianPbkdf2),
    (ATLASSIAN_SHA1_TAG, Scheme::AtlassianSha1),
    ("{SHA}", Scheme::LdapSha1),
    ("{SHA256}", Scheme::LdapSha256),
    ("{SHA512}", Scheme::LdapSha512),
    ("{SSHA}", Scheme::LdapSaltedSha1),
    ("{SSHA256}", Scheme::LdapSaltedSha256),
    ("{SSHA512}", Scheme::LdapSaltedSha512),
    ("$2b$", Scheme::Bcrypt),
    ("$2a$", Scheme::Bcrypt),
    ("$2y$", Scheme::Bcrypt),
    ("$pbkdf2-sha256$", Scheme::Pbkdf2Sha256),
    ("$pbkdf2-sha512$", Scheme::Pbkdf2Sha512),
    ("pbkdf2_sha256$", Scheme::DjangoPbkdf2Sha256),
    ("$5$", Scheme::Sha256Crypt),
    ("$6$", Scheme::Sha512Crypt),
];

/// passlib's "adapted base64": the standard alphabet with `.` for `+`, unpadded.
const ADAPTED: GeneralPurpose = GeneralPurpose::new(
    &match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./") {
        Ok(alphabet) => alphabet,
        Err(_) => base64::alphabet::STANDARD,
    },
    NO_PAD,
);
const BCRYPT: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::BCRYPT, NO_PAD);

/// What follows a tag.
#[derive(Clone, Copy)]
struct Text<'a> {
    scheme: Scheme,
    rest: &'a str,
}

impl<'a> Text<'a> {
    fn malformed(self) -> HashError {
        HashError::Malformed { scheme: self.scheme }
    }

    fn plain(self, recipe: Recipe, digest: Zeroizing<Vec<u8>>) -> StoredHash {
        StoredHash { scheme: self.scheme, recipe, seal: None, digest }
    }

    fn decode(self, engine: &GeneralPurpose, text: &str) -> Result<Zeroizing<Vec<u8>>, HashError> {
        engine.decode(text).map(Zeroizing::new).map_err(|_| self.malformed())
    }

    /// A decimal number as every scheme writes it: digits only, no leading zero. Too large for 64 bits becomes the
    /// largest, so that it fails by its range.
    fn number(self, text: &str) -> Result<u64, HashError> {
        let canonical = text == "0" || !text.starts_with('0');
        if text.is_empty() || !canonical || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.malformed());
        }
        Ok(text.parse().unwrap_or(u64::MAX))
    }

    fn split<const N: usize>(self, text: &'a str, separator: char) -> Result<[&'a str; N], HashError> {
        let mut parts = text.split(separator);
        let mut found = [""; N];
        for part in &mut found {
            *part = parts.next().ok_or(self.malformed())?;
        }
        if parts.next().is_some() { Err(self.malformed()) } else { Ok(found) }
    }

    /// The value of `name=value`.
    fn value<'t>(self, text: &'t str, name: &str) -> Result<&'t str, HashError> {
        text.strip_prefix(name).and_then(|text| text.strip_prefix('=')).ok_or(self.malformed())
    }

    fn argon2id(self) -> Result<StoredHash, HashError> {
        let (Seal { cost, salt }, digest) = self.argon2id_parts(self.rest)?;
        let recipe = Recipe::Argon2id { cost, salt, length: digest.len() };
        Ok(self.plain(recipe, digest))
    }

    fn argon2id_parts(self, text: &'a str) -> Result<(Seal, Zeroizing<Vec<u8>>), HashError> {
        let [version, params, salt, tag] = self.split(text, '$')?;
        if version != "v=19" {
            return Err(HashError::Unsupported);
        }
        let [memory, passes, lanes] = self.split(params, ',')?;
        let cost = self.cost(memory, passes, lanes)?;
        let salt = self.decode(&STANDARD_NO_PAD, salt)?.to_vec();
        Parameter::Salt.check_len(&salt)?;
        let tag = self.decode(&STANDARD_NO_PAD, tag)?;
        Parameter::Output.check_len(&tag)?;
        Ok((Seal { cost, salt }, tag))
    }

    fn cost(self, memory: &str, passes: &str, lanes: &str) -> Result<Cost, HashError> {
        Cost::stored(
            self.number(self.value(memory, "m")?)?,
            self.number(self.value(passes, "t")?)?,
            self.number(self.value(lanes, "p")?)?,
        )
    }

    fn wrapped(self) -> Result<StoredHash, HashError> {
        let (inner, outer) = self.rest.split_once("$argon2id$").ok_or(self.malformed())?;
        let recipe = self.recipe(inner)?;
        let (seal, digest) = self.argon2id_parts(outer)?;
        // Nothing here ever wrapped a hash below the floor.
        if !seal.cost.meets_floor() {
            return Err(self.malformed());
        }
        Ok(StoredHash { scheme: self.scheme, recipe, seal: Some(seal), digest })
    }

    /// The parameters of a wrapped scheme, as [`Recipe::encode`] writes them.
    fn recipe(self, text: &'a str) -> Result<Recipe, HashError> {
        let (name, fields) = text.split_once(',').ok_or(self.malformed())?;
        let salt = |field, range: Parameter| {
            let salt = self.decode(&STANDARD_NO_PAD, self.value(field, "s")?)?.to_vec();
            range.check_len(&salt).map(|()| salt)
        };
        let digest = |function| {
            let [field] = self.split(fields, ',')?;
            let salt = if field == "s=" { Vec::new() } else { salt(field, Parameter::LdapSalt)? };
            Ok(Recipe::Digest { function, salt })
        };
        let pbkdf2 = |function| {
            let [rounds, length, field] = self.split(fields, ',')?;
            let rounds = Parameter::Pbkdf2Rounds.check(self.number(self.value(rounds, "r")?)?)?;
            let length = Parameter::Output.check(self.number(self.value(length, "l")?)?)? as usize;
            Ok(Recipe::Pbkdf2 { function, rounds, salt: salt(field, Parameter::Salt)?, length })
        };
        let crypt = || {
            let [rounds, field] = self.split(fields, ',')?;
            let rounds = Parameter::CryptRounds.check(self.number(self.value(rounds, "r")?)?)?;
            Ok((rounds, salt(field, Parameter::CryptSalt)?))
        };
        match name {
            "argon2id" => {
                let [memory, passes, lanes, length, field] = self.split(fields, ',')?;
                let cost = self.cost(memory, passes, lanes)?;
                let length = Parameter::Output.check(self.number(self.value(length, "l")?)?)? as usize;
                Ok(Recipe::Argon2id { cost, salt: salt(field, Parameter::Salt)?, length })
            }
            "sha1" => digest(Function::Sha1),
            "sha256" => digest(Function::Sha256),
            "sha512" => digest(Function::Sha512),
            "pbkdf2-sha1" => pbkdf2(Function::Sha1),
            "pbkdf2-sha256" => pbkdf2(Function::Sha256),
            "pbkdf2-sha512" => pbkdf2(Function::Sha512),
            "sha256-crypt" => crypt().map(|(rounds, salt)| Recipe::Sha256Crypt { rounds, salt }),
            "sha512-crypt" => crypt().map(|(rounds, salt)| Recipe::Sha512Crypt { rounds, salt }),
            "bcrypt" => {
                let [cost, field] = self.split(fields, ',')?;
                let cost = Parameter::BcryptCost.check(self.number(self.value(cost, "c")?)?)?;
                let salt = salt(field, Parameter::Salt)?.try_into().map_err(|_| self.malformed())?;
                Ok(Recipe::Bcrypt { cost, salt })
            }
            _ => Err(self.malformed()),
        }
    }

    fn atlassian_pbkdf2(self) -> Result<StoredHash, HashError> {
        let bytes = self.decode(&STANDARD, self.rest)?;
        let (salt, digest) = bytes.split_at_checked(16).ok_or(self.malformed())?;
        if digest.len() != 32 {
            return Err(self.malformed());
        }
        let (function, rounds) = (Function::Sha1, recipe::ATLASSIAN_ROUNDS);
        let recipe = Recipe::Pbkdf2 { function, rounds, salt: salt.to_vec(), length: digest.len() };
        Ok(self.plain(recipe, Zeroizing::new(digest.to_vec())))
    }

    fn unsalted(self, function: Function) -> Result<StoredHash, HashError> {
        let digest = self.decode(&STANDARD, self.rest)?;
        if digest.len() != function.length() {
            return Err(self.malformed());
        }
        Ok(self.plain(Recipe::Digest { function, salt: Vec::new() }, digest))
    }

    fn salted(self, function: Function) -> Result<StoredHash, HashError> {
        let bytes = self.decode(&STANDARD, self.rest)?;
        let (digest, salt) = bytes.split_at_checked(function.length()).ok_or(self.malformed())?;
        Parameter::LdapSalt.check_len(salt)?;
        let recipe = Recipe::Digest { function, salt: salt.to_vec() };
        Ok(self.plain(recipe, Zeroizing::new(digest.to_vec())))
    }

    fn bcrypt(self) -> Result<StoredHash, HashError> {
        let [cost, text] = self.split(self.rest, '$')?;
        // Two digits, 22 characters of salt and 31 of output make the 60 bytes of a bcrypt hash.
        let (salt, digest) = text.split_at_checked(22).ok_or(self.malformed())?;
        if cost.len() != 2 || digest.len() != 31 {
            return Err(self.malformed());
        }
        let cost = Parameter::BcryptCost.check(self.number(cost.strip_prefix('0').unwrap_or(cost))?)?;
        let salt = self.decode(&BCRYPT, salt)?.as_slice().try_into().map_err(|_| self.malformed())?;
        Ok(self.plain(Recipe::Bcrypt { cost, salt }, self.decode(&BCRYPT, digest)?))
    }

    fn pbkdf2(self, function: Function) -> Result<StoredHash, HashError> {
        let [params, salt, digest] = self.split(self.rest, '$')?;
        // PHC names its parameters; passlib writes the bare number of rounds.
        let (engine, rounds, length) = if params.starts_with("i=") {
            let [rounds, length] = self.split(params, ',')?;
            let length = self.number(self.value(length, "l")?)?;
            (&STANDARD_NO_PAD, self.value(rounds, "i")?, Some(length))
        } else {
            (&ADAPTED, params, None)
        };
        let rounds = Parameter::Pbkdf2Rounds.check(self.number(rounds)?)?;
        let salt = self.decode(engine, salt)?.to_vec();
        let digest = self.decode(engine, digest)?;
        if length.is_some_and(|length| length != digest.len() as u64) {
            return Err(self.malformed());
        }
        self.pbkdf2_with(function, rounds, salt, digest)
    }

    fn django(self) -> Result<StoredHash, HashError> {
        let [rounds, salt, digest] = self.split(self.rest, '$')?;
        let rounds = Parameter::Pbkdf2Rounds.check(self.number(rounds)?)?;
        let digest = self.decode(&STANDARD, digest)?;
        // Django's salt is text, and its characters are what is hashed.
        self.pbkdf2_with(Function::Sha256, rounds, salt.as_bytes().to_vec(), digest)
    }

    fn pbkdf2_with(
        self,
        function: Function,
        rounds: u32,
        salt: Vec<u8>,
        digest: Zeroizing<Vec<u8>>,
    ) -> Result<StoredHash, HashError> {
        Parameter::Salt.check_len(&salt)?;
        Parameter::Output.check_len(&digest)?;
        let recipe = Recipe::Pbkdf2 { function, rounds, salt, length: digest.len() };
        Ok(self.plain(recipe, digest))
    }

    fn sha_crypt(self) -> Result<StoredHash, HashError> {
        let (rounds, rest) = match self.rest.strip_prefix("rounds=") {
            Some(rest) => {
                let (rounds, rest) = rest.split_once('$').ok_or(self.malformed())?;
                (self.number(rounds)?, rest)
            }
            None => (recipe::CRYPT_DEFAULT_ROUNDS, self.rest),
        };
        let rounds = Parameter::CryptRounds.check(rounds)?;
        let [salt, digest] = self.split(rest, '$')?;
        let salt = salt.as_bytes().to_vec();
        Parameter::CryptSalt.check_len(&salt)?;
        let (recipe, length) = match self.scheme {
            Scheme::Sha256Crypt => (Recipe::Sha256Crypt { rounds, salt }, Function::Sha256.length()),
            _ => (Recipe::Sha512Crypt { rounds, salt }, Function::Sha512.length()),
        };
        let digest = recipe::decode_crypt(digest, length).ok_or(self.malformed())?;
        Ok(self.plain(recipe, digest))
    }
}

fn argon2id_text(cost: Cost, salt: &[u8], tag: &[u8]) -> String {
    format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        cost.memory_kib(),
        cost.iterations(),
        cost.parallelism(),
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(tag)
    )
}

/// Nothing written here comes near the limit of a stored hash: two salts and a tag of at most 64 bytes each.
fn encoded(text: String) -> Result<EncodedHash, WorkspaceError> {
    EncodedHash::new(text).map_err(|_| WorkspaceError::Parameters)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod vectors;
