//! The twenty conformance skeletons of Crowd's semantics, in Throng's own mode and in the Crowd preset.
//!
//! Directory D1 stands above D2 unless said otherwise. A directory that can be down is live; the others are internal.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::{Mode, PW1, PW2, WRONG, World, delegated, denial, refusal};
use throng_core::change::{Change, ChangeSet, OnCycle};
use throng_core::directory::{AccountGroups, Refusal, UserPatch};
use throng_core::filter::Filter;
use throng_core::group::Member;
use throng_core::id::DirectoryId;
use throng_core::import::UserRow;
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::password::CredentialState;
use throng_core::permission::{Operation, Permissions};
use throng_core::plan::{Access, MembershipScheme, Plan, Seat};
use throng_core::registry::DelegatedSettings;
use throng_core::store::{Credentials, Records};
use throng_core::sync::{
    Batch, Completeness, FullBecause, MirrorWrites, MirroredSettings, Mode as Reading, Next, Outcome,
};
use throng_core::user::Profile;
use throng_engine::application::{Admission, Depth, NewAccount};
use throng_engine::error::{Conflict, Denial};
use throng_engine::import::{ImportMode, ImportedPassword};
use throng_engine::sync::SyncRequest;
use throng_engine::{Application, Error};
use throng_testkit::script::{Behaviour, Call, ScriptedDirectory, ScriptedVerifier};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn live(n: u8) -> ScriptedDirectory {
    ScriptedDirectory::new(DirectoryId::from_bytes([n; 16]))
}

async fn group_names(app: &Application, user: &str, depth: Depth) -> Vec<String> {
    let user = app.find_user(user).await.unwrap();
    let memberships = app.groups_of(&user, depth).await.unwrap();
    memberships.into_iter().map(|membership| membership.group.to_string()).collect()
}

async fn aggregate(app: &Application, scheme: MembershipScheme) {
    app.change_plan(|plan| Ok::<_, Error>(plan.with_memberships(scheme))).await.unwrap();
}

/// Narrows what the application may do in one directory.
async fn allow(app: &Application, directory: DirectoryId, permissions: Permissions) {
    app.change_plan(|plan| {
        Ok::<_, Error>(plan.filter_map_seats(|seat| {
            let permissions = if seat.directory == directory { permissions } else { seat.permissions };
            Some(Seat { permissions, ..seat })
        }))
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn s01_a_wrong_password_stops_and_an_outage_passes_in_the_preset_only() {
    for mode in Mode::BOTH {
        let d1 = live(1);
        d1.put_with_password("jsmith", PW1).unwrap();
        let (world, app, d2) = World::with_remote(&d1, mode).await;
        world.put_with_password(d2, "jsmith", PW2).await;

        let refused = app.authenticate("jsmith", PW2).await;
        assert_eq!(refusal(refused), Refusal::WrongPassword, "R205 {mode:?}");

        d1.behave(Behaviour::Silent);
        let during_outage = app.authenticate("jsmith", PW2).await;
        match mode {
            Mode::Default => assert!(matches!(during_outage, Err(Error::Unavailable { .. })), "Q01"),
            Mode::Crowd => assert_eq!(during_outage.unwrap().user().directory(), d2, "R206"),
        }
    }
}

#[tokio::test]
async fn s02_inactive_and_expired_accounts() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1", "D2"], mode).await;
        let first = world.put_with_password(ids[0], "jsmith", PW1).await;
        world.put_with_password(ids[1], "jsmith", PW2).await;
        world.deactivate(ids[0], &first).await;
        assert_eq!(refusal(app.authenticate("jsmith", PW1).await), Refusal::Inactive, "R203 {mode:?}");
        let told = match mode {
            Mode::Default => Refusal::WrongPassword,
            Mode::Crowd => Refusal::Inactive,
        };
        assert_eq!(refusal(app.authenticate("jsmith", PW2).await), told, "Q02, R207 {mode:?}");

        world.settle(ids[0], |settings| settings.password_policy.max_age_days = Some(30)).await;
        world.put_with_password(ids[0], "anna", PW1).await;
        world.clock.advance(30 * DAY);
        assert!(app.authenticate("anna", PW1).await.is_ok(), "R704: not strictly older yet");
        world.clock.advance(Duration::from_micros(1));
        assert_eq!(refusal(app.authenticate("anna", PW1).await), Refusal::PasswordExpired, "R704 {mode:?}");
        assert_eq!(refusal(app.authenticate("anna", WRONG).await), Refusal::WrongPassword, "R704 {mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s03_an_outage_is_never_not_found() {
    for mode in Mode::BOTH {
        let d1 = live(1);
        let (_world, app, _) = World::with_remote(&d1, mode).await;
        d1.behave(Behaviour::Silent);
        let outcome = app.authenticate("jsmith", PW1).await;
        assert!(matches!(outcome, Err(Error::Unavailable { .. })), "R204 {mode:?}");
        d1.behave(Behaviour::Answering);
        assert_eq!(denial(app.authenticate("jsmith", PW1).await), Denial::Unknown, "{mode:?}");
    }
}

#[tokio::test]
async fn s04_memberships_of_namesakes() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1", "D2"], mode).await;
        for (directory, group) in [(ids[0], "G1"), (ids[1], "G2")] {
            world.put(directory, "jsmith").await;
            world.put_group(directory, group, &["jsmith"]).await;
        }
        let members = async || {
            let page = app.members_of("G2", Depth::Nested, &PageRequest::default()).await.unwrap();
            page.items.into_iter().map(|member| member.value.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(group_names(&app, "jsmith", Depth::Nested).await, ["G1"], "R271 {mode:?}");
        assert!(members().await.is_empty(), "R271: shadowed users are no members {mode:?}");
        aggregate(&app, MembershipScheme::Aggregated).await;
        assert_eq!(group_names(&app, "jsmith", Depth::Nested).await, ["G1", "G2"], "R272, R276 {mode:?}");
        assert_eq!(members().await, ["jsmith"], "R272 {mode:?}");
    }
}

#[tokio::test]
async fn s05_a_group_is_made_where_the_user_is() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1", "D2"], mode).await;
        world.put(ids[0], "jsmith").await;
        world.put_group(ids[1], "G", &[]).await;
        world.put_group(ids[1], "H", &[]).await;
        let jsmith = app.find_user("jsmith").await.unwrap();
        app.add_user_to_group(&jsmith, "g").await.unwrap();
        let g = GroupName::new("G").unwrap();
        let copy = world.throng.open(ids[0]).unwrap().group(&g).await.unwrap();
        assert_eq!(copy.unwrap().name.as_str(), "G", "R280, spelled as the canonical one {mode:?}");
        assert_eq!(group_names(&app, "jsmith", Depth::Direct).await, ["G"]);

        allow(&app, ids[0], Permissions::ALL.without(Operation::CreateGroup)).await;
        let refused = app.add_user_to_group(&jsmith, "H").await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "R280 {mode:?}");
        let h = Member::Group(GroupName::new("H").unwrap());
        let Member::Group(name) = &h else { unreachable!() };
        let members = world.throng.open(ids[1]).unwrap().children_of(name, &PageRequest::default()).await;
        assert!(members.unwrap().items.is_empty(), "D2 is not used {mode:?}");
    }
}

#[tokio::test]
async fn s06_an_aggregated_removal_is_all_or_nothing() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1", "D2"], mode).await;
        for &directory in &ids {
            world.put(directory, "jsmith").await;
            world.put_group(directory, "G", &["jsmith"]).await;
        }
        aggregate(&app, MembershipScheme::Aggregated).await;
        allow(&app, ids[1], Permissions::READ_ONLY).await;
        let jsmith = app.find_user("jsmith").await.unwrap();
        let refused = app.remove_user_from_group(&jsmith, "G").await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "R285 {mode:?}");
        let g = GroupName::new("G").unwrap();
        let kept = world.throng.open(ids[0]).unwrap().children_of(&g, &PageRequest::default()).await.unwrap();
        assert_eq!(kept.items.len(), 1, "D1 is unchanged {mode:?}");
        allow(&app, ids[1], Permissions::ALL).await;
        app.remove_user_from_group(&jsmith, "G").await.unwrap();
        assert!(group_names(&app, "jsmith", Depth::Direct).await.is_empty(), "removed from all {mode:?}");
    }
}

#[tokio::test]
async fn s07_a_new_user_goes_to_the_first_writable_directory() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1", "D2"], mode).await;
        world.put(ids[0], "taken").await;
        allow(&app, ids[0], Permissions::READ_ONLY).await;
        let made = app.create_user(NewAccount::named("newcomer")).await.unwrap();
        assert_eq!(made.directory(), ids[1], "R250 {mode:?}");
        let taken = app.create_user(NewAccount::named("TAKEN")).await;
        assert!(matches!(taken, Err(Error::Conflict(Conflict::NameTaken))), "R250 {mode:?}");
    }
}

#[tokio::test]
async fn s08_removing_and_reordering_select_the_namesake() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1", "D2"], mode).await;
        world.put(ids[0], "jsmith").await;
        world.put(ids[1], "jsmith").await;
        app.reorder(&[ids[1], ids[0]]).await.unwrap();
        assert_eq!(app.find_user("jsmith").await.unwrap().directory(), ids[1], "R290 {mode:?}");
        app.reorder(&[ids[0], ids[1]]).await.unwrap();
        let first = app.find_user("jsmith").await.unwrap();
        assert_eq!(first.directory(), ids[0], "R290: no data changed {mode:?}");

        let removed = app.remove_user(&first).await.unwrap();
        assert_eq!(removed.surfaced.unwrap().directory, ids[1], "Q05: told {mode:?}");
        assert_eq!(app.find_user("jsmith").await.unwrap().directory(), ids[1], "R254 {mode:?}");
    }
}

#[tokio::test]
async fn s09_nesting_stays_in_a_directory_and_ends() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1", "D2"], mode).await;
        aggregate(&app, MembershipScheme::Aggregated).await;
        world.put(ids[1], "u").await;
        world.put_group(ids[1], "B", &["u"]).await;
        world.put_group(ids[0], "B", &[]).await;
        world.put_group(ids[0], "A", &["@B"]).await;
        assert_eq!(group_names(&app, "u", Depth::Nested).await, ["B"], "R275 {mode:?}");

        world.put(ids[0], "v").await;
        let edge = |child: &str, parent: &str| Change::AddMember {
            directory: ids[0],
            group: GroupName::new(parent).unwrap(),
            member: Member::Group(GroupName::new(child).unwrap()),
            cycle: OnCycle::Keep,
        };
        let circle = ChangeSet::new(throng_core::time::Timestamp::from_micros(0), vec![edge("A", "B")]);
        world.store.apply(&circle).await.unwrap();
        world.put_group(ids[0], "B", &["v"]).await;
        assert_eq!(group_names(&app, "v", Depth::Nested).await, ["A", "B"], "R403, once each {mode:?}");
    }
}

#[tokio::test]
async fn s10_a_rename_onto_a_taken_name() {
    for mode in Mode::BOTH {
        let settings = match mode {
            Mode::Default => DelegatedSettings::default(),
            Mode::Crowd => DelegatedSettings::crowd(),
        };
        let verifier = ScriptedVerifier::new();
        let u1 = verifier.put("u1", PW1).unwrap();
        let u2 = verifier.put("u2", PW2).unwrap();
        let (world, app, staff) = delegated(Arc::new(verifier.clone()), settings).await;
        app.authenticate("u1", PW1).await.unwrap();
        app.authenticate("u2", PW2).await.unwrap();
        verifier.rename(&u2.external_id, &Username::new("u9").unwrap()).unwrap();
        verifier.rename(&u1.external_id, &Username::new("u2").unwrap()).unwrap();

        let outcome = app.authenticate("u2", PW1).await;
        let open = world.throng.open(staff).unwrap();
        let holder =
            async |name: &str| open.user(&Username::new(name).unwrap()).await.unwrap().map(|u| u.external_id);
        // In both modes nobody inherits: where the rename is forced, the claims of both follow their accounts.
        match mode {
            Mode::Default => {
                assert_eq!(refusal(outcome), Refusal::AccountQuarantined, "T04");
                assert_eq!(holder("u2").await, Some(u2.external_id), "nobody else is touched");
            }
            Mode::Crowd => {
                assert_eq!(outcome.unwrap().user().value().external_id, u1.external_id);
                assert_eq!(holder("u2#1").await, Some(u2.external_id), "R315");
            }
        }
    }
}

/// A mirror "Jira" of a source with thirty users, after its first round.
async fn mirrored(mode: Mode) -> (World, Application, ScriptedDirectory, DirectoryId) {
    let source = live(9).stating_in_batches_of(4);
    for number in 0..30 {
        source.put_with_password(&format!("u{number}"), PW1).unwrap();
    }
    let world = World::with(|builder| builder.source("Jira", Arc::new(source.clone()))).await;
    let settings = match mode {
        Mode::Default => MirroredSettings::default(),
        Mode::Crowd => MirroredSettings::crowd(),
    };
    let settings = MirroredSettings { writes: MirrorWrites::Through, ..settings };
    let mirror = world.throng.mirrored_directory("Jira", settings).await.unwrap();
    let plan = mode.plan().seat(mirror).unwrap();
    let app = world.throng.ensure_application("wiki", plan).await.unwrap();
    let round = world.throng.sync(mirror, SyncRequest::default()).await.unwrap();
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete));
    (world, app, source, mirror)
}

#[tokio::test(start_paused = true)]
async fn s11_local_changes_and_empty_answers_survive_a_round() {
    for mode in Mode::BOTH {
        let (world, app, source, mirror) = mirrored(mode).await;
        // Changed here after the round has read the user, and before it ends (R621).
        source.behave_on(Call::Pull, Behaviour::Slow(Duration::from_secs(2)));
        let change = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let user = app.find_user("u1").await.unwrap();
            let profile = Profile { email: "new@example.org".into(), ..Profile::default() };
            let patch = UserPatch { profile: Some(profile), ..UserPatch::default() };
            app.update_user(&user, patch).await.unwrap();
        };
        let round = world.throng.sync(mirror, SyncRequest::full());
        let (round, ()) = futures_util::future::join(round, change).await;
        assert_eq!(round.unwrap().ended.map(|(_, outcome)| outcome), Some(Outcome::Complete));
        assert_eq!(app.find_user("u1").await.unwrap().value().profile.email, "new@example.org");
        // An empty answer deletes nothing, in neither mode: that quirk is copied by nobody (Q14).
        source.behave(Behaviour::Answering);
        source.state_instead([Batch { items: vec![], cursor: None, next: Next::End(Completeness::Proven) }]);
        let round = world.throng.sync(mirror, SyncRequest::full()).await.unwrap();
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::HeldForApproval));
        assert!(app.find_user("u1").await.is_ok());
    }
}

#[tokio::test]
async fn s12_rounds_that_fail_and_cursors_that_expire() {
    for mode in Mode::BOTH {
        let (world, app, source, mirror) = mirrored(mode).await;
        let cursor = world.throng.mirror(mirror).await.unwrap().state.cursor;
        source.behave_once(Call::Pull, 3, Behaviour::Silent);
        let round = world.throng.sync(mirror, SyncRequest::full()).await.unwrap();
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Failed));
        assert_eq!(world.throng.mirror(mirror).await.unwrap().state.cursor, cursor, "no other one is kept");
        let round = world.throng.sync(mirror, SyncRequest::default()).await.unwrap();
        assert_eq!((round.mode, round.full_because), (Reading::Full, Some(FullBecause::Failed)), "R612");
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete));
        source.forget_cursors();
        let round = world.throng.sync(mirror, SyncRequest::default()).await.unwrap();
        assert_eq!((round.mode, round.full_because), (Reading::Full, Some(FullBecause::Expired)), "R654");
        assert!(app.find_user("u1").await.is_ok());
    }
}

#[tokio::test]
async fn s13_delegated_creation_at_login() {
    for mode in Mode::BOTH {
        let settings = match mode {
            Mode::Default => DelegatedSettings::default(),
            Mode::Crowd => DelegatedSettings::crowd(),
        };
        let verifier = ScriptedVerifier::new();
        verifier.put("newcomer", PW1).unwrap();
        let (world, app, _) = delegated(Arc::new(verifier), settings).await;
        assert_eq!(refusal(app.authenticate("newcomer", WRONG).await), Refusal::WrongPassword);
        assert!(
            matches!(app.find_user("newcomer").await, Err(Error::NotFound { .. })),
            "nothing made {mode:?}"
        );
        let who = app.authenticate("newcomer", PW1).await.unwrap();
        assert!(who.user().value().active);
        let credential = world.store.credential(&who.user().subject()).await.unwrap();
        assert!(credential.is_none_or(|kept| kept.hash == CredentialState::Absent), "R501 {mode:?}");
    }
}

#[tokio::test]
async fn s14_a_limit_of_attempts() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1"], mode).await;
        world.settle(ids[0], |settings| settings.password_policy.max_attempts = Some(3)).await;
        world.put_with_password(ids[0], "jsmith", PW1).await;
        for _ in 0..3 {
            assert_eq!(refusal(app.authenticate("jsmith", WRONG).await), Refusal::WrongPassword, "{mode:?}");
        }
        assert_eq!(refusal(app.authenticate("jsmith", PW1).await), Refusal::Locked, "R702 {mode:?}");
        let jsmith = app.find_user("jsmith").await.unwrap();
        app.set_password(&jsmith, PW2).await.unwrap();
        assert!(app.authenticate("jsmith", PW2).await.is_ok(), "R702, R707 {mode:?}");
    }
}

#[tokio::test]
async fn s15_passwords_come_along_and_get_better() {
    const VECTORS: [(&str, &str); 2] = [
        ("password", "{PKCS5S2}DQIXJU038u4P7FdsuFTY/+35bm41kfjZa57UrdxHp2Mu3qF2uy+ooD+jF5t1tb8J"),
        (
            "CALYX-zippy-whiten-pinhead",
            "{PKCS5S2}MW+VUen5ZKtw2xxOljoZKS2A2XO8PTIA9bVMVmjHfy5bG8pXF41muDjOwjp4UBA1",
        ),
    ];
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1"], mode).await;
        let rows: Vec<UserRow> = VECTORS
            .iter()
            .zip(2..)
            .map(|((_, hash), line)| UserRow {
                line,
                name: format!("user{line}"),
                active: true,
                password_hash: Some((*hash).to_owned()),
                ..UserRow::default()
            })
            .collect();
        let report = world.throng.import(ids[0], &rows, &[], ImportMode::Apply).await.unwrap();
        assert!(report.users.iter().all(|user| user.password == ImportedPassword::Wrapped), "T57 {mode:?}");
        for ((password, _), line) in VECTORS.iter().zip(2..) {
            let name = format!("user{line}");
            assert_eq!(refusal(app.authenticate(&name, WRONG).await), Refusal::WrongPassword);
            let who = app.authenticate(&name, password).await.expect("R725, R726");
            let kept = world.store.credential(&who.user().subject()).await.unwrap().unwrap();
            let CredentialState::Usable(hash) = kept.hash else { panic!("a usable hash") };
            assert!(hash.expose().starts_with("$argon2id$"), "R723: replaced at login {mode:?}");
            assert!(app.authenticate(&name, password).await.is_ok(), "and works again {mode:?}");
        }
    }
}

#[tokio::test]
async fn s16_names_fold_under_the_root_locale() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1"], mode).await;
        world.put(ids[0], "irmak").await;
        assert!(app.find_user("IRMAK").await.is_ok(), "R302 {mode:?}");
        assert!(matches!(app.find_user("ırmak").await, Err(Error::NotFound { .. })), "R302 {mode:?}");
    }
}

#[tokio::test]
async fn s17_permission_is_the_intersection_of_both_masks() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1"], mode).await;
        let directory_allows = async |permissions| {
            let mut record = (**world.throng.directories().first().unwrap()).clone();
            record.permissions = permissions;
            world.throng.update_directory(record).await.unwrap();
        };
        let denied = Permissions::ALL.without(Operation::CreateUser);
        allow(&app, ids[0], denied).await;
        let refused = app.create_user(NewAccount::named("a")).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "seat off, directory on {mode:?}");
        allow(&app, ids[0], Permissions::ALL).await;
        app.create_user(NewAccount::named("a")).await.unwrap();
        directory_allows(denied).await;
        let refused = app.create_user(NewAccount::named("b")).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "directory off, seat on {mode:?}");
        directory_allows(Permissions::ALL).await;
        assert_eq!(app.record().unwrap().plan.seats()[0].permissions, Permissions::ALL, "R112 {mode:?}");
        app.create_user(NewAccount::named("b")).await.unwrap();
    }
}

#[tokio::test]
async fn s18_only_groups_of_the_accounts_own_directory_admit() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1", "D2"], mode).await;
        for &directory in &ids {
            world.put(directory, "jsmith").await;
            world.put_group(directory, "wiki-users", &[]).await;
        }
        world.put_group(ids[1], "wiki-users", &["jsmith"]).await;
        let access = Access::Groups(BTreeSet::from([GroupName::new("wiki-users").unwrap()]));
        app.change_plan(|plan: Plan| {
            let restricted = plan.filter_map_seats(|seat| Some(Seat { access: access.clone(), ..seat }));
            Ok::<_, Error>(restricted.with_memberships(MembershipScheme::Aggregated))
        })
        .await
        .unwrap();
        let jsmith = app.find_user("jsmith").await.unwrap();
        assert!(app.is_member(&jsmith, "wiki-users", Depth::Nested).await.unwrap(), "aggregated");
        assert_eq!(app.admission(&jsmith).await.unwrap(), Admission::NotInAnyGroup, "R221 {mode:?}");
        world.put_group(ids[0], "wiki-users", &["jsmith"]).await;
        assert!(app.admission(&jsmith).await.unwrap().is_admitted(), "R220 {mode:?}");
    }
}

/// The rule itself, in both of its forms, is in `throng_core::sync`; here is what a delegated login does with it.
#[tokio::test]
async fn s19_a_login_that_brings_no_groups() {
    for mode in Mode::BOTH {
        let settings = match mode {
            Mode::Default => DelegatedSettings::default(),
            Mode::Crowd => DelegatedSettings::crowd(),
        };
        let verifier = ScriptedVerifier::new();
        let jsmith = verifier.put("jsmith", PW1).unwrap();
        let staff = |names: &[&str]| AccountGroups {
            direct: names.iter().map(|name| GroupName::new(name).unwrap()).collect(),
            nested: vec![],
        };
        verifier.put_groups(&jsmith.external_id, Some(staff(&["staff"]))).unwrap();
        let (_world, app, _) = delegated(Arc::new(verifier.clone()), settings).await;
        app.authenticate("jsmith", PW1).await.unwrap();
        assert_eq!(group_names(&app, "jsmith", Depth::Direct).await, ["staff"]);
        verifier.put_groups(&jsmith.external_id, None).unwrap();
        app.authenticate("jsmith", PW1).await.unwrap();
        assert_eq!(
            group_names(&app, "jsmith", Depth::Direct).await,
            ["staff"],
            "kept when not told {mode:?}"
        );
        verifier.put_groups(&jsmith.external_id, Some(staff(&[]))).unwrap();
        app.authenticate("jsmith", PW1).await.unwrap();
        assert!(group_names(&app, "jsmith", Depth::Direct).await.is_empty(), "R530, T28 {mode:?}");
    }
}

#[tokio::test]
async fn s20_a_search_that_matches_the_shadowed_copy_only() {
    for mode in Mode::BOTH {
        let (world, app, ids) = World::with_internal(&["D1", "D2"], mode).await;
        world.put(ids[0], "jsmith").await;
        let profile = Profile { email: "old@example.com".into(), ..Profile::default() };
        world.put_profile(ids[1], "jsmith", profile).await;
        let found =
            app.search_users(&Filter::email("OLD@example.com"), &PageRequest::default()).await.unwrap();
        let directories: Vec<_> = found.items.iter().map(|item| item.directory).collect();
        match mode {
            Mode::Default => assert!(directories.is_empty(), "Q04"),
            Mode::Crowd => assert_eq!(directories, [ids[1]], "R244"),
        }
        let by_name =
            app.search_users(&Filter::name_starts_with("JS"), &PageRequest::default()).await.unwrap();
        assert_eq!(by_name.items.len(), 1, "R240: each name once {mode:?}");
        assert_eq!(by_name.items[0].directory, ids[0], "R241 {mode:?}");
        assert_eq!(by_name.items[0].value.key(), &Key::of("jsmith"));
    }
}
