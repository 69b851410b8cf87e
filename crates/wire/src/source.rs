//! Long answers from a source that blocks.

use std::collections::VecDeque;
use std::io::BufRead;

use crate::error::DocumentError;

/// What a long answer holds, read from a source to its end.
///
/// An error is the last item, so that an answer of which the end is missing is never taken for whole.
#[derive(Debug)]
pub struct Entries<R, F: Feed> {
    source: R,
    /// Nothing after the end and after an error.
    reader: Option<F>,
    ready: VecDeque<F::Item>,
}

/// A reader that takes pieces: [`ListReader`](crate::ListReader) or [`MembershipReader`](crate::MembershipReader).
pub trait Feed {
    /// What it gives.
    type Item;

    /// Takes the next piece.
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Self::Item>, DocumentError>;

    /// Proves that nothing is missing.
    fn finish(self) -> Result<(), DocumentError>;
}

impl<R: BufRead, F: Feed> Entries<R, F> {
    pub(crate) fn new(source: R, reader: F) -> Self {
        Self { source, reader: Some(reader), ready: VecDeque::new() }
    }

    /// Reads a piece of the source; whether there may be more.
    fn read(&mut self) -> Result<bool, DocumentError> {
        let Some(mut reader) = self.reader.take() else { return Ok(false) };
        let bytes = loop {
            match self.source.fill_buf() {
                Ok(bytes) => break bytes,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(DocumentError::Io(error.kind())),
            }
        };
        if bytes.is_empty() {
            return reader.finish().map(|()| false);
        }
        self.ready.extend(reader.feed(bytes)?);
        let length = bytes.len();
        self.source.consume(length);
        self.reader = Some(reader);
        Ok(true)
    }
}

impl<R: BufRead, F: Feed> Iterator for Entries<R, F> {
    type Item = Result<F::Item, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            match self.read() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(fault) => return Some(Err(fault)),
            }
        }
    }
}
