//! The control API from the outside: the binary, a client of its own, and RTP between two plain transports.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

mod auth;
mod browser;
mod call;
mod chart;
mod chromium;
mod connections;
mod consumers;
mod cors;
mod crowd;
mod demo;
mod demo_breaks;
mod demo_pages;
mod deploy;
mod document;
mod endings;
mod examples;
mod guest;
mod machine;
mod messages;
mod observers;
mod once;
mod page;
mod producers;
mod prometheus;
mod quotas;
mod room;
mod scores;
mod support;
mod tls;
mod transports;

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use support::Server;

#[test]
fn a_room_is_made_used_seen_and_closed() {
    let server = Server::start(&[]);
    let codecs = json!([{ "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 }]);
    let router = server.post("/v1/routers", json!({ "mediaCodecs": codecs, "appData": { "room": 7 } }));
    assert_eq!(router["appData"]["room"], 7);
    let plain = |comedia: bool| {
        let options = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" }, "comedia": comedia });
        server.post(&format!("/v1/routers/{}/plain-transports", id(&router)), options)
    };
    let (source, sink) = (plain(true), plain(false));
    let produce = json!({ "kind": "audio", "rtpParameters": sound() });
    let producer = server.post(&format!("/v1/transports/{}/producers", id(&source)), produce);
    assert_eq!((&producer["type"], &producer["paused"]), (&json!("simple"), &json!(false)));
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let peer = json!({ "ip": "127.0.0.1", "port": receiver.local_addr().unwrap().port() });
    server.post(&format!("/v1/transports/{}/connect", id(&sink)), peer);
    let capabilities = &router["rtpCapabilities"];
    let asked = json!({ "producerId": producer["id"], "rtpCapabilities": capabilities });
    let can = server.post(&format!("/v1/routers/{}/can-consume", id(&router)), asked.clone());
    assert_eq!(can["canConsume"], true);
    let consumer = server.post(&format!("/v1/transports/{}/consumers", id(&sink)), asked);
    assert_eq!(consumer["producerId"], producer["id"]);

    relay(&source, &receiver);
    let stats = server.get(&format!("/v1/producers/{}/stats", id(&producer)));
    assert!(stats[0]["packetCount"].as_u64().unwrap() > 0, "{stats}");
    server.until("/metrics", "shardcast_producers{kind=\"audio\",score=\"10\",type=\"simple\"} 1\n");
    let page = server.text("/metrics");
    assert!(page.contains("shardcast_consumers{kind=\"audio\",score=\"10\",type=\"simple\"} 1\n"), "{page}");
    assert!(page.contains("shardcast_objects{kind=\"transport\"} 2\n"), "{page}");
    assert!(!page.contains(id(&producer)), "no name is a label");
    assert_eq!(server.get("/v1/producers?worst=5")[0]["id"], producer["id"]);
    assert_eq!(server.get("/v1/shards")[0]["transports"], 2);

    assert_eq!(server.status("POST", &format!("/v1/producers/{}/pause", id(&producer))), 204);
    let shown = server.get(&format!("/v1/consumers/{}", id(&consumer)));
    assert_eq!(shown["producerPaused"], true);
    assert_eq!(server.status("DELETE", &format!("/v1/transports/{}", id(&source))), 204);
    // Its producer went with it, and so did the consumer: they are taken off the shelf as they end.
    server.until("/metrics", "shardcast_objects{kind=\"consumer\"} 0\n");
    assert_eq!(server.status("GET", &format!("/v1/consumers/{}", id(&consumer))), 404);
    assert_eq!(server.status("DELETE", &format!("/v1/routers/{}", id(&router))), 204);
    server.until("/metrics", "shardcast_producers{kind=\"audio\",score=\"10\",type=\"simple\"} 0\n");
    server.until("/v1/routers", "[]");
}

#[test]
fn what_is_wrong_is_a_problem_document_that_names_it() {
    let server = Server::start(&[]);
    let router = server.post("/v1/routers", json!({}));
    let transports = format!("/v1/routers/{}/plain-transports", id(&router));
    let direct = server.post(&format!("/v1/routers/{}/direct-transports", id(&router)), json!({}));
    let produce = format!("/v1/transports/{}/producers", id(&direct));
    let restart = format!("/v1/transports/{}/restart-ice", id(&direct));
    let connect = format!("/v1/transports/{}/connect", id(&direct));
    let listen = |ip: &str| json!({ "listenInfo": { "protocol": "udp", "ip": ip } });
    let wrong = [
        ("/v1/routers", json!({ "mediaCodec": [] }), 400, "unknown field `mediaCodec`"),
        ("/v1/routers", json!({ "mediaCodecs": [{ "kind": "audio" }] }), 400, "mimeType is missing"),
        ("/v1/routers/nobody/direct-transports", json!({}), 404, "there is no router nobody"),
        (&*transports, json!({}), 400, "missing field `listenInfo`"),
        (&*transports, listen("chicken"), 400, "listenInfo.ip is \"chicken\""),
        (&*transports, listen("192.0.2.1"), 409, "192.0.2.1"),
        (&*produce, json!({ "kind": "smell", "rtpParameters": {} }), 400, "smell"),
        (&*restart, json!({}), 400, "only WebRTC transports"),
        (&*connect, json!({}), 400, "a direct transport has no peer"),
        ("/v1/rooms", json!({}), 404, "there is no path /v1/rooms"),
    ];
    for (path, body, status, words) in wrong {
        let (found, problem) = server.ask("POST", path, Some(&body));
        assert_eq!(found, status, "{path} {body}: {problem}");
        let problem: Value = serde_json::from_str(&problem).unwrap();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{words:?} is not in {problem}");
    }
    let long = json!({ "appData": "x".repeat(300_000) });
    assert_eq!(server.ask("POST", "/v1/routers", Some(&long)).0, 413);
}

#[test]
fn pages_and_hosts_of_others_get_nothing() {
    let server = Server::start(&[]);
    for header in [
        "Host: example.org",
        "Host: localhost\r\nOrigin: http://example.org",
        "Host: localhost\r\nOrigin: null",
    ] {
        assert_eq!(server.ask_as(header, "POST", "/v1/routers", Some(&json!({}))).0, 403, "{header}");
        assert_eq!(server.ask_as(header, "GET", "/metrics", None).0, 403, "{header}");
    }
    assert_eq!(server.get("/v1/routers"), json!([]), "nothing was made");
}

#[test]
fn a_signal_drains_and_a_second_one_ends_at_once() {
    let mut server = Server::start(&[]);
    let router = server.post("/v1/routers", json!({}));
    assert_eq!(server.status("GET", "/readyz"), 200);
    server.terminate();
    server.until_status("/readyz", 503);
    assert_eq!(server.status("GET", "/healthz"), 200);
    assert_eq!(server.ask("POST", "/v1/routers", Some(&json!({}))).0, 503);
    let transports = format!("/v1/routers/{}/direct-transports", id(&router));
    assert_eq!(server.ask("POST", &transports, Some(&json!({}))).0, 201, "calls go on");
    server.terminate();
    assert_eq!(server.wait(), Some(0));

    let mut server = Server::start(&[]);
    let router = server.post("/v1/routers", json!({}));
    server.terminate();
    server.until_status("/readyz", 503);
    assert_eq!(server.status("DELETE", &format!("/v1/routers/{}", id(&router))), 204);
    assert_eq!(server.wait(), Some(0), "the last room is closed");
}

#[test]
fn a_supervisor_hears_that_it_is_ready_that_it_lives_and_that_it_ends() {
    let path = std::env::temp_dir().join(format!("shardcast-supervisor-{}", std::process::id()));
    // Of a process that had this number before.
    let _ = std::fs::remove_file(&path);
    let supervisor = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    supervisor.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let at = path.display().to_string();
    let mut server = Server::start_with(&[("NOTIFY_SOCKET", &at), ("WATCHDOG_USEC", "2000000")], &[]);
    let heard = || {
        let mut heard = [0; 32];
        let len = supervisor.recv(&mut heard).unwrap();
        String::from_utf8_lossy(&heard[..len]).into_owned()
    };
    assert_eq!(heard(), "READY=1");
    assert_eq!([heard(), heard()], ["WATCHDOG=1", "WATCHDOG=1"]);
    server.terminate();
    while heard() != "STOPPING=1" {}
    assert_eq!(server.wait(), Some(0));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn without_tokens_only_loopback_is_listened_on() {
    let (code, said) = Server::refused(&["--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("server.listen is 0.0.0.0:0; without tokens it must be a loopback address"),
        "{said}"
    );
}

#[test]
fn events_are_told_in_order_and_again_to_who_comes_back() {
    let server = Server::start(&[]);
    let mut events = server.events("?events=tuple,score,close");
    let codecs = json!([{ "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 }]);
    let router = server.post("/v1/routers", json!({ "mediaCodecs": codecs }));
    let options = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" }, "comedia": true });
    let source = server.post(&format!("/v1/routers/{}/plain-transports", id(&router)), options);
    let produce = json!({ "kind": "audio", "rtpParameters": sound() });
    let producer = server.post(&format!("/v1/transports/{}/producers", id(&source)), produce);
    let port = u16::try_from(source["tuple"]["localPort"].as_u64().unwrap()).unwrap();
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut packet = vec![0x80, 111, 0, 1, 0, 0, 0, 9, 0, 0, 0x11, 0x11];
    packet.extend([7; 40]);
    sender.send_to(&packet, (Ipv4Addr::LOCALHOST, port)).unwrap();

    // What happens to one object is told in order; between two, as it is heard of.
    let mut told = [events.next(), events.next()];
    told.sort_by_key(|event| event["event"] == "score");
    let [tuple, score] = told;
    assert_eq!((&tuple["object"], &tuple["event"]), (&json!("transport"), &json!("tuple")), "{tuple}");
    assert_eq!(tuple["data"]["remotePort"], sender.local_addr().unwrap().port());
    assert_eq!(
        (&score["id"], &score["event"], &score["router"]),
        (&producer["id"], &json!("score"), &router["id"])
    );
    assert_eq!(score["data"][0]["score"], 10, "{score}");
    let seen = tuple["sequence"].as_u64().max(score["sequence"].as_u64()).unwrap();

    assert_eq!(server.status("DELETE", &format!("/v1/routers/{}", id(&router))), 204);
    let mut ends: Vec<_> = (0..3).map(|_| events.next()).collect();
    assert!(ends.iter().all(|end| end["event"] == "close"), "{ends:?}");
    let mut again = server.events(&format!("?after={seen}&events=close"));
    let mut told: Vec<_> = (0..3).map(|_| again.next()).collect();
    assert_eq!(told, ends);
    for list in [&mut told, &mut ends] {
        list.sort_by_key(|event| event["object"].to_string());
    }
    let reasons: Vec<_> = ends.iter().map(|end| end["data"]["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["its router is closed", "somebody closed it", "its router is closed"]);
    let mut one = server.events(&format!("?after=0&id={}&events=score,close", id(&producer)));
    assert_eq!((one.next()["event"].clone(), one.next()["event"].clone()), (json!("score"), json!("close")));
    assert_eq!(server.status("GET", "/v1/events"), 400, "it takes a WebSocket");
}

/// Sends RTP to a transport until some of it arrives.
fn relay(source: &Value, receiver: &UdpSocket) {
    let port = source["tuple"]["localPort"].as_u64().unwrap();
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    receiver.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut packet = vec![0x80, 111, 0, 0, 0, 0, 0, 9, 0, 0, 0x11, 0x11];
    packet.extend([7; 40]);
    for sequence in 1_u16.. {
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        sender.send_to(&packet, (Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap())).unwrap();
        let mut received = [0; 1_500];
        match receiver.recv(&mut received) {
            // RTCP has a payload type of its own.
            Ok(len) if len > 12 && received[1] & 0x7f == 100 => {
                assert!(received[..len].ends_with(&[7; 40]));
                return;
            }
            _ => assert!(Instant::now() < deadline, "nothing arrived"),
        }
    }
}

fn sound() -> Value {
    json!({
        "codecs": [{ "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48_000, "channels": 2 }],
        "encodings": [{ "ssrc": 0x1111 }],
    })
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}
