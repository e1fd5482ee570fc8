//! How long a receiver should hold frames (`http://www.webrtc.org/experiments/rtp-hdrext/playout-delay`).

use crate::bytes::{u24_bytes, u24_from};

/// Bounds for the receiver's playout delay, in units of 10 ms, 12 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlayoutDelay {
    minimum: u16,
    maximum: u16,
}

impl PlayoutDelay {
    /// From bounds in units of 10 ms; `None` when one needs more than 12 bits or they are in the wrong order.
    #[must_use]
    pub const fn new(minimum_centiseconds: u16, maximum_centiseconds: u16) -> Option<Self> {
        if minimum_centiseconds <= maximum_centiseconds && maximum_centiseconds <= LIMIT {
            Some(Self { minimum: minimum_centiseconds, maximum: maximum_centiseconds })
        } else {
            None
        }
    }

    /// The lower bound, in units of 10 ms.
    #[must_use]
    pub const fn minimum_centiseconds(self) -> u16 {
        self.minimum
    }

    /// The upper bound, in units of 10 ms.
    #[must_use]
    pub const fn maximum_centiseconds(self) -> u16 {
        self.maximum
    }

    /// Reads an element's value; `None` also when the bounds are in the wrong order.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let value = u24_from(<[u8; 3]>::try_from(data).ok()?);
        let bound = |bits: u32| u16::try_from(bits & u32::from(LIMIT)).ok();
        Self::new(bound(value >> 12)?, bound(value)?)
    }

    /// An element's value.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 3] {
        u24_bytes(u32::from(self.minimum) << 12 | u32::from(self.maximum))
    }
}

const LIMIT: u16 = 0x0fff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_come_back_and_nonsense_does_not() {
        let delay = PlayoutDelay::new(0x123, 0xabc).unwrap();
        assert_eq!(delay.to_bytes(), [0x12, 0x3a, 0xbc]);
        assert_eq!(PlayoutDelay::parse(&[0x12, 0x3a, 0xbc]), Some(delay));
        assert_eq!(PlayoutDelay::parse(&[0xff, 0xf0, 0x00]), None);
        assert_eq!(PlayoutDelay::parse(&[0, 0]), None);
        assert_eq!(PlayoutDelay::new(5, 4), None);
        assert_eq!(PlayoutDelay::new(5, 4096), None);
    }
}
