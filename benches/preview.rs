//! What a preview costs: an order reversed over five directories of 100,000 users each.
//!
//! `cargo bench --bench preview [-- users-per-directory]`. The reference is a scan of the same rows by the same store
//! in the same round: what cannot be done without. Everybody has logged in, so that each name belongs to somebody. Two
//! worlds: every name in every directory, so that everybody changes, and every name in one directory but for each
//! hundredth, which is in all.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints and reads the clock"
)]

use std::error::Error as StdError;
use std::time::{Duration, Instant};

use throng::core::change::{Change, ChangeSet, OnCycle};
use throng::core::claim::Claim;
use throng::core::group::{Group, Member, Origin};
use throng::core::id::{ApplicationId, DirectoryId, ExternalId, Id, Subject};
use throng::core::name::{GroupName, Key, Username};
use throng::core::preview::Census;
use throng::core::store::Records;
use throng::core::time::Timestamp;
use throng::core::user::User;
use throng::preview::Proposal;
use throng::sqlite::SqliteStore;
use throng::{Plan, Throng};
use throng_benches::{machine, median, table};

type Outcome<T = ()> = Result<T, Box<dyn StdError>>;

const DIRECTORIES: usize = 5;
const GROUPS: usize = 50;
const ROUNDS: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let given = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let users: usize = given.unwrap_or(100_000);
    println!("machine: {}", machine());
    let mut rows = table(&["world", "names", "change", "scan", "preview", "ratio", "cpu", "memory grows by"]);
    for (world, shared) in [("every name everywhere", 1), ("one name in a hundred everywhere", 100)] {
        let folder = tempfile::tempdir()?;
        let store = SqliteStore::open(folder.path().join("preview.db")).await?;
        let throng = Throng::builder(store.clone()).build().await?;
        let mut ids = Vec::new();
        for number in 0..DIRECTORIES {
            let id = throng.internal_directory(&format!("D{number}")).await?;
            fill(&store, id, number, users, shared).await?;
            ids.push(id);
        }
        let mut plan = Plan::new();
        for id in &ids {
            plan = plan.seat(*id)?;
        }
        let wiki = throng.ensure_application("wiki", plan).await?;
        claim(&store, wiki.id(), &ids, users, shared).await?;
        let order: Vec<DirectoryId> = ids.iter().rev().copied().collect();
        let (mut scans, mut previews, mut ratios, mut work) = (vec![], vec![], vec![], vec![]);
        let (mut names, mut changed, mut grown) = (0, 0, 0);
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            scan(&store, &ids).await?;
            let scanned = begin.elapsed();
            let (before, worked) = (resident(), worked_so_far());
            let begin = Instant::now();
            let proposal = Proposal::Reorder { application: wiki.id(), order: order.clone() };
            let preview = throng.preview(proposal).await?;
            let previewed = begin.elapsed();
            work.push(worked_so_far() - worked);
            grown = grown.max(resident().saturating_sub(before));
            (names, changed) = (preview.totals.names, preview.totals.changed);
            scans.push(scanned);
            previews.push(previewed);
            ratios.push(previewed.as_secs_f64() / scanned.as_secs_f64());
        }
        let seconds = |all: &[Duration]| median(all.iter().map(Duration::as_secs_f64).collect());
        rows.add_row([
            world.to_owned(),
            names.to_string(),
            changed.to_string(),
            format!("{:.2} s", seconds(&scans)),
            format!("{:.2} s", seconds(&previews)),
            format!("{:.2}", median(ratios)),
            format!("{:.2} s", median(work)),
            format!("{} MiB", grown >> 20),
        ]);
    }
    println!("{rows}");
    println!("machine at the end: {}", machine());
    Ok(())
}

/// Reads who holds which name, page by page, and does nothing with it.
async fn scan(store: &SqliteStore, ids: &[DirectoryId]) -> Outcome<usize> {
    let (mut after, mut count) = (None, 0);
    loop {
        let page = store.holders(ids, after.as_ref(), 5_000).await?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(last.key.clone());
        count += page.len();
    }
}

/// The name of a user: each so manyeth is one in all directories.
fn name(user: usize, shared: usize, directory: usize) -> String {
    if user.is_multiple_of(shared) { format!("user{user:06}") } else { format!("user{user:06}-{directory}") }
}

/// Every name belongs to whom the first directory that holds it has under it.
async fn claim(
    store: &SqliteStore,
    application: ApplicationId,
    ids: &[DirectoryId],
    users: usize,
    shared: usize,
) -> Outcome {
    let mut changes = Vec::new();
    for user in 0..users {
        for (number, directory) in ids.iter().enumerate() {
            if number > 0 && user.is_multiple_of(shared) {
                break;
            }
            let external_id = ExternalId::new(format!("u{user}"))?;
            let identity = u128::try_from(user * ids.len() + number)?;
            changes.push(Change::MakeClaim(Claim {
                application,
                key: Key::of(&name(user, shared, number)),
                identity: Id::from_bytes(identity.to_be_bytes()),
                subject: Subject { directory: *directory, external_id },
                tombstoned_at: None,
                made_at: Timestamp::from_micros(1),
            }));
        }
        if user % 5_000 == 4_999 || user + 1 == users {
            store.apply(&ChangeSet::new(Timestamp::from_micros(1), std::mem::take(&mut changes))).await?;
        }
    }
    Ok(())
}

async fn fill(
    store: &SqliteStore,
    directory: DirectoryId,
    number: usize,
    users: usize,
    shared: usize,
) -> Outcome {
    let at = Timestamp::from_micros(1);
    let mut changes = Vec::new();
    for group in 0..GROUPS {
        let group = Group {
            external_id: ExternalId::new(format!("g{group}"))?,
            name: GroupName::new(format!("group{group}"))?,
            description: String::new(),
            origin: Origin::Local,
            attributes: Default::default(),
        };
        changes.push(Change::AddGroup { directory, group, free_in: vec![] });
    }
    store.apply(&ChangeSet::new(at, std::mem::take(&mut changes))).await?;
    for user in 0..users {
        let name = Username::new(name(user, shared, number))?;
        let added = User::named(ExternalId::new(format!("u{user}"))?, name.clone());
        changes.push(Change::AddUser { directory, user: added, free_in: vec![], credential: None });
        if user % 5_000 == 4_999 || user + 1 == users {
            store.apply(&ChangeSet::new(at, std::mem::take(&mut changes))).await?;
        }
    }
    for user in 0..users {
        let name = name(user, shared, number);
        for step in [1, 7] {
            let group = GroupName::new(format!("group{}", (user * step + number) % GROUPS))?;
            let member = Member::User(Username::new(&name)?);
            let change = Change::AddMember { directory, group, member, cycle: OnCycle::Refuse };
            if changes.last() != Some(&change) {
                changes.push(change);
            }
        }
        if user % 5_000 == 4_999 || user + 1 == users {
            store.apply(&ChangeSet::new(at, std::mem::take(&mut changes))).await?;
        }
    }
    Ok(())
}

/// Seconds that the processors have worked for this process, of which there are two at most; 0 where nobody tells.
fn worked_so_far() -> f64 {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold anything: the 14th and 15th field, in hundredths.
    let fields = status.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Bytes of this process in memory; 0 where nobody tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes =
        line.and_then(|line| line.trim().split(' ').next()).and_then(|text| text.parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}
