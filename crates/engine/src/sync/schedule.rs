//! When rounds are due.

use std::time::Duration;

use throng_core::id::DirectoryId;
use throng_core::sync::{MirrorState, Schedule};
use throng_core::time::Timestamp;

use crate::error::{Error, Invalid};

/// How often it is looked whether a round is due: a tenth of the shortest interval.
pub(super) const LOOK: Duration = Duration::from_secs(6);

/// The shortest interval: rounds that follow one another at once are a load and no news.
const SHORTEST: Duration = Duration::from_secs(60);
/// The longest interval: beyond a month, a mirror is forgotten rather than kept.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// How long it is waited after the first failure; twice as long after each further one.
pub(super) const AFTER_A_FAILURE: Duration = Duration::from_secs(60);

/// Refuses a schedule that names no moments (G03), as [`Throng::mirrored_directory`] and [`Throng::update_directory`]
/// do: for whoever looks at a configuration as a whole before anything of it is put to use.
///
/// 1. An interval has a minute to 31 days.
/// 2. A cron expression can be read, and the feature `cron` is on.
/// 3. Everything else is [`Invalid::Schedule`].
///
/// [`Throng::mirrored_directory`]: crate::Throng::mirrored_directory
/// [`Throng::update_directory`]: crate::Throng::update_directory
pub fn check_schedule(schedule: &Schedule) -> Result<(), Error> {
    match schedule {
        Schedule::OnRequest => Ok(()),
        Schedule::Every { interval } if (SHORTEST..=LONGEST).contains(interval) => Ok(()),
        Schedule::Every { .. } => {
            Err(Error::Invalid(Invalid::Schedule("an interval has a minute to 31 days")))
        }
        Schedule::Cron(text) => cron::check(text),
    }
}

/// The moment at which the next round is due; at once where there was none yet, `None` where only requests make one.
///
/// After failures it is tried again soon, and less and less often, but never later than the schedule says (T70).
pub(super) fn next(
    schedule: &Schedule,
    state: &MirrorState,
    directory: DirectoryId,
) -> Result<Option<Timestamp>, Error> {
    let Some(ended) = state.ended_at else {
        return Ok(match schedule {
            Schedule::OnRequest => None,
            Schedule::Every { .. } | Schedule::Cron(_) => Some(Timestamp::from_micros(i64::MIN)),
        });
    };
    let planned = match schedule {
        Schedule::OnRequest => return Ok(None),
        Schedule::Every { interval } => {
            ended.plus(interval.saturating_sub(jitter(*interval, directory, ended)))
        }
        Schedule::Cron(text) => cron::following(text, ended)?,
    };
    Ok(Some(match state.failed_in_a_row {
        0 => planned,
        failures => planned.min(ended.plus(AFTER_A_FAILURE * 2_u32.saturating_pow(failures.min(16) - 1))),
    }))
}

/// Up to a tenth of an interval, another for each mirror and each round, and the same whoever asks.
fn jitter(interval: Duration, directory: DirectoryId, ended: Timestamp) -> Duration {
    let [a, b, c, d, ..] = *directory.as_bytes();
    let seed = u64::from(u32::from_le_bytes([a, b, c, d])) ^ ended.as_micros().unsigned_abs();
    // The top bits of a product with an odd constant depend on all bits of the seed (Knuth's multiplicative hash).
    let spread = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let share = u32::try_from(spread & 0xffff).unwrap_or(0);
    interval / 10 * share / 0x1_0000
}

#[cfg(feature = "cron")]
mod cron {
    use std::str::FromStr;

    use croner::Cron;
    use jiff::tz::TimeZone;
    use throng_core::time::Timestamp;

    use crate::error::{Error, Invalid};

    pub(super) fn check(text: &str) -> Result<(), Error> {
        read(text).map(drop)
    }

    /// The first moment of an expression after another; the end of time where there is none.
    pub(super) fn following(text: &str, after: Timestamp) -> Result<Timestamp, Error> {
        let (cron, never) = (read(text)?, Timestamp::from_micros(i64::MAX));
        let Ok(after) = jiff::Timestamp::from_microsecond(after.as_micros()) else { return Ok(never) };
        let found = cron.find_next_occurrence(&after.to_zoned(TimeZone::UTC), false);
        Ok(found.map_or(never, |next| Timestamp::from_micros(next.timestamp().as_microsecond())))
    }

    fn read(text: &str) -> Result<Cron, Error> {
        let unreadable = |_| Error::Invalid(Invalid::Schedule("the cron expression cannot be read"));
        Cron::from_str(text).map_err(unreadable)
    }
}

/// Without the feature `cron`, expressions are refused where they are set and where they are met.
#[cfg(not(feature = "cron"))]
mod cron {
    use throng_core::time::Timestamp;

    use crate::error::{Error, Invalid};

    pub(super) fn check(_: &str) -> Result<(), Error> {
        Err(Error::Invalid(Invalid::Schedule("cron expressions need the feature `cron`")))
    }

    pub(super) fn following(text: &str, _: Timestamp) -> Result<Timestamp, Error> {
        check(text).map(|()| Timestamp::from_micros(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn directory(number: u8) -> DirectoryId {
        DirectoryId::from_bytes([number; 16])
    }

    fn ended(micros: i64, failures: u32) -> MirrorState {
        MirrorState {
            ended_at: Some(Timestamp::from_micros(micros)),
            failed_in_a_row: failures,
            ..MirrorState::default()
        }
    }

    #[test]
    fn a_mirror_without_a_round_is_due_unless_it_waits_for_requests() {
        let none = MirrorState::default();
        let hourly = Schedule::Every { interval: HOUR };
        let now = Timestamp::from_micros(0);
        assert!(next(&hourly, &none, directory(1)).unwrap().is_some_and(|due| due < now));
        assert_eq!(next(&Schedule::OnRequest, &none, directory(1)).unwrap(), None);
        assert_eq!(next(&Schedule::OnRequest, &ended(0, 0), directory(1)).unwrap(), None);
    }

    #[test]
    fn intervals_are_spread_and_never_longer_than_they_say_r601() {
        let hourly = Schedule::Every { interval: HOUR };
        let due: Vec<Timestamp> = (0..50)
            .map(|number| next(&hourly, &ended(7_000_000, 0), directory(number)).unwrap().unwrap())
            .collect();
        let begin = Timestamp::from_micros(7_000_000);
        assert!(due.iter().all(|due| due.since(begin) <= HOUR && due.since(begin) >= HOUR - HOUR / 10));
        let distinct: std::collections::BTreeSet<_> = due.iter().collect();
        assert!(distinct.len() > 40, "{}", distinct.len());
        assert_eq!(due[3], next(&hourly, &ended(7_000_000, 0), directory(3)).unwrap().unwrap());
    }

    #[test]
    fn failures_are_tried_again_soon_and_then_less_often() {
        let daily = Schedule::Every { interval: 24 * HOUR };
        let after = |failures| {
            let due = next(&daily, &ended(0, failures), directory(1)).unwrap().unwrap();
            due.since(Timestamp::from_micros(0)).as_secs() / 60
        };
        assert_eq!([after(1), after(2), after(3), after(4)], [1, 2, 4, 8]);
        assert!(after(30) <= 24 * 60 && after(30) >= 21 * 60);
    }

    #[cfg(feature = "cron")]
    #[test]
    fn cron_names_moments_in_utc() {
        // 2024-02-29T12:34:56Z
        let state = ended(1_709_210_096_000_000, 0);
        for (text, due) in [
            ("0 3 * * *", "2024-03-01T03:00:00Z"),
            ("*/15 * * * *", "2024-02-29T12:45:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
        ] {
            let found = next(&Schedule::Cron(text.into()), &state, directory(1)).unwrap().unwrap();
            assert_eq!(found.to_string(), due, "{text}");
        }
    }

    #[test]
    fn a_schedule_that_names_nothing_is_refused_g03() {
        let every = |seconds| Schedule::Every { interval: Duration::from_secs(seconds) };
        for schedule in
            [every(0), every(59), every(u64::MAX), Schedule::Cron("".into()), Schedule::Cron("x".into())]
        {
            assert!(matches!(check_schedule(&schedule), Err(Error::Invalid(Invalid::Schedule(_)))));
        }
        assert!(check_schedule(&every(60)).is_ok());
        let weekdays = Schedule::Cron("5 4 * * 1-5".into());
        assert_eq!(check_schedule(&weekdays).is_ok(), cfg!(feature = "cron"));
    }
}
