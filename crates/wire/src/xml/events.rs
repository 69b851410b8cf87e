//! Pieces of any size become the events of `quick-xml`, each once all of it is there, so that it makes no difference
//! where the pieces end.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::Event;
use quick_xml::parser::{ElementParser, Parser};

use super::rules::MAX_REFERENCE_BYTES;
use crate::error::DocumentError;

const COMMENT: &[u8] = b"<!--";
const CDATA: &[u8] = b"<![CDATA[";

#[derive(Debug)]
pub(super) struct Events {
    /// Most bytes that may wait for more.
    max_bytes: usize,
    /// What was fed and is no whole event.
    rest: Vec<u8>,
    /// The position of the rest's first byte.
    position: u64,
    wait: Wait,
}

/// What the rest needs before it is worth another look. Without it, a long event in many small pieces would be read
/// again from its beginning with each of them.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// Any byte at all.
    More,
    /// The end of a text: a tag or a reference.
    TextEnd,
    /// The end of a tag.
    TagEnd(ElementParser),
    /// The end of a comment, of a CDATA section or of an instruction.
    Ending(&'static [u8]),
}

impl Events {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, rest: Vec::new(), position: 0, wait: Wait::More }
    }

    /// The position of the next event.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// What was fed and is no whole event.
    pub(super) fn rest(&self) -> &[u8] {
        &self.rest
    }

    /// Hands out the events that the pieces so far complete, each with its place. After an error there is no next
    /// piece.
    pub(super) fn feed(
        &mut self,
        piece: &[u8],
        each: impl FnMut(Event<'_>, Range<u64>) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        if self.rest.is_empty() {
            let read = self.read(piece, each)?;
            self.rest.extend_from_slice(piece.get(read..).unwrap_or_default());
        } else {
            let seen = self.rest.len();
            self.rest.extend_from_slice(piece);
            if self.wait.is_over(&self.rest, seen) {
                let mut rest = std::mem::take(&mut self.rest);
                let read = self.read(&rest, each)?;
                rest.drain(..read);
                self.rest = rest;
            }
        }
        if self.rest.len() > self.max_bytes { Err(DocumentError::TooLong) } else { Ok(()) }
    }

    /// Reads to the end of the last event that is whole, and says where that is.
    fn read(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Event<'_>, Range<u64>) -> Result<(), DocumentError>,
    ) -> Result<usize, DocumentError> {
        let mut reader = reader(bytes);
        let mut read = 0;
        loop {
            let event = reader.read_event();
            let end = bytes.len() - reader.get_ref().len();
            let rest = bytes.get(read..).unwrap_or_default();
            let is_markup = rest.first() == Some(&b'<');
            let next = self.position + (end - read) as u64;
            match event {
                Ok(Event::Eof) => return Ok(read),
                // The text may go on, and so may its last character or a reference.
                Ok(Event::Text(_))
                | Err(Error::Encoding(_) | Error::IllFormed(IllFormedError::UnclosedReference))
                    if end == bytes.len() && !is_markup =>
                {
                    self.wait = Wait::of(rest, self.position)?;
                    return Ok(read);
                }
                Err(Error::Syntax(_)) => {
                    self.wait = Wait::of(rest, self.position)?;
                    return Ok(read);
                }
                Ok(event) => each(event, self.position..next)?,
                Err(Error::Encoding(_)) => return Err(DocumentError::Encoding),
                Err(Error::IllFormed(IllFormedError::MissingDoctypeName)) => {
                    return Err(DocumentError::Doctype);
                }
                Err(_) => return Err(DocumentError::Syntax { position: self.position }),
            }
            self.position = next;
            read = end;
        }
    }
}

impl Wait {
    /// What the beginning of an event waits for; an error when nothing can make an event of it.
    fn of(rest: &[u8], position: u64) -> Result<Self, DocumentError> {
        match rest {
            [b'<', b'!', first, ..] if first.is_ascii_alphabetic() => Err(DocumentError::Doctype),
            [b'<', b'!', ..] if rest.starts_with(COMMENT) => Ok(Self::Ending(b"-->")),
            [b'<', b'!', ..] if rest.starts_with(CDATA) => Ok(Self::Ending(b"]]>")),
            [b'<', b'!', ..] if COMMENT.starts_with(rest) || CDATA.starts_with(rest) => Ok(Self::More),
            [b'<', b'!', ..] | [b'<', b'?', b'>', ..] => Err(DocumentError::Syntax { position }),
            [b'<', b'?', ..] => Ok(Self::Ending(b"?>")),
            [] | [b'<'] => Ok(Self::More),
            [b'<', tag @ ..] => {
                let mut parser = ElementParser::Outside;
                Ok(parser.feed(tag).map_or(Self::TagEnd(parser), |_| Self::More))
            }
            [b'&', ..] if rest.len() > MAX_REFERENCE_BYTES => Err(DocumentError::Syntax { position }),
            [b'&', ..] => Ok(Self::More),
            _ => Ok(Self::TextEnd),
        }
    }

    /// Whether it came; what stands before `seen` was looked at already.
    fn is_over(&mut self, rest: &[u8], seen: usize) -> bool {
        let piece = rest.get(seen..).unwrap_or_default();
        match self {
            Self::More => true,
            Self::TextEnd => memchr::memchr2(b'<', b'&', piece).is_some(),
            Self::TagEnd(parser) => parser.feed(piece).is_some(),
            Self::Ending(ending) => {
                // Its first bytes may have come already.
                let from = seen.saturating_sub(ending.len() - 1);
                memchr::memmem::find(rest.get(from..).unwrap_or_default(), ending).is_some()
            }
        }
    }
}

/// A reader in the midst of a document. At the beginning of one it would drop U+FEFF, which may be the text that a
/// piece begins with; so it has read something else by now.
fn reader(bytes: &[u8]) -> Reader<&[u8]> {
    let mut reader = Reader::from_reader(&b"<a/>"[..]);
    let config = reader.config_mut();
    config.check_comments = true;
    // Names are compared where elements are built: what a piece closes was opened in another one.
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let _ = reader.read_event();
    *reader.get_mut() = bytes;
    reader
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds pieces one after the other, and says after which of them the rest was worth another look.
    fn looks(begin: &str, pieces: &[&str]) -> Vec<bool> {
        let mut events = Events::new(1_000);
        assert_eq!(events.feed(begin.as_bytes(), |_, _| Ok(())), Ok(()));
        let look = |piece: &&str| {
            let seen = events.rest.len();
            events.rest.extend_from_slice(piece.as_bytes());
            events.wait.is_over(&events.rest, seen)
        };
        pieces.iter().map(look).collect()
    }

    /// Else an answer of many small pieces would cost the square of its length.
    #[test]
    fn a_long_event_is_not_read_again_with_each_piece() {
        assert_eq!(looks("<u a='", &[">", "\">", "/>", "'", ">"]), [false, false, false, false, true]);
        assert_eq!(looks("<u a=\"'>", &["'>", "\"", ">"]), [false, false, true]);
        assert_eq!(looks("<u>a", &[">", "]]>", ";", "<"]), [false, false, false, true]);
        assert_eq!(looks("<u>a", &["&"]), [true]);
        assert_eq!(looks("<!-- ", &[">", "->", "?>", "-", "->"]), [false, false, false, false, true]);
        assert_eq!(
            looks("<![CDATA[", &["]", ">", "-->", "]", "]", ">"]),
            [false, false, false, false, false, true]
        );
        assert_eq!(looks("<?a ", &[">", "-->", "?", ">"]), [false, false, false, true]);
    }

    #[test]
    fn what_begins_no_event_is_refused_at_once() {
        let syntax = DocumentError::Syntax { position: 3 };
        for (text, fault) in [
            ("<u><!D", DocumentError::Doctype),
            ("<u><!e", DocumentError::Doctype),
            ("<u><!DOCTYPE>", DocumentError::Doctype),
            ("<u><!-x", syntax),
            ("<u><!>", syntax),
            ("<u><![cdata", syntax),
            ("<u><?>", syntax),
            ("<u>&#00000000000000000000000000000065", syntax),
        ] {
            let pieces = |size| {
                let mut events = Events::new(1_000);
                text.as_bytes().chunks(size).try_for_each(|piece| events.feed(piece, |_, _| Ok(())))
            };
            assert_eq!(pieces(1), Err(fault), "{text}");
            assert_eq!(pieces(100), Err(fault), "{text}");
        }
    }
}
