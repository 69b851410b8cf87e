//! What a change means for one name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::claim::Claim;
use crate::id::{ApplicationId, DirectoryId, Subject};
use crate::member::{Closure, LimitExceeded, Limits};
use crate::name::{GroupName, Key, Username};
use crate::plan::{Access, MembershipScheme, OnOwnershipChange, Plan};
use crate::preview::{GroupGraph, Occupant};
use crate::registry::{DirectoryKind, Nesting};
use crate::resolve::{Verdict, rank};

/// An application as it stands, or would stand.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The application.
    pub application: ApplicationId,
    /// Whether it is in service: one that is not admits nobody.
    pub is_open: bool,
    /// The plan, with the directories in service only.
    pub plan: Arc<Plan>,
    /// What checks passwords in each directory of the plan.
    pub passwords: BTreeMap<DirectoryId, PasswordSource>,
}

/// What checks a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum PasswordSource {
    /// A hash that is kept here.
    Kept,
    /// A verifier.
    Verifier,
    /// The source of a mirror.
    Source,
    /// The directory itself.
    Directory,
}

impl PasswordSource {
    /// What checks passwords in directories of a kind.
    pub fn of(kind: &DirectoryKind) -> Self {
        match kind {
            DirectoryKind::Internal(_) => Self::Kept,
            DirectoryKind::Delegated(_) => Self::Verifier,
            DirectoryKind::Mirrored(_) => Self::Source,
            DirectoryKind::Live => Self::Directory,
        }
    }
}

/// The groups of one directory, closed over nesting once.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    above: BTreeMap<u64, BTreeSet<GroupName>>,
}

impl GroupGraph {
    /// The number of a group.
    pub fn number(&self, name: &GroupName) -> Option<u64> {
        let place = self.groups.binary_search_by(|(_, group)| group.cmp(name)).ok()?;
        self.groups.get(place).map(|(number, _)| *number)
    }

    /// The same without one nesting.
    #[must_use]
    pub fn without_nesting(&self, inside: u64, holder: u64) -> Self {
        let nestings = self.nestings.iter().copied().filter(|nesting| *nesting != (inside, holder));
        Self { groups: self.groups.clone(), nestings: nestings.collect() }
    }

    /// The same without a group; whoever was in it is in nothing through it.
    #[must_use]
    pub fn without_group(&self, gone: u64) -> Self {
        let nestings = self.nestings.iter().copied();
        let nestings = nestings.filter(|(inside, holder)| *inside != gone && *holder != gone);
        let groups = self.groups.iter().filter(|(number, _)| *number != gone);
        Self { groups: groups.cloned().collect(), nestings: nestings.collect() }
    }
}

impl Groups {
    /// Closes the nestings of a directory, by the code that decides about memberships.
    ///
    /// [`LimitExceeded`] beyond its limits, so that no part passes for the whole (T26).
    pub fn of(graph: &GroupGraph, nesting: Nesting) -> Result<Self, LimitExceeded> {
        let names: BTreeMap<u64, &GroupName> =
            graph.groups.iter().map(|(number, name)| (*number, name)).collect();
        let mut parents: BTreeMap<&Key, Vec<GroupName>> = BTreeMap::new();
        for (inside, holder) in &graph.nestings {
            if let (Some(inside), Some(holder)) = (names.get(inside), names.get(holder)) {
                parents.entry(inside.key()).or_default().push((*holder).clone());
            }
        }
        let mut above = BTreeMap::new();
        for (number, name) in &graph.groups {
            let mut closure = Closure::from([name.clone()], Limits::default())?;
            while let Some(next) = closure.next_to_follow().filter(|_| nesting == Nesting::Allowed) {
                let holders = parents.get(next.key()).cloned().unwrap_or_default();
                closure.hear(&next, holders)?;
            }
            above.insert(*number, closure.groups().map(|reached| reached.group.clone()).collect());
        }
        Ok(Self { above })
    }

    /// Adds the groups of the same directory that were met since.
    pub fn extend(&mut self, others: Self) {
        self.above.extend(others.above);
    }

    /// All groups of somebody who is directly in these.
    pub fn effective(&self, direct: &[u64]) -> BTreeSet<GroupName> {
        direct.iter().filter_map(|number| self.above.get(number)).flatten().cloned().collect()
    }
}

/// To whom a name belongs in an application, and what that is worth.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Holding {
    /// The account that the order selects.
    pub subject: Subject,
    /// What checks its password.
    pub password: PasswordSource,
    /// Whether it may log in.
    pub active: bool,
    /// Whether the application admits it.
    pub admitted: bool,
    /// Whether the name is its.
    pub owns: Owns,
    /// Its effective groups.
    pub groups: BTreeSet<GroupName>,
}

impl Holding {
    /// Whether anybody can use the application under the name, with the right password.
    pub fn opens(&self) -> bool {
        self.active && self.admitted && self.owns == Owns::Name
    }
}

/// Whether a name belongs to the account that the order selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Owns {
    /// It does, or nobody claims it.
    Name,
    /// Another account owns it, and this one gets nothing until it is adopted (T01).
    NotUntilAdopted,
}

/// What a change means for one name in one application.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Difference {
    /// The application.
    pub application: ApplicationId,
    /// The name, as the account spells it that has it now or would have it.
    pub name: Username,
    /// To whom it belongs now.
    pub before: Option<Holding>,
    /// To whom it would belong.
    pub after: Option<Holding>,
    /// Whether another account would have it that is shadowed, or not asked, today.
    pub surfaces: bool,
}

impl Difference {
    /// Whether another account would have the name, or nobody.
    pub fn changes_owner(&self) -> bool {
        self.before.as_ref().map(|held| &held.subject) != self.after.as_ref().map(|held| &held.subject)
    }

    /// Whether somebody who can use the application today could not.
    pub fn locks_out(&self) -> bool {
        self.before.as_ref().is_some_and(Holding::opens) && !self.after.as_ref().is_some_and(Holding::opens)
    }

    /// Groups that the name would be in and is not, and those that it is in and would not be.
    pub fn groups(&self) -> (Vec<&GroupName>, Vec<&GroupName>) {
        let none = BTreeSet::new();
        let before = self.before.as_ref().map_or(&none, |held| &held.groups);
        let after = self.after.as_ref().map_or(&none, |held| &held.groups);
        let gained = self.after.iter().flat_map(|held| &held.groups).filter(|group| !before.contains(*group));
        let lost = self.before.iter().flat_map(|held| &held.groups).filter(|group| !after.contains(*group));
        (gained.collect(), lost.collect())
    }
}

/// How many names change in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Totals {
    /// Names that were looked at.
    pub names: u64,
    /// Names of which anything changes.
    pub changed: u64,
    /// Names that another account would have, or nobody.
    pub owners: u64,
    /// Names whose password something else would check.
    pub passwords: u64,
    /// Names whose account is active and would not be, or the other way round.
    pub activity: u64,
    /// Names that would be in other groups.
    pub groups: u64,
    /// Names that the application admits and would not, or the other way round.
    pub access: u64,
    /// Names under which somebody can use the application today and nobody could.
    pub locked_out: u64,
    /// Names that an account would have which is shadowed today.
    pub surfacing: u64,
    /// Names that their new account gets only when it is adopted.
    pub to_adopt: u64,
}

impl Totals {
    /// Counts a name that changes.
    pub fn count(&mut self, difference: &Difference) {
        let (before, after) = (difference.before.as_ref(), difference.after.as_ref());
        self.changed += 1;
        self.owners += u64::from(difference.changes_owner());
        if let (Some(before), Some(after)) = (before, after) {
            self.passwords += u64::from(before.subject.directory != after.subject.directory);
            self.activity += u64::from(before.active != after.active);
            self.access += u64::from(before.admitted != after.admitted);
        }
        let none = BTreeSet::new();
        let groups = before.map_or(&none, |held| &held.groups) != after.map_or(&none, |held| &held.groups);
        self.groups += u64::from(groups);
        self.locked_out += u64::from(difference.locks_out());
        self.surfacing += u64::from(difference.surfaces);
        self.to_adopt += u64::from(after.is_some_and(|held| held.owns == Owns::NotUntilAdopted));
    }
}

/// To whom a name belongs in an application, and what that is worth.
///
/// 1. The winner is that of [`rank`]: what a look-up says.
/// 2. Admission counts groups of the winner's own directory only (R221); effective groups follow the scheme (R271,
///    R272).
/// 3. Occupants that are known not to win may be left out where memberships do not combine.
pub fn holding<'o, 'g>(
    shape: &Shape,
    occupants: &'o [(DirectoryId, Occupant)],
    groups: impl Fn(DirectoryId) -> Option<&'g Groups>,
    claim: Option<&Claim>,
) -> Option<(&'o Username, Holding)> {
    let winner = rank(&shape.plan, occupants.iter().map(|(directory, occupant)| (*directory, occupant)));
    let Verdict::Resolved(resolved) = winner else { return None };
    let (directory, occupant) = (resolved.directory(), *resolved.value());
    let effective = |directory: DirectoryId, occupant: &Occupant| {
        groups(directory).map(|groups| groups.effective(&occupant.groups)).unwrap_or_default()
    };
    let own = effective(directory, occupant);
    let seat = shape.plan.seats().iter().find(|seat| seat.directory == directory)?;
    let admitted = shape.is_open
        && match &seat.access {
            Access::Everyone => true,
            Access::Groups(wanted) => wanted.iter().any(|group| own.contains(group)),
        };
    let subject = Subject { directory, external_id: occupant.external_id.clone() };
    let follows = shape.plan.rules().on_ownership_change == OnOwnershipChange::Follow;
    let owns = match claim {
        Some(claim) if !follows && (claim.subject != subject || claim.tombstoned_at.is_some()) => {
            Owns::NotUntilAdopted
        }
        _ => Owns::Name,
    };
    let groups = match shape.plan.memberships() {
        MembershipScheme::Canonical => own,
        MembershipScheme::Aggregated => occupants
            .iter()
            .filter(|(directory, _)| shape.plan.rank(*directory).is_some())
            .flat_map(|(directory, occupant)| effective(*directory, occupant))
            .collect(),
    };
    let password = shape.passwords.get(&directory).copied().unwrap_or(PasswordSource::Directory);
    Some((&occupant.name, Holding { subject, password, active: occupant.active, admitted, owns, groups }))
}

/// What a change means for one name; `None` when nothing.
pub fn difference(
    application: ApplicationId,
    before: Option<(&Username, Holding)>,
    after: Option<(&Username, Holding)>,
) -> Option<Difference> {
    let name = match (&before, &after) {
        (Some((name, _)), _) | (None, Some((name, _))) => (*name).clone(),
        (None, None) => return None,
    };
    let (before, after) = (before.map(|(_, held)| held), after.map(|(_, held)| held));
    if before == after {
        return None;
    }
    let owner = |held: &Option<Holding>| held.as_ref().map(|held| held.subject.clone());
    let surfaces = before.is_some() && after.is_some() && owner(&before) != owner(&after);
    Some(Difference { application, name, before, after, surfaces })
}
