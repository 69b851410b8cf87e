//! Effective membership: the nested closure of groups inside one directory, with the path that granted each.
//!
//! Pure. A [`Closure`] is told edges as they are found, breadth first, and says which groups to look above (or below)
//! next; it ends in any graph, cycles included (R403), and refuses to give a part for the whole (T26).

use std::collections::{BTreeMap, VecDeque};

use crate::name::{GroupName, Key};

/// Bounds of a closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest path. Deep nesting is known for outages; 64 is far beyond any organisation.
    pub depth: usize,
    /// Most edges looked at.
    pub edges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, edges: 1_000_000 }
    }
}

/// A closure would pass its [`Limits`]. There is no partial answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// A path is longer than allowed.
    #[error("groups are nested deeper than {0}")]
    Depth(usize),
    /// More edges than allowed.
    #[error("more than {0} nestings of groups")]
    Edges(usize),
}

/// The groups reached from some first groups by following edges one way.
///
/// 1. Breadth first: the path kept for a group is a shortest one.
/// 2. Each group is visited once, whatever its spelling and however many ways lead to it.
/// 3. Ends with an error as soon as a limit is passed.
#[derive(Debug, Clone)]
pub struct Closure {
    limits: Limits,
    edges: usize,
    reached: BTreeMap<Key, Reached>,
    frontier: VecDeque<GroupName>,
}

/// A group in a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The group.
    pub group: GroupName,
    /// The group through which it was reached, or none for a first one.
    pub through: Option<Key>,
    /// How many edges lead to it: 0 for a first one.
    pub depth: usize,
}

impl Closure {
    /// Begins at some groups.
    pub fn from(first: impl IntoIterator<Item = GroupName>, limits: Limits) -> Result<Self, LimitExceeded> {
        let mut closure = Self { limits, edges: 0, reached: BTreeMap::new(), frontier: VecDeque::new() };
        for group in first {
            closure.count_edge()?;
            closure.reach(group, None, 0);
        }
        Ok(closure)
    }

    /// The next group to follow edges from, or none when all have been.
    pub fn next_to_follow(&mut self) -> Option<GroupName> {
        self.frontier.pop_front()
    }

    /// Takes the groups that one edge leads to from `group`, which [`Closure::next_to_follow`] gave.
    pub fn hear(
        &mut self,
        group: &GroupName,
        found: impl IntoIterator<Item = GroupName>,
    ) -> Result<(), LimitExceeded> {
        let depth = self.reached.get(group.key()).map_or(0, |reached| reached.depth) + 1;
        for next in found {
            self.count_edge()?;
            if self.reached.contains_key(next.key()) {
                continue;
            }
            if depth > self.limits.depth {
                return Err(LimitExceeded::Depth(self.limits.depth));
            }
            self.reach(next, Some(group.key().clone()), depth);
        }
        Ok(())
    }

    /// Follows edges that are all at hand: from the first of each pair to the second.
    pub fn follow(mut self, edges: &[(GroupName, GroupName)]) -> Result<Self, LimitExceeded> {
        let mut leaving: BTreeMap<&Key, Vec<&GroupName>> = BTreeMap::new();
        for (from, to) in edges {
            leaving.entry(from.key()).or_default().push(to);
        }
        while let Some(group) = self.next_to_follow() {
            let found = leaving.get(group.key()).into_iter().flatten();
            self.hear(&group, found.map(|&to| to.clone()))?;
        }
        Ok(self)
    }

    /// The groups, in the order of their keys.
    pub fn groups(&self) -> impl Iterator<Item = &Reached> {
        self.reached.values()
    }

    /// Whether a group was reached.
    pub fn contains(&self, key: &Key) -> bool {
        self.reached.contains_key(key)
    }

    /// How many steps lead from outside to the farthest group; 0 when there is none.
    pub fn height(&self) -> usize {
        self.reached.values().map(|reached| reached.depth + 1).max().unwrap_or(0)
    }

    /// The path to a group, from a first group to it; empty when it was not reached.
    pub fn path(&self, key: &Key) -> Vec<&GroupName> {
        let mut path = Vec::new();
        let mut at = self.reached.get(key);
        while let Some(reached) = at {
            path.push(&reached.group);
            at = reached.through.as_ref().and_then(|through| self.reached.get(through));
        }
        path.reverse();
        path
    }

    fn count_edge(&mut self) -> Result<(), LimitExceeded> {
        self.edges += 1;
        if self.edges > self.limits.edges { Err(LimitExceeded::Edges(self.limits.edges)) } else { Ok(()) }
    }

    fn reach(&mut self, group: GroupName, through: Option<Key>, depth: usize) {
        let key = group.key().clone();
        if let std::collections::btree_map::Entry::Vacant(entry) = self.reached.entry(key) {
            self.frontier.push_back(group.clone());
            entry.insert(Reached { group, through, depth });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn group(name: &str) -> GroupName {
        GroupName::new(name).unwrap()
    }

    fn edges(pairs: &[(&str, &str)]) -> Vec<(GroupName, GroupName)> {
        pairs.iter().map(|(from, to)| (group(from), group(to))).collect()
    }

    fn names(closure: &Closure) -> Vec<&str> {
        closure.groups().map(|reached| reached.group.as_str()).collect()
    }

    #[test]
    fn a_path_tells_which_nesting_granted_a_group() {
        let edges = edges(&[("devs", "staff"), ("staff", "everybody"), ("oncall", "everybody")]);
        let closure = Closure::from([group("devs")], Limits::default()).unwrap().follow(&edges).unwrap();
        assert_eq!(names(&closure), ["devs", "everybody", "staff"]);
        let path: Vec<_> = closure.path(&Key::of("EVERYBODY")).into_iter().map(GroupName::as_str).collect();
        assert_eq!(path, ["devs", "staff", "everybody"]);
        assert!(closure.path(&Key::of("oncall")).is_empty());
    }

    #[test]
    fn cycles_end_and_give_each_group_once_r403() {
        let edges = edges(&[("A", "B"), ("b", "a"), ("B", "c"), ("c", "A")]);
        let closure = Closure::from([group("a")], Limits::default()).unwrap().follow(&edges).unwrap();
        assert_eq!(names(&closure), ["a", "B", "c"]);
    }

    #[test]
    fn a_chain_deeper_than_the_limit_is_an_error_and_no_part_t26() {
        let chain: Vec<_> =
            (0..100_000).map(|n| (group(&format!("g{n}")), group(&format!("g{}", n + 1)))).collect();
        let result = Closure::from([group("g0")], Limits::default()).unwrap().follow(&chain);
        assert_eq!(result.unwrap_err(), LimitExceeded::Depth(64));
        let just_fits = Closure::from([group("g0")], Limits::default()).unwrap().follow(&chain[..64]);
        assert_eq!(just_fits.unwrap().groups().count(), 65);
    }

    #[test]
    fn a_diamond_of_many_paths_costs_its_edges_only_t26() {
        let mut diamond = Vec::new();
        for level in 0..20 {
            for (from, to) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                diamond.push((group(&format!("l{level}-{from}")), group(&format!("l{}-{to}", level + 1))));
            }
        }
        let limits = Limits { edges: diamond.len() + 1, ..Limits::default() };
        let closure = Closure::from([group("l0-0")], limits).unwrap().follow(&diamond).unwrap();
        assert_eq!(closure.groups().count(), 1 + 2 * 20);
        let tight = Limits { edges: 10, ..limits };
        let refused = Closure::from([group("l0-0")], tight).unwrap().follow(&diamond);
        assert_eq!(refused.unwrap_err(), LimitExceeded::Edges(10));
    }

    proptest! {
        /// Against repeated union until nothing is added.
        #[test]
        fn a_closure_is_what_repeated_union_gives(
            pairs in proptest::collection::vec((0u8..12, 0u8..12), 0..40),
            first in proptest::collection::vec(0u8..12, 0..4),
        ) {
            let name = |n: u8| format!("G{n}");
            let mut expected: BTreeSet<u8> = first.iter().copied().collect();
            loop {
                let more: Vec<u8> =
                    pairs.iter().filter(|(from, _)| expected.contains(from)).map(|&(_, to)| to).collect();
                let before = expected.len();
                expected.extend(more);
                if expected.len() == before {
                    break;
                }
            }
            let edges: Vec<_> = pairs.iter().map(|&(from, to)| (group(&name(from)), group(&name(to)))).collect();
            let closure = Closure::from(first.iter().map(|&n| group(&name(n))), Limits::default())
                .and_then(|closure| closure.follow(&edges))
                .unwrap();
            let reached: BTreeSet<String> = closure.groups().map(|r| r.group.to_string()).collect();
            prop_assert_eq!(reached, expected.into_iter().map(name).collect::<BTreeSet<_>>());
            for reached in closure.groups() {
                let path = closure.path(reached.group.key());
                prop_assert_eq!(path.len(), reached.depth + 1);
                for step in path.windows(2) {
                    prop_assert!(edges.iter().any(|(from, to)| from == step[0] && to == step[1]));
                }
            }
        }
    }
}
