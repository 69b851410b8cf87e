//! The lines of a file, unfolded, each as long as it may be and no longer.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{LdifError, LdifFault, MAX_LINE_BYTES};
use crate::bytes::Bytes;

/// A file, line by line.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: Bytes<R>,
    /// The line of the next byte.
    line: u64,
    /// Bytes since the last entry began.
    size: usize,
    max_size: usize,
}

/// What stands in the file.
pub(super) enum Step {
    /// A line with nothing on it.
    Blank,
    /// An attribute and a value of it.
    Line(Line),
}

/// A line, unfolded.
pub(super) struct Line {
    /// Where it begins.
    pub(super) line: u64,
    /// The name of the attribute, as it stands there.
    pub(super) name: String,
    /// What follows the name's first `;`.
    pub(super) option: Option<String>,
    /// Nothing where nobody wanted it.
    pub(super) value: Option<Vec<u8>>,
}

impl<R: Read> Lines<R> {
    pub(super) fn open(reader: R, max_entry_bytes: usize) -> Result<Self, LdifError> {
        let source = Bytes::open(reader).map_err(|kind| LdifFault::Io(kind).at(1))?;
        Ok(Self { source, line: 1, size: 0, max_size: max_entry_bytes })
    }

    /// An entry begins: what is read from here on counts as its.
    pub(super) fn begin_entry(&mut self) {
        self.size = 0;
    }

    /// The next line that is no comment; `None` at the end of the file. Values of attributes that nobody wants are
    /// skipped, however long they are.
    pub(super) fn next_line(&mut self, is_wanted: impl Fn(&str) -> bool) -> Result<Option<Step>, LdifError> {
        while self.peek()? == Some(b'#') {
            self.unfold(|_| false)?;
        }
        let begin = self.line;
        match self.peek()? {
            None => return Ok(None),
            // What goes on is part of the line before, and was read with it.
            Some(b' ' | b'\t') => return Err(LdifFault::StrayContinuation.at(begin)),
            Some(b'\r' | b'\n') => {
                if self.next_byte()? == Some(b'\r') && self.next_byte()? != Some(b'\n') {
                    return Err(LdifFault::Malformed.at(begin));
                }
                self.line += 1;
                return Ok(Some(Step::Blank));
            }
            Some(_) => {}
        }
        let (text, colon) = self.unfold(|name| is_wanted(name.split(';').next().unwrap_or_default()))?;
        let malformed = || LdifFault::Malformed.at(begin);
        let name = text.get(..colon.ok_or_else(malformed)?).and_then(name).ok_or_else(malformed)?;
        let value = text.get(name.len() + 1..).unwrap_or_default();
        let (name, option) = name.split_once(';').map_or((name, None), |(name, option)| (name, Some(option)));
        let value = match value {
            [b'<', ..] => return Err(LdifFault::ByUrl.at(begin)),
            _ if !is_wanted(name) => None,
            [b':', encoded @ ..] => {
                let decoded = STANDARD.decode(encoded.trim_ascii());
                Some(decoded.map_err(|_| LdifFault::BadBase64.at(begin))?)
            }
            value => {
                let blanks = value.iter().take_while(|byte| **byte == b' ').count();
                Some(value.get(blanks..).unwrap_or_default().to_vec())
            }
        };
        Ok(Some(Step::Line(Line {
            line: begin,
            name: name.to_owned(),
            option: option.map(str::to_owned),
            value,
        })))
    }

    /// Reads to the end of a line that may go on over several, and says where its first colon is. Of comments nothing
    /// is kept, and of values that nobody wants no more than what tells their form.
    fn unfold(&mut self, is_wanted: impl Fn(&str) -> bool) -> Result<(Vec<u8>, Option<usize>), LdifError> {
        let begin = self.line;
        let is_comment = self.peek()? == Some(b'#');
        let mut is_kept = !is_comment;
        let mut text = Vec::new();
        let mut colon = None;
        while let Some(byte) = self.next_byte()? {
            match byte {
                0 => return Err(LdifFault::NulByte.at(self.line)),
                b'\r' if self.peek()? == Some(b'\n') => continue,
                b'\n' => {
                    self.line += 1;
                    if matches!(self.peek()?, Some(b' ' | b'\t')) {
                        self.next_byte()?;
                        continue;
                    }
                    break;
                }
                b':' if colon.is_none() && !is_comment => {
                    colon = Some(text.len());
                    is_kept = std::str::from_utf8(&text).is_ok_and(&is_wanted);
                }
                _ => {}
            }
            if is_kept || colon.is_some_and(|at| text.len() <= at + 1) {
                text.push(byte);
            }
            if text.len() > MAX_LINE_BYTES {
                return Err(LdifFault::LineTooLong.at(begin));
            }
        }
        Ok((text, colon))
    }

    fn next_byte(&mut self) -> Result<Option<u8>, LdifError> {
        let next = self.source.next_byte().map_err(|kind| LdifFault::Io(kind).at(self.line))?;
        self.size += 1;
        if self.size > self.max_size { Err(LdifFault::EntryTooLong.at(self.line)) } else { Ok(next) }
    }

    fn peek(&mut self) -> Result<Option<u8>, LdifError> {
        self.source.peek().map_err(|kind| LdifFault::Io(kind).at(self.line))
    }
}

/// An attribute description: a name or a number, and options.
fn name(text: &[u8]) -> Option<&str> {
    let is_letter =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b';' | b'=' | b'*');
    if text.first()?.is_ascii_alphanumeric() && text.iter().all(is_letter) {
        std::str::from_utf8(text).ok()
    } else {
        None
    }
}
