//! What a transport counted, and where it stands.

use ice::Tuple;
use model::dump::RecvRtpHeaderExtensions;
use model::reply::{BoundSocket, Flow, TransportReport};
use model::stats::TransportCounters;
use model::transport::SctpState;
use streams::Rate;
use wire::Mono;
use wire::rtp::ExtensionId;

use super::webrtc::WebRtc;
use super::{Kind, Transport};
use crate::io::Local;

/// Why something that a transport was given went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// There is no such transport.
    UnknownTransport,
    /// Its first bytes are those of no protocol that the transport speaks: STUN and DTLS are for WebRTC, SCTP for nobody.
    Unsupported,
    /// The transport's peer is not known yet, or its keys are not.
    NotConnected,
    /// It did not come from the transport's peer, or came on the wrong socket.
    UnknownFlow,
    /// It is no RTP or RTCP packet.
    Malformed,
    /// It did not prove authentic under the peer's key.
    Unauthentic,
    /// It was received before, or comes too late to tell.
    Replayed,
    /// There is no slot for it, or none so large.
    NoSlot,
    /// No producer is meant by it.
    UnknownProducer,
    /// The producer has no stream for it, or does not believe it.
    NotOfProducer,
    /// It is a retransmission of nothing that is missing.
    Repair,
    /// Its producer is paused.
    Paused,
    /// Its epoch has ended.
    EndedEpoch,
    /// No consumer wants it.
    NoTaker,
    /// Its header extensions are too long to pass on.
    Oversized,
    /// Too many packets are in flight.
    TickFull,
    /// It is a request of ICE that was refused, or that there was no good answer to.
    RefusedByIce,
    /// It is STUN, and no request.
    Unanswered,
    /// It is of a DTLS handshake, and too much waits already.
    HandshakesFull,
}

/// How often each [`DropReason`] was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounters {
    counts: [u64; DropReason::COUNT],
}

impl DropReason {
    const COUNT: usize = 19;

    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::UnknownTransport,
        Self::Unsupported,
        Self::NotConnected,
        Self::UnknownFlow,
        Self::Malformed,
        Self::Unauthentic,
        Self::Replayed,
        Self::NoSlot,
        Self::UnknownProducer,
        Self::NotOfProducer,
        Self::Repair,
        Self::Paused,
        Self::EndedEpoch,
        Self::NoTaker,
        Self::Oversized,
        Self::TickFull,
        Self::RefusedByIce,
        Self::Unanswered,
        Self::HandshakesFull,
    ];
}

impl DropCounters {
    pub(crate) const fn new() -> Self {
        Self { counts: [0; DropReason::COUNT] }
    }

    #[inline]
    pub(crate) fn count(&mut self, reason: DropReason) {
        if let Some(count) = self.counts.get_mut(reason as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// How often that was the reason.
    pub fn of(&self, reason: DropReason) -> u64 {
        self.counts.get(reason as usize).copied().unwrap_or_default()
    }

    /// In all.
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Bytes that came and went. Windows are those of the protocol: a second for datagrams and for what goes again, 2.5 for
/// RTP.
///
/// Not here: what every packet changes that leaves, which is the transport's `sent` and its senders' `bytes`. The latter
/// also count what was written while there was no way to the peer, and goes once there is one.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) received: Rate<10>,
    pub(super) rtp_received: Rate,
    /// What came again.
    pub(super) rtx_received: Rate<10>,
    /// What was sent again.
    pub(super) rtx_sent: Rate<10>,
    pub(super) drops: DropCounters,
    /// What did not leave with this flush.
    pub(super) unsent: Unsent,
}

/// What did not leave with a flush that was to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unsent {
    /// Copies and RTCP that could not be written or sealed.
    pub(crate) unsealed: u64,
    /// Compound RTCP packets that found too many others waiting.
    pub(crate) rtcp_full: u64,
    /// Answers of ICE, and datagrams of DTLS, that found too many others waiting.
    pub(crate) answers_full: u64,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self {
            received: Rate::new(),
            rtp_received: Rate::new(),
            rtx_received: Rate::new(),
            rtx_sent: Rate::new(),
            drops: DropCounters::new(),
            unsent: Unsent { unsealed: 0, rtcp_full: 0, answers_full: 0 },
        }
    }
}

impl Transport {
    /// What was dropped on its way in.
    pub(crate) const fn drops(&self) -> &DropCounters {
        &self.counts.drops
    }

    /// Counts an RTP packet that was opened.
    #[inline]
    pub(crate) fn count_received(&mut self, now: Mono, len: usize, is_rtx: bool) {
        if is_rtx {
            self.counts.rtx_received.add(now, len);
        } else {
            self.counts.rtp_received.add(now, len);
        }
    }

    pub(crate) fn count_drop(&mut self, reason: DropReason) {
        self.counts.drops.count(reason);
    }

    /// What it counted so far.
    pub(crate) fn counters(&self, now: Mono) -> TransportCounters {
        let Counts { received, rtp_received, rtx_received, rtx_sent, .. } = &*self.counts;
        let (rtp_bytes_sent, rtp_send_bitrate) = self.senders.sent(now);
        let [incoming, outgoing, least] =
            self.setup.limits.map(|limit| Some(limit).filter(|limit| *limit > 0));
        let bandwidth = self.receiving.bandwidth();
        TransportCounters {
            timestamp: milliseconds(now),
            sctp_state: self.setup.has_sctp.then_some(SctpState::New),
            bytes_received: received.total(),
            recv_bitrate: received.bits_per_second(now),
            bytes_sent: self.sent.total(),
            send_bitrate: self.sent.bits_per_second(now),
            rtp_bytes_received: rtp_received.total(),
            rtp_recv_bitrate: rtp_received.bits_per_second(now),
            rtx_bytes_received: rtx_received.total(),
            rtx_recv_bitrate: rtx_received.bits_per_second(now),
            rtp_bytes_sent,
            rtp_send_bitrate,
            rtx_bytes_sent: rtx_sent.total(),
            rtx_send_bitrate: rtx_sent.bits_per_second(now),
            available_incoming_bitrate: bandwidth.map(|(available, _)| available),
            rtp_packet_loss_received: bandwidth.map(|(_, loss)| loss),
            max_incoming_bitrate: incoming,
            max_outgoing_bitrate: outgoing,
            min_outgoing_bitrate: least,
            ..TransportCounters::default()
        }
    }

    /// Where it stands.
    pub(crate) fn report(&self) -> TransportReport {
        let number = |id: Option<ExtensionId>| id.map(ExtensionId::value);
        TransportReport {
            flow: self.flow(),
            rtcp_flow: self.rtcp_flow(),
            ice_state: self.web_rtc().map(WebRtc::ice_state).unwrap_or_default(),
            dtls_state: self.web_rtc().map(WebRtc::dtls_state).unwrap_or_default(),
            dtls_role: self.web_rtc().map(WebRtc::dtls_role).unwrap_or_default(),
            sctp_state: self.setup.has_sctp.then_some(SctpState::New),
            recv_rtp_header_extensions: RecvRtpHeaderExtensions {
                mid: number(self.inside.receive_ids.mid),
                rid: number(self.inside.receive_ids.rid),
                rrid: number(self.inside.receive_ids.repaired_rid),
                abs_send_time: number(self.inside.receive_ids.abs_send_time),
                transport_wide_cc01: number(self.inside.receive_ids.transport_sequence),
            },
            ..TransportReport::default()
        }
    }

    /// The flow of RTP. A WebRTC transport has one once ICE selected it.
    pub(crate) fn flow(&self) -> Option<Flow> {
        let tuple = match self.web_rtc() {
            Some(web_rtc) => Some(web_rtc.selected()?),
            None => self.flows.rtp(),
        };
        let place = tuple.map_or(0, |tuple| tuple.local.place());
        let local = self.setup.bound.get(usize::from(place))?;
        Some(flow(*local, tuple))
    }

    /// The flow of RTCP, where that has a socket of its own.
    pub(crate) fn rtcp_flow(&self) -> Option<Flow> {
        let local = self.setup.bound.get(1).filter(|_| self.kind != Kind::WebRtc)?;
        Some(flow(*local, self.flows.rtcp()))
    }
}

fn flow(local: BoundSocket, tuple: Option<Tuple<Local>>) -> Flow {
    let remote = tuple.map(|Tuple { remote, .. }| (remote.ip().to_canonical(), remote.port()));
    Flow { local, remote }
}

/// Milliseconds of the monotonic clock, as stats carry it.
pub(crate) fn milliseconds(now: Mono) -> u64 {
    now.as_nanos() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_of_its_own() {
        let mut counters = DropCounters::new();
        for (times, reason) in (1..).zip(DropReason::ALL) {
            (0..times).for_each(|_| counters.count(reason));
        }
        assert!(DropReason::ALL.iter().zip(1..).all(|(reason, times)| counters.of(*reason) == times));
        assert_eq!(counters.total(), 190);
    }
}
