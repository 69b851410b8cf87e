//! Who they are.

use throng::core::id::DirectoryId;
use throng::csv::{CsvOptions, read_users};
use throng::import::{ImportMode, ImportReport};
use throng::{Application, NewAccount, Throng};

use crate::Outcome;

/// Somebody's account at one of the two products.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) at: &'static str,
    pub(crate) password: &'static str,
}

pub(crate) const ANNA: Account = at_confluence("anna", "coffee before noon");
pub(crate) const BOB: Account = at_confluence("bob", "seven wooden chairs");
pub(crate) const CAROL: Account = at_confluence("carol", "paper boats sail slowly");
pub(crate) const DAVE: Account = at_confluence("dave", "the lamp is still on");
/// The four users that Confluence starts with.
pub(crate) const FOUR: [Account; 4] = [ANNA, BOB, CAROL, DAVE];

/// Somebody else than Confluence's carol.
pub(crate) const OTHER_CAROL: Account = at_jira("carol", "another carol entirely");
pub(crate) const ERIN: Account = at_jira("erin", "green doors on sunday");
pub(crate) const FRANK: Account = at_jira("frank", "nine clocks in a row");

/// The group that Jira's own users are in.
pub(crate) const JIRA_USERS: &str = "jira-users";

const fn at_confluence(name: &'static str, password: &'static str) -> Account {
    Account { name, at: "Confluence", password }
}

const fn at_jira(name: &'static str, password: &'static str) -> Account {
    Account { name, at: "Jira", password }
}

/// Brings the four users of the file into a directory, with their groups and passwords.
pub(crate) async fn import_four(throng: &Throng, directory: DirectoryId) -> Outcome<ImportReport> {
    let rows = read_users(CSV.as_bytes(), CsvOptions::default())?;
    Ok(throng.import(directory, &rows, &[], ImportMode::Apply).await?)
}

/// Makes Jira's own users.
pub(crate) async fn make_at_jira(jira: &Application, accounts: &[Account]) -> Outcome {
    jira.create_group(JIRA_USERS, "who may use Jira").await?;
    for account in accounts {
        let user = jira.create_user(NewAccount::named(account.name).password(account.password)).await?;
        jira.add_user_to_group(&user, JIRA_USERS).await?;
    }
    Ok(())
}

/// Shipped beside this file: names, e-mail addresses, groups and `{PKCS5S2}` hashes, as an Atlassian product keeps
/// them.
const CSV: &str = include_str!("confluence-users.csv");
