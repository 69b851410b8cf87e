//! Which server answers.

use std::fmt;

use http::HeaderMap;

use crate::fault::RemoteFault;

/// Who a server says it is, in the headers of every answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What it is.
    pub product: Product,
    /// The version of the product; may be empty.
    pub version: String,
    /// The version of the user management interface, such as `1.3`; `None` when the server does not say.
    pub user_management_version: Option<String>,
}

/// What kind of server it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Product {
    /// Atlassian Crowd.
    Crowd,
    /// Atlassian Jira as a user server.
    Jira,
    /// Throng.
    Throng,
    /// Anything else that speaks the same, by the name that it gives itself.
    Other(String),
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crowd => "Crowd",
            Self::Jira => "Jira",
            Self::Throng => "Throng",
            Self::Other(name) => name,
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.product, self.version)
    }
}

impl Identity {
    /// The header without which no answer is believed: pages of proxies and of other services do not have it.
    pub(crate) const HEADER: &str = "x-embedded-crowd-version";
    const API_HEADER: &str = "x-crowd-user-management-version";

    /// Reads the headers of an answer.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, RemoteFault> {
        let stated = word(headers, Self::HEADER).ok_or(RemoteFault::NotAUserServer)?;
        let (name, version) = stated.split_once('/').unwrap_or((stated, ""));
        let known = [("Crowd", Product::Crowd), ("Jira", Product::Jira), ("Throng", Product::Throng)];
        let product = known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        Ok(Self {
            product: product.map_or_else(|| Product::Other(name.to_owned()), |(_, product)| product),
            version: version.to_owned(),
            user_management_version: word(headers, Self::API_HEADER).map(str::to_owned),
        })
    }
}

/// Longest value of a header that is read: names and versions are short, and what is longer is neither.
const MAX_WORD_BYTES: usize = 200;

fn word<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty() && text.len() <= MAX_WORD_BYTES).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Result<Identity, RemoteFault> {
        let mut headers = HeaderMap::new();
        headers.insert(Identity::HEADER, value.parse().unwrap());
        Identity::of(&headers)
    }

    #[test]
    fn products_are_told_apart() {
        for (value, product, version) in [
            ("Crowd/2.6.0", Product::Crowd, "2.6.0"),
            ("JIRA/6.0", Product::Jira, "6.0"),
            ("Throng/0.1.0", Product::Throng, "0.1.0"),
            ("Crowd", Product::Crowd, ""),
            ("Acme ID/7/b", Product::Other("Acme ID".into()), "7/b"),
        ] {
            let identity = of(value).unwrap();
            assert_eq!((identity.product, identity.version.as_str()), (product, version), "{value}");
        }
    }

    #[test]
    fn an_empty_or_endless_value_is_none() {
        assert!(of(" ").is_err());
        assert!(of(&"x".repeat(MAX_WORD_BYTES + 1)).is_err());
        assert!(Identity::of(&HeaderMap::new()).is_err());
    }
}
