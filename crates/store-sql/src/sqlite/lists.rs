//! Lists and structures as one parameter.

use serde::Serialize;
use serde::de::DeserializeOwned;
use throng_core::id::{DirectoryId, Id};
use throng_core::name::Key;

use crate::fault::DriverFault;

/// A JSON list of directories, as `listed!` reads it.
pub(crate) fn directories(directories: &[DirectoryId]) -> String {
    joined(directories.iter().map(|id| [id.as_bytes().as_slice()]))
}

/// A JSON list of keys.
pub(crate) fn keys<'k>(keys: impl IntoIterator<Item = &'k Key>) -> String {
    joined(keys.into_iter().map(|key| [key.as_bytes()]))
}

/// A JSON list of what is joined of parts.
pub(crate) fn joined<'b, const N: usize>(items: impl IntoIterator<Item = [&'b [u8]; N]>) -> String {
    let mut text = String::from("[");
    for (at, parts) in items.into_iter().enumerate() {
        text.push_str(if at == 0 { "\"" } else { ",\"" });
        parts.into_iter().for_each(|part| push_hex(&mut text, part));
        text.push('"');
    }
    text.push(']');
    text
}

/// The bytes in hexadecimal digits: the one form in which SQLite's JSON loses nothing, not even NUL.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

/// The bytes of hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// An id in hexadecimal digits.
pub(crate) fn id<K>(text: &str) -> Option<Id<K>> {
    Some(Id::from_bytes(unhex(text)?.try_into().ok()?))
}

/// A structure of ours as JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, DriverFault> {
    serde_json::to_string(value).map_err(|_| DriverFault::Driver)
}

/// A structure of ours that was stored as JSON; `what` says what it is.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, DriverFault> {
    serde_json::from_str(text).map_err(|_| DriverFault::Unreadable(what))
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_json() {
        assert_eq!(unhex(&hex(b"\0\xffa")), Some(b"\0\xffa".to_vec()));
        assert_eq!((unhex("6"), unhex("xy"), unhex("")), (None, None, Some(vec![])));
        assert_eq!(keys([]), "[]");
        assert_eq!(keys(&[Key::of("a\""), Key::of("\0")]), r#"["6122","00"]"#);
    }
}
