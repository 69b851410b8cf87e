//! Asks directories in order, assembles the kinds of directory, and holds claims and sessions.
//!
//! [`Throng`] is put together over a store; an [`Application`] is the handle through which
//! a host finds, authenticates, groups, explains and writes. Follow one login from `application/login.rs`: the walk of
//! `throng_core::resolve` asks each seat, `directory/internal.rs` checks a hash, `application/claims.rs` settles
//! whose the name is.
//!
//! This crate names no adapter: stores, directories and verifiers come in through the ports of `throng_core`.

pub mod application;
pub mod archive;
mod ask;
pub mod check;
mod config;
mod consumers;
pub mod directory;
pub mod error;
pub mod import;
mod logins;
pub mod moves;
pub mod preview;
pub mod shadows;
pub mod sync;
pub mod system;
mod throng;

pub use application::Application;
pub use consumers::{ApplicationSecret, Attempts, Verified};
pub use directory::{Recovery, RecoveryStatus};
pub use error::Error;
pub use throng::{Builder, SessionLimits, Throng};
