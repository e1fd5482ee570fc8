//! A packet's way out, and the end of a tick.

use model::event::{ConsumerEvent, Event, TransportEvent};
use model::key::TransportKey;

use super::Sfu;
use crate::io::{Depart, Io, Output, Packets};
use crate::transport::{Flushing, ForApplication, Listing};

impl<S: Copy> Sfu<S> {
    /// Sends everything that waits in a transport: in runs through `depart`, or as events to the application.
    pub fn flush<P, D>(&mut self, key: TransportKey, depart: &mut D, io: &mut Io<'_, P>)
    where
        P: Packets<Slot = S>,
        D: Depart,
    {
        let Self { transports, tick, levelling, counters, .. } = self;
        if let Some(transport) = transports.get_mut(key) {
            let Io { now, packets, out } = io;
            let flushing = Flushing { now: *now, tick, packets: &**packets, depart, levelling: *levelling };
            let unsealed = transport.flush(flushing, &mut |said| {
                out.push(Output::Event(match said {
                    ForApplication::Rtp(consumer, packet) => {
                        Event::Consumer(consumer, ConsumerEvent::Rtp(packet))
                    }
                    ForApplication::Rtcp(compound) => Event::Transport(key, TransportEvent::Rtcp(compound)),
                }));
            });
            counters.unsealed = counters.unsealed.saturating_add(unsealed);
        }
        self.expect_report(key, io.now, io.out);
        self.tick.spent().for_each(|slot| io.packets.release(slot));
    }

    /// Ends a tick, after its flushes. What is not flushed for some ticks is given up, so that a transport that nobody
    /// flushes does not hold what all rooms need.
    pub fn end_tick<P>(&mut self, io: &mut Io<'_, P>)
    where
        P: Packets<Slot = S>,
    {
        self.now = io.now;
        self.drop_stale();
        self.now_tick = self.now_tick.wrapping_add(1);
        while let Some((key, listed)) = self.listed.front().copied() {
            let transport = self.transports.get_mut(key);
            let waits = transport.filter(|transport| transport.listing == Listing::Listed(listed));
            if let Some(transport) = waits {
                if self.now_tick.wrapping_sub(listed) <= PATIENCE_TICKS {
                    break;
                }
                let given_up = u64::try_from(transport.queue.len()).unwrap_or(u64::MAX);
                self.counters.stale = self.counters.stale.saturating_add(given_up);
                transport.give_up().for_each(|queued| self.tick.drop_copy(queued.packet));
            }
            self.listed.pop_front();
        }
        self.tick.spent().for_each(|slot| io.packets.release(slot));
        self.stored.expire(io.now, io.packets);
    }
}

/// A transport that is marked is flushed in the same tick, or in the next if thousands are. Who was not after eight was
/// forgotten.
const PATIENCE_TICKS: u32 = 8;
