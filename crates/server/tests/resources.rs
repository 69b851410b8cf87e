//! Users, groups and memberships over the API.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use common::{House, JSON, OTHER, RIGHT, XML, names};
use throng_core::change::{Change, ChangeSet, OnCycle};
use throng_core::group::Member;
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Username};
use throng_core::resolve::Resolved;
use throng_core::store::Records;
use throng_core::time::Clock;
use throng_core::user::{Profile, User};
use throng_engine::Application;
use throng_engine::application::{Depth, NewAccount};
use throng_server::{Mail, MailFailed, ServerConfig};

#[tokio::test]
async fn a_user_is_made_changed_renamed_and_removed() {
    let house = House::new().await;
    let body = format!("{{\"name\":\"Anna\",\"email\":\"a@b.c\",\"password\":{{\"value\":\"{RIGHT}\"}}}}");
    let reply = house.post("/user", &body).await;
    let made: serde_json::Value = serde_json::from_str(&reply.is(201).body).unwrap();
    assert!(reply.header("location").ends_with("/rest/usermanagement/1/user?username=Anna"));
    assert_eq!(
        (&made["name"], &made["email"], &made["display-name"]),
        (&"Anna".into(), &"a@b.c".into(), &"Anna".into())
    );
    assert!(!reply.body.contains(RIGHT) && made["password"]["value"].is_null());
    house.wiki.authenticate("anna", RIGHT).await.unwrap();

    house.put("/user?username=ANNA", r#"{"name":"anna","last-name":"Noe"}"#).await.is(204);
    let kept = house.json("/user?username=anna").await;
    assert_eq!(
        (&kept["last-name"], &kept["email"]),
        (&"Noe".into(), &"a@b.c".into()),
        "what is not said stays"
    );
    house.put("/user?username=anna", r#"{"name":"bela"}"#).await.refuses(400, "INVALID_USER");
    house.put("/user?username=nobody", r#"{"name":"nobody"}"#).await.refuses(404, "USER_NOT_FOUND");
    house.put("/user?username=anna", r#"{"name":"anna","active":false}"#).await.is(204);
    let body = format!("{{\"value\":\"{RIGHT}\"}}");
    house.post("/authentication?username=anna", &body).await.refuses(400, "INACTIVE_ACCOUNT");
    house.put("/user?username=anna", r#"{"name":"anna","active":"true"}"#).await.is(204);

    let renamed = house.post("/user/rename?username=anna", r#"{"new-name":"annika"}"#).await;
    assert!(renamed.is(200).body.contains("\"name\":\"annika\""));
    let after: serde_json::Value = serde_json::from_str(&renamed.body).unwrap();
    assert_eq!(after["key"], made["key"], "the key never changes");
    let key = made["key"].as_str().unwrap();
    assert_eq!(house.json(&format!("/user?key={key}")).await["name"], "annika");
    house.request("GET", "/user?key=1:2").accept(JSON).send().await.refuses(404, "USER_NOT_FOUND");
    house
        .request("GET", &format!("/user?key={key}&username=anna"))
        .accept(JSON)
        .send()
        .await
        .refuses(400, "ILLEGAL_ARGUMENT");
    house.delete("/user?username=annika").await.is(204);
    house.delete("/user?username=annika").await.refuses(404, "USER_NOT_FOUND");
}

#[tokio::test]
async fn a_user_of_no_name_a_taken_name_or_a_bad_password_is_not_made() {
    let house = House::furnished().await;
    for name in
        ["", " ", "Anna", "ANNA", " x", "x ", "a\\u200bb", "adm\\u0000in", "\\u202enimda", &"a".repeat(256)]
    {
        let reply = house
            .post("/user", &format!("{{\"name\":\"{name}\",\"password\":{{\"value\":\"{OTHER}\"}}}}"))
            .await;
        reply.refuses(400, "INVALID_USER");
    }
    for password in ["", "short", "password", &"x".repeat(513)] {
        let reply = house
            .post("/user", &format!("{{\"name\":\"cleo\",\"password\":{{\"value\":\"{password}\"}}}}"))
            .await;
        reply.refuses(400, "INVALID_CREDENTIAL");
    }
    let body = r#"{"name":"cleo","attributes":{"attributes":[{"name":"","values":["1"]}]}}"#;
    house.post("/user", body).await.refuses(400, "INVALID_USER");
    house.request("GET", "/user?username=cleo").accept(JSON).send().await.refuses(404, "USER_NOT_FOUND");
    // A hash is no password: whoever could choose it could choose one that costs nothing to guess.
    let body = r#"{"name":"cleo","encrypted-password":{"value":"{SSHA}abc"},"active":false}"#;
    house.post("/user", body).await.refuses(400, "ILLEGAL_ARGUMENT");
    house.post("/user", r#"{"name":"cleo","encrypted-password":null,"active":false}"#).await.is(201);
    assert_eq!(house.json("/user?username=cleo").await["active"], false);
    assert!(house.wiki.authenticate("cleo", "{SSHA}abc").await.is_err());
}

#[tokio::test]
async fn nothing_is_assigned_that_a_profile_does_not_have_t82() {
    let house = House::furnished().await;
    let before = house.json("/user?username=anna&expand=attributes").await;
    let body = r#"{"name":"anna","key":"x","directory-id":7,"external-id":"x","password":{"value":"another one 1"},
        "encrypted-password":{"value":"x"},"attributes":{"attributes":[{"name":"role","values":["admin"]}]},
        "created-date":1,"requiresPasswordChange":true,"link":{"href":"x"}}"#;
    house.put("/user?username=anna", body).await.is(204);
    assert_eq!(house.json("/user?username=anna&expand=attributes").await, before);
    house.wiki.authenticate("anna", RIGHT).await.unwrap();
}

#[tokio::test]
async fn passwords_are_set_cleared_and_expired() {
    let house = House::furnished().await;
    house
        .put("/user/password?username=anna", r#"{"value":"short"}"#)
        .await
        .refuses(400, "INVALID_CREDENTIAL");
    house
        .put("/user/password?username=nobody", r#"{"value":"seven grey herons"}"#)
        .await
        .refuses(404, "USER_NOT_FOUND");
    let body = format!("<password><value>{OTHER}</value></password>");
    house.request("PUT", "/user/password?username=anna").body(XML, body).send().await.is(204);
    house.wiki.authenticate("anna", OTHER).await.unwrap();
    house.post("/user/expire-all-passwords", "").await.refuses(400, "ILLEGAL_ARGUMENT");
    house.wiki.authenticate("anna", OTHER).await.unwrap();
    house.request("POST", "/user/expire-all-passwords?confirm=true").send().await.is(204);
    let body = format!("{{\"value\":\"{OTHER}\"}}");
    house.post("/authentication?username=anna", &body).await.refuses(403, "EXPIRED_CREDENTIAL");
    house.delete("/user/password?username=anna").await.is(204);
    house.post("/authentication?username=anna", &body).await.refuses(400, "INVALID_USER_AUTHENTICATION");
    house.delete("/user/password?username=nobody").await.refuses(404, "USER_NOT_FOUND");
}

#[tokio::test]
async fn attributes_are_replaced_by_name() {
    let house = House::furnished().await;
    for (kind, name) in [("user", "username=anna"), ("group", "groupname=staff")] {
        let at = format!("/{kind}/attribute?{name}");
        let body = r#"{"attributes":[{"name":"a","values":["1","2"]},{"name":"b","values":["x"]}]}"#;
        house.post(&at, body).await.is(204);
        let xml =
            "<attributes><attribute name=\"a\"><values><value>3</value></values></attribute></attributes>";
        house.request("POST", &at).body(XML, xml).send().await.is(204);
        let kept = house.json(&at).await;
        assert_eq!(kept["attributes"][0]["values"], serde_json::json!(["3"]), "{kind}");
        assert_eq!(kept["attributes"][1]["values"], serde_json::json!(["x"]), "others stay");
        house.delete(&format!("{at}&attributename=a")).await.is(204);
        house.delete(&format!("{at}&attributename=a")).await.is(204);
        house.delete(&at).await.refuses(400, "ILLEGAL_ARGUMENT");
        assert_eq!(house.json(&at).await["attributes"].as_array().unwrap().len(), 1);
        house.post(&at, r#"{"attributes":[]}"#).await.is(204);
        house
            .post(&at, r#"{"attributes":[{"name":"a","values":["1"]},{"name":"a","values":["2"]}]}"#)
            .await
            .refuses(400, "ILLEGAL_ARGUMENT");
    }
    house.get("/user/attribute?username=nobody").await.is(404);
    house.get("/group/attribute?groupname=nobody").await.is(404);
}

#[tokio::test]
async fn a_group_is_made_changed_and_removed() {
    let house = House::furnished().await;
    let reply = house.post("/group", r#"{"name":"Crew","description":"d","type":"GROUP"}"#).await;
    assert!(reply.is(201).body.contains("\"name\":\"Crew\""));
    for name in ["crew", "", " ", "x "] {
        house.post("/group", &format!("{{\"name\":\"{name}\"}}")).await.refuses(400, "INVALID_GROUP");
    }
    house.post("/group", r#"{"name":"x","active":false}"#).await.refuses(400, "INVALID_GROUP");
    house.post("/group", r#"{"name":"x","type":"LEGACY_ROLE"}"#).await.refuses(400, "ILLEGAL_ARGUMENT");
    let reply = house.put("/group?groupname=crew", r#"{"name":"CREW","description":"other"}"#).await;
    assert!(reply.is(200).body.contains("\"description\":\"other\""));
    house.put("/group?groupname=crew", r#"{"name":"CREW"}"#).await.is(200);
    assert_eq!(house.json("/group?groupname=crew").await["description"], "other", "what is not said stays");
    house.put("/group?groupname=crew", r#"{"name":"staff"}"#).await.refuses(400, "INVALID_GROUP");
    house.put("/group?groupname=nobody", r#"{"name":"nobody"}"#).await.refuses(404, "GROUP_NOT_FOUND");
    house.delete("/group?groupname=crew").await.is(204);
    house.delete("/group?groupname=crew").await.refuses(404, "GROUP_NOT_FOUND");
}

#[tokio::test]
async fn memberships_are_seen_from_both_ends() {
    let house = House::furnished().await;
    for (path, expected) in [
        ("/user/group/direct?username=anna", vec!["Staff"]),
        ("/user/group/nested?username=anna", vec!["everybody", "Staff"]),
        ("/user/group/direct?username=bela", vec![]),
        ("/group/user/direct?groupname=staff", vec!["Anna"]),
        ("/group/user/direct?groupname=everybody", vec![]),
        ("/group/user/nested?groupname=everybody", vec!["Anna"]),
        ("/group/child-group/direct?groupname=everybody", vec!["Staff"]),
        ("/group/child-group/nested?groupname=everybody", vec!["Staff"]),
        ("/group/parent-group/direct?groupname=staff", vec!["everybody"]),
        ("/group/parent-group/nested?groupname=staff", vec!["everybody"]),
        ("/user/group/nested?username=anna&start-index=1", vec!["Staff"]),
        ("/user/group/nested?username=anna&max-results=1", vec!["everybody"]),
        ("/user/group/nested?username=anna&max-results=-1&expand=group", vec!["everybody", "Staff"]),
    ] {
        assert_eq!(names(&house.json(path).await), expected, "{path}");
    }
    let expanded = house.json("/user/group/direct?username=anna&expand=group").await;
    assert_eq!(expanded["groups"][0]["description"], "Who works here");
    let short = house.json("/user/group/direct?username=anna").await;
    assert!(short["groups"][0]["description"].is_null() && !short["groups"][0]["link"].is_null());
    let expanded = house.json("/group/user/direct?groupname=staff&expand=user").await;
    assert_eq!(expanded["users"][0]["email"], "anna@example.org");
}

#[tokio::test]
async fn one_membership_is_one_entity_or_none_cwd_2474() {
    let house = House::furnished().await;
    for (path, name) in [
        ("/user/group/direct?username=anna&groupname=STAFF", "Staff"),
        ("/user/group/nested?username=anna&groupname=everybody", "everybody"),
        ("/group/user/direct?groupname=staff&username=ANNA", "Anna"),
        ("/group/user/nested?groupname=everybody&username=anna", "Anna"),
        ("/group/child-group/direct?groupname=everybody&child-groupname=staff", "Staff"),
        ("/group/parent-group/nested?groupname=staff&parent-groupname=everybody", "everybody"),
    ] {
        let one = house.json(path).await;
        assert_eq!(
            (&one["name"], one["users"].is_null(), one["groups"].is_null()),
            (&name.into(), true, true),
            "{path}"
        );
    }
    for (path, reason) in [
        ("/user/group/direct?username=anna&groupname=everybody", "MEMBERSHIP_NOT_FOUND"),
        ("/user/group/direct?username=bela&groupname=staff", "MEMBERSHIP_NOT_FOUND"),
        ("/user/group/direct?username=anna&groupname=none", "GROUP_NOT_FOUND"),
        ("/user/group/direct?username=none&groupname=staff", "USER_NOT_FOUND"),
        ("/user/group/direct?username=none", "USER_NOT_FOUND"),
        ("/group/user/direct?groupname=staff&username=bela", "MEMBERSHIP_NOT_FOUND"),
        ("/group/user/direct?groupname=staff&username=none", "USER_NOT_FOUND"),
        ("/group/user/direct?groupname=none&username=anna", "GROUP_NOT_FOUND"),
        ("/group/user/nested?groupname=none", "GROUP_NOT_FOUND"),
        ("/group/child-group/direct?groupname=staff&child-groupname=everybody", "MEMBERSHIP_NOT_FOUND"),
        ("/group/child-group/direct?groupname=none", "GROUP_NOT_FOUND"),
        ("/group/parent-group/direct?groupname=everybody&parent-groupname=staff", "MEMBERSHIP_NOT_FOUND"),
        ("/group/parent-group/nested?groupname=none", "GROUP_NOT_FOUND"),
    ] {
        house.request("GET", path).accept(JSON).send().await.refuses(404, reason);
    }
    for path in [
        "/user/group/direct?username=anna&groupname=",
        "/user/group/direct?username=",
        "/user?username=",
        "/group/user/direct?groupname=staff&username=",
        "/group/child-group/direct?groupname=everybody&child-groupname=",
        "/group/parent-group/direct?groupname=staff&parent-groupname=",
        "/user/group/nested",
    ] {
        house.request("GET", path).accept(JSON).send().await.refuses(400, "ILLEGAL_ARGUMENT");
    }
}

#[tokio::test]
async fn a_member_is_added_once_and_from_either_end_r38() {
    let house = House::furnished().await;
    let reply = house.post("/user/group/direct?username=bela", r#"{"name":"staff"}"#).await;
    assert!(reply.is(201).header("location").ends_with("/1/user/group/direct?username=bela&groupname=Staff"));
    house
        .post("/user/group/direct?username=bela", r#"{"name":"staff"}"#)
        .await
        .refuses(409, "MEMBERSHIP_ALREADY_EXISTS");
    house
        .post("/group/user/direct?groupname=staff", r#"{"name":"bela"}"#)
        .await
        .refuses(409, "MEMBERSHIP_ALREADY_EXISTS");
    let reply = house.post("/group/user/direct?groupname=everybody", r#"{"name":"bela"}"#).await;
    assert!(
        reply.is(201).header("location").ends_with("/1/group/user/direct?groupname=everybody&username=bela")
    );
    // What the address names is 404, what the body names is 400 (R23).
    house
        .post("/group/user/direct?groupname=none", r#"{"name":"bela"}"#)
        .await
        .refuses(404, "GROUP_NOT_FOUND");
    house
        .post("/group/user/direct?groupname=staff", r#"{"name":"none"}"#)
        .await
        .refuses(400, "USER_NOT_FOUND");
    house
        .post("/user/group/direct?username=none", r#"{"name":"staff"}"#)
        .await
        .refuses(404, "USER_NOT_FOUND");
    house
        .post("/user/group/direct?username=bela", r#"{"name":"none"}"#)
        .await
        .refuses(400, "GROUP_NOT_FOUND");
    house
        .post("/group/child-group/direct?groupname=staff", r#"{"name":"none"}"#)
        .await
        .refuses(400, "GROUP_NOT_FOUND");
    house
        .post("/group/child-group/direct?groupname=none", r#"{"name":"staff"}"#)
        .await
        .refuses(404, "GROUP_NOT_FOUND");
    house
        .post("/group/parent-group/direct?groupname=staff", r#"{"name":"none"}"#)
        .await
        .refuses(400, "GROUP_NOT_FOUND");

    house.delete("/group/user/direct?groupname=everybody&username=bela").await.is(204);
    house
        .delete("/group/user/direct?groupname=everybody&username=bela")
        .await
        .refuses(404, "MEMBERSHIP_NOT_FOUND");
    house.delete("/user/group/direct?username=bela&groupname=staff").await.is(204);
    house
        .delete("/user/group/direct?username=bela&groupname=staff")
        .await
        .refuses(404, "MEMBERSHIP_NOT_FOUND");
    house.delete("/user/group/direct?username=bela&groupname=none").await.refuses(404, "GROUP_NOT_FOUND");
    house.delete("/user/group/direct?username=none&groupname=staff").await.refuses(404, "USER_NOT_FOUND");
    house.delete("/user/group/direct?username=bela").await.refuses(400, "ILLEGAL_ARGUMENT");
}

#[tokio::test]
async fn groups_never_stand_in_a_circle_r38() {
    let house = House::furnished().await;
    for (own, other) in [("staff", "staff"), ("staff", "everybody")] {
        let body = format!("{{\"name\":\"{other}\",\"description\":\"a whole entity\",\"active\":true}}");
        house
            .post(&format!("/group/child-group/direct?groupname={own}"), &body)
            .await
            .refuses(400, "INVALID_MEMBERSHIP");
    }
    house
        .post("/group/parent-group/direct?groupname=everybody", r#"{"name":"staff"}"#)
        .await
        .refuses(400, "INVALID_MEMBERSHIP");
    house
        .post("/group/child-group/direct?groupname=everybody", r#"{"name":"staff"}"#)
        .await
        .refuses(409, "MEMBERSHIP_ALREADY_EXISTS");
    house.wiki.create_group("crew", "").await.unwrap();
    let reply = house.post("/group/parent-group/direct?groupname=crew", r#"{"name":"staff"}"#).await;
    assert!(
        reply
            .is(201)
            .header("location")
            .ends_with("/group/parent-group/direct?groupname=crew&parent-groupname=Staff")
    );
    house.delete("/group/child-group/direct?groupname=staff&child-groupname=crew").await.is(204);
    house
        .delete("/group/child-group/direct?groupname=staff&child-groupname=crew")
        .await
        .refuses(404, "MEMBERSHIP_NOT_FOUND");
}

#[tokio::test]
async fn many_members_come_in_pieces_and_in_order() {
    let house = House::new().await;
    house.wiki.create_group("all", "").await.unwrap();
    house.wiki.create_group("none <&\">", "").await.unwrap();
    let total = 2_345;
    let mut expected = Vec::new();
    let mut changes = Vec::new();
    for n in 0..total {
        let name = format!("u{n:05}");
        changes.push(Change::AddUser {
            directory: house.directories[0],
            user: User {
                external_id: ExternalId::new(name.as_str()).unwrap(),
                name: Username::new(&name).unwrap(),
                profile: Profile::default(),
                active: true,
                attributes: Default::default(),
            },
            free_in: vec![],
            credential: None,
        });
        changes.push(Change::AddMember {
            directory: house.directories[0],
            group: GroupName::new("all").unwrap(),
            member: Member::User(Username::new(&name).unwrap()),
            cycle: OnCycle::Refuse,
        });
        expected.push(name);
    }
    house.store.apply(&ChangeSet::new(house.clock.now(), changes)).await.unwrap();
    assert_eq!(
        house.json("/group/user/direct?groupname=all").await["users"].as_array().unwrap().len(),
        1_000
    );
    assert_eq!(names(&house.json("/group/user/direct?groupname=all&max-results=-1").await), expected);
    let part = "/group/user/nested?groupname=all&max-results=1500&start-index=700";
    assert_eq!(names(&house.json(part).await), expected[700..2_200]);
    let search = "/search?entity-type=USER&restriction=&max-results=-1";
    assert_eq!(names(&house.json(search).await), expected);
    let dump = house.get("/group/membership").await;
    assert_eq!(dump.is(200).body.matches("<user name=").count(), total);
    assert!(dump.body.ends_with("</memberships>"));
    let empty =
        "<membership group=\"none &lt;&amp;&quot;&gt;\"><users></users><groups></groups></membership>";
    assert!(dump.body.contains(empty), "{}", &dump.body[dump.body.len() - 300..]);
}

#[tokio::test]
async fn a_shadowed_user_is_nobody_and_nobodys_member() {
    let house = House::with(2, ServerConfig::default()).await;
    let lower = throng_core::plan::Plan::new().seat(house.directories[1]).unwrap();
    let lower = house.throng.ensure_application("lower", lower).await.unwrap();
    let hidden = lower.create_user(NewAccount::named("anna").email("low@b.c")).await.unwrap();
    lower.create_group("staff", "").await.unwrap();
    lower.add_user_to_group(&hidden, "staff").await.unwrap();
    assert_eq!(lower.groups_of(&hidden, Depth::Direct).await.unwrap().len(), 1);
    let upper = throng_core::plan::Plan::new().seat(house.directories[0]).unwrap();
    let upper = house.throng.ensure_application("upper", upper).await.unwrap();
    upper.create_user(NewAccount::named("anna").email("high@b.c")).await.unwrap();
    assert_eq!(house.json("/user?username=anna").await["email"], "high@b.c");
    assert_eq!(names(&house.json("/user/group/direct?username=anna").await), [""; 0]);
    assert_eq!(names(&house.json("/group/user/direct?groupname=staff").await), [""; 0]);
    let key = hidden.subject().to_string();
    house
        .request("GET", &format!("/user?key={key}"))
        .accept(JSON)
        .send()
        .await
        .refuses(404, "USER_NOT_FOUND");
}

/// Keeps what it was asked to send.
#[derive(Debug, Default)]
struct Outbox(Mutex<Vec<String>>);

#[async_trait]
impl Mail for Outbox {
    async fn send_reset(&self, _: &Application, user: &Resolved<User>) -> Result<(), MailFailed> {
        self.0.lock().unwrap().push(format!("reset {}", user.value().profile.email));
        Ok(())
    }

    async fn send_usernames(&self, _: &Application, address: &str) -> Result<(), MailFailed> {
        self.0.lock().unwrap().push(format!("names {address}"));
        match address {
            "broken@example.org" => Err(MailFailed),
            "panic@example.org" => panic!("a fault of the host"),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn mails_are_sent_by_whoever_can() {
    let house = House::furnished().await;
    for path in ["/user/mail/password?username=anna", "/user/mail/usernames?email=a@b.c"] {
        house.post(path, "").await.refuses(403, "UNSUPPORTED_OPERATION");
    }
    let outbox = Arc::new(Outbox::default());
    let mail = Some(Arc::clone(&outbox) as Arc<dyn Mail>);
    let house = House::with(1, ServerConfig { mail, ..ServerConfig::default() }).await;
    house.wiki.create_user(NewAccount::named("anna").email("anna@example.org")).await.unwrap();
    house.wiki.create_user(NewAccount::named("bela")).await.unwrap();
    house.post("/user/mail/password?username=anna", "").await.is(204);
    house.post("/user/mail/password?username=bela", "").await.refuses(400, "INVALID_EMAIL");
    house.post("/user/mail/password?username=none", "").await.refuses(404, "USER_NOT_FOUND");
    house.post("/user/mail/usernames?email=none@example.org", "").await.is(204);
    house.post("/user/mail/usernames?email=broken@example.org", "").await.refuses(503, "OPERATION_FAILED");
    house.post("/user/mail/usernames", "").await.refuses(400, "ILLEGAL_ARGUMENT");
    let panicked = house.post("/user/mail/usernames?email=panic@example.org", "").await;
    panicked.refuses(500, "OPERATION_FAILED");
    assert!(panicked.header("x-embedded-crowd-version").starts_with("Throng/"), "a panic is an answer, too");
    let sent = outbox.0.lock().unwrap().clone();
    assert_eq!(
        sent,
        [
            "reset anna@example.org",
            "names none@example.org",
            "names broken@example.org",
            "names panic@example.org"
        ]
    );
}

#[tokio::test]
async fn there_are_no_pictures() {
    let house = House::furnished().await;
    house
        .request("GET", "/user/avatar?username=anna&s=48")
        .accept(JSON)
        .send()
        .await
        .refuses(404, "OPERATION_FAILED");
    house
        .request("GET", "/user/avatar?username=none")
        .accept(JSON)
        .send()
        .await
        .refuses(404, "USER_NOT_FOUND");
}
