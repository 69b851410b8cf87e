//! A file that knows on which line it is read, and that ends a stretch of it that is too long.

use std::io::{self, BufRead, BufReader, Read};

/// A file, with the line of its next byte.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: BufReader<R>,
    line: u64,
    /// How many bytes may still be read.
    left: usize,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { source: BufReader::new(reader), line: 1, left: 0 }
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Lets so many bytes be read from here on.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.left = bytes;
    }

    /// Whether all that was allowed is read.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let count = bytes.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.source.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes.get(..self.left).unwrap_or(bytes))
    }

    fn consume(&mut self, count: usize) {
        let bytes = self.source.buffer().get(..count).unwrap_or_default();
        self.line += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.left = self.left.saturating_sub(count);
        self.source.consume(count);
    }
}
