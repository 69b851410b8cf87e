//! What the text of a cell stands for.

use std::borrow::Cow;

/// ASVS 1.2.10 and the line breaks that OWASP adds to it; its NUL is refused everywhere.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// Puts a `'` before what a spreadsheet would calculate, and before what would otherwise lose one when read.
pub(super) fn guard(text: Cow<'_, str>) -> Cow<'_, str> {
    if is_formula(&text) { Cow::Owned(format!("'{text}")) } else { text }
}

/// Takes away the `'` that [`guard`] put there.
pub(super) fn unguard(mut text: String) -> String {
    if text.starts_with('\'') && is_formula(&text) {
        text.remove(0);
    }
    text
}

fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

/// The items of a list; `None` when one is empty.
pub(super) fn split(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let mut items = vec![String::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '|' => items.push(String::new()),
            '\\' => items.last_mut()?.push(rest.next_if(|&c| c == '|' || c == '\\').unwrap_or(c)),
            c => items.last_mut()?.push(c),
        }
    }
    items.iter().all(|item| !item.is_empty()).then_some(items)
}

/// The list of the items; `None` when one is empty, because a list of one would be a list of none.
pub(super) fn join(items: &[String]) -> Option<String> {
    let mut text = String::new();
    for item in items {
        if item.is_empty() {
            return None;
        }
        if !text.is_empty() {
            text.push('|');
        }
        text.push_str(&item.replace('\\', r"\\").replace('|', r"\|"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_at_bars() {
        let cases: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("a", &["a"]),
            ("a|b c| d", &["a", "b c", " d"]),
            (r"CORP\staff|b", &[r"CORP\staff", "b"]),
            (r"a\|b|c", &["a|b", "c"]),
            (r"a\\|b", &[r"a\", "b"]),
            (r"a\", &[r"a\"]),
            (r"a\\\|b", &[r"a\|b"]),
        ];
        for (text, items) in cases {
            assert_eq!(split(text).as_deref().unwrap(), items, "{text}");
        }
        for text in ["|", "a|", "|a", "a||b"] {
            assert_eq!(split(text), None, "{text}");
        }
        assert_eq!(join(&[String::new()]), None);
    }

    /// N65, N66, N67, T91.
    #[test]
    fn formulas_are_guarded() {
        let cases = [
            ("=HYPERLINK(\"http://e\")", "'=HYPERLINK(\"http://e\")"),
            ("@SUM(1)", "'@SUM(1)"),
            ("-1+1", "'-1+1"),
            ("+1", "'+1"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("\tx", "'\tx"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("'=1", "''=1"),
            ("'", "'"),
            ("'tis", "'tis"),
            ("o'=1", "o'=1"),
            ("", ""),
        ];
        for (text, guarded) in cases {
            assert_eq!(guard(Cow::from(text)), guarded);
            assert_eq!(unguard(guarded.to_owned()), text);
        }
    }
}
