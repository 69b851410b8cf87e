//! The vocabulary, the ports, and every rule of Throng that needs no I/O.
//!
//! Reading order: [`name`] (when two names are the same), [`id`] (what an account is), [`plan`] (the order and its
//! policies), [`resolve`] (which directory decides), [`claim`] (to whom a name belongs), [`directory`] and [`store`]
//! (what adapters are asked for), [`change`] (what is written), [`route`] (where a write goes), [`member`] (what
//! nesting grants),
//! [`sync`] (what a copy of somebody else's users follows), [`moves`] (how users go from one directory to another),
//! [`preview`] (what a change would mean), [`shadow`] (what several directories hold alike).
//!
//! This crate reads no clock, draws no randomness and does no I/O; [`time::Clock`] and [`entropy::Entropy`] are
//! parameters of whoever needs them.
//!
//! The feature `serde` serialises ids, names, plans, settings and trails.

pub mod attribute;
pub mod change;
pub mod claim;
pub mod consumer;
pub mod directory;
pub mod entropy;
pub mod error;
pub mod filter;
pub mod group;
pub mod id;
pub mod import;
pub mod member;
pub mod moves;
pub mod name;
pub mod page;
pub mod password;
pub mod permission;
pub mod plan;
pub mod preview;
pub mod registry;
pub mod resolve;
pub mod route;
pub mod secret;
pub mod session;
pub mod shadow;
pub mod store;
pub mod sync;
pub mod time;
pub mod user;
