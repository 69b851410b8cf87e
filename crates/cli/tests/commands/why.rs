//! `throng why`, `throng explain` and `throng shadows`.

use crate::home::{Home, done, refused};

#[test]
fn why_says_yes_or_no_in_a_sentence_and_by_its_code() {
    let home = Home::with_guests();
    let why = |name: &str| home.run(&["why", name, "can-use", "wiki"]);
    assert!(done(&why("ANNA")).contains("\"ANNA\" can use \"wiki\": every active user of \"Users\" may"));
    let nobody = why("zoe");
    assert_eq!(nobody.code, Some(3), "{nobody:?}");
    assert!(nobody.stdout.contains("cannot use \"wiki\": no directory"), "{nobody:?}");
    done(&home.run(&["application", "access", "wiki", "Guests", "--group", "visitors", "--yes"]));
    done(&home.run(&["application", "access", "wiki", "Users", "--group", "staff", "--yes"]));
    let through = home.json(&["why", "bela", "can-use", "wiki"]);
    assert_eq!(through["admission"]["through"], serde_json::json!(["visitors"]), "{through}");
    let outside = home.json_with(3, &["why", "anna", "can-use", "wiki"]);
    assert_eq!((&outside["admission"], &outside["admitted"]), (&"not_in_any_group".into(), &false.into()));
    done(&home.run(&["user", "disable", "bela", "--directory", "Guests"]));
    assert!(why("bela").stdout.contains("is inactive"));
    done(&home.run(&["application", "disable", "wiki"]));
    for (name, says) in
        [("anna", "off\n"), ("zoe", "off; besides, no directory of the application knows the name")]
    {
        let off = why(name);
        assert_eq!(off.code, Some(3), "{off:?}");
        assert!(off.stdout.contains(&format!("the application is switched {says}")), "{off:?}");
    }
    refused(&home.run(&["why", "anna", "can-use", "jira"]), 3, "there is no application \"jira\"");
    refused(&home.run(&["why", "anna", "owns", "wiki"]), 2, "can-use");
}

#[test]
fn a_directory_that_is_switched_off_is_told_and_not_asked() {
    let home = Home::with_guests();
    done(&home.run(&["directory", "disable", "Guests", "--yes"]));
    let explain = ["explain", "bela", "--application", "wiki"];
    let told = home.run(&explain);
    let lines: Vec<&str> = done(&told).lines().collect();
    assert_eq!(
        lines[1..3],
        ["  1. Users: does not know the name", "  -. Guests: switched off, and not asked"]
    );
    assert_eq!(lines[3], "  => nobody; every directory that is switched on answered");
    let explained = home.json(&explain);
    assert_eq!(explained["occurrences"].as_array().map(Vec::len), Some(1), "{explained}");
    assert_eq!(explained["switched_off"][0]["label"], "Guests", "{explained}");
    assert_eq!(explained["state"], "unknown");
    done(&home.run(&["directory", "enable", "Guests", "--yes"]));
    assert_eq!(home.json(&explain)["switched_off"], serde_json::json!([]));
}

#[test]
fn shadows_tells_what_is_held_twice() {
    let home = Home::with_guests();
    let report = home.json(&["shadows", "--application", "wiki"]);
    assert_eq!(report["names"].as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(report["names"][0]["name"], "anna");
    assert!(done(&home.run(&["shadows"])).contains("accounts in all directories"));
    refused(&home.run(&["shadows", "--application", "jira"]), 3, "there is no application");
}
