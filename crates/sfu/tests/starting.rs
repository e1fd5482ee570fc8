//! Streams begin with key frames: what comes before is left out, what comes behind a late first packet is not lost, and
//! nothing is held for long.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::time::Duration;

use model::command::{ConsumerOpen, ProducerOpen};
use model::rtp::{MediaKind, MimeType, RtpEncodingParameters, ScalabilityMode};
use model::score::{ConsumerLayers, ConsumerType};
use support::parameters::{MAPPED_SSRC, bound, connect, consuming, encoding, plain, producing};
use support::{Host, consumer, delta, peer, producer, rtp, transport};
use wire::Mono;
use wire::rtp::View;

#[test]
fn a_stream_begins_with_a_key_frame() {
    let mut room = Room::simple();
    assert_eq!(room.send(delta(5, 10)), NOTHING);
    assert_eq!(room.send(delta(5, 11)), NOTHING);
    assert_eq!(room.send(rtp(5, 12)), [12]);
    assert_eq!(room.send(delta(5, 13)), [13]);
    assert_eq!(room.send(delta(5, 11)), NOTHING, "of before the key frame");
    assert_eq!(room.requests, 1, "and is asked for");
    assert_eq!(room.offsets(), [0, 1]);
    room.ends();
}

#[test]
fn what_follows_a_late_first_packet_is_not_lost() {
    let mut room = Room::simple();
    for sequence in [7, 9, 12, 11] {
        assert_eq!(room.send(delta(5, sequence)), NOTHING);
    }
    assert_eq!(room.send(rtp(5, 10)), [10, 11, 12]);
    assert_eq!(room.send(delta(5, 11)), NOTHING, "it was sent");
    assert_eq!(room.send(delta(5, 14)), [14]);
    assert_eq!(room.send(delta(5, 13)), [13]);
    assert_eq!(room.offsets(), [0, 1, 2, 4, 3]);
    assert_eq!(room.host.memory.held(), 0);
    room.ends();
}

#[test]
fn after_a_pause_the_stream_goes_on_with_a_key_frame() {
    let mut room = Room::simple();
    assert_eq!(room.send(rtp(5, 1)), [1]);
    room.host.sfu.pause_consumer(consumer(1), &mut room.host.out).unwrap();
    assert_eq!(room.send(rtp(5, 2)), NOTHING);
    room.host.sfu.resume_consumer(consumer(1), &mut room.host.out).unwrap();
    assert_eq!(room.send(delta(5, 3)), NOTHING);
    assert_eq!(room.send(delta(5, 5)), NOTHING);
    assert_eq!(room.send(rtp(5, 4)), [4, 5]);
    assert_eq!(room.send(delta(5, 3)), NOTHING);
    assert_eq!(room.send(delta(5, 6)), [6]);
    assert_eq!(room.offsets(), [0, 1, 2, 3]);
    room.ends();
}

#[test]
fn a_key_frame_of_before_the_pause_is_too_late() {
    let mut room = Room::simple();
    assert_eq!(room.send(rtp(5, 1)), [1]);
    assert_eq!(room.send(delta(5, 4)), [4]);
    room.host.sfu.pause_consumer(consumer(1), &mut room.host.out).unwrap();
    room.host.sfu.resume_consumer(consumer(1), &mut room.host.out).unwrap();
    assert_eq!(room.send(rtp(5, 3)), NOTHING);
    assert_eq!(room.send(delta(5, 5)), NOTHING);
    assert_eq!(room.send(rtp(5, 6)), [6]);
    room.ends();
}

#[test]
fn a_sender_that_begins_anew_is_asked_for_a_key_frame() {
    let mut room = Room::simple();
    assert_eq!(room.send(rtp(5, 1)), [1]);
    assert_eq!(room.send(delta(5, 2)), [2]);
    room.requests = 0;
    assert_eq!(room.send(delta(5, 30_000)), NOTHING);
    assert_eq!(room.send(delta(5, 30_001)), NOTHING, "another run");
    assert_eq!(room.requests, 1);
    assert_eq!(room.send(rtp(5, 30_002)), [30_002]);
    room.ends();
}

#[test]
fn another_encoding_is_sent_from_its_key_frame_on() {
    let mut room = Room::simulcast();
    assert_eq!(room.send(rtp(5, 1)), [1]);
    assert_eq!(room.send(delta(6, 100)), NOTHING);
    assert_eq!(room.send(delta(5, 2)), [2], "until then the other");
    assert_eq!(room.send(delta(6, 102)), NOTHING);
    assert_eq!(room.send(delta(6, 103)), NOTHING);
    assert_eq!(room.send(rtp(6, 101)), [101, 102, 103]);
    assert_eq!(room.send(rtp(5, 3)), NOTHING);
    let wanted = ConsumerLayers { spatial_layer: 0, temporal_layer: None };
    room.requests = 0;
    room.host.sfu.set_preferred_layers(consumer(1), wanted, &mut room.host.out).unwrap();
    assert_eq!(room.send(delta(5, 4)), NOTHING);
    assert_eq!(room.requests, 1);
    assert_eq!(room.send(delta(6, 104)), [104]);
    assert_eq!(room.send(rtp(5, 5)), [5]);
    assert_eq!(room.send(rtp(6, 105)), NOTHING);
    assert_eq!(room.offsets(), [0, 1, 2, 3, 4, 5, 6], "one stream");
    room.ends();
}

#[test]
fn little_is_held_and_not_for_long() {
    let mut room = Room::simulcast();
    for sequence in 1..100 {
        room.send(delta(5, sequence));
        room.send(delta(6, sequence));
    }
    assert_eq!(room.host.memory.held(), 60);
    room.host.elapse(Mono::ZERO + Duration::from_millis(499));
    room.host.finish();
    assert_eq!(room.host.memory.held(), 60);
    room.host.elapse(Mono::ZERO + Duration::from_millis(500));
    room.host.finish();
    assert_eq!(room.host.memory.held(), 0);
    room.send(delta(5, 200));
    room.host.sfu.pause_producer(producer(0), &mut room.host.out).unwrap();
    room.host.finish();
    assert_eq!(room.host.memory.held(), 0, "what was before a pause is of no use");
    room.host.sfu.resume_producer(producer(0), &mut room.host.out).unwrap();
    room.send(delta(5, 201));
    assert_eq!(room.host.memory.held(), 1);
    room.host.sfu.close_producer(producer(0)).unwrap();
    room.host.finish();
    assert_eq!(room.host.memory.held(), 0);
}

#[test]
fn with_more_than_thirty_packets_behind_it_a_late_first_packet_is_followed_by_the_newest() {
    let mut room = Room::simple();
    for sequence in 11..=45 {
        room.send(delta(5, sequence));
    }
    let sent = room.send(rtp(5, 10));
    assert_eq!(sent, [10].into_iter().chain(16..=45).collect::<Vec<u16>>());
    room.ends();
}

#[test]
fn what_needs_no_key_frame_begins_anywhere() {
    for (mime_type, kind) in [("video/AV1", MediaKind::Video), ("audio/opus", MediaKind::Audio)] {
        let mut room = Room::new(&[encoding(5)], |produce, consume| {
            let mime_type = MimeType::new(mime_type).unwrap();
            (produce.kind, consume.kind) = (kind, kind);
            produce.rtp_parameters.codecs[0].mime_type = mime_type.clone();
            consume.rtp_parameters.codecs[0].mime_type = mime_type;
        });
        assert_eq!(room.send(delta(5, 10)), [10], "{mime_type}");
        room.ends();
    }
}

/// A producer on transport 0 and a consumer of it on transport 1, whose packets are known by the producer's numbers.
struct Room {
    host: Host,
    /// How often the sender was asked for a key frame.
    requests: usize,
    /// The numbers under which packets left.
    numbers: Vec<u16>,
}

impl Room {
    fn simple() -> Self {
        Self::new(&[encoding(5)], |_, _| ())
    }

    fn simulcast() -> Self {
        let encodings = [encoding(5), encoding(6)];
        Self::new(&encodings, |_, consume| {
            consume.consumer_type = ConsumerType::Simulcast;
            consume.consumable_encodings = (0..2).map(|at| encoding(MAPPED_SSRC.after(at).0)).collect();
            consume.rtp_parameters.encodings[0].scalability_mode = Some(ScalabilityMode::of(2, 1));
        })
    }

    fn new(
        encodings: &[RtpEncodingParameters],
        change: impl FnOnce(&mut ProducerOpen, &mut ConsumerOpen),
    ) -> Self {
        let mut host = Host::default();
        for (number, port) in [(0, 1), (1, 2)] {
            host.sfu.open_transport(transport(number), &plain(), &bound()).unwrap();
            host.sfu.connect(transport(number), &connect(port, None, None), &mut host.out).unwrap();
        }
        let mut produce = producing(transport(0), encodings);
        let mut consume = consuming(transport(1), producer(0), 70);
        change(&mut produce, &mut consume);
        host.sfu.produce(producer(0), &produce).unwrap();
        host.sfu.consume(consumer(1), &consume, &mut host.out).unwrap();
        Self { host, requests: 0, numbers: Vec::new() }
    }

    /// The producer's numbers of the packets that leave when one comes, in the order of theirs.
    fn send(&mut self, packet: Vec<u8>) -> Vec<u16> {
        // Each says its number in its payload.
        let mut packet = packet;
        let number = View::parse(&packet).unwrap().sequence();
        let end = packet.len();
        packet[end - 2..].copy_from_slice(&number.to_be_bytes());
        self.host.receive(transport(0), peer(1), &packet);
        self.host.finish();
        let mut copies = Vec::new();
        for datagram in self.host.left() {
            if datagram.starts_with(&[0x81, 206]) {
                self.requests += 1;
            } else if let Some(view) = View::parse(&datagram).ok().filter(|view| view.ssrc().0 == 70) {
                let (_, said) = view.payload().split_last_chunk::<2>().unwrap();
                copies.push((view.sequence(), u16::from_be_bytes(*said)));
            }
        }
        copies.sort_unstable();
        self.numbers.extend(copies.iter().map(|copy| copy.0));
        copies.into_iter().map(|(_, number)| number).collect()
    }

    /// The numbers under which packets left, counted from the first.
    fn offsets(&self) -> Vec<u16> {
        self.numbers.iter().map(|number| number.wrapping_sub(self.numbers[0])).collect()
    }

    /// Nothing stays behind.
    fn ends(mut self) {
        self.host.sfu.close_producer(producer(0)).unwrap();
        self.host.finish();
        assert_eq!(self.host.memory.held(), 0);
    }
}

const NOTHING: [u16; 0] = [];
