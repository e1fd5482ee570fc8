//! RR (RFC 3550 §6.4.2).

use super::builder::count_of;
use super::list::write_all;
use super::packet::RECEIVER_REPORT;
use super::{List, Malformed, ReportBlock, WriteError, WritePacket};
use crate::bytes::Reader;
use crate::{Ssrc, Writer};

/// A receiver report to write.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverReport<'a> {
    /// The packet's sender.
    pub ssrc: Ssrc,
    /// How it receives others; at most 31.
    pub reports: &'a [ReportBlock],
}

/// A receiver report that was received. Profile-specific extensions behind the blocks are skipped.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverReportView<'a> {
    /// The packet's sender.
    pub ssrc: Ssrc,
    /// How it receives others.
    pub reports: List<'a, ReportBlock, 24>,
}

impl<'a> ReceiverReportView<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let ssrc = Ssrc(reader.u32().ok_or(Malformed::Truncated)?);
        let (reports, _) = List::counted(reader.rest(), usize::from(count)).ok_or(Malformed::Truncated)?;
        Ok(Self { ssrc, reports })
    }
}

impl WritePacket for ReceiverReport<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        Ok((RECEIVER_REPORT, count_of(self.reports.len())?))
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        out.put_u32(self.ssrc.0)?;
        Ok(write_all(out, self.reports)?)
    }
}
