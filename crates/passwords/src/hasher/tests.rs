use std::sync::atomic::AtomicU8;
use std::sync::mpsc;

use throng_core::time::Timestamp;

use super::*;
use crate::scheme::vectors::{
    ARGON2ID, ARGON2ID_EQUIVALENT, ARGON2ID_NFD, ARGON2ID_WEAK, BCRYPT_72, CROWD, PASSWORD, PASSWORD_NFD,
    SSHA_NFD, VECTORS,
};

/// Every draw is the next byte, repeated.
#[derive(Debug, Default)]
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// Says that a blocking thread draws a salt, and holds it up until the other end of `leave` speaks or is dropped.
#[derive(Debug)]
struct Gate {
    entered: mpsc::Sender<()>,
    leave: Mutex<mpsc::Receiver<()>>,
}

impl Entropy for Gate {
    fn fill(&self, bytes: &mut [u8]) {
        self.entered.send(()).unwrap();
        let _ = self.leave.lock().unwrap().recv();
        bytes.fill(1);
    }
}

fn config(cores: usize) -> HasherConfig {
    HasherConfig::new(NonZeroUsize::new(cores).unwrap())
}

fn hasher() -> Hasher {
    Hasher::new(config(2), Arc::new(Counting::default()))
}

/// For tests of the pool, where the hash itself does not matter.
fn quick(cores: usize, entropy: Arc<dyn Entropy>) -> Hasher {
    Hasher::new(HasherConfig { cost: Cost::stored(64, 1, 1).unwrap(), ..config(cores) }, entropy)
}

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn stored(text: &str) -> EncodedHash {
    EncodedHash::new(text).unwrap()
}

fn upgrade(verification: Verification) -> Option<EncodedHash> {
    match verification {
        Verification::Matches { upgrade } => upgrade,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_hash_opens_for_its_password_and_costs_what_was_asked() {
    let hasher = hasher();
    let hash = hasher.hash(&secret("correct horse")).await.unwrap();
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"));
    assert_eq!(
        hasher.verify(&secret("correct horse"), &hash).await,
        Ok(Verification::Matches { upgrade: None })
    );
    assert_eq!(hasher.verify(&secret("correct house"), &hash).await, Ok(Verification::Differs));
    assert_eq!(hasher.verify(&secret(hash.expose()), &hash).await, Ok(Verification::Differs), "P10, T55");
    assert_ne!(hasher.hash(&secret("correct horse")).await.unwrap(), hash, "another salt");
}

#[tokio::test]
async fn golden_vectors_open_directly_through_wrap_and_through_upgrade_r725_t57() {
    let hasher = hasher();
    for (password, text) in CROWD {
        let (right, wrong) = (secret(password), secret("Password"));
        let replaced = upgrade(hasher.verify(&right, &stored(text)).await.unwrap()).unwrap();
        assert_eq!(hasher.verify(&right, &replaced).await, Ok(Verification::Matches { upgrade: None }));
        assert_eq!(hasher.verify(&wrong, &stored(text)).await, Ok(Verification::Differs));

        let wrapped = hasher.wrap(&stored(text)).await.unwrap();
        assert!(wrapped.expose().starts_with("$throng-wrap$pbkdf2-sha1,r=10000,l=32,s="));
        assert_eq!(hasher.verify(&wrong, &wrapped).await, Ok(Verification::Differs));
        let unwrapped = upgrade(hasher.verify(&right, &wrapped).await.unwrap()).unwrap();
        assert!(unwrapped.expose().starts_with("$argon2id$"));
        assert_eq!(hasher.verify(&right, &unwrapped).await, Ok(Verification::Matches { upgrade: None }));
    }
}

#[tokio::test]
async fn every_legacy_match_is_replaced_by_argon2id_at_the_cost_of_one_hash_r723_t53() {
    let hasher = hasher();
    for text in VECTORS {
        let before = hasher.hashes_run();
        let replaced = upgrade(hasher.verify(&secret(PASSWORD), &stored(text)).await.unwrap()).unwrap();
        assert_eq!(hasher.hashes_run() - before, 1, "{text}");
        assert!(replaced.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
    }
}

#[tokio::test]
async fn every_attempt_spends_one_hash_t50_g8() {
    let hasher = hasher();
    let wrapped = hasher.wrap(&stored(CROWD[0].1)).await.unwrap();
    let wrapped_weak = hasher.wrap(&stored(ARGON2ID_WEAK)).await.unwrap();
    let over = ARGON2ID.replace("m=19456", "m=4294967295");
    for (state, password, text) in [
        ("current, right", PASSWORD, ARGON2ID),
        ("current, wrong", "wrong", ARGON2ID),
        ("equivalent, right", PASSWORD, ARGON2ID_EQUIVALENT),
        ("equivalent, wrong", "wrong", ARGON2ID_EQUIVALENT),
        ("weaker Argon2id, wrong", "wrong", ARGON2ID_WEAK),
        ("legacy, wrong", "wrong", CROWD[0].1),
        ("unsalted, wrong", "wrong", VECTORS[4]),
        ("wrapped, wrong", "wrong", wrapped.expose()),
        ("wrapped Argon2id, wrong", "wrong", wrapped_weak.expose()),
        ("bcrypt, too long", &"a".repeat(73), BCRYPT_72),
        ("unsupported", "wrong", "{CRYPT}!"),
        ("over the caps", "wrong", &over),
        ("malformed", "wrong", "{PKCS5S2}AAAA"),
    ] {
        let before = hasher.hashes_run();
        let _ = hasher.verify(&secret(password), &stored(text)).await;
        assert_eq!(hasher.hashes_run() - before, 1, "{state}");
    }
    let before = hasher.hashes_run();
    hasher.spend(&secret("nobody's password")).await.unwrap();
    assert_eq!(hasher.hashes_run() - before, 1, "unknown user");

    let before = hasher.hashes_run();
    assert!(upgrade(hasher.verify(&secret("password"), &wrapped).await.unwrap()).is_some());
    assert_eq!(hasher.hashes_run() - before, 2, "a wrapped hash is verified and replaced, once");
}

#[tokio::test]
async fn a_failure_spends_one_hash_for_each_form_whatever_is_stored_t58() {
    let hasher = hasher();
    let wrapped = hasher.wrap(&stored(CROWD[0].1)).await.unwrap();
    let decomposed = secret("e\u{301}");
    for text in [ARGON2ID, ARGON2ID_WEAK, CROWD[0].1, wrapped.expose(), "{CRYPT}!"] {
        let before = hasher.hashes_run();
        let _ = hasher.verify(&decomposed, &stored(text)).await;
        assert_eq!(hasher.hashes_run() - before, 2, "{text}");
    }
    let before = hasher.hashes_run();
    hasher.spend(&decomposed).await.unwrap();
    assert_eq!(hasher.hashes_run() - before, 2);
}

#[tokio::test]
async fn hashes_that_cannot_be_read_are_typed_errors() {
    let hasher = hasher();
    let any = secret("any");
    assert_eq!(hasher.verify(&any, &stored("*")).await, Err(HashError::Unsupported.into()));
    assert_eq!(hasher.wrap(&stored("*")).await, Err(HashError::Unsupported.into()));
    let over = stored(&ARGON2ID.replace("t=2", "t=4294967295"));
    assert!(matches!(hasher.verify(&any, &over).await, Err(HasherError::Hash(HashError::Limits { .. }))));

    let small =
        Hasher::new(HasherConfig { memory_budget_kib: 1, ..config(4) }, Arc::new(Counting::default()));
    assert_eq!(small.parallel_hashes(), 1);
    let beyond_the_budget = stored(&ARGON2ID.replace("m=19456", "m=19457"));
    let expected = HashError::Limits { parameter: Parameter::Memory, value: 19_457, min: 8, max: 19_456 };
    assert_eq!(small.verify(&any, &beyond_the_budget).await, Err(expected.into()));
    assert_eq!(small.hashes_run(), 1);
}

#[tokio::test]
async fn composed_and_decomposed_passwords_are_one_t58() {
    let hasher = hasher();
    let (nfc, nfd) = (secret(PASSWORD), secret(PASSWORD_NFD));
    for new in [hasher.hash(&nfc).await.unwrap(), hasher.hash(&nfd).await.unwrap(), stored(ARGON2ID)] {
        assert_eq!(hasher.verify(&nfc, &new).await, Ok(Verification::Matches { upgrade: None }));
        assert_eq!(hasher.verify(&nfd, &new).await, Ok(Verification::Matches { upgrade: None }));
    }
    let wrapped = hasher.wrap(&stored(VECTORS[0])).await.unwrap();
    for composed in [stored(VECTORS[0]), stored(VECTORS[2]), wrapped] {
        for typed in [&nfc, &nfd] {
            let replaced = upgrade(hasher.verify(typed, &composed).await.unwrap()).unwrap();
            assert_eq!(hasher.verify(&nfc, &replaced).await, Ok(Verification::Matches { upgrade: None }));
        }
    }
    for decomposed in [SSHA_NFD, ARGON2ID_NFD] {
        let replaced = upgrade(hasher.verify(&nfd, &stored(decomposed)).await.unwrap()).unwrap();
        assert_eq!(hasher.verify(&nfc, &replaced).await, Ok(Verification::Matches { upgrade: None }));
        assert_eq!(hasher.verify(&nfc, &stored(decomposed)).await, Ok(Verification::Differs), "{decomposed}");
    }
}

#[tokio::test]
async fn bcrypt_refuses_passwords_over_72_bytes_directly_and_wrapped_p08() {
    let hasher = hasher();
    let wrapped = hasher.wrap(&stored(BCRYPT_72)).await.unwrap();
    for hash in [stored(BCRYPT_72), wrapped] {
        assert!(upgrade(hasher.verify(&secret(&"a".repeat(72)), &hash).await.unwrap()).is_some());
        let longer = secret(&("a".repeat(72) + "XYZ"));
        assert_eq!(hasher.verify(&longer, &hash).await, Ok(Verification::TooLong { max_bytes: 72 }));
    }
}

#[tokio::test]
async fn strength_never_falls_and_rises_with_the_configured_cost_t53() {
    let stronger = Cost::new(19_456, 3, 1).unwrap();
    let raised = Hasher::new(HasherConfig { cost: stronger, ..config(2) }, Arc::new(Counting::default()));
    let right = secret(PASSWORD);
    let replaced = upgrade(raised.verify(&right, &stored(ARGON2ID)).await.unwrap()).unwrap();
    assert!(replaced.expose().contains("m=19456,t=3,p=1"));
    assert_eq!(raised.hashes_run(), 1);

    let floor = hasher();
    assert_eq!(floor.verify(&right, &replaced).await, Ok(Verification::Matches { upgrade: None }));
    let wrapped = raised.wrap(&stored(VECTORS[0])).await.unwrap();
    let unwrapped = upgrade(floor.verify(&right, &wrapped).await.unwrap()).unwrap();
    assert!(unwrapped.expose().contains("m=19456,t=3,p=1"), "not weaker than the wrapping");
}

#[tokio::test]
async fn wrapping_leaves_strong_and_wrapped_hashes_alone_t57() {
    let hasher = hasher();
    assert_eq!(hasher.wrap(&stored(ARGON2ID)).await, Ok(stored(ARGON2ID)));
    assert_eq!(hasher.hashes_run(), 0);
    let wrapped = hasher.wrap(&stored(VECTORS[4])).await.unwrap();
    assert_eq!(hasher.wrap(&wrapped).await, Ok(wrapped));
    assert_eq!(hasher.hashes_run(), 1);
}

#[tokio::test]
async fn history_counts_the_current_password_r713_q17() {
    let hasher = hasher();
    // Weak hashes keep the test quick; the newest former password comes first.
    let former = [ARGON2ID_WEAK, BCRYPT_72].map(stored).to_vec();
    let credential = |hash| Credential {
        hash,
        history: former.clone(),
        changed_at: Timestamp::from_micros(0),
        failed_attempts: 0,
        must_change: false,
    };
    let usable = credential(CredentialState::Usable(stored(CROWD[0].1)));
    let (current, latest, oldest) = (secret("password"), secret(PASSWORD_NFD), secret(&"a".repeat(72)));
    for (history, reused) in
        [(0, [false; 3]), (1, [true, false, false]), (2, [true, true, false]), (3, [true; 3])]
    {
        let policy = PasswordPolicy { history, ..PasswordPolicy::default() };
        for (password, reused) in [&current, &latest, &oldest].into_iter().zip(reused) {
            let expected = if reused { Reuse::Reused } else { Reuse::Fresh };
            assert_eq!(
                hasher.check_history(&policy, password, &usable).await,
                Ok(expected),
                "{history} {password:?}"
            );
        }
        assert_eq!(hasher.check_history(&policy, &secret("never used"), &usable).await, Ok(Reuse::Fresh));
    }
    let policy = PasswordPolicy { history: 3, ..PasswordPolicy::default() };
    let unreadable = credential(CredentialState::Quarantined(stored("*")));
    assert_eq!(hasher.check_history(&policy, &latest, &unreadable).await, Ok(Reuse::Reused));
    let absent = credential(CredentialState::Absent);
    assert_eq!(hasher.check_history(&policy, &current, &absent).await, Ok(Reuse::Fresh));
}

#[test]
fn the_pool_is_as_large_as_cores_and_memory_allow_t50() {
    let entropy: Arc<dyn Entropy> = Arc::new(Counting::default());
    for (cores, memory_budget_kib, expected) in
        [(1, 262_144, 1), (4, 262_144, 4), (64, 262_144, 13), (4, 40_000, 2), (4, 19_456, 1), (4, 0, 1)]
    {
        let hasher = Hasher::new(HasherConfig { memory_budget_kib, ..config(cores) }, Arc::clone(&entropy));
        assert_eq!(hasher.parallel_hashes(), expected, "{cores} {memory_budget_kib}");
    }
    let hasher = Hasher::new(config(64), entropy);
    for (memory_kib, expected) in [(0, 1), (8, 1), (19_456, 1), (19_457, 2), (65_536, 4), (262_144, 13)] {
        assert_eq!(hasher.0.permits_for(memory_kib), expected, "{memory_kib}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_turns_away_at_once_and_a_long_wait_at_its_deadline_t50() {
    let hasher = quick(2, Arc::new(Counting::default()));
    let held = Arc::clone(&hasher.0.permits).try_acquire_many_owned(2).unwrap();
    let overloaded = HasherError::Overloaded { retry_after: Duration::from_secs(2) };
    let begun = tokio::time::Instant::now();
    let waiting: Vec<_> = (0..16)
        .map(|_| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.spend(&secret("any")).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(hasher.queue_depth(), 16);
    assert_eq!(hasher.spend(&secret("any")).await, Err(overloaded));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    for waiter in waiting {
        assert_eq!(waiter.await.unwrap(), Err(overloaded));
    }
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!((hasher.queue_depth(), hasher.hashes_run()), (0, 0));
    drop(held);
    assert_eq!(hasher.spend(&secret("any")).await, Ok(()));
}

#[tokio::test]
async fn a_caller_that_leaves_the_queue_gives_up_its_place_t50() {
    let hasher = quick(1, Arc::new(Counting::default()));
    let held = Arc::clone(&hasher.0.permits).try_acquire_owned().unwrap();
    let task = tokio::spawn({
        let hasher = hasher.clone();
        async move { hasher.spend(&secret("any")).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(hasher.queue_depth(), 1);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(hasher.queue_depth(), 0);
    drop(held);
    assert_eq!(hasher.spend(&secret("any")).await, Ok(()));
    assert_eq!(hasher.hashes_run(), 1, "the one that left computed nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_future_keeps_its_place_until_the_computation_ends_t50() {
    let (entered, has_entered) = mpsc::channel();
    let (may_leave, leave) = mpsc::channel();
    let hasher = quick(1, Arc::new(Gate { entered, leave: Mutex::new(leave) }));
    let task = tokio::spawn({
        let hasher = hasher.clone();
        async move { hasher.hash(&secret("any")).await }
    });
    has_entered.recv().unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(hasher.0.permits.available_permits(), 0, "the computation still runs");
    may_leave.send(()).unwrap();
    let _permit = hasher.0.permits.acquire().await.unwrap();
    assert_eq!(hasher.hashes_run(), 1);
}

#[tokio::test]
async fn memory_is_reused_and_never_more_than_the_permits_hold() {
    let hasher = hasher();
    let wide = stored(&ARGON2ID.replace("m=19456,t=2", "m=40000,t=1"));
    assert_eq!(hasher.verify(&secret("any"), &wide).await, Ok(Verification::Differs));
    for _ in 0..3 {
        hasher.spend(&secret("any")).await.unwrap();
    }
    let _all = hasher.0.permits.acquire_many(2).await.unwrap();
    let idle = hasher.0.idle.lock().unwrap();
    assert!((1..=2).contains(&idle.len()));
    for workspace in idle.iter() {
        assert_eq!(format!("{workspace:?}"), "Workspace(19456 KiB)");
    }
}
