//! `throng apply`.

use serde_json::{Value, json};

use crate::home::{Home, done, refused};
use crate::process::{Ended, with};

const FILE: &str = "\
[[directory]]
name = \"Guests\"
[[directory]]
name = \"Users\"
[[directory]]
name = \"New\"
[[application]]
name = \"wiki\"
order = [\"Guests\", \"Users\", \"New\"]
memberships = \"aggregated\"
administrators = [\"admins\"]
addresses = [\"10.0.0.0/8\"]
[[application.seat]]
directory = \"Guests\"
groups = [\"visitors\"]
login = \"stop\"
lookup = \"3h\"
refusal = \"stop\"
[[application]]
name = \"jira\"
order = [\"New\"]
";

fn apply(home: &Home, text: &str, more: &[&str]) -> Ended {
    let config = home.config(text);
    with(&config, &[&["apply"], more].concat())
}

#[test]
fn a_file_is_shown_applied_and_then_there_is_nothing_to_change() {
    let home = Home::with_guests();
    let shown = apply(&home, FILE, &["--dry-run", "--json"]);
    let steps: Value = serde_json::from_str(done(&shown)).unwrap();
    assert_eq!(steps["applied"], false);
    let plan = steps["steps"].as_array().unwrap().iter().find(|step| step["preview"].is_object()).unwrap();
    assert_eq!(plan["preview"]["totals"]["owners"], 1, "{plan}");
    let tables = apply(&home, FILE, &[]);
    assert!(done(&tables).contains("makes the internal directory \"New\""), "{tables:?}");
    assert!(
        tables.stdout.contains("surfaces") && tables.stderr.contains("nothing was changed"),
        "{tables:?}"
    );
    assert_eq!(home.json(&["directory", "list"]).as_array().map(Vec::len), Some(2));
    let serving = apply_to_serve(&home);
    refused(&serving, 2, "another order");

    done(&apply(&home, FILE, &["--yes"]));
    let wiki = home.json(&["application", "show", "wiki"]);
    assert_eq!(wiki["order"], json!(["Guests", "Users", "New"]), "{wiki}");
    assert_eq!((&wiki["memberships"], &wiki["administrators"]), (&"aggregated".into(), &json!(["admins"])));
    assert_eq!(wiki["addresses"], json!(["10.0.0.0/8"]));
    assert_eq!(wiki["seats"][0]["access"], json!({"groups": ["visitors"]}));
    assert_eq!(wiki["seats"][0]["policy"]["login"], "stop");
    assert_eq!(home.json(&["application", "show", "jira"])["order"], json!(["New"]));
    assert_eq!(done(&apply(&home, FILE, &["--yes"])), "nothing to change\n");
}

#[test]
fn what_will_be_made_is_shown_as_it_will_be() {
    let home = Home::with_guests();
    home.file("p", "a secret\n");
    let file = "[[directory]]\nname = \"New\"\n[[mirror]]\nname = \"Crowd\"\nurl = \"http://127.0.0.1:1\"\n\
                application = \"a\"\npassword-file = \"p\"\n[[application]]\nname = \"jira\"\n\
                order = [\"New\", \"Users\", \"Crowd\"]\nmemberships = \"aggregated\"\n\
                administrators = [\"jira-admins\"]\n[[application.seat]]\ndirectory = \"users\"\n\
                groups = [\"jira-users\"]\nlogin = \"3h\"\n";
    for more in [&["--dry-run"][..], &[]] {
        let shown = apply(&home, file, more);
        for says in [
            "makes the internal directory \"New\"",
            "makes the mirror \"Crowd\"",
            "makes the application \"jira\"",
            "memberships that count: of all directories",
            "administrators: jira-admins",
            "may ask from: 127.0.0.0/8, ::1",
            "pass if lacked for 10800 s",
            "jira-users",
        ] {
            assert!(done(&shown).contains(says), "{says}: {shown:?}");
        }
    }
    let told: Value = serde_json::from_str(done(&apply(&home, file, &["--dry-run", "--json"]))).unwrap();
    let makes = |at: usize| &told["steps"][at]["makes"];
    assert_eq!(*makes(0), json!({"directory": {"name": "New", "kind": "internal"}}));
    assert_eq!(*makes(1), json!({"directory": {"name": "Crowd", "kind": "mirrored"}}));
    let jira = makes(2)["application"].clone();
    assert_eq!(jira["order"], json!(["New", "Users", "Crowd"]), "{told}");
    refused(&home.run(&["application", "show", "jira"]), 3, "there is no application");

    done(&apply(&home, file, &["--yes"]));
    let mut made = home.json(&["application", "show", "jira"]);
    for key in ["active", "addresses", "memberships", "administrators"] {
        assert_eq!(jira[key], made[key], "{key}");
    }
    for seat in made["seats"].as_array_mut().unwrap() {
        seat.as_object_mut().unwrap().remove("id");
    }
    assert_eq!(jira["seats"], made["seats"], "what was shown is what was made");
}

fn apply_to_serve(home: &Home) -> Ended {
    with(&home.folder.path().join("throng.toml"), &["serve", "--listen", "127.0.0.1:0"])
}

#[test]
fn a_server_does_not_let_others_in_than_its_file_says() {
    let home = Home::with_guests();
    home.config(
        "[[application]]\nname = \"wiki\"\norder = [\"Users\", \"Guests\"]\n\
                 [[application.seat]]\ndirectory = \"Users\"\ngroups = [\"staff\"]\n",
    );
    refused(&apply_to_serve(&home), 2, "`throng apply` shows who that changes");
}

#[test]
fn what_is_wrong_is_told_by_its_line_and_nothing_is_applied() {
    let home = Home::with_guests();
    let before = home.json(&["application", "list"]);
    for (text, line, says) in [
        ("[[application]]\nname = \"wiki\"\norder = [\"Nowhere\"]", 4, "does not exist"),
        ("[[application]]\nname = \"wiki\"\norder = [\"Users\", \"USERS\"]", 4, "twice"),
        ("[[directory]]\nname = \"A\"\n[[directory]]\nname = \"a\"", 5, "named twice"),
        ("[[application]]\nname = \"wiki\"\nordre = []", 4, "unknown field"),
        (
            "[[application]]\nname = \"wiki\"\norder = []\n[[application.seat]]\ndirectory = \"Users\"",
            6,
            "of this seat",
        ),
        (
            "[[application]]\nname = \"w\"\norder = [\"Users\"]\n[[application.seat]]\ndirectory = \"Users\"\nlogin = \"x\"",
            7,
            "silence means",
        ),
        (
            "[[application]]\nname = \"w\"\norder = [\"Users\"]\n[[application.seat]]\ndirectory = \"Users\"\n\
             groups = [\"a\"]\neveryone = true",
            8,
            "either `everyone` or `groups`",
        ),
        ("[recovery]\npassword-file = \"p\"\nuntil = \"soon\"", 4, "a moment is written"),
    ] {
        let ended = apply(&home, text, &["--yes"]);
        refused(&ended, 2, &format!("throng.toml, line {line}: "));
        assert!(ended.stderr.contains(says), "{ended:?}");
    }
    refused(&apply(&home, "", &["--yes", "--dry-run"]), 2, "cannot be used with");
    assert_eq!(done(&apply(&home, "", &["--yes"])), "nothing to change\n");
    assert_eq!(home.json(&["application", "list"]), before);
    assert_eq!(home.json(&["directory", "list"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn what_would_be_refused_later_is_refused_before_anything_is_made() {
    let home = Home::with_guests();
    home.file("p", "a secret\n");
    let file = "[[directory]]\nname = \"New\"\n[[mirror]]\nname = \"Crowd\"\nurl = \"http://127.0.0.1:1\"\n\
                application = \"a\"\npassword-file = \"p\"\n[[application]]\nname = \"wiki\"\n\
                order = [\"Users\", \"Guests\", \"Crowd\"]\n";
    let ended = apply(&home, file, &["--yes"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("`--accept-unlisted` is needed"), "{ended:?}");
    assert_eq!(home.json(&["directory", "list"]).as_array().map(Vec::len), Some(2));
    done(&apply(&home, file, &["--yes", "--accept-unlisted"]));
    assert_eq!(done(&apply(&home, file, &["--yes"])), "nothing to change\n");
}

#[test]
fn what_changes_of_an_application_is_shown_part_by_part() {
    let home = Home::with_guests();
    home.file("p", "a secret\n");
    done(&home.run(&["application", "addresses", "wiki", "10.0.0.0/8"]));
    let file = "[[mirror]]\nname = \"Crowd\"\nurl = \"http://127.0.0.1:1\"\napplication = \"a\"\n\
                password-file = \"p\"\n[[application]]\nname = \"wiki\"\norder = [\"users\", \"Guests\", \"Crowd\"]\n\
                memberships = \"aggregated\"\nadministrators = [\"chiefs\"]\nactive = false\n\
                addresses = [\"192.168.0.0/16\"]\n[[application.seat]]\ndirectory = \"Guests\"\n\
                groups = [\"visitors\"]\nlogin = \"3h\"\n";
    let shown = apply(&home, file, &["--dry-run"]);
    let lines: Vec<String> = done(&shown)
        .lines()
        .map(|line| line.split(['│', '┆']).map(str::trim).collect::<Vec<_>>().join("|"))
        .collect();
    for says in [
        "|order|Users, Guests|Users, Guests, Crowd|",
        "|memberships that count|of the directory that the user is found in|of all directories|",
        "|Guests: admits|everyone|visitors|",
        "|Crowd: admits||everyone|",
        "|active|yes|no|",
        "|administrators||chiefs|",
        "|may ask from|10.0.0.0/8|192.168.0.0/16|",
    ] {
        assert!(lines.iter().any(|line| line == says), "{says}: {lines:#?}");
    }
    assert!(lines.iter().any(|line| line.contains("login: pass if lacked for 10800 s")), "{lines:#?}");
    assert!(shown.stderr.contains("nobody can say who of \"Crowd\" changes"), "{shown:?}");

    let told: Value = serde_json::from_str(done(&apply(&home, file, &["--json"]))).unwrap();
    let steps = told["steps"].as_array().unwrap();
    let changes: Vec<&Value> = steps.iter().flat_map(|step| step["changes"].as_array().unwrap()).collect();
    let of = |what: &str, directory: Option<&str>| {
        let is = |change: &&&Value| change["what"] == what && change["directory"].as_str() == directory;
        let change = changes.iter().find(is).unwrap();
        (change["before"].clone(), change["after"].clone())
    };
    assert_eq!(of("active", None), (true.into(), false.into()));
    assert_eq!(of("administrators", None), (json!([]), json!(["chiefs"])));
    assert_eq!(of("may ask from", None), (json!(["10.0.0.0/8"]), json!(["192.168.0.0/16"])));
    assert_eq!(of("memberships that count", None), ("canonical".into(), "aggregated".into()));
    assert_eq!(of("admits", Some("Guests")), ("everyone".into(), json!({"groups": ["visitors"]})));
    assert_eq!(of("admits", Some("Crowd")), (Value::Null, "everyone".into()));
    assert_ne!(of("policy", Some("Guests")).0, of("policy", Some("Guests")).1);
    assert!(!changes.iter().any(|change| change["directory"] == "users"), "nothing of it changes: {told}");
    assert!(steps.iter().any(|step| step["unseen"] == json!(["Crowd"])), "{told}");

    let made = apply(&home, file, &["--yes", "--accept-unlisted"]);
    done(&made);
    assert!(made.stderr.contains("nobody in the groups that administer \"wiki\" can log in now"), "{made:?}");
    let changed = file.replace("password-file", "hand-on = true\nwrites = \"local-groups\"\npassword-file");
    let settings = apply(&home, &changed, &["--json"]);
    let told: Value = serde_json::from_str(done(&settings)).unwrap();
    let parts = told["steps"][0]["changes"].as_array().unwrap().iter().map(|change| &change["what"]);
    assert_eq!(parts.collect::<Vec<_>>(), ["local groups", "handed on"], "{told}");
}

#[test]
fn a_file_is_applied_as_it_was_seen_or_not_at_all() {
    let home = Home::with_guests();
    let shown: Value = serde_json::from_str(done(&apply(&home, FILE, &["--json"]))).unwrap();
    let seen = shown["fingerprint"].as_str().unwrap();
    assert!(done(&apply(&home, FILE, &["--all"])).contains(&format!("seen as {seen}\n")));
    let other = FILE.replace("admins", "chiefs");
    for (file, before) in [(other.as_str(), &[][..]), (FILE, &["application", "disable", "wiki"])] {
        if !before.is_empty() {
            done(&home.run(before));
        }
        let stale = apply(&home, file, &["--yes", "--seen", seen]);
        assert_eq!(stale.code, Some(4), "{stale:?}");
        assert_eq!(home.json(&["directory", "list"]).as_array().map(Vec::len), Some(2), "{file}");
    }
    done(&home.run(&["application", "enable", "wiki"]));
    let again: Value = serde_json::from_str(done(&apply(&home, FILE, &["--json"]))).unwrap();
    done(&apply(&home, FILE, &["--yes", "--seen", again["fingerprint"].as_str().unwrap()]));
}

/// A mirror that has not been asked yet locks out whoever stands behind it: refused before anything is made (T105).
#[test]
fn a_new_mirror_in_front_of_the_administrator_is_refused_and_not_made_t105() {
    let home = Home::with_guests();
    done(&home.run(&["group", "add", "admins", "--directory", "Users"]));
    done(&home.run(&["group", "add-member", "admins", "anna", "--directory", "Users"]));
    done(&home.run(&["application", "administrators", "wiki", "admins"]));
    home.file("far.txt", "secret\n");
    let file = |order: &str, more: &str| {
        format!(
            "[[mirror]]\nname = \"Far\"\nurl = \"https://far.example.org/crowd\"\napplication = \"throng\"\n\
             password-file = \"far.txt\"\n[[application]]\nname = \"wiki\"\norder = [{order}]\n{more}"
        )
    };
    let accept = ["--yes", "--accept-unlisted"];
    let front = "\"Far\", \"Users\", \"Guests\"";
    let ended = apply(&home, &file(front, ""), &accept);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("without anybody who can administer it"), "{ended:?}");
    assert!(!ended.stdout.contains("could still administer"), "{ended:?}");
    let names = |home: &Home| home.json(&["directory", "list"]).as_array().map(Vec::len);
    assert_eq!(names(&home), Some(2), "nothing was made");
    let passed = "[[application.seat]]\ndirectory = \"Far\"\nlogin = \"pass\"\n";
    done(&apply(&home, &file(front, passed), &["--dry-run"]));
    done(&apply(&home, &file("\"Users\", \"Guests\", \"Far\"", ""), &accept));
    assert_eq!(names(&home), Some(3));
}
