//! The store that a case is held against.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use throng_core::store::Store;

/// An empty store for one case, with whatever must outlive it.
pub struct StoreFixture {
    // Dropped in this order: the store before what it stands on.
    store: Arc<dyn Store>,
    _ground: Option<Box<dyn Any + Send>>,
}

impl StoreFixture {
    /// A store of one's own.
    pub fn new(store: impl Store + 'static) -> Self {
        Self::shared(Arc::new(store))
    }

    /// A store that is shared already.
    pub fn shared(store: Arc<dyn Store>) -> Self {
        Self { store, _ground: None }
    }

    /// Keeps something until the store is dropped: a temporary folder, a server.
    #[must_use]
    pub fn standing_on(self, ground: impl Any + Send) -> Self {
        Self { _ground: Some(Box::new(ground)), ..self }
    }

    #[doc(hidden)]
    pub async fn made<F>(make: impl FnOnce() -> F) -> Self
    where
        F: Future<Output: Into<Self>>,
    {
        make().await.into()
    }
}

impl<S: Store + 'static> From<S> for StoreFixture {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

impl<'f> From<&'f StoreFixture> for &'f dyn Store {
    fn from(fixture: &'f StoreFixture) -> Self {
        &*fixture.store
    }
}

/// For cases that hand the store to several tasks.
impl<'f> From<&'f StoreFixture> for &'f Arc<dyn Store> {
    fn from(fixture: &'f StoreFixture) -> Self {
        &fixture.store
    }
}

impl fmt::Debug for StoreFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreFixture").field(&self.store).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    #[test]
    fn a_fixture_keeps_its_ground_as_long_as_its_store() {
        let ground = Arc::new(());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let fixture = StoreFixture::shared(Arc::clone(&store)).standing_on(Arc::clone(&ground));
        assert_eq!((Arc::strong_count(&store), Arc::strong_count(&ground)), (2, 2));
        drop(fixture);
        assert_eq!((Arc::strong_count(&store), Arc::strong_count(&ground)), (1, 1));
    }
}
