//! STUN: the vectors of RFC 5769, what ICE agents send, and what nobody should.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha1::Sha1;
use wire::NoRoom;
use wire::stun::{Builder, Class, ErrorCode, Malformed, Message, Method, Role, TransactionId, Username};

fn key(password: &[u8]) -> impl Fn(&[&[u8]]) -> [u8; 20] {
    let keyed = Hmac::<Sha1>::new_from_slice(password).unwrap();
    move |parts| {
        parts.iter().fold(keyed.clone(), |mac, part| mac.chain_update(part)).finalize().into_bytes().into()
    }
}

/// The transaction of RFC 5769.
const TRANSACTION: TransactionId =
    TransactionId([0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae]);
const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

fn vector(kind: [u8; 4], attributes: &[&[u8]]) -> Vec<u8> {
    [&kind[..], &[0x21, 0x12, 0xa4, 0x42], &TRANSACTION.0, &attributes.concat()].concat()
}

/// RFC 5769 §2.1.
fn sample_request() -> Vec<u8> {
    vector(
        [0x00, 0x01, 0x00, 0x58],
        &[
            &[0x80, 0x22, 0x00, 0x10],
            b"STUN test client",
            &[0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff],
            &[0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36],
            &[0x00, 0x06, 0x00, 0x09],
            b"evtj:h6vY   ",
            &[0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5],
            &[0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2],
            &[0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf],
        ],
    )
}

/// RFC 5769 §2.2.
fn sample_ipv4_response() -> Vec<u8> {
    vector(
        [0x01, 0x01, 0x00, 0x3c],
        &[
            &[0x80, 0x22, 0x00, 0x0b],
            b"test vector ",
            &[0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43],
            &[0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9],
            &[0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7],
            &[0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96],
        ],
    )
}

/// RFC 5769 §2.3.
fn sample_ipv6_response() -> Vec<u8> {
    vector(
        [0x01, 0x01, 0x00, 0x48],
        &[
            &[0x80, 0x22, 0x00, 0x0b],
            b"test vector ",
            &[0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79],
            &[0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9],
            &[0x00, 0x08, 0x00, 0x14, 0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c],
            &[0x82, 0x92, 0xc2, 0x75, 0xbf, 0xe3, 0xed, 0x41],
            &[0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c],
        ],
    )
}

#[test]
fn the_request_of_rfc_5769_reads_as_printed() {
    let bytes = sample_request();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Request, Method::BINDING));
    assert_eq!(message.transaction(), TRANSACTION);
    assert_eq!(message.username, Some(Username { receiver: b"evtj", sender: Some(b"h6vY") }));
    assert_eq!(message.priority, Some(0x6e00_01ff));
    assert_eq!(message.role, Some(Role::Controlled(0x932f_f9b1_5126_3b36)));
    assert!(!message.use_candidate && message.nomination.is_none() && message.unknown.kinds().is_empty());
    assert!(message.has_integrity() && message.has_fingerprint());
    assert!(message.is_authentic(&key(PASSWORD)));
    assert!(!message.is_authentic(&key(b"VOkJxbRl1RmTxUk/WvJxBT")));
}

#[test]
fn the_responses_of_rfc_5769_read_as_printed() {
    for (bytes, address) in [
        (sample_ipv4_response(), "192.0.2.1:32853"),
        (sample_ipv6_response(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.class(), message.method()), (Class::Success, Method::BINDING));
        assert_eq!(message.xor_mapped_address, Some(address.parse().unwrap()));
        assert!(message.is_authentic(&key(PASSWORD)) && message.has_fingerprint());
    }
}

#[test]
fn a_changed_bit_anywhere_is_noticed() {
    let bytes = sample_request();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(message) = Message::parse(&changed) {
            // The name of the fingerprint itself may turn into one that nobody knows; the password still speaks.
            assert!(!message.has_fingerprint(), "bit {bit}");
        }
        // Without the fingerprint, the integrity has to notice: all but the padding of nothing is covered.
        let end = bytes.len() - 8;
        if bit / 8 < end {
            let mut cut = changed[..end].to_vec();
            cut[2..4].copy_from_slice(&u16::try_from(end - 20).unwrap().to_be_bytes());
            let authentic = Message::parse(&cut).is_ok_and(|message| message.is_authentic(&key(PASSWORD)));
            // The length was just written anew, so a change there is none.
            assert_eq!(authentic, (2..4).contains(&(bit / 8)), "bit {bit}");
        }
    }
}

/// A request as a controlling agent sends it.
fn request(fill: impl FnOnce(&mut Builder<'_>)) -> Vec<u8> {
    let mut out = [0; 548];
    let mut builder = Builder::request(&mut out, TRANSACTION).unwrap();
    fill(&mut builder);
    let len = builder.fingerprint().unwrap();
    out[..len].to_vec()
}

#[test]
fn both_nominations_of_browsers_are_read() {
    for kind in [0x0030, 0xc001] {
        let bytes = request(|builder| builder.attribute(kind, &[0, 0, 1, 2]).unwrap());
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.nomination, message.unknown.kinds()), (Some(258), &[][..]));
    }
}

#[test]
fn the_first_of_two_counts_and_nothing_behind_the_integrity() {
    let bytes = request(|builder| {
        builder.priority(1).unwrap();
        builder.priority(2).unwrap();
        builder.integrity(&key(b"password")).unwrap();
        builder.username(b"mallory:m").unwrap();
        builder.use_candidate().unwrap();
        builder.attribute(0x7777, b"").unwrap();
    });
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.priority, message.username, message.use_candidate), (Some(1), None, false));
    assert_eq!(message.unknown.kinds(), []);
    assert!(message.is_authentic(&key(b"password")), "what follows is not covered");
    assert_eq!(message.attributes().count(), 7);
}

#[test]
fn what_must_be_understood_and_is_not_is_named() {
    let bytes = request(|builder| {
        builder.attribute(0x7fff, b"x").unwrap();
        builder.attribute(0x8000, b"y").unwrap();
        builder.attribute(0x0019, b"").unwrap();
    });
    assert_eq!(Message::parse(&bytes).unwrap().unknown.kinds(), [0x7fff, 0x0019]);
}

#[test]
fn known_attributes_have_their_lengths() {
    for (kind, value) in [
        (0x0024, &[0; 3][..]),
        (0x0025, &[0]),
        (0x0030, &[0; 5]),
        (0xc001, &[]),
        (0x8029, &[0; 4]),
        (0x802a, &[0; 9]),
        (0x0020, &[0, 1, 0]),
        (0x0009, &[0, 0, 4]),
        (0x0008, &[0; 19]),
        (0x0006, &[b'a'; 509]),
    ] {
        let bytes = request(|builder| builder.attribute(kind, value).unwrap());
        assert_eq!(Message::parse(&bytes).map(|_| ()).unwrap_err(), Malformed::Attribute(kind));
    }
}

#[test]
fn a_fingerprint_is_last_and_once() {
    let fingerprint = |bytes: &[u8]| bytes[bytes.len() - 8..].to_vec();
    let good = request(|builder| builder.priority(1).unwrap());
    let mut twice = good.clone();
    twice.extend(fingerprint(&good));
    twice[3] += 8;
    assert_eq!(Message::parse(&twice).map(|_| ()).unwrap_err(), Malformed::Fingerprint);
}

#[test]
fn answers_are_shorter_than_what_they_answer() {
    let bytes = request(|builder| {
        builder.username(b"abcdefghabcdefghabcdefghabcdefgh:x").unwrap();
        builder.priority(1).unwrap();
        builder.integrity(&key(b"password")).unwrap();
    });
    let asked = Message::parse(&bytes).unwrap();
    let mut out = [0; 100];
    let mut answer = Builder::success(&mut out, &asked).unwrap();
    answer.xor_mapped_address("[2001:db8::1]:9".parse().unwrap()).unwrap();
    answer.integrity(&key(b"password")).unwrap();
    let len = answer.fingerprint().unwrap();
    assert!(len < bytes.len(), "{len} of {}", bytes.len());
    let answer = Message::parse(&out[..len]).unwrap();
    assert_eq!((answer.class(), answer.transaction()), (Class::Success, TRANSACTION));
    assert!(answer.is_authentic(&key(b"password")));

    let mut refusal = Builder::error(&mut out, &asked, ErrorCode::UNKNOWN_ATTRIBUTE).unwrap();
    refusal.unknown_attributes(&[0x7fff, 0x19, 0x1a]).unwrap();
    let len = refusal.fingerprint().unwrap();
    let refusal = Message::parse(&out[..len]).unwrap();
    assert_eq!((refusal.class(), refusal.error_code), (Class::Error, Some(ErrorCode::UNKNOWN_ATTRIBUTE)));
    assert!(
        refusal
            .attributes()
            .any(|found| found.kind == 0x000a && found.value == [0x7f, 0xff, 0, 0x19, 0, 0x1a])
    );
}

#[test]
fn what_does_not_fit_leaves_a_whole_message() {
    let mut out = [0; 31];
    assert_eq!(Builder::request(&mut out[..19], TRANSACTION).map(|_| ()), Err(NoRoom));
    let mut builder = Builder::request(&mut out, TRANSACTION).unwrap();
    builder.priority(7).unwrap();
    assert_eq!(builder.username(b""), Err(NoRoom));
    assert_eq!(builder.integrity(&key(b"")), Err(NoRoom));
    let len = builder.len();
    assert_eq!(builder.fingerprint(), Err(NoRoom));
    assert_eq!(Message::parse(&out[..len]).unwrap().priority, Some(7));
}

prop_compose! {
    fn address()(v4 in any::<bool>(), ip in any::<[u8; 16]>(), port in any::<u16>()) -> SocketAddr {
        let [a, b, c, d, ..] = ip;
        let v6: SocketAddr = (ip, port).into();
        if v4 { ([a, b, c, d], port).into() } else { SocketAddr::new(v6.ip().to_canonical(), port) }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        name in prop::collection::vec(any::<u8>(), 0..60),
        (priority, nomination, tie_breaker) in any::<(u32, Option<u32>, u64)>(),
        (use_candidate, controlling) in any::<(bool, bool)>(),
        from in address(),
    ) {
        let role = if controlling { Role::Controlling(tie_breaker) } else { Role::Controlled(tie_breaker) };
        let bytes = request(|builder| {
            builder.username(&name).unwrap();
            builder.priority(priority).unwrap();
            builder.role(role).unwrap();
            if use_candidate {
                builder.use_candidate().unwrap();
            }
            if let Some(value) = nomination {
                builder.nomination(value).unwrap();
            }
            builder.xor_mapped_address(from).unwrap();
            builder.integrity(&key(&name)).unwrap();
        });
        let message = Message::parse(&bytes).unwrap();
        let username = message.username.unwrap();
        let whole = [username.receiver, &username.sender.map_or_else(Vec::new, |sender| [b":", sender].concat())];
        prop_assert!(whole.concat() == name);
        prop_assert_eq!(message.priority, Some(priority));
        prop_assert_eq!(message.role, Some(role));
        prop_assert_eq!((message.use_candidate, message.nomination), (use_candidate, nomination));
        prop_assert_eq!(message.xor_mapped_address, Some(from));
        prop_assert!(message.is_authentic(&key(&name)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100), framed in any::<bool>()) {
        let mut bytes = bytes;
        if framed && bytes.len() >= 20 {
            bytes.truncate(bytes.len() & !3);
            bytes[0] &= 0x3f;
            let length = u16::try_from(bytes.len() - 20).unwrap();
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        }
        if let Ok(message) = Message::parse(&bytes) {
            let _ = message.is_authentic(&key(b"x"));
            prop_assert!(message.attributes().count() <= bytes.len() / 4);
        }
    }
}
