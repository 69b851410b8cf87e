//! Where a server may be (G01, T89).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Why an address is refused. Nothing was sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressFault {
    /// It is no URL with a host.
    #[error("it is not a URL")]
    Syntax,
    /// It holds white space, a control character or a backslash, which programs read in different ways.
    #[error("it holds a character that does not belong into a URL")]
    Character,
    /// Its scheme is neither `https` nor `http`.
    #[error("its scheme is neither https nor http")]
    Scheme,
    /// It names a user or a password; the credentials of the application are given apart.
    #[error("it holds credentials")]
    UserInfo,
    /// It has a query or a fragment.
    #[error("it has a query or a fragment")]
    Query,
    /// Port 0, or one below 1024 that belongs to another protocol than HTTP. The latter may be allowed.
    #[error("its port is not one of HTTP")]
    Port,
    /// A number that is not written as four decimal parts, such as `2130706433`. May be allowed.
    #[error("its host is a number in an unusual form")]
    OddNumber,
    /// A host name in Punycode, which may look like another. May be allowed.
    #[error("its host name is not plain ASCII")]
    Masked,
    /// A host name of more than 253 characters.
    #[error("its host name is too long")]
    LongHost,
    /// Nobody's, everybody's, link-local, or where a cloud keeps its secrets. May be allowed.
    #[error("its host is not one where a user server is")]
    Host,
    /// `http` to somewhere else than this machine: passwords would travel in clear. May be allowed.
    #[error("passwords would travel unencrypted")]
    Plain,
}

/// Which addresses an operator lets through although the rules refuse them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowed {
    pub(crate) plain_http: bool,
    /// As URLs write hosts.
    hosts: BTreeSet<String>,
}

impl Allowed {
    /// Lets a host through, in whichever way it is spelled.
    pub(crate) fn add(&mut self, host: &str) {
        let parsed = Host::parse(host).or_else(|_| Host::parse(&format!("[{host}]")));
        self.hosts.insert(parsed.map_or_else(|_| host.to_ascii_lowercase(), |host| host.to_string()));
    }

    /// Whether a host was allowed by name.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.hosts.contains(&host.to_ascii_lowercase())
    }
}

/// Reads the address of a server, and refuses what no operator can mean.
pub(crate) fn check(text: &str, allowed: &Allowed) -> Result<Url, AddressFault> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(AddressFault::Character);
    }
    let url = Url::parse(text).map_err(|_| AddressFault::Syntax)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(AddressFault::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Err(AddressFault::UserInfo);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressFault::Query);
    }
    let host = url.host_str().ok_or(AddressFault::Syntax)?;
    if host.len() > MAX_HOST_BYTES {
        return Err(AddressFault::LongHost);
    }
    if url.port() == Some(0) {
        return Err(AddressFault::Port);
    }
    let place = match place(&url, text) {
        Err(_) if allowed.names(host) => Place::Elsewhere,
        place => place?,
    };
    match (url.scheme(), place) {
        ("http", Place::Elsewhere) if !allowed.plain_http => Err(AddressFault::Plain),
        _ => Ok(url),
    }
}

/// Whether a host, once its name is resolved, may be spoken to.
pub(crate) fn may_reach(ip: IpAddr) -> bool {
    located(ip).is_ok()
}

/// Longest host name of the domain name system.
const MAX_HOST_BYTES: usize = 253;

/// Addresses and names outside the link-local range where clouds hand out credentials.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];
const METADATA_NAMES: [&str; 2] = ["metadata", "metadata.google.internal"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    ThisMachine,
    Elsewhere,
}

fn place(url: &Url, text: &str) -> Result<Place, AddressFault> {
    match url.port_or_known_default() {
        Some(80 | 443 | 1024..) => {}
        _ => return Err(AddressFault::Port),
    }
    match url.host() {
        // The parser reads every spelling of a number; only the usual one shows where it leads.
        Some(Host::Ipv4(ip)) if host_of(authority(text)) != ip.to_string() => Err(AddressFault::OddNumber),
        Some(Host::Ipv4(ip)) => located(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => located(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => named(name),
        None => Err(AddressFault::Syntax),
    }
}

fn named(name: &str) -> Result<Place, AddressFault> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if METADATA_NAMES.contains(&name) {
        return Err(AddressFault::Host);
    }
    if name.split('.').any(|label| label.starts_with("xn--")) {
        return Err(AddressFault::Masked);
    }
    let local = name == "localhost" || name.ends_with(".localhost");
    Ok(if local { Place::ThisMachine } else { Place::Elsewhere })
}

fn located(ip: IpAddr) -> Result<Place, AddressFault> {
    let ip = plain(ip);
    let refused = match ip {
        IpAddr::V4(ip) => {
            ip.is_link_local() || ip.is_multicast() || ip.is_broadcast() || ip.octets().first() == Some(&0)
        }
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified(),
    };
    if refused || METADATA.contains(&ip) {
        return Err(AddressFault::Host);
    }
    Ok(if ip.is_loopback() { Place::ThisMachine } else { Place::Elsewhere })
}

/// The IPv4 address that an IPv6 address carries to the network: mapped, compatible, or behind the well-known prefix
/// of NAT64 (RFC 6052).
fn plain(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    if v6.is_loopback() || v6.is_unspecified() {
        return ip;
    }
    let [a, b, c, d, e, f, high, low] = v6.segments();
    let carried = match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => {
            Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    };
    carried.map_or(ip, IpAddr::V4)
}

/// What stands between the scheme and the path, as it was written.
fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or("")
}

fn host_of(authority: &str) -> &str {
    authority.split_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<AddressFault> {
        check(text, &Allowed::default()).err()
    }

    #[test]
    fn usual_addresses_are_let_through() {
        for text in [
            "https://crowd.example.com/crowd",
            "https://10.1.2.3:8443/crowd/",
            "https://[fd12:3456::1]/",
            "http://localhost:8095/crowd",
            "http://127.0.0.1:8095/crowd",
            "http://[::1]:8095",
            "https://jira.example.com.",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
    }

    #[test]
    fn odd_addresses_are_refused_g01() {
        for (text, fault) in [
            ("", AddressFault::Syntax),
            ("https://", AddressFault::Syntax),
            ("https://h:65536/", AddressFault::Syntax),
            ("gopher://x", AddressFault::Scheme),
            ("file:///x", AddressFault::Scheme),
            ("ldap://169.254.169.254/", AddressFault::Scheme),
            ("ldapi://%2Ftmp", AddressFault::Scheme),
            ("https://user:pw@h/", AddressFault::UserInfo),
            ("https://@h/", AddressFault::UserInfo),
            ("https://h/\t", AddressFault::Character),
            ("https:\\\\h\\crowd", AddressFault::Character),
            ("https://h/?a=b", AddressFault::Query),
            ("https://h/#a", AddressFault::Query),
            ("https://h:0/", AddressFault::Port),
            ("http://[::1]:22/", AddressFault::Port),
            ("http://2130706433/", AddressFault::OddNumber),
            ("https://0x7f.1/", AddressFault::OddNumber),
            ("https://0177.0.0.1/", AddressFault::OddNumber),
            ("https://%31%32%37.0.0.1/", AddressFault::OddNumber),
            ("https://xn--pple-43d.example/", AddressFault::Masked),
            ("https://\u{430}pple.example/", AddressFault::Masked),
            ("https://169.254.169.254/", AddressFault::Host),
            ("https://[::ffff:169.254.169.254]/", AddressFault::Host),
            ("https://[::169.254.169.254]/", AddressFault::Host),
            ("https://[64:ff9b::169.254.169.254]/", AddressFault::Host),
            ("https://[fe80::1]/", AddressFault::Host),
            ("https://[fd00:ec2::254]/", AddressFault::Host),
            ("https://100.100.100.200/", AddressFault::Host),
            ("https://metadata.google.internal/", AddressFault::Host),
            ("https://0.0.0.0/", AddressFault::Host),
            ("https://[::]/", AddressFault::Host),
            ("https://255.255.255.255/", AddressFault::Host),
            ("http://crowd.example.com/", AddressFault::Plain),
            ("http://10.0.0.1/", AddressFault::Plain),
            ("http://localhost.example.com/", AddressFault::Plain),
        ] {
            assert_eq!(refused(text), Some(fault), "{text}");
        }
        let long = format!("https://{}.example/", ["x".repeat(60).as_str(); 5].join("."));
        assert_eq!(refused(&long), Some(AddressFault::LongHost));
    }

    #[test]
    fn what_is_allowed_is_let_through_but_never_credentials_g01() {
        let named = |host: &str| {
            let mut allowed = Allowed::default();
            allowed.add(host);
            allowed
        };
        assert!(check("https://[FE80:0::1]/", &named("fe80::1")).is_ok());
        assert!(check("https://[fe80::1]/", &named("[fe80::0:1]")).is_ok());
        assert!(check("https://METADATA.google.internal/", &named("Metadata.Google.Internal")).is_ok());
        assert!(check("https://169.254.169.254/", &named("169.254.169.254")).is_ok());
        assert!(check("https://crowd.example.com:22/", &named("crowd.example.com")).is_ok());
        let plain = check("http://crowd.example.com/", &named("crowd.example.com"));
        assert_eq!(plain.err(), Some(AddressFault::Plain), "a host that is allowed still needs TLS");
        assert_eq!(check("https://u@h/", &named("h")).err(), Some(AddressFault::UserInfo));
        assert_eq!(check("https://h:0/", &named("h")).err(), Some(AddressFault::Port));
        assert_eq!(check("ftp://h/", &named("h")).err(), Some(AddressFault::Scheme));
        let plain = Allowed { plain_http: true, ..Allowed::default() };
        assert!(check("http://crowd.example.com/", &plain).is_ok());
        assert_eq!(check("http://169.254.169.254/", &plain).err(), Some(AddressFault::Host));
    }
}
