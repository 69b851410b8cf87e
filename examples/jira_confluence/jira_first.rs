//! The second part, the other way round: Jira starts, and takes Confluence for a user server; then each the other.

use std::path::Path;

use throng::Error;
use throng::core::id::DirectoryId;
use throng::core::sync::{MirroredSettings, Outcome as Ended};

use crate::Outcome;
use crate::people::{DAVE, ERIN, FOUR, FRANK, import_four, make_at_jira};
use crate::product::{Off, Product};
use crate::rounds;
use crate::tables::{chapter, expect, log_in, part, table};

const BY_CONFLUENCE: &str = "yes: Confluence decides";
const BY_CONFLUENCE_ITSELF: &str = "yes: Confluence internal decides";
const BY_JIRA: &str = "yes: Jira decides";
const BY_JIRA_ITSELF: &str = "yes: Jira internal decides";

pub(crate) async fn play(folder: &Path) -> Outcome {
    part("Part two: Jira first, with Confluence as its user server");
    let (jira, confluence, of_confluence) = jira_takes_confluence(folder).await?;
    let (confluence, of_jira) = confluence_takes_jira(confluence, &jira).await?;
    each_mirrors_the_other(&jira, of_confluence, &confluence, of_jira).await?;
    somebody_leaves(&jira, of_confluence, &confluence, of_jira).await?;
    confluence.switch_off().await?;
    jira.switch_off().await?;
    Ok(())
}

async fn jira_takes_confluence(folder: &Path) -> Outcome<(Product, Product, DirectoryId)> {
    chapter("9. Jira starts with two users, Confluence comes later with four");
    let jira = Off::new("Jira", folder).switch_on().await?;
    make_at_jira(&jira.application, &[ERIN, FRANK]).await?;
    let confluence = Off::new("Confluence", folder).switch_on().await?;
    import_four(&confluence.throng, confluence.own).await?;

    println!("Jira takes Confluence for its user server:");
    let user_server = confluence.let_ask("Jira").await?;
    let jira = jira.switch_off().await?.user_server(user_server).switch_on().await?;
    let mirror = jira.mirror("Confluence", MirroredSettings::default()).await?;
    let round = rounds::run(&jira, mirror, Ended::Complete).await?;
    expect("users of the mirror", round.counts.users_added, 4)?;
    println!("\nThe four log in to Jira with their passwords of Confluence:");
    log_in([&jira, &confluence], &FOUR.map(|account| (account, [BY_CONFLUENCE, BY_CONFLUENCE_ITSELF])))
        .await?;
    Ok((jira, confluence, mirror))
}

async fn confluence_takes_jira(confluence: Product, jira: &Product) -> Outcome<(Product, DirectoryId)> {
    chapter("10. And Confluence takes Jira for its own, at the same time");
    let user_server = jira.let_ask("Confluence").await?;
    let confluence = confluence.switch_off().await?.user_server(user_server).switch_on().await?;
    let mirror = confluence.mirror("Jira", MirroredSettings::default()).await?;
    Ok((confluence, mirror))
}

async fn each_mirrors_the_other(
    jira: &Product,
    of_confluence: DirectoryId,
    confluence: &Product,
    of_jira: DirectoryId,
) -> Outcome {
    println!("Rounds in both directions, twice. Each hands on its own users and none of the other's:");
    for _ in 0..2 {
        rounds::run(confluence, of_jira, Ended::Complete).await?;
        rounds::run(jira, of_confluence, Ended::Complete).await?;
    }
    let mut table = table(&["product", "users of its own", "users of the other"]);
    for (product, mirror, own, others) in [(confluence, of_jira, 4, 2), (jira, of_confluence, 2, 4)] {
        let counts = (product.users_in(product.own).await?, product.users_in(mirror).await?);
        expect("users of both directories", counts, (own, others))?;
        table.add_row([product.name().to_owned(), counts.0.to_string(), counts.1.to_string()]);
    }
    println!("{table}");
    let mut tries = FOUR.map(|account| (account, [BY_CONFLUENCE, BY_CONFLUENCE_ITSELF])).to_vec();
    tries.extend([ERIN, FRANK].map(|account| (account, [BY_JIRA_ITSELF, BY_JIRA])));
    log_in([jira, confluence], &tries).await
}

async fn somebody_leaves(
    jira: &Product,
    of_confluence: DirectoryId,
    confluence: &Product,
    of_jira: DirectoryId,
) -> Outcome {
    chapter("11. Dave leaves Confluence, and does not come back from Jira");
    let dave = confluence.application.find_user(DAVE.name).await?;
    confluence.application.remove_user(&dave).await?;
    let round = rounds::run(jira, of_confluence, Ended::Complete).await?;
    expect("users removed at Jira", round.counts.users_removed, 1)?;
    let round = rounds::run(confluence, of_jira, Ended::Complete).await?;
    expect("users handed back to Confluence", round.counts.users_added, 0)?;
    for product in [jira, confluence] {
        let found = product.application.find_user(DAVE.name).await;
        expect("dave is gone", matches!(found, Err(Error::NotFound { .. })), true)?;
    }
    println!("He is gone from both.");
    Ok(())
}
