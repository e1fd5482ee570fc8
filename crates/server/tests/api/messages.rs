//! Data producers and data consumers, over HTTP.

use serde_json::{Value, json};

use crate::room::{Room, id};

fn produce(room: &Room, options: Value) -> Value {
    room.server.post(&format!("/v1/transports/{}/data-producers", room.from), options)
}

fn consume(room: &Room, producer: &Value, subchannels: &[u16]) -> Value {
    let options = json!({ "dataProducerId": producer["id"], "subchannels": subchannels, "appData": "b" });
    room.server.post(&format!("/v1/transports/{}/data-consumers", room.to), options)
}

#[test]
fn messages_are_posted_and_followed() {
    let room = Room::new();
    let producer = produce(&room, json!({ "id": "chat", "label": "chat", "protocol": "p", "appData": "a" }));
    for (field, value) in [("id", "chat"), ("type", "direct"), ("label", "chat"), ("appData", "a")] {
        assert_eq!(producer[field], value);
    }
    let consumer = consume(&room, &producer, &[]);
    for (field, value) in
        [("dataProducerId", "chat"), ("type", "direct"), ("protocol", "p"), ("appData", "b")]
    {
        assert_eq!(consumer[field], value);
    }
    let mut messages = room.server.follow(&format!("/v1/data-consumers/{}/messages", id(&consumer)));
    let post = "/v1/data-producers/chat/messages";
    for (path, content, data) in [
        (post.to_owned(), "text/plain", "hello"),
        (post.to_owned(), "application/octet-stream", "\u{1}\u{2}"),
        (post.to_owned(), "text/plain", ""),
        (format!("{post}?ppid=99"), "text/plain", "x"),
    ] {
        assert_eq!(room.server.send(&path, content, data.as_bytes()).0, 202);
    }
    let mut next = || (messages.next()["ppid"].clone(), messages.packet());
    assert_eq!(next(), (json!(51), b"hello".to_vec()));
    assert_eq!(next(), (json!(53), vec![1, 2]));
    assert_eq!(next(), (json!(56), vec![0]), "an empty text (RFC 8831 §6.6)");
    assert_eq!(next(), (json!(99), b"x".to_vec()));
    let stats = room.server.get("/v1/data-producers/chat/stats");
    assert_eq!((&stats["type"], &stats["messagesReceived"]), (&json!("data-producer"), &json!(4)));
    let stats = room.server.get(&format!("/v1/data-consumers/{}/stats", id(&consumer)));
    assert_eq!((&stats["type"], &stats["messagesSent"]), (&json!("data-consumer"), &json!(4)));
}

#[test]
fn both_pause_resume_and_close() {
    let room = Room::new();
    let producer = produce(&room, json!({ "paused": true }));
    let consumer = consume(&room, &producer, &[]);
    assert_eq!((&producer["paused"], &consumer["dataProducerPaused"]), (&json!(true), &json!(true)));
    let mut events = room.events_of(&consumer);
    let producer_is =
        |turn: &str| room.done("POST", &format!("/v1/data-producers/{}/{turn}", id(&producer)), None);
    let consumer_is =
        |turn: &str| room.done("POST", &format!("/v1/data-consumers/{}/{turn}", id(&consumer)), None);
    producer_is("resume");
    events.until("dataproducerresume");
    producer_is("pause");
    events.until("dataproducerpause");
    consumer_is("pause");
    events.until("pause");
    let dump = room.server.get(&format!("/v1/data-consumers/{}", id(&consumer)));
    assert_eq!((&dump["paused"], &dump["dataProducerPaused"]), (&json!(true), &json!(true)));
    assert_eq!(room.server.get(&format!("/v1/data-producers/{}", id(&producer)))["paused"], true);
    consumer_is("resume");
    events.until("resume");
    room.done("DELETE", &format!("/v1/data-producers/{}", id(&producer)), None);
    events.until("dataproducerclose");
    assert_eq!(events.until("close")["data"]["reason"], "its producer is closed");
}

#[test]
fn subchannels_choose_who_gets_what() {
    let room = Room::new();
    let producer = produce(&room, json!({}));
    let consumer = consume(&room, &producer, &[1]);
    let path = format!("/v1/data-consumers/{}/subchannels", id(&consumer));
    let mut messages = room.server.follow(&format!("/v1/data-consumers/{}/messages", id(&consumer)));
    let post = |query: &str, text: &str| {
        let path = format!("/v1/data-producers/{}/messages?{query}", id(&producer));
        assert_eq!(room.server.send(&path, "text/plain", text.as_bytes()).0, 202);
    };
    let change = |method: &str, more: &str, body: Option<Value>| {
        let (status, answer) = room.server.ask(method, &format!("{path}{more}"), body.as_ref());
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str::<Value>(&answer).unwrap()["subchannels"].clone()
    };
    post("subchannels=2,3", "not for us");
    post("subchannels=1", "one");
    assert_eq!(change("PUT", "/3", None), json!([1, 3]));
    post("requiredSubchannel=3", "two");
    assert_eq!(change("DELETE", "/1", None), json!([3]));
    post("subchannels=1", "not for us any more");
    assert_eq!(change("PUT", "", Some(json!({ "subchannels": [9] }))), json!([9]));
    post("subchannels=9", "three");
    for text in ["one", "two", "three"] {
        assert_eq!(messages.next()["size"], text.len());
        assert_eq!(messages.packet(), text.as_bytes());
    }
    let path = format!("/v1/data-producers/{}/messages?subchannels=x", id(&producer));
    let (status, problem) = room.server.send(&path, "text/plain", b"");
    assert_eq!(status, 400);
    assert!(problem.contains("subchannels is"), "{problem}");
}

#[test]
fn what_only_sctp_has_is_refused_on_direct_transports_by_name() {
    let room = Room::new();
    let producer = produce(&room, json!({}));
    let consumer = format!("/v1/data-consumers/{}", id(&consume(&room, &producer, &[])));
    let refused = |method: &str, path: &str, body: Option<Value>| {
        let (status, problem) = room.server.ask(method, path, body.as_ref());
        assert_eq!(status, 400, "{method} {path}: {problem}");
        problem
    };
    refused("GET", &format!("{consumer}/buffered-amount"), None);
    refused("PUT", &format!("{consumer}/buffered-amount-low-threshold"), Some(json!({ "threshold": 5 })));
    refused("POST", &format!("{consumer}/messages"), None);
    let stream = json!({ "sctpStreamParameters": { "streamId": 1 } });
    let problem = refused("POST", &format!("/v1/transports/{}/data-producers", room.from), Some(stream));
    assert!(problem.contains("sctpStreamParameters is given"), "{problem}");
}
