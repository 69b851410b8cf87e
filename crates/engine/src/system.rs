//! The machine's clock and entropy: the one place where they are read.

use std::time::{SystemTime, UNIX_EPOCH};

use throng_core::entropy::Entropy;
use throng_core::time::{Clock, Timestamp};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        Timestamp::from_micros(micros)
    }
}

/// The operating system's random bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Every system that runs this has a source that does not fail once it has been seeded, which is before any
        // program starts. Going on with bytes that somebody could guess would be worse than stopping.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}
