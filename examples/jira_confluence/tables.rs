//! What is printed, and held against what the story says.

use std::fmt::Debug;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use throng::error::{Conflict, Denial, Outage};
use throng::{Application, Error};

use crate::Outcome;
use crate::people::Account;
use crate::product::Product;

pub(crate) const UNKNOWN: &str = "no: nobody of this name";
pub(crate) const SILENT: &str = "not now: a directory that may know the name is silent";
pub(crate) const CLAIMED: &str = "no: the name belongs to another account";

pub(crate) fn part(title: &str) {
    println!("\n=== {title} ===");
}

pub(crate) fn chapter(title: &str) {
    println!("\n{title}\n");
}

pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}

/// Tries accounts at some products, prints what comes of it, and fails if that is not what the story says.
pub(crate) async fn log_in<const N: usize>(
    products: [&Product; N],
    tries: &[(Account, [&str; N])],
) -> Outcome {
    let headers: Vec<String> = products.iter().map(|product| format!("at {}", product.name())).collect();
    let mut header = vec!["user", "password of"];
    header.extend(headers.iter().map(String::as_str));
    let mut table = table(&header);
    let mut wrong = Vec::new();
    for (account, expected) in tries {
        let mut row = vec![account.name.to_owned(), account.at.to_owned()];
        for (product, expected) in products.iter().zip(expected) {
            let came = told(&product.application, account).await;
            if came != *expected {
                wrong.push(format!("{} at {}: {came:?} and not {expected:?}", account.name, product.name()));
            }
            row.push(came);
        }
        table.add_row(row);
    }
    println!("{table}");
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ").into()) }
}

/// Fails if something is not as the story says.
pub(crate) fn expect<T: Copy + PartialEq + Debug>(what: &str, found: T, shall: T) -> Outcome {
    if found == shall { Ok(()) } else { Err(format!("{what}: {found:?} and not {shall:?}").into()) }
}

/// Prints what an operator reads of a refused login.
pub(crate) async fn refused(application: &Application, account: Account) -> Outcome {
    let outcome = application.authenticate(account.name, account.password).await;
    let error = outcome.err().ok_or_else(|| format!("{} must not get in", account.name))?;
    println!("  told to {}: {error}", account.name);
    for line in error.trail().map(ToString::to_string).unwrap_or_default().lines() {
        println!("  for operators: {line}");
    }
    Ok(())
}

/// What a login comes to.
async fn told(application: &Application, account: &Account) -> String {
    match application.authenticate(account.name, account.password).await {
        Ok(who) => {
            let trail = who.user().trail();
            let decider = trail.lines().into_iter().find(|line| line.directory == who.user().directory());
            format!("yes: {} decides", decider.map(|line| line.label.to_owned()).unwrap_or_default())
        }
        Err(Error::Denied { why: Denial::Unknown, .. }) => UNKNOWN.into(),
        Err(Error::Denied { why: Denial::Refused { by, why }, trail }) => {
            let lines = trail.as_deref().map(|trail| trail.lines()).unwrap_or_default();
            let label = lines.iter().find(|line| line.directory == by).map(|line| line.label);
            format!("no: {} says {why}", label.unwrap_or("a directory"))
        }
        Err(Error::Unavailable { why: Outage::Directories(_), .. }) => SILENT.into(),
        Err(Error::Conflict(Conflict::OwnershipChanged(_))) => CLAIMED.into(),
        Err(error) => format!("no: {error}"),
    }
}
