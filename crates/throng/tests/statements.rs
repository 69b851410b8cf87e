//! How many statements a public call costs over SQLite: exact, and the same for one directory and for sixty-four.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use throng::core::filter::Filter;
use throng::core::id::DirectoryId;
use throng::core::import::GroupRow;
use throng::core::page::PageRequest;
use throng::import::ImportMode;
use throng::sqlite::SqliteStore;
use throng::{Application, Depth, NewAccount, Plan, Throng};

const PASSWORD: &str = "coffee before noon";

struct House {
    store: SqliteStore,
    throng: Throng,
    wiki: Application,
    directories: Vec<DirectoryId>,
}

/// Directories of which the last holds anna, in two groups, one in the other.
async fn house(directories: usize) -> House {
    let store = SqliteStore::in_memory().await.unwrap();
    let throng = Throng::builder(store.clone()).build().await.unwrap();
    let (mut plan, mut ids) = (Plan::new(), Vec::new());
    for n in 0..directories {
        let id = throng.internal_directory(&format!("directory {n}")).await.unwrap();
        plan = plan.seat(id).unwrap();
        ids.push(id);
    }
    let last = Plan::new().seat(*ids.last().unwrap()).unwrap();
    let last = throng.ensure_application("last", last).await.unwrap();
    let anna = last.create_user(NewAccount::named("anna").password(PASSWORD)).await.unwrap();
    last.create_group("writers", "").await.unwrap();
    last.create_group("staff", "").await.unwrap();
    last.add_group_to_group("writers", "staff").await.unwrap();
    last.add_user_to_group(&anna, "writers").await.unwrap();
    let wiki = throng.ensure_application("wiki", plan).await.unwrap();
    House { store, throng, wiki, directories: ids }
}

impl House {
    /// What a call cost.
    async fn cost<T>(&self, call: impl Future<Output = T>) -> (u64, T) {
        let before = self.store.statements_run();
        let outcome = call.await;
        (self.store.statements_run() - before, outcome)
    }
}

#[tokio::test]
async fn a_call_costs_as_many_statements_whatever_the_number_of_directories() {
    for directories in [1, 64] {
        let house = house(directories).await;
        let wiki = &house.wiki;
        let mut costs = Vec::new();

        let (cost, anna) = house.cost(wiki.find_user("Anna")).await;
        let anna = anna.unwrap();
        assert_eq!(anna.directory(), *house.directories.last().unwrap());
        costs.push(("find_user", cost));
        costs.push(("find_user, nowhere", house.cost(wiki.find_user("nobody")).await.0));
        costs.push(("find_group", house.cost(wiki.find_group("staff")).await.0));
        let (cost, groups) = house.cost(wiki.groups_of(&anna, Depth::Nested)).await;
        assert_eq!(groups.unwrap().len(), 2);
        costs.push(("groups_of", cost));
        costs.push(("is_member", house.cost(wiki.is_member(&anna, "staff", Depth::Nested)).await.0));
        costs.push(("admission", house.cost(wiki.admission(&anna)).await.0));
        costs.push(("explain", house.cost(wiki.explain("anna")).await.0));
        let (filter, page) = (Filter::name_starts_with("a"), PageRequest::first(50));
        costs.push(("search_users", house.cost(wiki.search_users(&filter, &page)).await.0));
        let members = wiki.members_of("staff", Depth::Nested, &page);
        costs.push(("members_of", house.cost(members).await.0));
        let (cost, who) = house.cost(wiki.authenticate("anna", PASSWORD)).await;
        let who = who.unwrap();
        costs.push(("authenticate, first success", cost));
        costs.push(("authenticate", house.cost(wiki.authenticate("anna", PASSWORD)).await.0));
        costs.push(("authenticate, wrong", house.cost(wiki.authenticate("anna", "tea")).await.0));
        costs.push(("authenticate, unknown", house.cost(wiki.authenticate("nobody", "tea")).await.0));
        let (cost, token) = house.cost(wiki.open_session(&who)).await;
        costs.push(("open_session", cost));
        costs.push(("session", house.cost(wiki.session(token.unwrap().expose())).await.0));

        assert_eq!(
            costs,
            [
                ("find_user", 1),
                ("find_user, nowhere", 1),
                ("find_group", 1),
                ("groups_of", 1),
                ("is_member", 1),
                ("admission", 0),
                ("explain", 3),
                ("search_users", 1),
                // Where a directory stands above, it is asked who of them is canonical.
                ("members_of", if directories == 1 { 3 } else { 4 }),
                ("authenticate, first success", 5),
                ("authenticate", 2),
                ("authenticate, wrong", 3),
                ("authenticate, unknown", 1),
                ("open_session", 2),
                ("session", 2),
            ],
            "over {directories} directories"
        );
    }
}

/// A file of a hundred thousand groups that contradicts itself is not to ask about each of them first.
#[tokio::test]
async fn an_import_that_is_wrong_by_itself_asks_nothing_t26() {
    let house = house(1).await;
    let people = house.directories[0];
    let chain = |parent: fn(u64) -> u64| -> Vec<GroupRow> {
        let row = |n| GroupRow {
            line: n + 2,
            name: format!("g{n}"),
            parents: vec![format!("g{}", parent(n))],
            ..GroupRow::default()
        };
        (0..100).map(row).collect()
    };
    for groups in [chain(|n| n + 1), chain(|n| (n + 1) % 100)] {
        let (cost, refused) = house.cost(house.throng.import(people, &[], &groups, ImportMode::Apply)).await;
        assert!(refused.is_err());
        assert_eq!(cost, 0);
    }
}
