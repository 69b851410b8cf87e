//! A naive model of several directories, written from the rules, against the engine over random worlds.
//!
//! Names and groups are numbers in the model; what the engine sees is one of three spellings of each. Only live
//! directories can be silent. Circles are put in behind the engine's back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "model/rules.rs"]
mod rules;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use rules::{
    Action, Class, GROUPS, Kind, MAILS, Model, NAMES, Person, Place, Wanted, group_number, spelling,
    user_number,
};
use throng_core::attribute::Attributes;
use throng_core::change::Change;
use throng_core::filter::Filter;
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::Key;
use throng_core::page::{Page, PageRequest};
use throng_core::permission::{Operation, Permissions};
use throng_core::plan::{MembershipScheme, Plan, Seat};
use throng_core::registry::{DelegatedSettings, Nesting};
use throng_core::resolve::Occurrence;
use throng_core::user::{Profile, User};
use throng_engine::application::{Depth, NameState, NewAccount};
use throng_engine::error::{Conflict, Invalid};
use throng_engine::{Application, Error};
use throng_testkit::script::{Behaviour, Power, ScriptedDirectory};
use world::{World, about, email, group_name, username};

fn class<T: std::fmt::Debug>(outcome: &Result<T, Error>) -> Class {
    match outcome {
        Ok(_) => Class::Done,
        Err(Error::NotFound { .. }) => Class::Missing,
        Err(Error::Unavailable { .. }) => Class::Unavailable,
        Err(Error::Conflict(Conflict::NameTaken)) => Class::Taken,
        Err(Error::Conflict(Conflict::AlreadyMember)) => Class::AlreadyMember,
        Err(Error::Conflict(Conflict::Cycle)) => Class::Cycle,
        Err(Error::Forbidden(_)) => Class::Forbidden,
        Err(Error::Invalid(Invalid::NoNesting)) => Class::NoNesting,
        other => panic!("not an outcome of any rule here: {other:?}"),
    }
}

// The engine beside the model.

struct Beside {
    model: Model,
    world: World,
    app: Application,
    ids: Vec<DirectoryId>,
    lives: BTreeMap<usize, ScriptedDirectory>,
}

fn id_of(user: u8) -> ExternalId {
    ExternalId::new(format!("user {user}")).unwrap()
}

fn permissions(bits: u8) -> Permissions {
    let allowed = Operation::ALL.into_iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0);
    allowed.map(|(_, operation)| operation).collect()
}

fn member_of_model(user: Option<u8>, group: Option<u8>) -> Member {
    match (user, group) {
        (Some(user), _) => Member::User(username(NAMES[usize::from(user)])),
        (None, group) => Member::Group(group_name(GROUPS[usize::from(group.unwrap())])),
    }
}

impl Beside {
    async fn new(model: Model) -> Self {
        let mut lives = BTreeMap::new();
        for (at, place) in model.places.iter().enumerate().filter(|(_, place)| place.kind == Kind::Live) {
            let (users, groups, members) = place.powers;
            let powers = [(Power::Users, users), (Power::Groups, groups), (Power::Members, members)];
            let powers: Vec<_> = powers.into_iter().filter(|(_, has)| *has).map(|(power, _)| power).collect();
            lives.insert(at, world::live(u8::try_from(at).unwrap() + 1).with_powers(&powers));
        }
        let world = World::with(|mut builder| {
            for (at, live) in &lives {
                builder = builder.directory(format!("D{at}"), Arc::new(live.clone()));
            }
            builder
        })
        .await;
        let mut ids = Vec::new();
        for (at, place) in model.places.iter().enumerate() {
            let name = format!("D{at}");
            let nesting = if place.nests { Nesting::Allowed } else { Nesting::Direct };
            let id = match place.kind {
                Kind::Internal => world.throng.internal_directory(&name).await.unwrap(),
                Kind::Delegated => {
                    let settings = DelegatedSettings { nesting, ..DelegatedSettings::default() };
                    world.throng.delegated_directory(&name, settings).await.unwrap()
                }
                Kind::Live => world.throng.directory(&name).unwrap().id,
            };
            if place.kind == Kind::Internal {
                world.settle(id, |settings| settings.nesting = nesting).await;
            }
            world.mask(id, permissions(place.masks.0)).await;
            fill(&world, id, place, lives.get(&at)).await;
            ids.push(id);
        }
        let mut plan = if model.crowd { Plan::crowd() } else { Plan::new() };
        plan = plan.with_memberships(model.scheme);
        for (at, place) in model.in_order() {
            let (policy, permissions) = (plan.rules().seat_policy, permissions(place.masks.1));
            plan = plan.push(Seat { policy, permissions, ..Seat::new(ids[at]) }).unwrap();
        }
        let app = world.app("wiki", plan).await;
        let beside = Self { model, world, app, ids, lives };
        beside.fall_silent();
        beside
    }

    fn fall_silent(&self) {
        for (at, live) in self.lives.iter().filter(|(at, _)| self.model.places[**at].silent) {
            let _ = at;
            live.behave(Behaviour::Silent);
        }
    }

    fn place_of(&self, id: DirectoryId) -> usize {
        self.ids.iter().position(|other| *other == id).unwrap()
    }

    /// Everything that can be asked, in both.
    async fn ask_everything(&self, wanted: &[Wanted], variant: u8) {
        for user in 0..5 {
            self.ask_about_user(user, variant).await;
        }
        for group in 0..4 {
            self.ask_about_group(group, variant).await;
        }
        for wanted in wanted {
            self.search(wanted).await;
        }
    }

    async fn ask_about_user(&self, user: u8, variant: u8) {
        let name = spelling(NAMES[usize::from(user)], variant);
        let found = self.app.find_user(&name).await;
        let expected = self.model.user(user);
        assert_eq!(class(&found), expected.err().unwrap_or(Class::Done), "find {name}");
        let explained = self.app.explain(&name).await.unwrap();
        match (&explained.state, expected) {
            (NameState::Means { subject, shadowed }, Ok(at)) => {
                assert_eq!(*subject, found.as_ref().unwrap().subject(), "explain {name}");
                let below: Vec<_> = shadowed.iter().map(|subject| self.place_of(subject.directory)).collect();
                assert_eq!(below, self.model.users_places(user)[1..], "explain {name}, first {at}");
            }
            (NameState::Unknown, Err(Class::Missing)) => {}
            (NameState::Undecided { silent }, Err(Class::Unavailable)) => assert!(!silent.is_empty()),
            (state, expected) => panic!("explain {name}: {state:?}, and find: {expected:?}"),
        }
        let (Ok(found), Ok(at)) = (found, expected) else { return };
        assert_eq!(self.place_of(found.directory()), at, "find {name}");
        assert_eq!(found.value().name.as_str(), self.model.places[at].users[&user].spelling);
        for depth in [Depth::Direct, Depth::Nested] {
            let case = format!("groups of {name} {depth:?}");
            let groups = self.app.groups_of(&found, depth).await;
            let expected = self.model.groups_of(at, user, depth);
            assert_eq!(class(&groups), expected.as_ref().err().copied().unwrap_or(Class::Done), "{case}");
            let (Ok(groups), Ok(expected)) = (groups, expected) else { continue };
            let told: Vec<u8> = groups.iter().map(|told| group_number(told.group.as_str())).collect();
            assert_eq!(told, expected.iter().copied().collect::<Vec<_>>(), "{case}");
            for group in 0..4 {
                let other_spelling = spelling(GROUPS[usize::from(group)], (variant + 1) % 3);
                let is_member = self.app.is_member(&found, &other_spelling, depth).await.unwrap();
                assert_eq!(is_member, expected.contains(&group), "{case}, is member of {group}");
                let page = self.app.members_of(&other_spelling, depth, &PageRequest::default()).await;
                if let Ok(page) = page {
                    let both_ways = page.items.iter().any(|member| member.value.name == found.value().name);
                    assert_eq!(is_member, both_ways, "CWD-3796: {case}, members of {group}");
                }
            }
        }
    }

    async fn ask_about_group(&self, group: u8, variant: u8) {
        let name = spelling(GROUPS[usize::from(group)], variant);
        let found = self.app.find_group(&name).await;
        let expected = self.model.first(|place| place.groups.contains_key(&group), self.model.crowd);
        assert_eq!(class(&found), expected.err().unwrap_or(Class::Done), "find group {name}");
        if let (Ok(found), Ok(at)) = (found, expected) {
            assert_eq!(self.place_of(found.directory()), at, "find group {name}");
        }
        for depth in [Depth::Direct, Depth::Nested] {
            let case = format!("{name} {depth:?}");
            let expected = self.model.members_of(group, depth).map(|members| members.into_iter().collect());
            for limit in [1, 2, 1_000] {
                let members = self.all_members(&name, depth, limit).await;
                assert_eq!(members, expected, "members of {case}, pages of {limit}");
            }
            let above = self.app.groups_of_group(&name, depth).await;
            let above = above.map(|all| all.iter().map(|told| group_number(told.group.as_str())).collect());
            assert_eq!(as_class(above), self.model.groups_of_group(group, depth), "groups of {case}");
            let below = self.app.groups_in(&name, depth).await;
            let below = below.map(|all| all.iter().map(|told| group_number(told.as_str())).collect());
            assert_eq!(as_class(below), self.model.groups_in(group, depth), "groups in {case}");
        }
    }

    async fn all_members(&self, name: &str, depth: Depth, limit: usize) -> Result<Vec<(u8, usize)>, Class> {
        let (mut all, mut request) = (Vec::new(), PageRequest::first(limit));
        loop {
            let page = as_class(self.app.members_of(name, depth, &request).await)?;
            match self.take(page, limit, &mut all) {
                Some(next) => request = request.after(next),
                None => return Ok(all),
            }
        }
    }

    async fn search(&self, wanted: &Wanted) {
        let (filter, expected) = (wanted.filter(), self.model.search(wanted));
        for limit in [1, 2, 3, 1_000] {
            let (mut all, mut request) = (Vec::new(), PageRequest::first(limit));
            let told = loop {
                match self.app.search_users(&filter, &request).await {
                    Err(error) => break Err(class::<()>(&Err(error))),
                    Ok(page) => match self.take(page, limit, &mut all) {
                        Some(next) => request = request.after(next),
                        None => break Ok(all),
                    },
                }
            };
            assert_eq!(told, expected, "{wanted:?}, pages of {limit}");
        }
    }

    fn take(&self, page: Page<Occurrence<User>>, limit: usize, all: &mut Vec<(u8, usize)>) -> Option<Key> {
        assert!(page.items.len() <= limit);
        let told = page.items.iter();
        all.extend(told.map(|it| (user_number(it.value.name.as_str()), self.place_of(it.directory))));
        page.next
    }

    async fn act(&mut self, action: Action) {
        let app = &self.app;
        let name = |user: u8| spelling(NAMES[usize::from(user)], user % 3);
        let group = |group: u8| spelling(GROUPS[usize::from(group)], (group + 1) % 3);
        let found = match action {
            Action::Update(user, _)
            | Action::Rename(user, ..)
            | Action::Remove(user)
            | Action::Join(user, _)
            | Action::Leave(user, _) => match app.find_user(&name(user)).await {
                Ok(found) => Some(found),
                Err(_) => return,
            },
            _ => None,
        };
        let found = || found.as_ref().unwrap();
        let told = match action {
            Action::Create(user, variant) => {
                let account = NewAccount::named(spelling(NAMES[usize::from(user)], variant));
                class(&app.create_user(account).await)
            }
            Action::Update(_, mail) => {
                class(&app.update_user(found(), email(MAILS[usize::from(mail)])).await)
            }
            Action::Rename(_, to, variant) => {
                let outcome = app.rename_user(found(), &spelling(NAMES[usize::from(to)], variant)).await;
                if let Ok(renamed) = &outcome {
                    assert_eq!(renamed.subject(), found().subject(), "{action:?} answers with somebody else");
                }
                match outcome {
                    Err(Error::Conflict(Conflict::Shadowed)) => Class::Done,
                    outcome => class(&outcome),
                }
            }
            Action::Remove(user) => {
                let outcome = app.remove_user(found()).await;
                if let Ok(removed) = &outcome {
                    let next = app.find_user(&name(user)).await.ok().map(|next| next.subject());
                    assert_eq!(removed.surfaced, next, "Q05, R254");
                }
                class(&outcome)
            }
            Action::MakeGroup(of, variant) => {
                class(&app.create_group(&spelling(GROUPS[usize::from(of)], variant), "new").await)
            }
            Action::Describe(of, text) => {
                class(&app.update_group(&group(of), about(&text.to_string())).await)
            }
            Action::DropGroup(of) => class(&app.remove_group(&group(of)).await),
            Action::Join(_, of) => class(&app.add_user_to_group(found(), &group(of)).await),
            Action::Leave(_, of) => class(&app.remove_user_from_group(found(), &group(of)).await),
            Action::Nest(child, parent) => {
                class(&app.add_group_to_group(&group(child), &group(parent)).await)
            }
            Action::Unnest(child, parent) => {
                class(&app.remove_group_from_group(&group(child), &group(parent)).await)
            }
        };
        let verdict = self.model.act(action);
        if let Some(allowed) = verdict {
            assert!(allowed.contains(&told), "{action:?} is {told:?}, by the rules {allowed:?}");
        }
        self.compare(action).await;
    }

    /// What is kept everywhere, in both.
    async fn compare(&self, action: Action) {
        self.lives.values().for_each(|live| live.behave(Behaviour::Answering));
        for (at, place) in self.model.places.iter().enumerate() {
            let open = self.world.open(self.ids[at]);
            let (everything, page) = (Filter::everything(), PageRequest::default());
            let users = open.find_users(&everything, &page).await.unwrap().items.into_iter();
            let users: BTreeMap<u8, Person> = users
                .map(|user| {
                    let mail = MAILS.iter().position(|mail| *mail == user.profile.email).unwrap();
                    let (spelling, mail) = (user.name.to_string(), u8::try_from(mail).unwrap());
                    (user_number(&spelling), Person { spelling, active: user.active, mail })
                })
                .collect();
            assert_eq!(users, place.users, "users of {at} after {action:?}");
            let (mut groups, mut inside, mut edges) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
            for group in open.find_groups(&everything, &page).await.unwrap().items {
                let of = group_number(group.name.as_str());
                for member in open.children_of(&group.name, &page).await.unwrap().items {
                    match member {
                        Member::User(name) => inside.insert((of, user_number(name.as_str()))),
                        Member::Group(name) => edges.insert((of, group_number(name.as_str()))),
                    };
                }
                groups.insert(of, (group.name.to_string(), group.description));
            }
            assert_eq!(groups, place.groups, "groups of {at} after {action:?}");
            assert_eq!(inside, place.inside, "users in groups of {at} after {action:?}");
            assert_eq!(edges, place.edges, "groups in groups of {at} after {action:?}");
        }
        self.fall_silent();
    }
}

fn as_class<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Result<T, Class> {
    outcome.map_err(|error| class::<()>(&Err(error)))
}

/// Puts what a place of the model holds into a directory, circles included.
async fn fill(world: &World, directory: DirectoryId, place: &Place, live: Option<&ScriptedDirectory>) {
    let mut changes = Vec::new();
    for (&number, person) in &place.users {
        let email = MAILS[usize::from(person.mail)].to_owned();
        let user = User {
            external_id: id_of(number),
            name: username(&person.spelling),
            profile: Profile { email, ..Profile::default() },
            active: person.active,
            attributes: Attributes::new(),
        };
        match live {
            Some(live) => live.put_user(user).unwrap(),
            None => changes.push(Change::AddUser { directory, user, free_in: vec![], credential: None }),
        }
    }
    for (number, (name, description)) in &place.groups {
        let group = Group {
            external_id: ExternalId::new(format!("group {number}")).unwrap(),
            name: group_name(name),
            description: description.clone(),
            origin: Origin::Local,
            attributes: Attributes::new(),
        };
        match live {
            Some(live) => drop(live.put_group(name, description).unwrap()),
            None => changes.push(Change::AddGroup { directory, group, free_in: vec![] }),
        }
    }
    let users = place.inside.iter().map(|&(group, user)| (group, member_of_model(Some(user), None)));
    let groups = place.edges.iter().map(|&(parent, child)| (parent, member_of_model(None, Some(child))));
    for (of, member) in users.chain(groups) {
        let group = group_name(GROUPS[usize::from(of)]);
        let cycle = throng_core::change::OnCycle::Keep;
        match live {
            Some(live) => live.put_member(&group, &member).unwrap(),
            None => changes.push(Change::AddMember { directory, group, member, cycle }),
        }
    }
    world.apply(changes).await;
}

fn places() -> impl Strategy<Value = Place> {
    let kind = prop_oneof![Just(Kind::Internal), Just(Kind::Delegated), Just(Kind::Live)];
    let mask = prop_oneof![3 => Just(u8::MAX), 1 => any::<u8>()];
    let users = prop::collection::btree_map(0u8..5, (0u8..3, prop::bool::weighted(0.8), 0u8..3), 0..5);
    let groups = prop::collection::btree_map(0u8..4, (0u8..3, 0u8..3), 0..4);
    let inside = prop::collection::btree_set((0u8..4, 0u8..5), 0..8);
    let edges = prop::collection::btree_set((0u8..4, 0u8..4), 0..6);
    let able = prop::bool::weighted(0.9);
    let powers = (able, able, able);
    let flags = (prop::bool::weighted(0.8), prop::bool::weighted(0.15));
    (kind, flags, (mask.clone(), mask), powers, users, groups, inside, edges).prop_map(
        |(kind, (nests, silent), masks, powers, users, groups, mut inside, mut edges)| {
            inside.retain(|(group, user)| groups.contains_key(group) && users.contains_key(user));
            edges.retain(|(parent, child)| groups.contains_key(parent) && groups.contains_key(child));
            let person = |(number, (variant, active, mail)): (u8, (u8, bool, u8))| {
                (number, Person { spelling: spelling(NAMES[usize::from(number)], variant), active, mail })
            };
            let group = |(number, (variant, text)): (u8, (u8, u8))| {
                (number, (spelling(GROUPS[usize::from(number)], variant), text.to_string()))
            };
            let live = kind == Kind::Live;
            Place {
                kind,
                nests: nests || live,
                silent: silent && live,
                masks,
                powers: if live { powers } else { (true, true, true) },
                users: users.into_iter().map(person).collect(),
                groups: groups.into_iter().map(group).collect(),
                inside,
                edges,
            }
        },
    )
}

fn models() -> impl Strategy<Value = Model> {
    let places = prop::collection::vec(places(), 1..=4);
    (places, any::<[u8; 4]>(), any::<bool>(), any::<bool>()).prop_map(|(places, lots, aggregated, crowd)| {
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|&at| (lots[at], at));
        let scheme = if aggregated { MembershipScheme::Aggregated } else { MembershipScheme::Canonical };
        Model { places, order, scheme, crowd }
    })
}

fn wishes() -> impl Strategy<Value = Vec<Wanted>> {
    let leaf = prop_oneof![
        Just(Wanted::Everybody),
        (0u8..5).prop_map(Wanted::Begins),
        (0u8..3).prop_map(Wanted::Mail),
        any::<bool>().prop_map(Wanted::Active),
    ];
    let tree = leaf.prop_recursive(3, 8, 2, |part| {
        prop_oneof![
            part.clone().prop_map(|part| Wanted::Not(Box::new(part))),
            (part.clone(), part.clone()).prop_map(|(a, b)| Wanted::Both(Box::new(a), Box::new(b))),
            (part.clone(), part).prop_map(|(a, b)| Wanted::Either(Box::new(a), Box::new(b))),
        ]
    });
    prop::collection::vec(tree, 4..9)
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let (user, group, variant) = (0u8..5, 0u8..4, 0u8..3);
    let action = prop_oneof![
        (user.clone(), variant.clone()).prop_map(|(user, variant)| Action::Create(user, variant)),
        (user.clone(), variant.clone()).prop_map(|(user, mail)| Action::Update(user, mail)),
        (user.clone(), user.clone(), variant.clone()).prop_map(|(user, to, v)| Action::Rename(user, to, v)),
        user.clone().prop_map(Action::Remove),
        (group.clone(), variant.clone()).prop_map(|(group, variant)| Action::MakeGroup(group, variant)),
        (group.clone(), variant).prop_map(|(group, text)| Action::Describe(group, text)),
        group.clone().prop_map(Action::DropGroup),
        (user.clone(), group.clone()).prop_map(|(user, group)| Action::Join(user, group)),
        (user, group.clone()).prop_map(|(user, group)| Action::Leave(user, group)),
        (group.clone(), group.clone()).prop_map(|(child, parent)| Action::Nest(child, parent)),
        (group.clone(), group).prop_map(|(child, parent)| Action::Unnest(child, parent)),
    ];
    prop::collection::vec(action, 1..12)
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_answers_as_the_model_does(model in models(), wanted in wishes(), variant in 0u8..3) {
        run(async { Beside::new(model).await.ask_everything(&wanted, variant).await });
    }

    #[test]
    fn the_engine_writes_as_the_model_does(model in models(), actions in actions()) {
        run(async {
            let mut beside = Beside::new(model).await;
            for action in actions {
                beside.act(action).await;
            }
            beside.ask_everything(&[Wanted::Everybody], 0).await;
        });
    }
}
