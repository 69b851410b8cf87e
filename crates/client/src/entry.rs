//! Users and groups of a server, as this side knows them.

use std::fmt;

use throng_core::group::{Group, Origin};
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Username};
use throng_core::sync::{EntryKind, Unreadable};
use throng_core::user::User;
use throng_wire::{GroupEntity, UserEntity};

use crate::fault::RemoteFault;

/// A user or group of the server that cannot be taken over, since it breaks a limit of this side.
#[derive(Debug)]
pub(crate) struct BadEntry {
    kind: EntryKind,
    name: String,
    id: Option<ExternalId>,
    why: String,
}

impl BadEntry {
    fn new(kind: EntryKind, name: &str, id: Option<ExternalId>, why: impl fmt::Display) -> Self {
        Self { kind, name: name.to_owned(), id, why: why.to_string() }
    }

    /// For the report of a round (T67).
    pub(crate) fn unreadable(self) -> Unreadable {
        Unreadable::new(self.kind, &self.name, self.id, self.why)
    }

    /// Where exactly this entry was asked for.
    pub(crate) fn fault(self) -> RemoteFault {
        RemoteFault::Entry(self.why)
    }
}

/// A user in full.
///
/// Its external id is the key that the server gives. A server without keys gets ids of names, so that a rename looks
/// like somebody else (R314).
pub(crate) fn user(entity: UserEntity) -> Result<User, BadEntry> {
    let bad = |id: Option<&ExternalId>, why: &dyn fmt::Display| {
        BadEntry::new(EntryKind::User, &entity.name, id.cloned(), why)
    };
    let key = entity.detail.as_ref().and_then(|detail| detail.key.as_deref()).filter(|key| !key.is_empty());
    let given = key.map(external_id).transpose().map_err(|why| bad(None, &why))?;
    let name = Username::new(&entity.name).map_err(|why| bad(given.as_ref(), &why))?;
    let external_id = match given {
        Some(id) => id,
        None => ExternalId::of_name(name.key()).map_err(|why| bad(None, &why))?,
    };
    let bad = |why: &dyn fmt::Display| bad(Some(&external_id), why);
    let Some(detail) = entity.detail else { return Err(bad(&NAME_ONLY)) };
    detail.profile.check().map_err(|why| bad(&why))?;
    let attributes = detail.attributes.to_attributes().map_err(|why| bad(&why))?;
    Ok(User { external_id, name, profile: detail.profile, active: detail.active, attributes })
}

/// A group in full. Servers give groups no keys, so that their names stand in.
pub(crate) fn group(entity: GroupEntity) -> Result<Group, BadEntry> {
    let bad = |id: Option<&ExternalId>, why: &dyn fmt::Display| {
        BadEntry::new(EntryKind::Group, &entity.name, id.cloned(), why)
    };
    let name = GroupName::new(&entity.name).map_err(|why| bad(None, &why))?;
    let external_id = ExternalId::of_name(name.key()).map_err(|why| bad(None, &why))?;
    let bad = |why: &dyn fmt::Display| bad(Some(&external_id), why);
    let Some(detail) = entity.detail else { return Err(bad(&NAME_ONLY)) };
    if !Group::may_describe(&detail.description) {
        return Err(bad(&"its description is too long or holds a control character"));
    }
    let attributes = detail.attributes.to_attributes().map_err(|why| bad(&why))?;
    Ok(Group { external_id, name, description: detail.description, origin: Origin::Imported, attributes })
}

/// The name of a user who is only named; what it is to a report if it is none.
pub(crate) fn username(kind: EntryKind, name: &str) -> Result<Username, Unreadable> {
    Username::new(name).map_err(|why| Unreadable::new(kind, name, None, why))
}

/// The name of a group that is only named, as [`username`] reads it.
pub(crate) fn group_name(kind: EntryKind, name: &str) -> Result<GroupName, Unreadable> {
    GroupName::new(name).map_err(|why| Unreadable::new(kind, name, None, why))
}

const NAME_ONLY: &str = "the server gives nothing but its name";

/// A key of the server. One that looks like those that names stand in for would be taken for a name later.
fn external_id(key: &str) -> Result<ExternalId, &'static str> {
    match ExternalId::new(key) {
        Ok(id) if !id.is_of_name() => Ok(id),
        Ok(_) => Err("its key pretends to be a name"),
        Err(_) => Err("its key is too long or holds a control character"),
    }
}
