//! RTP packets as peers write and read them (RFC 3550 §5.1).

/// A packet in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtp<'a> {
    /// What is in it.
    pub payload_type: u8,
    /// Whether it ends a frame.
    pub marker: bool,
    /// Its number.
    pub sequence: u16,
    /// When it was captured, in ticks of its clock.
    pub timestamp: u32,
    /// Whose it is.
    pub ssrc: u32,
    /// What it carries, without padding.
    pub payload: &'a [u8],
}

impl<'a> Rtp<'a> {
    /// Reads a packet; nothing if it is none.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_first_chunk::<12>()?;
        let [flags, kind, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *header;
        if flags >> 6 != 2 {
            return None;
        }
        rest = rest.get(usize::from(flags & 0x0f) * 4..)?;
        if flags & 0x10 != 0 {
            // RFC 3550 §5.3.1: a profile's 16 bits, and how many words follow.
            let (extension, behind) = rest.split_first_chunk::<4>()?;
            let words = u16::from_be_bytes([extension[2], extension[3]]);
            rest = behind.get(usize::from(words) * 4..)?;
        }
        if flags & 0x20 != 0 {
            // RFC 3550 §5.1: the last byte counts the padding, itself included.
            let padding = usize::from(*rest.last()?);
            rest = rest.get(..rest.len().checked_sub(padding)?)?;
        }
        Some(Self {
            payload_type: kind & 0x7f,
            marker: kind & 0x80 != 0,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            payload: rest,
        })
    }

    /// The packet's bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(12 + self.payload.len());
        bytes.extend([0x80, self.payload_type | u8::from(self.marker) << 7]);
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(self.payload);
        bytes
    }

    /// What a retransmission repeats: the number of the original packet and its payload (RFC 4588 §4).
    #[must_use]
    pub fn original(&self) -> Option<(u16, &'a [u8])> {
        let (number, payload) = self.payload.split_first_chunk::<2>()?;
        Some((u16::from_be_bytes(*number), payload))
    }
}

/// Whether a datagram on a port that both share is RTCP (RFC 5761 §4).
#[must_use]
pub fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.get(1).is_some_and(|kind| (192..224).contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let rtp = Rtp {
            payload_type: 96,
            marker: true,
            sequence: 0x1234,
            timestamp: 7,
            ssrc: 0x0102_0304,
            payload: &[1, 2, 3],
        };
        assert_eq!(Rtp::read(&rtp.write()), Some(rtp));
    }

    #[test]
    fn csrcs_extensions_and_padding_are_not_payload() {
        let mut bytes = vec![0x80 | 0x20 | 0x10 | 1, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend([9; 4]);
        bytes.extend([0xbe, 0xde, 0, 1, 0x10, 0x30, 0, 0]);
        bytes.extend([5, 6, 0, 0, 3]);
        assert_eq!(Rtp::read(&bytes).map(|rtp| rtp.payload), Some(&[5, 6][..]));
        assert_eq!(Rtp::read(&bytes[..20]), None);
    }
}
