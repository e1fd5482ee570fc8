//! The control API over TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::Server;

const DEADLINE: Duration = Duration::from_secs(60);

/// Two files, until this is dropped.
pub(crate) struct Files {
    folder: PathBuf,
    certificate: CertificateDer<'static>,
}

impl Files {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("shardcast-tls-{name}-{}", std::process::id()));
        // Of a process that had this number before.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut files = Self { folder, certificate: CertificateDer::from(Vec::new()) };
        files.renew();
        files
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Another certificate, with another key.
    fn renew(&mut self) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let pem = |what: &str, der: &[u8]| {
            format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", STANDARD.encode(der))
        };
        std::fs::write(self.path("api.pem"), pem("CERTIFICATE", made.cert.der())).unwrap();
        let key = pem("PRIVATE KEY", &made.signing_key.serialize_der());
        std::fs::write(self.path("key.pem"), key).unwrap();
        self.certificate = made.cert.der().clone();
    }

    pub(crate) fn variables(&self) -> [(&'static str, String); 2] {
        [
            ("SHARDCAST_SERVER_CERTIFICATE", self.path("api.pem")),
            ("SHARDCAST_SERVER_PRIVATE_KEY", self.path("key.pem")),
        ]
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A connection of somebody who trusts this certificate and no other.
fn connect(server: &Server, trusted: &CertificateDer<'static>) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let config = Arc::new(config.with_no_client_auth());
    let stream = TcpStream::connect(server.at()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    StreamOwned::new(ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap(), stream)
}

fn ask(server: &Server, trusted: &CertificateDer<'static>, origin: &str) -> std::io::Result<String> {
    let mut stream = connect(server, trusted);
    let head = format!("GET /v1/routers HTTP/1.1\r\nHost: localhost\r\n{origin}Connection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn hang_up(server: &Server) {
    let pid = server.pid().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
}

#[test]
fn requests_and_events_go_over_tls_and_nothing_else_does() {
    let files = Files::new("serve");
    let variables = files.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    let server = Server::start_with(&variables, &[]);
    let answer = ask(&server, &files.certificate, "Origin: https://localhost\r\n").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = ask(&server, &files.certificate, "Origin: http://localhost\r\n").unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "that is another page: {answer}");
    assert!(ask(&server, &Files::new("stranger").certificate, "").is_err(), "it is not who it says");
    let mut plain = TcpStream::connect(server.at()).unwrap();
    plain.set_read_timeout(Some(DEADLINE)).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "an alert at most");

    let stream = connect(&server, &files.certificate);
    let mut events = tungstenite::client("wss://localhost/v1/events", stream).unwrap().0;
    let mut posting = connect(&server, &files.certificate);
    posting
        .write_all(b"POST /v1/routers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        .unwrap();
    let message = events.read().unwrap();
    let event: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
    assert_eq!((&event["object"], &event["event"]), (&json!("router"), &json!("new")));
}

#[test]
fn a_certificate_is_read_again_and_one_that_is_broken_is_not_taken() {
    let mut files = Files::new("again");
    let variables = files.variables();
    let mut variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    // It is asked as fast as it answers.
    variables.push(("SHARDCAST_LIMITS_REQUESTS_PER_SECOND", "0"));
    let server = Server::start_with(&variables, &[]);
    let first = files.certificate.clone();
    assert!(ask(&server, &first, "").is_ok());
    files.renew();
    assert!(ask(&server, &first, "").is_ok(), "nobody asked for it yet");
    hang_up(&server);
    let end = Instant::now() + DEADLINE;
    while ask(&server, &files.certificate, "").is_err() {
        assert!(Instant::now() < end, "it is not read again");
    }
    assert!(ask(&server, &first, "").is_err());
    std::fs::write(files.path("api.pem"), "nothing").unwrap();
    hang_up(&server);
    // Each is served after the signal was.
    assert!((0..5).all(|_| ask(&server, &files.certificate, "").is_ok()));
}

#[test]
fn handshakes_count_as_requests_and_more() {
    let files = Files::new("rate");
    let variables = files.variables();
    let mut variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    variables.push(("SHARDCAST_LIMITS_REQUESTS_PER_SECOND", "1"));
    let server = Server::start_with(&variables, &[]);
    let shakes = |_: &usize| {
        let mut stream = connect(&server, &files.certificate);
        while stream.conn.is_handshaking() {
            if stream.conn.complete_io(&mut stream.sock).is_err() {
                return false;
            }
        }
        true
    };
    let made = (0..50).filter(shakes).count();
    assert!((1..50).contains(&made), "{made} without a request");
}

#[test]
fn a_terminal_that_goes_away_ends_only_a_server_without_a_certificate() {
    let files = Files::new("terminal");
    let variables = files.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    // SIGHUP is the lowest bit. Who runs the tests may have told all its children to ignore it.
    let has = |server: &Server, mask: &str| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(mask)).unwrap();
        u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap() & 1 == 1
    };
    assert!(has(&Server::start_with(&variables, &[]), "SigCgt"));
    let mut plain = Server::start(&[]);
    assert!(!has(&plain, "SigCgt"));
    if !has(&plain, "SigIgn") {
        hang_up(&plain);
        assert_eq!(plain.wait(), None, "the signal ended it");
    }
}

#[test]
fn files_that_are_of_no_use_are_named() {
    let (files, others) = (Files::new("wrong"), Files::new("others"));
    let check = |certificate: &str, key: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shardcast"));
        command.arg("check-config");
        command.env("SHARDCAST_SERVER_CERTIFICATE", certificate).env("SHARDCAST_SERVER_PRIVATE_KEY", key);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (certificate, key) = (files.path("api.pem"), files.path("key.pem"));
    assert_eq!(check(&certificate, &key).0, Some(0));
    for (certificate, key, words) in [
        ("/nowhere.pem", &*key, "server.certificate is /nowhere.pem, which cannot be read"),
        (&*key, &*key, "in which there is no certificate"),
        (&*certificate, &*certificate, "server.private_key is"),
        (&*certificate, &*others.path("key.pem"), "which does not belong to the certificate"),
    ] {
        let (code, said) = check(certificate, key);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(words), "{words} is not in {said}");
    }
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_shardcast"));
    doctor.arg("doctor").env("SHARDCAST_SERVER_CERTIFICATE", &certificate);
    doctor.env("SHARDCAST_SERVER_PRIVATE_KEY", others.path("key.pem"));
    let said = String::from_utf8(doctor.output().unwrap().stdout).unwrap();
    assert!(said.contains("broken TLS: server.private_key is"), "{said}");
}
