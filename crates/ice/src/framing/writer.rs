//! Packets into a connection that takes them when it wants to.

use super::HEADER_LEN;

/// Keeps packets for a connection that is slow, up to a bound.
///
/// What was begun is finished: only whole packets are dropped, and only the newest. The caller writes
/// [`pending`](Self::pending) whenever the connection takes bytes and says by [`wrote`](Self::wrote) how many it took.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    /// How many of them the connection has taken.
    written: usize,
    limit: usize,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It will be sent.
    Kept,
    /// The peer reads too slowly; the packet is lost as on a full link, and video wants a key frame.
    Dropped,
}

impl Writer {
    /// A writer that keeps at most `limit` bytes, lengths included, and what is left of one packet that the connection
    /// took in part.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), written: 0, limit }
    }

    /// Adds a packet behind the others.
    pub fn push(&mut self, packet: &[u8]) -> Pushed {
        let Some(header) = header(packet.len()) else { return Pushed::Dropped };
        let len = HEADER_LEN.saturating_add(packet.len());
        if self.pending().len().saturating_add(len) > self.limit {
            return Pushed::Dropped;
        }
        self.append(&[&header, packet]);
        Pushed::Kept
    }

    /// Keeps the rest of a packet that the caller tried to write by itself, with its [`header`], while nothing was
    /// pending: the connection took `taken` bytes of both. One of which nothing was taken is as if pushed.
    pub fn push_rest(&mut self, packet: &[u8], taken: usize) -> Pushed {
        debug_assert!(self.is_empty(), "a packet in the middle of another");
        if taken == 0 {
            return self.push(packet);
        }
        let Some(header) = header(packet.len()) else { return Pushed::Dropped };
        let of_header = header.get(taken..).unwrap_or_default();
        let of_packet = packet.get(taken.saturating_sub(HEADER_LEN)..).unwrap_or_default();
        self.append(&[of_header, of_packet]);
        Pushed::Kept
    }

    /// What the connection has to take next.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Whether the connection has taken everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending().is_empty()
    }

    /// The connection took this many bytes of [`pending`](Self::pending).
    pub fn wrote(&mut self, count: usize) {
        self.written = self.written.saturating_add(count).min(self.bytes.len());
        if self.written == self.bytes.len() {
            self.written = 0;
            self.bytes.clear();
            // A connection that was slow once need not keep its memory for ever.
            self.bytes.shrink_to(KEPT_CAPACITY);
        }
    }

    fn append(&mut self, parts: &[&[u8]]) {
        // What was taken makes room when it is at least half: each byte moves once at most for each that is written.
        if self.written >= self.bytes.len() / 2 {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
    }
}

/// The length before a packet; `None` for one that no length can tell.
#[must_use]
pub fn header(packet_len: usize) -> Option<[u8; HEADER_LEN]> {
    u16::try_from(packet_len).ok().map(u16::to_be_bytes)
}

/// Ten packets: the rest of one burst.
const KEPT_CAPACITY: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Reader;
    use super::*;

    #[test]
    fn whole_packets_are_dropped_and_begun_ones_finished() {
        let mut writer = Writer::new(10);
        assert_eq!(writer.push(b"abc"), Pushed::Kept);
        assert_eq!(writer.push(b"def"), Pushed::Kept);
        assert_eq!(writer.push(b""), Pushed::Dropped);
        writer.wrote(3);
        assert_eq!(writer.pending(), [b'b', b'c', 0, 3, b'd', b'e', b'f']);
        assert_eq!(writer.push(b"gh"), Pushed::Dropped);
        assert_eq!(writer.push(b"g"), Pushed::Kept);
        assert_eq!(writer.pending(), [b'b', b'c', 0, 3, b'd', b'e', b'f', 0, 1, b'g']);
        writer.wrote(10);
        assert!(writer.is_empty());
    }

    #[test]
    fn a_packet_that_was_taken_in_part_is_finished_whatever_the_limit() {
        for taken in 1..=5 {
            let mut writer = Writer::new(0);
            assert_eq!(writer.push_rest(b"abc", taken), Pushed::Kept);
            assert_eq!(writer.pending(), &[0, 3, b'a', b'b', b'c'][taken..]);
        }
        assert_eq!(Writer::new(0).push_rest(b"abc", 0), Pushed::Dropped);
        assert_eq!(Writer::new(usize::MAX).push(&vec![0; 65_536]), Pushed::Dropped);
    }

    #[test]
    fn memory_goes_back_when_the_peer_has_caught_up() {
        let mut writer = Writer::new(1 << 20);
        while writer.push(&[7; 1_200]) == Pushed::Kept {}
        writer.wrote(usize::MAX);
        assert!(writer.is_empty() && writer.bytes.capacity() <= KEPT_CAPACITY);
    }

    proptest! {
        /// Whatever the connection takes and refuses: the other end reads exactly the packets that were kept.
        #[test]
        fn what_was_kept_arrives_whole(
            steps in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..50), 0usize..60), 1..200),
            limit in 0usize..200,
        ) {
            let mut writer = Writer::new(limit);
            let mut reader = Reader::new(65_535);
            let (mut kept, mut read) = (Vec::new(), Vec::new());
            let mut deliver = |writer: &mut Writer, count: usize| {
                let taken = writer.pending().len().min(count);
                let piece = writer.pending()[..taken].to_vec();
                writer.wrote(taken);
                let mut bytes = &piece[..];
                while let Some(packet) = reader.next(&mut bytes).unwrap() {
                    read.push(packet.to_vec());
                }
            };
            for (packet, count) in steps {
                if writer.push(&packet) == Pushed::Kept {
                    kept.push(packet);
                }
                prop_assert!(writer.pending().len() <= limit);
                deliver(&mut writer, count);
            }
            deliver(&mut writer, usize::MAX);
            prop_assert_eq!(read, kept);
        }
    }
}
