//! Where the command works: the database, with the configuration file if there is one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use throng::core::directory::Directory;
use throng::core::id::{ApplicationId, DirectoryId};
use throng::core::registry::{DirectoryKind, DirectoryRecord};
use throng::core::sync::Export;
use throng::sqlite::SqliteStore;
use throng::{Application, Recovery, Throng};

use crate::arguments::Where;
use crate::config::Config;
use crate::failure::Failure;

/// The database and the configuration, both looked at and nothing changed in either.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) database: PathBuf,
    pub(crate) config: Config,
}

impl Place {
    /// Reads the configuration file if one is named, and finds out which database is meant.
    pub(crate) fn find(at: &Where) -> Result<Self, Failure> {
        let config = at.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
        let database = at.database.as_ref().or(config.database.as_ref()).cloned();
        Ok(Self { database: database.ok_or(Failure::NoDatabaseNamed)?, config })
    }

    /// Opens the database, which must be there: a mistyped name is no reason to make another.
    pub(crate) async fn open(&self) -> Result<Throng, Failure> {
        Ok(Throng::builder(self.store().await?).build().await?)
    }

    /// Opens the database and attaches the sources of the mirrors that the file describes.
    pub(crate) async fn open_with_sources(&self) -> Result<Throng, Failure> {
        self.open_with_recovery(None).await
    }

    /// Opens the database with the sources, and switches a recovery administrator on if there is one.
    pub(crate) async fn open_with_recovery(&self, recovery: Option<Recovery>) -> Result<Throng, Failure> {
        let sources = self.config.sources()?;
        let mut builder = Throng::builder(self.store().await?);
        for (name, source) in sources {
            builder = builder.source(name.as_str(), Arc::new(source));
        }
        if let Some(recovery) = recovery {
            builder = builder.recovery(recovery);
        }
        Ok(builder.build().await?)
    }

    /// Opens the database, and gives the store as well: what is exported, saved or examined is no matter of the engine.
    pub(crate) async fn open_store(&self) -> Result<(Throng, SqliteStore), Failure> {
        let store = self.store().await?;
        Ok((Throng::builder(store.clone()).build().await?, store))
    }

    async fn store(&self) -> Result<SqliteStore, Failure> {
        // Whatever else may be wrong with the file is told by opening it.
        if matches!(self.database.try_exists(), Ok(false)) {
            return Err(Failure::NoDatabase(self.database.clone()));
        }
        Ok(SqliteStore::open(&self.database).await?)
    }
}

/// What directories and applications are called, for people who are told of them by their ids.
#[derive(Debug)]
pub(crate) struct Names {
    directories: BTreeMap<DirectoryId, String>,
    applications: BTreeMap<ApplicationId, String>,
}

impl Names {
    pub(crate) fn of(throng: &Throng) -> Result<Self, Failure> {
        let directories = throng.directories();
        let directories = directories.iter().map(|record| (record.id, record.name.to_string())).collect();
        let mut applications = BTreeMap::new();
        for application in throng.applications() {
            applications.insert(application.id(), application.record()?.name.to_string());
        }
        Ok(Self { directories, applications })
    }

    pub(crate) fn directory(&self, id: DirectoryId) -> String {
        self.directories.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    pub(crate) fn application(&self, id: ApplicationId) -> String {
        self.applications.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// A text of the engine with names in place of the ids of directories.
    pub(crate) fn spelled(&self, text: &str) -> String {
        let quoted = |text: String, (id, name): (&DirectoryId, &String)| {
            text.replace(&id.to_string(), &format!("{name:?}"))
        };
        self.directories.iter().fold(text.to_owned(), quoted)
    }
}

/// The mirror that a directory is, if its users are not handed on: an application that asks a user server of this
/// database is shown its order without that mirror.
pub(crate) fn kept_back(throng: &Throng, id: DirectoryId) -> Option<String> {
    let directories = throng.directories();
    let record = directories.iter().find(|record| record.id == id)?;
    match &record.kind {
        DirectoryKind::Mirrored(settings) if settings.export == Export::Never => {
            Some(record.name.to_string())
        }
        _ => None,
    }
}

/// What is worth knowing of a winner in such a mirror.
pub(crate) fn kept_back_words(mirror: &str) -> String {
    format!(
        "the users of the mirror {mirror:?} are not handed on: applications that ask a user server of this database do \
         not get this account"
    )
}

/// The directory of a name.
pub(crate) fn directory(throng: &Throng, name: &str) -> Result<Arc<DirectoryRecord>, Failure> {
    throng.directory(name).map_err(|error| missing(error, "directory", name))
}

/// The directory of a name, or the only one, as it is configured.
pub(crate) fn chosen(throng: &Throng, name: Option<&str>) -> Result<Arc<DirectoryRecord>, Failure> {
    match name {
        Some(name) => directory(throng, name),
        None => match <[_; 1]>::try_from(throng.directories()) {
            Ok([only]) => Ok(only),
            Err(several) => Err(Failure::WhichDirectory(several.len())),
        },
    }
}

/// The directory of a name, or the only one.
pub(crate) fn chosen_directory(
    throng: &Throng,
    name: Option<&str>,
) -> Result<(Arc<DirectoryRecord>, Arc<dyn Directory>), Failure> {
    let record = chosen(throng, name)?;
    match throng.open(record.id) {
        Ok(port) => Ok((record, port)),
        Err(throng::Error::Unavailable { .. }) => Err(closed(&record)),
        Err(error) => Err(error.into()),
    }
}

/// Why there is nothing here to ask: a round may make the copy of a mirror, and nothing brings an adapter.
pub(crate) fn closed(record: &DirectoryRecord) -> Failure {
    let name = &record.name;
    match record.kind {
        DirectoryKind::Mirrored(_) => Failure::NoCopy(name.to_string()),
        DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) | DirectoryKind::Live => {
            let words = format!("{name:?} needs an adapter, which only a host program can attach");
            Failure::Refused(words)
        }
    }
}

/// The application of a name.
pub(crate) fn application(throng: &Throng, name: &str) -> Result<Application, Failure> {
    throng.application(name).map_err(|error| missing(error, "application", name))
}

/// Says the name where the engine says only what it was the name of.
fn missing(error: throng::Error, what: &'static str, name: &str) -> Failure {
    match error {
        throng::Error::NotFound { .. } => Failure::Missing { what, name: name.to_owned() },
        error => error.into(),
    }
}
