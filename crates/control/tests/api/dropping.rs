//! What dropping handles means.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::support::*;
use shardcast::api::CloseReason;

#[test]
fn the_last_handle_closes() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let ingress = comedia(&router).await;
        let producer = ingress.produce(audio(11)).await.unwrap();
        let egress = towards(&router, &Peer::new()).await;
        let consumer = consume(&egress, &producer).await;
        let second = producer.clone();
        drop(producer);
        assert!(egress.dump().await.is_ok(), "whatever was dropped is dealt with");
        assert!(!consumer.is_closed(), "another handle is left");
        drop(second);
        assert_eq!(consumer.closed().await, CloseReason::ProducerClosed);
    });
}

#[test]
fn a_handle_keeps_open_what_it_is_in() {
    block_on(async {
        let producer = {
            let sfu = sfu(1).await;
            let router = router(&sfu).await;
            let ingress = comedia(&router).await;
            ingress.produce(audio(11)).await.unwrap()
        };
        let dump = producer.transport().router().dump().await.unwrap();
        assert_eq!(dump.transport_ids, [producer.transport().id()]);
        producer.dump().await.unwrap();
    });
}

#[test]
fn what_a_dropped_handle_held_is_free_for_the_next_request() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let ingress = comedia(&router).await;
        let mut options = loopback();
        options.listen_info.port = ingress.tuple().local_port;
        assert!(router.create_plain_transport(options.clone()).await.is_err(), "the port is taken");
        drop(ingress);
        router.create_plain_transport(options).await.expect("the port is free");
    });
}

#[test]
fn what_is_detached_goes_with_what_it_is_in() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let ingress = comedia(&router).await;
        let producer = ingress.produce(audio(11)).await.unwrap();
        let egress = towards(&router, &Peer::new()).await;
        let consumer = consume(&egress, &producer).await;
        producer.detach();
        let dump = ingress.dump().await.unwrap();
        assert_eq!(dump.base.producer_ids.len(), 1, "still there");
        drop(ingress);
        assert_eq!(consumer.closed().await, CloseReason::ProducerClosed);
    });
}

#[test]
fn a_creation_that_nobody_waits_for_leaves_nothing() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        for polls in 0..3 {
            let mut creation = pin!(router.create_plain_transport(loopback()));
            for _ in 0..polls {
                if let Poll::Ready(made) = creation.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    // It was quicker than us; then it is the handle that is dropped.
                    drop(made.unwrap());
                    break;
                }
            }
        }
        let mut dump = router.dump().await.unwrap();
        // A creation is closed once it is answered; that is at most one request later.
        dump = if dump.transport_ids.is_empty() { dump } else { router.dump().await.unwrap() };
        assert_eq!(dump.transport_ids, []);
    });
}

#[test]
fn dropping_everything_ends_the_threads() {
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    block_on(async {
        let before = threads();
        let sfu = sfu(3).await;
        let router = router(&sfu).await;
        let transports = [comedia(&router).await, comedia(&router).await, comedia(&router).await];
        assert!(threads() >= before + 4, "control and three shards");
        drop((sfu, router, transports));
        let begun = std::time::Instant::now();
        while threads() > before {
            assert!(begun.elapsed() < std::time::Duration::from_secs(60), "threads are left");
            std::thread::yield_now();
        }
    });
}
