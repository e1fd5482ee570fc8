//! What is asked for and makes no sense: refused with a sentence, and nothing changes.

use std::sync::Arc;

use crate::support::*;
use model::id::ProducerId;
use model::rtp::{RtpCapabilities, RtpCodecCapability, RtpParameters};
use model::transport::ListenInfo;
use serde_json::json;
use shardcast::api::{
    ConsumerOptions, Error, PipeToRouterOptions, PlainTransportOptions, ProducerOptions, RouterOptions,
};
use shardcast::request::TransportAddress;

fn said<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn errors_name_the_field() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let info = ListenInfo::udp("chicken");
        let error = said(router.create_plain_transport(PlainTransportOptions::new(info)).await);
        assert!(error.contains("listenInfo.ip is \"chicken\""), "{error}");
        let transport = router.create_plain_transport(loopback()).await.unwrap();
        let error = said(transport.connect(TransportAddress::default()).await);
        assert!(error.contains("ip"), "{error}");
        let empty = RtpParameters::from_json(&json!({ "codecs": [] })).unwrap();
        let error = said(transport.produce(ProducerOptions::new(model::rtp::MediaKind::Audio, empty)).await);
        assert!(error.contains("rtpParameters.codecs"), "{error}");
        let error = said(transport.set_max_outgoing_bitrate(29_999).await);
        assert!(error.contains("29999"), "{error}");
        assert_eq!(router.dump().await.unwrap().transport_ids, [transport.id()]);
    });
}

#[test]
fn a_codec_that_nobody_knows_is_named() {
    block_on(async {
        let sfu = sfu(1).await;
        let codec = json!({ "mimeType": "video/chicken", "clockRate": 90000 });
        let media_codecs = vec![RtpCodecCapability::from_json(&codec).unwrap()];
        let options = RouterOptions { media_codecs, ..RouterOptions::default() };
        let error = sfu.create_router(options).await.unwrap_err();
        assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
        assert!(error.to_string().contains("video/chicken"), "{error}");
    });
}

#[test]
fn consuming_asks_for_a_producer_and_a_common_codec() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let transport = comedia(&router).await;
        let producer = transport.produce(audio(11)).await.unwrap();
        assert!(router.can_consume(&producer.id(), &everything(&router)));
        assert!(!router.can_consume(&producer.id(), &RtpCapabilities::default()));
        let nobody = ConsumerOptions::new(ProducerId::from("nobody"), everything(&router));
        assert!(matches!(transport.consume(nobody).await, Err(Error::NotFound(_))));
        let deaf = ConsumerOptions::new(producer.id(), RtpCapabilities::default());
        assert!(matches!(transport.consume(deaf).await, Err(Error::Unsupported(_))));
        producer.close().await.unwrap();
        assert!(!router.can_consume(&producer.id(), &everything(&router)), "it is closed");
        let closed = ConsumerOptions::new(producer.id(), everything(&router));
        assert!(matches!(transport.consume(closed).await, Err(Error::NotFound(_))));
    });
}

#[test]
fn an_ssrc_is_taken_by_one_producer() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let transport = comedia(&router).await;
        let first = transport.produce(audio(11)).await.unwrap();
        let second = transport.produce(audio(11)).await;
        assert!(matches!(&second, Err(Error::Failed(reason)) if reason.contains("11")), "{second:?}");
        drop(first);
        transport.produce(audio(11)).await.expect("it is free again");
    });
}

#[test]
fn packets_are_sent_on_direct_transports_only() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let transport = comedia(&router).await;
        let producer = transport.produce(audio(11)).await.unwrap();
        let error = said(producer.send(vec![0x80]));
        assert!(error.contains("a direct transport"), "{error}");
    });
}

#[test]
fn a_pipe_leads_to_another_router_of_the_same_sfu() {
    block_on(async {
        let (one, other) = (sfu(1).await, sfu(1).await);
        let (here, elsewhere) = (router(&one).await, router(&other).await);
        let producer = comedia(&here).await.produce(audio(11)).await.unwrap();
        let pipe =
            async |to| said(here.pipe_producer_to_router(&producer.id(), PipeToRouterOptions::new(to)).await);
        let error = pipe(here.clone()).await;
        assert!(error.contains("another router"), "{error}");
        let error = pipe(elsewhere).await;
        assert!(error.contains("a router of the same SFU"), "{error}");
    });
}

#[test]
fn many_tasks_on_many_threads_ask_at_once() {
    let sfu = block_on(sfu(3));
    let router = block_on(router(&sfu));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let router = router.clone();
            std::thread::spawn(move || {
                block_on(async {
                    for turn in 0..20 {
                        let transport = comedia(&router).await;
                        let producer = transport.produce(audio(thread * 100 + turn)).await.unwrap();
                        let consumer = consume(&transport, &producer).await;
                        assert_eq!(consumer.producer_id(), &producer.id());
                        transport.close().await.unwrap();
                        assert!(consumer.is_closed());
                    }
                });
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(block_on(router.dump()).unwrap().transport_ids, []);
}

#[test]
fn handles_go_anywhere() {
    fn anywhere<T: Send + Sync + Clone + 'static>() {}
    anywhere::<shardcast::api::Sfu>();
    anywhere::<shardcast::api::Router>();
    anywhere::<shardcast::api::WebRtcServer>();
    anywhere::<shardcast::api::WebRtcTransport>();
    anywhere::<shardcast::api::PlainTransport>();
    anywhere::<shardcast::api::PipeTransport>();
    anywhere::<shardcast::api::DirectTransport>();
    anywhere::<shardcast::api::Producer>();
    anywhere::<shardcast::api::Consumer>();
    anywhere::<shardcast::api::DataProducer>();
    anywhere::<shardcast::api::DataConsumer>();
    anywhere::<shardcast::api::ActiveSpeakerObserver>();
    anywhere::<shardcast::api::AudioLevelObserver>();
    fn sendable<T: Send>(_: &T) {}
    let sfu = Arc::new(block_on(sfu(1)));
    sendable(&async move { router(&sfu).await });
}
