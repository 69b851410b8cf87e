use std::time::Duration;

use crate::directory::Refusal;

/// What a seat says about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It holds the name; for a login, it accepts the credential too.
    Holds(T),
    /// It does not hold the name.
    Lacks,
    /// It holds the name and does not accept the credential.
    Refuses(Refusal),
    /// It could not say; `Memory` is what was known before.
    Silent(Memory),
}

/// What a complete mirror last knew about a name that its source is silent about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Memory {
    /// There is no mirror, or it was never complete.
    Nothing,
    /// It held the name.
    Held,
    /// It did not hold the name.
    Lacked {
        /// How long ago the mirror was complete.
        age: Duration,
    },
}
