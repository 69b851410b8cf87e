//! How a user server is set up.

use std::sync::Arc;
use std::time::Duration;

use throng_core::consumer::Network;

use crate::mail::Mail;
use crate::webhooks::Ping;

/// How a user server is set up. [`ServerConfig::default`] is fit for use on the machine itself.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The product and version that every answer states, as `Product/version`. Clients read it to tell servers apart
    /// and refuse an answer without it.
    pub product: String,
    /// Where the server is reached from outside, such as `https://id.example.org/crowd`, for the links in answers.
    /// Without it they are built from the request's `Host`.
    pub base_url: Option<String>,
    /// The cookie that applications share for single sign-on (T76).
    pub cookie: Cookie,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed (R802, T75).
    pub trusted_proxies: Vec<Network>,
    /// How long a request may take until its answer begins, its body included. Default 30 s (T90).
    pub request_timeout: Duration,
    /// Most requests at once. Default 512; more are turned away with 503.
    pub concurrency: usize,
    /// Most requests of one application at once. Default 64 (T90).
    pub concurrency_per_application: usize,
    /// Most connections of [`UserServer::serve`](crate::UserServer::serve). Default 1,024 (T90).
    pub connections: usize,
    /// Whether users may be made with a password hash in place of a password, as a move of users sends them. Default
    /// no: whoever could choose a hash could choose one that costs nothing to guess.
    pub hashes: Hashes,
    /// Sends the mails that the protocol can ask for; without it that is refused.
    pub mail: Option<Arc<dyn Mail>>,
    /// Tells the webhooks; without it they are kept only.
    pub ping: Option<Arc<dyn Ping>>,
}

impl ServerConfig {
    /// Longest body of a request (T79).
    pub const MAX_BODY_BYTES: usize = 2 << 20;
    /// Longest head of a request (T90).
    pub const MAX_HEAD_BYTES: usize = 16 << 10;
    /// How long the head of a request may take (T90).
    pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
    /// How long a connection may take nothing of an answer that waits for it (T90).
    pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
    /// How long those who are being answered are waited for when the server ends: an answer that is taken in crumbs
    /// would go on without end.
    pub const ENDING_TIMEOUT: Duration = Duration::from_secs(60);
    /// The version of the API that every answer states: that of the first with webhooks and with sessions ended by user
    /// is 1.3, and what came with renaming is 1.4.
    pub const API_VERSION: &str = "1.4";

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let token = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let product = self.product.split_once('/');
        if !product.is_some_and(|(name, version)| token(name) && token(version)) {
            return Err(ConfigError("product"));
        }
        let base_url = self.base_url.as_deref();
        if base_url.is_some_and(|url| !is_base_url(url)) {
            return Err(ConfigError("base_url"));
        }
        if !token(&self.cookie.name) {
            return Err(ConfigError("cookie.name"));
        }
        let domain = self.cookie.domain.as_deref();
        if domain.is_some_and(|domain| !is_cookie_domain(domain)) {
            return Err(ConfigError("cookie.domain"));
        }
        let limits = [
            (self.concurrency, "concurrency"),
            (self.concurrency_per_application, "concurrency_per_application"),
            (self.connections, "connections"),
        ];
        let none = limits.into_iter().find(|(limit, _)| !(1..=MOST_AT_ONCE).contains(limit));
        if let Some((_, key)) = none {
            return Err(ConfigError(key));
        }
        if self.request_timeout.is_zero() { Err(ConfigError("request_timeout")) } else { Ok(()) }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            product: concat!("Throng/", env!("CARGO_PKG_VERSION")).to_owned(),
            base_url: None,
            cookie: Cookie::default(),
            trusted_proxies: Vec::new(),
            request_timeout: Duration::from_secs(30),
            concurrency: 512,
            concurrency_per_application: 64,
            connections: 1_024,
            hashes: Hashes::default(),
            mail: None,
            ping: None,
        }
    }
}

/// Whether users may be made with a password hash in place of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hashes {
    /// A hash is refused, and nobody is made.
    #[default]
    Refused,
    /// A hash that can be verified is taken, a weak one inside Argon2id; another one is refused.
    Taken,
}

/// The cookie that applications share for single sign-on. They set it, the server never does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its domain, of two labels at least; without one each application keeps its own.
    pub domain: Option<String>,
    /// Whether it goes over TLS only.
    pub secure: CookieTransport,
}

impl Default for Cookie {
    fn default() -> Self {
        Self { name: "crowd.token_key".to_owned(), domain: None, secure: CookieTransport::TlsOnly }
    }
}

/// Over what a cookie goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieTransport {
    /// Over TLS only.
    TlsOnly,
    /// Over plain HTTP, too.
    Any,
}

/// A field of a [`ServerConfig`] that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be used")]
pub struct ConfigError(
    /// The field.
    pub &'static str,
);

/// More at once than a semaphore, or a machine, can count.
const MOST_AT_ONCE: usize = 1 << 20;

fn is_base_url(url: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with(['/', ':'])
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\@?#".contains(&byte))
    })
}

/// A single label would be a public suffix, or a host name that browsers ignore.
fn is_cookie_domain(domain: &str) -> bool {
    let labels: Vec<&str> = domain.strip_prefix('.').unwrap_or(domain).split('.').collect();
    let label = |label: &&str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    labels.len() >= 2 && labels.iter().all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_named_g03_t76() {
        let with = |change: fn(&mut ServerConfig)| {
            let mut config = ServerConfig::default();
            change(&mut config);
            config.check().map_err(|ConfigError(key)| key)
        };
        assert_eq!(with(|_| {}), Ok(()));
        assert_eq!(with(|config| config.cookie.domain = Some(".example.org".into())), Ok(()));
        assert_eq!(with(|config| config.base_url = Some("https://a.example/crowd".into())), Ok(()));
        for (change, key) in [
            ((|config| config.product = "Throng".into()) as fn(&mut ServerConfig), "product"),
            (|config| config.product = "A/1\r\nB: c".into(), "product"),
            (|config| config.cookie.domain = Some("org".into()), "cookie.domain"),
            (|config| config.cookie.domain = Some("a..b".into()), "cookie.domain"),
            (|config| config.cookie.name = "a;b".into(), "cookie.name"),
            (|config| config.base_url = Some("ftp://a".into()), "base_url"),
            (|config| config.base_url = Some("https://u@a".into()), "base_url"),
            (|config| config.concurrency = 0, "concurrency"),
            (|config| config.connections = usize::MAX, "connections"),
            (|config| config.request_timeout = Duration::ZERO, "request_timeout"),
        ] {
            assert_eq!(with(change), Err(key));
        }
    }
}
