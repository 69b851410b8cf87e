//! The delegated directory: records here, passwords checked by a verifier (R501).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use throng_core::change::{Change, OnCycle};
use throng_core::directory::{
    Account, AccountGroups, Credence, GroupPatch, NewGroup, NewUser, Powers, Refusal, UserPatch, Verifier,
    Vouched,
};
use throng_core::error::{DirectoryError, Fault, StoreError};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::plan::{GoneAccount, Rules, TellInactive};
use throng_core::registry::{
    DefaultGroupsGiven, DelegatedSettings, GroupImport, KnownUser, Nesting, RecycledName, UnknownUser,
};
use throng_core::secret::Secret;
use throng_core::sync::{Emptiness, refresh_groups};
use throng_core::user::User;

use super::records::{Followed, records_answer, records_take_writes};
use super::{Checked, Login, LoginFault, RecordsOf, Spent, Stored};

/// A directory that keeps users and groups in the store and borrows the check of passwords from a [`Verifier`].
#[derive(Debug)]
pub struct Delegated {
    records: RecordsOf,
    settings: DelegatedSettings,
    verifier: Option<Arc<dyn Verifier>>,
    deadline: Duration,
}

records_answer!(Delegated);
records_take_writes!(Delegated);

/// What a login found out about the local account.
enum Local {
    /// It is this one; `New` when the login made it.
    Account(User, Made),
    /// It is none, and none is made.
    Nobody,
    /// It clashes with another account and is set aside.
    Quarantined,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Now,
    Before,
}

impl Delegated {
    /// How the ids begin of accounts that were made here before the verifier told its own (R521 calls them blank). The
    /// first verified login of the name binds the account.
    pub(crate) const UNBOUND: &str = "unbound:";

    pub(crate) fn new(
        records: RecordsOf,
        settings: DelegatedSettings,
        verifier: Option<Arc<dyn Verifier>>,
        deadline: Duration,
    ) -> Self {
        Self { records, settings, verifier, deadline }
    }

    /// A user as this directory would keep it.
    pub(crate) fn new_user(&self, user: &NewUser) -> User {
        self.records.new_user(user)
    }

    fn own_powers(&self) -> Powers<'_> {
        // No password is kept here, so that none can be set (R502).
        Powers { users: Some(self), groups: Some(self), members: Some(self), passwords: None, ..Powers::NONE }
    }

    fn follows_the_verifier(&self) -> bool {
        self.settings.unknown_user == UnknownUser::CreateAtLogin
            || self.settings.known_user == KnownUser::UpdateAtLogin
    }

    async fn verify(&self, name: &Username, secret: &Secret) -> Result<Vouched, LoginFault> {
        let vouched = self.within_deadline(|verifier| verifier.verify(name, secret)).await?;
        match &vouched {
            // A verifier that matches more than was asked for would hand out another person's account (T17).
            Vouched::Accepted(account) if account.name != *name => {
                Err(LoginFault::Verifier(DirectoryError::new(Fault::Broken, "name of the verified account")))
            }
            _ => Ok(vouched),
        }
    }

    /// Asks the verifier about a name, whether or not it is known here, and gives what it knows of the account.
    pub(crate) async fn vouch(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        Ok(match self.verify(name, secret).await? {
            Vouched::Accepted(account) => {
                let profile = account.profile.clone();
                Credence::Accepted(User { profile, ..User::named(account.external_id, account.name) })
            }
            Vouched::Unknown => Credence::Unknown,
            Vouched::Refused(why) => Credence::Refused(why),
        })
    }

    async fn within_deadline<'v, T, F>(
        &'v self,
        ask: impl FnOnce(&'v dyn Verifier) -> F,
    ) -> Result<T, LoginFault>
    where
        F: Future<Output = Result<T, DirectoryError>> + 'v,
    {
        let silent = |what| LoginFault::Verifier(DirectoryError::new(Fault::Unavailable, what));
        let verifier = self.verifier.as_deref().ok_or_else(|| silent("no verifier is attached"))?;
        match tokio::time::timeout(self.deadline, ask(verifier)).await {
            Ok(answer) => answer.map_err(LoginFault::Verifier),
            Err(_) => Err(silent("the verifier")),
        }
    }

    /// What people see keeps the limits of this side: a profile that does not is not taken over, and the login goes on.
    /// Groups whose names could not be made here are left out.
    fn presentable(&self, mut account: Account, known: Option<&User>) -> Account {
        let directory = self.records.directory;
        if let Err(cause) = account.profile.check() {
            tracing::warn!(%directory, account = %account.external_id, %cause, "a profile is not taken over");
            account.profile = known.map(|user| user.profile.clone()).unwrap_or_default();
        }
        if let Some(groups) = &mut account.groups {
            let makeable = |name: &GroupName| {
                let outcome = GroupName::for_creation(name.as_str());
                outcome.inspect_err(|cause| tracing::warn!(%directory, %cause, "a group is left out")).is_ok()
            };
            groups.direct.retain(makeable);
            groups.nested.retain(|(child, parent)| makeable(child) && makeable(parent));
        }
        account
    }

    /// Finds the local account of a verified one, and makes or mends it as the settings say (R520 to R525).
    async fn settle(&self, account: &Account, known: Option<&User>) -> Result<Local, LoginFault> {
        if let Some(user) = known.filter(|user| user.external_id == account.external_id) {
            return self.update(user, account).await;
        }
        // What marks accounts that were made here must not come from elsewhere (T06).
        if account.external_id.as_str().starts_with(Self::UNBOUND) {
            return Ok(Local::Quarantined);
        }
        let by_id = self.records.store.user_by_id(&self.records.subject(&account.external_id)).await?;
        match by_id {
            Some(renamed) if self.settings.known_user == KnownUser::UpdateAtLogin => {
                self.rename(&renamed, account).await
            }
            // Without updates a match by id under another name is ignored (R520): the name decides.
            Some(_) if known.is_none() => Ok(Local::Nobody),
            _ => match known {
                Some(holder) => self.meet_holder(holder, account).await,
                None => self.create(account).await,
            },
        }
    }

    async fn update(&self, user: &User, account: &Account) -> Result<Local, LoginFault> {
        if self.settings.known_user == KnownUser::StaysAsIs {
            return Ok(Local::Account(user.clone(), Made::Before));
        }
        let subject = self.records.subject(&user.external_id);
        let mut changes = Vec::new();
        if user.name.as_str() != account.name.as_str() {
            changes.push(Change::RenameUser {
                subject: subject.clone(),
                name: account.name.clone(),
                free_in: vec![],
            });
        }
        if user.profile != account.profile {
            let patch = UserPatch { profile: Some(account.profile.clone()), ..UserPatch::default() };
            changes.push(Change::UpdateUser { subject, patch, free_in: vec![] });
        }
        if changes.is_empty() {
            return Ok(Local::Account(user.clone(), Made::Before));
        }
        self.records.apply_all(changes).await?;
        let updated = User { name: account.name.clone(), profile: account.profile.clone(), ..user.clone() };
        Ok(Local::Account(updated, Made::Before))
    }

    /// The account was renamed at the verifier; the local one follows unless its new name is taken.
    async fn rename(&self, renamed: &User, account: &Account) -> Result<Local, LoginFault> {
        let taken = self.settings.taken_name;
        match self.records.follow_rename(&renamed.external_id, &account.name, taken).await? {
            Followed::No => Ok(Local::Quarantined),
            Followed::Yes => {
                let renamed = User { name: account.name.clone(), ..renamed.clone() };
                self.update(&renamed, account).await
            }
        }
    }

    /// Somebody else holds the name here: the newcomer's predecessor, or somebody who was renamed meanwhile (R521).
    async fn meet_holder(&self, holder: &User, account: &Account) -> Result<Local, LoginFault> {
        let today = self.within_deadline(|verifier| verifier.account(&holder.external_id)).await?;
        let subject = self.records.subject(&holder.external_id);
        match today {
            Some(moved) if moved.name.key() != account.name.key() => {
                let follows = self.settings.known_user == KnownUser::UpdateAtLogin
                    && self.settings.unknown_user == UnknownUser::CreateAtLogin;
                if !follows {
                    return Ok(Local::Quarantined);
                }
                let aside = Change::RenameUser { subject, name: moved.name, free_in: vec![] };
                match self.records.apply_all(vec![aside]).await {
                    Ok(()) => self.create(account).await,
                    Err(error) if error.fault() == Fault::Conflict => Ok(Local::Quarantined),
                    Err(error) => Err(error.into()),
                }
            }
            // Two accounts of one name at the verifier: nobody can tell who this is.
            Some(_) => Ok(Local::Quarantined),
            None if holder.external_id.as_str().starts_with(Self::UNBOUND) => {
                let bound = self.bind(holder, account).await?;
                if let Local::Account(user, _) = &bound {
                    // This is the account's first login.
                    self.give_default_groups(user).await?;
                }
                Ok(bound)
            }
            None => match self.settings.recycled_name {
                RecycledName::Quarantine => Ok(Local::Quarantined),
                RecycledName::Adopt => self.bind(holder, account).await,
            },
        }
    }

    /// Ties a local account to the verified one: from now on it is known by the verifier's id.
    async fn bind(&self, holder: &User, account: &Account) -> Result<Local, LoginFault> {
        let (subject, external_id) = (self.records.subject(&holder.external_id), account.external_id.clone());
        let change = Change::ReplaceExternalId { subject, external_id: external_id.clone() };
        self.records.apply_all(vec![change]).await?;
        self.update(&User { external_id, ..holder.clone() }, account).await
    }

    async fn create(&self, account: &Account) -> Result<Local, LoginFault> {
        if self.settings.unknown_user == UnknownUser::StaysUnknown {
            return Ok(Local::Nobody);
        }
        if let Err(cause) = Username::for_creation(account.name.as_str()) {
            tracing::warn!(directory = %self.records.directory, %cause, "an account of an impossible name is set aside");
            return Ok(Local::Quarantined);
        }
        let user = User {
            external_id: account.external_id.clone(),
            name: account.name.clone(),
            profile: account.profile.clone(),
            active: true,
            attributes: Default::default(),
        };
        for _ in 0..MAX_RACES {
            match self.add(&user).await {
                Ok(()) => return Ok(Local::Account(user, Made::Now)),
                // Another login was faster: with the same account (R525), or with a default group.
                Err(error) if error.fault() == Fault::Conflict => {
                    let subject = self.records.subject(&account.external_id);
                    if let Some(user) = self.records.store.user_by_id(&subject).await? {
                        return Ok(Local::Account(user, Made::Before));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Local::Quarantined)
    }

    /// Adds a user with the default groups, or not at all: a first login that fails halfway would never give them
    /// later.
    async fn add(&self, user: &User) -> Result<(), StoreError> {
        let mut changes = vec![Change::AddUser {
            directory: self.records.directory,
            user: user.clone(),
            free_in: vec![],
            credential: None,
        }];
        let mut given = BTreeSet::new();
        for name in self.settings.default_groups.iter().filter(|&name| given.insert(name)) {
            if self.records.kept_group(name).await?.is_none() {
                changes.push(self.add_group_change(self.records.new_group(&unnamed(name))));
            }
            changes.push(self.joining(name, user));
        }
        self.records.apply_all(changes).await
    }

    /// Brings the memberships up to date. For somebody known already, a failure is reported and the login goes on with
    /// the memberships that are kept (R532).
    async fn import_groups(&self, user: &User, made: Made, account: &Account) -> Result<(), LoginFault> {
        let imported = self.refresh_groups(user, account).await;
        let given = match self.settings.default_groups_given {
            DefaultGroupsGiven::Once => Ok(()),
            DefaultGroupsGiven::AtEveryLogin => self.give_default_groups(user).await,
        };
        match (imported.and(given), made) {
            (Err(error), Made::Before) => {
                let directory = self.records.directory;
                tracing::warn!(%directory, cause = %error, "the groups of a login could not be refreshed");
                Ok(())
            }
            (outcome, _) => Ok(outcome?),
        }
    }

    async fn refresh_groups(&self, user: &User, account: &Account) -> Result<(), StoreError> {
        if self.settings.groups == GroupImport::Never {
            return Ok(());
        }
        let Some(named) = &account.groups else {
            return Ok(());
        };
        let member = Member::User(user.name.clone());
        self.refresh_parents(&member, &named.direct).await?;
        if self.settings.nesting == Nesting::Allowed {
            self.refresh_nesting(named).await?;
        }
        Ok(())
    }

    /// Upwards from the groups that hold the account, so that each is there before it is put into those above it.
    async fn refresh_nesting(&self, named: &AccountGroups) -> Result<(), StoreError> {
        let mut waiting: VecDeque<&GroupName> = named.direct.iter().collect();
        let mut seen: BTreeSet<&GroupName> = waiting.iter().copied().collect();
        while let Some(child) = waiting.pop_front() {
            // A local group shadows the verifier's of the same name (R123, R530): nothing above it is the verifier's.
            if self.records.kept_group(child).await?.is_none_or(|group| group.origin == Origin::Local) {
                continue;
            }
            let parents =
                || named.nested.iter().filter(|(below, _)| below == child).map(|(_, parent)| parent);
            let names: Vec<GroupName> = parents().cloned().collect();
            self.refresh_parents(&Member::Group(child.clone()), &names).await?;
            waiting.extend(parents().filter(|&parent| seen.insert(parent)));
        }
        Ok(())
    }

    /// Makes the imported groups that directly hold a member those that the verifier names (R530, R531).
    async fn refresh_parents(&self, member: &Member, named: &[GroupName]) -> Result<(), StoreError> {
        let member_of = self.records.all_parents(member).await?;
        let mut kept = Vec::new();
        for name in named.iter().chain(&member_of) {
            kept.extend(self.records.kept_group(name).await?.map(|group| (group.name, group.origin)));
        }
        let refresh = refresh_groups(named, &kept, &member_of, Emptiness::IsAFact);
        for name in refresh.make {
            let group = Group { origin: Origin::Imported, ..self.records.new_group(&unnamed(&name)) };
            self.records.tolerate_conflict(self.add_group_change(group)).await?;
        }
        for group in refresh.join {
            // An edge that would close a circle is left out (R411).
            self.records
                .tolerate_conflict(Change::AddMember {
                    directory: self.records.directory,
                    group,
                    member: member.clone(),
                    cycle: OnCycle::Refuse,
                })
                .await?;
        }
        let leave = refresh.leave.into_iter().map(|group| Change::RemoveMember {
            directory: self.records.directory,
            group,
            member: member.clone(),
        });
        self.records.apply_all(leave.collect()).await
    }

    async fn give_default_groups(&self, user: &User) -> Result<(), StoreError> {
        for name in &self.settings.default_groups {
            if self.records.kept_group(name).await?.is_none() {
                self.records
                    .tolerate_conflict(self.add_group_change(self.records.new_group(&unnamed(name))))
                    .await?;
            }
            self.records.tolerate_conflict(self.joining(name, user)).await?;
        }
        Ok(())
    }

    fn joining(&self, group: &GroupName, user: &User) -> Change {
        Change::AddMember {
            directory: self.records.directory,
            group: group.clone(),
            member: Member::User(user.name.clone()),
            cycle: OnCycle::Keep,
        }
    }

    fn add_group_change(&self, group: Group) -> Change {
        Change::AddGroup { directory: self.records.directory, group, free_in: vec![] }
    }
}

/// How often a newcomer is tried again who lost a race for a default group. Each loss means that a group was made, of
/// which there are few.
const MAX_RACES: usize = 16;

fn unnamed(name: &GroupName) -> NewGroup {
    NewGroup { name: name.clone(), description: String::new() }
}

#[async_trait]
impl Stored for Delegated {
    fn creates_at_login(&self) -> bool {
        self.settings.unknown_user == UnknownUser::CreateAtLogin
            || self.settings.known_user == KnownUser::UpdateAtLogin
    }

    fn nesting(&self) -> Nesting {
        self.settings.nesting
    }

    async fn log_in(&self, login: &Login<'_>, known: Option<&User>) -> Result<Checked, LoginFault> {
        let say = |credence| Ok(Checked::new(credence, Spent::Nothing));
        if !self.follows_the_verifier() && known.is_none() {
            return say(Credence::Unknown);
        }
        let told_at_once =
            !self.follows_the_verifier() && login.rules.tell_inactive == TellInactive::BeforePassword;
        if told_at_once && known.is_some_and(|user| !user.active) {
            return say(Credence::Refused(Refusal::Inactive));
        }
        let account = match self.verify(login.name, login.secret).await? {
            Vouched::Accepted(account) => self.presentable(*account, known),
            // The records still hold the name: a namesake below is somebody else.
            Vouched::Unknown if known.is_some() && login.rules.gone_account == GoneAccount::Refuse => {
                return say(Credence::Refused(Refusal::GoneAtSource));
            }
            Vouched::Unknown => return say(Credence::Unknown),
            Vouched::Refused(why) => return say(Credence::Refused(why)),
        };
        let (user, made) = match self.settle(&account, known).await? {
            Local::Account(user, made) => (user, made),
            Local::Nobody => return say(Credence::Unknown),
            Local::Quarantined => return say(Credence::Refused(Refusal::AccountQuarantined)),
        };
        if !user.active {
            return say(Credence::Refused(Refusal::Inactive));
        }
        self.import_groups(&user, made, &account).await?;
        say(Credence::Accepted(user))
    }
}
