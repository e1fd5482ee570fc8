use worker::channel::{Incoming, decode};
use worker::flat::Writer;
use worker::schema::message::{Body as Kinds, Message};
use worker::schema::request::Request;

use super::*;

/// What a worker reads in it: the strict reader's word that nothing required is missing.
fn read_back(ask: Ask) -> Request<'static> {
    let request = Request { id: 7, method: ask.method, handler_id: ask.handler.into(), body: ask.body };
    let mut writer = Writer::default();
    let bytes = writer.message(&Message { data: Kinds::Request(Box::new(request.clone())) }).to_vec();
    match decode(&bytes[4..]) {
        Ok(Incoming::Request(read)) => assert_eq!(*read, request),
        other => panic!("{other:?}"),
    }
    request
}

#[test]
fn a_worker_reads_what_was_asked() {
    let [router, transport] = [Id(Kind::Router, 1), Id(Kind::Transport, 2)];
    let [producer, consumer] = [Id(Kind::Producer, 3), Id(Kind::Consumer, 4)];
    let server = Id(Kind::Server, 5);
    let options = PlainOptions { comedia: true, suite: Suite::Sha1Tag80 };
    for (ask, method) in [
        (Ask::create_router(router), Method::WorkerCreateRouter),
        (Ask::create_transport(router, transport, options), Method::RouterCreatePlaintransport),
        (Ask::connect(transport, 4000, (Suite::Gcm128, 3)), Method::PlaintransportConnect),
        (Ask::create_web_rtc_server(server), Method::WorkerCreateWebrtcserver),
        (Ask::create_web_rtc_transport(router, transport, None), Method::RouterCreateWebrtctransport),
        (
            Ask::create_web_rtc_transport(router, transport, Some(server)),
            Method::RouterCreateWebrtctransportWithServer,
        ),
        (Ask::connect_web_rtc(transport, "AB:CD"), Method::WebrtctransportConnect),
        (Ask::produce(transport, producer, 77), Method::TransportProduce),
        (Ask::consume(transport, consumer, producer, (77, 78)), Method::TransportConsume),
        (Ask::close_consumer(transport, consumer), Method::TransportCloseConsumer),
        (Ask::close_producer(transport, producer), Method::TransportCloseProducer),
        (Ask::close_transport(router, transport), Method::RouterCloseTransport),
        (Ask::close_router(router), Method::WorkerCloseRouter),
    ] {
        assert_eq!(read_back(ask).method, method);
    }
}

#[test]
fn a_consumer_is_offered_the_encoding_that_its_producer_was_mapped_to() {
    let Body::TransportProduceRequest(produced) =
        Ask::produce(Id(Kind::Transport, 1), Id(Kind::Producer, 1), 77).body
    else {
        panic!("not a request to produce");
    };
    let streams = (77, 78);
    let Body::TransportConsumeRequest(consumed) =
        Ask::consume(Id(Kind::Transport, 2), Id(Kind::Consumer, 1), Id(Kind::Producer, 1), streams).body
    else {
        panic!("not a request to consume");
    };
    let mapped = produced.rtp_mapping.encodings[0].mapped_ssrc;
    assert_eq!(consumed.consumable_rtp_encodings[0].ssrc, Some(mapped));
    let into = produced.rtp_mapping.codecs[0].mapped_payload_type;
    assert_eq!(consumed.rtp_parameters.codecs[0].payload_type, into);
}
