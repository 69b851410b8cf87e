//! Directories that are taken away and put back, as they were.

use std::collections::BTreeSet;

use throng_core::change::{Change, OnCycle};
use throng_core::claim::Claim;
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::{ApplicationId, DirectoryId, Subject};
use throng_core::moves::Belongings;
use throng_core::name::GroupName;
use throng_core::page::PageRequest;
use throng_core::plan::{Plan, Seat};
use throng_core::registry::{ApplicationRecord, DirectoryRecord};
use throng_core::sync::MirrorState;

use crate::ask::advance;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// Everything of one directory, so that it can be put back after it was removed.
///
/// It holds password hashes, and shows them nowhere: there is no way to write it out. What shall outlive the process is
/// a backup of the store.
#[derive(Debug, Clone)]
pub struct Archive {
    record: DirectoryRecord,
    groups: Vec<(Group, Vec<Member>)>,
    users: Vec<Belongings>,
    /// Names that belong to accounts that are not kept here.
    claims: Vec<Claim>,
    mirror: Option<MirrorState>,
    seats: Vec<(ApplicationId, usize, Seat)>,
}

impl Archive {
    /// The directory as it was configured.
    pub fn directory(&self) -> &DirectoryRecord {
        &self.record
    }

    /// How many users it holds.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// How many groups it holds.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }
}

impl Throng {
    /// Reads everything of a directory: settings, users with passwords, groups, memberships, the names that belong to
    /// its accounts, and its place in every order.
    pub async fn archive_directory(&self, directory: DirectoryId) -> Result<Archive, Error> {
        self.reload().await?;
        let config = self.config_now();
        let mount = config.mount(directory).ok_or_else(|| Error::not_found("directory"))?;
        let record = (*mount.record).clone();
        let (mut groups, mut users, mut claims, mut mirror) = (vec![], vec![], vec![], None);
        if record.kind.is_stored() {
            groups = self.archived_groups(directory).await?;
            users = self.archived_users(directory).await?;
            let state = self.0.store.mirror(directory).await?.state;
            mirror = (state != MirrorState::default()).then_some(state);
        } else {
            claims = self.archived_claims(directory).await?;
        }
        let mut seats = Vec::new();
        for application in config.applications() {
            let Some(app) = config.in_use(application) else { continue };
            if let Some(rank) = app.record.plan.rank(directory)
                && let Some(seat) = app.record.plan.seats().get(rank)
            {
                seats.push((application, rank, seat.clone()));
            }
        }
        Ok(Archive { record, groups, users, claims, mirror, seats })
    }

    /// Puts a directory back that was removed: everything or nothing.
    ///
    /// 1. Accounts have the ids, passwords, groups and names that they had; nobody is active who was not (T103).
    /// 2. Names that its accounts owned are theirs again, unless somebody else was given them meanwhile.
    /// 3. It has the place in each order that it had, as far as that is still there.
    /// 4. [`Conflict::NameTaken`] when there is a directory of its name or id, or an alias was given to somebody else.
    pub async fn restore_directory(&self, archive: &Archive) -> Result<(), Error> {
        self.reload().await?;
        let config = self.config_now();
        let directory = archive.record.id;
        if config.mount(directory).is_some() {
            return Err(Error::Conflict(Conflict::NameTaken));
        }
        let mut changes = vec![Change::PutDirectory(archive.record.clone())];
        let join = |group: &GroupName, member: Member| Change::AddMember {
            directory,
            group: group.clone(),
            member,
            // It stood so, and reading ends all the same (R410).
            cycle: OnCycle::Keep,
        };
        for (group, _) in &archive.groups {
            changes.push(Change::AddGroup { directory, group: group.clone(), free_in: vec![] });
        }
        for Belongings { user, credential, .. } in &archive.users {
            let (user, credential) = (user.clone(), credential.clone());
            changes.push(Change::AddUser { directory, user, free_in: vec![], credential });
        }
        for (group, members) in &archive.groups {
            changes.extend(members.iter().map(|member| join(&group.name, member.clone())));
        }
        let known: BTreeSet<ApplicationId> = config.applications().collect();
        for owner in &archive.users {
            let subject = Subject { directory, external_id: owner.user.external_id.clone() };
            if let Some(at) = owner.last_login {
                changes.push(Change::NoteLogin { subject: subject.clone(), at });
            }
            for (application, alias) in
                owner.aliases.iter().filter(|(application, _)| known.contains(application))
            {
                changes.push(Change::SetAlias {
                    application: *application,
                    subject: subject.clone(),
                    alias: alias.clone(),
                    free_in: vec![],
                });
            }
        }
        let claims = archive.users.iter().flat_map(|owner| &owner.claims).chain(&archive.claims);
        for claim in claims.filter(|claim| known.contains(&claim.application)) {
            match self.0.store.claim(claim.application, &claim.key).await? {
                Some(there) if there.subject == claim.subject && there.identity == claim.identity => {
                    changes.push(Change::ReplaceClaim { expected: there, claim: claim.clone() });
                }
                Some(_) => {}
                None => changes.push(Change::MakeClaim(claim.clone())),
            }
        }
        if let Some(state) = &archive.mirror {
            changes.push(Change::PutMirror { directory, state: Box::new(state.clone()) });
        }
        for (application, rank, seat) in &archive.seats {
            let Some(app) = config.in_use(*application) else { continue };
            let plan = seated(&app.record.plan, *rank, seat)?.with_version(app.record.plan.version() + 1);
            changes.push(Change::PutApplication(ApplicationRecord { plan, ..app.record.clone() }));
        }
        self.apply(changes, Conflict::NameTaken).await?;
        self.reload().await
    }

    async fn archived_users(&self, directory: DirectoryId) -> Result<Vec<Belongings>, Error> {
        let (mut users, everything) = (Vec::new(), Filter::everything());
        let mut request = PageRequest::first(PageRequest::MAX_LIMIT);
        loop {
            let page = self.0.store.search_users(&[directory], &everything, &request).await?;
            for (_, user) in page.items.into_iter().flat_map(|namesakes| namesakes.holders) {
                let subject = Subject { directory, external_id: user.external_id };
                users.extend(self.0.store.belongings(&subject).await?);
            }
            match page.next {
                Some(next) => request = advance(&request, next)?,
                None => return Ok(users),
            }
        }
    }

    async fn archived_groups(&self, directory: DirectoryId) -> Result<Vec<(Group, Vec<Member>)>, Error> {
        let (mut groups, everything) = (Vec::new(), Filter::everything());
        let mut request = PageRequest::first(PageRequest::MAX_LIMIT);
        loop {
            let page = self.0.store.search_groups(&[directory], &everything, &request).await?;
            for (_, group) in page.items.into_iter().flat_map(|namesakes| namesakes.holders) {
                let members = self.archived_members(directory, &group.name).await?;
                groups.push((group, members));
            }
            match page.next {
                Some(next) => request = advance(&request, next)?,
                None => return Ok(groups),
            }
        }
    }

    async fn archived_members(
        &self,
        directory: DirectoryId,
        group: &GroupName,
    ) -> Result<Vec<Member>, Error> {
        let (mut members, mut request) = (Vec::new(), PageRequest::first(PageRequest::MAX_LIMIT));
        loop {
            let page = self.0.store.children(directory, group.key(), &request).await?;
            members.extend(page.items);
            match page.next {
                Some(next) => request = advance(&request, next)?,
                None => return Ok(members),
            }
        }
    }

    /// The names that belong to accounts of a directory, in every application.
    async fn archived_claims(&self, directory: DirectoryId) -> Result<Vec<Claim>, Error> {
        let mut claims = Vec::new();
        for application in self.config_now().applications() {
            let mut request = PageRequest::first(PageRequest::MAX_LIMIT);
            loop {
                let page = self.0.store.claims(application, &request).await?;
                let own =
                    |claim: &Claim| claim.subject.directory == directory && claim.tombstoned_at.is_none();
                claims.extend(page.items.into_iter().filter(own));
                match page.next {
                    Some(next) => request = advance(&request, next)?,
                    None => break,
                }
            }
        }
        Ok(claims)
    }
}

/// A plan with a seat in its former place, or as near to it as there is one.
fn seated(plan: &Plan, rank: usize, seat: &Seat) -> Result<Plan, Error> {
    let mut order: Vec<DirectoryId> = plan.seats().iter().map(|seat| seat.directory).collect();
    order.insert(rank.min(order.len()), seat.directory);
    Ok(plan.clone().push(seat.clone())?.reorder(&order)?)
}
