//! Writing users: making, changing, renaming, removing, and their passwords and aliases.

use std::fmt;

use throng_core::attribute::Attributes;
use throng_core::change::Change;
use throng_core::directory::{Directory, NewUser, Powers, Refusal, SetPasswords, UserPatch, WriteUsers};
use throng_core::error::DirectoryError;
use throng_core::id::{DirectoryId, Subject};
use throng_core::name::Username;
use throng_core::password::EncodedHash;
use throng_core::password::{Credential, CredentialState};
use throng_core::permission::Operation;
use throng_core::plan::{Purpose, RenameScope};
use throng_core::registry::Aliases;
use throng_core::resolve::{Resolved, Verdict};
use throng_core::route;
use throng_core::secret::Secret;
use throng_core::user::{Profile, User};
use zeroize::Zeroizing;

use throng_passwords::scheme::StoredHash;

use super::Application;
use super::find::own;
use crate::config::InUse;
use crate::directory::{Internal, Mount, Via};
use crate::error::{Conflict, Denial, Error, Invalid};

/// A user to be made. Its `Debug` shows nothing of the password, whose bytes are overwritten when it is dropped.
#[derive(Clone, Default)]
pub struct NewAccount {
    name: String,
    profile: Profile,
    password: Option<Zeroizing<String>>,
    hash: Option<EncodedHash>,
    inactive: bool,
    attributes: Vec<(String, Vec<String>)>,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount")
            .field("name", &self.name)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

impl NewAccount {
    /// A user with a name, which must pass the rules for new names, and nothing else.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// With a password; without one nobody can log in until it is set.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Zeroizing::new(password.into()));
        self
    }

    /// With the hash of a password that was made elsewhere, in place of one in clear. A weak one is kept inside
    /// Argon2id (T57); one that cannot be verified is refused.
    #[must_use]
    pub fn hash(self, hash: EncodedHash) -> Self {
        Self { hash: Some(hash), ..self }
    }

    /// Not to log in until it is switched on.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.inactive = true;
        self
    }

    /// With attributes from the beginning.
    #[must_use]
    pub fn attributes(mut self, attributes: Vec<(String, Vec<String>)>) -> Self {
        self.attributes = attributes;
        self
    }

    /// With everything that people see.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// With a name to show.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.profile.display_name = name.into();
        self
    }

    /// With an e-mail address.
    #[must_use]
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.profile.email = address.into();
        self
    }
}

/// What removing a user left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The account that is gone.
    pub subject: Subject,
    /// A namesake in another directory that the order selects now (R254, P9). It inherits nothing: the name stays
    /// claimed, where it was.
    pub surfaced: Option<Subject>,
}

impl Application {
    /// Makes a user in the first directory that may and can (R250).
    ///
    /// 1. [`Conflict::NameTaken`] when any directory of the plan holds the name, or it is an alias; checked again in
    ///    the transaction that makes the user (T09).
    /// 2. [`Conflict::NameReserved`] when the name was somebody's who is gone; [`Application::release`] frees it.
    /// 3. [`Error::Unavailable`] when a directory is silent: it may hold the name.
    /// 4. The name must pass the rules for new names, and the password the directory's policy; nothing is made
    ///    otherwise.
    pub async fn create_user(&self, account: NewAccount) -> Result<Resolved<User>, Error> {
        let app = self.in_use()?;
        let name = Username::for_creation(&account.name)?;
        account.profile.check()?;
        let attributes = attributes_of(&account.attributes)?;
        let secret = account.password.as_ref().map(|text| Secret::new(text.as_str())).transpose()?;
        let hash = match &account.hash {
            Some(_) if secret.is_some() => {
                return Err(Error::Invalid(Invalid::RefusedByDirectory("password hash")));
            }
            Some(hash) => Some(check_hash(hash)?),
            None => None,
        };
        let directory = route::new_user(&self.user_standings(&app, &name).await?)?;
        self.refuse_alias(&app, &name).await?;
        self.refuse_reserved(&app, &name, None).await?;
        let new = NewUser { name: name.clone(), profile: account.profile, active: !account.inactive };
        match app.mount(directory).map(|mount| &mount.via) {
            Some(Via::Internal(internal)) => {
                let user = User { attributes, ..internal.new_user(&new) };
                let credential = match (&secret, hash) {
                    (Some(secret), _) => Some(internal.new_credential(&user, secret).await?),
                    (None, Some(hash)) => Some(internal.brought_credential(hash).await?),
                    (None, None) => None,
                };
                let free_in = self.stored_where(&app, |_| true);
                let change = Change::AddUser { directory, user, free_in, credential };
                self.throng.apply(vec![change], Conflict::NameTaken).await?;
            }
            Some(Via::Delegated(_)) if secret.is_some() || hash.is_some() => {
                return Err(Error::Forbidden("password"));
            }
            Some(Via::Delegated(delegated)) => {
                let free_in = self.stored_where(&app, |_| true);
                let user = User { attributes, ..delegated.new_user(&new) };
                let change = Change::AddUser { directory, user, free_in, credential: None };
                self.throng.apply(vec![change], Conflict::NameTaken).await?;
            }
            Some(Via::Live(live)) => {
                let patch = UserPatch { attributes: account.attributes, ..UserPatch::default() };
                let (powers, password) = (live.powers(), Brought { secret: secret.as_ref(), hash });
                self.create_live(powers, directory, &new, password, &patch).await?
            }
            Some(Via::Mirrored(mirrored)) => {
                let patch = UserPatch { attributes: account.attributes, ..UserPatch::default() };
                let (powers, password) = (mirrored.powers(), Brought { secret: secret.as_ref(), hash });
                self.create_live(powers, directory, &new, password, &patch).await?
            }
            Some(Via::Detached) | None => return Err(Error::silent(directory)),
        }
        let found = self.look_up(&app, &name, Purpose::Write).await?;
        own(&app, found)
    }

    async fn create_live(
        &self,
        powers: Powers<'_>,
        directory: DirectoryId,
        new: &NewUser,
        password: Brought<'_>,
        patch: &UserPatch,
    ) -> Result<(), Error> {
        let users = writes_users(powers)?;
        let passwords =
            password.secret.map(|secret| Ok::<_, Error>((sets_passwords(powers)?, secret))).transpose()?;
        let made = match password.hash {
            Some(hash) => {
                let hashes = powers.hashes.ok_or(Error::Forbidden("password"))?;
                self.told(directory, hashes.add_user_with_hash(new, hash), Conflict::NameTaken).await?
            }
            None => self.told(directory, users.add_user(new), Conflict::NameTaken).await?,
        };
        if made.name != new.name {
            return Err(Error::broken("a directory made a user of another name"));
        }
        let id = &made.external_id;
        let set = async {
            if *patch != UserPatch::default() {
                self.told(directory, users.update_user(id, patch), Conflict::Stale).await?;
            }
            match passwords {
                Some((passwords, secret)) => {
                    self.told(directory, passwords.set_password(id, secret), Conflict::Stale).await
                }
                None => Ok(()),
            }
        };
        let set = set.await;
        if set.is_err() {
            // Nobody is left behind whom the caller was told not to have been made.
            let undone = self.told(directory, users.remove_user(id), Conflict::Stale).await;
            if let Err(cause) = undone {
                tracing::warn!(%directory, %cause, "a user without a password was left behind");
            }
        }
        set
    }

    /// Changes the named fields of a user, in the user's own directory and no other (R252).
    ///
    /// [`Conflict::Stale`] when the name does not mean this account any more (T10).
    pub async fn update_user(
        &self,
        user: &Resolved<User>,
        patch: UserPatch,
    ) -> Result<Resolved<User>, Error> {
        if let Some(profile) = &patch.profile {
            profile.check()?;
        }
        check_attributes(&user.value().attributes, &patch.attributes)?;
        let app = self.in_use()?;
        let mut operations = Vec::new();
        if !patch.attributes.is_empty() {
            operations.push(Operation::UpdateUserAttribute);
        }
        if patch.profile.is_some() || patch.active.is_some() || operations.is_empty() {
            operations.push(Operation::UpdateUser);
        }
        let directory = self.route_user_change(&app, user, &operations).await?;
        let subject = user.subject();
        match app.mount(directory).and_then(Mount::told) {
            Some(live) => {
                let users = writes_users(live.powers())?;
                let update = users.update_user(&subject.external_id, &patch);
                self.told(directory, update, Conflict::Stale).await?;
                if patch.active == Some(false) {
                    self.throng.apply(vec![Change::EndSessions(subject)], Conflict::Stale).await?;
                }
            }
            None => {
                let free_in = self.above(&app, directory);
                let change = Change::UpdateUser { subject, patch, free_in };
                self.throng.apply(vec![change], Conflict::Stale).await?;
            }
        }
        self.find_again(&app, user).await
    }

    /// Renames a user; identity, groups and password stay.
    ///
    /// 1. [`Conflict::NameTaken`] when any directory of the plan holds the new name (Q06), or it is an alias;
    ///    [`Conflict::NameReserved`] when another's claim stands on it. A change of spelling alone is allowed (R255).
    /// 2. The claim of the account follows to the new name.
    /// 3. [`Conflict::Shadowed`] when the plan's rules copy Crowd and a directory above has the new name: the rename
    ///    stands.
    pub async fn rename_user(&self, user: &Resolved<User>, name: &str) -> Result<Resolved<User>, Error> {
        let app = self.in_use()?;
        let name = Username::for_creation(name)?;
        let directory = self.route_user_change(&app, user, &[Operation::UpdateUser]).await?;
        let own_rank = app.plan.rank(directory);
        let same = name == user.value().name;
        if !same {
            let mut standings = self.user_standings(&app, &name).await?;
            if app.plan.rules().rename == RenameScope::SameDirectory {
                standings.retain(|standing| standing.directory == directory);
            }
            if let Err(why @ (route::NoRoute::Taken(_) | route::NoRoute::Undecided(_))) =
                route::new_user(&standings)
            {
                return Err(why.into());
            }
            self.refuse_alias(&app, &name).await?;
            self.refuse_reserved(&app, &name, Some(&user.subject())).await?;
        }
        let subject = user.subject();
        match app.mount(directory).and_then(Mount::told) {
            Some(live) => {
                let users = writes_users(live.powers())?;
                self.refuse_claimed_elsewhere(&subject, user.value().key(), name.key()).await?;
                let rename = users.rename_user(&subject.external_id, &name);
                self.told(directory, rename, Conflict::NameTaken).await?;
                self.move_claims(&subject, user.value().key(), name.key()).await?;
            }
            None => {
                let everywhere = app.plan.rules().rename == RenameScope::EveryDirectory;
                let free_in = self.stored_where(&app, |rank| everywhere && Some(rank) != own_rank);
                let free_in = if same { vec![] } else { free_in };
                let change = Change::RenameUser { subject, name: name.clone(), free_in };
                self.throng.apply(vec![change], Conflict::NameTaken).await?;
            }
        }
        let found = self.look_up(&app, &name, Purpose::Write).await?;
        let renamed = own(&app, found)?;
        if renamed.subject() == user.subject() {
            Ok(renamed)
        } else {
            Err(Error::Conflict(Conflict::Shadowed))
        }
    }

    /// Removes a user from the user's own directory, and tells which namesake surfaces (Q05).
    ///
    /// The name stays claimed, where it was, so that whoever has it next inherits nothing (T02, T05).
    pub async fn remove_user(&self, user: &Resolved<User>) -> Result<Removed, Error> {
        let app = self.in_use()?;
        let directory = self.route_user_change(&app, user, &[Operation::DeleteUser]).await?;
        let subject = user.subject();
        match app.mount(directory).and_then(Mount::told) {
            Some(live) => {
                let users = writes_users(live.powers())?;
                self.told(directory, users.remove_user(&subject.external_id), Conflict::Stale).await?;
                let ended = Change::EndSessions(subject.clone());
                self.throng.apply(vec![ended], Conflict::Stale).await?;
                self.bury_claims(&subject, user.value().key()).await?;
            }
            None => {
                let free_in = self.above(&app, directory);
                let change = Change::RemoveUser { subject: subject.clone(), free_in };
                self.throng.apply(vec![change], Conflict::Stale).await?;
            }
        }
        let surfaced = match self.look_up(&app, &user.value().name, Purpose::Lookup).await?.verdict {
            Verdict::Resolved(next) => Some(next.subject()),
            Verdict::Refused { .. } | Verdict::Unknown(_) | Verdict::Undecided(_) => None,
        };
        Ok(Removed { subject, surfaced })
    }

    /// Sets a password, in the user's own directory; ends the sessions of the account.
    ///
    /// [`Invalid::Policy`] with all broken rules together, [`Invalid::PasswordReused`]; the former password stays then.
    pub async fn set_password(&self, user: &Resolved<User>, password: &str) -> Result<(), Error> {
        let secret = Secret::new(password)?;
        let app = self.in_use()?;
        let now = self.still(&app, user).await?;
        let standings = self.user_standings(&app, &now.value().name).await?;
        let directory = route::password_change(&standings).map_err(forbidden_as("password"))?;
        let subject = now.subject();
        match app.mount(directory).map(|mount| &mount.via) {
            Some(Via::Internal(internal)) => self.set_internal(&app, internal, &now, &secret).await,
            Some(Via::Live(live)) => self.set_far(live.powers(), subject, &secret).await,
            Some(Via::Mirrored(mirrored)) => self.set_far(mirrored.powers(), subject, &secret).await,
            Some(Via::Delegated(_)) => Err(Error::Forbidden("password")),
            Some(Via::Detached) | None => Err(Error::silent(directory)),
        }
    }

    async fn set_far(&self, powers: Powers<'_>, subject: Subject, secret: &Secret) -> Result<(), Error> {
        let set = sets_passwords(powers)?.set_password(&subject.external_id, secret);
        self.told(subject.directory, set, Conflict::Stale).await?;
        self.throng.apply(vec![Change::EndSessions(subject)], Conflict::Stale).await
    }

    /// Takes a user's password away, in an internal directory: nobody can log in until another is set. Ends the
    /// sessions.
    pub async fn clear_password(&self, user: &Resolved<User>) -> Result<(), Error> {
        let app = self.in_use()?;
        let now = self.still(&app, user).await?;
        let standings = self.user_standings(&app, &now.value().name).await?;
        let directory = route::password_change(&standings).map_err(forbidden_as("password"))?;
        if !app.mount(directory).is_some_and(|mount| matches!(mount.via, Via::Internal(_))) {
            return Err(Error::Forbidden("password"));
        }
        // What was used before stays so, however it went.
        let history = match self.throng.0.store.credential(&now.subject()).await? {
            Some(Credential { hash: CredentialState::Usable(hash), history, .. }) => {
                std::iter::once(hash).chain(history).collect()
            }
            Some(former) => former.history,
            None => Vec::new(),
        };
        let credential = Credential {
            hash: CredentialState::Absent,
            history,
            changed_at: self.throng.0.clock.now(),
            failed_attempts: 0,
            must_change: false,
        };
        let free_in = self.above(&app, directory);
        let change = Change::SetCredential { subject: now.subject(), credential, free_in };
        self.throng.apply(vec![change], Conflict::Stale).await
    }

    async fn set_internal(
        &self,
        app: &InUse,
        internal: &Internal,
        user: &Resolved<User>,
        secret: &Secret,
    ) -> Result<(), Error> {
        let credential = internal.new_credential(user.value(), secret).await?;
        let free_in = self.above(app, user.directory());
        let change = Change::SetCredential { subject: user.subject(), credential, free_in };
        self.throng.apply(vec![change], Conflict::Stale).await
    }

    /// Requires every user of the internal directories of the plan, as far as users may be changed there, to change the
    /// password before it opens anything (R732). [`Error::Forbidden`] when there is no such directory.
    pub async fn expire_passwords(&self) -> Result<(), Error> {
        let app = self.in_use()?;
        let expires = |rank: usize, mount: &Mount| {
            matches!(mount.via, Via::Internal(_)) && app.permissions(rank).allows(Operation::UpdateUser)
        };
        let directories = app.seats().filter(|(rank, _, mount)| expires(*rank, mount));
        let changes: Vec<Change> =
            directories.map(|(_, seat, _)| Change::ExpirePasswords(seat.directory)).collect();
        if changes.is_empty() {
            return Err(Error::Forbidden("password"));
        }
        self.throng.apply(changes, Conflict::Stale).await
    }

    /// Lets somebody set a new password who knows the present one, also when that has expired (R704).
    ///
    /// Fails as [`Application::authenticate`] does when the present one is wrong, and as
    /// [`Application::set_password`] when the new one is refused.
    pub async fn change_password(&self, name: &str, present: &str, new: &str) -> Result<(), Error> {
        let user = match self.authenticate(name, present).await {
            Ok(who) => who.user().clone(),
            // Told only to somebody who knows the password.
            Err(Error::Denied { why: Denial::Refused { by, why: Refusal::PasswordExpired }, .. }) => {
                let user = self.find_user(name).await?;
                // The password that was right is that of the directory that said so, and of no namesake.
                if user.directory() != by {
                    return Err(Error::Conflict(Conflict::Stale));
                }
                user
            }
            Err(error) => return Err(error),
        };
        self.set_password(&user, new).await
    }

    /// Ends all sessions of an account.
    pub async fn end_sessions(&self, user: &Resolved<User>) -> Result<(), Error> {
        if let Some(recovery) = self.recovery_of(&user.subject()) {
            recovery.close_sessions(None, None);
            return Ok(());
        }
        self.throng.apply(vec![Change::EndSessions(user.subject())], Conflict::Stale).await
    }

    /// Gives a user another name in this application, in place of a former one (R806).
    ///
    /// 1. [`Conflict::NameTaken`] when a user or another alias of the application has the name (T07).
    /// 2. [`Error::Forbidden`] for an account of a live directory: aliases are kept beside the records.
    pub async fn set_alias(&self, user: &Resolved<User>, alias: &str) -> Result<(), Error> {
        let app = self.in_use()?;
        if app.record.aliases == Aliases::Off {
            return Err(Error::Invalid(Invalid::NoAliases));
        }
        let alias = Username::for_creation(alias)?;
        let now = self.still(&app, user).await?;
        if app.mount(now.directory()).is_none_or(|mount| mount.stored().is_none()) {
            return Err(Error::Forbidden("alias"));
        }
        let standings = self.user_standings(&app, &alias).await?;
        if let Err(why @ (route::NoRoute::Taken(_) | route::NoRoute::Undecided(_))) =
            route::new_user(&standings)
        {
            return Err(why.into());
        }
        let free_in = self.stored_where(&app, |_| true);
        let change = Change::SetAlias { application: self.id, subject: now.subject(), alias, free_in };
        self.throng.apply(vec![change], Conflict::NameTaken).await
    }

    /// Takes a user's other name away.
    pub async fn remove_alias(&self, user: &Resolved<User>) -> Result<(), Error> {
        let change = Change::RemoveAlias { application: self.id, subject: user.subject() };
        self.throng.apply(vec![change], Conflict::Stale).await
    }

    /// A name that is somebody's alias may not become somebody's name (T07).
    async fn refuse_alias(&self, app: &InUse, name: &Username) -> Result<(), Error> {
        if app.record.aliases == Aliases::On
            && self.throng.0.store.alias(self.id, name.key()).await?.is_some()
        {
            return Err(Error::Conflict(Conflict::NameTaken));
        }
        Ok(())
    }

    async fn route_user_change(
        &self,
        app: &InUse,
        user: &Resolved<User>,
        operations: &[Operation],
    ) -> Result<DirectoryId, Error> {
        let now = self.still(app, user).await?;
        let standings = self.user_standings(app, &now.value().name).await?;
        for &operation in operations {
            route::user_change(&standings, operation).map_err(forbidden_as("user"))?;
        }
        Ok(now.directory())
    }

    /// The stored directories above one: none of them may hold the name of a user who is changed there.
    fn above(&self, app: &InUse, directory: DirectoryId) -> Vec<DirectoryId> {
        let own_rank = app.plan.rank(directory);
        self.stored_where(app, |rank| Some(rank) < own_rank)
    }

    async fn find_again(&self, app: &InUse, user: &Resolved<User>) -> Result<Resolved<User>, Error> {
        let found = self.look_up(app, &user.value().name, Purpose::Write).await?;
        own(app, found)
    }

    /// Waits for a live directory to do what it is told.
    pub(super) async fn told<T>(
        &self,
        directory: DirectoryId,
        told: impl Future<Output = Result<T, DirectoryError>>,
        on_conflict: Conflict,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.throng.0.deadline, told).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Error::from_directory(error, directory, on_conflict)),
            Err(_) => Err(Error::silent(directory)),
        }
    }
}

pub(super) fn forbidden_as(what: &'static str) -> impl Fn(route::NoRoute) -> Error {
    move |why| match why {
        route::NoRoute::Forbidden => Error::Forbidden(what),
        route::NoRoute::Missing => Error::not_found(what),
        why => why.into(),
    }
}

/// Tries a patch of attributes on a copy, so that a limit is met before anything is written.
pub(super) fn check_attributes(kept: &Attributes, patch: &[(String, Vec<String>)]) -> Result<(), Error> {
    let mut tried = kept.clone();
    for (name, values) in patch {
        tried.set(name.clone(), values.clone())?;
    }
    Ok(())
}

/// Attributes as a directory holds them.
fn attributes_of(list: &[(String, Vec<String>)]) -> Result<Attributes, Error> {
    let mut attributes = Attributes::new();
    for (name, values) in list {
        attributes.set(name.clone(), values.clone())?;
    }
    Ok(attributes)
}

/// The password of a user who is made.
struct Brought<'b> {
    secret: Option<&'b Secret>,
    hash: Option<&'b EncodedHash>,
}

/// A hash that can be verified.
fn check_hash(hash: &EncodedHash) -> Result<&EncodedHash, Error> {
    match StoredHash::parse(hash) {
        Ok(_) => Ok(hash),
        Err(_) => Err(Error::Invalid(Invalid::RefusedByDirectory("password hash"))),
    }
}

fn writes_users(powers: Powers<'_>) -> Result<&dyn WriteUsers, Error> {
    powers.users.ok_or(Error::Forbidden("user"))
}

fn sets_passwords(powers: Powers<'_>) -> Result<&dyn SetPasswords, Error> {
    powers.passwords.ok_or(Error::Forbidden("password"))
}
