//! Confluence starts first with users of its own; Jira comes later and becomes its user server. Then the other way
//! round. Each has a database and a port of its own, and asks the other over HTTP.
//!
//! `cargo run --example jira_confluence` plays the story in a temporary directory, `-- DIRECTORY` in a given new one.
//! `-- --serve` and `-- --serve DIRECTORY` keep both running instead, each the user server of the other, until Ctrl-C.
#![expect(clippy::print_stdout, reason = "an example prints what it does")]

#[path = "jira_confluence/confluence_first.rs"]
mod confluence_first;
#[path = "jira_confluence/jira_first.rs"]
mod jira_first;
#[path = "jira_confluence/keep.rs"]
mod keep;
#[path = "jira_confluence/moving.rs"]
mod moving;
#[path = "jira_confluence/people.rs"]
mod people;
#[path = "jira_confluence/product.rs"]
mod product;
#[path = "jira_confluence/rounds.rs"]
mod rounds;
#[path = "jira_confluence/tables.rs"]
mod tables;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

type Outcome<T = ()> = Result<T, Box<dyn StdError>>;

#[tokio::main]
async fn main() -> Outcome {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let serves = arguments.iter().any(|argument| argument == "--serve");
    arguments.retain(|argument| argument != "--serve");
    let temporary = tempfile::tempdir()?;
    let place = arguments.pop().map_or(temporary.path().to_owned(), PathBuf::from);
    if serves {
        return keep::both(&folder(&place, "served")?).await;
    }
    if place.join("confluence first").exists() {
        return Err(format!("{} has seen the story already; give a new directory", place.display()).into());
    }
    confluence_first::play(&folder(&place, "confluence first")?).await?;
    jira_first::play(&folder(&place, "jira first")?).await
}

fn folder(place: &Path, name: &str) -> Outcome<PathBuf> {
    let folder = place.join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
