//! The examples in `docs/examples/`: that the backends do what the README says of them, and that it shows all as they are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::Server;

const ADMIN: &str = "the-backend-may-do-everything-and-is-trusted";

/// One that runs until this is dropped.
struct Backend {
    process: Child,
    at: String,
}

impl Backend {
    fn start(program: &str, file: &str, server: &Server) -> Self {
        let mut command = Command::new(program);
        command.arg(root().join("docs/examples").join(file)).env_remove("PORT").env("TOKEN", ADMIN);
        command.env("SHARDCAST", format!("http://{}", server.at())).stderr(Stdio::null());
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let at = line.trim().strip_prefix("http://").unwrap().to_owned();
        Self { process, at }
    }

    /// Status and body.
    fn ask(&self, path: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.at).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            self.at
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        // One of them answers in chunks.
        let body = answer.find('{').zip(answer.rfind('}')).map(|(from, to)| &answer[from..=to]);
        (status, serde_json::from_str(body.unwrap_or("null")).unwrap())
    }

    fn room(&self, path: &str) -> Value {
        let (status, room) = self.ask(path);
        assert_eq!(status, 200, "{path}: {room}");
        room
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serves_rooms(program: &str, file: &str) {
    let start = |at: &str| {
        let tokens = format!("[{{ token = \"{ADMIN}\", scope = \"admin\" }}]");
        Server::start_at(at, &[("SHARDCAST_AUTH_TOKENS", &tokens)], &[])
    };
    let server = start("127.0.0.1:0");
    let backend = Backend::start(program, file, &server);
    let [ada, ben] = ["ada", "ben"].map(|name| backend.room(&format!("/rooms/tea?name={name}")));
    assert_eq!(ada["id"], ben["id"], "they are in the same room");
    assert_ne!(ada["id"], backend.room("/rooms/coffee?name=ada")["id"]);
    let kinds: Vec<&Value> =
        ada["rtpCapabilities"]["codecs"].as_array().unwrap().iter().map(|codec| &codec["mimeType"]).collect();
    assert!(kinds.contains(&&json!("audio/opus")) && kinds.contains(&&json!("video/VP8")), "{ada}");

    let token = ada["token"].as_str().unwrap();
    let listen = json!({ "listenInfos": [{ "protocol": "udp", "ip": "127.0.0.1" }] });
    let path = format!("/v1/routers/{}/webrtc-transports", ada["id"].as_str().unwrap());
    let (status, made) = server.ask_with(token, "POST", &path, Some(&listen));
    assert_eq!(status, 201, "{made}");
    assert_eq!(server.ask_with(token, "POST", "/v1/routers", Some(&json!({}))).0, 403, "it is no admin");

    assert_eq!(backend.ask("/rooms/tea").0, 502, "nobody has no name");
    assert_eq!(backend.room("/rooms/tea?name=cleo")["id"], ada["id"], "and that harms nobody");
    let at = server.at().to_string();
    drop(server);
    assert_eq!(backend.ask("/rooms/tea?name=ada").0, 502);
    let _server = start(&at);
    assert_eq!(backend.ask("/rooms/tea?name=ada").0, 502, "the room is gone");
    assert_ne!(backend.room("/rooms/tea?name=ada")["id"], ada["id"], "and there is another");
}

#[test]
fn the_backend_in_node_serves_rooms() {
    serves_rooms("node", "backend.mjs");
}

#[test]
#[ignore = "needs Python"]
fn the_backend_in_python_serves_rooms() {
    serves_rooms("python3", "backend.py");
}

#[test]
fn the_readme_shows_them_as_they_are() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for (file, language) in [("drop-in.mjs", "js"), ("backend.mjs", "js"), ("backend.py", "python")] {
        let text = std::fs::read_to_string(root().join("docs/examples").join(file)).unwrap();
        assert!(readme.contains(&format!("\n```{language}\n{text}```\n")), "{file} is another in the README");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
