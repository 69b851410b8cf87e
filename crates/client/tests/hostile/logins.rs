//! Checks of passwords: what each answer means, and what none means.

use throng_core::directory::{Credence, Directory, Refusal};
use throng_core::error::{DirectoryError, Fault};

use super::server::*;

/// What is made of an answer to the check, when looking the user up gives the other answer.
async fn check(
    checked: impl Fn() -> Answer + Send + Sync + 'static,
    looked_up: impl Fn() -> Answer + Send + Sync + 'static,
) -> Result<Credence, DirectoryError> {
    let server = Server::start(move |request| match request.line().as_str() {
        "POST authentication" => checked(),
        _ => looked_up(),
    })
    .await;
    server.directory().authenticate(&username("anna"), &secret("<hers> & co")).await
}

fn found() -> Answer {
    xml(200, &user("anna"))
}

fn missing() -> Answer {
    declined(404, "USER_NOT_FOUND")
}

#[tokio::test]
async fn the_right_password_gives_the_user_as_it_is_now() {
    let bare = user("anna")
        .replace("<attribute name=\"office\"><values><value>Wien</value></values></attribute>", "");
    let server = Server::start(move |request| match request.line().as_str() {
        "POST authentication" => xml(200, &bare),
        _ => found(),
    })
    .await;
    let credence = server.directory().authenticate(&username("ANNA"), &secret("<hers> & co")).await.unwrap();
    let Credence::Accepted(anna) = credence else { unreachable!("{credence:?}") };
    assert_eq!(
        (anna.name.as_str(), anna.attributes.values("office")),
        ("anna", ["Wien".to_owned()].as_slice())
    );
    let request = server.heard().remove(0);
    assert!(request.has("username=ANNA"), "{}", request.target);
    assert!(request.body.contains("<value>&lt;hers&gt; &amp; co</value>"), "{}", request.body);
    assert!(!request.target.contains("hers"), "a password never stands in an address");
}

#[tokio::test]
async fn a_refusal_is_unknown_only_if_nobody_is_there() {
    let refused = || declined(400, "INVALID_USER_AUTHENTICATION");
    let wrong = Credence::Refused(Refusal::WrongPassword);
    assert_eq!(check(refused, found).await.unwrap(), wrong);
    assert_eq!(check(refused, missing).await.unwrap(), Credence::Unknown);
    let other = || xml(200, &user("annabel"));
    assert_eq!(check(refused, other).await.unwrap(), Credence::Unknown, "somebody else is nobody (T17)");
    let silent = check(refused, || done(500)).await;
    assert_eq!(fault(silent), (Fault::Unavailable, "Failing".to_owned()), "neither can be said");
    let html = check(refused, || done(404)).await;
    assert_eq!(fault(html).0, Fault::Broken, "a bare 404 does not say that nobody is there");
}

#[tokio::test]
async fn other_reasons_are_told_apart() {
    for (status, reason, expected) in [
        (400, "INACTIVE_ACCOUNT", Credence::Refused(Refusal::Inactive)),
        (403, "INACTIVE_ACCOUNT", Credence::Refused(Refusal::Inactive)),
        (400, "EXPIRED_CREDENTIAL", Credence::Refused(Refusal::PasswordExpired)),
        (403, "EXPIRED_CREDENTIAL", Credence::Refused(Refusal::PasswordExpired)),
        (400, "USER_NOT_FOUND", Credence::Unknown),
        (404, "USER_NOT_FOUND", Credence::Unknown),
    ] {
        let credence = check(move || declined(status, reason), missing).await.unwrap();
        assert_eq!(credence, expected, "{status} {reason}");
    }
}

#[tokio::test]
async fn what_is_not_about_the_password_is_no_answer_r212() {
    let cases: [(Always, Fault, &str); 8] = [
        (|| done(401), Fault::Unavailable, "CredentialsRefused"),
        (|| declined(403, "APPLICATION_PERMISSION_DENIED"), Fault::Unavailable, "NotPermitted"),
        (|| declined(403, "APPLICATION_ACCESS_DENIED"), Fault::Unavailable, "NotPermitted"),
        (|| done(403), Fault::Unavailable, "CallerRefused"),
        (|| declined(500, "OPERATION_FAILED"), Fault::Unavailable, "Failing"),
        (|| Answer::Close(Vec::new()), Fault::Unavailable, "Interrupted"),
        (|| declined(400, "BRAND_NEW_REASON"), Fault::Broken, "Declined"),
        (|| done(204), Fault::Broken, "ContentType"),
    ];
    for (answer, expected, cause) in cases {
        assert_eq!(fault(check(answer, found).await), (expected, cause.to_owned()));
    }
}

#[tokio::test]
async fn another_account_than_was_asked_about_is_not_let_in_t17() {
    let other = check(|| xml(200, &user("annabel")), found).await;
    assert_eq!(fault(other), (Fault::Broken, "OtherName".to_owned()));
    let swapped = check(|| xml(200, &user_with("anna", "<key>32769:other</key>")), found).await;
    assert_eq!(fault(swapped), (Fault::Broken, "OtherName".to_owned()), "another id under the name");
    let renamed = check(|| xml(200, &user_with("annabel", "<key>32769:anna</key>")), found).await;
    assert_eq!(fault(renamed), (Fault::Broken, "OtherName".to_owned()), "another name under the id");
}

#[tokio::test]
async fn who_is_inactive_is_not_let_in_even_if_the_server_does() {
    let inactive = || xml(200, &user("anna").replace("<active>true", "<active>false"));
    assert_eq!(check(inactive, inactive).await.unwrap(), Credence::Refused(Refusal::Inactive));
    assert_eq!(check(found, missing).await.unwrap(), Credence::Unknown, "removed in between");
}

#[tokio::test]
async fn a_password_that_would_arrive_as_another_is_not_tried() {
    for (looked_up, expected) in
        [(found as Always, Credence::Refused(Refusal::WrongPassword)), (missing, Credence::Unknown)]
    {
        let server = Server::start(move |_| looked_up()).await;
        let odd = secret("bell\u{7}");
        let credence = server.directory().authenticate(&username("anna"), &odd).await.unwrap();
        assert_eq!((credence, server.lines()), (expected, vec!["GET user".to_owned()]));
    }
}
