//! One call to the server, and its answer: deadlines, limits, retries, and what makes an answer believable.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use throng_core::secret::Secret;
use throng_wire::{Document, ErrorEntity, Format, Reason};
use url::Url;

use crate::builder::Limits;
use crate::fault::RemoteFault;
use crate::identity::Identity;

/// What a call waits for, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The whole of a call.
    pub(crate) call: Duration,
    /// The next piece of a long answer.
    pub(crate) piece: Duration,
    /// The pause before a read is repeated.
    pub(crate) pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            piece: Duration::from_secs(60),
            pause: Duration::from_millis(100),
        }
    }
}

/// The way to one server, as one application.
pub(crate) struct Exchange {
    client: reqwest::Client,
    root: Url,
    application: String,
    password: Secret,
    pace: Pace,
    limits: Limits,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("root", &self.root.as_str())
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}

/// What is asked of a server.
pub(crate) struct Call {
    method: Method,
    path: String,
    query: String,
    body: Option<String>,
    repeat: Repeat,
}

/// Whether a call may be sent again when it is not known what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Safe,
    Never,
}

/// What is done with the body of an answer.
#[derive(Debug, Clone, Copy)]
enum Body {
    Read,
    PassedOver,
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Said<T> {
    /// Who said it.
    pub(crate) identity: Identity,
    /// What it said.
    pub(crate) reply: Reply<T>,
}

/// Whether a server did what it was asked for.
#[derive(Debug)]
pub(crate) enum Reply<T> {
    /// It did, and this is its answer.
    Done(T),
    /// It did not.
    Declined(Declined),
}

/// Why a server did not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Declined {
    pub(crate) status: StatusCode,
    /// `None` when it gave no reason that could be read.
    pub(crate) reason: Option<Reason>,
}

/// A long answer, piece by piece.
pub(crate) struct Stream {
    response: reqwest::Response,
    wait: Duration,
}

impl Call {
    /// Reads something. May be repeated.
    pub(crate) fn read(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into(), Repeat::Safe)
    }

    /// Searches users or groups, which changes nothing and may be repeated.
    pub(crate) fn search(restriction: String) -> Self {
        Self { body: Some(restriction), ..Self::new(Method::POST, "search".to_owned(), Repeat::Safe) }
    }

    /// Makes something, or checks a password. Never repeated.
    pub(crate) fn post(path: impl Into<String>, body: String) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path.into(), Repeat::Never) }
    }

    /// Replaces something. Never repeated.
    pub(crate) fn put(path: impl Into<String>, body: String) -> Self {
        Self { body: Some(body), ..Self::new(Method::PUT, path.into(), Repeat::Never) }
    }

    /// Removes something. Never repeated: the second time it would be missing.
    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path.into(), Repeat::Never)
    }

    /// Adds a parameter.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(name);
        self.query.push('=');
        self.query.push_str(&encoded(value));
        self
    }

    /// Asks for a whole list, or for one part of it.
    pub(crate) fn listing(self, start: u64, most: i64) -> Self {
        self.with("start-index", &start.to_string()).with("max-results", &most.to_string())
    }

    fn new(method: Method, path: String, repeat: Repeat) -> Self {
        Self { method, path, query: String::new(), body: None, repeat }
    }
}

impl<T> Said<T> {
    fn map<U>(self, change: impl FnOnce(T) -> Result<U, RemoteFault>) -> Result<Said<U>, RemoteFault> {
        let reply = match self.reply {
            Reply::Done(answer) => Reply::Done(change(answer)?),
            Reply::Declined(declined) => Reply::Declined(declined),
        };
        Ok(Said { identity: self.identity, reply })
    }
}

impl Declined {
    pub(crate) fn is(&self, reason: &Reason) -> bool {
        self.reason.as_ref() == Some(reason)
    }

    /// Whether the server, or one so old, does not offer what was asked for at all.
    pub(crate) fn is_not_offered(&self) -> bool {
        matches!(self.reason, None | Some(Reason::Unknown(_))) && matches!(self.status.as_u16(), 404 | 405)
    }

    /// As a fault, where no other meaning was foreseen. A lack of permission is silence (R212); anything else is a
    /// contradiction.
    pub(crate) fn fault(self) -> RemoteFault {
        let reason = self.reason.as_ref().map(|reason| reason.as_str().to_owned());
        match self.reason {
            Some(
                Reason::ApplicationPermissionDenied
                | Reason::ApplicationAccessDenied
                | Reason::PermissionDenied,
            ) => RemoteFault::NotPermitted(reason.unwrap_or_default()),
            _ => RemoteFault::Declined { status: self.status.as_u16(), reason },
        }
    }
}

impl Exchange {
    pub(crate) fn new(
        client: reqwest::Client,
        address: &Url,
        application: String,
        password: Secret,
        pace: Pace,
        limits: Limits,
    ) -> Self {
        let mut root = address.clone();
        root.set_path(&format!("{}/rest/usermanagement/1/", address.path().trim_end_matches('/')));
        Self { client, root, application, password, pace, limits }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Holds one call of the directory, with all that it asks of the server, to the deadline.
    pub(crate) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, RemoteFault>>,
    ) -> Result<T, RemoteFault> {
        tokio::time::timeout(self.pace.call, work).await.unwrap_or(Err(RemoteFault::Deadline))
    }

    /// Sends a call and reads the answer as a document, within the deadline.
    pub(crate) async fn fetch<T: Document>(&self, call: &Call) -> Result<Said<T>, RemoteFault> {
        self.send(call, Body::Read)
            .await?
            .map(|bytes| Ok(throng_wire::read_within(Format::Xml, &bytes, &self.wire_limits())?))
    }

    /// Sends a call whose answer says no more than whether it was done: servers differ in what they say beyond.
    pub(crate) async fn tell(&self, call: &Call) -> Result<Reply<()>, RemoteFault> {
        Ok(self.send(call, Body::PassedOver).await?.map(|_| Ok(()))?.reply)
    }

    async fn send(&self, call: &Call, body: Body) -> Result<Said<Bytes>, RemoteFault> {
        let mut tries = Tries::new(call.repeat, self.pace.pause);
        let outcome = async {
            loop {
                match self.send_once(call, body).await {
                    Err(fault) if tries.again(&fault).await => {}
                    outcome => return outcome,
                }
            }
        };
        self.in_time(outcome).await
    }

    /// Sends a call whose answer is read piece by piece. Only the beginning is repeated.
    pub(crate) async fn open(&self, call: &Call) -> Result<Said<Stream>, RemoteFault> {
        let mut tries = Tries::new(call.repeat, self.pace.pause);
        loop {
            let opened = tokio::time::timeout(self.pace.piece, self.open_once(call)).await;
            match opened.unwrap_or(Err(RemoteFault::Deadline)) {
                Err(fault) if tries.again(&fault).await => {}
                outcome => return outcome?.map(Stream::of_xml),
            }
        }
    }

    /// The limits of documents.
    pub(crate) fn wire_limits(&self) -> throng_wire::Limits {
        throng_wire::Limits {
            bytes: self.limits.answer_bytes,
            entry_bytes: self.limits.entry_bytes,
            ..throng_wire::Limits::ANSWER
        }
    }

    async fn send_once(&self, call: &Call, body: Body) -> Result<Said<Bytes>, RemoteFault> {
        let Said { identity, reply } = self.open_once(call).await?;
        let limit = self.limits.answer_bytes;
        let reply = match (reply, body) {
            (Reply::Done(stream), Body::Read) => Reply::Done(whole(stream.of_xml()?.response, limit).await?),
            // It is read for the sake of the connection alone. The head said already that it was done.
            (Reply::Done(stream), Body::PassedOver) => {
                Reply::Done(whole(stream.response, limit).await.unwrap_or_default())
            }
            (Reply::Declined(declined), Body::Read | Body::PassedOver) => Reply::Declined(declined),
        };
        Ok(Said { identity, reply })
    }

    async fn open_once(&self, call: &Call) -> Result<Said<Stream>, RemoteFault> {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{}", url.path(), call.path));
        url.set_query(call.query.strip_prefix('?'));
        let mut request = self
            .client
            .request(call.method.clone(), url)
            .basic_auth(&self.application, Some(self.password.expose()))
            .header(ACCEPT, Format::Xml.media_type());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, Format::Xml.media_type()).body(body.clone());
        }
        let response = request.send().await?;
        self.judge(response).await
    }

    /// Decides what an answer is worth, by its head.
    async fn judge(&self, response: reqwest::Response) -> Result<Said<Stream>, RemoteFault> {
        let status = response.status();
        // What stands in front of a server that is down does not have the header, and still says that it is down.
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(RemoteFault::Failing(status.as_u16()));
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(RemoteFault::CredentialsRefused);
        }
        if status.is_redirection() {
            return Err(RemoteFault::Redirected { status: status.as_u16() });
        }
        if status == StatusCode::FORBIDDEN && !is_xml(response.headers()) {
            return Err(RemoteFault::CallerRefused);
        }
        let identity = Identity::of(response.headers())?;
        let reply = if status.is_success() {
            Reply::Done(Stream { response, wait: self.pace.piece })
        } else {
            let readable = is_xml(response.headers());
            let body = whole(response, MAX_ERROR_BYTES).await?;
            let entity =
                readable.then(|| throng_wire::read::<ErrorEntity>(Format::Xml, &body).ok()).flatten();
            if status == StatusCode::FORBIDDEN && entity.is_none() {
                return Err(RemoteFault::CallerRefused);
            }
            Reply::Declined(Declined { status, reason: entity.map(|entity| entity.reason) })
        };
        Ok(Said { identity, reply })
    }
}

impl Stream {
    /// An answer that says that it is XML.
    fn of_xml(self) -> Result<Self, RemoteFault> {
        if is_xml(self.response.headers()) { Ok(self) } else { Err(RemoteFault::ContentType) }
    }

    /// The next piece, or none when the answer is over.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, RemoteFault> {
        match tokio::time::timeout(self.wait, self.response.chunk()).await {
            Ok(piece) => Ok(piece?),
            Err(_) => Err(RemoteFault::Deadline),
        }
    }
}

/// Largest answer that only says why something was declined.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// How often a read is repeated.
const RETRIES: u32 = 2;

/// The tries that are left of a call.
struct Tries {
    left: u32,
    pause: Duration,
}

impl Tries {
    fn new(repeat: Repeat, pause: Duration) -> Self {
        let left = match repeat {
            Repeat::Safe => RETRIES,
            Repeat::Never => 0,
        };
        Self { left, pause }
    }

    /// Whether to try once more after this fault; waits before it says so.
    async fn again(&mut self, fault: &RemoteFault) -> bool {
        if self.left == 0 || !fault.may_pass() {
            return false;
        }
        tracing::debug!(cause = %fault, "a read is repeated");
        tokio::time::sleep(self.pause).await;
        self.left -= 1;
        self.pause = self.pause.saturating_mul(2);
        true
    }
}

async fn whole(mut response: reqwest::Response, limit: usize) -> Result<Bytes, RemoteFault> {
    let mut read = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        if piece.len() > limit - read.len() {
            return Err(RemoteFault::TooLarge);
        }
        read.extend_from_slice(&piece);
    }
    Ok(read.freeze())
}

/// Whether an answer says that it is XML and nothing else around it.
fn is_xml(headers: &HeaderMap) -> bool {
    let packed = headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    !packed && kind.and_then(|kind| Format::of_content_type(kind).ok()) == Some(Format::Xml)
}

/// Percent-encodes everything but what RFC 3986 calls unreserved, so that a space is `%20` in a query too.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_with_20_for_a_space() {
        assert_eq!(encoded("Anna Berg+1"), "Anna%20Berg%2B1");
        assert_eq!(encoded("a&b=c/d?e#f%"), "a%26b%3Dc%2Fd%3Fe%23f%25");
        assert_eq!(encoded("\u{c7}a\u{11f}la"), "%C3%87a%C4%9Fla");
        assert_eq!(encoded("8047511070899496297:12"), "8047511070899496297%3A12");
    }

    #[test]
    fn parameters_stand_in_their_order() {
        let call = Call::read("user").with("username", "a b").listing(0, -1);
        assert_eq!(call.query, "?username=a%20b&start-index=0&max-results=-1");
    }
}
