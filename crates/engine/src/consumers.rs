//! Applications that ask over the network: checking what they show themselves by (T46).

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use throng_core::consumer::ConsumerCredential;
use throng_core::entropy::Entropy;
use throng_core::id::ApplicationId;
use throng_core::name::Key;
use throng_core::password::{EncodedHash, PasswordPolicy};
use throng_core::registry::Label;
use throng_core::secret::Secret;
use throng_core::time::Timestamp;
use throng_passwords::hasher::{Hasher, Verification};
use throng_passwords::policy::check_new_password;

use crate::application::Application;
use crate::error::{Denial, Error, Invalid, Outage};
use crate::throng::Throng;

/// A secret that was drawn for an application: shown once, and stored as a digest.
///
/// 1. `throng_`, then 256 random bits and a check sum of them in base64url, so that scanners of leaked secrets know it
///    and a mistyped one costs nothing.
/// 2. It has no `Display`, and its `Debug` shows nothing of it; [`ApplicationSecret::expose`] is for whoever carries it
///    to the application.
#[derive(Clone, PartialEq, Eq)]
pub struct ApplicationSecret(String);

impl ApplicationSecret {
    /// The text to hand over.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        entropy.fill(&mut bytes);
        let body = URL_SAFE_NO_PAD.encode(bytes);
        let sum = check_sum(&body);
        Self(format!("{PREFIX}{body}{sum}"))
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for ApplicationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApplicationSecret(..)")
    }
}

impl Throng {
    /// Checks what an application shows itself by when it asks over the network.
    ///
    /// 1. An unknown application, an inactive one, one without a credential and a wrong credential are the same
    ///    [`Error::Denied`]. What it costs depends on what is shown alone: one password hash, or for what looks like a
    ///    drawn secret one SHA-256.
    /// 2. Failures are counted for each application and source, an IPv4 address or an IPv6 network of 64 bits; names
    ///    that no application has are counted, too. After [`Attempts::FREE`] the next is looked at only after a second,
    ///    then two, up to five minutes: until then it is [`Outage::Overloaded`] (T46). The same holds after
    ///    [`Attempts::FREE_OF_ALL`] of one source, whatever it names, so that nobody keeps the hashing busy (T50).
    ///    A drawn secret that is right waits for nothing.
    /// 3. Of attempts for one application from one source one is checked at a time, so that many at once overshoot
    ///    nothing (T44).
    /// 4. A chosen password that was right is remembered for [`Verified::LASTS`], by a digest under a key of this
    ///    process, so that each request does not cost a hash. Another credential, or switching the application off,
    ///    ends that at once.
    /// 5. From where the application may ask is told by [`Application::admits_address`]: it replaces nothing here.
    pub async fn authenticate_application(
        &self,
        name: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Application, Error> {
        let mark = self.0.consumers.verified.mark(name, password);
        if let Some(application) = self.remembered(&mark) {
            return Ok(application);
        }
        // A right one that was drawn cannot be a guess: nobody who shares its address can make it wait.
        if is_drawn(password)
            && let Ok((application, _)) = self.check_application(name, password).await
        {
            return Ok(application);
        }
        let now = self.0.clock.now();
        let any = self.0.consumers.attempts.gate(source_of_all(from), now);
        let gate = self.0.consumers.attempts.gate(source(name, from), now);
        let mut failures = gate.lock().await;
        if let Some(application) = self.remembered(&mark) {
            return Ok(application);
        }
        let now = self.0.clock.now();
        let wait = failures.wait(now, Attempts::FREE).max(any.lock().await.wait(now, Attempts::FREE_OF_ALL));
        if let Some(retry_after) = wait {
            return Err(Outage::Overloaded { retry_after }.into());
        }
        match self.check_application(name, password).await {
            Ok((application, credential)) => {
                *failures = Failures::default();
                drop(failures);
                self.0.consumers.attempts.forget(source(name, from));
                if matches!(credential, ConsumerCredential::Chosen(_)) {
                    self.0.consumers.verified.note(mark, application.id(), credential, self.0.clock.now());
                }
                Ok(application)
            }
            Err(error) => {
                // An outage is no guess.
                if matches!(error, Error::Denied { .. }) {
                    let now = self.0.clock.now();
                    failures.count(now, Attempts::FREE);
                    any.lock().await.count(now, Attempts::FREE_OF_ALL);
                }
                Err(error)
            }
        }
    }

    /// Lets an application show itself by a password that somebody chose. [`Invalid::Policy`] when it is too weak, or
    /// looks like a drawn secret; [`Application::draw_password`] is the better way.
    pub async fn set_application_password(
        &self,
        application: ApplicationId,
        password: &str,
    ) -> Result<(), Error> {
        let secret = Secret::new(password)?;
        let application = Application::new(self.clone(), application);
        let name = application.record()?.name;
        let policy = PasswordPolicy { blocklist: vec![PREFIX.to_owned()], ..PasswordPolicy::default() };
        check_new_password(&policy, &secret, &[name.as_str()])
            .map_err(|broken| Error::Invalid(Invalid::Policy(broken)))?;
        if is_drawn(password) {
            return Err(Error::Invalid(Invalid::Text("password")));
        }
        let hash = self.0.hasher.hash(&secret).await?;
        application.set_credential(Some(ConsumerCredential::Chosen(hash))).await
    }

    async fn check_application(
        &self,
        name: &str,
        password: &str,
    ) -> Result<(Application, ConsumerCredential), Error> {
        let refused = || Error::denied(Denial::Consumer);
        let secret = Secret::new(password).map_err(|_| refused())?;
        let known = Label::new(name).ok().and_then(|label| self.config().application_named(&label.key()));
        let credential = known.and_then(|id| self.config().consumer(id)?.credential.clone());
        let matches = if is_drawn(password) {
            let kept = match &credential {
                Some(ConsumerCredential::Drawn(digest)) => *digest,
                Some(ConsumerCredential::Chosen(_)) | None => [0; 32],
            };
            let shown: [u8; 32] = Sha256::digest(password.as_bytes()).into();
            bool::from(shown.ct_eq(&kept))
        } else {
            let kept = match &credential {
                Some(ConsumerCredential::Chosen(hash)) => Some(hash),
                Some(ConsumerCredential::Drawn(_)) | None => None,
            };
            verify(&self.0.hasher, &secret, kept).await?
        };
        match (known, credential, matches) {
            (Some(id), Some(credential), true) if self.is_in_service(id) => {
                Ok((Application::new(self.clone(), id), credential))
            }
            _ => Err(refused()),
        }
    }

    fn remembered(&self, mark: &Mark) -> Option<Application> {
        let (id, credential) = self.0.consumers.verified.find(mark, self.0.clock.now())?;
        let kept = self.config().consumer(id)?.credential.clone();
        (kept == Some(credential) && self.is_in_service(id)).then(|| Application::new(self.clone(), id))
    }

    fn is_in_service(&self, id: ApplicationId) -> bool {
        self.config().in_use(id).is_some_and(|app| app.record.active)
    }
}

/// What is remembered between requests of applications. Shared by clones, gone with the process.
#[derive(Debug)]
pub(crate) struct Consumers {
    attempts: Attempts,
    verified: Verified,
}

impl Consumers {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self { attempts: Attempts::default(), verified: Verified { key, known: Mutex::default() } }
    }
}

/// Whom attempts are counted for: the digest of a name's key, and where they come from.
type Source = ([u8; 32], u128);

/// Failed attempts by application and source.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<Source, Arc<tokio::sync::Mutex<Failures>>>>);

impl Attempts {
    /// Failures that cost nobody time: a mistyped password after a change of it.
    pub const FREE: u32 = 5;
    /// Failures of one source over all names that cost it no time: a machine may have several applications.
    pub const FREE_OF_ALL: u32 = 50;
    /// Most sources that are remembered; then the one whose wait ends first is forgotten.
    pub const MAX_HELD: usize = 10_000;
    /// How long after its wait a source is forgiven.
    pub const FORGIVEN: Duration = Duration::from_secs(15 * 60);
    /// The longest wait.
    pub const LONGEST: Duration = Duration::from_secs(300);

    fn gate(&self, source: Source, now: Timestamp) -> Arc<tokio::sync::Mutex<Failures>> {
        let mut held = locked(&self.0);
        if held.len() >= Self::MAX_HELD && !held.contains_key(&source) {
            // One that is being checked right now is never the first to end.
            let ends = |gate: &tokio::sync::Mutex<Failures>| gate.try_lock().ok().map(|kept| kept.until);
            held.retain(|_, gate| ends(gate).is_none_or(|until| until.plus(Self::FORGIVEN) > now));
            let first = held.iter().filter_map(|(source, gate)| Some((ends(gate)?, *source))).min();
            if let Some((_, first)) = first.filter(|_| held.len() >= Self::MAX_HELD) {
                held.remove(&first);
            }
        }
        Arc::clone(held.entry(source).or_default())
    }

    fn forget(&self, source: Source) {
        let mut held = locked(&self.0);
        // Whoever waits for the gate has it, too, and goes on counting in it.
        if held.get(&source).is_some_and(|gate| Arc::strong_count(gate) <= 2) {
            held.remove(&source);
        }
    }
}

/// Failures of one source.
#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    until: Timestamp,
}

impl Default for Failures {
    fn default() -> Self {
        Self { count: 0, until: Timestamp::from_micros(i64::MIN) }
    }
}

impl Failures {
    /// How long to wait still.
    fn wait(&self, now: Timestamp, free: u32) -> Option<Duration> {
        (self.count >= free && now < self.until).then(|| self.until.since(now))
    }

    fn count(&mut self, now: Timestamp, free: u32) {
        if self.until.plus(Attempts::FORGIVEN) <= now {
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        let doubled = match self.count.checked_sub(free) {
            Some(over) => Duration::from_secs(1_u64 << over.min(16)),
            None => Duration::ZERO,
        };
        self.until = now.plus(doubled.min(Attempts::LONGEST));
    }
}

/// A digest of a name and a password under a key of this process.
type Mark = [u8; 32];

/// Chosen passwords that were right a moment ago.
pub struct Verified {
    key: [u8; 32],
    known: Mutex<HashMap<Mark, Right>>,
}

/// What a password was right for.
struct Right {
    application: ApplicationId,
    credential: ConsumerCredential,
    until: Timestamp,
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified(..)")
    }
}

impl Verified {
    /// How long a password is remembered.
    pub const LASTS: Duration = Duration::from_secs(60);
    /// Most passwords that are remembered: one for each application, and former spellings of their names.
    pub const MAX_HELD: usize = 1_000;

    fn mark(&self, name: &str, password: &str) -> Mark {
        let mut digest = Sha256::new();
        digest.update(self.key);
        digest.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(name.as_bytes());
        digest.update(password.as_bytes());
        digest.finalize().into()
    }

    fn find(&self, mark: &Mark, now: Timestamp) -> Option<(ApplicationId, ConsumerCredential)> {
        let known = locked(&self.known);
        let right = known.get(mark).filter(|right| now < right.until)?;
        Some((right.application, right.credential.clone()))
    }

    fn note(&self, mark: Mark, application: ApplicationId, credential: ConsumerCredential, now: Timestamp) {
        let mut known = locked(&self.known);
        if known.len() >= Self::MAX_HELD {
            known.retain(|_, right| now < right.until);
        }
        if known.len() < Self::MAX_HELD {
            known.insert(mark, Right { application, credential, until: now.plus(Self::LASTS) });
        }
    }
}

/// How a drawn secret begins.
const PREFIX: &str = "throng_";
/// Twice the 128 bits that a plain digest asks for.
const SECRET_BYTES: usize = 32;
/// Those bytes in base64url.
const BODY_CHARS: usize = 43;
/// Three bytes in base64url.
const SUM_CHARS: usize = 4;

fn check_sum(body: &str) -> String {
    let mut sum = URL_SAFE_NO_PAD.encode(Sha256::digest(body.as_bytes()));
    sum.truncate(SUM_CHARS);
    sum
}

/// Whether a text has the form of a drawn secret, check sum included.
fn is_drawn(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(PREFIX) else { return false };
    rest.len() == BODY_CHARS + SUM_CHARS
        && rest.split_at_checked(BODY_CHARS).is_some_and(|(body, sum)| check_sum(body) == sum)
}

async fn verify(hasher: &Hasher, secret: &Secret, kept: Option<&EncodedHash>) -> Result<bool, Error> {
    let Some(hash) = kept else {
        hasher.spend(secret).await?;
        return Ok(false);
    };
    match hasher.verify(secret, hash).await? {
        Verification::Matches { .. } => Ok(true),
        Verification::Differs | Verification::TooLong { .. } => Ok(false),
    }
}

fn source(name: &str, from: IpAddr) -> Source {
    (Sha256::digest(Key::of(name).as_bytes()).into(), network(from))
}

/// What a source is counted under whatever it names: no digest is that of nothing but zeros.
fn source_of_all(from: IpAddr) -> Source {
    ([0; 32], network(from))
}

fn network(from: IpAddr) -> u128 {
    match from.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        // Whoever has one IPv6 address has the whole network of 64 bits.
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use throng_core::time::Timestamp;

    use super::*;

    #[test]
    fn a_wait_doubles_up_to_five_minutes_and_is_forgiven_t46() {
        let mut failures = Failures::default();
        let mut now = Timestamp::from_micros(0);
        let mut waits = Vec::new();
        for _ in 0..16 {
            failures.count(now, Attempts::FREE);
            let wait = failures.wait(now, Attempts::FREE).unwrap_or_default();
            waits.push(wait.as_secs());
            now = now.plus(wait);
            assert_eq!(failures.wait(now, Attempts::FREE), None);
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        failures.count(now.plus(Attempts::FORGIVEN), Attempts::FREE);
        assert_eq!(failures.count, 1);
    }

    #[test]
    fn the_table_of_sources_is_bounded() {
        let attempts = Attempts::default();
        let now = Timestamp::from_micros(0);
        for n in 0..u32::try_from(Attempts::MAX_HELD).unwrap() + 100 {
            let from = IpAddr::from(n.to_be_bytes());
            let gate = attempts.gate(source("wiki", from), now);
            gate.try_lock().unwrap().count(now, Attempts::FREE);
        }
        assert_eq!(locked(&attempts.0).len(), Attempts::MAX_HELD);
        attempts.forget(source("wiki", IpAddr::from(5_000_u32.to_be_bytes())));
        assert_eq!(locked(&attempts.0).len(), Attempts::MAX_HELD - 1);
    }

    #[test]
    fn sources_are_told_apart_by_network_and_application_t75() {
        let of = |name, address: &str| source(name, address.parse().unwrap());
        assert_eq!(of("wiki", "10.0.0.1"), of("WIKI", "::ffff:10.0.0.1"));
        assert_eq!(of("wiki", "2001:db8::1"), of("wiki", "2001:db8::2:0"));
        assert_ne!(of("wiki", "2001:db8::1"), of("wiki", "2001:db8:0:1::1"));
        assert_ne!(of("wiki", "10.0.0.1"), of("shop", "10.0.0.1"));
        assert_ne!(of("wiki", "10.0.0.1"), of("wiki", "10.0.0.2"));
    }

    #[test]
    fn a_drawn_secret_is_known_by_its_form_t46() {
        let drawn = ApplicationSecret::draw(&crate::system::SystemEntropy);
        assert!(is_drawn(drawn.expose()));
        assert_eq!(drawn.expose().len(), PREFIX.len() + BODY_CHARS + SUM_CHARS);
        assert_ne!(drawn, ApplicationSecret::draw(&crate::system::SystemEntropy));
        assert_eq!(format!("{drawn:?}"), "ApplicationSecret(..)");
        let mut mistyped = drawn.expose().to_owned();
        let last = mistyped.pop();
        mistyped.push(if last == Some('A') { 'B' } else { 'A' });
        for other in ["", "throng_", &mistyped, &drawn.expose()[1..], &format!("throng_{}", "ä".repeat(30))]
        {
            assert!(!is_drawn(other), "{other}");
        }
    }
}
