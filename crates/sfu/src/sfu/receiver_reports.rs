//! Reports about what a transport receives: receiver reports (RFC 3550 §6.4.2) and questions for the round-trip time
//! (RRT, RFC 3611 §4.4) go out; sender reports and the answers (DLRR, §4.5) come in. And limits of its bandwidth (REMB).

use core::time::Duration;

use model::key::{ProducerKey, TransportKey};
use wire::rtcp::{ReceiverReport, Remb, ReportBlock, SenderReportView, Xr, XrBlock, XrBlockView, XrView};
use wire::{Mono, Ssrc};

use super::Sfu;
use super::rtcp::Heard;
use super::source::Origin;
use crate::io::Outputs;
use crate::producer;
use crate::transport::{Due, RtcpQueue};

/// The blocks of one compound.
struct Batch {
    blocks: [ReportBlock; BLOCKS_LIMIT],
    count: usize,
}

impl<S: Copy> Sfu<S> {
    /// The sender of a stream that we receive says where it is.
    pub(super) fn heard_sender_report(
        &mut self,
        heard: Heard,
        report: &SenderReportView<'_>,
        out: &mut Outputs<S>,
    ) {
        let arrived = self.ntp_at_zero.after(heard.received.since(Mono::ZERO));
        let Some(owner) = self.transports.get_mut(heard.at) else { return };
        let Some(key) = owner.inside.listener.known(report.ssrc) else { return };
        let Ok(producer) = self.local_mut(key) else { return };
        let Some(change) = producer.heard(heard.received, report.ssrc, &report.info) else { return };
        let producer::Heard::Media(has_new_score) = change else { return };
        // RFC 3550 §6.4.1: zero from a sender that has no clock.
        if report.info.ntp.0 != 0
            && let Some(owner) = self.transports.get_mut(heard.at)
        {
            owner.receiving.clock.heard(report.info.ntp, arrived);
        }
        self.trace_sender_report(key, report.ssrc, &report.info, out);
        if has_new_score && !self.rescored.contains(&key) {
            self.rescored.push(key);
        }
    }

    /// Tells how those do whose score changed with a compound, each once.
    pub(super) fn tell_rescored(&mut self, out: &mut Outputs<S>) {
        let mut rescored = core::mem::take(&mut self.rescored);
        rescored.drain(..).for_each(|key: ProducerKey| self.tell_scores(key, out));
        self.rescored = rescored;
    }

    /// Our question was answered.
    pub(super) fn heard_answers(&mut self, heard: Heard, xr: &XrView<'_>) {
        let now = self.ntp_at_zero.after(heard.received.since(Mono::ZERO));
        let Some(owner) = self.transports.get_mut(heard.at) else { return };
        let ours = owner.receiving.ssrc;
        for block in xr.blocks() {
            let XrBlockView::Dlrr(answers) = block else { continue };
            for answer in answers.iter().filter(|answer| answer.ssrc == ours) {
                let (last, delay) = (answer.last_receiver_report, answer.delay_since_last_receiver_report);
                owner.receiving.answered(now, last, delay);
            }
        }
    }

    /// Queues the reports about what is received. Whether there are any.
    pub(super) fn report_received(&mut self, at: TransportKey, now: Mono) -> bool {
        let reference = self.ntp_at_zero.after(now.since(Mono::ZERO));
        let Self { transports, sources, .. } = self;
        let Some(owner) = transports.get_mut(at).filter(|owner| owner.is_connected()) else { return false };
        let mut question = Some(XrBlock::ReceiverReferenceTime(reference));
        let mut batch = Batch::new();
        let (ssrc, queue) = (owner.receiving.ssrc, &mut owner.rtcp);
        let mut any = false;
        for key in &owner.inside.producers {
            let Some(source) = sources.get_mut(*key) else { continue };
            let worst = source.worst_loss(now);
            let Origin::Here { producer, .. } = &mut source.origin else { continue };
            producer.report(now, worst, &mut |block| {
                any = true;
                batch.push(block);
                if batch.count == BLOCKS_LIMIT {
                    batch.write(ssrc, question.take(), queue);
                }
            });
        }
        batch.write(ssrc, question, queue);
        any
    }

    /// Tells a sender how much it may send, where it is time for that.
    pub(super) fn tell_bandwidth(&mut self, at: TransportKey, now: Mono, out: &mut Outputs<S>) {
        let Some(owner) = self.transports.get_mut(at).filter(|owner| owner.is_connected()) else { return };
        if let Some(bits_per_second) = owner.receiving.poll_remb(now) {
            let (sender, streams) = (owner.receiving.ssrc, owner.receiving.remb_streams());
            owner.rtcp.compound(|out| out.push(&Remb { sender, bits_per_second, streams }));
            self.list(at, out);
        }
        self.expect_remb(at, now, out);
    }

    /// Something changed that may have to be told with a REMB.
    pub(super) fn expect_remb(&mut self, at: TransportKey, now: Mono, out: &mut Outputs<S>) {
        if let Some(owner) = self.transports.get_mut(at) {
            let next = owner.receiving.remb_at(now);
            owner.agenda.hasten(Due::Remb, next);
            self.rearm(at, out);
        }
    }

    /// What a transport's peer takes to answer.
    pub(super) fn round_trip_of(&self, key: ProducerKey) -> Option<Duration> {
        let Origin::Here { transport, .. } = &self.sources.get(key)?.origin else { return None };
        self.transports.get(*transport)?.receiving.round_trip
    }
}

impl Batch {
    fn new() -> Self {
        Self { blocks: [ReportBlock::default(); BLOCKS_LIMIT], count: 0 }
    }

    fn push(&mut self, block: ReportBlock) {
        if let Some(place) = self.blocks.get_mut(self.count) {
            *place = block;
            self.count = self.count.saturating_add(1);
        }
    }

    /// Queues what was pushed, and begins anew.
    fn write(&mut self, ssrc: Ssrc, question: Option<XrBlock<'_>>, queue: &mut RtcpQueue) {
        let reports = self.blocks.get(..self.count).unwrap_or_default();
        if !reports.is_empty() {
            queue.compound(|out| {
                out.push(&ReceiverReport { ssrc, reports })?;
                question.map_or(Ok(()), |question| out.push(&Xr { ssrc, blocks: &[question] }))
            });
        }
        self.count = 0;
    }
}

/// RFC 3550 §6.4.2: as many as the count of a report can say, 752 bytes.
const BLOCKS_LIMIT: usize = 31;
