//! Moves over a connection, between two throngs on SQLite: what people were told is impossible.
#![cfg(all(feature = "sqlite", feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::future::pending;
use std::sync::Arc;

use throng::client::{RemoteDirectory, Writes};
use throng::core::id::DirectoryId;
use throng::core::password::EncodedHash;
use throng::core::secret::Secret;
use throng::moves::{MoveControl, MoveRequest, MoveState, Options, OrderChange, PasswordFate};
use throng::server::{Hashes, ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::{Application, Depth, NewAccount, Plan, Throng};
use tokio::net::TcpListener;

const JIRA: DirectoryId = DirectoryId::from_bytes([9; 16]);
const RIGHT: &str = "a lantern in the fog";

/// Jira serves its users; Confluence has its own, and asks Jira behind them.
struct Houses {
    jira: Throng,
    jira_app: Application,
    confluence: Throng,
    wiki: Application,
    own: DirectoryId,
}

async fn houses(hashes: Hashes, writes: Writes) -> Houses {
    let jira = Throng::builder(SqliteStore::in_memory().await.unwrap()).build().await.unwrap();
    let people = jira.internal_directory("Jira users").await.unwrap();
    let jira_app = jira.ensure_application("jira", Plan::new().seat(people).unwrap()).await.unwrap();
    let consumer = jira.ensure_application("confluence", Plan::new().seat(people).unwrap()).await.unwrap();
    let password = Secret::new(consumer.draw_password().await.unwrap().expose()).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = UserServer::new(jira.clone(), ServerConfig { hashes, ..ServerConfig::default() }).unwrap();
    tokio::spawn(async move { server.serve(listener, pending()).await });

    let remote = RemoteDirectory::builder(JIRA, &url, "confluence", password).writes(writes).build().unwrap();
    let store = SqliteStore::in_memory().await.unwrap();
    let confluence = Throng::builder(store).directory("Jira", Arc::new(remote)).build().await.unwrap();
    let own = confluence.internal_directory("Confluence users").await.unwrap();
    let plan = Plan::new().seat(own).unwrap().seat(JIRA).unwrap();
    let wiki = confluence.ensure_application("wiki", plan).await.unwrap();
    Houses { jira, jira_app, confluence, wiki, own }
}

impl Houses {
    async fn people(&self) -> Vec<throng::core::id::IdentityId> {
        let mut identities = Vec::new();
        for name in ["Anna", "bela"] {
            let account = NewAccount::named(name).password(RIGHT).email(format!("{name}@example.org"));
            let user = self.wiki.create_user(account).await.unwrap();
            for group in ["writers", "everybody"] {
                let exists = self.wiki.find_group(group).await.is_ok();
                if !exists {
                    self.wiki.create_group(group, "").await.unwrap();
                }
                self.wiki.add_user_to_group(&user, group).await.unwrap();
            }
            identities.push(self.wiki.authenticate(name, RIGHT).await.unwrap().identity());
        }
        identities
    }
}

/// P1, P2: Confluence's users move into Jira with their passwords, log in to both and keep their content; and back.
#[tokio::test]
async fn users_move_into_another_server_with_their_passwords_p1_p2() {
    let houses = houses(Hashes::Taken, Writes::AllowedWithHashes).await;
    let identities = houses.people().await;
    let request = MoveRequest::new(houses.own, JIRA);
    let plan = houses.confluence.plan_move(request.clone()).await.unwrap();
    assert_eq!(plan.obstacles, []);
    assert!(plan.users.iter().all(|user| user.fate.password == PasswordFate::Carried));
    let record = houses.confluence.run_move(plan, &MoveControl::new()).await.unwrap();
    assert_eq!(houses.confluence.verify_move(record.id).await.unwrap(), []);
    for (name, identity) in ["anna", "bela"].into_iter().zip(&identities) {
        assert!(houses.jira_app.authenticate(name, RIGHT).await.is_ok(), "{name} logs in to Jira");
        let login = houses.wiki.authenticate(name, RIGHT).await.unwrap();
        assert_eq!((login.user().directory(), login.identity()), (JIRA, *identity));
        let groups = houses.wiki.groups_of(login.user(), Depth::Direct).await.unwrap();
        let groups: Vec<_> = groups.iter().map(|membership| membership.group.to_string()).collect();
        assert_eq!(groups, ["everybody", "writers"]);
    }
    let back = houses.confluence.revert_move(record.id, &MoveControl::new()).await.unwrap();
    assert_eq!(back.state, MoveState::Reverted);
    for (name, identity) in ["anna", "bela"].into_iter().zip(&identities) {
        assert!(houses.jira_app.authenticate(name, RIGHT).await.is_err());
        let login = houses.wiki.authenticate(name, RIGHT).await.unwrap();
        assert_eq!((login.user().directory(), login.identity()), (houses.own, *identity));
    }
    // Jira has deleted an anna and a bela meanwhile, and gives their names to nobody until somebody says so (T05): the
    // users stay, and their entries say why.
    let again = houses.confluence.plan_move(request.clone()).await.unwrap();
    let refused = houses.confluence.run_move(again, &MoveControl::new()).await.unwrap();
    let report = houses.confluence.move_report(refused.id).await.unwrap();
    assert_eq!((report.counts.moved, report.counts.failed, report.failed.len()), (0, 2, 2), "{report:?}");
    assert!(houses.wiki.authenticate("anna", RIGHT).await.is_ok());
    for name in ["anna", "bela"] {
        for application in houses.jira.applications() {
            application.release(name).await.unwrap();
        }
    }
    let again = houses.confluence.plan_move(request).await.unwrap();
    houses.confluence.run_move(again, &MoveControl::new()).await.unwrap();
    for name in ["anna", "bela"] {
        assert!(houses.jira_app.authenticate(name, RIGHT).await.is_ok());
    }
}

/// A server that takes no hashes makes nobody with one; the users go without, and are told to set a new password.
#[tokio::test]
async fn a_server_that_takes_no_hashes_gets_none() {
    let houses = houses(Hashes::Refused, Writes::AllowedWithHashes).await;
    houses.people().await;
    let plan = houses.confluence.plan_move(MoveRequest::new(houses.own, JIRA)).await.unwrap();
    let record = houses.confluence.run_move(plan, &MoveControl::new()).await.unwrap();
    let entries = houses.confluence.move_entries(record.id, 0, 9).await.unwrap();
    assert!(entries.iter().all(|entry| entry.fate.password == PasswordFate::Reset), "{entries:?}");
    assert!(houses.jira_app.authenticate("anna", RIGHT).await.is_err());
    houses.confluence.revert_move(record.id, &MoveControl::new()).await.unwrap();
    assert!(houses.wiki.authenticate("anna", RIGHT).await.is_ok());

    let houses = self::houses(Hashes::Taken, Writes::Allowed).await;
    houses.people().await;
    let plan = houses.confluence.plan_move(MoveRequest::new(houses.own, JIRA)).await.unwrap();
    assert!(
        plan.users.iter().all(|user| user.fate.password == PasswordFate::Reset),
        "the plan says so before"
    );
}

/// A hash that nobody can verify is refused, and a weak one is kept inside Argon2id (T57).
#[tokio::test]
async fn a_server_takes_what_it_can_verify_t57() {
    let houses = houses(Hashes::Taken, Writes::AllowedWithHashes).await;
    let make = async |name: &str, hash: &str| {
        let account = NewAccount::named(name).hash(EncodedHash::new(hash).unwrap());
        houses.wiki.change_plan(|plan| plan.reorder(&[JIRA, houses.own])).await.unwrap();
        houses.wiki.create_user(account).await
    };
    assert!(make("cleo", "{WHATEVER}x").await.is_err());
    assert!(houses.jira_app.find_user("cleo").await.is_err());
    // {SSHA} of the password with the salt "salt".
    make("dora", SALTED).await.unwrap();
    assert!(houses.jira_app.authenticate("dora", RIGHT).await.is_ok());
    assert!(houses.jira_app.authenticate("dora", SALTED).await.is_err(), "a hash is no password (T55)");
    assert!(houses.jira.hashes_run() > 0);
}

const SALTED: &str = "{SSHA}ud5iXyrT0YD877BQBnOiVUuuc7VzYWx0";

/// A remote source gives no hashes out: it checks the passwords until the first login.
#[tokio::test]
async fn users_of_another_server_move_in_and_their_passwords_follow() {
    let houses = houses(Hashes::Refused, Writes::Never).await;
    let account = NewAccount::named("emil").password(RIGHT);
    houses.jira_app.create_user(account).await.unwrap();
    let identity = houses.wiki.authenticate("emil", RIGHT).await.unwrap().identity();
    let options = Options { order: OrderChange::TargetFirst, ..Options::default() };
    let request = MoveRequest::new(JIRA, houses.own).options(options);
    let plan = houses.confluence.plan_move(request).await.unwrap();
    assert_eq!((plan.obstacles.as_slice(), &plan.users[0].fate.password), (&[][..], &PasswordFate::Captured));
    houses.confluence.run_move(plan, &MoveControl::new()).await.unwrap();
    let login = houses.wiki.authenticate("emil", RIGHT).await.unwrap();
    assert_eq!((login.user().directory(), login.identity()), (houses.own, identity));
    let emil = houses.jira_app.find_user("emil").await.unwrap();
    houses.jira_app.set_password(&emil, "seven grey herons").await.unwrap();
    assert!(houses.wiki.authenticate("emil", RIGHT).await.is_ok(), "it is Confluence's own by now");
}
