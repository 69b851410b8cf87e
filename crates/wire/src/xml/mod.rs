//! XML 1.0 without document types, read in pieces of any size.
//!
//! 1. What the standard calls not well-formed is refused, and so is every declaration of a document type (R01-R04).
//! 2. Comments and processing instructions are passed over; the text around them is one text.
//! 3. There are no namespaces: a prefix is part of a name.

pub(crate) mod escape;
mod events;
#[cfg(test)]
mod laws;
mod pull;
mod rules;

use crate::document::Limits;
use crate::error::DocumentError;
use crate::node::{Fields, Name};

pub(crate) use pull::{Pull, Step};

/// Reads a whole document: the name of its root, and what is in it.
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<(Name, Fields), DocumentError> {
    // The whole document is the entry.
    let mut pull = Pull::new(0, Limits { entry_bytes: limits.bytes, ..*limits });
    let mut root = None;
    pull.feed(bytes, |step| {
        if let Step::Entry(name, fields) = step {
            root = Some((name, fields));
        }
        Ok(())
    })?;
    pull.finish()?;
    root.ok_or(DocumentError::Truncated)
}
