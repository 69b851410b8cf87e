//! Users and groups as the documents of the API.

use throng_core::group::Group;
use throng_core::id::{DirectoryId, Subject};
use throng_core::resolve::{Occurrence, Resolved};
use throng_core::user::User;
use throng_wire::{
    AttributeEntity, AttributesEntity, GroupDetail, GroupEntity, Link, UserDetail, UserEntity,
};

use crate::call::{Call, url};
use crate::shown;

/// How much of an entity is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The name and a link.
    Short,
    /// All but the attributes.
    Full,
    /// The attributes, too.
    WithAttributes,
}

/// Makes entities whose links begin at a base.
#[derive(Debug, Clone)]
pub(crate) struct Entities {
    pub(crate) base: String,
    pub(crate) detail: Detail,
}

impl Entities {
    /// Of what is asked for by itself: in full, with the attributes if they are to be expanded.
    pub(crate) fn alone(call: &Call) -> Self {
        let detail = if call.query.expands("attributes") { Detail::WithAttributes } else { Detail::Full };
        Self { base: call.base.clone(), detail }
    }

    /// Of a list, whose entries are short unless they are to be expanded.
    pub(crate) fn listed(call: &Call, entry: &str) -> Self {
        let detail = match (call.query.expands(entry), call.query.expands("attributes")) {
            (true, true) => Detail::WithAttributes,
            (true, false) => Detail::Full,
            (false, _) => Detail::Short,
        };
        Self { base: call.base.clone(), detail }
    }

    pub(crate) fn resolved_user(&self, user: &Resolved<User>) -> UserEntity {
        self.user(user.directory(), user.value())
    }

    pub(crate) fn found_user(&self, user: &Occurrence<User>) -> UserEntity {
        self.user(user.directory, &user.value)
    }

    pub(crate) fn user(&self, directory: DirectoryId, user: &User) -> UserEntity {
        let name = user.name.as_str();
        let by_name = |path| url(&self.base, path, &[("username", name)]);
        let link = Some(Link::own(by_name("/user")));
        if self.detail == Detail::Short {
            return UserEntity::short(name, link);
        }
        let subject = Subject { directory, external_id: user.external_id.clone() };
        let detail = UserDetail {
            profile: shown::profile(name, &user.profile),
            password: Some(Link::edit(by_name("/user/password"))),
            key: Some(subject.to_string()),
            created: None,
            updated: None,
            active: user.active,
            attributes: self.attributes(&by_name("/user/attribute"), &user.attributes),
        };
        UserEntity { name: name.to_owned(), link, detail: Some(detail) }
    }

    pub(crate) fn group(&self, group: &Group) -> GroupEntity {
        let name = group.name.as_str();
        if self.detail == Detail::Short {
            return self.group_named(name);
        }
        let attributes = url(&self.base, "/group/attribute", &[("groupname", name)]);
        let detail = GroupDetail {
            description: group.description.clone(),
            active: true,
            attributes: self.attributes(&attributes, &group.attributes),
        };
        GroupEntity { detail: Some(detail), ..self.group_named(name) }
    }

    /// A group of which nothing is said but the name.
    pub(crate) fn group_named(&self, name: &str) -> GroupEntity {
        GroupEntity::short(name, Some(Link::own(url(&self.base, "/group", &[("groupname", name)]))))
    }

    fn attributes(&self, at: &str, attributes: &throng_core::attribute::Attributes) -> AttributesEntity {
        match self.detail {
            Detail::Short | Detail::Full => {
                AttributesEntity { link: Some(Link::own(at)), attributes: Vec::new() }
            }
            Detail::WithAttributes => attributes_entity(at, attributes),
        }
    }
}

/// Attributes with links below the place of all of them.
pub(crate) fn attributes_entity(
    at: &str,
    attributes: &throng_core::attribute::Attributes,
) -> AttributesEntity {
    let each = attributes.iter().map(|(name, values)| {
        let mut href = format!("{at}&attributename=");
        href.extend(crate::call::encoded(name));
        AttributeEntity { link: Some(Link::own(href)), name: name.to_owned(), values: values.to_vec() }
    });
    AttributesEntity { link: Some(Link::own(at)), attributes: each.collect() }
}

/// The names and values of attributes in a document.
pub(crate) fn pairs(document: AttributesEntity) -> Vec<(String, Vec<String>)> {
    document.attributes.into_iter().map(|attribute| (attribute.name, attribute.values)).collect()
}
