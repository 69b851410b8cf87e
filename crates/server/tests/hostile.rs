//! Requests that nobody means well with.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use axum::body::Body;
use bytes::Bytes;
use common::{House, JSON, XML};
use futures_util::{FutureExt, stream};
use throng_server::ServerConfig;

#[tokio::test]
async fn documents_that_are_traps_are_refused_r01_to_r19() {
    let house = House::furnished().await;
    let head = house.throng.latest_change().await.unwrap();
    let laughs = "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><user name=\"&b;\"/>";
    let deep = "<user>".repeat(100_000);
    let wide = format!("<user {}/>", (0..80_000).map(|n| format!("a{n}=\"\" ")).collect::<String>());
    let many = format!("<user name=\"x\">{}</user>", "<x/>".repeat(60_000));
    let json_deep = "[".repeat(100_000);
    for (content_type, body) in [
        (XML, laughs.as_bytes().to_vec()),
        (XML, b"<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><user name=\"x\"/>".to_vec()),
        (XML, b"<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://localhost/\">%p;]><user name=\"x\"/>".to_vec()),
        (XML, "<!DOCTYPE a><user name=\"x\"/>".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        (XML, wide.into_bytes()),
        (XML, deep.into_bytes()),
        (XML, many.into_bytes()),
        (XML, b"<user name=\"x\"/><user name=\"y\"/>".to_vec()),
        (XML, b"<user name=\"x\">".to_vec()),
        (XML, b"{\"name\":\"x\"}".to_vec()),
        (JSON, b"<user name=\"x\"/>".to_vec()),
        (JSON, json_deep.into_bytes()),
        (JSON, b"{\"name\":\"a\",\"name\":\"b\"}".to_vec()),
        (JSON, b"{\"name\":\"a\"} x".to_vec()),
        (JSON, b"\xef\xbb\xbf{\"name\":\"a\"}".to_vec()),
        (JSON, b"{\"name\":\"\\ud800\"}".to_vec()),
        (JSON, b"{\"name\":\"\xff\xfeA\"}".to_vec()),
        (JSON, b"{\"name\":1e400}".to_vec()),
        (JSON, b"[]".to_vec()),
        (JSON, b"null".to_vec()),
        (JSON, b"{}".to_vec()),
        (JSON, Vec::new()),
    ] {
        let text = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let reply = house.request("POST", "/user").accept(JSON).body(content_type, body).send().await;
        assert_eq!(reply.fault(), (400, "ILLEGAL_ARGUMENT".to_owned()), "{text}");
    }
    for content_type in
        ["application/xml; charset=utf-7", "text/plain", "application/x-www-form-urlencoded", ""]
    {
        let body = "<user name=\"x\"/>";
        let asking = house.request("POST", "/user").accept(JSON);
        let asking =
            if content_type.is_empty() { asking.bare(body) } else { asking.body(content_type, body) };
        asking.send().await.refuses(415, "OPERATION_FAILED");
    }
    assert_eq!(house.throng.latest_change().await.unwrap(), head, "nothing was changed");
}

#[tokio::test]
async fn bodies_without_end_and_compressed_ones_are_refused_r21_r22() {
    let house = House::new().await;
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 65_536])));
    let reply =
        house.request("POST", "/user").accept(JSON).body(JSON, Body::from_stream(endless)).send().await;
    reply.refuses(413, "OPERATION_FAILED");
    let asking = house.request("POST", "/user").accept(JSON).header("content-length", "99999999999999999999");
    asking.body(JSON, "{}").send().await.is(400);
    let asking = house.request("POST", "/user").accept(JSON).header("content-length", "3000000");
    asking.body(JSON, "{}").send().await.refuses(413, "OPERATION_FAILED");
    for encoding in ["gzip", "br", "identity, gzip"] {
        let asking = house.request("POST", "/user").accept(JSON).header("content-encoding", encoding);
        asking.body(JSON, "{\"name\":\"x\"}").send().await.refuses(415, "OPERATION_FAILED");
    }
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("gone"))]);
    let reply =
        house.request("POST", "/user").accept(JSON).body(JSON, Body::from_stream(broken)).send().await;
    reply.refuses(400, "ILLEGAL_ARGUMENT");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_ends_in_time_t90() {
    let house = House::new().await;
    let silent = stream::pending::<Result<Bytes, std::io::Error>>();
    let reply =
        house.request("POST", "/user").accept(JSON).body(JSON, Body::from_stream(silent)).send().await;
    reply.refuses(503, "OPERATION_FAILED");
}

#[tokio::test]
async fn names_are_only_names_n41_to_n68() {
    let house = House::furnished().await;
    for name in [
        "*",
        "*)(uid=*))(|(uid=*",
        "\\2a",
        "x,ou=admins,dc=ex",
        "admin' OR '1'='1",
        "x'); DROP TABLE users;--",
        "%",
        "_",
        "a\\",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=1>",
        "{{7*7}}",
        "=HYPERLINK(\"http://e\")",
        "-rf",
        "admin#1",
        "a/b",
        "a?b&c=d",
        "ä",
        "..",
    ] {
        let query: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        house
            .request("GET", &format!("/user?username={query}"))
            .accept(JSON)
            .send()
            .await
            .refuses(404, "USER_NOT_FOUND");
        let user = throng_engine::application::NewAccount::named(name);
        if house.wiki.create_user(user).await.is_ok() {
            let found = house.json(&format!("/user?username={query}")).await;
            assert_eq!(found["name"], name);
            let link = found["link"]["href"].as_str().unwrap();
            let (_, path) = link.split_once("localhost").unwrap();
            let again = house.request("GET", "").at(path).accept(JSON).send().await;
            assert!(again.is(200).body.contains(&serde_json::json!(name).to_string()), "{name}");
            let xml = house.get(&format!("/user?username={query}")).await;
            assert!(!xml.is(200).body.contains("<script>") && !xml.body.contains("<img"));
        }
    }
    for name in ["line%0D%0ASet-Cookie:%20a=b", "a%00b", "%ff%fe", "x%0A"] {
        let reply = house.request("GET", &format!("/user?username={name}")).accept(JSON).send().await;
        assert_eq!(reply.status, 400, "{name}");
    }
    let long = "a".repeat(60_000);
    house.request("GET", &format!("/user?username={long}")).accept(JSON).send().await.is(400);
}

#[tokio::test]
async fn a_parameter_that_stands_there_twice_is_refused() {
    let house = House::furnished().await;
    for path in ["/user?username=anna&username=bela", "/search?entity-type=user&entity-type=group"] {
        house.request("GET", path).accept(JSON).send().await.refuses(400, "ILLEGAL_ARGUMENT");
    }
}

#[tokio::test]
async fn no_more_than_so_many_at_once_t90() {
    use throng_server::ServerConfig;
    for config in [
        ServerConfig { concurrency: 1, ..ServerConfig::default() },
        ServerConfig { concurrency_per_application: 1, ..ServerConfig::default() },
    ] {
        let house = House::with(1, config).await;
        // A request whose body is still on its way keeps its place.
        let (send, receive) = tokio::sync::oneshot::channel::<()>();
        let body = stream::once(async move {
            let _ = receive.await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"{\"name\":\"x\"}"))
        });
        let slow = house.request("POST", "/group").accept(JSON).body(JSON, Body::from_stream(body)).send();
        let mut slow = std::pin::pin!(slow);
        assert!(futures_util::FutureExt::now_or_never(slow.as_mut()).is_none());
        let turned_away = house.request("GET", "/config/cookie").accept(JSON).send().await;
        turned_away.refuses(503, "OPERATION_FAILED");
        assert_eq!(turned_away.header("retry-after"), "1");
        send.send(()).unwrap();
        slow.await.is(201);
        house.get("/config/cookie").await.is(200);
    }
}

/// Who asks is found out in the time of the request: a queue of guesses is no way to hold requests for good (T46, T90).
#[test]
fn a_guess_that_waits_for_its_turn_ends_with_its_time_t90() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let house = House::new().await;
        // The one thread that computes hashes is busy until this is dropped.
        let (busy, until) = std::sync::mpsc::channel::<()>();
        drop(tokio::task::spawn_blocking(move || until.recv()));
        let request = house.request("GET", "/config/cookie").shown_as("wiki", "a guess").accept(JSON);
        let mut reply = std::pin::pin!(request.send());
        assert!((&mut reply).now_or_never().is_none(), "the guess waits");
        tokio::time::advance(ServerConfig::default().request_timeout).await;
        let reply = (&mut reply).now_or_never();
        drop(busy);
        assert_eq!(reply.unwrap().status, 503);
    });
}
