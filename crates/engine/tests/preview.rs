//! Previews: what is predicted is what happens, exactly that is applied, and nobody locks the last administrator out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use throng_core::directory::Directory;
use throng_core::id::{DirectoryId, Subject};
use throng_core::plan::{Access, InvalidPlan, MembershipScheme, Plan, Seat, SeatPolicy};
use throng_core::preview::{Difference, Owns, PasswordSource};
use throng_core::registry::Nesting;
use throng_core::store::Registry;
use throng_engine::application::{Adoption, Depth};
use throng_engine::error::{Conflict, Invalid};
use throng_engine::preview::{Copies, Preview, Proposal, Switched, Unlisted};
use throng_engine::{Application, Error};
use throng_testkit::script::{Behaviour, ScriptedDirectory};
use world::*;

async fn preview(world: &World, proposal: Proposal) -> Preview {
    world.throng.preview(proposal).await.unwrap()
}

async fn apply(world: &World, preview: &Preview) -> Result<(), Error> {
    world.throng.apply_preview(preview, Unlisted::Refuse).await
}

fn reorder(app: &Application, order: &[DirectoryId]) -> Proposal {
    Proposal::Reorder { application: app.id(), order: order.to_vec() }
}

fn names(preview: &Preview) -> Vec<&str> {
    preview.differences.iter().map(|difference| difference.name.as_str()).collect()
}

/// P3, T10: a reorder says who has which name, before anything happens.
#[tokio::test]
async fn a_reorder_says_who_changes_p3() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    for (directory, name) in [(0, "anna"), (0, "bela"), (1, "Bela"), (1, "cleo")] {
        world.put_with_password(ids[directory], name, RIGHT).await;
    }
    world.put_group(ids[0], "old", &["bela"]).await;
    world.put_group(ids[1], "new", &["bela"]).await;
    world.put_group(ids[1], "all", &["@new"]).await;
    app.authenticate("bela", RIGHT).await.unwrap();
    let head = world.head().await;
    let seen = preview(&world, reorder(&app, &[ids[1], ids[0]])).await;
    assert_eq!(world.head().await, head, "nothing was changed");
    assert_eq!(names(&seen), ["bela"]);
    let bela = &seen.differences[0];
    assert!(bela.changes_owner() && bela.surfaces && bela.locks_out());
    let (gained, lost) = bela.groups();
    assert_eq!((gained, lost), (vec![&group_name("all"), &group_name("new")], vec![&group_name("old")]));
    assert_eq!(bela.after.as_ref().unwrap().owns, Owns::NotUntilAdopted);
    assert_eq!(
        (seen.totals.names, seen.totals.changed, seen.totals.locked_out, seen.totals.to_adopt),
        (3, 1, 1, 1)
    );

    apply(&world, &seen).await.unwrap();
    assert!(matches!(conflict(app.find_user("bela").await), Conflict::OwnershipChanged(_)));
}

/// Design §4: an administrator who applies a preview may let the accounts it puts in front own the names.
#[tokio::test]
async fn a_preview_carries_its_adoptions_with_it() {
    for adoption in [Adoption::SamePerson, Adoption::NewPerson] {
        let (world, app, ids) = World::internal(2, Plan::new()).await;
        world.put_with_password(ids[0], "anna", RIGHT).await;
        world.put_with_password(ids[1], "anna", OTHER).await;
        let identity = app.authenticate("anna", RIGHT).await.unwrap().identity();
        let seen = preview(&world, reorder(&app, &[ids[1], ids[0]])).await.adopting(adoption);
        apply(&world, &seen).await.unwrap();
        let now = app.authenticate("anna", OTHER).await.unwrap();
        assert_eq!(now.user().directory(), ids[1]);
        assert_eq!(now.identity() == identity, adoption == Adoption::SamePerson);
    }
}

/// What was seen is what happens, or nothing; what does not matter to it does not stop it.
#[tokio::test]
async fn a_stale_preview_is_refused_and_an_unconcerned_one_is_not() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put(ids[1], "anna").await;
    world.put_group(ids[1], "staff", &[]).await;
    let proposal = reorder(&app, &[ids[1], ids[0]]);
    let seen = preview(&world, proposal.clone()).await;
    world.put(ids[1], "zed").await;
    apply(&world, &seen).await.unwrap();
    assert_eq!(find(&app, "anna").await.directory(), ids[1]);
    app.reorder(&[ids[0], ids[1]]).await.unwrap();

    let anna = world.held(ids[1], "anna").await.unwrap();
    let moved: [&str; 4] = ["another namesake", "another group", "an inactive account", "a removed account"];
    for ground in moved {
        let seen = preview(&world, proposal.clone()).await;
        match ground {
            "another namesake" => {
                world.put(ids[0], "bela").await;
                world.put(ids[1], "bela").await;
            }
            "another group" => world.put_group(ids[1], "staff", &["anna"]).await,
            "an inactive account" => world.deactivate(ids[1], &anna).await,
            _ => world.drop_user(ids[1], &anna).await,
        }
        assert_eq!(conflict(apply(&world, &seen).await), Conflict::PreviewStale, "{ground}");
        assert_eq!(app.record().unwrap().plan.rank(ids[0]), Some(0), "{ground}");
    }
}

/// T105, P5: no change leaves an application without anybody who can administer it.
#[tokio::test]
async fn the_last_administrator_is_not_locked_out_t105_p5() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    let anna = world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put_group(ids[0], "chiefs", &["anna"]).await;
    world.put_group(ids[0], "admins", &["@chiefs"]).await;
    world.put(ids[1], "anna").await;
    world.put_with_password(ids[1], "bela", RIGHT).await;
    app.set_administrators(group_names(&["admins"])).await.unwrap();
    let subject = subject(ids[0], &anna);
    let locking = [
        reorder(&app, &[ids[1], ids[0]]),
        Proposal::RemoveSeat { application: app.id(), directory: ids[0] },
        Proposal::SwitchDirectory { directory: ids[0], state: Switched::Off },
        Proposal::RemoveDirectory { directory: ids[0] },
        Proposal::Access {
            application: app.id(),
            directory: ids[0],
            access: Access::Groups(BTreeSet::new()),
        },
        Proposal::DeleteUser { subject: subject.clone(), copies: Copies::Stay },
        Proposal::DeleteUser { subject: subject.clone(), copies: Copies::Removed },
        Proposal::SwitchUser { subject: subject.clone(), state: Switched::Off },
        leave(ids[0], "chiefs", "anna"),
        leave(ids[0], "admins", "@chiefs"),
        Proposal::RemoveGroup { directory: ids[0], group: group_name("chiefs") },
        Proposal::RemoveGroup { directory: ids[0], group: group_name("admins") },
    ];
    for proposal in locking.clone() {
        let seen = preview(&world, proposal.clone()).await;
        assert_eq!(seen.without_administrator, ["wiki"], "{proposal:?}");
        let head = world.head().await;
        assert_eq!(conflict(apply(&world, &seen).await), Conflict::LastAdministrator("wiki".into()));
        assert_eq!(world.head().await, head, "{proposal:?}");
    }
    let harmless = Proposal::RenameUser { subject, name: username("hanna") };
    assert_eq!(preview(&world, harmless).await.without_administrator, Vec::<String>::new());
    // A second one, in the directory that stays, is enough; one who cannot log in is not.
    world.put_group(ids[1], "admins", &["bela"]).await;
    for proposal in locking {
        let seen = preview(&world, proposal).await;
        assert_eq!(seen.without_administrator, Vec::<String>::new());
        let left: Vec<&str> = seen.administrators.iter().map(|who| who.name.as_str()).collect();
        assert_eq!(left, ["bela"]);
    }
    world.deactivate(ids[1], &world.held(ids[1], "bela").await.unwrap()).await;
    let seen = preview(&world, Proposal::RemoveDirectory { directory: ids[0] }).await;
    assert_eq!(seen.without_administrator, ["wiki"]);
}

/// Who is put in front of the administrator's name administers when the name is adopted, and not before.
#[tokio::test]
async fn an_administrator_who_adopts_the_name_counts_t105() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    for id in &ids {
        world.put_with_password(*id, "anna", RIGHT).await;
        world.put_group(*id, "admins", &["anna"]).await;
    }
    app.set_administrators(group_names(&["admins"])).await.unwrap();
    app.authenticate("anna", RIGHT).await.unwrap();
    let seen = preview(&world, reorder(&app, &[ids[1], ids[0]])).await;
    assert_eq!(seen.without_administrator, ["wiki"]);
    assert_eq!(conflict(apply(&world, &seen).await), Conflict::LastAdministrator("wiki".into()));
    let seen = seen.adopting(Adoption::SamePerson);
    assert_eq!(seen.without_administrator, Vec::<String>::new());
    apply(&world, &seen).await.unwrap();
    assert_eq!(app.authenticate("anna", RIGHT).await.unwrap().user().directory(), ids[1]);
}

/// Nobody administers from behind a directory that is silent, where that is put in front (T03, T105).
#[tokio::test]
async fn a_silent_directory_in_front_leaves_no_administrator_t105() {
    let far = live(7);
    far.behave(Behaviour::Silent);
    let (world, app, local) = World::live_below(&[&far], Plan::new()).await;
    world.put_with_password(local, "anna", RIGHT).await;
    world.put_group(local, "admins", &["anna"]).await;
    app.set_administrators(group_names(&["admins"])).await.unwrap();
    let seen = preview(&world, reorder(&app, &[far.id(), local])).await;
    assert_eq!(seen.without_administrator, ["wiki"]);
    let (application, directory) = (app.id(), far.id());
    let policy = SeatPolicy { login: throng_core::plan::OnSilence::Pass, ..SeatPolicy::DEFAULT };
    let passing = preview(&world, Proposal::Policy { application, directory, policy }).await;
    world.throng.apply_preview(&passing, Unlisted::Accept).await.unwrap();
    let seen = preview(&world, reorder(&app, &[far.id(), local])).await;
    assert_eq!(seen.without_administrator, Vec::<String>::new());
}

/// Groups and activity are changed by previews, too: exactly that, and nothing that others decide about.
#[tokio::test]
async fn leaving_and_switching_off_are_seen_first() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    let anna = world.put_with_password(ids[0], "anna", RIGHT).await;
    world.put(ids[1], "anna").await;
    world.put_group(ids[0], "staff", &["anna"]).await;
    world.put_group(ids[0], "all", &["@staff"]).await;
    let seen = preview(&world, leave(ids[0], "all", "@staff")).await;
    let (gained, lost) = seen.differences[0].groups();
    assert_eq!((gained.len(), lost), (0, vec![&group_name("all")]));
    apply(&world, &seen).await.unwrap();
    assert_eq!(groups(&app, "anna", Depth::Nested).await, ["staff"]);
    let seen = preview(&world, Proposal::RemoveGroup { directory: ids[0], group: group_name("staff") }).await;
    assert_eq!((seen.totals.groups, names(&seen)), (1, vec!["anna"]));
    apply(&world, &seen).await.unwrap();
    assert_eq!(world.held_group(ids[0], "staff").await, None);
    let of = |state| Proposal::SwitchUser { subject: subject(ids[0], &anna), state };
    let seen = preview(&world, of(Switched::Off)).await;
    assert_eq!((seen.totals.activity, seen.totals.locked_out), (1, 1));
    apply(&world, &seen).await.unwrap();
    assert!(app.authenticate("anna", RIGHT).await.is_err());
    let seen = preview(&world, of(Switched::On)).await;
    apply(&world, &seen).await.unwrap();
    app.authenticate("anna", RIGHT).await.unwrap();
    for nothing in
        [leave(ids[0], "all", "anna"), leave(ids[0], "none", "anna"), leave(ids[0], "all", "@none")]
    {
        assert!(is_missing(&world.throng.preview(nothing).await));
    }
    let far = live(7);
    let (world, ..) = World::live_above(&[&far], Plan::new()).await;
    assert!(is_forbidden(&world.throng.preview(leave(far.id(), "all", "anna")).await));
}

fn leave(directory: DirectoryId, group: &str, who: &str) -> Proposal {
    Proposal::LeaveGroup { directory, group: group_name(group), member: member(who) }
}

/// A directory that lists people out of order is told, and nobody of it is passed over in silence.
#[tokio::test]
async fn pages_out_of_order_are_told_t03() {
    let far = live(7);
    for name in ["anna", "bela", "cleo"] {
        far.put(name).unwrap();
    }
    let odd = std::sync::Arc::new(world::odd::Backwards(far.clone()));
    let world = World::with(|builder| builder.directory("Far", odd)).await;
    let local = world.throng.internal_directory("Local").await.unwrap();
    let app = world.app("wiki", Plan::new().seat(far.id()).unwrap().seat(local).unwrap()).await;
    let outcome = world.throng.preview(reorder(&app, &[local, far.id()])).await;
    assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");
}

/// Where there was nobody before, a change is not refused for it.
#[tokio::test]
async fn an_application_without_an_administrator_is_no_worse_off() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put_group(ids[0], "admins", &["anna"]).await;
    app.set_administrators(group_names(&["admins"])).await.unwrap();
    let seen = preview(&world, reorder(&app, &[ids[1], ids[0]])).await;
    assert_eq!(seen.without_administrator, Vec::<String>::new(), "there is no password to log in with");
    apply(&world, &seen).await.unwrap();
}

/// R254, P9: deleting somebody says who surfaces, and can take the copies along.
#[tokio::test]
async fn deleting_somebody_says_who_surfaces_p9_r254() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    let anna = world.put(ids[0], "anna").await;
    world.put(ids[1], "Anna").await;
    let of = |copies| Proposal::DeleteUser { subject: subject(ids[0], &anna), copies };
    let seen = preview(&world, of(Copies::Stay)).await;
    assert!(seen.differences[0].surfaces);
    assert_eq!(seen.differences[0].after.as_ref().unwrap().subject.directory, ids[1]);
    let seen = preview(&world, of(Copies::Removed)).await;
    assert_eq!((seen.differences[0].after.as_ref(), seen.differences[0].surfaces), (None, false));
    apply(&world, &seen).await.unwrap();
    assert_eq!((world.users_in(ids[0]).await.len(), world.users_in(ids[1]).await.len()), (0, 0));
    assert!(is_missing(&app.find_user("anna").await));
}

#[tokio::test]
async fn an_outage_policy_says_what_an_outage_would_mean() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[0], "anna").await;
    let (application, directory, policy) = (app.id(), ids[0], SeatPolicy::CROWD);
    let seen = preview(&world, Proposal::Policy { application, directory, policy }).await;
    assert_eq!((seen.differences.len(), seen.outages.len()), (0, 1));
    assert_eq!((seen.outages[0].before, seen.outages[0].after), (SeatPolicy::DEFAULT, SeatPolicy::CROWD));
    apply(&world, &seen).await.unwrap();
    assert_eq!(app.record().unwrap().plan.seats()[0].policy, policy);
}

/// A silent directory is not an empty one: it is named, and nothing is applied over it unasked.
#[tokio::test]
async fn a_directory_that_cannot_be_listed_is_named_t03() {
    let far = live(7);
    far.put("anna").unwrap();
    let (world, app, local) = World::live_above(&[&far], Plan::new()).await;
    world.put(local, "anna").await;
    let proposal = reorder(&app, &[local, far.id()]);
    let seen = preview(&world, proposal.clone()).await;
    assert_eq!((names(&seen), seen.unlisted.len()), (vec!["anna"], 0));
    assert_eq!(seen.differences[0].before.as_ref().unwrap().password, PasswordSource::Directory);
    far.behave(Behaviour::Silent);
    let seen = preview(&world, proposal).await;
    assert_eq!(seen.unlisted, [far.id()]);
    assert_eq!(conflict(apply(&world, &seen).await), Conflict::NotListed(vec![far.id()]));
    world.throng.apply_preview(&seen, Unlisted::Accept).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name_g04() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    let anna = world.put(ids[0], "anna").await;
    world.put(ids[0], "bela").await;
    let nowhere = DirectoryId::from_bytes([9; 16]);
    let plan_fault = |outcome: Result<Preview, Error>| match outcome {
        Err(Error::Invalid(Invalid::Plan(fault))) => fault,
        other => panic!("{other:?}"),
    };
    let of = |order: &[DirectoryId]| world.throng.preview(reorder(&app, order));
    assert_eq!(plan_fault(of(&[ids[0], ids[0]]).await), InvalidPlan::DirectoryTwice(ids[0]));
    assert_eq!(plan_fault(of(&[ids[0]]).await), InvalidPlan::DirectoryMissing(ids[1]));
    assert_eq!(plan_fault(of(&[ids[0], ids[1], nowhere]).await), InvalidPlan::UnknownDirectory(nowhere));
    let add = Proposal::AddSeat { application: app.id(), directory: nowhere, at: 0 };
    assert!(is_missing(&world.throng.preview(add).await));
    let rename = |name: &str| {
        world.throng.preview(Proposal::RenameUser { subject: subject(ids[0], &anna), name: username(name) })
    };
    assert_eq!(conflict(rename("bela").await), Conflict::NameTaken);
    assert_eq!(rename("ANNA").await.unwrap().totals.owners, 0);
    let nobody = Subject { directory: ids[1], external_id: anna.external_id.clone() };
    let delete = Proposal::DeleteUser { subject: nobody, copies: Copies::Stay };
    assert!(is_missing(&world.throng.preview(delete).await));
}

/// Many pages, and more differences than are listed: each is told once, in the order of names.
#[tokio::test]
async fn everybody_is_told_once_over_many_pages() {
    let far = live(7);
    let (world, app, local) = World::live_above(&[&far], Plan::new()).await;
    let mut changes = Vec::new();
    for number in 0..2_500 {
        let id = throng_core::id::ExternalId::new(format!("{number}")).unwrap();
        let user = throng_core::user::User::named(id, username(&format!("user{number:04}")));
        if number % 2 == 0 {
            far.put_user(user.clone()).unwrap();
        }
        let (directory, free_in, credential) = (local, vec![], None);
        changes.push(throng_core::change::Change::AddUser { directory, user, free_in, credential });
    }
    world.apply(changes).await;
    let mut told = Vec::new();
    let proposal = reorder(&app, &[local, far.id()]);
    let seen = world
        .throng
        .preview_each(proposal, |difference| told.push(difference.name.to_string()))
        .await
        .unwrap();
    let expected: Vec<String> = (0..2_500).step_by(2).map(|number| format!("user{number:04}")).collect();
    assert_eq!(told, expected);
    assert_eq!((seen.totals.names, seen.totals.changed), (2_500, 1_250));
    assert_eq!(seen.differences.len(), Preview::MOST_LISTED);
}

/// A small world: who is where, in which groups, and what was claimed.
#[derive(Debug, Clone)]
struct Small {
    /// For each directory, for each name: whether it is there, and active, and in which of the groups.
    users: Vec<Vec<Option<(bool, u8)>>>,
    /// For each directory, which group stands in which.
    nestings: Vec<Option<(usize, usize)>>,
    claimed: Vec<bool>,
    aggregated: bool,
    guarded: Option<usize>,
}

const NAMES: [&str; 4] = ["anna", "bela", "cleo", "dora"];
const GROUPS: [&str; 3] = ["g", "h", "i"];

fn smalls() -> impl Strategy<Value = Small> {
    let user = proptest::option::weighted(0.6, (proptest::bool::weighted(0.8), 0u8..8));
    let users = proptest::collection::vec(proptest::collection::vec(user, 4), 4);
    let nestings = proptest::collection::vec(proptest::option::of((0usize..3, 0usize..3)), 4);
    let claimed = proptest::collection::vec(any::<bool>(), 4);
    (users, nestings, claimed, any::<bool>(), proptest::option::of(0usize..4)).prop_map(
        |(users, nestings, claimed, aggregated, guarded)| Small {
            users,
            nestings,
            claimed,
            aggregated,
            guarded,
        },
    )
}

/// A world of three internal directories, one that is live, and two applications in different orders.
async fn built(small: &Small) -> (World, Vec<Application>, Vec<DirectoryId>, ScriptedDirectory) {
    let far = live(7);
    let world = World::with(|builder| builder.directory("Far", std::sync::Arc::new(far.clone()))).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(world.throng.internal_directory(&format!("D{number}")).await.unwrap());
    }
    ids.push(far.id());
    for (at, directory) in ids.iter().enumerate() {
        for group in GROUPS {
            if at == 3 {
                far.put_group(group, "").unwrap();
            } else {
                world.put_group(*directory, group, &[]).await;
            }
        }
        for (name, user) in NAMES.iter().zip(&small.users[at]) {
            let Some((active, groups)) = user else { continue };
            let made = if at == 3 { far.put(name).unwrap() } else { world.put(*directory, name).await };
            for (bit, group) in GROUPS.iter().enumerate() {
                if groups & (1 << bit) != 0 && at == 3 {
                    far.put_member(&group_name(group), &member(name)).unwrap();
                } else if groups & (1 << bit) != 0 {
                    world.put_group(*directory, group, &[name]).await;
                }
            }
            if !active && at == 3 {
                let patch = throng_core::directory::UserPatch { active: Some(false), ..Default::default() };
                far.change(&made.external_id, &patch).unwrap();
            } else if !active {
                world.deactivate(*directory, &made).await;
            }
        }
        if let Some((inside, holder)) = small.nestings[at]
            && inside != holder
        {
            let inside = format!("@{}", GROUPS[inside]);
            if at == 3 {
                far.put_member(&group_name(GROUPS[holder]), &member(&inside)).unwrap();
            } else {
                world.put_group(*directory, GROUPS[holder], &[&inside]).await;
            }
        }
    }
    world.settle(ids[1], |settings| settings.nesting = Nesting::Direct).await;
    let scheme = if small.aggregated { MembershipScheme::Aggregated } else { MembershipScheme::Canonical };
    let mut applications = Vec::new();
    for (name, order) in [("wiki", [0, 1, 3]), ("shop", [3, 1, 0])] {
        let mut plan = Plan::new().with_memberships(scheme);
        for at in order {
            let access = match small.guarded == Some(at) {
                true => Access::Groups(BTreeSet::from([group_name("g")])),
                false => Access::Everyone,
            };
            plan = plan.push(Seat { access, ..Seat::new(ids[at]) }).unwrap();
        }
        let app = world.app(name, plan).await;
        for (name, claimed) in NAMES.iter().zip(&small.claimed) {
            if *claimed && let Ok(user) = app.find_user(name).await {
                app.identity(&user).await.unwrap();
            }
        }
        applications.push(app);
    }
    (world, applications, ids, far)
}

/// What is seen of a name from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Observed {
    subject: Subject,
    owns: Owns,
    rest: Option<(bool, bool, Vec<String>)>,
}

async fn observe(app: &Application, name: &str) -> Option<Observed> {
    match app.find_user(name).await {
        Ok(user) => {
            let groups = named(&app.groups_of(&user, Depth::Nested).await.unwrap());
            let admission = app.admission(&user).await.unwrap();
            let active = user.value().active;
            // An inactive account is not admitted whatever its groups; the preview tells both apart.
            let admitted = if active { admission.is_admitted() } else { true };
            let rest = Some((active, admitted, groups));
            Some(Observed { subject: user.subject(), owns: Owns::Name, rest })
        }
        Err(Error::NotFound { .. }) => None,
        Err(Error::Conflict(Conflict::OwnershipChanged(change))) => {
            Some(Observed { subject: change.found.clone(), owns: Owns::NotUntilAdopted, rest: None })
        }
        other => panic!("{other:?}"),
    }
}

/// What was predicted, as it can be seen from outside.
fn visible(held: Option<&throng_core::preview::Holding>) -> Option<Observed> {
    held.map(|held| Observed {
        subject: held.subject.clone(),
        owns: held.owns,
        rest: (held.owns == Owns::Name).then(|| {
            let groups = held.groups.iter().map(ToString::to_string).collect();
            (held.active, !held.active || held.admitted, groups)
        }),
    })
}

fn proposal(
    choice: u8,
    applications: &[Application],
    ids: &[DirectoryId],
    subjects: &[(Subject, &'static str)],
) -> Proposal {
    let (app, other) = (&applications[usize::from(choice) % 2], usize::from(choice / 2));
    let application = app.id();
    let seats: Vec<DirectoryId> =
        app.record().unwrap().plan.seats().iter().map(|seat| seat.directory).collect();
    let turned: Vec<_> = seats.iter().rev().copied().collect();
    let rolled: Vec<_> = seats.iter().cycle().skip(1).take(3).copied().collect();
    let one = || &subjects[other % subjects.len().max(1)];
    let some = || one().0.clone();
    let group = group_name(GROUPS[other % 3]);
    match choice / 2 % 17 {
        0 => Proposal::Reorder { application, order: turned },
        1 => Proposal::Reorder { application, order: rolled },
        2 => Proposal::AddSeat { application, directory: ids[2], at: other % 4 },
        3 => Proposal::RemoveSeat { application, directory: seats[other % 3] },
        4 => Proposal::SwitchDirectory { directory: seats[0], state: Switched::Off },
        5 => Proposal::RemoveDirectory { directory: ids[other % 2] },
        6 => Proposal::Memberships { application, scheme: MembershipScheme::Aggregated },
        7 => Proposal::Memberships { application, scheme: MembershipScheme::Canonical },
        8 => {
            let access = Access::Groups(BTreeSet::from([group_name("h")]));
            Proposal::Access { application, directory: seats[other % 3], access }
        }
        9 if !subjects.is_empty() => Proposal::DeleteUser { subject: some(), copies: Copies::Stay },
        10 if !subjects.is_empty() => Proposal::DeleteUser { subject: some(), copies: Copies::Removed },
        11 if !subjects.is_empty() => Proposal::RenameUser { subject: some(), name: username("emil") },
        12 if !subjects.is_empty() => Proposal::SwitchUser { subject: some(), state: Switched::Off },
        13 if !subjects.is_empty() => Proposal::SwitchUser { subject: some(), state: Switched::On },
        14 => Proposal::RemoveGroup { directory: ids[other % 2], group },
        15 if !subjects.is_empty() => {
            Proposal::LeaveGroup { directory: some().directory, group, member: member(one().1) }
        }
        16 => {
            let inside = format!("@{}", GROUPS[other / 3 % 3]);
            Proposal::LeaveGroup { directory: ids[other % 2], group, member: member(&inside) }
        }
        _ => Proposal::SwitchDirectory { directory: seats[1], state: Switched::Off },
    }
}

async fn predicted_is_what_happens(small: &Small, choice: u8) {
    let (world, applications, ids, _far) = built(small).await;
    let mut subjects = Vec::new();
    for id in &ids[..3] {
        for name in NAMES {
            subjects.extend(world.held(*id, name).await.map(|user| (subject(*id, &user), name)));
        }
    }
    let proposal = proposal(choice, &applications, &ids, &subjects);
    let all: Vec<&str> = NAMES.into_iter().chain(["emil"]).collect();
    let mut before = BTreeMap::new();
    for app in &applications {
        for name in &all {
            before.insert((app.id(), *name), observe(app, name).await);
        }
    }
    let mut told: Vec<Difference> = Vec::new();
    let seen = world.throng.preview_each(proposal.clone(), |difference| told.push(difference.clone())).await;
    let seen = match seen {
        Ok(seen) => seen,
        // A name that is somebody's claim elsewhere cannot be given by a rename; that is told, and nothing changes.
        Err(Error::Conflict(_)) => return,
        // Whoever is in no such group cannot leave it.
        Err(Error::NotFound { .. }) if matches!(proposal, Proposal::LeaveGroup { .. }) => return,
        Err(error) => panic!("{proposal:?}: {error:?}"),
    };
    let applied = world.throng.apply_preview(&seen, Unlisted::Refuse).await;
    match applied {
        Ok(()) => {}
        Err(Error::Conflict(Conflict::PreviewStale)) if matches!(proposal, Proposal::RenameUser { .. }) => {
            return;
        }
        Err(error) => panic!("{proposal:?}: {error:?}"),
    }
    for app in &applications {
        for name in &all {
            let (was, is) = (before[&(app.id(), *name)].clone(), observe(app, name).await);
            let key = throng_core::name::Key::of(name);
            let found = told.iter().find(|it| it.application == app.id() && *it.name.key() == key);
            match found {
                Some(found) => {
                    assert_eq!(visible(found.before.as_ref()), was, "{proposal:?} {name}: before");
                    assert_eq!(visible(found.after.as_ref()), is, "{proposal:?} {name}: after");
                }
                None => assert_eq!(was, is, "{proposal:?} {name}: nothing was predicted"),
            }
        }
    }
    drop(world.store.directories().await.unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// For random worlds and changes, the diff that is predicted is the diff that happens.
    #[test]
    fn what_is_predicted_is_what_happens(small in smalls(), choice in 0u8..=255) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(predicted_is_what_happens(&small, choice));
    }
}

/// The fingerprint is of what was seen, and of nothing else.
#[tokio::test]
async fn a_fingerprint_is_of_the_change_and_of_whom_it_changes() {
    let (world, app, ids) = World::internal(2, Plan::new()).await;
    world.put(ids[0], "anna").await;
    world.put(ids[1], "anna").await;
    let proposal = reorder(&app, &[ids[1], ids[0]]);
    let seen = preview(&world, proposal.clone()).await.fingerprint();
    assert_eq!(seen.as_str().len(), 16);
    world.put(ids[1], "zed").await;
    assert_eq!(preview(&world, proposal.clone()).await.fingerprint(), seen, "zed is not concerned");
    let other = Proposal::RemoveSeat { application: app.id(), directory: ids[0] };
    assert_ne!(preview(&world, other).await.fingerprint(), seen);
    world.put(ids[0], "zed").await;
    assert_ne!(preview(&world, proposal).await.fingerprint(), seen, "zed changes, too");
}
