//! Peers and passers-by that mean no good. None makes an endpoint panic, grow or show keys.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

mod common;

use std::rc::Rc;
use std::time::Duration;

use common::{Dice, KINDS, Kind, Path, Side, World, millis};
use dtls::{
    DATAGRAM_MAX, Failure, Fingerprint, HashFunction, Identity, Received, Role, Room, State, WAITING_MAX,
};

#[test]
fn a_flood_of_hellos_fills_the_queue_and_no_more() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        let mut world = World::between(&identities, Path::default(), 20);
        let mut room = Room::new();
        let hello = world.sides[0].drain(&mut room).remove(0);
        let server = &mut world.sides[1];
        server.drain(&mut room);
        let mut dice = Dice(99);
        let mut answered = 0;
        let mut refused = 0;
        for at in 0..20_000_u64 {
            let mut copy = hello.clone();
            if at > 0 {
                // Another randomness each: 13 bytes of record, 12 of handshake, 2 of version before it.
                copy[27 + dice.index(32)] ^= dice.byte();
            }
            let now = millis(at / 100);
            refused += u64::from(server.endpoint.handle_packet(now, &copy) == Received::Dropped);
            assert!(server.endpoint.waiting() <= WAITING_MAX);
            // The shard finds time for one in ten.
            if at % 10 == 0 {
                server.endpoint.step(now);
                answered += server.drain(&mut room).iter().map(Vec::len).sum::<usize>();
            }
        }
        assert_eq!(server.endpoint.dropped(), refused);
        assert!(refused > 17_000, "{refused}");
        assert_eq!(server.endpoint.state(), State::Connecting);
        let flight = 1_500;
        assert!(
            answered < 4 * flight,
            "2,000 hellos in 200 ms are answered by two or three flights: {answered}"
        );

        // Whoever came first is served as soon as its datagrams find room.
        while server.endpoint.waiting() > 0 {
            server.endpoint.step(millis(200));
            server.drain(&mut room);
        }
        world.now = millis(200);
        world.play_for(Duration::from_secs(5));
        assert_eq!(world.states(), [State::Connected; 2]);
    }
}

#[test]
fn what_is_too_long_is_dropped_and_counted() {
    let mut world = World::new(Path::default(), 21);
    let side = &mut world.sides[1].endpoint;
    assert_eq!(side.handle_packet(millis(0), &[22; DATAGRAM_MAX + 1]), Received::Dropped);
    assert_eq!((side.dropped(), side.waiting()), (1, 0));
}

#[test]
fn noise_disturbs_nobody() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        let mut dice = Dice(7);
        for round in 0..10 {
            let mut world = World::between(&identities, Path::default(), 300 + round);
            let mut room = Room::new();
            for stage in 0..60 {
                let now = millis(stage * 5);
                world.play(now);
                for side in &mut world.sides {
                    let datagram = noise(&mut dice);
                    // What answers that is not sent: it would be noise as well.
                    side.feed(now, &datagram, &mut room);
                }
            }
            world.play_for(Duration::from_secs(10));
            assert_eq!(world.states(), [State::Connected; 2], "round {round}");
            // Once there are keys, records that look right are noise as well.
            for _ in 0..200 {
                let now = world.now;
                for side in &mut world.sides {
                    let datagram = record(&mut dice);
                    assert!(side.feed(now, &datagram, &mut room).is_empty());
                }
            }
            assert_eq!(world.states(), [State::Connected; 2], "round {round}");
            assert!(world.sides.iter().all(|side| side.said.len() == 1));
        }
    }
}

#[test]
fn mutated_flights_never_connect_two_ends_with_different_keys_and_never_panic() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        let prints = identities.each_ref().map(|id| Fingerprint::of(HashFunction::Sha256, id.certificate()));
        let setups = identities.each_ref().map(|id| Rc::new(common::setup(id, 50)));
        let mut dice = Dice(11);
        let mut ends = [0_u32; 5];
        for round in 0..MUTATED_ROUNDS {
            let mut room = Room::new();
            let side = |at: usize, role| {
                Side::sharing(&setups[at], prints[at].clone(), role, Some(prints[1 - at].clone()))
            };
            let mut sides = [side(0, Role::Client), side(1, Role::Server)];
            let mut flight = sides[0].drain(&mut room);
            // Which flight is spoilt: all before it go through as they are.
            let spoilt = dice.below(4);
            let mut to = 1;
            for number in 0..6 {
                let mut answers = Vec::new();
                for datagram in flight {
                    if number == spoilt {
                        for _ in 0..3 {
                            let mutant = mutated(&datagram, &mut dice);
                            answers.extend(sides[to].feed(millis(number), &mutant, &mut room));
                        }
                    } else {
                        answers.extend(sides[to].feed(millis(number), &datagram, &mut room));
                    }
                }
                flight = answers;
                to = 1 - to;
            }
            for side in &sides {
                ends[side.endpoint.state() as usize] += 1;
            }
            let keys =
                sides.each_ref().map(|side| side.connected().map(|connected| connected.keys.exported()));
            if let [Some(one), Some(other)] = keys {
                assert_eq!(one, other, "round {round}");
            }
        }
        // Some mutants differ in what nobody reads; most have to be dropped or refused, or the test tests nothing.
        let [connecting, failed] = [State::Connecting, State::Failed].map(|state| ends[state as usize]);
        assert!(connecting + failed > MUTATED_ROUNDS && failed > MUTATED_ROUNDS / 20, "{ends:?}");
    }
}

#[test]
fn a_certificate_of_any_length_has_room() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let names: Vec<String> = (0..300).map(|at| format!("a-rather-long-name-{at}.example.net")).collect();
        let made = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        assert!(made.der().len() > 5 * DATAGRAM_MAX, "{}", made.der().len());
        let client = Identity::new(made.der(), &key.serialize_der()).unwrap();
        let [_, server] = identities;
        let known = |identity: &Identity| Some(Fingerprint::of(HashFunction::Sha512, identity.certificate()));
        let sides = [
            Side::new(&client, Role::Client, known(&server), 30),
            Side::new(&server, Role::Server, known(&client), 31),
        ];
        let mut world = World::of(sides, Path::default(), 30);
        world.play_for(Duration::from_secs(10));
        assert_eq!(world.states(), [State::Connected; 2]);
        let longest = world.sides[0].sent.iter().map(Vec::len).max().unwrap();
        assert!((1_300..=1_350).contains(&longest), "full datagrams and no longer: {longest}");
    }
}

#[test]
fn a_forged_alert_ends_a_handshake_but_no_connection() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        // RFC 6347 §4.1.2.7 lets anybody on the path do the first; that is why ICE says whose datagrams are heard.
        let alert = [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
        let mut room = Room::new();
        let mut world = World::between(&identities, Path::default(), 40);
        world.play(millis(30));
        world.sides[1].feed(millis(30), &alert, &mut room);
        assert_eq!(world.sides[1].failure(), Some(&Failure::Refused { alert: 40 }));

        let mut world = World::between(&identities, Path::default(), 41);
        world.play_for(Duration::from_secs(1));
        for side in &mut world.sides {
            side.feed(millis(1_000), &alert, &mut room);
        }
        assert_eq!(world.states(), [State::Connected; 2]);
    }
}

/// Bytes without a meaning: no type of record has a first byte as high (RFC 7983 §7), and media is not sent here.
fn noise(dice: &mut Dice) -> Vec<u8> {
    let len = dice.index(200);
    let mut bytes: Vec<u8> = (0..len).map(|_| dice.byte()).collect();
    if let Some(first) = bytes.first_mut() {
        *first |= 64;
    }
    bytes
}

/// A record's header with the right length, of any type and epoch, over noise.
fn record(dice: &mut Dice) -> Vec<u8> {
    let noise = noise(dice);
    let content = [20, 21, 22, 23, 24, 0, 255][dice.index(7)];
    let mut bytes = vec![content, 0xFE, 0xFD, 0, [0, 1, 2][dice.index(3)], 0, 0, 0, 0, 1];
    bytes.push(dice.byte());
    bytes.extend_from_slice(&u16::try_from(noise.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(&noise);
    bytes
}

/// A few bits, bytes or lengths other than they were; cut; or with a piece of itself behind.
fn mutated(datagram: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = datagram.to_vec();
    for _ in 0..=dice.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.index(bytes.len());
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..),
            2 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][dice.index(5)],
            // Headers are where the lengths are.
            3 => {
                let head = bytes.len().min(64);
                bytes[dice.index(head)] = dice.byte();
            }
            _ => bytes[at] ^= 1 << dice.below(8),
        }
    }
    bytes
}

/// What takes a second or two for each pair of keys; more were played once.
const MUTATED_ROUNDS: u32 = 150;
