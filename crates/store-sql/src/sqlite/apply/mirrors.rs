//! Changes of what is remembered of mirrors.

use sqlx::query;
use throng_core::error::StoreError;
use throng_core::id::DirectoryId;
use throng_core::sync::{Approval, Fence, MirrorState};

use super::Work;
use crate::fault::{DriverFault, Intent, Told};
use crate::sqlite::lists;
use crate::sqlite::statements::write;

const MIRROR: Intent = Intent::Make("mirror");

impl Work<'_> {
    /// Fails when another process has taken the lease since.
    pub(super) async fn expect_lease(&mut self, fence: Fence) -> Result<(), StoreError> {
        let statement = query(write::FENCE)
            .bind(fence.directory.as_bytes().as_slice())
            .bind(i64::try_from(fence.epoch).map_err(|_| DriverFault::Driver).told(MIRROR)?);
        let row = self.one(statement).await.told(MIRROR)?;
        row.map(|_| ()).ok_or_else(StoreError::lost_lease)
    }

    pub(super) async fn put_mirror(
        &mut self,
        directory: DirectoryId,
        state: &MirrorState,
    ) -> Result<(), StoreError> {
        let state = lists::to_json(state).told(MIRROR)?;
        let statement = query(write::PUT_MIRROR).bind(directory.as_bytes().as_slice()).bind(state);
        self.one(statement).await.told(MIRROR)?;
        Ok(())
    }

    pub(super) async fn approve(
        &mut self,
        directory: DirectoryId,
        approval: Option<&Approval>,
    ) -> Result<(), StoreError> {
        let approval = approval.map(lists::to_json).transpose().told(MIRROR)?;
        let statement = query(write::APPROVE).bind(directory.as_bytes().as_slice()).bind(approval);
        self.one(statement).await.told(MIRROR)?;
        Ok(())
    }
}
