//! The server on a socket of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{API, House, basic};
use throng_core::directory::GroupPatch;
use throng_server::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

/// A server on loopback, and what stops it.
struct Running {
    at: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

async fn run(house: &House) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = house.server.clone();
    let shutdown = async { drop(stopped.await) };
    let ended = tokio::spawn(async move { server.serve(listener, shutdown).await });
    Running { at, stop, ended }
}

fn head(house: &House, request: &str) -> String {
    format!("{request} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n", basic("wiki", &house.secret))
}

/// Everything that comes until the connection is closed.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset after its answer has been answered all the same.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Asks for a group to be made, and is with the handler when this returns: the server has asked for the body.
async fn ask_and_pause(house: &House, at: SocketAddr, header: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let head = head(house, &format!("POST {API}/group"));
    let request = format!(
        "{head}{header}Content-Type: application/json\r\nExpect: 100-continue\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Whether nothing comes, and the connection stays, for so long by the clock of the test.
async fn stays_silent(stream: &mut TcpStream, time: Duration) -> bool {
    timeout(time, stream.read_u8()).await.is_err()
}

#[tokio::test]
async fn a_request_is_answered_and_the_connection_kept() {
    let house = House::furnished().await;
    let running = run(&house).await;
    let mut stream = TcpStream::connect(running.at).await.unwrap();
    let first = format!("{}\r\n", head(&house, &format!("GET {API}/user?username=anna")));
    let second = format!("{}Connection: close\r\n\r\n", head(&house, "GET /elsewhere"));
    stream.write_all([first, second].concat().as_bytes()).await.unwrap();
    let answers = rest(&mut stream).await;
    assert!(answers.starts_with("HTTP/1.1 200 OK\r\n"), "{answers}");
    assert!(answers.contains("content-type: application/xml\r\n") && answers.contains("<user "), "{answers}");
    assert!(answers.contains("HTTP/1.1 404 Not Found\r\n"), "{answers}");
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_under_way_is_answered_before_it_ends() {
    let house = House::furnished().await;
    let running = run(&house).await;
    let mut idle = TcpStream::connect(running.at).await.unwrap();
    let body = r#"{"name":"new"}"#;
    let mut busy = ask_and_pause(&house, running.at, "", body).await;
    running.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "", "who has asked nothing is let go");
    busy.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    running.ended.await.unwrap().unwrap();
    house.wiki.find_group("new").await.unwrap();
    assert!(TcpStream::connect(running.at).await.is_err(), "nobody is taken on any more");
}

#[tokio::test]
async fn heads_that_are_no_heads_end_the_connection_r20_r34() {
    let house = House::new().await;
    let running = run(&house).await;
    let get = head(&house, &format!("GET {API}/config/cookie"));
    let post = head(&house, &format!("POST {API}/group"));
    let long = "x".repeat(2 * ServerConfig::MAX_HEAD_BYTES);
    for (request, status) in [
        (format!("{get}X-Long: {long}\r\n\r\n"), "431"),
        (format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"), "4"),
        (format!("{post}Content-Length: -1\r\n\r\n"), "400"),
        (format!("{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "400"),
        (format!("{get}{}\r\n", "A: b\r\n".repeat(200)), "431"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
        (format!("{get}Connection: close\r\n\r\n"), "200"),
    ] {
        let mut stream = TcpStream::connect(running.at).await.unwrap();
        // The server may close before it has read all of it.
        let _ = stream.write_all(request.as_bytes()).await;
        let answer = rest(&mut stream).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.is_empty() || answer.starts_with(&expected), "{status}: {answer}");
        assert!(status != "200" || !answer.is_empty());
    }
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_long_list_is_sent_whole_over_a_connection_that_stays() {
    let house = House::new().await;
    for n in 0..1_100 {
        house.wiki.create_group(&format!("g{n:04}"), "").await.unwrap();
    }
    let running = run(&house).await;
    let mut stream = TcpStream::connect(running.at).await.unwrap();
    let path = format!("GET {API}/search?entity-type=group&restriction=&max-results=-1");
    stream.write_all(format!("{}Connection: close\r\n\r\n", head(&house, &path)).as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("transfer-encoding: chunked\r\n"));
    assert_eq!(answer.matches("<group name=").count(), 1_100);
    assert!(answer.contains("</groups>") && answer.ends_with("0\r\n\r\n"));
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_too_many_waits_its_turn_t90() {
    let house = House::with(1, ServerConfig { connections: 1, ..ServerConfig::default() }).await;
    let running = run(&house).await;
    let body = r#"{"name":"new"}"#;
    let mut first = ask_and_pause(&house, running.at, "Connection: close\r\n", body).await;
    let mut second = TcpStream::connect(running.at).await.unwrap();
    let request = format!("{}Connection: close\r\n\r\n", head(&house, &format!("GET {API}/config/cookie")));
    second.write_all(request.as_bytes()).await.unwrap();
    assert!(stays_silent(&mut second, SECOND).await, "the one seat is taken");
    first.write_all(body.as_bytes()).await.unwrap();
    assert!(rest(&mut first).await.starts_with("HTTP/1.1 201"));
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200"));
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_waited_for_so_long_and_no_longer_t90() {
    let house = House::with(1, ServerConfig { connections: 1, ..ServerConfig::default() }).await;
    let running = run(&house).await;
    let half = head(&house, &format!("GET {API}/config/cookie"));
    let mut slow = TcpStream::connect(running.at).await.unwrap();
    slow.write_all(half.as_bytes()).await.unwrap();
    assert!(stays_silent(&mut slow, ServerConfig::HEAD_TIMEOUT - SECOND).await);
    let answer = timeout(2 * SECOND, rest(&mut slow)).await.unwrap();
    assert!(!answer.contains("200 OK"), "{answer}");
    let mut second = TcpStream::connect(running.at).await.unwrap();
    second.write_all(format!("{half}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200"), "the seat is free again");
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_so_long_for_what_is_under_way_and_no_longer_t90() {
    let patient =
        ServerConfig { request_timeout: 10 * ServerConfig::ENDING_TIMEOUT, ..ServerConfig::default() };
    let house = House::with(1, patient).await;
    let mut running = run(&house).await;
    let mut unfinished = ask_and_pause(&house, running.at, "", "{}").await;
    running.stop.send(()).unwrap();
    assert!(timeout(ServerConfig::ENDING_TIMEOUT - SECOND, &mut running.ended).await.is_err());
    timeout(2 * SECOND, running.ended).await.unwrap().unwrap().unwrap();
    assert_eq!(rest(&mut unfinished).await, "", "broken off");
}

/// Who asks for more than fits into a connection and takes nothing of it keeps neither its place nor the end of the
/// server for good.
#[tokio::test(start_paused = true)]
async fn whoever_takes_no_answer_is_let_go_t90() {
    let config = ServerConfig { connections: 1, ..ServerConfig::default() };
    let house = House::with(1, config).await;
    for n in 0..320 {
        let group = format!("g{n:04}");
        house.wiki.create_group(&group, "").await.unwrap();
        let values: Vec<String> = (0..8).map(|n| format!("{n:0>250}")).collect();
        let attributes = (0..8).map(|n| (format!("a{n}"), values.clone())).collect();
        let patch = GroupPatch { description: None, attributes };
        house.wiki.update_group(&group, patch).await.unwrap();
    }
    let running = run(&house).await;
    let list =
        format!("GET {API}/search?entity-type=group&restriction=&max-results=-1&expand=group,attributes");
    let lazy = TcpSocket::new_v4().unwrap();
    lazy.set_recv_buffer_size(4_096).unwrap();
    let mut lazy = lazy.connect(running.at).await.unwrap();
    lazy.write_all(format!("{}\r\n", head(&house, &list)).as_bytes()).await.unwrap();
    let mut second = TcpStream::connect(running.at).await.unwrap();
    let request = format!("{}Connection: close\r\n\r\n", head(&house, &format!("GET {API}/config/cookie")));
    second.write_all(request.as_bytes()).await.unwrap();
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200"));
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}
