//! The rules a password is kept by, as functions of what is known about it.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use icu_normalizer::ComposingNormalizerBorrowed;
use throng_core::name::Key;
use throng_core::password::PasswordPolicy;
use throng_core::secret::Secret;
use throng_core::time::Timestamp;
use zeroize::Zeroizing;

/// Checks a new password against every rule that needs neither the stored hashes nor a computation.
///
/// 1. Reports all broken rules together (R711), in the order of [`Violation`].
/// 2. `context` holds words that an attacker tries first: the username, the e-mail address, the name of the directory
///    or of the application. The password as a whole may not be one of them, nor the part of one before an `@`.
/// 3. Words are compared by [`Key`], so case, width and invisible characters do not make a password another one.
/// 4. Former passwords are compared by [`Hasher::check_history`](crate::hasher::Hasher::check_history).
pub fn check_new_password(
    policy: &PasswordPolicy,
    secret: &Secret,
    context: &[&str],
) -> Result<(), PolicyViolations> {
    let nfc = Zeroizing::new(ComposingNormalizerBorrowed::new_nfc().normalize(secret.expose()).into_owned());
    let folded = Zeroizing::new(String::from(Key::of(&nfc)));
    let is_same = |word: &str| *folded == Key::of(word).as_str();
    let is_context =
        |word: &&str| is_same(word) || word.split_once('@').is_some_and(|(local, _)| is_same(local));

    let rules = [
        (nfc.chars().all(char::is_whitespace), Violation::Blank),
        (
            nfc.chars().count() < policy.min_length as usize,
            Violation::TooShort { min_length: policy.min_length },
        ),
        (policy.blocklist.iter().any(|word| is_same(word)), Violation::Blocked),
        (COMMON.contains(folded.as_str()), Violation::Common),
        (context.iter().any(is_context), Violation::Context),
    ];
    let broken: Vec<_> = rules.into_iter().filter_map(|(broken, rule)| broken.then_some(rule)).collect();
    if broken.is_empty() { Ok(()) } else { Err(PolicyViolations(broken)) }
}

/// Whether a password has outlived [`PasswordPolicy::max_age_days`] (R704).
///
/// 1. Its age must be strictly greater, in days of 24 hours; one set in the future has no age.
/// 2. No maximum, or a maximum of 0, never expires.
pub fn is_expired(policy: &PasswordPolicy, changed_at: Timestamp, now: Timestamp) -> bool {
    match policy.max_age_days {
        None | Some(0) => false,
        Some(days) => now.since(changed_at) > Duration::from_secs(u64::from(days) * 86_400),
    }
}

/// Whether so many consecutive failures close the account to every password until a new one is set (R702).
///
/// No maximum, or a maximum of 0, never does.
pub fn is_locked(policy: &PasswordPolicy, failed_attempts: u32) -> bool {
    policy.max_attempts.is_some_and(|max| max > 0 && failed_attempts >= max)
}

/// All rules that a new password broke; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyViolations(Vec<Violation>);

impl PolicyViolations {
    /// The rules, in the order of [`Violation`], each at most once.
    pub fn as_slice(&self) -> &[Violation] {
        &self.0
    }
}

impl fmt::Display for PolicyViolations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            violation.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyViolations {}

/// A rule that a new password broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Nothing but white space (R711).
    #[error("the password is blank")]
    Blank,
    /// Fewer code points in NFC than the policy asks for.
    #[error("the password has fewer than {min_length} characters")]
    TooShort {
        /// The fewest that are accepted.
        min_length: u32,
    },
    /// In the policy's own list.
    #[error("the password is not allowed here")]
    Blocked,
    /// In the built-in list of common passwords (ASVS 6.2.4).
    #[error("the password is one of the most common ones")]
    Common,
    /// The user's name, e-mail address or another word that stands beside it (NIST SP 800-63B-4 §3.1.1.2).
    #[error("the password is a name that others know")]
    Context,
}

/// Folded, sorted, one in each line: stock words with the usual endings, keyboard walks, runs of digits and dates, all
/// of eight characters or more, because shorter ones fall to the length. More than the 3,000 of ASVS 6.2.4.
const COMMON_TEXT: &str = include_str!("common.txt");

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| COMMON_TEXT.lines().collect());

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(policy: &PasswordPolicy, secret: &str, context: &[&str]) -> Vec<Violation> {
        match check_new_password(policy, &Secret::new(secret).unwrap(), context) {
            Ok(()) => Vec::new(),
            Err(violations) => violations.as_slice().to_vec(),
        }
    }

    #[test]
    fn the_common_list_is_long_sorted_and_folded_asvs_6_2_4() {
        let lines: Vec<_> = COMMON_TEXT.lines().collect();
        assert!(lines.len() >= 3_000, "{}", lines.len());
        assert!(lines.is_sorted_by(|a, b| a < b), "sorted and without repetition");
        for line in lines {
            assert!(line.len() >= 8 && Key::of(line).as_str() == line, "{line}");
        }
    }

    #[test]
    fn each_rule_refuses_what_it_is_for_and_nothing_else() {
        let policy =
            PasswordPolicy { blocklist: vec!["Acme-Widgets-GmbH".into()], ..PasswordPolicy::default() };
        let context = ["Anna.Schmidt", "anna.schmidt+jira@example.org", "Corporate Directory"];
        let short = Violation::TooShort { min_length: 8 };
        for (secret, expected) in [
            ("gläserne 7 Kutschen", vec![]),
            ("eight ch", vec![]),
            ("seven c", vec![short]),
            ("пароль…", vec![short]),
            ("a\u{308}o\u{308}u\u{308}a\u{308}", vec![short]),
            ("        ", vec![Violation::Blank]),
            ("\u{3000}", vec![Violation::Blank, short]),
            ("acme-widgets-gmbh", vec![Violation::Blocked]),
            ("acme-widgets-gmbh!", vec![]),
            ("password", vec![Violation::Common]),
            ("PassWord123", vec![Violation::Common]),
            ("ｐａｓｓｗｏｒｄ", vec![Violation::Common]),
            ("pass\u{200B}word", vec![Violation::Common]),
            ("my password", vec![]),
            ("1qaz2wsx", vec![Violation::Common]),
            ("ANNA.schmidt", vec![Violation::Context]),
            ("anna.schmidt+jira", vec![Violation::Context]),
            ("anna.schmidt+JIRA@example.org", vec![Violation::Context]),
            ("anna.schmidt likes tea", vec![]),
            ("corporate directory", vec![Violation::Context]),
        ] {
            assert_eq!(violations(&policy, secret, &context), expected, "{secret}");
        }
    }

    #[test]
    fn all_broken_rules_are_reported_together_r711() {
        let policy = PasswordPolicy {
            min_length: 15,
            blocklist: vec!["QWERTY123".into()],
            ..PasswordPolicy::default()
        };
        let error =
            check_new_password(&policy, &Secret::new("qwerty123").unwrap(), &["Qwerty123"]).unwrap_err();
        let expected = [
            Violation::TooShort { min_length: 15 },
            Violation::Blocked,
            Violation::Common,
            Violation::Context,
        ];
        assert_eq!(error.as_slice(), expected);
        assert!(error.to_string().starts_with("the password has fewer than 15 characters; the password"));
        assert!(!error.to_string().contains("qwerty"));
    }

    #[test]
    fn a_password_expires_when_strictly_older_than_the_limit_r704() {
        const DAY: i64 = 86_400_000_000;
        let policy = |max_age_days| PasswordPolicy { max_age_days, ..PasswordPolicy::default() };
        let at = Timestamp::from_micros;
        for (limit, age, expected) in [
            (None, 10_000 * DAY, false),
            (Some(0), 10_000 * DAY, false),
            (Some(90), 90 * DAY, false),
            (Some(90), 90 * DAY + 1, true),
            (Some(90), -DAY, false),
            (Some(u32::MAX), i64::MAX, false),
        ] {
            assert_eq!(is_expired(&policy(limit), at(0), at(age)), expected, "{limit:?} {age}");
        }
    }

    #[test]
    fn an_account_locks_at_the_limit_r702() {
        let policy = |max_attempts| PasswordPolicy { max_attempts, ..PasswordPolicy::default() };
        for (limit, failed, expected) in [
            (None, u32::MAX, false),
            (Some(0), u32::MAX, false),
            (Some(3), 2, false),
            (Some(3), 3, true),
            (Some(3), 4, true),
        ] {
            assert_eq!(is_locked(&policy(limit), failed), expected, "{limit:?} {failed}");
        }
    }
}
