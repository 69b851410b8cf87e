//! Pages of long answers.

use crate::name::Key;

/// How much to return, and after which key.
///
/// Pages follow the order of keys and continue after the last key seen, so that what is inserted or removed meanwhile
/// neither repeats nor hides anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    after: Option<Key>,
    limit: usize,
}

impl PageRequest {
    /// Most items on a page (R246).
    pub const MAX_LIMIT: usize = 1_000;

    /// The first page, with at most `limit` items; the limit is held between 1 and [`PageRequest::MAX_LIMIT`].
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit: limit.clamp(1, Self::MAX_LIMIT) }
    }

    /// The page after the item with this key.
    #[must_use]
    pub fn after(&self, key: Key) -> Self {
        Self { after: Some(key), limit: self.limit }
    }

    /// The key that the page begins after.
    pub fn start(&self) -> Option<&Key> {
        self.after.as_ref()
    }

    /// The most items that the page may hold.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether an item with this key comes after the start of the page.
    pub fn reaches(&self, key: &Key) -> bool {
        self.after.as_ref().is_none_or(|after| key > after)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(Self::MAX_LIMIT)
    }
}

/// A part of a long answer, in the order of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The key to continue after, or none when nothing follows.
    pub next: Option<Key>,
}

impl<T> Page<T> {
    /// A page that holds the whole answer.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// Cuts a page from items in the order of keys, of which there may be one more than asked for.
    pub fn cut(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> &Key) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(|item| key(item).clone()) } else { None };
        Self { items, next }
    }

    /// Changes each item, keeping where the page ends.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_held() {
        assert_eq!(PageRequest::first(0).limit(), 1);
        assert_eq!(PageRequest::first(usize::MAX).limit(), PageRequest::MAX_LIMIT);
    }

    #[test]
    fn a_page_continues_after_its_last_item_only_if_more_follows() {
        let keys: Vec<Key> = ["a", "b", "c"].map(Key::of).to_vec();
        let page = Page::cut(keys.clone(), 2, |key| key);
        assert_eq!((page.items.len(), page.next), (2, Some(Key::of("b"))));
        assert_eq!(Page::cut(keys, 3, |key| key).next, None);
    }
}
