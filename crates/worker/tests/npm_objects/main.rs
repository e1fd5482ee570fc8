//! What the application gets out of the npm package's objects is what control said: each dump, statistic and event goes
//! through our tables into the package's own classes, and comes out as the JSON that it was made of.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod documents;
#[path = "../npm/mod.rs"]
mod npm;

use std::io::Write as _;
use std::process::{Command, Stdio};

use documents::{
    base_dump, base_stats, rtp_parameters, sctp_parameters, shown_by_the_package, stream_params,
    stream_stats, traces, tuple,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shardcast::event::{ConsumerEvent, DataConsumerEvent, ProducerEvent, RtpObserverEvent, TransportEvent};
use shardcast::{Answer, Event};
use worker::flat::Writer;
use worker::handler;
use worker::schema::message::{Body, Message};
use worker::schema::request::Method;
use worker::schema::response::Response;

/// What goes to the package, and what has to come out.
#[derive(Default)]
struct Exchange {
    writer: Writer,
    lines: String,
    expected: Vec<Value>,
}

impl Exchange {
    fn line(&mut self, kind: &str, what: &str, body: Body<'_>, expected: Value) {
        let message = self.writer.message(&Message { data: body });
        let hex: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
        self.lines += &format!("{kind} {what} {hex}\n");
        self.expected.push(expected);
    }

    fn answer(&mut self, kind: &str, method: Method, answer: &Answer, expected: Value) {
        let what = if format!("{method:?}").ends_with("Stats") { "getStats" } else { "dump" };
        let body = handler::body(method, answer);
        let response = Response { id: 1, accepted: true, body, error: None, reason: None };
        self.line(kind, what, Body::Response(Box::new(response)), expected);
    }

    fn event(&mut self, kind: &str, event: &Event, expected: Value) {
        self.line(kind, "event", Body::Notification(Box::new(handler::notification_of(event))), expected);
    }

    #[track_caller]
    fn check(self) {
        let mut node = Command::new("node")
            .arg(npm::package().with_file_name("objects.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        node.stdin.take().unwrap().write_all(self.lines.as_bytes()).unwrap();
        let output = node.wait_with_output().unwrap();
        assert!(output.status.success(), "the package's side failed");
        let seen: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        let asked: Vec<_> = self.lines.lines().map(|line| line.rsplit_once(' ').unwrap().0).collect();
        assert_eq!(seen.len(), asked.len());
        let mut found = Vec::new();
        for ((asked, seen), expected) in asked.iter().zip(&seen).zip(&self.expected) {
            differences(asked, seen, expected, &mut found);
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// Where two documents differ, a line each.
fn differences(at: &str, seen: &Value, expected: &Value, found: &mut Vec<String>) {
    match (seen, expected) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let names: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
            for name in names {
                let absent = json!("absent");
                let (ours, theirs) = (ours.get(name).unwrap_or(&absent), theirs.get(name).unwrap_or(&absent));
                differences(&format!("{at}.{name}"), ours, theirs, found);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                differences(&format!("{at}[{index}]"), ours, theirs, found);
            }
        }
        _ if seen == expected => {}
        _ => found.push(format!("{at}: {seen} came out, {expected} went in")),
    }
}

fn read<T: DeserializeOwned>(document: &Value) -> T {
    serde_json::from_value(document.clone()).unwrap()
}

fn with(mut object: Value, more: Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    object
}

#[test]
fn dumps_of_transports() {
    let mut exchange = Exchange::default();
    let mut check = |kind: &str, more: Value| {
        let dump = with(base_dump(), more);
        let answer = Answer::Transport(Box::new(read(&dump)));
        exchange.answer(kind, Method::TransportDump, &answer, dump);
    };
    check("directTransport", json!({}));
    check("pipeTransport", json!({ "tuple": tuple(), "rtx": true }));
    check(
        "plainTransport",
        json!({
            "rtcpMux": false, "comedia": true, "tuple": tuple(), "rtcpTuple": tuple(),
            "srtpParameters": { "cryptoSuite": "AES_CM_128_HMAC_SHA1_32", "keyBase64": "AAAA" },
            "sctpParameters": sctp_parameters(), "sctpState": "new",
            "sctpListener": { "streamIdTable": [{ "key": 7, "value": "data-producer" }] },
        }),
    );
    check(
        "plainTransport",
        json!({ "rtcpMux": true, "comedia": false, "tuple": {
        "localIp": "a.example", "localAddress": "a.example", "localPort": 1, "remotePort": 0, "protocol": "udp",
    } }),
    );
    check(
        "webRtcTransport",
        json!({
            "iceRole": "controlled",
            "iceParameters": { "usernameFragment": "u", "password": "p", "iceLite": true },
            "iceCandidates": [
                {
                    "foundation": "udpcandidate", "priority": 1_076_302_079, "ip": "9.9.9.1", "address": "9.9.9.1",
                    "protocol": "udp", "port": 10001, "type": "host",
                },
                {
                    "foundation": "tcpcandidate", "priority": 1, "ip": "a.example", "address": "a.example",
                    "protocol": "tcp", "port": 10002, "type": "host", "tcpType": "passive",
                },
            ],
            "iceState": "completed",
            "dtlsParameters": {
                "role": "auto",
                "fingerprints": (["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"]
                    .map(|algorithm| json!({ "algorithm": algorithm, "value": "82:5A:68" }))),
            },
            "dtlsState": "connecting",
        }),
    );
    exchange.check();
}

#[test]
fn dumps_of_what_is_in_a_router() {
    let mut exchange = Exchange::default();
    let router = json!({
        "id": "r", "transportIds": ["t"], "rtpObserverIds": ["o"],
        "mapProducerIdConsumerIds": [{ "key": "p", "values": [] }, { "key": "q", "values": ["c", "d"] }],
        "mapConsumerIdProducerId": [{ "key": "c", "value": "q" }],
        "mapProducerIdObserverIds": [{ "key": "p", "values": ["o"] }],
        "mapDataProducerIdDataConsumerIds": [{ "key": "dp", "values": ["dc"] }],
        "mapDataConsumerIdDataProducerId": [{ "key": "dc", "value": "dp" }],
    });
    let answer = Answer::Router(Box::new(read(&router)));
    exchange.answer("router", Method::RouterDump, &answer, router);
    let producer = json!({
        "id": "p", "kind": "video", "type": "simulcast", "rtpParameters": rtp_parameters(),
        "rtpMapping": {
            "codecs": [{ "payloadType": 0, "mappedPayloadType": 100 }],
            "encodings": [{ "rid": null, "ssrc": null, "mappedSsrc": 1 }, { "rid": "a", "ssrc": 7, "mappedSsrc": 2 }],
        },
        "rtpStreams": [{ "params": stream_params(), "score": 10 }],
        "traceEventTypes": ["rtp", "pli"], "paused": false,
    });
    let answer = Answer::Producer(Box::new(read(&producer)));
    // The package shows no streams of producers; its parser reads them all the same.
    exchange.answer("producer", Method::ProducerDump, &answer, shown_by_the_package(producer));
    let data_producer = json!({
        "id": "dp", "type": "sctp", "sctpStreamParameters": { "streamId": 0, "ordered": false, "maxRetransmits": 0 },
        "label": "l", "protocol": "p", "paused": false,
    });
    let answer = Answer::DataProducer(Box::new(read(&data_producer)));
    exchange.answer("dataProducer", Method::DataproducerDump, &answer, data_producer);
    let data_consumer = json!({
        "id": "dc", "dataProducerId": "dp", "type": "direct", "label": "", "protocol": "", "bufferedAmount": 1,
        "bufferedAmountLowThreshold": 2, "paused": true, "dataProducerPaused": false, "subchannels": [1, 2],
    });
    let answer = Answer::DataConsumer(Box::new(read(&data_consumer)));
    exchange.answer("dataConsumer", Method::DataconsumerDump, &answer, data_consumer);
    let server = json!({
        "id": "s", "udpSockets": [{ "ip": "127.0.0.1", "port": 1111 }], "tcpServers": [{ "ip": "::", "port": 1 }],
        "webRtcTransportIds": ["t"],
        "localIceUsernameFragments": [{ "localIceUsernameFragment": "u", "webRtcTransportId": "t" }],
    });
    let answer = Answer::WebRtcServer(Box::new(read(&server)));
    exchange.answer("webRtcServer", Method::WebrtcserverDump, &answer, server);
    exchange.check();
}

#[test]
fn dumps_of_consumers() {
    let mut exchange = Exchange::default();
    let layers = json!({
        "preferredSpatialLayer": 2, "targetSpatialLayer": -1, "currentSpatialLayer": -1,
        "preferredTemporalLayer": 0, "targetTemporalLayer": -1, "currentTemporalLayer": -1,
    });
    let stream = json!({ "params": stream_params(), "score": 10 });
    for (kind, more) in [
        ("simple", json!({ "rtpStream": stream })),
        ("pipe", json!({ "rtpStreams": [stream, stream] })),
        ("simulcast", with(json!({ "rtpStream": stream }), layers.clone())),
        ("svc", with(json!({ "rtpStream": stream }), layers)),
    ] {
        let consumer = with(
            json!({
                "id": "c", "producerId": "p", "kind": "video", "rtpParameters": rtp_parameters(),
                "consumableRtpEncodings": [{ "ssrc": 9, "dtx": false }], "supportedCodecPayloadTypes": [100],
                "traceEventTypes": ["keyframe"], "paused": false, "producerPaused": true, "priority": 1,
                "type": kind,
            }),
            more,
        );
        let answer = Answer::Consumer(Box::new(read(&consumer)));
        exchange.answer("consumer", Method::ConsumerDump, &answer, shown_by_the_package(consumer));
    }
    exchange.check();
}

#[test]
fn statistics() {
    let mut exchange = Exchange::default();
    for (kind, more) in [
        ("directTransport", json!({ "type": "direct-transport" })),
        ("pipeTransport", json!({ "type": "pipe-transport", "tuple": tuple(), "sctpState": "new" })),
        (
            "plainTransport",
            json!({
                "type": "plain-rtp-transport", "rtcpMux": true, "comedia": false, "tuple": tuple(),
            }),
        ),
        (
            "webRtcTransport",
            json!({
                "type": "webrtc-transport", "iceRole": "controlled", "iceState": "completed", "dtlsState": "connected",
                "iceSelectedTuple": tuple(), "sctpState": "connected", "availableOutgoingBitrate": 600_000,
                "availableIncomingBitrate": 0, "maxIncomingBitrate": 1, "maxOutgoingBitrate": 2,
                "minOutgoingBitrate": 3, "rtpPacketLossReceived": 0.25, "rtpPacketLossSent": 0.5,
            }),
        ),
    ] {
        let stats = with(base_stats(), more);
        let answer = Answer::TransportStats(Box::new(read(&stats)));
        exchange.answer(kind, Method::TransportGetStats, &answer, json!([stats]));
    }
    let inbound = json!({
        "type": "inbound-rtp", "rid": "a", "rtxSsrc": 3, "rtxPacketsDiscarded": 1,
        "bitrateByLayer": { "0.0": 1, "0.1": 2 },
    });
    let inbound = with(stream_stats(), inbound);
    let outbound = with(stream_stats(), json!({ "type": "outbound-rtp" }));
    let answer = Answer::StreamStats(vec![read(&inbound)]);
    exchange.answer("producer", Method::ProducerGetStats, &answer, json!([inbound]));
    let answer = Answer::StreamStats(vec![read(&outbound), read(&inbound)]);
    let both = json!([outbound, inbound]);
    exchange.answer("consumer", Method::ConsumerGetStats, &answer, both);
    let stats = json!({
        "type": "data-producer", "timestamp": 1, "label": "l", "protocol": "p", "messagesReceived": 2,
        "bytesReceived": 3,
    });
    let answer = Answer::DataProducerStats(Box::new(read(&stats)));
    exchange.answer("dataProducer", Method::DataproducerGetStats, &answer, json!([stats]));
    let stats = json!({
        "type": "data-consumer", "timestamp": 1, "label": "l", "protocol": "p", "messagesSent": 2, "bytesSent": 3,
        "bufferedAmount": 4,
    });
    let answer = Answer::DataConsumerStats(Box::new(read(&stats)));
    exchange.answer("dataConsumer", Method::DataconsumerGetStats, &answer, json!([stats]));
    exchange.check();
}

#[test]
fn events_of_transports() {
    use TransportEvent as E;
    let mut exchange = Exchange::default();
    let mut check = |kind: &str, event: TransportEvent, expected: Value| {
        exchange.event(kind, &Event::Transport(OBJECT.into(), event), expected);
    };
    let probation = json!({ "type": "probation", "timestamp": 5, "direction": "out", "info": {} });
    let bwe = json!({
        "type": "bwe", "timestamp": 5, "direction": "out", "info": {
            "desiredBitrate": 1, "effectiveDesiredBitrate": 2, "minBitrate": 3, "maxBitrate": 4, "startBitrate": 5,
            "maxPaddingBitrate": 6, "availableBitrate": 7, "bweType": "remb",
        },
    });
    check("webRtcTransport", E::Trace(Box::new(read(&probation))), json!(["trace", probation]));
    check("webRtcTransport", E::Trace(Box::new(read(&bwe))), json!(["trace", bwe]));
    check(
        "plainTransport",
        E::SctpState(read(&json!("connecting"))),
        json!(["sctpstatechange", "connecting"]),
    );
    let negotiated = json!({ "negotiatedMaxOutboundStreams": 65535, "negotiatedMaxInboundStreams": 0 });
    check("pipeTransport", E::SctpNegotiated(read(&negotiated)), negotiated);
    check(
        "webRtcTransport",
        E::IceSelectedTuple(Box::new(read(&tuple()))),
        json!(["iceselectedtuplechange", tuple()]),
    );
    check(
        "webRtcTransport",
        E::IceState(read(&json!("disconnected"))),
        json!(["icestatechange", "disconnected"]),
    );
    let state = |state: &str, certificate: Option<&str>| E::DtlsState {
        state: read(&json!(state)),
        remote_certificate: certificate.map(Into::into),
    };
    check("webRtcTransport", state("connected", Some("-----BEGIN")), json!(["dtlsstatechange", "connected"]));
    check("webRtcTransport", state("failed", None), json!(["dtlsstatechange", "failed"]));
    check("plainTransport", E::Tuple(Box::new(read(&tuple()))), json!(["tuple", tuple()]));
    check("plainTransport", E::RtcpTuple(Box::new(read(&tuple()))), json!(["rtcptuple", tuple()]));
    check(
        "directTransport",
        E::Rtcp([0x80, 0xc9].into()),
        json!(["rtcp", { "type": "Buffer", "data": [128, 201] }]),
    );
    exchange.check();
}

#[test]
fn events_of_producers_and_consumers() {
    let mut exchange = Exchange::default();
    let scores = json!([
        { "encodingIdx": 0, "ssrc": 11, "rid": "a", "score": 10 }, { "encodingIdx": 1, "ssrc": 12, "score": 0 },
    ]);
    let shown = json!([
        { "encodingIdx": 0, "ssrc": 11, "rid": "a", "score": 10 }, { "encodingIdx": 1, "ssrc": 12, "score": 0 },
    ]);
    let producer = |event| Event::Producer(OBJECT.into(), event);
    exchange.event("producer", &producer(ProducerEvent::Score(read(&scores))), json!(["score", shown]));
    let orientation = json!({ "camera": true, "flip": false, "rotation": 270 });
    let event = producer(ProducerEvent::VideoOrientation(read(&orientation)));
    exchange.event("producer", &event, json!(["videoorientationchange", orientation]));
    for trace in traces() {
        let event = producer(ProducerEvent::Trace(Box::new(read(&trace))));
        exchange.event("producer", &event, json!(["trace", trace]));
    }

    let consumer = |event| Event::Consumer(OBJECT.into(), event);
    for trace in traces().into_iter().filter(|trace| trace["type"] != "sr") {
        let event = consumer(ConsumerEvent::Trace(Box::new(read(&trace))));
        exchange.event("consumer", &event, json!(["trace", trace]));
    }
    exchange.event("consumer", &consumer(ConsumerEvent::ProducerPaused), json!(["producerpause"]));
    // The package says so only of a producer that it takes for paused.
    exchange.event("consumer", &consumer(ConsumerEvent::ProducerResumed), Value::Null);
    exchange.event("consumer", &consumer(ConsumerEvent::ProducerClosed), json!(["producerclose"]));
    let layers = json!({ "spatialLayer": 0, "temporalLayer": 0 });
    let event = consumer(ConsumerEvent::Layers(Some(read(&layers))));
    exchange.event("consumer", &event, json!(["layerschange", layers]));
    exchange.event("consumer", &consumer(ConsumerEvent::Layers(None)), json!(["layerschange", null]));
    let score = json!({ "score": 10, "producerScore": 0, "producerScores": [0, 1, 2, 3] });
    exchange.event("consumer", &consumer(ConsumerEvent::Score(read(&score))), json!(["score", score]));
    let packet = consumer(ConsumerEvent::Rtp([0x80, 0, 1].into()));
    exchange.event("consumer", &packet, json!(["rtp", { "type": "Buffer", "data": [128, 0, 1] }]));
    exchange.check();
}

#[test]
fn events_of_data_consumers_and_observers() {
    let mut exchange = Exchange::default();
    let data = |event| Event::DataConsumer(OBJECT.into(), event);
    let mut check = |event, expected| exchange.event("dataConsumer", &data(event), expected);
    check(DataConsumerEvent::BufferedAmountLow(0), json!(["bufferedamountlow", 0]));
    check(DataConsumerEvent::SendBufferFull, json!(["sctpsendbufferfull"]));
    check(DataConsumerEvent::DataProducerPaused, json!(["dataproducerpause"]));
    check(DataConsumerEvent::DataProducerResumed, Value::Null);
    check(DataConsumerEvent::DataProducerClosed, json!(["dataproducerclose"]));
    let message = model::command::DataMessage { ppid: 51, data: (*b"hi").into(), ..Default::default() };
    let expected = json!(["message", { "type": "Buffer", "data": [104, 105] }, 51]);
    check(DataConsumerEvent::Message(Box::new(message)), expected);

    let observer = |event| Event::RtpObserver(OBJECT.into(), event);
    let speaker = observer(RtpObserverEvent::DominantSpeaker("p".into()));
    exchange.event("activeSpeakerObserver", &speaker, json!(["dominantspeaker", { "producer": "p" }]));
    exchange.event("audioLevelObserver", &observer(RtpObserverEvent::Silence), json!(["silence"]));
    let volumes = observer(RtpObserverEvent::Volumes(vec![("p".into(), 0), ("q".into(), -127)]));
    let expected =
        json!(["volumes", [{ "producer": "p", "volume": 0 }, { "producer": "q", "volume": -127 }]]);
    exchange.event("audioLevelObserver", &volumes, expected);
    exchange.check();
}

/// The name under which the package's side makes its objects.
const OBJECT: &str = "object";
