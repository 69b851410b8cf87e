//! A user server that tests ask in process.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use throng_core::id::DirectoryId;
use throng_core::permission::Permissions;
use throng_core::plan::{Plan, Seat};
use throng_core::store::Store;
use throng_core::time::Clock;
use throng_engine::application::NewAccount;
use throng_engine::{Application, Error, Throng};
use throng_passwords::hasher::HasherConfig;
use throng_server::{ServerConfig, UserServer};
use throng_testkit::clock::{ManualClock, SeededEntropy};
use throng_testkit::memory::MemoryStore;
use tower::ServiceExt;

pub(crate) const XML: &str = "application/xml";
pub(crate) const JSON: &str = "application/json";
pub(crate) const API: &str = "/rest/usermanagement/1";
pub(crate) const RIGHT: &str = "a lantern in the fog";
pub(crate) const OTHER: &str = "seven grey herons";

/// A throng with the application "wiki" over internal directories, behind a server.
pub(crate) struct House {
    pub(crate) throng: Throng,
    pub(crate) wiki: Application,
    pub(crate) directories: Vec<DirectoryId>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) server: UserServer,
    pub(crate) router: Router,
    pub(crate) secret: String,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(1, ServerConfig::default()).await
    }

    pub(crate) async fn with(directories: usize, config: ServerConfig) -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::at(1_800_000_000_000_000));
        let mut hashing = HasherConfig::new(NonZeroUsize::MIN);
        hashing.queue_deadline = Duration::from_secs(600);
        let throng = Throng::over(Arc::clone(&store) as Arc<dyn Store>)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .entropy(Arc::new(SeededEntropy::new(5)))
            .hashing(hashing)
            .build()
            .await
            .unwrap();
        let (mut plan, mut ids) = (Plan::new(), Vec::new());
        for n in 0..directories {
            let id = throng.internal_directory(&format!("D{n}")).await.unwrap();
            plan = plan.seat(id).unwrap();
            ids.push(id);
        }
        let wiki = throng.ensure_application("wiki", plan).await.unwrap();
        let secret = wiki.draw_password().await.unwrap().expose().to_owned();
        let server = UserServer::new(throng.clone(), config).unwrap();
        let router = server.router();
        Self { throng, wiki, directories: ids, store, clock, server, router, secret }
    }

    /// A house with anna in staff, staff in everybody, and bela in none.
    pub(crate) async fn furnished() -> Self {
        Self::furnished_with(ServerConfig::default()).await
    }

    pub(crate) async fn furnished_with(config: ServerConfig) -> Self {
        let house = Self::with(1, config).await;
        let anna = NewAccount::named("Anna").password(RIGHT).email("anna@example.org");
        let anna = house.wiki.create_user(anna).await.unwrap();
        house.wiki.create_user(NewAccount::named("bela").password(OTHER)).await.unwrap();
        house.wiki.create_group("Staff", "Who works here").await.unwrap();
        house.wiki.create_group("everybody", "").await.unwrap();
        house.wiki.add_user_to_group(&anna, "staff").await.unwrap();
        house.wiki.add_group_to_group("staff", "everybody").await.unwrap();
        house
    }

    /// A request of the application, from this machine.
    pub(crate) fn request(&self, method: &str, path: &str) -> Asking<'_> {
        Asking {
            house: self,
            peer: "127.0.0.1:40000".parse().unwrap(),
            method: method.parse().unwrap(),
            path: format!("{API}{path}"),
            headers: vec![(header::AUTHORIZATION.to_string(), basic("wiki", &self.secret))],
            body: Body::empty(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.request("GET", path).send().await
    }

    pub(crate) async fn json(&self, path: &str) -> serde_json::Value {
        let reply = self.request("GET", path).accept(JSON).send().await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Reply {
        self.request("POST", path).accept(JSON).body(JSON, body.to_owned()).send().await
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> Reply {
        self.request("PUT", path).accept(JSON).body(JSON, body.to_owned()).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.request("DELETE", path).accept(JSON).send().await
    }

    /// Changes what the application may do in its first directory.
    pub(crate) async fn allow(&self, permissions: Permissions) {
        let first = self.directories[0];
        let change = |plan: Plan| {
            Ok::<_, Error>(plan.filter_map_seats(|seat| match seat.directory == first {
                true => Some(Seat { permissions, ..seat }),
                false => Some(seat),
            }))
        };
        self.wiki.change_plan(change).await.unwrap();
    }
}

/// A request that is being put together.
pub(crate) struct Asking<'h> {
    house: &'h House,
    peer: SocketAddr,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Asking<'_> {
    pub(crate) fn accept(self, accept: &str) -> Self {
        self.header("accept", accept)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub(crate) fn bare(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn from(mut self, peer: &str) -> Self {
        self.peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
        self
    }

    /// The whole path, whatever the API is below.
    pub(crate) fn at(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    pub(crate) fn shown_as(self, name: &str, password: &str) -> Self {
        let value = basic(name, password);
        self.without("authorization").header("authorization", &value)
    }

    pub(crate) async fn send(self) -> Reply {
        let router = self.house.router.clone();
        self.send_to(router).await
    }

    pub(crate) async fn send_to(self, router: Router) -> Reply {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(self.body).unwrap();
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and reason of an error in JSON.
    pub(crate) fn fault(&self) -> (u16, String) {
        let entity: serde_json::Value = serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("no entity: {} {}", self.status, self.body));
        assert!(!entity["message"].as_str().unwrap().is_empty(), "an error has a message");
        (self.status.as_u16(), entity["reason"].as_str().unwrap().to_owned())
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, reason: &str) {
        assert_eq!(self.fault(), (status, reason.to_owned()), "{}", self.body);
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// The names in a list, users or groups.
pub(crate) fn names(list: &serde_json::Value) -> Vec<String> {
    let entries = list["users"].as_array().or_else(|| list["groups"].as_array()).unwrap();
    entries.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}
