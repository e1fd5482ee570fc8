//! Plain transports with SRTP of each suite, with webrtc-srtp as both peers.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use model::command::{SrtpKeys, TransportConnect, TransportSetup};
use model::id::Ssrc;
use model::transport::{SrtpCryptoSuite, SrtpParameters};
use sfu::transport::{DropReason, KeysRefused};
use sfu::{Error, Verdict};
use support::parameters::{bind, bound, connect, consuming, encoding, key, open, producing};
use support::{Host, PAYLOAD, consumer, peer, pli, producer, rtp, transport};
use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;
use wire::rtp::View;

#[test]
fn packets_and_requests_pass_between_peers_of_every_suite() {
    for (number, suite) in (1..).zip(SUITES) {
        let mut room = Room::new(suite, number);
        let mut next = None;
        // Around a rollover of the producer's numbers, whose index SRTP counts on.
        for sequence in (65_000..=65_535).chain(0..500_u16) {
            let plain = rtp(5, sequence);
            let sealed = room.publisher.seal(&plain);
            assert_eq!(room.host.receive(transport(0), peer(1), &sealed), Verdict::Taken, "{suite:?}");
            room.host.finish();
            let left = room.host.left();
            let copy =
                left.iter().find(|datagram| wire::classify(datagram) == Some(wire::Kind::Rtp)).unwrap();
            let copy = room.subscriber.open(copy);
            let view = View::parse(&copy).unwrap();
            assert_eq!((view.ssrc().0, view.payload()), (70, &PAYLOAD[..]), "{suite:?}");
            assert_eq!(view.timestamp(), u32::from(sequence) * 3_000);
            assert!(next.is_none_or(|next| next == view.sequence()), "{suite:?}");
            next = Some(view.sequence().wrapping_add(1));
        }
        let request = room.subscriber.seal_rtcp(&pli(70));
        assert_eq!(room.host.receive(transport(1), peer(2), &request), Verdict::Taken);
        room.host.finish();
        let left = room.host.left();
        let [asked] = left.as_slice() else { panic!("{left:?}") };
        assert_eq!(room.publisher.open_rtcp(asked), pli_of(5), "{suite:?}");
    }
}

#[test]
fn what_is_not_authentic_or_comes_again_changes_nothing() {
    for suite in SUITES {
        let mut room = Room::new(suite, 9);
        let sealed = room.publisher.seal(&rtp(5, 1));
        let mut forged = sealed.clone();
        *forged.last_mut().unwrap() ^= 1;
        let mut judge = |bytes: &[u8]| room.host.receive(transport(0), peer(1), bytes);
        assert_eq!(judge(&forged), Verdict::Dropped(DropReason::Unauthentic), "{suite:?}");
        assert_eq!(judge(&rtp(5, 2)), Verdict::Dropped(DropReason::Unauthentic));
        assert_eq!(judge(&sealed[..12]), Verdict::Dropped(DropReason::Malformed));
        assert_eq!(judge(&sealed), Verdict::Taken);
        assert_eq!(judge(&sealed), Verdict::Dropped(DropReason::Replayed));
        let report = room.publisher.seal_rtcp(&pli(70));
        let mut forged = report.clone();
        *forged.last_mut().unwrap() ^= 1;
        let mut judge = |bytes: &[u8]| room.host.receive(transport(0), peer(1), bytes);
        assert_ne!(judge(&forged), Verdict::Taken);
        assert_eq!(judge(&report), Verdict::Taken);
        assert_eq!(judge(&report), Verdict::Dropped(DropReason::Replayed));
        room.host.finish();
        assert_eq!(room.host.memory.held(), 0);
    }
}

#[test]
fn an_ssrc_that_comes_again_goes_on_above_its_highest_index() {
    let mut room = Room::new(SrtpCryptoSuite::AeadAes128Gcm, 1);
    let mut sequences = Vec::new();
    for round in 0..3_u16 {
        for sequence in 0..10 {
            let sealed = room.publisher.seal(&rtp(5, round * 10 + sequence));
            room.host.receive(transport(0), peer(1), &sealed);
        }
        room.host.finish();
        for copy in room.host.left() {
            // The peer's own replay protection would refuse an index that was used.
            if wire::classify(&copy) == Some(wire::Kind::Rtp) {
                sequences.push(View::parse(&room.subscriber.open(&copy)).unwrap().sequence());
            }
        }
        room.host.sfu.close_consumer(consumer(1)).unwrap();
        // Another seed would begin elsewhere.
        let mut again = consuming(transport(1), producer(0), 70);
        again.seed = u64::from(round) + 100;
        room.host.sfu.consume(consumer(1), &again, &mut room.host.out).unwrap();
    }
    assert_eq!(sequences.len(), 30);
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sequences:?}");
}

#[test]
fn a_closed_producers_ssrc_may_begin_anew() {
    let suite = SrtpCryptoSuite::AeadAes128Gcm;
    let mut room = Room::new(suite, 1);
    let first = room.publisher.seal(&rtp(5, 9));
    assert_eq!(room.host.receive(transport(0), peer(1), &first), Verdict::Taken);
    room.host.sfu.close_producer(producer(0)).unwrap();
    room.host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    // A sender that was made anew counts from the beginning, under the same key.
    let again = keys(suite, 2).1.seal(&rtp(5, 9));
    assert_eq!(room.host.receive(transport(0), peer(1), &again), Verdict::Dropped(DropReason::NoTaker));
}

#[test]
fn producers_that_come_and_go_leave_room_for_others() {
    let suite = SrtpCryptoSuite::AeadAes128Gcm;
    let mut room = Room::new(suite, 1);
    for ssrc in 1_000..2_100 {
        room.host.sfu.produce(producer(7), &producing(transport(0), &[encoding(ssrc)])).unwrap();
        let packet = room.publisher.seal(&rtp(ssrc, 1));
        let verdict = room.host.receive(transport(0), peer(1), &packet);
        assert_eq!(verdict, Verdict::Dropped(DropReason::NoTaker), "{ssrc}");
        room.host.sfu.close_producer(producer(7)).unwrap();
        // Whoever sends hears of the end later.
        let late = room.publisher.seal(&rtp(ssrc, 2));
        let verdict = room.host.receive(transport(0), peer(1), &late);
        assert_eq!(verdict, Verdict::Dropped(DropReason::UnknownProducer), "{ssrc}");
    }
}

#[test]
fn receivers_that_come_and_go_leave_room_for_the_reports_of_others() {
    let mut room = Room::new(SrtpCryptoSuite::AeadAes128Gcm, 1);
    let mut first = None;
    for passing in 1_000..2_100_u32 {
        // RFC 3550 §6.4.2: one who stays and one who does not, each with an empty report.
        for ssrc in [77, passing] {
            let report = [&[0x80, 201, 0, 1], &ssrc.to_be_bytes()[..]].concat();
            let sealed = room.subscriber.seal_rtcp(&report);
            assert_eq!(room.host.receive(transport(1), peer(2), &sealed), Verdict::Taken, "{ssrc}");
            first.get_or_insert(sealed);
        }
    }
    let verdict = room.host.receive(transport(1), peer(2), &first.unwrap());
    assert_eq!(verdict, Verdict::Dropped(DropReason::Replayed), "who stays is not forgotten");
}

#[test]
fn consumers_made_before_the_keys_send_once_there_are_keys() {
    let suite = SrtpCryptoSuite::AeadAes256Gcm;
    let mut host = Host::default();
    host.sfu.open_transport(transport(0), &plain_with(suite, true), &bound()).unwrap();
    host.sfu.open_transport(transport(1), &plain_with(suite, false), &bound()).unwrap();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
    let early = rtp(5, 0);
    let verdict = host.receive(transport(0), peer(1), &early);
    assert_eq!(verdict, Verdict::Dropped(DropReason::NotConnected), "comedia waits for the keys");
    let [publisher, subscriber] = [1, 2].map(|seed| keys(suite, seed));
    let comedia = TransportConnect::Plain { peer: None, srtp: Some(publisher.0) };
    host.sfu.connect(transport(0), &comedia, &mut host.out).unwrap();
    host.sfu.connect(transport(1), &connect(2, None, Some(subscriber.0)), &mut host.out).unwrap();
    let (mut publisher, mut subscriber) = (publisher.1, subscriber.1);
    assert_eq!(
        host.receive(transport(0), peer(9), &early),
        Verdict::Dropped(DropReason::Unauthentic),
        "and learns from nobody without them"
    );
    assert_eq!(host.receive(transport(0), peer(1), &publisher.seal(&rtp(5, 1))), Verdict::Taken);
    assert_eq!(
        host.receive(transport(0), peer(9), &publisher.seal(&rtp(5, 2))),
        Verdict::Dropped(DropReason::UnknownFlow)
    );
    host.finish();
    let left = host.left();
    let copy = left.iter().find(|datagram| wire::classify(datagram) == Some(wire::Kind::Rtp)).unwrap();
    assert_eq!(View::parse(&subscriber.open(copy)).unwrap().ssrc().0, 70);
}

#[test]
fn keys_that_are_none_are_refused_and_change_nothing() {
    let suite = SrtpCryptoSuite::AeadAes128Gcm;
    let mut host = Host::default();
    host.sfu.open_transport(transport(0), &plain_with(suite, false), &bound()).unwrap();
    let mut refused = |keys: Option<SrtpKeys>| {
        let told = connect(1, None, keys);
        host.sfu.connect(transport(0), &told, &mut host.out).unwrap_err()
    };
    assert!(matches!(refused(None), Error::Keys(KeysRefused::Presence(_))));
    let good = keys(suite, 1).0;
    let short = SrtpKeys { remote: key(suite, "AAAA"), ..good.clone() };
    assert!(matches!(refused(Some(short)), Error::Keys(KeysRefused::Key(_))));
    let nonsense = SrtpKeys { local: key(suite, "no base64!"), ..good.clone() };
    assert_eq!(refused(Some(nonsense)), Error::Keys(KeysRefused::NotBase64));
    let echoed = SrtpKeys { remote: good.local.clone(), ..good.clone() };
    assert_eq!(refused(Some(echoed)), Error::Keys(KeysRefused::Own));
    assert!(!host.sfu.is_connected(transport(0)));
    host.sfu.connect(transport(0), &connect(1, None, Some(good)), &mut host.out).unwrap();
    assert!(host.sfu.is_connected(transport(0)));
}

/// A producer behind transport 0 and a consumer behind transport 1, both with peers that speak SRTP.
struct Room {
    host: Host,
    publisher: Peer,
    subscriber: Peer,
}

/// webrtc-srtp at the other end: seals with the key that we open with, and the other way round.
struct Peer {
    sealing: Context,
    opening: Context,
}

impl Room {
    fn new(suite: SrtpCryptoSuite, seed: u8) -> Self {
        let mut host = Host::default();
        let [publisher, subscriber] = [2 * seed, 2 * seed + 1].map(|seed| keys(suite, seed));
        for (number, port, keys) in [(0, 1, publisher.0), (1, 2, subscriber.0)] {
            host.sfu.open_transport(transport(number), &plain_with(suite, false), &bound()).unwrap();
            host.sfu.connect(transport(number), &connect(port, None, Some(keys)), &mut host.out).unwrap();
        }
        host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
        host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
        Self { host, publisher: publisher.1, subscriber: subscriber.1 }
    }
}

impl Peer {
    fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        self.sealing.encrypt_rtp(packet).unwrap().to_vec()
    }

    fn seal_rtcp(&mut self, compound: &[u8]) -> Vec<u8> {
        self.sealing.encrypt_rtcp(compound).unwrap().to_vec()
    }

    fn open(&mut self, packet: &[u8]) -> Vec<u8> {
        self.opening.decrypt_rtp(packet).unwrap().to_vec()
    }

    fn open_rtcp(&mut self, compound: &[u8]) -> Vec<u8> {
        self.opening.decrypt_rtcp(compound).unwrap().to_vec()
    }
}

fn plain_with(suite: SrtpCryptoSuite, comedia: bool) -> model::command::TransportOpen {
    let srtp = Some(keys(suite, 0).0.local);
    open(TransportSetup::Plain { bind: bind(), rtcp_bind: None, comedia, srtp })
}

/// Keys of both directions as control gives them, and the peer that has the same.
fn keys(suite: SrtpCryptoSuite, seed: u8) -> (SrtpKeys, Peer) {
    let material = |direction: u8| -> Vec<u8> {
        (0..).take(suite.key_and_salt_len()).map(|at: u8| at.wrapping_mul(7) ^ seed ^ direction).collect()
    };
    let parameters = |direction| -> SrtpParameters { key(suite, &base64(&material(direction))) };
    let keys = SrtpKeys { local: parameters(0x40), remote: parameters(0x80) };
    let peer = Peer { sealing: context(suite, &material(0x80)), opening: context(suite, &material(0x40)) };
    (keys, peer)
}

fn context(suite: SrtpCryptoSuite, material: &[u8]) -> Context {
    let (profile, key_len) = match suite {
        SrtpCryptoSuite::AeadAes128Gcm => (ProtectionProfile::AeadAes128Gcm, 16),
        SrtpCryptoSuite::AeadAes256Gcm => (ProtectionProfile::AeadAes256Gcm, 32),
        SrtpCryptoSuite::AesCm128HmacSha1_80 => (ProtectionProfile::Aes128CmHmacSha1_80, 16),
        SrtpCryptoSuite::AesCm128HmacSha1_32 => (ProtectionProfile::Aes128CmHmacSha1_32, 16),
    };
    let (key, salt) = material.split_at(key_len);
    let replay = (Some(srtp_replay_protection(1024)), Some(srtcp_replay_protection(1024)));
    Context::new(key, salt, profile, replay.0, replay.1).unwrap()
}

/// A request for a key frame of a producer's stream, as we write it.
fn pli_of(ssrc: u32) -> Vec<u8> {
    let mut packet = pli(ssrc);
    packet[4..8].copy_from_slice(&Ssrc(ssrc).0.to_be_bytes());
    packet
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        let digits = (0..4).map(|at| char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]));
        text.extend(digits.take(group.len() + 1));
    }
    text.extend(core::iter::repeat_n('=', text.len().wrapping_neg() % 4));
    text
}

const SUITES: [SrtpCryptoSuite; 4] = [
    SrtpCryptoSuite::AeadAes128Gcm,
    SrtpCryptoSuite::AeadAes256Gcm,
    SrtpCryptoSuite::AesCm128HmacSha1_80,
    SrtpCryptoSuite::AesCm128HmacSha1_32,
];
