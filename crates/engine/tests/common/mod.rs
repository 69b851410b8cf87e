//! Worlds for the tests: a throng over a memory store with a clock that the test drives.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test file uses its own part"
)]

use std::sync::Arc;

use throng_core::directory::{NewUser, Verifier};
use throng_core::id::DirectoryId;
use throng_core::name::Username;
use throng_core::plan::Plan;
use throng_core::registry::{DirectoryKind, InternalSettings};
use throng_core::secret::Secret;
use throng_core::user::{Profile, User};
use throng_engine::error::Denial;
use throng_engine::{Application, Error, Throng};
use throng_testkit::clock::{ManualClock, SeededEntropy};
use throng_testkit::memory::MemoryStore;
use throng_testkit::script::ScriptedDirectory;

/// The two ways in which rules can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Throng's own.
    Default,
    /// Crowd's, copied.
    Crowd,
}

impl Mode {
    pub const BOTH: [Self; 2] = [Self::Default, Self::Crowd];

    pub fn plan(self) -> Plan {
        match self {
            Self::Default => Plan::new(),
            Self::Crowd => Plan::crowd(),
        }
    }
}

/// A throng, with what the test needs to drive it.
pub struct World {
    pub throng: Throng,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<ManualClock>,
}

/// Passwords that pass the policy.
pub const PW1: &str = "first pass phrase";
pub const PW2: &str = "second pass phrase";
pub const WRONG: &str = "not the pass phrase";

pub fn builder(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>) -> throng_engine::Builder {
    Throng::over(Arc::clone(store) as Arc<dyn throng_core::store::Store>)
        .clock(Arc::clone(clock) as Arc<dyn throng_core::time::Clock>)
        .entropy(Arc::new(SeededEntropy::new(7)))
}

impl World {
    /// A throng without directories.
    pub async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// A throng with what the test attaches.
    pub async fn with(attach: impl FnOnce(throng_engine::Builder) -> throng_engine::Builder) -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::at(1_700_000_000_000_000));
        let throng = attach(builder(&store, &clock)).build().await.unwrap();
        Self { throng, store, clock }
    }

    /// A throng with a live directory "Remote" above an internal one "Local".
    pub async fn with_remote(remote: &ScriptedDirectory, mode: Mode) -> (Self, Application, DirectoryId) {
        let world = Self::with(|builder| builder.directory("Remote", Arc::new(remote.clone()))).await;
        let local = world.throng.internal_directory("Local").await.unwrap();
        let remote = world.throng.directory("Remote").unwrap().id;
        let plan = mode.plan().seat(remote).unwrap().seat(local).unwrap();
        let app = world.throng.ensure_application("wiki", plan).await.unwrap();
        (world, app, local)
    }

    /// Internal directories of these names, and an application that asks them in this order.
    pub async fn with_internal(names: &[&str], mode: Mode) -> (Self, Application, Vec<DirectoryId>) {
        let world = Self::new().await;
        let (mut plan, mut ids) = (mode.plan(), Vec::new());
        for name in names {
            let id = world.throng.internal_directory(name).await.unwrap();
            plan = plan.seat(id).unwrap();
            ids.push(id);
        }
        let app = world.throng.ensure_application("wiki", plan).await.unwrap();
        (world, app, ids)
    }

    /// Puts a user into one directory, whatever any order says.
    pub async fn put(&self, directory: DirectoryId, name: &str) -> User {
        self.put_profile(directory, name, Profile::default()).await
    }

    pub async fn put_profile(&self, directory: DirectoryId, name: &str, profile: Profile) -> User {
        let directory = self.throng.open(directory).unwrap();
        let user = NewUser { name: Username::new(name).unwrap(), profile, active: true };
        directory.powers().users.unwrap().add_user(&user).await.unwrap()
    }

    pub async fn put_with_password(&self, directory: DirectoryId, name: &str, password: &str) -> User {
        let user = self.put(directory, name).await;
        let open = self.throng.open(directory).unwrap();
        let secret = Secret::new(password).unwrap();
        open.powers().passwords.unwrap().set_password(&user.external_id, &secret).await.unwrap();
        user
    }

    pub async fn put_group(&self, directory: DirectoryId, name: &str, members: &[&str]) {
        use throng_core::directory::NewGroup;
        use throng_core::group::Member;
        use throng_core::name::GroupName;
        let open = self.throng.open(directory).unwrap();
        let name = GroupName::new(name).unwrap();
        if open.group(&name).await.unwrap().is_none() {
            let group = NewGroup { name: name.clone(), description: String::new() };
            open.powers().groups.unwrap().add_group(&group).await.unwrap();
        }
        for member in members {
            let member = match member.strip_prefix('@') {
                Some(group) => Member::Group(GroupName::new(group).unwrap()),
                None => Member::User(Username::new(member).unwrap()),
            };
            open.powers().members.unwrap().add_member(&name, &member).await.unwrap();
        }
    }

    pub async fn deactivate(&self, directory: DirectoryId, user: &User) {
        use throng_core::directory::UserPatch;
        let open = self.throng.open(directory).unwrap();
        let patch = UserPatch { active: Some(false), ..UserPatch::default() };
        open.powers().users.unwrap().update_user(&user.external_id, &patch).await.unwrap();
    }

    /// Changes the settings of an internal directory.
    pub async fn settle(&self, directory: DirectoryId, change: impl FnOnce(&mut InternalSettings)) {
        let records = self.throng.directories();
        let mut record = (**records.iter().find(|record| record.id == directory).unwrap()).clone();
        let DirectoryKind::Internal(settings) = &mut record.kind else { panic!("an internal directory") };
        change(settings);
        self.throng.update_directory(record).await.unwrap();
    }
}

/// Attaches a verifier to the delegated directory "Staff".
pub async fn delegated(
    verifier: Arc<dyn Verifier>,
    settings: throng_core::registry::DelegatedSettings,
) -> (World, Application, DirectoryId) {
    let world = World::with(|builder| builder.verifier("Staff", verifier)).await;
    let staff = world.throng.delegated_directory("Staff", settings).await.unwrap();
    let app = world.throng.ensure_application("wiki", Plan::new().seat(staff).unwrap()).await.unwrap();
    (world, app, staff)
}

/// Why a login was denied.
pub fn denial<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Denial {
    match outcome {
        Err(Error::Denied { why, .. }) => why,
        other => panic!("expected a denial, got {other:?}"),
    }
}

/// Why a directory refused a login.
pub fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> throng_core::directory::Refusal {
    match denial(outcome) {
        Denial::Refused { why, .. } => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}
