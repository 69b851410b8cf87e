//! Recovery over SQLite: nothing of it outlasts the process, and no client of a user server sees it.
#![cfg(all(feature = "sqlite", feature = "server"))]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use throng::core::secret::Secret;
use throng::server::{ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::{Error, NewAccount, Plan, Recovery, Throng};
use tower::ServiceExt;

const PASSWORD: &str = "coffee before noon";
const SECRET: &str = "the key behind the glass";

fn recovery() -> Recovery {
    Recovery::new(Secret::new(SECRET).unwrap())
}

async fn people(store: &SqliteStore) {
    let throng = Throng::builder(store.clone()).build().await.unwrap();
    let people = throng.internal_directory("People").await.unwrap();
    let wiki = throng.ensure_application("wiki", Plan::new().seat(people).unwrap()).await.unwrap();
    wiki.create_user(NewAccount::named("anna").password(PASSWORD)).await.unwrap();
    throng.set_application_password(wiki.id(), PASSWORD).await.unwrap();
}

async fn ask(router: &Router, method: &str, path: &str, body: &str) -> (StatusCode, String) {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/rest/usermanagement/1{path}"))
        .header("authorization", format!("Basic {}", STANDARD.encode(format!("wiki:{PASSWORD}"))))
        .header("content-type", "application/json")
        .header("accept", "application/json, application/xml;q=0.5")
        .body(Body::from(body.to_owned()))
        .unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
    let reply = router.clone().oneshot(request).await.unwrap();
    let status = reply.status();
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Clients of a user server find it by its name, check its password and open sessions; what they copy does not have it.
#[tokio::test]
async fn clients_of_a_user_server_find_it_and_copy_nothing_of_it_r909() {
    let store = SqliteStore::in_memory().await.unwrap();
    people(&store).await;
    let throng = Throng::builder(store.clone()).recovery(recovery()).build().await.unwrap();
    let wiki = throng.application("wiki").unwrap();
    let token = wiki.log_in(Recovery::NAME, SECRET).await.unwrap().token;
    let router = UserServer::new(throng, ServerConfig::default()).unwrap().router();
    let (status, everybody) = ask(&router, "GET", "/search?entity-type=user", "").await;
    assert!(status.is_success() && everybody.contains("anna"), "{everybody}");
    let (status, members) = ask(&router, "GET", "/group/membership", "").await;
    assert!(status.is_success());
    for dump in [everybody, members] {
        assert!(!dump.contains(Recovery::NAME), "{dump}");
    }
    let named = format!("username={}", Recovery::NAME);
    let restricted = format!("/search?entity-type=user&restriction=name%3D{}", Recovery::NAME);
    let (status, nobody) = ask(&router, "GET", &restricted, "").await;
    assert!(status.is_success() && !nobody.contains(Recovery::NAME), "{nobody}");
    let (status, user) = ask(&router, "GET", &format!("/user?{named}"), "").await;
    assert!(status.is_success() && user.contains(Recovery::NAME), "{user}");
    let authenticate = async |word: &str| {
        let password = format!(r#"{{"value":"{word}"}}"#);
        ask(&router, "POST", &format!("/authentication?{named}"), &password).await.0
    };
    assert_eq!(authenticate(SECRET).await, StatusCode::OK);
    assert_eq!(authenticate("another word").await, StatusCode::BAD_REQUEST);
    let (status, session) = ask(&router, "GET", &format!("/session/{}", token.expose()), "").await;
    assert!(status.is_success() && session.contains(Recovery::NAME), "{session}");
    let (status, _) = ask(&router, "DELETE", &format!("/user?{named}"), "").await;
    assert_eq!(status, StatusCode::FORBIDDEN, "nobody can change it");
    let (status, events) = ask(&router, "GET", "/event", "").await;
    assert!(
        status.is_success() && events.contains(r#""incrementalSynchronisationAvailable":true"#),
        "{events}"
    );
}

#[tokio::test]
async fn nothing_of_it_outlasts_the_process_r909() {
    let store = SqliteStore::in_memory().await.unwrap();
    people(&store).await;
    let throng = Throng::builder(store.clone()).recovery(recovery()).build().await.unwrap();
    let (wiki, head) = (throng.application("wiki").unwrap(), throng.latest_change().await.unwrap());
    let token = wiki.log_in(Recovery::NAME, SECRET).await.unwrap().token;
    wiki.session(token.expose()).await.unwrap();
    throng.maintain().await.unwrap();
    wiki.authenticate("anna", PASSWORD).await.unwrap();
    assert_eq!(throng.latest_change().await.unwrap(), head + 1, "anna's claim, and nothing else");

    let later = Throng::builder(store.clone()).build().await.unwrap();
    let wiki = later.application("wiki").unwrap();
    assert!(matches!(wiki.session(token.expose()).await, Err(Error::Denied { .. })));
    assert!(matches!(wiki.authenticate(Recovery::NAME, SECRET).await, Err(Error::Denied { .. })));
    assert_eq!(later.directories().len(), 1);
    assert!(
        wiki.search_users(&throng::core::filter::Filter::name_starts_with("rec"), &Default::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}
