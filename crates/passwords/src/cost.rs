//! What one Argon2id computation costs, and how much it must cost at least.

use std::time::Duration;

use crate::scheme::{HashError, Parameter};

/// The cost of one Argon2id (version 1.3) computation.
///
/// 1. Memory in KiB, passes over it, and lanes. Lanes are computed one after the other; they change the result, not the
///    time.
/// 2. Every value that other crates can obtain lies at or above OWASP's floor ([`Cost::new`]) and at or below the caps
///    that stored hashes are read with ([`Parameter`]), so whatever is written can be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cost {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

impl Cost {
    /// The least that OWASP's Password Storage Cheat Sheet accepts, in the form that it names first: 19 MiB, two
    /// passes, one lane. About 20 to 45 ms on a core of today.
    pub const OWASP_FLOOR: Self = Self { memory_kib: 19_456, iterations: 2, parallelism: 1 };

    /// States a cost.
    ///
    /// 1. [`CostError::BelowFloor`] unless it is at least one of OWASP's equivalent settings: 47,104 KiB with one pass,
    ///    19,456 with two, 12,288 with three, 9,216 with four, 7,168 with five or more.
    /// 2. [`CostError::Caps`] above 256 MiB, 16 passes or 8 lanes (T52).
    pub fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self, CostError> {
        let cost = Self::stored(memory_kib.into(), iterations.into(), parallelism.into())?;
        if cost.meets_floor() { Ok(cost) } else { Err(CostError::BelowFloor) }
    }

    /// Picks the strongest cost that takes at most `target`, as told by `measure`.
    ///
    /// 1. `measure` runs one hash at a cost and says how long it took; nothing here reads a clock.
    /// 2. Memory grows first, at two passes, because it is what makes an attacker's hardware dear; then passes grow.
    ///    Memory stops at 64 MiB, the second recommendation of RFC 9106 §4, because every concurrent login takes that
    ///    much.
    /// 3. The answer is never below [`Cost::OWASP_FLOOR`], even when that takes longer than `target`.
    /// 4. Stops at the first cost that takes longer, so `measure` is called at most 21 times.
    pub fn calibrate(target: Duration, mut measure: impl FnMut(Self) -> Duration) -> Self {
        let memory =
            [19_456, 24_576, 32_768, 40_960, 47_104, 57_344, 65_536].map(|memory_kib| (memory_kib, 2));
        let passes = (3..=16).map(|iterations| (65_536, iterations));
        memory
            .into_iter()
            .chain(passes)
            .map(|(memory_kib, iterations)| Self { memory_kib, iterations, parallelism: 1 })
            .take_while(|&cost| measure(cost) <= target)
            .last()
            .unwrap_or(Self::OWASP_FLOOR)
    }

    /// Memory in KiB.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub const fn iterations(self) -> u32 {
        self.iterations
    }

    /// Lanes.
    pub const fn parallelism(self) -> u32 {
        self.parallelism
    }

    /// Whether an attacker pays at least as much per guess as for `other`.
    ///
    /// 1. All of OWASP's equivalent settings count as equally strong; lanes do not count.
    /// 2. A cost below the floor is never as strong as one at or above it.
    pub fn is_at_least(self, other: Self) -> bool {
        self.strength() >= other.strength()
    }

    /// A cost read from a stored hash: within the caps, but perhaps below the floor.
    pub(crate) fn stored(memory_kib: u64, iterations: u64, parallelism: u64) -> Result<Self, HashError> {
        let cost = Self {
            memory_kib: Parameter::Memory.check(memory_kib)?,
            iterations: Parameter::Passes.check(iterations)?,
            parallelism: Parameter::Lanes.check(parallelism)?,
        };
        // RFC 9106 §3.1 asks for eight blocks of 1 KiB per lane.
        let min = u64::from(8 * cost.parallelism);
        if memory_kib < min {
            let (_, max) = Parameter::Memory.range();
            return Err(HashError::Limits { parameter: Parameter::Memory, value: memory_kib, min, max });
        }
        Ok(cost)
    }

    pub(crate) fn meets_floor(self) -> bool {
        self.memory_kib >= FEWEST_KIB && self.millionths_of_floor() >= 1_000_000
    }

    /// How dear a guess is, in millionths of what it costs at OWASP's floor for the same number of passes.
    pub(crate) fn millionths_of_floor(self) -> u64 {
        let memory = u64::from(self.memory_kib) * 1_000_000;
        match self.iterations {
            0 => 0,
            1 => memory / 47_104,
            2 => memory / 19_456,
            3 => memory / 12_288,
            4 => memory / 9_216,
            // OWASP's list ends at five passes; more of them make a guess dearer in proportion.
            passes => memory * u64::from(passes) / (u64::from(FEWEST_KIB) * 5),
        }
    }
}

impl Default for Cost {
    /// [`Cost::OWASP_FLOOR`]: it holds on any machine; [`Cost::calibrate`] finds more.
    fn default() -> Self {
        Self::OWASP_FLOOR
    }
}

/// Why a cost cannot be used for new hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// Weaker than every setting that OWASP lists.
    #[error("the Argon2id cost lies below OWASP's floor of 19456 KiB with two passes")]
    BelowFloor,
    /// Outside the range in which stored hashes are read.
    #[error(transparent)]
    Caps(#[from] HashError),
}

/// The least memory in OWASP's list; below it more passes do not help, because the work fits an attacker's caches.
const FEWEST_KIB: u32 = 7_168;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owasp_equivalents_pass_and_one_kib_less_does_not() {
        for (memory, passes) in [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)] {
            let cost = Cost::new(memory, passes, 1).unwrap();
            assert!(cost.is_at_least(Cost::OWASP_FLOOR) && Cost::OWASP_FLOOR.is_at_least(cost));
            assert_eq!(Cost::new(memory - 1, passes, 1), Err(CostError::BelowFloor), "{memory}/{passes}");
        }
        assert_eq!(Cost::new(7_167, 16, 1), Err(CostError::BelowFloor), "passes do not replace memory");
        assert_eq!(Cost::new(8, 1, 1), Err(CostError::BelowFloor));
        assert_eq!(Cost::default(), Cost::OWASP_FLOOR);
    }

    #[test]
    fn costs_above_the_caps_are_refused_t52() {
        assert!(Cost::new(262_144, 16, 8).is_ok());
        for (memory, passes, lanes) in
            [(262_145, 2, 1), (19_456, 17, 1), (19_456, 2, 9), (19_456, 2, 0), (47_104, 0, 1)]
        {
            assert!(matches!(
                Cost::new(memory, passes, lanes),
                Err(CostError::Caps(HashError::Limits { .. }))
            ));
        }
    }

    #[test]
    fn more_memory_or_more_passes_are_stronger() {
        let floor = Cost::OWASP_FLOOR;
        for stronger in [Cost::new(19_457, 2, 1).unwrap(), Cost::new(19_456, 3, 1).unwrap()] {
            assert!(stronger.is_at_least(floor) && !floor.is_at_least(stronger));
        }
        for passes in 1..16 {
            let (fewer, more) =
                (Cost::new(65_536, passes, 1).unwrap(), Cost::new(65_536, passes + 1, 1).unwrap());
            assert!(more.is_at_least(fewer) && !fewer.is_at_least(more), "{passes}");
        }
        let low = Cost::stored(7_167, 16, 1).unwrap();
        assert!(floor.is_at_least(low) && !low.is_at_least(floor));
    }

    #[test]
    fn calibration_takes_the_strongest_within_the_target_and_never_less_than_the_floor() {
        let machine = |nanos_per_kib: u64| {
            move |cost: Cost| {
                Duration::from_nanos(
                    u64::from(cost.memory_kib()) * u64::from(cost.iterations()) * nanos_per_kib,
                )
            }
        };
        let target = Duration::from_millis(100);
        assert_eq!(Cost::calibrate(target, machine(100_000)), Cost::OWASP_FLOOR);
        assert_eq!(Cost::calibrate(target, machine(1_100)), Cost::new(40_960, 2, 1).unwrap());
        assert_eq!(Cost::calibrate(target, machine(300)), Cost::new(65_536, 5, 1).unwrap());
        let mut calls = 0;
        let fastest = Cost::calibrate(target, |_| {
            calls += 1;
            Duration::ZERO
        });
        assert_eq!((fastest, calls), (Cost::new(65_536, 16, 1).unwrap(), 21));
    }
}
