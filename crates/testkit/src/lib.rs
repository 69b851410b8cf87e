//! Contracts, a memory store and scripted directories for testing Throng and what plugs into it.
//!
//! - [`clock`]: a clock and an entropy source that tests drive.
//! - [`memory`]: the reference implementation of the store ports.
//! - [`faulty`]: a store whose writes fail as a test wants them to.
//! - [`script`]: a directory and a verifier whose behaviour is switched at run time.
//! - [`contract`]: one named test for each documented behaviour of a port, stamped by [`store_contract!`],
//!   [`directory_contract!`] and [`sync_contract!`] into the adapter's own tests.
//! - [`likeness`]: what a mirror must look like after its source has stated something.

pub mod clock;
pub mod contract;
pub mod faulty;
pub mod likeness;
pub mod memory;
mod population;
pub mod script;

#[doc(hidden)]
pub mod __private;
