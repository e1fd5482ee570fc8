//! Hellos in pieces that never become whole: what a peer who proves nothing beyond ICE can make a server hold and do.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

mod common;

use allocation_counter::measure;
use common::{KINDS, Kind, Side, millis};
use dtls::{DATAGRAM_MAX, Role, Room, State};

/// How somebody cuts hellos: a datagram of his, by its number.
type Cut = fn(u32) -> Vec<u8>;

#[test]
fn a_hello_that_never_ends_holds_no_more_than_its_room_and_ends_in_time() {
    for kinds in KINDS {
        let [_, server] = kinds.map(Kind::identity);
        for (name, cut) in CUTS {
            let mut room = Room::new();
            let mut side = Side::new(&server, Role::Server, None, 60);
            side.drain(&mut room);
            let mut answered = 0;
            let datagrams: Vec<_> = (0..DATAGRAMS).map(cut).collect();
            let counted = measure(|| {
                for (number, datagram) in (0..).zip(&datagrams) {
                    let at = millis(number * 29_000 / u64::from(DATAGRAMS));
                    answered += side.feed(at, datagram, &mut room).len();
                }
            });
            assert_eq!(answered, 0, "{name}");
            assert!(counted.bytes_max < HELD_MAX, "{name}: {} bytes at once", counted.bytes_max);
            let for_each = counted.count_total / u64::from(DATAGRAMS);
            // One to keep each, and as many again to look through what is kept.
            assert!(for_each < 3 * PIECES_MAX, "{name}: {for_each} allocations for each datagram");
            side.endpoint.handle_timeout(millis(31_000));
            side.drain(&mut room);
            // Who has said nothing that could be meant has begun nothing, as if he were silent.
            let is_over = side.endpoint.state() == State::Failed;
            assert!(is_over || counted.bytes_current < BEGUN_MIN, "{name}: there is an end to it");
        }
    }
}

/// A record with one piece of a message (RFC 6347 §4.2.2).
fn piece(record: u32, (message, len): (u16, u32), offset: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![22, 0xFE, 0xFD, 0, 0, 0, 0];
    out.extend_from_slice(&record.to_be_bytes());
    out.extend_from_slice(&u16::try_from(bytes.len() + 12).unwrap().to_be_bytes());
    out.push(1);
    out.extend_from_slice(&len.to_be_bytes()[1..]);
    out.extend_from_slice(&message.to_be_bytes());
    out.extend_from_slice(&offset.to_be_bytes()[1..]);
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..]);
    out.extend_from_slice(bytes);
    out
}

fn one_byte(number: u32) -> Vec<u8> {
    piece(number, (0, 60_000), number % 59_999, &[1])
}

const CUTS: [(&str, Cut); 8] = [
    ("a byte each", one_byte),
    ("always the same", |number| piece(number, (0, 60_000), 0, &[1; 100])),
    ("each of another length", |number| piece(number, (0, 10_000 + number), 0, &[1; 1_000])),
    ("of messages to come", |number| {
        piece(number, (u16::try_from(number % 60_000).unwrap() + 1, 2_000), 0, &[1; 1_000])
    }),
    ("as long as they may be", |number| piece(number, (0, 0xFF_FFFF), number * 2_000, &[1; 2_000])),
    ("as many as a datagram has room for", |number| {
        let pieces =
            (0..).map(|at| piece(number * 100 + at, (0, 60_000), (number * 100 + at) % 59_999, &[1]));
        pieces.take(DATAGRAM_MAX / 26).flatten().collect()
    }),
    ("as many messages as there is room for", |number| {
        let pieces = (0..).map(|at| {
            let of_all = number * 100 + at;
            piece(of_all, (0, 2 + of_all % 460), 0, &[1])
        });
        pieces.take(DATAGRAM_MAX / 26).flatten().collect()
    }),
    ("all but its end, again and again", |number| {
        piece(number, (0, 50_000), number % 24 * 2_000, &[1; 2_000])
    }),
];

/// For each handshake, in all the time that it may take.
const DATAGRAMS: u32 = 500;
/// Of one handshake: thirty datagrams of two kilobytes and what their pieces are sorted by, with room to spare.
const HELD_MAX: u64 = 300_000;
/// Less is held by one that has not begun.
const BEGUN_MIN: i64 = 2_000;
/// Those that a datagram has room for.
const PIECES_MAX: u64 = 80;
