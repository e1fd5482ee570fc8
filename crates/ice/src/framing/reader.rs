//! Packets out of a stream of bytes.

use super::HEADER_LEN;

/// Finds packets in whatever pieces a connection delivers.
///
/// A packet that arrived in one piece is handed out where it lies; only one that was cut is put together here. So a
/// connection without a cut packet costs no memory, and a peer that trickles costs at most the limit.
#[derive(Debug)]
pub struct Reader {
    limit: usize,
    /// A length and as much of the packet as has come.
    cut: Vec<u8>,
}

/// A packet longer than the limit. There is no finding the next one: the connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {len} bytes, and {limit} are the limit")]
pub struct TooLong {
    /// What the frame says.
    pub len: usize,
    /// What it may say.
    pub limit: usize,
}

impl Reader {
    /// A reader at the beginning of a connection that takes packets up to `limit` bytes. Before a peer has proved
    /// anything, that of a Binding request is enough.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit, cut: Vec::new() }
    }

    /// Changes the limit for the packets that begin from now on.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Bytes kept of a packet that has not come whole.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.cut.len()
    }

    /// Takes the next packet off the front of `bytes`, which is what was read from the connection. `None` when there is
    /// no whole one any more; then `bytes` is empty and its rest kept for the next read.
    ///
    /// # Errors
    /// [`TooLong`]; every later call fails as well.
    pub fn next<'s, 'b: 's>(&'s mut self, bytes: &mut &'b [u8]) -> Result<Option<&'s [u8]>, TooLong> {
        // What was put together was handed out by the call before.
        if self.whole() == Some(self.cut.len()) {
            self.cut.clear();
        }
        if self.cut.is_empty()
            && let Ok(Some(end)) = self.len_of(bytes)
            && let Some((frame, rest)) = bytes.split_at_checked(end)
        {
            *bytes = rest;
            return Ok(frame.get(HEADER_LEN..));
        }
        self.take(bytes, HEADER_LEN.saturating_sub(self.cut.len()));
        let Some(end) = self.len_of(&self.cut)? else { return Ok(None) };
        let missing = end.saturating_sub(self.cut.len());
        self.cut.reserve_exact(missing);
        self.take(bytes, missing);
        Ok(if self.cut.len() == end { self.cut.get(HEADER_LEN..) } else { None })
    }

    /// Where the packet that `bytes` begin with ends, if its length is there.
    fn len_of(&self, bytes: &[u8]) -> Result<Option<usize>, TooLong> {
        let Some(&length) = bytes.first_chunk::<HEADER_LEN>() else { return Ok(None) };
        let len = usize::from(u16::from_be_bytes(length));
        if len > self.limit {
            return Err(TooLong { len, limit: self.limit });
        }
        Ok(len.checked_add(HEADER_LEN))
    }

    /// The same of what is kept, whatever the limit is now.
    fn whole(&self) -> Option<usize> {
        let &length = self.cut.first_chunk::<HEADER_LEN>()?;
        usize::from(u16::from_be_bytes(length)).checked_add(HEADER_LEN)
    }

    fn take(&mut self, bytes: &mut &[u8], wanted: usize) {
        let (taken, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
        self.cut.extend_from_slice(taken);
        *bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All packets of a connection that delivers these pieces.
    fn packets(limit: usize, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut reader = Reader::new(limit);
        let mut packets = Vec::new();
        for &piece in pieces {
            let mut bytes = piece;
            while let Some(packet) = reader.next(&mut bytes)? {
                packets.push(packet.to_vec());
            }
            assert!(bytes.is_empty() && reader.kept() < limit + HEADER_LEN);
        }
        Ok(packets)
    }

    const STREAM: &[u8] = &[0, 3, b'a', b'b', b'c', 0, 0, 0, 1, b'd', 0, 2, b'e', b'f'];

    #[test]
    fn packets_come_out_however_the_stream_is_cut() {
        let expected: Vec<Vec<u8>> = ["abc", "", "d", "ef"].map(|packet| packet.as_bytes().to_vec()).into();
        assert_eq!(packets(3, &[STREAM]), Ok(expected.clone()));
        for first in 0..=STREAM.len() {
            for second in first..=STREAM.len() {
                let pieces = [&STREAM[..first], &STREAM[first..second], &STREAM[second..]];
                assert_eq!(packets(3, &pieces), Ok(expected.clone()), "cut at {first} and {second}");
            }
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(packets(3, &bytes), Ok(expected));
    }

    #[test]
    fn a_packet_over_the_limit_is_refused_before_it_is_kept() {
        let too_long = Err(TooLong { len: 3, limit: 2 });
        assert_eq!(packets(2, &[STREAM]), too_long);
        assert_eq!(packets(2, &[&STREAM[..1], &STREAM[1..]]), too_long);
        assert_eq!(packets(2, &[&STREAM[..2]]), too_long);
        let mut reader = Reader::new(2);
        assert!(reader.next(&mut &[0xff][..]).is_ok());
        assert!(reader.next(&mut &[0xff][..]).is_err());
        assert!(reader.next(&mut &[0, 1, 7][..]).is_err());
        let mut reader = Reader::new(2);
        assert!(reader.next(&mut &[0, 3][..]).is_err());
        assert!(reader.next(&mut &[0, 1, 7][..]).is_err());
    }

    #[test]
    fn whole_packets_cost_no_memory() {
        let mut reader = Reader::new(100);
        let mut bytes = STREAM;
        while reader.next(&mut bytes).unwrap().is_some() {}
        assert_eq!(reader.cut.capacity(), 0);
    }

    #[test]
    fn a_limit_that_was_lifted_lets_longer_packets_through() {
        let mut reader = Reader::new(1);
        assert_eq!(reader.next(&mut &[0, 1, 7][..]), Ok(Some(&[7][..])));
        reader.set_limit(2);
        assert_eq!(reader.next(&mut &[0, 2, 7, 8][..]), Ok(Some(&[7, 8][..])));
    }
}
