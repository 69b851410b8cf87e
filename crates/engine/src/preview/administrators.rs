//! Who could still administer an application.

use std::collections::BTreeSet;

use serde::Serialize;
use throng_core::group::Member;
use throng_core::id::{DirectoryId, Subject};
use throng_core::member::{Closure, Limits};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::password::CredentialState;
use throng_core::plan::{OnSilence, Plan};
use throng_core::preview::{Holding, Occupant, PasswordSource, Proposal, Shape};
use throng_core::registry::DirectoryKind;
use throng_core::store::Namesakes;
use throng_passwords::policy::{is_expired, is_locked};

use super::seeing::Seeing;
use super::shapes::{Change, Shaped, Shapes};
use super::stream::Names;
use crate::application::Application;
use crate::ask::{Heard, advance, hear};
use crate::directory::{Mount, Via};
use crate::error::Error;
use crate::throng::Throng;

/// Somebody who could administer an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Administrator {
    /// The application.
    pub application: String,
    /// The name.
    pub name: Username,
    /// What checks the password: one that is kept here cannot fall silent.
    pub password: PasswordSource,
}

/// Who could administer each application that says who does: now, afterwards, and afterwards if accounts adopt the
/// names that they are put in front of.
#[derive(Debug, Clone, Default)]
pub(super) struct Administration(Vec<(String, Led)>);

#[derive(Debug, Clone, Default)]
struct Led {
    before: Option<Administrator>,
    after: Option<Administrator>,
    adopting: Option<Administrator>,
}

/// Somebody who can administer an application.
pub(crate) struct Leader {
    pub(crate) subject: Subject,
    pub(crate) name: Username,
    /// The groups by which it does.
    pub(crate) groups: Vec<GroupName>,
}

/// Everybody who can administer an application.
#[derive(Default)]
pub(crate) struct Leading {
    /// Now.
    pub(crate) before: Vec<Leader>,
    /// If its plan were another.
    pub(crate) after: Vec<Leader>,
    /// Directories that were silent, or are not attached.
    pub(crate) silent: Vec<DirectoryId>,
}

/// Whether accounts adopt the names that they are put in front of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adopting {
    Yes,
    No,
}

impl Administration {
    /// The applications that have somebody who can administer them, and would have nobody (T105).
    pub(super) fn without(&self, adopting: Adopting) -> Vec<String> {
        let is_left_alone = |led: &Led| match adopting {
            Adopting::No => led.after.is_none(),
            Adopting::Yes => led.adopting.is_none(),
        };
        let alone = self.0.iter().filter(|(_, led)| led.before.is_some() && is_left_alone(led));
        alone.map(|(name, _)| name.clone()).collect()
    }

    /// Who can do it now, one for each application.
    fn now(&self) -> Option<Administrator> {
        self.0.iter().find_map(|(_, led)| led.before.clone())
    }

    /// Who could still do it afterwards, one for each application.
    pub(super) fn left(&self) -> Vec<Administrator> {
        self.0.iter().filter_map(|(_, led)| led.after.clone()).collect()
    }
}

impl Application {
    /// Somebody who can administer the application now; none where it does not say who does, or nobody of them can log
    /// in. A directory that is silent now has nobody to count on.
    pub async fn administrator(&self) -> Result<Option<Administrator>, Error> {
        let throng = self.throng();
        throng.reload().await?;
        let (application, plan) = (self.id(), self.record()?.plan);
        let shapes = Shapes::of(throng, &Proposal::Plan { application, plan }).await?;
        Ok(throng.administration(&shapes).await?.now())
    }

    /// Whether the application says who administers it, and nobody of them can. Where a directory is asked whose
    /// passwords nothing here can check, nobody can say so.
    pub(crate) async fn lacks_administrator(&self) -> Result<bool, Error> {
        let (throng, record) = (self.throng(), self.record()?);
        let config = throng.config_now();
        let is_certain = record
            .plan
            .seats()
            .iter()
            .all(|seat| config.mount(seat.directory).is_none_or(|mount| throng.checks_passwords(mount)));
        Ok(record.active
            && is_certain
            && !record.administrators.is_empty()
            && self.administrator().await?.is_none())
    }
}

impl Throng {
    /// Who could administer the applications that a change concerns, before it and after it.
    pub(super) async fn administration(&self, shapes: &Shapes) -> Result<Administration, Error> {
        let mut administration = Administration::default();
        if shapes.all().iter().all(|shaped| shaped.administrators.is_empty()) {
            return Ok(administration);
        }
        let mut names = Names::of(self, shapes).await?;
        let mut seeing = Seeing::new(self, shapes).await?;
        for shaped in shapes.all().iter().filter(|shaped| !shaped.administrators.is_empty()) {
            let keys = self.members_of_any(shapes, shaped).await?;
            let mut led = Led::default();
            for namesakes in names.of_names(keys).await? {
                self.count(&mut seeing, &mut names, shaped, &namesakes, &mut led).await?;
                if led.is_certain() {
                    break;
                }
            }
            administration.0.push((shaped.name.clone(), led));
        }
        Ok(administration)
    }

    /// Everybody who can administer an application now, and who could if its plan were another.
    pub(crate) async fn leaders(&self, proposal: &Proposal) -> Result<Leading, Error> {
        let shapes = Shapes::of(self, proposal).await?;
        let mut leading = Leading::default();
        let mut names = Names::of(self, &shapes).await?;
        let mut seeing = Seeing::new(self, &shapes).await?;
        for shaped in shapes.all().iter().filter(|shaped| !shaped.administrators.is_empty()) {
            let keys = self.members_of_any(&shapes, shaped).await?;
            for namesakes in names.of_names(keys).await? {
                let mut holders = namesakes.holders;
                names.add_groups(&mut holders, &mut seeing.groups).await?;
                let claim = self.0.store.claim(shaped.application, &namesakes.key).await?;
                let unlisted = names.unlisted();
                for (leaders, shape, held) in [
                    (&mut leading.before, &shaped.before, seeing.stands(shaped, &holders, claim.as_ref())),
                    (&mut leading.after, &shaped.after, seeing.will_stand(shaped, &holders, claim.as_ref())),
                ] {
                    let Some((name, held)) = held else { continue };
                    let reach = Reach { shapes: &shapes, before: &shaped.before, shape, unlisted: &unlisted };
                    if self.administers(reach, shaped, &held).await? {
                        let by = shaped.administrators.iter().filter(|group| held.groups.contains(*group));
                        let (subject, name) = (held.subject.clone(), name.clone());
                        leaders.push(Leader { subject, name, groups: by.cloned().collect() });
                    }
                }
            }
        }
        leading.silent = names.unlisted();
        Ok(leading)
    }

    /// Counts whoever has a name among those who could administer.
    async fn count(
        &self,
        seeing: &mut Seeing<'_>,
        names: &mut Names<'_>,
        shaped: &Shaped,
        namesakes: &Namesakes<Occupant>,
        led: &mut Led,
    ) -> Result<(), Error> {
        let shapes = seeing.shapes;
        let (mut before, mut after) = (namesakes.holders.clone(), shapes.occupants_after(namesakes));
        names.add_groups(&mut before, &mut seeing.groups).await?;
        names.add_groups(&mut after, &mut seeing.groups).await?;
        let claim = self.0.store.claim(shaped.application, &namesakes.key).await?;
        let claim = shapes.claim_after(self, shaped.application, &namesakes.key, claim).await?;
        let stands = seeing.stands(shaped, &before, claim.before.as_ref());
        let will_stand = seeing.will_stand(shaped, &after, claim.after.as_ref());
        // Only what changes is adopted.
        let adopting = match stands == will_stand {
            true => will_stand.clone(),
            false => seeing.will_stand(shaped, &after, None),
        };
        let unlisted = names.unlisted();
        let reach = |shape| Reach { shapes, before: &shaped.before, shape, unlisted: &unlisted };
        let (now, then) = (reach(&shaped.before), reach(&shaped.after));
        better(&mut led.before, self.administrator(now, shaped, stands).await?);
        better(&mut led.after, self.administrator(then, shaped, will_stand).await?);
        better(&mut led.adopting, self.administrator(then, shaped, adopting).await?);
        Ok(())
    }

    /// The administrator that somebody is.
    async fn administrator(
        &self,
        reach: Reach<'_>,
        shaped: &Shaped,
        held: Option<(&Username, Holding)>,
    ) -> Result<Option<Administrator>, Error> {
        let Some((name, held)) = held else { return Ok(None) };
        if !self.administers(reach, shaped, &held).await? {
            return Ok(None);
        }
        let (application, password) = (shaped.name.clone(), held.password);
        Ok(Some(Administrator { application, name: name.clone(), password }))
    }

    /// Whether somebody administers an application, and can be let in now.
    async fn administers(&self, reach: Reach<'_>, shaped: &Shaped, held: &Holding) -> Result<bool, Error> {
        let administers = shaped.administrators.iter().any(|group| held.groups.contains(group));
        let is_reached = reach.reaches(held.subject.directory);
        Ok(administers && is_reached && held.opens() && self.password_opens(reach.shapes, held).await?)
    }

    /// Whether a password opens the account now, as far as can be told without one.
    async fn password_opens(&self, shapes: &Shapes, held: &Holding) -> Result<bool, Error> {
        match held.password {
            PasswordSource::Kept => {
                let Some(credential) = self.0.store.credential(&held.subject).await? else {
                    return Ok(false);
                };
                let mount = shapes.config.mount(held.subject.directory);
                let Some(DirectoryKind::Internal(settings)) = mount.map(|mount| &mount.record.kind) else {
                    return Ok(false);
                };
                let (policy, now) = (&settings.password_policy, self.0.clock.now());
                let opens = matches!(credential.hash, CredentialState::Usable(_)) && !credential.must_change;
                Ok(opens
                    && !is_locked(policy, credential.failed_attempts)
                    && !is_expired(policy, credential.changed_at, now))
            }
            PasswordSource::Verifier | PasswordSource::Source | PasswordSource::Directory => Ok(shapes
                .config
                .mount(held.subject.directory)
                .is_some_and(|mount| self.checks_passwords(mount))),
        }
    }

    /// Whether what checks the passwords of a directory is attached here.
    fn checks_passwords(&self, mount: &Mount) -> bool {
        let attached = &self.0.attached;
        match &mount.via {
            Via::Internal(_) | Via::Live(_) => true,
            Via::Delegated(_) => attached.verifiers.of(&mount.record).is_some(),
            Via::Mirrored(_) => attached.sources.of(&mount.record).is_some(),
            Via::Detached => false,
        }
    }

    /// The names of everybody in one of the groups, in any directory that the application asks now or then.
    async fn members_of_any(&self, shapes: &Shapes, shaped: &Shaped) -> Result<BTreeSet<Key>, Error> {
        let mut keys = BTreeSet::new();
        for directory in shapes.directories() {
            for group in &shaped.administrators {
                self.members_below(directory, group, &mut keys).await?;
            }
        }
        if let Change::Rename { from, to, .. } = &shapes.change
            && keys.contains(from.key())
        {
            keys.insert(to.key().clone());
        }
        Ok(keys)
    }

    async fn members_below(
        &self,
        directory: DirectoryId,
        group: &GroupName,
        keys: &mut BTreeSet<Key>,
    ) -> Result<(), Error> {
        let Ok(port) = self.open(directory) else { return Ok(()) };
        let mut closure = Closure::from([group.clone()], Limits::default())?;
        while let Some(next) = closure.next_to_follow() {
            let (mut inside, mut request) = (Vec::new(), PageRequest::first(PageRequest::MAX_LIMIT));
            loop {
                let answer = port.children_of(&next, &request);
                // Nobody of a directory that is silent now can be counted on.
                let Heard::Said(page) = hear(self.0.deadline, directory, answer).await? else {
                    return Ok(());
                };
                for member in page.items {
                    match member {
                        Member::User(name) => drop(keys.insert(name.key().clone())),
                        Member::Group(name) => inside.push(name),
                    }
                }
                match page.next {
                    Some(next) => request = advance(&request, next)?,
                    None => break,
                }
            }
            closure.hear(&next, inside)?;
        }
        Ok(())
    }
}

/// Whether a login gets as far as a directory.
#[derive(Clone, Copy)]
struct Reach<'r> {
    shapes: &'r Shapes,
    before: &'r Shape,
    shape: &'r Shape,
    /// Directories that were silent, or are not attached.
    unlisted: &'r [DirectoryId],
}

impl Reach<'_> {
    /// Not behind a silent directory that the change puts in front: nobody is let in by those behind it, unless its
    /// silence is passed. One that stands in front already does so whatever is changed, and may be back tomorrow.
    fn reaches(self, directory: DirectoryId) -> bool {
        let known = stopping(&self.before.plan, directory, self.unlisted);
        stopping(&self.shape.plan, directory, self.unlisted).iter().all(|silent| known.contains(silent))
    }
}

/// The silent directories before a seat that a login does not get past.
pub(crate) fn stopping(plan: &Plan, directory: DirectoryId, silent: &[DirectoryId]) -> Vec<DirectoryId> {
    let before = plan.seats().iter().take_while(|seat| seat.directory != directory);
    let stops = before.filter(|seat| seat.policy.login != OnSilence::Pass);
    stops.map(|seat| seat.directory).filter(|id| silent.contains(id)).collect()
}

impl Led {
    /// Whether nobody who is looked at later can say more.
    fn is_certain(&self) -> bool {
        let is_kept = |who: &Option<Administrator>| {
            who.as_ref().is_some_and(|who| who.password == PasswordSource::Kept)
        };
        is_kept(&self.before) && is_kept(&self.after) && is_kept(&self.adopting)
    }
}

/// Keeps the one whose password cannot fall silent, or else the first.
fn better(best: &mut Option<Administrator>, found: Option<Administrator>) {
    let is_kept = |who: &Administrator| who.password == PasswordSource::Kept;
    let Some(found) = found else { return };
    if best.as_ref().is_none_or(|best| is_kept(&found) && !is_kept(best)) {
        *best = Some(found);
    }
}
