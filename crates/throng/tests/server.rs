//! How many statements a request costs over SQLite: exact, and the same for one directory and for sixty-four, for one
//! group and for two hundred.
#![cfg(all(feature = "sqlite", feature = "server"))]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use throng::server::{ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::{NewAccount, Plan, Throng};
use tower::ServiceExt;

const PASSWORD: &str = "coffee before noon";

struct House {
    store: SqliteStore,
    router: Router,
    credential: String,
}

/// Directories of which the last holds anna, in as many groups as are asked for.
async fn house(directories: usize, groups: usize) -> House {
    let store = SqliteStore::in_memory().await.unwrap();
    let throng = Throng::builder(store.clone()).build().await.unwrap();
    let (mut plan, mut last) = (Plan::new(), Plan::new());
    for n in 0..directories {
        let id = throng.internal_directory(&format!("directory {n}")).await.unwrap();
        plan = plan.seat(id).unwrap();
        last = Plan::new().seat(id).unwrap();
    }
    let last = throng.ensure_application("last", last).await.unwrap();
    let anna = last.create_user(NewAccount::named("anna").password(PASSWORD)).await.unwrap();
    last.create_group("staff", "").await.unwrap();
    for n in 0..groups {
        let name = format!("group {n}");
        last.create_group(&name, "").await.unwrap();
        last.add_user_to_group(&anna, &name).await.unwrap();
    }
    let wiki = throng.ensure_application("wiki", plan).await.unwrap();
    throng.set_application_password(wiki.id(), PASSWORD).await.unwrap();
    let credential = format!("Basic {}", STANDARD.encode(format!("wiki:{PASSWORD}")));
    let router = UserServer::new(throng, ServerConfig::default()).unwrap().router();
    House { store, router, credential }
}

impl House {
    /// What a request cost.
    async fn cost(&self, method: &str, path: &str, body: &'static str) -> u64 {
        let before = self.store.statements_run();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/rest/usermanagement/1{path}"))
            .header("authorization", &self.credential)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
        let reply = self.router.clone().oneshot(request).await.unwrap();
        let status = reply.status();
        reply.into_body().collect().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status}");
        self.store.statements_run() - before
    }
}

#[tokio::test]
async fn a_request_costs_as_many_statements_whatever_there_is() {
    for (directories, groups) in [(1, 2), (64, 2), (1, 200)] {
        let house = house(directories, groups).await;
        let mut costs = Vec::new();
        for (method, path, body) in [
            ("GET", "/config/cookie", ""),
            ("GET", "/user?username=anna", ""),
            ("GET", "/group?groupname=staff", ""),
            ("GET", "/user/attribute?username=anna", ""),
            ("GET", "/user/group/direct?username=anna", ""),
            ("GET", "/user/group/nested?username=anna", ""),
            ("GET", "/user/group/nested?username=anna&expand=group", ""),
            ("GET", "/user/group/nested?username=anna&groupname=group%201", ""),
            ("GET", "/group/user/nested?groupname=group%201&username=anna", ""),
            ("GET", "/search?entity-type=user&restriction=name%3Danna&expand=user", ""),
            ("POST", "/authentication?username=anna", r#"{"value":"coffee before noon"}"#),
            ("POST", "/authentication?username=anna", r#"{"value":"coffee before noon"}"#),
            ("GET", "/event", ""),
            ("GET", "/event", ""),
        ] {
            let path_alone = path.split('?').next().unwrap();
            costs.push((path_alone, house.cost(method, path, body).await));
        }
        assert_eq!(
            costs,
            [
                ("/config/cookie", 0),
                ("/user", 1),
                ("/group", 1),
                ("/user/attribute", 1),
                ("/user/group/direct", 2),
                ("/user/group/nested", 2),
                ("/user/group/nested", 3),
                ("/user/group/nested", 3),
                ("/group/user/nested", 3),
                ("/search", 1),
                ("/authentication", 5),
                ("/authentication", 2),
                ("/event", 3),
                ("/event", 2),
            ],
            "over {directories} directories with {groups} groups"
        );
    }
}
