//! When a packet left its sender (`http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time`).

use crate::Mono;
use crate::bytes::{u24_bytes, u24_from};

/// Seconds modulo 64 in 6.18 fixed point: units of 2^-18 s, about 3.8 us. Only differences mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AbsSendTime(u32);

impl AbsSendTime {
    /// Bytes of the value.
    pub const LEN: usize = 3;

    /// The sender's clock, which may be any that runs at the right speed.
    #[must_use]
    pub const fn from_mono(now: Mono) -> Self {
        let seconds = (now.as_nanos() / NANOS_PER_SECOND) & 63;
        let fraction = ((now.as_nanos() % NANOS_PER_SECOND) << FRACTION_BITS) / NANOS_PER_SECOND;
        // 24 bits.
        let [.., a, b, c] = (seconds << FRACTION_BITS | fraction).to_be_bytes();
        Self(u24_from([a, b, c]))
    }

    /// Reads an element's value.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        <[u8; 3]>::try_from(data).ok().map(|bytes| Self(u24_from(bytes)))
    }

    /// An element's value.
    #[must_use]
    #[inline]
    pub const fn to_bytes(self) -> [u8; 3] {
        u24_bytes(self.0)
    }

    /// The 24 bits.
    #[must_use]
    pub const fn ticks(self) -> u32 {
        self.0
    }

    /// How much later than `earlier` this is, in microseconds, the short way round; negative when it is not.
    #[must_use]
    pub fn micros_since(self, earlier: Self) -> i64 {
        // Shifted to the top of 32 bits, 24-bit numbers wrap as 32-bit ones do.
        let ticks = i64::from((self.0.wrapping_sub(earlier.0) << 8).cast_signed() >> 8);
        ticks.saturating_mul(MICROS_PER_SECOND) >> FRACTION_BITS
    }
}

const FRACTION_BITS: u32 = 18;
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_fractions_are_where_they_belong() {
        let at = |nanos| AbsSendTime::from_mono(Mono::from_nanos(nanos));
        assert_eq!(at(0).ticks(), 0);
        assert_eq!(at(1_000_000_000).ticks(), 1 << 18);
        assert_eq!(at(1_500_000_000).to_bytes(), [0x06, 0, 0]);
        assert_eq!(at(64_000_000_000).ticks(), 0);
        assert_eq!(at(63_999_999_999).ticks(), (1 << 24) - 1);
        assert_eq!(AbsSendTime::parse(&[0x06, 0, 0]), Some(at(1_500_000_000)));
        assert_eq!(AbsSendTime::parse(&[0x06, 0]), None);
        let _ = at(u64::MAX);
    }

    #[test]
    fn differences_wrap_with_the_64_seconds() {
        let at = |millis: u64| AbsSendTime::from_mono(Mono::from_nanos(millis * 1_000_000));
        assert_eq!(at(64_250).micros_since(at(63_750)), 500_000);
        assert_eq!(at(63_750).micros_since(at(64_250)), -500_000);
        assert_eq!(at(10_000).micros_since(at(0)), 10_000_000);
    }
}
