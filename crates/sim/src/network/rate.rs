//! A link that carries so many bits per second, and the bounded queue in front of it.

use core::time::Duration;

use wire::Mono;

/// What a link carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bits per second; not zero.
    pub bits_per_second: u64,
    /// Bytes that wait at most, the packet under way included. A packet that does not fit is dropped.
    pub queue_bytes: usize,
}

/// A link at work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    rate: Rate,
    /// When it has sent all that it took.
    free_at: Mono,
}

impl Link {
    pub(super) const fn new(rate: Rate) -> Self {
        Self { rate, free_at: Mono::ZERO }
    }

    /// When the last bit of a packet has left, or nothing if the queue has no room for it.
    pub(super) fn pass(&mut self, now: Mono, len: usize) -> Option<Mono> {
        // What waits is what the link still needs time for.
        let waiting_bits = self.free_at.since(now).as_nanos() * u128::from(self.rate.bits_per_second) / NANOS;
        let room_bits = (self.rate.queue_bytes as u128).saturating_mul(8);
        if waiting_bits + on_the_wire_bits(len) > room_bits {
            return None;
        }
        let takes = on_the_wire_bits(len) * NANOS / u128::from(self.rate.bits_per_second.max(1));
        let takes = Duration::from_nanos(u64::try_from(takes).unwrap_or(u64::MAX));
        self.free_at = self.free_at.max(now) + takes;
        Some(self.free_at)
    }
}

const fn on_the_wire_bits(len: usize) -> u128 {
    (len as u128 + HEADER_BYTES as u128) * 8
}

const NANOS: u128 = 1_000_000_000;
/// IPv4 and UDP without options: a link carries them, too.
const HEADER_BYTES: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_leave_one_after_another_and_the_queue_is_bounded() {
        // A kilobyte a millisecond.
        let mut link = Link::new(Rate { bits_per_second: 8_000_000, queue_bytes: 3_000 });
        let millis = |millis: u64| Mono::from_nanos(millis * 1_000_000);
        let sent: Vec<_> = (0..4).map(|_| link.pass(millis(10), 972)).collect();
        assert_eq!(sent, [Some(millis(11)), Some(millis(12)), Some(millis(13)), None]);
        assert_eq!(link.pass(millis(11), 972), Some(millis(14)), "one has left");
        assert_eq!(link.pass(millis(100), 972), Some(millis(101)), "nothing is left of old times");
    }
}
