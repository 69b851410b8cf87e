//! `throng export`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use throng::core::directory::Directory;
use throng::core::filter::Filter;
use throng::core::group::Member;
use throng::core::id::{DirectoryId, Subject};
use throng::core::import::{GroupRow, UserRow};
use throng::core::name::GroupName;
use throng::core::page::PageRequest;
use throng::core::password::CredentialState;
use throng::core::store::Credentials;
use throng::core::user::User;
use throng::csv::{CsvError, CsvFault, write_groups, write_users, write_users_with_hashes};
use throng::sqlite::SqliteStore;
use tokio::sync::mpsc;

use super::import::Between;
use super::user::{failed, parents};
use crate::arguments::InDirectory;
use crate::failure::Failure;
use crate::output::{Output, note};
use crate::place::{Place, chosen_directory};

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    directory: InDirectory,
    /// A file that does not exist yet, in place of standard output; its owner alone can read it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Export the groups in place of the users
    #[arg(long, conflicts_with = "with_password_hashes")]
    groups: bool,
    /// Export the password hashes too: whoever has the file can try passwords on them as long as they like
    #[arg(long, requires = "output")]
    with_password_hashes: bool,
    /// What stands between two cells
    #[arg(long, value_name = "WHAT", default_value = "comma")]
    delimiter: Between,
}

/// Rows on their way to the file: as many as a page of a directory.
const AHEAD: usize = PageRequest::MAX_LIMIT;

pub(crate) async fn run(arguments: &Export, _: &Output) -> Result<(), Failure> {
    let (throng, store) = Place::find(&arguments.directory.at)?.open_store().await?;
    let (record, port) = chosen_directory(&throng, arguments.directory.directory.as_deref())?;
    let from = From {
        label: record.name.to_string(),
        id: record.id,
        port: &*port,
        hashes: arguments.with_password_hashes.then_some(&store),
    };
    let to = Target::open(arguments.output.as_deref())?;
    let options = arguments.delimiter.options();
    let written = if arguments.groups {
        through(|rows| from.groups(rows), to.writer()?, move |out, rows| write_groups(out, rows, options))
            .await
    } else if arguments.with_password_hashes {
        let write = move |out, rows| write_users_with_hashes(out, rows, options);
        through(|rows| from.users(rows), to.writer()?, write).await
    } else {
        through(|rows| from.users(rows), to.writer()?, move |out, rows| write_users(out, rows, options)).await
    };
    to.end(written)?;
    if let Some(file) = arguments.output.as_deref().filter(|_| arguments.with_password_hashes) {
        let file = file.display();
        note(&format_args!("{file} holds password hashes: whoever has it can try passwords on them"));
    }
    Ok(())
}

/// Rows that are written as they are read.
type Written<T> = Box<dyn Iterator<Item = T> + Send>;

/// Where rows go to.
enum Target<'p> {
    Standard,
    File(&'p Path, File),
}

impl<'p> Target<'p> {
    fn open(path: Option<&'p Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Standard) };
        let file = private(path).map_err(|error| Failure::File { path: path.into(), error })?;
        Ok(Self::File(path, file))
    }

    fn writer(&self) -> Result<Box<dyn Write + Send>, Failure> {
        Ok(match self {
            Self::Standard => Box::new(io::stdout()),
            Self::File(path, file) => {
                let again = file.try_clone();
                Box::new(again.map_err(|error| Failure::File { path: (*path).into(), error })?)
            }
        })
    }

    /// Nothing is left of a file that was not written to its end.
    fn end(self, written: Result<(), Ended>) -> Result<(), Failure> {
        let (path, synced) = match &self {
            Self::Standard => (Path::new("standard output"), Ok(())),
            Self::File(path, file) => (*path, file.sync_all()),
        };
        let failure = match (written, synced) {
            (Ok(()), Ok(())) => return Ok(()),
            (Err(Ended::Reading(failure)), _) => failure,
            (Err(Ended::Writing(error)), _) => match (&self, &error.fault) {
                (Self::Standard, CsvFault::Io(kind)) => Failure::Output((*kind).into()),
                _ => Failure::Csv { path: path.into(), error },
            },
            (Ok(()), Err(error)) => Failure::File { path: path.into(), error },
        };
        if let Self::File(path, _) = &self {
            drop(std::fs::remove_file(path));
        }
        Err(failure)
    }
}

/// A new file that its owner alone can read (T103).
pub(super) fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Why an export did not come to its end.
enum Ended {
    Reading(Failure),
    Writing(CsvError),
}

/// Reads and writes beside each other.
async fn through<T: Send + 'static, R: Future<Output = Result<(), Failure>>>(
    read: impl FnOnce(mpsc::Sender<T>) -> R,
    out: Box<dyn Write + Send>,
    write: impl FnOnce(Box<dyn Write + Send>, Written<T>) -> Result<(), CsvError> + Send + 'static,
) -> Result<(), Ended> {
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let writing = tokio::task::spawn_blocking(move || {
        write(out, Box::new(std::iter::from_fn(move || receiver.blocking_recv())))
    });
    let read = read(sender).await;
    match writing.await {
        Ok(written) => written.map_err(Ended::Writing)?,
        Err(ended) => {
            return Err(Ended::Reading(Failure::Output(io::Error::other(ended))));
        }
    }
    read.map_err(Ended::Reading)
}

/// What is exported.
struct From<'e> {
    label: String,
    id: DirectoryId,
    port: &'e dyn Directory,
    hashes: Option<&'e SqliteStore>,
}

impl From<'_> {
    async fn users(&self, rows: mpsc::Sender<UserRow>) -> Result<(), Failure> {
        let (everybody, mut request) = (Filter::everything(), PageRequest::default());
        loop {
            let page = self.port.find_users(&everybody, &request).await;
            let page = page.map_err(|error| failed(&self.label, error))?;
            for user in page.items {
                let row = self.user(user).await?;
                if rows.send(row).await.is_err() {
                    // Whoever writes has ended, and says why.
                    return Ok(());
                }
            }
            match page.next {
                Some(next) => request = request.after(next),
                None => return Ok(()),
            }
        }
    }

    async fn user(&self, user: User) -> Result<UserRow, Failure> {
        let member = Member::User(user.name.clone());
        let password_hash = match self.hashes {
            Some(store) => {
                let external_id = user.external_id.clone();
                let kept = store.credential(&Subject { directory: self.id, external_id }).await;
                kept.map_err(throng::Error::from)?.and_then(|credential| match credential.hash {
                    CredentialState::Usable(hash) | CredentialState::Quarantined(hash) => {
                        Some(hash.expose().to_owned())
                    }
                    CredentialState::Absent => None,
                })
            }
            None => None,
        };
        Ok(UserRow {
            line: 0,
            groups: spelled(parents(self.port, &self.label, &member).await?),
            name: user.name.as_str().to_owned(),
            profile: user.profile,
            active: user.active,
            password_hash,
        })
    }

    async fn groups(&self, rows: mpsc::Sender<GroupRow>) -> Result<(), Failure> {
        let (everything, mut request) = (Filter::everything(), PageRequest::default());
        loop {
            let page = self.port.find_groups(&everything, &request).await;
            let page = page.map_err(|error| failed(&self.label, error))?;
            for group in page.items {
                let above = parents(self.port, &self.label, &Member::Group(group.name.clone())).await?;
                let name = group.name.as_str().to_owned();
                let row = GroupRow { line: 0, name, description: group.description, parents: spelled(above) };
                if rows.send(row).await.is_err() {
                    return Ok(());
                }
            }
            match page.next {
                Some(next) => request = request.after(next),
                None => return Ok(()),
            }
        }
    }
}

fn spelled(groups: Vec<GroupName>) -> Vec<String> {
    groups.into_iter().map(|group| group.as_str().to_owned()).collect()
}
