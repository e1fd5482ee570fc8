//! REMB (draft-alvestrand-rmcat-remb-03 §2.2).

use super::list::write_all;
use super::packet::{APPLICATION_FORMAT, PAYLOAD_FEEDBACK};
use super::{List, Malformed, WriteError, WritePacket, feedback};
use crate::bytes::{Reader, u24_from};
use crate::{Ssrc, Writer};

/// An estimate to write.
#[derive(Clone, Copy, Debug)]
pub struct Remb<'a> {
    /// The packet's sender.
    pub sender: Ssrc,
    /// What all streams together may take. The format keeps 18 significant bits and rounds down.
    pub bits_per_second: u64,
    /// The streams; at most 255.
    pub streams: &'a [Ssrc],
}

/// An estimate that was received.
#[derive(Clone, Copy, Debug)]
pub struct RembView<'a> {
    /// The packet's sender.
    pub sender: Ssrc,
    /// What all streams together may take.
    pub bits_per_second: u64,
    /// The streams.
    pub streams: List<'a, Ssrc, 4>,
}

impl<'a> RembView<'a> {
    /// Whether an application layer feedback message calls itself REMB.
    pub(super) fn is_remb(body: &[u8]) -> bool {
        feedback::parse(body).is_ok_and(|(_, _, rest)| rest.first_chunk() == Some(NAME))
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let (sender, _, rest) = feedback::parse(body)?;
        let mut reader = Reader::new(rest);
        reader.take(NAME.len()).ok_or(Malformed::Truncated)?;
        let [count, rate @ ..] = reader.array::<4>().ok_or(Malformed::Truncated)?;
        let rate = u24_from(rate);
        let (exponent, mantissa) = (rate >> MANTISSA_BITS, u64::from(rate & MANTISSA_MASK));
        let bits_per_second = mantissa << exponent;
        // Six bits of exponent can shift the mantissa out of 64 bits: no rate that anybody means.
        if bits_per_second >> exponent != mantissa {
            return Err(Malformed::Content);
        }
        let (streams, rest) = List::counted(reader.rest(), usize::from(count)).ok_or(Malformed::Truncated)?;
        if rest.is_empty() { Ok(Self { sender, bits_per_second, streams }) } else { Err(Malformed::Content) }
    }
}

impl WritePacket for Remb<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        Ok((PAYLOAD_FEEDBACK, APPLICATION_FORMAT))
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        feedback::write(out, self.sender, Ssrc(0))?;
        out.put(NAME)?;
        let count = u8::try_from(self.streams.len()).map_err(|_| WriteError::TooMany)?;
        let significant = u64::BITS.saturating_sub(self.bits_per_second.leading_zeros());
        let exponent = significant.saturating_sub(MANTISSA_BITS);
        let mantissa = u32::try_from(self.bits_per_second >> exponent).map_err(|_| WriteError::TooMany)?;
        out.put_u32(u32::from(count) << 24 | exponent << MANTISSA_BITS | mantissa)?;
        Ok(write_all(out, self.streams)?)
    }
}

const NAME: &[u8; 4] = b"REMB";
const MANTISSA_BITS: u32 = 18;
const MANTISSA_MASK: u32 = (1 << MANTISSA_BITS) - 1;

#[cfg(test)]
mod tests {
    use super::super::{Builder, Compound, Packet};
    use super::*;

    fn through_the_wire(bits_per_second: u64) -> u64 {
        let mut out = [0; 64];
        let mut builder = Builder::new(&mut out);
        builder.push(&Remb { sender: Ssrc(1), bits_per_second, streams: &[Ssrc(2), Ssrc(3)] }).unwrap();
        match Compound::parse(builder.written()).unwrap().packets().next() {
            Some(Ok(Packet::Remb(view))) if view.streams.iter().eq([Ssrc(2), Ssrc(3)]) => {
                view.bits_per_second
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rates_keep_18_bits_and_are_rounded_down() {
        for exact in [0, 1, 262_143, 262_144, 8_927_168, 1 << 63, 0x3_ffff << 46] {
            assert_eq!(through_the_wire(exact), exact);
        }
        assert_eq!(through_the_wire(262_145), 262_144);
        assert_eq!(through_the_wire(u64::MAX), 0x3_ffff << 46);
    }

    #[test]
    fn a_rate_beyond_64_bits_is_malformed() {
        let mut body = [0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 0, 0xff, 0xff, 0xff];
        assert_eq!(RembView::parse(&body).err(), Some(Malformed::Content));
        body[13] = 46 << 2 | 3;
        assert!(RembView::parse(&body).is_ok());
        body[13] = 47 << 2 | 3;
        assert_eq!(RembView::parse(&body).err(), Some(Malformed::Content));
    }
}
