//! Which texts are password hashes. What is none may be the password itself, and is not kept.

/// What stands between the braces before a hash. Others, such as `{CLEARTEXT}` and `{SASL}`, stand before none.
const TAGS: [&str; 23] = [
    "ARGON2",
    "ATLASSIAN-SHA1",
    "BCRYPT",
    "CRYPT",
    "MD5",
    "PBKDF2",
    "PBKDF2-SHA1",
    "PBKDF2-SHA256",
    "PBKDF2-SHA512",
    "PBKDF2_SHA1",
    "PBKDF2_SHA256",
    "PBKDF2_SHA512",
    "PKCS5S2",
    "SCRYPT",
    "SHA",
    "SHA256",
    "SHA384",
    "SHA512",
    "SMD5",
    "SSHA",
    "SSHA256",
    "SSHA384",
    "SSHA512",
];

/// The tags of LDAP before a text that says itself what it is.
#[cfg(feature = "ldif")]
const CRYPT_TAGS: [&str; 3] = ["ARGON2", "BCRYPT", "CRYPT"];

/// The hash in a value of `userPassword`; `None` when it is the password itself, as any value without a known tag is
/// (RFC 2307 §5.3).
///
/// Tags are the same in any case there, and here in capitals only (T54); `{CRYPT}$6$…` is written `$6$…` here.
#[cfg(feature = "ldif")]
pub(crate) fn from_ldap(text: &str) -> Option<String> {
    let (tag, rest) = tagged(text)?;
    let tag = TAGS.into_iter().find(|known| known.eq_ignore_ascii_case(tag))?;
    if rest.is_empty() {
        None
    } else if CRYPT_TAGS.contains(&tag) && rest.starts_with('$') {
        Some(rest.to_owned())
    } else {
        Some(format!("{{{tag}}}{rest}"))
    }
}

/// The hash in a credential of Crowd or Jira; `None` when it is none that is known.
///
/// Text without a tag is taken for the hash that the legacy encoder wrote if it looks like one, and gets the tag by
/// which it is known here (R722, R724).
#[cfg(feature = "backup")]
pub(crate) fn from_atlassian(text: &str) -> Option<String> {
    match tagged(text) {
        Some((tag, rest)) => (TAGS.contains(&tag) && !rest.is_empty()).then(|| text.to_owned()),
        None => is_sha_512(text).then(|| format!("{{ATLASSIAN-SHA1}}{text}")),
    }
}

/// What stands in braces at the beginning, and what follows.
fn tagged(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('{')?.split_once('}')
}

/// Whether the text is 64 bytes in base64.
#[cfg(feature = "backup")]
fn is_sha_512(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.strip_suffix("==").is_some_and(|rest| rest.len() == 86 && rest.bytes().all(is_letter))
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "ldif")]
    #[test]
    fn values_of_ldap_are_hashes_by_their_tag() {
        let hash = super::from_ldap;
        for text in ["{SSHA}abc=", "{SHA512}x", "{MD5}x", "{CRYPT}ab01", "{PBKDF2-SHA256}1$a$b"] {
            assert_eq!(hash(text).as_deref(), Some(text));
        }
        assert_eq!(hash("{ssha}aBc=").as_deref(), Some("{SSHA}aBc="));
        assert_eq!(hash("{crypt}$6$salt$x").as_deref(), Some("$6$salt$x"));
        assert_eq!(hash("{ARGON2}$argon2id$v=19$x").as_deref(), Some("$argon2id$v=19$x"));
        for text in [
            "",
            "secret",
            "{secret}",
            "{CLEARTEXT}secret",
            "{SASL}a@b",
            "{SSHA}",
            "{SSHA",
            "$6$salt$x",
            "{}x",
        ] {
            assert_eq!(hash(text), None, "{text}");
        }
    }

    /// R721, R722, R724.
    #[cfg(feature = "backup")]
    #[test]
    fn credentials_of_atlassian_are_hashes_by_their_tag_or_their_looks() {
        let hash = super::from_atlassian;
        let legacy =
            "uQieO/1CGMUIXXftw3ynrsaYLShI+GTcPS4LdUGWbIusFvHPfUzD7CZvms6yMMvA8I7FViHVEqr6Mj4pCLKAFQ==";
        assert_eq!(hash(legacy), Some(format!("{{ATLASSIAN-SHA1}}{legacy}")));
        assert_eq!(hash("{PKCS5S2}abc").as_deref(), Some("{PKCS5S2}abc"));
        for text in ["", "secret", "nopass", "{ssha}x", "{plain}x", "{PKCS5S2}", &legacy[1..], &legacy[..87]]
        {
            assert_eq!(hash(text), None, "{text}");
        }
    }
}
