//! Whom newcomers would stand in front of.

use serde::Serialize;
use throng_core::id::DirectoryId;
use throng_core::name::{Key, Username};
use throng_core::plan::{MembershipScheme, OnOwnershipChange};

use crate::config::InUse;
use crate::error::Error;
use crate::throng::Throng;

/// How many names are looked up at once.
const PAGE: usize = 1_000;

/// A name that means, or belongs to, somebody whom a newcomer would stand in front of, or be mixed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overtaken {
    /// The application.
    pub application: String,
    /// The name.
    pub name: Username,
    /// The directory that has somebody of that name; none where the name is only reserved for somebody.
    pub held_in: Option<String>,
}

impl Throng {
    /// The names among these that already mean somebody in an application that asks the directory, if users of these
    /// names were made in the directory.
    ///
    /// 1. A name that a directory below holds, and none above: the newcomer would be who is meant (R254).
    /// 2. A name that any other directory holds, where memberships combine: the newcomer's would count, too (R271).
    /// 3. A name that belongs to somebody else, who may be gone (T05): nobody could use it until it is adopted.
    /// 4. Names that the directory holds already bring no newcomer. Directories that are asked each time are not asked.
    pub async fn overtaken(
        &self,
        directory: DirectoryId,
        names: &[Username],
    ) -> Result<Vec<Overtaken>, Error> {
        self.reload().await?;
        let config = self.config_now();
        let mut overtaken = Vec::new();
        for application in config.applications() {
            let Some(app) = config.in_use(application) else { continue };
            let Some(place) = app.plan.rank(directory) else { continue };
            for names in names.chunks(PAGE) {
                let keys: Vec<Key> = names.iter().map(|name| name.key().clone()).collect();
                let asked: Vec<(DirectoryId, Key)> =
                    keys.iter().flat_map(|key| app.stored.iter().map(|id| (*id, key.clone()))).collect();
                let mut found = self.0.store.occupants(&asked).await?.into_iter();
                let claims = self.0.store.claims_on(application, &keys).await?;
                for (name, claim) in names.iter().zip(claims) {
                    let here = app.stored.iter().zip(found.by_ref());
                    let holders: Vec<DirectoryId> =
                        here.filter_map(|(id, found)| found.map(|_| *id)).collect();
                    if holders.contains(&directory) {
                        continue;
                    }
                    let follows = app.plan.rules().on_ownership_change == OnOwnershipChange::Follow;
                    let is_claimed = claim.is_some_and(|claim| {
                        !follows && (claim.tombstoned_at.is_some() || claim.subject.directory != directory)
                    });
                    let held_in = in_the_way(&app, place, &holders);
                    if held_in.is_some() || (holders.is_empty() && is_claimed) {
                        let application = app.record.name.to_string();
                        overtaken.push(Overtaken { application, name: name.clone(), held_in });
                    }
                }
            }
        }
        Ok(overtaken)
    }
}

/// The directory whose user of the name a newcomer at a place concerns.
fn in_the_way(app: &InUse, place: usize, holders: &[DirectoryId]) -> Option<String> {
    let first = app.plan.seats().iter().enumerate().find(|(_, seat)| holders.contains(&seat.directory));
    let (rank, seat) = first?;
    let merges = app.plan.memberships() == MembershipScheme::Aggregated;
    (rank > place || merges).then(|| seat.label.clone())
}
