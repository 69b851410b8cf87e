//! A folder with a database, and what commands over it have to answer.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use throng::Throng;
use throng::sqlite::SqliteStore;

use crate::process::{Ended, Serving, over};

pub(crate) const PASSWORD: &str = "coffee before noon";

/// A folder with a database of one directory, `anna` in it, and the application `wiki`.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    /// The password of the application.
    pub(crate) secret: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("users.db");
        done(&over(&database, &["init"], ""));
        done(&over(&database, &["user", "add", "anna"], &format!("{PASSWORD}\n")));
        let added = over(&database, &["application", "add", "wiki", "--directory", "users"], "");
        let secret = done(&added).trim_end().to_owned();
        assert!(secret.starts_with("throng_"), "{secret}");
        Self { folder, secret }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("users.db")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        over(&self.database(), arguments, "")
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(done(&ended)).unwrap()
    }

    pub(crate) fn serve(&self) -> Serving {
        Serving::start(&[
            "--database".as_ref(),
            self.database().as_ref(),
            "--listen".as_ref(),
            "127.0.0.1:0".as_ref(),
        ])
    }

    /// Writes a configuration file beside the database.
    pub(crate) fn config(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("throng.toml");
        std::fs::write(&path, format!("database = \"users.db\"\n{text}")).unwrap();
        path
    }
}

/// What a command that has to succeed wrote.
pub(crate) fn done(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    &ended.stdout
}

/// A command that has to fail by this code, say this and write nothing.
pub(crate) fn refused(ended: &Ended, code: i32, says: &str) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(ended.stderr.contains(says), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
}

impl Home {
    /// A second directory, asked after the first, with a namesake of `anna` and with `bela`.
    pub(crate) fn with_guests() -> Self {
        let home = Self::new();
        done(&home.run(&["directory", "add", "Guests"]));
        home.import("Guests", "username,email,groups\nAnna,anna@guests.example,visitors\nbela,,visitors\n");
        done(&home.run(&["application", "add-seat", "wiki", "Guests", "--yes"]));
        home
    }

    /// Writes a file beside the database.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Imports a CSV file into a directory, whoever has the names elsewhere.
    pub(crate) fn import(&self, directory: &str, text: &str) {
        let file = self.file("import.csv", text);
        done(&self.run(&["import", path(&file), "--directory", directory, "--allow-namesakes"]));
    }

    /// Runs a command that ends by a code, and reads the JSON that it writes.
    pub(crate) fn json_with(&self, code: i32, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ended.code, Some(code), "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Home {
    /// Logs in to the application, which makes the name belong to whoever has it.
    pub(crate) fn log_in(&self, name: &str, password: &str) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = SqliteStore::open(self.database()).await.unwrap();
            let throng = Throng::builder(store.clone()).build().await.unwrap();
            throng.application("wiki").unwrap().authenticate(name, password).await.unwrap();
            store.close().await;
        });
    }

    pub(crate) fn log_in_once(&self, name: &str) {
        self.log_in(name, PASSWORD);
    }
}
