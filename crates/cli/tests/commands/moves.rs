//! `throng move`.

use crate::home::{Home, done, path, refused};
#[cfg(unix)]
use crate::process::command;

fn move_id(home: &Home) -> String {
    home.json(&["move", "list"])[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn users_move_with_their_passwords_and_back_again_p1() {
    let home = Home::with_guests();
    home.log_in_once("anna");
    let between = ["--from", "Users", "--to", "Guests"];
    let planned = home.run(&[&["move", "plan"], &between[..]].concat());
    assert_eq!(planned.code, Some(3), "{planned:?}");
    assert!(planned.stderr.contains("in the way"), "{planned:?}");
    let ran = home.run(&[&["move", "run"], &between[..]].concat());
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("the names of 1 of the users"), "{ran:?}");
    assert_eq!(home.json(&["move", "list"]), serde_json::json!([]), "nothing was begun");

    let linked = [&between[..], &["--on-taken", "link"]].concat();
    let clear = home.json(&[&["move", "plan"], &linked[..]].concat());
    assert_eq!((&clear["is_clear"], clear["users"].as_array().map(Vec::len)), (&true.into(), Some(1)));
    let ran = home.json(&[&["move", "run"], &linked[..]].concat());
    assert_eq!((&ran["counts"]["moved"], &ran["state"]), (&1.into(), &"moved".into()), "{ran}");
    home.log_in_once("anna");
    assert_eq!(home.json(&["user", "show", "anna"])[0]["directory"], "Guests");
    assert_eq!(home.json(&["user", "list", "--directory", "Users"]), serde_json::json!([]));

    let id = move_id(&home);
    assert!(done(&home.run(&["move", "verify", &id])).contains("as the move left them"));
    assert!(done(&home.run(&["move", "status", &id])).contains("Guests"));
    refused(&home.run(&["move", "purge", &id]), 3, "the move is moved");
    done(&home.run(&["move", "revert", &id]));
    home.log_in_once("anna");
    assert_eq!(home.json(&["user", "list", "--directory", "Users"])[0]["name"], "anna");
    assert!(done(&home.run(&["move", "purge", &id])).contains("purged"));
    refused(&home.run(&["move", "resume", &id]), 3, "the move is purged");
}

#[test]
fn a_file_is_moved_in_and_what_is_wrong_with_it_is_told() {
    let home = Home::with_guests();
    let file = home.file("move.csv", "username,password_hash\nkai,\nmia,not a hash\n");
    let from = ["--from-file", path(&file), "--to", "Users"];
    assert!(done(&home.run(&[&["move", "plan"], &from[..]].concat())).contains("cannot be checked"));
    let ran = home.json(&[&["move", "run"], &from[..]].concat());
    assert_eq!(ran["counts"]["moved"], 2, "{ran}");
    done(&home.run(&["move", "finish", &move_id(&home)]));
    let run = |arguments: &[&str]| home.run(&[&["move", "run"], arguments].concat());
    refused(&run(&["--from", "Users", "--to", "Users"]), 3, "the same directory");
    refused(&run(&["--from", "Users", "--to", "Guests", "--user", "zoe"]), 3, "no user \"zoe\"");
    refused(&run(&["--from", "Guests", "--to", "Users", "--name-prefix", "z"]), 3, "nobody is selected");
    refused(
        &run(&["--from", "Users", "--from-file", path(&file), "--to", "Guests"]),
        2,
        "cannot be used with",
    );
    refused(&run(&["--to", "Guests"]), 2, "--from");
    refused(&run(&["--from", "Nowhere", "--to", "Guests"]), 3, "there is no directory \"Nowhere\"");
    refused(&home.run(&["move", "status", "1"]), 2, "invalid value");
    let unknown = "00000000-0000-4000-8000-000000000000";
    refused(&home.run(&["move", "status", unknown]), 3, "there is no such move");
}

/// A directory that a move needs stays, and whoever cannot log in afterwards is told by name.
#[test]
fn what_a_move_needs_stays_and_whoever_is_shut_out_is_named() {
    let home = Home::with_guests();
    home.import("Guests", "username,password_hash\nkai,not a hash\n");
    let ran =
        home.json(&["move", "run", "--from", "Guests", "--to", "Users", "--user", "kai", "--user", "bela"]);
    assert_eq!((&ran["counts"]["moved"], &ran["counts"]["quarantined"]), (&2.into(), &1.into()), "{ran}");
    assert_eq!(ran["closed"][0]["name"], "kai", "{ran}");
    let id = move_id(&home);
    let status = home.run(&["move", "status", &id]);
    assert!(done(&status).contains("cannot be checked"), "{status:?}");
    done(&home.run(&["application", "remove-seat", "wiki", "Guests", "--yes"]));
    refused(&home.run(&["directory", "remove", "Guests", "--yes"]), 3, "it must be purged first");
    refused(&home.run(&["preview", "remove-directory", "Users"]), 3, &id);
    done(&home.run(&["move", "finish", &id]));
    done(&home.run(&["move", "purge", &id]));
    done(&home.run(&["directory", "remove", "Guests", "--yes"]));
    refused(&home.run(&["move", "verify", &id]), 3, "the move is purged");
}

/// A seat that a move adds is told with whom it lets in.
#[test]
fn a_seat_that_a_move_adds_is_told() {
    let home = Home::with_guests();
    done(&home.run(&["application", "remove-seat", "wiki", "Guests", "--yes"]));
    let between = ["--from", "Users", "--to", "Guests", "--on-taken", "link"];
    refused(&home.run(&[&["move", "run"], &between[..]].concat()), 3, "asks the source and not the target");
    let plan = home.run(&[&["move", "plan", "--target-first"], &between[..]].concat());
    let told = done(&plan);
    assert!(told.contains("\"Guests\" is added to it, and opens \"wiki\" to everybody there"), "{told}");
    assert!(told.contains("names would mean another account"), "{told}");
}

#[test]
fn whoever_a_query_matches_is_moved_and_the_journal_says_the_query() {
    let home = Home::with_guests();
    home.import(
        "Users",
        "username,email,active\nkai,kai@example.org,true\nmia,mia@example.org,false\nzoe,,true\n",
    );
    let query = "email = '*@EXAMPLE.org' and (active = true or name = zoe)";
    let selected = ["--from", "Users", "--to", "Guests", "--query", query];
    let plan = home.json(&[&["move", "plan"], &selected[..]].concat());
    let names: Vec<_> = plan["users"].as_array().unwrap().iter().map(|user| &user["name"]).collect();
    assert_eq!(names, ["kai"], "{plan}");
    assert_eq!(home.json(&[&["move", "run"], &selected[..]].concat())["counts"]["moved"], 1);
    let whom = &home.json(&["move", "list"])[0]["whom"];
    assert_eq!(*whom, format!("the users that match the query `{query}`"));
    let file = home.file("more.csv", "username,email,active\nida,ida@example.org,true\nleo,,true\n");
    let from_file = ["move", "plan", "--from-file", path(&file), "--to", "Guests", "--query", query];
    assert_eq!(home.json(&from_file)["users"].as_array().map(Vec::len), Some(1));
    let by_prefix = ["move", "run", "--from", "Users", "--to", "Guests", "--name-prefix", "z"];
    assert_eq!(home.json(&by_prefix)["whom"], "the users that match the name prefix \"z\"");

    for (query, says) in [
        ("name = ", "the search is malformed at byte 7, where it ends"),
        (
            "name ! anna and active = true",
            "the search is malformed at byte 5, before \"! anna and active = \"",
        ),
        ("email = é or (name = a", "the search is malformed at byte 23, where it ends"),
        ("createdDate > 2020-01-01", "searching by `createdDate` is not supported"),
        (" ", "it is empty; without `--query` everybody is meant"),
    ] {
        refused(&home.run(&["move", "run", "--from", "Users", "--to", "Guests", "--query", query]), 2, says);
    }
    let both = [&["move", "plan"], &selected[..], &["--user", "zoe"]].concat();
    refused(&home.run(&both), 2, "cannot be used with");
}

#[test]
fn what_an_ldap_server_or_a_product_wrote_out_is_moved_in() {
    let home = Home::with_guests();
    let ldif = "dn: uid=nia,dc=x\nobjectClass: inetOrgPerson\nuid: nia\ncn: Nia\nsn: N\n\n\
                dn: cn=crew,dc=x\nobjectClass: groupOfNames\ncn: crew\nmember: uid=nia,dc=x\n";
    let file = home.file("people.ldif", ldif);
    let ran = home.json(&["move", "run", "--from-file", path(&file), "--to", "Users"]);
    assert_eq!(ran["counts"]["moved"], 1, "{ran}");
    assert!(done(&home.run(&["group", "show", "crew", "--directory", "Users"])).contains("nia"));
    let broken = home.file("broken.ldif", "uid: nobody\n");
    refused(&home.run(&["move", "plan", "--from-file", path(&broken), "--to", "Users"]), 3, "line 1");

    let backup = home.file("backup.xml", include_str!("../../../interchange/tests/files/crowd_backup.xml"));
    let plan = ["move", "plan", "--from-file", path(&backup), "--to", "Guests"];
    refused(&home.run(&plan), 2, "--backup-directory");
    let chosen = [&plan[..], &["--backup-directory", "People", "--on-taken", "skip"]].concat();
    done(&home.run(&chosen));
    let nowhere = [&plan[..], &["--backup-directory", "nowhere"]].concat();
    refused(&home.run(&nowhere), 3, "there is no such directory");
}

#[test]
fn a_row_of_a_name_that_an_earlier_one_has_is_told_with_both_lines_and_the_file() {
    let home = Home::with_guests();
    let csv = home.file("twice.csv", "username\nkai\nmia\nKAI\n");
    let groups = home.file("groups.csv", "name\nstaff\nStaff\n");
    let fine = home.file("fine.csv", "username\nkai\n");
    let person = |name: &str, at: &str| format!("dn: uid={at}\nobjectClass: account\nuid: {name}\n\n");
    let ldif =
        home.file("twice.ldif", &[person("kai", "1"), person("mia", "2"), person("Kai", "3")].concat());
    let backup = include_str!("../../../interchange/tests/files/crowd_backup.xml");
    let xml = home.file("twice.xml", &backup.replace("<name>tal</name>", "<name>ANNA</name>"));
    for (file, more, says) in [
        (&csv, &[][..], "twice.csv, line 4: the name is taken by line 2"),
        (&fine, &["--groups-file", path(&groups)], "groups.csv, line 3: the name is taken by line 2"),
        (&ldif, &[], "twice.ldif, line 9: the name is taken by line 1"),
        (&xml, &["--backup-directory", "People"], "twice.xml, line 66: the name is taken by line 44"),
    ] {
        for what in ["plan", "run"] {
            let arguments = [&["move", what, "--from-file", path(file), "--to", "Users"], more].concat();
            refused(&home.run(&arguments), 3, says);
        }
    }
    let import = ["import", path(&csv), "--directory", "Users"];
    refused(&home.run(&import), 3, "twice.csv, line 4: the name is taken by line 2");
    let import = ["import", path(&fine), "--groups", path(&groups), "--directory", "Users", "--dry-run"];
    refused(&home.run(&import), 3, "groups.csv, line 3: the name is taken by line 2");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_move_between_two_users_and_says_how_to_go_on() {
    use std::io::{BufRead, BufReader, Read};

    let home = Home::with_guests();
    let rows: String = (0..400).map(|number| format!("user{number}\n")).collect();
    home.import("Users", &format!("username\n{rows}"));
    let mut moving = command(["move", "run", "--from", "Users", "--to", "Guests", "--name-prefix", "user"]);
    let mut moving = moving.arg("--database").arg(home.database()).spawn().unwrap();
    let mut stderr = BufReader::new(moving.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains(": 400 users"), "{line}");
    let sent = std::process::Command::new("kill").args(["-INT", &moving.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(moving.wait().unwrap().code(), Some(1), "{rest}");
    let id = move_id(&home);
    assert!(rest.contains(&format!("throng move resume {id} --database ")), "{rest}");
    let stopped = home.json(&["move", "status", &id]);
    assert_eq!(stopped["state"], "running", "{stopped}");
    assert!(stopped["counts"]["waiting"].as_u64().unwrap() > 0, "{stopped}");
    let resumed = home.json(&["move", "resume", &id]);
    assert_eq!(resumed["counts"]["moved"], 400, "{resumed}");
    assert_eq!(home.json(&["user", "list", "--directory", "Users"]).as_array().map(Vec::len), Some(1));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_plan_with_a_word() {
    let home = Home::with_guests();
    let pipe = home.folder.path().join("people.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let rows: String = (0..60_000).map(|number| format!("user{number}\n")).collect();
    let mut moving = command(["move", "run", "--from-file", path(&pipe), "--to", "Guests", "--json"]);
    let moving = moving.arg("--database").arg(home.database()).spawn().unwrap();
    // Whoever reads the pipe to its end listens to signals already, and has the plan before it.
    std::fs::write(&pipe, format!("username\n{rows}")).unwrap();
    let sent = std::process::Command::new("kill").args(["-INT", &moving.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = moving.wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{stderr}");
    let said: serde_json::Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
    assert_eq!(said["error"], "stopped while it was planned: nothing was begun", "{stderr}");
    assert_eq!(home.json(&["move", "list"]), serde_json::json!([]));
}

/// A disk that is full, as a file that may grow no more.
#[cfg(unix)]
#[test]
fn a_move_that_fails_after_it_began_says_how_to_go_on() {
    let home = Home::with_guests();
    let rows: String = (0..400).map(|number| format!("user{number}\n")).collect();
    home.import("Users", &format!("username\n{rows}"));
    let shell = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
    let most = std::fs::metadata(home.database()).unwrap().len() / 1_024 + 400;
    let mut moving = std::process::Command::new("bash");
    moving.args(["-c", shell, "bash", &most.to_string(), env!("CARGO_BIN_EXE_throng")]);
    moving.args(["move", "run", "--from", "Users", "--to", "Guests", "--name-prefix", "user"]);
    let ended = moving.arg("--database").arg(home.database()).output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success(), "{stderr}");
    let id = move_id(&home);
    assert!(stderr.contains(&format!("this goes on:\n  throng move resume {id} --database ")), "{stderr}");
    assert_eq!(home.json(&["move", "status", &id])["state"], "running");
}
