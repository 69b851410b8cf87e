//! Whether the file that was opened still stands in its place.

use std::fs::{self, Metadata};
use std::io;
use std::path::{self, Path, PathBuf};

use crate::fault::DriverFault;

/// Where a store was opened, and the file that stood there.
///
/// SQLite goes on with a file that was deleted or replaced: what it writes is then found by nobody, and what it reads
/// is not what the next start will read (G07).
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    file: FileId,
}

impl Place {
    /// Remembers the file that is there now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let path = path::absolute(path)?;
        let file = file_id(&fs::metadata(&path)?);
        Ok(Self { path, file })
    }

    /// Fails when another file is there, or none. One call of the system, against several for any statement.
    pub(super) fn check(&self) -> Result<(), DriverFault> {
        match fs::metadata(&self.path) {
            Ok(found) if file_id(&found) == self.file => Ok(()),
            Ok(_) | Err(_) => Err(DriverFault::Replaced),
        }
    }
}

/// Device and number of a file.
#[cfg(unix)]
type FileId = (u64, u64);

#[cfg(unix)]
fn file_id(found: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

/// Elsewhere an open file can be neither deleted nor replaced.
#[cfg(not(unix))]
type FileId = ();

#[cfg(not(unix))]
fn file_id(_: &Metadata) -> FileId {}
