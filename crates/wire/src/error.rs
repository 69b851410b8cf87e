//! Why a document cannot be read.

/// A document that is not read, and what rule it broke. Nothing of what the document says is repeated.
///
/// 1. It is a bad request when the document came as one, and a malformed answer when it came from a server.
/// 2. Positions are bytes from the beginning of what was read, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// A document type, or any other declaration of the kind (R01-R04, T78).
    #[error("the document declares a document type")]
    Doctype,
    /// Not UTF-8: other bytes, a byte order mark, another declared encoding, or half of a surrogate pair (N35, N36,
    /// R15).
    #[error("the document is not plain UTF-8")]
    Encoding,
    /// Not well-formed.
    #[error("the document is not well-formed at byte {position}")]
    Syntax {
        /// Where it was noticed.
        position: u64,
    },
    /// It ends before it is complete.
    #[error("the document is cut short")]
    Truncated,
    /// Something follows after its end (R10, R14).
    #[error("something follows the document")]
    Trailing,
    /// More bytes than [`Limits::bytes`](crate::Limits), or an entry of a list with more than
    /// [`Limits::entry_bytes`](crate::Limits).
    #[error("the document or an entry of it is too long")]
    TooLong,
    /// Nested deeper than [`Limits::depth`](crate::Limits) or [`Limits::json_depth`](crate::Limits) (R06, R11).
    #[error("the document is nested too deeply")]
    TooDeep,
    /// More elements than [`Limits::elements`](crate::Limits) (R08).
    #[error("the document has too many elements")]
    TooManyElements,
    /// An element with more attributes than [`Limits::attributes`](crate::Limits) (R05, R07).
    #[error("an element has too many attributes")]
    TooManyAttributes,
    /// The name of an element, an attribute or a key is longer than [`Limits::name_bytes`](crate::Limits).
    #[error("a name in the document is too long")]
    NameTooLong,
    /// The root is another element than the one that was asked for.
    #[error("the document is no `{0}`")]
    Root(&'static str),
    /// A key of an object, or an attribute of an element, stands there twice (R12).
    #[error("a key stands there twice")]
    DuplicateKey,
    /// A field is given twice, by the same or by another of its names.
    #[error("the field `{0}` stands there twice")]
    Duplicate(&'static str),
    /// A field that must be there is not.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// A field holds what it cannot hold.
    #[error("the field `{0}` holds something else than it should")]
    Invalid(&'static str),
}
