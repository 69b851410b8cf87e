//! The scripted directory keeps the contract while it is told to, and breaks it as it is told.

use std::time::Duration;

use throng_core::directory::{Credence, Directory, NewUser, Refusal, Verifier, Vouched};
use throng_core::error::Fault;
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Username};
use throng_core::password::EncodedHash;
use throng_core::secret::Secret;
use throng_core::user::Profile;
use throng_testkit::contract::directory::{DirectoryFixture, World, reading};
use throng_testkit::directory_contract;
use throng_testkit::script::{Behaviour, Call, Lie, Power, ScriptedDirectory, ScriptedVerifier};

const ID: DirectoryId = DirectoryId::from_bytes([1; 16]);

directory_contract!(
    all_powers,
    |world| async { world.scripted(ID) },
    powers = [users, groups, members, passwords]
);

directory_contract!(no_powers, |world| async { world.scripted(ID).with_powers(&[]) }, powers = []);

async fn locking(world: &'static World) -> DirectoryFixture {
    let directory = world.scripted(ID).locking_after(7).with_powers(&[Power::Passwords]);
    DirectoryFixture::new(directory).locking_after(7)
}

directory_contract!(locking_accounts, locking, powers = [passwords]);

#[tokio::test]
#[should_panic(expected = "powers reported, and powers listed")]
async fn a_power_that_is_not_listed_fails_the_suite() {
    let directory = World::standard().scripted(ID);
    reading::the_powers_are_those_listed(&directory, &["users", "groups", "members"]).await;
}

#[tokio::test]
#[should_panic(expected = "powers reported, and powers listed")]
async fn a_power_that_is_not_there_fails_the_suite() {
    let directory = World::standard().scripted(ID).with_powers(&[Power::Users]);
    reading::the_powers_are_those_listed(&directory, &["users", "groups"]).await;
}

fn name(text: &str) -> Username {
    Username::new(text).expect("a user name")
}

fn secret(text: &str) -> Secret {
    Secret::new(text).expect("a password")
}

#[tokio::test(start_paused = true)]
async fn each_behaviour_does_as_it_says() {
    let directory = ScriptedDirectory::new(ID);
    let handle = directory.clone();
    let anna = handle.put_with_password("anna", "secret").unwrap();
    let ask = || directory.user(&anna.name);
    for (behaviour, fault) in [(Behaviour::Silent, Fault::Unavailable), (Behaviour::Broken, Fault::Broken)] {
        handle.behave(behaviour);
        assert_eq!(ask().await.unwrap_err().fault(), fault);
    }
    handle.behave(Behaviour::Hanging);
    assert!(tokio::time::timeout(Duration::from_secs(3_600), ask()).await.is_err());
    handle.behave(Behaviour::Slow(Duration::from_secs(5)));
    assert!(tokio::time::timeout(Duration::from_secs(4), ask()).await.is_err());
    assert!(tokio::time::timeout(Duration::from_secs(6), ask()).await.is_ok());
    handle.behave(Behaviour::Lying(Lie::Name));
    assert_ne!(ask().await.unwrap().unwrap().name, anna.name);
    handle.behave(Behaviour::Lying(Lie::ExternalId));
    assert_ne!(ask().await.unwrap().unwrap().external_id, anna.external_id);
    handle.behave(Behaviour::Refusing(Refusal::Locked));
    let credence = directory.authenticate(&anna.name, &secret("secret")).await;
    assert_eq!(credence.unwrap(), Credence::Refused(Refusal::Locked));
    let stranger = directory.authenticate(&name("nobody"), &secret("secret")).await;
    assert_eq!(stranger.unwrap(), Credence::Unknown);
    handle.behave(Behaviour::Answering);
    assert_eq!(ask().await.unwrap(), Some(anna.clone()));
}

#[tokio::test]
async fn calls_are_counted_one_by_one() {
    let directory = ScriptedDirectory::new(ID);
    let handle = directory.clone();
    handle.behave_on(Call::Authenticate, Behaviour::Silent);
    let _ = directory.user(&name("anna")).await;
    let _ = directory.user(&name("anna")).await;
    let _ = directory.authenticate(&name("anna"), &secret("x")).await;
    assert_eq!((handle.calls(Call::User), handle.calls(Call::Authenticate)), (2, 1));
    assert_eq!((handle.calls(Call::Group), handle.all_calls()), (0, 3));
    handle.forget_calls();
    assert_eq!(handle.all_calls(), 0);
}

/// R702: a check that could not be made counts for nothing.
#[tokio::test]
async fn a_check_that_could_not_be_made_is_no_failure() {
    let directory = ScriptedDirectory::new(ID).locking_after(1);
    let anna = directory.put_with_password("anna", "secret").unwrap();
    directory.behave(Behaviour::Silent);
    assert!(directory.authenticate(&anna.name, &secret("wrong")).await.is_err());
    directory.behave(Behaviour::Answering);
    let credence = directory.authenticate(&anna.name, &secret("secret")).await;
    assert_eq!(credence.unwrap(), Credence::Accepted(anna));
}

#[tokio::test]
async fn a_verifier_answers_for_accounts_that_come_and_go() {
    let verifier = ScriptedVerifier::new();
    let anna = verifier.put("Anna", "secret").unwrap();
    let accepted = verifier.verify(&name("aNNA"), &secret("secret")).await.unwrap();
    assert_eq!(accepted, Vouched::Accepted(Box::new(anna.clone())));
    let refused = verifier.verify(&name("anna"), &secret("wrong")).await.unwrap();
    assert_eq!(refused, Vouched::Refused(Refusal::WrongPassword));
    verifier.rename(&anna.external_id, &name("Annika")).unwrap();
    assert_eq!(verifier.verify(&name("anna"), &secret("secret")).await.unwrap(), Vouched::Unknown);
    let today = verifier.account(&anna.external_id).await.unwrap();
    assert_eq!(today.map(|account| account.name.to_string()).as_deref(), Some("Annika"));
    verifier.behave(Behaviour::Lying(Lie::Name));
    let Vouched::Accepted(lie) = verifier.verify(&name("annika"), &secret("secret")).await.unwrap() else {
        unreachable!("a lie is told of who is accepted");
    };
    assert_ne!(lie.name, name("annika"));
    verifier.behave(Behaviour::Silent);
    assert!(verifier.verify(&name("annika"), &secret("secret")).await.is_err());
    verifier.behave(Behaviour::Answering);
    verifier.drop_account(&anna.external_id).unwrap();
    assert_eq!(verifier.account(&anna.external_id).await.unwrap(), None);
    assert_eq!((verifier.calls(Call::Verify), verifier.calls(Call::Account)), (5, 2));
}

#[tokio::test]
async fn a_credulous_verifier_accepts_anybody() {
    let verifier = ScriptedVerifier::accepting_anybody();
    let vouched = verifier.verify(&name("Whoever"), &secret("x")).await.unwrap();
    assert!(matches!(vouched, Vouched::Accepted(account) if account.external_id.as_str() == "whoever"));
}

#[tokio::test]
async fn an_answer_that_is_lost_is_that_of_a_call_that_was_made() {
    let directory = ScriptedDirectory::new(ID).with_powers(&[Power::Users]);
    let new = NewUser { name: name("anna"), profile: Profile::default(), active: true };
    let add = || directory.powers().users.expect("the power over users").add_user(&new);
    directory.behave(Behaviour::Losing);
    assert_eq!(add().await.unwrap_err().fault(), Fault::Unavailable);
    // That the name is taken by now is lost as well.
    assert_eq!(add().await.unwrap_err().fault(), Fault::Unavailable);
    assert_eq!(directory.user(&new.name).await.unwrap_err().fault(), Fault::Unavailable);
    directory.behave(Behaviour::Answering);
    assert_eq!(add().await.unwrap_err().fault(), Fault::Conflict);
    assert!(directory.user(&new.name).await.unwrap().is_some());
}

#[tokio::test]
async fn calls_of_all_kinds_behave_otherwise_from_one_on() {
    let directory = ScriptedDirectory::new(ID);
    directory.behave_on(Call::Group, Behaviour::Broken);
    directory.behave_once(Call::User, 1, Behaviour::Broken);
    directory.behave_from(4, Behaviour::Silent);
    let (anna, staff) = (name("anna"), GroupName::new("staff").expect("a group name"));
    let mut faults = Vec::new();
    for _ in 0..3 {
        faults.push(directory.user(&anna).await.err().map(|error| error.fault()));
        faults.push(directory.group(&staff).await.err().map(|error| error.fault()));
    }
    let broken = Some(Fault::Broken);
    let silent = Some(Fault::Unavailable);
    assert_eq!(faults, [broken, broken, None, silent, silent, silent]);
    directory.behave_from(0, Behaviour::Silent);
    assert!(directory.user(&anna).await.is_ok());
    directory.behave_from(1, Behaviour::Silent);
    directory.behave(Behaviour::Answering);
    assert!(directory.user(&anna).await.is_ok());
}

#[tokio::test]
async fn a_hash_is_taken_whose_password_was_told_and_no_other() {
    let hash = |text| EncodedHash::new(text).expect("a hash");
    let plain = ScriptedDirectory::new(ID);
    assert!(plain.powers().hashes.is_none());
    let directory = plain.taking_hash(&hash("{X}1"), "secret");
    let new = NewUser { name: name("anna"), profile: Profile::default(), active: true };
    let hashes = directory.powers().hashes.expect("the power over hashes");
    let other = hashes.add_user_with_hash(&new, &hash("{X}2")).await;
    assert_eq!(other.unwrap_err().fault(), Fault::Invalid);
    assert_eq!(directory.user(&new.name).await.unwrap(), None);
    let anna = hashes.add_user_with_hash(&new, &hash("{X}1")).await.unwrap();
    let credence = directory.authenticate(&new.name, &secret("secret")).await.unwrap();
    assert_eq!(credence, Credence::Accepted(anna));
}

#[tokio::test]
async fn a_copy_holds_the_same_and_shares_nothing() {
    let directory = ScriptedDirectory::new(ID);
    let anna = directory.put_with_password("anna", "secret").unwrap();
    directory.behave(Behaviour::Silent);
    let copy = directory.copy();
    let bela = copy.put("bela").unwrap();
    assert_ne!(bela.external_id, anna.external_id);
    let credence = copy.authenticate(&anna.name, &secret("secret")).await.unwrap();
    assert_eq!((credence, copy.all_calls()), (Credence::Accepted(anna), 1));
    directory.behave(Behaviour::Answering);
    assert_eq!((directory.all_calls(), directory.user(&bela.name).await.unwrap()), (0, None));
}
