//! Moves: users go from one directory to another with everything that belongs to them, by a journal.
//!
//! Reading order: [`Options`] (what is asked for), [`decide`] (what becomes of one user), [`Move`] and [`MoveEntry`]
//! (what is written down), [`Moves`] (the port that keeps it), [`Capture`] (a password that comes later).

mod belongings;
mod capture;
mod fate;
mod journal;
mod options;

pub use belongings::Belongings;
pub use capture::Capture;
pub use fate::{
    Block, Facts, Fate, GivenPassword, Landing, Note, PasswordFate, Skip, Taken, TargetPasswords, decide,
};
pub use journal::{
    EntryState, Landed, Made, Move, MoveEntry, MoveId, MoveKind, MoveState, MovedGroup, MovedOrder, Moves,
    Source,
};
pub use options::{OnTaken, Options, OrderChange, Overtaking, PasswordStrategy};
