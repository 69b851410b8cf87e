//! Writes: what is sent, and what each refusal means.

use std::sync::Arc;

use throng_client::{RemoteDirectory, Writes};
use throng_core::directory::{
    Directory, GroupPatch, NewGroup, NewUser, SetPasswords, UserPatch, WriteGroups, WriteMembers, WriteUsers,
};
use throng_core::entropy::Entropy;
use throng_core::error::Fault;
use throng_core::group::Member;
use throng_core::id::ExternalId;
use throng_core::user::Profile;

use super::server::*;

fn writable(server: &Server) -> RemoteDirectory {
    server.builder().writes(Writes::Allowed).build().expect("a directory")
}

fn new_user(name: &str) -> NewUser {
    let profile = Profile { display_name: "Anna & Berg".into(), email: "a@b".into(), ..Profile::default() };
    NewUser { name: username(name), profile, active: true }
}

fn id() -> ExternalId {
    ExternalId::new("32769:anna").expect("an id")
}

/// A server that knows Anna, and declines writes so.
async fn declining(status: u16, reason: &'static str) -> Server {
    Server::start(move |request| match request.line().as_str() {
        "GET user" => xml(200, &user("anna")),
        "GET group" => xml(200, &group("staff")),
        _ => declined(status, reason),
    })
    .await
}

/// A server that knows nobody, and declines writes so.
async fn empty(status: u16, reason: &'static str) -> Server {
    Server::start(move |request| match request.line().as_str() {
        "GET user" => declined(404, "USER_NOT_FOUND"),
        "GET group" => declined(404, "GROUP_NOT_FOUND"),
        _ => declined(status, reason),
    })
    .await
}

#[tokio::test]
async fn powers_are_those_that_were_configured() {
    let server = Server::start(|_| done(204)).await;
    let reading = server.directory();
    let powers = reading.powers();
    assert!(powers.users.is_none() && powers.groups.is_none() && powers.members.is_none());
    assert!(powers.passwords.is_none() && powers.sync.is_some());
    let writing = writable(&server);
    let powers = writing.powers();
    assert!(powers.users.is_some() && powers.groups.is_some() && powers.members.is_some());
    assert!(powers.passwords.is_some() && powers.sync.is_some());
}

#[tokio::test]
async fn a_user_is_made_and_looked_up() {
    let server = Server::start(|request| match request.line().as_str() {
        "POST user" => done(201),
        _ => xml(200, &user("anna")),
    })
    .await;
    let anna = writable(&server).add_user(&new_user("anna")).await.unwrap();
    assert_eq!(anna.external_id, id());
    assert_eq!(server.lines(), ["POST user", "GET user"]);
    let body = server.heard().remove(0).body;
    assert!(body.contains("<user name=\"anna\">"), "{body}");
    assert!(body.contains("<display-name>Anna &amp; Berg</display-name>"), "{body}");
    assert!(!body.contains("<password>"), "there is nothing to draw a password from: {body}");
}

#[derive(Debug)]
struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[tokio::test]
async fn a_user_gets_a_password_that_nobody_knows_where_one_can_be_drawn() {
    let server = Server::start(|request| match request.line().as_str() {
        "POST user" => done(201),
        _ => xml(200, &user("anna")),
    })
    .await;
    let directory = server.builder().writes(Writes::Allowed).entropy(Arc::new(Sevens)).build().unwrap();
    directory.add_user(&new_user("anna")).await.unwrap();
    let body = server.heard().remove(0).body;
    assert!(body.contains(&format!("<value>Aa1-{}</value>", "07".repeat(32))), "{body}");
}

#[tokio::test]
async fn a_write_that_was_done_is_done_whatever_else_is_said() {
    let answers: [Always; 3] = [
        || done(200),
        || {
            let head = head(201, "Content-Type: text/plain\r\n");
            Answer::Close(format!("{head}Content-Length: 9\r\n\r\ncut").into_bytes())
        },
        || xml(200, "<user"),
    ];
    for answer in answers {
        let server = Server::start(move |_| answer()).await;
        writable(&server).remove_group(&group_name("staff")).await.unwrap();
        assert_eq!(server.heard().len(), 1);
    }
}

#[tokio::test]
async fn a_user_that_was_made_under_another_name_is_broken_t11() {
    let server = Server::start(|request| match request.line().as_str() {
        "POST user" => done(201),
        _ => xml(200, &user("annabel")),
    })
    .await;
    let answer = fault(writable(&server).add_user(&new_user("anna")).await);
    assert_eq!(answer, (Fault::Broken, "OtherName".to_owned()));
}

#[tokio::test]
async fn one_reason_means_a_taken_name_and_an_impossible_one() {
    let taken = declining(400, "INVALID_USER").await;
    assert_eq!(fault(writable(&taken).add_user(&new_user("anna")).await).0, Fault::Conflict);
    let impossible = empty(400, "INVALID_USER").await;
    assert_eq!(fault(writable(&impossible).add_user(&new_user("anna")).await).0, Fault::Invalid);
    let group = NewGroup { name: group_name("staff"), description: String::new() };
    let taken = declining(400, "INVALID_GROUP").await;
    assert_eq!(fault(writable(&taken).add_group(&group).await).0, Fault::Conflict);
    let impossible = empty(400, "INVALID_GROUP").await;
    assert_eq!(fault(writable(&impossible).add_group(&group).await).0, Fault::Invalid);
}

#[tokio::test]
async fn a_write_names_its_account_by_the_name_that_the_id_has_today() {
    let server = Server::start(|request| match request.line().as_str() {
        "GET user" if request.has("key=32769%3Aanna") => {
            xml(200, &user_with("anna.berg", "<key>32769:anna</key>"))
        }
        "GET user" if request.has("username=anna.berg") => {
            xml(200, &user_with("anna.berg", "<key>32769:anna</key>"))
        }
        "GET user" => declined(404, "USER_NOT_FOUND"),
        _ => done(204),
    })
    .await;
    let directory = writable(&server);
    let patch = UserPatch {
        active: Some(false),
        attributes: vec![
            ("phone".into(), vec!["1".into(), "2".into()]),
            ("office".into(), vec![]),
            ("never there".into(), vec![]),
        ],
        ..UserPatch::default()
    };
    directory.update_user(&id(), &patch).await.unwrap();
    assert_eq!(
        server.lines(),
        ["GET user", "PUT user", "POST user/attribute", "DELETE user/attribute", "GET user"]
    );
    let heard = server.heard();
    assert!(heard.iter().skip(1).all(|request| request.has("username=anna.berg")), "{heard:?}");
    let put = &heard[1].body;
    assert!(
        put.contains("<active>false</active>") && put.contains("<first-name>First</first-name>"),
        "{put}"
    );
    assert!(heard[2].body.contains("<value>1</value><value>2</value>"), "{}", heard[2].body);
    assert!(heard[3].has("attributename=office"), "{}", heard[3].target);
    directory.set_password(&id(), &secret("new & good")).await.unwrap();
    let put = server.heard().pop().unwrap();
    assert_eq!((put.line().as_str(), put.has("username=anna.berg")), ("PUT user/password", true));
    assert!(put.body.contains("<value>new &amp; good</value>"), "{}", put.body);
    directory.remove_user(&id()).await.unwrap();
    assert_eq!(server.lines().pop().unwrap(), "DELETE user");
}

#[tokio::test]
async fn an_id_that_stands_for_a_name_is_asked_for_by_the_name() {
    let server = Server::start(|request| match request.line().as_str() {
        "GET user" => xml(200, &user_with("Anna", "")),
        _ => done(204),
    })
    .await;
    let named = ExternalId::of_name(username("anna").key()).unwrap();
    writable(&server).remove_user(&named).await.unwrap();
    let heard = server.heard();
    assert!(heard[0].has("username=anna") && heard[1].has("username=Anna"), "{heard:?}");
    // The name leads to an account that has a key by now: another one.
    let server = declining(400, "INVALID_USER").await;
    assert_eq!(fault(writable(&server).remove_user(&named).await).0, Fault::Missing);
    assert_eq!(server.lines(), ["GET user"]);
}

#[tokio::test]
async fn an_account_of_another_key_is_not_written_to() {
    let server = Server::start(|_| xml(200, &user("bela"))).await;
    let answer = fault(writable(&server).remove_user(&id()).await);
    assert_eq!(answer, (Fault::Broken, "OtherName".to_owned()));
    assert_eq!(server.lines(), ["GET user"]);
}

#[tokio::test]
async fn an_empty_patch_writes_nothing() {
    let server = declining(500, "OPERATION_FAILED").await;
    let directory = writable(&server);
    assert_eq!(directory.update_user(&id(), &UserPatch::default()).await.unwrap().external_id, id());
    let group = directory.update_group(&group_name("STAFF"), &GroupPatch::default()).await.unwrap();
    assert_eq!((group.name.as_str(), server.lines().len()), ("staff", 2));
}

#[tokio::test]
async fn a_group_keeps_the_servers_spelling() {
    let server = Server::start(|request| match request.line().as_str() {
        "GET group" => xml(200, &group("Staff")),
        _ => xml(200, &group("Staff")),
    })
    .await;
    let patch = GroupPatch { description: Some("all".into()), ..GroupPatch::default() };
    writable(&server).update_group(&group_name("STAFF"), &patch).await.unwrap();
    let put = server.heard().remove(1);
    assert!(put.has("groupname=Staff") && put.body.contains("<group name=\"Staff\">"), "{put:?}");
    assert!(put.body.contains("<description>all</description>"), "{put:?}");
}

#[tokio::test]
async fn a_rename_names_the_new_name_in_its_body() {
    let server = Server::start(|request| match request.line().as_str() {
        "GET user" if request.has("username=anna.berg") => {
            xml(200, &user_with("anna.berg", "<key>32769:anna</key>"))
        }
        "GET user" => xml(200, &user("anna")),
        _ => done(204),
    })
    .await;
    let renamed = writable(&server).rename_user(&id(), &username("anna.berg")).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.external_id), ("anna.berg", id()));
    let post = server.heard().remove(1);
    assert_eq!((post.line().as_str(), post.has("username=anna")), ("POST user/rename", true));
    assert!(post.body.contains("<new-name>anna.berg</new-name>"), "{}", post.body);
}

#[tokio::test]
async fn a_rename_that_a_server_refuses_is_told_apart() {
    let server = Server::start(|request| match request.line().as_str() {
        "GET user" if request.has("username=bela") => xml(200, &user("bela")),
        "GET user" => xml(200, &user("anna")),
        _ => declined(400, "INVALID_USER"),
    })
    .await;
    let directory = writable(&server);
    assert_eq!(fault(directory.rename_user(&id(), &username("bela")).await).0, Fault::Conflict);
    // R255: a change of spelling alone meets nobody else.
    assert_eq!(fault(directory.rename_user(&id(), &username("ANNA")).await).0, Fault::Invalid);
    let old = Server::start(|request| match request.line().as_str() {
        "GET user" => xml(200, &user("anna")),
        _ => done(404),
    })
    .await;
    assert_eq!(fault(writable(&old).rename_user(&id(), &username("bela")).await).0, Fault::Forbidden);
}

#[tokio::test]
async fn each_refusal_means_what_it_says() {
    for (status, reason, expected) in [
        (404, "USER_NOT_FOUND", Fault::Missing),
        (404, "GROUP_NOT_FOUND", Fault::Missing),
        (400, "USER_NOT_FOUND", Fault::Missing),
        (404, "MEMBERSHIP_NOT_FOUND", Fault::Missing),
        (409, "MEMBERSHIP_ALREADY_EXISTS", Fault::Conflict),
        (409, "BRAND_NEW", Fault::Conflict),
        (400, "INVALID_MEMBERSHIP", Fault::Conflict),
        (400, "INVALID_CREDENTIAL", Fault::Invalid),
        (400, "ILLEGAL_ARGUMENT", Fault::Invalid),
        (403, "APPLICATION_PERMISSION_DENIED", Fault::Forbidden),
        (403, "UNSUPPORTED_OPERATION", Fault::Forbidden),
        (400, "NESTED_GROUPS_NOT_SUPPORTED", Fault::Forbidden),
        (403, "BRAND_NEW", Fault::Forbidden),
        (405, "BRAND_NEW", Fault::Forbidden),
        (400, "BRAND_NEW", Fault::Broken),
        (500, "OPERATION_FAILED", Fault::Unavailable),
    ] {
        let server = declining(status, reason).await;
        let directory = writable(&server);
        let anna = Member::User(username("anna"));
        let staff = group_name("staff");
        let patch = UserPatch { active: Some(false), ..UserPatch::default() };
        assert_eq!(fault(directory.add_member(&staff, &anna).await).0, expected, "{status} {reason}");
        assert_eq!(fault(directory.remove_member(&staff, &anna).await).0, expected, "{status} {reason}");
        assert_eq!(fault(directory.set_password(&id(), &secret("new")).await).0, expected, "{reason}");
        assert_eq!(fault(directory.update_user(&id(), &patch).await).0, expected, "{status} {reason}");
        assert_eq!(fault(directory.remove_user(&id()).await).0, expected, "{status} {reason}");
        assert_eq!(fault(directory.remove_group(&staff).await).0, expected, "{status} {reason}");
    }
    let forbidden = Server::start(|request| match request.line().as_str() {
        "GET user" => xml(200, &user("anna")),
        _ => done(403),
    })
    .await;
    let answer = fault(writable(&forbidden).remove_group(&group_name("staff")).await);
    assert_eq!(answer, (Fault::Forbidden, "CallerRefused".to_owned()));
}

#[tokio::test]
async fn members_are_named_in_body_and_query() {
    let server = Server::start(|_| done(204)).await;
    let directory = writable(&server);
    let (anna, devs) = (Member::User(username("anna")), Member::Group(group_name("my devs")));
    for member in [&anna, &devs] {
        directory.add_member(&group_name("staff"), member).await.unwrap();
        directory.remove_member(&group_name("staff"), member).await.unwrap();
    }
    let heard = server.heard();
    assert_eq!(
        server.lines(),
        [
            "POST group/user/direct",
            "DELETE group/user/direct",
            "POST group/child-group/direct",
            "DELETE group/child-group/direct"
        ]
    );
    assert!(heard[0].body.contains("<user name=\"anna\"") && heard[1].has("username=anna"), "{heard:?}");
    assert!(heard[2].body.contains("<group name=\"my devs\""), "{heard:?}");
    assert!(heard[3].has("child-groupname=my%20devs") && heard[3].has("groupname=staff"), "{heard:?}");
}

#[tokio::test]
async fn what_would_arrive_as_something_else_is_not_sent() {
    let server = declining(500, "OPERATION_FAILED").await;
    let directory = writable(&server);
    let odd = NewUser { name: username("an\u{fffe}na"), ..new_user("anna") };
    assert_eq!(fault(directory.add_user(&odd).await).0, Fault::Invalid);
    assert_eq!(fault(directory.set_password(&id(), &secret("bell\u{7}")).await).0, Fault::Invalid);
    let attributes = vec![("note".to_owned(), vec!["a\u{1}".to_owned()])];
    let patch = UserPatch { attributes: attributes.clone(), ..UserPatch::default() };
    assert_eq!(fault(directory.update_user(&id(), &patch).await).0, Fault::Invalid);
    let patch = GroupPatch { attributes, ..GroupPatch::default() };
    assert_eq!(fault(directory.update_group(&group_name("staff"), &patch).await).0, Fault::Invalid);
    assert_eq!(server.heard(), []);
}
