//! SR (RFC 3550 §6.4.1).

use super::builder::count_of;
use super::list::write_all;
use super::packet::SENDER_REPORT;
use super::{List, Malformed, ReportBlock, WriteError, WritePacket};
use crate::bytes::Reader;
use crate::{Ntp, Ssrc, Writer};

/// What a sender says about its stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// Wall-clock time of the report.
    pub ntp: Ntp,
    /// The same moment on the stream's clock.
    pub rtp_timestamp: u32,
    /// Packets sent so far, modulo 2^32.
    pub packet_count: u32,
    /// Payload bytes sent so far, without headers and padding, modulo 2^32.
    pub octet_count: u32,
}

/// A sender report to write.
#[derive(Clone, Copy, Debug)]
pub struct SenderReport<'a> {
    /// The stream reported on, which is also the packet's sender.
    pub ssrc: Ssrc,
    /// What it says.
    pub info: SenderInfo,
    /// How its sender receives others; at most 31.
    pub reports: &'a [ReportBlock],
}

/// A sender report that was received. Profile-specific extensions behind the blocks are skipped.
#[derive(Clone, Copy, Debug)]
pub struct SenderReportView<'a> {
    /// The stream reported on.
    pub ssrc: Ssrc,
    /// What its sender says.
    pub info: SenderInfo,
    /// How the sender receives others.
    pub reports: List<'a, ReportBlock, 24>,
}

impl<'a> SenderReportView<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let head = (|| {
            let ssrc = Ssrc(reader.u32()?);
            let ntp = Ntp(reader.u64()?);
            let (rtp_timestamp, packet_count, octet_count) = (reader.u32()?, reader.u32()?, reader.u32()?);
            Some((ssrc, SenderInfo { ntp, rtp_timestamp, packet_count, octet_count }))
        })();
        let (ssrc, info) = head.ok_or(Malformed::Truncated)?;
        let (reports, _) = List::counted(reader.rest(), usize::from(count)).ok_or(Malformed::Truncated)?;
        Ok(Self { ssrc, info, reports })
    }
}

impl WritePacket for SenderReport<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        Ok((SENDER_REPORT, count_of(self.reports.len())?))
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        out.put_u32(self.ssrc.0)?;
        out.put_u64(self.info.ntp.0)?;
        out.put_u32(self.info.rtp_timestamp)?;
        out.put_u32(self.info.packet_count)?;
        out.put_u32(self.info.octet_count)?;
        Ok(write_all(out, self.reports)?)
    }
}
