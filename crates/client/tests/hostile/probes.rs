//! Trying a connection out: what it finds, and what it says is wrong.

use throng_client::{Capabilities, Identity, Product};

use super::server::*;

const EVENTS: &str =
    "<events newEventToken=\"8047511070899496297:12\" incrementalSynchronisationAvailable=\"true\"/>";

#[tokio::test]
async fn a_probe_says_what_a_server_is_and_offers() {
    let server = Server::start(|request| match request.line().as_str() {
        "POST search" => xml_of("JIRA/6.0", 200, &users(&["<user name=\"anna\"/>".into()])),
        "GET event" => xml_of("JIRA/6.0", 200, EVENTS),
        _ => xml_of("JIRA/6.0", 200, "<memberships></memberships>"),
    })
    .await;
    let identity = Identity {
        product: Product::Jira,
        version: "6.0".into(),
        user_management_version: Some("1.3".into()),
    };
    let found = server.directory().probe().await.unwrap();
    assert_eq!(found, Capabilities { identity, events: true, membership_dump: true });
    assert_eq!(server.lines(), ["POST search", "GET event", "GET group/membership"]);
    let search = server.heard().remove(0);
    assert!(
        search.has("start-index=0") && search.has("max-results=1") && search.has("expand=user"),
        "{search:?}"
    );
    assert!(search.body.contains("null-search-restriction"), "{}", search.body);
}

#[tokio::test]
async fn an_old_server_offers_less() {
    let cases: [Always; 4] = [
        || done(404),
        || declined(404, "NOT_FOUND"),
        || xml(200, "<events newEventToken=\"a:1\"/>"),
        || xml(200, "<events incrementalSynchronisationAvailable=\"true\"/>"),
    ];
    for events in cases {
        let server = Server::start(move |request| match request.line().as_str() {
            "POST search" => xml(200, &users(&[])),
            "GET event" => events(),
            _ => done(404),
        })
        .await;
        let found = server.directory().probe().await.unwrap();
        assert_eq!(
            (found.identity.product, found.events, found.membership_dump),
            (Product::Crowd, false, false)
        );
    }
}

#[tokio::test]
async fn a_probe_says_what_is_wrong() {
    let page = || {
        Answer::Keep(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi".to_vec())
    };
    let login = || {
        let head = "HTTP/1.1 302 Found\r\nLocation: https://login.example.com/\r\n";
        Answer::Keep(format!("{head}Content-Length: 0\r\n\r\n").into_bytes())
    };
    let cases: [(Always, &str); 7] = [
        (|| done(401), "CredentialsRefused"),
        (|| done(403), "CallerRefused"),
        (|| declined(403, "APPLICATION_PERMISSION_DENIED"), "NotPermitted"),
        (page, "NotAUserServer"),
        (login, "Redirected"),
        (|| done(404), "Declined"),
        (|| done(500), "Failing"),
    ];
    for (answer, expected) in cases {
        let server = Server::start(move |_| answer()).await;
        let fault = server.directory().probe().await.unwrap_err();
        assert_eq!(word(&format!("{fault:?}")), expected);
    }
    let unresolved = builder("https://no-such-host.invalid/").build().unwrap().probe().await.unwrap_err();
    assert_eq!(word(&format!("{unresolved:?}")), "Unresolved");
}
