//! How many statements a request costs over SQLite: exact, and the same for one directory and for sixty-four, for one
//! group and for two hundred.
#![cfg(all(feature = "sqlite", feature = "server"))]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use throng::core::filter::Filter;
use throng::core::id::DirectoryId;
use throng::core::page::PageRequest;
use throng::server::{ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::{Depth, NewAccount, Plan, Throng};

use throng_testkit::script::ScriptedDirectory;
use tower::ServiceExt;

const PASSWORD: &str = "coffee before noon";

struct House {
    store: SqliteStore,
    router: Router,
    credential: String,
}

/// Directories of which the last holds anna, in as many groups as are asked for, each in staff, and as many others in
/// the crew.
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
    for group in ["staff", "crew", "leaf"] {
        last.create_group(group, "").await.unwrap();
    }
    for n in 0..groups {
        let name = format!("group {n}");
        last.create_group(&name, "").await.unwrap();
        last.add_user_to_group(&anna, &name).await.unwrap();
        last.add_group_to_group(&name, "staff").await.unwrap();
        last.add_group_to_group("leaf", &name).await.unwrap();
        let sailor = last.create_user(NewAccount::named(format!("sailor {n}"))).await.unwrap();
        last.add_user_to_group(&sailor, "crew").await.unwrap();
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
        self.ask(method, path, body).await.0
    }

    /// What a request cost, and where what it made is.
    async fn ask(&self, method: &str, path: &str, body: &'static str) -> (u64, String) {
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
        let location = reply.headers().get("location").map(|at| at.to_str().unwrap().to_owned());
        reply.into_body().collect().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status}");
        (self.store.statements_run() - before, location.unwrap_or_default())
    }
}

#[tokio::test]
async fn a_request_costs_as_many_statements_whatever_there_is() {
    for (directories, groups) in [(1, 2), (64, 2), (1, 200)] {
        let house = house(directories, groups).await;
        let mut costs = Vec::new();
        // Only where a directory stands above may somebody else be meant by a name.
        let above = u64::from(directories > 1);
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
            ("GET", "/group/user/direct?groupname=crew", ""),
            ("GET", "/group/user/nested?groupname=crew&expand=user,attributes", ""),
            ("GET", "/group/child-group/direct?groupname=staff", ""),
            ("GET", "/group/child-group/nested?groupname=staff&expand=group", ""),
            ("GET", "/group/parent-group/direct?groupname=leaf", ""),
            ("GET", "/group/parent-group/nested?groupname=leaf&expand=group,attributes", ""),
            ("GET", "/search?entity-type=user&restriction=name%3Danna&expand=user", ""),
            ("GET", "/search?entity-type=user&restriction=name%3Dsailor*", ""),
            ("GET", "/search?entity-type=group&restriction=name%3Dgroup*&expand=group,attributes", ""),
            ("POST", "/authentication?username=anna", r#"{"value":"coffee before noon"}"#),
            ("POST", "/authentication?username=anna", r#"{"value":"coffee before noon"}"#),
            ("GET", "/event", ""),
            ("GET", "/event", ""),
        ] {
            let path_alone = path.split('?').next().unwrap();
            costs.push((path_alone, house.cost(method, path, body).await));
        }
        let (cost, location) =
            house.ask("POST", "/session?validate-password=false", r#"{"username":"anna"}"#).await;
        costs.push(("/session", cost));
        let session = location.split_once("usermanagement/1").unwrap().1;
        costs.push(("/session/{token}", house.cost("POST", session, "{}").await));
        costs.push(("/session/{token}", house.cost("GET", session, "").await));
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
                ("/group/user/direct", 3 + above),
                ("/group/user/nested", 4 + above),
                ("/group/child-group/direct", 3 + above),
                ("/group/child-group/nested", 4 + above),
                ("/group/parent-group/direct", 3),
                ("/group/parent-group/nested", 4),
                ("/search", 1),
                ("/search", 1),
                ("/search", 1),
                ("/authentication", 5),
                ("/authentication", 2),
                ("/event", 3),
                ("/event", 2),
                ("/session", 3),
                ("/session/{token}", 2),
                ("/session/{token}", 2),
            ],
            "over {directories} directories with {groups} groups"
        );
    }
}

/// What is canonical among a live directory and those kept here is asked for all groups of a page at once.
#[tokio::test]
async fn a_search_beside_a_live_directory_costs_as_many_statements_whatever_there_is() {
    for groups in [2, 200] {
        let store = SqliteStore::in_memory().await.unwrap();
        let remote = ScriptedDirectory::new(DirectoryId::from_bytes([7; 16]));
        let builder = Throng::builder(store.clone()).directory("remote", Arc::new(remote));
        let throng = builder.build().await.unwrap();
        let kept = throng.internal_directory("kept").await.unwrap();
        let owner = throng.ensure_application("owner", Plan::new().seat(kept).unwrap()).await.unwrap();
        owner.create_group("staff", "").await.unwrap();
        for n in 0..groups {
            owner.create_group(&format!("group {n}"), "").await.unwrap();
            owner.add_group_to_group(&format!("group {n}"), "staff").await.unwrap();
        }
        let plan = Plan::new().seat(throng.directory("remote").unwrap().id).unwrap().seat(kept).unwrap();
        let wiki = throng.ensure_application("wiki", plan).await.unwrap();
        let before = store.statements_run();
        let found = wiki.search_groups(&Filter::everything(), &PageRequest::default()).await.unwrap();
        assert_eq!((found.items.len(), store.statements_run() - before), (groups + 1, 2));
        let before = store.statements_run();
        let children = wiki.groups_in("staff", Depth::Direct).await.unwrap();
        assert_eq!((children.len(), store.statements_run() - before), (groups, 3));
    }
}
