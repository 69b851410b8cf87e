//! What a request passes through, and the server itself.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, OriginalUri, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::rt::{TokioIo, TokioTimer};
use throng_core::id::{ApplicationId, InstanceId};
use throng_core::secret::Secret;
use throng_engine::{Application, Error, Throng};
use throng_wire::Format;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::address::{is_over_tls, remote_address};
use crate::answer::Outcome;
use crate::call::Call;
use crate::config::{ConfigError, ServerConfig};
use crate::consumer::{Basic, challenge, forbidden_address, is_refused};
use crate::patience::Patient;
use crate::query::{Query, decoded};
use crate::refusal::Refusal;
use crate::routes::{self, Answers, Found, Route};
use crate::sessions::Tokens;

/// A throng as a user server.
///
/// 1. Cheap to clone; clones share everything.
/// 2. Starts no task of its own but those of [`UserServer::serve`], one for each connection.
/// 3. A request shows its application before anything else is looked at, its path included (T46). Every answer, errors
///    included, states product and version of the API.
/// 4. A request that is too long, too deep, too slow or one too many gets an error; a panic is one, too, and ends
///    nothing but its request.
#[derive(Debug, Clone)]
pub struct UserServer(Arc<Served>);

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) throng: Throng,
    pub(crate) config: ServerConfig,
    pub(crate) tokens: Tokens,
    product: HeaderValue,
    instance: OnceCell<InstanceId>,
    requests: Arc<Semaphore>,
    requests_of: Mutex<HashMap<ApplicationId, Arc<Semaphore>>>,
    /// The latest change that webhooks were told of.
    announced: AtomicU64,
}

impl UserServer {
    /// Puts a server together. [`ConfigError`] names what of the configuration cannot be used.
    pub fn new(throng: Throng, config: ServerConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let product = HeaderValue::try_from(config.product.as_str()).map_err(|_| ConfigError("product"))?;
        Ok(Self(Arc::new(Served {
            throng,
            tokens: Tokens::new(),
            product,
            instance: OnceCell::new(),
            requests: Arc::new(Semaphore::new(config.concurrency)),
            requests_of: Mutex::default(),
            announced: AtomicU64::new(0),
            config,
        })))
    }

    /// The resources below `/rest/usermanagement`, for a host's own server, under any prefix.
    ///
    /// 1. `1`, `1.0` and `latest` are the same.
    /// 2. The host's server must say where connections come from, with `into_make_service_with_connect_info` over
    ///    [`SocketAddr`]: a request of nobody knows whom is refused.
    pub fn router(&self) -> Router {
        let handle = |served: Arc<Served>| {
            move |request: Request| {
                let served = Arc::clone(&served);
                async move { handle(served, request).await }
            }
        };
        Router::new()
            .route("/rest/usermanagement", any(handle(Arc::clone(&self.0))))
            .route("/rest/usermanagement/{*rest}", any(handle(Arc::clone(&self.0))))
    }

    /// Serves until `shutdown` is over, and then until the requests that are under way have been answered, for
    /// [`ServerConfig::ENDING_TIMEOUT`] at most.
    ///
    /// 1. HTTP/1.1, without TLS: put a proxy in front, or use [`UserServer::router`].
    /// 2. At most [`ServerConfig::connections`]; further ones wait. The head of a request may take
    ///    [`ServerConfig::HEAD_TIMEOUT`] and [`ServerConfig::MAX_HEAD_BYTES`], and an answer that nobody takes waits
    ///    for [`ServerConfig::WRITE_TIMEOUT`] (T90).
    /// 3. That a connection cannot be taken is passed over; only a listener that is broken for good ends it.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let router = self.router().fallback(|| async { StatusCode::NOT_FOUND });
        let room = Arc::new(Semaphore::new(self.0.config.connections));
        let (stop, stopped) = watch::channel(Stage::Serving);
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = async {
                // The semaphore is never closed.
                let seat = Arc::clone(&room).acquire_owned().await.map_err(io::Error::other)?;
                Ok::<_, io::Error>((seat, listener.accept().await))
            };
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = accepted => match accepted? {
                    (seat, Ok((stream, peer))) => {
                        connections.spawn(converse(stream, peer, router.clone(), stopped.clone(), seat));
                    }
                    (_, Err(cause)) => {
                        let Some(pause) = pause_after(&cause) else { return Err(cause) };
                        tracing::warn!(%cause, "a connection could not be taken");
                        tokio::time::sleep(pause).await;
                    }
                },
            }
        }
        drop(listener);
        // Nobody listens when there are no connections.
        let _ = stop.send(Stage::Ending);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(ServerConfig::ENDING_TIMEOUT, all).await.is_err() {
            tracing::warn!(left = connections.len(), "connections are broken off");
            connections.shutdown().await;
        }
        Ok(())
    }

    /// Tells the webhooks of all applications, through [`ServerConfig::ping`], if something has changed since they were
    /// told. For the host to call now and then; the first call takes note of how things stand.
    pub async fn announce(&self) -> Result<(), Error> {
        let Some(ping) = &self.0.config.ping else { return Ok(()) };
        let latest = self.0.throng.latest_change().await?;
        let mut hooks = Vec::new();
        for application in self.0.throng.applications() {
            hooks.extend(application.webhooks()?);
        }
        // Not before it is known whom to tell: otherwise nobody would ever be told of this change.
        let before = self.0.announced.swap(latest, Ordering::Relaxed);
        if before == 0 || before == latest {
            return Ok(());
        }
        let told = hooks.iter().map(|hook| async {
            let token = hook.token.as_deref().and_then(|token| Secret::new(token).ok());
            ping.ping(&hook.endpoint, token.as_ref()).await;
        });
        join_all(told).await;
        Ok(())
    }
}

impl Served {
    /// The id of the store, which never changes.
    pub(crate) async fn instance(&self) -> Result<InstanceId, Error> {
        self.instance.get_or_try_init(|| self.throng.instance()).await.copied()
    }

    fn requests_of(&self, application: ApplicationId) -> Arc<Semaphore> {
        let mut all = self.requests_of.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(self.config.concurrency_per_application));
        Arc::clone(all.entry(application).or_insert_with(new))
    }
}

/// Whether connections are taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    Ending,
}

/// Serves one connection.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stage: watch::Receiver<Stage>,
    seat: OwnedSemaphorePermit,
) {
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let stream = Patient::new(stream, ServerConfig::WRITE_TIMEOUT);
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new());
    http.header_read_timeout(ServerConfig::HEAD_TIMEOUT);
    http.max_buf_size(ServerConfig::MAX_HEAD_BYTES);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let ending = async { stage.wait_for(|stage| *stage == Stage::Ending).await.map(|_| ()) };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = ending => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%cause, "a connection ended in the middle");
    }
    drop(seat);
}

/// How long nothing is taken after this fault, if another connection may be taken at all: at once where the one that
/// came is gone, and a little later where there is no room for it.
fn pause_after(cause: &io::Error) -> Option<Duration> {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, WouldBlock};
    let kinds = [ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, WouldBlock];
    if NO_ROOM.iter().any(|code| cause.raw_os_error() == Some(*code)) {
        return Some(PAUSE);
    }
    kinds.contains(&cause.kind()).then_some(Duration::ZERO)
}

/// EMFILE and ENFILE: too many files are open.
const NO_ROOM: [i32; 2] = [24, 23];
/// The connection that there is no room for stays at the door: without a pause it would be tried as fast as the machine
/// can, with a warning each time (T90).
const PAUSE: Duration = Duration::from_millis(100);

const EMBEDDED_VERSION: HeaderName = HeaderName::from_static("x-embedded-crowd-version");
const API_VERSION: HeaderName = HeaderName::from_static("x-crowd-user-management-version");

/// Answers a request, whatever becomes of it.
async fn handle(served: Arc<Served>, request: Request) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept).unwrap_or(Format::Xml);
    let product = served.product.clone();
    let answered = AssertUnwindSafe(in_time(served, request)).catch_unwind().await;
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refusal.into_response(format),
        Err(_) => {
            tracing::error!("a request ended in a panic");
            Refusal::unexpected().into_response(format)
        }
    };
    let headers = response.headers_mut();
    headers.insert(EMBEDDED_VERSION, product);
    headers.insert(API_VERSION, HeaderValue::from_static(ServerConfig::API_VERSION));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, no-transform"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Answers a request in the time that there is for it, who asks it included: whoever guesses waits in a queue.
async fn in_time(served: Arc<Served>, request: Request) -> Outcome {
    let Ok(permit) = Arc::clone(&served.requests).try_acquire_owned() else {
        return Err(Refusal::busy());
    };
    match tokio::time::timeout(served.config.request_timeout, let_in(served, request, permit)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            tracing::warn!("a request took too long");
            Err(Refusal::status(StatusCode::SERVICE_UNAVAILABLE, "the request took too long"))
        }
    }
}

/// Lets a request in, if its application has shown who it is and may ask from where it does.
async fn let_in(served: Arc<Served>, request: Request, permit: OwnedSemaphorePermit) -> Outcome {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let headers = request.headers();
    let address = peer.and_then(|peer| remote_address(peer, headers, &served.config.trusted_proxies).ok());
    let Some(basic) = Basic::of(headers) else { return Ok(challenge()) };
    // Where it is not to be told from where somebody asks, guesses are counted for the connection.
    let source = address.or(peer).unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
    let shown = served.throng.authenticate_application(&basic.name, basic.password.expose(), source).await;
    let app = match shown {
        // Whoever asks gets our own users; those of others are asked for where they are.
        Ok(app) => app.exported(),
        Err(error) if is_refused(&error) => return Ok(challenge()),
        Err(error) => return Err(crate::refusal::About::Authentication.refuse()(error)),
    };
    let admitted = match address {
        Some(address) => app.admits_address(address),
        None => Ok(false),
    };
    if !admitted.map_err(crate::refusal::About::Authentication.refuse())? {
        let name = app.record().map(|record| record.name.to_string()).unwrap_or_default();
        return Ok(forbidden_address(address, &name));
    }
    let Ok(own_permit) = served.requests_of(app.id()).try_acquire_owned() else {
        return Err(Refusal::busy());
    };
    route(served, app, peer, request, vec![permit, own_permit]).await
}

/// Finds the resource, reads the body, and hands both to the handler.
async fn route(
    served: Arc<Served>,
    app: Application,
    peer: Option<IpAddr>,
    request: Request,
    permits: Vec<OwnedSemaphorePermit>,
) -> Outcome {
    let (parts, body) = request.into_parts();
    let nowhere = || Refusal::status(StatusCode::NOT_FOUND, "there is no such resource");
    let path = below_version(parts.uri.path()).ok_or_else(nowhere)?.to_owned();
    let (route, target) = match routes::find(&parts.method, &path) {
        Found::Route(route, target) => (route, path_part(target)?),
        Found::OtherMethods(methods) => return Err(Refusal::not_allowed(methods)),
        Found::Nothing => return Err(nowhere()),
    };
    let format = format_of(route, &parts.headers)?;
    let query = Query::read(parts.uri.query().unwrap_or_default())?;
    let body = read_body(route, &parts.headers, body).await?;
    let original = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    let call = Call {
        base: base_of(&served.config, original, &parts.headers, peer),
        app,
        query,
        target,
        format,
        content_type: content_type(&parts.headers),
        body,
        permits: Mutex::new(permits),
        served,
    };
    let mut response = (route.handler)(&call).await?;
    if parts.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    Ok(response)
}

/// What follows the version in a path.
fn below_version(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once(API)?;
    VERSIONS.iter().find_map(|version| {
        let rest = rest.strip_prefix('/')?.strip_prefix(version)?;
        rest.starts_with('/').then_some(rest)
    })
}

/// Where the API begins.
const API: &str = "/rest/usermanagement";
/// The versions that there are, all of them the same.
const VERSIONS: [&str; 3] = ["1.0", "1", "latest"];

/// In a path, a plus is a plus.
fn path_part(text: &str) -> Result<String, Refusal> {
    decoded(&text.replace('+', "%2B"))
}

/// The format of the answer. Where there is no document, whatever is accepted will do.
fn format_of(route: &Route, headers: &HeaderMap) -> Result<Format, Refusal> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    match (route.answers, Format::accepted(accept)) {
        (_, Some(format)) => Ok(format),
        (Answers::Document(_) | Answers::Created(_), None) => {
            Err(Refusal::status(StatusCode::NOT_ACCEPTABLE, "there is JSON and there is XML"))
        }
        (
            Answers::Location | Answers::Xml(_) | Answers::Json(_) | Answers::Nothing | Answers::Never,
            None,
        ) => Ok(Format::Xml),
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The body, up to the longest that is taken. Where the resource takes none, one that comes along is read and left
/// aside: clients send one with DELETE.
async fn read_body(route: &Route, headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let is_plain = |encoding: &HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        return Err(Refusal::status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bodies are not compressed"));
    }
    let too_long = || Refusal::status(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long");
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    if usize::try_from(declared).map_or(true, |length| length > ServerConfig::MAX_BODY_BYTES) {
        return Err(too_long());
    }
    let collected = Limited::new(body, ServerConfig::MAX_BODY_BYTES).collect().await;
    let bytes = collected.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() { too_long() } else { Refusal::argument("the body cannot be read") }
    })?;
    Ok(if route.body.is_some() { bytes } else { Bytes::new() })
}

/// Where the API is, as the client reached it.
fn base_of(config: &ServerConfig, uri: &Uri, headers: &HeaderMap, peer: Option<IpAddr>) -> String {
    let place = match &config.base_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => {
            let tls = peer.is_some_and(|peer| is_over_tls(peer, headers, &config.trusted_proxies));
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            let host = host.filter(|host| is_host(host)).unwrap_or("localhost");
            let prefix = uri.path().split_once(API).map_or("", |(prefix, _)| prefix);
            let scheme = if tls { "https" } else { "http" };
            format!("{scheme}://{host}{prefix}")
        }
    };
    format!("{place}{API}/1")
}

/// Nothing else than a host and a port gets from a request into links.
fn is_host(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_house_is_no_reason_to_hurry_t90() {
        for code in NO_ROOM {
            let pause = pause_after(&io::Error::from_raw_os_error(code));
            assert!(pause.is_some_and(|pause| pause >= Duration::from_millis(100)), "{code}");
        }
        assert_eq!(pause_after(&io::ErrorKind::ConnectionAborted.into()), Some(Duration::ZERO));
        assert_eq!(pause_after(&io::ErrorKind::InvalidInput.into()), None);
    }
}
