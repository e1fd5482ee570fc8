//! The page at `/`, what it draws, and readers who behave badly.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::room::{Room, audio, id, sound};
use crate::support::Server;

#[test]
fn the_page_is_there_and_takes_nothing_from_elsewhere() {
    let server = Server::start_with(&[("SHARDCAST_AUTH_JWT_SECRET", &"s".repeat(32))], &[]);
    let page = server.text("/");
    assert!(page.contains("<title>shardcast</title>"), "{page}");
    for file in ["/page.js", "/page.css"] {
        assert!(page.contains(file) && !server.text(file).is_empty());
        assert!(!server.text(file).contains("//cdn") && !server.text(file).contains("https://"), "{file}");
    }
    assert_eq!(server.status("GET", "/v1/shards"), 401, "what it shows needs a token");
}

#[test]
fn how_everything_fares_is_told_every_second() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    room.consume(&producer, json!({}));
    room.send(&producer, &sound(1, 1, 20));
    room.events_of(&producer).until("score");
    let mut overview = room.server.follow("/v1/overview");
    let first = overview.next();
    assert_eq!(first["objects"], json!({ "routers": 1, "transports": 2, "producers": 1, "consumers": 1 }));
    assert_eq!(first["scores"]["producers"], json!([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
    assert_eq!(first["rooms"], json!([{ "id": room.router["id"], "producers": 1, "consumers": 1 }]));
    assert_eq!(first["shards"][0]["transports"], 2, "{first}");
    assert!(first["shards"][0]["idle"].as_u64() > Some(0), "it waited for each of these requests: {first}");
    assert_eq!(first["shards"][0]["dropped"], json!({ "loss": 0, "policy": 0, "hostile": 0 }));
    // What nobody wants is dropped, and nobody loses anything.
    room.done("POST", &format!("/v1/producers/{}/pause", id(&producer)), None);
    room.send(&producer, &sound(1, 2, 20));
    let dropped = |overview: &serde_json::Value| overview["shards"][0]["dropped"].clone();
    let expected = json!({ "loss": 0, "policy": 1, "hostile": 0 });
    assert!((0..60).any(|_| dropped(&overview.next()) == expected), "{}", overview.next());
    assert!(overview.next()["at"].as_u64() > first["at"].as_u64());
}

#[test]
fn all_who_follow_are_told_of_the_same_looks() {
    let server = Server::start(&[]);
    let (mut one, mut other) = (server.follow("/v1/overview"), server.follow("/v1/overview"));
    let theirs: Vec<_> = (0..3).map(|_| other.next()["at"].as_u64().unwrap()).collect();
    let mut ours = vec![one.next()["at"].as_u64().unwrap()];
    while ours.last() < theirs.last() {
        ours.push(one.next()["at"].as_u64().unwrap());
    }
    assert!(theirs.iter().any(|at| ours.contains(at)), "{ours:?}, {theirs:?}");
    drop((one, other));
    // Whoever looked out may or may not have gone by now.
    let mut next = server.follow("/v1/overview");
    assert!(next.next()["at"].as_u64() < next.next()["at"].as_u64());
}

#[test]
fn a_reader_who_stalls_and_one_who_talks_nonsense_harm_nobody() {
    let room = Room::new();
    let stalled: Vec<_> = (0..50).map(|_| room.server.follow("/v1/events?after=0")).collect();
    for nonsense in
        [&[0xff_u8; 64][..], &[0x81, 0xff, 0, 0, 0, 0], &[0x82, 0x7f, 0xff, 0xff, 0xff, 0xff], b"GET / HTTP"]
    {
        let mut stream = TcpStream::connect(room.server.at()).unwrap();
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let head = format!(
            "GET /v1/events HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n",
            room.server.at()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101");
        stream.write_all(nonsense).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let _ = stream.read(&mut [0; 512]);
    }
    let producer = room.produce(audio(1));
    let mut events = room.events_of(&producer);
    for _ in 0..200 {
        room.done("POST", &format!("/v1/producers/{}/pause", id(&producer)), None);
        room.done("POST", &format!("/v1/producers/{}/resume", id(&producer)), None);
    }
    room.done("DELETE", &format!("/v1/producers/{}", id(&producer)), None);
    let mut heard = 0;
    while events.next()["event"] != "close" {
        heard += 1;
    }
    assert_eq!(heard, 401, "new, and each pause and resume");
    room.server.until("/metrics", "shardcast_event_followers 51\n");
    drop(stalled);
    room.server.until("/metrics", "shardcast_event_followers 1\n");
}
