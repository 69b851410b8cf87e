//! What has changed since a token.

use crate::document::Body;
use crate::entity::attribute::AttributesEntity;
use crate::entity::group::GroupEntity;
use crate::entity::user::UserEntity;
use crate::error::DocumentError;
use crate::node::{Fields, Node};
use crate::writer::Writer;

const USER: &str = "userEvent";
const GROUP: &str = "groupEvent";
const USER_MEMBERSHIP: &str = "userMembershipEvent";
const GROUP_MEMBERSHIP: &str = "groupMembershipEvent";

/// Events in the order of their happening, and the token to ask with the next time.
///
/// 1. Without a token, or with `incremental` false, a client has to read everything each time.
/// 2. An event of a kind that is not known is refused: a change that is passed over would never be made good.
/// 3. In JSON, for which nothing is recorded, the events stand in `events`, each with its kind as `type`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// The next token: opaque.
    pub new_token: Option<String>,
    /// Whether events can be told; false when it is not said.
    pub incremental: bool,
    /// The events.
    pub events: Vec<Event>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Of a user.
    User {
        /// What was done.
        operation: Operation,
        /// The user: in full, or by name when deleted.
        user: UserEntity,
        /// Attributes that were set.
        stored: AttributesEntity,
        /// Attributes that were removed.
        deleted: AttributesEntity,
    },
    /// Of a group.
    Group {
        /// What was done.
        operation: Operation,
        /// The group: in full, or by name when deleted.
        group: GroupEntity,
        /// Attributes that were set.
        stored: AttributesEntity,
        /// Attributes that were removed.
        deleted: AttributesEntity,
    },
    /// Of the groups that hold a user.
    UserMembership {
        /// Created adds, deleted removes, updated says that these are all now.
        operation: Operation,
        /// The member.
        user: UserEntity,
        /// The groups.
        parents: Vec<GroupEntity>,
        /// Whether these are all now, where a newer server says so.
        absolute: Option<bool>,
    },
    /// Of the groups that hold a group, and of those that it holds.
    GroupMembership {
        /// Created adds, deleted removes, updated says that these are all now.
        operation: Operation,
        /// The group.
        group: GroupEntity,
        /// Groups that hold it.
        parents: Vec<GroupEntity>,
        /// Groups that it holds.
        children: Vec<GroupEntity>,
    },
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Made.
    Created,
    /// Changed.
    Updated,
    /// Removed.
    Deleted,
}

impl Operation {
    /// The word in the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Updated => "UPDATED",
            Self::Deleted => "DELETED",
        }
    }

    fn take(fields: &mut Fields) -> Result<Self, DocumentError> {
        match fields.required_text(&["operation"])?.trim_ascii() {
            "CREATED" => Ok(Self::Created),
            "UPDATED" => Ok(Self::Updated),
            "DELETED" => Ok(Self::Deleted),
            _ => Err(DocumentError::Invalid("operation")),
        }
    }
}

impl Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => USER,
            Self::Group { .. } => GROUP,
            Self::UserMembership { .. } => USER_MEMBERSHIP,
            Self::GroupMembership { .. } => GROUP_MEMBERSHIP,
        }
    }

    fn take(kind: &str, mut fields: Fields) -> Result<Self, DocumentError> {
        let fields = &mut fields;
        let operation = Operation::take(fields)?;
        match kind {
            USER => Ok(Self::User {
                operation,
                user: take_user(fields, &["user"])?,
                stored: AttributesEntity::take_field(fields, "storedAttributes")?,
                deleted: AttributesEntity::take_field(fields, "deletedAttributes")?,
            }),
            GROUP => Ok(Self::Group {
                operation,
                group: take_group(fields)?,
                stored: AttributesEntity::take_field(fields, "storedAttributes")?,
                deleted: AttributesEntity::take_field(fields, "deletedAttributes")?,
            }),
            USER_MEMBERSHIP => Ok(Self::UserMembership {
                operation,
                user: take_user(fields, &["childUser", "user"])?,
                parents: take_groups(fields, "parentGroups")?,
                absolute: fields.flag(&["absolute"])?,
            }),
            GROUP_MEMBERSHIP => Ok(Self::GroupMembership {
                operation,
                group: take_group(fields)?,
                parents: take_groups(fields, "parentGroups")?,
                children: take_groups(fields, "childGroups")?,
            }),
            _ => Err(DocumentError::Invalid("events")),
        }
    }

    fn put(&self, out: &mut Writer) {
        match self {
            Self::User { operation, user, stored, deleted } => {
                out.text("operation", operation.as_str());
                put_part("user", user, out);
                stored.put_field("storedAttributes", out);
                deleted.put_field("deletedAttributes", out);
            }
            Self::Group { operation, group, stored, deleted } => {
                out.text("operation", operation.as_str());
                put_part("group", group, out);
                stored.put_field("storedAttributes", out);
                deleted.put_field("deletedAttributes", out);
            }
            Self::UserMembership { operation, user, parents, absolute } => {
                out.text("operation", operation.as_str());
                put_part("childUser", user, out);
                put_groups("parentGroups", parents, out);
                out.optional_flag("absolute", *absolute);
            }
            Self::GroupMembership { operation, group, parents, children } => {
                out.text("operation", operation.as_str());
                put_part("group", group, out);
                put_groups("parentGroups", parents, out);
                put_groups("childGroups", children, out);
            }
        }
    }
}

impl Body for Events {
    const ROOT: &'static str = "events";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        let new_token = fields.text(&["newEventToken"])?.filter(|token| !token.is_empty());
        let incremental = fields.flag(&["incrementalSynchronisationAvailable"])?.unwrap_or(false);
        let mut events = Vec::new();
        for (name, node) in fields.into_entries() {
            match node {
                Node::Element(event) => events.push(Event::take(&name, event)?),
                Node::List(items) if &*name == "events" => {
                    for item in items {
                        let mut event = item.into_fields("events")?;
                        let kind = event.required_text(&["type"])?;
                        events.push(Event::take(&kind, event)?);
                    }
                }
                Node::Null
                | Node::Flag(_)
                | Node::Integer(_)
                | Node::Number
                | Node::Text(_)
                | Node::List(_)
                | Node::Object(_) => {}
            }
        }
        Ok(Self { new_token, incremental, events })
    }

    fn put(&self, out: &mut Writer) {
        if let Some(token) = &self.new_token {
            out.attribute("newEventToken", token);
        }
        out.flag_attribute("incrementalSynchronisationAvailable", self.incremental);
        out.list("events");
        for event in &self.events {
            out.item(event.kind());
            if out.format() == crate::format::Format::Json {
                out.text("type", event.kind());
            }
            event.put(out);
            out.end();
        }
        out.end_list();
    }
}

fn take_user(fields: &mut Fields, names: &[&'static str]) -> Result<UserEntity, DocumentError> {
    UserEntity::take(None, fields.part(names)?.ok_or(DocumentError::Missing("user"))?)
}

fn take_group(fields: &mut Fields) -> Result<GroupEntity, DocumentError> {
    GroupEntity::take(None, fields.part(&["group"])?.ok_or(DocumentError::Missing("group"))?)
}

/// Groups inside an element, or in an array.
fn take_groups(fields: &mut Fields, name: &'static str) -> Result<Vec<GroupEntity>, DocumentError> {
    let items = match fields.take(&[name])? {
        None => return Ok(Vec::new()),
        Some(Node::List(items)) => items,
        Some(node) => node.into_fields(name)?.items(&["group", "groups"])?.unwrap_or_default(),
    };
    items.into_iter().map(|item| GroupEntity::take(None, item.into_fields("group")?)).collect()
}

fn put_part<T: Body>(name: &'static str, entity: &T, out: &mut Writer) {
    out.part(name);
    entity.put(out);
    out.end();
}

fn put_groups(name: &'static str, groups: &[GroupEntity], out: &mut Writer) {
    out.part(name);
    out.list("groups");
    for group in groups {
        out.item("group");
        group.put(out);
        out.end();
    }
    out.end_list();
    out.end();
}
