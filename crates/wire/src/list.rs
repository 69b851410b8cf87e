//! Lists of users and groups, whole or streamed.

use std::marker::PhantomData;

use crate::document::{Body, Limits};
use crate::entity::group::GroupEntity;
use crate::entity::user::UserEntity;
use crate::entity::{GROUP_NAMES, USER_NAMES};
use crate::error::DocumentError;
use crate::format::Format;
use crate::node::Fields;
use crate::writer::Writer;
use crate::xml::{Pull, Step};

mod items;

use items::Items;

/// A list of users, whose items are short or full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users {
    /// The users, in the order of the document.
    pub users: Vec<UserEntity>,
}

/// A list of groups, whose items are short or full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// The groups, in the order of the document.
    pub groups: Vec<GroupEntity>,
}

/// What a list holds: [`UserEntity`] or [`GroupEntity`].
pub trait Entry: Body {
    /// The name of the list in both formats.
    const LIST: &'static str;
    /// The names of the field that names an entry.
    const NAMES: &'static [&'static str];
}

impl Entry for UserEntity {
    const LIST: &'static str = "users";
    const NAMES: &'static [&'static str] = &USER_NAMES;
}

impl Entry for GroupEntity {
    const LIST: &'static str = "groups";
    const NAMES: &'static [&'static str] = &GROUP_NAMES;
}

/// An entry of a list that is well-formed and still not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEntry {
    /// Its name, as far as it has one.
    pub name: Option<String>,
    /// Its key, as far as it has one.
    pub key: Option<String>,
    /// What is wrong with it.
    pub fault: DocumentError,
}

/// Reads a long list piece by piece.
///
/// 1. [`ListReader::feed`] gives the entries that the pieces so far complete; it makes no difference where pieces end.
/// 2. Memory is bounded by [`Limits::entry_bytes`] and the piece; the list may be of any length.
/// 3. Only [`ListReader::finish`] proves that nothing is missing: until then, what was given is not the whole list.
/// 4. After an error, the reader repeats it.
#[derive(Debug)]
pub struct ListReader<T> {
    source: Source,
    fault: Option<DocumentError>,
    entries: PhantomData<fn() -> T>,
}

#[derive(Debug)]
enum Source {
    Json(Items),
    Xml(Pull),
}

/// Writes a long list piece by piece: [`ListWriter::begin`], [`ListWriter::entry`] for each, [`ListWriter::end`].
#[derive(Debug)]
pub struct ListWriter<T> {
    format: Format,
    is_empty: bool,
    entries: PhantomData<fn() -> T>,
}

impl<T: Entry> ListReader<T> {
    /// Nothing read yet.
    pub fn new(format: Format, limits: Limits) -> Self {
        let source = match format {
            Format::Json => Source::Json(Items::new(names::<T>(), limits)),
            Format::Xml => Source::Xml(Pull::new(1, limits)),
        };
        Self { source, fault: None, entries: PhantomData }
    }

    /// Takes the next piece and gives the entries that are whole now. An entry that is not what it should be is an
    /// error of the list.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<T>, DocumentError> {
        let entries = self.feed_each(bytes)?.into_iter().collect::<Result<_, _>>();
        entries.map_err(|bad: BadEntry| *self.fault.insert(bad.fault))
    }

    /// Takes the next piece as [`ListReader::feed`] does, but goes on after an entry that is not what it should be.
    /// What is not well-formed, or exceeds a limit, still ends the list.
    pub fn feed_each(&mut self, bytes: &[u8]) -> Result<Vec<Result<T, BadEntry>>, DocumentError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let read = match &mut self.source {
            Source::Json(items) => {
                let mut entries = Vec::new();
                items
                    .feed(bytes, |node| {
                        entries.push(take(node.into_fields(T::ROOT)?));
                        Ok(())
                    })
                    .map(|()| entries)
            }
            Source::Xml(pull) => feed_xml(pull, bytes),
        };
        read.inspect_err(|fault| self.fault = Some(*fault))
    }

    /// Proves that the list was read whole.
    pub fn finish(self) -> Result<(), DocumentError> {
        match (self.fault, &self.source) {
            (Some(fault), _) => Err(fault),
            (None, Source::Json(items)) => items.finish(),
            (None, Source::Xml(pull)) => pull.finish(),
        }
    }
}

impl<T: Entry> ListWriter<T> {
    /// Nothing written yet.
    pub fn new(format: Format) -> Self {
        Self { format, is_empty: true, entries: PhantomData }
    }

    /// What stands before the first entry.
    pub fn begin(&self) -> String {
        let mut out = Writer::new(self.format);
        out.root(T::LIST);
        out.attribute("expand", T::ROOT);
        out.list(T::LIST);
        out.into_open_text()
    }

    /// The next entry.
    pub fn entry(&mut self, entry: &T) -> String {
        let mut out = Writer::new(self.format);
        if !std::mem::take(&mut self.is_empty) {
            out.separator();
        }
        out.item(T::ROOT);
        entry.put(&mut out);
        out.end();
        out.into_text()
    }

    /// What stands after the last entry.
    pub fn end(self) -> String {
        match self.format {
            Format::Json => "]}".to_owned(),
            Format::Xml => format!("</{}>", T::LIST),
        }
    }
}

macro_rules! lists {
    ($($List:ident { $field:ident: $Entry:ident };)*) => {$(
        impl Body for $List {
            const ROOT: &'static str = <$Entry as Entry>::LIST;

            fn take(root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
                let items = match (fields.items(&names::<$Entry>())?, root) {
                    (Some(items), _) => items,
                    (None, Some(_)) => Vec::new(),
                    // An empty list of JSON says so: nothing is no list.
                    (None, None) => return Err(DocumentError::Missing(Self::ROOT)),
                };
                let entries = items.into_iter().map(|item| {
                    <$Entry as Body>::take(None, item.into_fields(<$Entry as Body>::ROOT)?)
                });
                Ok(Self { $field: entries.collect::<Result<_, _>>()? })
            }

            fn put(&self, out: &mut Writer) {
                out.attribute("expand", <$Entry as Body>::ROOT);
                out.list(<$Entry as Entry>::LIST);
                for entry in &self.$field {
                    out.item(<$Entry as Body>::ROOT);
                    entry.put(out);
                    out.end();
                }
                out.end_list();
            }
        }
    )*};
}

lists! {
    Users { users: UserEntity };
    Groups { groups: GroupEntity };
}

/// The names of the field that holds the entries: that of the list in JSON, and that of an entry in XML and in newer
/// documentation.
const fn names<T: Entry>() -> [&'static str; 2] {
    [T::LIST, T::ROOT]
}

fn feed_xml<T: Entry>(pull: &mut Pull, bytes: &[u8]) -> Result<Vec<Result<T, BadEntry>>, DocumentError> {
    let mut entries = Vec::new();
    pull.feed(bytes, |step| {
        match step {
            Step::Opened { name, .. } if *name != *T::LIST => return Err(DocumentError::Root(T::LIST)),
            Step::Entry(name, fields) if *name == *T::ROOT => entries.push(take(fields)),
            Step::Opened { .. } | Step::Entry(..) | Step::Closed { .. } => {}
        }
        Ok(())
    })?;
    Ok(entries)
}

/// Takes an entry; if that fails, what says which one it is.
fn take<T: Entry>(fields: Fields) -> Result<T, BadEntry> {
    let known = |names: &[&str]| fields.peek(names).map(str::to_owned);
    let (name, key) = (known(T::NAMES), known(&["key"]));
    T::take(None, fields).map_err(|fault| BadEntry { name, key, fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_entry_ends_the_list_or_is_told_and_passed_over_t67() {
        let xml = r#"<users><user name="a"/><user><key>k2</key><active>true</active></user><user name="c"><key>k3</key>
            <active>perhaps</active></user><user name="d"/></users>"#;
        let json = r#"{"users":[{"name":"a"},{"key":"k2","active":true},
            {"name":"c","key":"k3","active":"perhaps"},{"name":"d"}]}"#;
        for (format, text) in [(Format::Xml, xml), (Format::Json, json)] {
            let mut reader = ListReader::<UserEntity>::new(format, Limits::ANSWER);
            let read = reader.feed_each(text.as_bytes()).unwrap();
            reader.finish().unwrap();
            let told: Vec<_> = read
                .into_iter()
                .map(|entry| match entry {
                    Ok(user) => (Some(user.name), None, None),
                    Err(bad) => (bad.name, bad.key, Some(bad.fault)),
                })
                .collect();
            let text = |text: &str| Some(text.to_owned());
            let expected = [
                (text("a"), None, None),
                (None, text("k2"), Some(DocumentError::Missing("name"))),
                (text("c"), text("k3"), Some(DocumentError::Invalid("active"))),
                (text("d"), None, None),
            ];
            assert_eq!(told, expected, "{format:?}");
        }
        let mut strict = ListReader::<UserEntity>::new(Format::Xml, Limits::ANSWER);
        assert_eq!(strict.feed(xml.as_bytes()), Err(DocumentError::Missing("name")));
        assert_eq!(strict.finish(), Err(DocumentError::Missing("name")));
    }
}
