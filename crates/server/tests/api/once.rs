//! Making something once, however often it is asked for.

use serde_json::{Value, json};

use crate::support::Server;

#[test]
fn the_same_key_gets_the_same_answer_and_nothing_is_made_again() {
    let server = Server::start(&[]);
    let ask = |key: &str, body: Value| {
        let headers = format!("Host: {}\r\nIdempotency-Key: {key}", server.at());
        server.ask_as(&headers, "POST", "/v1/routers", Some(&body))
    };
    let (status, first) = ask("one", json!({ "appData": 1 }));
    assert_eq!(status, 201);
    assert_eq!(ask("one", json!({ "appData": 1 })), (201, first.clone()));
    let (status, problem) = ask("one", json!({ "appData": 2 }));
    assert_eq!(status, 422);
    assert!(problem.contains("Idempotency-Key is \\\"one\\\""), "{problem}");
    assert_ne!(ask("two", json!({ "appData": 1 })).1, first);
    assert_eq!(server.get("/v1/routers").as_array().unwrap().len(), 2);
    assert_eq!(ask("", json!({})).0, 400);
}

#[test]
fn what_went_wrong_may_be_tried_again_with_the_same_key() {
    let server = Server::start(&[]);
    let headers = format!("Host: {}\r\nIdempotency-Key: k", server.at());
    let ask = |body: Value| server.ask_as(&headers, "POST", "/v1/routers", Some(&body)).0;
    assert_eq!(ask(json!({ "mediaCodecs": 5 })), 400);
    assert_eq!(ask(json!({ "mediaCodecs": [] })), 201);
}
