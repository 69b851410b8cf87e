//! How clients that others wrote put their requests, byte by byte over a connection, and what they compare in the
//! answer.
//!
//! Each test is a habit that an independent client has been seen with, or a real server's recorded answer to it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use common::{House, JSON, OTHER, RIGHT, XML, basic};
use throng_engine::application::NewAccount;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const VERSION: &str = concat!("Throng/", env!("CARGO_PKG_VERSION"));
const AT: &str = "http://crowd.example:8095/rest/usermanagement/1";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// A furnished house that listens.
struct Served {
    house: House,
    at: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn served() -> Served {
    let house = House::furnished().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let server = house.server.clone();
    let task = tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
    Served { house, at, task }
}

/// An answer in its parts; the date is left out.
#[derive(Debug, PartialEq)]
struct Answer {
    status: String,
    /// Names in lower case.
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    #[track_caller]
    fn is(&self, status: &str, body: &str) {
        assert_eq!((self.status.as_str(), self.body.as_str()), (status, body));
    }
}

impl Served {
    /// Sends a request of these lines as the application, and this body.
    async fn say(&self, line: &str, headers: &[&str], body: &str) -> Answer {
        let credential = format!("Authorization: {}", basic("wiki", &self.house.secret));
        let length = format!("Content-Length: {}", body.len());
        let mut all = vec![credential.as_str()];
        all.extend(headers);
        if !body.is_empty() {
            all.push(&length);
        }
        self.send(line, &all, body).await
    }

    /// Sends a request of these lines, of nobody.
    async fn send(&self, line: &str, headers: &[&str], body: &str) -> Answer {
        let head = format!("{line} HTTP/1.1\r\nHost: crowd.example:8095\r\nConnection: close\r\n");
        let request = format!("{head}{}\r\n\r\n{body}", headers.join("\r\n"));
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let (status, lines) = head.split_once("\r\n").unwrap();
        let headers = lines.split("\r\n").map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Answer {
            status: status.strip_prefix("HTTP/1.1 ").unwrap().to_owned(),
            headers: headers.filter(|(name, _)| !matches!(name.as_str(), "date" | "connection")).collect(),
            body: body.to_owned(),
        }
    }

    fn key(&self, name: &str) -> String {
        let found = futures_util::FutureExt::now_or_never(self.house.wiki.find_user(name));
        found.unwrap().unwrap().subject().to_string()
    }

    /// Anna as XML, with what she is called and where she works.
    fn anna(&self) -> String {
        format!(
            "<user expand=\"attributes\" name=\"Anna\"><link rel=\"self\" href=\"{AT}/user?username=Anna\"/>\
             <first-name></first-name><last-name></last-name><display-name>Anna</display-name>\
             <email>anna@example.org</email><password><link rel=\"edit\" \
             href=\"{AT}/user/password?username=Anna\"/></password><key>{}</key><active>true</active>\
             <attributes><link rel=\"self\" href=\"{AT}/user/attribute?username=Anna\"/></attributes></user>",
            self.key("anna")
        )
    }
}

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let always = [
        ("x-embedded-crowd-version", VERSION),
        ("x-crowd-user-management-version", "1.4"),
        ("cache-control", "no-cache, no-store, no-transform"),
        ("x-content-type-options", "nosniff"),
    ];
    let all = always.iter().chain(pairs);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn who_does_not_say_what_he_accepts_reads_xml() {
    let served = served().await;
    let expected = [DECLARATION, &served.anna()].concat();
    let length = expected.len().to_string();
    for accept in [&[][..], &["Accept: */*"], &["Accept: application/xml"], &["Accept: text/html, */*;q=0.1"]]
    {
        let answer = served.say("GET /rest/usermanagement/1/user?username=Anna", accept, "").await;
        answer.is("200 OK", &expected);
        assert_eq!(
            answer.headers,
            headers(&[("content-type", XML), ("content-length", &length)]),
            "{accept:?}"
        );
    }
}

#[tokio::test]
async fn the_challenge_is_the_recorded_one_wherever_it_is_met() {
    let served = served().await;
    let wrong = format!("Authorization: {}", basic("wiki", OTHER));
    for line in [
        "GET /rest/usermanagement/1/user?username=anna",
        "GET /rest/usermanagement/latest/non-existent/location",
        "POST /rest/usermanagement/1/authentication?username=anna",
    ] {
        for shown in ["Accept: application/json", wrong.as_str()] {
            let answer = served.send(line, &[shown], "").await;
            answer.is("401 Unauthorized", "Application failed to authenticate");
            let expected = headers(&[
                ("content-type", "text/plain;charset=UTF-8"),
                ("content-length", "34"),
                ("www-authenticate", "BASIC realm=\"Crowd REST Service\""),
            ]);
            assert_eq!(answer.headers, expected, "{line}");
        }
    }
    // To some, a path that is not there is a ping.
    let ping = served.say("GET /rest/usermanagement/1/non-existent/location", &[], "").await;
    assert_eq!(ping.status, "404 Not Found");
}

#[tokio::test]
async fn what_was_made_says_where_and_how_long_it_is() {
    let served = served().await;
    let line = "POST /rest/usermanagement/1/group/user/direct?groupname=Staff";
    let json = ["Content-Type: application/json", "Accept: application/json"];
    let answer = served.say(line, &json, "{\"name\":\"bela\"}").await;
    answer.is("201 Created", "");
    let location = format!("{AT}/group/user/direct?groupname=Staff&username=bela");
    let expected = headers(&[("content-type", JSON), ("content-length", "0"), ("location", &location)]);
    assert_eq!(answer.headers, expected);
    let again = served.say(line, &json, "{\"name\":\"bela\"}").await;
    assert_eq!(again.status, "409 Conflict");
    assert!(
        again.body.starts_with("{\"reason\":\"MEMBERSHIP_ALREADY_EXISTS\",\"message\":\""),
        "{}",
        again.body
    );
    // Some read what was made from the answer.
    let line = "POST /rest/usermanagement/1/group";
    let answer = served.say(line, &json, "{\"name\":\"a b\",\"type\":\"GROUP\"}").await;
    let expected = format!(
        "{{\"expand\":\"attributes\",\"name\":\"a b\",\"link\":{{\"rel\":\"self\",\
         \"href\":\"{AT}/group?groupname=a%20b\"}},\"description\":\"\",\"type\":\"GROUP\",\"active\":true,\
         \"attributes\":{{\"link\":{{\"rel\":\"self\",\"href\":\"{AT}/group/attribute?groupname=a%20b\"}},\
         \"attributes\":[]}}}}"
    );
    answer.is("201 Created", &expected);
    assert_eq!(answer.headers["location"], format!("{AT}/group?groupname=a%20b"));
}

#[tokio::test]
async fn a_space_is_a_plus_or_a_number_and_versions_are_names() {
    let served = served().await;
    served.house.wiki.create_group("leere Gruppe + %", "").await.unwrap();
    let expected = format!(
        "{DECLARATION}<group expand=\"attributes\" name=\"leere Gruppe + %\"><link rel=\"self\" \
         href=\"{AT}/group?groupname=leere%20Gruppe%20%2B%20%25\"/><description></description><type>GROUP</type>\
         <active>true</active><attributes><link rel=\"self\" \
         href=\"{AT}/group/attribute?groupname=leere%20Gruppe%20%2B%20%25\"/></attributes></group>"
    );
    for version in ["1", "1.0", "latest"] {
        for name in ["leere+Gruppe+%2B+%25", "leere%20Gruppe%20%2b%20%25", "LEERE+gruppe%20%2B+%25"] {
            let line = format!("GET /rest/usermanagement/{version}/group?groupname={name}");
            served.say(&line, &[], "").await.is("200 OK", &expected);
        }
    }
}

#[tokio::test]
async fn xml_comes_with_any_charset_and_in_any_dress() {
    let served = served().await;
    let expected = [DECLARATION, &served.anna()].concat();
    let line = "POST /rest/usermanagement/1/authentication?username=anna";
    for content_type in [
        "Content-Type: application/xml; charset=\"utf-8\"",
        "Content-Type: application/xml;charset=UTF-8",
        "Content-Type: text/xml",
    ] {
        for body in [
            "<password><value>a lantern in the fog</value></password>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<password>\n  <value><![CDATA[a lantern ]]><![CDATA[in the \
             fog]]></value>\n</password>\n",
            "<password><value>a&#32;lantern in&#x20;the fog</value></password>",
        ] {
            served.say(line, &[content_type], body).await.is("200 OK", &expected);
        }
    }
    let unknown = served.say(line, &["Content-Type: application/x-www-form-urlencoded"], "value=x").await;
    assert_eq!(unknown.status, "415 Unsupported Media Type");
}

#[tokio::test]
async fn a_session_is_read_child_by_child() {
    let served = served().await;
    let xml = ["Content-Type: text/xml", "Accept: text/xml"];
    let context = format!(
        "<authentication-context><username>anna</username><password>{RIGHT}</password><validation-factors>\
         <validation-factor><name>remote_address</name><value>192.0.2.1</value></validation-factor>\
         </validation-factors></authentication-context>"
    );
    let opened = served.say("POST /rest/usermanagement/1/session", &xml, &context).await;
    assert_eq!(opened.status, "201 Created");
    let token = opened.headers["location"].strip_prefix(&format!("{AT}/session/")).unwrap().to_owned();
    let user = served.anna();
    let times = "<created-date>2027-01-15T08:00:00.000+00:00</created-date><expiry-date>";
    let begins = format!("{DECLARATION}<session expand=\"user\"><token>{token}</token>");
    assert!(opened.body.starts_with(&begins), "{}", opened.body);
    let looked = served.say(&format!("GET /rest/usermanagement/1/session/{token}"), &xml, "").await;
    let link = format!("<link rel=\"self\" href=\"{AT}/session/{token}\"/>");
    let expected = [begins.as_str(), user.as_str(), link.as_str(), times].concat();
    assert!(looked.body.starts_with(&expected), "{}\n{expected}", looked.body);
    // A body of nothing has the factors of nobody: the token is bound to others.
    let line = format!("POST /rest/usermanagement/1/session/{token}");
    let json = ["Content-Type: application/json", "Accept: application/json"];
    for (headers, body) in [(&json[..], "{}"), (&json, "\"\""), (&["Content-Length: 0"], "")] {
        assert_eq!(served.say(&line, headers, body).await.status, "404 Not Found", "{body}");
    }
    let factor = "{\"name\":\"remote_address\",\"value\":\"192.0.2.1\"}";
    for factors in [format!("[{factor}]"), factor.to_owned()] {
        let body = format!("{{\"validationFactors\":{factors}}}");
        let valid = served.say(&line, &json, &body).await;
        assert_eq!(valid.status, "200 OK", "{}", valid.body);
        assert!(
            valid.body.starts_with(&format!("{{\"expand\":\"user\",\"token\":\"{token}\"")),
            "{}",
            valid.body
        );
    }
    let line = format!("DELETE /rest/usermanagement/1/session/{token}");
    for _ in 0..2 {
        let ended = served.say(&line, &json, "{}").await;
        ended.is("204 No Content", "");
        assert_eq!(ended.headers, headers(&[]));
    }
}

#[tokio::test]
async fn a_whole_entity_is_sent_back_in_either_format() {
    let served = served().await;
    let account = NewAccount::named("Cleo").display_name("Cleo & <Co>").email("c@example.org");
    served.house.wiki.create_user(account).await.unwrap();
    let line = "user?username=cleo&expand=attributes";
    for (format, from, to) in [
        (XML, "<active>true</active>", "<active>false</active>"),
        (JSON, "\"active\":false", "\"active\":\"true\""),
    ] {
        let accept = format!("Accept: {format}");
        let content_type = format!("Content-Type: {format}");
        let read = served.say(&format!("GET /rest/usermanagement/1/{line}"), &[&accept], "").await;
        assert!(read.body.contains(from), "{}", read.body);
        let body = read.body.replace(from, to);
        let line = format!("PUT /rest/usermanagement/latest/{line}");
        served.say(&line, &[&accept, &content_type], &body).await.is("204 No Content", "");
    }
    let cleo = served.house.json("/user?username=cleo").await;
    assert_eq!((&cleo["active"], &cleo["display-name"]), (&true.into(), &"Cleo & <Co>".into()));
}

#[tokio::test]
async fn a_search_is_asked_for_in_capitals_and_read_item_by_item() {
    let served = served().await;
    let item = |name| {
        format!("<group name=\"{name}\"><link rel=\"self\" href=\"{AT}/group?groupname={name}\"/></group>")
    };
    let all =
        format!("{DECLARATION}<groups expand=\"group\">{}{}</groups>", item("everybody"), item("Staff"));
    for query in [
        "entity-type=GROUP&restriction=",
        "entity-type=group&start-index=0&max-results=99999",
        "restriction=&max-results=-1&entity-type=Group&expand=none",
    ] {
        let line = format!("GET /rest/usermanagement/1/search?{query}");
        served.say(&line, &[], "").await.is("200 OK", &all);
    }
    // XML is sent, and JSON is to come back; a list without anybody keeps its key.
    let restriction = "<property-search-restriction><property><name>email</name><type>STRING</type></property>\
                       <match-mode>CONTAINS</match-mode><value>@example.com</value></property-search-restriction>";
    let line =
        "POST /rest/usermanagement/1/search?entity-type=user&expand=user&start-index=0&max-results=99999";
    let headers = ["Content-Type: application/xml", "Accept: application/json"];
    served.say(line, &headers, restriction).await.is("200 OK", "{\"expand\":\"user\",\"users\":[]}");
    let everybody = "<null-search-restriction/>";
    let some = served.say(line, &headers, everybody).await;
    assert!(
        some.body.starts_with("{\"expand\":\"user\",\"users\":[{\"expand\":\"attributes\",\"name\":\"Anna\"")
    );
}

#[tokio::test]
async fn bodies_and_types_stand_where_none_belong() {
    let served = served().await;
    let json = ["Content-Type: application/json; charset=utf-8", "Accept: application/json"];
    let read = served.say("GET /rest/usermanagement/1/user?username=anna", &json, "").await;
    assert_eq!(read.headers["content-type"], JSON, "without a parameter");
    for body in ["\"\"", "{}", "{\"name\":\"anna\"}"] {
        let line = "DELETE /rest/usermanagement/1/user/attribute?username=anna&attributename=never+there";
        served.say(line, &json, body).await.is("204 No Content", "");
    }
    let line = "DELETE /rest/usermanagement/1/group/user/direct?groupname=staff&username=anna";
    served.say(line, &json, "{\"name\":\"anna\"}").await.is("204 No Content", "");
    let gone = "{\"reason\":\"MEMBERSHIP_NOT_FOUND\",\"message\":\"The child entity <Anna> is not a member of the parent \
                <Staff>\"}";
    served.say(line, &json, "").await.is("404 Not Found", gone);
    // An empty name never means the list (CWD-2474).
    let line = "GET /rest/usermanagement/1/group/user/direct?groupname=staff&username=";
    assert_eq!(served.say(line, &json, "").await.status, "400 Bad Request");
}
