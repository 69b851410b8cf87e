//! Users.

use throng_core::password::EncodedHash;
use throng_core::time::Timestamp;
use throng_core::user::Profile;

use crate::document::Body;
use crate::entity::USER_NAMES;
use crate::entity::attribute::AttributesEntity;
use crate::entity::link::Link;
use crate::entity::password::PasswordBody;
use crate::error::DocumentError;
use crate::node::Fields;
use crate::writer::Writer;

/// A user in an answer, in short or in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEntity {
    /// The name, as its directory spells it.
    pub name: String,
    /// Where the user is.
    pub link: Option<Link>,
    /// All the rest, which the short form does not have.
    pub detail: Option<UserDetail>,
}

/// What a user in full has beside name and link.
///
/// A document that has any of the words or the flag has them all: without `active` it is refused, so that no account is
/// taken for active that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDetail {
    /// What people see; words that the document does not have are empty.
    pub profile: Profile,
    /// Where the password is changed.
    pub password: Option<Link>,
    /// The stable id of the account. It never changes and is never given again.
    pub key: Option<String>,
    /// When it was made, to the millisecond.
    pub created: Option<Timestamp>,
    /// When it was last changed, to the millisecond.
    pub updated: Option<Timestamp>,
    /// Whether the account may log in.
    pub active: bool,
    /// The attributes; an empty list when they were not asked for.
    pub attributes: AttributesEntity,
}

/// A user to be made. Links, dates, key and whatever else a full entity has are ignored (T82).
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name, not checked.
    pub name: String,
    /// What people see, as far as it is said.
    pub profile: ProfileChange,
    /// Whether the account may log in, if it is said.
    pub active: Option<bool>,
    /// The password, if there is one.
    pub password: Option<PasswordBody>,
    /// A hash in place of a password. It is none to log in with (T55); a server that does not take it must refuse it:
    /// to pass it over would make a user whose password, as the caller believes, is set.
    pub hash: Option<EncodedHash>,
    /// The attributes.
    pub attributes: AttributesEntity,
}

/// A user to be changed. Password, attributes, links, dates and key are ignored (T82), so that a whole entity may be
/// sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserUpdate {
    /// The name, which must be that of the user.
    pub name: String,
    /// What people see, as far as it is said.
    pub profile: ProfileChange,
    /// Whether the account may log in, if it is said.
    pub active: Option<bool>,
}

/// The words that people see of a user; what is not said is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
}

/// A user who is only named, as a member to be added (T82).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserReference {
    /// The name, not checked.
    pub name: String,
}

impl UserEntity {
    /// The short form.
    pub fn short(name: impl Into<String>, link: Option<Link>) -> Self {
        Self { name: name.into(), link, detail: None }
    }
}

impl ProfileChange {
    /// Says everything.
    pub fn whole(profile: &Profile) -> Self {
        Self {
            first_name: Some(profile.first_name.clone()),
            last_name: Some(profile.last_name.clone()),
            display_name: Some(profile.display_name.clone()),
            email: Some(profile.email.clone()),
        }
    }

    /// The profile with what is said in place of what was there.
    pub fn over(self, profile: Profile) -> Profile {
        Profile {
            first_name: self.first_name.unwrap_or(profile.first_name),
            last_name: self.last_name.unwrap_or(profile.last_name),
            display_name: self.display_name.unwrap_or(profile.display_name),
            email: self.email.unwrap_or(profile.email),
        }
    }

    fn take(fields: &mut Fields) -> Result<Self, DocumentError> {
        Ok(Self {
            first_name: fields.text(&["first-name", "firstName"])?,
            last_name: fields.text(&["last-name", "lastName"])?,
            display_name: fields.text(&["display-name", "displayName"])?,
            email: fields.text(&["email"])?,
        })
    }

    fn put(&self, out: &mut Writer) {
        out.optional_text("first-name", self.first_name.as_deref());
        out.optional_text("last-name", self.last_name.as_deref());
        out.optional_text("display-name", self.display_name.as_deref());
        out.optional_text("email", self.email.as_deref());
    }
}

impl Body for UserEntity {
    const ROOT: &'static str = "user";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        let name = fields.required_text(&USER_NAMES)?;
        let link = Link::take(&mut fields)?;
        let words = ProfileChange::take(&mut fields)?;
        let active = match fields.flag(&["active"])? {
            Some(active) => active,
            None if words == ProfileChange::default() => return Ok(Self { name, link, detail: None }),
            None => return Err(DocumentError::Missing("active")),
        };
        let password = match fields.part(&["password"])? {
            Some(mut password) => Link::take(&mut password)?,
            None => None,
        };
        let detail = UserDetail {
            profile: words.over(Profile::default()),
            password,
            key: fields.text(&["key"])?,
            created: fields.time(&["created-date", "createdDate"])?,
            updated: fields.time(&["updated-date", "updatedDate"])?,
            active,
            attributes: AttributesEntity::take_field(&mut fields, "attributes")?,
        };
        Ok(Self { name, link, detail: Some(detail) })
    }

    fn put(&self, out: &mut Writer) {
        if self.detail.is_some() {
            out.attribute("expand", "attributes");
        }
        out.attribute("name", &self.name);
        Link::put(self.link.as_ref(), out);
        let Some(detail) = &self.detail else { return };
        out.text("first-name", &detail.profile.first_name);
        out.text("last-name", &detail.profile.last_name);
        out.text("display-name", &detail.profile.display_name);
        out.text("email", &detail.profile.email);
        if detail.password.is_some() {
            out.part("password");
            Link::put(detail.password.as_ref(), out);
            out.end();
        }
        out.optional_text("key", detail.key.as_deref());
        out.time("created-date", detail.created);
        out.time("updated-date", detail.updated);
        out.flag("active", detail.active);
        detail.attributes.put_field("attributes", out);
    }
}

impl Body for NewUser {
    const ROOT: &'static str = "user";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        let hash = match fields.part(&["encrypted-password", "encryptedPassword"])? {
            Some(mut hash) => hash.text(&["value"])?.map(EncodedHash::new),
            None => None,
        };
        let hash = hash.transpose().map_err(|_| DocumentError::Invalid("encrypted-password"))?;
        Ok(Self {
            name: fields.required_text(&USER_NAMES)?,
            profile: ProfileChange::take(&mut fields)?,
            active: fields.flag(&["active"])?,
            password: PasswordBody::take_field(&mut fields)?,
            hash,
            attributes: AttributesEntity::take_field(&mut fields, "attributes")?,
        })
    }

    fn put(&self, out: &mut Writer) {
        out.attribute("name", &self.name);
        self.profile.put(out);
        if let Some(password) = &self.password {
            out.part("password");
            password.put(out);
            out.end();
        }
        if let Some(hash) = &self.hash {
            out.part("encrypted-password");
            out.text("value", hash.expose());
            out.end();
        }
        out.optional_flag("active", self.active);
        if !self.attributes.attributes.is_empty() {
            self.attributes.put_field("attributes", out);
        }
    }
}

impl Body for UserUpdate {
    const ROOT: &'static str = "user";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        Ok(Self {
            name: fields.required_text(&USER_NAMES)?,
            profile: ProfileChange::take(&mut fields)?,
            active: fields.flag(&["active"])?,
        })
    }

    fn put(&self, out: &mut Writer) {
        out.attribute("name", &self.name);
        self.profile.put(out);
        out.optional_flag("active", self.active);
    }
}

impl Body for UserReference {
    const ROOT: &'static str = "user";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        Ok(Self { name: fields.required_text(&USER_NAMES)? })
    }

    fn put(&self, out: &mut Writer) {
        out.attribute("name", &self.name);
    }
}
