//! Two endpoints of ours: handshakes, roles, fingerprints and goodbyes, over paths of every kind.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

mod common;

use std::time::Duration;

use common::{KINDS, Kind, Path, Said, Side, World, millis, wrong};
use dtls::{ConnectError, Failure, Fingerprint, HashFunction, RemoteRole, Role, Room, SrtpProfile, State};
use wire::Mono;

#[test]
fn both_ends_get_the_same_keys_and_each_others_certificate() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        let mut world = World::between(&identities, Path::default(), 1);
        world.play_for(Duration::from_secs(1));
        assert_eq!(world.states(), [State::Connected; 2]);
        let [client, server] = &world.sides;
        let (of_client, of_server) = (client.connected().unwrap(), server.connected().unwrap());
        assert_eq!(of_client.keys.profile(), SrtpProfile::AeadAes256Gcm, "the fastest, whatever the order");
        assert_eq!(of_server.keys.profile(), SrtpProfile::AeadAes256Gcm);
        assert_eq!(of_client.keys.local(), of_server.keys.remote());
        assert_eq!(of_client.keys.remote(), of_server.keys.local());
        assert_ne!(of_client.keys.local(), of_client.keys.remote());
        assert!(server.fingerprint.matches(&of_client.certificate));
        assert!(client.fingerprint.matches(&of_server.certificate));
        assert!(of_server.certificate_pem().starts_with("-----BEGIN CERTIFICATE-----\n"));
        // Two round trips of 40 ms, no retransmission: nothing is left to do.
        assert_eq!([client, server].map(|side| side.endpoint.next_timeout()), [Mono::NEVER; 2]);
    }
}

#[test]
fn bad_paths_only_take_longer() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        let mut slowest = Mono::ZERO;
        for seed in 0..20 {
            let path = Path { lost: 25, doubled: 20, jitter: 60 };
            let mut world = World::between(&identities, path, seed);
            while world.states() != [State::Connected; 2] {
                assert!(world.now < millis(30_000), "seed {seed}: {:?}", world.sides.map(|side| side.said));
                world.play_for(Duration::from_millis(50));
            }
            slowest = slowest.max(world.now);
            let [client, server] = &world.sides;
            assert_eq!(client.connected().unwrap().keys.local(), server.connected().unwrap().keys.remote());
            assert!([client, server].iter().all(|side| side.said.len() == 1), "seed {seed}: said once");
        }
        assert!(slowest > millis(400), "the path was bad: {slowest:?}");
    }
}

#[test]
fn nobody_waits_longer_than_thirty_seconds() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        let mut world = World::between(&identities, Path { lost: 100, ..Path::default() }, 3);
        world.play(millis(29_900));
        assert_eq!(world.sides[0].endpoint.state(), State::Connecting);
        assert!(world.sides[0].sent.len() >= 8, "it kept trying: {}", world.sides[0].sent.len());
        world.play(millis(30_000));
        assert_eq!(world.sides[0].failure(), Some(&Failure::TimedOut));
        assert_eq!(world.sides[1].endpoint.next_timeout(), Mono::NEVER, "who heard nobody has no deadline");

        // A server's runs from the first hello.
        let mut world = World::between(&identities, Path::default(), 4);
        world.play(millis(30));
        world.path.lost = 100;
        world.play(millis(30_019));
        assert_eq!(world.sides[1].endpoint.state(), State::Connecting);
        world.play(millis(30_020));
        assert_eq!(world.sides[1].failure(), Some(&Failure::TimedOut));
    }
}

#[test]
fn a_wrong_certificate_is_never_connected() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        for liar in [0, 1] {
            let [client, server] = &identities;
            let known = |at: usize| {
                let certificate = identities[at].certificate();
                Some(if at == liar { wrong() } else { Fingerprint::of(HashFunction::Sha256, certificate) })
            };
            let sides =
                [Side::new(client, Role::Client, known(1), 5), Side::new(server, Role::Server, known(0), 6)];
            let mut world = World::of(sides, Path::default(), 5);
            world.play(millis(35_000));
            let [deceived, other] = if liar == 1 { [0, 1] } else { [1, 0] };
            let why = Failure::Fingerprint { function: HashFunction::Sha256 };
            assert_eq!(world.sides[deceived].failure(), Some(&why));
            assert_eq!(world.sides[deceived].said.len(), 1, "nothing but the failure is said");
            assert!(world.sides[other].connected().is_none(), "whom we do not trust completes nothing");
            // RFC 5246 §7.2.2: bad_certificate.
            assert_eq!(
                world.sides[other].failure(),
                Some(&Failure::Refused { alert: 42 }),
                "and is told why"
            );
        }
    }
}

#[test]
fn a_fingerprint_that_never_comes_is_not_awaited_for_ever() {
    for kinds in KINDS {
        let [client, server] = kinds.map(Kind::identity);
        let servers = Fingerprint::of(HashFunction::Sha1, server.certificate());
        let sides =
            [Side::new(&client, Role::Client, Some(servers), 7), Side::new(&server, Role::Server, None, 8)];
        let mut world = World::of(sides, Path::default(), 7);
        world.play_for(Duration::from_secs(29));
        assert_eq!(world.states(), [State::Connected, State::Unverified]);
        world.play_for(Duration::from_secs(2));
        assert_eq!(world.sides[1].failure(), Some(&Failure::NeverNamed));
        assert_eq!(world.states(), [State::Closed, State::Failed], "it was told goodbye");
        assert_eq!(world.sides[1].endpoint.next_timeout(), Mono::NEVER);
    }
}

#[test]
fn the_fingerprint_may_come_after_the_handshake() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        for is_right in [true, false] {
            let [client, server] = &identities;
            let servers = Fingerprint::of(HashFunction::Sha1, server.certificate());
            let sides =
                [Side::new(client, Role::Client, Some(servers), 7), Side::new(server, Role::Server, None, 8)];
            let mut world = World::of(sides, Path::default(), 7);
            world.play_for(Duration::from_secs(1));
            assert_eq!(world.states(), [State::Connected, State::Unverified]);
            world.sides[0].endpoint.send(b"too early").unwrap();
            world.play_for(Duration::from_secs(1));
            assert!(world.sides[1].said.is_empty(), "{:?}", world.sides[1].said);

            let remote = if is_right { world.sides[0].fingerprint.clone() } else { wrong() };
            let now = world.now;
            let Side { endpoint, setup, .. } = &mut world.sides[1];
            assert_eq!(endpoint.connect(setup, RemoteRole::Client, remote.clone(), now), Ok(Role::Server));
            let again = endpoint.connect(setup, RemoteRole::Client, remote, now);
            assert_eq!(again, Err(if is_right { ConnectError::Twice } else { ConnectError::Over }));
            world.play_for(Duration::from_secs(1));
            if is_right {
                assert_eq!(world.states(), [State::Connected; 2]);
                assert!(world.sides[1].connected().is_some() && world.sides[1].data().is_empty());
            } else {
                // One library says no more than goodbye then.
                let expected = match world.sides[0].failure() {
                    None => State::Closed,
                    Some(why) => {
                        assert_eq!(why, &Failure::Refused { alert: 42 });
                        State::Failed
                    }
                };
                assert_eq!(world.states(), [expected, State::Failed], "it was told");
                assert_eq!(world.sides[1].said.len(), 1);
            }
        }
    }
}

#[test]
fn another_role_starts_again() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        // Both take themselves for servers until one hears that the other is passive; and the same in mid-handshake.
        for is_begun in [false, true] {
            let [ours, theirs] = &identities;
            let their_print = Fingerprint::of(HashFunction::Sha256, theirs.certificate());
            let our_print = Fingerprint::of(HashFunction::Sha256, ours.certificate());
            let role = if is_begun { Role::Client } else { Role::Server };
            let sides = [
                Side::new(ours, Role::Server, None, 9),
                Side::new(theirs, role, Some(our_print.clone()), 10),
            ];
            let mut world = World::of(sides, Path::default(), 9);
            world.play(millis(50));
            assert_eq!(world.sides[0].sent.is_empty(), !is_begun);
            if is_begun {
                // Their side starts again as well, as a peer does whose answer says passive.
                world.path.lost = 100;
                world.play(millis(200));
                world.path.lost = 0;
                let fresh = Side::new(theirs, Role::Server, Some(our_print), 11);
                world.sides[1] = fresh;
            }
            let now = world.now;
            let Side { endpoint, setup, .. } = &mut world.sides[0];
            assert_eq!(endpoint.connect(setup, RemoteRole::Server, their_print, now), Ok(Role::Client));
            world.play_for(Duration::from_secs(2));
            assert_eq!(world.states(), [State::Connected; 2]);
            let [client, server] = &world.sides;
            assert_eq!(client.connected().unwrap().keys.local(), server.connected().unwrap().keys.remote());
        }
        assert_eq!(RemoteRole::Auto.ours(), Role::Client);
    }
}

#[test]
fn goodbye_is_said_and_heard_by_either_side() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        for leaver in [0, 1] {
            let mut world = World::between(&identities, Path::default(), 12);
            world.play_for(Duration::from_secs(1));
            world.sides[leaver].endpoint.close();
            assert_eq!(world.sides[leaver].endpoint.send(b"late"), Err(dtls::NotConnected));
            world.play_for(Duration::from_secs(1));
            assert_eq!(world.states(), [State::Closed; 2]);
            assert!(matches!(world.sides[1 - leaver].said[..], [Said::Connected(_), Said::Closed]));
            assert!(matches!(world.sides[leaver].said[..], [Said::Connected(_)]), "one's own end is no news");
            let late = world.sides[leaver].endpoint.handle_packet(world.now, b"late");
            assert_eq!(late, dtls::Received::Over);
        }
    }
}

#[test]
fn data_goes_both_ways_under_the_keys() {
    for kinds in KINDS {
        let identities = kinds.map(Kind::identity);
        let mut world = World::between(&identities, Path::default(), 13);
        world.play_for(Duration::from_secs(1));
        for (side, text) in [(0, &b"from the client"[..]), (1, b"from the server")] {
            world.sides[side].endpoint.send(text).unwrap();
            world.play_for(Duration::from_secs(1));
            assert_eq!(world.sides[1 - side].data(), [text]);
            let seen =
                world.sides[side].sent.iter().any(|sent| sent.windows(text.len()).any(|at| at == text));
            assert!(!seen, "in the clear");
        }
    }
}

#[test]
fn a_step_works_through_one_datagram() {
    let mut world = World::new(Path::default(), 14);
    let mut room = Room::new();
    let [client, server] = &mut world.sides;
    let mut hello = client.drain(&mut room);
    let hello = hello.remove(0);
    server.drain(&mut room);
    for _ in 0..3 {
        server.endpoint.handle_packet(millis(1), &hello);
    }
    assert_eq!(server.endpoint.waiting(), 3);
    assert!(server.drain(&mut room).is_empty(), "nothing is worked through unasked");
    server.endpoint.step(millis(1));
    assert_eq!(server.endpoint.waiting(), 2);
    server.endpoint.step(millis(1));
    assert_eq!(server.endpoint.waiting(), 2, "what it said comes first");
    assert!(!server.drain(&mut room).is_empty());
    server.endpoint.step(millis(1));
    assert_eq!(server.endpoint.waiting(), 1);
}
