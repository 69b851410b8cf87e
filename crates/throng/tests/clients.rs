//! Clients that others wrote, against our server: every call they offer.
//!
//! They are packages for Python and Node, which `cargo xtask test` installs into a temporary folder; without it these
//! tests are ignored. Each gets a server of its own and is a program that fails where an answer is not what it expects.
#![cfg(all(feature = "sqlite", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]
#![allow(clippy::print_stdout, reason = "how many calls were made is shown to whoever runs it")]

use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use throng::core::resolve::Resolved;
use throng::core::user::User;
use throng::server::{Mail, MailFailed, ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::{Application, Plan, Throng};
use tokio::net::TcpListener;

/// Notes the mails that were asked for.
#[derive(Debug, Default)]
struct Letterbox(Mutex<Vec<String>>);

#[async_trait]
impl Mail for Letterbox {
    async fn send_reset(&self, _: &Application, user: &Resolved<User>) -> Result<(), MailFailed> {
        self.0.lock().unwrap().push(format!("reset for {}", user.value().name));
        Ok(())
    }

    async fn send_usernames(&self, _: &Application, address: &str) -> Result<(), MailFailed> {
        self.0.lock().unwrap().push(format!("names of {address}"));
        Ok(())
    }
}

/// Runs a program against a server over one empty directory. Gives the mails that it asked for.
async fn converse(mut program: Command) -> Vec<String> {
    let throng = Throng::builder(SqliteStore::in_memory().await.unwrap()).build().await.unwrap();
    let people = throng.internal_directory("People").await.unwrap();
    let app = throng.ensure_application("wiki", Plan::new().seat(people).unwrap()).await.unwrap();
    let password = app.draw_password().await.unwrap();
    let letterbox = Arc::new(Letterbox::default());
    let mail = Some(Arc::clone(&letterbox) as Arc<dyn Mail>);
    let server = UserServer::new(throng, ServerConfig { mail, ..ServerConfig::default() }).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    program.arg(format!("http://{}", listener.local_addr().unwrap())).args(["wiki", password.expose()]);
    let serving = tokio::spawn(async move { server.serve(listener, pending()).await });
    let output = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
    serving.abort();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}{}", output.status, said(&output.stdout), said(&output.stderr));
    let last = said(&output.stdout).trim_end().to_owned();
    assert!(last.ends_with(" calls"), "it came to its end: {last}");
    println!("{last}");
    std::mem::take(&mut *letterbox.0.lock().unwrap())
}

/// What `cargo xtask test` has installed.
fn installed(variable: &str) -> PathBuf {
    let place = std::env::var_os(variable);
    place.unwrap_or_else(|| panic!("{variable} is not set: run `cargo xtask test`")).into()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "`cargo xtask test` installs the client and runs this"]
async fn crowd_for_python() {
    // The interpreter of an environment in which the client is installed.
    let mut program = Command::new(installed("THRONG_CLIENT_PYTHON"));
    program.arg(script("python.py"));
    assert_eq!(converse(program).await, ["reset for anna"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "`cargo xtask test` installs the client and runs this"]
async fn atlassian_crowd_client_for_node() {
    // The folder in which the client is installed.
    let mut program = Command::new("node");
    program.arg(script("node.mjs")).current_dir(installed("THRONG_CLIENT_NODE"));
    let mails = converse(program).await;
    assert_eq!(mails, ["reset for anna", "names of tal@example.com", "names of nobody@example.com"]);
}
