//! The powers to write. Each write is sent once.

use async_trait::async_trait;
use throng_core::attribute::Attributes;
use throng_core::directory::{
    GroupPatch, NewGroup, NewUser, SetPasswords, TakeHashes, UserPatch, WriteGroups, WriteMembers, WriteUsers,
};
use throng_core::error::{DirectoryError, Fault};
use throng_core::group::{Group, Member};
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Username};
use throng_core::password::EncodedHash;
use throng_core::secret::Secret;
use throng_core::user::{Profile, User};
use throng_wire::{
    AttributeEntity, AttributesEntity, Document, Format, GroupBody, GroupReference, NewName, PasswordBody,
    ProfileChange, Reason, UserEntity, UserReference, UserUpdate, write,
};

use crate::RemoteDirectory;
use crate::entry::{self, BadEntry};
use crate::exchange::{Call, Declined, Reply};
use crate::fault::RemoteFault;
use crate::listing::Listed;

#[async_trait]
impl WriteUsers for RemoteDirectory {
    async fn add_user(&self, user: &NewUser) -> Result<User, DirectoryError> {
        self.writing("user", self.make_user(user, None)).await
    }

    async fn update_user(&self, id: &ExternalId, patch: &UserPatch) -> Result<User, DirectoryError> {
        self.writing("user", self.change_user(id, patch)).await
    }

    async fn rename_user(&self, id: &ExternalId, name: &Username) -> Result<User, DirectoryError> {
        self.writing("user", self.give_name(id, name)).await
    }

    async fn remove_user(&self, id: &ExternalId) -> Result<(), DirectoryError> {
        self.writing("user", async {
            let user = self.account(id).await?;
            self.tell(&Call::delete("user").with("username", user.name.as_str())).await
        })
        .await
    }
}

#[async_trait]
impl TakeHashes for RemoteDirectory {
    async fn add_user_with_hash(&self, user: &NewUser, hash: &EncodedHash) -> Result<User, DirectoryError> {
        self.writing("password hash", self.make_user(user, Some(hash))).await
    }
}

#[async_trait]
impl SetPasswords for RemoteDirectory {
    async fn set_password(&self, id: &ExternalId, secret: &Secret) -> Result<(), DirectoryError> {
        self.writing("password", async {
            // It would arrive as another one.
            if !throng_wire::can_hold(secret.expose()) {
                return Err(WriteFault::Refused(Fault::Invalid));
            }
            let user = self.account(id).await?;
            let body = document(&PasswordBody::from(secret.clone()));
            self.tell(&Call::put("user/password", body).with("username", user.name.as_str())).await
        })
        .await
    }
}

#[async_trait]
impl WriteGroups for RemoteDirectory {
    async fn add_group(&self, group: &NewGroup) -> Result<Group, DirectoryError> {
        self.writing("group", self.make_group(group)).await
    }

    async fn update_group(&self, name: &GroupName, patch: &GroupPatch) -> Result<Group, DirectoryError> {
        self.writing("group", self.change_group(name, patch)).await
    }

    async fn remove_group(&self, name: &GroupName) -> Result<(), DirectoryError> {
        self.writing("group", self.tell(&Call::delete("group").with("groupname", name.as_str()))).await
    }
}

#[async_trait]
impl WriteMembers for RemoteDirectory {
    async fn add_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
        let call = match member {
            Member::User(name) => {
                Call::post("group/user/direct", document(&UserReference { name: name.as_str().to_owned() }))
            }
            Member::Group(name) => Call::post(
                "group/child-group/direct",
                document(&GroupReference { name: name.as_str().to_owned() }),
            ),
        };
        self.writing("membership", self.tell(&call.with("groupname", group.as_str()))).await
    }

    async fn remove_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
        let call = match member {
            Member::User(name) => Call::delete("group/user/direct")
                .with("groupname", group.as_str())
                .with("username", name.as_str()),
            Member::Group(name) => Call::delete("group/child-group/direct")
                .with("groupname", group.as_str())
                .with("child-groupname", name.as_str()),
        };
        self.writing("membership", self.tell(&call)).await
    }
}

/// Why a write did not happen.
enum WriteFault {
    /// The server declined it.
    Declined(Declined),
    /// It is refused here, or what the server declined means this.
    Refused(Fault),
    /// It is not known whether the server did it, or it could not be told.
    Remote(RemoteFault),
}

impl From<RemoteFault> for WriteFault {
    fn from(fault: RemoteFault) -> Self {
        Self::Remote(fault)
    }
}

impl RemoteDirectory {
    /// Holds a write to the deadline, and says what became of it.
    async fn writing<T>(
        &self,
        subject: &'static str,
        work: impl Future<Output = Result<T, WriteFault>>,
    ) -> Result<T, DirectoryError> {
        // The fault of the work is an answer here; only the deadline is a fault.
        let outcome = self.exchange.in_time(async { Ok(work.await) }).await;
        match outcome.map_err(WriteFault::Remote).flatten() {
            Ok(value) => Ok(value),
            Err(WriteFault::Refused(fault)) => Err(DirectoryError::new(fault, subject)),
            Err(WriteFault::Declined(declined)) => {
                let fault = meaning(&declined);
                Err(DirectoryError::new(fault, subject).caused_by(declined.fault()))
            }
            Err(WriteFault::Remote(fault @ RemoteFault::CallerRefused)) => {
                Err(DirectoryError::new(Fault::Forbidden, subject).caused_by(fault))
            }
            Err(WriteFault::Remote(fault)) => Err(fault.about(subject)),
        }
    }

    async fn tell(&self, call: &Call) -> Result<(), WriteFault> {
        match self.exchange.tell(call).await? {
            Reply::Done(()) => Ok(()),
            Reply::Declined(declined) => Err(WriteFault::Declined(declined)),
        }
    }

    /// The account of an id, as it is called today.
    async fn account(&self, id: &ExternalId) -> Result<User, WriteFault> {
        let found = match id.stands_for() {
            Some(name) => self.entity::<UserEntity>(UserEntity::NAMED_BY, name).await?,
            None => self.entity::<UserEntity>("key", id.as_str()).await?,
        };
        let entity = found.ok_or(WriteFault::Refused(Fault::Missing))?;
        let user = entry::user(entity).map_err(BadEntry::fault)?;
        if user.external_id == *id {
            Ok(user)
        } else if id.is_of_name() {
            // The name leads to an account that has a key: not the one that is meant.
            Err(WriteFault::Refused(Fault::Missing))
        } else {
            Err(RemoteFault::OtherName.into())
        }
    }

    /// The user as it is after a write.
    async fn written(&self, name: &Username) -> Result<User, WriteFault> {
        // What was just written is there, or the server contradicts itself.
        Ok(self.look_up(name).await?.ok_or(RemoteFault::OtherName)?)
    }

    async fn written_group(&self, name: &GroupName) -> Result<Group, WriteFault> {
        Ok(self.look_up_group(name).await?.ok_or(RemoteFault::OtherName)?)
    }

    async fn make_user(&self, user: &NewUser, hash: Option<&EncodedHash>) -> Result<User, WriteFault> {
        require(user.name.as_str())?;
        require_profile(&user.profile)?;
        let body = throng_wire::NewUser {
            name: user.name.as_str().to_owned(),
            profile: ProfileChange::whole(&user.profile),
            active: Some(user.active),
            password: if hash.is_some() { None } else { self.unknown_password() },
            hash: hash.cloned(),
            attributes: AttributesEntity::default(),
        };
        match self.tell(&Call::post("user", document(&body))).await {
            Err(WriteFault::Declined(declined)) if declined.is(&Reason::InvalidUser) => {
                // The same reason is given for a name that is taken and for one that cannot be.
                let taken = self.look_up(&user.name).await?.is_some();
                Err(if taken { WriteFault::Refused(Fault::Conflict) } else { WriteFault::Declined(declined) })
            }
            outcome => outcome,
        }?;
        self.written(&user.name).await
    }

    /// A password that nobody knows, if there is something to draw it from. Letters of both cases, digits and a sign,
    /// so that no policy misses one.
    fn unknown_password(&self) -> Option<PasswordBody> {
        let entropy = self.entropy.as_ref()?;
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(PasswordBody::new(format!("Aa1-{digits}")))
    }

    async fn change_user(&self, id: &ExternalId, patch: &UserPatch) -> Result<User, WriteFault> {
        if let Some(profile) = &patch.profile {
            require_profile(profile)?;
        }
        require_attributes(&patch.attributes)?;
        let user = self.account(id).await?;
        if patch.profile.is_some() || patch.active.is_some() {
            let body = UserUpdate {
                name: user.name.as_str().to_owned(),
                profile: ProfileChange::whole(patch.profile.as_ref().unwrap_or(&user.profile)),
                active: Some(patch.active.unwrap_or(user.active)),
            };
            self.tell(&Call::put("user", document(&body)).with("username", user.name.as_str())).await?;
        }
        let of = ("username", user.name.as_str());
        self.set_attributes("user/attribute", of, &user.attributes, &patch.attributes).await?;
        if *patch == UserPatch::default() { Ok(user) } else { self.written(&user.name).await }
    }

    async fn give_name(&self, id: &ExternalId, name: &Username) -> Result<User, WriteFault> {
        require(name.as_str())?;
        let user = self.account(id).await?;
        let body = document(&NewName { name: name.as_str().to_owned() });
        let call = Call::post("user/rename", body).with("username", user.name.as_str());
        match self.tell(&call).await {
            Err(WriteFault::Declined(declined)) if declined.is(&Reason::InvalidUser) => {
                let holder = self.look_up(name).await?;
                let taken = holder.is_some_and(|holder| holder.external_id != user.external_id);
                Err(if taken { WriteFault::Refused(Fault::Conflict) } else { WriteFault::Declined(declined) })
            }
            // Servers before 2.6 do not rename.
            Err(WriteFault::Declined(declined)) if declined.is_not_offered() => {
                Err(WriteFault::Refused(Fault::Forbidden))
            }
            outcome => outcome,
        }?;
        self.written(name).await
    }

    async fn make_group(&self, group: &NewGroup) -> Result<Group, WriteFault> {
        require(group.name.as_str())?;
        require(&group.description)?;
        let body = GroupBody {
            name: group.name.as_str().to_owned(),
            description: Some(group.description.clone()),
            active: Some(true),
        };
        match self.tell(&Call::post("group", document(&body))).await {
            Err(WriteFault::Declined(declined)) if declined.is(&Reason::InvalidGroup) => {
                let taken = self.look_up_group(&group.name).await?.is_some();
                Err(if taken { WriteFault::Refused(Fault::Conflict) } else { WriteFault::Declined(declined) })
            }
            outcome => outcome,
        }?;
        self.written_group(&group.name).await
    }

    async fn change_group(&self, name: &GroupName, patch: &GroupPatch) -> Result<Group, WriteFault> {
        require_attributes(&patch.attributes)?;
        let group = self.look_up_group(name).await?.ok_or(WriteFault::Refused(Fault::Missing))?;
        if let Some(description) = &patch.description {
            require(description)?;
            // The server's own spelling: another one would be taken for a new name.
            let body = GroupBody {
                name: group.name.as_str().to_owned(),
                description: Some(description.clone()),
                active: None,
            };
            self.tell(&Call::put("group", document(&body)).with("groupname", group.name.as_str())).await?;
        }
        let of = ("groupname", group.name.as_str());
        self.set_attributes("group/attribute", of, &group.attributes, &patch.attributes).await?;
        if *patch == GroupPatch::default() { Ok(group) } else { self.written_group(name).await }
    }

    /// Replaces the values of attributes, and removes those that are to have none.
    async fn set_attributes(
        &self,
        path: &'static str,
        of: (&'static str, &str),
        before: &Attributes,
        patch: &[(String, Vec<String>)],
    ) -> Result<(), WriteFault> {
        let (kept, removed): (Vec<_>, Vec<_>) = patch.iter().partition(|(_, values)| !values.is_empty());
        if !kept.is_empty() {
            let attributes = kept.into_iter().map(|(name, values)| AttributeEntity {
                link: None,
                name: name.clone(),
                values: values.clone(),
            });
            let body = AttributesEntity { link: None, attributes: attributes.collect() };
            self.tell(&Call::post(path, document(&body)).with(of.0, of.1)).await?;
        }
        // Servers differ in what they say to the removal of what is not there.
        for (name, _) in removed.into_iter().filter(|(name, _)| !before.values(name).is_empty()) {
            self.tell(&Call::delete(path).with(of.0, of.1).with("attributename", name)).await?;
        }
        Ok(())
    }
}

/// What it means that a server declined a write.
fn meaning(declined: &Declined) -> Fault {
    match &declined.reason {
        Some(Reason::UserNotFound | Reason::GroupNotFound | Reason::MembershipNotFound) => Fault::Missing,
        Some(Reason::MembershipAlreadyExists | Reason::InvalidMembership) => Fault::Conflict,
        Some(
            Reason::InvalidUser
            | Reason::InvalidGroup
            | Reason::InvalidCredential
            | Reason::InvalidEmail
            | Reason::IllegalArgument,
        ) => Fault::Invalid,
        Some(
            Reason::ApplicationPermissionDenied
            | Reason::ApplicationAccessDenied
            | Reason::PermissionDenied
            | Reason::UnsupportedOperation
            | Reason::NestedGroupsNotSupported,
        ) => Fault::Forbidden,
        Some(_) | None => match declined.status.as_u16() {
            403 | 405 => Fault::Forbidden,
            409 => Fault::Conflict,
            _ => Fault::Broken,
        },
    }
}

fn document<T: Document>(document: &T) -> String {
    write(Format::Xml, document)
}

/// What does not arrive as it is must not be sent: something else would be kept in its place.
fn require(text: &str) -> Result<(), WriteFault> {
    if throng_wire::can_hold(text) { Ok(()) } else { Err(WriteFault::Refused(Fault::Invalid)) }
}

fn require_profile(profile: &Profile) -> Result<(), WriteFault> {
    let Profile { display_name, first_name, last_name, email } = profile;
    [display_name, first_name, last_name, email].into_iter().try_for_each(|text| require(text))
}

fn require_attributes(attributes: &[(String, Vec<String>)]) -> Result<(), WriteFault> {
    attributes
        .iter()
        .flat_map(|(name, values)| std::iter::once(name).chain(values))
        .try_for_each(|text| require(text))
}
