//! Writing groups and memberships.

use std::collections::BTreeSet;

use throng_core::change::{Change, OnCycle};
use throng_core::directory::{GroupPatch, NewGroup, WriteGroups, WriteMembers};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::member::{LimitExceeded, Limits};
use throng_core::name::{GroupName, Key};
use throng_core::permission::Operation;
use throng_core::plan::{Access, Plan, Purpose, Seat};
use throng_core::registry::ApplicationRecord;
use throng_core::resolve::{Answer, Resolved};
use throng_core::route::{self, GroupThere, MemberKind};
use throng_core::user::User;

use super::Application;
use super::find::resolved;
use super::members::Depth;
use super::user_writes::{check_attributes, forbidden_as};
use crate::config::InUse;
use crate::directory::Mount;
use crate::error::{Conflict, Error, Invalid};

impl Application {
    /// Makes a group, in the first directory that may and can, or in each where the plan's rules copy Crowd (R260,
    /// Q07).
    ///
    /// 1. [`Conflict::NameTaken`] when any directory of the plan holds the name.
    /// 2. Live and mirrored directories are told one by one, before the store is: a failure leaves those that were told
    ///    before it. So it is with every write of groups over several directories (R286).
    pub async fn create_group(&self, name: &str, description: &str) -> Result<Resolved<Group>, Error> {
        let (app, name) = (self.in_use()?, GroupName::for_creation(name)?);
        check_description(description)?;
        let (standings, _) = self.group_standings(&app, &name).await?;
        let targets =
            route::new_group(&standings, app.plan.rules().new_groups).map_err(forbidden_as("group"))?;
        let new = NewGroup { name: name.clone(), description: description.to_owned() };
        let free_in = self.stored_where(&app, |rank| {
            app.plan.seats().get(rank).is_some_and(|seat| !targets.contains(&seat.directory))
        });
        let mut changes = Vec::new();
        for directory in targets {
            match app.mount(directory).and_then(Mount::told) {
                Some(live) => {
                    let groups = live.powers().groups.ok_or(Error::Forbidden("group"))?;
                    self.told(directory, groups.add_group(&new), Conflict::NameTaken).await?;
                }
                None => {
                    let group = self.local_group(&new);
                    changes.push(Change::AddGroup { directory, group, free_in: free_in.clone() });
                }
            }
        }
        if !changes.is_empty() {
            self.throng.apply(changes, Conflict::NameTaken).await?;
        }
        resolved(self.look_up_group(&app, &name, Purpose::Write).await?, "group")
    }

    /// Changes the named fields of a group in every directory that holds it, may and can (R261).
    pub async fn update_group(&self, name: &str, patch: GroupPatch) -> Result<Resolved<Group>, Error> {
        let (app, name) = (self.in_use()?, GroupName::new(name)?);
        if let Some(description) = &patch.description {
            check_description(description)?;
        }
        let mut operations = Vec::new();
        if !patch.attributes.is_empty() {
            operations.push(Operation::UpdateGroupAttribute);
        }
        if patch.description.is_some() || operations.is_empty() {
            operations.push(Operation::UpdateGroup);
        }
        let (standings, answers) = self.group_standings(&app, &name).await?;
        for answer in &answers {
            if let Answer::Holds(group) = answer {
                check_attributes(&group.attributes, &patch.attributes)?;
            }
        }
        let mut targets: Option<Vec<DirectoryId>> = None;
        for operation in operations {
            let allowed = route::group_change(&standings, operation).map_err(forbidden_as("group"))?;
            targets = Some(match targets {
                Some(before) => before.into_iter().filter(|directory| allowed.contains(directory)).collect(),
                None => allowed,
            });
        }
        let targets = targets.filter(|targets| !targets.is_empty()).ok_or(Error::Forbidden("group"))?;
        let mut changes = Vec::new();
        for directory in targets {
            match app.mount(directory).and_then(Mount::told) {
                Some(live) => {
                    let groups: &dyn WriteGroups = live.powers().groups.ok_or(Error::Forbidden("group"))?;
                    self.told(directory, groups.update_group(&name, &patch), Conflict::Stale).await?;
                }
                None => {
                    changes.push(Change::UpdateGroup {
                        directory,
                        group: name.clone(),
                        patch: patch.clone(),
                    });
                }
            }
        }
        if !changes.is_empty() {
            self.throng.apply(changes, Conflict::Stale).await?;
        }
        resolved(self.look_up_group(&app, &name, Purpose::Write).await?, "group")
    }

    /// Removes a group from every directory that holds it, may and can (R261); copies where it may not keep the name
    /// (R262). Seats that gave access through it there do so no more (R223).
    pub async fn remove_group(&self, name: &str) -> Result<(), Error> {
        let (app, name) = (self.in_use()?, GroupName::new(name)?);
        let (standings, _) = self.group_standings(&app, &name).await?;
        let targets =
            route::group_change(&standings, Operation::DeleteGroup).map_err(forbidden_as("group"))?;
        let mut changes = Vec::new();
        for &directory in &targets {
            match app.mount(directory).and_then(Mount::told) {
                Some(live) => {
                    let groups = live.powers().groups.ok_or(Error::Forbidden("group"))?;
                    self.told(directory, groups.remove_group(&name), Conflict::Stale).await?;
                }
                None => changes.push(Change::RemoveGroup { directory, group: name.clone() }),
            }
        }
        changes.extend(self.without_access(&targets, &name).into_iter().map(Change::PutApplication));
        if changes.is_empty() {
            return Ok(());
        }
        let outcome = self.throng.apply(changes, Conflict::Stale).await;
        self.throng.reload().await?;
        outcome
    }

    /// Puts a user into a group (R280 to R283).
    ///
    /// 1. Canonical scheme: in the user's own directory, where a group that is only elsewhere is made on demand.
    ///    Aggregated: in the first directory that holds both and may.
    /// 2. [`Conflict::AlreadyMember`] when the user is in it there already.
    pub async fn add_user_to_group(&self, user: &Resolved<User>, group: &str) -> Result<(), Error> {
        let app = self.in_use()?;
        let now = self.still(&app, user).await?;
        self.add(&app, Member::User(now.into_value().name), GroupName::new(group)?, MemberKind::User).await
    }

    /// Takes a user out of a group (R284, R285): in the user's own directory, or in the aggregated scheme in every
    /// directory that holds the membership, all or none.
    pub async fn remove_user_from_group(&self, user: &Resolved<User>, group: &str) -> Result<(), Error> {
        let app = self.in_use()?;
        let now = self.still(&app, user).await?;
        self.take_out(&app, Member::User(now.into_value().name), GroupName::new(group)?, MemberKind::User)
            .await
    }

    /// Puts a group into a group (R287, R288). [`Conflict::Cycle`] when they would contain each other.
    pub async fn add_group_to_group(&self, child: &str, parent: &str) -> Result<(), Error> {
        let app = self.in_use()?;
        let (child, parent) = (GroupName::new(child)?, GroupName::new(parent)?);
        // By the application's own scheme, before the store refuses a circle inside one directory (R287).
        let above = match self.groups_of_group(parent.as_str(), Depth::Nested).await {
            Err(Error::NotFound { .. }) => vec![],
            outcome => outcome?,
        };
        if child == parent || above.iter().any(|membership| membership.group == child) {
            return Err(Error::Conflict(Conflict::Cycle));
        }
        self.add(&app, Member::Group(child), parent, MemberKind::Group).await
    }

    /// Takes a group out of a group, with the behaviours of [`Application::remove_user_from_group`].
    pub async fn remove_group_from_group(&self, child: &str, parent: &str) -> Result<(), Error> {
        let app = self.in_use()?;
        self.take_out(&app, Member::Group(GroupName::new(child)?), GroupName::new(parent)?, MemberKind::Group)
            .await
    }

    async fn add(
        &self,
        app: &InUse,
        member: Member,
        group: GroupName,
        kind: MemberKind,
    ) -> Result<(), Error> {
        let (standings, groups) = self.member_standings(app, &member, &group).await?;
        let addition = route::addition(&standings, app.plan.memberships(), kind)
            .map_err(|why| missing_member(why, kind))?;
        let directory = addition.directory;
        let Some(mount) = app.mount(directory) else {
            return Err(Error::silent(directory));
        };
        if kind == MemberKind::Group && addition.group == GroupThere::Present {
            // The scheme may look elsewhere; inside this directory, too, there must be no circle.
            let above = self.memberships_in(mount, directory, &Member::Group(group.clone())).await?;
            if above.contains(member.key()) {
                return Err(Error::Conflict(Conflict::Cycle));
            }
            let below = self.groups_inside(mount, directory, &member).await?;
            // Beyond what is followed, nobody below could be told any groups at all (T26).
            let (depth, limit) = (above.height() + 1 + below.height(), Limits::default().depth);
            if depth > limit {
                return Err(LimitExceeded::Depth(limit).into());
            }
        }
        let made = match addition.group {
            GroupThere::Present => None,
            GroupThere::ToBeMade => Some(canonical_copy(&groups, &group)),
        };
        if let Some(live) = mount.told() {
            let members: &dyn WriteMembers = live.powers().members.ok_or(Error::Forbidden("group"))?;
            if let Some(new) = made {
                let groups = live.powers().groups.ok_or(Error::Forbidden("group"))?;
                self.told(directory, groups.add_group(&new), Conflict::Stale).await?;
            }
            return self.told(directory, members.add_member(&group, &member), Conflict::AlreadyMember).await;
        }
        let mut changes = Vec::new();
        if let Some(new) = made {
            let group = self.local_group(&new);
            changes.push(Change::AddGroup { directory, group, free_in: vec![] });
        }
        changes.push(Change::AddMember { directory, group, member, cycle: OnCycle::Refuse });
        // What was checked above can only fail now because somebody else was faster.
        self.throng.apply(changes, Conflict::Stale).await
    }

    async fn take_out(
        &self,
        app: &InUse,
        member: Member,
        group: GroupName,
        kind: MemberKind,
    ) -> Result<(), Error> {
        let (standings, _) = self.member_standings(app, &member, &group).await?;
        let targets = route::removal(&standings, app.plan.memberships(), kind)
            .map_err(|why| missing_member(why, kind))?;
        let mut changes = Vec::new();
        for directory in targets {
            match app.mount(directory).and_then(Mount::told) {
                Some(live) => {
                    let members = live.powers().members.ok_or(Error::Forbidden("group"))?;
                    self.told(directory, members.remove_member(&group, &member), Conflict::Stale).await?;
                }
                None => changes.push(Change::RemoveMember {
                    directory,
                    group: group.clone(),
                    member: member.clone(),
                }),
            }
        }
        if changes.is_empty() { Ok(()) } else { self.throng.apply(changes, Conflict::Stale).await }
    }

    fn local_group(&self, new: &NewGroup) -> Group {
        Group {
            external_id: ExternalId::random("", &*self.throng.0.entropy),
            name: new.name.clone(),
            description: new.description.clone(),
            origin: Origin::Local,
            attributes: Default::default(),
        }
    }

    /// The applications whose seats gave access through a group that goes, without it (R223).
    fn without_access(&self, directories: &[DirectoryId], group: &GroupName) -> Vec<ApplicationRecord> {
        let gone = |seat: &Seat| directories.contains(&seat.directory) && names(&seat.access, group.key());
        let config = self.throng.config();
        config
            .applications()
            .filter_map(|id| config.in_use(id))
            .filter(|app| app.record.plan.seats().iter().any(gone))
            .map(|app| {
                let plan = app.record.plan.filter_map_seats(|mut seat| {
                    if gone(&seat)
                        && let Access::Groups(groups) = &mut seat.access
                    {
                        groups.remove(group.key());
                    }
                    Some(seat)
                });
                let version = plan.version() + 1;
                ApplicationRecord { plan: Plan::with_version(plan, version), ..app.record.clone() }
            })
            .collect()
    }
}

fn names(access: &Access, key: &Key) -> bool {
    match access {
        Access::Everyone => false,
        Access::Groups(groups) => BTreeSet::contains(groups, key),
    }
}

/// The name and description of the group in the first directory that holds it (R283).
fn canonical_copy(groups: &[Answer<Group>], name: &GroupName) -> NewGroup {
    let canonical = groups.iter().find_map(|answer| match answer {
        Answer::Holds(group) => Some(group),
        Answer::Lacks | Answer::Refuses(_) | Answer::Silent(_) => None,
    });
    match canonical {
        Some(group) => NewGroup { name: group.name.clone(), description: group.description.clone() },
        None => NewGroup { name: name.clone(), description: String::new() },
    }
}

fn missing_member(why: route::NoRoute, kind: MemberKind) -> Error {
    let what = match kind {
        MemberKind::User => "user",
        MemberKind::Group => "group",
    };
    match why {
        route::NoRoute::Missing => Error::not_found(what),
        route::NoRoute::Forbidden => Error::Forbidden("group"),
        why => why.into(),
    }
}

fn check_description(text: &str) -> Result<(), Error> {
    if Group::may_describe(text) { Ok(()) } else { Err(Error::Invalid(Invalid::Text("description"))) }
}
