//! Directories and applications.

use std::collections::BTreeSet;
use std::time::Duration;

use throng_core::change::Change;
use throng_core::consumer::{ConsumerCredential, ConsumerRecord, Webhook};
use throng_core::error::Fault;
use throng_core::id::{ApplicationId, DirectoryId, WebhookId};
use throng_core::name::Key;
use throng_core::password::PasswordPolicy;
use throng_core::permission::Permissions;
use throng_core::plan::{Access, MembershipScheme, OnRefusal, OnSilence, Plan, Rules, Seat, SeatPolicy};
use throng_core::registry::{
    Aliases, ApplicationRecord, DelegatedSettings, DirectoryKind, DirectoryRecord, InternalSettings, Nesting,
};
use throng_core::store::Store;

use super::scene::*;

/// [`Change::PutDirectory`] keeps every setting of every kind, and replaces what is there.
pub async fn a_directory_is_kept_with_all_its_settings(store: &dyn Store) {
    let scene = Scene::on(store);
    let internal = InternalSettings {
        password_policy: PasswordPolicy {
            min_length: 15,
            blocklist: vec!["Throng".into(), "'\"\\ üñí".into()],
            history: 3,
            max_age_days: Some(90),
            max_attempts: None,
        },
        nesting: Nesting::Direct,
    };
    let delegated = DelegatedSettings {
        default_groups: vec![group_name("Everybody"), group_name("o'brien's")],
        ..DelegatedSettings::crowd()
    };
    let mut record = scene.directory_record("Osten '\"%_\\");
    for kind in [
        DirectoryKind::Internal(InternalSettings::default()),
        DirectoryKind::Internal(internal),
        DirectoryKind::Delegated(DelegatedSettings::default()),
        DirectoryKind::Delegated(delegated),
    ] {
        record.kind = kind;
        record.active = !record.active;
        record.permissions = Permissions::LOCAL_GROUPS;
        scene.change(Change::PutDirectory(record.clone())).await;
        assert_eq!(done(store.directories().await), [record.clone()]);
    }
    let live = DirectoryRecord {
        kind: DirectoryKind::Live,
        permissions: Permissions::NONE,
        ..scene.directory_record("Zukunft")
    };
    scene.change(Change::PutDirectory(live.clone())).await;
    assert_eq!(done(store.directories().await), [record, live]);
}

/// A replaced directory keeps its users.
pub async fn a_replaced_directory_keeps_its_users(store: &dyn Store) {
    let scene = Scene::on(store);
    let record = scene.directory_record("east");
    scene.change(Change::PutDirectory(record.clone())).await;
    scene.user(record.id, "anna").await;
    let renamed = DirectoryRecord { name: label("EAST"), active: false, ..record.clone() };
    scene.change(Change::PutDirectory(renamed)).await;
    let kept = done(store.directories().await);
    assert_eq!((kept.len(), kept[0].name.as_str()), (1, "EAST"));
    assert!(scene.find(record.id, "anna").await.is_some());
}

/// [`Registry::directories`] come in the order of their names' keys; names are unique by key (R105).
///
/// [`Registry::directories`]: throng_core::store::Registry::directories
pub async fn directories_are_named_apart_and_ordered_by_key_r105(store: &dyn Store) {
    let scene = Scene::on(store);
    for name in ["beta", "Ähre", "ALPHA", "zeta", "Ｂravo"] {
        scene.directory(name).await;
    }
    let names: Vec<String> =
        done(store.directories().await).iter().map(|record| record.name.to_string()).collect();
    assert_eq!(names, ["ALPHA", "beta", "Ｂravo", "zeta", "Ähre"]);
    let second = scene.directory_record("Alpha");
    scene.refused(Change::PutDirectory(second), Fault::Conflict).await;
    let mut zeta = done(store.directories().await).remove(3);
    zeta.name = label("Bravo");
    scene.refused(Change::PutDirectory(zeta), Fault::Conflict).await;
}

/// [`Change::RemoveDirectory`] takes users, groups, memberships, passwords, aliases and seats along.
pub async fn a_removed_directory_takes_all_it_held_along(store: &dyn Store) {
    let scene = Scene::on(store);
    let record = scene.directory_record("east");
    let east = record.id;
    scene.change(Change::PutDirectory(record.clone())).await;
    let west = scene.directory("west").await;
    let wiki = scene.application("wiki", &[west, east]).await;
    let shop = scene.application("shop", &[west]).await;
    for directory in [east, west] {
        let anna = scene.user(directory, "anna").await;
        scene.groups(directory, ["staff"]).await;
        scene.members(directory, &[("staff", user_in("anna"))]).await;
        scene.change(set_credential(&anna, credential("h1"))).await;
        done(store.note_logins(&[(anna.clone(), scene.now())]).await);
    }
    let (anna, other) = (subject(east, "anna"), subject(west, "anna"));
    scene.session(wiki, &anna, 1).await;
    scene.session(wiki, &other, 2).await;
    let alias = Change::SetAlias {
        application: wiki,
        subject: anna.clone(),
        alias: username("ann"),
        free_in: Vec::new(),
    };
    scene.change(alias).await;
    scene.change(Change::RemoveDirectory(east)).await;

    let plan = scene.application_now(wiki).await.expect("it stays").plan;
    assert_eq!(plan.seats().len(), 1);
    assert_eq!((plan.rank(west), plan.version()), (Some(0), 2), "a changed plan has the next version");
    let untouched = scene.application_now(shop).await.expect("it stays").plan;
    assert_eq!(untouched.version(), 1);
    for again in [false, true] {
        if again {
            scene.change(Change::PutDirectory(record.clone())).await;
        }
        assert_eq!(scene.find(east, "anna").await, None);
        assert_eq!(scene.find_group(east, "staff").await, None);
        assert!(scene.children(east, "staff").await.is_empty());
        assert_eq!(done(store.user_by_id(&anna).await), None);
        assert_eq!(done(store.credential(&anna).await), None);
        assert_eq!(done(store.last_login(&anna).await), None);
        assert_eq!(done(store.alias_of(wiki, &anna).await), None);
        assert_eq!(done(store.alias(wiki, &Key::of("ann")).await), None);
        assert!(!scene.is_live(1).await);
    }
    scene.user(east, "anna").await;
    assert!(!scene.is_live(1).await, "a session is not its account's successor's");
    assert!(scene.is_live(2).await);
    assert_eq!(scene.children(west, "staff").await, ["anna"]);
    assert_eq!(done(store.credential(&other).await), Some(credential("h1")));
}

/// `Change::RemoveDirectory`: claims on its accounts become tombstones, also on those of a live one (T12).
pub async fn claims_of_a_removed_directory_become_tombstones_t12(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.live_directory("west").await);
    let wiki = scene.application("wiki", &[east, west]).await;
    let anna = scene.user(east, "anna").await;
    let mut expected =
        [scene.claim(wiki, "anna", &anna).await, scene.claim(wiki, "bela", &subject(west, "bela")).await];
    for (directory, claim) in [east, west].into_iter().zip(&mut expected) {
        scene.change(Change::RemoveDirectory(directory)).await;
        claim.tombstoned_at = Some(scene.last_batch().await.at);
        assert_eq!(scene.standing(wiki, claim.key.as_str()).await, Some(claim.clone()));
    }
    assert_eq!(scene.standing(wiki, "anna").await, Some(expected[0].clone()));
}

/// `Change::RemoveDirectory`: `Missing` when there is none.
pub async fn a_removal_of_no_directory_is_refused(store: &dyn Store) {
    let scene = Scene::on(store);
    let unknown = DirectoryId::from_bytes([9; 16]);
    scene.refused(Change::RemoveDirectory(unknown), Fault::Missing).await;
}

/// [`Change::PutApplication`] keeps the plan whole: order, seats, policies, access, rules.
pub async fn an_application_is_kept_with_its_plan(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.live_directory("west").await);
    let groups: BTreeSet<_> = ["Staff", "o'brien's 100%"].into_iter().map(group_name).collect();
    let seat = Seat {
        policy: SeatPolicy {
            login: OnSilence::PassIfLacked { max_age: Duration::from_micros(1_234_567) },
            authorise: OnSilence::Stop,
            lookup: OnSilence::Pass,
            on_refusal: OnRefusal::Pass,
        },
        access: Access::Groups(groups),
        permissions: Permissions::READ_ONLY,
        ..Seat::new(west)
    };
    let plan = Plan::crowd().push(seat).and_then(|plan| plan.seat(east)).expect("two seats");
    let odd = ApplicationRecord {
        active: false,
        plan: plan.with_memberships(MembershipScheme::Aggregated).with_rules(Rules::CROWD).with_version(1),
        aliases: Aliases::Off,
        administrators: vec![group_name("o'brien"), group_name("Staff")],
        ..scene.application_record("Wiki '\"%_\\", &[])
    };
    let plain = scene.application_record("zoo", &[east, west]);
    let empty = scene.application_record("ZZ", &[]);
    for record in [&empty, &plain, &odd] {
        scene.change(Change::PutApplication(record.clone())).await;
    }
    assert_eq!(done(store.applications().await), [odd, plain, empty]);
}

/// `Change::PutApplication` replaces the plan in one step: another order, and another name.
pub async fn an_application_is_replaced_at_once(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let mut record = scene.application_record("wiki", &[east, west]);
    scene.change(Change::PutApplication(record.clone())).await;
    record.plan = record.plan.reorder(&[west, east]).expect("the same seats").with_version(2);
    record.name = label("WIKI");
    scene.change(Change::PutApplication(record.clone())).await;
    let kept = done(store.applications().await);
    assert_eq!(kept, [record.clone()]);
    assert_eq!(kept[0].name.as_str(), "WIKI");
    record.plan = Plan::new().with_version(3);
    scene.change(Change::PutApplication(record.clone())).await;
    assert_eq!(done(store.applications().await), [record]);
}

/// `Change::PutApplication`: `Conflict` when another has the name, under any spelling.
pub async fn applications_are_named_apart(store: &dyn Store) {
    let scene = Scene::on(store);
    scene.application("wiki", &[]).await;
    let second = scene.application_record("WIKI", &[]);
    scene.refused(Change::PutApplication(second), Fault::Conflict).await;
    let mut other = scene.application_record("other", &[]);
    scene.change(Change::PutApplication(other.clone())).await;
    other.name = label("Wiki");
    other.plan = other.plan.with_version(2);
    scene.refused(Change::PutApplication(other), Fault::Conflict).await;
}

/// `Change::PutApplication`: `Conflict` unless the plan's version is one more than the stored one, or 1 at
/// first.
pub async fn a_plan_is_replaced_only_by_the_next_version(store: &dyn Store) {
    let scene = Scene::on(store);
    let record = scene.application_record("wiki", &[]);
    let versioned = |version| {
        let plan = record.plan.clone().with_version(version);
        Change::PutApplication(ApplicationRecord { plan, ..record.clone() })
    };
    for version in [0, 2] {
        scene.refused(versioned(version), Fault::Conflict).await;
    }
    scene.change(versioned(1)).await;
    for version in [0, 1, 3] {
        scene.refused(versioned(version), Fault::Conflict).await;
    }
    scene.apply(vec![versioned(2), versioned(3)]).await;
    scene.refused(versioned(3), Fault::Conflict).await;
}

/// `Change::PutApplication`: `Missing` when a seat names no directory.
pub async fn a_seat_needs_a_directory(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let unknown = DirectoryId::from_bytes([9; 16]);
    let record = scene.application_record("wiki", &[east, unknown]);
    scene.refused(Change::PutApplication(record), Fault::Missing).await;
    assert_eq!(done(store.applications().await), []);
}

/// [`Change::RemoveApplication`] takes claims, aliases and sessions along, and only its own; `Missing` for
/// none.
pub async fn a_removed_application_takes_what_is_its_own_along(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let record = scene.application_record("wiki", &[east]);
    let wiki = record.id;
    scene.change(Change::PutApplication(record.clone())).await;
    let shop = scene.application("shop", &[east]).await;
    let anna = scene.user(east, "anna").await;
    for (number, application) in [(1, wiki), (2, shop)] {
        scene.claim(application, "anna", &anna).await;
        scene.session(application, &anna, number).await;
        let alias = Change::SetAlias {
            application,
            subject: anna.clone(),
            alias: username("ann"),
            free_in: Vec::new(),
        };
        scene.change(alias).await;
    }
    scene.change(Change::RemoveApplication(wiki)).await;
    assert_eq!(scene.application_now(wiki).await, None);
    scene.change(Change::PutApplication(record)).await;
    assert_eq!(scene.standing(wiki, "anna").await, None);
    assert_eq!(done(store.alias_of(wiki, &anna).await), None);
    assert!(!scene.is_live(1).await);
    assert!(scene.standing(shop, "anna").await.is_some());
    assert!(done(store.alias_of(shop, &anna).await).is_some());
    assert!(scene.is_live(2).await);
    assert!(scene.find(east, "anna").await.is_some());
    let unknown = ApplicationId::from_bytes([9; 16]);
    scene.refused(Change::RemoveApplication(unknown), Fault::Missing).await;
}

/// [`Change::PutConsumer`] keeps every part of what is said of a consumer, and replaces what is there (T46).
pub async fn a_consumer_is_kept_whole_t46(store: &dyn Store) {
    let scene = Scene::on(store);
    let (wiki, shop) = (scene.application("wiki", &[]).await, scene.application("shop", &[]).await);
    assert_eq!(done(store.consumers().await), [], "nothing was said of any");
    let networks = ["10.0.0.0/8", "2001:db8::/32", "::1"].map(|text| text.parse().expect("a network"));
    let hooks = [None, Some("'\"%_\\ tökén".to_owned())].map(|token| Webhook {
        id: WebhookId::from_bytes([7; 16]),
        endpoint: "https://example.org/ping?a='%_".to_owned(),
        token,
    });
    let kept = [
        ConsumerRecord { credential: Some(ConsumerCredential::Drawn([0xfe; 32])), ..consumer(wiki, 1) },
        ConsumerRecord {
            credential: Some(ConsumerCredential::Chosen(hash("$argon2id$'x"))),
            ..consumer(wiki, 2)
        },
        ConsumerRecord { addresses: networks.to_vec(), webhooks: hooks.to_vec(), ..consumer(wiki, 3) },
        ConsumerRecord { addresses: Vec::new(), ..consumer(wiki, 4) },
    ];
    for record in kept {
        scene.change(Change::PutConsumer(record.clone())).await;
        assert_eq!(done(store.consumers().await), [record]);
    }
    scene.change(Change::PutConsumer(consumer(shop, 1))).await;
    let mut both: Vec<_> = done(store.consumers().await).iter().map(|kept| kept.application).collect();
    assert_eq!(both.len(), 2);
    both.sort();
    assert_eq!(both, done(store.consumers().await).iter().map(|kept| kept.application).collect::<Vec<_>>());
}

/// `Change::PutConsumer`: `Conflict` unless the version is the next, `Missing` without the application, with which it
/// goes.
pub async fn a_consumer_is_replaced_only_by_the_next_version(store: &dyn Store) {
    let scene = Scene::on(store);
    let record = scene.application_record("wiki", &[]);
    let wiki = record.id;
    scene.refused(Change::PutConsumer(consumer(wiki, 1)), Fault::Missing).await;
    scene.change(Change::PutApplication(record.clone())).await;
    for version in [0, 2] {
        scene.refused(Change::PutConsumer(consumer(wiki, version)), Fault::Conflict).await;
    }
    scene.change(Change::PutConsumer(consumer(wiki, 1))).await;
    for version in [0, 1, 3] {
        scene.refused(Change::PutConsumer(consumer(wiki, version)), Fault::Conflict).await;
    }
    scene.change(Change::RemoveApplication(wiki)).await;
    assert_eq!(done(store.consumers().await), []);
    scene.change(Change::PutApplication(record)).await;
    assert_eq!(done(store.consumers().await), [], "a successor is given nothing");
}
