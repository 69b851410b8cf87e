//! Moves: users go from one directory to another with everything that belongs to them.
//!
//! Reading order: `request.rs` (what is asked), `plan.rs` (what would be done; it reads through `origin.rs` and
//! `goal.rs` and decides with [`throng_core::moves::decide`]), `access.rs` (who gets in afterwards), `run.rs` (what is
//! done, in one change set for each user; `told.rs` where the target is not kept here), `journal.rs` (under which
//! leases), `revert.rs` (how it is taken back), `outcome.rs` (what became of it), `capture.rs` (passwords that come
//! later).

mod access;
mod capture;
mod goal;
mod journal;
mod origin;
mod outcome;
mod plan;
mod reader;
mod request;
mod revert;
mod run;
mod told;

pub use goal::Capability;
pub use outcome::{DryRun, Mismatch, MoveCounts, MoveReport, Wrong};
pub use plan::{MovePlan, Obstacle, PlannedOrder, PlannedUser};
pub use request::{MoveControl, MoveProgress, MoveRequest, MoveSource, Selection};
pub use throng_core::moves::{
    Block, EntryState, Fate, Landing, Move, MoveEntry, MoveId, MoveState, Note, OnTaken, Options,
    OrderChange, Overtaking, PasswordFate, PasswordStrategy, Skip, Source,
};
