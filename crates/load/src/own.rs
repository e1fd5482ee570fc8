//! What this program costs itself: whether a figure says something about the server, or about who measured it.

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::JoinHandle;

/// A thread that looks at its own use of the CPU, second by second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    began: Instant,
    first: Times,
    last_at: Instant,
    last: Times,
    busiest_permille: u64,
}

/// What a thread found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Of a CPU, in all.
    pub(crate) busy_permille: u64,
    /// Of a CPU, in the busiest second.
    pub(crate) busiest_permille: u64,
    /// Time in which it could have run, but others did.
    pub(crate) waited_permille: u64,
}

/// From `/proc/thread-self/schedstat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    ran: Duration,
    waited: Duration,
}

impl Usage {
    /// Of the thread that calls.
    pub(crate) fn begin(now: Instant) -> Self {
        let first = Times::read();
        Self { began: now, first, last_at: now, last: first, busiest_permille: 0 }
    }

    /// To be called often; looks once a second.
    pub(crate) fn sample(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.last_at);
        if passed < SECOND {
            return;
        }
        let times = Times::read();
        let share = permille(times.ran.saturating_sub(self.last.ran), passed);
        self.busiest_permille = self.busiest_permille.max(share);
        (self.last_at, self.last) = (now, times);
    }

    pub(crate) fn load(&mut self, now: Instant) -> Load {
        self.sample(now);
        let (times, passed) = (Times::read(), now.saturating_duration_since(self.began));
        Load {
            busy_permille: permille(times.ran.saturating_sub(self.first.ran), passed),
            busiest_permille: self.busiest_permille,
            waited_permille: permille(times.waited.saturating_sub(self.first.waited), passed),
        }
    }
}

/// Looks after the thread that asks the server, on which it is begun.
#[derive(Debug)]
pub(crate) struct Watch {
    usage: Arc<Mutex<Usage>>,
    looks: JoinHandle<()>,
}

impl Watch {
    /// A task of the runtime, which must have this one thread alone.
    pub(crate) fn begin() -> Self {
        let usage = Arc::new(Mutex::new(Usage::begin(Instant::now())));
        let looked = Arc::clone(&usage);
        let looks = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                looked.lock().sample(Instant::now());
            }
        });
        Self { usage, looks }
    }

    pub(crate) async fn end(self) -> Load {
        self.looks.abort();
        // It is over, in one way or the other.
        let _ = self.looks.await;
        self.usage.lock().load(Instant::now())
    }
}

impl Times {
    /// Zero where the kernel does not say.
    fn read() -> Self {
        fs::read_to_string("/proc/thread-self/schedstat")
            .ok()
            .and_then(|text| Self::of(&text))
            .unwrap_or_default()
    }

    fn of(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().map(|number| number.parse().map(Duration::from_nanos));
        Some(Self { ran: numbers.next()?.ok()?, waited: numbers.next()?.ok()? })
    }
}

/// Datagrams that the kernel dropped because sockets on these ports were full.
pub(crate) fn dropped_by_sockets(ports: &HashSet<u16>) -> u64 {
    ["/proc/self/net/udp", "/proc/self/net/udp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|table| dropped_in(&table, ports))
        .sum()
}

fn dropped_in(table: &str, ports: &HashSet<u16>) -> u64 {
    let dropped = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let port = fields.get(1)?.rsplit(':').next()?;
        let port = u16::from_str_radix(port, 16).ok()?;
        ports.contains(&port).then(|| fields.last()?.parse::<u64>().ok())?
    };
    table.lines().skip(1).filter_map(dropped).sum()
}

/// How many descriptors this process may have; nothing if the kernel does not say or does not care.
pub(crate) fn descriptor_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn permille(part: Duration, whole: Duration) -> u64 {
    let share = part.as_nanos() * 1_000 / whole.as_nanos().max(1);
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// So that each second has its look.
const LOOK: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_times_are_read_and_a_thread_that_works_is_busy() {
        let times = Times::of("123 45 6\n").unwrap();
        assert_eq!(times, Times { ran: Duration::from_nanos(123), waited: Duration::from_nanos(45) });
        assert_eq!(Times::of("nonsense"), None);
        let (began, mut usage) = (Instant::now(), Usage::begin(Instant::now()));
        while Times::read().ran < usage.first.ran + Duration::from_millis(20) {}
        let load = usage.load(began + Duration::from_millis(40));
        assert!(load.busy_permille >= 500, "{load:?}");
    }

    #[test]
    fn drops_are_those_of_our_ports() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  1: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000  0  0 1 2 0000000000000000 11
  2: 0100007F:1F90 0100007F:0035 01 00000000:00000000 00:00000000 00000000  0  0 2 2 0000000000000000 7
";
        assert_eq!(dropped_in(table, &HashSet::from([0x1f90])), 7);
        assert_eq!(dropped_in(table, &HashSet::from([0x1f90, 0x35, 1])), 18);
        assert_eq!(dropped_in("", &HashSet::from([1])), 0);
    }

    #[test]
    fn the_limit_of_descriptors_is_known_here() {
        assert!(descriptor_limit().is_some_and(|limit| limit > 3));
    }
}
