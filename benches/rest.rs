//! What the user server costs: statements and requests per second, beside a bare handler that gives the same bytes.
//!
//! `cargo bench --bench rest [-- --quick]`. Both sides are in this process, over loopback TCP, on connections that stay
//! open. Every contender runs once in each round, in an order that turns, and what counts is the median over the rounds
//! of the ratio in the same round; the second row of the reference is the reference again.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints and reads the clock"
)]

use std::error::Error as StdError;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::serve::ListenerExt;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor};
use throng::core::id::DirectoryId;
use throng::core::registry::{DelegatedSettings, GroupImport, KnownUser};
use throng::server::{ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::{Application, Depth, Error, Plan, Throng};
use throng_testkit::script::ScriptedVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use throng_benches::{Bars, doubt, machine, median, median_ratio, right, table};

type Outcome<T = ()> = Result<T, Box<dyn StdError + Send + Sync>>;

const DIRECTORIES: [usize; 2] = [1, 64];
/// Users of each directory, of whom each is in one group at the bottom of a chain of groups.
const USERS: [usize; 2] = [100, 10_000];
const GROUPS: usize = 100;
const DEPTH: usize = 5;
const ROUNDS: usize = 31;
/// Connections at once, and how many requests each sends in one round.
const CONNECTIONS: usize = 4;
const REQUESTS: usize = 100;
/// What the protocol may leave of the requests per second: who asks, the way to the resource, and the documents.
const LEAST: f64 = 0.7;

#[tokio::main]
async fn main() -> Outcome {
    let quick = std::env::args().any(|argument| argument == "--quick");
    println!("machine: {}", machine());
    let users = if quick { [100, 1_000] } else { USERS };
    let folder = tempfile::tempdir()?;
    let small = House::build(&folder.path().join("small.db"), DIRECTORIES[0], users[0]).await?;
    let large = House::build(&folder.path().join("large.db"), DIRECTORIES[1], users[1]).await?;
    statements(&small, &large).await?;
    let mut bars = Bars::default();
    requests(&large, &mut bars).await?;
    bars.print();
    println!("machine at the end: {}", machine());
    Ok(())
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    User,
    Nested,
    Authentication,
}

impl Asked {
    const ALL: [Self; 3] = [Self::User, Self::Nested, Self::Authentication];

    fn name(self) -> &'static str {
        match self {
            Self::User => "GET /user",
            Self::Nested => "GET /user/group/nested",
            Self::Authentication => "POST /authentication",
        }
    }

    fn head(self, user: &str) -> String {
        match self {
            Self::User => format!("GET /rest/usermanagement/1/user?username={user}"),
            Self::Nested => format!("GET /rest/usermanagement/1/user/group/nested?username={user}"),
            Self::Authentication => format!("POST /rest/usermanagement/1/authentication?username={user}"),
        }
    }

    /// What the server asks the library.
    async fn call(self, application: &Application, user: &str) -> Result<(), Error> {
        match self {
            Self::User => drop(black_box(application.find_user(user).await?)),
            Self::Nested => {
                let user = application.find_user(user).await?;
                drop(black_box(application.groups_of(&user, Depth::Nested).await?));
            }
            Self::Authentication => {
                drop(black_box(application.authenticate(user, "whatever was typed").await?));
            }
        }
        Ok(())
    }

    fn body(self) -> &'static str {
        match self {
            Self::User | Self::Nested => "",
            Self::Authentication => r#"{"value":"whatever was typed"}"#,
        }
    }
}

/// A throng behind its server, over directories of which the last holds who is asked for.
struct House {
    store: SqliteStore,
    directories: usize,
    users: usize,
    address: SocketAddr,
    /// The application that looks up, and the one that logs in, each with what it shows itself by.
    looking: (Application, String),
    logging_in: (Application, String),
    serving: JoinHandle<()>,
}

impl House {
    async fn build(file: &Path, directories: usize, users: usize) -> Outcome<Self> {
        let store = SqliteStore::open(file).await?;
        // It accepts anybody, so that what is left of a login is the server and the application.
        let verifier = Arc::new(ScriptedVerifier::accepting_anybody());
        let throng = Throng::builder(store.clone()).verifier("verified", verifier).build().await?;
        let (mut plan, mut ids) = (Plan::new(), Vec::new());
        for n in 0..directories {
            let id = throng.internal_directory(&format!("directory {n}")).await?;
            plan = plan.seat(id)?;
            ids.push(id);
        }
        let settings = DelegatedSettings {
            known_user: KnownUser::StaysAsIs,
            groups: GroupImport::Never,
            ..DelegatedSettings::default()
        };
        let verified = throng.delegated_directory("verified", settings).await?;
        let looking = throng.ensure_application("looking", plan).await?;
        let logging_in = throng.ensure_application("logging-in", Plan::new().seat(verified)?).await?;
        ids.push(verified);
        for (n, id) in ids.iter().enumerate() {
            fill(file, *id, n.min(directories), users).await?;
        }
        let looking = (looking.clone(), basic(&looking).await?);
        let logging_in = (logging_in.clone(), basic(&logging_in).await?);
        let server = UserServer::new(throng, ServerConfig::default())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            // It ends with the benchmark.
            let _ = server.serve(listener, std::future::pending()).await;
        });
        let house = Self { store, directories, users, address, looking, logging_in, serving };
        // Whoever is asked to log in has done so before, so that no claim is left to make.
        let mut connection = Talk::begin(house.address).await?;
        for n in 0..house.users.min(CONNECTIONS * REQUESTS) {
            connection.ask(&house.request(Asked::Authentication, n)).await?;
        }
        Ok(house)
    }

    fn request(&self, asked: Asked, n: usize) -> Vec<u8> {
        let (directory, credential) = match asked {
            Asked::User | Asked::Nested => (self.directories - 1, &self.looking.1),
            Asked::Authentication => (self.directories, &self.logging_in.1),
        };
        let user = format!("user{:06}.of{directory:02}", n % self.users);
        let (head, body) = (asked.head(&user), asked.body());
        let length = body.len();
        format!(
            "{head} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {credential}\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn basic(application: &Application) -> Outcome<String> {
    let (name, secret) = (application.record()?.name, application.draw_password().await?);
    Ok(format!("Basic {}", STANDARD.encode(format!("{name}:{}", secret.expose()))))
}

const FILL_USERS: &str = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?3) \
     INSERT INTO throng_user (directory_id, external_id, name, name_key, first_name, last_name, display_name, \
     email, email_key, active, attributes, epoch) \
     SELECT ?1, printf('user%06d.of%02d', i, ?2), printf('user%06d.of%02d', i, ?2), \
     CAST(printf('user%06d.of%02d', i, ?2) AS BLOB), 'First', 'Last', printf('User %d', i), \
     printf('user%06d@example.com', i), NULL, 1, '{}', 0 FROM n";
const FILL_GROUPS: &str = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?3) \
     INSERT INTO throng_group (directory_id, external_id, name, name_key, description, imported, attributes) \
     SELECT ?1, printf('group%03d.of%02d', i, ?2), printf('group%03d.of%02d', i, ?2), \
     CAST(printf('group%03d.of%02d', i, ?2) AS BLOB), '', 0, '{}' FROM n";
/// Each group is in the next, but for every fifth.
const FILL_NESTING: &str = "INSERT INTO throng_group_membership (parent_id, child_id) \
     SELECT p.id, c.id FROM throng_group c JOIN throng_group p ON p.id = c.id + 1 AND p.directory_id = ?1 \
     WHERE c.directory_id = ?1 AND (c.id - (SELECT min(id) FROM throng_group WHERE directory_id = ?1)) % ?2 < ?2 - 1";
/// Users are spread over the groups at the bottom.
const FILL_MEMBERS: &str = "INSERT INTO throng_user_membership (group_id, user_id) \
     SELECT (SELECT min(id) FROM throng_group WHERE directory_id = ?1) + ?2 * (u.id % (?3 / ?2)), u.id \
     FROM throng_user u WHERE u.directory_id = ?1";

/// Fills the tables directly: what is measured is reading.
async fn fill(file: &Path, directory: DirectoryId, number: usize, users: usize) -> Outcome {
    let options = SqliteConnectOptions::new().filename(file).foreign_keys(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let mut filling = connection.begin_with("BEGIN IMMEDIATE").await?;
    let id = directory.as_bytes().as_slice();
    let (number, users) = (i64::try_from(number)?, i64::try_from(users)?);
    let (groups, depth) = (i64::try_from(GROUPS)?, i64::try_from(DEPTH)?);
    filling.execute(sqlx::query(FILL_USERS).bind(id).bind(number).bind(users)).await?;
    filling.execute(sqlx::query(FILL_GROUPS).bind(id).bind(number).bind(groups)).await?;
    filling.execute(sqlx::query(FILL_NESTING).bind(id).bind(depth)).await?;
    filling.execute(sqlx::query(FILL_MEMBERS).bind(id).bind(depth).bind(groups)).await?;
    filling.commit().await?;
    Ok(connection.close().await?)
}

/// How many statements each request costs: the same whatever there is.
async fn statements(small: &House, large: &House) -> Outcome {
    let heading = |house: &House| format!("{} × {} users", house.directories, house.users);
    let mut table = table(&["request", &heading(small), &heading(large)]);
    for asked in Asked::ALL {
        let mut costs = Vec::new();
        for house in [small, large] {
            let mut connection = Talk::begin(house.address).await?;
            let before = house.store.statements_run();
            connection.ask(&house.request(asked, 7)).await?;
            costs.push(house.store.statements_run() - before);
        }
        assert_eq!(costs.first(), costs.last(), "{asked:?}");
        table.add_row([asked.name().to_owned(), costs[0].to_string(), costs[1].to_string()]);
    }
    right(&mut table, &[1, 2]);
    println!("\nstatements, by directories and the users of each\n{table}");
    Ok(())
}

/// Requests per second of the server beside those of a bare handler.
async fn requests(house: &House, bars: &mut Bars) -> Outcome {
    let mut contenders = Vec::new();
    for asked in Asked::ALL {
        let mut connection = Talk::begin(house.address).await?;
        let answer = connection.ask(&house.request(asked, 7)).await?;
        let application = match asked {
            Asked::User | Asked::Nested => &house.looking.0,
            Asked::Authentication => &house.logging_in.0,
        };
        let bare = serve_bare(&answer, None).await?;
        let with = serve_bare(&answer, Some((asked, application.clone()))).await?;
        contenders.extend([bare, bare, with, house.address].map(|address| (asked, address)));
    }
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..ROUNDS {
        for n in 0..contenders.len() {
            let at = (n * 5 + round) % contenders.len();
            let (asked, address) = contenders[at];
            times[at].push(rush(house, asked, address, round).await?);
        }
    }
    let mut table =
        table(&["request", "answered by", "requests/s", "share of bare", "share of bare with the call"]);
    for (n, four) in times.chunks(4).enumerate() {
        let [bare, again, with, server] = four else { continue };
        let asked = Asked::ALL[n];
        for (who, times_of) in [
            ("bare axum handler", bare),
            ("the same again (A/A)", again),
            ("bare, making the same call", with),
            ("user server", server),
        ] {
            let all = (CONNECTIONS * REQUESTS) as f64;
            table.add_row([
                asked.name().to_owned(),
                who.to_owned(),
                format!("{:.0}", all / median(times_of.clone())),
                format!("{:.2}", median_ratio(bare, times_of)),
                format!("{:.2}", median_ratio(with, times_of)),
            ]);
        }
        let bar = format!("{}: requests/s ÷ those of a bare handler making the call", asked.name());
        doubt(median_ratio(again, bare));
        bars.at_least(&bar, median_ratio(with, server), LEAST);
    }
    right(&mut table, &[2, 3, 4]);
    println!("\n{CONNECTIONS} connections, {} requests each in {ROUNDS} rounds\n{table}", REQUESTS);
    Ok(())
}

/// Seconds until all connections have sent their requests and read the answers.
async fn rush(house: &House, asked: Asked, address: SocketAddr, round: usize) -> Outcome<f64> {
    let mut talks = Vec::new();
    for connection in 0..CONNECTIONS {
        let numbers = (0..REQUESTS).map(|n| match asked {
            Asked::User | Asked::Nested => {
                (round * CONNECTIONS * REQUESTS + connection * REQUESTS + n) * 7_919
            }
            // Those who have logged in before.
            Asked::Authentication => connection * REQUESTS + n,
        });
        let requests: Vec<Vec<u8>> = numbers.map(|n| house.request(asked, n)).collect();
        talks.push((Talk::begin(address).await?, requests));
    }
    let started = Instant::now();
    let mut talking = JoinSet::new();
    for (mut talk, requests) in talks {
        talking.spawn(async move {
            for request in &requests {
                talk.ask(request).await?;
            }
            Outcome::Ok(())
        });
    }
    while let Some(ended) = talking.join_next().await {
        ended??;
    }
    Ok(started.elapsed().as_secs_f64())
}

/// Serves an answer to whatever is asked, if wanted after the call that the server makes for it.
async fn serve_bare(answer: &Answer, call: Option<(Asked, Application)>) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let answer = answer.clone();
    let router = Router::new().fallback(move |request: Request| {
        let (answer, call) = (answer.clone(), call.clone());
        async move {
            let user = request.uri().query().and_then(|query| query.strip_prefix("username="));
            let user = user.unwrap_or_default().to_owned();
            // It takes what is sent, as whoever looks at it must.
            let _ = request.into_body().collect().await;
            match call {
                Some((asked, application)) => {
                    asked.call(&application, &user).await.map(|()| answer.response())
                }
                None => Ok(answer.response()),
            }
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
        }
    });
    tokio::spawn(async move {
        // It ends with the benchmark.
        let _ = axum::serve(listener, router).await;
    });
    Ok(address)
}

/// An answer as it came.
#[derive(Debug, Clone)]
struct Answer {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

impl Answer {
    fn response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        response.headers_mut().extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}

/// A connection that stays open, over which one request follows the other.
struct Talk {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Talk {
    async fn begin(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(16 << 10) })
    }

    /// Sends a request and reads the answer, which must be a success of a stated length.
    async fn ask(&mut self, request: &[u8]) -> Outcome<Answer> {
        self.stream.write_all(request).await?;
        self.read.clear();
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err("the connection was closed".into());
            }
            let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let (head, body) = self.read.split_at(end + 4);
            let head = std::str::from_utf8(head)?;
            if !head.starts_with("HTTP/1.1 200") {
                return Err(head.to_owned().into());
            }
            let fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let length = fields.clone().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length: usize = length.ok_or("no length is stated")?.1.parse()?;
            if body.len() < length {
                continue;
            }
            let own =
                |name: &str| ["content-length", "date"].iter().any(|own| name.eq_ignore_ascii_case(own));
            let mut headers = Vec::new();
            for (name, value) in fields.filter(|(name, _)| !own(name)) {
                headers.push((HeaderName::try_from(name)?, HeaderValue::try_from(value)?));
            }
            assert!(headers.iter().any(|(name, _)| *name == header::CONTENT_TYPE));
            return Ok(Answer { headers, body: body.to_vec() });
        }
    }
}
