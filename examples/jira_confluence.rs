//! Confluence starts first with users of its own; Jira comes later and becomes its user server.
//!
//! `cargo run --example jira_confluence` plays the story in a temporary directory, `-- DIRECTORY` in a given new one.
#![expect(clippy::print_stdout, reason = "an example prints what it does")]

#[path = "jira_confluence/in_process.rs"]
mod in_process;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use throng::core::id::DirectoryId;
use throng::csv::{CsvOptions, read_users};
use throng::error::{Conflict, Denial, Outage};
use throng::import::{ImportMode, ImportedPassword};
use throng::sqlite::SqliteStore;
use throng::{Adoption, Application, Error, NewAccount, Plan, Throng};

use crate::in_process::InProcess;

type Outcome<T = ()> = Result<T, Box<dyn StdError>>;

/// Who they are: name, password in Confluence, password in Jira.
const PEOPLE: [(&str, Option<&str>, Option<&str>); 6] = [
    ("anna", Some("coffee before noon"), None),
    ("bob", Some("seven wooden chairs"), None),
    ("carol", Some("paper boats sail slowly"), Some("another carol entirely")),
    ("dave", Some("the lamp is still on"), None),
    ("erin", None, Some("green doors on sunday")),
    ("frank", None, Some("nine clocks in a row")),
];

#[tokio::main]
async fn main() -> Outcome {
    let temporary = tempfile::tempdir()?;
    let place = std::env::args_os().nth(1).map_or(temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&place)?;
    let confluence_file = place.join("confluence.db");
    if confluence_file.exists() {
        return Err(format!("{} has seen the story already; give a new directory", place.display()).into());
    }
    confluence_starts(&confluence_file).await?;
    let jira = jira_comes_later(&place.join("jira.db")).await?;
    let server = InProcess::new(DirectoryId::from_bytes(*b"jira user server"), jira.clone());
    let confluence = confluence_gets_jiras_directory(&confluence_file, &server).await?;

    who_can_log_in(&confluence, &jira).await?;
    what_a_wrong_password_does(&confluence).await?;
    what_an_outage_does(&confluence, &server).await?;
    what_the_order_does(&confluence).await?;
    Ok(())
}

async fn confluence_starts(file: &Path) -> Outcome {
    chapter("1. Confluence starts first, with four users from a CSV file");
    let throng = Throng::builder(SqliteStore::open(file).await?).build().await?;
    let own = throng.internal_directory("Confluence internal").await?;
    let rows = read_users(CSV.as_bytes(), CsvOptions::default())?;
    let report = throng.import(own, &rows, &[], ImportMode::Apply).await?;
    let confluence = throng.ensure_application("confluence", Plan::new().seat(own)?).await?;

    let mut table = table(&["line", "user", "display name", "groups", "password from the file"]);
    for (user, row) in report.users.iter().zip(&rows) {
        let password = match user.password {
            ImportedPassword::Wrapped => "came along; PKCS5S2 kept inside Argon2id",
            ImportedPassword::Kept => "came along as it was",
            ImportedPassword::Quarantined(_) => "cannot be verified",
            ImportedPassword::None => "none",
        };
        let (line, groups) = (user.line.to_string(), row.groups.join(", "));
        table.add_row([&line, user.name.as_str(), &row.profile.display_name, &groups, password]);
    }
    println!("{table}");

    let mut table = self::table(&["user", "first login at Confluence", "identity that pages refer to"]);
    for (name, password, _) in PEOPLE {
        if let Some(password) = password {
            let who = confluence.authenticate(name, password).await?;
            table.add_row([name, "yes, with the password from the file", &who.identity().to_string()]);
        }
    }
    println!("{table}");
    Ok(())
}

async fn jira_comes_later(file: &Path) -> Outcome<Application> {
    chapter("2. Jira comes later, with a directory and users of its own");
    let throng = Throng::builder(SqliteStore::open(file).await?).build().await?;
    let own = throng.internal_directory("Jira internal").await?;
    let jira = throng.ensure_application("jira", Plan::new().seat(own)?).await?;
    let mut table = table(&["user", "at Jira"]);
    for (name, elsewhere, password) in PEOPLE {
        if let Some(password) = password {
            jira.create_user(NewAccount::named(name).password(password)).await?;
            let note = if elsewhere.is_some() {
                "made; somebody else of this name is at Confluence"
            } else {
                "made"
            };
            table.add_row([name, note]);
        }
    }
    println!("{table}");
    Ok(jira)
}

async fn confluence_gets_jiras_directory(file: &Path, server: &InProcess) -> Outcome<Application> {
    chapter("3. Confluence gets Jira's directory, below its own");
    let store = SqliteStore::open(file).await?;
    let throng = Throng::builder(store).directory("Jira", Arc::new(server.clone())).build().await?;
    let jira = throng.directory("Jira")?.id;
    let confluence = throng.application("confluence")?;
    confluence.change_plan(|plan| plan.seat(jira)).await?;
    let plan = confluence.record()?.plan;
    let mut table = table(&["order", "directory"]);
    for (rank, seat) in plan.seats().iter().enumerate() {
        let name = throng.directories().into_iter().find(|record| record.id == seat.directory);
        let name = name.map(|record| record.name.to_string()).unwrap_or_default();
        table.add_row([(rank + 1).to_string(), name]);
    }
    println!("{table}");
    Ok(confluence)
}

async fn who_can_log_in(confluence: &Application, jira: &Application) -> Outcome {
    chapter("Who can log in where, with which password, and why");
    let mut table = table(&["user", "password of", "at Confluence", "at Jira"]);
    for (name, own, theirs) in PEOPLE {
        for (whose, password) in [("Confluence", own), ("Jira", theirs)] {
            if let Some(password) = password {
                let there = told(confluence, name, password).await;
                table.add_row([name, whose, &there, &told(jira, name, password).await]);
            }
        }
    }
    println!("{table}");
    Ok(())
}

async fn what_a_wrong_password_does(confluence: &Application) -> Outcome {
    chapter("What a wrong password does: it stops where the name is held");
    println!("carol of Jira tries her own password at Confluence:");
    let refused = confluence.authenticate("carol", "another carol entirely").await;
    let error = refused.err().ok_or("a namesake must not get in")?;
    println!("  she reads:         {error}");
    for line in error.trail().map(|trail| trail.to_string()).unwrap_or_default().lines() {
        println!("  an operator reads: {line}");
    }
    Ok(())
}

async fn what_an_outage_does(confluence: &Application, server: &InProcess) -> Outcome {
    chapter("What an outage of Jira does: its users have to wait, and nobody takes their place");
    server.switch_off();
    let mut table = table(&["user", "password of", "at Confluence, while Jira is off"]);
    for (name, own, theirs) in PEOPLE {
        for (whose, password) in [("Confluence", own), ("Jira", theirs)] {
            if let Some(password) = password {
                table.add_row([name, whose, &told(confluence, name, password).await]);
            }
        }
    }
    println!("{table}\n{}", confluence.explain("erin").await?);
    server.switch_on();
    Ok(())
}

async fn what_the_order_does(confluence: &Application) -> Outcome {
    chapter("What the order does to a namesake");
    println!("Confluence's own directory first:\n{}", confluence.explain("carol").await?);
    let mut order: Vec<_> = confluence.record()?.plan.seats().iter().map(|seat| seat.directory).collect();
    order.reverse();
    confluence.reorder(&order).await?;
    println!("Jira's directory first:\n{}", confluence.explain("carol").await?);

    chapter("What the claim refuses");
    let password = "another carol entirely";
    println!("carol of Jira, with her right password: {}", told(confluence, "carol", password).await);
    println!(
        "The pages of Confluence's carol stay hers. Had they been one person, an administrator would say so:"
    );
    let before = confluence.claims(&Default::default()).await?;
    let carol = before.items.iter().find(|claim| claim.key.as_str() == "carol").ok_or("carol is claimed")?;
    let adopted = confluence.adopt("carol", Adoption::SamePerson).await?;
    println!("  adopted: identity {adopted}, {}", same(adopted == carol.identity));
    println!("carol of Jira, after that:              {}", told(confluence, "carol", password).await);
    Ok(())
}

/// What a login comes to, for the table.
async fn told(application: &Application, name: &str, password: &str) -> String {
    match application.authenticate(name, password).await {
        Ok(who) => {
            let trail = who.user().trail();
            let decider = trail.lines().into_iter().find(|line| line.directory == who.user().directory());
            format!("yes, {} decides", decider.map(|line| line.label.to_owned()).unwrap_or_default())
        }
        Err(Error::Denied { why: Denial::Unknown, .. }) => "no: nobody of this name".into(),
        Err(Error::Denied { why: Denial::Refused { by, why }, trail }) => {
            let lines = trail.as_deref().map(|trail| trail.lines()).unwrap_or_default();
            let label = lines.iter().find(|line| line.directory == by).map(|line| line.label);
            format!("no: {} says {why}", label.unwrap_or("a directory"))
        }
        Err(Error::Unavailable { why: Outage::Directories(_), .. }) => {
            "not now: a directory that may know the name is silent".into()
        }
        Err(Error::Conflict(Conflict::OwnershipChanged(_))) => {
            "no: the name belongs to another account".into()
        }
        Err(error) => format!("no: {error}"),
    }
}

fn same(yes: bool) -> &'static str {
    if yes { "the same as before" } else { "another one" }
}

fn chapter(title: &str) {
    println!("\n{title}\n");
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}

/// Shipped beside this file: names, e-mail addresses, groups and `{PKCS5S2}` hashes, as an Atlassian product keeps
/// them.
const CSV: &str = include_str!("jira_confluence/confluence-users.csv");
