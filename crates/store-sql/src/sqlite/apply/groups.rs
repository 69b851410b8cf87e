//! Changes of groups and memberships.

use sqlx::query;
use throng_core::change::{LoggedEntry, OnCycle};
use throng_core::directory::GroupPatch;
use throng_core::error::StoreError;
use throng_core::group::{Group, Member, Origin};
use throng_core::id::DirectoryId;
use throng_core::name::GroupName;
use throng_core::sync::Mark;

use super::users::{attributes_text, patched};
use super::{Work, expect_none, missing};
use crate::fault::{DriverFault, Intent, Told};
use crate::sqlite::lists;
use crate::sqlite::records::named;
use crate::sqlite::rows::{self, GROUP_COLUMNS};
use crate::sqlite::statements::write;

const GROUP: Intent = Intent::Do("group");
const MEMBERSHIP: Intent = Intent::Do("membership");

impl Work<'_> {
    pub(super) async fn add_group(
        &mut self,
        directory: DirectoryId,
        group: &Group,
        free_in: &[DirectoryId],
    ) -> Result<(), StoreError> {
        if !free_in.is_empty() {
            let statement =
                query(write::GROUP_KEY_HELD).bind(group.key().as_bytes()).bind(lists::directories(free_in));
            expect_none(self.one(statement).await.told(GROUP)?, "name")?;
        }
        let statement = query(write::INSERT_GROUP)
            .bind(directory.as_bytes().as_slice())
            .bind(group.external_id.as_str())
            .bind(group.name.as_str())
            .bind(group.key().as_bytes())
            .bind(group.description.as_str())
            .bind(i64::from(is_imported(group)))
            .bind(attributes_text(&group.attributes).told(GROUP)?)
            .bind(Mark::of_group(group).bits());
        self.one(statement).await.told(Intent::Make("group"))?;
        self.entries.push(LoggedEntry::GroupAdded(directory, group.name.clone()));
        Ok(())
    }

    pub(super) async fn update_group(
        &mut self,
        directory: DirectoryId,
        group: &GroupName,
        patch: &GroupPatch,
    ) -> Result<(), StoreError> {
        let (id, kept) = self.group(directory, group).await?;
        let updated = Group {
            description: patch.description.clone().unwrap_or(kept.description),
            attributes: patched(kept.attributes, &patch.attributes)?,
            ..kept
        };
        let statement = query(write::UPDATE_GROUP)
            .bind(id)
            .bind(updated.description.as_str())
            .bind(attributes_text(&updated.attributes).told(GROUP)?)
            .bind(Mark::of_group(&updated).bits());
        self.one(statement).await.told(GROUP)?;
        self.entries.push(LoggedEntry::GroupUpdated(directory, group.clone()));
        Ok(())
    }

    pub(super) async fn remove_group(
        &mut self,
        directory: DirectoryId,
        group: &GroupName,
    ) -> Result<(), StoreError> {
        let (id, _) = self.group(directory, group).await?;
        self.one(query(write::FORGET_MARKS_OVER_GROUP).bind(id)).await.told(GROUP)?;
        self.one(query(write::DELETE_GROUP).bind(id)).await.told(GROUP)?;
        self.entries.push(LoggedEntry::GroupRemoved(directory, group.clone()));
        Ok(())
    }

    pub(super) async fn add_member(
        &mut self,
        directory: DirectoryId,
        group: &GroupName,
        member: &Member,
        cycle: OnCycle,
    ) -> Result<(), StoreError> {
        let (parent, child) = self.ends(directory, group, member).await?;
        let parent = parent.ok_or_else(|| missing("group"))?;
        let child = child.ok_or_else(|| missing("member"))?;
        let text = match member {
            Member::User(_) => write::INSERT_USER_MEMBERSHIP,
            Member::Group(_) => write::INSERT_GROUP_MEMBERSHIP,
        };
        if let (Member::Group(_), OnCycle::Refuse) = (member, cycle) {
            let statement = query(write::CLOSES_CYCLE).bind(parent).bind(child);
            expect_none(self.one(statement).await.told(MEMBERSHIP)?, "cycle of groups")?;
        }
        let statement = query(text).bind(parent).bind(child);
        self.one(statement).await.told(Intent::Make("membership"))?;
        self.one(query(write::FORGET_MARK).bind(parent)).await.told(MEMBERSHIP)?;
        self.entries.push(LoggedEntry::MemberAdded(directory, group.clone(), member.clone()));
        Ok(())
    }

    pub(super) async fn remove_member(
        &mut self,
        directory: DirectoryId,
        group: &GroupName,
        member: &Member,
    ) -> Result<(), StoreError> {
        let (Some(parent), Some(child)) = self.ends(directory, group, member).await? else {
            return Err(missing("membership"));
        };
        let text = match member {
            Member::User(_) => write::DELETE_USER_MEMBERSHIP,
            Member::Group(_) => write::DELETE_GROUP_MEMBERSHIP,
        };
        let statement = query(text).bind(parent).bind(child);
        let row = self.one(statement).await.told(MEMBERSHIP)?;
        row.ok_or_else(|| missing("membership"))?;
        self.one(query(write::FORGET_MARK).bind(parent)).await.told(MEMBERSHIP)?;
        self.entries.push(LoggedEntry::MemberRemoved(directory, group.clone(), member.clone()));
        Ok(())
    }

    pub(super) async fn mark_members(
        &mut self,
        directory: DirectoryId,
        group: &GroupName,
        mark: Mark,
    ) -> Result<(), StoreError> {
        let (id, _) = self.group(directory, group).await?;
        self.one(query(write::MARK_GROUP).bind(id).bind(mark.bits())).await.told(GROUP)?;
        Ok(())
    }

    /// The number and the record of a group that must be there.
    async fn group(&mut self, directory: DirectoryId, name: &GroupName) -> Result<(i64, Group), StoreError> {
        let row = self.one(named(write::GROUP, directory, name.key())).await.told(GROUP)?;
        let row = row.ok_or_else(|| missing("group"))?;
        let id = rows::integer(&row, GROUP_COLUMNS).told(GROUP)?;
        let (_, group) = rows::group(&row).told(GROUP)?;
        Ok((id, group))
    }

    /// The numbers of a group and of what may be in it.
    async fn ends(
        &mut self,
        directory: DirectoryId,
        group: &GroupName,
        member: &Member,
    ) -> Result<(Option<i64>, Option<i64>), StoreError> {
        let text = match member {
            Member::User(_) => write::GROUP_AND_USER,
            Member::Group(_) => write::GROUP_AND_GROUP,
        };
        let statement = named(text, directory, group.key()).bind(member.key().as_bytes());
        let row = self.one(statement).await.told(MEMBERSHIP)?;
        let row = row.ok_or(DriverFault::Driver).told(MEMBERSHIP)?;
        let parent = rows::optional_integer(&row, 0).told(MEMBERSHIP)?;
        let child = rows::optional_integer(&row, 1).told(MEMBERSHIP)?;
        Ok((parent, child))
    }
}

/// Whether a group came from elsewhere.
pub(super) fn is_imported(group: &Group) -> bool {
    match group.origin {
        Origin::Imported => true,
        Origin::Local => false,
    }
}
