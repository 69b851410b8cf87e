//! Cuts bytes into the tokens of XML. A token is given out once all of it is there, so that it makes no difference
//! where the pieces end.

use super::escape;
use crate::document::Limits;
use crate::error::DocumentError;

const COMMENT: &[u8] = b"<!--";
const CDATA: &[u8] = b"<![CDATA[";

#[derive(Debug)]
pub(super) struct Lexer {
    limits: Limits,
    buffer: Vec<u8>,
    /// How much of the buffer was given out.
    given: usize,
    /// How much of the current token was looked at already, and the quote that stands open there.
    seen: usize,
    quote: Option<u8>,
    /// The position of the buffer's first byte.
    start: u64,
}

/// A token, with its text as it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A start tag: the name and the attributes.
    Start { name: &'a str, attributes: &'a str },
    /// A tag of an element without content.
    Empty { name: &'a str, attributes: &'a str },
    /// An end tag.
    End { name: &'a str },
    /// What stands between two tags.
    Text(&'a str),
    /// What stands in a CDATA section.
    CData(&'a str),
    /// The declaration of XML: its pseudo-attributes.
    Declaration(&'a str),
    /// A comment or a processing instruction.
    Skipped,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Tag,
    Comment,
    CData,
    Instruction,
}

impl Lexer {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, buffer: Vec::new(), given: 0, seen: 0, quote: None, start: 0 }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.given);
        self.start += self.given as u64;
        self.given = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The position of the next token.
    pub(super) fn position(&self) -> u64 {
        self.start + self.given as u64
    }

    pub(super) fn syntax(&self) -> DocumentError {
        DocumentError::Syntax { position: self.position() }
    }

    /// What was fed and is no whole token.
    pub(super) fn rest(&self) -> &[u8] {
        self.buffer.get(self.given..).unwrap_or_default()
    }

    /// The next token; `None` until more is fed.
    pub(super) fn token(&mut self) -> Result<Option<Token<'_>>, DocumentError> {
        let rest = self.buffer.get(self.given..).unwrap_or_default();
        let Some(kind) = kind(rest, self.position())? else { return Ok(None) };
        let end = match kind {
            Kind::Text => find(rest, b"<", self.seen),
            Kind::Tag => self.tag_end(),
            Kind::Comment => find(rest, b"-->", self.seen.max(COMMENT.len())).map(|at| at + 3),
            Kind::CData => find(rest, b"]]>", self.seen.max(CDATA.len())).map(|at| at + 3),
            Kind::Instruction => find(rest, b"?>", self.seen.max(2)).map(|at| at + 2),
        };
        let rest = self.buffer.get(self.given..).unwrap_or_default();
        let Some(end) = end else {
            if rest.len() > self.limits.entry_bytes {
                return Err(DocumentError::TooLong);
            }
            // The last two bytes may begin what ends the token.
            self.seen = match kind {
                Kind::Tag => rest.len(),
                Kind::Text | Kind::Comment | Kind::CData | Kind::Instruction => rest.len().saturating_sub(2),
            };
            return Ok(None);
        };
        let position = self.position();
        self.given += end;
        self.seen = 0;
        self.quote = None;
        let bytes = self.buffer.get(self.given - end..self.given).unwrap_or_default();
        let text = checked(bytes, position)?;
        let token = match kind {
            Kind::Text => Some(Token::Text(text)),
            Kind::Tag => tag(text, &self.limits)?,
            Kind::Comment => comment(text),
            Kind::CData => text.get(CDATA.len()..text.len() - 3).map(Token::CData),
            Kind::Instruction => instruction(text, position),
        };
        token.map(Some).ok_or(DocumentError::Syntax { position })
    }

    /// The end of the current tag: the first `>` outside quotes.
    fn tag_end(&mut self) -> Option<usize> {
        let rest = self.buffer.get(self.given..).unwrap_or_default();
        let mut at = self.seen;
        loop {
            let ahead = rest.get(at..)?;
            let found = match self.quote {
                Some(quote) => memchr::memchr(quote, ahead),
                None => memchr::memchr3(b'>', b'"', b'\'', ahead),
            };
            at += found? + 1;
            self.quote = match (self.quote, rest.get(at - 1)) {
                (None, Some(b'>')) => return Some(at),
                (None, quote) => quote.copied(),
                (Some(_), _) => None,
            };
        }
    }
}

/// Splits the attributes of a tag and hands out each with its name and its value as it stands; `None` when they are not
/// well-formed.
pub(super) fn attributes<'a>(
    text: &'a str,
    mut each: impl FnMut(&'a str, &'a str) -> Result<(), DocumentError>,
) -> Result<Option<()>, DocumentError> {
    let mut rest = text;
    loop {
        let next = rest.trim_ascii_start();
        if next.is_empty() {
            return Ok(Some(()));
        }
        if next.len() == rest.len() {
            return Ok(None);
        }
        let Some((name, after)) = next.split_once('=') else { return Ok(None) };
        let mut value = after.trim_ascii_start().chars();
        let Some(quote @ ('"' | '\'')) = value.next() else { return Ok(None) };
        let Some((value, after)) = value.as_str().split_once(quote) else { return Ok(None) };
        let name = name.trim_ascii_end();
        if !is_name(name) {
            return Ok(None);
        }
        each(name, value)?;
        rest = after;
    }
}

/// What begins here; `None` when there is not enough to tell.
fn kind(rest: &[u8], position: u64) -> Result<Option<Kind>, DocumentError> {
    match rest {
        [] | [b'<'] => Ok(None),
        [b'<', b'?', ..] => Ok(Some(Kind::Instruction)),
        [b'<', b'!', ..] if rest.starts_with(COMMENT) => Ok(Some(Kind::Comment)),
        [b'<', b'!', ..] if rest.starts_with(CDATA) => Ok(Some(Kind::CData)),
        [b'<', b'!', ..] if COMMENT.starts_with(rest) || CDATA.starts_with(rest) => Ok(None),
        [b'<', b'!', first, ..] if first.is_ascii_alphabetic() => Err(DocumentError::Doctype),
        [b'<', b'!', ..] => Err(DocumentError::Syntax { position }),
        [b'<', ..] => Ok(Some(Kind::Tag)),
        _ => Ok(Some(Kind::Text)),
    }
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    match wanted {
        [byte] => memchr::memchr(*byte, rest),
        _ => memchr::memmem::find(rest, wanted),
    }
    .map(|at| from + at)
}

/// The text of a token, which holds only what XML can hold.
fn checked(bytes: &[u8], position: u64) -> Result<&str, DocumentError> {
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::Encoding)?;
    let is_plain = |byte: &u8| *byte >= b' ' && *byte < 0xEF || matches!(byte, b'\t' | b'\n' | b'\r');
    if bytes.iter().all(is_plain) || text.chars().all(escape::is_allowed) {
        Ok(text)
    } else if bytes.contains(&0) {
        // UTF-16 that passes for UTF-8.
        Err(DocumentError::Encoding)
    } else {
        Err(DocumentError::Syntax { position })
    }
}

fn tag<'a>(text: &'a str, limits: &Limits) -> Result<Option<Token<'a>>, DocumentError> {
    let Some(inner) = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) else {
        return Ok(None);
    };
    if let Some(name) = inner.strip_prefix('/') {
        let name = name.trim_ascii_end();
        return named(name, limits).map(|good| good.then_some(Token::End { name }));
    }
    let (inner, is_empty) = match inner.strip_suffix('/') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let (name, attributes) =
        inner.split_at(inner.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(inner.len()));
    Ok(named(name, limits)?.then_some(if is_empty {
        Token::Empty { name, attributes }
    } else {
        Token::Start { name, attributes }
    }))
}

fn named(name: &str, limits: &Limits) -> Result<bool, DocumentError> {
    if name.len() > limits.name_bytes { Err(DocumentError::NameTooLong) } else { Ok(is_name(name)) }
}

fn comment(text: &str) -> Option<Token<'_>> {
    let inner = text.get(COMMENT.len()..text.len() - 3)?;
    (!inner.contains("--") && !inner.ends_with('-')).then_some(Token::Skipped)
}

/// An instruction with the name `xml` is the declaration, which stands at the beginning only.
fn instruction(text: &str, position: u64) -> Option<Token<'_>> {
    let inner = text.get(2..text.len() - 2)?;
    let (name, rest) =
        inner.split_at(inner.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(inner.len()));
    if name == "xml" && position == 0 {
        return Some(Token::Declaration(rest));
    }
    (is_name(name) && !name.eq_ignore_ascii_case("xml")).then_some(Token::Skipped)
}

/// The names of XML 1.0 but for some letters beyond ASCII, which are all let through.
fn is_name(name: &str) -> bool {
    let starts = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || !byte.is_ascii();
    let goes_on = |byte: u8| starts(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    name.bytes().next().is_some_and(starts) && name.bytes().all(goes_on)
}
