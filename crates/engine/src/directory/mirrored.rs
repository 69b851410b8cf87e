//! The mirrored directory: records here, fed by rounds of synchronisation; passwords checked at the source (R102).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use throng_core::change::{Change, OnCycle};
use throng_core::directory::{
    Credence, Directory, GroupPatch, NewGroup, NewUser, Powers, Refusal, SetPasswords, TakeHashes, UserPatch,
    WriteGroups, WriteMembers, WriteUsers,
};
use throng_core::error::{DirectoryError, Fault, StoreError};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::password::EncodedHash;
use throng_core::plan::{GoneAccount, Rules};
use throng_core::registry::{Nesting, UnknownUser};
use throng_core::secret::Secret;
use throng_core::sync::{
    Emptiness, LocalGroups, Mark, MirrorWrites, MirroredSettings, RefreshAtLogin, acceptable_group,
    acceptable_user, refresh_groups,
};
use throng_core::user::User;

use super::records::{Followed, records_answer};
use super::{Checked, Login, LoginFault, RecordsOf, Spent, Stored};

/// A directory that is read from its copy in the store and asks its source for passwords only.
///
/// 1. What is changed here is changed at the source first, where settings and powers allow that, then in the copy
///    (R122).
/// 2. With local groups, groups are made and filled here only, and those of the source cannot be changed (R120).
/// 3. A login brings the copy of that one user up to date, and no password is ever kept (R626, R660).
#[derive(Debug)]
pub struct Mirrored {
    records: RecordsOf,
    settings: MirroredSettings,
    source: Option<Arc<dyn Directory>>,
    deadline: Duration,
}

records_answer!(Mirrored);

/// What a login found out about the copy of an account.
enum Copied {
    /// It is this one, and it was there before.
    Known(User),
    /// This login made it.
    New(User),
    /// Nobody is made.
    Nobody,
    /// It clashes with another and is set aside.
    Quarantined,
}

impl Mirrored {
    pub(crate) fn new(
        records: RecordsOf,
        settings: MirroredSettings,
        source: Option<Arc<dyn Directory>>,
        deadline: Duration,
    ) -> Self {
        Self { records, settings, source, deadline }
    }

    fn own_powers(&self) -> Powers<'_> {
        let far = self.far_powers();
        let local = self.settings.local_groups == LocalGroups::On;
        Powers {
            users: far.users.map(|_| self as &dyn WriteUsers),
            groups: (local || far.groups.is_some()).then_some(self as &dyn WriteGroups),
            members: (local || far.members.is_some()).then_some(self as &dyn WriteMembers),
            passwords: far.passwords.map(|_| self as &dyn SetPasswords),
            hashes: far.hashes.map(|_| self as &dyn TakeHashes),
            ..Powers::NONE
        }
    }

    /// The source's powers, as far as settings let them be used.
    fn far_powers(&self) -> Powers<'_> {
        match (&self.source, self.settings.writes) {
            (Some(source), MirrorWrites::Through) => source.powers(),
            (Some(_), MirrorWrites::Never) | (None, _) => Powers::NONE,
        }
    }

    /// Waits for the source to answer or to do what it is told.
    async fn far<T>(
        &self,
        answer: impl Future<Output = Result<T, DirectoryError>>,
    ) -> Result<T, DirectoryError> {
        match tokio::time::timeout(self.deadline, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(DirectoryError::new(Fault::Unavailable, "the source")),
        }
    }

    /// A user of the source as it is kept here.
    fn acceptable(&self, user: User) -> Result<User, DirectoryError> {
        acceptable_user(user, &self.settings.left_out)
            .map_err(|cause| DirectoryError::new(Fault::Broken, "user of the source").caused_by(cause))
    }

    /// Makes the copy of a user like the source's.
    async fn copy(&self, user: User) -> Result<User, DirectoryError> {
        let user = self.acceptable(user)?;
        match self.records.store.user_by_id(&self.records.subject(&user.external_id)).await? {
            Some(kept) => {
                if kept.name.as_str() != user.name.as_str() {
                    self.follow(&user).await?;
                }
                if Mark::of_user(&kept) != Mark::of_user(&user) {
                    let directory = self.records.directory;
                    self.records.apply(Change::RewriteUser { directory, user: user.clone() }).await?;
                }
            }
            None => self.records.apply(self.adding(&user)).await?,
        }
        Ok(user)
    }

    async fn follow(&self, user: &User) -> Result<(), DirectoryError> {
        let taken = self.settings.taken_name;
        match self.records.follow_rename(&user.external_id, &user.name, taken).await? {
            Followed::Yes => Ok(()),
            Followed::No => Err(DirectoryError::new(Fault::Conflict, "name")),
        }
    }

    fn adding(&self, user: &User) -> Change {
        let directory = self.records.directory;
        Change::AddUser { directory, user: user.clone(), free_in: vec![], credential: None }
    }

    /// Makes the copy of a user who has just logged in like the source's, as far as nobody else is concerned (R660).
    async fn settle(&self, user: User, known: Option<&User>) -> Result<Copied, LoginFault> {
        let user = match acceptable_user(user, &self.settings.left_out) {
            Ok(user) => user,
            Err(cause) => {
                let directory = self.records.directory;
                tracing::warn!(%directory, %cause, "an account is set aside");
                return Ok(Copied::Quarantined);
            }
        };
        let kept = match known.filter(|kept| kept.external_id == user.external_id) {
            Some(kept) => Some(kept.clone()),
            None => self.records.store.user_by_id(&self.records.subject(&user.external_id)).await?,
        };
        match (kept, known) {
            (Some(kept), _) => self.update(&kept, user).await,
            // Somebody else of that name is kept here. The next round sees both and tells who is gone.
            (None, Some(_)) => Ok(Copied::Quarantined),
            (None, None) if self.settings.unknown_user == UnknownUser::StaysUnknown => Ok(Copied::Nobody),
            (None, None) => match self.records.apply_all(vec![self.adding(&user)]).await {
                Ok(()) => Ok(Copied::New(user)),
                // A round, or another login, was faster (CWD-3694).
                Err(error) if error.fault() == Fault::Conflict => {
                    let kept =
                        self.records.store.user_by_id(&self.records.subject(&user.external_id)).await?;
                    Ok(kept.map_or(Copied::Quarantined, Copied::Known))
                }
                Err(error) => Err(error.into()),
            },
        }
    }

    async fn update(&self, kept: &User, user: User) -> Result<Copied, LoginFault> {
        if Mark::of_user(kept) == Mark::of_user(&user) {
            return Ok(Copied::Known(user));
        }
        if kept.name.as_str() != user.name.as_str() {
            let taken = self.settings.taken_name;
            if self.records.follow_rename(&user.external_id, &user.name, taken).await? == Followed::No {
                return Ok(Copied::Quarantined);
            }
        }
        let directory = self.records.directory;
        self.records.apply_all(vec![Change::RewriteUser { directory, user: user.clone() }]).await?;
        Ok(Copied::Known(user))
    }

    /// Reads the groups that directly hold a user at the source, and makes the copy's like them (R661, R662). What
    /// cannot be read now follows with the next round: the login goes on with the groups that are kept.
    async fn refresh(&self, user: &User) -> Result<(), LoginFault> {
        let named = match self.far(self.far_parents(&user.name)).await {
            Ok(named) => named,
            Err(cause) => {
                let directory = self.records.directory;
                tracing::warn!(%directory, %cause, "the groups of a login could not be refreshed");
                return Ok(());
            }
        };
        let member = Member::User(user.name.clone());
        let member_of = self.records.all_parents(&member).await?;
        let mut kept = Vec::new();
        for name in named.iter().chain(&member_of) {
            kept.extend(self.records.kept_group(name).await?.map(|group| (group.name, group.origin)));
        }
        let refresh = refresh_groups(&named, &kept, &member_of, Emptiness::IsDoubted);
        for name in refresh.make {
            if let Some(group) = self.imported(&name) {
                let directory = self.records.directory;
                self.records
                    .tolerate_conflict(Change::AddGroup { directory, group, free_in: vec![] })
                    .await?;
            }
        }
        for group in refresh.join {
            self.tolerate(self.joining(&group, &member)).await?;
        }
        for group in refresh.leave {
            self.tolerate(self.leaving(&group, &member)).await?;
        }
        Ok(())
    }

    async fn far_parents(&self, name: &Username) -> Result<Vec<GroupName>, DirectoryError> {
        let Some(source) = &self.source else { return Ok(Vec::new()) };
        let member = Member::User(name.clone());
        let (mut parents, mut request) = (Vec::new(), PageRequest::default());
        loop {
            let page = source.parents_of(&member, &request).await?;
            parents.extend(page.items);
            match page.next {
                Some(next) if request.reaches(&next) => request = request.after(next),
                Some(_) => return Err(DirectoryError::new(Fault::Broken, "pages of the source")),
                None => return Ok(parents),
            }
        }
    }

    /// A group of the source that nothing but the name is known of yet; none when the name cannot be kept here.
    fn imported(&self, name: &GroupName) -> Option<Group> {
        let external_id = ExternalId::of_name(name.key()).ok()?;
        let group = Group {
            external_id,
            name: name.clone(),
            description: String::new(),
            origin: Origin::Imported,
            attributes: Default::default(),
        };
        acceptable_group(group, &[]).ok()
    }

    fn joining(&self, group: &GroupName, member: &Member) -> Change {
        Change::AddMember {
            directory: self.records.directory,
            group: group.clone(),
            member: member.clone(),
            // The source says so, and reading ends all the same (R410).
            cycle: OnCycle::Keep,
        }
    }

    fn leaving(&self, group: &GroupName, member: &Member) -> Change {
        Change::RemoveMember {
            directory: self.records.directory,
            group: group.clone(),
            member: member.clone(),
        }
    }

    /// Makes a change of the copy whose outcome may stand already, or concern something that a round has just removed.
    async fn tolerate(&self, change: Change) -> Result<(), StoreError> {
        match self.records.apply_all(vec![change]).await {
            Err(error) if matches!(error.fault(), Fault::Conflict | Fault::Missing) => Ok(()),
            outcome => outcome,
        }
    }

    /// Fails for a group of the source where groups are local (R120).
    async fn expect_local(&self, name: &GroupName) -> Result<(), DirectoryError> {
        match self.records.kept_group(name).await?.map(|group| group.origin) {
            Some(Origin::Local) => Ok(()),
            Some(Origin::Imported) => Err(DirectoryError::new(Fault::Forbidden, "group of the source")),
            None => Err(DirectoryError::new(Fault::Missing, "group")),
        }
    }
}

fn without(power: &'static str) -> DirectoryError {
    DirectoryError::new(Fault::Forbidden, power)
}

#[async_trait]
impl Stored for Mirrored {
    fn creates_at_login(&self) -> bool {
        self.settings.unknown_user == UnknownUser::CreateAtLogin
    }

    fn nesting(&self) -> Nesting {
        self.settings.nesting
    }

    async fn log_in(&self, login: &Login<'_>, known: Option<&User>) -> Result<Checked, LoginFault> {
        let say = |credence| Ok(Checked::new(credence, Spent::Nothing));
        let silent =
            || LoginFault::Verifier(DirectoryError::new(Fault::Unavailable, "no source is attached"));
        let source = self.source.as_deref().ok_or_else(silent)?;
        let asked = self.far(source.authenticate(login.name, login.secret));
        let user = match asked.await.map_err(LoginFault::Verifier)? {
            Credence::Accepted(user) if user.name != *login.name => {
                let fault = DirectoryError::new(Fault::Broken, "name of the authenticated user");
                return Err(LoginFault::Verifier(fault));
            }
            Credence::Accepted(user) => user,
            // The copy still holds the name: a namesake below is somebody else.
            Credence::Unknown if known.is_some() && login.rules.gone_account == GoneAccount::Refuse => {
                return say(Credence::Refused(Refusal::GoneAtSource));
            }
            Credence::Unknown => return say(Credence::Unknown),
            Credence::Refused(why) => return say(Credence::Refused(why)),
        };
        let (user, refresh) = match self.settle(user, known).await? {
            Copied::Known(user) => (user, self.settings.refresh == RefreshAtLogin::Always),
            Copied::New(user) => (user, self.settings.refresh != RefreshAtLogin::Never),
            Copied::Nobody => return say(Credence::Unknown),
            Copied::Quarantined => return say(Credence::Refused(Refusal::AccountQuarantined)),
        };
        if !user.active {
            return say(Credence::Refused(Refusal::Inactive));
        }
        if refresh {
            self.refresh(&user).await?;
        }
        say(Credence::Accepted(user))
    }
}

impl Mirrored {
    /// Copies a user whom the source was told to make.
    async fn made(
        &self,
        user: &NewUser,
        outcome: Result<User, DirectoryError>,
    ) -> Result<User, DirectoryError> {
        match outcome {
            Ok(made) => self.copy(made).await,
            Err(error) => {
                // Whoever is there already is copied, so that the next look shows who it is (R122).
                if let (Fault::Conflict, Some(source)) = (error.fault(), &self.source)
                    && let Ok(Some(there)) = self.far(source.user(&user.name)).await
                {
                    drop(self.copy(there).await);
                }
                Err(error)
            }
        }
    }
}

#[async_trait]
impl TakeHashes for Mirrored {
    async fn add_user_with_hash(&self, user: &NewUser, hash: &EncodedHash) -> Result<User, DirectoryError> {
        let far = self.far_powers().hashes.ok_or_else(|| without("password hash"))?;
        self.made(user, self.far(far.add_user_with_hash(user, hash)).await).await
    }
}

#[async_trait]
impl WriteUsers for Mirrored {
    async fn add_user(&self, user: &NewUser) -> Result<User, DirectoryError> {
        let far = self.far_powers().users.ok_or_else(|| without("user"))?;
        self.made(user, self.far(far.add_user(user)).await).await
    }

    async fn update_user(&self, id: &ExternalId, patch: &UserPatch) -> Result<User, DirectoryError> {
        let far = self.far_powers().users.ok_or_else(|| without("user"))?;
        let updated = self.far(far.update_user(id, patch)).await?;
        self.copy(updated).await
    }

    async fn rename_user(&self, id: &ExternalId, name: &Username) -> Result<User, DirectoryError> {
        let far = self.far_powers().users.ok_or_else(|| without("user"))?;
        let renamed = self.far(far.rename_user(id, name)).await?;
        self.copy(renamed).await
    }

    async fn remove_user(&self, id: &ExternalId) -> Result<(), DirectoryError> {
        let far = self.far_powers().users.ok_or_else(|| without("user"))?;
        let outcome = self.far(far.remove_user(id)).await;
        match &outcome {
            Ok(()) => self.records.remove_user(id).await,
            Err(error) if error.fault() == Fault::Missing => {
                drop(self.records.remove_user(id).await);
                outcome
            }
            Err(_) => outcome,
        }
    }
}

#[async_trait]
impl WriteGroups for Mirrored {
    async fn add_group(&self, group: &NewGroup) -> Result<Group, DirectoryError> {
        if self.settings.local_groups == LocalGroups::On {
            return self.records.add_group(group).await;
        }
        let far = self.far_powers().groups.ok_or_else(|| without("group"))?;
        let made = self.far(far.add_group(group)).await?;
        let made = acceptable_group(Group { origin: Origin::Imported, ..made }, &self.settings.left_out)
            .map_err(|cause| DirectoryError::new(Fault::Broken, "group of the source").caused_by(cause))?;
        let directory = self.records.directory;
        let change = Change::AddGroup { directory, group: made.clone(), free_in: vec![] };
        self.tolerate(change).await?;
        Ok(made)
    }

    async fn update_group(&self, name: &GroupName, patch: &GroupPatch) -> Result<Group, DirectoryError> {
        if self.settings.local_groups == LocalGroups::On {
            self.expect_local(name).await?;
        } else {
            let far = self.far_powers().groups.ok_or_else(|| without("group"))?;
            self.far(far.update_group(name, patch)).await?;
        }
        self.records.update_group(name, patch).await
    }

    async fn remove_group(&self, name: &GroupName) -> Result<(), DirectoryError> {
        if self.settings.local_groups == LocalGroups::On {
            self.expect_local(name).await?;
            return self.records.remove_group(name).await;
        }
        let far = self.far_powers().groups.ok_or_else(|| without("group"))?;
        let outcome = self.far(far.remove_group(name)).await;
        if outcome.as_ref().err().is_none_or(|error| error.fault() == Fault::Missing) {
            let directory = self.records.directory;
            self.tolerate(Change::RemoveGroup { directory, group: name.clone() }).await?;
        }
        outcome
    }
}

#[async_trait]
impl WriteMembers for Mirrored {
    async fn add_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
        if self.settings.local_groups == LocalGroups::On {
            self.expect_local(group).await?;
            return self.records.add_member(group, member).await;
        }
        let far = self.far_powers().members.ok_or_else(|| without("group"))?;
        let outcome = self.far(far.add_member(group, member)).await;
        // What the source has already is copied, and it is still said that it was there (R122).
        if outcome.as_ref().err().is_none_or(|error| error.fault() == Fault::Conflict) {
            self.tolerate(self.joining(group, member)).await?;
        }
        outcome
    }

    async fn remove_member(&self, group: &GroupName, member: &Member) -> Result<(), DirectoryError> {
        if self.settings.local_groups == LocalGroups::On {
            self.expect_local(group).await?;
            return self.records.remove_member(group, member).await;
        }
        let far = self.far_powers().members.ok_or_else(|| without("group"))?;
        let outcome = self.far(far.remove_member(group, member)).await;
        if outcome.as_ref().err().is_none_or(|error| error.fault() == Fault::Missing) {
            self.tolerate(self.leaving(group, member)).await?;
        }
        outcome
    }
}

#[async_trait]
impl SetPasswords for Mirrored {
    async fn set_password(&self, id: &ExternalId, secret: &Secret) -> Result<(), DirectoryError> {
        let far = self.far_powers().passwords.ok_or_else(|| without("password"))?;
        self.far(far.set_password(id, secret)).await
    }
}
