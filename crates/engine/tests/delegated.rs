//! Delegated directories: records here, passwords checked by a verifier that the test drives.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use throng_core::change::{Change, OnCycle};
use throng_core::directory::{Account, AccountGroups, Refusal};
use throng_core::group::Origin;
use throng_core::id::ExternalId;
use throng_core::page::PageRequest;
use throng_core::plan::Plan;
use throng_core::registry::{
    DefaultGroupsGiven, DelegatedSettings, GroupImport, KnownUser, Nesting, RecycledName, TakenName,
    UnknownUser,
};
use throng_core::store::Credentials;
use throng_core::user::Profile;
use throng_engine::application::{Depth, NewAccount};
use throng_engine::error::{Conflict, Denial};
use throng_engine::{Application, Error};
use throng_testkit::script::{Behaviour, Call, Lie, ScriptedVerifier};
use world::{
    OTHER, RIGHT, WRONG, World, conflict, denial, email, find, group_name, group_names, groups, is_missing,
    is_unavailable, member, modes, refusal, username,
};

/// Neither creation nor update at login.
fn kept_as_it_is() -> DelegatedSettings {
    DelegatedSettings {
        unknown_user: UnknownUser::StaysUnknown,
        known_user: KnownUser::StaysAsIs,
        ..DelegatedSettings::default()
    }
}

/// Both settings of what is Crowd's and what is ours.
fn both_settings() -> [DelegatedSettings; 2] {
    [DelegatedSettings::default(), DelegatedSettings::crowd()]
}

fn direct(names: &[&str]) -> Option<AccountGroups> {
    Some(AccountGroups { direct: group_names(names), nested: vec![] })
}

fn nested(names: &[&str], edges: &[(&str, &str)]) -> Option<AccountGroups> {
    let edges = edges.iter().map(|(child, parent)| (group_name(child), group_name(parent)));
    Some(AccountGroups { direct: group_names(names), nested: edges.collect() })
}

/// The delegated directory "Staff" above the internal directory "Local".
async fn above_local(
    verifier: &ScriptedVerifier,
    settings: DelegatedSettings,
    plan: Plan,
) -> (World, Application, [throng_core::id::DirectoryId; 2]) {
    let (world, _, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
    let local = world.throng.internal_directory("Local").await.unwrap();
    let plan = plan.seat(staff).unwrap().seat(local).unwrap();
    let app = world.app("forge", plan).await;
    (world, app, [staff, local])
}

#[tokio::test]
async fn r510_a_copy_that_logins_leave_alone_must_exist() {
    for (mode, plan) in modes() {
        let verifier = ScriptedVerifier::new();
        verifier.put("anna", RIGHT).unwrap();
        let (world, app, staff) = World::delegated(verifier.clone(), kept_as_it_is(), plan).await;
        assert_eq!(denial(app.authenticate("anna", RIGHT).await), Denial::Unknown, "{mode}");
        assert_eq!(verifier.calls(Call::Verify), 0, "nobody is asked for nobody {mode}");
        assert!(world.users_in(staff).await.is_empty(), "{mode}");
    }
}

#[tokio::test]
async fn r510_a_user_made_here_beforehand_logs_in() {
    for settings in [kept_as_it_is(), DelegatedSettings::default(), DelegatedSettings::crowd()] {
        let verifier = ScriptedVerifier::new();
        let account = verifier.put("anna", RIGHT).unwrap();
        verifier.put_groups(&account.external_id, direct(&["staff"])).unwrap();
        let (_world, app, _) = World::delegated(verifier, settings.clone(), Plan::new()).await;
        let made = app.create_user(NewAccount::named("Anna")).await.unwrap();
        let who = app.authenticate("anna", RIGHT).await;
        let who = who.unwrap_or_else(|error| panic!("{settings:?}: {error:?}"));
        assert_eq!(who.user().value().name, made.value().name);
        assert_eq!(
            groups(&app, "anna", Depth::Direct).await,
            ["staff"],
            "R532: groups are imported all the same"
        );
    }
}

#[tokio::test]
async fn r510_r511_when_an_inactive_account_is_told_so() {
    for (mode, plan) in modes() {
        for settings in [kept_as_it_is(), DelegatedSettings::default()] {
            let follows = settings.known_user == KnownUser::UpdateAtLogin;
            let verifier = ScriptedVerifier::new();
            let account = verifier.put("anna", RIGHT).unwrap();
            let (world, app, staff) = World::delegated(verifier.clone(), settings, plan.clone()).await;
            mirror(&world, staff, &account).await;
            let copy = world.held(staff, "anna").await.unwrap();
            world.deactivate(staff, &copy).await;
            let told = match (mode, follows) {
                ("crowd", false) => Refusal::Inactive,
                _ => Refusal::WrongPassword,
            };
            assert_eq!(refusal(app.authenticate("anna", WRONG).await), told, "Q02 {mode} {follows}");
            assert_eq!(refusal(app.authenticate("anna", RIGHT).await), Refusal::Inactive, "{mode} {follows}");
            let asked = if mode == "crowd" && !follows { 0 } else { 2 };
            assert_eq!(verifier.calls(Call::Verify), asked, "R510, R511 {mode} {follows}");
        }
    }
}

/// Puts the copy of an account into the directory, as an earlier login would have.
async fn mirror(world: &World, directory: throng_core::id::DirectoryId, account: &Account) {
    let user = throng_core::user::User {
        external_id: account.external_id.clone(),
        name: account.name.clone(),
        profile: account.profile.clone(),
        active: true,
        attributes: Default::default(),
    };
    world.apply(vec![Change::AddUser { directory, user, free_in: vec![], credential: None }]).await;
}

#[tokio::test]
async fn r512_an_unknown_user_who_stays_unknown_is_passed_after_the_check() {
    for (mode, plan) in modes() {
        let settings =
            DelegatedSettings { unknown_user: UnknownUser::StaysUnknown, ..DelegatedSettings::default() };
        let verifier = ScriptedVerifier::new();
        verifier.put("anna", OTHER).unwrap();
        let (world, app, [staff, local]) = above_local(&verifier, settings, plan).await;
        world.put_with_password(local, "anna", OTHER).await;
        let who = app.authenticate("anna", OTHER).await.unwrap();
        assert_eq!(who.user().directory(), local, "{mode}");
        assert_eq!(verifier.calls(Call::Verify), 1, "{mode}");
        assert!(world.users_in(staff).await.is_empty(), "{mode}");
    }
}

#[tokio::test]
async fn r513_logins_are_noted_and_failures_are_not_counted() {
    let verifier = ScriptedVerifier::new();
    verifier.put("anna", RIGHT).unwrap();
    let (world, app, _) = World::delegated(verifier, DelegatedSettings::default(), Plan::new()).await;
    let who = app.authenticate("anna", RIGHT).await.unwrap();
    for _ in 0..150 {
        assert_eq!(refusal(app.authenticate("anna", WRONG).await), Refusal::WrongPassword);
    }
    world.clock.advance(Duration::from_secs(5));
    let at = app.authenticate("anna", RIGHT).await.unwrap().at();
    assert_eq!(app.last_login(&who.user().subject()).await.unwrap(), Some(at));
    assert_eq!(world.throng.hashes_run(), 0, "R501: nothing is hashed here");
    assert!(world.store.credential(&who.user().subject()).await.unwrap().is_none(), "R501");
}

#[tokio::test]
async fn r522_a_first_login_makes_the_user_as_the_verifier_spells_it() {
    for settings in both_settings() {
        let verifier = ScriptedVerifier::new();
        let account = verifier.put("Anna", RIGHT).unwrap();
        let profile = Profile { email: "anna@example.org".into(), ..Profile::default() };
        verifier.put_profile(&account.external_id, profile.clone()).unwrap();
        let (world, app, staff) = World::delegated(verifier, settings, Plan::new()).await;
        assert_eq!(refusal(app.authenticate("ANNA", WRONG).await), Refusal::WrongPassword);
        assert_eq!(denial(app.authenticate("berta", RIGHT).await), Denial::Unknown);
        assert!(world.users_in(staff).await.is_empty(), "nothing is made without proof");
        let head = world.head().await;
        let who = app.authenticate("ANNA", RIGHT).await.unwrap();
        assert_eq!(
            who.user().value().name.as_str(),
            "Anna",
            "T17: from the account, not from what was typed"
        );
        assert_eq!(who.user().value().external_id, account.external_id);
        assert_eq!(who.user().value().profile, profile);
        assert!(world.head().await > head);
        let head = world.head().await;
        app.authenticate("anna", RIGHT).await.unwrap();
        assert_eq!(world.head().await, head, "an unchanged login writes nothing");
    }
}

#[tokio::test]
async fn r523_an_update_copies_words_and_keeps_the_active_flag() {
    for (known_user, follows) in [(KnownUser::UpdateAtLogin, true), (KnownUser::StaysAsIs, false)] {
        let verifier = ScriptedVerifier::new();
        let account = verifier.put("anna", RIGHT).unwrap();
        let settings = DelegatedSettings { known_user, ..DelegatedSettings::default() };
        let (world, app, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
        app.authenticate("anna", RIGHT).await.unwrap();
        let profile = Profile { display_name: "Anna B.".into(), ..Profile::default() };
        verifier.put_profile(&account.external_id, profile.clone()).unwrap();
        verifier.rename(&account.external_id, &username("ANNA")).unwrap();
        let who = app.authenticate("anna", RIGHT).await.unwrap();
        let kept = world.held(staff, "anna").await.unwrap();
        assert_eq!(kept.profile == profile, follows);
        assert_eq!(kept.name.as_str(), if follows { "ANNA" } else { "anna" });
        assert_eq!(*who.user().value(), kept, "what the login tells is what is kept");

        world.deactivate(staff, &kept).await;
        assert_eq!(refusal(app.authenticate("anna", RIGHT).await), Refusal::Inactive, "T02");
        assert!(!world.held(staff, "anna").await.unwrap().active, "a login never activates");
    }
}

#[tokio::test]
async fn r520_a_rename_at_the_verifier_is_followed_with_everything_that_hangs_on_it() {
    for settings in both_settings() {
        let verifier = ScriptedVerifier::new();
        let account = verifier.put("anna", RIGHT).unwrap();
        let (world, app, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
        let before = app.authenticate("anna", RIGHT).await.unwrap();
        world.put_group(staff, "chess", &["anna"]).await;
        verifier.rename(&account.external_id, &username("anna.b")).unwrap();
        let after = app.authenticate("anna.b", RIGHT).await.unwrap();
        assert_eq!(after.identity(), before.identity());
        assert_eq!(after.user().subject(), before.user().subject());
        assert_eq!(world.users_in(staff).await, ["anna.b"]);
        assert_eq!(world.members(staff, "chess").await, ["anna.b"]);
        assert!(is_missing(&app.find_user("anna").await));
    }
}

#[tokio::test]
async fn r520_without_updates_a_match_by_id_under_another_name_is_ignored() {
    let verifier = ScriptedVerifier::new();
    let account = verifier.put("anna", RIGHT).unwrap();
    let settings = DelegatedSettings { known_user: KnownUser::StaysAsIs, ..DelegatedSettings::default() };
    let (world, app, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    verifier.rename(&account.external_id, &username("anna.b")).unwrap();
    assert!(app.authenticate("anna.b", RIGHT).await.is_err());
    assert_eq!(world.users_in(staff).await, ["anna"]);
}

#[tokio::test]
async fn r521_q11_a_recycled_name_inherits_nothing_by_default() {
    for recycled_name in [RecycledName::Quarantine, RecycledName::Adopt] {
        let settings = DelegatedSettings { recycled_name, ..DelegatedSettings::default() };
        let verifier = ScriptedVerifier::new();
        let leaver = verifier.put("anna", RIGHT).unwrap();
        let (world, app, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
        let before = app.authenticate("anna", RIGHT).await.unwrap();
        let token = app.open_session(&before).await.unwrap();
        world.put_group(staff, "admins", &["anna"]).await;
        verifier.drop_account(&leaver.external_id).unwrap();
        let newcomer = verifier.put("anna", OTHER).unwrap();
        let head = world.head().await;
        let outcome = app.authenticate("anna", OTHER).await;
        let kept = world.held(staff, "anna").await.unwrap();
        match recycled_name {
            RecycledName::Quarantine => {
                assert_eq!(refusal(outcome), Refusal::AccountQuarantined, "Q11");
                assert_eq!(world.head().await, head, "nothing changed");
                assert_eq!(kept.external_id, leaver.external_id);
            }
            RecycledName::Adopt => {
                let who = outcome.unwrap();
                assert_eq!(kept.external_id, newcomer.external_id, "R521");
                assert_eq!(who.identity(), before.identity(), "R521: groups and all");
                assert_eq!(world.members(staff, "admins").await, ["anna"]);
            }
        }
        drop(token);
        assert_eq!(
            refusal(app.authenticate("anna", RIGHT).await),
            match recycled_name {
                RecycledName::Quarantine | RecycledName::Adopt => Refusal::WrongPassword,
            }
        );
    }
}

#[tokio::test]
async fn r521_a_holder_who_was_renamed_meanwhile_makes_way() {
    for settings in both_settings() {
        let verifier = ScriptedVerifier::new();
        let first = verifier.put("anna", RIGHT).unwrap();
        let (world, app, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
        let before = app.authenticate("anna", RIGHT).await.unwrap();
        verifier.rename(&first.external_id, &username("anna.b")).unwrap();
        let second = verifier.put("anna", OTHER).unwrap();
        let who = app.authenticate("anna", OTHER).await.unwrap();
        assert_eq!(who.user().value().external_id, second.external_id);
        assert_ne!(who.identity(), before.identity(), "the newcomer inherits nothing");
        assert_eq!(world.users_in(staff).await, ["anna", "anna.b"]);
        let again = app.authenticate("anna.b", RIGHT).await.unwrap();
        assert_eq!(again.identity(), before.identity(), "the one who moved keeps everything");
    }
}

#[tokio::test]
async fn two_accounts_of_one_name_are_nobody() {
    let verifier = ScriptedVerifier::new();
    let first = verifier.put("anna", RIGHT).unwrap();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::crowd(), Plan::new()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    // The verifier accepts under an id that is not the holder's, and still knows the holder by this name.
    verifier.behave_on(Call::Verify, Behaviour::Lying(Lie::ExternalId));
    assert_eq!(refusal(app.authenticate("anna", RIGHT).await), Refusal::AccountQuarantined);
    assert_eq!(world.held(staff, "anna").await.unwrap().external_id, first.external_id);
}

#[tokio::test]
async fn r315_t04_a_rename_onto_a_taken_name() {
    for taken_name in [TakenName::Quarantine, TakenName::RenameTheHolder] {
        let settings = DelegatedSettings { taken_name, ..DelegatedSettings::default() };
        let verifier = ScriptedVerifier::new();
        let bob = verifier.put("bob", RIGHT).unwrap();
        let admin = verifier.put("admin", OTHER).unwrap();
        let (world, app, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
        let bob_before = app.authenticate("bob", RIGHT).await.unwrap();
        let admin_before = app.authenticate("admin", OTHER).await.unwrap();
        world.put_group(staff, "admins", &["admin"]).await;
        verifier.rename(&admin.external_id, &username("root")).unwrap();
        verifier.rename(&bob.external_id, &username("admin")).unwrap();
        let outcome = app.authenticate("admin", RIGHT).await;
        match taken_name {
            TakenName::Quarantine => {
                assert_eq!(refusal(outcome), Refusal::AccountQuarantined, "T04");
                assert_eq!(world.users_in(staff).await, ["admin", "bob"]);
            }
            TakenName::RenameTheHolder => {
                let who = outcome.unwrap();
                assert_eq!(who.identity(), bob_before.identity(), "the claim follows");
                assert_eq!(world.users_in(staff).await, ["admin", "admin#1"], "R315");
                assert_eq!(world.members(staff, "admins").await, ["admin#1"], "nobody inherits");
                assert!(groups(&app, "admin", Depth::Nested).await.is_empty());
            }
        }
        let admin_after = app.authenticate("root", OTHER).await.unwrap();
        assert_eq!(admin_after.identity(), admin_before.identity());
        assert_eq!(world.members(staff, "admins").await, ["root"]);
    }
}

#[tokio::test]
async fn r315_the_next_free_number_is_taken() {
    let verifier = ScriptedVerifier::new();
    let bob = verifier.put("bob", RIGHT).unwrap();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::crowd(), Plan::new()).await;
    app.authenticate("bob", RIGHT).await.unwrap();
    for name in ["admin", "admin#1", "ADMIN#2"] {
        world.put(staff, name).await;
    }
    verifier.rename(&bob.external_id, &username("admin")).unwrap();
    app.authenticate("admin", RIGHT).await.unwrap();
    assert_eq!(world.users_in(staff).await, ["admin", "admin#1", "ADMIN#2", "admin#3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r525_first_logins_at_once_make_one_user() {
    for round in 0..10 {
        let verifier = ScriptedVerifier::new();
        let account = verifier.put("anna", RIGHT).unwrap();
        verifier.put_groups(&account.external_id, nested(&["staff"], &[("staff", "world")])).unwrap();
        let settings =
            DelegatedSettings { default_groups: group_names(&["all"]), ..DelegatedSettings::default() };
        let (world, app, staff) = World::delegated(verifier, settings, Plan::new()).await;
        let logins: Vec<_> = (0..16)
            .map(|_| {
                let app = app.clone();
                tokio::spawn(async move { app.authenticate("Anna", RIGHT).await })
            })
            .collect();
        let mut identities = Vec::new();
        for login in logins {
            identities.push(login.await.unwrap().unwrap().identity());
        }
        identities.dedup();
        assert_eq!(identities.len(), 1, "one identity, round {round}");
        assert_eq!(world.users_in(staff).await, ["anna"], "CWD-3694, round {round}");
        assert_eq!(groups(&app, "anna", Depth::Nested).await, ["all", "staff", "world"], "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn t03_a_silent_verifier_decides_nothing() {
    for (mode, plan) in modes() {
        for how in [Behaviour::Silent, Behaviour::Hanging, Behaviour::Slow(Duration::from_secs(3_600))] {
            let verifier = ScriptedVerifier::new();
            let account = verifier.put("anna", RIGHT).unwrap();
            let (world, app, [staff, local]) =
                above_local(&verifier, DelegatedSettings::default(), plan.clone()).await;
            mirror(&world, staff, &account).await;
            world.put_with_password(local, "berta", OTHER).await;
            verifier.behave(how);
            let head = world.head().await;
            let outcome = app.authenticate("anna", RIGHT).await;
            assert!(is_unavailable(&outcome), "{mode} {how:?}: {outcome:?}");
            assert_eq!(world.head().await, head, "{mode} {how:?}");
            assert!(app.find_user("anna").await.is_ok(), "R501: everything else is here {mode} {how:?}");
            // Somebody whom the records lack might be new there.
            let below = app.authenticate("berta", OTHER).await;
            match mode {
                "throng" => assert!(is_unavailable(&below), "Q01 {how:?}: {below:?}"),
                _ => assert_eq!(below.unwrap().user().directory(), local, "R206 {how:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_about_the_holder_of_a_name_decides_nothing_either() {
    let verifier = ScriptedVerifier::new();
    let leaver = verifier.put("anna", RIGHT).unwrap();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::crowd(), Plan::new()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    verifier.drop_account(&leaver.external_id).unwrap();
    verifier.put("anna", OTHER).unwrap();
    verifier.behave_on(Call::Account, Behaviour::Hanging);
    assert!(is_unavailable(&app.authenticate("anna", OTHER).await));
    assert_eq!(world.held(staff, "anna").await.unwrap().external_id, leaver.external_id);
}

#[tokio::test]
async fn a_directory_without_its_verifier_is_silent_about_logins() {
    let world = World::new().await;
    let staff = world.throng.delegated_directory("Staff", DelegatedSettings::default()).await.unwrap();
    let app = world.app("wiki", Plan::new().seat(staff).unwrap()).await;
    world.put(staff, "anna").await;
    assert!(is_unavailable(&app.authenticate("anna", RIGHT).await));
    assert!(app.find_user("anna").await.is_ok());
}

#[tokio::test]
async fn t17_a_verifier_that_answers_for_another_name_lets_nobody_in() {
    for (mode, plan) in modes() {
        let verifier = ScriptedVerifier::new();
        verifier.put("anna", RIGHT).unwrap();
        let (world, app, [staff, local]) = above_local(&verifier, DelegatedSettings::default(), plan).await;
        world.put_with_password(local, "anna", RIGHT).await;
        verifier.behave(Behaviour::Lying(Lie::Name));
        let outcome = app.authenticate("anna", RIGHT).await;
        assert!(matches!(outcome, Err(Error::Broken(_))), "{mode}: {outcome:?}");
        assert!(world.users_in(staff).await.is_empty(), "{mode}");
        verifier.behave(Behaviour::Broken);
        let outcome = app.authenticate("anna", RIGHT).await;
        assert!(
            matches!(outcome, Err(Error::Broken(_))),
            "a corrupt answer is no silence {mode}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn t41_a_name_that_the_records_hold_never_falls_to_a_namesake_below() {
    let verifier = ScriptedVerifier::new();
    let account = verifier.put("anna", RIGHT).unwrap();
    let (world, app, [staff, local]) =
        above_local(&verifier, DelegatedSettings::default(), Plan::new()).await;
    mirror(&world, staff, &account).await;
    world.put_with_password(local, "anna", OTHER).await;
    assert_eq!(refusal(app.authenticate("anna", OTHER).await), Refusal::WrongPassword, "R205");
    // Gone at the verifier; the name still means the account that is kept here.
    verifier.drop_account(&account.external_id).unwrap();
    assert_eq!(find(&app, "anna").await.directory(), staff);
    let outcome = app.authenticate("anna", OTHER).await;
    assert!(outcome.is_err(), "let in as {:?}", outcome.unwrap().user().directory());
}

#[tokio::test]
async fn a_refusal_of_the_verifier_is_handed_on_and_stops() {
    for (mode, plan) in modes() {
        for why in [Refusal::Locked, Refusal::PasswordExpired, Refusal::Inactive] {
            let verifier = ScriptedVerifier::new();
            verifier.put("anna", RIGHT).unwrap();
            let (world, app, [staff, _]) =
                above_local(&verifier, DelegatedSettings::default(), plan.clone()).await;
            verifier.behave(Behaviour::Refusing(why));
            assert_eq!(refusal(app.authenticate("anna", RIGHT).await), why, "{mode}");
            assert!(world.users_in(staff).await.is_empty(), "{mode}");
        }
    }
}

#[tokio::test]
async fn t29_an_empty_password_reaches_no_verifier() {
    let verifier = ScriptedVerifier::accepting_anybody();
    let (_world, app, _) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    for password in ["", "\0", "\0\0"] {
        assert!(matches!(denial(app.authenticate("anna", password).await), Denial::Password(_)));
    }
    assert_eq!(verifier.all_calls(), 0);
}

#[tokio::test]
async fn t07_an_alias_leads_to_the_account_and_never_makes_one() {
    let verifier = ScriptedVerifier::new();
    verifier.put("anna", RIGHT).unwrap();
    verifier.put("boss", OTHER).unwrap();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    app.allow_aliases(throng_core::registry::Aliases::On).await.unwrap();
    app.set_alias(&find(&app, "anna").await, "boss").await.unwrap();
    assert_eq!(app.authenticate("boss", RIGHT).await.unwrap().user().value().name.as_str(), "anna");
    assert_eq!(refusal(app.authenticate("boss", OTHER).await), Refusal::WrongPassword);
    assert_eq!(world.users_in(staff).await, ["anna"]);
}

// Groups.

#[tokio::test]
async fn r530_imported_groups_follow_and_local_ones_stay() {
    for settings in both_settings() {
        let verifier = ScriptedVerifier::new();
        let anna = verifier.put("anna", RIGHT).unwrap();
        let (world, app, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
        verifier.put_groups(&anna.external_id, direct(&["Staff", "Staff", "old", "chess"])).unwrap();
        world.put_group(staff, "Chess", &[]).await;
        world.put_group(staff, "garden", &[]).await;
        app.authenticate("anna", RIGHT).await.unwrap();
        assert_eq!(
            groups(&app, "anna", Depth::Direct).await,
            ["old", "Staff"],
            "R123: a local group shadows"
        );
        assert_eq!(world.held_group(staff, "staff").await.unwrap().origin, Origin::Imported, "R125");
        app.add_user_to_group(&find(&app, "anna").await, "garden").await.unwrap();
        verifier.put_groups(&anna.external_id, direct(&["staff", "new"])).unwrap();
        assert_eq!(groups(&app, "anna", Depth::Direct).await, ["garden", "old", "Staff"], "R533");
        app.authenticate("anna", RIGHT).await.unwrap();
        assert_eq!(groups(&app, "anna", Depth::Direct).await, ["garden", "new", "Staff"]);
        assert!(world.held_group(staff, "old").await.is_some(), "the group itself stays");
    }
}

#[tokio::test]
async fn r530_t28_no_groups_is_not_the_same_as_not_told() {
    let verifier = ScriptedVerifier::new();
    let anna = verifier.put("anna", RIGHT).unwrap();
    let (_world, app, _) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    let told = async |groups_told, expected: &[&str]| {
        verifier.put_groups(&anna.external_id, groups_told).unwrap();
        app.authenticate("anna", RIGHT).await.unwrap();
        assert_eq!(groups(&app, "anna", Depth::Direct).await, expected);
    };
    told(None, &[]).await;
    told(direct(&["a", "b"]), &["a", "b"]).await;
    told(None, &["a", "b"]).await;
    told(direct(&[]), &[]).await;
}

#[tokio::test]
async fn groups_that_are_kept_here_only_are_never_imported() {
    let settings = DelegatedSettings { groups: GroupImport::Never, ..DelegatedSettings::default() };
    let verifier = ScriptedVerifier::new();
    let anna = verifier.put("anna", RIGHT).unwrap();
    verifier.put_groups(&anna.external_id, nested(&["a"], &[("a", "b")])).unwrap();
    let (world, app, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    assert!(world.held_group(staff, "a").await.is_none());
    world.put_group(staff, "own", &["anna"]).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["own"]);
}

#[tokio::test]
async fn r531_groups_in_groups_are_imported_whatever_their_names() {
    for edges in [[("staff", "world"), ("world", "zoo")], [("staff", "everyone"), ("everyone", "all")]] {
        let verifier = ScriptedVerifier::new();
        let anna = verifier.put("anna", RIGHT).unwrap();
        verifier.put_groups(&anna.external_id, nested(&["staff"], &edges)).unwrap();
        let (world, app, staff) =
            World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
        app.authenticate("anna", RIGHT).await.unwrap();
        assert_eq!(groups(&app, "anna", Depth::Nested).await.len(), 3, "{edges:?}");
        let (_, top) = edges[1];
        assert_eq!(world.members(staff, top).await, [format!("@{}", edges[1].0)]);
        // An edge that is gone at the verifier goes.
        verifier.put_groups(&anna.external_id, nested(&["staff"], &edges[..1])).unwrap();
        app.authenticate("anna", RIGHT).await.unwrap();
        assert_eq!(groups(&app, "anna", Depth::Nested).await.len(), 2, "{edges:?}");
    }
}

#[tokio::test]
async fn r402_a_directory_without_nesting_imports_direct_groups_only() {
    let settings = DelegatedSettings { nesting: Nesting::Direct, ..DelegatedSettings::default() };
    let verifier = ScriptedVerifier::new();
    let anna = verifier.put("anna", RIGHT).unwrap();
    verifier.put_groups(&anna.external_id, nested(&["a"], &[("a", "b")])).unwrap();
    let (world, app, staff) = World::delegated(verifier, settings, Plan::new()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["a"]);
    assert!(world.held_group(staff, "b").await.is_none());
}

#[tokio::test]
async fn r411_an_edge_that_would_close_a_circle_is_left_out() {
    let verifier = ScriptedVerifier::new();
    let anna = verifier.put("anna", RIGHT).unwrap();
    let circle = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")];
    verifier.put_groups(&anna.external_id, nested(&["a"], &circle)).unwrap();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    for _ in 0..2 {
        app.authenticate("anna", RIGHT).await.unwrap();
        assert_eq!(groups(&app, "anna", Depth::Nested).await, ["a", "b", "c"]);
        let edges = [("b", "@a"), ("c", "@b")].map(|(group, child)| (group, vec![child.to_owned()]));
        for (group, children) in edges {
            assert_eq!(world.members(staff, group).await, children);
        }
        assert_eq!(world.members(staff, "a").await, ["anna"]);
    }
}

#[tokio::test]
async fn r123_t24_a_local_group_is_not_put_into_groups_by_its_namesake_at_the_verifier() {
    let verifier = ScriptedVerifier::new();
    let anna = verifier.put("anna", RIGHT).unwrap();
    verifier.put_groups(&anna.external_id, nested(&["staff", "other"], &[("staff", "admins")])).unwrap();
    let (world, app, staff) = World::delegated(verifier, DelegatedSettings::default(), Plan::new()).await;
    world.put(staff, "berta").await;
    world.put_group(staff, "staff", &["berta"]).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["other"]);
    assert_eq!(groups(&app, "berta", Depth::Nested).await, ["staff"], "berta was not asked about");
}

#[tokio::test]
async fn r532_a_group_import_that_fails_lets_a_known_user_in() {
    let verifier = ScriptedVerifier::new();
    let anna = verifier.put("anna", RIGHT).unwrap();
    let (_world, app, _) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    // A child that the directory has no reason to know.
    verifier.put_groups(&anna.external_id, nested(&["a"], &[("stranger", "b")])).unwrap();
    assert!(app.authenticate("anna", RIGHT).await.is_ok());
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["a"]);
}

#[tokio::test]
async fn r540_r541_q12_default_groups_once_or_always() {
    for given in [DefaultGroupsGiven::Once, DefaultGroupsGiven::AtEveryLogin] {
        let settings = DelegatedSettings {
            default_groups: group_names(&["Everyone", "readers"]),
            default_groups_given: given,
            ..DelegatedSettings::default()
        };
        let verifier = ScriptedVerifier::new();
        verifier.put("anna", RIGHT).unwrap();
        let (world, app, staff) = World::delegated(verifier.clone(), settings, Plan::new()).await;
        world.put_group(staff, "READERS", &[]).await;
        app.authenticate("anna", RIGHT).await.unwrap();
        assert_eq!(groups(&app, "anna", Depth::Direct).await, ["Everyone", "READERS"], "R540 {given:?}");
        assert_eq!(world.held_group(staff, "everyone").await.unwrap().origin, Origin::Local, "R540");
        app.remove_user_from_group(&find(&app, "anna").await, "everyone").await.unwrap();
        app.authenticate("anna", RIGHT).await.unwrap();
        let expected: &[&str] = match given {
            DefaultGroupsGiven::Once => &["READERS"],
            DefaultGroupsGiven::AtEveryLogin => &["Everyone", "READERS"],
        };
        assert_eq!(groups(&app, "anna", Depth::Direct).await, expected, "Q12 {given:?}");
    }
}

#[tokio::test]
async fn r540_a_default_group_named_twice_is_given_once() {
    let settings =
        DelegatedSettings { default_groups: group_names(&["all", "ALL"]), ..DelegatedSettings::default() };
    let verifier = ScriptedVerifier::new();
    verifier.put("anna", RIGHT).unwrap();
    let (_world, app, _) = World::delegated(verifier, settings, Plan::new()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    assert_eq!(groups(&app, "anna", Depth::Direct).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r540_newcomers_at_once_who_need_the_same_group_are_all_let_in() {
    for round in 0..20 {
        let settings =
            DelegatedSettings { default_groups: group_names(&["all"]), ..DelegatedSettings::default() };
        let verifier = ScriptedVerifier::accepting_anybody();
        let (world, app, staff) = World::delegated(verifier, settings, Plan::new()).await;
        let together = std::sync::Arc::new(tokio::sync::Barrier::new(16));
        let logins: Vec<_> = (0..16)
            .map(|n| {
                let (app, together) = (app.clone(), std::sync::Arc::clone(&together));
                tokio::spawn(async move {
                    together.wait().await;
                    app.authenticate(&format!("u{n:02}"), RIGHT).await
                })
            })
            .collect();
        for login in logins {
            let outcome = login.await.unwrap();
            assert!(outcome.is_ok(), "round {round}: {outcome:?}");
        }
        assert_eq!(world.members(staff, "all").await.len(), 16, "round {round}");
    }
}

#[tokio::test]
async fn what_a_verifier_says_of_a_person_keeps_the_limits_of_this_side() {
    let verifier = ScriptedVerifier::new();
    let anna = verifier.put("anna", RIGHT).unwrap();
    for bad in ["x".repeat(Profile::MAX_CHARS + 1), "a@b\r\nBcc: all".to_owned()] {
        verifier.put_profile(&anna.external_id, Profile { email: bad, ..Profile::default() }).unwrap();
        let (world, app, staff) =
            World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
        let _ = app.authenticate("anna", RIGHT).await;
        if let Some(kept) = world.held(staff, "anna").await {
            assert_eq!(kept.profile.check(), Ok(()), "R308");
        }
    }
}

#[tokio::test]
async fn t06_an_external_id_is_only_data() {
    let verifier = ScriptedVerifier::new();
    let (world, app, [staff, local]) =
        above_local(&verifier, DelegatedSettings::default(), Plan::new()).await;
    let admin = world.put(local, "admin").await;
    let like_admin = ExternalId::new(admin.external_id.as_str()).unwrap();
    for (n, id) in ["1", "1:admin", like_admin.as_str()].into_iter().enumerate() {
        let account = Account {
            external_id: ExternalId::new(id).unwrap(),
            name: username(&format!("u{n}")),
            profile: Profile::default(),
            groups: None,
        };
        verifier.put_account(account, RIGHT);
        let who = app.authenticate(&format!("u{n}"), RIGHT).await.unwrap();
        assert_eq!((who.user().directory(), who.user().value().external_id.as_str()), (staff, id));
    }
    assert_eq!(find(&app, "admin").await.value().external_id, admin.external_id);
}

#[tokio::test]
async fn t06_q11_no_external_id_of_a_verifier_reads_as_one_made_here() {
    let verifier = ScriptedVerifier::new();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    // Whatever marks accounts that were made here, a verifier may say the same.
    let made_here = world.put(staff, "berta").await.external_id;
    let leaver = verifier.put("anna", RIGHT).unwrap();
    verifier.drop_account(&leaver.external_id).unwrap();
    let external_id = ExternalId::new(format!("{made_here}1")).unwrap();
    let leaver = Account { external_id, ..leaver };
    verifier.put_account(leaver.clone(), RIGHT);
    if app.authenticate("anna", RIGHT).await.is_err() {
        return;
    }
    verifier.drop_account(&leaver.external_id).unwrap();
    verifier.put("anna", OTHER).unwrap();
    assert_eq!(refusal(app.authenticate("anna", OTHER).await), Refusal::AccountQuarantined);
}

#[tokio::test]
async fn records_of_a_delegated_directory_are_written_as_any_other() {
    let verifier = ScriptedVerifier::new();
    verifier.put("anna", RIGHT).unwrap();
    let (world, app, staff) =
        World::delegated(verifier.clone(), DelegatedSettings::default(), Plan::new()).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    let anna = find(&app, "anna").await;
    app.update_user(&anna, email("a@example.org")).await.unwrap();
    assert_eq!(conflict(app.create_user(NewAccount::named("ANNA")).await), Conflict::NameTaken);
    app.create_group("chess", "").await.unwrap();
    app.add_user_to_group(&anna, "chess").await.unwrap();
    let circle = Change::AddMember {
        directory: staff,
        group: group_name("chess"),
        member: member("@chess"),
        cycle: OnCycle::Keep,
    };
    world.apply(vec![circle]).await;
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["chess"], "R403");
    let page = app.members_of("chess", Depth::Nested, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(verifier.all_calls(), 1, "R501: the verifier checks passwords and nothing else");
}
