//! The resource `group` and its attributes.

use axum::http::StatusCode;
use throng_core::directory::GroupPatch;
use throng_core::group::Group;
use throng_core::name::Key;
use throng_core::resolve::Resolved;
use throng_wire::{AttributesEntity, GroupBody, Reason};

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::entity::{Entities, attributes_entity, pairs};
use crate::refusal::{About, Refusal};

/// One group.
pub(crate) async fn find(call: &Call) -> Outcome {
    let group = named(call).await?;
    answer::document(call.format, &Entities::alone(call).group(group.value()))
}

/// Makes a group.
pub(crate) async fn add(call: &Call) -> Outcome {
    let body = document(call)?;
    let description = body.description.unwrap_or_default();
    let group = call.app.create_group(&body.name, &description).await.map_err(About::Group.refuse())?;
    let location = call.url("/group", &[("groupname", group.value().name.as_str())]);
    answer::created(call.format, &location, Some(&Entities::alone(call).group(group.value())))
}

/// Changes a group. What the document does not say stays; the name must be the one of the address.
pub(crate) async fn update(call: &Call) -> Outcome {
    let body = document(call)?;
    let group = named(call).await?;
    if Key::of(&body.name) != *group.value().key() {
        return Err(invalid("The name in the document is not that of the group"));
    }
    let description = body.description.unwrap_or_else(|| group.value().description.clone());
    let patch = GroupPatch { description: Some(description), attributes: Vec::new() };
    let name = group.value().name.as_str();
    let group = call.app.update_group(name, patch).await.map_err(About::Group.refuse())?;
    answer::document(call.format, &Entities::alone(call).group(group.value()))
}

/// Removes a group.
pub(crate) async fn remove(call: &Call) -> Outcome {
    let group = named(call).await?;
    let name = group.value().name.as_str();
    call.app.remove_group(name).await.map_err(About::Group.refuse())?;
    answer::nothing()
}

/// The attributes of a group.
pub(crate) async fn attributes(call: &Call) -> Outcome {
    let group = named(call).await?;
    let at = call.url("/group/attribute", &[("groupname", group.value().name.as_str())]);
    answer::document(call.format, &attributes_entity(&at, &group.value().attributes))
}

/// Replaces the values of the attributes that the document names.
pub(crate) async fn set_attributes(call: &Call) -> Outcome {
    let document: AttributesEntity = call.document()?;
    patch_attributes(call, pairs(document)).await
}

/// Removes an attribute, if it is there.
pub(crate) async fn remove_attribute(call: &Call) -> Outcome {
    let name = call.query.required("attributename")?.to_owned();
    patch_attributes(call, vec![(name, Vec::new())]).await
}

async fn patch_attributes(call: &Call, attributes: Vec<(String, Vec<String>)>) -> Outcome {
    let group = named(call).await?;
    if !attributes.is_empty() {
        let patch = GroupPatch { attributes, ..GroupPatch::default() };
        let name = group.value().name.as_str();
        call.app.update_group(name, patch).await.map_err(About::Group.refuse())?;
    }
    answer::nothing()
}

async fn named(call: &Call) -> Result<Resolved<Group>, Refusal> {
    call.group_named(call.query.required("groupname")?).await
}

/// A group that is to be inactive is refused: here every group counts, and to say otherwise would be to lie.
fn document(call: &Call) -> Result<GroupBody, Refusal> {
    let body: GroupBody = call.document()?;
    match body.active {
        Some(false) => Err(invalid("A group cannot be inactive")),
        Some(true) | None => Ok(body),
    }
}

fn invalid(message: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, Reason::InvalidGroup, message)
}
