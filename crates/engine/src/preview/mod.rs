//! Previews: who changes, before anything does; and applying exactly what was seen.
//!
//! Reading order: `shapes.rs` (what a proposal makes of applications), `stream.rs` (everybody, name by name, in order),
//! `administrators.rs` (who could still administer), `apply.rs`. What a change means for one name is decided by
//! [`throng_core::preview`].

mod administrators;
mod apply;
mod shapes;
mod stream;

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};
use throng_core::change::Change;
use throng_core::claim::Claim;
use throng_core::id::{ApplicationId, DirectoryId};
use throng_core::name::{GroupName, Key};
use throng_core::plan::SeatPolicy;
use throng_core::preview::{Groups, Occupant, difference, holding};
use throng_core::store::Namesakes;

pub use apply::Unlisted;
pub use throng_core::preview::{
    Copies, Difference, Holding, Owns, PasswordSource, Proposal, Switched, Totals,
};

use crate::application::{Adoption, Application};
use crate::error::{Conflict, Error};
use crate::throng::Throng;
use shapes::Shapes;
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
    /// What an outage would mean instead of what it means now.
    pub outages: Vec<PolicyChange>,
    /// Applications that would be left without anybody who can administer them, and have somebody today.
    pub without_administrator: Vec<String>,
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
        let Self { proposal, unlisted, without_administrator, digest, head, .. } = self;
        Sha256::digest(format!("{proposal:?}{unlisted:?}{without_administrator:?}{digest:?}{head}")).into()
    }

    /// Lets accounts that the change puts in front of others' names take them over when it is applied: an act of the
    /// administrator who applies it (T01).
    #[must_use]
    pub fn adopting(self, adoption: Adoption) -> Self {
        Self { adoption: Some(adoption), ..self }
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
        let without_administrator = self.left_alone(&shapes).await?;
        let mut seeing = Seeing::new(self, &shapes).await?;
        let mut names = Names::of(self, &shapes).await?;
        let (mut totals, mut differences) = (Totals::default(), Vec::new());
        let mut digest = Sha256::new();
        while let Some(page) = names.next_page().await? {
            for namesakes in page {
                totals.names += 1;
                for found in seeing.look(&mut names, &namesakes).await? {
                    totals.count(&found);
                    digest.update(format!("{found:?}").as_bytes());
                    each(&found);
                    if differences.len() < Preview::MOST_LISTED {
                        differences.push(found);
                    }
                }
            }
        }
        digest.update(
            format!("{without_administrator:?}{:?}{:?}", names.unlisted(), shapes.ground()).as_bytes(),
        );
        let mut preview = Preview {
            outages: shapes.policies(),
            unlisted: names.unlisted(),
            totals,
            differences,
            without_administrator,
            adoption: None,
            head,
            digest: digest.finalize().into(),
            seal: [0; 32],
            proposal,
        };
        preview.seal = preview.sealed();
        Ok(preview)
    }
}

/// What is known while names are looked at.
struct Seeing<'s> {
    throng: &'s Throng,
    shapes: &'s Shapes,
    groups: BTreeMap<DirectoryId, Groups>,
    claims: BTreeMap<ApplicationId, Claims>,
}

impl<'s> Seeing<'s> {
    async fn new(throng: &'s Throng, shapes: &'s Shapes) -> Result<Self, Error> {
        let mut groups = BTreeMap::new();
        for directory in shapes.stored() {
            let graph = throng.0.store.group_graph(directory).await?;
            groups.insert(directory, Groups::of(&graph, shapes.nesting(directory))?);
        }
        let claims = shapes.all().map(|shape| (shape.application, Claims::default())).collect();
        Ok(Self { throng, shapes, groups, claims })
    }

    /// What changes about one name, in each application.
    async fn look(
        &mut self,
        names: &mut Names<'_>,
        namesakes: &Namesakes<Occupant>,
    ) -> Result<Vec<Difference>, Error> {
        let mut found = Vec::new();
        let after = self.shapes.occupants_after(namesakes);
        for shape in self.shapes.all() {
            let claims = self.claims.entry(shape.application).or_default();
            let app = Application::new(self.throng.clone(), shape.application);
            let claim = claims.on(&app, self.shapes, &namesakes.key).await?;
            if !shape.may_differ(&namesakes.holders, &after, &claim) {
                continue;
            }
            // Only now are directories asked for groups that keep none here.
            let before = names.with_groups(&namesakes.holders, &mut self.groups).await?;
            let after = names.with_groups(&after, &mut self.groups).await?;
            let stands = holding(&shape.before, &before, &self.groups, claim.before.as_ref());
            let will_stand = holding(&shape.after, &after, &self.groups, claim.after.as_ref());
            found.extend(difference(shape.application, stands, will_stand));
        }
        Ok(found)
    }
}

/// The claim on a name, and what becomes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ClaimChange {
    before: Option<Claim>,
    after: Option<Claim>,
}

/// The claims of an application, read page by page beside the names.
#[derive(Debug, Default)]
struct Claims {
    page: std::collections::VecDeque<Claim>,
    read_to: Option<Key>,
    is_over: bool,
}

impl Claims {
    /// The claim on a name. Names are asked about in order.
    async fn on(&mut self, app: &Application, shapes: &Shapes, key: &Key) -> Result<ClaimChange, Error> {
        if shapes.concerns_few() {
            // A few names are looked up one by one.
            let before = app.throng().0.store.claim(app.id(), key).await?;
            return shapes.claim_after(app, key, before).await;
        }
        loop {
            while self.page.front().is_some_and(|claim| claim.key < *key) {
                self.page.pop_front();
            }
            if self.page.front().is_some() || self.is_over {
                break;
            }
            let mut request = throng_core::page::PageRequest::first(1_000);
            if let Some(read_to) = self.read_to.clone() {
                request = request.after(read_to);
            }
            let page = app.claims(&request).await?;
            self.is_over = page.next.is_none();
            self.read_to = page.next.or_else(|| self.read_to.take());
            self.page.extend(page.items);
        }
        let before = self.page.front().filter(|claim| claim.key == *key).cloned();
        shapes.claim_after(app, key, before).await
    }
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
