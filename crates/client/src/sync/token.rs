//! Event tokens: opaque, but for the instance of the server that some of them name.

/// The instance that a token names before its last colon, as in `8047511070899496297:12`: an instance and a place in
/// its history.
///
/// In other servers' tokens a moment may stand there. A number of so few digits is taken for one: it changes although
/// nobody else answers. Instances are random, and longer.
pub(super) fn instance(token: &str) -> Option<&str> {
    /// Digits of a moment in microseconds, for the next two hundred years.
    const MAX_MOMENT_DIGITS: usize = 16;
    let (instance, place) = token.rsplit_once(':')?;
    let is_place = place.starts_with(|c: char| c.is_ascii_digit())
        && place.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'-'));
    let is_moment = instance.len() <= MAX_MOMENT_DIGITS && instance.bytes().all(|byte| byte.is_ascii_digit());
    (is_place && !is_moment).then_some(instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_told_from_a_moment() {
        for (token, named) in [
            ("8047511070899496297:12", "8047511070899496297"),
            ("-8047511070899496297:12", "-8047511070899496297"),
            ("9678e418278ade3e:32.6651728988000", "9678e418278ade3e"),
            ("0194f3c0-1111-7000-8000-000000000000:7", "0194f3c0-1111-7000-8000-000000000000"),
        ] {
            assert_eq!(instance(token), Some(named), "{token}");
        }
        for opaque in
            ["1700000000000:1", "1700000000000000:32769,32770", "12", "", ":1", "a:", "a:b", "eyJ0Ijox"]
        {
            assert_eq!(instance(opaque), None, "{opaque}");
        }
    }
}
