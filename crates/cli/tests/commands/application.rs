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
