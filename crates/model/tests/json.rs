//! The JSON of every dictionary, dump and stats entry, as the npm package has it: read and written again, nothing is
//! lost and nothing is added.

#![expect(clippy::unwrap_used, reason = "what can not be read fails the test")]

use model::data::{DataKind, SctpStreamParameters};
use model::dump;
use model::id::TransportId;
use model::rtp::{MediaKind, RtpMapping};
use model::score::{
    ConsumerLayers, ConsumerScore, ConsumerType, ProducerScore, ProducerType, VideoOrientation,
};
use model::stats;
use model::trace::{StreamTrace, Trace, TransportTrace};
use model::transport::{
    DtlsParameters, DtlsRole, DtlsState, IceCandidate, IceParameters, IceRole, IceState, ListenInfo,
    SctpNegotiatedCapabilities, SctpParameters, SctpState, SrtpParameters, TransportKind, TransportTuple,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[track_caller]
fn is<T: Serialize + DeserializeOwned>(document: Value) {
    let read: T = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), document);
    // The text way, too: a dictionary that can only be read from a tree is of no use to a server.
    let text = serde_json::to_string(&read).unwrap();
    let again: T = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), document);
}

#[track_caller]
fn words<T: Serialize + DeserializeOwned>(words: &[&str]) {
    words.iter().for_each(|word| is::<T>(json!(word)));
    assert!(serde_json::from_value::<T>(json!("nonsense")).is_err());
}

#[test]
fn words_are_those_of_the_npm_package() {
    words::<MediaKind>(&["audio", "video"]);
    words::<ProducerType>(&["simple", "simulcast", "svc"]);
    words::<ConsumerType>(&["simple", "simulcast", "svc", "pipe"]);
    words::<DataKind>(&["sctp", "direct"]);
    words::<TransportKind>(&["webrtc", "plain", "pipe", "direct"]);
    words::<IceRole>(&["controlled", "controlling"]);
    words::<IceState>(&["new", "connected", "completed", "disconnected", "closed"]);
    words::<DtlsRole>(&["auto", "client", "server"]);
    words::<DtlsState>(&["new", "connecting", "connected", "failed", "closed"]);
    words::<SctpState>(&["new", "connecting", "connected", "failed", "closed"]);
}

#[test]
fn what_transports_announce() {
    is::<IceParameters>(json!({ "usernameFragment": "u", "password": "p", "iceLite": true }));
    is::<IceParameters>(json!({ "usernameFragment": "u", "password": "p" }));
    is::<IceCandidate>(json!({
        "foundation": "udpcandidate", "priority": 1_076_302_079, "ip": "9.9.9.1", "address": "9.9.9.1",
        "protocol": "udp", "port": 10001, "type": "host",
    }));
    is::<IceCandidate>(json!({
        "foundation": "tcpcandidate", "priority": 1, "ip": "a.example", "address": "a.example",
        "protocol": "tcp", "port": 10001, "type": "host", "tcpType": "passive",
    }));
    is::<DtlsParameters>(json!({
        "role": "auto",
        "fingerprints": (["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"].map(|algorithm| {
            json!({ "algorithm": algorithm, "value": "82:5A:68" })
        })),
    }));
    for suite in
        ["AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"]
    {
        is::<SrtpParameters>(json!({ "cryptoSuite": suite, "keyBase64": "AAAA" }));
    }
    is::<SctpParameters>(sctp_parameters());
    is::<SctpNegotiatedCapabilities>(json!({
        "negotiatedMaxOutboundStreams": 65535, "negotiatedMaxInboundStreams": 1024,
    }));
    is::<SctpStreamParameters>(json!({ "streamId": 666, "ordered": false, "maxPacketLifeTime": 5000 }));
    is::<SctpStreamParameters>(json!({ "streamId": 0, "ordered": true }));
    is::<TransportTuple>(tuple());
    is::<TransportTuple>(json!({
        "localIp": "127.0.0.1", "localAddress": "127.0.0.1", "localPort": 1, "protocol": "tcp",
    }));
    is::<ListenInfo>(json!({
        "protocol": "udp", "ip": "0.0.0.0", "announcedAddress": "a.example", "exposeInternalIp": true, "port": 5,
        "portRange": { "min": 1000, "max": 2000 }, "flags": { "ipv6Only": false, "udpReusePort": true },
        "sendBufferSize": 1, "recvBufferSize": 2,
    }));
}

#[test]
fn a_listen_info_may_be_short_or_old() {
    let info: ListenInfo =
        serde_json::from_value(json!({ "protocol": "udp", "ip": "127.0.0.1", "announcedIp": "9.9.9.1" }))
            .unwrap();
    assert_eq!(info.announced_address.as_deref(), Some("9.9.9.1"));
    assert!(info.port_range.given().is_none());
    let candidate = json!({
        "foundation": "f", "priority": 1, "ip": "1.1.1.1", "protocol": "udp", "port": 1, "type": "host",
    });
    let candidate: IceCandidate = serde_json::from_value(candidate).unwrap();
    assert_eq!(&*candidate.address, "1.1.1.1");
}

#[test]
fn layers_and_scores() {
    is::<ConsumerLayers>(json!({ "spatialLayer": 2, "temporalLayer": 0 }));
    is::<ConsumerLayers>(json!({ "spatialLayer": 2 }));
    is::<ConsumerScore>(json!({ "score": 10, "producerScore": 0, "producerScores": [0, 0, 0, 0] }));
    is::<ProducerScore>(json!({ "encodingIdx": 0, "ssrc": 11, "rid": "a", "score": 10 }));
    is::<VideoOrientation>(json!({ "camera": false, "flip": true, "rotation": 180 }));
    is::<RtpMapping>(json!({
        "codecs": [{ "payloadType": 0, "mappedPayloadType": 100 }],
        "encodings": [{ "rid": "a", "mappedSsrc": 1 }, { "ssrc": 5, "mappedSsrc": 2 }],
    }));
}

#[test]
fn traces() {
    let packet = json!({
        "payloadType": 96, "sequenceNumber": 1, "timestamp": 2, "marker": true, "ssrc": 3, "isKeyFrame": false,
        "size": 100, "payloadSize": 88, "spatialLayer": 0, "temporalLayer": 0, "mid": "0", "rid": null, "rrid": null,
        "wideSequenceNumber": null,
    });
    let trace =
        |kind: &str, info: Value| json!({ "type": kind, "timestamp": 5, "direction": "in", "info": info });
    is::<Trace<StreamTrace>>(trace("rtp", json!({ "rtpPacket": packet, "isRtx": false })));
    is::<Trace<StreamTrace>>(trace("keyframe", json!({ "rtpPacket": packet, "isRtx": true })));
    is::<Trace<StreamTrace>>(trace("pli", json!({ "ssrc": 1 })));
    is::<Trace<StreamTrace>>(trace("fir", json!({ "ssrc": 1 })));
    is::<Trace<StreamTrace>>(json!({ "type": "nack", "timestamp": 5, "direction": "out" }));
    is::<Trace<StreamTrace>>(trace(
        "sr",
        json!({
            "ssrc": 1, "ntpSec": 2, "ntpFrac": 3, "rtpTs": 4, "packetCount": 5, "octetCount": 6,
        }),
    ));
    is::<Trace<TransportTrace>>(trace("probation", json!({})));
    is::<Trace<TransportTrace>>(trace(
        "bwe",
        json!({
            "desiredBitrate": 1, "effectiveDesiredBitrate": 2, "minBitrate": 3, "maxBitrate": 4, "startBitrate": 5,
            "maxPaddingBitrate": 6, "availableBitrate": 7, "bweType": "transport-cc",
        }),
    ));
}

#[test]
fn dumps_of_transports() {
    is::<dump::TransportDump>(transport_dump(json!({})));
    is::<dump::TransportDump>(transport_dump(json!({ "tuple": tuple(), "rtx": true })));
    is::<dump::TransportDump>(transport_dump(json!({
        "rtcpMux": false, "comedia": true, "tuple": tuple(), "rtcpTuple": tuple(),
        "srtpParameters": { "cryptoSuite": "AEAD_AES_256_GCM", "keyBase64": "AAAA" },
        "sctpParameters": sctp_parameters(), "sctpState": "new", "sctpListener": {
            "streamIdTable": [{ "key": 7, "value": "data-producer" }],
        },
    })));
    let web_rtc = transport_dump(json!({
        "iceRole": "controlled", "iceParameters": { "usernameFragment": "u", "password": "p", "iceLite": true },
        "iceCandidates": [], "iceState": "new", "dtlsParameters": { "role": "auto", "fingerprints": [] },
        "dtlsState": "new",
    }));
    let read: dump::TransportDump = serde_json::from_value(web_rtc.clone()).unwrap();
    assert!(matches!(read.kind, dump::TransportKindDump::WebRtc { .. }));
    assert_eq!(read.base.id, TransportId::from("transport"));
    is::<dump::TransportDump>(web_rtc);
}

#[test]
fn dumps_of_everything_else() {
    is::<dump::WorkerDump>(json!({
        "pid": 7, "webRtcServerIds": ["s"], "routerIds": ["r"],
        "channelMessageHandlers": { "channelRequestHandlers": ["r", "s"], "channelNotificationHandlers": [] },
    }));
    is::<dump::WebRtcServerDump>(json!({
        "id": "s", "udpSockets": [{ "ip": "127.0.0.1", "port": 1111 }], "tcpServers": [],
        "webRtcTransportIds": ["t"],
        "localIceUsernameFragments": [{ "localIceUsernameFragment": "u", "webRtcTransportId": "t" }],
    }));
    is::<dump::RouterDump>(json!({
        "id": "r", "transportIds": ["t"], "rtpObserverIds": ["o"],
        "mapProducerIdConsumerIds": [{ "key": "p", "values": [] }],
        "mapConsumerIdProducerId": [{ "key": "c", "value": "p" }],
        "mapProducerIdObserverIds": [{ "key": "p", "values": ["o"] }],
        "mapDataProducerIdDataConsumerIds": [{ "key": "dp", "values": ["dc"] }],
        "mapDataConsumerIdDataProducerId": [{ "key": "dc", "value": "dp" }],
    }));
    is::<dump::DataProducerDump>(json!({
        "id": "dp", "type": "sctp", "sctpStreamParameters": { "streamId": 1, "ordered": true },
        "label": "l", "protocol": "p", "paused": false,
    }));
    is::<dump::DataConsumerDump>(json!({
        "id": "dc", "dataProducerId": "dp", "type": "direct", "label": "", "protocol": "", "bufferedAmount": 0,
        "bufferedAmountLowThreshold": 0, "paused": true, "dataProducerPaused": false, "subchannels": [1, 2],
    }));
}

#[test]
fn dumps_of_producers_say_null_inside() {
    let mut params = stream_params();
    params["rid"] = Value::Null;
    params["rtxPayloadType"] = Value::Null;
    let rtx = json!({ "params": {
        "ssrc": 2, "payloadType": 97, "mimeType": "video/rtx", "clockRate": 90000, "rrid": null, "cname": "c",
    } });
    is::<dump::ProducerDump>(json!({
        "id": "p", "kind": "video", "type": "simulcast", "rtpParameters": rtp_parameters(),
        "rtpMapping": {
            "codecs": [{ "payloadType": 0, "mappedPayloadType": 100 }],
            "encodings": [{ "rid": null, "ssrc": null, "mappedSsrc": 1 }],
        },
        "rtpStreams": [{ "params": params, "score": 10, "rtxStream": rtx }],
        "traceEventTypes": ["rtp", "pli"], "paused": false,
    }));
    is::<dump::ProducerDump>(json!({
        "id": "p", "kind": "audio", "type": "simple", "rtpParameters": rtp_parameters(),
        "rtpMapping": { "codecs": [], "encodings": [] }, "traceEventTypes": [], "paused": true,
    }));
}

#[test]
fn dumps_of_consumers() {
    let consumer = |more: Value| {
        with(
            json!({
                "id": "c", "producerId": "p", "kind": "video", "rtpParameters": rtp_parameters(),
                "consumableRtpEncodings": [{ "ssrc": 9, "dtx": false }], "supportedCodecPayloadTypes": [100],
                "traceEventTypes": ["keyframe"], "paused": false, "producerPaused": true, "priority": 1,
            }),
            more,
        )
    };
    let stream = json!({ "params": stream_params(), "score": 10 });
    let layers = json!({
        "preferredSpatialLayer": 2, "targetSpatialLayer": -1, "currentSpatialLayer": -1,
        "preferredTemporalLayer": 0, "targetTemporalLayer": -1, "currentTemporalLayer": -1,
    });
    is::<dump::ConsumerDump>(consumer(json!({ "type": "simple", "rtpStream": stream })));
    is::<dump::ConsumerDump>(consumer(json!({ "type": "pipe", "rtpStreams": [stream, stream] })));
    for kind in ["simulcast", "svc"] {
        is::<dump::ConsumerDump>(consumer(with(
            json!({ "type": kind, "rtpStream": stream }),
            layers.clone(),
        )));
    }
}

#[test]
fn stats_of_everything() {
    is::<stats::TransportStats>(transport_stats(json!({ "type": "direct-transport" })));
    is::<stats::TransportStats>(transport_stats(json!({ "type": "pipe-transport", "tuple": tuple() })));
    is::<stats::TransportStats>(transport_stats(json!({
        "type": "plain-rtp-transport", "rtcpMux": true, "comedia": false, "tuple": tuple(),
    })));
    is::<stats::TransportStats>(transport_stats(json!({
        "type": "webrtc-transport", "iceRole": "controlled", "iceState": "completed", "dtlsState": "connected",
        "iceSelectedTuple": tuple(), "sctpState": "connected", "availableOutgoingBitrate": 600_000,
        "maxIncomingBitrate": 1, "rtpPacketLossReceived": 0.25,
    })));
    let stream = |more: Value| {
        with(
            json!({
                "timestamp": 1, "ssrc": 2, "kind": "video", "mimeType": "video/VP8", "packetsLost": -1,
                "fractionLost": 0, "jitter": 0, "packetsDiscarded": 0, "packetsRetransmitted": 0,
                "packetsRepaired": 0, "nackCount": 0, "nackPacketCount": 0, "pliCount": 0, "firCount": 0,
                "roundTripTime": 1.5, "score": 10, "packetCount": 5, "byteCount": 500, "bitrate": 4000,
            }),
            more,
        )
    };
    is::<stats::RtpStreamStats>(stream(json!({
        "type": "inbound-rtp", "rid": "a", "rtxSsrc": 3, "rtxPacketsDiscarded": 1,
        "bitrateByLayer": { "0.0": 1, "0.1": 2 },
    })));
    is::<stats::RtpStreamStats>(stream(json!({ "type": "outbound-rtp" })));
    is::<stats::DataProducerStats>(json!({
        "type": "data-producer", "timestamp": 1, "label": "l", "protocol": "p", "messagesReceived": 2,
        "bytesReceived": 3,
    }));
    is::<stats::DataConsumerStats>(json!({
        "type": "data-consumer", "timestamp": 1, "label": "l", "protocol": "p", "messagesSent": 2, "bytesSent": 3,
        "bufferedAmount": 4,
    }));
}

fn tuple() -> Value {
    json!({
        "localIp": "127.0.0.1", "localAddress": "127.0.0.1", "localPort": 1, "remoteIp": "127.0.0.2",
        "remotePort": 2, "protocol": "udp",
    })
}

fn sctp_parameters() -> Value {
    json!({
        "port": 5000, "maxSendMessageSize": 262_144, "maxReceiveMessageSize": 1000, "sendBufferSize": 2_000_000,
        "perStreamSendQueueLimit": 2_000_000, "maxReceiverWindowBufferSize": 5_242_880, "isDataChannel": true,
        "OS": 65535, "MIS": 65535, "maxMessageSize": 1000,
    })
}

fn rtp_parameters() -> Value {
    json!({ "codecs": [], "headerExtensions": [], "encodings": [], "rtcp": { "cname": "c", "reducedSize": false } })
}

fn stream_params() -> Value {
    json!({
        "encodingIdx": 0, "ssrc": 1, "payloadType": 96, "mimeType": "video/VP8", "clockRate": 90000, "cname": "c",
        "rtxSsrc": 2, "useNack": true, "usePli": true, "useFir": false, "useInBandFec": false, "useDtx": false,
        "spatialLayers": 1, "temporalLayers": 3,
    })
}

fn transport_dump(more: Value) -> Value {
    with(
        json!({
            "id": "transport", "producerIds": ["p"], "consumerIds": ["c"],
            "mapSsrcConsumerId": [{ "key": 1, "value": "c" }], "mapRtxSsrcConsumerId": [], "dataProducerIds": [],
            "dataConsumerIds": [], "recvRtpHeaderExtensions": { "mid": 1, "absSendTime": 4, "transportWideCc01": 5 },
            "rtpListener": {
                "ssrcTable": [{ "key": 5, "value": "p" }], "midTable": [{ "key": "0", "value": "p" }], "ridTable": [],
            },
            "maxSendMessageSize": 262_144, "maxReceiveMessageSize": 262_144, "traceEventTypes": ["bwe"],
        }),
        more,
    )
}

fn transport_stats(more: Value) -> Value {
    with(
        json!({
            "transportId": "t", "timestamp": 1, "bytesReceived": 1, "recvBitrate": 2, "bytesSent": 3,
            "sendBitrate": 4, "rtpBytesReceived": 5, "rtpRecvBitrate": 6, "rtpBytesSent": 7, "rtpSendBitrate": 8,
            "rtxBytesReceived": 9, "rtxRecvBitrate": 10, "rtxBytesSent": 11, "rtxSendBitrate": 12,
            "probationBytesSent": 13, "probationSendBitrate": 14,
        }),
        more,
    )
}

fn with(mut object: Value, more: Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    object
}
