//! Senders are told how much they may send: what their path takes, where they do not find out themselves, and never more
//! than the application allows.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::time::Duration;

use model::command::{BitrateLimit, ProducerOpen};
use model::rtp::{Parameters, RtcpFeedback, RtpHeaderExtensionParameters, RtpHeaderExtensionUri};
use support::parameters::{bound, connect, encoding, plain, producing};
use support::{Host, peer, producer, transport};
use wire::Mono;
use wire::rtcp::{Compound, Packet};
use wire::rtp::values::AbsSendTime;

/// How a sender learns what it may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    AbsSendTime,
    TransportWide,
    None,
}

struct Room {
    host: Host,
    method: Method,
    sequence: u16,
}

impl Room {
    fn new(method: Method) -> Self {
        let mut room = Self { host: Host::default(), method, sequence: 0 };
        room.host.sfu.open_transport(transport(0), &plain(), &bound()).unwrap();
        room
    }

    fn connect(&mut self) {
        self.host.sfu.connect(transport(0), &connect(1, None, None), &mut self.host.out).unwrap();
    }

    fn produce(&mut self) {
        self.host.sfu.produce(producer(0), &self.parameters()).unwrap();
    }

    fn parameters(&self) -> ProducerOpen {
        let mut open = producing(transport(0), &[encoding(5)]);
        let (uri, feedback) = match self.method {
            Method::AbsSendTime => (RtpHeaderExtensionUri::AbsSendTime, "goog-remb"),
            Method::TransportWide => (RtpHeaderExtensionUri::TransportWideCc, "transport-cc"),
            Method::None => return open,
        };
        let extension =
            RtpHeaderExtensionParameters { uri, id: 3, encrypt: false, parameters: Parameters::new() };
        open.rtp_parameters.header_extensions.push(extension);
        open.rtp_parameters.codecs[0].rtcp_feedback.push(RtcpFeedback::new(feedback, ""));
        open
    }

    fn limit(&mut self, bits_per_second: u64) {
        let Host { sfu, out, .. } = &mut self.host;
        sfu.set_bitrate(transport(0), BitrateLimit::MaxIncoming, bits_per_second, out).unwrap();
    }

    /// Lets the sender send 1000 kbit/s through a path that takes `path` of them for so long, or nothing at 0. What REMBs
    /// told it: milliseconds since the start, and the rate.
    fn play(&mut self, millis: u64, path: u64) -> Vec<(u64, u64)> {
        let begun = self.host.now;
        let mut told = Vec::new();
        for step in 0..millis / 10 {
            let sent = begun + Duration::from_millis(step * 10);
            // What the path does not take waits in it, and arrives later and later.
            let waited =
                Duration::from_micros(step * 10_000 * 1_000_u64.saturating_sub(path.max(1)) / path.max(1));
            self.host.elapse(if path == 0 { sent } else { sent + waited });
            if path > 0 {
                let packet = self.packet(sent);
                let _ = self.host.receive(transport(0), peer(1), &packet);
            }
            self.host.finish();
            told.extend(self.told().map(|rate| (self.host.now.as_nanos() / 1_000_000, rate)));
        }
        told
    }

    /// 1250 bytes.
    fn packet(&mut self, sent: Mono) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut packet = vec![0x90, 96];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend([0, 0, 0, 7, 0, 0, 0, 5, 0xbe, 0xde, 0, 1]);
        match self.method {
            Method::AbsSendTime => {
                packet.push(0x32);
                packet.extend(AbsSendTime::from_mono(sent).to_bytes());
            }
            _ => {
                packet.push(0x31);
                packet.extend(self.sequence.to_be_bytes());
                packet.push(0);
            }
        }
        packet.resize(1_250, 7);
        packet
    }

    /// The rates of the REMBs that left.
    fn told(&mut self) -> impl Iterator<Item = u64> + use<> {
        let rates: Vec<_> = self.host.left().iter().flat_map(|datagram| rates(datagram)).collect();
        rates.into_iter()
    }
}

fn rates(datagram: &[u8]) -> Vec<u64> {
    let Ok(compound) = Compound::parse(datagram) else { return Vec::new() };
    let rate = |packet| match packet {
        Ok(Packet::Remb(remb)) => {
            assert!(remb.streams.iter().any(|stream| stream.0 == 5), "it names the stream");
            Some(remb.bits_per_second)
        }
        _ => None,
    };
    compound.packets().filter_map(rate).collect()
}

#[test]
fn a_sender_with_abs_send_time_is_told_what_its_path_takes() {
    let mut room = Room::new(Method::AbsSendTime);
    room.connect();
    room.produce();
    let told = room.play(4_000, 1_000);
    assert!((3..=5).contains(&told.len()), "once a second: {told:?}");
    assert!(told.iter().all(|&(_, rate)| rate >= 1_000_000), "nothing is too much yet: {told:?}");

    let told = room.play(2_000, 500);
    let last = told.last().unwrap().1;
    assert!((300_000..=520_000).contains(&last), "half of it is what the path takes: {told:?}");
    assert!(told.windows(2).any(|pair| pair[1].0 - pair[0].0 < 900), "a fall is told at once: {told:?}");
}

#[test]
fn a_limit_holds_whatever_the_path_takes() {
    let mut room = Room::new(Method::AbsSendTime);
    room.connect();
    room.produce();
    room.play(2_000, 1_000);
    room.limit(300_000);
    let told = room.play(2_000, 1_000);
    assert!(told[0].0 <= 2_010 && told.iter().all(|&(_, rate)| rate.abs_diff(300_000) < 2), "{told:?}");
    room.limit(0);
    assert!(room.play(100, 1_000).iter().all(|&(_, rate)| rate >= 1_000_000));
}

#[test]
fn a_limit_is_told_beside_transport_wide_feedback_and_lifted_with_zeros() {
    let mut room = Room::new(Method::TransportWide);
    room.connect();
    room.produce();
    assert_eq!(room.play(1_000, 1_000), []);
    room.limit(400_000);
    let told = room.play(4_000, 1_000);
    assert_eq!(told.len(), 3, "every 1.5 s: {told:?}");
    assert!(told.iter().all(|&(_, rate)| rate.abs_diff(400_000) < 2));
    room.limit(0);
    let told: Vec<_> = room.play(9_000, 1_000).into_iter().map(|(_, rate)| rate).collect();
    assert_eq!(told, [0; 4]);
}

#[test]
fn a_limit_that_is_set_first_is_told_when_there_is_somebody_to_tell() {
    for method in [Method::AbsSendTime, Method::TransportWide] {
        let mut room = Room::new(method);
        room.limit(400_000);
        assert_eq!(room.play(2_000, 0), []);
        room.produce();
        assert_eq!(room.play(2_000, 0), []);
        room.connect();
        let told = room.play(1_000, 1_000);
        assert!(told.first().is_some_and(|&(_, rate)| rate.abs_diff(400_000) < 2), "{method:?}: {told:?}");
    }
}

#[test]
fn who_negotiated_nothing_is_told_nothing() {
    let mut room = Room::new(Method::None);
    room.connect();
    room.produce();
    room.limit(400_000);
    assert_eq!(room.play(4_000, 1_000), []);
}
