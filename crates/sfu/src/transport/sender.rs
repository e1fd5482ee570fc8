//! One stream that leaves: what was sent of it, what its receiver says, and what it takes to send it again.

use core::mem::offset_of;

use model::dump::RtpStreamParams;
use model::key::ConsumerKey;
use model::rtp::MediaKind;
use srtp::{PacketIndex, Reseal, StreamHandle};
use streams::Rate;
use streams::send::{Keeping, Reception, SentLog, Tally, Written};
use wire::rtp::{Mid, Stamp};
use wire::{Mono, Ntp, PayloadType, Ssrc};

use super::Queued;
use crate::sfu::InFlight;

/// See the module.
// What every packet touches comes first, together.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Sender {
    /// With SRTP, once there is a key.
    pub(crate) handle: Option<StreamHandle>,
    pub(crate) ssrc: Ssrc,
    /// The MID that its packets carry, if its consumer has one that fits.
    mid: Option<Mid>,
    /// Whether runs may be levelled with padding.
    pub(crate) paddable: bool,
    /// Whether its receiver knows of transport-wide sequence numbers.
    pub(crate) is_numbered: bool,
    pub(crate) bytes: Rate,
    pub(crate) tally: Tally,
    newest: Newest,
    /// What was sent, where its receiver may ask for it again.
    pub(crate) log: Option<SentLog>,
    pub(crate) consumer: ConsumerKey,
    /// Which of the consumer's streams.
    pub(crate) encoding: u8,
    pub(crate) kind: MediaKind,
    /// The stream that packets go again in. Without one that can be used they go again as they were.
    pub(crate) rtx: Option<Rtx>,
    pub(crate) reception: Box<Reception>,
    pub(crate) pli_count: u64,
    pub(crate) fir_count: u64,
}

/// The stream of a sender's retransmissions (RFC 4588).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rtx {
    pub(crate) ssrc: Ssrc,
    /// Nothing where none was negotiated.
    pub(super) payload_type: Option<PayloadType>,
    /// With SRTP, once something was sent.
    pub(super) handle: Option<StreamHandle>,
    /// Nothing once all are used.
    pub(super) next: Option<PacketIndex>,
}

/// The packet with the highest index that was sent: what sender reports go on from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newest {
    index: PacketIndex,
    pub(crate) timestamp: u32,
    pub(crate) captured: Ntp,
    /// When it was sent: [`Mono::NEVER`] if none was.
    pub(crate) at: Mono,
}

// With what a place has before it: two cache lines.
const _: () = assert!(8 + Sender::SENDING_BYTES <= 2 * 64);

impl Newest {
    const NONE: Self =
        Self { index: PacketIndex::from_parts(0, 0), timestamp: 0, captured: Ntp(0), at: Mono::NEVER };
}

impl Sender {
    /// Those at the beginning that a packet of it looks at.
    pub(super) const SENDING_BYTES: usize = offset_of!(Self, log).saturating_add(SentLog::HEAD_BYTES);

    /// A stream of a consumer. `start` says with which index the numbers of its retransmissions begin.
    pub(crate) fn new(
        consumer: ConsumerKey,
        (kind, encoding): (MediaKind, u8),
        (ssrc, rtx): (Ssrc, Option<Ssrc>),
        (mid, described): (Option<Mid>, Option<&RtpStreamParams>),
        start: &mut dyn FnMut(Ssrc) -> PacketIndex,
    ) -> Self {
        let keeping = match kind {
            MediaKind::Audio => Keeping::Audio,
            MediaKind::Video => Keeping::Video,
        };
        let payload_type = described.and_then(|described| described.rtx_payload_type);
        let rtx = rtx.map(|ssrc| Rtx {
            ssrc,
            payload_type: payload_type.map(|number| PayloadType::from_low_bits(number.number())),
            handle: None,
            next: Some(start(ssrc)),
        });
        Self {
            handle: None,
            mid,
            log: described.is_some_and(|described| described.use_nack).then(|| SentLog::new(keeping)),
            tally: Tally::default(),
            newest: Newest::NONE,
            bytes: Rate::new(),
            consumer,
            ssrc,
            encoding,
            kind,
            paddable: false,
            is_numbered: false,
            rtx,
            reception: Box::default(),
            pli_count: 0,
            fir_count: 0,
        }
    }

    /// What it takes from SRTP: who has no RTX sends again under the number of the first time.
    pub(super) const fn reseal(&self) -> Reseal {
        if self.log.is_some() && !self.has_rtx() { Reseal::Proven } else { Reseal::Never }
    }

    /// Whether packets go again in a stream of their own.
    pub(crate) const fn has_rtx(&self) -> bool {
        matches!(self.rtx, Some(Rtx { payload_type: Some(_), .. }))
    }

    /// The packet with the highest index that was sent, if one was.
    pub(crate) fn newest(&self) -> Option<&Newest> {
        Some(&self.newest).filter(|newest| newest.at != Mono::NEVER)
    }

    /// Its SSRCs.
    pub(super) fn ssrcs(&self) -> impl Iterator<Item = Ssrc> {
        core::iter::once(self.ssrc).chain(self.rtx.map(|rtx| rtx.ssrc))
    }

    /// Another encoding feeds it: how well it does has to show anew. Its score.
    pub(crate) fn reset_score(&mut self) -> u8 {
        self.reception.reset_score();
        self.reception.score()
    }

    /// The header of a copy, but for extensions.
    #[inline]
    pub(super) const fn stamp<S>(&self, queued: &Queued, packet: &InFlight<S>, padding: bool) -> Stamp {
        Stamp {
            payload_type: packet.payload_type,
            marker: packet.marker,
            sequence: queued.index.sequence(),
            timestamp: queued.timestamp,
            ssrc: self.ssrc,
            padding,
            mid: self.mid,
        }
    }

    /// Takes note of a packet that was written, and of what was written into it.
    #[inline]
    pub(super) fn sent<S>(&mut self, now: Mono, queued: &Queued, packet: &InFlight<S>, written: Written) {
        self.tally.send(packet.layout.payload_len());
        self.bytes.add(now, packet.plain_len().saturating_add(written.padding.into()));
        if self.newest.at == Mono::NEVER || self.newest.index < queued.index {
            let (timestamp, captured) = (queued.timestamp, packet.captured);
            self.newest = Newest { index: queued.index, timestamp, captured, at: now };
        }
        if let Some(log) = &mut self.log {
            log.record(now, (queued.index.value(), queued.timestamp), packet.origin, written);
        }
    }
}
