//! From the queue of a tick to runs of datagrams: order is kept, neighbours of equal size leave together, and sealing
//! is the last step, straight into the memory that is sent.
//!
//! A run is datagrams of one size, of which the last may be shorter. With levelling, video packets that are up to 16
//! bytes shorter than their neighbours are made equal by RTP padding (RFC 3550 §5.1), which sender reports do not count.

use ice::Tuple;
use model::key::ConsumerKey;
use srtp::{Plaintext, Sealer};
use streams::send::Written;
use wire::Mono;
use wire::rtp::padding::{self, LEVELLING_LIMIT};

use super::{Going, Kind, Listing, Queued, Sender, Srtp, Transport, Unsent};
use crate::io::{Depart, Departing, Local, MAX_RUN_BYTES, Packets};
use crate::sfu::{InFlight, Moment, Tick};

/// What a flush works with.
#[derive(Debug)]
pub(crate) struct Flushing<'a, P: Packets, D> {
    pub(crate) now: Mono,
    pub(crate) tick: &'a mut Tick<P::Slot>,
    pub(crate) packets: &'a P,
    pub(crate) depart: &'a mut D,
    pub(crate) levelling: bool,
}

/// What goes to the application.
#[derive(Debug)]
pub(crate) enum ForApplication {
    Rtp(ConsumerKey, Box<[u8]>),
    Rtcp(Box<[u8]>),
}

/// The next packets of the queue that can leave as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Run {
    /// How many.
    count: usize,
    /// Size of all but the last, sealed.
    segment_size: usize,
    /// The size of the shortest that is levelled.
    shortest: usize,
    /// Whether one of them cannot be padded.
    rigid: bool,
    /// Whether nothing can follow.
    ended: bool,
}

impl Transport {
    /// Sends everything that waits, and says what of it could not leave. What is for the application comes
    /// back through `direct`.
    pub(crate) fn flush<P: Packets, D: Depart>(
        &mut self,
        flushing: Flushing<'_, P, D>,
        direct: &mut dyn FnMut(ForApplication),
    ) -> Unsent {
        self.listing = Listing::Idle;
        let Flushing { now, tick, packets, depart, levelling } = flushing;
        let moment = tick.moment(now);
        let had_more = core::mem::take(&mut self.has_more);
        if had_more {
            if core::mem::take(&mut self.speaks) {
                self.speak(now, depart);
            }
            if !self.rtcp.is_empty() {
                self.flush_rtcp(now, depart, &mut |compound| direct(ForApplication::Rtcp(compound.into())));
            }
        }
        let mut queue = core::mem::take(&mut self.queue);
        let mut left = &*queue;
        while !left.is_empty() {
            let run = match self.kind {
                Kind::Direct => Run::ALONE,
                _ => self.measure(left, tick, levelling, depart.max_segments()),
            };
            let (these, rest) = left.split_at_checked(run.count.max(1)).unwrap_or((left, &[]));
            left = rest;
            let mut leaving = Leaving { moment, tick, packets, depart };
            match self.kind {
                Kind::Direct => self.give(these, &leaving, direct),
                _ => self.send(these, run, &mut leaving),
            }
            these.iter().for_each(|queued| tick.drop_copy(queued.packet));
        }
        queue.clear();
        self.queue = queue;
        // Set since where something could not be sealed.
        if had_more || self.has_more { core::mem::take(&mut self.counts.unsent) } else { Unsent::default() }
    }

    /// A flush is ahead: asks for what the transport points to.
    #[inline]
    pub(crate) fn approach<P: Packets>(&self, packets: &P) {
        packets.prefetch(self.queue.get(..self.queue.len().min(FIRST_OF_QUEUE)).unwrap_or_default());
        if let Some(place) = self.senders.first_place() {
            packets.prefetch_start(place, Sender::SENDING_BYTES);
        }
        if let Some(srtp) = &self.srtp {
            packets.prefetch_start(&**srtp, Srtp::SEALING_BYTES);
        }
    }

    /// It is the next: asks for what is kept of the first stream that is sent.
    #[inline]
    pub(crate) fn approach_streams<P: Packets>(&self, packets: &P) {
        let Some(first) = self.queue.first() else { return };
        let Some(sender) = self.senders.get(first.sender) else { return };
        let contexts = self.srtp.as_ref().and_then(|srtp| srtp.ready());
        if let (Some(handle), Some(contexts)) = (sender.handle, contexts)
            && let Some(memory) = contexts.sealer.memory_of(handle)
        {
            packets.prefetch_start(memory, Sealer::IN_ORDER_BYTES);
        }
        if let Some(log) = &sender.log {
            let records = self.queue.len().min(RECORDS);
            packets.prefetch(log.memory_ahead(first.index.value(), records));
        }
    }

    fn measure<S: Copy>(&self, queue: &[Queued], tick: &Tick<S>, levelling: bool, most: usize) -> Run {
        let mut run = Run::default();
        for queued in queue.iter().take(most.max(1)) {
            let Some(packet) = tick.packet(queued.packet) else { break };
            let extra_len = queued.going.extra_len();
            let size = packet.plain_len().saturating_add(extra_len).saturating_add(self.overhead());
            // What goes again as it was has the padding that it had.
            let paddable = levelling
                && !matches!(queued.going, Going::Again(_))
                && self.senders.get(queued.sender).is_some_and(|sender| sender.paddable);
            if !run.take(size, paddable) || run.ended {
                break;
            }
        }
        run
    }

    fn overhead(&self) -> usize {
        let contexts = self.srtp.as_ref().and_then(|srtp| srtp.ready());
        contexts.map_or(0, |contexts| contexts.sealer.rtp_overhead())
    }

    /// Without a way to the peer, what is written has its number and is known to all as sent; it is kept with what the peer
    /// may not have read of a connection, and goes when there is a way again.
    fn send<P: Packets, D: Depart>(&mut self, these: &[Queued], run: Run, leaving: &mut Leaving<'_, P, D>) {
        let Leaving { moment, tick, packets, depart } = leaving;
        let out = depart.reserve(run.segment_size.saturating_mul(these.len()));
        let (mut len, mut repeated_len, mut segment_size) = (0_usize, 0_usize, 0);
        let full = run.segment_size.saturating_sub(self.overhead());
        for (at, queued) in these.iter().enumerate() {
            let Some(packet) = tick.packet(queued.packet) else { continue };
            let is_last = at.saturating_add(1) == these.len();
            let plain_len = packet.plain_len().saturating_add(queued.going.extra_len());
            let padding = if is_last { 0 } else { full.saturating_sub(plain_len) };
            let Some(room) = out.get_mut(len..) else { break };
            let Some(bytes) = packets.bytes(packet.slot) else { continue };
            match self.write(*moment, queued, (packet, bytes, padding), room) {
                Some(sealed) => {
                    segment_size = segment_size.max(sealed);
                    len = len.saturating_add(sealed);
                    if queued.going != Going::First {
                        repeated_len = repeated_len.saturating_add(plain_len).saturating_add(padding);
                    }
                }
                None => {
                    self.counts.unsent.unsealed = self.counts.unsent.unsealed.saturating_add(1);
                    self.has_more = true;
                }
            }
        }
        let way = self.flows.rtp();
        if !matches!(way, Some(Tuple { local: Local::Socket { .. }, .. })) {
            self.keep_unread(moment.now, out.get(..len).unwrap_or_default(), segment_size);
        }
        if let Some(Tuple { local, remote: to }) = way.filter(|_| len > 0) {
            self.sent.add(moment.now, len);
            if repeated_len > 0 {
                self.counts.rtx_sent.add(moment.now, repeated_len);
            }
            depart.send(Departing { local, to, len, segment_size, is_answer: false });
        }
    }

    /// Writes one packet to the start of `out`, sealed if the transport does so. Its length.
    #[inline]
    fn write<S>(
        &mut self,
        moment: Moment,
        queued: &Queued,
        (packet, bytes, padding): (&InFlight<S>, &[u8], usize),
        out: &mut [u8],
    ) -> Option<usize> {
        let from = packet.layout.header_len();
        let payload = bytes.get(from..from.saturating_add(packet.layout.payload_len()))?;
        let source = Source { packet, payload, padding };
        match queued.going {
            Going::First => self.write_first(moment, queued, source, out),
            Going::Rtx => self.write_rtx(moment, queued, source, out),
            Going::Again(written) => {
                let source = Source { padding: usize::from(written.padding), ..source };
                self.write_again(queued, written, source, out)
            }
        }
    }

    #[inline]
    fn write_first<S>(
        &mut self,
        moment: Moment,
        queued: &Queued,
        source: Source<'_, S>,
        out: &mut [u8],
    ) -> Option<usize> {
        let Source { packet, payload, padding } = source;
        let sender = self.senders.get_mut(queued.sender)?;
        let header_len = packet.plan.stamp(&sender.stamp(queued, packet, padding > 0), out).ok()?;
        let placeholders = packet.plan.placeholders();
        placeholders.write_abs_send_time(out, moment.abs_send_time);
        let number = self.numbers.write(sender.is_numbered, placeholders, out);
        let text = Plaintext { header_len, payload, padding: padding::tail(padding).unwrap_or_default() };
        let len = match &mut self.srtp {
            None => write_plain(out, text)?,
            Some(srtp) => srtp.contexts()?.sealer.seal_rtp(sender.handle?, queued.index, out, text).ok()?,
        };
        let padding = u8::try_from(padding).unwrap_or(u8::MAX);
        let abs_send_time = moment.abs_send_time.to_bytes();
        sender.sent(
            moment.now,
            queued,
            packet,
            Written { transport_sequence: number, abs_send_time, padding },
        );
        Some(len)
    }

    fn give<P: Packets, D>(
        &mut self,
        these: &[Queued],
        leaving: &Leaving<'_, P, D>,
        direct: &mut dyn FnMut(ForApplication),
    ) {
        let Leaving { moment, tick, packets, .. } = leaving;
        for queued in these {
            let Some(packet) = tick.packet(queued.packet) else { continue };
            let Some(bytes) = packets.bytes(packet.slot) else { continue };
            let mut out = vec![0; packet.plain_len().saturating_add(queued.going.extra_len())];
            let written = self.write(*moment, queued, (packet, bytes, 0), &mut out);
            let sender = self.senders.get(queued.sender);
            if let (Some(len), Some(sender)) = (written, sender) {
                self.sent.add(moment.now, len);
                if queued.going != Going::First {
                    self.counts.rtx_sent.add(moment.now, len);
                }
                direct(ForApplication::Rtp(sender.consumer, out.into()));
            }
        }
    }
}

/// What sending a run works with.
struct Leaving<'a, P: Packets, D> {
    moment: Moment,
    tick: &'a Tick<P::Slot>,
    packets: &'a P,
    depart: &'a mut D,
}

/// What a copy is made of.
pub(super) struct Source<'a, S> {
    pub(super) packet: &'a InFlight<S>,
    pub(super) payload: &'a [u8],
    pub(super) padding: usize,
}

/// Puts payload and padding behind the header. The length of all.
#[inline]
pub(super) fn write_plain(out: &mut [u8], text: Plaintext<'_>) -> Option<usize> {
    let end = text.header_len.saturating_add(text.payload.len());
    out.get_mut(text.header_len..end)?.copy_from_slice(text.payload);
    let all = end.saturating_add(text.padding.len());
    out.get_mut(end..all)?.copy_from_slice(text.padding);
    Some(all)
}

impl Run {
    const ALONE: Self = Self { count: 1, segment_size: 0, shortest: 0, rigid: true, ended: true };

    /// Takes the next packet in, if it fits.
    fn take(&mut self, size: usize, paddable: bool) -> bool {
        let segment_size = self.segment_size.max(size);
        let fits = segment_size.saturating_mul(self.count.saturating_add(1)) <= MAX_RUN_BYTES;
        let shortest = if self.count == 0 { size } else { self.shortest.min(size) };
        let level = segment_size.saturating_sub(shortest) <= LEVELLING_LIMIT;
        if self.count > 0 {
            let grows = size > self.segment_size;
            if !fits || grows && (self.rigid || !level) {
                return false;
            }
            // What cannot be made equal can only be the last.
            self.ended = size < self.segment_size && !(paddable && level);
        }
        if !self.ended {
            (self.segment_size, self.shortest) = (segment_size, shortest);
            self.rigid |= !paddable;
        }
        self.count = self.count.saturating_add(1);
        true
    }
}

/// Records of the log that are asked for ahead: what fits a few lines.
const RECORDS: usize = 8;
/// Entries that are asked for ahead; those behind follow in order, which the core notices by itself.
const FIRST_OF_QUEUE: usize = 4;
