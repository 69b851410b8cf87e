//! Who wins a name that several directories hold, and who would if the winner were gone.

use std::collections::VecDeque;
use std::sync::Arc;

use throng_core::claim::Claim;
use throng_core::id::{DirectoryId, Subject};
use throng_core::name::Key;
use throng_core::page::PageRequest;
use throng_core::plan::{OnOwnershipChange, Purpose};
use throng_core::resolve::{Answer, Memory, Survey};
use throng_core::user::User;

use super::reader::{Namesakes, Reader};
use super::report::{ClaimedFor, Surfaces};
use crate::application::{NameState, judge};
use crate::config::InUse;
use crate::error::Error;
use crate::throng::Throng;

/// Judges names in the order of an application; they must come in order.
pub(super) struct Judge<'j> {
    app: &'j Arc<InUse>,
    claims: Claims<'j>,
}

/// What follows for a name.
pub(super) struct Judgement {
    pub(super) state: NameState,
    pub(super) surfaces: Surfaces,
    pub(super) claim: Option<ClaimedFor>,
}

/// The claims of an application, read along with the names.
struct Claims<'c> {
    throng: &'c Throng,
    app: &'c Arc<InUse>,
    ahead: VecDeque<Claim>,
    next: Option<PageRequest>,
}

impl<'j> Judge<'j> {
    pub(super) fn new(throng: &'j Throng, app: &'j Arc<InUse>) -> Self {
        let claims = Claims { throng, app, ahead: VecDeque::new(), next: Some(PageRequest::default()) };
        Self { app, claims }
    }

    pub(super) async fn judge(&mut self, name: &Namesakes, reader: &Reader<'_>) -> Result<Judgement, Error> {
        let claim = self.claims.on(&name.key).await?;
        let state = judge(self.app, claim.as_ref(), self.survey(name, reader, None)).state;
        let surfaces = match &state {
            NameState::Means { subject: first, .. } | NameState::OwnershipChanged { found: first, .. } => {
                let without = self.survey(name, reader, Some(first.directory));
                self.surfaces(claim.as_ref(), judge(self.app, claim.as_ref(), without).state)
            }
            NameState::Unknown => Surfaces::Nobody,
            NameState::Undecided { silent } => Surfaces::CannotBeSaid(silent.clone()),
        };
        let claim = claim.map(|claim| ClaimedFor {
            subject: claim.subject,
            identity: claim.identity,
            tombstoned_at: claim.tombstoned_at,
        });
        Ok(Judgement { state, surfaces, claim })
    }

    fn survey(&self, name: &Namesakes, reader: &Reader<'_>, gone: Option<DirectoryId>) -> Survey<User> {
        let answers = self.app.plan.seats().iter().map(|seat| {
            if !reader.is_listed(seat.directory) {
                return Answer::Silent(Memory::Nothing);
            }
            let holder = name.holders.iter().find(|holder| holder.place.record.id == seat.directory);
            match holder.filter(|_| gone != Some(seat.directory)) {
                Some(holder) => Answer::Holds(holder.user.clone()),
                None => Answer::Lacks,
            }
        });
        Survey::of(&self.app.plan, Purpose::Lookup, answers)
    }

    /// What the account that comes next would have of the name.
    fn surfaces(&self, claim: Option<&Claim>, next: NameState) -> Surfaces {
        let owns = |subject: &Subject| {
            claim.is_some_and(|claim| claim.subject == *subject && claim.tombstoned_at.is_none())
        };
        match next {
            NameState::Means { subject, .. } if owns(&subject) => Surfaces::TheOwner(subject),
            // The claim of the account that is gone stays as a tombstone.
            NameState::Means { subject, .. }
                if claim.is_none()
                    || self.app.plan.rules().on_ownership_change == OnOwnershipChange::Follow =>
            {
                Surfaces::AtOnce(subject)
            }
            NameState::Means { subject, .. } | NameState::OwnershipChanged { found: subject, .. } => {
                Surfaces::OnceAdopted(subject)
            }
            NameState::Unknown => Surfaces::Nobody,
            NameState::Undecided { silent } => Surfaces::CannotBeSaid(silent),
        }
    }
}

impl Claims<'_> {
    /// The claim on a name, which comes after those asked for before.
    async fn on(&mut self, key: &Key) -> Result<Option<Claim>, Error> {
        loop {
            while self.ahead.pop_front_if(|claim| claim.key < *key).is_some() {}
            match (self.ahead.front(), self.next.take()) {
                (Some(claim), next) => {
                    self.next = next;
                    return Ok((claim.key == *key).then(|| claim.clone()));
                }
                (None, None) => return Ok(None),
                (None, Some(page)) => {
                    let read = self.throng.0.store.claims(self.app.record.id, &page).await?;
                    self.ahead.extend(read.items);
                    self.next = read.next.map(|next| page.after(next));
                }
            }
        }
    }
}
