//! What a request asks for beside its body: the parameters, in one reading of them.

use percent_encoding::percent_decode;
use throng_core::page::PageRequest;

use crate::refusal::Refusal;

/// The parameters of a request.
///
/// 1. Percent-encoded UTF-8, in which `+` and `%20` are a space.
/// 2. A parameter that stands there twice is refused: whoever looked at the first, and whoever at the second, would
///    have seen different requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Most parameters; no resource has ten.
    const MAX_PAIRS: usize = 64;

    pub(crate) fn read(text: &str) -> Result<Self, Refusal> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(Refusal::argument("a parameter stands there twice"));
            }
            if pairs.len() >= Self::MAX_PAIRS {
                return Err(Refusal::argument("there are too many parameters"));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// A parameter as it stands there.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that must not be empty when it is there: an empty name must not ask for the whole list.
    pub(crate) fn named(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        match self.value(name) {
            Some("") => Err(Refusal::argument(format!("the parameter {name} is empty"))),
            found => Ok(found),
        }
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.named(name)?.ok_or_else(|| Refusal::argument(format!("the parameter {name} is missing")))
    }

    /// Whether something is to be expanded. Words that mean nothing are passed over.
    pub(crate) fn expands(&self, what: &str) -> bool {
        self.value("expand").is_some_and(|words| words.split(',').any(|word| word.trim() == what))
    }

    /// A parameter that is true or false.
    pub(crate) fn flag(&self, name: &'static str) -> Result<Option<bool>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::argument(format!("the parameter {name} is neither true nor false"))),
        }
    }

    /// A whole number from 0 up.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<u32>, Refusal> {
        let wrong = || Refusal::argument(format!("the parameter {name} is no number that can be used"));
        let within = |text: &str| {
            let number = text.parse::<i32>().ok().filter(|_| !text.starts_with('+'));
            number.and_then(|number| u32::try_from(number).ok()).ok_or_else(wrong)
        };
        self.value(name).map(within).transpose()
    }

    /// Which part of a list is asked for (R28).
    pub(crate) fn range(&self) -> Result<Range, Refusal> {
        let skip = self.number("start-index")?.unwrap_or(0);
        let most = match self.value("max-results") {
            Some("-1") => None,
            _ => Some(self.number("max-results")?.map_or(PageRequest::MAX_LIMIT, as_size)),
        };
        Ok(Range { skip: as_size(skip), most })
    }
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    /// How many entries are passed over.
    pub(crate) skip: usize,
    /// How many are wanted; all of them when nothing is said.
    pub(crate) most: Option<usize>,
}

impl Range {
    /// The part of entries that are all at hand.
    pub(crate) fn of<T>(self, entries: Vec<T>) -> Vec<T> {
        entries.into_iter().skip(self.skip).take(self.most.unwrap_or(usize::MAX)).collect()
    }
}

/// Decodes a part of a path or a query.
pub(crate) fn decoded(text: &str) -> Result<String, Refusal> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| Refusal::argument("a parameter is not UTF-8"))
}

fn as_size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_in_one_way() {
        let query = Query::read("username=a+b%20c%2Bd&expand=user,%20attributes&&x&active=TRUE").unwrap();
        assert_eq!(query.value("username"), Some("a b c+d"));
        assert_eq!(query.value("x"), Some(""));
        assert!(query.named("x").is_err() && query.required("y").is_err());
        assert!(query.expands("user") && query.expands("attributes") && !query.expands("group"));
        assert_eq!(query.flag("active").unwrap(), Some(true));
        for wrong in ["a=1&a=2", "a=%ff", "a=%ED%A0%80"] {
            assert!(Query::read(wrong).is_err(), "{wrong}");
        }
        let many: String = (0..=Query::MAX_PAIRS).map(|n| format!("&p{n}=1")).collect();
        assert!(Query::read(&many).is_err());
    }

    #[test]
    fn ranges_are_held_r28() {
        let range = |text| Query::read(text).and_then(|query| query.range());
        assert_eq!(range("").unwrap(), Range { skip: 0, most: Some(1_000) });
        assert_eq!(range("start-index=3&max-results=99999").unwrap(), Range { skip: 3, most: Some(99_999) });
        assert_eq!(range("max-results=-1").unwrap(), Range { skip: 0, most: None });
        assert_eq!(range("max-results=0").unwrap().of(vec![1, 2]), [] as [i32; 0]);
        assert_eq!(range("start-index=1&max-results=1").unwrap().of(vec![1, 2, 3]), [2]);
        for wrong in [
            "start-index=-1",
            "max-results=-2",
            "max-results=2147483648",
            "start-index=1e9",
            "max-results=",
            "start-index=+1",
            "start-index=%201",
        ] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
