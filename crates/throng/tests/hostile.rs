//! A mirror of a server that lies, breaks off, repeats itself or turns into another: nothing is deleted by it, and the
//! mirror follows again as soon as the server is honest.
#![cfg(all(feature = "client", feature = "server", feature = "sqlite"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod house;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use throng::client::Writes;
use throng::core::sync::{FullBecause, MirroredSettings, Outcome};
use throng::error::Invalid;
use throng::sqlite::SqliteStore;
use throng::sync::SyncRequest;
use throng::{Depth, Error};

use house::{House, listener, remote};

/// What the server does to its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trick {
    Honest,
    /// Nobody, with 200.
    EmptyUsers,
    /// No group, with 200.
    EmptyGroups,
    /// No membership, with 200.
    EmptyDump,
    /// The list breaks off after a whole entry.
    CutUsers,
    /// The dump breaks off.
    CutDump,
    /// A page of another kind.
    WrongType,
    /// A list that never ends.
    Endless,
    /// The same user again.
    Repeated,
    /// Two users with the id of one.
    OneIdForTwo,
    /// Names that fold to one.
    Folded,
    /// Another server answers from the memberships on.
    AnotherInTheMiddle,
    /// Everything is somewhere else.
    Elsewhere,
    /// The token is another server's.
    ForeignToken,
    /// The token is another server's once everything was read.
    ForeignTokenAfterwards,
    /// Events out of their order, of people who are not there.
    Disordered,
    /// Its clock is off by a day.
    ClockOff,
    /// Only the first ten of everything, as if that were all.
    Capped,
    /// It is busy.
    Busy,
    /// It knows nobody who asks.
    Refusing,
    /// A hundred thousand groups, each in the next and the last in the first.
    Ring,
}

const RING: usize = 100_000;

/// How a round that is asked for what changed ends, and why it read everything, if it did.
type Followed = (Option<FullBecause>, Outcome);
const FOLLOWED: Followed = (None, Outcome::Complete);
const ROUND_FAILS: Followed = (None, Outcome::Failed);

/// Each trick, how a round of changes that meets it ends, how a full one does, and how many that sets aside.
const TRICKS: [(Trick, Followed, Outcome, u64); 19] = [
    (Trick::EmptyUsers, FOLLOWED, Outcome::HeldForApproval, 0),
    (Trick::EmptyGroups, FOLLOWED, Outcome::HeldForApproval, 0),
    (Trick::EmptyDump, FOLLOWED, Outcome::Unproven, 0),
    (Trick::CutUsers, FOLLOWED, Outcome::Failed, 0),
    (Trick::CutDump, FOLLOWED, Outcome::Failed, 0),
    (Trick::WrongType, ROUND_FAILS, Outcome::Failed, 0),
    (Trick::Endless, FOLLOWED, Outcome::Failed, 0),
    (Trick::Repeated, FOLLOWED, Outcome::Complete, 0),
    (Trick::OneIdForTwo, FOLLOWED, Outcome::Complete, 1),
    (Trick::Folded, FOLLOWED, Outcome::Complete, 1),
    (Trick::AnotherInTheMiddle, FOLLOWED, Outcome::Failed, 0),
    (Trick::Elsewhere, ROUND_FAILS, Outcome::Failed, 0),
    (Trick::ForeignToken, (Some(FullBecause::Expired), Outcome::Complete), Outcome::Complete, 0),
    (Trick::ForeignTokenAfterwards, FOLLOWED, Outcome::Failed, 0),
    (Trick::Disordered, (Some(FullBecause::Impossible), Outcome::Complete), Outcome::Complete, 0),
    (Trick::ClockOff, FOLLOWED, Outcome::Complete, 0),
    (Trick::Capped, FOLLOWED, Outcome::Unproven, 0),
    (Trick::Busy, ROUND_FAILS, Outcome::Failed, 0),
    (Trick::Refusing, ROUND_FAILS, Outcome::Failed, 0),
];

const USERS: usize = 60;

type Tricks = Arc<Mutex<Trick>>;

fn user(number: usize, name: &str) -> String {
    format!(
        "<user name=\"{name}\"><link rel=\"self\" href=\"x\"/><first-name/><last-name/><display-name>{name}</display-name>\
         <email/><key>1:{number}</key><active>true</active><attributes><link rel=\"self\" href=\"x\"/></attributes></user>"
    )
}

fn users(trick: Trick) -> String {
    let mut list = String::new();
    for number in 0..USERS {
        write!(list, "{}", user(number, &format!("u{number}"))).unwrap();
        if trick == Trick::Capped && number == 9 {
            break;
        }
    }
    match trick {
        Trick::EmptyUsers => list.clear(),
        Trick::Repeated => list += &user(3, "u3"),
        Trick::OneIdForTwo => list += &user(3, "mallory"),
        Trick::Folded => list += &user(777, "Ｕ３"),
        _ => {}
    }
    if trick == Trick::CutUsers {
        return format!("<users expand=\"user\">{}", user(0, "u0"));
    }
    format!("<users expand=\"user\">{list}</users>")
}

fn groups(trick: Trick) -> String {
    let group = |name: &str| {
        format!(
            "<group name=\"{name}\"><link rel=\"self\" href=\"x\"/><description/><type>GROUP</type><active>true</active></group>"
        )
    };
    match trick {
        Trick::Ring => {
            let ring: String = (0..RING).map(|number| group(&format!("g{number}"))).collect();
            format!("<groups expand=\"group\">{}{}{ring}</groups>", group("all"), group("few"))
        }
        Trick::EmptyGroups => "<groups expand=\"group\"></groups>".to_owned(),
        _ => format!("<groups expand=\"group\">{}{}</groups>", group("all"), group("few")),
    }
}

fn dump(trick: Trick) -> String {
    let member = |number: usize| format!("<user name=\"u{number}\"/>");
    let all: String = (0..USERS).map(member).collect();
    let membership = |group: &str, users: &str| {
        format!("<membership group=\"{group}\"><users>{users}</users><groups></groups></membership>")
    };
    match trick {
        Trick::EmptyDump => "<memberships></memberships>".to_owned(),
        Trick::CutDump => format!("<memberships>{}", membership("all", &member(1))),
        _ => {
            let mut dump = membership("all", &all) + &membership("few", &member(1));
            for number in (0..RING).take_while(|_| trick == Trick::Ring) {
                let users = if number == 0 { member(1) } else { String::new() };
                write!(
                    dump,
                    "<membership group=\"g{number}\"><users>{users}</users><groups><group name=\"g{}\"/></groups></membership>",
                    (number + 1) % RING
                )
                .unwrap();
            }
            format!("<memberships>{dump}</memberships>")
        }
    }
}

fn events(trick: Trick) -> String {
    let token = match trick {
        Trick::ForeignToken => "another:9",
        _ => "here:7",
    };
    let events = match trick {
        Trick::Disordered => {
            "<userMembershipEvent><operation>CREATED</operation><childUser name=\"nobody\"/><parentGroups>\
             <group name=\"none\"/></parentGroups></userMembershipEvent><groupEvent><operation>DELETED</operation>\
             <group name=\"none\"/></groupEvent>"
        }
        _ => "",
    };
    format!(
        "<events newEventToken=\"{token}\" incrementalSynchronisationAvailable=\"true\">{events}</events>"
    )
}

async fn answer(State(tricks): State<Tricks>, request: Request) -> Response {
    let trick = *tricks.lock().unwrap();
    let uri = request.uri().clone();
    let path = uri.path().strip_prefix("/rest/usermanagement/1").unwrap_or_default().to_owned();
    if trick == Trick::ForeignTokenAfterwards && path == "/group/membership" {
        *tricks.lock().unwrap() = Trick::ForeignToken;
    }
    let query = uri.query().unwrap_or_default().to_owned();
    let beyond = query.contains("max-results=1") && !query.contains("max-results=-1");
    let body = match (path.as_str(), query.contains("entity-type=user")) {
        ("/event", _) => events(trick),
        (path, _) if path.starts_with("/event/") => events(trick),
        ("/search", true) if beyond && trick != Trick::Capped => "<users expand=\"user\"></users>".to_owned(),
        ("/search", true) if beyond => format!("<users expand=\"user\">{}</users>", user(11, "u11")),
        ("/search", true) => users(trick),
        ("/search", false) if beyond => "<groups expand=\"group\"></groups>".to_owned(),
        ("/search", false) => groups(trick),
        ("/group/membership", _) => dump(trick),
        _ => String::new(),
    };
    let status = match trick {
        Trick::Elsewhere => StatusCode::MOVED_PERMANENTLY,
        Trick::Busy => StatusCode::TOO_MANY_REQUESTS,
        Trick::Refusing => StatusCode::UNAUTHORIZED,
        _ if body.is_empty() => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    };
    let product = match trick {
        Trick::AnotherInTheMiddle if path == "/group/membership" => "Crowd/9.9.9",
        _ => "Crowd/5.0.0",
    };
    let kind = match trick {
        Trick::WrongType => "text/html",
        _ => "application/xml",
    };
    let body = match trick {
        Trick::Endless if path == "/search" => {
            let begin = Bytes::from_static(b"<users expand=\"user\"><user name=\"u0\"><first-name>");
            let piece = Bytes::from("a".repeat(64 * 1024));
            let pieces = std::iter::once(begin).chain(std::iter::repeat(piece));
            Body::from_stream(futures_util::stream::iter(pieces.map(Ok::<_, std::io::Error>)))
        }
        _ => Body::from(body),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("x-embedded-crowd-version", HeaderValue::from_str(product).unwrap());
    headers.insert("x-crowd-user-management-version", HeaderValue::from_static("1.4"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if trick == Trick::Elsewhere {
        headers
            .insert(header::LOCATION, HeaderValue::from_static("http://127.0.0.1:9/rest/usermanagement/1/x"));
    }
    if trick == Trick::ClockOff {
        headers.insert(header::DATE, HeaderValue::from_static("Sat, 01 Jan 2000 00:00:00 GMT"));
    }
    response
}

/// A mirror of the hostile server, after one honest round.
async fn scene() -> (House, Tricks, tokio::task::JoinHandle<()>) {
    let listener = listener().await;
    let address: SocketAddr = listener.local_addr().unwrap();
    let tricks: Tricks = Arc::new(Mutex::new(Trick::Honest));
    let router = Router::new().fallback(answer).with_state(Arc::clone(&tricks));
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let store = Arc::new(SqliteStore::in_memory().await.unwrap());
    let remote = remote(address, "a long password", Writes::Never);
    let house = House::over(store, Some(remote), MirroredSettings::default()).await;
    let round = house.sync(SyncRequest::default()).await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{round:?}");
    (house, tricks, task)
}

#[tokio::test]
async fn no_trick_of_a_server_deletes_anybody_and_honesty_mends_all() {
    let (house, tricks, task) = scene().await;
    let before = house.contents(house.mirror).await;
    assert_eq!(before.len(), USERS + 2);
    for (trick, followed, outcome, set_aside) in TRICKS {
        for (full, request) in [(false, SyncRequest::default()), (true, SyncRequest::full())] {
            *tricks.lock().unwrap() = trick;
            let round = house.sync(request).await;
            let counts = &round.counts;
            let ended = round.ended.map(|(_, outcome)| outcome).unwrap();
            if full {
                assert_eq!((ended, counts.entries_set_aside), (outcome, set_aside), "{trick:?}: {round:?}");
            } else {
                assert_eq!((round.full_because, ended), followed, "{trick:?}: {round:?}");
            }
            let removed = (counts.users_removed, counts.groups_removed, counts.memberships_removed);
            // What a small group loses is believed: it may have.
            let borne = if trick == Trick::EmptyDump { removed.2 <= 1 } else { removed == (0, 0, 0) };
            assert!(borne, "{trick:?}: {round:?}");
            assert!(house.contents(house.mirror).await.len() >= before.len(), "{trick:?}: {round:?}");
        }
        *tricks.lock().unwrap() = Trick::Honest;
        house.clock.advance(Duration::from_secs(25 * 60 * 60));
        let round = house.sync(SyncRequest::full()).await;
        assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{trick:?}: {round:?}");
        assert_eq!(house.contents(house.mirror).await, before, "{trick:?}");
    }
    task.abort();
}

/// The mirror keeps the ring as it is stated, and no walk goes round in it.
#[tokio::test]
async fn a_ring_of_a_hundred_thousand_groups_is_mirrored_and_ends_every_walk_t25() {
    let (house, tricks, task) = scene().await;
    *tricks.lock().unwrap() = Trick::Ring;
    let round = house.sync(SyncRequest::full()).await;
    assert_eq!(round.ended.map(|(_, outcome)| outcome), Some(Outcome::Complete), "{:?}", round.failure);
    assert_eq!(round.counts.memberships_added, RING as u64 + 1);
    let again = house.sync(SyncRequest::full()).await;
    assert_eq!((again.counts.written(), again.counts.set_aside), (0, 0));
    let user = house.app.find_user("u1").await.unwrap();
    assert_eq!(house.app.groups_of(&user, Depth::Direct).await.unwrap().len(), 3);
    let nested = house.app.groups_of(&user, Depth::Nested).await;
    assert!(
        matches!(nested, Err(Error::Invalid(Invalid::Limit(_)))),
        "{:?}",
        nested.map(|groups| groups.len())
    );
    task.abort();
}
