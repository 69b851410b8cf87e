//! Pulls since a cursor: what events mean, and when they mean nothing.

use throng_client::RemoteDirectory;
use throng_core::error::{DirectoryError, Fault};
use throng_core::sync::{Batch, Completeness, Cursor, Next, Pull, SyncSource};

use super::pulls::{TOKEN, events, short};
use super::server::*;

const NEXT: &str = "8047511070899496297:20";

fn told(inner: &str) -> String {
    events(NEXT).replace("</events>", &format!("{inner}</events>"))
}

async fn since(directory: &RemoteDirectory, token: &str) -> Result<Vec<Batch>, DirectoryError> {
    let cursor = Cursor::new(token).expect("a cursor");
    let mut batches = Vec::new();
    let mut position = None;
    loop {
        let batch = directory.pull(Pull::Since(&cursor), position.as_ref()).await?;
        batches.push(batch.clone());
        match batch.next {
            Next::More(next) => position = Some(next),
            Next::End(_) | Next::Expired => return Ok(batches),
        }
    }
}

/// What is stated since a token, by a server that tells these events and knows everybody but Zoe.
async fn items(inner: &str) -> Vec<String> {
    let document = told(inner);
    let server = Server::start(move |request| match request.path() {
        "user" if request.has("username=zoe") => declined(404, "USER_NOT_FOUND"),
        "user" => xml(200, &user("anna")),
        "group" => xml(200, &group("staff")),
        _ => xml(200, &document),
    })
    .await;
    let batches = since(&server.directory(), TOKEN).await.expect("the events are told");
    assert_eq!(batches[0].cursor.as_ref().map(Cursor::as_str), Some(NEXT));
    assert_eq!(batches.last().map(|batch| &batch.next), Some(&Next::End(Completeness::Proven)));
    batches.iter().flat_map(|batch| &batch.items).map(short).collect()
}

async fn outcome(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Result<Next, (Fault, String)> {
    let server = Server::start(move |_| answer()).await;
    let batches = since(&server.directory(), TOKEN).await;
    match batches {
        Ok(mut batches) => Ok(batches.pop().expect("a batch").next),
        Err(error) => Err(fault(Err::<(), _>(error))),
    }
}

#[tokio::test]
async fn the_token_travels_in_the_path() {
    let server = Server::start(|_| xml(200, &events(NEXT))).await;
    since(&server.directory(), TOKEN).await.unwrap();
    let target = server.heard().remove(0).target;
    assert_eq!(target, "/crowd/rest/usermanagement/1/event/8047511070899496297%3A12");
}

#[tokio::test]
async fn events_are_stated_in_their_order_r651() {
    let full = user("anna");
    let inner = format!(
        "<userEvent><operation>CREATED</operation>{full}</userEvent>\
         <userEvent><operation>DELETED</operation><user name=\"bela\"/></userEvent>\
         <groupEvent><operation>UPDATED</operation>{}</groupEvent>\
         <groupEvent><operation>DELETED</operation><group name=\"old\"/></groupEvent>\
         <userMembershipEvent><operation>CREATED</operation><childUser name=\"anna\"/>\
         <parentGroups><group name=\"a\"/><group name=\"b\"/></parentGroups></userMembershipEvent>\
         <userMembershipEvent><operation>DELETED</operation><childUser name=\"anna\"/>\
         <parentGroups><group name=\"a\"/></parentGroups></userMembershipEvent>\
         <userMembershipEvent><operation>UPDATED</operation><childUser name=\"anna\"/>\
         <parentGroups><group name=\"b\"/></parentGroups></userMembershipEvent>\
         <groupMembershipEvent><operation>CREATED</operation><group name=\"devs\"/>\
         <parentGroups><group name=\"staff\"/></parentGroups><childGroups><group name=\"ops\"/></childGroups>\
         </groupMembershipEvent>",
        group("staff")
    );
    assert_eq!(
        items(&inner).await,
        [
            "user anna",
            "gone Name(\"bela\")",
            "group staff",
            "group gone old",
            "u anna joined a",
            "u anna joined b",
            "u anna left a",
            "u anna in [\"b\"]",
            "g ops joined devs",
            "g devs joined staff",
        ]
    );
}

#[tokio::test]
async fn a_user_of_an_event_that_may_not_be_whole_is_asked_for() {
    let bare = "<user name=\"anna\"><active>true</active></user>";
    let inner = format!(
        "<userEvent><operation>UPDATED</operation>{bare}</userEvent>\
         <userEvent><operation>UPDATED</operation><user name=\"zoe\"/></userEvent>\
         <groupEvent><operation>CREATED</operation><group name=\"staff\"/></groupEvent>"
    );
    assert_eq!(items(&inner).await, ["user anna", "gone Name(\"zoe\")", "group staff"]);
}

#[tokio::test]
async fn names_that_cannot_be_read_are_stated_t67() {
    let inner = "<userEvent><operation>DELETED</operation><user name=\"\"/></userEvent>\
         <userMembershipEvent><operation>CREATED</operation><childUser name=\"anna\"/>\
         <parentGroups><group name=\" \"/><group name=\"b\"/></parentGroups></userMembershipEvent>";
    assert_eq!(
        items(inner).await,
        ["unreadable User  None", "unreadable Membership   None", "u anna joined b"]
    );
}

#[tokio::test]
async fn what_a_server_cannot_tell_is_expired_r652_r655() {
    let answers: [Always; 12] = [
        || declined(410, "EVENT_TOKEN_EXPIRED"),
        || declined(400, "EVENT_TOKEN_EXPIRED"),
        || declined(404, "EVENT_TOKEN_EXPIRED"),
        || declined(400, "INCREMENTAL_SYNC_NOT_AVAILABLE"),
        || done(404),
        || done(405),
        || xml(200, "<events newEventToken=\"8047511070899496297:20\"/>"),
        || xml(200, "<events incrementalSynchronisationAvailable=\"true\"/>"),
        || xml(200, &events("1111111111111111111:20")),
        || xml(200, &events("opaque")),
        || xml(200, &told("<aliasEvent><operation>CREATED</operation><alias name=\"a\"/></aliasEvent>")),
        || xml(200, &told("<userEvent><operation>MERGED</operation><user name=\"a\"/></userEvent>")),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(outcome(answer).await, Ok(Next::Expired), "{number}");
    }
    let children = "<groupMembershipEvent><operation>UPDATED</operation><group name=\"devs\"/>\
         <childGroups><group name=\"ops\"/></childGroups></groupMembershipEvent>";
    assert_eq!(outcome(move || xml(200, &told(children))).await, Ok(Next::Expired));
}

#[tokio::test]
async fn more_events_than_are_told_at_once_are_expired_t69() {
    let gone = "<userEvent><operation>DELETED</operation><user name=\"a\"/></userEvent>";
    assert_eq!(items(&gone.repeat(10_000)).await.len(), 10_000);
    let more = told(&gone.repeat(10_001));
    assert_eq!(outcome(move || xml(200, &more)).await, Ok(Next::Expired));
    let endless = || {
        let head = format!("{}\r\n<events>", head(200, "Content-Type: application/xml\r\n"));
        Answer::Pieces(head.into_bytes(), Box::new(std::iter::repeat(vec![b' '; 64 << 10])))
    };
    assert_eq!(outcome(endless).await, Ok(Next::Expired));
}

#[tokio::test]
async fn batches_of_events_stay_small() {
    let gone = "<userEvent><operation>DELETED</operation><user name=\"a\"/></userEvent>";
    let document = told(&gone.repeat(4_500));
    let server = Server::start(move |_| xml(200, &document)).await;
    let batches = since(&server.directory(), TOKEN).await.unwrap();
    let sizes: Vec<_> = batches.iter().map(|batch| batch.items.len()).collect();
    assert_eq!(sizes, [2_000, 2_000, 500]);
    assert!(batches.iter().skip(1).all(|batch| batch.cursor.is_none()), "only the first carries the cursor");
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_broken_or_silent_server_has_not_expired() {
    let cut = outcome(|| xml(200, "<events newEventToken=\"a:1\"")).await;
    assert_eq!(cut, Err((Fault::Broken, "Document".to_owned())));
    assert_eq!(outcome(|| done(500)).await, Err((Fault::Unavailable, "Failing".to_owned())));
    let page = || Answer::Keep(b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n".to_vec());
    assert_eq!(outcome(page).await, Err((Fault::Broken, "NotAUserServer".to_owned())));
}

#[tokio::test]
async fn a_cursor_that_means_another_path_is_expired() {
    let server = Server::start(|_| xml(200, &events(NEXT))).await;
    for token in [".", ".."] {
        let batches = since(&server.directory(), token).await.unwrap();
        assert_eq!(batches[0].next, Next::Expired, "{token}");
    }
    assert_eq!(server.heard(), []);
}
