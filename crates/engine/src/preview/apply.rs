//! Applying exactly what was seen.

use throng_core::change::Change;
use throng_core::change::ChangeSet;
use throng_core::claim::Claim;
use throng_core::directory::UserPatch;
use throng_core::error::Fault;
use throng_core::group::Member;
use throng_core::name::Username;
use throng_core::preview::{Difference, Owns, Switched};
use throng_core::registry::DirectoryRecord;

use super::Preview;
use super::shapes::{self, Shapes};
use crate::application::Adoption;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// Whether a change may be made although directories could not be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlisted {
    /// Not before somebody has seen who of them changes.
    #[default]
    Refuse,
    /// Whoever they may hold.
    Accept,
}

/// How often a preview is made anew when something else is written at the same time.
const ATTEMPTS: usize = 5;

impl Throng {
    /// Makes the change of a preview: exactly that, or nothing.
    ///
    /// 1. [`Conflict::PreviewStale`] when the ground has moved since, so that others would change, or otherwise, than
    ///    was seen. Anything else that was written meanwhile does not matter.
    /// 2. [`Conflict::LastAdministrator`] when an application would be left without anybody who can administer it.
    /// 3. [`Conflict::NotListed`] when directories could not be listed, unless that is accepted.
    /// 4. With [`Preview::adopting`], accounts that the change puts in front of others' names own them from then on, in
    ///    the same step.
    pub async fn apply_preview(&self, preview: &Preview, unlisted: Unlisted) -> Result<(), Error> {
        if preview.sealed() != preview.seal {
            return Err(Error::Conflict(Conflict::PreviewStale));
        }
        if let Some(application) = preview.left_alone().first() {
            return Err(Error::Conflict(Conflict::LastAdministrator(application.clone())));
        }
        if !preview.unlisted.is_empty() && unlisted == Unlisted::Refuse {
            return Err(Error::Conflict(Conflict::NotListed(preview.unlisted.clone())));
        }
        let mut head = preview.head;
        for _ in 0..ATTEMPTS {
            let mut changes = vec![Change::ExpectHead(head)];
            self.reload().await?;
            let shapes = Shapes::of(self, &preview.proposal).await?;
            // What others hold is in no log of ours.
            if shapes.asks_others() && self.preview(preview.proposal.clone()).await?.digest != preview.digest
            {
                return Err(Error::Conflict(Conflict::PreviewStale));
            }
            changes.extend(made(&shapes));
            if let Some(adoption) = preview.adoption {
                changes.extend(self.adoptions(preview, adoption).await?);
            }
            let refused = match self.0.store.apply(&ChangeSet::new(self.0.clock.now(), changes)).await {
                Ok(_) => return self.reload().await,
                Err(error) if error.fault() == Fault::Conflict => error,
                Err(error) => return Err(error.into()),
            };
            let again = self.preview(preview.proposal.clone()).await?;
            if again.digest != preview.digest {
                return Err(Error::Conflict(Conflict::PreviewStale));
            }
            if again.head == head {
                // Nothing has moved: it is the change itself that cannot be made.
                return Err(Error::from_store(refused, Conflict::NameReserved));
            }
            head = again.head;
        }
        Err(Error::Conflict(Conflict::PreviewStale))
    }

    /// The names that are to be taken over by the accounts that the change puts in front of them.
    async fn adoptions(&self, preview: &Preview, adoption: Adoption) -> Result<Vec<Change>, Error> {
        let mut adopted: Vec<Difference> = Vec::new();
        let proposal = preview.proposal.clone();
        self.preview_each(proposal, |difference| {
            if difference.after.as_ref().is_some_and(|held| held.owns == Owns::NotUntilAdopted) {
                adopted.push(difference.clone());
            }
        })
        .await?;
        let (mut changes, at) = (Vec::new(), self.0.clock.now());
        for Difference { application, name, after, .. } in adopted {
            let Some(held) = after else { continue };
            let key = Username::key(&name);
            let Some(expected) = self.0.store.claim(application, key).await? else { continue };
            let identity = match adoption {
                Adoption::SamePerson => expected.identity,
                Adoption::NewPerson => self.draw(),
            };
            let claim = Claim {
                identity,
                subject: held.subject,
                tombstoned_at: None,
                made_at: at,
                ..expected.clone()
            };
            changes.push(Change::ReplaceClaim { expected, claim });
        }
        Ok(changes)
    }
}

/// What a proposal writes.
fn made(shapes: &Shapes) -> Vec<Change> {
    match &shapes.change {
        shapes::Change::Plan(record) => vec![Change::PutApplication((**record).clone())],
        shapes::Change::Directory(record) => vec![Change::PutDirectory((**record).clone())],
        shapes::Change::RemoveDirectory(record) => {
            let off = DirectoryRecord { active: false, ..(**record).clone() };
            vec![Change::PutDirectory(off), Change::RemoveDirectory(record.id)]
        }
        shapes::Change::Remove(removed) => removed
            .iter()
            .map(|(subject, _)| Change::RemoveUser { subject: subject.clone(), free_in: vec![] })
            .collect(),
        shapes::Change::Rename { subject, to, free_in, .. } => {
            let free_in = free_in.clone();
            vec![Change::RenameUser { subject: subject.clone(), name: to.clone(), free_in }]
        }
        shapes::Change::Activity { subject, state } => {
            let patch = UserPatch { active: Some(*state == Switched::On), ..UserPatch::default() };
            vec![Change::UpdateUser { subject: subject.clone(), patch, free_in: vec![] }]
        }
        shapes::Change::Leave { subject, name, group, .. } => vec![Change::RemoveMember {
            directory: subject.directory,
            group: group.clone(),
            member: Member::User(name.clone()),
        }],
        shapes::Change::Groups { directory, group, inside, .. } => {
            let (directory, group) = (*directory, group.clone());
            vec![match inside {
                Some(inside) => {
                    Change::RemoveMember { directory, group, member: Member::Group(inside.clone()) }
                }
                None => Change::RemoveGroup { directory, group },
            }]
        }
    }
}
