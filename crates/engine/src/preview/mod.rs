//! Previews: who changes, before anything does; and applying exactly what was seen.
//!
//! Reading order: `shapes.rs` (what a proposal makes of applications), `stream.rs` (who holds which name, in order),
//! `seeing.rs` (what changes about them), `administrators.rs` (who could still administer), `apply.rs`. What a change
//! means for one name is decided by [`throng_core::preview`].

mod administrators;
mod ahead;
mod apply;
mod seeing;
mod shapes;
mod stream;

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use throng_core::change::Change;
use throng_core::claim::Claim;
use throng_core::id::DirectoryId;
use throng_core::name::GroupName;
use throng_core::plan::SeatPolicy;

pub use administrators::Administrator;
pub(crate) use administrators::{Leader, Leading, stopping};
pub use apply::Unlisted;
pub use throng_core::preview::{
    Copies, Difference, Holding, Owns, PasswordSource, Proposal, Switched, Totals,
};

use crate::application::{Adoption, Application};
use crate::error::{Conflict, Error};
use crate::throng::Throng;
use administrators::{Administration, Adopting};
use seeing::Seeing;
use shapes::{Scope, Shapes};
use stream::Names;

/// What a change would mean.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// The change.
    pub proposal: Proposal,
    /// How many names change in which way, over all applications.
    pub totals: Totals,
    /// Who changes and how, the first [`Preview::MOST_LISTED`], in the order of names.
    pub differences: Vec<Difference>,
    /// Directories that could not be listed, so that nobody can say who of them changes.
    pub unlisted: Vec<DirectoryId>,
    /// Accounts that came from the directory that would be switched off, and wait for their passwords, which it alone
    /// can check: they cannot log in meanwhile.
    pub waiting: u64,
    /// What an outage would mean instead of what it means now.
    pub outages: Vec<PolicyChange>,
    /// Applications that would be left without anybody who can administer them, and have somebody today.
    pub without_administrator: Vec<String>,
    /// Who could still administer the others that say who does.
    pub administrators: Vec<Administrator>,
    #[serde(skip)]
    administration: Administration,
    /// As whom accounts take names over that others own, if they are to.
    #[serde(skip)]
    adoption: Option<Adoption>,
    #[serde(skip)]
    head: u64,
    #[serde(skip)]
    digest: [u8; 32],
    /// Over what decides when it is applied, so that what was seen is what is applied.
    #[serde(skip)]
    seal: [u8; 32],
}

impl Preview {
    /// How many names a preview lists. Totals are exact, and [`Throng::preview_each`] tells everybody.
    pub const MOST_LISTED: usize = 1_000;

    fn sealed(&self) -> [u8; 32] {
        let Self { proposal, unlisted, administration, digest, head, .. } = self;
        let mut seal = Digest::default();
        seal.add(&format!("{proposal:?}{unlisted:?}{administration:?}{digest:?}{head}"));
        seal.end()
    }

    /// A short word for what was seen, to hold a later preview against.
    ///
    /// 1. The same change over the same ground has the same fingerprint, whatever else is written meanwhile, and
    ///    however many differences are listed.
    /// 2. Another change, others who change, another order or policy that it stands on, or other directories that
    ///    cannot be listed have another one.
    pub fn fingerprint(&self) -> Fingerprint {
        let Self { proposal, outages, digest, .. } = self;
        Fingerprint::of(&format!("{proposal:?}{outages:?}{digest:?}"))
    }

    /// Lets accounts that the change puts in front of others' names take them over when it is applied: an act of the
    /// administrator who applies it (T01).
    #[must_use]
    pub fn adopting(self, adoption: Adoption) -> Self {
        // Who takes a name over administers under it, too.
        let without_administrator = self.administration.without(Adopting::Yes);
        Self { adoption: Some(adoption), without_administrator, ..self }
    }

    /// The applications that would have no administrator if it were applied as it is.
    fn left_alone(&self) -> Vec<String> {
        let adopting = if self.adoption.is_some() { Adopting::Yes } else { Adopting::No };
        self.administration.without(adopting)
    }
}

/// A short word for something that was seen: what differs has another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// How many bytes of a digest tell what was seen from what is there: nobody chooses either.
    const BYTES: usize = 8;

    /// The fingerprint of a text that says all of it.
    pub fn of(text: &str) -> Self {
        let mut digest = Digest::default();
        digest.add(&text);
        Self(digest.end().iter().take(Self::BYTES).map(|byte| format!("{byte:02x}")).collect())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What silence and refusal of a directory would mean instead of what they mean now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// The application.
    pub application: String,
    /// The directory.
    pub directory: String,
    /// What they mean now.
    pub before: SeatPolicy,
    /// What they would mean.
    pub after: SeatPolicy,
}

impl Throng {
    /// Says who would change if something were changed, and changes nothing.
    ///
    /// 1. Each name that changes in an application: which account has it, what checks its password, whether it may log
    ///    in, its effective groups, whether the application admits it; and whose it is by its claim.
    /// 2. What a look-up would say after the change is what the preview says: both rank by the same code.
    /// 3. Memory holds a page of names at a time, and at most [`Preview::MOST_LISTED`] differences.
    /// 4. Directories that cannot be listed are named, and not taken for empty.
    /// 5. An order that names a directory twice, one that is not there or leaves one out is [`Error::Invalid`]; a
    ///    directory, application or account that is not there is [`Error::NotFound`].
    pub async fn preview(&self, proposal: Proposal) -> Result<Preview, Error> {
        self.preview_each(proposal, |_| {}).await
    }

    /// Previews as [`Throng::preview`] does, and tells every difference, in the order of names.
    pub async fn preview_each(
        &self,
        proposal: Proposal,
        mut each: impl FnMut(&Difference) + Send,
    ) -> Result<Preview, Error> {
        // Whatever changes from here on is seen by whoever applies the preview.
        let head = self.0.store.head().await?;
        self.reload().await?;
        let shapes = Shapes::of(self, &proposal).await?;
        let administration = self.administration(&shapes).await?;
        let mut seeing = Seeing::new(self, &shapes).await?;
        let mut names = Names::of(self, &shapes).await?;
        let (mut totals, mut differences) = (Totals::default(), Vec::new());
        let mut digest = Digest::default();
        let mut tell = |found: Difference| {
            totals.count(&found);
            digest.add(&found);
            each(&found);
            if differences.len() < Preview::MOST_LISTED {
                differences.push(found);
            }
        };
        match shapes.scope() {
            Scope::Everybody => {
                // Whom the next page concerns is read while this one is looked at.
                let (mut count, mut asked) = (0, None);
                loop {
                    let next = match names.next_page().await? {
                        Some(page) => {
                            count += u64::try_from(page.holders.len()).unwrap_or(u64::MAX);
                            Some(seeing.ask(page).await)
                        }
                        None => None,
                    };
                    let (is_over, ready) = (next.is_none(), std::mem::replace(&mut asked, next));
                    if let Some(ready) = ready {
                        seeing.look(&mut names, ready).await?.into_iter().for_each(&mut tell);
                    }
                    if is_over {
                        break;
                    }
                }
                totals.names = count;
            }
            Scope::Names(few) => {
                let found = names.of_names(few.iter().cloned()).await?;
                for namesakes in &found {
                    seeing.look_at(&mut names, namesakes).await?.into_iter().for_each(&mut tell);
                }
                totals.names = u64::try_from(found.len()).unwrap_or(u64::MAX);
            }
            Scope::Nobody => {}
        }
        let unlisted = names.unlisted();
        digest.add(&format!("{administration:?}{unlisted:?}{:?}", shapes.ground()));
        let mut preview = Preview {
            waiting: match proposal {
                Proposal::SwitchDirectory { directory, state: Switched::Off } => {
                    self.waiting_for(directory).await?
                }
                _ => 0,
            },
            outages: shapes.policies(),
            unlisted,
            totals,
            differences,
            without_administrator: administration.without(Adopting::No),
            administrators: administration.left(),
            administration,
            adoption: None,
            head,
            digest: digest.end(),
            seal: [0; 32],
            proposal,
        };
        preview.seal = preview.sealed();
        Ok(preview)
    }
}

/// Over everything that was seen.
#[derive(Default)]
struct Digest(Sha256);

impl Digest {
    fn add(&mut self, what: &impl Hash) {
        what.hash(self);
    }

    fn end(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of no account: the whole digest is taken.
    fn finish(&self) -> u64 {
        0
    }
}

/// The claim on a name, and what becomes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ClaimChange {
    before: Option<Claim>,
    after: Option<Claim>,
}

impl Application {
    /// The groups whose members administer the application.
    pub fn administrators(&self) -> Result<Vec<GroupName>, Error> {
        Ok(self.own_record()?.administrators)
    }

    /// States the groups whose members administer the application: from then on, no previewed change leaves it without
    /// one who can (T105).
    pub async fn set_administrators(&self, groups: Vec<GroupName>) -> Result<(), Error> {
        let record = self.own_record()?;
        let plan = record.plan.clone().with_version(record.plan.version() + 1);
        let record = throng_core::registry::ApplicationRecord { administrators: groups, plan, ..record };
        self.throng().configure(Change::PutApplication(record), Conflict::PlanStale).await
    }
}
