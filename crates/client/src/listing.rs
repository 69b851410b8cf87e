//! Long lists: read entry by entry, and cut to a page.

use std::collections::{BTreeMap, VecDeque};

use throng_core::group::{Group, Member};
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Key};
use throng_core::page::{Page, PageRequest};
use throng_core::sync::{EntryKind, Unreadable};
use throng_core::user::User;
use throng_wire::{BadEntry, Entry, Format, GroupEntity, ListReader, Reason, Restriction, UserEntity, write};

use crate::exchange::{Call, Exchange, Stream};
use crate::fault::RemoteFault;

/// What a list of the server holds.
pub(crate) trait Listed: Entry {
    /// What it is to a report.
    const KIND: EntryKind;
    /// What it is to a search, where one of it is, and what asks for the names of a list.
    const WORD: &'static str;
    /// The parameter that asks for one of a name.
    const NAMED_BY: &'static str;
    /// Why there is none of it.
    const MISSING: Reason;
    /// What asks for everything.
    const EXPAND_ALL: &'static str;
}

impl Listed for UserEntity {
    const KIND: EntryKind = EntryKind::User;
    const WORD: &'static str = "user";
    const NAMED_BY: &'static str = "username";
    const MISSING: Reason = Reason::UserNotFound;
    const EXPAND_ALL: &'static str = "user,attributes";
}

impl Listed for GroupEntity {
    const KIND: EntryKind = EntryKind::Group;
    const WORD: &'static str = "group";
    const NAMED_BY: &'static str = "groupname";
    const MISSING: Reason = Reason::GroupNotFound;
    const EXPAND_ALL: &'static str = "group,attributes";
}

/// Searches by a restriction. Which part of the result, and how much of each entry, is still to be said.
pub(crate) fn search<T: Listed>(restriction: &Restriction) -> Call {
    Call::search(write(Format::Xml, restriction)).with("entity-type", T::WORD)
}

/// Asks for all that a search finds, in full.
pub(crate) fn found<T: Listed>(restriction: &Restriction) -> Call {
    search::<T>(restriction).listing(0, ALL).with("expand", T::EXPAND_ALL)
}

/// What a list is asked for that is to be whole.
pub(crate) const ALL: i64 = -1;

/// A list that is being read, entry by entry. Memory is bounded by one entry and one piece of the answer.
pub(crate) struct List<T> {
    stream: Stream,
    reader: Option<ListReader<T>>,
    ready: VecDeque<Result<T, BadEntry>>,
    read: u64,
    most: u64,
}

impl<T: Listed> List<T> {
    pub(crate) fn new(stream: Stream, exchange: &Exchange) -> Self {
        Self {
            stream,
            reader: Some(ListReader::new(Format::Xml, exchange.wire_limits())),
            ready: VecDeque::new(),
            read: 0,
            most: exchange.limits().entries,
        }
    }

    /// The next entry, or what is wrong with it; none at the proven end of the list.
    pub(crate) async fn next(&mut self) -> Result<Option<Result<T, BadEntry>>, RemoteFault> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                if self.read == self.most {
                    return Err(RemoteFault::TooLarge);
                }
                self.read += 1;
                return Ok(Some(entry));
            }
            let Some(reader) = &mut self.reader else { return Ok(None) };
            match self.stream.piece().await? {
                Some(piece) => self.ready.extend(reader.feed_each(&piece)?),
                None => {
                    let reader = self.reader.take();
                    reader.map_or(Ok(()), ListReader::finish)?;
                }
            }
        }
    }

    /// How many entries there were so far, those that cannot be used counted.
    pub(crate) fn count(&self) -> u64 {
        self.read
    }
}

/// An entry of the server's that is not what it should be, for a report. Where it has no key its name stands in, as it
/// does for entries that are what they should be (R314).
pub(crate) fn report(kind: EntryKind, bad: &BadEntry) -> Unreadable {
    let key = bad.key.as_deref().and_then(|key| ExternalId::new(key).ok());
    Unreadable::new(kind, bad.name.as_deref().unwrap_or_default(), key, bad.fault)
}

/// What a page is made of.
pub(crate) trait Keyed {
    fn key(&self) -> &Key;

    /// What tells it from another one of the same key; `None` where there is nothing but the name.
    fn id(&self) -> Option<&ExternalId>;
}

impl Keyed for User {
    fn key(&self) -> &Key {
        self.name.key()
    }

    fn id(&self) -> Option<&ExternalId> {
        Some(&self.external_id)
    }
}

impl Keyed for Group {
    fn key(&self) -> &Key {
        self.name.key()
    }

    fn id(&self) -> Option<&ExternalId> {
        Some(&self.external_id)
    }
}

impl Keyed for GroupName {
    fn key(&self) -> &Key {
        self.key()
    }

    fn id(&self) -> Option<&ExternalId> {
        None
    }
}

impl Keyed for Member {
    fn key(&self) -> &Key {
        self.key()
    }

    fn id(&self) -> Option<&ExternalId> {
        None
    }
}

/// The entries of one page, chosen from a list in any order: the first ones after the page's start. Never more than the
/// page and one.
#[derive(Debug)]
pub(crate) struct Selection<T> {
    page: PageRequest,
    /// `None` for a name under which the server gave different things: nobody can say which one is meant (T68).
    chosen: BTreeMap<Key, Option<T>>,
}

impl<T: Keyed> Selection<T> {
    pub(crate) fn new(page: &PageRequest) -> Self {
        Self { page: page.clone(), chosen: BTreeMap::new() }
    }

    pub(crate) fn offer(&mut self, item: T) {
        if !self.page.reaches(item.key()) {
            return;
        }
        match self.chosen.get_mut(item.key()) {
            Some(Some(held)) if held.id() == item.id() => {}
            Some(held) => {
                tracing::warn!("a server gives two accounts of one name; neither is taken");
                *held = None;
            }
            None => {
                self.chosen.insert(item.key().clone(), Some(item));
                if self.chosen.len() > self.page.limit() + 1 {
                    self.chosen.pop_last();
                }
            }
        }
    }

    /// The page.
    pub(crate) fn into_page(self) -> Page<T> {
        let limit = self.page.limit();
        let next = if self.chosen.len() > limit { self.chosen.keys().nth(limit - 1).cloned() } else { None };
        Page { items: self.chosen.into_values().take(limit).flatten().collect(), next }
    }
}

/// Merges users and groups of a page; a user comes before a group of the same key, and both are on the same page.
pub(crate) fn merge(users: Page<Member>, groups: Page<Member>, limit: usize) -> Page<Member> {
    let followed = users.next.is_some() || groups.next.is_some();
    let mut all = users.items;
    all.extend(groups.items);
    // The sort is stable, so that users stay first.
    all.sort_by(|one, other| one.key().cmp(other.key()));
    let mut end = limit.min(all.len());
    if let Some(last) = end.checked_sub(1).and_then(|at| all.get(at)) {
        end += all.iter().skip(end).take_while(|member| member.key() == last.key()).count();
    }
    let followed = followed || end < all.len();
    all.truncate(end);
    let next = all.last().map(|member| member.key().clone()).filter(|_| followed);
    Page { items: all, next }
}

#[cfg(test)]
mod tests {
    use throng_core::attribute::Attributes;
    use throng_core::group::Origin;
    use throng_core::name::Username;

    use super::*;

    fn group(name: &str, id: &str) -> Group {
        Group {
            external_id: ExternalId::new(id).unwrap(),
            name: GroupName::new(name).unwrap(),
            description: String::new(),
            origin: Origin::Imported,
            attributes: Attributes::new(),
        }
    }

    fn names(page: &Page<Group>) -> (Vec<&str>, Option<&str>) {
        (page.items.iter().map(|group| group.name.as_str()).collect(), page.next.as_ref().map(Key::as_str))
    }

    #[test]
    fn a_page_is_chosen_from_a_list_in_any_order() {
        let page = PageRequest::first(2);
        let mut first = Selection::new(&page);
        let mut second = Selection::new(&page.after(Key::of("b")));
        for name in ["d", "B", "a", "e", "C"] {
            first.offer(group(name, name));
            second.offer(group(name, name));
            assert!(first.chosen.len() <= 3, "no more than the page and one are held");
        }
        assert_eq!(names(&first.into_page()), (vec!["a", "B"], Some("b")));
        assert_eq!(names(&second.into_page()), (vec!["C", "d"], Some("d")));
    }

    #[test]
    fn what_is_said_twice_is_one_and_a_name_of_two_is_nobodys_t68() {
        let mut chosen = Selection::new(&PageRequest::first(5));
        for (name, id) in [("a", "1"), ("A", "1"), ("b", "2"), ("B", "3"), ("b", "2"), ("c", "4")] {
            chosen.offer(group(name, id));
        }
        assert_eq!(names(&chosen.into_page()), (vec!["a", "c"], None));
    }

    #[test]
    fn a_user_and_a_group_of_one_key_stay_on_one_page() {
        let user = |name: &str| Member::User(Username::new(name).unwrap());
        let group = |name: &str| Member::Group(GroupName::new(name).unwrap());
        for (limit, items, next) in [
            (1, vec![user("a")], Some("a")),
            (2, vec![user("a"), user("ops"), group("Ops")], Some("ops")),
            (3, vec![user("a"), user("ops"), group("Ops")], Some("ops")),
            (4, vec![user("a"), user("ops"), group("Ops"), group("z")], None),
        ] {
            let users = Page::whole(vec![user("a"), user("ops")]);
            let merged = merge(users, Page::whole(vec![group("Ops"), group("z")]), limit);
            assert_eq!(merged, Page { items, next: next.map(Key::of) }, "{limit}");
        }
    }
}
