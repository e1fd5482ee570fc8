//! What a peer has not read as its way ends goes by the next one, and each packet arrives once.

mod support;

use core::ops::Range;
use core::time::Duration;
use std::net::SocketAddr;

use sfu::{ConnectionKey, Local, Verdict};
use support::browser::Browser;
use support::call::Call;
use support::parameters::{Repair, repairing};
use support::{consumer, peer, producer, rtcp, rtp, transport};
use wire::Ssrc;
use wire::rtcp::{Nack, NackItem};
use wire::rtp::{View, rtx};

#[test]
fn what_lies_unread_in_a_connection_arrives_once_by_the_next() {
    let mut call = Call::new();
    // It has nothing else.
    lose(&mut call);
    select(&mut call, connection(1));
    let read = send(&mut call, 0..10);
    // Its last moments, one packet with each tick and some in one run. Nobody reads them.
    let mut unread = send(&mut call, 10..18);
    queue(&mut call, 18..20);
    call.host.tick();
    unread.extend(media(&mut call));
    // It ends while packets wait for the flush, and for a moment there is no other.
    queue(&mut call, 20..22);
    lose(&mut call);
    assert_eq!(send(&mut call, 22..25), NOTHING);
    call.host.now += Duration::from_millis(300);
    let again = select(&mut call, connection(2));

    let known = [read.clone(), unread].concat();
    assert_eq!(again[..20], known, "the very same bytes, in their order, and then those that had waited");
    let after = send(&mut call, 25..30);
    call.receiver.read(&call.host, &[read, again, after].concat());
    let numbers = numbers(&mut call.receiver);
    assert_eq!(numbers, (numbers[0]..numbers[0] + 27).collect::<Vec<_>>(), "none is missing or comes twice");
    assert_eq!(call.receiver.replayed, 10, "those that were read");
}

#[test]
fn another_way_beside_a_connection_that_stays_leaves_nothing_behind() {
    let mut call = Call::new();
    select(&mut call, connection(1));
    let over_tcp = send(&mut call, 0..5);
    assert_eq!(select(&mut call, connection(1)), NOTHING, "checked again, the same way");
    assert_eq!(select(&mut call, (Local::RTP, peer(9_300))), over_tcp);
    send(&mut call, 5..10);
    assert_eq!(select(&mut call, (Local::RTCP, peer(9_301))), NOTHING, "datagrams are not waited for");
    select(&mut call, connection(2));
    assert_eq!(select(&mut call, connection(3)), NOTHING, "and nothing has gone by this one");
}

#[test]
fn who_goes_to_and_fro_gets_each_packet_twice_more() {
    let mut call = Call::new();
    select(&mut call, connection(1));
    let sent = send(&mut call, 0..10);
    let again = (0..20).map(|turn| select(&mut call, connection(2 + turn % 2)).len());
    assert_eq!(again.sum::<usize>(), 2 * sent.len());
}

#[test]
fn what_is_old_stays_where_it_is() {
    let mut call = Call::new();
    select(&mut call, connection(1));
    send(&mut call, 0..5);
    call.host.now += Duration::from_millis(600);
    let last = send(&mut call, 5..10);
    assert_eq!(select(&mut call, connection(2)), last, "half a second");
    call.host.now += Duration::from_secs(6);
    assert_eq!(select(&mut call, connection(3)), NOTHING, "nobody plays it any more");
}

#[test]
fn what_went_again_can_be_asked_for_as_ever() {
    for repair in [Repair::Rtx(81), Repair::Plain] {
        let mut call = Call::new();
        call.host.sfu.close_consumer(consumer(0)).unwrap();
        let open = repairing(transport(1), producer(0), 70, repair);
        call.host.sfu.consume(consumer(1), &open, &mut call.host.out).unwrap();
        send(&mut call, 0..5);
        // Whatever way it was that ended.
        queue(&mut call, 5..8);
        lose(&mut call);
        assert_eq!(send(&mut call, 8..10), NOTHING);
        call.host.now += Duration::from_millis(600);
        call.sender.collect(&mut call.host);
        call.sender.heard.clear();
        let again = select(&mut call, (Local::RTP, peer(9_777)));
        call.sender.collect(&mut call.host);
        let asked = call.sender.heard.iter().any(|heard| heard.starts_with(&[0x81, 206]));
        assert!(asked, "for a key frame, at once: what came meanwhile is left out");
        call.receiver.read(&call.host, &again);
        let numbers_again = numbers(&mut call.receiver);
        assert_eq!(numbers_again.len(), 3);
        let items = [NackItem { first: numbers_again[0], following: 0b11 }];
        let nack = rtcp(&Nack { sender: Ssrc(1), media: Ssrc(70), items: &items });
        assert_eq!(call.receiver.send_rtcp(&mut call.host, &nack), Verdict::Taken);
        call.host.tick();
        let asked_for = media(&mut call);
        if repair == Repair::Plain {
            assert_eq!(asked_for, again);
        } else {
            call.receiver.read(&call.host, &asked_for);
            assert_eq!(numbers(&mut call.receiver), numbers_again, "{repair:?}");
        }
    }
}

/// A connection, from a port of its own.
fn connection(number: u16) -> (Local, SocketAddr) {
    let connection = ConnectionKey { index: number.into(), generation: 0 };
    (Local::Connection { place: 0, connection }, peer(10_000 + number))
}

/// The receiver selects another way. The media that comes by it at once, which it has not read yet.
fn select(call: &mut Call, by: (Local, SocketAddr)) -> Vec<Vec<u8>> {
    call.receiver.by = by;
    let request = call.receiver.request(true);
    assert_eq!(call.receiver.send(&mut call.host, &request), Verdict::Taken);
    call.host.tick();
    media(call)
}

/// Its way ends.
fn lose(call: &mut Call) {
    let (local, from) = call.receiver.by;
    call.host.sfu.lost(transport(1), local, from, &mut call.host.out);
    call.host.tick();
}

/// The sender sends packets of these numbers, which wait for the flush.
fn queue(call: &mut Call, numbers: Range<u16>) {
    for number in numbers {
        assert_eq!(call.sender.send_rtp(&mut call.host, &rtp(5, number)), Verdict::Taken);
    }
}

/// The same with a tick for each; what left.
fn send(call: &mut Call, numbers: Range<u16>) -> Vec<Vec<u8>> {
    for number in numbers {
        call.sender.send_rtp(&mut call.host, &rtp(5, number));
        call.host.tick();
    }
    media(call)
}

/// The media on its way to the receiver, sealed.
fn media(call: &mut Call) -> Vec<Vec<u8>> {
    let mut left = call.host.take_sent(call.receiver.by.1);
    left.retain(|datagram| wire::classify(datagram) == Some(wire::Kind::Rtp));
    left
}

/// The numbers of the media that it has heard, also of what came in the stream of retransmissions.
fn numbers(browser: &mut Browser) -> Vec<u16> {
    let heard = std::mem::take(&mut browser.heard);
    let media = heard.iter().filter(|packet| wire::classify(packet) == Some(wire::Kind::Rtp));
    let number = |view: View<'_>| match view.ssrc().0 {
        70 => Some(view.sequence()),
        81 => rtx::open(&view).map(|original| original.sequence),
        _ => None,
    };
    media.filter_map(|packet| View::parse(packet).ok().and_then(number)).collect()
}

const NOTHING: [Vec<u8>; 0] = [];
