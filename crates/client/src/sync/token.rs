//! Event tokens: opaque, but for the instance of the server that some of them name.

/// The instance that a token names, in the shape that is seen in the wild: `8047511070899496297:12`, an instance and a
/// counter.
///
/// What comes before the counter may be a moment in other servers' tokens. A number of so few digits is taken for one:
/// it changes although nobody else answers. Instances are random, and longer.
pub(super) fn instance(token: &str) -> Option<&str> {
    /// Digits of a moment in microseconds, for the next two hundred years.
    const MAX_MOMENT_DIGITS: usize = 16;
    let (instance, counter) = token.rsplit_once(':')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let moment = instance.len() <= MAX_MOMENT_DIGITS && is_number(instance);
    (is_number(counter) && !instance.is_empty() && !moment).then_some(instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_told_from_a_moment() {
        assert_eq!(instance("8047511070899496297:12"), Some("8047511070899496297"));
        assert_eq!(instance("-8047511070899496297:12"), Some("-8047511070899496297"));
        assert_eq!(
            instance("0194f3c0-1111-7000-8000-000000000000:7"),
            Some("0194f3c0-1111-7000-8000-000000000000")
        );
        for opaque in ["1700000000000:1", "1700000000000000:32769", "12", "", ":1", "a:", "a:b", "eyJ0Ijox"] {
            assert_eq!(instance(opaque), None, "{opaque}");
        }
    }
}
