//! Where a write goes: which directories of a plan are changed (R250 to R289, with the decisions of the plan's rules).
//!
//! Pure. The caller tells how each seat stands, in the order of the plan; the functions here name the directories to
//! change, or why none is. Every presence must be known: a write never passes over a silent directory.

use crate::id::DirectoryId;
use crate::permission::{Operation, Permissions};
use crate::plan::{MembershipScheme, NewGroups};

/// What one seat knows of the name that a write is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It holds the name.
    Holds,
    /// It does not.
    Lacks,
    /// It could not say.
    Silent,
}

/// What a directory is able to do, as its powers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// It can write users.
    pub users: bool,
    /// It can write groups.
    pub groups: bool,
    /// It can write members.
    pub members: bool,
    /// It can set passwords.
    pub passwords: bool,
    /// It knows groups in groups (R401).
    pub nesting: bool,
}

/// How a seat stands to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The directory.
    pub directory: DirectoryId,
    /// What configuration allows: the directory's mask and the seat's (R111).
    pub may: Permissions,
    /// What the adapter is able to do.
    pub can: Abilities,
    /// Whether it holds the user or group that the write is about; for a membership, the member.
    pub holds: Presence,
}

impl Standing {
    fn allows(&self, operation: Operation) -> bool {
        let able = match operation {
            Operation::CreateUser
            | Operation::UpdateUser
            | Operation::DeleteUser
            | Operation::UpdateUserAttribute => self.can.users,
            Operation::CreateGroup
            | Operation::UpdateGroup
            | Operation::DeleteGroup
            | Operation::UpdateGroupAttribute => self.can.groups,
        };
        able && self.may.allows(operation)
    }
}

/// How a seat stands to the write of a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberStanding {
    /// How it stands to the member.
    pub seat: Standing,
    /// Whether it holds the group.
    pub group: Presence,
    /// Whether the member is directly in the group there.
    pub direct: bool,
}

/// Whether the member of a membership is a user or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A user.
    User,
    /// A group: only directories with nesting count (R288).
    Group,
}

/// Where a member is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addition {
    /// The directory.
    pub directory: DirectoryId,
    /// Whether the group has to be made there first.
    pub group: GroupThere,
}

/// Whether a group is in the directory where it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupThere {
    /// It is.
    Present,
    /// It must be made, with the name and description of the canonical one (R283).
    ToBeMade,
}

/// Why a write goes nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// A directory that has a say is silent.
    #[error("a directory that may hold the name does not answer")]
    Undecided(DirectoryId),
    /// The name is taken.
    #[error("the name is taken")]
    Taken(DirectoryId),
    /// No directory that is concerned may and can.
    #[error("no directory that is concerned allows it")]
    Forbidden,
    /// Nobody holds the user, or the group that was to be a member or to be changed.
    #[error("there is no such user or group")]
    Missing,
    /// Nobody holds the group that was to have the member, where it counts.
    #[error("there is no such group")]
    GroupMissing,
    /// It is a member already.
    #[error("it is a member already")]
    AlreadyMember,
    /// It is no member.
    #[error("it is no member")]
    NotMember,
    /// The directory that is concerned knows no groups in groups (R402).
    #[error("the directory knows no groups in groups")]
    NoNesting,
}

/// Where a user is made: the first directory that may and can, when nobody holds the name (R250). There is no
/// fallback to a later directory when that one fails.
pub fn new_user(seats: &[Standing]) -> Result<DirectoryId, NoRoute> {
    must_be_free(seats)?;
    seats
        .iter()
        .find(|seat| seat.allows(Operation::CreateUser))
        .map(|seat| seat.directory)
        .ok_or(NoRoute::Forbidden)
}

/// Where a user is changed: the canonical directory and no other (R252, R253).
pub fn user_change(seats: &[Standing], operation: Operation) -> Result<DirectoryId, NoRoute> {
    let seat = canonical(seats)?.ok_or(NoRoute::Missing)?;
    if seat.allows(operation) { Ok(seat.directory) } else { Err(NoRoute::Forbidden) }
}

/// Where a password is set: the canonical directory, if it can (R113).
pub fn password_change(seats: &[Standing]) -> Result<DirectoryId, NoRoute> {
    let seat = canonical(seats)?.ok_or(NoRoute::Missing)?;
    let allowed = seat.can.passwords && seat.may.allows(Operation::UpdateUser);
    if allowed { Ok(seat.directory) } else { Err(NoRoute::Forbidden) }
}

/// Where a group is made, when nobody holds the name: in the first directory that may and can, or in each (R260, Q07).
pub fn new_group(seats: &[Standing], rule: NewGroups) -> Result<Vec<DirectoryId>, NoRoute> {
    must_be_free(seats)?;
    let allowed = seats.iter().filter(|seat| seat.allows(Operation::CreateGroup)).map(|seat| seat.directory);
    let targets: Vec<_> = match rule {
        NewGroups::FirstDirectory => allowed.take(1).collect(),
        NewGroups::EveryDirectory => allowed.collect(),
    };
    if targets.is_empty() { Err(NoRoute::Forbidden) } else { Ok(targets) }
}

/// Where a group is changed or removed: in every directory that holds it, may and can (R261). Copies that stay behind
/// where it may not be written keep the name (R262).
pub fn group_change(seats: &[Standing], operation: Operation) -> Result<Vec<DirectoryId>, NoRoute> {
    must_answer(seats.iter())?;
    let holders: Vec<_> = seats.iter().filter(|seat| seat.holds == Presence::Holds).collect();
    if holders.is_empty() {
        return Err(NoRoute::Missing);
    }
    let targets: Vec<_> =
        holders.iter().filter(|seat| seat.allows(operation)).map(|seat| seat.directory).collect();
    if targets.is_empty() { Err(NoRoute::Forbidden) } else { Ok(targets) }
}

/// Where a member is added (R280 to R283, R288).
///
/// 1. Canonical: in the member's canonical directory. A group that is only elsewhere is made there on demand.
/// 2. Aggregated: in the first directory that holds the member and the group and may; else in the first that holds the
///    member and may make the group. Refused if it is a member in any of them already.
/// 3. A group that nobody holds is not made.
pub fn addition(
    seats: &[MemberStanding],
    scheme: MembershipScheme,
    kind: MemberKind,
) -> Result<Addition, NoRoute> {
    let candidates = candidates(seats, scheme, kind)?;
    if candidates.iter().any(|seat| seat.direct) {
        return Err(NoRoute::AlreadyMember);
    }
    must_answer_groups(seats)?;
    if seats.iter().all(|seat| seat.group == Presence::Lacks) {
        return Err(NoRoute::GroupMissing);
    }
    let there = candidates.iter().find(|seat| seat.group == Presence::Holds && may_write_members(seat));
    if let Some(seat) = there {
        return Ok(Addition { directory: seat.seat.directory, group: GroupThere::Present });
    }
    let makeable = |seat: &&&MemberStanding| {
        seat.group == Presence::Lacks && seat.seat.allows(Operation::CreateGroup) && may_write_members(seat)
    };
    match candidates.iter().find(makeable) {
        Some(seat) => Ok(Addition { directory: seat.seat.directory, group: GroupThere::ToBeMade }),
        None => Err(NoRoute::Forbidden),
    }
}

/// Where a member is removed (R284 to R286).
///
/// 1. Canonical: in the member's canonical directory; a group that is only elsewhere is missing.
/// 2. Aggregated: in every directory that holds the direct membership, if all of them may; otherwise in none.
pub fn removal(
    seats: &[MemberStanding],
    scheme: MembershipScheme,
    kind: MemberKind,
) -> Result<Vec<DirectoryId>, NoRoute> {
    let candidates = candidates(seats, scheme, kind)?;
    if let Some(silent) = candidates.iter().find(|seat| seat.group == Presence::Silent) {
        return Err(NoRoute::Undecided(silent.seat.directory));
    }
    if candidates.iter().all(|seat| seat.group == Presence::Lacks) {
        return Err(NoRoute::GroupMissing);
    }
    let holders: Vec<_> = candidates.into_iter().filter(|seat| seat.direct).collect();
    if holders.is_empty() {
        return Err(NoRoute::NotMember);
    }
    if holders.iter().all(|seat| may_write_members(seat)) {
        Ok(holders.into_iter().map(|seat| seat.seat.directory).collect())
    } else {
        Err(NoRoute::Forbidden)
    }
}

fn must_answer<'s>(seats: impl Iterator<Item = &'s Standing>) -> Result<(), NoRoute> {
    match seats.into_iter().find(|seat| seat.holds == Presence::Silent) {
        Some(silent) => Err(NoRoute::Undecided(silent.directory)),
        None => Ok(()),
    }
}

fn must_answer_groups(seats: &[MemberStanding]) -> Result<(), NoRoute> {
    match seats.iter().find(|seat| seat.group == Presence::Silent) {
        Some(silent) => Err(NoRoute::Undecided(silent.seat.directory)),
        None => Ok(()),
    }
}

/// A name that is held is taken, also while a directory below or above is silent.
fn must_be_free(seats: &[Standing]) -> Result<(), NoRoute> {
    if let Some(holder) = seats.iter().find(|seat| seat.holds == Presence::Holds) {
        return Err(NoRoute::Taken(holder.directory));
    }
    must_answer(seats.iter())
}

/// The first directory that holds the name, if nobody before it is silent.
fn canonical(seats: &[Standing]) -> Result<Option<&Standing>, NoRoute> {
    match seats.iter().find(|seat| seat.holds != Presence::Lacks) {
        Some(seat) if seat.holds == Presence::Silent => Err(NoRoute::Undecided(seat.directory)),
        seat => Ok(seat),
    }
}

/// The directories that hold the member, as far as the scheme looks.
fn candidates(
    seats: &[MemberStanding],
    scheme: MembershipScheme,
    kind: MemberKind,
) -> Result<Vec<&MemberStanding>, NoRoute> {
    let standings: Vec<Standing> = seats.iter().map(|seat| seat.seat).collect();
    let holders: Vec<&MemberStanding> = match scheme {
        MembershipScheme::Canonical => {
            let directory = canonical(&standings)?.map(|seat| seat.directory);
            seats.iter().filter(|seat| Some(seat.seat.directory) == directory).collect()
        }
        MembershipScheme::Aggregated => {
            must_answer(standings.iter())?;
            seats.iter().filter(|seat| seat.seat.holds == Presence::Holds).collect()
        }
    };
    if holders.is_empty() {
        return Err(NoRoute::Missing);
    }
    if kind == MemberKind::User {
        return Ok(holders);
    }
    let nesting: Vec<_> = holders.into_iter().filter(|seat| seat.seat.can.nesting).collect();
    if nesting.is_empty() { Err(NoRoute::NoNesting) } else { Ok(nesting) }
}

fn may_write_members(seat: &MemberStanding) -> bool {
    seat.seat.can.members && seat.seat.may.allows(Operation::UpdateGroup)
}

#[cfg(test)]
mod laws;
