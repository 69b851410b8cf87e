//! Files of users and groups: what an import reads, and what an export writes.
//!
//! [`csv`] reads and writes CSV files. A reader says what a file says and where, as the rows of
//! [`throng_core::import`]; whether names are good, taken or nested in circles is for the import to tell.

pub mod csv;
