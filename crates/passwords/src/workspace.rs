//! Argon2id over memory that is kept from one computation to the next.

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize;

use crate::cost::Cost;

/// The memory of one Argon2id computation at a time.
///
/// 1. Kept between computations: a fresh 19 MiB costs 1.4 to 1.8 times as much, because the system must first find the
///    pages.
/// 2. Overwritten by [`Workspace::wipe`] and when dropped: what a computation leaves behind shortens guessing at its
///    password.
#[derive(Default)]
pub struct Workspace {
    blocks: Vec<Block>,
}

impl Workspace {
    /// Starts without memory; the first computation takes what it needs.
    pub const fn new() -> Self {
        Self { blocks: Vec::new() }
    }

    /// Computes Argon2id, version 1.3, without a key or associated data (RFC 9106).
    ///
    /// 1. Fills the whole of `tag`; the tag depends on its length.
    /// 2. [`WorkspaceError::OutOfMemory`] when the system gives no memory.
    /// 3. [`WorkspaceError::Parameters`] when the salt has fewer than 8 bytes or the tag fewer than 4.
    pub fn argon2id(
        &mut self,
        cost: Cost,
        message: &[u8],
        salt: &[u8],
        tag: &mut [u8],
    ) -> Result<(), WorkspaceError> {
        let params = Params::new(cost.memory_kib(), cost.iterations(), cost.parallelism(), Some(tag.len()))
            .map_err(|_| WorkspaceError::Parameters)?;
        let needed = params.block_count();
        if let Some(missing) = needed.checked_sub(self.blocks.len()) {
            self.blocks.try_reserve_exact(missing).map_err(|_| WorkspaceError::OutOfMemory)?;
            self.blocks.resize(needed, Block::new());
        }
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(message, salt, tag, &mut self.blocks[..needed])
            .map_err(|_| WorkspaceError::Parameters)
    }

    /// Overwrites the memory with zeros and keeps it.
    pub fn wipe(&mut self) {
        self.blocks.iter_mut().for_each(Zeroize::zeroize);
    }

    /// Gives back what exceeds one computation at `cost`. To be called on wiped memory.
    pub(crate) fn shrink_to(&mut self, cost: Cost) {
        self.blocks.truncate(cost.memory_kib() as usize);
        self.blocks.shrink_to_fit();
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Workspace({} KiB)", self.blocks.len())
    }
}

/// Why Argon2id could not be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkspaceError {
    /// The system has no memory for it.
    #[error("there is no memory for Argon2id")]
    OutOfMemory,
    /// The salt or the tag is too short.
    #[error("Argon2id does not accept these parameters")]
    Parameters,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reused_and_wiped_memory_gives_the_same_tags() {
        let (small, large) = (Cost::stored(64, 1, 1).unwrap(), Cost::stored(1024, 1, 2).unwrap());
        let mut workspace = Workspace::new();
        let mut tag_of = |cost, message: &[u8]| {
            let mut tag = [0; 32];
            workspace.argon2id(cost, message, &[7; 16], &mut tag).unwrap();
            tag
        };
        let first = (tag_of(small, b"a"), tag_of(large, b"a"));
        assert_eq!((tag_of(small, b"a"), tag_of(large, b"a")), first);
        assert_ne!(tag_of(small, b"b"), first.0);
        workspace.wipe();
        assert!(workspace.blocks.iter().all(|block| block.as_ref().iter().all(|&word| word == 0)));
        workspace.shrink_to(small);
        assert_eq!(format!("{workspace:?}"), "Workspace(64 KiB)");
    }

    #[test]
    fn a_short_salt_is_an_error() {
        let cost = Cost::stored(64, 1, 1).unwrap();
        assert_eq!(
            Workspace::new().argon2id(cost, b"a", &[7; 7], &mut [0; 32]),
            Err(WorkspaceError::Parameters)
        );
    }
}
