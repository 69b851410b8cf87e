//! Claims and aliases.

use throng_core::change::Change;
use throng_core::claim::Claim;
use throng_core::error::Fault;
use throng_core::id::{ApplicationId, DirectoryId, Subject};
use throng_core::name::Key;
use throng_core::page::PageRequest;
use throng_core::store::Store;

use super::scene::*;

/// [`Change::MakeClaim`] keeps the claim whole, also a tombstone and one on an account that is not stored
/// here.
pub async fn a_claim_is_kept_whole(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.live_directory("west").await);
    let wiki = scene.application("wiki", &[east, west]).await;
    let anna = scene.user(east, "anna").await;
    let made = scene.claim(wiki, "anna", &anna).await;
    let buried = Claim {
        tombstoned_at: Some(scene.now()),
        ..scene.claim_on(wiki, "o'brien %_\\", &subject(west, "o'brien"))
    };
    scene.change(Change::MakeClaim(buried.clone())).await;
    assert_eq!(scene.standing(wiki, "ANNA").await, Some(made));
    assert_eq!(scene.standing(wiki, "O'Brien %_\\").await, Some(buried));
    assert_eq!(scene.standing(wiki, "bela").await, None);
}

/// `Change::MakeClaim`: `Conflict` when there is one on (application, key), a tombstone included; another
/// application has its own.
pub async fn a_name_is_claimed_once_in_an_application(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (wiki, shop) = (scene.application("wiki", &[east]).await, scene.application("shop", &[east]).await);
    let anna = scene.user(east, "anna").await;
    let made = scene.claim(wiki, "anna", &anna).await;
    let second = scene.claim_on(wiki, "anna", &subject(east, "other"));
    scene.refused(Change::MakeClaim(second.clone()), Fault::Conflict).await;
    scene.refused(Change::MakeClaim(made), Fault::Conflict).await;
    scene.change(remove_user(&anna)).await;
    scene.refused(Change::MakeClaim(second), Fault::Conflict).await;
    assert_eq!(scene.standing(shop, "anna").await, None);
    scene.claim(shop, "anna", &anna).await;
}

/// [`Change::ReplaceClaim`] puts another in place of the one expected; `Conflict` when another stands, or
/// none (T01).
pub async fn a_claim_is_replaced_only_if_it_is_the_one_expected_t01(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let wiki = scene.application("wiki", &[east, west]).await;
    let anna = scene.user(east, "anna").await;
    let standing = scene.claim_on(wiki, "anna", &anna);
    let adopted = Claim { subject: scene.user(west, "anna").await, made_at: scene.now(), ..standing.clone() };
    let replace = |expected: &Claim, claim: &Claim| Change::ReplaceClaim {
        expected: expected.clone(),
        claim: claim.clone(),
    };
    scene.refused(replace(&standing, &adopted), Fault::Conflict).await;
    scene.change(Change::MakeClaim(standing.clone())).await;
    let others = [
        Claim { identity: scene.identity(), ..standing.clone() },
        Claim { subject: adopted.subject.clone(), ..standing.clone() },
        Claim { tombstoned_at: Some(scene.now()), ..standing.clone() },
        Claim { made_at: scene.now(), ..standing.clone() },
    ];
    for other in others {
        scene.refused(replace(&other, &adopted), Fault::Conflict).await;
    }
    assert_eq!(scene.standing(wiki, "anna").await, Some(standing.clone()));
    scene.change(replace(&standing, &adopted)).await;
    assert_eq!(scene.standing(wiki, "anna").await, Some(adopted.clone()));
    scene.refused(replace(&standing, &adopted), Fault::Conflict).await;
}

/// [`Change::ReleaseClaim`] removes the one expected; `Conflict` when another stands, or none.
pub async fn a_claim_is_released_only_if_it_is_the_one_expected(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let anna = scene.user(east, "anna").await;
    let standing = scene.claim(wiki, "anna", &anna).await;
    let other = Claim { identity: scene.identity(), ..standing.clone() };
    scene.refused(Change::ReleaseClaim(other), Fault::Conflict).await;
    scene.change(Change::ReleaseClaim(standing.clone())).await;
    assert_eq!(scene.standing(wiki, "anna").await, None);
    scene.refused(Change::ReleaseClaim(standing), Fault::Conflict).await;
}

/// [`Registry::claims`] pages through an application's claims in the order of keys.
///
/// [`Registry::claims`]: throng_core::store::Registry::claims
pub async fn claims_are_paged_by_key(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (wiki, shop) = (scene.application("wiki", &[east]).await, scene.application("shop", &[east]).await);
    let mut expected = Vec::new();
    for name in ["a b", "anna", "bela", "z", "çağla"] {
        expected.push(scene.claim(wiki, name, &subject(east, name)).await);
    }
    scene.claim(shop, "dora", &subject(east, "dora")).await;
    for limit in 1..=6 {
        let mut request = PageRequest::first(limit);
        let mut found = Vec::new();
        loop {
            let page = done(store.claims(wiki, &request).await);
            assert!(page.items.len() <= limit);
            found.extend(page.items);
            let Some(next) = page.next else { break };
            request = request.after(next);
        }
        assert_eq!(found, expected, "pages of {limit}");
    }
    let unknown = ApplicationId::from_bytes([9; 16]);
    assert_eq!(done(store.claims(unknown, &PageRequest::default()).await).items, []);
}

fn set_alias(application: ApplicationId, subject: &Subject, alias: &str, free_in: &[DirectoryId]) -> Change {
    Change::SetAlias {
        application,
        subject: subject.clone(),
        alias: username(alias),
        free_in: free_in.to_vec(),
    }
}

/// [`Change::SetAlias`]: the account is found by the alias's key with its own name of today, in that
/// application only.
pub async fn an_alias_leads_to_the_account_and_its_name(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (wiki, shop) = (scene.application("wiki", &[east]).await, scene.application("shop", &[east]).await);
    let anna = scene.user(east, "Anna").await;
    scene.change(set_alias(wiki, &anna, "Ännchen", &[])).await;
    let alias = Key::of("a\u{308}nnCHEN");
    let (found, name) = done(store.alias(wiki, &alias).await).expect("it was given");
    assert_eq!((&found, name.as_str()), (&anna, "Anna"));
    let kept = done(store.alias_of(wiki, &anna).await).expect("it was given");
    assert_eq!(kept.as_str(), "Ännchen");
    assert_eq!(done(store.alias(shop, &alias).await), None);
    assert_eq!(done(store.alias_of(shop, &anna).await), None);
    scene.change(rename(&anna, "Annika")).await;
    let (found, name) = done(store.alias(wiki, &alias).await).expect("a rename keeps it");
    assert_eq!((&found, name.as_str()), (&anna, "Annika"));
}

/// `Change::SetAlias` replaces a former alias, which is free again.
pub async fn an_account_has_one_alias_in_an_application(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let wiki = scene.application("wiki", &[east]).await;
    let (anna, bela) = (scene.user(east, "anna").await, scene.user(east, "bela").await);
    scene.change(set_alias(wiki, &anna, "one", &[])).await;
    scene.change(set_alias(wiki, &anna, "two", &[])).await;
    assert_eq!(done(store.alias(wiki, &Key::of("one")).await), None);
    assert_eq!(done(store.alias_of(wiki, &anna).await), Some(username("two")));
    scene.change(set_alias(wiki, &bela, "one", &[])).await;
    scene.change(set_alias(wiki, &anna, "TWO", &[])).await;
    let spelled = done(store.alias_of(wiki, &anna).await).map(|alias| alias.to_string());
    assert_eq!(spelled.as_deref(), Some("TWO"), "an alias may be respelled");
}

/// `Change::SetAlias`: `Conflict` when the alias is another account's, or a user of `free_in` holds the key
/// (R806).
pub async fn an_alias_that_is_taken_is_refused_r806(store: &dyn Store) {
    let scene = Scene::on(store);
    let (east, west) = (scene.directory("east").await, scene.directory("west").await);
    let (wiki, shop) =
        (scene.application("wiki", &[east, west]).await, scene.application("shop", &[east, west]).await);
    let (anna, bela) = (scene.user(east, "anna").await, scene.user(east, "bela").await);
    scene.user(west, "dora").await;
    scene.change(set_alias(wiki, &anna, "ann", &[])).await;
    scene.refused(set_alias(wiki, &bela, "ANN", &[]), Fault::Conflict).await;
    scene.refused(set_alias(wiki, &bela, "Dora", &[east, west]), Fault::Conflict).await;
    assert_eq!(done(store.alias_of(wiki, &bela).await), None);
    scene.change(set_alias(shop, &bela, "ann", &[east, west])).await;
}

/// [`Change::RemoveAlias`] takes the alias away; `Missing` when there is none.
pub async fn a_removed_alias_leads_nowhere(store: &dyn Store) {
    let scene = Scene::on(store);
    let east = scene.directory("east").await;
    let (wiki, shop) = (scene.application("wiki", &[east]).await, scene.application("shop", &[east]).await);
    let anna = scene.user(east, "anna").await;
    let remove = |application| Change::RemoveAlias { application, subject: anna.clone() };
    scene.change(set_alias(wiki, &anna, "ann", &[])).await;
    scene.refused(remove(shop), Fault::Missing).await;
    scene.change(remove(wiki)).await;
    assert_eq!(done(store.alias(wiki, &Key::of("ann")).await), None);
    assert_eq!(done(store.alias_of(wiki, &anna).await), None);
    scene.refused(remove(wiki), Fault::Missing).await;
}
