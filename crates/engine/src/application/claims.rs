//! Claims: whose a name is, whatever the order says.

use throng_core::change::Change;
use throng_core::claim::Claim;
use throng_core::id::{IdentityId, Subject};
use throng_core::name::{Key, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::plan::{OnOwnershipChange, Purpose};
use throng_core::resolve::{Resolved, Verdict};
use throng_core::user::User;

use super::Application;
use super::find::{Found, own, resolved};
use crate::config::InUse;
use crate::directory::Recovery;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// As whom an account takes a name over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// The same person with another account: the identity stays, and with it the host's content.
    SamePerson,
    /// Somebody else: a new identity, which inherits nothing.
    NewPerson,
}

impl Application {
    /// The stable identity behind a user, to which the host ties its content.
    ///
    /// 1. Makes the claim if there is none; the same identity ever after, over renames, reordering and outages.
    /// 2. [`Conflict::OwnershipChanged`] when the name is claimed for another account, or by a deleted one.
    /// 3. That of the recovery administrator is [`Recovery::IDENTITY`], without a claim.
    pub async fn identity(&self, user: &Resolved<User>) -> Result<IdentityId, Error> {
        let app = self.in_use()?;
        let now = self.still(&app, user).await?;
        self.identity_of(&app, &now).await
    }

    /// The identity of a user whom the name means, claimed if it is not yet.
    pub(super) async fn identity_of(&self, app: &InUse, user: &Resolved<User>) -> Result<IdentityId, Error> {
        match app.recovery_at(user.directory()) {
            Some(_) => Ok(Recovery::IDENTITY),
            None => Ok(self.claim(app, user).await?.identity),
        }
    }

    /// Gives a claimed name to the account that the order selects now (T01): an explicit act of an administrator.
    /// Nothing changes when that account is the owner.
    pub async fn adopt(&self, name: &str, adoption: Adoption) -> Result<IdentityId, Error> {
        let app = self.in_use()?;
        let name = self.meant(&app, Username::new(name)?).await?;
        let found = self.look_up(&app, &name, Purpose::Write).await?;
        let user = resolved(found.verdict, "user")?;
        let Some(expected) = found.claim else {
            return Ok(self.claim(&app, &user).await?.identity);
        };
        if expected.subject == user.subject() && expected.tombstoned_at.is_none() {
            return Ok(expected.identity);
        }
        let identity = match adoption {
            Adoption::SamePerson => expected.identity,
            Adoption::NewPerson => self.throng.draw(),
        };
        let claim = Claim { identity, ..self.new_claim(&user) };
        tracing::info!(from = %expected.subject, to = %claim.subject, ?adoption, "a claimed name was adopted");
        self.throng.apply(vec![Change::ReplaceClaim { expected, claim }], Conflict::Stale).await?;
        Ok(identity)
    }

    /// Frees a claimed name whose owner is gone, so that it can be given to somebody else: an explicit act of an
    /// administrator (T05). What referred to the former identity is inherited by nobody.
    ///
    /// 1. [`Conflict::NameTaken`] while the owner still has the name.
    /// 2. [`Error::NotFound`] when nobody claims it.
    pub async fn release(&self, name: &str) -> Result<(), Error> {
        let (app, name) = (self.in_use()?, Username::new(name)?);
        let found = self.look_up(&app, &name, Purpose::Write).await?;
        let claim = found.claim.ok_or_else(|| Error::not_found("claim"))?;
        let owner = self.throng.0.store.user_by_id(&claim.subject).await?;
        if claim.tombstoned_at.is_none() && owner.is_some_and(|owner| owner.name == name) {
            // Shadowed or out of the plan, the owner is there.
            return Err(Error::Conflict(Conflict::NameTaken));
        }
        match found.verdict {
            Verdict::Resolved(user) if claim.tombstoned_at.is_none() && user.subject() == claim.subject => {
                return Err(Error::Conflict(Conflict::NameTaken));
            }
            Verdict::Resolved(_) | Verdict::Unknown(_) => {}
            undecided => drop(resolved(undecided, "user")?),
        }
        tracing::info!(from = %claim.subject, "a claimed name was released");
        self.throng.apply(vec![Change::ReleaseClaim(claim)], Conflict::Stale).await
    }

    /// A name that is claimed by somebody else is not given away by making or renaming a user, unless the plan's
    /// rules let the order decide.
    pub(super) async fn refuse_reserved(
        &self,
        app: &InUse,
        name: &Username,
        by: Option<&Subject>,
    ) -> Result<(), Error> {
        if app.plan.rules().on_ownership_change == OnOwnershipChange::Follow {
            return Ok(());
        }
        match self.throng.0.store.claim(self.id, name.key()).await? {
            Some(claim) if Some(&claim.subject) != by => Err(Error::Conflict(Conflict::NameReserved)),
            _ => Ok(()),
        }
    }

    /// The claims of the application, in the order of names.
    pub async fn claims(&self, page: &PageRequest) -> Result<Page<Claim>, Error> {
        Ok(self.throng.0.store.claims(self.id, page).await?)
    }

    /// Lets the claims on an account of a live directory follow its new name, in every application.
    pub(super) async fn move_claims(&self, subject: &Subject, from: &Key, to: &Key) -> Result<(), Error> {
        let claims = self.throng.claims_on(subject, from).await?;
        let moved = |claim: Claim| {
            [Change::MakeClaim(Claim { key: to.clone(), ..claim.clone() }), Change::ReleaseClaim(claim)]
        };
        self.change_claims(claims.into_iter().filter(|claim| claim.key != *to).flat_map(moved).collect())
            .await
    }

    /// Turns the claims on an account that is gone from a live directory into tombstones, in every application.
    pub(super) async fn bury_claims(&self, subject: &Subject, key: &Key) -> Result<(), Error> {
        let at = Some(self.throng.0.clock.now());
        let buried = |expected: Claim| {
            let claim = Claim { tombstoned_at: at, ..expected.clone() };
            Change::ReplaceClaim { expected, claim }
        };
        self.change_claims(self.throng.claims_on(subject, key).await?.into_iter().map(buried).collect()).await
    }

    /// The claims of an account follow its new name in every application that has one: none of them may be taken there.
    pub(super) async fn refuse_claimed_elsewhere(
        &self,
        subject: &Subject,
        from: &Key,
        to: &Key,
    ) -> Result<(), Error> {
        for claim in self.throng.claims_on(subject, from).await? {
            let there = self.throng.0.store.claim(claim.application, to).await?;
            if there.is_some_and(|there| there.subject != *subject) {
                return Err(Error::Conflict(Conflict::NameReserved));
            }
        }
        Ok(())
    }

    async fn change_claims(&self, changes: Vec<Change>) -> Result<(), Error> {
        if changes.is_empty() { Ok(()) } else { self.throng.apply(changes, Conflict::NameReserved).await }
    }

    /// The claim on the name of a user, made if there is none. When somebody else was faster, theirs decides.
    async fn claim(&self, app: &InUse, user: &Resolved<User>) -> Result<Claim, Error> {
        if app.recovery_at(user.directory()).is_some() {
            return Err(Error::Forbidden("claim"));
        }
        let key = user.value().key();
        if let Some(claim) = self.throng.0.store.claim(self.id, key).await? {
            return self.held(app, claim, user);
        }
        let claim = self.new_claim(user);
        match self.throng.apply(vec![Change::MakeClaim(claim.clone())], Conflict::Stale).await {
            Ok(()) => Ok(claim),
            Err(Error::Conflict(Conflict::Stale)) => match self.throng.0.store.claim(self.id, key).await? {
                Some(claim) => self.held(app, claim, user),
                None => Err(Error::Conflict(Conflict::Stale)),
            },
            Err(error) => Err(error),
        }
    }

    fn held(&self, app: &InUse, claim: Claim, user: &Resolved<User>) -> Result<Claim, Error> {
        let found = Found { verdict: Verdict::Resolved(user.clone()), claim: Some(claim.clone()) };
        own(app, found).map(|_| claim)
    }

    fn new_claim(&self, user: &Resolved<User>) -> Claim {
        Claim {
            application: self.id,
            key: user.value().key().clone(),
            identity: self.throng.draw(),
            subject: user.subject(),
            tombstoned_at: None,
            made_at: self.throng.0.clock.now(),
        }
    }
}

impl Throng {
    /// The claims on an account under a name, in every application; no tombstones.
    pub(crate) async fn claims_on(&self, subject: &Subject, key: &Key) -> Result<Vec<Claim>, Error> {
        let applications: Vec<_> = self.config().applications().collect();
        let mut claims = Vec::new();
        for application in applications {
            let claim = self.0.store.claim(application, key).await?;
            claims.extend(claim.filter(|claim| claim.subject == *subject && claim.tombstoned_at.is_none()));
        }
        Ok(claims)
    }
}
