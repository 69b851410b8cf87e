//! The ending that the first chapter wanted: Confluence's four users move into Jira, with their passwords.

use throng::NewAccount;
use throng::core::id::{DirectoryId, IdentityId};
use throng::moves::{MoveControl, MoveId, MoveRequest, MoveState, OnTaken, Options};

use crate::Outcome;
use crate::confluence_first::{BY_CONFLUENCE, BY_JIRA, BY_JIRA_ITSELF};
use crate::people::{ANNA, Account, BOB, CAROL, DAVE, FOUR, OTHER_CAROL};
use crate::product::Product;
use crate::tables::{UNKNOWN, chapter, expect, log_in, table};

/// Those of the four whom Jira has no namesake of.
const THREE: [Account; 3] = [ANNA, BOB, DAVE];

pub(crate) async fn the_four_move_into_jira(
    confluence: &Product,
    jira: &Product,
    mirror: DirectoryId,
) -> Outcome {
    chapter("9. The four move into Jira, with their passwords");
    let before = identities(confluence).await?;
    println!("Confluence plans, and touches nothing:");
    let moved = there(confluence, mirror).await?;
    println!("They log in to both now, with the passwords that they had before Jira was there:");
    log_in([confluence, jira], &THREE.map(|account| (account, [BY_JIRA, BY_JIRA_ITSELF]))).await?;
    println!("Carol was said to be one person: both accounts are one, and Jira's password is hers.");
    log_in([confluence, jira], &[(OTHER_CAROL, [BY_JIRA, BY_JIRA_ITSELF])]).await?;
    expect("who their pages belong to", identities(confluence).await? == before, true)?;
    println!("Their pages are theirs: each name has the identity that it had.");

    println!("\nSomebody has doubts. The move is taken back:");
    let back = confluence.throng.revert_move(moved, &MoveControl::new()).await?;
    expect("the state of the move", back.state, MoveState::Reverted)?;
    log_in([confluence, jira], &THREE.map(|account| (account, [BY_CONFLUENCE, UNKNOWN]))).await?;
    expect("users of Confluence's own", confluence.users_in(confluence.own).await?, FOUR.len())?;
    expect("who their pages belong to", identities(confluence).await? == before, true)?;

    println!(
        "Jira has deleted people of these names, and gives the names to nobody until an administrator frees them."
    );
    for application in jira.throng.applications() {
        for account in THREE {
            application.release(account.name).await?;
        }
    }
    println!("And the move is made again:");
    let moved = there(confluence, mirror).await?;
    log_in([confluence, jira], &THREE.map(|account| (account, [BY_JIRA, BY_JIRA_ITSELF]))).await?;
    confluence.throng.finish_move(moved).await?;
    confluence.throng.purge_move(moved).await?;
    expect("users of Confluence's own", confluence.users_in(confluence.own).await?, 0)?;
    println!("The move is finished, and nothing of their passwords is left in Confluence.");
    // Whoever is made from now on is made in Jira: its directory stands first.
    let henry =
        confluence.application.create_user(NewAccount::named("henry").password(CAROL.password)).await?;
    expect("the directory of a new user", henry.directory(), mirror)
}

/// Plans the move of everybody, shows the plan, and runs it.
async fn there(confluence: &Product, mirror: DirectoryId) -> Outcome<MoveId> {
    let options = Options { on_taken: OnTaken::Link, ..Options::default() };
    let request = MoveRequest::new(confluence.own, mirror).options(options);
    let plan = confluence.throng.plan_move(request).await?;
    let mut table = table(&["user", "in Jira", "password"]);
    for user in &plan.users {
        let landing = if user.name.as_str() == CAROL.name { "one with Jira's" } else { "made" };
        table.add_row([user.name.as_str(), landing, &user.fate.password.to_string()]);
    }
    println!("{table}");
    expect("obstacles", plan.obstacles.len(), 0)?;
    let moved = confluence.throng.run_move(plan, &MoveControl::new()).await?;
    let report = confluence.throng.move_report(moved.id).await?;
    expect("users who could not be moved", report.counts.failed, 0)?;
    let wrong = confluence.throng.verify_move(moved.id).await?;
    expect("what is not as it should be", wrong.len(), 0)?;
    Ok(moved.id)
}

/// Whom the names belong to that pages refer to.
async fn identities(confluence: &Product) -> Outcome<Vec<IdentityId>> {
    let claims = confluence.application.claims(&Default::default()).await?;
    let of = |account: &Account| {
        let claim = claims.items.iter().find(|claim| claim.key.as_str() == account.name);
        claim.map(|claim| claim.identity).ok_or_else(|| format!("{} is claimed by nobody", account.name))
    };
    Ok(FOUR.iter().map(of).collect::<Result<_, _>>()?)
}
