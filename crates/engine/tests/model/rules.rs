//! The naive model: several directories as plain maps, and what the rules say about them.

use std::collections::{BTreeMap, BTreeSet};

use throng_core::filter::{Filter, Property, Test};
use throng_core::permission::Operation;
use throng_core::plan::MembershipScheme;
use throng_engine::application::Depth;

pub(super) const NAMES: [&str; 5] = ["ada", "bo", "cy", "di", "ed"];
pub(super) const GROUPS: [&str; 4] = ["ga", "gb", "gc", "gd"];
pub(super) const MAILS: [&str; 3] = ["", "one@example.org", "two@example.org"];

/// A spelling of a name: as it is, in capitals, or in wide letters.
pub(super) fn spelling(name: &str, variant: u8) -> String {
    match variant {
        0 => name.into(),
        1 => name.to_ascii_uppercase(),
        _ => name.bytes().map(|letter| char::from_u32(u32::from(letter) - 0x21 + 0xFF01).unwrap()).collect(),
    }
}

/// Which of the names a spelling is one of.
pub(super) fn number(names: &[&str], text: &str) -> u8 {
    let at = (0..names.len()).find(|&n| (0..3).any(|variant| spelling(names[n], variant) == text));
    u8::try_from(at.unwrap_or_else(|| panic!("{text} is no name of the model"))).unwrap()
}

pub(super) fn user_number(text: &str) -> u8 {
    number(&NAMES, text)
}

pub(super) fn group_number(text: &str) -> u8 {
    number(&GROUPS, text)
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Internal,
    Delegated,
    Live,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Person {
    pub(super) spelling: String,
    pub(super) active: bool,
    pub(super) mail: u8,
}

#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) nests: bool,
    pub(super) silent: bool,
    /// One bit for each operation: the directory's mask and the seat's.
    pub(super) masks: (u8, u8),
    /// Whether users, groups and members can be written; all of it, where it is stored.
    pub(super) powers: (bool, bool, bool),
    pub(super) users: BTreeMap<u8, Person>,
    pub(super) groups: BTreeMap<u8, (String, String)>,
    /// Group and user.
    pub(super) inside: BTreeSet<(u8, u8)>,
    /// Parent and child.
    pub(super) edges: BTreeSet<(u8, u8)>,
}

impl Place {
    pub(super) fn may(&self, operation: Operation) -> bool {
        let bit = Operation::ALL.iter().position(|other| *other == operation).unwrap();
        let able = match operation {
            Operation::CreateUser | Operation::UpdateUser | Operation::DeleteUser => self.powers.0,
            _ => self.powers.1,
        };
        able && self.masks.0 & self.masks.1 & (1 << bit) != 0
    }

    /// Adding and removing members needs the power over members and UPDATE_GROUP (R113).
    pub(super) fn may_join(&self) -> bool {
        let bit = Operation::ALL.iter().position(|other| *other == Operation::UpdateGroup).unwrap();
        self.powers.2 && self.masks.0 & self.masks.1 & (1 << bit) != 0
    }

    /// All groups above some, along edges, the first ones included.
    pub(super) fn above(&self, mut reached: BTreeSet<u8>) -> BTreeSet<u8> {
        loop {
            let more: Vec<u8> = self
                .edges
                .iter()
                .filter(|(_, child)| reached.contains(child))
                .map(|(parent, _)| *parent)
                .collect();
            let before = reached.len();
            reached.extend(more);
            if reached.len() == before {
                return reached;
            }
        }
    }

    pub(super) fn groups_of(&self, user: u8, depth: Depth) -> BTreeSet<u8> {
        let direct = self.inside.iter().filter(|(_, of)| *of == user).map(|(group, _)| *group).collect();
        if depth == Depth::Nested && self.nests { self.above(direct) } else { direct }
    }

    pub(super) fn groups_of_group(&self, group: u8, depth: Depth) -> BTreeSet<u8> {
        if !self.nests {
            return BTreeSet::new();
        }
        let direct =
            self.edges.iter().filter(|(_, child)| *child == group).map(|(parent, _)| *parent).collect();
        let mut found = if depth == Depth::Nested { self.above(direct) } else { direct };
        found.remove(&group);
        found
    }

    pub(super) fn drop_group(&mut self, group: u8) {
        self.groups.remove(&group);
        self.inside.retain(|(of, _)| *of != group);
        self.edges.retain(|(parent, child)| *parent != group && *child != group);
    }
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) places: Vec<Place>,
    pub(super) order: Vec<usize>,
    pub(super) scheme: MembershipScheme,
    pub(super) crowd: bool,
}

/// How a call went, as far as the rules say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Class {
    Done,
    Missing,
    Unavailable,
    Taken,
    AlreadyMember,
    Cycle,
    Forbidden,
    NoNesting,
}

impl Model {
    pub(super) fn in_order(&self) -> impl Iterator<Item = (usize, &Place)> {
        self.order.iter().map(|&at| (at, &self.places[at]))
    }

    pub(super) fn somebody_is_silent(&self) -> bool {
        self.places.iter().any(|place| place.silent)
    }

    /// The place that decides about a name (R230, R204); `passes` when silence is passed (R206).
    pub(super) fn first(&self, holds: impl Fn(&Place) -> bool, passes: bool) -> Result<usize, Class> {
        let mut silence = false;
        for (at, place) in self.in_order() {
            match place.silent {
                true if passes => silence = true,
                true => return Err(Class::Unavailable),
                false if holds(place) => return Ok(at),
                false => {}
            }
        }
        Err(if silence { Class::Unavailable } else { Class::Missing })
    }

    pub(super) fn user(&self, user: u8) -> Result<usize, Class> {
        self.first(|place| place.users.contains_key(&user), self.crowd)
    }

    /// Who is known to hold something, in order.
    pub(super) fn holders(&self, holds: impl Fn(&Place) -> bool) -> Vec<usize> {
        self.in_order().filter(|(_, place)| !place.silent && holds(place)).map(|(at, _)| at).collect()
    }

    pub(super) fn users_places(&self, user: u8) -> Vec<usize> {
        self.holders(|place| place.users.contains_key(&user))
    }

    pub(super) fn groups_places(&self, group: u8) -> Vec<usize> {
        self.holders(|place| place.groups.contains_key(&group))
    }

    /// R271, R272; `at` is where the user was found.
    pub(super) fn groups_of(&self, at: usize, user: u8, depth: Depth) -> Result<BTreeSet<u8>, Class> {
        match self.scheme {
            MembershipScheme::Canonical => Ok(self.places[at].groups_of(user, depth)),
            MembershipScheme::Aggregated if self.somebody_is_silent() => Err(Class::Unavailable),
            MembershipScheme::Aggregated => Ok(self
                .users_places(user)
                .into_iter()
                .flat_map(|at| self.places[at].groups_of(user, depth))
                .collect()),
        }
    }

    pub(super) fn group_must_be_known(&self, group: u8) -> Result<Vec<usize>, Class> {
        let places = self.groups_places(group);
        match places.is_empty() {
            _ if self.somebody_is_silent() => Err(Class::Unavailable),
            true => Err(Class::Missing),
            false => Ok(places),
        }
    }

    /// The users in a group, each with the place that counts (R271, R272, R406).
    pub(super) fn members_of(&self, group: u8, depth: Depth) -> Result<BTreeMap<u8, usize>, Class> {
        let mut found = BTreeMap::new();
        for at in self.group_must_be_known(group)? {
            let place = &self.places[at];
            for &user in place.users.keys() {
                let canonical = self.users_places(user)[0] == at;
                let counts = canonical || self.scheme == MembershipScheme::Aggregated;
                if counts && place.groups_of(user, depth).contains(&group) {
                    found.entry(user).or_insert(at);
                }
            }
        }
        Ok(found)
    }

    /// R273, R408.
    pub(super) fn groups_of_group(&self, group: u8, depth: Depth) -> Result<BTreeSet<u8>, Class> {
        let places = self.group_must_be_known(group)?;
        let counted = if self.scheme == MembershipScheme::Canonical { 1 } else { places.len() };
        Ok(places[..counted].iter().flat_map(|&at| self.places[at].groups_of_group(group, depth)).collect())
    }

    /// R273.
    pub(super) fn groups_in(&self, group: u8, depth: Depth) -> Result<BTreeSet<u8>, Class> {
        let mut found = BTreeSet::new();
        for at in self.group_must_be_known(group)? {
            for &child in self.places[at].groups.keys() {
                let counts =
                    self.scheme == MembershipScheme::Aggregated || self.groups_places(child)[0] == at;
                if counts && self.places[at].groups_of_group(child, depth).contains(&group) {
                    found.insert(child);
                }
            }
        }
        Ok(found)
    }

    /// R240 to R244, Q04.
    pub(super) fn search(&self, wanted: &Wanted) -> Result<Vec<(u8, usize)>, Class> {
        if self.somebody_is_silent() {
            return Err(Class::Unavailable);
        }
        let shown = |user: u8| {
            let mut places = self.users_places(user);
            if !self.crowd {
                places.truncate(1);
            }
            places.into_iter().find(|&at| wanted.passes(user, &self.places[at].users[&user]))
        };
        Ok((0..5).filter_map(|user| Some((user, shown(user)?))).collect())
    }
}

/// What a search asks for.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Everybody,
    Begins(u8),
    Mail(u8),
    Active(bool),
    Not(Box<Wanted>),
    Both(Box<Wanted>, Box<Wanted>),
    Either(Box<Wanted>, Box<Wanted>),
}

impl Wanted {
    pub(super) fn passes(&self, user: u8, person: &Person) -> bool {
        match self {
            Self::Everybody => true,
            Self::Begins(name) => user == *name,
            Self::Mail(mail) => person.mail == *mail,
            Self::Active(active) => person.active == *active,
            Self::Not(part) => !part.passes(user, person),
            Self::Both(a, b) => a.passes(user, person) && b.passes(user, person),
            Self::Either(a, b) => a.passes(user, person) || b.passes(user, person),
        }
    }

    pub(super) fn filter(&self) -> Filter {
        match self {
            Self::Everybody => Filter::everything(),
            Self::Begins(name) => Filter::name_starts_with(&spelling(&NAMES[usize::from(*name)][..1], 2)),
            Self::Mail(0) => Filter::term(Property::Email, Test::Missing),
            Self::Mail(mail) => Filter::email(&MAILS[usize::from(*mail)].to_ascii_uppercase()),
            Self::Active(active) => Filter::term(Property::Active, Test::Is(*active)),
            Self::Not(part) => Filter::negate(part.filter()).unwrap(),
            Self::Both(a, b) => Filter::all(vec![a.filter(), b.filter()]).unwrap(),
            Self::Either(a, b) => Filter::any(vec![a.filter(), b.filter()]).unwrap(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Create(u8, u8),
    Update(u8, u8),
    Rename(u8, u8, u8),
    Remove(u8),
    MakeGroup(u8, u8),
    Describe(u8, u8),
    DropGroup(u8),
    Join(u8, u8),
    Leave(u8, u8),
    Nest(u8, u8),
    Unnest(u8, u8),
}

/// What the rules say about an action: every class that they allow; none when they do not say.
pub(super) type Verdict = Option<Vec<Class>>;

pub(super) fn only(class: Class) -> Verdict {
    Some(vec![class])
}

/// Writing, by R250 to R289.
impl Model {
    pub(super) fn act(&mut self, action: Action) -> Verdict {
        let outcome = match action {
            Action::Create(user, variant) => self.create(user, variant),
            Action::Update(user, mail) => self.own_place(user, Operation::UpdateUser).map(|at| {
                self.places[at].users.get_mut(&user).unwrap().mail = mail;
            }),
            Action::Rename(user, to, variant) => return self.rename(user, to, variant),
            Action::Remove(user) => self.own_place(user, Operation::DeleteUser).map(|at| {
                self.places[at].users.remove(&user);
                self.places[at].inside.retain(|(_, of)| *of != user);
            }),
            Action::MakeGroup(group, variant) => self.make_group(group, variant),
            Action::Describe(group, text) => self.each_copy(group, Operation::UpdateGroup, |place| {
                place.groups.get_mut(&group).unwrap().1 = text.to_string();
            }),
            Action::DropGroup(group) => {
                self.each_copy(group, Operation::DeleteGroup, |place| place.drop_group(group))
            }
            Action::Join(user, group) => self.join(user, group),
            Action::Leave(user, group) => self.leave(user, group),
            Action::Nest(child, parent) => {
                let silence = self.somebody_is_silent();
                let mut allowed = self.nest(child, parent);
                // What is found out first, silence or another reason, the rules leave open.
                allowed.extend(silence.then_some(Class::Unavailable));
                return Some(allowed);
            }
            Action::Unnest(child, parent) => self.unnest(child, parent),
        };
        only(outcome.err().unwrap_or(Class::Done))
    }

    pub(super) fn must_be_free(&self, holders: &[usize]) -> Result<(), Class> {
        match (holders.is_empty(), self.somebody_is_silent()) {
            (false, _) => Err(Class::Taken),
            (true, true) => Err(Class::Unavailable),
            (true, false) => Ok(()),
        }
    }

    /// R250.
    pub(super) fn create(&mut self, user: u8, variant: u8) -> Result<(), Class> {
        self.must_be_free(&self.users_places(user))?;
        let at = *self.holders(|place| place.may(Operation::CreateUser)).first().ok_or(Class::Forbidden)?;
        let spelling = spelling(NAMES[usize::from(user)], variant);
        self.places[at].users.insert(user, Person { spelling, active: true, mail: 0 });
        Ok(())
    }

    /// R252, R253, R231: the canonical place, and nobody above it may be silent.
    pub(super) fn own_place(&self, user: u8, operation: Operation) -> Result<usize, Class> {
        let at = self.first(|place| place.users.contains_key(&user), false)?;
        if self.places[at].may(operation) { Ok(at) } else { Err(Class::Forbidden) }
    }

    /// R255, Q06.
    pub(super) fn rename(&mut self, user: u8, to: u8, variant: u8) -> Verdict {
        let at = match self.own_place(user, Operation::UpdateUser) {
            Ok(at) => at,
            Err(why) => return only(why),
        };
        if user != to {
            let taken = match self.crowd {
                true if self.places[at].users.contains_key(&to) => Err(Class::Taken),
                true => Ok(()),
                false => self.must_be_free(&self.users_places(to)),
            };
            if let Err(why) = taken {
                return only(why);
            }
        }
        let place = &mut self.places[at];
        let mut person = place.users.remove(&user).unwrap();
        person.spelling = spelling(NAMES[usize::from(to)], variant);
        place.users.insert(to, person);
        place.inside =
            place.inside.iter().map(|&(of, who)| (of, if who == user { to } else { who })).collect();
        // Under a namesake, what is to be answered is not said; nobody else may be taken for the one renamed.
        (self.users_places(to)[0] == at).then(|| vec![Class::Done])
    }

    /// R260, Q07.
    pub(super) fn make_group(&mut self, group: u8, variant: u8) -> Result<(), Class> {
        self.must_be_free(&self.groups_places(group))?;
        let mut targets = self.holders(|place| place.may(Operation::CreateGroup));
        if !self.crowd {
            targets.truncate(1);
        }
        let copy = (spelling(GROUPS[usize::from(group)], variant), "new".to_owned());
        for &at in &targets {
            self.places[at].groups.insert(group, copy.clone());
        }
        if targets.is_empty() { Err(Class::Forbidden) } else { Ok(()) }
    }

    /// R261, R262.
    pub(super) fn each_copy(
        &mut self,
        group: u8,
        operation: Operation,
        change: impl Fn(&mut Place),
    ) -> Result<(), Class> {
        let holders = self.group_must_be_known(group)?;
        let targets: Vec<usize> = holders.into_iter().filter(|&at| self.places[at].may(operation)).collect();
        for &at in &targets {
            change(&mut self.places[at]);
        }
        if targets.is_empty() { Err(Class::Forbidden) } else { Ok(()) }
    }

    /// Where a member counts (R280, R281), when `first` is its canonical place.
    pub(super) fn candidates(&self, first: usize, all: Vec<usize>) -> Result<Vec<usize>, Class> {
        match self.scheme {
            MembershipScheme::Canonical => Ok(vec![first]),
            MembershipScheme::Aggregated if self.somebody_is_silent() => Err(Class::Unavailable),
            MembershipScheme::Aggregated => Ok(all),
        }
    }

    /// R280, R283: where the group gets a member, made there if need be.
    pub(super) fn place_for(&self, candidates: &[usize], group: u8) -> Result<usize, Class> {
        self.group_must_be_known(group)?;
        let there = |at: &&usize| {
            let place = &self.places[**at];
            place.groups.contains_key(&group) && place.may_join()
        };
        let makeable = |at: &&usize| {
            let place = &self.places[**at];
            !place.groups.contains_key(&group) && place.may_join() && place.may(Operation::CreateGroup)
        };
        let found = candidates.iter().find(there).or_else(|| candidates.iter().find(makeable));
        found.copied().ok_or(Class::Forbidden)
    }

    pub(super) fn make_copy(&mut self, at: usize, group: u8) {
        let copy = self.places[self.groups_places(group)[0]].groups[&group].clone();
        self.places[at].groups.entry(group).or_insert(copy);
    }

    /// R280 to R283.
    pub(super) fn join(&mut self, user: u8, group: u8) -> Result<(), Class> {
        let first = self.first(|place| place.users.contains_key(&user), false)?;
        let candidates = self.candidates(first, self.users_places(user))?;
        if candidates.iter().any(|&at| self.places[at].inside.contains(&(group, user))) {
            return Err(Class::AlreadyMember);
        }
        let at = self.place_for(&candidates, group)?;
        self.make_copy(at, group);
        self.places[at].inside.insert((group, user));
        Ok(())
    }

    /// R284 to R286.
    pub(super) fn leave(&mut self, user: u8, group: u8) -> Result<(), Class> {
        let first = self.first(|place| place.users.contains_key(&user), false)?;
        let mut holders = self.candidates(first, self.users_places(user))?;
        holders.retain(|&at| self.places[at].inside.contains(&(group, user)));
        self.all_or_none(&holders)?;
        for at in holders {
            self.places[at].inside.remove(&(group, user));
        }
        Ok(())
    }

    pub(super) fn all_or_none(&self, holders: &[usize]) -> Result<(), Class> {
        match holders {
            [] => Err(Class::Missing),
            holders if holders.iter().all(|&at| self.places[at].may_join()) => Ok(()),
            _ => Err(Class::Forbidden),
        }
    }

    pub(super) fn nesting_candidates(&self, child: u8) -> Result<Vec<usize>, Class> {
        let first = self.first(|place| place.groups.contains_key(&child), false)?;
        let mut candidates = self.candidates(first, self.groups_places(child))?;
        candidates.retain(|&at| self.places[at].nests);
        if candidates.is_empty() { Err(Class::NoNesting) } else { Ok(candidates) }
    }

    /// R287, R288.
    pub(super) fn nest(&mut self, child: u8, parent: u8) -> Vec<Class> {
        if child == parent {
            return vec![Class::Cycle];
        }
        let by_scheme = self.groups_of_group(parent, Depth::Nested).is_ok_and(|above| above.contains(&child));
        let target = self.nesting_candidates(child).and_then(|candidates| {
            let there = candidates.iter().any(|&at| self.places[at].edges.contains(&(parent, child)));
            if there { Err(Class::AlreadyMember) } else { self.place_for(&candidates, parent) }
        });
        match target {
            // Which of two reasons comes first makes no difference to anybody.
            Err(why) if by_scheme => vec![Class::Cycle, why],
            Err(why) => vec![why],
            Ok(_) if by_scheme => vec![Class::Cycle],
            Ok(at) if self.places[at].groups_of_group(parent, Depth::Nested).contains(&child) => {
                vec![Class::Cycle]
            }
            Ok(at) => {
                self.make_copy(at, parent);
                self.places[at].edges.insert((parent, child));
                vec![Class::Done]
            }
        }
    }

    pub(super) fn unnest(&mut self, child: u8, parent: u8) -> Result<(), Class> {
        let mut holders = self.nesting_candidates(child)?;
        holders.retain(|&at| self.places[at].edges.contains(&(parent, child)));
        self.all_or_none(&holders)?;
        for at in holders {
            self.places[at].edges.remove(&(parent, child));
        }
        Ok(())
    }
}
