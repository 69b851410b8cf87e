//! What can go wrong between here and a remote server.

use std::error::Error as StdError;
use std::io;

use throng_core::error::{DirectoryError, Fault};
use throng_wire::DocumentError;

use crate::identity::Identity;

/// What went wrong, for operators. It is the `source` of every [`DirectoryError`] of a
/// [`RemoteDirectory`](crate::RemoteDirectory), and what a failed [`probe`](crate::RemoteDirectory::probe) says.
///
/// No variant holds a password or the text of an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteFault {
    /// The name of the server is not known to the domain name system, or that does not answer.
    #[error("the server's name cannot be resolved")]
    Unresolved(#[source] io::Error),
    /// The name leads only to addresses that are refused (G01); nothing was sent.
    #[error("the server's name leads to an address where no user server is")]
    RefusedAddress,
    /// Nobody accepts a connection.
    #[error("no connection to the server")]
    Unreachable(#[source] Box<dyn StdError + Send + Sync>),
    /// The server could not prove who it is, or no protection could be agreed on; nothing was sent.
    #[error("no protected connection to the server: {0}")]
    Tls(rustls::Error),
    /// The deadline passed.
    #[error("the server did not answer within the deadline")]
    Deadline,
    /// The connection broke off before the answer was over.
    #[error("the connection broke off")]
    Interrupted(#[source] Box<dyn StdError + Send + Sync>),
    /// The server does not accept the name or the password of the application (401).
    #[error("the server refuses the credentials of the application")]
    CredentialsRefused,
    /// The server does not accept calls from this address, or a proxy forbids them (403 without a reason).
    #[error("the server refuses calls from this address")]
    CallerRefused,
    /// The server does not let the application do this.
    #[error("the server does not let the application do this: {0}")]
    NotPermitted(String),
    /// The server points elsewhere; it was not followed, and no credentials went there.
    #[error(
        "the server answers with a redirect ({status}); the address is wrong, or a login page is in front"
    )]
    Redirected {
        /// The status.
        status: u16,
    },
    /// The answer does not carry the header of a user server: something else answers at the address.
    #[error("the address is not that of a user server")]
    NotAUserServer,
    /// The server has failed or is overloaded (5xx, 429).
    #[error("the server answers with status {0}")]
    Failing(u16),
    /// The server answers with a status or reason that has no meaning for this call.
    #[error("the server declines with status {status} and reason {reason:?}")]
    Declined {
        /// The status.
        status: u16,
        /// The reason that it gives.
        reason: Option<String>,
    },
    /// The answer is not XML, or is packed.
    #[error("the answer is not XML")]
    ContentType,
    /// The answer has more bytes or entries than the limits allow.
    #[error("the answer is larger than the limits allow")]
    TooLarge,
    /// The answer is not the document that it should be.
    #[error("the answer cannot be read: {0}")]
    Document(#[source] DocumentError),
    /// An entry of the answer cannot be taken over.
    #[error("the answer holds an entry that cannot be used: {0}")]
    Entry(String),
    /// The answer is about somebody else than was asked for (T17).
    #[error("the answer is about another name than was asked for")]
    OtherName,
    /// Another server answered than at the beginning, so that its answers do not belong together.
    #[error("the server changed from {before} to {now} while it was read")]
    IdentityChanged {
        /// Who answered first.
        before: Box<Identity>,
        /// Who answered now.
        now: Box<Identity>,
    },
    /// The server's event token changed to another instance's, so that its answers do not belong together.
    #[error("another instance of the server answers than at the beginning")]
    InstanceChanged,
    /// The position is not that of the pull that is open.
    #[error("the place in the pull is forgotten")]
    ForgottenPosition,
    /// The client itself cannot make the call.
    #[error("the call cannot be made")]
    Call(#[source] Box<dyn StdError + Send + Sync>),
}

impl From<DocumentError> for RemoteFault {
    /// A document that exceeds a limit is not malformed.
    fn from(fault: DocumentError) -> Self {
        match fault {
            DocumentError::TooLong | DocumentError::TooManyElements => Self::TooLarge,
            fault => Self::Document(fault),
        }
    }
}

impl RemoteFault {
    /// The kind of fault that it is for a port: what may pass is `Unavailable` (R212), and what contradicts itself is
    /// `Broken`, so that it never counts as silence.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unresolved(_)
            | Self::Unreachable(_)
            | Self::Tls(_)
            | Self::Deadline
            | Self::Interrupted(_)
            | Self::CredentialsRefused
            | Self::CallerRefused
            | Self::NotPermitted(_)
            | Self::Failing(_)
            | Self::ForgottenPosition => Fault::Unavailable,
            Self::RefusedAddress
            | Self::Redirected { .. }
            | Self::NotAUserServer
            | Self::Declined { .. }
            | Self::ContentType
            | Self::TooLarge
            | Self::Document(_)
            | Self::Entry(_)
            | Self::OtherName
            | Self::IdentityChanged { .. }
            | Self::InstanceChanged
            | Self::Call(_) => Fault::Broken,
        }
    }

    /// As the error of a port, about a subject.
    pub(crate) fn about(self, subject: &'static str) -> DirectoryError {
        DirectoryError::new(self.fault(), subject).caused_by(self)
    }

    /// Whether the same call may succeed a moment later: only what a restart or a broken connection looks like.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Interrupted(_) => true,
            Self::Failing(status) => matches!(status, 502..=504),
            Self::Unresolved(_)
            | Self::RefusedAddress
            | Self::Tls(_)
            | Self::Deadline
            | Self::CredentialsRefused
            | Self::CallerRefused
            | Self::NotPermitted(_)
            | Self::Redirected { .. }
            | Self::NotAUserServer
            | Self::Declined { .. }
            | Self::ContentType
            | Self::TooLarge
            | Self::Document(_)
            | Self::Entry(_)
            | Self::OtherName
            | Self::IdentityChanged { .. }
            | Self::InstanceChanged
            | Self::ForgottenPosition
            | Self::Call(_) => false,
        }
    }
}

impl From<reqwest::Error> for RemoteFault {
    fn from(error: reqwest::Error) -> Self {
        // An address never shows up in a log by way of an error: its query holds names.
        let error = error.without_url();
        match find(&error) {
            Some(Found::Resolving(ResolvingFault::Refused)) => return Self::RefusedAddress,
            Some(Found::Resolving(ResolvingFault::Failed(kind))) => {
                return Self::Unresolved(io::Error::from(kind));
            }
            Some(Found::Tls(fault)) => return Self::Tls(fault),
            None => {}
        }
        if error.is_timeout() {
            Self::Deadline
        } else if error.is_connect() {
            Self::Unreachable(Box::new(error))
        } else if error.is_builder() {
            Self::Call(Box::new(error))
        } else {
            Self::Interrupted(Box::new(error))
        }
    }
}

/// Why a name could not be resolved, as it travels through the HTTP library.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum ResolvingFault {
    #[error("the name leads to refused addresses only")]
    Refused,
    #[error("the name cannot be resolved")]
    Failed(io::ErrorKind),
}

enum Found {
    Resolving(ResolvingFault),
    Tls(rustls::Error),
}

/// Looks through the causes of an error for one of ours or of TLS, also where it is wrapped for the I/O of a
/// connection.
fn find(error: &reqwest::Error) -> Option<Found> {
    /// More causes than any library stacks up.
    const MAX_CAUSES: usize = 32;
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    for _ in 0..MAX_CAUSES {
        let error = cause?;
        if let Some(fault) = error.downcast_ref::<ResolvingFault>() {
            return Some(Found::Resolving(*fault));
        }
        if let Some(fault) = error.downcast_ref::<rustls::Error>() {
            return Some(Found::Tls(fault.clone()));
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}
