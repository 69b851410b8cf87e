//! Every route with every way not to be let in, from the description that is made of the table of routes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::Method;
use common::{House, JSON, OTHER, RIGHT, Reply, XML};
use serde_json::Value;
use throng_core::permission::{Operation, Permissions};
use throng_core::resolve::Resolved;
use throng_core::user::User;
use throng_engine::Application;
use throng_server::{Mail, MailFailed, ServerConfig, openapi};

/// A route of the description, with a call of it that would succeed in a furnished house.
struct Described {
    method: String,
    path: String,
    body: Option<String>,
    permission: Option<String>,
    /// The status of a success, with the types and the name of its document if it has one; none where there never is a
    /// success.
    success: Option<(u16, Vec<String>, String)>,
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
                body: operation["requestBody"]["description"]
                    .as_str()
                    .map(|document| body(method, path, document)),
                permission: operation["x-permission"].as_str().map(str::to_owned),
                success: success(&operation["responses"]),
            });
        }
    }
    all
}

/// The one success that is described, if any.
fn success(responses: &Value) -> Option<(u16, Vec<String>, String)> {
    let responses = responses.as_object().unwrap();
    let mut successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
    let (status, response) = successes.next()?;
    assert!(successes.next().is_none(), "a success has one status");
    let types = response["content"].as_object().map(|types| types.keys().cloned().collect());
    let name = response["description"].as_str().unwrap().to_owned();
    Some((status.parse().unwrap(), types.unwrap_or_default(), name))
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

fn body(method: &str, path: &str, document: &str) -> String {
    match (path, document) {
        ("/user", _) if method == "post" => r#"{"name":"cleo"}"#.to_owned(),
        ("/group", _) if method == "post" => r#"{"name":"new"}"#.to_owned(),
        ("/authentication", _) => format!("{{\"value\":\"{RIGHT}\"}}"),
        ("/user/group/direct", "group") => r#"{"name":"everybody"}"#.to_owned(),
        ("/group/user/direct", "user") => r#"{"name":"bela"}"#.to_owned(),
        ("/group/child-group/direct", _) => r#"{"name":"crew"}"#.to_owned(),
        ("/group/parent-group/direct", _) => r#"{"name":"crew"}"#.to_owned(),
        (_, "user") => r#"{"name":"anna"}"#.to_owned(),
        (_, "group") => r#"{"name":"staff"}"#.to_owned(),
        (_, "password") => format!("{{\"value\":\"{OTHER}\"}}"),
        (_, "rename") => r#"{"new-name":"annika"}"#.to_owned(),
        (_, "attributes") => r#"{"attributes":[{"name":"x","values":["1"]}]}"#.to_owned(),
        (_, "authentication-context") => format!("{{\"username\":\"anna\",\"password\":\"{RIGHT}\"}}"),
        (_, "search-restriction") => {
            r#"{"restriction-type":"property-search-restriction","property":{"name":"name","type":"STRING"},"match-mode":"EXACTLY_MATCHES","value":"anna"}"#.to_owned()
        }
        (_, "webhook") => r#"{"endpointUrl":"https://example.org/"}"#.to_owned(),
        _ => "{}".to_owned(),
    }
}

async fn call(house: &House, route: &Described, password: Option<&str>) -> Reply {
    call_for(JSON, house, route, password).await
}

async fn call_for(accept: &str, house: &House, route: &Described, password: Option<&str>) -> Reply {
    let asking = house.request(&route.method, &route.path).accept(accept);
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
    let mail = Some(Arc::new(Postbox) as Arc<dyn Mail>);
    let house = House::furnished_with(ServerConfig { mail, ..ServerConfig::default() }).await;
    house.wiki.create_group("crew", "").await.unwrap();
    house
}

/// Takes whatever mail there is.
#[derive(Debug)]
struct Postbox;

#[async_trait]
impl Mail for Postbox {
    async fn send_reset(&self, _: &Application, _: &Resolved<User>) -> Result<(), MailFailed> {
        Ok(())
    }

    async fn send_usernames(&self, _: &Application, _: &str) -> Result<(), MailFailed> {
        Ok(())
    }
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

/// The route with the id of something that is there.
async fn filled_in(house: &House, route: Described) -> Described {
    let id = match route.path.split('/').nth(1) {
        Some("session") => {
            let body = format!("{{\"username\":\"anna\",\"password\":\"{RIGHT}\"}}");
            let reply = house.post("/session", &body).await;
            serde_json::from_str::<Value>(&reply.is(201).body).unwrap()["token"].clone()
        }
        Some("webhook") => {
            let reply = house.post("/webhook", r#"{"endpointUrl":"https://example.org/"}"#).await;
            serde_json::from_str::<Value>(&reply.is(201).body).unwrap()["id"].clone()
        }
        _ => house.json("/event").await["newEventToken"].clone(),
    };
    Described { path: route.path.replace("none", id.as_str().unwrap()), ..route }
}

#[tokio::test]
async fn every_route_answers_as_described_and_none_fails() {
    for format in [JSON, XML] {
        for route in described() {
            let house = house().await;
            let route = match route.path.contains("/none") {
                true => filled_in(&house, route).await,
                false => route,
            };
            let reply = call_for(format, &house, &route, Some(&house.secret)).await;
            let case =
                format!("{} {} in {format}: {} {}", route.method, route.path, reply.status, reply.body);
            let Some((status, types, name)) = &route.success else {
                assert_eq!(reply.status, 404, "{case}");
                continue;
            };
            assert_eq!(reply.status, *status, "{case}");
            assert_eq!(reply.body.is_empty(), types.is_empty(), "{case}");
            if types.is_empty() {
                continue;
            }
            let sent = reply.header("content-type");
            assert!(types.iter().any(|described| described == sent), "{sent} {case}");
            assert_eq!(sent == format, types.iter().any(|described| described == format), "{sent} {case}");
            if sent == XML {
                let root =
                    reply.body.split_once("?>").map_or(reply.body.as_str(), |(_, root)| root).trim_start();
                let root = &root[1..root.find([' ', '>', '/']).unwrap()];
                assert!(name.split(" or ").any(|name| name == root), "{root} {case}");
            }
        }
    }
}

/// What a search answers with is what it asks for.
#[tokio::test]
async fn a_search_for_groups_answers_with_one_of_the_documents_that_are_described() {
    let house = house().await;
    let route = described().into_iter().find(|route| route.path.starts_with("/search")).unwrap();
    let (_, _, name) = route.success.unwrap();
    assert_eq!(name, "users or groups");
    let groups = house.request("GET", "/search?entity-type=group").accept(XML).send().await;
    assert!(groups.is(200).body.contains("<groups"), "{}", groups.body);
}

#[tokio::test]
async fn an_application_that_may_only_read_reads() {
    let house = house().await;
    house.allow(Permissions::READ_ONLY).await;
    for route in described().iter().filter(|route| route.method == "GET" && !route.path.contains("none")) {
        if route.success.is_some() {
            call(&house, route, Some(&house.secret)).await.is(200);
        }
    }
}
