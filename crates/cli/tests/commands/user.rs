//! `throng user` and `throng group`.

use crate::home::{Home, done, path, refused};
use crate::process::over;

#[test]
fn a_user_is_shown_switched_and_given_another_password() {
    let home = Home::with_guests();
    let shown = home.json(&["user", "show", "anna"]);
    assert_eq!(shown.as_array().map(Vec::len), Some(2), "{shown}");
    assert_eq!(shown[0]["groups"], serde_json::json!(["visitors"]));
    refused(&home.run(&["user", "show", "zoe"]), 3, "there is no user \"zoe\"");
    refused(&home.run(&["user", "disable", "anna"]), 2, "say which directory");
    done(&home.run(&["user", "disable", "anna", "--directory", "Users"]));
    assert_eq!(home.json(&["user", "list", "--directory", "Users"])[0]["active"], false);
    done(&home.run(&["user", "enable", "anna", "--directory", "Users"]));
    let set = |input: &str| {
        over(&home.database(), &["user", "set-password", "anna", "--directory", "Users"], input)
    };
    done(&set("seven wooden chairs\n"));
    refused(&set("x\n"), 3, "the directory \"Users\"");
    refused(&set(""), 2, "the password is empty");
    home.log_in("anna", "seven wooden chairs");
}

#[test]
fn groups_hold_users_and_groups() {
    let home = Home::new();
    let group = |arguments: &[&str]| home.run(&[&["group"], arguments].concat());
    done(&group(&["add", "staff", "--description", "everybody"]));
    done(&group(&["add", "editors"]));
    refused(&group(&["add", "STAFF"]), 3, "exists already");
    done(&group(&["add-member", "editors", "anna"]));
    done(&group(&["add-member", "staff", "editors", "--kind", "group"]));
    refused(&group(&["add-member", "staff", "zoe"]), 3, "missing");
    refused(&group(&["add-member", "editors", "staff", "--kind", "group"]), 3, "conflict");
    let shown = home.json(&["group", "show", "editors"]);
    assert_eq!(shown["members"], serde_json::json!([{"user": "anna"}]), "{shown}");
    assert_eq!(shown["parents"], serde_json::json!(["staff"]));
    assert!(done(&group(&["list"])).contains("everybody"));
    done(&group(&["remove-member", "editors", "anna"]));
    assert!(group(&["remove", "editors"]).stderr.contains("nothing was changed"));
    done(&group(&["remove", "editors", "--yes"]));
    refused(&group(&["show", "editors"]), 3, "there is no group \"editors\"");
}

/// A newcomer is not put in front of somebody in silence (T01).
#[test]
fn newcomers_who_would_be_taken_for_others_are_refused_t01() {
    let home = Home::with_guests();
    let password = home.file("password", "tea in the garden\n");
    let add = |more: &[&str]| {
        let arguments = ["user", "add", "bela", "--directory", "Users", "--password-file", path(&password)];
        home.run(&[&arguments[..], more].concat())
    };
    refused(&add(&[]), 3, "\"bela\" means somebody in \"Guests\" to \"wiki\"");
    let file = home.file("more.csv", "username\nbela\nkai\n");
    let import = ["import", path(&file), "--directory", "Users"];
    refused(&home.run(&import), 3, "\"bela\" means somebody in \"Guests\" to \"wiki\"");
    assert_eq!(home.json(&["user", "list", "--directory", "Users"]).as_array().map(Vec::len), Some(1));
    done(&add(&["--allow-namesake"]));
    done(&home.run(&["user", "remove", "bela", "--directory", "Users", "--yes"]));
    done(&home.run(&[&import[..], &["--allow-namesakes"]].concat()));
    assert_eq!(home.json(&["user", "list", "--directory", "Users"]).as_array().map(Vec::len), Some(3));
}
