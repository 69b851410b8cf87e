//! What a mirror must look like after its source has stated something.

use std::collections::{BTreeMap, BTreeSet};

use throng_core::group::{Group, Member};
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Key, Username};
use throng_core::sync::{Gone, Item, Mark};
use throng_core::user::User;

/// Users, groups and direct memberships as a source states them: the plain model of a mirror.
///
/// 1. Accounts are who their external ids say; a renamed account keeps its memberships. Groups are who their keys
///    say.
/// 2. Changes are taken in the order of happening. Whoever goes loses every membership, and has none of them when it
///    is stated again.
/// 3. Memberships name their members and groups as these are called at the end of the pull.
#[derive(Debug, Clone, Default)]
pub struct Likeness {
    users: BTreeMap<ExternalId, User>,
    groups: BTreeMap<Key, Group>,
    members: BTreeMap<Key, BTreeSet<Part>>,
    strangers: Vec<(GroupName, Member)>,
}

/// What a source states cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// An item of a full pull stands in a pull since a cursor, or the other way round.
    #[error("an item that this kind of pull must not state: {0}")]
    OutOfPlace(&'static str),
    /// A member joins a group, and one of them is neither there nor was it in this pull.
    #[error("{1} joins {0}, which are not both there")]
    NotThere(GroupName, Member),
    /// Two accounts have one name.
    #[error("two accounts are called {0}")]
    TwoOfAName(Username),
}

/// A member that no rename touches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    User(ExternalId),
    Group(Key),
}

impl Likeness {
    /// What a full pull states.
    ///
    /// Of an account that is stated twice the last word counts: it changed while it was read. Members that were not
    /// stated themselves are kept apart as [`Likeness::strangers`]: they came, or got their names, while others were
    /// read, and the next pull since says who they are.
    pub fn of(items: &[Item]) -> Result<Self, Contradiction> {
        let mut likeness = Self::default();
        for item in items {
            match item {
                Item::User(user) => drop(likeness.users.insert(user.external_id.clone(), user.clone())),
                Item::Group(group) => drop(likeness.groups.insert(group.key().clone(), group.clone())),
                Item::Members { .. } | Item::Unreadable(_) => {}
                Item::UserGone(_)
                | Item::GroupGone(_)
                | Item::Joined(..)
                | Item::Left(..)
                | Item::MemberOf(..) => return Err(Contradiction::OutOfPlace("a change in a full pull")),
            }
        }
        let ids = likeness.ids();
        for item in items {
            let Item::Members { group, members, part: _ } = item else { continue };
            for member in members {
                match likeness.part(&ids, member) {
                    Some(part) if likeness.groups.contains_key(group.key()) => {
                        likeness.members.entry(group.key().clone()).or_default().insert(part);
                    }
                    Some(_) | None => likeness.strangers.push((group.clone(), member.clone())),
                }
            }
        }
        Ok(likeness)
    }

    /// Takes over what a pull since a cursor states.
    pub fn take(&mut self, items: &[Item]) -> Result<(), Contradiction> {
        let mut words: Vec<&Item> = Vec::new();
        // Who was called so in this pull and need not be at its end.
        let mut former: BTreeSet<Member> = BTreeSet::new();
        for item in items {
            match item {
                Item::User(user) => {
                    let before = self.users.insert(user.external_id.clone(), user.clone());
                    former.extend(before.map(|before| Member::User(before.name)));
                }
                Item::Group(group) => drop(self.groups.insert(group.key().clone(), group.clone())),
                Item::UserGone(gone) => {
                    if let Gone::Name(name) = gone {
                        former.insert(Member::User(name.clone()));
                    }
                    for user in self.holders(gone) {
                        let member = Member::User(user.name);
                        words.retain(|word| !concerns(word, &member));
                        former.insert(member);
                        self.users.remove(&user.external_id);
                        self.leave_all(&Part::User(user.external_id));
                    }
                }
                Item::GroupGone(name) => {
                    let member = Member::Group(name.clone());
                    words.retain(|word| !concerns(word, &member));
                    former.insert(member);
                    self.groups.remove(name.key());
                    self.members.remove(name.key());
                    self.leave_all(&Part::Group(name.key().clone()));
                }
                Item::Joined(..) | Item::Left(..) | Item::MemberOf(..) => words.push(item),
                Item::Members { .. } => {
                    return Err(Contradiction::OutOfPlace("all members of a group in a pull since a cursor"));
                }
                Item::Unreadable(_) => {}
            }
        }
        if let Some(twice) = self.twice() {
            return Err(Contradiction::TwoOfAName(twice));
        }
        self.take_memberships(&words, &former)
    }

    /// The users, in the order of their external ids.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// The user of a name.
    pub fn user(&self, key: &Key) -> Option<&User> {
        self.users().find(|user| user.key() == key)
    }

    /// The groups, in the order of keys.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// The group of a name.
    pub fn group(&self, key: &Key) -> Option<&Group> {
        self.groups.get(key)
    }

    /// The direct members of a group as they are called now: users, then groups, each in the order of keys.
    pub fn members(&self, group: &Key) -> BTreeSet<Member> {
        let parts = self.members.get(group).into_iter().flatten();
        let spelled = parts.filter_map(|part| match part {
            Part::User(id) => self.users.get(id).map(|user| Member::User(user.name.clone())),
            Part::Group(key) => self.groups.get(key).map(|group| Member::Group(group.name.clone())),
        });
        spelled.collect()
    }

    /// Memberships that a full pull stated of somebody or something that it did not state.
    pub fn strangers(&self) -> &[(GroupName, Member)] {
        &self.strangers
    }

    /// What this lacks, has too much, or has otherwise than another, in words; empty when they are alike.
    ///
    /// Everything that is kept of an entry counts, the spelling of names too; ids of groups do not.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for user in other.users() {
            match self.users.get(&user.external_id) {
                None => found.push(format!("lacks the user {} ({})", user.name, user.external_id)),
                Some(own) if Mark::of_user(own) != Mark::of_user(user) => {
                    found.push(format!("has {own:?}, not {user:?}"));
                }
                Some(_) => {}
            }
        }
        for user in self.users().filter(|user| !other.users.contains_key(&user.external_id)) {
            found.push(format!("still has the user {} ({})", user.name, user.external_id));
        }
        for group in other.groups() {
            match self.group(group.key()) {
                None => found.push(format!("lacks the group {}", group.name)),
                Some(own) if Mark::of_group(own) != Mark::of_group(group) => {
                    found.push(format!("has {own:?}, not {group:?}"));
                }
                Some(_) => {}
            }
        }
        for group in self.groups() {
            let (own, others) = (self.members(group.key()), other.members(group.key()));
            if other.group(group.key()).is_none() {
                found.push(format!("still has the group {}", group.name));
            }
            found.extend(others.difference(&own).map(|member| format!("lacks {member:?} in {}", group.name)));
            found.extend(
                own.difference(&others).map(|member| format!("still has {member:?} in {}", group.name)),
            );
        }
        found
    }

    fn take_memberships(&mut self, words: &[&Item], former: &BTreeSet<Member>) -> Result<(), Contradiction> {
        let ids = self.ids();
        for (group, member) in std::mem::take(&mut self.strangers) {
            if let (Some(part), true) = (self.part(&ids, &member), self.groups.contains_key(group.key())) {
                self.members.entry(group.key().clone()).or_default().insert(part);
            }
        }
        for word in words {
            match word {
                Item::Joined(group, member) => self.join(&ids, group, member, former)?,
                Item::Left(group, member) => {
                    if let (Some(part), Some(parts)) =
                        (self.part(&ids, member), self.members.get_mut(group.key()))
                    {
                        parts.remove(&part);
                    }
                }
                Item::MemberOf(member, groups) => {
                    if let Some(part) = self.part(&ids, member) {
                        self.leave_all(&part);
                    }
                    for group in groups {
                        self.join(&ids, group, member, former)?;
                    }
                }
                Item::User(_)
                | Item::Group(_)
                | Item::Members { .. }
                | Item::UserGone(_)
                | Item::GroupGone(_)
                | Item::Unreadable(_) => {}
            }
        }
        Ok(())
    }

    fn join(
        &mut self,
        ids: &BTreeMap<Key, ExternalId>,
        group: &GroupName,
        member: &Member,
        former: &BTreeSet<Member>,
    ) -> Result<(), Contradiction> {
        let was_there = || former.contains(member) || former.contains(&Member::Group(group.clone()));
        match self.part(ids, member) {
            Some(part) if self.groups.contains_key(group.key()) => {
                self.members.entry(group.key().clone()).or_default().insert(part);
                Ok(())
            }
            Some(_) | None if was_there() => Ok(()),
            Some(_) | None => Err(Contradiction::NotThere(group.clone(), member.clone())),
        }
    }

    fn ids(&self) -> BTreeMap<Key, ExternalId> {
        self.users().map(|user| (user.key().clone(), user.external_id.clone())).collect()
    }

    fn part(&self, ids: &BTreeMap<Key, ExternalId>, member: &Member) -> Option<Part> {
        match member {
            Member::User(name) => ids.get(name.key()).cloned().map(Part::User),
            Member::Group(name) => {
                self.groups.contains_key(name.key()).then(|| Part::Group(name.key().clone()))
            }
        }
    }

    fn holders(&self, gone: &Gone) -> Vec<User> {
        match gone {
            Gone::Id(id) => self.users.get(id).cloned().into_iter().collect(),
            Gone::Name(name) => self.users().filter(|user| user.name == *name).cloned().collect(),
        }
    }

    fn leave_all(&mut self, part: &Part) {
        for parts in self.members.values_mut() {
            parts.remove(part);
        }
    }

    fn twice(&self) -> Option<Username> {
        let mut keys = BTreeSet::new();
        self.users().find(|user| !keys.insert(user.key())).map(|user| user.name.clone())
    }
}

/// Whether a word about memberships is about somebody or something.
fn concerns(word: &Item, of: &Member) -> bool {
    let is_group = |name: &GroupName| matches!(of, Member::Group(group) if group == name);
    match word {
        Item::Joined(group, member) | Item::Left(group, member) => member == of || is_group(group),
        // Of the groups that it names, one that is gone is passed over.
        Item::MemberOf(member, _) => member == of,
        Item::User(_)
        | Item::Group(_)
        | Item::Members { .. }
        | Item::UserGone(_)
        | Item::GroupGone(_)
        | Item::Unreadable(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use throng_core::attribute::Attributes;
    use throng_core::group::Origin;
    use throng_core::sync::Part as PartOf;
    use throng_core::user::Profile;

    use super::*;

    fn username(name: &str) -> Username {
        Username::new(name).unwrap()
    }

    fn group_name(name: &str) -> GroupName {
        GroupName::new(name).unwrap()
    }

    fn member(name: &str) -> Member {
        Member::User(username(name))
    }

    fn user(id: &str, name: &str) -> Item {
        Item::User(User {
            external_id: ExternalId::new(id).unwrap(),
            name: username(name),
            profile: Profile::default(),
            active: true,
            attributes: Attributes::new(),
        })
    }

    fn group(name: &str) -> Item {
        Item::Group(Group {
            external_id: ExternalId::new(name).unwrap(),
            name: group_name(name),
            description: String::new(),
            origin: Origin::Imported,
            attributes: Attributes::new(),
        })
    }

    fn members(group: &str, members: &[Member]) -> Item {
        Item::Members { group: group_name(group), members: members.to_vec(), part: PartOf::Last }
    }

    fn joined(group: &str, who: &str) -> Item {
        Item::Joined(group_name(group), member(who))
    }

    fn gone(name: &str) -> Item {
        Item::UserGone(Gone::Name(username(name)))
    }

    /// `anna` (1) and `bela` (2); `devs` ⊃ `anna`.
    fn before() -> Likeness {
        let items = [user("1", "anna"), user("2", "bela"), group("devs"), members("devs", &[member("anna")])];
        Likeness::of(&items).unwrap()
    }

    fn after(items: &[Item]) -> Likeness {
        let mut likeness = before();
        likeness.take(items).unwrap();
        likeness
    }

    fn devs(likeness: &Likeness) -> Vec<String> {
        likeness.members(group_name("devs").key()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_renamed_user_keeps_its_groups_and_a_successor_gets_none_t05() {
        assert_eq!(devs(&after(&[user("1", "annika")])), ["annika"]);
        assert_eq!(devs(&after(&[user("1", "annika"), user("3", "anna")])), ["annika"]);
        assert_eq!(devs(&after(&[gone("anna"), user("3", "anna")])), [""; 0]);
        assert_eq!(devs(&after(&[gone("anna"), user("1", "anna")])), [""; 0]);
        assert_eq!(devs(&after(&[gone("anna"), user("3", "anna"), joined("devs", "anna")])), ["anna"]);
        let by_id = Item::UserGone(Gone::Id(ExternalId::new("2").unwrap()));
        assert_eq!(devs(&after(&[joined("devs", "bela"), by_id, user("3", "bela")])), ["anna"]);
    }

    #[test]
    fn a_group_that_is_made_anew_is_empty_t05() {
        let anew = [Item::GroupGone(group_name("devs")), group("devs")];
        assert_eq!(devs(&after(&anew)), [""; 0]);
        let filled = [joined("devs", "bela"), anew[0].clone(), anew[1].clone(), joined("devs", "anna")];
        assert_eq!(devs(&after(&filled)), ["anna"]);
    }

    #[test]
    fn the_last_word_about_a_membership_counts() {
        let left = Item::Left(group_name("devs"), member("anna"));
        let nowhere = Item::MemberOf(member("anna"), vec![]);
        assert_eq!(devs(&after(&[left.clone(), joined("devs", "anna")])), ["anna"]);
        assert_eq!(devs(&after(&[joined("devs", "anna"), left])), [""; 0]);
        assert_eq!(devs(&after(&[joined("devs", "anna"), nowhere])), [""; 0]);
        assert_eq!(
            devs(&after(&[Item::MemberOf(member("bela"), vec![group_name("devs")])])),
            ["anna", "bela"]
        );
    }

    #[test]
    fn names_may_be_exchanged_within_a_pull() {
        let exchanged = after(&[joined("devs", "anna"), user("1", "bela"), user("2", "anna")]);
        assert_eq!(devs(&exchanged), ["anna", "bela"]);
    }

    #[test]
    fn who_was_renamed_amid_a_pull_keeps_its_groups_t63() {
        let torn = [user("1", "anna"), group("devs"), members("devs", &[member("annika")])];
        let mut likeness = Likeness::of(&torn).unwrap();
        likeness.take(&[user("1", "annika")]).unwrap();
        assert_eq!(devs(&likeness), ["annika"]);
        let mut likeness = Likeness::of(&torn).unwrap();
        let left = Item::Left(group_name("devs"), member("annika"));
        likeness.take(&[user("1", "annika"), left]).unwrap();
        assert_eq!(devs(&likeness), [""; 0]);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let take = |items: &[Item]| before().take(items).unwrap_err();
        assert!(matches!(take(&[members("devs", &[])]), Contradiction::OutOfPlace(_)));
        assert_eq!(
            take(&[joined("devs", "dora")]),
            Contradiction::NotThere(group_name("devs"), member("dora"))
        );
        assert_eq!(take(&[user("2", "anna")]), Contradiction::TwoOfAName(username("anna")));
        assert!(matches!(Likeness::of(&[gone("anna")]), Err(Contradiction::OutOfPlace(_))));
        let torn = Likeness::of(&[group("devs"), members("devs", &[member("dora")])]).unwrap();
        assert_eq!(torn.strangers(), [(group_name("devs"), member("dora"))]);
    }

    #[test]
    fn every_difference_is_told() {
        assert_eq!(before().differences(&before()), [""; 0]);
        let changed = after(&[
            user("1", "Anna"),
            gone("bela"),
            user("3", "cem"),
            group("ops"),
            Item::Left(group_name("devs"), member("anna")),
        ]);
        let found = before().differences(&changed);
        assert!(found.iter().any(|line| line.starts_with("has User")), "{found:?}");
        for line in [
            "lacks the user cem (3)",
            "still has the user bela (2)",
            "lacks the group ops",
            "still has User(\"anna\") in devs",
        ] {
            assert!(found.iter().any(|told| told == line), "{line}: {found:?}");
        }
        let found = changed.differences(&before());
        for line in ["still has the group ops", "lacks User(\"anna\") in devs"] {
            assert!(found.iter().any(|told| told == line), "{line}: {found:?}");
        }
    }
}
