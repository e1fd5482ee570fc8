//! WebRTC transports in rooms, in virtual time: sockets and tuples, turns of handshakes, goodbyes, what is counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use core::time::Duration;
use std::net::SocketAddr;

use dtls::{Anchor, Endpoint, Fingerprint, HashFunction, Identity, Output, Role, Room, Setup, State};
use ice::Credentials;
use model::command::{
    Action, IceSetup, Ports, TransportCommand, TransportConnect, TransportSetup, WebRtcListen,
};
use model::event::{Event, TransportEvent};
use model::key::{RouterKey, TransportKey};
use model::transport::{DtlsFingerprint, DtlsRole, DtlsState, FingerprintAlgorithm, IceParameters, IceState};
use net::Wait;
use support::hall::{Hall, bind, open, remote};
use wire::stun::{Builder, TransactionId};
use wire::{Kind, classify};

const ROUTER: RouterKey = RouterKey::new(0, 0);
const TRANSPORT: TransportKey = TransportKey::new(0, 0);

/// Who calls: ICE by hand, and DTLS as a client.
struct Caller {
    from: SocketAddr,
    /// Of the transport.
    port: u16,
    endpoint: Endpoint,
    fingerprint: Fingerprint,
    room: Room,
    answers: usize,
}

impl Caller {
    /// With a transport for it.
    fn new(hall: &mut Hall) -> Self {
        let local = IceParameters {
            username_fragment: "ours".into(),
            password: "password".into(),
            ice_lite: Some(true),
        };
        let setup = TransportSetup::WebRtc {
            listen: WebRtcListen::Own(vec![bind(Ports::Fixed(0))]),
            ice: IceSetup { local, consent_timeout_s: 30 },
        };
        let bound = hall.open_transport(0, TRANSPORT, open(ROUTER, setup)).unwrap();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        let identity = Identity::new(made.der(), &key.serialize_der()).unwrap();
        let setup = Setup::new(&identity, Anchor::new(std::time::Instant::now())).unwrap();
        // It takes whom it finds: the fingerprint of the shard is not what is tested.
        let endpoint = Endpoint::new(&setup, Role::Client, None, hall.now);
        let fingerprint = Fingerprint::of(HashFunction::Sha256, identity.certificate());
        Self {
            from: remote(9_000),
            port: bound[0].port,
            endpoint,
            fingerprint,
            room: Room::new(),
            answers: 0,
        }
    }

    fn check(&self, hall: &mut Hall, password: &str) {
        let mut out = [0; 300];
        let mut builder = Builder::request(&mut out, TransactionId([3; 12])).unwrap();
        builder.username(b"ours:theirs").unwrap();
        builder.priority(1).unwrap();
        builder.use_candidate().unwrap();
        builder.integrity(&Credentials::new("", password)).unwrap();
        let len = builder.fingerprint().unwrap();
        hall.deliver(0, self.port, self.from, &out[..len]);
    }

    /// The command that tells the transport about it.
    fn told(&self) -> Action {
        let fingerprint = DtlsFingerprint {
            algorithm: FingerprintAlgorithm::Sha256,
            value: self.fingerprint.to_string().into(),
        };
        let connect = TransportConnect::WebRtc { role: DtlsRole::Server, fingerprint };
        Action::Transport(TRANSPORT, TransportCommand::Connect(Box::new(connect)))
    }

    /// Says what it has to say.
    fn speak(&mut self, hall: &mut Hall) {
        while let Some(output) = self.endpoint.poll(&mut self.room) {
            if let Output::Datagram(datagram) = output {
                hall.deliver(0, self.port, self.from, datagram);
            }
        }
    }

    /// Hears what was sent to it.
    fn listen(&mut self, hall: &mut Hall) {
        for sent in hall.sent(0) {
            assert_eq!((hall.driver(0).port_of(sent.socket), sent.to), (Some(self.port), self.from));
            let [datagram] = sent.datagrams.as_slice() else { panic!("{sent:?}") };
            match classify(datagram) {
                Some(Kind::Stun) => self.answers += 1,
                Some(Kind::Dtls) => _ = self.endpoint.handle_packet(hall.now, datagram),
                other => panic!("{other:?}"),
            }
            while self.endpoint.waiting() > 0 {
                self.speak(hall);
                self.endpoint.step(hall.now);
            }
        }
        self.speak(hall);
    }

    /// Through all of it.
    fn connect(&mut self, hall: &mut Hall) {
        self.check(hall, "password");
        hall.ask(0, self.told()).unwrap();
        for _ in 0..20 {
            self.speak(hall);
            hall.tick();
            self.listen(hall);
        }
        assert_eq!((self.answers, self.endpoint.state()), (1, State::Unverified));
    }
}

fn states(hall: &mut Hall) -> Vec<(Option<IceState>, Option<DtlsState>)> {
    let state = |event| match event {
        Event::Transport(_, TransportEvent::IceState(state)) => Some((Some(state), None)),
        Event::Transport(_, TransportEvent::DtlsState { state, .. }) => Some((None, Some(state))),
        _ => None,
    };
    hall.events(0).into_iter().filter_map(state).collect()
}

#[test]
fn a_caller_connects_stays_moves_and_hears_goodbye() {
    let mut hall = Hall::new(1);
    hall.open_router(0, ROUTER);
    let mut caller = Caller::new(&mut hall);
    caller.connect(&mut hall);
    let ends = [DtlsState::Connecting, DtlsState::Connected].map(|state| (None, Some(state)));
    assert_eq!(states(&mut hall), [&[(Some(IceState::Completed), None)][..], &ends].concat());
    assert_eq!((hall.totals(0).handshakes, hall.totals(0).dropped_unknown), (1, 0));

    let socket = hall.driver(0).on_port(caller.port).unwrap();
    let play = |hall: &mut Hall, caller: &Caller, seconds: u32, checks: bool| {
        for _ in 0..seconds {
            hall.now += Duration::from_secs(1);
            if checks {
                caller.check(hall, "password");
            }
            hall.tick();
        }
        hall.sent(0).clear();
        hall.driver(0).connected(socket)
    };
    assert_eq!(play(&mut hall, &caller, 9, true), None);
    assert_eq!(play(&mut hall, &caller, 3, true), Some(remote(9_000)), "it stays");
    assert_eq!(play(&mut hall, &caller, 7, false), None, "it may have moved");
    caller.from = remote(9_001);
    caller.check(&mut hall, "password");
    hall.tick();
    assert_eq!(hall.sent(0)[0].to, remote(9_001));

    // Closed, it says goodbye by the way that is selected now.
    hall.ask(0, Action::Transport(TRANSPORT, TransportCommand::Close)).unwrap();
    let last = hall.sent(0);
    let [goodbye] = last.as_slice() else { panic!("{last:?}") };
    assert_eq!((goodbye.to, classify(&goodbye.datagrams[0])), (remote(9_001), Some(Kind::Dtls)));
    hall.ask(0, Action::Router(ROUTER, model::command::RouterCommand::Close)).unwrap();
    hall.assert_empty();
}

#[test]
fn a_caller_hears_goodbye_when_its_shard_ends() {
    let mut hall = Hall::new(1);
    hall.open_router(0, ROUTER);
    let mut caller = Caller::new(&mut hall);
    caller.connect(&mut hall);
    hall.sent(0).clear();
    assert!(hall.sides[0].control.stop());
    hall.ticks(4);
    assert!(hall.sides[0].core.as_ref().unwrap().has_stopped());
    assert_eq!(hall.driver(0).occupied(), 0, "its socket is closed");
    let last = hall.sent(0);
    let [goodbye] = last.as_slice() else { panic!("{last:?}") };
    assert_eq!(goodbye.to, caller.from);
    let [alert] = goodbye.datagrams.as_slice() else { panic!("{goodbye:?}") };
    assert_eq!(alert[0], 21, "a record of the kind that alerts are (RFC 5246 §6.2.1)");
}

#[test]
fn strangers_change_nothing_but_counters() {
    let mut hall = Hall::new(1);
    hall.open_router(0, ROUTER);
    let mut caller = Caller::new(&mut hall);
    caller.check(&mut hall, "guessed");
    hall.deliver(0, caller.port, caller.from, &support::hall::rtp(1, 1, b"?"));
    caller.speak(&mut hall);
    hall.tick();
    let totals = hall.totals(0);
    assert_eq!((totals.ice_unauthenticated, totals.dropped_unknown, totals.dropped_unknown_flow), (1, 3, 2));
    assert_eq!(hall.sent(0).len(), 1, "it hears no");
    caller.check(&mut hall, "password");
    hall.tick();
    hall.deliver(0, caller.port, caller.from, &support::hall::rtp(1, 1, b"?"));
    hall.tick();
    assert_eq!(hall.totals(0).dropped_not_connected, 1, "there are no keys");
    hall.ask(0, Action::Router(ROUTER, model::command::RouterCommand::Close)).unwrap();
    hall.assert_empty();
}

#[test]
fn nobody_waits_while_a_handshake_does() {
    let mut hall = Hall::new(1);
    hall.open_router(0, ROUTER);
    let mut caller = Caller::new(&mut hall);
    caller.check(&mut hall, "password");
    hall.ticks(3);
    assert!(!matches!(hall.driver(0).last_wait, Some(Wait::Poll)), "there is nothing to do");
    caller.speak(&mut hall);
    hall.tick();
    assert_eq!(hall.totals(0).handshakes_waiting, 1);
    hall.tick();
    assert!(matches!(hall.driver(0).last_wait, Some(Wait::Poll)));
    assert_eq!(hall.totals(0).handshakes_waiting, 0);
    hall.ask(0, Action::Router(ROUTER, model::command::RouterCommand::Close)).unwrap();
    hall.assert_empty();
}
