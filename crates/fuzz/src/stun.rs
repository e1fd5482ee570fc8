//! STUN from anybody: read, and what was read written again.

use wire::stun::{Builder, HEADER_LEN, Message};

use crate::input::Input;

/// The first bit says whether the rest is a whole message or only its attributes.
pub fn stun(data: &[u8]) {
    let mut input = Input::new(data);
    if input.bool() {
        read(&framed(input.u16(), input.rest()));
    } else {
        read(input.rest());
    }
}

/// Attributes behind a header that is right, so that no input is wasted on it.
fn framed(kind: u16, attributes: &[u8]) -> Vec<u8> {
    let words = (attributes.len() / 4).min(MAX_WORDS) * 4;
    let length = u16::try_from(words).unwrap_or_default();
    let mut out = (kind & 0x3fff).to_be_bytes().to_vec();
    out.extend(length.to_be_bytes());
    out.extend(MAGIC_COOKIE);
    out.extend([7; 12]);
    out.extend(&attributes[..words]);
    out
}

fn read(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else { return };
    let attributes: Vec<_> = message.attributes().collect();
    let padded: usize = attributes.iter().map(|found| 4 + found.value.len().next_multiple_of(4)).sum();
    assert_eq!(HEADER_LEN + padded, bytes.len(), "every byte belongs to an attribute");
    let unknown = message.unknown.kinds();
    assert!(unknown.iter().all(|&kind| kind < 0x8000 && attributes.iter().any(|found| found.kind == kind)));

    let mut out = vec![0; bytes.len() + 40];
    let Ok(mut builder) = Builder::request(&mut out, message.transaction()) else {
        unreachable!("there is room")
    };
    for found in attributes.iter().filter(|found| found.kind != FINGERPRINT) {
        assert_eq!(builder.attribute(found.kind, found.value), Ok(()));
    }
    assert_eq!(builder.integrity(&toy), Ok(()));
    let Ok(len) = builder.fingerprint() else {
        assert!(bytes.len() + 32 > usize::from(u16::MAX), "longer than any message may be");
        return;
    };
    let again = Message::parse(&out[..len]).expect("what was read and written again is read");
    assert!(again.has_fingerprint());
    // Of two codes the first counts; that one may be anybody's.
    assert!(message.has_integrity() || again.is_authentic(&toy));
    assert!(message.has_integrity() || !message.is_authentic(&toy));
    let _ = message.is_authentic(&toy);
    assert_eq!(
        (again.username, again.priority, again.role),
        (message.username, message.priority, message.role)
    );
    assert_eq!((again.use_candidate, again.nomination), (message.use_candidate, message.nomination));
    assert_eq!(
        (again.xor_mapped_address, again.error_code),
        (message.xor_mapped_address, message.error_code)
    );
    assert_eq!(again.unknown, message.unknown);
}

/// Not a code that anybody can guess, and not cryptography: it depends on every byte and its place.
fn toy(parts: &[&[u8]]) -> [u8; 20] {
    let mut code = [0x5c_u8; 20];
    for (at, &byte) in parts.iter().copied().flatten().enumerate() {
        let slot = &mut code[at % 20];
        *slot = slot.rotate_left(3).wrapping_mul(31).wrapping_add(byte);
    }
    code
}

const FINGERPRINT: u16 = 0x8028;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// As many as a length of sixteen bits counts.
const MAX_WORDS: usize = 0xffff / 4;
