//! Pages of others, as far as they may ask.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::auth::{ADMIN, guarded};
use crate::support::Server;

const FRIEND: &str = "http://localhost:3000";

/// The head of the answer, in small letters, as a browser sees it.
fn ask(server: &Server, method: &str, origin: &str, more: &str) -> String {
    let mut stream = TcpStream::connect(server.at()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "{method} /v1/routers HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nConnection: close\r\n{more}\r\n",
        server.at()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().0.to_ascii_lowercase()
}

const BEFOREHAND: &str =
    "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type\r\n";

#[test]
fn a_page_that_may_ask_is_told_so_and_gets_its_answers() {
    let server = guarded(&[("SHARDCAST_SERVER_ALLOWED_ORIGINS", "[\"http://localhost:3000\"]")]);
    let may = ask(&server, "OPTIONS", FRIEND, BEFOREHAND);
    assert!(may.starts_with("http/1.1 204"), "{may}");
    for header in [
        "access-control-allow-origin: http://localhost:3000",
        "access-control-allow-methods: get, post, put, delete",
        "access-control-allow-headers: authorization, content-type, idempotency-key",
        "vary: origin",
    ] {
        assert!(may.contains(header), "{header} is not in {may}");
    }
    let token = format!("Authorization: Bearer {ADMIN}\r\n");
    let answer = ask(&server, "GET", FRIEND, &token);
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(answer.contains("access-control-allow-origin: http://localhost:3000"), "{answer}");
    // What went wrong is for the page to read, too; and who it is does not make up for a token.
    let answer = ask(&server, "GET", FRIEND, "");
    assert!(answer.starts_with("http/1.1 401") && answer.contains("access-control-allow-origin"), "{answer}");
    for other in
        ["http://localhost:3001", "https://localhost:3000", "null", "http://localhost:3000.example.org"]
    {
        let answer = ask(&server, "OPTIONS", other, BEFOREHAND);
        assert!(!answer.starts_with("http/1.1 2") && !answer.contains("access-control"), "{other}: {answer}");
        let answer = ask(&server, "GET", other, &token);
        assert!(!answer.contains("access-control"), "{other}: {answer}");
    }
}

#[test]
fn without_tokens_named_pages_may_ask_and_others_may_not() {
    let origins = ("SHARDCAST_SERVER_ALLOWED_ORIGINS", "[\"http://localhost:3000\"]");
    let server = Server::start_with(&[origins], &[]);
    assert!(ask(&server, "OPTIONS", FRIEND, BEFOREHAND).starts_with("http/1.1 204"));
    assert!(ask(&server, "GET", FRIEND, "").starts_with("http/1.1 200"));
    assert!(ask(&server, "OPTIONS", "http://example.org", BEFOREHAND).starts_with("http/1.1 403"));
    assert!(ask(&server, "GET", "http://example.org", "").starts_with("http/1.1 403"));
    let server = Server::start(&[]);
    assert!(ask(&server, "OPTIONS", FRIEND, BEFOREHAND).starts_with("http/1.1 403"), "nobody is named");
}
