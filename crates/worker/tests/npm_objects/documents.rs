//! Documents as the npm package shows them.

use serde_json::{Value, json};

/// How the package shows our parameters: flags as numbers, arrays of its own kind, and nothing absent in streams of
/// producers.
pub(crate) fn shown_by_the_package(mut dump: Value) -> Value {
    let parameters = &mut dump["rtpParameters"]["codecs"][0]["parameters"];
    parameters["d"] = json!({ "0": 1, "1": 2 });
    parameters["e"] = json!(1);
    let is_producer = dump.get("rtpMapping").is_some();
    let streams = dump.get_mut("rtpStreams").and_then(Value::as_array_mut);
    for stream in streams.into_iter().flatten().filter(|_| is_producer) {
        stream["rtxStream"] = Value::Null;
        stream["params"]["rid"] = json!("");
        stream["params"]["rtxPayloadType"] = Value::Null;
    }
    dump
}

pub(crate) fn tuple() -> Value {
    json!({
        "localIp": "127.0.0.1", "localAddress": "127.0.0.1", "localPort": 1, "remoteIp": "127.0.0.2",
        "remotePort": 2, "protocol": "udp",
    })
}

pub(crate) fn sctp_parameters() -> Value {
    json!({
        "port": 5000, "maxSendMessageSize": 262_144, "maxReceiveMessageSize": 1000, "sendBufferSize": 2_000_000,
        "perStreamSendQueueLimit": 2_000_000, "maxReceiverWindowBufferSize": 5_242_880, "isDataChannel": true,
        "OS": 65535, "MIS": 65535, "maxMessageSize": 1000,
    })
}

pub(crate) fn rtp_parameters() -> Value {
    json!({
        "mid": "0",
        "codecs": [{
            "mimeType": "video/H264", "payloadType": 103, "clockRate": 90000,
            "parameters": { "a": 222.222, "b": "333", "c": -1, "d": [1, 2], "e": true },
            "rtcpFeedback": [{ "type": "nack" }, { "type": "nack", "parameter": "pli" }],
        }, {
            "mimeType": "audio/opus", "payloadType": 0, "clockRate": 48000, "channels": 2, "parameters": {},
            "rtcpFeedback": [],
        }],
        "headerExtensions": [
            { "uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 1, "encrypt": false, "parameters": {} },
            { "uri": "urn:3gpp:video-orientation", "id": 14, "encrypt": true, "parameters": { "x": 1 } },
        ],
        "encodings": [
            { "ssrc": 1, "codecPayloadType": 0, "rtx": { "ssrc": 2 }, "dtx": true, "scalabilityMode": "L1T3" },
            { "rid": "a", "dtx": false, "maxBitrate": 1_000_000 },
        ],
        "rtcp": { "cname": "c", "reducedSize": false },
        "msid": "s t",
    })
}

pub(crate) fn stream_params() -> Value {
    json!({
        "encodingIdx": 0, "ssrc": 1, "payloadType": 96, "mimeType": "video/VP8", "clockRate": 90000, "cname": "c",
        "rtxSsrc": 2, "useNack": true, "usePli": true, "useFir": false, "useInBandFec": false, "useDtx": false,
        "spatialLayers": 1, "temporalLayers": 3,
    })
}

pub(crate) fn stream_stats() -> Value {
    json!({
        "timestamp": 1, "ssrc": 2, "kind": "video", "mimeType": "video/VP8", "packetsLost": -1, "fractionLost": 0,
        "jitter": 0, "packetsDiscarded": 0, "packetsRetransmitted": 0, "packetsRepaired": 0, "nackCount": 0,
        "nackPacketCount": 0, "pliCount": 0, "firCount": 0, "roundTripTime": 1.5, "score": 10, "packetCount": 5,
        "byteCount": 500, "bitrate": 4000,
    })
}

pub(crate) fn base_dump() -> Value {
    json!({
        "id": "transport", "producerIds": ["p"], "consumerIds": ["c"],
        "mapSsrcConsumerId": [{ "key": 1, "value": "c" }], "mapRtxSsrcConsumerId": [{ "key": 2, "value": "c" }],
        "dataProducerIds": ["dp"], "dataConsumerIds": ["dc"],
        "recvRtpHeaderExtensions": { "mid": 1, "absSendTime": 4, "transportWideCc01": 5 },
        "rtpListener": {
            "ssrcTable": [{ "key": 5, "value": "p" }], "midTable": [{ "key": "0", "value": "p" }],
            "ridTable": [{ "key": "a", "value": "p" }],
        },
        "maxSendMessageSize": 262_144, "maxReceiveMessageSize": 262_143, "traceEventTypes": ["bwe"],
    })
}

pub(crate) fn base_stats() -> Value {
    json!({
        "transportId": "t", "timestamp": 1, "bytesReceived": 1, "recvBitrate": 2, "bytesSent": 3, "sendBitrate": 4,
        "rtpBytesReceived": 5, "rtpRecvBitrate": 6, "rtpBytesSent": 7, "rtpSendBitrate": 8, "rtxBytesReceived": 9,
        "rtxRecvBitrate": 10, "rtxBytesSent": 11, "rtxSendBitrate": 12, "probationBytesSent": 13,
        "probationSendBitrate": 14,
    })
}

pub(crate) fn traces() -> Vec<Value> {
    let packet = json!({
        "payloadType": 96, "sequenceNumber": 1, "timestamp": 2, "marker": true, "ssrc": 3, "isKeyFrame": false,
        "size": 100, "payloadSize": 88, "spatialLayer": 0, "temporalLayer": 0, "mid": "0", "rid": null, "rrid": null,
        "wideSequenceNumber": 0,
    });
    let trace =
        |kind: &str, info: Value| json!({ "type": kind, "timestamp": 5, "direction": "in", "info": info });
    vec![
        trace("rtp", json!({ "rtpPacket": packet, "isRtx": false })),
        trace("keyframe", json!({ "rtpPacket": packet, "isRtx": true })),
        trace("pli", json!({ "ssrc": 1 })),
        trace("fir", json!({ "ssrc": 1 })),
        json!({ "type": "nack", "timestamp": 5, "direction": "out" }),
        trace(
            "sr",
            json!({
                "ssrc": 1, "ntpSec": 2, "ntpFrac": 3, "rtpTs": 4, "packetCount": 5, "octetCount": 6,
            }),
        ),
    ]
}
