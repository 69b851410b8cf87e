//! Moves: what belongs to an account, the journal, and passwords that come later.

use std::time::Duration;

use throng_core::change::{Change, ChangeSet, OnCycle};
use throng_core::directory::UserPatch;
use throng_core::error::Fault;
use throng_core::id::{DirectoryId, Subject};
use throng_core::moves::{
    Belongings, Block, Capture, EntryState, Fate, Landed, Landing, Made, Move, MoveEntry, MoveId, MoveState,
    MovedGroup, MovedOrder, Note, OnTaken, Options, OrderChange, PasswordFate, PasswordStrategy, Skip,
    Source,
};
use throng_core::password::{Credential, CredentialState};
use throng_core::store::Store;
use throng_core::user::{Profile, User};

use super::scene::*;

/// `Moves::belongings`: everything, in one order, and `None` for somebody who is not there.
pub async fn everything_that_belongs_to_an_account_is_told(store: &dyn Store) {
    let (scene, owner) = rich(store).await;
    let told = owned(store, &owner.anna).await;
    assert_eq!(told, owner.belongings);
    assert_eq!(done(store.belongings(&subject(owner.east, "nobody")).await), None);
    let bela = scene.user(owner.east, "bela").await;
    assert_eq!(owned(store, &bela).await, Belongings::of(user("bela")));
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
    let profile = Profile { email: "new@example.org".into(), ..Profile::default() };
    let shop = scene.application("shop", &[owner.east]).await;
    let changes = [
        patch(UserPatch { profile: Some(profile), ..UserPatch::default() }),
        patch(UserPatch { attributes: vec![("phone".into(), vec![])], ..UserPatch::default() }),
        patch(UserPatch { active: Some(false), ..UserPatch::default() }),
        rename(&owner.anna, "anne"),
        add_member(owner.east, "zoo", &user_in("anne"), OnCycle::Refuse),
        remove_member(owner.east, "zoo", user_in("anne")),
        Change::MakeClaim(scene.claim_on(shop, "anne", &owner.anna)),
        set_credential(&owner.anna, credential("other")),
        Change::ClearCredential(owner.anna.clone()),
        Change::ExpirePasswords(owner.east),
        Change::SetAlias {
            application: shop,
            subject: owner.anna.clone(),
            alias: username("ann"),
            free_in: vec![],
        },
    ];
    for change in changes {
        let before = owned(store, &owner.anna).await;
        scene.change(expect(&before)).await;
        scene.change(change.clone()).await;
        match change {
            // There is no password to expire by then.
            Change::ExpirePasswords(_) => scene.change(expect(&before)).await,
            _ => {
                scene.refused(expect(&before), Fault::Conflict).await;
                scene.change(expect(&owned(store, &owner.anna).await)).await
            }
        };
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
    for (at, noted) in [(early, early), (late, late), (early, late)] {
        scene.change(note(at)).await;
        assert_eq!(done(store.last_login(&anna).await), Some(noted));
    }
    scene.refused(Change::NoteLogin { subject: subject(east, "nobody"), at: late }, Fault::Missing).await;
}

/// [`Change::PutMove`] keeps all of it, the latest first, also when its directories have gone; versions follow each
/// other, and the target must be there at the beginning.
pub async fn a_move_is_kept_whole_and_by_version(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let head = done(store.head().await);
    let first = a_move(&scene, 1, east, west);
    let put = |record: &Move| Change::PutMove(Box::new(record.clone()));
    for wrong in [0, 2] {
        scene_refuses(&scene, put(&Move { version: wrong, ..first.clone() })).await;
    }
    scene.change(put(&first)).await;
    assert_eq!(done(store.head().await), head, "moves are not logged");
    scene.refused(put(&first), Fault::Conflict).await;
    scene.refused(put(&Move { version: 3, ..first.clone() }), Fault::Conflict).await;
    let second = Move { version: 2, state: MoveState::Finished, ..first.clone() };
    scene.change(put(&second)).await;
    let other = a_move(&scene, 2, west, east);
    scene.change(put(&other)).await;
    assert_eq!(done(store.moves().await), [other.clone(), second.clone()]);
    assert_eq!(done(store.move_of(first.id).await), Some(second.clone()));
    assert_eq!(done(store.move_of(MoveId::from_bytes([9; 16])).await), None);
    let nowhere = a_move(&scene, 3, east, DirectoryId::from_bytes([9; 16]));
    scene.refused(put(&nowhere), Fault::Missing).await;
    scene.change(Change::RemoveDirectory(east)).await;
    assert_eq!(done(store.moves().await), [other, second]);
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
    scene.change(Change::PutMove(Box::new(record.clone()))).await;
    let head = done(store.head().await);
    scene.change(put(record.id, &entries)).await;
    assert_eq!(done(store.move_entries(record.id, 0, 100).await), entries);
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
    scene.change(Change::DropMoveEntries(record.id)).await;
    assert_eq!(done(store.move_entries(record.id, 0, 100).await), []);
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
        name: username(&name.to_uppercase()),
        external_id: external_id(&format!("far {name}")),
        by,
        until: scene.now(),
    };
    let captures = names.map(capture);
    let head = done(store.head().await);
    scene.apply(captures.iter().cloned().map(Change::PutCapture).collect()).await;
    assert_eq!(done(store.head().await), head, "captures are not logged");
    for capture in &captures {
        assert_eq!(done(store.capture(&capture.subject).await).as_ref(), Some(capture));
    }
    assert_eq!(done(store.captures(by, None, 3).await), captures[..3]);
    assert_eq!(done(store.captures(by, Some(&captures[2].subject), 3).await), captures[3..]);
    assert_eq!(done(store.captures(MoveId::from_bytes([2; 16]), None, 3).await), []);
    scene.refused(Change::PutCapture(capture("nobody")), Fault::Missing).await;

    let [anna, bela, cleo, dora] = captures;
    let other = Capture { until: scene.now(), ..anna.clone() };
    scene.refused(Change::DropCapture(other), Fault::Conflict).await;
    scene.change(Change::DropCapture(anna.clone())).await;
    scene.refused(Change::DropCapture(anna), Fault::Conflict).await;
    scene.change(set_credential(&bela.subject, credential("x"))).await;
    scene.change(remove_user(&cleo.subject)).await;
    scene.user(east, "cleo").await;
    let renamed = external_id("another");
    let change = Change::ReplaceExternalId { subject: dora.subject.clone(), external_id: renamed.clone() };
    scene.change(change).await;
    let dora = Capture { subject: Subject { directory: east, external_id: renamed }, ..dora };
    assert_eq!(done(store.captures(by, None, 9).await), [dora]);
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
    let credential = Credential {
        hash: CredentialState::Quarantined(hash("{WHATEVER}\"x")),
        history: vec![hash("one"), hash("two")],
        failed_attempts: 3,
        must_change: true,
        ..credential("")
    };
    scene.change(set_credential(&subject, credential.clone())).await;
    scene.groups(east, ["zoo", "Staff", "çrew", "empty"]).await;
    let memberships = [("Staff", user_in("anna")), ("çrew", user_in("anna"))];
    scene.members(east, &memberships).await;
    let alias = username("Anni");
    scene
        .change(Change::SetAlias {
            application: crm,
            subject: subject.clone(),
            alias: alias.clone(),
            free_in: vec![],
        })
        .await;
    let mut claims =
        vec![scene.claim(wiki, "anna", &subject).await, scene.claim(crm, "anna", &subject).await];
    claims.sort_by(|one, other| (one.application, &one.key).cmp(&(other.application, &other.key)));
    let at = scene.now();
    done(store.note_logins(&[(subject.clone(), at)]).await);
    let belongings = Belongings {
        user: anna,
        credential: Some(credential),
        groups: vec![group_name("çrew"), group_name("Staff")],
        claims,
        aliases: vec![(crm, alias)],
        last_login: Some(at),
    };
    let mut belongings = belongings;
    belongings.groups.sort_by(|one, other| one.key().cmp(other.key()));
    (scene, Owner { east, anna: subject, belongings })
}

async fn owned(store: &dyn Store, subject: &Subject) -> Belongings {
    done(store.belongings(subject).await).expect("the account is there")
}

async fn scene_refuses(scene: &Scene<'_>, change: Change) {
    let set = ChangeSet::one(scene.now(), change);
    assert_eq!(fault(scene.store.apply(&set).await), Fault::Conflict);
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
            application: throng_core::id::ApplicationId::from_bytes([7; 16]),
            before: vec![source, target],
            version: 4,
        }],
    }
}

/// An entry in each state, with each thing that an entry can say.
fn entries(owner: &Owner) -> Vec<MoveEntry> {
    let application = throng_core::id::ApplicationId::from_bytes([7; 16]);
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
