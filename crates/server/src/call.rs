//! One request that was let in, as the handlers see it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use throng_core::group::Group;
use throng_core::id::Subject;
use throng_core::resolve::Resolved;
use throng_core::user::User;
use throng_engine::Application;
use throng_wire::{Document, Format, read};
use tokio::sync::OwnedSemaphorePermit;

use crate::query::Query;
use crate::refusal::{About, Refusal};
use crate::server::Served;

/// A request of an application that has shown who it is. It is all that a handler has to ask with, so that it reaches
/// nothing that is not this application's (T83).
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) served: Arc<Served>,
    pub(crate) app: Application,
    pub(crate) query: Query,
    /// What stands in the path where a route has a gap; decoded once (T84).
    pub(crate) target: String,
    /// The format of the answer.
    pub(crate) format: Format,
    /// Where the API is, for links; without a slash at the end.
    pub(crate) base: String,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
    /// Held until the answer is over.
    pub(crate) permits: Mutex<Vec<OwnedSemaphorePermit>>,
}

impl Call {
    /// The document in the body.
    pub(crate) fn document<T: Document>(&self) -> Result<T, Refusal> {
        Ok(read(self.body_format()?, &self.body)?)
    }

    /// The document in the body, if there is one. Clients send `""` and `{}` for none.
    pub(crate) fn optional_document<T: Document>(&self) -> Result<Option<T>, Refusal> {
        match self.body.trim_ascii() {
            b"" | b"\"\"" | b"{}" => Ok(None),
            _ => self.document().map(Some),
        }
    }

    fn body_format(&self) -> Result<Format, Refusal> {
        if self.body.is_empty() {
            return Err(Refusal::argument("the body is missing"));
        }
        let unsupported = || {
            Refusal::status(
                axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the media type is neither JSON nor XML in UTF-8",
            )
        };
        let content_type = self.content_type.as_deref().ok_or_else(unsupported)?;
        Format::of_content_type(content_type).map_err(|_| unsupported())
    }

    /// A place in the API, with parameters.
    pub(crate) fn url(&self, path: &str, parameters: &[(&str, &str)]) -> String {
        url(&self.base, path, parameters)
    }

    /// The user that the address names, by name or by key (R233).
    pub(crate) async fn user(&self) -> Result<Resolved<User>, Refusal> {
        match self.query.named("key")? {
            Some(_) if self.query.value("username").is_some() => {
                Err(Refusal::argument("a user is named by username or by key"))
            }
            Some(key) => {
                let missing = || Refusal::no_user(key);
                let subject = subject_of(key).ok_or_else(missing)?;
                self.app.find_account(&subject).await.map_err(|error| missing_as(error, missing))
            }
            None => self.user_named(self.query.required("username")?).await,
        }
    }

    /// The user of a name.
    pub(crate) async fn user_named(&self, name: &str) -> Result<Resolved<User>, Refusal> {
        let found = self.app.find_user(name).await;
        found.map_err(|error| missing_as(error, || Refusal::no_user(name)))
    }

    /// The group of a name.
    pub(crate) async fn group_named(&self, name: &str) -> Result<Resolved<Group>, Refusal> {
        let found = self.app.find_group(name).await;
        found.map_err(|error| match error {
            throng_engine::Error::NotFound { .. } => Refusal::no_group(name),
            error => About::Group.refuse()(error),
        })
    }

    /// What keeps the request counted, for an answer that outlives the handler.
    pub(crate) fn take_permits(&self) -> Vec<OwnedSemaphorePermit> {
        std::mem::take(&mut *self.permits.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The account that a key means: a directory's id and what it knows the account by.
pub(crate) fn subject_of(key: &str) -> Option<Subject> {
    let (directory, external_id) = key.split_once(':')?;
    let external_id = throng_core::id::ExternalId::new(external_id).ok()?;
    Some(Subject { directory: directory.parse().ok()?, external_id })
}

/// A place below a base, with parameters.
pub(crate) fn url(base: &str, path: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = [base, path].concat();
    for (at, (name, value)) in parameters.iter().enumerate() {
        url.push(if at == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.extend(encoded(value));
    }
    url
}

/// A text as a part of a path or a query.
pub(crate) fn encoded(text: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(text, RESERVED)
}

/// All that RFC 3986 does not call unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn missing_as(error: throng_engine::Error, missing: impl FnOnce() -> Refusal) -> Refusal {
    match error {
        throng_engine::Error::NotFound { .. } => missing(),
        error => About::User.refuse()(error),
    }
}
