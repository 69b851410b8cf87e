//! `throng user`.

use serde::Serialize;
use throng::Error;
use throng::core::directory::{Directory, NewUser};
use throng::core::error::DirectoryError;
use throng::core::filter::Filter;
use throng::core::name::Username;
use throng::core::page::PageRequest;
use throng::core::secret::Secret;
use throng::core::user::{Profile, User};
use throng::error::Invalid;

use crate::arguments::{AddUser, ListUsers};
use crate::failure::Failure;
use crate::output::{Output, Row};
use crate::password;
use crate::place::{Place, chosen_directory};
use crate::signals::Signals;

#[derive(Serialize)]
struct Added<'a> {
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
    const COLUMNS: &'static [&'static str] = &["user", "display name", "e-mail", "active"];

    fn cells(&self) -> Vec<String> {
        let active = if self.active { "yes" } else { "no" };
        let Self { name, display_name, email, .. } = self;
        vec![name.as_str().to_owned(), display_name.clone(), email.clone(), active.to_owned()]
    }
}

pub(crate) async fn add(arguments: &AddUser, output: &Output) -> Result<(), Failure> {
    let name = Username::for_creation(&arguments.name).map_err(Error::from)?;
    let AddUser { display_name, email, .. } = arguments;
    let profile = Profile { display_name: display_name.clone(), email: email.clone(), ..Profile::default() };
    profile.check().map_err(|error| Error::Invalid(Invalid::Profile(error)))?;
    let throng = Place::find(&arguments.at)?.open().await?;
    let (record, directory) = chosen_directory(&throng, arguments.directory.as_deref())?;
    let secret = match &arguments.password_file {
        Some(file) => password::from_file(file)?,
        None => password::from_standard_input()?,
    };
    // From here on a signal interrupts nothing half-way.
    let _signals = Signals::listen()?;
    let label = record.name.as_str();
    let user = make(&*directory, label, NewUser { name, profile, active: true }, &secret).await?;
    let words = format_args!("{:?} is now in the directory {label:?}", user.name);
    output.answer(&words, &Added { name: &user.name, directory: label })
}

pub(crate) async fn list(arguments: &ListUsers, output: &Output) -> Result<(), Failure> {
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

/// Makes a user with a password, or none at all.
async fn make(
    directory: &dyn Directory,
    label: &str,
    new: NewUser,
    secret: &Secret,
) -> Result<User, Failure> {
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

fn failed(label: &str, error: DirectoryError) -> Failure {
    Failure::Directory { name: label.to_owned(), error }
}
