//! What keeping a mirror costs: filling it, finding it unchanged, following one change in a hundred, and memory.
//!
//! `cargo bench --bench sync [-- --quick] [writing] [reading] [memory]`. Each round of synchronisation is measured
//! beside what it cannot do without, in the same run: the same rows written by hand, or the same answers read and
//! dropped. What counts is the median over the repetitions of the ratio in the same repetition; the second row of a
//! reference is the reference again.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints and reads the clock"
)]

mod invented;

use std::collections::HashMap;
use std::error::Error as StdError;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::response::Parts;
use axum::response::Response;
use http_body_util::BodyExt;
use sqlx::query_builder::Separated;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, QueryBuilder};
use throng::client::RemoteDirectory;
use throng::core::directory::Directory;
use throng::core::id::DirectoryId;
use throng::core::name::Key;
use throng::core::secret::Secret;
use throng::core::sync::{
    Completeness, Item, Mark, MirroredSettings, Mode, Next, Outcome, Pull, Round, SyncSource,
};
use throng::core::user::{Profile, User};
use throng::server::{ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::sync::SyncRequest;
use throng::{Plan, Throng};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use invented::{Invented, Size, group, user};
use throng_benches::{Bars, doubt, machine, median, median_ratio, right, table};

type Outcomes<T = ()> = Result<T, Box<dyn StdError>>;

const REPETITIONS: usize = 3;
/// A round without changes is short, and what it is compared with is noisy.
const READINGS: usize = 15;
const MIB: f64 = 1024.0 * 1024.0;
/// What a process that runs nothing but a round may take.
const MOST_MIB: f64 = 256.0;
const MIRROR: &str = "Mirror";
/// The argument after which a process runs one round and says how much memory it took.
const ONE_ROUND: &str = "--one-round";

#[tokio::main]
async fn main() -> Outcomes {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == ONE_ROUND) {
        let [shape, scale, file] = &arguments[at + 1..] else {
            return Err("a shape, a scale and a file".into());
        };
        return one_round(Size::of(shape, scale)?, Path::new(file)).await;
    }
    let scale = if arguments.iter().any(|argument| argument == "--quick") { "quick" } else { "whole" };
    println!("machine: {}", machine());
    let mut bars = Bars::default();
    let size = Size::of("company", scale)?;
    let parts: Vec<&str> = ["writing", "reading", "memory"]
        .into_iter()
        .filter(|part| arguments.iter().any(|a| a == part))
        .collect();
    let wanted = |part| parts.is_empty() || parts.contains(&part);
    if wanted("writing") {
        writing(size, &mut bars).await?;
    }
    if wanted("reading") {
        reading(size, &mut bars).await?;
    }
    if wanted("memory") {
        memory(scale, &mut bars)?;
    }
    println!();
    bars.print();
    println!("machine at the end: {}", machine());
    Ok(())
}

/// A throng over a file, with a mirror that may be empty.
struct House {
    file: PathBuf,
    throng: Throng,
    mirror: DirectoryId,
}

impl House {
    async fn open(file: PathBuf, source: Arc<dyn Directory>) -> Outcomes<Self> {
        let throng = Throng::builder(SqliteStore::open(&file).await?).source(MIRROR, source).build().await?;
        let mirror = match throng.directory(MIRROR) {
            Ok(record) => record.id,
            Err(_) => throng.mirrored_directory(MIRROR, MirroredSettings::default()).await?,
        };
        Ok(Self { file, throng, mirror })
    }

    /// Runs a round that must end well.
    async fn sync(&self, request: SyncRequest, mode: Mode) -> Outcomes<(Round, f64)> {
        let started = Instant::now();
        let round = self.throng.sync(self.mirror, request).await?;
        let time = started.elapsed().as_secs_f64();
        let ended = round.ended.map(|(_, outcome)| outcome);
        assert_eq!(ended, Some(Outcome::Complete), "{:?} {:?}", round.failure, round.set_aside.first());
        assert_eq!(round.mode, mode, "{:?}", round.full_because);
        assert_eq!(round.counts.set_aside, 0);
        Ok((round, time))
    }

    /// Runs a full round of which nothing differs. It must write no row of the directory, and log nothing.
    async fn unchanged(&self) -> Outcomes<f64> {
        let before = self.throng.latest_change().await?;
        let (round, time) = self.sync(SyncRequest::full(), Mode::Full).await?;
        assert_eq!(round.counts.written(), 0);
        assert_eq!(self.throng.latest_change().await?, before);
        Ok(time)
    }

    fn log_bytes(&self) -> Outcomes<u64> {
        Ok(std::fs::metadata(self.file.with_extension("db-wal"))?.len())
    }
}

/// Filling a mirror beside the same rows written by hand, and following a small change beside filling.
async fn writing(size: Size, bars: &mut Bars) -> Outcomes {
    println!(
        "\n{} users, {} groups and {} memberships into SQLite, {REPETITIONS} times",
        size.users,
        size.groups,
        size.memberships()
    );
    let contenders = [
        Contender::Hand(Form::Json),
        Contender::Hand(Form::Values),
        Contender::Hand(Form::Json),
        Contender::First,
    ];
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    let (mut following, mut shares) = (Vec::new(), Vec::new());
    for repetition in 0..REPETITIONS {
        for n in 0..contenders.len() {
            // Each is once in each place, as far as the repetitions go.
            let at = (n + repetition) % contenders.len();
            let folder = tempfile::tempdir()?;
            let source = Invented::new(size);
            let house = House::open(folder.path().join("sync.db"), Arc::clone(&source) as _).await?;
            let time = match contenders[at] {
                Contender::Hand(form) => Hand::of(&house).await?.write(size, form).await?,
                Contender::First => {
                    let (round, time) = house.sync(SyncRequest::full(), Mode::Full).await?;
                    assert_eq!(round.counts.memberships_added, u64::try_from(size.memberships())?);
                    following.push(follow(&house, &source).await?);
                    shares.extend(following.last().map(|following| following / time));
                    time
                }
            };
            check_rows(&house, size).await?;
            times[at].push(time);
        }
    }
    let best: Vec<f64> = times[0].iter().zip(&times[1]).map(|(json, values)| json.min(*values)).collect();
    let mut table = table(&["what", "s", "rows/s", "÷ best by hand"]);
    for (what, times) in [
        ("by hand, json_each", &times[0]),
        ("by hand, lists of VALUES", &times[1]),
        ("by hand, json_each again (A/A)", &times[2]),
        ("first full round", &times[3]),
    ] {
        let (time, rows) = (median(times.clone()), size.users + size.groups + size.memberships());
        let ratio = median_ratio(times, &best);
        table.add_row([
            what.to_owned(),
            format!("{time:.2}"),
            format!("{:.0}", rows as f64 / time),
            format!("{ratio:.2}"),
        ]);
    }
    let (time, changed) = (median(following.clone()), 3 * size.hundredth());
    table.add_row([
        "1 % changed and moved".to_owned(),
        format!("{time:.2}"),
        format!("{:.0}", changed as f64 / time),
        format!("{:.2}", median_ratio(&following, &best)),
    ]);
    right(&mut table, &[1, 2, 3]);
    println!("{table}");
    bars.at_most(
        "first full round ÷ the same rows by the best statements by hand",
        median_ratio(&times[3], &best),
        2.0,
    );
    bars.at_most("following 1 % changed and moved ÷ first full round", median(shares), 0.1);
    Ok(())
}

#[derive(Debug, Clone, Copy)]
enum Contender {
    Hand(Form),
    First,
}

/// Follows one change in a hundred, some times there and back.
async fn follow(house: &House, source: &Invented) -> Outcomes<f64> {
    let mut times = Vec::new();
    let few = u64::try_from(source.size.hundredth())?;
    for _ in 0..2 {
        source.changes.fetch_add(1, Ordering::Relaxed);
        let (round, time) = house.sync(SyncRequest::default(), Mode::Incremental).await?;
        let counts = round.counts;
        let written = [counts.users_updated, counts.memberships_added, counts.memberships_removed];
        assert_eq!(written, [few; 3]);
        times.push(time);
    }
    Ok(times.into_iter().fold(0.0, f64::max))
}

/// How rows reach SQLite by hand.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// A JSON array of them as one value.
    Json,
    /// A list of VALUES, with a parameter for each field.
    Values,
}

/// Rows of one transaction by hand: as many as a first round writes at once of memberships.
const ROWS: usize = 20_000;
/// Rows of one statement with a list of VALUES.
const LISTED: usize = 50;

const JSON_USERS: &str = "INSERT INTO throng_user (id, directory_id, external_id, name, name_key, first_name, \
     last_name, display_name, email, email_key, active, attributes, mark) \
     SELECT value ->> 0, ?1, value ->> 1, value ->> 2, CAST(value ->> 3 AS BLOB), value ->> 4, value ->> 5, \
     value ->> 6, value ->> 7, CAST(value ->> 8 AS BLOB), 1, '{}', value ->> 9 FROM json_each(?2)";
const JSON_GROUPS: &str = "INSERT INTO throng_group (id, directory_id, external_id, name, name_key, description, \
     imported, attributes, mark) SELECT value ->> 0, ?1, value ->> 1, value ->> 2, CAST(value ->> 3 AS BLOB), \
     value ->> 4, 1, '{}', value ->> 5 FROM json_each(?2)";
const JSON_MEMBERSHIPS: &str = "INSERT INTO throng_user_membership (group_id, user_id) \
     SELECT g.value ->> 0, m.value FROM json_each(?2) g CROSS JOIN json_each(g.value -> 1) m WHERE ?1 IS NOT NULL";
const LISTED_USERS: &str = "INSERT INTO throng_user (id, directory_id, external_id, name, name_key, first_name, \
     last_name, display_name, email, email_key, active, attributes, mark) ";
const LISTED_GROUPS: &str = "INSERT INTO throng_group (id, directory_id, external_id, name, name_key, description, \
     imported, attributes, mark) ";
const LISTED_MEMBERSHIPS: &str = "INSERT INTO throng_user_membership (group_id, user_id) ";

/// A connection that writes what a first round writes, into the same tables under the same settings. Every number is
/// known beforehand, so that nothing has to be looked up.
struct Hand {
    connection: SqliteConnection,
    directory: DirectoryId,
}

impl Hand {
    async fn of(house: &House) -> Outcomes<Self> {
        let options = SqliteConnectOptions::new()
            .filename(&house.file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("cache_size", "-16384")
            .disable_statement_logging();
        Ok(Self { connection: SqliteConnection::connect_with(&options).await?, directory: house.mirror })
    }

    async fn write(mut self, size: Size, form: Form) -> Outcomes<f64> {
        let started = Instant::now();
        match form {
            Form::Json => {
                self.json(JSON_USERS, size.users, ROWS, |n| {
                    let user = user(n, 0);
                    let mark = Mark::of_user(&user).bits();
                    let mail = Key::of(&user.profile.email);
                    let User { external_id, name, profile, .. } = &user;
                    let Profile { first_name, last_name, display_name, email } = profile;
                    let (id, key) = (external_id.as_str(), name.key().as_str());
                    serde_json::to_string(&(
                        n + 1,
                        id,
                        name.as_str(),
                        key,
                        first_name,
                        last_name,
                        display_name,
                        email,
                        mail.as_str(),
                        mark,
                    ))
                })
                .await?;
                self.json(JSON_GROUPS, size.groups, ROWS, |n| {
                    let group = group(n);
                    let mark = Mark::of_group(&group).bits();
                    let (id, key) = (group.external_id.as_str(), group.key().as_str());
                    serde_json::to_string(&(n + 1, id, group.name.as_str(), key, &group.description, mark))
                })
                .await?;
                self.json(JSON_MEMBERSHIPS, size.groups, ROWS / size.members, |group| {
                    let members = (0..size.members).map(|member| size.member(group, member) + 1);
                    serde_json::to_string(&(group + 1, members.collect::<Vec<_>>()))
                })
                .await?;
            }
            Form::Values => {
                self.listed(LISTED_USERS, size.users, |mut row, n, directory| {
                    let user = user(n, 0);
                    let mark = Mark::of_user(&user).bits();
                    let mail = Key::of(&user.profile.email);
                    row.push_bind(number(n + 1)).push_bind(directory.as_bytes().to_vec());
                    row.push_bind(user.external_id.as_str().to_owned());
                    row.push_bind(user.name.as_str().to_owned());
                    row.push_bind(user.key().as_bytes().to_vec());
                    row.push_bind(user.profile.first_name).push_bind(user.profile.last_name);
                    row.push_bind(user.profile.display_name).push_bind(user.profile.email);
                    row.push_bind(mail.as_bytes().to_vec()).push("1").push("'{}'").push_bind(mark);
                })
                .await?;
                self.listed(LISTED_GROUPS, size.groups, |mut row, n, directory| {
                    let group = group(n);
                    let mark = Mark::of_group(&group).bits();
                    row.push_bind(number(n + 1)).push_bind(directory.as_bytes().to_vec());
                    row.push_bind(group.external_id.as_str().to_owned());
                    row.push_bind(group.name.as_str().to_owned());
                    row.push_bind(group.key().as_bytes().to_vec());
                    row.push_bind(group.description).push("1").push("'{}'").push_bind(mark);
                })
                .await?;
                self.listed(LISTED_MEMBERSHIPS, size.memberships(), |mut row, n, _| {
                    let (group, member) = (n / size.members, n % size.members);
                    row.push_bind(number(group + 1)).push_bind(number(size.member(group, member) + 1));
                })
                .await?;
            }
        }
        let time = started.elapsed().as_secs_f64();
        self.connection.close().await?;
        Ok(time)
    }

    async fn json(
        &mut self,
        text: &'static str,
        rows: usize,
        at_once: usize,
        row: impl Fn(usize) -> serde_json::Result<String>,
    ) -> Outcomes {
        for first in (0..rows).step_by(at_once) {
            let mut list = String::from("[");
            for n in first..rows.min(first + at_once) {
                list.push_str(if n == first { "" } else { "," });
                list.push_str(&row(n)?);
            }
            list.push(']');
            let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
            let insert = sqlx::query(text).bind(self.directory.as_bytes().as_slice()).bind(list);
            insert.execute(&mut *transaction).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    async fn listed(
        &mut self,
        text: &'static str,
        rows: usize,
        row: impl Fn(Separated<'_, Sqlite, &'static str>, usize, DirectoryId),
    ) -> Outcomes {
        let directory = self.directory;
        for first in (0..rows).step_by(ROWS) {
            let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
            let last = rows.min(first + ROWS);
            for start in (first..last).step_by(LISTED) {
                let mut insert = QueryBuilder::<Sqlite>::new(text);
                insert.push_values(start..last.min(start + LISTED), |values, n| row(values, n, directory));
                insert.build().execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }
}

/// A number that cannot be too large, as SQLite takes it.
fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Whoever was quick has written everything.
async fn check_rows(house: &House, size: Size) -> Outcomes {
    let store = SqliteStore::open(&house.file).await?;
    for (text, rows) in [
        ("SELECT count(*) FROM throng_user", size.users),
        ("SELECT count(*) FROM throng_group", size.groups),
        ("SELECT count(*) FROM throng_user_membership", size.memberships()),
    ] {
        let written: i64 = sqlx::query_scalar(text).fetch_one(store.read_pool()).await?;
        assert_eq!(written, number(rows), "{text}");
    }
    store.close().await;
    Ok(())
}

/// Reading a whole remote that has not changed, and comparing it with the mirror, beside reading and dropping it.
async fn reading(size: Size, bars: &mut Bars) -> Outcomes {
    let folder = tempfile::tempdir()?;
    let server = Recorded::of(size, &folder.path().join("remote.db")).await?;
    let remote = Arc::new(server.remote()?);
    let house = House::open(folder.path().join("mirror.db"), Arc::clone(&remote) as _).await?;
    let (round, filling) = house.sync(SyncRequest::full(), Mode::Full).await?;
    assert_eq!(round.counts.memberships_added, u64::try_from(size.memberships())?);
    println!(
        "\nthe answers of a loopback user server, {:.0} MiB of them; the first round over them took {filling:.1} s",
        server.bytes() as f64 / MIB
    );
    house.unchanged().await?;
    let mut times: [Vec<f64>; 3] = Default::default();
    let mut grown = 0;
    for reading in 0..READINGS {
        for n in 0..times.len() {
            let at = (n + reading) % times.len();
            let time = if at == 2 {
                checkpoint(&house.file).await?;
                let before = house.log_bytes()?;
                let time = house.unchanged().await?;
                grown = house.log_bytes()?.saturating_sub(before);
                time
            } else {
                read_and_drop(&remote, size).await?
            };
            times[at].push(time);
        }
    }
    // Both readings, since one differs from the other by nearly as much as is to be measured.
    let both = times[0].iter().zip(&times[1]);
    let reference: Vec<f64> = both.map(|(one, other)| f64::midpoint(*one, *other)).collect();
    let mut table = table(&["what", "s", "entries/s", "÷ reading"]);
    for (what, times_of) in [
        ("reading and parsing everything", &times[0]),
        ("the same again (A/A)", &times[1]),
        ("full round without a change", &times[2]),
    ] {
        let (time, entries) = (median(times_of.clone()), size.users + size.groups + size.memberships());
        table.add_row([
            what.to_owned(),
            format!("{time:.2}"),
            format!("{:.0}", entries as f64 / time),
            format!("{:.2}", median_ratio(times_of, &reference)),
        ]);
    }
    right(&mut table, &[1, 2, 3]);
    println!("{table}");
    doubt(median_ratio(&times[1], &times[0]));
    println!(
        "a round without a change wrote 0 entries; its journal grew the write-ahead log by {grown} bytes"
    );
    bars.at_most(
        "full round without a change ÷ reading and parsing",
        median_ratio(&times[2], &reference),
        1.2,
    );
    Ok(())
}

/// Empties the write-ahead log, so that what is written next makes it grow.
async fn checkpoint(file: &Path) -> Outcomes {
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await?;
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    Ok(connection.close().await?)
}

async fn read_and_drop(remote: &RemoteDirectory, size: Size) -> Outcomes<f64> {
    let started = Instant::now();
    let mut read = 0;
    let mut position = None;
    loop {
        let batch = remote.pull(Pull::Full, position.as_ref()).await?;
        for item in black_box(batch.items) {
            read += match item {
                Item::Members { members, .. } => members.len(),
                _ => 1,
            };
        }
        match batch.next {
            Next::More(next) => position = Some(next),
            Next::End(completeness) => {
                assert_eq!(completeness, Completeness::Proven);
                break;
            }
            Next::Expired => return Err("a full pull expired".into()),
        }
    }
    assert_eq!(read, size.users + size.groups + size.memberships());
    Ok(started.elapsed().as_secs_f64())
}

/// A user server whose every answer is given again as it was given first, so that it costs next to nothing.
struct Recorded {
    address: SocketAddr,
    secret: String,
    answers: Arc<Answers>,
    serving: JoinHandle<()>,
}

struct Answers {
    server: Router,
    given: Mutex<HashMap<Asked, (Parts, Bytes)>>,
}

/// Where somebody asked, and what for.
type Asked = (String, Bytes);

impl Recorded {
    async fn of(size: Size, file: &Path) -> Outcomes<Self> {
        let throng = Throng::builder(SqliteStore::open(file).await?).build().await?;
        let people = throng.internal_directory("People").await?;
        let house = House { file: file.to_owned(), throng, mirror: people };
        Hand::of(&house).await?.write(size, Form::Json).await?;
        let wiki = house.throng.ensure_application("wiki", Plan::new().seat(people)?).await?;
        let secret = wiki.draw_password().await?.expose().to_owned();
        let config = ServerConfig { request_timeout: Duration::from_secs(600), ..ServerConfig::default() };
        let server = UserServer::new(house.throng, config)?.router();
        let answers = Arc::new(Answers { server, given: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let answering = Arc::clone(&answers);
        let router = Router::new().fallback(move |request| Arc::clone(&answering).answer(request));
        let serving = tokio::spawn(async move {
            // It ends with the benchmark.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, secret, answers, serving })
    }

    fn remote(&self) -> Outcomes<RemoteDirectory> {
        let (id, address) = (DirectoryId::from_bytes([9; 16]), format!("http://{}", self.address));
        let remote = RemoteDirectory::builder(id, address, "wiki", Secret::new(self.secret.as_str())?);
        Ok(remote
            .allow_host("127.0.0.1")
            .deadline(Duration::from_secs(600))
            .round_deadline(Duration::from_secs(600))
            .build()?)
    }

    fn bytes(&self) -> usize {
        let given = self.answers.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.values().map(|(_, body)| body.len()).sum()
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Answers {
    async fn answer(self: Arc<Self>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let asked = (parts.uri.to_string(), body.clone());
        let known = self.given.lock().unwrap_or_else(PoisonError::into_inner).get(&asked).cloned();
        let (head, bytes) = match known {
            Some(given) => given,
            None => {
                let mut request = Request::from_parts(parts, Body::from(body));
                request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
                let (head, body) = self
                    .server
                    .clone()
                    .oneshot(request)
                    .await
                    .unwrap_or_else(|never| match never {})
                    .into_parts();
                let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
                given.insert(asked, (head.clone(), bytes.clone()));
                (head, bytes)
            }
        };
        Response::from_parts(head, Body::from(bytes))
    }
}

/// The memory of processes that do nothing but one round each.
fn memory(scale: &str, bars: &mut Bars) -> Outcomes {
    let mut table = table(&["a process with one round", "users", "largest group", "peak MiB", "s"]);
    let mut worst = 0.0_f64;
    for shape in ["crowd", "everybody"] {
        let size = Size::of(shape, scale)?;
        let folder = tempfile::tempdir()?;
        for what in ["first full", "full without a change"] {
            let started = Instant::now();
            let output = Command::new(std::env::current_exe()?)
                .args([ONE_ROUND, shape, scale])
                .arg(folder.path().join("sync.db"))
                .output()?;
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let peak: f64 = said
                .trim()
                .parse()
                .map_err(|_| format!("a round failed: {said}{}", String::from_utf8_lossy(&output.stderr)))?;
            let peak = peak / 1_024.0;
            worst = worst.max(peak);
            let (users, members) = (size.users.to_string(), size.members.to_string());
            let time = format!("{:.1}", started.elapsed().as_secs_f64());
            table.add_row([what.to_owned(), users, members, format!("{peak:.0}"), time]);
        }
    }
    right(&mut table, &[1, 2, 3, 4]);
    println!("\n{table}");
    bars.at_most("peak MiB of a round, also with everybody in one group", worst, MOST_MIB);
    Ok(())
}

/// Runs a round and prints how many KiB of memory the process took at most.
async fn one_round(size: Size, file: &Path) -> Outcomes {
    let is_first = !file.exists();
    let house = House::open(file.to_owned(), Invented::new(size)).await?;
    if is_first {
        house.sync(SyncRequest::full(), Mode::Full).await?;
    } else {
        house.unchanged().await?;
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak is told")?;
    println!("{}", peak.trim().trim_end_matches(" kB"));
    Ok(())
}
