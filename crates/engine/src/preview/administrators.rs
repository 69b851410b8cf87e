//! Who could still administer an application.

use std::collections::{BTreeMap, BTreeSet};

use throng_core::group::Member;
use throng_core::id::DirectoryId;
use throng_core::member::{Closure, Limits};
use throng_core::name::{GroupName, Key};
use throng_core::page::PageRequest;
use throng_core::password::CredentialState;
use throng_core::preview::{Groups, Holding, Occupant, PasswordSource, Shape, holding};
use throng_core::registry::DirectoryKind;
use throng_passwords::policy::{is_expired, is_locked};

use super::shapes::{Change, Shaped, Shapes};
use super::stream::Names;
use crate::ask::{Heard, advance, hear};
use crate::directory::Via;
use crate::error::Error;
use crate::throng::Throng;

impl Throng {
    /// The applications that have somebody who can administer them, and would have nobody (T105).
    pub(super) async fn left_alone(&self, shapes: &Shapes) -> Result<Vec<String>, Error> {
        let mut alone = Vec::new();
        for shaped in shapes.all().filter(|shaped| !shaped.administrators.is_empty()) {
            let keys = self.members_of_any(shapes, shaped).await?;
            let mut names = Names::of(self, shapes).await?;
            let mut groups = BTreeMap::new();
            for directory in shapes.stored() {
                let graph = self.0.store.group_graph(directory).await?;
                groups.insert(directory, Groups::of(&graph, shapes.nesting(directory))?);
            }
            let (mut is_led, mut will_be_led) = (false, false);
            for key in keys {
                let namesakes = names.of_name(&key).await?;
                let (before, after) = (namesakes.holders.clone(), shapes.occupants_after(&namesakes));
                let claim = self.0.store.claim(shaped.application, &key).await?;
                let app = crate::application::Application::new(self.clone(), shaped.application);
                let claim = shapes.claim_after(&app, &key, claim).await?;
                for (is, shape, occupants, claim) in [
                    (&mut is_led, &shaped.before, &before, &claim.before),
                    (&mut will_be_led, &shaped.after, &after, &claim.after),
                ] {
                    let occupants = names.with_groups(occupants, &mut groups).await?;
                    let led = Led { shapes, shaped, shape, groups: &groups };
                    *is = *is || self.leads(&led, &occupants, claim.as_ref()).await?;
                }
                if will_be_led {
                    break;
                }
            }
            if is_led && !will_be_led {
                alone.push(shaped.name.clone());
            }
        }
        Ok(alone)
    }

    async fn leads(
        &self,
        led: &Led<'_>,
        occupants: &[(DirectoryId, Occupant)],
        claim: Option<&throng_core::claim::Claim>,
    ) -> Result<bool, Error> {
        let Some((_, held)) = holding(led.shape, occupants, led.groups, claim) else { return Ok(false) };
        let administers = led.shaped.administrators.iter().any(|group| held.groups.contains(group));
        Ok(administers && held.opens() && self.password_opens(led.shapes, &held).await?)
    }

    /// Whether a password opens the account now, as far as can be told without one.
    async fn password_opens(&self, shapes: &Shapes, held: &Holding) -> Result<bool, Error> {
        match held.password {
            PasswordSource::Kept => {
                let Some(credential) = self.0.store.credential(&held.subject).await? else {
                    return Ok(false);
                };
                let mount = shapes.config.mount(held.subject.directory);
                let Some(DirectoryKind::Internal(settings)) = mount.map(|mount| &mount.record.kind) else {
                    return Ok(false);
                };
                let (policy, now) = (&settings.password_policy, self.0.clock.now());
                let opens = matches!(credential.hash, CredentialState::Usable(_)) && !credential.must_change;
                Ok(opens
                    && !is_locked(policy, credential.failed_attempts)
                    && !is_expired(policy, credential.changed_at, now))
            }
            PasswordSource::Verifier | PasswordSource::Source | PasswordSource::Directory => {
                let Some(mount) = shapes.config.mount(held.subject.directory) else { return Ok(false) };
                let attached = &self.0.attached;
                Ok(match &mount.via {
                    Via::Live(_) => true,
                    Via::Delegated(_) => attached.verifiers.of(&mount.record).is_some(),
                    Via::Mirrored(_) => attached.sources.of(&mount.record).is_some(),
                    Via::Internal(_) | Via::Detached => false,
                })
            }
        }
    }

    /// The names of everybody in one of the groups, in any directory that the application asks now or then.
    async fn members_of_any(&self, shapes: &Shapes, shaped: &Shaped) -> Result<BTreeSet<Key>, Error> {
        let mut keys = BTreeSet::new();
        for directory in shapes.directories() {
            for group in &shaped.administrators {
                self.members_below(directory, group, &mut keys).await?;
            }
        }
        if let Change::Rename { from, to, .. } = &shapes.change
            && keys.contains(from.key())
        {
            keys.insert(to.key().clone());
        }
        Ok(keys)
    }

    async fn members_below(
        &self,
        directory: DirectoryId,
        group: &GroupName,
        keys: &mut BTreeSet<Key>,
    ) -> Result<(), Error> {
        let Ok(port) = self.open(directory) else { return Ok(()) };
        let mut closure = Closure::from([group.clone()], Limits::default())?;
        while let Some(next) = closure.next_to_follow() {
            let (mut inside, mut request) = (Vec::new(), PageRequest::first(PageRequest::MAX_LIMIT));
            loop {
                let answer = port.children_of(&next, &request);
                // Nobody of a directory that is silent now can be counted on.
                let Heard::Said(page) = hear(self.0.deadline, directory, answer).await? else {
                    return Ok(());
                };
                for member in page.items {
                    match member {
                        Member::User(name) => drop(keys.insert(name.key().clone())),
                        Member::Group(name) => inside.push(name),
                    }
                }
                match page.next {
                    Some(next) => request = advance(&request, next)?,
                    None => break,
                }
            }
            closure.hear(&next, inside)?;
        }
        Ok(())
    }
}

/// Where somebody may lead.
struct Led<'l> {
    shapes: &'l Shapes,
    shaped: &'l Shaped,
    shape: &'l Shape,
    groups: &'l BTreeMap<DirectoryId, Groups>,
}
