//! What people read where something is refused: the thing by its name, and what is wrong with it.

use serde_json::{Value, json};

use crate::home::{Home, done, refused};
use crate::process::{over, throng, with};

#[test]
fn what_is_refused_is_named() {
    let home = Home::with_guests();
    for mirror in [&["rounds", "Users"][..], &["approve", "users", "1-2"]] {
        refused(&home.run(mirror), 3, "the directory \"Users\" is no mirror");
    }
    let access = home.run(&["preview", "access", "wiki", "Users"]);
    refused(&access, 2, "<--everyone|--group <NAME>>");
    refused(
        &home.run(&["preview", "access", "wiki", "Users", "--everyone", "--group", "a"]),
        2,
        "cannot be used",
    );

    let folder = home.folder.path();
    let nowhere = folder.join("nowhere").join("x.db");
    let backup = home.run(&["backup", nowhere.to_str().unwrap()]);
    refused(&backup, 3, &format!("there is no folder for the file {}", nowhere.display()));
    let restore = |from: &str, to: &std::path::Path| over(to, &["restore", from], "");
    refused(&restore("nix.db", &folder.join("new.db")), 3, "there is no backup nix.db");
    let copy = folder.join("copy.db");
    done(&home.run(&["backup", copy.to_str().unwrap()]));
    refused(&restore(copy.to_str().unwrap(), &nowhere), 3, "there is no folder for the file");

    let add = ["group", "add-member", "visitors", "bela", "--directory", "Guests"];
    refused(&home.run(&add), 3, "throng: \"bela\" is in the group \"visitors\" already\n");
    done(&home.run(&["group", "add", "inner", "--directory", "Guests"]));
    let nest = |outer, inner| {
        home.run(&["group", "add-member", outer, inner, "--kind", "group", "--directory", "Guests"])
    };
    done(&nest("visitors", "inner"));
    assert!(!nest("inner", "visitors").stderr.contains("already"), "a circle is something else");

    for line in [&["--json", "move"][..], &["--json", "application"]] {
        let missing = throng(line, "");
        refused(&missing, 2, "");
        let said: Value = serde_json::from_str(&missing.stderr).unwrap();
        assert_eq!(said["error"], "a subcommand is missing: `--help` lists them", "{missing:?}");
    }
}

#[test]
fn a_group_that_is_named_twice_administers_once_and_is_named_where_nobody_is_in_it() {
    let home = Home::new();
    let said = home.run(&["application", "administrators", "wiki", "chiefs", "CHIEFS", "heads"]);
    assert!(done(&said).contains("administered by chiefs, heads"), "{said:?}");
    assert_eq!(home.json(&["application", "show", "wiki"])["administrators"], json!(["chiefs", "heads"]));
    let checked = home.run(&["check"]);
    let line = checked.stdout.lines().find(|line| line.contains("administrators who cannot log in")).unwrap();
    assert!(line.contains("chiefs, heads"), "{checked:?}");
    let config = home.config(
        "[[application]]\nname = \"wiki\"\norder = [\"Users\"]\nadministrators = [\"chiefs\", \"heads\", \"Heads\"]\n",
    );
    assert_eq!(done(&with(&config, &["apply"])), "nothing to change\n");
    let seats = "[[application]]\nname = \"wiki\"\norder = [\"Users\"]\n[[application.seat]]\ndirectory = \"Users\"\n\
                 [[application.seat]]\ndirectory = \"USERS\"\n";
    refused(
        &with(&home.config(seats), &["apply"]),
        2,
        "line 8: there are two seats of the directory \"USERS\"",
    );
}
