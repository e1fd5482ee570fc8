//! What is refused, as far as control decides: by which class of error, and that nothing changed.

use model::command::BitrateLimit;
use model::data::DataKind;
use model::reply::RefusalClass::{self, Failed, Invalid, NotFound};
use model::transport::{
    DtlsFingerprint, DtlsParameters, DtlsRole, FingerprintAlgorithm, PortRange, SrtpCryptoSuite,
    SrtpParameters, TransportProtocol,
};
use shardcast::core::Output;
use shardcast::request::*;
use shardcast::{Notification, Request};

use super::build::*;
use super::world::World;

fn room() -> World {
    let mut world = World::new();
    world.ok(create_server("s", vec![udp(4000)]));
    world.ok(create_router("r"));
    world.ok(create_router("elsewhere"));
    world.ok(create_plain("r", "t", 5000));
    world.ok(create_web_rtc("r", "w", Listen::Individual(vec![udp(5001)])));
    world.ok(create_direct("r", "x"));
    world.ok(create_direct("elsewhere", "far"));
    world.ok(produce("t", "p", 1));
    world.ok(consume("t", "c", "p", 2));
    world.ok(produce_data("x", "d", None));
    world.ok(consume_data("x", "e", "d", None));
    world.ok(create_observer("r", "o"));
    world
}

/// Every one is refused with that class, and changes nothing that a dump of everything shows.
fn check(refused: Vec<(RefusalClass, Request)>) {
    let mut world = room();
    let before = world.ok(Request::Worker(WorkerRequest::Dump));
    for (class, request) in refused {
        let shown = format!("{request:?}");
        let refusal = world.answer(request).expect_err(&shown);
        assert_eq!(refusal.class, class, "{shown}: {refusal}");
        assert_eq!(world.ok(Request::Worker(WorkerRequest::Dump)), before, "{shown}");
    }
    for router in ["r", "elsewhere"] {
        world.ok(close_router(router));
    }
    world.ok(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
    assert!(world.is_empty(), "{:?}", world.core);
}

fn router(request: RouterRequest) -> Request {
    Request::Router("r".into(), request)
}

#[test]
fn what_is_not_there() {
    let unknown = || "unknown".into();
    check(vec![
        (NotFound, close_router("unknown")),
        (NotFound, Request::Router("unknown".into(), RouterRequest::Dump)),
        (NotFound, Request::Worker(WorkerRequest::CloseWebRtcServer("unknown".into()))),
        (NotFound, Request::WebRtcServer("unknown".into(), WebRtcServerRequest::Dump)),
        (NotFound, of_transport("unknown", TransportRequest::Stats)),
        (NotFound, Request::Producer("unknown".into(), ProducerRequest::Pause)),
        (NotFound, Request::Consumer("unknown".into(), ConsumerRequest::Pause)),
        (NotFound, Request::DataProducer("unknown".into(), DataProducerRequest::Dump)),
        (NotFound, Request::DataConsumer("unknown".into(), DataConsumerRequest::Dump)),
        (NotFound, Request::RtpObserver("unknown".into(), RtpObserverRequest::Pause)),
        // In another parent, or of another kind.
        (NotFound, close_transport("elsewhere", "t")),
        (NotFound, close_transport("r", "p")),
        (NotFound, of_transport("w", TransportRequest::CloseProducer("p".into()))),
        (NotFound, of_transport("w", TransportRequest::CloseConsumer("c".into()))),
        (NotFound, of_transport("far", TransportRequest::CloseDataProducer("d".into()))),
        (NotFound, of_transport("far", TransportRequest::CloseDataConsumer("e".into()))),
        (NotFound, Request::Router("elsewhere".into(), RouterRequest::CloseRtpObserver("o".into()))),
        (NotFound, consume("far", "new", "p", 3)),
        (NotFound, consume("t", "new", "unknown", 3)),
        (NotFound, consume_data("far", "new", "d", None)),
        (NotFound, Request::RtpObserver("o".into(), RtpObserverRequest::AddProducer(unknown()))),
        (NotFound, Request::RtpObserver("o".into(), RtpObserverRequest::RemoveProducer("p".into()))),
    ]);
}

#[test]
fn what_is_there_already() {
    check(vec![
        (Failed, create_router("r")),
        // Names are one space over all kinds.
        (Failed, create_router("p")),
        (Failed, create_server("t", vec![udp(4001)])),
        (Failed, create_plain("r", "t", 5002)),
        (Failed, create_direct("r", "far")),
        (Failed, produce("t", "p", 7)),
        (Failed, produce("t", "c", 7)),
        (Failed, consume("t", "p", "p", 7)),
        (Failed, produce_data("x", "d", None)),
        (Failed, consume_data("x", "d", "d", None)),
        (Failed, create_observer("r", "o")),
        // What a shard knows.
        (Failed, create_plain("r", "new", 5000)),
        (Failed, produce("t", "new", 1)),
        (Failed, consume("t", "new", "p", 2)),
    ]);
}

#[test]
fn what_the_kind_of_object_does_not_do() {
    check(vec![
        (Failed, Request::Router("t".into(), RouterRequest::Dump)),
        (Failed, Request::Producer("c".into(), ProducerRequest::Pause)),
        (Failed, of_transport("t", TransportRequest::RestartIce)),
        (Failed, produce_data("t", "new", Some(1))),
        (Failed, consume_data("t", "new", "d", Some(1))),
        (Failed, of_transport("t", TransportRequest::CloseDataProducer("d".into()))),
        (Failed, of_transport("t", TransportRequest::CloseDataConsumer("e".into()))),
        (Failed, of_transport("t", TransportRequest::ConnectPipe(Box::default()))),
        (Failed, of_transport("x", TransportRequest::ConnectPlain(Box::default()))),
        (Failed, create_web_rtc("r", "new", Listen::Server("unknown".into()))),
    ]);
}

#[test]
fn sockets_that_make_no_sense() {
    let plain = |change: &dyn Fn(&mut PlainTransportOptions)| {
        let mut options = plain_options(5002);
        change(&mut options);
        router(RouterRequest::CreatePlainTransport("new".into(), Box::new(options)))
    };
    let pipe = |change: &dyn Fn(&mut PipeTransportOptions)| {
        let base = TransportOptions::default();
        let mut options =
            PipeTransportOptions { base, listen_info: udp(5002), enable_rtx: false, enable_srtp: false };
        change(&mut options);
        router(RouterRequest::CreatePipeTransport("new".into(), Box::new(options)))
    };
    let mut no_candidates = web_rtc_options(Listen::Server("s".into()));
    no_candidates.enable_udp = false;
    check(vec![
        (Invalid, plain(&|options| options.listen_info.ip = "chicken".into())),
        (Invalid, plain(&|options| options.listen_info.protocol = TransportProtocol::Tcp)),
        (Invalid, plain(&|options| options.listen_info.port_range = PortRange { min: 4000, max: 3000 })),
        (
            Invalid,
            plain(&|options| {
                options.rtcp_mux = false;
                options.rtcp_listen_info = Some(listen(TransportProtocol::Tcp, 5003));
            }),
        ),
        (Invalid, pipe(&|options| options.listen_info.protocol = TransportProtocol::Tcp)),
        (Invalid, pipe(&|options| options.listen_info.ip = "".into())),
        (Invalid, create_web_rtc("r", "new", Listen::Individual(Vec::new()))),
        (Invalid, router(RouterRequest::CreateWebRtcTransport("new".into(), Box::new(no_candidates)))),
        (Invalid, create_server("new", Vec::new())),
        (Failed, create_server("new", vec![udp(4001), udp(4000)])),
    ]);
}

#[test]
fn limits_and_weights_that_make_no_sense() {
    let limit = |limit, bits| of_transport("w", TransportRequest::SetBitrate(limit, bits));
    use BitrateLimit::{MaxIncoming, MaxOutgoing, MinOutgoing};
    check(vec![
        (Invalid, limit(MaxIncoming, u64::MAX)),
        (Invalid, limit(MaxOutgoing, (1 << 63) - 1)),
        (Invalid, limit(MaxOutgoing, 29_999)),
        (Invalid, limit(MinOutgoing, 1)),
        (Invalid, Request::Consumer("c".into(), ConsumerRequest::SetPriority(0))),
    ]);
    let mut world = room();
    world.ok(limit(MaxIncoming, 1));
    world.ok(limit(MinOutgoing, 3_000_000));
    assert_eq!(world.answer(limit(MaxOutgoing, 2_000_000)).unwrap_err().class, Invalid);
    world.ok(limit(MaxOutgoing, 3_000_000));
    assert_eq!(world.answer(limit(MinOutgoing, 3_000_001)).unwrap_err().class, Invalid);
    world.ok(limit(MinOutgoing, 0));
    world.ok(limit(MaxOutgoing, 30_000));
}

#[test]
fn data_that_makes_no_sense() {
    let with_sctp = TransportOptions { enable_sctp: true, ..TransportOptions::default() };
    let options = Box::new(PlainTransportOptions { base: with_sctp.clone(), ..plain_options(5002) });
    let mut world = room();
    world.ok(router(RouterRequest::CreatePlainTransport("sctp".into(), options)));
    world.ok(produce_data("sctp", "one", Some(1)));
    world.ok(consume_data("sctp", "two", "one", Some(1)));
    let of_kind = |kind, stream| {
        let Request::Transport(id, TransportRequest::ProduceData(mut produce)) =
            produce_data("sctp", "new", stream)
        else {
            panic!()
        };
        produce.kind = kind;
        Request::Transport(id, TransportRequest::ProduceData(produce))
    };
    let mut unreliable = sctp_stream(9);
    (unreliable.max_packet_life_time, unreliable.max_retransmits) = (Some(1), Some(1));
    let mut ordered = sctp_stream(9);
    (ordered.ordered, ordered.max_retransmits) = (Some(true), Some(1));
    let with_stream = |stream| {
        let Request::Transport(id, TransportRequest::ProduceData(mut produce)) =
            produce_data("sctp", "new", Some(9))
        else {
            panic!()
        };
        produce.sctp_stream_parameters = Some(stream);
        Request::Transport(id, TransportRequest::ProduceData(produce))
    };
    let send = |id: &str, len: usize| {
        let request = DataConsumerRequest::Send { ppid: 51, data: vec![0; len].into() };
        Request::DataConsumer(id.into(), request)
    };
    let refused = [
        (Failed, produce_data("sctp", "new", Some(1))),
        (Failed, consume_data("sctp", "new", "one", Some(1))),
        (Invalid, produce_data("sctp", "new", Some(65_535))),
        (Invalid, of_kind(DataKind::Sctp, None)),
        (Invalid, of_kind(DataKind::Direct, None)),
        (Invalid, produce_data("x", "new", Some(1))),
        (Invalid, with_stream(unreliable)),
        (Invalid, with_stream(ordered)),
        (Invalid, send("e", 1)),
        (Invalid, send("two", 262_145)),
        (Invalid, Request::DataConsumer("e".into(), DataConsumerRequest::BufferedAmount)),
        (Invalid, Request::DataConsumer("e".into(), DataConsumerRequest::SetBufferedAmountLowThreshold(1))),
        (Invalid, router(RouterRequest::CreateDirectTransport("new".into(), Box::new(with_sctp)))),
    ];
    for (class, request) in refused {
        let shown = format!("{request:?}");
        assert_eq!(world.answer(request).expect_err(&shown).class, class, "{shown}");
    }
    world.ok(send("two", 262_144));
}

#[test]
fn observers_hear_no_picture_and_no_impossible_loudness() {
    let mut world = room();
    let Request::Transport(id, TransportRequest::Produce(mut video)) = produce("t", "video", 9) else {
        panic!()
    };
    video.kind = model::rtp::MediaKind::Video;
    world.ok(Request::Transport(id, TransportRequest::Produce(video)));
    let add = |id: &str| Request::RtpObserver("o".into(), RtpObserverRequest::AddProducer(id.into()));
    assert_eq!(world.answer(add("video")).unwrap_err().class, Invalid);
    world.ok(add("p"));
    assert_eq!(
        world.answer(add("p")).unwrap_err().class,
        Failed,
        "an active speaker observer knows it already"
    );
    let options = AudioLevelObserverOptions { max_entries: 1, threshold_dbov: 1, interval_ms: 1000 };
    let create = |options| router(RouterRequest::CreateAudioLevelObserver("levels".into(), options));
    assert_eq!(world.answer(create(options)).unwrap_err().class, Invalid);
    world.ok(create(AudioLevelObserverOptions { threshold_dbov: -80, ..options }));
    let add = || Request::RtpObserver("levels".into(), RtpObserverRequest::AddProducer("p".into()));
    world.ok(add());
    world.ok(add());
}

#[test]
fn a_transport_is_told_about_its_peer_once_and_in_full() {
    let mut world = room();
    let connect =
        |address: TransportAddress| of_transport("t", TransportRequest::ConnectPlain(Box::new(address)));
    let address = TransportAddress { ip: Some("127.0.0.2".into()), port: Some(9), ..Default::default() };
    let key = SrtpParameters { crypto_suite: SrtpCryptoSuite::AeadAes128Gcm, key_base64: "AAAA".into() };
    for wrong in [
        TransportAddress { ip: None, ..address.clone() },
        TransportAddress { ip: Some("::::1234".into()), ..address.clone() },
        TransportAddress { port: None, ..address.clone() },
        TransportAddress { rtcp_port: Some(10), ..address.clone() },
        TransportAddress { srtp_parameters: Some(key), ..address.clone() },
    ] {
        assert_eq!(world.answer(connect(wrong.clone())).unwrap_err().class, Invalid, "{wrong:?}");
    }
    world.ok(connect(address.clone()));
    assert_eq!(world.answer(connect(address)).unwrap_err().class, Failed);

    let dtls = |fingerprints, role| {
        of_transport("w", TransportRequest::ConnectWebRtc(DtlsParameters { role, fingerprints }))
    };
    assert_eq!(world.answer(dtls(Vec::new(), DtlsRole::Auto)).unwrap_err().class, Invalid);
    let fingerprint = DtlsFingerprint { algorithm: FingerprintAlgorithm::Sha256, value: "AB".into() };
    let role = world.ok(dtls(vec![fingerprint.clone()], DtlsRole::Client));
    assert_eq!(role, shardcast::Answer::WebRtcConnected(DtlsRole::Server));
    assert_eq!(world.answer(dtls(vec![fingerprint], DtlsRole::Auto)).unwrap_err().class, Failed);
}

#[test]
fn what_can_not_be_delivered_is_said_and_not_answered() {
    let mut world = room();
    let message = model::command::DataMessage { data: vec![0; 262_145].into(), ..Default::default() };
    for (class, notification) in [
        (NotFound, Notification::SendRtp("unknown".into(), Box::default())),
        (Failed, Notification::SendRtp("p".into(), Box::default())),
        (Failed, Notification::SendRtcp("t".into(), Box::default())),
        (Invalid, Notification::SendData("d".into(), Box::new(message))),
    ] {
        world.out.clear();
        world.notify(notification);
        world.run();
        let [Output::Undelivered { refusal, .. }] = &*world.out else { panic!("{:?}", world.out) };
        assert_eq!(refusal.class, class);
    }
}
