//! The name that is shown of a user for whom none is kept, and searches by it.

use throng_core::filter::{Filter, FilterTooComplex, Node, Property, Term, Test};
use throng_core::name::Key;
use throng_core::user::Profile;

/// What people see. A name to show that is not kept is put together from the others (R23): clients show nothing else.
pub(crate) fn profile(name: &str, kept: &Profile) -> Profile {
    let mut shown = kept.clone();
    if shown.display_name.is_empty() {
        shown.display_name = [&*kept.first_name, &*kept.last_name].join(" ").trim().to_owned();
    }
    if shown.display_name.is_empty() {
        name.clone_into(&mut shown.display_name);
    }
    shown
}

/// A search for users that finds by the name that is shown, also where it is not kept.
pub(crate) fn search(filter: &Filter) -> Result<Filter, FilterTooComplex> {
    rewritten(filter.node())
}

fn rewritten(node: &Node) -> Result<Filter, FilterTooComplex> {
    let each = |parts: &[Node]| parts.iter().map(rewritten).collect::<Result<Vec<_>, _>>();
    match node {
        Node::Everything => Ok(Filter::everything()),
        Node::Term(Term { property: Property::DisplayName, test }) => by_shown_name(test),
        Node::Term(Term { property, test }) => Ok(Filter::term(property.clone(), test.clone())),
        Node::All(parts) => Filter::all(each(parts)?),
        Node::Any(parts) => Filter::any(each(parts)?),
        Node::Not(part) => Filter::negate(rewritten(part)?),
    }
}

fn by_shown_name(test: &Test) -> Result<Filter, FilterTooComplex> {
    let on = |property| Filter::term(property, test.clone());
    let none = |property| Filter::term(property, Test::Missing);
    let some = |property| Filter::negate(none(property));
    let joined = match test {
        // Everybody is shown by some name.
        Test::Missing => return Filter::any(Vec::new()),
        Test::Is(_) => return Ok(on(Property::DisplayName)),
        Test::Equals(text) => joined(text, Vec::new(), Test::Equals, Test::Equals),
        Test::StartsWith(text) => joined(text, vec![on(Property::FirstName)], Test::Equals, Test::StartsWith),
        Test::EndsWith(text) => joined(text, vec![on(Property::LastName)], Test::EndsWith, Test::Equals),
        Test::Contains(text) => {
            let within = vec![on(Property::FirstName), on(Property::LastName)];
            joined(text, within, Test::EndsWith, Test::StartsWith)
        }
    };
    let (first, last) = (Property::FirstName, Property::LastName);
    Filter::any(vec![
        Filter::all(vec![some(Property::DisplayName)?, on(Property::DisplayName)])?,
        Filter::all(vec![
            none(Property::DisplayName),
            Filter::any(vec![
                Filter::all(vec![none(first.clone()), none(last.clone()), on(Property::Name)])?,
                Filter::all(vec![some(first.clone())?, none(last.clone()), on(first.clone())])?,
                Filter::all(vec![none(first.clone()), some(last.clone())?, on(last.clone())])?,
                Filter::all(vec![some(first)?, some(last)?, joined?])?,
            ])?,
        ])?,
    ])
}

/// Who passes by first and last name with a space between them: by one of them alone, or by the two on either side of
/// one of the text's own spaces.
fn joined(
    text: &Key,
    mut ways: Vec<Filter>,
    before: fn(Key) -> Test,
    after: fn(Key) -> Test,
) -> Result<Filter, FilterTooComplex> {
    let text = text.as_str();
    for (at, _) in text.match_indices(' ') {
        let (first, last) = (Key::of(&text[..at]), Key::of(&text[at + 1..]));
        ways.push(Filter::all(vec![
            Filter::term(Property::FirstName, before(first)),
            Filter::term(Property::LastName, after(last)),
        ])?);
    }
    Filter::any(ways)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use throng_core::attribute::Attributes;
    use throng_core::id::ExternalId;
    use throng_core::name::Username;
    use throng_core::user::User;

    use super::*;

    fn user(profile: Profile) -> User {
        User {
            external_id: ExternalId::new("1").unwrap(),
            name: Username::new("ab c").unwrap(),
            profile,
            active: true,
            attributes: Attributes::new(),
        }
    }

    fn profile_of(display_name: &str, first_name: &str, last_name: &str) -> Profile {
        let (first_name, last_name) = (first_name.to_owned(), last_name.to_owned());
        Profile { display_name: display_name.to_owned(), first_name, last_name, email: String::new() }
    }

    proptest! {
        /// Whoever is found is shown by a name that passes, and nobody else.
        #[test]
        fn what_is_shown_is_what_finds(
            display in "[ab]?",
            first in "([abB]([ab ]{0,2}[ab])?)?",
            last in "([abB]([ab ]{0,2}[ab])?)?",
            text in "[ab ]{0,4}",
            negated in any::<bool>(),
        ) {
            let kept = user(profile_of(&display, &first, &last));
            let shown = User { profile: profile("ab c", &kept.profile), ..kept.clone() };
            let key = Key::of(&text);
            let tests = [
                Test::Equals(key.clone()),
                Test::StartsWith(key.clone()),
                Test::EndsWith(key.clone()),
                Test::Contains(key),
                Test::Missing,
                Test::Is(true),
            ];
            for test in tests {
                let mut filter = Filter::term(Property::DisplayName, test);
                if negated {
                    filter = Filter::negate(filter).unwrap();
                }
                let found = search(&filter).unwrap().matches_user(&kept);
                prop_assert_eq!(found, filter.matches_user(&shown), "{:?} in {:?}", filter, shown.profile);
            }
        }
    }

    #[test]
    fn a_name_that_is_kept_is_the_one_that_is_shown() {
        for (kept, shown) in [
            (profile_of("Anna", "A", "B"), "Anna"),
            (profile_of("", "A", "B"), "A B"),
            (profile_of("", "A", ""), "A"),
            (profile_of("", "", "B"), "B"),
            (profile_of("", "", ""), "ab c"),
        ] {
            assert_eq!(profile("ab c", &kept).display_name, shown);
        }
    }

    #[test]
    fn nothing_else_of_a_search_changes() {
        let email = Filter::email("a@b.c");
        let name = Filter::name_starts_with("a");
        let filter = Filter::all(vec![Filter::any(vec![email, name]).unwrap(), Filter::everything()]);
        assert_eq!(search(filter.as_ref().unwrap()), filter);
        let wide = Filter::any(vec![Filter::term(Property::DisplayName, Test::Contains(Key::of("a"))); 200]);
        assert_eq!(search(&wide.unwrap()), Err(FilterTooComplex));
    }
}
