//! What holds for every command.

use std::process::Stdio;

use serde_json::Value;

use crate::home::{Home, done, refused};
use crate::process::{Ended, command, over, run, throng};

#[test]
fn init_twice_is_harmless_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("users.db");
    let init = || over(&database, &["init", "--directory", "People", "--json"], "");
    let made = |ended: &Ended| serde_json::from_str::<Value>(done(ended)).unwrap()["made"].clone();
    assert_eq!(made(&init()), true);
    assert_eq!(made(&init()), false);
    let bad = folder.path().join("bad.db");
    refused(&over(&bad, &["init", "--directory", " x"], ""), 3, "throng: ");
    assert!(!bad.exists(), "a name that cannot be one leaves nothing behind");
}

#[test]
fn only_init_makes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("users.db");
    for arguments in [
        &["serve"] as &[&str],
        &["application", "list"],
        &["user", "list"],
        &["user", "add", "anna"],
        &["explain", "anna", "--application", "wiki"],
        &["rounds", "Crowd"],
    ] {
        refused(&over(&database, arguments, "password\n"), 3, "`throng init` makes one");
    }
    assert!(!database.exists());
}

#[test]
fn people_get_tables_and_programs_get_json() {
    let home = Home::new();
    assert_eq!(home.json(&["application", "list"])[0]["order"], serde_json::json!(["Users"]));
    assert!(done(&home.run(&["application", "list"])).contains("wiki"));
    let user = &home.json(&["user", "list"])[0];
    assert_eq!((&user["name"], &user["active"]), (&"anna".into(), &true.into()));
    assert!(done(&home.run(&["user", "list", "--directory", "USERS"])).contains("anna"));
    let explained = home.json(&["explain", "ANNA", "--application", "wiki"]);
    assert!(explained["state"]["means"]["subject"].is_object(), "{explained}");
    let explained = home.run(&["explain", "anna", "--application", "wiki"]);
    assert!(done(&explained).contains("=> means the account in \"Users\""), "{explained:?}");
    assert!(done(&home.run(&["explain", "bela", "--application", "wiki"])).contains("=> nobody"));
}

#[test]
fn what_is_refused_says_why_and_changes_nothing() {
    let home = Home::new();
    let add = |name: &str, input: &str| over(&home.database(), &["user", "add", name], input);
    refused(&add("ANNA", "seven wooden chairs\n"), 3, "the user \"anna\" exists already");
    refused(&add("bela", ""), 2, "the password is empty");
    refused(&add("bela", "two\nlines\n"), 2, "one line");
    refused(&add("bela", &"a".repeat(600)), 2, "longer than 512 bytes");
    refused(&add("bela", "x\n"), 3, "the directory \"Users\"");
    refused(&add(" ", "seven wooden chairs\n"), 3, "throng: ");
    assert_eq!(home.json(&["user", "list"]).as_array().map(Vec::len), Some(1), "bela is not half there");

    let application = |arguments: &[&str]| home.run(&[&["application", "add"], arguments].concat());
    refused(&application(&["WIKI", "--directory", "Users"]), 3, "the application \"WIKI\" exists already");
    refused(&application(&["jira", "--directory", "People"]), 3, "there is no directory \"People\"");
    refused(&application(&["jira", "--directory", "Users", "--directory", "users"]), 2, "\"users\" twice");
    refused(&application(&["jira", "--directory", "Users", "--allow-address", "x"]), 2, "not an IP address");
    refused(&application(&["jira"]), 2, "--directory");
    assert_eq!(home.json(&["application", "list"]).as_array().map(Vec::len), Some(1));

    refused(&home.run(&["explain", "anna", "--application", "jira"]), 3, "there is no application \"jira\"");
    refused(&home.run(&["rounds", "Users"]), 3, "throng: ");
    refused(&throng(["user", "list"], ""), 2, "--database");
    let mut elsewhere = command(["user", "list"]);
    elsewhere.env("THRONG_DATABASE", home.database());
    assert!(done(&run(elsewhere, "")).contains("anna"));
    refused(&home.run(&["user", "add", "bela", "--password", "x"]), 2, "--password");
}

#[test]
fn a_failure_is_an_object_for_programs() {
    let home = Home::new();
    let failed = |arguments: &[&str]| {
        let ended = home.run(arguments);
        assert_eq!(ended.stdout, "", "{ended:?}");
        let told: Value = serde_json::from_str(&ended.stderr).unwrap();
        assert_eq!(told["code"], ended.code.unwrap(), "{ended:?}");
        told
    };
    assert_eq!(
        failed(&["explain", "anna", "--application", "jira", "--json"]),
        serde_json::json!({"error": "there is no application \"jira\"", "kind": "refused", "code": 3})
    );
    let json = ["--json", "user", "add", "bela", "--directory", "Users"];
    assert_eq!(
        failed(&json),
        serde_json::json!({"error": "the password cannot be used: the password is empty", "kind": "usage", "code": 2})
    );
    let wrong = failed(&["user", "list", "--nothing", "--json"]);
    assert_eq!(wrong["error"], "unexpected argument '--nothing' found");
    assert_eq!((&wrong["kind"], &wrong["code"]), (&"usage".into(), &2.into()));
    let missing = failed(&["application", "add", "--json"]);
    assert!(missing["error"].as_str().unwrap().ends_with("--directory <NAME>\n  <NAME>"), "{missing}");
    let name = home.run(&["user", "show", "--", "--json"]);
    assert!(name.stderr.starts_with("error: "), "what follows two dashes is a name: {name:?}");
    let help = throng(["--json", "--help"], "");
    assert!(done(&help).contains("Exit codes:"), "what is asked for is not a failure");
}

#[test]
fn an_empty_list_is_words_for_people_and_an_empty_array_for_programs() {
    let home = Home::new();
    done(&home.run(&["directory", "add", "Empty"]));
    done(&home.run(&["application", "remove", "wiki", "--yes"]));
    for (arguments, says) in [
        (&["move", "list"][..], "no moves"),
        (&["application", "list"], "no applications"),
        (&["user", "list", "--directory", "Empty"], "no users"),
        (&["group", "list", "--directory", "Empty"], "no groups"),
    ] {
        assert_eq!(done(&home.run(arguments)).trim_end(), says);
        assert_eq!(home.json(arguments), serde_json::json!([]), "{arguments:?}");
    }
    let shadows = home.run(&["shadows"]);
    assert_eq!(done(&shadows), "1 accounts in all directories\nno shadows\n");
    done(&home.run(&["group", "add", "staff", "--directory", "Empty"]));
    let shown = home.run(&["group", "show", "staff", "--directory", "Empty"]);
    assert!(done(&shown).ends_with("no members, and in no group\n"), "{shown:?}");
}

#[test]
fn a_pipe_that_nobody_reads_is_a_failure_and_no_panic() {
    let home = Home::new();
    let mut listing = command(["user", "list", "--database"]);
    listing.arg(home.database());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    listing.stdout(Stdio::from(writer));
    refused(&run(listing, ""), 1, "cannot write to standard output");
    let mut adding = command(["application", "add", "jira", "--directory", "Users", "--database"]);
    adding.arg(home.database());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    adding.stdout(Stdio::from(writer));
    refused(&run(adding, ""), 1, "cannot write to standard output");
    assert_eq!(
        home.json(&["application", "list"]).as_array().map(Vec::len),
        Some(1),
        "nobody has its password"
    );
}

#[test]
fn shells_are_told_every_command() {
    let script = throng(["completions", "bash"], "");
    for word in ["restore", "remove-seat", "with-password-hashes"] {
        assert!(done(&script).contains(word), "{word}");
    }
    refused(&throng(["completions", "cmd"], ""), 2, "possible values");
}

#[test]
fn places_that_are_no_files_and_a_closed_input_are_failures_and_no_panics_i05() {
    let home = Home::new();
    let folder = home.folder.path();
    refused(&over(folder, &["user", "list"], ""), 1, "it is not a plain file");
    let empty = home.file("empty.toml", "");
    refused(&throng(["user", "list", "--config", crate::home::path(&empty)], ""), 2, "where the database is");
    let folder = crate::home::path(folder);
    refused(&throng(["serve", "--config", folder], ""), 2, "cannot be read");
    let add = |file| home.run(&["user", "add", "bela", "--password-file", file]);
    refused(&add(folder), 2, "the password cannot be read");
    refused(&add(&format!("{folder}/nothing")), 2, "the password cannot be read");
    let mut closed = command(["user", "add", "bela", "--database"]);
    closed.arg(home.database()).stdin(Stdio::null());
    let ended = closed.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
}
