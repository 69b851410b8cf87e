//! The source that a case is held against.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use throng_core::directory::Directory;
use throng_core::sync::{Batch, Completeness, Cursor, SyncSource};

use super::edit::Edit;
use crate::contract::directory::{DisplayNames, World};

/// A source that holds the [`World`], for one case, with what is promised of it.
pub struct SyncFixture {
    // Dropped in this order: the source before what it stands on.
    source: Arc<dyn SyncSource>,
    editor: Option<Editor>,
    cursor_of_another: Option<Cursor>,
    completeness: Completeness,
    batches: Batches,
    display_names: DisplayNames,
    _ground: Option<Box<dyn Any + Send>>,
}

/// Makes a change at the source.
type Editor = Box<dyn Fn(Edit) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// How the source divides what it states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batches {
    /// The world is one batch.
    One,
    /// It is several, each of at most so many items.
    Several(usize),
}

impl SyncFixture {
    /// A source that proves its full pulls complete, and that needs more than one batch for the world.
    pub fn new(source: impl SyncSource + 'static) -> Self {
        Self::shared(Arc::new(source))
    }

    /// A source that is shared already.
    pub fn shared(source: Arc<dyn SyncSource>) -> Self {
        Self {
            source,
            editor: None,
            cursor_of_another: None,
            completeness: Completeness::Proven,
            batches: Batches::Several(Batch::MAX_WEIGHT),
            display_names: DisplayNames::AsKept,
            _ground: None,
        }
    }

    /// Tells how things are changed at the source; what is changed is there once the future ends.
    #[must_use]
    pub fn edited_by<F>(self, edit: impl Fn(Edit) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { editor: Some(Box::new(move |change| Box::pin(edit(change)))), ..self }
    }

    /// Lets things be changed at the source through the powers of a directory.
    #[must_use]
    pub fn edited_through(self, directory: impl Directory + 'static) -> Self {
        let directory = Arc::new(directory);
        self.edited_by(move |edit| {
            let directory = Arc::clone(&directory);
            async move { edit.make_at(&*directory).await }
        })
    }

    /// Tells a cursor that another source of the kind has given. Every source that gives cursors needs one here: it
    /// must know its own.
    #[must_use]
    pub fn cursor_of_another(self, cursor: Cursor) -> Self {
        Self { cursor_of_another: Some(cursor), ..self }
    }

    /// Tells that a batch holds at most so many items, of which the members of a group count one each. With fewer than
    /// five, groups are stated in parts.
    #[must_use]
    pub fn in_batches_of(self, items: usize) -> Self {
        Self { batches: Batches::Several(items), ..self }
    }

    /// Tells that the source states the whole world in one batch, so that there are no positions.
    #[must_use]
    pub fn in_one_batch(self) -> Self {
        Self { batches: Batches::One, ..self }
    }

    /// Tells that the source never proves a full pull complete. Mirrors of it never delete by one.
    #[must_use]
    pub fn unproven(self, reason: &'static str) -> Self {
        Self { completeness: Completeness::Unproven(reason), ..self }
    }

    /// Tells that the source states the user name as the display name of whoever has none.
    #[must_use]
    pub fn deriving_display_names(self) -> Self {
        Self { display_names: DisplayNames::Derived, ..self }
    }

    /// Keeps something until the source is dropped: a temporary folder, a server.
    #[must_use]
    pub fn standing_on(self, ground: impl Any + Send) -> Self {
        Self { _ground: Some(Box::new(ground)), ..self }
    }

    /// The source.
    pub fn source(&self) -> &dyn SyncSource {
        &*self.source
    }

    /// Makes a change at the source.
    ///
    /// # Panics
    ///
    /// Where the fixture does not tell how.
    pub async fn edit(&self, edit: Edit) {
        let editor = self.editor.as_ref().expect("the fixture tells how the source is edited");
        editor(edit).await;
    }

    pub(super) fn can_be_edited(&self) -> bool {
        self.editor.is_some()
    }

    pub(super) fn foreign_cursor(&self) -> Option<&Cursor> {
        self.cursor_of_another.as_ref()
    }

    pub(super) fn completeness(&self) -> &Completeness {
        &self.completeness
    }

    pub(super) fn display_names(&self) -> DisplayNames {
        self.display_names
    }

    pub(super) fn batches(&self) -> Batches {
        self.batches
    }

    #[doc(hidden)]
    pub async fn made<F>(make: impl FnOnce(&'static World) -> F) -> Self
    where
        F: Future<Output: Into<Self>>,
    {
        make(World::standard()).await.into()
    }
}

impl<S: SyncSource + 'static> From<S> for SyncFixture {
    fn from(source: S) -> Self {
        Self::new(source)
    }
}

impl fmt::Debug for SyncFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncFixture")
            .field("source", &self.source)
            .field("completeness", &self.completeness)
            .field("batches", &self.batches)
            .field("display_names", &self.display_names)
            .finish_non_exhaustive()
    }
}
