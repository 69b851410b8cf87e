//! Authentication: the walk over the directories, one login at a time.

use throng_core::claim::Claim;
use throng_core::directory::{Credence, Refusal};
use throng_core::error::Fault;
use throng_core::id::{ApplicationId, IdentityId, Subject};
use throng_core::name::Username;
use throng_core::plan::{AsOf, Purpose, Seat};
use throng_core::resolve::{Answer, Memory, Resolved, Step, Verdict, begin};
use throng_core::secret::Secret;
use throng_core::store::Holder;
use throng_core::time::Timestamp;
use throng_core::user::User;

use super::Application;
use super::find::{Found, is_bound, own};
use crate::ask::{Heard, hear};
use crate::config::InUse;
use crate::directory::{Checked, Login, LoginFault, Spent, Via};
use crate::error::{Conflict, Denial, Error, Outage};

/// Somebody whose credential was checked just now. Built only by a successful login; sessions are made from it.
#[derive(Debug, Clone)]
pub struct Authenticated {
    application: ApplicationId,
    user: Resolved<User>,
    identity: IdentityId,
    epoch: u64,
    at: Timestamp,
}

impl Authenticated {
    /// The application that it counts in (T13).
    pub fn application(&self) -> ApplicationId {
        self.application
    }

    /// Who it is, and why that directory decided.
    pub fn user(&self) -> &Resolved<User> {
        &self.user
    }

    /// What the host's content refers to.
    pub fn identity(&self) -> IdentityId {
        self.identity
    }

    /// When the credential was checked.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl Application {
    /// Checks a password.
    ///
    /// 1. The directories are asked in order until one decides; a wrong password in the first that holds the name never
    ///    reaches a namesake below (R201 to R205, T41).
    /// 2. A directory that may hold the name and is silent decides nothing: [`Error::Unavailable`], not counted as a
    ///    failed guess (T03).
    /// 3. Every other failure is [`Error::Denied`], which reads the same whatever the cause (T42).
    /// 4. An empty, oversized or impossible password or name reaches no directory (T29).
    /// 5. Over directories that keep passwords here, every path computes one hash at current cost, also for a name that
    ///    nobody has (T43).
    /// 6. The first success under a name claims it for the account; another account under a claimed name gets
    ///    [`Conflict::OwnershipChanged`] and nothing else (T01).
    /// 7. An unchanged success writes nothing.
    /// 8. The recovery administrator, while there is one, is asked first, and claims nothing.
    /// 9. Access is decided apart, by [`Application::admission`] (R217).
    pub async fn authenticate(&self, name: &str, password: &str) -> Result<Authenticated, Error> {
        let app = self.in_use()?;
        let secret = Secret::new(password).map_err(|fault| Error::denied(Denial::Password(fault)))?;
        if !app.record.active || app.plan.seats().is_empty() {
            return self.turn_away(&app, &secret, Error::denied(Denial::ApplicationClosed)).await;
        }
        let name = match Username::new(name) {
            Ok(name) => match self.meant(&app, name).await {
                Ok(name) => name,
                // No password was checked yet, so that a stranger is not to learn it.
                Err(Error::Conflict(Conflict::AmbiguousName)) => {
                    return self.turn_away(&app, &secret, Error::denied(Denial::Ambiguous)).await;
                }
                Err(error) => return self.turn_away(&app, &secret, error).await,
            },
            Err(fault) => {
                return self.turn_away(&app, &secret, Error::denied(Denial::Name(fault))).await;
            }
        };
        let located = self.throng.0.store.locate(self.id, name.key()).await?;
        let known = self.known_live(&app, located.claim.as_ref()).await?;
        let mut round =
            Round { app: &app, name: &name, secret: &secret, holders: located.users, spent: Spent::Nothing };
        let verdict = self.ask_in_order(&mut round).await?;
        let spent = round.spent;
        let claim = located.claim.filter(|_| is_bound(&app, &verdict));
        let standing = self.standing_of(&app, &verdict, &round.holders, known, claim).await?;
        match outcome(&app, verdict, &standing) {
            Ok(user) => self.let_in(&app, user, standing).await,
            Err(error) if spent == Spent::AHash => Err(error),
            Err(error) => self.turn_away(&app, &secret, error).await,
        }
    }

    /// Lets somebody in without a password, on the word of whoever calls: for a host or an application that is trusted
    /// to have authenticated them (R215).
    ///
    /// 1. The directories are asked in order as in [`Application::authenticate`]: one that lacks the name passes, one
    ///    that is silent passes where its seat says so, and an inactive account is refused.
    /// 2. Nobody is made and nothing is updated: a directory that makes accounts at login is only looked into.
    /// 3. Claims as in [`Application::authenticate`]. Access is decided apart, by [`Application::admission`].
    pub async fn vouch_for(&self, name: &str) -> Result<Authenticated, Error> {
        let app = self.in_use()?;
        if !app.record.active || app.plan.seats().is_empty() {
            return Err(Error::denied(Denial::ApplicationClosed));
        }
        let name = Username::new(name).map_err(|fault| Error::denied(Denial::Name(fault)))?;
        let name = self.meant(&app, name).await?;
        let located = self.throng.0.store.locate(self.id, name.key()).await?;
        let known = self.known_live(&app, located.claim.as_ref()).await?;
        let mut holders =
            located.users.iter().map(|holder| (holder.directory, holder.user.clone())).collect();
        let mut step = begin(&app.plan, Purpose::Login);
        let verdict = loop {
            step = match step {
                Step::Ask(walk) => {
                    let directory = walk.seat().directory;
                    let answer = self.ask_user(&app, directory, &name, &mut holders).await?;
                    walk.hear(match answer {
                        // Nobody's word is as good as its password.
                        Answer::Holds(_) if app.recovery_at(directory).is_some() => {
                            Answer::Refuses(Refusal::NoPassword)
                        }
                        Answer::Holds(user) if !user.active => Answer::Refuses(Refusal::Inactive),
                        answer => answer,
                    })
                }
                Step::Done(verdict) => break verdict,
            };
        };
        let standing = self.standing_of(&app, &verdict, &located.users, known, located.claim).await?;
        let user = outcome(&app, verdict, &standing)?;
        self.let_in(&app, user, standing).await
    }

    async fn ask_in_order(&self, round: &mut Round<'_>) -> Result<Verdict<User>, Error> {
        let mut step = begin(&round.app.plan, Purpose::Login);
        loop {
            step = match step {
                Step::Ask(walk) => {
                    let answer = self.ask_password(round, walk.seat()).await?;
                    walk.hear(answer)
                }
                Step::Done(verdict) => return Ok(verdict),
            };
        }
    }

    async fn ask_password(&self, round: &mut Round<'_>, seat: &Seat) -> Result<Answer<User>, Error> {
        let directory = seat.directory;
        let Some(mount) = round.app.mount(directory) else {
            return Ok(Answer::Silent(Memory::Nothing));
        };
        if let Some(recovery) = round.app.recovery_at(directory) {
            let checked = recovery.log_in(round.name, round.secret).await;
            let checked = checked.map_err(LoginFault::into_error)?;
            return Ok(round.paid(checked));
        }
        if let Via::Live(live) = &mount.via {
            let credence = live.authenticate(round.name, round.secret);
            return match hear(self.throng.0.deadline, directory, credence).await? {
                Heard::Said(Credence::Accepted(user)) if user.name != *round.name => {
                    Err(Error::broken("a directory answered for another name"))
                }
                Heard::Said(credence) => Ok(answer(credence)),
                Heard::Silent => Ok(Answer::Silent(Memory::Nothing)),
            };
        }
        let Some(stored) = mount.stored() else {
            return Ok(Answer::Silent(Memory::Nothing));
        };
        let known =
            round.holders.iter().find(|holder| holder.directory == directory).map(|holder| &holder.user);
        if known.is_none() && !stored.creates_at_login() {
            return Ok(Answer::Lacks);
        }
        let login = Login { name: round.name, secret: round.secret, rules: round.app.plan.rules() };
        match stored.log_in(&login, known).await {
            Ok(Checked { waits_for: Some(capture), .. }) => {
                let Some(user) = known else { return Ok(Answer::Lacks) };
                match self.throng.capture(&capture, user, round.secret).await? {
                    Heard::Said(credence) => {
                        if let Credence::Accepted(_) = credence {
                            round.spent = Spent::AHash;
                        }
                        Ok(answer(credence))
                    }
                    Heard::Silent => Ok(Answer::Silent(Memory::Held)),
                }
            }
            Ok(checked) => Ok(round.paid(checked)),
            Err(LoginFault::Verifier(error)) if error.fault() == Fault::Unavailable => {
                tracing::warn!(%directory, cause = %error, "the verifier of a directory does not answer");
                Ok(Answer::Silent(self.memory(seat, known)))
            }
            Err(fault) => Err(fault.into_error()),
        }
    }

    /// What is known of a name whose directory cannot check a password now: a mirror still tells who is in it.
    fn memory(&self, seat: &Seat, known: Option<&User>) -> Memory {
        match (seat.as_of, known) {
            (AsOf::Mirror(_), Some(_)) => Memory::Held,
            (AsOf::Mirror(complete), None) => {
                Memory::Lacked { age: self.throng.0.clock.now().since(complete) }
            }
            (AsOf::Now, _) => Memory::Nothing,
        }
    }

    /// The account of a live directory that owns the name, with its epoch before it is asked.
    async fn known_live(&self, app: &InUse, claim: Option<&Claim>) -> Result<Option<(Subject, u64)>, Error> {
        let is_live = |claim: &&Claim| {
            let mount = app.mount(claim.subject.directory);
            mount.is_some_and(|mount| matches!(mount.via, Via::Live(_)))
        };
        let Some(claim) = claim.filter(is_live) else { return Ok(None) };
        let epoch = self.throng.0.store.epoch(&claim.subject).await?;
        Ok(Some((claim.subject.clone(), epoch)))
    }

    /// The claim and the epoch as they were when the credential was checked. Where the login itself found or made
    /// another account than the one that was located, and for a live directory, they are read now: the login may have
    /// moved the claims.
    async fn standing_of(
        &self,
        app: &InUse,
        verdict: &Verdict<User>,
        holders: &[Holder],
        known: Option<(Subject, u64)>,
        claim: Option<Claim>,
    ) -> Result<Standing, Error> {
        let Verdict::Resolved(resolved) = verdict else {
            return Ok(Standing { claim, epoch: 0 });
        };
        if app.recovery_at(resolved.directory()).is_some() {
            return Ok(Standing { claim, epoch: 0 });
        }
        let subject = resolved.subject();
        let located = holders.iter().find(|holder| {
            holder.directory == subject.directory && holder.user.external_id == subject.external_id
        });
        if let Some(holder) = located {
            return Ok(Standing { claim, epoch: holder.epoch });
        }
        if let Some((_, epoch)) = known.filter(|(known, _)| *known == subject) {
            return Ok(Standing { claim, epoch });
        }
        let store = &self.throng.0.store;
        let claim = store.claim(self.id, resolved.value().key()).await?;
        Ok(Standing { claim, epoch: store.epoch(&subject).await? })
    }

    async fn let_in(
        &self,
        app: &InUse,
        user: Resolved<User>,
        standing: Standing,
    ) -> Result<Authenticated, Error> {
        let at = self.throng.0.clock.now();
        let epoch = standing.epoch;
        let identity = match standing.claim {
            Some(claim) => claim.identity,
            None => self.identity_of(app, &user).await?,
        };
        match app.recovery_at(user.directory()) {
            Some(recovery) => recovery.note_login(self.id, at),
            None => self.throng.0.logins.note(&user.subject(), at),
        }
        Ok(Authenticated { application: self.id, user, identity, epoch, at })
    }

    /// Pays for the hash that a login of somebody who exists would have cost, and refuses.
    async fn turn_away<T>(&self, app: &InUse, secret: &Secret, error: Error) -> Result<T, Error> {
        if app.keeps_passwords() {
            self.throng.0.hasher.spend(secret).await?;
        }
        Err(error)
    }

    /// When an account last logged in, if it is known. Of accounts of live directories it is known until
    /// [`Throng::maintain`](crate::Throng::maintain) is called.
    pub async fn last_login(&self, subject: &Subject) -> Result<Option<Timestamp>, Error> {
        let recent = self.throng.0.logins.latest(subject);
        match recent {
            Some(at) => Ok(Some(at)),
            None => Ok(self.throng.0.store.last_login(subject).await?),
        }
    }
}

/// One login on its way through the directories.
struct Round<'l> {
    app: &'l InUse,
    name: &'l Username,
    secret: &'l Secret,
    holders: Vec<Holder>,
    spent: Spent,
}

impl Round<'_> {
    /// The answer of a directory, with what it cost.
    fn paid(&mut self, checked: Checked) -> Answer<User> {
        if checked.spent == Spent::AHash {
            self.spent = Spent::AHash;
        }
        answer(checked.credence)
    }
}

/// How the resolved account stands in the application.
struct Standing {
    claim: Option<Claim>,
    epoch: u64,
}

/// The user of a login's verdict, if the name is his.
fn outcome(app: &InUse, verdict: Verdict<User>, standing: &Standing) -> Result<Resolved<User>, Error> {
    match verdict {
        Verdict::Unknown(trail) => Err(Error::Denied { why: Denial::Unknown, trail: Some(Box::new(trail)) }),
        Verdict::Refused { by, why, trail } => {
            Err(Error::Denied { why: Denial::Refused { by, why }, trail: Some(Box::new(trail)) })
        }
        verdict => own(app, Found { verdict, claim: standing.claim.clone() }),
    }
}

fn answer(credence: Credence) -> Answer<User> {
    match credence {
        Credence::Accepted(user) => Answer::Holds(user),
        Credence::Unknown => Answer::Lacks,
        Credence::Refused(why) => Answer::Refuses(why),
    }
}

impl From<Outage> for Error {
    fn from(why: Outage) -> Self {
        Self::Unavailable { why, trail: None }
    }
}
