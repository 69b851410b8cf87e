use std::time::Duration;

use crate::time::Timestamp;

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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
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
    /// Small deletions have added up to more than the threshold.
    #[error("{deletes} entries would be deleted within a week, more than {allowed}")]
    TooManyInAWeek {
        /// Entries that would have gone since the week began.
        deletes: u64,
        /// The most that goes in a week without approval.
        allowed: u64,
    },
    /// Somebody or something would go that configuration protects.
    #[error("something that is protected would be deleted")]
    Protected,
    /// A group would lose most of its members.
    #[error("a group of {members} would lose {leaving} members")]
    MostOfAGroup {
        /// Its members now.
        members: u64,
        /// Those that it would lose.
        leaving: u64,
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

/// Holds the removals from one group when it has at least 50 members and would lose more than half of them (T59).
pub fn guard_members(members: u64, leaving: u64) -> Result<(), Held> {
    const SMALL: u64 = 50;
    if members >= SMALL && leaving > members / 2 {
        return Err(Held::MostOfAGroup { members, leaving });
    }
    Ok(())
}

/// Whether so few entries could not be read that a round may still delete (T67): at most a twentieth of those read.
/// A handful is always borne: one bad entry of three is no sign of a broken source.
pub fn bears_unreadable(read: u64, unreadable: u64) -> bool {
    const HANDFUL: u64 = 5;
    unreadable <= (read / 20).max(HANDFUL)
}

/// Deletions of the last days, so that many small losses are seen as the large one that they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RecentDeletions {
    /// When counting began.
    pub since: Timestamp,
    /// Live entries then.
    pub live: u64,
    /// Entries deleted since then.
    pub deleted: u64,
}

impl RecentDeletions {
    /// How long deletions are counted together.
    pub const WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// Begins to count when none are counted yet or the window is over.
    pub fn at(kept: Option<Self>, now: Timestamp, live: u64) -> Self {
        match kept {
            Some(kept) if now.since(kept.since) < Self::WINDOW => kept,
            Some(_) | None => Self { since: now, live, deleted: 0 },
        }
    }

    /// Holds deletions that would make more than a fifth of a week's beginning; up to 20 always pass.
    pub fn guard(&self, deletes: u64) -> Result<(), Held> {
        let (deletes, allowed) = (self.deleted.saturating_add(deletes), (self.live / 5).max(20));
        if deletes > allowed { Err(Held::TooManyInAWeek { deletes, allowed }) } else { Ok(()) }
    }
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

    #[test]
    fn a_group_loses_no_more_than_half_t59() {
        for (members, leaving, passes) in
            [(49, 49, true), (50, 25, true), (50, 26, false), (101, 50, true), (101, 51, false), (0, 0, true)]
        {
            assert_eq!(guard_members(members, leaving).is_ok(), passes, "{leaving} of {members}");
        }
    }

    #[test]
    fn a_twentieth_may_be_unreadable_t67() {
        for (read, unreadable, borne) in [
            (0, 0, true),
            (3, 1, true),
            (100, 5, true),
            (100, 6, false),
            (1_000, 50, true),
            (1_000, 51, false),
        ] {
            assert_eq!(bears_unreadable(read, unreadable), borne, "{unreadable} of {read}");
        }
    }

    #[test]
    fn small_losses_add_up_over_a_week_and_no_longer_t59() {
        let day = |days: i64| Timestamp::from_micros(days * 24 * 60 * 60 * 1_000_000);
        let mut recent = RecentDeletions::at(None, day(0), 1_000);
        assert_eq!(recent.guard(90), Ok(()));
        recent.deleted = 180;
        recent = RecentDeletions::at(Some(recent), day(6), 820);
        assert_eq!(recent.guard(20), Ok(()));
        assert_eq!(recent.guard(21), Err(Held::TooManyInAWeek { deletes: 201, allowed: 200 }));
        let next = RecentDeletions::at(Some(recent), day(7), 820);
        assert_eq!((next.deleted, next.live), (0, 820));
        assert_eq!(RecentDeletions::at(None, day(0), 1).guard(20), Ok(()));
    }
}
