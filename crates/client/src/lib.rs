//! A remote Crowd, Jira or Throng server as a directory.
//!
//! [`RemoteDirectory`] speaks Crowd's REST API `usermanagement/1` as an application of the server. It is a
//! [`Directory`](throng_core::directory::Directory) that is asked each time, and a
//! [`SyncSource`](throng_core::sync::SyncSource) for a mirror.
//!
//! 1. No answer is believed that does not carry the header of a user server, and no list that was cut short. Redirects
//!    are not followed, and no proxy is used that was not asked for.
//! 2. Nothing of an answer is held in memory but one entry and what the caller asked for, whatever the server sends;
//!    see [`Limits`].
//! 3. Every call ends by its deadline. Reads are repeated at most twice, writes and checks of passwords never.
//!
//! ```
//! use throng_client::{RemoteDirectory, Writes};
//! use throng_core::id::DirectoryId;
//! use throng_core::secret::Secret;
//!
//! let password = Secret::new("the password of the application")?;
//! let crowd = RemoteDirectory::builder(
//!     DirectoryId::from_bytes([7; 16]),
//!     "https://crowd.example.com/crowd",
//!     "wiki",
//!     password,
//! )
//! .writes(Writes::Never)
//! .build();
//! # let _ = crowd;
//! # Ok::<(), throng_core::secret::SecretError>(())
//! ```

mod address;
mod builder;
mod entry;
mod exchange;
mod fault;
mod identity;
mod listing;
mod login;
mod probe;
mod remote;
mod resolver;
mod sync;
mod tls;
mod writing;

pub use address::AddressFault;
pub use builder::{Builder, ConfigError, InvalidCertificate, Limits, RootCertificates, Writes};
pub use fault::RemoteFault;
pub use identity::{Identity, Product};
pub use probe::Capabilities;
pub use remote::RemoteDirectory;
