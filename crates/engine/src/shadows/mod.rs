//! The shadow report: what several directories hold alike, who wins, and who would surface.

mod names;
mod newcomers;
mod reader;
mod report;

pub use newcomers::Overtaken;
pub use report::{
    ClaimedFor, Confusable, Finding, HeldBy, LookAlike, Scan, ShadowReport, SharedName, SharedValue,
    Surfaces, Unlistable, Unlisted,
};

use std::sync::Arc;

use throng_core::id::{ApplicationId, ExternalId};
use throng_core::name::Key;
use throng_core::shadow::{Digests, Gathered, Gathering, Repeated, Skeleton};
use throng_core::user::User;

use crate::config::InUse;
use crate::error::Error;
use crate::throng::Throng;
use names::Judge;
use reader::{Holder, Namesakes, Place, Reader};

/// Which directories a shadow report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShadowScope {
    /// Those in which an application looks names up, in its order; who wins is told.
    Application(ApplicationId),
    /// All that there are, also those that are switched off. Without an order nobody wins.
    AllDirectories,
}

impl Throng {
    /// Tells every name, e-mail address and external id that several directories hold, and names that are easily taken
    /// for each other.
    ///
    /// With the behaviours of [`Throng::shadows_each`]; the whole report is held in memory, each part of it in the
    /// order of its values.
    pub async fn shadows(&self, scope: ShadowScope) -> Result<ShadowReport, Error> {
        let mut report = ShadowReport::default();
        report.scan = self.shadows_each(scope, |finding| report.add(finding)).await?;
        report.sort();
        Ok(report)
    }

    /// Tells each finding of a shadow report as soon as it is known.
    ///
    /// 1. Names come first, in order: each that two directories hold by key, with who wins and why, who is shadowed,
    ///    who would surface if the winner were gone, and the claim on it. E-mail addresses are compared by their key,
    ///    external ids byte for byte; one that a name stands in for is left out (R314).
    /// 2. Confusable names have another key and the same [`Skeleton`], in one directory or in several (N27, N28). They
    ///    are a warning: nothing is decided by it.
    /// 3. Reads only, page by page, twice: 8 bytes are held for each value that is looked at, and of what repeats at
    ///    most [`Throng::SHADOWS_HELD`] entries at a time; where that does not suffice it is read again.
    /// 4. A directory that cannot be listed is named in the [`Scan`], and silent about every name; nothing else is
    ///    missing for it.
    /// 5. What changes while it is read may be told in part.
    /// 6. [`Error::NotFound`] when there is no such application.
    pub async fn shadows_each(
        &self,
        scope: ShadowScope,
        mut each: impl FnMut(Finding) + Send,
    ) -> Result<Scan, Error> {
        let app = match scope {
            ShadowScope::Application(application) => {
                let app = self.in_use(application);
                Some(app.ok_or_else(|| Error::not_found("application"))?)
            }
            ShadowScope::AllDirectories => None,
        };
        let places = match &app {
            Some(app) => Place::in_application(app),
            None => Place::everywhere(&self.config()),
        };
        let mut scan = Scan::of(app.as_deref());
        let mut repeats = self.first_reading(&places, app.as_ref(), &mut scan, &mut each).await?;
        while !repeats.is_empty() {
            repeats = self.further_reading(&places, repeats, &mut scan, &mut each).await?;
        }
        Ok(scan)
    }

    /// Most entries that a further reading of [`Throng::shadows_each`] holds of e-mail addresses, of external ids, and
    /// of looks, each: some 10 MB.
    pub const SHADOWS_HELD: usize = 50_000;

    async fn first_reading(
        &self,
        places: &[Arc<Place>],
        app: Option<&Arc<InUse>>,
        scan: &mut Scan,
        each: &mut (impl FnMut(Finding) + Send),
    ) -> Result<Repeats, Error> {
        let (mut emails, mut ids, mut looks) = (Digests::default(), Digests::default(), Digests::default());
        let mut judge = app.map(|app| Judge::new(self, app));
        let mut reader = Reader::new(self, places);
        while let Some(name) = reader.next().await? {
            for Holder { place, user } in &name.holders {
                scan.users += 1;
                if let Some(email) = email_of(user) {
                    emails.note(email.as_str(), place.number);
                }
                if let Some(id) = id_of(user) {
                    ids.note(id.as_str(), place.number);
                }
            }
            for look in looks_of(&name) {
                looks.note(look.as_str(), 0);
            }
            if name.holders.len() > 1 {
                let holders = name.holders.iter().map(HeldBy::of).collect();
                let (state, surfaces, claim) = match &mut judge {
                    Some(judge) => {
                        let judged = judge.judge(&name, &reader).await?;
                        (Some(judged.state), Some(judged.surfaces), judged.claim)
                    }
                    None => (None, None, None),
                };
                each(Finding::Name(SharedName { name: name.key, holders, state, surfaces, claim }));
            }
        }
        scan.unlisted = reader.unlisted();
        Ok(Repeats {
            emails: emails.in_several_places(),
            ids: ids.in_several_places(),
            looks: looks.more_than_once(),
        })
    }

    async fn further_reading(
        &self,
        places: &[Arc<Place>],
        repeats: Repeats,
        scan: &mut Scan,
        each: &mut (impl FnMut(Finding) + Send),
    ) -> Result<Repeats, Error> {
        let mut emails = Gathering::of(repeats.emails, Self::SHADOWS_HELD);
        let mut ids = Gathering::of(repeats.ids, Self::SHADOWS_HELD);
        let mut looks = Gathering::of(repeats.looks, Self::SHADOWS_HELD);
        let mut reader = Reader::new(self, places);
        while let Some(name) = reader.next().await? {
            for holder in &name.holders {
                let held = || (holder.place.number, HeldBy::of(holder));
                if let Some(email) = email_of(&holder.user) {
                    let done = emails.hear(email.as_str(), held);
                    done.into_iter().filter_map(shared).map(Finding::Email).for_each(&mut *each);
                }
                if let Some(id) = id_of(&holder.user) {
                    let done = ids.hear(id.as_str(), held);
                    done.into_iter().filter_map(shared).map(Finding::ExternalId).for_each(&mut *each);
                }
            }
            for look in looks_of(&name) {
                let done = looks.hear(look.as_str(), || look_alike(&name));
                done.into_iter().filter_map(confusable).for_each(&mut *each);
            }
        }
        scan.also_unlisted(reader.unlisted());
        let (partial, emails) = emails.end();
        partial.into_iter().filter_map(shared).map(Finding::Email).for_each(&mut *each);
        let (partial, ids) = ids.end();
        partial.into_iter().filter_map(shared).map(Finding::ExternalId).for_each(&mut *each);
        let (partial, looks) = looks.end();
        partial.into_iter().filter_map(confusable).for_each(&mut *each);
        Ok(Repeats { emails, ids, looks })
    }
}

/// What a further reading has to gather.
struct Repeats {
    emails: Repeated,
    ids: Repeated,
    looks: Repeated,
}

impl Repeats {
    fn is_empty(&self) -> bool {
        self.emails.is_empty() && self.ids.is_empty() && self.looks.is_empty()
    }
}

fn email_of(user: &User) -> Option<Key> {
    let email = Key::of(user.profile.email.trim());
    (!email.as_str().is_empty()).then_some(email)
}

/// The id, unless it says no more than the name does.
fn id_of(user: &User) -> Option<&ExternalId> {
    Some(&user.external_id).filter(|id| !id.is_of_name())
}

/// How a name looks in the spellings that it has, each look once.
fn looks_of(name: &Namesakes) -> Vec<Skeleton> {
    let spellings = name.holders.iter().map(|holder| &holder.user.name);
    let mut looks: Vec<Skeleton> = spellings.flat_map(Skeleton::of_name).collect();
    looks.sort_unstable();
    looks.dedup();
    looks
}

fn look_alike(name: &Namesakes) -> LookAlike {
    LookAlike { name: name.key.clone(), holders: name.holders.iter().map(HeldBy::of).collect() }
}

/// A value that is in several directories still.
fn shared(gathered: Gathered<(u16, HeldBy)>) -> Option<SharedValue> {
    let (value, count) = (gathered.value, gathered.count);
    let mut places = gathered.items.iter().map(|(place, _)| place);
    let first = places.next()?;
    // Beyond what is kept of one value, that it is in several is taken from the first reading.
    if places.all(|place| place == first) && gathered.items.len() < Gathering::<(u16, HeldBy)>::MOST_ITEMS {
        return None;
    }
    let mut items = gathered.items;
    items.sort_by(|(a, x), (b, y)| (a, &x.spelling).cmp(&(b, &y.spelling)));
    Some(SharedValue { value, count, holders: items.into_iter().map(|(_, held)| held).collect() })
}

/// Names that look alike still; none where they do so in another way, too, under which they are told.
fn confusable(gathered: Gathered<LookAlike>) -> Option<Finding> {
    let folded = |held: &LookAlike| Skeleton::of(held.name.as_str());
    let first = folded(gathered.items.first()?);
    let elsewhere =
        first.as_str() != gathered.value && gathered.items.iter().all(|held| folded(held) == first);
    if gathered.items.len() < 2 || elsewhere {
        return None;
    }
    Some(Finding::Confusable(Confusable { count: gathered.count, names: gathered.items }))
}
