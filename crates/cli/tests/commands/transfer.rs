//! `throng import` and `throng export`.

use crate::home::{Home, done, path, refused};

/// A weak hash of `coffee before noon` is not needed: what counts is what becomes of it.
const ROWS: &str = "username,email,groups,password_hash\n\
                    bela,b@example.org,staff|editors,{SSHA}ud5iXyrT0YD877BQBnOiVUuuc7VzYWx0\n\
                    zoe,,,not a hash\n\
                    kai,,staff,\n";

#[test]
fn a_file_is_imported_whole_or_not_at_all() {
    let home = Home::new();
    let file = home.file("users.csv", ROWS);
    let import = |more: &[&str]| home.run(&[&["import", path(&file), "--directory", "Users"], more].concat());
    let dry = import(&["--dry-run"]);
    assert!(done(&dry).contains("zoe") && dry.stderr.contains("nothing was written"), "{dry:?}");
    assert_eq!(home.json(&["user", "list"]).as_array().map(Vec::len), Some(1));
    let told: serde_json::Value = serde_json::from_str(done(&import(&["--json"]))).unwrap();
    assert_eq!(
        (&told["users"], &told["wrapped"], &told["without_password"]),
        (&3.into(), &1.into(), &1.into())
    );
    assert_eq!(told["quarantined"][0]["name"], "zoe", "{told}");
    refused(&import(&[]), 3, "line 2: the name is taken");
    for (text, says) in [
        ("", "line 1: there is no header"),
        ("name,nick\nx,y\n", "there is no column \"nick\" here"),
        ("username\nx\nx,y\n", "line 3"),
        ("username\nanna \n", "line 2"),
    ] {
        let file = home.file("bad.csv", text);
        refused(&home.run(&["import", path(&file), "--directory", "Users"]), 3, says);
    }
    let nothing = home.folder.path().join("nothing.csv");
    refused(&home.run(&["import", path(&nothing), "--directory", "Users"]), 3, "nothing.csv");
    refused(&home.run(&["import", path(home.folder.path()), "--directory", "Users"]), 1, "is a directory");
    assert_eq!(home.json(&["user", "list"]).as_array().map(Vec::len), Some(4));
}

#[test]
fn hashes_are_exported_only_when_asked_for_and_only_into_a_private_file_t103() {
    let home = Home::new();
    let export = |more: &[&str]| home.run(&[&["export", "--directory", "Users"], more].concat());
    let plain = export(&[]);
    assert!(done(&plain).contains("anna") && !plain.stdout.contains("argon2"), "{plain:?}");
    refused(&export(&["--with-password-hashes"]), 2, "--output");
    let file = home.folder.path().join("users.csv");
    let with_hashes = ["--with-password-hashes", "--output", path(&file)];
    let exported = export(&with_hashes);
    assert_eq!(done(&exported), "");
    assert!(exported.stderr.contains("holds password hashes"), "{exported:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("$argon2id$"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    refused(&export(&with_hashes), 3, "exists");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "what is there is not touched");

    // What was exported logs in elsewhere.
    done(&home.run(&["directory", "add", "Copy"]));
    done(&home.run(&["import", path(&file), "--directory", "Copy"]));
    done(&home.run(&["application", "add-seat", "wiki", "Copy", "--position", "1", "--yes"]));
    home.log_in_once("anna");
    done(&home.run(&["group", "add", "staff", "--directory", "Copy"]));
    assert!(done(&home.run(&["export", "--groups", "--directory", "Copy"])).contains("staff"));
}
