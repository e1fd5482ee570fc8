//! The agent against the ICE agent of str0m: a full one, controlling, over links in virtual time.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ice::{Agent, Credentials, State, Tuple, Verdict, consent_timeout};
use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds, Protocol};
use wire::Mono;
use wire::stun::Message;

const PASSWORD: &str = "passwordpasswordpasswordpassword";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Both agents and what lies between them. Packets to a server address that is `cut` are lost, both ways.
struct Call {
    /// The foreign agent counts in std's time; only differences matter to it.
    origin: Instant,
    elapsed: Duration,
    theirs: IceAgent,
    ours: Agent<SocketAddr>,
    cut: Vec<SocketAddr>,
    nominated: Option<(SocketAddr, SocketAddr)>,
    refused: u32,
}

impl Call {
    fn new() -> Self {
        let mut theirs = IceAgent::new(IceCreds { ufrag: "peer".to_owned(), pass: "p".repeat(24) });
        theirs.set_controlling(true);
        theirs.set_remote_credentials(IceCreds { ufrag: "local".to_owned(), pass: PASSWORD.to_owned() });
        Self {
            #[expect(clippy::disallowed_methods, reason = "the foreign agent knows no other origin of time")]
            origin: Instant::now(),
            elapsed: Duration::ZERO,
            theirs,
            ours: Agent::new(Credentials::new("local", PASSWORD), consent_timeout(30)),
            cut: Vec::new(),
            nominated: None,
            refused: 0,
        }
    }

    fn connect(mut self, clients: &[&str], servers: &[&str]) -> Self {
        for client in clients {
            self.theirs.add_local_candidate(Candidate::host(address(client), "udp").unwrap());
        }
        for server in servers {
            self.theirs.add_remote_candidate(Candidate::host(address(server), "udp").unwrap());
        }
        self
    }

    /// Lets time pass in steps of 10 ms.
    fn run(&mut self, duration: Duration) {
        let end = self.elapsed + duration;
        while self.elapsed < end {
            self.elapsed += Duration::from_millis(10);
            self.theirs.handle_timeout(self.origin + self.elapsed);
            self.exchange();
            self.ours.handle_timeout(self.now());
        }
    }

    fn now(&self) -> Mono {
        Mono::ZERO + self.elapsed
    }

    fn exchange(&mut self) {
        while let Some(sent) = self.theirs.poll_transmit() {
            if self.cut.contains(&sent.destination) {
                continue;
            }
            let mut out = [0; 200];
            let from = Tuple { local: sent.destination, remote: sent.source };
            let message = Message::parse(&sent.contents).unwrap();
            let outcome = self.ours.handle(self.now(), from, &message, &mut out);
            if outcome.verdict != Verdict::Granted {
                self.refused += 1;
            }
            let answer = &out[..outcome.answer_len];
            assert!(!answer.is_empty() && answer.len() <= sent.contents.len());
            let packet = StunPacket {
                proto: Protocol::Udp,
                source: sent.destination,
                destination: sent.source,
                message: StunMessage::parse(answer).unwrap(),
            };
            self.theirs.handle_packet(self.origin + self.elapsed, packet);
        }
        while let Some(event) = self.theirs.poll_event() {
            if let IceAgentEvent::NominatedSend { source, destination, .. } = event {
                self.nominated = Some((source, destination));
            }
        }
    }
}

#[test]
fn they_connect_over_what_the_other_side_nominates() {
    let mut call = Call::new().connect(&["192.0.2.7:4000"], &["198.51.100.1:3478"]);
    call.run(Duration::from_secs(5));
    assert_eq!(call.ours.state(), State::Completed);
    let (client, server) = call.nominated.unwrap();
    assert_eq!(call.ours.selected(), Some(Tuple { local: server, remote: client }));
    assert!(call.theirs.state().is_connected());
    assert_eq!(call.refused, 0);
}

#[test]
fn both_families_are_checked_and_one_is_agreed_on() {
    let mut call = Call::new().connect(
        &["192.0.2.7:4000", "[2001:db8::7]:4000", "192.0.2.99:5000"],
        &["198.51.100.1:3478", "[2001:db8::1]:3478"],
    );
    call.run(Duration::from_secs(10));
    assert_eq!(call.ours.state(), State::Completed);
    let (client, server) = call.nominated.unwrap();
    assert_eq!(call.ours.selected(), Some(Tuple { local: server, remote: client }));
    assert!(call.ours.tuples().count() >= 2, "all pairs of one family were checked");
}

#[test]
fn a_path_that_breaks_is_left_and_consent_survives_it() {
    let servers = ["198.51.100.1:3478", "198.51.100.2:3478"];
    let mut call = Call::new().connect(&["192.0.2.7:4000"], &servers);
    call.run(Duration::from_secs(5));
    let used = call.ours.selected().unwrap().local;
    call.cut.push(used);
    call.run(Duration::from_secs(40));
    let now_used = call.ours.selected().unwrap().local;
    assert_ne!(now_used, used);
    assert_eq!(call.nominated.map(|(_, server)| server), Some(now_used));
    assert_eq!(call.ours.state(), State::Completed);
}

#[test]
fn consent_lasts_while_they_check_and_ends_when_nothing_comes() {
    let mut call = Call::new().connect(&["192.0.2.7:4000"], &["198.51.100.1:3478"]);
    call.run(Duration::from_secs(120));
    assert_eq!(call.ours.state(), State::Completed);
    call.cut.push(address("198.51.100.1:3478"));
    call.run(Duration::from_secs(25));
    assert_eq!(call.ours.state(), State::Completed);
    call.run(Duration::from_secs(10));
    assert_eq!((call.ours.state(), call.ours.selected()), (State::Disconnected, None));
}

#[test]
fn a_restart_moves_the_call_to_new_credentials() {
    let mut call = Call::new().connect(&["192.0.2.7:4000"], &["198.51.100.1:3478"]);
    call.run(Duration::from_secs(5));
    assert_eq!(call.ours.restart(Credentials::new("second", "anotherpasswordanotherpassword")), None);
    // The other side has not heard of it yet, and nothing stops.
    call.run(Duration::from_secs(20));
    assert_eq!((call.ours.state(), call.ours.previous_ufrag()), (State::Completed, Some("local")));
    assert_eq!(call.refused, 0);

    call.theirs.ice_restart(IceCreds { ufrag: "peer2".to_owned(), pass: "q".repeat(24) }, true);
    let renewed = IceCreds { ufrag: "second".to_owned(), pass: "anotherpasswordanotherpassword".to_owned() };
    call.theirs.set_remote_credentials(renewed);
    call.theirs.add_remote_candidate(Candidate::host(address("198.51.100.1:3478"), "udp").unwrap());
    call.run(Duration::from_secs(10));
    assert_eq!((call.ours.state(), call.ours.previous_ufrag()), (State::Completed, None));
    assert!(call.theirs.state().is_connected());
    assert_eq!(call.refused, 0);
}

#[test]
fn the_wrong_password_connects_nobody() {
    let mut call = Call::new().connect(&["192.0.2.7:4000"], &["198.51.100.1:3478"]);
    call.theirs.set_remote_credentials(IceCreds { ufrag: "local".to_owned(), pass: "guess".repeat(5) });
    call.run(Duration::from_secs(5));
    assert_eq!((call.ours.state(), call.ours.selected()), (State::New, None));
    assert!(call.refused > 0 && call.nominated.is_none());
}
