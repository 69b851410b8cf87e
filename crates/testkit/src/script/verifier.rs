//! The scripted verifier.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use throng_core::directory::{Account, AccountGroups, Refusal, Verifier, Vouched};
use throng_core::error::{DirectoryError, Fault};
use throng_core::id::ExternalId;
use throng_core::name::{InvalidName, Username};
use throng_core::secret::Secret;
use throng_core::user::Profile;

use super::behaviour::{Behaviour, Call, Manner, Script};

/// A verifier in memory whose every call can be made to fail, hang, lie or refuse.
///
/// 1. While it is [`Behaviour::Answering`] it keeps the behaviours of [`Verifier`].
/// 2. Clones share the accounts, the behaviours and the counts; a clone that a test keeps is the handle.
/// 3. Accounts put in by name get the external ids `v1`, `v2` and so on.
#[derive(Debug, Clone, Default)]
pub struct ScriptedVerifier {
    scripted: Arc<Mutex<Scripted>>,
}

#[derive(Default)]
struct Scripted {
    script: Script,
    accounts: BTreeMap<ExternalId, Account>,
    passwords: BTreeMap<ExternalId, String>,
    credulous: bool,
    drawn: u64,
}

impl fmt::Debug for Scripted {
    /// Leaves the passwords out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted")
            .field("script", &self.script)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// Setting up and taking apart, without counting as a call.
impl ScriptedVerifier {
    /// A verifier that knows nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// A verifier that accepts any password for any name, under an external id that is the name's key; for
    /// measuring what is around it.
    pub fn accepting_anybody() -> Self {
        let verifier = Self::new();
        verifier.scripted().credulous = true;
        verifier
    }

    /// Puts an account of a name in, with a password and no groups, and returns it.
    pub fn put(&self, name: &str, password: &str) -> Result<Account, InvalidName> {
        let name = Username::new(name)?;
        let mut scripted = self.scripted();
        scripted.drawn += 1;
        let id = ExternalId::new(format!("v{}", scripted.drawn));
        let account = Account {
            // A letter and digits are always an id.
            external_id: id.expect("a drawn id is printable"),
            name,
            profile: Profile::default(),
            groups: Some(AccountGroups::default()),
        };
        drop(scripted);
        self.put_account(account.clone(), password);
        Ok(account)
    }

    /// Puts an account in, in place of the one with its external id.
    pub fn put_account(&self, account: Account, password: &str) {
        let mut scripted = self.scripted();
        let id = account.external_id.clone();
        scripted.passwords.insert(id.clone(), password.to_owned());
        scripted.accounts.insert(id, account);
    }

    /// Changes an account's name. `Missing` when it is not there, `Conflict` when another has the name.
    pub fn rename(&self, id: &ExternalId, name: &Username) -> Result<(), Fault> {
        let mut scripted = self.scripted();
        if scripted.find(name).is_some_and(|other| other.external_id != *id) {
            return Err(Fault::Conflict);
        }
        scripted.change(id, |account| account.name = name.clone())
    }

    /// Changes what people see of an account. `Missing` when it is not there.
    pub fn put_profile(&self, id: &ExternalId, profile: Profile) -> Result<(), Fault> {
        self.scripted().change(id, |account| account.profile = profile)
    }

    /// Changes the groups of an account; `None` when they cannot be told. `Missing` when it is not there.
    pub fn put_groups(&self, id: &ExternalId, groups: Option<AccountGroups>) -> Result<(), Fault> {
        self.scripted().change(id, |account| account.groups = groups)
    }

    /// Takes an account out. `Missing` when it is not there.
    pub fn drop_account(&self, id: &ExternalId) -> Result<Account, Fault> {
        let mut scripted = self.scripted();
        scripted.passwords.remove(id);
        scripted.accounts.remove(id).ok_or(Fault::Missing)
    }

    /// Makes every call behave in one way from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.scripted().script.behave(behaviour);
    }

    /// Makes one call behave in another way than the rest from now on.
    pub fn behave_on(&self, call: Call, behaviour: Behaviour) {
        self.scripted().script.behave_on(call, behaviour);
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

    fn scripted(&self) -> MutexGuard<'_, Scripted> {
        self.scripted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn begin(&self, call: Call) -> Result<Manner, DirectoryError> {
        let behaviour = self.scripted().script.count(call);
        behaviour.perform().await
    }
}

impl Scripted {
    fn find(&self, name: &Username) -> Option<&Account> {
        self.accounts.values().find(|account| account.name == *name)
    }

    fn change(&mut self, id: &ExternalId, change: impl FnOnce(&mut Account)) -> Result<(), Fault> {
        self.accounts.get_mut(id).map(change).ok_or(Fault::Missing)
    }

    fn vouch(&self, name: &Username, secret: &Secret, manner: Manner) -> Vouched {
        let account = match self.find(name) {
            Some(account) => account.clone(),
            None if self.credulous => self.anybody(name),
            None => return Vouched::Unknown,
        };
        if let Manner::Refusing(refusal) = manner {
            return Vouched::Refused(refusal);
        }
        let right =
            self.passwords.get(&account.external_id).is_some_and(|password| password == secret.expose());
        if right || self.credulous {
            Vouched::Accepted(Box::new(account))
        } else {
            Vouched::Refused(Refusal::WrongPassword)
        }
    }

    fn anybody(&self, name: &Username) -> Account {
        Account {
            // A name's key holds no control characters and is no longer than an id.
            external_id: ExternalId::new(name.key().as_str()).expect("a key can be an id"),
            name: name.clone(),
            profile: Profile::default(),
            groups: None,
        }
    }
}

fn told(manner: Manner, account: Account) -> Account {
    match manner {
        Manner::Lying(lie) => Account {
            name: lie.about_name(&account.name),
            external_id: lie.about_id(&account.external_id),
            ..account
        },
        Manner::Honest | Manner::Refusing(_) | Manner::Losing => account,
    }
}

#[async_trait]
impl Verifier for ScriptedVerifier {
    async fn verify(&self, name: &Username, secret: &Secret) -> Result<Vouched, DirectoryError> {
        let manner = self.begin(Call::Verify).await?;
        manner.answer(Ok(match self.scripted().vouch(name, secret, manner) {
            Vouched::Accepted(account) => Vouched::Accepted(Box::new(told(manner, *account))),
            other => other,
        }))
    }

    async fn account(&self, id: &ExternalId) -> Result<Option<Account>, DirectoryError> {
        let manner = self.begin(Call::Account).await?;
        let found = self.scripted().accounts.get(id).cloned();
        manner.answer(Ok(found.map(|account| told(manner, account))))
    }
}
