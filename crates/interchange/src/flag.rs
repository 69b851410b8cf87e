//! Words that are true or false.

/// The truth of a word; `None` when it has none.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let is = |word: &&str| word.eq_ignore_ascii_case(text.trim());
    if ["true", "yes", "1"].iter().any(is) {
        Some(true)
    } else if ["false", "no", "0"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}
