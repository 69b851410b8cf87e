//! The store ports on SQL databases.
//!
//! Each engine is a feature of its own; without features there is nothing here. Every statement is a
//! constant, every value is bound, and the rules of precedence are left to whoever asks.

#[cfg(feature = "sqlite")]
mod fault;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use fault::DriverFault;
#[cfg(feature = "sqlite")]
pub use sqlite::{BackupError, BackupFault, Examination, OpenError, OpenFault, SqliteOptions, SqliteStore};
