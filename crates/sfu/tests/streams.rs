//! What a consumer's stream looks like to who receives it: numbers and timestamps over pauses, late joins and restarts,
//! and how packets find their producer.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use core::time::Duration;

use model::event::{ConsumerEvent, Event, ProducerEvent};
use model::rtp::RtpEncodingParameters;
use model::score::{ConsumerLayers, ConsumerType};
use sfu::transport::DropReason;
use sfu::{Output, Verdict};
use support::parameters::{MAPPED_SSRC, bound, connect, consuming, encoding, plain, producing, with_rid};
use support::{Host, consumer, peer, producer, rtp, transport};
use wire::rtp::View;

#[test]
fn pauses_leave_no_gap_in_numbers_and_a_true_one_in_time() {
    let mut host = room(&[encoding(5)]);
    let mut expected = None;
    let mut sequence = 65_500_u16;
    for round in 0..6 {
        for _ in 0..20 {
            let (number, timestamp) = host.pass(5, sequence).unwrap();
            assert!(expected.is_none_or(|expected| expected == number), "round {round}");
            assert_eq!(timestamp, u32::from(sequence) * 3_000);
            expected = Some(number.wrapping_add(1));
            sequence = sequence.wrapping_add(1);
        }
        let Host { sfu, out, .. } = &mut host;
        if round % 2 == 0 {
            sfu.pause_producer(producer(0), out).unwrap();
        } else {
            sfu.pause_consumer(consumer(1), out).unwrap();
        }
        for _ in 0..10 {
            assert_eq!(host.pass(5, sequence), None);
            sequence = sequence.wrapping_add(1);
        }
        let Host { sfu, out, .. } = &mut host;
        sfu.resume_producer(producer(0), out).unwrap();
        sfu.resume_consumer(consumer(1), out).unwrap();
    }
}

#[test]
fn losses_and_reordering_stay_as_they_are() {
    let mut host = room(&[encoding(5)]);
    let mut number = |sequence| host.pass(5, sequence).map(|(number, _)| number);
    let first = number(100).unwrap();
    let after = |steps: u16| Some(first.wrapping_add(steps));
    assert_eq!([102, 101, 105].map(&mut number), [after(2), after(1), after(5)]);
    assert_eq!(number(101), None, "a repetition");
    assert_eq!([103, 106].map(&mut number), [after(3), after(6)]);
}

#[test]
fn who_joins_late_begins_where_the_stream_is() {
    let mut host = room(&[encoding(5)]);
    for sequence in 0..50 {
        host.pass(5, sequence).unwrap();
    }
    host.sfu.consume(consumer(2), &consuming(transport(1), producer(0), 71), &mut host.out).unwrap();
    let mut numbers = Vec::new();
    for sequence in 50..60 {
        host.receive(transport(0), peer(1), &rtp(5, sequence));
        host.finish();
        let copies = host.left();
        let of_new = copies.iter().filter_map(|copy| View::parse(copy).ok()).find(|copy| copy.ssrc().0 == 71);
        let copy = of_new.unwrap();
        assert_eq!(copy.timestamp(), u32::from(sequence) * 3_000);
        numbers.push(copy.sequence());
    }
    assert!((1_000..=32_767).contains(&numbers[0]));
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
}

#[test]
fn packets_find_their_producer_by_ssrc_mid_and_rid() {
    let mut host = Host::default();
    for (number, port) in [(0, 1), (1, 2)] {
        host.sfu.open_transport(transport(number), &plain(), &bound()).unwrap();
        host.sfu.connect(transport(number), &connect(port, None, None), &mut host.out).unwrap();
    }
    let by_ssrc = producing(transport(0), &[encoding(5)]);
    let mut by_mid = producing(transport(0), &[RtpEncodingParameters::default()]);
    by_mid.rtp_parameters.mid = Some("m".into());
    let by_rid = producing(transport(0), &[with_rid("h")]);
    for (number, open) in [(0, by_ssrc), (1, by_mid), (2, by_rid)] {
        host.sfu.produce(producer(number), &open).unwrap();
        let open = consuming(transport(1), producer(number), 70 + number);
        host.sfu.consume(consumer(number), &open, &mut host.out).unwrap();
    }
    let mut ssrc_of = |packet: &[u8]| {
        host.receive(transport(0), peer(1), packet);
        host.finish();
        let left = host.left();
        left.iter().filter_map(|copy| View::parse(copy).ok()).map(|copy| copy.ssrc().0).next()
    };
    assert_eq!(ssrc_of(&rtp(5, 1)), Some(70));
    assert_eq!(ssrc_of(&rtp(6, 1)), None);
    assert_eq!(ssrc_of(&with_element(6, 1, 1, b"m")), Some(71));
    assert_eq!(ssrc_of(&with_element(7, 1, 2, b"h")), Some(72));
    assert_eq!(ssrc_of(&with_element(8, 1, 1, b"x")), None);
    assert_eq!(ssrc_of(&rtp(6, 2)), Some(71), "known from then on");
    assert_eq!(ssrc_of(&rtp(7, 2)), Some(72));
    let listener = host.sfu.listener(transport(0)).unwrap();
    let known: Vec<_> = listener.ssrcs().map(|(ssrc, producer)| (ssrc.0, producer.index)).collect();
    assert_eq!(known, [(5, 0), (6, 1), (7, 2)]);
    let ids = host.sfu.transport_report(transport(0)).unwrap().recv_rtp_header_extensions;
    assert_eq!((ids.mid, ids.rid, ids.rrid), (Some(1), Some(2), None));
    host.sfu.close_producer(producer(1)).unwrap();
    assert_eq!(host.sfu.listener(transport(0)).unwrap().ssrcs().len(), 2);
}

#[test]
fn the_spatial_layer_is_the_encoding_until_layers_are_told_apart() {
    let mut host = room(&[encoding(5), encoding(6), encoding(7)]);
    assert_eq!(host.pass(5, 10).map(|_| ()), Some(()), "the first that there is");
    assert!(host.pass(7, 900).is_some(), "the highest is wanted");
    assert!(host.pass(5, 11).is_none());
    let wanted = ConsumerLayers { spatial_layer: 1, temporal_layer: Some(7) };
    let aimed = host.sfu.set_preferred_layers(consumer(1), wanted, &mut host.out).unwrap();
    assert_eq!(aimed, Some(ConsumerLayers { spatial_layer: 1, temporal_layer: Some(0) }));
    let last = host.pass(7, 901).unwrap().0;
    let first = host.pass(6, 33).unwrap().0;
    assert_eq!(first, last.wrapping_add(1), "one stream");
    assert!(host.pass(7, 902).is_none());
    let layers = host.sfu.consumer_report(consumer(1)).unwrap().layers.unwrap();
    assert_eq!((layers.preferred_spatial_layer, layers.current_spatial_layer), (1, 1));
    let beyond = ConsumerLayers { spatial_layer: 9, temporal_layer: None };
    let aimed = host.sfu.set_preferred_layers(consumer(1), beyond, &mut host.out).unwrap();
    assert_eq!(aimed.unwrap().spatial_layer, 2);
}

#[test]
fn a_sender_that_restarts_under_its_rid_is_heard_again() {
    let mut host = room(&[with_rid("h")]);
    let pass = |host: &mut Host, ssrc, sequence| {
        let verdict = host.receive(transport(0), peer(1), &with_element(ssrc, sequence, 2, b"h"));
        host.finish();
        let left = host.left();
        let copy = left.iter().filter_map(|copy| View::parse(copy).ok()).map(|copy| copy.sequence()).next();
        (verdict, copy)
    };
    let first = pass(&mut host, 5, 100).1.unwrap();
    host.now += Duration::from_millis(2_900);
    assert_eq!(pass(&mut host, 6, 9_000).0, Verdict::Dropped(DropReason::NotOfProducer));
    host.now += Duration::from_millis(100);
    assert_eq!(pass(&mut host, 6, 9_001), (Verdict::Taken, Some(first + 1)));
    assert_eq!(pass(&mut host, 6, 9_002).1, Some(first + 2));
    let [stream] = &*host.sfu.producer_streams(producer(0)).unwrap() else { panic!("one stream") };
    assert_eq!((stream.params.ssrc.0, stream.params.rid.as_deref()), (6, Some("h")));
}

#[test]
fn control_hears_of_each_stream_that_appears() {
    let mut host = room(&[encoding(5), encoding(6)]);
    host.pass(6, 1);
    host.pass(6, 2);
    host.pass(5, 1);
    let heard: Vec<Vec<u32>> = host.out.others.iter().filter_map(scores).collect();
    assert_eq!(heard, [vec![6], vec![5, 6]]);
    let opened = host.sfu.consumer_opened(consumer(1)).unwrap();
    assert_eq!((opened.score.score, &*opened.score.producer_scores), (10, &[10, 10][..]));
    let last = host.out.others.iter().rev().find_map(|output| match output {
        Output::Event(Event::Consumer(key, ConsumerEvent::Score(score))) => Some((*key, score.clone())),
        _ => None,
    });
    assert_eq!(last, Some((consumer(1), opened.score)), "the consumer's user hears what a new one would");
}

#[test]
fn users_hear_which_layers_are_sent() {
    let mut host = room(&[encoding(5), encoding(6)]);
    let layers = |host: &mut Host| -> Vec<Option<u8>> {
        let heard = host.out.others.drain(..).filter_map(|output| match output {
            Output::Event(Event::Consumer(_, ConsumerEvent::Layers(layers))) => {
                Some(layers.map(|layers| layers.spatial_layer))
            }
            _ => None,
        });
        heard.collect()
    };
    host.pass(5, 1);
    host.pass(5, 2);
    host.pass(6, 1);
    host.pass(5, 3);
    assert_eq!(layers(&mut host), [Some(0), Some(1)]);
    host.sfu.pause_consumer(consumer(1), &mut host.out).unwrap();
    host.sfu.pause_producer(producer(0), &mut host.out).unwrap();
    assert_eq!(layers(&mut host), [None], "once");
    host.sfu.resume_consumer(consumer(1), &mut host.out).unwrap();
    host.sfu.resume_producer(producer(0), &mut host.out).unwrap();
    host.pass(6, 2);
    assert_eq!(layers(&mut host), [Some(1)]);
}

fn scores(output: &Output<usize>) -> Option<Vec<u32>> {
    let Output::Event(Event::Producer(_, ProducerEvent::Score(scores))) = output else { return None };
    Some(scores.iter().map(|score| score.ssrc.0).collect())
}

impl Host {
    /// Number and timestamp of the copy of a packet, if one left.
    fn pass(&mut self, ssrc: u32, sequence: u16) -> Option<(u16, u32)> {
        self.receive(transport(0), peer(1), &rtp(ssrc, sequence));
        self.finish();
        let left = self.left();
        let mut copies = left.iter().filter_map(|copy| View::parse(copy).ok());
        copies.find(|copy| copy.ssrc().0 == 70).map(|copy| (copy.sequence(), copy.timestamp()))
    }
}

/// A producer of these encodings on transport 0, and a consumer on transport 1.
fn room(encodings: &[RtpEncodingParameters]) -> Host {
    let mut host = Host::default();
    for (number, port) in [(0, 1), (1, 2)] {
        host.sfu.open_transport(transport(number), &plain(), &bound()).unwrap();
        host.sfu.connect(transport(number), &connect(port, None, None), &mut host.out).unwrap();
    }
    host.sfu.produce(producer(0), &producing(transport(0), encodings)).unwrap();
    let mut open = consuming(transport(1), producer(0), 70);
    if encodings.len() > 1 {
        open.consumer_type = ConsumerType::Simulcast;
        open.consumable_encodings =
            (0..encodings.len()).map(|at| encoding(MAPPED_SSRC.after(at).0)).collect();
        let mode = model::rtp::ScalabilityMode::of(encodings.len(), 1);
        open.rtp_parameters.encodings[0].scalability_mode = Some(mode);
    }
    host.sfu.consume(consumer(1), &open, &mut host.out).unwrap();
    host.out.clear();
    host
}

/// A packet with one header extension element.
fn with_element(ssrc: u32, sequence: u16, id: u8, text: &[u8; 1]) -> Vec<u8> {
    let mut packet = rtp(ssrc, sequence);
    packet[16] = id << 4;
    packet[17] = text[0];
    packet
}
