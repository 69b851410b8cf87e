//! Builds elements from events and gives out each entry as soon as it is whole.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};

use super::events::Events;
use super::rules;
use crate::document::Limits;
use crate::error::DocumentError;
use crate::node::{Fields, Name};

/// A document that is read entry by entry.
///
/// Elements down to a level hold the entries and are told of when they open and close; each entry below is given out
/// whole. With level 0 the root itself is the entry.
#[derive(Debug)]
pub(crate) struct Pull {
    events: Events,
    elements: Elements,
}

/// What was read.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// An element that holds entries begins; the root is at depth 1.
    Opened { depth: usize, name: Name, attributes: Fields },
    /// An entry, whole.
    Entry(Name, Fields),
    /// An element that holds entries ends.
    Closed { depth: usize },
}

/// The elements that are open.
#[derive(Debug)]
struct Elements {
    limits: Limits,
    /// How many levels hold entries.
    level: usize,
    open: Vec<(Name, Fields)>,
    /// Elements of the current entry.
    count: usize,
    /// Where the current entry began, or the last one ended.
    entry_start: u64,
    is_over: bool,
}

impl Pull {
    pub(crate) fn new(level: usize, limits: Limits) -> Self {
        Self {
            events: Events::new(limits.entry_bytes),
            elements: Elements { limits, level, open: Vec::new(), count: 0, entry_start: 0, is_over: false },
        }
    }

    /// Takes the next piece and hands out the steps that the pieces so far complete. After an error there is no next
    /// piece.
    pub(crate) fn feed(
        &mut self,
        piece: &[u8],
        mut each: impl FnMut(Step) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        let elements = &mut self.elements;
        self.events.feed(piece, |event, place| elements.take(&event, &place, &mut each))
    }

    /// Proves that the document is complete.
    pub(crate) fn finish(&self) -> Result<(), DocumentError> {
        let Elements { open, is_over, .. } = &self.elements;
        let rest = self.events.rest();
        let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        let rest = rest.get(blank..).unwrap_or_default();
        match rest.first() {
            _ if !is_over && (rest.is_empty() || !open.is_empty()) => Err(DocumentError::Truncated),
            None => Ok(()),
            Some(_) if *is_over => Err(DocumentError::Trailing),
            Some(b'<') => Err(DocumentError::Truncated),
            Some(_) if std::str::from_utf8(rest).is_err() || rest.starts_with("\u{FEFF}".as_bytes()) => {
                Err(DocumentError::Encoding)
            }
            Some(_) => Err(DocumentError::Syntax { position: self.events.position() }),
        }
    }
}

impl Elements {
    /// Takes an event that stands at a place, and hands out the steps that it completes.
    fn take(
        &mut self,
        event: &Event<'_>,
        place: &Range<u64>,
        each: &mut impl FnMut(Step) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        let position = place.start;
        let syntax = DocumentError::Syntax { position };
        if place.end - self.entry_start > self.limits.entry_bytes as u64 {
            return Err(DocumentError::TooLong);
        }
        match event {
            Event::Start(tag) => self.open(tag, place)?.map_or(Ok(()), each)?,
            Event::Empty(tag) => {
                self.open(tag, place)?.map_or(Ok(()), &mut *each)?;
                self.close(place)?.map_or(Ok(()), each)?;
            }
            Event::End(tag) => {
                if self.open.last().is_none_or(|(open, _)| *open != tag.name().as_ref()) {
                    return Err(if self.is_over { DocumentError::Trailing } else { syntax });
                }
                self.close(place)?.map_or(Ok(()), each)?;
            }
            Event::Text(text) => {
                rules::check_text(text, position)?;
                if !text.trim_ascii().is_empty() {
                    let is_mark = text.starts_with('\u{FEFF}') && self.open.is_empty() && !self.is_over;
                    let inside = self.text(if is_mark { DocumentError::Encoding } else { syntax })?;
                    inside.push_str(&text.xml10_content());
                } else if self.open.len() > self.level
                    && let Some((_, fields)) = self.open.last_mut()
                    && !fields.has_children()
                {
                    fields.text_mut().push_str(&text.xml10_content());
                }
            }
            Event::CData(text) => {
                rules::check_characters(text, position)?;
                self.text(syntax)?.push_str(&text.xml10_content());
            }
            Event::GeneralRef(reference) => {
                let character = rules::character(reference, position)?;
                self.text(syntax)?.push(character);
            }
            Event::Decl(declaration) => rules::check_declaration(declaration, position)?,
            Event::PI(instruction) => {
                rules::check_characters(instruction, position)?;
                rules::check_target(instruction.target(), position)?;
            }
            Event::Comment(comment) => rules::check_characters(comment, position)?,
            Event::DocType(_) => return Err(DocumentError::Doctype),
            Event::Eof => {}
        }
        Ok(())
    }

    fn open(&mut self, tag: &BytesStart<'_>, place: &Range<u64>) -> Result<Option<Step>, DocumentError> {
        let position = place.start;
        rules::check_tag(tag, position)?;
        let name = rules::name(tag.name().as_ref(), &self.limits, position)?;
        if self.is_over {
            return Err(DocumentError::Trailing);
        }
        let depth = self.open.len() + 1;
        if depth > self.limits.depth {
            return Err(DocumentError::TooDeep);
        }
        self.count += 1;
        if self.count > self.limits.elements {
            return Err(DocumentError::TooManyElements);
        }
        let attributes = rules::attributes(tag, &self.limits, position)?;
        if depth > self.level {
            self.open.push((name, attributes));
            return Ok(None);
        }
        self.open.push((name.clone(), Fields::default()));
        self.end_entry(place);
        Ok(Some(Step::Opened { depth, name, attributes }))
    }

    /// Closes the innermost element.
    fn close(&mut self, place: &Range<u64>) -> Result<Option<Step>, DocumentError> {
        let syntax = DocumentError::Syntax { position: place.start };
        let (name, fields) = self.open.pop().ok_or(syntax)?;
        if fields.is_mixed() {
            return Err(syntax);
        }
        let depth = self.open.len() + 1;
        self.is_over = self.open.is_empty();
        if depth <= self.level {
            self.end_entry(place);
            return Ok(Some(Step::Closed { depth }));
        }
        if depth == self.level + 1 {
            self.end_entry(place);
            return Ok(Some(Step::Entry(name, fields)));
        }
        if let Some((_, parent)) = self.open.last_mut() {
            parent.push_child(name, fields);
        }
        Ok(None)
    }

    /// The text of the innermost element; an error where there may be none.
    fn text(&mut self, error: DocumentError) -> Result<&mut String, DocumentError> {
        let may_be = self.open.len() > self.level;
        match self.open.last_mut().filter(|_| may_be) {
            Some((_, fields)) => Ok(fields.text_mut()),
            None => Err(if self.is_over { DocumentError::Trailing } else { error }),
        }
    }

    fn end_entry(&mut self, place: &Range<u64>) {
        self.count = 0;
        self.entry_start = place.end;
    }
}
