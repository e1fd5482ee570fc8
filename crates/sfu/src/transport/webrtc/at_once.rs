//! Datagrams that leave with the next flush as they are, each by a tuple of its own: answers of ICE, and DTLS.
//!
//! Bounded: whoever floods a transport with requests gets no more answers in a tick than there is room for here, and
//! DTLS finds room behind them.

use ice::Tuple;

use crate::io::Local;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct AtOnce {
    bytes: Vec<u8>,
    /// Where each goes, and where it ends.
    entries: Vec<(Tuple<Local>, usize)>,
    refused: u64,
}

impl AtOnce {
    /// Takes an answer of ICE; or drops it, and the peer will ask again.
    pub(super) fn answer(&mut self, to: Tuple<Local>, answer: &[u8]) {
        self.push(to, answer, ANSWERS_LIMIT);
    }

    /// Takes an answer to somebody who does not know the password. Whoever does is not to be kept from his by a crowd, and
    /// each answer costs more than what it answers.
    pub(super) fn refusal(&mut self, to: Tuple<Local>, answer: &[u8]) {
        self.push(to, answer, REFUSALS_LIMIT);
    }

    /// Takes a datagram of DTLS; or drops it, as a path may.
    pub(super) fn datagram(&mut self, to: Tuple<Local>, datagram: &[u8]) {
        self.push(to, datagram, LIMIT);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Datagrams that found no room since this was asked.
    pub(super) const fn take_refused(&mut self) -> u64 {
        core::mem::replace(&mut self.refused, 0)
    }

    /// Each that waits, in order.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = (Tuple<Local>, &[u8])> {
        let starts = core::iter::once(0).chain(self.entries.iter().map(|(_, end)| *end));
        starts.zip(&self.entries).filter_map(|(start, (to, end))| Some((*to, self.bytes.get(start..*end)?)))
    }

    /// Forgets them. The memory of a flight goes too: there are thousands of transports.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.bytes.shrink_to(KEPT);
        self.entries.shrink_to(1);
    }

    fn push(&mut self, to: Tuple<Local>, datagram: &[u8], limit: usize) {
        if self.entries.len() >= limit {
            self.refused = self.refused.saturating_add(1);
            return;
        }
        self.bytes.extend_from_slice(datagram);
        self.entries.push((to, self.bytes.len()));
    }
}

/// Answers in one flush. A browser checks each of a few tuples once in 50 ms at most.
const ANSWERS_LIMIT: usize = 32;
/// Answers in one flush, beyond which strangers get none: who has mistaken the transport, or was told of a restart
/// too late, asks again.
const REFUSALS_LIMIT: usize = 4;
/// With two flights of DTLS behind them, of which the longest seen has five datagrams.
const LIMIT: usize = 48;
/// Bytes of memory for the next answer.
const KEPT: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn to(port: u16) -> Tuple<Local> {
        Tuple { local: Local::RTP, remote: ([192, 0, 2, 1], port).into() }
    }

    #[test]
    fn a_flood_of_requests_leaves_room_for_dtls_and_one_of_strangers_for_the_peer() {
        let mut at_once = AtOnce::default();
        (0..1_000).for_each(|port| at_once.refusal(to(port), &[1; 60]));
        assert_eq!((at_once.datagrams().count(), at_once.take_refused()), (4, 996));
        (4..1_000).for_each(|port| at_once.answer(to(port), &[1; 60]));
        at_once.datagram(to(7), &[2; 1_350]);
        let ports = at_once.datagrams().map(|(to, bytes)| (to.remote.port(), bytes.len()));
        let expected = (0..32).map(|port| (port, 60)).chain([(7, 1_350)]);
        assert!(ports.eq(expected));
        assert_eq!(at_once.take_refused(), 968);
        at_once.clear();
        assert!(at_once.is_empty() && at_once.bytes.capacity() <= KEPT);
    }
}
