//! A producer whose sender is scripted, and one consumer, in virtual time: what comes, what leaves, and the timers.

use core::time::Duration;

use model::command::ProducerOpen;
use model::event::{ConsumerEvent, Event, ProducerEvent};
use model::key::TransportKey;
use model::rtp::{
    MimeType, Parameters, RtcpFeedback, RtpCodecParameters, RtpHeaderExtensionParameters, RtxParameters,
};
use model::stats::RtpStreamCounters;
use sfu::{Io, Output, Verdict};
use wire::rtcp::{
    Builder, Compound, Packet, ReportBlock, SenderInfo, SenderReport, WritePacket, XrBlockView,
};
use wire::rtp::View;
use wire::{Mono, Ntp, Ssrc};

use super::parameters::{bound, connect, consuming, plain};
use super::{Host, PAYLOAD, consumer, peer, producer, rtp, transport};

/// What a user or another shard is told of a producer's first stream that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Producer(u8),
    Consumer(u8, u8),
    Shard(u8),
}

pub(crate) fn scores(host: &Host) -> Vec<Told> {
    let told = host.out.others.iter().filter_map(|output| match output {
        Output::Event(Event::Producer(_, ProducerEvent::Score(scores))) => {
            Some(Told::Producer(scores[0].score))
        }
        Output::Event(Event::Consumer(_, ConsumerEvent::Score(score))) => {
            Some(Told::Consumer(score.score, score.producer_score))
        }
        Output::Scores { scores, .. } => Some(Told::Shard(scores[0])),
        _ => None,
    });
    told.collect()
}

/// A compound that left, and of which transport.
#[derive(Clone, Debug)]
pub(crate) struct Sent(pub(crate) Vec<u8>, pub(crate) TransportKey);

impl Sent {
    pub(crate) fn is_nack(&self) -> bool {
        Compound::parse(&self.0).unwrap().packets().any(|packet| matches!(packet, Ok(Packet::Nack(_))))
    }

    pub(crate) fn remb(&self) -> Option<(u64, Vec<u32>)> {
        Compound::parse(&self.0).unwrap().packets().find_map(|packet| match packet {
            Ok(Packet::Remb(remb)) => {
                Some((remb.bits_per_second, remb.streams.iter().map(|ssrc| ssrc.0).collect()))
            }
            _ => None,
        })
    }
}

pub(crate) fn nacks(compounds: &[Sent]) -> Vec<(u32, Vec<u16>)> {
    let mut found = Vec::new();
    for sent in compounds {
        for packet in Compound::parse(&sent.0).unwrap().packets() {
            if let Ok(Packet::Nack(nack)) = packet {
                found.push((nack.media.0, nack.sequences().collect()));
            }
        }
    }
    found
}

pub(crate) fn nacks_to(compounds: &[Sent], to: TransportKey) -> usize {
    compounds.iter().filter(|sent| sent.1 == to && sent.is_nack()).count()
}

pub(crate) fn reports(compounds: &[Sent]) -> Vec<ReportBlock> {
    let mut found = Vec::new();
    for sent in compounds {
        for packet in Compound::parse(&sent.0).unwrap().packets() {
            if let Ok(Packet::ReceiverReport(report)) = packet {
                found.extend(report.reports.iter());
            }
        }
    }
    found
}

pub(crate) fn question(compounds: &[Sent]) -> Option<(Ssrc, Ntp)> {
    for sent in compounds {
        for packet in Compound::parse(&sent.0).unwrap().packets() {
            if let Ok(Packet::Xr(xr)) = packet
                && let Some(XrBlockView::ReceiverReferenceTime(ntp)) = xr.blocks().next()
            {
                return Some((xr.ssrc, ntp));
            }
        }
    }
    None
}

/// A producer on a transport of its own and a consumer on another, with a timer for each.
pub(crate) struct Room {
    pub(crate) host: Host,
    timers: Vec<(TransportKey, Mono)>,
    first: Option<u16>,
}

impl Room {
    pub(crate) fn new(open: ProducerOpen) -> Self {
        let mut room = Self::of(open);
        room.host.sfu.open_transport(transport(1), &plain(), &bound()).unwrap();
        room.host.sfu.connect(transport(1), &connect(9, None, None), &mut room.host.out).unwrap();
        let open = consuming(transport(1), producer(0), 70);
        room.host.sfu.consume(consumer(1), &open, &mut room.host.out).unwrap();
        room
    }

    pub(crate) fn of(open: ProducerOpen) -> Self {
        let mut host = Host { now: Mono::ZERO + Duration::from_secs(100), ..Host::default() };
        host.sfu.open_transport(transport(0), &plain(), &bound()).unwrap();
        host.sfu.connect(transport(0), &connect(1, None, None), &mut host.out).unwrap();
        host.sfu.produce(producer(0), &open).unwrap();
        Self { host, timers: Vec::new(), first: None }
    }

    /// A packet comes. What the consumer gets: numbers, by those of the producer, and payloads.
    pub(crate) fn media(&mut self, ssrc: u32, sequence: u16) -> Vec<(u16, Vec<u8>)> {
        self.host.receive(transport(0), peer(1), &rtp(ssrc, sequence));
        self.copies(sequence)
    }

    /// A packet of the RTX stream comes.
    pub(crate) fn repair(&mut self, sequence: u16, original: u16) -> (Verdict, Vec<(u16, Vec<u8>)>) {
        let verdict = self.host.receive(transport(0), peer(1), &rtx(sequence, Some(original)));
        (verdict, self.copies(original))
    }

    pub(crate) fn copies(&mut self, sequence: u16) -> Vec<(u16, Vec<u8>)> {
        self.host.finish();
        let left = self.host.left();
        let copies = left.iter().filter_map(|datagram| View::parse(datagram).ok());
        let copies = copies.filter(|copy| copy.ssrc() == Ssrc(70));
        let copies: Vec<_> = copies.map(|copy| (copy.sequence(), copy.payload().to_vec())).collect();
        // The first packet fixes how far the two are apart.
        let Some((number, _)) = copies.first() else { return Vec::new() };
        let offset = *self.first.get_or_insert(number.wrapping_sub(sequence));
        copies.into_iter().map(|(number, payload)| (number.wrapping_sub(offset), payload)).collect()
    }

    pub(crate) fn hear(&mut self, packet: &dyn WritePacket) {
        self.hear_all(&[packet]);
    }

    pub(crate) fn hear_all(&mut self, packets: &[&dyn WritePacket]) {
        let verdict = self.host.receive(transport(0), peer(1), &bytes(packets));
        assert_eq!(verdict, Verdict::Taken);
    }

    /// Lets so many milliseconds pass, with every timer in time. The RTCP that left.
    pub(crate) fn pass(&mut self, ms: u64) -> Vec<Sent> {
        let until = self.host.now + Duration::from_millis(ms);
        let mut sent = Vec::new();
        loop {
            for output in &self.host.out.others {
                if let Output::Arm { transport, at } = output {
                    self.timers.retain(|(known, _)| known != transport);
                    self.timers.push((*transport, *at));
                }
            }
            self.host.out.others.retain(|output| !matches!(output, Output::Arm { .. }));
            self.timers.sort_by_key(|(_, at)| *at);
            let due = self.timers.first().copied().filter(|(_, at)| *at <= until);
            if let Some((key, at)) = due {
                self.timers.remove(0);
                let Host { sfu, memory, out, now, .. } = &mut self.host;
                *now = at.max(*now);
                sfu.timeout(key, &mut Io { now: *now, packets: memory, out });
            }
            let flushed = self.host.out.flushes.first().copied();
            self.host.finish();
            let left = self.host.left();
            let rtcp = left.into_iter().filter(|datagram| Compound::parse(datagram).is_ok());
            sent.extend(rtcp.map(|datagram| Sent(datagram, flushed.unwrap_or(transport(0)))));
            if due.is_none() {
                self.host.now = until;
                return sent;
            }
        }
    }

    pub(crate) fn stats(&self) -> RtpStreamCounters {
        self.host.sfu.producer_stats(producer(0), self.host.now).unwrap()[0].counters.clone()
    }
}

/// With NACK, and RTX under another payload type and SSRC.
pub(crate) fn repaired(open: &ProducerOpen) -> ProducerOpen {
    let mut open = open.clone();
    let media = &mut open.rtp_parameters.codecs[0];
    media.rtcp_feedback.push(RtcpFeedback::new("nack", ""));
    let mut parameters = Parameters::new();
    parameters.set("apt", i32::from(media.payload_type.number()));
    let rtx = RtpCodecParameters {
        mime_type: MimeType::new("video/rtx").unwrap(),
        payload_type: model::id::PayloadType::new(97).unwrap(),
        parameters,
        rtcp_feedback: Vec::new(),
        ..media.clone()
    };
    open.rtp_parameters.codecs.push(rtx);
    for encoding in &mut open.rtp_parameters.encodings {
        encoding.rtx = encoding.ssrc.map(|ssrc| RtxParameters { ssrc: model::id::Ssrc(ssrc.0 + RTX) });
    }
    open
}

/// With an extension and the feedback that goes with it.
pub(crate) fn estimated(open: &ProducerOpen, feedback: &str, uri: &str) -> ProducerOpen {
    let mut open = open.clone();
    open.rtp_parameters.codecs[0].rtcp_feedback.push(RtcpFeedback::new(feedback, ""));
    open.rtp_parameters.header_extensions.push(RtpHeaderExtensionParameters {
        uri: uri.into(),
        id: 6,
        encrypt: false,
        parameters: Parameters::new(),
    });
    open
}

pub(crate) fn rtx(sequence: u16, original: Option<u16>) -> Vec<u8> {
    rtx_of(5 + RTX, sequence, original)
}

pub(crate) fn rtx_of(ssrc: u32, sequence: u16, original: Option<u16>) -> Vec<u8> {
    let mut packet = vec![0x80, 97];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 9]);
    packet.extend(ssrc.to_be_bytes());
    if let Some(original) = original {
        packet.extend(original.to_be_bytes());
        packet.extend(PAYLOAD_OF_REPAIR);
    }
    packet
}

/// A packet with one header extension element.
pub(crate) fn extended(ssrc: u32, sequence: u16, id: u8, value: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x90, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 9]);
    packet.extend(ssrc.to_be_bytes());
    let mut element = vec![id << 4 | u8::try_from(value.len() - 1).unwrap()];
    element.extend(value);
    element.resize(4, 0);
    packet.extend([0xbe, 0xde, 0, 1]);
    packet.extend(element);
    packet.extend(PAYLOAD);
    packet
}

pub(crate) fn sender_report(ssrc: u32, ntp: Ntp, rtp_timestamp: u32) -> SenderReport<'static> {
    let info = SenderInfo { ntp, rtp_timestamp, ..SenderInfo::default() };
    SenderReport { ssrc: Ssrc(ssrc), info, reports: &[] }
}

pub(crate) fn bytes(packets: &[&dyn WritePacket]) -> Vec<u8> {
    let mut out = [0; 1_500];
    let mut builder = Builder::new(&mut out);
    packets.iter().for_each(|packet| builder.push(*packet).unwrap());
    builder.written().to_vec()
}

pub(crate) const RTX: u32 = 1_000;
pub(crate) const NTP_OF_SENDER: Ntp = Ntp(0x1234_5678_9abc_def0);
/// VP8 in which no key frame begins.
pub(crate) const PAYLOAD_OF_REPAIR: [u8; 6] = [0x10, 1, 2, 3, 4, 5];
pub(crate) const WIDE: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
pub(crate) const ABS: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
