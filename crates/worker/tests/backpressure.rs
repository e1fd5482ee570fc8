//! An application that stops reading under load: the worker stops reading in turn, and in the end nothing is missing that
//! must not be.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the message")]

mod driver;

use std::io::{ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use driver::{Driver, Said};
use worker::schema::notification::{self, Event};
use worker::schema::request::{self, Method};
use worker::schema::{data_consumer, data_producer, producer, rtp_parameters as rtp, transport};

#[test]
fn a_reader_that_stops_loses_packets_and_nothing_else() {
    let mut driver = Driver::start(&[]);
    open_streams(&mut driver);
    let bytes = packet(&mut driver, u16::MAX);
    driver.send(&bytes);
    while !matches!(driver.next().expect("the worker goes on"), Said::Event(_, Event::ConsumerRtp, _)) {}
    // What is open makes the answer long, so that few requests are enough.
    (0..ROUTERS).for_each(|i| driver.router(&format!("router-{i}-{}", "x".repeat(200))));
    let sample = driver.ask(Method::WorkerDump, "", request::Body::None);
    let until_stop = STOP_READING_BYTES / driver.answer(sample).unwrap();

    let mut requests = driver.requests.take().unwrap();
    requests.set_write_timeout(Some(TAKEN_WITHIN)).unwrap();
    let (mut asked, mut sent) = (Vec::new(), 0u16);
    let rest = loop {
        let (id, bytes) = load(&mut driver, sent);
        asked.push(id);
        sent += 1;
        let written = write(&mut requests, &bytes);
        if written < bytes.len() && asked.len() > until_stop {
            break bytes[written..].to_vec();
        }
        // The machine was slow, not the worker.
        requests.set_write_timeout(Some(PATIENCE)).unwrap();
        requests.write_all(&bytes[written..]).unwrap();
        requests.set_write_timeout(Some(TAKEN_WITHIN)).unwrap();
        assert!(asked.len() < 4 * until_stop, "the worker reads on without end");
    };

    // Reading again lets everything follow: what waits there, and what waits here.
    requests.set_write_timeout(None).unwrap();
    let writer = std::thread::spawn(move || {
        requests.write_all(&rest).unwrap();
        requests
    });
    let (mut answered, mut packets, mut messages, mut lines) = (Vec::new(), 0, 0, Vec::new());
    while answered.last() != asked.last() {
        match driver.next().expect("the worker goes on") {
            Said::Response(id, answer) => {
                assert!(answer.is_ok(), "{answer:?}");
                answered.push(id);
            }
            Said::Event(_, Event::ConsumerRtp, _) => packets += 1,
            Said::Event(_, Event::DataconsumerMessage, _) => messages += 1,
            Said::Event(..) => {}
            Said::Log(line) => lines.push(line),
        }
    }
    driver.requests = Some(writer.join().unwrap());
    assert_eq!(answered, asked);
    assert!(packets < sent, "{packets} of {sent} packets");

    // The last of these have room again, and nothing that was kept came late.
    let closing = transport::CloseDataProducerRequest { data_producer_id: "dp".into() };
    let closing = request::Body::TransportCloseDataProducerRequest(Box::new(closing));
    let closing = driver.ask(Method::TransportCloseDataproducer, "t", closing);
    loop {
        match driver.next().expect("the worker goes on") {
            Said::Response(id, Ok(_)) if id == closing => break,
            Said::Event(_, Event::DataconsumerMessage, _) => messages += 1,
            // A report of the consumer comes when it is time.
            Said::Event(_, Event::DataconsumerDataproducerClose | Event::DirecttransportRtcp, _) => {}
            Said::Log(line) => lines.push(line),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(messages, sent);
    // A slow machine may fall behind twice, and says so twice.
    let dropped: u16 = lines.iter().map(|line| dropped(line)).sum();
    assert_eq!(dropped, sent - packets, "{lines:?}");
}

#[test]
fn a_burst_of_what_gets_no_answer_delays_a_request_and_no_more() {
    let mut driver = Driver::start(&[]);
    open_streams(&mut driver);
    let close = transport::CloseDataConsumerRequest { data_consumer_id: "dc".into() };
    let close = request::Body::TransportCloseDataConsumerRequest(Box::new(close));
    driver.done(Method::TransportCloseDataconsumer, "t", close);
    // Several times what control takes at a time, and nobody says a word about any of it.
    let mut bytes: Vec<u8> = (0..20_000).flat_map(|number| message(&mut driver, number)).collect();
    let (id, dump) = driver.request(Method::WorkerDump, "", request::Body::None);
    bytes.extend(dump);
    driver.send(&bytes);
    assert!(driver.answer(id).is_ok());
}

/// The RTP packets that a line says were dropped. How many reports were due meanwhile is the clock's affair.
fn dropped(line: &str) -> u16 {
    let said = line.strip_prefix("Ethe application did not read for too long: ");
    let (rtp, rest) = said.and_then(|said| said.split_once(" RTP packets, ")).expect(line);
    assert!(rest.ends_with(" RTCP packets and 0 messages were dropped"), "{line}");
    rtp.parse().expect(line)
}

/// A request with a long answer, a packet and a message.
fn load(driver: &mut Driver, number: u16) -> (u32, Vec<u8>) {
    // The worker passes over the name. Without it, requests would pile up in the kernel by the hundred.
    let (id, mut bytes) = driver.request(Method::WorkerDump, &"x".repeat(16 * 1024), request::Body::None);
    bytes.extend(packet(driver, number));
    bytes.extend(message(driver, number));
    (id, bytes)
}

fn packet(driver: &mut Driver, number: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    packet[2..4].copy_from_slice(&number.to_be_bytes());
    packet.resize(1200, 0);
    let send = producer::SendNotification { data: packet.into() };
    let send = notification::Body::ProducerSendNotification(Box::new(send));
    driver.told(Event::ProducerSend, "p", send)
}

fn message(driver: &mut Driver, number: u16) -> Vec<u8> {
    let send = data_producer::SendNotification {
        ppid: 53,
        data: number.to_be_bytes().to_vec().into(),
        subchannels: None,
        required_subchannel: None,
        ignored_subchannel: None,
    };
    let send = notification::Body::DataProducerSendNotification(Box::new(send));
    driver.told(Event::DataproducerSend, "dp", send)
}

/// Writes as much as the other side takes within the time that is set.
fn write(to: &mut UnixStream, bytes: &[u8]) -> usize {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match to.write(rest) {
            Ok(len) => written += len,
            Err(why) if why.kind() == ErrorKind::WouldBlock => break,
            Err(why) => panic!("{why}"),
        }
    }
    written
}

/// A producer and a data producer of a direct transport, and a consumer of each.
fn open_streams(driver: &mut Driver) {
    driver.router("r");
    driver.direct_transport("r", "t");
    let rtp_parameters = rtp_parameters(100, 7);
    let consumable = rtp_parameters.encodings.clone();
    let produce = transport::ProduceRequest {
        producer_id: "p".into(),
        kind: rtp::MediaKind::Audio,
        rtp_parameters: rtp_parameters.clone(),
        rtp_mapping: rtp::RtpMapping {
            codecs: vec![rtp::CodecMapping { payload_type: 100, mapped_payload_type: 100 }],
            encodings: vec![rtp::EncodingMapping { rid: None, ssrc: Some(7), mapped_ssrc: 7 }],
        },
        paused: false,
        key_frame_request_delay: 0,
        enable_mediasoup_packet_id_header_extension: false,
    };
    driver.done(Method::TransportProduce, "t", request::Body::TransportProduceRequest(Box::new(produce)));
    let consume = transport::ConsumeRequest {
        consumer_id: "c".into(),
        producer_id: "p".into(),
        kind: rtp::MediaKind::Audio,
        rtp_parameters,
        r#type: rtp::Type::Simple,
        consumable_rtp_encodings: consumable,
        paused: false,
        preferred_layers: None,
        ignore_dtx: false,
    };
    driver.done(Method::TransportConsume, "t", request::Body::TransportConsumeRequest(Box::new(consume)));
    let produce = transport::ProduceDataRequest {
        data_producer_id: "dp".into(),
        r#type: data_producer::Type::Direct,
        sctp_stream_parameters: None,
        label: None,
        protocol: None,
        paused: false,
    };
    let produce = request::Body::TransportProduceDataRequest(Box::new(produce));
    driver.done(Method::TransportProduceData, "t", produce);
    let consume = transport::ConsumeDataRequest {
        data_consumer_id: "dc".into(),
        data_producer_id: "dp".into(),
        r#type: data_consumer::Type::Direct,
        sctp_stream_parameters: None,
        label: None,
        protocol: None,
        paused: false,
        subchannels: None,
    };
    let consume = request::Body::TransportConsumeDataRequest(Box::new(consume));
    driver.done(Method::TransportConsumeData, "t", consume);
}

fn rtp_parameters(payload_type: u8, ssrc: u32) -> rtp::RtpParameters<'static> {
    rtp::RtpParameters {
        mid: None,
        codecs: vec![rtp::RtpCodecParameters {
            mime_type: "audio/opus".into(),
            payload_type,
            clock_rate: 48_000,
            channels: Some(2),
            parameters: None,
            rtcp_feedback: None,
        }],
        header_extensions: Vec::new(),
        encodings: vec![rtp::RtpEncodingParameters {
            ssrc: Some(ssrc),
            rid: None,
            codec_payload_type: None,
            rtx: None,
            dtx: false,
            scalability_mode: None,
            max_bitrate: None,
        }],
        rtcp: rtp::RtcpParameters { cname: Some("c".into()), reduced_size: true },
        msid: None,
    }
}

const ROUTERS: usize = 1000;
/// What is not taken by then may be what the worker will not take.
const TAKEN_WITHIN: Duration = Duration::from_millis(100);
/// For a machine that is slow. The worker reads below its limit, so this is never waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// From here on no request is read (docs/worker.md).
const STOP_READING_BYTES: usize = 16 * 1024 * 1024;
