use std::collections::BTreeMap;

use crate::group::Origin;
use crate::name::{GroupName, Key};

/// What an answer without any group means for the groups that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emptiness {
    /// The account is in no group any more (R530, T28).
    IsAFact,
    /// It is doubted and removes nothing, as Crowd does for mirrored directories (R662).
    IsDoubted,
}

/// What a refresh of the groups of one account changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupRefresh {
    /// Groups to be made, imported.
    pub make: Vec<GroupName>,
    /// Groups that the account joins, those to be made included.
    pub join: Vec<GroupName>,
    /// Groups that the account leaves.
    pub leave: Vec<GroupName>,
}

/// Compares the groups that a source names for an account with those kept here.
///
/// 1. Names are compared by key, and each counts once.
/// 2. Local groups are neither joined nor left: a source's group of the same name is shadowed (R123, R530).
/// 3. `kept` are all groups of the directory among those concerned: those the source names and those the account is in.
pub fn refresh_groups(
    named: &[GroupName],
    kept: &[(GroupName, Origin)],
    member_of: &[GroupName],
    emptiness: Emptiness,
) -> GroupRefresh {
    let kept: BTreeMap<&Key, Origin> = kept.iter().map(|(name, origin)| (name.key(), *origin)).collect();
    // Of two spellings the first counts, which is the last to be put in.
    let named: BTreeMap<&Key, &GroupName> = named.iter().rev().map(|name| (name.key(), name)).collect();
    let member_of: BTreeMap<&Key, &GroupName> = member_of.iter().map(|name| (name.key(), name)).collect();
    let is_local = |key: &Key| kept.get(key) == Some(&Origin::Local);

    let mut refresh = GroupRefresh::default();
    for (&key, &name) in &named {
        if is_local(key) {
            continue;
        }
        if !kept.contains_key(key) {
            refresh.make.push(name.clone());
        }
        if !member_of.contains_key(key) {
            refresh.join.push(name.clone());
        }
    }
    if !named.is_empty() || emptiness == Emptiness::IsAFact {
        let left = member_of.iter().filter(|(key, _)| !named.contains_key(*key) && !is_local(key));
        refresh.leave.extend(left.map(|(_, &name)| name.clone()));
    }
    refresh
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> Vec<GroupName> {
        names.iter().map(|name| GroupName::new(name).unwrap()).collect()
    }

    fn kept(names: &[(&str, Origin)]) -> Vec<(GroupName, Origin)> {
        names.iter().map(|(name, origin)| (GroupName::new(name).unwrap(), *origin)).collect()
    }

    #[test]
    fn imported_groups_follow_and_local_groups_stay_r530() {
        let kept = kept(&[
            ("old", Origin::Imported),
            ("same", Origin::Imported),
            ("local", Origin::Local),
            ("shadow", Origin::Local),
        ]);
        let named = groups(&["SAME", "new", "New", "shadow"]);
        let member_of = groups(&["old", "same", "local"]);
        let refresh = refresh_groups(&named, &kept, &member_of, Emptiness::IsAFact);
        assert_eq!(refresh.make, groups(&["new"]));
        assert_eq!(refresh.join, groups(&["new"]));
        assert_eq!(refresh.leave, groups(&["old"]));
    }

    /// Skeleton 19: a source that returns no group at all.
    #[test]
    fn an_empty_answer_removes_only_where_it_is_a_fact_r662() {
        let (kept, member_of) = (kept(&[("old", Origin::Imported)]), groups(&["old"]));
        let copied = refresh_groups(&[], &kept, &member_of, Emptiness::IsDoubted);
        assert_eq!(copied, GroupRefresh::default());
        let ours = refresh_groups(&[], &kept, &member_of, Emptiness::IsAFact);
        assert_eq!(ours.leave, groups(&["old"]));
    }
}
