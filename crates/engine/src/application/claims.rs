//! Claims: whose a name is, whatever the order says.

use throng_core::change::Change;
use throng_core::claim::Claim;
use throng_core::id::{IdentityId, Subject};
use throng_core::name::Username;
use throng_core::page::{Page, PageRequest};
use throng_core::plan::Purpose;
use throng_core::resolve::{Resolved, Verdict};
use throng_core::user::User;

use super::Application;
use super::find::{Found, own, resolved};
use crate::config::InUse;
use crate::error::{Conflict, Error};

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
    pub async fn identity(&self, user: &Resolved<User>) -> Result<IdentityId, Error> {
        let app = self.in_use()?;
        let now = self.still(&app, user).await?;
        Ok(self.claim(&app, &now).await?.identity)
    }

    /// Gives a claimed name to the account that the order selects now (T01): an explicit act of an administrator.
    pub async fn adopt(&self, name: &str, adoption: Adoption) -> Result<IdentityId, Error> {
        let app = self.in_use()?;
        let name = self.meant(&app, Username::new(name)?).await?;
        let found = self.look_up(&app, &name, Purpose::Write).await?;
        let user = resolved(found.verdict, "user")?;
        let Some(expected) = found.claim else {
            return Ok(self.claim(&app, &user).await?.identity);
        };
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

    /// A name that is claimed by somebody else is not given away by making or renaming a user.
    pub(super) async fn refuse_reserved(&self, name: &Username, by: Option<&Subject>) -> Result<(), Error> {
        match self.throng.0.store.claim(self.id, name.key()).await? {
            Some(claim) if Some(&claim.subject) != by => Err(Error::Conflict(Conflict::NameReserved)),
            _ => Ok(()),
        }
    }

    /// The claims of the application, in the order of names.
    pub async fn claims(&self, page: &PageRequest) -> Result<Page<Claim>, Error> {
        Ok(self.throng.0.store.claims(self.id, page).await?)
    }

    /// The claim on the name of a user, made if there is none. When somebody else was faster, theirs decides.
    pub(super) async fn claim(&self, app: &InUse, user: &Resolved<User>) -> Result<Claim, Error> {
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
