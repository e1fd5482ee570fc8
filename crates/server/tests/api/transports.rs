//! Transports of the four kinds, over HTTP, and pipes between rooms.

use serde_json::{Value, json};

use crate::room::{Room, audio, id, sound};
use crate::support::Server;

const FINGERPRINT: &str =
    "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB";

fn router(server: &Server) -> Value {
    let codecs = json!([{ "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 }]);
    server.post("/v1/routers", json!({ "mediaCodecs": codecs }))
}

#[test]
fn a_webrtc_transport_is_made_connected_and_restarted() {
    let server = Server::start(&[]);
    let router = router(&server);
    let infos = json!([{ "protocol": "udp", "ip": "127.0.0.1" }, { "protocol": "tcp", "ip": "127.0.0.1" }]);
    let made = server.post(
        &format!("/v1/routers/{}/webrtc-transports", id(&router)),
        json!({ "listenInfos": infos, "initialAvailableOutgoingBitrate": 500_000, "appData": 1 }),
    );
    assert_eq!(made["iceCandidates"].as_array().unwrap().len(), 2, "{made}");
    assert_eq!(
        (&made["iceState"], &made["dtlsState"], &made["appData"]),
        (&json!("new"), &json!("new"), &json!(1))
    );
    let place = format!("/v1/transports/{}", id(&made));
    let restarted = server.post(&format!("{place}/restart-ice"), json!({}));
    assert_ne!(restarted["iceParameters"]["usernameFragment"], made["iceParameters"]["usernameFragment"]);
    let dtls = json!({ "dtlsParameters": { "role": "client",
        "fingerprints": [{ "algorithm": "sha-256", "value": FINGERPRINT }] } });
    let connected = server.post(&format!("{place}/connect"), dtls.clone());
    assert_eq!(connected["dtlsParameters"]["role"], "server", "the other part");
    assert_eq!(server.ask("POST", &format!("{place}/connect"), Some(&dtls)).0, 409, "once only");
    let (status, problem) = server.ask("POST", &format!("{place}/connect"), Some(&json!({})));
    assert_eq!(status, 400);
    assert!(problem.contains("dtlsParameters is missing"), "{problem}");
    assert_eq!(server.get(&format!("{place}/stats"))["type"], "webrtc-transport");
}

#[test]
fn bitrates_and_traces_of_a_transport_are_set() {
    let room = Room::new();
    let options = json!({ "listenInfos": [{ "protocol": "udp", "ip": "127.0.0.1" }] });
    let path = format!("/v1/routers/{}/webrtc-transports", id(&room.router));
    let transport = room.server.post(&path, options);
    let place = format!("/v1/transports/{}", id(&transport));
    let limits = json!({ "maxIncoming": 1_500_000, "maxOutgoing": 900_000, "minOutgoing": 100_000 });
    room.done("PUT", &format!("{place}/bitrates"), Some(limits));
    let stats = room.server.get(&format!("{place}/stats"));
    assert_eq!(stats["maxIncomingBitrate"], 1_500_000, "{stats}");
    assert_eq!(
        (&stats["maxOutgoingBitrate"], &stats["minOutgoingBitrate"]),
        (&json!(900_000), &json!(100_000))
    );
    room.done("PUT", &format!("{place}/bitrates"), Some(json!({ "maxIncoming": 0 })));
    assert_eq!(room.server.get(&format!("{place}/stats"))["maxIncomingBitrate"], Value::Null);
    let wrong = json!({ "minOutgoing": 2_000_000 });
    let (status, problem) = room.server.ask("PUT", &format!("{place}/bitrates"), Some(&wrong));
    assert_eq!(status, 400, "{problem}");
    room.done("PUT", &format!("{place}/trace"), Some(json!({ "types": ["bwe", "probation"] })));
    let dump = room.server.get(&place);
    assert_eq!(dump["traceEventTypes"], json!(["probation", "bwe"]), "{dump}");
}

#[test]
fn a_server_is_shared_by_transports_and_takes_them_along() {
    let server = Server::start(&[]);
    let router = router(&server);
    let infos = json!([{ "protocol": "udp", "ip": "127.0.0.1" }]);
    let shared = server.post("/v1/webrtc-servers", json!({ "listenInfos": infos, "appData": "s" }));
    let path = format!("/v1/routers/{}/webrtc-transports", id(&router));
    let transport = server.post(&path, json!({ "webRtcServerId": shared["id"] }));
    assert_eq!(server.get("/v1/webrtc-servers"), json!([shared["id"]]));
    let place = format!("/v1/webrtc-servers/{}", id(&shared));
    assert_eq!(server.get(&place)["webRtcTransportIds"], json!([transport["id"]]));
    let mut events = server.events(&format!("?after=0&id={}", id(&transport)));
    assert_eq!(server.status("DELETE", &place), 204);
    assert_eq!(events.until("close")["data"]["reason"], "its transport's WebRtcServer is closed");
    assert_eq!(server.status("GET", &place), 404);
    let both = json!({ "webRtcServerId": shared["id"], "listenInfos": infos });
    let (status, problem) = server.ask("POST", &path, Some(&both));
    assert_eq!(status, 400);
    assert!(problem.contains("listenInfos and webRtcServerId are both given"), "{problem}");
}

#[test]
fn a_producer_is_piped_into_another_room_and_follows_itself() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    let other = router(&room.server);
    let path = format!("/v1/routers/{}/pipe-to-router", id(&room.router));
    let piped = room.server.post(&path, json!({ "producerId": producer["id"], "routerId": other["id"] }));
    let there = format!("/v1/producers/{}", piped["producerId"].as_str().unwrap());
    assert_eq!(room.server.get(&there)["kind"], "audio");
    let mut events = room.server.events(&format!("?after=0&id={}", piped["consumerId"].as_str().unwrap()));
    room.done("POST", &format!("/v1/producers/{}/pause", id(&producer)), None);
    events.until("producerpause");
    room.server.until(&there, "\"paused\":true");
    room.done("DELETE", &format!("/v1/producers/{}", id(&producer)), None);
    room.server.until_status(&there, 404);

    let chat = room.server.post(&format!("/v1/transports/{}/data-producers", room.from), json!({}));
    let (status, answer) =
        room.server.ask("POST", &path, Some(&json!({ "dataProducerId": chat["id"], "routerId": "nobody" })));
    assert_eq!(status, 404, "{answer}");
    let (status, problem) = room.server.ask("POST", &path, Some(&json!({ "routerId": other["id"] })));
    assert_eq!(status, 400);
    assert!(problem.contains("producerId or dataProducerId must be given"), "{problem}");
}

#[test]
fn a_pipe_transport_sends_all_there_is() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    let options = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" } });
    let path = format!("/v1/routers/{}/pipe-transports", id(&room.router));
    let pipe = room.server.post(&path, options);
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let peer = json!({ "ip": "127.0.0.1", "port": receiver.local_addr().unwrap().port() });
    let place = format!("/v1/transports/{}", id(&pipe));
    let connected = room.server.post(&format!("{place}/connect"), peer);
    assert_eq!(connected["tuple"]["remoteIp"], "127.0.0.1", "{connected}");
    let consumers = format!("{place}/consumers");
    for (field, value) in [
        ("paused", json!(true)),
        ("mid", json!("0")),
        ("preferredLayers", json!({ "spatialLayer": 0 })),
        ("ignoreDtx", json!(true)),
        ("enableRtx", json!(true)),
    ] {
        let asked = json!({ "producerId": producer["id"], field: value });
        let (status, problem) = room.server.ask("POST", &consumers, Some(&asked));
        assert_eq!(status, 400, "{field}: {problem}");
        assert!(problem.contains(&format!("{field} asks for something else")), "{problem}");
    }
    // What happens anyway may be said.
    let asked = json!({
        "producerId": producer["id"], "paused": false, "ignoreDtx": false, "enableRtx": false, "pipe": true,
    });
    let consumer = room.server.post(&consumers, asked);
    assert_eq!(consumer["type"], "pipe");
    room.send(&producer, &sound(1, 1, 9));
    let mut packet = [0; 1_500];
    loop {
        let len = receiver.recv(&mut packet).unwrap();
        // RTCP has a payload type of its own.
        if packet[1] & 0x7f < 64 || packet[1] & 0x7f > 95 {
            assert!(packet[..len].ends_with(&[7, 9]));
            break;
        }
    }
}

#[test]
fn rtcp_is_posted_to_direct_transports_only() {
    let room = Room::new();
    let path = |transport: &str| format!("/v1/transports/{transport}/rtcp");
    // An empty receiver report (RFC 3550 §6.4.2).
    let report = [0x80, 201, 0, 1, 0, 0, 0, 1];
    assert_eq!(room.server.send(&path(&room.from), "application/octet-stream", &report).0, 202);
    let options = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" } });
    let made = room.server.post(&format!("/v1/routers/{}/plain-transports", id(&room.router)), options);
    let (status, problem) = room.server.send(&path(id(&made)), "application/octet-stream", &report);
    assert_eq!(status, 400);
    assert!(problem.contains("no direct transport"), "{problem}");
}

#[test]
fn what_is_made_is_told() {
    let room = Room::new();
    let mut events = room.server.events("?after=0&events=new");
    let told = [events.next(), events.next(), events.next()];
    assert_eq!(told[0]["object"], "router");
    assert_eq!((&told[1]["object"], &told[1]["data"]), (&json!("transport"), &json!({ "type": "direct" })));
    assert_eq!(told[2]["router"], room.router["id"]);
    let producer = room.produce(audio(1));
    let new = events.next();
    assert_eq!((&new["id"], &new["data"]["transportId"]), (&producer["id"], &json!(room.from)));
    let (status, problem) = room.server.ask("PATCH", "/v1/routers", None);
    assert_eq!(status, 405);
    assert!(problem.contains("urn:shardcast:not-allowed"), "{problem}");
}

#[test]
fn what_is_dropped_is_counted_by_reason_and_what_is_asked_again_too() {
    let room = Room::new();
    let options = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" }, "comedia": true });
    let plain = room.server.post(&format!("/v1/routers/{}/plain-transports", id(&room.router)), options);
    let port = u16::try_from(plain["tuple"]["localPort"].as_u64().unwrap()).unwrap();
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // The first byte of no protocol that there is (RFC 7983 §7).
    sender.send_to(&[0xff; 20], ("127.0.0.1", port)).unwrap();
    let dropped = |reason: &str, count: u8| {
        format!("shardcast_shard_dropped_total{{shard=\"0\",class=\"policy\",reason=\"{reason}\"}} {count}\n")
    };
    room.server.until("/metrics", &dropped("unsupported", 1));
    let producer = room.produce(audio(1));
    room.done("POST", &format!("/v1/producers/{}/pause", id(&producer)), None);
    room.send(&producer, &sound(1, 1, 9));
    room.server.until("/metrics", &dropped("paused", 1));
    let camera = room.produce(crate::room::video(&[2]));
    room.send(&camera, &crate::room::key_frame(2, 1, 0));
    room.consume(&camera, json!({}));
    room.server.until("/metrics", "shardcast_shard_key_frames_asked_total{shard=\"0\"} 1\n");
}
