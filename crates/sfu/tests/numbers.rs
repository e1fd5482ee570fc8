//! Transport-wide sequence numbers (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2): all that leaves by one
//! transport is counted together, whatever stream it is of, and what comes again byte for byte is not counted anew.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use core::time::Duration;

use model::command::ConsumerOpen;
use support::parameters::{Repair, bound, connect, encoding, extension, plain, producing, repairing};
use support::{Host, consumer, peer, producer, rtp, transport};
use wire::Ssrc;
use wire::rtcp::{Nack, NackItem};
use wire::rtp::values::TransportSequence;
use wire::rtp::{ExtensionId, View};

#[test]
fn two_consumers_of_a_transport_and_their_repairs_are_counted_together() {
    let mut host = room(&[numbered(70, Repair::Rtx(170)), numbered(80, Repair::Rtx(180))]);
    let sent = send(&mut host, 0..5);
    assert_eq!(numbers(&sent), (1..=10).collect::<Vec<_>>());
    assert!([70, 80].iter().all(|stream| sent.iter().any(|sent| ssrc(sent) == *stream)));
    let repairs = [ask(&mut host, &sent[..1]), ask(&mut host, &sent[1..2])].concat();
    assert_eq!((repairs.len(), numbers(&repairs)), (2, vec![11, 12]));
    assert!(repairs.iter().all(|repair| ssrc(repair) > 100), "in streams of their own");
    assert_eq!(numbers(&send(&mut host, 5..7)), [13, 14, 15, 16]);
}

#[test]
fn they_wrap() {
    let mut host = room(&[numbered(70, Repair::Plain), numbered(80, Repair::Plain)]);
    let (mut last, mut count) = (0_u16, 0);
    for first in (0..33_000).step_by(1_000) {
        for number in numbers(&send(&mut host, first..first + 1_000)) {
            assert_eq!(number, last.wrapping_add(1));
            (last, count) = (number, count + 1);
        }
    }
    assert!(count > 65_536, "{count}");
}

#[test]
fn what_goes_again_without_rtx_has_the_number_of_the_first_time() {
    let mut host = room(&[numbered(70, Repair::Plain), numbered(80, Repair::Plain)]);
    let sent = send(&mut host, 0..5);
    host.now += Duration::from_millis(30);
    for missed in &sent[2..6] {
        assert_eq!(ask(&mut host, core::slice::from_ref(missed)), core::slice::from_ref(missed));
    }
    assert_eq!(numbers(&send(&mut host, 5..6)), [11, 12], "and uses none up");
}

#[test]
fn who_knows_nothing_of_numbers_uses_none_up() {
    let plain = repairing(transport(1), producer(0), 80, Repair::Rtx(180));
    let mut host = room(&[numbered(70, Repair::Plain), plain]);
    let sent = send(&mut host, 0..4);
    let of = |stream| sent.iter().filter(|sent| ssrc(sent) == stream).cloned().collect::<Vec<_>>();
    assert_eq!((numbers(&of(70)), numbers(&of(80))), (vec![1, 2, 3, 4], vec![0; 4]));
    assert_eq!(numbers(&ask(&mut host, &of(80)[..1])), [0]);
}

fn numbered(ssrc: u32, repair: Repair) -> ConsumerOpen {
    let mut open = repairing(transport(1), producer(0), ssrc, repair);
    open.rtp_parameters.header_extensions.push(extension(URI, ID));
    open
}

/// A publisher in the first transport, and these in the second.
fn room(consumers: &[ConsumerOpen]) -> Host {
    let mut host = Host::default();
    for (place, port) in [(0, 1), (1, 2)] {
        host.sfu.open_transport(transport(place), &plain(), &bound()).unwrap();
        host.sfu.connect(transport(place), &connect(port, None, None), &mut host.out).unwrap();
    }
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    for (place, open) in (0..).zip(consumers) {
        host.sfu.consume(consumer(place), open, &mut host.out).unwrap();
    }
    host
}

/// Packets of the publisher with those numbers. What the other peer got of them, in the order in which it left.
fn send(host: &mut Host, sequences: core::ops::Range<u32>) -> Vec<Vec<u8>> {
    let mut left = Vec::new();
    for sequence in sequences {
        host.receive(transport(0), peer(1), &rtp(5, u16::try_from(sequence % 65_536).unwrap()));
        left.append(&mut media(host));
    }
    left
}

/// The peer misses packets of one stream. What it gets for it.
fn ask(host: &mut Host, missed: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let first = |missed: &Vec<u8>| View::parse(missed).unwrap().sequence();
    let items: Vec<_> = missed.iter().map(|missed| NackItem { first: first(missed), following: 0 }).collect();
    let media_ssrc = Ssrc(missed.first().map_or(0, |missed| ssrc(missed)));
    host.hear(transport(1), peer(2), &Nack { sender: Ssrc(1), media: media_ssrc, items: &items });
    media(host)
}

fn media(host: &mut Host) -> Vec<Vec<u8>> {
    host.finish();
    let mut left = host.left();
    left.retain(|datagram| wire::classify(datagram) == Some(wire::Kind::Rtp));
    left
}

fn ssrc(packet: &[u8]) -> u32 {
    View::parse(packet).unwrap().ssrc().0
}

fn numbers(packets: &[Vec<u8>]) -> Vec<u16> {
    let number = |packet: &Vec<u8>| {
        let view = View::parse(packet).unwrap();
        TransportSequence::parse(view.element(ExtensionId::new(ID).unwrap()).unwrap()).unwrap().0
    };
    packets.iter().map(number).collect()
}

const URI: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// Of the extension inside every router.
const ID: u8 = 5;
