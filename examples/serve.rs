//! A user server on a SQLite file: one application that may ask, and two users.
//!
//! `cargo run --example serve` serves until Ctrl-C. Where nobody sits at a terminal it asks itself once, and ends.
#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use std::io::IsTerminal;

use throng::client::RemoteDirectory;
use throng::core::directory::Directory;
use throng::core::id::DirectoryId;
use throng::core::name::Username;
use throng::core::secret::Secret;
use throng::server::{ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::{NewAccount, Plan, Throng};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let throng = Throng::builder(SqliteStore::open(folder.path().join("users.db")).await?).build().await?;
    let people = throng.internal_directory("People").await?;

    // An application that asks sees what its own plan names. Its password is drawn, shown once, and kept as a digest.
    let wiki = throng.ensure_application("wiki", Plan::new().seat(people)?).await?;
    let password = wiki.draw_password().await?;
    wiki.create_user(NewAccount::named("anna").password("coffee before noon")).await?;
    wiki.create_user(NewAccount::named("bob").password("seven wooden chairs")).await?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let server = UserServer::new(throng, ServerConfig::default())?;
    println!("curl -u 'wiki:{}' '{address}/rest/usermanagement/1/user?username=anna'", password.expose());

    if std::io::stdin().is_terminal() {
        server.serve(listener, async { drop(tokio::signal::ctrl_c().await) }).await?;
        return Ok(());
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(async move { server.serve(listener, async { drop(stopped.await) }).await });
    let id = DirectoryId::from_bytes(*b"the user server ");
    let remote = RemoteDirectory::builder(id, address, "wiki", Secret::new(password.expose())?).build()?;
    let anna = remote.user(&Username::new("anna")?).await?.ok_or("anna is there")?;
    println!("{} is {} there", anna.name, anna.external_id);
    drop(stop);
    serving.await??;
    Ok(())
}
