//! Builds elements from tokens and gives out each entry as soon as it is whole.

use super::escape;
use super::lexer::{Lexer, Token, attributes};
use crate::document::Limits;
use crate::error::DocumentError;
use crate::node::{self, Fields, Name, Node};

/// A document that is read entry by entry.
///
/// Elements down to a level hold the entries and are told of when they open and close; each entry below is given out
/// whole. With level 0 the root itself is the entry.
#[derive(Debug)]
pub(crate) struct Pull {
    lexer: Lexer,
    limits: Limits,
    /// How many levels hold entries.
    level: usize,
    open: Vec<(Name, Fields)>,
    /// Elements of the current entry.
    elements: usize,
    /// Where the current entry began, or the last one ended.
    entry_start: u64,
    /// The element that opened last has no content.
    closes: bool,
    is_over: bool,
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

impl Pull {
    pub(crate) fn new(level: usize, limits: Limits) -> Self {
        Self {
            lexer: Lexer::new(limits),
            limits,
            level,
            open: Vec::new(),
            elements: 0,
            entry_start: 0,
            closes: false,
            is_over: false,
        }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.lexer.feed(bytes);
    }

    /// The next step; `None` until more is fed.
    pub(crate) fn step(&mut self) -> Result<Option<Step>, DocumentError> {
        loop {
            if std::mem::take(&mut self.closes) {
                if let Some(step) = self.close()? {
                    return Ok(Some(step));
                }
                continue;
            }
            let error = self.lexer.syntax();
            let Some(token) = self.lexer.token()? else { return Ok(None) };
            match token {
                Token::Start { name, attributes } | Token::Empty { name, attributes } => {
                    if self.is_over {
                        return Err(DocumentError::Trailing);
                    }
                    let depth = self.open.len() + 1;
                    if depth > self.limits.depth {
                        return Err(DocumentError::TooDeep);
                    }
                    self.elements += 1;
                    if self.elements > self.limits.elements {
                        return Err(DocumentError::TooManyElements);
                    }
                    self.closes = matches!(token, Token::Empty { .. });
                    let fields = read_attributes(attributes, &self.limits)?.ok_or(error)?;
                    let name = node::name(name);
                    if depth > self.level {
                        self.open.push((name, fields));
                        self.check_length()?;
                        continue;
                    }
                    self.open.push((name.clone(), Fields::default()));
                    self.end_entry();
                    return Ok(Some(Step::Opened { depth, name, attributes: fields }));
                }
                Token::End { name } => {
                    if self.open.last().is_none_or(|(open, _)| open != name) {
                        return Err(if self.is_over { DocumentError::Trailing } else { error });
                    }
                    if let Some(step) = self.close()? {
                        return Ok(Some(step));
                    }
                }
                Token::Text(text) => {
                    let level = self.level;
                    let depth = self.open.len();
                    let is_blank = text.trim_ascii().is_empty();
                    match self.open.last_mut().filter(|_| depth > level) {
                        Some((_, fields)) if is_blank && fields.has_children() => {}
                        Some((_, fields)) => {
                            escape::read_text(text, fields.text_mut()).ok_or(error)?;
                        }
                        None if is_blank => {}
                        None if self.is_over => return Err(DocumentError::Trailing),
                        None if text.starts_with('\u{FEFF}') => return Err(DocumentError::Encoding),
                        None => return Err(error),
                    }
                }
                Token::CData(text) => {
                    let (level, depth) = (self.level, self.open.len());
                    match self.open.last_mut().filter(|_| depth > level) {
                        Some((_, fields)) => escape::line_ends(text, fields.text_mut()),
                        None => return Err(if self.is_over { DocumentError::Trailing } else { error }),
                    }
                }
                Token::Declaration(text) => declaration(text).map_err(|fault| fault.unwrap_or(error))?,
                Token::Skipped => {}
            }
            self.check_length()?;
        }
    }

    /// Proves that the document is complete.
    pub(crate) fn finish(&self) -> Result<(), DocumentError> {
        let rest = self.lexer.rest();
        let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        let rest = rest.get(blank..).unwrap_or_default();
        match rest.first() {
            _ if !self.is_over && (rest.is_empty() || !self.open.is_empty()) => Err(DocumentError::Truncated),
            None => Ok(()),
            Some(_) if self.is_over => Err(DocumentError::Trailing),
            Some(b'<') => Err(DocumentError::Truncated),
            Some(_) if std::str::from_utf8(rest).is_err() || rest.starts_with("\u{FEFF}".as_bytes()) => {
                Err(DocumentError::Encoding)
            }
            Some(_) => Err(self.lexer.syntax()),
        }
    }

    /// Closes the innermost element.
    fn close(&mut self) -> Result<Option<Step>, DocumentError> {
        let Some((name, fields)) = self.open.pop() else { return Err(self.lexer.syntax()) };
        if fields.is_mixed() {
            return Err(self.lexer.syntax());
        }
        let depth = self.open.len() + 1;
        self.is_over = self.open.is_empty();
        if depth <= self.level {
            self.end_entry();
            return Ok(Some(Step::Closed { depth }));
        }
        if depth == self.level + 1 {
            self.check_length()?;
            self.end_entry();
            return Ok(Some(Step::Entry(name, fields)));
        }
        if let Some((_, parent)) = self.open.last_mut() {
            parent.push_child(name, fields);
        }
        Ok(None)
    }

    fn end_entry(&mut self) {
        self.elements = 0;
        self.entry_start = self.lexer.position();
    }

    fn check_length(&self) -> Result<(), DocumentError> {
        let length = self.lexer.position() - self.entry_start;
        if length > self.limits.entry_bytes as u64 { Err(DocumentError::TooLong) } else { Ok(()) }
    }
}

/// Attributes as fields; `None` when they are not well-formed.
fn read_attributes(text: &str, limits: &Limits) -> Result<Option<Fields>, DocumentError> {
    let mut fields = Fields::default();
    let mut count = 0;
    let mut is_good = true;
    let whole = attributes(text, |name, raw| {
        count += 1;
        if count > limits.attributes {
            return Err(DocumentError::TooManyAttributes);
        }
        if name.len() > limits.name_bytes {
            return Err(DocumentError::NameTooLong);
        }
        if fields.has(name) {
            return Err(DocumentError::DuplicateKey);
        }
        let mut value = String::new();
        is_good &= escape::read_attribute(raw, &mut value).is_some();
        fields.push(node::name(name), Node::Text(value));
        Ok(())
    })?;
    Ok(whole.filter(|()| is_good).map(|()| fields))
}

/// Checks the declaration; the fault is `None` when it is not well-formed.
fn declaration(text: &str) -> Result<(), Option<DocumentError>> {
    let mut expected = ["version", "encoding", "standalone"].into_iter();
    let mut is_good = true;
    let mut count = 0;
    let whole = attributes(text, |name, value| {
        is_good &= expected.by_ref().any(|next| next == name);
        is_good &= (count == 0) == (name == "version");
        count += 1;
        match name {
            "version" => is_good &= value == "1.0",
            "encoding" if !value.eq_ignore_ascii_case("utf-8") => return Err(DocumentError::Encoding),
            _ => {}
        }
        Ok(())
    });
    match whole.map_err(Some)? {
        Some(()) if is_good && count > 0 => Ok(()),
        Some(()) | None => Err(None),
    }
}
