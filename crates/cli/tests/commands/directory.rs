//! `throng directory`.

use crate::home::{Home, done, refused};
use crate::process::with;

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
    assert!(copy.stderr.contains("never synchronised"), "{copy:?}");
    assert!(copy.stderr.contains("its source is not asked"), "{copy:?}");
    assert!(done(&home.run(&["directory", "list"])).contains("never"));
    refused(&home.run(&["user", "remove", "x", "--directory", "Crowd"]), 3, "administered at its source");
}
