//! A product: users in a file, and a user server on a port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use throng::client::{RemoteDirectory, Writes};
use throng::core::filter::Filter;
use throng::core::id::{DirectoryId, Id};
use throng::core::page::PageRequest;
use throng::core::secret::Secret;
use throng::core::sync::MirroredSettings;
use throng::server::{Hashes, ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::system::SystemEntropy;
use throng::{Application, ApplicationSecret, Plan, Throng};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Outcome;

/// A product that is switched off.
pub(crate) struct Off {
    name: &'static str,
    file: PathBuf,
    address: SocketAddr,
    user_server: Option<UserServerOf>,
}

/// A product at work.
pub(crate) struct Product {
    off: Off,
    store: SqliteStore,
    pub(crate) throng: Throng,
    /// The directory of its own users.
    pub(crate) own: DirectoryId,
    /// What people log in to.
    pub(crate) application: Application,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

/// How one product asks another for its users.
pub(crate) struct UserServerOf {
    name: &'static str,
    address: String,
    application: &'static str,
    password: ApplicationSecret,
}

impl Off {
    /// A product whose file is in this folder. It gets a free port of this machine.
    pub(crate) fn new(name: &'static str, folder: &Path) -> Self {
        let file = folder.join(format!("{name}.db"));
        Self { name, file, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), user_server: None }
    }

    /// Takes another product for a user server.
    pub(crate) fn user_server(self, other: UserServerOf) -> Self {
        Self { user_server: Some(other), ..self }
    }

    /// The files of its database.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Opens the file, and serves on the port that it had before if it had one.
    pub(crate) async fn switch_on(self) -> Outcome<Product> {
        let store = SqliteStore::open(&self.file).await?;
        let mut builder = Throng::builder(store.clone());
        if let Some(other) = &self.user_server {
            builder = builder.source(other.name, Arc::new(other.remote_directory()?));
        }
        let throng = builder.build().await?;
        let own = throng.internal_directory(&format!("{} internal", self.name)).await?;
        let application = throng.ensure_application(self.name, Plan::new().seat(own)?).await?;

        let listener = TcpListener::bind(self.address).await?;
        let address = listener.local_addr()?;
        // The other product may move its users here, with their passwords.
        let config = ServerConfig { hashes: Hashes::Taken, ..ServerConfig::default() };
        let server = UserServer::new(throng.clone(), config)?;
        let (stop, stopped) = oneshot::channel();
        let until_stopped = async { stopped.await.unwrap_or_default() };
        let serving = tokio::spawn(async move { server.serve(listener, until_stopped).await });
        Ok(Product { off: Self { address, ..self }, store, throng, own, application, stop, serving })
    }
}

impl Product {
    pub(crate) fn name(&self) -> &'static str {
        self.off.name
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.off.address)
    }

    /// Answers what is under way, closes the port and the file.
    pub(crate) async fn switch_off(self) -> Outcome<Off> {
        // Whoever does not listen any more has stopped already.
        let _ = self.stop.send(());
        self.serving.await??;
        self.throng.maintain().await?;
        self.store.close().await;
        Ok(self.off)
    }

    /// Lets another product ask this one for its users, as an application of its name. The password is drawn now and
    /// cannot be read again.
    pub(crate) async fn let_ask(&self, asker: &'static str) -> Outcome<UserServerOf> {
        let application = self.throng.ensure_application(asker, self.application.record()?.plan).await?;
        let password = application.draw_password().await?;
        Ok(UserServerOf { name: self.name(), address: self.address(), application: asker, password })
    }

    /// Puts a mirror of the user server below the own directory, for its people and for whoever asks this product:
    /// a mirror is not handed on, so that the latter see nothing of it.
    pub(crate) async fn mirror(&self, of: &str, settings: MirroredSettings) -> Outcome<DirectoryId> {
        let mirror = self.throng.mirrored_directory(of, settings).await?;
        for application in self.throng.applications() {
            if application.record()?.plan.rank(mirror).is_none() {
                application.change_plan(|plan| plan.seat(mirror)).await?;
            }
        }
        Ok(mirror)
    }

    /// How many users a directory holds, whatever any order says.
    pub(crate) async fn users_in(&self, directory: DirectoryId) -> Outcome<usize> {
        let directory = self.throng.open(directory)?;
        Ok(directory.find_users(&Filter::everything(), &PageRequest::default()).await?.items.len())
    }
}

impl UserServerOf {
    fn remote_directory(&self) -> Outcome<RemoteDirectory> {
        let password = Secret::new(self.password.expose())?;
        // Only a directory that is asked live must keep its id; a mirror has one of its own.
        let id = Id::random(&SystemEntropy);
        let remote = RemoteDirectory::builder(id, &self.address, self.application, password);
        // It may write; whether the mirror does is a setting of the mirror.
        Ok(remote.writes(Writes::AllowedWithHashes).build()?)
    }

    /// How a person asks in the place of the product, the password included.
    pub(crate) fn command(&self, resource: &str) -> String {
        let Self { address, application, password, .. } = self;
        format!("curl -u '{application}:{}' '{address}/rest/usermanagement/1/{resource}'", password.expose())
    }
}
