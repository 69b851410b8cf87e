//! What every answer has in common, to the letter.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use axum::Router;
use axum::body::Body;
use common::{House, JSON, OTHER, RIGHT, XML};
use throng_server::{Cookie, CookieTransport, ServerConfig};

const VERSION: &str = concat!("Throng/", env!("CARGO_PKG_VERSION"));

#[tokio::test]
async fn every_answer_states_product_and_version() {
    let house = House::furnished().await;
    let long = "x".repeat(ServerConfig::MAX_BODY_BYTES + 1);
    let replies = [
        (200, house.get("/user?username=anna").await),
        (204, house.delete("/user/attribute?username=anna&attributename=x").await),
        (400, house.get("/user").await),
        (401, house.request("GET", "/user").without("authorization").send().await),
        (403, house.request("GET", "/user").from("192.0.2.1").send().await),
        (404, house.get("/nowhere").await),
        (404, house.request("GET", "").at("/rest/usermanagement").send().await),
        (405, house.request("PATCH", "/user").send().await),
        (406, house.request("GET", "/user?username=anna").accept("image/png").send().await),
        (413, house.request("POST", "/user").body(JSON, long).send().await),
        (415, house.request("POST", "/user").body("text/plain", "x").send().await),
    ];
    for (status, reply) in replies {
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("x-embedded-crowd-version"), VERSION, "{status}");
        assert_eq!(reply.header("x-crowd-user-management-version"), "1.4", "{status}");
        assert_eq!(reply.header("cache-control"), "no-cache, no-store, no-transform", "{status}");
    }
}

#[tokio::test]
async fn who_shows_nothing_is_challenged_before_anything_else_is_looked_at() {
    let house = House::furnished().await;
    for path in ["/user?username=anna", "/nowhere", "/session/x", "/user?username=a&username=b"] {
        for (name, password) in [("", ""), ("wiki", "wrong"), ("nobody", "wrong"), ("wiki", "")] {
            let asking = house.request("GET", path);
            let asking = match name {
                "" => asking.without("authorization"),
                name => asking.shown_as(name, password),
            };
            let reply = asking.accept(JSON).send().await;
            assert_eq!(reply.status, 401, "{path} {name}");
            assert_eq!(reply.body, "Application failed to authenticate");
            assert_eq!(reply.header("content-type"), "text/plain;charset=UTF-8");
            assert_eq!(reply.header("www-authenticate"), "BASIC realm=\"Crowd REST Service\"");
        }
        house.clock.advance(std::time::Duration::from_secs(3_600));
    }
}

#[tokio::test]
async fn a_user_is_no_application() {
    let house = House::furnished().await;
    house.request("GET", "/user?username=anna").shown_as("anna", RIGHT).send().await.is(401);
}

#[tokio::test]
async fn guessing_is_slowed_down_with_a_time_to_wait_t46() {
    let house = House::new().await;
    for _ in 0..5 {
        house.request("GET", "/user").shown_as("wiki", "wrong").send().await.is(401);
    }
    let reply = house.request("GET", "/user").shown_as("wiki", "wrong").accept(JSON).send().await;
    reply.refuses(503, "OPERATION_FAILED");
    assert_eq!(reply.header("retry-after"), "1");
}

#[tokio::test]
async fn a_foreign_address_is_forbidden_in_both_phrases_r803() {
    let house = House::furnished().await;
    let reply = house.request("GET", "/user?username=anna").from("192.0.2.1").send().await;
    reply.is(403);
    assert!(reply.header("content-type").starts_with("text/html"));
    let old = "<h1>HTTP Status 403 - Client with address \"192.0.2.1\" is forbidden from making requests to the \
               application, wiki.</h1>";
    assert!(reply.body.contains(old), "{}", reply.body);
    assert!(reply.body.contains("The server understood the request but refuses to authorize it."));
    house.wiki.allow_addresses(vec!["192.0.2.0/24".parse().unwrap()]).await.unwrap();
    house.request("GET", "/user?username=anna").from("192.0.2.1").send().await.is(200);
    house.request("GET", "/user?username=anna").send().await.is(403);
    house.wiki.allow_addresses(vec![]).await.unwrap();
    house.request("GET", "/user?username=anna").from("192.0.2.1").send().await.is(403);
}

#[tokio::test]
async fn an_allowed_address_replaces_no_password_t46() {
    let house = House::furnished().await;
    house.request("GET", "/user?username=anna").shown_as("wiki", "wrong").send().await.is(401);
    house.request("GET", "/user?username=anna").without("authorization").send().await.is(401);
}

#[tokio::test]
async fn addresses_are_taken_from_trusted_proxies_only_t75() {
    let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let house = House::with(1, ServerConfig { trusted_proxies, ..ServerConfig::default() }).await;
    house.wiki.allow_addresses(vec!["192.0.2.7".parse().unwrap()]).await.unwrap();
    let long = format!("192.0.2.7,{}", "1.1.1.1,".repeat(1_250));
    for (peer, stated, status) in [
        ("10.0.0.1", vec!["192.0.2.7"], 200),
        ("10.0.0.1", vec!["::ffff:192.0.2.7"], 200),
        ("10.0.0.1", vec!["192.0.2.8", "192.0.2.7"], 200),
        ("10.0.0.1", vec!["192.0.2.7", "192.0.2.8"], 403),
        ("10.0.0.1", vec!["192.0.2.7, 192.0.2.8"], 403),
        ("10.0.0.1", vec!["a"], 403),
        ("10.0.0.1", vec![&long], 403),
        ("10.0.0.1", vec![], 403),
        ("192.0.2.8", vec!["192.0.2.7"], 403),
        ("192.0.2.7", vec!["a"], 200),
    ] {
        let mut asking = house.request("GET", "/config/cookie").from(peer);
        for value in &stated {
            asking = asking.header("x-forwarded-for", value);
        }
        assert_eq!(asking.send().await.status, status, "{peer} {stated:?}");
    }
}

#[tokio::test]
async fn versions_are_aliases_and_other_paths_are_nothing_t84() {
    let house = House::furnished().await;
    for version in ["1", "1.0", "latest"] {
        let path = format!("/rest/usermanagement/{version}/user?username=anna");
        let reply = house.request("GET", "").at(&path).send().await;
        assert!(reply.is(200).body.contains("/rest/usermanagement/1/user?username=Anna"), "{}", reply.body);
    }
    for path in [
        "/rest/usermanagement/2/user?username=anna",
        "/rest/usermanagement/11/user?username=anna",
        "/rest/usermanagement/1",
        "/rest/usermanagement/1/",
        "/rest/usermanagement/1/user/?username=anna",
        "/rest/usermanagement/1//user?username=anna",
        "/rest/usermanagement/1/user%2Fattribute?username=anna",
        "/rest/usermanagement/1/../1/user?username=anna",
        "/rest/usermanagement/1/user;x=1?username=anna",
    ] {
        house.request("GET", "").at(path).accept(JSON).send().await.refuses(404, "OPERATION_FAILED");
    }
}

#[tokio::test]
async fn a_host_mounts_it_anywhere_and_links_follow() {
    let house = House::furnished().await;
    let router = Router::new().nest("/crowd", house.server.router());
    let reply = house
        .request("GET", "")
        .at("/crowd/rest/usermanagement/1/user?username=anna")
        .header("host", "id.example.org:8443")
        .send_to(router)
        .await;
    let link = "http://id.example.org:8443/crowd/rest/usermanagement/1/user?username=Anna";
    assert!(reply.is(200).body.contains(link), "{}", reply.body);
    let reply = house.request("GET", "/user?username=anna").header("host", "a\"><b").send().await;
    assert!(reply.is(200).body.contains("http://localhost/rest/"), "{}", reply.body);
    let base_url = Some("https://id.example.org/crowd/".to_owned());
    let house = House::with(1, ServerConfig { base_url, ..ServerConfig::default() }).await;
    let reply = house.post("/group", r#"{"name":"a b&c"}"#).await;
    assert_eq!(
        reply.is(201).header("location"),
        "https://id.example.org/crowd/rest/usermanagement/1/group?groupname=a%20b%26c"
    );
}

#[tokio::test]
async fn the_format_is_the_one_that_is_asked_for_and_xml_otherwise() {
    let house = House::furnished().await;
    for (accept, expected) in [
        ("", XML),
        ("*/*", XML),
        (XML, XML),
        ("text/xml", XML),
        (JSON, JSON),
        ("text/html, */*;q=0.1", XML),
        ("application/xml;q=0.5, application/json", JSON),
    ] {
        for path in ["/user?username=anna", "/user?username=nobody"] {
            let reply = match accept {
                "" => house.get(path).await,
                accept => house.request("GET", path).accept(accept).send().await,
            };
            assert_eq!(reply.header("content-type"), expected, "{accept} {path}");
        }
    }
    // Where nothing is answered, anything will do.
    house.request("DELETE", "/group?groupname=everybody").accept("image/png").send().await.is(204);
    let reply = house.request("GET", "/group/membership").accept(JSON).send().await;
    assert_eq!(reply.is(200).header("content-type"), XML);
}

#[tokio::test]
async fn answers_without_a_body_say_so() {
    let house = House::furnished().await;
    let reply = house.post("/user/group/direct?username=bela", r#"{"name":"staff"}"#).await;
    reply.is(201);
    assert_eq!((reply.header("content-type"), reply.header("content-length")), (JSON, "0"));
    assert!(reply.body.is_empty());
    let reply = house.delete("/user/group/direct?username=bela&groupname=staff").await;
    assert_eq!((reply.is(204).header("content-type"), reply.body.as_str()), ("", ""));
    let reply = house.request("HEAD", "/user?username=anna").accept(JSON).send().await;
    assert_eq!((reply.is(200).header("content-type"), reply.body.as_str()), (JSON, ""));
    house.request("HEAD", "/group/membership").send().await.is(200);
}

#[tokio::test]
async fn a_method_that_is_not_there_tells_those_that_are() {
    let house = House::new().await;
    let reply = house.request("POST", "/config/cookie").accept(JSON).send().await;
    reply.refuses(405, "OPERATION_FAILED");
    assert_eq!(reply.header("allow"), "GET");
    assert_eq!(
        house.request("OPTIONS", "/user").send().await.is(405).header("allow"),
        "GET, POST, PUT, DELETE"
    );
}

#[tokio::test]
async fn what_clients_send_along_is_borne() {
    let house = House::furnished().await;
    house.request("GET", "/user?username=anna").header("content-type", "text/html").send().await.is(200);
    house
        .request("DELETE", "/user/attribute?username=anna&attributename=x")
        .body(JSON, "{}")
        .send()
        .await
        .is(204);
    house.request("GET", "/user?username=anna&expand=none&foo=bar").send().await.is(200);
    for content_type in ["application/xml; charset=\"utf-8\"", "text/xml", "application/xml;charset=UTF-8"] {
        let body = "<password><value>wrong one</value></password>";
        let reply =
            house.request("POST", "/authentication?username=nobody").body(content_type, body).send().await;
        assert!(reply.is(400).body.contains("<reason>INVALID_USER_AUTHENTICATION</reason>"));
    }
    let whole = house.request("GET", "/user?username=anna&expand=attributes").accept(JSON).send().await.body;
    house.put("/user?username=anna", &whole.replace("\"active\":true", "\"active\":\"true\"")).await.is(204);
}

#[tokio::test]
async fn the_documents_are_the_recorded_ones_to_the_letter() {
    let cookie =
        Cookie { domain: Some(".example.org".to_owned()), secure: CookieTransport::Any, ..Cookie::default() };
    let house = House::with(1, ServerConfig { cookie, ..ServerConfig::default() }).await;
    let body = r#"{"name":"Anna","first-name":"Anna","last-name":"Noe","email":"a@b.c","password":{"value":"x y z 1 2 3"},
        "attributes":{"attributes":[{"name":"phone","values":["1","2"]}]}}"#;
    house.post("/user", body).await.is(201);
    house.post("/group", r#"{"name":"Staff","type":"GROUP","description":"<all>"}"#).await.is(201);
    let key = house.wiki.find_user("anna").await.unwrap().subject().to_string();
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    let at = "http://localhost/rest/usermanagement/1";
    for (path, accept, expected) in [
        (
            "/user?username=anna",
            XML,
            format!(
                "{declaration}<user expand=\"attributes\" name=\"Anna\"><link rel=\"self\" \
                 href=\"{at}/user?username=Anna\"/><first-name>Anna</first-name><last-name>Noe</last-name>\
                 <display-name>Anna Noe</display-name><email>a@b.c</email><password><link rel=\"edit\" \
                 href=\"{at}/user/password?username=Anna\"/></password><key>{key}</key><active>true</active>\
                 <attributes><link rel=\"self\" href=\"{at}/user/attribute?username=Anna\"/></attributes></user>"
            ),
        ),
        (
            "/user?username=anna",
            JSON,
            format!(
                "{{\"expand\":\"attributes\",\"name\":\"Anna\",\"link\":{{\"rel\":\"self\",\
                 \"href\":\"{at}/user?username=Anna\"}},\"first-name\":\"Anna\",\"last-name\":\"Noe\",\
                 \"display-name\":\"Anna Noe\",\"email\":\"a@b.c\",\"password\":{{\"link\":{{\"rel\":\"edit\",\
                 \"href\":\"{at}/user/password?username=Anna\"}}}},\"key\":\"{key}\",\"active\":true,\
                 \"attributes\":{{\"link\":{{\"rel\":\"self\",\"href\":\"{at}/user/attribute?username=Anna\"}},\
                 \"attributes\":[]}}}}"
            ),
        ),
        (
            "/group?groupname=staff",
            XML,
            format!(
                "{declaration}<group expand=\"attributes\" name=\"Staff\"><link rel=\"self\" \
                 href=\"{at}/group?groupname=Staff\"/><description>&lt;all&gt;</description><type>GROUP</type>\
                 <active>true</active><attributes><link rel=\"self\" \
                 href=\"{at}/group/attribute?groupname=Staff\"/></attributes></group>"
            ),
        ),
        (
            "/config/cookie",
            XML,
            format!(
                "{declaration}<cookie-config><domain>.example.org</domain><secure>false</secure>\
                 <name>crowd.token_key</name></cookie-config>"
            ),
        ),
        (
            "/config/cookie",
            JSON,
            "{\"domain\":\".example.org\",\"secure\":false,\"name\":\"crowd.token_key\"}".to_owned(),
        ),
        (
            "/group/membership",
            XML,
            format!(
                "{declaration}<memberships><membership group=\"Staff\"><users></users><groups></groups></membership>\
                 </memberships>"
            ),
        ),
        (
            "/user?username=nobody",
            JSON,
            "{\"reason\":\"USER_NOT_FOUND\",\"message\":\"User <nobody> does not exist\"}".to_owned(),
        ),
        (
            "/search?entity-type=user&restriction=",
            XML,
            format!(
                "{declaration}<users expand=\"user\"><user name=\"Anna\"><link rel=\"self\" \
                 href=\"{at}/user?username=Anna\"/></user></users>"
            ),
        ),
    ] {
        let reply = house.request("GET", path).accept(accept).send().await;
        assert_eq!(reply.body, expected, "{path}");
    }
    let attributes = house.json("/user/attribute?username=anna").await;
    assert_eq!(attributes["attributes"][0]["values"], serde_json::json!(["1", "2"]));
    assert_eq!(
        attributes["attributes"][0]["link"]["href"],
        format!("{at}/user/attribute?username=Anna&attributename=phone")
    );
    let full = house.json("/user?username=anna&expand=attributes").await;
    assert_eq!(full["attributes"]["attributes"][0]["name"], "phone");
}

#[tokio::test]
async fn unknown_and_wrong_are_one_answer_to_the_byte_t42() {
    let house = House::furnished().await;
    let mut answers = Vec::new();
    for (name, password) in [
        ("anna", OTHER),
        ("nobody", OTHER),
        ("nobody", RIGHT),
        ("anna", ""),
        (" ", OTHER),
        ("anna ", RIGHT),
        ("*", OTHER),
        ("admin' OR '1'='1", OTHER),
        ("x'); DROP TABLE users;--", OTHER),
    ] {
        let query: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let body = serde_json::json!({ "value": password }).to_string();
        let reply = house.post(&format!("/authentication?username={query}"), &body).await;
        reply.refuses(400, "INVALID_USER_AUTHENTICATION");
        answers.push((reply.body, format!("{:?}", reply.headers)));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    house.post("/authentication?username=ANNA", &format!("{{\"value\":\"{RIGHT}\"}}")).await.is(200);
}

#[tokio::test]
async fn a_request_that_nobody_is_known_to_send_is_refused() {
    let house = House::furnished().await;
    let mut request = axum::http::Request::builder().uri(format!("{}/config/cookie", common::API));
    request = request.header("authorization", common::basic("wiki", &house.secret));
    let request = request.body(Body::empty()).unwrap();
    let reply = tower::ServiceExt::oneshot(house.router.clone(), request).await.unwrap();
    assert_eq!(reply.status(), 403);
}
