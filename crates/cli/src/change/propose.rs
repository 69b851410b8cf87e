//! The changes that can be looked at, with their arguments.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use throng::core::group::Member;
use throng::core::id::{DirectoryId, Subject};
use throng::core::name::{GroupName, Username};
use throng::core::plan::{OnRefusal, OnSilence};
use throng::core::registry::{DirectoryKind, DirectoryRecord};
use throng::core::user::User;
use throng::preview::{Copies, Proposal, Switched};
use throng::{Access, Error, MembershipScheme, Throng};

use crate::config::span_of;
use crate::failure::Failure;
use crate::place::{application, chosen, chosen_directory, directory};

/// Arguments that name a change.
pub(crate) trait Proposes {
    /// The change.
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure>;
}

#[derive(Debug, Args)]
pub(crate) struct Reorder {
    /// The application
    application: String,
    /// All of its directories, the first one first
    #[arg(required = true, value_name = "DIRECTORY")]
    order: Vec<String>,
}

impl Proposes for Reorder {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let application = application(throng, &self.application)?;
        let mut order: Vec<DirectoryId> = Vec::new();
        for name in &self.order {
            let id = directory(throng, name)?.id;
            if order.contains(&id) {
                return Err(Failure::Usage(format!("the order names the directory {name:?} twice")));
            }
            order.push(id);
        }
        let asked: Vec<_> = application.record()?.plan.seats().iter().map(|seat| seat.directory).collect();
        for record in throng.directories() {
            let (is_asked, is_named) = (asked.contains(&record.id), order.contains(&record.id));
            let (name, application) = (&record.name, &self.application);
            if is_asked && !is_named {
                return Err(Failure::Usage(format!("the order leaves the directory {name:?} out")));
            }
            if is_named && !is_asked {
                let words = format!("the application {application:?} does not ask the directory {name:?}");
                return Err(Failure::Refused(words));
            }
        }
        Ok(Proposal::Reorder { application: application.id(), order })
    }
}

#[derive(Debug, Args)]
pub(crate) struct AddSeat {
    /// The application
    application: String,
    /// The directory that it asks from then on
    directory: String,
    /// Its place in the order, counted from 1 [default: the last]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    position: Option<u16>,
}

impl Proposes for AddSeat {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let application = application(throng, &self.application)?;
        let added = directory(throng, &self.directory)?;
        if application.record()?.plan.rank(added.id).is_some() {
            let words = format!("{:?} asks {:?} already", self.application, self.directory);
            return Err(Failure::Refused(words));
        }
        let at = self.position.map_or(usize::MAX, |position| usize::from(position) - 1);
        Ok(Proposal::AddSeat { application: application.id(), directory: added.id, at })
    }
}

#[derive(Debug, Args)]
pub(crate) struct RemoveSeat {
    /// The application
    application: String,
    /// The directory that it asks no more
    directory: String,
}

impl Proposes for RemoveSeat {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let (application, directory) = (&self.application, &self.directory);
        let (application, directory) = seat(throng, application, directory)?;
        Ok(Proposal::RemoveSeat { application: application.id(), directory })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Enable {
    /// The directory
    directory: String,
}

impl Proposes for Enable {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let directory = directory(throng, &self.directory)?.id;
        Ok(Proposal::SwitchDirectory { directory, state: Switched::On })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Disable {
    /// The directory
    directory: String,
}

impl Proposes for Disable {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let directory = directory(throng, &self.directory)?.id;
        Ok(Proposal::SwitchDirectory { directory, state: Switched::Off })
    }
}

#[derive(Debug, Args)]
pub(crate) struct RemoveDirectory {
    /// The directory
    directory: String,
}

impl Proposes for RemoveDirectory {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        Ok(Proposal::RemoveDirectory { directory: directory(throng, &self.directory)?.id })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Memberships {
    /// The application
    application: String,
    /// Which memberships count
    scheme: Scheme,
}

/// How memberships of several directories combine.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scheme {
    /// Those of the directory that the user is found in
    Canonical,
    /// Those of all directories
    Aggregated,
}

impl Proposes for Memberships {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let scheme = match self.scheme {
            Scheme::Canonical => MembershipScheme::Canonical,
            Scheme::Aggregated => MembershipScheme::Aggregated,
        };
        Ok(Proposal::Memberships { application: application(throng, &self.application)?.id(), scheme })
    }
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["everyone", "groups"])))]
pub(crate) struct SetAccess {
    /// The application
    application: String,
    /// The directory
    directory: String,
    /// All users of the directory may use the application
    #[arg(long)]
    everyone: bool,
    /// The members of this group of the directory may use it, nested ones too; several add up
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
}

impl Proposes for SetAccess {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let (application, directory) = seat(throng, &self.application, &self.directory)?;
        let access = if self.everyone {
            Access::Everyone
        } else {
            let groups = self.groups.iter().map(GroupName::new).collect::<Result<_, _>>();
            Access::Groups(groups.map_err(Error::from)?)
        };
        Ok(Proposal::Access { application: application.id(), directory, access })
    }
}

#[derive(Debug, Args)]
pub(crate) struct SetPolicy {
    /// The application
    application: String,
    /// The directory
    directory: String,
    /// What its silence means while somebody logs in: `stop`, `pass`, or a span such as `2h` in which a copy that lacks
    /// the name is believed
    #[arg(long, value_name = "SILENCE")]
    login: Option<Silence>,
    /// What its silence means while access is decided
    #[arg(long, value_name = "SILENCE")]
    authorise: Option<Silence>,
    /// What its silence means while a user is looked up
    #[arg(long, value_name = "SILENCE")]
    lookup: Option<Silence>,
    /// What a wrong password means
    #[arg(long, value_name = "REFUSAL")]
    refusal: Option<Refusing>,
}

/// What the silence of a directory means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Silence(pub(crate) OnSilence);

impl FromStr for Silence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "say `stop`, `pass`, or a span of time such as `2h`".to_owned();
        Ok(Self(match text {
            "stop" => OnSilence::Stop,
            "pass" => OnSilence::Pass,
            text => {
                let max_age = span_of(text).filter(|span| *span > Duration::ZERO).ok_or_else(wrong)?;
                OnSilence::PassIfLacked { max_age }
            }
        }))
    }
}

/// What a wrong password means.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Refusing {
    /// Nobody is let in
    Stop,
    /// The next directory is asked
    Pass,
}

impl Proposes for SetPolicy {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let (application, directory) = seat(throng, &self.application, &self.directory)?;
        let record = application.record()?;
        let seat = record.plan.seats().iter().find(|seat| seat.directory == directory);
        let mut policy = seat.map(|seat| seat.policy).unwrap_or_default();
        for (said, kept) in [
            (self.login, &mut policy.login),
            (self.authorise, &mut policy.authorise),
            (self.lookup, &mut policy.lookup),
        ] {
            *kept = said.map_or(*kept, |silence| silence.0);
        }
        policy.on_refusal = match self.refusal {
            Some(Refusing::Stop) => OnRefusal::Stop,
            Some(Refusing::Pass) => OnRefusal::Pass,
            None => policy.on_refusal,
        };
        Ok(Proposal::Policy { application: application.id(), directory, policy })
    }
}

#[derive(Debug, Args)]
pub(crate) struct DeleteUser {
    /// The name of the user
    name: String,
    /// The directory; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
    /// Remove everybody of the name in all directories that are kept here
    #[arg(long)]
    copies: bool,
}

impl Proposes for DeleteUser {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let (subject, _) = account(throng, self.directory.as_deref(), &self.name).await?;
        let copies = if self.copies { Copies::Removed } else { Copies::Stay };
        Ok(Proposal::DeleteUser { subject, copies })
    }
}

#[derive(Debug, Args)]
pub(crate) struct RenameUser {
    /// The name of the user
    name: String,
    /// The new name
    new_name: String,
    /// The directory; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
}

impl Proposes for RenameUser {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let name = Username::for_creation(&self.new_name).map_err(Error::from)?;
        let (subject, _) = account(throng, self.directory.as_deref(), &self.name).await?;
        Ok(Proposal::RenameUser { subject, name })
    }
}

#[derive(Debug, Args)]
pub(crate) struct DisableUser {
    /// The name of the user
    name: String,
    /// The directory; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
}

impl Proposes for DisableUser {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let (subject, _) = account(throng, self.directory.as_deref(), &self.name).await?;
        Ok(Proposal::SwitchUser { subject, state: Switched::Off })
    }
}

#[derive(Debug, Args)]
pub(crate) struct RemoveGroup {
    /// The name of the group
    name: String,
    /// The directory; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
}

impl Proposes for RemoveGroup {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let directory = own(throng, self.directory.as_deref())?.id;
        let group = group(throng, directory, &self.name).await?;
        Ok(Proposal::RemoveGroup { directory, group })
    }
}

#[derive(Debug, Args)]
pub(crate) struct LeaveGroup {
    /// The name of the group
    group: String,
    /// The name of the member
    member: String,
    /// The directory; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
    /// What the member is
    #[arg(long, value_name = "KIND", default_value = "user")]
    kind: MemberKind,
}

impl Proposes for LeaveGroup {
    async fn proposal(&self, throng: &Throng) -> Result<Proposal, Failure> {
        let directory = own(throng, self.directory.as_deref())?.id;
        let group = group(throng, directory, &self.group).await?;
        Ok(Proposal::LeaveGroup { directory, group, member: self.kind.member(&self.member)? })
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MemberKind {
    User,
    Group,
}

impl MemberKind {
    /// The member of a name.
    pub(crate) fn member(self, name: &str) -> Result<Member, Failure> {
        Ok(match self {
            Self::User => Member::User(Username::new(name).map_err(Error::from)?),
            Self::Group => Member::Group(GroupName::new(name).map_err(Error::from)?),
        })
    }
}

/// A group as its directory spells it.
async fn group(throng: &Throng, directory: DirectoryId, name: &str) -> Result<GroupName, Failure> {
    let wanted = GroupName::new(name).map_err(Error::from)?;
    let found = throng.open(directory)?.group(&wanted).await;
    let found = found.map_err(|error| Failure::Directory { name: name.to_owned(), error })?;
    found.map(|group| group.name).ok_or_else(|| Failure::Missing { what: "group", name: name.to_owned() })
}

/// Whether users and groups of a directory are administered here: those of a mirror are at its source.
pub(crate) fn is_own(kind: &DirectoryKind) -> bool {
    match kind {
        DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) => true,
        DirectoryKind::Mirrored(_) | DirectoryKind::Live => false,
    }
}

/// A directory whose users and groups are administered here.
fn own(throng: &Throng, label: Option<&str>) -> Result<Arc<DirectoryRecord>, Failure> {
    let record = chosen(throng, label)?;
    if is_own(&record.kind) {
        return Ok(record);
    }
    Err(Failure::Refused(format!("{:?} is administered at its source", record.name)))
}

/// A directory that an application asks.
fn seat(throng: &Throng, name: &str, label: &str) -> Result<(throng::Application, DirectoryId), Failure> {
    let (application, directory) = (application(throng, name)?, directory(throng, label)?.id);
    if application.record()?.plan.rank(directory).is_none() {
        let words = format!("the application {name:?} does not ask the directory {label:?}");
        return Err(Failure::Refused(words));
    }
    Ok((application, directory))
}

/// An account that is administered here: that of a mirror is changed at its source.
async fn account(throng: &Throng, label: Option<&str>, name: &str) -> Result<(Subject, User), Failure> {
    let record = own(throng, label)?;
    let label = record.name.to_string();
    let (_, port) = chosen_directory(throng, Some(&label))?;
    let wanted = Username::new(name).map_err(Error::from)?;
    let found = port.user(&wanted).await.map_err(|error| Failure::Directory { name: label, error })?;
    let user = found.ok_or_else(|| Failure::Missing { what: "user", name: name.to_owned() })?;
    Ok((Subject { directory: record.id, external_id: user.external_id.clone() }, user))
}
