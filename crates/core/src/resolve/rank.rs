use std::sync::Arc;

use crate::id::DirectoryId;
use crate::plan::Plan;
use crate::resolve::trail::Trail;
use crate::resolve::verdict::{Resolved, Verdict};

/// Decides from everybody who holds a name, in a plan where every other seat is known to lack it.
///
/// 1. The holder of least rank wins; holders outside the plan do not count.
/// 2. The work grows with the holders of this one name and with the seats only as far as finding a rank does; no seat
///    costs an allocation.
pub fn rank<T>(plan: &Arc<Plan>, holders: impl IntoIterator<Item = (DirectoryId, T)>) -> Verdict<T> {
    let mut seats = Vec::new();
    let mut winner: Option<(u8, DirectoryId, T)> = None;
    for (directory, value) in holders {
        // A plan has at most 255 seats, so that a rank fits a byte.
        let Some(seat) = plan.rank(directory).and_then(|seat| u8::try_from(seat).ok()) else {
            continue;
        };
        seats.push(seat);
        if winner.as_ref().is_none_or(|(best, ..)| seat < *best) {
            winner = Some((seat, directory, value));
        }
    }
    seats.sort_unstable();
    let trail = Trail::ranked(Arc::clone(plan), seats);
    match winner {
        Some((_, directory, value)) => Verdict::Resolved(Resolved::new(value, directory, trail)),
        None => Verdict::Unknown(trail),
    }
}
