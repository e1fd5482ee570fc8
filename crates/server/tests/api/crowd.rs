//! A crowd that follows events: one of them reads nothing, others talk nonsense, and nobody else notices.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::call::Call;
use crate::room::id;
use crate::support::Server;

const FOLLOWERS: usize = 1_000;
const DEADLINE: Duration = Duration::from_secs(120);

/// A WebSocket that was taken, with nothing read of it.
fn follow(server: &Server, query: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.at()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let head = format!(
        "GET /v1/events{query} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.at()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Reads each of them until it was told of that object's end: how often each was told of something.
fn hear(crowd: &mut [TcpStream], name: &str) -> Vec<usize> {
    let end = format!("\"id\":\"{name}\",\"event\":\"close\"");
    let mut heard = vec![(String::new(), false); crowd.len()];
    crowd.iter().for_each(|stream| stream.set_nonblocking(true).unwrap());
    let until = Instant::now() + DEADLINE;
    while heard.iter().any(|(_, is_told)| !is_told) {
        assert!(Instant::now() < until, "somebody is not told");
        for (stream, (text, is_told)) in crowd.iter_mut().zip(&mut heard) {
            let mut buffer = [0; 16_384];
            if let Ok(len) = stream.read(&mut buffer) {
                let new = text.len().saturating_sub(end.len());
                // Frames have lengths between texts, which are no text.
                text.push_str(&String::from_utf8_lossy(&buffer[..len]));
                // What was searched before has nothing of it but perhaps its beginning.
                *is_told |= text.as_bytes()[new..].windows(end.len()).any(|found| found == end.as_bytes());
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    heard.iter().map(|(text, _)| text.matches("\"sequence\":").count()).collect()
}

/// Bytes of memory that a process has touched.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap() * 1_024
}

/// As many sockets as a thousand followers are, where the machine grants that.
fn raise_limit(pid: u32) {
    let raised = Command::new("prlimit").args(["--nofile=8192:", "--pid", &pid.to_string()]).output();
    assert!(raised.is_ok_and(|raised| raised.status.success()), "prlimit is of util-linux");
}

/// So many events of an object that nobody listens to yet, in one go.
fn make_noise(server: &Server, object: &str, turns: usize) {
    let mut stream = TcpStream::connect(server.at()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let ask = |turn: &str, last: &str| {
        let at = server.at();
        format!("POST {object}/{turn} HTTP/1.1\r\nHost: {at}\r\n{last}Content-Length: 0\r\n\r\n")
    };
    let both = ask("pause", "") + &ask("resume", "");
    let mut asking = stream.try_clone().unwrap();
    let rest = both.repeat(turns - 1) + &ask("pause", "") + &ask("resume", "Connection: close\r\n");
    let asking = std::thread::spawn(move || asking.write_all(rest.as_bytes()).unwrap());
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    asking.join().unwrap();
    assert_eq!(answers.matches("HTTP/1.1 204").count(), 2 * turns);
}

#[test]
fn a_thousand_followers_of_whom_one_stalls_cost_media_nothing() {
    // Nobody here answers pings, and nobody is to be sent away for that.
    let limits = [
        ("SHARDCAST_LIMITS_IDLE_SECONDS", "3600"),
        ("SHARDCAST_LIMITS_REQUESTS_PER_SECOND", "0"),
        ("SHARDCAST_LIMITS_CONNECTIONS_PER_ADDRESS", "0"),
    ];
    let server = Server::start_with(&limits, &[]);
    raise_limit(server.pid());
    raise_limit(std::process::id());
    let call = Call::start(&server, 10);
    let quiet = server.post("/v1/routers", json!({}));
    let transports = format!("/v1/routers/{}/direct-transports", id(&quiet));
    let transport = server.post(&transports, json!({}));
    let producer = server.post(&format!("/v1/transports/{}/data-producers", id(&transport)), json!({}));
    // More than sockets hold for somebody who does not read: from here on he is stalled.
    make_noise(&server, &format!("/v1/data-producers/{}", id(&producer)), 3_000);
    let stalled = follow(&server, "?after=0");
    let before = resident(server.pid());
    let mut crowd: Vec<TcpStream> = (1..FOLLOWERS).map(|_| follow(&server, "")).collect();
    server.until("/metrics", &format!("shardcast_event_followers {FOLLOWERS}\n"));
    call.goes_on(20);
    for _ in 0..50 {
        server.post(&transports, json!({}));
    }
    assert_eq!(server.status("DELETE", &format!("/v1/routers/{}", id(&quiet))), 204);
    let told = hear(&mut crowd, id(&quiet));
    let grown = resident(server.pid()).saturating_sub(before);
    // The router and what is in it ends, and all but the first transport began.
    assert!(told.iter().all(|told| *told >= 50 + 53), "{told:?}");
    assert!(grown < 64 * 1_024 * 1_024, "{grown} bytes for a thousand who listen");
    assert_eq!(call.lost(), [0; 10]);
    drop(stalled);
}

#[test]
fn a_follower_who_takes_nothing_for_too_long_is_cut_off() {
    let server = Server::start_with(&[("SHARDCAST_LIMITS_IDLE_SECONDS", "3")], &[]);
    let router = server.post("/v1/routers", json!({}));
    let transport = server.post(&format!("/v1/routers/{}/direct-transports", id(&router)), json!({}));
    let producer = server.post(&format!("/v1/transports/{}/data-producers", id(&transport)), json!({}));
    make_noise(&server, &format!("/v1/data-producers/{}", id(&producer)), 3_000);
    let stalled = follow(&server, "?after=0");
    server.until("/metrics", "shardcast_api_connections_ended_total{reason=\"stalled\"} 1\n");
    server.until("/metrics", "shardcast_event_followers 0\n");
    drop(stalled);
}

#[test]
fn websockets_full_of_nonsense_harm_nobody() {
    let server = Server::start(&[]);
    let call = Call::start(&server, 2);
    let mut events = server.events("?events=new");
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut byte = move || {
        // Marsaglia's xorshift: the same nonsense every time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_le_bytes()[3]
    };
    for round in 0..300 {
        let mut stream = follow(&server, "?after=0");
        // Of every kind of frame, masked or not, of a length that may not be that of what follows (RFC 6455 §5.2).
        for _ in 0..=byte() % 4 {
            let mut frame = vec![byte(), if round % 3 == 0 { byte() } else { 0x80 | (byte() & 0x3f) }];
            frame.extend((0..byte()).map(|_| byte()));
            if stream.write_all(&frame).is_err() {
                break;
            }
        }
        if round % 2 == 0 {
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
    }
    server.until("/metrics", "shardcast_event_followers 1\n");
    let router = server.post("/v1/routers", json!({}));
    assert_eq!(events.next()["id"], router["id"], "who behaves hears what happens");
    assert_eq!(call.lost(), [0; 2]);
}
