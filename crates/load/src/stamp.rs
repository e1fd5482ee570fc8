//! What each packet says of itself at the end of its payload, where nobody on the way changes anything.

use std::time::Duration;

/// Who sent a packet, the how-manyth of its stream it is, and when it left. The time is of the sender's process: only
/// who stamps can read a latency out of it, which is why publishers and subscribers share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Of one run: packets of another in the same room are no business of this one.
    pub(crate) run: u32,
    /// Of one published stream.
    pub(crate) stream: u32,
    /// Counts the packets of a stream from zero, without gaps and without wrapping.
    pub(crate) number: u64,
    /// Since the run began.
    pub(crate) sent_at: Duration,
    /// A key frame begins with this packet.
    pub(crate) begins_key_frame: bool,
}

impl Stamp {
    pub(crate) const LEN: usize = 32;

    /// To be put at the end of a payload.
    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let sent_at = u64::try_from(self.sent_at.as_nanos()).unwrap_or(u64::MAX);
        let fields = MAGIC
            .into_iter()
            .chain(self.run.to_be_bytes())
            .chain(self.stream.to_be_bytes())
            .chain([0, 0, 0, u8::from(self.begins_key_frame)])
            .chain(self.number.to_be_bytes())
            .chain(sent_at.to_be_bytes());
        bytes.iter_mut().zip(fields).for_each(|(byte, field)| *byte = field);
        bytes
    }

    /// From the end of a payload; nothing if that is not one of ours.
    pub(crate) fn of(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = payload.last_chunk()?;
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let (run, rest) = rest.split_first_chunk::<4>()?;
        let (stream, rest) = rest.split_first_chunk::<4>()?;
        let (flags, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let sent_at: &[u8; 8] = rest.first_chunk()?;
        let &[0, 0, 0, key @ (0 | 1)] = flags else { return None };
        (*magic == MAGIC).then(|| Self {
            run: u32::from_be_bytes(*run),
            stream: u32::from_be_bytes(*stream),
            number: u64::from_be_bytes(*number),
            sent_at: Duration::from_nanos(u64::from_be_bytes(*sent_at)),
            begins_key_frame: key == 1,
        })
    }
}

/// Unlikely at the end of anybody else's payload.
const MAGIC: [u8; 4] = *b"scLd";

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        run: 0x0102_0304,
        stream: 0xffff_fffe,
        number: 1 << 40,
        sent_at: Duration::from_nanos(123_456_789_012),
        begins_key_frame: true,
    };

    #[test]
    fn a_stamp_is_read_from_the_end_of_a_payload() {
        let mut payload = vec![0x55; 700];
        payload.extend(STAMP.to_bytes());
        assert_eq!(Stamp::of(&payload), Some(STAMP));
        let plain = Stamp { begins_key_frame: false, ..STAMP };
        assert_eq!(Stamp::of(&plain.to_bytes()), Some(plain));
    }

    #[test]
    fn other_payloads_have_none() {
        let bytes = STAMP.to_bytes();
        assert_eq!(Stamp::of(&bytes[1..]), None, "too short");
        assert_eq!(Stamp::of(&[0x55; 700]), None);
        assert_eq!(Stamp::of(&[]), None);
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert_eq!(Stamp::of(&longer), None, "not at the end");
        let mut altered = bytes;
        altered[14] = 1;
        assert_eq!(Stamp::of(&altered), None, "a flag that does not exist");
    }
}
