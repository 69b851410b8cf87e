//! Both products kept running, each the user server of the other, for whoever wants to try them.

use std::path::Path;
use std::time::Duration;

use throng::core::sync::{MirroredSettings, Schedule};
use throng::sync::Stop;

use crate::Outcome;
use crate::people::{ANNA, ERIN, FOUR, FRANK, import_four, make_at_jira};
use crate::product::Off;
use crate::tables::{chapter, table};

/// Serves until Ctrl-C. A folder that was served from before is served from again, with new passwords of applications.
pub(crate) async fn both(folder: &Path) -> Outcome {
    let jira = Off::new("Jira", folder).switch_on().await?;
    if jira.application.find_user(ERIN.name).await.is_err() {
        make_at_jira(&jira.application, &[ERIN, FRANK]).await?;
    }
    let confluence = Off::new("Confluence", folder).switch_on().await?;
    if confluence.application.find_user(ANNA.name).await.is_err() {
        import_four(&confluence.throng, confluence.own).await?;
    }
    let (of_jira, of_confluence) = (jira.let_ask("Confluence").await?, confluence.let_ask("Jira").await?);
    let commands = [
        of_jira.command("user?username=erin"),
        of_jira.command("search?entity-type=user&expand=user"),
        of_confluence.command("user/group/nested?username=anna"),
        format!("{} {LOGIN}", of_confluence.command("authentication?username=anna")),
    ];
    let jira = jira.switch_off().await?.user_server(of_confluence).switch_on().await?;
    let confluence = confluence.switch_off().await?.user_server(of_jira).switch_on().await?;
    let every_minute = MirroredSettings {
        schedule: Schedule::Every { interval: Duration::from_secs(60) },
        ..MirroredSettings::default()
    };
    jira.mirror("Confluence", every_minute.clone()).await?;
    confluence.mirror("Jira", every_minute).await?;

    chapter("Both run until Ctrl-C, and ask each other every minute.");
    let mut servers = table(&["product", "address"]);
    for product in [&jira, &confluence] {
        servers.add_row([product.name(), &product.address()]);
    }
    let mut people = table(&["user", "own password at", "which opens both"]);
    for account in FOUR.iter().chain(&[ERIN, FRANK]) {
        people.add_row([account.name, account.at, account.password]);
    }
    println!("{servers}\n{people}\nWhat one asks of the other, with passwords that were drawn now:");
    for command in commands {
        println!("  {command}");
    }

    let stop = Stop::new();
    let rounds = [&jira, &confluence].map(|product| {
        let (throng, stop) = (product.throng.clone(), stop.clone());
        tokio::spawn(async move { throng.keep_in_sync(&stop, |_, _| ()).await })
    });
    tokio::signal::ctrl_c().await?;
    println!("\nStopping.");
    stop.set();
    for rounds in rounds {
        rounds.await?;
    }
    jira.switch_off().await?;
    confluence.switch_off().await?;
    Ok(())
}

/// The password goes in the body, so that no log of addresses has it.
const LOGIN: &str = r#"-H 'Content-Type: application/json' -d '{"value": "coffee before noon"}'"#;
