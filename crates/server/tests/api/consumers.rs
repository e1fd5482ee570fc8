//! Everything that mediasoup's Consumer has, over HTTP.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::room::{Room, audio, id, key_frame, sound, video};

#[test]
fn a_consumer_says_what_its_client_needs_and_gives_packets() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    let consumer = room.consume(&producer, json!({ "mid": "m7", "appData": 5 }));
    assert_eq!((&consumer["kind"], &consumer["type"]), (&json!("audio"), &json!("simple")));
    assert_eq!((&consumer["rtpParameters"]["mid"], &consumer["appData"]), (&json!("m7"), &json!(5)));
    let ssrc = consumer["rtpParameters"]["encodings"][0]["ssrc"].as_u64().unwrap();
    let mut packets = room.server.follow(&format!("/v1/consumers/{}/packets", id(&consumer)));
    let mut events = room.events_of(&consumer);
    room.send(&producer, &sound(1, 1, 20));
    let packet = packets.packet();
    assert_eq!(packet[8..12], u32::try_from(ssrc).unwrap().to_be_bytes());
    assert!(packet.ends_with(&[7, 20]));
    let score = events.until("score");
    assert_eq!(score["data"], json!({ "score": 10, "producerScore": 10, "producerScores": [10] }));
    let dump = room.server.get(&format!("/v1/consumers/{}", id(&consumer)));
    assert_eq!((&dump["producerId"], &dump["score"]["score"]), (&producer["id"], &json!(10)), "{dump}");
    let stats = room.server.get(&format!("/v1/consumers/{}/stats", id(&consumer)));
    assert_eq!(stats[0]["type"], "outbound-rtp");
    assert_eq!(stats[0]["packetCount"], 1);
}

#[test]
fn a_paused_consumer_gets_nothing_and_says_so() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    let consumer = room.consume(&producer, json!({ "paused": true }));
    assert_eq!(consumer["paused"], true);
    let mut packets = room.server.follow(&format!("/v1/consumers/{}/packets", id(&consumer)));
    let mut events = room.events_of(&consumer);
    room.send(&producer, &sound(1, 1, 20));
    room.done("POST", &format!("/v1/consumers/{}/resume", id(&consumer)), None);
    events.until("resume");
    room.send(&producer, &sound(1, 2, 21));
    assert!(packets.packet().ends_with(&[7, 21]), "the first one is not there");
    room.done("POST", &format!("/v1/consumers/{}/pause", id(&consumer)), None);
    events.until("pause");
    room.done("DELETE", &format!("/v1/consumers/{}", id(&consumer)), None);
    assert_eq!(events.until("close")["data"]["reason"], "somebody closed it");
}

#[test]
fn layers_are_aimed_at_and_the_one_that_is_sent_is_told() {
    let room = Room::new();
    let producer = room.produce(video(&[1, 2]));
    let consumer = room.consume(&producer, json!({ "preferredLayers": { "spatialLayer": 0 } }));
    assert_eq!(consumer["type"], "simulcast");
    assert_eq!(consumer["preferredLayers"]["spatialLayer"], 0);
    let mut events = room.events_of(&consumer);
    // Whoever sends sends on: until the stream is known, and asked for, what comes of it is not sent to anybody.
    let end = Instant::now() + DEADLINE;
    for sequence in 1.. {
        room.send(&producer, &key_frame(1, sequence, 0));
        let shown = room.server.get(&format!("/v1/consumers/{}", id(&consumer)));
        if shown["currentLayers"]["spatialLayer"] == 0 {
            break;
        }
        assert!(Instant::now() < end, "{shown}");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(events.until("layerschange")["data"]["spatialLayer"], 0);
    let layers = format!("/v1/consumers/{}/preferred-layers", id(&consumer));
    let (status, aimed) = room.server.ask("PUT", &layers, Some(&json!({ "spatialLayer": 7 })));
    assert_eq!(status, 200, "{aimed}");
    assert!(aimed.contains("\"spatialLayer\":1"), "the highest there is: {aimed}");
    let (status, problem) = room.server.ask("PUT", &layers, Some(&json!({ "spatialLayer": -1 })));
    assert_eq!(status, 400, "{problem}");
}

#[test]
fn a_consumer_has_a_priority() {
    let room = Room::new();
    let producer = room.produce(video(&[1, 2]));
    let consumer = room.consume(&producer, json!({}));
    let priority = format!("/v1/consumers/{}/priority", id(&consumer));
    let shown = || room.server.get(&format!("/v1/consumers/{}", id(&consumer)))["priority"].clone();
    room.done("PUT", &priority, Some(json!({ "priority": 200 })));
    assert_eq!(shown(), 200);
    room.done("DELETE", &priority, None);
    assert_eq!(shown(), 1);
    let (status, problem) = room.server.ask("PUT", &priority, Some(&json!({ "priority": 0 })));
    assert_eq!(status, 400, "{problem}");
}

#[test]
fn a_key_frame_that_is_asked_for_reaches_the_producer_and_is_traced() {
    let room = Room::new();
    let producer = room.produce(video(&[1]));
    room.send(&producer, &key_frame(1, 1, 0));
    let consumer = room.consume(&producer, json!({ "paused": true }));
    room.done(
        "PUT",
        &format!("/v1/consumers/{}/trace", id(&consumer)),
        Some(json!({ "types": ["keyframe"] })),
    );
    let mut rtcp = room.server.follow(&format!("/v1/transports/{}/rtcp", room.from));
    let mut events = room.events_of(&consumer);
    room.done("POST", &format!("/v1/consumers/{}/resume", id(&consumer)), None);
    room.done("POST", &format!("/v1/consumers/{}/request-key-frame", id(&consumer)), None);
    // PSFB with format 1 is PLI (RFC 4585 §6.3.1); reports may come before it.
    while !rtcp.packet().windows(2).any(|two| two == [0x81, 206]) {}
    room.send(&producer, &key_frame(1, 2, 0));
    assert_eq!(events.until("trace")["data"]["type"], "keyframe");
}

#[test]
fn only_what_a_client_can_receive_is_consumed() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    let path = format!("/v1/transports/{}/consumers", room.to);
    let refused = |body| {
        let (status, problem) = room.server.ask("POST", &path, Some(&body));
        (status, problem)
    };
    let (status, problem) = refused(json!({ "producerId": producer["id"] }));
    assert_eq!(status, 400);
    assert!(problem.contains("rtpCapabilities is missing"), "{problem}");
    let deaf = json!({ "codecs": [], "headerExtensions": [] });
    let (status, problem) = refused(json!({ "producerId": producer["id"], "rtpCapabilities": deaf }));
    assert_eq!(status, 422, "{problem}");
    let capabilities = &room.router["rtpCapabilities"];
    let (status, problem) = refused(json!({ "producerId": "nobody", "rtpCapabilities": capabilities }));
    assert_eq!(status, 404);
    assert!(problem.contains("nobody"), "{problem}");
    let plain = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" } });
    let plain = room.server.post(&format!("/v1/routers/{}/plain-transports", id(&room.router)), plain);
    let asked = json!({ "producerId": producer["id"], "rtpCapabilities": capabilities });
    let consumer = room.server.post(&format!("/v1/transports/{}/consumers", id(&plain)), asked);
    let (status, problem) = room.server.ask("GET", &format!("/v1/consumers/{}/packets", id(&consumer)), None);
    assert_eq!(status, 400);
    assert!(problem.contains("no direct transport"), "{problem}");
}

const DEADLINE: Duration = Duration::from_secs(30);
