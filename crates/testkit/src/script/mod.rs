//! A directory and a verifier that do as they are told, well and badly.
//!
//! How each call behaves is switched at run time through any clone, and calls are counted, so that a test can
//! tell that nobody was asked.

mod behaviour;
mod directory;
mod feed;
mod powers;
mod verifier;

pub use self::behaviour::{Behaviour, Call, Lie};
pub use self::directory::{Power, ScriptedDirectory};
pub use self::feed::Cursors;
pub use self::verifier::ScriptedVerifier;
