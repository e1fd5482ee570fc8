//! How often anybody may ask: requests of one address in a second.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Requests by address: each has a bucket that fills with so many tokens a second, and holds those of two.
#[derive(Debug)]
pub(crate) struct Rates {
    per_second: u32,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Rates {
    /// 0 is no limit.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second, buckets: Mutex::default() }
    }

    /// Whether this address may ask once more.
    pub(crate) fn admit(&self, address: IpAddr, now: Instant) -> bool {
        self.take(address, 1, now)
    }

    /// Whether this address may make one more handshake of TLS: a signature costs as much as many requests.
    pub(crate) fn admit_handshake(&self, address: IpAddr, now: Instant) -> bool {
        self.take(address, (self.per_second / HANDSHAKES_PER_SECOND).max(1), now)
    }

    fn take(&self, address: IpAddr, tokens: u32, now: Instant) -> bool {
        if self.per_second == 0 {
            return true;
        }
        let per_second = f64::from(self.per_second);
        let most = per_second * 2.0;
        let address = owner(address);
        let mut buckets = self.buckets.lock();
        if buckets.len() >= MOST_ADDRESSES {
            // Who has not asked for so long has a full bucket, which is what one begins with.
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < FULL_AFTER);
        }
        if buckets.len() >= MOST_ADDRESSES && !buckets.contains_key(&address) {
            return false;
        }
        let bucket = buckets.entry(address).or_insert(Bucket { tokens: most, at: now });
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + since * per_second).min(most);
        bucket.at = now;
        let tokens = f64::from(tokens);
        let admitted = bucket.tokens >= tokens;
        if admitted {
            bucket.tokens -= tokens;
        }
        admitted
    }
}

/// Whoever has one address of an IPv6 network has all its 2^64 (RFC 4291 §2.5.4): they count as one. IPv4 is that also
/// where the listener is of IPv6.
pub(super) const fn owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// Of one address that asks nothing else: with 5,000 requests in a second each is 50 of them.
const HANDSHAKES_PER_SECOND: u32 = 100;
/// Addresses that are remembered: some megabytes.
const MOST_ADDRESSES: usize = 65_536;
/// Buckets hold what flows in for two seconds.
const FULL_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_burst_and_then_its_rate_and_others_theirs() {
        let rates = Rates::new(10);
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let start = Instant::now();
        let admitted = |address, at| (0..100).filter(|_| rates.admit(address, at)).count();
        assert_eq!(admitted(one, start), 20);
        assert_eq!(admitted(one, start + Duration::from_millis(500)), 5);
        assert_eq!(admitted(other, start), 20);
        assert_eq!(admitted(one, start + Duration::from_secs(60)), 20);
        let shaking = |rates: &Rates| (0..1_000).filter(|_| rates.admit_handshake(one, start)).count();
        assert_eq!([5_000, 10].map(|rate| shaking(&Rates::new(rate))), [200, 20]);
        let rates = Rates::new(5_000);
        assert!(rates.admit_handshake(one, start));
        assert_eq!((0..20_000).filter(|_| rates.admit(one, start)).count(), 9_950);
        let unlimited = Rates::new(0);
        assert!((0..100).all(|_| unlimited.admit(one, start)));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_mapped_ones_are_many() {
        let rates = Rates::new(1);
        let start = Instant::now();
        let admits = |address: &str| rates.admit(address.parse().unwrap(), start);
        assert!(admits("2001:db8::1") && admits("2001:db8::2") && !admits("2001:db8::3"));
        assert!(admits("2001:db8:0:1::1"));
        assert!(admits("::ffff:192.0.2.1") && admits("192.0.2.1") && !admits("192.0.2.1"));
        assert!(admits("::ffff:192.0.2.2"));
    }

    #[test]
    fn more_addresses_than_can_be_remembered_are_refused_until_some_are_forgotten() {
        let rates = Rates::new(1);
        let start = Instant::now();
        let address = |index: u32| IpAddr::from(index.to_be_bytes());
        let most = u32::try_from(MOST_ADDRESSES).unwrap();
        assert!((0..most).all(|index| rates.admit(address(index), start)));
        assert!(!rates.admit(address(most), start));
        assert!(rates.admit(address(0), start), "one that is known");
        assert!(rates.admit(address(most), start + FULL_AFTER));
    }
}
