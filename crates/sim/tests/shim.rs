//! The relay between real sockets: what the model loses is lost, everything else arrives, and the log says so.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::io::{BufRead as _, BufReader, Lines};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The program, and what it says.
struct Shim {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    a: SocketAddr,
    b: SocketAddr,
}

impl Shim {
    fn start(arguments: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shim"));
        command.args(arguments.split_whitespace()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = |name| text(&first, name).parse().unwrap();
        Self { child, a: address("a"), b: address("b"), lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        // It never ends by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A text of a line of JSON without anything inside anything.
fn text<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!("\"{name}\":\"")).unwrap();
    rest.split_once('"').unwrap().0
}

fn number(line: &str, name: &str) -> u64 {
    let (_, rest) = line.split_once(&format!("\"{name}\":")).unwrap();
    rest.split_once([',', '}']).unwrap().0.parse().unwrap()
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> (u8, SocketAddr) {
    let mut bytes = [0; 100];
    let (len, from) = socket.recv_from(&mut bytes).unwrap();
    assert_eq!(len, 100);
    (bytes[0], from)
}

#[test]
fn what_the_model_loses_is_lost_and_everything_else_arrives_in_order() {
    let (alice, bob) = (socket(), socket());
    let told = bob.local_addr().unwrap();
    let mut shim =
        Shim::start(&format!("--b {told} --log --a-to-b every=4:1:2,delay=10 --b-to-a every=2:1:0"));
    for n in 0..20 {
        alice.send_to(&[n; 100], shim.a).unwrap();
    }
    for n in (0..20).filter(|n| n % 4 != 2) {
        assert_eq!(receive(&bob), (n, shim.b), "who is told is where it comes from");
    }
    // Nobody said where Alice is: she is who sent last.
    for n in 0..4 {
        bob.send_to(&[n; 100], shim.b).unwrap();
    }
    for n in [1, 3] {
        assert_eq!(receive(&alice), (n, shim.a));
    }
    let lines: Vec<_> = (0..24).map(|_| shim.line()).collect();
    let (lost, sent): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.contains("\"lost\":\"loss\""));
    assert_eq!((lost.len(), sent.len()), (7, 17));
    for line in sent {
        let [received, sent, done] = ["received_ns", "sent_ns", "done_ns"].map(|name| number(line, name));
        let delay = if text(line, "way") == "a-to-b" { 10_000_000 } else { 0 };
        assert!(received + delay <= sent && sent <= done, "{line}");
        assert!(text(line, "head").starts_with(&format!("{0:02x}{0:02x}", number(line, "number"))), "{line}");
    }
}

#[test]
fn one_seed_one_loss() {
    let lost = |seed: u64| -> Vec<bool> {
        let (alice, bob) = (socket(), socket());
        let told = bob.local_addr().unwrap();
        let mut shim = Shim::start(&format!("--b {told} --log --seed {seed} --a-to-b loss=30"));
        (0..50)
            .map(|n| {
                alice.send_to(&[n; 100], shim.a).unwrap();
                shim.line().contains("lost")
            })
            .collect()
    };
    assert_eq!(lost(5), lost(5));
    assert_ne!(lost(5), lost(6));
}
