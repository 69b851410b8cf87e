//! Every route with every way not to be let in, from the description that is made of the table of routes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use axum::http::Method;
use common::{House, JSON, OTHER, Reply};
use serde_json::Value;
use throng_core::permission::{Operation, Permissions};
use throng_server::openapi;

/// A route of the description, with a call of it that would succeed in a furnished house.
struct Described {
    method: String,
    path: String,
    body: Option<String>,
    permission: Option<String>,
}

fn described() -> Vec<Described> {
    let description: Value = serde_json::from_str(&openapi()).unwrap();
    let mut all = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let required = operation["parameters"].as_array().unwrap().iter().filter(|parameter| {
                parameter["in"] == "query"
                    && (parameter["required"] == true || parameter["name"] == "username")
            });
            let query: Vec<String> = required
                .map(|parameter| {
                    let name = parameter["name"].as_str().unwrap();
                    format!("{name}={}", value(path, name))
                })
                .collect();
            all.push(Described {
                method: method.to_uppercase_ascii(),
                path: format!("{}?{}", path.replace("{id}", "none"), query.join("&")),
                body: operation["requestBody"]["description"].as_str().map(|document| body(path, document)),
                permission: operation["x-permission"].as_str().map(str::to_owned),
            });
        }
    }
    all
}

trait AsciiUpper {
    fn to_uppercase_ascii(&self) -> String;
}

impl AsciiUpper for str {
    fn to_uppercase_ascii(&self) -> String {
        self.to_ascii_uppercase()
    }
}

fn value(path: &str, parameter: &str) -> &'static str {
    match (path, parameter) {
        ("/group/child-group/direct", "groupname") => "everybody",
        (_, "groupname" | "child-groupname") => "staff",
        ("/user/group/nested" | "/group/user/nested", "username") => "anna",
        (_, "username") => "anna",
        (_, "entity-type") => "user",
        (_, "confirm") => "true",
        _ => "x",
    }
}

fn body(path: &str, document: &str) -> String {
    match (path, document) {
        ("/user/group/direct", "group") => r#"{"name":"everybody"}"#.to_owned(),
        ("/group/user/direct", "user") => r#"{"name":"bela"}"#.to_owned(),
        ("/group/child-group/direct", _) => r#"{"name":"crew"}"#.to_owned(),
        ("/group/parent-group/direct", _) => r#"{"name":"crew"}"#.to_owned(),
        (_, "user") => r#"{"name":"anna"}"#.to_owned(),
        (_, "group") => r#"{"name":"staff"}"#.to_owned(),
        (_, "password") => format!("{{\"value\":\"{OTHER}\"}}"),
        (_, "rename") => r#"{"new-name":"annika"}"#.to_owned(),
        (_, "attributes") => r#"{"attributes":[{"name":"x","values":["1"]}]}"#.to_owned(),
        (_, "authentication-context") => r#"{"username":"anna"}"#.to_owned(),
        (_, "webhook") => r#"{"endpointUrl":"https://example.org/"}"#.to_owned(),
        _ => "{}".to_owned(),
    }
}

async fn call(house: &House, route: &Described, password: Option<&str>) -> Reply {
    let asking = house.request(&route.method, &route.path).accept(JSON);
    let asking = match password {
        Some(password) => asking.shown_as("wiki", password),
        None => asking.without("authorization"),
    };
    match &route.body {
        Some(body) => asking.body(JSON, body.clone()).send().await,
        None => asking.send().await,
    }
}

async fn house() -> House {
    let house = House::furnished().await;
    house.wiki.create_group("crew", "").await.unwrap();
    house
}

#[tokio::test]
async fn nobody_gets_in_without_a_credential_or_with_a_wrong_one_by_any_route_t83() {
    let routes = described();
    assert!(routes.len() > 50);
    let house = house().await;
    let head = house.throng.latest_change().await.unwrap();
    for route in &routes {
        assert!(Method::from_bytes(route.method.as_bytes()).is_ok());
        for password in [None, Some("wrong"), Some("")] {
            let reply = call(&house, route, password).await;
            assert_eq!(reply.status, 401, "{} {} {password:?}", route.method, route.path);
            assert_eq!(reply.body, "Application failed to authenticate");
            house.clock.advance(std::time::Duration::from_secs(3_600));
        }
    }
    assert_eq!(house.throng.latest_change().await.unwrap(), head, "nothing was changed");
}

#[tokio::test]
async fn what_an_application_may_not_do_is_forbidden_by_every_route_that_would_t83() {
    let mut asked = 0;
    for route in described() {
        let Some(permission) = &route.permission else { continue };
        let house = house().await;
        let needed =
            Operation::ALL.into_iter().find(|operation| format!("{operation:?}") == *permission).unwrap();
        let route = match (route.method.as_str(), route.path.as_str()) {
            ("POST", "/user?") => Described { body: Some(r#"{"name":"cleo"}"#.to_owned()), ..route },
            ("POST", "/group?") => Described { body: Some(r#"{"name":"new"}"#.to_owned()), ..route },
            _ => route,
        };
        house.allow(Permissions::ALL.without(needed)).await;
        let head = house.throng.latest_change().await.unwrap();
        let reply = call(&house, &route, Some(&house.secret)).await;
        assert_eq!(
            reply.fault(),
            (403, "APPLICATION_PERMISSION_DENIED".to_owned()),
            "{} {}",
            route.method,
            route.path
        );
        assert_eq!(house.throng.latest_change().await.unwrap(), head, "{} {}", route.method, route.path);
        house.allow(Permissions::ALL).await;
        let reply = call(&house, &route, Some(&house.secret)).await;
        assert!(reply.status.is_success(), "{} {}: {}", route.method, route.path, reply.body);
        asked += 1;
    }
    assert!(asked > 20, "{asked}");
}

#[tokio::test]
async fn every_route_answers_as_described_and_none_fails() {
    for route in described() {
        let house = house().await;
        let reply = call(&house, &route, Some(&house.secret)).await;
        assert!(!reply.status.is_server_error(), "{} {}: {}", route.method, route.path, reply.body);
        assert_ne!(reply.status, 405, "{} {}", route.method, route.path);
        if reply.status == 404 {
            assert_ne!(reply.fault().0, 200);
            let ids = route.path.contains("/none") || route.path.contains("avatar");
            assert!(ids, "{} {}: {}", route.method, route.path, reply.body);
        }
    }
}

#[tokio::test]
async fn an_application_that_may_only_read_reads() {
    let house = house().await;
    house.allow(Permissions::READ_ONLY).await;
    for route in described().iter().filter(|route| route.method == "GET" && !route.path.contains("none")) {
        if !route.path.contains("avatar") {
            call(&house, route, Some(&house.secret)).await.is(200);
        }
    }
}
