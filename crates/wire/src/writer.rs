//! Writes both formats by one description, so that they say the same (T80).

use throng_core::time::Timestamp;

use crate::date;
use crate::format::Format;
use crate::xml::escape;

/// A document that is being written. Fields come in the order of XML (clients depend on it).
#[derive(Debug)]
pub struct Writer {
    format: Format,
    out: String,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    /// The element, or nothing for an array of JSON.
    name: &'static str,
    /// What closes it in JSON.
    end: char,
    /// An item of a list of XML is never self-closing: one reader loses its place on it.
    is_item: bool,
    /// Whether nothing stands in it yet: no comma is due, and a start tag is still open.
    is_empty: bool,
}

impl Writer {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, out: String::new(), open: Vec::new() }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn into_text(self) -> String {
        self.out
    }

    /// The text with what is open left open.
    pub(crate) fn into_open_text(mut self) -> String {
        if self.format == Format::Xml {
            self.content();
        }
        self.out
    }

    /// What stands between two items that are written apart.
    pub(crate) fn separator(&mut self) {
        match self.format {
            Format::Json => self.out.push(','),
            Format::Xml => {}
        }
    }

    /// Opens the root of a whole document.
    pub(crate) fn root(&mut self, name: &'static str) {
        match self.format {
            Format::Json => self.push(name, '{', '}'),
            Format::Xml => {
                self.out.push_str(escape::DECLARATION);
                self.element(name, Item::No);
            }
        }
    }

    /// Opens a field that has fields.
    pub(crate) fn part(&mut self, name: &'static str) {
        match self.format {
            Format::Json => {
                self.key(name);
                self.push(name, '{', '}');
            }
            Format::Xml => self.element(name, Item::No),
        }
    }

    /// Opens a list, which is an array in JSON and nothing in XML.
    pub(crate) fn list(&mut self, name: &'static str) {
        match self.format {
            Format::Json => {
                self.key(name);
                self.push(name, '[', ']');
            }
            Format::Xml => {}
        }
    }

    /// Closes a list.
    pub(crate) fn end_list(&mut self) {
        match self.format {
            Format::Json => self.end(),
            Format::Xml => {}
        }
    }

    /// Opens an item of a list.
    pub(crate) fn item(&mut self, name: &'static str) {
        match self.format {
            Format::Json => {
                self.comma();
                self.push(name, '{', '}');
            }
            Format::Xml => self.element(name, Item::Yes),
        }
    }

    /// Closes what was opened last.
    pub(crate) fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        match self.format {
            Format::Json => self.out.push(open.end),
            Format::Xml if open.is_empty && !open.is_item => self.out.push_str("/>"),
            Format::Xml => {
                if open.is_empty {
                    self.out.push('>');
                }
                self.out.push_str("</");
                self.out.push_str(open.name);
                self.out.push('>');
            }
        }
    }

    /// A field that is an attribute in XML. Attributes come before anything else of their element.
    pub(crate) fn attribute(&mut self, name: &'static str, value: &str) {
        match self.format {
            Format::Json => {
                self.key(name);
                json_text(&mut self.out, value);
            }
            Format::Xml => {
                self.out.push(' ');
                self.out.push_str(name);
                self.out.push_str("=\"");
                escape::attribute(&mut self.out, value);
                self.out.push('"');
            }
        }
    }

    /// A flag that is an attribute in XML.
    pub(crate) fn flag_attribute(&mut self, name: &'static str, flag: bool) {
        match self.format {
            Format::Json => self.flag(name, flag),
            Format::Xml => self.attribute(name, word(flag)),
        }
    }

    pub(crate) fn text(&mut self, name: &'static str, value: &str) {
        match self.format {
            Format::Json => {
                self.key(name);
                json_text(&mut self.out, value);
            }
            Format::Xml => self.leaf(name, value),
        }
    }

    pub(crate) fn optional_text(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub(crate) fn flag(&mut self, name: &'static str, flag: bool) {
        match self.format {
            Format::Json => {
                self.key(name);
                self.out.push_str(word(flag));
            }
            Format::Xml => self.leaf(name, word(flag)),
        }
    }

    pub(crate) fn optional_flag(&mut self, name: &'static str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.flag(name, flag);
        }
    }

    /// A moment: milliseconds in JSON, date, time and offset in XML.
    pub(crate) fn time(&mut self, name: &'static str, time: Option<Timestamp>) {
        let Some(time) = time else { return };
        match self.format {
            Format::Json => {
                self.key(name);
                self.out.push_str(&date::to_millis(time).to_string());
            }
            Format::Xml => self.leaf(name, &date::format(time)),
        }
    }

    /// A list of texts: an array in JSON, and in XML an element with one child for each.
    pub(crate) fn texts(&mut self, list: &'static str, item: &'static str, values: &[String]) {
        match self.format {
            Format::Json => {
                self.key(list);
                self.push(list, '[', ']');
                for value in values {
                    self.comma();
                    json_text(&mut self.out, value);
                }
            }
            Format::Xml => {
                self.element(list, Item::No);
                for value in values {
                    self.leaf(item, value);
                }
            }
        }
        self.end();
    }

    fn push(&mut self, name: &'static str, start: char, end: char) {
        self.out.push(start);
        self.open.push(Open { name, end, is_item: false, is_empty: true });
    }

    fn element(&mut self, name: &'static str, item: Item) {
        self.content();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(Open { name, end: '}', is_item: matches!(item, Item::Yes), is_empty: true });
    }

    fn leaf(&mut self, name: &'static str, value: &str) {
        self.content();
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        escape::text(&mut self.out, value);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Ends the start tag that the next child stands in.
    fn content(&mut self) {
        if let Some(open) = self.open.last_mut().filter(|open| open.is_empty) {
            open.is_empty = false;
            self.out.push('>');
        }
    }

    fn key(&mut self, name: &'static str) {
        self.comma();
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn comma(&mut self) {
        if let Some(open) = self.open.last_mut() {
            if !open.is_empty {
                self.out.push(',');
            }
            open.is_empty = false;
        }
    }
}

#[derive(Clone, Copy)]
enum Item {
    Yes,
    No,
}

fn word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

/// A string of JSON. What XML cannot hold is written in JSON as it is.
fn json_text(out: &mut String, value: &str) {
    use std::fmt::Write;
    out.push('"');
    let mut rest = value;
    while let Some(at) = rest.find(|c: char| matches!(c, '"' | '\\' | '\0'..='\u{1F}')) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            // Writing to a string does not fail.
            Some(c) => drop(write!(out, "\\u{:04x}", u32::from(c))),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}
