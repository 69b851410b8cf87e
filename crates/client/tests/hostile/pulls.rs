//! Full pulls: when they are complete, and what ends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use throng_client::{Limits, RemoteDirectory};
use throng_core::error::{DirectoryError, Fault};
use throng_core::group::Member;
use throng_core::sync::{
    Batch, Completeness, Cursor, EntryKind, Item, Next, Part, Position, Pull, SyncSource,
};

use super::server::*;

pub(crate) const TOKEN: &str = "8047511070899496297:12";

pub(crate) fn events(token: &str) -> String {
    format!("<events newEventToken=\"{token}\" incrementalSynchronisationAvailable=\"true\"></events>")
}

/// A server of these documents, that shows nothing beyond the end of a list.
fn usual(request: &Request) -> Answer {
    let whole = request.has("max-results=-1");
    match (request.line().as_str(), request.has("entity-type=user")) {
        ("GET event", _) => xml(200, &events(TOKEN)),
        ("POST search", true) if whole => xml(200, &users(&["Bela", "anna"].map(user))),
        ("POST search", false) if whole => xml(200, &groups(&["staff", "empty"].map(group))),
        ("POST search", true) => xml(200, &users(&[])),
        ("POST search", false) => xml(200, &groups(&[])),
        ("GET group/membership", _) => xml(
            200,
            "<memberships><membership group=\"staff\"><users><user name=\"anna\"/></users>\
             <groups><group name=\"empty\"/></groups></membership>\
             <membership group=\"empty\"><users/><groups/></membership></memberships>",
        ),
        _ => done(404),
    }
}

/// Pulls to the end.
async fn pull(directory: &RemoteDirectory) -> Result<(Vec<Batch>, Next), DirectoryError> {
    let mut position: Option<Position> = None;
    let mut batches = Vec::new();
    loop {
        let batch = directory.pull(Pull::Full, position.as_ref()).await?;
        batches.push(batch.clone());
        match batch.next {
            Next::More(next) => position = Some(next),
            next @ (Next::End(_) | Next::Expired) => return Ok((batches, next)),
        }
    }
}

async fn end_of(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Completeness {
    let server = Server::start(script).await;
    match pull(&server.directory()).await.expect("the pull ends") {
        (_, Next::End(completeness)) => completeness,
        (_, next) => unreachable!("{next:?}"),
    }
}

async fn fault_of(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> (Fault, String) {
    let server = Server::start(script).await;
    let directory = server.directory();
    fault(pull(&directory).await)
}

/// An item as a short text.
pub(crate) fn short(item: &Item) -> String {
    match item {
        Item::User(user) => format!("user {}", user.name),
        Item::Group(group) => format!("group {}", group.name),
        Item::Members { group, members, part } => {
            let members: Vec<_> = members.iter().map(kind).collect();
            let more = if *part == Part::More { " .." } else { "" };
            format!("{group}: {}{more}", members.join(", "))
        }
        Item::UserGone(gone) => format!("gone {gone:?}"),
        Item::GroupGone(group) => format!("group gone {group}"),
        Item::Joined(group, member) => format!("{} joined {group}", kind(member)),
        Item::Left(group, member) => format!("{} left {group}", kind(member)),
        Item::MemberOf(member, groups) => format!("{} in {groups:?}", kind(member)),
        Item::Unreadable(entry) => format!("unreadable {:?} {} {:?}", entry.kind, entry.name, entry.id),
    }
}

fn kind(member: &Member) -> String {
    match member {
        Member::User(name) => format!("u {name}"),
        Member::Group(name) => format!("g {name}"),
    }
}

#[tokio::test]
async fn a_full_pull_states_users_then_groups_then_members_and_is_proven() {
    let server = Server::start(usual).await;
    let (batches, next) = pull(&server.directory()).await.unwrap();
    assert_eq!(next, Next::End(Completeness::Proven));
    let items: Vec<_> = batches.iter().flat_map(|batch| &batch.items).map(short).collect();
    assert_eq!(
        items,
        ["user Bela", "user anna", "group staff", "group empty", "staff: u anna, g empty", "empty: "]
    );
    assert_eq!(batches[0].cursor.as_ref().map(Cursor::as_str), Some(TOKEN));
    // T63: the token is asked for before anything else.
    assert_eq!(
        server.lines(),
        [
            "GET event",
            "POST search",
            "POST search",
            "POST search",
            "POST search",
            "GET group/membership",
            "GET event"
        ]
    );
    let heard = server.heard();
    assert!(heard[1].has("expand=user%2Cattributes") && heard[1].has("max-results=-1"), "{heard:?}");
    assert!(heard[1].body.contains("null-search-restriction"), "{heard:?}");
    assert!(heard[2].has("start-index=2") && heard[2].has("max-results=1"), "{heard:?}");
}

#[tokio::test]
async fn empty_lists_are_proven_only_by_looking_beyond_them_t59() {
    let nothing = |request: &Request| match (request.line().as_str(), request.has("entity-type=user")) {
        ("GET event", _) => done(404),
        ("POST search", true) => xml(200, &users(&[])),
        ("POST search", false) => xml(200, &groups(&[])),
        _ => xml(200, "<memberships></memberships>"),
    };
    assert_eq!(end_of(nothing).await, Completeness::Proven);
    let faulty = move |request: &Request| {
        if request.has("start-index=0") && request.has("max-results=1") && request.has("entity-type=user") {
            return xml(200, &users(&[user("anna")]));
        }
        nothing(request)
    };
    assert!(matches!(end_of(faulty).await, Completeness::Unproven(_)));
}

#[tokio::test]
async fn a_server_that_caps_its_lists_never_proves_t59() {
    for kind in ["entity-type=user", "entity-type=group"] {
        let capped = move |request: &Request| {
            let beyond = request.has("max-results=1") && request.has(kind);
            match (beyond, kind) {
                (true, "entity-type=user") => xml(200, &users(&["<user name=\"zoe\"/>".into()])),
                (true, _) => xml(200, &groups(&["<group name=\"zoo\"/>".into()])),
                (false, _) => usual(request),
            }
        };
        assert!(matches!(end_of(capped).await, Completeness::Unproven(_)), "{kind}");
    }
}

#[tokio::test]
async fn memberships_that_leave_a_group_out_never_prove() {
    let short = |request: &Request| match request.path() {
        "group/membership" => xml(200, "<memberships><membership group=\"staff\"/></memberships>"),
        _ => usual(request),
    };
    assert!(matches!(end_of(short).await, Completeness::Unproven(_)));
}

#[tokio::test]
async fn a_document_that_is_cut_short_ends_the_pull_t59() {
    let cut = |path: &'static str, kind: &'static str| {
        move |request: &Request| {
            let whole = usual(request);
            let meant = request.path() == path
                && (kind.is_empty() || request.has(kind) && request.has("max-results=-1"));
            let (true, Answer::Keep(bytes)) = (meant, whole) else { return usual(request) };
            let text = String::from_utf8(bytes).expect("it is text");
            let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            xml(200, body.get(..body.len() - 4).unwrap_or_default())
        }
    };
    for (path, kind) in
        [("search", "entity-type=user"), ("search", "entity-type=group"), ("group/membership", "")]
    {
        assert_eq!(fault_of(cut(path, kind)).await, (Fault::Broken, "Document".to_owned()), "{path} {kind}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_ends_the_pull() {
    let broken = |request: &Request| match request.path() {
        "group/membership" => {
            let head = head(200, "Content-Type: application/xml\r\nContent-Length: 999\r\n");
            Answer::Close(format!("{head}\r\n<memberships>").into_bytes())
        }
        _ => usual(request),
    };
    assert_eq!(fault_of(broken).await, (Fault::Unavailable, "Interrupted".to_owned()));
}

#[tokio::test]
async fn another_server_in_the_middle_is_broken() {
    for path in ["search", "group/membership", "event"] {
        let asked = AtomicU64::new(0);
        let changing = move |request: &Request| {
            let first = request.path() == path && asked.fetch_add(1, Ordering::SeqCst) == 0;
            match (request.path() == path, path, first) {
                (true, "event", true) | (false, ..) => usual(request),
                (true, ..) => {
                    let Answer::Keep(bytes) = usual(request) else { return done(500) };
                    let text = String::from_utf8(bytes).expect("it is text");
                    Answer::Keep(text.replace("Crowd/2.6.0", "Crowd/2.6.1").into_bytes())
                }
            }
        };
        assert_eq!(fault_of(changing).await, (Fault::Broken, "IdentityChanged".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn another_instance_in_the_middle_is_broken() {
    let changing = |last: &'static str| {
        let asked = AtomicU64::new(0);
        move |request: &Request| match request.path() {
            "event" if asked.fetch_add(1, Ordering::SeqCst) > 0 => xml(200, &events(last)),
            _ => usual(request),
        }
    };
    let other = fault_of(changing("1111111111111111111:13")).await;
    assert_eq!(other, (Fault::Broken, "InstanceChanged".to_owned()));
    assert_eq!(end_of(changing("8047511070899496297:99")).await, Completeness::Proven);
    assert!(matches!(end_of(changing("opaque")).await, Completeness::Unproven(_)));
}

#[tokio::test]
async fn without_events_there_is_no_cursor() {
    for answer in [
        (|| done(404)) as Always,
        || xml(200, "<events newEventToken=\"a:1\" incrementalSynchronisationAvailable=\"false\"/>"),
        || declined(400, "INCREMENTAL_SYNC_NOT_AVAILABLE"),
    ] {
        let server = Server::start(move |request| match request.path() {
            "event" => answer(),
            _ => usual(request),
        })
        .await;
        let (batches, next) = pull(&server.directory()).await.unwrap();
        assert_eq!((batches[0].cursor.clone(), next), (None, Next::End(Completeness::Proven)));
    }
}

/// A server without a dump, of which one group has more members than fit into a part.
fn old(request: &Request) -> Answer {
    let listed = |members: &[String]| {
        let whole = request.has("max-results=-1");
        if whole { xml(200, &users(members)) } else { xml(200, &users(&[])) }
    };
    match request.line().as_str() {
        "GET group/membership" => done(404),
        "GET group/user/direct" if request.has("groupname=staff") => {
            let many: Vec<_> = (0..2_500).map(|n| format!("<user name=\"u{n}\"/>")).collect();
            listed(&many)
        }
        "GET group/user/direct" => listed(&[]),
        "GET group/child-group/direct" if request.has("max-results=-1") && request.has("groupname=staff") => {
            xml(200, &groups(&["<group name=\"empty\"/>".into()]))
        }
        "GET group/child-group/direct" => xml(200, &groups(&[])),
        _ => usual(request),
    }
}

#[tokio::test]
async fn without_a_dump_each_group_is_asked_for() {
    let server = Server::start(old).await;
    let (batches, next) = pull(&server.directory()).await.unwrap();
    assert_eq!(next, Next::End(Completeness::Proven));
    for batch in &batches {
        assert!(batch.weight() <= Batch::MAX_WEIGHT, "{}", batch.weight());
    }
    let members: Vec<_> = batches
        .iter()
        .flat_map(|batch| &batch.items)
        .filter_map(|item| match item {
            Item::Members { group, members, part } => Some((group.as_str(), members.len(), *part)),
            _ => None,
        })
        .collect();
    let expected = [
        ("staff", 1_000, Part::More),
        ("staff", 1_000, Part::More),
        ("staff", 501, Part::Last),
        ("empty", 0, Part::Last),
    ];
    assert_eq!(members, expected);
}

/// What is asked for one by one is slow, however little it weighs: whoever pulls waits for no more of it in a batch.
#[tokio::test]
async fn without_a_dump_no_batch_takes_long() {
    let server = Server::start(|request: &Request| match request.line().as_str() {
        "POST search" if request.has("entity-type=group") && request.has("max-results=-1") => {
            let many: Vec<_> = (0..250).map(|n| group(&format!("g{n}"))).collect();
            xml(200, &groups(&many))
        }
        _ => old(request),
    })
    .await;
    let directory = server.directory();
    let (mut position, mut asked) = (None, 0);
    loop {
        let batch = directory.pull(Pull::Full, position.as_ref()).await.unwrap();
        let now = server.lines().len();
        assert!(now - asked <= 4 * 100 + 10, "{} calls for a batch", now - asked);
        asked = now;
        match batch.next {
            Next::More(next) => position = Some(next),
            next => return assert_eq!(next, Next::End(Completeness::Proven)),
        }
    }
}

#[tokio::test]
async fn without_a_dump_capped_or_vanished_groups_never_prove() {
    let capped = |request: &Request| match request.line().as_str() {
        "GET group/user/direct" if request.has("max-results=1") => {
            xml(200, &users(&["<user name=\"more\"/>".into()]))
        }
        _ => old(request),
    };
    assert!(matches!(end_of(capped).await, Completeness::Unproven(_)));
    let vanished = |request: &Request| match request.line().as_str() {
        "GET group/user/direct" if request.has("groupname=empty") => declined(404, "GROUP_NOT_FOUND"),
        _ => old(request),
    };
    assert!(matches!(end_of(vanished).await, Completeness::Unproven(_)));
    let unclear = |request: &Request| match request.line().as_str() {
        "GET group/user/direct" if request.has("groupname=empty") => done(404),
        _ => old(request),
    };
    assert_eq!(fault_of(unclear).await.0, Fault::Broken);
}

#[tokio::test]
async fn what_cannot_be_read_is_stated_and_counted_t67() {
    let odd = |request: &Request| match (request.line().as_str(), request.has("entity-type=user")) {
        ("POST search", true) if request.has("max-results=-1") => xml(
            200,
            &users(&[
                user("anna"),
                user_with("b&#10;c", "<key>32769:b</key>"),
                "<user><key>32769:n</key><active>true</active></user>".into(),
                user_with(&"x".repeat(300), "<key>32769:x</key>"),
                user("dora").replace("<active>true", "<active>perhaps"),
                "<user name=\"short\"/>".into(),
                user_with("emil", "<key>name:admin</key>"),
                user("anna"),
            ]),
        ),
        ("GET group/membership", _) => xml(
            200,
            "<memberships><membership group=\"staff\"><users><user name=\"\"/><user name=\"anna\"/></users></membership>\
             <membership group=\" \"/></memberships>",
        ),
        _ => usual(request),
    };
    let server = Server::start(odd).await;
    let (batches, next) = pull(&server.directory()).await.unwrap();
    assert_eq!(next, Next::End(Completeness::Proven));
    let items: Vec<_> = batches.iter().flat_map(|batch| &batch.items).map(short).collect();
    let long = "x".repeat(100);
    let expected = [
        "user anna".to_owned(),
        "unreadable User b\\nc Some(ExternalId(\"32769:b\"))".into(),
        "unreadable User  Some(ExternalId(\"32769:n\"))".into(),
        format!("unreadable User {long} Some(ExternalId(\"32769:x\"))"),
        "unreadable User dora Some(ExternalId(\"32769:dora\"))".into(),
        "unreadable User short Some(ExternalId(\"name:short\"))".into(),
        "unreadable User emil None".into(),
        "user anna".into(),
        "group staff".into(),
        "group empty".into(),
        "unreadable Membership  None".into(),
        "staff: u anna".into(),
        "unreadable Membership   None".into(),
    ];
    assert_eq!(items, expected);
    let beyond = server.heard().into_iter().find(|request| request.has("max-results=1")).unwrap();
    assert!(beyond.has("start-index=8"), "what cannot be read counts: {}", beyond.target);
}

#[tokio::test]
async fn a_position_is_good_once_and_only_for_its_pull() {
    let many: Vec<_> = (0..4_500).map(|n| user(&format!("u{n}"))).collect();
    let list = users(&many);
    let server = Server::start(move |request| {
        let all = request.has("entity-type=user") && request.has("max-results=-1");
        if all { xml(200, &list) } else { usual(request) }
    })
    .await;
    let directory = server.directory();
    let position = |batch: Batch| match batch.next {
        Next::More(position) => position,
        next => unreachable!("{next:?}"),
    };
    let forgotten = (Fault::Unavailable, "ForgottenPosition".to_owned());
    let first = position(directory.pull(Pull::Full, None).await.unwrap());
    let second = position(directory.pull(Pull::Full, Some(&first)).await.unwrap());
    assert_eq!(fault(directory.pull(Pull::Full, Some(&first)).await), forgotten, "used");
    assert_eq!(fault(directory.pull(Pull::Full, Some(&second)).await), forgotten, "ended by the fault");
    let other = position(directory.pull(Pull::Full, None).await.unwrap());
    assert!(![&first, &second].contains(&&other));
    let cursor = Cursor::new(TOKEN).unwrap();
    assert_eq!(fault(directory.pull(Pull::Since(&cursor), Some(&other)).await), forgotten, "of another pull");
    let again = position(directory.pull(Pull::Full, None).await.unwrap());
    drop(directory.pull(Pull::Full, Some(&again)));
    directory.pull(Pull::Full, Some(&again)).await.unwrap();
}

#[tokio::test]
async fn memory_does_not_grow_with_the_directory() {
    const USERS: u64 = 100_000;
    // What the kernel may hold of a connection on loopback, with what the client reads at once.
    const IN_FLIGHT: u64 = 8 << 20;
    let account = |n: u64| {
        let mail = format!("<email>user-{n:06}.{}@example.com</email>", "x".repeat(100));
        format!("<user name=\"u{n:06}\">{mail}<key>32769:{n:06}</key><active>true</active></user>")
    };
    let size = account(0).len() as u64;
    let server = Server::start(move |request| {
        let all = request.has("entity-type=user") && request.has("max-results=-1");
        if !all {
            return usual(request);
        }
        let head = format!("{}\r\n<users>", head(200, "Content-Type: application/xml\r\n"));
        let pages = (0..USERS / 100).map(move |page| {
            let page: Vec<_> = (0..100).map(|n| account(page * 100 + n)).collect();
            page.concat().into_bytes()
        });
        Answer::Pieces(head.into_bytes(), Box::new(pages.chain([b"</users>".to_vec()])))
    })
    .await;
    assert!(USERS * size > 2 * IN_FLIGHT, "the answer is much larger than what may be held");
    let directory = server.directory();
    let mut position = None;
    let mut stated = 0;
    loop {
        let batch = directory.pull(Pull::Full, position.as_ref()).await.unwrap();
        assert!(!batch.is_too_large());
        stated += batch.items.iter().filter(|item| matches!(item, Item::User(_))).count() as u64;
        let held = server.sent().saturating_sub(stated * size);
        assert!(held < IN_FLIGHT, "{held} bytes were sent and not stated after {stated} users");
        match batch.next {
            Next::More(next) => position = Some(next),
            next => {
                assert_eq!(next, Next::End(Completeness::Proven));
                break;
            }
        }
    }
    assert_eq!(stated, USERS);
}

#[tokio::test]
async fn a_list_without_an_end_is_not_read_for_ever() {
    let server = Server::start(|request| {
        if !request.has("entity-type=user") {
            return usual(request);
        }
        let head = format!("{}\r\n<users>", head(200, "Content-Type: application/xml\r\n"));
        Answer::Pieces(head.into_bytes(), Box::new(std::iter::repeat_with(|| user("anna").into_bytes())))
    })
    .await;
    let limits = Limits { entries: 5_000, ..Limits::default() };
    let directory = server.builder().limits(limits).build().unwrap();
    assert_eq!(fault(pull(&directory).await), (Fault::Broken, "TooLarge".to_owned()));
}

#[tokio::test]
async fn a_pull_that_stalls_ends_by_the_deadline_of_a_piece() {
    let server = Arc::new(
        Server::start(|request| match request.path() {
            "search" => {
                let head = format!("{}\r\n<users>", head(200, "Content-Type: application/xml\r\n"));
                Answer::Stall(head.into_bytes())
            }
            _ => usual(request),
        })
        .await,
    );
    let directory = server.directory();
    let call = tokio::spawn(async move { directory.pull(Pull::Full, None).await });
    server.rung.notified().await;
    server.rung.notified().await;
    tokio::time::pause();
    assert_eq!(fault(call.await.unwrap()), (Fault::Unavailable, "Deadline".to_owned()));
}

#[tokio::test]
async fn an_entry_kind_says_what_a_bad_group_is() {
    let odd = |request: &Request| match (request.line().as_str(), request.has("entity-type=group")) {
        ("POST search", true) if request.has("max-results=-1") => {
            xml(200, &groups(&[group("staff"), group("empty"), group("x\u{1}").replace('\u{1}', "&#9;")]))
        }
        _ => usual(request),
    };
    let server = Server::start(odd).await;
    let (batches, next) = pull(&server.directory()).await.unwrap();
    let bad = batches.iter().flat_map(|batch| &batch.items).find_map(|item| match item {
        Item::Unreadable(entry) => Some(entry.kind),
        _ => None,
    });
    assert_eq!(bad, Some(EntryKind::Group));
    assert!(matches!(next, Next::End(Completeness::Unproven(_))), "its members were not stated: {next:?}");
}
