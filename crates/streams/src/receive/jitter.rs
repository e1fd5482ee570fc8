//! Interarrival jitter (RFC 3550 §6.4.1, appendix A.8), from the times at which the kernel received packets.

use wire::Mono;
use wire::seq::Serial;

/// The jitter of one stream.
#[derive(Clone, Debug)]
pub(super) struct Jitter {
    clock_rate: u64,
    at: Mono,
    timestamp: u32,
    /// In sixteenths of a timestamp unit, as the appendix keeps it.
    scaled: u64,
}

impl Jitter {
    /// Begins with the first packet.
    pub(super) fn starting_at(clock_rate: u32, at: Mono, timestamp: u32) -> Self {
        Self { clock_rate: u64::from(clock_rate), at, timestamp, scaled: 0 }
    }

    /// Takes a packet.
    #[inline]
    pub(super) fn take(&mut self, at: Mono, timestamp: u32) {
        // D(i, j) = (Rj - Ri) - (Sj - Si), with both differences short: no clock overflows.
        let nanos = at.as_nanos().abs_diff(self.at.as_nanos()).min(LONGEST_NANOS);
        let units = nanos.saturating_mul(self.clock_rate) / 1_000_000_000;
        let units = i64::try_from(units).unwrap_or(i64::MAX);
        let arrival = if at < self.at { units.saturating_neg() } else { units };
        let difference =
            arrival.saturating_sub(i64::from(timestamp.offset_from(self.timestamp))).unsigned_abs();
        (self.at, self.timestamp) = (at, timestamp);
        let faded = self.scaled.saturating_sub(self.scaled.saturating_add(8) >> 4);
        self.scaled = faded.saturating_add(difference);
    }

    /// Begins anew where a sender did: its timestamps are not those of before.
    pub(super) fn restart(&mut self, at: Mono, timestamp: u32) {
        (self.at, self.timestamp) = (at, timestamp);
    }

    /// In timestamp units.
    pub(super) fn units(&self) -> u32 {
        u32::try_from(self.scaled >> 4).unwrap_or(u32::MAX)
    }

    /// When the last packet came.
    pub(super) const fn at(&self) -> Mono {
        self.at
    }
}

/// A day; a product with any clock rate up to 200 kHz still has its 64 bits.
const LONGEST_NANOS: u64 = 86_400_000_000_000;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const START: Mono = Mono::from_nanos(5_000_000_000);

    #[test]
    fn a_steady_stream_has_none_whatever_its_clock() {
        for rate in [8_000_u32, 44_100, 48_000, 90_000] {
            let mut jitter = Jitter::starting_at(rate, START, u32::MAX - 100);
            for packet in 1..2_000_u32 {
                let at = START + Duration::from_millis(20) * packet;
                jitter.take(at, (u32::MAX - 100).wrapping_add(rate / 50 * packet));
            }
            assert_eq!(jitter.units(), 0, "{rate}");
        }
    }

    #[test]
    fn the_estimate_is_that_of_the_appendix() {
        // The appendix in floating point, J += (|D| - J) / 16, over a stream that is now early, now late.
        let mut jitter = Jitter::starting_at(90_000, START, 0);
        let (mut oracle, mut before) = (0.0_f64, 0_i64);
        let mut random = 1_u64;
        for packet in 1..5_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let late_micros = i64::try_from(random >> 33).unwrap() % 30_000;
            let at = START
                + Duration::from_micros(33_333) * packet
                + Duration::from_micros(late_micros.unsigned_abs());
            jitter.take(at, packet * 3_000);
            let difference = f64::from(i32::try_from(late_micros - before).unwrap()).abs() * 0.09;
            oracle += (difference - oracle) / 16.0;
            before = late_micros;
            assert!((f64::from(jitter.units()) - oracle).abs() < 3.0, "{} {oracle}", jitter.units());
        }
        assert!(oracle > 500.0);
    }

    #[test]
    fn wild_clocks_stay_within_their_type() {
        let mut jitter = Jitter::starting_at(u32::MAX, START, 0);
        for packet in 0..100 {
            let at = if packet % 2 == 0 { Mono::NEVER } else { Mono::ZERO };
            jitter.take(at, 0x7fff_ffff_u32.wrapping_mul(packet));
        }
        assert_eq!(jitter.units(), u32::MAX);
    }
}
