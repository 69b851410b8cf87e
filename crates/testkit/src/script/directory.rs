//! The scripted directory: what it holds, and how it answers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use throng_core::attribute::Attributes;
use throng_core::change::OnCycle;
use throng_core::directory::{Credence, Directory, GroupPatch, Powers, Refusal, UserPatch};
use throng_core::error::{DirectoryError, Fault};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::{GroupName, InvalidName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::password::EncodedHash;
use throng_core::secret::Secret;
use throng_core::sync::{Item, SyncSource};
use throng_core::user::{Profile, User};

use super::behaviour::{Behaviour, Call, Lie, Manner, Script};
use super::source::Pulls;
use crate::population::{Part, Population, page_of};

/// A directory in memory whose every call can be made to fail, hang, lie or refuse.
///
/// 1. While it is [`Behaviour::Answering`] it keeps the directory contract, with all powers over what it holds unless
///    told otherwise. Whether it can be mirrored is told by [`ScriptedDirectory::stating_in_batches_of`]; it keeps the
///    contract of sources then.
/// 2. Clones share what is held, the behaviours and the counts; a clone that a test keeps is the handle.
///    Powers are each clone's own.
/// 3. New accounts get the external ids `u1`, `u2` and so on, new groups `g1` and so on.
/// 4. Passwords are kept as clear text and compared as such; those of fewer than
///    [`ScriptedDirectory::MIN_PASSWORD_CHARS`] code points are refused by [`SetPasswords`].
/// 5. It reads no hash: which password one is of is told by [`ScriptedDirectory::taking_hash`], which gives the power
///    over hashes; others it does not take.
///
/// [`SetPasswords`]: throng_core::directory::SetPasswords
#[derive(Debug, Clone)]
pub struct ScriptedDirectory {
    pub(super) id: DirectoryId,
    powers: [Option<Power>; 4],
    /// How much a batch holds, where the directory can be mirrored.
    pub(super) batch: Option<usize>,
    takes_hashes: bool,
    scripted: Arc<Mutex<Scripted>>,
}

/// A power that a directory may have; see [`Powers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// `Powers::users`.
    Users,
    /// `Powers::groups`.
    Groups,
    /// `Powers::members`.
    Members,
    /// `Powers::passwords`.
    Passwords,
}

#[derive(Default)]
pub(super) struct Scripted {
    pub(super) script: Script,
    pub(super) population: Population,
    pub(super) passwords: BTreeMap<ExternalId, Password>,
    /// The password that each hash is of.
    pub(super) hashes: Vec<(EncodedHash, String)>,
    pub(super) pulls: Pulls,
    attempt_limit: Option<u32>,
    drawn: u64,
}

/// A clear-text password and its count of failures.
#[derive(Clone)]
pub(super) struct Password {
    pub(super) text: String,
    pub(super) failures: u32,
}

impl fmt::Debug for Scripted {
    /// Leaves the passwords out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted")
            .field("script", &self.script)
            .field("population", &self.population)
            .finish_non_exhaustive()
    }
}

impl Password {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), failures: 0 }
    }
}

/// Setting up and taking apart, without counting as a call.
impl ScriptedDirectory {
    /// Fewest code points of a password that can be set through the power.
    pub const MIN_PASSWORD_CHARS: usize = 8;

    /// An empty directory with all powers.
    pub fn new(id: DirectoryId) -> Self {
        Self {
            id,
            powers: [Power::Users, Power::Groups, Power::Members, Power::Passwords].map(Some),
            batch: None,
            takes_hashes: false,
            scripted: Arc::default(),
        }
    }

    /// The same directory with these powers only.
    #[must_use]
    pub fn with_powers(mut self, powers: &[Power]) -> Self {
        for power in &mut self.powers {
            *power = power.filter(|power| powers.contains(power));
        }
        self
    }

    /// The same directory, which locks an account after so many failed checks until a new password is set.
    #[must_use]
    pub fn locking_after(self, failures: u32) -> Self {
        self.scripted().attempt_limit = Some(failures);
        self
    }

    /// The same directory, which takes password hashes, among them this one: it is of this password.
    #[must_use]
    pub fn taking_hash(mut self, hash: &EncodedHash, password: &str) -> Self {
        self.takes_hashes = true;
        self.scripted().hashes.push((hash.clone(), password.to_owned()));
        self
    }

    /// Another directory of the same id and powers that holds the same now, and shares nothing with this one. It
    /// answers as documented, and has counted no calls and stated nothing yet.
    #[must_use]
    pub fn copy(&self) -> Self {
        let scripted = self.scripted();
        let copy = Scripted {
            script: Script::default(),
            population: scripted.population.clone(),
            passwords: scripted.passwords.clone(),
            hashes: scripted.hashes.clone(),
            pulls: Pulls::default(),
            attempt_limit: scripted.attempt_limit,
            drawn: scripted.drawn,
        };
        Self { scripted: Arc::new(Mutex::new(copy)), ..self.clone() }
    }

    /// Puts an active user of a name in, and returns it; nothing changes when the name is taken.
    pub fn put(&self, name: &str) -> Result<User, InvalidName> {
        let user = self.make_user(&Username::new(name)?);
        let _ = self.put_user(user.clone());
        Ok(user)
    }

    /// Puts an active user of a name in, with a password, and returns it.
    pub fn put_with_password(&self, name: &str, password: &str) -> Result<User, InvalidName> {
        let user = self.put(name)?;
        self.put_password(&user.external_id, password);
        Ok(user)
    }

    /// Puts a user in. `Conflict` when the key or the external id is taken.
    pub fn put_user(&self, user: User) -> Result<(), Fault> {
        self.scripted().population.add_user(user)
    }

    /// Puts a group of a name in, and returns it; nothing changes when there is one already.
    pub fn put_group(&self, name: &str, description: &str) -> Result<Group, InvalidName> {
        let group = Group {
            external_id: self.draw_id("g"),
            name: GroupName::new(name)?,
            description: description.to_owned(),
            origin: Origin::Imported,
            attributes: Attributes::new(),
        };
        let _ = self.scripted().population.add_group(group.clone());
        Ok(group)
    }

    /// Puts a member into a group, also where that closes a cycle. `Missing` when either is not there.
    pub fn put_member(&self, group: &GroupName, member: &Member) -> Result<(), Fault> {
        let mut scripted = self.scripted();
        scripted.population.add_member(group.key(), member, OnCycle::Keep)
    }

    /// Takes a member out of a group. `Missing` when it is none.
    pub fn drop_member(&self, group: &GroupName, member: &Member) -> Result<(), Fault> {
        self.scripted().population.remove_member(group.key(), member)
    }

    /// Sets an account's password, whatever the policy.
    pub fn put_password(&self, id: &ExternalId, password: &str) {
        let mut scripted = self.scripted();
        scripted.passwords.insert(id.clone(), Password::new(password));
    }

    /// Renames an account behind everybody's back. `Missing` when it is not there, `Conflict` when the name
    /// is taken.
    pub fn rename(&self, id: &ExternalId, name: &Username) -> Result<(), Fault> {
        self.scripted().population.rename_user(id, name).map(drop)
    }

    /// Gives an account another external id. `Missing` when it is not there, `Conflict` when the id is taken.
    pub fn replace_id(&self, id: &ExternalId, to: &ExternalId) -> Result<(), Fault> {
        let mut scripted = self.scripted();
        scripted.population.replace_external_id(id, to)?;
        if let Some(password) = scripted.passwords.remove(id) {
            scripted.passwords.insert(to.clone(), password);
        }
        Ok(())
    }

    /// Takes an account out, with its memberships and password. `Missing` when it is not there.
    pub fn drop_user(&self, id: &ExternalId) -> Result<User, Fault> {
        let mut scripted = self.scripted();
        scripted.passwords.remove(id);
        scripted.population.remove_user(id)
    }

    /// Takes a group out, with its memberships. `Missing` when it is not there.
    pub fn drop_group(&self, name: &GroupName) -> Result<(), Fault> {
        self.scripted().population.remove_group(name.key())
    }

    /// Makes every call behave in one way from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.scripted().script.behave(behaviour);
    }

    /// Makes one call behave in another way than the rest from now on.
    pub fn behave_on(&self, call: Call, behaviour: Behaviour) {
        self.scripted().script.behave_on(call, behaviour);
    }

    /// Makes only the n-th of a kind of call from now on, counted from 1, behave in another way.
    pub fn behave_once(&self, call: Call, nth: u64, behaviour: Behaviour) {
        self.scripted().script.behave_once(call, nth, behaviour);
    }

    /// Makes the n-th call from now on, counted from 1, and every one after it behave in one way, whatever calls they
    /// are and however they behave otherwise, until [`ScriptedDirectory::behave`]; 0 takes that back.
    pub fn behave_from(&self, nth: u64, behaviour: Behaviour) {
        self.scripted().script.behave_from(nth, behaviour);
    }

    /// Changes a user behind everybody's back. `Missing` when it is not there.
    pub fn change(&self, id: &ExternalId, patch: &UserPatch) -> Result<(), Fault> {
        self.scripted().population.update_user(id, patch)
    }

    /// Changes a group behind everybody's back. `Missing` when it is not there.
    pub fn change_group(&self, name: &GroupName, patch: &GroupPatch) -> Result<(), Fault> {
        self.scripted().population.update_group(name.key(), patch)
    }

    /// How often a call was made.
    pub fn calls(&self, call: Call) -> u64 {
        self.scripted().script.calls(call)
    }

    /// How often anything was called.
    pub fn all_calls(&self) -> u64 {
        self.scripted().script.all_calls()
    }

    /// Begins to count anew.
    pub fn forget_calls(&self) {
        self.scripted().script.forget_calls();
    }

    pub(super) fn scripted(&self) -> MutexGuard<'_, Scripted> {
        self.scripted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An active user that is not put in yet.
    pub(crate) fn make_user(&self, name: &Username) -> User {
        User {
            external_id: self.draw_id("u"),
            name: name.clone(),
            profile: Profile::default(),
            active: true,
            attributes: Attributes::new(),
        }
    }

    pub(super) fn draw_id(&self, prefix: &str) -> ExternalId {
        let mut scripted = self.scripted();
        scripted.drawn += 1;
        let text = format!("{prefix}{}", scripted.drawn);
        // A letter and digits are always an id.
        ExternalId::new(text).expect("a drawn id is printable")
    }

    pub(super) async fn begin(&self, call: Call) -> Result<Manner, DirectoryError> {
        let behaviour = self.scripted().script.count(call);
        behaviour.perform().await
    }

    fn has(&self, power: Power) -> bool {
        self.powers.contains(&Some(power))
    }
}

#[async_trait]
impl Directory for ScriptedDirectory {
    fn id(&self) -> DirectoryId {
        self.id
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, DirectoryError> {
        let manner = self.begin(Call::User).await?;
        let found = self.scripted().population.user(name.key()).cloned();
        manner.answer(Ok(match manner {
            Manner::Lying(lie) => lie.about_user(name, found),
            Manner::Honest | Manner::Refusing(_) | Manner::Losing => found,
        }))
    }

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, DirectoryError> {
        let manner = self.begin(Call::Group).await?;
        let found = self.scripted().population.group(name.key()).cloned();
        manner.answer(Ok(match manner {
            Manner::Lying(lie) => found.map(|group| lie.about_group(group)),
            Manner::Honest | Manner::Refusing(_) | Manner::Losing => found,
        }))
    }

    async fn find_users(&self, filter: &Filter, page: &PageRequest) -> Result<Page<User>, DirectoryError> {
        let manner = self.begin(Call::FindUsers).await?;
        let scripted = self.scripted();
        let passing = scripted.population.users().filter(|user| filter.matches_user(user));
        let found = page_of(passing.cloned(), page, User::key);
        manner.answer(Ok(match manner {
            Manner::Lying(lie) => found.map(|user| lie.tell(user)),
            Manner::Honest | Manner::Refusing(_) | Manner::Losing => found,
        }))
    }

    async fn find_groups(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        let manner = self.begin(Call::FindGroups).await?;
        let scripted = self.scripted();
        let passing = scripted.population.groups().filter(|group| filter.matches_group(group));
        let found = page_of(passing.cloned(), page, Group::key);
        manner.answer(Ok(match manner {
            Manner::Lying(lie) => found.map(|group| lie.about_group(group)),
            Manner::Honest | Manner::Refusing(_) | Manner::Losing => found,
        }))
    }

    async fn parents_of(
        &self,
        member: &Member,
        page: &PageRequest,
    ) -> Result<Page<GroupName>, DirectoryError> {
        let manner = self.begin(Call::ParentsOf).await?;
        let parents = self.scripted().population.parents(&Part::of(member));
        manner.answer(Ok(page_of(parents.into_iter(), page, GroupName::key)))
    }

    async fn children_of(
        &self,
        group: &GroupName,
        page: &PageRequest,
    ) -> Result<Page<Member>, DirectoryError> {
        let manner = self.begin(Call::ChildrenOf).await?;
        manner.answer(Ok(self.scripted().population.children_page(group.key(), page)))
    }

    async fn authenticate(&self, name: &Username, secret: &Secret) -> Result<Credence, DirectoryError> {
        let manner = self.begin(Call::Authenticate).await?;
        let credence = self.scripted().check(name, secret, manner);
        manner.answer(Ok(match (manner, credence) {
            (Manner::Lying(lie), Credence::Accepted(user)) => Credence::Accepted(lie.tell(user)),
            (_, credence) => credence,
        }))
    }

    fn powers(&self) -> Powers<'_> {
        Powers {
            users: self.has(Power::Users).then_some(self),
            groups: self.has(Power::Groups).then_some(self),
            members: self.has(Power::Members).then_some(self),
            passwords: self.has(Power::Passwords).then_some(self),
            sync: self.batch.map(|_| self as &dyn SyncSource),
            hashes: self.takes_hashes.then_some(self),
        }
    }
}

impl Scripted {
    fn check(&mut self, name: &Username, secret: &Secret, manner: Manner) -> Credence {
        let Some(user) = self.population.user(name.key()) else {
            return Credence::Unknown;
        };
        if let Manner::Refusing(refusal) = manner {
            return Credence::Refused(refusal);
        }
        let Some(password) = self.passwords.get_mut(&user.external_id) else {
            return Credence::Refused(Refusal::NoPassword);
        };
        if self.attempt_limit.is_some_and(|limit| password.failures >= limit) {
            return Credence::Refused(Refusal::Locked);
        }
        if password.text != secret.expose() {
            password.failures += 1;
            return Credence::Refused(Refusal::WrongPassword);
        }
        password.failures = 0;
        if !user.active {
            return Credence::Refused(Refusal::Inactive);
        }
        Credence::Accepted(user.clone())
    }
}

impl Lie {
    /// A name that is accepted wherever the true one is, unless that fills the limit already.
    pub(super) fn about_name(self, name: &Username) -> Username {
        match self {
            Self::Name => Username::new(format!("{name}2")).unwrap_or_else(|_| stranger().name),
            Self::ExternalId => name.clone(),
        }
    }

    pub(super) fn about_id(self, id: &ExternalId) -> ExternalId {
        match self {
            Self::Name => id.clone(),
            Self::ExternalId => stranger().external_id,
        }
    }

    fn tell(self, user: User) -> User {
        User { name: self.about_name(&user.name), external_id: self.about_id(&user.external_id), ..user }
    }

    fn about_user(self, asked: &Username, found: Option<User>) -> Option<User> {
        match (self, found) {
            (_, Some(user)) => Some(self.tell(user)),
            (Self::Name, None) => Some(User { name: self.about_name(asked), ..stranger() }),
            (Self::ExternalId, None) => None,
        }
    }

    pub(super) fn about_item(self, item: Item) -> Item {
        match item {
            Item::User(user) => Item::User(self.tell(user)),
            Item::Group(group) => Item::Group(self.about_group(group)),
            other => other,
        }
    }

    fn about_group(self, group: Group) -> Group {
        match self {
            Self::Name => {
                Group { name: GroupName::new(format!("{}2", group.name)).unwrap_or(group.name), ..group }
            }
            Self::ExternalId => Group { external_id: stranger().external_id, ..group },
        }
    }
}

fn stranger() -> User {
    User {
        // Both literals are printable and short.
        external_id: ExternalId::new("nobody").expect("a printable id"),
        name: Username::new("stranger").expect("a printable name"),
        profile: Profile::default(),
        active: true,
        attributes: Attributes::new(),
    }
}
