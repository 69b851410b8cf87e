//! Mirrored directories: reading from the copy, authenticating at the source, writing through, local groups.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use throng_core::directory::{Directory, GroupPatch, NewGroup, Refusal, UserPatch};
use throng_core::error::Fault;
use throng_core::group::{Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::plan::{Access, Plan, Seat};
use throng_core::registry::UnknownUser;
use throng_core::store::Records;
use throng_core::sync::{LocalGroups, MirrorWrites, MirroredSettings, RefreshAtLogin};
use throng_core::user::{Profile, User};
use throng_engine::Application;
use throng_engine::application::{Admission, Depth, NewAccount};
use throng_engine::error::{Conflict, Denial, Error};
use throng_engine::sync::SyncRequest;
use throng_testkit::contract::directory::{DirectoryFixture, World as Inhabited};
use throng_testkit::script::{Behaviour, Call, Lie, Power, ScriptedDirectory};

use common::{Mode, PW1, PW2, WRONG, World, refusal};

const SOURCE: DirectoryId = DirectoryId::from_bytes([9; 16]);

/// A mirror "Jira" above an internal directory "Local".
struct Scene {
    world: World,
    app: Application,
    source: ScriptedDirectory,
    mirror: DirectoryId,
    local: DirectoryId,
}

async fn scene(settings: MirroredSettings) -> Scene {
    let source = ScriptedDirectory::new(SOURCE).stating_in_batches_of(3);
    source.put_with_password("anna", PW1).unwrap();
    source.put_with_password("bob", PW1).unwrap();
    source.put_group("staff", "everybody").unwrap();
    source.put_group("ops", "").unwrap();
    source.put_member(&group("staff"), &user("anna")).unwrap();
    on(source, settings, Mode::Default).await
}

async fn on(source: ScriptedDirectory, settings: MirroredSettings, mode: Mode) -> Scene {
    let world = World::with(|builder| builder.source("Jira", Arc::new(source.clone()))).await;
    let mirror = world.throng.mirrored_directory("Jira", settings).await.unwrap();
    let local = world.throng.internal_directory("Local").await.unwrap();
    let plan = mode.plan().seat(mirror).unwrap().seat(local).unwrap();
    let app = world.throng.ensure_application("wiki", plan).await.unwrap();
    let scene = Scene { world, app, source, mirror, local };
    scene.sync().await;
    scene
}

impl Scene {
    async fn sync(&self) {
        let round = self.world.throng.sync(self.mirror, SyncRequest::full()).await.unwrap();
        assert!(round.ended.is_some_and(|(_, outcome)| outcome.is_complete()), "{round:?}");
    }

    async fn kept(&self, name: &str) -> Option<User> {
        self.world.store.user(self.mirror, &Key::of(name)).await.unwrap()
    }

    async fn groups(&self, name: &str) -> Vec<String> {
        let member = user(name);
        let page = self.world.store.parents(self.mirror, &member, &PageRequest::default()).await.unwrap();
        page.items.iter().map(ToString::to_string).collect()
    }
}

fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

fn user(name: &str) -> Member {
    Member::User(Username::new(name).unwrap())
}

fn through() -> MirroredSettings {
    MirroredSettings { writes: MirrorWrites::Through, ..MirroredSettings::default() }
}

fn with_local_groups() -> MirroredSettings {
    MirroredSettings { local_groups: LocalGroups::On, ..MirroredSettings::default() }
}

#[tokio::test]
async fn names_are_read_from_the_copy_and_passwords_checked_at_the_source() {
    let scene = scene(MirroredSettings::default()).await;
    scene.source.forget_calls();
    assert_eq!(scene.app.find_user("ANNA").await.unwrap().directory(), scene.mirror);
    assert_eq!(scene.source.all_calls(), 0);
    let who = scene.app.authenticate("anna", PW1).await.unwrap();
    assert_eq!(who.user().directory(), scene.mirror);
    assert_eq!(scene.source.calls(Call::Authenticate), 1, "one bind for a login");
    assert_eq!(refusal(scene.app.authenticate("anna", WRONG).await), Refusal::WrongPassword);
    let subject = who.user().subject();
    let credential = throng_core::store::Credentials::credential(&*scene.world.store, &subject);
    assert_eq!(credential.await.unwrap(), None, "no password is kept (R626)");
}

/// An outage of the source: who is in the mirror cannot log in, and is nobody else; who is not in it can elsewhere.
#[tokio::test]
async fn an_outage_of_the_source_hands_no_name_on_t03() {
    let scene = scene(MirroredSettings::default()).await;
    scene.world.put_with_password(scene.local, "anna", PW2).await;
    scene.world.put_with_password(scene.local, "carl", PW2).await;
    for behaviour in [Behaviour::Silent, Behaviour::Hanging] {
        tokio::time::pause();
        scene.source.behave(behaviour);
        let refused = scene.app.authenticate("anna", PW2).await.unwrap_err();
        assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
        assert!(refused.trail().unwrap().to_string().contains("held the name when last complete"));
        let who = scene.app.authenticate("carl", PW2).await.unwrap();
        assert_eq!(who.user().directory(), scene.local);
        let said = who.user().trail().to_string();
        assert!(said.contains("silent, and lacked the name when last complete, 0 s ago"), "{said}");
        assert_eq!(scene.app.find_user("anna").await.unwrap().directory(), scene.mirror);
        tokio::time::resume();
    }
    // Beyond two hours, what the mirror knew is too old to hand a name on.
    scene.source.behave(Behaviour::Silent);
    scene.world.clock.advance(Duration::from_secs(2 * 60 * 60 + 1));
    let refused = scene.app.authenticate("carl", PW2).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
}

/// In the Crowd preset silence is passed, and the namesake below logs in (R206, Q01).
#[tokio::test]
async fn the_preset_passes_an_outage_r206() {
    let source = ScriptedDirectory::new(SOURCE).stating_in_batches_of(3);
    source.put_with_password("anna", PW1).unwrap();
    let scene = on(source, MirroredSettings::crowd(), Mode::Crowd).await;
    scene.world.put_with_password(scene.local, "anna", PW2).await;
    scene.source.behave(Behaviour::Silent);
    assert_eq!(scene.app.authenticate("anna", PW2).await.unwrap().user().directory(), scene.local);
}

/// A login of somebody new makes the copy, with the groups, before access is decided (R660, R664).
#[tokio::test]
async fn a_newcomer_logs_in_before_the_next_round_r660_r664() {
    let scene = scene(MirroredSettings::default()).await;
    let seat = Seat { access: Access::Groups([group("ops")].into()), ..Seat::new(scene.mirror) };
    let plan = Plan::new().push(seat).unwrap();
    let app = scene.world.throng.ensure_application("door", plan).await.unwrap();
    scene.source.put_with_password("new", PW1).unwrap();
    scene.source.put_group("brand new", "").unwrap();
    for name in ["ops", "brand new"] {
        scene.source.put_member(&group(name), &user("new")).unwrap();
    }
    assert!(matches!(app.find_user("new").await, Err(Error::NotFound { .. })));
    let login = app.log_in("new", PW1).await.unwrap();
    assert_eq!(login.admission, Admission::Through(vec![group("ops")]));
    assert_eq!(scene.groups("new").await, ["brand new", "ops"]);
    let made = scene.world.store.locate_groups(&Key::of("brand new")).await.unwrap();
    assert_eq!(made[0].1.origin, Origin::Imported);
    scene.sync().await;
    assert_eq!(scene.groups("new").await, ["brand new", "ops"]);
}

#[tokio::test]
async fn a_login_refreshes_the_copy_as_the_settings_say_r661() {
    for refresh in [RefreshAtLogin::Never, RefreshAtLogin::Newcomers, RefreshAtLogin::Always] {
        let scene = scene(MirroredSettings { refresh, ..MirroredSettings::default() }).await;
        let anna = scene.kept("anna").await.unwrap();
        let profile = Profile { display_name: "Anna Berg".into(), ..Profile::default() };
        let patch = UserPatch { profile: Some(profile), ..UserPatch::default() };
        scene.source.change(&anna.external_id, &patch).unwrap();
        scene.source.put_member(&group("ops"), &user("anna")).unwrap();
        scene.source.drop_member(&group("staff"), &user("anna")).unwrap();
        scene.source.put_with_password("new", PW1).unwrap();
        scene.source.put_member(&group("ops"), &user("new")).unwrap();
        scene.app.authenticate("anna", PW1).await.unwrap();
        scene.app.authenticate("new", PW1).await.unwrap();
        assert_eq!(scene.kept("anna").await.unwrap().profile.display_name, "Anna Berg");
        let (known, new): (&[&str], &[&str]) = match refresh {
            RefreshAtLogin::Never => (&["staff"], &[]),
            RefreshAtLogin::Newcomers => (&["staff"], &["ops"]),
            RefreshAtLogin::Always => (&["ops"], &["ops"]),
        };
        assert_eq!(scene.groups("anna").await, known, "{refresh:?}");
        assert_eq!(scene.groups("new").await, new, "{refresh:?}");
    }
}

/// Skeleton 19: a source that returns no group at all takes none away (R662).
#[tokio::test]
async fn no_groups_at_all_are_doubted_r662() {
    let scene = scene(MirroredSettings::default()).await;
    scene.source.drop_member(&group("staff"), &user("anna")).unwrap();
    scene.app.authenticate("anna", PW1).await.unwrap();
    assert_eq!(scene.groups("anna").await, ["staff"]);
}

/// Groups that cannot be read in time never fail a login, and never hand it on (CWD-4197).
#[tokio::test(start_paused = true)]
async fn groups_that_cannot_be_read_are_those_that_are_kept() {
    let scene = scene(MirroredSettings::default()).await;
    for behaviour in [Behaviour::Silent, Behaviour::Broken, Behaviour::Hanging] {
        scene.source.behave_on(Call::ParentsOf, behaviour);
        scene.app.authenticate("anna", PW1).await.unwrap();
        assert_eq!(scene.groups("anna").await, ["staff"]);
    }
}

#[tokio::test]
async fn a_mirror_that_makes_nobody_at_login_asks_for_nobody_it_lacks() {
    let settings =
        MirroredSettings { unknown_user: UnknownUser::StaysUnknown, ..MirroredSettings::default() };
    let scene = scene(settings).await;
    scene.source.put_with_password("new", PW1).unwrap();
    scene.source.forget_calls();
    assert!(matches!(
        scene.app.authenticate("new", PW1).await,
        Err(Error::Denied { why: Denial::Unknown, .. })
    ));
    assert_eq!(scene.source.all_calls(), 0);
}

/// The mirror holds a name that the source does not know: reported as such, never deleted by it, never handed on.
#[tokio::test]
async fn who_is_gone_at_the_source_is_refused_and_kept() {
    let scene = scene(MirroredSettings::default()).await;
    scene.world.put_with_password(scene.local, "anna", PW2).await;
    scene.source.drop_user(&scene.kept("anna").await.unwrap().external_id).unwrap();
    for password in [PW1, PW2] {
        assert_eq!(refusal(scene.app.authenticate("anna", password).await), Refusal::GoneAtSource);
    }
    assert!(scene.kept("anna").await.is_some());
}

/// A rename at the source, met at login: by id; onto a taken name it is set aside, or forced in the preset (R315).
#[tokio::test]
async fn a_rename_is_met_at_login_r315() {
    let scene = scene(MirroredSettings::default()).await;
    let anna = scene.kept("anna").await.unwrap();
    let identity = scene.app.identity(&scene.app.find_user("anna").await.unwrap()).await.unwrap();
    scene.source.rename(&anna.external_id, &Username::new("anne").unwrap()).unwrap();
    let who = scene.app.authenticate("anne", PW1).await.unwrap();
    assert_eq!(
        (who.user().value().external_id.clone(), who.identity()),
        (anna.external_id.clone(), identity)
    );
    assert_eq!(scene.kept("anna").await, None);
    // bob goes, and anne takes his name: until the next round has seen that, nobody is bob.
    scene.source.drop_user(&scene.kept("bob").await.unwrap().external_id).unwrap();
    scene.source.rename(&anna.external_id, &Username::new("bob").unwrap()).unwrap();
    assert_eq!(refusal(scene.app.authenticate("bob", PW1).await), Refusal::AccountQuarantined);
    scene.sync().await;
    assert_eq!(scene.app.authenticate("bob", PW1).await.unwrap().identity(), identity);
}

/// Skeleton 10: the remote renames u1 to u2 while another u2 is in the copy: that one becomes `u2#1` (R315).
#[tokio::test]
async fn s10_a_forced_rename_in_the_preset_r315() {
    let source = ScriptedDirectory::new(SOURCE).stating_in_batches_of(3);
    source.put_with_password("u1", PW1).unwrap();
    source.put_with_password("u2", PW1).unwrap();
    let scene = on(source, MirroredSettings::crowd(), Mode::Crowd).await;
    let (first, second) = (scene.kept("u1").await.unwrap(), scene.kept("u2").await.unwrap());
    scene.source.drop_user(&second.external_id).unwrap();
    scene.source.rename(&first.external_id, &Username::new("u2").unwrap()).unwrap();
    scene.app.authenticate("u2", PW1).await.unwrap();
    assert_eq!(scene.kept("u2").await.unwrap().external_id, first.external_id);
    assert_eq!(scene.kept("u2#1").await.unwrap().external_id, second.external_id);
}

#[tokio::test]
async fn a_source_that_answers_for_somebody_else_is_broken_t17() {
    let scene = scene(MirroredSettings::default()).await;
    scene.source.behave_on(Call::Authenticate, Behaviour::Lying(Lie::Name));
    assert!(matches!(scene.app.authenticate("anna", PW1).await, Err(Error::Broken(_))));
    scene.source.behave_on(Call::Authenticate, Behaviour::Lying(Lie::ExternalId));
    let refused = scene.app.authenticate("anna", PW1).await;
    assert_eq!(refusal(refused), Refusal::AccountQuarantined, "another account of that name is nobody yet");
}

/// A login races another, or a round: one account (CWD-3694).
#[tokio::test]
async fn logins_that_race_make_one_account_r525() {
    let scene = scene(MirroredSettings::default()).await;
    scene.source.put_with_password("new", PW1).unwrap();
    let logins = (0..8).map(|_| scene.app.authenticate("new", PW1));
    for outcome in futures_util::future::join_all(logins).await {
        outcome.unwrap();
    }
    scene.sync().await;
    assert!(scene.kept("new").await.is_some());
}

/// Read-only: nothing that came from the source can be changed, and the source hears of nothing.
#[tokio::test]
async fn a_read_only_mirror_changes_nothing() {
    let scene = scene(MirroredSettings::default()).await;
    let anna = scene.app.find_user("anna").await.unwrap();
    scene.source.forget_calls();
    let patch = UserPatch { active: Some(false), ..UserPatch::default() };
    let attributes = vec![("phone".to_owned(), vec!["1".to_owned()])];
    let attribute = UserPatch { attributes, ..UserPatch::default() };
    let refusals = [
        scene.app.update_user(&anna, patch).await.map(drop),
        scene.app.update_user(&anna, attribute).await.map(drop),
        scene.app.rename_user(&anna, "anne").await.map(drop),
        scene.app.remove_user(&anna).await.map(drop),
        scene.app.set_password(&anna, PW2).await,
        scene.app.add_user_to_group(&anna, "ops").await,
        scene.app.remove_group("staff").await,
    ];
    for refused in refusals {
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    assert_eq!(scene.source.all_calls(), 0);
    // Who is made goes to the first directory that can.
    let made = scene.app.create_user(NewAccount::named("carl").password(PW1)).await.unwrap();
    assert_eq!(made.directory(), scene.local);
}

/// Read/write: the source first, then the copy (R122); identity, claim and groups follow.
#[tokio::test]
async fn changes_go_to_the_source_and_then_to_the_copy_r122() {
    let scene = scene(through()).await;
    let made = scene.app.create_user(NewAccount::named("carl").password(PW1)).await.unwrap();
    assert_eq!(made.directory(), scene.mirror);
    let identity = scene.app.authenticate("carl", PW1).await.unwrap().identity();
    let at_source = async |name: &str| scene.source.user(&Username::new(name).unwrap()).await.unwrap();
    assert_eq!(at_source("carl").await.map(|user| user.external_id), Some(made.value().external_id.clone()));

    let profile = Profile { email: "carl@example.org".into(), ..Profile::default() };
    let patch = UserPatch { profile: Some(profile.clone()), ..UserPatch::default() };
    let updated = scene.app.update_user(&made, patch).await.unwrap();
    assert_eq!(updated.value().profile, profile);
    assert_eq!(at_source("carl").await.unwrap().profile, profile);

    scene.app.create_group("guild", "of carls").await.unwrap();
    scene.app.add_user_to_group(&updated, "guild").await.unwrap();
    scene.app.add_user_to_group(&updated, "ops").await.unwrap();
    assert_eq!(scene.groups("carl").await, ["guild", "ops"]);

    let renamed = scene.app.rename_user(&updated, "karl").await.unwrap();
    assert!(at_source("karl").await.is_some() && scene.kept("carl").await.is_none());
    assert_eq!(scene.app.identity(&renamed).await.unwrap(), identity);
    assert_eq!(scene.app.groups_of(&renamed, Depth::Direct).await.unwrap().len(), 2);

    scene.app.set_password(&renamed, PW2).await.unwrap();
    assert_eq!(scene.app.authenticate("karl", PW2).await.unwrap().identity(), identity);
    scene.app.remove_user_from_group(&renamed, "ops").await.unwrap();
    let patch = GroupPatch { description: Some("of karls".into()), ..GroupPatch::default() };
    scene.app.update_group("guild", patch).await.unwrap();
    scene.sync().await;
    let quiet = scene.world.throng.rounds(scene.mirror, 1).await.unwrap().remove(0);
    assert_eq!(quiet.counts.written(), 0, "the copy is like the source already: {quiet:?}");

    let login = scene.app.log_in("karl", PW2).await.unwrap();
    scene.app.remove_user(&renamed).await.unwrap();
    assert!(at_source("karl").await.is_none() && scene.kept("karl").await.is_none());
    assert!(scene.app.session(login.token.expose()).await.is_err(), "the sessions end");
    let taken = scene.app.create_user(NewAccount::named("karl")).await;
    assert!(matches!(taken, Err(Error::Conflict(Conflict::NameReserved))), "the name stays claimed");
    scene.app.remove_group("guild").await.unwrap();
    assert!(scene.source.group(&group("guild")).await.unwrap().is_none());
}

/// The source says that it is there, or gone, already: the copy is mended, and it is said all the same (R122).
#[tokio::test]
async fn a_copy_that_was_behind_is_mended_by_a_write_r122() {
    let scene = scene(through()).await;
    let mirror = scene.world.throng.open(scene.mirror).unwrap();
    let powers = mirror.powers();
    let (members, users) = (powers.members.unwrap(), powers.users.unwrap());
    scene.source.put_member(&group("ops"), &user("anna")).unwrap();
    let fault = |outcome: Result<(), throng_core::error::DirectoryError>| outcome.unwrap_err().fault();
    assert_eq!(fault(members.add_member(&group("ops"), &user("anna")).await), Fault::Conflict);
    assert_eq!(scene.groups("anna").await, ["ops", "staff"]);
    scene.source.drop_member(&group("staff"), &user("anna")).unwrap();
    assert_eq!(fault(members.remove_member(&group("staff"), &user("anna")).await), Fault::Missing);
    assert_eq!(scene.groups("anna").await, ["ops"]);
    let bob = scene.kept("bob").await.unwrap().external_id;
    scene.source.drop_user(&bob).unwrap();
    assert_eq!(fault(users.remove_user(&bob).await), Fault::Missing);
    assert_eq!(scene.kept("bob").await, None);
    scene.source.put("carl").unwrap();
    let new = throng_core::directory::NewUser {
        name: Username::new("Carl").unwrap(),
        profile: Profile::default(),
        active: true,
    };
    assert_eq!(fault(users.add_user(&new).await.map(drop)), Fault::Conflict);
    assert!(scene.kept("carl").await.is_some());
    scene.source.drop_group(&group("ops")).unwrap();
    assert_eq!(fault(powers.groups.unwrap().remove_group(&group("ops")).await), Fault::Missing);
    assert!(mirror.group(&group("ops")).await.unwrap().is_none());
}

/// A source that fails leaves the copy as it is.
#[tokio::test(start_paused = true)]
async fn a_write_that_the_source_does_not_take_changes_nothing() {
    let scene = scene(through()).await;
    let anna = scene.app.find_user("anna").await.unwrap();
    for behaviour in [Behaviour::Silent, Behaviour::Hanging] {
        scene.source.behave(behaviour);
        let patch = UserPatch { active: Some(false), ..UserPatch::default() };
        let outcome = scene.app.update_user(&anna, patch).await;
        assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");
        assert!(scene.app.create_user(NewAccount::named("carl")).await.is_err());
        assert!(scene.app.remove_user(&anna).await.is_err());
        assert!(scene.kept("anna").await.unwrap().active);
        assert_eq!(scene.kept("carl").await, None);
    }
}

/// A source without powers lends none, whatever the settings say (R111).
#[tokio::test]
async fn a_mirror_can_do_no_more_than_its_source() {
    let source = ScriptedDirectory::new(SOURCE).stating_in_batches_of(3).with_powers(&[Power::Members]);
    source.put("anna").unwrap();
    let scene = on(source, through(), Mode::Default).await;
    let mirror = scene.world.throng.open(scene.mirror).unwrap();
    let powers = mirror.powers();
    assert!(powers.members.is_some() && powers.users.is_none());
    assert!(powers.groups.is_none() && powers.passwords.is_none() && powers.sync.is_none());
}

/// Groups of our own beside those of the source (R120, R121, R123).
#[tokio::test]
async fn local_groups_stand_beside_those_of_the_source_r120_r121_r123() {
    let scene = scene(with_local_groups()).await;
    let anna = scene.app.find_user("anna").await.unwrap();
    let mirror = scene.world.throng.open(scene.mirror).unwrap();
    let powers = mirror.powers();
    let (groups, members) = (powers.groups.unwrap(), powers.members.unwrap());
    assert!(powers.users.is_none());
    let new = NewGroup { name: group("wiki admins"), description: String::new() };
    groups.add_group(&new).await.unwrap();
    members.add_member(&new.name, &user("bob")).await.unwrap();
    members.add_member(&new.name, &Member::Group(group("staff"))).await.unwrap();
    let nested = scene.app.groups_of(&anna, Depth::Nested).await.unwrap();
    assert_eq!(nested.len(), 2, "a group of the source may stand in a local one (R121)");
    for refused in [
        members.add_member(&group("staff"), &user("bob")).await,
        members.remove_member(&group("staff"), &user("anna")).await,
        groups.update_group(&group("staff"), &GroupPatch::default()).await.map(drop),
        groups.remove_group(&group("staff")).await,
    ] {
        assert_eq!(refused.unwrap_err().fault(), Fault::Forbidden);
    }
    // A group of the source under a local one's name is shadowed (R123).
    scene.source.put_group("wiki admins", "theirs").unwrap();
    scene.source.put_member(&group("wiki admins"), &user("anna")).unwrap();
    scene.sync().await;
    scene.app.authenticate("anna", PW1).await.unwrap();
    assert_eq!(scene.groups("anna").await, ["staff"]);
    assert_eq!(scene.groups("bob").await, ["wiki admins"], "rounds and logins leave local groups alone");
    assert_eq!(scene.source.calls(Call::AddGroup) + scene.source.calls(Call::AddMember), 0);
}

/// A mirror keeps the contract of directories, read-only, read/write and with local groups.
async fn mirror_of(world: &Inhabited, settings: MirroredSettings) -> DirectoryFixture {
    let source = world.scripted(SOURCE).stating_in_batches_of(3);
    let scene = on(source, settings, Mode::Default).await;
    let mirror = scene.world.throng.open(scene.mirror).unwrap();
    DirectoryFixture::new(mirror).standing_on(scene.world.throng)
}

throng_testkit::directory_contract!(
    read_only,
    |world| async { mirror_of(world, MirroredSettings::default()).await },
    powers = []
);

throng_testkit::directory_contract!(
    read_write,
    |world| async { mirror_of(world, through()).await },
    powers = [users, groups, members, passwords]
);

/// Ids that nobody has are nobody's, and what is imported is not imported here.
#[tokio::test]
async fn nothing_is_imported_into_a_copy() {
    let scene = scene(through()).await;
    let refused = scene.world.throng.import(scene.mirror, &[], &[], throng_engine::import::ImportMode::Apply);
    assert!(matches!(refused.await, Err(Error::Forbidden(_))));
    let mirror = scene.world.throng.open(scene.mirror).unwrap();
    let nobody = ExternalId::new("nobody").unwrap();
    let outcome = mirror.powers().users.unwrap().remove_user(&nobody).await;
    assert_eq!(outcome.unwrap_err().fault(), Fault::Missing);
}
