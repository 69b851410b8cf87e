//! Multi-valued attributes of users and groups, with limits.

use std::collections::BTreeMap;

/// Named lists of values that an application or a directory attaches to a user or a group.
///
/// 1. Names are compared byte for byte, 1 to [`Attributes::MAX_NAME_CHARS`] code points.
/// 2. Values keep their order; a value occurs once for a name; each has at most [`Attributes::MAX_VALUE_CHARS`] code
///    points; a name has 1 to [`Attributes::MAX_VALUES`] values.
/// 3. At most [`Attributes::MAX_NAMES`] names.
/// 4. What does not fit is refused and changes nothing: nothing is cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "BTreeMap<String, Vec<String>>", into = "BTreeMap<String, Vec<String>>")
)]
pub struct Attributes(BTreeMap<String, Vec<String>>);

impl Attributes {
    /// Longest name (R308).
    pub const MAX_NAME_CHARS: usize = 255;
    /// Longest value. Crowd keeps 255; a mirrored directory may hold longer ones, and 4,000 fits every engine's text.
    pub const MAX_VALUE_CHARS: usize = 4_000;
    /// Most values of one name.
    pub const MAX_VALUES: usize = 1_000;
    /// Most names on one user or group.
    pub const MAX_NAMES: usize = 200;

    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The values of `name`; empty when there is no such attribute.
    pub fn values(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Replaces the values of `name`; an empty list removes it.
    pub fn set(&mut self, name: impl Into<String>, values: Vec<String>) -> Result<(), InvalidAttribute> {
        let name = name.into();
        if name.is_empty()
            || name.chars().count() > Self::MAX_NAME_CHARS
            || name.chars().any(char::is_control)
        {
            return Err(InvalidAttribute::Name);
        }
        if values.len() > Self::MAX_VALUES {
            return Err(InvalidAttribute::TooManyValues);
        }
        if values.iter().any(|value| value.chars().count() > Self::MAX_VALUE_CHARS || value.contains('\0')) {
            return Err(InvalidAttribute::Value);
        }
        if values.is_empty() {
            self.0.remove(&name);
            return Ok(());
        }
        if !self.0.contains_key(&name) && self.0.len() >= Self::MAX_NAMES {
            return Err(InvalidAttribute::TooManyNames);
        }
        let mut distinct: Vec<String> = Vec::with_capacity(values.len());
        for value in values {
            if !distinct.contains(&value) {
                distinct.push(value);
            }
        }
        self.0.insert(name, distinct);
        Ok(())
    }

    /// Names with their values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<BTreeMap<String, Vec<String>>> for Attributes {
    type Error = InvalidAttribute;

    fn try_from(map: BTreeMap<String, Vec<String>>) -> Result<Self, InvalidAttribute> {
        let mut attributes = Self::new();
        for (name, values) in map {
            attributes.set(name, values)?;
        }
        Ok(attributes)
    }
}

impl From<Attributes> for BTreeMap<String, Vec<String>> {
    fn from(attributes: Attributes) -> Self {
        attributes.0
    }
}

/// Which limit of [`Attributes`] was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttribute {
    /// The name is empty, too long, or holds control characters.
    #[error("an attribute name has 1 to {max} characters and no control characters", max = Attributes::MAX_NAME_CHARS)]
    Name,
    /// A value is too long or holds NUL.
    #[error("an attribute value has at most {max} characters and no NUL", max = Attributes::MAX_VALUE_CHARS)]
    Value,
    /// Too many values.
    #[error("an attribute has at most {max} values", max = Attributes::MAX_VALUES)]
    TooManyValues,
    /// Too many names.
    #[error("there are at most {max} attributes", max = Attributes::MAX_NAMES)]
    TooManyNames,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_order_and_occur_once() {
        let mut attributes = Attributes::new();
        attributes.set("phone", vec!["2".into(), "1".into(), "2".into()]).unwrap();
        assert_eq!(attributes.values("phone"), ["2", "1"]);
        assert!(attributes.values("Phone").is_empty());
        attributes.set("phone", vec![]).unwrap();
        assert!(attributes.is_empty());
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut attributes = Attributes::new();
        attributes.set("a", vec!["1".into()]).unwrap();
        let before = attributes.clone();
        assert_eq!(attributes.set("", vec!["1".into()]), Err(InvalidAttribute::Name));
        assert_eq!(attributes.set("n".repeat(256), vec!["1".into()]), Err(InvalidAttribute::Name));
        assert_eq!(attributes.set("a", vec!["x".repeat(4_001)]), Err(InvalidAttribute::Value));
        assert_eq!(attributes.set("a", vec!["x".into(); 1_001]), Err(InvalidAttribute::TooManyValues));
        assert_eq!(attributes, before);
        for n in 0..199 {
            attributes.set(format!("n{n}"), vec![String::new()]).unwrap();
        }
        assert_eq!(attributes.set("one more", vec![String::new()]), Err(InvalidAttribute::TooManyNames));
    }
}
