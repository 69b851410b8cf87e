//! `throng check`, `throng backup` and `throng restore`.

use std::path::PathBuf;

use serde_json::Value;

use crate::home::{Home, done, path, refused};
use crate::process::{over, throng};

#[test]
fn a_check_tells_what_is_not_as_it_should_be() {
    let home = Home::new();
    let clean = home.json(&["check"]);
    assert_eq!((&clean["is_clean"], &clean["directories"][0]["users"]), (&true.into(), &1.into()), "{clean}");
    assert!(done(&home.run(&["check"])).contains("everything is as it should be"));

    home.log_in_once("anna");
    done(&home.run(&["directory", "add", "Guests"]));
    home.import("Guests", "username,password_hash\nAnna,\nzoe,not a hash\n");
    done(&home.run(&["application", "add-seat", "wiki", "Guests", "--position", "1", "--yes"]));
    let found = home.json_with(5, &["check"]);
    assert_eq!(found["directories"][0]["quarantined"]["first"], serde_json::json!(["zoe"]), "{found}");
    assert_eq!(found["directories"][0]["absent"]["count"], 1);
    assert_eq!(found["applications"][0]["outranked"]["first"], serde_json::json!(["anna"]));
    let told = home.run(&["check"]);
    assert!(told.stdout.contains("hash that cannot be checked") && told.stdout.contains("zoe"), "{told:?}");

    done(&home.run(&["application", "remove-seat", "wiki", "Guests", "--yes"]));
    done(&home.run(&["directory", "remove", "Guests", "--yes"]));
    done(&home.run(&["user", "remove", "anna", "--yes"]));
    let gone = home.json(&["check"]);
    assert_eq!(gone["applications"][0]["tombstones"], 1, "{gone}");
}

#[test]
fn a_backup_is_private_whole_and_restored_elsewhere() {
    let home = Home::new();
    let copy = home.folder.path().join("copy.db");
    let backup = |to: &PathBuf| home.run(&["backup", path(to)]);
    done(&backup(&copy));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let before = std::fs::read(&copy).unwrap();
    refused(&backup(&copy), 3, "it exists already");
    refused(&backup(&home.database()), 3, "it exists already");
    refused(&backup(&home.folder.path().join("none/copy.db")), 3, "copy.db");
    done(&home.run(&["user", "remove", "anna", "--yes"]));

    let restored = home.folder.path().join("restored.db");
    let restore = |from: &PathBuf, to: &PathBuf| over(to, &["restore", path(from)], "");
    done(&restore(&copy, &restored));
    let listed = over(&restored, &["user", "list", "--json"], "");
    let listed: Value = serde_json::from_str(done(&listed)).unwrap();
    assert_eq!(listed[0]["name"], "anna");
    refused(&restore(&copy, &restored), 3, "it exists already");
    assert_eq!(std::fs::read(&copy).unwrap(), before, "a backup stays as it is");

    let target = home.folder.path().join("target.db");
    let half = home.folder.path().join("half.db");
    std::fs::write(&half, &before[..before.len() / 2]).unwrap();
    let empty = home.file("empty.db", "");
    let text = home.file("text.db", "this is no database, and never was one");
    let missing = home.folder.path().join("missing.db");
    for (from, code, says) in [
        (&half, 1, "damaged"),
        (&empty, 3, "not a Throng database"),
        (&text, 1, "not an SQLite database"),
        (&missing, 3, "missing.db"),
        (&home.folder.path().to_path_buf(), 1, "not a plain file"),
    ] {
        refused(&restore(from, &target), code, says);
        assert!(!target.exists(), "{}", from.display());
    }
    refused(&throng(["restore", path(&copy)], ""), 2, "--database");
}

#[test]
fn a_restore_takes_no_variable_and_an_export_stays_csv() {
    let home = Home::new();
    let copy = home.folder.path().join("copy.db");
    done(&home.run(&["backup", path(&copy)]));
    let mut restore = crate::process::command(["restore", path(&copy)]);
    restore.env("THRONG_DATABASE", home.folder.path().join("new.db"));
    refused(&crate::process::run(restore, ""), 2, "--database");
    assert!(done(&home.run(&["export", "--json"])).starts_with("username,"));
}
