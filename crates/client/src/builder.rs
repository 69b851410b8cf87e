//! Describing a remote server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use throng_core::entropy::Entropy;
use throng_core::id::DirectoryId;
use throng_core::secret::Secret;

use crate::RemoteDirectory;
use crate::address::{self, AddressFault, Allowed};
use crate::exchange::{Exchange, Pace};
use crate::resolver::Resolver;
use crate::tls;

/// Idle connections that are kept for the next call: as many as a busy application asks at once.
const IDLE_CONNECTIONS: usize = 16;

/// Describes a remote server; see [`RemoteDirectory::builder`].
///
/// Nothing is taken from the environment: no proxy, no credentials. The certificates that the operating system trusts
/// are trusted.
#[must_use]
pub struct Builder {
    id: DirectoryId,
    address: String,
    application: String,
    password: Secret,
    writes: Writes,
    entropy: Option<Arc<dyn Entropy>>,
    pace: Pace,
    limits: Limits,
    proxy: Option<String>,
    roots: Vec<CertificateDer<'static>>,
    allowed: Allowed,
}

/// Whether a remote directory has the powers to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writes {
    /// It has none, whatever the server would let the application do.
    #[default]
    Never,
    /// It has all of them; the server decides about each call.
    Allowed,
    /// It has all of them, and makes users with password hashes when users are moved to it: for servers that take
    /// `encrypted-password`, as Throng does where it is told to. One that passes it over would make users without their
    /// passwords.
    AllowedWithHashes,
}

/// How much is read of a server's answers. What exceeds a limit is a fault; nothing is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of an answer that is read as a whole. 8 MiB: no user, group or batch of 10,000 events comes near it.
    pub answer_bytes: usize,
    /// Most bytes of one user, group or membership in an answer that is read piece by piece. 1 MiB: hundreds of long
    /// attributes.
    pub entry_bytes: usize,
    /// Most users, groups or memberships of one such answer. 10,000,000: what is longer does not end.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer_bytes: 8 << 20, entry_bytes: 1 << 20, entries: 10_000_000 }
    }
}

/// Certificates of authorities that are trusted beside those of the operating system.
#[derive(Clone)]
pub struct RootCertificates(Vec<CertificateDer<'static>>);

/// Why a remote directory cannot be built. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The address is refused (G01).
    #[error("the server's address is refused: {0}")]
    Address(#[source] AddressFault),
    /// The address of the proxy is refused.
    #[error("the proxy's address is refused: {0}")]
    Proxy(#[source] AddressFault),
    /// The name of the application is empty, or holds a colon or a control character.
    #[error("the application's name cannot be sent")]
    ApplicationName,
    /// A deadline is zero or longer than [`Builder::MAX_DEADLINE`] (G03).
    #[error("a deadline is zero or longer than {} seconds", Builder::MAX_DEADLINE.as_secs())]
    Deadline,
    /// A limit is zero (G03).
    #[error("a limit is zero")]
    Limit,
    /// There are no certificates of authorities, or one cannot be used.
    #[error("the certificates of authorities cannot be used: {0}")]
    Roots(#[source] rustls::Error),
    /// The HTTP library refuses.
    #[error("the HTTP client cannot be built")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The bytes are not certificates in PEM form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no certificate in PEM form")]
pub struct InvalidCertificate;

impl RootCertificates {
    /// Reads one or more certificates in PEM form.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidCertificate> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match read {
            Ok(certificates) if !certificates.is_empty() => Ok(Self(certificates)),
            Ok(_) | Err(_) => Err(InvalidCertificate),
        }
    }
}

impl fmt::Debug for RootCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootCertificates({})", self.0.len())
    }
}

impl Builder {
    /// Longest deadline: a day.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

    pub(crate) fn new(id: DirectoryId, address: String, application: String, password: Secret) -> Self {
        Self {
            id,
            address,
            application,
            password,
            writes: Writes::default(),
            entropy: None,
            pace: Pace::default(),
            limits: Limits::default(),
            proxy: None,
            roots: Vec::new(),
            allowed: Allowed::default(),
        }
    }

    /// Whether the directory may be written to; [`Writes::Never`] unless told otherwise.
    pub fn writes(mut self, writes: Writes) -> Self {
        self.writes = writes;
        self
    }

    /// Gives accounts that are made a random password that nobody knows, for servers that make none without. It is
    /// drawn from here.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// How long one call of the directory may take with all that it asks of the server; 10 seconds unless told
    /// otherwise.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.pace.call = deadline;
        self
    }

    /// How long a pull waits for the next piece of an answer; 60 seconds unless told otherwise. There is no deadline on
    /// the whole.
    pub fn round_deadline(mut self, deadline: Duration) -> Self {
        self.pace.piece = deadline;
        self
    }

    /// How long it waits before a read is asked for again, and then twice so long; 100 milliseconds unless told
    /// otherwise. Only reads are repeated, at most twice, and never a write or a check of a password.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.pace.pause = pause;
        self
    }

    /// How much is read of an answer.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sends every call through an HTTP proxy. Without it none is used, whatever the environment says.
    pub fn proxy(mut self, address: impl Into<String>) -> Self {
        self.proxy = Some(address.into());
        self
    }

    /// Trusts more authorities.
    pub fn trust(mut self, roots: RootCertificates) -> Self {
        self.roots.extend(roots.0);
        self
    }

    /// Lets passwords travel unencrypted over a network.
    pub fn allow_plain_http(mut self) -> Self {
        self.allowed.plain_http = true;
        self
    }

    /// Lets the server be at this host although [`AddressFault`] says that it may be allowed only.
    pub fn allow_host(mut self, host: &str) -> Self {
        self.allowed.add(host);
        self
    }

    /// Checks everything and builds the directory. Reads the certificates that the operating system trusts, and sends
    /// nothing.
    pub fn build(mut self) -> Result<RemoteDirectory, ConfigError> {
        let url = address::check(&self.address, &self.allowed).map_err(ConfigError::Address)?;
        if self.application.is_empty() || self.application.contains(|c: char| c == ':' || c.is_control()) {
            return Err(ConfigError::ApplicationName);
        }
        let deadlines = [self.pace.call, self.pace.piece];
        if deadlines.iter().any(|deadline| deadline.is_zero() || *deadline > Self::MAX_DEADLINE) {
            return Err(ConfigError::Deadline);
        }
        let Limits { answer_bytes, entry_bytes, entries } = self.limits;
        if answer_bytes == 0 || entry_bytes == 0 || entries == 0 {
            return Err(ConfigError::Limit);
        }
        let proxy = match &self.proxy {
            Some(proxy) => {
                let mut plain = self.allowed.clone();
                plain.plain_http = true;
                let proxy = address::check(proxy, &plain).map_err(ConfigError::Proxy)?;
                // Where the proxy is was said by the operator; where its name leads is not second-guessed.
                if let Some(host) = proxy.host_str() {
                    self.allowed.add(host);
                }
                Some(reqwest::Proxy::all(proxy).map_err(|error| ConfigError::Client(error.into()))?)
            }
            None => None,
        };
        let encrypted = url.scheme() == "https" || self.proxy.is_some();
        let tls = if encrypted { tls::trusting(self.roots) } else { tls::trusting_nobody() };
        let mut client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("Throng/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Resolver::new(self.allowed)))
            .tls_backend_preconfigured(tls.map_err(ConfigError::Roots)?);
        if let Some(proxy) = proxy {
            client = client.proxy(proxy);
        }
        let client = client.build().map_err(|error| ConfigError::Client(error.into()))?;
        let exchange = Exchange::new(client, &url, self.application, self.password, self.pace, self.limits);
        Ok(RemoteDirectory::new(self.id, exchange, self.writes, self.entropy))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address that was not checked yet may hold a password.
        f.debug_struct("Builder").field("id", &self.id).field("writes", &self.writes).finish_non_exhaustive()
    }
}

/// How long a connection is kept that nobody uses: less than the 20 seconds after which Tomcat closes it, so that a
/// login does not meet a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(15);
