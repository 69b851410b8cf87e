//! Hash, verify and upgrade password hashes at a stated cost.
//!
//! A [`hasher::Hasher`] is the only thing here that spends time: it bounds how much of the machine password hashing may
//! take, spends one Argon2id per attempt whether or not the account exists, and says when a stored hash should be
//! replaced by a stronger one. Everything else is data: a [`cost::Cost`], a parsed [`scheme::StoredHash`] with its
//! [`strength::Strength`], and the rules of [`policy`].

pub mod cost;
pub mod hasher;
pub mod policy;
pub mod scheme;
pub mod strength;
pub mod workspace;
