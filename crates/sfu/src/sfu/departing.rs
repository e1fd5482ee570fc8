//! A packet's way out, and the end of a tick.

use core::time::Duration;

use model::event::{ConsumerEvent, Event, TransportEvent};
use model::key::TransportKey;
use wire::Mono;

use super::Sfu;
use crate::io::{Depart, Io, Output, Packets};
use crate::transport::{Flushing, ForApplication, Listing, Transport};

impl<S: Copy> Sfu<S> {
    /// Sends everything that waits in a transport: in runs through `depart`, or as events to the application.
    pub fn flush<P, D>(&mut self, key: TransportKey, depart: &mut D, io: &mut Io<'_, P>)
    where
        P: Packets<Slot = S>,
        D: Depart,
    {
        let Self { transports, tick, levelling, counters, waiting, .. } = self;
        if let Some(transport) = transports.get_mut(key) {
            *waiting = waiting.saturating_sub(transport.waiting());
            let had_more = transport.has_more;
            let Io { now, packets, out } = io;
            let flushing = Flushing { now: *now, tick, packets: &**packets, depart, levelling: *levelling };
            let unsent = transport.flush(flushing, &mut |said| {
                out.push(Output::Event(match said {
                    ForApplication::Rtp(consumer, packet) => {
                        Event::Consumer(consumer, ConsumerEvent::Rtp(packet))
                    }
                    ForApplication::Rtcp(compound) => Event::Transport(key, TransportEvent::Rtcp(compound)),
                }));
            });
            counters.unsealed = counters.unsealed.saturating_add(unsent.unsealed);
            counters.rtcp_full = counters.rtcp_full.saturating_add(unsent.rtcp_full);
            counters.answers_full = counters.answers_full.saturating_add(unsent.answers_full);
            if had_more {
                self.expect_report(key, io.now, io.out);
            }
        }
        self.tick.spent().for_each(|slot| io.packets.release(slot));
    }

    /// A transport is so many flushes ahead: a hint, given for each from [`STEPS_AHEAD`] down to 1. What a flush needs
    /// of a transport lies in lines that the flushes of hundreds of others, and the kernel, have driven out of the
    /// cache since; each step asks for those that the step before has found the way to.
    #[inline]
    pub fn approach<P>(&self, key: TransportKey, steps: usize, packets: &P)
    where
        P: Packets<Slot = S>,
    {
        if steps == STEPS_AHEAD {
            if let Some(place) = self.transports.place(key) {
                packets.prefetch_start(place, Transport::FLUSH_BYTES);
            }
        } else if let Some(transport) = self.transports.get(key) {
            if steps > 1 { transport.approach(packets) } else { transport.approach_streams(packets) }
        }
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
        debug_assert_eq!(self.waiting > 0, self.listed.iter().any(|listed| self.waits(listed)));
        // As in most ticks. To look at each of hundreds would fetch them once more.
        if self.waiting == 0 {
            self.listed.clear();
        }
        while let Some((key, listed)) = self.listed.front().copied() {
            let transport = self.transports.get_mut(key);
            let waits = transport.filter(|transport| transport.listing == Listing::Listed(listed));
            if let Some(transport) = waits {
                if self.now_tick.wrapping_sub(listed) <= PATIENCE_TICKS {
                    break;
                }
                let given_up = u64::try_from(transport.queue.len()).unwrap_or(u64::MAX);
                self.counters.stale = self.counters.stale.saturating_add(given_up);
                self.waiting = self.waiting.saturating_sub(transport.waiting());
                transport.give_up().for_each(|queued| self.tick.drop_copy(queued.packet));
            }
            self.listed.pop_front();
        }
        self.tick.spent().for_each(|slot| io.packets.release(slot));
        self.stored.expire(io.now, io.packets);
    }

    fn waits(&self, (key, listed): &(TransportKey, u32)) -> bool {
        self.transports.get(*key).is_some_and(|transport| transport.listing == Listing::Listed(*listed))
    }

    /// By when a tick has to end, though nothing may happen until then: for packets that are kept, and are to be let go
    /// once nobody has a use for them. Not the moment that they are due: where something comes all the time, what comes
    /// ends ticks, and there is nothing to wake for.
    #[must_use]
    pub fn next_end(&self) -> Option<Mono> {
        let due = self.holding.next_due().into_iter().chain(self.stored.next_due()).min();
        due.map(|due| due + LEISURE)
    }
}

/// A transport that is marked is flushed in the same tick, or in the next if thousands are. Who was not after eight was
/// forgotten.
const PATIENCE_TICKS: u32 = 8;
/// How late what is kept may be let go.
const LEISURE: Duration = Duration::from_millis(500);
/// How many flushes ahead [`Sfu::approach`] begins: it takes three steps from a transport's key to its SRTP streams.
pub const STEPS_AHEAD: usize = 3;
