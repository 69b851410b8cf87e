use crate::group::Group;
use crate::name::InvalidName;
use crate::user::{InvalidProfile, User};

/// Why an entry of a source is not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// Its name could not be made here, so that something else could be taken for it (T20).
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// What people see breaks its limits.
    #[error(transparent)]
    Profile(#[from] InvalidProfile),
    /// The description breaks its limits.
    #[error("the description is too long or holds control characters")]
    Description,
}

/// A user as a mirror keeps it: without the attributes that are left out.
///
/// Nothing is cut or mended: what does not fit is refused, and reported by whoever asked.
pub fn acceptable_user(mut user: User, left_out: &[String]) -> Result<User, Unacceptable> {
    user.name.check_creatable()?;
    user.profile.check()?;
    for name in left_out {
        // Taking an attribute away breaks no limit, and an impossible name is nobody's.
        let _ = user.attributes.set(name.as_str(), Vec::new());
    }
    Ok(user)
}

/// A group as a mirror keeps it, with the behaviour of [`acceptable_user`].
pub fn acceptable_group(mut group: Group, left_out: &[String]) -> Result<Group, Unacceptable> {
    group.name.check_creatable()?;
    if !Group::may_describe(&group.description) {
        return Err(Unacceptable::Description);
    }
    for name in left_out {
        let _ = group.attributes.set(name.as_str(), Vec::new());
    }
    Ok(group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attributes;
    use crate::group::Origin;
    use crate::id::ExternalId;
    use crate::name::{GroupName, Username};
    use crate::user::Profile;

    #[test]
    fn what_does_not_fit_is_refused_and_what_is_left_out_is_gone() {
        let mut attributes = Attributes::new();
        attributes.set("lastActive", vec!["1".into()]).unwrap();
        attributes.set("phone", vec!["2".into()]).unwrap();
        let user = User {
            external_id: ExternalId::new("1").unwrap(),
            name: Username::new("Anna Berg").unwrap(),
            profile: Profile::default(),
            active: true,
            attributes,
        };
        let kept = acceptable_user(user.clone(), &["lastActive".to_owned(), String::new()]).unwrap();
        assert_eq!(kept.attributes.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["phone"]);
        let edge = User { name: Username::new("ad\u{200b}min").unwrap(), ..user.clone() };
        assert!(matches!(acceptable_user(edge, &[]), Err(Unacceptable::Name(_))));
        let profile = Profile { email: "x".repeat(256), ..Profile::default() };
        assert!(matches!(acceptable_user(User { profile, ..user }, &[]), Err(Unacceptable::Profile(_))));
        let group = Group {
            external_id: ExternalId::new("1").unwrap(),
            name: GroupName::new("g").unwrap(),
            description: "x\0".into(),
            origin: Origin::Imported,
            attributes: Attributes::new(),
        };
        assert_eq!(acceptable_group(group, &[]), Err(Unacceptable::Description));
    }
}
