//! References and line ends, both ways.

/// What every document begins with.
pub(crate) const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Longest reference with `&` and `;`: `&#x10FFFF;` with some leading zeros.
const MAX_REFERENCE_BYTES: usize = 32;

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

/// Reads the text of an element; `None` when it is not well-formed.
pub(super) fn read_text(raw: &str, out: &mut String) -> Option<()> {
    // Most texts have no `>`, which is cheaper to see.
    if raw.as_bytes().contains(&b'>') && raw.contains("]]>") {
        return None;
    }
    read(raw, out, line_ends)
}

/// Reads the value of an attribute; `None` when it is not well-formed.
pub(super) fn read_attribute(raw: &str, out: &mut String) -> Option<()> {
    if raw.as_bytes().contains(&b'<') {
        return None;
    }
    read(raw, out, |plain, out| {
        let mut spaces = String::new();
        line_ends(plain, &mut spaces);
        out.extend(spaces.chars().map(|c| if matches!(c, '\t' | '\n') { ' ' } else { c }));
    })
}

/// Takes every line end for a line feed, as XML 1.0 §2.11 asks.
pub(super) fn line_ends(plain: &str, out: &mut String) {
    let mut lines = plain.split('\r');
    out.push_str(lines.next().unwrap_or_default());
    for line in lines {
        out.push('\n');
        out.push_str(line.strip_prefix('\n').unwrap_or(line));
    }
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

fn read(raw: &str, out: &mut String, plain: impl Fn(&str, &mut String)) -> Option<()> {
    if !raw.bytes().any(|byte| matches!(byte, b'&' | b'\r' | b'\n' | b'\t')) {
        out.push_str(raw);
        return Some(());
    }
    let mut parts = raw.split('&');
    plain(parts.next().unwrap_or_default(), out);
    for part in parts {
        let end = part.bytes().take(MAX_REFERENCE_BYTES).position(|byte| byte == b';')?;
        let (reference, rest) = part.split_at(end);
        out.push(character(reference)?);
        plain(&rest[1..], out);
    }
    Some(())
}

/// The character of a reference: one of the five that XML has, or a number.
fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => {}
    }
    let number = reference.strip_prefix('#')?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|&c| is_allowed(c))
}
