//! The command driven as a process: from an empty folder to a login over the network, and everything that it refuses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod application;
mod apply;
mod basics;
mod directory;
mod home;
mod keep;
mod kills;
mod moves;
mod preview;
#[path = "../process/mod.rs"]
mod process;
mod serve;
mod transfer;
mod user;
mod why;
mod words;
