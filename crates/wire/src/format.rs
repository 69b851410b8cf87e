//! The two formats, and how requests and answers choose one.

/// A format of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON, RFC 8259.
    Json,
    /// XML 1.0 without document types.
    Xml,
}

/// The media type of a body is not one that is read, or it has a charset other than UTF-8 (R17-R19, T80).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media type is neither JSON nor XML in UTF-8")]
pub struct UnsupportedMediaType;

impl Format {
    /// The media type of answers, without a charset: some clients compare it for equality.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }

    /// The format of a body, by its `Content-Type`.
    ///
    /// 1. `application/json`, `application/xml` and `text/xml`, in any case.
    /// 2. Parameters are tolerated; a charset, quoted or not, must be UTF-8.
    pub fn of_content_type(content_type: &str) -> Result<Self, UnsupportedMediaType> {
        let mut parts = split_unquoted(content_type, ';');
        let media_type = parts.next().unwrap_or_default().trim_ascii();
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let value = value.trim_ascii();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            if name.trim_ascii().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
                return Err(UnsupportedMediaType);
            }
        }
        let is = |name: &&str| media_type.eq_ignore_ascii_case(name);
        if is(&"application/json") {
            Ok(Self::Json)
        } else if ["application/xml", "text/xml"].iter().any(is) {
            Ok(Self::Xml)
        } else {
            Err(UnsupportedMediaType)
        }
    }

    /// The format of the answer, by the request's `Accept`; `None` when neither is acceptable (406).
    ///
    /// 1. The higher quality wins; XML wins a draw, and is the answer to no `Accept`, to an empty one and to `*/*`.
    /// 2. The most specific range gives the quality of a format (RFC 9110 §12.5.1); a quality that is not one counts as
    ///    0.
    pub fn accepted(accept: Option<&str>) -> Option<Self> {
        let Some(accept) = accept.filter(|accept| !accept.trim_ascii().is_empty()) else {
            return Some(Self::Xml);
        };
        let xml = quality(accept, &["application/xml", "text/xml"]);
        let json = quality(accept, &["application/json"]);
        match (xml, json) {
            (0, 0) => None,
            (xml, json) if json > xml => Some(Self::Json),
            _ => Some(Self::Xml),
        }
    }
}

/// The quality of a media type in thousandths, by its names.
fn quality(accept: &str, names: &[&str]) -> u16 {
    let mut best = (0, 0);
    for range in split_unquoted(accept, ',') {
        let mut parts = split_unquoted(range, ';');
        let media_range = parts.next().unwrap_or_default().trim_ascii();
        let specificity = if names.iter().any(|name| media_range.eq_ignore_ascii_case(name)) {
            3
        } else if names.iter().any(|name| is_type_range(media_range, name)) {
            2
        } else if media_range == "*/*" {
            1
        } else {
            continue;
        };
        let weight = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim_ascii().eq_ignore_ascii_case("q").then(|| thousandths(value.trim_ascii()))
        });
        best = best.max((specificity, weight.unwrap_or(1_000)));
    }
    best.1
}

/// Whether a range such as `application/*` holds a media type.
fn is_type_range(range: &str, name: &str) -> bool {
    range
        .strip_suffix("/*")
        .zip(name.split_once('/'))
        .is_some_and(|(kind, (own, _))| kind.eq_ignore_ascii_case(own))
}

/// A quality of RFC 9110 §12.4.2 in thousandths; 0 when it is not one.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    let fraction = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    let fraction = fraction.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match (whole, fraction) {
        ("0", fraction) => fraction,
        ("1", 0) => 1_000,
        _ => 0,
    }
}

/// The parts between delimiters that do not stand in quotes.
fn split_unquoted(text: &str, delimiter: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        let splits = c == delimiter && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        splits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_told_apart_r17_r18_r19() {
        for (text, format) in [
            ("application/json", Ok(Format::Json)),
            ("Application/JSON ; charset=UTF-8", Ok(Format::Json)),
            ("application/xml; charset=\"utf-8\"", Ok(Format::Xml)),
            ("text/xml", Ok(Format::Xml)),
            ("application/xml;boundary=\"a;charset=x\"", Ok(Format::Xml)),
            ("application/xml;", Ok(Format::Xml)),
            ("application/xml; charset=utf-7", Err(UnsupportedMediaType)),
            ("application/json; charset=\"utf-16\"", Err(UnsupportedMediaType)),
            ("application/xml; charset=utf-8; charset=utf-7", Err(UnsupportedMediaType)),
            ("application/xml; charset=", Err(UnsupportedMediaType)),
            ("", Err(UnsupportedMediaType)),
            ("text/plain", Err(UnsupportedMediaType)),
            ("application/x-www-form-urlencoded", Err(UnsupportedMediaType)),
            ("application/jsonx", Err(UnsupportedMediaType)),
        ] {
            assert_eq!(Format::of_content_type(text), format, "{text}");
        }
    }

    #[test]
    fn accept_chooses_and_xml_is_the_default() {
        use Format::{Json, Xml};
        for (accept, format) in [
            (None, Some(Xml)),
            (Some(""), Some(Xml)),
            (Some("*/*"), Some(Xml)),
            (Some("application/json"), Some(Json)),
            (Some("APPLICATION/JSON;charset=utf-8"), Some(Json)),
            (Some("application/xml"), Some(Xml)),
            (Some("text/xml"), Some(Xml)),
            (Some("application/*"), Some(Xml)),
            (Some("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"), None),
            (Some("text/html, */*;q=0.2"), Some(Xml)),
            (Some("application/json, */*;q=0.5"), Some(Json)),
            (Some("application/xml;q=0.5, application/json;q=0.501"), Some(Json)),
            (Some("application/json;q=0.5, application/xml;q=0.9"), Some(Xml)),
            (Some("application/xml;q=0, */*"), Some(Json)),
            (Some("application/json;q=0"), None),
            (Some("application/json;q=2"), None),
            (Some("text/html"), None),
            (Some("text/plain;a=\"application/json, \""), None),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept:?}");
        }
    }
}
