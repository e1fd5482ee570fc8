//! Messages that the npm package encodes are read here, and messages encoded here are read by the package.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the message")]

mod npm;

use std::io::Write as _;
use std::process::{Command, Stdio};

use worker::channel::{Incoming, decode};
use worker::flat::{Malformed, Table, Writer};
use worker::schema::message::{self, Message};
use worker::schema::request::{self, Method, Request};
use worker::schema::response::{self, Response};
use worker::schema::rtp_parameters::{self as rtp, MediaKind, RtpHeaderExtensionUri, Value};
use worker::schema::{notification, rtp_stream, transport, worker as worker_tables};

/// The message that the package encodes under `name`, without its length prefix.
fn encoded_by_npm(name: &str) -> Vec<u8> {
    let output = String::from_utf8(peer("encode", "")).unwrap();
    let hex = output
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} ")))
        .expect("a message of that name");
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
    let (prefix, payload) = bytes.split_at(4);
    assert_eq!(u32::from_le_bytes(prefix.try_into().unwrap()) as usize, payload.len());
    payload.to_vec()
}

/// What the package reads in a message of ours.
fn decoded_by_npm(body: message::Body<'_>) -> serde_json::Value {
    let mut writer = Writer::default();
    let hex: String =
        writer.message(&Message { data: body }).iter().map(|byte| format!("{byte:02x}")).collect();
    serde_json::from_slice(&peer("decode", &hex)).unwrap()
}

fn peer(mode: &str, input: &str) -> Vec<u8> {
    let script = npm::package().with_file_name("peer.js");
    let mut node = Command::new("node")
        .arg(script)
        .arg(mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    node.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the package's side failed");
    output.stdout
}

fn request(payload: &[u8]) -> Request<'_> {
    match decode(payload) {
        Ok(Incoming::Request(request)) => *request,
        other => panic!("not a request: {other:?}"),
    }
}

#[test]
fn requests_of_the_package_are_read() {
    let payload = encoded_by_npm("dump");
    let expected =
        Request { id: 1, method: Method::WorkerDump, handler_id: "".into(), body: request::Body::None };
    assert_eq!(request(&payload), expected);

    let payload = encoded_by_npm("settings");
    let settings = worker_tables::UpdateSettingsRequest {
        log_level: Some("debug".into()),
        log_tags: Some(vec!["ice".into(), "dtls".into()]),
    };
    let asked = request(&payload);
    assert_eq!((asked.id, asked.method), (u32::MAX, Method::WorkerUpdateSettings));
    assert_eq!(asked.body, request::Body::WorkerUpdateSettingsRequest(Box::new(settings)));
}

#[test]
fn every_kind_of_parameter_arrives_as_it_was_sent() {
    let payload = encoded_by_npm("produce");
    let request::Body::TransportProduceRequest(produce) = request(&payload).body else {
        panic!("another body")
    };
    assert_eq!((&*produce.producer_id, produce.kind), ("producer-id", MediaKind::Video));
    assert_eq!((produce.paused, produce.key_frame_request_delay), (true, 500));
    assert!(produce.enable_mediasoup_packet_id_header_extension);
    let parameters = &produce.rtp_parameters;
    assert_eq!((parameters.mid.as_deref(), parameters.msid.as_deref()), (Some("mid-1"), None));
    let codec = &parameters.codecs[0];
    assert_eq!(
        (&*codec.mime_type, codec.payload_type, codec.clock_rate, codec.channels),
        ("video/VP8", 101, 90000, None)
    );
    let values: Vec<_> = codec.parameters.iter().flatten().map(|p| (&*p.name, p.value.clone())).collect();
    let expected = vec![
        ("a", Value::Integer32(Box::new(rtp::Integer32 { value: -5 }))),
        ("b", Value::Double(Box::new(rtp::Double { value: 222.222 }))),
        ("c", Value::String(Box::new(rtp::String { value: "ü".into() }))),
        ("d", Value::Integer32Array(Box::new(rtp::Integer32Array { value: Some(vec![1, -2]) }))),
        ("e", Value::Boolean(Box::new(rtp::Boolean { value: 0 }))),
    ];
    assert_eq!(values, expected);
    let extension = &parameters.header_extensions[0];
    assert_eq!(
        (extension.uri, extension.id, extension.encrypt),
        (RtpHeaderExtensionUri::VideoOrientation, 4, true)
    );
    let encoding = &parameters.encodings[0];
    assert_eq!((encoding.ssrc, encoding.codec_payload_type), (Some(0xffff_fff0), Some(0)));
    assert_eq!((encoding.rtx.as_ref().map(|rtx| rtx.ssrc), encoding.max_bitrate), (Some(7), Some(1 << 40)));
    assert_eq!((&*parameters.rtcp.cname.clone().unwrap(), parameters.rtcp.reduced_size), ("someone", false));
    assert_eq!(produce.rtp_mapping.encodings[0].ssrc, None);
}

#[test]
fn a_flag_in_place_of_its_table_costs_neither_the_message_nor_the_flag() {
    let payload = encoded_by_npm("flag");
    let request::Body::TransportProduceRequest(produce) = request(&payload).body else {
        panic!("another body")
    };
    let parameter = produce.rtp_parameters.codecs[0].parameters.iter().flatten().next().unwrap();
    assert_eq!(&*parameter.name, "foo");
    assert_eq!(parameter.value, Value::Boolean(Box::new(rtp::Boolean { value: 1 })));
}

#[test]
fn notifications_of_the_package_are_read() {
    let payload = encoded_by_npm("send");
    let Ok(Incoming::Notification(event)) = decode(&payload) else { panic!("not a notification") };
    assert_eq!((event.event, &*event.handler_id), (notification::Event::ProducerSend, "p"));
    let notification::Body::ProducerSendNotification(send) = event.body else { panic!("another body") };
    assert_eq!(&*send.data, [0x80, 0x60, 0, 1]);
}

#[test]
fn the_package_reads_a_refusal_and_an_empty_acceptance() {
    let refused = Response {
        id: 3,
        accepted: false,
        body: response::Body::None,
        error: Some("TypeError".into()),
        reason: Some("priority is 0".into()),
    };
    let seen = &decoded_by_npm(message::Body::Response(Box::new(refused)))["data"];
    assert_eq!((&seen["id"], &seen["accepted"]), (&3.into(), &false.into()));
    assert_eq!((&seen["error"], &seen["reason"]), (&"TypeError".into(), &"priority is 0".into()));

    let accepted = Response { id: 4, accepted: true, body: response::Body::None, error: None, reason: None };
    let seen = &decoded_by_npm(message::Body::Response(Box::new(accepted)))["data"];
    assert_eq!(
        (&seen["accepted"], &seen["bodyType"], &seen["body"]),
        (&true.into(), &0.into(), &serde_json::Value::Null)
    );
}

#[test]
fn the_package_reads_nested_statistics_and_written_zeroes() {
    let base = rtp_stream::BaseStats {
        timestamp: 1 << 41,
        ssrc: 5,
        kind: MediaKind::Video,
        mime_type: "video/VP8".into(),
        packets_lost: -2,
        fraction_lost: 255,
        jitter: 9,
        packets_discarded: 0,
        packets_retransmitted: 1,
        packets_repaired: 2,
        nack_count: 3,
        nack_packet_count: 4,
        pli_count: 5,
        fir_count: 6,
        rid: None,
        rtx_ssrc: Some(0),
        rtx_packets_discarded: 7,
        round_trip_time: 1.5,
        score: 10,
    };
    let base = rtp_stream::Stats { data: rtp_stream::StatsData::BaseStats(Box::new(base)) };
    let layer = rtp_stream::BitrateByLayer { layer: "0.1".into(), bitrate: 1 << 33 };
    let stats = rtp_stream::RecvStats {
        base,
        packet_count: 1,
        byte_count: 2,
        bitrate: 3,
        bitrate_by_layer: vec![layer.clone(), layer],
    };
    let stats = rtp_stream::Stats { data: rtp_stream::StatsData::RecvStats(Box::new(stats)) };
    let body = worker::schema::producer::GetStatsResponse { stats: vec![stats] };
    let response = Response {
        id: 1,
        accepted: true,
        body: response::Body::ProducerGetStatsResponse(Box::new(body)),
        error: None,
        reason: None,
    };
    let seen = decoded_by_npm(message::Body::Response(Box::new(response)));
    let stats = &seen["data"]["body"]["stats"][0]["data"];
    assert_eq!(stats["bitrateByLayer"][1], serde_json::json!({"layer": "0.1", "bitrate": "8589934592n"}));
    let base = &stats["base"]["data"];
    assert_eq!(base["timestamp"], "2199023255552n");
    assert_eq!(
        (&base["packetsLost"], &base["fractionLost"], &base["roundTripTime"]),
        (&(-2).into(), &255.into(), &1.5.into())
    );
    assert_eq!((&base["rtxSsrc"], &base["rid"]), (&0.into(), &serde_json::Value::Null));
}

#[test]
fn the_package_reads_events_with_tuples() {
    let tuple = transport::Tuple {
        local_address: "example.org".into(),
        local_port: 40000,
        remote_ip: None,
        remote_port: 0,
        protocol: transport::Protocol::Udp,
    };
    let event = notification::Notification {
        handler_id: "t".into(),
        event: notification::Event::PlaintransportTuple,
        body: notification::Body::PlainTransportTupleNotification(Box::new(
            worker::schema::plain_transport::TupleNotification { tuple },
        )),
    };
    let seen = &decoded_by_npm(message::Body::Notification(Box::new(event)))["data"];
    assert_eq!((&seen["handlerId"], &seen["event"]), (&"t".into(), &11.into()));
    let tuple = &seen["body"]["tuple"];
    assert_eq!((&tuple["localAddress"], &tuple["localPort"]), (&"example.org".into(), &40000.into()));
    assert_eq!(
        (&tuple["remoteIp"], &tuple["remotePort"], &tuple["protocol"]),
        (&serde_json::Value::Null, &0.into(), &1.into())
    );
}

#[test]
fn a_request_with_an_unknown_method_or_a_broken_body_can_still_be_answered() {
    let mut payload = encoded_by_npm("settings");
    // The one byte of the method: found by asking which change makes our reader name that method.
    let broken = (0..payload.len()).find(|&i| {
        let before = std::mem::replace(&mut payload[i], 200);
        let why = decode(&payload).err().map(|e| (e.why, e.request.map(|head| head.id)));
        payload[i] = before;
        why == Some((Malformed::UnknownValue { name: "Method", value: 200 }, Some(u32::MAX)))
    });
    assert!(broken.is_some());
}

#[test]
fn changing_any_byte_of_a_message_of_the_package_never_panics() {
    for name in ["settings", "produce", "flag", "send"] {
        let original = encoded_by_npm(name);
        assert!(Message::from_payload(&original).is_ok());
        for i in 0..original.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, original[i].wrapping_add(1), original[i].wrapping_sub(1)] {
                let mut payload = original.clone();
                payload[i] = value;
                drop(decode(&payload));
            }
            drop(decode(&original[..i]));
        }
    }
}
