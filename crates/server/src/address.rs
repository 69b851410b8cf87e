//! From where a request comes, by the connection or by proxies that are trusted (R802, T75).

use std::net::IpAddr;

use axum::http::HeaderMap;
use throng_core::consumer::Network;

/// What proxies add to a request: who asked them.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// What proxies add to a request: how they were asked.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Most proxies that are walked through, and most bytes of what they add: no chain is that long.
const MAX_HOPS: usize = 32;
const MAX_BYTES: usize = 2_048;

/// The address is not to be told: a proxy that is trusted states what is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unknown;

/// The address of whoever asks.
///
/// 1. That of the connection, unless that is a trusted proxy's: then the nearest address from the right in
///    `X-Forwarded-For` that is no trusted proxy's, or the farthest when all are.
/// 2. What is no address ends the walk with [`Unknown`]: nothing behind it can be believed.
/// 3. IPv4 inside IPv6 is IPv4; zones and ports make no difference.
pub(crate) fn remote_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &[Network],
) -> Result<IpAddr, Unknown> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer.to_canonical();
    if !is_trusted(nearest) {
        return Ok(nearest);
    }
    let mut stated = Vec::new();
    for value in headers.get_all(FORWARDED_FOR) {
        stated.push(value.to_str().map_err(|_| Unknown)?);
    }
    let hops: Vec<&str> = stated.iter().flat_map(|value| value.split(',')).collect();
    if hops.len() > MAX_HOPS || stated.iter().map(|value| value.len()).sum::<usize>() > MAX_BYTES {
        return Err(Unknown);
    }
    for hop in hops.into_iter().rev() {
        nearest = address_of(hop.trim()).ok_or(Unknown)?;
        if !is_trusted(nearest) {
            break;
        }
    }
    Ok(nearest)
}

/// Whether a trusted proxy was asked over TLS.
pub(crate) fn is_over_tls(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|network| network.contains(peer))
        && headers.get(FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// `1.2.3.4`, `1.2.3.4:80`, `::1`, `fe80::1%eth0`, `[::1]` or `[::1]:80`.
fn address_of(text: &str) -> Option<IpAddr> {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    let bare = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, rest) = rest.split_once(']')?;
            let port = rest.strip_prefix(':');
            if !rest.is_empty() && !port.is_some_and(is_port) {
                return None;
            }
            inside
        }
        None => match text.split_once(':') {
            Some((address, port)) if is_port(port) && address.contains('.') => address,
            Some(_) | None => text,
        },
    };
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(peer: &str, stated: &[&str]) -> Result<String, Unknown> {
        let mut headers = HeaderMap::new();
        for value in stated {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        let trusted = ["10.0.0.0/8", "127.0.0.1"].map(|text| text.parse().unwrap());
        remote_address(peer.parse().unwrap(), &headers, &trusted).map(|address| address.to_string())
    }

    #[test]
    fn the_nearest_hop_that_is_not_trusted_counts_r802_t75() {
        for (peer, stated, expected) in [
            ("192.0.2.1", &[] as &[&str], Ok("192.0.2.1")),
            ("192.0.2.1", &["127.0.0.1"], Ok("192.0.2.1")),
            ("10.0.0.1", &[], Ok("10.0.0.1")),
            ("10.0.0.1", &["192.0.2.7"], Ok("192.0.2.7")),
            ("10.0.0.1", &["127.0.0.1, 192.0.2.7"], Ok("192.0.2.7")),
            ("10.0.0.1", &["192.0.2.7, 10.0.0.2"], Ok("192.0.2.7")),
            ("10.0.0.1", &["192.0.2.8", "192.0.2.7, 10.0.0.2"], Ok("192.0.2.7")),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], Ok("10.0.0.3")),
            ("::ffff:10.0.0.1", &["::ffff:192.0.2.7"], Ok("192.0.2.7")),
            ("10.0.0.1", &["fe80::1%eth0"], Ok("fe80::1")),
            ("10.0.0.1", &["[2001:db8::1]:443"], Ok("2001:db8::1")),
            ("10.0.0.1", &["192.0.2.7:80"], Ok("192.0.2.7")),
        ] {
            assert_eq!(asked(peer, stated), expected.map(str::to_owned), "{peer} {stated:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_closed_t75() {
        let long = "1.1.1.1,".repeat(1_250);
        let many = vec!["192.0.2.7"; MAX_HOPS + 1];
        for stated in ["a", "", "unknown", "192.0.2.7, a", "192.0.2.7,", "1.2.3", "[::1", "[::1]x", &long] {
            assert_eq!(asked("10.0.0.1", &[stated]), Err(Unknown), "{stated}");
        }
        assert_eq!(asked("10.0.0.1", &many), Err(Unknown));
        assert_eq!(
            asked("10.0.0.1", &["a, 192.0.2.7"]),
            Ok("192.0.2.7".to_owned()),
            "nobody looks behind it"
        );
    }

    #[test]
    fn tls_is_believed_of_trusted_proxies_only() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("HTTPS"));
        assert!(is_over_tls("10.0.0.1".parse().unwrap(), &headers, &trusted));
        assert!(!is_over_tls("192.0.2.1".parse().unwrap(), &headers, &trusted));
        assert!(!is_over_tls("10.0.0.1".parse().unwrap(), &HeaderMap::new(), &trusted));
    }
}
