//! Which application asks: HTTP Basic with its name and password, on every request.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use throng_core::secret::Secret;
use throng_engine::Error;

use crate::answer;

/// What some clients compare byte for byte.
const BODY: &str = "Application failed to authenticate";
/// Some clients send what they have only after this.
const CHALLENGE: &str = "BASIC realm=\"Crowd REST Service\"";

/// A name and a password, as they came.
#[derive(Debug)]
pub(crate) struct Basic {
    pub(crate) name: String,
    pub(crate) password: Secret,
}

impl Basic {
    /// Longest header that is looked at: a name, a password, and a third for base64.
    const MAX_BYTES: usize = 2_048;

    /// The name and the password of a request, if it has exactly one of each (R34).
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let (value, None) = (all.next()?, all.next()) else { return None };
        let text = value.to_str().ok().filter(|text| text.len() <= Self::MAX_BYTES)?;
        let (scheme, encoded) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(encoded.trim_matches(' ')).ok()?;
        let decoded = String::from_utf8(decoded).ok()?;
        let (name, password) = decoded.split_once(':')?;
        Some(Self { name: name.to_owned(), password: Secret::new(password).ok()? })
    }
}

/// The answer to whoever has not shown to be an application.
pub(crate) fn challenge() -> Response {
    let mut response = answer::text(StatusCode::UNAUTHORIZED, "text/plain;charset=UTF-8", BODY.to_owned());
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    response
}

/// The answer to an application that asks from where it may not: a page with the sentence of older containers, and the
/// one of newer ones, since clients look for either.
pub(crate) fn forbidden_address(address: Option<IpAddr>, application: &str) -> Response {
    let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    let message = format!(
        "Client with address \"{}\" is forbidden from making requests to the application, {}.",
        escaped(&address),
        escaped(application)
    );
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><title>HTTP Status 403 - Forbidden</title></head><body>\
         <h1>HTTP Status 403 - {message}</h1>\
         <p>The server understood the request but refuses to authorize it.</p></body></html>"
    );
    answer::text(StatusCode::FORBIDDEN, "text/html;charset=utf-8", page)
}

/// Whether an error says that the application was not let in, and not that nobody could say.
pub(crate) fn is_refused(error: &Error) -> bool {
    match error {
        Error::Denied { .. } | Error::NotFound { .. } => true,
        Error::Unavailable { .. }
        | Error::Conflict(_)
        | Error::Forbidden(_)
        | Error::Invalid(_)
        | Error::Broken(_) => false,
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(values: &[&str]) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        Basic::of(&headers).map(|basic| (basic.name, basic.password.expose().to_owned()))
    }

    #[test]
    fn one_name_and_one_password_are_read_r34() {
        let good = format!("Basic {}", STANDARD.encode("wiki:pass:word ä"));
        assert_eq!(basic(&[&good]), Some(("wiki".into(), "pass:word ä".into())));
        assert_eq!(basic(&[&good.replace("Basic", "bAsIc")]).map(|(name, _)| name), Some("wiki".into()));
        let long = format!("Basic {}", STANDARD.encode(format!("wiki:{}", "x".repeat(4_000))));
        let latin = format!("Basic {}", STANDARD.encode(b"wiki:p\xe4ss"));
        let no_colon = format!("Basic {}", STANDARD.encode("wiki"));
        let empty = format!("Basic {}", STANDARD.encode("wiki:"));
        for wrong in ["", "Basic", "Basic ", "Basic ***", "Bearer abc", &no_colon, &empty, &latin, &long] {
            assert_eq!(basic(&[wrong]), None, "{wrong}");
        }
        assert_eq!(basic(&[&good, &good]), None);
        assert_eq!(basic(&[]), None);
    }

    #[test]
    fn names_are_texts_in_the_page_t86() {
        assert_eq!(escaped("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
