//! Peers that lie, by machines that are set up to lie or by messages out of their turn.

use std::rc::Rc;

use wire::Mono;

use super::bytes::{Reader, Writer};
use super::hello::{ClientHello, ServerHello};
use super::incoming::{Message, Piece};
use super::record::{self, ALERT, HANDSHAKE, Record};
use super::suite::{PROFILES, SUITES};
use super::{Config, Machine, SigningKey, kind};
use crate::backend::Polled;
use crate::failure::Failure;
use crate::output::Room;
use crate::role::Role;
use crate::setup::HANDSHAKE_TIMEOUT;

#[test]
fn who_has_not_the_key_of_its_certificate_is_refused() {
    for algorithm in [&rcgen::PKCS_RSA_SHA256, &rcgen::PKCS_ECDSA_P256_SHA256] {
        let [honest, other] = [made(algorithm), made(algorithm)];
        let liar = || Rc::new(Config { certificate: honest.0.clone(), key: key(&other.1) });
        let honest = || Rc::new(Config { certificate: honest.0.clone(), key: key(&honest.1) });
        let (client, server) = play(machine(honest(), Role::Client), machine(liar(), Role::Server));
        assert_eq!(client, Err(broken("the peer has not the key of its certificate")));
        assert_eq!(server, Err(Failure::Refused { alert: 51 }));
        let (client, server) = play(machine(liar(), Role::Client), machine(honest(), Role::Server));
        assert_eq!(server, Err(broken("the peer has not the key of its certificate")));
        assert_eq!(client, Err(Failure::Refused { alert: 51 }));
        let (client, server) = play(machine(honest(), Role::Client), machine(honest(), Role::Server));
        assert_eq!((client, server), (Ok(true), Ok(true)), "or the test tests nothing");
    }
}

#[test]
fn a_message_out_of_its_turn_is_an_end() {
    // Whatever a server that answered a hello gets instead of a certificate, whoever wrote it has shown nothing.
    let turn = broken("a message of the handshake came out of its turn");
    for kind in [kind::CLIENT_KEY_EXCHANGE, kind::CERTIFICATE_VERIFY, kind::CLIENT_HELLO, 0, 99] {
        let (mut client, mut server) = (ecdsa(Role::Client), ecdsa(Role::Server));
        let hello = drain(&mut client).datagrams.remove(0);
        server.handle_packet(&hello).unwrap();
        assert_eq!(server.handle_packet(&in_clear(kind, 1, b"body")), Err(turn.clone()), "{kind}");
    }
    // Without a certificate there is nobody.
    let (mut client, mut server) = (ecdsa(Role::Client), ecdsa(Role::Server));
    server.handle_packet(&drain(&mut client).datagrams.remove(0)).unwrap();
    let nobody = in_clear(kind::CERTIFICATE, 1, &[0, 0, 0]);
    assert_eq!(server.handle_packet(&nobody), Err(Failure::NoPeerCertificate));
    // Finished counts under the keys alone.
    server = ecdsa(Role::Server);
    assert_eq!(server.handle_packet(&in_clear(kind::FINISHED, 0, &[0; 12])), Ok(()));
}

#[test]
fn after_its_end_only_who_says_finished_again_is_answered() {
    let (mut client, mut server) = (ecdsa(Role::Client), ecdsa(Role::Server));
    let hello = drain(&mut client).datagrams;
    give(&mut server, &hello);
    give(&mut client, &drain(&mut server).datagrams);
    give(&mut server, &drain(&mut client).datagrams);
    let last = drain(&mut server);
    assert!(last.is_complete && !last.datagrams.is_empty());
    // The client has not heard it, and repeats itself.
    let at = |millis| Mono::ZERO + core::time::Duration::from_millis(millis);
    client.handle_timeout(at(150)).unwrap();
    let again = drain(&mut client).datagrams;
    server.handle_timeout(at(200)).unwrap();
    // Anybody can write what is in the clear.
    give(&mut server, &hello);
    give(&mut server, &[in_clear(kind::CERTIFICATE, 1, b"body")]);
    assert!(drain(&mut server).datagrams.is_empty());
    give(&mut server, &again);
    assert_eq!(drain(&mut server).datagrams.len(), last.datagrams.len());
    give(&mut server, &again);
    assert!(drain(&mut server).datagrams.is_empty(), "a record counts once");
}

#[test]
fn nobody_forges_a_handshake_to_a_standstill() {
    let (mut client, mut server) = (ecdsa(Role::Client), ecdsa(Role::Server));
    // Somebody who writes pieces of each message before it comes, of other lengths and kinds and with other bytes.
    let forged = |machine: &mut Machine| {
        for sequence in 0..7 {
            for (kind, len) in [(11, 20_000), (11, 300), (99, 4), (1, 80)] {
                let mut piece = Writer::default();
                piece.u8(kind).u24(len).u16(sequence).u24(0).vector24(b"x");
                let _ = machine.handle_packet(&record::write(None, 0, HANDSHAKE, &piece.0).unwrap());
            }
        }
    };
    let mut is_complete = [false; 2];
    for turn in 0..8 {
        let (from, to) = if turn % 2 == 0 { (&mut client, &mut server) } else { (&mut server, &mut client) };
        forged(to);
        let said = drain(from);
        is_complete[turn % 2] |= said.is_complete;
        give(to, &said.datagrams);
    }
    assert_eq!(is_complete, [true; 2]);
}

#[test]
fn only_what_is_kept_of_a_hello_begins_its_time() {
    let mut server = ecdsa(Role::Server);
    let mut due_after = |sequence| {
        let mut piece = Writer::default();
        piece.u8(kind::CLIENT_HELLO).u24(200).u16(sequence).u24(0).vector24(b"hello");
        server.handle_packet(&record::write(None, 0, HANDSHAKE, &piece.0).unwrap()).unwrap();
        match server.poll(&mut Room::new()) {
            Polled::Idle(at) => at,
            _ => panic!("it says something"),
        }
    };
    // Of a message that no handshake has.
    assert_eq!(due_after(8), Mono::NEVER);
    assert_eq!(due_after(u16::MAX), Mono::NEVER);
    assert_eq!(due_after(7), Mono::ZERO + HANDSHAKE_TIMEOUT);
}

#[test]
fn nothing_of_a_handshake_is_kept_when_it_is_over() {
    let (client, mut server) = (ecdsa(Role::Client), ecdsa(Role::Server));
    // The beginning of a message that never goes on, far enough ahead to be in nobody's way.
    let mut beginning = Writer::default();
    beginning.u8(99).u24(20_000).u16(7).u24(0).vector24(b"body");
    server.handle_packet(&record::write(None, 0, HANDSHAKE, &beginning.0).unwrap()).unwrap();
    assert_ne!(server.incoming.held(), 0);
    let (ends, [client, server]) = play_on(client, server);
    assert_eq!(ends, [Ok(true), Ok(true)]);
    assert_eq!([client, server].map(|machine| machine.incoming.held()), [0, 0]);
}

#[test]
fn a_hello_that_asks_for_less_is_refused() {
    let whole = ClientHello::write(&[9; 32], &[], false);
    let without_master_secret = {
        let at = whole.windows(4).position(|window| window == [0, 23, 0, 0]).unwrap();
        let mut hello = whole.clone();
        hello[at + 1] = 99;
        hello
    };
    let older = [&[0xFE, 0xFF], &whole[2..]].concat();
    let renegotiating = {
        let at = whole.windows(5).position(|window| window == [0xFF, 1, 0, 1, 0]).unwrap();
        let mut hello = whole.clone();
        // One byte of a handshake that there never was.
        hello.splice(at + 2..at + 5, [0, 2, 1, 7]);
        // Behind version, randomness, session, cookie, suites and compression.
        let len_at = 2 + 32 + 1 + 1 + 2 + 2 * SUITES.len() + 2;
        let len = u16::try_from(hello.len() - len_at - 2).unwrap();
        hello[len_at..len_at + 2].copy_from_slice(&len.to_be_bytes());
        hello
    };
    for (hello, why) in [
        (without_master_secret, Failure::NoCommonCipher),
        (older, broken("the peer speaks no DTLS 1.2")),
        (renegotiating, broken("a message of the handshake is malformed")),
        (whole[..40].to_vec(), broken("a message of the handshake is malformed")),
    ] {
        let mut server = ecdsa(Role::Server);
        assert_eq!(server.handle_packet(&in_clear(kind::CLIENT_HELLO, 0, &hello)), Err(why));
        let alert = drain(&mut server).datagrams.remove(0);
        assert_eq!(Record::read(&mut Reader::new(&alert)).unwrap().content, ALERT);
    }
    assert_eq!(ecdsa(Role::Server).handle_packet(&in_clear(kind::CLIENT_HELLO, 0, &whole)), Ok(()));
}

#[test]
fn a_client_takes_only_what_it_offered() {
    let hello = |change: fn(&mut Vec<u8>)| {
        let asked = ClientHello::read(&ClientHello::write(&[1; 32], &[], false)).unwrap().extensions;
        let mut hello = ServerHello::write(&[2; 32], &SUITES[0], None, &asked);
        change(&mut hello);
        let mut client = ecdsa(Role::Client);
        client.handle_packet(&in_clear(kind::SERVER_HELLO, 0, &hello))
    };
    assert_eq!(hello(|_| {}), Ok(()));
    assert_eq!(hello(|hello| hello[36] ^= 1), Err(Failure::NoCommonCipher), "another suite");
    assert_eq!(hello(|hello| hello[37] = 1), Err(Failure::NoCommonCipher), "compression");
    assert_eq!(hello(|hello| hello[1] = 0xFF), Err(broken("the peer speaks no DTLS 1.2")));
    // A key identifier of SRTP is the client's to offer, and this one has none.
    let answer = |identifier: &[u8]| {
        let asked = ClientHello::read(&ClientHello::write(&[1; 32], &[], false)).unwrap().extensions;
        let mut hello = ServerHello::write(&[2; 32], &SUITES[0], Some(PROFILES[0]), &asked);
        let at = hello.windows(5).position(|window| window == [0, 2, 0, 8, 0]).unwrap();
        let added = u8::try_from(identifier.len()).unwrap();
        hello.splice(at + 4..=at + 4, [&[added][..], identifier].concat());
        for len_at in [at - 2, 38] {
            let len = u16::from_be_bytes([hello[len_at], hello[len_at + 1]]) + u16::from(added);
            hello[len_at..len_at + 2].copy_from_slice(&len.to_be_bytes());
        }
        let mut client = ecdsa(Role::Client);
        client.handle_packet(&in_clear(kind::SERVER_HELLO, 0, &hello))
    };
    assert_eq!(answer(&[]), Ok(()));
    assert_eq!(answer(&[1, 2]), Err(broken("the peer takes a key identifier of SRTP that was not offered")));
    // A cookie is asked for once.
    let mut client = ecdsa(Role::Client);
    let ask = |sequence| in_clear(kind::HELLO_VERIFY_REQUEST, sequence, &[0xFE, 0xFF, 2, 7, 7]);
    assert_eq!(client.handle_packet(&ask(0)), Ok(()));
    let again = drain(&mut client).datagrams.remove(1);
    let record = Record::read(&mut Reader::new(&again)).unwrap();
    assert_eq!(Piece::read(&mut Reader::new(record.body)).unwrap().sequence, 1);
    assert_eq!(client.handle_packet(&ask(1)), Err(broken("the peer asks for a cookie twice")));
}

struct Drained {
    datagrams: Vec<Vec<u8>>,
    is_complete: bool,
}

fn give(machine: &mut Machine, datagrams: &[Vec<u8>]) {
    datagrams.iter().for_each(|datagram| machine.handle_packet(datagram).unwrap());
}

/// Whether each completed it, or why not.
fn play(client: Machine, server: Machine) -> (Result<bool, Failure>, Result<bool, Failure>) {
    play_on(client, server).0.into()
}

/// And what became of them.
fn play_on(client: Machine, server: Machine) -> ([Result<bool, Failure>; 2], [Machine; 2]) {
    let mut machines = [client, server];
    let mut ends = [Ok(false), Ok(false)];
    for turn in 0..8 {
        let (from, to) = (turn % 2, 1 - turn % 2);
        let said = drain(&mut machines[from]);
        if said.is_complete {
            ends[from] = Ok(true);
        }
        for datagram in said.datagrams {
            if ends[to].is_ok()
                && let Err(why) = machines[to].handle_packet(&datagram)
            {
                ends[to] = Err(why);
            }
        }
    }
    (ends, machines)
}

fn drain(machine: &mut Machine) -> Drained {
    let mut room = Room::new();
    let mut drained = Drained { datagrams: Vec::new(), is_complete: false };
    loop {
        match machine.poll(&mut room) {
            Polled::Datagram(len) => drained.datagrams.push(room.start(len).to_vec()),
            Polled::Complete => drained.is_complete = true,
            Polled::Idle(_) => return drained,
            _ => {}
        }
    }
}

fn machine(config: Rc<Config>, role: Role) -> Machine {
    Machine::new(config, role, Mono::ZERO).unwrap()
}

fn ecdsa(role: Role) -> Machine {
    let (certificate, private_key) = made(&rcgen::PKCS_ECDSA_P256_SHA256);
    machine(Rc::new(Config { certificate, key: key(&private_key) }), role)
}

fn made(algorithm: &'static rcgen::SignatureAlgorithm) -> (Box<[u8]>, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    (made.der().to_vec().into(), key.serialize_der())
}

fn key(der: &[u8]) -> SigningKey {
    SigningKey::load(der).unwrap()
}

fn in_clear(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    let mut all = Writer::default();
    all.bytes(&Message::new(kind, sequence, body).bytes);
    record::write(None, 0, HANDSHAKE, &all.0).unwrap()
}

fn broken(what: &str) -> Failure {
    Failure::Broken(what.into())
}
