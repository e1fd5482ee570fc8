//! Those who mean no good, while a call goes on that must not feel it: not a packet of it is lost.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use core::time::Duration;
use std::ops::Range;

use dtls::{Fingerprint, HashFunction, Role};
use model::transport::{DtlsRole, DtlsState};
use sfu::Verdict;
use sfu::transport::DropReason;
use support::browser::{Browser, told};
use support::parameters::{consuming, encoding, producing};
use support::{Host, consumer, peer, producer, rtp, transport};
use wire::rtp::View;

/// A call: one sends, one receives, and both are connected.
struct Call {
    host: Host,
    sender: Browser,
    receiver: Browser,
    sequence: u16,
}

impl Call {
    fn new() -> Self {
        let mut host = Host::default();
        let sender = Browser::connected(&mut host, 0);
        let receiver = Browser::connected(&mut host, 1);
        host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
        host.sfu.consume(consumer(0), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
        host.tick();
        Self { host, sender, receiver, sequence: 0 }
    }

    /// The call goes on for some packets, each of which comes.
    fn goes_on(&mut self) {
        let sequences: Range<u16> = self.sequence..self.sequence + 20;
        self.sequence = sequences.end;
        for sequence in sequences {
            assert_eq!(self.sender.send_rtp(&mut self.host, &rtp(5, sequence)), Verdict::Taken);
            self.host.tick();
        }
        self.receiver.collect(&mut self.host);
        self.sender.collect(&mut self.host);
        let heard = std::mem::take(&mut self.receiver.heard);
        let is_copy = |packet: &&Vec<u8>| {
            wire::classify(packet) == Some(wire::Kind::Rtp)
                && View::parse(packet).is_ok_and(|view| view.ssrc().0 == 70)
        };
        assert_eq!(heard.iter().filter(is_copy).count(), 20, "of 20 packets");
        assert!(self.sender.closed.eq(&false) && !self.receiver.closed, "nobody was told goodbye");
    }

    fn state(&self, number: u32) -> DtlsState {
        self.host.sfu.transport_report(transport(number)).unwrap().dtls_state
    }

    fn drops(&self, number: u32, why: DropReason) -> u64 {
        self.host.sfu.drops(transport(number)).unwrap().of(why)
    }
}

#[test]
fn a_peer_with_another_certificate_gets_nothing() {
    let mut call = Call::new();
    let mut liar = Browser::new(&mut call.host, 2, Role::Client);
    let somebody = Fingerprint::of(HashFunction::Sha256, b"somebody else");
    call.host.sfu.connect(transport(2), &told(DtlsRole::Server, &somebody), &mut call.host.out).unwrap();
    let consume = consuming(transport(2), producer(0), 90);
    call.host.sfu.consume(consumer(1), &consume, &mut call.host.out).unwrap();
    liar.check(&mut call.host, true);
    liar.exchange(&mut call.host);
    assert_eq!(call.state(2), DtlsState::Failed);
    call.goes_on();
    liar.collect(&mut call.host);
    assert!(liar.connected.is_none() && liar.heard.is_empty(), "it completed nothing and hears nothing");
    assert_eq!(call.host.sfu.half_open(), 0);
}

#[test]
fn dtls_from_a_tuple_that_never_did_ice_is_not_heard() {
    let mut call = Call::new();
    let (local, tuple) = call.sender.by;
    for from in [peer(1), (tuple.ip(), tuple.port() + 100).into()] {
        for datagram in [hello(1).as_slice(), &alert(0), &alert(40)] {
            let verdict = call.host.receive_on(local, transport(0), from, datagram);
            assert_eq!(verdict, Verdict::Dropped(DropReason::UnknownFlow));
        }
    }
    call.goes_on();
    // Nor is who writes on the tuple itself, without its keys.
    for datagram in [hello(2).as_slice(), &alert(0), &alert(40), &[22; 60], &[23; 900]] {
        call.host.receive_on(local, transport(0), tuple, datagram);
        call.goes_on();
    }
    assert_eq!(call.state(0), DtlsState::Connected);
}

#[test]
fn a_request_that_is_repeated_moves_nothing() {
    let mut call = Call::new();
    let request = call.sender.request(true);
    for _ in 0..2_000 {
        call.sender.send(&mut call.host, &request);
    }
    call.goes_on();
    assert!(call.sender.answers.len() < 100, "answers are bounded: {}", call.sender.answers.len());
    let unanswered = call.host.sfu.counters().answers_full;
    assert!(unanswered > 1_900, "and what is beyond is counted: {unanswered}");

    // Somebody who saw it on its way and repeats it from elsewhere owns a tuple then, as any new network of the peer's
    // would; without keys it is sent what it can not read, and heard as nobody. The peer's next packet takes it back.
    let mut forger = call.receiver.by;
    forger.1.set_port(666);
    let request = call.receiver.request(true);
    for port in 0..100 {
        forger.1.set_port(600 + port);
        call.host.receive_on(forger.0, transport(1), forger.1, &request);
    }
    call.host.tick();
    assert_eq!(call.receiver.check(&mut call.host, true), Verdict::Taken);
    call.goes_on();
    let tuples = call.host.sfu.transport_report(transport(1)).unwrap();
    assert_eq!(tuples.flow.unwrap().remote, Some((call.receiver.by.1.ip(), call.receiver.by.1.port())));
}

#[test]
fn floods_of_hellos_wait_in_a_queue_of_their_own() {
    let mut call = Call::new();
    let mut flooder = Browser::new(&mut call.host, 2, Role::Client);
    call.host.connect_web_rtc(&flooder, DtlsRole::Server);
    flooder.check(&mut call.host, true);
    let hello = flooder.drain().remove(0);
    for round in 0..20_u16 {
        for number in 0..500 {
            let mut hello = hello.clone();
            // Another randomness each but the first: 13 bytes of record, 12 of message and 2 of version before it.
            for (byte, change) in hello[27..29].iter_mut().zip((round * 500 + number).to_be_bytes()) {
                *byte ^= change;
            }
            flooder.send(&mut call.host, &hello);
        }
        call.goes_on();
        flooder.collect(&mut call.host);
    }
    assert!(call.drops(2, DropReason::HandshakesFull) > 9_000);
    assert!(flooder.flights < 40, "it is answered by a few flights: {}", flooder.flights);
    flooder.exchange(&mut call.host);
    assert_eq!(call.state(2), DtlsState::Connected, "who came first is served");
    call.goes_on();
}

#[test]
fn an_address_with_too_many_handshakes_waits_and_nobody_else_does() {
    let mut call = Call::new();
    let mut crowd: Vec<_> =
        (2..302).map(|number| Browser::new(&mut call.host, number, Role::Client)).collect();
    for browser in &mut crowd {
        browser.check(&mut call.host, true);
    }
    assert_eq!(call.host.sfu.half_open(), 256);
    assert_eq!(call.host.sfu.counters().handshakes_put_off, 44);
    assert_eq!((call.state(301), call.state(2)), (DtlsState::New, DtlsState::Connecting));
    call.goes_on();
    // One that ends makes room, and who waits begins by itself when it speaks again.
    let first = crowd.first_mut().unwrap();
    call.host.connect_web_rtc(first, DtlsRole::Server);
    first.exchange(&mut call.host);
    assert_eq!((call.state(2), call.host.sfu.half_open()), (DtlsState::Connected, 255));
    let last = crowd.last_mut().unwrap();
    last.check(&mut call.host, true);
    assert_eq!((call.state(301), call.host.sfu.half_open()), (DtlsState::Connecting, 256));
    for number in 2..302 {
        call.host.sfu.close_transport(transport(number), 1).unwrap();
    }
    assert_eq!(call.host.sfu.half_open(), 0);
    call.goes_on();
}

#[test]
fn who_falls_silent_before_its_first_hello_makes_room() {
    let mut call = Call::new();
    let mut crowd: Vec<_> =
        (2..258).map(|number| Browser::new(&mut call.host, number, Role::Client)).collect();
    for browser in &mut crowd {
        browser.check(&mut call.host, true);
    }
    let mut late = Browser::new(&mut call.host, 258, Role::Client);
    late.check(&mut call.host, true);
    assert_eq!((call.state(258), call.host.sfu.half_open()), (DtlsState::New, 256));
    for _ in 0..31 {
        call.host.elapse(call.host.now + Duration::from_secs(1));
        for browser in [&mut call.sender, &mut call.receiver] {
            browser.check(&mut call.host, true);
        }
    }
    assert_eq!(call.host.sfu.half_open(), 0, "their consent has ended");
    late.check(&mut call.host, true);
    assert_eq!((call.state(258), call.host.sfu.half_open()), (DtlsState::Connecting, 1));
    // Whoever comes back counts again, once.
    let first = crowd.first_mut().unwrap();
    for _ in 0..2 {
        first.check(&mut call.host, true);
        assert_eq!((call.state(2), call.host.sfu.half_open()), (DtlsState::Connecting, 2));
    }
    call.host.sfu.close_transport(transport(2), 1).unwrap();
    assert_eq!(call.host.sfu.half_open(), 1);
    call.goes_on();
}

#[test]
fn rtp_before_there_are_keys_is_dropped() {
    let mut call = Call::new();
    let mut early = Browser::new(&mut call.host, 2, Role::Client);
    call.host.sfu.produce(producer(1), &producing(transport(2), &[encoding(6)])).unwrap();
    let unknown = Verdict::Dropped(DropReason::UnknownFlow);
    assert_eq!(early.send(&mut call.host, &rtp(6, 1)), unknown);
    early.check(&mut call.host, true);
    for sequence in 0..1_000 {
        let verdict = early.send(&mut call.host, &rtp(6, sequence));
        assert_eq!(verdict, Verdict::Dropped(DropReason::NotConnected));
    }
    call.goes_on();
    call.host.connect_web_rtc(&early, DtlsRole::Server);
    early.exchange(&mut call.host);
    assert_eq!(call.state(2), DtlsState::Connected, "and it can still do right");
    assert_eq!(call.host.memory.held(), 0);
}

#[test]
fn garbage_is_dropped_whatever_it_looks_like() {
    let mut call = Call::new();
    let (local, tuple) = call.receiver.by;
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..20_u16 {
        for _ in 0..500 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let len = usize::try_from(state >> 33).unwrap() % 200;
            let mut garbage: Vec<u8> = (0..len).map(|at| state.to_le_bytes()[at % 8]).collect();
            // Each of the protocols of RFC 7983 in its turn.
            if let Some(first) = garbage.first_mut() {
                *first = [0, 1, 20, 22, 23, 64, 128, 129, 200, 255][usize::from(round % 10)];
            }
            let from = if round < 10 { tuple } else { peer(2_000) };
            let verdict = call.host.receive_on(local, transport(1), from, &garbage);
            // What looks like DTLS on the peer's own tuple is for the library to drop.
            let is_for_dtls = matches!(garbage.first(), Some(20..64)) && from == tuple;
            assert!(is_for_dtls || matches!(verdict, Verdict::Dropped(_)), "{garbage:?}");
        }
        call.goes_on();
    }
    assert_eq!(call.host.memory.held(), 0);
}

/// The beginning of a handshake, with another randomness each.
fn hello(number: u16) -> Vec<u8> {
    let mut body = vec![0xFE, 0xFD];
    body.extend([number.to_be_bytes(); 16].concat());
    body.extend([0, 0, 0, 2, 0xC0, 0x2B, 1, 0]);
    let len = u8::try_from(body.len()).unwrap();
    let mut record = vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, len + 12];
    record.extend([1, 0, 0, len, 0, 0, 0, 0, 0, 0, 0, len]);
    record.extend(body);
    record
}

fn alert(description: u8) -> [u8; 15] {
    [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, description]
}
