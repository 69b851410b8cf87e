//! Faults of ports: why a directory or a store could not answer.

use std::error::Error as StdError;
use std::fmt;

/// What kind of fault it was. Facts ("no such user", "wrong password") are answers, never faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A command named something that is not there.
    Missing,
    /// A command would have made a second of something there is one of, or met a newer version than it expected.
    Conflict,
    /// The port may not or cannot do it.
    Forbidden,
    /// The command itself is wrong.
    Invalid,
    /// Nothing can be said now; later it may.
    Unavailable,
    /// What is stored or was answered contradicts itself.
    Broken,
}

impl Fault {
    /// Whether the same call may succeed later without anybody changing anything.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Unavailable => true,
            Self::Missing | Self::Conflict | Self::Forbidden | Self::Invalid | Self::Broken => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
            Self::Broken => "broken",
        })
    }
}

macro_rules! port_errors {
    ($($(#[$doc:meta])* $Name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// `Display` names the fault and the thing it happened to, and holds no value that came from outside; the
        /// cause, for operators, is its `source`.
        #[derive(Debug)]
        pub struct $Name {
            fault: Fault,
            subject: &'static str,
            source: Option<Box<dyn StdError + Send + Sync>>,
        }

        impl $Name {
            /// A fault that happened to `subject`, a few words such as "user" or "membership".
            pub fn new(fault: Fault, subject: &'static str) -> Self {
                Self { fault, subject, source: None }
            }

            /// Keeps the cause for operators.
            #[must_use]
            pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
                self.source = Some(source.into());
                self
            }

            /// The kind of fault.
            pub fn fault(&self) -> Fault {
                self.fault
            }

            /// What it happened to.
            pub fn subject(&self) -> &'static str {
                self.subject
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}: {}", self.fault, self.subject)
            }
        }

        impl StdError for $Name {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
            }
        }
    )*};
}

port_errors! {
    /// A directory could not answer, or could not do what it was told.
    DirectoryError;
    /// A store could not answer, or did not do what it was told.
    StoreError;
}

impl StoreError {
    /// A `Conflict`, because another process has taken the lease under which something was to be written (T65).
    pub fn lost_lease() -> Self {
        Self::new(Fault::Conflict, "lease").caused_by(LostLease)
    }

    /// Whether it is that conflict, and no contradiction of what was to be written.
    pub fn is_lost_lease(&self) -> bool {
        self.source.as_deref().is_some_and(|source| source.is::<LostLease>())
    }
}

/// What tells a lost lease from other conflicts.
#[derive(Debug, thiserror::Error)]
#[error("another process has the lease by now")]
struct LostLease;

impl From<StoreError> for DirectoryError {
    /// A directory kept in a store fails as its store does.
    fn from(error: StoreError) -> Self {
        Self { fault: error.fault, subject: error.subject, source: error.source }
    }
}
