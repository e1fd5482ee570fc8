//! RTCP as peers and observers hear it: read by the crate `rtcp` of the webrtc-rs project, which shares nothing with
//! ours.

use bytes::Bytes;
use rtcp::extended_report::{DLRRReportBlock, ExtendedReport, ReceiverReferenceTimeReportBlock};
use rtcp::goodbye::Goodbye;
use rtcp::packet::Packet;
use rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtcp::receiver_report::ReceiverReport;
use rtcp::reception_report::ReceptionReport;
use rtcp::sender_report::SenderReport;
use rtcp::source_description::SourceDescription;
use rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;

use super::{Block, Report};

/// One thing that was said in a compound packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// What a sender says of itself.
    SenderReport(Report),
    /// A receiver report without blocks.
    EmptyReport,
    /// What a receiver says of a stream.
    Block {
        /// The receiver.
        from: u32,
        /// What it says.
        block: Block,
    },
    /// Who an SSRC is.
    Name(u32),
    /// That is missing.
    Nack {
        /// Of which stream.
        media: u32,
        /// Which numbers.
        missing: Vec<u16>,
    },
    /// That stream's picture is broken.
    Pli(u32),
    /// A key frame of that stream is wanted, for the request of that number.
    Fir(u32, u8),
    /// A receiver's reference time (RFC 3611 §4.4).
    ReferenceTime {
        /// Whose.
        from: u32,
        /// In NTP's format.
        ntp: u64,
    },
    /// An answer to such.
    DelaySinceReference,
    /// What the receiver takes the path to bear, in bits per second.
    Remb(u64),
    /// When packets arrived, transport-wide.
    Arrivals,
    /// Streams that end.
    Bye,
    /// Anything else.
    Other,
}

impl Heard {
    /// Reads a compound packet.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(compound: &[u8]) -> Result<Vec<Self>, String> {
        let mut bytes = Bytes::copy_from_slice(compound);
        let packets = rtcp::packet::unmarshal(&mut bytes).map_err(|error| error.to_string())?;
        let mut heard = Vec::new();
        packets.iter().for_each(|packet| take(packet.as_ref(), &mut heard));
        Ok(heard)
    }
}

fn take(packet: &(dyn Packet + Send + Sync), heard: &mut Vec<Heard>) {
    let packet = packet.as_any();
    if let Some(report) = packet.downcast_ref::<SenderReport>() {
        heard.push(Heard::SenderReport(Report {
            ssrc: report.ssrc,
            ntp: report.ntp_time,
            timestamp: report.rtp_time,
            packets: report.packet_count,
            octets: report.octet_count,
        }));
        heard.extend(report.reports.iter().map(|report_block| block(report.ssrc, report_block)));
    } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
        if report.reports.is_empty() {
            heard.push(Heard::EmptyReport);
        }
        heard.extend(report.reports.iter().map(|report_block| block(report.ssrc, report_block)));
    } else if let Some(description) = packet.downcast_ref::<SourceDescription>() {
        heard.extend(description.chunks.iter().map(|chunk| Heard::Name(chunk.source)));
    } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
        let missing = nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
        heard.push(Heard::Nack { media: nack.media_ssrc, missing });
    } else if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
        heard.push(Heard::Pli(pli.media_ssrc));
    } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
        heard.extend(fir.fir.iter().map(|item| Heard::Fir(item.ssrc, item.sequence_number)));
    } else if let Some(report) = packet.downcast_ref::<ExtendedReport>() {
        extended(report, heard);
    } else if let Some(remb) = packet.downcast_ref::<ReceiverEstimatedMaximumBitrate>() {
        heard.push(Heard::Remb(bits_per_second(remb.bitrate)));
    } else if packet.is::<TransportLayerCc>() {
        heard.push(Heard::Arrivals);
    } else if packet.is::<Goodbye>() {
        heard.push(Heard::Bye);
    } else {
        heard.push(Heard::Other);
    }
}

fn extended(report: &ExtendedReport, heard: &mut Vec<Heard>) {
    for said in &report.reports {
        let said = said.as_any();
        heard.push(if let Some(time) = said.downcast_ref::<ReceiverReferenceTimeReportBlock>() {
            Heard::ReferenceTime { from: report.sender_ssrc, ntp: time.ntp_timestamp }
        } else if said.is::<DLRRReportBlock>() {
            Heard::DelaySinceReference
        } else {
            Heard::Other
        });
    }
}

fn block(from: u32, said: &ReceptionReport) -> Heard {
    // RFC 3550 §6.4.1: 24 bits with a sign.
    let lost = i32::from_be_bytes((said.total_lost << 8).to_be_bytes()) >> 8;
    let block = Block {
        ssrc: said.ssrc,
        fraction_lost: said.fraction_lost,
        lost,
        highest: said.last_sequence_number,
        jitter: said.jitter,
        last_report: said.last_sender_report,
        since_last_report: said.delay,
    };
    Heard::Block { from, block }
}

/// The crate gives a float, which is exact up to 18 bits of mantissa.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and is never negative"
)]
const fn bits_per_second(bitrate: f32) -> u64 {
    bitrate as u64
}
