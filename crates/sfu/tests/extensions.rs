//! What packets say in their header extensions, and what becomes of it: how the camera is held, when a picture was
//! captured, what a packet is called.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use model::command::ProducerOpen;
use model::event::{Event, ProducerEvent};
use model::key::ShardIndex;
use sfu::{Config, Feed, Output, Sfu};
use support::parameters::{bound, connect, consuming, encoding, extension, plain, producing, replica};
use support::{Host, PAYLOAD, consumer, peer, producer, transport};
use wire::Ntp;
use wire::rtp::values::{AbsCaptureTime, PacketId};
use wire::rtp::{ExtensionId, View};

#[test]
fn users_hear_how_the_camera_is_held_at_first_and_when_it_is_turned() {
    let mut host = room(|_| ());
    let mut heard = |sequence, value: Option<u8>| {
        let elements: Vec<(u8, &[u8])> =
            value.iter().map(|value| (5, core::slice::from_ref(value))).collect();
        host.receive(transport(0), peer(1), &packet(sequence, &elements));
        host.finish();
        host.out.others.drain(..).find_map(|output| match output {
            Output::Event(Event::Producer(_, ProducerEvent::VideoOrientation(orientation))) => {
                Some((orientation.camera, orientation.flip, orientation.rotation))
            }
            _ => None,
        })
    };
    assert_eq!(heard(1, None), None);
    assert_eq!(heard(2, Some(0)), Some((false, false, 0)));
    assert_eq!(heard(3, Some(0)), None);
    assert_eq!(heard(4, None), None, "it says nothing, so nothing changed");
    assert_eq!(heard(5, Some(0b1101)), Some((true, true, 90)));
    assert_eq!(heard(6, Some(0b0011)), Some((false, false, 270)));
}

#[test]
fn a_capture_time_is_passed_on_with_how_far_its_clock_is_ahead_of_ours() {
    let mut host = room(|open| {
        let uri = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
        open.rtp_parameters.header_extensions.push(extension(uri, 9));
    });
    let passed = |host: &mut Host, sequence, value: &[u8]| {
        let copy = host.pass(&packet(sequence, &[(9, value)]));
        element(&copy, ROUTERS_CAPTURE_TIME)
    };
    let mut value = [0; 16];
    let captured = AbsCaptureTime { captured: Ntp((NTP_SECONDS + 7) << 32), clock_offset: None };
    let copy = passed(&mut host, 1, captured.write(&mut value)).unwrap();
    // By a producer whose sender reports nothing, a packet is taken to be captured when it comes; or else when it says.
    let relayed = AbsCaptureTime::parse(&copy).unwrap();
    assert_eq!((copy.len(), relayed.captured), (16, captured.captured));
    assert!(relayed.clock_offset.is_some());
    assert_eq!(passed(&mut host, 2, &[1, 2, 3]).as_deref(), Some(&[1, 2, 3][..]), "nothing that we know");
    assert_eq!(element(&host.pass(&packet(3, &[])), ROUTERS_CAPTURE_TIME), None);
}

#[test]
fn packets_are_called_by_the_name_they_have_or_get_one() {
    let mut host = room(|open| {
        open.adds_packet_id = true;
        let uri = "urn:mediasoup:params:rtp-hdrext:packet-id";
        open.rtp_parameters.header_extensions.push(extension(uri, 8));
    });
    let mut name = |sequence, elements: &[(u8, &[u8])]| {
        let copy = host.pass(&packet(sequence, elements));
        element(&copy, ROUTERS_PACKET_ID).and_then(|data| PacketId::parse(&data)).map(|id| id.0)
    };
    assert_eq!(name(1, &[]), Some(0));
    assert_eq!(name(2, &[]), Some(1));
    assert_eq!(name(3, &[(8, &[0, 0, 9, 9])]), Some(0x0909));
    assert_eq!(name(4, &[]), Some(2));
    let mut host = room(|_| ());
    assert_eq!(element(&host.pass(&packet(1, &[])), ROUTERS_PACKET_ID), None, "nobody asked for names");
}

#[test]
fn names_and_times_are_the_same_on_other_shards() {
    let (mut here, mut there) = (Host::default(), room(|_| ()));
    let mut open = producing(transport(0), &[encoding(5)]);
    open.adds_packet_id = true;
    let uri = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
    open.rtp_parameters.header_extensions.push(extension(uri, 9));
    here = open_room(here, &open);
    there.sfu.open_replica(producer(3), &replica(&open, ShardIndex(0), producer(0))).unwrap();
    there.sfu.consume(consumer(2), &consuming(transport(1), producer(3), 71), &mut there.out).unwrap();
    let feed = Feed { shard: ShardIndex(1), replica: producer(3) };
    here.sfu.open_feed(producer(0), feed, &mut here.out).unwrap();
    let (epoch, activity) = here.sfu.epoch(producer(0)).unwrap();
    there.sfu.turn_replica(producer(3), epoch, activity, &mut there.out).unwrap();
    here.receive(transport(0), peer(1), &packet(1, &[(9, &[1; 8])]));
    here.hand_over(&mut there);
    let values = |host: &mut Host, ssrc| {
        host.finish();
        let left = host.left();
        let copy =
            left.into_iter().find(|copy| View::parse(copy).is_ok_and(|view| view.ssrc().0 == ssrc)).unwrap();
        [ROUTERS_CAPTURE_TIME, ROUTERS_PACKET_ID].map(|id| element(&copy, id).unwrap())
    };
    assert_eq!(values(&mut here, 70), values(&mut there, 71));
}

impl Host {
    /// The copy of a packet.
    fn pass(&mut self, packet: &[u8]) -> Vec<u8> {
        self.receive(transport(0), peer(1), packet);
        self.finish();
        let mut left = self.left();
        left.retain(|datagram| wire::classify(datagram) == Some(wire::Kind::Rtp));
        left.pop().unwrap()
    }
}

fn room(change: impl FnOnce(&mut ProducerOpen)) -> Host {
    let mut open = producing(transport(0), &[encoding(5)]);
    change(&mut open);
    let config = Config { ntp_at_zero: Ntp(NTP_SECONDS << 32), ..Config::default() };
    open_room(Host { sfu: Sfu::new(config), ..Host::default() }, &open)
}

/// A producer on transport 0 and a consumer on transport 1.
fn open_room(mut host: Host, open: &ProducerOpen) -> Host {
    for (number, port) in [(0, 1), (1, 2)] {
        host.sfu.open_transport(transport(number), &plain(), &bound()).unwrap();
        host.sfu.connect(transport(number), &connect(port, None, None), &mut host.out).unwrap();
    }
    host.sfu.produce(producer(0), open).unwrap();
    host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
    host.out.clear();
    host
}

fn element(packet: &[u8], id: u8) -> Option<Vec<u8>> {
    View::parse(packet).unwrap().element(ExtensionId::new(id).unwrap()).map(<[u8]>::to_vec)
}

/// A packet with these header extension elements (RFC 8285 §4.2).
fn packet(sequence: u16, elements: &[(u8, &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (id, data) in elements {
        block.push(id << 4 | u8::try_from(data.len() - 1).unwrap());
        block.extend(*data);
    }
    block.resize(block.len().next_multiple_of(4), 0);
    let mut packet = vec![0x90, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 0, 0, 5, 0xbe, 0xde]);
    packet.extend(u16::try_from(block.len() / 4).unwrap().to_be_bytes());
    packet.extend(block);
    packet.extend(PAYLOAD);
    packet
}

/// The router's ids: the numbers of the URIs in the protocol, plus one.
const ROUTERS_CAPTURE_TIME: u8 = 10;
const ROUTERS_PACKET_ID: u8 = 12;
/// When the SFU's clock was zero.
const NTP_SECONDS: u64 = 3_900_000_000;
