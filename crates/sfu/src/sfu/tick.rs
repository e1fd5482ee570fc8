//! The packets that somebody is to get: the slot that holds the payload, and the header that its consumers share.
//!
//! A packet stands here once, however many consumers it has, until its last copy was sent or given up; only then its
//! slot is let go. So what waits for one transport holds nothing but itself; the number is bounded.

use streams::send::Origin;
use wire::rtp::values::AbsSendTime;
use wire::rtp::{HeaderPlan, Layout, PlanError};
use wire::{Mono, Ntp, PayloadType};

use crate::packet::Stamp;

/// See the module. `S` names a slot.
#[derive(Clone, Debug)]
pub(crate) struct Tick<S> {
    /// Kept when they are let go, because a plan is large and made for use again.
    packets: Vec<InFlight<S>>,
    vacant: Vec<u32>,
    /// Slots to be given back.
    spent: Vec<S>,
    moment: Moment,
}

/// When something leaves, and how packets say it. All that leaves in a tick leaves at the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Mono,
    pub(crate) abs_send_time: AbsSendTime,
}

/// One packet.
#[derive(Clone, Debug)]
pub(crate) struct InFlight<S> {
    pub(crate) slot: S,
    /// Copies that are neither sent nor given up.
    copies: u32,
    plain_len: usize,
    pub(crate) layout: Layout,
    pub(crate) plan: HeaderPlan,
    /// Which packet of its source it is.
    pub(crate) origin: Origin,
    pub(crate) captured: Ntp,
    pub(crate) payload_type: PayloadType,
    pub(crate) marker: bool,
}

/// Why a packet finds no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unplaced {
    /// There are [`PACKETS_LIMIT`].
    Full,
    /// Its header cannot be laid out.
    Oversized,
}

impl Moment {
    const fn at(now: Mono) -> Self {
        Self { now, abs_send_time: AbsSendTime::from_mono(now) }
    }
}

impl<S> InFlight<S> {
    /// Bytes of a copy before it is padded and sealed.
    #[inline]
    pub(crate) const fn plain_len(&self) -> usize {
        self.plain_len
    }
}

impl<S: Copy> Tick<S> {
    pub(super) const fn new() -> Self {
        Self { packets: Vec::new(), vacant: Vec::new(), spent: Vec::new(), moment: Moment::at(Mono::ZERO) }
    }

    /// That of now: found once for all that leaves.
    #[inline]
    pub(crate) fn moment(&mut self, now: Mono) -> Moment {
        if self.moment.now != now {
            self.moment = Moment::at(now);
        }
        self.moment
    }

    /// Whether no packet finds a place.
    pub(super) const fn is_full(&self) -> bool {
        self.vacant.is_empty() && self.packets.len() >= PACKETS_LIMIT
    }

    /// Whether what is sent again finds a place: half of them are for what is new.
    pub(super) const fn has_room_for_repeats(&self) -> bool {
        self.in_flight() < PACKETS_LIMIT / 2
    }

    /// Adds a packet whose header `lay_out` writes; returns its place, which nobody refers to yet.
    pub(super) fn add(
        &mut self,
        slot: S,
        stamp: &Stamp,
        lay_out: impl FnOnce(&mut HeaderPlan) -> Result<(), PlanError>,
    ) -> Result<u32, Unplaced> {
        let place = match self.vacant.last() {
            Some(place) => *place,
            None if self.packets.len() >= PACKETS_LIMIT => return Err(Unplaced::Full),
            None => {
                let place = u32::try_from(self.packets.len()).map_err(|_| Unplaced::Full)?;
                self.packets.push(InFlight {
                    slot,
                    copies: 0,
                    plain_len: 0,
                    layout: stamp.layout,
                    plan: HeaderPlan::new(),
                    origin: stamp.packet.origin(),
                    captured: stamp.packet.captured,
                    payload_type: stamp.packet.payload_type,
                    marker: stamp.packet.marker,
                });
                self.vacant.push(place);
                place
            }
        };
        let packet = self.packets.get_mut(place as usize).ok_or(Unplaced::Full)?;
        lay_out(&mut packet.plan).map_err(|PlanError::TooLong| Unplaced::Oversized)?;
        (packet.slot, packet.layout, packet.copies) = (slot, stamp.layout, 0);
        (packet.origin, packet.captured) = (stamp.packet.origin(), stamp.packet.captured);
        (packet.payload_type, packet.marker) = (stamp.packet.payload_type, stamp.packet.marker);
        packet.plain_len = packet.plan.header_len().saturating_add(stamp.layout.payload_len());
        self.vacant.pop();
        Ok(place)
    }

    /// Says how many copies were queued.
    pub(super) fn set_copies(&mut self, place: u32, copies: u32) {
        if let Some(packet) = self.packets.get_mut(place as usize) {
            packet.copies = copies;
        }
    }

    #[inline]
    pub(crate) fn packet(&self, place: u32) -> Option<&InFlight<S>> {
        self.packets.get(place as usize)
    }

    /// A copy was sent or given up.
    #[inline]
    pub(crate) fn drop_copy(&mut self, place: u32) {
        let Some(packet) = self.packets.get_mut(place as usize) else { return };
        packet.copies = packet.copies.saturating_sub(1);
        if packet.copies == 0 {
            self.spent.push(packet.slot);
            self.vacant.push(place);
        }
    }

    /// Takes a reference to be given back.
    pub(super) fn give_back(&mut self, slot: S) {
        self.spent.push(slot);
    }

    /// Slots that nobody refers to any more, each once.
    pub(super) fn spent(&mut self) -> impl Iterator<Item = S> {
        self.spent.drain(..)
    }

    /// Packets that are not let go.
    pub(super) const fn in_flight(&self) -> usize {
        self.packets.len().saturating_sub(self.vacant.len())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.in_flight() == 0 && self.spent.is_empty()
    }
}

/// Copies that wait for one transport's flush: as many as there are packets in a tick. More are dropped and counted.
pub(super) const QUEUE_LIMIT: usize = PACKETS_LIMIT;
/// Twice what a shard receives and is handed in a tick. More are dropped and counted.
pub(super) const PACKETS_LIMIT: usize = 4_096;
