//! A directory that is removed and put back is what it was.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeMap;

use proptest::prelude::*;
use throng_core::directory::UserPatch;
use throng_core::filter::Filter;
use throng_core::id::{DirectoryId, Subject};
use throng_core::moves::{Belongings, Moves};
use throng_core::page::PageRequest;
use throng_core::plan::Plan;
use throng_core::preview::Proposal;
use throng_core::registry::Aliases;
use throng_core::store::Registry;
use throng_engine::error::Conflict;
use throng_engine::preview::Unlisted;
use throng_engine::{Application, Error};
use world::*;

/// Everything that anybody could see of the stored directories and of the applications.
async fn fingerprint(world: &World, apps: &[Application]) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut accounts: BTreeMap<Subject, Belongings> = BTreeMap::new();
    let mut groups = BTreeMap::new();
    for record in world.throng.directories().iter().filter(|record| record.kind.is_stored()) {
        for name in world.users_in(record.id).await {
            let user = world.held(record.id, &name).await.unwrap();
            let subject = subject(record.id, &user);
            accounts.insert(subject.clone(), world.store.belongings(&subject).await.unwrap().unwrap());
        }
        let page = PageRequest::default();
        for group in world.open(record.id).find_groups(&Filter::everything(), &page).await.unwrap().items {
            let name = group.name.to_string();
            let members = world.members(record.id, &name).await;
            groups.insert((record.id, name), (group, members));
        }
    }
    let mut claims = Vec::new();
    for app in apps {
        claims.extend(app.claims(&PageRequest::default()).await.unwrap().items);
    }
    let directories = world.store.directories().await.unwrap();
    let plans: Vec<_> = world
        .store
        .applications()
        .await
        .unwrap()
        .into_iter()
        .map(|app| (app.id, app.plan.seats().to_vec()))
        .collect();
    (accounts, groups, claims, directories, plans)
}

async fn remove(world: &World, directory: DirectoryId) {
    let preview = world.throng.preview(Proposal::RemoveDirectory { directory }).await.unwrap();
    world.throng.apply_preview(&preview, Unlisted::Refuse).await.unwrap();
}

/// T12: what stood in the way meanwhile is told, and nothing is half put back.
#[tokio::test]
async fn a_directory_whose_name_was_given_away_is_not_put_back_t12() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    let archive = world.throng.archive_directory(ids[0]).await.unwrap();
    assert_eq!((archive.users(), archive.directory().name.as_str()), (1, "D1"));
    assert_eq!(conflict(world.throng.restore_directory(&archive).await), Conflict::NameTaken);
    remove(&world, ids[0]).await;
    world.throng.internal_directory("d1").await.unwrap();
    let head = world.head().await;
    assert_eq!(conflict(world.throng.restore_directory(&archive).await), Conflict::NameTaken);
    assert_eq!(world.head().await, head);
    drop(app);
}

/// A name that was adopted meanwhile is its new owner's.
#[tokio::test]
async fn a_name_that_was_adopted_meanwhile_stays_t02() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put_with_password(ids[1], "anna", OTHER).await;
    app.authenticate("anna", RIGHT).await.unwrap();
    let archive = world.throng.archive_directory(ids[0]).await.unwrap();
    remove(&world, ids[0]).await;
    assert!(matches!(conflict(app.authenticate("anna", OTHER).await), Conflict::OwnershipChanged(_)));
    app.adopt("anna", throng_engine::application::Adoption::NewPerson).await.unwrap();
    world.throng.restore_directory(&archive).await.unwrap();
    assert!(matches!(conflict(app.authenticate("anna", RIGHT).await), Conflict::OwnershipChanged(_)));
}

#[derive(Debug, Clone)]
struct Small {
    users: Vec<(bool, u8, bool, bool)>,
    nestings: Vec<(usize, usize)>,
    removed: usize,
    order: bool,
}

fn smalls() -> impl Strategy<Value = Small> {
    let users = proptest::collection::vec((any::<bool>(), 0u8..8, any::<bool>(), any::<bool>()), 0..5);
    let nestings = proptest::collection::vec((0usize..3, 0usize..3), 0..4);
    (users, nestings, 0usize..2, any::<bool>()).prop_map(|(users, nestings, removed, order)| Small {
        users,
        nestings,
        removed,
        order,
    })
}

async fn restoring_is_the_identity(small: &Small) {
    let (world, wiki, ids) = World::internal(3, Plan::new()).await;
    let mut order = [ids[1], ids[0]];
    if small.order {
        order.reverse();
    }
    let shop = world.app("shop", order.iter().fold(Plan::new(), |plan, id| plan.seat(*id).unwrap())).await;
    wiki.allow_aliases(Aliases::On).await.unwrap();
    for directory in &ids {
        for group in ["g", "h", "i"] {
            world.put_group(*directory, group, &[]).await;
        }
        for (number, (active, groups, claimed, aliased)) in small.users.iter().enumerate() {
            let name = format!("user{number}");
            let user = world.put_with_password(*directory, &name, RIGHT).await;
            let attributes = vec![("phone".to_owned(), vec![name.clone()])];
            world.patch(*directory, &user, UserPatch { attributes, ..email("a@example.org") }).await;
            for (bit, group) in ["g", "h", "i"].into_iter().enumerate() {
                if groups & (1 << bit) != 0 {
                    world.put_group(*directory, group, &[&name]).await;
                }
            }
            if *claimed && let Ok(found) = wiki.find_user(&name).await {
                wiki.identity(&found).await.unwrap();
                if *aliased && found.directory() == *directory {
                    wiki.set_alias(&found, &format!("alias{number}")).await.unwrap();
                }
            }
            if !active {
                world.deactivate(*directory, &user).await;
            }
        }
        let nested: std::collections::BTreeSet<_> =
            small.nestings.iter().filter(|(inside, holder)| inside != holder).collect();
        for (inside, holder) in nested {
            let groups = ["g", "h", "i"];
            let change = kept_member(*directory, groups[*holder], &format!("@{}", groups[*inside]));
            world.apply(vec![change]).await;
        }
    }
    let apps = [wiki, shop];
    let before = fingerprint(&world, &apps).await;
    let archive = world.throng.archive_directory(ids[small.removed]).await.unwrap();
    remove(&world, ids[small.removed]).await;
    assert_ne!(fingerprint(&world, &apps).await, before);
    world.throng.restore_directory(&archive).await.unwrap();
    assert_eq!(fingerprint(&world, &apps).await, before);
    drop(Ok::<_, Error>(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// I18: restore(remove(directory)) = identity.
    #[test]
    fn restoring_what_was_removed_is_the_identity(small in smalls()) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(restoring_is_the_identity(&small));
    }
}
