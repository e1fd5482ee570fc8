//! The binary as an operator meets it, against the server's binary. The peers are str0m's, so this is also another
//! stack's opinion of our ICE, DTLS and SRTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[test]
#[ignore = "needs the server's binary: the step load"]
fn everybody_in_a_room_gets_everything() {
    let server = Server::start();
    let output =
        server.load("--publishers 2 --subscribers 10 --video-bitrate 300k --duration 5s --max-loss 0%");
    let report = report(&output);
    assert_eq!(output.status.code(), Some(0), "{report:#}");

    let peers = json!({ "asked": 12, "began": 12, "connected": 12, "satisfied": 12, "failed": 0 });
    assert_eq!((&report["peers"], &report["failures"]), (&peers, &json!({})));
    let count = |path: &str| report.pointer(path).unwrap_or_else(|| panic!("{path}")).as_u64().unwrap();
    for (path, expected) in [
        ("/joiningMs/total/count", 12),
        ("/joiningMs/api/count", 12),
        ("/joiningMs/ice/count", 12),
        ("/joiningMs/dtls/count", 12),
        // Each subscriber takes sound and pictures of both.
        ("/joiningMs/firstPacket/count", 40),
        ("/keyFrameWaitMs/count", 20),
        ("/longestSilenceMs/count", 40),
        ("/loss/ofStreamsPercent/count", 40),
        ("/loss/lostPackets", 0),
        ("/own/strangePackets", 0),
    ] {
        assert_eq!(count(path), expected, "{path}");
    }

    // The parts make up the whole, and nobody has received what nobody sent.
    let received = count("/traffic/receivedPackets");
    assert_eq!(received, count("/loss/expectedPackets"));
    assert_eq!(received, count("/latencyMs/all/count"));
    assert_eq!(received, count("/latencyMs/whileJoining/count") + count("/latencyMs/afterwards/count"));
    let sent = count("/traffic/sentPackets");
    // Five seconds of two streams each of at least 30 frames a second, a good part of which is lost on no machine.
    assert!(sent > 400 && received > 5 * sent && received <= 10 * sent, "{sent} {received}");
    let key_frames = count("/traffic/keyFrames");
    assert!((2..=count("/traffic/keyFrameRequests") + 2).contains(&key_frames), "{key_frames}");
    for path in ["/joiningMs/total", "/latencyMs/all", "/longestSilenceMs"] {
        let value = |of: &str| report.pointer(path).unwrap()[of].as_f64().unwrap();
        let rising = [value("p50"), value("p90"), value("p99"), value("max")];
        assert!(rising.is_sorted() && rising[0] > 0.0, "{path} {rising:?}");
    }
    assert_eq!(server.get("/v1/routers"), json!([]), "it closes its rooms");
}

#[test]
#[ignore = "needs the server's binary: the step load"]
fn rooms_are_apart_and_a_missed_threshold_is_an_exit_code() {
    let server = Server::start();
    let output = server.load(
        "--rooms 2 --publishers 2 --subscribers 2 --watch 1 --idle 1 --no-video --duration 1s --max-p99 1us --threads 2",
    );
    let report = report(&output);
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    let peers = json!({ "asked": 10, "began": 10, "connected": 10, "satisfied": 10, "failed": 0 });
    assert_eq!(report["peers"], peers);
    assert_eq!(report["joiningMs"]["firstPacket"]["count"], 4, "each watches one");
    assert_eq!(report["keyFrameWaitMs"], Value::Null);
    assert_eq!(report["own"]["strangePackets"], 0);
    let missed: Vec<&Value> = report["thresholds"].as_array().unwrap().iter().collect();
    assert_eq!((&missed[0]["met"], &missed[1]["met"]), (&json!(true), &json!(false)));
    assert_eq!(missed[1]["argument"], "--max-p99");
}

#[test]
#[ignore = "needs the server's binary: the step load"]
fn an_interrupted_run_reports_what_there_is() {
    let server = Server::start();
    let load = server
        .command("--publishers 1 --subscribers 2 --no-video --max-loss 100% --duration 10m")
        .spawn()
        .unwrap();
    // Two consumers: everybody has asked for what they want.
    server.until(|server| {
        let rooms = server.get("/v1/routers");
        let Some(id) = rooms[0]["id"].as_str() else { return false };
        let room = server.get(&format!("/v1/routers/{id}"));
        room["mapConsumerIdProducerId"].as_array().is_some_and(|consumers| consumers.len() == 2)
    });
    let pid = load.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = load.wait_with_output().unwrap();
    let report = report(&output);
    assert_eq!((&report["interrupted"], &report["peers"]["began"]), (&json!(true), &json!(3)));
    // Whether the last had its first packet by then is not known here.
    let expected = if report["joiningTookS"].is_null() { 130 } else { 0 };
    assert_eq!((output.status.code(), &report["peers"]["failed"]), (Some(expected), &json!(0)), "{report:#}");
    assert_eq!(server.get("/v1/routers"), json!([]));
}

#[test]
fn what_cannot_be_done_is_said_with_an_exit_code() {
    let run = |arguments: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_shardcast-load"))
            .args(arguments.split_whitespace())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, _) = run("--help");
    assert!(code == Some(0) && out.contains("usage: shardcast-load") && out.contains("exit codes"), "{out}");
    let (code, _, said) = run("--romos 3");
    assert!(code == Some(2) && said.contains("`--romos` is not an argument"), "{said}");
    // Nobody listens on the port of discard.
    let (code, _, said) = run("--server http://127.0.0.1:9");
    assert!(code == Some(3) && said.contains("cannot be reached"), "{said}");
    let (code, _, said) = run("--idle 4000000");
    assert!(code == Some(3) && said.contains("ulimit -n"), "{said}");
}

/// A server on a port of the kernel's choice, until this is dropped.
struct Server {
    process: Child,
    at: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(server_binary());
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.contains("http://")).expect("it says where it listens");
        let at = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
        let at = at.parse().unwrap();
        // Somebody has to read what else it says.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, at }
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shardcast-load"));
        command.args(["--server", &format!("http://{}", self.at), "--json", "-", "--quiet"]);
        // A slow machine may take its time.
        command.args(["--join-timeout", "60s"]).args(arguments.split_whitespace());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn load(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn get(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(self.at).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.at);
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so(self) {
            assert!(Instant::now() < deadline, "it never is");
            // Who asks all the time is who the server has to do with.
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has seen then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where `cargo xtask test` says that it is, or built: cargo names what it has built to the tests of the same package only.
fn server_binary() -> PathBuf {
    if let Some(built) = std::env::var_os("SHARDCAST_TEST_SERVER") {
        return built.into();
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "shardcast-server", "--bin", "shardcast", "--locked", "--quiet"]);
    let output =
        cargo.args(["--message-format", "json"]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut built = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    built.next().unwrap()
}

fn report(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}
