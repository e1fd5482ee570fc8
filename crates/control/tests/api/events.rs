//! What handles hear.

use crate::support::*;
use shardcast::api::{CloseReason, Error, PipeToRouterOptions};
use shardcast::event::{ConsumerEvent, TransportEvent};

#[test]
fn consumers_hear_of_their_producer() {
    block_on(async {
        for shards in [1, 3] {
            let sfu = sfu(shards).await;
            let router = router(&sfu).await;
            let ingress = comedia(&router).await;
            let producer = ingress.produce(audio(11)).await.unwrap();
            let egress = towards(&router, &Peer::new()).await;
            let consumer = consume(&egress, &producer).await;
            let mut events = consumer.events();
            producer.pause().await.unwrap();
            producer.pause().await.unwrap();
            producer.resume().await.unwrap();
            producer.close().await.unwrap();
            let mut heard = Vec::new();
            while let Some(event) = events.next().await {
                heard.extend(event.ok().filter(|event| !matches!(event, ConsumerEvent::Score(_))));
            }
            use ConsumerEvent::{ProducerClosed, ProducerPaused, ProducerResumed};
            assert_eq!(heard, [ProducerPaused, ProducerResumed, ProducerClosed], "{shards} shards");
            assert_eq!(consumer.closed_reason(), Some(CloseReason::ProducerClosed));
            assert!(!consumer.producer_paused());
            assert_eq!(consumer.pause().await, Err(Error::Closed(CloseReason::ProducerClosed)));
        }
    });
}

#[test]
fn everything_in_a_router_hears_why_it_closed() {
    block_on(async {
        let sfu = sfu(3).await;
        let router = router(&sfu).await;
        let ingress = comedia(&router).await;
        let producer = ingress.produce(audio(11)).await.unwrap();
        let egress = towards(&router, &Peer::new()).await;
        let consumer = consume(&egress, &producer).await;
        router.close().await.unwrap();
        assert_eq!(router.closed().await, CloseReason::Requested);
        assert_eq!(ingress.closed().await, CloseReason::RouterClosed);
        assert_eq!(producer.closed().await, CloseReason::RouterClosed);
        assert_eq!(consumer.closed().await, CloseReason::RouterClosed);
        router.close().await.expect("closing what is closed is no error");
        let dump = sfu.dump().await.unwrap();
        assert_eq!(dump.router_ids, []);
        assert_eq!(dump.channel_message_handlers.channel_request_handlers, []);
    });
}

#[test]
fn the_end_of_the_sfu_is_heard_by_all() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let ingress = comedia(&router).await;
        let mut events = ingress.events();
        assert_eq!(sfu.close().await, []);
        assert_eq!(events.next().await, None);
        assert_eq!(ingress.closed_reason(), Some(CloseReason::SfuEnded));
        assert_eq!(sfu.dump().await, Err(Error::Ended));
        assert_eq!(sfu.close().await, [], "twice is harmless");
    });
}

#[test]
fn comedia_says_where_the_peer_is() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let ingress = comedia(&router).await;
        let mut events = ingress.events();
        let source = Peer::new();
        assert_eq!(ingress.tuple().remote_port, None);
        let _producer = ingress.produce(audio(11)).await.unwrap();
        source.send(&ingress.tuple(), &Rtp::new(111, 11, b"x"));
        let Some(Ok(TransportEvent::Tuple(tuple))) = events.next().await else { panic!("not a tuple") };
        assert_eq!(tuple.remote_port, Some(source.socket.local_addr().unwrap().port()));
        assert_eq!(ingress.tuple(), *tuple, "the handle follows");
    });
}

#[test]
fn a_pipe_pauses_and_closes_as_its_producer_does() {
    block_on(async {
        let sfu = sfu(1).await;
        let (here, there) = (router(&sfu).await, router(&sfu).await);
        let (source, sink) = (Peer::new(), Peer::new());
        let ingress = comedia(&here).await;
        let producer = ingress.produce(audio(11)).await.unwrap();
        let options =
            || PipeToRouterOptions { enable_sctp: false, ..PipeToRouterOptions::new(there.clone()) };
        let piped = here.pipe_producer_to_router(&producer.id(), options()).await.unwrap();
        let again = here.pipe_producer_to_router(&producer.id(), options()).await.unwrap();
        assert_eq!(piped.consumer.transport().id(), again.consumer.transport().id(), "one pipe for both");
        assert_ne!(piped.producer.id(), again.producer.id());
        let egress = towards(&there, &sink).await;
        let consumer = consume(&egress, &piped.producer).await;
        source.open_way(&ingress.tuple(), &Rtp::new(111, 11, b"x"), &sink);
        let mut events = consumer.events();
        producer.pause().await.unwrap();
        while events.next().await.unwrap().unwrap() != ConsumerEvent::ProducerPaused {}
        // Answered after the pause, like everything that is asked later.
        piped.producer.dump().await.unwrap();
        assert!(piped.producer.paused());
        producer.close().await.unwrap();
        assert_eq!(consumer.closed().await, CloseReason::ProducerClosed);
        assert_eq!(piped.consumer.closed().await, CloseReason::ProducerClosed);
        assert_eq!(piped.producer.closed().await, CloseReason::Requested, "by the pipe");
    });
}
