//! What part of the names a search can be about, as far as an index tells.

use throng_core::filter::{Node, Property, Term, Test};
use throng_core::name::Key;
use throng_core::page::PageRequest;

/// A range of keys, perhaps with an e-mail address: never less than what the filter accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Narrowed {
    /// The least key.
    pub(crate) low: Vec<u8>,
    /// What all keys are below.
    pub(crate) high: Vec<u8>,
    /// The e-mail address.
    pub(crate) email: Option<Key>,
    /// Whether it is also no more than what the filter accepts.
    pub(crate) exact: bool,
}

impl Narrowed {
    /// Reads a filter.
    pub(crate) fn of(node: &Node) -> Self {
        match node {
            Node::Everything => Self::whole(true),
            Node::Term(Term { property, test }) => match (property, test) {
                (Property::Name, Test::Equals(key)) => {
                    Self { low: key.as_bytes().to_vec(), high: after(key), ..Self::whole(true) }
                }
                (Property::Name, Test::StartsWith(key)) => {
                    Self { low: key.as_bytes().to_vec(), high: after_prefix(key), ..Self::whole(true) }
                }
                (Property::Email, Test::Equals(key)) if !key.as_str().is_empty() => {
                    Self { email: Some(key.clone()), ..Self::whole(true) }
                }
                _ => Self::whole(false),
            },
            Node::All(parts) => parts.iter().map(Self::of).fold(Self::whole(true), Self::and),
            Node::Any(_) | Node::Not(_) => Self::whole(false),
        }
    }

    /// Leaves out what is before a page.
    pub(crate) fn on(mut self, page: &PageRequest) -> Self {
        self.low = self.low.max(first_of(page));
        self
    }

    fn whole(exact: bool) -> Self {
        Self { low: Vec::new(), high: ABOVE_ALL.to_vec(), email: None, exact }
    }

    fn and(self, other: Self) -> Self {
        let two_emails = self.email.is_some() && other.email.is_some();
        Self {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
            exact: self.exact && other.exact && !two_emails,
            email: self.email.or(other.email),
        }
    }
}

/// The names that a filter accepts, if it is a list of names and nothing else: an index finds them one by one, however
/// far apart they are.
pub(crate) fn listed(node: &Node) -> Option<Vec<&Key>> {
    let Node::Any(parts) = node else { return None };
    let name = |part| match part {
        &Node::Term(Term { property: Property::Name, test: Test::Equals(ref key) }) => Some(key),
        _ => None,
    };
    parts.iter().map(name).collect()
}

/// The least key of a page.
pub(crate) fn first_of(page: &PageRequest) -> Vec<u8> {
    page.start().map_or_else(Vec::new, after)
}

/// No UTF-8 has this byte.
const ABOVE_ALL: [u8; 1] = [0xff];

/// The least bytes after a key.
fn after(key: &Key) -> Vec<u8> {
    [key.as_bytes(), &[0]].concat()
}

/// The least bytes after all that begin with a key: its last byte, of UTF-8 and so below 0xff, is made
/// greater by one.
fn after_prefix(key: &Key) -> Vec<u8> {
    match key.as_bytes().split_last() {
        Some((last, first)) => [first, &[last.saturating_add(1)]].concat(),
        None => ABOVE_ALL.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use throng_core::filter::Filter;

    fn holds(narrowed: &Narrowed, text: &str) -> bool {
        let key = Key::of(text);
        key.as_bytes() >= narrowed.low.as_slice() && key.as_bytes() < narrowed.high.as_slice()
    }

    #[test]
    fn a_prefix_is_a_range() {
        let narrowed = Narrowed::of(Filter::name_starts_with("al").node());
        assert!(narrowed.exact);
        for (name, inside) in
            [("al", true), ("alice", true), ("al\u{10ffff}", true), ("am", false), ("a", false)]
        {
            assert_eq!(holds(&narrowed, name), inside, "{name}");
        }
        assert!(holds(&Narrowed::of(Filter::name_starts_with("").node()), "\u{10ffff}"));
    }

    #[test]
    fn parts_that_all_hold_meet_and_others_do_not_narrow() {
        let a = || Filter::name_starts_with("a");
        let email = || Filter::email("a@b");
        let all = Filter::all(vec![a(), email(), Filter::name_starts_with("al")]).unwrap();
        let narrowed = Narrowed::of(all.node());
        assert!(narrowed.exact && holds(&narrowed, "alice") && !holds(&narrowed, "ab"));
        assert_eq!(narrowed.email, Some(Key::of("a@b")));
        assert!(!Narrowed::of(Filter::all(vec![email(), email()]).unwrap().node()).exact);
        assert!(holds(&Narrowed::of(Filter::any(vec![a()]).unwrap().node()), "z"));
        assert!(holds(&Narrowed::of(Filter::negate(a()).unwrap().node()), "z"));
    }

    #[test]
    fn a_list_of_names_is_one_and_nothing_else_is() {
        let name = |text| Filter::term(Property::Name, Test::Equals(Key::of(text)));
        let any = |parts| Filter::any(parts).unwrap();
        let (a, b) = (Key::of("a"), Key::of("b"));
        assert_eq!(listed(any(vec![name("a"), name("b")]).node()), Some(vec![&a, &b]));
        assert_eq!(listed(any(vec![]).node()), Some(vec![]));
        for other in [
            Filter::everything(),
            any(vec![name("a"), Filter::email("a@b")]),
            any(vec![name("a"), Filter::name_starts_with("a")]),
            any(vec![name("a"), any(vec![name("b")])]),
            Filter::all(vec![name("a"), name("b")]).unwrap(),
            Filter::negate(name("a")).unwrap(),
        ] {
            assert_eq!(listed(other.node()), None, "{other:?}");
        }
    }

    #[test]
    fn a_page_begins_after_its_start() {
        let page = PageRequest::first(1).after(Key::of("al"));
        let narrowed = Narrowed::of(Filter::name_starts_with("a").node()).on(&page);
        assert!(!holds(&narrowed, "al") && holds(&narrowed, "al\0") && holds(&narrowed, "ala"));
    }
}
