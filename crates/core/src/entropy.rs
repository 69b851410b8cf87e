//! Randomness as a parameter.

use std::fmt;

/// A source of random bytes fit for secrets.
///
/// 1. `fill` overwrites the whole slice and never blocks for long.
/// 2. Two calls never give related bytes, except in an implementation made for tests.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Overwrites `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}
