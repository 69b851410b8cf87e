//! `throng serve`, `throng sync`, and what happens around them.

use serde_json::Value;
use throng::client::RemoteDirectory;
use throng::core::directory::{Credence, Directory, Refusal};
use throng::core::id::DirectoryId;
use throng::core::name::Username;
use throng::core::secret::Secret;
use throng::sqlite::SqliteStore;
use throng::{NewAccount, Throng};

use crate::home::{Home, PASSWORD, done, refused};
use crate::process::{Serving, over, with};

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
    assert!(!explained.stdout.contains("not handed on"), "{explained:?}");
    assert_eq!(second.json(&["why", "bela", "can-use", "wiki"])["handed_on"], true);
    // Without a word about it, the users of a mirror stay here.
    let kept_back = second.config(&source(&serving.url).replace("hand-on = true", "hand-on = false"));
    done(&with(&kept_back, &["apply", "--yes"]));
    for (asked, json) in [
        (&["explain", "bela", "--application", "wiki"][..], "handed_on"),
        (&["why", "bela", "can-use", "wiki"], "handed_on"),
    ] {
        let told = second.run(asked);
        let says = "the users of the mirror \"First\" are not handed on";
        assert!(done(&told).contains(says), "{told:?}");
        assert_eq!(second.json(asked)[json], false);
    }
    assert_eq!(second.json(&["explain", "anna", "--application", "wiki"])["handed_on"], true);
    assert_eq!(second.json(&["explain", "zoe", "--application", "wiki"])["handed_on"], Value::Null);
    done(&with(&second.config(&source(&serving.url)), &["apply", "--yes"]));

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
async fn a_recovery_administrator_gets_in_and_is_seen_r909() {
    let home = Home::new();
    let file = home.file("recovery", "a long word of last resort\n");
    let serving = Serving::start(&[
        "--database".as_ref(),
        home.database().as_ref(),
        "--listen".as_ref(),
        "127.0.0.1:0".as_ref(),
        "--recovery-password-file".as_ref(),
        file.as_ref(),
        "--recovery-until".as_ref(),
        "2999-01-01T00:00:00Z".as_ref(),
    ]);
    let seen = told(&serving, &home, "recovery-admin", "a long word of last resort").await;
    assert!(matches!(seen, Credence::Accepted(_)), "{seen:?}");
    let seen = told(&serving, &home, "recovery-admin", "another word").await;
    assert!(matches!(seen, Credence::Refused(_)), "{seen:?}");
    assert_eq!(serving.terminate().0, Some(0));

    let config = home.config("listen = \"127.0.0.1:0\"\n[recovery]\npassword-file = \"recovery\"\n");
    let listed = with(&config, &["directory", "list", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(done(&listed)).unwrap()[0]["kind"], "recovery");
    home.file("recovery", "short\n");
    refused(&with(&config, &["serve"]), 3, "throng: ");
    let until = ["serve", "--recovery-password-file", "x", "--recovery-until", "soon"];
    refused(&home.run(&until), 2, "a moment is written as");
}

/// P1: between two servers, users go along with their passwords where both files say so.
#[cfg(unix)]
#[tokio::test]
async fn a_move_into_a_mirror_carries_passwords_where_its_server_takes_them_p1() {
    for (hashes, writes, is_carried) in [
        ("taken", "remote-with-hashes", true),
        ("refused", "remote-with-hashes", false),
        ("taken", "remote", false),
    ] {
        let (first, second) = (Home::new(), Home::new());
        let server = first.config(&format!("listen = \"127.0.0.1:0\"\n[server]\nhashes = \"{hashes}\"\n"));
        let serving = Serving::start(&["--config".as_ref(), server.as_os_str()]);
        second.file("secret", &format!("{}\n", first.secret));
        let config = second.config(&format!(
            "[[mirror]]\nname = \"First\"\nurl = \"{}\"\napplication = \"wiki\"\npassword-file = \"secret\"\n\
             writes = \"{writes}\"\n[[application]]\nname = \"wiki\"\norder = [\"Users\", \"First\"]\n",
            serving.url
        ));
        done(&with(&config, &["sync", "First"]));
        let password = "paper boats sail slowly";
        done(&over(&second.database(), &["user", "add", "bela", "--directory", "Users"], password));
        let run = ["move", "run", "--from", "Users", "--to", "First", "--user", "bela", "--json"];
        let ran = with(&config, &run);
        let ran: Value = serde_json::from_str(done(&ran)).unwrap();
        assert_eq!((&ran["counts"]["moved"], &ran["counts"]["failed"]), (&1.into(), &0.into()), "{ran}");
        let seen = told(&serving, &first, "bela", password).await;
        assert_eq!(matches!(seen, Credence::Accepted(_)), is_carried, "{hashes} {writes}: {seen:?}");
        assert_eq!(serving.terminate().0, Some(0));
    }
}

/// Who was moved out of a mirror logs in once more before the password is kept, and is listed until then.
#[cfg(unix)]
#[test]
fn whoever_waits_for_a_password_is_listed_and_so_is_a_file_that_names_another_order() {
    let (first, second) = (Home::new(), Home::new());
    done(&over(&first.database(), &["user", "add", "bela"], "paper boats sail slowly\n"));
    let serving = first.serve();
    second.file("secret", &format!("{}\n", first.secret));
    let config = second.config(&format!(
        "[[mirror]]\nname = \"First\"\nurl = \"{}\"\napplication = \"wiki\"\npassword-file = \"secret\"\n\
         [[application]]\nname = \"wiki\"\norder = [\"Users\", \"First\"]\n",
        serving.url
    ));
    done(&with(&config, &["apply", "--yes", "--accept-unlisted"]));
    let mirror_first = ["directory", "order", "wiki", "First", "Users", "--yes", "--accept-unlisted"];
    done(&second.run(&mirror_first));
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"Users\", \"First\"", "\"First\", \"Users\"")).unwrap();
    done(&with(&config, &["sync", "First"]));
    let run =
        ["move", "run", "--from", "First", "--to", "Users", "--user", "bela", "--target-first", "--json"];
    let ran = with(&config, &run);
    let told: Value = serde_json::from_str(done(&ran)).unwrap();
    assert!(ran.stderr.contains("names another order of \"wiki\" than there is now"), "{ran:?}");
    assert_eq!(
        (&told["pending"][0]["name"], &told["counts"]["pending"]),
        (&"bela".into(), &1.into()),
        "{told}"
    );
    assert_eq!(told["pending"][0]["until"], told["waiting_until"]);
    let status = with(&config, &["move", "status", told["id"].as_str().unwrap()]);
    let line = done(&status).lines().find(|line| line.contains("bela")).map(str::to_owned);
    assert!(line.is_some_and(|line| line.contains(told["waiting_until"].as_str().unwrap())), "{status:?}");
    refused(&with(&config, &["sync", "First"]), 2, "another order");
}
