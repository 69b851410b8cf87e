//! Distinguished names (RFC 4514), to tell when two are the same.

use throng_core::name::Key;

/// A distinguished name, in a form that is equal for equal names.
///
/// Types are the same in any case and by any of their names. Values are compared as names are here, with their spaces
/// joined: a directory server may tell more of them apart, and then two entries are found to have one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dn {
    key: String,
    /// The first part: types, and values as they are written.
    first: Vec<(String, String)>,
}

impl Dn {
    /// Reads a name; `None` when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut dn = Self { key: String::new(), first: Vec::new() };
        if text.trim().is_empty() {
            return Some(dn);
        }
        for (n, part) in split(text, &[',', ';']).into_iter().enumerate() {
            let pairs: Option<Vec<_>> = split(part, &['+']).into_iter().map(pair).collect();
            let pairs = pairs?;
            let mut keys: Vec<String> =
                pairs.iter().map(|(kind, value)| format!("{kind}={}", value.key())).collect();
            keys.sort_unstable();
            if n == 0 {
                let texts = pairs.into_iter().filter_map(|(kind, value)| Some((kind, value.text()?)));
                dn.first = texts.collect();
            } else {
                dn.key.push(',');
            }
            dn.key.push_str(&keys.join("+"));
        }
        Some(dn)
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn into_key(self) -> String {
        self.key
    }

    /// The value of an attribute in the first part of the name.
    pub(super) fn first_value(&self, attribute: &str) -> Option<&str> {
        self.first.iter().find(|(kind, _)| kind == attribute).map(|(_, value)| value.as_str())
    }
}

/// One name for the names of an attribute: small letters, without options, and the short one of several.
pub(super) fn attribute(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let short = match name.strip_prefix("oid.").unwrap_or(&name) {
        "2.5.4.3" | "commonname" => "cn",
        "2.5.4.4" | "surname" => "sn",
        "2.5.4.10" | "organizationname" => "o",
        "2.5.4.11" | "organizationalunitname" => "ou",
        "2.5.4.42" | "gn" => "givenname",
        "0.9.2342.19200300.100.1.1" | "userid" => "uid",
        "0.9.2342.19200300.100.1.3" | "rfc822mailbox" => "mail",
        "0.9.2342.19200300.100.1.25" | "domaincomponent" => "dc",
        _ => return name,
    };
    short.to_owned()
}

/// What a value is.
enum Value {
    Text(String),
    /// The bytes of something else, in hexadecimal digits.
    Bytes(String),
}

impl Value {
    fn key(&self) -> String {
        match self {
            Self::Bytes(digits) => format!("#{}", digits.to_ascii_lowercase()),
            Self::Text(text) => {
                let folded = Key::of(text);
                let mut key = String::new();
                for word in folded.as_str().split(' ').filter(|word| !word.is_empty()) {
                    if !key.is_empty() {
                        key.push(' ');
                    }
                    for c in word.chars() {
                        if matches!(c, ',' | '+' | '=' | '#' | '\\') {
                            key.push('\\');
                        }
                        key.push(c);
                    }
                }
                key
            }
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(_) => None,
        }
    }
}

/// The parts between separators that are not escaped.
fn split<'t>(text: &'t str, separators: &[char]) -> Vec<&'t str> {
    let mut is_escaped = false;
    let ends = |c: char| {
        let is_end = !is_escaped && separators.contains(&c);
        is_escaped = !is_escaped && c == '\\';
        is_end
    };
    text.split(ends).collect()
}

/// A type and a value.
fn pair(text: &str) -> Option<(String, Value)> {
    let (kind, value) = text.split_once('=')?;
    let kind = kind.trim();
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if kind.is_empty() || !kind.bytes().all(is_letter) {
        return None;
    }
    let value = value.trim_start_matches(' ');
    let value = match value.strip_prefix('#') {
        Some(digits) => {
            let digits = digits.trim_end_matches(' ');
            let is_hex =
                !digits.is_empty() && digits.len() % 2 == 0 && digits.bytes().all(|d| d.is_ascii_hexdigit());
            is_hex.then(|| Value::Bytes(digits.to_owned()))?
        }
        None => unescape(value)?,
    };
    Some((attribute(kind), value))
}

/// Takes the escapes out of a value, and the spaces after it that are not escaped; `None` when an escape is none.
fn unescape(text: &str) -> Option<Value> {
    let mut bytes = Vec::new();
    // Up to here, spaces belong to the value.
    let mut end = 0;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            if c != ' ' {
                end = bytes.len();
            }
            continue;
        }
        let c = rest.next()?;
        match c.to_digit(16) {
            Some(high) => bytes.push(u8::try_from(high * 16 + rest.next()?.to_digit(16)?).ok()?),
            None if matches!(c, ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' | '/') => {
                bytes.push(u8::try_from(c).ok()?);
            }
            None => return None,
        }
        end = bytes.len();
    }
    bytes.truncate(end);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(String::from_utf8(bytes).map_or_else(|error| Value::Bytes(hex(error.as_bytes())), Value::Text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> Option<String> {
        Dn::parse(text).map(Dn::into_key)
    }

    #[test]
    fn equal_names_are_equal() {
        for (one, other) in [
            ("uid=Anna,OU=People,dc=example,dc=org", "UID=anna, ou=people , DC=Example,dc=ORG"),
            (r"cn=Doe\, John,o=x", r"cn=Doe\2C John,o=x"),
            (r"cn=Doe\, John,o=x", r"cn=doe\2c  john;o=x"),
            (r"cn=J\C3\B6rg", "cn=jörg"),
            ("cn=a+uid=b,o=x", "UID=B + CN=A,o=x"),
            ("2.5.4.3=a", "commonName=a"),
            ("OID.2.5.4.3=a", "cn= a "),
            (r"cn=\#a", r"cn=\23a"),
            ("cn=#04AB", "cn=#04ab"),
            (r"cn=a\2Fb", r"cn=a\/b"),
            ("cn=a=b", r"cn=a\=b"),
            ("", "  "),
        ] {
            assert!(key(one).is_some(), "{one}");
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
    }

    #[test]
    fn other_names_are_other() {
        for (one, other) in [
            ("uid=a,o=x", "uid=a"),
            ("uid=a,o=x", r"uid=a\,o\=x"),
            ("uid=a+cn=b", r"uid=a\+cn\=b"),
            ("cn=#04ab", r"cn=\#04ab"),
            (r"cn=\ff", "cn=ff"),
            (r"cn=\ff", r"cn=\fe"),
            ("cn=a", "sn=a"),
            ("cn=ab", "cn=a b"),
        ] {
            assert!(key(one).is_some() && key(other).is_some());
            assert_ne!(key(one), key(other), "{one} and {other}");
        }
    }

    #[test]
    fn spaces_around_a_value_are_no_part_of_it_unless_escaped() {
        let value = |text: &str| Dn::parse(text).and_then(|dn| dn.first_value("cn").map(str::to_owned));
        assert_eq!(value("cn =  a b  ,o=x").as_deref(), Some("a b"));
        assert_eq!(value(r"cn=\20a\ \20 ").as_deref(), Some(" a  "));
    }

    #[test]
    fn what_is_no_name_is_told() {
        for text in
            ["anna", "uid=a,", ",uid=a", "=a", "u d=a", r"uid=a\", r"uid=\4", r"uid=\zz", "uid=#", "uid=#0"]
        {
            assert_eq!(key(text), None, "{text}");
        }
    }

    proptest! {
        /// Whatever a value is, it is found again when it is written with escapes, and stays within its part.
        #[test]
        fn values_come_back(value in "[ -~äß]{1,8}", others in "[ -~\\\\]{0,8}") {
            let escaped: String = value.bytes().map(|byte| format!("\\{byte:02X}")).collect();
            let dn = Dn::parse(&format!("cn={escaped},o=x")).unwrap();
            prop_assert_eq!(dn.first_value("cn"), Some(value.as_str()));
            prop_assert!(dn.into_key().ends_with(",o=x"));
            let _ = Dn::parse(&others);
        }
    }
}
