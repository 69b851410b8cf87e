use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher13 as SipHasher13x128};

use crate::attribute::Attributes;
use crate::group::{Group, Member};
use crate::id::ExternalId;
use crate::name::Key;
use crate::user::User;

/// What an entry is recognised by without reading it: 64 bits of everything that is kept of it.
///
/// 1. Equal entries have equal marks, in every process and every release that keeps [`Mark::VERSION`].
/// 2. Entries that differ have different marks, but for one pair in 2⁶⁴. A source that made such a pair on purpose
///    would hide its own change and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark(i64);

impl Mark {
    /// Changes with what goes into a mark, so that marks of another version are never compared.
    pub const VERSION: u8 = 2;

    /// Wraps a mark that was stored.
    pub const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// The bits to store.
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// The mark of a user: id, spelling, profile, active flag and attributes.
    pub fn of_user(user: &User) -> Self {
        let mut ink = Ink::new(b'u');
        ink.text(user.external_id.as_str());
        ink.text(user.name.as_str());
        let profile = &user.profile;
        for field in [&profile.display_name, &profile.first_name, &profile.last_name, &profile.email] {
            ink.text(field);
        }
        ink.number(u64::from(user.active));
        ink.attributes(&user.attributes);
        ink.mark()
    }

    /// The mark of a group: key, description and attributes. Its id does not count: sources without ids would all
    /// differ from those with. Nor does its spelling, which stays as it was (R124): it would differ in every round.
    pub fn of_group(group: &Group) -> Self {
        let mut ink = Ink::new(b'g');
        ink.text(group.key().as_str());
        ink.text(&group.description);
        ink.attributes(&group.attributes);
        ink.mark()
    }
}

/// The mark of the direct members of a group, summed up one by one.
///
/// The order does not count, and each member must be added once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MembersMark {
    sum: u64,
    count: u64,
}

impl MembersMark {
    /// Adds a member.
    pub fn add(&mut self, member: &Member) {
        self.add_imprint(Imprint::of_member(member));
    }

    /// Adds a member by its imprint.
    pub fn add_imprint(&mut self, member: Imprint) {
        let mut ink = Ink::new(b'm');
        ink.hasher.write(&member.0);
        self.sum = self.sum.wrapping_add(ink.hasher.finish());
        self.count += 1;
    }

    /// How many were added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mark of all that were added.
    pub fn mark(&self) -> Mark {
        let mut ink = Ink::new(b'M');
        ink.number(self.sum);
        ink.number(self.count);
        ink.mark()
    }
}

/// 128 bits that stand for a name or an id in memory, so that a directory of any size is remembered in few bytes.
///
/// The order means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Bytes, since a number of 128 bits would be aligned to 16: with a flag beside it, it took twice as much.
pub struct Imprint([u8; 16]);

impl Imprint {
    /// The imprint of an external id.
    pub fn of_id(id: &ExternalId) -> Self {
        Self::of(b'i', id.as_str())
    }

    /// The imprint of a member by its kind and its key.
    pub fn of_member(member: &Member) -> Self {
        match member {
            Member::User(name) => Self::of_user(name.key()),
            Member::Group(name) => Self::of_group(name.key()),
        }
    }

    /// The imprint of a user's key.
    pub fn of_user(key: &Key) -> Self {
        Self::of(b'u', key.as_str())
    }

    /// The imprint of a group's key.
    pub fn of_group(key: &Key) -> Self {
        Self::of(b'g', key.as_str())
    }

    /// The 128 bits.
    pub const fn bits(self) -> u128 {
        u128::from_le_bytes(self.0)
    }

    fn of(kind: u8, text: &str) -> Self {
        let mut hasher = SipHasher13x128::new();
        hasher.write(&[kind]);
        hasher.write(text.as_bytes());
        Self(hasher.finish128().as_u128().to_le_bytes())
    }
}

/// Hashes fields so that no two lists of fields look alike.
struct Ink {
    hasher: SipHasher13,
}

impl Ink {
    fn new(kind: u8) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(&[Mark::VERSION, kind]);
        Self { hasher }
    }

    fn text(&mut self, text: &str) {
        self.number(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.hasher.write(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.hasher.write(&number.to_le_bytes());
    }

    fn attributes(&mut self, attributes: &Attributes) {
        for (name, values) in attributes.iter() {
            self.text(name);
            self.number(u64::try_from(values.len()).unwrap_or(u64::MAX));
            values.iter().for_each(|value| self.text(value));
        }
    }

    fn mark(self) -> Mark {
        Mark(i64::from_le_bytes(self.hasher.finish().to_le_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Origin;
    use crate::name::{GroupName, Username};
    use crate::user::Profile;

    fn user() -> User {
        User {
            external_id: ExternalId::new("1").unwrap(),
            name: Username::new("Anna").unwrap(),
            profile: Profile { first_name: "ab".into(), ..Profile::default() },
            active: true,
            attributes: Attributes::new(),
        }
    }

    #[test]
    fn everything_that_is_kept_of_a_user_counts() {
        let same = Mark::of_user(&user());
        assert_eq!(Mark::of_user(&user()), same);
        let mut changed: Vec<User> = (0..8).map(|_| user()).collect();
        changed[0].external_id = ExternalId::new("2").unwrap();
        changed[1].name = Username::new("anna").unwrap();
        changed[2].profile.display_name = "x".into();
        changed[3].profile = Profile { first_name: "a".into(), last_name: "b".into(), ..Profile::default() };
        changed[4].profile.email = "x".into();
        changed[5].active = false;
        changed[6].attributes.set("a", vec!["b".into(), "c".into()]).unwrap();
        changed[7].attributes.set("a", vec!["bc".into()]).unwrap();
        let marks: std::collections::BTreeSet<i64> =
            changed.iter().map(|user| Mark::of_user(user).bits()).chain([same.bits()]).collect();
        assert_eq!(marks.len(), 9);
    }

    #[test]
    fn what_a_group_is_called_and_for_counts() {
        let group = |name: &str, description: &str| Group {
            external_id: ExternalId::new(name).unwrap(),
            name: GroupName::new(name).unwrap(),
            description: description.into(),
            origin: Origin::Imported,
            attributes: Attributes::new(),
        };
        assert_eq!(Mark::of_group(&group("a", "b")), Mark::of_group(&group("a", "b")));
        assert_ne!(Mark::of_group(&group("a", "b")), Mark::of_group(&group("b", "b")));
        assert_eq!(Mark::of_group(&group("a", "b")), Mark::of_group(&group("A", "b")), "R124");
        assert_ne!(Mark::of_group(&group("a", "b")), Mark::of_group(&group("a", "c")));
    }

    #[test]
    fn members_count_by_key_and_kind_in_any_order() {
        let (a, b) = (Username::new("a").unwrap(), Username::new("B").unwrap());
        let mark = |members: &[Member]| {
            let mut sum = MembersMark::default();
            members.iter().for_each(|member| sum.add(member));
            sum.mark()
        };
        let (a, b, other) = (Member::User(a), Member::User(b), Member::Group(GroupName::new("b").unwrap()));
        assert_eq!(mark(&[a.clone(), b.clone()]), mark(&[b.clone(), a.clone()]));
        assert_eq!(mark(std::slice::from_ref(&b)), mark(&[Member::User(Username::new("b").unwrap())]));
        assert_ne!(mark(&[a.clone(), b]), mark(&[a.clone(), other]));
        assert_ne!(mark(&[a]), mark(&[]));
    }
}
