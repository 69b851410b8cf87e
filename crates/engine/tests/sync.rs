//! Rounds of synchronisation: what is written, what is set aside, what is held, and how rounds end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use throng_core::change::LoggedEntry;
use throng_core::directory::{Directory, GroupPatch, UserPatch};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::plan::Plan;
use throng_core::store::{ChangeLog, Mirrors, Records};
use throng_core::sync::{
    Batch, Completeness, EntryKind, FullBecause, Held, Item, MirroredSettings, Mode, Next, Outcome, Part,
    Phase, PlanHash, Position, Round, Schedule, Unreadable,
};
use throng_core::user::{Profile, User};
use throng_engine::Application;
use throng_engine::error::{Conflict, Error};
use throng_engine::sync::{ProgressWatch, Stop, SyncRequest};
use throng_testkit::script::{Behaviour, Call, Cursors, ScriptedDirectory};

use common::World;

const SOURCE: DirectoryId = DirectoryId::from_bytes([9; 16]);

/// A mirror "Jira" of a scripted source, and an application that asks it alone.
struct Mirrored {
    world: World,
    app: Application,
    source: ScriptedDirectory,
    mirror: DirectoryId,
}

impl Mirrored {
    async fn of(source: ScriptedDirectory) -> Self {
        Self::with(source, MirroredSettings::default()).await
    }

    async fn with(source: ScriptedDirectory, settings: MirroredSettings) -> Self {
        let world = World::with(|builder| builder.source("Jira", Arc::new(source.clone()))).await;
        let mirror = world.throng.mirrored_directory("Jira", settings).await.unwrap();
        let plan = Plan::new().seat(mirror).unwrap();
        let app = world.throng.ensure_application("wiki", plan).await.unwrap();
        Self { world, app, source, mirror }
    }

    async fn sync(&self) -> Round {
        self.world.clock.advance(Duration::from_secs(60));
        self.world.throng.sync(self.mirror, SyncRequest::default()).await.unwrap()
    }

    async fn full(&self) -> Round {
        self.world.clock.advance(Duration::from_secs(60));
        self.world.throng.sync(self.mirror, SyncRequest::full()).await.unwrap()
    }

    async fn user(&self, name: &str) -> Option<User> {
        self.world.store.user(self.mirror, &Key::of(name)).await.unwrap()
    }

    async fn members(&self, group: &str) -> Vec<String> {
        let page = self.world.store.children(self.mirror, &Key::of(group), &PageRequest::default()).await;
        page.unwrap().items.iter().map(ToString::to_string).collect()
    }

    /// Everything that the mirror holds, in words.
    async fn contents(&self) -> Vec<String> {
        contents(&*self.world.store, self.mirror).await
    }

    async fn is_like_its_source(&self) {
        assert_eq!(self.contents().await, stated(&self.source).await);
    }
}

async fn contents(store: &dyn throng_core::store::Store, directory: DirectoryId) -> Vec<String> {
    let all = throng_core::filter::Filter::everything();
    let mut words = Vec::new();
    let mut request = PageRequest::default();
    loop {
        let page = store.search_users(&[directory], &all, &request).await.unwrap();
        for (_, user) in page.items.into_iter().flat_map(|found| found.holders) {
            words.push(format!(
                "{} {:?}",
                user.external_id,
                (&user.name, &user.profile, user.active, &user.attributes)
            ));
        }
        match page.next {
            Some(next) => request = request.after(next),
            None => break,
        }
    }
    let page = store.search_groups(&[directory], &all, &PageRequest::default()).await.unwrap();
    for (_, group) in page.items.into_iter().flat_map(|found| found.holders) {
        let children = store.children(directory, group.key(), &PageRequest::default()).await.unwrap();
        words.push(format!("{:?} {:?} {:?}", group.name, group.description, group.attributes));
        words.extend(children.items.iter().map(|member| format!("{:?} has {member:?}", group.name)));
    }
    words
}

/// Everything that the source holds, in the same words.
async fn stated(source: &ScriptedDirectory) -> Vec<String> {
    let all = throng_core::filter::Filter::everything();
    let page = PageRequest::default();
    let mut words = Vec::new();
    for user in source.find_users(&all, &page).await.unwrap().items {
        words.push(format!(
            "{} {:?}",
            user.external_id,
            (&user.name, &user.profile, user.active, &user.attributes)
        ));
    }
    for group in source.find_groups(&all, &page).await.unwrap().items {
        let children = source.children_of(&group.name, &page).await.unwrap();
        words.push(format!("{:?} {:?} {:?}", group.name, group.description, group.attributes));
        words.extend(children.items.iter().map(|member| format!("{:?} has {member:?}", group.name)));
    }
    words
}

fn group_name(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

fn username(name: &str) -> Username {
    Username::new(name).unwrap()
}

fn user_in(name: &str) -> Member {
    Member::User(username(name))
}

fn id(text: &str) -> ExternalId {
    ExternalId::new(text).unwrap()
}

fn user(external_id: &str, name: &str) -> User {
    User {
        external_id: id(external_id),
        name: username(name),
        profile: Profile::default(),
        active: true,
        attributes: Default::default(),
    }
}

fn group(name: &str) -> Group {
    Group {
        external_id: id(&format!("g-{name}")),
        name: group_name(name),
        description: String::new(),
        origin: Origin::Imported,
        attributes: Default::default(),
    }
}

/// A full pull in one batch.
fn everything(items: Vec<Item>) -> Batch {
    Batch { items, cursor: None, next: Next::End(Completeness::Proven) }
}

fn renamed(name: &str) -> UserPatch {
    UserPatch {
        profile: Some(Profile { display_name: name.into(), ..Profile::default() }),
        ..UserPatch::default()
    }
}

/// A source with users `u0` to `u<count>`, of the ids `i0` and so on, all in the group "all", and each tenth in "some", which is in "all".
fn populated(count: usize) -> ScriptedDirectory {
    let source = ScriptedDirectory::new(SOURCE).stating_in_batches_of(3);
    source.put_group("all", "everybody").unwrap();
    source.put_group("some", "").unwrap();
    source.put_member(&group_name("all"), &Member::Group(group_name("some"))).unwrap();
    for number in 0..count {
        let user = user(&format!("i{number}"), &format!("u{number}"));
        source.put_user(user.clone()).unwrap();
        source.put_password(&user.external_id, "a long password");
        source.put_member(&group_name("all"), &Member::User(user.name.clone())).unwrap();
        if number % 10 == 0 {
            source.put_member(&group_name("some"), &Member::User(user.name)).unwrap();
        }
    }
    source
}

#[tokio::test]
async fn a_first_round_makes_the_mirror_like_its_source_and_is_one_entry_of_the_log() {
    let mirrored = Mirrored::of(populated(25)).await;
    let silent = mirrored.app.find_user("u3").await.unwrap_err();
    assert!(
        matches!(silent, Error::Unavailable { .. }),
        "a mirror that was never complete is silent: {silent}"
    );
    let head = mirrored.world.store.head().await.unwrap();
    let round = mirrored.sync().await;
    assert_eq!((round.mode, round.full_because), (Mode::Full, Some(FullBecause::First)));
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete));
    assert_eq!((round.counts.users_added, round.counts.groups_added), (25, 2));
    assert_eq!(round.counts.memberships_added, 25 + 3 + 1);
    mirrored.is_like_its_source().await;
    let logged = mirrored.world.store.batches(head, 10).await.unwrap();
    assert_eq!(logged.len(), 1);
    assert_eq!(logged[0].entries, [LoggedEntry::DirectoryReset(mirrored.mirror)]);
    let found = mirrored.app.find_user("U3").await.unwrap();
    assert_eq!(found.directory(), mirrored.mirror);
    let trail = found.trail().to_string();
    assert!(trail.contains("mirror, as of 2023-11-14T22:14:20Z"), "the age of the data is told: {trail}");
    let journal = mirrored.world.throng.rounds(mirrored.mirror, 5).await.unwrap();
    assert_eq!(journal, [round]);
    let phases: Vec<Phase> = journal[0].phases.iter().map(|(phase, _)| *phase).collect();
    let expected =
        [Phase::Beginning, Phase::Users, Phase::Groups, Phase::Memberships, Phase::Settling, Phase::Over];
    assert_eq!(phases, expected);
}

#[tokio::test]
async fn an_unchanged_source_is_read_and_nothing_is_written() {
    let mirrored = Mirrored::of(populated(25)).await;
    mirrored.sync().await;
    let head = mirrored.world.store.head().await.unwrap();
    let round = mirrored.full().await;
    assert_eq!((round.counts.written(), round.counts.users_read), (0, 25));
    let round = mirrored.sync().await;
    assert_eq!((round.mode, round.counts.read(), round.counts.written()), (Mode::Incremental, 0, 0));
    assert_eq!(mirrored.world.store.head().await.unwrap(), head);
}

/// Both modes make the mirror like its source; a full round after an incremental one finds nothing to write.
#[tokio::test]
async fn changes_of_every_kind_follow_in_both_modes() {
    for cursors in [Cursors::Given, Cursors::None] {
        let source = populated(60);
        source.give_cursors(cursors);
        let mirrored = Mirrored::of(source.clone()).await;
        mirrored.sync().await;
        source.change(&id("i3"), &renamed("Ursula")).unwrap();
        let patch = UserPatch { active: Some(false), ..UserPatch::default() };
        source.change(&id("i4"), &patch).unwrap();
        source.rename(&id("i5"), &username("newname")).unwrap();
        source.rename(&id("i6"), &username("U4")).unwrap_err();
        source.rename(&id("i6"), &username("U6-ß")).unwrap();
        source.drop_user(&id("i7")).unwrap();
        source.put("late").unwrap();
        source.put_group("new group", "made").unwrap();
        source.put_member(&group_name("new group"), &user_in("late")).unwrap();
        source.put_member(&group_name("some"), &user_in("late")).unwrap();
        source.drop_member(&group_name("some"), &user_in("u10")).unwrap();
        let patch = GroupPatch { description: Some("changed".into()), ..GroupPatch::default() };
        source.change_group(&group_name("all"), &patch).unwrap();
        let round = mirrored.sync().await;
        let mode = if cursors == Cursors::Given { Mode::Incremental } else { Mode::Full };
        assert_eq!(round.mode, mode);
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
        mirrored.is_like_its_source().await;
        assert!(!mirrored.user("u4").await.unwrap().active);
        let again = mirrored.full().await;
        assert_eq!(again.counts.written(), 0, "{again:?}");
        source.drop_group(&group_name("new group")).unwrap();
        mirrored.sync().await;
        mirrored.is_like_its_source().await;
    }
}

/// A group that goes and comes again between two rounds is another one (T05).
#[tokio::test]
async fn nobody_stays_in_a_group_that_was_made_anew_t05() {
    for cursors in [Cursors::Given, Cursors::None] {
        let source = populated(60);
        source.give_cursors(cursors);
        let few = group_name("few");
        source.put_group("few", "").unwrap();
        for name in ["u1", "u2"] {
            source.put_member(&few, &user_in(name)).unwrap();
        }
        let mirrored = Mirrored::of(source.clone()).await;
        mirrored.sync().await;
        source.drop_group(&few).unwrap();
        source.put_group("few", "anew").unwrap();
        source.put_member(&few, &user_in("u3")).unwrap();
        mirrored.sync().await;
        assert_eq!(mirrored.members("few").await, ["u3"]);
        mirrored.is_like_its_source().await;
    }
}

/// Names that change hands: each account keeps its id, its groups and its claim (R315, T04).
#[tokio::test]
async fn names_that_change_hands_follow_their_accounts() {
    for cursors in [Cursors::Given, Cursors::None] {
        let source = populated(60);
        source.give_cursors(cursors);
        let mirrored = Mirrored::of(source.clone()).await;
        mirrored.sync().await;
        let identity = mirrored.app.identity(&mirrored.app.find_user("u10").await.unwrap()).await.unwrap();
        let rename =
            |id: &str, name: &str| source.rename(&ExternalId::new(id).unwrap(), &username(name)).unwrap();
        // u10 and u11 swap; u20, u21, u22 go round; u30 takes the name of u31, who is gone.
        rename("i10", "x");
        rename("i11", "u10");
        rename("i10", "u11");
        rename("i20", "y");
        rename("i22", "u20");
        rename("i21", "u22");
        rename("i20", "u21");
        source.drop_user(&id("i31")).unwrap();
        rename("i30", "u31");
        let round = mirrored.sync().await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
        assert_eq!(round.set_aside, []);
        mirrored.is_like_its_source().await;
        let moved = mirrored.app.find_user("u11").await.unwrap();
        assert_eq!(moved.value().external_id, id("i10"));
        assert_eq!(mirrored.app.identity(&moved).await.unwrap(), identity, "the claim follows the account");
        assert!(mirrored.members("some").await.contains(&"u11".to_owned()), "and so do the groups");
        let again = mirrored.full().await;
        assert_eq!(again.counts.written(), 0, "{again:?}");
    }
}

/// A name that somebody new has, whose former owner is gone: the mirror follows, and nothing is inherited (Q11).
#[tokio::test]
async fn a_recycled_name_inherits_nothing_t05() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let former = mirrored.app.find_user("u10").await.unwrap();
    mirrored.app.identity(&former).await.unwrap();
    source.drop_user(&former.value().external_id).unwrap();
    let successor = source.put("u10").unwrap();
    let round = mirrored.sync().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
    assert_eq!(mirrored.user("u10").await.unwrap().external_id, successor.external_id);
    assert!(!mirrored.members("all").await.contains(&"u10".to_owned()));
    let refused = mirrored.app.find_user("u10").await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(Conflict::OwnershipChanged(_))), "{refused}");
}

#[tokio::test]
async fn an_emptied_source_deletes_nothing_until_somebody_approves_t59() {
    let mirrored = Mirrored::of(populated(30)).await;
    mirrored.sync().await;
    let before = mirrored.contents().await;
    mirrored.source.state_instead((0..3).map(|_| everything(vec![])));
    let round = mirrored.full().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::HeldForApproval));
    let held = round.held.unwrap();
    assert_eq!((held.users, held.groups), (30, 2));
    assert_eq!(held.why, [Held::Everything { live: 30 }, Held::Everything { live: 2 }]);
    assert_eq!(held.such_as.len(), 20);
    assert_eq!(mirrored.contents().await, before);
    assert!(mirrored.app.find_user("u1").await.is_ok());

    let wrong = PlanHash::parse("00");
    let stale = mirrored.world.throng.approve_deletions(mirrored.mirror, &wrong).await;
    assert!(matches!(stale, Err(Error::Conflict(Conflict::PlanStale))));
    mirrored.world.throng.approve_deletions(mirrored.mirror, &held.hash).await.unwrap();
    // The word holds for a day.
    mirrored.world.clock.advance(Duration::from_secs(25 * 60 * 60));
    let late = mirrored.sync().await;
    assert_eq!(late.full_because, Some(FullBecause::NoCursor));
    assert_eq!(late.held.map(|held| held.hash), Some(held.hash.clone()));
    mirrored.world.throng.approve_deletions(mirrored.mirror, &held.hash).await.unwrap();
    let round = mirrored.sync().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete));
    assert_eq!((round.counts.users_removed, round.counts.groups_removed), (30, 2));
    assert_eq!(mirrored.contents().await, [] as [String; 0]);
    let mirror = mirrored.world.throng.mirror(mirrored.mirror).await.unwrap();
    assert_eq!((mirror.approval, mirror.state.held_in_a_row), (None, 0));
}

/// An approval is for the deletions that were shown, and for no others.
#[tokio::test]
async fn other_deletions_than_those_approved_are_held_again_t59() {
    let source = populated(200);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    for number in 1..=21 {
        source.drop_user(&id(&format!("i{number}"))).unwrap();
    }
    let held = mirrored.sync().await.held.unwrap();
    assert_eq!(held.why, [Held::TooMany { deletes: 21, allowed: 20 }]);
    mirrored.world.throng.approve_deletions(mirrored.mirror, &held.hash).await.unwrap();
    source.drop_user(&id("i22")).unwrap();
    let again = mirrored.sync().await;
    assert_eq!(again.ended.map(|(_, outcome)| outcome), Some(Outcome::HeldForApproval));
    assert_ne!(again.held.unwrap().hash, held.hash);
    assert!(mirrored.user("u0").await.is_some());
}

#[tokio::test]
async fn additions_and_changes_go_on_while_deletions_are_held_t59() {
    let source = populated(200);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    for number in 1..=50 {
        source.drop_user(&id(&format!("i{number}"))).unwrap();
    }
    source.put("late").unwrap();
    source.put_member(&group_name("some"), &user_in("late")).unwrap();
    source.change(&id("i60"), &renamed("Ursula")).unwrap();
    for round in [mirrored.sync().await, mirrored.full().await] {
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::HeldForApproval), "{round:?}");
        assert_eq!(round.held.as_ref().map(|held| held.users), Some(50));
    }
    assert!(mirrored.members("some").await.contains(&"late".to_owned()));
    assert!(mirrored.members("all").await.contains(&"u10".to_owned()), "whoever is held keeps the groups");
    assert_eq!(mirrored.user("u60").await.unwrap().profile.display_name, "Ursula");
}

/// Small losses count together over a week.
#[tokio::test]
async fn repeated_losses_are_seen_t59() {
    let source = populated(200);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let mut held = None;
    for number in (1..=60).step_by(12) {
        for number in number..number + 12 {
            source.drop_user(&id(&format!("i{number}"))).unwrap();
        }
        held = mirrored.sync().await.held;
        if held.is_some() {
            break;
        }
    }
    assert_eq!(held.unwrap().why, [Held::TooManyInAWeek { deletes: 48, allowed: 40 }]);
}

#[tokio::test]
async fn protected_users_and_groups_are_never_deleted_unasked() {
    let settings = MirroredSettings {
        protected_users: vec![username("U3")],
        protected_groups: vec![group_name("SOME")],
        ..MirroredSettings::default()
    };
    let source = populated(60);
    let mirrored = Mirrored::with(source.clone(), settings).await;
    mirrored.sync().await;
    source.drop_user(&id("i3")).unwrap();
    let round = mirrored.sync().await;
    assert_eq!(round.held.map(|held| held.why), Some(vec![Held::Protected]));
    assert!(mirrored.user("u3").await.is_some());
    source.put_user(user("i3", "u3")).unwrap();
    source.put_member(&group_name("all"), &user_in("u3")).unwrap();
    assert_eq!(mirrored.sync().await.held, None);
    source.drop_group(&group_name("some")).unwrap();
    assert_eq!(mirrored.full().await.held.map(|held| held.groups), Some(1));
}

#[tokio::test]
async fn a_group_that_loses_most_of_its_members_keeps_them_until_approved_t59() {
    for cursors in [Cursors::Given, Cursors::None] {
        let source = populated(60);
        source.give_cursors(cursors);
        let mirrored = Mirrored::of(source.clone()).await;
        mirrored.sync().await;
        for number in 0..40 {
            source.drop_member(&group_name("all"), &user_in(&format!("u{number}"))).unwrap();
        }
        source.put("late").unwrap();
        source.put_member(&group_name("all"), &user_in("late")).unwrap();
        let round = mirrored.sync().await;
        assert_eq!(round.mode, Mode::Full, "only a full round can hold what a group would lose");
        let held = round.held.unwrap();
        assert_eq!((held.users, held.memberships), (0, 40));
        assert_eq!(held.why, [Held::MostOfAGroup { members: 61, leaving: 40 }]);
        let members = mirrored.members("all").await;
        assert!(members.contains(&"u3".to_owned()) && members.contains(&"late".to_owned()));
        mirrored.world.throng.approve_deletions(mirrored.mirror, &held.hash).await.unwrap();
        mirrored.sync().await;
        mirrored.is_like_its_source().await;
    }
}

#[tokio::test]
async fn an_unproven_pull_deletes_nothing_t59() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    source.drop_user(&id("i3")).unwrap();
    source.put("late").unwrap();
    source.doubt(Some("a limit of the server"));
    let round = mirrored.full().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Unproven));
    assert_eq!(round.failure.as_deref(), Some("a limit of the server"));
    assert!(mirrored.user("u3").await.is_some() && mirrored.user("late").await.is_some());
    source.doubt(None);
    let round = mirrored.sync().await;
    assert_eq!((round.mode, round.full_because), (Mode::Full, Some(FullBecause::Failed)));
    mirrored.is_like_its_source().await;
}

/// Whatever call fails, in whatever way: nothing is deleted on the way, and the next round ends as if nothing had been.
#[tokio::test(start_paused = true)]
async fn a_round_that_fails_leaves_a_committed_state_and_the_next_one_mends_it() {
    for behaviour in [Behaviour::Silent, Behaviour::Broken, Behaviour::Hanging] {
        for cursors in [Cursors::Given, Cursors::None] {
            for nth in 1.. {
                let source = populated(24);
                source.give_cursors(cursors);
                let mirrored = Mirrored::of(source.clone()).await;
                mirrored.sync().await;
                source.drop_user(&id("i3")).unwrap();
                source.rename(&id("i5"), &username("u3")).unwrap();
                source.put("late").unwrap();
                source.put_member(&group_name("some"), &user_in("late")).unwrap();
                source.behave_once(Call::Pull, nth, behaviour);
                let before = source.calls(Call::Pull);
                let round = mirrored.sync().await;
                let outcome = round.ended.map(|(_, outcome)| outcome).unwrap();
                if source.calls(Call::Pull) - before < nth {
                    assert_eq!(outcome, Outcome::Complete);
                    break;
                }
                assert_eq!(outcome, Outcome::Failed, "call {nth}");
                assert!(round.failure.is_some());
                assert_eq!(round.counts.users_removed, 0);
                let mirror = mirrored.world.throng.mirror(mirrored.mirror).await.unwrap();
                assert_eq!((mirror.lease, mirror.state.failed_in_a_row), (None, 1));
                let round = mirrored.sync().await;
                assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
                mirrored.is_like_its_source().await;
            }
        }
    }
}

#[tokio::test]
async fn entries_that_cannot_be_taken_over_are_set_aside_and_the_round_goes_on_t67() {
    let mirrored = Mirrored::of(populated(0)).await;
    let unreadable = Unreadable::new(EntryKind::User, "a\u{7}b", Some(id("7")), "a control character");
    let items = vec![
        Item::User(user("1", "anna")),
        Item::User(user("2", "ａｎｎａ")),
        Item::User(user("3", "twice")),
        Item::User(user("3", "once more")),
        Item::User(user("4", "repeated")),
        Item::User(user("4", "repeated")),
        Item::User(user("5", "ad\u{200b}min")),
        Item::User(User {
            profile: Profile { email: "x".repeat(300), ..Profile::default() },
            ..user("6", "long")
        }),
        Item::Unreadable(unreadable),
        Item::User(user("8", "bob")),
        Item::Group(group("staff")),
        Item::Group(Group { description: "other".into(), ..group("STAFF") }),
        Item::Group(group("ops")),
        Item::Members {
            group: group_name("staff"),
            members: vec![
                user_in("anna"),
                user_in("nobody"),
                Member::Group(group_name("staff")),
                Member::Group(group_name("none")),
                Member::Group(group_name("ops")),
                user_in("ANNA"),
            ],
            part: Part::Last,
        },
        Item::Members { group: group_name("none"), members: vec![user_in("anna")], part: Part::Last },
        Item::Members {
            group: group_name("ops"),
            members: vec![Member::Group(group_name("staff"))],
            part: Part::Last,
        },
    ];
    // Enough others that the bad ones are few.
    let others = (100..500).map(|number| Item::User(user(&number.to_string(), &format!("u{number}"))));
    let items: Vec<Item> = others.chain(items).collect();
    mirrored.source.state_instead([everything(items)]);
    let round = mirrored.sync().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
    let aside: Vec<(&str, &str)> =
        round.set_aside.iter().map(|aside| (aside.name.as_str(), aside.why.as_str())).collect();
    let names: Vec<&str> = aside.iter().map(|(name, _)| *name).collect();
    let expected = [
        "once more",
        "ad\u{200b}min",
        "long",
        "a\\u{7}b",
        "ａｎｎａ",
        "STAFF",
        "nobody in staff",
        "staff in staff",
        "none in staff",
        "none",
    ];
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let mut expected_sorted = expected.to_vec();
    expected_sorted.sort_unstable();
    assert_eq!(sorted, expected_sorted, "{aside:?}");
    assert_eq!(mirrored.user("anna").await.map(|user| user.external_id), Some(id("1")));
    assert_eq!(mirrored.user("twice").await, None, "an id of two users is nobody's (T68)");
    assert_eq!(mirrored.user("once more").await, None);
    assert!(mirrored.user("repeated").await.is_some());
    assert_eq!(mirrored.members("staff").await, ["anna", "ops"]);
    assert_eq!(mirrored.members("ops").await, ["staff"], "a circle is kept, and reading ends (R410)");
    let anna = mirrored.app.find_user("anna").await.unwrap();
    let groups = mirrored.app.groups_of(&anna, throng_engine::application::Depth::Nested).await.unwrap();
    assert_eq!(groups.len(), 2);
}

/// The id of somebody who is known is stated for a second user: nobody's name moves by that (T68).
#[tokio::test]
async fn a_duplicated_id_takes_no_name_over_t68() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let anna = mirrored.app.find_user("u3").await.unwrap();
    let identity = mirrored.app.identity(&anna).await.unwrap();
    for order in [["mallory", "u3"], ["u3", "mallory"]] {
        let others = (0..30).filter(|number| *number != 3);
        let others = others.map(|number| Item::User(user(&format!("i{number}"), &format!("u{number}"))));
        let twice = order.map(|name| Item::User(user("i3", name)));
        let groups = ["all", "some"].map(|name| Item::Group(group(name)));
        source.state_instead([everything(others.chain(twice).chain(groups).collect())]);
        let round = mirrored.full().await;
        assert_eq!(round.counts.set_aside, 1, "{round:?}");
        assert_eq!(mirrored.user("mallory").await, None);
        let found = mirrored.app.find_user("u3").await.unwrap();
        assert_eq!(mirrored.app.identity(&found).await.unwrap(), identity);
    }
}

#[tokio::test]
async fn too_many_unreadable_entries_fail_the_round_before_it_deletes_t67() {
    let source = populated(60);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let users = (0..50).map(|number| Item::User(user(&format!("i{number}"), &format!("u{number}"))));
    let unreadable = (0..10)
        .map(|number| Item::Unreadable(Unreadable::new(EntryKind::User, &format!("x{number}"), None, "bad")));
    let groups = ["all", "some"].map(|name| Item::Group(group(name)));
    source.state_instead([everything(users.chain(unreadable).chain(groups).collect())]);
    let round = mirrored.full().await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Failed), "{round:?}");
    assert!(mirrored.user("u55").await.is_some());
}

/// A source that breaks the rules of the port is not believed.
#[tokio::test]
async fn a_source_that_contradicts_itself_fails_the_round() {
    let more = |items, position: &str| Batch {
        items,
        cursor: None,
        next: Next::More(Position::new(position).unwrap()),
    };
    let members =
        |group: &str, part| Item::Members { group: group_name(group), members: vec![user_in("a")], part };
    let pulls: Vec<Vec<Batch>> = vec![
        vec![everything(vec![Item::Group(group("g")), Item::User(user("1", "a"))])],
        vec![everything(vec![members("g", Part::Last), Item::Group(group("g"))])],
        vec![everything(vec![Item::GroupGone(group_name("g"))])],
        vec![everything(vec![
            Item::User(user("1", "a")),
            Item::Group(group("g")),
            Item::Group(group("h")),
            members("g", Part::More),
            members("h", Part::Last),
        ])],
        vec![Batch { items: vec![], cursor: None, next: Next::Expired }],
        vec![everything((0..2_001).map(|n| Item::User(user(&n.to_string(), &format!("n{n}")))).collect())],
        vec![more(vec![Item::User(user("1", "a"))], "x"), more(vec![Item::GroupGone(group_name("g"))], "y")],
    ];
    for batches in pulls {
        let mirrored = Mirrored::of(populated(1)).await;
        mirrored.source.state_instead(batches.clone());
        let round = mirrored.sync().await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Failed), "{batches:?}");
    }
}

/// What cannot have happened is looked at in full, in the same round (CWD-2714, CWD-3188, R611).
#[tokio::test]
async fn an_impossible_change_is_looked_at_in_full() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    for item in [
        Item::Joined(group_name("all"), user_in("nobody")),
        Item::Joined(group_name("none"), user_in("u1")),
        Item::MemberOf(user_in("nobody"), vec![group_name("all")]),
    ] {
        source.state_instead([everything(vec![item.clone()])]);
        let round = mirrored.sync().await;
        assert_eq!((round.mode, round.full_because), (Mode::Full, Some(FullBecause::Impossible)), "{item:?}");
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete));
    }
    mirrored.is_like_its_source().await;
}

/// What is stated again, or is done already, changes nothing (T69).
#[tokio::test]
async fn changes_are_applied_whatever_of_them_is_applied_already_t69() {
    let source = populated(30);
    let mirrored = Mirrored::of(source.clone()).await;
    mirrored.sync().await;
    let before = mirrored.contents().await;
    let items = vec![
        Item::Joined(group_name("all"), user_in("u1")),
        Item::Left(group_name("some"), user_in("u1")),
        Item::Left(group_name("none"), user_in("u1")),
        Item::Left(group_name("all"), user_in("nobody")),
        Item::UserGone(throng_core::sync::Gone::Name(username("nobody"))),
        Item::UserGone(throng_core::sync::Gone::Id(id("nobody"))),
        Item::GroupGone(group_name("none")),
        Item::MemberOf(user_in("u10"), vec![group_name("some"), group_name("all")]),
        Item::User(user("i1", "u1")),
        Item::Group(Group { description: "everybody".into(), ..group("all") }),
        // Made and gone again between two rounds.
        Item::User(user("77", "short")),
        Item::Joined(group_name("all"), user_in("short")),
        Item::UserGone(throng_core::sync::Gone::Name(username("short"))),
        // Renamed: the former name is gone, and whoever had it is not.
        Item::User(user("i20", "new name")),
        Item::UserGone(throng_core::sync::Gone::Name(username("u20"))),
        Item::User(user("i20", "u20")),
    ];
    for _ in 0..2 {
        source.state_instead([everything(items.clone())]);
        let round = mirrored.sync().await;
        assert_eq!(round.mode, Mode::Incremental, "{round:?}");
        assert_eq!(round.counts.written(), 0, "{round:?}");
        assert_eq!(mirrored.contents().await, before);
    }
}

#[tokio::test]
async fn a_round_reads_everything_when_it_must_and_says_why() {
    let source = populated(3);
    let mirrored = Mirrored::of(source.clone()).await;
    let why = |round: &Round| (round.mode, round.full_because);
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::First)));
    assert_eq!(why(&mirrored.sync().await), (Mode::Incremental, None));
    assert_eq!(why(&mirrored.full().await), (Mode::Full, Some(FullBecause::Asked)));
    source.forget_cursors();
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::Expired)));
    mirrored.world.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::Old)));
    let record = mirrored.world.throng.directory("Jira").unwrap();
    let mut record = (*record).clone();
    let settings = MirroredSettings { left_out: vec!["phone".into()], ..MirroredSettings::default() };
    record.kind = throng_core::registry::DirectoryKind::Mirrored(Box::new(settings));
    mirrored.world.throng.update_directory(record).await.unwrap();
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::Settings)));
    source.give_cursors(Cursors::None);
    mirrored.full().await;
    assert_eq!(why(&mirrored.sync().await), (Mode::Full, Some(FullBecause::NoCursor)));
}

/// The cursor is from before the read: what changes while a full round reads comes with the next one (T63, Q15).
#[tokio::test]
async fn a_change_behind_the_reader_s_back_is_not_lost_t63() {
    let source = populated(10);
    let mirrored = Mirrored::of(source.clone()).await;
    // The cursor stands for this moment.
    let now =
        throng_core::sync::SyncSource::pull(&source, throng_core::sync::Pull::Full, None).await.unwrap();
    let first = Batch { cursor: now.cursor, ..everything(vec![Item::User(user("i0", "u0"))]) };
    source.state_instead([first]);
    source.change(&id("i0"), &renamed("Ursula")).unwrap();
    mirrored.sync().await;
    assert_eq!(mirrored.user("u0").await.unwrap().profile.display_name, "");
    let round = mirrored.sync().await;
    assert_eq!(round.mode, Mode::Incremental);
    assert_eq!(mirrored.user("u0").await.unwrap().profile.display_name, "Ursula");
}

#[tokio::test]
async fn a_stopped_round_ends_and_the_next_one_goes_on() {
    let mirrored = Mirrored::of(populated(40)).await;
    let stop = Stop::new();
    stop.set();
    let request = SyncRequest::full().stopped_by(&stop);
    let round = mirrored.world.throng.sync(mirrored.mirror, request).await.unwrap();
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Cancelled));
    let round = mirrored.sync().await;
    assert_eq!(round.number, 2);
    mirrored.is_like_its_source().await;
}

/// A source that does not answer is not waited for once somebody stops the round.
#[tokio::test(start_paused = true)]
async fn a_round_can_be_stopped_while_its_source_hangs() {
    let mirrored = Mirrored::of(populated(4)).await;
    mirrored.source.behave_on(Call::Pull, Behaviour::Hanging);
    let stop = Stop::new();
    let request = SyncRequest::full().stopped_by(&stop);
    let (round, ()) =
        futures_util::future::join(mirrored.world.throng.sync(mirrored.mirror, request), async {
            stop.set();
        })
        .await;
    assert_eq!(round.unwrap().ended.map(|(_, outcome)| outcome), Some(Outcome::Cancelled));
}

#[tokio::test]
async fn a_round_has_a_deadline_q16() {
    let mirrored = Mirrored::of(populated(40)).await;
    let request = SyncRequest::full().deadline(Duration::ZERO);
    let round = mirrored.world.throng.sync(mirrored.mirror, request).await.unwrap();
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::TooLong));
}

#[tokio::test(start_paused = true)]
async fn one_round_of_a_mirror_runs_at_a_time_t70() {
    let mirrored = Mirrored::of(populated(4)).await;
    mirrored.source.behave_on(Call::Pull, Behaviour::Slow(Duration::from_secs(1)));
    let sync = || mirrored.world.throng.sync(mirrored.mirror, SyncRequest::default());
    let (first, second) = futures_util::future::join(sync(), sync()).await;
    assert!(first.is_ok());
    assert!(matches!(second, Err(Error::Conflict(Conflict::Synchronising))));
    assert_eq!(mirrored.world.throng.rounds(mirrored.mirror, 9).await.unwrap().len(), 1);
}

/// A process that lost its lease writes nothing more, and its round is aborted (T65, T66).
#[tokio::test]
async fn a_round_that_was_taken_over_stops_writing_t65() {
    let mirrored = Mirrored::of(populated(40)).await;
    let other = throng_core::id::Id::from_bytes([5; 16]);
    let now = throng_core::time::Clock::now(&*mirrored.world.clock);
    let until = now.plus(Duration::from_secs(60));
    let lease = mirrored.world.store.take_lease(mirrored.mirror, other, now, until).await.unwrap();
    let busy = mirrored.world.throng.sync(mirrored.mirror, SyncRequest::default()).await;
    assert!(matches!(busy, Err(Error::Conflict(Conflict::Synchronising))));
    let running = Round::begin(mirrored.mirror, 1, Mode::Full, now);
    mirrored.world.store.put_round(lease.fence, &running).await.unwrap();
    // The other is gone; its lease is over.
    mirrored.world.clock.advance(Duration::from_secs(61));
    let round = mirrored.world.throng.sync(mirrored.mirror, SyncRequest::default()).await.unwrap();
    assert_eq!((round.number, round.ended.map(|(_, outcome)| outcome)), (2, Some(Outcome::Complete)));
    let rounds = mirrored.world.throng.rounds(mirrored.mirror, 9).await.unwrap();
    assert_eq!(rounds[1].ended.map(|(_, outcome)| outcome), Some(Outcome::Aborted));
}

#[tokio::test]
async fn progress_is_shown_to_whoever_looks() {
    let mirrored = Mirrored::of(populated(40)).await;
    let watch = ProgressWatch::new();
    let request = SyncRequest::full().watched_by(&watch);
    let shown = watch.stream().collect::<Vec<_>>();
    let (round, shown) =
        futures_util::future::join(mirrored.world.throng.sync(mirrored.mirror, request), shown).await;
    let round = round.unwrap();
    let last = shown.last().unwrap();
    assert_eq!((last.outcome, last.counts, last.number), (Some(Outcome::Complete), round.counts, 1));
    assert_eq!(watch.latest(), Some(*last));
}

#[tokio::test]
async fn rounds_run_when_they_are_due_and_wait_after_failures() {
    let hour = Duration::from_secs(60 * 60);
    let settings =
        MirroredSettings { schedule: Schedule::Every { interval: hour }, ..MirroredSettings::default() };
    let mirrored = Mirrored::with(populated(4), settings).await;
    let throng = &mirrored.world.throng;
    let due = async || throng.sync_due().await.len();
    assert_eq!(due().await, 1);
    assert_eq!(due().await, 0);
    mirrored.world.clock.advance(hour);
    mirrored.source.behave_on(Call::Pull, Behaviour::Silent);
    assert_eq!(due().await, 1);
    assert_eq!(due().await, 0);
    mirrored.world.clock.advance(Duration::from_secs(60));
    assert_eq!(due().await, 1, "a minute after the first failure");
    mirrored.world.clock.advance(Duration::from_secs(60));
    assert_eq!(due().await, 0, "two minutes after the second");
    mirrored.source.behave_on(Call::Pull, Behaviour::Answering);
    mirrored.world.clock.advance(Duration::from_secs(60));
    assert_eq!(due().await, 1);
    assert_eq!(throng.mirror(mirrored.mirror).await.unwrap().state.failed_in_a_row, 0);
    let bad = MirroredSettings {
        schedule: Schedule::Every { interval: Duration::ZERO },
        ..MirroredSettings::default()
    };
    assert!(matches!(throng.mirrored_directory("Bad", bad).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn what_is_not_a_mirror_is_not_synchronised() {
    let world = World::new().await;
    let people = world.throng.internal_directory("People").await.unwrap();
    let refused = world.throng.sync(people, SyncRequest::default()).await;
    assert!(matches!(refused, Err(Error::Conflict(Conflict::DirectoryKind))));
    let mirror = world.throng.mirrored_directory("Jira", MirroredSettings::default()).await.unwrap();
    let silent = world.throng.sync(mirror, SyncRequest::default()).await;
    assert!(matches!(silent, Err(Error::Unavailable { .. })), "no source is attached");
}

/// Ten thousand nestings in one circle: kept, read to the end, and compared without a word.
#[tokio::test]
async fn a_circle_of_many_groups_is_mirrored_r410() {
    const LENGTH: usize = 2_000;
    let mirrored = Mirrored::of(populated(1)).await;
    let groups = (0..LENGTH).map(|n| Item::Group(group(&format!("g{n}"))));
    let members = (0..LENGTH).map(|n| Item::Members {
        group: group_name(&format!("g{n}")),
        members: vec![Member::Group(group_name(&format!("g{}", (n + 1) % LENGTH)))],
        part: Part::Last,
    });
    let items: Vec<Item> = groups.chain(members).collect();
    let batches = || {
        let parts: Vec<Vec<Item>> = items.chunks(1_000).map(<[Item]>::to_vec).collect();
        let last = parts.len() - 1;
        let next = move |at: usize| match at == last {
            true => Next::End(Completeness::Proven),
            false => Next::More(Position::new("next").unwrap()),
        };
        parts.into_iter().enumerate().map(move |(at, items)| Batch { items, cursor: None, next: next(at) })
    };
    mirrored.source.state_instead(batches());
    let round = mirrored.sync().await;
    assert_eq!(round.counts.memberships_added, u64::try_from(LENGTH).unwrap());
    mirrored.source.state_instead(batches());
    assert_eq!(mirrored.full().await.counts.written(), 0);
}

/// A source that begins to tell ids, and one that forgets them: the same people (R314, R624).
#[tokio::test]
async fn accounts_known_by_name_and_by_id_are_the_same() {
    let mirrored = Mirrored::of(populated(0)).await;
    let by_name =
        |name: &str| User { external_id: ExternalId::of_name(&Key::of(name)).unwrap(), ..user("x", name) };
    let names: Vec<String> = (0..30).map(|number| format!("u{number}")).collect();
    let weak = || names.iter().map(|name| Item::User(by_name(name))).collect::<Vec<_>>();
    let strong =
        || names.iter().map(|name| Item::User(user(&format!("id-{name}"), name))).collect::<Vec<_>>();
    mirrored.source.state_instead([everything(weak())]);
    mirrored.sync().await;
    let identity = mirrored.app.identity(&mirrored.app.find_user("u3").await.unwrap()).await.unwrap();
    for items in [strong(), weak(), strong()] {
        mirrored.source.state_instead([everything(items)]);
        let round = mirrored.full().await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
        assert_eq!((round.counts.users_added, round.counts.users_removed), (0, 0));
        let found = mirrored.app.find_user("u3").await.unwrap();
        assert_eq!(found.value().external_id, id("id-u3"));
        assert_eq!(mirrored.app.identity(&found).await.unwrap(), identity);
    }
}
