//! Single sign-on over the API.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{House, JSON, OTHER, RIGHT, XML};
use serde_json::{Value, json};
use throng_core::directory::UserPatch;
use throng_core::plan::{Access, Plan, Seat};
use throng_engine::Error;

const HERE: &[(&str, &str)] = &[("remote_address", "192.0.2.1"), ("X-Forwarded-For", "10.0.0.1")];
const THERE: &[(&str, &str)] = &[("remote_address", "192.0.2.2")];

fn factors(factors: &[(&str, &str)]) -> Value {
    let each: Vec<Value> =
        factors.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({ "validationFactors": each })
}

async fn open(
    house: &House,
    query: &str,
    name: &str,
    password: &str,
    bound: &[(&str, &str)],
) -> common::Reply {
    let body = json!({ "username": name, "password": password, "validation-factors": factors(bound) });
    house.post(&format!("/session{query}"), &body.to_string()).await
}

async fn token(house: &House, name: &str, password: &str, bound: &[(&str, &str)]) -> String {
    let reply = open(house, "", name, password, bound).await;
    let entity: Value = serde_json::from_str(&reply.is(201).body).unwrap();
    entity["token"].as_str().unwrap().to_owned()
}

async fn validate(house: &House, token: &str, bound: &[(&str, &str)]) -> common::Reply {
    house.post(&format!("/session/{token}"), &factors(bound).to_string()).await
}

#[tokio::test]
async fn a_session_is_opened_validated_and_ended() {
    let house = House::furnished().await;
    let reply = open(&house, "", "ANNA", RIGHT, HERE).await;
    let entity: Value = serde_json::from_str(&reply.is(201).body).unwrap();
    let token = entity["token"].as_str().unwrap();
    assert!(token.len() >= 24 && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    let place = format!("/rest/usermanagement/1/session/{token}");
    assert!(
        reply.header("location").ends_with(&place)
            && entity["link"]["href"].as_str().unwrap().ends_with(&place)
    );
    assert_eq!(
        (&entity["user"]["name"], &entity["user"]["email"]),
        (&json!("Anna"), &Value::Null),
        "in short"
    );
    let (created, expiry) =
        (entity["created-date"].as_u64().unwrap(), entity["expiry-date"].as_u64().unwrap());
    assert_eq!(expiry - created, 3_600_000);

    house.clock.advance(Duration::from_secs(1_800));
    let reversed: Vec<_> = HERE.iter().rev().copied().collect();
    let reply = validate(&house, token, &reversed).await;
    let again: Value = serde_json::from_str(&reply.is(200).body).unwrap();
    assert_eq!((&again["token"], again["created-date"].as_u64()), (&json!(token), Some(created)));
    assert_eq!(again["expiry-date"].as_u64().unwrap() - expiry, 1_800_000, "a use moves the end");
    let look = house.json(&format!("/session/{token}")).await;
    assert_eq!(
        (&look["user"]["email"], &look["token"]),
        (&json!("anna@example.org"), &json!(token)),
        "in full"
    );

    house.delete(&format!("/session/{token}")).await.is(204);
    validate(&house, token, HERE).await.refuses(404, "INVALID_SSO_TOKEN");
    house.delete(&format!("/session/{token}")).await.is(204);
}

#[tokio::test]
async fn the_same_user_with_the_same_factors_has_the_same_token() {
    let house = House::furnished().await;
    let first = token(&house, "anna", RIGHT, HERE).await;
    assert_eq!(token(&house, "Anna", RIGHT, HERE).await, first);
    let others = [
        token(&house, "anna", RIGHT, THERE).await,
        token(&house, "anna", RIGHT, &[]).await,
        token(&house, "bela", OTHER, HERE).await,
    ];
    let different: BTreeSet<&String> = others.iter().chain([&first]).collect();
    assert_eq!(different.len(), 4);
    house.delete(&format!("/session/{first}")).await.is(204);
    let second = token(&house, "anna", RIGHT, HERE).await;
    assert_ne!(second, first, "one that has ended is not given again");
    house.clock.advance(Duration::from_secs(3_601));
    assert_ne!(token(&house, "anna", RIGHT, HERE).await, second);
}

#[tokio::test]
async fn a_token_opens_nothing_for_anybody_else_r35_t13() {
    let house = House::furnished().await;
    let good = token(&house, "anna", RIGHT, HERE).await;
    let shop = house
        .throng
        .ensure_application("shop", Plan::new().seat(house.directories[0]).unwrap())
        .await
        .unwrap();
    let secret = shop.draw_password().await.unwrap();
    let foreign = house.request("GET", &format!("/session/{good}")).shown_as("shop", secret.expose());
    let mut answers = vec![foreign.accept(JSON).send().await];
    let longest = "x".repeat(4_000);
    for bad in ["x", "%20", &format!("{good}%20"), &good[1..], &longest, "..", "%00", "a%2Fb"] {
        answers.push(house.request("GET", &format!("/session/{bad}")).accept(JSON).send().await);
    }
    for reply in &answers {
        reply.refuses(400, "INVALID_SSO_TOKEN");
    }
    let mut bodies: Vec<&str> = answers.iter().map(|reply| reply.body.as_str()).collect();
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the same bytes for all");
    for bound in [&[] as &[(&str, &str)], THERE, &HERE[..1]] {
        validate(&house, &good, bound).await.refuses(404, "INVALID_SSO_TOKEN");
    }
    house
        .request("DELETE", &format!("/session/{good}"))
        .shown_as("shop", secret.expose())
        .send()
        .await
        .is(204);
    validate(&house, &good, HERE).await.is(200);
}

#[tokio::test]
async fn factors_may_be_left_out_and_then_bind_too() {
    let house = House::furnished().await;
    let free = token(&house, "anna", RIGHT, &[]).await;
    for body in ["", "{}", "\"\"", r#"{"validationFactors":[]}"#] {
        house.post(&format!("/session/{free}"), body).await.is(200);
    }
    house
        .request("POST", &format!("/session/{free}"))
        .body("text/xml", "<validation-factors/>")
        .send()
        .await
        .is(200);
    validate(&house, &free, HERE).await.refuses(404, "INVALID_SSO_TOKEN");
    let xml = "<authentication-context><username>anna</username><password><![CDATA[a lantern]]><![CDATA[ in the fog]]>\
         </password><validation-factors><validation-factor><name>remote_address</name><value>1.2.3.4</value>\
         </validation-factor></validation-factors></authentication-context>";
    let reply = house.request("POST", "/session?expand=user").body("text/xml", xml).send().await;
    assert!(reply.is(201).body.contains("<session expand=\"user\"><token>"), "{}", reply.body);
    assert_eq!(reply.header("content-type"), XML);
    assert!(reply.body.contains("<email>anna@example.org</email>"));
    let order = [
        "<token>",
        "<user ",
        "<link rel=\"self\" href=\"http://localhost/rest/usermanagement/1/session/",
        "<created-date>",
        "<expiry-date>",
    ];
    let mut at = 0;
    for element in order {
        at += reply.body[at..].find(element).unwrap_or_else(|| panic!("{element} in {}", reply.body));
    }
}

#[tokio::test]
async fn who_is_refused_gets_no_session() {
    let house = House::furnished().await;
    open(&house, "", "anna", OTHER, HERE).await.refuses(400, "INVALID_USER_AUTHENTICATION");
    open(&house, "", "nobody", RIGHT, HERE).await.refuses(400, "INVALID_USER_AUTHENTICATION");
    open(&house, "", "anna", "", HERE).await.refuses(400, "INVALID_USER_AUTHENTICATION");
    house.post("/session", r#"{"username":"anna"}"#).await.refuses(400, "INVALID_USER_AUTHENTICATION");
    house.post("/session", r#"{"password":"x"}"#).await.refuses(400, "ILLEGAL_ARGUMENT");
    let groups = ["staff"].map(|name| throng_core::name::GroupName::new(name).unwrap());
    let access = Access::Groups(groups.into_iter().collect());
    let change = |plan: Plan| {
        Ok::<_, Error>(plan.filter_map_seats(|seat| Some(Seat { access: access.clone(), ..seat })))
    };
    house.wiki.change_plan(change).await.unwrap();
    open(&house, "", "bela", OTHER, HERE).await.refuses(403, "APPLICATION_ACCESS_DENIED");
    open(&house, "", "anna", RIGHT, HERE).await.is(201);
    let anna = house.wiki.find_user("anna").await.unwrap();
    let inactive = UserPatch { active: Some(false), ..UserPatch::default() };
    house.wiki.update_user(&anna, inactive).await.unwrap();
    open(&house, "", "anna", RIGHT, HERE).await.refuses(400, "INACTIVE_ACCOUNT");
    open(&house, "", "anna", OTHER, HERE).await.refuses(400, "INVALID_USER_AUTHENTICATION");
}

#[tokio::test]
async fn an_application_may_vouch_for_a_user_r215() {
    let house = House::furnished().await;
    let before = house.throng.hashes_run();
    let trusting = "?validate-password=false&expand=user";
    let reply = open(&house, trusting, "anna", "", HERE).await;
    assert!(reply.is(201).body.contains("anna@example.org"));
    house.request("POST", "/authentication/notify?username=ANNA").accept(JSON).send().await.is(200);
    open(&house, trusting, "nobody", "", HERE).await.refuses(400, "INVALID_USER_AUTHENTICATION");
    house
        .post("/authentication/notify?username=nobody", "")
        .await
        .refuses(400, "INVALID_USER_AUTHENTICATION");
    open(&house, "?validate-password=perhaps", "anna", "", HERE).await.refuses(400, "ILLEGAL_ARGUMENT");
    assert_eq!(house.throng.hashes_run(), before);
    open(&house, "?validate-password=true", "anna", OTHER, HERE)
        .await
        .refuses(400, "INVALID_USER_AUTHENTICATION");
    let anna = house.wiki.find_user("anna").await.unwrap();
    let inactive = UserPatch { active: Some(false), ..UserPatch::default() };
    house.wiki.update_user(&anna, inactive).await.unwrap();
    open(&house, trusting, "anna", "", HERE).await.refuses(400, "INACTIVE_ACCOUNT");
}

#[tokio::test]
async fn a_duration_only_shortens() {
    let house = House::furnished().await;
    for (duration, lasts) in [("", 3_600), ("?duration=60", 60), ("?duration=999999", 3_600)] {
        let reply = open(&house, duration, "anna", RIGHT, &[("n", duration)]).await;
        let entity: Value = serde_json::from_str(&reply.is(201).body).unwrap();
        let dates = ["created-date", "expiry-date"].map(|date| entity[date].as_u64().unwrap());
        assert_eq!(dates[1] - dates[0], lasts * 1_000, "{duration}");
    }
    let long = token(&house, "anna", RIGHT, HERE).await;
    let reply = open(&house, "?duration=60", "anna", RIGHT, HERE).await;
    assert!(
        !reply.is(201).body.contains(&long),
        "a longer session is not given to whoever asks for a shorter"
    );
    open(&house, "?duration=-1", "anna", RIGHT, HERE).await.refuses(400, "ILLEGAL_ARGUMENT");
}

#[tokio::test]
async fn sessions_of_a_user_are_ended_but_for_one() {
    let house = House::furnished().await;
    let (here, there) = (token(&house, "anna", RIGHT, HERE).await, token(&house, "anna", RIGHT, THERE).await);
    let bela = token(&house, "bela", OTHER, HERE).await;
    house.delete(&format!("/session?username=anna&exclude={here}")).await.is(204);
    validate(&house, &here, HERE).await.is(200);
    validate(&house, &there, THERE).await.refuses(404, "INVALID_SSO_TOKEN");
    house.delete("/session?username=anna").await.is(204);
    validate(&house, &here, HERE).await.refuses(404, "INVALID_SSO_TOKEN");
    validate(&house, &bela, HERE).await.is(200);
    house.delete("/session?username=nobody").await.refuses(404, "USER_NOT_FOUND");
    house.delete("/session").await.refuses(400, "ILLEGAL_ARGUMENT");
}

#[tokio::test]
async fn what_ends_an_account_ends_its_sessions_t72() {
    let house = House::furnished().await;
    let first = token(&house, "anna", RIGHT, HERE).await;
    house.put("/user/password?username=anna", &json!({ "value": OTHER }).to_string()).await.is(204);
    validate(&house, &first, HERE).await.refuses(404, "INVALID_SSO_TOKEN");
    let second = token(&house, "anna", OTHER, HERE).await;
    house.put("/user?username=anna", r#"{"name":"anna","active":false}"#).await.is(204);
    validate(&house, &second, HERE).await.refuses(404, "INVALID_SSO_TOKEN");
    house.put("/user?username=anna", r#"{"name":"anna","active":true}"#).await.is(204);
    validate(&house, &second, HERE).await.refuses(404, "INVALID_SSO_TOKEN");
    let third = token(&house, "anna", OTHER, HERE).await;
    house.delete("/user?username=anna").await.is(204);
    validate(&house, &third, HERE).await.refuses(404, "INVALID_SSO_TOKEN");
}

#[tokio::test]
async fn no_token_is_shown_by_anything_kept_t71() {
    let house = House::furnished().await;
    let token = token(&house, "anna", RIGHT, HERE).await;
    assert!(!format!("{:?} {:?}", house.server, house.store).contains(&token));
}
