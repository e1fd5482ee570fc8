//! DTLS before anybody has shown who it is: records, pieces of messages and time, in any order.
//!
//! Keys and randomness of hellos are as random here as anywhere; what is asserted does not depend on them.

use core::time::Duration;
use std::time::Instant;

use dtls::{
    Anchor, Endpoint, Failure, Fingerprint, HashFunction, Identity, Output, Received, Role, Room, Setup,
    State, WAITING_MAX,
};
use wire::Mono;

use crate::input::Input;

/// The role and whether signalling has said who the peer is, in the two low bits of the first byte, and then what happens.
pub fn dtls_handshake(data: &[u8]) {
    play(data);
}

/// What it failed of, if it did.
fn play(data: &[u8]) -> Option<Failure> {
    let mut input = Input::new(data);
    let first = input.u8();
    let role = if first & 1 == 1 { Role::Client } else { Role::Server };
    // Of no certificate that an input has, so that whoever shows one is refused.
    let remote = (first & 2 == 2).then(|| Fingerprint::of(HashFunction::Sha256, b"somebody else's"));
    SETUP.with(|setup| {
        let endpoint = Endpoint::new(setup, role, remote, Mono::ZERO);
        let mut side = Side { endpoint, now: Mono::ZERO, number: 0, failed: None };
        side.hear_out();
        // Whoever says nothing new for long has said it.
        for _ in 0..EVENTS_MAX {
            if input.is_empty() {
                break;
            }
            side.happens(&mut input);
        }
        side.failed
    })
}

struct Side {
    endpoint: Endpoint,
    now: Mono,
    /// Of the next record.
    number: u64,
    failed: Option<Failure>,
}

impl Side {
    fn happens(&mut self, input: &mut Input<'_>) {
        match input.u8() % 4 {
            0 => self.receive(input.slice()),
            1 => {
                let (kind, sequence, body) = (input.u8(), input.u8(), input.slice());
                let len = u16::try_from(body.len()).unwrap_or_default();
                self.receive_piece((kind, sequence), len, 0, body);
            }
            2 => {
                let (kind, sequence, len, offset) = (input.u8(), input.u8(), input.u16(), input.u16());
                self.receive_piece((kind, sequence), len, offset, input.slice());
            }
            _ => {
                self.now += Duration::from_millis(u64::from(input.u8()) * 10);
                if self.endpoint.next_timeout() <= self.now {
                    self.endpoint.handle_timeout(self.now);
                    self.hear_out();
                }
            }
        }
    }

    /// A piece of a message in a record of its own, so that no input is wasted on headers.
    fn receive_piece(&mut self, (kind, sequence): (u8, u8), len: u16, offset: u16, bytes: &[u8]) {
        let u24 = |number: u16| [&[0], &number.to_be_bytes()[..]].concat();
        let own_len = u16::try_from(bytes.len()).unwrap_or_default();
        let piece = [&[kind], &u24(len)[..], &[0, sequence], &u24(offset), &u24(own_len), bytes].concat();
        let piece_len = u16::try_from(piece.len()).unwrap_or_default().to_be_bytes();
        let record = [&HANDSHAKE_1_2[..], &self.number.to_be_bytes(), &piece_len, &piece].concat();
        self.number += 1;
        self.receive(&record);
    }

    fn receive(&mut self, datagram: &[u8]) {
        let received = self.endpoint.handle_packet(self.now, datagram);
        assert_ne!(received, Received::Taken, "before there is a connection everything waits");
        while self.endpoint.waiting() > 0 {
            assert!(self.endpoint.waiting() <= WAITING_MAX);
            self.endpoint.step(self.now);
            self.hear_out();
        }
    }

    /// Takes what it says: it is still nobody's, sends what fits a path, and little.
    fn hear_out(&mut self) {
        let mut room = Room::new();
        let (mut datagrams, mut is_refused) = (0, false);
        while let Some(output) = self.endpoint.poll(&mut room) {
            match output {
                Output::Datagram(bytes) => {
                    datagrams += 1;
                    assert!(bytes.len() <= DATAGRAM_MAX && wire::classify(bytes) == Some(wire::Kind::Dtls));
                    assert!(!is_refused || bytes.ends_with(&BAD_CERTIFICATE), "{bytes:02x?}");
                }
                Output::Failed(why) => {
                    is_refused = matches!(why, Failure::Fingerprint { .. });
                    // What it had to say before is not said any more.
                    datagrams = if is_refused { 0 } else { datagrams };
                    self.failed = Some(why);
                }
                Output::Closed => {}
                Output::Connected(_) | Output::Data(_) => unreachable!("nobody has shown a key"),
            }
        }
        assert!(datagrams <= FLIGHT_MAX, "{datagrams} at a time");
        assert!(!is_refused || datagrams == 1, "one alert for whoever is somebody else");
        let state = self.endpoint.state();
        assert!(matches!(state, State::Connecting | State::Failed | State::Closed), "{state:?}");
        assert!(state == State::Connecting || self.endpoint.next_timeout() == Mono::NEVER);
    }
}

fn setup() -> Setup {
    let key =
        rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("the kernel has randomness");
    let made = rcgen::CertificateParams::new(Vec::new()).and_then(|named| named.self_signed(&key));
    let made = made.expect("nothing in it is the caller's");
    let identity = Identity::new(made.der(), &key.serialize_der()).expect("it was made for this");
    #[expect(clippy::disallowed_methods, reason = "instants have no other beginning")]
    let anchor = Anchor::new(Instant::now());
    Setup::seeded(&identity, anchor, 7).expect("the library is sound")
}

std::thread_local! {
    static SETUP: Setup = setup();
}

/// RFC 6347 §4.1: the type and version of a record.
const HANDSHAKE_1_2: [u8; 3] = [22, 0xfe, 0xfd];
/// RFC 5246 §7.2: a fatal alert, in the clear while the other end has completed nothing.
const BAD_CERTIFICATE: [u8; 4] = [0, 2, 2, 42];
/// Of ours.
const DATAGRAM_MAX: usize = 1_350;
/// A flight with a certificate of usual length, and an alert behind it.
const FLIGHT_MAX: usize = 4;
const EVENTS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_difference_between_these_seeds() {
        let seeds = crate::seeds::dtls_handshake();
        let failed = |name| play(&seeds.iter().find(|(seed, _)| *seed == name).unwrap().1);
        for (named, nameless) in
            [("wrong-certificate", "certificate"), ("wrong-server-flight", "server-flight")]
        {
            assert!(matches!(failed(named), Some(Failure::Fingerprint { .. })), "{:?}", failed(named));
            assert!(!matches!(failed(nameless), Some(Failure::Fingerprint { .. })));
        }
    }
}
