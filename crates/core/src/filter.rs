//! Search restrictions as a tree with limits.

use crate::group::Group;
use crate::name::Key;
use crate::user::User;

/// What a search asks for. Built only by the functions here, which hold the limits.
///
/// 1. Text is compared by its [`Key`], so that case, width and composition make no difference in any store.
/// 2. Depth is at most [`Filter::MAX_DEPTH`] and there are at most [`Filter::MAX_TERMS`] terms (T81).
/// 3. `%`, `_` and `*` have no meaning: every text is literal.
/// 4. [`Filter::matches_user`] and [`Filter::matches_group`] define the meaning; a store may narrow its search by
///    what it can index and must give the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    node: Node,
    depth: usize,
    terms: usize,
}

/// One part of a [`Filter`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Everything.
    Everything,
    /// One comparison.
    Term(Term),
    /// All parts hold; true when there are none.
    All(Vec<Node>),
    /// Some part holds; false when there are none.
    Any(Vec<Node>),
    /// The part does not hold.
    Not(Box<Node>),
}

/// One comparison of a property with a text or a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What is compared.
    pub property: Property,
    /// How.
    pub test: Test,
}

/// A property of a user or a group. One that the entity does not have matches nothing but [`Test::Missing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    /// The name.
    Name,
    /// The display name of a user.
    DisplayName,
    /// The given name of a user.
    FirstName,
    /// The family name of a user.
    LastName,
    /// The e-mail address of a user.
    Email,
    /// The description of a group.
    Description,
    /// Whether a user may log in. Groups are always active.
    Active,
    /// The values of an attribute: some value must pass.
    Attribute(String),
}

/// How a property is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// The whole text.
    Equals(Key),
    /// The beginning.
    StartsWith(Key),
    /// The end.
    EndsWith(Key),
    /// Any place.
    Contains(Key),
    /// The flag.
    Is(bool),
    /// There is no value, or an empty one.
    Missing,
}

/// A limit of [`Filter`] was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the search has more than {depth} levels or {terms} terms", depth = Filter::MAX_DEPTH, terms = Filter::MAX_TERMS)]
pub struct FilterTooComplex;

impl Filter {
    /// Deepest nesting of parts.
    pub const MAX_DEPTH: usize = 32;
    /// Most comparisons.
    pub const MAX_TERMS: usize = 256;

    /// Matches everything.
    pub fn everything() -> Self {
        Self { node: Node::Everything, depth: 1, terms: 0 }
    }

    /// One comparison.
    pub fn term(property: Property, test: Test) -> Self {
        Self { node: Node::Term(Term { property, test }), depth: 1, terms: 1 }
    }

    /// The name begins with `text`.
    pub fn name_starts_with(text: &str) -> Self {
        Self::term(Property::Name, Test::StartsWith(Key::of(text)))
    }

    /// The e-mail address is `text`.
    pub fn email(text: &str) -> Self {
        Self::term(Property::Email, Test::Equals(Key::of(text)))
    }

    /// All of the parts hold.
    pub fn all(parts: Vec<Self>) -> Result<Self, FilterTooComplex> {
        Self::join(parts, Node::All)
    }

    /// Some of the parts hold.
    pub fn any(parts: Vec<Self>) -> Result<Self, FilterTooComplex> {
        Self::join(parts, Node::Any)
    }

    /// The part does not hold.
    pub fn negate(part: Self) -> Result<Self, FilterTooComplex> {
        Self::join(vec![part], |nodes| Node::Not(Box::new(Node::All(nodes))))
    }

    fn join(parts: Vec<Self>, make: impl FnOnce(Vec<Node>) -> Node) -> Result<Self, FilterTooComplex> {
        let depth = 1 + parts.iter().map(|part| part.depth).max().unwrap_or(0);
        let terms = parts.iter().map(|part| part.terms).sum();
        if depth > Self::MAX_DEPTH || terms > Self::MAX_TERMS || parts.len() > Self::MAX_TERMS {
            return Err(FilterTooComplex);
        }
        Ok(Self { node: make(parts.into_iter().map(|part| part.node).collect()), depth, terms })
    }

    /// The tree, for a store that narrows its search.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Whether a user passes.
    pub fn matches_user(&self, user: &User) -> bool {
        holds(&self.node, &|term| user_passes(user, term))
    }

    /// Whether a group passes.
    pub fn matches_group(&self, group: &Group) -> bool {
        holds(&self.node, &|term| group_passes(group, term))
    }
}

fn holds(node: &Node, passes: &dyn Fn(&Term) -> bool) -> bool {
    match node {
        Node::Everything => true,
        Node::Term(term) => passes(term),
        Node::All(parts) => parts.iter().all(|part| holds(part, passes)),
        Node::Any(parts) => parts.iter().any(|part| holds(part, passes)),
        Node::Not(part) => !holds(part, passes),
    }
}

fn user_passes(user: &User, term: &Term) -> bool {
    let profile = &user.profile;
    match &term.property {
        Property::Name => key_passes(user.key(), &term.test),
        Property::DisplayName => text_passes(&profile.display_name, &term.test),
        Property::FirstName => text_passes(&profile.first_name, &term.test),
        Property::LastName => text_passes(&profile.last_name, &term.test),
        Property::Email => text_passes(&profile.email, &term.test),
        Property::Active => term.test == Test::Is(user.active),
        Property::Attribute(name) => values_pass(user.attributes.values(name), &term.test),
        Property::Description => term.test == Test::Missing,
    }
}

fn group_passes(group: &Group, term: &Term) -> bool {
    match &term.property {
        Property::Name => key_passes(group.key(), &term.test),
        Property::Description => text_passes(&group.description, &term.test),
        Property::Active => term.test == Test::Is(true),
        Property::Attribute(name) => values_pass(group.attributes.values(name), &term.test),
        Property::DisplayName | Property::FirstName | Property::LastName | Property::Email => {
            term.test == Test::Missing
        }
    }
}

fn values_pass(values: &[String], test: &Test) -> bool {
    match test {
        Test::Missing => values.iter().all(String::is_empty),
        _ => values.iter().any(|value| text_passes(value, test)),
    }
}

fn text_passes(text: &str, test: &Test) -> bool {
    match test {
        Test::Missing => text.is_empty(),
        _ => key_passes(&Key::of(text), test),
    }
}

fn key_passes(key: &Key, test: &Test) -> bool {
    let text = key.as_str();
    match test {
        Test::Equals(wanted) => key == wanted,
        Test::StartsWith(wanted) => text.starts_with(wanted.as_str()),
        Test::EndsWith(wanted) => text.ends_with(wanted.as_str()),
        Test::Contains(wanted) => text.contains(wanted.as_str()),
        Test::Is(_) => false,
        Test::Missing => text.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attributes;
    use crate::id::ExternalId;
    use crate::name::Username;
    use crate::user::Profile;

    fn user(name: &str, email: &str) -> User {
        let mut attributes = Attributes::new();
        attributes.set("office", vec!["Wien".into(), "100%".into()]).unwrap();
        User {
            external_id: ExternalId::new("1").unwrap(),
            name: Username::new(name).unwrap(),
            profile: Profile { email: email.into(), ..Profile::default() },
            active: true,
            attributes,
        }
    }

    #[test]
    fn terms_compare_by_key_and_literally() {
        let alice = user("Alice", "ALICE@example.com");
        for (property, test, expected) in [
            (Property::Name, Test::Equals(Key::of("aLICE")), true),
            (Property::Name, Test::StartsWith(Key::of("AL")), true),
            (Property::Name, Test::StartsWith(Key::of("%")), false),
            (Property::Name, Test::Contains(Key::of("_")), false),
            (Property::Name, Test::EndsWith(Key::of("CE")), true),
            (Property::Email, Test::Equals(Key::of("alice@example.com")), true),
            (Property::DisplayName, Test::Missing, true),
            (Property::Description, Test::Missing, true),
            (Property::Active, Test::Is(true), true),
            (Property::Active, Test::Is(false), false),
            (Property::Attribute("office".into()), Test::Equals(Key::of("wien")), true),
            (Property::Attribute("office".into()), Test::Contains(Key::of("%")), true),
            (Property::Attribute("Office".into()), Test::Missing, true),
        ] {
            let filter = Filter::term(property.clone(), test.clone());
            assert_eq!(filter.matches_user(&alice), expected, "{property:?} {test:?}");
        }
    }

    #[test]
    fn parts_combine() {
        let alice = user("alice", "");
        let a = || Filter::name_starts_with("a");
        let b = || Filter::name_starts_with("b");
        assert!(Filter::any(vec![a(), b()]).unwrap().matches_user(&alice));
        assert!(!Filter::all(vec![a(), b()]).unwrap().matches_user(&alice));
        assert!(Filter::negate(b()).unwrap().matches_user(&alice));
        assert!(Filter::all(vec![]).unwrap().matches_user(&alice));
        assert!(!Filter::any(vec![]).unwrap().matches_user(&alice));
    }

    #[test]
    fn depth_and_terms_are_limited_t81() {
        let mut deep = Filter::everything();
        for _ in 1..Filter::MAX_DEPTH {
            deep = Filter::negate(deep).unwrap();
        }
        assert_eq!(Filter::negate(deep), Err(FilterTooComplex));
        let wide = vec![Filter::email("a@b"); Filter::MAX_TERMS];
        assert!(Filter::any(wide.clone()).is_ok());
        let wider = [wide, vec![Filter::email("a@b")]].concat();
        assert_eq!(Filter::any(wider), Err(FilterTooComplex));
    }
}
