//! Files of users and groups: what an import reads, and what an export writes.
//!
//! 1. [`csv`] reads and writes CSV files.
//! 2. `ldif` (feature `ldif`) reads what an LDAP server wrote out, with groups and password hashes.
//! 3. `backup` (feature `backup`) reads one directory out of the XML backup of a Crowd or of a Jira.
//!
//! A reader says what a file says and where, as the rows of [`throng_core::import`]; whether names are good, taken or
//! nested in circles is for the import to tell.

#[cfg(feature = "backup")]
pub mod backup;
mod bytes;
pub mod csv;
mod flag;
#[cfg(any(feature = "backup", feature = "ldif"))]
mod hash;
#[cfg(feature = "ldif")]
pub mod ldif;
