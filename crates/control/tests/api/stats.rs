//! Statistics after a call with losses, retransmissions and reports: every field that such a call fills.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::*;
use model::rtp::{MediaKind, RtpParameters};
use model::stats::RtpStreamStats;
use model::transport::TransportTuple;
use serde_json::{Value, json};
use shardcast::api::ProducerOptions;

/// RTCP that came to a peer: type, and the packet.
fn rtcp(peer: &Peer) -> Vec<(u8, Vec<u8>)> {
    let (mut bytes, mut found) = ([0; 2048], Vec::new());
    peer.socket.set_nonblocking(true).unwrap();
    while let Ok(len) = peer.socket.recv(&mut bytes) {
        let mut rest = &bytes[..len];
        while (192..224).contains(&rest.get(1).copied().unwrap_or_default()) {
            let len = (4 * (usize::from(rest[2]) << 8 | usize::from(rest[3])) + 4).min(rest.len());
            found.push((rest[1], rest[..len].to_vec()));
            rest = &rest[len..];
        }
    }
    peer.socket.set_nonblocking(false).unwrap();
    found
}

/// An RTCP packet of that type, by the words behind its header.
fn control(count: u8, kind: u8, words: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0x80 | count, kind, 0, u8::try_from(words.len()).unwrap()];
    bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    bytes
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Names of fields that are 0 or absent of those that any stream has.
fn unfilled(stats: &RtpStreamStats, fields: &[&'static str]) -> BTreeSet<&'static str> {
    let stats = serde_json::to_value(stats).unwrap();
    let is_empty = |field: &&&str| match &stats[**field] {
        Value::Number(number) => number.as_f64() == Some(0.0),
        other => other.is_null(),
    };
    fields.iter().filter(is_empty).copied().collect()
}

#[test]
fn every_field_is_filled_by_a_call_that_gives_it_reason() {
    block_on(async {
        let sfu = sfu(2).await;
        let router = router(&sfu).await;
        let (source, sink) = (Peer::new(), Peer::new());
        let (ingress, egress) = (comedia(&router).await, towards(&router, &sink).await);
        let producer = ingress.produce(repaired()).await.unwrap();
        let consumer = consume(&egress, &producer).await;
        let (first, _) = source.open_way(&ingress.tuple(), &Rtp::new(96, 22, KEY_FRAME), &sink);
        let own = consumer.rtp_parameters().encodings[0].ssrc.unwrap().0;
        let (to, from) = (ingress.tuple(), egress.tuple());
        let mut call = Call { source, sink, to, from, own, packet: first, highest: 0 };
        let begun = Instant::now();
        // Reports come every second or so; how far a machine gets in a time is not looked at.
        let (inbound, outbound) = loop {
            (0..PACKETS_PER_LOOK).for_each(|_| call.go_on());
            let (inbound, outbound) =
                (producer.get_stats().await.unwrap(), consumer.get_stats().await.unwrap());
            let left = [&inbound, &outbound].map(|stats| unfilled(&stats[0], FIELDS));
            if left == [UNFILLED_INBOUND.into(), UNFILLED_OUTBOUND.into()] {
                break (inbound, outbound);
            }
            assert!(begun.elapsed() < LIMIT, "empty: {left:?} of {inbound:?}, {outbound:?}");
        };
        assert_eq!(inbound.len(), 1);
        assert_eq!(outbound.len(), 2, "its own, and that of its producer, which is on another shard");
        assert_eq!(outbound[1].counters.ssrc.0, 22);
        assert_eq!(sfu.close().await, []);
    });
}

/// A video with retransmissions.
fn repaired() -> ProducerOptions {
    let feedback = json!([{ "type": "nack" }, { "type": "nack", "parameter": "pli" }]);
    let parameters = json!({
        "codecs": [
            { "mimeType": "video/VP8", "clockRate": 90000, "payloadType": 96, "rtcpFeedback": feedback },
            { "mimeType": "video/rtx", "clockRate": 90000, "payloadType": 97, "parameters": { "apt": 96 } },
        ],
        "encodings": [{ "ssrc": 22, "rtx": { "ssrc": 23 } }],
        "rtcp": { "cname": "c" },
    });
    ProducerOptions::new(MediaKind::Video, RtpParameters::from_json(&parameters).unwrap())
}

/// Both peers of a call with losses.
struct Call {
    source: Peer,
    sink: Peer,
    /// The worker's ends.
    to: TransportTuple,
    from: TransportTuple,
    /// What the consumer sends under.
    own: u32,
    packet: Rtp,
    highest: u32,
}

impl Call {
    /// Sends a packet, if it is not lost, and answers what came meanwhile.
    fn go_on(&mut self) {
        let Self { source, to, packet, .. } = self;
        *packet = packet.next();
        // One in five is lost, and comes again half of the time.
        if packet.sequence % 5 != 0 {
            source.send(to, packet);
        } else if packet.sequence % 10 == 0 {
            let payload = [&packet.sequence.to_be_bytes()[..], &packet.payload].concat();
            source.send(to, &packet.next());
            thread::sleep(Duration::from_millis(30));
            source.send(to, &Rtp { payload_type: 97, ssrc: 23, payload, ..packet.clone() });
            *packet = packet.next();
        }
        thread::sleep(Duration::from_millis(5));
        self.answer();
    }

    fn answer(&mut self) {
        let Self { source, sink, to, from, own, highest, .. } = self;
        for (kind, report) in rtcp(source) {
            // RFC 3611 §4.4: when we were, in the middle of an NTP time, asked back by §4.5.
            if kind == 207 && report.get(8) == Some(&4) {
                let middle = word(&report, 12) << 16 | word(&report, 16) >> 16;
                let ssrc = word(&report, 4);
                source.send_bytes(to, &control(0, 207, &[22, 0x0500_0003, ssrc, middle, 1]));
                source.send_bytes(to, &control(0, 200, &[22, 1, 2, 3, 4, 5]));
            }
        }
        for (kind, report) in rtcp(sink) {
            if kind == 200 {
                let middle = word(&report, 8) << 16 | word(&report, 12) >> 16;
                let block = [7, *own, 0x0200_0003, *highest, 9, middle, 1];
                sink.send_bytes(from, &control(1, 201, &block));
                *highest += 100;
                sink.send_bytes(from, &control(1, 206, &[7, *own]));
                sink.send_bytes(from, &control(4, 206, &[7, 0, *own, *highest << 24]));
            }
        }
    }
}

/// Packets between two looks at the statistics.
const PACKETS_PER_LOOK: usize = 50;
/// What a stream has (but for what says which it is).
const FIELDS: &[&str] = &[
    "timestamp",
    "ssrc",
    "rtxSsrc",
    "packetsLost",
    "fractionLost",
    "jitter",
    "packetsDiscarded",
    "packetsRetransmitted",
    "packetsRepaired",
    "nackCount",
    "nackPacketCount",
    "pliCount",
    "firCount",
    "roundTripTime",
    "rtxPacketsDiscarded",
    "score",
    "packetCount",
    "byteCount",
    "bitrate",
];
/// Key frames are asked for as the codec says, by PLI; nothing of the call is beyond belief.
const UNFILLED_INBOUND: [&str; 3] = ["firCount", "packetsDiscarded", "rtxPacketsDiscarded"];
/// The receiver asks for no packet again, and what is sent is never discarded.
const UNFILLED_OUTBOUND: [&str; 6] = [
    "nackCount",
    "nackPacketCount",
    "packetsDiscarded",
    "packetsRepaired",
    "packetsRetransmitted",
    "rtxPacketsDiscarded",
];
