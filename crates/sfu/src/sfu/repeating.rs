//! What consumers' peers ask for again: a number of theirs, the packet of the source that it was, and the copy that
//! goes once more.
//!
//! A copy goes through its transport's queue like any other, so that it leaves in order and in runs. It takes no place
//! that something new needs.

use model::key::TransportKey;
use srtp::PacketIndex;
use wire::Mono;
use wire::rtcp::NackView;
use wire::rtp::View;

use super::Sfu;
use super::rtcp::Heard;
use super::tick::QUEUE_LIMIT;
use crate::io::{Io, Packets};
use crate::transport::{Going, Queued, SenderIndex, Transport};

/// What is asked for, and by whom.
#[derive(Clone, Copy, Debug)]
struct Asked {
    transport: TransportKey,
    sender: SenderIndex,
    sequence: u16,
}

impl<S: Copy> Sfu<S> {
    /// A consumer's peer misses packets (RFC 4585 §6.2.1), of which so many are looked at. How many were.
    pub(super) fn heard_nack<P>(
        &mut self,
        heard: Heard,
        (nack, most): (&NackView<'_>, usize),
        io: &mut Io<'_, P>,
    ) -> usize
    where
        P: Packets<Slot = S>,
    {
        let transport = heard.at;
        let Some(sender) = self.media_sender(transport, nack.media).filter(|_| most > 0) else { return 0 };
        let (mut numbers, mut repeated) = (0_usize, 0_u64);
        for sequence in nack.sequences().take(most) {
            numbers = numbers.saturating_add(1);
            let again = self.repeat(Asked { transport, sender, sequence }, io);
            repeated = repeated.saturating_add(u64::from(again.is_some()));
        }
        let sender = self.transports.get_mut(transport).and_then(|owner| owner.senders.get_mut(sender));
        if let Some(sender) = sender {
            sender.reception.repeats.hear_nack(numbers);
            let consumer = sender.consumer;
            self.trace_consumer_nack(consumer, io.out);
        }
        self.counters.repeated = self.counters.repeated.saturating_add(repeated);
        let refused = u64::try_from(numbers).unwrap_or(u64::MAX).saturating_sub(repeated);
        self.counters.not_repeated = self.counters.not_repeated.saturating_add(refused);
        if repeated > 0 {
            self.list(transport, io.out);
        }
        numbers
    }

    /// Queues a packet once more; nothing if it is gone, or may not go yet.
    fn repeat<P>(&mut self, asked: Asked, io: &mut Io<'_, P>) -> Option<()>
    where
        P: Packets<Slot = S>,
    {
        let Self { transports, sources, consumers, tick, stored, .. } = self;
        let owner = transports.get_mut(asked.transport)?;
        if owner.queue.len() >= QUEUE_LIMIT || !tick.has_room_for_repeats() {
            return None;
        }
        let sender = owner.senders.get(asked.sender)?;
        let entry = consumers.get(sender.consumer).filter(|entry| entry.consumer.is_active())?;
        let source = sources.get(entry.producer)?;
        let log = sender.log.as_ref()?;
        let sent = log.ask(io.now, sender.reception.round_trip(), asked.sequence).ok()?;
        let (slot, stamp) = stored.find(entry.producer, sent.origin())?;
        let going = if sender.has_rtx() { Going::Rtx } else { Going::Again(sent.written()) };
        let index = PacketIndex::new(log.index(asked.sequence)?)?;
        if !io.packets.retain(slot) {
            return None;
        }
        let view = io.packets.bytes(slot).and_then(|bytes| View::new(bytes, stamp.layout));
        let place = view
            .and_then(|view| tick.add(slot, &stamp, |plan| source.lay_out(&stamp.packet, &view, plan)).ok());
        let Some(packet) = place else {
            io.packets.release(slot);
            return None;
        };
        tick.set_copies(packet, 1);
        let (sender, timestamp) = (asked.sender, sent.timestamp);
        owner.queue.push(Queued { packet, sender, index, timestamp, going });
        owner.repeated(io.now, asked.sender, asked.sequence);
        Some(())
    }
}

impl Transport {
    /// A packet was queued to go again.
    fn repeated(&mut self, now: Mono, sender: SenderIndex, sequence: u16) {
        if let Some(sender) = self.senders.get_mut(sender)
            && let Some(log) = &mut sender.log
        {
            let first = log.repeat(now, sequence);
            sender.reception.repeats.repeat(first);
        }
    }
}
