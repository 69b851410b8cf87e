//! The bytes of a file, one after the other.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file without its byte order mark.
#[derive(Debug)]
pub(crate) struct Bytes<R>(BufReader<Chain<Cursor<Vec<u8>>, R>>);

impl<R: Read> Bytes<R> {
    pub(crate) fn open(mut reader: R) -> Result<Self, io::ErrorKind> {
        let mut head = Vec::new();
        let mark = BYTE_ORDER_MARK.len() as u64;
        reader.by_ref().take(mark).read_to_end(&mut head).map_err(|error| error.kind())?;
        if head == BYTE_ORDER_MARK {
            head.clear();
        }
        Ok(Self(BufReader::new(Cursor::new(head).chain(reader))))
    }

    /// The next byte; `None` at the end of the file.
    pub(crate) fn next_byte(&mut self) -> Result<Option<u8>, io::ErrorKind> {
        let next = self.peek()?;
        if next.is_some() {
            self.0.consume(1);
        }
        Ok(next)
    }

    /// The next byte, which stays.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, io::ErrorKind> {
        loop {
            match self.0.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.kind()),
            }
        }
    }
}
