//! When a run may go out as one (UDP GSO), and what an error of a send means.
//!
//! A path whose MTU is below the segment size refuses the run with EMSGSIZE (EINVAL before Linux 6.9); the
//! datagrams still go out singly, in fragments. A device without checksum offload refuses any run with EIO. Both
//! are remembered: the path here, the socket by its driver.

use std::net::IpAddr;
use std::time::Duration;

use wire::Mono;

use crate::driver::DriverCounters;

/// What an error of a send means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendFault {
    /// The socket's send buffer, or the device's queue, is full: dropped.
    WouldBlock,
    /// An earlier datagram of this connected socket met a closed port: dropped. The socket goes on.
    Refused,
    /// The path does not take datagrams of this size in a run.
    PathRefusesRun,
    /// The device or route does not take runs at all.
    SocketRefusesRun,
    /// Anything else: dropped.
    Other,
}

impl SendFault {
    /// What `errno` means for a send of one datagram, or of a run.
    pub(crate) const fn of(errno: i32, is_run: bool) -> Self {
        match errno {
            libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM => Self::WouldBlock,
            libc::ECONNREFUSED => Self::Refused,
            libc::EMSGSIZE | libc::EINVAL if is_run => Self::PathRefusesRun,
            libc::EIO if is_run => Self::SocketRefusesRun,
            _ => Self::Other,
        }
    }

    /// Counts `datagrams` as dropped for this reason.
    pub(crate) const fn count(self, counters: &mut DriverCounters, datagrams: u64) {
        match self {
            Self::WouldBlock => counters.dropped_would_block += datagrams,
            Self::Refused => counters.dropped_refused += datagrams,
            Self::PathRefusesRun | Self::SocketRefusesRun | Self::Other => {
                counters.dropped_error += datagrams
            }
        }
    }
}

/// Paths that refused a run, and from which segment size on. Bounded: every address has one place, and a path
/// that shares it with another displaces it, which costs one refused send when it is needed again.
#[derive(Debug)]
pub(crate) struct RefusedPaths {
    places: Vec<Option<RefusedPath>>,
    /// Whether there ever was one; on most machines this stays false.
    any: bool,
}

#[derive(Clone, Copy, Debug)]
struct RefusedPath {
    to: IpAddr,
    segment_size: usize,
    until: Mono,
}

impl RefusedPaths {
    pub(crate) fn new() -> Self {
        Self { places: vec![None; PLACES], any: false }
    }

    /// Whether a run of such segments to `to` is known to be refused.
    #[inline]
    pub(crate) fn refuses(&self, to: IpAddr, segment_size: usize, now: Mono) -> bool {
        self.any && self.find(to).is_some_and(|path| segment_size >= path.segment_size && now < path.until)
    }

    /// Remembers that a run was refused.
    pub(crate) fn remember(&mut self, to: IpAddr, segment_size: usize, now: Mono) {
        let known =
            self.find(to).filter(|path| now < path.until).map_or(usize::MAX, |path| path.segment_size);
        if let Some(place) = self.places.get_mut(place_of(to)) {
            *place =
                Some(RefusedPath { to, segment_size: segment_size.min(known), until: now + REFUSED_FOR });
            self.any = true;
        }
    }

    fn find(&self, to: IpAddr) -> Option<&RefusedPath> {
        self.places.get(place_of(to))?.as_ref().filter(|path| path.to == to)
    }
}

/// Spreads addresses over the places. Addresses chosen to collide gain nothing: see [`RefusedPaths`].
fn place_of(ip: IpAddr) -> usize {
    let bits = match ip {
        IpAddr::V4(v4) => u64::from(v4.to_bits()),
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.segments().map(u64::from);
            (a << 48 | b << 32 | c << 16 | d) ^ (e << 48 | f << 32 | g << 16 | h).rotate_left(29)
        }
    };
    // Fibonacci hashing: the top bits of a product with 2^64 / golden ratio.
    let mixed = bits.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - PLACES.trailing_zeros());
    usize::try_from(mixed).unwrap_or(0)
}

/// Enough for the few paths with a small MTU that a server sees at a time, at 12 KB a driver.
const PLACES: usize = 256;
/// The kernel forgets a learned path MTU after ten minutes (`mtu_expires`), so we try again then.
const REFUSED_FOR: Duration = Duration::from_secs(600);
const _: () = assert!(PLACES.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_path_refuses_from_the_smallest_size_refused_and_for_ten_minutes() {
        let mut paths = RefusedPaths::new();
        let to = "192.0.2.1".parse().unwrap();
        let other = "192.0.2.2".parse().unwrap();
        assert!(!paths.refuses(to, 1200, at(0)));
        paths.remember(to, 1200, at(0));
        paths.remember(to, 1400, at(1));
        assert!(paths.refuses(to, 1200, at(600)) && paths.refuses(to, 1500, at(600)));
        assert!(!paths.refuses(to, 1199, at(0)) && !paths.refuses(other, 1200, at(0)));
        assert!(!paths.refuses(to, 1200, at(601)));
        paths.remember(to, 1400, at(602));
        assert!(!paths.refuses(to, 1200, at(603)), "what expired does not linger");
    }

    #[test]
    fn memory_stays_bounded_and_the_latest_path_is_always_known() {
        let mut paths = RefusedPaths::new();
        for bits in 0..100_000_u32 {
            let to = IpAddr::V6((u128::from(bits) << 40 | 7).into());
            paths.remember(to, 1200, at(0));
            assert!(paths.refuses(to, 1200, at(1)));
        }
        assert_eq!(paths.places.len(), PLACES);
    }

    #[test]
    fn only_a_run_can_be_refused_as_one() {
        for errno in [libc::EMSGSIZE, libc::EINVAL, libc::EIO] {
            assert_eq!(SendFault::of(errno, false), SendFault::Other);
            assert_ne!(SendFault::of(errno, true), SendFault::Other);
        }
        assert_eq!(SendFault::of(libc::ENOBUFS, true), SendFault::WouldBlock);
        assert_eq!(SendFault::of(libc::ECONNREFUSED, true), SendFault::Refused);
    }
}
