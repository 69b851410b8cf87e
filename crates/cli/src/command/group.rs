//! `throng group`.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;
use throng::core::directory::{Directory, NewGroup};
use throng::core::error::Fault;
use throng::core::filter::Filter;
use throng::core::group::{Group as Kept, Member};
use throng::core::name::GroupName;
use throng::core::page::PageRequest;
use throng::preview::Proposal;
use throng::{Error, Throng};

use super::user::{failed, parents};
use crate::arguments::InDirectory;
use crate::change::{MemberKind, is_own, make_now};
use crate::failure::Failure;
use crate::output::{Output, Row, note};
use crate::place::{Place, chosen_directory};
use crate::signals::Signals;

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// List the groups of a directory
    #[command(after_help = "Example:\n  throng group list --directory Users --database users.db")]
    List(InDirectory),
    /// Show a group: who is directly in it, and which groups it is in
    #[command(after_help = "Example:\n  throng group show staff --database users.db")]
    Show(OneGroup),
    /// Add a group
    #[command(after_help = "Example:\n  throng group add staff --description Everybody --database users.db")]
    Add(AddGroup),
    /// Remove a group; its members stay
    ///
    /// Shows how many are in it, and removes it with `--yes` only. Refused where nobody could administer an application
    /// any more.
    #[command(after_help = "Example:\n  throng group remove staff --database users.db --yes")]
    Remove(RemoveGroup),
    /// Put a user, or a group, into a group
    #[command(after_help = "Example:\n  throng group add-member staff anna --database users.db")]
    AddMember(OneMember),
    /// Take a user, or a group, out of a group
    ///
    /// Refused where nobody could administer an application any more.
    #[command(after_help = "Example:\n  throng group remove-member staff anna --database users.db")]
    RemoveMember(OneMember),
}

#[derive(Debug, Args)]
pub(crate) struct OneGroup {
    /// The name of the group
    name: String,
    #[command(flatten)]
    directory: InDirectory,
}

#[derive(Debug, Args)]
pub(crate) struct AddGroup {
    /// The name of the group
    name: String,
    #[command(flatten)]
    directory: InDirectory,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveGroup {
    /// The name of the group
    name: String,
    #[command(flatten)]
    directory: InDirectory,
    /// Remove it; without it, nothing is done
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OneMember {
    /// The name of the group
    group: String,
    /// The name of the member
    member: String,
    #[command(flatten)]
    directory: InDirectory,
    /// What the member is
    #[arg(long, value_name = "KIND", default_value = "user")]
    kind: MemberKind,
}

pub(crate) async fn run(arguments: Group, output: &Output) -> Result<(), Failure> {
    match &arguments {
        Group::List(arguments) => list(arguments, output).await,
        Group::Show(arguments) => show(arguments, output).await,
        Group::Add(arguments) => add(arguments, output).await,
        Group::Remove(arguments) => remove(arguments, output).await,
        Group::AddMember(arguments) => change(arguments, Membership::Begins, output).await,
        Group::RemoveMember(arguments) => change(arguments, Membership::Ends, output).await,
    }
}

/// One group in the list.
#[derive(Serialize)]
struct Listed {
    name: GroupName,
    description: String,
}

impl Row for Listed {
    const SEVERAL: &'static str = "groups";
    const COLUMNS: &'static [&'static str] = &["group", "description"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.as_str().to_owned(), self.description.clone()]
    }
}

async fn list(arguments: &InDirectory, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let (record, port) = chosen_directory(&throng, arguments.directory.as_deref())?;
    let (everything, mut listed, mut page) = (Filter::everything(), Vec::new(), PageRequest::default());
    loop {
        let found = port.find_groups(&everything, &page).await;
        let found = found.map_err(|error| failed(record.name.as_str(), error))?;
        let groups = found.items.into_iter();
        listed.extend(groups.map(|group| Listed { name: group.name, description: group.description }));
        match found.next {
            Some(next) => page = page.after(next),
            None => return output.list(&listed),
        }
    }
}

/// A group with its neighbours.
#[derive(Serialize)]
struct Shown {
    directory: String,
    #[serde(flatten)]
    listed: Listed,
    parents: Vec<GroupName>,
    members: Vec<Member>,
}

/// A neighbour of a group.
#[derive(Serialize)]
struct Neighbour {
    what: &'static str,
    name: String,
}

impl Row for Neighbour {
    const SEVERAL: &'static str = "members, and in no group";
    const COLUMNS: &'static [&'static str] = &["", "name"];

    fn cells(&self) -> Vec<String> {
        vec![self.what.to_owned(), self.name.clone()]
    }
}

async fn show(arguments: &OneGroup, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.directory.at)?.open().await?;
    let (port, label, group) = one(&throng, &arguments.directory, &arguments.name).await?;
    let shown = Shown {
        parents: parents(&*port, &label, &Member::Group(group.name.clone())).await?,
        members: members(&*port, &label, &group.name).await?,
        listed: Listed { name: group.name, description: group.description },
        directory: label,
    };
    let above = shown.parents.iter().map(|name| ("is in the group", name.as_str()));
    let below = shown.members.iter().map(|member| match member {
        Member::User(name) => ("holds the user", name.as_str()),
        Member::Group(name) => ("holds the group", name.as_str()),
    });
    let rows = above.chain(below).map(|(what, name)| Neighbour { what, name: name.to_owned() });
    let Listed { name, description } = &shown.listed;
    output.words(&format_args!("{:?} in {:?}: {description}", name.as_str(), shown.directory))?;
    output.table(&rows.collect::<Vec<_>>())?;
    output.value(&shown)
}

async fn members(port: &dyn Directory, label: &str, group: &GroupName) -> Result<Vec<Member>, Failure> {
    let (mut members, mut request) = (Vec::new(), PageRequest::default());
    loop {
        let page = port.children_of(group, &request).await.map_err(|error| failed(label, error))?;
        members.extend(page.items);
        match page.next {
            Some(next) => request = request.after(next),
            None => return Ok(members),
        }
    }
}

/// A group that was changed.
#[derive(Serialize)]
struct Told<'a> {
    group: &'a GroupName,
    directory: &'a str,
}

async fn add(arguments: &AddGroup, output: &Output) -> Result<(), Failure> {
    let name = GroupName::for_creation(&arguments.name).map_err(Error::from)?;
    if !Kept::may_describe(&arguments.description) {
        return Err(Error::Invalid(throng::error::Invalid::Text("description")).into());
    }
    let throng = Place::find(&arguments.directory.at)?.open_with_sources().await?;
    let (record, port) = chosen_directory(&throng, arguments.directory.directory.as_deref())?;
    let label = record.name.as_str();
    let groups = port.powers().groups.ok_or_else(|| unable(label))?;
    if let Some(group) = port.group(&name).await.map_err(|error| failed(label, error))? {
        return Err(Failure::Present { what: "group", name: group.name.as_str().to_owned() });
    }
    let new = NewGroup { name, description: arguments.description.clone() };
    let group = groups.add_group(&new).await.map_err(|error| failed(label, error))?;
    let words = format_args!("the group {:?} is now in the directory {label:?}", group.name.as_str());
    output.answer(&words, &Told { group: &group.name, directory: label })
}

/// A group that was, or would be, removed.
#[derive(Serialize)]
struct Removed<'a> {
    group: &'a GroupName,
    members: usize,
    removed: bool,
}

async fn remove(arguments: &RemoveGroup, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.directory.at)?.open_with_sources().await?;
    let (port, label, group) = one(&throng, &arguments.directory, &arguments.name).await?;
    let groups = port.powers().groups.ok_or_else(|| unable(&label))?;
    let members = members(&*port, &label, &group.name).await?.len();
    let name = group.name.as_str();
    output.words(&format_args!("{members} are directly in the group {name:?}"))?;
    let removed = Removed { group: &group.name, members, removed: arguments.yes };
    if arguments.yes {
        // From here on a signal interrupts nothing half-way.
        let _signals = Signals::listen()?;
        if is_own(&throng.directory(&label)?.kind) {
            let (directory, group) = (port.id(), group.name.clone());
            make_now(&throng, Proposal::RemoveGroup { directory, group }).await?;
        } else {
            groups.remove_group(&group.name).await.map_err(|error| failed(&label, error))?;
        }
        return output.answer(&format_args!("the group {name:?} is removed"), &removed);
    }
    note(&"nothing was changed; `--yes` removes it");
    output.value(&removed)
}

/// What becomes of a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Membership {
    Begins,
    Ends,
}

async fn change(arguments: &OneMember, what: Membership, output: &Output) -> Result<(), Failure> {
    let member = arguments.kind.member(&arguments.member)?;
    let throng = Place::find(&arguments.directory.at)?.open_with_sources().await?;
    let (port, label, group) = one(&throng, &arguments.directory, &arguments.group).await?;
    let members = port.powers().members.ok_or_else(|| unable(&label))?;
    let word = match what {
        Membership::Begins => {
            let done = members.add_member(&group.name, &member).await;
            if let Err(error) = done {
                // Other contradictions, such as a circle of groups, are told as they are.
                if error.fault() == Fault::Conflict
                    && self::members(&*port, &label, &group.name).await?.contains(&member)
                {
                    let (member, group) = (&arguments.member, group.name.as_str());
                    return Err(Failure::Refused(format!("{member:?} is in the group {group:?} already")));
                }
                return Err(failed(&label, error));
            }
            "is in"
        }
        Membership::Ends => {
            if is_own(&throng.directory(&label)?.kind) {
                let (directory, group) = (port.id(), group.name.clone());
                make_now(&throng, Proposal::LeaveGroup { directory, group, member }).await?;
            } else {
                let done = members.remove_member(&group.name, &member).await;
                done.map_err(|error| failed(&label, error))?;
            }
            "is not in"
        }
    };
    let words = format_args!("{:?} {word} the group {:?}", arguments.member, group.name.as_str());
    output.answer(&words, &Told { group: &group.name, directory: &label })
}

/// The group of a name in one directory.
async fn one(
    throng: &Throng,
    place: &InDirectory,
    name: &str,
) -> Result<(Arc<dyn Directory>, String, Kept), Failure> {
    let wanted = GroupName::new(name).map_err(Error::from)?;
    let (record, port) = chosen_directory(throng, place.directory.as_deref())?;
    let label = record.name.to_string();
    let found = port.group(&wanted).await.map_err(|error| failed(&label, error))?;
    let group = found.ok_or_else(|| Failure::Missing { what: "group", name: name.to_owned() })?;
    Ok((port, label, group))
}

fn unable(label: &str) -> Failure {
    Failure::Refused(format!("groups cannot be changed in the directory {label:?}"))
}
