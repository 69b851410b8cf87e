//! Houses for the tests: a throng with a user server on a loopback port, and mirrors of other houses.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test uses its own part"
)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use throng::client::{RemoteDirectory, Writes};
use throng::core::directory::Directory;
use throng::core::filter::Filter;
use throng::core::id::DirectoryId;
use throng::core::page::PageRequest;
use throng::core::secret::Secret;
use throng::core::store::Store;
use throng::core::sync::{MirroredSettings, Round};
use throng::server::{ServerConfig, UserServer};
use throng::sync::SyncRequest;
use throng::{Application, Plan, Throng};
use throng_testkit::clock::ManualClock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A throng that serves its internal directory "People" to the application "peer".
pub struct House {
    pub throng: Throng,
    pub clock: Arc<ManualClock>,
    pub store: Arc<dyn Store>,
    pub people: DirectoryId,
    pub mirror: DirectoryId,
    /// Asks "People" and then the mirror.
    pub app: Application,
    pub server: Option<Server>,
}

/// A user server that runs.
pub struct Server {
    pub address: SocketAddr,
    pub faults: Arc<Faults>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Makes one request fail, on purpose.
#[derive(Debug, Default)]
pub struct Faults {
    requests: AtomicU64,
    /// Which request, and how.
    armed: Mutex<Option<(u64, Failing)>>,
}

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// It is answered with 500.
    Refused,
    /// It is done, and the answer breaks off in the middle.
    CutOff,
    /// It is answered with an empty list, as if nobody were there.
    Emptied,
}

impl Faults {
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Makes the n-th request from now on fail.
    pub fn fail(&self, nth: u64, failing: Failing) {
        *self.armed.lock().unwrap() = Some((self.requests() + nth, failing));
    }

    pub fn mend(&self) {
        *self.armed.lock().unwrap() = None;
    }
}

async fn meet(State(faults): State<Arc<Faults>>, request: Request, next: Next) -> Response {
    let number = faults.requests.fetch_add(1, Ordering::SeqCst) + 1;
    let armed = *faults.armed.lock().unwrap();
    let Some((_, failing)) = armed.filter(|(nth, _)| *nth == number) else {
        return next.run(request).await;
    };
    let (get, path) = (request.method() == Method::GET, request.uri().path().to_owned());
    let of_groups = request.uri().query().is_some_and(|query| query.contains("entity-type=group"));
    match failing {
        Failing::Refused => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Failing::CutOff => {
            let (mut parts, body) = next.run(request).await.into_parts();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let half = bytes.slice(..bytes.len() / 2);
            parts.headers.remove("content-length");
            Response::from_parts(parts, Body::from(half))
        }
        Failing::Emptied => {
            let mut response = next.run(request).await;
            let empty = match (get, path.rsplit('/').next()) {
                (true, Some("membership")) => "<memberships></memberships>",
                (false, Some("search")) if of_groups => "<groups expand=\"group\"></groups>",
                (false, Some("search")) => "<users expand=\"user\"></users>",
                _ => return response,
            };
            response.headers_mut().remove("content-length");
            *response.body_mut() = Body::from(empty);
            response
        }
    }
}

impl House {
    /// A house over a store, which mirrors what another serves, if it is told which.
    pub async fn over(
        store: Arc<dyn Store>,
        peer: Option<RemoteDirectory>,
        settings: MirroredSettings,
    ) -> Self {
        let clock = Arc::new(ManualClock::at(1_700_000_000_000_000));
        let mut builder = Throng::over(Arc::clone(&store)).clock(Arc::clone(&clock) as _);
        if let Some(peer) = peer {
            builder = builder.source("Peer", Arc::new(peer));
        }
        let throng = builder.build().await.unwrap();
        let people = throng.internal_directory("People").await.unwrap();
        let mirror = throng.mirrored_directory("Peer", settings).await.unwrap();
        let plan = Plan::new().seat(people).unwrap().seat(mirror).unwrap();
        let app = throng.ensure_application("peer", plan).await.unwrap();
        Self { throng, clock, store, people, mirror, app, server: None }
    }

    /// Serves on a listener, and lets this machine in with a password.
    pub async fn serve(&mut self, listener: TcpListener, password: &str) {
        self.throng.set_application_password(self.app.id(), password).await.unwrap();
        let server = UserServer::new(self.throng.clone(), ServerConfig::default()).unwrap();
        let (address, faults) = (listener.local_addr().unwrap(), Arc::new(Faults::default()));
        let router = server.router().layer(from_fn_with_state(Arc::clone(&faults), meet));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        self.server = Some(Server { address, faults, task });
    }

    pub fn faults(&self) -> &Faults {
        &self.server.as_ref().unwrap().faults
    }

    pub async fn sync(&self, request: SyncRequest) -> Round {
        self.clock.advance(Duration::from_secs(600));
        self.throng.sync(self.mirror, request).await.unwrap()
    }

    pub fn open(&self) -> Arc<dyn Directory> {
        self.throng.open(self.people).unwrap()
    }

    /// What a directory holds, in words.
    pub async fn contents(&self, directory: DirectoryId) -> Vec<String> {
        let (all, page) = (Filter::everything(), PageRequest::default());
        let mut words = Vec::new();
        for found in self.store.search_users(&[directory], &all, &page).await.unwrap().items {
            for (_, user) in found.holders {
                let profile = &user.profile;
                words.push(format!(
                    "{:?} {:?} {:?} {} {:?}",
                    user.name, profile.display_name, profile.email, user.active, user.attributes
                ));
            }
        }
        for found in self.store.search_groups(&[directory], &all, &page).await.unwrap().items {
            for (_, group) in found.holders {
                let members = self.store.children(directory, group.key(), &page).await.unwrap().items;
                words.push(format!("{:?} {:?} {members:?}", group.name, group.description));
            }
        }
        words
    }
}

/// The client of what is served at an address.
pub fn remote(address: SocketAddr, password: &str, writes: Writes) -> RemoteDirectory {
    let id = DirectoryId::from_bytes([7; 16]);
    RemoteDirectory::builder(id, format!("http://{address}"), "peer", Secret::new(password).unwrap())
        .writes(writes)
        // Nobody waits between tries: what fails here fails at once.
        .retry_after(Duration::ZERO)
        .build()
        .unwrap()
}

/// A listener on a free port of this machine.
pub async fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap()
}
