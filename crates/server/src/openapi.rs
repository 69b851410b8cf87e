//! The description of the API, made from the table of routes.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::routes::{Answers, GAP, ROUTES, Route};

/// The description of the API as OpenAPI 3.1, in JSON.
///
/// 1. Every resource with its parameters, documents and statuses, and nothing that is not there.
/// 2. Paths begin below the version: `/rest/usermanagement/1`.
/// 3. `x-permission` names what the application must be allowed in the directory that the call concerns.
pub fn openapi() -> String {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let path = paths.entry(path_of(route)).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        }
    }
    let description = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Throng user server",
            "version": crate::ServerConfig::API_VERSION,
            "description": "Users, groups, sessions, searches and events, as Crowd's usermanagement API has them."
        },
        "servers": [{ "url": "/rest/usermanagement/1" }],
        "security": [{ "application": [] }],
        "components": {
            "securitySchemes": {
                "application": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The name and the password of the application, not of a user."
                }
            },
            "schemas": {
                "error": {
                    "type": "object",
                    "required": ["reason", "message"],
                    "properties": { "reason": { "type": "string" }, "message": { "type": "string" } }
                }
            }
        },
        "paths": paths
    });
    description.to_string()
}

/// The description as an answer.
pub(crate) async fn answer(_call: &Call) -> Outcome {
    let response: Result<Response, Refusal> = Ok(answer::text(StatusCode::OK, "application/json", openapi()));
    response
}

fn path_of(route: &Route) -> String {
    match route.path.strip_suffix(GAP) {
        Some(before) => format!("{before}{{id}}"),
        None => route.path.to_owned(),
    }
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = route
        .parameters
        .iter()
        .map(|name| {
            let bare = name.trim_end_matches('?');
            json!({ "name": bare, "in": "query", "required": bare == *name, "schema": { "type": "string" } })
        })
        .collect();
    if route.path.ends_with(GAP) {
        parameters
            .push(json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }));
    }
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(route),
        "parameters": parameters,
        "responses": responses(route)
    });
    if let (Some(permission), Value::Object(operation)) = (route.needs, &mut operation) {
        operation.insert("x-permission".to_owned(), json!(format!("{permission:?}")));
    }
    if let (Some(body), Value::Object(operation)) = (route.body, &mut operation) {
        let bare = body.trim_end_matches('?');
        operation.insert(
            "requestBody".to_owned(),
            json!({ "required": bare == body, "description": bare, "content": both() }),
        );
    }
    operation
}

fn operation_id(route: &Route) -> String {
    let words = route.path.replace(GAP, "id").replace(['/', '.'], "-");
    format!("{}{words}", route.method.as_str().to_ascii_lowercase())
}

fn responses(route: &Route) -> Value {
    let success = match route.answers {
        Answers::Document(name) => Some((200, json!({ "description": name, "content": both() }))),
        Answers::Created(name) => Some((201, json!({ "description": name, "content": both() }))),
        Answers::Location => Some((201, json!({ "description": "It was made." }))),
        Answers::Xml(name) => Some((200, one(name, "application/xml"))),
        Answers::Json(name) => Some((200, one(name, "application/json"))),
        Answers::Nothing => Some((204, json!({ "description": "It was done." }))),
        Answers::Never => None,
    };
    let error = json!({
        "description": "An error, with a reason to tell it by.",
        "content": {
            "application/json": { "schema": { "$ref": "#/components/schemas/error" } },
            "application/xml": {}
        }
    });
    let mut responses = json!({
        "400": error,
        "401": { "description": "The application has not shown who it is." },
        "403": error,
        "404": error,
        "default": error
    });
    if let (Some((status, success)), Value::Object(responses)) = (success, &mut responses) {
        responses.insert(status.to_string(), success);
    }
    responses
}

fn one(name: &str, media_type: &str) -> Value {
    json!({ "description": name, "content": { media_type: {} } })
}

fn both() -> Value {
    json!({ "application/json": {}, "application/xml": {} })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_description_has_all_routes_and_no_others() {
        let description: Value = serde_json::from_str(&openapi()).unwrap();
        let mut described = BTreeSet::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                assert!(!operation["summary"].as_str().unwrap().is_empty());
                described.insert((path.clone(), method.clone()));
            }
        }
        let routed: BTreeSet<(String, String)> = ROUTES
            .iter()
            .map(|route| (route.path.replace(GAP, "{id}"), route.method.as_str().to_ascii_lowercase()))
            .collect();
        assert_eq!(described, routed);
        let ids: BTreeSet<String> = ROUTES.iter().map(operation_id).collect();
        assert_eq!(ids.len(), ROUTES.len());
    }
}
