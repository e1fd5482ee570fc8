//! What `sfu` counted, for all of a shard's rooms.

use sfu::transport::DropReason;

use super::Rooms;
use crate::counters::Totals;

impl Rooms {
    /// Puts it among what the shard publishes: behind what those who were here before counted, for a counter that fell
    /// when they were gone would be taken for one that had turned.
    pub(super) fn put_counts(&self, totals: &mut Totals) {
        let (before, counters) = (&*self.before, self.sfu.counters());
        totals.forwarded = before.forwarded + counters.forwarded;
        totals.declined = before.declined + counters.declined;
        totals.dropped_queue_full = before.dropped_queue_full + counters.queue_full;
        totals.dropped_stale = before.dropped_stale + counters.stale;
        totals.dropped_unsealed = before.dropped_unsealed + counters.unsealed;
        totals.dropped_rtcp_full = before.dropped_rtcp_full + counters.rtcp_full;
        totals.dropped_answers_full = before.dropped_answers_full + counters.answers_full;
        totals.rtcp_received = before.rtcp_received + counters.rtcp_received;
        totals.repeated = before.repeated + counters.repeated;
        totals.not_repeated = before.not_repeated + counters.not_repeated;
        totals.missing = before.missing + counters.missing;
        totals.key_frames_asked = before.key_frames_asked + counters.key_frames_asked;
        totals.key_frames_wanted = before.key_frames_wanted + counters.key_frames_wanted;
        totals.handshakes = before.handshakes + counters.handshakes;
        totals.handshakes_failed = before.handshakes_failed + counters.handshakes_failed;
        totals.handshakes_put_off = before.handshakes_put_off + counters.handshakes_put_off;
        totals.ice_bad_request = before.ice_bad_request + counters.ice_bad_request;
        totals.ice_unauthenticated = before.ice_unauthenticated + counters.ice_unauthenticated;
        totals.ice_unknown_attribute = before.ice_unknown_attribute + counters.ice_unknown_attribute;
        totals.ice_role_conflict = before.ice_role_conflict + counters.ice_role_conflict;
        let drops = self.sfu.dropped();
        for reason in DropReason::ALL {
            *place(totals, reason) = place(&mut { *before }, reason).saturating_add(drops.of(reason));
        }
        // What there is now.
        totals.handshakes_half_open = self.sfu.half_open();
        totals.handshakes_waiting = self.sfu.handshakes_waiting() as u64;
        totals.facts_waiting = self.untold.len() as u64;
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
