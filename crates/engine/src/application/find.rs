//! Finding the user or the group that a name means.

use throng_core::claim::{Claim, Settled, settle};
use throng_core::directory::Directory;
use throng_core::group::Group;
use throng_core::id::{DirectoryId, Subject};
use throng_core::name::{GroupName, Username};
use throng_core::plan::{OnOwnershipChange, Purpose};
use throng_core::registry::Aliases;
use throng_core::resolve::{Answer, Resolved, Step, Verdict, begin, rank};
use throng_core::user::User;

use super::Application;
use crate::ask::{Heard, hear};
use crate::config::InUse;
use crate::directory::Via;
use crate::error::{Conflict, Error, Outage};

/// A verdict with the claim that stands on the name. No claim binds the recovery administrator.
pub(super) struct Found {
    pub(super) verdict: Verdict<User>,
    pub(super) claim: Option<Claim>,
}

impl Application {
    /// Finds the user that a name means here: the one in the first directory of the plan that holds the name.
    ///
    /// 1. [`Error::NotFound`] only when every directory answered and none holds the name.
    /// 2. [`Error::Unavailable`] when a directory that may hold the name is silent: never the namesake below it.
    /// 3. [`Conflict::OwnershipChanged`] when the name is claimed and another account than the owner would win.
    /// 4. Over stored directories one statement, however many they are; the claim comes with it.
    pub async fn find_user(&self, name: &str) -> Result<Resolved<User>, Error> {
        let app = self.in_use()?;
        let name = self.meant(&app, Username::new(name)?).await?;
        let found = self.look_up(&app, &name, Purpose::Lookup).await?;
        own(&app, found)
    }

    /// Finds an account by what it is, whatever it is called today (R233).
    ///
    /// 1. [`Error::NotFound`] when the directory is not in the plan or holds no such account, and when the account is
    ///    shadowed: whoever has its name is somebody else.
    /// 2. Live directories are asked by name only: of their accounts those are found whose id stands for the name, and
    ///    of others it is [`Error::Unavailable`], never that there is none.
    /// 3. Otherwise as [`Application::find_user`].
    pub async fn find_account(&self, subject: &Subject) -> Result<Resolved<User>, Error> {
        let app = self.in_use()?;
        let missing = || Error::not_found("user");
        let mount = app.mount(subject.directory).ok_or_else(missing)?;
        let name = if mount.stored().is_some() {
            self.throng.0.store.user_by_id(subject).await?.ok_or_else(missing)?.name
        } else {
            let name = subject.external_id.stands_for().ok_or_else(|| Error::silent(subject.directory))?;
            Username::new(name)?
        };
        let found = self.look_up(&app, &name, Purpose::Lookup).await?;
        let user = own(&app, found)?;
        if user.subject() == *subject { Ok(user) } else { Err(missing()) }
    }

    /// Finds the group that a name means here: the one in the first directory that holds it (R230, R235).
    pub async fn find_group(&self, name: &str) -> Result<Resolved<Group>, Error> {
        let (app, name) = (self.in_use()?, GroupName::new(name)?);
        resolved(self.look_up_group(&app, &name, Purpose::Lookup).await?, "group")
    }

    /// The name that is meant by another one, where the application has aliases (R806); [`Conflict::AmbiguousName`]
    /// when it is somebody's own name, too.
    pub(super) async fn meant(&self, app: &InUse, name: Username) -> Result<Username, Error> {
        match app.record.aliases {
            Aliases::Off => Ok(name),
            Aliases::On => {
                let alias = self.throng.0.store.alias(self.id, name.key()).await?;
                let Some((_, meant)) = alias else { return Ok(name) };
                // Somebody of that very name may have turned up since the alias was given: then it is nobody's (T07).
                match resolved(self.look_up(app, &name, Purpose::Lookup).await?.verdict, "user") {
                    Err(Error::NotFound { .. }) => Ok(meant),
                    Ok(_) => Err(Error::Conflict(Conflict::AmbiguousName)),
                    Err(error) => Err(error),
                }
            }
        }
    }

    pub(super) async fn look_up(
        &self,
        app: &InUse,
        name: &Username,
        purpose: Purpose,
    ) -> Result<Found, Error> {
        let located = self.throng.0.store.locate(self.id, name.key()).await?;
        let mut holders: Vec<_> =
            located.users.into_iter().map(|holder| (holder.directory, holder.user)).collect();
        if app.is_all_stored() {
            return Ok(Found { verdict: rank(&app.plan, holders), claim: located.claim });
        }
        let mut step = begin(&app.plan, purpose);
        loop {
            step = match step {
                Step::Ask(walk) => {
                    let answer = self.ask_user(app, walk.seat().directory, name, &mut holders).await?;
                    walk.hear(answer)
                }
                Step::Done(verdict) => {
                    let claim = located.claim.filter(|_| is_bound(app, &verdict));
                    return Ok(Found { verdict, claim });
                }
            };
        }
    }

    pub(super) async fn ask_user(
        &self,
        app: &InUse,
        directory: DirectoryId,
        name: &Username,
        holders: &mut Vec<(DirectoryId, User)>,
    ) -> Result<Answer<User>, Error> {
        match app.mount(directory).map(|mount| &mount.via) {
            Some(Via::Live(live)) => Ok(self.live_user(&**live, name).await?.into_answer()),
            Some(Via::Internal(_) | Via::Delegated(_) | Via::Mirrored(_)) => {
                Ok(taken_out(holders, directory))
            }
            Some(Via::Detached) | None => Ok(Heard::<Option<User>>::Silent.into_answer()),
        }
    }

    /// Asks a live directory for a user, and refuses one of another name (T17).
    pub(super) async fn live_user(
        &self,
        live: &dyn Directory,
        name: &Username,
    ) -> Result<Heard<Option<User>>, Error> {
        let heard = hear(self.throng.0.deadline, live.id(), live.user(name)).await?;
        match &heard {
            Heard::Said(Some(user)) if user.name != *name => {
                Err(Error::broken("a directory answered for another name"))
            }
            _ => Ok(heard),
        }
    }

    pub(super) async fn look_up_group(
        &self,
        app: &InUse,
        name: &GroupName,
        purpose: Purpose,
    ) -> Result<Verdict<Group>, Error> {
        let mut holders = self.throng.0.store.locate_groups(name.key()).await?;
        if app.is_all_stored() {
            return Ok(rank(&app.plan, holders));
        }
        let mut step = begin(&app.plan, purpose);
        loop {
            step = match step {
                Step::Ask(walk) => {
                    let answer = self.ask_group(app, walk.seat().directory, name, &mut holders).await?;
                    walk.hear(answer)
                }
                Step::Done(verdict) => return Ok(verdict),
            };
        }
    }

    pub(super) async fn ask_group(
        &self,
        app: &InUse,
        directory: DirectoryId,
        name: &GroupName,
        holders: &mut Vec<(DirectoryId, Group)>,
    ) -> Result<Answer<Group>, Error> {
        match app.mount(directory).map(|mount| &mount.via) {
            Some(Via::Live(live)) => {
                let heard = hear(self.throng.0.deadline, directory, live.group(name)).await?;
                match &heard {
                    Heard::Said(Some(group)) if group.name != *name => {
                        Err(Error::broken("a directory answered for another name"))
                    }
                    _ => Ok(heard.into_answer()),
                }
            }
            Some(Via::Internal(_) | Via::Delegated(_) | Via::Mirrored(_)) => {
                Ok(taken_out(holders, directory))
            }
            Some(Via::Detached) | None => Ok(Heard::<Option<Group>>::Silent.into_answer()),
        }
    }

    /// The user that a name means, when that is still the account that was resolved before (T10).
    pub(super) async fn still(&self, app: &InUse, user: &Resolved<User>) -> Result<Resolved<User>, Error> {
        let found = self.look_up(app, &user.value().name, Purpose::Write).await?;
        let now = match own(app, found) {
            Err(Error::NotFound { .. }) => return Err(Error::Conflict(Conflict::Stale)),
            outcome => outcome?,
        };
        if now.subject() == user.subject() { Ok(now) } else { Err(Error::Conflict(Conflict::Stale)) }
    }
}

fn taken_out<T>(holders: &mut Vec<(DirectoryId, T)>, directory: DirectoryId) -> Answer<T> {
    match holders.iter().position(|(at, _)| *at == directory) {
        Some(at) => Answer::Holds(holders.swap_remove(at).1),
        None => Answer::Lacks,
    }
}

/// Whether a claim on the name binds whoever was found: the recovery administrator inherits nothing by one, and none
/// keeps it out.
pub(super) fn is_bound(app: &InUse, verdict: &Verdict<User>) -> bool {
    match verdict {
        Verdict::Resolved(user) => app.recovery_at(user.directory()).is_none(),
        Verdict::Refused { .. } | Verdict::Unknown(_) | Verdict::Undecided(_) => true,
    }
}

/// The user of a verdict, if the name is his.
pub(super) fn own(app: &InUse, found: Found) -> Result<Resolved<User>, Error> {
    match settle(found.claim.as_ref(), found.verdict) {
        Settled::Stands(verdict) => resolved(*verdict, "user"),
        Settled::OwnershipChanged { change, resolved } => match app.plan.rules().on_ownership_change {
            OnOwnershipChange::Refuse => Err(Error::Conflict(Conflict::OwnershipChanged(change))),
            OnOwnershipChange::Follow => {
                tracing::warn!(from = %change.claim.subject, to = %change.found, "another account holds a claimed name");
                Ok(*resolved)
            }
        },
    }
}

pub(super) fn resolved<T>(verdict: Verdict<T>, what: &'static str) -> Result<Resolved<T>, Error> {
    match verdict {
        Verdict::Resolved(resolved) => Ok(resolved),
        Verdict::Unknown(trail) => Err(Error::NotFound { what, trail: Some(Box::new(trail)) }),
        // Nobody refuses when only names are asked for; were it to happen, nothing is known.
        Verdict::Refused { trail, .. } | Verdict::Undecided(trail) => {
            let why = Outage::Directories(trail.silent());
            Err(Error::Unavailable { why, trail: Some(Box::new(trail)) })
        }
    }
}
