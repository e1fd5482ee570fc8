//! RTCP that waits for the flush: compound packets in the clear, one after another in one piece of memory.
//!
//! Composed whenever there is something to say, sealed when it leaves. Bounded: what finds no room is dropped and
//! counted, for whatever it said will be said again or is out of date.

use wire::rtcp::{Builder, WriteError};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct RtcpQueue {
    bytes: Vec<u8>,
    /// Where each compound ends.
    ends: Vec<usize>,
    refused: u64,
}

impl RtcpQueue {
    /// Appends what `write` puts into a compound of at most [`COMPOUND_LIMIT`] bytes. Whether there is room for it; one
    /// in which nothing is written is none.
    pub(crate) fn compound(
        &mut self,
        write: impl FnOnce(&mut Builder<'_>) -> Result<(), WriteError>,
    ) -> bool {
        let start = self.bytes.len();
        if self.ends.len() >= COMPOUNDS_LIMIT {
            self.refused = self.refused.saturating_add(1);
            return false;
        }
        self.bytes.resize(start.saturating_add(COMPOUND_LIMIT), 0);
        let mut builder = Builder::new(self.bytes.get_mut(start..).unwrap_or_default());
        let written = write(&mut builder).map(|()| builder.len()).unwrap_or_default();
        self.bytes.truncate(start.saturating_add(written));
        if written > 0 {
            self.ends.push(self.bytes.len());
        }
        written > 0
    }

    /// Makes room for one compound, so that the first that is due finds it.
    pub(crate) fn prepare(&mut self) {
        self.bytes.reserve(COMPOUND_LIMIT);
        self.ends.reserve(1);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Forgets what waits. The memory of a flood goes too: there are thousands of transports.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.bytes.shrink_to(KEPT);
    }

    /// Each compound that waits, in order.
    pub(crate) fn compounds(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.bytes.get(start..*end))
    }

    /// Compounds that found no room since this was asked.
    pub(crate) const fn take_refused(&mut self) -> u64 {
        core::mem::replace(&mut self.refused, 0)
    }
}

/// The longest compound: what is left of 1500 bytes after the headers of the protocols below and SRTCP's trailer, as in
/// the protocol.
pub(crate) const COMPOUND_LIMIT: usize = 1_292;
/// Compounds that wait for one flush. A transport says a few things a tick; many streams share compounds.
const COMPOUNDS_LIMIT: usize = 64;
/// Bytes of memory for the next flush.
const KEPT: usize = 4 * COMPOUND_LIMIT;

#[cfg(test)]
mod tests {
    use wire::Ssrc;
    use wire::rtcp::{Nack, Pli};

    use super::*;

    #[test]
    fn compounds_come_out_as_they_were_written() {
        let mut queue = RtcpQueue::default();
        let pli = |ssrc| Pli { sender: Ssrc(ssrc), media: Ssrc(ssrc) };
        assert!(queue.compound(|out| out.push(&pli(1)).and_then(|()| out.push(&pli(2)))));
        assert!(!queue.compound(|_| Ok(())), "nothing was said");
        assert!(!queue.compound(|out| {
            out.push(&pli(3))?;
            out.push(&Nack { sender: Ssrc(1), media: Ssrc(1), items: &[] })
        }));
        assert!(queue.compound(|out| out.push(&pli(4))));
        assert_eq!(queue.compounds().map(<[u8]>::len).collect::<Vec<_>>(), [24, 12]);
        queue.clear();
        assert!(queue.is_empty());
    }

    #[test]
    fn a_flood_is_refused_and_counted() {
        let mut queue = RtcpQueue::default();
        let pli = Pli { sender: Ssrc(1), media: Ssrc(1) };
        let taken = (0..100).filter(|_| queue.compound(|out| out.push(&pli))).count();
        assert_eq!((taken, queue.take_refused()), (COMPOUNDS_LIMIT, 36));
        queue.clear();
        let items = [wire::rtcp::NackItem::default(); 256];
        let nack = Nack { sender: Ssrc(1), media: Ssrc(1), items: &items };
        let taken = (0..100).filter(|_| queue.compound(|out| out.push(&nack))).count();
        assert!(taken == COMPOUNDS_LIMIT && queue.bytes.capacity() > 60_000);
        queue.clear();
        assert!(queue.bytes.capacity() <= KEPT);
    }
}
