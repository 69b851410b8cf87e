//! The first part: Confluence starts, Jira comes later, and Confluence takes it for a user server.

use std::path::Path;

use throng::core::id::DirectoryId;
use throng::core::plan::AsOf;
use throng::core::registry::DirectoryKind;
use throng::core::sync::{MirrorWrites, MirroredSettings, Outcome as Ended};
use throng::import::ImportedPassword;
use throng::{Adoption, Depth, Error, NewAccount};

use crate::Outcome;
use crate::moving;
use crate::people::{
    ANNA, Account, BOB, CAROL, DAVE, ERIN, FOUR, FRANK, JIRA_USERS, OTHER_CAROL, import_four, make_at_jira,
};
use crate::product::{Off, Product};
use crate::rounds;
use crate::tables::{CLAIMED, SILENT, UNKNOWN, chapter, expect, log_in, part, refused, table};

pub(crate) const BY_CONFLUENCE: &str = "yes: Confluence internal decides";
pub(crate) const BY_JIRA: &str = "yes: Jira decides";
pub(crate) const BY_JIRA_ITSELF: &str = "yes: Jira internal decides";
const WRONG_AT_CONFLUENCE: &str = "no: Confluence internal says wrong password";
const WRONG_AT_JIRA: &str = "no: Jira says wrong password";
const WRONG_AT_JIRA_ITSELF: &str = "no: Jira internal says wrong password";

/// Made in Jira by Confluence.
const GINA: Account = Account { name: "gina", at: "Jira", password: "rain on a tin roof" };
/// Erin, after her password was changed in Confluence.
const ERIN_LATER: Account = Account { at: "Jira, changed", password: "blue windows on monday", ..ERIN };

pub(crate) async fn play(folder: &Path) -> Outcome {
    part("Part one: Confluence first");
    let confluence = confluence_starts(folder).await?;
    let jira = jira_comes_later(folder).await?;
    let (confluence, mirror) = confluence_takes_jira(confluence, &jira).await?;
    what_the_order_does(&confluence, mirror).await?;
    writing_through(&confluence, &jira, mirror).await?;
    let jira = jira_is_switched_off(&confluence, jira, mirror).await?;
    let jira = jira_is_emptied(&confluence, jira, mirror).await?;
    what_the_claim_refuses(&confluence, mirror).await?;
    moving::the_four_move_into_jira(&confluence, &jira, mirror).await?;
    confluence.switch_off().await?;
    jira.switch_off().await?;
    Ok(())
}

async fn confluence_starts(folder: &Path) -> Outcome<Product> {
    chapter("1. Confluence starts, with four users from a CSV file");
    let confluence = Off::new("Confluence", folder).switch_on().await?;
    let report = import_four(&confluence.throng, confluence.own).await?;
    let mut table = table(&["line", "user", "password from the file"]);
    for user in &report.users {
        let password = match user.password {
            ImportedPassword::Wrapped => "came along; PKCS5S2 kept inside Argon2id",
            ImportedPassword::Kept => "came along as it was",
            ImportedPassword::Quarantined(_) => "cannot be verified",
            ImportedPassword::None => "none",
        };
        table.add_row([&user.line.to_string(), user.name.as_str(), password]);
    }
    println!("{table}\nTheir first logins claim their names, for the identities that pages refer to:");
    log_in([&confluence], &FOUR.map(|account| (account, [BY_CONFLUENCE]))).await?;
    Ok(confluence)
}

async fn jira_comes_later(folder: &Path) -> Outcome<Product> {
    chapter("2. Jira comes later, with users of its own; its carol is another one");
    let jira = Off::new("Jira", folder).switch_on().await?;
    make_at_jira(&jira.application, &[ERIN, FRANK, OTHER_CAROL]).await?;
    let tries = [ERIN, FRANK, OTHER_CAROL].map(|account| (account, [BY_JIRA_ITSELF]));
    log_in([&jira], &tries).await?;
    Ok(jira)
}

async fn confluence_takes_jira(confluence: Product, jira: &Product) -> Outcome<(Product, DirectoryId)> {
    chapter("3. Confluence takes Jira for a user server, read-only, below its own directory");
    let user_server = jira.let_ask("Confluence").await?;
    println!(
        "Jira serves its users at {}; Confluence has got a password for it and starts anew.",
        jira.address()
    );
    let confluence = confluence.switch_off().await?.user_server(user_server).switch_on().await?;
    let mirror = confluence.mirror("Jira", MirroredSettings::default()).await?;
    println!("The first round brings Jira's users:");
    let round = rounds::run(&confluence, mirror, Ended::Complete).await?;
    expect("users of the mirror", round.counts.users_added, 3)?;

    println!("\nWho can log in where, with which password, and why:");
    log_in(
        [&confluence, jira],
        &[
            (ANNA, [BY_CONFLUENCE, UNKNOWN]),
            (BOB, [BY_CONFLUENCE, UNKNOWN]),
            (CAROL, [BY_CONFLUENCE, WRONG_AT_JIRA_ITSELF]),
            (OTHER_CAROL, [WRONG_AT_CONFLUENCE, BY_JIRA_ITSELF]),
            (DAVE, [BY_CONFLUENCE, UNKNOWN]),
            (ERIN, [BY_JIRA, BY_JIRA_ITSELF]),
            (FRANK, [BY_JIRA, BY_JIRA_ITSELF]),
        ],
    )
    .await?;
    println!("A wrong password stops where the name is held. Jira's carol at Confluence:");
    refused(&confluence.application, OTHER_CAROL).await?;
    Ok((confluence, mirror))
}

async fn what_the_order_does(confluence: &Product, mirror: DirectoryId) -> Outcome {
    chapter("4. What the order does to a namesake");
    let application = &confluence.application;
    println!("Confluence's own directory first:\n{}", application.explain("carol").await?);
    application.reorder(&[mirror, confluence.own]).await?;
    println!("Jira's directory first:\n{}", application.explain("carol").await?);
    println!("Nobody is carol then: the order selects one, and the name belongs to the other.");
    log_in([confluence], &[(CAROL, [WRONG_AT_JIRA]), (OTHER_CAROL, [CLAIMED])]).await
}

async fn writing_through(confluence: &Product, jira: &Product, mirror: DirectoryId) -> Outcome {
    chapter("5. Read-only becomes read/write");
    let application = &confluence.application;
    let erin = application.find_user("erin").await?;
    let refusal = application.set_password(&erin, ERIN_LATER.password).await;
    expect("a read-only mirror", matches!(refusal, Err(Error::Forbidden(_))), true)?;
    println!("Read-only, nothing of Jira can be changed in Confluence, not even erin's password.");

    let mut record = (*confluence.throng.directory("Jira")?).clone();
    if let DirectoryKind::Mirrored(settings) = &mut record.kind {
        settings.writes = MirrorWrites::Through;
    }
    confluence.throng.update_directory(record).await?;
    let gina = application.create_user(NewAccount::named(GINA.name).password(GINA.password)).await?;
    application.add_user_to_group(&gina, JIRA_USERS).await?;
    expect("the directory of the new user", gina.directory(), mirror)?;
    let there = jira.application.find_user(GINA.name).await?;
    let is_member = jira.application.is_member(&there, JIRA_USERS, Depth::Direct).await?;
    expect("gina's membership at Jira", is_member, true)?;
    println!("Read/write, gina was made in Confluence and put into {JIRA_USERS}; Jira has her at once.");

    application.set_password(&erin, ERIN_LATER.password).await?;
    println!("Erin's password was changed in Confluence; it is another one at Jira now:");
    log_in(
        [confluence, jira],
        &[
            (GINA, [BY_JIRA, BY_JIRA_ITSELF]),
            (ERIN_LATER, [BY_JIRA, BY_JIRA_ITSELF]),
            (ERIN, [WRONG_AT_JIRA, WRONG_AT_JIRA_ITSELF]),
        ],
    )
    .await?;
    println!("The next round finds that everything is there:");
    let round = rounds::run(confluence, mirror, Ended::Complete).await?;
    expect("users added", round.counts.users_added, 0)
}

async fn jira_is_switched_off(confluence: &Product, jira: Product, mirror: DirectoryId) -> Outcome<Product> {
    chapter("6. Jira is switched off: its users have to wait, and nobody takes their place");
    let jira = jira.switch_off().await?;
    println!("Jira's directory first:");
    log_in(
        [confluence],
        &[
            (ANNA, [BY_CONFLUENCE]),
            (CAROL, [SILENT]),
            (OTHER_CAROL, [SILENT]),
            (ERIN_LATER, [SILENT]),
            (GINA, [SILENT]),
        ],
    )
    .await?;
    println!("Anna is let in, because Jira did not know her when it was last seen. Carol is known to it:");
    refused(&confluence.application, CAROL).await?;
    println!("\nConfluence's own directory first:");
    confluence.application.reorder(&[confluence.own, mirror]).await?;
    log_in(
        [confluence],
        &[
            (ANNA, [BY_CONFLUENCE]),
            (CAROL, [BY_CONFLUENCE]),
            (OTHER_CAROL, [WRONG_AT_CONFLUENCE]),
            (ERIN_LATER, [SILENT]),
        ],
    )
    .await?;
    println!("Whoever is looked up, and not let in, is known as before, and it is told how old that is:");
    let erin = confluence.application.explain("erin").await?;
    println!("{erin}");
    let is_dated = erin.occurrences.iter().any(|occurs| matches!(occurs.as_of, AsOf::Mirror(_)));
    expect("the age of what is known of erin", is_dated, true)?;
    println!("A round fails and changes nothing:");
    rounds::run(confluence, mirror, Ended::Failed).await?;

    std::fs::copy(jira.file(), jira.file().with_extension("backup"))?;
    let jira = jira.switch_on().await?;
    println!("\nJira is back, at the same port; its file was backed up meanwhile.");
    log_in([confluence, &jira], &[(ERIN_LATER, [BY_JIRA, BY_JIRA_ITSELF])]).await?;
    Ok(jira)
}

async fn jira_is_emptied(confluence: &Product, jira: Product, mirror: DirectoryId) -> Outcome<Product> {
    chapter("7. Jira is emptied: the deletions are held");
    for account in [ERIN_LATER, FRANK, OTHER_CAROL, GINA] {
        let user = jira.application.find_user(account.name).await?;
        jira.application.remove_user(&user).await?;
    }
    println!("All four users of Jira were deleted there by mistake. The next round:");
    let round = rounds::run(confluence, mirror, Ended::HeldForApproval).await?;
    let held = round.held.ok_or("the deletions must be held")?;
    expect("deletions held", held.users, 4)?;
    let mut table = table(&["what would go", "name"]);
    for (kind, name) in &held.such_as {
        table.add_row([format!("{kind:?}"), name.clone()]);
    }
    println!("{table}");
    for why in &held.why {
        println!("  held, because {why}");
    }
    println!("  approving the plan {} would let the next round delete these and nothing else", held.hash);
    println!("\nNobody approves. All four are still there; whoever logs in is told that Jira must be asked:");
    expect("users of the mirror", confluence.users_in(mirror).await?, 4)?;
    let gone = "no: Jira says the account is gone where its password is checked";
    log_in([confluence], &[(ANNA, [BY_CONFLUENCE]), (CAROL, [BY_CONFLUENCE]), (ERIN_LATER, [gone])]).await?;

    let jira = jira.switch_off().await?;
    std::fs::copy(jira.file().with_extension("backup"), jira.file())?;
    let jira = jira.switch_on().await?;
    println!("Jira's backup is put back. The next round has nothing to delete:");
    let round = rounds::run(confluence, mirror, Ended::Complete).await?;
    expect("users removed", round.counts.users_removed, 0)?;
    let tries = [ERIN_LATER, FRANK, GINA].map(|account| (account, [BY_JIRA, BY_JIRA_ITSELF]));
    log_in([confluence, &jira], &tries).await?;
    Ok(jira)
}

async fn what_the_claim_refuses(confluence: &Product, mirror: DirectoryId) -> Outcome {
    chapter("8. What the claim refuses");
    let application = &confluence.application;
    application.reorder(&[mirror, confluence.own]).await?;
    println!("Jira's directory first again. Its carol, with her right password:");
    log_in([confluence], &[(OTHER_CAROL, [CLAIMED])]).await?;
    println!(
        "The pages of Confluence's carol stay hers. Had they been one person, an administrator would say so:"
    );
    let claims = application.claims(&Default::default()).await?;
    let carol = claims.items.iter().find(|claim| claim.key.as_str() == "carol").ok_or("carol is claimed")?;
    let adopted = application.adopt("carol", Adoption::SamePerson).await?;
    expect("the identity of carol", adopted, carol.identity)?;
    println!("  adopted: identity {adopted}, the same as before");
    log_in([confluence], &[(OTHER_CAROL, [BY_JIRA])]).await
}
