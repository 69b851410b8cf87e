//! Worlds that tests build: a throng over a memory store, with a clock and directories that the test drives.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub(crate) mod odd;

use std::sync::Arc;

use throng_core::change::{Change, ChangeSet, OnCycle};
use throng_core::directory::{Directory, GroupPatch, NewGroup, NewUser, UserPatch, Verifier};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId, Subject};
use throng_core::name::{GroupName, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::permission::{Operation, Permissions};
use throng_core::plan::{MembershipScheme, Plan, Seat, SeatPolicy};
use throng_core::registry::{DelegatedSettings, DirectoryKind, DirectoryRecord, InternalSettings};
use throng_core::resolve::{Occurrence, Resolved};
use throng_core::secret::Secret;
use throng_core::store::{ChangeLog, Records, Store};
use throng_core::time::{Clock, Timestamp};
use throng_core::user::{Profile, User};
use throng_engine::application::{Depth, Membership, OpenSession};
use throng_engine::error::{Conflict, Denial};
use throng_engine::{Application, Builder, Error, Throng};
use throng_passwords::hasher::HasherConfig;
use throng_testkit::clock::{ManualClock, SeededEntropy};
use throng_testkit::memory::MemoryStore;
use throng_testkit::script::ScriptedDirectory;

/// Throng's own rules, and Crowd's copied; each with a word for messages.
pub(crate) fn modes() -> [(&'static str, Plan); 2] {
    [("throng", Plan::new()), ("crowd", Plan::crowd())]
}

/// Passwords that pass the policy.
pub(crate) const RIGHT: &str = "a lantern in the fog";
pub(crate) const OTHER: &str = "seven grey herons";
pub(crate) const WRONG: &str = "not any of these";

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

pub(crate) struct World {
    pub(crate) throng: Throng,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// A throng with what the test attaches.
    pub(crate) async fn with(attach: impl FnOnce(Builder) -> Builder) -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::at(START.as_micros()));
        let builder = Throng::over(Arc::clone(&store) as Arc<dyn Store>)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .entropy(Arc::new(SeededEntropy::new(11)))
            .hashing(patient());
        let throng = attach(builder).build().await.unwrap();
        Self { throng, store, clock }
    }

    /// Internal directories D1, D2 and so on, and the application "wiki" over them in this order.
    pub(crate) async fn internal(count: usize, plan: Plan) -> (Self, Application, Vec<DirectoryId>) {
        let world = Self::new().await;
        let (mut plan, mut ids) = (plan, Vec::new());
        for n in 1..=count {
            let id = world.throng.internal_directory(&format!("D{n}")).await.unwrap();
            plan = plan.seat(id).unwrap();
            ids.push(id);
        }
        let app = world.app("wiki", plan).await;
        (world, app, ids)
    }

    /// Live directories above one internal directory, and the application "wiki" over them.
    pub(crate) async fn live_above(
        above: &[&ScriptedDirectory],
        plan: Plan,
    ) -> (Self, Application, DirectoryId) {
        let world = Self::with(|builder| attach(builder, above)).await;
        let local = world.throng.internal_directory("Local").await.unwrap();
        let mut plan = plan;
        for live in above {
            plan = plan.seat(live.id()).unwrap();
        }
        let app = world.app("wiki", plan.seat(local).unwrap()).await;
        (world, app, local)
    }

    /// Live directories below one internal directory, and the application "wiki" over them.
    pub(crate) async fn live_below(
        below: &[&ScriptedDirectory],
        plan: Plan,
    ) -> (Self, Application, DirectoryId) {
        let world = Self::with(|builder| attach(builder, below)).await;
        let local = world.throng.internal_directory("Local").await.unwrap();
        let mut plan = plan.seat(local).unwrap();
        for live in below {
            plan = plan.seat(live.id()).unwrap();
        }
        let app = world.app("wiki", plan).await;
        (world, app, local)
    }

    /// The delegated directory "Staff", and the application "wiki" over it alone.
    pub(crate) async fn delegated(
        verifier: impl Verifier + 'static,
        settings: DelegatedSettings,
        plan: Plan,
    ) -> (Self, Application, DirectoryId) {
        let world = Self::with(|builder| builder.verifier("Staff", Arc::new(verifier))).await;
        let staff = world.throng.delegated_directory("Staff", settings).await.unwrap();
        let app = world.app("wiki", plan.seat(staff).unwrap()).await;
        (world, app, staff)
    }

    pub(crate) async fn app(&self, name: &str, plan: Plan) -> Application {
        self.throng.ensure_application(name, plan).await.unwrap()
    }

    pub(crate) fn open(&self, directory: DirectoryId) -> Arc<dyn Directory> {
        self.throng.open(directory).unwrap()
    }

    /// Puts a user into one directory, whatever any order says.
    pub(crate) async fn put(&self, directory: DirectoryId, name: &str) -> User {
        self.put_profile(directory, name, Profile::default()).await
    }

    pub(crate) async fn put_email(&self, directory: DirectoryId, name: &str, email: &str) -> User {
        self.put_profile(directory, name, Profile { email: email.into(), ..Profile::default() }).await
    }

    pub(crate) async fn put_profile(&self, directory: DirectoryId, name: &str, profile: Profile) -> User {
        let new = NewUser { name: username(name), profile, active: true };
        self.open(directory).powers().users.unwrap().add_user(&new).await.unwrap()
    }

    pub(crate) async fn put_with_password(&self, directory: DirectoryId, name: &str, password: &str) -> User {
        let user = self.put(directory, name).await;
        let secret = Secret::new(password).unwrap();
        let open = self.open(directory);
        open.powers().passwords.unwrap().set_password(&user.external_id, &secret).await.unwrap();
        user
    }

    /// Puts a group into one directory, with members: users by name, groups by `@name`.
    pub(crate) async fn put_group(&self, directory: DirectoryId, name: &str, members: &[&str]) {
        let (open, name) = (self.open(directory), group_name(name));
        if open.group(&name).await.unwrap().is_none() {
            let new = NewGroup { name: name.clone(), description: String::new() };
            open.powers().groups.unwrap().add_group(&new).await.unwrap();
        }
        for text in members {
            open.powers().members.unwrap().add_member(&name, &member(text)).await.unwrap();
        }
    }

    pub(crate) async fn patch(&self, directory: DirectoryId, user: &User, patch: UserPatch) {
        let open = self.open(directory);
        open.powers().users.unwrap().update_user(&user.external_id, &patch).await.unwrap();
    }

    pub(crate) async fn deactivate(&self, directory: DirectoryId, user: &User) {
        self.patch(directory, user, UserPatch { active: Some(false), ..UserPatch::default() }).await;
    }

    pub(crate) async fn drop_user(&self, directory: DirectoryId, user: &User) {
        self.open(directory).powers().users.unwrap().remove_user(&user.external_id).await.unwrap();
    }

    /// Everybody in a directory, by name, as it spells them.
    pub(crate) async fn users_in(&self, directory: DirectoryId) -> Vec<String> {
        let everything = throng_core::filter::Filter::everything();
        let page = self.open(directory).find_users(&everything, &PageRequest::default()).await.unwrap();
        page.items.iter().map(|user| user.name.to_string()).collect()
    }

    /// The user of a name in one directory.
    pub(crate) async fn held(&self, directory: DirectoryId, name: &str) -> Option<User> {
        self.open(directory).user(&username(name)).await.unwrap()
    }

    pub(crate) async fn held_group(&self, directory: DirectoryId, name: &str) -> Option<Group> {
        self.open(directory).group(&group_name(name)).await.unwrap()
    }

    /// The direct members of a group in one directory: users by name, groups by `@name`.
    pub(crate) async fn members(&self, directory: DirectoryId, group: &str) -> Vec<String> {
        let page =
            self.open(directory).children_of(&group_name(group), &PageRequest::default()).await.unwrap();
        page.items.iter().map(written).collect()
    }

    pub(crate) async fn apply(&self, changes: Vec<Change>) {
        self.store.apply(&ChangeSet::new(self.clock.now(), changes)).await.unwrap();
    }

    /// How many batches were ever written: the same number means that nothing was changed.
    pub(crate) async fn head(&self) -> u64 {
        self.store.head().await.unwrap()
    }

    pub(crate) fn record(&self, directory: DirectoryId) -> DirectoryRecord {
        let records = self.throng.directories();
        (**records.iter().find(|record| record.id == directory).unwrap()).clone()
    }

    /// Changes what the directory itself allows.
    pub(crate) async fn mask(&self, directory: DirectoryId, permissions: Permissions) {
        let record = DirectoryRecord { permissions, ..self.record(directory) };
        self.throng.update_directory(record).await.unwrap();
    }

    pub(crate) async fn switch_off(&self, directory: DirectoryId) {
        let record = DirectoryRecord { active: false, ..self.record(directory) };
        self.throng.update_directory(record).await.unwrap();
    }

    /// Changes the settings of an internal directory.
    pub(crate) async fn settle(&self, directory: DirectoryId, change: impl FnOnce(&mut InternalSettings)) {
        let mut record = self.record(directory);
        let DirectoryKind::Internal(settings) = &mut record.kind else { panic!("an internal directory") };
        change(settings);
        self.throng.update_directory(record).await.unwrap();
    }
}

/// Hashing that waits for its turn on a busy machine, however many tests run beside this one.
pub(crate) fn patient() -> HasherConfig {
    let mut config = HasherConfig::new(std::num::NonZeroUsize::MIN);
    config.queue_deadline = std::time::Duration::from_secs(600);
    config
}

fn attach(mut builder: Builder, all: &[&ScriptedDirectory]) -> Builder {
    for (n, live) in all.iter().enumerate() {
        builder = builder.directory(format!("Remote{n}"), Arc::new((*live).clone()));
    }
    builder
}

pub(crate) fn live(n: u8) -> ScriptedDirectory {
    ScriptedDirectory::new(DirectoryId::from_bytes([n; 16]))
}

pub(crate) fn username(text: &str) -> Username {
    Username::new(text).unwrap()
}

pub(crate) fn group_name(text: &str) -> GroupName {
    GroupName::new(text).unwrap()
}

pub(crate) fn group_names(texts: &[&str]) -> Vec<GroupName> {
    texts.iter().map(|text| group_name(text)).collect()
}

/// A user by name, a group by `@name`.
pub(crate) fn member(text: &str) -> Member {
    match text.strip_prefix('@') {
        Some(group) => Member::Group(group_name(group)),
        None => Member::User(username(text)),
    }
}

fn written(member: &Member) -> String {
    match member {
        Member::User(name) => name.to_string(),
        Member::Group(name) => format!("@{name}"),
    }
}

/// A group as a change adds it, under an id that is its name.
pub(crate) fn new_group(directory: DirectoryId, name: &str) -> Change {
    let group = Group {
        external_id: ExternalId::new(name).unwrap(),
        name: group_name(name),
        description: String::new(),
        origin: Origin::Local,
        attributes: Default::default(),
    };
    Change::AddGroup { directory, group, free_in: vec![] }
}

/// A membership as a change adds it, also where it closes a circle.
pub(crate) fn kept_member(directory: DirectoryId, group: &str, text: &str) -> Change {
    Change::AddMember { directory, group: group_name(group), member: member(text), cycle: OnCycle::Keep }
}

pub(crate) fn subject(directory: DirectoryId, user: &User) -> Subject {
    Subject { directory, external_id: user.external_id.clone() }
}

pub(crate) fn email(text: &str) -> UserPatch {
    let profile = Profile { email: text.into(), ..Profile::default() };
    UserPatch { profile: Some(profile), ..UserPatch::default() }
}

pub(crate) fn about(text: &str) -> GroupPatch {
    GroupPatch { description: Some(text.into()), ..GroupPatch::default() }
}

pub(crate) fn without(operation: Operation) -> Permissions {
    Permissions::ALL.without(operation)
}

pub(crate) async fn change_seats(app: &Application, change: impl Fn(Seat) -> Seat) {
    app.change_plan(|plan| Ok::<_, Error>(plan.filter_map_seats(|seat| Some(change(seat))))).await.unwrap();
}

/// Changes what the application may change in one directory.
pub(crate) async fn allow(app: &Application, directory: DirectoryId, permissions: Permissions) {
    change_seats(app, |seat| match seat.directory == directory {
        true => Seat { permissions, ..seat },
        false => seat,
    })
    .await;
}

pub(crate) async fn policy(app: &Application, policy: SeatPolicy) {
    change_seats(app, |seat| Seat { policy, ..seat }).await;
}

pub(crate) async fn aggregate(app: &Application, scheme: MembershipScheme) {
    app.change_plan(|plan| Ok::<_, Error>(plan.with_memberships(scheme))).await.unwrap();
}

pub(crate) async fn find(app: &Application, name: &str) -> Resolved<User> {
    app.find_user(name).await.unwrap()
}

/// The groups of a user, by name.
pub(crate) async fn groups(app: &Application, user: &str, depth: Depth) -> Vec<String> {
    named(&app.groups_of(&find(app, user).await, depth).await.unwrap())
}

/// The members of a group, by name.
pub(crate) async fn members(app: &Application, group: &str, depth: Depth) -> Vec<String> {
    let page = app.members_of(group, depth, &PageRequest::default()).await.unwrap();
    spelled(&page)
}

pub(crate) fn named(memberships: &[Membership]) -> Vec<String> {
    memberships.iter().map(|membership| membership.group.to_string()).collect()
}

pub(crate) fn spelled(page: &Page<Occurrence<User>>) -> Vec<String> {
    page.items.iter().map(|found| found.value.name.to_string()).collect()
}

/// Why a call was denied.
pub(crate) fn denial<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Denial {
    match outcome {
        Err(Error::Denied { why, .. }) => why,
        other => panic!("expected a denial, got {other:?}"),
    }
}

/// Why a directory refused a login.
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> throng_core::directory::Refusal {
    match denial(outcome) {
        Denial::Refused { why, .. } => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

pub(crate) fn conflict<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Conflict {
    match outcome {
        Err(Error::Conflict(conflict)) => conflict,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

pub(crate) fn is_unavailable<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Unavailable { .. }))
}

pub(crate) fn is_missing<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::NotFound { .. }))
}

pub(crate) fn is_forbidden<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Forbidden(_)))
}

/// Whether a session was refused as one that does not exist.
pub(crate) fn has_ended(outcome: &Result<OpenSession, Error>) -> bool {
    matches!(outcome, Err(Error::Denied { why: Denial::Session, .. }))
}

/// Names that nobody may be made under (the rows N01 to N34), each with its row.
pub(crate) fn bad_names() -> Vec<(&'static str, String)> {
    let rows: [(&str, &str); 26] = [
        ("N01", ""),
        ("N02", " "),
        ("N03", "\t"),
        ("N04", "\u{A0}"),
        ("N05", "\u{3000}"),
        ("N06", "admin "),
        ("N07", " admin"),
        ("N08", "admin\u{A0}"),
        ("N09", "admin\t"),
        ("N12", "ad\u{200B}min"),
        ("N13", "ad\u{AD}min"),
        ("N14", "\u{FEFF}admin"),
        ("N15", "ad\u{2060}min"),
        ("N16", "\u{202E}nimda"),
        ("N17", "a\u{2066}b\u{2069}"),
        ("N20", "\u{1D41A}dmin"),
        ("N21", "\u{24D0}dmin"),
        ("N22", "\u{212A}im"),
        ("N23", "\u{17F}asha"),
        ("N24", "o\u{FB03}ce"),
        ("NUL", "ad\0min"),
        ("N68", "line\r\nSet-Cookie: a=b"),
        ("N69", "x\n{\"event\":\"fake\"}"),
        ("two spaces", "two  spaces"),
        ("emoji", "x\u{1F600}"),
        ("private", "x\u{E000}"),
    ];
    let mut all: Vec<_> = rows.into_iter().map(|(row, text)| (row, text.to_owned())).collect();
    all.push(("N32", "a".repeat(256)));
    all.push(("N33", "\u{1D400}".repeat(255)));
    all.push(("N34", "a".repeat(10 << 20)));
    all.push(("N37", "a\u{301}".repeat(2_000)));
    all
}
