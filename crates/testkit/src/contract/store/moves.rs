//! Moves: what belongs to an account, the journal, and passwords that come later.

use std::fmt::Debug;
use std::time::Duration;

use throng_core::change::{Change, ChangeSet, LoggedEntry, OnCycle};
use throng_core::claim::Claim;
use throng_core::directory::UserPatch;
use throng_core::error::Fault;
use throng_core::id::{ApplicationId, DirectoryId, Subject};
use throng_core::moves::{
    Belongings, Block, Capture, EntryState, Fate, Landed, Landing, Made, Move, MoveEntry, MoveId, MoveState,
    MovedGroup, MovedOrder, Note, OnTaken, Options, OrderChange, Overtaking, PasswordFate, PasswordStrategy,
    Skip, Source,
};
use throng_core::name::Key;
use throng_core::password::{Credential, CredentialState};
use throng_core::store::Store;
use throng_core::user::{Profile, User};

use super::scene::*;

/// `Moves::belongings`: everything, in one order, and `None` for somebody who is not there.
pub async fn everything_that_belongs_to_an_account_is_told(store: &dyn Store) {
    let (scene, owner) = rich(store).await;
    same(&owned(store, &owner.anna).await, &owner.belongings);
    assert_eq!(done(store.belongings(&subject(owner.east, "nobody")).await), None);
    let bela = scene.user(owner.east, "bela").await;
    assert_eq!(owned(store, &bela).await, Belongings::of(user("bela")));
}

/// `Moves::belongings` has no tombstones: a successor under the same id owns nothing of its predecessor's (T05).
pub async fn nothing_of_a_predecessor_belongs_to_an_account_t05(store: &dyn Store) {
    let (scene, owner) = rich(store).await;
    scene.change(remove_user(&owner.anna)).await;
    scene.user(owner.east, "anna").await;
    same(&owned(store, &owner.anna).await, &Belongings::of(user("anna")));
}

/// [`Change::ExpectBelongings`]: what a login notes by itself is no change; each other change of what belongs to the
/// account is a `Conflict`, and nothing of the set is done.
pub async fn any_change_of_what_belongs_to_an_account_is_seen(store: &dyn Store) {
    let (scene, owner) = rich(store).await;
    let expect = |belongings: &Belongings| Change::ExpectBelongings {
        subject: owner.anna.clone(),
        belongings: Box::new(belongings.clone()),
    };
    let head = done(store.head().await);
    scene.change(expect(&owner.belongings)).await;
    assert_eq!(done(store.head().await), head, "an expectation alone is not logged");
    done(store.count_failure(&owner.anna).await);
    done(store.note_logins(&[(owner.anna.clone(), scene.now())]).await);
    scene.change(expect(&owner.belongings)).await;
    let patch = |patch| patch_user(&owner.anna, patch);
    let set = |credential| set_credential(&owner.anna, credential);
    let [hash_alone, history_alone, time_alone] = [
        Credential { hash: CredentialState::Usable(hash("{WHATEVER}\"x")), ..rich_credential() },
        Credential { history: vec![hash("two"), hash("one")], ..rich_credential() },
        Credential { changed_at: scene.now(), ..rich_credential() },
    ];
    let profile = Profile { email: "new@example.org".into(), ..Profile::default() };
    let shop = scene.application("shop", &[owner.east]).await;
    let claim = owner.belongings.claims[0].clone();
    let (crm, _) = owner.belongings.aliases[0].clone();
    let respelled = rename(&owner.anna, "ANNA");
    let changes = [
        respelled,
        patch(UserPatch { profile: Some(profile), ..UserPatch::default() }),
        patch(UserPatch { attributes: vec![("phone".into(), vec![])], ..UserPatch::default() }),
        patch(UserPatch { active: Some(false), ..UserPatch::default() }),
        rename(&owner.anna, "anne"),
        add_member(owner.east, "zoo", &user_in("anne"), OnCycle::Refuse),
        remove_member(owner.east, "zoo", user_in("anne")),
        Change::MakeClaim(scene.claim_on(shop, "ann", &owner.anna)),
        Change::ReplaceClaim {
            expected: Claim { key: Key::of("anne"), ..claim.clone() },
            claim: Claim { key: Key::of("anne"), identity: scene.identity(), ..claim.clone() },
        },
        set(hash_alone),
        set(history_alone),
        set(time_alone),
        set(Credential { must_change: false, ..rich_credential() }),
        Change::ExpirePasswords(owner.east),
        set(Credential { hash: CredentialState::Absent, ..rich_credential() }),
        Change::ClearCredential(owner.anna.clone()),
        alias(shop, &owner.anna, "ann"),
        alias(shop, &owner.anna, "Ann"),
        Change::RemoveAlias { application: crm, subject: owner.anna.clone() },
    ];
    for change in changes {
        let before = owned(store, &owner.anna).await;
        scene.change(expect(&before)).await;
        scene.change(change.clone()).await;
        let answer = store.apply(&ChangeSet::one(scene.now(), expect(&before))).await;
        assert_eq!(answer.map_err(|error| error.fault()), Err(Fault::Conflict), "after {change:?}");
        scene.refused(expect(&before), Fault::Conflict).await;
        scene.change(expect(&owned(store, &owner.anna).await)).await;
    }
    let gone = owned(store, &owner.anna).await;
    scene.change(remove_user(&owner.anna)).await;
    scene.refused(expect(&gone), Fault::Missing).await;
}

/// [`Change::ClearCredential`]: afterwards none was ever set, and the sessions have ended; `Missing` for nobody.
pub async fn a_cleared_password_was_never_set(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    scene.change(set_credential(&anna, credential("x"))).await;
    scene.session(wiki, &anna, 1).await;
    scene.change(Change::ClearCredential(anna.clone())).await;
    assert_eq!(done(store.credential(&anna).await), None);
    assert!(!scene.is_live(1).await);
    let logged = scene.last_batch().await.entries;
    assert!(logged.contains(&LoggedEntry::PasswordSet(anna.clone(), username("anna"))), "{logged:?}");
    let head = done(store.head().await);
    scene.change(Change::ClearCredential(anna)).await;
    assert_eq!(done(store.head().await), head, "nothing was there");
    scene.refused(Change::ClearCredential(subject(east, "nobody")), Fault::Missing).await;
}

/// [`Change::NoteLogin`] never moves a time back; `Missing` for nobody.
pub async fn a_login_is_brought_along(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let anna = scene.user(east, "anna").await;
    let (early, late) = (scene.now(), scene.now());
    let note = |at| Change::NoteLogin { subject: anna.clone(), at };
    let head = done(store.head().await);
    for (at, noted) in [(early, early), (late, late), (early, late)] {
        scene.change(note(at)).await;
        assert_eq!(done(store.last_login(&anna).await), Some(noted));
    }
    assert_eq!(done(store.head().await), head, "logins are not logged");
    scene.refused(Change::NoteLogin { subject: subject(east, "nobody"), at: late }, Fault::Missing).await;
}

/// [`Change::PutMove`] keeps all of it, the latest first, also when its directories have gone; versions follow each
/// other. The target must be there at the beginning, and need not be at the end.
pub async fn a_move_is_kept_whole_and_by_version(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let head = done(store.head().await);
    let first = a_move(&scene, 1, east, west);
    let put = |record: &Move| Change::PutMove(Box::new(record.clone()));
    for version in [0, 2, u64::MAX] {
        scene.refused(put(&Move { version, ..first.clone() }), Fault::Conflict).await;
    }
    assert_eq!(done(store.moves().await), []);
    scene.change(put(&first)).await;
    assert_eq!(done(store.head().await), head, "moves are not logged");
    scene.refused(put(&first), Fault::Conflict).await;
    scene.refused(put(&Move { version: 3, ..first.clone() }), Fault::Conflict).await;
    let second = Move { version: 2, state: MoveState::Finished, ..first.clone() };
    scene.change(put(&second)).await;
    let other = a_move(&scene, 2, west, east);
    scene.change(put(&other)).await;
    assert_eq!(done(store.moves().await), [other.clone(), second.clone()]);
    same(&done(store.move_of(first.id).await), &Some(second.clone()));
    assert_eq!(done(store.move_of(MoveId::from_bytes([9; 16])).await), None);
    let nowhere = a_move(&scene, 3, east, DirectoryId::from_bytes([9; 16]));
    scene.refused(put(&nowhere), Fault::Missing).await;
    let source = Source::Directory(DirectoryId::from_bytes([9; 16]));
    let from_nowhere = Move { source, ..a_move(&scene, 3, west, east) };
    scene.refused(put(&from_nowhere), Fault::Missing).await;
    let purged = Move { version: 3, state: MoveState::Purged, ..second };
    scene
        .apply(vec![put(&purged), put(&Move { version: 2, state: MoveState::Reverted, ..other.clone() })])
        .await;
    scene.change(Change::RemoveDirectory(east)).await;
    let others = [MoveState::Reverted, MoveState::Purged];
    assert_eq!(done(store.moves().await).iter().map(|record| record.state).collect::<Vec<_>>(), others);
    let last = Move { version: 3, state: MoveState::Purged, ..other };
    scene.change(put(&last)).await;
    same(&done(store.move_of(last.id).await), &Some(last));
}

/// [`Change::RemoveDirectory`]: `Conflict` while a move from the directory, or to it, can be taken back.
pub async fn a_directory_stays_while_a_move_needs_it(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let other = scene.directory("other").await;
    let mut record = a_move(&scene, 1, east, west);
    let needed = [MoveState::Running, MoveState::Moved, MoveState::Finished, MoveState::Reverting];
    for state in needed {
        record = Move { state, ..record };
        scene.change(Change::PutMove(Box::new(record.clone()))).await;
        for directory in [east, west] {
            scene.refused(Change::RemoveDirectory(directory), Fault::Conflict).await;
        }
        record.version += 1;
    }
    scene.change(Change::RemoveDirectory(other)).await;
    record = Move { state: MoveState::Reverted, ..record };
    scene.change(Change::PutMove(Box::new(record.clone()))).await;
    scene.change(Change::RemoveDirectory(east)).await;
    record = Move { version: record.version + 1, state: MoveState::Purged, ..record };
    scene.change(Change::PutMove(Box::new(record))).await;
    scene.change(Change::RemoveDirectory(west)).await;
}

/// [`Change::PutMoveEntries`]: entries come back as they were put, passwords too, in their order and from a position
/// on; what is put again is replaced, and what is dropped is gone.
pub async fn entries_of_a_move_are_kept_whole_and_paged(store: &dyn Store) {
    let (scene, owner) = rich(store).await;
    let west = scene.directory("west").await;
    let record = a_move(&scene, 1, owner.east, west);
    let mut entries = entries(&owner);
    let put = |by, entries: &[MoveEntry]| Change::PutMoveEntries { by, entries: entries.to_vec() };
    scene.refused(put(record.id, &entries), Fault::Missing).await;
    scene.refused(put(record.id, &[]), Fault::Missing).await;
    scene.change(Change::PutMove(Box::new(record.clone()))).await;
    let head = done(store.head().await);
    scene.change(put(record.id, &entries)).await;
    same(&done(store.move_entries(record.id, 0, 100).await), &entries);
    assert_eq!(done(store.move_entries(record.id, 1, 2).await), entries[1..3]);
    assert_eq!(done(store.move_entries(record.id, u64::MAX, 2).await), []);
    assert_eq!(done(store.move_entries(MoveId::from_bytes([9; 16]), 0, 2).await), []);
    entries[1] = MoveEntry { state: EntryState::Reverted, before: None, ..entries[1].clone() };
    scene.change(put(record.id, &entries[1..2])).await;
    assert_eq!(done(store.move_entries(record.id, 0, 100).await), entries);
    let many: Vec<MoveEntry> =
        (0..1_500).map(|position| MoveEntry { position, ..entries[0].clone() }).collect();
    scene.change(put(record.id, &many)).await;
    assert_eq!(done(store.move_entries(record.id, 1_400, 1_000).await), many[1_400..]);
    let other = Move { id: MoveId::from_bytes([2; 16]), ..record.clone() };
    scene.apply(vec![Change::PutMove(Box::new(other.clone())), put(other.id, &entries)]).await;
    for _ in 0..2 {
        scene.change(Change::DropMoveEntries(record.id)).await;
        assert_eq!(done(store.move_entries(record.id, 0, 100).await), []);
    }
    scene.change(Change::DropMoveEntries(MoveId::from_bytes([9; 16]))).await;
    assert_eq!(done(store.move_entries(other.id, 0, 100).await), entries, "another move's");
    assert_eq!(done(store.head().await), head, "entries are not logged");
    assert_eq!(done(store.move_of(record.id).await), Some(record));
}

/// [`Change::PutCapture`], [`Change::DropCapture`]: an account waits for one password, until it gets one or goes; only
/// the one that is waited for is dropped.
pub async fn an_account_waits_for_its_password(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.live_directory("west").await);
    let by = MoveId::from_bytes([1; 16]);
    let names = ["anna", "bela", "cleo", "dora"];
    scene.users(east, names).await;
    let capture = |name: &str| Capture {
        subject: subject(east, name),
        source: west,
        name: username(&format!("Far {name}")),
        external_id: external_id(&format!("far {name}")),
        by,
        until: scene.now(),
    };
    let captures = names.map(capture);
    let head = done(store.head().await);
    scene.apply(captures.iter().cloned().map(Change::PutCapture).collect()).await;
    assert_eq!(done(store.head().await), head, "captures are not logged");
    for capture in &captures {
        same(&done(store.capture(&capture.subject).await).as_ref(), &Some(capture));
    }
    assert_eq!(done(store.captures(by, None, 3).await), captures[..3]);
    assert_eq!(done(store.captures(by, Some(&captures[2].subject), 3).await), captures[3..]);
    assert_eq!(done(store.captures(MoveId::from_bytes([2; 16]), None, 3).await), []);
    assert_eq!(done(store.captures(by, Some(&subject(east, "zoe")), 3).await), []);
    for of in [subject(east, "nobody"), subject(west, "anna")] {
        let nobodys = Capture { subject: of.clone(), ..capture("anna") };
        scene.refused(Change::PutCapture(nobodys), Fault::Missing).await;
        assert_eq!(done(store.capture(&of).await), None);
    }

    let [anna, bela, cleo, dora] = captures;
    let by_another = Capture { by: MoveId::from_bytes([2; 16]), ..capture("bela") };
    scene.change(Change::PutCapture(by_another.clone())).await;
    assert_eq!(done(store.captures(by, None, 9).await), [anna.clone(), cleo.clone(), dora.clone()]);
    assert_eq!(done(store.captures(by_another.by, None, 9).await), [by_another]);
    scene.refused(Change::DropCapture(bela.clone()), Fault::Conflict).await;
    scene.change(Change::PutCapture(bela.clone())).await;
    scene.change(Change::ClearCredential(bela.subject.clone())).await;
    assert_eq!(done(store.capture(&bela.subject).await), Some(bela.clone()), "it has no password still");
    let other = Capture { until: scene.now(), ..anna.clone() };
    scene.refused(Change::DropCapture(other), Fault::Conflict).await;
    scene.change(Change::DropCapture(anna.clone())).await;
    scene.refused(Change::DropCapture(anna), Fault::Conflict).await;
    scene
        .refused(
            Change::DropCapture(Capture { subject: subject(east, "nobody"), ..bela.clone() }),
            Fault::Conflict,
        )
        .await;
    scene.change(set_credential(&bela.subject, credential("x"))).await;
    assert_eq!(done(store.capture(&bela.subject).await), None, "it has one of its own");
    scene.change(remove_user(&cleo.subject)).await;
    scene.user(east, "cleo").await;
    let renamed = external_id("another");
    let change = Change::ReplaceExternalId { subject: dora.subject.clone(), external_id: renamed.clone() };
    scene.change(change).await;
    let dora = Capture { subject: Subject { directory: east, external_id: renamed }, ..dora };
    assert_eq!(done(store.captures(by, None, 9).await), std::slice::from_ref(&dora));
    assert_eq!(done(store.capture(&dora.subject).await), Some(dora));
    // Where it would have been checked does not hold it: it is told as what cannot be asked.
    scene.change(Change::RemoveDirectory(west)).await;
    assert_eq!(done(store.captures(by, None, 9).await).len(), 1);
    scene.change(Change::RemoveDirectory(east)).await;
    assert_eq!(done(store.captures(by, None, 9).await), []);
}

/// Somebody to whom much belongs.
struct Owner {
    east: DirectoryId,
    anna: Subject,
    belongings: Belongings,
}

async fn rich(store: &dyn Store) -> (Scene<'_>, Owner) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (wiki, crm) = (scene.application("wiki", &[east]).await, scene.application("crm", &[east]).await);
    let profile = Profile {
        display_name: "Änna \"A\"".into(),
        first_name: "Änna".into(),
        last_name: "%_\\".into(),
        email: "anna@example.org".into(),
    };
    let attributes = attributes(&[("phone", &["12", "34"]), ("o'brien", &["\u{1F600}"])]);
    let anna = User { profile, attributes, ..user("anna") };
    scene.change(add_user(east, anna.clone())).await;
    let subject = subject(east, "anna");
    let credential = rich_credential();
    scene.change(set_credential(&subject, credential.clone())).await;
    // Neither made nor joined in the order of keys, so that a list in the order of rows is seen.
    scene.groups(east, ["zoo", "çrew", "Staff", "empty"]).await;
    let memberships = [("çrew", user_in("anna")), ("Staff", user_in("anna"))];
    scene.members(east, &memberships).await;
    scene.apply(vec![alias(wiki, &subject, "ÄNNI"), alias(crm, &subject, "Anni")]).await;
    let mut aliases = vec![(wiki, username("ÄNNI")), (crm, username("Anni"))];
    aliases.sort();
    let mut claims =
        vec![scene.claim(wiki, "anna", &subject).await, scene.claim(crm, "anna", &subject).await];
    claims.sort_by(|one, other| (one.application, &one.key).cmp(&(other.application, &other.key)));
    let at = scene.now();
    done(store.note_logins(&[(subject.clone(), at)]).await);
    let belongings = Belongings {
        user: anna,
        credential: Some(credential),
        groups: vec![group_name("Staff"), group_name("çrew")],
        claims,
        aliases,
        last_login: Some(at),
    };
    (scene, Owner { east, anna: subject, belongings })
}

fn rich_credential() -> Credential {
    Credential {
        hash: CredentialState::Quarantined(hash("{WHATEVER}\"x")),
        history: vec![hash("one"), hash("two")],
        failed_attempts: 3,
        must_change: true,
        ..credential("")
    }
}

fn alias(application: ApplicationId, subject: &Subject, alias: &str) -> Change {
    Change::SetAlias { application, subject: subject.clone(), alias: username(alias), free_in: vec![] }
}

/// Asserts that two are equal, names by their spelling too.
#[track_caller]
fn same<T: Debug + PartialEq>(found: &T, expected: &T) {
    assert_eq!(found, expected);
    assert_eq!(format!("{found:?}"), format!("{expected:?}"), "the spelling of names");
}

async fn owned(store: &dyn Store, subject: &Subject) -> Belongings {
    done(store.belongings(subject).await).expect("the account is there")
}

fn a_move(scene: &Scene<'_>, number: u8, source: DirectoryId, target: DirectoryId) -> Move {
    let at = scene.now();
    Move {
        id: MoveId::from_bytes([number; 16]),
        version: 1,
        source: if number == 1 { Source::Directory(source) } else { Source::File("a \"file\".csv".into()) },
        target,
        selection: "everybody".into(),
        options: Options {
            on_taken: OnTaken::Link,
            passwords: PasswordStrategy::Reset,
            capture_for: Duration::from_millis(1_500),
            order: OrderChange::TargetFirst,
            overtaking: Overtaking::Allow,
        },
        state: MoveState::Running,
        users: 5,
        began_at: at,
        changed_at: scene.now(),
        groups: vec![MovedGroup {
            name: group_name("Staff"),
            description: "who works here".into(),
            attributes: attributes(&[("floor", &["3"])]),
            made: Made::ByTheMove,
            joined: vec![group_name("all")],
        }],
        orders: vec![MovedOrder {
            application: ApplicationId::from_bytes([7; 16]),
            before: vec![source, target],
            version: 4,
        }],
    }
}

/// An entry in each state, with each thing that an entry can say.
fn entries(owner: &Owner) -> Vec<MoveEntry> {
    let application = ApplicationId::from_bytes([7; 16]);
    let landings = [
        (EntryState::Planned, Landing::Made, PasswordFate::Carried),
        (EntryState::Begun, Landing::Linked(external_id("x")), PasswordFate::TargetsOwn),
        (EntryState::Moved, Landing::Made, PasswordFate::Quarantined("why".into())),
        (EntryState::Skipped, Landing::Skipped(Skip::Impossible("why".into())), PasswordFate::None),
        (EntryState::Failed, Landing::Blocked(Block::Shadowed(application, owner.east)), PasswordFate::Reset),
        (EntryState::Reverted, Landing::Made, PasswordFate::Captured),
    ];
    let notes = vec![
        Note::IsActing,
        Note::AliasLost(application, username("Anni")),
        Note::NestingLost(group_name("all")),
        Note::NameOfAnother(application, owner.anna.clone()),
    ];
    let absent = Credential { hash: CredentialState::Absent, ..credential("") };
    let other = Belongings { credential: Some(absent), ..Belongings::of(user("other")) };
    (0..)
        .zip(landings)
        .map(|(position, (state, landing, password))| MoveEntry {
            position,
            subject: owner.anna.clone(),
            name: username("Anna"),
            state,
            fate: Fate { landing, password, notes: notes.clone() },
            before: (position % 2 == 1).then(|| Box::new(owner.belongings.clone())),
            target_before: (position % 3 == 1).then(|| Box::new(other.clone())),
            landed: (position > 1).then(|| Landed {
                external_id: external_id("landed"),
                made: Made::Before,
                joined: vec![group_name("Staff")],
                password_set_at: owner.belongings.last_login,
            }),
            failure: (position == 4).then(|| "it \"failed\"".into()),
        })
        .collect()
}
