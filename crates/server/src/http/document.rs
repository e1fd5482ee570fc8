//! The OpenAPI document: made of the table of operations, served with them.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::App;
use super::operation::{Content, Operation};
use crate::auth::Need;

pub(super) async fn show(State(app): State<App>) -> Json<Value> {
    Json((*app.document).clone())
}

/// The document of these operations.
pub(super) fn of(operations: &[Operation]) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_owned(), describe(operation));
        }
    }
    let field = |about: &str| json!({ "type": "string", "description": about });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "shardcast",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The control API of an SFU, in mediasoup's dictionaries. docs/api.md tells it to people.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Problem": {
                "type": "object",
                "description": "RFC 9457",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": field("A word that programs can tell apart."),
                    "title": field("What it means."),
                    "status": { "type": "integer" },
                    "detail": field("Which field, its value, and what would be right."),
                },
            } },
        },
    })
}

fn describe(operation: &Operation) -> Value {
    let Operation { method, path, about, need, shape, .. } = operation;
    let words: Vec<&str> = path.split(['/', '-', '{', '}', '.']).filter(|word| !word.is_empty()).collect();
    let subject = path.split('/').nth(2).unwrap_or("process");
    let mut described = json!({
        "operationId": format!("{method}_{}", words.join("_")),
        "tags": [subject],
        "summary": about,
        "description": format!("Needs {}.", need.sentence()),
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if *need != Need::Nothing {
        described["security"] = json!([{ "token": [] }]);
    }
    if let Some(body) = &shape.body {
        let required = match body {
            Content::Json(schema) => schema.get("required").is_some(),
            Content::Bytes | Content::Text => false,
        };
        described["requestBody"] = json!({ "required": required, "content": content(body) });
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split(['{', '}']).skip(1).step_by(2).map(|name| {
        let schema = match name {
            "subchannel" => json!({ "type": "integer", "minimum": 0, "maximum": 65_535 }),
            _ => json!({ "type": "string", "minLength": 1 }),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    });
    let mut parameters: Vec<Value> = in_path.collect();
    let properties = operation.shape.query.as_ref().and_then(|query| query.get("properties"));
    for (name, schema) in properties.and_then(Value::as_object).into_iter().flatten() {
        parameters.push(json!({ "name": name, "in": "query", "required": false, "schema": schema }));
    }
    if operation.shape.status == 201 {
        let about =
            "Who asks a second time with the same key gets the first answer, and nothing is made again.";
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" });
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false, "description": about, "schema": schema,
        }));
    }
    parameters
}

/// The answer, and every problem that there can be.
fn responses(operation: &Operation) -> Value {
    let Operation { path, method, need, shape, .. } = operation;
    let mut responses = Map::new();
    let mut answer = json!({ "description": operation.about });
    if let Some(body) = &shape.answer {
        answer["content"] = content(body);
    }
    responses.insert(shape.status.to_string(), answer);
    let has_name = path.contains('{');
    let is_asked_something = has_name || shape.body.is_some() || shape.query.is_some() || shape.status == 101;
    let changes = *method != "get";
    for (status, is_possible, about) in [
        (400, is_asked_something || changes, "The request makes no sense."),
        (401, *need != Need::Nothing, "There is no token, or it does not hold."),
        (403, true, "The token does not allow this, or the request comes from a page of others."),
        (404, has_name || changes, "There is nothing of that name."),
        (408, shape.body.is_some(), "The body does not come."),
        (409, changes, "It cannot be done now."),
        (410, has_name, "It is closed."),
        (413, shape.body.is_some(), "The body is too long."),
        (422, changes, "The other side cannot do this."),
        (429, true, "Too much is asked; try again."),
        (503, true, "The server takes nothing new, or has ended, or a shard hangs."),
    ] {
        if is_possible {
            let schema = json!({ "$ref": "#/components/schemas/Problem" });
            let problem = json!({
                "description": about,
                "content": { "application/problem+json": { "schema": schema } },
            });
            responses.insert(status.to_string(), problem);
        }
    }
    Value::Object(responses)
}

fn content(content: &Content) -> Value {
    match content {
        Content::Json(schema) => json!({ "application/json": { "schema": schema } }),
        Content::Bytes => json!({ "application/octet-stream": {}, "text/plain": {} }),
        Content::Text => json!({ "text/plain": { "schema": { "type": "string" } } }),
    }
}
