//! The contracts of the ports: one named test for each documented behaviour.
//!
//! A case names in its documentation what it holds an implementation to. Cases share nothing: each gets a
//! fixture of its own.

pub mod directory;
pub mod store;
pub mod sync;
