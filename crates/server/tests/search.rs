//! Searches over the API.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{House, JSON, XML, names};
use throng_engine::application::NewAccount;
use throng_server::ServerConfig;

async fn house() -> House {
    let house = House::new().await;
    for name in ["Anna", "bela", "Cleo", "50%off", "a_b"] {
        let account =
            NewAccount::named(name).email(format!("{name}@example.org")).display_name(format!("{name} N"));
        house.wiki.create_user(account).await.unwrap();
    }
    house.put("/user?username=cleo", r#"{"name":"cleo","active":false,"last-name":"Noe"}"#).await.is(204);
    for (name, description) in [("Staff", "all of us"), ("admins", "few"), ("Adm-2", "")] {
        house.wiki.create_group(name, description).await.unwrap();
    }
    house
}

async fn found(house: &House, kind: &str, text: &str) -> Vec<String> {
    let query: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    names(&house.json(&format!("/search?entity-type={kind}&restriction={query}")).await)
}

#[tokio::test]
async fn a_text_finds_what_it_says() {
    let house = house().await;
    for (kind, text, expected) in [
        ("user", "", vec!["50%off", "a_b", "Anna", "bela", "Cleo"]),
        ("User", "  ", vec!["50%off", "a_b", "Anna", "bela", "Cleo"]),
        ("USER", "name = ANNA", vec!["Anna"]),
        ("user", "email=anna@example.org", vec!["Anna"]),
        ("user", "name = \"a*\"", vec!["a_b", "Anna"]),
        ("user", "name = \"*a\"", vec!["Anna", "bela"]),
        ("user", "name = \"*l*\" and active = true", vec!["bela"]),
        ("user", "active=false or name=bela", vec!["bela", "Cleo"]),
        ("user", "name = \"%\"", vec![]),
        ("user", "name = \"*%*\"", vec!["50%off"]),
        ("user", "name = \"*_*\"", vec!["a_b"]),
        ("user", "lastName = noe", vec!["Cleo"]),
        ("user", "(name=anna or name=bela) and email = \"b*\"", vec!["bela"]),
        ("group", "", vec!["Adm-2", "admins", "Staff"]),
        ("GROUP", "name = \"adm*\"", vec!["Adm-2", "admins"]),
        ("group", "description = few", vec!["admins"]),
    ] {
        assert_eq!(found(&house, kind, text).await, expected, "{kind} {text}");
    }
}

#[tokio::test]
async fn a_document_finds_what_it_says_in_either_format() {
    let house = house().await;
    let property = "<property-search-restriction><property><name>email</name><type>STRING</type></property>\
                    <match-mode>CONTAINS</match-mode><value>BELA</value></property-search-restriction>";
    let both = format!(
        "<boolean-search-restriction boolean-logic=\"or\"><restrictions>{property}\
        <property-search-restriction><property><name>name</name><type>STRING</type></property>\
        <match-mode>STARTS_WITH</match-mode><value>c</value></property-search-restriction></restrictions>\
        </boolean-search-restriction>"
    );
    let json = r#"{"restriction-type":"property-search-restriction","property":{"name":"name","type":"STRING"},
        "match-mode":"EXACTLY_MATCHES","value":"anna"}"#;
    let all = ["50%off", "a_b", "Anna", "bela", "Cleo"];
    for (content_type, body, expected) in [
        (XML, property, vec!["bela"]),
        (XML, &both, vec!["bela", "Cleo"]),
        (XML, "<null-search-restriction/>", all.to_vec()),
        (JSON, json, vec!["Anna"]),
        (JSON, r#"{"restriction-type":"null-search-restriction"}"#, all.to_vec()),
        (JSON, "{}", all.to_vec()),
        (JSON, "", all.to_vec()),
    ] {
        // The body may be in the one format and the answer in the other.
        let asking = house.request("POST", "/search?entity-type=user&start-index=0&max-results=-1");
        let reply = asking.accept(JSON).body(content_type, body.to_owned()).send().await;
        let list: serde_json::Value = serde_json::from_str(&reply.is(200).body).unwrap();
        assert_eq!(names(&list), expected, "{body}");
    }
}

#[tokio::test]
async fn pages_are_stable_and_in_order_r28() {
    let house = house().await;
    let mut paged = Vec::new();
    for start in 0..6 {
        let path = format!("/search?entity-type=user&restriction=&start-index={start}&max-results=1");
        paged.extend(names(&house.json(&path).await));
    }
    assert_eq!(paged, ["50%off", "a_b", "Anna", "bela", "Cleo"]);
    let list = house.json("/search?entity-type=user&restriction=&start-index=5&max-results=1").await;
    assert_eq!(list["users"], serde_json::json!([]), "an empty list keeps its key");
    assert!(names(&house.json("/search?entity-type=user&max-results=0").await).is_empty());
    for wrong in ["start-index=-1", "max-results=2147483648", "max-results=-2", "start-index=x"] {
        let path = format!("/search?entity-type=user&restriction=&{wrong}");
        house.request("GET", &path).accept(JSON).send().await.refuses(400, "ILLEGAL_ARGUMENT");
    }
}

#[tokio::test]
async fn as_much_is_said_as_is_asked_for() {
    let house = house().await;
    house
        .post("/user/attribute?username=anna", r#"{"attributes":[{"name":"x","values":["1"]}]}"#)
        .await
        .is(204);
    let first = |list: serde_json::Value| list["users"].as_array().unwrap()[0].clone();
    let path = "/search?entity-type=user&restriction=name%3Danna";
    let short = first(house.json(path).await);
    assert!(short["email"].is_null() && !short["link"].is_null());
    let full = first(house.json(&format!("{path}&expand=user")).await);
    assert_eq!(
        (&full["email"], &full["attributes"]["attributes"]),
        (&"Anna@example.org".into(), &serde_json::json!([]))
    );
    let whole = first(house.json(&format!("{path}&expand=user,attributes")).await);
    assert_eq!(whole["attributes"]["attributes"][0]["name"], "x");
    let group = house.json("/search?entity-type=group&restriction=name%3Dadmins&expand=group").await;
    assert_eq!(group["groups"][0]["description"], "few");
}

#[tokio::test]
async fn what_is_no_search_is_refused_t81() {
    let house = house().await;
    let deep = "(".repeat(3_000);
    let wide = vec!["name=a"; 300].join(" or ");
    for text in [
        "name =",
        "name",
        "= a",
        "name = a and",
        "(name = a",
        "name = \"a\\",
        &deep,
        &wide,
        "createdDate > 2010-12",
    ] {
        let query: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/search?entity-type=user&restriction={query}");
        house.request("GET", &path).accept(JSON).send().await.refuses(400, "ILLEGAL_ARGUMENT");
    }
    for path in
        ["/search", "/search?entity-type=", "/search?entity-type=role", "/search?restriction=name%3Da"]
    {
        house.request("GET", path).accept(JSON).send().await.refuses(400, "ILLEGAL_ARGUMENT");
    }
    let body = r#"{"restriction-type":"other"}"#;
    house.post("/search?entity-type=user", body).await.refuses(400, "ILLEGAL_ARGUMENT");
}

#[tokio::test]
async fn a_name_of_two_directories_is_found_once() {
    let house = House::with(2, ServerConfig::default()).await;
    for (directory, email) in house.directories.iter().zip(["high@b.c", "low@b.c"]) {
        let plan = throng_core::plan::Plan::new().seat(*directory).unwrap();
        let app = house.throng.ensure_application(email, plan).await.unwrap();
        app.create_user(NewAccount::named("anna").email(email)).await.unwrap();
    }
    let list = house.json("/search?entity-type=user&expand=user").await;
    assert_eq!(list["users"].as_array().unwrap().len(), 1);
    assert_eq!(list["users"][0]["email"], "high@b.c");
    assert!(names(&house.json("/search?entity-type=user&restriction=email%3Dlow@b.c").await).is_empty());
}
