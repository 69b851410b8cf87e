//! Every resource of the API in one table, from which requests are routed and the description is made.

use axum::http::Method;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use throng_core::permission::Operation;
use throng_engine::application::Depth;

use crate::answer::Outcome;
use crate::call::Call;
use crate::{authentication, events, groups, mail, memberships, openapi, search, sessions, users, webhooks};

/// What a resource does with one method.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Below the version; `{}` is a gap that takes one part of a path, at the end only.
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    /// Parameters; those that may be left out have a question mark.
    pub(crate) parameters: &'static [&'static str],
    /// The document that the body holds; one that may be left out has a question mark.
    pub(crate) body: Option<&'static str>,
    /// The document of a success.
    pub(crate) answers: Answers,
    /// What an application must be allowed in the directory that it concerns.
    pub(crate) needs: Option<Operation>,
    pub(crate) handler: Handler,
}

/// What a success holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// A document, in the format that is asked for.
    Document(&'static str),
    /// A document, and it was made.
    Created(&'static str),
    /// Where something was made, and no document.
    Location,
    /// XML, whatever is asked for.
    Xml(&'static str),
    /// JSON, whatever is asked for.
    Json(&'static str),
    /// Nothing.
    Nothing,
    /// There is no success: what is asked for never is there.
    Never,
}

pub(crate) type Handler = for<'c> fn(&'c Call) -> BoxFuture<'c, Outcome>;

/// What a path and a method come to.
pub(crate) enum Found<'t> {
    /// A route, and what stands in its gap.
    Route(&'static Route, &'t str),
    /// The resource is there and does not do this, but those.
    OtherMethods(String),
    /// There is no such resource.
    Nothing,
}

/// Finds what is asked for. HEAD is GET, of which only the head is sent.
pub(crate) fn find<'t>(method: &Method, path: &'t str) -> Found<'t> {
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    let here = || ROUTES.iter().filter_map(|route| Some((route, route.matches(path)?)));
    if let Some((route, target)) = here().find(|(route, _)| route.method == *wanted) {
        return Found::Route(route, target);
    }
    let methods: Vec<&str> = here().map(|(route, _)| route.method.as_str()).collect();
    if methods.is_empty() { Found::Nothing } else { Found::OtherMethods(methods.join(", ")) }
}

impl Route {
    /// What stands in the gap, if the path is this one.
    fn matches<'t>(&self, path: &'t str) -> Option<&'t str> {
        match self.path.strip_suffix(GAP) {
            Some(before) => path.strip_prefix(before).filter(|rest| !rest.is_empty() && !rest.contains('/')),
            None => (path == self.path).then_some(""),
        }
    }
}

/// Where a path takes anything.
pub(crate) const GAP: &str = "{}";

const MEMBERS: Option<Operation> = Some(Operation::UpdateGroup);

macro_rules! routes {
    ($($method:ident $path:literal [$($parameter:literal),*] $body:expr => $answers:expr, $needs:expr;
        $summary:literal, $handler:expr;)*) => {
        /// All of them.
        pub(crate) static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            summary: $summary,
            parameters: &[$($parameter),*],
            body: $body,
            answers: $answers,
            needs: $needs,
            handler: $handler,
        }),*];
    };
}

use Answers::{Created, Document, Json, Location, Never, Nothing, Xml};

routes! {
    GET "/user" ["username?", "key?", "expand?"] None => Document("user"), None;
        "Finds a user by name or key", |call| users::find(call).boxed();
    POST "/user" [] Some("user") => Created("user"), Some(Operation::CreateUser);
        "Makes a user", |call| users::add(call).boxed();
    PUT "/user" ["username"] Some("user") => Nothing, Some(Operation::UpdateUser);
        "Changes a user", |call| users::update(call).boxed();
    DELETE "/user" ["username"] None => Nothing, Some(Operation::DeleteUser);
        "Removes a user", |call| users::remove(call).boxed();
    GET "/user/attribute" ["username"] None => Document("attributes"), None;
        "The attributes of a user", |call| users::attributes(call).boxed();
    POST "/user/attribute" ["username"] Some("attributes") => Nothing, Some(Operation::UpdateUserAttribute);
        "Replaces attributes of a user", |call| users::set_attributes(call).boxed();
    DELETE "/user/attribute" ["username", "attributename"] None => Nothing, Some(Operation::UpdateUserAttribute);
        "Removes an attribute of a user", |call| users::remove_attribute(call).boxed();
    PUT "/user/password" ["username"] Some("password") => Nothing, Some(Operation::UpdateUser);
        "Sets a password", |call| users::set_password(call).boxed();
    DELETE "/user/password" ["username"] None => Nothing, Some(Operation::UpdateUser);
        "Takes a password away", |call| users::clear_password(call).boxed();
    POST "/user/rename" ["username"] Some("rename") => Document("user"), Some(Operation::UpdateUser);
        "Renames a user", |call| users::rename(call).boxed();
    POST "/user/mail/password" ["username"] None => Nothing, None;
        "Sends a user a mail to set a password with", |call| mail::send_reset(call).boxed();
    POST "/user/mail/usernames" ["email"] None => Nothing, None;
        "Sends an address the names that it has", |call| mail::send_usernames(call).boxed();
    POST "/user/expire-all-passwords" ["confirm"] None => Nothing, Some(Operation::UpdateUser);
        "Requires everybody to set another password", |call| users::expire_passwords(call).boxed();
    GET "/user/avatar" ["username", "s?"] None => Never, None;
        "The picture of a user, of which there is none", |call| users::avatar(call).boxed();
    GET "/user/group/direct" ["username", "groupname?", "start-index?", "max-results?", "expand?"] None
        => Document("groups or group"), None;
        "The groups that hold a user", |call| memberships::groups_of_user(call, Depth::Direct).boxed();
    GET "/user/group/nested" ["username", "groupname?", "start-index?", "max-results?", "expand?"] None
        => Document("groups or group"), None;
        "The groups that hold a user through groups, too",
        |call| memberships::groups_of_user(call, Depth::Nested).boxed();
    POST "/user/group/direct" ["username"] Some("group") => Location, MEMBERS;
        "Puts a user into a group", |call| memberships::add_group_to_user(call).boxed();
    DELETE "/user/group/direct" ["username", "groupname"] None => Nothing, MEMBERS;
        "Takes a user out of a group", |call| memberships::remove_user_from_group(call).boxed();

    GET "/group" ["groupname", "expand?"] None => Document("group"), None;
        "Finds a group", |call| groups::find(call).boxed();
    POST "/group" [] Some("group") => Created("group"), Some(Operation::CreateGroup);
        "Makes a group", |call| groups::add(call).boxed();
    PUT "/group" ["groupname"] Some("group") => Document("group"), Some(Operation::UpdateGroup);
        "Changes a group", |call| groups::update(call).boxed();
    DELETE "/group" ["groupname"] None => Nothing, Some(Operation::DeleteGroup);
        "Removes a group", |call| groups::remove(call).boxed();
    GET "/group/attribute" ["groupname"] None => Document("attributes"), None;
        "The attributes of a group", |call| groups::attributes(call).boxed();
    POST "/group/attribute" ["groupname"] Some("attributes") => Nothing, Some(Operation::UpdateGroupAttribute);
        "Replaces attributes of a group", |call| groups::set_attributes(call).boxed();
    DELETE "/group/attribute" ["groupname", "attributename"] None
        => Nothing, Some(Operation::UpdateGroupAttribute);
        "Removes an attribute of a group", |call| groups::remove_attribute(call).boxed();
    GET "/group/user/direct" ["groupname", "username?", "start-index?", "max-results?", "expand?"] None
        => Document("users or user"), None;
        "The users in a group", |call| memberships::users_of_group(call, Depth::Direct).boxed();
    GET "/group/user/nested" ["groupname", "username?", "start-index?", "max-results?", "expand?"] None
        => Document("users or user"), None;
        "The users in a group through groups, too",
        |call| memberships::users_of_group(call, Depth::Nested).boxed();
    POST "/group/user/direct" ["groupname"] Some("user") => Location, MEMBERS;
        "Puts a user into a group", |call| memberships::add_user_to_group(call).boxed();
    DELETE "/group/user/direct" ["groupname", "username"] None => Nothing, MEMBERS;
        "Takes a user out of a group", |call| memberships::remove_user_from_group(call).boxed();
    GET "/group/child-group/direct" ["groupname", "child-groupname?", "start-index?", "max-results?", "expand?"]
        None => Document("groups or group"), None;
        "The groups in a group", |call| memberships::groups_in_group(call, Depth::Direct).boxed();
    GET "/group/child-group/nested" ["groupname", "child-groupname?", "start-index?", "max-results?", "expand?"]
        None => Document("groups or group"), None;
        "The groups in a group through groups, too",
        |call| memberships::groups_in_group(call, Depth::Nested).boxed();
    POST "/group/child-group/direct" ["groupname"] Some("group") => Location, MEMBERS;
        "Puts a group into a group", |call| memberships::add_child_group(call).boxed();
    DELETE "/group/child-group/direct" ["groupname", "child-groupname"] None => Nothing, MEMBERS;
        "Takes a group out of a group", |call| memberships::remove_child_group(call).boxed();
    GET "/group/parent-group/direct" ["groupname", "parent-groupname?", "start-index?", "max-results?", "expand?"]
        None => Document("groups or group"), None;
        "The groups that hold a group", |call| memberships::groups_of_group(call, Depth::Direct).boxed();
    GET "/group/parent-group/nested" ["groupname", "parent-groupname?", "start-index?", "max-results?", "expand?"]
        None => Document("groups or group"), None;
        "The groups that hold a group through groups, too",
        |call| memberships::groups_of_group(call, Depth::Nested).boxed();
    POST "/group/parent-group/direct" ["groupname"] Some("group") => Location, MEMBERS;
        "Puts a group into a group", |call| memberships::add_parent_group(call).boxed();
    GET "/group/membership" [] None => Xml("memberships"), None;
        "All direct memberships", |call| memberships::dump(call).boxed();

    POST "/authentication" ["username"] Some("password") => Document("user"), None;
        "Checks a password", |call| authentication::check(call).boxed();
    POST "/authentication/notify" ["username"] None => Document("user"), None;
        "Takes note that the application has authenticated a user",
        |call| authentication::notify(call).boxed();
    POST "/session" ["validate-password?", "duration?", "expand?"] Some("authentication-context")
        => Created("session"), None;
        "Opens a session", |call| sessions::open(call).boxed();
    DELETE "/session" ["username", "exclude?"] None => Nothing, None;
        "Ends the sessions of a user", |call| sessions::close_all(call).boxed();
    GET "/session/{}" ["expand?"] None => Document("session"), None;
        "Looks at a session", |call| sessions::look(call).boxed();
    POST "/session/{}" ["expand?"] Some("validation-factors?") => Document("session"), None;
        "Validates a session, and lets it go on", |call| sessions::validate(call).boxed();
    DELETE "/session/{}" [] None => Nothing, None;
        "Ends a session", |call| sessions::close(call).boxed();
    GET "/config/cookie" [] None => Document("cookie-config"), None;
        "The cookie that applications share", |call| sessions::cookie(call).boxed();

    GET "/search" ["entity-type", "restriction?", "start-index?", "max-results?", "expand?"] None
        => Document("users or groups"), None;
        "Searches by a text", |call| search::by_text(call).boxed();
    POST "/search" ["entity-type", "start-index?", "max-results?", "expand?"] Some("search-restriction?")
        => Document("users or groups"), None;
        "Searches by a document", |call| search::by_document(call).boxed();

    GET "/event" [] None => Document("events"), None;
        "Where the events stand now", |call| events::now(call).boxed();
    GET "/event/{}" [] None => Document("events"), None;
        "What has changed since a token", |call| events::since(call).boxed();
    POST "/webhook" [] Some("webhook") => Created("webhook"), None;
        "Adds somebody to be told of events", |call| webhooks::add(call).boxed();
    GET "/webhook/{}" [] None => Document("webhook"), None;
        "Finds somebody who is told of events", |call| webhooks::find(call).boxed();
    DELETE "/webhook/{}" [] None => Nothing, None;
        "Takes somebody out of those who are told", |call| webhooks::remove(call).boxed();

    GET "/openapi.json" [] None => Json("openapi"), None;
        "This description", |call| openapi::answer(call).boxed();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_resource_does_each_thing_once() {
        let mut seen = BTreeSet::new();
        for route in ROUTES {
            assert!(seen.insert((route.path, route.method.as_str())), "{} {}", route.method, route.path);
            assert!(!route.path.trim_end_matches(GAP).contains(['{', '}']), "a gap stands at the end");
        }
    }

    #[test]
    fn a_path_is_matched_whole_t84() {
        let is = |method: Method, path: &str| match find(&method, path) {
            Found::Route(route, target) => format!("{} {target}", route.path),
            Found::OtherMethods(methods) => methods,
            Found::Nothing => String::new(),
        };
        assert_eq!(is(Method::GET, "/user"), "/user ");
        assert_eq!(is(Method::HEAD, "/user"), "/user ");
        assert_eq!(is(Method::GET, "/session/a%2Fb"), "/session/{} a%2Fb");
        assert_eq!(is(Method::PATCH, "/user"), "GET, POST, PUT, DELETE");
        assert_eq!(is(Method::DELETE, "/group/parent-group/direct"), "GET, POST");
        for nowhere in ["", "/", "/user/", "/users", "/session/a/b", "/session/", "/user/../group", "/USER"] {
            assert_eq!(is(Method::GET, nowhere), "", "{nowhere}");
        }
    }
}
