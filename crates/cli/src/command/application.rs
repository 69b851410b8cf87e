//! `throng application`.

use clap::{Args, Subcommand};
use serde::Serialize;
use throng::core::consumer::Network;
use throng::core::id::ApplicationId;
use throng::core::name::GroupName;
use throng::core::page::PageRequest;
use throng::core::secret::Secret;
use throng::error::Conflict;
use throng::{Application as Handle, ApplicationSecret, Error, MembershipScheme, Plan, Switch, Throng};

use crate::arguments::{List, Where};
use crate::change::{AddSeat, Making, Memberships, RemoveSeat, SetAccess, SetPolicy, make};
use crate::config::distinct;
use crate::failure::Failure;
use crate::output::{Output, Row, note, yes_or_no};
use crate::password;
use crate::place::{Names, Place, application, directory};
use crate::seat::{Seat, which_memberships};
use crate::signals::Signals;

#[derive(Debug, Subcommand)]
pub(crate) enum Application {
    /// Add an application and print its password, which is never shown again
    #[command(after_help = "\
Example:
  throng application add jira --directory Users --allow-address 10.0.0.0/8 --database users.db")]
    Add(AddApplication),
    /// List the applications with their directories in order
    #[command(after_help = "Example:\n  throng application list --database users.db --json")]
    List(List),
    /// Show an application: its order, and what silence, access and changes mean there
    #[command(after_help = "Example:\n  throng application show jira --database users.db")]
    Show(OneApplication),
    /// Remove an application with the names that belong to its users
    ///
    /// Shows what would be gone, and removes it with `--yes` only.
    #[command(after_help = "Example:\n  throng application remove jira --database users.db --yes")]
    Remove(RemoveApplication),
    /// Give an application another password: a drawn one is printed, or one from a file is taken
    #[command(after_help = "Example:\n  throng application set-password jira --database users.db")]
    SetPassword(SetPassword),
    /// Switch an application on
    #[command(after_help = "Example:\n  throng application enable jira --database users.db")]
    Enable(OneApplication),
    /// Switch an application off: it admits nobody, and keeps everything
    #[command(after_help = "Example:\n  throng application disable jira --database users.db")]
    Disable(OneApplication),
    /// Say from where an application may ask, in place of what was said
    #[command(after_help = "\
Example:
  throng application addresses jira 10.0.0.0/8 192.168.1.7 --database users.db")]
    Addresses(SetAddresses),
    /// Say whose members administer an application: no previewed change leaves it without one
    #[command(
        after_help = "Example:\n  throng application administrators jira jira-admins --database users.db"
    )]
    Administrators(SetAdministrators),
    /// Free a name that belonged to somebody who is gone, so that somebody else can have it
    ///
    /// What referred to the former owner is inherited by nobody. Refused while the owner has the name.
    #[command(after_help = "Example:\n  throng application release jira anna --database users.db")]
    Release(Release),
    /// Let an application ask one more directory
    ///
    /// Shows who changes, and makes the change with `--yes` only.
    #[command(after_help = "\
Example:
  throng application add-seat jira Crowd --position 1 --database users.db --yes")]
    AddSeat(Making<AddSeat>),
    /// Let an application ask a directory no more
    ///
    /// Shows who changes, and makes the change with `--yes` only.
    #[command(after_help = "Example:\n  throng application remove-seat jira Crowd --database users.db --yes")]
    RemoveSeat(Making<RemoveSeat>),
    /// Say which memberships count in an application
    ///
    /// Shows who changes, and makes the change with `--yes` only.
    #[command(after_help = "\
Example:
  throng application memberships jira aggregated --database users.db --yes")]
    Memberships(Making<Memberships>),
    /// Say whom an application admits from a directory
    ///
    /// Shows who changes, and makes the change with `--yes` only.
    #[command(after_help = "\
Example:
  throng application access jira Users --group jira-users --database users.db --yes")]
    Access(Making<SetAccess>),
    /// Say what silence and refusal of a directory mean to an application
    ///
    /// Shows what changes, and makes the change with `--yes` only.
    #[command(after_help = "\
Example:
  throng application policy jira Crowd --login stop --lookup pass --database users.db --yes")]
    Policy(Making<SetPolicy>),
}

#[derive(Debug, Args)]
pub(crate) struct AddApplication {
    /// What the application shows itself as
    name: String,
    #[command(flatten)]
    at: Where,
    /// A directory that it asks; several in their order
    #[arg(long = "directory", value_name = "NAME", required = true)]
    directories: Vec<String>,
    /// From where it may ask, an address or a network; several add up [default: this machine alone]
    #[arg(long = "allow-address", value_name = "CIDR")]
    addresses: Vec<Network>,
}

#[derive(Debug, Args)]
pub(crate) struct OneApplication {
    /// The application
    name: String,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveApplication {
    /// The application
    name: String,
    #[command(flatten)]
    at: Where,
    /// Remove it; without it, nothing is done
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetPassword {
    /// The application
    name: String,
    #[command(flatten)]
    at: Where,
    /// A file that holds the password, in place of a drawn one
    #[arg(long, value_name = "FILE")]
    password_file: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SetAddresses {
    /// The application
    name: String,
    /// Addresses or networks; none denies everybody
    #[arg(value_name = "CIDR")]
    addresses: Vec<Network>,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct SetAdministrators {
    /// The application
    name: String,
    /// Groups; none says that nothing is known of administrators
    #[arg(value_name = "GROUP")]
    groups: Vec<String>,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// The application
    application: String,
    /// The name
    name: String,
    #[command(flatten)]
    at: Where,
}

pub(crate) async fn run(arguments: Application, output: &Output) -> Result<(), Failure> {
    match &arguments {
        Application::Add(arguments) => add(arguments, output).await,
        Application::List(arguments) => list(arguments, output).await,
        Application::Show(arguments) => show(arguments, output).await,
        Application::Remove(arguments) => remove(arguments, output).await,
        Application::SetPassword(arguments) => set_password(arguments, output).await,
        Application::Enable(arguments) => switch(arguments, Switch::On, output).await,
        Application::Disable(arguments) => switch(arguments, Switch::Off, output).await,
        Application::Addresses(arguments) => addresses(arguments, output).await,
        Application::Administrators(arguments) => administrators(arguments, output).await,
        Application::Release(arguments) => release(arguments, output).await,
        Application::AddSeat(what) => make(what, output).await,
        Application::RemoveSeat(what) => make(what, output).await,
        Application::Memberships(what) => make(what, output).await,
        Application::Access(what) => make(what, output).await,
        Application::Policy(what) => make(what, output).await,
    }
}

#[derive(Serialize)]
struct Added<'a> {
    name: &'a str,
    id: ApplicationId,
    password: &'a str,
}

/// One application in the list.
#[derive(Serialize)]
struct Listed {
    name: String,
    id: ApplicationId,
    active: bool,
    order: Vec<String>,
    addresses: Vec<Network>,
}

impl Row for Listed {
    const SEVERAL: &'static str = "applications";
    const COLUMNS: &'static [&'static str] = &["application", "active", "asks in this order", "may ask from"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), yes_or_no(self.active), self.order.join(", "), joined(&self.addresses)]
    }
}

pub(super) fn joined(addresses: &[Network]) -> String {
    addresses.iter().map(Network::to_string).collect::<Vec<_>>().join(", ")
}

async fn add(arguments: &AddApplication, output: &Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let throng = Place::find(&arguments.at)?.open().await?;
    if throng.application(name).is_ok() {
        return Err(Failure::Present { what: "application", name: name.to_owned() });
    }
    let mut plan = Plan::new();
    for name in &arguments.directories {
        let id = directory(&throng, name)?.id;
        if plan.rank(id).is_some() {
            return Err(Failure::Usage(format!("the order names the directory {name:?} twice")));
        }
        plan = plan.seat(id).map_err(Error::from)?;
    }
    // From here on a signal interrupts nothing half-way.
    let _signals = Signals::listen()?;
    let application = throng.ensure_application(name, plan).await?;
    let told = match draw(&application, &arguments.addresses).await {
        Ok(drawn) => {
            let added = Added { name, id: application.id(), password: drawn.expose() };
            output.answer(&added.password, &added)
        }
        Err(error) => Err(error.into()),
    };
    if told.is_err() {
        // An application whose password nobody has would only be in the way of the next try.
        throng.remove_application(application.id()).await?;
    }
    told
}

async fn list(arguments: &List, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let applications = throng.applications();
    let listed = applications.iter().map(|application| listed(&throng, application));
    output.list(&listed.collect::<Result<Vec<_>, _>>()?)
}

async fn draw(application: &Handle, addresses: &[Network]) -> Result<ApplicationSecret, Error> {
    if !addresses.is_empty() {
        application.allow_addresses(addresses.to_vec()).await?;
    }
    application.draw_password().await
}

fn listed(throng: &Throng, application: &Handle) -> Result<Listed, Failure> {
    let (record, names) = (application.record()?, Names::of(throng)?);
    Ok(Listed {
        name: record.name.to_string(),
        id: record.id,
        active: record.active,
        order: record.plan.seats().iter().map(|seat| names.directory(seat.directory)).collect(),
        addresses: application.addresses()?,
    })
}

/// An application with everything that is configured of it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    listed: Listed,
    memberships: MembershipScheme,
    administrators: Vec<GroupName>,
    webhooks: Vec<String>,
    seats: Vec<Seat>,
}

async fn show(arguments: &OneApplication, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let application = application(&throng, &arguments.name)?;
    let (record, names) = (application.record()?, Names::of(&throng)?);
    let seats = record.plan.seats().iter().zip(1..).map(|(seat, rank)| Seat {
        rank,
        directory: names.directory(seat.directory),
        id: Some(seat.directory),
        access: seat.access.clone(),
        policy: seat.policy,
    });
    let shown = Shown {
        listed: listed(&throng, &application)?,
        memberships: record.plan.memberships(),
        administrators: record.administrators.clone(),
        webhooks: application.webhooks()?.into_iter().map(|hook| hook.endpoint).collect(),
        seats: seats.collect(),
    };
    let memberships = which_memberships(shown.memberships);
    let administrators: Vec<&str> = shown.administrators.iter().map(GroupName::as_str).collect();
    output.words(&format_args!(
        "application: {}\nactive: {}\nmay ask from: {}\nmemberships that count: {memberships}\n\
         administrators: {}\ntells of changes: {}",
        shown.listed.name,
        yes_or_no(shown.listed.active),
        joined(&shown.listed.addresses),
        administrators.join(", "),
        shown.webhooks.join(", "),
    ))?;
    output.table(&shown.seats)?;
    output.value(&shown)
}

/// What is gone with an application.
#[derive(Serialize)]
struct Removed<'a> {
    name: &'a str,
    claims: usize,
    removed: bool,
}

async fn remove(arguments: &RemoveApplication, output: &Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let throng = Place::find(&arguments.at)?.open().await?;
    let application = application(&throng, name)?;
    let claims = claims(&application).await?;
    let removed = Removed { name, claims, removed: arguments.yes };
    let words = format_args!("with {name:?} go {claims} names that belong to users in it");
    output.words(&words)?;
    if arguments.yes {
        throng.remove_application(application.id()).await?;
        return output.answer(&format_args!("{name:?} is removed"), &removed);
    }
    note(&"nothing was changed; `--yes` removes it");
    output.value(&removed)
}

async fn claims(application: &Handle) -> Result<usize, Failure> {
    let (mut count, mut request) = (0, PageRequest::default());
    loop {
        let page = application.claims(&request).await?;
        count += page.items.len();
        match page.next {
            Some(next) => request = request.after(next),
            None => return Ok(count),
        }
    }
}

async fn set_password(arguments: &SetPassword, output: &Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let secret: Option<Secret> = arguments.password_file.as_deref().map(password::from_file).transpose()?;
    let throng = Place::find(&arguments.at)?.open().await?;
    let application = application(&throng, name)?;
    // From here on a signal interrupts nothing half-way.
    let _signals = Signals::listen()?;
    let id = application.id();
    match secret {
        Some(secret) => {
            throng.set_application_password(id, secret.expose()).await?;
            output.answer(&format_args!("{name:?} has another password"), &Changed { name })
        }
        None => {
            let drawn = application.draw_password().await?;
            output.answer(&drawn.expose(), &Added { name, id, password: drawn.expose() })
        }
    }
}

/// An application that was changed.
#[derive(Serialize)]
struct Changed<'a> {
    name: &'a str,
}

async fn switch(arguments: &OneApplication, state: Switch, output: &Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let throng = Place::find(&arguments.at)?.open().await?;
    application(&throng, name)?.switch(state).await?;
    let word = match state {
        Switch::On => "on",
        Switch::Off => "off",
    };
    output.answer(&format_args!("{name:?} is switched {word}"), &Changed { name })
}

async fn addresses(arguments: &SetAddresses, output: &Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let throng = Place::find(&arguments.at)?.open().await?;
    application(&throng, name)?.allow_addresses(arguments.addresses.clone()).await?;
    let from = match joined(&arguments.addresses) {
        nowhere if nowhere.is_empty() => "nowhere".to_owned(),
        addresses => addresses,
    };
    output.answer(&format_args!("{name:?} may ask from {from}"), &Changed { name })
}

async fn administrators(arguments: &SetAdministrators, output: &Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let groups = arguments.groups.iter().map(GroupName::new).collect::<Result<Vec<_>, _>>();
    let groups = distinct(groups.map_err(Error::from)?);
    let throng = Place::find(&arguments.at)?.open().await?;
    let application = application(&throng, name)?;
    application.set_administrators(groups.clone()).await?;
    if !groups.is_empty() {
        warn_if_nobody(name, &application).await?;
    }
    let by = match groups.iter().map(GroupName::as_str).collect::<Vec<_>>().join(", ") {
        nobody if nobody.is_empty() => "groups that are not known".to_owned(),
        groups => groups,
    };
    output.answer(&format_args!("{name:?} is administered by {by}"), &Changed { name })
}

/// A name that was freed.
#[derive(Serialize)]
struct Released<'a> {
    application: &'a str,
    name: &'a str,
}

async fn release(arguments: &Release, output: &Output) -> Result<(), Failure> {
    let Release { application: label, name, at } = arguments;
    // Where a live directory is asked, only a host program can say whether the owner is gone.
    let throng = Place::find(at)?.open_with_sources().await?;
    application(&throng, label)?.release(name).await.map_err(|error| match error {
        Error::NotFound { what: "claim", .. } => {
            Failure::Refused(format!("the name {name:?} belongs to nobody in {label:?}"))
        }
        Error::Conflict(Conflict::NameTaken) => {
            Failure::Refused(format!("whom the name {name:?} belongs to in {label:?} is not gone"))
        }
        error => error.into(),
    })?;
    output.answer(
        &format_args!("the name {name:?} is free in {label:?}"),
        &Released { application: label, name },
    )
}

/// Warns where nobody can administer an application now.
pub(super) async fn warn_if_nobody(name: &str, application: &Handle) -> Result<(), Failure> {
    if application.administrator().await?.is_none() {
        note(&format_args!(
            "nobody in the groups that administer {name:?} can log in now: until somebody can, no change is refused \
             for their sake"
        ));
    }
    Ok(())
}
