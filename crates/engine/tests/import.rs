//! Imports: everything or nothing, and passwords that come along.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use throng_core::directory::Refusal;
use throng_core::group::Group;
use throng_core::id::DirectoryId;
use throng_core::import::{GroupRow, UserRow};
use throng_core::password::{CredentialState, EncodedHash};
use throng_core::plan::Plan;
use throng_core::registry::{DelegatedSettings, Nesting};
use throng_core::store::Credentials;
use throng_core::user::Profile;
use throng_engine::application::Depth;
use throng_engine::error::Invalid;
use throng_engine::import::{ImportError, ImportMode, ImportReport, ImportedPassword, RowFault};
use throng_engine::{Application, Error};
use throng_testkit::script::ScriptedVerifier;
use world::{World, bad_names, find, groups, is_forbidden, is_missing, live, refusal, subject};

/// The password of the hashes below.
const PASSWORD: &str = "Grüne Äpfel 7";
const ARGON2ID: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0";
const SHA1: &str = "{SHA}/ja/ITBjsynrMPdut2pKR2+ypJc=";
const ATLASSIAN: &str = "{PKCS5S2}AAECAwQFBgcICQoLDA0OD/FJ/qHQeBCqlGpN8rA5Dp5UtaxNcWSiBB1n+IlnIQR9";

fn row(line: u64, name: &str) -> UserRow {
    UserRow { line, name: name.into(), active: true, ..UserRow::default() }
}

fn hashed(line: u64, name: &str, hash: &str) -> UserRow {
    UserRow { password_hash: Some(hash.into()), ..row(line, name) }
}

fn in_groups(line: u64, name: &str, groups: &[&str]) -> UserRow {
    UserRow { groups: groups.iter().map(|group| (*group).into()).collect(), ..row(line, name) }
}

fn group(line: u64, name: &str, parents: &[&str]) -> GroupRow {
    let parents = parents.iter().map(|parent| (*parent).into()).collect();
    GroupRow { line, name: name.into(), parents, ..GroupRow::default() }
}

/// What is wrong with which line, in both modes; nothing may be written.
async fn refused(
    world: &World,
    directory: DirectoryId,
    users: &[UserRow],
    groups: &[GroupRow],
) -> (u64, RowFault) {
    let head = world.head().await;
    let mut faults = Vec::new();
    for mode in [ImportMode::DryRun, ImportMode::Apply] {
        match world.throng.import(directory, users, groups, mode).await {
            Err(Error::Invalid(Invalid::Import(ImportError { line, fault, .. }))) => {
                faults.push((line, fault))
            }
            other => panic!("expected a row to be refused, got {other:?}"),
        }
    }
    assert_eq!(world.head().await, head, "nothing is written");
    assert_eq!(faults[0], faults[1], "a dry run tells what the run tells");
    faults.remove(0)
}

/// Imports, after a dry run that must tell the same and write nothing.
async fn import(
    world: &World,
    directory: DirectoryId,
    users: &[UserRow],
    groups: &[GroupRow],
) -> ImportReport {
    let head = world.head().await;
    let announced = world.throng.import(directory, users, groups, ImportMode::DryRun).await.unwrap();
    assert_eq!(world.head().await, head, "a dry run writes nothing");
    let done = world.throng.import(directory, users, groups, ImportMode::Apply).await.unwrap();
    assert_eq!(announced, done);
    done
}

async fn one_directory() -> (World, Application, DirectoryId) {
    let (world, app, ids) = World::internal(1, Plan::new()).await;
    (world, app, ids[0])
}

async fn kept_hash(world: &World, directory: DirectoryId, name: &str) -> CredentialState {
    let user = world.held(directory, name).await.unwrap();
    world.store.credential(&subject(directory, &user)).await.unwrap().unwrap().hash
}

#[tokio::test]
async fn users_and_groups_arrive_in_one_batch() {
    let (world, app, directory) = one_directory().await;
    world.put_group(directory, "There", &[]).await;
    let head = world.head().await;
    let users = [
        in_groups(2, "Anna", &["staff", "STAFF", "there"]),
        UserRow { active: false, ..in_groups(3, "Berta", &["only named"]) },
    ];
    let rows = [group(1, "staff", &["everyone", "Everyone"]), group(2, "empty", &[])];
    let report = import(&world, directory, &users, &rows).await;
    let made: Vec<_> = report.groups.iter().map(ToString::to_string).collect();
    assert_eq!(made, ["empty", "everyone", "only named", "staff"], "in the order of their names");
    let lines: Vec<_> = report.users.iter().map(|user| (user.line, user.name.as_str())).collect();
    assert_eq!(lines, [(2, "Anna"), (3, "Berta")]);
    assert_eq!(world.head().await, head + 1, "one batch");
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["everyone", "staff", "There"]);
    assert!(!find(&app, "berta").await.value().active, "I03: who is disabled stays disabled");
    assert!(report.users.iter().all(|user| user.password == ImportedPassword::None));
}

#[tokio::test]
async fn an_empty_import_writes_nothing() {
    let (world, _, directory) = one_directory().await;
    let head = world.head().await;
    let report = import(&world, directory, &[], &[]).await;
    assert_eq!(report, ImportReport { users: vec![], groups: vec![] });
    assert_eq!(world.head().await, head);
}

#[tokio::test]
async fn r309_i01_names_that_fold_together_are_one_name() {
    let (world, _, directory) = one_directory().await;
    for (first, second) in [("admin", "Admin"), ("admin", "ａｄｍｉｎ"), ("é", "e\u{301}")] {
        let rows = [row(2, first), row(3, "other"), row(7, second)];
        let fault = refused(&world, directory, &rows, &[]).await;
        assert_eq!(fault, (7, RowFault::NameTaken { by: Some(2) }), "{second:?}");
        assert_eq!(fault.1.to_string(), "the name is taken by line 2");
        let rows = [group(2, first, &[]), group(7, second, &[])];
        let fault = refused(&world, directory, &[], &rows).await;
        assert_eq!(fault, (7, RowFault::NameTaken { by: Some(2) }), "{second:?}");
    }
}

#[tokio::test]
async fn a_name_that_is_there_is_taken() {
    let (world, _, directory) = one_directory().await;
    world.put(directory, "admin").await;
    world.put_group(directory, "staff", &[]).await;
    let fault = refused(&world, directory, &[row(2, "new"), row(3, "ADMIN")], &[]).await;
    assert_eq!(fault, (3, RowFault::NameTaken { by: None }));
    assert_eq!(fault.1.to_string(), "the name is taken in the directory");
    let fault = refused(&world, directory, &[], &[group(4, "ＳＴＡＦＦ", &[])]).await;
    assert_eq!(fault, (4, RowFault::NameTaken { by: None }));
}

#[tokio::test]
async fn t18_bad_names_are_refused_with_their_line() {
    let (world, _, directory) = one_directory().await;
    for (bad, name) in bad_names() {
        for (users, groups) in [
            (vec![row(1, "fine"), row(9, &name)], vec![]),
            (vec![in_groups(9, "fine", &[&name])], vec![]),
            (vec![row(1, "fine")], vec![group(9, &name, &[])]),
            (vec![row(1, "fine")], vec![group(9, "fine", &[&name])]),
        ] {
            let (line, fault) = refused(&world, directory, &users, &groups).await;
            assert_eq!(line, 9, "{bad}");
            assert!(matches!(fault, RowFault::Name(_)), "{bad}: {fault:?}");
        }
    }
}

#[tokio::test]
async fn words_beyond_their_limits_are_refused_with_their_line() {
    let (world, _, directory) = one_directory().await;
    for email in ["x".repeat(Profile::MAX_CHARS + 1), "a@b\nBcc: all".into(), "\0".into()] {
        let profile = Profile { email, ..Profile::default() };
        let rows = [row(2, "fine"), UserRow { profile, ..row(3, "anna") }];
        let (line, fault) = refused(&world, directory, &rows, &[]).await;
        assert_eq!(line, 3);
        assert!(matches!(fault, RowFault::Profile(_)), "{fault:?}");
    }
    for description in ["x".repeat(Group::MAX_DESCRIPTION_CHARS + 1), "a\nb".into()] {
        let rows = [group(1, "fine", &[]), GroupRow { description, ..group(5, "staff", &[]) }];
        let (line, _) = refused(&world, directory, &[], &rows).await;
        assert_eq!(line, 5, "as `create_group` refuses it");
    }
}

#[tokio::test]
async fn t25_circles_are_refused_with_a_line_that_is_part_of_them() {
    let (world, _, directory) = one_directory().await;
    let itself = [group(1, "fine", &[]), group(2, "a", &["A"])];
    assert_eq!(refused(&world, directory, &[], &itself).await, (2, RowFault::Cycle));
    let two = [group(1, "tail", &["a"]), group(2, "a", &["b"]), group(3, "b", &["ａ"])];
    let (line, fault) = refused(&world, directory, &[], &two).await;
    assert!(line >= 2 && fault == RowFault::Cycle, "line {line} is in the circle");
    let long: Vec<_> =
        (0..1_000).map(|n| group(n + 1, &format!("g{n}"), &[&format!("g{}", (n + 1) % 1_000)])).collect();
    assert_eq!(refused(&world, directory, &[], &long).await.1, RowFault::Cycle);
}

#[tokio::test]
async fn t25_the_line_named_is_in_the_circle_and_not_above_it() {
    let (world, _, directory) = one_directory().await;
    let rows = [group(1, "top", &["x"]), group(2, "a", &["b"]), group(3, "b", &["a", "top"])];
    let (line, fault) = refused(&world, directory, &[], &rows).await;
    assert!(line >= 2 && fault == RowFault::Cycle, "line {line}: {fault:?}");
}

#[tokio::test]
async fn r402_a_directory_without_nesting_takes_no_groups_in_groups() {
    let (world, _, directory) = one_directory().await;
    world.settle(directory, |settings| settings.nesting = Nesting::Direct).await;
    let rows = [group(1, "fine", &[]), group(4, "inner", &["outer"])];
    assert_eq!(refused(&world, directory, &[], &rows).await, (4, RowFault::NoNesting));
    import(&world, directory, &[in_groups(1, "anna", &["fine"])], &rows[..1]).await;
}

/// A chain of groups with so many nestings, the lowest first.
fn chain(nestings: u64) -> Vec<GroupRow> {
    let name = |n| format!("g{n:06}");
    (0..nestings).map(|n| group(n + 1, &name(n), &[&name(n + 1)])).collect()
}

#[tokio::test]
async fn t26_what_is_imported_can_be_read() {
    let (world, app, directory) = one_directory().await;
    import(&world, directory, &[in_groups(1, "anna", &["g000000"])], &chain(64)).await;
    assert_eq!(groups(&app, "anna", Depth::Nested).await.len(), 65);

    let (world, _, directory) = one_directory().await;
    let (_, fault) = refused(&world, directory, &[], &chain(65)).await;
    assert_eq!(fault, RowFault::TooDeep(64));
    let mut upside_down = chain(65);
    upside_down.reverse();
    assert_eq!(refused(&world, directory, &[], &upside_down).await.1, RowFault::TooDeep(64));
}

#[tokio::test]
async fn t26_groups_that_are_there_count_for_the_depth() {
    let (world, app, directory) = one_directory().await;
    import(&world, directory, &[], &chain(64)).await;
    let users = [in_groups(1, "anna", &["below"])];
    let rows = [group(1, "below", &["g000000"])];
    match world.throng.import(directory, &users, &rows, ImportMode::Apply).await {
        Ok(_) => {
            let anna = find(&app, "anna").await;
            let read = app.groups_of(&anna, Depth::Nested).await;
            assert!(read.is_ok(), "imported, and cannot be read: {read:?}");
        }
        Err(error) => assert!(matches!(error, Error::Invalid(Invalid::Import(_))), "{error:?}"),
    }
}

#[tokio::test]
async fn t26_a_chain_of_a_hundred_thousand_is_refused() {
    let (world, _, directory) = one_directory().await;
    let (_, fault) = refused(&world, directory, &[], &chain(100_000)).await;
    assert_eq!(fault, RowFault::TooDeep(64));
}

#[tokio::test]
async fn r725_passwords_come_along_and_weak_hashes_get_better() {
    let (world, app, directory) = one_directory().await;
    let users = [hashed(2, "strong", ARGON2ID), hashed(3, "weak", SHA1), hashed(4, "crowd", ATLASSIAN)];
    let report = import(&world, directory, &users, &[]).await;
    let kinds: Vec<_> = report.users.into_iter().map(|user| user.password).collect();
    assert_eq!(kinds, [ImportedPassword::Kept, ImportedPassword::Wrapped, ImportedPassword::Wrapped]);
    let kept = EncodedHash::new(ARGON2ID).unwrap();
    assert_eq!(kept_hash(&world, directory, "strong").await, CredentialState::Usable(kept));
    let everything = format!("{:?}", world.store);
    for (name, digest) in [("weak", "/ja/ITBjsynrMPdut2pKR2"), ("crowd", "/FJ/qHQeBCqlGpN8rA5Dp5")] {
        let CredentialState::Usable(wrapped) = kept_hash(&world, directory, name).await else {
            panic!("a usable hash");
        };
        assert!(wrapped.expose().starts_with("$throng-wrap$"), "T57 {name}");
        assert!(!wrapped.expose().contains(digest) && !everything.contains(digest), "T57 {name}");
    }
    for name in ["strong", "weak", "crowd"] {
        assert_eq!(refusal(app.authenticate(name, "wrong").await), Refusal::WrongPassword, "{name}");
        assert!(app.authenticate(name, PASSWORD).await.is_ok(), "R726 {name}");
        let CredentialState::Usable(better) = kept_hash(&world, directory, name).await else {
            panic!("a usable hash");
        };
        assert!(better.expose().starts_with("$argon2id$"), "R723 {name}");
        assert!(app.authenticate(name, PASSWORD).await.is_ok(), "and works again: {name}");
    }
}

#[tokio::test]
async fn t52_p23_hashes_that_cannot_be_verified_are_set_aside() {
    let (world, app, directory) = one_directory().await;
    let hostile = [
        "plaintext",
        "{CRYPT}!",
        "*",
        "!",
        "x",
        "{ssha}AAAA",
        "{SSHA}AAAA",
        "$2x$04$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W",
        "$2b$31$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W",
        "$2b$99$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W",
        "$2b$04$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGgé/W",
        "$argon2id$v=19$m=4294967295,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
        "$argon2id$v=19$m=19456,t=4294967295,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
        "$argon2id$v=19$m=19456,t=2,p=16777215$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
        "{PKCS5S2}AAECAwQFBgcICQoLDA0OD/FJ/qHQeBCqlGpN8rA5Dp5UtaxNcWSiBB1n+IlnIQ==",
        "{PKCS5S2}DQIXJU038u4P7FdsuFTY/+35bm41kfjZa57UrdxHp2Mu3qF2uy+ooD+jF5t1tb8J\n",
    ];
    let users: Vec<_> =
        (1..).zip(hostile).map(|(line, hash)| hashed(line, &format!("u{line}"), hash)).collect();
    let before = world.throng.hashes_run();
    let report = import(&world, directory, &users, &[]).await;
    assert_eq!(world.throng.hashes_run(), before, "nothing is computed for them");
    for (user, hash) in report.users.iter().zip(hostile) {
        assert!(matches!(user.password, ImportedPassword::Quarantined(_)), "{hash}: {:?}", user.password);
        let kept = kept_hash(&world, directory, user.name.as_str()).await;
        assert_eq!(
            kept,
            CredentialState::Quarantined(EncodedHash::new(hash).unwrap()),
            "kept for an operator"
        );
    }
    let unknown = app.authenticate("nobody", PASSWORD).await.unwrap_err().to_string();
    for (name, password) in [("u1", "plaintext"), ("u5", "x"), ("u9", PASSWORD), ("u12", PASSWORD)] {
        let outcome = app.authenticate(name, password).await;
        assert_eq!(outcome.as_ref().unwrap_err().to_string(), unknown, "T42: a stranger is told nothing");
        assert_eq!(refusal(outcome), Refusal::HashQuarantined, "P10, P11, P23: {name}");
    }
    app.set_password(&find(&app, "u9").await, world::OTHER).await.unwrap();
    assert!(app.authenticate("u9", world::OTHER).await.is_ok(), "a new password ends it");
}

#[tokio::test]
async fn an_empty_hash_is_none_and_an_endless_one_is_refused() {
    let (world, app, directory) = one_directory().await;
    let report = import(&world, directory, &[hashed(1, "anna", "")], &[]).await;
    assert_eq!(report.users[0].password, ImportedPassword::None);
    assert_eq!(refusal(app.authenticate("anna", PASSWORD).await), Refusal::NoPassword, "P23, R705");
    let rows = [hashed(1, "berta", ""), hashed(2, "carl", &"x".repeat(EncodedHash::MAX_BYTES + 1))];
    let (line, fault) = refused(&world, directory, &rows, &[]).await;
    assert_eq!(line, 2);
    assert!(matches!(fault, RowFault::Hash(_)));
}

#[tokio::test]
async fn p08_a_bcrypt_hash_reads_no_more_than_it_can() {
    const OF_72: &str = "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe";
    let (world, app, directory) = one_directory().await;
    import(&world, directory, &[hashed(1, "anna", OF_72)], &[]).await;
    let longer = "a".repeat(72) + "XYZ";
    assert_eq!(refusal(app.authenticate("anna", &longer).await), Refusal::WrongPassword);
    assert!(app.authenticate("anna", &"a".repeat(72)).await.is_ok());
}

#[tokio::test]
async fn only_stored_directories_are_imported_into() {
    let remote = live(1);
    let (world, _, _) = World::live_above(&[&remote], Plan::new()).await;
    let rows = [row(1, "anna")];
    let into_live =
        world.throng.import(DirectoryId::from_bytes([1; 16]), &rows, &[], ImportMode::Apply).await;
    assert!(is_forbidden(&into_live));
    let nowhere = world.throng.import(DirectoryId::from_bytes([9; 16]), &rows, &[], ImportMode::Apply).await;
    assert!(is_missing(&nowhere));
    assert_eq!(remote.all_calls(), 0);
}

#[tokio::test]
async fn r501_a_delegated_directory_takes_users_and_no_passwords() {
    let verifier = ScriptedVerifier::new();
    verifier.put("anna", world::RIGHT).unwrap();
    let (world, app, staff) = World::delegated(verifier, DelegatedSettings::default(), Plan::new()).await;
    let fault = refused(&world, staff, &[row(1, "anna"), hashed(2, "berta", ARGON2ID)], &[]).await;
    assert_eq!(fault, (2, RowFault::NoPasswordsHere));
    import(&world, staff, &[in_groups(1, "Anna", &["staff"])], &[]).await;
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["staff"]);
    let outcome = app.authenticate("anna", world::RIGHT).await;
    assert!(outcome.is_ok(), "who was imported beforehand can log in: {outcome:?}");
}

#[tokio::test]
async fn an_import_that_meets_a_new_user_halfway_writes_nothing() {
    let (world, _, directory) = one_directory().await;
    let users: Vec<_> = (1..=50).map(|n| in_groups(n, &format!("u{n}"), &["all"])).collect();
    let (first, second) = tokio::join!(
        world.throng.import(directory, &users, &[], ImportMode::Apply),
        world.throng.import(directory, &users, &[], ImportMode::Apply),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(world.users_in(directory).await.len(), 50);
    assert_eq!(world.members(directory, "all").await.len(), 50);
}
