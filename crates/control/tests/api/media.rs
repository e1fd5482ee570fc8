//! Packets through plain transports, on one shard and on several.

use crate::support::*;
use model::transport::TransportTuple;

/// The same on one shard, and with every transport on another one than the last.
fn on_one_and_three(test: impl AsyncFn(u16)) {
    block_on(async {
        test(1).await;
        test(3).await;
    });
}

#[test]
fn sound_and_picture_reach_every_consumer() {
    on_one_and_three(async |shards| {
        let sfu = sfu(shards).await;
        let router = router(&sfu).await;
        let (source, sinks) = (Peer::new(), [Peer::new(), Peer::new()]);
        let ingress = comedia(&router).await;
        let sound = ingress.produce(audio(11)).await.unwrap();
        let picture = ingress.produce(video(22)).await.unwrap();
        let mut consumers = Vec::new();
        for sink in &sinks {
            let egress = towards(&router, sink).await;
            consumers.push((consume(&egress, &sound).await, consume(&egress, &picture).await));
        }
        let sound = Rtp::new(111, 11, b"sound");
        let (sent, _) = source.open_way(&ingress.tuple(), &sound, &sinks[0]);
        let sound = sent.next();
        let picture = Rtp::new(96, 22, KEY_FRAME);
        source.send(&ingress.tuple(), &sound);
        source.send(&ingress.tuple(), &picture);
        for (sink, (hears, sees)) in sinks.iter().zip(&consumers) {
            let of = |consumer: &shardcast::api::Consumer, sent: &Rtp| {
                let parameters = consumer.rtp_parameters();
                let ssrc = parameters.encodings[0].ssrc.unwrap().0;
                (ssrc, parameters.codecs[0].payload_type.number(), sent.payload.clone())
            };
            let mut missing = vec![of(hears, &sound), of(sees, &picture)];
            while let Some(rtp) = sink.receive() {
                missing.retain(|wanted| *wanted != (rtp.ssrc, rtp.payload_type, rtp.payload.clone()));
                if missing.is_empty() {
                    break;
                }
            }
            assert!(missing.is_empty(), "with {shards} shards, {missing:?} did not arrive");
        }
        assert_crossed(&sfu, shards).await;
        assert_eq!(sfu.close().await, []);
    });
}

#[test]
fn a_pause_of_either_side_stops_the_stream_and_leaves_no_gap() {
    on_one_and_three(async |shards| {
        let sfu = sfu(shards).await;
        let router = router(&sfu).await;
        let (source, sink) = (Peer::new(), Peer::new());
        let (ingress, egress) = (comedia(&router).await, towards(&router, &sink).await);
        let producer = ingress.produce(audio(11)).await.unwrap();
        let consumer = consume(&egress, &producer).await;
        let tuple = ingress.tuple();
        let (mut sent, mut seen) = source.open_way(&tuple, &Rtp::new(111, 11, b"x"), &sink);

        producer.pause().await.unwrap();
        assert!(producer.paused());
        assert_silent(&source, &sink, &tuple, &mut sent);
        producer.resume().await.unwrap();
        assert_goes_on(&source, &sink, &tuple, &mut sent, &mut seen);

        consumer.pause().await.unwrap();
        assert!(consumer.paused());
        assert_silent(&source, &sink, &tuple, &mut sent);
        consumer.resume().await.unwrap();
        assert_goes_on(&source, &sink, &tuple, &mut sent, &mut seen);
        assert_crossed(&sfu, shards).await;
    });
}

#[test]
fn what_the_application_sends_reaches_a_peer_and_the_other_way_round() {
    use shardcast::api::{ConsumerOptions, DirectTransportOptions};
    use shardcast::event::ConsumerEvent;
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let direct = router.create_direct_transport(DirectTransportOptions::default()).await.unwrap();
        let producer = direct.produce(audio(11)).await.unwrap();
        let options = ConsumerOptions::new(producer.id(), everything(&router));
        let consumer = direct.consume(options).await.unwrap();
        let mut events = consumer.events();
        let packet = [&[0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 11][..], b"hello"].concat();
        producer.send(packet).unwrap();
        let Some(Ok(ConsumerEvent::Rtp(rtp))) = next_but_scores(&mut events).await else {
            panic!("not a packet")
        };
        assert!(rtp.ends_with(b"hello"), "{rtp:?}");
    });
}

#[test]
fn a_flood_of_packets_leaves_room_for_requests() {
    use shardcast::api::{DirectTransportOptions, Error, Sfu, SfuConfig};
    use shardcast::runtime::Sizes;
    use std::num::NonZeroU16;
    block_on(async {
        // A queue of one makes them wait in control, until it takes no more.
        let sizes = Sizes { commands: 1, ..Sizes::default() };
        let config = SfuConfig { shards: NonZeroU16::new(1), sizes, ..SfuConfig::default() };
        let sfu = Sfu::start(config).await.unwrap();
        let router = router(&sfu).await;
        let direct = router.create_direct_transport(DirectTransportOptions::default()).await.unwrap();
        let producer = direct.produce(audio(11)).await.unwrap();
        let packet = [&[0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 11][..], b"hello"].concat();
        // Some more than wait in control; and on, where the control thread takes them as fast as this one sends.
        let (mut refused, mut sent) = (0, 0);
        while refused == 0 || sent < 12_000 {
            assert!(sent < 10_000_000, "it takes packets without end");
            sent += 1;
            while let Err(error) = producer.send(packet.clone()) {
                assert_eq!(error, Error::Busy);
                refused += 1;
                std::thread::yield_now();
            }
        }
        producer.dump().await.unwrap();
    });
}

async fn next_but_scores(
    events: &mut shardcast::api::Events<shardcast::event::ConsumerEvent>,
) -> Option<Result<shardcast::event::ConsumerEvent, shardcast::api::Missed>> {
    loop {
        match events.next().await {
            Some(Ok(shardcast::event::ConsumerEvent::Score(_))) => {}
            other => return other,
        }
    }
}

fn assert_silent(source: &Peer, sink: &Peer, to: &TransportTuple, sent: &mut Rtp) {
    *sent = sent.next();
    source.send(to, sent);
    assert_eq!(sink.receive_within(SILENCE), None, "paused");
}

fn assert_goes_on(source: &Peer, sink: &Peer, to: &TransportTuple, sent: &mut Rtp, seen: &mut Rtp) {
    *sent = sent.next();
    source.send(to, sent);
    let received = sink.receive().expect("resumed");
    assert_eq!(received.sequence, seen.sequence.wrapping_add(1), "no gap");
    assert_eq!(received.ssrc, seen.ssrc);
    *seen = received;
}

/// With several shards, packets must have gone from one to another, or the test has shown nothing.
async fn assert_crossed(sfu: &shardcast::api::Sfu, shards: u16) {
    let counters = async || sfu.shards().await.unwrap();
    let started = counters().await.len();
    assert_eq!(started > 1, shards > 1, "{started} shards were started");
    let crossed = async || counters().await.iter().map(|shard| shard.counters.totals.crossed).sum::<u64>();
    // What shards count is shown some milliseconds late.
    for _ in 0..100 {
        if shards == 1 || crossed().await > 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let crossed = crossed().await;
    assert_eq!(crossed > 0, shards > 1, "{crossed} packets crossed between {shards} shards");
}
