//! Explaining a name: who holds it, who wins and why, whose it is, and what it may.

use std::fmt;

use serde::Serialize;
use throng_core::claim::{Claim, Settled, settle};
use throng_core::id::{DirectoryId, IdentityId, Subject};
use throng_core::name::Username;
use throng_core::plan::{AsOf, OnOwnershipChange, Purpose};
use throng_core::registry::{Aliases, DirectoryKind, DirectoryRecord};
use throng_core::resolve::{Answer, Memory, Resolved, Said, Survey, Verdict};
use throng_core::time::Timestamp;
use throng_core::user::User;

use super::find::is_bound;
use super::members::{Depth, Membership};
use super::{Admission, Application};
use crate::config::InUse;
use crate::directory::{Mount, Recovery, Via};
use crate::error::Error;

/// Everything that decides about a name in an application. `Display` is for operators.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The application.
    pub application: String,
    /// The name that was asked for.
    pub name: Username,
    /// The name that is meant, when the one asked for is an alias.
    pub alias_of: Option<Username>,
    /// What every directory of the plan says, in order.
    pub occurrences: Vec<Occurs>,
    /// The directories of the order that are switched off, in order. They are not asked.
    pub switched_off: Vec<SwitchedOff>,
    /// What follows for the name.
    pub state: NameState,
    /// The identity that the name is claimed for.
    pub identity: Option<IdentityId>,
    /// When the claim was made or last adopted.
    pub claimed_at: Option<Timestamp>,
    /// Whether the winner may use the application; none when nobody wins or it cannot be said.
    pub admission: Option<Admission>,
    /// The winner's effective groups; none when nobody wins or they cannot be told.
    pub groups: Option<Vec<Membership>>,
}

/// One directory's part in an [`Explanation`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Occurs {
    /// The place in the order, counted from 1.
    pub rank: usize,
    /// The directory.
    pub directory: DirectoryId,
    /// Its name.
    pub label: String,
    /// What checks a password there.
    pub password: &'static str,
    /// What it says about the name.
    pub said: Said,
    /// How old that knowledge is.
    pub as_of: AsOf,
    /// The account there, when it holds the name.
    pub subject: Option<Subject>,
    /// The spelling there.
    pub spelling: Option<Username>,
    /// Whether the account there may log in.
    pub active: Option<bool>,
}

/// A directory that has a place in the order, and no part in an [`Explanation`], because it is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SwitchedOff {
    /// The directory.
    pub directory: DirectoryId,
    /// Its name.
    pub label: String,
}

/// What follows for a name from everything that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NameState {
    /// It means this account; those below are shadowed.
    Means {
        /// The canonical account.
        subject: Subject,
        /// The accounts that it shadows, in order.
        shadowed: Vec<Subject>,
    },
    /// The order selects an account that is not the owner: it must be adopted before it is anybody.
    OwnershipChanged {
        /// The owner, by the claim.
        owner: Subject,
        /// When the owner was deleted, if it was.
        tombstoned_at: Option<Timestamp>,
        /// The account that the order selects.
        found: Subject,
    },
    /// Nobody has it, and nobody is silent.
    Unknown,
    /// A directory that may hold it is silent.
    Undecided {
        /// The silent directories.
        silent: Vec<DirectoryId>,
    },
}

impl Application {
    /// Asks every directory about a name and tells what follows, and why.
    ///
    /// 1. The state is what [`Application::find_user`] answers; the shadowed are told too.
    /// 2. A directory that is switched off is named, and not asked.
    /// 3. Reads only; silence of a directory is part of the answer, and one that contradicts itself counts as silent.
    pub async fn explain(&self, name: &str) -> Result<Explanation, Error> {
        let app = self.in_use()?;
        let asked = Username::new(name)?;
        let name = self.meant(&app, asked.clone()).await?;
        let located = self.throng.0.store.locate(self.id, name.key()).await?;
        let mut holders = located.users.into_iter().map(|holder| (holder.directory, holder.user)).collect();
        let mut answers = Vec::with_capacity(app.mounts.len());
        for seat in app.plan.seats() {
            answers.push(match self.ask_user(&app, seat.directory, &name, &mut holders).await {
                // One directory that contradicts itself must not hide what the others say.
                Err(Error::Broken(cause)) => {
                    tracing::warn!(directory = %seat.directory, %cause, "a directory contradicts itself");
                    Answer::Silent(Memory::Nothing)
                }
                answer => answer?,
            });
        }
        let waiting = self.waits_for_password(&app, &answers).await?;
        let occurrences = app
            .seats()
            .zip(&answers)
            .map(|((rank, seat, mount), answer)| {
                let user = match answer {
                    Answer::Holds(user) => Some(user),
                    Answer::Lacks | Answer::Refuses(_) | Answer::Silent(_) => None,
                };
                let subject = |id| Subject { directory: seat.directory, external_id: id };
                Occurs {
                    rank: rank + 1,
                    directory: seat.directory,
                    label: seat.label.clone(),
                    password: match app.recovery_at(seat.directory) {
                        Some(_) => "the password that recovery was switched on with",
                        None if waiting == Some(seat.directory) => {
                            "the directory that it came from, until the first login"
                        }
                        None => password_source(&mount.record.kind),
                    },
                    said: Said::from(answer),
                    as_of: seat.as_of,
                    subject: user.map(|user| subject(user.external_id.clone())),
                    spelling: user.map(|user| user.name.clone()),
                    active: user.map(|user| user.active),
                }
            })
            .collect();
        let survey = Survey::of(&app.plan, Purpose::Lookup, answers);
        self.explain_survey(&app, asked, name, occurrences, survey, located.claim).await
    }

    /// The directory of the first who holds the name, if that account waits for its password; of others nobody asks.
    async fn waits_for_password(
        &self,
        app: &InUse,
        answers: &[Answer<User>],
    ) -> Result<Option<DirectoryId>, Error> {
        let first = app.seats().zip(answers).find_map(|((_, seat, mount), answer)| match answer {
            Answer::Holds(user) => Some((seat.directory, mount, user)),
            Answer::Lacks | Answer::Refuses(_) | Answer::Silent(_) => None,
        });
        let Some((directory, Mount { via: Via::Internal(_), .. }, user)) = first else { return Ok(None) };
        let subject = Subject { directory, external_id: user.external_id.clone() };
        Ok(self.throng.0.store.capture(&subject).await?.map(|_| directory))
    }

    async fn explain_survey(
        &self,
        app: &InUse,
        asked: Username,
        name: Username,
        occurrences: Vec<Occurs>,
        survey: Survey<User>,
        claim: Option<Claim>,
    ) -> Result<Explanation, Error> {
        let claim = claim.filter(|_| is_bound(app, survey.verdict()));
        let Judged { state, winner } = judge(app, claim.as_ref(), survey);
        let (mut admission, mut groups) = (None, None);
        if let Some(user) = &winner {
            admission = self.admission(user).await.ok();
            groups = self.groups_of(user, Depth::Nested).await.ok();
        }
        let is_alias = app.record.aliases == Aliases::On && asked != name;
        Ok(Explanation {
            application: app.record.name.to_string(),
            alias_of: is_alias.then_some(name),
            name: asked,
            occurrences,
            switched_off: app.switched_off.iter().map(|record| SwitchedOff::from(&**record)).collect(),
            state,
            identity: match winner.and_then(|user| app.recovery_at(user.directory()).map(drop)) {
                Some(()) => Some(Recovery::IDENTITY),
                None => claim.as_ref().map(|claim| claim.identity),
            },
            claimed_at: claim.map(|claim| claim.made_at),
            admission,
            groups,
        })
    }
}

/// What everybody said about a name, held against the claim on it.
pub(crate) struct Judged {
    pub(crate) state: NameState,
    /// The account that the name means.
    pub(crate) winner: Option<Resolved<User>>,
}

/// Says what follows for a name from everything that was said, and from the claim on it.
pub(crate) fn judge(app: &InUse, claim: Option<&Claim>, survey: Survey<User>) -> Judged {
    let shadowed = survey.shadowed().iter();
    let shadowed = shadowed
        .map(|below| Subject { directory: below.directory, external_id: below.value.external_id.clone() })
        .collect();
    let means = |user: Resolved<User>| Judged {
        state: NameState::Means { subject: user.subject(), shadowed },
        winner: Some(user),
    };
    let nobody = |state| Judged { state, winner: None };
    let claim = claim.filter(|_| is_bound(app, survey.verdict()));
    match settle(claim, survey.into_verdict()) {
        Settled::OwnershipChanged { resolved, .. }
            if app.plan.rules().on_ownership_change == OnOwnershipChange::Follow =>
        {
            means(*resolved)
        }
        Settled::OwnershipChanged { change, .. } => nobody(NameState::OwnershipChanged {
            owner: change.claim.subject,
            tombstoned_at: change.claim.tombstoned_at,
            found: change.found,
        }),
        Settled::Stands(verdict) => match *verdict {
            Verdict::Resolved(user) => means(user),
            Verdict::Unknown(_) => nobody(NameState::Unknown),
            Verdict::Refused { trail, .. } | Verdict::Undecided(trail) => {
                nobody(NameState::Undecided { silent: trail.silent() })
            }
        },
    }
}

impl Explanation {
    fn label(&self, directory: DirectoryId) -> &str {
        let asked = self.occurrences.iter().map(|occurs| (occurs.directory, &occurs.label));
        let mut all = asked.chain(self.switched_off.iter().map(|off| (off.directory, &off.label)));
        let found = all.find(|(id, _)| *id == directory);
        found.map_or("a directory that is not in the order", |(_, label)| label)
    }
}

impl From<&DirectoryRecord> for SwitchedOff {
    fn from(record: &DirectoryRecord) -> Self {
        Self { directory: record.id, label: record.name.to_string() }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}", self.name, self.application)?;
        match &self.alias_of {
            Some(name) => writeln!(f, ", an alias of {name:?}")?,
            None => writeln!(f)?,
        }
        for occurs in &self.occurrences {
            write!(f, "  {}. {}: {}{}", occurs.rank, occurs.label.escape_debug(), occurs.said, occurs.as_of)?;
            if let Some(spelling) = &occurs.spelling {
                write!(f, " as {spelling:?}, password checked by {}", occurs.password)?;
            }
            writeln!(f, "{}", if occurs.active == Some(false) { ", inactive" } else { "" })?;
        }
        for off in &self.switched_off {
            writeln!(f, "  -. {}: switched off, and not asked", off.label.escape_debug())?;
        }
        match &self.state {
            NameState::Means { subject, shadowed } => {
                write!(f, "  => means the account in {:?}", self.label(subject.directory))?;
                let labels: Vec<_> = shadowed.iter().map(|below| self.label(below.directory)).collect();
                if labels.is_empty() {
                    writeln!(f)?
                } else {
                    writeln!(f, "; shadowed: {}", labels.join(", "))?
                }
            }
            NameState::OwnershipChanged { owner, tombstoned_at, found } => {
                write!(f, "  => belongs to an account in {:?}", self.label(owner.directory))?;
                if let Some(at) = tombstoned_at {
                    write!(f, " that was deleted at {at}")?;
                }
                writeln!(f, "; the one in {:?} must be adopted first", self.label(found.directory))?;
            }
            NameState::Unknown if self.switched_off.is_empty() => {
                writeln!(f, "  => nobody; every directory answered")?
            }
            NameState::Unknown => writeln!(f, "  => nobody; every directory that is switched on answered")?,
            NameState::Undecided { silent } => {
                let labels: Vec<_> = silent.iter().map(|directory| self.label(*directory)).collect();
                writeln!(f, "  => cannot be said while silent: {}", labels.join(", "))?;
            }
        }
        if let Some(identity) = self.identity {
            writeln!(f, "  identity: {identity}")?;
        }
        match &self.admission {
            Some(Admission::Everyone) => writeln!(f, "  access: yes, everyone of that directory")?,
            Some(Admission::Through(path)) => writeln!(f, "  access: yes, through {}", joined(path))?,
            Some(Admission::NotInAnyGroup) => {
                writeln!(f, "  access: no, in none of the groups that give it")?
            }
            Some(Admission::InactiveAccount) => writeln!(f, "  access: no, the account is inactive")?,
            Some(Admission::Closed) => writeln!(f, "  access: no, the application is switched off")?,
            None => {}
        }
        for membership in self.groups.iter().flatten() {
            let way = if membership.path.len() > 1 {
                format!(" ({})", joined(&membership.path))
            } else {
                String::new()
            };
            writeln!(f, "  group: {:?} in {:?}{way}", membership.group, self.label(membership.directory))?;
        }
        Ok(())
    }
}

fn joined(path: &[throng_core::name::GroupName]) -> String {
    path.iter().map(|group| group.as_str().escape_debug().to_string()).collect::<Vec<_>>().join(" < ")
}

fn password_source(kind: &DirectoryKind) -> &'static str {
    match kind {
        DirectoryKind::Internal(_) => "the hash kept here",
        DirectoryKind::Delegated(_) => "the attached verifier",
        DirectoryKind::Mirrored(_) => "the source of the mirror",
        DirectoryKind::Live => "the directory itself",
    }
}
