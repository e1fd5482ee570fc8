//! How many handshakes each address has begun and not ended.
//!
//! A handshake costs a core what hundreds of packets do, and 30 seconds of memory if the peer leaves it there. Only who
//! has shown a transport's ICE password gets that far; this keeps one such peer, or one whose password got around, from
//! taking the turns of everybody else. Beyond the limit a handshake is put off, not refused: it begins with the peer's
//! next message after another of that address has ended. A handshake that has not heard a hello has no deadline of its
//! own, so one whose peer ICE has lost is not counted either, until that comes back.
//!
//! Invariant: as many entries as there are half-open handshakes at most, so as there are transports.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::BTreeMap;

/// Whom a peer's address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin(IpAddr);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct HalfOpen {
    by_origin: BTreeMap<Origin, u32>,
    total: u64,
}

impl Origin {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            address @ IpAddr::V4(_) => address,
            // One network has them all (RFC 4291 §2.5.4).
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK_MASK).into(),
        })
    }
}

impl HalfOpen {
    /// Counts one more; or none, if the address has as many as it may.
    #[must_use]
    pub(super) fn admit(&mut self, origin: Origin) -> bool {
        if self.by_origin.get(&origin).is_some_and(|count| *count >= PER_ADDRESS_LIMIT) {
            return false;
        }
        self.count(origin);
        true
    }

    /// Counts one that goes on, whatever the limit.
    pub(super) fn count(&mut self, origin: Origin) {
        let count = self.by_origin.entry(origin).or_default();
        *count = count.saturating_add(1);
        self.total = self.total.saturating_add(1);
    }

    /// One of that address has ended, or its peer is gone.
    pub(super) fn release(&mut self, origin: Origin) {
        let Some(count) = self.by_origin.get_mut(&origin) else { return };
        *count = count.saturating_sub(1);
        self.total = self.total.saturating_sub(1);
        if *count == 0 {
            self.by_origin.remove(&origin);
        }
    }

    /// All of them.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }
}

/// For each shard. A storm of joins from behind one address has that many under way at once; at a fifth of a
/// millisecond for each of two steps they are through in a tenth of a second, before anybody's second try.
const PER_ADDRESS_LIMIT: u32 = 256;
const NETWORK_MASK: u128 = u128::MAX << 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Origin {
        Origin::of(address.parse().unwrap())
    }

    #[test]
    fn an_address_has_its_limit_and_no_other_feels_it() {
        let mut half_open = HalfOpen::default();
        let (flood, other) = (origin("192.0.2.1"), origin("192.0.2.2"));
        for _ in 0..PER_ADDRESS_LIMIT {
            assert!(half_open.admit(flood));
        }
        assert!(!half_open.admit(flood) && half_open.admit(other));
        half_open.release(flood);
        assert!(half_open.admit(flood) && !half_open.admit(flood));
        assert_eq!(half_open.total(), u64::from(PER_ADDRESS_LIMIT) + 1);
        for _ in 0..PER_ADDRESS_LIMIT {
            half_open.release(flood);
        }
        half_open.release(other);
        half_open.release(other);
        assert!(half_open.by_origin.is_empty() && half_open.total() == 0);
    }

    #[test]
    fn an_address_is_one_however_it_is_written() {
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_eq!(origin("2001:db8:1:2::1"), origin("2001:db8:1:2:ffff::9"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
    }
}
