//! Answers that are wrong, cut short, endless, or not a user server's.

use std::time::Duration;

use throng_client::Limits;
use throng_core::directory::Directory;
use throng_core::error::Fault;
use throng_core::filter::{Filter, Property, Test};
use throng_core::group::Member;
use throng_core::name::Key;
use throng_core::page::PageRequest;

use super::server::*;

/// A server that gives one answer to everything.
async fn always(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |_| answer()).await
}

async fn fault_of(answer: impl Fn() -> Answer + Send + Sync + 'static) -> (Fault, String) {
    let server = always(answer).await;
    fault(server.directory().user(&username("anna")).await)
}

#[tokio::test]
async fn a_user_comes_whole() {
    let server = always(|| xml(200, &user("Anna"))).await;
    let anna = server.directory().user(&username("ANNA")).await.unwrap().unwrap();
    assert_eq!((anna.name.as_str(), anna.external_id.as_str()), ("Anna", "32769:Anna"));
    assert_eq!((anna.profile.display_name.as_str(), anna.active), ("First Last", true));
    assert_eq!(anna.attributes.values("office"), ["Wien"]);
}

#[tokio::test]
async fn a_user_without_a_key_is_known_by_its_name_r314() {
    let server = always(|| xml(200, &user_with("Anna", ""))).await;
    let anna = server.directory().user(&username("anna")).await.unwrap().unwrap();
    assert_eq!(anna.external_id.stands_for(), Some("anna"));
    let (fault, cause) = fault_of(|| xml(200, &user_with("anna", "<key>name:admin</key>"))).await;
    assert_eq!((fault, cause.as_str()), (Fault::Broken, "Entry"), "a key that pretends to be a name");
}

#[tokio::test]
async fn another_name_than_was_asked_for_is_nobody_t17() {
    let server = always(|| xml(200, &user("annabel"))).await;
    assert_eq!(server.directory().user(&username("anna")).await.unwrap(), None);
    let server = always(|| xml(200, &group("staffing"))).await;
    assert_eq!(server.directory().group(&group_name("staff")).await.unwrap(), None);
}

#[tokio::test]
async fn only_the_reason_says_that_nobody_is_there() {
    let server = always(|| declined(404, "USER_NOT_FOUND")).await;
    assert_eq!(server.directory().user(&username("anna")).await.unwrap(), None);
    for (status, reason) in [(404, "GROUP_NOT_FOUND"), (404, "NEW_REASON"), (400, "ILLEGAL_ARGUMENT")] {
        let answer = fault_of(move || declined(status, reason)).await;
        assert_eq!(answer, (Fault::Broken, "Declined".to_owned()), "{reason}");
    }
    let bare = fault_of(|| done(404)).await;
    assert_eq!(bare, (Fault::Broken, "Declined".to_owned()), "no reason at all");
}

#[tokio::test]
async fn an_empty_list_is_no_user() {
    let answer = fault_of(|| xml(200, "<users expand=\"user\"></users>")).await;
    assert_eq!(answer, (Fault::Broken, "Document".to_owned()));
    let server = always(|| xml(200, "<users expand=\"user\"></users>")).await;
    let found = server.directory().find_users(&Filter::everything(), &PageRequest::default()).await.unwrap();
    assert!(found.items.is_empty() && found.next.is_none());
}

#[tokio::test]
async fn an_answer_without_the_header_is_not_a_user_servers() {
    for (status, body) in [(200, user("anna")), (404, "<error/>".to_owned()), (204, String::new())] {
        let answer = fault_of(move || {
            let head = format!("HTTP/1.1 {status} Said\r\nContent-Type: application/xml\r\n");
            Answer::Keep(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
        })
        .await;
        assert_eq!(answer, (Fault::Broken, "NotAUserServer".to_owned()), "{status}");
    }
}

#[tokio::test]
async fn what_is_in_front_of_a_server_that_is_down_is_silence_r212() {
    for status in [500, 502, 503, 504, 429] {
        let server = always(move || {
            let head = format!("HTTP/1.1 {status} Said\r\nContent-Type: text/html\r\n");
            Answer::Keep(format!("{head}Content-Length: 4\r\n\r\ndown").into_bytes())
        })
        .await;
        let answer = fault(server.directory().user(&username("anna")).await);
        assert_eq!(answer, (Fault::Unavailable, "Failing".to_owned()), "{status}");
    }
}

#[tokio::test]
async fn whoever_is_not_let_in_hears_silence_r212() {
    let refused = || {
        let head =
            head(401, "WWW-Authenticate: BASIC realm=\"Crowd REST Service\"\r\nContent-Type: text/plain\r\n");
        Answer::Keep(format!("{head}Content-Length: 4\r\n\r\nnope").into_bytes())
    };
    assert_eq!(fault_of(refused).await, (Fault::Unavailable, "CredentialsRefused".to_owned()));
    let page = || {
        let head = head(403, "Content-Type: text/html;charset=utf-8\r\n");
        Answer::Keep(format!("{head}Content-Length: 4\r\n\r\n<h1>").into_bytes())
    };
    assert_eq!(fault_of(page).await, (Fault::Unavailable, "CallerRefused".to_owned()));
    let denied = || declined(403, "APPLICATION_PERMISSION_DENIED");
    assert_eq!(fault_of(denied).await, (Fault::Unavailable, "NotPermitted".to_owned()));
}

#[tokio::test]
async fn what_is_not_xml_is_not_read() {
    for kind in ["application/json", "text/html", "application/xml; charset=utf-16", "", "xml"] {
        let body = user("anna");
        let answer = fault_of(move || {
            let head = head(200, &format!("Content-Type: {kind}\r\n"));
            Answer::Keep(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
        })
        .await;
        assert_eq!(answer, (Fault::Broken, "ContentType".to_owned()), "{kind:?}");
    }
    let packed = fault_of(|| {
        let head = head(200, "Content-Type: application/xml\r\nContent-Encoding: gzip\r\n");
        Answer::Keep(format!("{head}Content-Length: 2\r\n\r\n\u{1f}\u{0b}").into_bytes())
    })
    .await;
    assert_eq!(packed, (Fault::Broken, "ContentType".to_owned()));
    let json = fault_of(|| xml(200, "{\"name\":\"anna\",\"active\":true}")).await;
    assert_eq!(json, (Fault::Broken, "Document".to_owned()), "JSON that says it were XML");
}

#[tokio::test]
async fn a_document_that_is_cut_short_is_broken_wherever_it_ends() {
    let whole = user("anna");
    for end in (1..whole.len()).step_by(37) {
        let part = whole.get(..end).expect("it is ASCII").to_owned();
        let answer = fault_of(move || xml(200, &part)).await;
        assert_eq!(answer, (Fault::Broken, "Document".to_owned()), "{end}");
    }
    let list = users(&[user("anna"), user("bela")]);
    for cut in [1, 8, 9, 20, 400] {
        let part = list.get(..list.len() - cut).expect("it is ASCII").to_owned();
        let server = always(move || xml(200, &part)).await;
        let found = server.directory().find_users(&Filter::everything(), &PageRequest::default()).await;
        assert_eq!(fault(found), (Fault::Broken, "Document".to_owned()), "{cut}");
    }
}

#[tokio::test]
async fn a_document_type_is_refused_t78() {
    let bomb = "<!DOCTYPE user [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><user name=\"&a;\"/>";
    let answer = fault_of(move || xml(200, bomb)).await;
    assert_eq!(answer, (Fault::Broken, "Document".to_owned()));
}

#[tokio::test]
async fn a_length_that_lies_proves_nothing() {
    let body = user("anna");
    let longer = format!("{}Content-Length: {}\r\n\r\n{body}", head(200, XML), body.len() + 1);
    let answer = fault_of(move || Answer::Close(longer.clone().into_bytes())).await;
    assert_eq!(answer, (Fault::Unavailable, "Interrupted".to_owned()));
    let body = user("anna");
    let shorter = format!("{}Content-Length: {}\r\n\r\n{body}", head(200, XML), body.len() - 1);
    let answer = fault_of(move || Answer::Close(shorter.clone().into_bytes())).await;
    assert_eq!(answer, (Fault::Broken, "Document".to_owned()));
}

#[tokio::test]
async fn a_body_without_an_end_is_not_held() {
    const PIECE: usize = 16 << 10;
    let endless = |piece: &'static str, start: &'static str| {
        move || {
            let head = format!("{}\r\n{start}", head(200, XML));
            let piece = piece.repeat(PIECE / piece.len()).into_bytes();
            Answer::Pieces(head.into_bytes(), Box::new(std::iter::repeat(piece)))
        }
    };
    let limits = Limits { answer_bytes: 256 << 10, entry_bytes: 256 << 10, entries: 1_000 };
    let everything = Filter::everything();
    for (piece, start) in
        [(" ", ""), ("x", "<user name=\""), ("<a>", "<users>"), ("<user name=\"a\"/>", "<users>")]
    {
        let server = always(endless(piece, start)).await;
        let directory = server.builder().limits(limits).build().unwrap();
        let cause = fault(directory.user(&username("anna")).await);
        assert!(matches!(cause.1.as_str(), "TooLarge" | "Document"), "{cause:?} {piece}");
        let cause = fault(directory.find_users(&everything, &PageRequest::default()).await);
        assert!(matches!(cause.1.as_str(), "TooLarge" | "Document"), "{cause:?} {piece}");
        assert!(server.sent() < 16 << 20, "{} bytes went out", server.sent());
    }
}

#[tokio::test]
async fn a_head_without_an_end_is_not_held() {
    let server = always(|| {
        let head = head(200, "").into_bytes();
        Answer::Pieces(
            head,
            Box::new(std::iter::repeat(b"X-More: and more and more and more\r\n".repeat(100))),
        )
    })
    .await;
    let answer = fault(server.directory().user(&username("anna")).await);
    assert_eq!(answer.0, Fault::Unavailable);
    assert!(server.sent() < 24 << 20, "{} bytes went out", server.sent());
}

#[tokio::test]
async fn silence_ends_by_the_deadline() {
    let stalled = format!("{}Content-Length: 400\r\n\r\n<user", head(200, XML));
    for answer in [None, Some(stalled)] {
        let server = always(move || match &answer {
            None => Answer::Silence,
            Some(bytes) => Answer::Stall(bytes.clone().into_bytes()),
        })
        .await;
        let directory = server.builder().deadline(Duration::from_secs(3)).build().unwrap();
        let call = tokio::spawn(async move { directory.user(&username("anna")).await });
        server.rung.notified().await;
        // From here on nothing but timers can happen.
        tokio::time::pause();
        assert_eq!(fault(call.await.unwrap()), (Fault::Unavailable, "Deadline".to_owned()));
        tokio::time::resume();
        assert_eq!(server.heard().len(), 1, "a call that was too slow is not repeated");
    }
}

#[tokio::test]
async fn it_makes_no_difference_how_an_answer_is_cut_up() {
    let server = always(|| {
        let pieces: Vec<Vec<u8>> = users(&[user("bela"), user("anna")])
            .bytes()
            .map(|byte| format!("1\r\n{}\r\n", char::from(byte)).into_bytes())
            .chain([b"0\r\n\r\n".to_vec()])
            .collect();
        let head = format!("{}Transfer-Encoding: chunked\r\n\r\n", head(200, XML));
        Answer::Pieces(head.into_bytes(), Box::new(pieces.into_iter()))
    })
    .await;
    let found = server.directory().find_users(&Filter::everything(), &PageRequest::default()).await.unwrap();
    let names: Vec<_> = found.items.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["anna", "bela"]);
}

#[tokio::test]
async fn the_order_and_the_page_are_ours() {
    let list = users(&["d", "B", "a", "E", "c"].map(user));
    let server = always(move || xml(200, &list)).await;
    let directory = server.directory();
    let page = PageRequest::first(2);
    let first = directory.find_users(&Filter::everything(), &page).await.unwrap();
    let names: Vec<_> = first.items.iter().map(|user| user.name.as_str()).collect();
    assert_eq!((names, first.next.clone()), (vec!["a", "B"], Some(Key::of("b"))));
    let rest = page.after(first.next.unwrap());
    let second = directory.find_users(&Filter::everything(), &rest).await.unwrap();
    let names: Vec<_> = second.items.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["c", "d"]);
}

#[tokio::test]
async fn what_a_server_gives_too_much_does_not_pass_the_filter() {
    let list = users(&["anna", "bela"].map(user));
    let server = always(move || xml(200, &list)).await;
    let filter = Filter::term(Property::Email, Test::EndsWith(Key::of("la@example.com")));
    let found = server.directory().find_users(&filter, &PageRequest::default()).await.unwrap();
    let names: Vec<_> = found.items.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["bela"]);
}

#[tokio::test]
async fn two_accounts_of_one_name_are_nobody_t68() {
    let other = user_with("ANNA", "<key>32769:other</key>");
    let list = users(&[user("anna"), user("anna"), user("bela"), user("bela"), other]);
    let server = always(move || xml(200, &list)).await;
    let found = server.directory().find_users(&Filter::everything(), &PageRequest::default()).await.unwrap();
    let names: Vec<_> = found.items.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["bela"]);
}

#[tokio::test]
async fn an_entry_that_cannot_be_used_does_not_spoil_a_search_t67() {
    let list = users(&[user("a&#9;b"), "<user><active>true</active></user>".into(), user("anna")]);
    let server = always(move || xml(200, &list)).await;
    let found = server.directory().find_users(&Filter::everything(), &PageRequest::default()).await.unwrap();
    let names: Vec<_> = found.items.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["anna"]);
}

#[tokio::test]
async fn members_are_direct_and_of_both_kinds() {
    let server = Server::start(|request| match request.path() {
        "group/user/direct" if request.has("groupname=staff") => {
            xml(200, &users(&["<user name=\"ops\"/>".into(), "<user name=\"Bela\"/>".into()]))
        }
        "group/child-group/direct" if request.has("groupname=staff") => {
            xml(200, &groups(&["<group name=\"Ops\"/>".into(), "<group name=\"Devs\"/>".into()]))
        }
        "group/parent-group/direct" if request.has("groupname=staff") => {
            xml(200, &groups(&["<group name=\"all\"/>".into()]))
        }
        "user/group/direct" => declined(404, "USER_NOT_FOUND"),
        _ => declined(404, "GROUP_NOT_FOUND"),
    })
    .await;
    let directory = server.directory();
    let page = PageRequest::default();
    let children = directory.children_of(&group_name("staff"), &page).await.unwrap();
    let names: Vec<_> = children.items.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["Bela", "Devs", "ops", "Ops"]);
    assert!(directory.children_of(&group_name("none"), &page).await.unwrap().items.is_empty());
    let parents = directory.parents_of(&Member::Group(group_name("staff")), &page).await.unwrap();
    assert_eq!(parents.items, [group_name("all")]);
    let parents = directory.parents_of(&Member::User(username("nobody")), &page).await.unwrap();
    assert!(parents.items.is_empty());
}

const XML: &str = "Content-Type: application/xml\r\n";
