//! The command driven as a process: from an empty folder to a login over the network, and everything that it refuses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod process;

use std::path::PathBuf;
use std::process::Stdio;

use process::{Ended, Serving, command, over, run, throng, with};
use serde_json::Value;
use tempfile::TempDir;
use throng::client::RemoteDirectory;
use throng::core::directory::{Credence, Directory, Refusal};
use throng::core::id::DirectoryId;
use throng::core::name::Username;
use throng::core::secret::Secret;
use throng::sqlite::SqliteStore;
use throng::{NewAccount, Throng};

const PASSWORD: &str = "coffee before noon";

/// A folder with a database of one directory, `anna` in it, and the application `wiki`.
struct Home {
    folder: TempDir,
    /// The password of the application.
    secret: String,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("users.db");
        done(&over(&database, &["init"], ""));
        done(&over(&database, &["user", "add", "anna"], &format!("{PASSWORD}\n")));
        let added = over(&database, &["application", "add", "wiki", "--directory", "users"], "");
        let secret = done(&added).trim_end().to_owned();
        assert!(secret.starts_with("throng_"), "{secret}");
        Self { folder, secret }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("users.db")
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        over(&self.database(), arguments, "")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(done(&ended)).unwrap()
    }

    fn serve(&self) -> Serving {
        Serving::start(&[
            "--database".as_ref(),
            self.database().as_ref(),
            "--listen".as_ref(),
            "127.0.0.1:0".as_ref(),
        ])
    }

    /// Writes a configuration file beside the database.
    fn config(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("throng.toml");
        std::fs::write(&path, format!("database = \"users.db\"\n{text}")).unwrap();
        path
    }
}

/// What a command that has to succeed wrote.
fn done(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    &ended.stdout
}

/// A command that has to fail by this code, say this and write nothing.
fn refused(ended: &Ended, code: i32, says: &str) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(ended.stderr.contains(says), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
}

async fn told(serving: &Serving, home: &Home, name: &str, password: &str) -> Credence {
    let id = DirectoryId::from_bytes([7; 16]);
    let secret = Secret::new(home.secret.as_str()).unwrap();
    let remote = RemoteDirectory::builder(id, serving.url.as_str(), "wiki", secret).build().unwrap();
    remote.authenticate(&Username::new(name).unwrap(), &Secret::new(password).unwrap()).await.unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn a_user_logs_in_over_the_network_and_the_server_ends_in_order() {
    let home = Home::new();
    let serving = home.serve();
    assert!(matches!(told(&serving, &home, "Anna", PASSWORD).await, Credence::Accepted(_)));
    let wrong = told(&serving, &home, "anna", "tea at noon").await;
    assert!(matches!(wrong, Credence::Refused(Refusal::WrongPassword)), "{wrong:?}");
    assert!(matches!(told(&serving, &home, "bela", PASSWORD).await, Credence::Unknown));
    assert_eq!(serving.terminate(), (Some(0), String::new()));
    // The times of logins are written down before the end, and the database is whole.
    assert_eq!(home.json(&["user", "list"])[0]["name"], "anna");
}

#[test]
fn init_twice_is_harmless_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("users.db");
    let init = || over(&database, &["init", "--directory", "People", "--json"], "");
    let made = |ended: &Ended| serde_json::from_str::<Value>(done(ended)).unwrap()["made"].clone();
    assert_eq!(made(&init()), true);
    assert_eq!(made(&init()), false);
    let bad = folder.path().join("bad.db");
    refused(&over(&bad, &["init", "--directory", " x"], ""), 3, "throng: ");
    assert!(!bad.exists(), "a name that cannot be one leaves nothing behind");
}

#[test]
fn only_init_makes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("users.db");
    for arguments in [
        &["serve"] as &[&str],
        &["application", "list"],
        &["user", "list"],
        &["user", "add", "anna"],
        &["explain", "anna", "--application", "wiki"],
        &["rounds", "Crowd"],
    ] {
        refused(&over(&database, arguments, "password\n"), 3, "`throng init` makes one");
    }
    assert!(!database.exists());
}

#[test]
fn people_get_tables_and_programs_get_json() {
    let home = Home::new();
    assert_eq!(home.json(&["application", "list"])[0]["order"], serde_json::json!(["Users"]));
    assert!(done(&home.run(&["application", "list"])).contains("wiki"));
    let user = &home.json(&["user", "list"])[0];
    assert_eq!((&user["name"], &user["active"]), (&"anna".into(), &true.into()));
    assert!(done(&home.run(&["user", "list", "--directory", "USERS"])).contains("anna"));
    let explained = home.json(&["explain", "ANNA", "--application", "wiki"]);
    assert!(explained["state"]["means"]["subject"].is_object(), "{explained}");
    let explained = home.run(&["explain", "anna", "--application", "wiki"]);
    assert!(done(&explained).contains("=> means the account in \"Users\""), "{explained:?}");
    assert!(done(&home.run(&["explain", "bela", "--application", "wiki"])).contains("=> nobody"));
}

#[test]
fn what_is_refused_says_why_and_changes_nothing() {
    let home = Home::new();
    let add = |name: &str, input: &str| over(&home.database(), &["user", "add", name], input);
    refused(&add("ANNA", "seven wooden chairs\n"), 3, "the user \"anna\" exists already");
    refused(&add("bela", ""), 2, "the password is empty");
    refused(&add("bela", "two\nlines\n"), 2, "one line");
    refused(&add("bela", &"a".repeat(600)), 2, "longer than 512 bytes");
    refused(&add("bela", "x\n"), 3, "the directory \"Users\"");
    refused(&add(" ", "seven wooden chairs\n"), 3, "throng: ");
    assert_eq!(home.json(&["user", "list"]).as_array().map(Vec::len), Some(1), "bela is not half there");

    let application = |arguments: &[&str]| home.run(&[&["application", "add"], arguments].concat());
    refused(&application(&["WIKI", "--directory", "Users"]), 3, "the application \"WIKI\" exists already");
    refused(&application(&["jira", "--directory", "People"]), 3, "there is no directory \"People\"");
    refused(&application(&["jira", "--directory", "Users", "--directory", "users"]), 3, "throng: ");
    refused(&application(&["jira", "--directory", "Users", "--allow-address", "x"]), 2, "not an IP address");
    refused(&application(&["jira"]), 2, "--directory");
    assert_eq!(home.json(&["application", "list"]).as_array().map(Vec::len), Some(1));

    refused(&home.run(&["explain", "anna", "--application", "jira"]), 3, "there is no application \"jira\"");
    refused(&home.run(&["rounds", "Users"]), 3, "throng: ");
    refused(&throng(["user", "list"], ""), 2, "--database");
    let mut elsewhere = command(["user", "list"]);
    elsewhere.env("THRONG_DATABASE", home.database());
    assert!(done(&run(elsewhere, "")).contains("anna"));
    refused(&home.run(&["user", "add", "bela", "--password", "x"]), 2, "--password");
}

#[test]
fn a_pipe_that_nobody_reads_is_a_failure_and_no_panic() {
    let home = Home::new();
    let mut listing = command(["user", "list", "--database"]);
    listing.arg(home.database());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    listing.stdout(Stdio::from(writer));
    refused(&run(listing, ""), 1, "cannot write to standard output");
    let mut adding = command(["application", "add", "jira", "--directory", "Users", "--database"]);
    adding.arg(home.database());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    adding.stdout(Stdio::from(writer));
    refused(&run(adding, ""), 1, "cannot write to standard output");
    assert_eq!(
        home.json(&["application", "list"]).as_array().map(Vec::len),
        Some(1),
        "nobody has its password"
    );
}

#[test]
fn a_file_that_is_wrong_is_told_by_its_line_and_changes_nothing() {
    let home = Home::new();
    let before = home.json(&["application", "list"]);
    let mirror = "[[mirror]]\nname = \"Crowd\"\nurl = \"http://127.0.0.1:8096\"\napplication = \"a\"\n";
    for (text, line, says) in [
        ("listne = \"127.0.0.1:0\"", 2, "unknown field `listne`"),
        ("[[directory]]\nname = \"A\"\n[[directory]]\nname = \"a\"", 5, "named twice"),
        (&format!("{mirror}password = \"hunter two\""), 6, "does not belong into this file"),
        (&format!("{mirror}password-env = \"THRONG_TEST_NO_SUCH_VARIABLE\""), 6, "is not in the environment"),
        (&format!("{mirror}password-file = \"none\""), 6, "cannot be read"),
        (&format!("{mirror}password-env = \"PATH\"\nwrites = \"x\""), 7, "unknown variant"),
        (
            "[[mirror]]\nname = \"Users\"\nurl = \"http://127.0.0.1:8096\"\napplication = \"a\"\npassword-file = \"p\"",
            3,
            "of another kind",
        ),
        (
            "[[mirror]]\nname = \"C\"\nurl = \"http://u:p@127.0.0.1\"\napplication = \"a\"\npassword-file = \"p\"",
            4,
            "credentials",
        ),
        (
            "[[directory]]\nname = \"New\"\n[[application]]\nname = \"x\"\norder = [\"New\", \"Nowhere\"]",
            6,
            "\"Nowhere\"",
        ),
        (
            "[[directory]]\nname = \"New\"\n[[application]]\nname = \"wiki\"\norder = [\"New\", \"Users\"]",
            5,
            "another order",
        ),
    ] {
        std::fs::write(home.folder.path().join("p"), "secret\n").unwrap();
        let config = home.config(text);
        let ended = with(&config, &["serve", "--listen", "127.0.0.1:0"]);
        refused(&ended, 2, &format!("throng.toml, line {line}: "));
        assert!(ended.stderr.contains(says) && !ended.stderr.contains("hunter"), "{ended:?}");
    }
    let config = home.config("[server]\nbase-url = \"ftp://a\"\n[[directory]]\nname = \"New\"");
    refused(&with(&config, &["serve"]), 2, "`base_url` cannot be used");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = home.config("[[directory]]\nname = \"New\"");
    refused(&with(&config, &["serve", "--listen", &address]), 1, "cannot listen on");
    assert_eq!(home.json(&["application", "list"]), before);
    // It would have to be said which, if there were another.
    done(&home.run(&["user", "list"]));
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_server_mirrors_the_first_and_hands_on() {
    let first = Home::new();
    let serving = first.serve();
    let second = Home::new();
    std::fs::write(second.folder.path().join("secret"), format!("{}\n", first.secret)).unwrap();
    let source = |url: &str| {
        format!(
            "listen = \"127.0.0.1:0\"\n[[mirror]]\nname = \"First\"\nurl = \"{url}\"\napplication = \"wiki\"\n\
             password-file = \"secret\"\nhand-on = true\ninterval = \"1d\"\n[[application]]\nname = \"wiki\"\n\
             order = [\"Users\", \"First\"]\n"
        )
    };
    done(&over(&first.database(), &["user", "add", "bela"], "paper boats sail slowly\n"));
    let config = second.config(&source(&serving.url));
    let synchronised = with(&config, &["sync", "First", "--json"]);
    let round: Value = serde_json::from_str(done(&synchronised)).unwrap();
    assert_eq!(
        (&round["outcome"], &round["counts"]["users_added"]),
        (&"complete".into(), &2.into()),
        "{round}"
    );
    let rounds = second.json(&["rounds", "First"]);
    assert_eq!(rounds.as_array().map(Vec::len), Some(1), "{rounds}");
    let explained = second.run(&["explain", "anna", "--application", "wiki"]);
    assert!(done(&explained).contains("shadowed: First"), "{explained:?}");

    // Whoever goes is gone; many at once wait for somebody.
    let wiki = {
        let store = SqliteStore::open(first.database()).await.unwrap();
        Throng::builder(store).build().await.unwrap().application("wiki").unwrap()
    };
    for number in 0..25 {
        wiki.create_user(NewAccount::named(format!("guest{number}"))).await.unwrap();
    }
    done(&with(&config, &["sync", "First", "--full"]));
    for number in 0..25 {
        let guest = wiki.find_user(&format!("guest{number}")).await.unwrap();
        wiki.remove_user(&guest).await.unwrap();
    }
    let held = with(&config, &["sync", "First", "--full"]);
    assert_eq!(held.code, Some(3), "{held:?}");
    let users = || second.json(&["user", "list", "--directory", "First"]).as_array().map(Vec::len);
    assert_eq!(users(), Some(27));
    let said = held.stderr.lines().find(|line| line.contains("throng approve")).unwrap();
    let hash = said.split('`').nth(1).unwrap().split(' ').next_back().unwrap();
    refused(&second.run(&["approve", "First", "0-0"]), 3, "throng: ");
    done(&second.run(&["approve", "First", hash]));
    done(&with(&config, &["sync", "First"]));
    assert_eq!(users(), Some(2));

    let handing_on = Serving::start(&["--config".as_ref(), config.as_os_str()]);
    let bela = told(&handing_on, &second, "bela", "paper boats sail slowly").await;
    assert!(matches!(bela, Credence::Accepted(_)), "{bela:?}");
    assert_eq!(handing_on.terminate().0, Some(0));

    let url = serving.url.clone();
    assert_eq!(serving.terminate().0, Some(0));
    let config = second.config(&source(&url));
    let failed = with(&config, &["sync", "First", "--full"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert_eq!(second.json(&["user", "list", "--directory", "First"]).as_array().map(Vec::len), Some(2));
}
