//! Whom newcomers would stand in front of.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use throng_core::plan::{MembershipScheme, Plan};
use throng_engine::shadows::Overtaken;
use world::*;

fn told(found: Vec<Overtaken>) -> Vec<(String, String, Option<String>)> {
    found.into_iter().map(|it| (it.application, it.name.to_string(), it.held_in)).collect()
}

/// R254, T05: in front of somebody, or under a name that is somebody's; behind somebody, nothing changes.
#[tokio::test]
async fn newcomers_who_would_be_taken_for_others_are_told_t05_r254() {
    let (world, wiki, ids) = World::internal(3, Plan::new()).await;
    world.put(ids[0], "above").await;
    world.put(ids[2], "below").await;
    world.put(ids[1], "here").await;
    world.put(ids[2], "here").await;
    let gone = world.put(ids[2], "gone").await;
    wiki.identity(&find(&wiki, "gone").await).await.unwrap();
    world.drop_user(ids[2], &gone).await;
    let names = ["above", "Below", "here", "gone", "free"].map(username);
    let overtaken = async || told(world.throng.overtaken(ids[1], &names).await.unwrap());
    let row = |name: &str, held: Option<&str>| ("wiki".to_owned(), name.to_owned(), held.map(str::to_owned));
    assert_eq!(overtaken().await, [row("Below", Some("D3")), row("gone", None)]);
    aggregate(&wiki, MembershipScheme::Aggregated).await;
    assert_eq!(
        overtaken().await,
        [row("above", Some("D1")), row("Below", Some("D3")), row("gone", None)],
        "a newcomer's groups would count, too"
    );
    assert_eq!(told(world.throng.overtaken(ids[2], &names[..2]).await.unwrap()), [row("above", Some("D1"))]);
    let again = told(world.throng.overtaken(ids[2], &names[3..4]).await.unwrap());
    assert_eq!(again, [row("gone", None)], "where it was, too");
}

/// Many names are looked up a thousand at a time, and each is told once.
#[tokio::test]
async fn many_newcomers_are_told_once() {
    let (world, _, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[1], "user1500").await;
    let names: Vec<_> = (0..2_500).map(|number| username(&format!("user{number}"))).collect();
    let found = told(world.throng.overtaken(ids[0], &names).await.unwrap());
    assert_eq!(found, [("wiki".to_owned(), "user1500".to_owned(), Some("D2".to_owned()))]);
    assert_eq!(world.throng.overtaken(ids[1], &names).await.unwrap(), []);
}
