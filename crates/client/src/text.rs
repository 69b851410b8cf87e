//! What can travel in XML.

/// Whether a text arrives as it is: XML 1.0 has no place for most control characters and for two others, and turns
/// carriage returns into line feeds.
pub(crate) fn travels(text: &str) -> bool {
    text.chars().all(|c| match c {
        '\t' | '\n' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        c => c >= ' ',
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_does_not_travel() {
        for text in ["plain", "line\nline\t", "\u{1F511} \u{85}\u{FFFD}", "<&>\"'"] {
            assert!(travels(text), "{text:?}");
        }
        for text in ["\0secret", "bell\u{7}", "line\r\n", "\u{FFFE}", "\u{FFFF}"] {
            assert!(!travels(text), "{text:?}");
        }
    }
}
