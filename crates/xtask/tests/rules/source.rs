//! A Rust file without its comments and the contents of its strings, so that a rule about code reads only code.

/// One Rust file.
pub(crate) struct Source {
    /// Relative to the root, with slashes.
    pub(crate) file: String,
    /// As written.
    pub(crate) raw: String,
    /// As written, but with spaces for comments, and with quotes for what is between quotes.
    pub(crate) code: String,
    /// For each line, whether it exists only in tests.
    tests: Vec<bool>,
}

impl Source {
    pub(crate) fn new(file: &str, raw: &str) -> Self {
        let code = scrub(raw);
        let tests = if is_test_file(file) { vec![true; raw.lines().count()] } else { test_lines(&code) };
        Self { file: file.to_owned(), raw: raw.to_owned(), code, tests }
    }

    /// Whether a line, counted from 1, exists only in tests.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.tests.get(line - 1).copied().unwrap_or(false)
    }

    /// The lines of code with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines())
    }

    /// The lines of code that exist outside tests, with their numbers.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(number, _)| !self.is_test(*number))
    }

    /// The code without white space, but for one space between two names, for what rustfmt may break over lines.
    pub(crate) fn squeezed(&self) -> Squeezed {
        let mut squeezed = Squeezed { text: String::new(), lines: Vec::new() };
        for (number, line) in self.lines() {
            for piece in line.split_whitespace() {
                if squeezed.text.ends_with(is_word) && piece.starts_with(is_word) {
                    squeezed.text.push(' ');
                }
                squeezed.text.push_str(piece);
                squeezed.lines.resize(squeezed.text.len(), number);
            }
        }
        squeezed
    }

    /// What the file imports, one path per name, with the line of each `use`.
    pub(crate) fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (number, line) in self.lines() {
            let Some(at) = use_in(line) else { continue };
            let before: usize = self.code.split_inclusive('\n').take(number - 1).map(str::len).sum();
            let rest = &self.code[before + at..];
            let tree = rest[..rest.find(';').unwrap_or(rest.len())].replace('\n', " ");
            expand("", &tree, &mut |path| found.push((number, path)));
        }
        found
    }
}

/// Code without white space; see [`Source::squeezed`].
pub(crate) struct Squeezed {
    pub(crate) text: String,
    lines: Vec<usize>,
}

impl Squeezed {
    /// The line in which a byte stands.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.get(at).copied().unwrap_or(0)
    }

    /// The lines in which a text begins.
    pub(crate) fn find(&self, text: &str) -> Vec<usize> {
        self.text.match_indices(text).map(|(at, _)| self.line(at)).collect()
    }
}

/// Whether a character can be part of a name.
pub(crate) fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// Where a text stands in a line with nothing of a name directly before it or, if it ends in a name, after it.
pub(crate) fn word(line: &str, text: &str) -> Option<usize> {
    line.match_indices(text).map(|(at, _)| at).find(|at| {
        let ends_in_name = text.ends_with(is_word);
        let (before, behind) = (&line[..*at], &line[at + text.len()..]);
        !before.ends_with(is_word) && (!ends_in_name || !behind.starts_with(is_word))
    })
}

/// The end of the bracket that opens at `open`, just behind the closing one.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, character) in code[open..].char_indices() {
        match character {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return open + at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

fn is_test_file(file: &str) -> bool {
    file.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// The position behind the keyword of a `use`.
fn use_in(line: &str) -> Option<usize> {
    let start = line.trim_start();
    let rest = start.strip_prefix("pub").map_or(start, |rest| {
        let rest = rest.trim_start();
        if rest.starts_with('(') { rest[closing(rest, 0)..].trim_start() } else { rest }
    });
    Some(line.len() - rest.strip_prefix("use ")?.len())
}

fn expand(prefix: &str, tree: &str, found: &mut impl FnMut(String)) {
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree).trim();
        if !path.is_empty() {
            found(format!("{prefix}{path}"));
        }
        return;
    };
    let prefix = format!("{prefix}{}", tree[..open].trim());
    let inner = &tree[open + 1..closing(tree, open).saturating_sub(1).max(open + 1)];
    let mut depth = 0_usize;
    let parts = inner.split(|character| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    });
    parts.for_each(|part| expand(&prefix, part, found));
}

/// Which lines of the code belong to an item that exists only in tests.
fn test_lines(code: &str) -> Vec<bool> {
    let mut lines = vec![code.contains("#![cfg(test)]"); code.lines().count()];
    for mark in ["#[cfg(test)]", "#[cfg(all(test", "#[test]"] {
        for (at, _) in code.match_indices(mark) {
            let behind = closing(code, at + 1);
            let body = code[behind..].find(['{', ';']).map_or(code.len(), |body| behind + body);
            let end = if code[body..].starts_with('{') { closing(code, body) } else { body };
            let first = code[..at].matches('\n').count();
            let last = code[..end].matches('\n').count();
            lines.iter_mut().take(last + 1).skip(first).for_each(|line| *line = true);
        }
    }
    lines
}

fn scrub(raw: &str) -> String {
    let mut scrubbed = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut previous = ' ';
    while let Some(first) = rest.chars().next() {
        let Token { kept, hidden, filler } = token(rest, previous);
        let (token, behind) = rest.split_at(kept + hidden);
        scrubbed.push_str(&token[..kept]);
        scrubbed.extend(token[kept..].chars().map(|c| if c == '\n' { c } else { filler }));
        previous = token[..kept].chars().next_back().unwrap_or(first);
        rest = behind;
    }
    scrubbed
}

/// How many bytes at the start of a text to keep, how many behind those to hide, and under what.
struct Token {
    kept: usize,
    hidden: usize,
    filler: char,
}

fn token(text: &str, previous: char) -> Token {
    let comment = |hidden| Token { kept: 0, hidden, filler: ' ' };
    // The closing quote is hidden too, or it would be met as an opening one.
    let string = |kept: usize, body: usize, quote: &str| Token {
        kept,
        hidden: (body + quote.len()).min(text.len() - kept),
        filler: if quote == "'" { '\'' } else { '"' },
    };
    if text.starts_with("//") {
        return comment(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return comment(block_comment(text));
    }
    if !is_word(previous)
        && let Some((open, fence)) = raw_string(text)
    {
        return string(open, text[open..].find(&fence).unwrap_or(text.len()), &fence);
    }
    if let Some(body) = text.strip_prefix('"') {
        return string(1, string_body(body, '"'), "\"");
    }
    if let Some(body) = text.strip_prefix('\'') {
        let length = body.chars().next().map_or(0, char::len_utf8);
        // Without a second quote it is a lifetime.
        if body.starts_with('\\') || body[length..].starts_with('\'') {
            return string(1, string_body(body, '\''), "'");
        }
    }
    Token { kept: text.chars().next().map_or(0, char::len_utf8), hidden: 0, filler: ' ' }
}

fn string_body(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in body.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at,
            _ => {}
        }
    }
    body.len()
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let here = &text[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of what opens a raw string here, and what closes it.
fn raw_string(text: &str) -> Option<(usize, String)> {
    let prefix = ["br", "cr", "r"].into_iter().find(|prefix| text.starts_with(prefix))?;
    let hashes = text[prefix.len()..].chars().take_while(|character| *character == '#').count();
    let open = prefix.len() + hashes + 1;
    text[prefix.len() + hashes..].starts_with('"').then(|| (open, format!("\"{}", "#".repeat(hashes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_hidden_and_code_is_not() {
        let raw = concat!(
            "a(\"b \\\" c\"); // d\n",
            "/* e /* f */ g */ h('\\'', 'i', &'j k);\n",
            "r#\"l \" m\"#; \"n\no\"; p\n",
        );
        let code = scrub(raw);
        let left: String = code.chars().filter(|character| character.is_alphabetic()).collect();
        assert_eq!(left, "ahjkrp");
        assert_eq!(code.lines().count(), raw.lines().count());
        assert_eq!(code.chars().count(), raw.chars().count());
    }

    #[test]
    fn what_follows_a_raw_string_is_code_again() {
        assert_eq!(
            scrub("r\"a\" + b + r#\"c\"# + d").matches(char::is_alphabetic).collect::<String>(),
            "rbrd"
        );
    }

    #[test]
    fn the_lines_of_tests_are_known() {
        let source = Source::new("a.rs", "fn a() {}\n#[cfg(test)]\nmod t {\n    fn b() {}\n}\nfn c() {}\n");
        let shipped: Vec<usize> = source.shipped().map(|(number, _)| number).collect();
        assert_eq!(shipped, [1, 6]);
        assert!(Source::new("crates/a/tests/b.rs", "fn a() {}").is_test(1));
        assert!(Source::new("crates/a/src/b/tests.rs", "fn a() {}").is_test(1));
    }

    #[test]
    fn imports_are_expanded() {
        let source =
            Source::new("a.rs", "use a::b;\npub(crate) use c::{d as h, e::{f,\n g}};\nlet reuse = 1;\n");
        let paths: Vec<(usize, String)> = source.imports();
        let expected = [(1, "a::b"), (2, "c::d"), (2, "c::e::f"), (2, "c::e::g")];
        assert_eq!(paths, expected.map(|(line, path)| (line, path.to_owned())));
    }

    #[test]
    fn a_squeezed_text_knows_its_lines() {
        let source = Source::new("a.rs", "a\n    .b()\n    .c(d  e)\n");
        let squeezed = source.squeezed();
        assert_eq!(squeezed.text, "a.b().c(d e)");
        assert_eq!(squeezed.find(".c("), [3]);
    }

    #[test]
    fn a_word_ends_where_a_name_ends() {
        assert_eq!(word("let a = todo!()", "todo!"), Some(8));
        assert_eq!(word("my_todo!()", "todo!"), None);
        assert_eq!(word("async_trait", "async"), None);
    }
}
