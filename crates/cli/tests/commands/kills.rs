//! `throng move`, killed: another process goes on, or takes it back.

use std::time::Duration;

use throng::core::id::Id;
use throng::core::moves::{EntryState, MoveState, Moves};
use throng::core::store::Mirrors;
use throng::moves::Move;
use throng::sqlite::SqliteStore;

use crate::home::{Home, done, refused};
use crate::process::command;

const USERS: usize = 500;

/// The password of everybody, and the hash of it.
const PASSWORD: &str = "Grüne Äpfel 7";
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0";

/// A database with many users in the directory "Old", asked after the empty directory "New".
fn home() -> Home {
    let home = Home::new();
    done(&home.run(&["directory", "add", "New"]));
    done(&home.run(&["directory", "add", "Old"]));
    let row = |number| format!("user{number:03},\"{HASH}\",team{}\n", number % 7);
    let rows: String = (0..USERS).map(row).collect();
    home.import("Old", &format!("username,password_hash,groups\n{rows}"));
    done(&home.run(&["application", "add-seat", "wiki", "New", "--yes"]));
    done(&home.run(&["application", "add-seat", "wiki", "Old", "--yes"]));
    home
}

/// Runs a command over the database, and kills it once the entry of a move at a position has come to a state.
fn kill_when(home: &Home, arguments: &[&str], position: u64, state: EntryState) -> Move {
    let mut child = command(arguments).arg("--database").arg(home.database()).spawn().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let record = runtime.block_on(async {
        let store = SqliteStore::open(home.database()).await.unwrap();
        let record = loop {
            if let Some(record) = store.moves().await.unwrap().pop() {
                let entries = store.move_entries(record.id, position, 1).await.unwrap();
                if entries.iter().any(|entry| entry.position == position && entry.state == state) {
                    break record;
                }
            }
            let ended = child.try_wait().unwrap();
            assert_eq!(ended, None, "{arguments:?} was over before it could be killed at {position}");
        };
        child.kill().unwrap();
        store.close().await;
        record
    });
    assert_ne!(child.wait().unwrap().code(), Some(0), "{arguments:?} was over before it was killed");
    record
}

/// Ends the leases of whoever was killed, as two minutes would.
fn two_minutes_later(home: &Home, record: &Move) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(home.database()).await.unwrap();
        let later =
            store.move_of(record.id).await.unwrap().unwrap().changed_at.plus(Duration::from_secs(120));
        let source = match record.source {
            throng::moves::Source::Directory(source) => source,
            throng::moves::Source::File(_) => panic!("the users come from a directory"),
        };
        for directory in [source, record.target] {
            let lease = store.take_lease(directory, Id::from_bytes([9; 16]), later, later).await.unwrap();
            store.release_lease(lease.fence).await.unwrap();
        }
        store.close().await;
    });
}

fn count(home: &Home, directory: &str) -> usize {
    home.json(&["user", "list", "--directory", directory]).as_array().map_or(0, Vec::len)
}

/// Some who were moved early, late and last log in.
fn some_log_in(home: &Home) {
    for number in [0, 180, USERS - 1] {
        home.log_in(&format!("user{number:03}"), PASSWORD);
    }
}

#[test]
fn a_move_that_is_killed_again_and_again_ends_with_everybody_moved_and_is_taken_back_likewise() {
    let home = home();
    let run = ["move", "run", "--from", "Old", "--to", "New"];
    let record = kill_when(&home, &run, 0, EntryState::Moved);
    let id = record.id.to_string();
    some_log_in(&home);
    let resume = ["move", "resume", &id];
    refused(&home.run(&resume), 4, "was killed within the last minute");
    for position in [60, 180] {
        two_minutes_later(&home, &record);
        kill_when(&home, &resume, position, EntryState::Moved);
        some_log_in(&home);
        assert_eq!(count(&home, "Old") + count(&home, "New"), USERS, "everybody is in one place");
    }
    two_minutes_later(&home, &record);
    let resumed = home.json(&resume);
    assert_eq!((&resumed["counts"]["moved"], &resumed["counts"]["failed"]), (&USERS.into(), &0.into()));
    done(&home.run(&["move", "verify", &id]));
    assert_eq!((count(&home, "Old"), count(&home, "New")), (0, USERS));
    some_log_in(&home);

    // The latest go back first.
    let revert = ["move", "revert", &id];
    for position in [USERS - 1, USERS - 100] {
        let stopped = kill_when(&home, &revert, position.try_into().unwrap(), EntryState::Reverted);
        assert_eq!(stopped.state, MoveState::Reverting);
        some_log_in(&home);
        two_minutes_later(&home, &record);
    }
    refused(&home.run(&resume), 3, "the move is reverting");
    let reverted = home.json(&revert);
    assert_eq!((&reverted["state"], &reverted["counts"]["reverted"]), (&"reverted".into(), &USERS.into()));
    assert_eq!((count(&home, "Old"), count(&home, "New")), (USERS, 0));
    assert_eq!(home.json(&["group", "list", "--directory", "New"]), serde_json::json!([]));
    some_log_in(&home);
}
