//! Making the database as the file says, once all of it has been looked at.
//!
//! A server and a round make what is missing, and refuse what would change who a name means. `throng apply` goes
//! through the same differences as steps, each with its preview.

use std::fmt;

use serde::Serialize;
use throng::core::consumer::Network;
use throng::core::id::{DirectoryId, Id};
use throng::core::name::GroupName;
use throng::core::plan::{OnSilence, SeatPolicy};
use throng::core::registry::{ApplicationRecord, DirectoryKind, DirectoryRecord, Label};
use throng::core::sync::MirroredSettings;
use throng::{Application, Error, MembershipScheme, Plan, Seat, Switch, Throng};

use crate::failure::Failure;
use crate::seat as row;

use super::{At, Changed, Config, ConfigError, ConfigFault, Mirror, Order, SeatSaid};

/// A file that the database can be made to follow.
#[derive(Debug)]
pub(crate) struct Checked<'c>(&'c Config);

/// Something that differs between the file and the database.
#[derive(Debug)]
pub(crate) struct Step<'c>(Difference<'c>);

/// What is not there yet, as it will be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Made<'c> {
    Directory(MadeDirectory<'c>),
    Application(MadeApplication<'c>),
}

/// A directory that will be made.
#[derive(Debug, Serialize)]
pub(crate) struct MadeDirectory<'c> {
    name: &'c str,
    kind: &'static str,
}

/// An application that will be made.
#[derive(Debug, Serialize)]
pub(crate) struct MadeApplication<'c> {
    pub(crate) name: &'c str,
    pub(crate) active: bool,
    pub(crate) order: Vec<&'c str>,
    pub(crate) addresses: Vec<Network>,
    pub(crate) memberships: MembershipScheme,
    pub(crate) administrators: &'c [GroupName],
    pub(crate) seats: Vec<row::Seat>,
}

#[derive(Debug)]
pub(super) enum Difference<'c> {
    NewDirectory(&'c Label),
    NewMirror(&'c Mirror),
    MirrorSettings(&'c Mirror),
    NewApplication(&'c Order),
    /// Order, access, policies or memberships.
    Plan(&'c Order),
    /// Administrators, addresses or activity.
    Rest(&'c Order),
}

impl Config {
    /// Compares the file with the database.
    ///
    /// 1. [`ConfigFault::OtherKind`] when a directory of the file is there and of another kind.
    /// 2. [`ConfigFault::UnknownDirectory`] when an order names a directory that is in neither.
    /// 3. [`ConfigFault::OtherOrder`] when an application asks in an order that does not begin the one of the file, and
    ///    [`ConfigFault::Differs`] when it is otherwise configured than the file says: that would change who a name
    ///    means or who gets in, which is not for a start of the server to do.
    pub(crate) fn check(&self, throng: &Throng) -> Result<Checked<'_>, ConfigError> {
        self.check_names(throng)?;
        for application in &self.applications {
            let fault = match present(throng, application) {
                Some(present) if !begins_alike(throng, application, &present) => ConfigFault::OtherOrder,
                Some(present) if differs(throng, application, &present) => ConfigFault::Differs,
                Some(_) | None => continue,
            };
            let name = &application.name;
            return Err(self.at(name.line, fault(name.value.to_string())));
        }
        Ok(Checked(self))
    }

    /// The applications that ask in another order than the file names.
    pub(crate) fn other_orders(&self, throng: &Throng) -> Vec<&str> {
        let is_other = |application: &&Order| {
            present(throng, application).is_some_and(|present| !begins_alike(throng, application, &present))
        };
        self.applications.iter().filter(is_other).map(|application| application.name.value.as_str()).collect()
    }

    /// What differs between the file and the database, in the order in which it is to be made alike.
    ///
    /// Faults are those of [`Config::check`], but that orders and policies may differ.
    pub(crate) fn steps(&self, throng: &Throng) -> Result<Vec<Step<'_>>, ConfigError> {
        self.check_names(throng)?;
        let mut steps = Vec::new();
        for name in &self.directories {
            if throng.directory(name.value.as_str()).is_err() {
                steps.push(Difference::NewDirectory(&name.value));
            }
        }
        for mirror in &self.mirrors {
            match throng.directory(mirror.name.value.as_str()) {
                Err(_) => steps.push(Difference::NewMirror(mirror)),
                Ok(record) if mirror.changes(&record.kind).is_some() => {
                    steps.push(Difference::MirrorSettings(mirror));
                }
                Ok(_) => {}
            }
        }
        for application in &self.applications {
            let Some(present) = present(throng, application) else {
                steps.push(Difference::NewApplication(application));
                continue;
            };
            let is_known = |name: &At<Label>| throng.directory(name.value.as_str()).is_ok();
            let is_whole = application.order.iter().all(is_known);
            if !is_whole || !is_same(&application.wanted(throng, &present.plan), &present.plan) {
                steps.push(Difference::Plan(application));
            }
            if application.rest_differs(throng, &present) {
                steps.push(Difference::Rest(application));
            }
        }
        Ok(steps.into_iter().map(Step).collect())
    }

    fn check_names(&self, throng: &Throng) -> Result<(), ConfigError> {
        for name in &self.directories {
            self.check_kind(throng, name, |kind| matches!(kind, DirectoryKind::Internal(_)))?;
        }
        for mirror in &self.mirrors {
            self.check_kind(throng, &mirror.name, |kind| matches!(kind, DirectoryKind::Mirrored(_)))?;
        }
        for application in &self.applications {
            for directory in &application.order {
                let name = &directory.value;
                if !self.describes(name) && throng.directory(name.as_str()).is_err() {
                    return Err(self.at(directory.line, ConfigFault::UnknownDirectory(name.to_string())));
                }
            }
        }
        Ok(())
    }

    fn check_kind(
        &self,
        throng: &Throng,
        name: &At<Label>,
        is_same: impl FnOnce(&DirectoryKind) -> bool,
    ) -> Result<(), ConfigError> {
        match throng.directory(name.value.as_str()) {
            Ok(record) if !is_same(&record.kind) => {
                Err(self.at(name.line, ConfigFault::OtherKind(name.value.to_string())))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn describes(&self, name: &Label) -> bool {
        let mirrors = self.mirrors.iter().map(|mirror| &mirror.name);
        self.directories.iter().chain(mirrors).any(|described| described.value.key() == name.key())
    }
}

impl Checked<'_> {
    /// Makes what is missing, and gives mirrors the settings of the file. What the file does not speak of stays.
    pub(crate) async fn apply(&self, throng: &Throng) -> Result<(), Error> {
        for name in &self.0.directories {
            throng.internal_directory(name.value.as_str()).await?;
        }
        for mirror in &self.0.mirrors {
            mirror.make(throng).await?;
        }
        for application in &self.0.applications {
            application.make(throng).await?;
        }
        Ok(())
    }
}

impl Step<'_> {
    /// What the step makes that is not there yet; none where it changes what is.
    pub(crate) fn makes(&self) -> Option<Made<'_>> {
        match &self.0 {
            Difference::NewDirectory(name) => {
                Some(Made::Directory(MadeDirectory { name: name.as_str(), kind: "internal" }))
            }
            Difference::NewMirror(mirror) => {
                let name = mirror.name.value.as_str();
                Some(Made::Directory(MadeDirectory { name, kind: "mirrored" }))
            }
            Difference::NewApplication(order) => Some(Made::Application(order.made())),
            Difference::MirrorSettings(_) | Difference::Plan(_) | Difference::Rest(_) => None,
        }
    }

    /// What the step changes of something that is there.
    pub(crate) fn changes(&self, throng: &Throng) -> Result<Vec<Changed>, Failure> {
        self.0.changes(throng)
    }

    /// The application whose administrators the step states, if it states any.
    pub(crate) fn administered<'s>(
        &'s self,
        throng: &Throng,
    ) -> Result<Option<(&'s Label, Application)>, Error> {
        match &self.0 {
            Difference::NewApplication(order) | Difference::Plan(order) | Difference::Rest(order)
                if order.administrators.as_ref().is_some_and(|groups| !groups.is_empty()) =>
            {
                Ok(Some((&order.name.value, throng.application(order.name.value.as_str())?)))
            }
            _ => Ok(None),
        }
    }

    /// The application whose plan the step changes, with the plan that it would have, as far as its directories are
    /// there.
    pub(crate) fn plan(&self, throng: &Throng) -> Result<Option<(Application, Plan)>, Error> {
        let Difference::Plan(order) = &self.0 else { return Ok(None) };
        let application = throng.application(order.name.value.as_str())?;
        let plan = order.wanted(throng, &application.record()?.plan);
        Ok(Some((application, plan)))
    }

    /// The mirrors of the order that are not there yet: nobody can say who is in them.
    pub(crate) fn unseen<'s>(&'s self, steps: &'s [Self]) -> Vec<&'s Label> {
        let Difference::Plan(order) = &self.0 else { return Vec::new() };
        let new = steps.iter().filter_map(|step| match &step.0 {
            Difference::NewMirror(mirror) => Some(&mirror.name.value),
            _ => None,
        });
        new.filter(|name| order.order.iter().any(|other| other.value.key() == name.key())).collect()
    }

    /// Whether a mirror that is made with the order stands before others: until its first round nobody gets past it,
    /// unless its silence is passed.
    pub(crate) fn is_blocked(&self, steps: &[Self]) -> bool {
        let Difference::Plan(order) = &self.0 else { return false };
        let new = self.unseen(steps);
        let stops = |name: &Label| {
            let is_new = new.iter().any(|mirror| mirror.key() == name.key());
            let policy = Plan::new().rules().seat_policy;
            let seat = Seat { policy, ..Seat::new(Id::from_bytes([0; 16])) };
            is_new && order.said_over(name, seat).policy.login != OnSilence::Pass
        };
        let place = order.order.iter().position(|name| stops(&name.value));
        place.is_some_and(|place| {
            let mut behind = order.order.iter().skip(place + 1);
            behind.any(|name| !new.iter().any(|mirror| mirror.key() == name.value.key()))
        })
    }

    /// Makes what the step says; a plan is made by its preview.
    pub(crate) async fn make(&self, throng: &Throng) -> Result<(), Error> {
        match &self.0 {
            Difference::NewDirectory(name) => throng.internal_directory(name.as_str()).await.map(drop),
            Difference::NewMirror(mirror) | Difference::MirrorSettings(mirror) => mirror.make(throng).await,
            Difference::NewApplication(order) => order.make(throng).await,
            Difference::Plan(_) => Ok(()),
            Difference::Rest(order) => order.make_rest(&throng.application(order.name.value.as_str())?).await,
        }
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Difference::NewDirectory(name) => write!(f, "makes the internal directory {name:?}"),
            Difference::NewMirror(mirror) => write!(
                f,
                "makes the mirror {:?}, which is silent about everybody until its first round",
                mirror.name.value
            ),
            Difference::MirrorSettings(mirror) => {
                write!(f, "changes the settings of the mirror {:?}", mirror.name.value)
            }
            Difference::NewApplication(order) => {
                write!(f, "makes the application {:?}, which has no password yet", order.name.value)
            }
            Difference::Plan(order) => {
                let names: Vec<&str> = order.order.iter().map(|name| name.value.as_str()).collect();
                write!(f, "changes what {:?} asks and admits: {}", order.name.value, names.join(", "))
            }
            Difference::Rest(order) => {
                write!(
                    f,
                    "changes who administers {:?}, from where it may ask, or whether it may",
                    order.name.value
                )
            }
        }
    }
}

impl Mirror {
    /// The settings that the mirror has not, but shall have.
    fn changes(&self, kind: &DirectoryKind) -> Option<MirroredSettings> {
        let DirectoryKind::Mirrored(former) = kind else { return None };
        Some(self.over(former)).filter(|settings| *settings != **former)
    }

    async fn make(&self, throng: &Throng) -> Result<(), Error> {
        let name = self.name.value.as_str();
        let Ok(record) = throng.directory(name) else {
            throng.mirrored_directory(name, self.over(&MirroredSettings::default())).await?;
            return Ok(());
        };
        match self.changes(&record.kind) {
            Some(settings) => {
                let kind = DirectoryKind::Mirrored(Box::new(settings));
                throng.update_directory(DirectoryRecord { kind, ..(*record).clone() }).await
            }
            None => Ok(()),
        }
    }
}

impl Order {
    /// This plan with what the file says about it; what it does not speak of stays. Directories that are not there yet
    /// are left out.
    pub(super) fn wanted(&self, throng: &Throng, plan: &Plan) -> Plan {
        let base = plan.filter_map_seats(|_| None);
        let base = base.with_memberships(self.memberships.unwrap_or(plan.memberships()));
        let known = self.order.iter().filter_map(|name| {
            let id = throng.directory(name.value.as_str()).ok()?.id;
            let former = plan.seats().iter().find(|seat| seat.directory == id);
            let policy = plan.rules().seat_policy;
            let seat = former.cloned().unwrap_or_else(|| Seat { policy, ..Seat::new(id) });
            Some(self.said_over(&name.value, seat))
        });
        // The file names no directory twice, and no more than fit is checked by the engine.
        known.fold(base, |plan, seat| plan.clone().push(seat).unwrap_or(plan))
    }

    /// A seat with what the file says about it.
    pub(super) fn said_over(&self, directory: &Label, seat: Seat) -> Seat {
        match self.seats.iter().find(|said| said.directory.value.key() == directory.key()) {
            Some(said) => said.over(seat),
            None => seat,
        }
    }

    /// The application as it will be where there is none yet. Its directories need not be there either.
    fn made(&self) -> MadeApplication<'_> {
        let plan = Plan::new();
        let seat = |(name, rank): (&At<Label>, usize)| {
            // Which directory it is makes no difference to what the file says about it.
            let seat = Seat { policy: plan.rules().seat_policy, ..Seat::new(Id::from_bytes([0; 16])) };
            let Seat { access, policy, .. } = self.said_over(&name.value, seat);
            row::Seat { rank, directory: name.value.to_string(), id: None, access, policy }
        };
        MadeApplication {
            name: self.name.value.as_str(),
            active: self.active.unwrap_or(true),
            order: self.order.iter().map(|name| name.value.as_str()).collect(),
            addresses: self.addresses.clone().unwrap_or_else(|| Network::LOOPBACK.to_vec()),
            memberships: self.memberships.unwrap_or(plan.memberships()),
            administrators: self.administrators.as_deref().unwrap_or_default(),
            seats: self.order.iter().zip(1..).map(seat).collect(),
        }
    }

    async fn make(&self, throng: &Throng) -> Result<(), Error> {
        let name = self.name.value.as_str();
        if let Ok(application) = throng.application(name) {
            let present = application.record()?.plan;
            let wanted = self.wanted(throng, &present);
            if !is_same(&wanted, &present) {
                application.change_plan(|_| Ok::<_, Error>(wanted)).await?;
            }
            return self.make_rest(&application).await;
        }
        let application = throng.ensure_application(name, self.wanted(throng, &Plan::new())).await?;
        self.make_rest(&application).await
    }

    fn rest_differs(&self, throng: &Throng, present: &ApplicationRecord) -> bool {
        let addresses = throng.application(self.name.value.as_str()).and_then(|found| found.addresses());
        self.active.is_some_and(|active| active != present.active)
            || self.administrators.as_ref().is_some_and(|groups| *groups != present.administrators)
            || self.addresses.as_ref().is_some_and(|wanted| addresses.map_or(true, |kept| kept != *wanted))
    }

    async fn make_rest(&self, application: &Application) -> Result<(), Error> {
        let record = application.record()?;
        if let Some(groups) = self.administrators.as_ref().filter(|groups| **groups != record.administrators)
        {
            application.set_administrators(groups.clone()).await?;
        }
        if let Some(addresses) = &self.addresses {
            application.allow_addresses(addresses.clone()).await?;
        }
        match self.active.filter(|active| *active != record.active) {
            Some(true) => application.switch(Switch::On).await,
            Some(false) => application.switch(Switch::Off).await,
            None => Ok(()),
        }
    }
}

impl SeatSaid {
    fn over(&self, seat: Seat) -> Seat {
        let said = |silence: Option<crate::change::Silence>, former| silence.map_or(former, |said| said.0);
        let policy = SeatPolicy {
            login: said(self.login, seat.policy.login),
            authorise: said(self.authorise, seat.policy.authorise),
            lookup: said(self.lookup, seat.policy.lookup),
            on_refusal: self.refusal.unwrap_or(seat.policy.on_refusal),
        };
        let access = self.access.clone().unwrap_or_else(|| seat.access.clone());
        Seat { policy, access, ..seat }
    }
}

/// The application as it is, if it is there.
pub(super) fn present(throng: &Throng, application: &Order) -> Option<ApplicationRecord> {
    throng.application(application.name.value.as_str()).and_then(|found| found.record()).ok()
}

/// Whether the order that an application has is the beginning of the one of the file.
fn begins_alike(throng: &Throng, application: &Order, present: &ApplicationRecord) -> bool {
    let seats = present.plan.seats();
    let id = |name: &At<Label>| throng.directory(name.value.as_str()).ok().map(|record| record.id);
    let ids = application.order.iter().map(id);
    seats.len() <= application.order.len()
        && seats.iter().zip(ids).all(|(seat, id)| id == Some(seat.directory))
}

/// Whether an application that asks in the order of the file is otherwise configured.
fn differs(throng: &Throng, application: &Order, present: &ApplicationRecord) -> bool {
    let wanted = application.wanted(throng, &present.plan);
    let is_kept = |id: DirectoryId| present.plan.rank(id).is_some();
    let kept = wanted.filter_map_seats(|seat| is_kept(seat.directory).then_some(seat));
    !is_same(&kept, &present.plan) || application.rest_differs(throng, present)
}

/// Whether two plans mean the same, whatever people call their directories.
fn is_same(one: &Plan, other: &Plan) -> bool {
    let bare = |plan: &Plan| {
        let plan = plan
            .filter_map_seats(|seat| Some(Seat { label: String::new(), as_of: Default::default(), ..seat }));
        plan.with_version(0)
    };
    bare(one) == bare(other)
}
