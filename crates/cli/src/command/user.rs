//! `throng user`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use throng::core::directory::{Directory, NewUser, UserPatch};
use throng::core::error::DirectoryError;
use throng::core::filter::Filter;
use throng::core::group::Member;
use throng::core::id::{ExternalId, Subject};
use throng::core::name::{GroupName, Username};
use throng::core::page::PageRequest;
use throng::core::registry::DirectoryRecord;
use throng::core::secret::Secret;
use throng::core::user::{Profile, User as Account};
use throng::error::Invalid;
use throng::preview::{Proposal, Switched};
use throng::shadows::Overtaken;
use throng::{Error, Throng};

use crate::arguments::{InDirectory, Where};
use crate::change::{DeleteUser, Making, RenameUser, is_own, make as change, make_now};
use crate::failure::Failure;
use crate::output::{Output, Row, yes_or_no};
use crate::password;
use crate::place::{Place, chosen_directory};
use crate::signals::Signals;

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a user, with a password from standard input or a file
    ///
    /// The password is one line. It is not read from a terminal, which would show it.
    #[command(after_help = "Example:\n  throng user add anna --database users.db --password-file anna.txt")]
    Add(AddUser),
    /// List the users of a directory
    #[command(after_help = "Example:\n  throng user list --directory Users --database users.db --json")]
    List(InDirectory),
    /// Show everybody of a name, in one directory or in all
    #[command(after_help = "Example:\n  throng user show anna --database users.db")]
    Show(ShowUser),
    /// Give a user another password, from standard input or a file
    #[command(after_help = "\
Example:
  throng user set-password anna --database users.db --password-file anna.txt")]
    SetPassword(SetPassword),
    /// Let a user log in again
    #[command(after_help = "Example:\n  throng user enable anna --database users.db")]
    Enable(OneUser),
    /// Let a user log in no more; everything else stays
    ///
    /// Refused where nobody could administer an application any more.
    #[command(after_help = "Example:\n  throng user disable anna --database users.db")]
    Disable(OneUser),
    /// Give a user another name
    ///
    /// Shows who changes, and makes the change with `--yes` only.
    #[command(after_help = "Example:\n  throng user rename anna anja --database users.db --yes")]
    Rename(Making<RenameUser>),
    /// Remove a user
    ///
    /// Shows who changes, and makes the change with `--yes` only. The name stays reserved.
    #[command(after_help = "Example:\n  throng user remove anna --database users.db --yes")]
    Remove(Making<DeleteUser>),
}

#[derive(Debug, Args)]
pub(crate) struct AddUser {
    /// The name of the user
    name: String,
    #[command(flatten)]
    directory: InDirectory,
    /// A file that holds the password, in place of standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Add the user although the name means, or belongs to, somebody else in an application
    #[arg(long)]
    allow_namesake: bool,
    /// The name to show
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    display_name: String,
    /// The e-mail address
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    email: String,
}

#[derive(Debug, Args)]
pub(crate) struct ShowUser {
    /// The name of the user
    name: String,
    #[command(flatten)]
    at: Where,
    /// This directory alone
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SetPassword {
    /// The name of the user
    name: String,
    #[command(flatten)]
    directory: InDirectory,
    /// A file that holds the password, in place of standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct OneUser {
    /// The name of the user
    name: String,
    #[command(flatten)]
    directory: InDirectory,
}

pub(crate) async fn run(arguments: User, output: &Output) -> Result<(), Failure> {
    match &arguments {
        User::Add(arguments) => add(arguments, output).await,
        User::List(arguments) => list(arguments, output).await,
        User::Show(arguments) => show(arguments, output).await,
        User::SetPassword(arguments) => set_password(arguments, output).await,
        User::Enable(arguments) => switch(arguments, Switched::On, output).await,
        User::Disable(arguments) => switch(arguments, Switched::Off, output).await,
        User::Rename(what) => change(what, output).await,
        User::Remove(what) => change(what, output).await,
    }
}

/// A user, and where.
#[derive(Serialize)]
struct Told<'a> {
    name: &'a Username,
    directory: &'a str,
}

/// One user in the list.
#[derive(Serialize)]
struct Listed {
    name: Username,
    display_name: String,
    email: String,
    active: bool,
}

impl Row for Listed {
    const SEVERAL: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &["user", "display name", "e-mail", "active"];

    fn cells(&self) -> Vec<String> {
        let Self { name, display_name, email, .. } = self;
        vec![name.as_str().to_owned(), display_name.clone(), email.clone(), yes_or_no(self.active)]
    }
}

async fn add(arguments: &AddUser, output: &Output) -> Result<(), Failure> {
    let name = Username::for_creation(&arguments.name).map_err(Error::from)?;
    let AddUser { display_name, email, .. } = arguments;
    let profile = Profile { display_name: display_name.clone(), email: email.clone(), ..Profile::default() };
    profile.check().map_err(|error| Error::Invalid(Invalid::Profile(error)))?;
    let throng = Place::find(&arguments.directory.at)?.open_with_sources().await?;
    let (record, directory) = chosen_directory(&throng, arguments.directory.directory.as_deref())?;
    if !arguments.allow_namesake {
        refuse_overtaking(&throng, &record, std::slice::from_ref(&name), "--allow-namesake").await?;
    }
    let secret = read_password(arguments.password_file.as_deref())?;
    // From here on a signal interrupts nothing half-way.
    let _signals = Signals::listen()?;
    let label = record.name.as_str();
    let user = make(&*directory, label, NewUser { name, profile, active: true }, &secret).await?;
    let words = format_args!("{:?} is now in the directory {label:?}", user.name);
    output.answer(&words, &Told { name: &user.name, directory: label })
}

/// How many names are told to people.
const FIRST: usize = 5;

/// Refuses newcomers who would be taken for somebody else, or take a name that is somebody else's; the option says that
/// it is meant.
pub(super) async fn refuse_overtaking(
    throng: &Throng,
    record: &DirectoryRecord,
    names: &[Username],
    option: &str,
) -> Result<(), Failure> {
    let overtaken = throng.overtaken(record.id, names).await?;
    if overtaken.is_empty() {
        return Ok(());
    }
    let told = overtaken.iter().take(FIRST).map(|found| {
        let Overtaken { application, name, held_in } = found;
        match held_in {
            Some(directory) => format!("\n  {name:?} means somebody in {directory:?} to {application:?}"),
            None => format!("\n  {name:?} belongs to somebody else in {application:?}"),
        }
    });
    let told: String = told.collect();
    let more = match overtaken.len().saturating_sub(FIRST) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    let label = record.name.as_str();
    let words =
        format!("in {label:?}, names would be in the way of others; `{option}` says that it is meant");
    Err(Failure::Refused(format!("{words}:{told}{more}")))
}

fn read_password(file: Option<&Path>) -> Result<Secret, Failure> {
    Ok(match file {
        Some(file) => password::from_file(file)?,
        None => password::from_standard_input()?,
    })
}

async fn list(arguments: &InDirectory, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let (record, directory) = chosen_directory(&throng, arguments.directory.as_deref())?;
    let everybody = Filter::everything();
    let (mut listed, mut page) = (Vec::new(), PageRequest::default());
    loop {
        let found = directory.find_users(&everybody, &page).await;
        let found = found.map_err(|error| failed(record.name.as_str(), error))?;
        listed.extend(found.items.into_iter().map(|user| Listed {
            name: user.name,
            display_name: user.profile.display_name,
            email: user.profile.email,
            active: user.active,
        }));
        match found.next {
            Some(next) => page = page.after(next),
            None => return output.list(&listed),
        }
    }
}

/// One account of a name.
#[derive(Serialize)]
struct Shown {
    directory: String,
    external_id: ExternalId,
    #[serde(flatten)]
    listed: Listed,
    groups: Vec<GroupName>,
}

impl Row for Shown {
    const SEVERAL: &'static str = "users";
    const COLUMNS: &'static [&'static str] =
        &["directory", "user", "display name", "e-mail", "active", "directly in", "id"];

    fn cells(&self) -> Vec<String> {
        let groups: Vec<&str> = self.groups.iter().map(GroupName::as_str).collect();
        let mut cells = vec![self.directory.clone()];
        cells.extend(self.listed.cells());
        cells.extend([groups.join(", "), self.external_id.as_str().to_owned()]);
        cells
    }
}

async fn show(arguments: &ShowUser, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let name = Username::new(&arguments.name).map_err(Error::from)?;
    let places = match &arguments.directory {
        Some(label) => vec![chosen_directory(&throng, Some(label))?.0],
        None => throng.directories(),
    };
    let mut shown = Vec::new();
    for record in places {
        // Whoever has no adapter here cannot be asked, and is named by `throng directory list`.
        let Ok(port) = throng.open(record.id) else { continue };
        let label = record.name.as_str();
        let Some(user) = port.user(&name).await.map_err(|error| failed(label, error))? else { continue };
        shown.push(Shown {
            directory: label.to_owned(),
            external_id: user.external_id,
            groups: parents(&*port, label, &Member::User(user.name.clone())).await?,
            listed: Listed {
                name: user.name,
                display_name: user.profile.display_name,
                email: user.profile.email,
                active: user.active,
            },
        });
    }
    if shown.is_empty() {
        return Err(Failure::Missing { what: "user", name: arguments.name.clone() });
    }
    output.list(&shown)
}

/// The groups that directly hold a member.
pub(super) async fn parents(
    port: &dyn Directory,
    label: &str,
    member: &Member,
) -> Result<Vec<GroupName>, Failure> {
    let (mut parents, mut request) = (Vec::new(), PageRequest::default());
    loop {
        let page = port.parents_of(member, &request).await.map_err(|error| failed(label, error))?;
        parents.extend(page.items);
        match page.next {
            Some(next) => request = request.after(next),
            None => return Ok(parents),
        }
    }
}

async fn set_password(arguments: &SetPassword, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.directory.at)?.open_with_sources().await?;
    let (port, label, user) = one(&throng, &arguments.directory, &arguments.name).await?;
    let passwords = port.powers().passwords;
    let passwords = passwords
        .ok_or_else(|| Failure::Refused(format!("passwords cannot be set in the directory {label:?}")))?;
    let secret = read_password(arguments.password_file.as_deref())?;
    let set = passwords.set_password(&user.external_id, &secret).await;
    set.map_err(|error| failed(&label, error))?;
    let words = format_args!("{:?} has another password", user.name);
    output.answer(&words, &Told { name: &user.name, directory: &label })
}

async fn switch(arguments: &OneUser, state: Switched, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.directory.at)?.open_with_sources().await?;
    let (port, label, user) = one(&throng, &arguments.directory, &arguments.name).await?;
    // From here on a signal interrupts nothing half-way.
    let _signals = Signals::listen()?;
    if is_own(&throng.directory(&label)?.kind) {
        let subject = Subject { directory: port.id(), external_id: user.external_id.clone() };
        make_now(&throng, Proposal::SwitchUser { subject, state }).await?;
    } else {
        let users = port.powers().users;
        let users = users
            .ok_or_else(|| Failure::Refused(format!("users cannot be changed in the directory {label:?}")))?;
        let patch = UserPatch { active: Some(state == Switched::On), ..UserPatch::default() };
        users.update_user(&user.external_id, &patch).await.map_err(|error| failed(&label, error))?;
    }
    let word = match state {
        Switched::On => "may log in",
        Switched::Off => "may not log in any more",
    };
    output.answer(&format_args!("{:?} {word}", user.name), &Told { name: &user.name, directory: &label })
}

/// The user of a name in one directory.
async fn one(
    throng: &Throng,
    place: &InDirectory,
    name: &str,
) -> Result<(std::sync::Arc<dyn Directory>, String, Account), Failure> {
    let wanted = Username::new(name).map_err(Error::from)?;
    let (record, port) = chosen_directory(throng, place.directory.as_deref())?;
    let label = record.name.to_string();
    let found = port.user(&wanted).await.map_err(|error| failed(&label, error))?;
    let user = found.ok_or_else(|| Failure::Missing { what: "user", name: name.to_owned() })?;
    Ok((port, label, user))
}

/// Makes a user with a password, or none at all.
async fn make(
    directory: &dyn Directory,
    label: &str,
    new: NewUser,
    secret: &Secret,
) -> Result<Account, Failure> {
    let powers = directory.powers();
    let (users, passwords) =
        powers.users.zip(powers.passwords).ok_or_else(|| Failure::Closed(label.to_owned()))?;
    let present = directory.user(&new.name).await.map_err(|error| failed(label, error))?;
    if let Some(user) = present {
        return Err(Failure::Present { what: "user", name: user.name.as_str().to_owned() });
    }
    let user = users.add_user(&new).await.map_err(|error| failed(label, error))?;
    if let Err(error) = passwords.set_password(&user.external_id, secret).await {
        users.remove_user(&user.external_id).await.map_err(|error| failed(label, error))?;
        return Err(failed(label, error));
    }
    Ok(user)
}

pub(super) fn failed(label: &str, error: DirectoryError) -> Failure {
    Failure::Directory { name: label.to_owned(), error }
}
