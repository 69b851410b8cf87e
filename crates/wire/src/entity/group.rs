//! Groups.

use crate::document::Body;
use crate::entity::GROUP_NAMES;
use crate::entity::attribute::AttributesEntity;
use crate::entity::link::Link;
use crate::error::DocumentError;
use crate::node::Fields;
use crate::writer::Writer;

/// The only type of group there is.
const TYPE: &str = "GROUP";

/// A group in an answer, in short or in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEntity {
    /// The name, as its directory spells it.
    pub name: String,
    /// Where the group is.
    pub link: Option<Link>,
    /// All the rest, which the short form does not have.
    pub detail: Option<GroupDetail>,
}

/// What a group in full has beside name and link. Its `type` is always `GROUP`; another one is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDetail {
    /// What the group is for.
    pub description: String,
    /// Whether the group counts.
    pub active: bool,
    /// The attributes; an empty list when they were not asked for.
    pub attributes: AttributesEntity,
}

/// A group to be made or changed. Links, attributes and whatever else a full entity has are ignored (T82).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupBody {
    /// The name, not checked.
    pub name: String,
    /// What the group is for, if it is said.
    pub description: Option<String>,
    /// Whether the group counts, if it is said.
    pub active: Option<bool>,
}

/// A group that is only named, as a member or a parent to be added (T82).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReference {
    /// The name, not checked.
    pub name: String,
}

impl GroupEntity {
    /// The short form.
    pub fn short(name: impl Into<String>, link: Option<Link>) -> Self {
        Self { name: name.into(), link, detail: None }
    }
}

impl Body for GroupEntity {
    const ROOT: &'static str = "group";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        let name = fields.required_text(&GROUP_NAMES)?;
        let link = Link::take(&mut fields)?;
        let description = fields.text(&["description"])?;
        take_type(&mut fields)?;
        let active = match (fields.flag(&["active"])?, &description) {
            (Some(active), _) => active,
            (None, None) => return Ok(Self { name, link, detail: None }),
            (None, Some(_)) => return Err(DocumentError::Missing("active")),
        };
        let attributes = AttributesEntity::take_field(&mut fields, "attributes")?;
        let description = description.unwrap_or_default();
        Ok(Self { name, link, detail: Some(GroupDetail { description, active, attributes }) })
    }

    fn put(&self, out: &mut Writer) {
        if self.detail.is_some() {
            out.attribute("expand", "attributes");
        }
        out.attribute("name", &self.name);
        Link::put(self.link.as_ref(), out);
        let Some(detail) = &self.detail else { return };
        out.text("description", &detail.description);
        out.text("type", TYPE);
        out.flag("active", detail.active);
        detail.attributes.put_field("attributes", out);
    }
}

impl Body for GroupBody {
    const ROOT: &'static str = "group";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        take_type(&mut fields)?;
        Ok(Self {
            name: fields.required_text(&GROUP_NAMES)?,
            description: fields.text(&["description"])?,
            active: fields.flag(&["active"])?,
        })
    }

    fn put(&self, out: &mut Writer) {
        out.attribute("name", &self.name);
        out.optional_text("description", self.description.as_deref());
        out.text("type", TYPE);
        out.optional_flag("active", self.active);
    }
}

impl Body for GroupReference {
    const ROOT: &'static str = "group";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        Ok(Self { name: fields.required_text(&GROUP_NAMES)? })
    }

    fn put(&self, out: &mut Writer) {
        out.attribute("name", &self.name);
    }
}

/// The type may be left out.
fn take_type(fields: &mut Fields) -> Result<(), DocumentError> {
    match fields.text(&["type"])? {
        Some(kind) if !kind.trim_ascii().eq_ignore_ascii_case(TYPE) => Err(DocumentError::Invalid("type")),
        Some(_) | None => Ok(()),
    }
}
