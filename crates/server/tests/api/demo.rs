//! The demo call, from the inside: who is in a room, and what a token of it allows.

use std::io::Read;
use std::time::Instant;

use serde_json::{Value, json};

use crate::room::{audio, id};
use crate::support::{Follower, Server};

/// Somebody in a room.
struct Guest {
    socket: Follower,
    welcome: Value,
}

impl Guest {
    fn enter(server: &Server, room: &str, more: &str) -> Self {
        let mut socket = server.follow(&format!("/demo/rooms/{room}?{more}"));
        let welcome = socket.next()["welcome"].clone();
        assert!(welcome["token"].is_string(), "{welcome}");
        Self { socket, welcome }
    }

    /// The next time that it is told who is there: it is told that the connection works, too.
    fn people(&mut self) -> Value {
        loop {
            let said = self.socket.next();
            if said["people"].is_array() {
                return said["people"].clone();
            }
        }
    }

    fn token(&self) -> &str {
        self.welcome["token"].as_str().unwrap()
    }

    fn made(&self, server: &Server, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(server, "POST", path, Some(body));
        assert_eq!(status, 201, "{path}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    fn ask(&self, server: &Server, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let headers = format!("Host: {}\r\nAuthorization: Bearer {}", server.at(), self.token());
        server.ask_as(&headers, method, path, body)
    }

    fn speak(&self, server: &Server) -> (Value, Value) {
        let router = self.welcome["router"].as_str().unwrap();
        let listen = json!({ "listenInfos": self.welcome["listenInfos"] });
        let transport = self.made(server, &format!("/v1/routers/{router}/webrtc-transports"), &listen);
        let mut sound = audio(1);
        sound["rtpParameters"]["mid"] = json!("0");
        sound["appData"] = json!({ "source": "microphone" });
        let producer = self.made(server, &format!("/v1/transports/{}/producers", id(&transport)), &sound);
        (transport, producer)
    }
}

#[test]
fn who_is_in_a_room_hears_of_the_others_and_of_what_they_show() {
    let server = Server::start(&[]);
    let mut ada = Guest::enter(&server, "tea", "name=Ada");
    assert_eq!(ada.people(), json!([{ "id": ada.welcome["person"], "name": "Ada", "producers": [] }]));
    let mut ben = Guest::enter(&server, "tea", "name=Ben");
    assert_eq!(ben.welcome["router"], ada.welcome["router"]);
    assert_eq!(ada.people()[1]["name"], "Ben");
    let (transport, producer) = ben.speak(&server);
    let shown = json!({ "id": producer["id"], "kind": "audio", "source": "microphone", "paused": false });
    assert_eq!(ada.people()[1]["producers"], json!([shown]));
    let place = format!("/v1/producers/{}", id(&producer));
    assert_eq!(ada.ask(&server, "POST", &format!("{place}/pause"), None).0, 403, "it is Ben's");
    assert_eq!(ben.ask(&server, "POST", &format!("{place}/pause"), None).0, 204);
    assert_eq!(ada.people()[1]["producers"][0]["paused"], true);

    let other = Guest::enter(&server, "coffee", "name=Cid");
    assert_ne!(other.welcome["router"], ada.welcome["router"]);
    let router = format!("/v1/routers/{}", ada.welcome["router"].as_str().unwrap());
    assert_eq!(other.ask(&server, "GET", &router, None).0, 403, "a token is for one room");

    ben.socket.say("leave");
    while ada.people().as_array().unwrap().len() > 1 {}
    server.until_status(&format!("/v1/transports/{}", id(&transport)), 404);
    ada.socket.say("leave");
    server.until_status(&router, 404);
}

#[test]
fn who_comes_back_is_who_it_was() {
    let server = Server::start(&[]);
    let mut ada = Guest::enter(&server, "tea", "name=Ada");
    let ben = Guest::enter(&server, "tea", "name=Ben");
    let (transport, _) = ben.speak(&server);
    let again = Guest::enter(&server, "tea", &format!("name=Benjamin&access_token={}", ben.token()));
    assert_eq!(again.welcome["person"], ben.welcome["person"]);
    drop(ben);
    let place = format!("/v1/transports/{}", id(&transport));
    assert_eq!(again.ask(&server, "GET", &place, None).0, 200, "it is the same person's");
    while ada.people()[1]["name"] != "Benjamin" {}
    let stranger = Guest::enter(&server, "milk", &format!("name=Ben&access_token={}", again.token()));
    assert_ne!(stranger.welcome["person"], again.welcome["person"], "the token is for another room");
}

#[test]
fn who_has_left_makes_nothing_more() {
    let server = Server::start(&[]);
    let ada = Guest::enter(&server, "tea", "name=Ada");
    let mut ben = Guest::enter(&server, "tea", "name=Ben");
    let (transport, producer) = ben.speak(&server);
    let follow = |guest: &Guest| server.events(&format!("?after=0&access_token={}", guest.token()));
    let [mut of_ada, mut of_ben] = [&ada, &ben].map(follow);
    ben.socket.say("leave");
    assert_eq!(of_ben.end(), (1008, "whom the token is for has left the room".to_owned()));
    server.until_status(&format!("/v1/transports/{}", id(&transport)), 404);
    while of_ada.until("close")["id"] != transport["id"] {}
    let router = format!("/v1/routers/{}", ben.welcome["router"].as_str().unwrap());
    let listen = json!({ "listenInfos": ben.welcome["listenInfos"] });
    for (method, path, body) in [
        ("POST", format!("{router}/webrtc-transports"), Some(&listen)),
        ("GET", router, None),
        ("GET", format!("/v1/producers/{}", id(&producer)), None),
    ] {
        let (status, problem) = ben.ask(&server, method, &path, body);
        assert_eq!(status, 403, "{method} {path}: {problem}");
        assert!(problem.contains("not in the room of the demo"), "{problem}");
    }
    ada.speak(&server);
    let again = Guest::enter(&server, "tea", &format!("name=Ben&access_token={}", ben.token()));
    assert_eq!(again.welcome["person"], ben.welcome["person"]);
    ben.speak(&server);

    // Once the room is gone, what happened in it is read by nobody who was there.
    let [mut of_ada, mut of_again] = [&ada, &again].map(follow);
    let room = format!("/v1/routers/{}", ada.welcome["router"].as_str().unwrap());
    let [mut ada, mut again] = [ada, again];
    ada.socket.say("leave");
    again.socket.say("leave");
    server.until_status(&room, 404);
    for open in [&mut of_ada, &mut of_again] {
        assert_eq!(open.end(), (1008, "whom the token is for has left the room".to_owned()));
    }
    let (status, problem) = ada.ask(&server, "GET", "/v1/events?after=0", None);
    assert_eq!(status, 403, "{problem}");
    assert!(problem.contains("not in the room of the demo"), "{problem}");
}

#[test]
fn however_much_changes_the_others_are_told_in_turn_and_how_it_is_in_the_end() {
    let server = Server::start(&[]);
    let mut ada = Guest::enter(&server, "tea", "name=Ada");
    let ben = Guest::enter(&server, "tea", "name=Ben");
    let (_, producer) = ben.speak(&server);
    while ada.people()[1]["producers"][0].is_null() {}
    let start = Instant::now();
    let place = format!("/v1/producers/{}", id(&producer));
    for _ in 0..100 {
        for what in ["pause", "resume"] {
            assert_eq!(ben.ask(&server, "POST", &format!("{place}/{what}"), None).0, 204);
        }
    }
    assert_eq!(ben.ask(&server, "DELETE", &place, None).0, 204);
    let mut lists = 0;
    loop {
        lists += 1;
        if ada.people()[1]["producers"] == json!([]) {
            break;
        }
    }
    // One at once, and then one in each tenth of a second.
    let most = start.elapsed().as_millis() / 100 + 2;
    assert!(lists <= most, "{lists} lists in {:?}", start.elapsed());
}

#[test]
fn who_cannot_come_in_is_told_why() {
    let variables = [("SHARDCAST_DEMO_ROOMS", "1"), ("SHARDCAST_DEMO_PEOPLE", "1")];
    let server = Server::start_with(&variables, &[]);
    let ada = Guest::enter(&server, "tea", "name=Ada");
    for (room, name, words) in [
        ("tea", "Ben", "the room is full"),
        ("coffee", "Ben", "as many rooms"),
        ("te%20a", "Ben", "a room's name"),
        ("tea", "%20", "your name"),
    ] {
        let said = server.follow(&format!("/demo/rooms/{room}?name={name}")).next();
        assert!(said["refused"].as_str().unwrap().contains(words), "{said}");
    }
    server.terminate();
    server.until_status("/readyz", 503);
    let again = Guest::enter(&server, "tea", &format!("name=Ada&access_token={}", ada.token()));
    assert_eq!(again.welcome["person"], ada.welcome["person"], "rooms that are there go on");
}

#[test]
fn a_room_that_is_closed_over_the_api_ends_the_visit_and_is_made_anew() {
    let server = Server::start(&[]);
    let mut ada = Guest::enter(&server, "tea", "name=Ada");
    ada.people();
    let router = format!("/v1/routers/{}", ada.welcome["router"].as_str().unwrap());
    assert_eq!(server.status("DELETE", &router), 204);
    ada.socket.until_end();
    let again = Guest::enter(&server, "tea", &format!("name=Ada&access_token={}", ada.token()));
    assert_ne!(again.welcome["router"], ada.welcome["router"]);
}

#[test]
fn pages_of_others_do_not_enter() {
    let server = Server::start_with(
        &[
            ("SHARDCAST_AUTH_JWT_SECRET", &"s".repeat(32)),
            ("SHARDCAST_DEMO_ENABLED", "true"),
            ("SHARDCAST_SERVER_ALLOWED_ORIGINS", "[\"https://example.org\", \"https://other.example.org\"]"),
        ],
        &[],
    );
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let ask = |host: &str, origin: &str| {
        let mut stream = std::net::TcpStream::connect(server.at()).unwrap();
        let head = format!(
            "GET /demo/rooms/tea?name=Ada HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{upgrade}\r\n\r\n"
        );
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    };
    for host in ["example.org", "192.0.2.1:8480", "[2001:db8::1]", "localhost:8480"] {
        assert_eq!(ask(host, &format!("https://{host}")), "HTTP/1.1 101", "{host}");
    }
    for (host, origin) in [
        ("example.org", "https://example.com"),
        ("example.org", "https://other.example.org"),
        ("example.org", "null"),
        // Whose name was made to point here.
        ("rebound.example.com", "https://rebound.example.com"),
        ("192.0.2.1.example.com", "https://192.0.2.1.example.com"),
    ] {
        assert_eq!(ask(host, origin), "HTTP/1.1 403", "{host} {origin}");
    }
}

#[test]
fn with_tokens_there_is_no_demo_unless_it_is_asked_for() {
    let auth = ("SHARDCAST_AUTH_JWT_SECRET", &*"s".repeat(32));
    let paths = ["/demo", "/demo/demo.js", "/demo/mediasoup-client.js"];
    let found = |variables: &[(&str, &str)]| {
        let server = Server::start_with(variables, &[]);
        paths.map(|path| server.status("GET", path))
    };
    assert_eq!(found(&[auth]), [401; 3], "as any path that is not there");
    assert_eq!(found(&[auth, ("SHARDCAST_DEMO_ENABLED", "true")]), [200; 3]);
    assert_eq!(found(&[]), [200; 3]);
    assert_eq!(found(&[("SHARDCAST_DEMO_ENABLED", "false")]), [404; 3]);
}
