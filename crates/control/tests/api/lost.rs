//! A defect on one core: what is there closes and says so, the rest goes on, and so does the core, empty.

use std::future::{Future as _, poll_fn};
use std::num::NonZeroU16;
use std::task::Poll;

use crate::support::*;
use model::key::ShardIndex;
use model::transport::ListenInfo;
use shardcast::api::{CloseReason, Error, PlainTransport, PlainTransportOptions, Sfu, SfuConfig, SfuEvent};
use shardcast::core::Policy;
use shardcast::event::TransportEvent;
use shardcast::runtime::{Fault, FaultKind, Phase};

/// Shard 0 panics when the first datagram of a known peer comes.
fn faulty(shards: u16, policy: Policy) -> SfuConfig {
    let fault = Some((ShardIndex(0), Fault { phase: Phase::Receive, after: 0, kind: FaultKind::Panic }));
    SfuConfig { shards: NonZeroU16::new(shards), policy, fault, ..SfuConfig::default() }
}

/// Sends to each what makes the peer known, and then one packet more.
async fn disturb(transports: &[PlainTransport], source: &Peer) {
    for transport in transports {
        let mut events = transport.events();
        source.send(&transport.tuple(), &Rtp::new(111, 11, b"x"));
        while !matches!(events.next().await, Some(Ok(TransportEvent::Tuple(_)))) {}
    }
    transports.iter().for_each(|transport| source.send(&transport.tuple(), &Rtp::new(111, 11, b"y")));
}

#[test]
fn rooms_of_a_lost_core_close_and_others_do_not() {
    block_on(async {
        let sfu = Sfu::start(faulty(2, Policy::Home)).await.unwrap();
        let mut events = sfu.events();
        let rooms = [router(&sfu).await, router(&sfu).await];
        let transports = [comedia(&rooms[0]).await, comedia(&rooms[1]).await];
        let producer = transports[0].produce(audio(11)).await.unwrap();
        let source = Peer::new();
        // One of the two is on shard 0.
        disturb(&transports, &source).await;
        let Some(Ok(SfuEvent::ShardLost { shard, routers, .. })) = events.next().await else {
            panic!("not a lost shard")
        };
        assert_eq!((shard, routers.len()), (ShardIndex(0), 1));
        let (lost, left) = if routers[0] == rooms[0].id() { (0, 1) } else { (1, 0) };
        assert_eq!(rooms[lost].closed().await, CloseReason::ShardLost);
        assert_eq!(transports[lost].closed().await, CloseReason::ShardLost);
        assert_eq!(producer.closed_reason(), (lost == 0).then_some(CloseReason::ShardLost));
        assert_eq!(transports[lost].dump().await, Err(Error::Closed(CloseReason::ShardLost)));
        assert!(transports[left].dump().await.is_ok(), "the other core goes on");
        let next = router(&sfu).await;
        let transport = comedia(&next).await;
        transport.produce(audio(11)).await.expect("and so does this one");
    });
}

/// The core of the room answers nothing any more, and more waits for it than control takes at a time.
#[test]
fn the_end_waits_for_nobody_who_hangs() {
    block_on(async {
        let fault = Fault { phase: Phase::Commands, after: 2, kind: FaultKind::Hang(|| false) };
        let shards = NonZeroU16::new(1);
        let fault = Some((ShardIndex(0), fault));
        let sfu = Sfu::start(SfuConfig { shards, fault, ..SfuConfig::default() }).await.unwrap();
        let room = router(&sfu).await;
        comedia(&room).await;
        // All of them want one port, so that each waits for the one before it.
        let one = |port| PlainTransportOptions::new(ListenInfo { port, ..ListenInfo::udp("127.0.0.1") });
        let mut asked: Vec<_> = (0..600).map(|_| Box::pin(room.create_plain_transport(one(7)))).collect();
        poll_fn(|context| {
            asked.iter_mut().for_each(|asked| assert!(asked.as_mut().poll(context).is_pending()));
            Poll::Ready(())
        })
        .await;
        let hung = sfu.close().await;
        assert!(matches!(&hung[..], [hung] if hung.shard == ShardIndex(0)), "{hung:?}");
        for asked in asked {
            assert_eq!(asked.await.err(), Some(Error::Ended));
        }
    });
}

#[test]
fn a_room_on_several_cores_is_lost_whole() {
    block_on(async {
        let sfu = Sfu::start(faulty(3, Policy::RoundRobin)).await.unwrap();
        let room = router(&sfu).await;
        let transports = [comedia(&room).await, comedia(&room).await, comedia(&room).await];
        let producer = transports[1].produce(audio(11)).await.unwrap();
        let consumer = consume(&transports[2], &producer).await;
        let source = Peer::new();
        disturb(&transports, &source).await;
        assert_eq!(room.closed().await, CloseReason::ShardLost);
        for transport in &transports {
            assert_eq!(transport.closed_reason(), Some(CloseReason::ShardLost));
        }
        // Told of its producer first, where that was elsewhere.
        let told = [CloseReason::ShardLost, CloseReason::ProducerClosed];
        assert!(told.contains(&consumer.closed().await));
        assert_eq!(sfu.dump().await.unwrap().router_ids, []);
        assert_eq!(sfu.close().await, []);
    });
}
