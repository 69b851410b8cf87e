//! Previews: who changes, and how, if an order, a switch-off, a removal or an access rule is changed.
//!
//! Reading order: [`Proposal`] (what would be changed), [`Census`] (who is there), [`Shape`] (an application as it
//! stands or would stand), [`difference`] (what that means for one name).

mod census;
mod difference;
mod proposal;

pub use census::{Census, GroupGraph, Holders, Occupant};
pub use difference::{Difference, Groups, Holding, Owns, PasswordSource, Shape, Totals, difference, holding};
pub use proposal::{Copies, Proposal, Switched};
