//! Everything that mediasoup's Producer has, over HTTP.

use serde_json::{Value, json};

use crate::room::{Room, audio, id, key_frame, sound, video};

fn with(mut options: Value, more: Value) -> Value {
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    options
}

#[test]
fn a_producer_is_what_it_was_made_with() {
    let room = Room::new();
    let options = json!({ "id": "alice-camera", "paused": true, "appData": { "peer": "alice" } });
    let producer = room.produce(with(video(&[1, 2]), options));
    for (field, value) in [
        ("id", json!("alice-camera")),
        ("kind", json!("video")),
        ("type", json!("simulcast")),
        ("paused", json!(true)),
        ("score", json!([])),
        ("appData", json!({ "peer": "alice" })),
    ] {
        assert_eq!(producer[field], value, "{field}");
    }
    let dump = room.server.get("/v1/producers/alice-camera");
    assert_eq!(dump["rtpParameters"]["encodings"][1]["ssrc"], 2, "{dump}");
    assert_eq!((&dump["paused"], &dump["appData"]["peer"]), (&json!(true), &json!("alice")));
    let unnamed = room.produce(audio(3));
    assert!(id(&unnamed).len() > 10, "a name is made up: {unnamed}");
    assert_eq!((&unnamed["type"], &unnamed["paused"]), (&json!("simple"), &json!(false)));

    let again = with(audio(4), json!({ "id": "alice-camera" }));
    let (status, problem) =
        room.server.ask("POST", &format!("/v1/transports/{}/producers", room.from), Some(&again));
    assert!(status == 400 || status == 409, "{status}");
    assert!(problem.contains("alice-camera"), "{problem}");
}

#[test]
fn key_frames_are_asked_for_no_more_often_than_its_delay_allows() {
    let room = Room::new();
    let ask_twice = |ssrc: u32, delay_ms: u32| {
        let producer = room.produce(with(video(&[ssrc]), json!({ "keyFrameRequestDelay": delay_ms })));
        let consumer = room.consume(&producer, json!({}));
        let ask = || room.done("POST", &format!("/v1/consumers/{}/request-key-frame", id(&consumer)), None);
        room.send(&producer, &key_frame(ssrc, 1, 0));
        ask();
        room.send(&producer, &key_frame(ssrc, 2, 0));
        ask();
        producer
    };
    let (seldom, often) = (ask_twice(1, 600_000), ask_twice(2, 0));
    // As soon as its sender may be expected to listen again.
    room.server.until(&format!("/v1/producers/{}/stats", id(&often)), "\"pliCount\":2");
    let stats = room.server.get(&format!("/v1/producers/{}/stats", id(&seldom)));
    assert_eq!(stats[0]["pliCount"], 1);
}

#[test]
fn traces_say_what_passes_by_and_only_what_was_asked_for() {
    let room = Room::new();
    let producer = room.produce(video(&[1]));
    let trace = format!("/v1/producers/{}/trace", id(&producer));
    let mut events = room.events_of(&producer);
    room.done("PUT", &trace, Some(json!({ "types": ["keyframe"] })));
    room.send(&producer, &key_frame(1, 1, 0));
    let traced = events.until("trace");
    assert_eq!(traced["data"]["type"], "keyframe", "{traced}");
    assert_eq!(traced["data"]["info"]["rtpPacket"]["sequenceNumber"], 1);
    room.done("PUT", &trace, Some(json!({ "types": [] })));
    room.send(&producer, &key_frame(1, 2, 0));
    room.done("PUT", &trace, Some(json!({ "types": ["keyframe"] })));
    room.send(&producer, &key_frame(1, 3, 0));
    assert_eq!(events.until("trace")["data"]["info"]["rtpPacket"]["sequenceNumber"], 3);
    let (status, problem) = room.server.ask("PUT", &trace, Some(&json!({ "types": ["smell"] })));
    assert_eq!(status, 400);
    assert!(problem.contains("smell"), "{problem}");
}

#[test]
fn what_arrives_is_scored_counted_and_shown() {
    let room = Room::new();
    let producer = room.produce(video(&[1]));
    let mut events = room.events_of(&producer);
    assert_eq!(events.next()["event"], "new");
    room.send(&producer, &key_frame(1, 1, 1));
    let score = events.until("score");
    assert_eq!(score["data"], json!([{ "encodingIdx": 0, "ssrc": 1, "score": 10 }]));
    let turned = room.events_of(&producer).until("videoorientationchange");
    assert_eq!(turned["data"], json!({ "camera": false, "flip": false, "rotation": 90 }));
    let shown = room.server.get(&format!("/v1/producers/{}", id(&producer)));
    assert_eq!(
        (&shown["score"][0]["score"], &shown["videoOrientation"]["rotation"]),
        (&json!(10), &json!(90))
    );
    let stats = room.server.get(&format!("/v1/producers/{}/stats", id(&producer)));
    assert_eq!((&stats[0]["type"], &stats[0]["packetCount"]), (&json!("inbound-rtp"), &json!(1)), "{stats}");
    assert_eq!(stats[0]["byteCount"], key_frame(1, 1, 1).len());
}

#[test]
fn a_paused_producer_forwards_nothing_and_says_so() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    let consumer = room.consume(&producer, json!({}));
    let mut packets = room.server.follow(&format!("/v1/consumers/{}/packets", id(&consumer)));
    let mut events = room.events_of(&producer);
    let mut heard = room.events_of(&consumer);
    let turn = |to: &str| room.done("POST", &format!("/v1/producers/{}/{to}", id(&producer)), None);
    room.send(&producer, &sound(1, 1, 20));
    turn("pause");
    turn("pause");
    room.send(&producer, &sound(1, 2, 21));
    turn("resume");
    room.send(&producer, &sound(1, 3, 22));
    let forwarded = [packets.packet(), packets.packet()].map(|packet| packet.last().copied());
    assert_eq!(forwarded, [Some(20), Some(22)], "the level of each");
    assert_eq!(heard.until("producerpause")["object"], "consumer");
    heard.until("producerresume");
    room.done("DELETE", &format!("/v1/producers/{}", id(&producer)), None);
    heard.until("producerclose");
    assert_eq!(heard.until("close")["data"]["reason"], "its producer is closed");
    let mut turns = Vec::new();
    while turns.last() != Some(&json!("close")) {
        turns.push(events.next()["event"].clone());
    }
    turns.retain(|event| event != "score");
    assert_eq!(turns, ["new", "pause", "resume", "close"], "once each");
    assert_eq!(room.server.status("GET", &format!("/v1/producers/{}", id(&producer))), 404);
}

#[test]
fn a_producer_goes_with_its_transport() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    let mut events = room.events_of(&producer);
    room.done("DELETE", &format!("/v1/transports/{}", room.from), None);
    assert_eq!(events.until("close")["data"]["reason"], "its transport is closed");
}

#[test]
fn packets_are_posted_to_producers_of_direct_transports_only() {
    let room = Room::new();
    let options = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" }, "comedia": true });
    let plain = room.server.post(&format!("/v1/routers/{}/plain-transports", id(&room.router)), options);
    let producer = room.server.post(&format!("/v1/transports/{}/producers", id(&plain)), audio(1));
    let path = format!("/v1/producers/{}/packets", id(&producer));
    let (status, problem) = room.server.send(&path, "application/octet-stream", &sound(1, 1, 1));
    assert_eq!(status, 400);
    assert!(problem.contains("a direct transport, to send packets"), "{problem}");
    let long = vec![0; 300_000];
    assert_eq!(room.server.send(&path, "application/octet-stream", &long).0, 413);
}
