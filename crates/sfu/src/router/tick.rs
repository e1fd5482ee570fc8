//! The packets of a tick that somebody is to get: the slot that holds the payload, and the header that its consumers
//! share.
//!
//! A packet stands here once, however many consumers it has, and all are given back together when the last queue is
//! empty. Queues that are left over for the next tick hold them until then; the number is bounded.

use wire::rtp::{HeaderPlan, Layout, PlanError};

/// See the module. `P` names a slot.
#[derive(Clone, Debug)]
pub(super) struct Tick<P> {
    /// Kept when they are given back, because a plan is large and made for use again.
    packets: Vec<InFlight<P>>,
    used: usize,
    /// Copies in queues.
    pub(super) queued: usize,
}

/// One packet.
#[derive(Clone, Debug)]
pub(super) struct InFlight<P> {
    pub(super) slot: P,
    pub(super) plan: HeaderPlan,
    pub(super) layout: Layout,
}

/// Why a packet finds no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// There are [`PACKETS_LIMIT`].
    Full,
    /// Its header cannot be laid out.
    Oversized,
}

impl<P: Copy> Tick<P> {
    pub(super) const fn new() -> Self {
        Self { packets: Vec::new(), used: 0, queued: 0 }
    }

    /// Adds a packet whose header `lay_out` writes; returns its place.
    pub(super) fn add(
        &mut self,
        slot: P,
        layout: Layout,
        lay_out: impl FnOnce(&mut HeaderPlan) -> Result<(), PlanError>,
    ) -> Result<usize, NoPlace> {
        if self.used >= PACKETS_LIMIT {
            return Err(NoPlace::Full);
        }
        if self.used == self.packets.len() {
            self.packets.push(InFlight { slot, plan: HeaderPlan::new(), layout });
        }
        let place = self.used;
        let packet = self.packets.get_mut(place).ok_or(NoPlace::Full)?;
        lay_out(&mut packet.plan).map_err(|PlanError::TooLong| NoPlace::Oversized)?;
        (packet.slot, packet.layout) = (slot, layout);
        self.used = self.used.saturating_add(1);
        Ok(place)
    }

    /// Takes back the packet that was added last.
    pub(super) const fn take_back(&mut self) {
        self.used = self.used.saturating_sub(1);
    }

    #[inline]
    pub(super) fn packet(&self, place: usize) -> Option<&InFlight<P>> {
        self.packets.get(place).filter(|_| place < self.used)
    }

    /// Gives back every slot if no queue refers to any.
    pub(super) fn finish(&mut self, released: &mut Vec<P>) {
        if self.queued == 0 {
            released.extend(self.packets.iter().take(self.used).map(|packet| packet.slot));
            self.used = 0;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.used == 0 && self.queued == 0
    }
}

/// Twice what a shard receives and is handed in a tick. More are dropped and counted.
pub(super) const PACKETS_LIMIT: usize = 4_096;
