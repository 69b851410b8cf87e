//! The directory that a case is held against.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use throng_core::directory::Directory;

use super::world::{DisplayNames, World};

/// A directory that holds the [`World`], for one case.
pub struct DirectoryFixture {
    // Dropped in this order: the directory before what it stands on.
    directory: Arc<dyn Directory>,
    locks_after: Option<u32>,
    display_names: DisplayNames,
    _ground: Option<Box<dyn Any + Send>>,
}

impl DirectoryFixture {
    /// A directory that does not lock accounts, or not before many failures.
    pub fn new(directory: impl Directory + 'static) -> Self {
        Self {
            directory: Arc::new(directory),
            locks_after: None,
            display_names: DisplayNames::AsKept,
            _ground: None,
        }
    }

    /// Tells after how many failed checks the directory refuses even the right password.
    #[must_use]
    pub fn locking_after(self, failures: u32) -> Self {
        Self { locks_after: Some(failures), ..self }
    }

    /// Tells that the directory shows the user name of whoever has no display name.
    #[must_use]
    pub fn deriving_display_names(self) -> Self {
        Self { display_names: DisplayNames::Derived, ..self }
    }

    /// Keeps something until the directory is dropped: a temporary folder, a server.
    #[must_use]
    pub fn standing_on(self, ground: impl Any + Send) -> Self {
        Self { _ground: Some(Box::new(ground)), ..self }
    }

    /// The directory.
    pub fn directory(&self) -> &dyn Directory {
        &*self.directory
    }

    /// After how many failed checks the directory locks an account, if that was told.
    pub fn locks_after(&self) -> Option<u32> {
        self.locks_after
    }

    /// What the directory shows of whoever has no display name.
    pub fn display_names(&self) -> DisplayNames {
        self.display_names
    }

    #[doc(hidden)]
    pub async fn made<F>(make: impl FnOnce(&'static World) -> F) -> Self
    where
        F: Future<Output: Into<Self>>,
    {
        make(World::standard()).await.into()
    }
}

impl<D: Directory + 'static> From<D> for DirectoryFixture {
    fn from(directory: D) -> Self {
        Self::new(directory)
    }
}

impl<'f> From<&'f DirectoryFixture> for &'f dyn Directory {
    fn from(fixture: &'f DirectoryFixture) -> Self {
        fixture.directory()
    }
}

impl fmt::Debug for DirectoryFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryFixture")
            .field("directory", &self.directory)
            .field("locks_after", &self.locks_after)
            .field("display_names", &self.display_names)
            .finish_non_exhaustive()
    }
}
