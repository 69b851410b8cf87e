/// What a round of synchronisation would delete, counted against the last complete round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deletions {
    /// Live entries at the last complete round.
    pub live: u64,
    /// Entries that the round would delete.
    pub deletes: u64,
}

/// Why deletions are held until an administrator approves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// Everything would go.
    #[error("all {live} entries would be deleted")]
    Everything {
        /// Live entries.
        live: u64,
    },
    /// More than the threshold would go.
    #[error("{deletes} entries would be deleted, more than {allowed}")]
    TooMany {
        /// Entries that would go.
        deletes: u64,
        /// The most that goes without approval.
        allowed: u64,
    },
}

/// Holds improbable deletions (T59): all of a set of any size, or more than a tenth of it, where up to 20 always pass
/// and more than 500 never do.
pub fn guard(deletions: Deletions) -> Result<(), Held> {
    let Deletions { live, deletes } = deletions;
    if live > 0 && deletes >= live {
        return Err(Held::Everything { live });
    }
    let allowed = (live / 10).clamp(20, 500);
    if deletes > allowed {
        return Err(Held::TooMany { deletes, allowed });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_exact_t59() {
        for (live, deletes, passes) in [
            (0, 0, true),
            (1, 1, false),
            (2, 1, true),
            (100, 20, true),
            (100, 21, false),
            (200, 20, true),
            (1_000, 100, true),
            (1_000, 101, false),
            (100_000, 500, true),
            (100_000, 501, false),
            (5_000, 5_000, false),
        ] {
            assert_eq!(guard(Deletions { live, deletes }).is_ok(), passes, "{deletes} of {live}");
        }
    }
}
