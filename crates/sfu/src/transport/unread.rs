//! What the peer may not have read: the last packets that left over TCP, or found no way at all.
//!
//! A connection takes what its peer's kernel has room for, and what the peer has not read when it ends is lost with it. No
//! acknowledgement tells that: a browser that restarts ICE closes the connection before it has another, with packets of
//! the last milliseconds in it. So they are kept as they were sealed, and go once more when another tuple is selected,
//! before anything new. Who has read them drops them by SRTP's replay protection (RFC 3711 §3.3.2), and since they are the
//! very same bytes, no index has two byte strings.
//!
//! Bounded in time, bytes, packets and how often each goes. While there is a way by UDP nothing is kept: what is under way
//! there arrives, whichever tuple is selected next.

use core::time::Duration;
use std::collections::VecDeque;

use wire::Mono;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// The oldest first.
    packets: VecDeque<Kept>,
    /// All of them, one behind the other.
    bytes: VecDeque<u8>,
    /// Since when packets found no way.
    wayless_since: Option<Mono>,
}

/// One that is kept.
#[derive(Clone, Copy, Debug)]
struct Kept {
    written: Mono,
    len: usize,
    /// How often it may still go.
    goes: u8,
}

impl Unread {
    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// There is a way.
    pub(super) fn found_way(&mut self) {
        self.wayless_since = None;
    }

    /// Keeps the packets of a run that found no way, as long as there may be one in time.
    pub(super) fn keep_wayless(&mut self, now: Mono, run: &[u8], segment_size: usize) {
        let since = *self.wayless_since.get_or_insert(now);
        if since + USEFUL_FOR < now {
            *self = Self { wayless_since: Some(since), ..Self::default() };
        } else {
            self.keep(now, run, segment_size);
        }
    }

    /// Keeps the packets of a run, at the expense of the oldest.
    pub(super) fn keep(&mut self, now: Mono, run: &[u8], segment_size: usize) {
        self.forget_while(|oldest| oldest.written + KEPT_FOR < now);
        for packet in run.chunks(segment_size.max(1)) {
            let len = packet.len();
            while !self.is_empty() && !self.has_room(len) {
                self.forget_oldest();
            }
            self.make_room(len);
            self.bytes.extend(packet);
            self.packets.push_back(Kept { written: now, len, goes: GOES_AGAIN });
        }
    }

    /// Gives what is not too old to be of use to `send`, in the order in which it was written. It may go once more, if
    /// this way ends as well.
    pub(super) fn give(&mut self, now: Mono, send: &mut dyn FnMut(&[u8])) {
        self.forget_while(|oldest| oldest.written + USEFUL_FOR < now);
        let mut rest: &[u8] = self.bytes.make_contiguous();
        for kept in &mut self.packets {
            let (packet, behind) = rest.split_at_checked(kept.len).unwrap_or((rest, &[]));
            send(packet);
            rest = behind;
            kept.goes = kept.goes.saturating_sub(1);
        }
        self.forget_while(|oldest| oldest.goes == 0);
    }

    fn forget_while(&mut self, is_over: impl Fn(&Kept) -> bool) {
        while self.packets.front().is_some_and(&is_over) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(Kept { len, .. }) = self.packets.pop_front() {
            self.bytes.drain(..len.min(self.bytes.len()));
        }
    }

    fn has_room(&self, len: usize) -> bool {
        self.packets.len() < KEPT_PACKETS && self.bytes.len().saturating_add(len) <= KEPT_BYTES
    }

    /// Memory grows by doubling, and to the bound at most.
    fn make_room(&mut self, len: usize) {
        let needed = self.bytes.len().saturating_add(len);
        if needed > self.bytes.capacity() {
            let capacity = needed.max(self.bytes.capacity().saturating_mul(2)).min(KEPT_BYTES.max(needed));
            self.bytes.reserve_exact(capacity.saturating_sub(self.bytes.len()));
        }
    }
}

/// A page that is further behind has other troubles, and what is older is of no use to who plays it.
const KEPT_FOR: Duration = Duration::from_millis(500);
/// Half a second of 1 Mbit/s; of more, what was written last.
const KEPT_BYTES: usize = 64 * 1024;
/// What browsers' replay protection tells apart: who has a shorter memory drops what is older, unseen or not.
const KEPT_PACKETS: usize = 1_024;
/// How long a peer may be without a way. A browser has another within two round trips; later, a key frame helps more.
const USEFUL_FOR: Duration = Duration::from_secs(5);
/// A peer may select one of its connections, and another when it nominates. More would let one that goes to and fro have
/// the same bytes for each request.
const GOES_AGAIN: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn given(unread: &mut Unread, now: Mono) -> Vec<Vec<u8>> {
        let mut given = Vec::new();
        unread.give(now, &mut |packet| given.push(packet.to_vec()));
        given
    }

    #[test]
    fn the_last_half_second_comes_in_its_order_packet_by_packet() {
        let start = Mono::from_nanos(1_000_000_000);
        let mut unread = Unread::default();
        for tenth in 0..10_u8 {
            // Two of the same size, and a shorter one behind them.
            let run = [[tenth, 1], [tenth, 2]].concat().into_iter().chain([tenth]).collect::<Vec<_>>();
            unread.keep(start + Duration::from_millis(u64::from(tenth) * 100), &run, 2);
        }
        let last = start + Duration::from_millis(900);
        let expected: Vec<_> =
            (4..10).flat_map(|tenth| [vec![tenth, 1], vec![tenth, 2], vec![tenth]]).collect();
        assert_eq!(given(&mut unread, last), expected);
        assert_eq!(given(&mut unread, last + USEFUL_FOR), expected[15..], "what was written that long ago");
        assert!(unread.is_empty(), "and not a third time");
        unread.keep(last, &[1], 1);
        assert!(given(&mut unread, last + USEFUL_FOR + Duration::from_nanos(1)).is_empty());
    }

    #[test]
    fn who_stays_without_a_way_costs_nothing_in_the_end() {
        let start = Mono::from_nanos(1);
        let mut unread = Unread::default();
        unread.keep_wayless(start, &[1], 1);
        unread.keep_wayless(start + USEFUL_FOR, &[2], 1);
        assert!(!unread.is_empty());
        let late = start + USEFUL_FOR + Duration::from_nanos(1);
        unread.keep_wayless(late, &[3], 1);
        assert_eq!((unread.packets.capacity(), unread.bytes.capacity()), (0, 0));
        // The next time it loses its way is another.
        unread.found_way();
        unread.keep_wayless(late, &[4], 1);
        assert_eq!(given(&mut unread, late), [[4]]);
    }

    #[test]
    fn memory_is_bounded_whatever_is_written() {
        let now = Mono::from_nanos(1);
        let mut unread = Unread::default();
        let mut most = 0;
        for round in 0..2_000_usize {
            let len = 1 + (round * 7_919) % 9_000;
            let run = vec![u8::try_from(round % 251).unwrap(); len];
            unread.keep(now, &run, 1 + (round * 131) % 1_400);
            assert!(unread.bytes.len() <= KEPT_BYTES && unread.bytes.capacity() <= KEPT_BYTES, "{round}");
            assert!(unread.packets.len() <= KEPT_PACKETS, "{round}");
            assert_eq!(unread.packets.iter().map(|kept| kept.len).sum::<usize>(), unread.bytes.len());
            most = most.max(unread.bytes.len());
        }
        assert!(most > KEPT_BYTES - 1_500, "the bound is used: {most}");
        // The last ones, whole.
        unread.keep(now, &[9; 1_400], 1_400);
        assert_eq!(given(&mut unread, now).last(), Some(&vec![9; 1_400]));
    }
}
