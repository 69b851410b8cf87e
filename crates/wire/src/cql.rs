//! The search language of Crowd.
//!
//! ```text
//! restriction = [ or ]
//! or          = and { "or" and }
//! and         = primary { "and" primary }
//! primary     = "(" or ")" | key ( "=" | "<" | ">" ) value
//! ```
//!
//! 1. Nothing at all finds everything. `and` binds tighter than `or`; both are known in any case.
//! 2. Keys and values are bare words or stand in quotes, single or double; inside, a backslash makes the next
//!    character literal.
//! 3. A `*` at the beginning and at the end of a value stands for anything. Everywhere else, in the middle or behind a
//!    backslash, it is literal, and so are `%` and `_` wherever they stand (T81).
//! 4. An empty value finds what has none. A key that is no property is an attribute (R27).
//! 5. `createdDate` and `updatedDate` are refused as [`QueryError::Unsupported`]: users and groups carry no dates here.
//!    `<` and `>` compare nothing else, and are malformed before another key.

use throng_core::filter::Filter;

use crate::query::{self, Comparison};
pub use crate::query::{EntityKind, QueryError};

/// Longest search in bytes (T81).
pub const MAX_BYTES: usize = 8 * 1024;

/// Reads a search, within [`MAX_BYTES`] and the limits of [`Filter`], which hold for parentheses as well.
pub fn parse(text: &str, kind: EntityKind) -> Result<Filter, QueryError> {
    if text.len() > MAX_BYTES {
        return Err(QueryError::TooComplex);
    }
    let mut parser = Parser { text, at: 0, terms: 0 };
    if parser.peek().is_none() {
        return Ok(Filter::everything());
    }
    parser.restriction(kind)
}

#[derive(Debug)]
struct Parser<'a> {
    text: &'a str,
    at: usize,
    terms: usize,
}

/// What stands between parentheses: alternatives, the last of which is still being read.
#[derive(Debug, Default)]
struct Level {
    any: Vec<Filter>,
    all: Vec<Filter>,
}

/// A word with the place where it begins.
#[derive(Debug)]
struct Word {
    at: usize,
    text: String,
    /// Whether an unescaped `*` stands at the beginning and at the end; they are no part of the text.
    open_start: bool,
    open_end: bool,
}

impl Parser<'_> {
    /// Keeps what is open in a list of its own, so that no depth of parentheses exhausts the stack.
    fn restriction(&mut self, kind: EntityKind) -> Result<Filter, QueryError> {
        let mut outer = Vec::new();
        let mut level = Level::default();
        loop {
            while self.take('(') {
                outer.push(std::mem::take(&mut level));
                if outer.len() >= Filter::MAX_DEPTH {
                    return Err(QueryError::TooComplex);
                }
            }
            level.all.push(self.term(kind)?);
            while self.peek() == Some(')') {
                let Some(parent) = outer.pop() else { return Err(self.syntax()) };
                self.take(')');
                let inner = std::mem::replace(&mut level, parent);
                level.all.push(inner.close()?);
            }
            if self.peek().is_none() {
                return if outer.is_empty() { level.close() } else { Err(self.syntax()) };
            }
            if self.keyword("and") {
                continue;
            }
            if !self.keyword("or") {
                return Err(self.syntax());
            }
            let all = std::mem::take(&mut level.all);
            level.any.push(join(all, Filter::all)?);
        }
    }

    fn term(&mut self, kind: EntityKind) -> Result<Filter, QueryError> {
        self.terms += 1;
        if self.terms > Filter::MAX_TERMS {
            return Err(QueryError::TooComplex);
        }
        let key = self.word()?;
        let operator = self.peek();
        let at = self.at;
        if !matches!(operator, Some('=' | '<' | '>')) {
            return Err(self.syntax());
        }
        // Whoever writes `!=` means the opposite, and would be told nobody as the value of a property that nothing has.
        if self.text.get(..at).is_some_and(|before| before.trim_end().ends_with('!')) {
            return Err(self.syntax());
        }
        self.at += 1;
        let value = self.word()?;
        if key.text.is_empty() || key.open_start || key.open_end {
            return Err(QueryError::Syntax { position: key.at });
        }
        let comparison = match (operator, value.open_start, value.open_end) {
            (Some('<' | '>'), _, _) => Comparison::Ordered,
            (_, false, false) => Comparison::Equals,
            (_, false, true) => Comparison::StartsWith,
            (_, true, false) => Comparison::EndsWith,
            (_, true, true) => Comparison::Contains,
        };
        let position = if comparison == Comparison::Ordered { at } else { value.at };
        query::term(kind, &key.text, comparison, &value.text, position)
    }

    fn word(&mut self) -> Result<Word, QueryError> {
        let start = self.peek();
        let at = self.at;
        let mut characters = Vec::new();
        match start {
            Some(quote @ ('"' | '\'')) => {
                self.at += quote.len_utf8();
                loop {
                    match self.next() {
                        Some('\\') => characters.push((self.next().ok_or_else(|| self.syntax())?, true)),
                        Some(c) if c == quote => break,
                        Some(c) => characters.push((c, false)),
                        None => return Err(self.syntax()),
                    }
                }
            }
            Some(_) => {
                while let Some(c) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
                    if c.is_whitespace() || matches!(c, '(' | ')' | '=' | '<' | '>' | '"' | '\'' | '\\') {
                        break;
                    }
                    self.at += c.len_utf8();
                    characters.push((c, false));
                }
                if characters.is_empty() {
                    return Err(self.syntax());
                }
            }
            None => return Err(self.syntax()),
        }
        Ok(Word::new(at, &characters))
    }

    /// Passes over white space, and gives the character after it.
    fn peek(&mut self) -> Option<char> {
        let rest = self.text.get(self.at..)?;
        let next = rest.trim_start();
        self.at += rest.len() - next.len();
        next.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.text.get(self.at..)?.chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.at += wanted.len_utf8();
        }
        is_next
    }

    /// Takes a keyword that ends where a word would.
    fn keyword(&mut self, keyword: &str) -> bool {
        self.peek();
        let Some((word, rest)) =
            self.text.get(self.at..).and_then(|rest| rest.split_at_checked(keyword.len()))
        else {
            return false;
        };
        let ends = rest.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '"' | '\''));
        let is_next = word.eq_ignore_ascii_case(keyword) && ends;
        if is_next {
            self.at += keyword.len();
        }
        is_next
    }

    fn syntax(&self) -> QueryError {
        QueryError::Syntax { position: self.at }
    }
}

impl Level {
    fn close(mut self) -> Result<Filter, QueryError> {
        self.any.push(join(self.all, Filter::all)?);
        join(self.any, Filter::any)
    }
}

impl Word {
    fn new(at: usize, mut characters: &[(char, bool)]) -> Self {
        let (mut open_start, mut open_end) = (false, false);
        if let [('*', false), rest @ ..] = characters {
            (open_start, characters) = (true, rest);
            // A star alone is open at both ends.
            open_end = rest.is_empty();
        }
        if let [rest @ .., ('*', false)] = characters {
            (open_end, characters) = (true, rest);
        }
        Self { at, text: characters.iter().map(|(c, _)| c).collect(), open_start, open_end }
    }
}

/// Joins parts; a single one stays as it is, so that parentheses around it cost no depth of the filter.
fn join(
    mut parts: Vec<Filter>,
    join: fn(Vec<Filter>) -> Result<Filter, throng_core::filter::FilterTooComplex>,
) -> Result<Filter, QueryError> {
    match (parts.len(), parts.pop()) {
        (1, Some(part)) => Ok(part),
        (_, last) => {
            parts.extend(last);
            Ok(join(parts)?)
        }
    }
}
