//! Moves between directories: what goes along, what stops them, and how they are taken back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use throng_core::change::Change;
use throng_core::directory::{Directory, Refusal, UserPatch};
use throng_core::filter::Filter;
use throng_core::id::{DirectoryId, Subject};
use throng_core::import::{GroupRow, UserRow};
use throng_core::moves::{Belongings, Moves};
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::permission::Operation;
use throng_core::plan::Plan;
use throng_core::registry::{DelegatedSettings, Nesting};
use throng_core::secret::Secret;
use throng_core::store::{Credentials, Records, Registry};
use throng_engine::application::Depth;
use throng_engine::error::{Conflict, Invalid};
use throng_engine::import::{ImportError, RowFault, RowKind};
use throng_engine::moves::{
    Block, EntryState, Landing, MoveControl, MoveId, MoveRequest, MoveState, Note, Obstacle, OnTaken,
    Options, OrderChange, PasswordFate, PasswordStrategy, Selection, Skip, Wrong,
};
use throng_engine::sync::Stop;
use throng_engine::{Application, Error};
use throng_testkit::script::{Behaviour, Call, Power, ScriptedDirectory, ScriptedVerifier};
use world::*;

/// What weak hashes begin with.
const WEAK: &str = "{SSHA}";

fn control() -> MoveControl {
    MoveControl::new()
}

fn linking() -> Options {
    Options { on_taken: OnTaken::Link, ..Options::default() }
}

fn target_first() -> Options {
    Options { order: OrderChange::TargetFirst, ..Options::default() }
}

async fn ran(world: &World, request: MoveRequest) -> MoveId {
    let plan = world.throng.plan_move(request).await.unwrap();
    assert_eq!(plan.obstacles, [], "the plan has no obstacles");
    let record = world.throng.run_move(plan, &control()).await.unwrap();
    assert_eq!(record.state, MoveState::Moved);
    assert_eq!(world.throng.verify_move(record.id).await.unwrap(), []);
    record.id
}

async fn belongings(world: &World, directory: DirectoryId, name: &str) -> Option<Belongings> {
    let user = world.held(directory, name).await?;
    world.store.belongings(&subject(directory, &user)).await.unwrap()
}

/// Puts a hash where no password was ever set.
async fn put_hash(world: &World, directory: DirectoryId, name: &str, hash: &str) {
    let user = world.held(directory, name).await.unwrap();
    let credential = Credential {
        hash: CredentialState::Usable(EncodedHash::new(hash).unwrap()),
        history: vec![],
        changed_at: START,
        failed_attempts: 0,
        must_change: false,
    };
    let subject = subject(directory, &user);
    world.apply(vec![Change::SetCredential { subject, credential, free_in: vec![] }]).await;
}

/// A weak hash of [`RIGHT`].
fn weak_hash() -> String {
    "{SSHA}ud5iXyrT0YD877BQBnOiVUuuc7VzYWx0".to_owned()
}

/// The order of an application.
async fn order(world: &World, name: &str) -> Vec<DirectoryId> {
    let applications = world.store.applications().await.unwrap();
    let application = applications.iter().find(|app| app.name.as_str() == name).unwrap();
    application.plan.seats().iter().map(|seat| seat.directory).collect()
}

async fn can_log_in(app: &Application, name: &str, password: &str) -> bool {
    app.authenticate(name, password).await.is_ok()
}

/// P1, P2: whoever is moved is who it was, with the same password, groups and content.
#[tokio::test]
async fn everything_goes_along_p1_p2() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    let anna = world.put_with_password(ids[0], "Anna", RIGHT).await;
    world.put_group(ids[0], "staff", &["Anna"]).await;
    world.put_group(ids[0], "everybody", &["@staff"]).await;
    let attributes = vec![("phone".to_owned(), vec!["12".to_owned(), "34".to_owned()])];
    world.patch(ids[0], &anna, UserPatch { attributes, ..email("anna@example.org") }).await;
    let identity = app.authenticate("anna", RIGHT).await.unwrap().identity();
    world.throng.maintain().await.unwrap();
    let before = belongings(&world, ids[0], "anna").await.unwrap();

    ran(&world, MoveRequest::new(ids[0], ids[1])).await;

    assert_eq!(world.held(ids[0], "anna").await, None);
    let after = belongings(&world, ids[1], "anna").await.unwrap();
    assert_eq!(after.user, before.user, "spelling, id, words, activity and attributes");
    assert_eq!(after.credential, before.credential);
    assert_eq!((after.groups, after.last_login), (before.groups, before.last_login));
    let now = app.authenticate("anna", RIGHT).await.unwrap();
    assert_eq!((now.identity(), now.user().directory()), (identity, ids[1]));
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["everybody", "staff"]);
}

/// Revert is the identity: accounts, hashes, groups, claims, orders.
#[tokio::test]
async fn a_move_is_taken_back_whole() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    for name in ["anna", "Bela", "çağla"] {
        world.put_with_password(ids[0], name, RIGHT).await;
        app.authenticate(name, RIGHT).await.unwrap();
    }
    world.put_group(ids[0], "staff", &["anna", "Bela"]).await;
    world.put_group(ids[0], "all", &["@staff", "çağla"]).await;
    let before = everything(&world).await;
    let id = ran(&world, MoveRequest::new(ids[0], ids[1])).await;
    assert_ne!(everything(&world).await, before);
    let back = world.throng.revert_move(id, &control()).await.unwrap();
    assert_eq!(back.state, MoveState::Reverted);
    assert_eq!(everything(&world).await, before);
    assert!(can_log_in(&app, "bela", RIGHT).await);
    // And once more, there and back.
    let id = ran(&world, MoveRequest::new(ids[0], ids[1])).await;
    world.throng.finish_move(id).await.unwrap();
    world.throng.revert_move(id, &control()).await.unwrap();
    assert_eq!(everything(&world).await, before);
}

/// Everything that anybody could see of the stored directories.
async fn everything(world: &World) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut accounts: BTreeMap<Subject, Belongings> = BTreeMap::new();
    let mut groups = BTreeMap::new();
    for record in world.throng.directories().iter().filter(|record| record.kind.is_stored()) {
        for name in world.users_in(record.id).await {
            let belongings = belongings(world, record.id, &name).await.unwrap();
            let external_id = belongings.user.external_id.clone();
            accounts.insert(Subject { directory: record.id, external_id }, belongings);
        }
        let everything = throng_core::filter::Filter::everything();
        let page = throng_core::page::PageRequest::default();
        for group in world.open(record.id).find_groups(&everything, &page).await.unwrap().items {
            let name = group.name.to_string();
            let members = world.members(record.id, &name).await;
            groups.insert((record.id, name), (group, members));
        }
    }
    let orders: Vec<_> = world
        .store
        .applications()
        .await
        .unwrap()
        .into_iter()
        .map(|app| (app.id, app.plan.seats().to_vec()))
        .collect();
    (accounts, groups, orders)
}

/// P6: one user, a group with those inside, a filter.
#[tokio::test]
async fn whoever_is_selected_is_moved_and_nobody_else_p6() {
    let cases: [(Selection, &[&str]); 4] = [
        (Selection::Users(vec!["BELA".into()]), &["Bela"]),
        (Selection::Groups(vec!["all".into()]), &["anna", "Bela"]),
        (Selection::Matching { label: "an*".into(), filter: Filter::name_starts_with("an") }, &["anna"]),
        (Selection::Everybody, &["anna", "Bela", "cleo"]),
    ];
    for (selection, moved) in cases {
        let (world, _, ids) = World::internal(2, Plan::new()).await;
        for name in ["anna", "Bela", "cleo"] {
            world.put(ids[0], name).await;
        }
        world.put_group(ids[0], "staff", &["Bela"]).await;
        world.put_group(ids[0], "all", &["anna", "@staff"]).await;
        ran(&world, MoveRequest::new(ids[0], ids[1]).select(selection.clone())).await;
        assert_eq!(world.users_in(ids[1]).await, moved, "{selection}");
        assert_eq!(world.users_in(ids[0]).await.len(), 3 - moved.len());
    }
}

#[tokio::test]
async fn whoever_is_not_there_is_told_and_nothing_is_done() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    let select = |selection| MoveRequest::new(ids[0], ids[1]).select(selection);
    for (request, obstacle) in [
        (select(Selection::Users(vec!["nobody".into()])), Obstacle::NoSuchUser("nobody".into())),
        (select(Selection::Groups(vec!["none".into()])), Obstacle::NoSuchGroup("none".into())),
        (select(Selection::Everybody), Obstacle::Nobody),
        (MoveRequest::new(ids[0], ids[0]), Obstacle::SameDirectory),
    ] {
        let head = world.head().await;
        let plan = world.throng.plan_move(request).await.unwrap();
        assert!(plan.obstacles.contains(&obstacle), "{obstacle}: {:?}", plan.obstacles);
        let refused = conflict(world.throng.run_move(plan.clone(), &control()).await);
        assert_eq!(refused, Conflict::MoveBlocked(plan.obstacles));
        assert_eq!(world.head().await, head);
        assert_eq!(world.throng.moves().await.unwrap(), []);
    }
}

/// P10: what the target cannot or may not do is known before anything starts.
#[tokio::test]
async fn a_read_only_target_is_told_before_anything_starts_p10() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put_group(ids[0], "staff", &["anna"]).await;
    for operation in [Operation::CreateUser, Operation::CreateGroup, Operation::UpdateGroup] {
        world.mask(ids[1], without(operation)).await;
        let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1])).await.unwrap();
        assert_eq!(plan.obstacles, [Obstacle::ReadOnly { directory: ids[1], operation }]);
        assert!(plan.capabilities.iter().any(|it| it.operation == operation && it.can && !it.may));
    }
    world.mask(ids[1], throng_core::permission::Permissions::ALL).await;
    world.mask(ids[0], without(Operation::DeleteUser)).await;
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1])).await.unwrap();
    let operation = Operation::DeleteUser;
    assert_eq!(plan.obstacles, [Obstacle::ReadOnly { directory: ids[0], operation }]);
}

/// R902, P4: nobody is skipped whole in silence; linked users keep both sides' groups.
#[tokio::test]
async fn a_taken_name_stops_links_or_skips_p4_r902() {
    for on_taken in [OnTaken::Stop, OnTaken::Link, OnTaken::Skip] {
        let (world, app, ids) = World::internal(2, Plan::new()).await;
        world.put_with_password(ids[0], "anna", RIGHT).await;
        world.put(ids[0], "bela").await;
        world.put_group(ids[0], "old", &["anna"]).await;
        app.authenticate("anna", RIGHT).await.unwrap();
        let there = world.put_with_password(ids[1], "Anna", OTHER).await;
        world.put_group(ids[1], "new", &["anna"]).await;
        let options = Options { on_taken, ..Options::default() };
        let request = MoveRequest::new(ids[0], ids[1]).options(options);
        let plan = world.throng.plan_move(request.clone()).await.unwrap();
        let fate = plan.users[0].fate.clone();
        let before = everything(&world).await;
        match on_taken {
            OnTaken::Stop => {
                assert_eq!(fate.landing, Landing::Blocked(Block::NameTaken(there.external_id)));
                assert_eq!(plan.obstacles, [Obstacle::NamesTaken(1)]);
                continue;
            }
            OnTaken::Skip => {
                assert_eq!(fate.landing, Landing::Skipped(Skip::NameTaken));
                let id = ran(&world, request).await;
                assert_eq!(world.users_in(ids[0]).await, ["anna"]);
                assert!(can_log_in(&app, "anna", RIGHT).await);
                let report = world.throng.move_report(id).await.unwrap();
                assert_eq!((report.counts.moved, report.counts.skipped), (1, 1));
            }
            OnTaken::Link => {
                assert_eq!(fate.landing, Landing::Linked(there.external_id.clone()));
                assert_eq!(fate.password, PasswordFate::TargetsOwn);
                let id = ran(&world, request).await;
                assert_eq!(groups(&app, "anna", Depth::Direct).await, ["new", "old"]);
                assert!(
                    can_log_in(&app, "anna", OTHER).await,
                    "the name and its content are the target's now"
                );
                world.throng.revert_move(id, &control()).await.unwrap();
                assert_eq!(everything(&world).await, before);
            }
        }
    }
}

/// The stated rule for one password of two: the target's own if it can be checked, or else the source's.
#[tokio::test]
async fn a_linked_account_without_a_password_gets_the_sources() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put(ids[1], "anna").await;
    assert!(can_log_in(&app, "anna", RIGHT).await);
    let before = everything(&world).await;
    let id = ran(&world, MoveRequest::new(ids[0], ids[1]).options(linking())).await;
    assert!(can_log_in(&app, "anna", RIGHT).await);
    world.throng.revert_move(id, &control()).await.unwrap();
    assert_eq!(everything(&world).await, before);
}

/// T57: a weak hash goes along inside Argon2id; one that nobody knows stops its own user and nobody else.
#[tokio::test]
async fn each_password_follows_what_is_known_of_it_t57() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    for name in ["anna", "bela", "cleo", "dora"] {
        world.put(ids[0], name).await;
    }
    put_hash(&world, ids[0], "anna", &weak_hash()).await;
    put_hash(&world, ids[0], "bela", "{WHATEVER}x").await;
    world.drop_user(ids[0], &world.held(ids[0], "cleo").await.unwrap()).await;
    world.put_with_password(ids[0], "cleo", RIGHT).await;
    let request = MoveRequest::new(ids[0], ids[1]);
    let plan = world.throng.plan_move(request.clone()).await.unwrap();
    let fates: Vec<_> = plan.users.iter().map(|user| user.fate.password.clone()).collect();
    assert_eq!(fates[0], PasswordFate::Wrapped);
    assert!(matches!(fates[1], PasswordFate::Quarantined(_)), "{:?}", fates[1]);
    assert_eq!(fates[2..], [PasswordFate::Carried, PasswordFate::None]);
    ran(&world, request).await;
    let kept = belongings(&world, ids[1], "anna").await.unwrap().credential.unwrap();
    let CredentialState::Usable(hash) = kept.hash else { panic!("a usable hash") };
    assert!(!hash.expose().starts_with(WEAK), "nothing weak is kept as it is");
    assert!(can_log_in(&app, "anna", RIGHT).await);
    assert_eq!(refusal(app.authenticate("bela", RIGHT).await), Refusal::HashQuarantined);
    assert!(can_log_in(&app, "cleo", RIGHT).await);
    assert_eq!(refusal(app.authenticate("dora", RIGHT).await), Refusal::NoPassword);
}

#[tokio::test]
async fn passwords_that_must_be_set_anew_open_nothing() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    let options = Options { passwords: PasswordStrategy::Reset, ..Options::default() };
    let id = ran(&world, MoveRequest::new(ids[0], ids[1]).options(options)).await;
    assert_eq!(refusal(app.authenticate("anna", RIGHT).await), Refusal::NoPassword);
    world.throng.revert_move(id, &control()).await.unwrap();
    assert!(can_log_in(&app, "anna", RIGHT).await);
}

/// P7, and a source that gives no hashes out: it checks the password until the first login.
#[tokio::test]
async fn a_password_is_captured_at_the_next_login_p7() {
    let verifier = ScriptedVerifier::new();
    verifier.put("anna", RIGHT).unwrap();
    let (world, _, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    let own = world.throng.internal_directory("Own").await.unwrap();
    let app = world.app("both", Plan::new().seat(staff).unwrap().seat(own).unwrap()).await;
    let wiki = world.throng.application("wiki").unwrap();
    wiki.change_plan(|plan| plan.seat(own)).await.unwrap();
    let identity = app.authenticate("anna", RIGHT).await.unwrap().identity();
    let plan = world.throng.plan_move(MoveRequest::new(staff, own)).await.unwrap();
    let decides = |application: &str| Obstacle::SourceDecides { application: application.into() };
    assert_eq!(
        plan.obstacles,
        [decides("both"), decides("wiki")],
        "it would make the account again at the login"
    );
    let id = ran(&world, MoveRequest::new(staff, own).options(target_first())).await;
    let report = world.throng.move_report(id).await.unwrap();
    assert_eq!((report.counts.pending, report.pending.len()), (1, 1), "it is visible as pending");

    assert_eq!(refusal(app.authenticate("anna", WRONG).await), Refusal::WrongPassword);
    verifier.behave(Behaviour::Silent);
    assert!(is_unavailable(&app.authenticate("anna", RIGHT).await), "silence is no wrong password (T03)");
    verifier.behave(Behaviour::Answering);
    let login = app.authenticate("anna", RIGHT).await.unwrap();
    assert_eq!((login.identity(), login.user().directory()), (identity, own));
    verifier.behave(Behaviour::Silent);
    assert!(can_log_in(&app, "anna", RIGHT).await, "the target owns it from now on");
    assert_eq!(world.throng.move_report(id).await.unwrap().counts.pending, 0);
}

#[tokio::test]
async fn a_captured_password_costs_one_hash_and_its_time_ends() {
    let verifier = ScriptedVerifier::new();
    verifier.put("anna", RIGHT).unwrap();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    let own = world.throng.internal_directory("Own").await.unwrap();
    app.change_plan(|plan| plan.seat(own)).await.unwrap();
    app.authenticate("anna", RIGHT).await.unwrap();
    let options = Options { capture_for: Duration::from_secs(60), ..target_first() };
    let id = ran(&world, MoveRequest::new(staff, own).options(options)).await;
    for password in [WRONG, RIGHT] {
        let before = world.throng.hashes_run();
        drop(app.authenticate("anna", password).await);
        assert_eq!(world.throng.hashes_run() - before, 1, "{password} (T43)");
    }
    world.throng.revert_move(id, &control()).await.unwrap();
    let id = ran(&world, {
        let options = Options { capture_for: Duration::from_secs(60), ..target_first() };
        MoveRequest::new(staff, own).options(options)
    })
    .await;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(refusal(app.authenticate("anna", RIGHT).await), Refusal::NoPassword);
    let wrong = world.throng.verify_move(id).await.unwrap();
    assert_eq!(wrong.into_iter().map(|it| it.what).collect::<Vec<_>>(), [Wrong::CaptureOver]);
}

/// T05: whoever has the name at the source by now is not who was moved.
#[tokio::test]
async fn a_namesake_at_the_source_captures_nothing_t05() {
    let verifier = ScriptedVerifier::new();
    let account = verifier.put("anna", RIGHT).unwrap();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    let own = world.throng.internal_directory("Own").await.unwrap();
    app.change_plan(|plan| plan.seat(own)).await.unwrap();
    app.authenticate("anna", RIGHT).await.unwrap();
    ran(&world, MoveRequest::new(staff, own).options(target_first())).await;
    verifier.drop_account(&account.external_id).unwrap();
    verifier.put("anna", OTHER).unwrap();
    assert_eq!(refusal(app.authenticate("anna", OTHER).await), Refusal::AccountQuarantined);
}

/// A password that somebody sets while it is waited for is the password.
#[tokio::test]
async fn a_new_password_ends_the_waiting() {
    let verifier = ScriptedVerifier::new();
    verifier.put("anna", RIGHT).unwrap();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    let own = world.throng.internal_directory("Own").await.unwrap();
    app.change_plan(|plan| plan.seat(own)).await.unwrap();
    app.authenticate("anna", RIGHT).await.unwrap();
    let id = ran(&world, MoveRequest::new(staff, own).options(target_first())).await;
    app.set_password(&find(&app, "anna").await, OTHER).await.unwrap();
    assert_eq!(world.throng.move_report(id).await.unwrap().counts.pending, 0);
    assert!(can_log_in(&app, "anna", OTHER).await);
    assert_eq!(refusal(app.authenticate("anna", RIGHT).await), Refusal::WrongPassword);
}

/// A live source keeps its accounts: the target must decide before it, and reverting puts the order back.
#[tokio::test]
async fn a_source_that_keeps_its_accounts_must_not_decide() {
    let far = live(7);
    far.put_with_password("anna", RIGHT).unwrap();
    far.put_group("staff", "").unwrap();
    far.put_member(&group_name("staff"), &member("anna")).unwrap();
    let (world, app, local) = World::live_above(&[&far], Plan::new()).await;
    let identity = app.authenticate("anna", RIGHT).await.unwrap().identity();
    let request = MoveRequest::new(far.id(), local);
    let plan = world.throng.plan_move(request.clone()).await.unwrap();
    assert_eq!(plan.obstacles, [Obstacle::SourceDecides { application: "wiki".into() }]);
    let before = everything(&world).await;
    let id = ran(&world, request.options(target_first())).await;
    let login = app.authenticate("anna", RIGHT).await.unwrap();
    assert_eq!((login.identity(), login.user().directory()), (identity, local));
    assert_eq!(groups(&app, "anna", Depth::Direct).await, ["staff"]);
    far.behave(Behaviour::Silent);
    assert!(can_log_in(&app, "anna", RIGHT).await, "captured, and the source is not needed any more");
    far.behave(Behaviour::Answering);
    world.throng.revert_move(id, &control()).await.unwrap();
    assert_eq!(everything(&world).await, before);
    assert_eq!(app.authenticate("anna", RIGHT).await.unwrap().identity(), identity);
}

#[tokio::test]
async fn an_application_that_would_find_nobody_is_told() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    let only = world.app("only", Plan::new().seat(ids[0]).unwrap()).await;
    let request = MoveRequest::new(ids[0], ids[1]);
    let plan = world.throng.plan_move(request.clone()).await.unwrap();
    assert_eq!(plan.obstacles, [Obstacle::NotSeated { application: "only".into() }]);
    let id = ran(&world, request.options(target_first())).await;
    assert!(can_log_in(&only, "anna", RIGHT).await);
    world.throng.revert_move(id, &control()).await.unwrap();
    assert!(can_log_in(&only, "anna", RIGHT).await);
    assert_eq!(order(&world, "only").await, [ids[0]]);
}

/// A namesake between source and target would have the name afterwards.
#[tokio::test]
async fn a_namesake_who_would_surface_stops_the_move_p9() {
    let (world, _, ids) = World::internal(3, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put(ids[1], "anna").await;
    let request = MoveRequest::new(ids[0], ids[2]);
    let plan = world.throng.plan_move(request.clone()).await.unwrap();
    assert_eq!(plan.obstacles, [Obstacle::NamesShadowed(1)]);
    ran(&world, request.options(target_first())).await;
}

/// R902: who asks is moved like everybody, last, and is told so.
#[tokio::test]
async fn whoever_asks_is_moved_too_r902() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    let anna = world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put(ids[0], "bela").await;
    let request = MoveRequest::new(ids[0], ids[1]).acting(subject(ids[0], &anna));
    let plan = world.throng.plan_move(request.clone()).await.unwrap();
    let last = plan.users.last().unwrap();
    assert_eq!((last.name.as_str(), &last.fate.notes[..]), ("anna", &[Note::IsActing][..]));
    ran(&world, request).await;
    assert!(can_log_in(&app, "anna", RIGHT).await);
}

/// The ground moves between plan and run: that user stays, and the others go.
#[tokio::test]
async fn a_name_taken_since_the_plan_stops_its_own_user_only() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    let anna = world.put(ids[0], "anna").await;
    world.put(ids[0], "bela").await;
    world.put(ids[0], "cleo").await;
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1])).await.unwrap();
    world.put(ids[1], "bela").await;
    world.drop_user(ids[0], &anna).await;
    let dry = world.throng.dry_run_move(&plan).await.unwrap();
    assert_eq!((dry.moves, dry.changed.len()), (1, 2), "a dry run sees it");
    let record = world.throng.run_move(plan, &control()).await.unwrap();
    let report = world.throng.move_report(record.id).await.unwrap();
    assert_eq!((report.counts.moved, report.counts.failed), (1, 2));
    assert_eq!(report.failed.len(), 2);
    assert_eq!(world.users_in(ids[0]).await, ["bela"]);
}

/// A move is one at a time: of these directories, and of this move.
#[tokio::test]
async fn two_moves_of_one_directory_exclude_each_other_i04() {
    let (world, _, ids) = World::internal(3, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put(ids[1], "bela").await;
    let first =
        world.throng.plan_move(MoveRequest::new(ids[0], ids[1]).options(target_first())).await.unwrap();
    let crossing =
        world.throng.plan_move(MoveRequest::new(ids[1], ids[0]).options(target_first())).await.unwrap();
    let stop = Stop::new();
    stop.set();
    let stopped = world.throng.run_move(first.clone(), &control().stopped_by(&stop)).await;
    assert_eq!(conflict(stopped), Conflict::MoveStopped);
    let open = world.throng.moves().await.unwrap()[0].id;
    assert_eq!(conflict(world.throng.run_move(crossing, &control()).await), Conflict::MoveOpen(open));
    assert_eq!(conflict(world.throng.run_move(first, &control()).await), Conflict::MoveOpen(open));
    let id = world.throng.moves().await.unwrap()[0].id;
    let resumed = world.throng.resume_move(id, &control()).await.unwrap();
    assert_eq!(resumed.state, MoveState::Moved);
    // Twice is once.
    assert_eq!(world.throng.resume_move(id, &control()).await.unwrap(), resumed);
    assert_eq!(world.users_in(ids[1]).await, ["anna", "bela"]);
}

/// What was gathered from a file is moved like the rest.
#[tokio::test]
async fn the_users_of_a_file_are_moved_and_taken_back() {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    let before = everything(&world).await;
    let users = vec![
        UserRow {
            line: 2,
            name: "Anna".into(),
            active: true,
            groups: vec!["staff".into()],
            ..UserRow::default()
        },
        UserRow {
            line: 3,
            name: "bela".into(),
            active: true,
            password_hash: Some(weak_hash()),
            ..UserRow::default()
        },
    ];
    let groups_of_file = vec![GroupRow {
        line: 9,
        name: "staff".into(),
        description: "who works here".into(),
        parents: vec!["all".into()],
    }];
    let request = MoveRequest::from_file("users.csv", users.clone(), groups_of_file, ids[0]);
    let id = ran(&world, request).await;
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["all", "staff"]);
    assert_eq!(world.held_group(ids[0], "staff").await.unwrap().description, "who works here");
    assert!(can_log_in(&app, "bela", RIGHT).await);
    world.throng.revert_move(id, &control()).await.unwrap();
    // Whoever logged in has had the name, and nobody inherits it.
    app.release("bela").await.unwrap();
    assert_eq!(everything(&world).await, before);
    let twice = |kind, users, groups| (kind, MoveRequest::from_file("users.csv", users, groups, ids[0]));
    for (kind, request) in [
        twice(RowKind::User, vec![row(2, "anna"), row(3, "bela"), row(7, "ANNA")], vec![]),
        twice(RowKind::Group, vec![], vec![group_row(2, "staff"), group_row(7, "Staff")]),
    ] {
        let planned = world.throng.plan_move(request).await;
        let Err(Error::Invalid(Invalid::Import(refused))) = planned else { panic!("{planned:?}") };
        let fault = RowFault::NameTaken { by: Some(2) };
        assert_eq!(refused, ImportError { kind, line: 7, fault });
    }
}

fn row(line: u64, name: &str) -> UserRow {
    UserRow { line, name: name.into(), ..UserRow::default() }
}

fn group_row(line: u64, name: &str) -> GroupRow {
    GroupRow { line, name: name.into(), ..GroupRow::default() }
}

/// R908: nesting is kept; where the target has none, or it would close a circle, that is said and not passed over.
#[tokio::test]
async fn nestings_that_the_target_cannot_have_are_said_r908_t25() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put_group(ids[0], "b", &["anna"]).await;
    world.put_group(ids[0], "a", &["@b"]).await;
    world.apply(vec![kept_member(ids[0], "b", "@a")]).await;
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1])).await.unwrap();
    let lost: Vec<_> = plan.users[0].fate.notes.clone();
    assert_eq!(lost.len(), 1, "one of the two edges closes the circle: {lost:?}");
    ran(&world, MoveRequest::new(ids[0], ids[1])).await;
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put_group(ids[0], "b", &["anna"]).await;
    world.put_group(ids[0], "a", &["@b"]).await;
    world.settle(ids[1], |settings| settings.nesting = Nesting::Direct).await;
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1])).await.unwrap();
    assert_eq!(plan.users[0].fate.notes, [Note::NestingLost(group_name("a"))]);
}

/// Users go to a directory that is not kept here, and come back.
#[tokio::test]
async fn users_go_to_a_server_and_come_back() {
    let far = live(7).with_powers(&[Power::Users, Power::Groups, Power::Members, Power::Passwords]);
    let (world, app, local) = World::live_below(&[&far], Plan::new()).await;
    world.put_with_password(local, "anna", RIGHT).await;
    world.patch(local, &world.held(local, "anna").await.unwrap(), email("anna@example.org")).await;
    world.put_group(local, "staff", &["anna"]).await;
    world.put_group(local, "all", &["@staff"]).await;
    let identity = app.authenticate("anna", RIGHT).await.unwrap().identity();
    let before = everything(&world).await;
    let request = MoveRequest::new(local, far.id());
    let plan = world.throng.plan_move(request.clone()).await.unwrap();
    assert_eq!(plan.users[0].fate.password, PasswordFate::Reset, "it takes no hashes, and the plan says so");
    let id = ran(&world, request).await;
    assert_eq!(world.held(local, "anna").await, None);
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["all", "staff"]);
    let there = far.user(&username("anna")).await.unwrap().unwrap();
    assert_eq!(there.profile.email, "anna@example.org");
    far.put_password(&there.external_id, OTHER);
    let login = app.authenticate("anna", OTHER).await.unwrap();
    assert_eq!((login.identity(), login.user().directory()), (identity, far.id()));
    world.throng.revert_move(id, &control()).await.unwrap();
    assert_eq!(everything(&world).await, before);
    assert_eq!(far.user(&username("anna")).await.unwrap(), None);
    assert_eq!(far.group(&group_name("staff")).await.unwrap(), None);
    assert!(can_log_in(&app, "anna", RIGHT).await);
}

/// A source or target that vanishes midway stops the move, which is resumed when it is back.
#[tokio::test]
async fn what_vanishes_midway_is_resumed_i04() {
    let far = live(7).with_powers(&[Power::Users, Power::Groups, Power::Members]);
    let (world, app, local) = World::live_below(&[&far], Plan::new()).await;
    for name in ["anna", "bela", "cleo"] {
        world.put_with_password(local, name, RIGHT).await;
    }
    world.put_group(local, "staff", &["anna", "bela", "cleo"]).await;
    for call in [Call::AddUser, Call::AddMember, Call::AddGroup] {
        let plan = world.throng.plan_move(MoveRequest::new(local, far.id())).await.unwrap();
        far.behave_once(call, 1, Behaviour::Silent);
        let stopped = world.throng.run_move(plan, &control()).await;
        assert!(is_unavailable(&stopped), "{call:?}");
        for name in ["anna", "bela", "cleo"] {
            let kept = belongings(&world, local, name).await;
            assert!(kept.is_some() || far.user(&username(name)).await.unwrap().is_some());
        }
        world.clock.advance(Duration::from_secs(1));
        let id = world.throng.moves().await.unwrap()[0].id;
        let resumed = world.throng.resume_move(id, &control()).await.unwrap();
        assert_eq!(resumed.state, MoveState::Moved, "{call:?}");
        assert_eq!(world.throng.verify_move(id).await.unwrap(), [], "{call:?}");
        assert_eq!(world.users_in(local).await, Vec::<String>::new());
        world.throng.revert_move(id, &control()).await.unwrap();
        assert!(can_log_in(&app, "bela", RIGHT).await);
    }
}

/// Finished, it can still be taken back; purged, it cannot, and no hash is left.
#[tokio::test]
async fn a_purged_move_keeps_nothing_and_cannot_be_taken_back() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    let id = ran(&world, MoveRequest::new(ids[0], ids[1])).await;
    assert_eq!(conflict(world.throng.purge_move(id).await), Conflict::MoveState(MoveState::Moved));
    world.throng.finish_move(id).await.unwrap();
    assert_eq!(
        conflict(world.throng.resume_move(id, &control()).await),
        Conflict::MoveState(MoveState::Finished)
    );
    assert_eq!(world.throng.move_entries(id, 0, 9).await.unwrap().len(), 1);
    assert_eq!(world.throng.purge_move(id).await.unwrap().state, MoveState::Purged);
    assert_eq!(world.throng.move_entries(id, 0, 9).await.unwrap(), []);
    let refused = world.throng.revert_move(id, &control()).await;
    assert_eq!(conflict(refused), Conflict::MoveState(MoveState::Purged));
    assert_eq!(world.users_in(ids[1]).await, ["anna"]);
}

/// A password that was set since the move goes back with its user.
#[tokio::test]
async fn a_password_set_since_the_move_goes_back() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    let id = ran(&world, MoveRequest::new(ids[0], ids[1])).await;
    world.clock.advance(Duration::from_secs(1));
    app.set_password(&find(&app, "anna").await, OTHER).await.unwrap();
    world.throng.revert_move(id, &control()).await.unwrap();
    assert!(can_log_in(&app, "anna", OTHER).await);
    assert_eq!(refusal(app.authenticate("anna", RIGHT).await), Refusal::WrongPassword);
}

/// Whoever has the name at the source by now is in the way, and nobody is lost over it.
#[tokio::test]
async fn a_user_who_cannot_go_back_stays_and_says_why() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put_with_password(ids[0], "bela", RIGHT).await;
    app.change_plan(|plan| plan.reorder(&[ids[1], ids[0]])).await.unwrap();
    let id = ran(&world, MoveRequest::new(ids[0], ids[1])).await;
    let intruder = world.put(ids[0], "anna").await;
    let stuck = world.throng.revert_move(id, &control()).await.unwrap();
    assert_eq!(stuck.state, MoveState::Reverting);
    let entries = world.throng.move_entries(id, 0, 9).await.unwrap();
    let states: Vec<_> = entries.iter().map(|entry| (entry.state, entry.failure.is_some())).collect();
    assert_eq!(states, [(EntryState::Moved, true), (EntryState::Reverted, false)]);
    assert!(can_log_in(&app, "anna", RIGHT).await && can_log_in(&app, "bela", RIGHT).await);
    world.drop_user(ids[0], &intruder).await;
    assert_eq!(world.throng.revert_move(id, &control()).await.unwrap().state, MoveState::Reverted);
    assert!(can_log_in(&app, "anna", RIGHT).await);
}

/// An order that somebody has changed since is theirs.
#[tokio::test]
async fn an_order_that_was_changed_since_stays() {
    let far = live(7);
    far.put_with_password("anna", RIGHT).unwrap();
    let (world, app, local) = World::live_above(&[&far], Plan::new()).await;
    let id = ran(&world, MoveRequest::new(far.id(), local).options(target_first())).await;
    let third = world.throng.internal_directory("Third").await.unwrap();
    app.change_plan(|plan| plan.seat(third)).await.unwrap();
    world.throng.revert_move(id, &control()).await.unwrap();
    assert_eq!(order(&world, "wiki").await, [local, far.id(), third]);
}

/// Progress is told user by user.
#[tokio::test]
async fn progress_is_told() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put(ids[0], "bela").await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let control =
        control().watched_by(move |progress| sink.lock().unwrap().push((progress.done, progress.total)));
    let plan = world.throng.plan_move(MoveRequest::new(ids[0], ids[1])).await.unwrap();
    world.throng.run_move(plan, &control).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [(1, 2), (2, 2)]);
}

/// A change of the user while it is moved is not lost.
#[tokio::test]
async fn nothing_that_changes_meanwhile_is_lost() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    let anna = world.put_with_password(ids[0], "anna", RIGHT).await;
    let read = belongings(&world, ids[0], "anna").await.unwrap();
    let expected = |belongings: &Belongings| {
        let subject = subject(ids[0], &anna);
        Change::ExpectBelongings { subject, belongings: Box::new(belongings.clone()) }
    };
    world.apply(vec![expected(&read)]).await;
    world.put_group(ids[0], "staff", &["anna"]).await;
    let set = throng_core::change::ChangeSet::one(START, expected(&read));
    assert_eq!(world.store.apply(&set).await.unwrap_err().fault(), throng_core::error::Fault::Conflict);
    assert_eq!(world.store.credential(&subject(ids[0], &anna)).await.unwrap(), read.credential);
    drop((Secret::new(RIGHT), ScriptedDirectory::new(ids[0])));
}
