//! The one pool in which passwords are hashed.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use icu_normalizer::ComposingNormalizerBorrowed;
use throng_core::entropy::Entropy;
use throng_core::password::{Credential, CredentialState, EncodedHash, PasswordPolicy};
use throng_core::secret::Secret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use zeroize::Zeroizing;

use crate::cost::Cost;
use crate::scheme::{Check, HashError, Parameter, Scheme, StoredHash, TAG_BYTES, encode_argon2id};
use crate::workspace::{Workspace, WorkspaceError};

/// Hashes and verifies passwords, a bounded number at a time (T50).
///
/// 1. At most min(cores, memory budget / memory of one hash) computations run at once, and at least one. A stored hash
///    that takes more memory counts for as many as its memory is worth.
/// 2. Up to eight times as many callers wait, in order, for at most [`HasherConfig::queue_deadline`]; further ones get
///    [`HasherError::Overloaded`] at once.
/// 3. Computations run on tokio's blocking threads, never on its workers. The methods must be awaited inside a tokio
///    runtime with time enabled.
/// 4. A dropped future gives up its place in the queue; a computation that has begun keeps its place until it ends.
/// 5. Clones share the pool.
#[derive(Debug, Clone)]
pub struct Hasher(Arc<Pool>);

impl Hasher {
    /// Builds a pool. Memory is taken when it is first used, and then kept.
    pub fn new(config: HasherConfig, entropy: Arc<dyn Entropy>) -> Self {
        let budget_kib = config.memory_budget_kib.max(config.cost.memory_kib());
        let by_memory = budget_kib / config.cost.memory_kib();
        let size = by_memory.min(u32::try_from(config.cores.get()).unwrap_or(u32::MAX));
        Self(Arc::new(Pool {
            cost: config.cost,
            entropy,
            size,
            budget_kib,
            deadline: config.queue_deadline,
            permits: Arc::new(Semaphore::new(size as usize)),
            waiting: AtomicUsize::new(0),
            hashes_run: AtomicU64::new(0),
            idle: Mutex::new(Vec::new()),
        }))
    }

    /// Hashes a new password with Argon2id at the configured cost.
    ///
    /// 1. The password is brought to Unicode NFC first (NIST SP 800-63B-4 §3.1.1.2, T58): the one exception to taking
    ///    it exactly as received (ASVS 6.2.8).
    /// 2. 16 bytes of salt and 32 of tag, in PHC form.
    pub async fn hash(&self, secret: &Secret) -> Result<EncodedHash, HasherError> {
        let secret = secret.clone();
        self.run(1, move |pool, workspace| {
            Ok(pool.new_hash(workspace, pool.cost, nfc(&secret).as_bytes())?)
        })
        .await
    }

    /// Compares a password with a stored hash.
    ///
    /// 1. Tries the password as typed and in NFC, as one attempt: systems before this one hashed what was typed (T58).
    /// 2. Spends exactly one Argon2id at the configured cost on every path for a password whose two forms are the
    ///    same: a current hash is verified, a legacy one that matches is replaced, and a mismatch, an unreadable hash
    ///    or a password too long for the scheme is paid for by a dummy. A failure with a password whose forms differ
    ///    spends two on every path, so that its time does not tell one account from another.
    /// 3. What comes on top: the legacy digest itself; Argon2id weaker than the configured cost; and, when a wrapped
    ///    hash matches, the hash that replaces it, once per account.
    /// 4. [`Verification::Matches`] brings the hash to store instead, where the stored one is legacy, wrapped, weaker
    ///    than the configured cost, or made from a form other than NFC. It is never weaker than the stored one (T53).
    ///    Store it by compare-and-set on the old hash (T56).
    /// 5. [`HasherError::Hash`] for a hash that cannot be read, or that takes more memory than the pool has.
    pub async fn verify(&self, secret: &Secret, stored: &EncodedHash) -> Result<Verification, HasherError> {
        let secret = secret.clone();
        let stored = self.0.read(stored);
        let permits = stored.as_ref().map_or(1, |hash| self.0.permits_for(hash.memory_kib()));
        self.run(permits, move |pool, workspace| pool.verify(workspace, &secret, stored)).await
    }

    /// Spends what [`Hasher::verify`] spends on a wrong password, for an account that does not exist.
    pub async fn spend(&self, secret: &Secret) -> Result<(), HasherError> {
        let secret = secret.clone();
        self.run(1, move |pool, workspace| {
            let forms = Forms::of(&secret);
            Ok(pool.settle(workspace, &forms, 0)?)
        })
        .await
    }

    /// Puts Argon2id at the configured cost around a weak hash, without knowing the password (T57).
    ///
    /// 1. The result holds the parameters and the salt of the legacy scheme and not its digest; [`Hasher::verify`]
    ///    reads it, and its first match brings a plain Argon2id hash.
    /// 2. A hash that is not weak, or is wrapped already, comes back unchanged, without a computation.
    /// 3. [`HasherError::Hash`] for a hash that cannot be read.
    pub async fn wrap(&self, stored: &EncodedHash) -> Result<EncodedHash, HasherError> {
        let parsed = self.0.read(stored)?;
        if !parsed.strength().is_weak() {
            return Ok(stored.clone());
        }
        self.run(1, move |pool, workspace| {
            pool.count(pool.cost);
            Ok(parsed.sealed(pool.cost, &pool.new_salt(), workspace)?)
        })
        .await
    }

    /// Tells whether a new password is one of the latest [`PasswordPolicy::history`] (R713, Q17).
    ///
    /// 1. The current password counts as the latest: 1 compares with it alone, 0 compares with nothing.
    /// 2. One computation for each hash, one after the other, each queued by itself; stops at the first match.
    /// 3. A hash that cannot be read is passed over: nothing can be said about it.
    pub async fn check_history(
        &self,
        policy: &PasswordPolicy,
        secret: &Secret,
        credential: &Credential,
    ) -> Result<Reuse, HasherError> {
        let current = match &credential.hash {
            CredentialState::Usable(hash) | CredentialState::Quarantined(hash) => Some(hash),
            CredentialState::Absent => None,
        };
        for hash in current.into_iter().chain(&credential.history).take(policy.history as usize) {
            let Ok(stored) = self.0.read(hash) else { continue };
            let secret = secret.clone();
            let found = self
                .run(self.0.permits_for(stored.memory_kib()), move |pool, workspace| {
                    Ok(pool.compare(workspace, &Forms::of(&secret), &stored)?.0)
                })
                .await?;
            if matches!(found, Found::Match { .. }) {
                return Ok(Reuse::Reused);
            }
        }
        Ok(Reuse::Fresh)
    }

    /// The cost of the hashes made here.
    pub fn cost(&self) -> Cost {
        self.0.cost
    }

    /// How many Argon2id computations at least as strong as [`Hasher::cost`] were begun since the pool was built.
    pub fn hashes_run(&self) -> u64 {
        self.0.hashes_run.load(Ordering::Relaxed)
    }

    /// How many callers are waiting for a place.
    pub fn queue_depth(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// How many computations may run at once.
    pub fn parallel_hashes(&self) -> usize {
        self.0.size as usize
    }

    async fn run<T: Send + 'static>(
        &self,
        permits: u32,
        job: impl FnOnce(&Pool, &mut Workspace) -> Result<T, HasherError> + Send + 'static,
    ) -> Result<T, HasherError> {
        let permit = self.0.admit(permits).await?;
        let pool = Arc::clone(&self.0);
        let (sender, receiver) = oneshot::channel();
        // Not joined: the answer is sent before the memory is wiped, so that the wiping delays nobody.
        drop(tokio::task::spawn_blocking(move || {
            if sender.is_closed() {
                return;
            }
            let mut workspace = pool.take_workspace();
            // Fails only when the caller has gone.
            let _ = sender.send(job(&pool, &mut workspace));
            pool.give_back(workspace);
            drop(permit);
        }));
        receiver.await.map_err(|_| HasherError::Interrupted)?
    }
}

/// How much of the machine password hashing may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasherConfig {
    /// The cost of new hashes.
    pub cost: Cost,
    /// How many cores may hash at once.
    pub cores: NonZeroUsize,
    /// Memory of all computations together, in KiB. One computation at [`HasherConfig::cost`] is possible even when it
    /// exceeds this.
    pub memory_budget_kib: u32,
    /// How long a caller waits for its turn.
    pub queue_deadline: Duration,
}

impl HasherConfig {
    /// 256 MiB, which holds every stored hash within [`Parameter::Memory`].
    pub const MEMORY_BUDGET_KIB: u32 = 262_144;

    /// Two seconds: a full queue of eight per place takes well under one at OWASP's floor (T50).
    pub const QUEUE_DEADLINE: Duration = Duration::from_secs(2);

    /// OWASP's floor on so many cores, with the defaults above.
    pub const fn new(cores: NonZeroUsize) -> Self {
        Self {
            cost: Cost::OWASP_FLOOR,
            cores,
            memory_budget_kib: Self::MEMORY_BUDGET_KIB,
            queue_deadline: Self::QUEUE_DEADLINE,
        }
    }
}

/// What comparing a password with a stored hash says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// It is the password.
    Matches {
        /// The hash to store in place of the verified one, if that should be replaced.
        upgrade: Option<EncodedHash>,
    },
    /// It is not the password.
    Differs,
    /// It is longer than the stored scheme can tell apart, as bcrypt reads 72 bytes (P08). To the person at the other
    /// end it is a wrong password like any other.
    TooLong {
        /// The most that the scheme reads.
        max_bytes: usize,
    },
}

/// Whether a new password was in use before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// Not among those that were compared.
    Fresh,
    /// The current password, or a former one.
    Reused,
}

/// Why nothing can be said about a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HasherError {
    /// Too many are waiting, or the wait was too long. Nothing was computed.
    #[error("too many passwords are being hashed; try again in {} ms", retry_after.as_millis())]
    Overloaded {
        /// When everybody who waits now has been served or turned away.
        retry_after: Duration,
    },
    /// The stored hash cannot be verified.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// Argon2id could not be computed.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The runtime is shutting down, or a computation panicked.
    #[error("the computation was interrupted")]
    Interrupted,
}

/// Bytes of the salts made here: 128 bits, as RFC 9106 §3.1 recommends for passwords.
const SALT_BYTES: usize = 16;

/// The dummy's result is dropped, so its salt need not be random.
const DUMMY_SALT: [u8; SALT_BYTES] = [0; SALT_BYTES];

/// Callers in the queue for each computation that may run (T50): at OWASP's floor the last of them waits about 0.4 s.
const QUEUE_PER_PERMIT: usize = 8;

struct Pool {
    cost: Cost,
    entropy: Arc<dyn Entropy>,
    size: u32,
    budget_kib: u32,
    deadline: Duration,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    hashes_run: AtomicU64,
    /// Never more than `size`, because each belonged to a permit.
    idle: Mutex<Vec<Workspace>>,
}

impl Pool {
    fn read(&self, hash: &EncodedHash) -> Result<StoredHash, HashError> {
        let stored = StoredHash::parse(hash)?;
        if stored.memory_kib() > self.budget_kib {
            let (min, _) = Parameter::Memory.range();
            let (value, max) = (stored.memory_kib().into(), self.budget_kib.into());
            return Err(HashError::Limits { parameter: Parameter::Memory, value, min, max });
        }
        Ok(stored)
    }

    fn permits_for(&self, memory_kib: u32) -> u32 {
        memory_kib.div_ceil(self.cost.memory_kib()).clamp(1, self.size)
    }

    async fn admit(&self, permits: u32) -> Result<OwnedSemaphorePermit, HasherError> {
        // Fails while anybody is waiting, so nobody is overtaken.
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_many_owned(permits) {
            return Ok(permit);
        }
        let overloaded = HasherError::Overloaded { retry_after: self.deadline };
        let _place = Place::take(&self.waiting, self.size as usize * QUEUE_PER_PERMIT).ok_or(overloaded)?;
        match tokio::time::timeout(self.deadline, Arc::clone(&self.permits).acquire_many_owned(permits)).await
        {
            Ok(permit) => permit.map_err(|_| HasherError::Interrupted),
            Err(_) => Err(overloaded),
        }
    }

    fn take_workspace(&self) -> Workspace {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give_back(&self, mut workspace: Workspace) {
        workspace.wipe();
        workspace.shrink_to(self.cost);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }

    fn new_salt(&self) -> [u8; SALT_BYTES] {
        let mut salt = [0; SALT_BYTES];
        self.entropy.fill(&mut salt);
        salt
    }

    fn new_hash(
        &self,
        workspace: &mut Workspace,
        cost: Cost,
        nfc: &[u8],
    ) -> Result<EncodedHash, WorkspaceError> {
        let salt = self.new_salt();
        let mut tag = Zeroizing::new([0; TAG_BYTES]);
        self.count(cost);
        workspace.argon2id(cost, nfc, &salt, tag.as_mut_slice())?;
        encode_argon2id(cost, &salt, tag.as_slice())
    }

    fn verify(
        &self,
        workspace: &mut Workspace,
        secret: &Secret,
        stored: Result<StoredHash, HashError>,
    ) -> Result<Verification, HasherError> {
        let forms = Forms::of(secret);
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => {
                self.settle(workspace, &forms, 0)?;
                return Err(error.into());
            }
        };
        let (found, spent) = self.compare(workspace, &forms, &stored)?;
        match found {
            Found::Match { is_nfc } => {
                let current = is_nfc
                    && stored.scheme() == Scheme::Argon2id
                    && stored.strength() >= self.cost.strength();
                let cost =
                    stored.argon2id_cost().filter(|cost| cost.is_at_least(self.cost)).unwrap_or(self.cost);
                let upgrade = if current {
                    None
                } else {
                    Some(self.new_hash(workspace, cost, forms.nfc.as_bytes())?)
                };
                Ok(Verification::Matches { upgrade })
            }
            Found::None { too_long } => {
                self.settle(workspace, &forms, spent)?;
                Ok(too_long.map_or(Verification::Differs, |max_bytes| Verification::TooLong { max_bytes }))
            }
        }
    }

    /// Tries every form, and tells how many computations at full cost that took.
    fn compare(
        &self,
        workspace: &mut Workspace,
        forms: &Forms<'_>,
        stored: &StoredHash,
    ) -> Result<(Found, usize), WorkspaceError> {
        let mut spent = 0;
        let mut too_long = None;
        for form in forms.in_order_for(stored.scheme()) {
            if let Some(cost) = stored.argon2id_cost() {
                spent += self.count(cost);
            }
            match stored.check(form.as_bytes(), workspace)? {
                Check::Matches => {
                    return Ok((Found::Match { is_nfc: *form == *forms.nfc }, spent));
                }
                Check::Differs => {}
                Check::TooLong { max_bytes } => too_long = Some(max_bytes),
            }
        }
        Ok((Found::None { too_long }, spent))
    }

    /// Brings a failed attempt to one computation per form of the password, whatever was found.
    fn settle(
        &self,
        workspace: &mut Workspace,
        forms: &Forms<'_>,
        spent: usize,
    ) -> Result<(), WorkspaceError> {
        for _ in spent..forms.count() {
            let mut tag = Zeroizing::new([0; TAG_BYTES]);
            self.count(self.cost);
            workspace.argon2id(self.cost, forms.nfc.as_bytes(), &DUMMY_SALT, tag.as_mut_slice())?;
        }
        Ok(())
    }

    /// Counts a computation, unless it is cheaper than those made here; tells how many were counted.
    fn count(&self, cost: Cost) -> usize {
        let counted = usize::from(cost.is_at_least(self.cost));
        self.hashes_run.fetch_add(counted as u64, Ordering::Relaxed);
        counted
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("cost", &self.cost).field("size", &self.size).finish_non_exhaustive()
    }
}

/// A place in the queue, given up when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, limit: usize) -> Option<Self> {
        waiting
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < limit).then_some(waiting + 1)
            })
            .ok()
            .map(|_| Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Found {
    Match { is_nfc: bool },
    None { too_long: Option<usize> },
}

/// A password as typed and in NFC.
struct Forms<'a> {
    typed: &'a str,
    nfc: Zeroizing<String>,
}

impl<'a> Forms<'a> {
    fn of(secret: &'a Secret) -> Self {
        Self { typed: secret.expose(), nfc: nfc(secret) }
    }

    fn count(&self) -> usize {
        if *self.nfc == self.typed { 1 } else { 2 }
    }

    /// Argon2id hashes are mostly our own, made from NFC; older ones were mostly made from what was typed.
    fn in_order_for(&self, scheme: Scheme) -> impl Iterator<Item = &str> {
        let order = match scheme {
            Scheme::Argon2id => [self.nfc.as_str(), self.typed],
            _ => [self.typed, self.nfc.as_str()],
        };
        order.into_iter().take(self.count())
    }
}

fn nfc(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(ComposingNormalizerBorrowed::new_nfc().normalize(secret.expose()).into_owned())
}

#[cfg(test)]
mod tests;
