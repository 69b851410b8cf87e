//! What a directory does with each of its powers.

use throng_core::directory::{
    Credence, Directory, GroupPatch, NewGroup, NewUser, Refusal, SetPasswords, UserPatch, WriteGroups,
    WriteMembers, WriteUsers,
};
use throng_core::error::Fault;
use throng_core::id::ExternalId;
use throng_core::user::Profile;

use super::steps::*;
use super::world::*;

fn write_users(directory: &dyn Directory) -> &dyn WriteUsers {
    directory.powers().users.expect("the power over users is listed")
}

fn write_groups(directory: &dyn Directory) -> &dyn WriteGroups {
    directory.powers().groups.expect("the power over groups is listed")
}

fn write_members(directory: &dyn Directory) -> &dyn WriteMembers {
    directory.powers().members.expect("the power over members is listed")
}

fn set_passwords(directory: &dyn Directory) -> &dyn SetPasswords {
    directory.powers().passwords.expect("the power over passwords is listed")
}

/// An id in the form that most directories give, which none has given.
fn unknown_id() -> ExternalId {
    ExternalId::new("00000000-0000-4000-8000-00000000dead").expect("an external id")
}

async fn id_of(directory: &dyn Directory, name: &str) -> ExternalId {
    let found = find(directory, name).await;
    found.expect("the world holds the user").external_id
}

fn new_user(name: &str) -> NewUser {
    NewUser {
        name: username(name),
        profile: Profile {
            display_name: "Fritz 'F' Neu".into(),
            first_name: "Fritz".into(),
            last_name: "Neu".into(),
            email: "fritz@example.com".into(),
        },
        active: true,
    }
}

/// [`WriteUsers::add_user`] 2: the user made has the key asked for, is returned as it is found then, and
/// opens to no password (T11).
pub async fn an_added_user_is_there_t11(directory: &dyn Directory) {
    let added = done(write_users(directory).add_user(&new_user("Fritz")).await);
    assert_eq!(added.name, username("fritz"));
    assert_eq!(added.profile, new_user("Fritz").profile);
    assert!(added.active);
    assert_eq!(find(directory, "fritz").await, Some(added.clone()));
    assert!(all_users(directory).await.contains(&added));
    let credence = log_in(directory, "fritz", World::ANNAS_PASSWORD).await;
    assert!(matches!(credence, Credence::Refused(_)), "{credence:?}");
    let inactive = NewUser { active: false, ..new_user("Gerda") };
    assert!(!done(write_users(directory).add_user(&inactive).await).active);
}

/// `WriteUsers::add_user` 1: `Conflict` when the key is taken under any spelling, and nothing changed.
pub async fn a_second_user_of_a_name_is_refused(directory: &dyn Directory) {
    let before = all_users(directory).await;
    for name in ["anna", "ANNA", "Çağla"] {
        let answer = write_users(directory).add_user(&new_user(name)).await;
        assert_eq!(fault(answer), Fault::Conflict, "{name:?}");
    }
    assert_eq!(all_users(directory).await, before);
}

/// [`WriteUsers::update_user`] changes the named fields, and no others.
pub async fn an_update_changes_the_named_fields_only(directory: &dyn Directory) {
    let before = find(directory, "anna").await.expect("she is there");
    let id = &before.external_id;
    let same = done(write_users(directory).update_user(id, &UserPatch::default()).await);
    assert_eq!(same, before);
    let patch = UserPatch { profile: Some(new_user("any").profile), ..UserPatch::default() };
    let updated = done(write_users(directory).update_user(id, &patch).await);
    assert_eq!(updated.profile, new_user("any").profile);
    assert_eq!((&updated.name, updated.active), (&before.name, true));
    assert_eq!((&updated.external_id, &updated.attributes), (id, &before.attributes));
    assert_eq!(find(directory, "anna").await, Some(updated));
    let credence = log_in(directory, "anna", World::ANNAS_PASSWORD).await;
    assert!(matches!(credence, Credence::Accepted(_)), "the password stays: {credence:?}");
    assert_eq!(parents(directory, &user("anna")).await, ["Devs"]);
}

/// `WriteUsers::update_user`: a deactivated account is refused, an activated one opens.
pub async fn an_update_deactivates_and_activates(directory: &dyn Directory) {
    let set_active = |active| UserPatch { active: Some(active), ..UserPatch::default() };
    let anna = id_of(directory, "anna").await;
    assert!(!done(write_users(directory).update_user(&anna, &set_active(false)).await).active);
    let credence = log_in(directory, "anna", World::ANNAS_PASSWORD).await;
    assert_eq!(credence, Credence::Refused(Refusal::Inactive));
    done(write_users(directory).update_user(&anna, &set_active(true)).await);
    let credence = log_in(directory, "anna", World::ANNAS_PASSWORD).await;
    assert!(matches!(credence, Credence::Accepted(_)), "{credence:?}");
}

/// `WriteUsers::update_user` and `WriteUsers::remove_user`: `Missing` when there is no such account, and an
/// account is named by its id alone.
pub async fn a_write_to_nobody_is_refused(directory: &dyn Directory) {
    let before = all_users(directory).await;
    let users = write_users(directory);
    let patch = UserPatch { active: Some(false), ..UserPatch::default() };
    assert_eq!(fault(users.update_user(&unknown_id(), &patch).await), Fault::Missing);
    assert_eq!(fault(users.remove_user(&unknown_id()).await), Fault::Missing);
    assert_eq!(all_users(directory).await, before);
}

/// [`WriteUsers::rename_user`] 2: groups, password and external id stay; the old name is free.
pub async fn a_renamed_user_keeps_everything_else(directory: &dyn Directory) {
    let id = id_of(directory, "anna").await;
    let renamed = done(write_users(directory).rename_user(&id, &username("Annika")).await);
    assert_eq!((renamed.name.as_str(), &renamed.external_id), ("Annika", &id));
    assert_eq!(find(directory, "annika").await, Some(renamed));
    assert_eq!(find(directory, "anna").await, None);
    assert_eq!(parents(directory, &user("annika")).await, ["Devs"]);
    assert!(parents(directory, &user("anna")).await.is_empty());
    assert_eq!(log_in(directory, "anna", World::ANNAS_PASSWORD).await, Credence::Unknown);
    let credence = log_in(directory, "annika", World::ANNAS_PASSWORD).await;
    assert!(matches!(credence, Credence::Accepted(_)), "{credence:?}");
}

/// `WriteUsers::rename_user` 1: `Conflict` when another has the key; a change of spelling alone is allowed
/// (R255).
pub async fn a_rename_onto_another_is_refused_r255(directory: &dyn Directory) {
    let users = write_users(directory);
    let id = id_of(directory, "anna").await;
    assert_eq!(fault(users.rename_user(&id, &username("BELA")).await), Fault::Conflict);
    assert!(find(directory, "anna").await.is_some());
    let respelled = done(users.rename_user(&id, &username("ANNA")).await);
    assert_eq!(respelled.name.as_str(), "ANNA");
    let found = find(directory, "anna").await.map(|user| user.name.to_string());
    assert_eq!(found.as_deref(), Some("ANNA"));
}

/// [`WriteUsers::remove_user`] takes the memberships along; a successor inherits none (T05).
pub async fn a_removed_user_leaves_no_membership_t05(directory: &dyn Directory) {
    let users = write_users(directory);
    let id = id_of(directory, "anna").await;
    done(users.remove_user(&id).await);
    assert_eq!(find(directory, "anna").await, None);
    assert_eq!(log_in(directory, "anna", World::ANNAS_PASSWORD).await, Credence::Unknown);
    assert_eq!(children(directory, "devs").await, ["çağla"]);
    assert_eq!(fault(users.remove_user(&id).await), Fault::Missing);
    let successor = done(users.add_user(&new_user("anna")).await);
    assert_ne!(successor.external_id, id);
    assert!(parents(directory, &user("anna")).await.is_empty());
    let credence = log_in(directory, "anna", World::ANNAS_PASSWORD).await;
    assert!(matches!(credence, Credence::Refused(_)), "{credence:?}");
}

fn new_group(name: &str) -> NewGroup {
    NewGroup { name: group_name(name), description: "made 'here'".into() }
}

/// [`WriteGroups::add_group`]: the group made is returned as it is found then; `Conflict` when the key is
/// taken.
pub async fn an_added_group_is_there(directory: &dyn Directory) {
    let groups = write_groups(directory);
    let added = done(groups.add_group(&new_group("Neue Gruppe")).await);
    assert_eq!((added.name.as_str(), added.description.as_str()), ("Neue Gruppe", "made 'here'"));
    assert_eq!(find_group(directory, "neue gruppe").await, Some(added.clone()));
    let all = all_groups(directory).await;
    assert!(all.contains(&added));
    assert!(children(directory, "neue gruppe").await.is_empty());
    for name in ["NEUE Gruppe", "Staff"] {
        let answer = groups.add_group(&new_group(name)).await;
        assert_eq!(fault(answer), Fault::Conflict, "{name:?}");
    }
    assert_eq!(all_groups(directory).await, all);
}

/// [`WriteGroups::update_group`] changes the named fields and no others; `Missing` when there is none.
pub async fn an_update_of_a_group_changes_the_named_fields_only(directory: &dyn Directory) {
    let groups = write_groups(directory);
    let mut expected = find_group(directory, "devs").await.expect("it is there");
    let same = done(groups.update_group(&group_name("devs"), &GroupPatch::default()).await);
    assert_eq!(same, expected);
    let patch = GroupPatch { description: Some("who still write".into()), ..GroupPatch::default() };
    let updated = done(groups.update_group(&group_name("DEVS"), &patch).await);
    expected.description = "who still write".into();
    assert_eq!(updated, expected);
    assert_eq!(updated.name.as_str(), "Devs", "an update respells nothing");
    assert_eq!(find_group(directory, "devs").await, Some(expected));
    assert_eq!(children(directory, "devs").await, ["anna", "çağla"]);
    let answer = groups.update_group(&group_name("no such group"), &patch).await;
    assert_eq!(fault(answer), Fault::Missing);
}

/// [`WriteGroups::remove_group`] takes the memberships along, upwards and downwards; `Missing` when there is
/// none.
pub async fn a_removed_group_leaves_no_membership(directory: &dyn Directory) {
    let groups = write_groups(directory);
    done(groups.remove_group(&group_name("OPS")).await);
    assert_eq!(find_group(directory, "ops").await, None);
    assert_eq!(
        children(directory, "staff").await,
        ["Bela", "Devs", "ops"],
        "the user of the same name stays"
    );
    assert_eq!(parents(directory, &user("ops")).await, ["staff"]);
    let answer = groups.remove_group(&group_name("ops")).await;
    assert_eq!(fault(answer), Fault::Missing);
    done(groups.add_group(&new_group("ops")).await);
    assert!(children(directory, "ops").await.is_empty());
    assert!(parents(directory, &group("ops")).await.is_empty());
}

/// [`WriteMembers::add_member`]: users and groups become direct members.
pub async fn an_added_member_is_in_the_group(directory: &dyn Directory) {
    let members = write_members(directory);
    let empty = group_name("Leere GRUPPE");
    for member in [user("ANNA"), group("devs"), user("ops"), group("ops")] {
        done(members.add_member(&empty, &member).await);
    }
    assert_eq!(children(directory, "leere gruppe").await, ["anna", "Devs", "ops", "Ops"]);
    assert_eq!(parents(directory, &user("anna")).await, ["Devs", "leere Gruppe"]);
    assert_eq!(parents(directory, &group("devs")).await, ["leere Gruppe", "staff"]);
}

/// `WriteMembers::add_member` 1 and 2: `Missing` when either is not there, `Conflict` when it is a member
/// already.
pub async fn a_membership_needs_both_ends_and_stands_once(directory: &dyn Directory) {
    let members = write_members(directory);
    for (to, member, expected) in [
        ("no such group", user("anna"), Fault::Missing),
        ("anna", user("anna"), Fault::Missing),
        ("staff", user("nobody"), Fault::Missing),
        ("staff", user("devs"), Fault::Missing),
        ("staff", group("no such group"), Fault::Missing),
        ("staff", group("anna"), Fault::Missing),
        ("DEVS", user("Anna"), Fault::Conflict),
        ("Staff", group("ops"), Fault::Conflict),
    ] {
        let answer = members.add_member(&group_name(to), &member).await;
        assert_eq!(fault(answer), expected, "{member:?} to {to:?}");
    }
    assert_eq!(children(directory, "staff").await, ["Bela", "Devs", "ops", "Ops"]);
    assert_eq!(children(directory, "devs").await, ["anna", "çağla"]);
}

/// [`WriteMembers::remove_member`] takes one membership and no other; `Missing` when there is none.
pub async fn a_removed_member_is_out_of_that_group_only(directory: &dyn Directory) {
    let members = write_members(directory);
    done(members.remove_member(&group_name("STAFF"), &user("OPS")).await);
    assert_eq!(children(directory, "staff").await, ["Bela", "Devs", "Ops"]);
    assert_eq!(parents(directory, &user("ops")).await, ["Ops"]);
    for (from, member) in [
        ("staff", user("ops")),
        ("staff", user("anna")),
        ("staff", user("nobody")),
        ("no such group", user("anna")),
        ("devs", group("anna")),
    ] {
        let answer = members.remove_member(&group_name(from), &member).await;
        assert_eq!(fault(answer), Fault::Missing, "{member:?} from {from:?}");
    }
    assert!(find(directory, "ops").await.is_some());
}

/// [`SetPasswords::set_password`] 3: the new password is accepted and the former is not, for that account
/// alone.
pub async fn a_new_password_replaces_the_former(directory: &dyn Directory) {
    let passwords = set_passwords(directory);
    let new = "staple 4 battery horse";
    done(passwords.set_password(&id_of(directory, "anna").await, &secret(new)).await);
    let credence = log_in(directory, "anna", new).await;
    assert!(matches!(credence, Credence::Accepted(_)), "{credence:?}");
    let credence = log_in(directory, "anna", World::ANNAS_PASSWORD).await;
    assert_eq!(credence, Credence::Refused(Refusal::WrongPassword));
    let credence = log_in(directory, "bela", "two Blue stones").await;
    assert!(matches!(credence, Credence::Accepted(_)), "{credence:?}");
    done(passwords.set_password(&id_of(directory, "emil").await, &secret("emil has one now")).await);
    let credence = log_in(directory, "emil", "emil has one now").await;
    assert!(matches!(credence, Credence::Accepted(_)), "a first password: {credence:?}");
}

/// `SetPasswords::set_password` 1: `Missing` when there is no such account.
pub async fn a_password_of_nobody_is_refused(directory: &dyn Directory) {
    let answer =
        set_passwords(directory).set_password(&unknown_id(), &secret("long enough for anybody")).await;
    assert_eq!(fault(answer), Fault::Missing);
}

/// `SetPasswords::set_password` 2: `Invalid` when the policy refuses it; the former password stays (R710).
pub async fn a_weak_password_is_refused_r710(directory: &dyn Directory) {
    let anna = id_of(directory, "anna").await;
    let answer = set_passwords(directory).set_password(&anna, &secret(World::WEAK_PASSWORD)).await;
    assert_eq!(fault(answer), Fault::Invalid);
    let credence = log_in(directory, "anna", World::WEAK_PASSWORD).await;
    assert_eq!(credence, Credence::Refused(Refusal::WrongPassword));
    let credence = log_in(directory, "anna", World::ANNAS_PASSWORD).await;
    assert!(matches!(credence, Credence::Accepted(_)), "{credence:?}");
}
