//! `throng directory`.

use crate::home::{Home, done, refused};
use crate::process::with;

use throng::core::id::{DirectoryId, Id};
use throng::core::store::Mirrors;
use throng::core::time::Timestamp;
use throng::sqlite::SqliteStore;

#[test]
fn directories_are_added_listed_tested_and_removed() {
    let home = Home::with_guests();
    let listed = home.json(&["directory", "list"]);
    assert_eq!((&listed[0]["name"], &listed[0]["kind"]), (&"Guests".into(), &"internal".into()), "{listed}");
    assert_eq!(listed[1]["asked_by"], serde_json::json!(["wiki"]));
    refused(&home.run(&["directory", "add", "GUESTS"]), 3, "exists already");
    refused(&home.run(&["directory", "add", "L", "--kind", "live"]), 3, "needs an adapter");
    refused(&home.run(&["directory", "add", "L", "--kind", "mirrored"]), 3, "configuration file");
    refused(&home.run(&["directory", "add", " x"]), 3, "throng: ");
    let tested = &home.json(&["directory", "test", "guests"])[0];
    assert!(tested["can"].as_array().unwrap().contains(&"set passwords".into()), "{tested}");
    refused(&home.run(&["directory", "test", "Nowhere"]), 3, "there is no directory");
    done(&home.run(&["directory", "remove", "Guests", "--yes"]));
    assert_eq!(home.json(&["directory", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_mirror_whose_source_is_silent_says_so_by_its_code() {
    let home = Home::new();
    home.file("secret", "a secret\n");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = home.config(&format!(
        "[[mirror]]\nname = \"Crowd\"\nurl = \"http://{free}\"\napplication = \"a\"\npassword-file = \"secret\"\n"
    ));
    // A round makes the mirror, and fails.
    assert_eq!(with(&config, &["directory", "sync", "Crowd"]).code, Some(1));
    let tested = with(&config, &["directory", "test", "Crowd"]);
    refused(&tested, 4, "the directory \"Crowd\"");
    let copy = home.run(&["directory", "test", "Crowd"]);
    refused(&copy, 4, "throng: the directory \"Crowd\" was never synchronised");
    assert!(copy.stderr.contains("its source is not asked"), "{copy:?}");
    assert!(done(&home.run(&["directory", "list"])).contains("never"));
    refused(&home.run(&["user", "list", "--directory", "Crowd"]), 4, "was never synchronised");
    refused(&home.run(&["user", "remove", "x", "--directory", "Crowd"]), 3, "administered at its source");
}

#[test]
fn a_round_that_runs_elsewhere_is_waited_for_and_not_a_refusal() {
    let home = Home::new();
    home.file("secret", "a secret\n");
    let config = home.config(
        "[[mirror]]\nname = \"Crowd\"\nurl = \"http://127.0.0.1:8095\"\napplication = \"a\"\n\
         password-file = \"secret\"\n",
    );
    done(&with(&config, &["apply", "--yes"]));
    let id: DirectoryId = serde_json::from_value(home.json(&["directory", "list"])[0]["id"].clone()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(home.database()).await.unwrap();
        let (now, never) = (Timestamp::from_micros(0), Timestamp::from_micros(i64::MAX));
        store.take_lease(id, Id::from_bytes([7; 16]), now, never).await.unwrap();
        store.close().await;
    });
    refused(&with(&config, &["sync", "Crowd"]), 4, "the mirror is being synchronised");
    let told = with(&config, &["directory", "sync", "Crowd", "--json"]);
    assert_eq!(told.code, Some(4), "{told:?}");
    let told: serde_json::Value = serde_json::from_str(&told.stderr).unwrap();
    assert_eq!(told["kind"], "not_now", "{told}");
    let other = home.file("other.toml", "database = \"users.db\"\n");
    refused(&with(&other, &["sync", "Crowd"]), 2, "does not say where the source of \"Crowd\" is");
    refused(&with(&other, &["sync", "Users"]), 3, "the directory \"Users\" is no mirror");
    refused(&with(&other, &["sync", "Nowhere"]), 3, "there is no directory \"Nowhere\"");
    refused(&home.run(&["approve", "Crowd", "0-0"]), 3, "held no deletions of the hash \"0-0\"");
}
