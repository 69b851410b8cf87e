//! What is written as a reference.

/// What every document begins with.
pub(crate) const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Whether XML 1.0 can hold a text, so that it arrives as it was sent. Most control characters have no place in it.
pub fn can_hold(text: &str) -> bool {
    text.chars().all(is_allowed)
}

/// Whether XML 1.0 can hold a character.
pub(super) fn is_allowed(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Writes the text of an element. A carriage return would be read as a line feed if it were not written as a reference.
pub(crate) fn text(out: &mut String, text: &str) {
    write(out, text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        // `]]>` may not stand in a text.
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        c if !is_allowed(c) => Some("\u{FFFD}"),
        _ => None,
    });
}

/// Writes the value of an attribute between double quotes. White space other than spaces would be read as spaces.
pub(crate) fn attribute(out: &mut String, text: &str) {
    write(out, text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        c if !is_allowed(c) => Some("\u{FFFD}"),
        _ => None,
    });
}

fn write(out: &mut String, text: &str, escaped: impl Fn(char) -> Option<&'static str>) {
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if let Some(escape) = escaped(c) {
            out.push_str(&text[plain..at]);
            out.push_str(escape);
            plain = at + c.len_utf8();
        }
    }
    out.push_str(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_known() {
        for text in ["plain", "line\r\nline\t", "\u{1F511} \u{85}\u{FFFD}", "<&>\"'"] {
            assert!(can_hold(text), "{text:?}");
        }
        for text in ["\0secret", "bell\u{7}", "\u{FFFE}", "\u{FFFF}"] {
            assert!(!can_hold(text), "{text:?}");
        }
    }
}
