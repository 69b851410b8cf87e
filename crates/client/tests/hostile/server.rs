//! The scripted server: what it hears, and what it answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use throng_client::{Builder, RemoteDirectory, RemoteFault};
use throng_core::error::{DirectoryError, Fault};
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Username};
use throng_core::secret::Secret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What the server heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As it was sent, query and all.
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What the server does.
pub(crate) enum Answer {
    /// Sends these bytes and listens for the next request.
    Keep(Vec<u8>),
    /// Sends these bytes and closes.
    Close(Vec<u8>),
    /// Sends these bytes, then pieces until there are none or nobody listens, and closes.
    Pieces(Vec<u8>, Box<dyn Iterator<Item = Vec<u8>> + Send>),
    /// Says nothing and keeps the connection.
    Silence,
    /// Sends these bytes and then nothing more.
    Stall(Vec<u8>),
}

/// An answer to everything.
pub(crate) type Always = fn() -> Answer;

type Script = dyn Fn(&Request) -> Answer + Send + Sync;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Request>>>,
    /// Bytes that were sent.
    sent: Arc<AtomicU64>,
    /// Woken by each request.
    pub(crate) rung: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        path.strip_prefix("/crowd/rest/usermanagement/1/").unwrap_or(path)
    }

    /// `POST search?entity-type=user&start-index=0...` as `POST search`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path())
    }

    pub(crate) fn has(&self, parameter: &str) -> bool {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|own| own == parameter)
    }
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(None, Arc::new(script))
    }

    pub(crate) async fn start_tls(
        tls: TlsAcceptor,
        script: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(tls), Arc::new(script))
    }

    fn listen(tls: Option<TlsAcceptor>, script: Arc<Script>) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // What the kernel holds is not what the client holds: keep it small, so that counting tells.
        socket.set_send_buffer_size(64 << 10).expect("a small buffer");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let listener = socket.listen(64).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let (heard, sent, rung) = (Arc::default(), Arc::default(), Arc::new(Notify::new()));
        let served =
            Served { script, heard: Arc::clone(&heard), sent: Arc::clone(&sent), rung: Arc::clone(&rung) };
        Self { address, heard, sent, rung, task: tokio::spawn(accept(listener, tls, served)) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/crowd", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn heard(&self) -> Vec<Request> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests as `METHOD path`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.heard().iter().map(Request::line).collect()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// A directory at this server, that repeats without waiting.
    pub(crate) fn directory(&self) -> RemoteDirectory {
        self.builder().build().expect("a directory")
    }

    pub(crate) fn builder(&self) -> Builder {
        builder(&self.url())
    }
}

pub(crate) fn builder(url: &str) -> Builder {
    let password = Secret::new("app secret").expect("a password");
    RemoteDirectory::builder(DirectoryId::from_bytes([7; 16]), url, "wiki", password)
        .retry_after(Duration::ZERO)
}

#[derive(Clone)]
struct Served {
    script: Arc<Script>,
    heard: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicU64>,
    rung: Arc<Notify>,
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, served: Served) {
    while let Ok((stream, _)) = listener.accept().await {
        let served = served.clone();
        match tls.clone() {
            None => drop(tokio::spawn(serve(stream, served))),
            Some(tls) => drop(tokio::spawn(async move {
                if let Ok(stream) = tls.accept(stream).await {
                    serve(stream, served).await;
                }
            })),
        }
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, served: Served) {
    let mut buffer = Vec::new();
    while let Some(request) = next_request(&mut stream, &mut buffer).await {
        let answer = (served.script)(&request);
        served.heard.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        served.rung.notify_one();
        match answer {
            Answer::Keep(bytes) => {
                if !send(&mut stream, &bytes, &served).await {
                    return;
                }
            }
            Answer::Close(bytes) => {
                send(&mut stream, &bytes, &served).await;
                return drop(stream.shutdown().await);
            }
            Answer::Pieces(head, pieces) => {
                let mut goes_on = send(&mut stream, &head, &served).await;
                for piece in pieces {
                    goes_on = goes_on && send(&mut stream, &piece, &served).await;
                    if !goes_on {
                        return;
                    }
                }
                return drop(stream.shutdown().await);
            }
            Answer::Silence => return std::future::pending().await,
            Answer::Stall(bytes) => {
                send(&mut stream, &bytes, &served).await;
                return std::future::pending().await;
            }
        }
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8], served: &Served) -> bool {
    let sent = stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok();
    served.sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
    sent
}

async fn next_request(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<Request> {
    let head = loop {
        // The beginning of a handshake, where nobody expects one: a server of plain HTTP hangs up.
        if buffer.first() == Some(&0x16) {
            return None;
        }
        if let Some(at) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = buffer.split_off(at + 4);
            break String::from_utf8(std::mem::replace(buffer, rest)).ok()?;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let length: usize = length.unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let rest = buffer.split_off(length);
    let body = String::from_utf8(std::mem::replace(buffer, rest)).ok()?;
    let mut words = head.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Request { method, target, head, body })
}

/// The head of an answer of Crowd 2.6.0, without a length.
pub(crate) fn head(status: u16, more: &str) -> String {
    head_of("Crowd/2.6.0", status, more)
}

pub(crate) fn head_of(product: &str, status: u16, more: &str) -> String {
    format!(
        "HTTP/1.1 {status} Said\r\nX-Embedded-Crowd-Version: {product}\r\nX-Crowd-User-Management-Version: 1.3\r\n{more}"
    )
}

/// An answer in XML.
pub(crate) fn xml(status: u16, body: &str) -> Answer {
    xml_of("Crowd/2.6.0", status, body)
}

pub(crate) fn xml_of(product: &str, status: u16, body: &str) -> Answer {
    let head = head_of(product, status, "Content-Type: application/xml\r\n");
    Answer::Keep(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

/// An answer without a body.
pub(crate) fn done(status: u16) -> Answer {
    Answer::Keep(format!("{}Content-Length: 0\r\n\r\n", head(status, "")).into_bytes())
}

/// An error of the API.
pub(crate) fn declined(status: u16, reason: &str) -> Answer {
    xml(status, &format!("<error><reason>{reason}</reason><message>about &lt;x&gt;</message></error>"))
}

/// A user as Crowd gives one.
pub(crate) fn user(name: &str) -> String {
    user_with(name, &format!("<key>32769:{name}</key>"))
}

pub(crate) fn user_with(name: &str, more: &str) -> String {
    format!(
        "<user expand=\"attributes\" name=\"{name}\"><link href=\"http://h/u\" rel=\"self\"/>\
         <first-name>First</first-name><last-name>Last</last-name><display-name>First Last</display-name>\
         <email>{name}@example.com</email><password><link href=\"http://h/p\" rel=\"edit\"/></password>{more}\
         <active>true</active><attributes><link href=\"http://h/a\" rel=\"self\"/>\
         <attribute name=\"office\"><values><value>Wien</value></values></attribute></attributes></user>"
    )
}

pub(crate) fn group(name: &str) -> String {
    format!(
        "<group expand=\"attributes\" name=\"{name}\"><link href=\"http://h/g\" rel=\"self\"/>\
         <description>who</description><type>GROUP</type><active>true</active>\
         <attributes><link href=\"http://h/a\" rel=\"self\"/></attributes></group>"
    )
}

pub(crate) fn users(items: &[String]) -> String {
    format!("<users expand=\"user\">{}</users>", items.concat())
}

pub(crate) fn groups(items: &[String]) -> String {
    format!("<groups expand=\"group\">{}</groups>", items.concat())
}

pub(crate) fn username(name: &str) -> Username {
    Username::new(name).expect("a name")
}

pub(crate) fn group_name(name: &str) -> GroupName {
    GroupName::new(name).expect("a name")
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text).expect("a password")
}

/// The fault of a port, and what it comes from.
pub(crate) fn fault<T: std::fmt::Debug>(answer: Result<T, DirectoryError>) -> (Fault, String) {
    let error = answer.expect_err("a fault");
    let source = std::error::Error::source(&error);
    let cause = source.and_then(|cause| cause.downcast_ref::<RemoteFault>());
    (error.fault(), cause.map(|cause| word(&format!("{cause:?}"))).unwrap_or_default())
}

/// The name of a variant, from what it looks like.
pub(crate) fn word(debug: &str) -> String {
    debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
