//! What is sent, how often, and to whom.

use std::time::Duration;
use throng_client::{AddressFault, ConfigError, Limits, RemoteDirectory, Writes};
use throng_core::directory::{Directory, NewUser, WriteUsers};
use throng_core::error::Fault;
use throng_core::filter::Filter;
use throng_core::page::PageRequest;
use throng_core::user::Profile;

use super::server::*;

#[tokio::test]
async fn a_read_says_who_asks_and_what_for() {
    let server = Server::start(|_| declined(404, "USER_NOT_FOUND")).await;
    let directory = server.directory();
    directory.user(&username("Anna Berg+&=\u{e7}")).await.unwrap();
    let request = server.heard().remove(0);
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("GET", "/crowd/rest/usermanagement/1/user?username=Anna%20Berg%2B%26%3D%C3%A7&expand=attributes")
    );
    let head = request.head.to_ascii_lowercase();
    assert!(request.head.contains("Basic d2lraTphcHAgc2VjcmV0"), "{}", request.head);
    assert!(head.contains("accept: application/xml\r\n"), "{head}");
    assert!(head.contains("user-agent: throng/"), "{head}");
    assert!(
        !head.contains("cookie") && !head.contains("referer") && !head.contains("accept-encoding"),
        "{head}"
    );
}

#[tokio::test]
async fn a_search_sends_its_restriction_in_xml() {
    let server = Server::start(|_| xml(200, &users(&[]))).await;
    let filter = Filter::name_starts_with("ann");
    server.directory().find_users(&filter, &PageRequest::default()).await.unwrap();
    let request = server.heard().remove(0);
    assert_eq!(request.line(), "POST search");
    for parameter in ["entity-type=user", "start-index=0", "max-results=-1", "expand=user%2Cattributes"] {
        assert!(request.has(parameter), "{}", request.target);
    }
    assert!(
        request.head.to_ascii_lowercase().contains("content-type: application/xml\r\n"),
        "{}",
        request.head
    );
    assert!(
        request.body.contains("<match-mode>STARTS_WITH</match-mode><value>ann</value>"),
        "{}",
        request.body
    );
}

#[tokio::test]
async fn a_cookie_is_not_kept() {
    let server = Server::start(|_| {
        let body = user("anna");
        let head = head(200, "Content-Type: application/xml\r\nSet-Cookie: JSESSIONID=1; Path=/\r\n");
        Answer::Keep(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
    })
    .await;
    let directory = server.directory();
    for _ in 0..2 {
        directory.user(&username("anna")).await.unwrap();
    }
    assert!(server.heard().iter().all(|request| !request.head.to_ascii_lowercase().contains("cookie")));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_nothing_along_t89() {
    let elsewhere = Server::start(|_| xml(200, &user("anna"))).await;
    for status in [301, 302, 303, 307, 308, 304] {
        let location = format!("{}/rest/usermanagement/1/user", elsewhere.url());
        let server = Server::start(move |_| {
            let head = head(status, &format!("Location: {location}\r\n"));
            Answer::Keep(format!("{head}Content-Length: 0\r\n\r\n").into_bytes())
        })
        .await;
        let directory = server.builder().writes(Writes::Allowed).build().unwrap();
        let broken = (Fault::Broken, "Redirected".to_owned());
        assert_eq!(fault(directory.user(&username("anna")).await), broken, "{status}");
        let checked = directory.authenticate(&username("anna"), &secret("hers")).await;
        assert_eq!(fault(checked), broken, "{status}");
        assert_eq!(fault(directory.add_user(&new_user("anna")).await), broken, "{status}");
        assert_eq!(server.lines(), ["GET user", "POST authentication", "POST user"]);
    }
    assert_eq!(elsewhere.heard(), []);
}

fn new_user(name: &str) -> NewUser {
    NewUser { name: username(name), profile: Profile::default(), active: true }
}

#[tokio::test]
async fn reads_are_repeated_twice_and_writes_never() {
    let failing = |answer: Always| Server::start(move |_| answer());
    let answers: [Always; 2] = [|| Answer::Close(Vec::new()), || done(503)];
    for answer in answers {
        let server = failing(answer).await;
        let directory = server.builder().writes(Writes::Allowed).build().unwrap();
        assert_eq!(fault(directory.user(&username("anna")).await).0, Fault::Unavailable);
        assert_eq!(server.lines(), ["GET user"; 3], "a read");
        let checked = directory.authenticate(&username("anna"), &secret("hers")).await;
        assert_eq!(fault(checked).0, Fault::Unavailable);
        assert_eq!(server.lines().split_off(3), ["POST authentication"], "a check of a password");
        assert_eq!(fault(directory.add_user(&new_user("anna")).await).0, Fault::Unavailable);
        assert_eq!(server.lines().split_off(4), ["POST user"], "a write");
    }
    let cut: Always = || {
        let head = head(200, "Content-Type: application/xml\r\n");
        Answer::Close(format!("{head}Content-Length: 9\r\n\r\n<user").into_bytes())
    };
    let server = failing(cut).await;
    assert_eq!(fault(server.directory().user(&username("anna")).await).0, Fault::Unavailable);
    assert_eq!(server.lines(), ["GET user"; 3], "a read that breaks off");
    let server = failing(|| done(503)).await;
    let found = server.directory().find_users(&Filter::everything(), &PageRequest::default()).await;
    assert_eq!(fault(found), (Fault::Unavailable, "Failing".to_owned()));
    assert_eq!(server.lines(), ["POST search"; 3], "a search changes nothing");
}

#[tokio::test]
async fn a_write_on_a_connection_that_was_kept_is_sent_once() {
    let server = Server::start(|request| match request.method.as_str() {
        "GET" => xml(200, &user("anna")),
        _ => Answer::Close(Vec::new()),
    })
    .await;
    let directory = server.builder().writes(Writes::Allowed).build().unwrap();
    directory.user(&username("anna")).await.unwrap();
    let answer = fault(directory.add_user(&new_user("bela")).await);
    assert_eq!(answer, (Fault::Unavailable, "Interrupted".to_owned()));
    assert_eq!(server.lines(), ["GET user", "POST user"]);
}

#[tokio::test]
async fn what_will_not_pass_is_not_repeated() {
    let answers: [Always; 5] =
        [|| done(500), || done(429), || done(401), || done(204), || declined(400, "ILLEGAL_ARGUMENT")];
    for answer in answers {
        let server = Server::start(move |_| answer()).await;
        fault(server.directory().user(&username("anna")).await);
        assert_eq!(server.heard().len(), 1);
    }
}

#[tokio::test]
async fn a_read_that_succeeds_at_last_succeeds() {
    let tries = std::sync::atomic::AtomicU32::new(0);
    let server = Server::start(move |_| match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Answer::Close(Vec::new()),
        1 => done(502),
        _ => xml(200, &user("anna")),
    })
    .await;
    assert!(server.directory().user(&username("anna")).await.unwrap().is_some());
}

#[tokio::test]
async fn nobody_listening_is_silence() {
    let server = Server::start(|_| Answer::Silence).await;
    let url = server.url();
    drop(server);
    tokio::task::yield_now().await;
    let answer = fault(builder(&url).build().unwrap().user(&username("anna")).await);
    assert_eq!(answer, (Fault::Unavailable, "Unreachable".to_owned()));
}

#[tokio::test]
async fn a_proxy_is_used_when_it_was_asked_for() {
    let proxy = Server::start(|_| xml(200, &user("anna"))).await;
    let directory = builder("http://crowd.example.com/crowd").allow_plain_http();
    let directory = directory.proxy(format!("http://127.0.0.1:{}", proxy.port())).build().unwrap();
    assert!(directory.user(&username("anna")).await.unwrap().is_some());
    let target = proxy.heard().remove(0).target;
    assert!(target.starts_with("http://crowd.example.com/crowd/rest/usermanagement/1/user?"), "{target}");
}

#[tokio::test]
async fn odd_settings_are_refused_g01_g03() {
    let refused = |builder: throng_client::Builder| builder.build().unwrap_err();
    let url = "https://crowd.example.com/crowd";
    assert!(builder(url).build().is_ok());
    let address = refused(builder("https://u:p@crowd.example.com/"));
    assert!(matches!(address, ConfigError::Address(AddressFault::UserInfo)), "{address}");
    let address = refused(builder("http://169.254.169.254/"));
    assert!(matches!(address, ConfigError::Address(AddressFault::Host)), "{address}");
    assert!(builder("https://169.254.169.254/").allow_host("169.254.169.254").build().is_ok());
    let proxy = refused(builder(url).proxy("http://u:p@proxy/"));
    assert!(matches!(proxy, ConfigError::Proxy(AddressFault::UserInfo)), "{proxy}");
    for deadline in [Duration::ZERO, Duration::MAX] {
        assert!(matches!(refused(builder(url).deadline(deadline)), ConfigError::Deadline));
        assert!(matches!(refused(builder(url).round_deadline(deadline)), ConfigError::Deadline));
    }
    let none = Limits { entries: 0, ..Limits::default() };
    assert!(matches!(refused(builder(url).limits(none)), ConfigError::Limit));
    for name in ["", "a:b", "a\nb"] {
        let id = throng_core::id::DirectoryId::from_bytes([1; 16]);
        let built = RemoteDirectory::builder(id, url, name, secret("s")).build();
        assert!(matches!(built, Err(ConfigError::ApplicationName)), "{name:?}");
    }
}

#[tokio::test]
async fn nothing_shows_the_password_of_the_application() {
    let described = builder("https://crowd.example.com/crowd");
    let shown = format!("{described:?}");
    let directory = described.build().unwrap();
    let shown = format!("{shown} {directory:?}");
    assert!(!shown.contains("app secret") && !shown.contains("d2lraTphcHAgc2VjcmV0"), "{shown}");
    let server = Server::start(|_| Answer::Close(Vec::new())).await;
    let error = server.directory().authenticate(&username("anna"), &secret("hers 123")).await.unwrap_err();
    let mut shown = format!("{error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    assert!(
        !shown.contains("hers 123") && !shown.contains("app secret") && !shown.contains("anna"),
        "{shown}"
    );
}
