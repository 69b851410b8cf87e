//! The engine put together: a store, the attached adapters, and the configuration in use.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use throng_core::change::{Change, ChangeSet, LoggedBatch};
use throng_core::directory::{Authority, Directory, Verifier};
use throng_core::entropy::Entropy;
use throng_core::id::{ApplicationId, DirectoryId, Id, InstanceId};
use throng_core::name::Key;
use throng_core::permission::Permissions;
use throng_core::plan::Plan;
use throng_core::registry::{
    Aliases, ApplicationRecord, DelegatedSettings, DirectoryKind, DirectoryRecord, InternalSettings, Label,
};
use throng_core::store::Store;
use throng_core::sync::{MirroredSettings, NodeId, SyncSource};
use throng_core::time::Clock;
use throng_passwords::hasher::{Hasher, HasherConfig};

use crate::application::Application;
use crate::config::{Attached, ByName, Config, InUse};
use crate::consumers::Consumers;
use crate::directory::{Fed, Guesses, Recovery, RecoveryAdmin, RecoveryStatus, Via};
use crate::error::{Conflict, Error, Invalid};
use crate::logins::RecentLogins;
use crate::sync::{Rounds, check_schedule};
use crate::system::{SystemClock, SystemEntropy};

/// Several user directories, and the applications that ask them in their own order.
///
/// 1. Cheap to clone; clones share everything.
/// 2. Configuration is kept in the store; what is changed through one clone is in use at once in all of them.
/// 3. Starts no task and no thread of its own: it works on the runtime of whoever awaits it. [`Throng::maintain`] is
///    for the host to call now and then.
#[derive(Debug, Clone)]
pub struct Throng(pub(crate) Arc<Engine>);

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) hasher: Hasher,
    pub(crate) deadline: Duration,
    pub(crate) sessions: SessionLimits,
    pub(crate) logins: RecentLogins,
    pub(crate) guesses: Guesses,
    /// Names this process to others that share the store.
    pub(crate) node: NodeId,
    pub(crate) rounds: Rounds,
    pub(crate) attached: Attached,
    pub(crate) consumers: Consumers,
    pub(crate) recovery: Option<Arc<RecoveryAdmin>>,
    config: ArcSwap<Config>,
    /// Held while the configuration is read, so that an older reading never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
}

/// Puts a [`Throng`] together.
#[derive(Debug)]
pub struct Builder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hashing: Option<HasherConfig>,
    deadline: Duration,
    sessions: SessionLimits,
    live: Vec<(String, Arc<dyn Directory>)>,
    verifiers: Vec<(String, Arc<dyn Verifier>)>,
    sources: Vec<(String, Arc<dyn Directory>)>,
    recovery: Option<Recovery>,
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without use. Default one hour (NIST SP 800-63B-4 §2.2.3).
    pub idle: Duration,
    /// Whatever is done with it. Default 24 hours (the same).
    pub overall: Duration,
    /// Uses closer together than this, or than half the idle limit, are noted once. Default one minute.
    pub touch: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        let hour = Duration::from_secs(60 * 60);
        Self { idle: hour, overall: 24 * hour, touch: Duration::from_secs(60) }
    }
}

impl Builder {
    /// Takes the time from elsewhere than the machine.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes randomness from elsewhere than the machine.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Sets what password hashing costs and may take. Default: OWASP's floor for Argon2id, on all cores.
    #[must_use]
    pub fn hashing(mut self, config: HasherConfig) -> Self {
        self.hashing = Some(config);
        self
    }

    /// How long a live directory or a verifier may take for one answer before it counts as silent. Default 10 s, the
    /// time that directories of this kind are given to bind.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long sessions last.
    #[must_use]
    pub fn sessions(mut self, limits: SessionLimits) -> Self {
        self.sessions = limits;
        self
    }

    /// Attaches a live directory under a name. It is entered into the configuration if it is new; its id is the
    /// adapter's own and must stay the same from start to start.
    #[must_use]
    pub fn directory(mut self, name: impl Into<String>, adapter: Arc<dyn Directory>) -> Self {
        self.live.push((name.into(), adapter));
        self
    }

    /// Attaches the verifier of the delegated directory of a name.
    #[must_use]
    pub fn verifier(mut self, directory: impl Into<String>, verifier: Arc<dyn Verifier>) -> Self {
        self.verifiers.push((directory.into(), verifier));
        self
    }

    /// Attaches the source of the mirrored directory of a name: a directory that can state everything it holds.
    #[must_use]
    pub fn source(mut self, directory: impl Into<String>, source: Arc<dyn Directory>) -> Self {
        self.sources.push((directory.into(), source));
        self
    }

    /// Attaches the source of the mirrored directory of a name, where reading it and checking its passwords are all
    /// that it can do.
    #[must_use]
    pub fn fed<S>(self, directory: impl Into<String>, source: Arc<S>) -> Self
    where
        S: SyncSource + Authority + 'static,
    {
        let id = Id::random(&*self.entropy);
        let fed = Fed::new(id, Arc::clone(&source) as Arc<dyn SyncSource>, source);
        self.source(directory, Arc::new(fed))
    }

    /// Switches a recovery administrator on, who can log in when nobody else can: off unless this is called (R909).
    ///
    /// For as long as it is on, [`Throng::recovery`] tells so, explanations show its directory first, and each start
    /// and each use is a warning in the log. Everybody else goes on as before.
    #[must_use]
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = Some(recovery);
        self
    }

    /// Reads the configuration from the store and puts everything to use.
    ///
    /// 1. [`Invalid::Setting`] when the deadline or a limit of sessions is zero, or recovery has ended already.
    /// 2. [`Invalid::Policy`] when the password of the recovery administrator is too weak, and
    ///    [`Conflict::RecoveryName`] when somebody in a stored directory has its name, an alias is called so, or the
    ///    name is claimed: nobody is taken over.
    pub async fn build(self) -> Result<Throng, Error> {
        for (setting, duration) in [
            ("the deadline", self.deadline),
            ("the idle limit of sessions", self.sessions.idle),
            ("the overall limit of sessions", self.sessions.overall),
        ] {
            if duration.is_zero() {
                return Err(Error::Invalid(Invalid::Setting(setting)));
            }
        }
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let hashing = self.hashing.unwrap_or_else(|| HasherConfig::new(cores));
        let node = Id::random(&*self.entropy);
        let (hasher, guesses) = (Hasher::new(hashing, Arc::clone(&self.entropy)), Guesses::default());
        let recovery = match self.recovery {
            Some(recovery) => {
                Some(Arc::new(RecoveryAdmin::new(recovery, &hasher, &self.clock, &guesses).await?))
            }
            None => None,
        };
        let engine = Engine {
            hasher,
            consumers: Consumers::new(&*self.entropy),
            store: self.store,
            clock: self.clock,
            entropy: self.entropy,
            deadline: self.deadline,
            sessions: self.sessions,
            logins: RecentLogins::default(),
            guesses,
            attached: Attached {
                live: self.live.iter().map(|(_, adapter)| (adapter.id(), Arc::clone(adapter))).collect(),
                verifiers: ByName::new(self.verifiers),
                sources: ByName::new(self.sources),
            },
            node,
            rounds: Rounds::default(),
            recovery,
            config: ArcSwap::from_pointee(Config::default()),
            reading: tokio::sync::Mutex::default(),
        };
        let throng = Throng(Arc::new(engine));
        throng.reload().await?;
        for (name, adapter) in self.live {
            throng.enter(adapter.id(), &name, DirectoryKind::Live).await?;
        }
        throng.begin_recovery().await?;
        Ok(throng)
    }
}

impl Throng {
    /// Begins to put one together over a store.
    pub fn builder(store: impl Store + 'static) -> Builder {
        Self::over(Arc::new(store))
    }

    /// Begins to put one together over a store that is shared already.
    pub fn over(store: Arc<dyn Store>) -> Builder {
        Builder {
            store,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            hashing: None,
            deadline: Duration::from_secs(10),
            sessions: SessionLimits::default(),
            live: Vec::new(),
            verifiers: Vec::new(),
            sources: Vec::new(),
            recovery: None,
        }
    }

    /// The recovery administrator, while it is on; see [`Builder::recovery`].
    pub fn recovery(&self) -> Option<RecoveryStatus> {
        self.recovering().map(|recovery| recovery.status())
    }

    /// The directories, in the order of their names.
    pub fn directories(&self) -> Vec<Arc<DirectoryRecord>> {
        self.config().directories()
    }

    /// The directory of a name.
    pub fn directory(&self, name: &str) -> Result<Arc<DirectoryRecord>, Error> {
        self.config().directory_named(&Key::of(name)).ok_or_else(|| Error::not_found("directory"))
    }

    /// A directory's own port, for administration of that one directory whatever any order says.
    pub fn open(&self, directory: DirectoryId) -> Result<Arc<dyn Directory>, Error> {
        let config = self.config();
        let mount = config.mount(directory).ok_or_else(|| Error::not_found("directory"))?;
        match &mount.via {
            Via::Internal(directory) => Ok(Arc::clone(directory) as Arc<dyn Directory>),
            Via::Delegated(directory) => Ok(Arc::clone(directory) as Arc<dyn Directory>),
            Via::Mirrored(directory) => Ok(Arc::clone(directory) as Arc<dyn Directory>),
            Via::Live(directory) => Ok(Arc::clone(directory)),
            Via::Detached => Err(Error::silent(directory)),
        }
    }

    /// The internal directory of a name, made with default settings if there is none.
    pub async fn internal_directory(&self, name: &str) -> Result<DirectoryId, Error> {
        self.enter(self.draw(), name, DirectoryKind::Internal(InternalSettings::default())).await
    }

    /// The delegated directory of a name, made with these settings if there is none.
    pub async fn delegated_directory(
        &self,
        name: &str,
        settings: DelegatedSettings,
    ) -> Result<DirectoryId, Error> {
        self.enter(self.draw(), name, DirectoryKind::Delegated(settings)).await
    }

    /// The mirrored directory of a name, made with these settings if there is none. Its source is attached by
    /// [`Builder::source`]; until the first complete round it is silent about everybody.
    pub async fn mirrored_directory(
        &self,
        name: &str,
        settings: MirroredSettings,
    ) -> Result<DirectoryId, Error> {
        check_schedule(&settings.schedule)?;
        self.enter(self.draw(), name, DirectoryKind::Mirrored(Box::new(settings))).await
    }

    /// Replaces the configuration of a directory: name, masks, settings, whether it is active. The kind stays.
    pub async fn update_directory(&self, record: DirectoryRecord) -> Result<(), Error> {
        self.reload().await?;
        let former = self.config().mount(record.id).map(|mount| Arc::clone(&mount.record));
        let former = former.ok_or_else(|| Error::not_found("directory"))?;
        if std::mem::discriminant(&former.kind) != std::mem::discriminant(&record.kind) {
            return Err(Error::Conflict(Conflict::DirectoryKind));
        }
        if let DirectoryKind::Mirrored(settings) = &record.kind {
            check_schedule(&settings.schedule)?;
        }
        self.configure(Change::PutDirectory(record), Conflict::NameTaken).await
    }

    /// Removes a directory and everything in it. It must be inactive (R293); names that it owned stay claimed, so
    /// that a namesake elsewhere inherits nothing (T12). [`Conflict::MoveUnpurged`] while a move needs it.
    pub async fn remove_directory(&self, directory: DirectoryId) -> Result<(), Error> {
        // Another process may have switched it on again.
        self.reload().await?;
        let config = self.config();
        let mount = config.mount(directory).ok_or_else(|| Error::not_found("directory"))?;
        if mount.record.active {
            return Err(Error::Conflict(Conflict::DirectoryActive));
        }
        self.refuse_while_moves_need(directory).await?;
        self.configure(Change::RemoveDirectory(directory), Conflict::Stale).await
    }

    /// The applications, in the order of their names.
    pub fn applications(&self) -> Vec<Application> {
        let config = self.config();
        config.applications().map(|id| Application::new(self.clone(), id)).collect()
    }

    /// The application of a name.
    pub fn application(&self, name: &str) -> Result<Application, Error> {
        let id = self.config().application_named(&Key::of(name));
        id.map(|id| Application::new(self.clone(), id)).ok_or_else(|| Error::not_found("application"))
    }

    /// The application of a name, made with this plan if there is none; the plan of one that exists stays as it is.
    pub async fn ensure_application(&self, name: &str, plan: Plan) -> Result<Application, Error> {
        let label = Label::new(name)?;
        if let Some(id) = self.config().application_named(&label.key()) {
            return Ok(Application::new(self.clone(), id));
        }
        let id: ApplicationId = self.draw();
        let plan = plan.with_version(1);
        let (aliases, administrators) = (Aliases::Off, Vec::new());
        let record = ApplicationRecord { id, name: label, active: true, plan, aliases, administrators };
        match self.configure(Change::PutApplication(record), Conflict::NameTaken).await {
            // Somebody else was faster.
            Err(Error::Conflict(Conflict::NameTaken)) => self.application(name),
            outcome => outcome.map(|()| Application::new(self.clone(), id)),
        }
    }

    /// Removes an application with its claims, aliases and sessions.
    pub async fn remove_application(&self, application: ApplicationId) -> Result<(), Error> {
        self.configure(Change::RemoveApplication(application), Conflict::Stale).await
    }

    /// What changed after a sequence number, in order, at most `limit` batches.
    pub async fn changes_after(&self, sequence: u64, limit: usize) -> Result<Vec<LoggedBatch>, Error> {
        Ok(self.0.store.batches(sequence, limit).await?)
    }

    /// The sequence number of the latest change; 0 when there is none.
    pub async fn latest_change(&self) -> Result<u64, Error> {
        Ok(self.0.store.head().await?)
    }

    /// The id of the store, without which a sequence number means nothing to anybody outside.
    pub async fn instance(&self) -> Result<InstanceId, Error> {
        Ok(self.0.store.instance().await?)
    }

    /// The clock that everything here is timed by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The randomness that everything here is drawn from.
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.0.entropy
    }

    /// Reads the configuration again, when something else than this process may have changed it.
    pub async fn reload(&self) -> Result<(), Error> {
        let _reading = self.0.reading.lock().await;
        let config = Config::read(&self.0, &self.0.attached).await?;
        self.0.config.store(Arc::new(config));
        Ok(())
    }

    /// Writes down what logins left to be noted, and forgets sessions that have ended. For the host to call about
    /// once a minute and before it stops; what a crash loses are times of last logins since the latest call.
    pub async fn maintain(&self) -> Result<(), Error> {
        self.0.logins.write_down(&*self.0.store).await?;
        let now = self.0.clock.now();
        if let Some(recovery) = &self.0.recovery {
            recovery.purge_sessions(now);
        }
        self.0.store.purge_sessions(now).await?;
        Ok(())
    }

    /// How many password hashes were computed since the start, for tests and benchmarks.
    pub fn hashes_run(&self) -> u64 {
        self.0.hasher.hashes_run()
    }

    pub(crate) fn config(&self) -> arc_swap::Guard<Arc<Config>> {
        self.0.config.load()
    }

    pub(crate) fn config_now(&self) -> Arc<Config> {
        self.0.config.load_full()
    }

    pub(crate) fn recovering(&self) -> Option<&Arc<RecoveryAdmin>> {
        self.0.recovery.as_ref().filter(|recovery| recovery.is_on())
    }

    /// An application as it is in use now.
    pub(crate) fn in_use(&self, application: ApplicationId) -> Option<Arc<InUse>> {
        match self.recovering() {
            Some(_) => self.config().recovering(application),
            None => self.config().in_use(application),
        }
    }

    /// An application as others see it now.
    pub(crate) fn exported(&self, application: ApplicationId) -> Option<Arc<InUse>> {
        match self.recovering() {
            Some(_) => self.config().exported_recovering(application),
            None => self.config().exported(application),
        }
    }

    /// Makes sure that the recovery administrator takes nobody's name over, and says that there is one.
    async fn begin_recovery(&self) -> Result<(), Error> {
        let Some(recovery) = &self.0.recovery else { return Ok(()) };
        let (store, key) = (&self.0.store, recovery.name().key());
        let taken = |held_by: String| Err(Error::Conflict(Conflict::RecoveryName { held_by }));
        // Whoever has the name in a stored directory is told whatever the application.
        let holders = store.locate(Id::from_bytes([0; 16]), key).await?.users;
        if let Some(holder) = holders.first() {
            let config = self.config();
            let label = config.mount(holder.directory).map(|mount| mount.record.name.to_string());
            return taken(label.unwrap_or_else(|| holder.directory.to_string()));
        }
        for application in self.applications() {
            let name = application.record()?.name;
            if store.claim(application.id(), key).await?.is_some()
                || store.alias(application.id(), key).await?.is_some()
            {
                return taken(name.to_string());
            }
        }
        tracing::warn!(status = %recovery.status(), "a recovery administrator can log in everywhere");
        Ok(())
    }

    pub(crate) fn draw<K>(&self) -> Id<K> {
        Id::random(&*self.0.entropy)
    }

    pub(crate) async fn apply(&self, changes: Vec<Change>, on_conflict: Conflict) -> Result<(), Error> {
        let set = ChangeSet::new(self.0.clock.now(), changes);
        self.0.store.apply(&set).await.map_err(|error| Error::from_store(error, on_conflict))?;
        Ok(())
    }

    /// Applies a change of configuration and puts it to use.
    pub(crate) async fn configure(&self, change: Change, on_conflict: Conflict) -> Result<(), Error> {
        let outcome = self.apply(vec![change], on_conflict).await;
        self.reload().await?;
        outcome
    }

    async fn enter(&self, id: DirectoryId, name: &str, kind: DirectoryKind) -> Result<DirectoryId, Error> {
        let label = Label::new(name)?;
        let wanted = (std::mem::discriminant(&kind), kind.is_stored());
        let is_same = |record: &DirectoryRecord| {
            std::mem::discriminant(&record.kind) == wanted.0 && (wanted.1 || record.id == id)
        };
        if let Some(record) = self.config().directory_named(&label.key()) {
            return if is_same(&record) {
                Ok(record.id)
            } else {
                Err(Error::Conflict(Conflict::DirectoryKind))
            };
        }
        // The id of an adapter stands for one directory: another name would take that directory over.
        if id == Recovery::DIRECTORY || self.config().mount(id).is_some() {
            return Err(Error::Conflict(Conflict::DirectoryKind));
        }
        let record = DirectoryRecord { id, name: label, active: true, permissions: Permissions::ALL, kind };
        match self.configure(Change::PutDirectory(record), Conflict::NameTaken).await {
            // Somebody else was faster, perhaps with a directory of another kind.
            Err(Error::Conflict(_)) => match self.config().directory_named(&Key::of(name)) {
                Some(record) if is_same(&record) => Ok(record.id),
                Some(_) | None => Err(Error::Conflict(Conflict::DirectoryKind)),
            },
            outcome => outcome.map(|()| id),
        }
    }
}
