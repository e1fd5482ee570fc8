//! Traces: who asked for them sees each packet, key frame and request once, as it came or left.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::time::Duration;

use model::event::{ConsumerEvent, Event, ProducerEvent};
use model::trace::{
    ConsumerTraceEventType as OfConsumer, ProducerTraceEventType as OfProducer, RtpPacketDump, StreamTrace,
    Trace, TraceDirection,
};
use sfu::Output;
use support::parameters::{bound, connect, consuming, encoding, plain, producing};
use support::{Host, PAYLOAD, consumer, delta, peer, pli, producer, rtp, transport};
use wire::Mono;
use wire::rtp::View;

#[test]
fn a_packet_is_shown_as_it_came_and_as_it_left() {
    let mut host = room(&[OfProducer::Rtp], &[OfConsumer::Rtp]);
    host.elapse(Mono::ZERO + Duration::from_millis(1_234));
    let mut packet = rtp(5, 7);
    packet[16..18].copy_from_slice(&[1 << 4, b'm']);
    host.receive(transport(0), peer(1), &packet);
    host.finish();
    let [came, left] = <[_; 2]>::try_from(host.traces()).unwrap();
    assert_eq!((came.timestamp, came.direction), (1_234, TraceDirection::In));
    let expected = RtpPacketDump {
        payload_type: model::id::PayloadType::new(96).unwrap(),
        sequence_number: 7,
        timestamp: 21_000,
        ssrc: model::id::Ssrc(5),
        is_key_frame: true,
        size: u64::try_from(packet.len()).unwrap(),
        payload_size: u64::try_from(PAYLOAD.len()).unwrap(),
        mid: Some("m".into()),
        ..RtpPacketDump::default()
    };
    assert_eq!(dump(&came), Some((&expected, false)));
    let copies = host.left();
    let copy =
        copies.iter().filter_map(|copy| View::parse(copy).ok()).find(|view| view.ssrc().0 == 70).unwrap();
    let expected = RtpPacketDump {
        payload_type: model::id::PayloadType::new(101).unwrap(),
        sequence_number: copy.sequence(),
        timestamp: copy.timestamp(),
        ssrc: model::id::Ssrc(70),
        size: u64::try_from(copy.bytes().len()).unwrap(),
        mid: Some("0".into()),
        ..expected
    };
    assert_eq!((left.timestamp, left.direction), (1_234, TraceDirection::Out));
    assert_eq!(dump(&left), Some((&expected, false)));
}

#[test]
fn a_key_frame_is_shown_as_such_to_who_asked_for_key_frames() {
    let names = |host: &mut Host, packet: &[u8]| {
        host.receive(transport(0), peer(1), packet);
        host.finish();
        host.traces().iter().map(|trace| name(&trace.info)).collect::<Vec<_>>()
    };
    let mut host = room(&[OfProducer::Rtp, OfProducer::KeyFrame], &[OfConsumer::KeyFrame]);
    assert_eq!(names(&mut host, &delta(5, 1)), ["rtp"], "and what is not sent is not shown as sent");
    assert_eq!(names(&mut host, &rtp(5, 2)), ["keyframe", "keyframe"]);
    assert_eq!(names(&mut host, &delta(5, 3)), ["rtp"]);
    let mut host = room(&[], &[]);
    assert_eq!(names(&mut host, &rtp(5, 2)), Vec::<&str>::new());
}

#[test]
fn requests_are_shown_on_both_sides_once_each() {
    let mut host = room(&[OfProducer::Pli], &[OfConsumer::Pli]);
    host.receive(transport(0), peer(1), &rtp(5, 1));
    for _ in 0..3 {
        host.receive(transport(1), peer(2), &pli(70));
    }
    let shown: Vec<_> = host
        .traces()
        .iter()
        .map(|trace| match trace.info {
            StreamTrace::Pli(info) => (trace.direction, info.ssrc.0),
            _ => panic!("{trace:?}"),
        })
        .collect();
    let (came, asked) = ((TraceDirection::In, 70), (TraceDirection::Out, 5));
    assert_eq!(shown, [came, asked, came, came]);
}

impl Host {
    /// What was traced since the last time.
    fn traces(&mut self) -> Vec<Trace<StreamTrace>> {
        let traced = self.out.others.drain(..).filter_map(|output| match output {
            Output::Event(
                Event::Producer(_, ProducerEvent::Trace(trace))
                | Event::Consumer(_, ConsumerEvent::Trace(trace)),
            ) => Some(*trace),
            _ => None,
        });
        traced.collect()
    }
}

/// A producer on transport 0 and a consumer on transport 1, of which that is traced.
fn room(of_producer: &[OfProducer], of_consumer: &[OfConsumer]) -> Host {
    let mut host = Host::default();
    for (number, port) in [(0, 1), (1, 2)] {
        host.sfu.open_transport(transport(number), &plain(), &bound()).unwrap();
        host.sfu.connect(transport(number), &connect(port, None, None), &mut host.out).unwrap();
    }
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
    host.sfu.trace_producer(producer(0), of_producer.iter().copied().collect()).unwrap();
    host.sfu.trace_consumer(consumer(1), of_consumer.iter().copied().collect()).unwrap();
    host.out.clear();
    host
}

fn dump(trace: &Trace<StreamTrace>) -> Option<(&RtpPacketDump, bool)> {
    match &trace.info {
        StreamTrace::Rtp(info) => Some((&info.rtp_packet, info.is_rtx)),
        _ => None,
    }
}

const fn name(info: &StreamTrace) -> &'static str {
    match info {
        StreamTrace::Rtp(_) => "rtp",
        StreamTrace::KeyFrame(_) => "keyframe",
        StreamTrace::Nack => "nack",
        StreamTrace::Pli(_) => "pli",
        StreamTrace::Fir(_) => "fir",
        StreamTrace::Sr(_) => "sr",
    }
}
