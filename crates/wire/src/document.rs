//! Whole documents, read within limits and written in the recorded order.

use crate::error::DocumentError;
use crate::format::Format;
use crate::node::{Fields, Node};
use crate::writer::Writer;
use crate::{json, xml};

/// How much of a document is read (T79). What exceeds a limit is an error; nothing is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a whole document. Streamed documents have no limit on the whole.
    pub bytes: usize,
    /// Most bytes of one entry of a streamed document, and of what may stand between two.
    pub entry_bytes: usize,
    /// Deepest nesting of XML, the root counted.
    pub depth: usize,
    /// Deepest nesting of JSON, the outermost value counted.
    pub json_depth: usize,
    /// Most elements of XML or values of JSON, in a whole document or in one entry of a streamed one.
    pub elements: usize,
    /// Most attributes of one element of XML.
    pub attributes: usize,
    /// Longest name of an element or an attribute of XML, and longest key of JSON, in bytes.
    pub name_bytes: usize,
}

impl Limits {
    /// For bodies of requests: what T79 grants to whoever can reach the server.
    pub const REQUEST: Self = Self {
        bytes: 2 << 20,
        entry_bytes: 2 << 20,
        depth: 32,
        json_depth: 64,
        elements: 50_000,
        attributes: 64,
        name_bytes: 256,
    };

    /// For answers of a server that is configured, and so is trusted with more: a list of 100,000 full users is about
    /// 50 MB and 1.5 million elements. An entry is a user or a group with all its attributes.
    pub const ANSWER: Self =
        Self { bytes: 256 << 20, entry_bytes: 8 << 20, elements: 10_000_000, ..Self::REQUEST };
}

impl Default for Limits {
    /// [`Limits::REQUEST`].
    fn default() -> Self {
        Self::REQUEST
    }
}

/// A document of the protocol. The types of this crate are the only ones.
pub trait Document: Body {}

impl<T: Body> Document for T {}

/// Reads the body of a request.
///
/// 1. The limits are [`Limits::REQUEST`].
/// 2. The same value in either format is read as the same document (T80).
/// 3. Fields that a document does not have are ignored, so that a whole entity may be sent back; a field that is given
///    twice, by any of its names, is refused.
/// 4. A document type, another encoding than UTF-8, and whatever follows the document are refused (T78).
pub fn read<T: Document>(format: Format, bytes: &[u8]) -> Result<T, DocumentError> {
    read_within(format, bytes, &Limits::REQUEST)
}

/// Reads a document as [`read`] does, within other limits.
pub fn read_within<T: Document>(format: Format, bytes: &[u8], limits: &Limits) -> Result<T, DocumentError> {
    if bytes.len() > limits.bytes {
        return Err(DocumentError::TooLong);
    }
    let (name, node) = match format {
        Format::Json => (None, json::parse(bytes, limits)?),
        Format::Xml => {
            let (name, fields) = xml::parse(bytes, limits)?;
            (Some(name), Node::Element(fields))
        }
    };
    if let Some(name) = &name
        && !T::is_root(name)
    {
        return Err(DocumentError::Root(T::ROOT));
    }
    T::take(name.as_deref(), node.into_fields(T::ROOT)?)
}

/// Writes a document.
///
/// 1. Elements of XML stand in the recorded order, below an XML declaration; items of lists are never self-closing.
/// 2. In XML, a character that XML 1.0 cannot hold (a control character other than tab and line ends) is written as
///    U+FFFD.
pub fn write<T: Document>(format: Format, document: &T) -> String {
    let mut out = Writer::new(format);
    document.put_root(&mut out);
    out.into_text()
}

/// What a document is made of.
pub trait Body: Sized {
    /// The root element of XML.
    const ROOT: &'static str;

    /// Whether a root element of this name is this document.
    fn is_root(name: &str) -> bool {
        name == Self::ROOT
    }

    /// Takes the document from its fields; `root` is the name of the root element of XML.
    fn take(root: Option<&str>, fields: Fields) -> Result<Self, DocumentError>;

    /// Writes the fields.
    fn put(&self, out: &mut Writer);

    /// Writes the whole document.
    fn put_root(&self, out: &mut Writer) {
        out.root(Self::ROOT);
        self.put(out);
        out.end();
    }
}
