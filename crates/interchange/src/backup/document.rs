//! The rows of a backup, in either of its two forms, with the fields that are wanted of them.
//!
//! Jira writes a row as an element with attributes below the root, and a long text as an element inside:
//! `<User id="1" userName="anna"/>`. Crowd writes lists of rows, with an element for each field:
//! `<users><user><id>1</id><name>anna</name></user></users>`.

use std::io::Read;

use quick_xml::errors::{Error, IllFormedError};
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::lines::Lines;
use super::{BackupError, BackupFault, Limits, MAX_ATTRIBUTES, MAX_DEPTH, MAX_ROW_BYTES};

/// The setting of a directory that says how it stores passwords. Of the others nothing is kept: they hold secrets.
pub(super) const ENCODER: &str = "user_encryption_method";

/// What is kept of rows.
const FIELDS: [&str; 22] = [
    "id",
    "directoryId",
    "directoryName",
    "directoryType",
    "type",
    "name",
    "userName",
    "groupName",
    "active",
    "firstName",
    "lastName",
    "displayName",
    "email",
    "emailAddress",
    "credential",
    "description",
    "parentId",
    "childId",
    "parentName",
    "childName",
    "membershipType",
    "value",
];

/// A backup, row by row.
pub(super) struct Document<R> {
    reader: Reader<Lines<R>>,
    limits: Limits,
    buffer: Vec<u8>,
    elements: Elements,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum RowKind {
    Directory,
    /// A setting of a directory that stands apart from it, as in Jira.
    Setting,
    User,
    Group,
    Membership,
}

/// A row. It may hold secrets, and has no `Debug`.
pub(super) struct Row {
    pub(super) kind: RowKind,
    /// Where it begins.
    pub(super) line: u64,
    /// How the directory that this is stores passwords.
    pub(super) encoder: Option<String>,
    fields: Vec<(&'static str, String)>,
    /// The setting that is being read.
    setting: (String, String),
    size: usize,
}

/// The elements that are open.
#[derive(Default)]
struct Elements {
    form: Option<Form>,
    names: Vec<String>,
    row: Option<Row>,
    is_over: bool,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Crowd,
    Jira,
}

impl Form {
    /// How deep rows stand.
    fn depth(self) -> usize {
        match self {
            Self::Crowd => 3,
            Self::Jira => 2,
        }
    }
}

impl<R: Read> Document<R> {
    pub(super) fn open(reader: R, limits: Limits) -> Self {
        let reader = Reader::from_reader(Lines::new(reader));
        Self { reader, limits, buffer: Vec::new(), elements: Elements::default() }
    }

    /// The line of what comes next.
    pub(super) fn line(&self) -> u64 {
        self.reader.get_ref().line()
    }

    /// The next row; `None` at the end of the file.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, BackupError> {
        loop {
            let line = self.reader.get_ref().line();
            self.reader.get_mut().allow(self.limits.event_bytes);
            self.buffer.clear();
            let row = match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Eof) if self.elements.is_over => return Ok(None),
                Ok(Event::Eof) => Err(BackupFault::Truncated),
                Ok(event) => self.elements.take(event, line),
                Err(Error::Io(_)) if self.reader.get_ref().is_spent() => Err(BackupFault::EventTooLong),
                Err(error) => Err(fault(&error)),
            };
            if let Some(row) = row.map_err(|fault| fault.at(line))? {
                return Ok(Some(row));
            }
        }
    }
}

impl Elements {
    /// Takes an event, and gives the row that it ends.
    fn take(&mut self, event: Event<'_>, line: u64) -> Result<Option<Row>, BackupFault> {
        match event {
            Event::Start(tag) => {
                self.open(&tag, line)?;
                return Ok(None);
            }
            Event::Empty(tag) => {
                self.open(&tag, line)?;
                return self.close();
            }
            Event::End(_) => return self.close(),
            Event::Text(text) => self.text(&text.xml10_content())?,
            Event::CData(text) => self.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                if self.row.is_some() {
                    self.text(character(&reference)?.encode_utf8(&mut [0; 4]))?;
                }
            }
            Event::Decl(declaration) => check_declaration(&declaration)?,
            Event::DocType(_) => return Err(BackupFault::Doctype),
            Event::PI(_) | Event::Comment(_) | Event::Eof => {}
        }
        Ok(None)
    }

    fn open(&mut self, tag: &BytesStart<'_>, line: u64) -> Result<(), BackupFault> {
        let name = tag.name().as_ref().to_owned();
        if self.is_over {
            return Err(BackupFault::Syntax);
        }
        if self.names.len() == MAX_DEPTH {
            return Err(BackupFault::TooDeep);
        }
        if self.names.is_empty() {
            self.form = match name.as_str() {
                "crowd" => Some(Form::Crowd),
                "entity-engine-xml" => Some(Form::Jira),
                _ => return Err(BackupFault::NoBackup),
            };
        }
        self.names.push(name);
        if self.row.is_some() {
            // An element inside of a row: a field, or a setting.
            if self.is_setting(0) {
                let attributes = attributes(tag)?;
                let name = attributes.into_iter().find(|(name, _)| name == "name").map(|(_, value)| value);
                if let Some(row) = &mut self.row {
                    row.setting = (name.unwrap_or_default(), String::new());
                }
            } else if let Some(field) = self.field()
                && let Some(row) = &mut self.row
            {
                row.begin(field)?;
            }
            return Ok(());
        }
        let Some(kind) = self.kind() else { return Ok(()) };
        let mut row = Row {
            kind,
            line,
            encoder: None,
            fields: Vec::new(),
            setting: (String::new(), String::new()),
            size: 0,
        };
        for (name, value) in attributes(tag)? {
            if let Some(field) = FIELDS.into_iter().find(|field| *field == name) {
                row.begin(field)?;
                row.push(&value)?;
            }
        }
        self.row = Some(row);
        Ok(())
    }

    fn close(&mut self) -> Result<Option<Row>, BackupFault> {
        if self.is_setting(0)
            && let Some(row) = &mut self.row
        {
            let (name, value) = std::mem::take(&mut row.setting);
            if name == ENCODER {
                row.encoder = Some(value);
            }
        }
        let is_row = self.form.is_some_and(|form| form.depth() == self.names.len());
        self.names.pop().ok_or(BackupFault::Syntax)?;
        self.is_over = self.names.is_empty();
        Ok(if is_row { self.row.take() } else { None })
    }

    fn text(&mut self, text: &str) -> Result<(), BackupFault> {
        if self.names.is_empty() {
            return if text.trim_ascii().is_empty() { Ok(()) } else { Err(BackupFault::Syntax) };
        }
        let (is_field, is_setting) = (self.field().is_some(), self.is_setting(0));
        let part = if self.is_setting(1) { self.names.last().map(String::as_str) } else { None };
        let Some(row) = &mut self.row else { return Ok(()) };
        if is_field {
            return row.push(text);
        }
        let (name, value) = &mut row.setting;
        match part {
            Some("name") => name.push_str(text),
            Some("value") => value.push_str(text),
            _ if is_setting && !text.trim_ascii().is_empty() => value.push_str(text),
            _ => return Ok(()),
        }
        row.grow(text.len())
    }

    /// What the innermost element is a row of.
    fn kind(&self) -> Option<RowKind> {
        match (self.form?, self.names.as_slice()) {
            (Form::Crowd, [_, list, name]) => match (list.as_str(), name.as_str()) {
                ("directories", "directory") => Some(RowKind::Directory),
                ("users", "user") => Some(RowKind::User),
                ("groups", "group") => Some(RowKind::Group),
                ("memberships", "membership") => Some(RowKind::Membership),
                _ => None,
            },
            (Form::Jira, [_, name]) => match name.as_str() {
                "Directory" => Some(RowKind::Directory),
                "DirectoryAttribute" => Some(RowKind::Setting),
                "User" => Some(RowKind::User),
                "Group" => Some(RowKind::Group),
                "Membership" => Some(RowKind::Membership),
                _ => None,
            },
            _ => None,
        }
    }

    /// The field that the innermost element is, directly in a row.
    fn field(&self) -> Option<&'static str> {
        let inside = self.names.get(self.form?.depth()..)?;
        let [name] = inside else { return None };
        FIELDS.into_iter().find(|field| field == name)
    }

    /// Whether the element so many levels out from the innermost is a setting inside of a directory.
    fn is_setting(&self, levels: usize) -> bool {
        let Some(inside) = self.form.and_then(|form| self.names.get(form.depth()..)) else { return false };
        let is_directory = self.row.as_ref().is_some_and(|row| row.kind == RowKind::Directory);
        is_directory
            && inside.len() == 2 + levels
            && inside.starts_with(&["attributes".to_owned(), "attribute".to_owned()])
    }
}

impl Row {
    /// The text of a field, unless it is empty.
    pub(super) fn text(&self, field: &'static str) -> Option<&str> {
        let found = self.fields.iter().find(|(name, _)| *name == field);
        found.map(|(_, text)| text.as_str()).filter(|text| !text.is_empty())
    }

    /// The text of the first of some fields that is there.
    pub(super) fn first_text(&self, fields: [&'static str; 2]) -> Option<&str> {
        fields.into_iter().find_map(|field| self.text(field))
    }

    pub(super) fn number(&self, field: &'static str) -> Result<Option<i64>, BackupError> {
        let parse = |text: &str| text.trim().parse().map_err(|_| self.fault(BackupFault::BadValue(field)));
        self.text(field).map(parse).transpose()
    }

    pub(super) fn required<T>(&self, field: &'static str, value: Option<T>) -> Result<T, BackupError> {
        value.ok_or_else(|| self.fault(BackupFault::MissingField(field)))
    }

    pub(super) fn fault(&self, fault: BackupFault) -> BackupError {
        fault.at(self.line)
    }

    fn begin(&mut self, field: &'static str) -> Result<(), BackupFault> {
        if self.fields.iter().any(|(name, _)| *name == field) {
            return Err(BackupFault::DuplicateField(field));
        }
        self.fields.push((field, String::new()));
        Ok(())
    }

    /// Adds to the field that began last.
    fn push(&mut self, text: &str) -> Result<(), BackupFault> {
        if let Some((_, value)) = self.fields.last_mut() {
            value.push_str(text);
        }
        self.grow(text.len())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), BackupFault> {
        self.size += bytes;
        if self.size > MAX_ROW_BYTES { Err(BackupFault::RowTooLong) } else { Ok(()) }
    }
}

fn attributes(tag: &BytesStart<'_>) -> Result<Vec<(String, String)>, BackupFault> {
    let mut attributes = Vec::new();
    // Fields that are there twice are told by the row; comparing all would cost the square of their number.
    for attribute in tag.attributes().with_checks(false) {
        if attributes.len() == MAX_ATTRIBUTES {
            return Err(BackupFault::TooManyAttributes);
        }
        let attribute = attribute.map_err(|_| BackupFault::Syntax)?;
        let value = attribute.normalized_value_with(XmlVersion::Explicit1_0, 1, resolve_xml_entity);
        let value = value.map_err(|_| BackupFault::Syntax)?.into_owned();
        attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Ok(attributes)
}

/// The character of a reference: one of the five that XML has, or a number.
fn character(reference: &BytesRef<'_>) -> Result<char, BackupFault> {
    let number = reference.resolve_char_ref().map_err(|_| BackupFault::Syntax)?;
    number.or_else(|| resolve_xml_entity(reference)?.chars().next()).ok_or(BackupFault::Syntax)
}

fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), BackupFault> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(Ok(_)) => Err(BackupFault::NotUtf8),
        Some(Err(_)) => Err(BackupFault::Syntax),
    }
}

fn fault(error: &Error) -> BackupFault {
    match error {
        Error::Io(error) => BackupFault::Io(error.kind()),
        Error::Encoding(_) => BackupFault::NotUtf8,
        Error::IllFormed(IllFormedError::MissingDoctypeName) => BackupFault::Doctype,
        // The file ended before the tag did.
        Error::Syntax(_) => BackupFault::Truncated,
        _ => BackupFault::Syntax,
    }
}
