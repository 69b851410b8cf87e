//! Applying changes: batches, cancellation, races and what errors say.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use common::{
    add_group, add_member, add_user, apply, directory, group_in, put_directory, set, user, user_in,
};
use throng_core::change::{Change, LoggedEntry};
use throng_core::error::Fault;
use throng_core::filter::{Filter, Property, Test};
use throng_core::id::{ApplicationId, DirectoryId, ExternalId, SessionId, Subject};
use throng_core::name::Key;
use throng_core::page::PageRequest;
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::plan::Plan;
use throng_core::registry::{Aliases, ApplicationRecord, Label};
use throng_core::session::{Binding, Session, TokenDigest};
use throng_core::store::{ChangeLog, Credentials, Records, Registry, Sessions};
use throng_core::time::Timestamp;
use throng_core::user::User;
use throng_store_sql::SqliteStore;

async fn store() -> SqliteStore {
    let store = SqliteStore::in_memory().await.unwrap();
    apply(&store, vec![put_directory(1), put_directory(2)]).await.unwrap();
    store
}

async fn users(store: &SqliteStore, number: u8) -> Vec<User> {
    let mut page = PageRequest::default();
    let mut found = Vec::new();
    loop {
        let part = store.search_users(&[directory(number)], &Filter::everything(), &page).await.unwrap();
        found.extend(part.items.into_iter().flat_map(|name| name.holders).map(|(_, user)| user));
        let Some(next) = part.next else { return found };
        page = page.after(next);
    }
}

fn subject(number: u8, name: &str) -> Subject {
    Subject { directory: directory(number), external_id: user(name).external_id }
}

fn credential(number: u32) -> Credential {
    Credential {
        hash: match number % 3 {
            0 => CredentialState::Absent,
            1 => CredentialState::Usable(EncodedHash::new(format!("$argon2id$\"{number}")).unwrap()),
            _ => CredentialState::Quarantined(EncodedHash::new("{X}\\u0000").unwrap()),
        },
        history: vec![EncodedHash::new("former").unwrap()],
        changed_at: Timestamp::from_micros(i64::from(number)),
        failed_attempts: number,
        must_change: number.is_multiple_of(2),
    }
}

/// Names, texts and attributes that JSON, SQL or hexadecimal might spoil.
fn odd_users() -> Vec<User> {
    let texts = ["", "'", "\"", "\\", "\\u0000", "\0", "a\0b", "[]", "\u{fffd}", "Ä\u{308}", "1e3"];
    let names = ["O'Brien", "a\"b", "c\\d", "\\u0000", "[1]", "null", "0x61", "ﬁ", "e\u{301}", "12", "%_"];
    let odd = texts.iter().zip(names).map(|(text, name)| {
        let mut odd = user(name);
        odd.profile.first_name = (*text).to_owned();
        odd.profile.email = (*text).to_owned();
        odd.active = text.len() % 2 == 0;
        let value = text.replace('\0', "");
        odd.attributes.set("k\"'", vec![value, "v".into()]).unwrap();
        odd
    });
    odd.collect()
}

#[tokio::test]
async fn a_batch_means_what_its_changes_mean() {
    let (alone, together) = (store().await, store().await);
    let free_in = vec![directory(2)];
    let mut changes = Vec::new();
    for (number, user) in (0..).zip(odd_users()) {
        changes.push(Change::AddUser {
            directory: directory(1),
            user,
            free_in: free_in.clone(),
            credential: (number % 4 != 3).then(|| credential(number)),
        });
    }
    for name in ["staff", "a'b", "c\\d", "\\u0000", "null", "[]"] {
        changes.push(add_group(1, name));
    }
    for user in odd_users() {
        changes.push(add_member(1, "A'B", user_in(user.name.as_str())));
    }
    for change in &changes {
        apply(&alone, vec![change.clone()]).await.unwrap();
    }
    let before = together.statements_run();
    apply(&together, changes).await.unwrap();
    assert!(together.statements_run() - before < 50);

    let found = users(&together, 1).await;
    assert_eq!(found.len(), odd_users().len());
    assert_eq!(found, users(&alone, 1).await);
    for odd in odd_users() {
        let subject = subject(1, odd.name.as_str());
        assert_eq!(together.user_by_id(&subject).await.unwrap(), Some(odd));
        assert_eq!(together.credential(&subject).await.unwrap(), alone.credential(&subject).await.unwrap());
    }
    let page = PageRequest::default();
    for key in ["a'b", "staff"] {
        let key = Key::of(key);
        assert_eq!(
            together.children(directory(1), &key, &page).await.unwrap(),
            alone.children(directory(1), &key, &page).await.unwrap()
        );
    }
    let singles = alone.batches(1, 1_000).await.unwrap();
    let entries: Vec<LoggedEntry> = singles.into_iter().flat_map(|batch| batch.entries).collect();
    assert_eq!(together.batches(1, 1_000).await.unwrap()[0].entries, entries);
}

#[tokio::test]
async fn a_fault_in_a_batch_is_the_one_of_the_first_change_that_fails() {
    let store = store().await;
    apply(&store, vec![add_user(1, user("anna")), add_user(2, user("bela")), add_group(1, "staff")])
        .await
        .unwrap();
    let head = store.head().await.unwrap();
    let many = |odd: Change| {
        let mut changes: Vec<Change> = (0..30).map(|n| add_user(1, user(&format!("user {n}")))).collect();
        changes.insert(17, odd);
        changes
    };
    let members = |odd: Vec<Change>| {
        let mut changes = many(add_group(1, "more"));
        changes.extend((0..9).map(|n| add_member(1, "staff", user_in(&format!("user {n}")))));
        changes.extend(odd);
        changes
    };
    let taken = Change::AddUser {
        directory: directory(1),
        user: user("Bela"),
        free_in: vec![directory(2)],
        credential: None,
    };
    let elsewhere = (0..9).map(|n| add_user(9, user(&format!("user {n}")))).collect();
    let twice = add_member(1, "staff", user_in("user 3"));
    let nobody = add_member(1, "staff", user_in("nobody"));
    for (changes, fault) in [
        (many(add_user(1, user("ANNA"))), Fault::Conflict),
        (many(add_user(1, user("user 29"))), Fault::Conflict),
        (many(taken), Fault::Conflict),
        (elsewhere, Fault::Missing),
        (members(vec![twice.clone(), nobody.clone()]), Fault::Conflict),
        (members(vec![nobody, twice]), Fault::Missing),
        (members(vec![add_member(1, "nothing", user_in("user 1"))]), Fault::Missing),
    ] {
        assert_eq!(apply(&store, changes).await, Err(fault));
        assert_eq!(users(&store, 1).await, [user("anna")]);
        assert_eq!(store.head().await.unwrap(), head);
    }
}

#[tokio::test]
async fn a_hundred_thousand_users_are_a_few_statements() {
    const MANY: u32 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("throng.db")).await.unwrap();
    let mut changes = vec![put_directory(1), add_group(1, "staff")];
    let name = |n: u32| format!("User {n:06}");
    changes.extend((0..MANY).map(|n| add_user(1, user(&name(n)))));
    changes.extend((0..MANY).step_by(2).map(|n| add_member(1, "staff", user_in(&name(n)))));
    assert_eq!(apply(&store, changes).await.unwrap().sequence, 1);
    assert!(store.statements_run() < 1_000, "{}", store.statements_run());
    let page = PageRequest::first(3).after(Key::of("user 099993"));
    let members = store.children(directory(1), &Key::of("staff"), &page).await.unwrap();
    assert_eq!(members.items, [user_in(&name(99_994)), user_in(&name(99_996)), user_in(&name(99_998))]);
    assert_eq!(members.next, None);
    let email = Filter::email("user 012345@EXAMPLE.com");
    let found = store.search_users(&[directory(1)], &email, &PageRequest::default()).await.unwrap();
    assert_eq!(found.items.len(), 1);
}

#[tokio::test]
async fn a_question_is_one_statement() {
    let store = store().await;
    apply(&store, vec![add_user(1, user("anna")), add_user(2, user("anna"))]).await.unwrap();
    let (key, page, both) = (Key::of("anna"), PageRequest::default(), [directory(1), directory(2)]);
    let application = ApplicationId::from_bytes([9; 16]);
    let before = store.statements_run();
    assert_eq!(store.locate(application, &key).await.unwrap().users.len(), 2);
    store.search_users(&both, &Filter::name_starts_with("a"), &page).await.unwrap();
    store.above(directory(1), &user_in("anna"), 9).await.unwrap();
    store.below(directory(1), &key, 9).await.unwrap();
    store.applications().await.unwrap();
    assert_eq!(store.statements_run() - before, 5);
}

/// An index finds names by their list: nothing between them is looked at.
#[tokio::test]
async fn names_that_are_far_apart_are_one_statement_however_many_there_are() {
    let store = store().await;
    let name = |number: usize| format!("n{number:05}");
    let users = (0..3_000).map(|number| add_user(1, user(&name(number))));
    let groups = (0..3_000).map(|number| add_group(1, &name(number)));
    apply(&store, users.chain(groups).collect()).await.unwrap();
    let equals = |name: &str| Filter::term(Property::Name, Test::Equals(Key::of(name)));
    let far = Filter::any(vec![equals("n02999"), equals("n00000")]).unwrap();
    let before = store.statements_run();
    let users = store.search_users(&[directory(1)], &far, &PageRequest::default()).await.unwrap();
    let groups = store.search_groups(&[directory(1)], &far, &PageRequest::default()).await.unwrap();
    assert_eq!((users.items.len(), users.next), (2, None));
    assert_eq!((groups.items.len(), groups.next), (2, None));
    assert_eq!(store.statements_run() - before, 2);
}

/// Polls a future so many times, as it asks to be, and then lets go of it.
async fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// A set with single changes, batches and a failing batch in it.
fn mixed(round: usize) -> Vec<Change> {
    let name = |n: usize| format!("r{round} u{n}");
    let group = |n: usize| format!("r{round} g{n}");
    let mut changes = vec![add_group(1, &group(0)), add_user(1, user(&name(0)))];
    changes.push(add_member(1, &group(0), user_in(&name(0))));
    changes.extend((1..40).map(|n| add_user(1, user(&name(n)))));
    changes.push(add_group(1, &group(1)));
    changes.push(add_member(1, &group(0), group_in(&group(1))));
    changes.extend((1..40).map(|n| add_member(1, &group(1), user_in(&name(n)))));
    changes.push(Change::EndSessions(subject(1, &name(0))));
    changes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letting_go_of_a_set_leaves_all_or_nothing_t97() {
    let folder = tempfile::tempdir().unwrap();
    for store in [
        SqliteStore::in_memory().await.unwrap(),
        SqliteStore::open(folder.path().join("throng.db")).await.unwrap(),
    ] {
        apply(&store, vec![put_directory(1)]).await.unwrap();
        let mut expected = 0;
        let mut ended = 0;
        for polls in 0..120 {
            let changes = set(mixed(polls));
            let answer = give_up_after(polls, store.apply(&changes)).await;
            // The next call must find a connection that is free of the last one's transaction.
            let marker = apply(&store, vec![add_group(1, &format!("marker {polls}"))]).await.unwrap();
            let found = users(&store, 1).await.len();
            assert!(found == expected || found == expected + 40, "{polls}: {found} after {expected}");
            let kept = found != expected;
            let group = Key::of(&format!("r{polls} g1"));
            let members = store.children(directory(1), &group, &PageRequest::default()).await.unwrap();
            assert_eq!(members.items.len(), if kept { 39 } else { 0 });
            assert_eq!(store.head().await.unwrap(), marker.sequence);
            let last = store.batches(marker.sequence - 2, 2).await.unwrap();
            assert_eq!(last[0].entries.len() > 80, kept);
            if let Some(answer) = answer {
                answer.unwrap();
                assert!(kept);
                ended += 1;
            }
            expected = found;
        }
        assert!(ended > 0 && ended < 120, "{ended} of 120 were let run to their end");
        let batches = store.batches(0, 1_000).await.unwrap();
        let sequences: Vec<u64> = batches.iter().map(|batch| batch.sequence).collect();
        assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<u64>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_sixty_four_namesakes_is_made_t09() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("throng.db")).await.unwrap();
    apply(&store, (1..=4).map(put_directory).collect()).await.unwrap();
    let all: Vec<DirectoryId> = (1..=4).map(directory).collect();
    let tasks: Vec<_> = (0..64_u8)
        .map(|task| {
            let (store, mut free_in) = (store.clone(), all.clone());
            let home = free_in.remove(usize::from(task) % 4);
            let mut user = user("Anna");
            user.external_id = ExternalId::new(task.to_string()).unwrap();
            tokio::spawn(async move {
                let add = Change::AddUser { directory: home, user, free_in, credential: None };
                apply(&store, vec![add]).await
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(fault) => assert_eq!(fault, Fault::Conflict),
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn no_error_repeats_what_is_stored_t101() {
    let store = store().await;
    apply(&store, vec![add_user(1, user("canary"))]).await.unwrap();
    let sets = [
        vec![add_user(1, user("canary"))],
        (0..5).map(|_| add_user(1, user("canary"))).collect(),
        vec![add_user(9, user("canary"))],
        vec![add_member(1, "canary", user_in("canary"))],
    ];
    for changes in sets {
        let error = store.apply(&set(changes)).await.unwrap_err();
        let mut said = format!("{error} {error:?}");
        let mut source = error.source();
        while let Some(cause) = source {
            said.push_str(&format!(" {cause} {cause:?}"));
            source = cause.source();
        }
        assert!(!said.contains("canary"), "{said}");
    }
}

#[tokio::test]
async fn whoever_is_given_a_former_external_id_comes_upon_no_session_t72() {
    let store = store().await;
    let application = ApplicationId::from_bytes([9; 16]);
    let plan = Plan::new().with_version(1);
    let record = ApplicationRecord {
        id: application,
        name: Label::new("wiki").unwrap(),
        active: true,
        plan,
        aliases: Aliases::Off,
        administrators: vec![],
    };
    let former = subject(1, "anna");
    apply(&store, vec![Change::PutApplication(record), add_user(1, user("anna"))]).await.unwrap();
    let now = Timestamp::from_micros(1);
    let session = Session {
        id: SessionId::from_bytes([1; 16]),
        application,
        subject: former.clone(),
        name: user("anna").name,
        epoch: 0,
        created_at: now,
        used_at: now,
        expires_at: now,
        idle: std::time::Duration::from_secs(1),
        binding: Binding::NOTHING,
    };
    let token = TokenDigest::new([7; 32]);
    store.open_session(&token, &session).await.unwrap();
    assert_eq!(store.session(&token).await.unwrap(), Some(session));
    let replace =
        Change::ReplaceExternalId { subject: former, external_id: ExternalId::new("another").unwrap() };
    let mut newcomer = user("bela");
    newcomer.external_id = user("anna").external_id;
    apply(&store, vec![replace, add_user(1, newcomer)]).await.unwrap();
    assert_eq!(store.session(&token).await.unwrap(), None);
}
