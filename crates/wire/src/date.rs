//! Moments: milliseconds since the epoch in JSON, date, time and offset in XML.
//!
//! Written is UTC with the offset `+00:00`, not `Z`: recorded answers carry a numeric offset, strict readers of RFC
//! 3339 take both, and some readers of ISO 8601 take only the number.

use std::fmt::Write;

use throng_core::time::Timestamp;

const MICROS_PER_MILLI: i64 = 1_000;
const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Milliseconds since the epoch; a fraction of one is dropped towards the past.
pub(crate) fn to_millis(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(MICROS_PER_MILLI)
}

pub(crate) fn from_millis(millis: i64) -> Option<Timestamp> {
    millis.checked_mul(MICROS_PER_MILLI).map(Timestamp::from_micros)
}

/// Such as `2013-03-10T21:24:42.672+00:00`.
pub(crate) fn format(time: Timestamp) -> String {
    let mut text = time.to_string();
    text.truncate(text.len() - 'Z'.len_utf8());
    // Writing to a string does not fail.
    let _ = write!(text, ".{:03}+00:00", to_millis(time).rem_euclid(1_000));
    text
}

/// Reads `yyyy-mm-ddThh:mm:ss`, an optional fraction of any length, and `Z` or an offset such as `-04:00`.
///
/// Digits beyond microseconds are dropped. A time without an offset is no moment, and is not read.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (date, rest) = bytes.split_at_checked("yyyy-mm-ddThh:mm:ss".len())?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] = date else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0_i64, |sum, &&digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (micros, zone) = fraction(rest)?;
    let offset = match zone {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
            if hours > 14 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3_600 + minutes * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second - offset;
    Some(Timestamp::from_micros(seconds * MICROS_PER_SECOND + micros))
}

/// The microseconds of a fraction, if there is one, and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let micros = digits.iter().map(|digit| i64::from(digit - b'0')).chain(std::iter::repeat(0)).take(6);
    Some((micros.fold(0, |sum, digit| sum * 10 + digit), rest))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since the epoch, by the days-from-civil rule of the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_recorded_form_is_read() {
        for (text, millis) in [
            ("2013-03-10T21:24:42.672-04:00", 1_362_965_082_672),
            ("2013-03-11T01:24:42.672Z", 1_362_965_082_672),
            ("2013-03-11T01:24:42+00:00", 1_362_965_082_000),
            ("2024-02-29T12:34:56.7891239+00:00", 1_709_210_096_789),
            ("1969-12-31T23:59:59.999Z", -1),
            ("1970-01-01T14:00:00+14:00", 0),
        ] {
            assert_eq!(parse(text).map(to_millis), Some(millis), "{text}");
        }
        assert_eq!(format(from_millis(1_362_965_082_672).unwrap()), "2013-03-11T01:24:42.672+00:00");
        assert_eq!(format(Timestamp::from_micros(-1)), "1969-12-31T23:59:59.999+00:00");
    }

    #[test]
    fn other_forms_are_not() {
        for text in [
            "",
            "2013-03-10",
            "2013-03-10T21:24:42",
            "2013-03-10T21:24:42.Z",
            "2013-03-10T21:24:42.5",
            "2013-02-30T21:24:42Z",
            "2013-13-01T21:24:42Z",
            "2013-00-01T21:24:42Z",
            "2013-01-00T21:24:42Z",
            "2013-01-01T24:00:00Z",
            "2013-01-01T23:60:00Z",
            "2013-01-01T23:59:60Z",
            "2013-01-01T23:59:59+15:00",
            "2013-01-01T23:59:59+0000",
            "2013-01-01t23:59:59z",
            "2013-01-01T23:59:59Z ",
            "+013-01-01T23:59:59Z",
            "２013-01-01T23:59:59Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(from_millis(i64::MAX), None);
    }

    proptest! {
        #[test]
        fn moments_come_back(millis in -62_167_219_200_000_i64..=253_402_300_799_999) {
            let time = from_millis(millis).unwrap();
            prop_assert_eq!(parse(&format(time)), Some(time));
        }

        #[test]
        fn any_text_is_answered(text in "[0-9TZ:.+-]{0,30}|\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
