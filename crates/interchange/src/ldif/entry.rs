//! The entries of a file, with the values that are wanted of them.

use std::io::Read;

use super::dn::{self, Dn};
use super::lines::{Line, Lines, Step};
use super::{LdifError, LdifFault, Limits};

/// A file, entry by entry.
#[derive(Debug)]
pub(super) struct Entries<R> {
    lines: Lines<R>,
    /// The attributes that are wanted, as [`dn::attribute`] names them.
    wanted: Vec<String>,
    count: usize,
    max_count: usize,
}

/// An entry.
pub(super) struct Entry {
    /// Where it begins.
    line: u64,
    dn: Dn,
    values: Vec<Value>,
}

/// A value of an attribute.
pub(super) struct Value {
    /// Where it begins.
    pub(super) line: u64,
    /// Which of those that are wanted.
    attribute: usize,
    /// The options of the attribute.
    pub(super) option: Option<String>,
    pub(super) bytes: Vec<u8>,
}

/// An entry, and which attribute of it is which.
#[derive(Clone, Copy)]
pub(super) struct View<'e> {
    entry: &'e Entry,
    wanted: &'e [String],
}

impl<R: Read> Entries<R> {
    pub(super) fn open<'n>(
        reader: R,
        limits: Limits,
        wanted: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self, LdifError> {
        let wanted = wanted.into_iter().map(dn::attribute).collect();
        let lines = Lines::open(reader, limits.entry_bytes)?;
        Ok(Self { lines, wanted, count: 0, max_count: limits.entries })
    }

    /// The next entry; `None` at the end of the file.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, LdifError> {
        let mut is_first = self.count == 0;
        let first = loop {
            match self.next_line()? {
                None if self.count == 0 => return Err(LdifFault::Empty.at(1)),
                None => return Ok(None),
                Some(Step::Blank) => {}
                Some(Step::Line(line)) if is_first && line.is("version") => {
                    if line.value.as_deref() != Some(b"1") {
                        return Err(LdifFault::UnsupportedVersion.at(line.line));
                    }
                    is_first = false;
                }
                Some(Step::Line(line)) => break line,
            }
        };
        let begin = first.line;
        self.lines.begin_entry();
        self.count += 1;
        if self.count > self.max_count {
            return Err(LdifFault::TooManyEntries.at(begin));
        }
        let dn = first.value.filter(|_| first.name.eq_ignore_ascii_case("dn"));
        let dn = String::from_utf8(dn.ok_or_else(|| LdifFault::NoDn.at(begin))?);
        let dn = dn.map_err(|_| LdifFault::NotUtf8.at(begin))?;
        let dn = Dn::parse(&dn).ok_or_else(|| LdifFault::BadDn.at(begin))?;
        let mut entry = Entry { line: begin, dn, values: Vec::new() };
        while let Some(Step::Line(line)) = self.next_line()? {
            if line.is("changetype") || line.is("control") {
                return Err(LdifFault::ChangeRecord.at(line.line));
            }
            if line.is("dn") {
                return Err(LdifFault::NoBlankLine.at(line.line));
            }
            let name = dn::attribute(&line.name);
            let attribute = self.wanted.iter().position(|wanted| *wanted == name);
            if let (Some(attribute), Some(bytes)) = (attribute, line.value) {
                entry.values.push(Value { line: line.line, attribute, option: line.option, bytes });
            }
        }
        Ok(Some(entry))
    }

    pub(super) fn view<'e>(&'e self, entry: &'e Entry) -> View<'e> {
        View { entry, wanted: &self.wanted }
    }

    fn next_line(&mut self) -> Result<Option<Step>, LdifError> {
        let wanted = &self.wanted;
        self.lines.next_line(|name| {
            let is = |word: &&str| word.eq_ignore_ascii_case(name);
            ["dn", "version", "changetype", "control"].iter().any(is) || wanted.contains(&dn::attribute(name))
        })
    }
}

impl Line {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl<'e> View<'e> {
    /// Where the entry begins.
    pub(super) fn line(self) -> u64 {
        self.entry.line
    }

    /// The name of the entry, in the form that is equal for equal names.
    pub(super) fn dn(self) -> &'e str {
        self.entry.dn.key()
    }

    /// The values of an attribute, as they come.
    pub(super) fn all(self, attribute: &str) -> impl Iterator<Item = &'e Value> {
        let attribute = dn::attribute(attribute);
        let wanted = self.wanted.iter().position(|wanted| *wanted == attribute);
        self.entry.values.iter().filter(move |value| Some(value.attribute) == wanted)
    }

    /// The texts of an attribute, without those that are in one language only.
    pub(super) fn texts(self, attribute: &str) -> Result<Vec<&'e str>, LdifError> {
        self.all(attribute).filter(|value| value.option.is_none()).map(Value::text).collect()
    }

    /// The text of an attribute: of several, the one in the name of the entry, or else the first. Blank ones are none.
    pub(super) fn text(self, attribute: &str) -> Result<Option<&'e str>, LdifError> {
        let mut texts = self.texts(attribute)?;
        texts.retain(|text| !text.trim().is_empty());
        let own = self.entry.dn.first_value(&dn::attribute(attribute));
        Ok(texts.iter().find(|text| Some(**text) == own).or_else(|| texts.first()).copied())
    }

    /// The text of the first of some attributes that has one.
    pub(super) fn first_text<'n>(
        self,
        attributes: impl IntoIterator<Item = &'n str>,
    ) -> Result<Option<&'e str>, LdifError> {
        for attribute in attributes {
            let text = self.text(attribute)?;
            if text.is_some() {
                return Ok(text);
            }
        }
        Ok(None)
    }

    /// Whether the entry has a class.
    pub(super) fn is_a(self, classes: &[&str]) -> Result<bool, LdifError> {
        let own = self.texts("objectClass")?;
        Ok(own.iter().any(|own| classes.iter().any(|class| class.eq_ignore_ascii_case(own))))
    }
}

impl Value {
    pub(super) fn text(&self) -> Result<&str, LdifError> {
        std::str::from_utf8(&self.bytes).map_err(|_| LdifFault::NotUtf8.at(self.line))
    }
}
