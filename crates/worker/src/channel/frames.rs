//! Cutting the byte stream of file descriptor 3 into length-prefixed payloads.

use thiserror::Error;

use crate::flat::MAX_PAYLOAD_BYTES;

/// What a read asks for at least: many requests fit, and a socket buffer rarely holds more.
const READ_BYTES: usize = 64 * 1024;
/// Memory that is kept between bursts; a rare huge message does not stay resident.
const KEEP_BYTES: usize = 1024 * 1024;

/// Collects bytes and hands out whole payloads. Holds at most one payload of the longest length and one read.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// The peer announced a payload longer than any it may send: the stream is out of step and cannot be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a message of {announced} bytes was announced; {MAX_PAYLOAD_BYTES} is the most: the stream is out of step"
)]
pub struct FrameTooLong {
    /// The length that was announced.
    pub announced: u32,
}

impl Frames {
    /// Memory to read into; tell [`Frames::filled`] how much of it was.
    pub fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > KEEP_BYTES {
                self.bytes.truncate(KEEP_BYTES);
                self.bytes.shrink_to_fit();
            }
        }
        if self.bytes.len() < self.end + READ_BYTES && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let wanted = self.end + READ_BYTES;
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Counts the first `len` bytes of the last [`Frames::room`] as read.
    pub fn filled(&mut self, len: usize) {
        self.end = (self.end + len).min(self.bytes.len());
    }

    /// The next whole payload, without its prefix.
    ///
    /// # Errors
    /// When the next prefix announces more than any message may have.
    pub fn next_payload(&mut self) -> Result<Option<&[u8]>, FrameTooLong> {
        let pending = self.bytes.get(self.start..self.end).unwrap_or_default();
        let Some((prefix, rest)) = pending.split_first_chunk() else { return Ok(None) };
        let announced = u32::from_le_bytes(*prefix);
        let len = usize::try_from(announced).unwrap_or(usize::MAX);
        if len > MAX_PAYLOAD_BYTES {
            return Err(FrameTooLong { announced });
        }
        if rest.len() < len {
            return Ok(None);
        }
        let at = self.start + prefix.len();
        self.start = at + len;
        Ok(self.bytes.get(at..self.start))
    }

    /// Whether the stream would end inside a message if it ended now.
    #[must_use]
    pub fn is_in_message(&self) -> bool {
        self.start != self.end
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `stream` in pieces of the given sizes and returns what comes out.
    fn cut(stream: &[u8], pieces: &[usize]) -> Vec<Vec<u8>> {
        let mut frames = Frames::default();
        let mut out = Vec::new();
        let mut rest = stream;
        let mut sizes = pieces.iter().copied().cycle();
        while !rest.is_empty() {
            let room = frames.room();
            let len = sizes.next().unwrap_or(1).clamp(1, room.len()).min(rest.len());
            room[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            frames.filled(len);
            while let Some(payload) = frames.next_payload().unwrap() {
                out.push(payload.to_vec());
            }
        }
        assert!(!frames.is_in_message());
        out
    }

    proptest! {
        #[test]
        fn payloads_come_out_whole_however_the_stream_is_cut(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            pieces in prop::collection::vec(1usize..500, 1..20),
        ) {
            let mut stream = Vec::new();
            for payload in &payloads {
                stream.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
                stream.extend(payload);
            }
            prop_assert_eq!(cut(&stream, &pieces), payloads);
        }
    }

    #[test]
    fn the_longest_message_passes_and_a_longer_one_is_an_error() {
        let mut stream = u32::try_from(MAX_PAYLOAD_BYTES).unwrap().to_le_bytes().to_vec();
        stream.resize(MAX_PAYLOAD_BYTES + 4, 7);
        assert_eq!(cut(&stream, &[1 << 20])[0].len(), MAX_PAYLOAD_BYTES);

        let announced = u32::try_from(MAX_PAYLOAD_BYTES).unwrap() + 1;
        let mut frames = Frames::default();
        frames.room()[..4].copy_from_slice(&announced.to_le_bytes());
        frames.filled(4);
        assert_eq!(frames.next_payload(), Err(FrameTooLong { announced }));
    }

    #[test]
    fn an_end_inside_a_message_shows() {
        let mut frames = Frames::default();
        frames.room()[..6].copy_from_slice(&[3, 0, 0, 0, 1, 2]);
        frames.filled(6);
        assert_eq!(frames.next_payload(), Ok(None));
        assert!(frames.is_in_message());
    }
}
