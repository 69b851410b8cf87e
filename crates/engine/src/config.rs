//! The configuration in use: what the store says, joined with what the host attached.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use throng_core::consumer::ConsumerRecord;
use throng_core::directory::{Directory, Verifier};
use throng_core::id::{ApplicationId, DirectoryId};
use throng_core::name::Key;
use throng_core::permission::Permissions;
use throng_core::plan::{AsOf, InvalidPlan, Plan, Seat};
use throng_core::registry::{ApplicationRecord, DirectoryKind, DirectoryRecord, Nesting};
use throng_core::sync::{Export, MirroredSettings};
use throng_core::time::Timestamp;

use crate::directory::{
    Delegated, Internal, Listed, Mirrored, Mount, RecordsOf, Recovery, RecoveryAdmin, Via,
};
use crate::error::Error;
use crate::throng::Engine;

/// Adapters that the host attached.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) live: HashMap<DirectoryId, Arc<dyn Directory>>,
    pub(crate) verifiers: ByName<dyn Verifier>,
    /// What mirrors are fed from.
    pub(crate) sources: ByName<dyn Directory>,
}

/// What is attached to directories by their names.
#[derive(Debug)]
pub(crate) struct ByName<T: ?Sized> {
    named: HashMap<Key, Arc<T>>,
    /// By the directory that had the name when it was first met: renaming a directory detaches nothing.
    bound: Mutex<HashMap<DirectoryId, Arc<T>>>,
}

impl<T: ?Sized> ByName<T> {
    pub(crate) fn new(named: Vec<(String, Arc<T>)>) -> Self {
        let named = named.into_iter().map(|(name, attached)| (Key::of(&name), attached)).collect();
        Self { named, bound: Mutex::default() }
    }

    pub(crate) fn of(&self, record: &DirectoryRecord) -> Option<Arc<T>> {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        match bound.entry(record.id) {
            Entry::Occupied(known) => Some(Arc::clone(known.get())),
            Entry::Vacant(unknown) => {
                let named = self.named.get(&record.name.key())?;
                Some(Arc::clone(unknown.insert(Arc::clone(named))))
            }
        }
    }
}

/// A snapshot of the configuration. Replaced as a whole when something changes.
#[derive(Debug, Default)]
pub(crate) struct Config {
    mounts: BTreeMap<DirectoryId, Mount>,
    applications: BTreeMap<ApplicationId, Arc<InUse>>,
    /// The applications as they are while there is a recovery administrator, in whose directory their order begins.
    recovering: BTreeMap<ApplicationId, Arc<InUse>>,
    /// The applications with mirrors that are not handed on, without them.
    exported: BTreeMap<ApplicationId, Arc<InUse>>,
    /// The applications as others see them while there is a recovery administrator, whom they find by name alone.
    exported_recovering: BTreeMap<ApplicationId, Arc<InUse>>,
    consumers: BTreeMap<ApplicationId, Arc<ConsumerRecord>>,
    directory_names: BTreeMap<Key, DirectoryId>,
    application_names: BTreeMap<Key, ApplicationId>,
}

/// An application with its plan as it is in use: active directories only, with their names.
#[derive(Debug)]
pub(crate) struct InUse {
    pub(crate) record: ApplicationRecord,
    pub(crate) plan: Arc<Plan>,
    pub(crate) mounts: Vec<Mount>,
    /// The stored directories of the plan.
    pub(crate) stored: Vec<DirectoryId>,
    /// The directories of the order that are switched off, in order: they are in no seat of the plan in use.
    pub(crate) switched_off: Vec<Arc<DirectoryRecord>>,
    /// Who stands in the first seat, if that is the one of recovery.
    pub(crate) recovery: Option<Arc<RecoveryAdmin>>,
}

impl InUse {
    /// Whether every seat's records are in the store, so that nobody has to be asked.
    pub(crate) fn is_all_stored(&self) -> bool {
        self.stored.len() == self.mounts.len()
    }

    /// The same application with the recovery administrator before all others. What is stored of it stays as it is.
    fn headed_by(mut self, recovery: &Arc<RecoveryAdmin>, listed: Listed) -> Result<Self, InvalidPlan> {
        let (seat, mount) = recovery.seat(&self.record, listed);
        self.plan = Arc::new(Plan::clone(&self.plan).push_first(seat)?);
        self.mounts.insert(0, mount);
        self.recovery = Some(Arc::clone(recovery));
        Ok(self)
    }

    /// Whether passwords of this application are kept here.
    pub(crate) fn keeps_passwords(&self) -> bool {
        self.recovery.is_some() || self.mounts.iter().any(|mount| matches!(mount.via, Via::Internal(_)))
    }

    /// The seats with what sits there, in order.
    pub(crate) fn seats(&self) -> impl Iterator<Item = (usize, &Seat, &Mount)> {
        self.plan
            .seats()
            .iter()
            .zip(&self.mounts)
            .enumerate()
            .map(|(rank, (seat, mount))| (rank, seat, mount))
    }

    /// The recovery administrator, if a directory is the one in which it stands.
    pub(crate) fn recovery_at(&self, directory: DirectoryId) -> Option<&Arc<RecoveryAdmin>> {
        self.recovery.as_ref().filter(|_| directory == Recovery::DIRECTORY)
    }

    /// What the application may change in a seat (R111).
    pub(crate) fn permissions(&self, rank: usize) -> Permissions {
        let seat = self.plan.seats().get(rank).map(|seat| seat.permissions);
        let directory = self.mounts.get(rank).map(|mount| mount.record.permissions);
        seat.zip(directory).map_or(Permissions::NONE, |(seat, directory)| seat.and(directory))
    }

    /// What sits where a directory has its seat.
    pub(crate) fn mount(&self, directory: DirectoryId) -> Option<&Mount> {
        self.plan.rank(directory).and_then(|rank| self.mounts.get(rank))
    }
}

impl Config {
    pub(crate) async fn read(engine: &Engine, attached: &Attached) -> Result<Self, Error> {
        let mut config = Self::default();
        for record in engine.store.directories().await? {
            let record = Arc::new(record);
            config.directory_names.insert(record.name.key(), record.id);
            let complete = match record.kind {
                DirectoryKind::Mirrored(_) => engine.store.mirror(record.id).await?.state.complete_as_of,
                DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) | DirectoryKind::Live => None,
            };
            let via = reach(engine, attached, &record, complete);
            let as_of = complete.map_or(AsOf::Now, AsOf::Mirror);
            config.mounts.insert(record.id, Mount { record, via, as_of });
        }
        for record in engine.store.applications().await? {
            config.application_names.insert(record.name.key(), record.id);
            let theirs = |seat: &Seat| config.mounts.get(&seat.directory).is_some_and(is_foreign);
            let has_theirs = record.plan.seats().iter().any(theirs);
            let plan = record.plan.filter_map_seats(|seat| (!theirs(&seat)).then_some(seat));
            let own = ApplicationRecord { plan, ..record.clone() };
            if let Some(recovery) = &engine.recovery {
                let headed = config.put_to_use(record.clone()).headed_by(recovery, Listed::Yes);
                match (headed, config.put_to_use(own.clone()).headed_by(recovery, Listed::No)) {
                    (Ok(in_use), Ok(exported)) => {
                        config.recovering.insert(record.id, Arc::new(in_use));
                        config.exported_recovering.insert(record.id, Arc::new(exported));
                    }
                    // A full order must not keep everybody else out.
                    (Err(cause), _) | (_, Err(cause)) => {
                        tracing::error!(application = %record.id, %cause, "no recovery administrator here");
                    }
                }
            }
            if has_theirs {
                let exported = config.put_to_use(own);
                config.exported.insert(record.id, Arc::new(exported));
            }
            let in_use = config.put_to_use(record);
            config.applications.insert(in_use.record.id, Arc::new(in_use));
        }
        for record in engine.store.consumers().await? {
            config.consumers.insert(record.application, Arc::new(record));
        }
        Ok(config)
    }

    fn put_to_use(&self, record: ApplicationRecord) -> InUse {
        let (mut mounts, mut stored, mut switched_off) = (Vec::new(), Vec::new(), Vec::new());
        let plan = record.plan.filter_map_seats(|mut seat| {
            let mount = self.mounts.get(&seat.directory)?;
            if !mount.record.active {
                switched_off.push(Arc::clone(&mount.record));
                return None;
            }
            seat.label = mount.record.name.to_string();
            seat.as_of = mount.as_of;
            if mount.stored().is_some() {
                stored.push(seat.directory);
            }
            mounts.push(mount.clone());
            Some(seat)
        });
        InUse { record, plan: Arc::new(plan), mounts, stored, switched_off, recovery: None }
    }

    pub(crate) fn directories(&self) -> Vec<Arc<DirectoryRecord>> {
        let ids = self.directory_names.values();
        ids.filter_map(|id| self.mounts.get(id)).map(|mount| Arc::clone(&mount.record)).collect()
    }

    pub(crate) fn directory_named(&self, name: &Key) -> Option<Arc<DirectoryRecord>> {
        let id = self.directory_names.get(name)?;
        self.mounts.get(id).map(|mount| Arc::clone(&mount.record))
    }

    pub(crate) fn mount(&self, directory: DirectoryId) -> Option<&Mount> {
        self.mounts.get(&directory)
    }

    pub(crate) fn applications(&self) -> impl Iterator<Item = ApplicationId> {
        self.application_names.values().copied()
    }

    pub(crate) fn application_named(&self, name: &Key) -> Option<ApplicationId> {
        self.application_names.get(name).copied()
    }

    pub(crate) fn consumer(&self, application: ApplicationId) -> Option<&Arc<ConsumerRecord>> {
        self.consumers.get(&application)
    }

    pub(crate) fn in_use(&self, application: ApplicationId) -> Option<Arc<InUse>> {
        self.applications.get(&application).cloned()
    }

    /// The application with the recovery administrator before all others.
    pub(crate) fn recovering(&self, application: ApplicationId) -> Option<Arc<InUse>> {
        self.recovering.get(&application).cloned().or_else(|| self.in_use(application))
    }

    /// The application as others see it, with the recovery administrator before all others.
    pub(crate) fn exported_recovering(&self, application: ApplicationId) -> Option<Arc<InUse>> {
        self.exported_recovering.get(&application).cloned().or_else(|| self.exported(application))
    }

    /// The application without the mirrors that are not handed on.
    pub(crate) fn exported(&self, application: ApplicationId) -> Option<Arc<InUse>> {
        self.exported.get(&application).cloned().or_else(|| self.in_use(application))
    }
}

/// Whether the users of a directory are others', and not to be handed on as our own.
fn is_foreign(mount: &Mount) -> bool {
    match &mount.record.kind {
        DirectoryKind::Mirrored(settings) => settings.export == Export::Never,
        DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) | DirectoryKind::Live => false,
    }
}

/// The records of a directory in the store.
pub(crate) fn records_of(engine: &Engine, record: &DirectoryRecord) -> RecordsOf {
    RecordsOf {
        directory: record.id,
        drawn: match record.kind {
            DirectoryKind::Delegated(_) => Delegated::UNBOUND,
            DirectoryKind::Internal(_) | DirectoryKind::Mirrored(_) | DirectoryKind::Live => "",
        },
        nesting: match &record.kind {
            DirectoryKind::Internal(settings) => settings.nesting,
            DirectoryKind::Delegated(settings) => settings.nesting,
            DirectoryKind::Mirrored(settings) => settings.nesting,
            DirectoryKind::Live => Nesting::Direct,
        },
        fence: None,
        store: Arc::clone(&engine.store),
        clock: Arc::clone(&engine.clock),
        entropy: Arc::clone(&engine.entropy),
    }
}

fn reach(engine: &Engine, attached: &Attached, record: &DirectoryRecord, complete: Option<Timestamp>) -> Via {
    let records = records_of(engine, record);
    match &record.kind {
        DirectoryKind::Internal(settings) => Via::Internal(Arc::new(Internal::new(
            records,
            settings.clone(),
            engine.hasher.clone(),
            engine.guesses.clone(),
        ))),
        DirectoryKind::Delegated(settings) => {
            let verifier = attached.verifiers.of(record);
            Via::Delegated(Arc::new(Delegated::new(records, settings.clone(), verifier, engine.deadline)))
        }
        // Who is not in a copy that was never complete may be at the source all the same.
        DirectoryKind::Mirrored(_) if complete.is_none() => Via::Detached,
        DirectoryKind::Mirrored(settings) => {
            let (settings, source) = (MirroredSettings::clone(settings), attached.sources.of(record));
            Via::Mirrored(Arc::new(Mirrored::new(records, settings, source, engine.deadline)))
        }
        DirectoryKind::Live => attached.live.get(&record.id).cloned().map_or(Via::Detached, Via::Live),
    }
}
