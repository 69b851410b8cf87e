//! Consumers: how an application that asks over the network shows who it is, and from where it may ask.

use core::net::{IpAddr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

use crate::id::{ApplicationId, WebhookId};
use crate::password::EncodedHash;

/// What is kept about an application that asks over the network, beside its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerRecord {
    /// The application.
    pub application: ApplicationId,
    /// Grows by one with each change; the first has version 1.
    pub version: u64,
    /// What it shows itself by; without one nobody can ask for it.
    pub credential: Option<ConsumerCredential>,
    /// From where it may ask. An empty list denies everybody (R803), and a listed address replaces no credential (T46).
    pub addresses: Vec<Network>,
    /// Who is told when something changes (R810).
    pub webhooks: Vec<Webhook>,
}

impl ConsumerRecord {
    /// Most networks of one application.
    pub const MAX_ADDRESSES: usize = 256;
    /// Most webhooks of one application: each is told of every change.
    pub const MAX_WEBHOOKS: usize = 16;

    /// What holds of an application about which nothing was said: no credential, and this machine alone.
    pub fn new(application: ApplicationId) -> Self {
        Self {
            application,
            version: 0,
            credential: None,
            addresses: Network::LOOPBACK.to_vec(),
            webhooks: Vec::new(),
        }
    }
}

/// What an application shows itself by, as it is stored (T46). Its `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq)]
pub enum ConsumerCredential {
    /// The SHA-256 of a secret that was drawn here: it has 256 random bits, so that a plain digest suffices.
    Drawn([u8; 32]),
    /// The hash of a password that somebody chose.
    Chosen(EncodedHash),
}

impl fmt::Debug for ConsumerCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drawn(_) => "Drawn(..)",
            Self::Chosen(_) => "Chosen(..)",
        })
    }
}

/// Somebody who is told that something changed.
///
/// Its `Debug` shows nothing of the token.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Webhook {
    /// Names the webhook.
    pub id: WebhookId,
    /// Where it is told: an absolute http or https address (R810), at most [`Webhook::MAX_CHARS`] code points.
    pub endpoint: String,
    /// What it is told with, so that it knows by whom.
    pub token: Option<String>,
}

impl Webhook {
    /// Longest endpoint and longest token, as Crowd keeps texts (R308).
    pub const MAX_CHARS: usize = 255;
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// One address, or all addresses that begin alike (R803).
///
/// 1. Written as an address, or as an address and a number of bits: `10.0.0.0/8`.
/// 2. An IPv4 address is the same whether it is written by itself or inside IPv6 (`::ffff:10.0.0.1`) (T75).
/// 3. Bits beyond the number make no difference, and are not kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct Network {
    /// As IPv6, mapped where it is IPv4.
    first: u128,
    /// Of 128.
    bits: u8,
}

impl Network {
    /// This machine, over either protocol.
    pub const LOOPBACK: [Self; 2] =
        [Self { first: 0xffff_7f00_0000, bits: MAPPED_BITS + 8 }, Self { first: 1, bits: 128 }];

    /// One address.
    pub fn single(address: IpAddr) -> Self {
        Self { first: as_number(address), bits: 128 }
    }

    /// Whether an address is among these.
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(as_number(address), self.bits) == self.first
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from_bits(self.first);
        match (address.to_ipv4_mapped(), self.bits) {
            (Some(address), 128) => fmt::Display::fmt(&address, f),
            (Some(address), bits @ MAPPED_BITS..) => write!(f, "{address}/{}", bits - MAPPED_BITS),
            (_, 128) => fmt::Display::fmt(&address, f),
            (_, bits) => write!(f, "{address}/{bits}"),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let own = if address.is_ipv4() { 128 - MAPPED_BITS } else { 128 };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|digit| digit.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= own).ok_or(InvalidNetwork)?
            }
            Some(_) => return Err(InvalidNetwork),
            None => own,
        };
        let bits = bits + (128 - own);
        Ok(Self { first: masked(as_number(address), bits), bits })
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

/// The text is no address and no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address, and not one with a number of bits such as 10.0.0.0/8")]
pub struct InvalidNetwork;

/// How many bits stand before an IPv4 address inside IPv6.
const MAPPED_BITS: u8 = 96;

fn as_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn masked(address: u128, bits: u8) -> u128 {
    match 128_u32.checked_sub(u32::from(bits)) {
        Some(128) => 0,
        Some(rest) => address >> rest << rest,
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn networks_hold_what_begins_alike_r803_t75() {
        for (network, address, expected) in [
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.9.9.9/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.3.0.1", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "192.0.2.1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "127.0.0.1", false),
        ] {
            assert_eq!(contains(network, address), expected, "{network} {address}");
        }
        for (address, local) in [("127.0.0.1", true), ("127.9.0.1", true), ("::1", true), ("::2", false)] {
            let address = address.parse().unwrap();
            assert_eq!(Network::LOOPBACK.iter().any(|network| network.contains(address)), local, "{address}");
        }
    }

    #[test]
    fn a_network_survives_its_text() {
        for text in ["10.1.2.3", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::1", "::/0"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        assert_eq!("10.9.9.9/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(Network::LOOPBACK.map(|network| network.to_string()), ["127.0.0.0/8", "::1"]);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "/", "a", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/+8", "10.0.0.0/", "10.0.0.0/8/8"]
        {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let hook = Webhook {
            id: WebhookId::from_bytes([1; 16]),
            endpoint: "https://example.org/".into(),
            token: Some("swordfish".into()),
        };
        let mut record = ConsumerRecord::new(ApplicationId::from_bytes([1; 16]));
        record.webhooks.push(hook);
        record.credential = Some(ConsumerCredential::Drawn([0xab; 32]));
        let shown = format!("{record:?}");
        assert!(!shown.contains("swordfish") && !shown.contains("171"), "{shown}");
    }
}
