//! Connections: how many there may be, and how long each may keep its place.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::auth::{ADMIN, guarded, made};
use crate::room::id;
use crate::support::Server;

const DEADLINE: Duration = Duration::from_secs(30);

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.at()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn ask(server: &Server, stream: &mut TcpStream) -> [u8; 12] {
    let head = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.at());
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// Whether the server closed it, whatever it said before.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        // With something unread.
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn connections_over_the_limit_wait_for_room() {
    let server = Server::start_with(&[("SHARDCAST_LIMITS_CONNECTIONS", "1")], &[]);
    let mut first = connect(&server);
    assert_eq!(&ask(&server, &mut first), b"HTTP/1.1 200");
    let mut second = connect(&server);
    let head = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.at());
    second.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    second.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(second.read(&mut answer).is_err(), "there is no room");
    drop(first);
    second.set_read_timeout(Some(DEADLINE)).unwrap();
    second.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[test]
fn whoever_says_nothing_makes_room_for_others() {
    let limits = [("SHARDCAST_LIMITS_CONNECTIONS", "4"), ("SHARDCAST_LIMITS_HEADER_SECONDS", "3")];
    let server = Server::start_with(&limits, &[]);
    let mut silent: Vec<_> = (0..3).map(|_| connect(&server)).collect();
    silent[1].write_all(b"GET /hea").unwrap();
    let mut idle = connect(&server);
    assert_eq!(&ask(&server, &mut idle), b"HTTP/1.1 200");
    silent.push(idle);
    assert_eq!(server.status("GET", "/healthz"), 200, "once they are gone");
    assert!(silent.iter_mut().all(is_closed));
    // And this one, where it takes that long to ask.
    assert!(server.metric("shardcast_api_connections_ended_total{reason=\"headers\"}") >= 4);
}

#[test]
fn a_body_that_does_not_come_is_waited_for_no_longer() {
    let server = Server::start_with(&[("SHARDCAST_LIMITS_BODY_SECONDS", "1")], &[]);
    for more in ["", "Idempotency-Key: k\r\n"] {
        let mut stream = connect(&server);
        let head = format!(
            "POST /v1/routers HTTP/1.1\r\nHost: {}\r\n{more}Content-Length: 10\r\n\r\n{{",
            server.at()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("urn:shardcast:too-slow"), "{answer}");
    }
    assert_eq!(server.get("/v1/routers"), json!([]));
}

#[test]
fn an_address_has_its_share_of_connections() {
    let server = Server::start_with(&[("SHARDCAST_LIMITS_CONNECTIONS_PER_ADDRESS", "2")], &[]);
    let mut first = [connect(&server), connect(&server)];
    for stream in &mut first {
        assert_eq!(&ask(&server, stream), b"HTTP/1.1 200");
    }
    assert!(is_closed(&mut connect(&server)), "the third");
    drop(first);
    let end = Instant::now() + DEADLINE;
    // That they are gone, the server hears when it looks.
    loop {
        let mut stream = connect(&server);
        let head = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.at());
        let _ = stream.write_all(head.as_bytes());
        let mut page = String::new();
        if stream.read_to_string(&mut page).is_ok() && !page.is_empty() {
            assert!(!page.contains("ended_total{reason=\"address\"} 0\n"), "{page}");
            assert!(page.contains("\nshardcast_api_connections 1\n"), "{page}");
            return;
        }
        assert!(Instant::now() < end, "there is never room again");
    }
}

#[test]
fn who_shows_no_token_keeps_no_connection() {
    let server = guarded(&[]);
    let ask = |path: &str, token: &str| {
        let mut stream = connect(&server);
        let head = format!("GET {path} HTTP/1.1\r\nHost: example.org\r\n{token}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 512];
        let count = stream.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..count]).to_lowercase();
        assert!(answer.starts_with("http/1.1 "), "{answer}");
        (stream, answer.contains("\r\nconnection: close\r\n"))
    };
    for (path, token) in [
        ("/healthz", ""),
        ("/v1/routers", ""),
        ("/v1/routers", "Authorization: Bearer unknown\r\n"),
        ("/v1/nothing", ""),
    ] {
        let (mut stream, is_last) = ask(path, token);
        assert!(is_last && is_closed(&mut stream), "{path}");
    }
    let (_, is_last) = ask("/v1/routers", &format!("Authorization: Bearer {ADMIN}\r\n"));
    assert!(!is_last, "others ask on");
}

#[test]
fn an_address_has_256_connections_unless_somebody_says_otherwise() {
    // Nobody is closed for saying nothing.
    let server = Server::start_with(&[("SHARDCAST_LIMITS_HEADER_SECONDS", "3600")], &[]);
    let mut many: Vec<_> = (0..256).map(|_| connect(&server)).collect();
    assert_eq!(&ask(&server, &mut many[255]), b"HTTP/1.1 200");
    assert!(is_closed(&mut connect(&server)), "one more");
}

#[test]
fn whoever_takes_nothing_of_what_it_asked_for_is_cut_off() {
    let server = Server::start_with(&[("SHARDCAST_LIMITS_IDLE_SECONDS", "1")], &[]);
    let mut stream = connect(&server);
    let head = format!("GET /v1/openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", server.at());
    // More than the sockets of both ends hold, and no more than one may ask at a time.
    let _ = stream.write_all(head.repeat(300).as_bytes());
    server.until("/metrics", "shardcast_api_connections_ended_total{reason=\"stalled\"} 1\n");
}

#[test]
fn a_websocket_whose_reader_answers_stays_and_another_goes() {
    let server = Server::start_with(&[("SHARDCAST_LIMITS_IDLE_SECONDS", "8")], &[]);
    let (mut reads, silent) = (server.events(""), server.events(""));
    let reader = std::thread::spawn(move || reads.next());
    server.until("/metrics", "shardcast_api_connections_ended_total{reason=\"silent\"} 1\n");
    server.until("/metrics", "shardcast_event_followers 1\n");
    let router = server.post("/v1/routers", json!({}));
    assert_eq!(reader.join().unwrap()["id"], router["id"]);
    drop(silent);
}

#[test]
fn a_websocket_ends_with_its_token() {
    let server = guarded(&[]);
    let room = made(&server, ADMIN, "/v1/routers", json!({}));
    // One that has ended before its first event was told was too short for this machine.
    let heard = [4, 12, 25].into_iter().find_map(|seconds| {
        let short = json!({ "subject": "alice", "seconds": seconds });
        let token = made(&server, ADMIN, &format!("/v1/routers/{}/tokens", id(&room)), short);
        let path = format!("/v1/events?after=0&access_token={}", token["token"].as_str().unwrap());
        let mut heard = server.try_follow(&path).ok()?;
        let first = heard.try_next()?;
        assert_eq!(first["event"], "new");
        Some(heard)
    });
    assert_eq!(heard.unwrap().end(), (1008, "the token has expired".to_owned()));
    let mut admin = server.follow(&format!("/v1/events?access_token={ADMIN}"));
    made(&server, ADMIN, "/v1/routers", json!({}));
    assert_eq!(admin.next()["event"], "new", "others go on");
}
