//! Tokens, what they allow, and how much anybody may ask.

use std::net::UdpSocket;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::room::{audio, id, sound};
use crate::support::Server;

pub(crate) const ADMIN: &str = "admin-admin-admin-admin-admin-admin";
const READER: &str = "reader-reader-reader-reader-reader-";
const TOKENS: &str = "[{ token = \"admin-admin-admin-admin-admin-admin\", scope = \"admin\" }, \
                      { token = \"reader-reader-reader-reader-reader-\", scope = \"read\" }]";

pub(crate) fn guarded(variables: &[(&str, &str)]) -> Server {
    Server::start_with(&[variables, &[("SHARDCAST_AUTH_TOKENS", TOKENS)]].concat(), &[])
}

pub(crate) fn made(server: &Server, token: &str, path: &str, body: Value) -> Value {
    let (status, answer) = server.ask_with(token, "POST", path, Some(&body));
    assert!(status == 201 || status == 200, "{path}: {answer}");
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn without_a_token_nothing_is_answered_but_whether_it_lives() {
    let server = guarded(&[]);
    assert_eq!((server.status("GET", "/healthz"), server.status("GET", "/readyz")), (200, 200));
    for (method, path) in [
        ("GET", "/v1/routers"),
        ("POST", "/v1/routers"),
        ("GET", "/metrics"),
        ("GET", "/v1/events"),
        ("GET", "/v1/openapi.json"),
        ("GET", "/v1/nothing"),
    ] {
        let (status, problem) = server.ask(method, path, None);
        assert_eq!(status, 401, "{method} {path}");
        assert!(problem.contains("Authorization: Bearer"), "{problem}");
        assert_eq!(server.ask_with("wrong", method, path, None).0, 401, "{method} {path}");
    }
}

#[test]
fn a_token_that_does_not_hold_is_worth_less_than_none() {
    let server = Server::start(&[]);
    let room = server.post("/v1/routers", json!({}));
    let place = format!("/v1/routers/{}", id(&room));
    let expired = server.post(&format!("{place}/tokens"), json!({ "subject": "alice", "seconds": 0 }));
    let expired = expired["token"].as_str().unwrap();
    for shown in [&format!("Bearer {expired}"), "Bearer unknown", "bearer a.b.c", "Bearer", "Bearer \u{e4}"] {
        let headers = format!("Host: localhost\r\nAuthorization: {shown}");
        for (method, path) in [("DELETE", &*place), ("GET", "/v1/routers"), ("GET", "/metrics")] {
            assert_eq!(server.ask_as(&headers, method, path, None).0, 401, "{shown} {method} {path}");
        }
        assert_eq!(server.ask_as(&headers, "GET", "/healthz", None).0, 200, "{shown}");
        assert_eq!(server.ask_as(&headers, "GET", "/demo", None).0, 200, "{shown}");
    }
    assert_eq!(server.status("DELETE", &place), 204, "who shows none may");
}

#[test]
fn scopes_allow_what_they_say_from_any_host() {
    let server = guarded(&[]);
    let router = made(&server, ADMIN, "/v1/routers", json!({}));
    let place = format!("/v1/routers/{}", id(&router));
    assert_eq!(server.ask_with(READER, "GET", &place, None).0, 200);
    assert_eq!(server.ask_with(READER, "GET", "/metrics", None).0, 200);
    let (status, problem) = server.ask_with(READER, "DELETE", &place, None);
    assert_eq!(status, 403);
    assert!(problem.contains("scope `admin`"), "{problem}");
    assert_eq!(server.ask_with(READER, "POST", &format!("{place}/can-consume"), None).0, 403);
    assert_eq!(server.ask_with(ADMIN, "DELETE", &place, None).0, 204);
}

#[test]
fn a_participant_has_its_own_in_its_room_and_nothing_else() {
    let server = guarded(&[]);
    let room = made(&server, ADMIN, "/v1/routers", json!({}));
    let other = made(&server, ADMIN, "/v1/routers", json!({}));
    let tokens = format!("/v1/routers/{}/tokens", id(&room));
    let [alice, bob] = ["alice", "bob"].map(|subject| {
        let token = made(&server, ADMIN, &tokens, json!({ "subject": subject, "seconds": 60 }));
        token["token"].as_str().unwrap().to_owned()
    });
    let listen = json!({ "listenInfos": [{ "protocol": "udp", "ip": "127.0.0.1" }] });
    let transports = |room: &Value| format!("/v1/routers/{}/webrtc-transports", id(room));
    let transport = made(&server, &alice, &transports(&room), listen.clone());
    let place = format!("/v1/transports/{}", id(&transport));
    assert_eq!(server.ask_with(&alice, "GET", &place, None).0, 200);
    assert_eq!(server.ask_with(&alice, "GET", &format!("/v1/routers/{}", id(&room)), None).0, 200);
    for (who, method, path, body) in [
        (&bob, "GET", place.clone(), None),
        (&bob, "DELETE", place.clone(), None),
        (&bob, "POST", format!("{place}/restart-ice"), None),
        (&alice, "POST", transports(&other), Some(&listen)),
        (&alice, "GET", format!("/v1/routers/{}", id(&other)), None),
        (&alice, "DELETE", format!("/v1/routers/{}", id(&room)), None),
        (&alice, "GET", "/v1/routers".to_owned(), None),
        (&alice, "POST", tokens.clone(), Some(&listen)),
        (&alice, "PUT", format!("{place}/bitrates"), None),
    ] {
        let (status, problem) = server.ask_with(who, method, &path, body);
        assert_eq!(status, 403, "{method} {path}: {problem}");
    }
    assert_eq!(server.ask_with(&alice, "DELETE", "/v1/producers/nobody", None).0, 404);
    let mut heard = server.follow(&format!("/v1/events?after=0&events=new&access_token={alice}"));
    assert_eq!(
        (heard.next()["id"].clone(), heard.next()["id"].clone()),
        (room["id"].clone(), transport["id"].clone())
    );
    assert_eq!(server.ask_with(&alice, "DELETE", &place, None).0, 204);
    let expired = made(&server, ADMIN, &tokens, json!({ "subject": "carol", "seconds": 0 }));
    let (status, problem) = server.ask_with(expired["token"].as_str().unwrap(), "GET", &place, None);
    assert_eq!(status, 401);
    assert!(problem.contains("expired"), "{problem}");
}

#[test]
fn a_participant_does_not_hear_where_others_are() {
    let server = guarded(&[]);
    let codecs = json!([{ "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 }]);
    let room = made(&server, ADMIN, "/v1/routers", json!({ "mediaCodecs": codecs }));
    let place = format!("/v1/routers/{}", id(&room));
    let alice = made(&server, ADMIN, &format!("{place}/tokens"), json!({ "subject": "alice" }));
    let follow = |token: &str| server.follow(&format!("/v1/events?after=0&access_token={token}"));
    let (mut admin, mut heard) = (follow(ADMIN), follow(alice["token"].as_str().unwrap()));
    let options = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" }, "comedia": true });
    let plain = made(&server, ADMIN, &format!("{place}/plain-transports"), options);
    made(&server, ADMIN, &format!("/v1/transports/{}/producers", id(&plain)), audio(1));
    let port = u16::try_from(plain["tuple"]["localPort"].as_u64().unwrap()).unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(&sound(1, 1, 9), ("127.0.0.1", port)).unwrap();
    admin.until("tuple");
    assert_eq!(server.ask_with(ADMIN, "DELETE", &place, None).0, 204);
    let mut events = Vec::new();
    while events.last() != Some(&json!(["router", "close"])) {
        let event = heard.next();
        events.push(json!([event["object"], event["event"]]));
    }
    assert!(events.contains(&json!(["producer", "new"])), "{events:?}");
    assert!(!events.contains(&json!(["transport", "tuple"])), "{events:?}");
}

#[test]
fn a_token_in_a_query_is_escaped_or_not() {
    let token = "base64/base64+base64/base64+base64+base64=";
    let tokens = format!("[{{ token = \"{token}\", scope = \"read\" }}]");
    let server = Server::start_with(&[("SHARDCAST_AUTH_TOKENS", &tokens)], &[]);
    let escaped = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for token in [token, &escaped] {
        let mut heard = server.follow(&format!("/v1/overview?access_token={token}"));
        assert_eq!(heard.next()["draining"], false);
    }
}

#[test]
fn a_participant_does_not_choose_names() {
    let server = guarded(&[]);
    let codecs = json!([{ "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 }]);
    let room = made(&server, ADMIN, "/v1/routers", json!({ "mediaCodecs": codecs }));
    let alice =
        made(&server, ADMIN, &format!("/v1/routers/{}/tokens", id(&room)), json!({ "subject": "alice" }));
    let alice = alice["token"].as_str().unwrap();
    let listen = json!({ "listenInfos": [{ "protocol": "udp", "ip": "127.0.0.1" }] });
    let transport = made(&server, alice, &format!("/v1/routers/{}/webrtc-transports", id(&room)), listen);
    let mut options = audio(1);
    let producers = format!("/v1/transports/{}/producers", id(&transport));
    made(&server, alice, &producers, options.clone());
    options["id"] = json!("somebody-elses");
    let (status, problem) = server.ask_with(alice, "POST", &producers, Some(&options));
    assert_eq!(status, 403, "{problem}");
    assert!(problem.contains("somebody-elses"), "{problem}");
    let data = json!({ "id": "somebody-elses" });
    let path = format!("/v1/transports/{}/data-producers", id(&transport));
    assert_eq!(server.ask_with(alice, "POST", &path, Some(&data)).0, 403);
    options["rtpParameters"] = audio(2)["rtpParameters"].clone();
    made(&server, ADMIN, &producers, options);
}

#[test]
fn a_participant_does_not_choose_sockets() {
    let server = guarded(&[("SHARDCAST_DEMO_ANNOUNCED_ADDRESS", "203.0.113.1")]);
    let room = made(&server, ADMIN, "/v1/routers", json!({}));
    let alice =
        made(&server, ADMIN, &format!("/v1/routers/{}/tokens", id(&room)), json!({ "subject": "alice" }));
    let alice = alice["token"].as_str().unwrap();
    let path = format!("/v1/routers/{}/webrtc-transports", id(&room));
    let with = |more: Value| {
        let mut info = json!({ "protocol": "udp", "ip": "127.0.0.1" });
        info.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "listenInfos": [{ "protocol": "udp", "ip": "127.0.0.1" }, info] })
    };
    for (field, value) in [
        ("port", json!(41_234)),
        ("portRange", json!({ "min": 41_234, "max": 41_240 })),
        ("flags", json!({ "udpReusePort": true })),
        ("sendBufferSize", json!(1)),
        ("recvBufferSize", json!(1)),
        ("ip", json!("127.0.0.2")),
        ("ip", json!("0.0.0.0")),
        ("announcedAddress", json!("203.0.113.2")),
    ] {
        let body = with(json!({ field: value }));
        let (status, problem) = server.ask_with(alice, "POST", &path, Some(&body));
        assert_eq!(status, 403, "{body}: {problem}");
        assert!(problem.contains(&format!("listenInfos[1].{field} is")), "{problem}");
    }
    let mut for_ever = with(json!({}));
    for_ever["iceConsentTimeout"] = json!(0);
    let (status, problem) = server.ask_with(alice, "POST", &path, Some(&for_ever));
    assert!(status == 403 && problem.contains("iceConsentTimeout is 0"), "{status} {problem}");
    made(&server, ADMIN, &path, for_ever);
    made(&server, ADMIN, &path, with(json!({ "ip": "127.0.0.2" })));
    let many =
        |count: usize| json!({ "listenInfos": vec![json!({ "protocol": "udp", "ip": "127.0.0.1" }); count] });
    let servers = "/v1/webrtc-servers";
    for (who, path, most) in [(alice, &*path, 4), (ADMIN, &*path, 8), (ADMIN, servers, 8)] {
        made(&server, who, path, many(most));
        let (status, problem) = server.ask_with(who, "POST", path, Some(&many(most + 1)));
        assert_eq!(status, 400, "{problem}");
        assert!(problem.contains(&format!("{most} at most")), "{problem}");
    }
    made(&server, alice, &path, with(json!({ "announcedAddress": "203.0.113.1" })));
}

#[test]
fn what_is_escaped_in_a_path_is_the_object_that_it_names() {
    let server = guarded(&[]);
    let room = made(&server, ADMIN, "/v1/routers", json!({}));
    let tokens = format!("/v1/routers/{}/tokens", id(&room));
    let [alice, bob] = ["alice", "bob"].map(|subject| {
        let token = made(&server, ADMIN, &tokens, json!({ "subject": subject }));
        token["token"].as_str().unwrap().to_owned()
    });
    let listen = json!({ "listenInfos": [{ "protocol": "udp", "ip": "127.0.0.1" }] });
    let transport = made(&server, &alice, &format!("/v1/routers/{}/webrtc-transports", id(&room)), listen);
    let escaped: String = id(&transport).bytes().map(|byte| format!("%{byte:02x}")).collect();
    let place = format!("/v1/transports/{escaped}");
    assert_eq!(server.ask_with(&bob, "DELETE", &place, None).0, 403);
    assert_eq!(server.ask_with(&alice, "DELETE", "/v1/transports/%ff", None).0, 400);
    assert_eq!(server.ask_with(&alice, "DELETE", &place, None).0, 204);
}

#[test]
fn signed_tokens_hold_for_their_audience() {
    let secret = "a secret of the backend that signs tokens";
    let variables = [("SHARDCAST_AUTH_JWT_SECRET", secret), ("SHARDCAST_AUTH_JWT_AUDIENCE", "here")];
    let server = Server::start_with(&variables, &[]);
    let token = |secret: &str, claims: Value| {
        let part = |text: String| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(json!({ "alg": "HS256" }).to_string()), part(claims.to_string()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
    };
    let never = 99_999_999_999_u64;
    let good = json!({ "scope": "admin", "exp": never, "aud": "here" });
    let asked = |token: String| server.ask_with(&token, "POST", "/v1/routers", None).0;
    assert_eq!(asked(token(secret, good.clone())), 201);
    assert_eq!(asked(token("another secret", good)), 401);
    assert_eq!(asked(token(secret, json!({ "scope": "admin", "exp": never, "aud": "there" }))), 401);
    assert_eq!(asked(token(secret, json!({ "scope": "admin", "exp": 1, "aud": "here" }))), 401);
    assert_eq!(asked(token(secret, json!({ "scope": "read", "exp": never, "aud": "here" }))), 403);
}

#[test]
fn more_requests_than_the_rate_are_told_to_wait() {
    let server = Server::start_with(&[("SHARDCAST_LIMITS_REQUESTS_PER_SECOND", "1")], &[]);
    let statuses: Vec<u16> = (0..20).map(|_| server.status("GET", "/healthz")).collect();
    assert_eq!(statuses[0], 200);
    assert!(statuses.contains(&429), "{statuses:?}");
}
