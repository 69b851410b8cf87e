//! The rows of a backup, out of XML of any length.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{BackupError, BackupFault, MAX_VALUE_BYTES};

/// Most bytes of one tag, text, comment or section: what Jira keeps of workflows and pages is that long at times.
const MAX_PIECE_BYTES: usize = 16 * 1024 * 1024;

/// Most elements in each other, several times what backups have (T79).
const MAX_DEPTH: usize = 32;

/// Most attributes of a row (T79).
const MAX_ATTRIBUTES: usize = 64;

/// A backup, row by row. What is not asked for is passed over: configuration, secrets, content.
pub(super) struct Rows<R> {
    reader: Reader<Metered<R>>,
    buffer: Vec<u8>,
    max_piece: usize,
    open: Vec<Place>,
    is_over: bool,
    row: Option<Row>,
    /// The text of the field that is open.
    text: String,
}

/// A row, not checked yet. It has no `Debug`, since it may hold a password.
pub(super) struct Row {
    /// Where it begins.
    pub(super) line: u64,
    pub(super) kind: RowKind,
    fields: Vec<(Field, String)>,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Directory,
    User,
    Group,
    Membership,
}

/// What is read of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Name,
    Kind,
    Active,
    Directory,
    DisplayName,
    FirstName,
    LastName,
    Email,
    Credential,
    Description,
    Parent,
    Child,
}

/// What an open element is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The root of a backup of Jira: rows stand in it.
    Jira,
    /// The root of a backup of Crowd: sections stand in it.
    Crowd,
    /// Where a backup of Crowd has its rows of one kind.
    Section(RowKind),
    Row,
    Field(Field),
    Other,
}

impl<R: Read> Rows<R> {
    pub(super) fn open(reader: R) -> Self {
        Self::open_within(reader, MAX_PIECE_BYTES)
    }

    fn open_within(reader: R, max_piece: usize) -> Self {
        let source = Metered { source: BufReader::new(reader), left: max_piece, is_spent: false, line: 1 };
        let mut reader = Reader::from_reader(source);
        let config = reader.config_mut();
        config.check_comments = true;
        config.expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            max_piece,
            open: Vec::new(),
            is_over: false,
            row: None,
            text: String::new(),
        }
    }

    /// The line up to which the file was read.
    pub(super) fn line(&self) -> u64 {
        self.reader.get_ref().line
    }

    /// The next row; `None` at the end of the file, which is whole then.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, BackupError> {
        loop {
            let line = self.line();
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            self.reader.get_mut().left = self.max_piece;
            let taken = match self.reader.read_event_into(&mut buffer) {
                Ok(Event::Eof) if self.is_over => return Ok(None),
                Ok(Event::Eof) if self.open.is_empty() => Err(BackupFault::Empty),
                Ok(Event::Eof) => Err(BackupFault::Truncated),
                Ok(event) => self.take(&event, line),
                Err(_) if self.reader.get_ref().is_spent => Err(BackupFault::TooLong),
                Err(error) => Err(fault(&error)),
            };
            self.buffer = buffer;
            match taken {
                Ok(None) => {}
                Ok(row) => return Ok(row),
                Err(fault) => return Err(fault.at(line)),
            }
        }
    }

    /// Takes an event that begins on a line; the row that it completes.
    fn take(&mut self, event: &Event<'_>, line: u64) -> Result<Option<Row>, BackupFault> {
        match event {
            Event::Start(tag) => self.begin(tag, line)?,
            Event::End(_) => return self.end(),
            Event::Text(text) => self.add(&text.xml10_content())?,
            Event::CData(text) => self.add(&text.xml10_content())?,
            Event::GeneralRef(reference) => self.add(&resolve(reference).ok_or(BackupFault::Syntax)?)?,
            Event::Decl(declaration) => check(declaration)?,
            Event::DocType(_) => return Err(BackupFault::Doctype),
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(None)
    }

    fn begin(&mut self, tag: &BytesStart<'_>, line: u64) -> Result<(), BackupFault> {
        if self.is_over {
            return Err(BackupFault::Syntax);
        }
        if self.open.len() == MAX_DEPTH {
            return Err(BackupFault::TooDeep);
        }
        let name = tag.name();
        let name = name.as_ref();
        let place = match self.open.last().copied() {
            None if name == "entity-engine-xml" => Place::Jira,
            None if name == "crowd" => Place::Crowd,
            None => return Err(BackupFault::NoBackup),
            Some(Place::Crowd) => section(name).map_or(Place::Other, Place::Section),
            Some(Place::Jira) => match entity(name) {
                Some(kind) => self.begin_row(kind, tag, line)?,
                None => Place::Other,
            },
            Some(Place::Section(kind)) if element(kind) == name => self.begin_row(kind, tag, line)?,
            Some(Place::Row) => {
                self.text.clear();
                let field = self.row.as_ref().and_then(|row| field(row.kind, name));
                field.map_or(Place::Other, Place::Field)
            }
            Some(Place::Section(_) | Place::Field(_) | Place::Other) => Place::Other,
        };
        self.open.push(place);
        Ok(())
    }

    /// Jira writes values as attributes, but as elements where they have several lines; Crowd writes elements.
    fn begin_row(&mut self, kind: RowKind, tag: &BytesStart<'_>, line: u64) -> Result<Place, BackupFault> {
        let mut row = Row { line, kind, fields: Vec::new() };
        for (count, attribute) in tag.attributes().enumerate() {
            if count == MAX_ATTRIBUTES {
                return Err(BackupFault::TooManyAttributes);
            }
            let attribute = attribute.map_err(|_| BackupFault::Syntax)?;
            let value = attribute.normalized_value_with(XmlVersion::Explicit1_0, 1, resolve_xml_entity);
            let value = value.map_err(|_| BackupFault::Syntax)?;
            if let Some(field) = field(kind, attribute.key.as_ref()) {
                if value.len() > MAX_VALUE_BYTES {
                    return Err(BackupFault::ValueTooLong);
                }
                row.push(field, value.into_owned())?;
            }
        }
        self.row = Some(row);
        Ok(Place::Row)
    }

    fn end(&mut self) -> Result<Option<Row>, BackupFault> {
        match self.open.pop() {
            Some(Place::Row) => return Ok(self.row.take()),
            Some(Place::Field(field)) => {
                let text = std::mem::take(&mut self.text);
                if let Some(row) = &mut self.row {
                    row.push(field, text)?;
                }
            }
            _ => {}
        }
        self.is_over = self.open.is_empty();
        Ok(None)
    }

    fn add(&mut self, text: &str) -> Result<(), BackupFault> {
        match self.open.last() {
            Some(Place::Field(_)) if self.text.len() + text.len() > MAX_VALUE_BYTES => {
                Err(BackupFault::ValueTooLong)
            }
            Some(Place::Field(_)) => {
                self.text.push_str(text);
                Ok(())
            }
            Some(_) => Ok(()),
            None if text.trim_ascii().is_empty() => Ok(()),
            None => Err(BackupFault::Syntax),
        }
    }
}

impl Row {
    /// The value of a field; none when it is blank or not there.
    pub(super) fn take(&mut self, field: Field) -> Option<String> {
        let at = self.fields.iter().position(|(own, _)| *own == field)?;
        Some(self.fields.swap_remove(at).1).filter(|text| !text.trim().is_empty())
    }

    fn push(&mut self, field: Field, text: String) -> Result<(), BackupFault> {
        if self.fields.iter().any(|(own, _)| *own == field) {
            return Err(BackupFault::TwoValues);
        }
        self.fields.push((field, text));
        Ok(())
    }
}

/// A source that gives so many bytes and no more, and knows its line.
struct Metered<R> {
    source: BufReader<R>,
    left: usize,
    /// Whether more was asked for.
    is_spent: bool,
    line: u64,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.left;
        let bytes = self.source.fill_buf()?;
        if left == 0 && !bytes.is_empty() {
            self.is_spent = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes.get(..left).unwrap_or(bytes))
    }

    fn consume(&mut self, count: usize) {
        let consumed = self.source.buffer().get(..count).unwrap_or_default();
        self.line += consumed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.left = self.left.saturating_sub(count);
        self.source.consume(count);
    }
}

/// What an element of a backup of Jira is about.
fn entity(name: &str) -> Option<RowKind> {
    Some(match name {
        "Directory" => RowKind::Directory,
        "User" => RowKind::User,
        "Group" => RowKind::Group,
        "Membership" => RowKind::Membership,
        _ => return None,
    })
}

/// What the elements of a section of a backup of Crowd are about.
fn section(name: &str) -> Option<RowKind> {
    Some(match name {
        "directories" => RowKind::Directory,
        "users" => RowKind::User,
        "groups" => RowKind::Group,
        "memberships" => RowKind::Membership,
        _ => return None,
    })
}

/// The element of a row in a section.
fn element(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Directory => "directory",
        RowKind::User => "user",
        RowKind::Group => "group",
        RowKind::Membership => "membership",
    }
}

/// What a value of a row is, by its name in either product.
fn field(kind: RowKind, name: &str) -> Option<Field> {
    Some(match (kind, name) {
        (RowKind::Directory | RowKind::User | RowKind::Group, "id") => Field::Id,
        (RowKind::Directory, "directoryName" | "name")
        | (RowKind::User, "userName" | "name")
        | (RowKind::Group, "groupName" | "name") => Field::Name,
        (RowKind::Directory, "type" | "directoryType") | (RowKind::Membership, "membershipType") => {
            Field::Kind
        }
        (RowKind::Directory | RowKind::User, "active") => Field::Active,
        (RowKind::User | RowKind::Group | RowKind::Membership, "directoryId") => Field::Directory,
        (RowKind::User, "displayName") => Field::DisplayName,
        (RowKind::User, "firstName") => Field::FirstName,
        (RowKind::User, "lastName") => Field::LastName,
        (RowKind::User, "emailAddress" | "email") => Field::Email,
        (RowKind::User, "credential") => Field::Credential,
        (RowKind::Group, "description") => Field::Description,
        (RowKind::Membership, "parentName") => Field::Parent,
        (RowKind::Membership, "childName") => Field::Child,
        _ => return None,
    })
}

/// One of the five entities that XML has, or a character by its number.
fn resolve(reference: &BytesRef<'_>) -> Option<Cow<'static, str>> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => Some(character.to_string().into()),
        None => resolve_xml_entity(reference).map(Cow::Borrowed),
    }
}

/// Checks the declaration: the encoding that it states must be the one that is read here.
fn check(declaration: &BytesDecl<'_>) -> Result<(), BackupFault> {
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
        Error::Syntax(SyntaxError::UnclosedDoctype)
        | Error::IllFormed(IllFormedError::MissingDoctypeName) => BackupFault::Doctype,
        Error::Syntax(SyntaxError::InvalidBangMarkup) => BackupFault::Syntax,
        // All others of the kind come from the end of the file.
        Error::Syntax(_) | Error::IllFormed(IllFormedError::MissingEndTag(_)) => BackupFault::Truncated,
        Error::IllFormed(_) | Error::InvalidAttr(_) | Error::Escape(_) | Error::Namespace(_) => {
            BackupFault::Syntax
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::{Cursor, repeat};

    use super::*;

    /// Counts what is read.
    struct Counted<'c, R>(R, &'c Cell<usize>);

    impl<R: Read> Read for Counted<'_, R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            self.1.set(self.1.get() + count);
            Ok(count)
        }
    }

    /// T79, T91: whatever never ends is given up, and no more of it is read than is allowed.
    #[test]
    fn endless_pieces_are_refused_t79() {
        let cases = [
            ("", b' '),
            ("", b'a'),
            ("<", b'a'),
            ("<entity-engine-xml a='", b'a'),
            ("<entity-engine-xml>", b'a'),
            ("<entity-engine-xml>&", b'a'),
            ("<entity-engine-xml><!--", b'a'),
            ("<entity-engine-xml><?a ", b'a'),
            ("<entity-engine-xml><![CDATA[", b'a'),
            ("<entity-engine-xml></", b'a'),
            ("<entity-engine-xml/>", b'\n'),
        ];
        for (head, byte) in cases {
            let read = Cell::new(0);
            let file = Counted(Cursor::new(head).chain(repeat(byte)), &read);
            let mut rows = Rows::open_within(file, 50_000);
            let error = rows.next_row().map(|_| ()).unwrap_err();
            assert_eq!(error.fault, BackupFault::TooLong, "{head}");
            assert!(read.get() <= 100_000, "{head}: {} bytes were read", read.get());
        }
    }

    #[test]
    fn pieces_are_measured_one_by_one() {
        let long = "a".repeat(900);
        let file = format!("<crowd><x>{long}</x><x a='{long}'/><!--{long}--><users><user/></users></crowd>");
        let mut rows = Rows::open_within(file.as_bytes(), 1_000);
        assert!(rows.next_row().unwrap().is_some());
        assert!(rows.next_row().unwrap().is_none());
    }

    #[test]
    fn lines_are_those_on_which_rows_begin() {
        let file = "<?xml version='1.0'?>\n<entity-engine-xml>\n\n  <User\n id='1'>\n</User><User/>\n<User/>\
                    </entity-engine-xml>";
        let mut rows = Rows::open(file.as_bytes());
        let mut lines = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            lines.push(row.line);
        }
        assert_eq!(lines, [4, 6, 7]);
    }
}
