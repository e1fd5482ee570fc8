//! What `sfu` counted, for all of a shard's rooms.

use sfu::transport::DropReason;

use super::Rooms;
use crate::counters::Totals;

impl Rooms {
    /// Puts it among what the shard publishes.
    pub(super) fn count(&self, totals: &mut Totals) {
        let counters = self.sfu.counters();
        totals.forwarded = counters.forwarded;
        totals.declined = counters.declined;
        totals.dropped_queue_full = counters.queue_full;
        totals.dropped_stale = counters.stale;
        totals.dropped_unsealed = counters.unsealed;
        totals.rtcp_received = counters.rtcp_received;
        totals.repeated = counters.repeated;
        totals.not_repeated = counters.not_repeated;
        totals.missing = counters.missing;
        totals.key_frames_asked = counters.key_frames_asked;
        totals.key_frames_wanted = counters.key_frames_wanted;
        totals.handshakes = counters.handshakes;
        totals.handshakes_failed = counters.handshakes_failed;
        totals.handshakes_put_off = counters.handshakes_put_off;
        totals.handshakes_half_open = self.sfu.half_open();
        totals.handshakes_waiting = self.sfu.handshakes_waiting() as u64;
        totals.ice_bad_request = counters.ice_bad_request;
        totals.ice_unauthenticated = counters.ice_unauthenticated;
        totals.ice_unknown_attribute = counters.ice_unknown_attribute;
        totals.ice_role_conflict = counters.ice_role_conflict;
        let drops = self.sfu.dropped();
        for reason in DropReason::ALL {
            *place(totals, reason) = drops.of(reason);
        }
    }
}

const fn place(totals: &mut Totals, reason: DropReason) -> &mut u64 {
    match reason {
        DropReason::UnknownTransport => &mut totals.dropped_unknown_transport,
        DropReason::Unsupported => &mut totals.dropped_unsupported,
        DropReason::NotConnected => &mut totals.dropped_not_connected,
        DropReason::UnknownFlow => &mut totals.dropped_unknown_flow,
        DropReason::Malformed => &mut totals.dropped_malformed,
        DropReason::Unauthentic => &mut totals.dropped_unauthentic,
        DropReason::Replayed => &mut totals.dropped_replayed,
        DropReason::NoSlot => &mut totals.dropped_no_slot,
        DropReason::UnknownProducer => &mut totals.dropped_unknown_producer,
        DropReason::NotOfProducer => &mut totals.dropped_not_of_producer,
        DropReason::Repair => &mut totals.dropped_repair,
        DropReason::Paused => &mut totals.dropped_paused,
        DropReason::EndedEpoch => &mut totals.dropped_ended_epoch,
        DropReason::NoTaker => &mut totals.dropped_no_taker,
        DropReason::Oversized => &mut totals.dropped_oversized,
        DropReason::TickFull => &mut totals.dropped_tick_full,
        DropReason::RefusedByIce => &mut totals.dropped_refused_by_ice,
        DropReason::Unanswered => &mut totals.dropped_unanswered,
        DropReason::HandshakesFull => &mut totals.dropped_handshakes_full,
    }
}
