//! The resource `user` and what hangs on it, memberships apart.

use axum::http::StatusCode;
use throng_core::directory::UserPatch;
use throng_core::name::Key;
use throng_core::user::Profile;
use throng_engine::Error;
use throng_engine::application::NewAccount;
use throng_engine::error::Conflict;
use throng_wire::{AttributesEntity, NewName, NewUser, PasswordBody, Reason, UserUpdate};

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::config::Hashes;
use crate::entity::{Entities, attributes_entity, pairs};
use crate::refusal::{About, Refusal};

/// One user, by name or key.
pub(crate) async fn find(call: &Call) -> Outcome {
    let user = call.user().await?;
    answer::document(call.format, &Entities::alone(call).resolved_user(&user))
}

/// Makes a user, with a password in clear or none, or with the hash of one where the server takes them.
pub(crate) async fn add(call: &Call) -> Outcome {
    let new: NewUser = call.document()?;
    let mut account = NewAccount::named(new.name)
        .profile(new.profile.over(Profile::default()))
        .attributes(pairs(new.attributes));
    if new.active == Some(false) {
        account = account.inactive();
    }
    if let Some(password) = new.password {
        account = account.password(secret(&password)?);
    }
    match (new.hash, call.served.config.hashes) {
        (Some(hash), Hashes::Taken) => account = account.hash(hash),
        (Some(_), Hashes::Refused) => return Err(Refusal::argument("this server takes no password hashes")),
        (None, _) => {}
    }
    let user = call.app.create_user(account).await.map_err(About::User.refuse())?;
    let location = call.url("/user", &[("username", user.value().name.as_str())]);
    answer::created(call.format, &location, Some(&Entities::alone(call).resolved_user(&user)))
}

/// Changes a user. What the document does not say stays; the name must be the one of the address.
pub(crate) async fn update(call: &Call) -> Outcome {
    let update: UserUpdate = call.document()?;
    let user = call.user().await?;
    if Key::of(&update.name) != *user.value().key() {
        let message = "The name in the document is not that of the user";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, Reason::InvalidUser, message));
    }
    let profile = update.profile.over(user.value().profile.clone());
    let patch = UserPatch { profile: Some(profile), active: update.active, attributes: Vec::new() };
    call.app.update_user(&user, patch).await.map_err(About::User.refuse())?;
    answer::nothing()
}

/// Removes a user.
pub(crate) async fn remove(call: &Call) -> Outcome {
    let user = call.user().await?;
    call.app.remove_user(&user).await.map_err(About::User.refuse())?;
    answer::nothing()
}

/// The attributes of a user.
pub(crate) async fn attributes(call: &Call) -> Outcome {
    let user = call.user().await?;
    let at = call.url("/user/attribute", &[("username", user.value().name.as_str())]);
    answer::document(call.format, &attributes_entity(&at, &user.value().attributes))
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
    let user = call.user().await?;
    // A patch of nothing would ask for the permission to change the user.
    if !attributes.is_empty() {
        let patch = UserPatch { attributes, ..UserPatch::default() };
        call.app.update_user(&user, patch).await.map_err(About::User.refuse())?;
    }
    answer::nothing()
}

/// Sets a password.
pub(crate) async fn set_password(call: &Call) -> Outcome {
    let document: PasswordBody = call.document()?;
    let user = call.user().await?;
    call.app.set_password(&user, &secret(&document)?).await.map_err(About::User.refuse())?;
    answer::nothing()
}

/// Takes the password away.
pub(crate) async fn clear_password(call: &Call) -> Outcome {
    let user = call.user().await?;
    call.app.clear_password(&user).await.map_err(About::User.refuse())?;
    answer::nothing()
}

/// Renames a user.
pub(crate) async fn rename(call: &Call) -> Outcome {
    let document: NewName = call.document()?;
    let user = call.user().await?;
    match call.app.rename_user(&user, &document.name).await {
        Ok(renamed) => answer::document(call.format, &Entities::alone(call).resolved_user(&renamed)),
        // The rename stands, and another has that name here: there is nobody to show.
        Err(Error::Conflict(Conflict::Shadowed)) => answer::nothing(),
        Err(error) => Err(About::User.refuse()(error)),
    }
}

/// Requires everybody to set another password. It must be confirmed: nobody is to do this by a slip.
pub(crate) async fn expire_passwords(call: &Call) -> Outcome {
    if call.query.flag("confirm")? != Some(true) {
        return Err(Refusal::argument("the parameter confirm must be true"));
    }
    call.app.expire_passwords().await.map_err(About::User.refuse())?;
    answer::nothing()
}

/// The picture of a user. No pictures are kept, so that there never is one.
pub(crate) async fn avatar(call: &Call) -> Outcome {
    call.user().await?;
    Err(Refusal::status(StatusCode::NOT_FOUND, "The user has no picture"))
}

/// The clear text, or why it can be no password.
fn secret(document: &PasswordBody) -> Result<String, Refusal> {
    match &document.value {
        Ok(secret) => Ok(secret.expose().to_owned()),
        Err(fault) => {
            Err(Refusal::new(StatusCode::BAD_REQUEST, Reason::InvalidCredential, fault.to_string()))
        }
    }
}
