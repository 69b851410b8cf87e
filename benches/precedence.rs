//! What the order costs: finding by name with 1 to 64 directories of 100,000 users each, and logging in.
//!
//! `cargo bench --bench precedence [-- users-per-directory]`. Every contender runs once in each round, in an order
//! drawn anew, and what counts is the median over the rounds of its ratio to the reference in the same round: a
//! neighbour's work on the machine then lands on all of them alike. The second row of the reference is the reference
//! again; a run in which it is not between 0.92 and 1.08 proves nothing and says so.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints and reads the clock"
)]

use std::error::Error as StdError;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use comfy_table::Table;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqliteRow};
use throng::core::attribute::Attributes;
use throng::core::id::{ApplicationId, DirectoryId, ExternalId};
use throng::core::name::{Key, Username};
use throng::core::plan::Purpose;
use throng::core::registry::{DelegatedSettings, GroupImport, KnownUser};
use throng::core::resolve::{Answer, Step, Survey, begin, rank};
use throng::core::user::{Profile, User};
use throng::passwords::cost::Cost;
use throng::passwords::hasher::HasherConfig;
use throng::passwords::workspace::Workspace;
use throng::sqlite::SqliteStore;
use throng::{Application, Depth, NewAccount, Plan, Throng};
use throng_testkit::script::ScriptedVerifier;

use throng_benches::{Bars, doubt, machine, median, median_ratio, right, table};

type Outcome<T = ()> = Result<T, Box<dyn StdError>>;

const DIRECTORIES: usize = 64;
const SIZES: [usize; 4] = [1, 4, 16, 64];
const ROUNDS: usize = 61;
const LOOKUPS_PER_ROUND: usize = 120;
/// The delegated directories ask a verifier that accepts anybody, so that what is left of a login is our own.
const VERIFIED: usize = 4;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let given = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let users: usize = given.unwrap_or(100_000);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("precedence.db");
    println!("machine: {}", machine());
    println!("making {DIRECTORIES} directories of {users} users each, in {}", file.display());
    let world = World::make(&file, users).await?;

    let mut rounds = Rounds::new(world.contenders());
    for round in 0..ROUNDS {
        rounds.run(&world, round).await?;
    }
    println!(
        "\nCold look-ups over SQLite, per call; the file has {} users whatever the plan",
        DIRECTORIES * users
    );
    println!("{}", rounds.table());
    rounds.verdict(&world)?;

    statements(&world).await?;
    writes(&world, &file).await?;
    pure();
    hashing(folder.path()).await?;
    println!("machine at the end: {}", machine());
    Ok(())
}

/// Where in the order the name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hit {
    First,
    Middle,
    Last,
    Nowhere,
}

impl Hit {
    const ALL: [Self; 4] = [Self::First, Self::Middle, Self::Last, Self::Nowhere];

    fn directory(self, seats: usize) -> Option<usize> {
        match self {
            Self::First => Some(0),
            Self::Middle => Some(seats / 2),
            Self::Last => Some(seats - 1),
            Self::Nowhere => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Contender {
    /// One hand-written statement: directory known, same pool, same columns, claim included.
    Hand,
    HandAgain,
    HandMiss,
    Nothing,
    Find(usize, Hit),
    LogIn(Hit),
}

struct World {
    users: usize,
    store: SqliteStore,
    pool: SqlitePool,
    directories: Vec<DirectoryId>,
    applications: Vec<(usize, Application)>,
    verified: Application,
}

impl World {
    async fn make(file: &std::path::Path, users: usize) -> Outcome<Self> {
        let store = SqliteStore::open(file).await?;
        let throng = Throng::builder(store.clone());
        let verifier = Arc::new(ScriptedVerifier::accepting_anybody());
        let throng = (0..VERIFIED)
            .fold(throng, |throng, n| throng.verifier(format!("verified {n}"), Arc::clone(&verifier) as _))
            .build()
            .await?;
        let mut directories = Vec::new();
        for n in 0..DIRECTORIES {
            directories.push(throng.internal_directory(&format!("directory {n}")).await?);
        }
        let settings = DelegatedSettings {
            known_user: KnownUser::StaysAsIs,
            groups: GroupImport::Never,
            ..DelegatedSettings::default()
        };
        let mut plan = Plan::new();
        for n in 0..VERIFIED {
            let id = throng.delegated_directory(&format!("verified {n}"), settings.clone()).await?;
            plan = plan.seat(id)?;
            directories.push(id);
        }
        let verified = throng.ensure_application("verified", plan).await?;
        let mut applications = Vec::new();
        for seats in SIZES {
            let plan = directories[..seats].iter().try_fold(Plan::new(), |plan, id| plan.seat(*id))?;
            applications.push((seats, throng.ensure_application(&format!("wiki {seats}"), plan).await?));
        }
        let started = Instant::now();
        seed(file, &directories, verified.id(), users).await?;
        println!("made in {:.0} s", started.elapsed().as_secs_f64());
        let pool = store.read_pool().clone();
        Ok(Self { users, store, pool, directories, applications, verified })
    }

    fn contenders(&self) -> Vec<Contender> {
        let mut all = vec![Contender::Hand, Contender::HandAgain, Contender::HandMiss, Contender::Nothing];
        for seats in SIZES {
            all.extend(Hit::ALL.map(|hit| Contender::Find(seats, hit)));
        }
        // Only the first directory: below it, each delegated one would have to be asked, as it may make users.
        all.push(Contender::LogIn(Hit::First));
        all
    }

    fn name(&self, directory: Option<usize>, n: usize) -> String {
        match directory {
            Some(directory) => format!("user{:06}.of{directory:02}", n % self.users),
            None => format!("nobody{n:06}"),
        }
    }

    fn application(&self, seats: usize) -> &Application {
        let found = self.applications.iter().find(|(size, _)| *size == seats);
        &found.expect("an application of each size was made").1
    }

    async fn once(&self, contender: Contender, n: usize) -> Outcome {
        match contender {
            Contender::Hand | Contender::HandAgain => {
                let seat = n % DIRECTORIES;
                let application = self.application(DIRECTORIES).id();
                let found =
                    self.by_hand(application, self.directories[seat], &self.name(Some(seat), n)).await?;
                black_box(found.ok_or("the name is there")?);
            }
            Contender::HandMiss => {
                let application = self.application(DIRECTORIES).id();
                black_box(self.by_hand(application, self.directories[0], &self.name(None, n)).await?);
            }
            Contender::Nothing => {
                black_box(sqlx::query("SELECT 1").fetch_all(&self.pool).await?);
            }
            Contender::Find(seats, hit) => {
                let name = self.name(hit.directory(seats), n);
                let found = self.application(seats).find_user(&name).await;
                assert_eq!(found.is_ok(), hit != Hit::Nowhere, "{name}");
                let _ = black_box(found);
            }
            Contender::LogIn(hit) => {
                let seat = hit.directory(VERIFIED).map(|seat| DIRECTORIES + seat);
                let who = self.verified.authenticate(&self.name(seat, n), "whatever was typed").await?;
                black_box(who);
            }
        }
        Ok(())
    }

    /// What an application would write that has one directory and knows it.
    async fn by_hand(
        &self,
        application: ApplicationId,
        directory: DirectoryId,
        name: &str,
    ) -> Outcome<Option<(User, Option<Vec<u8>>)>> {
        let name = Username::new(name)?;
        let rows = sqlx::query(BY_HAND)
            .bind(application.as_bytes().as_slice())
            .bind(directory.as_bytes().as_slice())
            .bind(name.key().as_bytes())
            .fetch_all(&self.pool)
            .await?;
        rows.first().map(read).transpose()
    }
}

const BY_HAND: &str = "SELECT c.identity, c.directory_id, c.external_id, c.tombstoned_at, c.made_at, \
     u.directory_id, u.external_id, u.name, u.name_key, u.first_name, u.last_name, u.display_name, u.email, u.active, \
     u.attributes, u.epoch FROM throng_user u \
     LEFT JOIN throng_claim c ON c.application_id = ?1 AND c.name_key = u.name_key \
     WHERE u.directory_id = ?2 AND u.name_key = ?3";

fn read(row: &SqliteRow) -> Outcome<(User, Option<Vec<u8>>)> {
    let identity: Option<Vec<u8>> = row.try_get(0)?;
    let _claim: (Option<Vec<u8>>, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
    let _times: (Option<i64>, Option<i64>) = (row.try_get(3)?, row.try_get(4)?);
    let (_directory, _epoch): (Vec<u8>, i64) = (row.try_get(5)?, row.try_get(15)?);
    let (spelling, key): (String, Vec<u8>) = (row.try_get(7)?, row.try_get(8)?);
    let attributes: String = row.try_get(14)?;
    assert_eq!(attributes, "{}");
    let user = User {
        external_id: ExternalId::new(row.try_get::<String, _>(6)?)?,
        name: Username::from_stored(spelling, String::from_utf8(key)?),
        profile: Profile {
            first_name: row.try_get(9)?,
            last_name: row.try_get(10)?,
            display_name: row.try_get(11)?,
            email: row.try_get(12)?,
        },
        active: row.try_get(13)?,
        attributes: Attributes::new(),
    };
    Ok((user, identity))
}

/// Fills the tables directly: what is measured is reading.
async fn seed(
    file: &std::path::Path,
    directories: &[DirectoryId],
    verified: ApplicationId,
    users: usize,
) -> Outcome {
    use sqlx::{Connection, Executor};
    let options = SqliteConnectOptions::new().filename(file).foreign_keys(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let mut seeding = connection.begin_with("BEGIN IMMEDIATE").await?;
    // In the order of the index, so that no page of it is filled twice.
    for (seat, directory) in directories.iter().enumerate() {
        let insert = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?3) \
             INSERT INTO throng_user (directory_id, external_id, name, name_key, first_name, last_name, \
             display_name, email, email_key, active, attributes, epoch) \
             SELECT ?1, printf('user%06d.of%02d', i, ?2), printf('user%06d.of%02d', i, ?2), \
             CAST(printf('user%06d.of%02d', i, ?2) AS BLOB), 'First', 'Last', printf('User %d', i), \
             printf('user%06d@example.com', i), NULL, 1, '{}', 0 FROM n";
        let query = sqlx::query(insert)
            .bind(directory.as_bytes().as_slice())
            .bind(i64::try_from(seat)?)
            .bind(i64::try_from(users)?);
        seeding.execute(query).await?;
    }
    // Everybody who will log in has logged in before.
    let claims = "INSERT INTO throng_claim (application_id, name_key, identity, directory_id, external_id, made_at) \
         SELECT ?1, name_key, randomblob(16), directory_id, external_id, 0 FROM throng_user WHERE directory_id = ?2";
    let first = directories[DIRECTORIES].as_bytes().as_slice();
    seeding.execute(sqlx::query(claims).bind(verified.as_bytes().as_slice()).bind(first)).await?;
    seeding.commit().await?;
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    connection.close().await?;
    Ok(())
}

struct Rounds {
    contenders: Vec<Contender>,
    /// Microseconds per call, by contender, one for each round.
    times: Vec<Vec<f64>>,
    drawn: u64,
}

impl Rounds {
    fn new(contenders: Vec<Contender>) -> Self {
        let times = vec![Vec::new(); contenders.len()];
        Self { contenders, times, drawn: 0x9e37_79b9_7f4a_7c15 }
    }

    fn draw(&mut self, below: usize) -> usize {
        self.drawn ^= self.drawn << 13;
        self.drawn ^= self.drawn >> 7;
        self.drawn ^= self.drawn << 17;
        usize::try_from(self.drawn % below as u64).unwrap_or(0)
    }

    async fn run(&mut self, world: &World, round: usize) -> Outcome {
        let mut order: Vec<usize> = (0..self.contenders.len()).collect();
        for at in (1..order.len()).rev() {
            let other = self.draw(at + 1);
            order.swap(at, other);
        }
        for contender in order {
            let started = Instant::now();
            for n in 0..LOOKUPS_PER_ROUND {
                // Names far apart, other ones in each round, the same for each contender.
                let name = (round * LOOKUPS_PER_ROUND + n) * 7_919;
                world.once(self.contenders[contender], name).await?;
            }
            self.times[contender].push(micros(started.elapsed()) / LOOKUPS_PER_ROUND as f64);
        }
        Ok(())
    }

    /// The median over the rounds of the ratio to another contender in the same round.
    fn ratio(&self, contender: usize, reference: usize) -> f64 {
        median_ratio(&self.times[contender], &self.times[reference])
    }

    fn index(&self, wanted: impl Fn(&Contender) -> bool) -> usize {
        self.contenders.iter().position(wanted).unwrap_or(0)
    }

    fn find(&self, seats: usize, hit: Hit) -> usize {
        self.index(|contender| matches!(contender, Contender::Find(s, h) if *s == seats && *h == hit))
    }

    fn table(&self) -> Table {
        let mut table = table(&["call", "directories", "hit", "µs", "÷ hand-written", "÷ own N = 1"]);
        for (at, contender) in self.contenders.iter().enumerate() {
            let miss = self.index(|contender| matches!(contender, Contender::HandMiss));
            let (call, seats, hit, reference) = match contender {
                Contender::Hand => ("hand-written statement", "-".into(), "any", 0),
                Contender::HandAgain => ("the same again (A/A)", "-".into(), "any", 0),
                Contender::HandMiss => ("hand-written statement", "-".into(), "nowhere", 0),
                Contender::Nothing => ("SELECT 1", "-".into(), "-", 0),
                Contender::Find(seats, hit) => (
                    "find_user",
                    seats.to_string(),
                    spelled(*hit),
                    if *hit == Hit::Nowhere { miss } else { 0 },
                ),
                Contender::LogIn(hit) => {
                    ("authenticate, no-op verifier", VERIFIED.to_string(), spelled(*hit), 0)
                }
            };
            let own = match contender {
                Contender::Find(_, hit) => format!("{:.2}", self.ratio(at, self.find(1, *hit))),
                _ => "-".into(),
            };
            let (time, ratio) = (median(self.times[at].clone()), self.ratio(at, reference));
            table.add_row([call.into(), seats, hit.into(), format!("{time:.1}"), format!("{ratio:.2}"), own]);
        }
        right(&mut table, &[1, 3, 4, 5]);
        table
    }

    /// The bars: what has to hold for the figures to be worth anything.
    fn verdict(&self, _: &World) -> Outcome {
        let same = self.ratio(1, 0);
        let mut bars = Bars::default();
        let (mut by_hand, mut flat) = (0.0_f64, 0.0_f64);
        let miss = self.index(|contender| matches!(contender, Contender::HandMiss));
        for seats in SIZES {
            for hit in Hit::ALL {
                let reference = if hit == Hit::Nowhere { miss } else { 0 };
                by_hand = by_hand.max(self.ratio(self.find(seats, hit), reference));
                flat = flat.max(self.ratio(self.find(seats, hit), self.find(1, hit)));
            }
        }
        let login = self.index(|contender| matches!(contender, Contender::LogIn(_)));
        let login = self.ratio(login, self.find(4, Hit::First));
        bars.at_most("worst cold find ÷ the hand-written statement", by_hand, 1.3);
        bars.at_most("worst cold find ÷ its own N = 1", flat, 1.3);
        bars.at_most("login with a no-op verifier ÷ cold find", login, 2.0);
        bars.print();
        doubt(same);
        Ok(())
    }
}

/// How many statements each public call costs, whatever the number of directories.
async fn statements(world: &World) -> Outcome {
    let app = world.application(DIRECTORIES);
    let mut table = table(&["public call over 64 directories", "statements"]);
    let mut row = |call: &str, before: u64| {
        table.add_row([call.to_owned(), (world.store.statements_run() - before).to_string()]);
    };
    let count = || world.store.statements_run();
    let name = world.name(Some(63), 5);

    let before = count();
    let user = app.find_user(&name).await?;
    row("find_user, in the last directory", before);
    let before = count();
    let _ = app.find_user("nobody").await;
    row("find_user, nowhere", before);
    let before = count();
    app.groups_of(&user, Depth::Nested).await?;
    row("groups_of, nested", before);
    let before = count();
    app.is_member(&user, "some group", Depth::Nested).await?;
    row("is_member, nested", before);
    let before = count();
    app.explain(&name).await?;
    row("explain", before);
    let before = count();
    let page = throng::core::page::PageRequest::first(50);
    app.search_users(&throng::core::filter::Filter::name_starts_with("user0000"), &page).await?;
    row("search_users, a page of 50", before);
    let before = count();
    app.set_password(&user, "a password for the bench").await?;
    row("set_password, the transaction included", before);
    let before = count();
    let who = app.authenticate(&name, "a password for the bench").await?;
    row("authenticate, first success (makes the claim)", before);
    let before = count();
    app.authenticate(&name, "a password for the bench").await?;
    row("authenticate, unchanged success", before);
    let before = count();
    let _ = app.authenticate(&name, "another password").await;
    row("authenticate, wrong password (counts it)", before);
    let before = count();
    let _ = app.authenticate("nobody", "another password").await;
    row("authenticate, unknown name", before);
    let before = count();
    let token = app.open_session(&who).await?;
    row("open_session", before);
    let before = count();
    app.session(token.expose()).await?;
    row("session", before);
    let before = count();
    app.create_user(NewAccount::named("newcomer")).await?;
    row("create_user, the transaction included", before);
    right(&mut table, &[1]);
    println!("\n{table}");
    Ok(())
}

/// An unchanged success must not write: the write-ahead log does not grow.
async fn writes(world: &World, file: &std::path::Path) -> Outcome {
    let name = world.name(Some(DIRECTORIES), 1);
    world.verified.authenticate(&name, "x").await?;
    let wal = file.with_extension("db-wal");
    let before = std::fs::metadata(&wal)?.len();
    for _ in 0..100 {
        world.verified.authenticate(&name, "x").await?;
    }
    let grown = std::fs::metadata(&wal)?.len() - before;
    println!("100 unchanged successful logins grew the write-ahead log by {grown} bytes");
    Ok(())
}

/// The pure rules alone, in memory.
fn pure() {
    let mut table = table(&["rule", "directories", "ns", "÷ own N = 1"]);
    let mut row = |rule: &str, time: &dyn Fn(&Arc<Plan>) -> f64| {
        let mut first = f64::NAN;
        for seats in SIZES {
            let plan = (0..seats).try_fold(Plan::new(), |plan, n| {
                plan.seat(DirectoryId::from_bytes([u8::try_from(n).unwrap_or(0) + 1; 16]))
            });
            let plan = Arc::new(plan.expect("directories are distinct"));
            let time = time(&plan);
            if seats == 1 {
                first = time;
            }
            table.add_row([
                rule.to_owned(),
                seats.to_string(),
                format!("{time:.0}"),
                format!("{:.1}", time / first),
            ]);
        }
    };
    row("walk, hit in the last", &|plan| nanos(|| walk_to_last(plan)));
    row("survey, everybody answers", &|plan| {
        nanos(|| {
            let answers = (0..plan.seats().len()).map(Answer::Holds);
            black_box(Survey::of(plan, Purpose::Lookup, answers));
        })
    });
    row("rank of one holder, in the last", &|plan| {
        let last = plan.seats().last().expect("a plan of the bench has seats").directory;
        nanos(|| {
            black_box(rank(plan, [(last, ())]));
        })
    });
    row("key of a name", &|_| {
        nanos(|| {
            black_box(Key::of(black_box("User000123.of07")));
        })
    });
    right(&mut table, &[1, 2, 3]);
    println!("\nThe rules alone, in memory\n{table}");
}

fn walk_to_last(plan: &Arc<Plan>) {
    let last = plan.seats().len() - 1;
    let (mut step, mut asked) = (begin::<()>(plan, Purpose::Lookup), 0);
    loop {
        step = match step {
            Step::Ask(walk) => {
                let answer = if asked == last { Answer::Holds(()) } else { Answer::Lacks };
                asked += 1;
                walk.hear(answer)
            }
            Step::Done(verdict) => {
                black_box(verdict);
                return;
            }
        };
    }
}

/// A whole login against the bare hash that it cannot do without.
async fn hashing(folder: &std::path::Path) -> Outcome {
    let store = SqliteStore::open(folder.join("hashing.db")).await?;
    let throng = Throng::builder(store).hashing(HasherConfig::new(NonZeroUsize::MIN)).build().await?;
    let people = throng.internal_directory("People").await?;
    let app = throng.ensure_application("wiki", Plan::new().seat(people)?).await?;
    app.create_user(NewAccount::named("anna").password("coffee before noon")).await?;
    app.authenticate("anna", "coffee before noon").await?;
    let mut workspace = Workspace::new();
    let (mut bare, mut right, mut wrong, mut unknown) = (vec![], vec![], vec![], vec![]);
    for _ in 0..41 {
        let started = Instant::now();
        let mut tag = [0; 32];
        workspace.argon2id(Cost::OWASP_FLOOR, b"coffee before noon", &[7; 16], &mut tag)?;
        black_box(tag);
        bare.push(micros(started.elapsed()));
        for (name, password, times) in [
            ("anna", "coffee before noon", &mut right),
            ("anna", "tea before noon", &mut wrong),
            ("nobody", "coffee before noon", &mut unknown),
        ] {
            let started = Instant::now();
            let _ = black_box(app.authenticate(name, password).await);
            times.push(micros(started.elapsed()));
        }
    }
    let mut table = table(&["login, internal directory", "ms", "÷ bare Argon2id"]);
    for (what, times) in [
        ("bare Argon2id, m = 19 MiB, t = 2, p = 1, memory reused", &bare),
        ("right password", &right),
        ("wrong password (one write)", &wrong),
        ("unknown name", &unknown),
    ] {
        let ratio = median_ratio(times, &bare);
        table.add_row([
            what.to_owned(),
            format!("{:.2}", median(times.clone()) / 1_000.0),
            format!("{ratio:.3}"),
        ]);
    }
    throng_benches::right(&mut table, &[1, 2]);
    println!("\n{table}");
    Ok(())
}

fn spelled(hit: Hit) -> &'static str {
    match hit {
        Hit::First => "first",
        Hit::Middle => "middle",
        Hit::Last => "last",
        Hit::Nowhere => "nowhere",
    }
}

/// The median over rounds of the time of one run, in nanoseconds.
fn nanos(run: impl Fn()) -> f64 {
    const RUNS: u32 = 2_000;
    let rounds = (0..31).map(|_| {
        let started = Instant::now();
        (0..RUNS).for_each(|_| run());
        micros(started.elapsed()) * 1_000.0 / f64::from(RUNS)
    });
    median(rounds.collect())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
