//! `throng application`.

use crate::home::{Home, done, refused};

#[test]
fn an_application_is_shown_changed_and_removed() {
    let home = Home::new();
    done(&home.run(&["application", "addresses", "wiki", "10.0.0.0/8"]));
    let shown = home.json(&["application", "show", "WIKI"]);
    assert_eq!((&shown["active"], &shown["addresses"]), (&true.into(), &serde_json::json!(["10.0.0.0/8"])));
    assert!(done(&home.run(&["application", "show", "wiki"])).contains("pass if lacked for 7200 s"));
    done(&home.run(&["application", "disable", "wiki"]));
    assert_eq!(home.json(&["application", "list"])[0]["active"], false);
    done(&home.run(&["application", "enable", "wiki"]));

    let drawn = home.run(&["application", "set-password", "wiki"]);
    assert!(done(&drawn).starts_with("throng_"), "{drawn:?}");
    let file = home.file("secret", "seven wooden chairs\n");
    let set = home.run(&["application", "set-password", "wiki", "--password-file", crate::home::path(&file)]);
    assert!(!done(&set).contains("wooden"), "{set:?}");
    refused(&home.run(&["application", "set-password", "wiki", "--password", "x"]), 2, "--password");

    let kept = home.run(&["application", "remove", "wiki"]);
    assert!(done(&kept).contains("0 names") && kept.stderr.contains("nothing was changed"), "{kept:?}");
    assert_eq!(home.json(&["application", "remove", "wiki", "--yes"])["removed"], true);
    refused(&home.run(&["application", "show", "wiki"]), 3, "there is no application");
}

#[test]
fn a_name_of_somebody_who_is_gone_is_freed_by_a_word_t05() {
    let home = Home::new();
    let release = ["application", "release", "wiki", "anna"];
    refused(&home.run(&release), 3, "the name \"anna\" belongs to nobody in \"wiki\"");
    home.log_in_once("anna");
    refused(&home.run(&release), 3, "whom the name \"anna\" belongs to in \"wiki\" is not gone");
    done(&home.run(&["user", "remove", "anna", "--yes"]));
    home.import("Users", "username\nanna\n");
    let why = ["why", "anna", "can-use", "wiki"];
    assert_eq!(home.json_with(3, &why)["admitted"], false, "the name is somebody's who is gone");
    let freed = home.json(&["application", "release", "wiki", "ANNA"]);
    assert_eq!(freed, serde_json::json!({"application": "wiki", "name": "ANNA"}));
    assert_eq!(home.json(&why)["admitted"], true);
    refused(&home.run(&["application", "release", "jira", "anna"]), 3, "there is no application");
}
