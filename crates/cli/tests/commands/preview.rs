//! `throng preview`, and the commands that make what it shows.

use crate::home::{Home, done, refused};

fn owners(preview: &serde_json::Value) -> u64 {
    preview["totals"]["owners"].as_u64().unwrap()
}

#[test]
fn a_preview_shows_who_changes_and_changes_nothing() {
    let home = Home::with_guests();
    let order = ["reorder", "wiki", "Guests", "Users"];
    let preview = home.json(&[&["preview"], &order[..]].concat());
    assert_eq!((owners(&preview), &preview["applied"]), (1, &false.into()), "{preview}");
    assert_eq!(preview["differences"][0]["name"], "anna");
    let tables = home.run(&[&["preview"], &order[..]].concat());
    assert!(done(&tables).contains("another account surfaces"), "{tables:?}");
    assert!(tables.stdout.contains("+visitors"), "{tables:?}");
    assert_eq!(home.json(&["application", "list"])[0]["order"], serde_json::json!(["Users", "Guests"]));
}

#[test]
fn an_order_is_changed_by_the_word_of_somebody_who_saw_it() {
    let home = Home::with_guests();
    let order =
        |more: &[&str]| home.run(&[&["directory", "order", "wiki", "Guests", "Users"], more].concat());
    let shown = order(&[]);
    assert!(done(&shown).contains("anna") && shown.stderr.contains("`--yes` makes this change"), "{shown:?}");
    assert_eq!(home.json(&["application", "list"])[0]["order"], serde_json::json!(["Users", "Guests"]));
    assert!(done(&order(&["--yes"])).contains("the change is made"));
    assert_eq!(home.json(&["application", "list"])[0]["order"], serde_json::json!(["Guests", "Users"]));
    assert_eq!(owners(&home.json(&["preview", "reorder", "wiki", "Users", "Guests"])), 1);

    for (order, code, says) in [
        (&["wiki", "Users"] as &[&str], 2, "leaves the directory \"Guests\" out"),
        (&["wiki", "Users", "USERS", "Guests"], 2, "twice"),
        (&["wiki", "Users", "Guests", "Nowhere"], 3, "there is no directory \"Nowhere\""),
        (&["jira", "Users"], 3, "there is no application \"jira\""),
    ] {
        refused(&home.run(&[&["directory", "order"], order].concat()), code, says);
    }
}

#[test]
fn many_who_change_are_counted_and_listed_when_asked_for() {
    let home = Home::with_guests();
    let rows: String = (0..30).map(|number| format!("guest{number}\n")).collect();
    home.import("Guests", &format!("username\n{rows}"));
    let shown = home.run(&["directory", "disable", "Guests"]);
    assert!(done(&shown).contains("and 11 more; `--all` lists everybody"), "{shown:?}");
    let all = home.run(&["directory", "disable", "Guests", "--all"]);
    assert!(done(&all).contains("guest29") && !all.stdout.contains("more; `--all`"), "{all:?}");
}

#[test]
fn every_change_can_be_looked_at_and_made() {
    let home = Home::with_guests();
    for (looked, made) in [
        (&["access", "wiki", "Guests", "--group", "visitors"] as &[&str], "application"),
        (&["memberships", "wiki", "aggregated"], "application"),
        (
            &["policy", "wiki", "Guests", "--login", "stop", "--lookup", "3h", "--refusal", "pass"],
            "application",
        ),
        (&["disable", "Guests"], "directory"),
        (&["enable", "Guests"], "directory"),
        (&["remove-seat", "wiki", "Guests"], "application"),
        (&["add-seat", "wiki", "Guests", "--position", "1"], "application"),
    ] {
        let looked_at = home.json(&[&["preview"], looked].concat());
        let done = home.json(&[&[made], looked, &["--yes"]].concat());
        assert_eq!(looked_at["totals"], done["totals"], "{looked:?}");
        assert_eq!(done["applied"], true);
        let again = home.run(&[&["preview"], looked, &["--json"]].concat());
        let is_made = again.code == Some(3) || again.stdout.contains("\"changed\":0,");
        assert!(is_made, "{looked:?} {again:?}");
    }
    let shown = home.json(&["application", "show", "wiki"]);
    assert_eq!(shown["memberships"], "aggregated");
    assert_eq!(shown["seats"][0]["directory"], "Guests");
}

#[test]
fn an_application_keeps_somebody_who_can_administer_it_t105() {
    let home = Home::with_guests();
    done(&home.run(&["group", "add", "admins", "--directory", "Users"]));
    done(&home.run(&["group", "add-member", "admins", "anna", "--directory", "Users"]));
    done(&home.run(&["application", "administrators", "wiki", "admins"]));
    let disabled = home.run(&["directory", "disable", "Users", "--yes"]);
    assert_eq!(disabled.code, Some(3), "{disabled:?}");
    assert!(disabled.stderr.contains("without anybody who can administer it"), "{disabled:?}");
    assert_eq!(home.json(&["directory", "list"])[1]["active"], true);
    let in_users = |arguments: &[&str]| home.run(&[arguments, &["--directory", "Users"]].concat());
    for change in [
        &["user", "remove", "anna", "--yes"][..],
        &["user", "disable", "anna"],
        &["group", "remove-member", "admins", "anna"],
        &["group", "remove", "admins", "--yes"],
    ] {
        let ended = in_users(change);
        assert_eq!(ended.code, Some(3), "{change:?}: {ended:?}");
        assert!(ended.stderr.contains("without anybody who can administer it"), "{change:?}: {ended:?}");
    }
    for look in
        [&["disable-user", "anna"][..], &["remove-member", "admins", "anna"], &["remove-group", "admins"]]
    {
        let seen = in_users(&[&["preview"], look, &["--json"]].concat());
        let seen: serde_json::Value = serde_json::from_str(done(&seen)).unwrap();
        assert_eq!(seen["without_administrator"], serde_json::json!(["wiki"]), "{seen}");
    }
    assert!(done(&home.run(&["check"])).contains("everything is as it should be"));
    done(&home.run(&["group", "add", "chiefs", "--directory", "Users"]));
    let nobody = home.run(&["application", "administrators", "wiki", "chiefs", "nowhere"]);
    done(&nobody);
    assert!(
        nobody.stderr.contains("nobody in the groups that administer \"wiki\" can log in now"),
        "{nobody:?}"
    );
    let checked = home.run(&["check"]);
    assert_eq!(checked.code, Some(5), "{checked:?}");
    assert!(checked.stdout.contains("administrators who cannot log in"), "{checked:?}");
    done(&in_users(&["user", "disable", "anna"]));
}

#[test]
fn a_user_is_renamed_and_removed_as_it_was_shown() {
    let home = Home::with_guests();
    let rename = &["rename-user", "anna", "anja", "--directory", "Users"];
    let shown = home.json(&[&["preview"], &rename[..]].concat());
    let names = [&shown["differences"][0]["name"], &shown["differences"][1]["name"]];
    assert_eq!(names, ["anja", "anna"], "{shown}");
    done(&home.run(&["user", "rename", "anna", "anja", "--directory", "Users", "--yes"]));
    assert_eq!(home.json(&["user", "list", "--directory", "Users"])[0]["name"], "anja");
    refused(&home.run(&["user", "rename", "anna", "x", "--directory", "Users"]), 3, "there is no user");
    done(&home.run(&["user", "remove", "anja", "--directory", "Users", "--yes"]));
    assert_eq!(home.json(&["user", "list", "--directory", "Users"]), serde_json::json!([]));
}

#[test]
fn names_are_taken_over_only_when_that_is_said_t01() {
    let home = Home::with_guests();
    done(&home.run(&["why", "anna", "can-use", "wiki"]));
    home.log_in_once("anna");
    let shown = home.json(&["directory", "order", "wiki", "Guests", "Users"]);
    assert_eq!(shown["totals"]["to_adopt"], 1, "{shown}");
    done(&home.run(&["directory", "order", "wiki", "Guests", "Users", "--yes", "--adopt", "same-person"]));
    done(&home.run(&["why", "anna", "can-use", "wiki"]));
    assert!(done(&home.run(&["explain", "anna", "--application", "wiki"])).contains("account in \"Guests\""));
}

#[test]
fn a_change_is_bound_to_what_an_earlier_command_showed() {
    let home = Home::with_guests();
    let order = ["order", "wiki", "Guests", "Users"];
    let looked = home.json(&["preview", "reorder", "wiki", "Guests", "Users"]);
    let seen = looked["fingerprint"].as_str().unwrap();
    let shown = home.run(&[&["directory"], &order[..]].concat());
    assert!(done(&shown).contains(&format!("seen as {seen}\n")), "{shown:?}");
    assert!(shown.stderr.contains(&format!("`--yes --seen {seen}`")), "{shown:?}");
    let all = home.json(&["preview", "reorder", "wiki", "Guests", "Users", "--all"]);
    assert_eq!(all["fingerprint"], looked["fingerprint"]);
    let policy = |silence| home.json(&["preview", "policy", "wiki", "Guests", "--login", silence]);
    assert_ne!(policy("stop")["fingerprint"], policy("2h")["fingerprint"], "nobody changes by either");

    // What concerns nobody of them does not matter; what does is another fingerprint.
    done(&home.run(&["directory", "add", "Others"]));
    home.import("Others", "username\nkai\n");
    assert_eq!(home.json(&["preview", "reorder", "wiki", "Guests", "Users"])["fingerprint"], *seen);
    home.import("Users", "username\nbela\n");
    let make =
        |seen: &str| home.run(&[&["directory"], &order[..], &["--yes", "--json", "--seen", seen]].concat());
    let stale = make(seen);
    refused(&stale, 4, "\"kind\":\"not_now\"");
    assert_eq!(home.json(&["application", "list"])[0]["order"], serde_json::json!(["Users", "Guests"]));
    let now = home.json(&[&["directory"], &order[..]].concat());
    assert_ne!(now["fingerprint"], *seen);
    done(&make(now["fingerprint"].as_str().unwrap()));
    assert_eq!(home.json(&["application", "list"])[0]["order"], serde_json::json!(["Guests", "Users"]));
    refused(&home.run(&[&["directory"], &order[..], &["--seen", seen]].concat()), 2, "--yes");
}
