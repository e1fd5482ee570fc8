//! Reports about the streams that a transport sends (SR and SDES, RFC 3550 §6.4.1 and §6.5), and the answers to those who
//! asked how far we are (DLRR, RFC 3611 §4.5).

use core::time::Duration;

use model::key::{ConsumerKey, TransportKey};
use wire::rtcp::{
    Builder, CNAME, DlrrReport, Sdes, SdesChunk, SdesItem, SenderInfo, SenderReport, WriteError, Xr, XrBlock,
};
use wire::{Mono, Ntp, Ssrc};

use super::{Consuming, Sfu};
use crate::slots::Slots;
use crate::transport::{COMPOUND_LIMIT, PEERS_LIMIT, Sender};

/// What is reported of one stream.
#[derive(Clone, Copy, Debug, Default)]
struct Report<'a> {
    ssrc: Ssrc,
    info: SenderInfo,
    cname: &'a [u8],
}

/// The reports of one compound.
struct Batch<'a> {
    reports: [Report<'a>; BATCH_LIMIT],
    count: usize,
    len: usize,
}

impl<S: Copy> Sfu<S> {
    /// Queues the reports about what is sent. Whether there are any.
    pub(super) fn report_sent(&mut self, key: TransportKey, now: Mono) -> bool {
        let wall_clock = self.wall_clock(now);
        let Self { transports, consumers, .. } = self;
        let Some(owner) = transports.get_mut(key).filter(|owner| owner.is_connected()) else { return false };
        // They go with the first compound.
        let (answers, mut count) = owner.asking.answers(now);
        let active = owner.senders.iter().filter_map(|sender| report(sender, consumers, (now, wall_clock)));
        let mut active = active.peekable();
        let mut any = false;
        while active.peek().is_some() {
            let mut batch = Batch::new();
            while let Some(report) = active.next_if(|report| batch.has_room(report)) {
                batch.push(report);
            }
            let answers = answers.get(..core::mem::take(&mut count)).unwrap_or_default();
            any |= owner.rtcp.compound(|out| batch.write(out, answers));
        }
        any
    }
}

/// What there is to report of a stream, if anything was sent lately.
fn report<'a>(
    sender: &Sender,
    consumers: &'a Slots<ConsumerKey, Consuming>,
    (now, wall_clock): (Mono, Ntp),
) -> Option<Report<'a>> {
    let newest = sender.newest().filter(|newest| now.since(newest.at) < ACTIVE)?;
    let consumer = &consumers.get(sender.consumer)?.consumer;
    let cname = consumer.described().get(usize::from(sender.encoding))?.cname.as_bytes();
    // RFC 3550 §6.4.1: the same moment on the stream's clock, which went on since the newest packet was captured.
    let elapsed = i128::from(wall_clock.units_since(newest.captured));
    let ticks = elapsed.saturating_mul(i128::from(consumer.clock_rate_hz())) >> 32;
    let info = SenderInfo {
        ntp: wall_clock,
        rtp_timestamp: newest.timestamp.wrapping_add(low(ticks.cast_unsigned())),
        packet_count: low(sender.tally.packets.into()),
        octet_count: low(sender.tally.octets.into()),
    };
    // RFC 3550 §6.5: at most 255 bytes.
    Some(Report { ssrc: sender.ssrc, info, cname: cname.get(..255).unwrap_or(cname) })
}

impl<'a> Batch<'a> {
    fn new() -> Self {
        Self { reports: [Report::default(); BATCH_LIMIT], count: 0, len: 0 }
    }

    fn has_room(&self, report: &Report<'_>) -> bool {
        self.count == 0 || self.count < BATCH_LIMIT && self.len.saturating_add(report.len()) <= REPORTS_LIMIT
    }

    fn push(&mut self, report: Report<'a>) {
        if let Some(place) = self.reports.get_mut(self.count) {
            *place = report;
            self.count = self.count.saturating_add(1);
            self.len = self.len.saturating_add(report.len());
        }
    }

    fn write(&self, out: &mut Builder<'_>, answers: &[DlrrReport]) -> Result<(), WriteError> {
        let reports = self.reports.get(..self.count).unwrap_or_default();
        for Report { ssrc, info, .. } in reports {
            out.push(&SenderReport { ssrc: *ssrc, info: *info, reports: &[] })?;
        }
        let items = self.reports.map(|report| [SdesItem { kind: CNAME, text: report.cname }]);
        let mut chunks = [SdesChunk { ssrc: Ssrc(0), items: &[] }; BATCH_LIMIT];
        for ((chunk, report), items) in chunks.iter_mut().zip(reports).zip(&items) {
            *chunk = SdesChunk { ssrc: report.ssrc, items };
        }
        out.push(&Sdes { chunks: chunks.get(..self.count).unwrap_or_default() })?;
        match reports.first() {
            Some(first) if !answers.is_empty() => {
                out.push(&Xr { ssrc: first.ssrc, blocks: &[XrBlock::Dlrr(answers)] })
            }
            _ => Ok(()),
        }
    }
}

impl Report<'_> {
    /// Bytes of its report, and of its chunk in the description: item header, text, a null byte and up to three more.
    const fn len(&self) -> usize {
        const SENDER_REPORT_LEN: usize = 28;
        const CHUNK_LEN: usize = 4 + 2 + 1 + 3;
        SENDER_REPORT_LEN.saturating_add(CHUNK_LEN).saturating_add(self.cname.len())
    }
}

/// The low 32 bits: these numbers wrap.
const fn low(value: u128) -> u32 {
    let [.., a, b, c, d] = value.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// A stream that is silent for longer is not reported, as in the protocol.
const ACTIVE: Duration = Duration::from_secs(2);
/// With the shortest names, more do not fit.
const BATCH_LIMIT: usize = 28;
/// What is left of a compound beside the header of the description and the answers with their headers.
const REPORTS_LIMIT: usize = COMPOUND_LIMIT - 4 - 12 - 12 * PEERS_LIMIT;
