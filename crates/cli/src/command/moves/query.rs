//! A query that says whom to move.

use std::str::FromStr;

use throng::core::filter::Filter;
use throng::server::cql::{self, EntityKind, QueryError};

/// How much of a query is repeated from the place where it is malformed.
const SHOWN_CHARS: usize = 20;

/// A query in the language that clients of the user server search in.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// As it was written.
    pub(super) text: String,
    /// Whom it matches.
    pub(super) filter: Filter,
}

impl FromStr for Query {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // To a client it means everybody; here it is more likely a variable that was never set.
        if text.trim().is_empty() {
            return Err("it is empty; without `--query` everybody is meant".to_owned());
        }
        let filter = cql::parse(text, EntityKind::User).map_err(|error| pointed(text, &error))?;
        Ok(Self { text: text.to_owned(), filter })
    }
}

/// Says what is wrong with a query, and where.
fn pointed(text: &str, error: &QueryError) -> String {
    let QueryError::Syntax { position } = error else { return error.to_string() };
    let rest: String = text.get(*position..).unwrap_or_default().chars().take(SHOWN_CHARS).collect();
    match rest.as_str() {
        "" => format!("{error}, where it ends"),
        rest => format!("{error}, before {rest:?}"),
    }
}
