use super::*;
use crate::case::{Shape, Sockets, Spread};
use crate::far::numbers::element_of;
use wire::rtcp::{Compound, Packet};

fn feedback() -> Feedback {
    let case = Case {
        shape: Shape::Fan,
        shards: 1,
        rooms: 1,
        consumers: 1,
        bytes: 100,
        burst: 1,
        suite: Suite::Clear,
        sockets: Sockets::Connected,
        spread: Spread::Even,
    };
    let mut feedback = Feedback::new(&case);
    feedback.begin(0);
    feedback
}

fn packet(sequence: u16, number: u16) -> Vec<u8> {
    let [high, low] = sequence.to_be_bytes();
    let fixed = [0x90, PAYLOAD_TYPE_OUT, high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0, 1];
    [fixed.as_slice(), &element_of(number)].concat()
}

/// What was said in so many milliseconds, a packet each, as our own parser reads it: how much of each kind, and which
/// transport-wide numbers came at which quarter of a millisecond.
fn said(number: impl Fn(u16) -> u16) -> ([u32; 3], Vec<u16>, (u64, u64)) {
    let mut feedback = feedback();
    let (mut counts, mut numbers) = ([0; 3], Vec::new());
    for millisecond in 0..2_000_u16 {
        let now = u64::from(millisecond) * 1_000_000;
        feedback.hear(1, &packet(millisecond, number(millisecond)), now);
        while let Some(packet) = feedback.next(1, now) {
            for packet in Compound::parse(&packet).unwrap().packets() {
                match packet.unwrap() {
                    Packet::ReceiverReport(_) => counts[0] += 1,
                    Packet::Nack(_) => counts[1] += 1,
                    Packet::TransportCc(feedback) => {
                        counts[2] += 1;
                        numbers.extend(feedback.arrivals().map(|arrival| arrival.sequence));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    (counts, numbers, feedback.take_numbered())
}

#[test]
fn a_receiver_says_what_ours_would_read_and_as_often_as_it_should() {
    let (counts, numbers, heard) = said(|packet| packet.wrapping_add(65_000));
    assert_eq!(counts, [2, 20, 20]);
    // What came since the last feedback is still to be said.
    let came: Vec<u16> = (0..2_000).map(|packet: u16| packet.wrapping_add(65_000)).collect();
    assert!(numbers.len() > 1_850 && came.starts_with(&numbers), "{numbers:?}");
    assert_eq!(heard, (1_999, 0));
}

#[test]
fn where_all_packets_have_one_number_receivers_count_and_it_shows() {
    let (counts, numbers, heard) = said(|_| 0);
    assert_eq!(counts, [2, 20, 20]);
    assert!(numbers.iter().copied().eq(0..u16::try_from(numbers.len()).unwrap()), "{numbers:?}");
    assert_eq!(heard, (0, 1_999));
}

#[test]
fn feedback_has_the_holes_the_order_and_the_times_of_what_came() {
    let mut feedback = feedback();
    // A hole, two that changed places, and a long silence; times in quarters of a millisecond.
    let came = [(65_534, 400_u64), (65_535, 401), (2, 410), (1, 412), (6, 1_412), (7, 1_413)];
    for (sequence, (number, tick)) in (1..).zip(came) {
        feedback.hear(1, &packet(sequence, number), tick * 250_000);
    }
    let mut packets =
        core::iter::from_fn(|| feedback.next(1, 2_000 * 250_000)).filter(|packet| packet[1] == 205);
    let bytes = packets.next().unwrap();
    let compound = Compound::parse(&bytes).unwrap();
    let Some(Ok(Packet::TransportCc(said))) = compound.packets().next() else { panic!("{bytes:?}") };
    assert_eq!((said.base_sequence, said.status_count), (65_534, 10));
    let mut at = i64::from(said.reference_64_millis) * 256;
    let read: Vec<_> = said
        .arrivals()
        .map(|arrival| {
            at += i64::from(arrival.delta_ticks);
            (arrival.sequence, at)
        })
        .collect();
    assert_eq!(read, [(65_534, 400), (65_535, 401), (1, 412), (2, 410), (6, 1_412), (7, 1_413)]);
}
